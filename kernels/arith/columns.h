/* The columns of the arithmetization and the constants of its constraints.
 *
 * n = 2^k rows; five wires a b c d e, each readable on the next row; 24 fixed columns.
 * relation.h says what every constraint is. */
#ifndef HF_ARITH_COLUMNS_H
#define HF_ARITH_COLUMNS_H
#include "fr.h"

#define HF_WIRES 5
/* The last rows of every wire are random (zero knowledge): no gate, lookup or copy uses them. */
#define HF_BLIND_ROWS 5

enum hf_fixed_column {
  HF_Q1, HF_Q2, HF_Q3, HF_Q4, HF_Q5, /* linear coefficients; constants of custom gates */
  HF_QAB, HF_QCD,                    /* coefficients of a*b and c*d */
  HF_QN,                             /* coefficient of e on the next row */
  HF_QC,                             /* constant; ROM: the identity of the table */
  HF_S_ARITHMETIC,                   /* 1 = arithmetic, 2 = update, 3 = double, 0 = none */
  HF_S_MERKLE, HF_S_FULL, HF_S_PARTIAL, HF_S_MIDDLE, HF_S_EDWARDS, HF_S_NONNATIVE, HF_S_RANGE,
  HF_ROM,                            /* 1 = read, -1 = write, 0 = neither */
  HF_SIGMA1, HF_SIGMA2, HF_SIGMA3, HF_SIGMA4, HF_SIGMA5, /* the copy permutation */
  HF_TABLE_RANGE,                    /* 0 .. 2^width-1, then zeros */
  HF_FIXED_COUNT
};

/* Fixed field elements, hf_relation_constants[HF_RC_...]. */
enum {
  HF_RC_ONE,
  HF_RC_TWO,
  HF_RC_THREE,
  HF_RC_INV2,
  HF_RC_INV6,
  HF_RC_EDWARDS_A,
  HF_RC_EDWARDS_D,
  HF_RC_2_64,
  HF_RC_2_128,
  HF_RC_2_67,
  HF_RC_Q0,
  HF_RC_Q1,
  HF_RC_Q2,
  HF_RC_Q3,
  HF_RC_K1,
  HF_RC_K2,
  HF_RC_K3,
  HF_RC_K4,
  HF_RC_COUNT
};

HF_TABLE hf_fr hf_relation_constants[HF_RC_COUNT] = {
  {{0xac96341c4ffffffbull, 0x36fc76959f60cd29ull, 0x666ea36f7879462eull, 0x0e0a77c19a07df2full}}, /* ONE: 1 */
  {{0x592c68389ffffff6ull, 0x6df8ed2b3ec19a53ull, 0xccdd46def0f28c5cull, 0x1c14ef83340fbe5eull}}, /* TWO: 2 */
  {{0x05c29c54effffff1ull, 0xa4f563c0de22677dull, 0x334bea4e696bd28aull, 0x2a1f6744ce179d8eull}}, /* THREE: 3 */
  {{0x783c14d81ffffffeull, 0xaf982f6f0c8d1eddull, 0x8f5f7492fcfd4f45ull, 0x1f37631a3d9cbfacull}}, /* INV2: 1/2 */
  {{0x7d695c480aaaaaaaull, 0x3a880fcfaed9b4f4ull, 0xda7526dba9a9c517ull, 0x0a67cbb369deea8eull}}, /* INV6: 1/6 */
  {{0x95accf61fff261e0ull, 0x24780d659df7d378ull, 0xe0ac11b07e906ae8ull, 0x0f35db2216d3def3ull}}, /* EDWARDS_A: BabyJubJub a */
  {{0x2735f484aff261f5ull, 0x70ba1b579a2e0f63ull, 0xff41c9a91e2caa8cull, 0x07704a8e8fe6025full}}, /* EDWARDS_D: BabyJubJub d */
  {{0xb4c6edf97c5fb586ull, 0x708c8d50bfeb93beull, 0x9ffd1de404f7e0efull, 0x215b02ac9a392866ull}}, /* 2_64: 2^64: the weight of a limb */
  {{0xb075da81ef8cfeb9ull, 0xa7f12acca5b6cd8cull, 0x32c475047957bf7bull, 0x03d581d748ffa25eull}}, /* 2_128: 2^128: the weight of a pair of limbs */
  {{0x52cda3e832fdac2bull, 0xbb60e11b9ebd6b1full, 0x6657928fa0384da9ull, 0x18e28d266bd12264ull}}, /* 2_67: 2^67: the offset of a carry */
  {{0xe92b03f3d523be2aull, 0xd8d3efb5b8c01f95ull, 0x4739808effde9353ull, 0x2f9a55cea5892d01ull}}, /* Q0: limbs of q */
  {{0xb68c456309d30c76ull, 0xd8f135bbcc603fc0ull, 0xc4742c017128f118ull, 0x02bb46fa6c86bf7full}}, /* Q1 */
  {{0xfc05bd78e8cb55f1ull, 0xf91ec3226c4faf2full, 0xbcf4c741eab5ab2aull, 0x01f6201b42fdea9full}}, /* Q2 */
  {{0x0f87d64fc0000004ull, 0x5cedab8df6e5c244ull, 0xb90d2e918c4bf0e3ull, 0x0940f41503452849ull}}, /* Q3 */
  {{0x1b0d0ef99fffffe6ull, 0xeaba68a3a32a913full, 0x47d8eb76d8dd0689ull, 0x15d0085520f5bbc3ull}}, /* K1: k_w = 5^w: the cosets of the permutation argument */
  {{0xff7d5fb83fffff7cull, 0x453c3aa13c61f518ull, 0xf69c0de5394e6ff7ull, 0x0c478cc3e2696a7cull}}, /* K2 */
  {{0xb990e9054ffffd6bull, 0x31f93cddb43058ebull, 0x18bbffc39d06d777ull, 0x0d0171608add7447ull}}, /* K3 */
  {{0x5bf297869ffff316ull, 0xd1aa480c0b384c09ull, 0xc35bb91b8fa0dcf6ull, 0x10a2e86fd521a539ull}}, /* K4 */
};

#endif
