/* From batches to one sealed proof through the command alone, with real proofs: two chains, one batch each, a
 * fold and a seal. The aggregator is killed on the way. What it publishes is checked in every way that
 * `verify` has. */
#include "run_command.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <hyperfold/payload.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>
#include "circuits/fold.h"
#include "eth_journal.h"
#include "metrics_client.h"
#include "sealed.h"

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  cr_assert(text != NULL, "no text \"%s\"", name);
  return text;
}

static void expect(int exit, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void expect(int exit, const char *format, ...) {
  hf_run run;
  char line[2048];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  hf_run_command(&run, "%s", line);
  cr_assert_eq(run.exit, exit, "\"%s\" ended with %d, not %d:\n%s%s", line, run.exit, exit, run.out, run.err);
  hf_run_free(&run);
}

/* Jobs of a circuit in a state ("" for any); the id of the first. */
static size_t jobs(const char *circuit, const char *state, char id[140]) {
  json_t *list = hf_run_json(0, "job list --data data --circuit %s --json %s %s", circuit,
                             *state ? "--state" : "", state);
  const json_t *all = json_object_get(list, "jobs");
  size_t count = json_array_size(all);
  if (count > 0 && id != NULL) snprintf(id, 140, "%s", text_of(json_array_get(all, 0), "id"));
  json_decref(list);
  return count;
}

static void key_of(const char *circuit, char digest[65]) {
  json_t *key = hf_run_json(0, "circuit key %s --data data --dev --json", circuit);
  snprintf(digest, 65, "%s", text_of(key, "digest"));
  cr_assert(json_is_true(json_object_get(key, strcmp(circuit, "seal") == 0 ? "seal" : "foldable")));
  json_decref(key);
}

static void end(pid_t pid, int signal, int expected) {
  int status;
  kill(pid, signal);
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  cr_assert_eq(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), expected);
}

/* Jobs of both chains: the inputs of chain 8 are sealed, to the workers and, to be read alone, to the aggregator. */
static char sealed_batch[HF_NAME_MAX + 1];

static size_t batches(const char *state) { return jobs("batch", state, NULL) + jobs(sealed_batch, state, NULL); }

static void make_keys(void) {
  const char *names[] = {"pool", "reader"};
  for (int i = 0; i < 2; i++) {
    char path[32];
    json_t *key = hf_run_json(0, "pool-key make %s.key --json", names[i]);
    const char *text = text_of(key, "public");
    snprintf(path, sizeof path, "%s.pub", names[i]);
    cr_assert_eq(hf_file_write(path, 0644, &(hf_bytes){text, strlen(text)}, 1), HF_OK);
    if (i == 0) snprintf(sealed_batch, sizeof sealed_batch, "batch@%s", text_of(key, "pool"));
    json_decref(key);
  }
}

static void make_batches(void) {
  make_keys();
  for (int chain = 7; chain <= 8; chain++) {
    json_decref(
        hf_run_json(0,
                    "wallet generate --json --chain %d --accounts 3 --transactions 1 --deposits d%d.jsonl "
                    "--out t.jsonl --seed %d",
                    chain, chain, chain));
    json_decref(
        hf_run_json(0,
                    "sequencer run --data data --chain %d --depth 4 --slots 3 --dev --deposits d%d.jsonl "
                    "--flush --json %s",
                    chain, chain, chain == 8 ? "--seal-to pool.pub,reader.pub" : ""));
  }
  expect(0, "worker --data data --once --dev --json --circuit batch");
  cr_assert_eq(batches("done"), 1, "a worker without the key is not given the sealed one");
  expect(0, "worker --data data --once --dev --json --circuit batch --pool-key pool.key");
  cr_assert_eq(batches("done"), 2);
}

