#include "eth_sender.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "eth_journal.h"
#include "evm.h"

#define GWEI         1000000000ull
#define FEE_MAX      (1ull << 60) /* wei a unit of gas: sums of fees stay within 64 bits */
#define LOST_LOOKS   3
#define REFUSALS_MAX 5

struct hf_sender {
  hf_sender_options options;
  uint64_t chain_id;
  hf_journal journal;
};

static void system_sleep(void *context, uint64_t ms) {
  struct timespec t = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  (void)context;
  (void)nanosleep(&t, NULL);
}

static uint64_t system_now(void *context) {
  struct timespec t;
  (void)context;
  (void)clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint64_t now(const hf_sender *s) { return s->options.now_ms(s->options.context); }
static void at(const hf_sender *s, const char *point) {
  if (s->options.at != NULL) s->options.at(s->options.context, point);
}
static const hf_eth_address *self(const hf_sender *s) { return &s->options.key->address; }
/* A clock that was set back counts as no time. */
static bool older_than(const hf_sender *s, uint64_t then, uint64_t ms) {
  const uint64_t t = now(s);
  return t > then && t - then >= ms;
}

/* ---- opening ---- */

/* Chains that begin anew under the same number: hardhat's, anvil's. */
static bool is_test_chain(uint64_t id) { return id == 1337 || id == 31337; }

/* A node that told another first block of the same chain would be given a journal that knows of nothing. */
static hf_status check_genesis(const hf_sender *s, const char *hex, const char *address) {
  hf_status status = HF_OK;
  char head[32];
  if (is_test_chain(s->chain_id)) return HF_OK;
  DIR *list = opendir(s->options.folder);
  if (list == NULL) return HF_OK; /* no journal yet */
  const size_t length = (size_t)snprintf(head, sizeof head, "%llu-", (unsigned long long)s->chain_id);
  for (const struct dirent *d; status == HF_OK && (d = readdir(list)) != NULL;)
    if (strlen(d->d_name) == length + 17 + strlen(address) && strncmp(d->d_name, head, length) == 0 &&
        strcmp(d->d_name + length + 17, address) == 0 && strncmp(d->d_name + length, hex, 16) != 0)
      status = hf_fail(HF_E_MISMATCH,
                       "the node's chain %llu begins with block %s..., and %s/%s is a journal of one that "
                       "does not: another "
                       "network, or a node that lies",
                       (unsigned long long)s->chain_id, hex, s->options.folder, d->d_name);
  closedir(list);
  return status;
}

static hf_status open_journal(hf_sender *s) {
  hf_status status;
  hf_eth_block genesis;
  char address[HF_ETH_ADDRESS_TEXT], hex[17], *folder = NULL;
  HF_TRY(hf_eth_block_at(s->options.rpc, 0, &genesis));
  hf_hex(genesis.hash.b, 8, hex);
  hf_eth_address_text(self(s), address);
  HF_TRY(check_genesis(s, hex, address));
  if (asprintf(&folder, "%s/%llu-%s-%s", s->options.folder, (unsigned long long)s->chain_id, hex, address) <
      0) {
    folder = NULL;
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a path"));
  }
  HF_TRY(hf_journal_open(folder, &s->journal));
out:
  free(folder);
  return status;
}

hf_status hf_sender_open(const hf_sender_options *options, hf_sender **out) {
  hf_status status = HF_OK;
  *out = NULL;
  hf_sender *s = calloc(1, sizeof *s);
  if (s == NULL) return hf_fail(HF_E_MEMORY, "no memory for a sender");
  s->journal.lock = -1;
  s->options = *options;
  hf_sender_options *o = &s->options;
  if (o->confirmations == 0) o->confirmations = 12;
  if (o->max_fee_wei == 0) o->max_fee_wei = 200 * GWEI;
  if (o->bump_ms == 0) o->bump_ms = 60000;
  if (o->resend_ms == 0) o->resend_ms = 15000;
  if (o->poll_ms == 0) o->poll_ms = 1000;
  if (o->now_ms == NULL) o->now_ms = system_now;
  if (o->sleep_ms == NULL) o->sleep_ms = system_sleep;
  if (o->max_fee_wei > FEE_MAX || o->tip_wei > o->max_fee_wei)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "the highest fee is below 2^60 wei a unit of gas, and not below the tip"));
  HF_TRY(hf_eth_chain_id(o->rpc, &s->chain_id));
  if (o->chain_id != 0 && o->chain_id != s->chain_id)
    HF_TRY(hf_fail(HF_E_MISMATCH, "the node is of chain %llu, not %llu", (unsigned long long)s->chain_id,
                   (unsigned long long)o->chain_id));
  HF_TRY(open_journal(s));
  *out = s;
  s = NULL;
