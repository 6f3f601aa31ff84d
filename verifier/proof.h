/* A proof and the public inputs that it is about. */
#ifndef HF_PROOF_H
#define HF_PROOF_H

#include <hyperfold/bytes.h>
#include <hyperfold/status.h>
#include "arith/ec.h"
#include "layout.h"
#include "verifying_key.h"

#define HF_MAX_PUBLIC 1024

typedef struct hf_proof {
  unsigned kappa;
  hf_fr vk_digest;            /* of the key that it was made with */
  uint32_t public_count;
  hf_fr public_inputs[HF_MAX_PUBLIC];
  hf_g1 commitments[HF_WITNESS_COUNT + HF_SUMS_COUNT + HF_QUOTIENT_COUNT]; /* packs: witness, sums, quotient */
  hf_fr at_zeta[HF_EVALS_ZETA];
  hf_fr at_next[HF_EVALS_NEXT];
  hf_g1 w, w_prime;
} hf_proof;

#define HF_PROOF_KIND    "PROF"
#define HF_PROOF_VERSION 1

/* The payload of a "PROF" container (of a proof with a valid kappa): kappa, vk digest, public inputs, commitments,
 * evaluations, W, W'. The reader refuses values that are not canonical (HF_E_RANGE), points off the curve
 * (HF_E_CURVE) or at infinity (HF_E_INFINITY), wrong counts and trailing bytes (HF_E_FORMAT). */
void hf_proof_write(const hf_proof *proof, hf_writer *w);
hf_status hf_proof_read(hf_reader *r, hf_proof *proof);

/* Files. HF_E_ARGUMENT: kappa or the number of public inputs is none that a proof can have. */
hf_status hf_proof_save(const char *path, const hf_proof *proof);
hf_status hf_proof_load(const char *path, hf_proof *proof);
hf_status hf_proof_encode(const hf_proof *proof, hf_writer *w);
hf_status hf_proof_decode(const char *what, const void *data, size_t length, hf_proof *proof);

/* Field elements and points as proofs and keys hold them: 32 little-endian bytes a coordinate, canonical. */
void hf_write_fr(hf_writer *w, hf_fr value);
void hf_write_g1(hf_writer *w, hf_g1 point);
hf_status hf_read_fr(hf_reader *r, const char *field, hf_fr *out);
hf_status hf_read_g1(hf_reader *r, const char *field, hf_g1 *out);

#endif
