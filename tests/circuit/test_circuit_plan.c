/* Builders that follow a plan: what they refuse, what they leave to the checker, and parts. That the columns are those of
 * a circuit that is laid out, for every number of threads, is plan_threads.c's. */
#include "circuit/hash.h"
#include "circuit/rom.h"
#include "circuit_support.h"

/* A circuit whose calls can be made to depend on values. */
typedef struct shape {
  uint64_t x;
  bool more, constant, crossed, wrong;
} shape;

static void body(hf_builder *b, const void *input) {
  const shape *s = input;
  hf_var x = hf_hint(b, fr(s->x), "x"), y = hf_hint(b, fr(s->x + 1), "y");
  hf_var xy = hf_mul(b, x, s->crossed ? x : y);
  if (s->more) hf_hint(b, fr(s->x), "one more");
  if (s->constant) xy = hf_add(b, xy, hf_constant(b, fr(s->x)));
  hf_var claimed = hf_hint(b, fr(s->x * (s->x + (s->crossed ? 0 : 1)) + s->wrong), "claimed");
  if (!s->constant) hf_assert_equal(b, "claimed is x y", claimed, xy);
  hf_public_input(b, claimed);
}

static hf_builder *follow(const hf_circuit *of, hf_circuit_plan **plan, unsigned width, hf_status expected) {
  hf_builder *b = NULL;
  hf_builder_options options = {.table_width = width, .max_log_n = 18, .plan = *plan = hf_circuit_plan_share(of)};
  cr_assert_eq(hf_builder_create(&options, &b), expected, "%s", hf_error_message());
  return b;
}

/* Lays `first` out and follows its plan with `second`. */
static hf_status followed(const shape *first, const shape *second, hf_circuit **out) {
  hf_circuit *laid = build(8, body, first, NULL);
  hf_circuit_plan *plan;
  hf_builder *b = follow(laid, &plan, 8, HF_OK);
  hf_circuit_destroy(&laid);
  body(b, second);
  hf_status status = hf_builder_finish(b, out);
  hf_builder_destroy(&b);
  hf_circuit_plan_release(&plan);
  return status;
}

Test(circuit_plan, a_satisfied_witness_and_one_that_is_not) {
  shape first = {.x = 3}, good = {.x = 1000}, bad = {.x = 1000, .wrong = true};
  hf_circuit *c;
  hf_failure none;
  size_t count;
  cr_assert_eq(followed(&first, &good, &c), HF_OK, "%s", hf_error_message());
  cr_assert(hf_fr_eq(c->public_inputs[0], fr(1001000)));
  cr_assert_eq(hf_circuit_failures(c, &none, 1, &count), HF_E_STATE, "there is nothing to check by");
  cr_assert_eq(hf_circuit_complete(c, NULL), HF_OK);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  hf_circuit_destroy(&c);
  cr_assert_eq(followed(&first, &bad, &c), HF_OK, "%s", hf_error_message());
  cr_assert_eq(hf_circuit_complete(c, NULL), HF_OK);
  cr_assert_eq(hf_circuit_check(c), HF_E_UNSATISFIED);
  cr_assert(strstr(hf_error_message(), "claimed is x y"), "%s", hf_error_message());
  hf_circuit_destroy(&c);
}

Test(circuit_plan, calls_that_depend_on_values) {
  shape first = {.x = 3}, more = {.x = 3, .more = true}, crossed = {.x = 4, .crossed = true};
  shape constant = {.x = 3, .constant = true}, other = {.x = 4, .constant = true};
  hf_circuit *c = NULL;
  cr_assert_eq(followed(&first, &more, &c), HF_E_INTERNAL, "a variable too many");
  cr_assert_null(c);
  cr_assert_eq(followed(&more, &first, &c), HF_E_INTERNAL, "a variable too few");
  cr_assert_eq(followed(&constant, &other, &c), HF_E_INTERNAL, "another constant");
  cr_assert_eq(followed(&constant, &constant, &c), HF_OK, "%s", hf_error_message());
  hf_circuit_destroy(&c);
  /* as many variables, wired otherwise: the witness does not fit the rows */
  cr_assert_eq(followed(&first, &crossed, &c), HF_OK, "%s", hf_error_message());
  cr_assert_eq(hf_circuit_complete(c, NULL), HF_OK);
  cr_assert_eq(hf_circuit_check(c), HF_E_UNSATISFIED);
  hf_circuit_destroy(&c);
}

Test(circuit_plan, options_are_those_of_the_plan) {
  shape first = {.x = 3};
  hf_circuit *laid = build(8, body, &first, NULL);
  hf_circuit_plan *plan;
  hf_builder *b = follow(laid, &plan, 9, HF_E_MISMATCH);
  cr_assert_null(b);
  hf_circuit_plan_release(&plan);
  liar l = {.name = "x"};
  hf_builder_options options = {.table_width = 8, .max_log_n = 18, .hint_hook = lie, .hint_context = &l};
  options.plan = plan = hf_circuit_plan_share(laid);
  cr_assert_eq(hf_builder_create(&options, &b), HF_E_ARGUMENT);
  hf_circuit_plan_release(&plan);
  hf_circuit_destroy(&laid);
}

