/* The group law in every coordinate system, and the backend's multi-scalar multiplication, against
 * @noble/curves (tests/oracle/arith.mjs), with the special cases on all sides. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../host/vectors.h"
#include "arith/ec.h"
#include "backend.h"

#define SAME(got, expected, c) cr_assert(hf_g1_eq((got), (expected)), "line %d", (c)->line)

/* p with Z != 1: the same point in another representation. */
static hf_g1_xyzz scaled(hf_g1 p, hf_u64 by) {
  hf_g1_xyzz z = hf_g1_to_xyzz(p);
  if (hf_g1_xyzz_is_infinity(z)) return z;
  hf_fq u = hf_fq_from_u64(by);
  z.zz = hf_fq_sqr(u);
  z.zzz = hf_fq_mul(z.zz, u);
  z.x = hf_fq_mul(p.x, z.zz);
  z.y = hf_fq_mul(p.y, z.zzz);
  return z;
}

static void field_case(vector_case *c, void *context) {
  (void)context;
  if (c->name[1] == 'r') {
    hf_fr a = take_fr(c), b = take_fr(c), sum = take_fr(c), difference = take_fr(c), product = take_fr(c);
    hf_fr inverse = take_fr(c);
    cr_assert(hf_fr_eq(hf_fr_add(a, b), sum) && hf_fr_eq(hf_fr_sub(a, b), difference), "line %d", c->line);
    cr_assert(hf_fr_eq(hf_fr_mul(a, b), product) && hf_fr_eq(hf_fr_inv(a), inverse), "line %d", c->line);
  } else {
    hf_fq a = take_fq(c), b = take_fq(c), sum = take_fq(c), difference = take_fq(c), product = take_fq(c);
    hf_fq inverse = take_fq(c);
    cr_assert(hf_fq_eq(hf_fq_add(a, b), sum) && hf_fq_eq(hf_fq_sub(a, b), difference), "line %d", c->line);
    cr_assert(hf_fq_eq(hf_fq_mul(a, b), product) && hf_fq_eq(hf_fq_inv(a), inverse), "line %d", c->line);
  }
}

static void add_case(vector_case *c, void *context) {
  (void)context;
  hf_g1 a = take_g1(c), b = take_g1(c), sum = take_g1(c);
  cr_assert_eq(hf_g1_on_curve(sum), !hf_g1_is_infinity(sum));
  for (hf_u64 u = 1; u <= 3; u += 2) {
    SAME(hf_g1_from_xyzz(hf_g1_xyzz_add_affine(scaled(a, u), b)), sum, c);
    for (hf_u64 v = 1; v <= 5; v += 4)
      SAME(hf_g1_from_xyzz(hf_g1_xyzz_add(scaled(a, u), scaled(b, v))), sum, c);
    if (hf_g1_eq(a, b)) SAME(hf_g1_from_xyzz(hf_g1_xyzz_dbl(scaled(a, u))), sum, c);
    /* -(a + b) = -a - b */
    SAME(hf_g1_from_xyzz(hf_g1_xyzz_neg(hf_g1_xyzz_add_affine(scaled(a, u), b))), hf_g1_neg(sum), c);
  }
}

static void mul_case(vector_case *c, void *context) {
  (void)context;
  hf_g1 p = take_g1(c);
  hf_fr k = take_fr(c);
  hf_g1 product = take_g1(c);
  SAME(hf_g1_from_xyzz(hf_g1_mul(p, k)), product, c);
}

static void msm_case(vector_case *c, void *context) {
  hf_backend *k = context;
  size_t n = take_count(c);
  hf_g1 points[32], got, sum;
  hf_fr scalars[32];
  cr_assert_leq(n, 32);
  for (size_t i = 0; i < n; i++) points[i] = take_g1(c);
  for (size_t i = 0; i < n; i++) scalars[i] = take_fr(c);
  sum = take_g1(c);
  hf_points *handle;
  hf_vec *v;
  cr_assert_eq(k->ops->points_create(k, points, n, &handle), HF_OK);
  cr_assert_eq(k->ops->vec_create(k, n, &v), HF_OK);
  cr_assert_eq(k->ops->vec_upload(k, v, 0, scalars, n), HF_OK);
  cr_assert_eq(k->ops->msm(k, handle, v, n, &got), HF_OK);
  SAME(got, sum, c);
  k->ops->vec_destroy(k, v);
  k->ops->points_destroy(k, handle);
}

Test(arith_oracle, fields) { cr_assert_eq(vectors_each("arith.txt", "f", field_case, NULL), 24); }
Test(arith_oracle, sums) { cr_assert_eq(vectors_each("arith.txt", "g1_add", add_case, NULL), 36); }
Test(arith_oracle, products) { cr_assert_eq(vectors_each("arith.txt", "g1_mul", mul_case, NULL), 30); }

Test(arith_oracle, sums_of_products) {
  for (int variant = 0; variant < 2; variant++) {
    hf_backend_options options = {.threads = 1, .variant = variant ? "mulx" : "portable"};
    hf_backend *k;
    hf_status status = hf_backend_create("cpu", &options, &k);
    if (variant && (status == HF_E_UNSUPPORTED || status == HF_E_NOT_FOUND)) continue;
    cr_assert_eq(status, HF_OK);
    cr_assert_eq(vectors_each("arith.txt", "msm", msm_case, k), 5);
    hf_backend_destroy(&k);
  }
}

/* The committed vectors are what the packages say today. Skipped without node or its packages. */
Test(arith_oracle, regenerates) {
  const char *dir = HF_SOURCE_DIR "/tests/oracle";
  char path[512], command[640], line[8192], expected[8192];
  snprintf(path, sizeof path, "%s/node_modules/@noble/curves", dir);
  if (access(path, F_OK) != 0 || system("command -v node >/dev/null 2>&1") != 0)
    cr_skip_test("no node or no packages in tests/oracle");
  snprintf(command, sizeof command, "cd '%s' && node arith.mjs", dir);
  snprintf(path, sizeof path, "%s/vectors/arith.txt", dir);
  FILE *made = popen(command, "r"), *kept = fopen(path, "r");
  cr_assert(made != NULL && kept != NULL);
  int lines = 0;
  while (fgets(line, sizeof line, made)) {
    lines++;
    cr_assert(fgets(expected, sizeof expected, kept) != NULL && strcmp(line, expected) == 0,
              "line %d differs", lines);
  }
  cr_assert(fgets(expected, sizeof expected, kept) == NULL, "more vectors than the script makes");
  fclose(kept);
  cr_assert_eq(pclose(made), 0, "node arith.mjs failed");
  cr_assert_eq(lines, 95);
}
