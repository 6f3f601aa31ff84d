#include "store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORE_FORMAT 2 /* 1: the index of the sender's account was not signed */
#define ITEM_BODY    (1 + 4 + 4 + 4 + 8 + 8 + 32 + 32 + 64)

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS chain(id INTEGER PRIMARY KEY CHECK(id=1), format INTEGER NOT NULL,"
    " chain_low INTEGER NOT NULL, chain_high INTEGER NOT NULL, depth INTEGER NOT NULL, slots INTEGER NOT "
    "NULL,"
    " mode INTEGER NOT NULL, operator INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS accounts(id INTEGER PRIMARY KEY, key BLOB NOT NULL, balance INTEGER NOT NULL,"
    " nonce INTEGER NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS families(id INTEGER PRIMARY KEY, children BLOB NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS items(sequence INTEGER PRIMARY KEY, hash BLOB UNIQUE, deposit INTEGER UNIQUE,"
    " body BLOB NOT NULL, received_ms INTEGER NOT NULL, batch INTEGER, slot INTEGER) STRICT;"
    "CREATE INDEX IF NOT EXISTS items_waiting ON items(sequence) WHERE batch IS NULL;"
    "CREATE TABLE IF NOT EXISTS batches(number INTEGER PRIMARY KEY, record BLOB NOT NULL, statement BLOB NOT "
    "NULL,"
    " data BLOB NOT NULL, input BLOB, input_digest BLOB NOT NULL, input_length INTEGER NOT NULL,"
    " sealed_ms INTEGER NOT NULL, submitted INTEGER NOT NULL) STRICT;"
    "CREATE INDEX IF NOT EXISTS batches_unsubmitted ON batches(number) WHERE submitted=0;";

enum {
  Q_BEGIN,
  Q_COMMIT,
  Q_ROLLBACK,
  Q_ACCOUNTS,
  Q_PUT_ACCOUNT,
  Q_GET_FAMILY,
  Q_PUT_FAMILY,
  Q_ADD_ITEM,
  Q_PENDING,
  Q_SEAL_ITEM,
  Q_FIND_HASH,
  Q_FIND_DEPOSIT,
  Q_ADD_BATCH,
  Q_BATCH,
  Q_BATCH_DATA,
  Q_BATCH_INPUT,
  Q_FIRST_UNSUBMITTED,
  Q_SET_SUBMITTED,
  Q_COUNT
};

static const char *const queries[Q_COUNT] = {
    [Q_BEGIN] = "BEGIN IMMEDIATE",
    [Q_COMMIT] = "COMMIT",
    [Q_ROLLBACK] = "ROLLBACK",
    [Q_ACCOUNTS] = "SELECT id,key,balance,nonce FROM accounts ORDER BY id",
    [Q_PUT_ACCOUNT] = "INSERT INTO accounts(id,key,balance,nonce) VALUES(?1,?2,?3,?4)"
                      " ON CONFLICT(id) DO UPDATE SET key=?2,balance=?3,nonce=?4",
    [Q_GET_FAMILY] = "SELECT children FROM families WHERE id=?1",
    [Q_PUT_FAMILY] =
        "INSERT INTO families(id,children) VALUES(?1,?2) ON CONFLICT(id) DO UPDATE SET children=?2",
    [Q_ADD_ITEM] = "INSERT INTO items(sequence,hash,deposit,body,received_ms) VALUES(?1,?2,?3,?4,?5)",
    [Q_PENDING] = "SELECT sequence,hash,deposit,body,received_ms FROM items"
                  " WHERE batch IS NULL AND sequence>?1 ORDER BY sequence LIMIT ?2",
    [Q_SEAL_ITEM] = "UPDATE items SET batch=?2,slot=?3 WHERE sequence=?1 AND batch IS NULL",
    [Q_FIND_HASH] = "SELECT batch,slot FROM items WHERE hash=?1",
    [Q_FIND_DEPOSIT] = "SELECT sequence,hash,deposit,body,received_ms FROM items WHERE deposit=?1",
    [Q_ADD_BATCH] =
        "INSERT INTO "
        "batches(number,record,statement,data,input,input_digest,input_length,sealed_ms,submitted)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,0)",
    [Q_BATCH] =
        "SELECT record,statement,input_digest,input_length,sealed_ms,submitted FROM batches WHERE number=?1",
    [Q_BATCH_DATA] = "SELECT data FROM batches WHERE number=?1",
    [Q_BATCH_INPUT] = "SELECT input FROM batches WHERE number=?1 AND input IS NOT NULL",
    [Q_FIRST_UNSUBMITTED] = "SELECT coalesce(min(number),0) FROM batches WHERE submitted=0",
    [Q_SET_SUBMITTED] = "UPDATE batches SET submitted=1, input=CASE WHEN ?2 THEN input END WHERE number=?1",
};

struct hf_store {
  sqlite3 *db;
  sqlite3_stmt *statement[Q_COUNT];
  bool began;
};

static hf_status failed(hf_store *s, int rc, const char *what) {
  const char *message = s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(rc);
  switch (rc & 0xff) {
  case SQLITE_FULL:
    return hf_fail(HF_E_FULL, "chain file: %s: %s", what, message);
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return hf_fail(HF_E_BUSY, "chain file: %s: %s; does another sequencer use it?", what, message);
  case SQLITE_NOMEM:
    return hf_fail(HF_E_MEMORY, "chain file: %s: %s", what, message);
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return hf_fail(HF_E_FORMAT, "chain file: %s: %s", what, message);
  default:
    return hf_fail(HF_E_IO, "chain file: %s: %s", what, message);
  }
}

static sqlite3_stmt *use(hf_store *s, int query) {
  sqlite3_stmt *q = s->statement[query];
  (void)sqlite3_reset(q);
  (void)sqlite3_clear_bindings(q);
  return q;
}

/* For statements that give no rows. */
static hf_status run(hf_store *s, int query) {
  sqlite3_stmt *q = s->statement[query];
  int rc = sqlite3_step(q);
  hf_status status = rc == SQLITE_DONE ? HF_OK : failed(s, rc, queries[query]);
  (void)sqlite3_reset(q);
  return status;
}

/* Steps to the next row. */
static hf_status next(hf_store *s, int query, bool *row) {
  int rc = sqlite3_step(s->statement[query]);
  *row = rc == SQLITE_ROW;
  if (rc == SQLITE_ROW || rc == SQLITE_DONE) return HF_OK;
  hf_status status = failed(s, rc, queries[query]);
  (void)sqlite3_reset(s->statement[query]);
  return status;
}

static void bind_u64(sqlite3_stmt *q, int at, uint64_t v) {
  (void)sqlite3_bind_int64(q, at, (sqlite3_int64)v);
}
static void bind_bytes(sqlite3_stmt *q, int at, const void *data, size_t length) {
  (void)sqlite3_bind_blob64(q, at, data, length, SQLITE_STATIC);
}
static uint64_t column_u64(sqlite3_stmt *q, int at) { return (uint64_t)sqlite3_column_int64(q, at); }

static hf_status column_bytes(sqlite3_stmt *q, int at, void *out, size_t length) {
  const void *data = sqlite3_column_blob(q, at);
  if (!data || (size_t)sqlite3_column_bytes(q, at) != length)
    return hf_fail(HF_E_FORMAT, "chain file: a value of another length than %zu bytes", length);
  memcpy(out, data, length);
  return HF_OK;
}

static hf_status exec(hf_store *s, const char *sql) {
  int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
  return rc == SQLITE_OK ? HF_OK : failed(s, rc, "set-up");
}

static hf_status check_identity(hf_store *s, const hf_store_identity *want) {
  sqlite3_stmt *q = NULL;
  hf_status status = HF_OK;
  int rc = sqlite3_prepare_v2(
      s->db, "SELECT format,chain_low,chain_high,depth,slots,mode,operator FROM chain", -1, &q, NULL);
  if (rc != SQLITE_OK) return failed(s, rc, "identity");
  rc = sqlite3_step(q);
  if (rc == SQLITE_ROW) {
    if (column_u64(q, 0) != STORE_FORMAT)
      status = hf_fail(HF_E_VERSION, "chain file: format %llu; this program knows %d",
                       (unsigned long long)column_u64(q, 0), STORE_FORMAT);
    else if (column_u64(q, 1) != want->chain_id.low || column_u64(q, 2) != want->chain_id.high ||
             column_u64(q, 3) != want->params.depth || column_u64(q, 4) != want->params.slots ||
             column_u64(q, 5) != want->mode || column_u64(q, 6) != want->operator_index)
      status = hf_fail(HF_E_MISMATCH,
                       "chain file: it was made with depth %llu, %llu slots, mode %s, operator %llu%s; say the same",
                       (unsigned long long)column_u64(q, 3), (unsigned long long)column_u64(q, 4),
                       column_u64(q, 5) == HF_MODE_ROLLUP ? "rollup" : "validium", (unsigned long long)column_u64(q, 6),
                       column_u64(q, 1) != want->chain_id.low || column_u64(q, 2) != want->chain_id.high
                           ? ", for another chain" : "");
    (void)sqlite3_finalize(q);
    return status;
  }
  (void)sqlite3_finalize(q);
  if (rc != SQLITE_DONE) return failed(s, rc, "identity");
  rc = sqlite3_prepare_v2(s->db, "INSERT INTO chain VALUES(1,?1,?2,?3,?4,?5,?6,?7)", -1, &q, NULL);
  if (rc != SQLITE_OK) return failed(s, rc, "identity");
  bind_u64(q, 1, STORE_FORMAT);
  bind_u64(q, 2, want->chain_id.low);
  bind_u64(q, 3, want->chain_id.high);
  bind_u64(q, 4, want->params.depth);
  bind_u64(q, 5, want->params.slots);
  bind_u64(q, 6, want->mode);
  bind_u64(q, 7, want->operator_index);
  rc = sqlite3_step(q);
  if (rc != SQLITE_DONE) status = failed(s, rc, "identity");
  (void)sqlite3_finalize(q);
  return status;
}

hf_status hf_store_open(const char *path, const hf_store_identity *identity, hf_store **out) {
  *out = NULL;
  hf_status status = HF_OK;
  hf_store *s = calloc(1, sizeof *s);
  if (!s) return hf_fail(HF_E_MEMORY, "chain file: no memory");
  /* SQLite makes files with 0644; balances are nobody else's business. A file that exists is not opened here:
   * closing any descriptor of it would drop the locks that this process may hold on it. */
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd >= 0) (void)close(fd);
  int rc =
      sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
  if (rc != SQLITE_OK) HF_TRY(failed(s, rc, path));
  (void)sqlite3_extended_result_codes(s->db, 1);
  (void)sqlite3_busy_timeout(s->db, 2000);
  /* Exclusive locking keeps a second process out for as long as this one lives; the system gives the lock
   * back when it dies. */
  HF_TRY(exec(s, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                 "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA wal_autocheckpoint=4000;"));
  HF_TRY(exec(s, "BEGIN IMMEDIATE"));
  HF_TRY(exec(s, schema));
  HF_TRY(check_identity(s, identity));
  HF_TRY(exec(s, "COMMIT"));
  for (int i = 0; i < Q_COUNT; i++) {
    rc = sqlite3_prepare_v3(s->db, queries[i], -1, SQLITE_PREPARE_PERSISTENT, &s->statement[i], NULL);
    if (rc != SQLITE_OK) HF_TRY(failed(s, rc, queries[i]));
  }
  *out = s;
  s = NULL;
out:
  if (s) {
    (void)hf_fail_context(status, "%s", path);
    hf_store_close(&s);
  }
  return status;
}

