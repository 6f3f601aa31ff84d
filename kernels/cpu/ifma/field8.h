/* A prime field of 254 bits, eight elements at a time, for AVX-512 with IFMA; a template.
 *
 * Include with these defined (field8_fr.h and field8_fq.h do):
 *   HF_F8_T, HF_F8(name)   the vector type and its prefix: hf_fr8, hf_fr8_mul
 *   HF_F8_S, HF_F8_S1(f)   the scalar type and its prefix: hf_fr, hf_fr_mul
 *   HF_F8_P(i)             limb i of the modulus p in base 2^52
 *   HF_F8_N0               -p^-1 mod 2^52
 *
 * Five limbs of 52 bits, limb i of all eight elements in one register: nothing in here shuffles but load, store and
 * transpose. Multiplication is Montgomery's with 2^260, so its natural form is x * 2^260; memory holds x * 2^256
 * (arith/fp.h). load_form takes the one to the other for nothing, store_form costs a multiplication; load and store
 * leave the form alone, which is what linear maps with constants in the 2^260 form want.
 *
 * Values are lazy: 2^260 is 84.6 p, and a product of a and b is below a b / 2^260 + p. What each function takes and
 * gives is said in multiples of p. "Tidy" means limbs in [0, 2^52); other limbs are signed and have room for a few
 * hundred additions. Multiplications want tidy operands.
 */

typedef struct HF_F8_T {
  __m512i l[5];
} HF_F8_T;

/* Always: a value that is handed over in memory costs more than an addition. */
#define HF_F8_FN   HF_FN __attribute__((always_inline))
#define HF_F8_MASK _mm512_set1_epi64(0xfffffffffffffll)

HF_F8_FN HF_F8_T HF_F8(zero)(void) {
  HF_F8_T z;
  for (int i = 0; i < 5; i++) z.l[i] = _mm512_setzero_si512();
  return z;
}

/* k p in every element, tidy; k < 84. */
HF_F8_FN HF_F8_T HF_F8(multiple)(unsigned k) {
  const uint64_t p[5] = {HF_F8_P(0), HF_F8_P(1), HF_F8_P(2), HF_F8_P(3), HF_F8_P(4)};
  HF_F8_T z;
  uint64_t carry = 0;
  for (int i = 0; i < 5; i++) {
    uint64_t t = p[i] * k + carry; /* k < 2^7 */
    z.l[i] = _mm512_set1_epi64((long long)(t & 0xfffffffffffffull));
    carry = t >> 52;
  }
  return z;
}

/* Limb by limb; nothing is carried. */
HF_F8_FN HF_F8_T HF_F8(add_lazy)(HF_F8_T a, HF_F8_T b) {
  for (int i = 0; i < 5; i++) a.l[i] = _mm512_add_epi64(a.l[i], b.l[i]);
  return a;
}

HF_F8_FN HF_F8_T HF_F8(sub_lazy)(HF_F8_T a, HF_F8_T b) {
  for (int i = 0; i < 5; i++) a.l[i] = _mm512_sub_epi64(a.l[i], b.l[i]);
  return a;
}

/* The same values with limbs in [0, 2^52); a value below zero keeps its sign in the top limb. */
HF_F8_FN HF_F8_T HF_F8(tidy)(HF_F8_T a) {
  for (int i = 0; i < 4; i++) {
    a.l[i + 1] = _mm512_add_epi64(a.l[i + 1], _mm512_srai_epi64(a.l[i], 52));
    a.l[i] = _mm512_and_si512(a.l[i], HF_F8_MASK);
  }
  return a;
}

/* x < 84.6 p, tidy -> the same modulo p, below 1.65 p, tidy.
 * With t = the top limb, q = floor(84 t / 2^52) is at most x / p and misses it by less than 1.65. */
