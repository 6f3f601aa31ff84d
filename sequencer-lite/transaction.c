#include "transaction.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* ---- numbers ---- */

static hf_status parse_decimal(const char *text, unsigned bits, unsigned __int128 *out) {
  *out = 0;
  size_t length = strlen(text);
  if (length == 0 || length > 39 || (length > 1 && text[0] == '0'))
    return hf_fail(HF_E_FORMAT, "not a decimal number");
  const unsigned __int128 max = bits == 128 ? ~(unsigned __int128)0 : ((unsigned __int128)1 << bits) - 1;
  unsigned __int128 v = 0;
  for (const char *c = text; *c; c++) {
    if (*c < '0' || *c > '9') return hf_fail(HF_E_FORMAT, "not a decimal number");
    unsigned digit = (unsigned)(*c - '0');
    if (v > (max - digit) / 10) return hf_fail(HF_E_FORMAT, "the number does not fit %u bits", bits);
    v = 10 * v + digit;
  }
  *out = v;
  return HF_OK;
}

hf_status hf_chain_id_parse(const char *text, hf_chain_id *out) {
  unsigned __int128 v = 0;
  hf_status status = parse_decimal(text, 128, &v);
  *out = (hf_chain_id){(uint64_t)v, (uint64_t)(v >> 64)};
  return status;
}

hf_status hf_u64_parse(const char *text, uint64_t *out) {
  unsigned __int128 v = 0;
  hf_status status = parse_decimal(text, 64, &v);
  *out = (uint64_t)v;
  return status;
}

void hf_chain_id_text(hf_chain_id id, char out[HF_CHAIN_ID_TEXT]) {
  unsigned __int128 v = (unsigned __int128)id.high << 64 | id.low;
  char digits[HF_CHAIN_ID_TEXT];
  size_t n = 0;
  do {
    digits[n++] = (char)('0' + (unsigned)(v % 10));
    v /= 10;
  } while (v);
  for (size_t i = 0; i < n; i++) out[i] = digits[n - 1 - i];
  out[n] = 0;
}

/* ---- refusals and keys ---- */

const char *hf_refusal_code(hf_refusal refusal) {
  static const char *const code[] = {
#define REFUSAL_CODE(name, code, text) code,
      HF_REFUSAL_LIST(REFUSAL_CODE)
#undef REFUSAL_CODE
  };
  return (unsigned)refusal < HF_REFUSALS ? code[refusal] : "unknown";
}

const char *hf_refusal_text(hf_refusal refusal) {
  static const char *const text[] = {
#define REFUSAL_TEXT(name, code, text) text,
      HF_REFUSAL_LIST(REFUSAL_TEXT)
#undef REFUSAL_TEXT
  };
  return (unsigned)refusal < HF_REFUSALS ? text[refusal] : "unknown";
}

bool hf_key_is_valid(hf_bjj key) { return hf_bjj_on_curve(key) && !hf_bjj_is_small_order(key); }

hf_status hf_key_parse(const char *text, hf_bjj *out) {
  uint8_t bytes[32];
  *out = hf_bjj_identity();
  hf_status status = HF_OK;
  HF_TRY(hf_unhex(text, bytes, sizeof bytes));
  HF_TRY(hf_bjj_decompress(bytes, out));
  if (hf_bjj_is_small_order(*out)) {
    *out = hf_bjj_identity();
    status = hf_fail(HF_E_REFUSED, "a public key of small order");
  }
out:
  return status;
}

void hf_key_text(hf_bjj key, char out[HF_KEY_HEX]) {
  uint8_t bytes[32];
  hf_bjj_compress(key, bytes);
  hf_hex(bytes, sizeof bytes, out);
}

/* ---- the signed message ---- */