void hf_store_close(hf_store **store) {
  hf_store *s = *store;
  if (!s) return;
  for (int i = 0; i < Q_COUNT; i++) (void)sqlite3_finalize(s->statement[i]);
  (void)sqlite3_close(s->db);
  free(s);
  *store = NULL;
}

hf_status hf_store_begin(hf_store *store) {
  (void)use(store, Q_BEGIN);
  hf_status status = run(store, Q_BEGIN);
  store->began = status == HF_OK;
  return status;
}

hf_status hf_store_commit(hf_store *store) {
  (void)use(store, Q_COMMIT);
  hf_status status = run(store, Q_COMMIT);
  if (status == HF_OK) store->began = false;
  return status;
}

void hf_store_rollback(hf_store *store) {
  if (!store->began) return;
  (void)use(store, Q_ROLLBACK);
  (void)sqlite3_step(store->statement[Q_ROLLBACK]); /* fails if SQLite has rolled back by itself */
  (void)sqlite3_reset(store->statement[Q_ROLLBACK]);
  store->began = false;
}

/* ---- accounts and tree ---- */

hf_status hf_store_accounts(hf_store *store,
                            hf_status (*each)(void *context, uint32_t index, const hf_account *account),
                            void *context) {
  sqlite3_stmt *q = use(store, Q_ACCOUNTS);
  hf_status status = HF_OK;
  for (bool row = true;;) {
    uint8_t key[64];
    hf_account a;
    HF_TRY(next(store, Q_ACCOUNTS, &row));
    if (!row) break;
    HF_TRY(column_bytes(q, 1, key, sizeof key));
    if (!hf_fr_from_bytes(key, &a.x) || !hf_fr_from_bytes(key + 32, &a.y))
      HF_TRY(hf_fail(HF_E_FORMAT, "chain file: the key of account %d", sqlite3_column_int(q, 0)));
    a.balance = column_u64(q, 2);
    a.nonce = (uint32_t)column_u64(q, 3);
    HF_TRY(each(context, (uint32_t)column_u64(q, 0), &a));
  }
out:
  (void)sqlite3_reset(q);
  return status;
}

