/* A prime field of 254 bits in Montgomery form, as a template.
 *
 * Include with these defined (fr.h and fq.h do):
 *   HF_FP_T          the element type, a struct of four 64-bit limbs, little-endian
 *   HF_FP(name)      pastes the prefix: HF_FP(mul) -> hf_fr_mul
 *   HF_FP_P0..P3     the modulus p, 2^253 < p < 2^254
 *   HF_FP_N0         -p^-1 mod 2^64
 *   HF_FP_ONE, HF_FP_R2, HF_FP_P_MINUS_2   2^256 mod p, 2^512 mod p, p-2, as initialisers
 *
 * An element x is kept as x * 2^256 mod p, always fully reduced (< p), so equal
 * elements are equal limbs. All functions take and give reduced elements.
 * Multiplication is operand-scanning Montgomery (CIOS) without the extra carry
 * word: the top limb of p is below 2^62, so no intermediate exceeds five limbs.
 * Nothing here is constant time.
 */
#if !defined(__OPENCL_VERSION__) && !defined(__CUDACC__)
#include "inverse.h"
#endif

HF_FN HF_FP_T HF_FP(zero)(void) {
  HF_FP_T z = {{0, 0, 0, 0}};
  return z;
}

HF_FN HF_FP_T HF_FP(one)(void) {
  HF_FP_T z = HF_FP_ONE;
  return z;
}

HF_FN int HF_FP(is_zero)(HF_FP_T a) { return (a.l[0] | a.l[1] | a.l[2] | a.l[3]) == 0; }

HF_FN int HF_FP(eq)(HF_FP_T a, HF_FP_T b) {
  return ((a.l[0] ^ b.l[0]) | (a.l[1] ^ b.l[1]) | (a.l[2] ^ b.l[2]) | (a.l[3] ^ b.l[3])) == 0;
}

/* 1 if the limbs, read as an integer, are below p. */
HF_FN int HF_FP(is_reduced)(HF_FP_T a) {
  hf_u64 borrow = 0;
  (void)hf_sbb(a.l[0], HF_FP_P0, &borrow);
  (void)hf_sbb(a.l[1], HF_FP_P1, &borrow);
  (void)hf_sbb(a.l[2], HF_FP_P2, &borrow);
  (void)hf_sbb(a.l[3], HF_FP_P3, &borrow);
  return (int)borrow;
}

#if defined(HF_X86_MULX) && !defined(__OPTIMIZE__)
#undef HF_X86_MULX /* unoptimised code keeps every address in a register and leaves the assembly too few */
#endif

/* HF_LIMBS32: words of 32 bits, as on CUDA devices. There, HF_FIELD_CALLS makes a multiplication a function that is called. */
#if defined(__CUDA_ARCH__) || defined(HF_LIMBS32)
#if defined(__CUDA_ARCH__) && defined(HF_FIELD_CALLS)
#define HF_FP_MUL_FN static __device__ __noinline__
#else
#define HF_FP_MUL_FN HF_FN
#endif
#include "fp32.h"
#undef HF_FP_MUL_FN
#else
/* a - p if a >= p; for a < 2p. */
HF_FN HF_FP_T HF_FP(reduce_once)(HF_FP_T a) {
  HF_FP_T s;
  hf_u64 borrow = 0;
  s.l[0] = hf_sbb(a.l[0], HF_FP_P0, &borrow);
  s.l[1] = hf_sbb(a.l[1], HF_FP_P1, &borrow);
  s.l[2] = hf_sbb(a.l[2], HF_FP_P2, &borrow);
  s.l[3] = hf_sbb(a.l[3], HF_FP_P3, &borrow);
  hf_u64 keep = (hf_u64)0 - borrow;
  s.l[0] ^= (s.l[0] ^ a.l[0]) & keep;
  s.l[1] ^= (s.l[1] ^ a.l[1]) & keep;
  s.l[2] ^= (s.l[2] ^ a.l[2]) & keep;
  s.l[3] ^= (s.l[3] ^ a.l[3]) & keep;
  return s;
}

