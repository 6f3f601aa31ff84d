#include "host/pairing.h"

/* 6t+2 in non-adjacent form, least significant digit first; t = 4965661367192848881. */
#define LOOP_DIGITS 66
static const signed char loop[LOOP_DIGITS] = {0,  0,  0,  1, 0,  1, 0,  -1, 0,  0, -1, 0, 0,  0,  1, 0, 0,
                                              -1, 0,  -1, 0, 0,  0, 1,  0,  -1, 0, 0,  0, 0,  -1, 0, 0, 1,
                                              0,  -1, 0,  0, 1,  0, 0,  0,  0,  0, -1, 0, 0,  -1, 0, 1, 0,
                                              -1, 0,  0,  0, -1, 0, -1, 0,  0,  0, 1,  0, -1, 0,  1};

static const uint64_t curve_t = 4965661367192848881ull;

/* A running point on the twist, homogeneous: x = X/Z, y = Y/Z. */
typedef struct twist_point {
  hf_fq2 x, y, z;
} twist_point;

static hf_fq2 halve(hf_fq2 a) {
  static const hf_fq half = {
      {0x87bee7d24f060572ull, 0xd0fd2add2f1c6ae5ull, 0x8f5f7492fcfd4f44ull, 0x1f37631a3d9cbfacull}};
  return hf_fq2_mul_fq(a, half);
}

/* f := f * (tangent at t, evaluated at p); t := 2t. */
static void double_step(twist_point *t, hf_g1 p, hf_fq12 *f) {
  hf_fq2 a = halve(hf_fq2_mul(t->x, t->y)), b = hf_fq2_sqr(t->y), c = hf_fq2_sqr(t->z);
  hf_fq2 e = hf_fq2_mul(hf_fq2_add(hf_fq2_dbl(c), c), hf_fq2_twist_b());
  hf_fq2 e3 = hf_fq2_add(hf_fq2_dbl(e), e), g = halve(hf_fq2_add(b, e3));
  hf_fq2 h = hf_fq2_sub(hf_fq2_sqr(hf_fq2_add(t->y, t->z)), hf_fq2_add(b, c));
  hf_fq2 j = hf_fq2_sqr(t->x), ee = hf_fq2_sqr(e);
  hf_fq2 l0 = hf_fq2_mul_fq(hf_fq2_neg(h), p.y);
  hf_fq2 l3 = hf_fq2_mul_fq(hf_fq2_add(hf_fq2_dbl(j), j), p.x);
  hf_fq12_mul_line(f, l0, l3, hf_fq2_sub(e, b), f);
  t->x = hf_fq2_mul(a, hf_fq2_sub(b, e3));
  t->y = hf_fq2_sub(hf_fq2_sqr(g), hf_fq2_add(hf_fq2_dbl(ee), ee));
  t->z = hf_fq2_mul(b, h);
}

/* f := f * (line through t and q, evaluated at p); t := t + q. */
static void add_step(twist_point *t, hf_g2 q, hf_g1 p, hf_fq12 *f) {
  hf_fq2 o = hf_fq2_sub(t->y, hf_fq2_mul(q.y, t->z)), l = hf_fq2_sub(t->x, hf_fq2_mul(q.x, t->z));
  hf_fq2 c = hf_fq2_sqr(o), d = hf_fq2_sqr(l), e = hf_fq2_mul(d, l);
  hf_fq2 s = hf_fq2_mul(t->z, c), g = hf_fq2_mul(t->x, d);
  hf_fq2 h = hf_fq2_sub(hf_fq2_add(e, s), hf_fq2_dbl(g));
  hf_fq2 l4 = hf_fq2_sub(hf_fq2_mul(q.x, o), hf_fq2_mul(l, q.y));
  hf_fq12_mul_line(f, hf_fq2_mul_fq(l, p.y), hf_fq2_mul_fq(hf_fq2_neg(o), p.x), l4, f);
  t->x = hf_fq2_mul(l, h);
  t->y = hf_fq2_sub(hf_fq2_mul(o, hf_fq2_sub(g, h)), hf_fq2_mul(t->y, e));
  t->z = hf_fq2_mul(t->z, e);
}

hf_status hf_pairing_miller(const hf_g1 *p, const hf_g2 *q, size_t n, hf_fq12 *out) {
  twist_point t[HF_PAIRING_MAX_PAIRS];
  size_t live[HF_PAIRING_MAX_PAIRS], m = 0;
  hf_fq12_one(out);
  if (n > HF_PAIRING_MAX_PAIRS)
    return hf_fail(HF_E_ARGUMENT, "pairing: %zu pairs, at most %d at once", n, HF_PAIRING_MAX_PAIRS);
  for (size_t i = 0; i < n; i++) {
    if (hf_g1_is_infinity(p[i]) || hf_g2_is_infinity(q[i])) continue;
    t[m] = (twist_point){q[i].x, q[i].y, hf_fq2_one()};
    live[m++] = i;
  }
  if (m == 0) return HF_OK;
  for (int d = LOOP_DIGITS - 2; d >= 0; d--) {
    hf_fq12_sqr(out, out);
    for (size_t i = 0; i < m; i++) {
      double_step(&t[i], p[live[i]], out);
      if (loop[d] == 1) add_step(&t[i], q[live[i]], p[live[i]], out);
      if (loop[d] == -1) add_step(&t[i], hf_g2_neg(q[live[i]]), p[live[i]], out);
    }
  }
  /* The last two lines: + psi(Q), then - psi^2(Q). */
  for (size_t i = 0; i < m; i++) {
    hf_g2 image = q[live[i]];
    hf_twist_frobenius(&image.x, &image.y);
    add_step(&t[i], image, p[live[i]], out);
    hf_twist_frobenius(&image.x, &image.y);
    add_step(&t[i], hf_g2_neg(image), p[live[i]], out);
  }
  return HF_OK;
}