hf_status hf_store_put_account(hf_store *store, uint32_t index, const hf_account *account) {
  sqlite3_stmt *q = use(store, Q_PUT_ACCOUNT);
  uint8_t key[64];
  hf_fr_to_bytes(account->x, key);
  hf_fr_to_bytes(account->y, key + 32);
  bind_u64(q, 1, index);
  bind_bytes(q, 2, key, sizeof key);
  bind_u64(q, 3, account->balance);
  bind_u64(q, 4, account->nonce);
  return run(store, Q_PUT_ACCOUNT);
}

hf_status hf_store_get_family(void *context, uint32_t family, uint8_t children[HF_TREE_FAMILY_BYTES],
                              bool *found) {
  hf_store *store = context;
  sqlite3_stmt *q = use(store, Q_GET_FAMILY);
  bind_u64(q, 1, family);
  hf_status status = next(store, Q_GET_FAMILY, found);
  if (status == HF_OK && *found) status = column_bytes(q, 0, children, HF_TREE_FAMILY_BYTES);
  (void)sqlite3_reset(q);
  return status;
}

hf_status hf_store_put_family(void *context, uint32_t family, const uint8_t children[HF_TREE_FAMILY_BYTES]) {
  hf_store *store = context;
  sqlite3_stmt *q = use(store, Q_PUT_FAMILY);
  bind_u64(q, 1, family);
  bind_bytes(q, 2, children, HF_TREE_FAMILY_BYTES);
  return run(store, Q_PUT_FAMILY);
}

