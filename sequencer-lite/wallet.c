#include "wallet.h"

#include <hyperfold/file.h>
#include <hyperfold/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_HEADER   "hyperfold-key 1\nseed "
#define KEY_PUBLIC   "\npublic "

/* header, 64, label, 64, newline */
#define KEY_FILE_LENGTH (sizeof KEY_HEADER - 1 + 64 + sizeof KEY_PUBLIC - 1 + 64 + 1)

hf_status hf_wallet_restore(const char *path, const uint8_t seed[32], hf_bjj *public_key) {
  char text[KEY_FILE_LENGTH + 1], hex[65], name[HF_KEY_HEX];
  hf_eddsa_key key;
  hf_status status = hf_eddsa_key_from_seed(seed, &key);
  if (status != HF_OK) return status;
  hf_hex(seed, 32, hex);
  hf_key_text(key.public_key, name);
  (void)snprintf(text, sizeof text, KEY_HEADER "%s" KEY_PUBLIC "%s\n", hex, name);
  status = hf_key_file_create(path, text, KEY_FILE_LENGTH);
  if (status == HF_OK && public_key) *public_key = key.public_key;
  hf_eddsa_key_wipe(&key);
  explicit_bzero(text, sizeof text);
  explicit_bzero(hex, sizeof hex);
  return status;
}

hf_status hf_wallet_create(const char *path, hf_bjj *public_key) {
  uint8_t seed[32];
  hf_status status = hf_random_bytes(seed, sizeof seed);
  if (status == HF_OK) status = hf_wallet_restore(path, seed, public_key);
  explicit_bzero(seed, sizeof seed);
  return status;
}

hf_status hf_wallet_load(const char *path, hf_wallet *out) {
  char text[KEY_FILE_LENGTH + 2] = {0}, hex[65] = {0}, name[HF_KEY_HEX];
  uint8_t seed[32] = {0};
  size_t length;
  hf_status status;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_key_file_read(path, text, KEY_FILE_LENGTH + 1, &length));
  const char *seed_at = text + sizeof KEY_HEADER - 1, *label = seed_at + 64,
             *public_at = label + sizeof KEY_PUBLIC - 1;
  if (length != KEY_FILE_LENGTH || memcmp(text, KEY_HEADER, sizeof KEY_HEADER - 1) != 0 ||
      memcmp(label, KEY_PUBLIC, sizeof KEY_PUBLIC - 1) != 0 || public_at[64] != '\n')
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: not a key file", path));
  memcpy(hex, seed_at, 64);
  if (hf_unhex(hex, seed, sizeof seed) != HF_OK) HF_TRY(hf_fail(HF_E_FORMAT, "%s: not a key file", path));
  HF_TRY(hf_eddsa_key_from_seed(seed, &out->key));
  hf_key_text(out->key.public_key, name);
  if (memcmp(name, public_at, 64) != 0)
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: the public key is not that of the seed; the file is damaged", path));
out:
  explicit_bzero(text, sizeof text);
  explicit_bzero(hex, sizeof hex);
  explicit_bzero(seed, sizeof seed);
  if (status != HF_OK) hf_wallet_wipe(out);
  return status;
}

void hf_wallet_wipe(hf_wallet *wallet) { hf_eddsa_key_wipe(&wallet->key); }

hf_status hf_address_parse(const char *text, uint8_t address[20]) {
  if (hf_unhex(text, address, 20) == HF_OK) return HF_OK;
  return hf_fail(HF_E_FORMAT, "an L1 address is 40 hex digits");
}

static void sign(const hf_wallet *wallet, hf_transaction *tx) {
  hf_fr message[4];
  hf_eddsa_signature signature;
  tx->from = wallet->key.public_key;
  hf_transaction_message(tx, message);
  hf_eddsa_sign(&wallet->key, message, &signature);
  hf_eddsa_signature_to_bytes(&signature, tx->signature);
}

