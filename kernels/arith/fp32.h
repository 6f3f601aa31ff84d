/* The heart of a prime field on processors whose words have 32 bits: fp.h includes this, with the same names defined.
 * An element is the same 32 bytes as everywhere.
 *
 * A product of two words takes two words, so the products with words of even and odd number of one operand are summed in two
 * accumulators, where neighbours never overlap: each is one chain of carries, low and high half in turn. The value is
 * even + 2^32 odd. When a multiple of p has made the lowest word zero, the division by 2^32 turns the odd accumulator into the
 * even one, and what was the even one, two words down, into the odd one; that shift is part of the next chain.
 * Bounds: before the division the value is below 2^33 p < 2^287, so the odd accumulator is below 2^255 and nothing leaves it,
 * and the carry out of the even one (2^256) is added to its highest word.
 *
 * A multiplication is 64 + 64 products and 8 words that clear: for sm_90 ptxas makes of it 120 wide multiply-adds (low and high
 * half in one, two slots each), 8 high halves, 8 low products, 45 additions and 8 selections, and not one move: about 264 slots
 * of the multiplier, the additions beside it. A square has 28 products of different words and 8 squares in place of 64: 91 wide
 * ones, 10 high halves, 10 low ones, 65 additions.
 */
#include "carry32.h"

#define HF_FP_WORDS(x0, x1, x2, x3)                                                                         \
  {(hf_u32)(x0), (hf_u32)((x0) >> 32), (hf_u32)(x1), (hf_u32)((x1) >> 32),                                  \
   (hf_u32)(x2), (hf_u32)((x2) >> 32), (hf_u32)(x3), (hf_u32)((x3) >> 32)}
#define HF_FP_P_WORDS HF_FP_WORDS(HF_FP_P0, HF_FP_P1, HF_FP_P2, HF_FP_P3)

HF_FN HF_FP_T HF_FP(of_words)(const hf_u32 *w) {
  HF_FP_T z;
  HF_UNROLL
  for (int i = 0; i < 4; i++) z.l[i] = w[2 * i] | (hf_u64)w[2 * i + 1] << 32;
  return z;
}

/* w - p if w >= p; for w < 2p. */
HF_FN HF_FP_T HF_FP(of_words_reduced)(const hf_u32 *w) {
  const hf_u32 p[8] = HF_FP_P_WORDS;
  hf_u32 s[8], cc = 0;
  s[0] = hf_sub_cc(w[0], p[0], &cc);
  HF_UNROLL
  for (int i = 1; i < 8; i++) s[i] = hf_subc_cc(w[i], p[i], &cc);
  hf_u32 below = hf_subc(0, 0, &cc);
  HF_UNROLL
  for (int i = 0; i < 8; i++) s[i] = below ? w[i] : s[i];
  return HF_FP(of_words)(s);
}

HF_FN HF_FP_T HF_FP(reduce_once)(HF_FP_T a) {
  const hf_u32 x[8] = HF_FP_WORDS(a.l[0], a.l[1], a.l[2], a.l[3]);
  return HF_FP(of_words_reduced)(x);
}

HF_FN HF_FP_T HF_FP(add)(HF_FP_T a, HF_FP_T b) {
  const hf_u32 x[8] = HF_FP_WORDS(a.l[0], a.l[1], a.l[2], a.l[3]), y[8] = HF_FP_WORDS(b.l[0], b.l[1], b.l[2], b.l[3]);
  hf_u32 s[8], cc = 0;
  s[0] = hf_add_cc(x[0], y[0], &cc);
  HF_UNROLL
  for (int i = 1; i < 7; i++) s[i] = hf_addc_cc(x[i], y[i], &cc);
  s[7] = hf_addc(x[7], y[7], &cc); /* < 2^255 */
  return HF_FP(of_words_reduced)(s);
}

HF_FN HF_FP_T HF_FP(sub)(HF_FP_T a, HF_FP_T b) {
  const hf_u32 x[8] = HF_FP_WORDS(a.l[0], a.l[1], a.l[2], a.l[3]), y[8] = HF_FP_WORDS(b.l[0], b.l[1], b.l[2], b.l[3]);
  const hf_u32 p[8] = HF_FP_P_WORDS;
  hf_u32 s[8], cc = 0;
  s[0] = hf_sub_cc(x[0], y[0], &cc);
  HF_UNROLL
  for (int i = 1; i < 8; i++) s[i] = hf_subc_cc(x[i], y[i], &cc);
  hf_u32 negative = hf_subc(0, 0, &cc);
  s[0] = hf_add_cc(s[0], p[0] & negative, &cc);
  HF_UNROLL
  for (int i = 1; i < 7; i++) s[i] = hf_addc_cc(s[i], p[i] & negative, &cc);
  s[7] = hf_addc(s[7], p[7] & negative, &cc);
  return HF_FP(of_words)(s);
}

