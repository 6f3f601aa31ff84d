#include "l1_common.h"

#include <dirent.h>
#include <errno.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "eth_journal.h"
#include "signals.h"

#define GWEI       1000000000ull
#define FILE_LIMIT 4096

void hf_cli_l1_pause(const hf_cli *cli) {
  const uint64_t ms = hf_cli_number(cli, "poll");
  const struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  if (!hf_cli_stopped()) (void)nanosleep(&t, NULL);
}

/* ---- the deployment's file ---- */

typedef struct deployment {
  bool there;
  uint64_t chain_id, block;
  hf_eth_address contract;
} deployment;

static hf_status read_deployment(hf_cli *cli, deployment *out) {
  hf_status status = HF_OK;
  char *path = hf_cli_data_path(cli, "l1.json");
  uint8_t *text = NULL;
  size_t length;
  json_t *from = NULL;
  const char *contract;
  json_int_t chain_id, block;
  memset(out, 0, sizeof *out);
  if (path == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  status = hf_file_read(path, FILE_LIMIT, &text, &length);
  if (status == HF_E_NOT_FOUND) {
    status = HF_OK;
    goto out;
  }
  HF_TRY(status);
  from = json_loadb((const char *)text, length, JSON_REJECT_DUPLICATES, NULL);
  if (json_unpack(from, "{s:I, s:s, s:I}", "l1_chain_id", &chain_id, "contract", &contract, "block",
                  &block) != 0 ||
      chain_id <= 0 || block < 0 || hf_eth_address_parse(contract, &out->contract) != HF_OK)
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: not a deployment's file (l1 deploy writes one)", path));
  out->chain_id = (uint64_t)chain_id;
  out->block = (uint64_t)block;
  out->there = true;
out:
  json_decref(from);
  free(text);
  free(path);
  return status;
}

hf_status hf_cli_l1_save(hf_cli *cli, uint64_t l1_chain_id, const hf_eth_address *contract,
                         const hf_eth_address *verifier, uint64_t block) {
  hf_status status = HF_OK;
  char *path = hf_cli_data_path(cli, "l1.json");
  json_t *document = json_pack("{s:I, s:o, s:o, s:I}", "l1_chain_id", (json_int_t)l1_chain_id, "contract",
                               hf_cli_address_json(contract), "verifier", hf_cli_address_json(verifier),
                               "block", (json_int_t)block);
  char *text = document != NULL ? json_dumps(document, JSON_INDENT(1)) : NULL;
  if (path == NULL || text == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the deployment's file"));
  hf_bytes parts[] = {{text, strlen(text)}, {"\n", 1}};
  HF_TRY(hf_file_write(path, 0644, parts, 2));
out:
  json_decref(document);
  free(text);
  free(path);
  return status;
}

/* ---- opening ---- */

static hf_status open_contract(hf_cli *cli, const deployment *d, hf_cli_l1 *out) {
  hf_status status = HF_OK;
  if (hf_cli_given(cli, "contract"))
    HF_TRY(hf_eth_address_parse(hf_cli_text(cli, "contract"), &out->contract.address));
  else if (d->there)
    out->contract.address = d->contract;
  else
    HF_TRY(hf_fail(HF_E_ARGUMENT, "--contract is needed (there is no l1.json in the data folder)"));
  out->from_block = hf_cli_given(cli, "from-block") ? hf_cli_number(cli, "from-block")
                    : d->there && hf_eth_address_eq(&d->contract, &out->contract.address) ? d->block
                                                                                          : 0;
  HF_TRY(hf_settlement_check(&out->contract));
out:
  return status;
}

static bool stop(void *context) {
  const hf_cli_l1 *l1 = context;
  if (l1->look != NULL) l1->look(l1->look_context);
  return hf_cli_stopped();
}

static hf_status open_sender(hf_cli *cli, uint64_t chain_id, hf_cli_l1 *out) {
  hf_status status;
  const char *key;
  char *folder = hf_cli_data_path(cli, "l1");
  if (folder == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  HF_TRY(hf_cli_need(cli, "key", &key));
  HF_TRY(hf_eth_key_load(key, &out->key));
  const uint64_t cap = hf_cli_number(cli, "max-fee"), tip = hf_cli_number(cli, "tip");
  if (cap > UINT32_MAX / 4 || tip > cap)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "--max-fee is at most %u gwei, --tip at most that", UINT32_MAX / 4));
  hf_sender_options options = {
      .rpc = out->rpc,
      .key = &out->key,
      .folder = folder,
      .chain_id = chain_id,
      .confirmations = hf_cli_number(cli, "confirmations"),
      .max_fee_wei = cap * GWEI,
      .tip_wei = tip * GWEI,
      .bump_ms = hf_cli_number(cli, "bump-after") * 1000,
      .poll_ms = hf_cli_number(cli, "poll"),
      .stop = stop,
      .context = out,
      .log = &cli->log,
  };
  if (options.confirmations == 0 || cap == 0)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "--confirmations and --max-fee are at least 1"));
  hf_cli_catch_signals();
  HF_TRY(hf_sender_open(&options, &out->sender));