hf_status hf_wallet_transfer(const hf_wallet *wallet, hf_signing_place at, hf_bjj to, uint64_t amount,
                             uint64_t fee, hf_transaction *out) {
  memset(out, 0, sizeof *out);
  if (!hf_key_is_valid(to)) return hf_fail(HF_E_REFUSED, "the receiver is not a valid key");
  *out = (hf_transaction){.type = HF_SLOT_TRANSFER,
                          .chain_id = at.chain_id,
                          .nonce = at.nonce,
                          .account = at.account,
                          .amount = amount,
                          .fee = fee,
                          .to1 = to.x,
                          .to2 = to.y};
  sign(wallet, out);
  return HF_OK;
}

hf_status hf_wallet_withdraw(const hf_wallet *wallet, hf_signing_place at, const uint8_t address[20],
                             uint64_t amount, uint64_t fee, hf_transaction *out) {
  uint8_t wide[32] = {0};
  *out = (hf_transaction){.type = HF_SLOT_WITHDRAW,
                          .chain_id = at.chain_id,
                          .nonce = at.nonce,
                          .account = at.account,
                          .amount = amount,
                          .fee = fee};
  memcpy(wide + 12, address, 20);
  if (!hf_fr_from_bytes_be(wide, &out->to1)) return hf_fail(HF_E_INTERNAL, "an address is below 2^160");
  sign(wallet, out);
  return HF_OK;
}

/* ---- payments from a table ---- */

#define FIELD_MAX 128

/* A sender whose file was read. */
typedef struct sender {
  char name[FIELD_MAX];
  hf_wallet wallet;
  uint32_t account, nonce;
} sender;

typedef struct payments {
  const hf_payments_options *options;
  bool has_account; /* the table has that column */
  sender *senders;
  size_t count, capacity;
} payments;

/* Splits a line at its commas into exactly `count` fields. */
static hf_status split(const char *line, size_t length, char fields[][FIELD_MAX], size_t count) {
  const char *end = line + length;
  for (size_t i = 0; i < count; i++) {
    const char *comma = memchr(line, ',', (size_t)(end - line));
    const char *stop = comma ? comma : end;
    if ((comma != NULL) != (i + 1 < count)) return hf_fail(HF_E_FORMAT, "a row has %zu fields", count);
    if (stop == line || stop - line >= FIELD_MAX)
      return hf_fail(HF_E_FORMAT, "field %zu is empty or too long", i + 1);
    for (const char *c = line; c < stop; c++)
      if (*c <= ' ' || *c > '~' || *c == '"')
        return hf_fail(HF_E_FORMAT, "field %zu has a character that no field has", i + 1);
    memcpy(fields[i], line, (size_t)(stop - line));
    fields[i][stop - line] = 0;
    line = stop + 1;
  }
  return HF_OK;
}

static hf_status wallet_path(const payments *p, const char *name, char *path, size_t size) {
  if (name[0] == '.' || strchr(name, '/'))
    return hf_fail(HF_E_FORMAT, "%s is not the name of a wallet", name);
  int n = snprintf(path, size, "%s/%s.key", p->options->wallets, name);
  if (n < 0 || (size_t)n >= size) return hf_fail(HF_E_FORMAT, "the path of wallet %s is too long", name);
  return HF_OK;
}

static hf_status find_sender(payments *p, const char *name, sender **out) {
  char path[4096];
  hf_status status = HF_OK;
  for (size_t i = 0; i < p->count; i++)
    if (strcmp(p->senders[i].name, name) == 0) {
      *out = &p->senders[i];
      return HF_OK;
    }
  if (p->count == p->capacity) {
    /* not realloc: it might leave a copy of the keys behind */
    size_t capacity = p->capacity ? 2 * p->capacity : 16;
    sender *senders = calloc(capacity, sizeof *senders);
    if (!senders) return hf_fail(HF_E_MEMORY, "no memory for %zu wallets", capacity);
    if (p->count) memcpy(senders, p->senders, p->count * sizeof *senders);
    if (p->senders) explicit_bzero(p->senders, p->count * sizeof *senders);
    free(p->senders);
    p->senders = senders;
    p->capacity = capacity;
  }
  sender *s = &p->senders[p->count];
  HF_TRY(wallet_path(p, name, path, sizeof path));
  HF_TRY(hf_wallet_load(path, &s->wallet));
  s->account = s->nonce = 0;
  if (p->options->find)
    HF_TRY(p->options->find(p->options->context, s->wallet.key.public_key, &s->account, &s->nonce));
  (void)snprintf(s->name, sizeof s->name, "%s", name);
  p->count++;
  *out = s;
out:
  return status;
}

