#include "replay.h"

#include "record.h"
#include "tree.h"

#include <hyperfold/container.h>

#include <stdlib.h>
#include <string.h>

#define DATA_FILE_VERSION 1

struct hf_replay {
  hf_rollup_params params;
  hf_tree *tree;
  hf_account *accounts; /* by index */
  uint32_t count, capacity;
  uint32_t *by_key;     /* open addressing: index + 1, 0 is free; 2 x capacity entries, a power of two */
  hf_batch_record last; /* of the batch before; zero before the first */
  uint64_t batches;
  uint64_t operations[HF_SLOT_TYPES];
  uint8_t root[32];
};

typedef struct sums {
  unsigned __int128 fees, in, out, refused;
  uint64_t count[HF_SLOT_TYPES];
} sums;

hf_status hf_replay_create(const hf_rollup_params *params, hf_replay **out) {
  *out = NULL;
  hf_status status = hf_rollup_params_check(params);
  if (status != HF_OK) return status;
  hf_replay *r = calloc(1, sizeof *r);
  if (!r) return hf_fail(HF_E_MEMORY, "replay: no memory");
  hf_fr root;
  r->params = *params;
  HF_TRY(hf_tree_create(params->depth, NULL, NULL, &r->tree));
  HF_TRY(hf_tree_root(r->tree, &root));
  hf_fr_to_bytes(root, r->root);
  *out = r;
  r = NULL;
out:
  hf_replay_destroy(&r);
  return status;
}

void hf_replay_destroy(hf_replay **replay) {
  if (!*replay) return;
  hf_tree_destroy(&(*replay)->tree);
  free((*replay)->accounts);
  free((*replay)->by_key);
  free(*replay);
  *replay = NULL;
}

static hf_status wrong(const char *what) { return hf_fail(HF_E_FORMAT, "public data: %s", what); }

static hf_status store_leaf(hf_replay *r, uint32_t index) {
  return hf_tree_set(r->tree, index, hf_account_leaf(&r->accounts[index]));
}

static hf_status spend(hf_replay *r, const hf_data_slot *s, sums *t) {
  if (s->from >= r->count) return wrong("a sender without an account");
  hf_account *a = &r->accounts[s->from];
  if (a->balance < s->fee || a->balance - s->fee < s->amount) return wrong("an overdraft");
  if (a->nonce == UINT32_MAX) return wrong("a nonce beyond 32 bits");
  a->balance -= s->amount + s->fee;
  a->nonce++;
  t->fees += s->fee;
  return store_leaf(r, s->from);
}

static hf_status credit(hf_replay *r, uint32_t index, uint64_t amount) {
  if (index >= r->count) return wrong("a receiver without an account");
  hf_account *a = &r->accounts[index];
  if (a->balance > UINT64_MAX - amount) return wrong("a balance beyond 64 bits");
  a->balance += amount;
  return store_leaf(r, index);
}

/* Where the key's account stands in `by_key`, or would. */
static uint32_t *key_place(const hf_replay *r, hf_fr x, hf_fr y) {
  const size_t mask = 2 * (size_t)r->capacity - 1;
  uint8_t bytes[64];
  hf_bjj_to_bytes((hf_bjj){x, y}, bytes);
  const hf_digest digest = hf_digest_bytes(bytes, sizeof bytes); /* nobody finds many keys for one place */
  size_t at = ((size_t)digest.b[0] | (size_t)digest.b[1] << 8 | (size_t)digest.b[2] << 16 |
               (size_t)digest.b[3] << 24) &
              mask;
  for (; r->by_key[at] != 0; at = (at + 1) & mask) {
    const hf_account *a = &r->accounts[r->by_key[at] - 1];
    if (hf_fr_eq(a->x, x) && hf_fr_eq(a->y, y)) break;
  }
  return &r->by_key[at];
}

static hf_status grow(hf_replay *r) {
  const uint32_t capacity = r->capacity ? 2 * r->capacity : 256;
  hf_account *accounts = realloc(r->accounts, capacity * sizeof *accounts);
  if (accounts) r->accounts = accounts;
  uint32_t *by_key = calloc(2 * (size_t)capacity, sizeof *by_key);
  if (!accounts || !by_key) {
    free(by_key);
    return hf_fail(HF_E_MEMORY, "replay: no memory for %u accounts", capacity);
  }
  free(r->by_key);
  r->by_key = by_key;
  r->capacity = capacity;
  for (uint32_t i = 0; i < r->count; i++) *key_place(r, r->accounts[i].x, r->accounts[i].y) = i + 1;
  return HF_OK;
}

