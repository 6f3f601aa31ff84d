/* `hyperfold settle` and `hyperfold l1` as people run them, and killed at any moment. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../cli/run_command.h"
#include "metrics_client.h"
#include "rehearsal.h"

typedef struct stage {
  anvil node;
  char *folder;
  hf_eth_key operator, user;
  char chain[HF_U256_TEXT];
} stage;

static void write_key(const stage *s, const char *name, const hf_eth_key *key) {
  char path[512];
  snprintf(path, sizeof path, "%s/%s", s->folder, name);
  OK(hf_eth_key_import(path, key->secret, NULL));
}

/* The contracts' folder with a verifier that takes everything in the place of the real one. */
static void write_contracts(const stage *s) {
  char path[512], *hex;
  hf_writer code[2] = {{0}, {0}};
  static const char *const names[] = {"HyperfoldVerifier", "HyperfoldSettlement"};
  rehearsal_verifier(&code[0]);
  anvil_bytecode(names[1], &code[1]);
  for (int i = 0; i < 2; i++) {
    hex = malloc(2 * code[i].length + 1);
    hf_hex(code[i].data, code[i].length, hex);
    hf_bytes part = {hex, 2 * code[i].length};
    snprintf(path, sizeof path, "%s/%s.bin", s->folder, names[i]);
    OK(hf_file_write(path, 0644, &part, 1));
    free(hex);
    hf_writer_free(&code[i]);
  }
}

static void stage_open(stage *s) {
  memset(s, 0, sizeof *s);
  anvil_start(&s->node);
  s->folder = anvil_folder();
  s->operator= anvil_key(1);
  s->user = anvil_key(2);
  anvil_make_rich(&s->node, &s->operator.address);
  anvil_make_rich(&s->node, &s->user.address);
  write_key(s, "operator", &s->operator);
  write_key(s, "user", &s->user);
  write_contracts(s);
  /* options come from the environment as well as from flags */
  setenv("HYPERFOLD_RPC", s->node.url, 1);
  setenv("HYPERFOLD_DATA", s->folder, 1);
  setenv("HYPERFOLD_CONFIRMATIONS", "1", 1);
  setenv("HYPERFOLD_POLL", "20", 1);
}

static void stage_close(stage *s) {
  anvil_stop(&s->node);
  anvil_folder_remove(s->folder);
}

static const char *text_of(const json_t *document, const char *name) {
  const char *text = json_string_value(json_object_get(document, name));
  cr_assert(text != NULL, "no %s", name);
  return text;
}

static uint64_t number_of(const json_t *document, const char *name) {
  const json_t *value = json_object_get(document, name);
  cr_assert(json_is_integer(value), "no number %s", name);
  return (uint64_t)json_integer_value(value);
}

