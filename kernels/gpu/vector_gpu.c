/* Operations over vectors. What goes in chunks calls itself on one element a chunk, until one chunk is left. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "gpu.h"

/* --- element by element ------------------------------------------------------------ */

hf_status hf_gpu_axpy_strided(hf_backend *backend, hf_vec *acc, size_t stride, size_t offset, hf_fr factor,
                              const hf_vec *x, size_t count) {
  hf_status status;
  if (count == 0 || hf_fr_is_zero(factor)) return HF_OK;
  if (stride == 0 || offset >= acc->length || (acc->length - 1 - offset) / stride < count - 1)
    return hf_fail(HF_E_ARGUMENT, "axpy: %zu elements at %zu, stride %zu, of a vector of %zu", count, offset, stride,
                   acc->length);
  HF_TRY(hf_vec_range("axpy (x)", x, 0, count));
  HF_TRY(HF_GPU_LAUNCH(hf_gpu_of(backend), axpy, count, HF_MEMORY(acc->memory), HF_MEMORY(x->memory), HF_FR(factor),
                       HF_U32(stride), HF_U32(offset), HF_U32(count)));
out:
  return status;
}

hf_status hf_gpu_axpy(hf_backend *backend, hf_vec *acc, hf_fr factor, const hf_vec *x, size_t count) {
  return hf_gpu_axpy_strided(backend, acc, 1, 0, factor, x, count);
}

hf_status hf_gpu_scale(hf_backend *backend, hf_vec *x, hf_fr factor, size_t count) {
  hf_status status = hf_vec_range("scale", x, 0, count);
  if (status != HF_OK) return status;
  return HF_GPU_LAUNCH(hf_gpu_of(backend), scale, count, HF_MEMORY(x->memory), HF_FR(factor), HF_U32(count));
}

hf_status hf_gpu_hadamard(hf_backend *backend, hf_vec *acc, const hf_vec *x, size_t count) {
  hf_status status;
  HF_TRY(hf_vec_range("hadamard (acc)", acc, 0, count));
  HF_TRY(hf_vec_range("hadamard (x)", x, 0, count));
  HF_TRY(HF_GPU_LAUNCH(hf_gpu_of(backend), hadamard, count, HF_MEMORY(acc->memory), HF_MEMORY(x->memory),
                       HF_U32(count)));
out:
  return status;
}

/* --- inverses ------------------------------------------------------------------------ */

#define HF_INVERT_ON_HOST 1024

static hf_status invert_on_host(hf_gpu *gpu, hf_gpu_memory *x, size_t count) {
  hf_status status;
  hf_fr own[HF_INVERT_ON_HOST], before[HF_INVERT_ON_HOST], product = hf_fr_one();
  HF_TRY(gpu->device->ops->read(gpu->device, x, 0, own, count * sizeof *own));
  for (size_t i = 0; i < count; i++) {
    before[i] = product;
    if (!hf_fr_is_zero(own[i])) product = hf_fr_mul(product, own[i]);
  }
  product = hf_fr_inv(product);
  for (size_t i = count; i-- > 0;) {
    if (hf_fr_is_zero(own[i])) continue;
    hf_fr inverse = hf_fr_mul(product, before[i]);
    product = hf_fr_mul(product, own[i]);
    own[i] = inverse;
  }
  HF_TRY(gpu->device->ops->write(gpu->device, x, 0, own, count * sizeof *own));
out:
  explicit_bzero(own, sizeof own); /* denominators tell of the witness */
  explicit_bzero(before, sizeof before);
  return status;
}

hf_status hf_gpu_invert(hf_gpu *gpu, hf_gpu_memory *x, size_t count) {
  hf_status status = HF_OK;
  size_t chunks = hf_gpu_chunks(count, HF_INVERSE_CHUNK);
  hf_gpu_memory *products = NULL;
  if (count == 0) return HF_OK;
  if (count <= HF_INVERT_ON_HOST) return invert_on_host(gpu, x, count);
  HF_TRY(hf_gpu_take(gpu, chunks * sizeof(hf_fr), &products));
  HF_TRY(HF_GPU_LAUNCH(gpu, inverse_chunks, chunks, HF_MEMORY(products), HF_MEMORY(x), HF_U32(count), HF_U32(chunks)));
  HF_TRY(hf_gpu_invert(gpu, products, chunks));
  HF_TRY(HF_GPU_LAUNCH(gpu, inverse_apply, chunks, HF_MEMORY(x), HF_MEMORY(products), HF_U32(count), HF_U32(chunks)));
out:
  hf_gpu_give(gpu, products, chunks * sizeof(hf_fr));
  return status;
}

hf_status hf_gpu_batch_inverse(hf_backend *backend, hf_vec *vec, size_t count) {
  hf_status status = hf_vec_range("batch_inverse", vec, 0, count);
  return status == HF_OK ? hf_gpu_invert(hf_gpu_of(backend), vec->memory, count) : status;
}

/* --- Horner ---------------------------------------------------------------------------- */

