/* Completeness: every kappa, both transcripts, several sizes and witnesses. */
#include <criterion/criterion.h>
#include "rig.h"

Test(plonk, complete) {
  for (unsigned kappa = 1; kappa <= 8; kappa++)
    for (int transcript = 0; transcript < 2; transcript++) {
      rig r = rig_make(kappa, (hf_transcript_kind)transcript);
      hf_proof proof;
      rig_prove(&r, &proof);
      cr_assert(rig_verify(&r.key->vk, &proof), "kappa %u transcript %d: %s", kappa, transcript,
                hf_error_message());
      rig_free(&r);
    }
}

Test(plonk, other_witnesses) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  static const uint64_t inputs[] = {0, 1, 7, 8, UINT32_MAX};
  size_t row;
  int constraint;
  for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
    hf_proof proof;
    tiny_destroy(r.circuit);
    r.circuit = tiny_circuit(RIG_LOG_N, inputs[i]);
    cr_assert_eq(tiny_violations(r.circuit, &row, &constraint), 0);
    rig_prove(&r, &proof);
    cr_assert(rig_verify(&r.key->vk, &proof), "x = %llu: %s", (unsigned long long)inputs[i],
              hf_error_message());
  }
  rig_free(&r);
}

/* The largest size that sanitizer builds try. */
Test(plonk, four_thousand_rows) {
  rig r = rig_of(tiny_circuit(12, 3), 2, HF_TRANSCRIPT_POSEIDON2);
  hf_proof proof;
  hf_prove_report report;
  cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, &report), HF_OK, "%s", hf_error_message());
  cr_assert(rig_verify(&r.key->vk, &proof), "%s", hf_error_message());
  cr_assert_eq(report.phase_count, 5);
  cr_assert(report.seconds > 0 && report.msm_points >= 19u << 12 && report.ntt_count >= 5 * 35);
  rig_free(&r);
}
