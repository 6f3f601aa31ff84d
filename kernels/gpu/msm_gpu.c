/* Multi-scalar multiplication: the host plans windows, reads a few totals, and adds up the windows' sums. */
#include <stdlib.h>
#include <string.h>
#include "gpu.h"

#define HF_MSM_MAX_TERMS ((size_t)1 << 28) /* numbers of terms leave a bit for the sign */
#define HF_MSM_LAST      4                 /* segments' sums of a window that the host adds */
#define HF_MSM_LEVELS    9                 /* 2^28 terms in 2^5, then by 2^4: 7, and one that finds nothing left to add */
#define HF_MSM_WORK      ((size_t)4 << 30) /* bytes of work at once, or an eighth of the device if that is less */

typedef struct msm_run {
  hf_gpu *gpu;
  hf_gpu_memory *points, *scalars;
  hf_msm_plan plan;
  size_t buckets; /* of a window */
} msm_run;

/* --- plan ---------------------------------------------------------------------------- */

/* Multiplications: ten a term and window; a bucket takes two additions of 14, and the rest of a segment about as much. */
static double cost(size_t count, unsigned bits) {
  double windows = (255 + bits - 1) / bits, buckets = (double)((size_t)1 << (bits - 1));
  return windows * ((double)count * 10 + buckets * (28 + (double)bits * 20 / HF_MSM_SEGMENT));
}

static void plan_make(msm_run *run, size_t count) {
  unsigned best = 5;
  for (unsigned bits = 5; bits <= 22; bits++)
    if (cost(count, bits) < cost(count, best)) best = bits;
  hf_msm_plan *p = &run->plan;
  memset(p, 0, sizeof *p);
  p->bits = best;
  p->windows = (255 + best - 1) / best;
  p->count = (hf_u32)count;
  for (unsigned w = 0; w + 1 < p->windows; w++) {
    unsigned at = w * best + best - 1;
    p->bias[at / 64] |= (hf_u64)1 << (at % 64);
  }
  run->buckets = (size_t)1 << (best - 1);
}

/* Bytes of work of one window: terms, the buckets' starts at two levels, tasks' sums at two levels. */
static size_t window_bytes(const msm_run *run) {
  size_t tasks = run->plan.count / HF_MSM_TASK + run->buckets;
  return run->plan.count * sizeof(hf_u32) + 3 * run->buckets * sizeof(hf_u32) + 2 * tasks * sizeof(hf_g1_xyzz);
}

static unsigned windows_at_once(const msm_run *run) {
  size_t most = run->gpu->device->memory / 8;
  if (most > HF_MSM_WORK) most = HF_MSM_WORK;
  size_t at_once = most / window_bytes(run), by_index = (size_t)UINT32_MAX / (run->plan.count + run->buckets) / 2;
  if (at_once > by_index) at_once = by_index;
  if (at_once < 1) at_once = 1;
  return at_once < run->plan.windows ? (unsigned)at_once : run->plan.windows;
}

/* --- rounds ---------------------------------------------------------------------------- */

/* Running sum of counts, out may be in. */
static hf_status running_sum(hf_gpu *gpu, hf_gpu_memory *out, hf_gpu_memory *in, size_t count) {
  hf_status status;
  size_t chunks = hf_gpu_chunks(count, HF_CHUNK);
  hf_gpu_memory *carry = NULL;
  if (chunks > 1) {
    HF_TRY(hf_gpu_take(gpu, chunks * sizeof(hf_u32), &carry));
    HF_TRY(HF_GPU_LAUNCH(gpu, sum_u32_chunks, chunks, HF_MEMORY(carry), HF_MEMORY(in), HF_U32(count), HF_U32(chunks)));
    HF_TRY(running_sum(gpu, carry, carry, chunks));
  }
  HF_TRY(HF_GPU_LAUNCH(gpu, sum_u32_apply, chunks, HF_MEMORY(out), HF_MEMORY(in), HF_MEMORY(carry ? carry : in),
                       HF_U32(carry != NULL), HF_U32(count), HF_U32(chunks)));
out:
  hf_gpu_give(gpu, carry, chunks * sizeof(hf_u32));
  return status;
}

