/* Keys of pools, as files and in memory, and the submitter's secret. */
#include "payload_internal.h"

#include <hyperfold/file.h>
#include <hyperfold/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PUBLIC_WORD "hyperfold-pool 1 "
#define SECRET_WORD "hyperfold-pool-secret 1 "
#define SEALER_WORD "hyperfold-sealer-secret 1 "
#define FILE_LIMIT  4096

static void name_key(hf_pool_public *pool) {
  uint8_t id[32];
  hf_payload_hash("hf-pool-key", NULL, (const hf_bytes[]){{pool->key, 32}}, 1, id, sizeof id);
  hf_hex(id, HF_POOL_ID / 2, pool->id);
}

/* WORD, 64 hexadecimal digits, the end of the line. */
static bool parse_line(const char *line, size_t length, const char *word, uint8_t out[32]) {
  char digits[65];
  size_t n = strlen(word);
  if (length != n + 64 || strncmp(line, word, n) != 0 || line[n + 1] == 'x') return false;
  memcpy(digits, line + n, 64);
  digits[64] = '\0';
  bool good = hf_unhex(digits, out, 32) == HF_OK;
  sodium_memzero(digits, sizeof digits);
  return good;
}

/* The secret in a key file. */
static hf_status read_secret(const char *path, const char *word, const char *what, uint8_t out[32]) {
  char text[HF_POOL_TEXT];
  size_t length;
  hf_status status = hf_key_file_read(path, text, sizeof text, &length);
  if (status == HF_OK && length && text[length - 1] == '\n') length--;
  if (status == HF_OK && !parse_line(text, length, word, out))
    status = hf_fail(HF_E_FORMAT, "%s: it holds no %s", path, what);
  sodium_memzero(text, sizeof text);
  return status;
}

static hf_status make_secret(const char *path, const char *word, uint8_t out[32]) {
  char text[HF_POOL_TEXT], digits[65];
  hf_status status = hf_random_bytes(out, 32);
  if (status != HF_OK) return status;
  hf_hex(out, 32, digits);
  int n = snprintf(text, sizeof text, "%s%s\n", word, digits);
  status = hf_key_file_create(path, text, (size_t)n);
  sodium_memzero(text, sizeof text);
  sodium_memzero(digits, sizeof digits);
  return status;
}

hf_status hf_pool_key_make(const char *path, hf_pool_public *out) {
  uint8_t secret[32];
  memset(out, 0, sizeof *out);
  hf_status status = make_secret(path, SECRET_WORD, secret);
  if (status == HF_OK) {
    crypto_scalarmult_base(out->key, secret);
    name_key(out);
  }
  sodium_memzero(secret, sizeof secret);
  return status;
}

void hf_pool_public_text(const hf_pool_public *pool, char out[HF_POOL_TEXT]) {
  char digits[65];
  hf_hex(pool->key, 32, digits);
  snprintf(out, HF_POOL_TEXT, "%s%s", PUBLIC_WORD, digits);
}

hf_status hf_pool_public_read(const char *path, hf_pool_public out[HF_PAYLOAD_RECIPIENTS], size_t *count) {
  hf_status status;
  uint8_t *text = NULL;
  size_t length, before = *count;
  HF_TRY(hf_file_read(path, FILE_LIMIT, &text, &length));
  for (const char *line = (const char *)text; *line;) {
    size_t n = strcspn(line, "\n");
    if (strncmp(line, SECRET_WORD, strlen(SECRET_WORD)) == 0)
      HF_TRY(hf_fail(HF_E_FORMAT, "%s: it is a secret key; what is wanted is what pool-key show prints of it",
                     path));
    if (*count == HF_PAYLOAD_RECIPIENTS)
      HF_TRY(hf_fail(HF_E_RANGE, "%s: more than %d keys to seal to", path, HF_PAYLOAD_RECIPIENTS));
    if (!parse_line(line, n, PUBLIC_WORD, out[*count].key))
      HF_TRY(hf_fail(HF_E_FORMAT, "%s: a line is no public key of a pool", path));
    name_key(&out[(*count)++]);
    line += n + (line[n] == '\n');
  }
  if (*count == before || strlen((const char *)text) != length)
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: it holds no public key of a pool", path));
out:
  if (text) sodium_memzero(text, length);
  free(text);
  return status;
}