HF_F8_FN HF_F8_T HF_F8(reduce)(HF_F8_T x) {
  const uint64_t p[5] = {HF_F8_P(0), HF_F8_P(1), HF_F8_P(2), HF_F8_P(3), HF_F8_P(4)};
  __m512i q = _mm512_madd52hi_epu64(_mm512_setzero_si512(), x.l[4], _mm512_set1_epi64(84));
  for (int i = 0; i < 5; i++) { /* q (2^260 - p), and 2^260 falls out at the top */
    uint64_t c = (i == 0 ? 0x10000000000000ull : 0xfffffffffffffull) - p[i];
    __m512i complement = _mm512_set1_epi64((long long)c);
    x.l[i] = _mm512_madd52lo_epu64(x.l[i], q, complement);
    if (i < 4) x.l[i + 1] = _mm512_madd52hi_epu64(x.l[i + 1], q, complement);
  }
  x = HF_F8(tidy)(x);
  x.l[4] = _mm512_and_si512(x.l[4], HF_F8_MASK);
  return x;
}

/* Tidy a < 2 p -> a mod p, tidy. */
HF_F8_FN HF_F8_T HF_F8(canonical)(HF_F8_T a) {
  HF_F8_T d = HF_F8(tidy)(HF_F8(sub_lazy)(a, HF_F8(multiple)(1)));
  __mmask8 below = _mm512_movepi64_mask(d.l[4]);
  for (int i = 0; i < 5; i++) d.l[i] = _mm512_mask_mov_epi64(d.l[i], below, a.l[i]);
  return d;
}

/* The same for the closed set below, which reaches a little beyond 2 p and has zero as 2 p too. */
HF_F8_FN HF_F8_T HF_F8(canonical_closed)(HF_F8_T a) {
  HF_F8_T d = HF_F8(tidy)(HF_F8(sub_lazy)(a, HF_F8(multiple)(2)));
  __mmask8 below = _mm512_movepi64_mask(d.l[4]);
  for (int i = 0; i < 5; i++) d.l[i] = _mm512_mask_mov_epi64(d.l[i], below, a.l[i]);
  return HF_F8(canonical)(d);
}

/* a b / 2^260, below a b / 2^260 + p; a and b tidy, the result not (limbs below 2^57). */
HF_F8_FN HF_F8_T HF_F8(mul_lazy)(HF_F8_T a, HF_F8_T b) {
  const __m512i zero = _mm512_setzero_si512(), n0 = _mm512_set1_epi64((long long)HF_F8_N0);
  const __m512i p[5] = {_mm512_set1_epi64((long long)HF_F8_P(0)), _mm512_set1_epi64((long long)HF_F8_P(1)),
                        _mm512_set1_epi64((long long)HF_F8_P(2)), _mm512_set1_epi64((long long)HF_F8_P(3)),
                        _mm512_set1_epi64((long long)HF_F8_P(4))};
  __m512i t0 = zero, t1 = zero, t2 = zero, t3 = zero, t4 = zero, t5;
#define HF_F8_ROUND(I)                                                                                       \
  do {                                                                                                       \
    __m512i m, y = b.l[I];                                                                                   \
    t0 = _mm512_madd52lo_epu64(t0, a.l[0], y);                                                               \
    m = _mm512_madd52lo_epu64(zero, t0, n0);                                                                 \
    t1 = _mm512_madd52hi_epu64(t1, a.l[0], y);                                                               \
    t2 = _mm512_madd52hi_epu64(t2, a.l[1], y);                                                               \
    t3 = _mm512_madd52hi_epu64(t3, a.l[2], y);                                                               \
    t4 = _mm512_madd52hi_epu64(t4, a.l[3], y);                                                               \
    t5 = _mm512_madd52hi_epu64(zero, a.l[4], y);                                                             \
    t1 = _mm512_madd52lo_epu64(t1, a.l[1], y);                                                               \
    t2 = _mm512_madd52lo_epu64(t2, a.l[2], y);                                                               \
    t3 = _mm512_madd52lo_epu64(t3, a.l[3], y);                                                               \
    t4 = _mm512_madd52lo_epu64(t4, a.l[4], y);                                                               \
    t0 = _mm512_madd52lo_epu64(t0, m, p[0]);                                                                 \
    t1 = _mm512_madd52hi_epu64(t1, m, p[0]);                                                                 \
    t2 = _mm512_madd52hi_epu64(t2, m, p[1]);                                                                 \
    t3 = _mm512_madd52hi_epu64(t3, m, p[2]);                                                                 \
    t4 = _mm512_madd52hi_epu64(t4, m, p[3]);                                                                 \
    t5 = _mm512_madd52hi_epu64(t5, m, p[4]);                                                                 \
    t1 = _mm512_madd52lo_epu64(t1, m, p[1]);                                                                 \
    t2 = _mm512_madd52lo_epu64(t2, m, p[2]);                                                                 \
    t3 = _mm512_madd52lo_epu64(t3, m, p[3]);                                                                 \
    t4 = _mm512_madd52lo_epu64(t4, m, p[4]);                                                                 \
    t0 = _mm512_add_epi64(t1, _mm512_srli_epi64(t0, 52));                                                    \
    t1 = t2, t2 = t3, t3 = t4, t4 = t5;                                                                      \
  } while (0)
  HF_F8_ROUND(0);
  HF_F8_ROUND(1);
  HF_F8_ROUND(2);
  HF_F8_ROUND(3);
  HF_F8_ROUND(4);
#undef HF_F8_ROUND
  HF_F8_T z = {{t0, t1, t2, t3, t4}};
  return z;
}

