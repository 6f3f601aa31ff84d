#include "verify.h"

#include "arith/relation_fr.h"
#include "host/domains.h"
#include "host/pairing.h"

void hf_challenges_derive(const hf_verifying_key *vk, const hf_proof *proof, hf_challenges *out) {
  hf_pack_layout packs = hf_pack_layout_of(vk->kappa);
  const hf_g1 *commitment = proof->commitments;
  hf_transcript t;
  hf_transcript_init(&t, vk->transcript, HF_DOMAIN_TRANSCRIPT);
  hf_transcript_absorb_fr(&t, HF_TAG_VK, &vk->digest, 1);
  hf_transcript_absorb_fr(&t, HF_TAG_PUBLIC, proof->public_inputs, proof->public_count);
  hf_transcript_absorb_g1(&t, HF_TAG_WITNESS, commitment, packs.witness);
  commitment += packs.witness;
  hf_transcript_squeeze(&t, &out->beta);
  hf_transcript_squeeze(&t, &out->gamma);
  hf_transcript_squeeze(&t, &out->lambda);
  hf_transcript_squeeze(&t, &out->eta);
  hf_transcript_squeeze(&t, &out->chi);
  hf_transcript_absorb_g1(&t, HF_TAG_SUMS, commitment, packs.sums);
  commitment += packs.sums;
  hf_transcript_squeeze(&t, &out->alpha);
  hf_transcript_absorb_g1(&t, HF_TAG_QUOTIENT, commitment, packs.quotient);
  hf_transcript_squeeze(&t, &out->zeta);
  hf_transcript_absorb_fr(&t, HF_TAG_EVALS_ZETA, proof->at_zeta, HF_EVALS_ZETA);
  hf_transcript_absorb_fr(&t, HF_TAG_EVALS_NEXT, proof->at_next, HF_EVALS_NEXT);
  for (unsigned i = 0; i < packs.all; i += 2) {
    hf_fr pair[2];
    hf_transcript_squeeze_short(&t, pair);
    out->v[i] = pair[0];
    if (i + 1 < packs.all) out->v[i + 1] = pair[1];
  }
  hf_transcript_absorb_g1(&t, HF_TAG_W, &proof->w, 1);
  hf_transcript_squeeze(&t, &out->y);
}

/* A foldable key's instance is a leaf's (nothing but a statement) or that of a node under this very key. */
static bool instance_ok(const hf_verifying_key *vk, const hf_proof *proof) {
  if (!vk->foldable) return true;
  hf_fr node_vk = proof->public_inputs[HF_INSTANCE_NODE_VK];
  if (hf_fr_eq(node_vk, vk->digest)) return true;
  if (!hf_fr_is_zero(node_vk)) {
    hf_fail(HF_E_VERIFY, "instance: node_vk is neither zero nor the digest of the key: a foreign node");
    return false;
  }
  for (int i = HF_INSTANCE_ACCUMULATOR; i < HF_INSTANCE_COUNT; i++)
    if (!hf_fr_is_zero(proof->public_inputs[i])) {
      hf_fail(HF_E_VERIFY, "instance: word %d of a leaf is not zero", i);
      return false;
    }
  return true;
}

/* The accumulator that a node or a seal hands on; NULL where there is none. */
static const hf_fr *accumulator_of(const hf_verifying_key *vk, const hf_proof *proof) {
  if (vk->seal) return proof->public_inputs + HF_SEAL_ACCUMULATOR;
  if (vk->foldable && !hf_fr_is_zero(proof->public_inputs[HF_INSTANCE_NODE_VK]))
    return proof->public_inputs + HF_INSTANCE_ACCUMULATOR;
  return NULL;
}

static hf_status coordinate_read(const hf_fr *words, hf_fq *out) {
  hf_fr low = hf_fr_to_limbs(words[0]), high = hf_fr_to_limbs(words[1]);
  if (low.l[2] || low.l[3] || high.l[2] || high.l[3])
    return hf_fail(HF_E_RANGE, "accumulator: part of a coordinate has more than 128 bits");
  hf_fq v = {{low.l[0], low.l[1], high.l[0], high.l[1]}};
  if (!hf_fq_is_reduced(v)) return hf_fail(HF_E_RANGE, "accumulator: a coordinate is not below q");
  *out = hf_fq_from_limbs(v);
  return HF_OK;
}

hf_status hf_accumulator_read(const hf_fr *words, hf_g1 *left, hf_g1 *right) {
  hf_status status;
  hf_g1 p[2];
  for (int i = 0; i < 2; i++) {
    HF_TRY(coordinate_read(words + 4 * i, &p[i].x));
    HF_TRY(coordinate_read(words + 4 * i + 2, &p[i].y));
    if (hf_g1_is_infinity(p[i])) return hf_fail(HF_E_INFINITY, "accumulator: a point is infinity");
    if (!hf_g1_on_curve(p[i])) return hf_fail(HF_E_CURVE, "accumulator: a point is not on the curve");
  }
  *left = p[0];
  *right = p[1];
out:
  return status;
}

