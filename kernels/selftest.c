/* Known answers for every operation of a backend: a device that computes wrongly must not prove.
 *
 * The answers come from big integers (selftest_answers.py) or, for the constraints, from relation.h row by
 * row. Sizes are the smallest that still take the long paths of the CPU backend. Takes a few milliseconds. */
#include "arith/poseidon2.h"
#include "backend.h"
#include <stdlib.h>
#include <string.h>
#include "relation_inputs.h"
#include "selftest_answers.h"

#define HF_SELFTEST_LOG      12
#define HF_SELFTEST_SIZE     ((size_t)1 << HF_SELFTEST_LOG)
#define HF_SELFTEST_COUNT    ((size_t)300)
#define HF_SELFTEST_ROWS_LOG 5
#define HF_SELFTEST_ROWS     ((size_t)1 << HF_SELFTEST_ROWS_LOG)

typedef struct selftest {
  hf_backend *backend;
  hf_fr x[HF_SELFTEST_SIZE], y[HF_SELFTEST_SIZE]; /* x_i = 5^(i+1); y is scratch on the host */
  hf_vec *a, *b; /* HF_SELFTEST_SIZE elements each; every step starts from a = x */
} selftest;

static hf_status wrong(const selftest *t, const char *operation) {
  return hf_fail(HF_E_DEVICE, "self-test: %s gives a wrong answer on backend \"%s\"", operation,
                 t->backend->ops->name);
}

#define DO(operation, ...) HF_TRY(HF_BACKEND_DO(t->backend, operation, __VA_ARGS__))
#define HAS(operation)     (t->backend->ops->operation != NULL)
#define EXPECT(operation, condition)                                                                         \
  do {                                                                                                       \
    if (!(condition)) HF_TRY(wrong(t, operation));                                                           \
  } while (0)
#define EXPECT_FR(operation, got, ...)                                                                       \
  do {                                                                                                       \
    hf_fr expected = __VA_ARGS__;                                                                            \
    EXPECT(operation, hf_fr_eq(got, expected));                                                              \
  } while (0)

static hf_fr fingerprint(const hf_fr *v, size_t count) {
  hf_fr sum = hf_fr_zero(), three = hf_fr_from_u64(3);
  for (size_t i = count; i-- > 0;) sum = hf_fr_add(hf_fr_mul(sum, three), v[i]);
  return sum;
}

/* The fingerprint of the first HF_SELFTEST_COUNT elements of a. */
#define EXPECT_A(operation, ...)                                                                             \
  do {                                                                                                       \
    DO(vec_download, t->a, 0, t->y, HF_SELFTEST_COUNT);                                                      \
    EXPECT_FR(operation, fingerprint(t->y, HF_SELFTEST_COUNT), __VA_ARGS__);                                 \
    DO(vec_upload, t->a, 0, t->x, HF_SELFTEST_SIZE);                                                         \
  } while (0)

static hf_status transforms(selftest *t) {
  hf_status status;
  hf_fr shift = hf_fr_from_u64(7);
  DO(ntt, &t->a, 1, HF_SELFTEST_LOG, HF_NTT_FORWARD);
  DO(vec_download, t->a, 0, t->y, HF_SELFTEST_SIZE);
  EXPECT_FR("ntt (forward)", t->y[777], HF_ANSWER_NTT_777);
  DO(ntt, &t->a, 1, HF_SELFTEST_LOG, HF_NTT_INVERSE);
  DO(vec_download, t->a, 0, t->y, HF_SELFTEST_SIZE);
  EXPECT("ntt (inverse)", memcmp(t->x, t->y, sizeof t->y) == 0);
  DO(coset_ntt, &t->b, (const hf_vec *const *)&t->a, 1, HF_SELFTEST_SIZE, HF_SELFTEST_LOG, shift);
  DO(vec_download, t->b, 0, t->y, HF_SELFTEST_SIZE);
  EXPECT_FR("coset_ntt", t->y[777], HF_ANSWER_COSET_NTT_777);
  DO(coset_intt, t->b, HF_SELFTEST_LOG, shift);
  DO(vec_download, t->b, 0, t->y, HF_SELFTEST_SIZE);
  EXPECT("coset_intt", memcmp(t->x, t->y, sizeof t->y) == 0);
out:
  return status;
}