#if defined(HF_X86_MULX)
/* In assembly as well: compilers make the carries of these go through registers. */
HF_FN HF_FP_T HF_FP(add)(HF_FP_T a, HF_FP_T b) {
  static const hf_u64 p[4] = {HF_FP_P0, HF_FP_P1, HF_FP_P2, HF_FP_P3};
  hf_u64 s0, s1, s2, s3;
  __asm__("addq %[b0], %[a0]\n\t adcq %[b1], %[a1]\n\t adcq %[b2], %[a2]\n\t adcq %[b3], %[a3]\n\t"
          "movq %[a0], %[s0]\n\t subq %[p], %[s0]\n\t movq %[a1], %[s1]\n\t sbbq 8+%[p], %[s1]\n\t"
          "movq %[a2], %[s2]\n\t sbbq 16+%[p], %[s2]\n\t movq %[a3], %[s3]\n\t sbbq 24+%[p], %[s3]\n\t"
          "cmovncq %[s0], %[a0]\n\t cmovncq %[s1], %[a1]\n\t"
          "cmovncq %[s2], %[a2]\n\t cmovncq %[s3], %[a3]\n\t"
          : [a0] "+&r"(a.l[0]), [a1] "+&r"(a.l[1]), [a2] "+&r"(a.l[2]), [a3] "+&r"(a.l[3]), [s0] "=&r"(s0),
            [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3)
          : [b0] "rm"(b.l[0]), [b1] "rm"(b.l[1]), [b2] "rm"(b.l[2]), [b3] "rm"(b.l[3]), [p] "o"(p)
          : "cc");
  return a;
}

HF_FN HF_FP_T HF_FP(sub)(HF_FP_T a, HF_FP_T b) {
  static const hf_u64 p[4] = {HF_FP_P0, HF_FP_P1, HF_FP_P2, HF_FP_P3};
  hf_u64 s0, s1, s2, s3;
  __asm__("movl $0, %k[s0]\n\t movl $0, %k[s1]\n\t movl $0, %k[s2]\n\t movl $0, %k[s3]\n\t"
          "subq %[b0], %[a0]\n\t sbbq %[b1], %[a1]\n\t sbbq %[b2], %[a2]\n\t sbbq %[b3], %[a3]\n\t"
          "cmovcq %[p], %[s0]\n\t cmovcq 8+%[p], %[s1]\n\t"
          "cmovcq 16+%[p], %[s2]\n\t cmovcq 24+%[p], %[s3]\n\t"
          "addq %[s0], %[a0]\n\t adcq %[s1], %[a1]\n\t adcq %[s2], %[a2]\n\t adcq %[s3], %[a3]\n\t"
          : [a0] "+&r"(a.l[0]), [a1] "+&r"(a.l[1]), [a2] "+&r"(a.l[2]), [a3] "+&r"(a.l[3]), [s0] "=&r"(s0),
            [s1] "=&r"(s1), [s2] "=&r"(s2), [s3] "=&r"(s3)
          : [b0] "rm"(b.l[0]), [b1] "rm"(b.l[1]), [b2] "rm"(b.l[2]), [b3] "rm"(b.l[3]), [p] "o"(p)
          : "cc");
  return a;
}
#else
HF_FN HF_FP_T HF_FP(add)(HF_FP_T a, HF_FP_T b) {
  HF_FP_T s;
  hf_u64 carry = 0;
  s.l[0] = hf_adc(a.l[0], b.l[0], &carry);
  s.l[1] = hf_adc(a.l[1], b.l[1], &carry);
  s.l[2] = hf_adc(a.l[2], b.l[2], &carry);
  s.l[3] = a.l[3] + b.l[3] + carry; /* < 2^255 */
  return HF_FP(reduce_once)(s);
}

