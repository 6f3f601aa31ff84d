/* Vector and polynomial operations over Fr: checks, cutting into chunks, and what runs from chunk to chunk. The inner
 * loops are the variant's (vector.h). */
#include "vector.h"
#include <string.h>

static const vector_loops *const loops = &HF_CPU_NAME(vector_loops);

/* --- element by element ------------------------------------------------------ */

typedef struct linear_task {
  hf_fr *acc;
  size_t stride;
  const hf_fr *x;
  hf_fr factor;
} linear_task;

static void axpy_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  loops->axpy(t->acc + begin * t->stride, t->stride, t->factor, t->x + begin, end - begin);
}

static void scale_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  loops->scale(t->acc + begin, t->factor, end - begin);
}

static void hadamard_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  loops->hadamard(t->acc + begin, t->x + begin, end - begin);
}

hf_status HF_CPU_NAME(axpy_strided)(hf_backend *backend, hf_vec *acc, size_t stride, size_t offset,
                                    hf_fr factor, const hf_vec *x, size_t count) {
  hf_status status;
  if (count == 0) return HF_OK;
  if (stride == 0 || offset >= acc->length || (acc->length - 1 - offset) / stride < count - 1)
    return hf_fail(HF_E_ARGUMENT, "axpy: %zu elements at %zu, stride %zu, of a vector of %zu", count, offset,
                   stride, acc->length);
  HF_TRY(hf_cpu_range("axpy (x)", x, 0, count));
  if (hf_fr_is_zero(factor)) return HF_OK;
  linear_task task = {acc->data + offset, stride, x->data, factor};
  hf_pool_run(hf_cpu_of(backend)->pool, count, loops->grain, axpy_body, &task);
out:
  return status;
}

hf_status HF_CPU_NAME(axpy)(hf_backend *backend, hf_vec *acc, hf_fr factor, const hf_vec *x, size_t count) {
  return HF_CPU_NAME(axpy_strided)(backend, acc, 1, 0, factor, x, count);
}

hf_status HF_CPU_NAME(scale)(hf_backend *backend, hf_vec *x, hf_fr factor, size_t count) {
  hf_status status = hf_cpu_range("scale", x, 0, count);
  if (status != HF_OK) return status;
  linear_task task = {.acc = x->data, .factor = factor};
  hf_pool_run(hf_cpu_of(backend)->pool, count, loops->grain, scale_body, &task);
  return HF_OK;
}

hf_status HF_CPU_NAME(hadamard)(hf_backend *backend, hf_vec *acc, const hf_vec *x, size_t count) {
  hf_status status;
  HF_TRY(hf_cpu_range("hadamard (acc)", acc, 0, count));
  HF_TRY(hf_cpu_range("hadamard (x)", x, 0, count));
  linear_task task = {.acc = acc->data, .x = x->data};
  hf_pool_run(hf_cpu_of(backend)->pool, count, loops->grain, hadamard_body, &task);
out:
  return status;
}

/* --- inverses ---------------------------------------------------------------- */

typedef struct inverse_task {
  hf_fr *x;
  char *scratch; /* scratch_bytes a worker */
} inverse_task;

static void inverse_body(void *context, size_t begin, size_t end, unsigned worker) {
  const inverse_task *t = context;
  loops->invert(t->x + begin, end - begin, t->scratch + worker * loops->scratch_bytes);
}

hf_status HF_CPU_NAME(batch_inverse)(hf_backend *backend, hf_vec *vec, size_t count) {
  hf_cpu *cpu = hf_cpu_of(backend);
  hf_status status = hf_cpu_range("batch_inverse", vec, 0, count);
  if (status != HF_OK) return status;
  size_t bytes = hf_pool_size(cpu->pool) * loops->scratch_bytes;
  hf_cpu_scratch_begin(cpu);
  inverse_task task = {vec->data, hf_cpu_scratch(cpu, bytes)};
  if (!task.scratch) return hf_fail(HF_E_MEMORY, "batch_inverse: no memory for %zu bytes", bytes);
  hf_pool_run(cpu->pool, count, loops->grain, inverse_body, &task);
  return HF_OK;
}

