/* One-instruction steps of arithmetic on words of 32 bits with the processor's carry flag: what fp32.h is written in.
 *
 * On a CUDA device each is one PTX instruction; there the flag is the processor's and `cc` stands for nothing. Everywhere
 * else the flag is *cc, so that the very same sequence of steps runs as plain C. A name says what PTX says: ..._cc sets the
 * flag, ...c_ adds it (or, in a subtraction, takes it off), lo and hi are halves of the product a b.
 *
 * The instructions are volatile and follow each other: nothing that sets the flag comes between them, because compilers do
 * not use it on their own for types of up to 64 bits. The code that is compiled for devices has no longer ones.
 */
#ifndef HF_ARITH_CARRY32_H
#define HF_ARITH_CARRY32_H
#include "dialect.h"

#if defined(__CUDA_ARCH__)
#define HF_STEP2(name, instruction, expression)                                                             \
  HF_FN hf_u32 hf_##name(hf_u32 a, hf_u32 b, hf_u32 *cc) {                                                  \
    hf_u32 d;                                                                                               \
    (void)cc;                                                                                               \
    asm volatile(instruction " %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));                                    \
    return d;                                                                                               \
  }
#define HF_STEP3(name, instruction, expression)                                                             \
  HF_FN hf_u32 hf_##name(hf_u32 a, hf_u32 b, hf_u32 c, hf_u32 *cc) {                                        \
    hf_u32 d;                                                                                               \
    (void)cc;                                                                                               \
    asm volatile(instruction " %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));                        \
    return d;                                                                                               \
  }
#else
/* Bit 32 of the expression, taken modulo 2^64, is the carry or the borrow. */
#define HF_STEP2(name, instruction, expression)                                                             \
  HF_FN hf_u32 hf_##name(hf_u32 a, hf_u32 b, hf_u32 *cc) {                                                  \
    hf_u64 t = (expression);                                                                                \
    *cc = (hf_u32)(t >> 32) & 1u;                                                                           \
    return (hf_u32)t;                                                                                       \
  }
#define HF_STEP3(name, instruction, expression)                                                             \
  HF_FN hf_u32 hf_##name(hf_u32 a, hf_u32 b, hf_u32 c, hf_u32 *cc) {                                        \
    hf_u64 t = (expression);                                                                                \
    *cc = (hf_u32)(t >> 32) & 1u;                                                                           \
    return (hf_u32)t;                                                                                       \
  }
#endif

#define HF_LOW  (hf_u64)(hf_u32)(a * b)
#define HF_HIGH ((hf_u64)a * b >> 32)
HF_STEP2(add_cc, "add.cc.u32", (hf_u64)a + b)
HF_STEP2(addc_cc, "addc.cc.u32", (hf_u64)a + b + *cc)
HF_STEP2(sub_cc, "sub.cc.u32", (hf_u64)a - b)
HF_STEP2(subc_cc, "subc.cc.u32", (hf_u64)a - b - *cc)
HF_STEP3(mad_lo_cc, "mad.lo.cc.u32", HF_LOW + c)
HF_STEP3(madc_lo_cc, "madc.lo.cc.u32", HF_LOW + c + *cc)
HF_STEP3(madc_hi_cc, "madc.hi.cc.u32", HF_HIGH + c + *cc)
/* the last of a chain */
HF_STEP2(addc, "addc.u32", (hf_u64)a + b + *cc)
HF_STEP2(subc, "subc.u32", (hf_u64)a - b - *cc)
HF_STEP3(madc_hi, "madc.hi.u32", HF_HIGH + c + *cc)
#undef HF_LOW
#undef HF_HIGH
#undef HF_STEP2
#undef HF_STEP3

#endif
