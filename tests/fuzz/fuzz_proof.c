/* Proofs. The input as a payload: what is read writes the same bytes back and is refused by the key it does
 * not belong to. The input as changes to a good proof (16-bit offset, byte to xor): whatever is still read
 * and is not that proof is refused. */
#include <stdlib.h>
#include <string.h>
#include <hyperfold/container.h>
#include "../counted_bytes.h"
#include "../plonk/tiny.h"
#include "prove_internal.h"
#include "verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

enum { KAPPA = 7 }; /* the seeds are good proofs of other packings: this key must refuse them */

static hf_verifying_key key;
static hf_proof good;
static hf_writer payload; /* of the good proof */

static void require(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  hf_backend *backend;
  hf_srs *srs;
  hf_proving_key *pkey;
  hf_prover *prover;
  uint64_t counter = 0;
  bool ok;
  hf_circuit *circuit = tiny_circuit(6, 12);
  require(hf_backend_create("cpu", &(hf_backend_options){.threads = 1}, &backend) == HF_OK);
  require(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(6, KAPPA), 1, &srs) == HF_OK);
  require(hf_proving_key_derive(backend, srs, circuit, &(hf_key_options){KAPPA, HF_TRANSCRIPT_POSEIDON2},
                                &pkey) == HF_OK);
  require(hf_prover_create(backend, srs, pkey, &prover) == HF_OK);
  require(hf_prove_with(prover, circuit, NULL, counted_bytes, &counter, &good, NULL) == HF_OK);
  key = pkey->vk;
  require(hf_verify(&key, &good, &ok) == HF_OK && ok);
  hf_proof_write(&good, &payload);
  require(hf_writer_status(&payload) == HF_OK);
  hf_prover_destroy(&prover);
  hf_proving_key_destroy(&pkey);
  hf_srs_destroy(&srs);
  hf_backend_destroy(&backend);
  tiny_destroy(circuit);
  return 0;
}

static void check(const uint8_t *data, size_t size) {
  hf_proof proof;
  bool ok = true;
  hf_reader r = hf_reader_over(data, size);
  if (hf_proof_read(&r, &proof) != HF_OK) return;
  hf_writer w = {0};
  hf_proof_write(&proof, &w);
  require(hf_writer_status(&w) == HF_OK && w.length == r.offset && memcmp(w.data, data, w.length) == 0);
  hf_writer_free(&w);
  if (memcmp(&proof, &good, sizeof proof) == 0) return;
  require(hf_verify(&key, &proof, &ok) != HF_OK || !ok);
  require(!ok);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hf_proof proof;
  hf_proof_decode("input", data, size, &proof);
  check(data, size);
  if (size < 3 || size > 64) return 0;
  uint8_t *changed = malloc(payload.length);
  require(changed);
  memcpy(changed, payload.data, payload.length);
  for (size_t i = 0; i + 3 <= size; i += 3)
    changed[(data[i] | data[i + 1] << 8) % payload.length] ^= data[i + 2];
  check(changed, payload.length);
  free(changed);
  return 0;
}