static void quiet(int exit, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void quiet(int exit, const char *format, ...) {
  char line[2048];
  va_list arguments;
  hf_run run;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  hf_run_command(&run, "%s", line);
  cr_assert(run.exit == exit, "\"%s\" ended with %d, not %d:\n%s%s", line, run.exit, exit, run.out, run.err);
  hf_run_free(&run);
}

/* The contract refuses, and its reason is told. */
static void expect_refusal(const char *line, const char *reason) {
  hf_run run;
  hf_run_command(&run, "%s", line);
  cr_expect(run.exit == 4 && strstr(run.err, reason) != NULL, "\"%s\" ended with %d: %s", line, run.exit,
            run.err);
  hf_run_free(&run);
}

/* Until a file has a word so many times. */
static void wait_for(const char *path, const char *word, int times) {
  for (int tries = 0; tries < 600; tries++, usleep(50000)) {
    uint8_t *text;
    size_t length;
    int found = 0;
    if (hf_file_read(path, 1 << 22, &text, &length) != HF_OK) continue;
    for (const char *at = (char *)text; (at = strstr(at, word)) != NULL; at++) found++;
    free(text);
    if (found >= times) return;
  }
  cr_assert_fail("%s does not come", word);
}

/* Runs a command again and again, killing it at random, until it ends by itself. */
static void through_kills(stage *s, unsigned *seed, unsigned most_ms, const char *line) {
  char log[512];
  int how = 0;
  snprintf(log, sizeof log, "%s/log", s->folder);
  for (int tries = 0; tries == 0 || !WIFEXITED(how); tries++) {
    pid_t child = hf_run_start(log, "%s", line);
    if (tries < 12) {
      usleep((useconds_t)rand_r(seed) % (most_ms * 1000));
      kill(child, SIGKILL);
    }
    cr_assert(waitpid(child, &how, 0) == child);
  }
  cr_assert(WEXITSTATUS(how) == 0, "\"%s\": see %s", line, log);
}

static void deploy(stage *s) {
  char line[1024];
  unsigned seed = 3;
  snprintf(line, sizeof line, "l1 deploy --dev --key %s/operator --contracts %s", s->folder, s->folder);
  through_kills(s, &seed, 40, line);
  cr_assert(anvil_nonce(&s->node, &s->operator.address) ==
            3); /* two contracts and the verifier's entry, whatever happened */
  json_t *again = hf_run_json(0, "%s --json", line);
  cr_expect(anvil_nonce(&s->node, &s->operator.address) == 3 && json_object_get(again, "contract") != NULL);
  json_decref(again);
  uint8_t digest[32] = {REHEARSAL_LEAF_KEY};
  char hex[65];
  hf_hex(digest, 32, hex);
  for (int i = 0; i < 2; i++) { /* the second one finds the first */
    json_t *chain =
        hf_run_json(0, "l1 register-chain --key %s/operator --leaf-vk %s --depth %d --slots %d --json",
                    s->folder, hex, REHEARSAL_DEPTH, REHEARSAL_SLOTS);
    cr_expect((strcmp(s->chain, text_of(chain, "chain")) == 0) == (i == 1));
    snprintf(s->chain, sizeof s->chain, "%s", text_of(chain, "chain"));
    json_decref(chain);
  }
  cr_expect(anvil_nonce(&s->node, &s->operator.address) == 4);
}

/* What a sealed file says of its last batch: what is, or something that the contract does not have. */
typedef enum { TRUE_ROOT, OTHER_ROOT, OTHER_CHAIN } write_as;

static void falsify(hf_sealed *sealed, write_as as) {
  hf_batch_record *records = calloc(sealed->records, sizeof *records), *last;
  hf_fr *inputs = sealed->proof.public_inputs;
  last = &sealed->batch[sealed->records - 1].record;
  if (as == OTHER_ROOT) hf_word_set_u64(last->word[HF_RECORD_NEW_ROOT], 77);
  if (as == OTHER_CHAIN) hf_word_set_u64(last->word[HF_RECORD_CHAIN_ID], 5);
  for (uint32_t i = 0; i < sealed->records; i++) records[i] = sealed->batch[i].record;
  OK(hf_records_root(records, sealed->records, &inputs[HF_SEAL_STATEMENT]));
  OK(hf_seal_fingerprint(inputs[HF_SEAL_STATEMENT], records, sealed->records, &inputs[HF_SEAL_X],
                         &inputs[HF_SEAL_Y]));
  free(records);
}

/* The batches of the sequencer's file as a sealed file. */
static void write_sealed_as(stage *s, uint64_t first, uint64_t last, const char *name, write_as as) {
  char path[512];
  hf_chain *chain = NULL;
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  hf_chain_options options = {.path = path, .params = {REHEARSAL_DEPTH, REHEARSAL_SLOTS}};
  snprintf(path, sizeof path, "%s/chains/%s.db", s->folder, s->chain);
  OK(hf_chain_id_parse(s->chain, &options.chain_id));
  OK(hf_chain_open(&options, &chain));
  rehearsal_seal(chain, first, last, sealed);
  if (as != TRUE_ROOT) falsify(sealed, as);
  snprintf(path, sizeof path, "%s/%s", s->folder, name);
  OK(hf_sealed_save(path, sealed));
  hf_chain_close(&chain);
  hf_sealed_free(sealed);
  free(sealed);
}

static void write_sealed(stage *s, uint64_t first, uint64_t last, const char *name) {
  write_sealed_as(s, first, last, name, TRUE_ROOT);
}

static const char sequencer[] = "sequencer run --no-queue --l1-confirmations 1 --flush";

Test(settle_command, whole_way, .timeout = 240) {
  stage s;
  stage_open(&s);
  deploy(&s);
  char params[256], address[HF_ETH_ADDRESS_TEXT], line[2048];
  unsigned seed = 11;
  snprintf(params, sizeof params, "--chain %s --depth %d --slots %d", s.chain, REHEARSAL_DEPTH,
           REHEARSAL_SLOTS);
  hf_eth_address_text(&s.user.address, address);
  json_t *wallet = hf_run_json(0, "wallet new %s/alice.key --json", s.folder);
  const char *alice = text_of(wallet, "public_key");
  /* a deposit: made once though asked for twice and killed in between, made twice when told so */
  snprintf(line, sizeof line, "l1 deposit --key %s/user --chain %s --to %s --amount 5000", s.folder, s.chain,
           alice);
  through_kills(&s, &seed, 40, line);
  cr_expect(anvil_nonce(&s.node, &s.user.address) == 1);
  quiet(0, "%s", line);
  cr_expect(anvil_nonce(&s.node, &s.user.address) == 1);
  quiet(0, "%s --again", line);
  cr_expect(anvil_nonce(&s.node, &s.user.address) == 2);
  quiet(4, "l1 deposit --key %s/user --chain 5 --to %s --amount 5000", s.folder, alice); /* no such chain */
  quiet(2, "l1 deposit --key %s/user --chain %s --to %s --amount 0", s.folder, s.chain, alice);
  quiet(0, "l1 deposit --key %s/user --chain %s --to 01%0126d --amount 60", s.folder, s.chain,
        7); /* to no key: refused */
  /* the sequencer takes them, once, and a withdrawal */
  for (int i = 0; i < 2; i++) {
    json_t *report = hf_run_json(0, "%s %s --json", sequencer, params);
    cr_expect(number_of(json_object_get(report, "deposits"), "applied") == (i == 0 ? 2 : 0));
    cr_expect(number_of(json_object_get(report, "deposits"), "refused") == (i == 0));
    json_decref(report);
  }
  hf_run pay;
  hf_run_command(&pay,
                 "wallet pay %s/alice.key --chain %s --account 0 --nonce 0 --to %s --amount 1200 --fee 0",
                 s.folder, s.chain, address);
  snprintf(line, sizeof line, "%s/payment", s.folder);
  hf_bytes part = {pay.out, strlen(pay.out)};
  cr_assert(pay.exit == 0 && hf_file_write(line, 0644, &part, 1) == HF_OK);
  hf_run_free(&pay);
  quiet(2, "%s %s --deposits %s/payment", sequencer, params, s.folder); /* deposits from two places */
  quiet(0, "%s %s --transactions %s/payment", sequencer, params, s.folder);
  write_sealed(&s, 1, 2, "sealed");
  /* what may not */
  snprintf(line, sizeof line, "settle %s/sealed --key %s/user", s.folder, s.folder);
  expect_refusal(line, "NotSettler(");
  snprintf(line, sizeof line, "settle %s/operator --key %s/operator", s.folder, s.folder);
  quiet(3, "%s", line); /* no sealed file */
  cr_expect(anvil_nonce(&s.node, &s.operator.address) == 4 && anvil_nonce(&s.node, &s.user.address) == 3);
  /* the calldata alone, then the real thing through kills: one transaction */
  json_t *export = hf_run_json(0, "settle %s/sealed --calldata %s/calldata --json", s.folder, s.folder);
  uint8_t *calldata;
  size_t length;
  snprintf(line, sizeof line, "%s/calldata", s.folder);
  OK(hf_file_read(line, 1 << 20, &calldata, &length));
  cr_expect(anvil_nonce(&s.node, &s.operator.address) == 4 &&
            number_of(export, "bytes") == (length - 3) / 2 && number_of(export, "records") == 2);
  json_decref(export);
  snprintf(line, sizeof line, "settle %s/sealed --key %s/operator", s.folder, s.folder);
  through_kills(&s, &seed, 40, line);
  json_t *settled = hf_run_json(0, "%s --json", line);
  const json_t *one = json_array_get(json_object_get(settled, "settled"), 0);
  cr_expect(json_is_true(json_object_get(one, "known")) && strcmp(text_of(one, "stage"), "confirmed") == 0);
  cr_expect(anvil_nonce(&s.node, &s.operator.address) == 5 && number_of(one, "gas_used") > 100000);
  json_t *mined =
      anvil_call(&s.node, "eth_getTransactionByHash", json_pack("[s]", text_of(one, "transaction")));
  cr_expect(strncmp(text_of(mined, "input"), (char *)calldata, length - 1) ==
            0); /* what was exported is what was sent */
  json_decref(mined);
  json_decref(settled);
  free(calldata);
  /* the same as a service that follows the aggregator's folder: finds it done, and waits for the next */
  char log[512], done[512];
  snprintf(log, sizeof log, "%s/follow.log", s.folder);
  snprintf(done, sizeof done, "mv %s/sealed %s/00000001.sealed", s.folder, s.folder);
  pid_t child = hf_run_start(log, "settle --follow %s --key %s/operator", s.folder, s.folder);
  cr_assert(system(done) == 0);
  wait_for(log, "confirmed", 1);
  kill(child, SIGTERM);
  int how;
  cr_assert(waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) == 0);
  cr_expect(anvil_nonce(&s.node, &s.operator.address) == 5);
  snprintf(line, sizeof line, "settle %s/00000001.sealed --key %s/operator --again", s.folder, s.folder);
  expect_refusal(line, "WrongBatchNumber(0, 2, 1)");
  json_t *chains = hf_run_json(0, "l1 chains --json");
  one = json_array_get(json_object_get(chains, "chains"), 0);
  cr_expect(number_of(one, "batch") == 2 && number_of(one, "deposits_settled") == 3);
  cr_expect_str_eq(text_of(one, "escrow_gwei"), "8800");
  json_decref(chains);
  /* the withdrawal is claimed, to an address that has nothing */
  json_t *claims = hf_run_json(0, "l1 claims --account %s --json", address);
  cr_expect_str_eq(text_of(claims, "claimable_wei"), "1260000000000");
  cr_expect_str_eq(text_of(json_array_get(json_object_get(claims, "credits"), 0), "why"), "refused deposit");
  cr_expect_str_eq(text_of(json_array_get(json_object_get(claims, "credits"), 1), "why"), "withdrawal");
  json_decref(claims);
  const char *nobody = "0x00000000000000000000000000000000000bb0bb";
  snprintf(line, sizeof line, "l1 claim --key %s/user --to %s", s.folder, nobody);
  hf_eth_address to;
  OK(hf_eth_address_parse(nobody, &to));
  quiet(0, "%s", line);
  cr_expect(anvil_balance(&s.node, &to) == 1260000000000);
  expect_refusal(line, "NothingToClaim()");
  json_t *journal = hf_run_json(0, "l1 journal --key %s/user --json", s.folder);
  cr_expect(json_array_size(json_object_get(journal, "transactions")) == 4);
  json_decref(journal);
  json_decref(wallet);
  stage_close(&s);
}

