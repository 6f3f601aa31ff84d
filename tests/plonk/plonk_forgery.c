/* Attacks below the container: changed elements of a proof that are all well formed, compensating changes,
 * openings made with the secret of the development setup, and what enters the transcript. */
#include <criterion/criterion.h>
#include <string.h>
#include "host/pairing.h"
#include "rig.h"

/* Every field element and every point of a proof, by number. */
enum { EVALS = HF_EVALS_ZETA + HF_EVALS_NEXT };

static hf_fr *element(hf_proof *p, unsigned i) {
  if (i < p->public_count) return &p->public_inputs[i];
  i -= p->public_count;
  return i < HF_EVALS_ZETA ? &p->at_zeta[i] : &p->at_next[i - HF_EVALS_ZETA];
}
static unsigned elements(const hf_proof *p) { return p->public_count + EVALS; }

static hf_g1 *point(hf_proof *p, unsigned i) {
  unsigned packs = hf_pack_layout_of(p->kappa).proof;
  return i < packs ? &p->commitments[i] : i == packs ? &p->w : &p->w_prime;
}
static unsigned points(const hf_proof *p) { return hf_pack_layout_of(p->kappa).proof + 2; }

static hf_g1 add(hf_g1 a, hf_g1 b) { return hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(a), b)); }
static hf_g1 times(hf_g1 a, hf_fr k) { return hf_g1_from_xyzz(hf_g1_mul(a, k)); }
static hf_g1 tau_g1(void) { return times(hf_g1_generator(), rig_tau()); }

#define REFUSED(...) cr_assert(rig_refuses(&r.key->vk, &bad), __VA_ARGS__)

Test(forgery, every_element) {
  for (unsigned kappa = 1; kappa <= 8; kappa++) {
    if (kappa > 4 && kappa < 8) continue;
    rig r = rig_make(kappa, kappa % 2 ? HF_TRANSCRIPT_POSEIDON2 : HF_TRANSCRIPT_KECCAK);
    hf_proof good, bad;
    hf_fr one = hf_fr_one();
    rig_prove(&r, &good);
    cr_assert(rig_verify(&r.key->vk, &good));
    for (unsigned i = 0; i < elements(&good); i++) {
      hf_fr *e = element(&bad, i), v = *element(&good, i);
      bad = good, *e = hf_fr_add(v, one);
      REFUSED("kappa %u: element %u + 1", kappa, i);
      bad = good, *e = hf_fr_sub(v, one);
      REFUSED("kappa %u: element %u - 1", kappa, i);
      bad = good, *e = hf_fr_neg(v);
      if (!hf_fr_is_zero(v)) REFUSED("kappa %u: element %u negated", kappa, i);
      bad = good, *e = hf_fr_zero();
      if (!hf_fr_is_zero(v)) REFUSED("kappa %u: element %u zero", kappa, i);
      unsigned other = (i + 1) % elements(&good);
      bad = good, *e = *element(&good, other), *element(&bad, other) = v;
      if (!hf_fr_eq(v, *e)) REFUSED("kappa %u: elements %u and %u exchanged", kappa, i, other);
    }
    for (int i = 0; i < HF_EVALS_NEXT; i++) { /* the same polynomial at the two points */
      bad = good, bad.at_zeta[i] = good.at_next[i], bad.at_next[i] = good.at_zeta[i];
      REFUSED("kappa %u: evaluation %d and the next row's", kappa, i);
    }
    for (unsigned i = 0; i < points(&good); i++) {
      hf_g1 *e = point(&bad, i), v = *point(&good, i);
      hf_g1 others[] = {hf_g1_neg(v),
                        hf_g1_generator(),
                        hf_g1_neg(hf_g1_generator()),
                        add(v, hf_g1_generator()),
                        add(v, v),
                        add(v, tau_g1()),
                        tau_g1(),
                        r.key->vk.fixed[i % hf_packs(HF_FIXED_COUNT, kappa)],
                        hf_g1_infinity()};
      for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        bad = good, *e = others[k];
        REFUSED("kappa %u: point %u, way %zu", kappa, i, k);
      }
      for (unsigned j = 0; j < i; j++) {
        bad = good, *e = *point(&good, j), *point(&bad, j) = v;
        REFUSED("kappa %u: points %u and %u exchanged", kappa, i, j);
        *point(&bad, j) = *point(&good, j);
        REFUSED("kappa %u: point %u in the place of %u", kappa, j, i);
      }
    }
    bad = good, bad.vk_digest = hf_fr_add(bad.vk_digest, one);
    REFUSED("key digest");
    bad = good, bad.public_count--;
    REFUSED("an input less");
    bad = good, bad.public_count++;
    REFUSED("an input more");
    for (unsigned k = 0; k <= HF_KAPPA_MAX + 1; k++) {
      bad = good, bad.kappa = k;
      if (k != kappa) REFUSED("kappa %u for %u", k, kappa);
    }
    rig_free(&r);
  }
}

