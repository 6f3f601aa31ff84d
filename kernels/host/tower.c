#include "host/tower.h"

/* ---- Fq2 ---- */

static inline hf_fq2 fq2_mul(hf_fq2 a, hf_fq2 b) {
  hf_fq v0 = hf_fq_mul(a.c0, b.c0), v1 = hf_fq_mul(a.c1, b.c1);
  hf_fq s = hf_fq_mul(hf_fq_add(a.c0, a.c1), hf_fq_add(b.c0, b.c1));
  hf_fq2 z = {hf_fq_sub(v0, v1), hf_fq_sub(hf_fq_sub(s, v0), v1)};
  return z;
}

hf_fq2 hf_fq2_mul(hf_fq2 a, hf_fq2 b) { return fq2_mul(a, b); }

hf_fq2 hf_fq2_sqr(hf_fq2 a) {
  hf_fq2 z = {hf_fq_mul(hf_fq_add(a.c0, a.c1), hf_fq_sub(a.c0, a.c1)), hf_fq_dbl(hf_fq_mul(a.c0, a.c1))};
  return z;
}

hf_fq2 hf_fq2_inv(hf_fq2 a) {
  hf_fq n = hf_fq_inv(hf_fq_add(hf_fq_sqr(a.c0), hf_fq_sqr(a.c1)));
  hf_fq2 z = {hf_fq_mul(a.c0, n), hf_fq_neg(hf_fq_mul(a.c1, n))};
  return z;
}

/* ---- Constants, in Montgomery form. Derived from q and xi = 9 + u alone; the
 * tests recompute them by powers. ---- */

/* gamma1[j-1] = xi^(j (q-1)/6), j = 1..5: what the q-power Frobenius does to w^j. */
static const hf_fq2 gamma1[5] = {
    {{{0xaf9ba69633144907ull, 0xca6b1d7387afb78aull, 0x11bded5ef08a2087ull, 0x02f34d751a1f3a7cull}},
     {{0xa222ae234c492d72ull, 0xd00f02a4565de15bull, 0xdc2ff3a253dfc926ull, 0x10a75716b3899551ull}}},
    {{{0xb5773b104563ab30ull, 0x347f91c8a9aa6454ull, 0x7a007127242e0991ull, 0x1956bcd8118214ecull}},
     {{0x6e849f1ea0aa4757ull, 0xaa1c7b6d89f89141ull, 0xb6e713cdfae0ca3aull, 0x26694fbb4e82ebc3ull}}},
    {{{0xe4bbdd0c2936b629ull, 0xbb30f162e133bacbull, 0x31a9d1b6f9645366ull, 0x253570bea500f8ddull}},
     {{0xa1d77ce45ffe77c7ull, 0x07affd117826d1dbull, 0x6d16bd27bb7edc6bull, 0x2c87200285defeccull}}},
    {{{0x7361d77f843abe92ull, 0xa5bb2bd3273411fbull, 0x9c941f314b3e2399ull, 0x15df9cddbb9fd3ecull}},
     {{0x5dddfd154bd8c949ull, 0x62cb29a5a4445b60ull, 0x37bc870a0c7dd2b9ull, 0x24830a9d3171f0fdull}}},
    {{{0xc970692f41690fe7ull, 0xe240342127694b0bull, 0x32bee66b83c459e8ull, 0x12aabced0ab08841ull}},
     {{0x0d485d2340aebfa9ull, 0x05193418ab2fcc57ull, 0xd3b0a40b8a4910f5ull, 0x2f21ebb535d2925aull}}},
};

/* gamma2[j-1] = xi^(j (q^2-1)/6), in Fq: sixth roots of unity. */
static const hf_fq gamma2[5] = {
    {{0xca8d800500fa1bf2ull, 0xf0c5d61468b39769ull, 0x0e201271ad0d4418ull, 0x04290f65bad856e6ull}},
    {{0x3350c88e13e80b9cull, 0x7dce557cdb5e56b9ull, 0x6001b4b8b615564aull, 0x2682e617020217e0ull}},
    {{0x68c3488912edefaaull, 0x8d087f6872aabf4full, 0x51e1a24709081231ull, 0x2259d6b14729c0faull}},
    {{0x71930c11d782e155ull, 0xa6bb947cffbe3323ull, 0xaa303344d4741444ull, 0x2c3b3f0d26594943ull}},
    {{0x08cfc388c494f1abull, 0x19b315148d1373d4ull, 0x584e90fdcb6c0213ull, 0x09e1685bdf2f8849ull}},
};

