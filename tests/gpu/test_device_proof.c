/* Whole proofs with fixed randomness: a device gives the CPU's bytes, from keys that it derives alike. */
#include <stdio.h>
#include "../cpu/support.h"
#include "circuits/batch.h"
#include "reference.h"
#include "rig.h"

/* A proof of the rig's circuit on `k`, with the key of the rig. */
static void prove_on(hf_backend *k, const rig *r, uint64_t seed, hf_proof *proof) {
  rig_random source = {.seed = seed};
  hf_prover *prover;
  memset(proof, 0, sizeof *proof);
  OK(hf_prover_create(k, r->srs, r->key, &prover));
  OK(hf_prove_with(prover, r->circuit, NULL, rig_random_source, &source, proof, NULL));
  hf_prover_destroy(&prover);
}

/* Key and proof on `k` and on the rig's CPU are the same, and the proof is valid. */
static void same_on(hf_backend *k, const rig *r, unsigned kappa, hf_transcript_kind transcript, const char *what) {
  hf_proof *host = malloc(sizeof *host), *device = malloc(sizeof *device);
  hf_proving_key *key;
  OK(hf_proving_key_derive(k, r->srs, r->circuit, &(hf_key_options){kappa, transcript}, &key));
  cr_assert(hf_fr_eq(key->vk.digest, r->key->vk.digest), "%s: another key", what);
  hf_proving_key_destroy(&key);
  prove_on(r->backend, r, kappa, host);
  prove_on(k, r, kappa, device);
  cr_assert(memcmp(host, device, sizeof *host) == 0, "%s: another proof", what);
  cr_assert(rig_verify(&r->key->vk, device), "%s", what);
  prove_on(k, r, kappa + 1, device);
  cr_assert(memcmp(host, device, sizeof *host) != 0, "%s: other randomness, the same proof", what);
  free(host);
  free(device);
}

Test(device_proof, every_packing_and_transcript) {
  hf_backend *k = open_backend();
  for (unsigned kappa = 1; kappa <= HF_MAX_KAPPA; kappa += kappa < 4 ? 1 : 4)
    for (int transcript = 0; transcript < 2; transcript++) {
      char what[64];
      rig r = rig_make(kappa, (hf_transcript_kind)transcript);
      snprintf(what, sizeof what, "kappa %u, transcript %d", kappa, transcript);
      same_on(k, &r, kappa, (hf_transcript_kind)transcript, what);
      rig_free(&r);
    }
  hf_backend_destroy(&k);
}

#if !defined(__SANITIZE_ADDRESS__)
Test(device_proof, four_thousand_rows) {
  hf_backend *k = open_backend();
  rig r = rig_of(tiny_circuit(12, 3), 2, HF_TRANSCRIPT_POSEIDON2);
  same_on(k, &r, 2, HF_TRANSCRIPT_POSEIDON2, "2^12 rows");
  rig_free(&r);
  hf_backend_destroy(&k);
}

/* A signed transfer, in the smallest batch that there is. */
Test(device_proof, batch) {
  hf_backend *k = open_backend();
  hf_builder_options options;
  hf_builder *b;
  hf_circuit *circuit;
  ref_world world;
  hf_batch_input input;
  ref_world_init(&world, 4, 1, 3);
  ref_op transfer = ref_transfer(&world, 1, 2, 5000, 17);
  ref_batch_make(&world.state, &world.batch, &transfer, 1, &input);
  OK(hf_batch_options(&world.batch.params, &options));
  OK(hf_builder_create(&options, &b));
  OK(hf_batch_circuit(b, &world.batch.params, &input));
  OK(hf_builder_finish(b, &circuit));
  hf_builder_destroy(&b);
  OK(hf_circuit_check(circuit));
  cr_assert_leq(circuit->log_n, 12);
  rig r = rig_of(circuit, HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2);
  same_on(k, &r, HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2, "a batch");
  r.circuit = NULL; /* the builder's, not the rig's own kind */
  hf_circuit_destroy(&circuit);
  rig_free(&r);
  hf_batch_input_free(&input);
  ref_world_free(&world);
  hf_backend_destroy(&k);
}
#endif
