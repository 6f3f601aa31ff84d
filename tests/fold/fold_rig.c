#include "fold_rig.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include "circuits/batch.h"
#include "host/poseidon.h"
#include "ok.h"
#include "verify.h"

static hf_proving_key *key_of(fold_rig *rig, const hf_circuit *circuit, unsigned kappa, hf_transcript_kind transcript) {
  hf_proving_key *key;
  OK(hf_proving_key_derive(rig->backend, rig->srs, circuit, &(hf_key_options){kappa, transcript}, &key));
  return key;
}

static void prove(fold_rig *rig, const hf_proving_key *key, hf_circuit *circuit, hf_proof *out) {
  hf_prover *prover;
  bool ok;
  cr_assert_eq(hf_circuit_check(circuit), HF_OK, "%s", hf_error_message());
  OK(hf_prover_create(rig->backend, rig->srs, key, &prover));
  OK(hf_prove(prover, circuit, NULL, out, NULL));
  hf_prover_destroy(&prover);
  OK(hf_verify(&key->vk, out, &ok));
  cr_assert(ok, "%s", hf_error_message());
}

fold_rig *fold_rig_make(void) {
  fold_rig *rig = calloc(1, sizeof *rig);
  cr_assert(rig);
  OK(hf_backend_create("cpu", &(hf_backend_options){0}, &rig->backend));
  OK(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(17, HF_SEAL_KAPPA), 0, &rig->srs));
  rig->setup.tau_g2 = rig->srs->tau_g2;
  rig->setup.development = rig->srs->development;
  for (int i = 0; i < 1 + 2 * HF_NODE_CHILDREN; i++) rig->setup.powers[i] = rig->srs->points[i];
  return rig;
}

void fold_rig_free(fold_rig **rig) {
  hf_proving_key_destroy(&(*rig)->leaf);
  hf_proving_key_destroy(&(*rig)->node);
  hf_proving_key_destroy(&(*rig)->seal);
  hf_srs_destroy(&(*rig)->srs);
  hf_backend_destroy(&(*rig)->backend);
  free(*rig);
  *rig = NULL;
}

void fold_rig_leaf(fold_rig *rig, uint64_t chain, uint64_t number, hf_fold_child *out, hf_batch_record *record) {
  hf_rollup_params params = {.depth = 4, .slots = 1};
  hf_builder_options options;
  hf_builder *b;
  hf_circuit *circuit;
  hf_batch_input input;
  OK(hf_batch_input_empty(&params, &input));
  hf_fr outbox[3] = {hf_fr_from_u64(chain), hf_fr_from_u64(number), hf_fr_zero()};
  hf_word_set_u64(input.record.word[HF_RECORD_CHAIN_ID], chain);
  hf_word_set_u64(input.record.word[HF_RECORD_BATCH_NUMBER], number);
  hf_fr_to_bytes(hf_sponge(HF_DOMAIN_OUTBOX, outbox, 3), input.record.word[HF_RECORD_OUTBOX_ROOT]);
  OK(hf_batch_options(&params, &options));
  OK(hf_builder_create(&options, &b));
  OK(hf_batch_circuit(b, &params, &input));
  OK(hf_builder_finish(b, &circuit));
  hf_builder_destroy(&b);
  if (!rig->leaf) rig->leaf = key_of(rig, circuit, HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2);
  out->vk = rig->leaf->vk;
  prove(rig, rig->leaf, circuit, &out->proof);
  hf_circuit_destroy(&circuit);
  *record = input.record;
  hf_fr_to_bytes(rig->leaf->vk.digest, record->word[HF_RECORD_VK_DIGEST]);
  hf_batch_input_free(&input);
}

hf_circuit *fold_rig_node_circuit(fold_rig *rig, const hf_node_input *input) {
  hf_builder_options options;
  hf_builder *b;
  hf_circuit *circuit;
  hf_node_options(&options);
  OK(hf_builder_create(&options, &b));
  hf_node_circuit(b, &rig->setup, input);
  OK(hf_builder_finish(b, &circuit));
  hf_builder_destroy(&b);
  return circuit;
}

hf_circuit *fold_rig_seal_circuit(fold_rig *rig, hf_fr node_vk, const hf_seal_input *input) {
  hf_builder_options options;
  hf_builder *b;
  hf_circuit *circuit;
  hf_seal_options(&options);
  OK(hf_builder_create(&options, &b));
  OK(hf_seal_circuit(b, &rig->setup, node_vk, input));
  OK(hf_builder_finish(b, &circuit));
  hf_builder_destroy(&b);
  return circuit;
}

const hf_proving_key *fold_rig_node_key(fold_rig *rig) {
  if (!rig->node) {
    hf_circuit *circuit = fold_rig_node_circuit(rig, NULL);
    rig->node = key_of(rig, circuit, HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2);
    hf_circuit_destroy(&circuit);
  }
  return rig->node;
}

const hf_proving_key *fold_rig_seal_key(fold_rig *rig) {
  if (!rig->seal) {
    hf_circuit *circuit = fold_rig_seal_circuit(rig, fold_rig_node_key(rig)->vk.digest, NULL);
    rig->seal = key_of(rig, circuit, HF_SEAL_KAPPA, HF_TRANSCRIPT_KECCAK);
    hf_circuit_destroy(&circuit);
  }
  return rig->seal;
}

void fold_rig_node(fold_rig *rig, hf_node_input *input, hf_fold_child *out) {
  const hf_proving_key *key = fold_rig_node_key(rig);
  input->node_vk = key->vk.digest;
  hf_circuit *circuit = fold_rig_node_circuit(rig, input);
  out->vk = key->vk;
  prove(rig, key, circuit, &out->proof);
  hf_circuit_destroy(&circuit);
}

void fold_rig_seal(fold_rig *rig, hf_seal_input *input, hf_proof *out) {
  const hf_proving_key *key = fold_rig_seal_key(rig);
  input->node_vk = rig->node->vk.digest;
  hf_circuit *circuit = fold_rig_seal_circuit(rig, input->node_vk, input);
  prove(rig, key, circuit, out);
  hf_circuit_destroy(&circuit);
}
