/* The mutation tester for node and seal: dishonest witnesses of node(leaf, leaf), node(node, leaf), a seal of
 * a node and one of a leaf, at least 7,000 of each.
 *
 * (a) the value of a hint is replaced and everything after it recomputed: every name in every scope, several
 * times; (b) groups of hints move so that what they stand for stays, and everything after them is recomputed:
 * limbs, quotients with their carries, splits, halves of scalars, digits, chunks, flags; and pairs of
 * variables of one equation; (c) a variable, with all its copies, is overwritten. What is accepted stands on
 * the list below with its reason, and everything on the list is accepted. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fold_subjects.h"
#include "host/glv.h"
#include "shape.h"
#include "verify.h"

#define SEED   20261123
#define TRIALS 7000 /* for each subject */

enum { CLASSES_MOST = 512, BATCH_MOST = 8192 };

/* How variables move. */
typedef enum family {
  ALONE,    /* one hint */
  LIMBS,    /* 2^64 from one limb to its neighbour */
  MODULUS,  /* q more, limb by limb */
  OPPOSITE, /* q - y, and q less */
  QUOTIENT, /* 2^64 from a quotient's limb to its neighbour, the carries following */
  CHUNKS,
  SPLIT,
  HALVES, /* k0 + lambda k1 stays */
  DIGITS,
  FLAGS,
  PAIR,  /* of one equation */
  CLASS, /* one variable, nothing recomputed */
  FAMILIES
} family;

#define ON(kind)   (1u << SUBJECT_##kind)
#define ON_NODES   (ON(LEAVES) | ON(NODE))
#define ON_SEALS   (ON(SEAL) | ON(SEALED_LEAF))
#define ON_ALL     (ON_NODES | ON_SEALS)
#define BY(f)      (1u << (f))
#define ANY_NUMBER "limbs of a number modulo q"

/* What is accepted, and why nothing is lost by it. */
static const struct {
  const char *hint;
  uint32_t on, by;
  trial_verdict verdict;
  const char *why;
} harmless[] = {
    {ANY_NUMBER, ON_ALL, BY(LIMBS), TRIAL_ACCEPTED,
     "limbs have 68 bits, so one number has several rows of limbs. Identities are about the number, and so "
     "are the words "
     "that a transcript absorbs: sums of two limbs, of exactly 128 and 126 bits"},
    {ANY_NUMBER, ON_ALL, BY(MODULUS), TRIAL_ACCEPTED,
     "a number matters modulo q alone: slopes, coordinates of sums. Where it has words, it is proven to be "
     "below q"},
    {"quotient limb", ON_ALL, BY(QUOTIENT), TRIAL_ACCEPTED,
     "the quotient is the same number in other limbs, the carries are what they must be for these"},
    {"range chunk", ON_ALL, BY(CHUNKS), TRIAL_ACCEPTED,
     "the top chunk of a loose range overlaps the one below: two ways to write a number that is in range"},
    {"half of a scalar", ON_ALL, BY(HALVES), TRIAL_ACCEPTED,
     "k0 + lambda k1 = k modulo r has several solutions below 2^127; the sum k P is the same for all"},
    {"is_equal inverse", ON(NODE) | ON(SEAL), BY(ALONE) | BY(CLASS), TRIAL_ACCEPTED,
     "the digest equals node_vk: out = 1 - 0 inverse whatever the inverse is"},
    {"record word", ON_SEALS, BY(ALONE) | BY(CLASS), TRIAL_ACCEPTED,
     "words of a record that is not there: entry and sum are multiplied by present = 0"},
    {"node_vk", ON(LEAVES), BY(ALONE), TRIAL_OTHER_PUBLIC,
     "over two leaves any other node_vk is as true; it is public, and who verifies compares it with the key"},
    {"lift flag", ON_NODES, BY(ALONE) | BY(FLAGS), TRIAL_OTHER_PUBLIC,
     "one level more or less: another true statement, which no tree of records has"},
    {"x", ON_SEALS, BY(ALONE), TRIAL_OTHER_PUBLIC, "y at another point; the contract computes x"},
};

static bool used[sizeof harmless / sizeof *harmless];

