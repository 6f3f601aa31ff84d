/* What the sequencer seals is what the batch circuit proves: every batch of a mixed load satisfies it, with
 * the sequencer's statement, under one and the same key. */
#include "ok.h"
#include "sequencer_support.h"

#include "circuits/batch.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static hf_digest run_circuit(const hf_rollup_params *params, const hf_batch_input *input, hf_fr *statement,
                             hf_status *verdict) {
  hf_builder_options options;
  hf_builder *b = NULL;
  hf_circuit *circuit = NULL;
  OK(hf_batch_options(params, &options));
  OK(hf_builder_create(&options, &b));
  OK(hf_batch_circuit(b, params, input));
  OK(hf_builder_finish(b, &circuit));
  *verdict = hf_circuit_check(circuit);
  *statement = circuit->public_inputs[0];
  hf_digest digest = hf_circuit_structure_digest(circuit);
  hf_circuit_destroy(&circuit);
  hf_builder_destroy(&b);
  return digest;
}

Test(sequencer_circuit, every_sealed_batch_satisfies_it) {
  for (uint32_t mode = 0; mode < 2; mode++) {
    char *folder = folder_make(), *path = folder_file(folder, "chain.db");
    hf_generator_options load_options = {.seed = 70 + mode,
                                         .chain_id = {UINT64_MAX, UINT64_MAX - mode},
                                         .accounts = 7,
                                         .transactions = 22,
                                         .invalid_per_mille = 200,
                                         .withdraw_per_mille = 250,
                                         .bad_deposits = 2};
    load l;
    OK(load_make(&load_options, &l));
    hf_chain_options options = {.path = path,
                                .chain_id = load_options.chain_id,
                                .params = {6, 6},
                                .mode = mode,
                                .operator_index = mode};
    hf_sequencer_options sequencer_options = {.chains = &options, .chain_count = 1};
    hf_sequencer *s = NULL;
    OK(hf_sequencer_open(&sequencer_options, &s));
    OK(hf_sequencer_deposit_text(s, (const char *)l.deposits.data, l.deposits.length, NULL));
    OK(hf_sequencer_submit_text(s, (const char *)l.transactions.data, l.transactions.length, NULL, NULL,
                                NULL));
    OK(hf_sequencer_flush(s, 1000));
    hf_chain *chain = hf_sequencer_chain(s, 0);
    hf_chain_info info;
    hf_chain_get_info(chain, &info);
    cr_assert(info.batches > 3);
    hf_fr statement;
    hf_status verdict = HF_OK;
    hf_digest key = run_circuit(&options.params, NULL, &statement, &verdict);
    for (uint64_t n = 1; n <= info.batches; n++) {
      uint8_t *bytes = NULL, word[32];
      size_t length = 0;
      hf_batch_input input;
      hf_batch_info batch;
      OK(hf_chain_get_batch(chain, n, &batch));
      OK(hf_chain_get_input(chain, n, &bytes, &length));
      OK(hf_batch_input_decode("batch", bytes, length, &input));
      hf_digest structure = run_circuit(&options.params, &input, &statement, &verdict);
      cr_assert(verdict == HF_OK, "batch %lu: %s", (unsigned long)n, hf_error_message());
      cr_assert(hf_digest_eq(&key, &structure));
      hf_fr_to_bytes(statement, word);
      cr_assert(memcmp(word, batch.statement, 32) == 0, "batch %lu: another statement", (unsigned long)n);
      input.slots[0].amount ^= 1; /* the circuit can say no */
      (void)run_circuit(&options.params, &input, &statement, &verdict);
      cr_assert_eq(verdict, HF_E_UNSATISFIED);
      hf_batch_input_free(&input);
      free(bytes);
    }
    hf_sequencer_close(&s);
    load_free(&l);
    free(path);
    folder_remove(folder);
  }
}