hf_status hf_accumulator_decide(hf_g1 left, hf_g1 right, hf_g2 tau_g2, bool *ok) {
  hf_g1 pair[2] = {left, hf_g1_neg(right)};
  hf_g2 g2[2] = {hf_g2_generator(), tau_g2};
  return hf_pairing_check(pair, g2, 2, ok);
}

/* What the readers of bytes have seen to already, for proofs that come from elsewhere. */
static hf_status check_elements(const hf_verifying_key *vk, const hf_proof *proof) {
  unsigned packs = hf_pack_layout_of(vk->kappa).proof;
  for (unsigned i = 0; i < packs + 2; i++) {
    hf_g1 p = i < packs ? proof->commitments[i] : i == packs ? proof->w : proof->w_prime;
    if (!hf_fq_is_reduced(p.x) || !hf_fq_is_reduced(p.y)) return hf_fail(HF_E_RANGE, "proof: point %u is not below q", i);
    if (hf_g1_is_infinity(p)) return hf_fail(HF_E_INFINITY, "proof: point %u is infinity", i);
    if (!hf_g1_on_curve(p)) return hf_fail(HF_E_CURVE, "proof: point %u is not on the curve", i);
  }
  bool reduced = true;
  for (uint32_t i = 0; i < proof->public_count; i++) reduced &= hf_fr_is_reduced(proof->public_inputs[i]);
  for (unsigned i = 0; i < HF_EVALS_ZETA; i++) reduced &= hf_fr_is_reduced(proof->at_zeta[i]);
  for (unsigned i = 0; i < HF_EVALS_NEXT; i++) reduced &= hf_fr_is_reduced(proof->at_next[i]);
  return reduced ? HF_OK : hf_fail(HF_E_RANGE, "proof: an element is not below r");
}

/* The constraints at zeta: combine(row) = Z_H(zeta) t(zeta). */
static bool identity_ok(const hf_verifying_key *vk, const hf_proof *proof, const hf_challenges *ch) {
  hf_rel_row row;
  const hf_fr *at = proof->at_zeta, *next = proof->at_next;
  hf_fr one = hf_fr_one(), omega = hf_fr_root_of_unity((int)vk->log_n), zn = ch->zeta;
  for (unsigned i = 0; i < vk->log_n; i++) zn = hf_fr_sqr(zn);
  hf_fr zh = hf_fr_sub(zn, one);
  if (hf_fr_is_zero(zh)) {
    hf_fail(HF_E_VERIFY, "identity: zeta is a row");
    return false;
  }
  for (int i = 0; i < HF_WIRES; i++) {
    row.w[i] = at[HF_EVAL_WITNESS + i];
    row.wn[i] = next[i];
  }
  row.m = at[HF_EVAL_WITNESS + HF_POLY_M];
  const hf_fr *sums = at + HF_EVAL_SUMS, *sums_next = next + HF_WITNESS_COUNT;
  row.z = sums[HF_POLY_Z], row.zn = sums_next[HF_POLY_Z];
  row.range = sums[HF_POLY_RANGE], row.rangen = sums_next[HF_POLY_RANGE];
  row.rom = sums[HF_POLY_ROM], row.romn = sums_next[HF_POLY_ROM];
  row.rho = sums[HF_POLY_RHO], row.rhon = sums_next[HF_POLY_RHO];
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = at[HF_EVAL_FIXED + i];
  row.x = ch->zeta;
  /* L_i(zeta) = omega^i (zeta^n - 1) / (n (zeta - omega^i)) */
  hf_fr scale = hf_fr_mul(zh, hf_fr_inv(hf_fr_from_u64((uint64_t)1 << vk->log_n))), w = one;
  row.l1 = hf_fr_mul(scale, hf_fr_inv(hf_fr_sub(ch->zeta, one)));
  row.pi = hf_fr_zero();
  for (uint32_t i = 0; i < proof->public_count; i++) {
    hf_fr li = hf_fr_mul(hf_fr_mul(scale, w), hf_fr_inv(hf_fr_sub(ch->zeta, w)));
    row.pi = hf_fr_sub(row.pi, hf_fr_mul(li, proof->public_inputs[i]));
    w = hf_fr_mul(w, omega);
  }
  hf_rel_challenges rel = {.beta = ch->beta, .gamma = ch->gamma, .lambda = ch->lambda};
  rel.eta = ch->eta, rel.chi = ch->chi, rel.alpha = ch->alpha;
  hf_rel_derive(&rel);
  hf_fr t = hf_fr_zero();
  for (int k = HF_QUOTIENT_COUNT - 1; k >= 0; k--) t = hf_fr_add(hf_fr_mul(t, zn), at[HF_EVAL_QUOTIENT + k]);
  if (hf_fr_eq(hf_rel_combine(&row, &rel), hf_fr_mul(zh, t))) return true;
  hf_fail(HF_E_VERIFY, "identity: the constraints do not hold at zeta");
  return false;
}