static bool is_harmless(const char *hint, bool number, subject_kind kind, family f, trial_verdict verdict) {
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
    bool named = strcmp(harmless[i].hint, hint) == 0 || (number && strcmp(harmless[i].hint, ANY_NUMBER) == 0);
    if (!named || !(harmless[i].on >> kind & 1) || !(harmless[i].by >> f & 1) ||
        harmless[i].verdict != verdict)
      continue;
    used[i] = true;
    return true;
  }
  return false;
}

/* ---- trials ---- */

typedef struct batch {
  shape *s;
  subject_kind kind;
  hf_g2 tau_g2;
  rng r;
  trial *list;
  uint32_t count, total;
  uint32_t deferred;     /* left to the accumulator */
  uint32_t other_halves; /* scalars that can be split in another way */
} batch;

static const char *const family_names[FAMILIES] = {"alone",    "limbs",  "modulus", "opposite",
                                                   "quotient", "chunks", "split",   "halves",
                                                   "digits",   "flags",  "pair",    "class"};

static bool is_number(const char *hint);

/* Is the instance's accumulator one that every verifier refuses? What the circuit leaves to it is decided
 * there: points and evaluations that an opening alone could tell. */
static bool accumulator_refuses(const batch *b, const hf_fr *public_inputs) {
  hf_g1 left, right;
  bool holds = true;
  const hf_fr *words =
      public_inputs + (b->kind < SUBJECT_SEAL ? (int)HF_INSTANCE_ACCUMULATOR : (int)HF_SEAL_ACCUMULATOR);
  if (hf_accumulator_read(words, &left, &right) != HF_OK)
    return false; /* the circuit makes points of the curve */
  cr_assert_eq(hf_accumulator_decide(left, right, b->tau_g2, &holds), HF_OK);
  return !holds;
}

/* Runs what was collected and looks at the verdicts. */
static void judge(batch *b) {
  shape_run(b->s, b->list, b->count);
  for (uint32_t i = 0; i < b->count; i++) {
    trial *t = &b->list[i];
    if (t->verdict == TRIAL_REFUSED) continue;
    if (t->verdict == TRIAL_OTHER_PUBLIC && accumulator_refuses(b, t->public_inputs)) {
      b->deferred++;
      continue;
    }
    const shape_hint *h = shape_hint_of(b->s, t->lies[0].var);
    char path[128];
    shape_scope(b->s, h->scope, path);
    cr_expect(is_harmless(h->name, is_number(h->name), b->kind, (family)t->tag, t->verdict),
              "%s: \"%s\" in %s (variable %u), moved by \"%s\", is %s", b->s->name, h->name, path, h->var,
              family_names[t->tag],
              t->verdict == TRIAL_ACCEPTED ? "accepted" : "accepted with another instance");
  }
  b->total += b->count;
  b->count = 0;
}

static trial *next(batch *b, family f) {
  if (b->count == BATCH_MOST) judge(b);
  trial *t = &b->list[b->count++];
  memset(t, 0, sizeof *t);
  t->tag = f;
  return t;
}

static void say(trial *t, uint32_t var, hf_fr add) { t->lies[t->count++] = (shape_lie){var, true, add}; }

static hf_fr power(unsigned k) { return hf_fr_pow_u64(hf_fr_from_u64(2), k); }
static hf_fr minus(hf_fr x) { return hf_fr_neg(x); }

/* ---- (a): hints by class ---- */

typedef struct hint_class {
  uint32_t scope;
  const char *name;
  uint32_t *at, count; /* numbers of hints */
} hint_class;

typedef struct hint_classes {
  hint_class list[CLASSES_MOST];
  uint32_t count;
  uint32_t *memory;
} hint_classes;

static uint32_t class_of(hint_classes *c, const shape_hint *h) {
  uint32_t i = 0;
  while (i < c->count && (c->list[i].scope != h->scope || strcmp(c->list[i].name, h->name) != 0)) i++;
  if (i == c->count) {
    cr_assert_lt(c->count, CLASSES_MOST);
    c->list[c->count++] = (hint_class){.scope = h->scope, .name = h->name};
  }
  return i;
}

