/* Whole proofs: small circuits of every packing, and a batch. */
#include <stdio.h>
#include "circuits/batch.h"
#include "reference.h"
#include "same_proof.h"

Test(device_proof, every_packing_and_transcript) {
  hf_backend *k = open_backend();
  hf_proof *proof = malloc(sizeof *proof), *other = malloc(sizeof *other);
  for (unsigned kappa = 1; kappa <= HF_MAX_KAPPA; kappa += kappa < 4 ? 1 : 4)
    for (int transcript = 0; transcript < 2; transcript++) {
      char what[64];
      rig r = rig_make(kappa, (hf_transcript_kind)transcript);
      snprintf(what, sizeof what, "kappa %u, transcript %d", kappa, transcript);
      same_on(k, &r, what, proof);
      prove_on(k, &r, 18, other);
      cr_assert(memcmp(proof, other, sizeof *proof) != 0, "%s: other randomness, the same proof", what);
      rig_free(&r);
    }
  free(proof);
  free(other);
  hf_backend_destroy(&k);
}

#if !defined(__SANITIZE_ADDRESS__)
Test(device_proof, four_thousand_rows) {
  hf_backend *k = open_backend();
  hf_proof *proof = malloc(sizeof *proof);
  rig r = rig_of(tiny_circuit(12, 3), 2, HF_TRANSCRIPT_POSEIDON2);
  same_on(k, &r, "2^12 rows", proof);
  rig_free(&r);
  free(proof);
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
  hf_proof *proof = malloc(sizeof *proof);
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
  same_on(k, &r, "a batch", proof);
  cr_assert(hf_fr_eq(proof->public_inputs[HF_INSTANCE_STATEMENT], ref_statement(&input)));
  r.circuit = NULL; /* the builder's, not the rig's own kind */
  hf_circuit_destroy(&circuit);
  rig_free(&r);
  hf_batch_input_free(&input);
  ref_world_free(&world);
  free(proof);
  hf_backend_destroy(&k);
}
#endif