/* x[j] y at words j and j + 1 of acc, j = 0, 2, 4, 6 */
HF_FN void HF_FP(row)(hf_u32 *acc, const hf_u32 *x, hf_u32 y) {
  HF_UNROLL
  for (int j = 0; j < 8; j += 2) {
    hf_u64 product = (hf_u64)x[j] * y;
    acc[j] = (hf_u32)product;
    acc[j + 1] = (hf_u32)(product >> 32);
  }
}

/* The same, added; the flag is what leaves acc. */
HF_FN void HF_FP(row_add)(hf_u32 *acc, const hf_u32 *x, hf_u32 y, hf_u32 *cc) {
  acc[0] = hf_mad_lo_cc(x[0], y, acc[0], cc);
  acc[1] = hf_madc_hi_cc(x[0], y, acc[1], cc);
  HF_UNROLL
  for (int j = 2; j < 8; j += 2) {
    acc[j] = hf_madc_lo_cc(x[j], y, acc[j], cc);
    acc[j + 1] = hf_madc_hi_cc(x[j], y, acc[j + 1], cc);
  }
}

/* acc / 2^64, the flag, and the products */
HF_FN void HF_FP(row_shift)(hf_u32 *acc, const hf_u32 *x, hf_u32 y, hf_u32 *cc) {
  HF_UNROLL
  for (int j = 0; j < 6; j += 2) {
    acc[j] = hf_madc_lo_cc(x[j], y, acc[j + 2], cc);
    acc[j + 1] = hf_madc_hi_cc(x[j], y, acc[j + 3], cc);
  }
  acc[6] = hf_madc_lo_cc(x[6], y, 0, cc);
  acc[7] = hf_madc_hi(x[6], y, 0, cc);
}

/* A multiple of p is added that makes the lowest word of even + 2^32 odd zero. */
HF_FN void HF_FP(clear_word)(hf_u32 *even, hf_u32 *odd) {
  const hf_u32 p[8] = HF_FP_P_WORDS;
  hf_u32 m = even[0] * (hf_u32)HF_FP_N0, cc = 0;
  HF_FP(row_add)(odd, p + 1, m, &cc);
  HF_FP(row_add)(even, p, m, &cc);
  odd[7] = hf_addc(odd[7], 0, &cc);
}

/* even + 2^32 odd, with the lowest word zero, is divided by 2^32, and a multiple of p makes the next word zero; the
 * accumulators change places. */
HF_FN void HF_FP(clear_next)(hf_u32 *odd, hf_u32 *even) {
  const hf_u32 p[8] = HF_FP_P_WORDS;
  hf_u32 cc = 0;
  even[0] = hf_add_cc(even[0], odd[1], &cc);
  hf_u32 m = even[0] * (hf_u32)HF_FP_N0;
  HF_FP(row_shift)(odd, p + 1, m, &cc);
  HF_FP(row_add)(even, p, m, &cc);
  odd[7] = hf_addc(odd[7], 0, &cc);
}

/* even + 2^32 odd, with the lowest word zero, is divided by 2^32 and x y added; the accumulators change places. */
HF_FN void HF_FP(next_word)(hf_u32 *odd, hf_u32 *even, const hf_u32 *x, hf_u32 y) {
  hf_u32 cc = 0;
  even[0] = hf_add_cc(even[0], odd[1], &cc);
  HF_FP(row_shift)(odd, x + 1, y, &cc);
  HF_FP(row_add)(even, x, y, &cc);
  odd[7] = hf_addc(odd[7], 0, &cc);
}

HF_FP_MUL_FN HF_FP_T HF_FP(mul)(HF_FP_T a, HF_FP_T b) {
  const hf_u32 x[8] = HF_FP_WORDS(a.l[0], a.l[1], a.l[2], a.l[3]), y[8] = HF_FP_WORDS(b.l[0], b.l[1], b.l[2], b.l[3]);
  hf_u32 even[8], odd[8], cc = 0;
  HF_FP(row)(even, x, y[0]);
  HF_FP(row)(odd, x + 1, y[0]);
  HF_FP(clear_word)(even, odd);
  HF_UNROLL
  for (int i = 1; i < 8; i += 2) {
    HF_FP(next_word)(even, odd, x, y[i]); /* now odd + 2^32 even */
    HF_FP(clear_word)(odd, even);
    if (i == 7) break;
    HF_FP(next_word)(odd, even, x, y[i + 1]);
    HF_FP(clear_word)(even, odd);
  }
  /* odd + 2^32 even, odd[0] = 0 */
  even[0] = hf_add_cc(even[0], odd[1], &cc);
  HF_UNROLL
  for (int j = 1; j < 7; j++) even[j] = hf_addc_cc(even[j], odd[j + 1], &cc);
  even[7] = hf_addc(even[7], 0, &cc);
  return HF_FP(of_words_reduced)(even);
}

/* Adds y x[0], y x[2], ... (`count` of them) at words 0, 2, ... of acc; the flag is what leaves them. */
HF_FN void HF_FP(part_add)(hf_u32 *acc, const hf_u32 *x, hf_u32 y, int count, hf_u32 *cc) {
  acc[0] = hf_mad_lo_cc(x[0], y, acc[0], cc);
  acc[1] = hf_madc_hi_cc(x[0], y, acc[1], cc);
  HF_UNROLL
  for (int j = 2; j < 2 * count; j += 2) {
    acc[j] = hf_madc_lo_cc(x[j], y, acc[j], cc);
    acc[j + 1] = hf_madc_hi_cc(x[j], y, acc[j + 1], cc);
  }
}

