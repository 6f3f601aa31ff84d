/* Points and signatures from arbitrary bytes: what is accepted must be valid and must
 * write the same bytes back. */
#include <stdlib.h>
#include <string.h>
#include "host/babyjub.h"
#include "host/eddsa.h"
#include "host/g1.h"
#include "host/g2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  uint8_t in[HF_G2_BYTES] = {0}, back[HF_G2_BYTES];
  hf_g1 p;
  hf_g2 q;
  hf_bjj b;
  hf_eddsa_signature s;
  memcpy(in, data, size < sizeof in ? size : sizeof in);
  if (hf_g1_from_bytes(in, true, &p) == HF_OK) {
    require(hf_g1_is_infinity(p) || hf_g1_on_curve(p));
    hf_g1_to_bytes(p, back);
    require(memcmp(in, back, 64) == 0);
  }
  if (hf_g2_from_bytes(in, true, &q) == HF_OK) {
    require(hf_g2_is_infinity(q) || (hf_g2_on_curve(q) && hf_g2_in_subgroup(q)));
    hf_g2_to_bytes(q, back);
    require(memcmp(in, back, HF_G2_BYTES) == 0);
  }
  if (hf_bjj_decompress(in, &b) == HF_OK) {
    require(hf_bjj_on_curve(b));
    hf_bjj_compress(b, back);
    require(memcmp(in, back, 32) == 0);
  }
  if (hf_eddsa_signature_from_bytes(in, &s) == HF_OK) {
    hf_eddsa_signature_to_bytes(&s, back);
    require(memcmp(in, back, HF_EDDSA_SIGNATURE_BYTES) == 0);
  }
  return 0;
}
