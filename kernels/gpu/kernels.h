/* The kernels there are: X(name, lanes of a group). The bodies are in kernels_*.h, one file a theme. */
#ifndef HF_GPU_KERNELS_H
#define HF_GPU_KERNELS_H

#include "arith/dialect.h"

/* lanes of a group where lanes share nothing */
#define HF_LANES 128

#define HF_GPU_KERNELS(X)                                                                                    \
  /* kernels_vector.h */                                                                                     \
  X(axpy, HF_LANES)                                                                                          \
  X(scale, HF_LANES)                                                                                         \
  X(hadamard, HF_LANES)                                                                                      \
  X(powers, HF_LANES)                                                                                        \
  X(horner_chunks, HF_LANES)                                                                                 \
  X(horner_apply, HF_LANES)                                                                                  \
  X(scan_chunks, HF_LANES)                                                                                   \
  X(scan_apply, HF_LANES)                                                                                    \
  X(inverse_chunks, HF_LANES)                                                                                \
  X(inverse_apply, HF_LANES)                                                                                 \
  X(compress4, HF_LANES)                                                                                     \
  X(multiply_chain, HF_LANES)                                                                                \
  /* kernels_ntt.h */                                                                                        \
  X(ntt_pass, HF_NTT_LANES)                                                                                  \
  /* kernels_msm.h */                                                                                        \
  X(msm_count, HF_LANES)                                                                                     \
  X(msm_scatter, HF_LANES)                                                                                   \
  X(sum_u32_chunks, HF_LANES)                                                                                \
  X(sum_u32_apply, HF_LANES)                                                                                 \
  X(msm_tasks, HF_LANES)                                                                                     \
  X(msm_accumulate, HF_LANES)                                                                                \
  X(msm_merge, HF_LANES)                                                                                     \
  X(msm_weigh, HF_LANES)                                                                                     \
  X(points_sum, HF_LANES)                                                                                    \
  /* kernels_relation.h */                                                                                   \
  X(ratio_terms, HF_LANES)                                                                                   \
  X(sum_fractions, HF_LANES)                                                                                 \
  X(coset_points, HF_LANES)                                                                                  \
  X(quotient, HF_LANES)

#define HF_GPU_ENUM(name, group) HF_KERNEL_##name,
typedef enum hf_gpu_kernel { HF_GPU_KERNELS(HF_GPU_ENUM) HF_KERNEL_COUNT } hf_gpu_kernel;
#undef HF_GPU_ENUM

/* Elements of a chunk: what one thread does of running sums, of Horner; of inverses. */
#define HF_CHUNK         32
#define HF_INVERSE_CHUNK 16

/* A table of powers of x: x^i for i < 2^HF_POWERS_LOG, then (x^(2^HF_POWERS_LOG))^i likewise. */
#define HF_POWERS_LOG  14
#define HF_POWERS_SIZE (1u << HF_POWERS_LOG)

/* Transforms: a group works on a tile of 2^HF_NTT_TILE_LOG elements in its own memory (32 KiB), four a lane. */
#define HF_NTT_TILE_LOG 10
#define HF_NTT_LANES    (1 << (HF_NTT_TILE_LOG - 2))
#define HF_NTT_VECTORS  8 /* in one launch */

/* A pass; see ntt_pass. */
typedef struct hf_ntt_plan {
  hf_u32 log_n, log_done, log_radix;
  hf_u32 log_groups; /* of a vector */
  hf_u32 load;       /* 1: the first pass onto a coset, of `length` coefficients */
  hf_u32 length;
  hf_u32 inverse, scale; /* 1: the last pass of an inverse; from a coset */
} hf_ntt_plan;

/* Multi-scalar multiplication. */
#define HF_MSM_TASK    32 /* terms of a task */
#define HF_MSM_MERGE   16 /* sums of a task in later rounds */
#define HF_MSM_SEGMENT 16 /* buckets of a segment */

/* Signed digits without carries: `bias` has 2^(c-1) in every window but the highest; bits of scalar + bias less 2^(c-1) are a
 * digit in [-2^(c-1), 2^(c-1)), and the highest digit is in [0, 2^(c-1)] if windows c >= 255. */
typedef struct hf_msm_plan {
  hf_u64 bias[4];
  hf_u32 bits;     /* c */
  hf_u32 windows;  /* of a whole scalar */
  hf_u32 first;    /* window of this round */
  hf_u32 together; /* windows of this round */
  hf_u32 count;    /* terms */
} hf_msm_plan;

#endif
