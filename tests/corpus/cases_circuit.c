/* Cases that only circuits know: points that meet in an addition (proofs that the native verifier accepts, or
 * refuses for their opening alone), and hints that lie. */
#include <stdlib.h>
#include <string.h>
#include "circuit.h"
#include "circuit/msm.h"
#include "host/glv.h"
#include "host/transcript.h"

static hf_g1 negated_if(bool minus, hf_g1 p) { return minus ? hf_g1_neg(p) : p; }
static hf_g1 *quotient(corpus_item *item, unsigned i) {
  hf_pack_layout packs = hf_pack_layout_of(item->vk.kappa);
  return &item->proof.commitments[packs.witness + packs.sums + i];
}

/* --- points that meet -------------------------------------------------------------------------------- */

/* The first group of the sum at zeta is the quotient's packs and three of the key's. */
static void equal_commitments(corpus_item *item, unsigned i) {
  hf_g1 *c = item->proof.commitments;
  if (i / 2 == 0) *quotient(item, 1) = negated_if(i & 1, *quotient(item, 0));
  if (i / 2 == 1) c[1] = negated_if(i & 1, c[0]);
  if (i / 2 == 2) c[2] = negated_if(i & 1, corpus_add(c[0], c[1])); /* the third is the sum of two */
  corpus_forge(item);
}

/* The address that a group's five scalars give in the first step: their top digits. `bits`: of the longest
 * scalar. */
static unsigned top_bit(hf_fr half, unsigned own, unsigned bits) {
  hf_fr two = hf_fr_from_u64(2);
  hf_fr pad = hf_fr_sub(hf_fr_pow_u64(two, bits - 1), hf_fr_pow_u64(two, own - 1));
  hf_fr l = hf_fr_to_limbs(hf_fr_add(half, pad));
  return (unsigned)(l.l[(bits - 1) / 64] >> ((bits - 1) % 64)) & 1;
}

static hf_fr half_of(hf_fr v) { /* v = 2 half + 1 - 2^126 */
  hf_fr offset = hf_fr_sub(hf_fr_pow_u64(hf_fr_from_u64(2), HF_TRANSCRIPT_SHORT_BITS), hf_fr_one());
  return hf_fr_mul(hf_fr_add(v, offset), hf_fr_inv(hf_fr_from_u64(2)));
}

/* The five points of the first group at zeta, and their top digits. */
static void first_group(const corpus_item *item, hf_g1 point[5], unsigned digit[5]) {
  hf_pack_layout packs = hf_pack_layout_of(item->vk.kappa);
  hf_challenges ch;
  hf_challenges_derive(&item->vk, &item->proof, &ch);
  for (unsigned i = 0; i < 5; i++) {
    unsigned pack = packs.witness + packs.sums + i;
    point[i] = pack < packs.proof ? item->proof.commitments[pack] : item->vk.fixed[pack - packs.proof];
    digit[i] = top_bit(half_of(ch.v[pack]), HF_TRANSCRIPT_SHORT_BITS, HF_TRANSCRIPT_SHORT_BITS);
  }
}

/* A commitment of the quotient such that the running sum, the fixed point O, meets the first group's sum. The
 * digits hang on the commitment: try until they are those that it was made for, one in 32. */
static void meets_running_sum(corpus_item *item, unsigned i) {
  hf_g1 point[5];
  unsigned digit[5];
  for (uint64_t try = 1;; try++) {
    hf_fr *word = &item->proof.public_inputs[HF_INSTANCE_STATEMENT];
    *word = hf_fr_from_u64(1000 * (i + 1) + try);
    first_group(item, point, digit);
    hf_g1 due = negated_if(i & 1, hf_msm_offset());
    for (unsigned k = 1; k < 5; k++) due = corpus_add(due, negated_if(digit[k], point[k]));
    *quotient(item, 0) = negated_if(!digit[0], due);
    unsigned before[5];
    memcpy(before, digit, sizeof before);
    corpus_forge(item);
    first_group(item, point, digit);
    if (memcmp(before, digit, sizeof before) == 0) break;
  }
}

/* The second sum of the opening: four commitments and Z, the sum at zeta; then phi(Z), W, phi(W), W',
 * phi(W'). */
typedef struct second_sum {
  hf_g1 first[5], z_phi, w, w_phi;
  unsigned digit[10]; /* top digits of all scalars, in this order */
  hf_g1 rest;         /* the whole sum without W' */
  hf_fr y;
} second_sum;

static hf_g1 phi(hf_g1 p) {
  p.x = hf_fq_mul(p.x, hf_glv_beta());
  return p;
}