/* A settlement that is stuck: the next command goes on with it, and it can be cancelled. */
Test(settle_command, stuck, .timeout = 120) {
  stage s;
  stage_open(&s);
  deploy(&s);
  json_t *wallet = hf_run_json(0, "wallet new %s/alice.key --json", s.folder);
  anvil_automine(&s.node, false);
  quiet(5, "l1 deposit --key %s/user --chain %s --to %s --amount 9 --timeout 1", s.folder, s.chain,
        text_of(wallet, "public_key"));
  json_t *journal = hf_run_json(0, "l1 journal --key %s/user --json", s.folder);
  cr_expect_str_eq(text_of(json_array_get(json_object_get(journal, "transactions"), 0), "stage"), "sent");
  json_decref(journal);
  quiet(5, "settle --key %s/user --timeout 3 --bump-after 1", s.folder); /* goes on, with higher fees */
  journal = hf_run_json(0, "l1 journal --key %s/user --json", s.folder);
  cr_expect(number_of(json_array_get(json_object_get(journal, "transactions"), 0), "attempts") > 1);
  json_decref(journal);
  quiet(5, "l1 cancel 0 --key %s/user --timeout 1", s.folder);
  anvil_automine(&s.node, true);
  anvil_mine(&s.node, 1);
  quiet(2, "settle --key %s/user", s.folder); /* says that it was cancelled */
  journal = hf_run_json(0, "l1 journal --key %s/user --json", s.folder);
  cr_expect_str_eq(text_of(json_array_get(json_object_get(journal, "transactions"), 0), "stage"),
                   "cancelled");
  cr_expect(anvil_nonce(&s.node, &s.user.address) == 1);
  json_decref(journal);
  quiet(0, "settle --key %s/user", s.folder); /* nothing is open */
  /* ether is not paid again by itself, whatever the node says became of the first time */
  char line[1024];
  snprintf(line, sizeof line, "l1 deposit --key %s/user --chain %s --to %s --amount 9", s.folder, s.chain,
           text_of(wallet, "public_key"));
  hf_run run;
  hf_run_command(&run, "%s", line);
  cr_expect(run.exit == 2 && strstr(run.err, "--again") != NULL && strstr(run.err, "was cancelled") != NULL, "%d: %s",
            run.exit, run.err);
  hf_run_free(&run);
  cr_expect(anvil_nonce(&s.node, &s.user.address) == 1);
  quiet(0, "%s --again", line);
  quiet(0, "%s", line); /* and that one is done */
  cr_expect(anvil_nonce(&s.node, &s.user.address) == 2);
  /* keys that others may read are not used; a foreign chain's node is noticed */
  char path[512];
  snprintf(path, sizeof path, "%s/user", s.folder);
  cr_assert(chmod(path, 0644) == 0);
  quiet(4, "settle --key %s/user", s.folder);
  snprintf(path, sizeof path, "%s/l1.json", s.folder);
  uint8_t *text;
  size_t length;
  OK(hf_file_read(path, 4096, &text, &length));
  char *id = strstr((char *)text, "31337");
  cr_assert(id != NULL);
  id[0] = '4';
  hf_bytes part = {text, length};
  OK(hf_file_write(path, 0644, &part, 1));
  quiet(3, "l1 chains");
  free(text);
  json_decref(wallet);
  stage_close(&s);
}

