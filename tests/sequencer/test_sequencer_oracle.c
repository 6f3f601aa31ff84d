/* Whole chains told again by a program that shares no code with this one (tests/oracle/rollup.mjs). */
#include "ok.h"
#include "sequencer_support.h"

#include <criterion/criterion.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORACLE HF_SOURCE_DIR "/tests/oracle"

static void write_text(const char *path, const hf_writer *w) {
  hf_bytes part = {w->data, w->length};
  OK(hf_file_write(path, 0644, &part, 1));
}

/* Runs a chain and leaves what the oracle reads in the folder. */
static void run_chain(const char *folder, uint32_t depth, uint32_t mode) {
  char *db = folder_file(folder, "chain.db"), *data = folder_file(folder, "data"),
       *statements = folder_file(folder, "statements"), *transactions = folder_file(folder, "transactions");
  hf_generator_options load_options = {.seed = depth,
                                       .chain_id = {88, 1ull << 60},
                                       .accounts = 12,
                                       .transactions = 50,
                                       .withdraw_per_mille = 200,
                                       .bad_deposits = 2,
                                       .skew = 1};
  load l;
  OK(load_make(&load_options, &l));
  (void)unlink(db);
  hf_chain_options options = {.path = db,
                              .chain_id = load_options.chain_id,
                              .params = {depth, 16},
                              .mode = mode,
                              .operator_index = 3};
  hf_sequencer_options sequencer_options = {.chains = &options, .chain_count = 1};
  hf_sequencer *s = NULL;
  OK(hf_sequencer_open(&sequencer_options, &s));
  OK(hf_sequencer_deposit_text(s, (const char *)l.deposits.data, l.deposits.length, NULL));
  hf_tally tally;
  OK(hf_sequencer_submit_text(s, (const char *)l.transactions.data, l.transactions.length, NULL, NULL,
                              &tally));
  cr_assert_eq(tally.by_refusal[HF_REFUSAL_NONE], 50);
  OK(hf_sequencer_flush(s, 1000));
  hf_chain *chain = hf_sequencer_chain(s, 0);
  hf_chain_info info;
  hf_chain_get_info(chain, &info);
  OK(hf_chain_export_data(chain, true, data));
  hf_writer w = {0};
  for (uint64_t n = 1; n <= info.batches; n++) {
    hf_batch_info batch;
    char hex[65];
    OK(hf_chain_get_batch(chain, n, &batch));
    hf_hex(batch.statement, 32, hex);
    hf_write_bytes(&w, hex, 64);
    hf_write_u8(&w, '\n');
  }
  write_text(statements, &w);
  hf_writer_free(&w);
  /* signatures in big integers are slow: a dozen */
  const char *rest = (const char *)l.transactions.data, *end = rest + l.transactions.length, *line;
  size_t length;
  for (int i = 0; i < 12; i++) (void)hf_line_next(&rest, end, &line, &length);
  hf_writer some = {0};
  hf_write_bytes(&some, l.transactions.data, (size_t)(rest - (const char *)l.transactions.data));
  write_text(transactions, &some);
  hf_writer_free(&some);
  hf_sequencer_close(&s);
  load_free(&l);
  free(db);
  free(data);
  free(statements);
  free(transactions);
}

static int ask_oracle(const char *folder, bool quiet) {
  char command[2048];
  (void)snprintf(command, sizeof command,
                 "node '%s/rollup.mjs' '%s/data' '%s/statements' '%s/transactions' %s", ORACLE, folder,
                 folder, folder, quiet ? ">/dev/null 2>&1" : "");
  return system(command);
}

Test(sequencer_oracle, tells_the_same_story) {
  if (access(ORACLE "/node_modules/@zkpassport/poseidon2/package.json", R_OK) != 0)
    cr_skip_test("tests/oracle/node_modules is absent (npm ci there)");
  if (system("command -v node >/dev/null 2>&1") != 0) cr_skip_test("node is absent");
  char *folder = folder_make(), *data = folder_file(folder, "data"),
       *lines = folder_file(folder, "transactions");
  run_chain(folder, 24, HF_MODE_ROLLUP);
  cr_assert_eq(ask_oracle(folder, false), 0);
  run_chain(folder, 8, HF_MODE_VALIDIUM);
  cr_assert_eq(ask_oracle(folder, false), 0);
  /* and it can say no */
  uint8_t *bytes = NULL;
  size_t length = 0;
  OK(hf_file_read(data, 1 << 24, &bytes, &length));
  for (int i = 0; i < 3; i++) {
    size_t at = i == 0 ? 64 + 16 + 4 * 32 : i == 1 ? 64 + 16 + 33 * 32 + 9 : 64 + 16 + 27 * 32;
    bytes[at] ^= 1; /* new root, an amount, total in */
    hf_bytes part = {bytes, length};
    OK(hf_file_write(data, 0644, &part, 1));
    cr_assert_neq(ask_oracle(folder, true), 0, "change %d", i);
    bytes[at] ^= 1;
  }
  hf_bytes part = {bytes, length};
  OK(hf_file_write(data, 0644, &part, 1));
  free(bytes);
  OK(hf_file_read(lines, 1 << 24, &bytes, &length));
  uint8_t *fee = (uint8_t *)strstr((char *)bytes, "\"fee\":\"") + 7;
  *fee = *fee == '1' ? '2' : '1';
  part = (hf_bytes){bytes, length};
  OK(hf_file_write(lines, 0644, &part, 1));
  cr_assert_neq(ask_oracle(folder, true), 0, "a changed fee under an old signature");
  free(bytes);
  free(data);
  free(lines);
  folder_remove(folder);
}
