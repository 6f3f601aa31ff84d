#include "usage.h"

#include <hyperfold/file.h>
#include <hyperfold/random.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOMAIN   "hyperfold.usage.v1\n"
#define FORMAT   "hyperfold.usage"
#define KEY_HEAD "hyperfold usage key 1\n"
#define KEY_TEXT (sizeof KEY_HEAD - 1 + 2 * crypto_sign_SEEDBYTES + 1)
#define SIGNED   "ed25519 "

void hf_usage_free(hf_usage *usage) {
  free(usage->tenants);
  *usage = (hf_usage){0};
}

/* ---- the document ---- */

static json_t *jobs_json(const hf_tenant_stats *t) {
  json_t *jobs = json_object();
  for (int i = 0; i < HF_JOB_STATES; i++)
    json_object_set_new(jobs, hf_job_state_text((hf_job_state)i), json_integer((json_int_t)t->jobs[i]));
  return jobs;
}

static json_t *tenant_json(const hf_tenant_stats *t) {
  return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "tenant", t->tenant, "weight", (json_int_t)t->weight,
                   "used_ms", (json_int_t)t->used_ms, "proved_ms", (json_int_t)t->proved_ms, "refused_ms",
                   (json_int_t)t->refused_ms, "jobs", jobs_json(t));
}

static bool in_range(const hf_tenant_stats *t) {
  uint64_t most = t->used_ms | t->proved_ms | t->refused_ms;
  for (int i = 0; i < HF_JOB_STATES; i++) most |= t->jobs[i];
  return most <= INT64_MAX;
}

hf_status hf_usage_encode(const hf_usage *usage, hf_writer *w) {
  hf_status status = HF_OK;
  const hf_reading *r = &usage->reading;
  char *text = NULL;
  json_t *document = NULL, *tenants = json_array();
  if (r->life > INT64_MAX || r->sequence > INT64_MAX || r->time_ms > INT64_MAX)
    HF_TRY(hf_fail(HF_E_RANGE, "usage: a number above 2^63 - 1"));
  for (size_t i = 0; i < usage->count; i++) {
    if (!in_range(&usage->tenants[i]))
      HF_TRY(hf_fail(HF_E_RANGE, "usage: a meter of tenant %s is above 2^63 - 1", usage->tenants[i].tenant));
    if (json_array_append_new(tenants, tenant_json(&usage->tenants[i])) != 0)
      HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a document"));
  }
  document = json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:O}", "format", FORMAT, "version", 1, "store",
                       r->store, "life", (json_int_t)r->life, "sequence", (json_int_t)r->sequence, "time_ms",
                       (json_int_t)r->time_ms, "tenants", tenants);
  text = document != NULL ? json_dumps(document, JSON_COMPACT) : NULL;
  if (text == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a document"));
  hf_write_bytes(w, text, strlen(text));
  hf_write_u8(w, '\n');
  status = hf_writer_status(w);
out:
  free(text);
  json_decref(document);
  json_decref(tenants);
  return status;
}

/* A natural number; false for what is none. */
static bool natural(json_t *value, uint64_t *out) {
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *out = (uint64_t)json_integer_value(value);
  return true;
}

static bool read_tenant(json_t *entry, hf_tenant_stats *out) {
  const char *name;
  json_t *weight, *used, *proved, *refused, *jobs;
  uint64_t w;
  char checked[HF_NAME_MAX + 1];
  if (json_unpack(entry, "{s:s, s:o, s:o, s:o, s:o, s:o !}", "tenant", &name, "weight", &weight, "used_ms",
                  &used, "proved_ms", &proved, "refused_ms", &refused, "jobs", &jobs) != 0 ||
      hf_name_copy("tenant", name, checked) != HF_OK)
    return false;
  memcpy(out->tenant, checked, sizeof checked);
  if (!natural(weight, &w) || w == 0 || w > 1000000 || !natural(used, &out->used_ms) ||
      !natural(proved, &out->proved_ms) || !natural(refused, &out->refused_ms))
    return false;
  out->weight = (uint32_t)w;
  if (!json_is_object(jobs) || json_object_size(jobs) != HF_JOB_STATES) return false;
  for (int i = 0; i < HF_JOB_STATES; i++)
    if (!natural(json_object_get(jobs, hf_job_state_text((hf_job_state)i)), &out->jobs[i])) return false;
  return true;
}

