/* Making a batch: the waiting operations applied to the tree one by one, with every
 * leaf and path on the way, which is what the batch circuit must be told. */
#include "chain.h"
#include "record.h"
#include "statement.h"

#include <stdlib.h>
#include <string.h>

#define FAMILIES_KEPT ((size_t)1 << 18) /* families of the tree in memory between batches: 45 MiB at most */

typedef struct totals {
  uint64_t fees; /* fits: admission keeps operator balance + fees below 2^64 */
  uint32_t deposits, transfers, withdrawals;
  unsigned __int128 in, out, refused;
} totals;

static void to_rollup_account(const hf_account *a, hf_rollup_account *out) {
  hf_fr_to_bytes(a->x, out->x);
  hf_fr_to_bytes(a->y, out->y);
  out->balance = a->balance;
  out->nonce = a->nonce;
}

/* The account of an index beyond the last one is empty. */
static hf_account sealed_account(const hf_chain *chain, uint32_t index) {
  const hf_account nobody = {0};
  return index < chain->account_count ? chain->accounts[index].sealed : nobody;
}

/* Notes the leaf and its path as they are, then sets the leaf to `after`. */
static hf_status update(hf_chain *chain, uint32_t index, const hf_account *after, hf_batch_update *out) {
  const uint32_t levels = hf_rollup_levels(&chain->options.params);
  hf_fr siblings[HF_ROLLUP_LEVELS_MAX][3];
  hf_account old = sealed_account(chain, index);
  hf_status status = HF_OK;
  HF_TRY(hf_tree_path(chain->tree, index, NULL, siblings));
  out->index = index;
  to_rollup_account(&old, &out->old);
  for (uint32_t k = 0; k < levels; k++)
    for (int i = 0; i < 3; i++) hf_fr_to_bytes(siblings[k][i], out->siblings[k][i]);
  if (after) {
    HF_TRY(hf_tree_set(chain->tree, index, hf_account_leaf(after)));
    chain->accounts[index].sealed = *after;
    HF_TRY(hf_store_put_account(chain->store, index, after));
  }
out:
  return status;
}

static hf_status signature_words(const hf_item *item, hf_batch_slot *slot) {
  hf_eddsa_signature signature;
  hf_status status = hf_eddsa_signature_from_bytes(item->signature, &signature);
  if (status != HF_OK) return hf_fail_context(status, "operation %llu", (unsigned long long)item->sequence);
  hf_fr_to_bytes(signature.r.x, slot->r_x);
  hf_fr_to_bytes(signature.r.y, slot->r_y);
  memcpy(slot->s, signature.s, 32);
  return HF_OK;
}

static hf_status fill_slot(hf_chain *chain, const hf_item *item, hf_batch_slot *slot, totals *t) {
  hf_account after;
  hf_status status = HF_OK;
  slot->type = item->type;
  slot->amount = item->amount;
  slot->fee = item->fee;
  hf_fr_to_bytes(item->to1, slot->to1);
  hf_fr_to_bytes(item->to2, slot->to2);
  if (hf_slot_type_is_signed(item->type)) {
    HF_TRY(signature_words(item, slot));
    after = sealed_account(chain, item->from);
    after.balance -= item->amount + item->fee;
    after.nonce++;
    t->fees += item->fee;
    HF_TRY(update(chain, item->from, &after, &slot->from));
  } else {
    HF_TRY(update(chain, 0, NULL, &slot->from));
  }
  switch (item->type) {
  case HF_SLOT_TRANSFER:
    after = sealed_account(chain, item->to);
    after.balance += item->amount;
    HF_TRY(update(chain, item->to, &after, &slot->to));
    t->transfers++;
    break;
  case HF_SLOT_DEPOSIT:
    after = sealed_account(chain, item->to);
    after.x = item->to1;
    after.y = item->to2;
    after.balance += item->amount;
    HF_TRY(update(chain, item->to, &after, &slot->to));
    t->deposits++;
    t->in += item->amount;
    break;
  case HF_SLOT_WITHDRAW:
    HF_TRY(update(chain, 0, NULL, &slot->to));
    t->withdrawals++;
    t->out += item->amount;
    break;
  default:
    HF_TRY(update(chain, 0, NULL, &slot->to));
    t->deposits++;
    t->in += item->amount;
    t->refused += item->amount;
    break;
  }
out:
  return status;
}

