#include "host/g2.h"

hf_g2 hf_g2_infinity(void) { return (hf_g2){hf_fq2_zero(), hf_fq2_zero()}; }

hf_g2 hf_g2_generator(void) {
  hf_g2 g = {
      {{{0x8e83b5d102bc2026ull, 0xdceb1935497b0172ull, 0xfbb8264797811adfull, 0x19573841af96503bull}},
       {{0xafb4737da84c6140ull, 0x6043dd5a5802d8c4ull, 0x09e950fc52a02f86ull, 0x14fef0833aea7b6bull}}},
      {{{0x619dfa9d886be9f6ull, 0xfe7fd297f59e9b78ull, 0xff9e1a62231b7dfeull, 0x28fd7eebae9e4206ull}},
       {{0x64095b56c71856eeull, 0xdc57f922327d3cbbull, 0x55f935be33351076ull, 0x0da4a0e693fd6482ull}}}};
  return g;
}

bool hf_g2_is_infinity(hf_g2 p) { return hf_fq2_is_zero(p.x) && hf_fq2_is_zero(p.y); }
bool hf_g2_eq(hf_g2 p, hf_g2 q) { return hf_fq2_eq(p.x, q.x) && hf_fq2_eq(p.y, q.y); }

hf_g2 hf_g2_neg(hf_g2 p) {
  p.y = hf_fq2_neg(p.y);
  return p;
}

bool hf_g2_on_curve(hf_g2 p) {
  hf_fq2 x3 = hf_fq2_mul(hf_fq2_sqr(p.x), p.x);
  return hf_fq2_eq(hf_fq2_sqr(p.y), hf_fq2_add(x3, hf_fq2_twist_b()));
}

hf_g2_jac hf_g2_to_jac(hf_g2 p) {
  if (hf_g2_is_infinity(p)) return (hf_g2_jac){hf_fq2_one(), hf_fq2_one(), hf_fq2_zero()};
  return (hf_g2_jac){p.x, p.y, hf_fq2_one()};
}

hf_g2 hf_g2_from_jac(const hf_g2_jac *p) {
  if (hf_fq2_is_zero(p->z)) return hf_g2_infinity();
  hf_fq2 i = hf_fq2_inv(p->z), ii = hf_fq2_sqr(i);
  return (hf_g2){hf_fq2_mul(p->x, ii), hf_fq2_mul(p->y, hf_fq2_mul(ii, i))};
}

/* dbl-2009-l of the Explicit-Formulas Database. Also right for points of order two
 * (Y = 0 gives Z = 0), of which the twist has none: its order is odd. */
hf_g2_jac hf_g2_jac_double(const hf_g2_jac *p) {
  hf_fq2 a = hf_fq2_sqr(p->x), b = hf_fq2_sqr(p->y), c = hf_fq2_sqr(b);
  hf_fq2 d = hf_fq2_dbl(hf_fq2_sub(hf_fq2_sub(hf_fq2_sqr(hf_fq2_add(p->x, b)), a), c));
  hf_fq2 e = hf_fq2_add(hf_fq2_dbl(a), a), f = hf_fq2_sqr(e);
  hf_g2_jac z;
  z.z = hf_fq2_dbl(hf_fq2_mul(p->y, p->z));
  z.x = hf_fq2_sub(f, hf_fq2_dbl(d));
  z.y = hf_fq2_sub(hf_fq2_mul(e, hf_fq2_sub(d, z.x)), hf_fq2_dbl(hf_fq2_dbl(hf_fq2_dbl(c))));
  return z;
}

/* add-2007-bl, with every exceptional case. */
hf_g2_jac hf_g2_jac_add(const hf_g2_jac *p, const hf_g2_jac *q) {
  if (hf_fq2_is_zero(p->z)) return *q;
  if (hf_fq2_is_zero(q->z)) return *p;
  hf_fq2 pzz = hf_fq2_sqr(p->z), qzz = hf_fq2_sqr(q->z);
  hf_fq2 u1 = hf_fq2_mul(p->x, qzz), u2 = hf_fq2_mul(q->x, pzz);
  hf_fq2 s1 = hf_fq2_mul(p->y, hf_fq2_mul(q->z, qzz)), s2 = hf_fq2_mul(q->y, hf_fq2_mul(p->z, pzz));
  hf_fq2 h = hf_fq2_sub(u2, u1), r = hf_fq2_dbl(hf_fq2_sub(s2, s1));
  if (hf_fq2_is_zero(h)) {
    if (hf_fq2_is_zero(r)) return hf_g2_jac_double(p);
    return hf_g2_to_jac(hf_g2_infinity());
  }
  hf_fq2 i = hf_fq2_sqr(hf_fq2_dbl(h)), j = hf_fq2_mul(h, i), v = hf_fq2_mul(u1, i);
  hf_g2_jac z;
  z.x = hf_fq2_sub(hf_fq2_sub(hf_fq2_sqr(r), j), hf_fq2_dbl(v));
  z.y = hf_fq2_sub(hf_fq2_mul(r, hf_fq2_sub(v, z.x)), hf_fq2_dbl(hf_fq2_mul(s1, j)));
  z.z = hf_fq2_mul(hf_fq2_sub(hf_fq2_sub(hf_fq2_sqr(hf_fq2_add(p->z, q->z)), pzz), qzz), h);
  return z;
}

