#include "eth_journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define VERSION    1
#define FILE_LIMIT ((size_t)1 << 20) /* data of 128 KiB is 256 KiB of hex */
#define NAME       "tx-%020llu.json" /* the nonce */
#define NAME_LEN   28

static const char *const state_names[] = {"open", "confirmed", "lost"};

/* ---- to JSON ---- */

static json_t *u64_json(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  return json_string(text);
}

static json_t *hash_json(const hf_eth_hash *hash) {
  char text[HF_ETH_HASH_TEXT];
  hf_eth_hash_text(hash, text);
  return json_string(text);
}

static json_t *address_json(const hf_eth_address *address) {
  char text[HF_ETH_ADDRESS_TEXT];
  hf_eth_address_text(address, text);
  return json_string(text);
}

static json_t *attempts_json(const hf_entry *e) {
  json_t *list = json_array();
  for (size_t i = 0; i < e->attempts; i++) {
    const hf_attempt *a = &e->attempt[i];
    json_array_append_new(list, json_pack("{s:o, s:o, s:o, s:b, s:o}", "tip", u64_json(a->tip_wei), "fee",
                                          u64_json(a->fee_wei), "signed_ms", u64_json(a->signed_ms),
                                          "cancels", (int)a->cancels, "hash", hash_json(&a->hash)));
  }
  return list;
}

static json_t *receipt_json(const hf_eth_receipt *r) {
  return json_pack("{s:o, s:o, s:o, s:b, s:o, s:o, s:o}", "transaction", hash_json(&r->transaction),
                   "block_hash", hash_json(&r->block_hash), "block", u64_json(r->block), "success",
                   (int)r->success, "gas_used", u64_json(r->gas_used), "gas_price", u64_json(r->gas_price),
                   "contract", address_json(&r->contract));
}

static json_t *entry_json(const hf_entry *e) {
  char id[HF_DIGEST_HEX], value[HF_U256_TEXT], *data = malloc(2 * e->data_length + 1);
  if (data == NULL) return NULL;
  hf_digest_hex(&e->id, id);
  hf_u256_text(&e->value, value);
  hf_hex(e->data, e->data_length, data);
  json_t *out =
      json_pack("{s:i, s:s, s:s, s:o, s:b, s:o, s:s, s:o, s:s, s:o, s:s, s:s, s:o}", "version", VERSION, "id",
                id, "what", e->what, "nonce", u64_json(e->nonce), "creates", (int)e->creates, "to",
                address_json(&e->to), "value", value, "gas", u64_json(e->gas), "data", data, "attempts",
                attempts_json(e), "state", state_names[e->state], "reason", e->problem, "receipt",
                e->state == HF_ENTRY_CONFIRMED ? receipt_json(&e->receipt) : json_null());
  free(data);
  return out;
}

static char *entry_path(const hf_journal *journal, uint64_t nonce) {
  char *path = NULL;
  return asprintf(&path, "%s/" NAME, journal->folder, (unsigned long long)nonce) < 0 ? NULL : path;
}

hf_status hf_journal_write(const hf_journal *journal, const hf_entry *entry) {
  json_t *document = entry_json(entry);
  char *text = document != NULL ? json_dumps(document, JSON_INDENT(1)) : NULL,
       *path = entry_path(journal, entry->nonce);
  hf_status status = HF_OK;
  if (text == NULL || path == NULL) {
    status = hf_fail(HF_E_MEMORY, "no memory for the journal");
  } else {
    hf_bytes part = {text, strlen(text)};
    status = hf_file_write(path, 0600, &part, 1);
  }
  json_decref(document);
  free(text);
  free(path);
  return status;
}

/* ---- from JSON ---- */

static bool take_u64(const json_t *from, const char *name, uint64_t *out) {
  const char *text = json_string_value(json_object_get(from, name));
  hf_u256 wide;
  return text != NULL && hf_u256_parse(text, &wide) == HF_OK && hf_u256_to_u64(&wide, out) == HF_OK;
}

static bool take_hash(const json_t *from, const char *name, hf_eth_hash *out) {
  const char *text = json_string_value(json_object_get(from, name));
  return text != NULL && hf_eth_hash_parse(text, out) == HF_OK;
}

static bool take_address(const json_t *from, const char *name, hf_eth_address *out) {
  const char *text = json_string_value(json_object_get(from, name));
  return text != NULL && hf_eth_address_parse(text, out) == HF_OK;
}

static bool take_bool(const json_t *from, const char *name, bool *out) {
  const json_t *value = json_object_get(from, name);
  *out = json_is_true(value);
  return json_is_boolean(value);
}

static bool take_attempts(const json_t *list, hf_entry *e) {
  e->attempts = json_array_size(list);
  if (e->attempts < 1 || e->attempts > HF_JOURNAL_ATTEMPTS) return false;
  for (size_t i = 0; i < e->attempts; i++) {
    const json_t *from = json_array_get(list, i);
    hf_attempt *a = &e->attempt[i];
    if (!take_u64(from, "tip", &a->tip_wei) || !take_u64(from, "fee", &a->fee_wei) ||
        !take_u64(from, "signed_ms", &a->signed_ms) || !take_bool(from, "cancels", &a->cancels) ||
        !take_hash(from, "hash", &a->hash))
      return false;
  }
  return true;
}

static bool take_state(const json_t *from, hf_entry *e) {
  const char *name = json_string_value(json_object_get(from, "state"));
  const json_t *r = json_object_get(from, "receipt");
  int state = 0;
  while (state < 3 && (name == NULL || strcmp(name, state_names[state]) != 0)) state++;
  if (state == 3) return false;
  e->state = (hf_entry_state)state;
  if (e->state != HF_ENTRY_CONFIRMED) return true;
  e->mined = e->seen_mined = true;
  return take_hash(r, "transaction", &e->receipt.transaction) &&
         take_hash(r, "block_hash", &e->receipt.block_hash) && take_u64(r, "block", &e->receipt.block) &&
         take_bool(r, "success", &e->receipt.success) && take_u64(r, "gas_used", &e->receipt.gas_used) &&
         take_u64(r, "gas_price", &e->receipt.gas_price) && take_address(r, "contract", &e->receipt.contract);
}