static void set_u128(uint8_t word[32], unsigned __int128 v) {
  hf_word_set_u128(word, (uint64_t)v, (uint64_t)(v >> 64));
}

/* All words of all slots into `all`, and those that are posted into `posted`. */
static void data_words(const hf_batch_input *input, uint32_t mode, uint8_t (*all)[32],
                       uint8_t (*posted)[32]) {
  for (uint32_t i = 0; i < input->params.slots; i++) {
    const hf_batch_slot *s = &input->slots[i];
    hf_data_slot data = {s->type, s->from.index, s->to.index, s->amount, s->fee, {0}, {0}};
    memcpy(data.to1, s->to1, 32);
    memcpy(data.to2, s->to2, 32);
    hf_data_encode(&data, all + HF_DATA_WORDS * i);
    if (hf_data_is_posted(mode, s->type))
      memcpy(posted + HF_DATA_WORDS * i, all + HF_DATA_WORDS * i, HF_DATA_WORDS * 32);
  }
}

static hf_status fill_record(const hf_chain *chain, hf_fr new_root, const totals *t,
                             const uint8_t (*posted)[32], hf_batch_record *record) {
  uint8_t(*w)[32] = record->word;
  hf_word_set_u128(w[HF_RECORD_CHAIN_ID], chain->options.chain_id.low, chain->options.chain_id.high);
  hf_word_set_u64(w[HF_RECORD_BATCH_NUMBER], chain->last_batch + 1);
  hf_word_set_u64(w[HF_RECORD_MODE], chain->options.mode);
  hf_fr_to_bytes(chain->root, w[HF_RECORD_OLD_ROOT]);
  hf_fr_to_bytes(new_root, w[HF_RECORD_NEW_ROOT]);
  hf_outbox_empty_root(w[HF_RECORD_CHAIN_ID], w[HF_RECORD_BATCH_NUMBER], w[HF_RECORD_OUTBOX_ROOT]);
  hf_word_set_u64(w[HF_RECORD_DEPOSIT_START], chain->sealed_deposits);
  hf_word_set_u64(w[HF_RECORD_DEPOSIT_COUNT], t->deposits);
  hf_word_set_u64(w[HF_RECORD_TRANSFERS], t->transfers);
  hf_word_set_u64(w[HF_RECORD_WITHDRAWALS], t->withdrawals);
  set_u128(w[HF_RECORD_TOTAL_IN], t->in);
  set_u128(w[HF_RECORD_TOTAL_OUT], t->out);
  set_u128(w[HF_RECORD_TOTAL_REFUSED], t->refused);
  hf_word_set_u64(w[HF_RECORD_OPERATOR], chain->options.operator_index);
  return hf_data_commit(posted, (size_t)HF_DATA_WORDS * chain->options.params.slots, w[HF_RECORD_DATA],
                        w[HF_RECORD_DATA_X], w[HF_RECORD_DATA_Y]);
}

typedef struct work {
  hf_item *items;
  size_t count;
  hf_batch_input input;
  uint8_t (*all)[32], (*posted)[32];
  hf_writer encoded;
  totals totals;
  hf_fr root;
  hf_batch_info info;
} work;

static hf_status build(hf_chain *chain, work *w) {
  const hf_rollup_params *params = &chain->options.params;
  const uint64_t number = chain->last_batch + 1;
  hf_status status = HF_OK;
  for (size_t i = 0; i < w->count; i++) {
    HF_TRY(fill_slot(chain, &w->items[i], &w->input.slots[i], &w->totals));
    HF_TRY(hf_store_seal_item(chain->store, w->items[i].sequence, number, (uint32_t)i));
  }
  for (size_t i = w->count; i < params->slots; i++) { /* padding */
    HF_TRY(update(chain, 0, NULL, &w->input.slots[i].from));
    w->input.slots[i].to = w->input.slots[i].from;
  }
  hf_account payee = sealed_account(chain, chain->options.operator_index);
  payee.balance += w->totals.fees;
  HF_TRY(update(chain, chain->options.operator_index, w->totals.fees ? &payee : NULL, &w->input.fees));
  HF_TRY(hf_tree_root(chain->tree, &w->root));
  data_words(&w->input, chain->options.mode, w->all, w->posted);
  HF_TRY(fill_record(chain, w->root, &w->totals, (const uint8_t(*)[32])w->posted, &w->input.record));
  HF_TRY(hf_batch_input_encode(&w->input, &w->encoded));
  w->info.number = number;
  w->info.record = w->input.record;
  hf_fr statement;
  HF_TRY(hf_record_statement(&w->info.record, &statement));
  hf_fr_to_bytes(statement, w->info.statement);
  w->info.input_digest = hf_digest_bytes(w->encoded.data, w->encoded.length);
  w->info.input_length = w->encoded.length;
  w->info.sealed_ms = chain_now(chain);
out:
  return status;
}

