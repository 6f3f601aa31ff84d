/* Multi-scalar multiplication: Pippenger's buckets, summed in affine coordinates.
 *
 * Scalars are cut into windows of c bits; a constant with the top bit of every window
 * but the last is added first, so that digit = window - 2^(c-1) is signed without
 * carries. The (window, |digit|) pairs are the buckets, all of them in one row; the
 * terms are counted and sorted by bucket, and the row is cut into segments of whole
 * buckets. A segment's points are fetched once and each bucket is halved, pairs added
 * in affine coordinates, until one point is left; all pairs of a round share one
 * inversion, so an addition costs 6 multiplications. Nothing depends on which scalars
 * come: a bucket that is longer than a segment is cut and its parts added at the end.
 *
 * The weighted sum of a window's buckets is a halving as well (see msm_affine.c), so it
 * too is made of batched affine additions, two a bucket.
 */
#include "msm.h"
#include <string.h>

#define HF_MSM_SCALAR_BITS 255 /* scalars are below 2^254; the signed digits need one bit more */
#define HF_MSM_MAX_TERMS   ((size_t)1 << 31)

/* Cuts the row of buckets into segments. Gives their number; with `out` NULL only counts. */
static size_t segments_cut(const msm_job *job, msm_segment *out, size_t *part_count) {
  size_t total = job->windows * job->bucket_count, count = 0, parts = 0, bucket = 0;
  while (bucket < total) {
    msm_segment s = {job->starts[bucket], 0, (uint32_t)bucket, 0, 0};
    uint32_t length = job->starts[bucket + 1] - s.entry;
    if (length > HF_MSM_SEGMENT) {
      for (uint32_t at = 0; at < length; at += HF_MSM_SEGMENT, parts++, count++)
        if (out)
          out[count] =
              (msm_segment){s.entry + at, length - at < HF_MSM_SEGMENT ? length - at : HF_MSM_SEGMENT,
                            (uint32_t)bucket, 0, (uint32_t)parts};
      bucket++;
      continue;
    }
    while (bucket < total && job->starts[bucket + 1] - s.entry <= HF_MSM_SEGMENT) bucket++;
    s.entries = job->starts[bucket] - s.entry;
    s.buckets = (uint32_t)bucket - s.bucket;
    if (s.entries == 0) continue;
    if (out) out[count] = s;
    count++;
  }
  *part_count = parts;
  return count;
}

/* --- digits and sorting -------------------------------------------------------------- */

/* |digit| << 1 | its sign, for each window at work: cut off once, since they are read twice and a scalar is 8 times as
 * long. The last window is what is left of a scalar, at most 2^(c-1). */
static void digits_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const msm_job *job = context;
  for (unsigned k = 0; k < job->windows; k++) {
    unsigned w = job->first_window + k, bit = w * job->c, shift = bit % 64;
    const hf_u64 *low = job->scalars[bit / 64], *high = bit / 64 < 3 ? job->scalars[bit / 64 + 1] : NULL;
    uint32_t *out = job->digits + k * job->terms, mask = ((uint32_t)1 << job->c) - 1, middle = (uint32_t)job->bucket_count;
    if (w + 1 == job->window_count) {
      mask = UINT32_MAX >> 1;
      middle = 0;
    }
    for (size_t t = begin; t < end; t++) {
      uint32_t v = (uint32_t)(low[t] >> shift | (high ? high[t] << 1 << (63 - shift) : 0)) & mask;
      out[t] = v < middle ? (middle - v) << 1 | 1 : (v - middle) << 1;
    }
  }
}

static void slice_bounds(const msm_job *job, size_t slice, size_t *begin, size_t *end) {
  *begin = job->terms * slice / job->slices;
  *end = job->terms * (slice + 1) / job->slices;
}

static void count_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  msm_job *job = context;
  for (size_t i = begin; i < end; i++) { /* i = window * slices + slice */
    uint32_t *counts = job->counts + i * job->bucket_count;
    const uint32_t *digits = job->digits + i / job->slices * job->terms;
    size_t from, to;
    slice_bounds(job, i % job->slices, &from, &to);
    memset(counts, 0, job->bucket_count * sizeof *counts);
    for (size_t t = from; t < to; t++)
      if (digits[t] > 1) counts[(digits[t] >> 1) - 1]++;
  }
}

