/* Encodings: values that are not canonical, points that are none, wrong counts and lengths. The verifier must
 * see them before anything else: what hangs on a changed value (the identity) is forged to hold. */
#include <string.h>
#include "corpus.h"

static const char no_word[] = "the contract is not sent this word";
static const char fixed_count[] = "a contract's proof has one length";

static unsigned inputs(const corpus_subject *s) { return s->proof.public_count; }
static unsigned evaluations(const corpus_subject *s) { return corpus_map_of(&s->proof).evaluation_count; }
static unsigned points(const corpus_subject *s) { return corpus_map_of(&s->proof).point_count; }
static unsigned coordinates(const corpus_subject *s) { return 2 * points(s); }

static uint8_t *input_at(corpus_item *item, unsigned i) {
  return corpus_at(item, corpus_map_of(&item->proof).inputs + 32 * (size_t)i);
}
static uint8_t *evaluation_at(corpus_item *item, unsigned i) {
  return corpus_at(item, corpus_map_of(&item->proof).evaluations + 32 * (size_t)i);
}
static uint8_t *coordinate_at(corpus_item *item, unsigned i) {
  return corpus_at(item, corpus_map_of(&item->proof).points[i / 2] + 32 * (i % 2));
}

/* --- values not below their modulus ------------------------------------------------------------- */

static void input_plus_r(corpus_item *item, unsigned i) { corpus_add_modulus(input_at(item, i), false); }
static void input_is_r(corpus_item *item, unsigned i) { corpus_modulus(false, input_at(item, i)); }
static void input_is_huge(corpus_item *item, unsigned i) { memset(input_at(item, i), 0xff, 32); }
static void evaluation_plus_r(corpus_item *item, unsigned i) {
  corpus_add_modulus(evaluation_at(item, i), false);
}
static void evaluation_is_r(corpus_item *item, unsigned i) { corpus_modulus(false, evaluation_at(item, i)); }
static void evaluation_is_huge(corpus_item *item, unsigned i) { memset(evaluation_at(item, i), 0xff, 32); }
static void coordinate_plus_q(corpus_item *item, unsigned i) {
  corpus_add_modulus(coordinate_at(item, i), true);
}
static void coordinate_is_huge(corpus_item *item, unsigned i) { memset(coordinate_at(item, i), 0xff, 32); }
static void digest_plus_r(corpus_item *item, unsigned i) {
  (void)i;
  corpus_add_modulus(corpus_at(item, corpus_map_of(&item->proof).digest), false);
}
/* Infinity, written otherwise than as zeros. */
static void point_zero_q(corpus_item *item, unsigned i) {
  memset(coordinate_at(item, 2 * i), 0, 32);
  corpus_modulus(true, coordinate_at(item, 2 * i + 1));
}

/* --- points that are none ------------------------------------------------------------------------- */

static void x_off_curve(corpus_item *item, unsigned i) {
  hf_g1 *p = corpus_point(&item->proof, i);
  p->x = hf_fq_add(p->x, hf_fq_one());
  corpus_forge_identity(item);
}
static void y_off_curve(corpus_item *item, unsigned i) {
  hf_g1 *p = corpus_point(&item->proof, i);
  p->y = hf_fq_add(p->y, hf_fq_one());
  corpus_forge_identity(item);
}
static void zero_one(corpus_item *item, unsigned i) {
  *corpus_point(&item->proof, i) = (hf_g1){hf_fq_zero(), hf_fq_one()};
  corpus_forge_identity(item);
}
static void infinity(corpus_item *item, unsigned i) {
  *corpus_point(&item->proof, i) = hf_g1_infinity();
  corpus_forge_identity(item);
}

/* --- lengths and counts ----------------------------------------------------------------------------- */

static void proof_cut(corpus_item *item, unsigned i) {
  static const size_t less[] = {1, 31, 32, 64, 128};
  corpus_freeze(item);
  item->proof_bytes.length -= less[i];
  item->record_bytes.length = 0;
  item->evm.error = "AbiDecoder"; /* the compiler's own check: it reverts without data */
}
static unsigned five(const corpus_subject *s) { return (void)s, 5u; }

static void trailing(corpus_item *item, unsigned i) {
  static const unsigned more[] = {1, 31, 32, 64, 128};
  item->trailing = more[i];
}

static void one_input_more(corpus_item *item, unsigned i) {
  (void)i;
  item->proof.public_inputs[item->proof.public_count++] = hf_fr_zero();
  item->evm.error = "WrongLength";
}
static void one_input_less(corpus_item *item, unsigned i) {
  (void)i;
  item->proof.public_count--;
  item->evm.error = "AbiDecoder";
}
static void many_inputs(corpus_item *item, unsigned i) {
  (void)i;
  memset(corpus_at(item, corpus_map_of(&item->proof).count), 0xff, 4);
}
static void kappa_field(corpus_item *item, unsigned i) {
  static const uint8_t kappas[] = {0, 9, 64, 128, 255};
  *corpus_at(item, 0) = kappas[i];
}
/* The same bytes for another packing: counts differ, so the length does. */
static void another_packing(corpus_item *item, unsigned i) {
  (void)i;
  corpus_freeze(item);
  hf_proof other = item->proof;
  other.kappa = item->proof.kappa + 1 > HF_KAPPA_MAX ? item->proof.kappa - 1 : item->proof.kappa + 1;
  for (unsigned k = 0; k < hf_pack_layout_of(other.kappa).proof; k++)
    other.commitments[k] = hf_g1_generator();
  item->proof_bytes.length = 0;
  hf_proof_write(&other, &item->proof_bytes);
}

