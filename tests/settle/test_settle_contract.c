/* Deposits, settling and claims with the real contract on a real node. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "canned_server.h"
#include "deposit_watch.h"
#include "eth_abi.h"
#include "rehearsal.h"

/* ---- deposits ---- */

typedef struct taker {
  rehearsal *r;
  unsigned calls;
  bool refuse;
} taker;

static hf_status take(void *context, const hf_l1_deposit *from, size_t count) {
  taker *t = context;
  hf_deposit list[64];
  cr_assert(count >= 1 && count <= 64);
  t->calls++;
  if (t->refuse) return hf_fail(HF_E_FULL, "no room");
  for (size_t i = 0; i < count; i++) {
    list[i] = (hf_deposit){.chain_id = t->r->chain_id, .index = from[i].index, .amount = from[i].amount};
    cr_assert(hf_fr_from_bytes_be(from[i].key_x.b, &list[i].x) &&
              hf_fr_from_bytes_be(from[i].key_y.b, &list[i].y));
  }
  return hf_chain_deposit(t->r->state, list, count, NULL);
}

static uint64_t next_deposit(const rehearsal *r) {
  hf_chain_info info;
  hf_chain_get_info(r->state, &info);
  return info.deposits;
}

static hf_deposit_watch *open_watch(rehearsal *r, hf_rpc *rpc, uint64_t confirmations, const char *file) {
  hf_deposit_watch *watch = NULL;
  hf_deposit_watch_options options = {.contract = {rpc, r->contract.address},
                                      .chain = r->chain,
                                      .confirmations = confirmations,
                                      .from_block = r->from_block,
                                      .file = file};
  OK(hf_deposit_watch_open(&options, &watch));
  return watch;
}

static uint64_t poll(rehearsal *r, hf_deposit_watch *watch) {
  taker t = {.r = r};
  uint64_t given;
  OK(hf_deposit_watch_poll(watch, next_deposit(r), take, &t, &given));
  cr_expect(t.calls == (given > 0));
  return given;
}

/* Two good deposits and one whose key is no point. */
static void three_deposits(rehearsal *r, const hf_eth_key *user, const hf_wallet *alice) {
  rehearsal_deposit(r, &r->owner, alice->key.public_key.x, alice->key.public_key.y, 1000);
  rehearsal_deposit(r, user, hf_fr_from_u64(3), hf_fr_from_u64(4), 77);
  rehearsal_deposit(r, user, alice->key.public_key.x, alice->key.public_key.y, 500);
}

Test(settle_contract, deposits, .timeout = 120) {
  rehearsal r;
  rehearsal_open(&r);
  char file[512];
  hf_eth_key user = anvil_key(2);
  hf_wallet alice = rehearsal_wallet(1);
  hf_account_info account;
  taker t = {.r = &r};
  uint64_t given;
  anvil_make_rich(&r.node, &user.address);
  snprintf(file, sizeof file, "%s/deposits.l1", r.folder);
  hf_deposit_watch *watch = open_watch(&r, r.node.rpc, 4, file);
  cr_expect(poll(&r, watch) == 0);
  three_deposits(&r, &user, &alice);
  cr_expect(poll(&r, watch) == 0); /* not deep enough */
  anvil_mine(&r.node, 1);
  cr_expect(poll(&r, watch) == 1); /* the first has four blocks */
  anvil_mine(&r.node, 3);
  t.refuse = true; /* the receiver fails: the same ones come again */
  cr_expect(hf_deposit_watch_poll(watch, next_deposit(&r), take, &t, &given) == HF_E_FULL && given == 0);
  cr_expect(poll(&r, watch) == 2 && poll(&r, watch) == 0 && next_deposit(&r) == 3);
  OK(hf_chain_get_account(r.state, alice.key.public_key, &account));
  cr_expect(account.pending_balance == 1500);
  hf_deposit_watch_close(&watch);
  /* started again: with its file, without it, and for a receiver that lost what it had */
  watch = open_watch(&r, r.node.rpc, 4, file);
  cr_expect(poll(&r, watch) == 0);
  hf_deposit_watch_close(&watch);
  unlink(file);
  watch = open_watch(&r, r.node.rpc, 4, file);
  rehearsal_deposit(&r, &user, alice.key.public_key.x, alice.key.public_key.y, 1);
  anvil_mine(&r.node, 3);
  cr_expect(poll(&r, watch) == 1);
  t = (taker){.r = &r};
  cr_expect(hf_deposit_watch_poll(watch, 1, take, &t, &given) == HF_OK && given == 3 &&
            next_deposit(&r) == 4);
  /* a receiver that has more than L1 */
  cr_expect(hf_deposit_watch_poll(watch, 5, take, &t, &given) == HF_E_MISMATCH && given == 0);
  hf_deposit_watch_close(&watch);
  /* the file is of another contract; no such chain; no contract */
  hf_deposit_watch_options options = {.contract = r.contract, .chain = r.chain, .file = file};
  options.chain.b[31] ^= 1;
  cr_expect(hf_deposit_watch_open(&options, &watch) == HF_E_NOT_FOUND);
  options.chain = r.chain;
  options.contract.address = user.address;
  cr_expect(hf_deposit_watch_open(&options, &watch) == HF_E_NOT_FOUND);
  rehearsal_close(&r);
}