static hf_status read_tenants(json_t *list, hf_usage *out) {
  size_t count = json_array_size(list);
  out->tenants = calloc(count + 1, sizeof *out->tenants);
  if (out->tenants == NULL) return hf_fail(HF_E_MEMORY, "no memory for %zu tenants", count);
  for (size_t i = 0; i < count; i++, out->count++) {
    if (!read_tenant(json_array_get(list, i), &out->tenants[i]))
      return hf_fail(HF_E_FORMAT, "usage: entry %zu of the tenants is malformed", i);
    if (i > 0 && strcmp(out->tenants[i - 1].tenant, out->tenants[i].tenant) >= 0)
      return hf_fail(HF_E_FORMAT, "usage: tenant %s is not in its place", out->tenants[i].tenant);
  }
  return HF_OK;
}

hf_status hf_usage_decode(const char *text, size_t length, hf_usage *out) {
  hf_status status = HF_OK;
  json_error_t error;
  json_t *life, *sequence, *time, *tenants;
  const char *format, *store;
  int version;
  hf_reading *r = &out->reading;
  *out = (hf_usage){0};
  json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  if (document == NULL) return hf_fail(HF_E_FORMAT, "usage: no JSON: %s", error.text);
  if (json_unpack(document, "{s:s, s:i}", "format", &format, "version", &version) != 0 ||
      strcmp(format, FORMAT) != 0)
    HF_TRY(hf_fail(HF_E_FORMAT, "usage: not a reading of a queue's meters"));
  if (version != 1)
    HF_TRY(hf_fail(HF_E_VERSION, "usage: a document of version %d, this build knows 1", version));
  if (json_unpack(document, "{s:s, s:i, s:s, s:o, s:o, s:o, s:o !}", "format", &format, "version", &version,
                  "store", &store, "life", &life, "sequence", &sequence, "time_ms", &time, "tenants",
                  &tenants) != 0 ||
      strlen(store) != sizeof r->store - 1 || strspn(store, "0123456789abcdef") != sizeof r->store - 1 ||
      !natural(life, &r->life) || !natural(sequence, &r->sequence) || !natural(time, &r->time_ms) ||
      !json_is_array(tenants))
    HF_TRY(hf_fail(HF_E_FORMAT, "usage: a field is missing, malformed or not known"));
  memcpy(r->store, store, sizeof r->store);
  HF_TRY(read_tenants(tenants, out));
out:
  json_decref(document);
  if (status != HF_OK) hf_usage_free(out);
  return status;
}

/* ---- signatures ---- */

hf_status hf_usage_key_create(const char *path, char public_key[HF_USAGE_PUBLIC]) {
  hf_status status;
  uint8_t seed[crypto_sign_SEEDBYTES], pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
  char text[KEY_TEXT + 1] = KEY_HEAD;
  HF_TRY(hf_random_bytes(seed, sizeof seed));
  hf_hex(seed, sizeof seed, text + sizeof KEY_HEAD - 1);
  text[KEY_TEXT - 1] = '\n';
  if (crypto_sign_seed_keypair(pk, sk, seed) != 0)
    HF_TRY(hf_fail(HF_E_INTERNAL, "usage: no key from a seed"));
  HF_TRY(hf_key_file_create(path, text, KEY_TEXT));
  hf_hex(pk, sizeof pk, public_key);
out:
  explicit_bzero(seed, sizeof seed);
  explicit_bzero(sk, sizeof sk);
  explicit_bzero(text, sizeof text);
  return status;
}

