#include "key_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <hyperfold/bytes.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

struct hf_key_cache {
  hf_key_cache_options options;
  char *folder;
  hf_proving_key *key; /* the one in use */
  hf_prover *prover;   /* loaded with it, or NULL */
  hf_digest reference; /* of the circuit that it belongs to */
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
  if (cache->options.keys.kappa == 0) cache->options.keys.kappa = HF_PRODUCTION_KAPPA;
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

static void drop(hf_key_cache *cache) {
  hf_prover_destroy(&cache->prover);
  hf_proving_key_destroy(&cache->key);
}

void hf_key_cache_destroy(hf_key_cache **cache) {
  if (*cache == NULL) return;
  drop(*cache);
  free((*cache)->folder);
  free(*cache);
  *cache = NULL;
}

static hf_status path_of(const hf_key_cache *cache, const hf_digest *digest, const char *suffix, char **out) {
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(digest, hex);
  if (asprintf(out, "%s/%s.%s", cache->folder, hex, suffix) < 0) {
    *out = NULL;
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  }
  return HF_OK;
}

/* Everything that decides which key comes out. */
static hf_digest reference_of(const hf_key_cache *cache, const hf_circuit *circuit) {
  hf_digest_state state;
  hf_digest out, structure = hf_circuit_structure_digest(circuit);
  uint8_t tau[128];
  uint32_t numbers[5] = {HF_PKEY_VERSION, cache->options.keys.kappa, (uint32_t)cache->options.keys.transcript,
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
static bool load(hf_key_cache *cache, const hf_digest *reference) {
  char *ref = NULL, *path = NULL;
  uint8_t *text = NULL;
  size_t length;
  hf_digest digest;
  hf_proving_key *key = NULL;
  bool found = false;
  if (path_of(cache, reference, "ref", &ref) != HF_OK) return false;
  if (hf_file_read(ref, 256, &text, &length) != HF_OK) goto out;
  if (length > 0 && text[length - 1] == '\n') text[length - 1] = 0;
  if (hf_digest_parse((const char *)text, &digest) != HF_OK ||
      path_of(cache, &digest, "pkey", &path) != HF_OK)
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
  cache->key = key;
  found = true;
out:
  free(text);
  free(path);
  free(ref);
  return found;
}

static hf_status save(hf_key_cache *cache, const hf_digest *reference) {
  hf_status status;
  char *pkey = NULL, *vkey = NULL, *ref = NULL, hex[HF_DIGEST_HEX + 1];
  hf_digest digest = hf_vk_digest_bytes(&cache->key->vk);
  HF_TRY(path_of(cache, &digest, "pkey", &pkey));
  HF_TRY(path_of(cache, &digest, "vkey", &vkey));
  HF_TRY(path_of(cache, reference, "ref", &ref));
  HF_TRY(hf_proving_key_save(pkey, cache->key));
  HF_TRY(hf_verifying_key_save(vkey, &cache->key->vk));
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

static hf_status derive(hf_key_cache *cache, const hf_circuit *circuit, const hf_digest *reference) {
  hf_status status;
  char *path = NULL;
  int lock = -1;
  if (cache->folder != NULL) {
    HF_TRY(path_of(cache, reference, "lock", &path));
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0) {
      status = hf_fail(hf_status_of_errno(errno), "%s: %s", path, strerror(errno));
      goto out;
    }
    while (flock(lock, LOCK_EX) != 0) {
      if (errno == EINTR) continue;
      status = hf_fail(HF_E_IO, "%s: %s", path, strerror(errno));
      goto out;
    }
    if (load(cache, reference)) goto out; /* somebody else derived it meanwhile */
  }
  hf_log(cache->options.log, HF_LOG_INFO, "deriving a key", HF_LOG_UINT("log_n", circuit->log_n),
         HF_LOG_UINT("kappa", cache->options.keys.kappa));
  HF_TRY(hf_proving_key_derive(cache->options.backend, cache->options.srs, circuit, &cache->options.keys,
                               &cache->key));
  if (cache->folder != NULL) {
    HF_TRY(save(cache, reference));
    (void)unlink(path);
  }
out:
  if (lock >= 0) close(lock);
  free(path);
  return status;
}

hf_status hf_key_cache_get(hf_key_cache *cache, const hf_circuit *circuit, const hf_digest *expected,
                           const hf_proving_key **out) {
  hf_status status = HF_OK;
  hf_digest reference = reference_of(cache, circuit);
  *out = NULL;
  if (cache->key == NULL || !hf_digest_eq(&reference, &cache->reference)) {
    drop(cache);
    cache->reference = reference;
    if (cache->folder == NULL || !load(cache, &reference)) HF_TRY(derive(cache, circuit, &reference));
  }
  hf_digest has = hf_vk_digest_bytes(&cache->key->vk);
  if (expected != NULL && !hf_digest_eq(&has, expected)) {
    char want[HF_DIGEST_HEX], got[HF_DIGEST_HEX];
    hf_digest_hex(expected, want);
    hf_digest_hex(&has, got);
    status = hf_fail(HF_E_MISMATCH, "the job pins key %s, circuit and SRS \"%s\" here lead to %s", want,
                     cache->options.srs->name, got);
    goto out;
  }
  *out = cache->key;
out:
  if (status != HF_OK && cache->key == NULL) drop(cache);
  return status;
}

hf_status hf_key_cache_prover(hf_key_cache *cache, hf_prover **prover) {
  hf_status status = HF_OK;
  *prover = NULL;
  if (cache->key == NULL) return hf_fail(HF_E_STATE, "no key was got from the cache");
  if (cache->prover == NULL)
    status = hf_prover_create(cache->options.backend, cache->options.srs, cache->key, &cache->prover);
  *prover = cache->prover;
  return status;
}
