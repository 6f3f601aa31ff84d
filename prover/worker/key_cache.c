#include "key_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <hyperfold/bytes.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define KEYS 4 /* kept at hand: batches of one or two shapes, node, seal */

typedef struct cached_key {
  hf_proving_key *key; /* NULL: a free place */
  hf_prover *prover;   /* loaded with it, or NULL */
  hf_digest reference; /* of the circuit that it belongs to */
  uint64_t used;       /* when it was last got */
} cached_key;

struct hf_key_cache {
  hf_key_cache_options options;
  char *folder;
  cached_key keys[KEYS];
  uint64_t clock;
  cached_key *current; /* the last that was got, or NULL */
  const hf_key_watch *watch;
};

hf_digest hf_vk_digest_bytes(const hf_verifying_key *vk) {
  hf_digest digest;
  hf_fr_to_bytes(vk->digest, digest.b);
  return digest;
}

hf_status hf_key_cache_create(const hf_key_cache_options *options, hf_key_cache **out) {
  hf_status status = HF_OK;
  hf_key_cache *cache = calloc(1, sizeof *cache);
  if (cache == NULL) return hf_fail(HF_E_MEMORY, "no memory for a key cache");
  cache->options = *options;
  if (options->folder != NULL) {
    cache->folder = strdup(options->folder);
    if (cache->folder == NULL)
      status = hf_fail(HF_E_MEMORY, "no memory for a key cache");
    else
      status = hf_folder_create(cache->folder, 0755);
  }
  if (status != HF_OK) hf_key_cache_destroy(&cache);
  *out = cache;
  return status;
}

static void drop(hf_key_cache *cache, cached_key *entry) {
  if (cache->current == entry) cache->current = NULL;
  hf_prover_destroy(&entry->prover);
  hf_proving_key_destroy(&entry->key);
}

/* Provers that do not fit beside `entry`'s go, those first that were used longest ago: before its columns come. */
static void make_room(hf_key_cache *cache, const cached_key *entry, size_t bytes) {
  for (;;) {
    cached_key *oldest = NULL;
    size_t total = bytes;
    for (int i = 0; i < KEYS; i++) {
      cached_key *e = &cache->keys[i];
      if (e == entry || e->prover == NULL) continue;
      total += hf_prover_bytes(cache->options.backend, e->key->vk.log_n, e->key->vk.kappa);
      if (oldest == NULL || e->used < oldest->used) oldest = e;
    }
    if (oldest == NULL || total <= cache->options.provers_bytes) return;
    hf_prover_destroy(&oldest->prover);
  }
}

void hf_key_cache_destroy(hf_key_cache **cache) {
  if (*cache == NULL) return;
  for (int i = 0; i < KEYS; i++) drop(*cache, &(*cache)->keys[i]);
  free((*cache)->folder);
  free(*cache);
  *cache = NULL;
}

static hf_status path_of(const char *folder, const hf_digest *digest, const char *suffix, char **out) {
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(digest, hex);
  if (asprintf(out, "%s/%s.%s", folder, hex, suffix) < 0) {
    *out = NULL;
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  }
  return HF_OK;
}

/* Everything that decides which key comes out. */
static hf_digest reference_of(const hf_key_cache *cache, const hf_circuit *circuit,
                              const hf_key_options *options) {
  hf_digest_state state;
  hf_digest out, structure = hf_circuit_structure_digest(circuit);
  uint8_t tau[128];
  uint32_t numbers[5] = {HF_PKEY_VERSION, options->kappa, (uint32_t)options->transcript,
                         cache->options.srs->development, circuit->foldable + 2u * circuit->seal};
  hf_g2_to_bytes(cache->options.srs->tau_g2, tau);
  hf_digest_init(&state);
  hf_digest_update(&state, "hyperfold.key.reference.v1", 26);
  hf_digest_update(&state, structure.b, sizeof structure.b);
  hf_digest_update(&state, numbers, sizeof numbers);
  hf_digest_update(&state, tau, sizeof tau);
  hf_digest_final(&state, &out);
  return out;
}

