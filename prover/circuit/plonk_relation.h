/* The constraints of arith/relation.h over circuit variables: what the verifier inside a circuit checks at zeta. */
#ifndef HF_CIRCUIT_PLONK_RELATION_H
#define HF_CIRCUIT_PLONK_RELATION_H
#include "circuit/builder.h"

/* A row of evaluations, as in relation.h. */
typedef struct hf_relation_values {
  hf_var w[HF_WIRES], wn[HF_WIRES], f[HF_FIXED_COUNT], m, z, zn, range, rangen, rom, romn, rho, rhon, x, l1, pi;
} hf_relation_values;

typedef struct hf_relation_scalars {
  hf_var beta, gamma, lambda, eta, chi, alpha;
} hf_relation_scalars;

/* All constraints combined by powers of alpha. */
hf_var hf_relation_gadget(hf_builder *b, const hf_relation_values *row, const hf_relation_scalars *challenges);

#endif
