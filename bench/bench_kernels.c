/* The kernels of Fr: field operations, hashes, transforms. */
#include "bench_internal.h"

#include <hyperfold/splitmix.h>
#include <stdlib.h>
#include "arith/poseidon2.h"

static hf_fr *random_elements(uint64_t *state, size_t count) {
  hf_fr *x = malloc(count * sizeof *x);
  for (size_t i = 0; x && i < count; i++) x[i] = hf_bench_random(state);
  return x;
}

static hf_status no_memory(size_t size) { return hf_fail(HF_E_MEMORY, "bench: no memory for size %zu", size); }

static hf_status wrong(const char *name, size_t size) {
  return hf_fail(HF_E_DEVICE, "bench: %s of size %zu gives a wrong result", name, size);
}

/* --- two vectors ---------------------------------------------------------------------- */

typedef struct vector_bench {
  unsigned log_n;
  size_t n;
  hf_fr *x;     /* the input, in this machine's memory */
  hf_fr factor; /* of a scaling, or the shift of a coset */
  hf_vec *a, *b;
} vector_bench;

static void vectors_close(hf_bench_run *run, vector_bench *v) {
  if (v->a) run->backend->ops->vec_destroy(run->backend, v->a);
  if (v->b) run->backend->ops->vec_destroy(run->backend, v->b);
  free(v->x);
  *v = (vector_bench){0};
}

/* 2^log elements in a, as many times `inputs` in b and in x, which is random. */
static hf_status vectors_open(hf_bench_run *run, unsigned log, size_t inputs, vector_bench *v) {
  hf_status status;
  vectors_close(run, v);
  v->log_n = log;
  v->n = (size_t)1 << log;
  v->x = random_elements(&run->seed, inputs * v->n);
  if (!v->x) HF_TRY(no_memory(v->n));
  HF_TRY(HF_BACKEND_DO(run->backend, vec_create, v->n, &v->a));
  HF_TRY(HF_BACKEND_DO(run->backend, vec_create, inputs * v->n, &v->b));
out:
  return status;
}

/* --- field -------------------------------------------------------------------------- */

static hf_status vector_reset(hf_bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, vec_upload, v->a, 0, v->x, v->n);
}

static hf_status scale_work(hf_bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, scale, v->a, v->factor, v->n);
}

static hf_status axpy_work(hf_bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, axpy, v->a, v->factor, v->b, v->n);
}

static hf_status inverse_work(hf_bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, batch_inverse, v->a, v->n);
}

/* Compares some of a's elements with what the portable arithmetic makes of the same input. */
static hf_status vector_verify(hf_bench_run *run, const vector_bench *v, const char *name,
                               hf_fr (*expected)(const vector_bench *v, size_t i)) {
  for (size_t k = 0; k < 64; k++) {
    size_t i = k == 0 ? v->n - 1 : hf_splitmix64(&run->seed) % v->n;
    hf_fr got, want = expected(v, i);
    hf_status status = HF_BACKEND_DO(run->backend, vec_download, v->a, i, &got, 1);
    if (status != HF_OK) return status;
    if (!hf_fr_eq(got, want)) return wrong(name, v->n);
  }
  return HF_OK;
}

static hf_fr scaled(const vector_bench *v, size_t i) { return hf_fr_mul(v->x[i], v->factor); }
static hf_fr added(const vector_bench *v, size_t i) {
  return hf_fr_add(v->x[i], hf_fr_mul(v->x[i], v->factor));
}
static hf_fr inverted(const vector_bench *v, size_t i) { return hf_fr_inv(v->x[i]); }
static hf_status scale_verify(hf_bench_run *run, void *v) { return vector_verify(run, v, "fr_mul", scaled); }
static hf_status axpy_verify(hf_bench_run *run, void *v) { return vector_verify(run, v, "fr_mul_add", added); }
static hf_status inverse_verify(hf_bench_run *run, void *v) {
  return vector_verify(run, v, "fr_inverse", inverted);
}

hf_status hf_bench_field(const hf_bench_options *options, hf_bench_report *report) {
  hf_status status;
  hf_bench_run run;
  vector_bench v = {0};
  HF_TRY(hf_bench_run_begin(&run, options, 5, report));
  for (unsigned log = hf_bench_log_first(options, 12); log <= hf_bench_log_last(options, 18); log += options->log_max ? 1 : 3) {
    HF_TRY(vectors_open(&run, log, 1, &v));
    v.factor = hf_bench_random(&run.seed);
    HF_TRY(HF_BACKEND_DO(run.backend, vec_upload, v.b, 0, v.x, v.n));
    double n = (double)v.n;
    HF_TRY(hf_bench_sample(&run, "fr_mul", v.n, n, vector_reset, scale_work, scale_verify, &v));
    HF_TRY(hf_bench_sample(&run, "fr_mul_add", v.n, n, vector_reset, axpy_work, axpy_verify, &v));
    HF_TRY(hf_bench_sample(&run, "fr_inverse", v.n, 3 * n, vector_reset, inverse_work, inverse_verify, &v));
  }
out:
  vectors_close(&run, &v);
  hf_bench_run_end(&run);
  return status;
}

/* --- hash ---------------------------------------------------------------------------- */

/* x^5 in 3 multiplications: 4 in each full round, one in a partial round, and 4 for its diagonal. */
#define HF_BENCH_HASH_MULTIPLICATIONS (HF_POSEIDON2_RF * 4 * 3 + HF_POSEIDON2_RP * (3 + 4))

