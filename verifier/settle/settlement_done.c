/* Whether a seal is settled already, whoever sent it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "eth_abi.h"
#include "evm.h"
#include "settlement.h"

#define HEX_ROOT 65

/* The batches of one chain in the seal stand in order without a gap (rollup.h); what is not so, the contract
 * refuses. */
typedef struct part {
  hf_u256 chain;
  char name[HF_U256_TEXT];
  uint64_t first, last;
  const hf_batch_record *begins, *ends;
} part;

typedef enum progress { BEFORE, WITHIN, AFTER } progress;

typedef struct looker {
  const hf_settlement *contract;
  const hf_sealed *sealed;
  uint64_t from_block, at;
  hf_settled *out;
  part of[HF_SEAL_RECORDS_MAX];
  uint32_t count;
} looker;

static void big_endian(const uint8_t word[32], hf_u256 *out) {
  for (int i = 0; i < 32; i++) out->b[i] = word[31 - i];
}

/* As every command prints roots: the field element's bytes, least first. */
static const char *root_text(const hf_u256 *root, char out[HEX_ROOT]) {
  uint8_t little[32];
  for (int i = 0; i < 32; i++) little[i] = root->b[31 - i];
  hf_hex(little, 32, out);
  return out;
}

static hf_status collect_parts(looker *l) {
  hf_status status = HF_OK;
  for (uint32_t i = 0; i < l->sealed->records; i++) {
    const hf_batch_record *r = &l->sealed->batch[i].record;
    hf_u256 chain;
    uint64_t number;
    uint32_t k = 0;
    big_endian(r->word[HF_RECORD_CHAIN_ID], &chain);
    HF_TRY(hf_word_get_u64(r->word[HF_RECORD_BATCH_NUMBER], &number));
    while (k < l->count && hf_u256_compare(&l->of[k].chain, &chain) != 0) k++;
    part *p = &l->of[k];
    if (k == l->count) {
      *p = (part){.chain = chain, .first = number, .begins = r};
      hf_u256_text(&chain, p->name);
      l->count++;
    }
    p->last = number;
    p->ends = r;
  }
out:
  return status;
}

/* ---- what the contract told ---- */

static hf_status take_sealed(void *context, const hf_eth_log *log) {
  looker *l = context;
  hf_u256 word[2];
  hf_status status = hf_abi_read(log->data, log->data_length, word, 2);
  if (status == HF_OK) status = hf_abi_to_address(&word[1], &l->out->settler);
  if (status != HF_OK) return status;
  l->out->how = HF_SETTLED_SEAL;
  l->out->transaction = log->transaction;
  l->out->block = log->block;
  return HF_OK;
}

static hf_status find_sealed(looker *l) {
  hf_u256 topic, statement;
  hf_evm_topic("Sealed(uint256,uint256,address)", topic.b);
  hf_fr_to_bytes_be(l->sealed->proof.public_inputs[HF_SEAL_STATEMENT], statement.b);
  return hf_eth_logs(l->contract->rpc, &l->contract->address,
                     (const hf_u256 *const[HF_ETH_TOPICS]){&topic, &statement}, l->from_block, l->at,
                     take_sealed, l);
}

typedef struct told_root {
  bool there;
  hf_u256 root;
} told_root;

static hf_status take_root(void *context, const hf_eth_log *log) {
  told_root *t = context;
  t->there = true;
  return hf_abi_read(log->data, log->data_length, &t->root, 1);
}

static hf_status find_root(looker *l, const part *p, told_root *out) {
  hf_u256 topic, number = hf_u256_from_u64(p->last);
  *out = (told_root){0};
  hf_evm_topic("BatchSettled(uint256,uint64,uint256)", topic.b);
  return hf_eth_logs(l->contract->rpc, &l->contract->address,
                     (const hf_u256 *const[HF_ETH_TOPICS]){&topic, &p->chain, &number}, l->from_block, l->at,
                     take_root, out);
}

/* ---- a batch in the middle of somebody's seal: in the calldata of the transaction that settled it ---- */

