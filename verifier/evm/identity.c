#include "identity.h"

#include "arith/columns.h"
#include "arith/poseidon2_constants.h"

#define HF_R_T           hf_yul
#define HF_R(name)       evm_##name
#define HF_R_CX          hf_yul_graph *graph,
#define HF_R_PASS        graph,
#define HF_R_ADD(x, y)   hf_yul_add(graph, x, y)
#define HF_R_SUB(x, y)   hf_yul_sub(graph, x, y)
#define HF_R_MUL(x, y)   hf_yul_mul(graph, x, y)
#define HF_R_CONST(i)    hf_yul_constant(graph, hf_relation_constants[i])
#define HF_R_DIAGONAL(i) hf_yul_constant(graph, hf_poseidon2_diagonal[i])
#define HF_R_UNROLL(i)   hf_yul_constant(graph, hf_poseidon2_unroll[i])
#include "arith/relation.h"

static hf_yul at_zeta(hf_yul_graph *graph, int evaluation) {
  return hf_yul_calldata(graph, HF_EVM_AT_ZETA + 32 * (uint32_t)evaluation);
}

static hf_yul at_next(hf_yul_graph *graph, int evaluation) {
  return hf_yul_calldata(graph, HF_EVM_AT_NEXT + 32 * (uint32_t)evaluation);
}

hf_yul hf_evm_identity(hf_yul_graph *graph) {
  evm_row row;
  for (int i = 0; i < HF_WIRES; i++) {
    row.w[i] = at_zeta(graph, HF_EVAL_WITNESS + i);
    row.wn[i] = at_next(graph, i);
  }
  row.m = at_zeta(graph, HF_EVAL_WITNESS + HF_POLY_M);
  row.z = at_zeta(graph, HF_EVAL_SUMS + HF_POLY_Z), row.zn = at_next(graph, HF_WITNESS_COUNT + HF_POLY_Z);
  row.range = at_zeta(graph, HF_EVAL_SUMS + HF_POLY_RANGE),
  row.rangen = at_next(graph, HF_WITNESS_COUNT + HF_POLY_RANGE);
  row.rom = at_zeta(graph, HF_EVAL_SUMS + HF_POLY_ROM),
  row.romn = at_next(graph, HF_WITNESS_COUNT + HF_POLY_ROM);
  row.rho = at_zeta(graph, HF_EVAL_SUMS + HF_POLY_RHO),
  row.rhon = at_next(graph, HF_WITNESS_COUNT + HF_POLY_RHO);
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = at_zeta(graph, HF_EVAL_FIXED + i);
  row.x = hf_yul_memory(graph, HF_EVM_ZETA);
  row.l1 = hf_yul_memory(graph, HF_EVM_L1);
  row.pi = hf_yul_memory(graph, HF_EVM_PI);
  evm_challenges challenges;
  challenges.beta = hf_yul_memory(graph, HF_EVM_BETA), challenges.gamma = hf_yul_memory(graph, HF_EVM_GAMMA);
  challenges.lambda = hf_yul_memory(graph, HF_EVM_LAMBDA), challenges.eta = hf_yul_memory(graph, HF_EVM_ETA);
  challenges.chi = hf_yul_memory(graph, HF_EVM_CHI), challenges.alpha = hf_yul_memory(graph, HF_EVM_ALPHA);
  evm_derive(graph, &challenges);
  hf_yul zn = hf_yul_memory(graph, HF_EVM_ZN), t = at_zeta(graph, HF_EVAL_QUOTIENT + HF_QUOTIENT_COUNT - 1);
  for (int k = HF_QUOTIENT_COUNT - 2; k >= 0; k--)
    t = hf_yul_add(graph, hf_yul_mul(graph, t, zn), at_zeta(graph, HF_EVAL_QUOTIENT + k));
  hf_yul combined = evm_combine(graph, &row, &challenges);
  return hf_yul_sub(graph, combined, hf_yul_mul(graph, hf_yul_memory(graph, HF_EVM_ZH), t));
}