HF_FN HF_FP_T HF_FP(sub)(HF_FP_T a, HF_FP_T b) {
  HF_FP_T s;
  hf_u64 borrow = 0, carry = 0, mask;
  s.l[0] = hf_sbb(a.l[0], b.l[0], &borrow);
  s.l[1] = hf_sbb(a.l[1], b.l[1], &borrow);
  s.l[2] = hf_sbb(a.l[2], b.l[2], &borrow);
  s.l[3] = hf_sbb(a.l[3], b.l[3], &borrow);
  mask = (hf_u64)0 - borrow;
  s.l[0] = hf_adc(s.l[0], HF_FP_P0 & mask, &carry);
  s.l[1] = hf_adc(s.l[1], HF_FP_P1 & mask, &carry);
  s.l[2] = hf_adc(s.l[2], HF_FP_P2 & mask, &carry);
  s.l[3] = s.l[3] + (HF_FP_P3 & mask) + carry;
  return s;
}
#endif

#if defined(HF_X86_MULX)
/* One assembly block with two carry chains (BMI2 MULX, ADX): compilers do not
 * reliably produce it from C. */
HF_FN HF_FP_T HF_FP(mul)(HF_FP_T a, HF_FP_T b) {
  static const hf_u64 p[5] = {HF_FP_P0, HF_FP_P1, HF_FP_P2, HF_FP_P3, HF_FP_N0};
  hf_u64 t0, t1, t2, t3, t4, lo, hi;
#define HF_FP_ROUND(B, T0, T1, T2, T3, T4)                                                         \
  "movq " B ", %%rdx\n\t"                                                                          \
  "xorl %k[hi], %k[hi]\n\t"                                                                        \
  "movl $0, %k[" T4 "]\n\t"                                                                        \
  "mulxq %[a0], %[lo], %[hi]\n\t adcxq %[lo], %[" T0 "]\n\t adoxq %[hi], %[" T1 "]\n\t"            \
  "mulxq %[a1], %[lo], %[hi]\n\t adcxq %[lo], %[" T1 "]\n\t adoxq %[hi], %[" T2 "]\n\t"            \
  "mulxq %[a2], %[lo], %[hi]\n\t adcxq %[lo], %[" T2 "]\n\t adoxq %[hi], %[" T3 "]\n\t"            \
  "mulxq %[a3], %[lo], %[hi]\n\t adcxq %[lo], %[" T3 "]\n\t adoxq %[hi], %[" T4 "]\n\t"            \
  "movl $0, %k[lo]\n\t adcxq %[lo], %[" T4 "]\n\t" HF_FP_REDUCE(T0, T1, T2, T3, T4)
#define HF_FP_REDUCE(T0, T1, T2, T3, T4)                                                           \
  "movq %[" T0 "], %%rdx\n\t imulq 32+%[p], %%rdx\n\t"                                             \
  "xorl %k[hi], %k[hi]\n\t"                                                                        \
  "mulxq %[p], %[lo], %[hi]\n\t adcxq %[lo], %[" T0 "]\n\t adoxq %[hi], %[" T1 "]\n\t"             \
  "mulxq 8+%[p], %[lo], %[hi]\n\t adcxq %[lo], %[" T1 "]\n\t adoxq %[hi], %[" T2 "]\n\t"           \
  "mulxq 16+%[p], %[lo], %[hi]\n\t adcxq %[lo], %[" T2 "]\n\t adoxq %[hi], %[" T3 "]\n\t"          \
  "mulxq 24+%[p], %[lo], %[hi]\n\t adcxq %[lo], %[" T3 "]\n\t adoxq %[hi], %[" T4 "]\n\t"          \
  "adcxq %[" T0 "], %[" T4 "]\n\t" /* T0 is zero here */
  __asm__("xorl %k[t4], %k[t4]\n\t"
          "movq %[b0], %%rdx\n\t"
          "mulxq %[a0], %[t0], %[t1]\n\t"
          "mulxq %[a1], %[lo], %[t2]\n\t adcxq %[lo], %[t1]\n\t"
          "mulxq %[a2], %[lo], %[t3]\n\t adcxq %[lo], %[t2]\n\t"
          "mulxq %[a3], %[lo], %[hi]\n\t adcxq %[lo], %[t3]\n\t"
          "adcxq %[hi], %[t4]\n\t" HF_FP_REDUCE("t0", "t1", "t2", "t3", "t4")
          HF_FP_ROUND("%[b1]", "t1", "t2", "t3", "t4", "t0")
          HF_FP_ROUND("%[b2]", "t2", "t3", "t4", "t0", "t1")
          HF_FP_ROUND("%[b3]", "t3", "t4", "t0", "t1", "t2")
          /* the value is t4 t0 t1 t2, below 2p; t3 is free */
          "movq %[t4], %[t3]\n\t subq %[p], %[t3]\n\t"
          "movq %[t0], %[lo]\n\t sbbq 8+%[p], %[lo]\n\t"
          "movq %[t1], %[hi]\n\t sbbq 16+%[p], %[hi]\n\t"
          "movq %[t2], %%rdx\n\t sbbq 24+%[p], %%rdx\n\t"
          "cmovncq %[t3], %[t4]\n\t cmovncq %[lo], %[t0]\n\t"
          "cmovncq %[hi], %[t1]\n\t cmovncq %%rdx, %[t2]\n\t"
          : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4),
            [lo] "=&r"(lo), [hi] "=&r"(hi)
          : [a0] "r"(a.l[0]), [a1] "r"(a.l[1]), [a2] "r"(a.l[2]), [a3] "r"(a.l[3]), [b0] "m"(b.l[0]),
            [b1] "m"(b.l[1]), [b2] "m"(b.l[2]), [b3] "m"(b.l[3]), [p] "o"(p)
          : "rdx", "cc");
