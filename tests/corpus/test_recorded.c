/* The recorded seals: verified natively and by the oracle, attacked by the corpus, and made with the keys of
 * the present circuits. */
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "circuits/fold.h"
#include "corpus_run.h"
#include "keys.h"
#include "ok.h"
#include "recorded.h"

static const uint32_t sizes[] = {2, 32, 64};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static void load(uint32_t m, hf_verifying_key *vk, hf_sealed **out) {
  *out = calloc(1, sizeof **out);
  cr_assert(*out);
  OK(recorded_load(RECORDED_FOLDER, m, vk, *out));
}

static void unload(hf_sealed **sealed) {
  hf_sealed_free(*sealed);
  free(*sealed);
  *sealed = NULL;
}

/* One size of proof, whatever it is about; each batch once, chains in their order. */
Test(recorded, natively) {
  size_t length = 0;
  for (int i = 0; i < SIZES; i++) {
    hf_verifying_key vk;
    hf_sealed *sealed;
    hf_writer w = {0};
    bool ok = false;
    load(sizes[i], &vk, &sealed);
    cr_assert(vk.seal && vk.development && vk.kappa == HF_SEAL_KAPPA &&
              vk.transcript == HF_TRANSCRIPT_KECCAK);
    OK(hf_sealed_check(sealed, &vk, &ok));
    cr_assert(ok, "%u batches: %s", sizes[i], hf_error_message());
    OK(hf_proof_encode(&sealed->proof, &w));
    if (i == 0) length = w.length;
    cr_assert_eq(w.length, length, "%u batches: another size", sizes[i]);
    hf_writer_free(&w);
    for (uint32_t k = 0; k < sealed->records; k++) { /* any record but this one */
      sealed->batch[k].record.word[HF_RECORD_BATCH_NUMBER][0] ^= 0x80;
      OK(hf_sealed_check(sealed, &vk, &ok));
      cr_assert_not(ok, "%u batches: record %u changed", sizes[i], k);
      sealed->batch[k].record.word[HF_RECORD_BATCH_NUMBER][0] ^= 0x80;
    }
    unload(&sealed);
  }
}

Test(recorded, corpus_of_attacks) {
  for (int i = 0; i < SIZES; i++) {
    corpus_subject *subject = calloc(1, sizeof *subject);
    cr_assert(subject);
    OK(corpus_subject_load(RECORDED_FOLDER, sizes[i], subject));
    corpus_try_subject(subject, i == 0); /* the oracle takes its time: all cases on the smallest ... */
    corpus_subject_free(subject);
    free(subject);
  }
  corpus_oracle_accepts(RECORDED_FOLDER, sizes, SIZES); /* ... and the honest ones */
}

/* The key that the present circuits give. */
static hf_fr digest_of(hf_backend *backend, const hf_fold_setup *setup, hf_srs **srs, const hf_fr *node_vk) {
  hf_builder_options options;
  hf_builder *b;
  hf_circuit *circuit;
  hf_proving_key *key;
  hf_key_options key_options = {HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2};
  if (node_vk == NULL) {
    hf_node_options(&options);
  } else {
    hf_seal_options(&options);
    key_options = (hf_key_options){HF_SEAL_KAPPA, HF_TRANSCRIPT_KECCAK};
  }
  OK(hf_builder_create(&options, &b));
  if (node_vk == NULL)
    OK(hf_node_circuit(b, setup, NULL));
  else
    OK(hf_seal_circuit(b, setup, *node_vk, NULL));
  OK(hf_builder_finish(b, &circuit));
  hf_builder_destroy(&b);
  size_t points = hf_srs_points_needed(circuit->log_n, key_options.kappa);
  if ((*srs)->count < points) {
    hf_srs_destroy(srs);
    OK(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, points, 0, srs));
  }
  OK(hf_proving_key_derive(backend, *srs, circuit, &key_options, &key));
  hf_circuit_destroy(&circuit);
  hf_fr digest = key->vk.digest;
  hf_proving_key_destroy(&key);
  return digest;
}

Test(recorded, keys_of_the_present_circuits) {
  hf_backend *backend;
  hf_srs *srs;
  hf_verifying_key vk;
  hf_sealed *sealed;
  OK(hf_backend_create("cpu", &(hf_backend_options){0}, &backend));
  OK(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, 64, 0, &srs));
  hf_fold_setup setup = {.tau_g2 = srs->tau_g2, .development = srs->development};
  for (int i = 0; i < 1 + 2 * HF_NODE_CHILDREN; i++) setup.powers[i] = srs->points[i];
  hf_fr node = digest_of(backend, &setup, &srs, NULL), seal = digest_of(backend, &setup, &srs, &node);
  load(sizes[0], &vk, &sealed);
  cr_assert(hf_fr_eq(vk.digest, seal),
            "node or seal have changed: record_seals makes the recorded ones again (README.md)");
  unload(&sealed);
  hf_srs_destroy(&srs);
  hf_backend_destroy(&backend);
}
