/* Eight field elements at a time, each function against big integers, at the ends of what it allows. This file is compiled
 * for any processor, so that it can say that the test does not run here. */
#include "support.h"

void hf_fr8_check(void); /* field8_check.c */
void hf_fq8_check(void);

static bool runs_here(void) {
  hf_backend_options options = {.threads = 1, .variant = "ifma"};
  hf_backend *k;
  if (hf_backend_create("cpu", &options, &k) != HF_OK) return false;
  hf_backend_destroy(&k);
  return true;
}

Test(cpu_field8, fr) {
  if (!runs_here()) cr_skip_test("this processor has no AVX-512 IFMA");
  hf_fr8_check();
}

Test(cpu_field8, fq) {
  if (!runs_here()) cr_skip_test("this processor has no AVX-512 IFMA");
  hf_fq8_check();
}
