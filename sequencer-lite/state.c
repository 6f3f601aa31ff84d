#include "chain.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_POOL    65536
#define DEFAULT_BACKLOG 64
#define LOAD_PAGE       256 /* waiting operations read at once */

/* ---- accounts in memory ---- */

static uint32_t *key_place(const hf_chain *chain, hf_fr x, hf_fr y) {
  size_t at = ((x.l[0] ^ y.l[1]) * 0x9e3779b97f4a7c15ull) >> 16 & (chain->by_key_size - 1);
  for (;; at = (at + 1) & (chain->by_key_size - 1)) {
    uint32_t entry = chain->by_key[at];
    if (entry == 0) break;
    const chain_account *a = &chain->accounts[entry - 1];
    if (hf_fr_eq(a->x, x) && hf_fr_eq(a->y, y)) break;
  }
  return &chain->by_key[at];
}

static bool find_account(const hf_chain *chain, hf_fr x, hf_fr y, uint32_t *index) {
  if (chain->by_key_size == 0) return false;
  uint32_t entry = *key_place(chain, x, y);
  *index = entry - 1;
  return entry != 0;
}

static hf_status add_account(hf_chain *chain, hf_fr x, hf_fr y, uint32_t *index) {
  if (chain->account_count == chain->account_capacity) {
    uint32_t capacity = chain->account_capacity ? 2 * chain->account_capacity : 256;
    chain_account *accounts = realloc(chain->accounts, capacity * sizeof *accounts);
    if (!accounts) return hf_fail(HF_E_MEMORY, "no memory for %u accounts", capacity);
    chain->accounts = accounts;
    chain->account_capacity = capacity;
  }
  if (2 * ((size_t)chain->account_count + 1) > chain->by_key_size) {
    size_t size = chain->by_key_size ? 2 * chain->by_key_size : 1024;
    uint32_t *table = calloc(size, sizeof *table);
    if (!table) return hf_fail(HF_E_MEMORY, "no memory for %u accounts", chain->account_count);
    free(chain->by_key);
    chain->by_key = table;
    chain->by_key_size = size;
    for (uint32_t i = 0; i < chain->account_count; i++)
      *key_place(chain, chain->accounts[i].x, chain->accounts[i].y) = i + 1;
  }
  uint32_t i = chain->account_count++;
  chain->accounts[i] = (chain_account){.x = x, .y = y};
  *key_place(chain, x, y) = i + 1;
  *index = i;
  return HF_OK;
}

static hf_status load_account(void *context, uint32_t index, const hf_account *account) {
  hf_chain *chain = context;
  uint32_t at = 0, known = 0;
  if (index != chain->account_count || index >= hf_rollup_accounts(chain->options.params.depth) ||
      find_account(chain, account->x, account->y, &known))
    return hf_fail(HF_E_FORMAT, "chain file: account %u is out of place", index);
  hf_status status = add_account(chain, account->x, account->y, &at);
  if (status != HF_OK) return status;
  chain->accounts[at].sealed = *account;
  chain->accounts[at].balance = account->balance;
  chain->accounts[at].nonce = account->nonce;
  return HF_OK;
}

/* Applies an accepted operation to what waits. Admission has checked it; after a restart it is checked
 * that the file says nothing impossible. */
