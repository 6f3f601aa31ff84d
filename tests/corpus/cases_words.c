/* Well-formed changes: every word that enters the transcript, points exchanged, proofs, keys and instances
 * mixed. */
#include <string.h>
#include "corpus.h"

static const char a_key[] = "a contract's key is its code";

static unsigned evaluations(const corpus_subject *s) { return corpus_map_of(&s->proof).evaluation_count; }
static unsigned inputs(const corpus_subject *s) { return s->proof.public_count; }
static unsigned points(const corpus_subject *s) { return corpus_map_of(&s->proof).point_count; }
static unsigned pairs(const corpus_subject *s) { return points(s) * (points(s) - 1) / 2; }

/* The one evaluation that no constraint reads: only the opening binds it. */
static corpus_class of_evaluation(unsigned i) {
  return i == HF_EVALS_ZETA + HF_POLY_M ? CORPUS_OPENING : CORPUS_IDENTITY;
}
/* Commitments are bound by the challenges behind them, W by y, W' by the pairing alone. */
static corpus_class of_point(const corpus_item *item, unsigned i) {
  return i < hf_pack_layout_of(item->proof.kappa).proof ? CORPUS_IDENTITY : CORPUS_OPENING;
}

static void change_input(corpus_item *item, unsigned i, hf_fr value) {
  item->proof.public_inputs[i] = value;
  /* of a leaf all but the statement is zero; a node's own digest stands in word 1 */
  if (item->kind == CORPUS_LEAF && i >= HF_INSTANCE_NODE_VK) item->expected = CORPUS_INSTANCE;
  if (item->kind == CORPUS_NODE && i == HF_INSTANCE_NODE_VK) item->expected = CORPUS_INSTANCE;
}

static void input_plus_one(corpus_item *item, unsigned i) {
  change_input(item, i, hf_fr_add(item->proof.public_inputs[i], hf_fr_one()));
}
static void evaluation_plus_one(corpus_item *item, unsigned i) {
  hf_fr *e = corpus_evaluation(&item->proof, i);
  *e = hf_fr_add(*e, hf_fr_one());
  item->expected = of_evaluation(i);
}
static void evaluation_negated(corpus_item *item, unsigned i) {
  hf_fr *e = corpus_evaluation(&item->proof, i);
  *e = hf_fr_is_zero(*e) ? hf_fr_one() : hf_fr_neg(*e);
  item->expected = of_evaluation(i);
}
static void evaluation_of_the_other_point(corpus_item *item, unsigned i) {
  item->proof.at_zeta[i] = item->subject->proof.at_next[i];
  item->proof.at_next[i] = item->subject->proof.at_zeta[i];
}
static unsigned next_evaluations(const corpus_subject *s) { return (void)s, (unsigned)HF_EVALS_NEXT; }

static void point_negated(corpus_item *item, unsigned i) {
  hf_g1 *p = corpus_point(&item->proof, i);
  *p = hf_g1_neg(*p);
  item->expected = of_point(item, i);
}
static void point_plus_one(corpus_item *item, unsigned i) {
  hf_g1 *p = corpus_point(&item->proof, i);
  *p = corpus_add(*p, hf_g1_generator());
  item->expected = of_point(item, i);
}
static void point_is_tau(corpus_item *item, unsigned i) {
  *corpus_point(&item->proof, i) = corpus_times(hf_g1_generator(), corpus_tau());
  item->expected = of_point(item, i);
}
static void points_exchanged(corpus_item *item, unsigned number) {
  unsigned i = 1, j = number;
  while (j >= i) j -= i++;
  hf_g1 *a = corpus_point(&item->proof, i), *b = corpus_point(&item->proof, j), t = *a;
  *a = *b;
  *b = t;
  item->expected = of_point(item, j);
}
static void point_doubled(corpus_item *item, unsigned number) { /* equal commitments */
  unsigned i = 1, j = number;
  while (j >= i) j -= i++;
  *corpus_point(&item->proof, i) = *corpus_point(&item->proof, j);
  item->expected = of_point(item, i);
}
static void point_opposed(corpus_item *item, unsigned number) {
  unsigned i = 1, j = number;
  while (j >= i) j -= i++;
  *corpus_point(&item->proof, i) = hf_g1_neg(*corpus_point(&item->proof, j));
  item->expected = of_point(item, i);
}

/* --- exchanges ------------------------------------------------------------------------------------ */