/* ---- parts ---- */

typedef struct parts_input {
  uint64_t seed;
  bool nested, missing;
  hf_rom shared;
  hf_var out[9];
} parts_input;

/* Reads a table that was there before and one of its own; a constant that all parts use. */
static hf_var part(hf_builder *b, void *context, size_t i, hf_var link) {
  parts_input *in = context;
  hf_var values[4], state[4], x = hf_hint(b, fr((in->seed + i) % 4), "address");
  hf_rom own = hf_rom_create(b);
  for (uint64_t k = 0; k < 2; k++) {
    hf_var row[4] = {x, hf_constant_u64(b, 77 + k), hf_zero(b), hf_zero(b)};
    hf_rom_write(b, own, k, row);
  }
  hf_rom_read(b, in->shared, x, values);
  for (int k = 0; k < 4; k++) state[k] = values[k];
  hf_rom_read(b, own, hf_constant_u64(b, (uint64_t)i & 1), values);
  state[1] = values[1];
  if (in->missing && i > 4) hf_hint(b, fr(0), "not in the plan");
  if (in->nested) hf_builder_parts(b, 1, link, part, in);
  hf_permute(b, state, state);
  in->out[i] = state[0];
  hf_assert_equal(b, "linked", link, link);
  return x;
}

static void with_parts(hf_builder *b, const void *input) {
  parts_input in = *(const parts_input *)input;
  in.shared = hf_rom_create(b);
  for (uint64_t k = 0; k < 4; k++) {
    hf_var row[4] = {hf_hint(b, fr(in.seed + 10 * k), "entry"), hf_zero(b), hf_zero(b), hf_one(b)};
    hf_rom_write(b, in.shared, k, row);
  }
  hf_var first = hf_hint(b, fr(in.seed), "first"), last = hf_builder_parts(b, 9, first, part, &in);
  hf_public_input(b, hf_hash_words(b, 1, in.out, 9));
  last = hf_builder_parts(b, 2, last, part, &in); /* a second time */
  hf_public_input(b, last);
}

static hf_status follow_parts(hf_circuit_plan *plan, const parts_input *in, unsigned threads, hf_circuit **out) {
  hf_pool *pool;
  hf_builder *b;
  hf_builder_options options = {.table_width = 8, .max_log_n = 18, .plan = plan};
  cr_assert_eq(hf_pool_create(threads, &pool), HF_OK);
  options.pool = pool;
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  with_parts(b, in);
  hf_status status = hf_builder_finish(b, out);
  hf_builder_destroy(&b);
  hf_pool_destroy(&pool);
  return status;
}

Test(circuit_plan, parts_with_memory_and_constants) {
  parts_input first = {.seed = 1}, second = {.seed = 6};
  hf_circuit *laid = build(8, with_parts, &first, NULL), *expected = build(8, with_parts, &second, NULL), *c;
  hf_circuit_plan *plan = hf_circuit_plan_share(laid);
  cr_assert_eq(hf_circuit_check(expected), HF_OK, "%s", hf_error_message());
  for (unsigned threads = 1; threads <= 7; threads += 3) {
    cr_assert_eq(follow_parts(plan, &second, threads, &c), HF_OK, "%s", hf_error_message());
    size_t bytes = sizeof(hf_fr) << c->log_n;
    for (int i = 0; i < HF_WIRES; i++) cr_assert_eq(memcmp(c->wires[i], expected->wires[i], bytes), 0, "wire %d", i);
    cr_assert_eq(memcmp(c->multiplicity, expected->multiplicity, bytes), 0);
    cr_assert(hf_fr_eq(c->public_inputs[1], expected->public_inputs[1]));
    hf_circuit_destroy(&c);
  }
  hf_circuit_plan_release(&plan);
  hf_circuit_destroy(&expected);
  hf_circuit_destroy(&laid);
}

Test(circuit_plan, parts_that_do_not_fit) {
  parts_input first = {.seed = 1}, missing = {.seed = 1, .missing = true}, nested = {.seed = 1, .nested = true};
  hf_circuit *laid = build(8, with_parts, &first, NULL), *c = NULL;
  hf_circuit_plan *plan = hf_circuit_plan_share(laid);
  cr_assert_eq(follow_parts(plan, &missing, 3, &c), HF_E_INTERNAL);
  cr_assert_eq(follow_parts(plan, &nested, 3, &c), HF_E_STATE);
  cr_assert(strstr(hf_error_message(), "inside a part"), "%s", hf_error_message());
  cr_assert_eq(follow_parts(NULL, &nested, 1, &c), HF_E_STATE, "nor when laid out");
  hf_circuit_plan_release(&plan);
  hf_circuit_destroy(&laid);
}
