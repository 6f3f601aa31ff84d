/* hyperfold settle: a sealed proof becomes a mined transaction. */
#include "commands.h"
#include "fold_common.h"
#include "l1_common.h"
#include "machine.h"
#include "proof_common.h"
#include "role_metrics.h"
#include "signals.h"

#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What one file asks for. */
typedef struct seal {
  hf_sealed *sealed;
  uint64_t verifier;
  hf_writer calldata;
  uint64_t gas;
  hf_digest id;
  char what[64];
  int lock; /* of the file's folder; -1: none */
} seal;

static void seal_close(seal *s) {
  if (s->sealed != NULL) hf_sealed_free(s->sealed);
  free(s->sealed);
  hf_writer_free(&s->calldata);
  if (s->lock >= 0) close(s->lock);
}

/* With --vk everything that a contract will check of the file is checked here first. */
static hf_status check_sealed(hf_cli *cli, const char *path, const hf_sealed *sealed) {
  hf_status status;
  hf_verifying_key vk;
  bool ok;
  const char *key = hf_cli_text(cli, "vk");
  if (key == NULL) return HF_OK;
  HF_TRY(hf_verifying_key_load(key, &vk));
  HF_TRY(hf_cli_allow_development(cli, vk.development, key));
  HF_TRY(hf_sealed_check(sealed, &vk, &ok));
  if (!ok) HF_TRY(hf_fail_context(HF_E_VERIFY, "%s", path));
out:
  return status;
}

/* The mark beside a sealed file: its batches are in other seals. Its folder is held from here on, so that it
 * is not given up while we send. */
static hf_status hold(const char *path, seal *s) {
  hf_status status;
  const size_t length = strlen(path);
  const char *slash = strrchr(path, '/');
  char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup("."), *mark = NULL;
  if (folder == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  HF_TRY(hf_cli_sealed_lock(folder, HF_SEALS_TO_READ, &s->lock));
  if (length < 7 || strcmp(path + length - 7, ".sealed") != 0) goto out;
  if (asprintf(&mark, "%.*s.abandoned", (int)(length - 7), path) < 0) {
    mark = NULL;
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a path"));
  }
  if (access(mark, F_OK) == 0)
    HF_TRY(hf_fail(HF_E_STATE, "%s: given up; its batches are in other seals (%s)", path, mark));
out:
  free(folder);
  free(mark);
  return status;
}

static hf_status seal_open(hf_cli *cli, const char *path, seal *out) {
  hf_status status;
  memset(out, 0, sizeof *out);
  out->lock = -1;
  HF_TRY(hold(path, out));
  out->sealed = calloc(1, sizeof *out->sealed);
  if (out->sealed == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a seal"));
  HF_TRY(hf_sealed_load(path, out->sealed));
  HF_TRY(check_sealed(cli, path, out->sealed));
  snprintf(out->what, sizeof out->what, "settle %u batches", out->sealed->records);
out:
  return status;
}

static hf_status make_calldata(hf_cli *cli, hf_cli_l1 *l1, seal *s) {
  hf_status status;
  hf_u256 digest;
  hf_fr_to_bytes_be(s->sealed->proof.vk_digest, digest.b);
  if (hf_cli_given(cli, "verifier-id"))
    s->verifier = hf_cli_number(cli, "verifier-id");
  else
    HF_TRY(hf_settlement_find_verifier(&l1->contract, &digest, &s->verifier));
  HF_TRY(hf_settlement_settle_call(&l1->contract, s->sealed, s->verifier, l1->from_block, &s->calldata));
  s->gas = hf_cli_given(cli, "gas")
               ? hf_cli_number(cli, "gas")
               : hf_settlement_settle_gas(s->sealed, (hf_bytes){s->calldata.data, s->calldata.length});
out:
  return status;
}

/* ---- --calldata ---- */

static hf_status write_calldata(const char *path, const hf_writer *calldata) {
  char *hex = malloc(2 * calldata->length + 2);
  if (hex == NULL) return hf_fail(HF_E_MEMORY, "no memory for the calldata");
  hf_hex(calldata->data, calldata->length, hex);
  strcpy(hex + 2 * calldata->length, "\n");
  hf_bytes parts[] = {{"0x", 2}, {hex, 2 * calldata->length + 1}};
  hf_status status = hf_file_write(path, 0644, parts, 2);
  free(hex);
  return status;
}

static hf_status export(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1;
  seal s = {.lock = -1};
  const char *to = hf_cli_text(cli, "calldata");
  char address[HF_ETH_ADDRESS_TEXT];
  if (cli->argument_count != 1) return hf_fail(HF_E_ARGUMENT, "--calldata takes one sealed file");
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT, &l1));
  HF_TRY(seal_open(cli, cli->arguments[0], &s));
  HF_TRY(make_calldata(cli, &l1, &s));
  HF_TRY(write_calldata(to, &s.calldata));
  hf_eth_address_text(&l1.contract.address, address);
  if (cli->json)
    HF_TRY(
        hf_cli_print_json(cli, json_pack("{s:s, s:s, s:o, s:o, s:i}", "calldata", to, "to", address, "gas",
                                         hf_cli_json_u64(s.gas), "bytes", hf_cli_json_u64(s.calldata.length),
                                         "records", (int)s.sealed->records)));
  else
    printf("%s: %zu bytes for %s, gas limit %llu\n", to, s.calldata.length, address,
           (unsigned long long)s.gas);
out:
  seal_close(&s);
  hf_cli_l1_close(&l1);
  return status;
}