/* What no reader lets through is refused by the verifier as well, each with its status. */
Test(forgery, malformed_elements) {
  rig r = rig_make(3, HF_TRANSCRIPT_POSEIDON2);
  static const uint64_t mod_r[4] = {0x43e1f593f0000001ull, 0x2833e84879b97091ull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};
  static const uint64_t mod_q[4] = {0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};
  hf_proof good, bad;
  bool ok;
  rig_prove(&r, &good);
  for (unsigned i = 0; i < points(&good); i++)
    for (int way = 0; way < 5; way++) {
      hf_u64 carry = 0;
      bad = good;
      hf_g1 *p = point(&bad, i);
      hf_u64 *l = way == 3 ? p->x.l : p->y.l;
      if (way == 0) *p = hf_g1_infinity();
      if (way == 1) p->x = hf_fq_add(p->x, hf_fq_one());
      if (way == 2) p->y = hf_fq_zero();
      for (int k = 0; way > 2 && k < 4; k++) l[k] = hf_adc(l[k], mod_q[k], &carry);
      ok = true;
      cr_assert_eq(hf_verify(&r.key->vk, &bad, &ok),
                   way == 0  ? HF_E_INFINITY
                   : way < 3 ? HF_E_CURVE
                             : HF_E_RANGE,
                   "point %u, way %d", i, way);
      cr_assert_not(ok);
    }
  for (unsigned i = 0; i < elements(&good); i++) {
    hf_u64 carry = 0;
    bad = good;
    for (int k = 0; k < 4; k++) element(&bad, i)->l[k] = hf_adc(element(&bad, i)->l[k], mod_r[k], &carry);
    ok = true;
    cr_assert_eq(hf_verify(&r.key->vk, &bad, &ok), HF_E_RANGE, "element %u", i);
    cr_assert_not(ok);
  }
  rig_free(&r);
}

Test(forgery, random_points) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  hf_proof good, bad;
  rig_prove(&r, &good);
  hf_fr k = hf_fr_from_u64(0x9e3779b97f4a7c15ull);
  for (int round = 0; round < 200; round++) {
    k = hf_fr_add(hf_fr_sqr(k), hf_fr_one());
    hf_g1 p = times(hf_g1_generator(), k);
    bad = good;
    /* a pair of points moved by opposite or by equal amounts */
    unsigned i = (unsigned)round % points(&good), j = (unsigned)(round / 3 + 1) % points(&good);
    *point(&bad, i) = add(*point(&bad, i), p);
    if (i != j) *point(&bad, j) = add(*point(&bad, j), round & 1 ? p : hf_g1_neg(p));
    REFUSED("points %u and %u moved", i, j);
  }
  rig_free(&r);
}

/* Any key that shares not everything with the proof's: fields changed, digest derived anew and named by the
 * proof. */
Test(forgery, key_parameters) {
  for (int transcript = 0; transcript < 2; transcript++) {
    rig r = rig_make(2, (hf_transcript_kind)transcript);
    hf_proof good, bad;
    rig_prove(&r, &good);
    unsigned tried = 0;
    for (int way = 0; way < 9 + HF_FIXED_COUNT / 2; way++) {
      hf_verifying_key vk = r.key->vk;
      hf_g1 t;
      switch (way) {
      case 0:
        vk.log_n++;
        break;
      case 1:
        vk.log_n--;
        break;
      case 2:
        vk.transcript = transcript ? HF_TRANSCRIPT_POSEIDON2 : HF_TRANSCRIPT_KECCAK;
        break;
      case 3: /* the development setup without its mark is recognised */
        vk.development = false;
        cr_assert_eq(hf_verifying_key_finish(&vk), HF_E_REFUSED);
        continue;
      case 4:
        vk.public_count = 1;
        break;
      case 5:
        vk.public_count = 3;
        break;
      case 6:
        vk.tau_g2 = hf_g2_add(vk.tau_g2, hf_g2_generator());
        break;
      case 7:
        vk.tau_g2 = hf_g2_neg(vk.tau_g2);
        break;
      case 8:
        vk.kappa = 3;
        break;
      default: /* two commitments exchanged (sigma columns among them) */
        t = vk.fixed[way - 9];
        vk.fixed[way - 9] = vk.fixed[(way - 8) % 12];
        vk.fixed[(way - 8) % 12] = t;
      }
      cr_assert_eq(hf_verifying_key_finish(&vk), HF_OK, "way %d: %s", way, hf_error_message());
      cr_assert_not(hf_fr_eq(vk.digest, r.key->vk.digest), "way %d", way);
      cr_assert(rig_refuses(&vk, &good), "way %d", way);
      bad = good;
      bad.vk_digest = vk.digest;
      bad.public_count = vk.public_count;
      bad.kappa = vk.kappa;
      cr_assert(rig_refuses(&vk, &bad), "way %d", way);
      tried++;
      /* the digest left as it was, as a careless reader of keys would */
      vk.digest = r.key->vk.digest;
      bad = good;
      bad.public_count = vk.public_count;
      bad.kappa = vk.kappa;
      cr_assert(rig_refuses(&vk, &bad), "way %d, digest kept", way);
    }
    cr_assert_eq(tried, 20);
    rig_free(&r);
  }
}

