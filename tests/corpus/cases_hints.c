/* Hints that lie: other limbs for a number, other digits for a scalar, other splits of a squeeze, other
 * flags. A lie is told at the moment the hint is made, and everything after it is computed from the lie. */
#include <stdlib.h>
#include <string.h>
#include "circuit.h"
#include "host/glv.h"

static hf_fr power(unsigned k) { return hf_fr_pow_u64(hf_fr_from_u64(2), k); }
static void plus(hf_fr *value, hf_fr k) { *value = hf_fr_add(*value, k); }
static void minus(hf_fr *value, hf_fr k) { *value = hf_fr_sub(*value, k); }

/* How many hints of this name came before; counts one name at a time. */
static bool is_next(corpus_liar *l, const char *name, const char *wanted, unsigned *number) {
  if (strcmp(name, wanted) != 0) return false;
  *number = l->seen++;
  return true;
}

/* --- limbs -----------------------------------------------------------------------------------------------
 */

/* The limbs of value + q, as integers below 2^256. */
static void plus_q(hf_fq value, hf_fr limbs[4]) {
  hf_fq v = hf_fq_to_limbs(value), top = hf_fq_to_limbs(hf_fq_neg(hf_fq_one()));
  hf_u64 carry = 1;
  for (int i = 0; i < 4; i++) limbs[i] = hf_fr_from_u64(hf_adc(v.l[i], top.l[i], &carry));
}

/* Points whose coordinates are hints of this name, four limbs of x and four of y each. */
typedef struct point_hint {
  const char *name;
  unsigned point; /* of them, which */
} point_hint;
static const point_hint points_told[] = {{"fixed commitment", 0},
                                         {"fixed commitment", 7},
                                         {"commitment", 0},
                                         {"commitment", 3},
                                         {"W", 0},
                                         {"W'", 0}};

static hf_g1 point_of(const corpus_item *item, const point_hint *h) {
  if (strcmp(h->name, "W") == 0) return item->proof.w;
  if (strcmp(h->name, "W'") == 0) return item->proof.w_prime;
  return strcmp(h->name, "commitment") == 0 ? item->proof.commitments[h->point] : item->vk.fixed[h->point];
}

/* The same point: y + q (x is tight, and x + q would leave its range for almost all points). */
static void tell_plus_q(corpus_liar *l, const char *name, hf_fr *value) {
  const point_hint *h = &points_told[l->number / 2];
  bool of_x = l->number % 2;
  unsigned i;
  hf_fr limbs[4];
  if (!is_next(l, name, h->name, &i) || i / 8 != h->point || (i % 8 < 4) != of_x) return;
  hf_g1 p = point_of(l->item, h);
  plus_q(of_x ? p.x : p.y, limbs);
  *value = limbs[i % 4];
}

/* The same number in other limbs: a limb 2^64 more and the next one less, which 68 bits allow and words do
 * not see; 2^68 more, and 2^128 more, which they do not allow. */
static void tell_moved_limbs(corpus_liar *l, const char *name, hf_fr *value) {
  static const unsigned steps[] = {64, 68, 128};
  unsigned i, step = steps[l->number % 3], coordinate = l->number / 3;
  if (!is_next(l, name, "commitment", &i) || i / 4 != coordinate) return;
  if (i % 4 == 0) plus(value, power(step));
  if (i % 4 == 1 && step < 128) minus(value, power(step - 64));
  if (i % 4 == 2 && step == 128) minus(value, hf_fr_one());
}

static corpus_class of_moved_limbs(unsigned i, corpus_class c) { return i % 3 == 0 ? CORPUS_ACCEPTED : c; }

/* A limb less than nothing. */
static void tell_negative_limb(corpus_liar *l, const char *name, hf_fr *value) {
  unsigned i;
  if (!is_next(l, name, "commitment", &i) || i != l->number) return;
  *value = hf_fr_neg(hf_fr_one());
}

