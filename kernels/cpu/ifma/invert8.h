/* Inverses of many elements of Fr for one inversion, eight at a time. */
#ifndef HF_CPU_IFMA_INVERT8_H
#define HF_CPU_IFMA_INVERT8_H
#include "field8_fr.h"

#define HF_INVERT8_CHAINS 4 /* a product waits for the one before it: several go side by side */

HF_FN __mmask8 hf_fr8_zero_mask(hf_fr8 a) { /* canonical */
  __m512i any = _mm512_or_si512(_mm512_or_si512(a.l[0], a.l[1]), _mm512_or_si512(a.l[2], a.l[3]));
  return _mm512_testn_epi64_mask(_mm512_or_si512(any, a.l[4]), _mm512_or_si512(any, a.l[4]));
}

HF_FN hf_fr8 hf_fr8_select(__mmask8 second, hf_fr8 a, hf_fr8 b) {
  for (int i = 0; i < 5; i++) a.l[i] = _mm512_mask_mov_epi64(a.l[i], second, b.l[i]);
  return a;
}

/* x[i] = 1 / x[i] in the 2^260 form, 0 for 0; x in the closed set, before and after. prefix: `count` vectors. */
HF_FN void hf_fr8_invert_all(hf_fr8 *x, size_t count, hf_fr8 *prefix) {
  const hf_fr8 one = hf_fr8_broadcast_form(hf_fr_one());
  hf_fr8 product[HF_INVERT8_CHAINS];
  hf_fr lanes[8], before[8], all = hf_fr_one();
  for (int c = 0; c < HF_INVERT8_CHAINS; c++) product[c] = one;
  for (size_t i = 0; i < count; i++) {
    x[i] = hf_fr8_canonical_closed(x[i]);
    prefix[i] = product[i % HF_INVERT8_CHAINS];
    product[i % HF_INVERT8_CHAINS] =
        hf_fr8_mul(product[i % HF_INVERT8_CHAINS], hf_fr8_select(hf_fr8_zero_mask(x[i]), x[i], one));
  }
  hf_fr8 low = hf_fr8_mul(product[0], product[1]), high = hf_fr8_mul(product[2], product[3]);
  hf_fr8_store_form(lanes, hf_fr8_mul(low, high));
  for (int k = 0; k < 8; k++) {
    before[k] = all;
    all = hf_fr_mul(all, lanes[k]);
  }
  all = hf_fr_inv(all);
  for (int k = 8; k-- > 0;) {
    hf_fr own = hf_fr_mul(all, before[k]);
    all = hf_fr_mul(all, lanes[k]);
    lanes[k] = own;
  }
  hf_fr8 both = hf_fr8_load_form(lanes), of_low = hf_fr8_mul(both, high), of_high = hf_fr8_mul(both, low);
  hf_fr8 first = product[0], third = product[2];
  product[0] = hf_fr8_mul(of_low, product[1]);
  product[1] = hf_fr8_mul(of_low, first);
  product[2] = hf_fr8_mul(of_high, product[3]);
  product[3] = hf_fr8_mul(of_high, third);
  for (size_t i = count; i-- > 0;) {
    hf_fr8 *inverse = &product[i % HF_INVERT8_CHAINS];
    __mmask8 zero = hf_fr8_zero_mask(x[i]);
    hf_fr8 own = hf_fr8_mul(*inverse, prefix[i]);
    *inverse = hf_fr8_mul(*inverse, hf_fr8_select(zero, x[i], one));
    x[i] = hf_fr8_select(zero, own, hf_fr8_zero());
  }
}

#endif