static void classes_of_hints(const shape *s, hint_classes *c) {
  uint32_t *which = calloc(s->hint_count, sizeof *which);
  memset(c, 0, sizeof *c);
  c->memory = calloc(s->hint_count, sizeof *c->memory);
  for (uint32_t i = 0; i < s->hint_count; i++) {
    which[i] = class_of(c, &s->hints[i]);
    c->list[which[i]].count++;
  }
  for (uint32_t k = 0, at = 0; k < c->count; k++) {
    c->list[k].at = c->memory + at;
    at += c->list[k].count;
    c->list[k].count = 0;
  }
  for (uint32_t i = 0; i < s->hint_count; i++) c->list[which[i]].at[c->list[which[i]].count++] = i;
  free(which);
}

static hf_fr related_value(batch *b, hf_fr old, unsigned kind) {
  static const unsigned powers[] = {1,  2,  4,  8,  16,  17,  34,  45,  51,  62,
                                    64, 66, 67, 68, 125, 126, 127, 128, 252, 253};
  const rng_world world = {b->s->value, b->s->vars, powers, sizeof powers / sizeof *powers};
  return rng_related(&b->r, old, kind, &world);
}

static void alone(batch *b, const shape_hint *h, unsigned kind) {
  hf_fr old = b->s->value[h->var], value = related_value(b, old, kind);
  if (b->s->cell_from[h->var] == b->s->cell_from[h->var + 1])
    return; /* stands in no cell: a name for another's value */
  if (hf_fr_eq(old, value)) value = hf_fr_add(old, rng_fr(&b->r));
  trial *t = next(b, ALONE);
  t->lies[t->count++] = (shape_lie){h->var, false, value};
}

static void mutate_hints(batch *b, const hint_classes *c) {
  for (uint32_t k = 0; k < c->count; k++) {
    const hint_class *class = &c->list[k];
    for (unsigned i = 0; i < 3; i++) {
      uint32_t pick = i == 0 ? 0 : i == 1 ? class->count - 1 : (uint32_t)(rng_u64(&b->r) % class->count);
      const shape_hint *h = &b->s->hints[class->at[pick]];
      alone(b, h, (k + i) & 1);
      alone(b, h, 2 + (unsigned)(rng_u64(&b->r) % 5));
    }
  }
}

/* ---- (b): groups of hints ---- */

static const uint64_t modulus[4] = {0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};

/* Hints of four limbs that are a number modulo q; points are two of them. */
static bool is_number(const char *hint) {
  static const char *const names[] = {"x of a sum", "y of a sum",  "slope",      "product mod q",
                                      "negated y",  "x^2",         "W",          "W'",
                                      "commitment", "accumulator", "table limb", "fixed commitment"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(names[i], hint) == 0) return true;
  return false;
}

static void move_limbs(batch *b, const shape_hint *h) {
  hf_fr one = hf_fr_one();
  for (int i = 0; i < 2; i++) {
    uint32_t j = (uint32_t)(rng_u64(&b->r) % 3), sign = (uint32_t)(rng_u64(&b->r) & 1);
    trial *t = next(b, LIMBS);
    say(t, h[j].var, sign ? minus(power(64)) : power(64));
    say(t, h[j + 1].var, sign ? one : minus(one));
  }
  trial *more = next(b, MODULUS), *less = next(b, OPPOSITE), *opposite = next(b, OPPOSITE);
  for (uint32_t i = 0; i < 4; i++) {
    hf_fr q = hf_fr_from_u64(modulus[i]);
    say(more, h[i].var, q);
    say(less, h[i].var, minus(q));
    say(opposite, h[i].var, hf_fr_sub(q, hf_fr_add(b->s->value[h[i].var], b->s->value[h[i].var])));
  }
}

/* h[0..3] the quotient's limbs, h[4..6] the carries. 2^64 from limb j to its neighbour changes the sum of the
 * identity by (2^128 - Y) times every other limb of q: the carries take it up. */