static void sort_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  msm_job *job = context;
  for (size_t i = begin; i < end; i++) {
    uint32_t *next = job->counts + i * job->bucket_count;
    const uint32_t *digits = job->digits + i / job->slices * job->terms;
    size_t from, to;
    slice_bounds(job, i % job->slices, &from, &to);
    for (size_t t = from; t < to; t++)
      if (digits[t] > 1) job->order[next[(digits[t] >> 1) - 1]++] = job->index[t] << 1 | (digits[t] & 1);
  }
}

/* Counts become positions; fills `starts`. */
static void positions_make(msm_job *job) {
  uint32_t at = 0;
  for (size_t w = 0; w < job->windows; w++)
    for (size_t b = 0; b < job->bucket_count; b++) {
      job->starts[w * job->bucket_count + b] = at;
      for (size_t slice = 0; slice < job->slices; slice++) {
        uint32_t *count = &job->counts[(w * job->slices + slice) * job->bucket_count + b], own = *count;
        *count = at;
        at += own;
      }
    }
  job->starts[job->windows * job->bucket_count] = at;
}

/* sum over the window's buckets of (bucket number + 1) * bucket, from its pieces. */
static hf_g1_xyzz window_sum(const msm_job *job, size_t w) {
  size_t all = job->windows * job->bucket_count >> job->piece_log, per = job->bucket_count >> job->piece_log;
  hf_g1_xyzz sum = hf_g1_xyzz_infinity(), running = sum;
  for (size_t k = per; k-- > 1;) { /* piece k counts k * 2^piece_log more */
    running = hf_g1_xyzz_add(running, job->weighed[all + w * per + k]);
    sum = hf_g1_xyzz_add(sum, running);
  }
  for (unsigned j = 0; j < job->piece_log; j++) sum = hf_g1_xyzz_dbl(sum);
  for (size_t k = 0; k < per; k++) sum = hf_g1_xyzz_add(sum, job->weighed[w * per + k]);
  return sum;
}

/* --- the whole ------------------------------------------------------------------------------ */

static size_t input_length(const msm_job *job) {
  size_t length = 0;
  for (unsigned j = 0; j < job->kappa; j++)
    if (job->input_lengths[j] > length) length = job->input_lengths[j];
  return length;
}

static void compact_count_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  msm_job *job = context;
  size_t count = 0;
  for (unsigned j = 0; j < job->kappa; j++)
    for (size_t i = begin; i < end && i < job->input_lengths[j]; i++)
      count += !hf_fr_is_zero(job->inputs[j][i]);
  job->chunk_start[begin / job->chunk] = count;
}

/* The scalars that are not zero, as integers with the bias, and where they belong. */
static void compact_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  msm_job *job = context;
  hf_fr e[64];
  size_t at = job->chunk_start[begin / job->chunk];
  for (unsigned j = 0; j < job->kappa; j++) {
    size_t last = end < job->input_lengths[j] ? end : job->input_lengths[j];
    for (size_t from = begin; from < last; from += 64) {
      size_t count = last - from < 64 ? last - from : 64;
      HF_CPU_NAME(msm_additions).integers(job->inputs[j] + from, count, e);
      for (size_t i = 0; i < count; i++) {
        if (hf_fr_is_zero(e[i])) continue;
        hf_u64 carry = 0;
        for (int k = 0; k < 4; k++) job->scalars[k][at] = hf_adc(e[i].l[k], job->bias.l[k], &carry);
        job->index[at++] = (uint32_t)(job->kappa * (from + i) + j);
      }
    }
  }
  explicit_bzero(e, sizeof e);
}

/* The window of least cost, in fetched and added points. */
static unsigned window_choose(size_t terms) {
  const msm_additions *additions = &HF_CPU_NAME(msm_additions);
  unsigned best = 2;
  double least = 0;
  for (unsigned c = 2; c <= additions->window_most; c++) {
    double windows = (double)((HF_MSM_SCALAR_BITS + c - 1) / c), buckets = (double)((size_t)1 << (c - 1));
    double cost = windows * ((double)terms + buckets * additions->bucket_cost);
    if (c == 2 || cost < least) {
      best = c;
      least = cost;
    }
  }
  return best;
}