/* Ten columns, column i of what counts 2^(52 i) -> their integer / 2^260, limbs as they come. */
HF_F8_FN HF_F8_T HF_F8(columns_reduce)(__m512i t[10]) {
  const __m512i zero = _mm512_setzero_si512(), n0 = _mm512_set1_epi64((long long)HF_F8_N0);
  const __m512i p[5] = {_mm512_set1_epi64((long long)HF_F8_P(0)), _mm512_set1_epi64((long long)HF_F8_P(1)),
                        _mm512_set1_epi64((long long)HF_F8_P(2)), _mm512_set1_epi64((long long)HF_F8_P(3)),
                        _mm512_set1_epi64((long long)HF_F8_P(4))};
#pragma GCC unroll 5
  for (int i = 0; i < 5; i++) {
    __m512i m = _mm512_madd52lo_epu64(zero, t[i], n0);
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
      t[i + j] = _mm512_madd52lo_epu64(t[i + j], m, p[j]);
      t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], m, p[j]);
    }
    t[i + 1] = _mm512_add_epi64(t[i + 1], _mm512_srli_epi64(t[i], 52));
  }
  HF_F8_T z = {{t[5], t[6], t[7], t[8], t[9]}};
  return z;
}

/* a^2 / 2^260: the cross products once, doubled. */
HF_F8_FN HF_F8_T HF_F8(sqr_lazy)(HF_F8_T a) {
  __m512i t[10];
  for (int i = 0; i < 10; i++) t[i] = _mm512_setzero_si512();
#pragma GCC unroll 5
  for (int i = 0; i < 5; i++)
#pragma GCC unroll 5
    for (int j = i + 1; j < 5; j++) {
      t[i + j] = _mm512_madd52lo_epu64(t[i + j], a.l[i], a.l[j]);
      t[i + j + 1] = _mm512_madd52hi_epu64(t[i + j + 1], a.l[i], a.l[j]);
    }
#pragma GCC unroll 10
  for (int i = 1; i < 9; i++) t[i] = _mm512_add_epi64(t[i], t[i]);
#pragma GCC unroll 5
  for (int i = 0; i < 5; i++) {
    t[2 * i] = _mm512_madd52lo_epu64(t[2 * i], a.l[i], a.l[i]);
    t[2 * i + 1] = _mm512_madd52hi_epu64(t[2 * i + 1], a.l[i], a.l[i]);
  }
  return HF_F8(columns_reduce)(t);
}

/* --- sums of products, reduced once ------------------------------------------------------------------------- */

/* Of so many products in the closed set (below), the value is in it again. */
#ifndef HF_SUM8_MOST
#define HF_SUM8_MOST 20
#endif

/* In columns. A product brings at most nine parts below 2^52 to a column, a reduction nine and a carry: 200 products stay
 * below 2^63. */