/* sum_i s_i (i + 1) G is one multiple of G. Half of the scalars are 1, so that one bucket takes as many points as all others. */
static hf_status many_points(selftest *t) {
  hf_status status;
  hf_points *points = NULL;
  hf_g1 got, *multiples = malloc(HF_SELFTEST_SIZE * sizeof *multiples);
  hf_g1_xyzz walk = hf_g1_xyzz_infinity();
  hf_fr sum = hf_fr_zero();
  if (!multiples) HF_TRY(hf_fail(HF_E_MEMORY, "self-test: out of memory"));
  for (size_t i = 0; i < HF_SELFTEST_SIZE; i++) {
    walk = hf_g1_xyzz_add_affine(walk, hf_g1_generator());
    multiples[i] = hf_g1_from_xyzz(walk);
    t->y[i] = i % 2 ? hf_fr_one() : t->x[i];
    sum = hf_fr_add(sum, hf_fr_mul(t->y[i], hf_fr_from_u64(i + 1)));
  }
  DO(points_create, multiples, HF_SELFTEST_SIZE, &points);
  DO(vec_upload, t->b, 0, t->y, HF_SELFTEST_SIZE);
  DO(msm, points, t->b, HF_SELFTEST_SIZE, &got);
  EXPECT("msm (many points)", hf_g1_eq(got, hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), sum))));
out:
  free(multiples);
  if (points) t->backend->ops->points_destroy(t->backend, points);
  return status;
}

static hf_status commitments(selftest *t) {
  hf_status status;
  hf_points *points = NULL;
  hf_g1 multiples[HF_SELFTEST_COUNT], got, expected_msm = {HF_ANSWER_MSM_X, HF_ANSWER_MSM_Y};
  hf_g1 expected_commit = {HF_ANSWER_COMMIT_X, HF_ANSWER_COMMIT_Y};
  hf_g1_xyzz walk = hf_g1_xyzz_infinity();
  for (size_t i = 0; i < HF_SELFTEST_COUNT; i++) {
    walk = hf_g1_xyzz_add_affine(walk, hf_g1_generator());
    multiples[i] = hf_g1_from_xyzz(walk);
    hf_fr small[6] = {hf_fr_zero(), hf_fr_one(), hf_fr_from_u64(i), t->x[i], hf_fr_neg(hf_fr_one()), t->x[i]};
    t->y[i] = small[i % 6];
  }
  DO(points_create, multiples, HF_SELFTEST_COUNT, &points);
  DO(vec_upload, t->b, 0, t->y, HF_SELFTEST_COUNT);
  DO(msm, points, t->b, HF_SELFTEST_COUNT, &got);
  EXPECT("msm", hf_g1_eq(got, expected_msm));
  const hf_vec *parts[2] = {NULL, t->a};
  DO(commit, points, parts, 2, HF_SELFTEST_COUNT / 2, &got);
  EXPECT("commit", hf_g1_eq(got, expected_commit));
out:
  if (points) t->backend->ops->points_destroy(t->backend, points);
  return status;
}