/* --- quotients, carries, slopes: the n-th hint of a name moved by a step
 * ------------------------------------- */

typedef struct moved {
  const char *name;
  unsigned at;
  unsigned bit;   /* + 2^bit */
  corpus_class c; /* CORPUS_ACCEPTED: the gadget's own equations */
} moved;

static const moved inner[] = {
    {"quotient limb", 0, 0, CORPUS_CURVE_POINT},
    {"quotient limb", 3, 64, CORPUS_CURVE_POINT},
    {"quotient limb", 401, 0, 0},
    {"quotient limb", 402, 68, 0},
    {"quotient limb", 3000, 1, 0},
    {"carry", 0, 0, CORPUS_CURVE_POINT},
    {"carry", 2, 67, CORPUS_CURVE_POINT},
    {"carry", 1000, 0, 0},
    {"carry", 2001, 68, 0},
    {"x^2", 0, 0, CORPUS_CURVE_POINT},
    {"x^2", 5, 3, CORPUS_CURVE_POINT},
    {"slope", 0, 0, 0},
    {"slope", 1200, 0, 0},
    {"slope", 1203, 60, 0},
    {"x of a sum", 0, 0, 0},
    {"x of a sum", 1500, 0, 0},
    {"y of a sum", 4, 0, 0},
    {"negated y", 8, 0, 0},
    {"product mod q", 0, 0, 0},
    {"table limb", 0, 0, 0},
    {"table limb", 2000, 0, 0},
    {"ROM value", 100, 0, 0},
    {"digit address", 0, 0, 0},
    {"digit address", 125, 2, 0},
    {"digit address", 300, 5, 0},
    {"half of a scalar", 0, 0, 0},
    {"half of a scalar", 3, 126, 0},
    {"half of a scalar", 5, 127, 0},
    {"inverse of a difference", 0, 0, CORPUS_EXCEPTION},
    {"zeta is no row of a public input", 0, 0, CORPUS_IDENTITY},
    {"zeta omega differs from zeta", 0, 0, 0},
    {"is_equal inverse", 0, 0, 0},
    {"nonzero inverse", 0, 0, CORPUS_IDENTITY},
    {"coordinate borrow", 3, 0, CORPUS_RANGE_POINT},
    {"coordinate borrow", 30, 0, CORPUS_RANGE_POINT},
    {"split borrow", 2, 0, 0},
    {"split low", 0, 0, 0},
    {"split high", 5, 0, 0},
};
static corpus_class of_moved(unsigned i, corpus_class c) {
  return inner[i].c != CORPUS_ACCEPTED ? inner[i].c : c;
}

static void tell_moved(corpus_liar *l, const char *name, hf_fr *value) {
  const moved *m = &inner[l->number];
  unsigned i;
  if (is_next(l, name, m->name, &i) && i == m->at) plus(value, power(m->bit));
}

/* Quotient + 1 and remainder - q, or the other way: the same residue. What need not be the least remainder
 * (x^2, y) may be another one; what is compared later may not. */
static void tell_compensated(corpus_liar *l, const char *name, hf_fr *value) {
  static const char *const results[] = {"x^2", "x of a sum", "product mod q", "y of a sum"};
  const char *result = results[l->number / 2];
  bool up = l->number % 2;
  hf_fq q = hf_fq_to_limbs(hf_fq_neg(hf_fq_one()));
  unsigned i;
  if (!is_next(l, name, result, &i) || i / 4 != 1) return; /* the second of its name, limb by limb */
  hf_fr step = hf_fr_from_u64(i % 4 == 0 ? q.l[0] + 1 : q.l[i % 4]);
  up ? plus(value, step) : minus(value, step);
}

static corpus_class of_compensated(unsigned i, corpus_class c) {
  return i == 1 || i == 7 ? CORPUS_ACCEPTED : c;
}

/* --- splits of a squeeze
 * ------------------------------------------------------------------------------------- */