static hf_status apply_pending(hf_chain *chain, const hf_item *item) {
  const uint32_t count = chain->account_count;
  uint32_t index = 0;
  chain_account *from, *to;
  switch (item->type) {
  case HF_SLOT_TRANSFER:
  case HF_SLOT_WITHDRAW:
    if (item->from >= count || (item->type == HF_SLOT_TRANSFER && item->to >= count)) goto impossible;
    from = &chain->accounts[item->from];
    if (from->nonce != item->nonce || from->balance < item->fee || from->balance - item->fee < item->amount)
      goto impossible;
    from->balance -= item->amount + item->fee;
    from->nonce++;
    chain->pending_fees += item->fee;
    if (item->type == HF_SLOT_TRANSFER) chain->accounts[item->to].balance += item->amount;
    break;
  case HF_SLOT_DEPOSIT:
    if (item->to > count) goto impossible;
    if (item->to == count) {
      hf_status status = add_account(chain, item->to1, item->to2, &index);
      if (status != HF_OK) return status;
    }
    to = &chain->accounts[item->to];
    if (!hf_fr_eq(to->x, item->to1) || !hf_fr_eq(to->y, item->to2)) goto impossible;
    to->balance += item->amount;
    break;
  default:
    break; /* a refused deposit changes nothing */
  }
  if (chain->pending++ == 0) chain->oldest_ms = item->received_ms;
  chain->last_sequence = item->sequence;
  if (hf_item_is_deposit(item)) chain->next_deposit = item->deposit_index + 1;
  return HF_OK;
impossible:
  return hf_fail(HF_E_FORMAT, "chain file: operation %llu cannot be applied",
                 (unsigned long long)item->sequence);
}

/* ---- opening ---- */

hf_status chain_load(hf_chain *chain) {
  hf_status status = HF_OK;
  hf_store_counters counters;
  hf_item *page = NULL;
  uint8_t root[32];
  chain->stale = true;
  chain->account_count = 0;
  if (chain->by_key) memset(chain->by_key, 0, chain->by_key_size * sizeof *chain->by_key);
  chain->pending = chain->oldest_ms = chain->pending_fees = 0;
  hf_tree_drop(chain->tree);
  page = malloc(LOAD_PAGE * sizeof *page);
  if (!page) HF_TRY(hf_fail(HF_E_MEMORY, "no memory to read a chain"));
  HF_TRY(hf_store_count(chain->store, &counters));
  HF_TRY(hf_tree_root(chain->tree, &chain->root));
  hf_fr_to_bytes(chain->root, root);
  if (counters.has_root && memcmp(root, counters.last_root, sizeof root) != 0)
    HF_TRY(hf_fail(HF_E_FORMAT, "chain file: the tree does not have the root of batch %llu",
                   (unsigned long long)counters.last_batch));
  HF_TRY(hf_store_accounts(chain->store, load_account, chain));
  chain->sealed_deposits = counters.sealed_deposits;
  chain->last_batch = counters.last_batch;
  chain->unsubmitted = counters.unsubmitted;
  chain->sealed_items = counters.sealed_items;
  for (uint64_t after = 0;;) {
    size_t count = 0;
    HF_TRY(hf_store_pending(chain->store, after, page, LOAD_PAGE, &count));
    for (size_t i = 0; i < count; i++) HF_TRY(apply_pending(chain, &page[i]));
    if (count < LOAD_PAGE) break;
    after = page[count - 1].sequence;
  }
  chain->last_sequence = counters.last_sequence;
  chain->next_deposit = counters.next_deposit;
  chain->stale = false;
out:
  free(page);
  return status;
}

hf_status hf_chain_open(const hf_chain_options *options, hf_chain **out) {
  *out = NULL;
  hf_status status = hf_rollup_params_check(&options->params);
  if (status != HF_OK) return status;
  if (!options->path || options->mode > HF_MODE_VALIDIUM ||
      options->operator_index >= hf_rollup_accounts(options->params.depth))
    return hf_fail(HF_E_ARGUMENT, "a chain needs a path, mode 0 or 1, and an operator index within the tree");
  hf_chain *chain = calloc(1, sizeof *chain);
  if (!chain) return hf_fail(HF_E_MEMORY, "no memory for a chain");
  (void)pthread_mutex_init(&chain->lock, NULL);
  chain->options = *options;
  chain->path = strdup(options->path);
  if (!chain->path) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a chain"));
  chain->options.path = chain->path;
  if (!chain->options.pool_limit) chain->options.pool_limit = DEFAULT_POOL;
  if (!chain->options.backlog_limit) chain->options.backlog_limit = DEFAULT_BACKLOG;
  if (!chain->options.clock.now_ms) chain->options.clock = hf_clock_system();
  hf_store_identity identity = {options->chain_id, options->params, options->mode, options->operator_index};
  HF_TRY(hf_store_open(chain->path, &identity, &chain->store));
  HF_TRY(hf_tree_create(options->params.depth, hf_store_get_family, chain->store, &chain->tree));
  HF_TRY(chain_load(chain));
  hf_log(chain->options.log, HF_LOG_INFO, "chain opened", HF_LOG_TEXT("file", chain->path),
         HF_LOG_UINT("batches", chain->last_batch), HF_LOG_UINT("accounts", chain->account_count),
         HF_LOG_UINT("pending", chain->pending), HF_LOG_UINT("unsubmitted", chain->unsubmitted));
  *out = chain;
  chain = NULL;
out:
  hf_chain_close(&chain);
  return status;
}

