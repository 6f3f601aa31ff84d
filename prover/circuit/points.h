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

/* A finite point as a hint, range checked and on the curve; not necessarily reduced coordinates. 36 rows. */
hf_curve_point hf_curve_point_hint(hf_builder *b, hf_g1 p, const char *name);
hf_curve_point hf_curve_point_constant(hf_builder *b, hf_g1 p);
/* The four words of a point (hf_g1_to_words), coordinates proven to be below q. 30 rows. */
void hf_curve_point_words(hf_builder *b, hf_curve_point p, hf_var words[4]);
/* The endomorphism (beta x, y) = lambda p; see hf_glv. 16 rows. */
hf_curve_point hf_curve_endomorphism(hf_builder *b, hf_curve_point p);
hf_g1 hf_curve_point_value(const hf_builder *b, hf_curve_point p);
/* p + q or, with minus, p - q. 55 rows. */
hf_curve_point hf_curve_add(hf_builder *b, hf_curve_point p, hf_curve_point q, bool minus);
/* 2 p: never exceptional, as no point of G1 has y = 0. */
hf_curve_point hf_curve_double(hf_builder *b, hf_curve_point p);

/* The 2^count sums of d_i p_i, count 1..HF_SIGNED_SUMS_MAX, d_i = 1 where bit i of the address is set and -1 where it is
 * not, in two tables. Every addition on the way proves that its points differ in x. */
#define HF_SIGNED_SUMS_MAX 5
typedef struct hf_signed_sums {
  hf_rom x, y;
} hf_signed_sums;
void hf_signed_sums_create(hf_builder *b, const hf_curve_point *p, unsigned count, hf_signed_sums *out);
hf_curve_point hf_signed_sums_read(hf_builder *b, const hf_signed_sums *sums, hf_var address);

/* A running sum whose y is computed only where it is needed. It is an expression in what was added last. */
typedef struct hf_chain {
  hf_limbs x;
  hf_var x_native;
  enum {
    HF_CHAIN_SINGLE, /* y = slope (last.x - x) - last.y */
    HF_CHAIN_NESTED  /* y = slope (u - x) - inner (last.x - u) + last.y, after a doubling */
  } form;
  hf_limbs slope, u, inner;
  hf_curve_point last;
} hf_chain;

/* start + p. */
void hf_chain_begin(hf_builder *b, hf_chain *chain, hf_curve_point start, hf_curve_point p);
/* + the sum at `address`, read on rows that the addition needs anyhow. 42 rows, 44 after a doubling. */
void hf_chain_add_read(hf_builder *b, hf_chain *chain, const hf_signed_sums *sums, hf_var address);
void hf_chain_add(hf_builder *b, hf_chain *chain, hf_curve_point p);
/* Twice the running sum plus the sum at `address`, as (A + P) + A. 88 rows. */
void hf_chain_double_add(hf_builder *b, hf_chain *chain, const hf_signed_sums *sums, hf_var address);
hf_curve_point hf_chain_end(hf_builder *b, const hf_chain *chain);

#endif