typedef struct HF_F8(sum) {
  __m512i t[10];
} HF_F8(sum);

HF_F8_FN HF_F8(sum) HF_F8(sum_zero)(void) {
  HF_F8(sum) s;
  for (int i = 0; i < 10; i++) s.t[i] = _mm512_setzero_si512();
  return s;
}

/* s + a b; a and b tidy. */
HF_F8_FN HF_F8(sum) HF_F8(sum_add)(HF_F8(sum) s, HF_F8_T a, HF_F8_T b) {
#pragma GCC unroll 5
  for (int i = 0; i < 5; i++)
#pragma GCC unroll 5
    for (int j = 0; j < 5; j++) {
      s.t[i + j] = _mm512_madd52lo_epu64(s.t[i + j], a.l[j], b.l[i]);
      s.t[i + j + 1] = _mm512_madd52hi_epu64(s.t[i + j + 1], a.l[j], b.l[i]);
    }
  return s;
}

/* s / 2^260, below s / 2^260 + p, tidy up to 2^260: a product of elements below 2.02 p adds 0.049 p. */
HF_F8_FN HF_F8_T HF_F8(sum_value)(HF_F8(sum) s) { return HF_F8(tidy)(HF_F8(columns_reduce)(s.t)); }

/* --- the closed set: values below 2 p and a little more, tidy ----------------------------------------------- */

/* How little: a product is below 2 p, a sum or difference may have 2^208 more and what its operands have more than 2 p
 * together, so after any chain of additions that stands in a formula it is far below p / 100. */

HF_F8_FN HF_F8_T HF_F8(mul)(HF_F8_T a, HF_F8_T b) {
  return HF_F8(tidy)(HF_F8(mul_lazy)(a, b));
}

HF_F8_FN HF_F8_T HF_F8(sqr)(HF_F8_T a) {
  return HF_F8(tidy)(HF_F8(sqr_lazy)(a));
}

/* The top limb alone decides whether 2 p goes off: its place is 2^208, far below p. */
HF_F8_FN HF_F8_T HF_F8(add)(HF_F8_T a, HF_F8_T b) {
  const HF_F8_T p2 = HF_F8(multiple)(2);
  HF_F8_T s = HF_F8(add_lazy)(a, b);
  __mmask8 large = _mm512_cmpgt_epi64_mask(s.l[4], p2.l[4]);
  for (int i = 0; i < 5; i++) s.l[i] = _mm512_mask_sub_epi64(s.l[i], large, s.l[i], p2.l[i]);
  return HF_F8(tidy)(s);
}

HF_F8_FN HF_F8_T HF_F8(sub)(HF_F8_T a, HF_F8_T b) {
  const HF_F8_T p2 = HF_F8(multiple)(2);
  HF_F8_T d = HF_F8(sub_lazy)(a, b);
  const HF_F8_T p1 = HF_F8(multiple)(1);
  __mmask8 small = _mm512_cmple_epi64_mask(d.l[4], _mm512_setzero_si512());
  __mmask8 least = _mm512_cmple_epi64_mask(_mm512_add_epi64(d.l[4], p2.l[4]), _mm512_setzero_si512()); /* b beyond 2 p */
  for (int i = 0; i < 5; i++) {
    d.l[i] = _mm512_mask_add_epi64(d.l[i], small, d.l[i], p2.l[i]);
    d.l[i] = _mm512_mask_add_epi64(d.l[i], least, d.l[i], p1.l[i]);
  }
  return HF_F8(tidy)(d);
}

/* --- memory --------------------------------------------------------------------------------------------------- */

/* Limbs of 64 bits, four vectors, to limbs of 52 of the same integers. */
HF_F8_FN HF_F8_T HF_F8(from_words)(const __m512i w[4]) {
  const __m512i mask = HF_F8_MASK;
  HF_F8_T z;
  z.l[0] = _mm512_and_si512(w[0], mask);
  z.l[1] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[0], 52), _mm512_slli_epi64(w[1], 12)), mask);
  z.l[2] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[1], 40), _mm512_slli_epi64(w[2], 24)), mask);
  z.l[3] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[2], 28), _mm512_slli_epi64(w[3], 36)), mask);
  z.l[4] = _mm512_srli_epi64(w[3], 16);
  return z;
}

