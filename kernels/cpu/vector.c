/* Vector and polynomial operations over Fr. */
#include "arith/poseidon2.h"
#include "cpu.h"
#include <string.h>

/* Elements that one chunk of a loop handles: long enough that handing it out is free, short enough for
 * the second-level cache. */
#define HF_VECTOR_GRAIN 4096

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
  for (size_t i = begin; i < end; i++) {
    hf_fr *a = &t->acc[i * t->stride];
    *a = hf_fr_add(*a, hf_fr_mul(t->factor, t->x[i]));
  }
}

static void add_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  for (size_t i = begin; i < end; i++) {
    hf_fr *a = &t->acc[i * t->stride];
    *a = hf_fr_add(*a, t->x[i]);
  }
}

static void scale_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  for (size_t i = begin; i < end; i++) t->acc[i] = hf_fr_mul(t->acc[i], t->factor);
}

static void hadamard_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  for (size_t i = begin; i < end; i++) t->acc[i] = hf_fr_mul(t->acc[i], t->x[i]);
}

hf_status HF_CPU_NAME(axpy_strided)(hf_backend *backend, hf_vec *acc, size_t stride, size_t offset,
                                    hf_fr factor, const hf_vec *x, size_t count) {
  hf_status status;
  if (count == 0 || hf_fr_is_zero(factor)) return HF_OK;
  if (stride == 0 || offset >= acc->length || (acc->length - 1 - offset) / stride < count - 1)
    return hf_fail(HF_E_ARGUMENT, "axpy: %zu elements at %zu, stride %zu, of a vector of %zu", count, offset,
                   stride, acc->length);
  HF_TRY(hf_cpu_range("axpy (x)", x, 0, count));
  linear_task task = {acc->data + offset, stride, x->data, factor};
  hf_pool_run(hf_cpu_of(backend)->pool, count, HF_VECTOR_GRAIN,
              hf_fr_eq(factor, hf_fr_one()) ? add_body : axpy_body, &task);
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
  hf_pool_run(hf_cpu_of(backend)->pool, count, HF_VECTOR_GRAIN, scale_body, &task);
  return HF_OK;
}

hf_status HF_CPU_NAME(hadamard)(hf_backend *backend, hf_vec *acc, const hf_vec *x, size_t count) {
  hf_status status;
  HF_TRY(hf_cpu_range("hadamard (acc)", acc, 0, count));
  HF_TRY(hf_cpu_range("hadamard (x)", x, 0, count));
  linear_task task = {.acc = acc->data, .x = x->data};
  hf_pool_run(hf_cpu_of(backend)->pool, count, HF_VECTOR_GRAIN, hadamard_body, &task);
out:
  return status;
}

/* --- inverses ---------------------------------------------------------------- */

/* Inverts x[0 .. count) with one inversion (Montgomery's trick); zeros stay zero. prefix: count elements. */
static void invert_all(hf_fr *x, size_t count, hf_fr *prefix) {
  hf_fr product = hf_fr_one();
  for (size_t i = 0; i < count; i++) {
    prefix[i] = product;
    if (!hf_fr_is_zero(x[i])) product = hf_fr_mul(product, x[i]);
  }
  hf_fr inverse = hf_fr_inv(product);
  for (size_t i = count; i-- > 0;) {
    if (hf_fr_is_zero(x[i])) continue;
    hf_fr own = hf_fr_mul(inverse, prefix[i]);
    inverse = hf_fr_mul(inverse, x[i]);
    x[i] = own;
  }
}

typedef struct inverse_task {
  hf_fr *x;
  hf_fr *scratch; /* HF_VECTOR_GRAIN a worker */
} inverse_task;

static void inverse_body(void *context, size_t begin, size_t end, unsigned worker) {
  const inverse_task *t = context;
  invert_all(t->x + begin, end - begin, t->scratch + (size_t)worker * HF_VECTOR_GRAIN);
}