/* The node between: passes calls on to the real one, and leaves out a deposit. */
typedef struct liar {
  hf_rpc *rpc; /* to the node */
  canned_server *server;
  hf_rpc *told; /* to the liar */
  int leave_out; /* of the logs; -1: nothing */
  bool wrong_amount;
  bool stale_receipts; /* of a block that is not the chain's */
} liar;

static char *pass_on(void *context, const char *request, int *code) {
  liar *l = context;
  json_t *call = json_loads(request, 0, NULL), *result = NULL;
  const char *method = json_string_value(json_object_get(call, "method"));
  (void)code;
  cr_assert(hf_rpc_call(l->rpc, method, json_incref(json_object_get(call, "params")), &result, NULL) ==
            HF_OK);
  if (strcmp(method, "eth_getLogs") == 0 && l->leave_out >= 0)
    json_array_remove(result, (size_t)l->leave_out);
  if (strcmp(method, "eth_getLogs") == 0 && l->wrong_amount) {
    json_t *log = json_array_get(result, 0);
    char *data = strdup(json_string_value(json_object_get(log, "data")));
    data[strlen(data) - 1] ^= 1;
    json_object_set_new(log, "data", json_string(data));
    free(data);
  }
  if (strcmp(method, "eth_getTransactionReceipt") == 0 && l->stale_receipts && json_is_object(result))
    json_object_set_new(result, "blockHash",
                        json_string("0x1111111111111111111111111111111111111111111111111111111111111111"));
  json_t *answer =
      json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", json_object_get(call, "id"), "result", result);
  char *text = json_dumps(answer, 0);
  json_decref(answer);
  json_decref(call);
  return text;
}

static void liar_open(liar *l, const rehearsal *r) {
  hf_rpc_options options = {.url = r->node.url};
  OK(hf_rpc_open(&options, &l->rpc));
  l->server = canned_server_start(pass_on, l);
  options.url = canned_server_url(l->server);
  OK(hf_rpc_open(&options, &l->told));
}

static void liar_close(liar *l) {
  hf_rpc_close(&l->told);
  canned_server_stop(l->server);
  hf_rpc_close(&l->rpc);
}

static hf_status ignore(void *context, const hf_l1_deposit *from, size_t count) {
  (void)from;
  *(size_t *)context += count;
  return HF_OK;
}

