/* The dialect that C, CUDA and OpenCL C share.
 *
 * Everything in kernels/arith is written once, in the intersection of the three
 * languages, plus the few names below. The rules: functions are HF_FN and pass
 * structures by value; tables are HF_TABLE; no library calls, no recursion, no
 * pointers to tables across functions; 64-bit unsigned integers are hf_u64.
 */
#ifndef HF_ARITH_DIALECT_H
#define HF_ARITH_DIALECT_H

#if defined(__OPENCL_VERSION__)
typedef ulong hf_u64;
typedef uint hf_u32;
#define HF_FN       static inline
#define HF_TABLE    __constant
#define HF_TABLE_PARAMETER __constant
#define HF_UNROLL
#elif defined(__CUDACC__)
#include <stdint.h>
typedef uint64_t hf_u64;
typedef uint32_t hf_u32;
#define HF_FN       static __device__ __forceinline__
#define HF_TABLE    static __device__ const
#define HF_TABLE_PARAMETER const
#define HF_UNROLL   _Pragma("unroll")
#define HF_ALIGNED  __align__(16) /* loads and stores of 16 bytes */
#else
#include <stdint.h>
typedef uint64_t hf_u64;
typedef uint32_t hf_u32;
#define HF_FN       static inline __attribute__((unused))
#define HF_TABLE    static const __attribute__((unused))
#define HF_TABLE_PARAMETER const
#if defined(__clang__)
#define HF_UNROLL   _Pragma("unroll")
#else
#define HF_UNROLL   _Pragma("GCC unroll 8")
#endif
#endif

#if !defined(HF_ALIGNED)
#define HF_ALIGNED
#endif

/* High word of a 64 x 64 bit product. */
#if defined(__OPENCL_VERSION__)
#define hf_mul_hi64(a, b) mul_hi((hf_u64)(a), (hf_u64)(b))
#elif defined(__CUDA_ARCH__)
#define hf_mul_hi64(a, b) __umul64hi((a), (b))
#else
#define hf_mul_hi64(a, b) ((hf_u64)(((unsigned __int128)(a) * (b)) >> 64))
#endif

/* a*b + c + carry = low + 2^64 * carry'. Cannot overflow: (2^64-1)^2 + 2(2^64-1) = 2^128-1. */
HF_FN hf_u64 hf_mac(hf_u64 a, hf_u64 b, hf_u64 c, hf_u64 *carry) {
#if defined(__OPENCL_VERSION__) || defined(__CUDA_ARCH__)
  hf_u64 low = a * b, high = hf_mul_hi64(a, b);
  low += c;
  high += low < c;
  low += *carry;
  high += low < *carry;
  *carry = high;
  return low;
#else
  unsigned __int128 t = (unsigned __int128)a * b + c + *carry;
  *carry = (hf_u64)(t >> 64);
  return (hf_u64)t;
#endif
}

/* a + b + carry; carry is 0 or 1, before and after. */
HF_FN hf_u64 hf_adc(hf_u64 a, hf_u64 b, hf_u64 *carry) {
#if defined(__OPENCL_VERSION__) || defined(__CUDA_ARCH__)
  hf_u64 t = a + *carry;
  hf_u64 c = t < a;
  t += b;
  c += t < b;
  *carry = c;
  return t;
#else
  unsigned __int128 t = (unsigned __int128)a + b + *carry;
  *carry = (hf_u64)(t >> 64);
  return (hf_u64)t;
#endif
}

/* a - b - borrow; borrow is 0 or 1, before and after. */
HF_FN hf_u64 hf_sbb(hf_u64 a, hf_u64 b, hf_u64 *borrow) {
#if defined(__OPENCL_VERSION__) || defined(__CUDA_ARCH__)
  hf_u64 t = a - b;
  hf_u64 c = a < b;
  hf_u64 u = t - *borrow;
  c |= t < *borrow;
  *borrow = c;
  return u;
#else
  unsigned __int128 t = (unsigned __int128)a - b - *borrow;
  *borrow = (hf_u64)(t >> 64) & 1;
  return (hf_u64)t;
#endif
}

#endif
