/* The measurements themselves. */
#include "bench.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "arith/poseidon2.h"
#include "backend.h"
#include "bench_internal.h"

#define HF_BENCH_MAX_LOG 26

typedef struct bench_run {
  const hf_bench_options *options;
  hf_bench_report *report;
  hf_backend *backend;
  unsigned threads, warm_up, repeats;
  char device[32];
  uint64_t seed;
} bench_run;

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* splitmix64 */
static uint64_t next_u64(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

static hf_fr random_fr(uint64_t *state) {
  hf_fr a;
  do
    for (int i = 0; i < 4; i++) a.l[i] = next_u64(state) >> (i == 3 ? 2 : 0);
  while (!hf_fr_is_reduced(a));
  return a;
}

static hf_fr *random_elements(uint64_t *state, size_t count) {
  hf_fr *x = malloc(count * sizeof *x);
  for (size_t i = 0; x && i < count; i++) x[i] = random_fr(state);
  return x;
}

static hf_status no_memory(size_t size) {
  return hf_fail(HF_E_MEMORY, "bench: no memory for size %zu", size);
}

/* Elements that stay in the first-level cache. */
#define HF_BENCH_SMALL        256
#define HF_BENCH_SMALL_ROUNDS 400

/* The cost of a multiplication on this code path, one thread, many at once: scaling a short vector. */
static hf_status multiplication_measure(bench_run *run) {
  hf_status status;
  hf_backend *one = NULL;
  hf_vec *v = NULL;
  uint64_t seed = 1;
  hf_fr x[HF_BENCH_SMALL], factor = random_fr(&seed);
  hf_backend_options options = {1, run->options->variant};
  HF_TRY(hf_backend_create(run->options->backend ? run->options->backend : "cpu", &options, &one));
  for (int i = 0; i < HF_BENCH_SMALL; i++) x[i] = random_fr(&seed);
  HF_TRY(HF_BACKEND_DO(one, vec_create, HF_BENCH_SMALL, &v));
  HF_TRY(HF_BACKEND_DO(one, vec_upload, v, 0, x, HF_BENCH_SMALL));
  double least = INFINITY;
  for (int sample = 0; sample < 15; sample++) {
    double start = now_ms();
    for (int k = 0; k < HF_BENCH_SMALL_ROUNDS; k++)
      HF_TRY(HF_BACKEND_DO(one, scale, v, factor, HF_BENCH_SMALL));
    double ns = (now_ms() - start) * 1e6 / (HF_BENCH_SMALL * (double)HF_BENCH_SMALL_ROUNDS);
    if (ns < least) least = ns;
  }
  run->report->multiplication_ns = least;
out:
  if (v) one->ops->vec_destroy(one, v);
  hf_backend_destroy(&one);
  return status;
}

static hf_status run_begin(bench_run *run, const hf_bench_options *options, hf_bench_report *report) {
  hf_status status;
  memset(run, 0, sizeof *run);
  run->options = options;
  run->report = report;
  run->warm_up = options->warm_up ? options->warm_up : 1;
  run->repeats = options->repeats ? options->repeats : 5;
  run->seed = options->seed;
  run->threads = options->threads ? options->threads : hf_bench_processors();
  const char *name = options->backend ? options->backend : "cpu";
  hf_backend_options backend = {run->threads, options->variant};
  if (options->log_max > HF_BENCH_MAX_LOG || options->log_min > options->log_max)
    return hf_fail(HF_E_ARGUMENT, "bench: sizes 2^%u to 2^%u; from small to large, at most 2^%d",
                   options->log_min, options->log_max, HF_BENCH_MAX_LOG);
  HF_TRY(hf_backend_create(name, &backend, &run->backend));
  HF_TRY(hf_backend_selftest(run->backend));
  snprintf(run->device, sizeof run->device, "%s/%s", name, hf_backend_variant(run->backend));
  report->seed = options->seed;
  report->warm_up = run->warm_up;
  report->repeats = run->repeats;
  if (!report->started[0]) hf_bench_environment(report);
  HF_TRY(multiplication_measure(run));
out:
  return status;
}

static void run_end(bench_run *run) { hf_backend_destroy(&run->backend); }

static unsigned log_first(const bench_run *run, unsigned own) {
  return run->options->log_max ? run->options->log_min : own;
}
static unsigned log_last(const bench_run *run, unsigned own) {
  return run->options->log_max ? run->options->log_max : own;
}

/* One measured operation: `before` sets its inputs up outside the time, `work` is timed. */
typedef hf_status (*bench_step)(bench_run *run, void *context);

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static hf_status sample(bench_run *run, const char *name, uint64_t size, double multiplications,
                        bench_step before, bench_step work, bench_step verify, void *context) {
  hf_status status;
  double *samples = malloc(run->repeats * sizeof *samples), *sorted = malloc(run->repeats * sizeof *sorted);
  hf_bench_result *results = realloc(run->report->results, (run->report->count + 1) * sizeof *results);
  if (results) run->report->results = results;
  if (!samples || !sorted || !results) HF_TRY(no_memory(size));
  for (unsigned i = 0; i < run->warm_up + run->repeats; i++) {
    if (before) HF_TRY(before(run, context));
    double start = now_ms();
    HF_TRY(work(run, context));
    if (i >= run->warm_up) samples[i - run->warm_up] = now_ms() - start;
  }
  HF_TRY(verify(run, context)); /* the last run's result; no score without it */
  memcpy(sorted, samples, run->repeats * sizeof *sorted);
  qsort(sorted, run->repeats, sizeof *sorted, by_value);
  hf_bench_result *r = &results[run->report->count++];
  *r = (hf_bench_result){.name = name,
                         .size = size,
                         .threads = run->threads,
                         .samples_ms = samples,
                         .samples = run->repeats,
                         .minimum_ms = sorted[0],
                         .multiplications = multiplications,
                         .verified = true};
  r->median_ms = run->repeats % 2 ? sorted[run->repeats / 2]
                                  : (sorted[run->repeats / 2 - 1] + sorted[run->repeats / 2]) / 2;
  r->limit_ms = multiplications * run->report->multiplication_ns * 1e-6 / run->threads;
  memcpy(r->device, run->device, sizeof r->device);
  samples = NULL;
  if (run->options->progress) run->options->progress(run->options->context, r);
out:
  free(samples);
  free(sorted);
  return status;
}

static hf_status wrong(const char *name, size_t size) {
  return hf_fail(HF_E_DEVICE, "bench: %s of size %zu gives a wrong result", name, size);
}

/* --- field -------------------------------------------------------------------------- */

typedef struct vector_bench {
  size_t n;
  const hf_fr *x;
  hf_fr factor;
  hf_vec *a, *b;
} vector_bench;

static hf_status vector_reset(bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, vec_upload, v->a, 0, v->x, v->n);
}