void hf_transaction_message(const hf_transaction *tx, hf_fr message[4]) {
  /* below 2^168 and 2^160: canonical limbs */
  hf_fr m0 = {{tx->chain_id.low, tx->chain_id.high, tx->type | (uint64_t)tx->nonce << 8, 0}};
  hf_fr m1 = {{tx->amount, tx->fee, tx->account, 0}};
  message[0] = hf_fr_from_limbs(m0);
  message[1] = hf_fr_from_limbs(m1);
  message[2] = tx->to1;
  message[3] = tx->to2;
}

hf_digest hf_transaction_hash(const hf_transaction *tx) {
  static const char tag[] = "hyperfold.transaction.v1";
  uint8_t bytes[64];
  hf_fr message[4];
  hf_digest_state state;
  hf_digest digest;
  hf_digest_init(&state);
  hf_digest_update(&state, tag, sizeof tag - 1);
  hf_bjj_to_bytes(tx->from, bytes);
  hf_digest_update(&state, bytes, 64);
  hf_transaction_message(tx, message);
  for (int i = 0; i < 4; i++) {
    hf_fr_to_bytes(message[i], bytes);
    hf_digest_update(&state, bytes, 32);
  }
  hf_digest_final(&state, &digest);
  return digest;
}

void hf_transaction_verify(const hf_transaction *tx, bool *ok) {
  hf_eddsa_signature signature;
  hf_fr message[4];
  *ok = false;
  if (hf_eddsa_signature_from_bytes(tx->signature, &signature) != HF_OK) return;
  hf_transaction_message(tx, message);
  if (hf_eddsa_verify(tx->from, message, &signature, ok) != HF_OK) *ok = false;
}

/* ---- JSON ---- */

/* An object being taken apart: every key must be asked for. */
typedef struct object {
  json_t *json;
  size_t taken;
} object;

static hf_status object_open(const char *line, size_t length, object *o) {
  o->json = NULL;
  o->taken = 0;
  if (length > HF_TRANSACTION_LINE_MAX)
    return hf_fail(HF_E_FORMAT, "the line is longer than %d bytes", HF_TRANSACTION_LINE_MAX);
  json_error_t error;
  o->json = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
  if (!o->json) return hf_fail(HF_E_FORMAT, "not JSON: %s", error.text);
  if (!json_is_object(o->json)) return hf_fail(HF_E_FORMAT, "not a JSON object");
  return HF_OK;
}

static hf_status object_end(const object *o) {
  if (json_object_size(o->json) == o->taken) return HF_OK;
  return hf_fail(HF_E_FORMAT, "a key that does not belong here");
}

static hf_status take(object *o, const char *key, json_t **value) {
  *value = json_object_get(o->json, key);
  if (!*value) return hf_fail(HF_E_FORMAT, "%s is missing", key);
  o->taken++;
  return HF_OK;
}

static hf_status take_text(object *o, const char *key, const char **text) {
  json_t *value = NULL;
  hf_status status = take(o, key, &value);
  if (status != HF_OK) return status;
  if (!json_is_string(value)) return hf_fail(HF_E_FORMAT, "%s must be a string", key);
  *text = json_string_value(value); /* jansson refuses \u0000, so the string has no NUL inside */
  return HF_OK;
}

static hf_status take_number(object *o, const char *key, unsigned bits, unsigned __int128 *out) {
  json_t *value = NULL;
  *out = 0;
  hf_status status = take(o, key, &value);
  if (status != HF_OK) return status;
  if (json_is_string(value)) {
    status = parse_decimal(json_string_value(value), bits, out);
    return status == HF_OK ? HF_OK : hf_fail_context(status, "%s", key);
  }
  if (!json_is_integer(value)) return hf_fail(HF_E_FORMAT, "%s must be a decimal string or an integer", key);
  json_int_t v = json_integer_value(value);
  if (v < 0 || (bits < 63 && v >> bits != 0))
    return hf_fail(HF_E_FORMAT, "%s does not fit %u bits without sign", key, bits);
  *out = (unsigned __int128)(uint64_t)v;
  return HF_OK;
}