/* --- evaluation -------------------------------------------------------------- */

typedef struct evaluate_task {
  const hf_vec *const *polys;
  size_t length, blocks; /* blocks of `grain` coefficients a polynomial */
  hf_fr point;
  hf_fr *partial; /* [poly][block] */
} evaluate_task;

static void evaluate_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const evaluate_task *t = context;
  for (size_t i = begin; i < end; i++) {
    size_t first = i % t->blocks * loops->grain, left = t->length - first;
    t->partial[i] = loops->horner(t->polys[i / t->blocks]->data + first, left < loops->grain ? left : loops->grain,
                                  t->point);
  }
}

hf_status HF_CPU_NAME(evaluate)(hf_backend *backend, const hf_vec *const *polys, size_t count, size_t length,
                                hf_fr point, hf_fr *out) {
  hf_cpu *cpu = hf_cpu_of(backend);
  for (size_t k = 0; k < count; k++) {
    hf_status status = hf_cpu_range("evaluate", polys[k], 0, length);
    if (status != HF_OK) return status;
    out[k] = hf_fr_zero();
  }
  if (count == 0 || length == 0) return HF_OK;
  evaluate_task task = {polys, length, (length + loops->grain - 1) / loops->grain, point, NULL};
  size_t bytes = count * task.blocks * sizeof(hf_fr);
  hf_cpu_scratch_begin(cpu);
  task.partial = hf_cpu_scratch(cpu, bytes);
  if (!task.partial) return hf_fail(HF_E_MEMORY, "evaluate: no memory for %zu bytes", bytes);
  hf_pool_run(cpu->pool, count * task.blocks, 1, evaluate_body, &task);
  hf_fr step = hf_fr_pow_u64(point, loops->grain);
  for (size_t k = 0; k < count; k++)
    out[k] = loops->horner(task.partial + k * task.blocks, task.blocks, step);
  return HF_OK;
}

/* --- division by X^stride - root ---------------------------------------------- */

/* v[i - stride] += root * v[i] from the top down leaves the quotient, shifted up by `stride`, above the
 * remainder. The carries into the blocks are Horner sums of what is above: these come first, which is the same work
 * again, so one element at a time there is but one block unless there are three threads or more. */
static size_t division_blocks(size_t length, size_t stride, unsigned threads) {
  size_t chunks = (length + stride - 1) / stride, lanes = loops->division_lanes, many = 4 * lanes * threads;
  if (lanes > 1 && stride <= HF_MAX_KAPPA && chunks >= 16 * many) return many;
  return threads < 3 ? 1 : (length + loops->grain - 1) / loops->grain;
}

static void divide_sums_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  loops->divide(context, begin, end, false);
}

static void divide_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  loops->divide(context, begin, end, true);
}

/* Each block's own sums -> what flows into it from above. */
static void division_carry(const vector_division *d, size_t blocks) {
  hf_fr step = hf_fr_pow_u64(d->root, d->steps);
  for (size_t j = 0; j < d->stride; j++) {
    hf_fr above = hf_fr_zero();
    for (size_t b = blocks; b-- > 0;) {
      hf_fr *c = &d->carry[b * d->stride + j], own = *c;
      *c = above;
      above = hf_fr_add(own, hf_fr_mul(above, step));
    }
  }
}

