/* The tower over Fq that the pairing needs:
 *   Fq2  = Fq[u]  / (u^2 + 1)
 *   Fq6  = Fq2[v] / (v^3 - xi),   xi = 9 + u
 *   Fq12 = Fq6[w] / (w^2 - v)
 * Fq2 is passed by value; the larger ones by pointer, and outputs may alias inputs.
 * Variable time (inversions of zero give zero).
 */
#ifndef HF_HOST_TOWER_H
#define HF_HOST_TOWER_H
#include <stdbool.h>
#include <stdint.h>
#include "arith/fq.h"

typedef struct hf_fq2 {
  hf_fq c0, c1; /* c0 + c1 u */
} hf_fq2;

typedef struct hf_fq6 {
  hf_fq2 c0, c1, c2; /* c0 + c1 v + c2 v^2 */
} hf_fq6;

typedef struct hf_fq12 {
  hf_fq6 c0, c1; /* c0 + c1 w */
} hf_fq12;

HF_FN hf_fq2 hf_fq2_zero(void) {
  hf_fq2 z = {hf_fq_zero(), hf_fq_zero()};
  return z;
}

HF_FN hf_fq2 hf_fq2_one(void) {
  hf_fq2 z = {hf_fq_one(), hf_fq_zero()};
  return z;
}

HF_FN bool hf_fq2_is_zero(hf_fq2 a) { return hf_fq_is_zero(a.c0) && hf_fq_is_zero(a.c1); }
HF_FN bool hf_fq2_eq(hf_fq2 a, hf_fq2 b) { return hf_fq_eq(a.c0, b.c0) && hf_fq_eq(a.c1, b.c1); }

HF_FN hf_fq2 hf_fq2_add(hf_fq2 a, hf_fq2 b) {
  hf_fq2 z = {hf_fq_add(a.c0, b.c0), hf_fq_add(a.c1, b.c1)};
  return z;
}

HF_FN hf_fq2 hf_fq2_sub(hf_fq2 a, hf_fq2 b) {
  hf_fq2 z = {hf_fq_sub(a.c0, b.c0), hf_fq_sub(a.c1, b.c1)};
  return z;
}

HF_FN hf_fq2 hf_fq2_neg(hf_fq2 a) {
  hf_fq2 z = {hf_fq_neg(a.c0), hf_fq_neg(a.c1)};
  return z;
}

HF_FN hf_fq2 hf_fq2_dbl(hf_fq2 a) { return hf_fq2_add(a, a); }

/* a^q. */
HF_FN hf_fq2 hf_fq2_conj(hf_fq2 a) {
  a.c1 = hf_fq_neg(a.c1);
  return a;
}

HF_FN hf_fq2 hf_fq2_mul_fq(hf_fq2 a, hf_fq k) {
  hf_fq2 z = {hf_fq_mul(a.c0, k), hf_fq_mul(a.c1, k)};
  return z;
}

/* (9 + u) a. */
HF_FN hf_fq2 hf_fq2_mul_xi(hf_fq2 a) {
  hf_fq2 t = hf_fq2_dbl(hf_fq2_dbl(hf_fq2_dbl(a)));
  t = hf_fq2_add(t, a);
  hf_fq2 z = {hf_fq_sub(t.c0, a.c1), hf_fq_add(t.c1, a.c0)};
  return z;
}

hf_fq2 hf_fq2_mul(hf_fq2 a, hf_fq2 b);
hf_fq2 hf_fq2_sqr(hf_fq2 a);
hf_fq2 hf_fq2_inv(hf_fq2 a);
/* 3/xi, the constant of the twist. */
hf_fq2 hf_fq2_twist_b(void);

void hf_fq6_add(const hf_fq6 *a, const hf_fq6 *b, hf_fq6 *out);
void hf_fq6_sub(const hf_fq6 *a, const hf_fq6 *b, hf_fq6 *out);
void hf_fq6_neg(const hf_fq6 *a, hf_fq6 *out);
void hf_fq6_mul(const hf_fq6 *a, const hf_fq6 *b, hf_fq6 *out);
void hf_fq6_inv(const hf_fq6 *a, hf_fq6 *out);
/* v a. */
void hf_fq6_mul_v(const hf_fq6 *a, hf_fq6 *out);

void hf_fq12_one(hf_fq12 *out);
bool hf_fq12_is_one(const hf_fq12 *a);
bool hf_fq12_eq(const hf_fq12 *a, const hf_fq12 *b);
void hf_fq12_mul(const hf_fq12 *a, const hf_fq12 *b, hf_fq12 *out);
void hf_fq12_sqr(const hf_fq12 *a, hf_fq12 *out);
void hf_fq12_inv(const hf_fq12 *a, hf_fq12 *out);
/* a^(q^6): the inverse in the cyclotomic subgroup. */
void hf_fq12_conj(const hf_fq12 *a, hf_fq12 *out);
/* a^(q^power), power 1, 2 or 3. */
void hf_fq12_frobenius(const hf_fq12 *a, int power, hf_fq12 *out);
/* a (l0 + (l3 + l4 v) w): a line of the pairing. */
void hf_fq12_mul_line(const hf_fq12 *a, hf_fq2 l0, hf_fq2 l3, hf_fq2 l4, hf_fq12 *out);
/* a^2 for a in the cyclotomic subgroup, a^(q^4-q^2+1) = 1 (Granger, Scott 2010). */
void hf_fq12_sqr_cyclotomic(const hf_fq12 *a, hf_fq12 *out);

/* The q-power Frobenius carried to the twist: (conj(x) xi^((q-1)/3), conj(y) xi^((q-1)/2)). */
void hf_twist_frobenius(hf_fq2 *x, hf_fq2 *y);

#endif