static hf_status scale_work(bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, scale, v->a, v->factor, v->n);
}

static hf_status axpy_work(bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, axpy, v->a, v->factor, v->b, v->n);
}

static hf_status inverse_work(bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, batch_inverse, v->a, v->n);
}

/* Compares some of a's elements with what the portable arithmetic makes of the same input. */
static hf_status vector_verify(bench_run *run, const vector_bench *v, const char *name,
                               hf_fr (*expected)(const vector_bench *v, size_t i)) {
  for (size_t k = 0; k < 64; k++) {
    size_t i = k == 0 ? v->n - 1 : next_u64(&run->seed) % v->n;
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
static hf_status scale_verify(bench_run *run, void *v) { return vector_verify(run, v, "fr_mul", scaled); }
static hf_status axpy_verify(bench_run *run, void *v) { return vector_verify(run, v, "fr_mul_add", added); }
static hf_status inverse_verify(bench_run *run, void *v) {
  return vector_verify(run, v, "fr_inverse", inverted);
}

hf_status hf_bench_field(const hf_bench_options *options, hf_bench_report *report) {
  hf_status status;
  bench_run run;
  hf_fr *x = NULL;
  vector_bench v = {0};
  HF_TRY(run_begin(&run, options, report));
  for (unsigned log = log_first(&run, 12); log <= log_last(&run, 18); log += options->log_max ? 1 : 3) {
    v.n = (size_t)1 << log;
    v.x = x = random_elements(&run.seed, v.n);
    if (!x) HF_TRY(no_memory(v.n));
    v.factor = random_fr(&run.seed);
    HF_TRY(HF_BACKEND_DO(run.backend, vec_create, v.n, &v.a));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_create, v.n, &v.b));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_upload, v.b, 0, x, v.n));
    double n = (double)v.n;
    HF_TRY(sample(&run, "fr_mul", v.n, n, vector_reset, scale_work, scale_verify, &v));
    HF_TRY(sample(&run, "fr_mul_add", v.n, n, vector_reset, axpy_work, axpy_verify, &v));
    HF_TRY(sample(&run, "fr_inverse", v.n, 3 * n, vector_reset, inverse_work, inverse_verify, &v));
    run.backend->ops->vec_destroy(run.backend, v.a);
    run.backend->ops->vec_destroy(run.backend, v.b);
    v.a = v.b = NULL;
    free(x);
    x = NULL;
  }