/* 16 times the integers: x * 2^256 becomes x * 2^260, below 16 p. */
HF_F8_FN HF_F8_T HF_F8(from_words_form)(const __m512i w[4]) {
  const __m512i mask = HF_F8_MASK;
  HF_F8_T z;
  z.l[0] = _mm512_and_si512(_mm512_slli_epi64(w[0], 4), mask);
  z.l[1] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[0], 48), _mm512_slli_epi64(w[1], 16)), mask);
  z.l[2] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[1], 36), _mm512_slli_epi64(w[2], 28)), mask);
  z.l[3] = _mm512_and_si512(_mm512_or_si512(_mm512_srli_epi64(w[2], 24), _mm512_slli_epi64(w[3], 40)), mask);
  z.l[4] = _mm512_srli_epi64(w[3], 12);
  return z;
}

/* Tidy, below 2^256. */
HF_F8_FN void HF_F8(to_words)(HF_F8_T a, __m512i w[4]) {
  w[0] = _mm512_or_si512(a.l[0], _mm512_slli_epi64(a.l[1], 52));
  w[1] = _mm512_or_si512(_mm512_srli_epi64(a.l[1], 12), _mm512_slli_epi64(a.l[2], 40));
  w[2] = _mm512_or_si512(_mm512_srli_epi64(a.l[2], 24), _mm512_slli_epi64(a.l[3], 28));
  w[3] = _mm512_or_si512(_mm512_srli_epi64(a.l[3], 36), _mm512_slli_epi64(a.l[4], 16));
}

/* Eight neighbours, the integers as they stand in memory: below p. */
HF_F8_FN HF_F8_T HF_F8(load)(const HF_F8_S *from) {
  __m512i v[4], w[4];
  for (int i = 0; i < 4; i++) v[i] = _mm512_loadu_si512((const char *)from + 64 * i);
  hf_words_gather(v, w);
  return HF_F8(from_words)(w);
}

/* Eight neighbours in the 2^260 form: below 1.65 p. */
HF_F8_FN HF_F8_T HF_F8(load_form)(const HF_F8_S *from) {
  __m512i v[4], w[4];
  for (int i = 0; i < 4; i++) v[i] = _mm512_loadu_si512((const char *)from + 64 * i);
  hf_words_gather(v, w);
  return HF_F8(reduce)(HF_F8(from_words_form)(w));
}

/* Tidy, below 2 p: reduced and written as eight neighbours. */
HF_F8_FN void HF_F8(store)(HF_F8_S *to, HF_F8_T a) {
  __m512i v[4], w[4];
  HF_F8(to_words)(HF_F8(canonical)(a), w);
  hf_words_scatter(w, v);
  for (int i = 0; i < 4; i++) _mm512_storeu_si512((char *)to + 64 * i, v[i]);
}

/* The same to a cache line's start, past the caches: for what is next read when they have long held something else. An
 * sfence must come before another thread looks. */
HF_F8_FN void HF_F8(store_past)(HF_F8_S *to, HF_F8_T a) {
  __m512i v[4], w[4];
  HF_F8(to_words)(HF_F8(canonical)(a), w);
  hf_words_scatter(w, v);
  for (int i = 0; i < 4; i++) _mm512_stream_si512((void *)((char *)to + 64 * i), v[i]);
}

/* A constant that multiplies: any scalar x in memory's form as x * 2^260, canonical. */
HF_F8_FN HF_F8_S HF_F8(form)(HF_F8_S x) {
  for (int i = 0; i < 4; i++) x = HF_F8_S1(dbl)(x);
  return x;
}

/* Limbs of one integer in memory. */
HF_F8_FN void HF_F8(limbs)(HF_F8_S x, uint64_t out[5]) {
  const uint64_t mask = 0xfffffffffffffull;
  out[0] = x.l[0] & mask;
  out[1] = (x.l[0] >> 52 | x.l[1] << 12) & mask;
  out[2] = (x.l[1] >> 40 | x.l[2] << 24) & mask;
  out[3] = (x.l[2] >> 28 | x.l[3] << 36) & mask;
  out[4] = x.l[3] >> 16;
}