hf_status HF_CPU_NAME(batch_inverse)(hf_backend *backend, hf_vec *vec, size_t count) {
  hf_cpu *cpu = hf_cpu_of(backend);
  hf_status status = hf_cpu_range("batch_inverse", vec, 0, count);
  if (status != HF_OK) return status;
  size_t bytes = hf_pool_size(cpu->pool) * (size_t)HF_VECTOR_GRAIN * sizeof(hf_fr);
  inverse_task task = {vec->data, hf_cpu_alloc(bytes)};
  if (!task.scratch) return hf_fail(HF_E_MEMORY, "batch_inverse: no memory for %zu bytes", bytes);
  hf_pool_run(cpu->pool, count, HF_VECTOR_GRAIN, inverse_body, &task);
  hf_cpu_free(task.scratch, bytes);
  return HF_OK;
}

/* --- evaluation -------------------------------------------------------------- */

/* Horner with four chains, since one would wait for each product: sum of coefficients[i] * point^i. */
static hf_fr horner(const hf_fr *coefficients, size_t length, hf_fr point) {
  hf_fr point2 = hf_fr_sqr(point), point4 = hf_fr_sqr(point2);
  hf_fr a[4] = {hf_fr_zero(), hf_fr_zero(), hf_fr_zero(), hf_fr_zero()};
  size_t i = length;
  for (; i % 4; i--) a[(i - 1) % 4] = coefficients[i - 1];
  for (; i; i -= 4)
    for (int j = 0; j < 4; j++) a[j] = hf_fr_add(hf_fr_mul(a[j], point4), coefficients[i - 4 + (size_t)j]);
  hf_fr odd = hf_fr_add(hf_fr_mul(a[3], point2), a[1]), even = hf_fr_add(hf_fr_mul(a[2], point2), a[0]);
  return hf_fr_add(hf_fr_mul(odd, point), even);
}

typedef struct evaluate_task {
  const hf_vec *const *polys;
  size_t length, blocks; /* blocks of HF_VECTOR_GRAIN coefficients a polynomial */
  hf_fr point;
  hf_fr *partial; /* [poly][block] */
} evaluate_task;

static void evaluate_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const evaluate_task *t = context;
  for (size_t i = begin; i < end; i++) {
    size_t first = i % t->blocks * HF_VECTOR_GRAIN, left = t->length - first;
    t->partial[i] = horner(t->polys[i / t->blocks]->data + first,
                           left < HF_VECTOR_GRAIN ? left : HF_VECTOR_GRAIN, t->point);
  }
}

hf_status HF_CPU_NAME(evaluate)(hf_backend *backend, const hf_vec *const *polys, size_t count, size_t length,
                                hf_fr point, hf_fr *out) {
  for (size_t k = 0; k < count; k++) {
    hf_status status = hf_cpu_range("evaluate", polys[k], 0, length);
    if (status != HF_OK) return status;
    out[k] = hf_fr_zero();
  }
  if (count == 0 || length == 0) return HF_OK;
  evaluate_task task = {polys, length, (length + HF_VECTOR_GRAIN - 1) / HF_VECTOR_GRAIN, point, NULL};
  size_t bytes = count * task.blocks * sizeof(hf_fr);
  task.partial = hf_cpu_alloc(bytes);
  if (!task.partial) return hf_fail(HF_E_MEMORY, "evaluate: no memory for %zu bytes", bytes);
  hf_pool_run(hf_cpu_of(backend)->pool, count * task.blocks, 1, evaluate_body, &task);
  hf_fr step = hf_fr_pow_u64(point, HF_VECTOR_GRAIN);
  for (size_t k = 0; k < count; k++) out[k] = horner(task.partial + k * task.blocks, task.blocks, step);
  hf_cpu_free(task.partial, bytes);
  return HF_OK;
}

/* --- division by X^stride - root ---------------------------------------------- */

