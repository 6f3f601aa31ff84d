/* The constraints of arith/relation.h as an expression over the words of a proof in calldata. */
#ifndef HF_EVM_IDENTITY_H
#define HF_EVM_IDENTITY_H

#include "layout.h"
#include "yul.h"

/* Where the contract keeps what it has derived: addresses in memory. */
enum hf_evm_place {
  HF_EVM_BETA = 0x200,
  HF_EVM_GAMMA = 0x220,
  HF_EVM_LAMBDA = 0x240,
  HF_EVM_ETA = 0x260,
  HF_EVM_CHI = 0x280,
  HF_EVM_ALPHA = 0x2a0,
  HF_EVM_ZETA = 0x2c0,
  HF_EVM_Y = 0x2e0,
  HF_EVM_RHO = 0x300,
  HF_EVM_V = 0x320,  /* one a pack: 6 */
  HF_EVM_ZN = 0x3e0, /* zeta^n */
  HF_EVM_ZH = 0x400, /* zeta^n - 1 */
  HF_EVM_L1 = 0x420, /* the first Lagrange polynomial at zeta */
  HF_EVM_PI = 0x440, /* minus the public inputs' interpolant at zeta */
  HF_EVM_INV_ZETA = 0x460,
  HF_EVM_R = 0x480,   /* the right point of the pairing, two words */
  HF_EVM_FREE = 0x4c0 /* transcript, then the values of expressions */
};

/* Offsets in the calldata of verify. */
enum hf_evm_offset {
  HF_EVM_INPUTS = 4,
  HF_EVM_COMMITMENTS = HF_EVM_INPUTS + 32 * HF_SEAL_COUNT,
  HF_EVM_AT_ZETA = HF_EVM_COMMITMENTS + 64 * 3,
  HF_EVM_AT_NEXT = HF_EVM_AT_ZETA + 32 * HF_EVALS_ZETA,
  HF_EVM_W = HF_EVM_AT_NEXT + 32 * HF_EVALS_NEXT,
  HF_EVM_W_PRIME = HF_EVM_W + 64,
  HF_EVM_CALLDATA = HF_EVM_W_PRIME + 64
};

/* combine(row) - Z_H(zeta) t(zeta): zero when the constraints hold. */
hf_yul hf_evm_identity(hf_yul_graph *graph);

#endif