/* A key has one account: the circuit would open a second one, the sequencer never does, and whoever looks a
 * key up relies on it. */
static hf_status open_account(hf_replay *r, hf_fr x, hf_fr y) {
  hf_status status = r->count == r->capacity ? grow(r) : HF_OK;
  if (status != HF_OK) return status;
  uint32_t *place = key_place(r, x, y);
  if (*place != 0) return wrong("a second account for one key");
  r->accounts[r->count++] = (hf_account){.x = x, .y = y};
  *place = r->count;
  return HF_OK;
}

static hf_status deposit(hf_replay *r, const hf_data_slot *s) {
  hf_fr x, y;
  if (!hf_fr_from_bytes(s->to1, &x) || !hf_fr_from_bytes(s->to2, &y)) return wrong("a key out of range");
  if (s->to > r->count || s->to >= hf_rollup_accounts(r->params.depth))
    return wrong("an account out of order");
  if (s->to == r->count) {
    hf_status status = open_account(r, x, y);
    if (status != HF_OK) return status;
  }
  const hf_account *a = &r->accounts[s->to];
  if (!hf_fr_eq(a->x, x) || !hf_fr_eq(a->y, y)) return wrong("a deposit to another key's account");
  return credit(r, s->to, s->amount);
}

static hf_status apply(hf_replay *r, const hf_data_slot *s, sums *t) {
  hf_status status = HF_OK;
  t->count[s->type]++;
  if (!hf_slot_type_is_signed(s->type) && s->fee != 0) return wrong("a fee where none can be");
  switch (s->type) {
  case HF_SLOT_TRANSFER:
    if (s->from == s->to) return wrong("a transfer to its own sender");
    HF_TRY(spend(r, s, t));
    HF_TRY(credit(r, s->to, s->amount));
    break;
  case HF_SLOT_WITHDRAW:
    HF_TRY(spend(r, s, t));
    t->out += s->amount;
    break;
  case HF_SLOT_DEPOSIT:
    HF_TRY(deposit(r, s));
    t->in += s->amount;
    break;
  case HF_SLOT_DEPOSIT_REFUSED:
    t->in += s->amount;
    t->refused += s->amount;
    break;
  default:
    break;
  }
out:
  return status;
}

static hf_status expect(const hf_batch_record *record, hf_record_word word, unsigned __int128 value) {
  uint8_t want[32];
  hf_word_set_u128(want, (uint64_t)value, (uint64_t)(value >> 64));
  if (memcmp(want, record->word[word], 32) == 0) return HF_OK;
  return hf_fail(HF_E_MISMATCH, "batch record: %s is not what follows from the data",
                 hf_record_words[word].name);
}

static hf_status check_record(const hf_replay *r, const hf_batch_record *record) {
  uint64_t start = 0, count = 0;
  hf_status status = HF_OK;
  HF_TRY(hf_record_check(record, r->params.depth));
  HF_TRY(expect(record, HF_RECORD_BATCH_NUMBER, r->batches + 1));
  HF_TRY(hf_word_get_u64(r->last.word[HF_RECORD_DEPOSIT_START], &start));
  HF_TRY(hf_word_get_u64(r->last.word[HF_RECORD_DEPOSIT_COUNT], &count));
  HF_TRY(expect(record, HF_RECORD_DEPOSIT_START, (unsigned __int128)start + count));
  if (memcmp(record->word[HF_RECORD_OLD_ROOT], r->root, 32) != 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "batch record: the old root is not where the last batch ended"));
  if (r->batches && memcmp(record->word[HF_RECORD_CHAIN_ID], r->last.word[HF_RECORD_CHAIN_ID], 32) != 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "batch record: another chain id than the last"));
  uint8_t outbox[32];
  hf_outbox_empty_root(record->word[HF_RECORD_CHAIN_ID], record->word[HF_RECORD_BATCH_NUMBER], outbox);
  if (memcmp(record->word[HF_RECORD_OUTBOX_ROOT], outbox, 32) != 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "batch record: the outbox is not that of a batch that sends nothing"));
  for (int i = 0; i < 4 * HF_IMPORTS; i++) HF_TRY(expect(record, HF_RECORD_IMPORTS + i, 0));
