/* field8.h over Fq: hf_fq8. The constants are arith/fq.h's modulus in base 2^52. */
#ifndef HF_CPU_IFMA_FIELD8_FQ_H
#define HF_CPU_IFMA_FIELD8_FQ_H
#include "arith/fq.h"
#include "lanes.h"

#define HF_F8_T      hf_fq8
#define HF_F8(f)     hf_fq8_##f
#define HF_F8_S      hf_fq
#define HF_F8_S1(f)  hf_fq_##f
#define HF_F8_P(i)   ((i) == 0   ? 0x8c16d87cfd47ull \
                      : (i) == 1 ? 0x916871ca8d3c2ull \
                      : (i) == 2 ? 0x181585d97816aull \
                      : (i) == 3 ? 0xa029b85045b68ull \
                                 : 0x30644e72e131ull)
#define HF_F8_N0     0x20782e4866389ull
#include "field8.h"
#undef HF_F8_T
#undef HF_F8
#undef HF_F8_S
#undef HF_F8_S1
#undef HF_F8_P
#undef HF_F8_N0
#undef HF_F8_MASK
#undef HF_F8_FN

#endif