/* ---- sending ---- */

/* What the contract must say when all is well: a chain's last batch in the seal, or a later one. */
static hf_status compare_roots(hf_cli_l1 *l1, const seal *s, json_t *chains) {
  hf_status status = HF_OK;
  for (uint32_t i = 0; i < s->sealed->records; i++) {
    const hf_batch_record *r = &s->sealed->batch[i].record;
    hf_u256 id, root;
    uint64_t number;
    hf_settled_chain now;
    char text[HF_U256_TEXT];
    bool last = true;
    for (uint32_t k = i + 1; k < s->sealed->records; k++)
      last &=
          memcmp(s->sealed->batch[k].record.word[HF_RECORD_CHAIN_ID], r->word[HF_RECORD_CHAIN_ID], 32) != 0;
    if (!last) continue;
    hf_cli_number_of(r->word[HF_RECORD_CHAIN_ID], &id);
    hf_cli_number_of(r->word[HF_RECORD_NEW_ROOT], &root);
    HF_TRY(hf_word_get_u64(r->word[HF_RECORD_BATCH_NUMBER], &number));
    HF_TRY(hf_settlement_chain(&l1->contract, &id, &now));
    hf_u256_text(&id, text);
    if (now.batch < number || (now.batch == number && hf_u256_compare(&now.state_root, &root) != 0))
      HF_TRY(hf_fail(HF_E_MISMATCH,
                     "the transaction succeeded, but chain %s stands at batch %llu with another root", text,
                     (unsigned long long)now.batch));
    json_array_append_new(chains, json_pack("{s:s, s:o}", "chain", text, "batch", hf_cli_json_u64(number)));
  }
out:
  return status;
}

/* ---- what is settled already ---- */

/* *done = the contract has these batches, with all the confirmations that a transaction of ours would be
 * waited for. HF_OK with *done false: it waits for them. */
static hf_status wait_settled(hf_cli *cli, hf_cli_l1 *l1, const seal *s, hf_settled *how, bool *done) {
  hf_status status = HF_OK;
  const uint64_t depth = hf_cli_number(cli, "confirmations") - 1;
  const double until = hf_cli_now() + (double)hf_cli_number(cli, "timeout");
  for (*done = false;;) {
    uint64_t head;
    hf_settled deep = {0};
    HF_TRY(hf_eth_block_number(l1->rpc, &head));
    HF_TRY(hf_settlement_look(&l1->contract, s->sealed, l1->from_block, head, how));
    if (how->how == HF_SETTLED_NOT) goto out;
    status = depth == 0 ? HF_OK
                        : hf_settlement_look(&l1->contract, s->sealed, l1->from_block,
                                             head > depth ? head - depth : 0, &deep);
    if (status != HF_E_STATE) HF_TRY(status);
    *done = depth == 0 || (status == HF_OK && deep.how != HF_SETTLED_NOT);
    status = HF_OK;
    if (*done) goto out;
    if (hf_cli_stopped())
      HF_TRY(
          hf_fail(HF_E_CANCELLED, "stopped while %s, settled by somebody, waits for confirmations", s->what));
    if (hf_cli_now() >= until)
      HF_TRY(hf_fail(HF_E_TIMEOUT, "%s: settled by somebody, but not confirmed yet", s->what));
    hf_cli_l1_pause(cli);
  }
out:
  return status;
}