static hf_status vectors(selftest *t) {
  hf_status status;
  hf_fr eleven = hf_fr_from_u64(11), got, rest[3];
  const size_t n = HF_SELFTEST_COUNT;
  DO(vec_upload, t->b, 0, t->x, HF_SELFTEST_SIZE);
  DO(batch_inverse, t->a, n);
  EXPECT_A("batch_inverse", HF_ANSWER_BATCH_INVERSE);
  DO(axpy, t->a, eleven, t->b, n);
  EXPECT_A("axpy", HF_ANSWER_AXPY);
  DO(axpy_strided, t->a, 3, 1, eleven, t->b, n / 3);
  EXPECT_A("axpy_strided", HF_ANSWER_AXPY_STRIDED);
  DO(scale, t->a, eleven, n);
  EXPECT_A("scale", HF_ANSWER_SCALE);
  DO(hadamard, t->a, t->b, n);
  EXPECT_A("hadamard", HF_ANSWER_HADAMARD);
  const hf_vec *poly = t->a;
  DO(evaluate, &poly, 1, n, eleven, &got);
  EXPECT_FR("evaluate", got, HF_ANSWER_EVALUATE);
  DO(divide, t->a, n, 3, hf_fr_from_u64(2), rest);
  EXPECT_FR("divide (remainder)", fingerprint(rest, 3), HF_ANSWER_DIVIDE_REMAINDER);
  EXPECT_A("divide", HF_ANSWER_DIVIDE);
  DO(prefix_sum, t->a, t->b, n, &got);
  EXPECT_FR("prefix_sum (total)", got, HF_ANSWER_PREFIX_SUM_TOTAL);
  EXPECT_A("prefix_sum", HF_ANSWER_PREFIX_SUM);
out:
  return status;
}

/* Two wires x_i and x_i^2, permutations 7 x_i and x_i + 1. */
static hf_status permutation(selftest *t) {
  hf_status status;
  hf_vec *square = NULL, *sigma[2] = {NULL, NULL};
  bool closes = true;
  for (int k = 0; k < 2; k++) DO(vec_create, HF_SELFTEST_SIZE, &sigma[k]);
  DO(vec_create, HF_SELFTEST_SIZE, &square);
  for (size_t i = 0; i < HF_SELFTEST_SIZE; i++) t->y[i] = hf_fr_sqr(t->x[i]);
  DO(vec_upload, square, 0, t->y, HF_SELFTEST_SIZE);
  for (size_t i = 0; i < HF_SELFTEST_SIZE; i++) t->y[i] = hf_fr_mul(t->x[i], hf_fr_from_u64(7));
  DO(vec_upload, sigma[0], 0, t->y, HF_SELFTEST_SIZE);
  for (size_t i = 0; i < HF_SELFTEST_SIZE; i++) t->y[i] = hf_fr_add(t->x[i], hf_fr_one());
  DO(vec_upload, sigma[1], 0, t->y, HF_SELFTEST_SIZE);
  const hf_vec *wires[2] = {t->a, square}, *sigmas[2] = {sigma[0], sigma[1]};
  DO(grand_product, t->b, wires, sigmas, 2, HF_SELFTEST_LOG, hf_fr_from_u64(13), hf_fr_from_u64(17), &closes);
  DO(vec_download, t->b, 0, t->y, HF_SELFTEST_SIZE);
  EXPECT_FR("grand_product", fingerprint(t->y, HF_SELFTEST_SIZE), HF_ANSWER_GRAND_PRODUCT);
  EXPECT("grand_product (closing)", !closes);
out:
  for (int k = 0; k < 2; k++)
    if (sigma[k]) t->backend->ops->vec_destroy(t->backend, sigma[k]);
  if (square) t->backend->ops->vec_destroy(t->backend, square);
  return status;
}

static hf_status hashes(selftest *t) {
  hf_status status;
  DO(poseidon2_compress4, t->b, t->a, HF_SELFTEST_SIZE / 4);
  DO(vec_download, t->b, 0, t->y, HF_SELFTEST_SIZE / 4);
  for (size_t i = 0; i < HF_SELFTEST_SIZE / 4; i += 85) {
    const hf_fr *x = t->x + 4 * i;
    EXPECT_FR("poseidon2_compress4", t->y[i], hf_poseidon2_compress4(x[0], x[1], x[2], x[3]));
  }
out:
  return status;
}

/* --- constraints: every column random, against relation.h on one row at a time ------- */

typedef struct relation_test {
  hf_fr column[HF_FIXED_COUNT + HF_WIRES + 6][HF_SELFTEST_ROWS];
  hf_vec *vec[HF_FIXED_COUNT + HF_WIRES + 6], *out[3];
  struct hf_relation_inputs in;
  hf_fr got[3][HF_SELFTEST_ROWS];
} relation_test;

