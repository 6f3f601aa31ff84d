/* Vector and polynomial operations over Fr, eight elements at a time. What is left over at the end of a vector is done
 * one by one. */
#include <string.h>
#include "arith/poseidon2.h"
#include "ifma.h"
#include "invert8.h"

#define HF_VECTOR8_GRAIN 2048 /* elements of a chunk */
#define HF_VECTOR8_GROUP (HF_VECTOR8_GRAIN / 8)

/* --- element by element ------------------------------------------------------------------------------------------ */

typedef struct linear_task {
  hf_fr *acc;
  const hf_fr *x;
  hf_fr factor;
} linear_task;

static void axpy_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  const hf_fr8 factor = hf_fr8_broadcast_form(t->factor);
  size_t i = begin;
  for (; i + 8 <= end; i += 8) {
    hf_fr8 sum = hf_fr8_add_lazy(hf_fr8_load(t->acc + i), hf_fr8_mul_lazy(hf_fr8_load(t->x + i), factor));
    hf_fr8_store(t->acc + i, hf_fr8_reduce(hf_fr8_tidy(sum)));
  }
  for (; i < end; i++) t->acc[i] = hf_fr_add(t->acc[i], hf_fr_mul(t->factor, t->x[i]));
}

static void scale_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  const hf_fr8 factor = hf_fr8_broadcast_form(t->factor);
  size_t i = begin;
  for (; i + 8 <= end; i += 8) hf_fr8_store(t->acc + i, hf_fr8_mul(hf_fr8_load(t->acc + i), factor));
  for (; i < end; i++) t->acc[i] = hf_fr_mul(t->acc[i], t->factor);
}

static void hadamard_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const linear_task *t = context;
  size_t i = begin;
  for (; i + 8 <= end; i += 8) {
    hf_fr8 x = hf_fr8_load_form(t->x + i);
    hf_fr8_store(t->acc + i, hf_fr8_mul(hf_fr8_load(t->acc + i), x));
  }
  for (; i < end; i++) t->acc[i] = hf_fr_mul(t->acc[i], t->x[i]);
}

typedef struct strided_task {
  hf_fr *acc;
  size_t stride;
  const hf_fr *x;
  hf_fr factor;
} strided_task;

static void strided_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const strided_task *t = context;
  const hf_fr8 factor = hf_fr8_broadcast_form(t->factor);
  size_t i = begin;
  for (; i + 8 <= end; i += 8) {
    void *at[8];
    const void *from[8];
    __m512i w[4];
    for (size_t k = 0; k < 8; k++) from[k] = at[k] = &t->acc[(i + k) * t->stride];
    hf_words_load(from, w);
    hf_fr8 sum = hf_fr8_add_lazy(hf_fr8_from_words(w), hf_fr8_mul_lazy(hf_fr8_load(t->x + i), factor));
    hf_fr8_to_words(hf_fr8_canonical(hf_fr8_reduce(hf_fr8_tidy(sum))), w);
    hf_words_store(w, at);
  }
  for (; i < end; i++) {
    hf_fr *a = &t->acc[i * t->stride];
    *a = hf_fr_add(*a, hf_fr_mul(t->factor, t->x[i]));
  }
}

hf_status hf_cpu_ifma_axpy_strided(hf_backend *backend, hf_vec *acc, size_t stride, size_t offset, hf_fr factor,
                                   const hf_vec *x, size_t count) {
  hf_status status;
  if (count == 0) return HF_OK;
  if (stride == 0 || offset >= acc->length || (acc->length - 1 - offset) / stride < count - 1)
    return hf_fail(HF_E_ARGUMENT, "axpy: %zu elements at %zu, stride %zu, of a vector of %zu", count, offset, stride,
                   acc->length);
  HF_TRY(hf_cpu_range("axpy (x)", x, 0, count));
  strided_task task = {acc->data + offset, stride, x->data, factor};
  hf_pool_run(hf_cpu_of(backend)->pool, count, HF_VECTOR8_GRAIN, strided_body, &task);
out:
  return status;
}