#undef HF_FP_ROUND
#undef HF_FP_REDUCE
  HF_FP_T z = {{t4, t0, t1, t2}};
  return z;
}
#else
HF_FN HF_FP_T HF_FP(mul)(HF_FP_T a, HF_FP_T b) {
  hf_u64 t0 = 0, t1 = 0, t2 = 0, t3 = 0;
  HF_UNROLL
  for (int i = 0; i < 4; i++) {
    hf_u64 bi = b.l[i], c = 0, d = 0, m;
    t0 = hf_mac(a.l[0], bi, t0, &c);
    m = t0 * HF_FP_N0;
    (void)hf_mac(m, HF_FP_P0, t0, &d);
    t1 = hf_mac(a.l[1], bi, t1, &c);
    t0 = hf_mac(m, HF_FP_P1, t1, &d);
    t2 = hf_mac(a.l[2], bi, t2, &c);
    t1 = hf_mac(m, HF_FP_P2, t2, &d);
    t3 = hf_mac(a.l[3], bi, t3, &c);
    t2 = hf_mac(m, HF_FP_P3, t3, &d);
    t3 = c + d; /* no overflow: p < 2^254 */
  }
  HF_FP_T z = {{t0, t1, t2, t3}};
  return HF_FP(reduce_once)(z);
}
#endif

HF_FN HF_FP_T HF_FP(sqr)(HF_FP_T a) { return HF_FP(mul)(a, a); }
#endif /* words of 64 bits */

HF_FN HF_FP_T HF_FP(neg)(HF_FP_T a) { return HF_FP(sub)(HF_FP(zero)(), a); }
HF_FN HF_FP_T HF_FP(dbl)(HF_FP_T a) { return HF_FP(add)(a, a); }

/* Any four limbs below p -> Montgomery form. */
HF_FN HF_FP_T HF_FP(from_limbs)(HF_FP_T limbs) {
  HF_FP_T r2 = HF_FP_R2;
  return HF_FP(mul)(limbs, r2);
}