/* The proofs of leaf, node and seal, and the sealed file: what is accepted, and what is not. */
static void check_verdicts(const char *leaf, const char *node, const char *seal, const char *fold_id) {
  const char *k = "data/keys";
  expect(0, "job get --data data --tenant hyperfold 7/1 --out leaf.proof");
  expect(0, "job get --data data --tenant hyperfold %s --out node.proof --input node.input", fold_id);
  expect(0, "job get --data data --tenant hyperfold seal/1 --out seal.proof --input seal.input");
  json_t *verdict = hf_run_json(
      0, "verify --vk %s/%s.vkey --dev --leaf-vk %s data/sealed/00000001.sealed --json", k, seal, leaf);
  cr_assert_str_eq(text_of(verdict, "kind"), "seal");
  cr_assert_eq(json_integer_value(json_object_get(verdict, "records")), 2);
  json_decref(verdict);
  expect(4, "verify --vk %s/%s.vkey --leaf-vk %s data/sealed/00000001.sealed", k, seal,
         leaf); /* the set-up is public */
  /* the keys that count: of the proof itself, and of what is below it */
  expect(0, "verify --vk %s/%s.vkey --dev --key %s,%s --leaf-vk any seal.proof", k, seal, node, seal);
  expect(4, "verify --vk %s/%s.vkey --dev --key %s --leaf-vk any seal.proof", k, seal, node);
  expect(4, "verify --vk %s/%s.vkey --dev --leaf-vk %s data/sealed/00000001.sealed", k, seal, node);
  expect(2, "verify --vk %s/%s.vkey --dev seal.proof", k, seal);
  /* by default those that were derived here */
  expect(0, "verify --data data --dev data/sealed/00000001.sealed");
  expect(0, "verify --data data --dev node.proof --records seal.input");
  expect(2, "verify --data elsewhere --dev data/sealed/00000001.sealed");
  expect(4, "verify --data elsewhere --dev --vk %s/%s.vkey data/sealed/00000001.sealed", k, seal);
  expect(2, "verify --vk %s/%s.vkey --dev --leaf-vk %s seal.proof", k, seal, leaf);
  expect(2, "verify --vk %s/%s.vkey --dev node.proof", k, node);
  /* the records */
  expect(0, "verify --vk %s/%s.vkey --dev --leaf-vk %s --records seal.input seal.proof", k, seal, leaf);
  expect(0, "verify --vk %s/%s.vkey --dev --leaf-vk %s --records data/sealed/00000001.sealed node.proof", k,
         node, leaf);
  expect(4, "verify --vk %s/%s.vkey --dev --records seal.input leaf.proof", k, leaf);
  /* a node can verify leaves and nodes, no seals */
  expect(0, "verify --vk %s/%s.vkey --dev --foldable --data data leaf.proof", k, leaf);
  expect(0, "verify --vk %s/%s.vkey --dev --foldable --node-vk %s --leaf-vk any --data data node.proof", k,
         node, node);
  expect(4, "verify --vk %s/%s.vkey --dev --foldable --node-vk %s --leaf-vk any --data data node.proof", k,
         node, leaf);
  expect(4, "verify --vk %s/%s.vkey --dev --foldable --leaf-vk any --data data seal.proof", k, seal);
  /* a proof is of its own key alone */
  expect(3, "verify --vk %s/%s.vkey --dev --leaf-vk any node.proof", k, seal);
  expect(3, "verify --vk %s/%s.vkey --dev leaf.proof", k, node);
  const char *files[] = {"node.input", "seal.input", "data/sealed/00000001.sealed"};
  for (int i = 0; i < 3; i++) json_decref(hf_run_json(0, "inspect %s --json", files[i]));
  expect(0, "circuit check node node.input --data data --dev");
  expect(0, "circuit check seal seal.input --data data --dev");
  expect(3, "circuit check node seal.input --data data --dev");
}

/* A stranger's folds: the constraints hold, the proof would not. Neither costs a proof, nor is the device
 * blamed. */
static void check_bad_folds(const char *node) {
  hf_node_input *in = malloc(sizeof *in), *bad = malloc(sizeof *bad);
  uint8_t *data;
  size_t length;
  cr_assert_eq(hf_file_read("node.input", HF_NODE_INPUT_LIMIT, &data, &length), HF_OK);
  cr_assert_eq(hf_node_input_decode("node.input", data, length, in), HF_OK);
  const char *reasons[] = {"a node can verify", "another node key"};
  for (int i = 0; i < 2; i++) {
    hf_writer w = {0};
    *bad = *in;
    if (i == 0) bad->child[0].proof.w_prime = in->child[0].proof.w; /* the pairing is deferred */
    if (i == 1) bad->node_vk = hf_fr_one();
    cr_assert_eq(hf_node_input_encode(bad, &w), HF_OK);
    hf_bytes part = {w.data, w.length};
    cr_assert_eq(hf_file_write("bad.input", 0644, &part, 1), HF_OK);
    hf_writer_free(&w);
    if (i == 0) expect(0, "circuit check node bad.input --data data --dev");
    expect(0, "job submit --data data --circuit node --vk %s --id bad%d bad.input", node, i);
  }
  expect(0, "worker --data data --dev --once --circuit node");
  for (int i = 0; i < 2; i++) {
    json_t *job = hf_run_json(0, "job get --data data bad%d --json", i);
    cr_assert_eq(json_integer_value(json_object_get(job, "attempts")), 1);
    cr_assert(strstr(text_of(job, "cause"), reasons[i]) != NULL, "%s", text_of(job, "cause"));
    json_decref(job);
    expect(0, "job cancel --data data bad%d", i);
  }
  free(data);
  free(in);
  free(bad);
}

