/* Zero knowledge and determinism: what is random, that all of it is used, and what happens when it fails. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "rig.h"

/* Field elements drawn for a proof: the blinding rows of the wires, the blinding of the multiplicities and of
 * the four sums, and two for each quotient chunk but the last. */
enum {
  DRAWS_WIRES = HF_WIRES * HF_BLIND_ROWS,
  DRAWS_M = DRAWS_WIRES + HF_EXTRA_COEFFICIENTS,
  DRAWS_SUMS = DRAWS_M + HF_SUMS_COUNT * HF_EXTRA_COEFFICIENTS,
  DRAWS = DRAWS_SUMS + 2 * (HF_QUOTIENT_COUNT - 1)
};

static bool all_zero(const void *data, size_t length) {
  const uint8_t *p = data;
  for (size_t i = 0; i < length; i++)
    if (p[i]) return false;
  return true;
}

static bool same(const hf_proof *a, const hf_proof *b) { return memcmp(a, b, sizeof *a) == 0; }

static void prove_seeded(rig *r, rig_random *source, hf_proof *proof) {
  cr_assert_eq(hf_prove_with(r->prover, r->circuit, NULL, rig_random_source, source, proof, NULL), HF_OK,
               "%s", hf_error_message());
}

Test(blinding, two_proofs_share_nothing) {
  static const unsigned kappas[] = {1, 2, 8};
  for (int i = 0; i < 3; i++) {
    rig r = rig_make(kappas[i], HF_TRANSCRIPT_POSEIDON2);
    hf_proof a, b;
    rig_prove(&r, &a);
    rig_prove(&r, &b);
    cr_assert(rig_verify(&r.key->vk, &a) && rig_verify(&r.key->vk, &b));
    unsigned packs = hf_pack_layout_of(kappas[i]).proof;
    for (unsigned j = 0; j < packs; j++)
      for (unsigned k = 0; k < packs; k++) {
        cr_assert_not(hf_fq_eq(a.commitments[j].x, b.commitments[k].x), "commitments %u and %u", j, k);
        if (j < k)
          cr_assert_not(hf_fq_eq(a.commitments[j].x, a.commitments[k].x), "%u and %u of one proof", j, k);
      }
    cr_assert_not(hf_g1_eq(a.w, b.w) || hf_g1_eq(a.w_prime, b.w_prime));
    for (int j = 0; j < HF_EVALS_ZETA; j++)
      cr_assert_not(hf_fr_eq(a.at_zeta[j], b.at_zeta[j]), "evaluation %d", j);
    for (int j = 0; j < HF_EVALS_NEXT; j++)
      cr_assert_not(hf_fr_eq(a.at_next[j], b.at_next[j]), "next, %d", j);
    /* no evaluation is a plain zero or a value of the witness, although most columns are nearly empty */
    for (int j = 0; j < HF_EVALS_ZETA; j++) cr_assert_not(hf_fr_is_zero(a.at_zeta[j]));
    rig_free(&r);
  }
}

/* Of kappa 1, where each polynomial has its own commitment: every draw changes the commitments that it
 * blinds, and no other of its round; hence each wire has five of its own, each of the others four, each chunk
 * two. */