static void alien_key(corpus_item *item, unsigned adapted) {
  item->vk = item->subject->alien_vk;
  if (!adapted) return;
  item->proof.vk_digest = item->vk.digest; /* says that it is for this key */
  item->expected = item->kind == CORPUS_NODE ? CORPUS_INSTANCE : CORPUS_IDENTITY;
}
static void alien_proof(corpus_item *item, unsigned adapted) {
  item->proof = item->subject->alien;
  if (!adapted) return;
  item->proof.vk_digest = item->vk.digest;
  item->expected = item->kind == CORPUS_NODE ? CORPUS_INSTANCE : CORPUS_IDENTITY;
}
static void other_kind_key(corpus_item *item, unsigned i) { /* the same circuit, otherwise verified */
  if (i == 0)
    item->vk.transcript =
        item->vk.transcript == HF_TRANSCRIPT_KECCAK ? HF_TRANSCRIPT_POSEIDON2 : HF_TRANSCRIPT_KECCAK;
  if (i == 1) item->vk.log_n++; /* another omega */
  if (i == 2) item->vk.log_n--;
  if (i == 3) item->vk.tau_g2 = hf_g2_add(item->vk.tau_g2, hf_g2_generator());
  if (i == 4) { /* two packs of columns exchanged, sigmas among them */
    unsigned last = hf_packs(HF_FIXED_COUNT, item->vk.kappa) - 1;
    hf_g1 t = item->vk.fixed[last];
    item->vk.fixed[last] = item->vk.fixed[last - 1];
    item->vk.fixed[last - 1] = t;
  }
  if (i == 0 || i == 3) item->no_circuit = "transcript and setup are constants of the circuit";
  (void)hf_verifying_key_finish(&item->vk);
  item->proof.vk_digest = item->vk.digest;
  if (item->kind == CORPUS_NODE) item->expected = CORPUS_INSTANCE; /* word 1 names the key as it was */
}
static unsigned two(const corpus_subject *s) { return (void)s, 2u; }
static unsigned five(const corpus_subject *s) { return (void)s, 5u; }

static void halves(corpus_item *item, unsigned i) { /* parts of two good proofs under one key */
  const hf_proof *other = &item->subject->other;
  switch (i) {
  case 0:
    memcpy(item->proof.public_inputs, other->public_inputs, sizeof other->public_inputs);
    break;
  case 1:
    memcpy(item->proof.commitments, other->commitments, sizeof other->commitments);
    break;
  case 2:
    memcpy(item->proof.at_zeta, other->at_zeta, sizeof other->at_zeta);
    memcpy(item->proof.at_next, other->at_next, sizeof other->at_next);
    break;
  case 3:
    item->proof.w = other->w;
    item->proof.w_prime = other->w_prime;
    item->expected = CORPUS_OPENING;
    break;
  default:
    item->proof.w_prime = other->w_prime;
    item->expected = CORPUS_OPENING;
  }
}

const corpus_case corpus_cases_words[] = {
    {"words", "public input plus 1", CORPUS_ALL, inputs, input_plus_one, CORPUS_IDENTITY, NULL},
    {"words", "evaluation plus 1", CORPUS_ALL, evaluations, evaluation_plus_one, CORPUS_IDENTITY, NULL},
    {"words", "evaluation negated", CORPUS_ON(CORPUS_SEAL), evaluations, evaluation_negated, CORPUS_IDENTITY,
     NULL},
    {"words", "evaluation of the other point", CORPUS_ALL, next_evaluations, evaluation_of_the_other_point,
     CORPUS_IDENTITY, NULL},
    {"words", "point negated", CORPUS_ALL, points, point_negated, CORPUS_IDENTITY, NULL},
    {"words", "point plus [1]", CORPUS_ALL, points, point_plus_one, CORPUS_IDENTITY, NULL},
    {"words", "point is [tau]", CORPUS_ON(CORPUS_SEAL), points, point_is_tau, CORPUS_IDENTITY, NULL},
    {"words", "points exchanged", CORPUS_ALL, pairs, points_exchanged, CORPUS_IDENTITY, NULL},
    {"words", "equal points", CORPUS_ALL, pairs, point_doubled, CORPUS_IDENTITY, NULL},
    {"words", "opposite points", CORPUS_ALL, pairs, point_opposed, CORPUS_IDENTITY, NULL},
    {"exchange", "another circuit's key", CORPUS_ALL, two, alien_key, CORPUS_MISMATCH, a_key},
    {"exchange", "another circuit's proof", CORPUS_ALL, two, alien_proof, CORPUS_MISMATCH, NULL},
    {"exchange", "the key otherwise", CORPUS_ALL, five, other_kind_key, CORPUS_IDENTITY, a_key},
    {"exchange", "halves of two proofs", CORPUS_ALL, five, halves, CORPUS_IDENTITY, NULL},
    {0},
};