hf_status hf_cpu_ifma_axpy(hf_backend *backend, hf_vec *acc, hf_fr factor, const hf_vec *x, size_t count) {
  hf_status status;
  HF_TRY(hf_cpu_range("axpy (acc)", acc, 0, count));
  HF_TRY(hf_cpu_range("axpy (x)", x, 0, count));
  linear_task task = {acc->data, x->data, factor};
  hf_pool_run(hf_cpu_of(backend)->pool, count, HF_VECTOR8_GRAIN, axpy_body, &task);
out:
  return status;
}

hf_status hf_cpu_ifma_scale(hf_backend *backend, hf_vec *x, hf_fr factor, size_t count) {
  hf_status status = hf_cpu_range("scale", x, 0, count);
  if (status != HF_OK) return status;
  linear_task task = {.acc = x->data, .factor = factor};
  hf_pool_run(hf_cpu_of(backend)->pool, count, HF_VECTOR8_GRAIN, scale_body, &task);
  return HF_OK;
}

hf_status hf_cpu_ifma_hadamard(hf_backend *backend, hf_vec *acc, const hf_vec *x, size_t count) {
  hf_status status;
  HF_TRY(hf_cpu_range("hadamard (acc)", acc, 0, count));
  HF_TRY(hf_cpu_range("hadamard (x)", x, 0, count));
  linear_task task = {.acc = acc->data, .x = x->data};
  hf_pool_run(hf_cpu_of(backend)->pool, count, HF_VECTOR8_GRAIN, hadamard_body, &task);
out:
  return status;
}

/* --- inverses ------------------------------------------------------------------------------------------------------ */

static void inverse_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  hf_fr *x = context;
  hf_fr8 v[HF_VECTOR8_GROUP], prefix[HF_VECTOR8_GROUP];
  size_t groups = (end - begin) / 8;
  for (size_t g = 0; g < groups; g++) v[g] = hf_fr8_load_form(x + begin + 8 * g);
  hf_fr8_invert_all(v, groups, prefix);
  for (size_t g = 0; g < groups; g++) hf_fr8_store_form(x + begin + 8 * g, v[g]);
  for (size_t i = begin + 8 * groups; i < end; i++) x[i] = hf_fr_inv(x[i]);
  explicit_bzero(v, sizeof v);
  explicit_bzero(prefix, sizeof prefix);
}

hf_status hf_cpu_ifma_batch_inverse(hf_backend *backend, hf_vec *vec, size_t count) {
  hf_status status = hf_cpu_range("batch_inverse", vec, 0, count);
  if (status != HF_OK) return status;
  hf_pool_run(hf_cpu_of(backend)->pool, count, HF_VECTOR8_GRAIN, inverse_body, vec->data);
  return HF_OK;
}

/* --- evaluation ------------------------------------------------------------------------------------------------------ */

enum { CHAINS = 4 };

/* sum of coefficients[i] * point^i: lane l of chain c takes what is 8 c + l modulo 32. */
static hf_fr horner(const hf_fr *coefficients, size_t length, hf_fr point) {
  hf_fr sum = hf_fr_zero(), lanes[8];
  size_t whole = length / (8 * CHAINS) * (8 * CHAINS);
  for (size_t i = length; i-- > whole;) sum = hf_fr_add(hf_fr_mul(sum, point), coefficients[i]);
  const hf_fr8 step8 = hf_fr8_broadcast_form(hf_fr_pow_u64(point, 8));
  const hf_fr8 step = hf_fr8_broadcast_form(hf_fr_pow_u64(point, 8 * CHAINS));
  hf_fr8 chain[CHAINS];
  for (int c = 0; c < CHAINS; c++) chain[c] = hf_fr8_zero();
  for (size_t i = whole; i > 0; i -= 8 * CHAINS)
    for (size_t c = 0; c < CHAINS; c++) /* < 2.1 p */
      chain[c] = hf_fr8_tidy(
          hf_fr8_add_lazy(hf_fr8_mul_lazy(chain[c], step), hf_fr8_load(coefficients + i - 8 * CHAINS + 8 * c)));
  for (size_t c = CHAINS - 1; c-- > 0;)
    chain[c] = hf_fr8_tidy(hf_fr8_add_lazy(chain[c], hf_fr8_mul_lazy(chain[c + 1], step8)));
  hf_fr8_store(lanes, hf_fr8_reduce(chain[0]));
  sum = hf_fr_mul(sum, hf_fr_pow_u64(point, whole));
  hf_fr low = hf_fr_zero();
  for (int l = 8; l-- > 0;) low = hf_fr_add(hf_fr_mul(low, point), lanes[l]);
  return hf_fr_add(sum, low);
}

