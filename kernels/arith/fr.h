/* Fr: the scalar field of BN254 (order of G1), where circuits live. 2-adicity 28, generator 5.
 * p = 21888242871839275222246405745257275088548364400416034343698204186575808495617
 * Constants follow from p alone: N0 = -p^-1 mod 2^64, ONE = 2^256 mod p, R2 = 2^512 mod p. */
#ifndef HF_ARITH_FR_H
#define HF_ARITH_FR_H
#include "dialect.h"

typedef struct HF_ALIGNED hf_fr {
  hf_u64 l[4];
} hf_fr;

#define HF_FP_T hf_fr
#define HF_FP(f) hf_fr_##f
#define HF_FP_P0 0x43e1f593f0000001ull
#define HF_FP_P1 0x2833e84879b97091ull
#define HF_FP_P2 0xb85045b68181585dull
#define HF_FP_P3 0x30644e72e131a029ull
#define HF_FP_N0 0xc2e1f593efffffffull
#define HF_FP_ONE \
  {{0xac96341c4ffffffbull, 0x36fc76959f60cd29ull, 0x666ea36f7879462eull, 0x0e0a77c19a07df2full}}
#define HF_FP_R2 \
  {{0x1bb8e645ae216da7ull, 0x53fe3ab1e35c59e3ull, 0x8c49833d53bb8085ull, 0x0216d0b17f4e44a5ull}}
#define HF_FP_P_MINUS_2 \
  {{0x43e1f593efffffffull, 0x2833e84879b97091ull, 0xb85045b68181585dull, 0x30644e72e131a029ull}}
#include "fp.h"
#undef HF_FP_T
#undef HF_FP_P0
#undef HF_FP_P1
#undef HF_FP_P2
#undef HF_FP_P3
#undef HF_FP_N0
#undef HF_FP_ONE
#undef HF_FP_R2
#undef HF_FP_P_MINUS_2
#undef HF_FP

/* 5, the generator of the multiplicative group and the shift of the cosets. */
#define HF_FR_GENERATOR \
  {{0x1b0d0ef99fffffe6ull, 0xeaba68a3a32a913full, 0x47d8eb76d8dd0689ull, 0x15d0085520f5bbc3ull}}
#define HF_FR_GENERATOR_INVERSE \
  {{0xd745397409999999ull, 0xb4ada7d483c3efa8ull, 0xc49ca2f8e57f3161ull, 0x162a3754ac156cb3ull}}
/* 5^((r-1)/2^28): a root of unity of order 2^28. */
#define HF_FR_TWO_ADICITY 28
#define HF_FR_ROOT_2_28 \
  {{0x636e735580d13d9cull, 0xa22bf3742445ffd6ull, 0x56452ac01eb203d8ull, 0x1860ef942963f9e7ull}}

/* The primitive root of unity of order 2^log_n; log_n <= 28. */
HF_FN hf_fr hf_fr_root_of_unity(int log_n) {
  hf_fr w = HF_FR_ROOT_2_28;
  for (int i = HF_FR_TWO_ADICITY; i > log_n; i--) w = hf_fr_sqr(w);
  return w;
}

#endif