/* --- openings ------------------------------------------------------------------------------- */

static bool pairing_holds(const hf_verifying_key *vk, hf_g1 left, hf_g1 right) {
  bool ok = false;
  hf_g1 p[2] = {left, hf_g1_neg(right)};
  hf_g2 q[2] = {hf_g2_generator(), vk->tau_g2};
  cr_assert_eq(hf_pairing_check(p, q, 2, &ok), HF_OK);
  return ok;
}

/* W moved along a line on which F and W' could follow, were y drawn before W. */
Test(forgery, openings_that_compensate) {
  for (unsigned kappa = 1; kappa <= 4; kappa++) {
    rig r = rig_make(kappa, HF_TRANSCRIPT_POSEIDON2);
    hf_proof good, bad;
    hf_challenges ch;
    bool ok;
    hf_g1 left, right;
    rig_prove(&r, &good);
    hf_challenges_derive(&r.key->vk, &good, &ch);
    cr_assert(hf_verify_deferred(&r.key->vk, &good, &ok, &left, &right) == HF_OK && ok);
    cr_assert(pairing_holds(&r.key->vk, left, right));
    /* W += [tau - y], W' -= z0 z1 [1] */
    hf_fr omega = hf_fr_root_of_unity(RIG_LOG_N), yk = hf_fr_pow_u64(ch.y, kappa);
    hf_fr zz = hf_fr_mul(hf_fr_sub(yk, ch.zeta), hf_fr_sub(yk, hf_fr_mul(ch.zeta, omega)));
    hf_g1 step = add(tau_g1(), hf_g1_neg(times(hf_g1_generator(), ch.y)));
    hf_g1 shift = hf_g1_neg(times(hf_g1_generator(), zz));
    hf_g1 moved = add(add(left, hf_g1_neg(times(step, zz))), times(shift, ch.y));
    cr_assert(pairing_holds(&r.key->vk, moved, add(right, shift)), "the attack would work with the old y");
    bad = good;
    bad.w = add(good.w, step);
    bad.w_prime = add(good.w_prime, shift);
    REFUSED("W and W' moved together");
    for (int sign = 0; sign < 2; sign++) { /* the simple ways */
      hf_g1 p = sign ? hf_g1_neg(hf_g1_generator()) : hf_g1_generator();
      bad = good, bad.w_prime = add(bad.w_prime, p);
      REFUSED("W' moved");
      bad = good, bad.w_prime = add(bad.w_prime, p), bad.w = add(bad.w, hf_g1_neg(p));
      REFUSED("W' and W moved");
      bad = good, bad.w_prime = add(bad.w_prime, p), bad.w = add(bad.w, times(p, hf_fr_inv(zz)));
      REFUSED("W' and W moved, weighted");
      bad = good, bad.w_prime = add(bad.w_prime, p),
      bad.w = add(bad.w, times(p, hf_fr_mul(ch.y, hf_fr_inv(zz))));
      REFUSED("W' and W moved, L kept");
    }
    bad = good, bad.w = hf_g1_neg(good.w), bad.w_prime = hf_g1_neg(good.w_prime);
    REFUSED("both negated");
    bad = good, bad.w = good.w_prime, bad.w_prime = good.w;
    REFUSED("exchanged");
    bad = good, bad.w = bad.w_prime = hf_g1_infinity();
    REFUSED("nothing at all");
    rig_free(&r);
  }
}