Test(settle_contract, deposits_of_a_lying_node, .timeout = 120) {
  rehearsal r;
  rehearsal_open(&r);
  hf_eth_key user = anvil_key(2);
  hf_wallet alice = rehearsal_wallet(1);
  taker t = {.r = &r};
  uint64_t given;
  anvil_make_rich(&r.node, &user.address);
  three_deposits(&r, &user, &alice);
  liar l = {.leave_out = -1};
  liar_open(&l, &r);
  hf_deposit_watch *watch = open_watch(&r, l.told, 1, NULL);
  for (l.leave_out = 0; l.leave_out < 3; l.leave_out++) {
    hf_status status = hf_deposit_watch_poll(watch, 0, take, &t, &given);
    if (l.leave_out < 2) /* one at the start or in the middle is missed at once */
      cr_expect((status == HF_E_MISMATCH || status == HF_E_FORMAT) && given == 0, "%d: %s", l.leave_out,
                hf_error_message());
    else /* the last is only not there yet */
      cr_expect(status == HF_OK && given == 2, "%s", hf_error_message());
  }
  hf_deposit_watch_close(&watch);
  watch = open_watch(&r, l.told, 1, NULL);
  l.leave_out = -1;
  l.wrong_amount = true;
  size_t seen = 0; /* the hash must notice, before a receiver could */
  cr_expect(hf_deposit_watch_poll(watch, 0, ignore, &seen, &given) == HF_E_MISMATCH && given == 0 &&
            seen == 0);
  l.wrong_amount = false;
  cr_expect(poll(&r, watch) == 1 && next_deposit(&r) == 3);
  hf_deposit_watch_close(&watch);
  liar_close(&l);
  rehearsal_close(&r);
}

/* A receipt of a block that the chain has left behind is none. */
Test(settle_contract, stale_receipts, .timeout = 120) {
  rehearsal r;
  rehearsal_open(&r);
  liar l = {.leave_out = -1, .stale_receipts = true};
  liar_open(&l, &r);
  hf_sender *sender = NULL;
  hf_sent sent;
  hf_sender_options sending = {
      .rpc = l.told, .key = &r.owner, .folder = r.folder, .confirmations = 1, .poll_ms = 20};
  OK(hf_sender_open(&sending, &sender));
  hf_send_request request = {.id = {{1}}, .what = "pay", .to = r.contract.address, .gas = 50000};
  hf_writer claim = {0};
  hf_abi abi;
  hf_abi_begin(&abi, 1);
  hf_abi_u64(&abi, 0);
  OK(hf_abi_end(&abi, "offerOwnership(address)", &claim));
  request.data = (hf_bytes){claim.data, claim.length};
  OK(hf_sender_begin(sender, &request, &sent));
  for (int i = 0; i < 2; i++) { /* one look more, and it would be taken for lost: the nonce is used */
    OK(hf_sender_step(sender));
    cr_expect(hf_sender_get(sender, &request.id, &sent) == HF_OK && sent.stage == HF_SEND_SENT, "%d",
              sent.stage);
  }
  l.stale_receipts = false;
  OK(hf_sender_wait(sender, &request.id, 60000, &sent));
  cr_expect(sent.stage == HF_SEND_CONFIRMED && sent.receipt.success);
  hf_sender_close(&sender);
  hf_writer_free(&claim);
  liar_close(&l);
  rehearsal_close(&r);
}

