/* Fq: the base field of BN254, where the coordinates of points live. q > r.
 * p = 21888242871839275222246405745257275088696311157297823662689037894645226208583
 * Constants follow from p alone: N0 = -p^-1 mod 2^64, ONE = 2^256 mod p, R2 = 2^512 mod p. */
#ifndef HF_ARITH_FQ_H
#define HF_ARITH_FQ_H
#include "dialect.h"

typedef struct HF_ALIGNED hf_fq {
  hf_u64 l[4];
} hf_fq;

#define HF_FP_T hf_fq
#define HF_FP(f) hf_fq_##f
#define HF_FP_P0 0x3c208c16d87cfd47ull
#define HF_FP_P1 0x97816a916871ca8dull
#define HF_FP_P2 0xb85045b68181585dull
#define HF_FP_P3 0x30644e72e131a029ull
#define HF_FP_N0 0x87d20782e4866389ull
#define HF_FP_ONE \
  {{0xd35d438dc58f0d9dull, 0x0a78eb28f5c70b3dull, 0x666ea36f7879462cull, 0x0e0a77c19a07df2full}}
#define HF_FP_R2 \
  {{0xf32cfc5b538afa89ull, 0xb5e71911d44501fbull, 0x47ab1eff0a417ff6ull, 0x06d89f71cab8351full}}
#define HF_FP_P_MINUS_2 \
  {{0x3c208c16d87cfd45ull, 0x97816a916871ca8dull, 0xb85045b68181585dull, 0x30644e72e131a029ull}}
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

#endif
