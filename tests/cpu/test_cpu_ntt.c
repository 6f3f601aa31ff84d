/* Transforms against the definition (small) and against evaluation of the polynomial (large). */
#include "support.h"

static void small_against_definition(hf_backend *k) {
  uint64_t seed = 1;
  for (unsigned log_n = 0; log_n <= 6; log_n++) {
    size_t n = (size_t)1 << log_n;
    hf_fr omega = hf_fr_root_of_unity((int)log_n), got[64], back[64];
    hf_fr *a = random_vector(&seed, n);
    if (log_n == 3) memset(a, 0, n * sizeof *a);
    if (log_n == 4) a[3] = hf_fr_neg(hf_fr_one());
    hf_vec *v = upload(k, a, n);
    OK(k->ops->ntt(k, &v, 1, log_n, HF_NTT_FORWARD));
    download(k, v, got, n);
    hf_fr x = hf_fr_one();
    for (size_t i = 0; i < n; i++, x = hf_fr_mul(x, omega)) SAME_FR(got[i], horner_naive(a, n, x));
    OK(k->ops->ntt(k, &v, 1, log_n, HF_NTT_INVERSE));
    download(k, v, back, n);
    cr_assert_arr_eq(back, a, n * sizeof *a);
    k->ops->vec_destroy(k, v);
    free(a);
  }
}

static void cosets_against_definition(hf_backend *k) {
  uint64_t seed = 2;
  static const size_t lengths[] = {0, 1, 5, 16, 31, 32, 33, 34, 64, 65, 150};
  const unsigned log_n = 5;
  const size_t n = 32;
  for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
    hf_fr shift = random_fr(&seed), omega = hf_fr_root_of_unity((int)log_n), got[32];
    hf_fr *a = random_vector(&seed, 150);
    hf_vec *c = upload(k, a, 150), *v;
    OK(k->ops->vec_create(k, n, &v));
    OK(k->ops->coset_ntt(k, &v, (const hf_vec *const *)&c, 1, lengths[l], log_n, shift));
    download(k, v, got, n);
    hf_fr x = shift;
    for (size_t i = 0; i < n; i++, x = hf_fr_mul(x, omega)) SAME_FR(got[i], horner_naive(a, lengths[l], x));
    OK(k->ops->coset_intt(k, v, log_n, shift));
    if (lengths[l] <= n) {
      download(k, v, got, n);
      for (size_t i = 0; i < n; i++) SAME_FR(got[i], i < lengths[l] ? a[i] : hf_fr_zero());
    }
    k->ops->vec_destroy(k, v);
    k->ops->vec_destroy(k, c);
    free(a);
  }
}

/* Sizes that take both passes, odd and even splits; several vectors at once; the tail beyond n untouched. */
static void large_against_evaluation(hf_backend *k) {
  uint64_t seed = 3;
  static const unsigned logs[] = {9, 16, 10, 11, 12, 13, 14, 15};
  for (size_t l = 0; l < sizeof logs / sizeof logs[0]; l++) {
    unsigned log_n = logs[l];
    size_t n = (size_t)1 << log_n;
    hf_fr *a = random_vector(&seed, n + 3), *b = random_vector(&seed, n),
          *got = malloc((n + 3) * sizeof *got);
    hf_fr omega = hf_fr_root_of_unity((int)log_n), shift = random_fr(&seed);
    hf_vec *v[2] = {upload(k, a, n + 3), upload(k, b, n)}, *w;
    OK(k->ops->ntt(k, v, 2, log_n, HF_NTT_FORWARD));
    for (int which = 0; which < 2; which++) {
      download(k, v[which], got, n);
      for (int r = 0; r < 6; r++) {
        size_t i = r == 0 ? 0 : r == 1 ? 1 : r == 2 ? n - 1 : next_u64(&seed) % n;
        SAME_FR(got[i], horner_naive(which ? b : a, n, hf_fr_pow_u64(omega, i)));
      }
    }
    download(k, v[0], got, n + 3);
    cr_assert_arr_eq(got + n, a + n, 3 * sizeof *a);
    OK(k->ops->ntt(k, v, 2, log_n, HF_NTT_INVERSE));
    download(k, v[0], got, n + 3);
    cr_assert_arr_eq(got, a, (n + 3) * sizeof *a);
    download(k, v[1], got, n);
    cr_assert_arr_eq(got, b, n * sizeof *b);

    OK(k->ops->vec_create(k, n, &w));
    OK(k->ops->coset_ntt(k, &w, (const hf_vec *const *)&v[0], 1, n + 3, log_n, shift)); /* three coefficients more than fit: they wrap */
    download(k, w, got, n);
    for (int r = 0; r < 4; r++) {
      size_t i = r == 0 ? 0 : next_u64(&seed) % n;
      SAME_FR(got[i], horner_naive(a, n + 3, hf_fr_mul(shift, hf_fr_pow_u64(omega, i))));
    }
    OK(k->ops->coset_ntt(k, &w, (const hf_vec *const *)&v[1], 1, n, log_n, shift));
    OK(k->ops->coset_intt(k, w, log_n, shift));
    download(k, w, got, n);
    cr_assert_arr_eq(got, b, n * sizeof *b);
    k->ops->vec_destroy(k, v[0]);
    k->ops->vec_destroy(k, v[1]);
    k->ops->vec_destroy(k, w);
    free(a);
    free(b);
    free(got);
  }
}