out:
  hf_sender_close(&s);
  return status;
}

void hf_sender_close(hf_sender **sender) {
  if (*sender == NULL) return;
  hf_journal_close(&(*sender)->journal);
  free(*sender);
  *sender = NULL;
}

/* ---- what there is to say of an entry ---- */

static const hf_attempt *last_attempt(const hf_entry *e) { return &e->attempt[e->attempts - 1]; }

static const hf_attempt *mined_attempt(const hf_entry *e) {
  for (size_t i = 0; e->mined && i < e->attempts; i++)
    if (hf_eth_hash_eq(&e->attempt[i].hash, &e->receipt.transaction)) return &e->attempt[i];
  return NULL;
}

/* With a replacement under the same nonce, and with the chain's own words, what it would do at the state
 * after `block`. */
static hf_status try_at(hf_sender *s, const hf_send_request *r, uint64_t block, bool *ok, char *reason,
                        size_t size) {
  hf_eth_call call = {.from = *self(s),
                      .to = r->to,
                      .creates = r->creates,
                      .value = r->value,
                      .gas = r->gas,
                      .data = r->data};
  hf_writer returned = {0};
  bool reverted = false;
  hf_status status = hf_eth_call_at(s->options.rpc, &call, block, &reverted, &returned);
  *ok = status == HF_OK && !reverted;
  if (status == HF_OK && reverted) {
    if (returned.length == 0)
      snprintf(reason, size, "reverted without a reason (out of gas?)");
    else
      (void)hf_evm_revert_text(returned.data, returned.length, reason, size);
  }
  hf_writer_free(&returned);
  return status;
}

static hf_send_request request_of(const hf_entry *e) {
  return (hf_send_request){.id = e->id,
                           .what = e->what,
                           .creates = e->creates,
                           .to = e->to,
                           .value = e->value,
                           .gas = e->gas,
                           .data = {e->data, e->data_length}};
}

/* Why it reverted: the same call at the state before its block, which is the state it met but for its block's
 * earlier transactions; else at the state after. */
static void explain_revert(hf_sender *s, hf_entry *e) {
  const hf_send_request r = request_of(e);
  bool ok = true;
  if (e->problem[0] != 0) return;
  const uint64_t before = e->receipt.block > 0 ? e->receipt.block - 1 : 0;
  for (int k = 0; k < 2 && ok; k++)
    if (try_at(s, &r, k == 0 ? before : e->receipt.block, &ok, e->problem, sizeof e->problem) != HF_OK) break;
  if (e->problem[0] == 0)
    snprintf(e->problem, sizeof e->problem,
             e->receipt.gas_used >= e->gas - e->gas / 64 ? "out of gas" : "reverted");
}

static void describe(const hf_entry *e, uint64_t confirmations, bool known, hf_sent *out) {
  memset(out, 0, sizeof *out);
  out->id = e->id;
  memcpy(out->what, e->what, sizeof out->what);
  out->nonce = e->nonce;
  out->attempts = e->attempts;
  out->known = known;
  out->confirmations = confirmations;
  out->stage = e->state == HF_ENTRY_CONFIRMED ? HF_SEND_CONFIRMED
               : e->state == HF_ENTRY_LOST    ? HF_SEND_LOST
               : e->mined                     ? HF_SEND_MINED
                                              : HF_SEND_SENT;
  const hf_attempt *mined = mined_attempt(e);
  out->hash = (mined != NULL ? mined : last_attempt(e))->hash;
  out->cancelled = mined != NULL && mined->cancels;
  if (e->mined) out->receipt = e->receipt;
  if (!e->mined || !e->receipt.success) snprintf(out->reason, sizeof out->reason, "%s", e->problem);
}

static hf_entry *find(hf_sender *s, const hf_digest *id) {
  for (size_t i = s->journal.count; i-- > 0;) /* the latest: an earlier one was reverted or lost */
    if (hf_digest_eq(&s->journal.entry[i].id, id)) return &s->journal.entry[i];
  return NULL;
}

