/* Honest batches: satisfied, with the statement of an independent computation; the key does not depend on
 * values. */
#include <criterion/criterion.h>
#include <string.h>
#include "host/scalar.h"
#include "lies.h"
#include "reference.h"

static void accept(const char *what, const hf_batch_input *input) {
  run_result run;
  run_batch(input, NULL, 0, &run);
  cr_assert_eq(run.status, HF_OK, "%s: %s", what, run.message);
  cr_assert_eq(run.checked, HF_OK, "%s: %s", what, run.message);
  cr_assert(hf_fr_eq(run.statement, ref_statement(input)), "%s: another statement", what);
}

static hf_digest structure(const hf_rollup_params *params, const hf_batch_input *input, uint32_t *log_n) {
  hf_builder_options options;
  hf_builder *b = NULL;
  hf_circuit *circuit = NULL;
  cr_assert_eq(hf_batch_options(params, &options), HF_OK);
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  cr_assert_eq(hf_batch_circuit(b, params, input), HF_OK);
  cr_assert_eq(hf_builder_finish(b, &circuit), HF_OK, "%s", hf_error_message());
  hf_digest digest = hf_circuit_structure_digest(circuit);
  *log_n = circuit->log_n;
  hf_circuit_destroy(&circuit);
  hf_builder_destroy(&b);
  return digest;
}

Test(batch, every_operation_is_satisfied) {
  for (uint32_t round = 0; round < 4; round++) {
    ref_world world;
    hf_batch_input input;
    bool deep = round == 3;
    ref_world_init(&world, deep ? 8 : 4, 4, (uint8_t)(1 + round));
    world.batch.mode = round & 1;
    hf_eddsa_key newcomer = ref_key((uint8_t)(90 + round));
    hf_fr strange = hf_fr_neg(hf_fr_from_u64(1 + round)); /* r - 1: the largest words */
    ref_op ops[2][4] = {
        {ref_transfer(&world, 1, 2, 5000, 17), ref_withdraw(&world, 2, 0xabcdef, 3000, 1),
         ref_deposit(7, newcomer.public_key, 123456), ref_refused(strange, strange, 77)},
        {ref_deposit(7, newcomer.public_key, UINT64_MAX - 123456 - 5), ref_transfer(&world, 2, 1, 900000, 0),
         ref_transfer(&world, 1, 5, 5, 3), ref_withdraw(&world, 6, 0, 1005018, 0)},
    };
    if (deep) ops[0][0] = ref_transfer(&world, 6, 5, 1005004, 0); /* everything, to the last unit */
    ops[1][2].to = 7;                                             /* to the newcomer */
    ops[1][2].to1 = newcomer.public_key.x;
    ops[1][2].to2 = newcomer.public_key.y;
    for (int i = 0; i < 2; i++) {
      uint64_t operator_before = ref_balance(&world.state, 6);
      ref_batch_make(&world.state, &world.batch, ops[i], i == 1 && deep ? 3 : 4, &input);
      accept(i == 0 ? "first batch" : "second batch", &input);
      if (i == 0 && !deep) cr_assert_eq(ref_balance(&world.state, 6), operator_before + 18);
      hf_batch_input_free(&input);
      world.batch.number++;
    }
    ref_world_free(&world);
  }
}

Test(batch, empty_batches_and_keys) {
  hf_rollup_params params = {.depth = 4, .slots = 2};
  hf_batch_input empty, input;
  cr_assert_eq(hf_batch_input_empty(&params, &empty), HF_OK);
  /* The reference's empty batch on chain 0 has another x_d; the rest is the same. */
  ref_bind_data(&empty, NULL);
  accept("empty", &empty);
  ref_state state;
  ref_state_init(&state, 4);
  cr_assert(hf_fr_eq(ref_root(&state), hf_fr_zero()) == 0);
  uint8_t root[32];
  hf_fr_to_bytes(ref_root(&state), root);
  cr_assert(memcmp(root, empty.record.word[HF_RECORD_OLD_ROOT], 32) == 0, "the empty tree");
  ref_state_free(&state);

  ref_world world;
  ref_world_init(&world, 4, 2, 9);
  ref_op ops[] = {ref_transfer(&world, 1, 2, 5000, 17), ref_deposit(3, world.keys[2].public_key, 10)};
  ref_batch_make(&world.state, &world.batch, ops, 2, &input);
  uint32_t log_n[3];
  hf_digest none = structure(&params, NULL, &log_n[0]), real = structure(&params, &input, &log_n[1]);
  cr_assert(memcmp(&none, &real, sizeof none) == 0, "the structure depends on values");
  cr_assert_eq(log_n[0], log_n[1]);
  hf_rollup_params other = {.depth = 6, .slots = 2};
  hf_digest deeper = structure(&other, NULL, &log_n[2]);
  cr_assert(memcmp(&none, &deeper, sizeof none) != 0);
  hf_builder_options options;
  hf_builder *b = NULL;
  cr_assert_eq(hf_batch_options(&other, &options), HF_OK);
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  cr_assert_eq(hf_batch_circuit(b, &other, &input), HF_E_MISMATCH);
  hf_builder_destroy(&b);
  hf_batch_input_free(&input);
  hf_batch_input_free(&empty);
  ref_world_free(&world);
}

Test(batch, rows_of_a_slot) {
  hf_rollup_params params = {.depth = HF_ROLLUP_DEPTH, .slots = 64};
  hf_batch_rows rows;
  cr_assert_eq(hf_batch_circuit_rows(&params, &rows), HF_OK, "%s", hf_error_message());
  cr_log_info("slot %u = paths %u + leaves %u + challenge %u + signature %u + data %u + rules %u; "
              "table %u, fees %u, record %u; used %u of 2^%u, table width %u",
              rows.slot, rows.paths, rows.leaves, rows.challenge, rows.signature, rows.data, rows.rules,
              rows.table, rows.fees, rows.record, rows.used, rows.log_n, rows.table_width);
  cr_assert_leq(rows.slot, 1900);
  cr_assert_leq(rows.slot + HF_BATCH_RECEIVE_EXTRA_ROWS, 3600);
  cr_assert_eq(rows.log_n, 17);
  cr_assert_eq(rows.table_width, 16);
  /* Nothing is counted twice or left out: 10 public inputs, the preamble and what is laid at the end remain.
   */
  uint32_t sum = 64 * rows.slot + rows.table + rows.fees + rows.record;
  cr_assert_lt(sum, rows.used + 6 * 64);
  cr_assert_gt(sum + 200, rows.used);
}