/* A sequencer that serves takes deposits as they come, also after a kill. */
Test(settle_command, serving, .timeout = 120) {
  stage s;
  stage_open(&s);
  deploy(&s);
  char log[512];
  snprintf(log, sizeof log, "%s/sequencer.log", s.folder);
  json_t *wallet = hf_run_json(0, "wallet new %s/alice.key --json", s.folder);
  for (int round = 0; round < 3; round++) {
    pid_t child =
        hf_run_start(log, "%s --chain %s --depth %d --slots %d --listen 0 --l1-poll 20 --log-level info",
                     sequencer, s.chain, REHEARSAL_DEPTH, REHEARSAL_SLOTS);
    wait_for(log, "listening", round + 1);
    quiet(0, "l1 deposit --again --key %s/user --chain %s --to %s --amount 70", s.folder, s.chain,
          text_of(wallet, "public_key"));
    wait_for(log, "deposits taken from L1", round + 1);
    kill(child, round == 2 ? SIGTERM : SIGKILL);
    int how;
    cr_assert(waitpid(child, &how, 0) == child && (round < 2 || (WIFEXITED(how) && WEXITSTATUS(how) == 0)));
  }
  hf_chain *chain = NULL;
  hf_chain_info info;
  char path[512];
  hf_chain_options options = {.path = path, .params = {REHEARSAL_DEPTH, REHEARSAL_SLOTS}};
  snprintf(path, sizeof path, "%s/chains/%s.db", s.folder, s.chain);
  OK(hf_chain_id_parse(s.chain, &options.chain_id));
  OK(hf_chain_open(&options, &chain));
  hf_chain_get_info(chain, &info);
  cr_expect(info.deposits == 3 && info.accounts == 1);
  hf_chain_close(&chain);
  json_decref(wallet);
  stage_close(&s);
}

