/* Openings and accumulators: changes that compensate each other, and bad accumulators under proofs that
 * convince. */
#include <stdlib.h>
#include "corpus.h"
#include "host/domains.h"

static hf_g1 one(void) { return hf_g1_generator(); }
static hf_g1 tau_one(void) { return corpus_times(hf_g1_generator(), corpus_tau()); }

/* --- W and W' -------------------------------------------------------------------------------------- */

/* What the verifier multiplies W by: z0 z1. */
static hf_fr weight_of_w(const corpus_item *item, const hf_challenges *ch) {
  hf_fr yk = hf_fr_pow_u64(ch->y, item->vk.kappa), omega = hf_fr_root_of_unity((int)item->vk.log_n);
  return hf_fr_mul(hf_fr_sub(yk, ch->zeta), hf_fr_sub(yk, hf_fr_mul(ch->zeta, omega)));
}

static void compensate(corpus_item *item, unsigned i) {
  hf_challenges ch;
  hf_proof *p = &item->proof;
  hf_challenges_derive(&item->vk, p, &ch);
  hf_fr zz = weight_of_w(item, &ch), inverse = hf_fr_inv(zz);
  hf_g1 w = p->w, w_prime = p->w_prime, step = i & 1 ? hf_g1_neg(one()) : one();
  switch (i / 2) {
  case 0: /* with the y of before, F and W' follow W along this line */
    p->w = corpus_add(w, corpus_add(tau_one(), hf_g1_neg(corpus_times(one(), ch.y))));
    p->w_prime = corpus_add(w_prime, hf_g1_neg(corpus_times(one(), zz)));
    if (i == 1) p->w = corpus_add(p->w, p->w), p->w = corpus_add(p->w, hf_g1_neg(w)); /* twice the step */
    break;
  case 1:
    p->w_prime = corpus_add(w_prime, step);
    p->w = corpus_add(w, hf_g1_neg(step));
    break;
  case 2:
    p->w_prime = corpus_add(w_prime, step);
    p->w = corpus_add(w, corpus_times(step, inverse));
    break;
  case 3: /* L stays */
    p->w_prime = corpus_add(w_prime, step);
    p->w = corpus_add(w, corpus_times(step, hf_fr_mul(ch.y, inverse)));
    break;
  default:
    p->w = i & 1 ? w_prime : hf_g1_neg(w);
    p->w_prime = i & 1 ? w : hf_g1_neg(w_prime);
  }
}
static unsigned ten(const corpus_subject *s) { return (void)s, 10u; }

/* Evaluations that keep the identity. */
static void chunks(corpus_item *item, unsigned i) {
  hf_challenges ch;
  hf_challenges_derive(&item->vk, &item->proof, &ch);
  hf_fr zn = hf_fr_pow_u64(ch.zeta, (uint64_t)1 << item->vk.log_n),
        *t = item->proof.at_zeta + HF_EVAL_QUOTIENT;
  t[i] = hf_fr_add(t[i], zn);
  t[i + 1] = hf_fr_sub(t[i + 1], hf_fr_one());
}
static unsigned four(const corpus_subject *s) { return (void)s, 4u; }

/* The identity forged for another instance, the opening not. */
static void identity_alone(corpus_item *item, unsigned i) {
  (void)i;
  hf_fr *word = &item->proof.public_inputs[0];
  *word = hf_fr_add(*word, hf_fr_one());
  corpus_forge_identity(item);
}

/* --- accumulators under a proof that convinces ------------------------------------------------------- */

static void good_pair(corpus_item *item, unsigned i) {
  hf_g1 left, right;
  corpus_pair(5 + i, &left, &right);
  if (i == 1) left = hf_g1_neg(left), right = hf_g1_neg(right);
  corpus_set_accumulator(item, left, right);
  corpus_forge(item);
}

static void bad_pair(corpus_item *item, unsigned i) {
  hf_g1 left, right, third;
  corpus_pair(1, &left, &third);
  right = third;
  switch (i) {
  case 0: /* exchanged */
    right = left, left = third;
    break;
  case 1:
    left = hf_g1_neg(left);
    break;
  case 2:
    right = hf_g1_neg(right);
    break;
  case 3:
    left = corpus_add(left, one());
    break;
  case 4:
    right = corpus_add(right, tau_one());
    break;
  case 5: /* one point twice */
    left = right;
    break;
  default: /* twice the left */
    left = corpus_add(left, left);
  }
  corpus_set_accumulator(item, left, right);
  corpus_forge(item);
}
static unsigned seven(const corpus_subject *s) { return (void)s, 7u; }
static unsigned two(const corpus_subject *s) { return (void)s, 2u; }

