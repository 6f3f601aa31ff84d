/* Poseidon2 over Fr of BN254, t = 4 (https://eprint.iacr.org/2023/323).
 *
 * permutation: external matrix, 4 full rounds, 56 partial rounds, 4 full rounds.
 * compress4:   P(x)[0] + x0. Feed-forward makes it one-way; used for Merkle nodes
 *              with four children and for fixed-length hashes of at most four words.
 * The sponge for longer inputs is in host/poseidon.h.
 */
#ifndef HF_ARITH_POSEIDON2_H
#define HF_ARITH_POSEIDON2_H
#include "poseidon2_constants.h"

#define HF_POSEIDON2_T 4
#define HF_POSEIDON2_RF 8
#define HF_POSEIDON2_RP 56
#define HF_POSEIDON2_RC_PARTIAL 32 /* index of the first partial round's constant */

typedef struct hf_state4 {
  hf_fr s[4];
} hf_state4;

HF_FN hf_fr hf_pow5(hf_fr x) {
  hf_fr x2 = hf_fr_sqr(x);
  return hf_fr_mul(hf_fr_sqr(x2), x);
}

/* The external matrix {{5,7,1,3},{4,6,1,1},{1,3,5,7},{1,1,4,6}} by additions. */
HF_FN hf_state4 hf_poseidon2_external(hf_state4 x) {
  hf_state4 y;
  hf_fr t0 = hf_fr_add(x.s[0], x.s[1]), t1 = hf_fr_add(x.s[2], x.s[3]);
  hf_fr t2 = hf_fr_add(hf_fr_dbl(x.s[1]), t1), t3 = hf_fr_add(hf_fr_dbl(x.s[3]), t0);
  hf_fr t4 = hf_fr_add(hf_fr_dbl(hf_fr_dbl(t1)), t3), t5 = hf_fr_add(hf_fr_dbl(hf_fr_dbl(t0)), t2);
  y.s[0] = hf_fr_add(t3, t5);
  y.s[1] = t5;
  y.s[2] = hf_fr_add(t2, t4);
  y.s[3] = t4;
  return y;
}

/* Ones plus the diagonal. */
HF_FN hf_state4 hf_poseidon2_internal(hf_state4 x) {
  hf_state4 y;
  hf_fr sum = hf_fr_add(hf_fr_add(x.s[0], x.s[1]), hf_fr_add(x.s[2], x.s[3]));
  for (int i = 0; i < 4; i++) y.s[i] = hf_fr_add(hf_fr_mul(hf_poseidon2_diagonal[i], x.s[i]), sum);
  return y;
}

HF_FN hf_state4 hf_poseidon2_full_round(hf_state4 x, int round) {
  for (int i = 0; i < 4; i++) x.s[i] = hf_pow5(hf_fr_add(x.s[i], hf_poseidon2_rc[4 * round + i]));
  return hf_poseidon2_external(x);
}

HF_FN hf_state4 hf_poseidon2_partial_round(hf_state4 x, int round) {
  x.s[0] = hf_pow5(hf_fr_add(x.s[0], hf_poseidon2_rc[HF_POSEIDON2_RC_PARTIAL + round]));
  return hf_poseidon2_internal(x);
}

HF_FN hf_state4 hf_poseidon2_permute(hf_state4 x) {
  x = hf_poseidon2_external(x);
  for (int i = 0; i < HF_POSEIDON2_RF / 2; i++) x = hf_poseidon2_full_round(x, i);
  for (int i = 0; i < HF_POSEIDON2_RP; i++) x = hf_poseidon2_partial_round(x, i);
  for (int i = HF_POSEIDON2_RF / 2; i < HF_POSEIDON2_RF; i++) x = hf_poseidon2_full_round(x, i);
  return x;
}

HF_FN hf_fr hf_poseidon2_compress4(hf_fr x0, hf_fr x1, hf_fr x2, hf_fr x3) {
  hf_state4 x;
  x.s[0] = x0;
  x.s[1] = x1;
  x.s[2] = x2;
  x.s[3] = x3;
  return hf_fr_add(hf_poseidon2_permute(x).s[0], x0);
}

#endif