/* Terms sorted by window and bucket: bucket b's are terms[starts[b] .. starts[b + 1]). */
static hf_status sort_terms(msm_run *run, size_t buckets, hf_gpu_memory *terms, hf_gpu_memory *starts) {
  hf_gpu *gpu = run->gpu;
  hf_status status;
  const size_t bytes = (buckets + 1) * sizeof(hf_u32);
  hf_gpu_memory *next = NULL;
  HF_TRY(hf_gpu_take(gpu, bytes, &next));
  HF_TRY(HF_GPU_LAUNCH(gpu, msm_count, run->plan.count, HF_MEMORY(starts), HF_MEMORY(run->scalars), HF_STRUCT(run->plan)));
  HF_TRY(running_sum(gpu, starts, starts, buckets + 1));
  HF_TRY(gpu->device->ops->copy(gpu->device, next, 0, starts, 0, bytes));
  HF_TRY(HF_GPU_LAUNCH(gpu, msm_scatter, run->plan.count, HF_MEMORY(terms), HF_MEMORY(next), HF_MEMORY(run->scalars),
                       HF_STRUCT(run->plan)));
out:
  hf_gpu_give(gpu, next, bytes);
  return status;
}

/* One level of sums: *count entries with *starts of the buckets become one entry a task, and new starts. The first level
 * adds points, later ones sums. */
typedef struct msm_level {
  hf_gpu_memory *starts, *sums; /* sums: NULL before the first level */
  size_t starts_bytes, sums_bytes, count;
} msm_level;

static void level_give(hf_gpu *gpu, msm_level *level) {
  hf_gpu_give(gpu, level->starts, level->starts_bytes);
  hf_gpu_give(gpu, level->sums, level->sums_bytes);
  memset(level, 0, sizeof *level);
}

/* As many as the counts allow: memory and loops must not depend on a device that counts wrongly. */
static size_t most_tasks(const msm_run *run, const msm_level *level) {
  const size_t terms = run->plan.together * (size_t)run->plan.count;
  return level->sums ? level->count : terms / HF_MSM_TASK + run->plan.together * run->buckets;
}

static hf_status level_next(msm_run *run, size_t buckets, hf_gpu_memory *terms, msm_level *level, bool *last) {
  hf_gpu *gpu = run->gpu;
  hf_status status;
  hf_u32 tasks;
  msm_level next = {.starts_bytes = (buckets + 1) * sizeof(hf_u32)};
  *last = false;
  HF_TRY(hf_gpu_take(gpu, next.starts_bytes, &next.starts));
  HF_TRY(HF_GPU_LAUNCH(gpu, msm_tasks, buckets + 1, HF_MEMORY(next.starts), HF_MEMORY(level->starts), HF_U32(buckets),
                       HF_U32(level->sums ? HF_MSM_MERGE : HF_MSM_TASK)));
  HF_TRY(running_sum(gpu, next.starts, next.starts, buckets + 1));
  HF_TRY(gpu->device->ops->read(gpu->device, next.starts, buckets * sizeof tasks, &tasks, sizeof tasks));
  if (tasks > most_tasks(run, level)) HF_TRY(hf_fail(HF_E_DEVICE, "msm: the device counts %u sums of %zu", tasks, level->count));
  *last = level->sums && tasks == level->count; /* one a bucket */
  if (*last) goto out;
  next.count = tasks;
  next.sums_bytes = (tasks ? tasks : 1) * sizeof(hf_g1_xyzz);
  HF_TRY(hf_gpu_take(gpu, next.sums_bytes, &next.sums));
  if (level->sums)
    HF_TRY(HF_GPU_LAUNCH(gpu, msm_merge, tasks, HF_MEMORY(next.sums), HF_MEMORY(level->sums), HF_MEMORY(level->starts),
                         HF_MEMORY(next.starts), HF_U32(buckets), HF_U32(tasks), HF_U32(level->count)));
  else
    HF_TRY(HF_GPU_LAUNCH(gpu, msm_accumulate, tasks, HF_MEMORY(next.sums), HF_MEMORY(run->points), HF_MEMORY(terms),
                         HF_MEMORY(level->starts), HF_MEMORY(next.starts), HF_U32(buckets), HF_U32(tasks),
                         HF_U32(run->plan.together * run->plan.count), HF_U32(run->plan.count)));
  level_give(gpu, level);
  *level = next;
  memset(&next, 0, sizeof next);
out:
  level_give(gpu, &next);
  return status;
}