static void zero_points(corpus_item *item, unsigned i) {
  for (int k = 0; k < 4; k++) {
    if (i != 1) corpus_accumulator(item)[k] = hf_fr_zero();
    if (i != 0) corpus_accumulator(item)[4 + k] = hf_fr_zero();
  }
  corpus_forge(item);
}
static unsigned three(const corpus_subject *s) { return (void)s, 3u; }

static void off_curve(corpus_item *item, unsigned i) {
  hf_fr *word = &corpus_accumulator(item)[i];
  *word = hf_fr_add(*word, hf_fr_one());
  corpus_forge(item);
}
static unsigned eight(const corpus_subject *s) { return (void)s, 8u; }

/* The same coordinate, split otherwise: low half + 2^128, high half - 1. */
static void split_otherwise(corpus_item *item, unsigned i) {
  hf_fr *half = corpus_accumulator(item) + 2 * i, step = hf_fr_pow_u64(hf_fr_from_u64(2), 128);
  half[0] = hf_fr_add(half[0], step);
  half[1] = hf_fr_sub(half[1], hf_fr_one());
  corpus_forge(item);
}

/* The same coordinate + q. */
static void plus_q(corpus_item *item, unsigned i) {
  hf_fr *half = corpus_accumulator(item) + 2 * i, l[2] = {hf_fr_to_limbs(half[0]), hf_fr_to_limbs(half[1])};
  hf_fq minus_one = hf_fq_to_limbs(hf_fq_neg(hf_fq_one()));
  hf_u64 carry = 1, sum[4];
  for (int k = 0; k < 4; k++) sum[k] = hf_adc(l[k / 2].l[k % 2], minus_one.l[k], &carry);
  half[0] = hf_fr_from_limbs((hf_fr){{sum[0], sum[1], 0, 0}});
  half[1] = hf_fr_from_limbs((hf_fr){{sum[2], sum[3], 0, 0}});
  corpus_forge(item);
}

static void half_is_huge(corpus_item *item, unsigned i) {
  corpus_accumulator(item)[i] = hf_fr_neg(hf_fr_one());
  corpus_forge(item);
}

/* --- the two pairs of one check ------------------------------------------------------------------------ */

/* The challenge by which a contract combines the proof's own pair with the accumulator's; behind W', or, as
 * it must not be, before it. */
static hf_fr combining_challenge(const corpus_item *item, bool with_w_prime) {
  const hf_proof *p = &item->proof;
  hf_pack_layout packs = hf_pack_layout_of(item->vk.kappa);
  const hf_g1 *commitment = p->commitments;
  hf_transcript t;
  hf_fr ignored, pair[2], rho;
  hf_transcript_init(&t, item->vk.transcript, HF_DOMAIN_TRANSCRIPT);
  hf_transcript_absorb_fr(&t, HF_TAG_VK, &item->vk.digest, 1);
  hf_transcript_absorb_fr(&t, HF_TAG_PUBLIC, p->public_inputs, p->public_count);
  hf_transcript_absorb_g1(&t, HF_TAG_WITNESS, commitment, packs.witness);
  for (int i = 0; i < 5; i++) hf_transcript_squeeze(&t, &ignored);
  hf_transcript_absorb_g1(&t, HF_TAG_SUMS, commitment += packs.witness, packs.sums);
  hf_transcript_squeeze(&t, &ignored);
  hf_transcript_absorb_g1(&t, HF_TAG_QUOTIENT, commitment += packs.sums, packs.quotient);
  hf_transcript_squeeze(&t, &ignored);
  hf_transcript_absorb_fr(&t, HF_TAG_EVALS_ZETA, p->at_zeta, HF_EVALS_ZETA);
  hf_transcript_absorb_fr(&t, HF_TAG_EVALS_NEXT, p->at_next, HF_EVALS_NEXT);
  for (unsigned i = 0; i < packs.all; i += 2) hf_transcript_squeeze_short(&t, pair);
  hf_transcript_absorb_g1(&t, HF_TAG_W, &p->w, 1);
  hf_transcript_squeeze(&t, &ignored);
  if (with_w_prime) hf_transcript_absorb_g1(&t, HF_TAG_W_PRIME, &p->w_prime, 1);
  hf_transcript_squeeze(&t, &rho);
  return rho;
}