/* Three batches of a deposit each. */
static void make_batches(stage *s) {
  json_t *wallet = hf_run_json(0, "wallet new %s/alice.key --json", s->folder);
  for (int i = 0; i < 3; i++) {
    quiet(0, "l1 deposit --again --key %s/user --chain %s --to %s --amount 70", s->folder, s->chain,
          text_of(wallet, "public_key"));
    quiet(0, "%s --chain %s --depth %d --slots %d", sequencer, s->chain, REHEARSAL_DEPTH, REHEARSAL_SLOTS);
  }
  json_decref(wallet);
}

static void lose_journal(const stage *s) {
  char line[600];
  snprintf(line, sizeof line, "rm -rf '%s/l1'", s->folder);
  cr_assert(system(line) == 0);
}

/* A seal is settled and this journal knows nothing of it; `by`: what was compared. */
static void expect_done(stage *s, const char *file, const char *by) {
  const uint64_t nonce = anvil_nonce(&s->node, &s->operator.address);
  lose_journal(s);
  json_t *out = hf_run_json(0, "settle %s/%s --key %s/operator --json", s->folder, file, s->folder);
  const json_t *one = json_array_get(json_object_get(out, "settled"), 0);
  cr_expect_str_eq(text_of(one, "stage"), "settled");
  cr_expect_str_eq(text_of(one, "by"), by, "%s", file);
  cr_expect((json_object_get(one, "transaction") != NULL) == (strcmp(by, "seal") == 0));
  cr_expect(anvil_nonce(&s->node, &s->operator.address) == nonce);
  json_decref(out);
}

