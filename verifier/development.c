#include "development.h"

#include <string.h>
#include "host/keccak.h"

hf_fr hf_development_tau(const char *text) {
  uint8_t hash[32];
  hf_fr tau = hf_fr_zero();
  hf_keccak256(text, strlen(text), hash);
  hash[0] &= 0x1f; /* below 2^253 < r */
  hf_fr_from_bytes_be(hash, &tau);
  return tau;
}

bool hf_development_setup(hf_g2 tau_g2) {
  return hf_g2_eq(tau_g2, hf_g2_mul(hf_g2_generator(), hf_development_tau(HF_SRS_DEVELOPMENT_SECRET)));
}
