/* G1: y^2 = x^3 + 3 over Fq, prime order r, cofactor 1 (every point on the curve is in the group).
 *
 * Affine points are what files, proofs and tables hold; (0, 0), which is not on
 * the curve, stands for the point at infinity. Sums are kept in XYZZ coordinates
 * (x = X/ZZ, y = Y/ZZZ, ZZ^3 = ZZZ^2; infinity is ZZ = 0). Formulas: the
 * Explicit-Formulas Database, "XYZZ coordinates" for short Weierstrass curves
 * (add-2008-s, madd-2008-s, dbl-2008-s-1, mdbl-2008-s-1), with all exceptional
 * cases handled.
 */
#ifndef HF_ARITH_EC_H
#define HF_ARITH_EC_H
#include "fq.h"
#include "fr.h"

/* On CUDA devices HF_POINT_CALLS makes doubling and the full addition functions that are called: less code, which the
 * inlined addition of affine points needs for itself. */
#if defined(__CUDACC__) && defined(HF_POINT_CALLS)
#define HF_POINT_FN static __device__ __noinline__
#else
#define HF_POINT_FN HF_FN
#endif

typedef struct hf_g1 {
  hf_fq x, y;
} hf_g1;

typedef struct hf_g1_xyzz {
  hf_fq x, y, zz, zzz;
} hf_g1_xyzz;

HF_FN hf_g1 hf_g1_infinity(void) {
  hf_g1 p;
  p.x = hf_fq_zero();
  p.y = hf_fq_zero();
  return p;
}

HF_FN hf_g1 hf_g1_generator(void) {
  hf_g1 p;
  p.x = hf_fq_one();
  p.y = hf_fq_dbl(hf_fq_one());
  return p;
}

HF_FN int hf_g1_is_infinity(hf_g1 p) { return hf_fq_is_zero(p.x) && hf_fq_is_zero(p.y); }
HF_FN int hf_g1_eq(hf_g1 p, hf_g1 q) { return hf_fq_eq(p.x, q.x) && hf_fq_eq(p.y, q.y); }

HF_FN hf_g1 hf_g1_neg(hf_g1 p) {
  p.y = hf_fq_neg(p.y);
  return p;
}

/* 1 for a finite point on the curve. */
HF_FN int hf_g1_on_curve(hf_g1 p) {
  hf_fq x3 = hf_fq_mul(hf_fq_sqr(p.x), p.x);
  return hf_fq_eq(hf_fq_sqr(p.y), hf_fq_add(x3, hf_fq_from_u64(3)));
}

HF_FN hf_g1_xyzz hf_g1_xyzz_infinity(void) {
  hf_g1_xyzz p;
  p.x = p.y = p.zz = p.zzz = hf_fq_zero();
  return p;
}

HF_FN int hf_g1_xyzz_is_infinity(hf_g1_xyzz p) { return hf_fq_is_zero(p.zz); }

HF_FN hf_g1_xyzz hf_g1_to_xyzz(hf_g1 p) {
  hf_g1_xyzz q;
  if (hf_g1_is_infinity(p)) return hf_g1_xyzz_infinity();
  q.x = p.x;
  q.y = p.y;
  q.zz = hf_fq_one();
  q.zzz = hf_fq_one();
  return q;
}

HF_FN hf_g1_xyzz hf_g1_xyzz_neg(hf_g1_xyzz p) {
  p.y = hf_fq_neg(p.y);
  return p;
}

HF_POINT_FN hf_g1_xyzz hf_g1_xyzz_dbl(hf_g1_xyzz p) {
  hf_g1_xyzz q;
  if (hf_fq_is_zero(p.zz)) return p; /* no point of order two: y is never 0 */
  hf_fq u = hf_fq_dbl(p.y), v = hf_fq_sqr(u), w = hf_fq_mul(u, v), s = hf_fq_mul(p.x, v);
  hf_fq xx = hf_fq_sqr(p.x), m = hf_fq_add(hf_fq_dbl(xx), xx);
  q.x = hf_fq_sub(hf_fq_sqr(m), hf_fq_dbl(s));
  q.y = hf_fq_sub(hf_fq_mul(m, hf_fq_sub(s, q.x)), hf_fq_mul(w, p.y));
  q.zz = hf_fq_mul(v, p.zz);
  q.zzz = hf_fq_mul(w, p.zzz);
  return q;
}