out:
  if (v.a) run.backend->ops->vec_destroy(run.backend, v.a);
  if (v.b) run.backend->ops->vec_destroy(run.backend, v.b);
  free(x);
  run_end(&run);
  return status;
}

/* --- hash ---------------------------------------------------------------------------- */

/* x^5 in 3 multiplications: 4 in each full round, one in a partial round, and 4 for its diagonal. */
#define HF_BENCH_HASH_MULTIPLICATIONS (HF_POSEIDON2_RF * 4 * 3 + HF_POSEIDON2_RP * (3 + 4))

static hf_status hash_work(bench_run *run, void *context) {
  vector_bench *v = context;
  return HF_BACKEND_DO(run->backend, poseidon2_compress4, v->a, v->b, v->n);
}

static hf_fr hashed(const vector_bench *v, size_t i) {
  return hf_poseidon2_compress4(v->x[4 * i], v->x[4 * i + 1], v->x[4 * i + 2], v->x[4 * i + 3]);
}

static hf_status hash_verify(bench_run *run, void *v) {
  return vector_verify(run, v, "poseidon2_compress4", hashed);
}

hf_status hf_bench_hash(const hf_bench_options *options, hf_bench_report *report) {
  hf_status status;
  bench_run run;
  hf_fr *x = NULL;
  vector_bench v = {0};
  HF_TRY(run_begin(&run, options, report));
  for (unsigned log = log_first(&run, 10); log <= log_last(&run, 14); log += options->log_max ? 1 : 2) {
    v.n = (size_t)1 << log;
    v.x = x = random_elements(&run.seed, 4 * v.n);
    if (!x) HF_TRY(no_memory(v.n));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_create, v.n, &v.a));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_create, 4 * v.n, &v.b));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_upload, v.b, 0, x, 4 * v.n));
    HF_TRY(sample(&run, "poseidon2_compress4", v.n, HF_BENCH_HASH_MULTIPLICATIONS * (double)v.n, NULL,
                  hash_work, hash_verify, &v));
    run.backend->ops->vec_destroy(run.backend, v.a);
    run.backend->ops->vec_destroy(run.backend, v.b);
    v.a = v.b = NULL;
    free(x);
    x = NULL;
  }
out:
  if (v.a) run.backend->ops->vec_destroy(run.backend, v.a);
  if (v.b) run.backend->ops->vec_destroy(run.backend, v.b);
  free(x);
  run_end(&run);
  return status;
}

/* --- transforms ------------------------------------------------------------------------ */

typedef struct ntt_bench {
  unsigned log_n;
  size_t n;
  const hf_fr *x;
  hf_fr shift;
  hf_vec *a, *b;
} ntt_bench;

static hf_status ntt_reset(bench_run *run, void *context) {
  ntt_bench *t = context;
  return HF_BACKEND_DO(run->backend, vec_upload, t->a, 0, t->x, t->n);
}

