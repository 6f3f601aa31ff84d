/* Vector operations against their one-line definitions, at sizes around the chunk borders. */
#include "support.h"

static const size_t sizes[] = {0, 1, 2, 3, 5, 100, 4095, 4096, 4097, 12345};
#define EACH_SIZE(i) for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)

static void memory(hf_backend *k) {
  uint64_t seed = 20;
  hf_fr *a = random_vector(&seed, 100), got[100];
  hf_vec *v;
  OK(k->ops->vec_create(k, 100, &v));
  cr_assert_eq(hf_vec_length(v), 100);
  download(k, v, got, 100);
  for (int i = 0; i < 100; i++) SAME_FR(got[i], hf_fr_zero());
  OK(k->ops->vec_upload(k, v, 10, a, 90));
  OK(k->ops->vec_copy(k, v, 0, v, 5, 80)); /* overlaps */
  OK(k->ops->vec_zero(k, v, 50, 3));
  download(k, v, got, 100);
  for (size_t i = 0; i < 80; i++)
    SAME_FR(got[i], i + 5 < 10 || (i >= 50 && i < 53) ? hf_fr_zero() : a[i + 5 - 10]);
  FAILS(k->ops->vec_upload(k, v, 11, a, 90), HF_E_ARGUMENT);
  FAILS(k->ops->vec_download(k, v, 101, got, 0), HF_E_ARGUMENT);
  FAILS(k->ops->vec_copy(k, v, SIZE_MAX, v, 0, 2), HF_E_ARGUMENT);
  FAILS(k->ops->vec_zero(k, v, 1, SIZE_MAX), HF_E_ARGUMENT);
  k->ops->vec_destroy(k, v);
  FAILS(k->ops->vec_create(k, SIZE_MAX / 8, &v), HF_E_MEMORY);
  cr_assert_null(v);
  free(a);
}

static void element_by_element(hf_backend *k) {
  uint64_t seed = 21;
  EACH_SIZE(s) {
    size_t n = sizes[s];
    hf_fr *a = random_vector(&seed, 3 * n + 2), *x = random_vector(&seed, n),
          *got = malloc((3 * n + 2) * sizeof *got);
    hf_fr factors[] = {random_fr(&seed), hf_fr_one(), hf_fr_zero(), hf_fr_neg(hf_fr_one())};
    for (int f = 0; f < 4; f++) {
      hf_vec *va = upload(k, a, 3 * n + 2), *vx = upload(k, x, n);
      OK(k->ops->axpy(k, va, factors[f], vx, n));
      download(k, va, got, 3 * n + 2);
      for (size_t i = 0; i < 3 * n + 2; i++)
        SAME_FR(got[i], i < n ? hf_fr_add(a[i], hf_fr_mul(factors[f], x[i])) : a[i]);
      OK(k->ops->vec_upload(k, va, 0, a, 3 * n + 2));
      OK(k->ops->axpy_strided(k, va, 3, 2, factors[f], vx, n));
      download(k, va, got, 3 * n + 2);
      for (size_t i = 0; i < 3 * n + 2; i++)
        SAME_FR(got[i], i % 3 == 2 && i / 3 < n ? hf_fr_add(a[i], hf_fr_mul(factors[f], x[i / 3])) : a[i]);
      OK(k->ops->scale(k, vx, factors[f], n));
      download(k, vx, got, n);
      for (size_t i = 0; i < n; i++) SAME_FR(got[i], hf_fr_mul(factors[f], x[i]));
      OK(k->ops->vec_upload(k, va, 0, a, 3 * n + 2));
      OK(k->ops->hadamard(k, va, vx, n));
      download(k, va, got, 3 * n + 2);
      for (size_t i = 0; i < n; i++) SAME_FR(got[i], hf_fr_mul(a[i], hf_fr_mul(factors[f], x[i])));
      if (n) {
        FAILS(k->ops->axpy_strided(k, va, 3, 5, hf_fr_one(), vx, n), HF_E_ARGUMENT);
        FAILS(k->ops->axpy(k, va, hf_fr_one(), vx, n + 1), HF_E_ARGUMENT);
        FAILS(k->ops->hadamard(k, va, vx, n + 1), HF_E_ARGUMENT);
        FAILS(k->ops->scale(k, vx, hf_fr_one(), n + 1), HF_E_ARGUMENT);
      }
      k->ops->vec_destroy(k, va);
      k->ops->vec_destroy(k, vx);
    }
    free(a);
    free(x);
    free(got);
  }
}