static hf_status windows_run(msm_job *job, hf_g1_xyzz *sums) {
  hf_pool *pool = job->cpu->pool;
  hf_status status = HF_OK;
  size_t tasks = (size_t)job->windows * job->slices, part_count;
  hf_pool_run(pool, job->terms, 256, digits_body, job); /* 256 scalars stay in the first-level cache */
  hf_pool_run(pool, tasks, 1, count_body, job);
  positions_make(job);
  hf_pool_run(pool, tasks, 1, sort_body, job);
  size_t segments = segments_cut(job, NULL, &part_count);
  size_t segment_bytes = segments * sizeof *job->segments, part_bytes = part_count * sizeof *job->parts;
  job->segments = hf_cpu_alloc(segment_bytes); /* not scratch: these are taken anew for each group of windows */
  job->parts = hf_cpu_alloc(part_bytes);
  if (!job->segments || !job->parts)
    HF_TRY(hf_fail(HF_E_MEMORY, "msm: no memory for %zu segments", segments));
  segments_cut(job, job->segments, &part_count);
  memset(job->buckets, 0, job->windows * job->bucket_count * sizeof *job->buckets);
  size_t grain = segments / (8 * hf_pool_size(pool)); /* neighbours, so that the next one is known */
  hf_pool_run(pool, segments, grain < 1 ? 1 : grain > 16 ? 16 : grain, HF_CPU_NAME(msm_additions).segments, job);
  for (size_t i = 0; i < segments;) { /* buckets that were cut */
    if (job->segments[i].buckets) {
      i++;
      continue;
    }
    uint32_t bucket = job->segments[i].bucket;
    hf_g1_xyzz sum = hf_g1_xyzz_infinity();
    for (; i < segments && job->segments[i].buckets == 0 && job->segments[i].bucket == bucket; i++)
      sum = hf_g1_xyzz_add_affine(sum, job->parts[job->segments[i].part]);
    job->buckets[bucket] = hf_g1_from_xyzz(sum);
  }
  size_t pieces = job->windows * job->bucket_count >> job->piece_log;
  hf_pool_run(pool, pieces, (size_t)HF_MSM_SEGMENT >> job->piece_log, HF_CPU_NAME(msm_additions).pieces, job);
  for (size_t w = 0; w < job->windows; w++) sums[w] = window_sum(job, w);
out:
  hf_cpu_free(job->segments, segment_bytes);
  hf_cpu_free(job->parts, part_bytes);
  return status;
}