static void move_quotient(batch *b, const shape_hint *h) {
  for (int n = 0; n < 2; n++) {
    unsigned j = (unsigned)(rng_u64(&b->r) % 3), sign = (unsigned)(rng_u64(&b->r) & 1);
    trial *t = next(b, QUOTIENT);
    hf_fr step[7];
    for (int i = 0; i < 7; i++) step[i] = hf_fr_zero();
    step[j] = power(64);
    step[j + 1] = minus(hf_fr_one());
    unsigned carry = 4 + j / 2, limb = j == 1 ? 0 : 1;
    step[carry] = minus(hf_fr_from_u64(modulus[limb]));
    step[carry + 1] = minus(hf_fr_from_u64(modulus[limb + 2]));
    for (int i = 0; i < 7; i++)
      if (!hf_fr_is_zero(step[i])) say(t, h[i].var, sign ? minus(step[i]) : step[i]);
  }
  /* one more, with nothing that pays for it; with a carry that might */
  trial *t = next(b, SPLIT);
  say(t, h[0].var, hf_fr_one());
  say(t, h[4].var, hf_fr_from_u64(modulus[0]));
}

/* Two chunks of one row, by the weights that the row gives them: 2^17 apart, or less where the top chunk of a
 * loose range overlaps the one below. */
static void move_chunks(batch *b, const shape_hint *h) {
  const shape *s = b->s;
  uint32_t cell[2];
  for (int i = 0; i < 2; i++) cell[i] = s->cells[s->cell_from[h[i].var]];
  uint32_t row = cell[0] / HF_WIRES;
  if (cell[1] / HF_WIRES != row || hf_fr_is_zero(s->circuit->fixed[HF_S_RANGE][row])) return;
  hf_fr low = s->circuit->fixed[HF_Q1 + cell[0] % HF_WIRES][row],
        high = s->circuit->fixed[HF_Q1 + cell[1] % HF_WIRES][row];
  hf_fr unit = hf_fr_mul(high, hf_fr_inv(low)), one = hf_fr_one();
  for (int sign = 0; sign < 2; sign++) {
    trial *t = next(b, CHUNKS);
    say(t, h[0].var, sign ? unit : minus(unit));
    say(t, h[1].var, sign ? minus(one) : one);
  }
}

static void move_split(batch *b, const shape_hint *h) {
  static const unsigned cuts[] = {126, 252};
  hf_fr one = hf_fr_one();
  for (int i = 0; i < 2; i++)
    for (int sign = 0; sign < 2; sign++) {
      trial *t = next(b, SPLIT);
      say(t, h[0].var, sign ? power(cuts[i]) : minus(power(cuts[i])));
      say(t, h[1].var, sign ? minus(one) : one);
    }
  /* r more: r = r_low + 3 2^252 */
  for (uint64_t high = 3; high < 5; high++) {
    trial *t = next(b, SPLIT);
    say(t, h[0].var, minus(hf_fr_mul(hf_fr_from_u64(high), power(252))));
    say(t, h[1].var, hf_fr_from_u64(high));
  }
}

/* 2^127 and more, or less than nothing? */
static bool fits_half(hf_fr x) {
  hf_fr l = hf_fr_to_limbs(x);
  return l.l[3] == 0 && l.l[2] == 0 && l.l[1] >> 63 == 0;
}

/* Vectors of the lattice x + lambda y = 0 modulo r, halved: added to the halves they change neither k nor the
 * parity. What stays in range is another way to write k; nothing else may be accepted. */