typedef struct evaluate_task {
  const hf_vec *const *polys;
  size_t length, blocks; /* blocks of HF_VECTOR8_GRAIN coefficients a polynomial */
  hf_fr point;
  hf_fr *partial; /* [poly][block] */
} evaluate_task;

static void evaluate_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const evaluate_task *t = context;
  for (size_t i = begin; i < end; i++) {
    size_t first = i % t->blocks * HF_VECTOR8_GRAIN, left = t->length - first;
    t->partial[i] = horner(t->polys[i / t->blocks]->data + first, left < HF_VECTOR8_GRAIN ? left : HF_VECTOR8_GRAIN,
                           t->point);
  }
}

hf_status hf_cpu_ifma_evaluate(hf_backend *backend, const hf_vec *const *polys, size_t count, size_t length, hf_fr point,
                               hf_fr *out) {
  for (size_t k = 0; k < count; k++) {
    hf_status status = hf_cpu_range("evaluate", polys[k], 0, length);
    if (status != HF_OK) return status;
    out[k] = hf_fr_zero();
  }
  if (count == 0 || length == 0) return HF_OK;
  evaluate_task task = {polys, length, (length + HF_VECTOR8_GRAIN - 1) / HF_VECTOR8_GRAIN, point, NULL};
  size_t bytes = count * task.blocks * sizeof(hf_fr);
  task.partial = hf_cpu_alloc(bytes);
  if (!task.partial) return hf_fail(HF_E_MEMORY, "evaluate: no memory for %zu bytes", bytes);
  hf_pool_run(hf_cpu_of(backend)->pool, count * task.blocks, 1, evaluate_body, &task);
  hf_fr step = hf_fr_pow_u64(point, HF_VECTOR8_GRAIN);
  for (size_t k = 0; k < count; k++) out[k] = horner(task.partial + k * task.blocks, task.blocks, step);
  hf_cpu_free(task.partial, bytes);
  return HF_OK;
}

/* --- division by X^stride - root -------------------------------------------------------------------------------- */

/* v[i - stride] += root * v[i] from the top down, as in ../vector.c. Lane = block: the vector is cut into many blocks of
 * `steps` times `stride` elements, whose own sums come first, then what flows into each from above, then the quotient. */
typedef struct divide_task {
  hf_fr *v;
  size_t length, stride, steps;
  hf_fr root;
  hf_fr *carry; /* [block][stride]: first the block's own sum, then what flows in from above */
  bool quotient;
} divide_task;

