/* Arithmetic modulo q and points of G1 in rows, against GMP and the host's curve. */
#include "circuit_support.h"
#include <gmp.h>
#include "circuit/points.h"

#define WIDTH HF_NONNATIVE_WIDTH

static void to_mpz(mpz_t out, const uint64_t l[4]) { mpz_import(out, 4, -1, 8, 0, 0, l); }

static hf_fq fq_random(uint64_t seed) {
  hf_fr x = hf_fr_to_limbs(fr_random(seed));
  hf_fq l = {{x.l[0], x.l[1], x.l[2], x.l[3]}};
  return hf_fq_from_limbs(l);
}

typedef struct product_input {
  hf_fq x[8], y[8];
  hf_limbs z[8]; /* written by the circuit */
  int count;
} product_input;

static void product_circuit(hf_builder *b, const void *input) {
  product_input *in = (product_input *)(uintptr_t)input;
  for (int i = 0; i < in->count; i++) {
    hf_limbs x = hf_limbs_hint(b, in->x[i], "x"), y = hf_limbs_hint(b, in->y[i], "y");
    in->z[i] = hf_nonnative_mul(b, x, y);
    for (int k = 0; k < 4; k++) hf_public_input(b, in->z[i].l[k]);
  }
}

Test(nonnative, products_agree_with_gmp) {
  product_input in = {.count = 8};
  for (uint64_t i = 0; i < 8; i++) {
    in.x[i] = fq_random(i);
    in.y[i] = fq_random(100 + i);
  }
  in.x[0] = in.y[0] = hf_fq_zero();
  in.x[1] = in.y[1] = hf_fq_neg(hf_fq_one());
  in.x[2] = hf_fq_one();
  in.y[2] = hf_fq_neg(hf_fq_one());
  hf_circuit *c = build(WIDTH, product_circuit, &in, NULL);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  mpz_t q, x, y, z;
  mpz_inits(q, x, y, z, NULL);
  mpz_set_str(q, "21888242871839275222246405745257275088696311157297823662689037894645226208583", 10);
  for (int i = 0; i < 8; i++) {
    uint64_t limbs[4];
    hf_fq xl = hf_fq_to_limbs(in.x[i]), yl = hf_fq_to_limbs(in.y[i]);
    to_mpz(x, xl.l);
    to_mpz(y, yl.l);
    mpz_mul(x, x, y);
    mpz_mod(x, x, q);
    for (int k = 0; k < 4; k++) limbs[k] = hf_fr_to_limbs(c->public_inputs[4 * i + k]).l[0];
    to_mpz(z, limbs);
    cr_assert_eq(mpz_cmp(x, z), 0, "product %d", i);
  }
  mpz_clears(q, x, y, z, NULL);
  hf_circuit_destroy(&c);
  in.count = 1;
  in.x[0] = fq_random(5);
  in.y[0] = fq_random(6);
  liar wrong = {.name = "product mod q", .index = 0, .add = true, .value = fr(1)};
  assert_refused(WIDTH, product_circuit, &in, &wrong, "product modulo q");
  liar quotient = {.name = "quotient limb", .index = 2, .add = true, .value = fr(1)};
  assert_refused(WIDTH, product_circuit, &in, &quotient, "product modulo q");
  liar carry = {.name = "carry", .index = 1, .add = true, .value = fr(1)};
  assert_refused(WIDTH, product_circuit, &in, &carry, "product modulo q");
  hf_fr big = {{0, 16, 0, 0}}; /* 2^68 */
  liar limb = {.name = "x", .index = 1, .add = true, .value = hf_fr_from_limbs(big)};
  assert_refused(WIDTH, product_circuit, &in, &limb, "x");
}

/* quotient + 1 with z - q: the integers agree, the negative z does not fit its limbs. */
typedef struct pair_liar {
  int seen_product, seen_quotient;
} pair_liar;