static void relation_row(const relation_test *c, size_t i, hf_rel_row *row) {
  size_t next = (i + 1) % HF_SELFTEST_ROWS;
  const hf_fr(*rest)[HF_SELFTEST_ROWS] = c->column + HF_FIXED_COUNT + HF_WIRES;
  for (int k = 0; k < HF_FIXED_COUNT; k++) row->f[k] = c->column[k][i];
  for (int k = 0; k < HF_WIRES; k++) {
    row->w[k] = c->column[HF_FIXED_COUNT + k][i];
    row->wn[k] = c->column[HF_FIXED_COUNT + k][next];
  }
  row->m = rest[0][i];
  row->z = rest[1][i], row->zn = rest[1][next];
  row->range = rest[2][i], row->rangen = rest[2][next];
  row->rom = rest[3][i], row->romn = rest[3][next];
  row->rho = rest[4][i], row->rhon = rest[4][next];
  row->pi = rest[5][i];
}

static hf_status constraints(selftest *t) {
  hf_status status;
  relation_test *c = calloc(1, sizeof *c);
  if (!c) return hf_fail(HF_E_MEMORY, "self-test: out of memory");
  const int columns = HF_FIXED_COUNT + HF_WIRES + 6;
  for (int k = 0; k < columns; k++) {
    for (size_t i = 0; i < HF_SELFTEST_ROWS; i++)
      c->column[k][i] = hf_fr_pow_u64(hf_fr_from_u64(5), 1 + i * (size_t)columns + (size_t)k);
    DO(vec_create, HF_SELFTEST_ROWS, &c->vec[k]);
  }
  for (size_t i = 0; i < HF_SELFTEST_ROWS; i++) { /* the sums take 0/1 selectors */
    hf_fr one = hf_fr_one();
    c->column[HF_S_RANGE][i] = i % 3 ? hf_fr_zero() : one;
    c->column[HF_ROM][i] = i % 4 == 0 ? one : i % 4 == 1 ? hf_fr_neg(one) : hf_fr_zero();
    c->column[HF_S_EDWARDS][i] = i % 5 ? hf_fr_zero() : one;
    c->column[HF_S_NONNATIVE][i] = i % 2 ? hf_fr_zero() : one;
    if (i % 7 == 0) c->column[HF_FIXED_COUNT + HF_WIRES][i] = hf_fr_zero(); /* multiplicity */
  }
  for (int k = 0; k < columns; k++) DO(vec_upload, c->vec[k], 0, c->column[k], HF_SELFTEST_ROWS);
  for (int k = 0; k < 3; k++) DO(vec_create, HF_SELFTEST_ROWS, &c->out[k]);
  c->in.log_n = HF_SELFTEST_ROWS_LOG;
  for (int k = 0; k < HF_FIXED_COUNT; k++) c->in.fixed[k] = c->vec[k];
  for (int k = 0; k < HF_WIRES; k++) c->in.wires[k] = c->vec[HF_FIXED_COUNT + k];
  hf_vec **rest = c->vec + HF_FIXED_COUNT + HF_WIRES;
  c->in.multiplicity = rest[0];
  c->in.z = rest[1];
  c->in.range = rest[2];
  c->in.rom = rest[3];
  c->in.rho = rest[4];
  c->in.public_inputs = rest[5];
  hf_rel_challenges *drawn = &c->in.challenges;
  drawn->beta = t->x[2000], drawn->gamma = t->x[2001], drawn->lambda = t->x[2002];
  drawn->eta = t->x[2003], drawn->chi = t->x[2004], drawn->alpha = t->x[2005];
  hf_rel_derive(drawn);
  hf_rel_row row;
  if (HAS(sum_terms)) {
    DO(sum_terms, &c->in, c->out[0], c->out[1], c->out[2]);
    for (int k = 0; k < 3; k++) DO(vec_download, c->out[k], 0, c->got[k], HF_SELFTEST_ROWS);
    for (size_t i = 0; i < HF_SELFTEST_ROWS; i++) {
      relation_row(c, i, &row);
      const hf_rel_challenges *ch = &c->in.challenges;
      hf_fr sum = hf_fr_neg(hf_fr_mul(row.m, hf_fr_inv(hf_fr_add(ch->lambda, row.f[HF_TABLE_RANGE]))));
      for (int k = 0; k < 4; k++)
        sum = hf_fr_add(sum, hf_fr_mul(row.f[HF_S_RANGE], hf_fr_inv(hf_fr_add(ch->lambda, row.w[k]))));
      EXPECT_FR("sum_terms (range)", c->got[0][i], sum);
      hf_fr numerator, denominator = hf_rel_rom_denominator(&row, ch, &numerator);
      EXPECT_FR("sum_terms (ROM)", c->got[1][i], hf_fr_mul(numerator, hf_fr_inv(denominator)));
      EXPECT_FR("sum_terms (non-native)", c->got[2][i],
                hf_fr_mul(row.f[HF_S_NONNATIVE], hf_rel_nonnative_term(&row, ch)));
    }
  }
  if (HAS(quotient)) {
    hf_fr shift = hf_fr_from_u64(7), omega = hf_fr_root_of_unity(HF_SELFTEST_ROWS_LOG), one = hf_fr_one();
    DO(quotient, &c->in, shift, c->out[0]);
    DO(vec_download, c->out[0], 0, c->got[0], HF_SELFTEST_ROWS);
    hf_fr zh = hf_fr_sub(hf_fr_pow_u64(shift, HF_SELFTEST_ROWS), one);
    for (size_t i = 0; i < HF_SELFTEST_ROWS; i++) {
      relation_row(c, i, &row);
      row.x = hf_fr_mul(shift, hf_fr_pow_u64(omega, i));
      row.l1 = hf_fr_mul(zh, hf_fr_inv(hf_fr_mul(hf_fr_from_u64(HF_SELFTEST_ROWS), hf_fr_sub(row.x, one))));
      EXPECT_FR("quotient", hf_fr_mul(c->got[0][i], zh), hf_rel_combine(&row, &c->in.challenges));
    }
  }
out:
  for (int k = 0; k < columns; k++)
    if (c->vec[k]) t->backend->ops->vec_destroy(t->backend, c->vec[k]);
  for (int k = 0; k < 3; k++)
    if (c->out[k]) t->backend->ops->vec_destroy(t->backend, c->out[k]);
  free(c);
  return status;
}