/* v[i - stride] += root * v[i] from the top down leaves the quotient, shifted up by `stride`, above the
 * remainder. The blocks depend on each other only through `stride` carries, which are Horner sums of what is
 * above: with three threads or more these come first (twice the work; two threads gain nothing). */
typedef struct divide_task {
  hf_fr *v;
  size_t length, stride, block; /* block: elements, a multiple of stride */
  hf_fr root, root_step;        /* root^(block / stride) */
  hf_fr *carry; /* [block][stride]: first the block's own sum, then what flows in from above */
} divide_task;

static void divide_sum_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const divide_task *t = context;
  for (size_t b = begin; b < end; b++) {
    size_t low = b * t->block, high = low + t->block < t->length ? low + t->block : t->length;
    hf_fr *sum = t->carry + b * t->stride;
    if (t->stride == 1) {
      sum[0] = horner(t->v + low, high - low, t->root);
      continue;
    }
    for (size_t j = 0; j < t->stride; j++) sum[j] = hf_fr_zero();
    for (size_t i = high; i-- > low;) {
      hf_fr *s = &sum[(i - low) % t->stride];
      *s = hf_fr_add(hf_fr_mul(*s, t->root), t->v[i]);
    }
  }
}

/* The block's part of the running division; carry[b][j] = the quotient element that flows into residue j. */
static void divide_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const divide_task *t = context;
  for (size_t b = begin; b < end; b++) {
    size_t low = b * t->block, high = low + t->block < t->length ? low + t->block : t->length;
    const hf_fr *carry = t->carry + b * t->stride;
    for (size_t i = high; i-- > low;) {
      hf_fr above = i + t->stride < high ? t->v[i + t->stride] : carry[(i - low) % t->stride];
      t->v[i] = hf_fr_add(t->v[i], hf_fr_mul(t->root, above));
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
  unsigned threads = hf_pool_size(cpu->pool);
  size_t steps = HF_VECTOR_GRAIN / stride ? HF_VECTOR_GRAIN / stride : 1;
  divide_task task = {vec->data, length, stride, steps * stride, root, hf_fr_pow_u64(root, steps), NULL};
  if (threads < 3) task.block = (length + stride - 1) / stride * stride;
  size_t blocks = (length + task.block - 1) / task.block, bytes = blocks * stride * sizeof(hf_fr);
  task.carry = hf_cpu_alloc(bytes);
  if (!task.carry) return hf_fail(HF_E_MEMORY, "divide: no memory for %zu bytes", bytes);
  if (blocks > 1) hf_pool_run(cpu->pool, blocks, 1, divide_sum_body, &task);
  for (size_t j = 0; j < stride; j++) {
    hf_fr above = hf_fr_zero();
    for (size_t b = blocks; b-- > 0;) {
      hf_fr *c = &task.carry[b * stride + j];
      hf_fr own = blocks > 1 ? *c : hf_fr_zero();
      *c = above;
      if (blocks > 1) above = hf_fr_add(own, hf_fr_mul(above, task.root_step));
    }
  }
  hf_pool_run(cpu->pool, blocks, 1, divide_body, &task);
  hf_cpu_free(task.carry, bytes);
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
  size_t count;
  /* the grand product only */
  const hf_vec *const *wires, *const *sigmas;
  size_t wire_count;
  unsigned log_n;
  hf_fr beta, gamma;
  hf_fr *scratch; /* 2 * HF_VECTOR_GRAIN a worker */
} scan_task;

static void sum_blocks_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const scan_task *t = context;
  hf_fr sum = hf_fr_zero();
  for (size_t i = begin; i < end; i++) sum = hf_fr_add(sum, t->in[i]);
  t->block[begin / HF_VECTOR_GRAIN] = sum;
}

