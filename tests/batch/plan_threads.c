/* Circuits that follow a plan have the columns, the copies and the digest of those that are laid out anew, whatever the
 * number of threads. A program of its own and no Criterion suite, which would not run under ThreadSanitizer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "circuit/check.h"
#include "circuits/batch.h"
#include "circuits/fold.h"
#include "host/g2.h"
#include "reference.h"

static int wrong;

static void expect(bool ok, const char *what, unsigned threads) {
  if (ok) return;
  fprintf(stderr, "%s, %u threads: %s\n", what, threads, hf_error_message());
  wrong++;
}

static void must(hf_status status) {
  if (status == HF_OK) return;
  fprintf(stderr, "%s\n", hf_error_message());
  exit(1);
}

/* A kind of circuit and one of its inputs. */
typedef struct subject {
  const char *name;
  hf_rollup_params params;
  const hf_batch_input *batch;
  const hf_fold_setup *setup; /* not NULL: a node */
  const hf_node_input *node;
} subject;

static hf_circuit *expand(const subject *s, hf_circuit_plan *plan, hf_pool *pool) {
  hf_builder_options options;
  hf_builder *b;
  hf_circuit *c;
  if (s->setup)
    hf_node_options(&options);
  else
    must(hf_batch_options(&s->params, &options));
  options.plan = plan;
  options.pool = pool;
  must(hf_builder_create(&options, &b));
  must(s->setup ? hf_node_circuit(b, s->setup, s->node) : hf_batch_circuit(b, &s->params, s->batch));
  must(hf_builder_finish(b, &c));
  hf_builder_destroy(&b);
  return c;
}

static bool same_values(const hf_circuit *x, const hf_circuit *y) {
  size_t bytes = sizeof(hf_fr) << x->log_n;
  bool same = x->log_n == y->log_n && x->used_rows == y->used_rows && x->public_count == y->public_count &&
              !memcmp(x->public_inputs, y->public_inputs, x->public_count * sizeof(hf_fr)) &&
              !memcmp(x->multiplicity, y->multiplicity, bytes);
  for (int i = 0; same && i < HF_WIRES; i++) same = !memcmp(x->wires[i], y->wires[i], bytes);
  return same;
}

static bool same_structure(const hf_circuit *x, const hf_circuit *y) {
  hf_digest d = hf_circuit_structure_digest(x), e = hf_circuit_structure_digest(y);
  bool same = hf_digest_eq(&d, &e);
  for (int i = 0; same && i < HF_FIXED_COUNT; i++) same = !memcmp(x->fixed[i], y->fixed[i], sizeof(hf_fr) << x->log_n);
  return same;
}

/* `plain` has no input: the plan comes from another witness than those that follow it. */
static void compare(const subject *plain, const subject *real, bool satisfied, const unsigned *threads_of) {
  hf_circuit *expected = expand(real, NULL, NULL);
  hf_circuit_plan *own = hf_circuit_plan_share(expected); /* takes the digest, once */
  expect((hf_circuit_check(expected) == HF_OK) == satisfied, real->name, 0);
  for (; *threads_of; threads_of++) {
    unsigned threads = *threads_of;
    hf_pool *pool;
    must(hf_pool_create(threads, &pool));
    hf_circuit *first = expand(plain, NULL, pool);
    hf_circuit_plan *plan = hf_circuit_plan_share(first);
    expect(same_structure(first, expected), "laid out", threads);
    hf_circuit_destroy(&first);
    hf_circuit *c = expand(real, plan, pool);
    hf_circuit_plan_release(&plan); /* the circuit keeps it */
    expect(same_values(c, expected), real->name, threads);
    expect(hf_circuit_check(c) == HF_E_STATE, "no fixed columns yet", threads);
    must(hf_circuit_complete(c, pool));
    expect(same_structure(c, expected), real->name, threads);
    expect((hf_circuit_check(c) == HF_OK) == satisfied, real->name, threads);
    hf_circuit_destroy(&c);
    hf_pool_destroy(&pool);
  }
  hf_circuit_plan_release(&own);
  hf_circuit_destroy(&expected);
}

static void batches(uint32_t slots, uint32_t depth, const unsigned *threads) {
  hf_batch_input input;
  ref_world world;
  ref_world_init(&world, depth, slots, 3);
  hf_eddsa_key newcomer = ref_key(91);
  ref_op ops[] = {ref_transfer(&world, 1, 2, 5000, 17), ref_withdraw(&world, 2, 0xabcdef, 3000, 1),
                  ref_deposit(7, newcomer.public_key, 123456), ref_refused(hf_fr_one(), hf_fr_one(), 77)};
  ref_batch_make(&world.state, &world.batch, ops, 4, &input);
  subject real = {.name = "batch", .params = world.batch.params, .batch = &input}, plain = real;
  plain.batch = NULL;
  compare(&plain, &real, true, threads);
  input.slots[1].amount++; /* unsatisfied witnesses are witnesses, too */
  real.name = "batch that is wrong";
  compare(&plain, &real, false, threads);
  hf_batch_input_free(&input);
  ref_world_free(&world);
}

static hf_g1 point(uint64_t *number) {
  return hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), hf_fr_from_u64(++*number)));
}

static hf_fr scalar(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  hf_fr x = hf_fr_from_u64(*seed);
  return hf_fr_mul(hf_fr_mul(x, x), hf_fr_mul(x, x));
}

/* Two children that prove nothing, of different points and words each. */
static void nodes(const unsigned *threads) {
  hf_fold_setup *setup = calloc(1, sizeof *setup);
  hf_node_input *input = calloc(1, sizeof *input);
  uint64_t seed = 5, number = 1;
  if (!setup || !input) exit(1);
  setup->tau_g2 = hf_g2_generator();
  for (size_t i = 0; i < sizeof setup->powers / sizeof *setup->powers; i++)
    setup->powers[i] = point(&number);
  for (int k = 0; k < HF_NODE_CHILDREN; k++) {
    hf_verifying_key *vk = &input->child[k].vk;
    hf_proof *proof = &input->child[k].proof;
    vk->log_n = 15 + (unsigned)k;
    vk->kappa = proof->kappa = HF_PRODUCTION_KAPPA;
    proof->public_count = HF_INSTANCE_COUNT;
    for (int i = 0; i < HF_FIXED_COUNT; i++) vk->fixed[i] = point(&number);
    for (size_t i = 0; i < sizeof proof->commitments / sizeof *proof->commitments; i++)
      proof->commitments[i] = point(&number);
    for (int i = 0; i < HF_EVALS_ZETA; i++) proof->at_zeta[i] = scalar(&seed);
    for (int i = 0; i < HF_EVALS_NEXT; i++) proof->at_next[i] = scalar(&seed);
    proof->public_inputs[0] = scalar(&seed);
    proof->w = point(&number);
    proof->w_prime = point(&number);
  }
  subject real = {.name = "node", .setup = setup, .node = input}, plain = real;
  plain.node = NULL;
  compare(&plain, &real, false, threads);
  free(setup);
  free(input);
}

int main(void) {
  batches(5, 4, (const unsigned[]){1, 2, 3, 7, 0}); /* a table of 2^8 */
  batches(33, 12, (const unsigned[]){3, 0});        /* of 2^16 */
  nodes((const unsigned[]){2, 0});
  if (!wrong) puts("ok");
  return wrong != 0;
}