#define SENT_WORDS                                                                                           \
  (HF_RECORD_WORDS - 4 * HF_IMPORTS) /* of a record; its first words are those of rollup.h                   \
                                      */

typedef struct later {
  uint64_t than, number; /* 0: none yet */
  hf_eth_hash transaction;
} later;

static hf_status take_later(void *context, const hf_eth_log *log) {
  later *l = context;
  uint64_t number;
  if (log->topic_count != 3) return hf_fail(HF_E_FORMAT, "a batch's log of %zu topics", log->topic_count);
  hf_status status = hf_u256_to_u64(&log->topic[2], &number);
  if (status != HF_OK || number <= l->than || (l->number != 0 && number >= l->number)) return status;
  l->number = number;
  l->transaction = log->transaction;
  return HF_OK;
}

static bool read_offset(const uint8_t *data, size_t length, size_t at, size_t *out) {
  hf_u256 word;
  uint64_t value;
  if (length < 32 || at > length - 32) return false;
  memcpy(word.b, data + at, 32);
  if (hf_u256_to_u64(&word, &value) != HF_OK || value > length) return false;
  *out = (size_t)value;
  return true;
}

/* settle(verifierId, words, ..) at `data`, behind the selector: the new root of the part's last batch. */
static void find_record(const uint8_t *data, size_t length, const part *p, told_root *out) {
  const hf_u256 number = hf_u256_from_u64(p->last);
  size_t at, count;
  if (!read_offset(data, length, 32, &at) || !read_offset(data, length, at, &count)) return;
  if (count > (length - at - 32) / 32) return; /* read_offset: 32 bytes are there */
  for (size_t k = 0; k + SENT_WORDS <= count; k += SENT_WORDS) {
    const uint8_t *word = data + at + 32 + 32 * k;
    if (memcmp(word + 32 * HF_RECORD_CHAIN_ID, p->chain.b, 32) != 0 ||
        memcmp(word + 32 * HF_RECORD_BATCH_NUMBER, number.b, 32) != 0)
      continue;
    memcpy(out->root.b, word + 32 * HF_RECORD_NEW_ROOT, 32);
    out->there = true;
  }
}

/* The contract logged the transaction, and does so in settle alone: its calldata is what was settled, if it
 * was called directly. */
static hf_status find_in_calldata(looker *l, const part *p, told_root *out) {
  hf_status status;
  hf_u256 topic;
  hf_eth_address to;
  later after = {.than = p->last};
  uint8_t *data = NULL;
  size_t length;
  hf_evm_topic("BatchSettled(uint256,uint64,uint256)", topic.b);
  HF_TRY(hf_eth_logs(l->contract->rpc, &l->contract->address,
                     (const hf_u256 *const[HF_ETH_TOPICS]){&topic, &p->chain}, l->from_block, l->at,
                     take_later, &after));
  if (after.number == 0) goto out;
  HF_TRY(hf_eth_input_of(l->contract->rpc, &after.transaction, &to, &data, &length));
  if (hf_eth_address_eq(&to, &l->contract->address) && length > 4) find_record(data + 4, length - 4, p, out);
out:
  free(data);
  return status;
}

/* ---- one chain ---- */

static hf_status same_root(const part *p, uint64_t batch, const hf_u256 *on_l1, const uint8_t ours[32]) {
  hf_u256 root;
  char a[HEX_ROOT], b[HEX_ROOT];
  big_endian(ours, &root);
  if (hf_u256_compare(&root, on_l1) == 0) return HF_OK;
  return hf_fail(HF_E_MISMATCH, "chain %s: after batch %llu the contract has root %s, this seal has root %s",
                 p->name, (unsigned long long)batch, root_text(on_l1, a), root_text(&root, b));
}

static hf_status look_before(const part *p, const hf_settled_chain *now) {
  /* an unknown chain has no root; earlier batches that are missing may come: the contract names both */
  if (hf_eth_address_is_zero(&now->operator) || now->batch + 1 != p->first) return HF_OK;
  return same_root(p, now->batch, &now->state_root, p->begins->word[HF_RECORD_OLD_ROOT]);
}