/* It cannot be settled any more, and everything that is needed to see why is said. */
static void expect_never(stage *s, int exit, const char *file, const char *words, const char *root) {
  hf_run run;
  const uint64_t nonce = anvil_nonce(&s->node, &s->operator.address);
  hf_run_command(&run, "settle %s/%s --key %s/operator", s->folder, file, s->folder);
  cr_expect(run.exit == exit && strstr(run.err, words) != NULL && strstr(run.err, s->chain) != NULL &&
                (root == NULL || strstr(run.err, root) != NULL),
            "%s ended with %d: %s", file, run.exit, run.err);
  cr_expect(anvil_nonce(&s->node, &s->operator.address) == nonce);
  hf_run_free(&run);
}

/* Somebody else settled it, or an earlier run whose journal is gone: done when it is the same, said when it is not. */
Test(settle_command, somebody_else, .timeout = 240) {
  stage s;
  stage_open(&s);
  deploy(&s);
  make_batches(&s);
  write_sealed(&s, 1, 1, "00000001.sealed");
  write_sealed(&s, 2, 3, "00000002.sealed");
  write_sealed(&s, 1, 2, "1-2");
  write_sealed(&s, 1, 3, "1-3");
  write_sealed(&s, 2, 2, "2");
  write_sealed(&s, 3, 3, "3");
  write_sealed_as(&s, 1, 1, "1-other", OTHER_ROOT);
  write_sealed_as(&s, 1, 3, "1-3-other", OTHER_ROOT);
  write_sealed_as(&s, 2, 2, "2-other", OTHER_ROOT);
  write_sealed_as(&s, 1, 2, "1-and-chain-5", OTHER_CHAIN);
  const char *root77 = "root 4d00000000000000000000000000000000000000000000000000000000000000";
  char line[1024];
  quiet(0, "settle %s/00000001.sealed --key %s/operator", s.folder, s.folder);
  lose_journal(&s);
  expect_done(&s, "00000001.sealed", "seal");
  expect_never(&s, 3, "1-other", "after batch 1 the contract has root", root77);
  expect_never(&s, 2, "1-2", "is at batch 1 and the seal has its 1 to 2", NULL);
  expect_never(&s, 2, "1-and-chain-5", "but chain 5 is at batch 0 and the seal has its 2 to 2", NULL);
  /* whoever asks waits as long as for a transaction of one's own */
  quiet(5, "settle %s/00000001.sealed --key %s/operator --confirmations 3 --timeout 1", s.folder, s.folder);
  anvil_mine(&s.node, 2);
  quiet(0, "settle %s/00000001.sealed --key %s/operator --confirmations 3 --timeout 1", s.folder, s.folder);
  /* a follower goes on to the next one, and a second one finds both */
  char log[512];
  for (int round = 0; round < 2; round++) {
    int how;
    snprintf(log, sizeof log, "%s/follow.%d", s.folder, round);
    pid_t child = hf_run_start(log, "settle --follow %s --key %s/operator", s.folder, s.folder);
    wait_for(log, "settled already", 1 + round);
    if (round == 0) wait_for(log, "confirmed", 1);
    kill(child, SIGTERM);
    cr_assert(waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) == 0);
    lose_journal(&s);
  }
  expect_done(&s, "00000002.sealed", "seal");
  expect_done(&s, "3", "roots");
  expect_done(&s, "1-3", "roots");
  expect_never(&s, 3, "1-other", "after batch 1 the contract has root", root77);
  expect_never(&s, 3, "1-3-other", "after batch 3 the contract has root", root77);
  /* batch 2 stood in the middle of a seal: its root is read from the calldata that settled it */
  expect_done(&s, "2", "roots");
  expect_never(&s, 2, "2 --from-block 100000", "its root cannot be read and compared", NULL);
  expect_never(&s, 3, "2-other", "after batch 2 the contract has root", root77);
  snprintf(line, sizeof line, "settle %s/00000002.sealed --key %s/operator --again", s.folder, s.folder);
  expect_refusal(line, "WrongBatchNumber(0, 3, 2)");
  stage_close(&s);
}

