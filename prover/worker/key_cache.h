/* Proving keys on disk, by the digest of their verifying key, and those in use.
 *
 * A key is derived from a circuit and the SRS and never received from anybody: what a job pins is the digest
 * of its verifying key, and a key is used for it only when it has that digest. Files:
 *   FOLDER/DIGEST.pkey        the proving key ("PKEY")
 *   FOLDER/DIGEST.vkey        its verifying key ("VKEY"), for whoever verifies
 *   FOLDER/STRUCTURE.ref      the digest that circuit structure, SRS, kappa and transcript lead to
 * Several processes may share a folder: a key is derived under a file lock, so once. A damaged file is
 * derived again. Where the folder takes no file (a full disk) a derived key is used from memory, and the log says so.
 *
 * The keys of the last few circuits stay at hand, so that jobs of several circuits may alternate: with a
 * folder they are mapped files, which cost no memory that the system could not take back. On the device one is loaded,
 * and those before it stay as long as they fit in `provers_bytes`: loading takes a third of the time of a proof. */
#ifndef HF_KEY_CACHE_H
#define HF_KEY_CACHE_H

#include <hyperfold/digest.h>
#include <hyperfold/log.h>
#include "keys.h"
#include "prove.h"

typedef struct hf_key_cache hf_key_cache;

typedef struct hf_key_cache_options {
  const char *folder;  /* made when it is missing; NULL: nothing is kept on disk */
  hf_backend *backend; /* not owned; backend and SRS must outlive the cache */
  const hf_srs *srs;
  const hf_logger *log; /* NULL: silent */
  size_t provers_bytes; /* of the device's memory, for all loaded provers together; 0: one at a time */
} hf_key_cache_options;

hf_status hf_key_cache_create(const hf_key_cache_options *options, hf_key_cache **out);
void hf_key_cache_destroy(hf_key_cache **cache);

/* Who is asked from now on while a key is derived here, or waited for because another process derives it; NULL: nobody.
 * Not owned. */
void hf_key_cache_watch(hf_key_cache *cache, const hf_key_watch *watch);

/* The key of this circuit's structure with these options, from memory, disk or derivation, which completes the circuit
 * where it follows a plan. `expected` NULL:
 * any digest; otherwise HF_E_MISMATCH when circuit and SRS lead to another key. The key lives until the next
 * call or destroy. */
hf_status hf_key_cache_get(hf_key_cache *cache, hf_circuit *circuit, const hf_key_options *options,
                           const hf_digest *expected, const hf_proving_key **key);
/* A prover loaded with the key of the last hf_key_cache_get; same lifetime. */
hf_status hf_key_cache_prover(hf_key_cache *cache, hf_prover **prover);

/* The verifying key with this digest, from the folder's files: derived here before, by whichever process.
 * HF_E_NOT_FOUND when it was not. */
hf_status hf_key_cache_find(const hf_key_cache *cache, const hf_digest *digest, hf_verifying_key *out);
/* The same for those who have the folder and no cache. */
hf_status hf_key_folder_find(const char *folder, const hf_digest *digest, hf_verifying_key *out);

/* The 32 little-endian bytes of the digest of a verifying key: what jobs and file names call it. */
hf_digest hf_vk_digest_bytes(const hf_verifying_key *vk);

#endif
