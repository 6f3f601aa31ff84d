/* Integers of 256 bits in the limbs of field elements, not in Montgomery form. */
#ifndef HF_TESTS_LIMBS_H
#define HF_TESTS_LIMBS_H

#include "arith/fr.h"

/* x + y, which must be below 2^256. */
static inline hf_fr limbs_plus(hf_fr x, hf_fr y) {
  unsigned __int128 carry = 0;
  for (int i = 0; i < 4; i++) {
    carry += (unsigned __int128)x.l[i] + y.l[i];
    x.l[i] = (uint64_t)carry;
    carry >>= 64;
  }
  return x;
}

/* The modulus r, which no element has. */
static inline hf_fr limbs_of_r(void) {
  hf_fr l = hf_fr_to_limbs(hf_fr_neg(hf_fr_one()));
  l.l[0]++; /* r is odd */
  return l;
}

#endif