/* `count` elements in rows of `stride`; see horner_apply. */
static hf_status horner(hf_gpu *gpu, hf_gpu_memory *x, size_t stride, size_t count, hf_fr factor) {
  hf_status status;
  size_t chunks = hf_gpu_chunks(count, stride * HF_CHUNK), carries = chunks * stride;
  hf_gpu_memory *carry = NULL;
  if (chunks > 1) {
    HF_TRY(hf_gpu_take(gpu, carries * sizeof(hf_fr), &carry));
    HF_TRY(HF_GPU_LAUNCH(gpu, horner_chunks, carries, HF_MEMORY(carry), HF_U32(1), HF_U32(0), HF_MEMORY(x), HF_U32(stride),
                         HF_U32(count), HF_U32(chunks), HF_FR(factor)));
    HF_TRY(horner(gpu, carry, stride, carries, hf_fr_pow_u64(factor, HF_CHUNK)));
  }
  HF_TRY(HF_GPU_LAUNCH(gpu, horner_apply, carries, HF_MEMORY(x), HF_MEMORY(carry ? carry : x), HF_U32(carry != NULL),
                       HF_U32(stride), HF_U32(count), HF_U32(chunks), HF_FR(factor)));
out:
  hf_gpu_give(gpu, carry, carries * sizeof(hf_fr));
  return status;
}

hf_status hf_gpu_divide(hf_backend *backend, hf_vec *vec, size_t length, size_t stride, hf_fr root, hf_fr *remainder) {
  hf_status status;
  hf_fr above[32];
  HF_TRY(hf_vec_range("divide", vec, 0, length));
  if (stride == 0) HF_TRY(hf_fail(HF_E_ARGUMENT, "divide: by X^0 - root"));
  for (size_t r = length; r < stride; r++) remainder[r] = hf_fr_zero();
  HF_TRY(hf_gpu_vec_download(backend, vec, 0, remainder, length < stride ? length : stride));
  if (length <= stride) return hf_gpu_vec_zero(backend, vec, 0, length);
  /* a column's remainder is h_0 = x_0 + root h_1, and h_1 takes the place of x_0 */
  HF_TRY(horner(hf_gpu_of(backend), vec->memory, stride, length, root));
  const size_t most = sizeof above / sizeof *above;
  for (size_t first = 0, count; first < stride; first += count) {
    count = stride - first < most ? stride - first : most;
    HF_TRY(hf_gpu_vec_download(backend, vec, first, above, count));
    for (size_t r = 0; r < count; r++)
      remainder[first + r] = hf_fr_add(remainder[first + r], hf_fr_mul(root, above[r]));
  }
out:
  return status;
}

/* Levels of chunks for all polynomials together: sums[k + count i] is chunk i of polynomial k. */
hf_status hf_gpu_evaluate(hf_backend *backend, const hf_vec *const *polys, size_t count, size_t length, hf_fr point,
                          hf_fr *out) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  size_t rows = hf_gpu_chunks(length, HF_CHUNK), bytes = rows * count * sizeof(hf_fr), next_bytes = 0;
  hf_gpu_memory *sums = NULL, *next = NULL;
  hf_fr *last = NULL;
  for (size_t k = 0; k < count; k++) HF_TRY(hf_vec_range("evaluate", polys[k], 0, length));
  for (size_t k = 0; k < count; k++) out[k] = hf_fr_zero();
  if (count == 0 || length == 0) return HF_OK;
  HF_TRY(hf_gpu_take(gpu, bytes, &sums));
  for (size_t k = 0; k < count; k++)
    HF_TRY(HF_GPU_LAUNCH(gpu, horner_chunks, rows, HF_MEMORY(sums), HF_U32(count), HF_U32(k), HF_MEMORY(polys[k]->memory),
                         HF_U32(1), HF_U32(length), HF_U32(rows), HF_FR(point)));
  point = hf_fr_pow_u64(point, HF_CHUNK);
  while (rows > HF_CHUNK) {
    size_t above = hf_gpu_chunks(rows, HF_CHUNK);
    next_bytes = above * count * sizeof(hf_fr);
    HF_TRY(hf_gpu_take(gpu, next_bytes, &next));
    HF_TRY(HF_GPU_LAUNCH(gpu, horner_chunks, above * count, HF_MEMORY(next), HF_U32(1), HF_U32(0), HF_MEMORY(sums),
                         HF_U32(count), HF_U32(rows * count), HF_U32(above), HF_FR(point)));
    hf_gpu_give(gpu, sums, bytes);
    sums = next, bytes = next_bytes, next = NULL, rows = above;
    point = hf_fr_pow_u64(point, HF_CHUNK);
  }
  last = malloc(bytes);
  if (!last) HF_TRY(hf_fail(HF_E_MEMORY, "evaluate: no memory for %zu polynomials", count));
  HF_TRY(gpu->device->ops->read(gpu->device, sums, 0, last, bytes));
  for (size_t k = 0; k < count; k++)
    for (size_t i = rows; i-- > 0;) out[k] = hf_fr_add(hf_fr_mul(out[k], point), last[i * count + k]);