hf_status hf_verify_deferred(const hf_verifying_key *vk, const hf_proof *proof, bool *ok, hf_g1 *left, hf_g1 *right) {
  *ok = false;
  if (vk->kappa < 1 || vk->kappa > HF_KAPPA_MAX || vk->log_n < HF_MIN_LOG_N || vk->log_n > HF_MAX_LOG_N ||
      vk->public_count > HF_MAX_PUBLIC || vk->public_count + 2 * HF_BLIND_ROWS > (1u << vk->log_n) ||
      (vk->foldable && vk->public_count != HF_INSTANCE_COUNT) || (vk->seal && vk->public_count != HF_SEAL_COUNT))
    return hf_fail(HF_E_ARGUMENT, "the key is not finished");
  if (proof->kappa != vk->kappa || !hf_fr_eq(proof->vk_digest, vk->digest))
    return hf_fail(HF_E_MISMATCH, "the proof was made with another key");
  if (proof->public_count != vk->public_count)
    return hf_fail(HF_E_MISMATCH, "the key has %u public inputs, the proof %u", vk->public_count, proof->public_count);
  hf_status status = check_elements(vk, proof);
  if (status != HF_OK) return status;
  hf_challenges ch;
  hf_challenges_derive(vk, proof, &ch);
  if (!instance_ok(vk, proof) || !identity_ok(vk, proof, &ch)) return HF_OK;

  /* F = sum_both v C + z1 sum_zeta v C - z0 z1 W - (sum v R(y)) [1],  L = F + y W',  R = W',
   * z0 = y^kappa - zeta, z1 = y^kappa - zeta omega */
  unsigned kappa = vk->kappa;
  hf_pack_layout packs = hf_pack_layout_of(kappa);
  hf_fr yk = hf_fr_pow_u64(ch.y, kappa), next = hf_fr_mul(ch.zeta, hf_fr_root_of_unity((int)vk->log_n));
  hf_fr z0 = hf_fr_sub(yk, ch.zeta), z1 = hf_fr_sub(yk, next);
  hf_fr slope = hf_fr_mul(z0, hf_fr_inv(hf_fr_sub(next, ch.zeta))); /* (y^kappa - zeta) / (zeta omega - zeta) */
  hf_fr constant = hf_fr_zero();
  hf_g1_xyzz f = hf_g1_xyzz_infinity(), at_zeta_only = hf_g1_xyzz_infinity();
  for (unsigned i = 0; i < packs.all; i++) {
    unsigned first, count = hf_pack_polynomials(kappa, i, &first);
    hf_g1 c = i < packs.proof ? proof->commitments[i] : vk->fixed[i - packs.proof];
    hf_g1_xyzz term = hf_g1_mul(c, ch.v[i]);
    hf_fr r = hf_pack_remainder(proof->at_zeta + first, count, ch.y);
    if (i < packs.witness + packs.sums) {
      hf_fr rn = hf_pack_remainder(proof->at_next + first, count, ch.y);
      r = hf_fr_add(r, hf_fr_mul(slope, hf_fr_sub(rn, r)));
      f = hf_g1_xyzz_add(f, term);
    } else {
      r = hf_fr_mul(r, z1);
      at_zeta_only = hf_g1_xyzz_add(at_zeta_only, term);
    }
    constant = hf_fr_add(constant, hf_fr_mul(ch.v[i], r));
  }
  f = hf_g1_xyzz_add(f, hf_g1_mul(hf_g1_from_xyzz(at_zeta_only), z1));
  f = hf_g1_xyzz_add(f, hf_g1_mul(proof->w, hf_fr_neg(hf_fr_mul(z0, z1))));
  f = hf_g1_xyzz_add(f, hf_g1_mul(hf_g1_generator(), hf_fr_neg(constant)));
  f = hf_g1_xyzz_add(f, hf_g1_mul(proof->w_prime, ch.y));
  *left = hf_g1_from_xyzz(f);
  *right = proof->w_prime;
  *ok = true;
  return HF_OK;
}

hf_status hf_verify(const hf_verifying_key *vk, const hf_proof *proof, bool *ok) {
  hf_status status;
  hf_g1 left, right;
  bool holds = false;
  *ok = false;
  status = hf_verify_deferred(vk, proof, &holds, &left, &right);
  if (status != HF_OK || !holds) return status;
  HF_TRY(hf_accumulator_decide(left, right, vk->tau_g2, &holds));
  if (!holds) {
    hf_fail(HF_E_VERIFY, "opening: the pairing does not hold");
    return HF_OK;
  }
  const hf_fr *words = accumulator_of(vk, proof);
  if (words != NULL) {
    HF_TRY(hf_accumulator_read(words, &left, &right));
    HF_TRY(hf_accumulator_decide(left, right, vk->tau_g2, &holds));
    if (!holds) hf_fail(HF_E_VERIFY, "accumulator: the pairing does not hold");
  }
  *ok = holds;
out:
  return status;
}