static hf_status take_hex(object *o, const char *key, void *out, size_t length) {
  const char *text = NULL;
  hf_status status = take_text(o, key, &text);
  if (status != HF_OK) return status;
  if (hf_unhex(text, out, length) != HF_OK)
    return hf_fail(HF_E_FORMAT, "%s must be %zu hex digits", key, 2 * length);
  return HF_OK;
}

static hf_status take_chain_id(object *o, hf_chain_id *out) {
  unsigned __int128 v = 0;
  hf_status status = take_number(o, "chain_id", 128, &v);
  *out = (hf_chain_id){(uint64_t)v, (uint64_t)(v >> 64)};
  return status;
}

static hf_status take_u64(object *o, const char *key, uint64_t *out) {
  unsigned __int128 v = 0;
  hf_status status = take_number(o, key, 64, &v);
  *out = (uint64_t)v;
  return status;
}

static hf_status take_key(object *o, const char *key, hf_bjj *out) {
  uint8_t bytes[32];
  hf_status status = take_hex(o, key, bytes, sizeof bytes);
  if (status != HF_OK) return status;
  status = hf_bjj_decompress(bytes, out);
  if (status != HF_OK) return hf_fail(HF_E_FORMAT, "%s is not a point of the curve", key);
  if (hf_bjj_is_small_order(*out)) return hf_fail(HF_E_FORMAT, "%s is a key of small order", key);
  return HF_OK;
}

/* An L1 address is 20 big-endian bytes, as an integer. */
static hf_fr address_element(const uint8_t address[20]) {
  uint8_t wide[32] = {0};
  for (int i = 0; i < 20; i++) wide[i] = address[19 - i];
  hf_fr v = hf_fr_zero();
  (void)hf_fr_from_bytes(wide, &v); /* below 2^160 */
  return v;
}

static hf_status parse_transaction(object *o, hf_transaction *tx) {
  const char *type = NULL;
  unsigned __int128 nonce = 0, account = 0;
  hf_status status = HF_OK;
  HF_TRY(take_text(o, "type", &type));
  if (strcmp(type, "transfer") == 0) {
    hf_bjj to;
    tx->type = HF_SLOT_TRANSFER;
    HF_TRY(take_key(o, "to", &to));
    tx->to1 = to.x;
    tx->to2 = to.y;
  } else if (strcmp(type, "withdraw") == 0) {
    uint8_t address[20];
    tx->type = HF_SLOT_WITHDRAW;
    HF_TRY(take_hex(o, "address", address, sizeof address));
    tx->to1 = address_element(address);
    tx->to2 = hf_fr_zero();
  } else {
    HF_TRY(hf_fail(HF_E_FORMAT, "type must be transfer or withdraw"));
  }
  HF_TRY(take_chain_id(o, &tx->chain_id));
  HF_TRY(take_number(o, "nonce", 32, &nonce));
  tx->nonce = (uint32_t)nonce;
  HF_TRY(take_number(o, "account", 32, &account));
  tx->account = (uint32_t)account;
  HF_TRY(take_key(o, "from", &tx->from));
  HF_TRY(take_u64(o, "amount", &tx->amount));
  HF_TRY(take_u64(o, "fee", &tx->fee));
  HF_TRY(take_hex(o, "signature", tx->signature, sizeof tx->signature));
  HF_TRY(object_end(o));
out:
  return status;
}

hf_status hf_transaction_parse(const char *line, size_t length, hf_transaction *out) {
  object o;
  memset(out, 0, sizeof *out);
  hf_status status = object_open(line, length, &o);
  if (status == HF_OK) status = parse_transaction(&o, out);
  json_decref(o.json);
  if (status != HF_OK) memset(out, 0, sizeof *out);
  return status;
}

