/* relation.h over Fr: hf_rel_row, hf_rel_challenges, hf_rel_combine and the single gates. */
#ifndef HF_ARITH_RELATION_FR_H
#define HF_ARITH_RELATION_FR_H
#include "columns.h"
#include "poseidon2_constants.h"

#if defined(__OPENCL_VERSION__)
/* A call: with hundreds of multiplications in place compilers of GPUs take minutes (ptxas 110 s, with calls 3 s), and the code
 * is six times as long. */
static __attribute__((noinline)) hf_fr hf_rel_multiply(hf_fr x, hf_fr y) { return hf_fr_mul(x, y); }
#else
#define hf_rel_multiply hf_fr_mul
#endif

#define HF_R_T            hf_fr
#define HF_R(name)        hf_rel_##name
#define HF_R_CX
#define HF_R_PASS
#define HF_R_ADD(x, y)    hf_fr_add(x, y)
#define HF_R_SUB(x, y)    hf_fr_sub(x, y)
#define HF_R_MUL(x, y)    hf_rel_multiply(x, y)
#define HF_R_CONST(i)     hf_relation_constants[i]
#define HF_R_DIAGONAL(i)  hf_poseidon2_diagonal[i]
#define HF_R_UNROLL(i)    hf_poseidon2_unroll[i]
#if defined(__CUDACC__)
#define HF_R_LOOP         HF_UNROLL /* what is in registers has no element of a number that is computed */
#endif
#include "relation.h"
#undef HF_R_T
#undef HF_R
#undef HF_R_CX
#undef HF_R_PASS
#undef HF_R_ADD
#undef HF_R_SUB
#undef HF_R_MUL
#undef HF_R_CONST
#undef HF_R_DIAGONAL
#undef HF_R_UNROLL
#undef HF_R_LOOP

#endif