Test(blinding, every_draw_is_used) {
  rig r = rig_make(1, HF_TRANSCRIPT_POSEIDON2);
  rig_random source = {.seed = 7};
  hf_proof base, other;
  prove_seeded(&r, &source, &base);
  cr_assert_eq(source.accepted, DRAWS);
  uint64_t calls = source.calls;
  cr_assert_geq(calls, DRAWS);
  unsigned used = 0;
  for (uint64_t call = 1; call <= calls; call++) {
    uint64_t before = used;
    source = (rig_random){.seed = 7, .change_at = call};
    prove_seeded(&r, &source, &other);
    if (source.calls != calls) { /* the changed bit moved a value over the modulus */
      cr_assert_eq(source.accepted, DRAWS);
      continue;
    }
    if (same(&base, &other)) continue; /* bytes that were drawn again in both */
    used++;
    int first = 0;
    while (hf_g1_eq(base.commitments[first], other.commitments[first])) first++;
    int want = before < DRAWS_M      ? (before < DRAWS_WIRES ? (int)before / HF_BLIND_ROWS : HF_POLY_M)
               : before < DRAWS_SUMS ? HF_WITNESS_COUNT + (int)(before - DRAWS_M) / HF_EXTRA_COEFFICIENTS
                                     : HF_WITNESS_COUNT + HF_SUMS_COUNT + (int)(before - DRAWS_SUMS) / 2;
    cr_assert_eq(first, want, "draw %llu blinds commitment %d, not %d", (unsigned long long)before, first,
                 want);
    int last = want < HF_WITNESS_COUNT ? HF_WITNESS_COUNT
               : want < HF_WITNESS_COUNT + HF_SUMS_COUNT
                   ? HF_WITNESS_COUNT + HF_SUMS_COUNT
                   : HF_WITNESS_COUNT + HF_SUMS_COUNT + HF_QUOTIENT_COUNT;
    bool chunk = last > HF_WITNESS_COUNT + HF_SUMS_COUNT; /* what a chunk gets the next one gives */
    for (int i = want + 1; i < last; i++)
      cr_assert_eq(hf_g1_eq(base.commitments[i], other.commitments[i]), !(chunk && i == want + 1),
                   "draw %llu, commitment %d", (unsigned long long)before, i);
    cr_assert(rig_verify(&r.key->vk, &other));
  }
  cr_assert_eq(used, DRAWS);
  rig_free(&r);
}

Test(blinding, fixed_randomness_fixes_the_proof) {
  static const char *const variants[] = {"portable", "mulx", "ifma"};
  for (unsigned kappa = 1; kappa <= 4; kappa += 3) {
    hf_proof first;
    bool have = false;
    for (int v = 0; v < 3; v++)
      for (unsigned threads = 1; threads <= 3; threads++) {
        rig r = rig_make(kappa, HF_TRANSCRIPT_KECCAK);
        hf_backend *backend = NULL;
        hf_backend_options options = {.threads = threads, .variant = variants[v]};
        hf_status status = hf_backend_create("cpu", &options, &backend);
        cr_assert(status == HF_OK || (v > 0 && (status == HF_E_UNSUPPORTED || status == HF_E_NOT_FOUND)));
        if (status == HF_OK) {
          hf_prover *prover = NULL;
          rig_random source = {.seed = 5};
          hf_proof proof;
          cr_assert_eq(hf_prover_create(backend, r.srs, r.key, &prover), HF_OK);
          cr_assert_eq(hf_prove_with(prover, r.circuit, NULL, rig_random_source, &source, &proof, NULL),
                       HF_OK);
          cr_assert(rig_verify(&r.key->vk, &proof));
          if (have) cr_assert(same(&first, &proof), "%s with %u threads differs", variants[v], threads);
          first = proof, have = true;
          hf_prover_destroy(&prover);
        }
        hf_backend_destroy(&backend);
        rig_free(&r);
      }
  }
}

/* One prover, many proofs: nothing is left behind from one to the next, whatever became of it. */
Test(blinding, a_prover_keeps_nothing) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  rig_random source = {.seed = 9};
  hf_proof a, b;
  prove_seeded(&r, &source, &a);
  source = (rig_random){.seed = 10, .fail_at = 30, .failure = HF_E_RANDOM};
  cr_assert_eq(hf_prove_with(r.prover, r.circuit, NULL, rig_random_source, &source, &b, NULL), HF_E_RANDOM);
  rig_prove(&r, &b);
  r.circuit->wires[0][TINY_CUBE] = hf_fr_zero();
  cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &b, NULL), HF_E_UNSATISFIED);
  cr_assert(all_zero(&b, sizeof b), "a proof of what is not satisfied");
  tiny_destroy(r.circuit);
  r.circuit = tiny_circuit(RIG_LOG_N, 12);
  source = (rig_random){.seed = 9};
  prove_seeded(&r, &source, &b);
  cr_assert(same(&a, &b));
  rig_free(&r);
}