static void pair_lie(void *context, uint32_t hint, const char *name, hf_fr *value) {
  pair_liar *l = context;
  (void)hint;
  if (!strcmp(name, "product mod q")) *value = hf_fr_sub(*value, fr(q_limbs[l->seen_product++]));
  if (!strcmp(name, "quotient limb") && l->seen_quotient++ == 0) *value = hf_fr_add(*value, fr(1));
}

Test(nonnative, compensating_changes_are_refused) {
  product_input in = {.count = 1};
  in.x[0] = fq_random(1);
  in.y[0] = fq_random(2);
  pair_liar l = {0, 0};
  hf_circuit *c = build_with(WIDTH, product_circuit, &in, pair_lie, &l);
  cr_assert_eq(hf_circuit_check(c), HF_E_UNSATISFIED);
  hf_circuit_destroy(&c);
  /* an identity whose carries would not fit is refused when it is built */
  hf_builder *b;
  hf_builder_options options = {.table_width = WIDTH};
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  hf_limbs x = hf_limbs_hint(b, in.x[0], "x");
  hf_operand o[2] = {{.v = x, .square = 16}, {.v = x, .square = 16}};
  hf_nonnative_identity(b, "too large", o, 2);
  cr_assert_eq(hf_builder_finish(b, &c), HF_E_ARGUMENT);
  cr_assert(strstr(hf_error_message(), "too large"));
  hf_builder_destroy(&b);
}

typedef struct points_input {
  hf_g1 p[5];
  uint64_t address[3];
  hf_g1 sum, chain; /* written by the circuit */
  uint32_t rows_add, rows_group, rows_chain;
  bool group;
} points_input;

static hf_g1 point(uint64_t k) { return hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), fr(k))); }

static void points_circuit(hf_builder *b, const void *input) {
  points_input *in = (points_input *)(uintptr_t)input;
  hf_curve_point p[5];
  hf_signed_sums sums;
  hf_chain chain;
  for (int i = 0; i < 5; i++) p[i] = hf_curve_point_hint(b, in->p[i], "point");
  uint32_t start = hf_builder_rows(b);
  hf_curve_point sum = hf_curve_add(b, p[0], p[1], false);
  in->rows_add = hf_builder_rows(b) - start;
  in->sum = hf_curve_point_value(b, sum);
  for (int k = 0; k < 4; k++) hf_public_input(b, sum.y.l[k]);
  if (!in->group) {
    hf_chain_begin(b, &chain, sum, p[2]);
    start = hf_builder_rows(b);
    hf_chain_add(b, &chain, p[3]);
    in->rows_chain = hf_builder_rows(b) - start;
    hf_chain_add(b, &chain, p[4]);
    in->chain = hf_curve_point_value(b, hf_chain_end(b, &chain));
    return;
  }
  start = hf_builder_rows(b);
  hf_signed_sums_create(b, p, 5, &sums);
  in->rows_group = hf_builder_rows(b) - start;
  hf_var a[3];
  for (int i = 0; i < 3; i++) a[i] = hf_hint(b, fr(in->address[i]), "address");
  hf_chain_begin(b, &chain, sum, hf_signed_sums_read(b, &sums, a[0]));
  hf_chain_add_read(b, &chain, &sums, a[1]);
  start = hf_builder_rows(b);
  hf_chain_add_read(b, &chain, &sums, a[2]);
  in->rows_chain = hf_builder_rows(b) - start;
  in->chain = hf_curve_point_value(b, hf_chain_end(b, &chain));
}

static hf_g1 add(hf_g1 p, hf_g1 q) { return hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(p), q)); }

static hf_g1 signed_sum(const hf_g1 p[5], uint64_t address) {
  hf_g1_xyzz sum = hf_g1_xyzz_infinity();
  for (int i = 0; i < 5; i++) sum = hf_g1_xyzz_add_affine(sum, address >> i & 1 ? p[i] : hf_g1_neg(p[i]));
  return hf_g1_from_xyzz(sum);
}

