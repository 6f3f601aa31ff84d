/* Writes the seeds of fuzz_fold: fold_seeds FOLDER (tests/fuzz/corpus). */
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "circuits/example.h"
#include "circuits/fold.h"
#include "keys.h"
#include "prove.h"
#include "sealed.h"

#define OK(x) ((x) == HF_OK ? (void)0 : (fprintf(stderr, "%s: %s\n", #x, hf_error_message()), exit(1)))

/* The payload behind the container's 64 bytes, after the byte that chooses the reader. */
static void put(const char *folder, const char *name, uint8_t kind, const hf_writer *container) {
  char path[1024];
  hf_bytes parts[2] = {{&kind, 1}, {container->data + 64, container->length - 64}};
  snprintf(path, sizeof path, "%s/fuzz_fold", folder);
  OK(hf_folder_create(path, 0755));
  snprintf(path, sizeof path, "%s/fuzz_fold/%s", folder, name);
  OK(hf_file_write(path, 0644, parts, 2));
}

int main(int argc, char **argv) {
  hf_backend *backend;
  hf_srs *srs;
  hf_builder_options options;
  hf_builder *b;
  hf_circuit *circuit;
  hf_proving_key *key;
  hf_prover *prover;
  hf_example_input example = {.x = 3, .y = 5};
  hf_node_input *node = calloc(1, sizeof *node);
  hf_seal_input *seal = calloc(1, sizeof *seal);
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  hf_writer w = {0};
  if (argc != 2 || !node || !seal || !sealed) return 2;
  OK(hf_backend_create("cpu", &(hf_backend_options){0}, &backend));
  hf_example_options(&options);
  OK(hf_builder_create(&options, &b));
  hf_example_circuit(b, &example);
  OK(hf_builder_finish(b, &circuit));
  OK(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(circuit->log_n, HF_PRODUCTION_KAPPA), 1, &srs));
  OK(hf_proving_key_derive(backend, srs, circuit, &(hf_key_options){HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2}, &key));
  OK(hf_prover_create(backend, srs, key, &prover));
  OK(hf_prove(prover, circuit, NULL, &seal->child.proof, NULL));
  seal->child.vk = key->vk;
  node->child[0] = node->child[1] = seal->child;
  node->lift = 2;
  OK(hf_node_input_encode(node, &w));
  put(argv[1], "node", 0, &w);
  hf_writer_free(&w);
  seal->records = 1;
  OK(hf_seal_input_encode(seal, &w));
  put(argv[1], "seal", 1, &w);
  hf_writer_free(&w);
  sealed->proof = seal->child.proof;
  sealed->records = 1;
  sealed->batch[0].slots = 1;
  sealed->batch[0].data = calloc(HF_DATA_WORDS, 32);
  OK(hf_sealed_encode(sealed, &w));
  put(argv[1], "sealed", 2, &w);
  hf_writer_free(&w);
  hf_sealed_free(sealed);
  free(sealed);
  free(seal);
  free(node);
  hf_prover_destroy(&prover);
  hf_proving_key_destroy(&key);
  hf_circuit_destroy(&circuit);
  hf_builder_destroy(&b);
  hf_srs_destroy(&srs);
  hf_backend_destroy(&backend);
  return 0;
}