bool hf_sender_list(hf_sender *sender, size_t i, hf_sent *out) {
  if (i >= sender->journal.count) return false;
  describe(&sender->journal.entry[i], 0, true, out);
  return true;
}

hf_status hf_sender_get(hf_sender *sender, const hf_digest *id, hf_sent *out) {
  const hf_entry *e = find(sender, id);
  if (e == NULL) return hf_fail(HF_E_NOT_FOUND, "no such request in the journal");
  describe(e, 0, true, out);
  return HF_OK;
}

/* ---- fees ---- */

static uint64_t eighth_more(uint64_t wei) { return wei + wei / 8 + 1; }

/* What is reasonable now: the tip, and twice the base fee above it, so that it stays valid through six full
 * blocks. */
static hf_status present_fees(hf_sender *s, uint64_t *tip, uint64_t *fee) {
  hf_status status;
  hf_eth_block head;
  HF_TRY(hf_eth_block_at(s->options.rpc, HF_ETH_LATEST, &head));
  *tip = s->options.tip_wei;
  if (*tip == 0) HF_TRY(hf_eth_tip(s->options.rpc, tip));
  if (head.base_fee > s->options.max_fee_wei)
    HF_TRY(hf_fail(HF_E_BUSY, "the base fee is %llu wei, above the highest fee allowed (%llu)",
                   (unsigned long long)head.base_fee, (unsigned long long)s->options.max_fee_wei));
  if (*tip > s->options.max_fee_wei) *tip = s->options.max_fee_wei;
  *fee = 2 * head.base_fee + *tip;
  if (*fee > s->options.max_fee_wei) *fee = s->options.max_fee_wei;
  if (*tip > *fee) *tip = *fee;
out:
  return status;
}

/* Fees that replace the last attempt: nodes want a tenth more of both. HF_E_BUSY when the cap forbids it. */
static hf_status higher_fees(hf_sender *s, const hf_entry *e, uint64_t *tip, uint64_t *fee) {
  const hf_attempt *last = last_attempt(e);
  hf_status status = present_fees(s, tip, fee);
  if (status != HF_OK) return status;
  if (*tip < eighth_more(last->tip_wei)) *tip = eighth_more(last->tip_wei);
  if (*fee < eighth_more(last->fee_wei)) *fee = eighth_more(last->fee_wei);
  if (*fee < *tip) *fee = *tip;
  if (*fee > s->options.max_fee_wei) *fee = s->options.max_fee_wei;
  if (*fee < eighth_more(last->fee_wei) || *tip > *fee)
    return hf_fail(HF_E_BUSY, "%llu wei a unit of gas did not get it mined, and more is not allowed",
                   (unsigned long long)last->fee_wei);
  return HF_OK;
}

/* ---- signing and sending ---- */

static hf_status sign(hf_sender *s, const hf_entry *e, const hf_attempt *a, hf_writer *raw,
                      hf_eth_hash *hash) {
  hf_eth_tx tx = {.chain_id = s->chain_id, .nonce = e->nonce, .tip_wei = a->tip_wei, .fee_wei = a->fee_wei};
  if (a->cancels) {
    tx.to = *self(s);
    tx.gas = 21000;
  } else {
    tx.creates = e->creates;
    tx.to = e->to;
    tx.value = e->value;
    tx.gas = e->gas;
    tx.data = (hf_bytes){e->data, e->data_length};
  }
  return hf_eth_tx_sign(&tx, s->options.key, raw, hash);
}