static void move_halves(batch *b, const shape_hint *h) {
  hf_fr a = hf_fr_from_limbs((hf_fr){{0x8211bbeb7d4f1128ull, 0x6f4d8248eeb859fcull, 0, 0}}),
        s = hf_fr_from_u64(0x89d3256894d213e3ull),
        c = hf_fr_from_limbs((hf_fr){{0x0be4e1541221250bull, 0x6f4d8248eeb859fdull, 0, 0}});
  for (int u = -1; u <= 1; u++)
    for (int v = -1; v <= 1; v++) {
      hf_fr x = hf_fr_zero(), y = hf_fr_zero();
      if (u == 0 && v == 0) continue;
      /* u (A, -S) + v (-S, -B) */
      for (int k = 0; k < 2; k++) {
        int times = k ? v : u;
        hf_fr dx = k ? minus(s) : a, dy = k ? minus(c) : minus(s);
        if (times == 0) continue;
        x = hf_fr_add(x, times < 0 ? minus(dx) : dx);
        y = hf_fr_add(y, times < 0 ? minus(dy) : dy);
      }
      cr_assert(hf_fr_is_zero(hf_fr_add(x, hf_fr_mul(hf_glv_lambda(), y))), "not a vector of the lattice");
      bool fits =
          fits_half(hf_fr_add(b->s->value[h[0].var], x)) && fits_half(hf_fr_add(b->s->value[h[1].var], y));
      b->other_halves += fits;
      trial *t = next(b, fits ? HALVES : SPLIT);
      say(t, h[0].var, x);
      say(t, h[1].var, y);
    }
  /* other pairs of one sum, of any size; and 2^126, which leaves the digits */
  for (int i = 0; i < 3; i++) {
    hf_fr step = i == 0 ? power(126) : i == 1 ? hf_fr_one() : rng_fr(&b->r);
    trial *t = next(b, SPLIT);
    say(t, h[0].var, step);
    say(t, h[1].var, minus(hf_fr_mul(step, hf_fr_inv(hf_glv_lambda()))));
  }
}

/* h[0], h[1]: addresses of neighbouring bits, `between` hints apart. */
static void move_digits(batch *b, const shape_hint *low, const shape_hint *high) {
  for (uint64_t k = 1; k <= 16; k *= 2)
    for (int sign = 0; sign < 2; sign++) {
      trial *t = next(b, DIGITS);
      hf_fr two = hf_fr_from_u64(2 * k), one = hf_fr_from_u64(k);
      say(t, low->var, sign ? two : minus(two));
      say(t, high->var, sign ? minus(one) : one);
    }
  trial *t = next(b, DIGITS);
  hf_fr x = b->s->value[low->var], y = b->s->value[high->var];
  if (hf_fr_eq(x, y)) y = hf_fr_add(x, hf_fr_one());
  say(t, low->var, hf_fr_sub(y, x));
  say(t, high->var, hf_fr_sub(x, y));
}

/* Flags: one up and one down; one up on both sides and two down between, which keeps sum and weighted sum. */
static void move_flags(batch *b, const shape_hint *h, uint32_t count) {
  hf_fr one = hf_fr_one(), two = hf_fr_from_u64(2);
  for (uint32_t i = 0; i + 1 < count; i++) {
    trial *t = next(b, FLAGS);
    say(t, h[i].var, hf_fr_sub(one, hf_fr_add(b->s->value[h[i].var], b->s->value[h[i].var]))); /* flip both */
    say(t, h[i + 1].var, hf_fr_sub(one, hf_fr_add(b->s->value[h[i + 1].var], b->s->value[h[i + 1].var])));
    for (int sign = 0; sign < 2; sign++) {
      t = next(b, FLAGS);
      say(t, h[i].var, sign ? one : minus(one));
      say(t, h[i + 1].var, sign ? minus(one) : one);
    }
    if (i + 2 == count) return;
    t = next(b, FLAGS);
    say(t, h[i].var, one);
    say(t, h[i + 1].var, minus(two));
    say(t, h[i + 2].var, one);
  }
}

static void flip(batch *b, const shape_hint *h) {
  hf_fr old = b->s->value[h->var];
  trial *t = next(b, FLAGS);
  say(t, h->var, hf_fr_sub(hf_fr_one(), hf_fr_add(old, old)));
}

/* Every other level, flags 1 .. 1 0 .. 0. */
static void move_lift(batch *b, const hint_class *c) {
  const shape_hint *h = &b->s->hints[c->at[0]];
  uint32_t honest = 0;
  while (honest < c->count && !hf_fr_is_zero(b->s->value[b->s->hints[c->at[honest]].var])) honest++;
  for (uint32_t level = 0; level <= c->count; level++) {
    if (level == honest) continue;
    trial *t = next(b, FLAGS);
    for (uint32_t i = 0; i < c->count; i++) {
      h = &b->s->hints[c->at[i]];
      t->lies[t->count++] = (shape_lie){h->var, false, i < level ? hf_fr_one() : hf_fr_zero()};
    }
  }
  for (uint32_t i = 0; i < c->count; i++) flip(b, &b->s->hints[c->at[i]]);
}