void hf_chain_close(hf_chain **chain) {
  hf_chain *c = *chain;
  if (!c) return;
  hf_tree_destroy(&c->tree);
  hf_store_close(&c->store);
  free(c->accounts);
  free(c->by_key);
  free(c->path);
  (void)pthread_mutex_destroy(&c->lock);
  free(c);
  *chain = NULL;
}

/* ---- accepting ---- */

static hf_status check_room(const hf_chain *chain, size_t count) {
  if (count <= chain->options.pool_limit && chain->pending <= chain->options.pool_limit - count) return HF_OK;
  return hf_fail(HF_E_BUSY, "%llu operations wait and %u may: no room for %zu more",
                 (unsigned long long)chain->pending, chain->options.pool_limit, count);
}

static bool overflows(uint64_t a, uint64_t b) { return a > UINT64_MAX - b; }

/* Whether `amount` more may go to account `index`, and `fee` more to the operator. The operator's account
 * must have room for its balance and every fee still to be credited, after each accepted operation. */
static bool has_room(const hf_chain *chain, uint32_t index, uint64_t amount, uint64_t fee,
                     uint64_t operator_spends) {
  const uint32_t op = chain->options.operator_index;
  if (amount && overflows(chain->accounts[index].balance, amount)) return false;
  if (overflows(chain->pending_fees, fee)) return false;
  if (op >= chain->account_count) return true; /* then fee is 0 */
  uint64_t balance = chain->accounts[op].balance - operator_spends;
  if (amount && index == op) balance += amount;
  return !overflows(balance, chain->pending_fees + fee);
}

/* The checks that need the state, on top of everything accepted so far. */
static hf_status judge(hf_chain *chain, const hf_transaction *tx, uint32_t from, const hf_digest *hash,
                       hf_item *item, hf_refusal *refusal) {
  uint32_t to = 0;
  bool known = false;
  uint64_t batch;
  uint32_t slot;
  hf_status status = hf_store_find_hash(chain->store, hash, &known, &batch, &slot);
  if (status != HF_OK) return status;
  const chain_account *sender = &chain->accounts[from];
  const bool transfer = tx->type == HF_SLOT_TRANSFER;
  *refusal = HF_REFUSAL_NONE;
  if (known)
    *refusal = HF_REFUSAL_DUPLICATE;
  else if (transfer && hf_fr_eq(tx->to1, tx->from.x) && hf_fr_eq(tx->to2, tx->from.y))
    *refusal = HF_REFUSAL_SELF_TRANSFER;
  else if (tx->nonce != sender->nonce || sender->nonce == UINT32_MAX)
    *refusal = HF_REFUSAL_NONCE;
  else if (transfer && !find_account(chain, tx->to1, tx->to2, &to))
    *refusal = HF_REFUSAL_UNKNOWN_RECEIVER;
  else if (sender->balance < tx->fee || sender->balance - tx->fee < tx->amount)
    *refusal = HF_REFUSAL_FUNDS;
  else if (tx->fee && chain->options.operator_index >= chain->account_count)
    *refusal = HF_REFUSAL_NO_OPERATOR;
  else if (!has_room(chain, to, transfer ? tx->amount : 0, tx->fee,
                     from == chain->options.operator_index ? tx->amount + tx->fee : 0))
    *refusal = HF_REFUSAL_OVERFLOW;
  if (*refusal != HF_REFUSAL_NONE) return HF_OK;
  *item = (hf_item){.sequence = chain->last_sequence + 1,
                    .type = tx->type,
                    .from = from,
                    .to = to,
                    .nonce = tx->nonce,
                    .amount = tx->amount,
                    .fee = tx->fee,
                    .to1 = tx->to1,
                    .to2 = tx->to2,
                    .hash = *hash,
                    .received_ms = chain_now(chain)};
  memcpy(item->signature, tx->signature, sizeof item->signature);
  return HF_OK;
}

