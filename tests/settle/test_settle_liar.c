/* Nodes that forget or lie about what became of a transaction: what pays ether is never signed under a second
 * nonce by itself. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "anvil.h"
#include "canned_server.h"
#include "eth_sender.h"

#define VALUE 12345

/* The node between the sender and the real one. */
typedef struct liar {
  hf_rpc *rpc;
  bool no_receipts, reverted, no_transactions, other_hash, no_old_states;
  bool other_chain, other_genesis;
} liar;

typedef struct stand {
  anvil node;
  liar l;
  canned_server *server;
  hf_rpc *rpc;
  hf_eth_key key;
  hf_eth_address to;
  char *folder;
  uint64_t clock_ms;
  hf_sender *sender;
} stand;

static const char some_hash[] = "0x1111111111111111111111111111111111111111111111111111111111111111";

static void falsify_block(const liar *l, json_t *block) {
  size_t i;
  json_t *one, *list = json_object_get(block, "transactions");
  if (l->other_genesis && strcmp(json_string_value(json_object_get(block, "number")), "0x0") == 0)
    json_object_set_new(block, "hash", json_string(some_hash));
  if (l->no_transactions) json_array_clear(list);
  if (l->other_hash)
    json_array_foreach(list, i, one) if (json_is_object(one))
        json_object_set_new(one, "hash", json_string(some_hash));
}

/* Older than the block before the last. */
static bool is_old(const liar *l, const char *block) {
  uint64_t head;
  cr_assert(hf_eth_block_number(l->rpc, &head) == HF_OK);
  return strncmp(block, "0x", 2) == 0 && strtoull(block, NULL, 16) + 1 < head;
}

static char *pass_on(void *context, const char *request, int *code) {
  liar *l = context;
  json_t *call = json_loads(request, 0, NULL), *params = json_object_get(call, "params"), *result = NULL,
         *answer;
  const char *method = json_string_value(json_object_get(call, "method"));
  const char *block = json_string_value(json_array_get(params, 1));
  (void)code;
  if (l->no_old_states && strcmp(method, "eth_getTransactionCount") == 0 && is_old(l, block)) {
    answer = json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id", json_object_get(call, "id"),
                       "error", "code", -32000, "message", "missing trie node");
  } else {
    cr_assert(hf_rpc_call(l->rpc, method, json_incref(params), &result, NULL) == HF_OK, "%s: %s", method,
              hf_error_message());
    if (strcmp(method, "eth_getTransactionReceipt") == 0 && l->no_receipts) {
      json_decref(result);
      result = json_null();
    }
    if (strcmp(method, "eth_getTransactionReceipt") == 0 && l->reverted && json_is_object(result))
      json_object_set_new(result, "status", json_string("0x0"));
    if (strcmp(method, "eth_getBlockByNumber") == 0 && json_is_object(result)) falsify_block(l, result);
    if (strcmp(method, "eth_chainId") == 0 && l->other_chain) {
      json_decref(result);
      result = json_string("0x2105");
    }
    answer =
        json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", json_object_get(call, "id"), "result", result);
  }
  char *text = json_dumps(answer, 0);
  json_decref(answer);
  json_decref(call);
  return text;
}

static uint64_t stand_now(void *context) { return ((stand *)context)->clock_ms; }
static void stand_sleep(void *context, uint64_t ms) {
  stand *s = context;
  s->clock_ms += ms;
  anvil_mine(&s->node, 1);
}

static hf_status open_sender(stand *s) {
  const hf_sender_options options = {.rpc = s->rpc,
                                     .key = &s->key,
                                     .folder = s->folder,
                                     .confirmations = 2,
                                     .bump_ms = 10000000,
                                     .now_ms = stand_now,
                                     .sleep_ms = stand_sleep,
                                     .context = s};
  hf_sender_close(&s->sender);
  return hf_sender_open(&options, &s->sender);
}

static void stand_open(stand *s) {
  memset(s, 0, sizeof *s);
  anvil_start(&s->node);
  hf_rpc_options direct = {.url = s->node.url};
  cr_assert(hf_rpc_open(&direct, &s->l.rpc) == HF_OK);
  s->server = canned_server_start(pass_on, &s->l);
  hf_rpc_options between = {.url = canned_server_url(s->server)};
  cr_assert(hf_rpc_open(&between, &s->rpc) == HF_OK);
  s->key = anvil_key(1);
  memset(s->to.b, 0xab, 20);
  s->folder = anvil_folder();
  s->clock_ms = 1000000;
  anvil_make_rich(&s->node, &s->key.address);
  cr_assert(open_sender(s) == HF_OK, "%s", hf_error_message());
}

static void stand_close(stand *s) {
  hf_sender_close(&s->sender);
  hf_rpc_close(&s->rpc);
  canned_server_stop(s->server);
  hf_rpc_close(&s->l.rpc);
  anvil_stop(&s->node);
  anvil_folder_remove(s->folder);
}

static hf_send_request payment(stand *s, const char *name, uint64_t value) {
  return (hf_send_request){.id = hf_digest_bytes(name, strlen(name)),
                           .what = name,
                           .to = s->to,
                           .value = hf_u256_from_u64(value),
                           .gas = 30000};
}