/* Four limbs of x and four of y: a point that the prover gives. */
static bool is_point(const char *hint) {
  return strcmp(hint, "W") == 0 || strcmp(hint, "W'") == 0 || strcmp(hint, "accumulator") == 0 ||
         strstr(hint, "commitment") != NULL;
}

static void negate_point(batch *b, const uint32_t hints[8]) {
  hf_fq y = {{0, 0, 0, 0}};
  for (int i = 0; i < 4; i++) y.l[i] = hf_fr_to_limbs(b->s->value[b->s->hints[hints[4 + i]].var]).l[0];
  hf_fq opposite = hf_fq_to_limbs(hf_fq_neg(hf_fq_from_limbs(y)));
  trial *t = next(b, OPPOSITE);
  for (int i = 0; i < 4; i++)
    t->lies[t->count++] = (shape_lie){b->s->hints[hints[4 + i]].var, false, hf_fr_from_u64(opposite.l[i])};
}

static bool adjacent(const batch *b, const hint_class *c, uint32_t i, uint32_t count) {
  return i + count <= c->count && c->at[i + count - 1] == c->at[i] + count - 1 &&
         b->s->hints[c->at[i] + count - 1].var == b->s->hints[c->at[i]].var + count - 1;
}

/* `index` of the n-th group of `size` in a class: some groups of each class. */
static void mutate_groups(batch *b, const hint_classes *classes) {
  const shape *s = b->s;
  for (uint32_t k = 0; k < classes->count; k++) {
    const hint_class *c = &classes->list[k];
    for (unsigned pick = 0; pick < 2; pick++) {
      uint32_t at = pick ? (uint32_t)(rng_u64(&b->r) % c->count) : 0;
      const shape_hint *h = &s->hints[c->at[at & ~3u]];
      if (is_number(c->name) && adjacent(b, c, at & ~3u, 4)) move_limbs(b, h);
      if (strcmp(c->name, "quotient limb") == 0 && adjacent(b, c, at & ~3u, 4) &&
          strcmp(h[4].name, "carry") == 0)
        move_quotient(b, h);
      h = &s->hints[c->at[at]];
      if (strcmp(c->name, "split low") == 0) move_split(b, h);
      if (strstr(c->name, "borrow") != NULL) flip(b, h);
      if (strcmp(c->name, "digit address") == 0 && at + 1 < c->count)
        move_digits(b, h, &s->hints[c->at[at + 1]]);
    }
    for (unsigned pick = 0; pick < 6 && strcmp(c->name, "range chunk") == 0; pick++) {
      uint32_t at = (uint32_t)(rng_u64(&b->r) % c->count);
      if (adjacent(b, c, at, 2)) move_chunks(b, &s->hints[c->at[at]]);
    }
    if (strcmp(c->name, "size flag") == 0)
      move_flags(b, &s->hints[c->at[0]], c->count / (b->kind < SUBJECT_SEAL ? 2 : 1));
    if (strcmp(c->name, "lift flag") == 0) move_lift(b, c);
    if (strcmp(c->name, "evaluation at zeta omega") == 0)
      for (uint32_t i = 0; i < c->count; i++) alone(b, &s->hints[c->at[i]], 0);
    if (strcmp(c->name, "half of a scalar") == 0)
      for (uint32_t i = 0; i + 2 <= c->count; i += 2) move_halves(b, &s->hints[c->at[i]]);
    if (is_point(c->name))
      for (uint32_t i = 0; i + 8 <= c->count; i += 8) negate_point(b, &c->at[i]);
  }
}