/* A bad accumulator (L off by [1]) and an opening that is off by as much: W' moved by [s] moves L - tau R by
 * s (y - tau), and s = -c/(y - tau) cancels the accumulator's c for the factor c that the verifier would use.
 */
static void cancel(corpus_item *item, unsigned i) {
  hf_challenges ch;
  hf_g1 left, right;
  corpus_pair(1, &left, &right);
  corpus_set_accumulator(item, corpus_add(left, one()), right);
  corpus_forge(item);
  hf_fr factor = i == 0   ? hf_fr_one()
                 : i == 1 ? combining_challenge(item, false) /* drawn before W' */
                 : i == 2 ? combining_challenge(item, true)  /* drawn behind the W' of before */
                          : hf_fr_neg(hf_fr_one());
  hf_challenges_derive(&item->vk, &item->proof, &ch);
  hf_fr s = hf_fr_neg(hf_fr_mul(factor, hf_fr_inv(hf_fr_sub(ch.y, corpus_tau()))));
  item->proof.w_prime = corpus_add(item->proof.w_prime, corpus_times(one(), s));
  /* the attack is real: with this factor the sum of both checks holds */
  bool ok = false, sums = false;
  hf_g1 own_left, own_right;
  hf_verifying_key plain = item->vk;
  plain.foldable = plain.seal = false;
  if (hf_verify_deferred(&plain, &item->proof, &ok, &own_left, &own_right) != HF_OK || !ok) abort();
  own_left = corpus_add(own_left, corpus_times(corpus_add(left, one()), factor));
  own_right = corpus_add(own_right, corpus_times(right, factor));
  if (hf_accumulator_decide(own_left, own_right, item->vk.tau_g2, &sums) != HF_OK || !sums) abort();
}

const corpus_case corpus_cases_openings[] = {
    {"opening", "W and W' together", CORPUS_ALL, ten, compensate, CORPUS_OPENING, NULL},
    {"opening", "chunks that keep the identity", CORPUS_ALL, four, chunks, CORPUS_OPENING, NULL},
    {"opening", "forged identity, honest opening", CORPUS_ALL, NULL, identity_alone, CORPUS_OPENING, NULL},
    {"opening", "cancels a bad accumulator", CORPUS_ON(CORPUS_NODE) | CORPUS_ON(CORPUS_SEAL), four, cancel,
     CORPUS_OPENING, NULL},
    {"accumulator", "another good pair", CORPUS_ON(CORPUS_NODE) | CORPUS_ON(CORPUS_SEAL), two, good_pair,
     CORPUS_ACCEPTED, NULL},
    {"accumulator", "a bad pair", CORPUS_ON(CORPUS_NODE) | CORPUS_ON(CORPUS_SEAL), seven, bad_pair,
     CORPUS_ACCUMULATOR, NULL},
    {"accumulator", "infinity", CORPUS_ON(CORPUS_NODE) | CORPUS_ON(CORPUS_SEAL), three, zero_points,
     CORPUS_INFINITY_ACCUMULATOR, NULL},
    {"accumulator", "off the curve", CORPUS_ON(CORPUS_NODE) | CORPUS_ON(CORPUS_SEAL), eight, off_curve,
     CORPUS_CURVE_ACCUMULATOR, NULL},
    {"accumulator", "split otherwise", CORPUS_ON(CORPUS_NODE) | CORPUS_ON(CORPUS_SEAL), four, split_otherwise,
     CORPUS_RANGE_ACCUMULATOR, NULL},
    {"accumulator", "coordinate plus q", CORPUS_ON(CORPUS_NODE) | CORPUS_ON(CORPUS_SEAL), four, plus_q,
     CORPUS_RANGE_ACCUMULATOR, NULL},
    {"accumulator", "half of 254 bits", CORPUS_ON(CORPUS_NODE) | CORPUS_ON(CORPUS_SEAL), eight, half_is_huge,
     CORPUS_RANGE_ACCUMULATOR, NULL},
    {0},
};