/* ---- giving up a seal ---- */

/* What `hyperfold settle` would have left of the seal, in a journal of some account. */
static void write_journal(const hf_sealed *sealed, hf_entry_state state) {
  static const uint8_t number[8] = {0};
  hf_journal journal = {.lock = -1};
  hf_digest_state hash;
  uint8_t statement[32];
  hf_entry e = {.what = "settle 2 batches", .nonce = 4, .gas = 1, .attempts = 1, .state = state};
  e.to.b[0] = 0xcc;
  e.receipt.success = true;
  e.receipt.transaction = e.attempt[0].hash;
  hf_fr_to_bytes(sealed->proof.public_inputs[HF_SEAL_STATEMENT], statement);
  hf_digest_init(&hash);
  hf_digest_update(&hash, "settle", 7);
  hf_digest_update(&hash, e.to.b, 20);
  hf_digest_update(&hash, number, 8);
  hf_digest_update(&hash, statement, 32);
  hf_digest_final(&hash, &e.id);
  cr_assert_eq(
      hf_journal_open("data/l1/1-0011223344556677-0x00000000000000000000000000000000000000aa", &journal),
      HF_OK);
  cr_assert_eq(hf_journal_write(&journal, &e), HF_OK);
  hf_journal_close(&journal);
}

static void refuse_replan(int number, int exit, const char *why) {
  hf_run run;
  char mark[64];
  snprintf(mark, sizeof mark, "data/sealed/%08d.abandoned", number);
  hf_run_command(&run, "aggregator --data data --dev --drain --replan %d --without 8", number);
  cr_assert(run.exit == exit && strstr(run.err, why) != NULL, "%d: %s", run.exit, run.err);
  cr_assert_neq(access(mark, F_OK), 0);
  hf_run_free(&run);
}

static void expect_one_record(int number, const char *leaf) {
  json_t *verdict =
      hf_run_json(0, "verify --data data --dev --leaf-vk %s data/sealed/%08d.sealed --json", leaf, number);
  cr_assert_eq(json_integer_value(json_object_get(verdict, "records")), 1);
  json_decref(verdict);
}

/* One chain of the seal is held up: it is given up unless it is sent, and both chains get seals of their own.
 */
static void check_replan(const char *leaf) {
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  cr_assert_eq(hf_sealed_load("data/sealed/00000001.sealed", sealed), HF_OK);
  write_journal(sealed, HF_ENTRY_OPEN);
  refuse_replan(1, 2, "sent and undecided");
  write_journal(sealed, HF_ENTRY_CONFIRMED);
  refuse_replan(1, 2, "it is settled");
  write_journal(sealed, HF_ENTRY_LOST);
  hf_sealed_free(sealed);
  free(sealed);
  expect(5, "aggregator --data data --dev --drain --replan 2"); /* there is none */
  int lock = open("data/sealed/lock", O_RDWR | O_CLOEXEC);
  cr_assert(lock >= 0 && flock(lock, LOCK_SH) == 0);
  refuse_replan(1, 5, "works here: end it first");
  close(lock);
  pid_t worker = hf_run_start("worker.log", "worker --data data --dev");
  expect(0, "aggregator --data data --dev --drain --replan 1 --without 8");
  cr_assert_eq(access("data/sealed/00000001.abandoned", F_OK), 0);
  cr_assert_eq(access("data/sealed/00000001.sealed", F_OK), 0, "nothing is removed");
  expect_one_record(2, leaf);
  cr_assert_neq(access("data/sealed/00000003.sealed", F_OK), 0);
  expect(0,
         "aggregator --data data --dev --drain --replan 1 --chain 8"); /* said again; and what was left out */
  expect_one_record(3, leaf);
  end(worker, SIGTERM, 0);
  cr_assert(batches("") == 2 && jobs("node", "done", NULL) == 1 && jobs("seal", "", NULL) == 3);
  /* all is published: the batches may go, the seals say where the chains stand */
  expect(0, "queue reap --data data --forget 0");
  cr_assert(batches("") == 0 && jobs("seal", "", NULL) == 3);
  refuse_replan(2, 5, "is not in the queue any more");
  sleep(1); /* ages are whole seconds */
  expect(0, "queue reap --data data --forget 0 --all");
  cr_assert_eq(jobs("seal", "", NULL), 0);
}

