/* G1 of BN254, y^2 = x^3 + 3 over Fq, in circuits over Fr, on non-native arithmetic.
 *
 * The affine formulas are incomplete: they mean nothing where the two x are equal
 * modulo q. Every addition here proves that they differ, so a prover who arranges
 * for such a case finds no witness. x coordinates are tight (nonnative.h).
 */
#ifndef HF_CIRCUIT_POINTS_H
#define HF_CIRCUIT_POINTS_H
#include "arith/ec.h"
#include "circuit/nonnative.h"

typedef struct hf_curve_point {
  hf_limbs x, y;
} hf_curve_point;

/* A finite point as a hint, range checked and on the curve; not necessarily reduced coordinates. 42 rows. */
hf_curve_point hf_curve_point_hint(hf_builder *b, hf_g1 p, const char *name);
hf_curve_point hf_curve_point_constant(hf_builder *b, hf_g1 p);
hf_g1 hf_curve_point_value(const hf_builder *b, hf_curve_point p);
/* p + q or, with minus, p - q. 58 rows. */
hf_curve_point hf_curve_add(hf_builder *b, hf_curve_point p, hf_curve_point q, bool minus);
/* 2 p: never exceptional, as no point of G1 has y = 0. */
hf_curve_point hf_curve_double(hf_builder *b, hf_curve_point p);

/* The 16 sums p0 + s1 p1 + .. + s4 p4, s_i = -1 where bit i-1 of the address is set, in two tables. */
typedef struct hf_signed_sums {
  hf_rom x, y;
} hf_signed_sums;
void hf_signed_sums_create(hf_builder *b, const hf_curve_point p[5], hf_signed_sums *out);
hf_curve_point hf_signed_sums_read(hf_builder *b, const hf_signed_sums *sums, hf_var address);

/* A running sum that is kept as x and the slope of its last addition; y is computed at the end only. */
typedef struct hf_chain {
  hf_limbs x, slope;
  hf_var x_native;
  hf_curve_point last; /* what was added last: y = slope (last.x - x) - last.y */
} hf_chain;

/* start + p. */
void hf_chain_begin(hf_builder *b, hf_chain *chain, hf_curve_point start, hf_curve_point p);
/* + the sum at `address`, read on rows that the addition needs anyhow. 42 rows. */
void hf_chain_add_read(hf_builder *b, hf_chain *chain, const hf_signed_sums *sums, hf_var address);
void hf_chain_add(hf_builder *b, hf_chain *chain, hf_curve_point p);
hf_curve_point hf_chain_end(hf_builder *b, const hf_chain *chain);

#endif