hf_status hf_backend_selftest(hf_backend *backend) {
  hf_status status;
  selftest *t = calloc(1, sizeof *t);
  if (!t) return hf_fail(HF_E_MEMORY, "self-test: out of memory");
  t->backend = backend;
  hf_fr power = hf_fr_one(), five = hf_fr_from_u64(5);
  for (size_t i = 0; i < HF_SELFTEST_SIZE; i++) t->x[i] = power = hf_fr_mul(power, five);
  DO(vec_create, HF_SELFTEST_SIZE, &t->a);
  DO(vec_create, HF_SELFTEST_SIZE, &t->b);
  DO(vec_upload, t->a, 0, t->x, HF_SELFTEST_SIZE);
  if (HAS(ntt) && HAS(coset_ntt) && HAS(coset_intt)) HF_TRY(transforms(t));
  if (HAS(msm) && HAS(commit)) HF_TRY(commitments(t));
  if (HAS(msm)) HF_TRY(many_points(t));
  HF_TRY(vectors(t));
  if (HAS(grand_product)) HF_TRY(permutation(t));
  if (HAS(poseidon2_compress4)) HF_TRY(hashes(t));
  HF_TRY(constraints(t));
out:
  if (t->a) backend->ops->vec_destroy(backend, t->a);
  if (t->b) backend->ops->vec_destroy(backend, t->b);
  free(t);
  return status;
}
