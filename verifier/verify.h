/* The native verifier: small, and without prover, device or queue. */
#ifndef HF_VERIFY_H
#define HF_VERIFY_H

#include "proof.h"
#include "verifying_key.h"

/* All challenges of a proof, in the order of the transcript. */
typedef struct hf_challenges {
  hf_fr beta, gamma, lambda, eta, chi, alpha, zeta, y;
  hf_fr v[HF_MAX_PACKS]; /* odd, between -2^126 and 2^126 */
} hf_challenges;

/* Replays the transcript of a proof. */
void hf_challenges_derive(const hf_verifying_key *vk, const hf_proof *proof, hf_challenges *out);

/* *ok = the proof convinces under `vk`: the instance is well formed, the identity holds at zeta, the openings
 * pass the pairing, and so does the accumulator that a node or a seal hands on. A foldable key's proof is a leaf
 * (word node_vk and accumulator all zero) or a node (node_vk is the digest of `vk` itself). What is convincing is
 * that `vk`'s circuit holds: which keys count is for the caller, who knows their digests. When it does not,
 * hf_error_message() says which check failed. A status other than HF_OK means that the check itself could not be
 * made. HF_E_MISMATCH: the proof names another key. HF_E_ARGUMENT: the key is not one that hf_verifying_key_finish
 * let through. HF_E_RANGE, HF_E_CURVE, HF_E_INFINITY: the proof holds something that no reader would have let
 * through. */
hf_status hf_verify(const hf_verifying_key *vk, const hf_proof *proof, bool *ok);

/* Everything but the pairing: *ok and the pair (L, R) for which e(L, [1]_2) = e(R, [tau]_2) remains to be checked. */
hf_status hf_verify_deferred(const hf_verifying_key *vk, const hf_proof *proof, bool *ok, hf_g1 *left, hf_g1 *right);

/* The two points of an accumulator, HF_ACCUMULATOR_WORDS words. HF_E_RANGE (a part or coordinate too large),
 * HF_E_CURVE, HF_E_INFINITY. */
hf_status hf_accumulator_read(const hf_fr *words, hf_g1 *left, hf_g1 *right);
/* *ok = e(left, [1]_2) = e(right, [tau]_2). */
hf_status hf_accumulator_decide(hf_g1 left, hf_g1 right, hf_g2 tau_g2, bool *ok);

#endif