Test(fold, batches_to_a_sealed_proof) {
  char *folder = hf_test_folder("fold"), leaf[65], node[65], seal[65], id[140] = "", again[140] = "";
  cr_assert_eq(chdir(folder), 0);
  cr_assert_eq(setenv("HYPERFOLD_SEAL_AGE", "0", 1), 0); /* on a busy machine all this may take minutes */
  make_batches();
  json_t *job = hf_run_json(0, "job get --data data --tenant hyperfold 7/1 --json");
  snprintf(leaf, sizeof leaf, "%s", text_of(job, "vk_digest"));
  json_decref(job);
  /* without --dev nothing is made of the public secret; a seal of 65 does not exist */
  expect(4, "aggregator --data data --once");
  expect(2, "aggregator --data data --dev --once --seal-count 65");
  /* one look each: the second finds what the first did; keys that are not listed do not count */
  expect(0, "aggregator --data data --dev --once --leaf-vk %064d", 1);
  cr_assert_eq(jobs("node", "", NULL), 0);
  /* a record that it cannot read is waited for, and why is said */
  hf_run blind;
  hf_run_command(&blind, "aggregator --data data --dev --once --leaf-vk %s", leaf);
  cr_assert(blind.exit == 0 && strstr(blind.out, "8/1 waits: the payload is sealed to") != NULL, "%s%s", blind.out, blind.err);
  hf_run_free(&blind);
  cr_assert_eq(jobs("node", "", NULL), 0);
  cr_assert_eq(setenv("HYPERFOLD_POOL_KEY", "reader.key", 1), 0); /* of all that follow */
  expect(0, "aggregator --data data --dev --once --json --leaf-vk %s", leaf);
  cr_assert_eq(jobs("node", "queued", id), 1);
  expect(0, "aggregator --data data --dev --once");
  cr_assert(jobs("node", "", again) == 1 && strcmp(id, again) == 0);
  key_of("node", node);
  key_of("seal", seal);
  pid_t worker = hf_run_start("worker.log", "worker --data data --dev");
  pid_t aggregator = hf_run_start("aggregator.log", "aggregator --data data --dev --drain --metrics 0");
  const uint16_t port = metrics_port("aggregator.log");
  for (int i = 0; jobs("seal", "", NULL) == 0; i++) {
    cr_assert_lt(i, 2400, "no seal job");
    usleep(100000);
  }
  /* what it shows of itself is what it did: the fold was there before it */
  metrics_wait(port, "hyperfold_aggregator_open_seals", NULL, NULL, 1);
  metrics_wait(port, "hyperfold_aggregator_seals_closed_total", "reason", "drain", 1);
  metrics_wait(port, "hyperfold_aggregator_chains", NULL, NULL, 2);
  metrics_wait(port, "hyperfold_aggregator_batches_total", NULL, NULL, 2);
  metrics_wait(port, "hyperfold_aggregator_folds_submitted_total", NULL, NULL, 0);
  metrics_wait(port, "hyperfold_aggregator_folds_proven_total", NULL, NULL, 1);
  metrics_wait(port, "hyperfold_aggregator_folds", "state", "done", 1);
  metrics_wait(port, "hyperfold_aggregator_folds", "state", "open", 0);
  metrics_wait(port, "hyperfold_aggregator_refusals_total", NULL, NULL, 0);
  metrics_expect_health(port, 200, "{\"name\":\"planner\",\"ok\":true}");
  metrics_promtool(port);
  exposition shown;
  metrics_read(port, &shown);
  cr_assert_gt(exposition_sum(&shown, "hyperfold_aggregator_oldest_unsealed_seconds", NULL, NULL), 0);
  exposition_free(&shown);
  end(aggregator, SIGKILL, 128 + SIGKILL);
  expect(0, "aggregator --data data --dev --drain --json");
  end(worker, SIGTERM, 0);
  cr_assert(jobs("node", "", NULL) == 1 && jobs("seal", "", NULL) == 1, "nothing was proven twice");
  check_verdicts(leaf, node, seal, id);
  check_bad_folds(node);
  /* it is published, and stays so */
  expect(0, "aggregator --data data --dev --drain");
  cr_assert_eq(jobs("seal", "", NULL), 1);
  check_replan(leaf);
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(folder);
}