out:
  return status;
}

static hf_status check_data(const hf_batch_record *record, const uint8_t (*words)[32], size_t count,
                            bool complete) {
  uint8_t d[32], x[32], y[32];
  uint8_t(*posted)[32] = malloc(count * 32);
  hf_status status = HF_OK;
  if (!posted) return hf_fail(HF_E_MEMORY, "replay: no memory for %zu words", count);
  memcpy(posted, words, count * 32);
  for (size_t i = 0; i < count; i += HF_DATA_WORDS) {
    if (hf_data_is_posted(record->word[HF_RECORD_MODE][0], words[i][0])) continue;
    memset(posted[i], 0, HF_DATA_WORDS * 32);
    if (!complete && memcmp(posted[i], words[i], HF_DATA_WORDS * 32) != 0)
      HF_TRY(hf_fail(HF_E_MISMATCH, "batch record: its mode does not post the words of slot %zu",
                     i / HF_DATA_WORDS));
  }
  HF_TRY(hf_data_commit((const uint8_t(*)[32])posted, count, d, x, y));
  if (memcmp(d, record->word[HF_RECORD_DATA], 32) != 0 ||
      memcmp(x, record->word[HF_RECORD_DATA_X], 32) != 0 ||
      memcmp(y, record->word[HF_RECORD_DATA_Y], 32) != 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "batch record: it does not commit to these words"));
out:
  free(posted);
  return status;
}

static hf_status check_sums(const hf_batch_record *record, const sums *t) {
  hf_status status = HF_OK;
  HF_TRY(
      expect(record, HF_RECORD_DEPOSIT_COUNT, t->count[HF_SLOT_DEPOSIT] + t->count[HF_SLOT_DEPOSIT_REFUSED]));
  HF_TRY(expect(record, HF_RECORD_TRANSFERS, t->count[HF_SLOT_TRANSFER]));
  HF_TRY(expect(record, HF_RECORD_WITHDRAWALS, t->count[HF_SLOT_WITHDRAW]));
  HF_TRY(expect(record, HF_RECORD_TOTAL_IN, t->in));
  HF_TRY(expect(record, HF_RECORD_TOTAL_OUT, t->out));
  HF_TRY(expect(record, HF_RECORD_TOTAL_REFUSED, t->refused));
out:
  return status;
}

hf_status hf_replay_batch(hf_replay *replay, const hf_batch_record *record, const uint8_t (*words)[32],
                          size_t count, bool complete) {
  hf_replay *r = replay;
  sums t;
  uint64_t payee = 0;
  hf_fr root;
  uint8_t bytes[32];
  hf_status status = HF_OK;
  memset(&t, 0, sizeof t);
  if (count != (size_t)r->params.slots * HF_DATA_WORDS)
    return hf_fail(HF_E_MISMATCH, "public data: %zu words for %u slots", count, r->params.slots);
  HF_TRY(check_record(r, record));
  HF_TRY(check_data(record, words, count, complete));
  for (size_t i = 0; i < count; i += HF_DATA_WORDS) {
    hf_data_slot slot;
    HF_TRY(hf_data_decode(&words[i], &slot));
    status = apply(r, &slot, &t);
    if (status != HF_OK) HF_TRY(hf_fail_context(status, "slot %zu", i / HF_DATA_WORDS));
  }
  if (t.fees > UINT64_MAX) HF_TRY(wrong("fees beyond 64 bits"));
  HF_TRY(hf_word_get_u64(record->word[HF_RECORD_OPERATOR], &payee));
  if (t.fees) HF_TRY(credit(r, (uint32_t)payee, (uint64_t)t.fees));
  HF_TRY(check_sums(record, &t));
  HF_TRY(hf_tree_root(r->tree, &root));
  hf_fr_to_bytes(root, bytes);
  if (memcmp(bytes, record->word[HF_RECORD_NEW_ROOT], 32) != 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "batch record: the data leads to another root"));
  memcpy(r->root, bytes, 32);
  r->last = *record;
  r->batches++;
  for (int i = 0; i < HF_SLOT_TYPES; i++) r->operations[i] += t.count[i];
out:
  if (status != HF_OK) return hf_fail_context(status, "batch %llu", (unsigned long long)r->batches + 1);
  return HF_OK;
}