hf_status HF_CPU_NAME(divide)(hf_backend *backend, hf_vec *vec, size_t length, size_t stride, hf_fr root,
                              hf_fr *remainder) {
  hf_cpu *cpu = hf_cpu_of(backend);
  hf_status status = hf_cpu_range("divide", vec, 0, length);
  if (status != HF_OK) return status;
  if (stride == 0) return hf_fail(HF_E_ARGUMENT, "divide: by X^0 - root");
  for (size_t j = 0; j < stride; j++) remainder[j] = j < length ? vec->data[j] : hf_fr_zero();
  if (length <= stride) {
    memset(vec->data, 0, length * sizeof *vec->data);
    return HF_OK;
  }
  size_t blocks = division_blocks(length, stride, hf_pool_size(cpu->pool)), bytes = blocks * stride * sizeof(hf_fr);
  vector_division task = {vec->data, length, stride, ((length + stride - 1) / stride + blocks - 1) / blocks, root, NULL};
  hf_cpu_scratch_begin(cpu);
  task.carry = hf_cpu_scratch(cpu, bytes);
  if (!task.carry) return hf_fail(HF_E_MEMORY, "divide: no memory for %zu bytes", bytes);
  memset(task.carry, 0, bytes);
  if (blocks > 1) {
    hf_pool_run(cpu->pool, blocks, loops->division_lanes, divide_sums_body, &task);
    division_carry(&task, blocks);
  }
  hf_pool_run(cpu->pool, blocks, loops->division_lanes, divide_body, &task);
  memcpy(remainder, vec->data, stride * sizeof *remainder);
  memmove(vec->data, vec->data + stride, (length - stride) * sizeof *vec->data);
  memset(vec->data + length - stride, 0, stride * sizeof *vec->data);
  return HF_OK;
}

/* --- running sums and products -------------------------------------------------- */

typedef struct scan_task {
  hf_fr *out;
  const hf_fr *in;
  hf_fr *block; /* [block]: the block's own total, then the total of all before it */
  /* the grand product only */
  vector_permutation permutation;
  char *scratch; /* scratch_bytes a worker */
} scan_task;

static void sum_blocks_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const scan_task *t = context;
  hf_fr sum = hf_fr_zero();
  for (size_t i = begin; i < end; i++) sum = hf_fr_add(sum, t->in[i]);
  t->block[begin / loops->grain] = sum;
}

static void sum_scan_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const scan_task *t = context;
  hf_fr sum = t->block[begin / loops->grain];
  for (size_t i = begin; i < end; i++) {
    hf_fr term = t->in[i];
    t->out[i] = sum;
    sum = hf_fr_add(sum, term);
  }
}

hf_status HF_CPU_NAME(prefix_sum)(hf_backend *backend, hf_vec *out, const hf_vec *term, size_t count,
                                  hf_fr *total) {
  hf_cpu *cpu = hf_cpu_of(backend);
  hf_status status;
  size_t blocks = (count + loops->grain - 1) / loops->grain, bytes = blocks * sizeof(hf_fr);
  *total = hf_fr_zero();
  HF_TRY(hf_cpu_range("prefix_sum (out)", out, 0, count));
  HF_TRY(hf_cpu_range("prefix_sum (term)", term, 0, count));
  hf_cpu_scratch_begin(cpu);
  scan_task task = {.out = out->data, .in = term->data, .block = hf_cpu_scratch(cpu, bytes)};
  if (!task.block) return hf_fail(HF_E_MEMORY, "prefix_sum: no memory for %zu bytes", bytes);
  hf_pool_run(cpu->pool, count, loops->grain, sum_blocks_body, &task);
  for (size_t b = 0; b < blocks; b++) {
    hf_fr own = task.block[b];
    task.block[b] = *total;
    *total = hf_fr_add(*total, own);
  }
  hf_pool_run(cpu->pool, count, loops->grain, sum_scan_body, &task);
out:
  return status;
}

/* out[i] = the product of the ratios of the block's rows before i. */
static void product_blocks_body(void *context, size_t begin, size_t end, unsigned worker) {
  const scan_task *t = context;
  loops->ratios(&t->permutation, t->out, begin, end, t->scratch + worker * loops->scratch_bytes);
  hf_fr product = hf_fr_one();
  for (size_t i = begin; i < end; i++) {
    hf_fr ratio = t->out[i];
    t->out[i] = product;
    product = hf_fr_mul(product, ratio);
  }
  t->block[begin / loops->grain] = product;
}

static void product_scan_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const scan_task *t = context;
  loops->scale(t->out + begin, t->block[begin / loops->grain], end - begin);
}