static hf_status ntt_work(bench_run *run, void *context) {
  ntt_bench *t = context;
  return HF_BACKEND_DO(run->backend, ntt, &t->a, 1, t->log_n, HF_NTT_FORWARD);
}

static hf_status intt_work(bench_run *run, void *context) {
  ntt_bench *t = context;
  return HF_BACKEND_DO(run->backend, ntt, &t->a, 1, t->log_n, HF_NTT_INVERSE);
}

static hf_status coset_work(bench_run *run, void *context) {
  ntt_bench *t = context;
  return HF_BACKEND_DO(run->backend, coset_ntt, t->b, t->a, t->n, t->log_n, t->shift);
}

/* The polynomial at some points of shift * H against the values there. */
static hf_status values_verify(bench_run *run, const ntt_bench *t, const hf_fr *coefficients,
                               const hf_vec *values, hf_fr shift, const char *name) {
  hf_fr omega = hf_fr_root_of_unity((int)t->log_n);
  for (int k = 0; k < 3; k++) {
    size_t i = k == 0 ? t->n - 1 : next_u64(&run->seed) % t->n;
    hf_fr got, sum = hf_fr_zero(), x = hf_fr_mul(shift, hf_fr_pow_u64(omega, i));
    hf_status status = HF_BACKEND_DO(run->backend, vec_download, values, i, &got, 1);
    if (status != HF_OK) return status;
    for (size_t j = t->n; j-- > 0;) sum = hf_fr_add(hf_fr_mul(sum, x), coefficients[j]);
    if (!hf_fr_eq(got, sum)) return wrong(name, t->n);
  }
  return HF_OK;
}

static hf_status ntt_verify(bench_run *run, void *context) {
  ntt_bench *t = context;
  return values_verify(run, t, t->x, t->a, hf_fr_one(), "ntt");
}

static hf_status coset_verify(bench_run *run, void *context) {
  ntt_bench *t = context;
  return values_verify(run, t, t->x, t->b, t->shift, "coset_ntt");
}

/* The inverse gave coefficients; x are their values. */
static hf_status intt_verify(bench_run *run, void *context) {
  ntt_bench *t = context;
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
  bench_run run;
  ntt_bench t = {0};
  hf_fr *x = NULL;
  HF_TRY(run_begin(&run, options, report));
  for (unsigned log = log_first(&run, 14); log <= log_last(&run, 18); log += options->log_max ? 1 : 2) {
    t.log_n = log;
    t.n = (size_t)1 << log;
    t.x = x = random_elements(&run.seed, t.n);
    t.shift = (hf_fr)HF_FR_GENERATOR;
    if (!x) HF_TRY(no_memory(t.n));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_create, t.n, &t.a));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_create, t.n, &t.b));
    double butterflies = (double)t.n / 2 * log;
    HF_TRY(sample(&run, "ntt", t.n, butterflies, ntt_reset, ntt_work, ntt_verify, &t));
    HF_TRY(sample(&run, "intt", t.n, butterflies, ntt_reset, intt_work, intt_verify, &t));
    HF_TRY(
        sample(&run, "coset_ntt", t.n, butterflies + (double)t.n, ntt_reset, coset_work, coset_verify, &t));
    run.backend->ops->vec_destroy(run.backend, t.a);
    run.backend->ops->vec_destroy(run.backend, t.b);
    t.a = t.b = NULL;
    free(x);
    x = NULL;
  }
out:
  if (t.a) run.backend->ops->vec_destroy(run.backend, t.a);
  if (t.b) run.backend->ops->vec_destroy(run.backend, t.b);
  free(x);
  run_end(&run);
  return status;
}

/* --- multi-scalar multiplication ---------------------------------------------------------- */

/* The least multiplications over all window widths: an affine addition with a shared inversion takes 6; a
 * term costs one addition a window, a bucket (signed digits) two. */
static double msm_multiplications(double n) {
  double least = INFINITY;
  for (int c = 2; c <= 24; c++) {
    double cost = 6 * ceil(255.0 / c) * (n + 2 * ldexp(1, c - 1));
    if (cost < least) least = cost;
  }
  return least;
}