static void divide_body(void *context, size_t begin, size_t end, unsigned worker) { /* of eights of blocks */
  (void)worker;
  const divide_task *t = context;
  const hf_fr8 root = hf_fr8_broadcast_form(t->root);
  const hf_fr zero = hf_fr_zero();
  hf_fr beyond[8]; /* what lies above the vector's end is zero, and what is written there nobody reads */
  for (size_t eight = begin; eight < end; eight++) {
    hf_fr8 sum[HF_MAX_KAPPA];
    for (size_t j = 0; j < t->stride; j++) {
      const void *from[8];
      __m512i w[4];
      for (size_t l = 0; l < 8; l++) from[l] = t->quotient ? &t->carry[(8 * eight + l) * t->stride + j] : &zero;
      hf_words_load(from, w);
      sum[j] = hf_fr8_from_words(w);
    }
    for (size_t k = t->steps; k-- > 0;)
      for (size_t j = 0; j < t->stride; j++) {
        const void *from[8];
        void *to[8];
        __m512i w[4];
        for (size_t l = 0; l < 8; l++) {
          size_t i = ((8 * eight + l) * t->steps + k) * t->stride + j;
          from[l] = i < t->length ? &t->v[i] : &zero;
          to[l] = i < t->length ? &t->v[i] : &beyond[l];
        }
        hf_words_load(from, w);
        sum[j] = hf_fr8_tidy(hf_fr8_add_lazy(hf_fr8_mul_lazy(sum[j], root), hf_fr8_from_words(w))); /* < 2.1 p */
        if (!t->quotient) continue;
        hf_fr8_to_words(hf_fr8_canonical(hf_fr8_reduce(sum[j])), w);
        hf_words_store(w, to);
      }
    for (size_t j = 0; j < t->stride && !t->quotient; j++) {
      void *to[8];
      __m512i w[4];
      for (size_t l = 0; l < 8; l++) to[l] = &t->carry[(8 * eight + l) * t->stride + j];
      hf_fr8_to_words(hf_fr8_canonical(hf_fr8_reduce(sum[j])), w);
      hf_words_store(w, to);
    }
  }
}

hf_status hf_cpu_ifma_divide(hf_backend *backend, hf_vec *vec, size_t length, size_t stride, hf_fr root,
                             hf_fr *remainder) {
  hf_cpu *cpu = hf_cpu_of(backend);
  size_t eights = 4 * hf_pool_size(cpu->pool), blocks = 8 * eights;
  if (stride == 0 || stride > HF_MAX_KAPPA || length < 16 * blocks * stride)
    return hf_cpu_mulx_divide(backend, vec, length, stride, root, remainder);
  hf_status status = hf_cpu_range("divide", vec, 0, length);
  if (status != HF_OK) return status;
  size_t steps = ((length + stride - 1) / stride + blocks - 1) / blocks, bytes = blocks * stride * sizeof(hf_fr);
  divide_task task = {vec->data, length, stride, steps, root, hf_cpu_alloc(bytes), false};
  if (!task.carry) return hf_fail(HF_E_MEMORY, "divide: no memory for %zu bytes", bytes);
  hf_pool_run(cpu->pool, eights, 1, divide_body, &task);
  hf_fr step = hf_fr_pow_u64(root, steps);
  for (size_t j = 0; j < stride; j++) {
    hf_fr above = hf_fr_zero();
    for (size_t b = blocks; b-- > 0;) {
      hf_fr *c = &task.carry[b * stride + j], own = *c;
      *c = above;
      above = hf_fr_add(own, hf_fr_mul(above, step));
    }
  }
  task.quotient = true;
  hf_pool_run(cpu->pool, eights, 1, divide_body, &task);
  hf_cpu_free(task.carry, bytes);
  memcpy(remainder, vec->data, stride * sizeof *remainder);
  memmove(vec->data, vec->data + stride, (length - stride) * sizeof *vec->data);
  memset(vec->data + length - stride, 0, stride * sizeof *vec->data);
  return HF_OK;
}

/* --- the permutation's product ------------------------------------------------------------------------------------------ */

typedef struct product_task {
  hf_fr *out;
  hf_fr *block; /* [block]: the block's own product, then the product of all before it */
  const hf_vec *const *wires, *const *sigmas;
  size_t wire_count;
  unsigned log_n;
  hf_fr beta, gamma;
} product_task;