/* t = x^2: products of different words once, doubled, and the squares. */
HF_FN void HF_FP(square_words)(hf_u32 *t, const hf_u32 *x) {
  hf_u32 odd[14], even[12], cc = 0; /* from word 1 and word 2 on */
  HF_UNROLL
  for (int i = 0; i < 14; i++) odd[i] = 0;
  HF_UNROLL
  for (int i = 0; i < 12; i++) even[i] = 0;
  /* Row i has x[i] x[j], j > i, from word 2i + 1 on. Where it ends below the row before, its carry goes one word up. */
  HF_FP(part_add)(odd, x + 1, x[0], 4, &cc);
  HF_FP(part_add)(odd + 2, x + 2, x[1], 3, &cc);
  odd[8] = hf_addc(0, 0, &cc);
  HF_FP(part_add)(odd + 4, x + 3, x[2], 3, &cc);
  HF_FP(part_add)(odd + 6, x + 4, x[3], 2, &cc);
  odd[10] = hf_addc(0, 0, &cc);
  HF_FP(part_add)(odd + 8, x + 5, x[4], 2, &cc);
  HF_FP(part_add)(odd + 10, x + 6, x[5], 1, &cc);
  odd[12] = hf_addc(0, 0, &cc);
  HF_FP(part_add)(odd + 12, x + 7, x[6], 1, &cc);
  HF_FP(part_add)(even, x + 2, x[0], 3, &cc);
  HF_FP(part_add)(even + 2, x + 3, x[1], 3, &cc);
  HF_FP(part_add)(even + 4, x + 4, x[2], 2, &cc);
  even[8] = hf_addc(0, 0, &cc);
  HF_FP(part_add)(even + 6, x + 5, x[3], 2, &cc);
  HF_FP(part_add)(even + 8, x + 6, x[4], 1, &cc);
  even[10] = hf_addc(0, 0, &cc);
  HF_FP(part_add)(even + 10, x + 7, x[5], 1, &cc);
  odd[1] = hf_add_cc(odd[1], even[0], &cc);
  HF_UNROLL
  for (int i = 1; i < 12; i++) odd[i + 1] = hf_addc_cc(odd[i + 1], even[i], &cc);
  odd[13] = hf_addc(odd[13], 0, &cc); /* x[7] < 2^30: word 15 stays zero */
  t[0] = 0;
  t[1] = hf_add_cc(odd[0], odd[0], &cc);
  HF_UNROLL
  for (int i = 1; i < 14; i++) t[i + 1] = hf_addc_cc(odd[i], odd[i], &cc);
  t[15] = hf_addc(0, 0, &cc);
  t[0] = hf_mad_lo_cc(x[0], x[0], t[0], &cc);
  t[1] = hf_madc_hi_cc(x[0], x[0], t[1], &cc);
  HF_UNROLL
  for (int i = 1; i < 8; i++) {
    t[2 * i] = hf_madc_lo_cc(x[i], x[i], t[2 * i], &cc);
    t[2 * i + 1] = hf_madc_hi_cc(x[i], x[i], t[2 * i + 1], &cc);
  }
}

HF_FP_MUL_FN HF_FP_T HF_FP(sqr)(HF_FP_T a) {
  const hf_u32 x[8] = HF_FP_WORDS(a.l[0], a.l[1], a.l[2], a.l[3]), p[8] = HF_FP_P_WORDS;
  hf_u32 t[16], odd[8], cc = 0;
  HF_FP(square_words)(t, x);
  hf_u32 m = t[0] * (hf_u32)HF_FP_N0;
  HF_FP(row)(odd, p + 1, m);
  HF_FP(row_add)(t, p, m, &cc);
  odd[7] = hf_addc(odd[7], 0, &cc);
  HF_UNROLL
  for (int i = 1; i < 8; i += 2) {
    HF_FP(clear_next)(t, odd);
    if (i < 7) HF_FP(clear_next)(odd, t);
  }
  /* odd + 2^32 t[0..7], odd[0] = 0, and the upper half of the square */
  t[0] = hf_add_cc(t[0], odd[1], &cc);
  HF_UNROLL
  for (int j = 1; j < 7; j++) t[j] = hf_addc_cc(t[j], odd[j + 1], &cc);
  t[7] = hf_addc(t[7], 0, &cc);
  t[0] = hf_add_cc(t[0], t[8], &cc);
  HF_UNROLL
  for (int j = 1; j < 7; j++) t[j] = hf_addc_cc(t[j], t[j + 8], &cc);
  t[7] = hf_addc(t[7], t[15], &cc);
  return HF_FP(of_words_reduced)(t);
}

#undef HF_FP_WORDS
#undef HF_FP_P_WORDS