/* sums[w] = window first + w's sum, from one entry a bucket. */
static hf_status weigh(msm_run *run, const msm_level *level, hf_g1_xyzz *sums) {
  hf_gpu *gpu = run->gpu;
  hf_status status;
  size_t windows = run->plan.together, each = run->buckets / HF_MSM_SEGMENT, bytes = windows * each * sizeof *sums;
  size_t next_bytes = 0;
  hf_gpu_memory *in = NULL, *out = NULL;
  hf_g1_xyzz *last = NULL;
  HF_TRY(hf_gpu_take(gpu, bytes, &in));
  HF_TRY(HF_GPU_LAUNCH(gpu, msm_weigh, windows * each, HF_MEMORY(in), HF_MEMORY(level->sums), HF_MEMORY(level->starts),
                       HF_U32(run->buckets), HF_U32(windows * each), HF_U32(level->count)));
  while (each > HF_MSM_LAST) { /* powers of two */
    size_t together = each / HF_MSM_LAST < 8 ? each / HF_MSM_LAST : 8;
    each /= together;
    next_bytes = windows * each * sizeof *sums;
    HF_TRY(hf_gpu_take(gpu, next_bytes, &out));
    HF_TRY(HF_GPU_LAUNCH(gpu, points_sum, windows * each, HF_MEMORY(out), HF_MEMORY(in), HF_U32(together),
                         HF_U32(windows * each)));
    hf_gpu_give(gpu, in, bytes);
    in = out, bytes = next_bytes, out = NULL;
  }
  last = malloc(bytes);
  if (!last) HF_TRY(hf_fail(HF_E_MEMORY, "msm: out of memory"));
  HF_TRY(gpu->device->ops->read(gpu->device, in, 0, last, bytes));
  for (size_t w = 0; w < windows; w++) {
    sums[w] = last[w * each];
    for (size_t i = 1; i < each; i++) sums[w] = hf_g1_xyzz_add(sums[w], last[w * each + i]);
  }
out:
  free(last);
  hf_gpu_give(gpu, in, bytes);
  hf_gpu_give(gpu, out, next_bytes);
  return status;
}

/* The sums of plan.together windows from plan.first on. */
static hf_status windows_sum(msm_run *run, hf_g1_xyzz *sums) {
  hf_gpu *gpu = run->gpu;
  hf_status status;
  const size_t buckets = run->plan.together * run->buckets;
  const size_t terms_bytes = run->plan.together * (size_t)run->plan.count * sizeof(hf_u32);
  msm_level level = {.starts_bytes = (buckets + 1) * sizeof(hf_u32)};
  hf_gpu_memory *terms = NULL;
  bool last = false;
  HF_TRY(hf_gpu_take(gpu, terms_bytes, &terms));
  HF_TRY(hf_gpu_take(gpu, level.starts_bytes, &level.starts));
  HF_TRY(sort_terms(run, buckets, terms, level.starts));
  for (unsigned levels = 0; !last; levels++) {
    if (levels > HF_MSM_LEVELS) HF_TRY(hf_fail(HF_E_DEVICE, "msm: the device's counts of sums do not fall"));
    HF_TRY(level_next(run, buckets, terms, &level, &last));
  }
  HF_TRY(weigh(run, &level, sums));
out:
  level_give(gpu, &level);
  hf_gpu_give(gpu, terms, terms_bytes);
  return status;
}