static hf_status look_within(looker *l, const part *p, const hf_settled_chain *now) {
  for (uint32_t i = 0; i < l->sealed->records; i++) {
    const hf_batch_record *r = &l->sealed->batch[i].record;
    hf_u256 chain;
    uint64_t number;
    big_endian(r->word[HF_RECORD_CHAIN_ID], &chain);
    hf_status status = hf_word_get_u64(r->word[HF_RECORD_BATCH_NUMBER], &number);
    if (status == HF_OK && number == now->batch && hf_u256_compare(&chain, &p->chain) == 0)
      status = same_root(p, number, &now->state_root, r->word[HF_RECORD_NEW_ROOT]);
    if (status != HF_OK) return status;
  }
  return HF_OK;
}

static hf_status look_after(looker *l, const part *p, const hf_settled_chain *now) {
  told_root told = {.there = true, .root = now->state_root};
  hf_status status = HF_OK;
  if (now->batch != p->last) HF_TRY(find_root(l, p, &told));
  if (!told.there) HF_TRY(find_in_calldata(l, p, &told));
  if (!told.there)
    HF_TRY(
        hf_fail(HF_E_STATE,
                "chain %s is at batch %llu, and batch %llu was settled in the middle of a seal that another "
                "contract sent (or before block %llu): its root cannot be read and compared",
                p->name, (unsigned long long)now->batch, (unsigned long long)p->last,
                (unsigned long long)l->from_block));
  HF_TRY(same_root(p, p->last, &told.root, p->ends->word[HF_RECORD_NEW_ROOT]));
out:
  return status;
}

static hf_status look_at_chain(looker *l, const part *p, hf_settled_chain *now, progress *is) {
  hf_status status;
  HF_TRY(hf_settlement_chain_at(l->contract, &p->chain, l->at, now));
  *is = now->batch < p->first ? BEFORE : now->batch < p->last ? WITHIN : AFTER;
  if (*is == BEFORE)
    status = look_before(p, now);
  else if (*is == WITHIN)
    status = look_within(l, p, now);
out: /* AFTER: only when the seal as a whole is not found */
  return status;
}

static hf_status look(looker *l) {
  hf_status status;
  hf_settled_chain now[HF_SEAL_RECORDS_MAX];
  progress is[HF_SEAL_RECORDS_MAX];
  uint32_t after = 0, before = 0, odd = 0, begun = 0;
  HF_TRY(collect_parts(l));
  for (uint32_t i = 0; i < l->count; i++) {
    HF_TRY(look_at_chain(l, &l->of[i], &now[i], &is[i]));
    after += is[i] == AFTER;
    before += is[i] == BEFORE;
  }
  if (before == l->count) goto out;
  if (after == l->count) {
    HF_TRY(find_sealed(l));
    if (l->out->how == HF_SETTLED_SEAL) goto out;
  }
  for (uint32_t i = 0; i < l->count; i++)
    if (is[i] == AFTER) HF_TRY(look_after(l, &l->of[i], &now[i]));
  if (after == l->count) {
    l->out->how = HF_SETTLED_ROOTS;
    goto out;
  }
  while (is[odd] == AFTER) odd++; /* a chain that is not through, beside one that has begun */
  while (is[begun] == BEFORE) begun++;
  const part *p = &l->of[odd];
  status =
      hf_fail(HF_E_STATE,
              "batches of chain %s are settled, but chain %s is at batch %llu and the seal has its %llu to "
              "%llu: the contract takes all of a seal or nothing",
              l->of[begun].name, p->name, (unsigned long long)now[odd].batch, (unsigned long long)p->first,
              (unsigned long long)p->last);
out:
  return status;
}

hf_status hf_settlement_look(const hf_settlement *contract, const hf_sealed *sealed, uint64_t from_block,
                             uint64_t at, hf_settled *out) {
  looker *l = calloc(1, sizeof *l);
  *out = (hf_settled){0};
  if (l == NULL) return hf_fail(HF_E_MEMORY, "no memory for the chains of a seal");
  *l = (looker){.contract = contract, .sealed = sealed, .from_block = from_block, .at = at, .out = out};
  hf_status status = look(l);
  free(l);
  return status;
}