/* The public key that `to` means. */
static hf_status find_receiver(payments *p, const char *to, hf_bjj *key) {
  char path[4096];
  hf_wallet wallet;
  if (strlen(to) == 64 && strspn(to, "0123456789abcdefABCDEF") == 64) return hf_key_parse(to, key);
  hf_status status = wallet_path(p, to, path, sizeof path);
  if (status == HF_OK) status = hf_wallet_load(path, &wallet);
  if (status == HF_OK) {
    *key = wallet.key.public_key;
    hf_wallet_wipe(&wallet);
  }
  return status;
}

static hf_status sign_row(payments *p, const char *line, size_t length, hf_transaction *tx, sender **signer) {
  char fields[5][FIELD_MAX];
  const size_t count = p->has_account ? 5 : 4;
  const char *from_name = fields[0], *to_name = fields[count - 3];
  uint8_t address[20];
  uint64_t account = 0, amount = 0, fee = 0;
  hf_bjj to;
  sender *from = NULL;
  hf_status status = HF_OK;
  HF_TRY(split(line, length, fields, count));
  if (p->has_account) HF_TRY(hf_u64_parse(fields[1], &account));
  if (account > UINT32_MAX) HF_TRY(hf_fail(HF_E_FORMAT, "an account's index is at most %u", UINT32_MAX));
  HF_TRY(hf_u64_parse(fields[count - 2], &amount));
  HF_TRY(hf_u64_parse(fields[count - 1], &fee));
  const bool withdraw = strlen(to_name) == 42 && strncmp(to_name, "0x", 2) == 0;
  if (withdraw)
    HF_TRY(hf_address_parse(to_name, address));
  else
    HF_TRY(find_receiver(p, to_name, &to));
  HF_TRY(find_sender(p, from_name, &from));
  hf_signing_place at = {p->options->chain_id, p->has_account ? (uint32_t)account : from->account,
                         from->nonce};
  if (withdraw)
    HF_TRY(hf_wallet_withdraw(&from->wallet, at, address, amount, fee, tx));
  else
    HF_TRY(hf_wallet_transfer(&from->wallet, at, to, amount, fee, tx));
  *signer = from;
out:
  return status;
}

hf_status hf_payments_sign(const hf_payments_options *options, const char *csv, size_t length,
                           hf_payment_sink sink, void *context) {
  static const char header[] = "from,to,amount,fee", with_account[] = "from,account,to,amount,fee";
  payments p = {.options = options};
  const char *rest = csv, *end = csv + length, *line = NULL;
  size_t n = 0, row = 1;
  hf_status status = HF_OK;
  if (!hf_line_next(&rest, end, &line, &n)) n = 0;
  p.has_account = n == sizeof with_account - 1 && memcmp(line, with_account, n) == 0;
  if (!p.has_account && (n != sizeof header - 1 || memcmp(line, header, n) != 0))
    return hf_fail(HF_E_FORMAT, "payments: the first line must be %s or %s", header, with_account);
  if (!p.has_account && !options->find)
    return hf_fail(
        HF_E_FORMAT,
        "payments: there is no chain to ask for the senders' accounts, so the first line must be %s",
        with_account);
  while (hf_line_next(&rest, end, &line, &n)) {
    hf_transaction tx;
    sender *signer = NULL;
    row++;
    if (n == 0) continue;
    status = sign_row(&p, line, n, &tx, &signer);
    if (status == HF_E_MEMORY) break;
    const bool good = status == HF_OK;
    status = sink(context, row, good ? &tx : NULL, good ? "" : hf_error_message());
    if (good && status == HF_OK) signer->nonce++;
    if (status == HF_E_REFUSED) status = HF_OK;
    HF_TRY(status);
  }
out:
  if (p.senders) explicit_bzero(p.senders, p.count * sizeof *p.senders);
  free(p.senders);
  return status;
}