static void sum_scan_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const scan_task *t = context;
  hf_fr sum = t->block[begin / HF_VECTOR_GRAIN];
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
  scan_task task = {.count = count};
  size_t blocks = (count + HF_VECTOR_GRAIN - 1) / HF_VECTOR_GRAIN, bytes = blocks * sizeof(hf_fr);
  *total = hf_fr_zero();
  HF_TRY(hf_cpu_range("prefix_sum (out)", out, 0, count));
  HF_TRY(hf_cpu_range("prefix_sum (term)", term, 0, count));
  task.out = out->data;
  task.in = term->data;
  task.block = hf_cpu_alloc(bytes);
  if (!task.block) return hf_fail(HF_E_MEMORY, "prefix_sum: no memory for %zu bytes", bytes);
  hf_pool_run(cpu->pool, count, HF_VECTOR_GRAIN, sum_blocks_body, &task);
  for (size_t b = 0; b < blocks; b++) {
    hf_fr own = task.block[b];
    task.block[b] = *total;
    *total = hf_fr_add(*total, own);
  }
  hf_pool_run(cpu->pool, count, HF_VECTOR_GRAIN, sum_scan_body, &task);
out:
  hf_cpu_free(task.block, bytes);
  return status;
}

/* out[i] = the product of the ratios of the block's rows before i. */
static void product_blocks_body(void *context, size_t begin, size_t end, unsigned worker) {
  const scan_task *t = context;
  hf_fr *under = t->scratch + (size_t)worker * 2 * HF_VECTOR_GRAIN, *prefix = under + HF_VECTOR_GRAIN;
  hf_fr omega = hf_fr_root_of_unity((int)t->log_n), generator = HF_FR_GENERATOR;
  hf_fr x = hf_fr_mul(t->beta, hf_fr_pow_u64(omega, begin));
  for (size_t i = begin; i < end; i++) {
    hf_fr above = hf_fr_one(), below = hf_fr_one(), identity = x;
    for (size_t w = 0; w < t->wire_count; w++) {
      hf_fr value = hf_fr_add(t->wires[w]->data[i], t->gamma);
      above = hf_fr_mul(above, hf_fr_add(value, identity));
      below = hf_fr_mul(below, hf_fr_add(value, hf_fr_mul(t->beta, t->sigmas[w]->data[i])));
      identity = hf_fr_mul(identity, generator); /* k_w = 5^w */
    }
    t->out[i] = above;
    under[i - begin] = below;
    x = hf_fr_mul(x, omega);
  }
  invert_all(under, end - begin, prefix);
  hf_fr product = hf_fr_one();
  for (size_t i = begin; i < end; i++) {
    hf_fr ratio = hf_fr_mul(t->out[i], under[i - begin]);
    t->out[i] = product;
    product = hf_fr_mul(product, ratio);
  }
  t->block[begin / HF_VECTOR_GRAIN] = product;
}

static void product_scan_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const scan_task *t = context;
  hf_fr factor = t->block[begin / HF_VECTOR_GRAIN];
  for (size_t i = begin; i < end; i++) t->out[i] = hf_fr_mul(t->out[i], factor);
}