/* Deposits that a reorganisation takes away or changes. */
Test(settle_contract, deposits_reorganised, .timeout = 120) {
  rehearsal r;
  rehearsal_open(&r);
  hf_eth_key user = anvil_key(2);
  hf_wallet alice = rehearsal_wallet(1);
  taker t = {.r = &r};
  uint64_t given;
  anvil_make_rich(&r.node, &user.address);
  hf_deposit_watch *shallow = open_watch(&r, r.node.rpc, 1, NULL),
                   *deep = open_watch(&r, r.node.rpc, 3, NULL);
  json_t *before = anvil_call(&r.node, "evm_snapshot", json_array());
  rehearsal_deposit(&r, &user, alice.key.public_key.x, alice.key.public_key.y, 10);
  cr_expect(hf_deposit_watch_poll(deep, 0, take, &t, &given) == HF_OK && given == 0);
  anvil_do(&r.node, "evm_revert", json_pack("[O]", before));
  json_decref(before);
  before = anvil_call(&r.node, "evm_snapshot", json_array());
  rehearsal_deposit(&r, &r.owner, alice.key.public_key.x, alice.key.public_key.y, 20);
  anvil_mine(&r.node, 2);
  cr_expect(poll(&r, deep) == 1 && poll(&r, shallow) == 0); /* the one that stayed */
  /* deeper than was waited for: another deposit under an index that is taken */
  anvil_do(&r.node, "evm_revert", json_pack("[O]", before));
  json_decref(before);
  cr_expect(hf_deposit_watch_poll(deep, next_deposit(&r), take, &t, &given) == HF_E_MISMATCH);
  rehearsal_deposit(&r, &user, alice.key.public_key.x, alice.key.public_key.y, 30);
  anvil_mine(&r.node, 5);
  cr_expect(hf_deposit_watch_poll(deep, next_deposit(&r), take, &t, &given) == HF_E_MISMATCH && given == 0);
  cr_expect(strstr(hf_error_message(), "reorganised") != NULL, "%s", hf_error_message());
  hf_deposit_watch_close(&shallow);
  hf_deposit_watch_close(&deep);
  rehearsal_close(&r);
}

/* ---- settling ---- */

static void seal_batch(rehearsal *r, uint64_t wanted) {
  uint64_t number;
  OK(hf_chain_seal(r->state, HF_SEAL_ANY, &number));
  cr_assert(number == wanted, "batch %lu", (unsigned long)number);
}

static void withdraw(rehearsal *r, const hf_wallet *from, uint32_t nonce, const hf_eth_address *to,
                     uint64_t amount) {
  hf_transaction tx;
  hf_verdict verdict;
  OK(hf_wallet_withdraw(from, (hf_signing_place){r->chain_id, 0, nonce}, to->b, amount, 0, &tx));
  OK(hf_chain_submit(r->state, &tx, 1, &verdict));
  cr_assert(verdict.refusal == HF_REFUSAL_NONE, "%s", hf_refusal_code(verdict.refusal));
}

static hf_eth_receipt settle(rehearsal *r, const hf_eth_key *from, const hf_sealed *sealed, char *why) {
  hf_writer calldata = {0};
  uint64_t id;
  hf_u256 digest = hf_u256_from_u64(REHEARSAL_SEAL_KEY);
  OK(hf_settlement_find_verifier(&r->contract, &digest, &id));
  OK(hf_settlement_settle_call(&r->contract, sealed, id, r->from_block, &calldata));
  const uint64_t gas = hf_settlement_settle_gas(sealed, (hf_bytes){calldata.data, calldata.length});
  hf_eth_receipt receipt = rehearsal_send(r, from, &r->contract.address, 0, &calldata, gas, why);
  if (receipt.success)
    cr_log_info("%u records, %zu bytes: %lu of %lu gas", sealed->records, calldata.length,
                (unsigned long)receipt.gas_used, (unsigned long)gas);
  hf_writer_free(&calldata);
  return receipt;
}

static uint64_t claimable(rehearsal *r, const hf_eth_address *who) {
  hf_u256 wei;
  uint64_t out;
  OK(hf_settlement_claimable(&r->contract, who, &wei));
  OK(hf_u256_to_u64(&wei, &out));
  return out / 1000000000;
}

static void refused(const char *why, const char *wanted) {
  cr_expect(strstr(why, wanted) != NULL, "%s, not %s", why, wanted);
}