/* a^(-t) in the cyclotomic subgroup. */
static void power_minus_t(const hf_fq12 *a, hf_fq12 *out) {
  hf_fq12 base = *a, z = *a;
  for (int i = 61; i >= 0; i--) { /* t has 63 bits */
    hf_fq12_sqr_cyclotomic(&z, &z);
    if (curve_t >> i & 1) hf_fq12_mul(&z, &base, &z);
  }
  hf_fq12_conj(&z, out);
}

void hf_pairing_final_exponent(const hf_fq12 *f, hf_fq12 *out) {
  hf_fq12 r, t, a, b, c, d;
  /* The easy part: f^((q^6-1)(q^2+1)). */
  hf_fq12_inv(f, &t);
  hf_fq12_conj(f, &r);
  hf_fq12_mul(&r, &t, &r);
  hf_fq12_frobenius(&r, 2, &t);
  hf_fq12_mul(&r, &t, &r);
  /* The hard part: r^(2t(6t^2+3t+1)(q^4-q^2+1)/order), written as l0 + l1 q + l2 q^2 + l3 q^3 with
   *   l0 = 1 + 6t + 12t^2 + 12t^3   l1 = 4t + 6t^2 + 12t^3
   *   l2 = 6t + 6t^2 + 12t^3        l3 = -1 + 4t + 6t^2 + 12t^3 */
  power_minus_t(&r, &a);
  hf_fq12_sqr_cyclotomic(&a, &a); /* -2t */
  hf_fq12_sqr_cyclotomic(&a, &b); /* -4t */
  hf_fq12_mul(&b, &a, &b);        /* -6t */
  power_minus_t(&b, &c);          /* 6t^2 */
  hf_fq12_sqr_cyclotomic(&c, &d); /* 12t^2 */
  power_minus_t(&d, &d);          /* -12t^3 */
  hf_fq12_conj(&b, &b);           /* 6t */
  hf_fq12_conj(&d, &d);           /* 12t^3 */
  hf_fq12_mul(&d, &c, &d);        /* 6t^2 + 12t^3 */
  hf_fq12_mul(&d, &b, &b);        /* l2 */
  hf_fq12_mul(&b, &a, &a);        /* l1 */
  hf_fq12_mul(&b, &c, &d);        /* 6t + 12t^2 + 12t^3 */
  hf_fq12_mul(&d, &r, &d);        /* l0 */
  hf_fq12_frobenius(&a, 1, &t);
  hf_fq12_mul(&d, &t, &d);
  hf_fq12_frobenius(&b, 2, &t);
  hf_fq12_mul(&d, &t, &d);
  hf_fq12_conj(&r, &r);
  hf_fq12_mul(&r, &a, &a); /* l3 */
  hf_fq12_frobenius(&a, 3, &t);
  hf_fq12_mul(&d, &t, out);
}

hf_status hf_pairing_product(const hf_g1 *p, const hf_g2 *q, size_t n, hf_fq12 *out) {
  hf_status status = hf_pairing_miller(p, q, n, out);
  if (status == HF_OK) hf_pairing_final_exponent(out, out);
  return status;
}

hf_status hf_pairing_check(const hf_g1 *p, const hf_g2 *q, size_t n, bool *ok) {
  hf_fq12 f;
  *ok = false;
  if (n > HF_PAIRING_MAX_PAIRS)
    return hf_fail(HF_E_ARGUMENT, "pairing: %zu pairs, at most %d at once", n, HF_PAIRING_MAX_PAIRS);
  for (size_t i = 0; i < n; i++) {
    if (!hf_g1_is_infinity(p[i]) && !hf_g1_on_curve(p[i]))
      return hf_fail(HF_E_CURVE, "pairing: G1 point %zu is not on the curve", i);
    if (!hf_g2_is_infinity(q[i])) {
      if (!hf_g2_on_curve(q[i])) return hf_fail(HF_E_CURVE, "pairing: G2 point %zu is not on the curve", i);
      if (!hf_g2_in_subgroup(q[i]))
        return hf_fail(HF_E_SUBGROUP, "pairing: G2 point %zu is not of order r", i);
    }
  }
  hf_status status = hf_pairing_product(p, q, n, &f);
  if (status == HF_OK) *ok = hf_fq12_is_one(&f);
  return status;
}