static hf_status accept(hf_chain *chain, const hf_item *item) {
  hf_status status = hf_store_add_item(chain->store, item);
  if (status == HF_OK) status = apply_pending(chain, item);
  return status;
}

/* What can be said without the state of others: chain id, sender, account, signature. Verifying takes far
 * longer than everything else and needs no lock: an account's key never changes. */
static hf_status screen(hf_chain *chain, const hf_transaction *transactions, size_t count,
                        hf_verdict *verdicts, uint32_t *from) {
  (void)pthread_mutex_lock(&chain->lock);
  hf_status status = chain_ready(chain);
  if (status == HF_OK) status = check_room(chain, count);
  for (size_t i = 0; status == HF_OK && i < count; i++) {
    const hf_transaction *tx = &transactions[i];
    verdicts[i].hash = hf_transaction_hash(tx);
    verdicts[i].refusal = HF_REFUSAL_NONE;
    if (!hf_slot_type_is_signed(tx->type))
      verdicts[i].refusal = HF_REFUSAL_MALFORMED;
    else if (!hf_chain_id_eq(tx->chain_id, chain->options.chain_id))
      verdicts[i].refusal = HF_REFUSAL_CHAIN_ID;
    else if (!find_account(chain, tx->from.x, tx->from.y, &from[i]))
      verdicts[i].refusal = HF_REFUSAL_UNKNOWN_SENDER;
    else if (tx->account != from[i])
      verdicts[i].refusal = HF_REFUSAL_ACCOUNT;
  }
  (void)pthread_mutex_unlock(&chain->lock);
  for (size_t i = 0; status == HF_OK && i < count; i++) {
    bool ok = false;
    if (verdicts[i].refusal != HF_REFUSAL_NONE) continue;
    hf_transaction_verify(&transactions[i], &ok);
    if (!ok) verdicts[i].refusal = HF_REFUSAL_SIGNATURE;
  }
  return status;
}

hf_status hf_chain_submit(hf_chain *chain, const hf_transaction *transactions, size_t count,
                          hf_verdict *verdicts) {
  if (count == 0) return HF_OK;
  memset(verdicts, 0, count * sizeof *verdicts);
  uint32_t *from = calloc(count, sizeof *from);
  if (!from) return hf_fail(HF_E_MEMORY, "no memory for %zu transactions", count);
  hf_status status = screen(chain, transactions, count, verdicts, from);
  if (status != HF_OK) {
    free(from);
    return status;
  }
  (void)pthread_mutex_lock(&chain->lock);
  uint64_t accepted = 0;
  bool begun = false;
  HF_TRY(chain_ready(chain));
  HF_TRY(check_room(chain, count)); /* others may have come in between */
  HF_TRY(hf_store_begin(chain->store));
  begun = true;
  for (size_t i = 0; i < count; i++) {
    hf_item item;
    if (verdicts[i].refusal != HF_REFUSAL_NONE) continue;
    HF_TRY(judge(chain, &transactions[i], from[i], &verdicts[i].hash, &item, &verdicts[i].refusal));
    if (verdicts[i].refusal != HF_REFUSAL_NONE) continue;
    HF_TRY(accept(chain, &item));
    accepted++;
  }
  HF_TRY(hf_store_commit(chain->store));
out:
  if (status != HF_OK && begun) (void)chain_undo(chain, status);
  (void)pthread_mutex_unlock(&chain->lock);
  free(from);
  if (status == HF_OK)
    hf_log(chain->options.log, HF_LOG_DEBUG, "transactions taken", HF_LOG_UINT("count", count),
           HF_LOG_UINT("accepted", accepted));
  return status;
}