/* out[i] = the product of the ratios of the block's rows before i. */
static void product_blocks_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const product_task *t = context;
  hf_fr8 above[HF_VECTOR8_GROUP], below[HF_VECTOR8_GROUP], prefix[HF_VECTOR8_GROUP];
  hf_fr omega = hf_fr_root_of_unity((int)t->log_n), generator = HF_FR_GENERATOR, first[8];
  first[0] = hf_fr_mul(t->beta, hf_fr_pow_u64(omega, begin));
  for (int k = 1; k < 8; k++) first[k] = hf_fr_mul(first[k - 1], omega);
  const hf_fr8 beta = hf_fr8_broadcast_form(t->beta), gamma = hf_fr8_broadcast_form(t->gamma);
  const hf_fr8 step = hf_fr8_broadcast_form(hf_fr_pow_u64(omega, 8)), next_wire = hf_fr8_broadcast_form(generator);
  hf_fr8 x = hf_fr8_load_form(first);
  size_t groups = (end - begin) / 8;
  for (size_t g = 0; g < groups; g++) {
    size_t i = begin + 8 * g;
    hf_fr8 identity = x; /* beta k_w omega^i, k_w = 5^w */
    for (size_t w = 0; w < t->wire_count; w++) {
      hf_fr8 value = hf_fr8_add(hf_fr8_load_form(t->wires[w]->data + i), gamma);
      hf_fr8 over = hf_fr8_add(value, identity);
      hf_fr8 under = hf_fr8_add(value, hf_fr8_mul(beta, hf_fr8_load_form(t->sigmas[w]->data + i)));
      above[g] = w == 0 ? over : hf_fr8_mul(above[g], over);
      below[g] = w == 0 ? under : hf_fr8_mul(below[g], under);
      identity = hf_fr8_mul(identity, next_wire);
    }
    x = hf_fr8_mul(x, step);
  }
  hf_fr8_invert_all(below, groups, prefix);
  hf_fr product = hf_fr_one();
  for (size_t g = 0; g < groups; g++) {
    hf_fr ratio[8];
    hf_fr8_store_form(ratio, hf_fr8_mul(above[g], below[g]));
    for (size_t k = 0; k < 8; k++) {
      t->out[begin + 8 * g + k] = product;
      product = hf_fr_mul(product, ratio[k]);
    }
  }
  t->block[begin / HF_VECTOR8_GRAIN] = product;
}

static void product_scan_body(void *context, size_t begin, size_t end, unsigned worker) {
  const product_task *t = context;
  linear_task task = {.acc = t->out, .factor = t->block[begin / HF_VECTOR8_GRAIN]};
  scale_body(&task, begin, end, worker);
}

hf_status hf_cpu_ifma_grand_product(hf_backend *backend, hf_vec *z, const hf_vec *const *wires,
                                    const hf_vec *const *sigmas, size_t wire_count, unsigned log_n, hf_fr beta,
                                    hf_fr gamma, bool *closes) {
  if (log_n < 3 || log_n > HF_FR_TWO_ADICITY || wire_count == 0)
    return hf_cpu_mulx_grand_product(backend, z, wires, sigmas, wire_count, log_n, beta, gamma, closes);
  hf_status status;
  hf_pool *pool = hf_cpu_of(backend)->pool;
  size_t n = (size_t)1 << log_n, blocks = (n + HF_VECTOR8_GRAIN - 1) / HF_VECTOR8_GRAIN, bytes = blocks * sizeof(hf_fr);
  product_task task = {
      .wires = wires, .sigmas = sigmas, .wire_count = wire_count, .log_n = log_n, .beta = beta, .gamma = gamma};
  *closes = false;
  HF_TRY(hf_cpu_range("grand_product (z)", z, 0, n));
  for (size_t w = 0; w < wire_count; w++) {
    HF_TRY(hf_cpu_range("grand_product (wire)", wires[w], 0, n));
    HF_TRY(hf_cpu_range("grand_product (sigma)", sigmas[w], 0, n));
  }
  task.out = z->data;
  task.block = hf_cpu_alloc(bytes);
  if (!task.block) HF_TRY(hf_fail(HF_E_MEMORY, "grand_product: no memory for its scratch"));
  hf_pool_run(pool, n, HF_VECTOR8_GRAIN, product_blocks_body, &task);
  hf_fr product = hf_fr_one();
  for (size_t b = 0; b < blocks; b++) {
    hf_fr own = task.block[b];
    task.block[b] = product;
    product = hf_fr_mul(product, own);
  }
  hf_pool_run(pool, n, HF_VECTOR8_GRAIN, product_scan_body, &task);
  *closes = hf_fr_eq(product, hf_fr_one());
out:
  hf_cpu_free(task.block, bytes);
  return status;
}