static hf_sent begin(stand *s, const hf_send_request *request) {
  hf_sent sent;
  cr_assert(hf_sender_begin(s->sender, request, &sent) == HF_OK, "%s", hf_error_message());
  return sent;
}

#define PAID(s, times)                                                                                       \
  cr_expect(anvil_balance(&(s).node, &(s).to) == (times)*VALUE &&                                            \
                anvil_nonce(&(s).node, &(s).key.address) >= (times),                                         \
            "%llu wei", (unsigned long long)anvil_balance(&(s).node, &(s).to))

/* A node whose index of transactions reaches back a year only: what is confirmed stays so. */
Test(settle_liar, forgets_old_receipts, .timeout = 60) {
  stand s;
  hf_sent sent;
  stand_open(&s);
  hf_send_request request = payment(&s, "deposit", VALUE);
  (void)begin(&s, &request);
  cr_assert(hf_sender_wait(s.sender, &request.id, 100000, &sent) == HF_OK && sent.stage == HF_SEND_CONFIRMED);
  s.l.no_receipts = true;
  for (int i = 0; i < 2; i++) {
    cr_assert(open_sender(&s) == HF_OK);
    sent = begin(&s, &request);
    cr_expect(sent.known && sent.stage == HF_SEND_CONFIRMED && sent.receipt.success);
    for (int k = 0; k < 5; k++) cr_expect(hf_sender_step(s.sender) == HF_OK);
  }
  PAID(s, 1);
  stand_close(&s);
}

/* The transaction is mined and the node gives no receipt: whatever else it says, what has a value is not
 * lost. */
Test(settle_liar, withholds_receipts, .timeout = 60) {
  static const char *const says[] = {"which is ours", "shows no transaction", "missing trie node"};
  for (int how = 0; how < 3; how++) {
    stand s;
    hf_sent sent;
    stand_open(&s);
    anvil_mine(&s.node, 5);
    s.l.no_receipts = true;
    s.l.no_transactions = how == 1;
    s.l.no_old_states = how == 2;
    hf_send_request request = payment(&s, "deposit", VALUE), nothing = payment(&s, "settle", 0);
    (void)begin(&s, &request);
    cr_expect(hf_sender_wait(s.sender, &request.id, 30000, &sent) == HF_E_TIMEOUT &&
              sent.stage == HF_SEND_SENT);
    cr_expect(strstr(sent.reason, says[how]) != NULL, "%s", sent.reason);
    PAID(s, 1);
    /* what has none is given up where the node cannot show it: the contract takes it once, whatever is sent
     */
    (void)begin(&s, &nothing);
    hf_status status = hf_sender_wait(s.sender, &nothing.id, 30000, &sent);
    cr_expect(how == 0 ? status == HF_E_TIMEOUT : status == HF_OK && sent.stage == HF_SEND_LOST, "%d: %s",
              how, sent.reason);
    s.l = (liar){.rpc = s.l.rpc};
    cr_expect(hf_sender_wait(s.sender, &request.id, 100000, &sent) == HF_OK &&
              sent.stage == HF_SEND_CONFIRMED);
    cr_expect(begin(&s, &request).known);
    PAID(s, 1);
    stand_close(&s);
  }
}

/* Invented failures: a receipt that reverted, another transaction under the nonce. Only who says so pays
 * again. */
Test(settle_liar, invents_failures, .timeout = 60) {
  for (int how = 0; how < 2; how++) {
    stand s;
    hf_sent sent;
    stand_open(&s);
    s.l.reverted = how == 0;
    s.l.no_receipts = s.l.other_hash = how == 1;
    hf_send_request request = payment(&s, "deposit", VALUE);
    (void)begin(&s, &request);
    cr_assert(hf_sender_wait(s.sender, &request.id, 100000, &sent) == HF_OK, "%s", hf_error_message());
    cr_expect(how == 0 ? sent.stage == HF_SEND_CONFIRMED && !sent.receipt.success
                       : sent.stage == HF_SEND_LOST);
    for (int i = 0; i < 2; i++) { /* also in another process */
      cr_expect(hf_sender_begin(s.sender, &request, &sent) == HF_E_STATE, "%s", hf_error_message());
      cr_assert(open_sender(&s) == HF_OK);
    }
    PAID(s, 1);
    request.afresh = true;
    sent = begin(&s, &request);
    cr_expect(!sent.known && sent.nonce == 1);
    stand_close(&s);
  }
}

/* Another first block of the same chain would be an empty journal. */
Test(settle_liar, invents_a_genesis, .timeout = 60) {
  stand s;
  stand_open(&s);
  s.l.other_genesis = true;
  cr_expect(open_sender(&s) == HF_OK, "a test chain may begin anew");
  s.l.other_chain = true;
  cr_expect(open_sender(&s) == HF_OK, "%s", hf_error_message());
  s.l.other_genesis = false;
  cr_expect(open_sender(&s) == HF_E_MISMATCH && strstr(hf_error_message(), "begins with block") != NULL, "%s",
            hf_error_message());
  s.l.other_genesis = true;
  cr_expect(open_sender(&s) == HF_OK);
  stand_close(&s);
}