Test(nonnative, points_chains_and_groups) {
  points_input in = {.address = {5, 31, 16}};
  uint64_t k[5] = {3, 1000, 77777, 123456789, 0xdeadbeefcafeull};
  for (int i = 0; i < 5; i++) in.p[i] = point(k[i]);
  hf_g1 expected = add(in.p[0], in.p[1]);

  hf_circuit *c = build(WIDTH, points_circuit, &in, NULL);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  cr_assert(hf_g1_eq(in.sum, expected));
  cr_assert(hf_g1_eq(in.chain, point(k[0] + k[1] + k[2] + k[3] + k[4])));
  hf_digest digest = hf_circuit_structure_digest(c);
  hf_circuit_destroy(&c);

  in.group = true;
  c = build(WIDTH, points_circuit, &in, NULL);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  for (int i = 0; i < 3; i++) expected = add(expected, signed_sum(in.p, in.address[i]));
  cr_assert(hf_g1_eq(in.chain, expected));
  hf_circuit_destroy(&c);
  fprintf(stderr, "rows: addition %u, chained addition with read %u, group of five points %u\n", in.rows_add,
          in.rows_chain, in.rows_group);
  cr_assert_leq(in.rows_chain, 62);
  cr_assert_leq(in.rows_add, 60);

  in.group = false;
  liar slope = {.name = "slope", .index = 8, .add = true, .value = fr(1)};
  assert_refused(WIDTH, points_circuit, &in, &slope, "slope of a chained addition");
  points_input off = in;
  off.p[3].y = hf_fq_add(off.p[3].y, hf_fq_one());
  assert_refused(WIDTH, points_circuit, &off, NULL, "point on the curve");
  points_input equal = in;
  equal.p[1] = equal.p[0];
  assert_refused(WIDTH, points_circuit, &equal, NULL, "the points of an addition differ in x");
  equal.p[1] = hf_g1_neg(equal.p[0]);
  assert_refused(WIDTH, points_circuit, &equal, NULL, "the points of an addition differ in x");
  equal = in;
  equal.p[3] = point(k[0] + k[1] + k[2]); /* meets the running sum */
  assert_refused(WIDTH, points_circuit, &equal, NULL, "the points of a chained addition differ in x");

  points_input other = in;
  for (int i = 0; i < 5; i++) other.p[i] = point(k[i] + 9);
  c = build(WIDTH, points_circuit, &other, NULL);
  hf_digest d = hf_circuit_structure_digest(c);
  cr_assert(hf_digest_eq(&d, &digest));
  hf_circuit_destroy(&c);
}

/* x and x + q: equal modulo q as different limbs. */
static void different_circuit(hf_builder *b, const void *input) {
  const hf_fq *x = input;
  hf_limbs u = hf_limbs_hint_tight(b, x[0], "u"), v = hf_limbs_hint_tight(b, x[1], "v");
  hf_limbs_assert_different(b, "u differs from v", hf_limbs_native(b, u), v);
}

typedef struct limb_liar {
  int seen;
} limb_liar;

static void plus_q(void *context, uint32_t hint, const char *name, hf_fr *value) {
  limb_liar *l = context;
  (void)hint;
  if (!strcmp(name, "u")) *value = hf_fr_add(*value, fr(q_limbs[l->seen++]));
}

Test(nonnative, equal_modulo_q_is_equal) {
  hf_fq x[2] = {hf_fq_from_u64(77), hf_fq_from_u64(78)};
  assert_satisfied(WIDTH, different_circuit, x);
  x[1] = x[0];
  assert_refused(WIDTH, different_circuit, x, NULL, "u differs from v");
  limb_liar l = {0};
  hf_circuit *c = build_with(WIDTH, different_circuit, x, plus_q, &l);
  hf_failure failures[8];
  size_t count;
  cr_assert_eq(hf_circuit_failures(c, failures, 8, &count), HF_OK);
  cr_assert_eq(count, 1, "u + q is a tight number: only the difference refuses it");
  cr_assert_str_eq(failures[0].name, "u differs from v");
  hf_circuit_destroy(&c);
}