/* The last attempt, once more. What the node says against it is kept in the entry and no failure of ours. */
static hf_status send_last(hf_sender *s, hf_entry *e) {
  hf_writer raw = {0};
  hf_eth_hash hash;
  hf_status status;
  HF_TRY(sign(s, e, last_attempt(e), &raw, &hash));
  if (!hf_eth_hash_eq(&hash, &last_attempt(e)->hash))
    HF_TRY(hf_fail(HF_E_MISMATCH,
                   "the journal's transaction %llu is not what was signed: another key, or a damaged file",
                   (unsigned long long)e->nonce));
  hf_status sent = hf_eth_send(s->options.rpc, (hf_bytes){raw.data, raw.length});
  e->problem[0] = 0;
  if (sent == HF_OK) {
    e->sent_ms = now(s);
    e->refused = 0;
  } else {
    if (sent == HF_E_REFUSED) e->refused++;
    snprintf(e->problem, sizeof e->problem, "%s", hf_error_message());
  }
  hf_log(s->options.log, sent != HF_OK ? HF_LOG_WARN : HF_LOG_INFO, "transaction sent",
         HF_LOG_TEXT("what", e->what), HF_LOG_UINT("nonce", e->nonce),
         HF_LOG_HEX("hash", last_attempt(e)->hash.b, 32), HF_LOG_UINT("attempt", e->attempts),
         HF_LOG_TEXT("against", e->problem));
  at(s, "sent");
out:
  hf_writer_free(&raw);
  return status;
}

/* Signs one more attempt, makes it durable, sends it. */
static hf_status attempt(hf_sender *s, hf_entry *e, uint64_t tip, uint64_t fee, bool cancels) {
  hf_writer raw = {0};
  hf_status status;
  if (e->attempts == HF_JOURNAL_ATTEMPTS)
    return hf_fail(HF_E_BUSY, "%d attempts of transaction %llu were not mined", HF_JOURNAL_ATTEMPTS,
                   (unsigned long long)e->nonce);
  hf_attempt *a = &e->attempt[e->attempts];
  *a = (hf_attempt){.tip_wei = tip, .fee_wei = fee, .signed_ms = now(s), .cancels = cancels};
  HF_TRY(sign(s, e, a, &raw, &a->hash));
  at(s, "signed");
  e->attempts++;
  status = hf_journal_write(&s->journal, e);
  if (status != HF_OK) e->attempts--; /* it may be on disk or not; it never left, and will be signed again */
  HF_TRY(status);
  at(s, "journaled");
  HF_TRY(send_last(s, e));
out:
  hf_writer_free(&raw);
  return status;
}

/* ---- one look ---- */

/* The receipt of any attempt, if its block is on the node's present chain. */
static hf_status look_for_receipt(hf_sender *s, hf_entry *e, bool *found) {
  hf_status status = HF_OK;
  *found = false;
  for (size_t i = e->attempts; i-- > 0 && !*found;) {
    hf_eth_receipt r;
    hf_eth_block block;
    HF_TRY(hf_eth_receipt_of(s->options.rpc, &e->attempt[i].hash, found, &r));
    if (!*found) continue;
    status = hf_eth_block_at(s->options.rpc, r.block, &block);
    if (status == HF_E_NOT_FOUND || (status == HF_OK && !hf_eth_hash_eq(&block.hash, &r.block_hash))) {
      *found = false; /* of a block that was left behind */
      status = HF_OK;
      continue;
    }
    HF_TRY(status);
    e->receipt = r;
  }
out:
  return status;
}

static hf_status finish(hf_sender *s, hf_entry *e, hf_entry_state state) {
  const hf_entry_state before = e->state;
  e->state = state;
  hf_status status = hf_journal_write(&s->journal, e);
  if (status != HF_OK) e->state = before;
  if (status == HF_OK) at(s, "confirmed");
  return status;
}

static hf_status look_mined(hf_sender *s, hf_entry *e, uint64_t head) {
  if (!e->mined || !e->seen_mined) {
    hf_log(s->options.log, HF_LOG_INFO, "transaction mined", HF_LOG_TEXT("what", e->what),
           HF_LOG_UINT("nonce", e->nonce), HF_LOG_UINT("block", e->receipt.block),
           HF_LOG_UINT("gas", e->receipt.gas_used), HF_LOG_UINT("success", e->receipt.success));
    e->problem[0] = 0;
    e->mined = e->seen_mined = true;
    at(s, "mined");
  }
  if (!e->receipt.success) explain_revert(s, e);
  if (head < e->receipt.block || head - e->receipt.block + 1 < s->options.confirmations) return HF_OK;
  return finish(s, e, HF_ENTRY_CONFIRMED);
}

/* Which transaction took the nonce, by block `high`? *other = one that is not ours. Where the node cannot
 * show it, what pays ether is not given up: only the account's number of transactions speaks against it then.
 */