static hf_status parse_deposit(object *o, hf_deposit *d) {
  const char *key = NULL;
  uint8_t bytes[64];
  hf_bjj point;
  hf_status status = HF_OK;
  HF_TRY(take_chain_id(o, &d->chain_id));
  HF_TRY(take_u64(o, "index", &d->index));
  HF_TRY(take_u64(o, "amount", &d->amount));
  HF_TRY(take_text(o, "key", &key));
  if (hf_unhex(key, bytes, 64) == HF_OK) {
    if (!hf_fr_from_bytes(bytes, &d->x) || !hf_fr_from_bytes(bytes + 32, &d->y))
      HF_TRY(hf_fail(HF_E_FORMAT, "key: a coordinate is not below the field's order"));
  } else {
    if (hf_unhex(key, bytes, 32) != HF_OK) HF_TRY(hf_fail(HF_E_FORMAT, "key must be 64 or 128 hex digits"));
    if (hf_bjj_decompress(bytes, &point) != HF_OK)
      HF_TRY(hf_fail(HF_E_FORMAT, "key is not a point of the curve"));
    d->x = point.x;
    d->y = point.y;
  }
  HF_TRY(object_end(o));
out:
  return status;
}

hf_status hf_deposit_parse(const char *line, size_t length, hf_deposit *out) {
  object o;
  memset(out, 0, sizeof *out);
  hf_status status = object_open(line, length, &o);
  if (status == HF_OK) status = parse_deposit(&o, out);
  json_decref(o.json);
  if (status != HF_OK) memset(out, 0, sizeof *out);
  return status;
}

void hf_transaction_json(const hf_transaction *tx, char out[HF_TRANSACTION_JSON]) {
  char chain[HF_CHAIN_ID_TEXT], from[HF_KEY_HEX], to[HF_KEY_HEX], signature[2 * HF_EDDSA_SIGNATURE_BYTES + 1];
  hf_chain_id_text(tx->chain_id, chain);
  hf_key_text(tx->from, from);
  hf_hex(tx->signature, sizeof tx->signature, signature);
  if (tx->type == HF_SLOT_TRANSFER) {
    hf_key_text((hf_bjj){tx->to1, tx->to2}, to);
  } else {
    uint8_t be[32];
    hf_fr_to_bytes_be(tx->to1, be);
    memcpy(to, "0x", 2);
    hf_hex(be + 12, 20, to + 2);
  }
  (void)snprintf(
      out, HF_TRANSACTION_JSON,
      "{\"type\":\"%s\",\"chain_id\":\"%s\",\"nonce\":%u,\"account\":%u,\"from\":\"%s\",\"%s\":\"%s\","
      "\"amount\":\"%llu\",\"fee\":\"%llu\",\"signature\":\"%s\"}",
      hf_slot_type_text(tx->type), chain, tx->nonce, tx->account, from,
      tx->type == HF_SLOT_TRANSFER ? "to" : "address", to, (unsigned long long)tx->amount,
      (unsigned long long)tx->fee, signature);
}

void hf_deposit_json(const hf_deposit *deposit, char out[HF_TRANSACTION_JSON]) {
  char chain[HF_CHAIN_ID_TEXT], key[129];
  hf_chain_id_text(deposit->chain_id, chain);
  hf_bjj point = {deposit->x, deposit->y};
  if (hf_bjj_on_curve(point)) {
    hf_key_text(point, key);
  } else {
    uint8_t bytes[64];
    hf_bjj_to_bytes(point, bytes);
    hf_hex(bytes, sizeof bytes, key);
  }
  (void)snprintf(out, HF_TRANSACTION_JSON,
                 "{\"chain_id\":\"%s\",\"index\":%llu,\"key\":\"%s\",\"amount\":\"%llu\"}", chain,
                 (unsigned long long)deposit->index, key, (unsigned long long)deposit->amount);
}

bool hf_line_next(const char **rest, const char *end, const char **line, size_t *length) {
  if (*rest >= end) return false;
  const char *newline = memchr(*rest, '\n', (size_t)(end - *rest));
  const char *stop = newline ? newline : end;
  *line = *rest;
  *length = (size_t)(stop - *rest);
  if (*length && stop[-1] == '\r') --*length;
  *rest = newline ? newline + 1 : end;
  return true;
}
