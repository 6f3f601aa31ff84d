#include "payload_internal.h"

#include <hyperfold/container.h>

#include <stdlib.h>
#include <string.h>

#define VERSION 1
#define FIXED   72 /* bytes in front of the recipients */
#define SLOT    56
#define TAG     crypto_aead_xchacha20poly1305_ietf_ABYTES

_Static_assert(SLOT == HF_POOL_ID / 2 + 32 + TAG, "a recipient is its id and the sealed content key");
_Static_assert(HF_PAYLOAD_OVERHEAD >=
                   HF_CONTAINER_HEADER + FIXED + SLOT * HF_PAYLOAD_RECIPIENTS + 8 + HF_PAYLOAD_PAD + TAG,
               "what sealing adds");

/* Every key is used once. */
static const uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];

void hf_payload_hash(const char *purpose, const uint8_t *key, const hf_bytes *parts, size_t count,
                     uint8_t *out, size_t length) {
  uint8_t personal[crypto_generichash_blake2b_PERSONALBYTES] = {0};
  crypto_generichash_blake2b_state state;
  memcpy(personal, purpose, strlen(purpose));
  (void)crypto_generichash_blake2b_init_salt_personal(&state, key, key ? 32 : 0, length, NULL, personal);
  for (size_t i = 0; i < count; i++)
    (void)crypto_generichash_blake2b_update(&state, parts[i].data, parts[i].length);
  (void)crypto_generichash_blake2b_final(&state, out, length);
  sodium_memzero(&state, sizeof state);
}

/* ---- names ---- */

static bool is_pool(const char *text) {
  return strspn(text, "0123456789abcdef") == HF_POOL_ID && text[HF_POOL_ID] == '\0';
}

void hf_job_circuit(const hf_job_header *job, char circuit[HF_NAME_MAX + 1], char pool[HF_POOL_ID + 1]) {
  const char *at = strrchr(job->circuit, '@');
  size_t length = at && is_pool(at + 1) ? (size_t)(at - job->circuit) : strlen(job->circuit);
  bool sealed = job->circuit[length] != '\0';
  memmove(circuit, job->circuit, length);
  if (pool) memcpy(pool, sealed ? at + 1 : "", sealed ? HF_POOL_ID + 1 : 1);
  circuit[length] = '\0';
}

hf_status hf_pool_circuit(const char *circuit, const char *pool, char out[HF_NAME_MAX + 1]) {
  char name[2 * HF_NAME_MAX];
  size_t length = strlen(circuit);
  if (length == 0 || length + 1 + HF_POOL_ID > HF_NAME_MAX || !is_pool(pool))
    return hf_fail(HF_E_ARGUMENT,
                   "circuit '%.64s' for pool '%.16s': a sealed job's circuit has at most %d characters",
                   circuit, pool, HF_NAME_MAX - 1 - HF_POOL_ID);
  memcpy(name, circuit, length);
  name[length] = '@';
  memcpy(name + length + 1, pool, HF_POOL_ID + 1);
  return hf_name_copy("circuit", name, out);
}

/* ---- what both sides compute ---- */

/* What the payload belongs to: the job without its input and without the pool. */
static void identity_of(const hf_job_header *job, uint8_t out[32]) {
  hf_job_header bare = *job;
  uint8_t lengths[2] = {(uint8_t)strlen(job->key.tenant), job->key.id.length};
  memset(&bare.input_digest, 0, sizeof bare.input_digest);
  hf_job_circuit(job, bare.circuit, NULL);
  hf_digest rest = hf_job_payload_digest(&bare);
  const hf_bytes parts[] = {
      {lengths, 2}, {job->key.tenant, lengths[0]}, {job->key.id.b, lengths[1]}, {rest.b, sizeof rest.b}};
  hf_payload_hash("hf-payload-job", NULL, parts, 4, out, 32);
}

/* The key under which the content key goes to one recipient: X25519 of `secret` and `other`. False for a
 * point of small order, with which the secret would not be one. */
static bool wrapping_key(const uint8_t secret[32], const uint8_t other[32], const uint8_t ephemeral[32],
                         const uint8_t recipient[32], uint8_t out[32]) {
  uint8_t shared[32];
  bool good = crypto_scalarmult(shared, secret, other) == 0;
  const hf_bytes parts[] = {{shared, 32}, {ephemeral, 32}, {recipient, 32}};
  hf_payload_hash("hf-payload-wrap", NULL, parts, 3, out, 32);
  sodium_memzero(shared, sizeof shared);
  return good;
}

static void commit(const uint8_t content[32], uint8_t out[32]) {
  hf_payload_hash("hf-payload-open", NULL, (const hf_bytes[]){{content, 32}}, 1, out, 32);
}

static size_t padded(size_t length) {
  return (length + 8 + HF_PAYLOAD_PAD - 1) / HF_PAYLOAD_PAD * HF_PAYLOAD_PAD;
}

