/* Proving keys: derived from a circuit's structure and an SRS, cached on disk, never sent.
 *
 * File: container "PKEY", version 1. Payload: the verifying key (as in "VKEY", its length u32 first), table width
 * u32, used rows u32, zeros up to a multiple of 64, then the 24 fixed columns, each n values on H of 32 bytes: four
 * little-endian limbs in Montgomery form.
 */
#ifndef HF_KEYS_H
#define HF_KEYS_H

#include "backend.h"
#include "circuit/circuit.h"
#include "srs.h"
#include "verifying_key.h"

#define HF_PKEY_KIND    "PKEY"
#define HF_PKEY_VERSION 1

typedef struct hf_key_options {
  unsigned kappa;                 /* polynomials in a commitment, 1..8; every proof that nodes verify has the same */
  hf_transcript_kind transcript;
} hf_key_options;

typedef struct hf_proving_key {
  hf_verifying_key vk;
  unsigned table_width;
  uint32_t used_rows;
  const hf_fr *fixed[HF_FIXED_COUNT]; /* values on H */
  hf_fr *memory;                      /* owns them, or NULL */
  struct hf_container *file;          /* owns them, or NULL */
} hf_proving_key;

/* SRS points that a key for 2^log_n rows needs. */
size_t hf_srs_points_needed(unsigned log_n, unsigned kappa);

/* Asked again and again while a key is derived, which may take minutes, with the part that is done, 0..1; false:
 * leave it (HF_E_CANCELLED). */
typedef struct hf_key_watch {
  bool (*progress)(void *context, double done);
  void *context;
} hf_key_watch;

/* Commits to the fixed columns. The circuit's witness plays no part. HF_E_RANGE: the SRS is too small (the message
 * says how many points are needed). */
hf_status hf_proving_key_derive(hf_backend *backend, const hf_srs *srs, const hf_circuit *circuit,
                                const hf_key_options *options, hf_proving_key **out);
/* The same; `watch` may be NULL. */
hf_status hf_proving_key_derive_watched(hf_backend *backend, const hf_srs *srs, const hf_circuit *circuit,
                                        const hf_key_options *options, const hf_key_watch *watch, hf_proving_key **out);
hf_status hf_proving_key_save(const char *path, const hf_proving_key *key);
hf_status hf_proving_key_load(const char *path, hf_proving_key **out);
void hf_proving_key_destroy(hf_proving_key **key);

#endif