/* The file's name is part of what is read: one that was copied or renamed is damage. */
static bool take_entry(const json_t *from, const char *name, hf_entry *e) {
  const char *id = json_string_value(json_object_get(from, "id")),
             *what = json_string_value(json_object_get(from, "what"));
  const char *value = json_string_value(json_object_get(from, "value")),
             *data = json_string_value(json_object_get(from, "data")),
             *reason = json_string_value(json_object_get(from, "reason"));
  char right[64];
  if (json_integer_value(json_object_get(from, "version")) != VERSION || id == NULL || what == NULL ||
      value == NULL || data == NULL || reason == NULL || strlen(reason) >= sizeof e->problem ||
      strlen(data) % 2 != 0 || strlen(what) >= sizeof e->what || hf_digest_parse(id, &e->id) != HF_OK ||
      hf_u256_parse(value, &e->value) != HF_OK || !take_u64(from, "nonce", &e->nonce) ||
      !take_bool(from, "creates", &e->creates) || !take_address(from, "to", &e->to) ||
      !take_u64(from, "gas", &e->gas) || !take_attempts(json_object_get(from, "attempts"), e) ||
      !take_state(from, e))
    return false;
  snprintf(right, sizeof right, NAME, (unsigned long long)e->nonce);
  if (strcmp(right, name) != 0) return false;
  strcpy(e->what, what);
  strcpy(e->problem, reason);
  e->data_length = strlen(data) / 2;
  e->data = malloc(e->data_length + 1);
  return e->data != NULL && (e->data_length == 0 || hf_unhex(data, e->data, e->data_length) == HF_OK);
}

static hf_status read_entry(hf_journal *journal, const char *name) {
  hf_entry e = {0};
  uint8_t *text = NULL;
  size_t length;
  char *path = NULL;
  json_t *document = NULL;
  hf_status status = HF_OK;
  if (asprintf(&path, "%s/%s", journal->folder, name) < 0)
    return hf_fail(HF_E_MEMORY, "no memory for the journal");
  HF_TRY(hf_file_read(path, FILE_LIMIT, &text, &length));
  document = json_loadb((const char *)text, length, JSON_REJECT_DUPLICATES, NULL);
  if (document == NULL || !take_entry(document, name, &e))
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: a damaged journal of transactions; look at it before anything is sent",
                   path));
  if (hf_journal_add(journal, &e) == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the journal"));
out:
  free(e.data);
  free(text);
  free(path);
  json_decref(document);
  return status;
}

/* ---- the folder ---- */

hf_entry *hf_journal_add(hf_journal *journal, const hf_entry *entry) {
  if (journal->count == journal->capacity) {
    size_t capacity = journal->capacity ? 2 * journal->capacity : 16;
    hf_entry *grown = realloc(journal->entry, capacity * sizeof *grown);
    if (grown == NULL) return NULL;
    journal->entry = grown;
    journal->capacity = capacity;
  }
  hf_entry *e = &journal->entry[journal->count];
  *e = *entry;
  e->data = malloc(entry->data_length + 1);
  if (e->data == NULL) return NULL;
  if (entry->data_length != 0) memcpy(e->data, entry->data, entry->data_length);
  journal->count++;
  return e;
}

static int by_nonce(const void *a, const void *b) {
  const uint64_t x = ((const hf_entry *)a)->nonce, y = ((const hf_entry *)b)->nonce;
  return x < y ? -1 : x > y;
}

static hf_status take_lock(hf_journal *journal) {
  char *path = NULL;
  if (asprintf(&path, "%s/lock", journal->folder) < 0)
    return hf_fail(HF_E_MEMORY, "no memory for the journal");
  journal->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  hf_status status = HF_OK;
  if (journal->lock < 0)
    status = hf_fail(hf_status_of_errno(errno), "%s: %s", path, strerror(errno));
  else if (flock(journal->lock, LOCK_EX | LOCK_NB) != 0)
    status = hf_fail(HF_E_BUSY, "%s: another process sends from this account", path);
  free(path);
  return status;
}

hf_status hf_journal_open(const char *folder, hf_journal *out) {
  hf_status status;
  DIR *list = NULL;
  *out = (hf_journal){.folder = strdup(folder), .lock = -1};
  if (out->folder == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the journal"));
  HF_TRY(hf_folder_create(folder, 0700));
  HF_TRY(take_lock(out));
  list = opendir(folder);
  if (list == NULL) HF_TRY(hf_fail(hf_status_of_errno(errno), "%s: %s", folder, strerror(errno)));
  for (const struct dirent *d; (d = readdir(list)) != NULL;)
    if (strlen(d->d_name) == NAME_LEN && strncmp(d->d_name, "tx-", 3) == 0)
      HF_TRY(read_entry(out, d->d_name));
  if (out->count > 1) qsort(out->entry, out->count, sizeof *out->entry, by_nonce);
out:
  if (list != NULL) closedir(list);
  if (status != HF_OK) hf_journal_close(out);
  return status;
}

void hf_journal_close(hf_journal *journal) {
  for (size_t i = 0; i < journal->count; i++) free(journal->entry[i].data);
  free(journal->entry);
  if (journal->folder != NULL && journal->lock >= 0) close(journal->lock);
  free(journal->folder);
  *journal = (hf_journal){.lock = -1};
}