out:
  free(folder);
  return status;
}

hf_status hf_cli_l1_probe(hf_cli *cli, hf_rpc **out) {
  hf_rpc_options options = {.timeout_ms = 3000};
  hf_status status = hf_cli_need(cli, "rpc", &options.url);
  return status == HF_OK ? hf_rpc_open(&options, out) : status;
}

hf_status hf_cli_l1_open(hf_cli *cli, unsigned wants, hf_cli_l1 *out) {
  hf_status status;
  deployment d;
  hf_rpc_options options = {0};
  memset(out, 0, sizeof *out);
  cli->log.part = "l1";
  HF_TRY(read_deployment(cli, &d));
  HF_TRY(hf_cli_need(cli, "rpc", &options.url));
  HF_TRY(hf_rpc_open(&options, &out->rpc));
  out->contract.rpc = out->rpc;
  HF_TRY(hf_eth_chain_id(out->rpc, &out->chain_id));
  const bool pinned = d.there && !hf_cli_given(cli, "contract") && (wants & HF_L1_CONTRACT);
  if (pinned && out->chain_id != d.chain_id)
    HF_TRY(hf_fail(HF_E_MISMATCH, "the node is of chain %llu; DATA/l1.json is about chain %llu",
                   (unsigned long long)out->chain_id, (unsigned long long)d.chain_id));
  if (wants & HF_L1_CONTRACT) HF_TRY(open_contract(cli, &d, out));
  if (wants & HF_L1_SENDS) HF_TRY(open_sender(cli, out->chain_id, out));
out:
  if (status != HF_OK) hf_cli_l1_close(out);
  return status;
}

void hf_cli_l1_close(hf_cli_l1 *l1) {
  hf_sender_close(&l1->sender);
  hf_rpc_close(&l1->rpc);
  hf_eth_key_wipe(&l1->key);
}

/* ---- sending ---- */

static void request_id(const hf_eth_address *contract, const char *purpose, uint64_t k, const void *extra,
                       size_t length, hf_digest *out) {
  hf_digest_state hash;
  uint8_t number[8];
  for (int i = 0; i < 8; i++) number[i] = (uint8_t)(k >> 8 * i);
  hf_digest_init(&hash);
  hf_digest_update(&hash, purpose, strlen(purpose) + 1);
  hf_digest_update(&hash, contract->b, 20);
  hf_digest_update(&hash, number, sizeof number);
  hf_digest_update(&hash, extra, length);
  hf_digest_final(&hash, out);
}

hf_status hf_cli_l1_id(hf_cli_l1 *l1, const char *purpose, const void *extra, size_t length, bool repeat,
                       hf_digest *out) {
  hf_sent sent;
  for (uint64_t k = 0;; k++) {
    request_id(&l1->contract.address, purpose, k, extra, length, out);
    hf_status status = hf_sender_get(l1->sender, out, &sent);
    if (status == HF_E_NOT_FOUND || !repeat) return HF_OK;
    if (status != HF_OK) return status;
    if (sent.stage != HF_SEND_CONFIRMED || !sent.receipt.success || sent.cancelled) return HF_OK;
  }
}