/* Evaluations that keep the identity: the opening must refuse them. */
Test(forgery, evaluations_that_keep_the_identity) {
  for (unsigned kappa = 1; kappa <= 2; kappa++) {
    rig r = rig_make(kappa, HF_TRANSCRIPT_KECCAK);
    hf_proof good, bad;
    hf_challenges ch;
    bool ok;
    hf_g1 left, right;
    rig_prove(&r, &good);
    hf_challenges_derive(&r.key->vk, &good, &ch);
    hf_fr zn = hf_fr_pow_u64(ch.zeta, 1 << RIG_LOG_N), one = hf_fr_one();
    for (int way = 0; way < HF_QUOTIENT_COUNT + 1; way++) {
      bad = good;
      hf_fr *t = bad.at_zeta + HF_EVAL_QUOTIENT;
      if (way < HF_QUOTIENT_COUNT - 1) { /* t_k + zeta^n, t_(k+1) - 1 */
        t[way] = hf_fr_add(t[way], zn);
        t[way + 1] = hf_fr_sub(t[way + 1], one);
      } else if (way == HF_QUOTIENT_COUNT - 1) { /* three chunks: the combination by the old v stays, too */
        /* d0 + zn d1 + zn^2 d2 = 0 and v0 d0 + v1 d1 + v2 d2 = 0 (kappa 1), d2 = 1 */
        unsigned first = hf_pack_layout_of(kappa).witness + hf_pack_layout_of(kappa).sums;
        hf_fr v[3];
        for (unsigned k = 0; k < 3; k++) {
          v[k] = ch.v[first + k / kappa];
          if (kappa == 2 && k == 1) v[k] = hf_fr_mul(v[k], ch.y);
        }
        hf_fr zn2 = hf_fr_sqr(zn); /* d0 = -zn d1 - zn^2; d1 (v1 - zn v0) = zn^2 v0 - v2 */
        hf_fr d1 =
            hf_fr_mul(hf_fr_sub(hf_fr_mul(zn2, v[0]), v[2]), hf_fr_inv(hf_fr_sub(v[1], hf_fr_mul(zn, v[0]))));
        t[0] = hf_fr_sub(t[0], hf_fr_add(hf_fr_mul(zn, d1), zn2));
        t[1] = hf_fr_add(t[1], d1);
        t[2] = hf_fr_add(t[2], one);
      } else { /* the one evaluation that no constraint reads */
        bad.at_next[HF_POLY_M] = hf_fr_add(bad.at_next[HF_POLY_M], one);
      }
      cr_assert_eq(hf_verify_deferred(&r.key->vk, &bad, &ok, &left, &right), HF_OK);
      cr_assert(ok, "way %d keeps the identity", way);
      cr_assert_not(pairing_holds(&r.key->vk, left, right), "way %d", way);
      REFUSED("way %d", way);
      rig_forge_opening(&r.key->vk, &bad); /* the secret opens it: nothing else stood in the way */
      cr_assert(rig_verify(&r.key->vk, &bad), "way %d", way);
    }
    rig_free(&r);
  }
}

/* With the secret of the setup every opening can be made: then the identity alone must refuse. */
Test(forgery, known_secret) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  hf_proof good, bad;
  hf_fr one = hf_fr_one();
  rig_prove(&r, &good);
  bad = good;
  bad.w_prime = hf_g1_generator();
  rig_forge_opening(&r.key->vk, &bad);
  cr_assert(hf_g1_eq(bad.w_prime, good.w_prime), "the only W' there is");
  for (unsigned i = 0; i < elements(&good); i++) {
    bad = good;
    hf_fr *e = element(&bad, i);
    *e = hf_fr_add(*e, one);
    rig_forge_opening(&r.key->vk, &bad);
    bool free_one = i == good.public_count + HF_EVALS_ZETA + HF_POLY_M;
    cr_assert_eq(!rig_refuses(&r.key->vk, &bad), free_one, "element %u", i);
  }
  for (unsigned i = 0; i + 2 < points(&good); i++) {
    bad = good;
    *point(&bad, i) = add(*point(&bad, i), hf_g1_generator());
    rig_forge_opening(&r.key->vk, &bad);
    REFUSED("commitment %u", i);
  }
  rig_free(&r);
}

/* --- transcript ------------------------------------------------------------------------------- */

enum { MAX_CHALLENGES = 8 + HF_MAX_PACKS };