static hf_status read_key(const char *path, uint8_t seed[crypto_sign_SEEDBYTES]) {
  char text[KEY_TEXT + 1] = {0};
  size_t length;
  hf_status status = hf_key_file_read(path, text, sizeof text, &length);
  if (status != HF_OK) goto out;
  char *digits = text + sizeof KEY_HEAD - 1;
  if (length != KEY_TEXT || memcmp(text, KEY_HEAD, sizeof KEY_HEAD - 1) != 0 || text[KEY_TEXT - 1] != '\n')
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: not a key for usage; queue usage --make-key makes one", path));
  digits[2 * crypto_sign_SEEDBYTES] = '\0';
  status = hf_unhex(digits, seed, crypto_sign_SEEDBYTES);
  if (status != HF_OK) status = hf_fail_context(status, "%s", path);
out:
  explicit_bzero(text, sizeof text);
  return status;
}

/* What is signed: the domain and the first line. */
static hf_status message_of(const void *line, size_t length, hf_writer *out) {
  hf_write_bytes(out, DOMAIN, sizeof DOMAIN - 1);
  hf_write_bytes(out, line, length);
  return hf_writer_status(out);
}

hf_status hf_usage_sign(const char *key_path, hf_writer *document) {
  hf_status status;
  uint8_t seed[crypto_sign_SEEDBYTES], pk[crypto_sign_PUBLICKEYBYTES], sk[crypto_sign_SECRETKEYBYTES];
  uint8_t signature[crypto_sign_BYTES];
  char hex[2 * crypto_sign_BYTES + 1];
  hf_writer message = {0};
  HF_TRY(read_key(key_path, seed));
  HF_TRY(message_of(document->data, document->length, &message));
  if (crypto_sign_seed_keypair(pk, sk, seed) != 0 ||
      crypto_sign_detached(signature, NULL, message.data, message.length, sk) != 0)
    HF_TRY(hf_fail(HF_E_INTERNAL, "usage: no signature"));
  hf_write_bytes(document, SIGNED, sizeof SIGNED - 1);
  hf_hex(pk, sizeof pk, hex);
  hf_write_bytes(document, hex, strlen(hex));
  hf_write_u8(document, ' ');
  hf_hex(signature, sizeof signature, hex);
  hf_write_bytes(document, hex, strlen(hex));
  hf_write_u8(document, '\n');
  status = hf_writer_status(document);
out:
  explicit_bzero(seed, sizeof seed);
  explicit_bzero(sk, sizeof sk);
  hf_writer_free(&message);
  return status;
}

#define SECOND_LINE (sizeof SIGNED - 1 + 2 * crypto_sign_PUBLICKEYBYTES + 1 + 2 * crypto_sign_BYTES + 1)

/* The first line's length with its newline, and key and signature of the second. */
static hf_status split(const char *data, size_t length, size_t *first, uint8_t pk[crypto_sign_PUBLICKEYBYTES],
                       uint8_t signature[crypto_sign_BYTES]) {
  hf_status status = HF_OK;
  char line[SECOND_LINE];
  const char *end = length ? memchr(data, '\n', length) : NULL;
  *first = end ? (size_t)(end - data) + 1 : 0;
  if (end == NULL || length - *first != SECOND_LINE || memcmp(data + *first, SIGNED, sizeof SIGNED - 1) != 0)
    return hf_fail(HF_E_VERIFY, "it is not signed");
  memcpy(line, data + *first, sizeof line);
  char *key = line + sizeof SIGNED - 1, *sign = key + 2 * crypto_sign_PUBLICKEYBYTES + 1;
  if (sign[-1] != ' ' || line[SECOND_LINE - 1] != '\n')
    return hf_fail(HF_E_VERIFY, "its signature is malformed");
  sign[-1] = line[SECOND_LINE - 1] = '\0';
  HF_TRY(hf_unhex(key, pk, crypto_sign_PUBLICKEYBYTES));
  HF_TRY(hf_unhex(sign, signature, crypto_sign_BYTES));
out:
  return status == HF_OK ? HF_OK : hf_fail_context(HF_E_VERIFY, "its signature is malformed");
}

