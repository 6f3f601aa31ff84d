/* Transforms: passes between two buffers, and the tables of powers that they read. */
#include "gpu.h"

/* A pass takes at most HF_NTT_RADIX_LOG stages, so that at least two columns of a tile are neighbours in memory. */
#define HF_NTT_RADIX_LOG 9

/* Up to this size several vectors go in one launch. */
#define HF_NTT_TOGETHER_LOG 19

static hf_status powers_table(hf_gpu *gpu, hf_fr x, hf_gpu_memory **out) {
  hf_status status;
  const size_t entries = 2 * HF_POWERS_SIZE;
  *out = NULL;
  HF_TRY(hf_gpu_take(gpu, entries * sizeof(hf_fr), out));
  HF_TRY(HF_GPU_LAUNCH(gpu, powers, entries, HF_MEMORY(*out), HF_FR(x)));
out:
  if (status != HF_OK && *out) {
    hf_gpu_give(gpu, *out, entries * sizeof(hf_fr));
    *out = NULL;
  }
  return status;
}

hf_status hf_gpu_roots(hf_gpu *gpu, hf_gpu_memory **out) {
  hf_status status = HF_OK;
  if (!gpu->roots) status = powers_table(gpu, hf_fr_root_of_unity(HF_FR_TWO_ADICITY), &gpu->roots);
  *out = gpu->roots;
  return status;
}

/* The table of a shift's powers: one that is kept, or a new one in place of the least recently used. */
static hf_status shift_table(hf_gpu *gpu, hf_fr shift, hf_gpu_memory **out) {
  hf_gpu_shift *oldest = &gpu->shifts[0];
  gpu->uses++;
  for (int i = 0; i < HF_GPU_SHIFTS; i++) {
    hf_gpu_shift *s = &gpu->shifts[i];
    if (s->table && hf_fr_eq(s->shift, shift)) {
      s->used = gpu->uses;
      *out = s->table;
      return HF_OK;
    }
    if (s->used < oldest->used) oldest = s;
  }
  if (oldest->table) gpu->device->ops->free(gpu->device, oldest->table);
  oldest->table = NULL;
  oldest->used = 0;
  hf_status status = powers_table(gpu, shift, &oldest->table);
  if (status != HF_OK) return status;
  oldest->shift = shift;
  oldest->used = gpu->uses;
  *out = oldest->table;
  return HF_OK;
}

static hf_status log_check(const char *operation, unsigned log_n) {
  if (log_n <= HF_FR_TWO_ADICITY) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "%s: size 2^%u; the field has roots of unity up to order 2^%d", operation, log_n,
                 HF_FR_TWO_ADICITY);
}

/* What a transform does besides: nothing, onto a coset, from one. */
typedef struct transform_kind {
  hf_ntt_kind direction;
  hf_gpu_memory *shifts; /* NULL: on H itself */
  size_t length;         /* onto a coset: coefficients */
} transform_kind;

#define HF_EIGHT(x) \
  HF_MEMORY((x)[0]), HF_MEMORY((x)[1]), HF_MEMORY((x)[2]), HF_MEMORY((x)[3]), HF_MEMORY((x)[4]), HF_MEMORY((x)[5]), HF_MEMORY((x)[6]), HF_MEMORY((x)[7])
_Static_assert(HF_NTT_VECTORS == 8, "HF_EIGHT");

static unsigned passes_of(unsigned log_n) {
  unsigned most = log_n <= HF_NTT_TILE_LOG ? HF_NTT_TILE_LOG : HF_NTT_RADIX_LOG;
  return log_n == 0 ? 1 : (log_n + most - 1) / most;
}

/* `count` transforms, the first pass from in[] to a[], the next from a[] to b[], and so on in turns. */
static hf_status transform(hf_gpu *gpu, hf_gpu_memory *const *in, hf_gpu_memory *const *a, hf_gpu_memory *const *b,
                           size_t count, unsigned log_n, const transform_kind *kind) {
  hf_status status;
  hf_gpu_memory *roots, *from[HF_NTT_VECTORS], *to[HF_NTT_VECTORS];
  const bool inverse = kind->direction == HF_NTT_INVERSE;
  const unsigned passes = passes_of(log_n), tile = log_n < HF_NTT_TILE_LOG ? log_n : HF_NTT_TILE_LOG;
  hf_fr factor = hf_fr_one();
  hf_ntt_plan plan = {.log_n = log_n, .log_groups = log_n - tile, .length = (hf_u32)kind->length};
  HF_TRY(hf_gpu_roots(gpu, &roots));
  if (inverse) factor = hf_fr_inv(hf_fr_from_u64((uint64_t)1 << log_n));
  for (unsigned pass = 0; pass < passes; pass++) {
    for (size_t v = 0; v < HF_NTT_VECTORS; v++) { /* places that no vector takes repeat the first */
      size_t own = v < count ? v : 0;
      from[v] = pass == 0 ? in[own] : pass % 2 ? a[own] : b[own];
      to[v] = pass % 2 ? b[own] : a[own];
    }
    plan.log_radix = (log_n - plan.log_done + passes - pass - 1) / (passes - pass); /* as equal as may be, the larger first */
    plan.load = pass == 0 && !inverse && kind->shifts != NULL;
    plan.inverse = pass + 1 == passes && inverse;
    plan.scale = plan.inverse && kind->shifts != NULL;
    HF_TRY(HF_GPU_LAUNCH(gpu, ntt_pass, (count << plan.log_groups) * HF_NTT_LANES, HF_EIGHT(to), HF_EIGHT(from),
                         HF_MEMORY(roots), HF_MEMORY(kind->shifts ? kind->shifts : roots), HF_STRUCT(plan), HF_FR(factor)));
    plan.log_done += plan.log_radix;
  }
out:
  return status;
}