/* ---- what was sent of a seal ---- */

static bool settles(const hf_journal *journal, const hf_entry *e, const uint8_t statement[32]) {
  for (uint64_t k = 0; k <= journal->count; k++) { /* --again counts up */
    hf_digest id;
    request_id(&e->to, "settle", k, statement, 32, &id);
    if (hf_digest_eq(&id, &e->id)) return true;
  }
  return false;
}

/* Lost, reverted or cancelled: it has no effect. */
static bool is_void(const hf_entry *e) {
  if (e->state != HF_ENTRY_CONFIRMED) return e->state == HF_ENTRY_LOST;
  bool cancelled = true;
  for (size_t i = 0; i < e->attempts; i++)
    if (hf_eth_hash_eq(&e->attempt[i].hash, &e->receipt.transaction)) cancelled = e->attempt[i].cancels;
  return cancelled || !e->receipt.success;
}

static hf_status not_sent_by(const char *path, const uint8_t statement[32]) {
  hf_journal journal = {.lock = -1};
  char hash[HF_ETH_HASH_TEXT];
  hf_status status = hf_journal_open(path, &journal);
  for (size_t i = 0; status == HF_OK && i < journal.count; i++) {
    const hf_entry *e = &journal.entry[i];
    if (is_void(e) || !settles(&journal, e, statement)) continue;
    hf_eth_hash_text(&e->attempt[e->attempts - 1].hash, hash);
    status = hf_fail(
        HF_E_STATE,
        e->state == HF_ENTRY_OPEN
            ? "a transaction that settles it is sent and undecided (%s: nonce %llu, %s): wait for it with "
              "`hyperfold settle`, or replace it with `hyperfold l1 cancel`"
            : "it is settled (%s: nonce %llu, %s)",
        path, (unsigned long long)e->nonce, hash);
  }
  hf_journal_close(&journal);
  return status;
}

hf_status hf_cli_seal_not_sent(const char *folder, hf_fr statement) {
  hf_status status = HF_OK;
  uint8_t bytes[32];
  DIR *list = opendir(folder);
  if (list == NULL)
    return errno == ENOENT ? HF_OK : hf_fail(hf_status_of_errno(errno), "%s: %s", folder, strerror(errno));
  hf_fr_to_bytes(statement, bytes);
  for (const struct dirent *d; status == HF_OK && (d = readdir(list)) != NULL;) {
    char *path = NULL;
    if (d->d_name[0] == '.') continue;
    if (asprintf(&path, "%s/%s", folder, d->d_name) < 0) path = NULL;
    status = path != NULL ? not_sent_by(path, bytes) : hf_fail(HF_E_MEMORY, "no memory for a path");
    free(path);
  }
  closedir(list);
  return status;
}

hf_status hf_cli_l1_wait(hf_cli *cli, hf_cli_l1 *l1, const hf_digest *id, hf_sent *sent) {
  hf_status status = hf_sender_wait(l1->sender, id, hf_cli_number(cli, "timeout") * 1000, sent);
  if (status != HF_OK) return status;
  if (sent->stage == HF_SEND_LOST)
    return hf_fail(HF_E_STALE, "%s had no effect: %s", sent->what, sent->reason);
  if (sent->cancelled) return hf_fail(HF_E_CANCELLED, "%s was cancelled", sent->what);
  if (!sent->receipt.success) return hf_fail(HF_E_REFUSED, "%s reverted: %s", sent->what, sent->reason);
  return HF_OK;
}

hf_status hf_cli_l1_send(hf_cli *cli, hf_cli_l1 *l1, const hf_send_request *request, hf_sent *sent) {
  hf_status status = hf_sender_begin(l1->sender, request, sent);
  if (status != HF_OK) return status;
  const bool known = sent->known;
  char hash[HF_ETH_HASH_TEXT];
  hf_eth_hash_text(&sent->hash, hash);
  if (known)
    hf_cli_say("%s: known already, nonce %llu", request->what, (unsigned long long)sent->nonce);
  else
    hf_cli_say("%s: sent as %s, nonce %llu", request->what, hash, (unsigned long long)sent->nonce);
  status = hf_cli_l1_wait(cli, l1, &request->id, sent);
  sent->known = known;
  return status;
}