static void inverses(hf_backend *k) {
  uint64_t seed = 22;
  EACH_SIZE(s) {
    size_t n = sizes[s];
    for (int zeros = 0; zeros < 3; zeros++) {
      hf_fr *a = random_vector(&seed, n), *got = malloc((n + 1) * sizeof *got);
      for (size_t i = 0; i < n; i++)
        if (zeros == 2 || (zeros == 1 && next_u64(&seed) % 3 == 0)) a[i] = hf_fr_zero();
      hf_vec *v = upload(k, a, n);
      OK(k->ops->batch_inverse(k, v, n));
      download(k, v, got, n);
      for (size_t i = 0; i < n; i++)
        SAME_FR(hf_fr_mul(got[i], a[i]), hf_fr_is_zero(a[i]) ? hf_fr_zero() : hf_fr_one());
      for (size_t i = 0; i < n; i++)
        if (hf_fr_is_zero(a[i])) SAME_FR(got[i], hf_fr_zero());
      k->ops->vec_destroy(k, v);
      free(a);
      free(got);
    }
  }
}

static void evaluations_and_quotients(hf_backend *k) {
  uint64_t seed = 23;
  EACH_SIZE(s) {
    size_t n = sizes[s];
    hf_fr *a = random_vector(&seed, n), *b = random_vector(&seed, n), *got = malloc((n + 1) * sizeof *got),
          out[2];
    hf_fr point = random_fr(&seed);
    hf_vec *polys[2] = {upload(k, a, n), upload(k, b, n)};
    OK(k->ops->evaluate(k, (const hf_vec *const *)polys, 2, n, point, out));
    SAME_FR(out[0], horner_naive(a, n, point));
    SAME_FR(out[1], horner_naive(b, n, point));
    OK(k->ops->evaluate(k, (const hf_vec *const *)polys, 1, n, hf_fr_zero(), out));
    SAME_FR(out[0], n ? a[0] : hf_fr_zero());
    FAILS(k->ops->evaluate(k, (const hf_vec *const *)polys, 2, n + 1, point, out), HF_E_ARGUMENT);

    static const size_t strides[] = {1, 2, 3, 6, 8, 100};
    for (size_t d = 0; d < sizeof strides / sizeof strides[0]; d++) {
      size_t stride = strides[d];
      hf_fr rest[100], root = d % 2 ? hf_fr_one() : random_fr(&seed);
      OK(k->ops->vec_upload(k, polys[0], 0, a, n));
      OK(k->ops->divide(k, polys[0], n, stride, root, rest));
      download(k, polys[0], got, n);
      /* a == quotient * (X^stride - root) + rest, coefficient by coefficient */
      for (size_t i = 0; i < n; i++) {
        hf_fr sum = hf_fr_neg(hf_fr_mul(root, got[i]));
        if (i >= stride) sum = hf_fr_add(sum, got[i - stride]);
        if (i < stride) sum = hf_fr_add(sum, rest[i]);
        SAME_FR(sum, a[i]);
        if (i + stride >= n) SAME_FR(got[i], hf_fr_zero());
      }
      for (size_t i = n; i < stride; i++) SAME_FR(rest[i], hf_fr_zero());
    }
    FAILS(k->ops->divide(k, polys[0], n, 0, point, out), HF_E_ARGUMENT);
    k->ops->vec_destroy(k, polys[0]);
    k->ops->vec_destroy(k, polys[1]);
    free(a);
    free(b);
    free(got);
  }
}

static void running_sums(hf_backend *k) {
  uint64_t seed = 24;
  EACH_SIZE(s) {
    size_t n = sizes[s];
    hf_fr *a = random_vector(&seed, n), *got = malloc((n + 1) * sizeof *got), total, sum = hf_fr_zero();
    hf_vec *v = upload(k, a, n), *out;
    OK(k->ops->vec_create(k, n, &out));
    OK(k->ops->prefix_sum(k, out, v, n, &total));
    download(k, out, got, n);
    for (size_t i = 0; i < n; sum = hf_fr_add(sum, a[i]), i++) SAME_FR(got[i], sum);
    SAME_FR(total, sum);
    OK(k->ops->prefix_sum(k, v, v, n, &total));
    SAME_FR(total, sum);
    download(k, v, a, n);
    cr_assert_arr_eq(a, got, n * sizeof *a);
    FAILS(k->ops->prefix_sum(k, out, v, n + 1, &total), HF_E_ARGUMENT);
    k->ops->vec_destroy(k, v);
    k->ops->vec_destroy(k, out);
    free(a);
    free(got);
  }
}

enum { WIRES = 3 };