/* In the order in which they are drawn. */
static unsigned flatten(const hf_challenges *ch, unsigned packs, hf_fr *out) {
  hf_fr head[] = {ch->beta, ch->gamma, ch->lambda, ch->eta, ch->chi, ch->alpha, ch->zeta};
  memcpy(out, head, sizeof head);
  memcpy(out + 7, ch->v, packs * sizeof(hf_fr));
  out[7 + packs] = ch->y;
  return 8 + packs;
}

/* Challenges before `first` stay, all others change. */
static void changes_from(const hf_verifying_key *vk, const hf_fr *old, const hf_proof *proof, unsigned first,
                         const char *what, unsigned number) {
  hf_challenges ch;
  hf_fr now[MAX_CHALLENGES];
  hf_challenges_derive(vk, proof, &ch);
  unsigned count = flatten(&ch, hf_pack_layout_of(vk->kappa).all, now);
  for (unsigned i = 0; i < count; i++)
    cr_assert_eq(hf_fr_eq(now[i], old[i]), i < first, "kappa %u, %s %u: challenge %u of %u", vk->kappa, what,
                 number, i, count);
}

Test(forgery, every_word_of_the_transcript) {
  static const unsigned kappas[] = {1, 2, 3, 8};
  for (unsigned k = 0; k < 4; k++)
    for (int transcript = 0; transcript < 2; transcript++) {
      rig r = rig_make(kappas[k], (hf_transcript_kind)transcript);
      const hf_verifying_key *vk = &r.key->vk;
      hf_pack_layout packs = hf_pack_layout_of(vk->kappa);
      hf_proof good, bad;
      hf_challenges ch;
      hf_fr old[MAX_CHALLENGES], one = hf_fr_one();
      rig_prove(&r, &good);
      hf_challenges_derive(vk, &good, &ch);
      unsigned count = flatten(&ch, packs.all, old), y = count - 1;
      for (unsigned i = 0; i < count; i++) { /* all differ, and the short ones are short */
        for (unsigned j = 0; j < i; j++)
          cr_assert_not(hf_fr_eq(old[i], old[j]), "challenges %u and %u", i, j);
        /* the short ones are odd and between -2^126 and 2^126 */
        hf_fr u = hf_fr_to_limbs(old[i]), v = hf_fr_to_limbs(hf_fr_neg(old[i]));
        bool minus = u.l[3] | u.l[2];
        if (minus) u = v;
        bool is_short = u.l[3] == 0 && u.l[2] == 0 && u.l[1] >> 62 == 0 && (u.l[0] & 1);
        cr_assert_eq(is_short, i >= 7 && i < y, "challenge %u", i);
      }
      hf_verifying_key other = *vk;
      other.digest = hf_fr_add(other.digest, one);
      changes_from(&other, old, &good, 0, "key digest", 0);
      for (unsigned i = 0; i < elements(&good); i++) {
        bad = good;
        *element(&bad, i) = hf_fr_add(*element(&bad, i), one);
        changes_from(vk, old, &bad, i < good.public_count ? 0 : 7, "element", i);
      }
      for (unsigned i = 0; i < points(&good); i++) {
        unsigned first = i < packs.witness                ? 0
                         : i < packs.witness + packs.sums ? 5
                         : i < packs.proof                ? 6
                         : i == packs.proof               ? y
                                                          : count;
        bad = good;
        point(&bad, i)->y = hf_fq_neg(point(&bad, i)->y);
        changes_from(vk, old, &bad, first, "y of point", i);
        bad = good; /* the other coordinate, and each of its two words (bits 0, 128 and 253) */
        for (int bit = 0; bit < 3; bit++) {
          hf_fq step = hf_fq_pow_u64(hf_fq_from_u64(2), bit == 0 ? 0 : bit == 1 ? 128 : 253);
          point(&bad, i)->x = hf_fq_add(point(&good, i)->x, step);
          changes_from(vk, old, &bad, first, "x of point", i);
        }
        if (i + 1 < points(&good)) {
          bad = good;
          *point(&bad, i) = *point(&good, i + 1);
          *point(&bad, i + 1) = *point(&good, i);
          changes_from(vk, old, &bad, first, "order of points", i);
        }
      }
      bad = good;
      bad.public_count++; /* a zero more is another instance */
      changes_from(vk, old, &bad, 0, "an input more", 0);
      bad.public_count -= 2;
      changes_from(vk, old, &bad, 0, "an input less", 0);
      rig_free(&r);
    }
}
