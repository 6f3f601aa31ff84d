/* Multi-scalar multiplication, with scalars as they come. */
#include "bench_internal.h"

#include <hyperfold/splitmix.h>
#include <stdlib.h>

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

static hf_status msm_work(hf_bench_run *run, void *context) {
  msm_bench *m = context;
  return HF_BACKEND_DO(run->backend, msm, m->points, m->scalars, m->n, &m->got);
}

static hf_status msm_verify(hf_bench_run *run, void *context) {
  (void)run;
  msm_bench *m = context;
  return hf_g1_eq(m->got, m->expected)
             ? HF_OK
             : hf_fail(HF_E_DEVICE, "bench: msm of size %zu gives a wrong result", m->n);
}

static const char *const names[] = {"msm", "msm/witness", "msm/ones", "msm/small"};

/* Of 1,000 values of the wires of a full batch of 2^17 rows (depth 24, 82 transfers), signs apart: 107 are zero, 9 one, 34 below
 * 16, 19 between, 831 as large as random ones. */
static hf_fr witness_scalar(uint64_t *state) {
  unsigned dice = (unsigned)(hf_splitmix64(state) % 1000);
  if (dice < 107) return hf_fr_zero();
  if (dice < 116) return hf_fr_one();
  if (dice < 150) return hf_fr_from_u64(hf_splitmix64(state) >> 60);
  if (dice < 169) return hf_fr_from_u64(hf_splitmix64(state) >> 32);
  return hf_bench_random(state);
}

static hf_fr scalar(hf_bench_scalars kind, uint64_t *state) {
  switch (kind) {
  case HF_BENCH_SCALARS_ONES: return hf_fr_one();
  case HF_BENCH_SCALARS_SMALL: return hf_fr_from_u64(hf_splitmix64(state) >> 48);
  case HF_BENCH_SCALARS_WITNESS: return witness_scalar(state);
  default: return hf_bench_random(state);
  }
}

/* Significant bits of the value or its negative, whichever has fewer. */
static int significant_bits(hf_fr a) {
  int least = 255;
  for (int sign = 0; sign < 2; sign++, a = hf_fr_neg(a)) {
    uint8_t bytes[32]; /* little endian */
    int bits = 256;
    hf_fr_to_bytes(a, bytes);
    while (bits > 0 && (bytes[(bits - 1) / 8] >> (bits - 1) % 8 & 1) == 0) bits--;
    if (bits < least) least = bits;
  }
  return least;
}

/* One size: the sum's logarithm is known, so is the sum. */
static hf_status msm_size(hf_bench_run *run, msm_bench *m, hf_fr start) {
  hf_status status;
  double bits[255] = {0};
  hf_fr sum = hf_fr_zero(), weight = start;
  hf_fr *scalars = malloc(m->n * sizeof *scalars);
  if (!scalars) HF_TRY(hf_fail(HF_E_MEMORY, "bench: no memory for size %zu", m->n));
  for (size_t i = 0; i < m->n; i++, weight = hf_fr_add(weight, hf_fr_one())) {
    scalars[i] = scalar(run->options->scalars, &run->seed);
    sum = hf_fr_add(sum, hf_fr_mul(scalars[i], weight));
    bits[significant_bits(scalars[i])]++;
  }
  m->expected = hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), sum));
  HF_TRY(HF_BACKEND_DO(run->backend, vec_create, m->n, &m->scalars));
  HF_TRY(HF_BACKEND_DO(run->backend, vec_upload, m->scalars, 0, scalars, m->n));
  HF_TRY(hf_bench_sample(run, names[run->options->scalars], m->n, hf_bench_msm_multiplications(bits), NULL, msm_work,
                         msm_verify, m));
out:
  if (m->scalars) run->backend->ops->vec_destroy(run->backend, m->scalars);
  m->scalars = NULL;
  free(scalars);
  return status;
}

hf_status hf_bench_msm(const hf_bench_options *options, hf_bench_report *report) {
  hf_status status;
  hf_bench_run run;
  msm_bench m = {0};
  hf_points *handle = NULL;
  hf_g1 *points = NULL;
  HF_TRY(hf_bench_run_begin(&run, options, 5, report));
  unsigned first = hf_bench_log_first(options, 14), last = hf_bench_log_last(options, 18);
  points = malloc(sizeof *points << last);
  if (!points) HF_TRY(hf_fail(HF_E_MEMORY, "bench: no memory for 2^%u points", last));
  hf_bench_say(&run, "points");
  hf_fr start = hf_bench_random(&run.seed);
  HF_TRY(points_make(points, (size_t)1 << last, start));
  HF_TRY(HF_BACKEND_DO(run.backend, points_create, points, (size_t)1 << last, &handle));
  m.points = handle;
  for (unsigned log = first; log <= last; log += options->log_max ? 1 : 2) {
    m.n = (size_t)1 << log;
    HF_TRY(msm_size(&run, &m, start));
  }
out:
  if (handle) run.backend->ops->points_destroy(run.backend, handle);
  free(points);
  hf_bench_run_end(&run);
  return status;
}
