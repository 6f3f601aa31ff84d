/* Shuffles between memory's order and lanes, for AVX-512. */
#ifndef HF_CPU_IFMA_LANES_H
#define HF_CPU_IFMA_LANES_H
#include <immintrin.h>
#include "arith/dialect.h"

/* v: eight elements of four words as they lie in memory -> w[i]: word i of all eight. */
HF_FN void hf_words_gather(const __m512i v[4], __m512i w[4]) {
  const __m512i low = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13), high = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
  __m512i a = _mm512_permutex2var_epi64(v[0], low, v[1]), b = _mm512_permutex2var_epi64(v[2], low, v[3]);
  __m512i c = _mm512_permutex2var_epi64(v[0], high, v[1]), d = _mm512_permutex2var_epi64(v[2], high, v[3]);
  w[0] = _mm512_shuffle_i64x2(a, b, 0x44);
  w[1] = _mm512_shuffle_i64x2(a, b, 0xee);
  w[2] = _mm512_shuffle_i64x2(c, d, 0x44);
  w[3] = _mm512_shuffle_i64x2(c, d, 0xee);
}

/* The way back. */
HF_FN void hf_words_scatter(const __m512i w[4], __m512i v[4]) {
  const __m512i first = _mm512_setr_epi64(0, 4, 8, 12, 1, 5, 9, 13), second = _mm512_setr_epi64(2, 6, 10, 14, 3, 7, 11, 15);
  __m512i a = _mm512_shuffle_i64x2(w[0], w[1], 0x44), b = _mm512_shuffle_i64x2(w[2], w[3], 0x44);
  __m512i c = _mm512_shuffle_i64x2(w[0], w[1], 0xee), d = _mm512_shuffle_i64x2(w[2], w[3], 0xee);
  v[0] = _mm512_permutex2var_epi64(a, first, b);
  v[1] = _mm512_permutex2var_epi64(a, second, b);
  v[2] = _mm512_permutex2var_epi64(c, first, d);
  v[3] = _mm512_permutex2var_epi64(c, second, d);
}

/* The same from eight places, and to them. */
HF_FN void hf_words_load(const void *const from[8], __m512i w[4]) {
  __m512i v[4];
  for (int i = 0; i < 4; i++) {
    __m256i low = _mm256_loadu_si256((const __m256i *)from[2 * i]), high = _mm256_loadu_si256((const __m256i *)from[2 * i + 1]);
    v[i] = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
  }
  hf_words_gather(v, w);
}

HF_FN void hf_words_store(const __m512i w[4], void *const to[8]) {
  __m512i v[4];
  hf_words_scatter(w, v);
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_si256((__m256i *)to[2 * i], _mm512_castsi512_si256(v[i]));
    _mm256_storeu_si256((__m256i *)to[2 * i + 1], _mm512_extracti64x4_epi64(v[i], 1));
  }
}

/* y[t] lane l = x[l] lane t */
HF_FN void hf_lanes_transpose(const __m512i x[8], __m512i y[8]) {
  __m512i t[8], u[8];
  for (int i = 0; i < 4; i++) {
    t[2 * i] = _mm512_unpacklo_epi64(x[2 * i], x[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi64(x[2 * i], x[2 * i + 1]);
  }
  /* t[2i + h]: lanes (pairs of 128 bits) q = 0..3 hold x[2i], x[2i+1] at lane 2q + h */
  for (int h = 0; h < 2; h++) {
    u[h] = _mm512_shuffle_i64x2(t[h], t[2 + h], 0x44);
    u[2 + h] = _mm512_shuffle_i64x2(t[h], t[2 + h], 0xee);
    u[4 + h] = _mm512_shuffle_i64x2(t[4 + h], t[6 + h], 0x44);
    u[6 + h] = _mm512_shuffle_i64x2(t[4 + h], t[6 + h], 0xee);
  }
  /* u[h]: x0x1 at q 0, 1, x2x3 at q 0, 1; u[2 + h]: q 2, 3; u[4 + h], u[6 + h]: the same of x4..x7 */
  for (int h = 0; h < 2; h++) {
    y[h] = _mm512_shuffle_i64x2(u[h], u[4 + h], 0x88);
    y[2 + h] = _mm512_shuffle_i64x2(u[h], u[4 + h], 0xdd);
    y[4 + h] = _mm512_shuffle_i64x2(u[2 + h], u[6 + h], 0x88);
    y[6 + h] = _mm512_shuffle_i64x2(u[2 + h], u[6 + h], 0xdd);
  }
}

#endif