hf_g2_jac hf_g2_jac_mul(const hf_g2_jac *p, const uint64_t k[4]) {
  hf_g2_jac z = hf_g2_to_jac(hf_g2_infinity());
  for (int i = 255; i >= 0; i--) {
    z = hf_g2_jac_double(&z);
    if (k[i / 64] >> (i % 64) & 1) z = hf_g2_jac_add(&z, p);
  }
  return z;
}

hf_g2 hf_g2_mul(hf_g2 p, hf_fr k) {
  hf_fr e = hf_fr_to_limbs(k);
  hf_g2_jac j = hf_g2_to_jac(p);
  j = hf_g2_jac_mul(&j, e.l);
  return hf_g2_from_jac(&j);
}

hf_g2 hf_g2_add(hf_g2 p, hf_g2 q) {
  hf_g2_jac a = hf_g2_to_jac(p), b = hf_g2_to_jac(q);
  a = hf_g2_jac_add(&a, &b);
  return hf_g2_from_jac(&a);
}

/* psi on Jacobian coordinates: conjugate all, then the twist's factors on x and y. */
static hf_g2_jac psi(hf_g2_jac p) {
  hf_twist_frobenius(&p.x, &p.y);
  p.z = hf_fq2_conj(p.z);
  return p;
}

/* P is in the group iff [t+1]P + psi([t]P) + psi^2([t]P) = psi^3([2t]P) (Dai, Lin, Zhao,
 * Zhou, https://eprint.iacr.org/2022/348). psi satisfies psi^2 - T psi + q = 0 with the
 * trace T = 6t^2 + 1; the norm of f = (t+1) + t psi + t psi^2 - 2t psi^3 to Z kills every
 * P with f(P) = 0, and its gcd with the order r (2q - r) of the twist is r exactly
 * (computed), so such a P has order r or is infinity. */
bool hf_g2_in_subgroup(hf_g2 p) {
  static const uint64_t t[4] = {4965661367192848881ull, 0, 0, 0};
  if (hf_g2_is_infinity(p)) return true;
  hf_g2_jac a = hf_g2_to_jac(p), left, right, tp = hf_g2_to_jac(hf_g2_infinity());
  for (int i = 62; i >= 0; i--) {
    tp = hf_g2_jac_double(&tp);
    if (t[0] >> i & 1) tp = hf_g2_jac_add(&tp, &a);
  }
  left = hf_g2_jac_add(&tp, &a);
  right = psi(tp);
  left = hf_g2_jac_add(&left, &right);
  right = psi(right);
  left = hf_g2_jac_add(&left, &right);
  right = psi(right);
  right = hf_g2_jac_double(&right);
  right.y = hf_fq2_neg(right.y);
  left = hf_g2_jac_add(&left, &right);
  return hf_fq2_is_zero(left.z);
}

void hf_g2_to_bytes(hf_g2 p, uint8_t out[HF_G2_BYTES]) {
  hf_fq_to_bytes(p.x.c0, out);
  hf_fq_to_bytes(p.x.c1, out + 32);
  hf_fq_to_bytes(p.y.c0, out + 64);
  hf_fq_to_bytes(p.y.c1, out + 96);
}

void hf_g2_to_bytes_evm(hf_g2 p, uint8_t out[HF_G2_BYTES]) {
  hf_fq_to_bytes_be(p.x.c1, out);
  hf_fq_to_bytes_be(p.x.c0, out + 32);
  hf_fq_to_bytes_be(p.y.c1, out + 64);
  hf_fq_to_bytes_be(p.y.c0, out + 96);
}

static hf_status g2_accept(hf_g2 p, bool allow_infinity, hf_g2 *out) {
  if (hf_g2_is_infinity(p)) {
    if (!allow_infinity) return hf_fail(HF_E_INFINITY, "G2 point: the point at infinity is not allowed here");
    return HF_OK;
  }
  if (!hf_g2_on_curve(p)) return hf_fail(HF_E_CURVE, "G2 point: not on the curve");
  if (!hf_g2_in_subgroup(p)) return hf_fail(HF_E_SUBGROUP, "G2 point: on the curve but not of order r");
  *out = p;
  return HF_OK;
}

hf_status hf_g2_from_bytes(const uint8_t in[HF_G2_BYTES], bool allow_infinity, hf_g2 *out) {
  hf_g2 p;
  *out = hf_g2_infinity();
  if (!hf_fq_from_bytes(in, &p.x.c0) || !hf_fq_from_bytes(in + 32, &p.x.c1) ||
      !hf_fq_from_bytes(in + 64, &p.y.c0) || !hf_fq_from_bytes(in + 96, &p.y.c1))
    return hf_fail(HF_E_RANGE, "G2 point: a coordinate is not below q");
  return g2_accept(p, allow_infinity, out);
}

hf_status hf_g2_from_bytes_evm(const uint8_t in[HF_G2_BYTES], bool allow_infinity, hf_g2 *out) {
  hf_g2 p;
  *out = hf_g2_infinity();
  if (!hf_fq_from_bytes_be(in, &p.x.c1) || !hf_fq_from_bytes_be(in + 32, &p.x.c0) ||
      !hf_fq_from_bytes_be(in + 64, &p.y.c1) || !hf_fq_from_bytes_be(in + 96, &p.y.c0))
    return hf_fail(HF_E_RANGE, "G2 point: a coordinate is not below q");
  return g2_accept(p, allow_infinity, out);
}