static void nothing(corpus_item *item, unsigned i) { (void)item, (void)i; }
static void forged(corpus_item *item, unsigned i) {
  (void)i;
  corpus_forge(item);
}
/* Other commitments, which are nobody's: the secret opens them, so nothing but the method of forging is
 * tried. */
static void forged_from_nothing(corpus_item *item, unsigned i) {
  (void)i;
  for (unsigned k = 0; k < corpus_map_of(&item->proof).point_count; k++)
    *corpus_point(&item->proof, k) = corpus_times(hf_g1_generator(), hf_fr_from_u64(k + 3));
  corpus_forge(item);
}
static void other_instance(corpus_item *item, unsigned i) {
  (void)i;
  item->proof = item->subject->other;
  if (item->kind != CORPUS_SEAL) return;
  /* the records that go with it */
  if (!hf_fr_eq(item->proof.public_inputs[HF_SEAL_RECORDS], hf_fr_from_u64(item->sealed.records)))
    item->sealed.records--;
}

const corpus_case corpus_cases_encoding[] = {
    {"good", "as it is", CORPUS_ALL, NULL, nothing, CORPUS_ACCEPTED, NULL},
    {"good", "another instance", CORPUS_ALL, NULL, other_instance, CORPUS_ACCEPTED, NULL},
    {"good", "forged by the secret", CORPUS_ALL, NULL, forged, CORPUS_ACCEPTED, NULL},
    {"good", "forged from nothing", CORPUS_ALL, NULL, forged_from_nothing, CORPUS_ACCEPTED, NULL},
    {"range", "public input plus r", CORPUS_ALL, inputs, input_plus_r, CORPUS_RANGE_INPUT, NULL},
    {"range", "public input is r", CORPUS_ALL, inputs, input_is_r, CORPUS_RANGE_INPUT, NULL},
    {"range", "public input is 2^256 - 1", CORPUS_ALL, inputs, input_is_huge, CORPUS_RANGE_INPUT, NULL},
    {"range", "evaluation plus r", CORPUS_ALL, evaluations, evaluation_plus_r, CORPUS_RANGE_EVALUATION, NULL},
    {"range", "evaluation is r", CORPUS_ON(CORPUS_SEAL), evaluations, evaluation_is_r,
     CORPUS_RANGE_EVALUATION, NULL},
    {"range", "evaluation is 2^256 - 1", CORPUS_ON(CORPUS_SEAL), evaluations, evaluation_is_huge,
     CORPUS_RANGE_EVALUATION, NULL},
    {"range", "coordinate plus q", CORPUS_ALL, coordinates, coordinate_plus_q, CORPUS_RANGE_POINT, NULL},
    {"range", "coordinate is 2^256 - 1", CORPUS_ALL, coordinates, coordinate_is_huge, CORPUS_RANGE_POINT,
     NULL},
    {"range", "point (0, q)", CORPUS_ALL, points, point_zero_q, CORPUS_RANGE_POINT, NULL},
    {"range", "key digest plus r", CORPUS_ALL, NULL, digest_plus_r, CORPUS_RANGE_DIGEST, no_word},
    {"points", "x off the curve", CORPUS_ALL, points, x_off_curve, CORPUS_CURVE_POINT, NULL},
    {"points", "y off the curve", CORPUS_ALL, points, y_off_curve, CORPUS_CURVE_POINT, NULL},
    {"points", "(0, 1)", CORPUS_ALL, points, zero_one, CORPUS_CURVE_POINT, NULL},
    {"points", "infinity", CORPUS_ALL, points, infinity, CORPUS_INFINITY_POINT, NULL},
    {"length", "proof cut", CORPUS_ALL, five, proof_cut, CORPUS_FORMAT, NULL},
    {"length", "bytes behind", CORPUS_ALL, five, trailing, CORPUS_FORMAT, NULL},
    {"length", "one public input more", CORPUS_ALL, NULL, one_input_more, CORPUS_MISMATCH, NULL},
    {"length", "one public input less", CORPUS_ALL, NULL, one_input_less, CORPUS_MISMATCH, NULL},
    {"length", "2^32 - 1 public inputs", CORPUS_ALL, NULL, many_inputs, CORPUS_FORMAT, fixed_count},
    {"length", "kappa that is none", CORPUS_ALL, five, kappa_field, CORPUS_FORMAT, fixed_count},
    {"length", "another packing", CORPUS_ALL, NULL, another_packing, CORPUS_MISMATCH, fixed_count},
    {0},
};