Test(settle_contract, settle_and_claim, .timeout = 120) {
  rehearsal r;
  rehearsal_open(&r);
  hf_eth_key user = anvil_key(2), poor = anvil_key(3);
  hf_wallet alice = rehearsal_wallet(1);
  char why[512];
  hf_writer call = {0};
  hf_settled_chain now;
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  anvil_make_rich(&r.node, &user.address);
  three_deposits(&r, &user, &alice);
  hf_deposit_watch *watch = open_watch(&r, r.node.rpc, 1, NULL);
  cr_assert(poll(&r, watch) == 3);
  withdraw(&r, &alice, 0, &poor.address, 250);
  seal_batch(&r, 1);
  three_deposits(&r, &user, &alice);
  cr_assert(poll(&r, watch) == 3);
  withdraw(&r, &alice, 1, &poor.address, 50);
  seal_batch(&r, 2);
  /* who may not, and what is not next */
  rehearsal_seal(r.state, 2, 2, sealed);
  cr_expect(!settle(&r, &r.owner, sealed, why).success);
  refused(why, "WrongBatchNumber(0, 0, 2)");
  hf_sealed_free(sealed);
  rehearsal_seal(r.state, 1, 2, sealed);
  cr_expect(!settle(&r, &user, sealed, why).success);
  refused(why, "NotSettler(");
  sealed->proof.public_inputs[HF_SEAL_Y] = hf_fr_from_u64(1);
  cr_expect(!settle(&r, &r.owner, sealed, why).success);
  refused(why, "FingerprintY()");
  hf_sealed_free(sealed);
  /* both batches, by somebody whom the operator named */
  OK(hf_settlement_set_settler_call(&r.chain, &user.address, true, &call));
  (void)rehearsal_send(&r, &r.owner, &r.contract.address, 0, &call, 100000, NULL);
  rehearsal_seal(r.state, 1, 2, sealed);
  cr_expect(settle(&r, &user, sealed, why).success, "%s", why);
  OK(hf_settlement_chain(&r.contract, &r.chain, &now));
  hf_chain_info info;
  hf_chain_get_info(r.state, &info);
  for (int i = 0; i < 32; i++) cr_assert(now.state_root.b[i] == info.root[31 - i]);
  cr_expect(now.batch == 2 && now.deposits_consumed == 6 && now.deposits_queued == 6);
  cr_expect(hf_u256_compare(&now.escrow, &(hf_u256){{[30] = (3000 - 300) >> 8, [31] = (3000 - 300) & 255}}) ==
            0);
  cr_expect(!settle(&r, &user, sealed, why).success);
  refused(why, "WrongBatchNumber(0, 2, 1)");
  /* the withdrawals and the refused deposits are there to be claimed, once */
  cr_expect(claimable(&r, &poor.address) == 300 && claimable(&r, &user.address) == 2 * 77);
  call.length = 0;
  OK(hf_settlement_claim_call(&poor.address, &call)); /* the user's refused deposits, to somebody else */
  cr_expect(rehearsal_send(&r, &user, &r.contract.address, 0, &call, 120000, why).success, "%s", why);
  cr_expect(anvil_balance(&r.node, &poor.address) == 154000000000 && claimable(&r, &user.address) == 0);
  cr_expect(!rehearsal_send(&r, &user, &r.contract.address, 0, &call, 120000, why).success);
  refused(why, "NothingToClaim()");
  hf_sealed_free(sealed);
  free(sealed);
  hf_writer_free(&call);
  hf_deposit_watch_close(&watch);
  rehearsal_close(&r);
}

