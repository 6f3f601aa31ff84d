/* Inside a multi-scalar multiplication: what its plan (msm.c) and the additions share. The additions are in
 * msm_affine.c, one pair at a time, and in ifma/msm.c, eight. */
#ifndef HF_CPU_MSM_H
#define HF_CPU_MSM_H
#include "cpu.h"

#define HF_MSM_SEGMENT     4096 /* points a segment: 256 KiB, in the second-level cache */
#define HF_MSM_PIECE_LOG   9    /* buckets of one window that are weighed together: at most 2^9 */

typedef struct msm_segment {
  uint32_t entry, entries; /* of `order` */
  uint32_t bucket;         /* its first bucket */
  uint32_t buckets;        /* 0: a part of `bucket`, its sum goes to parts[part] */
  uint32_t part;
} msm_segment;

typedef struct msm_job {
  hf_cpu *cpu;
  const hf_g1 *points;
  /* input: parts[j][i] belongs to points[kappa * i + j] */
  const hf_fr *inputs[HF_MAX_KAPPA];
  size_t input_lengths[HF_MAX_KAPPA];
  unsigned kappa;
  size_t chunk, chunks; /* of i, for the compaction */
  size_t *chunk_start;
  /* non-zero terms */
  size_t terms;
  hf_u64 *scalars[4]; /* limbs of the integers, with the bias added */
  uint32_t *index;  /* into points */
  uint32_t *digits; /* [window at work][term]: |digit| << 1 | negative */
  hf_fr bias;
  /* windows [first_window, first_window + windows) at a time */
  unsigned c, window_count, first_window, windows;
  size_t bucket_count; /* of a window: 2^(c-1) */
  unsigned slices;     /* the terms are sorted in this many slices at once */
  uint32_t *counts;    /* [window][slice][bucket] -> where the next one goes */
  uint32_t *starts;    /* [window * bucket_count + bucket] -> its first entry; one more at the end */
  uint32_t *order;     /* entries: index << 1 | negative */
  msm_segment *segments;
  hf_g1 *buckets; /* [window][bucket] */
  hf_g1 *parts;
  unsigned piece_log;
  hf_g1_xyzz *weighed; /* [piece]: sum of (i + 1) * bucket_i; then [piece]: the plain sum */
  char *scratch; /* `scratch_bytes` a worker; an msm_scratch lies in front */
  size_t scratch_bytes;
} msm_job;

/* Room for one round of additions, one pair at a time, over at most HF_MSM_SEGMENT points. */
typedef struct msm_scratch {
  hf_g1 points[HF_MSM_SEGMENT];
  hf_fq difference[HF_MSM_SEGMENT / 2];
  hf_fq product[HF_MSM_SEGMENT / 2]; /* of the differences that come after */
  uint32_t source[HF_MSM_SEGMENT / 2];
  uint8_t kind[HF_MSM_SEGMENT / 2];
  uint32_t bucket[HF_MSM_SEGMENT], length[HF_MSM_SEGMENT]; /* groups of points, in order */
  hf_g1 odd[HF_MSM_SEGMENT / 2];
} msm_scratch;

/* A variant's additions. The bodies are hf_pool_bodies whose context is the job. */
typedef struct msm_additions {
  size_t scratch_bytes;  /* a worker */
  double bucket_cost;    /* of a bucket, the unit being a point fetched and added: two additions and handling */
  unsigned window_most;  /* bits; more buckets miss the caches when terms are sorted */
  void (*integers)(const hf_fr *in, size_t count, hf_fr *out); /* out of Montgomery form */
  hf_pool_body segments; /* sums the points of segments [begin, end) into buckets and parts */
  hf_pool_body pieces;   /* weighs pieces [begin, end) of the buckets, at most HF_MSM_SEGMENT points */
} msm_additions;

extern const msm_additions HF_CPU_NAME(msm_additions);

#endif