/* ---- deposits ---- */

static hf_status check_known(hf_chain *chain, const hf_deposit *deposit) {
  hf_item item;
  bool found = false;
  hf_status status = hf_store_find_deposit(chain->store, deposit->index, &found, &item);
  if (status != HF_OK) return status;
  if (found && item.amount == deposit->amount && hf_fr_eq(item.to1, deposit->x) &&
      hf_fr_eq(item.to2, deposit->y))
    return HF_OK;
  return hf_fail(HF_E_MISMATCH, "deposit %llu was another one before", (unsigned long long)deposit->index);
}

static hf_status take_deposit(hf_chain *chain, const hf_deposit *deposit, hf_deposit_counts *counts) {
  if (!hf_chain_id_eq(deposit->chain_id, chain->options.chain_id))
    return hf_fail(HF_E_MISMATCH, "deposit %llu is for another chain", (unsigned long long)deposit->index);
  if (deposit->index > chain->next_deposit || deposit->index >= INT64_MAX)
    return hf_fail(HF_E_MISMATCH, "deposit %llu comes where %llu is expected",
                   (unsigned long long)deposit->index, (unsigned long long)chain->next_deposit);
  if (deposit->index < chain->next_deposit) {
    counts->known++;
    return check_known(chain, deposit);
  }
  const hf_bjj key = {deposit->x, deposit->y};
  uint32_t index = 0;
  bool ok = hf_key_is_valid(key), exists = ok && find_account(chain, key.x, key.y, &index);
  if (ok && !exists) {
    index = chain->account_count;
    ok = index < hf_rollup_accounts(chain->options.params.depth);
    /* a new operator's account takes no fee before it exists, so only the amount matters */
  } else if (ok) {
    ok = has_room(chain, index, deposit->amount, 0, 0);
  }
  hf_item item = {.sequence = chain->last_sequence + 1,
                  .type = ok ? HF_SLOT_DEPOSIT : HF_SLOT_DEPOSIT_REFUSED,
                  .to = ok ? index : 0,
                  .amount = deposit->amount,
                  .to1 = deposit->x,
                  .to2 = deposit->y,
                  .deposit_index = deposit->index,
                  .received_ms = chain_now(chain)};
  hf_status status = accept(chain, &item);
  if (status == HF_OK) (*(ok ? &counts->applied : &counts->refused))++;
  return status;
}

hf_status hf_chain_deposit(hf_chain *chain, const hf_deposit *deposits, size_t count,
                           hf_deposit_counts *counts) {
  hf_deposit_counts c = {0, 0, 0};
  hf_status status = HF_OK;
  bool begun = false;
  (void)pthread_mutex_lock(&chain->lock);
  HF_TRY(chain_ready(chain));
  HF_TRY(check_room(chain, count));
  HF_TRY(hf_store_begin(chain->store));
  begun = true;
  for (size_t i = 0; i < count; i++) HF_TRY(take_deposit(chain, &deposits[i], &c));
  HF_TRY(hf_store_commit(chain->store));
out:
  if (status != HF_OK && begun) (void)chain_undo(chain, status);
  (void)pthread_mutex_unlock(&chain->lock);
  if (status != HF_OK) c = (hf_deposit_counts){0, 0, 0};
  if (counts) *counts = c;
  return status;
}

/* ---- looking ---- */