void hf_replay_root(const hf_replay *replay, uint8_t root[32]) { memcpy(root, replay->root, 32); }
uint32_t hf_replay_accounts(const hf_replay *replay) { return replay->count; }

/* ---- files ---- */

hf_status hf_chain_export_data(hf_chain *chain, bool complete, const char *path) {
  hf_chain_info info;
  hf_writer w = {0};
  hf_status status = HF_OK;
  hf_chain_get_info(chain, &info);
  if (info.batches > UINT32_MAX) return hf_fail(HF_E_RANGE, "more batches than a file holds");
  hf_write_u32(&w, info.params.depth);
  hf_write_u32(&w, info.params.slots);
  hf_write_u32(&w, complete);
  hf_write_u32(&w, (uint32_t)info.batches);
  for (uint64_t n = 1; n <= info.batches; n++) {
    hf_batch_info batch;
    uint8_t *data = NULL;
    size_t length = 0;
    HF_TRY(hf_chain_get_batch(chain, n, &batch));
    HF_TRY(hf_chain_get_data(chain, n, !complete, &data, &length));
    hf_write_bytes(&w, batch.record.word[1], (HF_RECORD_WORDS - 1) * 32);
    hf_write_bytes(&w, data, length);
    free(data);
  }
  HF_TRY(hf_writer_status(&w));
  hf_bytes part = {w.data, w.length};
  HF_TRY(hf_container_write(path, HF_DATA_FILE_KIND, DATA_FILE_VERSION, &part, 1));
out:
  hf_writer_free(&w);
  return status;
}

static hf_status replay_payload(hf_reader *in, hf_replay_summary *out) {
  uint32_t complete = 0, batches = 0;
  hf_replay *r = NULL;
  hf_status status = HF_OK;
  HF_TRY(hf_read_u32(in, "depth", &out->params.depth));
  HF_TRY(hf_read_u32(in, "slots", &out->params.slots));
  HF_TRY(hf_read_u32(in, "complete", &complete));
  HF_TRY(hf_read_u32(in, "batch count", &batches));
  if (complete > 1) HF_TRY(hf_fail(HF_E_FORMAT, "complete is %u", complete));
  out->complete = complete == 1;
  HF_TRY(hf_replay_create(&out->params, &r));
  const size_t words = (size_t)out->params.slots * HF_DATA_WORDS;
  for (uint32_t i = 0; i < batches; i++) {
    hf_batch_record record = {{{0}}};
    const uint8_t *data = NULL;
    HF_TRY(hf_read_bytes(in, "record", record.word[1], (HF_RECORD_WORDS - 1) * 32));
    HF_TRY(hf_read_view(in, "data words", words * 32, &data));
    HF_TRY(hf_replay_batch(r, &record, (const uint8_t(*)[32])data, words, out->complete));
  }
  HF_TRY(hf_read_end(in, "public data"));
  out->batches = r->batches;
  memcpy(out->operations, r->operations, sizeof out->operations);
  out->accounts = r->count;
  memcpy(out->root, r->root, 32);
out:
  hf_replay_destroy(&r);
  return status;
}

static hf_status replay_named(const char *what, const void *payload, size_t length, hf_replay_summary *out) {
  hf_reader in = hf_reader_over(payload, length);
  hf_status status = replay_payload(&in, out);
  if (status == HF_OK) return HF_OK;
  memset(out, 0, sizeof *out);
  return hf_fail_context(status, "%s", what);
}

hf_status hf_replay_file(const char *path, hf_replay_summary *out) {
  hf_container *file = NULL;
  memset(out, 0, sizeof *out);
  hf_status status = hf_container_map(path, HF_DATA_FILE_KIND, DATA_FILE_VERSION, &file);
  if (status != HF_OK) return status;
  hf_bytes payload = hf_container_payload(file);
  status = replay_named(path, payload.data, payload.length, out);
  hf_container_unmap(&file);
  return status;
}

hf_status hf_replay_memory(const char *what, const void *container, size_t length, hf_replay_summary *out) {
  const uint8_t *payload = NULL;
  size_t payload_length = 0;
  uint32_t version = 0;
  memset(out, 0, sizeof *out);
  hf_status status = hf_container_decode(what, container, length, HF_DATA_FILE_KIND, DATA_FILE_VERSION,
                                         &payload, &payload_length, &version);
  return status == HF_OK ? replay_named(what, payload, payload_length, out) : status;
}
