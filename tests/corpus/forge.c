/* Proofs of anything, made with the secret of the development setup. */
#include <stdlib.h>
#include "arith/relation_fr.h"
#include "corpus.h"
#include "development.h"

hf_fr corpus_tau(void) { return hf_development_tau(HF_SRS_DEVELOPMENT_SECRET); }
hf_g1 corpus_add(hf_g1 a, hf_g1 b) { return hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(a), b)); }
hf_g1 corpus_times(hf_g1 a, hf_fr k) { return hf_g1_from_xyzz(hf_g1_mul(a, k)); }

/* The value that all constraints combined must have at zeta, over Z_H(zeta): t(zeta). */
static hf_fr quotient_due(const hf_verifying_key *vk, const hf_proof *proof, const hf_challenges *ch,
                          hf_fr zn) {
  const hf_fr *at = proof->at_zeta, *next = proof->at_next;
  const hf_fr *sums = at + HF_EVAL_SUMS, *sums_next = next + HF_WITNESS_COUNT;
  hf_fr zh = hf_fr_sub(zn, hf_fr_one()), omega = hf_fr_root_of_unity((int)vk->log_n), w = hf_fr_one();
  hf_fr scale = hf_fr_mul(zh, hf_fr_inv(hf_fr_from_u64((uint64_t)1 << vk->log_n)));
  hf_rel_row row = {.m = at[HF_POLY_M],
                    .z = sums[HF_POLY_Z],
                    .zn = sums_next[HF_POLY_Z],
                    .range = sums[HF_POLY_RANGE],
                    .rangen = sums_next[HF_POLY_RANGE],
                    .rom = sums[HF_POLY_ROM],
                    .romn = sums_next[HF_POLY_ROM],
                    .rho = sums[HF_POLY_RHO],
                    .rhon = sums_next[HF_POLY_RHO],
                    .x = ch->zeta};
  for (int i = 0; i < HF_WIRES; i++) row.w[i] = at[i], row.wn[i] = next[i];
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = at[HF_EVAL_FIXED + i];
  for (uint32_t i = 0; i < proof->public_count || i == 0; i++) {
    hf_fr l = hf_fr_mul(hf_fr_mul(scale, w), hf_fr_inv(hf_fr_sub(ch->zeta, w)));
    if (i == 0) row.l1 = l;
    if (i < proof->public_count) row.pi = hf_fr_sub(row.pi, hf_fr_mul(l, proof->public_inputs[i]));
    w = hf_fr_mul(w, omega);
  }
  hf_rel_challenges rel = {.beta = ch->beta, .gamma = ch->gamma, .lambda = ch->lambda};
  rel.eta = ch->eta, rel.chi = ch->chi, rel.alpha = ch->alpha;
  hf_rel_derive(&rel);
  return hf_fr_mul(hf_rel_combine(&row, &rel), hf_fr_inv(zh));
}

/* zeta is drawn before the evaluations: the first chunk makes up for all the others. */
void corpus_forge_identity(corpus_item *item) {
  hf_challenges ch;
  hf_proof *p = &item->proof;
  p->vk_digest = item->vk.digest;
  p->kappa = item->vk.kappa;
  p->public_count = item->vk.public_count;
  hf_challenges_derive(&item->vk, p, &ch);
  hf_fr zn = hf_fr_pow_u64(ch.zeta, (uint64_t)1 << item->vk.log_n), *t = p->at_zeta + HF_EVAL_QUOTIENT;
  hf_fr rest = hf_fr_zero();
  for (int k = HF_QUOTIENT_COUNT - 1; k > 0; k--) rest = hf_fr_mul(hf_fr_add(rest, t[k]), zn);
  t[0] = hf_fr_sub(quotient_due(&item->vk, p, &ch, zn), rest);
}

/* L = F + y W' and R = W', F free of W': W' = F / (tau - y). The instance is replaced for the moment: an
 * ill-formed one would keep hf_verify_deferred from computing F, which follows from the challenges. */
void corpus_forge(corpus_item *item) {
  bool ok = false;
  hf_g1 left, right;
  hf_challenges ch;
  corpus_forge_identity(item);
  hf_verifying_key plain = item->vk;
  plain.foldable = plain.seal = false;
  hf_challenges_derive(&item->vk, &item->proof, &ch);
  if (hf_verify_deferred(&plain, &item->proof, &ok, &left, &right) != HF_OK || !ok) abort();
  hf_g1 f = corpus_add(left, hf_g1_neg(corpus_times(right, ch.y)));
  item->proof.w_prime = corpus_times(f, hf_fr_inv(hf_fr_sub(corpus_tau(), ch.y)));
}
