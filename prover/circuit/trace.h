/* The values that gadgets compute in bulk: the rounds of a permutation, a chain of points.
 *
 * trace.c is compiled for every processor and once more with long multiplications of x86 (BMI2 and ADX, arith/fp.h), which
 * are twice as fast; the results are the same. */
#ifndef HF_CIRCUIT_TRACE_H
#define HF_CIRCUIT_TRACE_H
#include <stdbool.h>
#include <stddef.h>
#include "arith/fr.h"

#define HF_PERMUTE_ROWS 19 /* rows with a gate, see hash.c */

typedef struct hf_permute_row {
  hf_fr fifth;    /* power that the row's partial round starts with, where it has one */
  hf_fr after[4]; /* the state that stands on the next row */
} hf_permute_row;

typedef struct hf_chain_step {
  hf_fr x, y; /* addend */
  bool twice; /* the sum is doubled instead */
  hf_fr px, py, pz, before; /* scratch */
} hf_chain_step;

typedef struct hf_trace_ops {
  void (*permute)(const hf_fr in[4], hf_permute_row rows[HF_PERMUTE_ROWS]);
  /* sums[i] = start + the first i + 1 addends, by the addition law of the gate: the same rational map for every input,
   * on the curve or not. */
  void (*edwards_chain)(const hf_fr start[2], hf_chain_step *steps, size_t count, hf_fr (*sums)[2]);
} hf_trace_ops;

extern const hf_trace_ops hf_trace_portable;
#if defined(__x86_64__)
extern const hf_trace_ops hf_trace_mulx;
#endif
/* The best that this processor runs; HYPERFOLD_CPU=portable forces the other. To be asked for once: CPUID is slow. */
const hf_trace_ops *hf_trace_choose(void);

#endif