/* points[i] = (start + i) * G. */
static hf_status points_make(hf_g1 *points, size_t n, hf_fr start) {
  enum { BLOCK = 512 };
  hf_g1_xyzz walk = hf_g1_mul(hf_g1_generator(), start), block[BLOCK];
  hf_fq before[BLOCK];
  for (size_t at = 0; at < n; at += BLOCK) {
    size_t count = n - at < BLOCK ? n - at : BLOCK;
    hf_fq product = hf_fq_one();
    for (size_t i = 0; i < count; i++) {
      block[i] = walk;
      before[i] = product;
      product = hf_fq_mul(product, walk.zzz);
      walk = hf_g1_xyzz_add_affine(walk, hf_g1_generator());
    }
    product = hf_fq_inv(product);
    if (hf_fq_is_zero(product)) return hf_fail(HF_E_INTERNAL, "bench: the walk met infinity");
    for (size_t i = count; i-- > 0;) {
      hf_fq inverse = hf_fq_mul(product, before[i]); /* 1/Z^3 */
      product = hf_fq_mul(product, block[i].zzz);
      points[at + i].x = hf_fq_mul(block[i].x, hf_fq_sqr(hf_fq_mul(inverse, block[i].zz)));
      points[at + i].y = hf_fq_mul(block[i].y, inverse);
    }
  }
  return HF_OK;
}

typedef struct msm_bench {
  size_t n;
  const hf_points *points;
  hf_vec *scalars;
  hf_g1 got, expected;
} msm_bench;

static hf_status msm_work(bench_run *run, void *context) {
  msm_bench *m = context;
  return HF_BACKEND_DO(run->backend, msm, m->points, m->scalars, m->n, &m->got);
}

static hf_status msm_verify(bench_run *run, void *context) {
  (void)run;
  msm_bench *m = context;
  return hf_g1_eq(m->got, m->expected) ? HF_OK : wrong("msm", m->n);
}

hf_status hf_bench_msm(const hf_bench_options *options, hf_bench_report *report) {
  hf_status status;
  bench_run run;
  msm_bench m = {0};
  hf_points *handle = NULL;
  hf_g1 *points = NULL;
  hf_fr *scalars = NULL;
  HF_TRY(run_begin(&run, options, report));
  unsigned first = log_first(&run, 14), last = log_last(&run, 18);
  points = malloc(sizeof *points << last);
  if (!points) HF_TRY(no_memory((size_t)1 << last));
  hf_fr start = random_fr(&run.seed);
  HF_TRY(points_make(points, (size_t)1 << last, start));
  HF_TRY(HF_BACKEND_DO(run.backend, points_create, points, (size_t)1 << last, &handle));
  m.points = handle;
  for (unsigned log = first; log <= last; log += options->log_max ? 1 : 2) {
    m.n = (size_t)1 << log;
    scalars = random_elements(&run.seed, m.n);
    if (!scalars) HF_TRY(no_memory(m.n));
    hf_fr sum = hf_fr_zero(), weight = start;
    for (size_t i = 0; i < m.n; i++, weight = hf_fr_add(weight, hf_fr_one()))
      sum = hf_fr_add(sum, hf_fr_mul(scalars[i], weight));
    m.expected = hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), sum));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_create, m.n, &m.scalars));
    HF_TRY(HF_BACKEND_DO(run.backend, vec_upload, m.scalars, 0, scalars, m.n));
    HF_TRY(sample(&run, "msm", m.n, msm_multiplications((double)m.n), NULL, msm_work, msm_verify, &m));
    run.backend->ops->vec_destroy(run.backend, m.scalars);
    m.scalars = NULL;
    free(scalars);
    scalars = NULL;
  }
out:
  if (m.scalars) run.backend->ops->vec_destroy(run.backend, m.scalars);
  if (handle) run.backend->ops->points_destroy(run.backend, handle);
  free(points);
  free(scalars);
  run_end(&run);
  return status;
}