/* Montgomery form -> the integer in [0, p), as limbs. */
HF_FN HF_FP_T HF_FP(to_limbs)(HF_FP_T a) {
  HF_FP_T u = {{1, 0, 0, 0}};
  return HF_FP(mul)(a, u);
}

HF_FN HF_FP_T HF_FP(from_u64)(hf_u64 v) {
  HF_FP_T u = {{0, 0, 0, 0}};
  u.l[0] = v;
  return HF_FP(from_limbs)(u);
}

/* a to an exponent given as four little-endian limbs. */
HF_FN HF_FP_T HF_FP(pow)(HF_FP_T a, HF_FP_T exponent) {
  HF_FP_T z = HF_FP(one)();
  for (int i = 3; i >= 0; i--)
    for (int j = 63; j >= 0; j--) {
      z = HF_FP(sqr)(z);
      if (exponent.l[i] >> j & 1) z = HF_FP(mul)(z, a);
    }
  return z;
}

HF_FN HF_FP_T HF_FP(pow_u64)(HF_FP_T a, hf_u64 exponent) {
  HF_FP_T z = HF_FP(one)();
  for (; exponent; exponent >>= 1) {
    if (exponent & 1) z = HF_FP(mul)(z, a);
    a = HF_FP(sqr)(a);
  }
  return z;
}

/* 1/a by the power p - 2, 0 for 0: the same steps whatever a is. */
HF_FN HF_FP_T HF_FP(inv_power)(HF_FP_T a) {
  HF_FP_T e = HF_FP_P_MINUS_2;
  return HF_FP(pow)(a, e);
}

/* 1/a; 0 for 0. Its time tells about a. */
HF_FN HF_FP_T HF_FP(inv)(HF_FP_T a) {
#if defined(__OPENCL_VERSION__) || defined(__CUDACC__)
  return HF_FP(inv_power)(a);
#else
  const hf_u64 p[4] = {HF_FP_P0, HF_FP_P1, HF_FP_P2, HF_FP_P3};
  HF_FP_T inverse, r2 = HF_FP_R2;
  hf_inverse(p, a.l, inverse.l);
  return HF_FP(mul)(inverse, HF_FP(mul)(r2, r2)); /* 1/(a 2^256) to 2^256/a */
#endif
}

#if !defined(__OPENCL_VERSION__)
/* 32 bytes, little-endian, canonical. */
HF_FN void HF_FP(to_bytes)(HF_FP_T a, unsigned char *out) {
  HF_FP_T u = HF_FP(to_limbs)(a);
  for (int i = 0; i < 32; i++) out[i] = (unsigned char)(u.l[i / 8] >> (8 * (i % 8)));
}

/* 0 (and *out untouched) if the bytes are not below p: nothing is silently reduced. */
HF_FN int HF_FP(from_bytes)(const unsigned char *in, HF_FP_T *out) {
  HF_FP_T u = {{0, 0, 0, 0}};
  for (int i = 0; i < 32; i++) u.l[i / 8] |= (hf_u64)in[i] << (8 * (i % 8));
  if (!HF_FP(is_reduced)(u)) return 0;
  *out = HF_FP(from_limbs)(u);
  return 1;
}

/* 32 bytes, big-endian, canonical (the EVM's order). */
HF_FN void HF_FP(to_bytes_be)(HF_FP_T a, unsigned char *out) {
  HF_FP_T u = HF_FP(to_limbs)(a);
  for (int i = 0; i < 32; i++) out[31 - i] = (unsigned char)(u.l[i / 8] >> (8 * (i % 8)));
}

HF_FN int HF_FP(from_bytes_be)(const unsigned char *in, HF_FP_T *out) {
  unsigned char swapped[32];
  for (int i = 0; i < 32; i++) swapped[i] = in[31 - i];
  return HF_FP(from_bytes)(swapped, out);
}
#endif