hf_fq2 hf_fq2_twist_b(void) {
  hf_fq2 b = {{{0x3bf938e377b802a8ull, 0x020b1b273633535dull, 0x26b7edf049755260ull, 0x2514c6324384a86dull}},
              {{0x38e7ecccd1dcff67ull, 0x65f0b37d93ce0d3eull, 0xd749d0dd22ac00aaull, 0x0141b9ce4a688d4dull}}};
  return b;
}

void hf_twist_frobenius(hf_fq2 *x, hf_fq2 *y) {
  *x = fq2_mul(hf_fq2_conj(*x), gamma1[1]);
  *y = fq2_mul(hf_fq2_conj(*y), gamma1[2]);
}

/* ---- Fq6 ---- */

void hf_fq6_add(const hf_fq6 *a, const hf_fq6 *b, hf_fq6 *out) {
  out->c0 = hf_fq2_add(a->c0, b->c0);
  out->c1 = hf_fq2_add(a->c1, b->c1);
  out->c2 = hf_fq2_add(a->c2, b->c2);
}

void hf_fq6_sub(const hf_fq6 *a, const hf_fq6 *b, hf_fq6 *out) {
  out->c0 = hf_fq2_sub(a->c0, b->c0);
  out->c1 = hf_fq2_sub(a->c1, b->c1);
  out->c2 = hf_fq2_sub(a->c2, b->c2);
}

void hf_fq6_neg(const hf_fq6 *a, hf_fq6 *out) {
  out->c0 = hf_fq2_neg(a->c0);
  out->c1 = hf_fq2_neg(a->c1);
  out->c2 = hf_fq2_neg(a->c2);
}

void hf_fq6_mul_v(const hf_fq6 *a, hf_fq6 *out) {
  hf_fq2 t = hf_fq2_mul_xi(a->c2);
  out->c2 = a->c1;
  out->c1 = a->c0;
  out->c0 = t;
}

/* Karatsuba (Toom-like interpolation): 6 products in Fq2. */
void hf_fq6_mul(const hf_fq6 *a, const hf_fq6 *b, hf_fq6 *out) {
  hf_fq2 v0 = hf_fq2_mul(a->c0, b->c0), v1 = hf_fq2_mul(a->c1, b->c1), v2 = hf_fq2_mul(a->c2, b->c2);
  hf_fq2 s12 = hf_fq2_mul(hf_fq2_add(a->c1, a->c2), hf_fq2_add(b->c1, b->c2));
  hf_fq2 s01 = hf_fq2_mul(hf_fq2_add(a->c0, a->c1), hf_fq2_add(b->c0, b->c1));
  hf_fq2 s02 = hf_fq2_mul(hf_fq2_add(a->c0, a->c2), hf_fq2_add(b->c0, b->c2));
  s12 = hf_fq2_sub(hf_fq2_sub(s12, v1), v2);
  s01 = hf_fq2_sub(hf_fq2_sub(s01, v0), v1);
  s02 = hf_fq2_sub(hf_fq2_sub(s02, v0), v2);
  out->c0 = hf_fq2_add(v0, hf_fq2_mul_xi(s12));
  out->c1 = hf_fq2_add(s01, hf_fq2_mul_xi(v2));
  out->c2 = hf_fq2_add(s02, v1);
}

/* a (l0 + l1 v): 5 products. */
static void fq6_mul_01(const hf_fq6 *a, hf_fq2 l0, hf_fq2 l1, hf_fq6 *out) {
  hf_fq2 v0 = hf_fq2_mul(a->c0, l0), v1 = hf_fq2_mul(a->c1, l1);
  hf_fq2 s12 = hf_fq2_sub(hf_fq2_mul(hf_fq2_add(a->c1, a->c2), l1), v1);
  hf_fq2 s02 = hf_fq2_sub(hf_fq2_mul(hf_fq2_add(a->c0, a->c2), l0), v0);
  hf_fq2 s01 = hf_fq2_mul(hf_fq2_add(a->c0, a->c1), hf_fq2_add(l0, l1));
  out->c0 = hf_fq2_add(v0, hf_fq2_mul_xi(s12));
  out->c1 = hf_fq2_sub(hf_fq2_sub(s01, v0), v1);
  out->c2 = hf_fq2_add(s02, v1);
}