/* Everything of one batch in one database transaction. */
static hf_status seal(hf_chain *chain, work *w) {
  const hf_rollup_params *params = &chain->options.params;
  const size_t words = (size_t)HF_DATA_WORDS * params->slots;
  bool begun = false;
  hf_status status = HF_OK;
  HF_TRY(hf_batch_input_init(params, &w->input));
  w->items = calloc(params->slots, sizeof *w->items);
  w->all = calloc(words, 32);
  w->posted = calloc(words, 32);
  if (!w->items || !w->all || !w->posted) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a batch"));
  HF_TRY(hf_store_pending(chain->store, 0, w->items, params->slots, &w->count));
  HF_TRY(hf_store_begin(chain->store));
  begun = true;
  HF_TRY(build(chain, w));
  HF_TRY(hf_tree_flush(chain->tree, hf_store_put_family, chain->store));
  HF_TRY(hf_store_add_batch(chain->store, &w->info, (hf_bytes){w->all, words * 32},
                            (hf_bytes){w->encoded.data, w->encoded.length}));
  HF_TRY(hf_store_commit(chain->store));
out:
  return status == HF_OK || !begun ? status : chain_undo(chain, status);
}

/* The file has the batch: memory follows. */
static hf_status settle(hf_chain *chain, const work *w) {
  hf_item first;
  size_t count = 0;
  hf_tree_commit(chain->tree, FAMILIES_KEPT);
  chain->root = w->root;
  chain->last_batch++;
  chain->unsubmitted++;
  chain->sealed_items += w->count;
  chain->sealed_deposits += w->totals.deposits;
  chain->pending -= w->count;
  chain->pending_fees -= w->totals.fees;
  if (w->totals.fees) chain->accounts[chain->options.operator_index].balance += w->totals.fees;
  /* Its age decides when the next partial batch is due. A failure here is no failure of the batch. */
  if (hf_store_pending(chain->store, 0, &first, 1, &count) != HF_OK) chain->stale = true;
  chain->oldest_ms = count ? first.received_ms : 0;
  return HF_OK;
}

static bool is_due(const hf_chain *chain, hf_seal when) {
  if (chain->pending == 0 || chain->unsubmitted >= chain->options.backlog_limit) return false;
  if (chain->pending >= chain->options.params.slots || when == HF_SEAL_ANY) return true;
  if (when == HF_SEAL_FULL || chain->options.max_age_ms == 0) return false;
  uint64_t now = chain_now(chain);
  return now >= chain->oldest_ms && now - chain->oldest_ms >= chain->options.max_age_ms;
}

hf_status hf_chain_seal(hf_chain *chain, hf_seal when, uint64_t *number) {
  work w;
  memset(&w, 0, sizeof w);
  *number = 0;
  (void)pthread_mutex_lock(&chain->lock);
  hf_status status = chain_ready(chain);
  if (status == HF_OK && is_due(chain, when)) {
    status = seal(chain, &w);
    if (status == HF_OK) status = settle(chain, &w);
    if (status == HF_OK) *number = w.info.number;
  }
  (void)pthread_mutex_unlock(&chain->lock);
  if (*number)
    hf_log(chain->options.log, HF_LOG_INFO, "batch sealed", HF_LOG_UINT("batch", *number),
           HF_LOG_UINT("operations", w.count), HF_LOG_UINT("transfers", w.totals.transfers),
           HF_LOG_UINT("withdrawals", w.totals.withdrawals), HF_LOG_UINT("deposits", w.totals.deposits),
           HF_LOG_UINT("bytes", w.encoded.length));
  hf_batch_input_free(&w.input);
  hf_writer_free(&w.encoded);
  free(w.items);
  free(w.all);
  free(w.posted);
  return status;
}
