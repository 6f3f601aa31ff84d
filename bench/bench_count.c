/* Multiplications that MSMs and transforms cannot do without, by formula and by looking at what a proof asks of its
 * backend. */
#include "bench_internal.h"

#include <math.h>

double hf_bench_ntt_multiplications(unsigned log_n) { return ldexp(1, (int)log_n - 1) * log_n; }

/* The least over all window widths. An affine addition with a shared inversion takes 6; a window that a scalar's bits
 * reach costs one, a bucket (digits are signed) two. */
double hf_bench_msm_multiplications(const double bits[255]) {
  double least = INFINITY;
  int longest = 254;
  while (longest > 0 && bits[longest] == 0) longest--;
  if (longest == 0) return 0;
  for (int c = 1; c <= 24; c++) {
    double additions = ceil((longest + 1.0) / c) * ldexp(1, c);
    for (int i = 1; i <= longest; i++) additions += bits[i] * ceil((i + 1.0) / c);
    if (6 * additions < least) least = 6 * additions;
  }
  return least;
}

static double msm_multiplications_random(double n) {
  double bits[255] = {0};
  bits[254] = n;
  return hf_bench_msm_multiplications(bits);
}

double hf_bench_proof_multiplications(unsigned log_n, double msm_points, double transforms) {
  return msm_multiplications_random(msm_points) + transforms * hf_bench_ntt_multiplications(log_n);
}

/* The backend keeps its own memory; only its table of operations is another for a while. */
static hf_bench_counter *counter_of(const hf_backend *backend) { return (hf_bench_counter *)(void *)(uintptr_t)backend->ops; }

static hf_status count_ntt(hf_backend *backend, hf_vec *const *vecs, size_t count, unsigned log_n, hf_ntt_kind kind) {
  hf_bench_counter *c = counter_of(backend);
  c->ntt += (double)count * hf_bench_ntt_multiplications(log_n);
  return c->inner->ntt(backend, vecs, count, log_n, kind);
}

static hf_status count_coset_ntt(hf_backend *backend, hf_vec *const *out, const hf_vec *const *coefficients, size_t count,
                                 size_t length, unsigned log_n, hf_fr shift) {
  hf_bench_counter *c = counter_of(backend);
  c->ntt += (double)count * (hf_bench_ntt_multiplications(log_n) + ldexp(1, (int)log_n));
  return c->inner->coset_ntt(backend, out, coefficients, count, length, log_n, shift);
}

static hf_status count_coset_intt(hf_backend *backend, hf_vec *vec, unsigned log_n, hf_fr shift) {
  hf_bench_counter *c = counter_of(backend);
  c->ntt += hf_bench_ntt_multiplications(log_n) + ldexp(1, (int)log_n);
  return c->inner->coset_intt(backend, vec, log_n, shift);
}

static hf_status count_msm(hf_backend *backend, const hf_points *points, const hf_vec *scalars, size_t count, hf_g1 *out) {
  hf_bench_counter *c = counter_of(backend);
  c->msm += msm_multiplications_random((double)count);
  return c->inner->msm(backend, points, scalars, count, out);
}

static hf_status count_commit(hf_backend *backend, const hf_points *points, const hf_vec *const *parts, unsigned kappa,
                              size_t length, hf_g1 *out) {
  hf_bench_counter *c = counter_of(backend);
  double terms = 0;
  for (unsigned i = 0; i < kappa; i++) {
    size_t own = parts[i] ? hf_vec_length(parts[i]) : 0;
    terms += (double)(own < length ? own : length);
  }
  c->msm += msm_multiplications_random(terms);
  return c->inner->commit(backend, points, parts, kappa, length, out);
}

void hf_bench_counter_begin(hf_bench_counter *c, hf_backend *backend) {
  c->inner = backend->ops;
  c->ops = *backend->ops;
  c->msm = c->ntt = 0;
  if (c->ops.ntt) c->ops.ntt = count_ntt;
  if (c->ops.coset_ntt) c->ops.coset_ntt = count_coset_ntt;
  if (c->ops.coset_intt) c->ops.coset_intt = count_coset_intt;
  if (c->ops.msm) c->ops.msm = count_msm;
  if (c->ops.commit) c->ops.commit = count_commit;
  backend->ops = &c->ops;
}

void hf_bench_counter_end(hf_bench_counter *c, hf_backend *backend) {
  if (c->inner) backend->ops = c->inner;
  c->inner = NULL;
}
