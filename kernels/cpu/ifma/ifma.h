/* The variant for AVX-512 with IFMA: its own operations, and what it takes from the mulx variant.
 *
 * field8.h says how eight elements lie in registers. Operations keep them so from the first load to the last store. */
#ifndef HF_CPU_IFMA_H
#define HF_CPU_IFMA_H
#include "../cpu.h"

#define HF_CPU_DECLARE(op) __typeof__(*((const hf_backend_ops *)0)->op) hf_cpu_mulx_##op;
HF_CPU_HOT(HF_CPU_DECLARE)
#undef HF_CPU_DECLARE

#endif