/* What L1 does not know, or knows otherwise, never becomes calldata. */
Test(settle_contract, owners, .timeout = 120) {
  rehearsal r;
  rehearsal_open(&r);
  hf_eth_key user = anvil_key(2);
  hf_wallet alice = rehearsal_wallet(1);
  hf_writer calldata = {0};
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  uint64_t head;
  anvil_make_rich(&r.node, &user.address);
  three_deposits(&r, &user, &alice);
  hf_deposit_watch *watch = open_watch(&r, r.node.rpc, 1, NULL);
  cr_assert(poll(&r, watch) == 3);
  hf_deposit extra = {.chain_id = r.chain_id,
                      .index = 3,
                      .x = alice.key.public_key.x,
                      .y = alice.key.public_key.y,
                      .amount = 9};
  OK(hf_chain_deposit(r.state, &extra, 1, NULL)); /* an operator who makes one up */
  seal_batch(&r, 1);
  rehearsal_seal(r.state, 1, 1, sealed);
  cr_expect(hf_settlement_settle_call(&r.contract, sealed, 0, r.from_block, &calldata) == HF_E_NOT_FOUND,
            "%s", hf_error_message());
  OK(hf_eth_block_number(r.node.rpc, &head));
  rehearsal_deposit(&r, &user, alice.key.public_key.x, alice.key.public_key.y,
                    8); /* the contract's is another */
  OK(hf_settlement_settle_call(&r.contract, sealed, 0, r.from_block,
                               &calldata)); /* its owner is known; the contract compares */
  char why[512];
  cr_expect(!rehearsal_send(&r, &r.owner, &r.contract.address, 0, &calldata, 3000000, why).success);
  refused(why, "DepositsDiffer(0)");
  calldata.length = 0;
  cr_expect(hf_settlement_settle_call(&r.contract, sealed, 0, head, &calldata) ==
            HF_E_NOT_FOUND); /* asked from too late a block */
  hf_sealed_free(sealed);
  free(sealed);
  hf_writer_free(&calldata);
  hf_deposit_watch_close(&watch);
  rehearsal_close(&r);
}

/* A transaction that was fine when it was tried and is not when it is mined: the reason is found all the
 * same. */
Test(settle_contract, reverted, .timeout = 120) {
  rehearsal r;
  rehearsal_open(&r);
  hf_eth_key user = anvil_key(2);
  hf_sender *sender = NULL;
  hf_sent first, second;
  hf_abi abi;
  hf_writer offer = {0}, accept = {0};
  anvil_make_rich(&r.node, &user.address);
  hf_abi_begin(&abi, 1);
  hf_abi_address(&abi, &user.address);
  OK(hf_abi_end(&abi, "offerOwnership(address)", &offer));
  hf_abi_begin(&abi, 0);
  OK(hf_abi_end(&abi, "takeOwnership()", &accept));
  (void)rehearsal_send(&r, &r.owner, &r.contract.address, 0, &offer, 100000, NULL);
  anvil_automine(&r.node, false);
  hf_sender_options options = {
      .rpc = r.node.rpc, .key = &user, .folder = r.folder, .confirmations = 1, .poll_ms = 10};
  OK(hf_sender_open(&options, &sender));
  hf_send_request request = {.id = {{1}},
                             .what = "take",
                             .to = r.contract.address,
                             .gas = 100000,
                             .data = {accept.data, accept.length}};
  hf_send_request again = request;
  again.id.b[0] = 2;
  OK(hf_sender_begin(sender, &request, &first));
  OK(hf_sender_begin(sender, &again, &second)); /* at the latest block it would succeed as well */
  anvil_mine(&r.node, 1);
  OK(hf_sender_wait(sender, &request.id, 60000, &first));
  OK(hf_sender_wait(sender, &again.id, 60000, &second));
  cr_expect(first.receipt.success && !second.receipt.success && first.receipt.block == second.receipt.block);
  cr_expect_str_eq(second.reason, "NotOwner()");
  hf_sender_close(&sender);
  OK(hf_sender_open(&options, &sender)); /* the reason is in the journal */
  OK(hf_sender_get(sender, &again.id, &second));
  cr_expect_str_eq(second.reason, "NotOwner()");
  cr_expect(hf_sender_begin(sender, &again, &second) == HF_E_REFUSED); /* a second try is tried first */
  refused(hf_error_message(), "NotOwner()");
  hf_sender_close(&sender);
  hf_writer_free(&offer);
  hf_writer_free(&accept);
  rehearsal_close(&r);
}
