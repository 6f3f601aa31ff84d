/* Modular inverses by division steps (D. J. Bernstein, B.-Y. Yang, "Fast constant-time gcd computation and modular
 * inversion", https://eprint.iacr.org/2019/266), here in variable time: on a CPU a tenth of the time that a power takes.
 *
 * A step maps (delta, f, g), f odd, to (1 - delta, g, (g - f) / 2) where delta > 0 and g is odd, else to
 * (1 + delta, f, (g + (g odd) f) / 2). 62 steps depend on the lowest 64 bits of f and g alone, so they are done there
 * and then applied to the whole numbers at once, as a matrix over 2^62. The same matrices, modulo p, take (0, 1) to
 * (d, e) with d = f / x and e = g / x at every point; f ends as 1 or -1, g as 0.
 *
 * Plain C only: the other languages of the dialect raise to the power p - 2.
 */
#ifndef HF_ARITH_INVERSE_H
#define HF_ARITH_INVERSE_H
#include "dialect.h"

#define HF_INVERSE_LIMBS 5
#define HF_INVERSE_MASK  ((int64_t)0x3fffffffffffffff)

/* sum l[i] 2^(62 i): limbs below 2^62, the last one signed */
typedef struct hf_signed62 {
  int64_t l[HF_INVERSE_LIMBS];
} hf_signed62;

/* 2^62 times what the steps do: f' = (a f + b g) / 2^62, g' = (c f + d g) / 2^62 */
typedef struct hf_steps62 {
  int64_t a, b, c, d;
} hf_steps62;

HF_FN hf_signed62 hf_signed62_from(const hf_u64 x[4]) {
  hf_signed62 z = {{(int64_t)(x[0] & HF_INVERSE_MASK), (int64_t)((x[0] >> 62 | x[1] << 2) & HF_INVERSE_MASK),
                    (int64_t)((x[1] >> 60 | x[2] << 4) & HF_INVERSE_MASK),
                    (int64_t)((x[2] >> 58 | x[3] << 6) & HF_INVERSE_MASK), (int64_t)(x[3] >> 56)}};
  return z;
}

/* 62 steps; gives the new delta. */
HF_FN int64_t hf_steps62_run(int64_t delta, hf_u64 f, hf_u64 g, hf_steps62 *out) {
  hf_u64 a = 1, b = 0, c = 0, d = 1;
  int left = 62;
  for (;;) {
    /* steps on an even g halve it; the bits above `left` stop the count */
    int zeros = __builtin_ctzll(g | ~(hf_u64)0 << left);
    g >>= zeros, a <<= zeros, b <<= zeros;
    delta += zeros;
    left -= zeros;
    if (left == 0) break;
    if (delta > 0) { /* (f, g) becomes (g, -f): the step's own halving is the next round's */
      hf_u64 t = f;
      f = g, g = 0 - t;
      t = a, a = c, c = 0 - t;
      t = b, b = d, d = 0 - t;
      delta = -delta;
    }
    /* As long as delta stays <= 0, and for 6 steps, only multiples of f are added: all at once, w with
     * g + w f = 0 modulo 2^most. f is its own inverse modulo 8, which one Newton step doubles. */
    int most = 1 - delta < left ? (int)(1 - delta) : left;
    if (most > 6) most = 6;
    hf_u64 w = (0 - g * (f * (2 - f * f))) & (((hf_u64)1 << most) - 1);
    g += w * f, c += w * a, d += w * b;
  }
  *out = (hf_steps62){(int64_t)a, (int64_t)b, (int64_t)c, (int64_t)d};
  return delta;
}

/* (f, g) by the matrix; exact. */
HF_FN void hf_steps62_numbers(const hf_steps62 *t, hf_signed62 *f, hf_signed62 *g) {
  __int128 x = (__int128)t->a * f->l[0] + (__int128)t->b * g->l[0];
  __int128 y = (__int128)t->c * f->l[0] + (__int128)t->d * g->l[0];
  for (int i = 1; i < HF_INVERSE_LIMBS; i++) {
    x >>= 62, y >>= 62;
    x += (__int128)t->a * f->l[i] + (__int128)t->b * g->l[i];
    y += (__int128)t->c * f->l[i] + (__int128)t->d * g->l[i];
    f->l[i - 1] = (int64_t)x & HF_INVERSE_MASK;
    g->l[i - 1] = (int64_t)y & HF_INVERSE_MASK;
  }
  f->l[HF_INVERSE_LIMBS - 1] = (int64_t)(x >> 62);
  g->l[HF_INVERSE_LIMBS - 1] = (int64_t)(y >> 62);
}