static hf_status job_run(msm_job *job, hf_g1 *out) {
  hf_pool *pool = job->cpu->pool;
  hf_status status = HF_OK;
  size_t length = input_length(job);
  hf_g1_xyzz sums[HF_MSM_SCALAR_BITS];
  *out = hf_g1_infinity();
  job->chunk = 4096;
  job->chunks = (length + job->chunk - 1) / job->chunk;
  if (length == 0) return HF_OK;
  if (length > HF_MSM_MAX_TERMS / job->kappa)
    return hf_fail(HF_E_ARGUMENT, "msm: %zu x %u terms; at most %zu", length, job->kappa, HF_MSM_MAX_TERMS);
  hf_cpu_scratch_begin(job->cpu);
  job->chunk_start = hf_cpu_scratch(job->cpu, job->chunks * sizeof *job->chunk_start);
  if (!job->chunk_start) HF_TRY(hf_fail(HF_E_MEMORY, "msm: out of memory"));
  hf_pool_run(pool, length, job->chunk, compact_count_body, job);
  for (size_t k = 0; k < job->chunks; k++) {
    size_t own = job->chunk_start[k];
    job->chunk_start[k] = job->terms;
    job->terms += own;
  }
  if (job->terms == 0) goto out;

  job->c = window_choose(job->terms);
  job->window_count = (HF_MSM_SCALAR_BITS + job->c - 1) / job->c;
  job->bucket_count = (size_t)1 << (job->c - 1);
  for (unsigned w = 0; w + 1 < job->window_count; w++) {
    unsigned bit = w * job->c + job->c - 1;
    job->bias.l[bit / 64] |= (hf_u64)1 << (bit % 64);
  }
  job->piece_log = job->c - 1 < HF_MSM_PIECE_LOG ? job->c - 1 : HF_MSM_PIECE_LOG;
  size_t at_once = job->cpu->msm_sort_bytes / (job->terms * sizeof *job->order);
  if (at_once < 1) at_once = 1;
  if (at_once > job->window_count) at_once = job->window_count;
  job->slices = (unsigned)((2 * hf_pool_size(pool) + at_once - 1) / at_once);
  size_t row = at_once * job->bucket_count;
  for (int k = 0; k < 4; k++) {
    job->scalars[k] = hf_cpu_scratch(job->cpu, job->terms * sizeof **job->scalars);
    if (!job->scalars[k]) HF_TRY(hf_fail(HF_E_MEMORY, "msm: no memory for %zu terms", job->terms));
  }
  job->digits = hf_cpu_scratch(job->cpu, at_once * job->terms * sizeof *job->digits);
  job->index = hf_cpu_scratch(job->cpu, job->terms * sizeof *job->index);
  job->counts = hf_cpu_scratch(job->cpu, row * job->slices * sizeof *job->counts);
  job->starts = hf_cpu_scratch(job->cpu, (row + 1) * sizeof *job->starts);
  job->order = hf_cpu_scratch(job->cpu, at_once * job->terms * sizeof *job->order);
  job->buckets = hf_cpu_scratch(job->cpu, row * sizeof *job->buckets);
  job->weighed = hf_cpu_scratch(job->cpu, (row >> job->piece_log) * 2 * sizeof *job->weighed);
  job->scratch_bytes = HF_CPU_NAME(msm_additions).scratch_bytes;
  job->scratch = hf_cpu_scratch(job->cpu, hf_pool_size(pool) * job->scratch_bytes);
  if (!job->digits || !job->index || !job->counts || !job->starts || !job->order || !job->buckets ||
      !job->weighed || !job->scratch)
    HF_TRY(hf_fail(HF_E_MEMORY, "msm: no memory for %zu terms", job->terms));
  hf_pool_run(pool, length, job->chunk, compact_body, job);
  for (job->first_window = 0; job->first_window < job->window_count; job->first_window += job->windows) {
    unsigned left = job->window_count - job->first_window;
    job->windows = left < at_once ? left : (unsigned)at_once;
    HF_TRY(windows_run(job, sums + job->first_window));
  }
  hf_g1_xyzz sum = hf_g1_xyzz_infinity();
  for (unsigned w = job->window_count; w-- > 0;) {
    for (unsigned j = 0; j < job->c; j++) sum = hf_g1_xyzz_dbl(sum);
    sum = hf_g1_xyzz_add(sum, sums[w]);
  }
  *out = hf_g1_from_xyzz(sum);
out:
  return status;
}

hf_status HF_CPU_NAME(commit)(hf_backend *backend, const hf_points *points, const hf_vec *const *parts,
                              unsigned kappa, size_t length, hf_g1 *out) {
  if (kappa < 1 || kappa > HF_MAX_KAPPA)
    return hf_fail(HF_E_ARGUMENT, "commit: kappa is %u; 1 to %d", kappa, HF_MAX_KAPPA);
  msm_job job = {.cpu = hf_cpu_of(backend), .points = points->data, .kappa = kappa};
  for (unsigned j = 0; j < kappa; j++) {
    if (!parts[j]) continue;
    job.inputs[j] = parts[j]->data;
    job.input_lengths[j] = parts[j]->length < length ? parts[j]->length : length;
  }
  size_t longest = input_length(&job);
  if (longest > points->count / kappa + (points->count % kappa != 0) ||
      (longest && kappa * (longest - 1) >= points->count))
    return hf_fail(HF_E_ARGUMENT, "commit: %zu coefficients x kappa %u on %zu points", longest, kappa,
                   points->count);
  for (unsigned j = 0; j < kappa; j++)
    if (job.input_lengths[j] && kappa * (job.input_lengths[j] - 1) + j >= points->count)
      return hf_fail(HF_E_ARGUMENT, "commit: %zu coefficients x kappa %u on %zu points", longest, kappa,
                     points->count);
  return job_run(&job, out);
}

hf_status HF_CPU_NAME(msm)(hf_backend *backend, const hf_points *points, const hf_vec *scalars, size_t count,
                           hf_g1 *out) {
  hf_status status = hf_cpu_range("msm (scalars)", scalars, 0, count);
  if (status != HF_OK) return status;
  if (count > points->count)
    return hf_fail(HF_E_ARGUMENT, "msm: %zu scalars on %zu points", count, points->count);
  msm_job job = {.cpu = hf_cpu_of(backend), .points = points->data, .kappa = 1};
  job.inputs[0] = scalars->data;
  job.input_lengths[0] = count;
  return job_run(&job, out);
}