/* Vectors in one launch: small ones do not fill a device alone, and of large ones the second buffers would. */
static size_t at_once(unsigned log_n, size_t count) {
  size_t most = log_n <= HF_NTT_TOGETHER_LOG ? HF_NTT_VECTORS : 1;
  return count < most ? count : most;
}

/* In place: the result lies in the second buffer after an odd number of passes; a vector of exactly n elements takes that as
 * its own, of a longer one the beginning is written. */
static hf_status in_place(hf_gpu *gpu, hf_vec *const *vecs, size_t count, unsigned log_n, const transform_kind *kind) {
  hf_status status = HF_OK;
  const size_t n = (size_t)1 << log_n, bytes = n * sizeof(hf_fr);
  hf_gpu_memory *own[HF_NTT_VECTORS], *other[HF_NTT_VECTORS] = {NULL};
  for (size_t v = 0; v < count; v++) {
    own[v] = vecs[v]->memory;
    HF_TRY(hf_gpu_take(gpu, bytes, &other[v]));
  }
  HF_TRY(transform(gpu, own, other, own, count, log_n, kind));
  for (size_t v = 0; v < count && passes_of(log_n) % 2; v++) {
    if (vecs[v]->length == n) {
      vecs[v]->memory = other[v];
      other[v] = own[v];
    } else {
      HF_TRY(gpu->device->ops->copy(gpu->device, own[v], 0, other[v], 0, bytes));
    }
  }
out:
  for (size_t v = 0; v < count; v++) hf_gpu_give(gpu, other[v], bytes);
  return status;
}

hf_status hf_gpu_ntt(hf_backend *backend, hf_vec *const *vecs, size_t count, unsigned log_n, hf_ntt_kind direction) {
  hf_status status;
  const transform_kind kind = {.direction = direction};
  HF_TRY(log_check("ntt", log_n));
  for (size_t k = 0; k < count; k++) HF_TRY(hf_vec_range("ntt", vecs[k], 0, (size_t)1 << log_n));
  for (size_t k = 0, batch; k < count; k += batch) {
    batch = at_once(log_n, count - k);
    HF_TRY(in_place(hf_gpu_of(backend), vecs + k, batch, log_n, &kind));
  }
out:
  return status;
}

/* From the coefficients to `out`, with other memory between where there are several passes. */
static hf_status onto_coset(hf_gpu *gpu, hf_vec *const *out, const hf_vec *const *coefficients, size_t count, unsigned log_n,
                            const transform_kind *kind) {
  hf_status status = HF_OK;
  const size_t bytes = sizeof(hf_fr) << log_n;
  const unsigned passes = passes_of(log_n);
  hf_gpu_memory *in[HF_NTT_VECTORS], *own[HF_NTT_VECTORS], *other[HF_NTT_VECTORS] = {NULL};
  for (size_t v = 0; v < count; v++) {
    in[v] = coefficients[v]->memory;
    own[v] = out[v]->memory;
    if (passes > 1) HF_TRY(hf_gpu_take(gpu, bytes, &other[v]));
  }
  HF_TRY(passes % 2 ? transform(gpu, in, own, other, count, log_n, kind) : transform(gpu, in, other, own, count, log_n, kind));
out:
  for (size_t v = 0; v < count; v++) hf_gpu_give(gpu, other[v], bytes);
  return status;
}

hf_status hf_gpu_coset_ntt(hf_backend *backend, hf_vec *const *out, const hf_vec *const *coefficients, size_t count,
                           size_t length, unsigned log_n, hf_fr shift) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  transform_kind kind = {.direction = HF_NTT_FORWARD, .length = length};
  HF_TRY(log_check("coset_ntt", log_n));
  for (size_t k = 0; k < count; k++) {
    HF_TRY(hf_vec_range("coset_ntt (out)", out[k], 0, (size_t)1 << log_n));
    HF_TRY(hf_vec_range("coset_ntt (coefficients)", coefficients[k], 0, length));
  }
  if (length > (size_t)1 << (2 * HF_POWERS_LOG)) HF_TRY(hf_fail(HF_E_ARGUMENT, "coset_ntt: %zu coefficients", length));
  HF_TRY(shift_table(gpu, shift, &kind.shifts));
  for (size_t k = 0, batch; k < count; k += batch) {
    batch = at_once(log_n, count - k);
    HF_TRY(onto_coset(gpu, out + k, coefficients + k, batch, log_n, &kind));
  }
out:
  return status;
}

hf_status hf_gpu_coset_intt(hf_backend *backend, hf_vec *vec, unsigned log_n, hf_fr shift) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  transform_kind kind = {.direction = HF_NTT_INVERSE};
  HF_TRY(log_check("coset_intt", log_n));
  HF_TRY(hf_vec_range("coset_intt", vec, 0, (size_t)1 << log_n));
  if (hf_fr_is_zero(shift)) HF_TRY(hf_fail(HF_E_ARGUMENT, "coset_intt: the shift is zero"));
  HF_TRY(shift_table(gpu, hf_fr_inv(shift), &kind.shifts));
  HF_TRY(in_place(gpu, &vec, 1, log_n, &kind));
out:
  return status;
}