/* Not ours: another settler's, or that of a run whose journal is not here. */
static void tell_settled(hf_cli *cli, const seal *s, const hf_settled *how, const char *path,
                         json_t *results) {
  char hash[HF_ETH_HASH_TEXT], who[HF_ETH_ADDRESS_TEXT];
  const bool whole = how->how == HF_SETTLED_SEAL;
  json_t *one = json_pack("{s:s, s:s, s:b, s:s, s:i, s:s}", "what", s->what, "stage", "settled", "known", 0,
                          "file", path, "records", (int)s->sealed->records, "by", whole ? "seal" : "roots");
  hf_eth_hash_text(&how->transaction, hash);
  hf_eth_address_text(&how->settler, who);
  if (whole) {
    json_object_set_new(one, "transaction", json_string(hash));
    json_object_set_new(one, "block", hf_cli_json_u64(how->block));
    json_object_set_new(one, "settler", json_string(who));
  }
  json_array_append_new(results, one);
  if (cli->json) return;
  if (whole)
    printf("%s: settled already, by %s in block %llu, transaction %s\n", s->what, who,
           (unsigned long long)how->block, hash);
  else
    printf("%s: settled already in other seals; every chain had this seal's root\n", s->what);
}

/* ---- one file ---- */

static hf_status send_seal(hf_cli *cli, hf_cli_l1 *l1, seal *s, hf_sent *sent) {
  hf_status status;
  if (hf_sender_get(l1->sender, &s->id, sent) != HF_OK || sent->stage == HF_SEND_LOST ||
      (sent->stage == HF_SEND_CONFIRMED && (sent->cancelled || !sent->receipt.success)))
    HF_TRY(make_calldata(cli, l1, s));
  hf_send_request request = {.id = s->id,
                             .what = s->what,
                             .to = l1->contract.address,
                             .gas = s->gas,
                             .data = {s->calldata.data, s->calldata.length}};
  HF_TRY(hf_cli_l1_send(cli, l1, &request, sent));
out:
  return status;
}

/* A transaction of ours is in the journal, and neither reverted, cancelled nor lost. */
static bool is_ours(hf_cli_l1 *l1, const seal *s) {
  hf_sent sent;
  return hf_sender_get(l1->sender, &s->id, &sent) == HF_OK && sent.stage != HF_SEND_LOST &&
         (sent.stage != HF_SEND_CONFIRMED || (sent.receipt.success && !sent.cancelled));
}

static hf_status settle_one(hf_cli *cli, hf_cli_l1 *l1, const char *path, json_t *results) {
  hf_status status;
  seal s;
  hf_sent sent;
  hf_settled how;
  uint8_t statement[32];
  bool done = false;
  json_t *chains = json_array();
  const bool again = hf_cli_flag(cli, "again");
  HF_TRY(seal_open(cli, path, &s));
  hf_fr_to_bytes(s.sealed->proof.public_inputs[HF_SEAL_STATEMENT], statement);
  /* The statement is over chain ids and batch numbers: the same batches are the same request, whatever their
   * proof. */
  HF_TRY(hf_cli_l1_id(l1, "settle", statement, 32, again, &s.id));
  if (!again && !is_ours(l1, &s)) HF_TRY(wait_settled(cli, l1, &s, &how, &done));
  if (!done) {
    status = send_seal(cli, l1, &s, &sent);
    /* It had no effect. Was somebody quicker? */
    if (!again && (status == HF_E_REFUSED || status == HF_E_STALE)) {
      char why[1024];
      const hf_status refused = status;
      snprintf(why, sizeof why, "%s", hf_error_message());
      HF_TRY(wait_settled(cli, l1, &s, &how, &done));
      status = done ? HF_OK : hf_fail(refused, "%s", why);
    }
    HF_TRY(status);
  }
  if (done) {
    tell_settled(cli, &s, &how, path, results);
    goto out;
  }
  HF_TRY(compare_roots(l1, &s, chains));
  json_t *one = hf_cli_sent_json(&sent);
  json_object_set_new(one, "file", json_string(path));
  json_object_set_new(one, "records", json_integer(s.sealed->records));
  json_object_set(one, "chains", chains);
  json_array_append_new(results, one);
  if (!cli->json) hf_cli_sent_print(&sent);
out:
  json_decref(chains);
  seal_close(&s);
  return status;
}

/* Everything that earlier processes began. */
static hf_status resume(hf_cli *cli, hf_cli_l1 *l1, json_t *results) {
  hf_status status = HF_OK;
  hf_sent sent;
  for (size_t i = 0; hf_sender_list(l1->sender, i, &sent); i++) {
    if (sent.stage == HF_SEND_CONFIRMED || sent.stage == HF_SEND_LOST) continue;
    HF_TRY(hf_cli_l1_wait(cli, l1, &sent.id, &sent));
    json_array_append_new(results, hf_cli_sent_json(&sent));
    if (!cli->json) hf_cli_sent_print(&sent);
  }
out:
  return status;
}

static bool is_there(const char *folder, const char *name, uint64_t number) {
  char *path = NULL, file[40];
  snprintf(file, sizeof file, name, (unsigned long long)number);
  if (asprintf(&path, "%s/%s", folder, file) < 0) return false;
  const bool there = access(path, R_OK) == 0;
  free(path);
  return there;
}