void hf_fq6_inv(const hf_fq6 *a, hf_fq6 *out) {
  hf_fq2 t0 = hf_fq2_sub(hf_fq2_sqr(a->c0), hf_fq2_mul_xi(hf_fq2_mul(a->c1, a->c2)));
  hf_fq2 t1 = hf_fq2_sub(hf_fq2_mul_xi(hf_fq2_sqr(a->c2)), hf_fq2_mul(a->c0, a->c1));
  hf_fq2 t2 = hf_fq2_sub(hf_fq2_sqr(a->c1), hf_fq2_mul(a->c0, a->c2));
  hf_fq2 n = hf_fq2_add(hf_fq2_mul(a->c2, t1), hf_fq2_mul(a->c1, t2));
  n = hf_fq2_inv(hf_fq2_add(hf_fq2_mul_xi(n), hf_fq2_mul(a->c0, t0)));
  out->c0 = hf_fq2_mul(t0, n);
  out->c1 = hf_fq2_mul(t1, n);
  out->c2 = hf_fq2_mul(t2, n);
}

/* ---- Fq12 ---- */

static bool fq6_is_zero(const hf_fq6 *a) {
  return hf_fq2_is_zero(a->c0) && hf_fq2_is_zero(a->c1) && hf_fq2_is_zero(a->c2);
}

void hf_fq12_one(hf_fq12 *out) {
  *out = (hf_fq12){0};
  out->c0.c0.c0 = hf_fq_one();
}

bool hf_fq12_eq(const hf_fq12 *a, const hf_fq12 *b) {
  hf_fq6 d0, d1;
  hf_fq6_sub(&a->c0, &b->c0, &d0);
  hf_fq6_sub(&a->c1, &b->c1, &d1);
  return fq6_is_zero(&d0) && fq6_is_zero(&d1);
}

bool hf_fq12_is_one(const hf_fq12 *a) {
  hf_fq12 one;
  hf_fq12_one(&one);
  return hf_fq12_eq(a, &one);
}

void hf_fq12_mul(const hf_fq12 *a, const hf_fq12 *b, hf_fq12 *out) {
  hf_fq6 v0, v1, sa, sb;
  hf_fq6_mul(&a->c0, &b->c0, &v0);
  hf_fq6_mul(&a->c1, &b->c1, &v1);
  hf_fq6_add(&a->c0, &a->c1, &sa);
  hf_fq6_add(&b->c0, &b->c1, &sb);
  hf_fq6_mul(&sa, &sb, &sa);
  hf_fq6_sub(&sa, &v0, &sa);
  hf_fq6_sub(&sa, &v1, &out->c1);
  hf_fq6_mul_v(&v1, &v1);
  hf_fq6_add(&v0, &v1, &out->c0);
}

/* (c0 + c1 w)^2 with (c0 + c1)(c0 + v c1) = c0^2 + v c1^2 + (1 + v) c0 c1: 2 products in Fq6. */
void hf_fq12_sqr(const hf_fq12 *a, hf_fq12 *out) {
  hf_fq6 m, s, t;
  hf_fq6_mul(&a->c0, &a->c1, &m);
  hf_fq6_add(&a->c0, &a->c1, &s);
  hf_fq6_mul_v(&a->c1, &t);
  hf_fq6_add(&t, &a->c0, &t);
  hf_fq6_mul(&s, &t, &s);
  hf_fq6_sub(&s, &m, &s);
  hf_fq6_mul_v(&m, &t);
  hf_fq6_sub(&s, &t, &out->c0);
  hf_fq6_add(&m, &m, &out->c1);
}

void hf_fq12_inv(const hf_fq12 *a, hf_fq12 *out) {
  hf_fq6 n, t;
  hf_fq6_mul(&a->c0, &a->c0, &n);
  hf_fq6_mul(&a->c1, &a->c1, &t);
  hf_fq6_mul_v(&t, &t);
  hf_fq6_sub(&n, &t, &n);
  hf_fq6_inv(&n, &n);
  hf_fq6_mul(&a->c0, &n, &out->c0);
  hf_fq6_mul(&a->c1, &n, &t);
  hf_fq6_neg(&t, &out->c1);
}

void hf_fq12_conj(const hf_fq12 *a, hf_fq12 *out) {
  out->c0 = a->c0;
  hf_fq6_neg(&a->c1, &out->c1);
}

