/* Transforms: passes between two buffers, and the tables of powers that they read. */
#include "gpu.h"

/* A pass takes at most HF_NTT_RADIX_LOG stages, so that at least two columns of a tile are neighbours in memory. */
#define HF_NTT_RADIX_LOG 9

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

/* In place, with other memory of 2^log_n elements: *x and *other change places with every pass. */
static hf_status transform(hf_gpu *gpu, hf_gpu_memory **x, hf_gpu_memory **other, unsigned log_n, hf_ntt_kind kind) {
  hf_status status;
  hf_gpu_memory *roots;
  hf_fr factor = hf_fr_one();
  if (log_n == 0) return HF_OK;
  HF_TRY(hf_gpu_roots(gpu, &roots));
  if (kind == HF_NTT_INVERSE) factor = hf_fr_inv(hf_fr_from_u64((uint64_t)1 << log_n));
  unsigned most = log_n <= HF_NTT_TILE_LOG ? HF_NTT_TILE_LOG : HF_NTT_RADIX_LOG;
  unsigned passes = (log_n + most - 1) / most, done = 0;
  for (unsigned pass = 0; pass < passes; pass++) {
    unsigned radix = (log_n - done + passes - pass - 1) / (passes - pass); /* as equal as may be, the larger first */
    unsigned tile = log_n < HF_NTT_TILE_LOG ? log_n : HF_NTT_TILE_LOG;
    size_t groups = (size_t)1 << (log_n - tile);
    HF_TRY(HF_GPU_LAUNCH(gpu, ntt_pass, groups * HF_NTT_LANES, HF_MEMORY(*other), HF_MEMORY(*x), HF_MEMORY(roots),
                         HF_U32(log_n), HF_U32(done), HF_U32(radix),
                         HF_U32(kind == HF_NTT_INVERSE && pass + 1 == passes), HF_FR(factor)));
    hf_gpu_memory *swap = *x;
    *x = *other;
    *other = swap;
    done += radix;
  }
out:
  return status;
}

/* A vector of exactly n elements takes the result's memory as its own; of a longer one, the beginning is written. */
static hf_status transform_vec(hf_gpu *gpu, hf_vec *vec, unsigned log_n, hf_ntt_kind kind) {
  hf_status status;
  const size_t n = (size_t)1 << log_n, bytes = n * sizeof(hf_fr);
  hf_gpu_memory *x = vec->memory, *other = NULL;
  HF_TRY(hf_gpu_take(gpu, bytes, &other));
  status = transform(gpu, &x, &other, log_n, kind);
  if (x != vec->memory) { /* then vec->memory is the other one */
    if (vec->length == n && status == HF_OK) {
      vec->memory = x;
    } else {
      if (status == HF_OK) status = gpu->device->ops->copy(gpu->device, vec->memory, 0, x, 0, bytes);
      other = x;
    }
  }
out:
  hf_gpu_give(gpu, other, bytes);
  return status;
}

hf_status hf_gpu_ntt(hf_backend *backend, hf_vec *const *vecs, size_t count, unsigned log_n, hf_ntt_kind kind) {
  hf_status status;
  HF_TRY(log_check("ntt", log_n));
  for (size_t k = 0; k < count; k++) HF_TRY(hf_vec_range("ntt", vecs[k], 0, (size_t)1 << log_n));
  for (size_t k = 0; k < count; k++) HF_TRY(transform_vec(hf_gpu_of(backend), vecs[k], log_n, kind));
out:
  return status;
}

hf_status hf_gpu_coset_ntt(hf_backend *backend, hf_vec *out, const hf_vec *coefficients, size_t length, unsigned log_n,
                           hf_fr shift) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  hf_gpu_memory *shifts;
  HF_TRY(log_check("coset_ntt", log_n));
  const size_t n = (size_t)1 << log_n;
  HF_TRY(hf_vec_range("coset_ntt (out)", out, 0, n));
  HF_TRY(hf_vec_range("coset_ntt (coefficients)", coefficients, 0, length));
  if (length > (size_t)1 << (2 * HF_POWERS_LOG))
    HF_TRY(hf_fail(HF_E_ARGUMENT, "coset_ntt: %zu coefficients", length));
  HF_TRY(shift_table(gpu, shift, &shifts));
  HF_TRY(HF_GPU_LAUNCH(gpu, coset_load, n, HF_MEMORY(out->memory), HF_MEMORY(coefficients->memory), HF_MEMORY(shifts),
                       HF_U32(length), HF_U32(log_n)));
  HF_TRY(transform_vec(gpu, out, log_n, HF_NTT_FORWARD));
out:
  return status;
}

hf_status hf_gpu_coset_intt(hf_backend *backend, hf_vec *vec, unsigned log_n, hf_fr shift) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  hf_gpu_memory *shifts;
  HF_TRY(log_check("coset_intt", log_n));
  const size_t n = (size_t)1 << log_n;
  HF_TRY(hf_vec_range("coset_intt", vec, 0, n));
  if (hf_fr_is_zero(shift)) HF_TRY(hf_fail(HF_E_ARGUMENT, "coset_intt: the shift is zero"));
  HF_TRY(transform_vec(gpu, vec, log_n, HF_NTT_INVERSE));
  HF_TRY(shift_table(gpu, hf_fr_inv(shift), &shifts));
  HF_TRY(HF_GPU_LAUNCH(gpu, coset_scale, n, HF_MEMORY(vec->memory), HF_MEMORY(shifts), HF_U32(n)));
out:
  return status;
}
