/* What takes minutes: node and seal byte for byte the CPU's, and hundreds of proofs in a row in the same memory. */
#include <stdio.h>
#include "../fold/fold_rig.h"
#include "same_proof.h"

/* The rig of a circuit and a key that others own. */
static rig borrowed(const fold_rig *f, hf_circuit *circuit, hf_proving_key *key) {
  return (rig){.backend = f->backend, .srs = f->srs, .circuit = circuit, .key = key};
}

Test(device_soak, node_and_seal) {
  hf_backend *k = open_backend();
  fold_rig *f = fold_rig_make();
  hf_node_input *input = calloc(1, sizeof *input);
  hf_seal_input *seal = calloc(1, sizeof *seal);
  hf_proof *proof = calloc(1, sizeof *proof);
  for (uint64_t i = 0; i < 2; i++) fold_rig_leaf(f, 1 + i, 7 + i, &input->child[i], &seal->record[i]);
  input->node_vk = fold_rig_node_key(f)->vk.digest;
  hf_circuit *circuit = fold_rig_node_circuit(f, input);
  rig r = borrowed(f, circuit, f->node);
  same_on(k, &r, "a node", proof);
  hf_circuit_destroy(&circuit);

  seal->child.vk = f->node->vk;
  seal->child.proof = *proof;
  seal->records = 2;
  seal->level = 1;
  seal->node_vk = input->node_vk;
  (void)fold_rig_seal_key(f);
  circuit = fold_rig_seal_circuit(f, seal->node_vk, seal);
  OK(hf_circuit_check(circuit));
  r = borrowed(f, circuit, f->seal);
  same_on(k, &r, "a seal", proof);
  hf_circuit_destroy(&circuit);
  free(proof);
  free(seal);
  free(input);
  fold_rig_free(&f);
  hf_backend_destroy(&k);
}

static size_t resident_kib(void) {
  char line[256];
  size_t kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmRSS: %zu", &kib) == 1) break;
  if (file) fclose(file);
  return kib;
}

/* On PoCL the device's memory is the process's. */
Test(device_soak, five_hundred_proofs) {
  enum { PROOFS = 500, WARM = 20 };
  hf_backend *k = open_backend();
  rig r = rig_of(tiny_circuit(10, 3), 3, HF_TRANSCRIPT_POSEIDON2);
  hf_prover *prover;
  hf_proof *first = calloc(1, sizeof *first), *proof = calloc(1, sizeof *proof);
  size_t before = 0;
  OK(hf_prover_create(k, r.srs, r.key, &prover));
  prove_on(r.backend, &r, 1, first);
  for (int i = 0; i < PROOFS; i++) {
    rig_random source = {.seed = 1};
    OK(hf_prove_with(prover, r.circuit, NULL, rig_random_source, &source, proof, NULL));
    cr_assert(memcmp(first, proof, sizeof *first) == 0, "proof %d is another", i);
    if (i == WARM) before = resident_kib();
  }
  size_t after = resident_kib();
  cr_log_info("resident after %d proofs: %zu KiB, after %d: %zu KiB", WARM, before, PROOFS, after);
  cr_assert_lt(after, before + (8 << 10));
  cr_assert(rig_verify(&r.key->vk, proof));
  hf_prover_destroy(&prover);
  rig_free(&r);
  free(first);
  free(proof);
  hf_backend_destroy(&k);
}