static void second_sum_of(const corpus_item *item, second_sum *s) {
  hf_pack_layout packs = hf_pack_layout_of(item->vk.kappa);
  hf_challenges ch;
  hf_g1 z = hf_g1_infinity();
  hf_challenges_derive(&item->vk, &item->proof, &ch);
  s->rest = hf_g1_infinity();
  for (unsigned i = 0; i < packs.all; i++) {
    hf_g1 c = i < packs.proof ? item->proof.commitments[i] : item->vk.fixed[i - packs.proof];
    hf_g1 *sum = i < 4 ? &s->rest : &z; /* kappa 3: two packs of witness, two of sums */
    *sum = corpus_add(*sum, corpus_times(c, ch.v[i]));
    if (i < 4)
      s->first[i] = c, s->digit[i] = top_bit(half_of(ch.v[i]), HF_TRANSCRIPT_SHORT_BITS, HF_GLV_BITS);
  }
  hf_fr yk = hf_fr_pow_u64(ch.y, item->vk.kappa), z0 = hf_fr_sub(yk, ch.zeta);
  hf_fr z1 = hf_fr_sub(yk, hf_fr_mul(ch.zeta, hf_fr_root_of_unity((int)item->vk.log_n)));
  hf_fr scalar[3] = {z1, hf_fr_neg(hf_fr_mul(z0, z1)), ch.y}, half[2];
  for (unsigned i = 0; i < 3; i++) {
    hf_glv_split(scalar[i], half);
    for (unsigned k = 0; k < 2; k++) s->digit[4 + 2 * i + k] = top_bit(half[k], HF_GLV_BITS, HF_GLV_BITS);
  }
  s->first[4] = z;
  s->z_phi = phi(z);
  s->w = item->proof.w;
  s->w_phi = phi(s->w);
  s->rest = corpus_add(s->rest, corpus_add(corpus_times(z, scalar[0]), corpus_times(s->w, scalar[1])));
  s->y = ch.y;
}

/* W' is bound by no challenge of the proof: all scalars are known when it is chosen. */
static void w_prime_meets(corpus_item *item, unsigned i) {
  second_sum s;
  hf_g1 at;
  hf_fr factor = hf_fr_one();
  second_sum_of(item, &s);
  switch (i / 2) {
  case 0: /* the first sum of its group, as far as it */
    at = corpus_add(corpus_add(s.z_phi, s.w), s.w_phi);
    break;
  case 1: /* the running sum, where the second group's first sum is added to it */
    at = negated_if(i & 1, hf_msm_offset());
    for (unsigned k = 0; k < 5; k++) at = corpus_add(at, negated_if((i & 1) == s.digit[k], s.first[k]));
    at = corpus_add(at, negated_if(s.digit[5], s.z_phi));
    at = corpus_add(at, negated_if(s.digit[6], s.w));
    at = corpus_add(at, negated_if(s.digit[7], s.w_phi));
    /* +- W' +- lambda W' = at */
    factor = s.digit[9] ? hf_glv_lambda() : hf_fr_neg(hf_glv_lambda());
    factor = s.digit[8] ? hf_fr_add(factor, hf_fr_one()) : hf_fr_sub(factor, hf_fr_one());
    item->proof.w_prime = corpus_times(at, hf_fr_inv(factor));
    return;
  default: /* the whole sum is infinity: the last addition takes the offset back */
    item->proof.w_prime = hf_g1_neg(corpus_times(s.rest, hf_fr_inv(s.y)));
    return;
  }
  item->proof.w_prime = negated_if(i & 1, at);
}

/* What is not exceptional: points that stand in different sums, equal points that are not the first two of a
 * group, and the setup's own powers. */
static void harmless(corpus_item *item, unsigned i) {
  hf_g1 *c = item->proof.commitments;
  if (i == 0) c[0] = hf_g1_generator();
  if (i == 1) c[0] = corpus_times(hf_g1_generator(), corpus_tau());
  if (i == 2) *quotient(item, 1) = c[0];
  if (i == 3) item->proof.w = c[1];
  if (i == 4) c[2] = c[0];
  if (i == 5) c[2] = hf_g1_neg(c[0]);
  if (i == 6) *quotient(item, 0) = item->vk.fixed[0];
  corpus_forge(item);
}

#define FOLDED CORPUS_FOLDED
const corpus_circuit_case corpus_cases_circuit[] = {
    {"circuit", "equal or opposite commitments", FOLDED, 6, equal_commitments, NULL, CORPUS_ACCEPTED,
     CORPUS_EXCEPTION, CORPUS_EXCEPTION, NULL},
    {"circuit", "a commitment meets the running sum", FOLDED, 4, meets_running_sum, NULL, CORPUS_ACCEPTED,
     CORPUS_EXCEPTION, CORPUS_EXCEPTION, NULL},
    {"circuit", "W' meets a point of the sum", FOLDED, 5, w_prime_meets, NULL, CORPUS_OPENING, CORPUS_OTHER,
     CORPUS_EXCEPTION, NULL},
    {"circuit", "points that do not meet", FOLDED, 7, harmless, NULL, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_ACCEPTED, NULL},
    {0},
};