static uint64_t hex_of(const json_t *object, const char *name) { return strtoull(text_of(object, name), NULL, 16); }

/* What the node says of the operator's transactions: their number must be this. */
static double gas_of_all(stage *s, uint64_t wanted) {
  char operator[HF_ETH_ADDRESS_TEXT], number[32];
  double gas = 0;
  uint64_t count = 0, b = 0;
  hf_eth_address_text(&s->operator.address, operator);
  for (;; b++) {
    snprintf(number, sizeof number, "0x%llx", (unsigned long long)b);
    json_t *block = anvil_call(&s->node, "eth_getBlockByNumber", json_pack("[s, b]", number, 1)), *tx;
    size_t i;
    if (!json_is_object(block)) break;
    json_array_foreach(json_object_get(block, "transactions"), i, tx) {
      if (strcasecmp(text_of(tx, "from"), operator) != 0) continue;
      json_t *receipt = anvil_call(&s->node, "eth_getTransactionReceipt", json_pack("[s]", text_of(tx, "hash")));
      gas += (double)hex_of(receipt, "gasUsed");
      count++;
      json_decref(receipt);
    }
    json_decref(block);
  }
  cr_assert_eq(count, wanted);
  return gas;
}

/* A seal that was given up is not sent: its batches are in later files. */
Test(settle_command, given_up, .timeout = 120) {
  stage s;
  char line[1024], path[512], log[512];
  hf_run run;
  int how;
  stage_open(&s);
  deploy(&s);
  make_batches(&s);
  write_sealed(&s, 1, 2, "00000001.sealed");
  write_sealed(&s, 1, 3, "00000003.sealed");
  const uint64_t nonce = anvil_nonce(&s.node, &s.operator.address);
  for (int number = 1; number <= 2; number++) { /* the second one was never published */
    hf_bytes mark = {"{}\n", 3};
    snprintf(path, sizeof path, "%s/%08d.abandoned", s.folder, number);
    OK(hf_file_write(path, 0644, &mark, 1));
  }
  snprintf(line, sizeof line, "settle %s/00000001.sealed --key %s/operator", s.folder, s.folder);
  hf_run_command(&run, "%s", line);
  cr_expect(run.exit == 2 && strstr(run.err, "given up") != NULL, "%d: %s", run.exit, run.err);
  hf_run_free(&run);
  quiet(2, "settle %s/00000001.sealed --calldata %s/calldata", s.folder, s.folder);
  cr_expect(anvil_nonce(&s.node, &s.operator.address) == nonce);
  /* nor is anything sent while somebody gives up seals here */
  snprintf(path, sizeof path, "%s/lock", s.folder);
  int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  cr_assert(lock >= 0 && flock(lock, LOCK_EX) == 0);
  quiet(5, "settle %s/00000003.sealed --key %s/operator", s.folder, s.folder);
  quiet(5, "settle --follow %s --key %s/operator", s.folder, s.folder);
  cr_expect(anvil_nonce(&s.node, &s.operator.address) == nonce);
  cr_assert(flock(lock, LOCK_UN) == 0);
  snprintf(log, sizeof log, "%s/follow.log", s.folder);
  pid_t child = hf_run_start(log, "settle --follow %s --key %s/operator --metrics 0", s.folder, s.folder);
  wait_for(log, "confirmed", 1);
  /* what it shows of itself is what the node says */
  const uint16_t port = metrics_port(log);
  metrics_wait(port, "hyperfold_settle_last_seal_number", NULL, NULL, 3);
  metrics_wait(port, "hyperfold_settle_seals_total", "outcome", "settled", 1);
  metrics_wait(port, "hyperfold_settle_seals_total", "outcome", "passed_over", 2);
  metrics_wait(port, "hyperfold_settle_transactions", NULL, NULL, (double)nonce + 1);
  metrics_wait(port, "hyperfold_settle_transactions", "state", "confirmed", (double)nonce + 1);
  metrics_wait(port, "hyperfold_settle_transactions_sent_total", NULL, NULL, (double)nonce + 1);
  metrics_wait(port, "hyperfold_settle_gas_total", NULL, NULL, gas_of_all(&s, nonce + 1));
  metrics_expect_health(port, 200, "{\"name\":\"l1\",\"ok\":true}");
  metrics_promtool(port);
  cr_expect(flock(lock, LOCK_EX | LOCK_NB) != 0, "a follower holds the folder");
  kill(child, SIGTERM);
  cr_assert(waitpid(child, &how, 0) == child && WIFEXITED(how) && WEXITSTATUS(how) == 0);
  wait_for(log, "is given up: passed over", 2);
  cr_expect(anvil_nonce(&s.node, &s.operator.address) == nonce + 1);
  expect_done(&s, "00000003.sealed", "seal");
  close(lock);
  stage_close(&s);
}

