/* A backend, an SRS, a circuit, its key and a prover, ready to prove; and a prover that does not care. */
#ifndef HF_TEST_RIG_H
#define HF_TEST_RIG_H
#include "keys.h"
#include "prove.h"
#include "prove_internal.h"
#include "tiny.h"
#include "verify.h"

#define RIG_LOG_N 6

/* Long loops over rows and bytes take every RIG_STRIDE-th under sanitizers. */
#if defined(__SANITIZE_ADDRESS__)
#define RIG_STRIDE 5
#else
#define RIG_STRIDE 1
#endif

typedef struct rig {
  hf_backend *backend;
  hf_srs *srs;
  hf_circuit *circuit; /* owned */
  hf_proving_key *key;
  hf_prover *prover;
} rig;

/* tiny_circuit(RIG_LOG_N, 12). */
rig rig_make(unsigned kappa, hf_transcript_kind transcript);
/* Any circuit, which becomes the rig's. */
rig rig_of(hf_circuit *circuit, unsigned kappa, hf_transcript_kind transcript);
void rig_free(rig *r);

/* A proof of the rig's circuit (it must come about). */
void rig_prove(rig *r, hf_proof *proof);
/* The verdict; the check itself must be possible. */
bool rig_verify(const hf_verifying_key *vk, const hf_proof *proof);
/* True unless hf_verify says ok: refused by verdict or by status. */
bool rig_refuses(const hf_verifying_key *vk, const hf_proof *proof);

/* A reproducible source of randomness: keccak of a seed and a counter. */
typedef struct rig_random {
  uint64_t seed, calls;
  uint64_t fail_at; /* this call (from 1) fails with `failure`; 0 = none */
  hf_status failure;
  uint64_t change_at; /* this call's bytes differ in one bit; 0 = none */
  uint64_t accepted;  /* calls whose bytes are a field element as the prover reads them */
} rig_random;
hf_status rig_random_source(void *context, void *out, size_t length);

/* --- the prover that does not care ------------------------------------------------- */

/* Which running column, in the order of the proof. */
typedef void (*rig_tamper)(void *context, int sum, hf_fr *column, size_t n);

/* From now on sums "close" whatever they are, and `tamper` (may be NULL) may rewrite each running column on
 * H. One backend of a process at a time. */
void rig_cheat(rig *r, rig_tamper tamper, void *context);

/* --- development tau ------------------------------------------------------------------ */

/* The secret of HF_SRS_DEVELOPMENT_SECRET. Whoever knows it can open anything: with it the tests forge
 * openings to try the identity alone. */
hf_fr rig_tau(void);
/* Sets W' to what the pairing accepts for the rest of the proof. */
void rig_forge_opening(const hf_verifying_key *vk, hf_proof *proof);

#endif