/* More vectors in one call than a device takes in one launch: each as if it were alone, in one pass and in several. */
static void many_at_once(hf_backend *k) {
  enum { COUNT = 11 };
  uint64_t seed = 4;
  static const unsigned logs[] = {0, 1, 3, 10, 11, 13};
  for (size_t l = 0; l < sizeof logs / sizeof logs[0]; l++) {
    size_t n = (size_t)1 << logs[l];
    hf_fr shift = random_fr(&seed), *a[COUNT], *got = malloc(n * sizeof *got), *expected = malloc(n * sizeof *got);
    hf_vec *v[COUNT], *w[COUNT], *alone, *one;
    OK(k->ops->vec_create(k, n, &alone));
    for (int i = 0; i < COUNT; i++) {
      a[i] = random_vector(&seed, n);
      v[i] = upload(k, a[i], n);
      OK(k->ops->vec_create(k, n, &w[i]));
    }
    OK(k->ops->coset_ntt(k, w, (const hf_vec *const *)v, COUNT, n, logs[l], shift));
    for (int i = 0; i < COUNT; i++) {
      OK(k->ops->coset_ntt(k, &alone, (const hf_vec *const *)&v[i], 1, n, logs[l], shift));
      download(k, alone, expected, n);
      download(k, w[i], got, n);
      cr_assert_arr_eq(got, expected, n * sizeof *got, "coset, 2^%u, vector %d", logs[l], i);
    }
    OK(k->ops->ntt(k, v, COUNT, logs[l], HF_NTT_FORWARD));
    for (int i = 0; i < COUNT; i++) {
      one = upload(k, a[i], n);
      OK(k->ops->ntt(k, &one, 1, logs[l], HF_NTT_FORWARD));
      download(k, one, expected, n);
      download(k, v[i], got, n);
      cr_assert_arr_eq(got, expected, n * sizeof *got, "2^%u, vector %d", logs[l], i);
      k->ops->vec_destroy(k, one);
    }
    OK(k->ops->ntt(k, v, COUNT, logs[l], HF_NTT_INVERSE));
    for (int i = 0; i < COUNT; i++) {
      download(k, v[i], got, n);
      cr_assert_arr_eq(got, a[i], n * sizeof *got, "inverse, 2^%u, vector %d", logs[l], i);
      k->ops->vec_destroy(k, v[i]);
      k->ops->vec_destroy(k, w[i]);
      free(a[i]);
    }
    k->ops->vec_destroy(k, alone);
    free(got);
    free(expected);
  }
}

static void refusals(hf_backend *k) {
  hf_vec *v;
  OK(k->ops->vec_create(k, 8, &v));
  FAILS(k->ops->ntt(k, &v, 1, 4, HF_NTT_FORWARD), HF_E_ARGUMENT);
  FAILS(k->ops->ntt(k, &v, 1, 29, HF_NTT_FORWARD), HF_E_ARGUMENT);
  FAILS(k->ops->coset_intt(k, v, 3, hf_fr_zero()), HF_E_ARGUMENT);
  FAILS(k->ops->coset_ntt(k, &v, (const hf_vec *const *)&v, 1, 9, 3, hf_fr_one()), HF_E_ARGUMENT);
  k->ops->vec_destroy(k, v);
}

Test(cpu_ntt, small) { each_backend(small_against_definition); }
Test(cpu_ntt, cosets) { each_backend(cosets_against_definition); }
Test(cpu_ntt, large) { each_backend(large_against_evaluation); }
Test(cpu_ntt, many) { each_backend(many_at_once); }
Test(cpu_ntt, refuses) { each_backend(refusals); }

#if !defined(HF_TEST_SERIAL) && !defined(HF_TEST_DEVICE)
Test(cpu_ntt, registry) {
  hf_backend *k;
  hf_backend_options options = {.variant = "no such variant"};
  FAILS(hf_backend_create("no such backend", NULL, &k), HF_E_NOT_FOUND);
  cr_assert_null(k);
  cr_assert_not_null(strstr(hf_error_message(), "cpu"));
  FAILS(hf_backend_create("cpu", &options, &k), HF_E_NOT_FOUND);
  cr_assert_null(k);
  options.variant = NULL;
  options.threads = 100000;
  FAILS(hf_backend_create("cpu", &options, &k), HF_E_ARGUMENT);
  OK(hf_backend_create("cpu", NULL, &k));
  hf_backend_destroy(&k);
  hf_backend_destroy(&k);
}
#endif
