/* Sizes at which a device plans otherwise: transforms of three passes, sums of four levels, MSMs of wide windows and of several
 * rounds, heavy buckets of many levels. Against the CPU backend, whose own tests go by definitions. */
#include "../cpu/support.h"
#include "prove.h"

static hf_backend *host;

static void same(hf_backend *k, const hf_vec *device, const hf_vec *expected, size_t count, const char *what) {
  hf_fr *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b);
  download(k, device, a, count);
  download(host, expected, b, count);
  cr_assert(memcmp(a, b, count * sizeof *a) == 0, "%s of %zu", what, count);
  free(a);
  free(b);
}

static void transforms(hf_backend *k) {
  static const unsigned logs[] = {17, 19};
  uint64_t seed = 1;
  for (int l = 0; l < 2; l++) {
    const unsigned log_n = logs[l];
    const size_t n = (size_t)1 << log_n;
    hf_fr *values = random_vector(&seed, n), shift = random_fr(&seed);
    hf_vec *d = upload(k, values, n), *h = upload(host, values, n), *e = upload(k, values, n), *f = upload(host, values, n);
    OK(k->ops->ntt(k, &d, 1, log_n, HF_NTT_FORWARD));
    OK(host->ops->ntt(host, &h, 1, log_n, HF_NTT_FORWARD));
    same(k, d, h, n, "ntt");
    OK(k->ops->ntt(k, &d, 1, log_n, HF_NTT_INVERSE));
    download(k, d, values, n);
    OK(host->ops->vec_upload(host, h, 0, values, n));
    same(k, e, h, n, "inverse ntt");
    OK(k->ops->coset_ntt(k, &e, (const hf_vec *const *)&d, 1, n, log_n, shift));
    OK(host->ops->coset_ntt(host, &f, (const hf_vec *const *)&h, 1, n, log_n, shift));
    same(k, e, f, n, "coset_ntt");
    OK(k->ops->coset_intt(k, e, log_n, shift));
    same(k, e, h, n, "coset_intt");
    k->ops->vec_destroy(k, d), k->ops->vec_destroy(k, e);
    host->ops->vec_destroy(host, h), host->ops->vec_destroy(host, f);
    free(values);
  }
}

static void sums(hf_backend *k) {
  const size_t n = ((size_t)1 << 17) + 5;
  uint64_t seed = 2;
  hf_fr *values = random_vector(&seed, n), x = random_fr(&seed), a[3], b[3];
  for (size_t i = 0; i < n; i += 977) values[i] = hf_fr_zero();
  hf_vec *d = upload(k, values, n), *h = upload(host, values, n);
  const hf_vec *device = d, *expected = h;
  OK(k->ops->evaluate(k, &device, 1, n, x, a));
  OK(host->ops->evaluate(host, &expected, 1, n, x, b));
  SAME_FR(a[0], b[0]);
  OK(k->ops->divide(k, d, n, 3, x, a));
  OK(host->ops->divide(host, h, n, 3, x, b));
  cr_assert(memcmp(a, b, sizeof a) == 0, "remainders");
  same(k, d, h, n, "divide");
  OK(k->ops->batch_inverse(k, d, n));
  OK(host->ops->batch_inverse(host, h, n));
  same(k, d, h, n, "batch_inverse");
  OK(k->ops->prefix_sum(k, d, d, n, a));
  OK(host->ops->prefix_sum(host, h, h, n, b));
  SAME_FR(a[0], b[0]);
  same(k, d, h, n, "prefix_sum");
  k->ops->vec_destroy(k, d);
  host->ops->vec_destroy(host, h);
  free(values);
}

/* Columns of witnesses are full of zeros, ones and one other value. */
static hf_fr scalar(int skew, size_t i, uint64_t *seed) {
  switch (skew) {
    case 0: return random_fr(seed);
    case 1: return hf_fr_neg(hf_fr_one());
    case 2: return hf_fr_from_u64(next_u64(seed) & 0xffff);
    default: return i % 3 ? hf_fr_from_u64(i % 3 == 1) : random_fr(seed);
  }
}

static void commitments(hf_backend *k) {
  const size_t n = (size_t)1 << 15, kappa = 3;
  uint64_t seed = 3;
  hf_srs *srs;
  hf_points *dp, *hp;
  hf_fr *values = malloc(n * sizeof *values);
  hf_g1 a, b;
  OK(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, n, 0, &srs));
  OK(k->ops->points_create(k, srs->points, n, &dp));
  OK(host->ops->points_create(host, srs->points, n, &hp));
  for (int skew = 0; skew < 4; skew++)
    for (size_t count = n; count > n / 8; count /= 4) {
      for (size_t i = 0; i < count; i++) values[i] = scalar(skew, i, &seed);
      hf_vec *d = upload(k, values, count), *h = upload(host, values, count);
      const hf_vec *device[] = {d, NULL, d}, *expected[] = {h, NULL, h};
      OK(k->ops->msm(k, dp, d, count, &a));
      OK(host->ops->msm(host, hp, h, count, &b));
      cr_assert(hf_g1_eq(a, b), "msm of %zu, skew %d", count, skew);
      OK(k->ops->commit(k, dp, device, (unsigned)kappa, count / kappa, &a));
      OK(host->ops->commit(host, hp, expected, (unsigned)kappa, count / kappa, &b));
      cr_assert(hf_g1_eq(a, b), "commit of %zu, skew %d", count, skew);
      k->ops->vec_destroy(k, d);
      host->ops->vec_destroy(host, h);
    }
  k->ops->points_destroy(k, dp);
  host->ops->points_destroy(host, hp);
  hf_srs_destroy(&srs);
  free(values);
}

static void run(void (*body)(hf_backend *k)) {
  OK(hf_backend_create("cpu", NULL, &host));
  each_backend(body);
  hf_backend_destroy(&host);
}

Test(device_large, transforms) { run(transforms); }
Test(device_large, sums) { run(sums); }
Test(device_large, commitments) { run(commitments); }

#if defined(HF_TEST_SERIAL)
/* A device so small that windows are taken in rounds of one. */
Test(device_large, rounds) {
  hf_gpu_device *device;
  hf_backend *k;
  OK(hf_backend_create("cpu", NULL, &host));
  OK(hf_serial_device_open(&device));
  device->memory = 4 << 20;
  OK(hf_gpu_backend_create(device, &k));
  commitments(k);
  hf_backend_destroy(&k);
  hf_backend_destroy(&host);
}
#endif