/* ---- items ---- */

static void put(uint8_t **at, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) *(*at)++ = (uint8_t)(value >> (8 * i));
}

static void encode_item(const hf_item *item, uint8_t body[ITEM_BODY]) {
  uint8_t *at = body;
  put(&at, item->type, 1);
  put(&at, item->from, 4);
  put(&at, item->to, 4);
  put(&at, item->nonce, 4);
  put(&at, item->amount, 8);
  put(&at, item->fee, 8);
  hf_fr_to_bytes(item->to1, at);
  hf_fr_to_bytes(item->to2, at + 32);
  memcpy(at + 64, item->signature, sizeof item->signature);
}

static hf_status decode_item(sqlite3_stmt *q, hf_item *item) {
  uint8_t body[ITEM_BODY], word[32];
  memset(item, 0, sizeof *item);
  hf_reader r = hf_reader_over(body, sizeof body);
  hf_status status = HF_OK;
  item->sequence = column_u64(q, 0);
  HF_TRY(column_bytes(q, 3, body, sizeof body));
  HF_TRY(hf_read_u8(&r, "type", &item->type));
  HF_TRY(hf_read_u32(&r, "from", &item->from));
  HF_TRY(hf_read_u32(&r, "to", &item->to));
  HF_TRY(hf_read_u32(&r, "nonce", &item->nonce));
  HF_TRY(hf_read_u64(&r, "amount", &item->amount));
  HF_TRY(hf_read_u64(&r, "fee", &item->fee));
  HF_TRY(hf_read_bytes(&r, "to1", word, 32));
  if (!hf_fr_from_bytes(word, &item->to1)) HF_TRY(hf_fail(HF_E_FORMAT, "chain file: receiver"));
  HF_TRY(hf_read_bytes(&r, "to2", word, 32));
  if (!hf_fr_from_bytes(word, &item->to2)) HF_TRY(hf_fail(HF_E_FORMAT, "chain file: receiver"));
  HF_TRY(hf_read_bytes(&r, "signature", item->signature, sizeof item->signature));
  if (item->type == HF_SLOT_NOOP || item->type >= HF_SLOT_TYPES)
    HF_TRY(hf_fail(HF_E_FORMAT, "chain file: operation %u", item->type));
  if (hf_item_is_deposit(item))
    item->deposit_index = column_u64(q, 2);
  else
    HF_TRY(column_bytes(q, 1, item->hash.b, sizeof item->hash.b));
  item->received_ms = column_u64(q, 4);
out:
  return status;
}

