/* Files of setups: what is loaded lies within the file; the check of small ones says yes or no. */
#include <string.h>
#include "fuzz_file.h"
#include "srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hf_backend *backend;

static void require(bool holds) {
  if (!holds) abort();
}

static void check(const char *path, size_t size) {
  hf_srs *srs;
  bool ok = true;
  if (hf_srs_load(path, &srs) != HF_OK) {
    require(!srs);
    return;
  }
  require(srs->count >= 2 && srs->count <= size / sizeof(hf_g1) && srs->name[HF_SRS_NAME - 1] == 0);
  require(hf_g2_on_curve(srs->tau_g2) && hf_g2_in_subgroup(srs->tau_g2));
  hf_g1 sum = hf_g1_infinity();
  for (size_t i = 0; i < srs->count; i++) sum.x.l[0] ^= srs->points[i].y.l[3]; /* all of it can be read */
  if (srs->count <= 32 && hf_srs_check(srs, backend, &ok) == HF_OK && ok)
    require(hf_g1_eq(srs->points[0], hf_g1_generator()) && hf_g1_on_curve(srs->points[1]));
  hf_srs_destroy(&srs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  if (!backend) require(hf_backend_create("cpu", &(hf_backend_options){.threads = 1}, &backend) == HF_OK);
  for (int raw = 0; raw < 2; raw++) {
    int fd = fuzz_file(raw ? NULL : HF_SRS_KIND, HF_SRS_VERSION, data, size, path);
    check(path, size);
    close(fd);
  }
  return 0;
}