static hf_status name_taker(hf_sender *s, hf_entry *e, uint64_t high, bool *other) {
  hf_eth_hash hash;
  uint64_t block;
  char text[HF_ETH_HASH_TEXT];
  const hf_u256 nothing = {{0}};
  const unsigned long long nonce = e->nonce;
  bool ours = false;
  hf_status status = hf_eth_find_nonce(s->options.rpc, self(s), e->nonce, high, &hash, &block);
  *other = false;
  if (status == HF_OK) {
    for (size_t i = 0; i < e->attempts; i++) ours = ours || hf_eth_hash_eq(&e->attempt[i].hash, &hash);
    hf_eth_hash_text(&hash, text);
    *other = !ours;
    snprintf(e->problem, sizeof e->problem,
             ours ? "nonce %llu is used by %s in block %llu, which is ours, but the node has no receipt of it"
                  : "another transaction of the account took nonce %llu: %s in block %llu",
             nonce, text, (unsigned long long)block);
  } else if (status == HF_E_REFUSED || status == HF_E_FORMAT || status == HF_E_NOT_FOUND ||
             status == HF_E_RANGE) {
    *other = hf_u256_compare(&e->value, &nothing) == 0;
    snprintf(
        e->problem, sizeof e->problem,
        *other
            ? "another transaction of the account took nonce %llu, which the node cannot show (%.150s)"
            : "nonce %llu is used, and the node cannot show by what; ask one that keeps old states (%.120s)",
        nonce, hf_error_message());
    status = HF_OK;
  }
  return status;
}

/* The nonce is used and no attempt has a receipt: a node that is late, or another transaction. It is another
 * one when that is so at a block with all the confirmations wanted, look after look, and the node shows it.
 */
static hf_status look_gone(hf_sender *s, hf_entry *e, uint64_t head) {
  uint64_t used;
  bool other = false;
  const uint64_t depth = s->options.confirmations - 1, high = head > depth ? head - depth : 0;
  hf_status status = hf_eth_nonce(s->options.rpc, self(s), high, &used);
  if (status != HF_OK) return status;
  e->gone = used > e->nonce ? e->gone + 1 : 0;
  if (e->gone < LOST_LOOKS) return HF_OK;
  e->gone = 0;
  status = name_taker(s, e, high, &other);
  return status == HF_OK && other ? finish(s, e, HF_ENTRY_LOST) : status;
}

static hf_status look(hf_sender *s, hf_entry *e) {
  bool found;
  uint64_t head, next, tip, fee;
  hf_status status;
  HF_TRY(look_for_receipt(s, e, &found));
  HF_TRY(hf_eth_block_number(s->options.rpc, &head));
  if (found) {
    status = look_mined(s, e, head);
    goto out;
  }
  if (e->mined) { /* it was, and is no more */
    hf_log(s->options.log, HF_LOG_WARN, "transaction left the chain: reorganised",
           HF_LOG_TEXT("what", e->what), HF_LOG_UINT("nonce", e->nonce));
    e->mined = false;
    e->sent_ms = 0; /* send again now */
  }
  HF_TRY(hf_eth_nonce(s->options.rpc, self(s), HF_ETH_LATEST, &next));
  if (next > e->nonce) {
    status = look_gone(s, e, head);
    goto out;
  }
  e->gone = 0;
  if (next == e->nonce && older_than(s, last_attempt(e)->signed_ms, s->options.bump_ms) &&
      e->attempts < HF_JOURNAL_ATTEMPTS) {
    status = higher_fees(s, e, &tip, &fee);
    if (status == HF_OK) {
      status = attempt(s, e, tip, fee, last_attempt(e)->cancels);
      goto out;
    }
    if (status != HF_E_BUSY) goto out;
    snprintf(e->problem, sizeof e->problem, "%s", hf_error_message());
  }
  status = HF_OK;
  if (e->sent_ms == 0 || older_than(s, e->sent_ms, s->options.resend_ms)) status = send_last(s, e);
out:
  return status;
}

hf_status hf_sender_step(hf_sender *sender) {
  hf_status first = HF_OK;
  for (size_t i = 0; i < sender->journal.count; i++) {
    if (sender->journal.entry[i].state != HF_ENTRY_OPEN) continue;
    hf_status status = look(sender, &sender->journal.entry[i]);
    if (first == HF_OK) first = status;
  }
  return first;
}

/* ---- requests ---- */

/* A confirmed transaction that the node no longer knows: the chain was reorganised deeper than the
 * confirmations. */