static hf_status run_msm(hf_gpu *gpu, hf_gpu_memory *points, hf_gpu_memory *scalars, size_t count, hf_g1 *out) {
  hf_status status = HF_OK;
  hf_g1_xyzz sums[64], sum = hf_g1_xyzz_infinity();
  *out = hf_g1_infinity();
  if (count == 0) return HF_OK;
  if (count > HF_MSM_MAX_TERMS) return hf_fail(HF_E_ARGUMENT, "msm: %zu terms; at most %zu", count, HF_MSM_MAX_TERMS);
  msm_run run = {.gpu = gpu, .points = points, .scalars = scalars};
  plan_make(&run, count);
  for (unsigned first = 0, at_once = windows_at_once(&run); first < run.plan.windows; first += run.plan.together) {
    run.plan.first = first;
    run.plan.together = run.plan.windows - first < at_once ? run.plan.windows - first : at_once;
    HF_TRY(windows_sum(&run, sums + first));
  }
  for (unsigned w = run.plan.windows; w-- > 0;) {
    for (unsigned b = 0; b < run.plan.bits; b++) sum = hf_g1_xyzz_dbl(sum);
    sum = hf_g1_xyzz_add(sum, sums[w]);
  }
  *out = hf_g1_from_xyzz(sum);
out:
  return status;
}

/* --- operations -------------------------------------------------------------------------- */

hf_status hf_gpu_msm(hf_backend *backend, const hf_points *points, const hf_vec *scalars, size_t count, hf_g1 *out) {
  hf_status status = hf_vec_range("msm (scalars)", scalars, 0, count);
  if (status != HF_OK) return status;
  if (count > points->count)
    return hf_fail(HF_E_ARGUMENT, "msm: %zu scalars on %zu points", count, points->count);
  return run_msm(hf_gpu_of(backend), points->memory, scalars->memory, count, out);
}

/* The parts are interleaved in memory of their own first. */
hf_status hf_gpu_commit(hf_backend *backend, const hf_points *points, const hf_vec *const *parts, unsigned kappa,
                        size_t length, hf_g1 *out) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status = HF_OK;
  hf_gpu_memory *packed = NULL;
  size_t count = 0;
  if (kappa < 1 || kappa > HF_MAX_KAPPA)
    return hf_fail(HF_E_ARGUMENT, "commit: kappa is %u; 1 to %d", kappa, HF_MAX_KAPPA);
  for (unsigned j = 0; j < kappa; j++) {
    size_t own = !parts[j] ? 0 : parts[j]->length < length ? parts[j]->length : length;
    if (own > HF_MSM_MAX_TERMS) return hf_fail(HF_E_ARGUMENT, "commit: %zu coefficients", own);
    if (own && kappa * (own - 1) + j + 1 > count) count = kappa * (own - 1) + j + 1;
  }
  if (count > points->count)
    return hf_fail(HF_E_ARGUMENT, "commit: %zu coefficients x kappa %u on %zu points", length, kappa, points->count);
  HF_TRY(hf_gpu_take(gpu, count * sizeof(hf_fr), &packed));
  for (unsigned j = 0; j < kappa; j++) {
    size_t own = !parts[j] ? 0 : parts[j]->length < length ? parts[j]->length : length;
    HF_TRY(HF_GPU_LAUNCH(gpu, axpy, own, HF_MEMORY(packed), HF_MEMORY(parts[j] ? parts[j]->memory : packed),
                         HF_FR(hf_fr_one()), HF_U32(kappa), HF_U32(j), HF_U32(own)));
  }
  HF_TRY(run_msm(gpu, points->memory, packed, count, out));
out:
  hf_gpu_give(gpu, packed, count * sizeof(hf_fr));
  return status;
}