/* Takes the key that the reference names, when there is one and it is whole. */
static bool load(const hf_key_cache *cache, const hf_digest *reference, hf_proving_key **out) {
  char *ref = NULL, *path = NULL;
  uint8_t *text = NULL;
  size_t length;
  hf_digest digest;
  hf_proving_key *key = NULL;
  bool found = false;
  if (path_of(cache->folder, reference, "ref", &ref) != HF_OK) return false;
  if (hf_file_read(ref, 256, &text, &length) != HF_OK) goto out;
  if (length > 0 && text[length - 1] == '\n') text[length - 1] = 0;
  if (hf_digest_parse((const char *)text, &digest) != HF_OK ||
      path_of(cache->folder, &digest, "pkey", &path) != HF_OK)
    goto out;
  if (hf_proving_key_load(path, &key) != HF_OK) {
    hf_log(cache->options.log, HF_LOG_WARN, "key file unusable", HF_LOG_TEXT("file", path),
           HF_LOG_TEXT("error", hf_error_message()));
    goto out;
  }
  hf_digest has = hf_vk_digest_bytes(&key->vk);
  if (!hf_digest_eq(&has, &digest)) {
    hf_log(cache->options.log, HF_LOG_WARN, "key file has another digest", HF_LOG_TEXT("file", path));
    hf_proving_key_destroy(&key);
    goto out;
  }
  *out = key;
  found = true;
out:
  free(text);
  free(path);
  free(ref);
  return found;
}

static hf_status save(const hf_key_cache *cache, const hf_digest *reference, const hf_proving_key *key) {
  hf_status status;
  char *pkey = NULL, *vkey = NULL, *ref = NULL, hex[HF_DIGEST_HEX + 1];
  hf_digest digest = hf_vk_digest_bytes(&key->vk);
  HF_TRY(path_of(cache->folder, &digest, "pkey", &pkey));
  HF_TRY(path_of(cache->folder, &digest, "vkey", &vkey));
  HF_TRY(path_of(cache->folder, reference, "ref", &ref));
  HF_TRY(hf_proving_key_save(pkey, key));
  HF_TRY(hf_verifying_key_save(vkey, &key->vk));
  hf_digest_hex(&digest, hex);
  hex[HF_DIGEST_HEX - 1] = '\n';
  hf_bytes part = {hex, HF_DIGEST_HEX};
  HF_TRY(hf_file_write(ref, 0644, &part, 1));
out:
  free(pkey);
  free(vkey);
  free(ref);
  return status;
}

static void not_kept(const hf_key_cache *cache, hf_status status) {
  hf_log(cache->options.log, HF_LOG_WARN, "a key cannot be kept on the disk; it is used from memory",
         HF_LOG_TEXT("folder", cache->folder), HF_LOG_STATUS(status));
}

/* Until no other process derives this key. Whoever watches sees a sign of life. */
static hf_status wait_for_lock(const hf_key_cache *cache, int lock, const char *path) {
  const struct timespec pause = {0, 100000000};
  while (flock(lock, cache->watch ? LOCK_EX | LOCK_NB : LOCK_EX) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return hf_fail(HF_E_IO, "%s: %s", path, strerror(errno));
    if (!cache->watch->progress(cache->watch->context, 0))
      return hf_fail(HF_E_CANCELLED, "left while another process derived its key");
    nanosleep(&pause, NULL);
  }
  return HF_OK;
}

static hf_status derive(const hf_key_cache *cache, hf_circuit *circuit, const hf_key_options *options,
                        const hf_digest *reference, hf_proving_key **out) {
  hf_status status;
  char *path = NULL;
  int lock = -1;
  if (cache->folder != NULL) {
    HF_TRY(path_of(cache->folder, reference, "lock", &path));
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0) { /* a full disk, say: others may derive it as well, and it is not kept */
      status = hf_fail(hf_status_of_errno(errno), "%s: %s", path, strerror(errno));
      not_kept(cache, status);
    }
    if (lock >= 0) HF_TRY(wait_for_lock(cache, lock, path));
    if (load(cache, reference, out)) goto out; /* somebody else derived it meanwhile */
  }
  hf_log(cache->options.log, HF_LOG_INFO, "deriving a key", HF_LOG_UINT("log_n", circuit->log_n),
         HF_LOG_UINT("kappa", options->kappa));
  HF_TRY(hf_circuit_complete(circuit, NULL));
  HF_TRY(hf_proving_key_derive_watched(cache->options.backend, cache->options.srs, circuit, options, cache->watch, out));
  if (lock >= 0) {
    hf_proving_key *mapped = NULL;
    status = save(cache, reference, *out);
    (void)unlink(path);
    if (status != HF_OK) { /* it is whole in memory: no job fails for want of a copy */
      not_kept(cache, status);
      status = HF_OK;
    } else if (load(cache, reference, &mapped)) { /* the same columns, in memory that the system can take back */
      hf_proving_key_destroy(out);
      *out = mapped;
    }
  }