Test(blinding, a_failing_source_ends_the_proof) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  rig_random source = {.seed = 3};
  hf_proof proof;
  prove_seeded(&r, &source, &proof);
  uint64_t calls = source.calls;
  for (uint64_t k = 1; k <= calls; k++) {
    hf_status failure = k % 2 ? HF_E_RANDOM : HF_E_IO;
    source = (rig_random){.seed = 3, .fail_at = k, .failure = failure};
    memset(&proof, 0x5a, sizeof proof);
    cr_assert_eq(hf_prove_with(r.prover, r.circuit, NULL, rig_random_source, &source, &proof, NULL), failure,
                 "call %llu", (unsigned long long)k);
    cr_assert(all_zero(&proof, sizeof proof), "call %llu leaves something", (unsigned long long)k);
    cr_assert_eq(source.calls, k, "it is not asked again");
  }
  source = (rig_random){.seed = 3, .fail_at = calls + 1, .failure = HF_E_RANDOM};
  prove_seeded(&r, &source, &proof);
  rig_free(&r);
}

static hf_status stuck(void *context, void *out, size_t length) {
  memset(out, *(int *)context, length);
  return HF_OK;
}

Test(blinding, a_stuck_source_ends_the_proof) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  hf_proof proof;
  int ones = 0xff;
  cr_assert_eq(hf_prove_with(r.prover, r.circuit, NULL, stuck, &ones, &proof, NULL), HF_E_RANDOM);
  cr_assert(all_zero(&proof, sizeof proof));
  rig_free(&r);
}

/* --- progress and cancelling ----------------------------------------------------------------- */

typedef struct watch {
  unsigned calls, stop_at;
  double last;
} watch;

static bool watching(void *context, const char *phase, double done) {
  watch *w = context;
  cr_assert(phase && *phase);
  cr_assert(done >= w->last && done <= 1, "%s: %g after %g", phase, done, w->last);
  w->last = done;
  return ++w->calls != w->stop_at;
}

Test(blinding, cancelled_at_every_call) {
  rig r = rig_make(2, HF_TRANSCRIPT_KECCAK);
  watch w = {0};
  hf_prove_options options = {.progress = watching, .context = &w};
  hf_proof proof;
  hf_prove_report report;
  cr_assert_eq(hf_prove(r.prover, r.circuit, &options, &proof, &report), HF_OK);
  unsigned calls = w.calls;
  cr_assert_geq(calls, 5 + HF_QUOTIENT_COUNT);
  cr_assert_leq(report.phase_count, HF_PROVE_PHASES);
  for (unsigned k = 1; k <= calls; k++) {
    w = (watch){.stop_at = k};
    memset(&proof, 0x5a, sizeof proof);
    cr_assert_eq(hf_prove(r.prover, r.circuit, &options, &proof, NULL), HF_E_CANCELLED, "call %u", k);
    cr_assert(all_zero(&proof, sizeof proof));
    cr_assert_eq(w.calls, k);
  }
  w = (watch){0};
  cr_assert_eq(hf_prove(r.prover, r.circuit, &options, &proof, NULL), HF_OK);
  cr_assert(rig_verify(&r.key->vk, &proof));
  /* another circuit's shape */
  hf_circuit *large = tiny_circuit(RIG_LOG_N + 1, 12);
  cr_assert_eq(hf_prove(r.prover, large, NULL, &proof, NULL), HF_E_MISMATCH);
  cr_assert(all_zero(&proof, sizeof proof));
  tiny_destroy(large);
  hf_circuit *foldable = tiny_make(&(tiny_options){.log_n = RIG_LOG_N, .x = 12, .foldable = true});
  cr_assert_eq(hf_prove(r.prover, foldable, NULL, &proof, NULL), HF_E_MISMATCH);
  tiny_destroy(foldable);
  r.circuit->used_rows--;
  cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_E_MISMATCH);
  r.circuit->used_rows++;
  r.circuit->table_width++;
  cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_E_MISMATCH);
  rig_free(&r);
}