hf_status hf_pool_keys_create(hf_pool_keys **out) {
  if (sodium_init() < 0) return hf_fail(HF_E_INTERNAL, "libsodium cannot be used");
  *out = sodium_malloc(sizeof **out);
  if (!*out) return hf_fail(HF_E_MEMORY, "no memory for secret keys");
  (*out)->count = 0;
  return HF_OK;
}

hf_status hf_pool_keys_read(hf_pool_keys *keys, const char *path) {
  if (keys->count == HF_POOL_KEYS)
    return hf_fail(HF_E_RANGE, "%s: more than %d pool keys", path, HF_POOL_KEYS);
  hf_pool_public *pool = &keys->pool[keys->count];
  uint8_t *secret = keys->secret[keys->count];
  hf_status status = read_secret(path, SECRET_WORD, "secret key of a pool", secret);
  if (status != HF_OK) return status;
  crypto_scalarmult_base(pool->key, secret);
  name_key(pool);
  for (size_t i = 0; i < keys->count; i++)
    if (strcmp(keys->pool[i].id, pool->id) == 0)
      return hf_fail(HF_E_EXISTS, "%s: the key of pool %s is there already", path, pool->id);
  keys->count++;
  return HF_OK;
}

void hf_pool_keys_destroy(hf_pool_keys **keys) {
  sodium_free(*keys); /* wipes */
  *keys = NULL;
}

size_t hf_pool_keys_count(const hf_pool_keys *keys) { return keys ? keys->count : 0; }
const hf_pool_public *hf_pool_keys_at(const hf_pool_keys *keys, size_t i) { return &keys->pool[i]; }

hf_status hf_sealer_open(const hf_pool_public *recipients, size_t count, const char *path, hf_sealer **out) {
  hf_status status = HF_OK;
  *out = NULL;
  if (count == 0 || count > HF_PAYLOAD_RECIPIENTS)
    return hf_fail(HF_E_ARGUMENT, "a payload is sealed to 1 to %d keys, not %zu", HF_PAYLOAD_RECIPIENTS,
                   count);
  if (sodium_init() < 0) return hf_fail(HF_E_INTERNAL, "libsodium cannot be used");
  hf_sealer *sealer = sodium_malloc(sizeof *sealer);
  if (!sealer) return hf_fail(HF_E_MEMORY, "no memory for a secret");
  for (size_t i = 0; i < count; i++)
    for (size_t k = 0; k < i; k++)
      if (strcmp(recipients[i].id, recipients[k].id) == 0)
        HF_TRY(hf_fail(HF_E_ARGUMENT, "the key of pool %s is given twice", recipients[i].id));
  memcpy(sealer->to, recipients, count * sizeof *recipients);
  sealer->count = count;
  status = make_secret(path, SEALER_WORD, sealer->secret);
  if (status == HF_E_EXISTS) status = read_secret(path, SEALER_WORD, "secret of a submitter", sealer->secret);
  /* Another process may be about to write it. */
  for (int tries = 0; status == HF_E_FORMAT && tries < 50; tries++) {
    nanosleep(&(struct timespec){0, 10000000}, NULL);
    status = read_secret(path, SEALER_WORD, "secret of a submitter", sealer->secret);
  }
  if (status != HF_OK) goto out;
  *out = sealer;
  return HF_OK;
out:
  sodium_free(sealer);
  return status;
}

void hf_sealer_close(hf_sealer **sealer) {
  sodium_free(*sealer);
  *sealer = NULL;
}