static hf_status settle_number(hf_cli *cli, hf_cli_l1 *l1, const char *folder, uint64_t number) {
  char *path = NULL;
  json_t *results = json_array();
  if (asprintf(&path, "%s/" HF_CLI_SEALED_NAME, folder, (unsigned long long)number) < 0)
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  hf_status status = settle_one(cli, l1, path, results);
  if (status == HF_OK && cli->json) { /* a line each */
    json_dumpf(json_array_get(results, 0), stdout, JSON_COMPACT);
    putchar('\n');
    cli->printed = true;
  }
  fflush(stdout);
  json_decref(results);
  free(path);
  return status;
}

/* The aggregator's files by their numbers, as they come. Those that are given up are passed over. The folder
 * is held all the time: what we settle is not given up beside us. */
static hf_status follow(hf_cli *cli, hf_cli_l1 *l1, const char *folder, hf_settle_metrics *metrics) {
  int lock;
  hf_status status = hf_cli_sealed_lock(folder, HF_SEALS_TO_READ, &lock);
  for (uint64_t number = 1; status == HF_OK && !hf_cli_stopped();) {
    if (is_there(folder, HF_CLI_ABANDONED_NAME, number)) {
      hf_cli_say("seal %llu is given up: passed over", (unsigned long long)number);
      hf_settle_metrics_seal(metrics, number++, "passed_over");
    } else if (is_there(folder, HF_CLI_SEALED_NAME, number)) {
      status = settle_number(cli, l1, folder, number);
      if (status == HF_OK) hf_settle_metrics_seal(metrics, number++, "settled");
    } else {
      hf_cli_l1_pause(cli);
    }
  }
  if (lock >= 0) close(lock);
  return status == HF_E_CANCELLED ? HF_OK : status;
}

static hf_status follow_shown(hf_cli *cli, hf_cli_l1 *l1) {
  hf_status status;
  hf_cli_metrics shown = {0};
  hf_settle_metrics *metrics = NULL;
  HF_TRY(hf_cli_metrics_open(cli, "settle", 0, &shown));
  if (shown.exporter != NULL) HF_TRY(hf_settle_metrics_create(shown.exporter, cli, l1, &metrics));
  HF_TRY(hf_cli_metrics_serve(&shown, "metrics"));
  HF_TRY(follow(cli, l1, hf_cli_text(cli, "follow"), metrics));
out:
  l1->look = NULL;
  hf_cli_metrics_close(&shown);
  hf_settle_metrics_destroy(&metrics);
  return status;
}

hf_status hf_settle_run(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1;
  json_t *results = json_array();
  if (hf_cli_given(cli, "metrics") && !hf_cli_given(cli, "follow")) {
    json_decref(results);
    return hf_fail(HF_E_ARGUMENT, "--metrics is for --follow: other commands end by themselves");
  }
  if (hf_cli_given(cli, "calldata")) {
    json_decref(results);
    return export(cli);
  }
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT | HF_L1_SENDS, &l1));
  if (hf_cli_given(cli, "follow")) {
    status = follow_shown(cli, &l1);
    goto out;
  }
  if (cli->argument_count == 0) HF_TRY(resume(cli, &l1, results));
  for (unsigned i = 0; i < cli->argument_count; i++) HF_TRY(settle_one(cli, &l1, cli->arguments[i], results));
  if (cli->json) HF_TRY(hf_cli_print_json(cli, json_pack("{s:O}", "settled", results)));
out:
  json_decref(results);
  hf_cli_l1_close(&l1);
  return status;
}

const hf_option hf_settle_options[] = {
    HF_OPTIONS_L1,
    HF_OPTIONS_L1_SEND,
    {"vk", HF_OPTION_TEXT, "FILE", NULL,
     "the seal's verifying key: check everything here before gas is paid"},
    HF_OPTION_DEV,
    {"calldata", HF_OPTION_TEXT, "FILE", NULL, "write the calldata as hex instead of sending"},
    {"follow", HF_OPTION_TEXT, "FOLDER", NULL,
     "settle what the aggregator publishes there, until SIGTERM (DATA/sealed)"},
    HF_OPTION_METRICS,
    {"verifier-id", HF_OPTION_LARGE, "N", NULL,
     "the contract's verifier (default: the one of the seal's key)"},
    {"gas", HF_OPTION_LARGE, "N", NULL, "gas limit (default: computed from the calldata)"},
    {"again", HF_OPTION_FLAG, NULL, NULL,
     "ask the contract once more for what is settled already (it will refuse)"},
    HF_OPTION_END,
};