static void put_le(uint8_t *out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; i++) out[i] = (uint8_t)(value >> (8 * i));
}

/* The container's payload in front of the sealed input, then the identity: what is authenticated with it. */
typedef struct envelope {
  uint8_t b[FIXED + SLOT * HF_PAYLOAD_RECIPIENTS + 32];
  size_t length; /* without the identity */
} envelope;

/* ---- sealing ---- */

void hf_sealer_job_id(const hf_sealer *sealer, const void *input, size_t length, hf_job_id *out) {
  memset(out, 0, sizeof *out);
  out->length = 16;
  hf_payload_hash("hf-payload-id", sealer->secret, (const hf_bytes[]){{input, length}}, 1, out->b,
                  out->length);
}

static hf_status make_envelope(const hf_sealer *s, const uint8_t identity[32], const uint8_t seed[64],
                               envelope *e) {
  hf_status status = HF_OK;
  uint8_t ephemeral[32], wrap[32];
  const uint8_t *content = seed + 32;
  memset(e, 0, sizeof *e);
  put_le(e->b, s->count, 4);
  (void)crypto_scalarmult_base(ephemeral, seed);
  memcpy(e->b + 8, ephemeral, 32);
  commit(content, e->b + 40);
  for (size_t i = 0; i < s->count; i++) {
    uint8_t *slot = e->b + FIXED + SLOT * i;
    if (hf_unhex(s->to[i].id, slot, HF_POOL_ID / 2) != HF_OK ||
        !wrapping_key(seed, s->to[i].key, ephemeral, s->to[i].key, wrap))
      HF_TRY(hf_fail(HF_E_ARGUMENT,
                     "the key of pool %s is a point of small order: nothing can be sealed to it",
                     s->to[i].id));
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(slot + HF_POOL_ID / 2, NULL, content, 32, NULL, 0, NULL,
                                                     nonce, wrap);
  }
  e->length = FIXED + SLOT * s->count;
  memcpy(e->b + e->length, identity, 32);
out:
  sodium_memzero(wrap, sizeof wrap);
  return status;
}

hf_status hf_payload_seal(const hf_sealer *s, hf_job_header *job, const void *input, size_t length,
                          hf_writer *w) {
  hf_status status;
  uint8_t identity[32], seed[64] = {0}, count[4], size[8];
  char circuit[HF_NAME_MAX + 1];
  envelope e;
  hf_bytes parts[4 + HF_PAYLOAD_RECIPIENTS] = {{identity, 32}, {count, 4}};
  const size_t room = padded(length);
  uint8_t *body = NULL;
  if (length > SIZE_MAX - 2 * HF_PAYLOAD_PAD)
    return hf_fail(HF_E_RANGE, "an input of %zu bytes cannot be sealed", length);
  HF_TRY(hf_pool_circuit(job->circuit, s->to[0].id, circuit));
  identity_of(job, identity);
  put_le(count, s->count, 4);
  put_le(size, length, 8);
  for (size_t i = 0; i < s->count; i++) parts[2 + i] = (hf_bytes){s->to[i].key, 32};
  parts[2 + s->count] = (hf_bytes){size, 8};
  parts[3 + s->count] = (hf_bytes){input, length};
  hf_payload_hash("hf-payload-seed", s->secret, parts, 4 + s->count, seed, sizeof seed);
  HF_TRY(make_envelope(s, identity, seed, &e));
  body = calloc(1, room + TAG);
  if (!body) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a sealed payload of %zu bytes", room));
  memcpy(body, size, 8);
  if (length) memcpy(body + 8, input, length);
  (void)crypto_aead_xchacha20poly1305_ietf_encrypt(body, NULL, body, room, e.b, e.length + 32, NULL, nonce,
                                                   seed + 32);
  HF_TRY(hf_container_encode(w, HF_PAYLOAD_KIND, VERSION,
                             (const hf_bytes[]){{e.b, e.length}, {body, room + TAG}}, 2));
  memcpy(job->circuit, circuit, sizeof circuit);
out:
  sodium_memzero(seed, sizeof seed);
  free(body); /* encrypted in place */
  return status;
}

/* ---- opening ---- */

/* Takes the payload apart; what follows `head` bytes is the sealed input. Everything is checked that can be
 * without a key. */