/* --- hashing ----------------------------------------------------------------------------------------------------------------- */

/* Poseidon2's constants in the 2^260 form. */
typedef struct hash_tables {
  uint64_t round[HF_POSEIDON2_T * HF_POSEIDON2_RF + HF_POSEIDON2_RP][5], diagonal[4][5];
} hash_tables;

typedef struct compress_task {
  hash_tables tables;
  hf_fr *out;
  const hf_fr *in;
} compress_task;

static inline hf_fr8 table_value(const uint64_t l[5]) {
  hf_fr8 z;
  for (int i = 0; i < 5; i++) z.l[i] = _mm512_set1_epi64((long long)l[i]);
  return z;
}

static inline hf_fr8 pow5(hf_fr8 x) { return hf_fr8_mul(hf_fr8_sqr(hf_fr8_sqr(x)), x); }

/* The external matrix: sums of at most 16 elements below 2.1 p. */
static inline void external(hf_fr8 s[4]) {
  hf_fr8 t0 = hf_fr8_add_lazy(s[0], s[1]), t1 = hf_fr8_add_lazy(s[2], s[3]);
  hf_fr8 t2 = hf_fr8_add_lazy(hf_fr8_add_lazy(s[1], s[1]), t1), t3 = hf_fr8_add_lazy(hf_fr8_add_lazy(s[3], s[3]), t0);
  hf_fr8 d0 = hf_fr8_add_lazy(t0, t0), d1 = hf_fr8_add_lazy(t1, t1);
  s[3] = hf_fr8_add_lazy(hf_fr8_add_lazy(d1, d1), t3);
  s[1] = hf_fr8_add_lazy(hf_fr8_add_lazy(d0, d0), t2);
  s[0] = hf_fr8_add_lazy(t3, s[1]);
  s[2] = hf_fr8_add_lazy(t2, s[3]);
  for (int i = 0; i < 4; i++) s[i] = hf_fr8_reduce(hf_fr8_tidy(s[i]));
}

static inline void full_round(hf_fr8 s[4], const uint64_t (*constant)[5]) {
  for (int i = 0; i < 4; i++) s[i] = pow5(hf_fr8_tidy(hf_fr8_add_lazy(s[i], table_value(constant[i]))));
  external(s);
}

static inline void partial_round(hf_fr8 s[4], const uint64_t constant[5], const hf_fr8 diagonal[4]) {
  s[0] = pow5(hf_fr8_tidy(hf_fr8_add_lazy(s[0], table_value(constant))));
  hf_fr8 sum = hf_fr8_add_lazy(hf_fr8_add_lazy(s[0], s[1]), hf_fr8_add_lazy(s[2], s[3]));
  for (int i = 0; i < 4; i++) /* reduced at once: they are added up in every round */
    s[i] = hf_fr8_reduce(hf_fr8_tidy(hf_fr8_add_lazy(hf_fr8_mul_lazy(s[i], diagonal[i]), sum)));
}

/* Eight hashes, lane = hash; `s` in the 2^260 form, below 2 p. */
static hf_fr8 compress8(const hash_tables *tables, hf_fr8 s[4]) {
  const int half = HF_POSEIDON2_RF / 2;
  hf_fr8 first = s[0], diagonal[4];
  for (int i = 0; i < 4; i++) diagonal[i] = table_value(tables->diagonal[i]);
  external(s);
  for (int r = 0; r < half; r++) full_round(s, tables->round + 4 * r);
  for (int r = 0; r < HF_POSEIDON2_RP; r++) partial_round(s, tables->round[HF_POSEIDON2_RC_PARTIAL + r], diagonal);
  for (int r = half; r < HF_POSEIDON2_RF; r++) full_round(s, tables->round + 4 * r);
  return hf_fr8_tidy(hf_fr8_add_lazy(s[0], first));
}

