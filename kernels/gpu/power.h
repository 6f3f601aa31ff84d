/* A table of powers as kernels read it. */
#ifndef HF_GPU_POWER_H
#define HF_GPU_POWER_H
#include "arith/fr.h"
#include "kernels.h"
#include "lang.h"

/* x^e, e < 2^(2 HF_POWERS_LOG). All roots of a tile's stages, and all of transforms of up to 2^HF_POWERS_LOG, have low = 0: no
 * multiplication. */
HF_FN hf_fr hf_power(HF_GLOBAL const hf_fr *table, hf_u32 e) {
  hf_u32 low = e & (HF_POWERS_SIZE - 1), high = e >> HF_POWERS_LOG;
  if (low == 0) return table[HF_POWERS_SIZE + high];
  if (high == 0) return table[low];
  return hf_fr_mul(table[low], table[HF_POWERS_SIZE + high]);
}

#endif