void hf_chain_get_info(hf_chain *chain, hf_chain_info *out) {
  (void)pthread_mutex_lock(&chain->lock);
  (void)chain_ready(chain); /* on failure the numbers are those from before */
  *out = (hf_chain_info){.chain_id = chain->options.chain_id,
                         .params = chain->options.params,
                         .mode = chain->options.mode,
                         .operator_index = chain->options.operator_index,
                         .batches = chain->last_batch,
                         .unsubmitted = chain->unsubmitted,
                         .accounts = chain->account_count,
                         .deposits = chain->next_deposit,
                         .pending = chain->pending,
                         .pool_limit = chain->options.pool_limit,
                         .sealed = chain->sealed_items};
  hf_fr_to_bytes(chain->root, out->root);
  (void)pthread_mutex_unlock(&chain->lock);
}

hf_status hf_chain_get_account(hf_chain *chain, hf_bjj key, hf_account_info *out) {
  memset(out, 0, sizeof *out);
  (void)pthread_mutex_lock(&chain->lock);
  uint32_t index = 0;
  hf_status status = chain_ready(chain);
  if (status == HF_OK && !find_account(chain, key.x, key.y, &index))
    status = hf_fail(HF_E_NOT_FOUND, "no account has this key");
  if (status == HF_OK) {
    const chain_account *a = &chain->accounts[index];
    *out = (hf_account_info){.index = index,
                             .sealed = !hf_account_is_empty(&a->sealed),
                             .balance = a->sealed.balance,
                             .nonce = a->sealed.nonce,
                             .pending_balance = a->balance,
                             .pending_nonce = a->nonce};
  }
  (void)pthread_mutex_unlock(&chain->lock);
  return status;
}

hf_status hf_chain_get_transaction(hf_chain *chain, const hf_digest *hash, uint64_t *batch, uint32_t *slot) {
  bool found = false;
  (void)pthread_mutex_lock(&chain->lock);
  hf_status status = hf_store_find_hash(chain->store, hash, &found, batch, slot);
  (void)pthread_mutex_unlock(&chain->lock);
  if (status == HF_OK && !found) status = hf_fail(HF_E_NOT_FOUND, "no such transaction was accepted");
  return status;
}

hf_status hf_chain_get_batch(hf_chain *chain, uint64_t number, hf_batch_info *out) {
  (void)pthread_mutex_lock(&chain->lock);
  hf_status status = hf_store_batch(chain->store, number, out);
  (void)pthread_mutex_unlock(&chain->lock);
  return status;
}

hf_status hf_chain_get_data(hf_chain *chain, uint64_t number, bool posted, uint8_t **data, size_t *length) {
  (void)pthread_mutex_lock(&chain->lock);
  hf_status status = hf_store_batch_data(chain->store, number, data, length);
  (void)pthread_mutex_unlock(&chain->lock);
  const size_t slot = HF_DATA_WORDS * 32;
  for (size_t at = 0; status == HF_OK && posted && at + slot <= *length; at += slot)
    if (!hf_data_is_posted(chain->options.mode, (*data)[at])) memset(*data + at, 0, slot);
  return status;
}

hf_status hf_chain_get_input(hf_chain *chain, uint64_t number, uint8_t **data, size_t *length) {
  (void)pthread_mutex_lock(&chain->lock);
  hf_status status = hf_store_batch_input(chain->store, number, data, length);
  (void)pthread_mutex_unlock(&chain->lock);
  return status;
}

hf_status hf_chain_first_unsubmitted(hf_chain *chain, uint64_t *number) {
  (void)pthread_mutex_lock(&chain->lock);
  hf_status status = hf_store_first_unsubmitted(chain->store, number);
  (void)pthread_mutex_unlock(&chain->lock);
  return status;
}

hf_status hf_chain_set_submitted(hf_chain *chain, uint64_t number) {
  hf_batch_info info;
  (void)pthread_mutex_lock(&chain->lock);
  hf_status status = hf_store_batch(chain->store, number, &info);
  if (status == HF_OK && !info.submitted) {
    status = hf_store_set_submitted(chain->store, number, chain->options.keep_inputs);
    if (status == HF_OK) chain->unsubmitted--;
  }
  (void)pthread_mutex_unlock(&chain->lock);
  return status;
}
