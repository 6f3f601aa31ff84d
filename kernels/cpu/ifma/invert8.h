/* Inverses of many elements of Fr for one inversion, eight at a time. */
#ifndef HF_CPU_IFMA_INVERT8_H
#define HF_CPU_IFMA_INVERT8_H
#include "field8_fr.h"

/* x[i] = 1 / x[i] in the 2^260 form, 0 for 0; x in the closed set, before and after. prefix: `count` vectors. */
HF_FN void hf_fr8_invert_all(hf_fr8 *x, size_t count, hf_fr8 *prefix) {
  const hf_fr8 one = hf_fr8_broadcast_form(hf_fr_one());
  hf_fr8 chain[HF_CHAINS8];
  for (int c = 0; c < HF_CHAINS8; c++) chain[c] = one;
  for (size_t i = 0; i < count; i++) {
    x[i] = hf_fr8_canonical_closed(x[i]);
    prefix[i] = chain[i % HF_CHAINS8];
    chain[i % HF_CHAINS8] = hf_fr8_mul(chain[i % HF_CHAINS8], hf_fr8_select(hf_fr8_zero_mask(x[i]), x[i], one));
  }
  (void)hf_fr8_invert_chains(chain);
  for (size_t i = count; i-- > 0;) {
    hf_fr8 *inverse = &chain[i % HF_CHAINS8];
    __mmask8 zero = hf_fr8_zero_mask(x[i]);
    hf_fr8 own = hf_fr8_mul(*inverse, prefix[i]);
    *inverse = hf_fr8_mul(*inverse, hf_fr8_select(zero, x[i], one));
    x[i] = hf_fr8_select(zero, own, hf_fr8_zero());
  }
}

#endif
