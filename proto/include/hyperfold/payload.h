/* Sealed payloads: a job's input that only the pool which proves it can read. It travels and rests sealed;
 * the proof and everything in the job's header stay open.
 *
 *   submitter                                 queue                        worker of the pool
 *   hf_payload_seal(job, input)  --->  job "CIRCUIT@POOL",        --->  hf_payload_open(job, bytes)
 *   public keys of the pool            an artifact of no meaning          secret keys of the pool
 *
 * PLACEMENT. A sealed job is for the circuit "CIRCUIT@POOL", where POOL is the id of the first recipient's
 * key, and a worker offers that for each key that it holds: a queue gives nobody what he cannot open. Later
 * recipients only read (an aggregator, a pool that takes over).
 *
 * FORMAT. A container (container.h) of kind "SPAY", version 1, whose payload is
 *
 *   offset size
 *      0     4   n, recipients, 1 to HF_PAYLOAD_RECIPIENTS
 *      4     4   zero
 *      8    32   E, an ephemeral X25519 key
 *     40    32   commitment to the content key C: BLAKE2b-256(C)
 *     72   56 n  for each recipient the 8 bytes of its id, then C sealed to it: XChaCha20-Poly1305 under
 *                BLAKE2b-256(X25519(e, R), E, R), R the recipient's key
 *   72+56n   -   XChaCha20-Poly1305 under C of: the input's length (8 bytes), the input, zeros to a multiple
 * of HF_PAYLOAD_PAD; associated data: all bytes before these, then the job's identity
 *
 * The identity is tenant, id, kind, circuit, parameters and pinned key: under any other job the payload does
 * not open. Every key is used for one message, so nonces are zero; because of the commitment all recipients
 * read the same.
 *
 * AGAIN. The same input for the same job and recipients gives the same bytes, so that submitting again is the
 * same job (queue.h): e and C are BLAKE2b-512 of identity, recipients and input under a secret of the
 * submitter, without which nobody can try whether a guess of the input is right.
 *
 * NOT HIDDEN: the header, the length up to the padding, when and by whom it was submitted and taken. NOT
 * SHOWN: who sealed it; whoever knows the public key can. Whoever gets a pool's secret key reads what was
 * ever sealed to it. */
#ifndef HYPERFOLD_PAYLOAD_H
#define HYPERFOLD_PAYLOAD_H

#include <hyperfold/job.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_PAYLOAD_KIND       "SPAY"
#define HF_PAYLOAD_RECIPIENTS 8
#define HF_PAYLOAD_PAD        4096
/* What sealing adds to an input at most, in bytes. */
#define HF_PAYLOAD_OVERHEAD (64 + 72 + 56 * HF_PAYLOAD_RECIPIENTS + 8 + HF_PAYLOAD_PAD + 16)

#define HF_POOL_ID   16  /* hexadecimal digits of the id of a pool's key */
#define HF_POOL_KEYS 16  /* secret keys that one process holds at most */
#define HF_POOL_TEXT 128 /* characters of a key's line and NUL */

typedef struct hf_pool_public {
  uint8_t key[32]; /* X25519 */
  char id[HF_POOL_ID + 1];
} hf_pool_public;

/* ---- keys of pools ---- */

/* Makes a key file (mode 0600, never over another). Errors of hf_key_file_create, HF_E_RANDOM. */
hf_status hf_pool_key_make(const char *path, hf_pool_public *out);
/* The line that --seal-to reads: "hyperfold-pool 1 HEX". */
void hf_pool_public_text(const hf_pool_public *pool, char out[HF_POOL_TEXT]);
/* Reads public keys, a line each, behind those that are there. HF_E_FORMAT for anything else (a secret key by
 * its name), HF_E_RANGE for more than HF_PAYLOAD_RECIPIENTS. */
hf_status hf_pool_public_read(const char *path, hf_pool_public out[HF_PAYLOAD_RECIPIENTS], size_t *count);

/* Secret keys, in memory that is not swapped out or dumped where the system allows that, and wiped at the
 * end. */
typedef struct hf_pool_keys hf_pool_keys;

hf_status hf_pool_keys_create(hf_pool_keys **out);
/* Adds a key file's. HF_E_REFUSED when others may read it; HF_E_FORMAT, HF_E_RANGE, HF_E_EXISTS (twice). */
hf_status hf_pool_keys_read(hf_pool_keys *keys, const char *path);
void hf_pool_keys_destroy(hf_pool_keys **keys); /* NULL is allowed */
size_t hf_pool_keys_count(const hf_pool_keys *keys);
const hf_pool_public *hf_pool_keys_at(const hf_pool_keys *keys, size_t i);

/* ---- names ---- */

/* The circuit of a job without "@POOL", and POOL; "" where it is not sealed (`pool` may be NULL). */
void hf_job_circuit(const hf_job_header *job, char circuit[HF_NAME_MAX + 1], char pool[HF_POOL_ID + 1]);
/* "CIRCUIT@POOL". HF_E_ARGUMENT where that is no name. */
hf_status hf_pool_circuit(const char *circuit, const char *pool, char out[HF_NAME_MAX + 1]);

/* ---- sealing ---- */

/* To whom, and the submitter's secret. */
typedef struct hf_sealer hf_sealer;

/* Reads the secret of `path`, made where there is none (mode 0600). A submitter keeps it: with another one,
 * what he submits again is another payload. */
hf_status hf_sealer_open(const hf_pool_public *recipients, size_t count, const char *path, hf_sealer **out);
void hf_sealer_close(hf_sealer **sealer); /* NULL is allowed */

/* A job id for an input, where the submitter gives none: says nothing to those without the secret. */
void hf_sealer_job_id(const hf_sealer *sealer, const void *input, size_t length, hf_job_id *out);

/* Appends the sealed input to `w` and makes the job's circuit "CIRCUIT@POOL". Key, kind, circuit, parameters
 * and vk digest must be there already; the input's digest is the caller's to fill in. */
hf_status hf_payload_seal(const hf_sealer *sealer, hf_job_header *job, const void *input, size_t length,
                          hf_writer *w);

/* ---- opening ---- */

/* What everybody sees of a sealed payload. */
typedef struct hf_payload_outside {
  uint32_t recipients;
  char pool[HF_PAYLOAD_RECIPIENTS][HF_POOL_ID + 1]; /* the first is the pool that proves */
  size_t padded;                                    /* bytes of the input with its length and padding */
} hf_payload_outside;

/* Reads that, of bytes that need not open. HF_E_FORMAT, HF_E_VERSION, HF_E_CHECKSUM. */
hf_status hf_payload_look(const void *data, size_t length, hf_payload_outside *out);

/* The input of a job, in fresh memory that the caller wipes and frees. HF_E_REFUSED: none of the keys (NULL:
 * none at all) is one that it is sealed to, with their ids; HF_E_MISMATCH: it is not this job's, or was
 * changed; HF_E_FORMAT, HF_E_VERSION, HF_E_CHECKSUM, HF_E_MEMORY. */
hf_status hf_payload_open(const hf_pool_keys *keys, const hf_job_header *job, const void *data, size_t length,
                          uint8_t **input, size_t *input_length);

#ifdef __cplusplus
}
#endif
#endif
