/* Writes the seeds of the fuzz targets of this area: plonk_seeds FOLDER (tests/fuzz/corpus). */
#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "keys.h"
#include "proof.h"
#include "prove.h"
#include "tiny.h"

static void require(hf_status status) {
  if (status == HF_OK) return;
  fprintf(stderr, "%s\n", hf_error_message());
  exit(1);
}

static void seed(const char *folder, const char *target, const char *name, const void *data, size_t length) {
  char path[512];
  hf_bytes part = {data, length};
  snprintf(path, sizeof path, "%s/%s", folder, target);
  require(hf_folder_create(path, 0755));
  snprintf(path, sizeof path, "%s/%s/%s", folder, target, name);
  require(hf_file_write(path, 0644, &part, 1));
}

/* The payload of a file that `path` names, which goes. */
static uint8_t *payload_of(const char *path, size_t *length) {
  uint8_t *file;
  require(hf_file_read(path, 1 << 24, &file, length));
  unlink(path);
  *length -= HF_CONTAINER_HEADER;
  memmove(file, file + HF_CONTAINER_HEADER, *length);
  return file;
}

int main(int argc, char **argv) {
  char path[512], name[32];
  hf_backend *backend;
  hf_srs *srs;
  size_t length;
  if (argc != 2) return 2;
  snprintf(path, sizeof path, "%s/seed.tmp", argv[1]);
  require(hf_backend_create("cpu", NULL, &backend));
  require(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(6, 8), 1, &srs));
  for (unsigned kappa = 2; kappa <= 8; kappa += 6) {
    hf_proving_key *key;
    hf_prover *prover;
    hf_proof proof;
    hf_writer p = {0}, v = {0};
    hf_circuit *circuit = tiny_circuit(6, 12);
    require(hf_proving_key_derive(backend, srs, circuit, &(hf_key_options){kappa, HF_TRANSCRIPT_POSEIDON2},
                                  &key));
    require(hf_prover_create(backend, srs, key, &prover));
    require(hf_prove(prover, circuit, NULL, &proof, NULL));
    hf_proof_write(&proof, &p);
    hf_verifying_key_write(&key->vk, &v);
    snprintf(name, sizeof name, "kappa%u", kappa);
    seed(argv[1], "fuzz_proof", name, p.data, p.length);
    seed(argv[1], "fuzz_vkey", name, v.data, v.length);
    if (kappa == 8) { /* of the least size that a key can have */
      key->vk.log_n = HF_MIN_LOG_N;
      key->used_rows = 11;
      require(hf_verifying_key_finish(&key->vk));
      require(hf_proving_key_save(path, key));
      uint8_t *payload = payload_of(path, &length);
      seed(argv[1], "fuzz_pkey", "rows16", payload, length);
      free(payload);
    }
    hf_writer_free(&p);
    hf_writer_free(&v);
    hf_prover_destroy(&prover);
    hf_proving_key_destroy(&key);
    tiny_destroy(circuit);
  }
  seed(argv[1], "fuzz_proof", "changes", "\x40\x00\x01\x41\x01\x80", 6);
  hf_srs small = *srs;
  small.count = 4;
  require(hf_srs_save(path, &small));
  uint8_t *payload = payload_of(path, &length);
  seed(argv[1], "fuzz_srs", "points4", payload, length);
  free(payload);
  hf_srs_destroy(&srs);
  hf_backend_destroy(&backend);
  return 0;
}