hf_status hf_store_add_item(hf_store *store, const hf_item *item) {
  sqlite3_stmt *q = use(store, Q_ADD_ITEM);
  uint8_t body[ITEM_BODY];
  encode_item(item, body);
  bind_u64(q, 1, item->sequence);
  if (hf_item_is_deposit(item))
    bind_u64(q, 3, item->deposit_index);
  else
    bind_bytes(q, 2, item->hash.b, sizeof item->hash.b);
  bind_bytes(q, 4, body, sizeof body);
  bind_u64(q, 5, item->received_ms);
  return run(store, Q_ADD_ITEM);
}

hf_status hf_store_pending(hf_store *store, uint64_t after, hf_item *items, size_t capacity, size_t *count) {
  sqlite3_stmt *q = use(store, Q_PENDING);
  hf_status status = HF_OK;
  *count = 0;
  bind_u64(q, 1, after);
  bind_u64(q, 2, capacity);
  for (bool row = true; *count < capacity;) {
    HF_TRY(next(store, Q_PENDING, &row));
    if (!row) break;
    HF_TRY(decode_item(q, &items[*count]));
    ++*count;
  }
out:
  (void)sqlite3_reset(q);
  return status;
}

hf_status hf_store_seal_item(hf_store *store, uint64_t sequence, uint64_t batch, uint32_t slot) {
  sqlite3_stmt *q = use(store, Q_SEAL_ITEM);
  bind_u64(q, 1, sequence);
  bind_u64(q, 2, batch);
  bind_u64(q, 3, slot);
  hf_status status = run(store, Q_SEAL_ITEM);
  if (status == HF_OK && sqlite3_changes(store->db) != 1)
    status = hf_fail(HF_E_INTERNAL, "chain file: operation %llu is in a batch already",
                     (unsigned long long)sequence);
  return status;
}

hf_status hf_store_find_hash(hf_store *store, const hf_digest *hash, bool *found, uint64_t *batch,
                             uint32_t *slot) {
  sqlite3_stmt *q = use(store, Q_FIND_HASH);
  bind_bytes(q, 1, hash->b, sizeof hash->b);
  hf_status status = next(store, Q_FIND_HASH, found);
  *batch = status == HF_OK && *found ? column_u64(q, 0) : 0; /* NULL reads as 0 */
  *slot = status == HF_OK && *found ? (uint32_t)column_u64(q, 1) : 0;
  (void)sqlite3_reset(q);
  return status;
}

hf_status hf_store_find_deposit(hf_store *store, uint64_t index, bool *found, hf_item *item) {
  sqlite3_stmt *q = use(store, Q_FIND_DEPOSIT);
  bind_u64(q, 1, index);
  hf_status status = next(store, Q_FIND_DEPOSIT, found);
  if (status == HF_OK && *found) status = decode_item(q, item);
  (void)sqlite3_reset(q);
  return status;
}

/* ---- batches ---- */

