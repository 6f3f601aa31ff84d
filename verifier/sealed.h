/* What goes to L1: the proof of a seal, the records that it is about, and the public data posted for each of
 * them.
 *
 * The aggregator makes it, `settle` turns it into calldata, and anybody may check it without the contract:
 * hf_sealed_check says what the contract will say, before gas is paid.
 */
#ifndef HF_SEALED_H
#define HF_SEALED_H

#include <hyperfold/rollup.h>
#include <hyperfold/status.h>
#include "proof.h"
#include "statement.h"
#include "verifying_key.h"

/* One record and its posted words: HF_DATA_WORDS a slot, in the order of the slots, each 32 little-endian
 * bytes below 2^248. What a validium does not post is zero here too: the words are those that x_d and y_d are
 * over. */
typedef struct hf_sealed_batch {
  hf_batch_record record; /* word 0 is the digest of the leaf's key */
  uint32_t slots;         /* 1 .. HF_ROLLUP_SLOTS_MAX; fixed by the leaf's key */
  uint8_t (*data)[32];    /* HF_DATA_WORDS * slots words, owned */
} hf_sealed_batch;

typedef struct hf_sealed {
  hf_proof proof;   /* of the seal; proof.vk_digest names its key */
  uint32_t records; /* m, 1 .. HF_SEAL_RECORDS_MAX */
  hf_sealed_batch batch[HF_SEAL_RECORDS_MAX];
} hf_sealed; /* large: allocate it; release with hf_sealed_free */

/* Files and artifacts: container "SLED", version 1. The payload, integers little-endian:
 *   the proof (as in "PROF"), m u32, then m times: 34 record words, slots u32, 3 slots data words. */
#define HF_SEALED_KIND    "SLED"
#define HF_SEALED_VERSION 1
#define HF_SEALED_LIMIT   ((size_t)64 << 20)

/* Zeroed or freed objects are fine. Frees what the object owns, not the object. */
void hf_sealed_free(hf_sealed *sealed);

/* Appends the container to `w`; HF_E_ARGUMENT for what could not be read again. */
hf_status hf_sealed_encode(const hf_sealed *sealed, hf_writer *w);
/* Strict: everything that the reader of proofs refuses; counts out of range, record words outside their
 * types, data words of more than 248 bits (HF_E_RANGE), trailing bytes (HF_E_FORMAT). `out` is empty on
 * failure. */
hf_status hf_sealed_decode(const char *what, const void *data, size_t length, hf_sealed *out);
hf_status hf_sealed_save(const char *path, const hf_sealed *sealed);
hf_status hf_sealed_load(const char *path, hf_sealed *out);

/* *ok = the public words of the seal are those of these records: statement = their root, m, x and y. */
hf_status hf_seal_states(const hf_proof *proof, const hf_batch_record *records, uint32_t m, bool *ok);

/* *ok = all that a contract checks of the object itself: the proof convinces under `vk`, which must be a
 * seal's, the accumulator included; it states these records; every record's posted words have its x_d and
 * y_d. What only the contract knows (which leaf keys a chain allows, its root and number, its deposits) is
 * not looked at. The reason is in hf_error_message(). */
hf_status hf_sealed_check(const hf_sealed *sealed, const hf_verifying_key *vk, bool *ok);

#endif