static hf_status reopen_if_gone(hf_sender *s, hf_entry *e) {
  bool found;
  hf_eth_block block;
  hf_status status = hf_eth_block_at(s->options.rpc, e->receipt.block, &block);
  if (status != HF_OK && status != HF_E_NOT_FOUND) return status;
  /* Nodes forget receipts of old blocks, and remember the blocks. */
  if (status == HF_OK && hf_eth_hash_eq(&block.hash, &e->receipt.block_hash)) return HF_OK;
  status = look_for_receipt(s, e, &found);
  if (status != HF_OK || found) return status;
  hf_log(s->options.log, HF_LOG_WARN, "confirmed transaction left the chain", HF_LOG_TEXT("what", e->what),
         HF_LOG_UINT("nonce", e->nonce));
  e->mined = false;
  e->sent_ms = 0;
  status = finish(s, e, HF_ENTRY_OPEN);
  return status == HF_OK ? look(s, e) : status;
}

/* The nonce after all that the chain, the node's pool and the journal know of. */
static hf_status next_nonce(hf_sender *s, uint64_t *out) {
  hf_status status;
  uint64_t mined, pending;
  HF_TRY(hf_eth_nonce(s->options.rpc, self(s), HF_ETH_LATEST, &mined));
  HF_TRY(hf_eth_nonce(s->options.rpc, self(s), HF_ETH_PENDING, &pending));
  *out = pending > mined ? pending : mined;
  for (size_t i = 0; i < s->journal.count; i++) {
    hf_entry *e = &s->journal.entry[i];
    if (e->state == HF_ENTRY_CONFIRMED && e->nonce >= mined) HF_TRY(reopen_if_gone(s, e));
    if (e->nonce >= *out) *out = e->nonce + 1;
  }
out:
  return status;
}

static hf_status can_pay(hf_sender *s, const hf_send_request *r, uint64_t fee) {
  hf_status status;
  hf_u256 have, need = hf_u256_from_u64(r->gas);
  char a[HF_U256_TEXT], b[HF_U256_TEXT];
  HF_TRY(hf_eth_balance(s->options.rpc, self(s), &have));
  HF_TRY(hf_u256_mul_u64(&need, fee, &need));
  HF_TRY(hf_u256_add(&need, &r->value, &need));
  if (hf_u256_compare(&have, &need) >= 0) goto out;
  hf_u256_text(&have, a);
  hf_u256_text(&need, b);
  status = hf_fail(HF_E_REFUSED, "the account has %s wei; this may cost %s", a, b);
out:
  return status;
}