out:
  if (status != HF_OK) hf_proving_key_destroy(out);
  if (lock >= 0) close(lock);
  free(path);
  return status;
}

/* The place of the key with this reference, or a free one, at the cost of the key that was used longest ago.
 */
static cached_key *place_of(hf_key_cache *cache, const hf_digest *reference) {
  cached_key *oldest = &cache->keys[0];
  for (int i = 0; i < KEYS; i++) {
    cached_key *e = &cache->keys[i];
    if (e->key != NULL && hf_digest_eq(&e->reference, reference)) return e;
    if (oldest->key != NULL && (e->key == NULL || e->used < oldest->used)) oldest = e;
  }
  drop(cache, oldest);
  oldest->reference = *reference;
  return oldest;
}

void hf_key_cache_watch(hf_key_cache *cache, const hf_key_watch *watch) { cache->watch = watch; }

hf_status hf_key_cache_get(hf_key_cache *cache, hf_circuit *circuit, const hf_key_options *options,
                           const hf_digest *expected, const hf_proving_key **out) {
  hf_status status = HF_OK;
  hf_digest reference = reference_of(cache, circuit, options);
  cached_key *entry = place_of(cache, &reference);
  *out = NULL;
  if (entry->prover == NULL) make_room(cache, entry, hf_prover_bytes(cache->options.backend, circuit->log_n, options->kappa));
  cache->current = entry;
  entry->used = ++cache->clock;
  if (entry->key == NULL && (cache->folder == NULL || !load(cache, &reference, &entry->key)))
    HF_TRY(derive(cache, circuit, options, &reference, &entry->key));
  hf_digest has = hf_vk_digest_bytes(&entry->key->vk);
  if (expected != NULL && !hf_digest_eq(&has, expected)) {
    char want[HF_DIGEST_HEX], got[HF_DIGEST_HEX];
    hf_digest_hex(expected, want);
    hf_digest_hex(&has, got);
    status = hf_fail(HF_E_MISMATCH, "the job pins key %s, circuit and SRS \"%s\" here lead to %s", want,
                     cache->options.srs->name, got);
    goto out;
  }
  *out = entry->key;
out:
  return status;
}

hf_status hf_key_cache_prover(hf_key_cache *cache, hf_prover **prover) {
  hf_status status = HF_OK;
  cached_key *entry = cache->current;
  *prover = NULL;
  if (entry == NULL || entry->key == NULL) return hf_fail(HF_E_STATE, "no key was got from the cache");
  if (entry->prover == NULL)
    status = hf_prover_create(cache->options.backend, cache->options.srs, entry->key, &entry->prover);
  *prover = entry->prover;
  return status;
}

hf_status hf_key_cache_find(const hf_key_cache *cache, const hf_digest *digest, hf_verifying_key *out) {
  if (cache->folder == NULL) return hf_fail(HF_E_NOT_FOUND, "no keys are kept on disk");
  return hf_key_folder_find(cache->folder, digest, out);
}

hf_status hf_key_folder_find(const char *folder, const hf_digest *digest, hf_verifying_key *out) {
  hf_status status;
  char *path = NULL;
  HF_TRY(path_of(folder, digest, "vkey", &path));
  HF_TRY(hf_verifying_key_load(path, out));
  hf_digest has = hf_vk_digest_bytes(out);
  if (!hf_digest_eq(&has, digest))
    status = hf_fail(HF_E_MISMATCH, "%s: the key in it has another digest", path);
out:
  free(path);
  return status;
}