out:
  free(last);
  hf_gpu_give(gpu, sums, bytes);
  hf_gpu_give(gpu, next, next_bytes);
  return status;
}

/* --- running sums and products --------------------------------------------------------- */

hf_status hf_gpu_scan(hf_gpu *gpu, hf_gpu_memory *out, hf_gpu_memory *in, size_t count, bool product, hf_fr *total) {
  hf_status status;
  size_t chunks = hf_gpu_chunks(count, HF_CHUNK);
  hf_gpu_device *device = gpu->device;
  hf_gpu_memory *carry = NULL;
  hf_fr last, before;
  if (total) *total = product ? hf_fr_one() : hf_fr_zero();
  if (count == 0) return HF_OK;
  const size_t end = (count - 1) * sizeof last;
  if (total) HF_TRY(device->ops->read(device, in, end, &last, sizeof last));
  if (chunks > 1) {
    HF_TRY(hf_gpu_take(gpu, chunks * sizeof(hf_fr), &carry));
    HF_TRY(HF_GPU_LAUNCH(gpu, scan_chunks, chunks, HF_MEMORY(carry), HF_MEMORY(in), HF_U32(count), HF_U32(chunks),
                         HF_U32(product)));
    HF_TRY(hf_gpu_scan(gpu, carry, carry, chunks, product, NULL));
  }
  HF_TRY(HF_GPU_LAUNCH(gpu, scan_apply, chunks, HF_MEMORY(out), HF_MEMORY(in), HF_MEMORY(carry ? carry : in),
                       HF_U32(carry != NULL), HF_U32(count), HF_U32(chunks), HF_U32(product)));
  if (total) {
    HF_TRY(device->ops->read(device, out, end, &before, sizeof before));
    *total = product ? hf_fr_mul(before, last) : hf_fr_add(before, last);
  }
out:
  hf_gpu_give(gpu, carry, chunks * sizeof(hf_fr));
  return status;
}

hf_status hf_gpu_prefix_sum(hf_backend *backend, hf_vec *out, const hf_vec *term, size_t count, hf_fr *total) {
  hf_status status;
  HF_TRY(hf_vec_range("prefix_sum (out)", out, 0, count));
  HF_TRY(hf_vec_range("prefix_sum (term)", term, 0, count));
  HF_TRY(hf_gpu_scan(hf_gpu_of(backend), out->memory, term->memory, count, false, total));
out:
  return status;
}

/* --- the rest ---------------------------------------------------------------------------- */

hf_status hf_gpu_poseidon2_compress4(hf_backend *backend, hf_vec *out, const hf_vec *in, size_t count) {
  hf_status status;
  if (count > SIZE_MAX / 4) return hf_fail(HF_E_ARGUMENT, "poseidon2_compress4: %zu hashes", count);
  HF_TRY(hf_vec_range("poseidon2_compress4 (out)", out, 0, count));
  HF_TRY(hf_vec_range("poseidon2_compress4 (in)", in, 0, 4 * count));
  if (out == in) HF_TRY(hf_fail(HF_E_ARGUMENT, "poseidon2_compress4: input and output are one vector"));
  HF_TRY(HF_GPU_LAUNCH(hf_gpu_of(backend), compress4, count, HF_MEMORY(out->memory), HF_MEMORY(in->memory), HF_U32(count)));
out:
  return status;
}

static double now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Four chains a thread, 2,048 threads a unit: twice as many multiplications until a launch takes 2 ms. */
#define HF_MEASURE_CHAINS  4
#define HF_MEASURE_THREADS 2048
#define HF_MEASURE_SAMPLES 5

hf_status hf_gpu_multiplication_ns(hf_backend *backend, double *ns) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  size_t threads = (gpu->device->units ? gpu->device->units : 1) * (size_t)HF_MEASURE_THREADS;
  hf_gpu_memory *out = NULL;
  *ns = 0;
  HF_TRY(hf_gpu_take(gpu, threads * sizeof(hf_fr), &out));
  for (uint32_t rounds = 4, samples = 0; samples < HF_MEASURE_SAMPLES;) {
    HF_TRY(gpu->device->ops->finish(gpu->device));
    double start = now_ns();
    HF_TRY(HF_GPU_LAUNCH(gpu, multiply_chain, threads, HF_MEMORY(out), HF_FR(hf_fr_from_u64(7)), HF_U32(rounds)));
    HF_TRY(gpu->device->ops->finish(gpu->device));
    double spent = now_ns() - start, own = spent / ((double)HF_MEASURE_CHAINS * (double)threads * rounds);
    if (spent < 2e6 && rounds < 1u << 20) {
      rounds *= 2;
      continue;
    }
    if (samples++ == 0 || own < *ns) *ns = own;
  }
out:
  hf_gpu_give(gpu, out, threads * sizeof(hf_fr));
  return status;
}
