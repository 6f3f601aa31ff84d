/* A device gives the CPU's bytes: its keys, and its proofs with fixed randomness. */
#ifndef HF_TESTS_GPU_SAME_PROOF_H
#define HF_TESTS_GPU_SAME_PROOF_H
#include "../cpu/support.h"
#include "rig.h"

/* A proof of the rig's circuit on `k`, with the key of the rig. */
static inline void prove_on(hf_backend *k, const rig *r, uint64_t seed, hf_proof *proof) {
  rig_random source = {.seed = seed};
  hf_prover *prover;
  memset(proof, 0, sizeof *proof);
  OK(hf_prover_create(k, r->srs, r->key, &prover));
  OK(hf_prove_with(prover, r->circuit, NULL, rig_random_source, &source, proof, NULL));
  hf_prover_destroy(&prover);
}

/* Key and proof on `k` and on the rig's CPU are the same, and the proof is valid. The device's proof is left in *device. */
static inline void same_on(hf_backend *k, const rig *r, const char *what, hf_proof *device) {
  hf_proof *host = malloc(sizeof *host);
  hf_proving_key *key;
  hf_key_options options = {r->key->vk.kappa, r->key->vk.transcript};
  OK(hf_proving_key_derive(k, r->srs, r->circuit, &options, &key));
  cr_assert(hf_fr_eq(key->vk.digest, r->key->vk.digest), "%s: another key", what);
  hf_proving_key_destroy(&key);
  prove_on(r->backend, r, 17, host);
  prove_on(k, r, 17, device);
  cr_assert(memcmp(host, device, sizeof *host) == 0, "%s: another proof", what);
  cr_assert(rig_verify(&r->key->vk, device), "%s", what);
  free(host);
}

#endif