hf_status hf_usage_check(const char *name, const void *data, size_t length, const char *public_key,
                         hf_usage *out) {
  hf_status status;
  uint8_t wanted[crypto_sign_PUBLICKEYBYTES], pk[crypto_sign_PUBLICKEYBYTES], signature[crypto_sign_BYTES];
  size_t first;
  hf_writer message = {0};
  *out = (hf_usage){0};
  status = hf_unhex(public_key, wanted, sizeof wanted);
  if (status != HF_OK) return hf_fail_context(status, "the public key that is to have signed");
  HF_TRY(split(data, length, &first, pk, signature));
  if (memcmp(pk, wanted, sizeof pk) != 0) HF_TRY(hf_fail(HF_E_VERIFY, "it is signed by another key"));
  HF_TRY(message_of(data, first, &message));
  if (crypto_sign_verify_detached(signature, message.data, message.length, pk) != 0)
    HF_TRY(hf_fail(HF_E_VERIFY, "it was changed after it was signed"));
  HF_TRY(hf_usage_decode(data, first - 1, out));
out:
  hf_writer_free(&message);
  return status == HF_OK ? HF_OK : hf_fail_context(status, "%s", name);
}

/* ---- two readings ---- */

static hf_status shrunk(const char *tenant, const char *meter, uint64_t from, uint64_t to) {
  if (to >= from) return HF_OK;
  return hf_fail(HF_E_REFUSED, "the meter %s of tenant %s has shrunk, from %llu to %llu", meter, tenant,
                 (unsigned long long)from, (unsigned long long)to);
}

static hf_status subtract(const hf_tenant_stats *from, hf_tenant_stats *to) {
  hf_status status;
  HF_TRY(shrunk(to->tenant, "used_ms", from->used_ms, to->used_ms));
  HF_TRY(shrunk(to->tenant, "proved_ms", from->proved_ms, to->proved_ms));
  HF_TRY(shrunk(to->tenant, "refused_ms", from->refused_ms, to->refused_ms));
  to->used_ms -= from->used_ms;
  to->proved_ms -= from->proved_ms;
  to->refused_ms -= from->refused_ms;
out:
  return status;
}

hf_status hf_usage_between(const hf_usage *earlier, const hf_usage *later, hf_usage *out) {
  hf_status status = HF_OK;
  const hf_reading *a = &earlier->reading, *b = &later->reading;
  *out = (hf_usage){.reading = *b, .count = later->count};
  if (strcmp(a->store, b->store) != 0)
    return hf_fail(HF_E_MISMATCH, "the readings are of two stores, %s and %s", a->store, b->store);
  if (a->life != b->life)
    return hf_fail(HF_E_MISMATCH,
                   "between the readings the store was put back from a copy: its meters began anew there");
  if (a->sequence >= b->sequence || a->time_ms > b->time_ms)
    return hf_fail(HF_E_REFUSED, "reading %llu, of %llu ms, does not come before reading %llu, of %llu ms",
                   (unsigned long long)a->sequence, (unsigned long long)a->time_ms,
                   (unsigned long long)b->sequence, (unsigned long long)b->time_ms);
  out->tenants = calloc(later->count + 1, sizeof *out->tenants);
  if (out->tenants == NULL) return hf_fail(HF_E_MEMORY, "no memory for %zu tenants", later->count);
  if (later->count) memcpy(out->tenants, later->tenants, later->count * sizeof *out->tenants);
  for (size_t i = 0, k = 0; i < earlier->count; i++) { /* both by name */
    while (k < later->count && strcmp(later->tenants[k].tenant, earlier->tenants[i].tenant) < 0) k++;
    if (k == later->count || strcmp(later->tenants[k].tenant, earlier->tenants[i].tenant) != 0)
      HF_TRY(hf_fail(HF_E_REFUSED, "tenant %s has gone from the later reading", earlier->tenants[i].tenant));
    HF_TRY(subtract(&earlier->tenants[i], &out->tenants[k]));
  }
out:
  if (status != HF_OK) hf_usage_free(out);
  return status;
}