/* One row of the matrix on (d, e), both in (-2p, p), modulo p: in (-2p, p) again. `inverse` = p^-1 modulo 2^62. */
HF_FN hf_signed62 hf_steps62_row(int64_t s, int64_t t, const hf_signed62 *d, const hf_signed62 *e,
                                 const hf_signed62 *p, hf_u64 inverse) {
  const int top = HF_INVERSE_LIMBS - 1;
  hf_signed62 z;
  /* a p more for each of the two that is negative makes |sum| < 2^62 p; taking up to 2^62 p off leaves (-2p, p) */
  int64_t k = (d->l[top] >> 63 & s) + (e->l[top] >> 63 & t);
  __int128 x = (__int128)s * d->l[0] + (__int128)t * e->l[0];
  k -= (int64_t)((inverse * (hf_u64)x + (hf_u64)k) & (hf_u64)HF_INVERSE_MASK);
  x += (__int128)k * p->l[0];
  for (int i = 1; i < HF_INVERSE_LIMBS; i++) {
    x >>= 62;
    x += (__int128)s * d->l[i] + (__int128)t * e->l[i] + (__int128)k * p->l[i];
    z.l[i - 1] = (int64_t)x & HF_INVERSE_MASK;
  }
  z.l[top] = (int64_t)(x >> 62);
  return z;
}

/* x + k p, k in {-1, 0, 1} */
HF_FN hf_signed62 hf_signed62_add(hf_signed62 x, const hf_signed62 *p, int64_t k) {
  int64_t carry = 0;
  for (int i = 0; i < HF_INVERSE_LIMBS; i++) {
    carry += x.l[i] + k * p->l[i];
    x.l[i] = i == HF_INVERSE_LIMBS - 1 ? carry : carry & HF_INVERSE_MASK;
    carry >>= 62;
  }
  return x;
}

/* out = 1 / x modulo the odd p < 2^255, in [0, p); 0 for 0. x < p; p and x prime to each other otherwise. */
HF_FN void hf_inverse(const hf_u64 p[4], const hf_u64 x[4], hf_u64 out[4]) {
  hf_signed62 modulus = hf_signed62_from(p), f = modulus, g = hf_signed62_from(x);
  hf_signed62 d = {{0, 0, 0, 0, 0}}, e = {{1, 0, 0, 0, 0}};
  hf_u64 inverse = p[0]; /* 3 bits; each step doubles */
  for (int i = 0; i < 5; i++) inverse *= 2 - p[0] * inverse;
  for (int64_t delta = 1; (g.l[0] | g.l[1] | g.l[2] | g.l[3] | g.l[4]) != 0;) {
    hf_steps62 t;
    delta = hf_steps62_run(delta, (hf_u64)f.l[0] | (hf_u64)f.l[1] << 62, (hf_u64)g.l[0] | (hf_u64)g.l[1] << 62, &t);
    hf_steps62_numbers(&t, &f, &g);
    hf_signed62 next = hf_steps62_row(t.a, t.b, &d, &e, &modulus, inverse);
    e = hf_steps62_row(t.c, t.d, &d, &e, &modulus, inverse);
    d = next;
  }
  if (d.l[4] < 0) d = hf_signed62_add(d, &modulus, 1); /* (-p, p) */
  if (f.l[4] < 0) {                                    /* f = -1: 1/x is -d */
    hf_signed62 zero = {{0, 0, 0, 0, 0}};
    d = hf_signed62_add(zero, &d, -1);
  }
  if (d.l[4] < 0) d = hf_signed62_add(d, &modulus, 1);
  out[0] = (hf_u64)d.l[0] | (hf_u64)d.l[1] << 62;
  out[1] = (hf_u64)d.l[1] >> 2 | (hf_u64)d.l[2] << 60;
  out[2] = (hf_u64)d.l[2] >> 4 | (hf_u64)d.l[3] << 58;
  out[3] = (hf_u64)d.l[3] >> 6 | (hf_u64)d.l[4] << 56;
}

#endif
