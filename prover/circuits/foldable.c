/* What a node could prove of a child, asked natively: see fold.h. */
#include "child.h"
#include "verify.h"

static bool refuse(const char *why) {
  hf_fail(HF_E_REFUSED, "not foldable: %s", why);
  return false;
}

static bool key_ok(const hf_fold_setup *setup, const hf_verifying_key *vk) {
  if (!vk->foldable) return refuse("the key is not of a foldable circuit");
  if (vk->transcript != HF_TRANSCRIPT_POSEIDON2) return refuse("its transcript is not Poseidon2");
  if (vk->kappa != HF_PRODUCTION_KAPPA) return refuse("its kappa is not that of nodes");
  if (vk->development != setup->development || !hf_g2_eq(vk->tau_g2, setup->tau_g2))
    return refuse("it was made with another setup");
  return true;
}

/* The two sums of child.c's opening(), in its order. */
static bool sums_ok(const hf_verifying_key *vk, const hf_proof *proof) {
  hf_pack_layout packs = hf_pack_layout_of(vk->kappa);
  hf_msm_value zeta_terms[HF_CHILD_ZETA_TERMS], terms[HF_CHILD_TERMS];
  unsigned zeta_count = 0, count = 0;
  hf_challenges ch;
  hf_challenges_derive(vk, proof, &ch);
  hf_fr next = hf_fr_mul(ch.zeta, hf_fr_root_of_unity((int)vk->log_n)), yk = hf_fr_pow_u64(ch.y, vk->kappa);
  hf_fr z0 = hf_fr_sub(yk, ch.zeta), z1 = hf_fr_sub(yk, next);
  /* half = (v + 2^126 - 1) / 2 */
  hf_fr half = hf_fr_inv(hf_fr_from_u64(2)), offset = hf_fr_from_limbs((hf_fr){{UINT64_MAX, UINT64_MAX >> 2, 0, 0}});
  for (unsigned i = 0; i < packs.all; i++) {
    hf_g1 c = i < packs.proof ? proof->commitments[i] : vk->fixed[i - packs.proof];
    hf_msm_value term = {c, hf_fr_mul(half, hf_fr_add(ch.v[i], offset)), HF_SHORT_BITS};
    if (i < packs.witness + packs.sums)
      terms[count++] = term;
    else
      zeta_terms[zeta_count++] = term;
  }
  bool first, second;
  hf_g1 at_zeta = hf_msm_replay(zeta_terms, zeta_count, &first);
  hf_msm_full_value(at_zeta, z1, terms + count);
  hf_msm_full_value(proof->w, hf_fr_neg(hf_fr_mul(z0, z1)), terms + count + 2);
  hf_msm_full_value(proof->w_prime, ch.y, terms + count + 4);
  (void)hf_msm_replay(terms, count + 6, &second);
  return first && second ? true : refuse("an addition on its points is exceptional");
}

/* hf_verify takes any key's proof that names this key as a node's, and the node's own key with a leaf's instance: for a node
 * they are neither. */
static bool kind_ok(hf_fr node_vk, const hf_verifying_key *vk, const hf_proof *proof) {
  hf_fr word = hf_fr_eq(vk->digest, node_vk) ? node_vk : hf_fr_zero();
  if (hf_fr_eq(proof->public_inputs[HF_INSTANCE_NODE_VK], word)) return true;
  return refuse("it is a node under another key, or no node under the key of nodes");
}

hf_status hf_foldable_check(const hf_fold_setup *setup, hf_fr node_vk, const hf_verifying_key *vk, const hf_proof *proof,
                            bool *ok) {
  *ok = false;
  if (!key_ok(setup, vk)) return HF_OK;
  bool valid;
  hf_status status = hf_verify(vk, proof, &valid);
  if (status == HF_OK && valid) *ok = kind_ok(node_vk, vk, proof) && sums_ok(vk, proof);
  return status;
}