/* w^j is c0.c0, c1.c0, c0.c1, c1.c1, c0.c2, c1.c2 for j = 0..5. */
static void frobenius1(const hf_fq12 *a, hf_fq12 *out) {
  out->c0.c0 = hf_fq2_conj(a->c0.c0);
  out->c1.c0 = hf_fq2_mul(hf_fq2_conj(a->c1.c0), gamma1[0]);
  out->c0.c1 = hf_fq2_mul(hf_fq2_conj(a->c0.c1), gamma1[1]);
  out->c1.c1 = hf_fq2_mul(hf_fq2_conj(a->c1.c1), gamma1[2]);
  out->c0.c2 = hf_fq2_mul(hf_fq2_conj(a->c0.c2), gamma1[3]);
  out->c1.c2 = hf_fq2_mul(hf_fq2_conj(a->c1.c2), gamma1[4]);
}

static void frobenius2(const hf_fq12 *a, hf_fq12 *out) {
  out->c0.c0 = a->c0.c0;
  out->c1.c0 = hf_fq2_mul_fq(a->c1.c0, gamma2[0]);
  out->c0.c1 = hf_fq2_mul_fq(a->c0.c1, gamma2[1]);
  out->c1.c1 = hf_fq2_mul_fq(a->c1.c1, gamma2[2]);
  out->c0.c2 = hf_fq2_mul_fq(a->c0.c2, gamma2[3]);
  out->c1.c2 = hf_fq2_mul_fq(a->c1.c2, gamma2[4]);
}

void hf_fq12_frobenius(const hf_fq12 *a, int power, hf_fq12 *out) {
  if (power == 1) {
    frobenius1(a, out);
  } else {
    frobenius2(a, out);
    if (power == 3) frobenius1(out, out);
  }
}

void hf_fq12_mul_line(const hf_fq12 *a, hf_fq2 l0, hf_fq2 l3, hf_fq2 l4, hf_fq12 *out) {
  hf_fq6 v0, v1, s;
  v0.c0 = hf_fq2_mul(a->c0.c0, l0);
  v0.c1 = hf_fq2_mul(a->c0.c1, l0);
  v0.c2 = hf_fq2_mul(a->c0.c2, l0);
  fq6_mul_01(&a->c1, l3, l4, &v1);
  hf_fq6_add(&a->c0, &a->c1, &s);
  fq6_mul_01(&s, hf_fq2_add(l0, l3), l4, &s);
  hf_fq6_sub(&s, &v0, &s);
  hf_fq6_sub(&s, &v1, &out->c1);
  hf_fq6_mul_v(&v1, &v1);
  hf_fq6_add(&v0, &v1, &out->c0);
}

/* (a + b y)^2 in Fq4 = Fq2[y]/(y^2 - xi): *t0 + *t1 y. */
static void fq4_sqr(hf_fq2 a, hf_fq2 b, hf_fq2 *t0, hf_fq2 *t1) {
  hf_fq2 m = hf_fq2_mul(a, b);
  hf_fq2 s = hf_fq2_mul(hf_fq2_add(a, b), hf_fq2_add(hf_fq2_mul_xi(b), a));
  *t0 = hf_fq2_sub(hf_fq2_sub(s, m), hf_fq2_mul_xi(m));
  *t1 = hf_fq2_dbl(m);
}

static hf_fq2 triple_minus_double(hf_fq2 t, hf_fq2 z) { return hf_fq2_add(hf_fq2_dbl(hf_fq2_sub(t, z)), t); }
static hf_fq2 triple_plus_double(hf_fq2 t, hf_fq2 z) { return hf_fq2_add(hf_fq2_dbl(hf_fq2_add(t, z)), t); }

void hf_fq12_sqr_cyclotomic(const hf_fq12 *a, hf_fq12 *out) {
  hf_fq2 t0, t1, t2, t3, t4, t5;
  hf_fq12 z = *a;
  fq4_sqr(z.c0.c0, z.c1.c1, &t0, &t1);
  fq4_sqr(z.c1.c0, z.c0.c2, &t2, &t3);
  fq4_sqr(z.c0.c1, z.c1.c2, &t4, &t5);
  out->c0.c0 = triple_minus_double(t0, z.c0.c0);
  out->c0.c1 = triple_minus_double(t2, z.c0.c1);
  out->c0.c2 = triple_minus_double(t4, z.c0.c2);
  out->c1.c0 = triple_plus_double(hf_fq2_mul_xi(t5), z.c1.c0);
  out->c1.c1 = triple_plus_double(t1, z.c1.c1);
  out->c1.c2 = triple_plus_double(t3, z.c1.c2);
}