static hf_status begin_new(hf_sender *s, const hf_send_request *r, hf_entry **out) {
  hf_status status;
  bool ok;
  char reason[512];
  uint64_t tip, fee;
  hf_entry fresh = {.id = r->id,
                    .creates = r->creates,
                    .to = r->to,
                    .value = r->value,
                    .gas = r->gas,
                    .data = (uint8_t *)r->data.data,
                    .data_length = r->data.length};
  snprintf(fresh.what, sizeof fresh.what, "%s", r->what);
  HF_TRY(present_fees(s, &tip, &fee));
  HF_TRY(can_pay(s, r, fee));
  HF_TRY(try_at(s, r, HF_ETH_LATEST, &ok, reason, sizeof reason));
  if (!ok) HF_TRY(hf_fail(HF_E_REFUSED, "%s would revert: %s", r->what, reason));
  HF_TRY(next_nonce(s, &fresh.nonce));
  hf_entry *e = hf_journal_add(&s->journal, &fresh);
  if (e == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the journal"));
  status = attempt(s, e, tip, fee, false);
  if (e->attempts == 0) { /* it was not signed: nothing of it remains */
    free(e->data);
    s->journal.count--;
    goto out;
  }
  *out = e;
out:
  return status;
}

/* For good, by the node's word: mined and reverted or cancelled, or its nonce is another's. */
static bool without_effect(const hf_entry *e) {
  return e->state == HF_ENTRY_LOST ||
         (e->state == HF_ENTRY_CONFIRMED &&
          (!e->receipt.success || mined_attempt(e) == NULL || mined_attempt(e)->cancels));
}

/* The contract refuses what it has already, but it takes every ether that comes: a node's word is not enough
 * there. */
static hf_status may_pay_again(const hf_entry *e, const hf_send_request *request) {
  const hf_u256 nothing = {{0}};
  if (request->afresh || hf_u256_compare(&request->value, &nothing) == 0) return HF_OK;
  return hf_fail(
      HF_E_STATE,
      "%s was sent before with nonce %llu and %s, says the node. It pays ether, so it is not made again by "
      "itself: make sure, by another node, that nothing was paid, and then demand it anew",
      e->what, (unsigned long long)e->nonce,
      e->state == HF_ENTRY_LOST ? "lost its nonce to another transaction"
      : e->receipt.success      ? "was cancelled"
                                : "reverted");
}

hf_status hf_sender_begin(hf_sender *sender, const hf_send_request *request, hf_sent *out) {
  hf_status status;
  if (strlen(request->what) >= HF_JOURNAL_WHAT)
    return hf_fail(HF_E_ARGUMENT, "a description of a request is short");
  hf_entry *e = find(sender, &request->id);
  bool known = e != NULL;
  if (known && e->state == HF_ENTRY_CONFIRMED) HF_TRY(reopen_if_gone(sender, e));
  if (known && without_effect(e)) {
    HF_TRY(may_pay_again(e, request));
    known = false;
  }
  if (!known)
    HF_TRY(begin_new(sender, request, &e));
  else if (e->state == HF_ENTRY_OPEN)
    HF_TRY(look(sender, e));
  describe(e, 0, known, out);
  status = HF_OK;
out:
  return status;
}

static hf_status refused_for_good(const hf_entry *e) {
  if (e->state != HF_ENTRY_OPEN || e->refused < REFUSALS_MAX) return HF_OK;
  return hf_fail(HF_E_REFUSED, "%s is signed and in the journal, but %s", e->what, e->problem);
}

hf_status hf_sender_wait(hf_sender *sender, const hf_digest *id, uint64_t timeout_ms, hf_sent *out) {
  const uint64_t start = now(sender);
  for (;;) {
    hf_status status = hf_sender_step(sender);
    hf_entry *e = find(sender, id);
    if (e == NULL) return hf_fail(HF_E_NOT_FOUND, "no such request in the journal");
    uint64_t head = 0;
    if (e->mined && e->state == HF_ENTRY_OPEN) (void)hf_eth_block_number(sender->options.rpc, &head);
    describe(e, head >= e->receipt.block ? head - e->receipt.block + 1 : 0, true, out);
    if (e->state != HF_ENTRY_OPEN) return HF_OK;
    if (status == HF_OK) status = refused_for_good(e);
    /* a disk that fails, a key that is another: waiting helps nothing */
    if (status == HF_E_REFUSED || status == HF_E_MISMATCH || status == HF_E_FULL || status == HF_E_MEMORY)
      return status;
    if (sender->options.stop != NULL && sender->options.stop(sender->options.context))
      return hf_fail(HF_E_CANCELLED, "stopped while %s waits; it stays in the journal", e->what);
    if (older_than(sender, start, timeout_ms))
      return status == HF_OK
                 ? hf_fail(HF_E_TIMEOUT,
                           "%s (nonce %llu, %zu attempts) is not confirmed yet; it stays in the journal%s%s",
                           e->what, (unsigned long long)e->nonce, e->attempts, e->problem[0] ? ": " : "",
                           e->problem)
                 : hf_fail_context(HF_E_TIMEOUT, "%s is not confirmed yet", e->what);
    sender->options.sleep_ms(sender->options.context, sender->options.poll_ms);
  }
}

hf_status hf_sender_cancel(hf_sender *sender, const hf_digest *id, hf_sent *out) {
  hf_status status;
  uint64_t tip, fee;
  hf_entry *e = find(sender, id);
  if (e == NULL) return hf_fail(HF_E_NOT_FOUND, "no such request in the journal");
  if (e->state == HF_ENTRY_OPEN) HF_TRY(look(sender, e));
  if (e->state != HF_ENTRY_OPEN || e->mined)
    HF_TRY(hf_fail(HF_E_STALE, "%s is in a block, or lost", e->what));
  HF_TRY(higher_fees(sender, e, &tip, &fee));
  HF_TRY(attempt(sender, e, tip, fee, true));
  describe(e, 0, true, out);
out:
  return status;
}