/* One record more or less, or a gap, with m telling it or not. */
static void mutate_records(batch *b) {
  const shape *s = b->s;
  const shape_hint *m = NULL;
  uint32_t present = 0;
  for (uint32_t i = 0; i < s->hint_count; i++) {
    const shape_hint *h = &s->hints[i];
    if (strcmp(h->name, "m") == 0) m = h;
    if (m == NULL || strcmp(h->name, "record present") != 0) continue;
    for (int told = 0; told < 2; told++) {
      hf_fr step = hf_fr_is_zero(s->value[h->var]) ? hf_fr_one() : minus(hf_fr_one());
      trial *t = next(b, FLAGS);
      say(t, m->var, told ? step : hf_fr_zero());
      say(t, h->var, step);
    }
    present++;
  }
  if (b->kind >= SUBJECT_SEAL) cr_assert_eq(present, HF_SEAL_RECORDS_MAX);
}

/* ---- (b) and (c) on cells: nothing is recomputed ---- */

typedef struct change {
  uint32_t row;
  unsigned wire;
  hf_fr value;
} change;

/* Applies the changes to whole copy classes, judges by what they touch, and undoes them. */
static bool accepted_on(shape *s, const change *changes, int count) {
  static uint32_t rows[1 << 19];
  hf_circuit *c = s->circuit;
  size_t touched = 0, most = sizeof rows / sizeof *rows;
  hf_fr old[2];
  bool ok = false;
  for (int i = 0; i < count; i++) {
    old[i] = c->wires[changes[i].wire][changes[i].row];
    touched += hf_circuit_set_class(c, changes[i].row, changes[i].wire, changes[i].value, rows + touched,
                                    most - touched);
  }
  cr_assert_lt(touched, most);
  memcpy(c->public_inputs, s->public_inputs, c->public_count * sizeof *c->public_inputs);
  for (size_t i = 0; i < touched; i += 64) { /* most are refused by the first rows */
    size_t some = touched - i < 64 ? touched - i : 64;
    cr_assert_eq(hf_circuit_check_rows(c, rows + i, some, &ok), HF_OK);
    if (!ok) break;
  }
  if (ok) ok = hf_circuit_check(c) == HF_OK; /* multiplicities */
  for (int i = count; i-- > 0;) hf_circuit_set_class(c, changes[i].row, changes[i].wire, old[i], NULL, 0);
  return ok;
}

static uint32_t used_row(batch *b) {
  uint32_t publics = b->s->circuit->public_count;
  return publics + (uint32_t)(rng_u64(&b->r) % (b->s->rows - publics));
}

static const char *hint_name(const shape *s, uint32_t var) {
  const shape_hint *h = shape_hint_of(s, var);
  return h == NULL ? "a computed variable" : h->name;
}

static void overwrite(batch *b, uint32_t trials) {
  while (trials > 0) {
    change k = {used_row(b), (unsigned)(rng_u64(&b->r) % HF_WIRES), hf_fr_zero()};
    uint32_t var = shape_var_at(b->s, k.row, k.wire);
    if (var == HF_NO_VAR) continue;
    hf_fr old = b->s->circuit->wires[k.wire][k.row];
    k.value = related_value(b, old, (unsigned)(rng_u64(&b->r) % 7));
    if (hf_fr_eq(old, k.value)) continue;
    trials--;
    b->total++;
    if (!accepted_on(b->s, &k, 1)) continue;
    cr_expect(is_harmless(hint_name(b->s, var), false, b->kind, CLASS, TRIAL_ACCEPTED),
              "%s: the variable on wire %u of row %u (%s) is free", b->s->name, k.wire, k.row,
              hint_name(b->s, var));
  }
}