HF_POINT_FN hf_g1_xyzz hf_g1_xyzz_add(hf_g1_xyzz p, hf_g1_xyzz q) {
  hf_g1_xyzz z;
  if (hf_fq_is_zero(p.zz)) return q;
  if (hf_fq_is_zero(q.zz)) return p;
  hf_fq u1 = hf_fq_mul(p.x, q.zz), u2 = hf_fq_mul(q.x, p.zz);
  hf_fq s1 = hf_fq_mul(p.y, q.zzz), s2 = hf_fq_mul(q.y, p.zzz);
  hf_fq d = hf_fq_sub(u2, u1), r = hf_fq_sub(s2, s1);
  if (hf_fq_is_zero(d)) return hf_fq_is_zero(r) ? hf_g1_xyzz_dbl(p) : hf_g1_xyzz_infinity();
  hf_fq dd = hf_fq_sqr(d), ddd = hf_fq_mul(d, dd), v = hf_fq_mul(u1, dd);
  z.x = hf_fq_sub(hf_fq_sub(hf_fq_sqr(r), ddd), hf_fq_dbl(v));
  z.y = hf_fq_sub(hf_fq_mul(r, hf_fq_sub(v, z.x)), hf_fq_mul(s1, ddd));
  z.zz = hf_fq_mul(hf_fq_mul(p.zz, q.zz), dd);
  z.zzz = hf_fq_mul(hf_fq_mul(p.zzz, q.zzz), ddd);
  return z;
}

/* p + q, q affine. */
HF_FN hf_g1_xyzz hf_g1_xyzz_add_affine(hf_g1_xyzz p, hf_g1 q) {
  hf_g1_xyzz z;
  if (hf_g1_is_infinity(q)) return p;
  if (hf_fq_is_zero(p.zz)) return hf_g1_to_xyzz(q);
  hf_fq d = hf_fq_sub(hf_fq_mul(q.x, p.zz), p.x), r = hf_fq_sub(hf_fq_mul(q.y, p.zzz), p.y);
  if (hf_fq_is_zero(d)) return hf_fq_is_zero(r) ? hf_g1_xyzz_dbl(p) : hf_g1_xyzz_infinity();
  hf_fq dd = hf_fq_sqr(d), ddd = hf_fq_mul(d, dd), v = hf_fq_mul(p.x, dd);
  z.x = hf_fq_sub(hf_fq_sub(hf_fq_sqr(r), ddd), hf_fq_dbl(v));
  z.y = hf_fq_sub(hf_fq_mul(r, hf_fq_sub(v, z.x)), hf_fq_mul(p.y, ddd));
  z.zz = hf_fq_mul(p.zz, dd);
  z.zzz = hf_fq_mul(p.zzz, ddd);
  return z;
}

/* One inversion; for many points invert the denominators together. */
HF_FN hf_g1 hf_g1_from_xyzz(hf_g1_xyzz p) {
  hf_g1 q;
  if (hf_fq_is_zero(p.zz)) return hf_g1_infinity();
  hf_fq i = hf_fq_inv(p.zzz);                     /* 1/Z^3 */
  hf_fq j = hf_fq_sqr(hf_fq_mul(i, p.zz));        /* 1/Z^2 */
  q.x = hf_fq_mul(p.x, j);
  q.y = hf_fq_mul(p.y, i);
  return q;
}

/* k * p by double-and-add; k in Montgomery form. For single multiplications. */
HF_FN hf_g1_xyzz hf_g1_mul(hf_g1 p, hf_fr k) {
  hf_fr e = hf_fr_to_limbs(k);
  hf_g1_xyzz z = hf_g1_xyzz_infinity();
  for (int i = 3; i >= 0; i--)
    for (int j = 63; j >= 0; j--) {
      z = hf_g1_xyzz_dbl(z);
      if (e.l[i] >> j & 1) z = hf_g1_xyzz_add_affine(z, p);
    }
  return z;
}

#endif
