#include "eth_key.h"

#include <hyperfold/bytes.h>
#include <hyperfold/file.h>
#include <hyperfold/random.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include <stdio.h>
#include <string.h>
#include "host/keccak.h"

#define KEY_TEXT 68 /* 0x, 64 digits, a line end of one or two characters */

/* A context that is blinded against side channels; small enough to make for each use, and none is shared. */
static hf_status context_open(secp256k1_context **out) {
  uint8_t seed[32];
  hf_status status = hf_random_bytes(seed, sizeof seed);
  if (status != HF_OK) return status;
  *out = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
  if (*out == NULL || !secp256k1_context_randomize(*out, seed))
    status = hf_fail(HF_E_MEMORY, "secp256k1 cannot be prepared");
  explicit_bzero(seed, sizeof seed);
  return status;
}

static void context_close(secp256k1_context *context) {
  if (context != NULL) secp256k1_context_destroy(context);
}

static void address_of(const secp256k1_context *context, const secp256k1_pubkey *key, hf_eth_address *out) {
  uint8_t point[65], hash[32];
  size_t length = sizeof point;
  (void)secp256k1_ec_pubkey_serialize(context, point, &length, key, SECP256K1_EC_UNCOMPRESSED);
  hf_keccak256(point + 1, 64, hash);
  memcpy(out->b, hash + 12, 20);
}

hf_status hf_eth_key_from_secret(const uint8_t secret[32], hf_eth_key *out) {
  secp256k1_context *context = NULL;
  secp256k1_pubkey point;
  hf_status status;
  memset(out, 0, sizeof *out);
  HF_TRY(context_open(&context));
  if (!secp256k1_ec_pubkey_create(context, &point, secret))
    HF_TRY(hf_fail(HF_E_RANGE, "not a secret key: zero, or not below the group's order"));
  memcpy(out->secret, secret, 32);
  address_of(context, &point, &out->address);
out:
  context_close(context);
  return status;
}

void hf_eth_key_wipe(hf_eth_key *key) { explicit_bzero(key, sizeof *key); }

hf_status hf_eth_sign(const hf_eth_key *key, const uint8_t hash[32], hf_eth_signature *out) {
  secp256k1_context *context = NULL;
  secp256k1_ecdsa_recoverable_signature signature;
  uint8_t compact[64];
  int parity = 0;
  hf_status status;
  HF_TRY(context_open(&context));
  if (!secp256k1_ecdsa_sign_recoverable(context, &signature, hash, key->secret, NULL, NULL))
    HF_TRY(hf_fail(HF_E_RANGE, "the key cannot sign"));
  (void)secp256k1_ecdsa_recoverable_signature_serialize_compact(context, compact, &parity, &signature);
  if (parity > 1) HF_TRY(hf_fail(HF_E_INTERNAL, "a signature with r above the order")); /* one in 2^127 */
  memcpy(out->r, compact, 32);
  memcpy(out->s, compact + 32, 32);
  out->y_parity = (uint8_t)parity;
out:
  context_close(context);
  return status;
}

hf_status hf_eth_recover(const hf_eth_signature *signature, const uint8_t hash[32], hf_eth_address *out) {
  secp256k1_context *context = NULL;
  secp256k1_ecdsa_recoverable_signature parsed;
  secp256k1_pubkey point;
  uint8_t compact[64];
  hf_status status;
  memcpy(compact, signature->r, 32);
  memcpy(compact + 32, signature->s, 32);
  if (signature->y_parity > 1) return hf_fail(HF_E_FORMAT, "y parity is 0 or 1");
  HF_TRY(context_open(&context));
  if (!secp256k1_ecdsa_recoverable_signature_parse_compact(context, &parsed, compact, signature->y_parity) ||
      !secp256k1_ecdsa_recover(context, &point, &parsed, hash))
    HF_TRY(hf_fail(HF_E_FORMAT, "a signature that nobody can have made"));
  address_of(context, &point, out);
out:
  context_close(context);
  return status;
}

/* ---- files ---- */

hf_status hf_eth_key_import(const char *path, const uint8_t secret[32], hf_eth_address *address) {
  char text[KEY_TEXT];
  hf_eth_key key;
  hf_status status;
  HF_TRY(hf_eth_key_from_secret(secret, &key));
  hf_hex(secret, 32, text);
  text[64] = '\n';
  HF_TRY(hf_key_file_create(path, text, 65));
  if (address != NULL) *address = key.address;
out:
  hf_eth_key_wipe(&key);
  explicit_bzero(text, sizeof text);
  return status;
}

hf_status hf_eth_key_create(const char *path, hf_eth_address *address) {
  uint8_t secret[32];
  hf_status status;
  do { /* a draw is no key once in 2^127 */
    HF_TRY(hf_random_bytes(secret, sizeof secret));
    status = hf_eth_key_import(path, secret, address);
  } while (status == HF_E_RANGE);
out:
  explicit_bzero(secret, sizeof secret);
  return status;
}

hf_status hf_eth_key_load(const char *path, hf_eth_key *out) {
  char text[KEY_TEXT + 2] = {0};
  uint8_t secret[32];
  size_t length;
  hf_status status;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_key_file_read(path, text, KEY_TEXT + 1, &length));
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) text[--length] = 0;
  const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
  if (strlen(digits) != 64 || digits + 64 != text + length || hf_unhex(digits, secret, 32) != HF_OK)
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: not a key file: one line of 64 hex digits is wanted", path));
  status = hf_eth_key_from_secret(secret, out);
  if (status != HF_OK) HF_TRY(hf_fail_context(status, "%s", path));
out:
  explicit_bzero(text, sizeof text);
  explicit_bzero(secret, sizeof secret);
  return status;
}