static void grand_products(hf_backend *k) {
  uint64_t seed = 25;
  for (unsigned log_n = 0; log_n <= 14; log_n += log_n < 4 ? 1 : 5) {
    size_t n = (size_t)1 << log_n;
    hf_fr *wire[WIRES], *sigma[WIRES], *z = malloc(n * sizeof *z), omega = hf_fr_root_of_unity((int)log_n);
    hf_fr beta = random_fr(&seed), gamma = random_fr(&seed), k_w = hf_fr_one(), five = hf_fr_from_u64(5);
    for (int w = 0; w < WIRES; w++, k_w = hf_fr_mul(k_w, five)) {
      wire[w] = random_vector(&seed, n);
      sigma[w] = malloc(n * sizeof **sigma);
      hf_fr x = k_w;
      for (size_t i = 0; i < n; i++, x = hf_fr_mul(x, omega)) sigma[w][i] = x;
    }
    /* A few cycles: places that are swapped hold equal values. */
    for (size_t i = 0; i < n; i++) {
      int w = (int)(next_u64(&seed) % WIRES), v = (int)(next_u64(&seed) % WIRES);
      size_t j = next_u64(&seed) % n;
      hf_fr swap = sigma[w][i];
      sigma[w][i] = sigma[v][j];
      sigma[v][j] = swap;
      wire[w][i] = wire[v][j] = hf_fr_from_u64(9); /* all cycles share one value */
    }
    for (int spoiled = 0; spoiled < 2; spoiled++) {
      if (spoiled) sigma[WIRES - 1][n - 1] = hf_fr_add(sigma[WIRES - 1][n - 1], hf_fr_one());
      hf_vec *wires[WIRES], *sigmas[WIRES], *out;
      for (int w = 0; w < WIRES; w++) {
        wires[w] = upload(k, wire[w], n);
        sigmas[w] = upload(k, sigma[w], n);
      }
      OK(k->ops->vec_create(k, n, &out));
      bool closes = !spoiled ? false : true;
      OK(k->ops->grand_product(k, out, (const hf_vec *const *)wires, (const hf_vec *const *)sigmas, WIRES,
                               log_n, beta, gamma, &closes));
      cr_assert_eq(closes, !spoiled, "2^%u rows", log_n);
      download(k, out, z, n);
      SAME_FR(z[0], hf_fr_one());
      hf_fr x = hf_fr_one();
      for (size_t i = 0; i + 1 < n; i++, x = hf_fr_mul(x, omega)) {
        hf_fr above = z[i], below = z[i + 1], shift = x;
        for (int w = 0; w < WIRES; w++, shift = hf_fr_mul(shift, five)) {
          hf_fr value = hf_fr_add(wire[w][i], gamma);
          above = hf_fr_mul(above, hf_fr_add(value, hf_fr_mul(beta, shift)));
          below = hf_fr_mul(below, hf_fr_add(value, hf_fr_mul(beta, sigma[w][i])));
        }
        SAME_FR(above, below);
      }
      k->ops->vec_destroy(k, out);
      for (int w = 0; w < WIRES; w++) {
        k->ops->vec_destroy(k, wires[w]);
        k->ops->vec_destroy(k, sigmas[w]);
      }
    }
    for (int w = 0; w < WIRES; w++) {
      free(wire[w]);
      free(sigma[w]);
    }
    free(z);
  }
}

/* Memory of large vectors is kept and given out again. */
static void zeroed_again(hf_backend *k) {
  uint64_t seed = 99;
  static const size_t lengths[] = {10, 1u << 17, (1u << 17) + 4};
  for (int round = 0; round < 3; round++)
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
      hf_vec *v[3];
      hf_fr *got = malloc(lengths[l] * sizeof *got), last = random_fr(&seed);
      for (int i = 0; i < 3; i++) {
        OK(k->ops->vec_create(k, lengths[l], &v[i]));
        download(k, v[i], got, lengths[l]);
        for (size_t e = 0; e < lengths[l]; e++) cr_assert(hf_fr_is_zero(got[e]), "round %d, element %zu", round, e);
        OK(k->ops->vec_upload(k, v[i], 0, &last, 1));
        OK(k->ops->vec_upload(k, v[i], lengths[l] - 1, &last, 1));
        OK(k->ops->vec_upload(k, v[i], lengths[l] / 2, &last, 1));
      }
      for (int i = 0; i < 3; i++) k->ops->vec_destroy(k, v[i]);
      free(got);
    }
}

Test(cpu_vector, zeroed_again) { each_backend(zeroed_again); }

Test(cpu_vector, memory) { each_backend(memory); }
Test(cpu_vector, element_by_element) { each_backend(element_by_element); }
Test(cpu_vector, inverses) { each_backend(inverses); }
Test(cpu_vector, evaluations_and_quotients) { each_backend(evaluations_and_quotients); }
Test(cpu_vector, running_sums) { each_backend(running_sums); }
Test(cpu_vector, grand_products) { each_backend(grand_products); }