/* The integer as it stands in memory, in all elements. */
HF_F8_FN HF_F8_T HF_F8(broadcast)(HF_F8_S x) {
  uint64_t l[5];
  HF_F8_T z;
  HF_F8(limbs)(x, l);
  for (int i = 0; i < 5; i++) z.l[i] = _mm512_set1_epi64((long long)l[i]);
  return z;
}

HF_F8_FN HF_F8_T HF_F8(broadcast_form)(HF_F8_S x) { return HF_F8(broadcast)(HF_F8(form)(x)); }

/* From the 2^260 form, tidy and below 2 p, to memory's. */
HF_F8_FN void HF_F8(store_form)(HF_F8_S *to, HF_F8_T a) {
  HF_F8(store)(to, HF_F8(mul)(a, HF_F8(broadcast)(HF_F8_S1(one)()))); /* one stands there as 2^256 */
}

/* out[t] element l = in[l] element t. */
HF_F8_FN void HF_F8(transpose)(const HF_F8_T in[8], HF_F8_T out[8]) {
  for (int i = 0; i < 5; i++) {
    __m512i x[8], y[8];
    for (int k = 0; k < 8; k++) x[k] = in[k].l[i];
    hf_lanes_transpose(x, y);
    for (int k = 0; k < 8; k++) out[k].l[i] = y[k];
  }
}

/* --- inverses ------------------------------------------------------------------------------------------------- */

/* Lanes whose limbs are all zero. */
HF_F8_FN __mmask8 HF_F8(zero_mask)(HF_F8_T a) {
  __m512i any = _mm512_or_si512(_mm512_or_si512(a.l[0], a.l[1]), _mm512_or_si512(a.l[2], a.l[3]));
  any = _mm512_or_si512(any, a.l[4]);
  return _mm512_testn_epi64_mask(any, any);
}

/* b in the lanes of `second`, a in the others */
HF_F8_FN HF_F8_T HF_F8(select)(__mmask8 second, HF_F8_T a, HF_F8_T b) {
  for (int i = 0; i < 5; i++) a.l[i] = _mm512_mask_mov_epi64(a.l[i], second, b.l[i]);
  return a;
}

/* Products wait for those before them: a loop over many keeps this number of chains side by side. */
#ifndef HF_CHAINS8
#define HF_CHAINS8 4
#endif

/* The inverses of all elements of the chains, in the 2^260 form and the closed set, for one inversion; 0, and nothing
 * done, if an element is zero. */
HF_FN int HF_F8(invert_chains)(HF_F8_T chain[HF_CHAINS8]) {
  HF_F8_S lanes[8], before[8], all = HF_F8_S1(one)();
  HF_F8_T low = HF_F8(mul)(chain[0], chain[1]), high = HF_F8(mul)(chain[2], chain[3]);
  HF_F8(store_form)(lanes, HF_F8(mul)(low, high));
  for (int k = 0; k < 8; k++) {
    before[k] = all;
    all = HF_F8_S1(mul)(all, lanes[k]);
  }
  if (HF_F8_S1(is_zero)(all)) return 0;
  all = HF_F8_S1(inv)(all);
  for (int k = 8; k-- > 0;) {
    HF_F8_S own = HF_F8_S1(mul)(all, before[k]);
    all = HF_F8_S1(mul)(all, lanes[k]);
    lanes[k] = own;
  }
  HF_F8_T both = HF_F8(load_form)(lanes), of_low = HF_F8(mul)(both, high), of_high = HF_F8(mul)(both, low);
  HF_F8_T first = chain[0], third = chain[2];
  chain[0] = HF_F8(mul)(of_low, chain[1]);
  chain[1] = HF_F8(mul)(of_low, first);
  chain[2] = HF_F8(mul)(of_high, chain[3]);
  chain[3] = HF_F8(mul)(of_high, third);
  return 1;
}