static hf_status hash_work(hf_bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, poseidon2_compress4, v->a, v->b, v->n);
}

static hf_fr hashed(const vector_bench *v, size_t i) {
  return hf_poseidon2_compress4(v->x[4 * i], v->x[4 * i + 1], v->x[4 * i + 2], v->x[4 * i + 3]);
}

static hf_status hash_verify(hf_bench_run *run, void *v) {
  return vector_verify(run, v, "poseidon2_compress4", hashed);
}

hf_status hf_bench_hash(const hf_bench_options *options, hf_bench_report *report) {
  hf_status status;
  hf_bench_run run;
  vector_bench v = {0};
  HF_TRY(hf_bench_run_begin(&run, options, 5, report));
  for (unsigned log = hf_bench_log_first(options, 10); log <= hf_bench_log_last(options, 14); log += options->log_max ? 1 : 2) {
    HF_TRY(vectors_open(&run, log, 4, &v));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_upload, v.b, 0, v.x, 4 * v.n));
    HF_TRY(hf_bench_sample(&run, "poseidon2_compress4", v.n, HF_BENCH_HASH_MULTIPLICATIONS * (double)v.n, NULL,
                  hash_work, hash_verify, &v));
  }
out:
  vectors_close(&run, &v);
  hf_bench_run_end(&run);
  return status;
}

/* --- transforms ------------------------------------------------------------------------ */

static hf_status ntt_work(hf_bench_run *run, void *context) {
  vector_bench *t = context;
  return HF_BACKEND_DO(run->backend, ntt, &t->a, 1, t->log_n, HF_NTT_FORWARD);
}

static hf_status intt_work(hf_bench_run *run, void *context) {
  vector_bench *t = context;
  return HF_BACKEND_DO(run->backend, ntt, &t->a, 1, t->log_n, HF_NTT_INVERSE);
}

static hf_status coset_work(hf_bench_run *run, void *context) {
  vector_bench *t = context;
  return HF_BACKEND_DO(run->backend, coset_ntt, &t->b, (const hf_vec *const *)&t->a, 1, t->n, t->log_n, t->factor);
}

/* The polynomial at some points of shift * H against the values there. */
static hf_status values_verify(hf_bench_run *run, const vector_bench *t, const hf_fr *coefficients,
                               const hf_vec *values, hf_fr shift, const char *name) {
  hf_fr omega = hf_fr_root_of_unity((int)t->log_n);
  for (int k = 0; k < 3; k++) {
    size_t i = k == 0 ? t->n - 1 : hf_splitmix64(&run->seed) % t->n;
    hf_fr got, sum = hf_fr_zero(), x = hf_fr_mul(shift, hf_fr_pow_u64(omega, i));
    hf_status status = HF_BACKEND_DO(run->backend, vec_download, values, i, &got, 1);
    if (status != HF_OK) return status;
    for (size_t j = t->n; j-- > 0;) sum = hf_fr_add(hf_fr_mul(sum, x), coefficients[j]);
    if (!hf_fr_eq(got, sum)) return wrong(name, t->n);
  }
  return HF_OK;
}

static hf_status ntt_verify(hf_bench_run *run, void *context) {
  vector_bench *t = context;
  return values_verify(run, t, t->x, t->a, hf_fr_one(), "ntt");
}

static hf_status coset_verify(hf_bench_run *run, void *context) {
  vector_bench *t = context;
  return values_verify(run, t, t->x, t->b, t->factor, "coset_ntt");
}

/* The inverse gave coefficients; x are their values. */
static hf_status intt_verify(hf_bench_run *run, void *context) {
  vector_bench *t = context;
  hf_status status;
  hf_vec *values = NULL;
  hf_fr *coefficients = malloc(t->n * sizeof *coefficients);
  if (!coefficients) HF_TRY(no_memory(t->n));
  HF_TRY(HF_BACKEND_DO(run->backend, vec_download, t->a, 0, coefficients, t->n));
  HF_TRY(HF_BACKEND_DO(run->backend, vec_create, t->n, &values));
  HF_TRY(HF_BACKEND_DO(run->backend, vec_upload, values, 0, t->x, t->n));
  HF_TRY(values_verify(run, t, coefficients, values, hf_fr_one(), "intt"));
out:
  if (values) run->backend->ops->vec_destroy(run->backend, values);
  free(coefficients);
  return status;
}

hf_status hf_bench_ntt(const hf_bench_options *options, hf_bench_report *report) {
  hf_status status;
  hf_bench_run run;
  vector_bench t = {0};
  HF_TRY(hf_bench_run_begin(&run, options, 5, report));
  for (unsigned log = hf_bench_log_first(options, 14); log <= hf_bench_log_last(options, 18); log += options->log_max ? 1 : 2) {
    HF_TRY(vectors_open(&run, log, 1, &t));
    t.factor = (hf_fr)HF_FR_GENERATOR;
    double butterflies = hf_bench_ntt_multiplications(log);
    HF_TRY(hf_bench_sample(&run, "ntt", t.n, butterflies, vector_reset, ntt_work, ntt_verify, &t));
    HF_TRY(hf_bench_sample(&run, "intt", t.n, butterflies, vector_reset, intt_work, intt_verify, &t));
    HF_TRY(hf_bench_sample(&run, "coset_ntt", t.n, butterflies + (double)t.n, vector_reset, coset_work, coset_verify, &t));
  }
out:
  vectors_close(&run, &t);
  hf_bench_run_end(&run);
  return status;
}