/* Two settlers at the same time: the contract takes one transaction, and both end well. */
Test(settle_command, two_settlers, .timeout = 120) {
  stage s;
  char log[2][512], address[HF_ETH_ADDRESS_TEXT];
  pid_t child[2];
  uint64_t before[2];
  stage_open(&s);
  deploy(&s);
  make_batches(&s);
  write_sealed(&s, 1, 3, "sealed");
  hf_eth_address_text(&s.user.address, address);
  quiet(0, "l1 settler %s --chain %s --key %s/operator", address, s.chain, s.folder);
  before[0] = anvil_nonce(&s.node, &s.operator.address);
  before[1] = anvil_nonce(&s.node, &s.user.address);
  anvil_automine(&s.node, false);
  for (int i = 0; i < 2; i++) {
    snprintf(log[i], sizeof log[i], "%s/settler.%d", s.folder, i);
    child[i] = hf_run_start(log[i], "settle %s/sealed --key %s/%s", s.folder, s.folder, i ? "user" : "operator");
    wait_for(log[i], "sent as", 1);
  }
  anvil_mine(&s.node, 1);
  int already = 0;
  for (int i = 0; i < 2; i++) {
    int how;
    uint8_t *text;
    size_t length;
    cr_assert(waitpid(child[i], &how, 0) == child[i] && WIFEXITED(how) && WEXITSTATUS(how) == 0, "see %s", log[i]);
    OK(hf_file_read(log[i], 1 << 20, &text, &length));
    already += strstr((char *)text, "settled already") != NULL;
    free(text);
  }
  cr_expect(already == 1);
  cr_expect(anvil_nonce(&s.node, &s.operator.address) == before[0] + 1 &&
            anvil_nonce(&s.node, &s.user.address) == before[1] + 1);
  stage_close(&s);
}
