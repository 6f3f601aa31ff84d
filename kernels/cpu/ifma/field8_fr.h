/* field8.h over Fr: hf_fr8. The constants are arith/fr.h's modulus in base 2^52. */
#ifndef HF_CPU_IFMA_FIELD8_FR_H
#define HF_CPU_IFMA_FIELD8_FR_H
#include "arith/fr.h"
#include "lanes.h"

#define HF_F8_T      hf_fr8
#define HF_F8(f)     hf_fr8_##f
#define HF_F8_S      hf_fr
#define HF_F8_S1(f)  hf_fr_##f
#define HF_F8_P(i)   ((i) == 0   ? 0x1f593f0000001ull \
                      : (i) == 1 ? 0x4879b9709143eull \
                      : (i) == 2 ? 0x181585d2833e8ull \
                      : (i) == 3 ? 0xa029b85045b68ull \
                                 : 0x30644e72e131ull)
#define HF_F8_N0     0x1f593efffffffull
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