/* ---- texts ---- */

json_t *hf_cli_address_json(const hf_eth_address *address) {
  char text[HF_ETH_ADDRESS_TEXT];
  hf_eth_address_text(address, text);
  return json_string(text);
}

json_t *hf_cli_u256_json(const hf_u256 *value) {
  char text[HF_U256_TEXT];
  hf_u256_text(value, text);
  return json_string(text);
}

void hf_cli_ether_text(const hf_u256 *wei, char out[HF_ETHER_TEXT]) {
  char digits[HF_U256_TEXT], padded[HF_ETHER_TEXT];
  hf_u256_text(wei, digits);
  const size_t length = strlen(digits),
               fill = length < 19 ? 19 - length : 0; /* a digit before the point, 18 behind it */
  memset(padded, '0', fill);
  memcpy(padded + fill, digits, length + 1);
  const size_t whole = fill + length - 18;
  snprintf(out, HF_ETHER_TEXT, "%.*s.%s", (int)whole, padded, padded + whole);
  char *end = out + strlen(out);
  while (end[-1] == '0') *--end = 0;
  if (end[-1] == '.') end[-1] = 0;
}

static const char *stage_text(const hf_sent *sent) {
  switch (sent->stage) {
  case HF_SEND_SENT:
    return "sent";
  case HF_SEND_MINED:
    return "mined";
  case HF_SEND_CONFIRMED:
    return sent->cancelled ? "cancelled" : sent->receipt.success ? "confirmed" : "reverted";
  case HF_SEND_LOST:
    return "lost";
  }
  return "";
}

json_t *hf_cli_sent_json(const hf_sent *sent) {
  char hash[HF_ETH_HASH_TEXT];
  const bool mined = sent->stage == HF_SEND_MINED || sent->stage == HF_SEND_CONFIRMED;
  hf_eth_hash_text(&sent->hash, hash);
  json_t *out = json_pack("{s:s, s:s, s:s, s:o, s:i, s:b}", "what", sent->what, "stage", stage_text(sent),
                          "transaction", hash, "nonce", hf_cli_json_u64(sent->nonce), "attempts",
                          (int)sent->attempts, "known", (int)sent->known);
  if (mined) {
    json_object_set_new(out, "block", hf_cli_json_u64(sent->receipt.block));
    json_object_set_new(out, "gas_used", hf_cli_json_u64(sent->receipt.gas_used));
    json_object_set_new(out, "gas_price", hf_cli_json_u64(sent->receipt.gas_price));
  }
  if (sent->reason[0] != 0) json_object_set_new(out, "reason", hf_cli_json_text(sent->reason));
  return out;
}

void hf_cli_sent_print(const hf_sent *sent) {
  char hash[HF_ETH_HASH_TEXT];
  hf_eth_hash_text(&sent->hash, hash);
  printf("%s: %s, transaction %s, nonce %llu", sent->what, stage_text(sent), hash,
         (unsigned long long)sent->nonce);
  if (sent->stage == HF_SEND_MINED || sent->stage == HF_SEND_CONFIRMED)
    printf(", block %llu, gas %llu", (unsigned long long)sent->receipt.block,
           (unsigned long long)sent->receipt.gas_used);
  if (sent->attempts > 1) printf(", %zu attempts", sent->attempts);
  if (sent->known) printf(", known before");
  printf("%s%s\n", sent->reason[0] ? ": " : "", sent->reason);
}

void hf_cli_number_of(const uint8_t bytes[32], hf_u256 *out) {
  for (int i = 0; i < 32; i++) out->b[i] = bytes[31 - i];
}

hf_status hf_cli_l1_chain(hf_cli *cli, hf_u256 *out) {
  const char *text;
  hf_status status = hf_cli_need(cli, "chain", &text);
  if (status == HF_OK) status = hf_u256_parse(text, out);
  if (status == HF_OK && hf_u256_length(out) > 16) status = hf_fail(HF_E_RANGE, "a chain id is below 2^128");
  return status;
}
