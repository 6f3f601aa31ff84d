/* What a proof is made of, in order: shared by prover and verifier, and by every other verifier.
 *
 * Polynomials come in four groups. kappa polynomials of one group share a commitment (a pack),
 *   f(X) = sum_j X^j p_j(X^kappa),
 * missing ones count as zero. Opening a pack at zeta means f mod (X^kappa - zeta) = sum_j p_j(zeta) X^j.
 * The witness and the sums are opened at zeta and at zeta*omega, the quotient and the fixed
 * columns at zeta.
 */
#ifndef HF_LAYOUT_H
#define HF_LAYOUT_H

#include "arith/columns.h"

enum hf_witness_poly { HF_POLY_A, HF_POLY_B, HF_POLY_C, HF_POLY_D, HF_POLY_E, HF_POLY_M, HF_WITNESS_COUNT };
enum hf_sums_poly { HF_POLY_Z, HF_POLY_RANGE, HF_POLY_ROM, HF_POLY_RHO, HF_SUMS_COUNT };
#define HF_QUOTIENT_COUNT 5 /* chunks t_k of t = sum_k X^(n k) t_k */

#define HF_MIN_LOG_N 4
#define HF_MAX_LOG_N 26
#define HF_KAPPA_MAX 8
/* The kappa of all proofs that nodes verify, theirs included, chosen in PROTOCOL.md. */
#define HF_PRODUCTION_KAPPA 3
/* Every polynomial has at most n + HF_EXTRA_COEFFICIENTS coefficients (blinding); the SRS of a key has kappa
 * times as many points. */
#define HF_EXTRA_COEFFICIENTS 4

/* Evaluations in a proof, in this order. At zeta: witness, sums, quotient, fixed. At zeta*omega: witness, sums. */
enum {
  HF_EVAL_WITNESS = 0,
  HF_EVAL_SUMS = HF_EVAL_WITNESS + HF_WITNESS_COUNT,
  HF_EVAL_QUOTIENT = HF_EVAL_SUMS + HF_SUMS_COUNT,
  HF_EVAL_FIXED = HF_EVAL_QUOTIENT + HF_QUOTIENT_COUNT,
  HF_EVALS_ZETA = HF_EVAL_FIXED + HF_FIXED_COUNT,
  HF_EVALS_NEXT = HF_WITNESS_COUNT + HF_SUMS_COUNT
};

/* Packs, in the order of their combination: witness, sums, quotient, fixed. */
static inline unsigned hf_packs(unsigned polynomials, unsigned kappa) { return (polynomials + kappa - 1) / kappa; }

typedef struct hf_pack_layout {
  unsigned witness, sums, quotient, fixed; /* packs in each group */
  unsigned proof;                          /* commitments that the proof carries besides W and W' */
  unsigned all;                            /* packs that are opened */
} hf_pack_layout;

static inline hf_pack_layout hf_pack_layout_of(unsigned kappa) {
  hf_pack_layout p;
  p.witness = hf_packs(HF_WITNESS_COUNT, kappa);
  p.sums = hf_packs(HF_SUMS_COUNT, kappa);
  p.quotient = hf_packs(HF_QUOTIENT_COUNT, kappa);
  p.fixed = hf_packs(HF_FIXED_COUNT, kappa);
  p.proof = p.witness + p.sums + p.quotient;
  p.all = p.proof + p.fixed;
  return p;
}

#define HF_MAX_PACKS (HF_WITNESS_COUNT + HF_SUMS_COUNT + HF_QUOTIENT_COUNT + HF_FIXED_COUNT)

/* The group's first evaluation and size, for pack number `pack` of all; returns the number of polynomials in
 * the pack and sets *first to the index of its first evaluation. */
static inline unsigned hf_pack_polynomials(unsigned kappa, unsigned pack, unsigned *first) {
  static const unsigned counts[4] = {HF_WITNESS_COUNT, HF_SUMS_COUNT, HF_QUOTIENT_COUNT, HF_FIXED_COUNT};
  unsigned eval = 0;
  for (unsigned g = 0; g < 4; g++) {
    unsigned packs = hf_packs(counts[g], kappa);
    if (pack < packs) {
      *first = eval + pack * kappa;
      unsigned left = counts[g] - pack * kappa;
      return left < kappa ? left : kappa;
    }
    pack -= packs;
    eval += counts[g];
  }
  *first = eval;
  return 0;
}

/* sum_{j<count} evals[j] y^j: the remainder of a pack opened at one point, at y. */
static inline hf_fr hf_pack_remainder(const hf_fr *evals, unsigned count, hf_fr y) {
  hf_fr s = hf_fr_zero();
  for (unsigned j = count; j-- > 0;) s = hf_fr_add(hf_fr_mul(s, y), evals[j]);
  return s;
}

/* Transcript tags, in the order of the rounds. Challenges after each:
 *   WITNESS: beta gamma lambda eta chi;  SUMS: alpha;  QUOTIENT: zeta;
 *   EVALS_NEXT: v, two a squeeze;  W: y. */
enum hf_transcript_tag {
  HF_TAG_VK = 1,
  HF_TAG_PUBLIC,
  HF_TAG_WITNESS,
  HF_TAG_SUMS,
  HF_TAG_QUOTIENT,
  HF_TAG_EVALS_ZETA,
  HF_TAG_EVALS_NEXT,
  HF_TAG_W,
  HF_TAG_W_PRIME
};

/* Public inputs of a foldable circuit: statement, node_vk and an accumulator (L, R) as eight words. */
enum hf_instance_word { HF_INSTANCE_STATEMENT, HF_INSTANCE_NODE_VK, HF_INSTANCE_ACCUMULATOR, HF_INSTANCE_COUNT = 10 };
/* Public inputs of a seal: the root of the tree of records, the number of records m, the fingerprint
 * y = sum word_i x^i of their words at x, and an accumulator as eight words. */
enum hf_seal_word { HF_SEAL_STATEMENT, HF_SEAL_RECORDS, HF_SEAL_X, HF_SEAL_Y, HF_SEAL_ACCUMULATOR, HF_SEAL_COUNT = 12 };
#define HF_ACCUMULATOR_WORDS 8 /* L.x low and high, L.y, R.x, R.y: hf_g1_to_words of L and of R */

#endif