static hf_status look(const void *data, size_t length, const uint8_t **payload, size_t *head,
                      hf_payload_outside *out) {
  hf_status status;
  size_t payload_length;
  uint32_t version, zero;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_container_decode("sealed payload", data, length, HF_PAYLOAD_KIND, VERSION, payload,
                             &payload_length, &version));
  hf_reader r = hf_reader_over(*payload, payload_length);
  HF_TRY(hf_read_u32(&r, "recipients", &out->recipients));
  HF_TRY(hf_read_u32(&r, "zero", &zero));
  if (out->recipients == 0 || out->recipients > HF_PAYLOAD_RECIPIENTS || zero != 0)
    HF_TRY(hf_fail(HF_E_FORMAT, "sealed payload: %u recipients; 1 to %d are possible", out->recipients,
                   HF_PAYLOAD_RECIPIENTS));
  *head = FIXED + SLOT * (size_t)out->recipients;
  if (payload_length < *head + HF_PAYLOAD_PAD + TAG || (payload_length - *head - TAG) % HF_PAYLOAD_PAD != 0)
    HF_TRY(hf_fail(HF_E_FORMAT, "sealed payload: %zu bytes cannot be one for %u recipients", payload_length,
                   out->recipients));
  out->padded = payload_length - *head - TAG;
  for (uint32_t i = 0; i < out->recipients; i++)
    hf_hex(*payload + FIXED + SLOT * i, HF_POOL_ID / 2, out->pool[i]);
out:
  return status;
}

hf_status hf_payload_look(const void *data, size_t length, hf_payload_outside *out) {
  const uint8_t *payload;
  size_t head;
  return look(data, length, &payload, &head, out);
}

/* The content key, out of the first recipient's place whose key is held. */
static hf_status unwrap(const hf_pool_keys *keys, const uint8_t *payload, const hf_payload_outside *outside,
                        uint8_t content[32]) {
  char ids[HF_PAYLOAD_RECIPIENTS * (HF_POOL_ID + 1) + 1] = "";
  uint8_t wrap[32], seen[32];
  for (uint32_t i = 0; i < outside->recipients; i++) {
    const uint8_t *slot = payload + FIXED + SLOT * i;
    const char *id = outside->pool[i];
    strcat(strcat(ids, " "), id);
    for (size_t k = 0; k < hf_pool_keys_count(keys); k++) {
      if (strcmp(keys->pool[k].id, id) != 0) continue;
      bool good = wrapping_key(keys->secret[k], payload + 8, payload + 8, keys->pool[k].key, wrap) &&
                  crypto_aead_xchacha20poly1305_ietf_decrypt(content, NULL, NULL, slot + HF_POOL_ID / 2,
                                                             32 + TAG, NULL, 0, nonce, wrap) == 0;
      sodium_memzero(wrap, sizeof wrap);
      commit(content, seen);
      if (good && sodium_memcmp(seen, payload + 40, 32) == 0) return HF_OK;
      return hf_fail(HF_E_MISMATCH,
                     "the sealed payload was changed, or is for another key that is also called %s", id);
    }
  }
  return hf_fail(HF_E_REFUSED, "the payload is sealed to%s, and none of these keys is here (--pool-key)",
                 ids);
}

hf_status hf_payload_open(const hf_pool_keys *keys, const hf_job_header *job, const void *data, size_t length,
                          uint8_t **input, size_t *input_length) {
  hf_status status;
  const uint8_t *payload;
  size_t head;
  uint8_t content[32] = {0}, *body = NULL;
  char circuit[HF_NAME_MAX + 1], pool[HF_POOL_ID + 1];
  hf_payload_outside outside = {0};
  envelope e;
  *input = NULL;
  *input_length = 0;
  hf_job_circuit(job, circuit, pool);
  if (!pool[0])
    return hf_fail(HF_E_MISMATCH, "the payload of a job for %s, which names no pool, cannot be sealed",
                   circuit);
  HF_TRY(look(data, length, &payload, &head, &outside));
  if (strcmp(outside.pool[0], pool) != 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "the payload is sealed to pool %s, the job is for pool %s", outside.pool[0],
                   pool));
  HF_TRY(unwrap(keys, payload, &outside, content));
  memcpy(e.b, payload, head);
  identity_of(job, e.b + head);
  body = malloc(outside.padded);
  if (!body) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a payload of %zu bytes", outside.padded));
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(body, NULL, NULL, payload + head, outside.padded + TAG, e.b,
                                                 head + 32, nonce, content) != 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "the sealed payload is another job's, or was changed"));
  hf_reader r = hf_reader_over(body, outside.padded);
  uint64_t size = 0;
  HF_TRY(hf_read_u64(&r, "length", &size));
  if (size > outside.padded - 8 || padded((size_t)size) != outside.padded ||
      !sodium_is_zero(body + 8 + size, outside.padded - 8 - (size_t)size))
    HF_TRY(hf_fail(HF_E_FORMAT, "sealed payload: its inside has no input of %llu bytes",
                   (unsigned long long)size));
  memmove(body, body + 8, (size_t)size);
  sodium_memzero(body + size, outside.padded - (size_t)size);
  *input = body;
  *input_length = (size_t)size;
out:
  sodium_memzero(content, sizeof content);
  if (body && !*input) {
    sodium_memzero(body, outside.padded);
    free(body);
  }
  return status;
}