static void compress_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const compress_task *t = context;
  size_t i = begin;
  for (; i + 8 <= end; i += 8) {
    hf_fr8 in[4], s[4];
    for (size_t k = 0; k < 4; k++) in[k] = hf_fr8_load_form(t->in + 4 * i + 8 * k);
    /* vector k holds words 0 to 3 of hashes 2k and 2k + 1 */
    for (int l = 0; l < 5; l++) {
      __m512i v[4] = {in[0].l[l], in[1].l[l], in[2].l[l], in[3].l[l]}, w[4];
      hf_words_gather(v, w);
      for (int k = 0; k < 4; k++) s[k].l[l] = w[k];
    }
    hf_fr8_store_form(t->out + i, compress8(&t->tables, s));
  }
  for (; i < end; i++) {
    const hf_fr *x = t->in + 4 * i;
    t->out[i] = hf_poseidon2_compress4(x[0], x[1], x[2], x[3]);
  }
}

hf_status hf_cpu_ifma_poseidon2_compress4(hf_backend *backend, hf_vec *out, const hf_vec *in, size_t count) {
  hf_status status;
  if (count > SIZE_MAX / 4) return hf_fail(HF_E_ARGUMENT, "poseidon2_compress4: %zu hashes", count);
  HF_TRY(hf_cpu_range("poseidon2_compress4 (out)", out, 0, count));
  HF_TRY(hf_cpu_range("poseidon2_compress4 (in)", in, 0, 4 * count));
  if (out == in) HF_TRY(hf_fail(HF_E_ARGUMENT, "poseidon2_compress4: input and output are one vector"));
  compress_task task = {.out = out->data, .in = in->data};
  for (size_t k = 0; k < sizeof task.tables.round / sizeof *task.tables.round; k++)
    hf_fr8_limbs(hf_fr8_form(hf_poseidon2_rc[k]), task.tables.round[k]);
  for (int k = 0; k < 4; k++) hf_fr8_limbs(hf_fr8_form(hf_poseidon2_diagonal[k]), task.tables.diagonal[k]);
  hf_pool_run(hf_cpu_of(backend)->pool, count, 64, compress_body, &task);
out:
  return status;
}

/* --- measuring ------------------------------------------------------------------------------------------------------------- */

enum { MEASURE_CHAINS = 3, MEASURE_ROUNDS = 20000, MEASURE_SAMPLES = 9 };

hf_status hf_cpu_ifma_multiplication_ns(hf_backend *backend, double *ns) {
  (void)backend;
  hf_fr8 x[MEASURE_CHAINS], factor = hf_fr8_broadcast_form((hf_fr)HF_FR_GENERATOR);
  hf_fr last[8];
  for (int c = 0; c < MEASURE_CHAINS; c++) x[c] = hf_fr8_broadcast_form(hf_fr_from_u64((hf_u64)c + 2));
  for (int sample = 0; sample < MEASURE_SAMPLES; sample++) {
    double start = hf_cpu_now();
    for (int i = 0; i < MEASURE_ROUNDS; i++)
      for (int c = 0; c < MEASURE_CHAINS; c++) x[c] = hf_fr8_mul(x[c], factor);
    double own = (hf_cpu_now() - start) * 1e9 / (8 * MEASURE_CHAINS * (double)MEASURE_ROUNDS);
    if (sample == 0 || own < *ns) *ns = own;
  }
  for (int c = 1; c < MEASURE_CHAINS; c++) x[0] = hf_fr8_add(x[0], x[c]);
  hf_fr8_store_form(last, x[0]);
  return hf_fr_is_zero(last[0]) ? hf_fail(HF_E_DEVICE, "a product of units is zero") : HF_OK;
}