hf_status HF_CPU_NAME(grand_product)(hf_backend *backend, hf_vec *z, const hf_vec *const *wires,
                                     const hf_vec *const *sigmas, size_t wire_count, unsigned log_n,
                                     hf_fr beta, hf_fr gamma, bool *closes) {
  hf_cpu *cpu = hf_cpu_of(backend);
  hf_status status;
  *closes = false;
  if (log_n > HF_FR_TWO_ADICITY) return hf_fail(HF_E_ARGUMENT, "grand_product: 2^%u rows", log_n);
  size_t n = (size_t)1 << log_n, blocks = (n + HF_VECTOR_GRAIN - 1) / HF_VECTOR_GRAIN;
  size_t block_bytes = blocks * sizeof(hf_fr);
  size_t scratch_bytes = hf_pool_size(cpu->pool) * (size_t)2 * HF_VECTOR_GRAIN * sizeof(hf_fr);
  scan_task task = {.count = n,
                    .wires = wires,
                    .sigmas = sigmas,
                    .wire_count = wire_count,
                    .log_n = log_n,
                    .beta = beta,
                    .gamma = gamma};
  HF_TRY(hf_cpu_range("grand_product (z)", z, 0, n));
  for (size_t w = 0; w < wire_count; w++) {
    HF_TRY(hf_cpu_range("grand_product (wire)", wires[w], 0, n));
    HF_TRY(hf_cpu_range("grand_product (sigma)", sigmas[w], 0, n));
  }
  task.out = z->data;
  task.block = hf_cpu_alloc(block_bytes);
  task.scratch = hf_cpu_alloc(scratch_bytes);
  if (!task.block || !task.scratch) HF_TRY(hf_fail(HF_E_MEMORY, "grand_product: no memory for its scratch"));
  hf_pool_run(cpu->pool, n, HF_VECTOR_GRAIN, product_blocks_body, &task);
  hf_fr product = hf_fr_one();
  for (size_t b = 0; b < blocks; b++) {
    hf_fr own = task.block[b];
    task.block[b] = product;
    product = hf_fr_mul(product, own);
  }
  hf_pool_run(cpu->pool, n, HF_VECTOR_GRAIN, product_scan_body, &task);
  *closes = hf_fr_eq(product, hf_fr_one());
out:
  hf_cpu_free(task.block, block_bytes);
  hf_cpu_free(task.scratch, scratch_bytes);
  return status;
}

/* --- hashing ------------------------------------------------------------------- */

typedef struct compress_task {
  hf_fr *out;
  const hf_fr *in;
} compress_task;

static void compress_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const compress_task *t = context;
  for (size_t i = begin; i < end; i++) {
    const hf_fr *x = t->in + 4 * i;
    t->out[i] = hf_poseidon2_compress4(x[0], x[1], x[2], x[3]);
  }
}

hf_status HF_CPU_NAME(poseidon2_compress4)(hf_backend *backend, hf_vec *out, const hf_vec *in, size_t count) {
  hf_status status;
  if (count > SIZE_MAX / 4) return hf_fail(HF_E_ARGUMENT, "poseidon2_compress4: %zu hashes", count);
  HF_TRY(hf_cpu_range("poseidon2_compress4 (out)", out, 0, count));
  HF_TRY(hf_cpu_range("poseidon2_compress4 (in)", in, 0, 4 * count));
  if (out == in) HF_TRY(hf_fail(HF_E_ARGUMENT, "poseidon2_compress4: input and output are one vector"));
  compress_task task = {out->data, in->data};
  hf_pool_run(hf_cpu_of(backend)->pool, count, 64, compress_body, &task); /* about 4 us a hash */
out:
  return status;
}

/* --- measuring ------------------------------------------------------------------ */

enum { MEASURE_CHAINS = 4, MEASURE_ROUNDS = 20000, MEASURE_SAMPLES = 9 };

hf_status HF_CPU_NAME(multiplication_ns)(hf_backend *backend, double *ns) {
  (void)backend;
  hf_fr x[MEASURE_CHAINS], factor = HF_FR_GENERATOR;
  for (int c = 0; c < MEASURE_CHAINS; c++) x[c] = hf_fr_from_u64((hf_u64)c + 2);
  for (int sample = 0; sample < MEASURE_SAMPLES; sample++) {
    double start = hf_cpu_now();
    for (int i = 0; i < MEASURE_ROUNDS; i++)
      for (int c = 0; c < MEASURE_CHAINS; c++) x[c] = hf_fr_mul(x[c], factor);
    double own = (hf_cpu_now() - start) * 1e9 / (MEASURE_CHAINS * (double)MEASURE_ROUNDS);
    if (sample == 0 || own < *ns) *ns = own;
  }
  for (int c = 1; c < MEASURE_CHAINS; c++) x[0] = hf_fr_add(x[0], x[c]);
  /* looked at, so that nothing above is left out */
  return hf_fr_is_zero(x[0]) ? hf_fail(HF_E_DEVICE, "a product of units is zero") : HF_OK;
}