hf_status HF_CPU_NAME(grand_product)(hf_backend *backend, hf_vec *z, const hf_vec *const *wires,
                                     const hf_vec *const *sigmas, size_t wire_count, unsigned log_n,
                                     hf_fr beta, hf_fr gamma, bool *closes) {
  hf_cpu *cpu = hf_cpu_of(backend);
  hf_status status;
  *closes = false;
  if (log_n > HF_FR_TWO_ADICITY) return hf_fail(HF_E_ARGUMENT, "grand_product: 2^%u rows", log_n);
  size_t n = (size_t)1 << log_n, blocks = (n + loops->grain - 1) / loops->grain;
  HF_TRY(hf_cpu_range("grand_product (z)", z, 0, n));
  for (size_t w = 0; w < wire_count; w++) {
    HF_TRY(hf_cpu_range("grand_product (wire)", wires[w], 0, n));
    HF_TRY(hf_cpu_range("grand_product (sigma)", sigmas[w], 0, n));
  }
  hf_cpu_scratch_begin(cpu);
  scan_task task = {.out = z->data,
                    .block = hf_cpu_scratch(cpu, blocks * sizeof(hf_fr)),
                    .permutation = {wires, sigmas, wire_count, hf_fr_root_of_unity((int)log_n), beta, gamma},
                    .scratch = hf_cpu_scratch(cpu, hf_pool_size(cpu->pool) * loops->scratch_bytes)};
  if (!task.block || !task.scratch) HF_TRY(hf_fail(HF_E_MEMORY, "grand_product: no memory for its scratch"));
  hf_pool_run(cpu->pool, n, loops->grain, product_blocks_body, &task);
  hf_fr product = hf_fr_one();
  for (size_t b = 0; b < blocks; b++) {
    hf_fr own = task.block[b];
    task.block[b] = product;
    product = hf_fr_mul(product, own);
  }
  hf_pool_run(cpu->pool, n, loops->grain, product_scan_body, &task);
  *closes = hf_fr_eq(product, hf_fr_one());
out:
  return status;
}

/* --- hashing ------------------------------------------------------------------- */

typedef struct compress_task {
  const void *tables;
  hf_fr *out;
  const hf_fr *in;
} compress_task;

static void compress_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const compress_task *t = context;
  loops->compress(t->tables, t->out + begin, t->in + 4 * begin, end - begin);
}

hf_status HF_CPU_NAME(poseidon2_compress4)(hf_backend *backend, hf_vec *out, const hf_vec *in, size_t count) {
  hf_cpu *cpu = hf_cpu_of(backend);
  hf_status status;
  if (count > SIZE_MAX / 4) return hf_fail(HF_E_ARGUMENT, "poseidon2_compress4: %zu hashes", count);
  HF_TRY(hf_cpu_range("poseidon2_compress4 (out)", out, 0, count));
  HF_TRY(hf_cpu_range("poseidon2_compress4 (in)", in, 0, 4 * count));
  if (out == in) HF_TRY(hf_fail(HF_E_ARGUMENT, "poseidon2_compress4: input and output are one vector"));
  hf_cpu_scratch_begin(cpu);
  void *tables = hf_cpu_scratch(cpu, loops->hash_bytes);
  if (!tables) HF_TRY(hf_fail(HF_E_MEMORY, "poseidon2_compress4: no memory for its tables"));
  if (loops->hash_prepare) loops->hash_prepare(tables);
  compress_task task = {tables, out->data, in->data};
  hf_pool_run(cpu->pool, count, 64, compress_body, &task); /* about 4 us a hash, one at a time */
out:
  return status;
}

/* --- measuring ------------------------------------------------------------------ */

enum { MEASURE_ROUNDS = 20000, MEASURE_SAMPLES = 9 };

hf_status HF_CPU_NAME(multiplication_ns)(hf_backend *backend, double *ns) {
  (void)backend;
  for (int sample = 0; sample < MEASURE_SAMPLES; sample++) {
    double start = hf_cpu_now();
    hf_fr sum = loops->multiply(MEASURE_ROUNDS);
    double own = (hf_cpu_now() - start) * 1e9 / (loops->products * (double)MEASURE_ROUNDS);
    if (sample == 0 || own < *ns) *ns = own;
    /* looked at, so that nothing is left out */
    if (hf_fr_is_zero(sum)) return hf_fail(HF_E_DEVICE, "a sum of products is zero");
  }
  return HF_OK;
}
