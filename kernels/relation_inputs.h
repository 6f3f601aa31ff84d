/* The columns and challenges that the quotient and the running sums are computed from. */
#ifndef HF_RELATION_INPUTS_H
#define HF_RELATION_INPUTS_H
#include "arith/relation_fr.h"
#include "backend.h"

struct hf_relation_inputs {
  unsigned log_n;
  const hf_vec *fixed[HF_FIXED_COUNT]; /* 2^log_n elements each: values on H, or on one coset of it */
  const hf_vec *wires[HF_WIRES];
  const hf_vec *multiplicity;
  const hf_vec *z, *range, *rom, *rho;
  const hf_vec *public_inputs; /* minus the interpolated public inputs */
  hf_rel_challenges challenges; /* derived (hf_rel_derive) */
};

#endif
