/* Sums of multiples of points of G1.
 *
 * A scalar is an odd number given by its digits: s = 2 half + 1 - 2^bits = sum d_i 2^i, d_i = 1 where bit i of `half` is
 * set and -1 where it is not. Short challenges come so (transcript.h); full ones are split in two (hf_msm_full).
 *
 * Terms are taken in groups of five, in order: a group is a table of its 32 signed sums (points.h), and a bit of five
 * scalars is one chained addition. All groups share one running sum,
 *   A := O + first sums; for each further bit A := 2 A + sum of the first group, + sums of the other groups,
 * which starts at a fixed point O of unknown logarithm and gives 2^(bits-1) O back at the end. O is there so that honest
 * inputs meet no exceptional case: every addition proves that its points differ in x, so none is met dishonestly
 * either, and hf_msm_replay tells natively what a circuit could not prove.
 */
#ifndef HF_CIRCUIT_MSM_H
#define HF_CIRCUIT_MSM_H
#include "circuit/points.h"

#define HF_MSM_TERMS 20

typedef struct hf_msm_term {
  hf_curve_point point;
  hf_var half;   /* any variable: that it is below 2^bits is proven here */
  unsigned bits; /* 1 .. HF_GLV_BITS */
} hf_msm_term;

/* Terms of at most HF_MSM_TERMS. About 127 (44 + 45 groups) rows and 1,560 a group of five, for 127 bits. */
hf_curve_point hf_msm(hf_builder *b, const char *name, const hf_msm_term *terms, unsigned count);

/* point k as two terms of HF_GLV_BITS bits. 18 rows. */
void hf_msm_full(hf_builder *b, hf_curve_point point, hf_var k, hf_msm_term out[2]);

/* The same sum on values; *ok (false first) = the circuit can prove for every addition on the way that its
 * points differ in x. */
typedef struct hf_msm_value {
  hf_g1 point;
  hf_fr half;
  unsigned bits;
} hf_msm_value;
hf_g1 hf_msm_replay(const hf_msm_value *terms, unsigned count, bool *ok);
void hf_msm_full_value(hf_g1 point, hf_fr k, hf_msm_value out[2]);

/* O: the first x from keccak256("hyperfold.offset.v1") up for which a point exists, with the even y. */
hf_g1 hf_msm_offset(void);

#endif