/* Two variables of one equation, or two limbs of one operand. */
static void compensate(batch *b, uint32_t trials) {
  static const unsigned powers[] = {0, 17, 51, 64, 68, 126, 128};
  shape *s = b->s;
  const hf_circuit *c = s->circuit;
  while (trials > 0) {
    uint32_t row = used_row(b);
    bool limbs = !hf_fr_is_zero(c->fixed[HF_S_NONNATIVE][row]);
    if (!limbs && !hf_fr_eq(c->fixed[HF_S_ARITHMETIC][row], hf_fr_one())) continue;
    unsigned x = (unsigned)(rng_u64(&b->r) % 6), y = (unsigned)(rng_u64(&b->r) % 6);
    if (limbs) y = (x %= 3) + 1;
    hf_fr qx = c->fixed[x < 5 ? HF_Q1 + x : HF_QN][row], qy = c->fixed[y < 5 ? HF_Q1 + y : HF_QN][row];
    if (limbs) qx = hf_fr_one(), qy = power(64);
    change k[2] = {{row + (x == 5), x < 5 ? x : 4, hf_fr_zero()},
                   {row + (y == 5), y < 5 ? y : 4, hf_fr_zero()}};
    uint32_t vx = shape_var_at(s, k[0].row, k[0].wire), vy = shape_var_at(s, k[1].row, k[1].wire);
    if (x == y || vx == vy || hf_fr_is_zero(qx) || hf_fr_is_zero(qy) || vx == HF_NO_VAR || vy == HF_NO_VAR)
      continue;
    hf_fr step = limbs ? power(64) : power(powers[rng_u64(&b->r) % (sizeof powers / sizeof *powers)]);
    if (rng_u64(&b->r) % 4 == 0) step = rng_fr(&b->r);
    if (rng_u64(&b->r) & 1) step = minus(step);
    hf_fr other = minus(hf_fr_mul(hf_fr_mul(qx, step), hf_fr_inv(qy)));
    k[0].value = hf_fr_add(c->wires[k[0].wire][k[0].row], step);
    k[1].value = hf_fr_add(c->wires[k[1].wire][k[1].row], other);
    trials--;
    b->total++;
    if (!accepted_on(s, k, 2)) continue;
    bool listed = is_harmless(hint_name(s, vx), false, b->kind, PAIR, TRIAL_ACCEPTED) ||
                  is_harmless(hint_name(s, vy), false, b->kind, PAIR, TRIAL_ACCEPTED);
    cr_expect(listed, "%s: wires %u and %u of row %u (%s and %s) move together", s->name, x, y, row,
              hint_name(s, vx), hint_name(s, vy));
  }
}

/* ---- the suites ---- */

static void mutants_of(subject_kind kind) {
  static hint_classes classes;
  subject sub;
  shape s;
  hf_builder_options options;
  subject_make(kind, &sub);
  subject_options(&sub, &options);
  shape_make(&s, sub.name, &options, subject_build, &sub);
  batch b = {.s = &s, .kind = kind, .tau_g2 = sub.setup.tau_g2, .r = {SEED + 7 * (uint64_t)kind}};
  cr_assert_not(accumulator_refuses(&b, s.public_inputs));
  b.list = calloc(BATCH_MOST, sizeof *b.list);
  cr_assert_not_null(b.list);
  classes_of_hints(&s, &classes);
  mutate_hints(&b, &classes);
  judge(&b);
  uint32_t hints = b.total;
  mutate_groups(&b, &classes);
  mutate_records(&b);
  judge(&b);
  uint32_t groups = b.total - hints;
  compensate(&b, 2500);
  uint32_t pairs = b.total - hints - groups;
  overwrite(&b, b.total + 500 < TRIALS ? TRIALS - b.total : 500);
  cr_log_info(
      "%s: %u classes of hints; %u hints replaced, %u groups and %u pairs moved, %u classes overwritten; "
      "%u left to the accumulator, which refuses",
      s.name, classes.count, hints, groups, pairs, b.total - hints - groups - pairs, b.deferred);
  cr_assert_geq(b.deferred, 3); /* W, W' and m at zeta omega, of each child */
  cr_assert_geq(b.total, TRIALS);
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
    if (harmless[i].on >> kind & 1 && (harmless[i].by != BY(HALVES) || b.other_halves > 0))
      cr_expect(used[i], "%s: \"%s\" is listed, and was never accepted", s.name, harmless[i].hint);
  free(classes.memory);
  free(b.list);
  shape_free(&s);
  subject_free(&sub);
}

Test(fold_mutants, node_of_leaves) { mutants_of(SUBJECT_LEAVES); }
Test(fold_mutants, node_of_a_node) { mutants_of(SUBJECT_NODE); }
Test(fold_mutants, seal_of_a_node) { mutants_of(SUBJECT_SEAL); }
Test(fold_mutants, seal_of_a_leaf) { mutants_of(SUBJECT_SEALED_LEAF); }