/* c + r instead of c, cut into 252 bits and the rest. */
static void tell_c_plus_r(corpus_liar *l, const char *name, hf_fr *value) {
  const hf_fr r = {
      {0x43e1f593f0000001ull, 0x2833e84879b97091ull, 0xb85045b68181585dull, 0x30644e72e131a029ull}};
  const uint64_t mask = ((uint64_t)1 << 60) - 1; /* of the top limb: 252 = 3 * 64 + 60 */
  bool low = strcmp(name, "split low") == 0, high = strcmp(name, "split high") == 0;
  if (!low && !high) return;
  /* a canonical split and a plain one alternate; each has a low part and a high one */
  unsigned split = l->seen++ / 2;
  if (split != 2 * l->number) return;
  if (low) {
    hf_fr v = hf_fr_to_limbs(*value), sum;
    hf_u64 carry = 0;
    for (int i = 0; i < 4; i++) sum.l[i] = hf_adc(v.l[i], i == 3 ? r.l[i] & mask : r.l[i], &carry);
    l->carry = hf_fr_from_u64(sum.l[3] >> 60);
    sum.l[3] &= mask;
    *value = hf_fr_from_limbs(sum);
  } else {
    plus(value, hf_fr_from_u64(r.l[3] >> 60));
    plus(value, l->carry);
  }
}

/* One more in the high part, 2^bits less in the low one. */
static void tell_split_moved(corpus_liar *l, const char *name, hf_fr *value) {
  bool low = strcmp(name, "split low") == 0, high = strcmp(name, "split high") == 0;
  if (!low && !high) return;
  unsigned split = l->seen++ / 2, wanted = l->number / 2;
  if (split != wanted) return;
  hf_fr one = hf_fr_one(), bits = power(wanted % 2 ? 126 : 252);
  bool down = l->number % 2;
  if (low) down ? plus(value, bits) : minus(value, bits);
  if (high) down ? minus(value, one) : plus(value, one);
}

/* --- the domain
 * ------------------------------------------------------------------------------------------------- */

/* Another size: the flags alone, or log n with them. */
static void tell_size(corpus_liar *l, const char *name, hf_fr *value) {
  unsigned i, first = HF_MIN_LOG_N, own = l->item->vk.log_n - first;
  if (l->number == 2 && strcmp(name, "log n") == 0) plus(value, hf_fr_one());
  if (!is_next(l, name, "size flag", &i)) return;
  if (l->number == 0) *value = hf_fr_from_u64(i == own + 1);             /* another flag */
  if (l->number == 1) *value = hf_fr_from_u64(i == own || i == own + 1); /* two */
  if (l->number == 3) *value = hf_fr_zero();                             /* none */
  if (l->number == 4 && i == own) *value = hf_fr_from_u64(2);            /* 2 and -1 */
  if (l->number == 4 && i == own + 1) *value = hf_fr_neg(hf_fr_one());
}

static corpus_class of_size(unsigned i, corpus_class c) {
  return i == 2 ? CORPUS_IDENTITY : c;
} /* another key */

/* --- evaluations, instance: changed in the circuit only
 * ------------------------------------------------------------ */

static void tell_evaluation(corpus_liar *l, const char *name, hf_fr *value) {
  unsigned i;
  if (is_next(l, name, "evaluation at zeta", &i) && i == l->number * 4) plus(value, hf_fr_one());
}
static void tell_instance(corpus_liar *l, const char *name, hf_fr *value) {
  unsigned i;
  if (is_next(l, name, "instance word", &i) && i == l->number) plus(value, hf_fr_one());
}