hf_status hf_store_count(hf_store *store, hf_store_counters *out) {
  memset(out, 0, sizeof *out);
  static const char sql[] =
      "SELECT (SELECT coalesce(max(sequence),0) FROM items), (SELECT coalesce(max(deposit)+1,0) FROM items),"
      " (SELECT count(*) FROM items WHERE deposit IS NOT NULL AND batch IS NOT NULL),"
      " (SELECT coalesce(max(number),0) FROM batches), (SELECT count(*) FROM batches WHERE submitted=0),"
      " (SELECT count(*) FROM items WHERE batch IS NOT NULL)";
  sqlite3_stmt *q = NULL;
  int rc = sqlite3_prepare_v2(store->db, sql, -1, &q, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(q);
  hf_status status = rc == SQLITE_ROW ? HF_OK : failed(store, rc, "counters");
  if (status == HF_OK) {
    out->last_sequence = column_u64(q, 0);
    out->next_deposit = column_u64(q, 1);
    out->sealed_deposits = column_u64(q, 2);
    out->last_batch = column_u64(q, 3);
    out->unsubmitted = column_u64(q, 4);
    out->sealed_items = column_u64(q, 5);
  }
  (void)sqlite3_finalize(q);
  if (status == HF_OK && out->last_batch) {
    hf_batch_info info;
    status = hf_store_batch(store, out->last_batch, &info);
    memcpy(out->last_root, info.record.word[HF_RECORD_NEW_ROOT], 32);
    out->has_root = status == HF_OK;
  }
  return status;
}

hf_status hf_store_add_batch(hf_store *store, const hf_batch_info *info, hf_bytes data, hf_bytes input) {
  sqlite3_stmt *q = use(store, Q_ADD_BATCH);
  bind_u64(q, 1, info->number);
  bind_bytes(q, 2, info->record.word, sizeof info->record.word);
  bind_bytes(q, 3, info->statement, sizeof info->statement);
  bind_bytes(q, 4, data.data, data.length);
  bind_bytes(q, 5, input.data, input.length);
  bind_bytes(q, 6, info->input_digest.b, sizeof info->input_digest.b);
  bind_u64(q, 7, info->input_length);
  bind_u64(q, 8, info->sealed_ms);
  return run(store, Q_ADD_BATCH);
}

static hf_status no_batch(uint64_t number) {
  return hf_fail(HF_E_NOT_FOUND, "batch %llu is not there", (unsigned long long)number);
}

hf_status hf_store_batch(hf_store *store, uint64_t number, hf_batch_info *out) {
  sqlite3_stmt *q = use(store, Q_BATCH);
  memset(out, 0, sizeof *out);
  bool row = false;
  hf_status status = HF_OK;
  bind_u64(q, 1, number);
  HF_TRY(next(store, Q_BATCH, &row));
  if (!row) HF_TRY(no_batch(number));
  out->number = number;
  HF_TRY(column_bytes(q, 0, out->record.word, sizeof out->record.word));
  HF_TRY(column_bytes(q, 1, out->statement, sizeof out->statement));
  HF_TRY(column_bytes(q, 2, out->input_digest.b, sizeof out->input_digest.b));
  out->input_length = column_u64(q, 3);
  out->sealed_ms = column_u64(q, 4);
  out->submitted = column_u64(q, 5) != 0;
out:
  (void)sqlite3_reset(q);
  return status;
}

static hf_status fetch_blob(hf_store *store, int query, uint64_t number, uint8_t **data, size_t *length) {
  sqlite3_stmt *q = use(store, query);
  bool row = false;
  hf_status status = HF_OK;
  *data = NULL;
  *length = 0;
  bind_u64(q, 1, number);
  HF_TRY(next(store, query, &row));
  if (!row) HF_TRY(no_batch(number));
  const void *blob = sqlite3_column_blob(q, 0);
  size_t bytes = (size_t)sqlite3_column_bytes(q, 0);
  *data = malloc(bytes ? bytes : 1);
  if (!*data)
    HF_TRY(hf_fail(HF_E_MEMORY, "batch %llu: no memory for %zu bytes", (unsigned long long)number, bytes));
  if (bytes) memcpy(*data, blob, bytes);
  *length = bytes;
out:
  (void)sqlite3_reset(q);
  return status;
}

hf_status hf_store_batch_data(hf_store *store, uint64_t number, uint8_t **data, size_t *length) {
  return fetch_blob(store, Q_BATCH_DATA, number, data, length);
}

hf_status hf_store_batch_input(hf_store *store, uint64_t number, uint8_t **data, size_t *length) {
  return fetch_blob(store, Q_BATCH_INPUT, number, data, length);
}

hf_status hf_store_first_unsubmitted(hf_store *store, uint64_t *number) {
  sqlite3_stmt *q = use(store, Q_FIRST_UNSUBMITTED);
  bool row = false;
  hf_status status = next(store, Q_FIRST_UNSUBMITTED, &row);
  *number = status == HF_OK && row ? column_u64(q, 0) : 0;
  (void)sqlite3_reset(q);
  return status;
}

hf_status hf_store_set_submitted(hf_store *store, uint64_t number, bool keep_input) {
  sqlite3_stmt *q = use(store, Q_SET_SUBMITTED);
  bind_u64(q, 1, number);
  bind_u64(q, 2, keep_input);
  hf_status status = run(store, Q_SET_SUBMITTED);
  if (status == HF_OK && sqlite3_changes(store->db) != 1) status = no_batch(number);
  return status;
}