#define LEAF CORPUS_ON(CORPUS_LEAF)
const corpus_circuit_case corpus_cases_hints[] = {
    {"hints", "coordinate plus q", LEAF, 12, NULL, tell_plus_q, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_RANGE_POINT, NULL},
    {"hints", "limbs moved", LEAF, 12, NULL, tell_moved_limbs, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_WITNESS, of_moved_limbs},
    {"hints", "limb below zero", LEAF, 8, NULL, tell_negative_limb, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_WITNESS, NULL},
    {"hints", "moved", LEAF, sizeof inner / sizeof inner[0], NULL, tell_moved, CORPUS_ACCEPTED,
     CORPUS_ACCEPTED, CORPUS_WITNESS, of_moved},
    {"hints", "remainder plus and minus q", LEAF, 8, NULL, tell_compensated, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_WITNESS, of_compensated},
    {"hints", "c + r split", LEAF, 7, NULL, tell_c_plus_r, CORPUS_ACCEPTED, CORPUS_ACCEPTED, CORPUS_WITNESS,
     NULL},
    {"hints", "split moved", LEAF, 28, NULL, tell_split_moved, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_WITNESS, NULL},
    {"hints", "another size", LEAF, 5, NULL, tell_size, CORPUS_ACCEPTED, CORPUS_ACCEPTED, CORPUS_WITNESS,
     of_size},
    {"hints", "evaluation", LEAF, 10, NULL, tell_evaluation, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_IDENTITY, NULL},
    {"hints", "instance word", LEAF, 10, NULL, tell_instance, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_IDENTITY, NULL},
    {0},
};

/* --- the seal's own hints
 * ---------------------------------------------------------------------------------------------- */

static void tell_present(corpus_liar *l, const char *name, hf_fr *value) {
  unsigned i, m = l->item->sealed.records;
  if (strcmp(name, "m") == 0 && l->number == 4) plus(value, hf_fr_one());
  if (!is_next(l, name, "record present", &i)) return;
  if (l->number == 0 && i == 1) *value = hf_fr_zero();      /* a gap */
  if (l->number == 1 && i == m) *value = hf_fr_one();       /* one more */
  if (l->number == 2 && i == m - 1) *value = hf_fr_zero();  /* one less */
  if (l->number == 3) *value = hf_fr_zero();                /* none */
  if (l->number == 4 && i == m) *value = hf_fr_one();       /* one more, and m with it */
  if (l->number == 5 && i == m) *value = hf_fr_from_u64(2); /* 2 and -1 */
  if (l->number == 5 && i == m + 1) *value = hf_fr_neg(hf_fr_one());
}
static void tell_word(corpus_liar *l, const char *name,
                      hf_fr *value) { /* a word; one behind the last record */
  unsigned i;
  unsigned at = l->number < HF_RECORD_WORDS ? l->number : l->item->sealed.records * HF_RECORD_WORDS;
  if (is_next(l, name, "record word", &i) && i == at) plus(value, hf_fr_one());
}
static void tell_lift(corpus_liar *l, const char *name, hf_fr *value) {
  unsigned i;
  if (!is_next(l, name, "lift flag", &i)) return;
  if (l->number == 0 && i == 0) *value = hf_fr_one();
  if (l->number == 1 && i == 3) *value = hf_fr_one(); /* rises again */
  if (l->number == 2) *value = hf_fr_one();
  if (l->number == 3 && i == 0) *value = hf_fr_from_u64(2);
}

#define SEAL CORPUS_ON(CORPUS_SEAL)
const corpus_circuit_case corpus_cases_seal_hints[] = {
    {"hints", "record present", SEAL, 6, NULL, tell_present, CORPUS_ACCEPTED, CORPUS_ACCEPTED, CORPUS_RECORDS,
     NULL},
    {"hints", "record word", SEAL, HF_RECORD_WORDS, NULL, tell_word, CORPUS_ACCEPTED, CORPUS_ACCEPTED,
     CORPUS_RECORDS, NULL},
    {"hints", "lift", SEAL, 4, NULL, tell_lift, CORPUS_ACCEPTED, CORPUS_ACCEPTED, CORPUS_RECORDS, NULL},
    {0},
};
