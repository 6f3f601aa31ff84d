/* Lies that need a thought each: what a gadget is for, told past all of it but one line. */
#include "fold_lies.h"
#include <stdlib.h>
#include <string.h>
#include "arith/ec.h"
#include "host/glv.h"
#include "limbs.h"

static hf_fr fr(uint64_t x) { return hf_fr_from_u64(x); }

static hf_fr power_of_two(unsigned k) { return hf_fr_pow_u64(fr(2), k); }

static const hf_fr q_limbs = {
    {0x3c208c16d87cfd47u, 0x97816a916871ca8du, 0xb85045b68181585du, 0x30644e72e131a029u}};

/* ---- integers of 256 bits ---- */

static hf_fr integer(hf_fq x) {
  hf_fq l = hf_fq_to_limbs(x);
  return (hf_fr){{l.l[0], l.l[1], l.l[2], l.l[3]}};
}

/* x + q, where that is below 2^254; x otherwise */
static bool fits_twice(hf_fq x) { return limbs_plus(integer(x), q_limbs).l[3] >> 62 == 0; }

static hf_fr low_bits(hf_fr x, unsigned bits) {
  for (unsigned i = 0; i < 4; i++)
    if (64 * i >= bits)
      x.l[i] = 0;
    else if (bits < 64 * (i + 1))
      x.l[i] &= ((uint64_t)1 << (bits - 64 * i)) - 1;
  return x;
}

static hf_fr shifted(hf_fr x, unsigned by) {
  hf_fr out = {{0, 0, 0, 0}};
  for (unsigned i = 0; i + by / 64 < 4; i++) {
    out.l[i] = x.l[i + by / 64] >> by % 64;
    if (by % 64 && i + by / 64 + 1 < 4) out.l[i] |= x.l[i + by / 64 + 1] << (64 - by % 64);
  }
  return out;
}

static hf_g1 multiple(hf_fr k) { return hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), k)); }

/* ---- telling ---- */

/* Four limbs of the hints of this name, from the nth. */
static void tell_integer(const remover *m, shape_lies *told, const char *name, uint32_t nth, hf_fr x) {
  for (unsigned i = 0; i < 4; i++) shape_lie_set(told, remover_hint(m, name, nth + i), fr(x.l[i]));
}

static void tell_point(const remover *m, shape_lies *told, uint32_t nth, hf_g1 p) {
  tell_integer(m, told, "free x", 4 * nth, integer(p.x));
  tell_integer(m, told, "free y", 4 * nth, integer(p.y));
}

static hf_fr value_of(const remover *m, uint32_t var) { return m->s.value[var]; }

static hf_fr hint_value(const remover *m, const char *name, uint32_t nth) {
  return value_of(m, remover_hint(m, name, nth));
}

/* A range of two rows whose first is `row`: what the first leaves is all of the rest, its top chunk as large
 * as need be. */
static void tell_rest(const remover *m, shape_lies *told, uint32_t row, hf_fr value) {
  shape_lie_set(told, shape_var_at(&m->s, row + 1, 4), hf_fr_from_limbs(shifted(value, 68)));
}

/* ---- points ---- */

void lies_about_tiny_point(remover *m) {
  /* (1, 2) with x = q + 1 */
  hf_fr r = limbs_of_r(), one = {{1, 0, 0, 0}};
  shape_lies told = {0};
  tell_integer(m, &told, "point", 0, limbs_plus(q_limbs, one));
  remover_try(m, &told, "a coordinate and q");
  shape_lie_set(&told, remover_hint(m, "coordinate borrow", 0), hf_fr_zero());
  remover_try(m, &told, "a coordinate and q, no borrow");
  hf_fr high = {{r.l[2], r.l[3], 0, 0}};
  shape_lie_set(&told, remover_hint(m, "coordinate borrow", 0), hf_fr_neg(hf_fr_from_limbs(high)));
  remover_try(m, &told, "a coordinate and q, by a borrow that is no bit");
  /* 25 = 1 * 22 + 3 */
  shape_lies root = {0};
  tell_integer(m, &root, "x^2", 0, (hf_fr){{22, 0, 0, 0}});
  tell_integer(m, &root, "point", 4, (hf_fr){{5, 0, 0, 0}});
  remover_try(m, &root, "no point of the curve");
}

void lies_about_point(remover *m) {
  uint32_t row = 0;
  for (uint32_t i = 0; i < 2; i++, row += 2) { /* x, y */
    shape_lies told = {0};
    hf_fr l0 = hint_value(m, "point", 4 * i), l1 = hint_value(m, "point", 4 * i + 1),
          l2 = hint_value(m, "point", 4 * i + 2);
    hf_fr low = {{hf_fr_to_limbs(l0).l[0], hf_fr_to_limbs(l1).l[0], 1, 0}};
    row = remover_row(m, "coordinate words", "low word of a coordinate", row);
    shape_lie_set(&told, remover_hint(m, "point", 4 * i + 1), hf_fr_add(l1, power_of_two(64)));
    shape_lie_set(&told, remover_hint(m, "point", 4 * i + 2), hf_fr_sub(l2, hf_fr_one()));
    shape_lie_set(&told, remover_hint(m, "coordinate borrow", i), hf_fr_one());
    tell_rest(m, &told, row, low);
    remover_try(m, &told, "2^128 in the low word");
  }
}

/* The second point is the first one, its x written as x + 2 q. */
void lies_about_tight(remover *m, const char *x_name, uint32_t x_nth, const char *y_name, uint32_t y_nth,
                      uint32_t copy) {
  shape_lies told = {0};
  hf_fr limbs[8];
  for (uint32_t i = 0; i < 4; i++) {
    limbs[i] = hint_value(m, x_name, x_nth + i);
    limbs[4 + i] = hint_value(m, y_name, y_nth + i);
  }
  hf_fr x = {{0, 0, 0, 0}};
  for (int i = 0; i < 4; i++) x.l[i] = hf_fr_to_limbs(limbs[i]).l[0];
  x = limbs_plus(limbs_plus(x, q_limbs), q_limbs);
  tell_integer(m, &told, x_name, x_nth + copy, x);
  for (uint32_t i = 0; i < 4; i++)
    shape_lie_set(&told, remover_hint(m, y_name, y_nth + copy + i), limbs[4 + i]);
  remover_try(m, &told, "a point added to itself, 2 q beside");
}

/* The row of u = x y, where `y` stands on wire b. */
static uint32_t product_with(const remover *m, uint32_t y) {
  const shape *s = &m->s;
  for (uint32_t i = s->cell_from[y]; i < s->cell_from[y + 1]; i++) {
    uint32_t row = s->cells[i] / HF_WIRES;
    if (s->cells[i] % HF_WIRES == 1 && strcmp(s->circuit->notes->row_name[row], "mul") == 0) return row;
  }
  abort();
}

/* D = x1 - x2 in the rows u = D t, v = D u, D v - q^2 u = 1, t being the nth inverse. The lies make D zero or
 * (at_q) q or -q. */
static void differ(remover *m, const shape_lies *equal, bool at_q, uint32_t nth, const char *how) {
  const shape *s = &m->s;
  hf_fr q2 = hf_fr_sqr(hf_fr_from_limbs(q_limbs)), one = hf_fr_one();
  uint32_t t = remover_hint(m, "inverse of a difference", nth), row = product_with(m, t),
           u = shape_var_at(s, row, 2);
  uint32_t v = shape_var_at(s, product_with(m, u), 2);
  shape_lies told = *equal;
  shape_lie_set(&told, t, one);
  remover_try(m, &told, how);
  if (!at_q) {
    shape_lie_set(&told, u, hf_fr_neg(hf_fr_inv(q2)));
  } else {
    hf_fr d = m->a.value[shape_var_at(s, row, 0)];
    shape_lie_set(&told, v, hf_fr_mul(hf_fr_add(one, hf_fr_mul(q2, d)), hf_fr_inv(d)));
  }
  remover_try(m, &told, how);
}

void lies_about_tiny_sum(remover *m) {
  hf_g1 p = {hf_fq_from_u64(1), hf_fq_from_u64(1)};
  shape_lies told = {0};
  tell_point(m, &told, 1, p);
  differ(m, &told, false, 0, "a point added to itself");
  tell_integer(m, &told, "free x", 4, limbs_plus(integer(p.x), q_limbs));
  differ(m, &told, true, 0, "a point added to itself, q beside");
  lies_about_tight(m, "free x", 0, "free y", 0, 4);
}

/* x, x + q or x + 2 q */
static hf_fr beside(hf_fq x, unsigned times) {
  hf_fr out = integer(x);
  while (times-- > 0) out = limbs_plus(out, q_limbs);
  return out;
}

/* Where two points are made equal, their x is told to be 0, q or 2 q apart. */
static void meet(remover *m, const shape_lies *told, unsigned times, uint32_t nth, const char *how) {
  if (times < 2)
    differ(m, told, times == 1, nth, how);
  else
    remover_try(m, told, how);
}

/* In instance_chain: points are multiples of the generator, so that any sum on the way can be met. k is
 * searched for so that x + q is below 2^254. */
typedef struct meeting {
  const char *what;
  uint64_t from, scale, offset; /* the first k; what is met is scale k + offset times the generator */
  unsigned chosen, other;       /* points: k times the generator; what meets it */
  uint32_t limb;                /* of its x */
  unsigned sum;
} meeting;

static const meeting at_begin = {"a chain that begins with a point twice", 71, 1, 900, 0, 2, 8, 2}; /* the table's first entry */
static const meeting at_addition = {"the running sum is added", 5, 4, 2080, 2, 3, 12, 8}; /* the sum before the point is added */

static void meet_at_point(remover *m, unsigned times, const meeting *w) {
  for (uint64_t k = w->from; k < 200; k++) {
    hf_g1 met = multiple(fr(w->scale * k + w->offset));
    if (times == 1 && !fits_twice(met.x)) continue;
    shape_lies told = {0};
    tell_point(m, &told, w->chosen, multiple(fr(k)));
    tell_point(m, &told, w->other, met);
    tell_integer(m, &told, "free x", w->limb, beside(met.x, times));
    meet(m, &told, times, w->sum, w->what);
    return;
  }
}

static void meet_at_doubling(remover *m, unsigned times) {
  for (uint64_t k = 71; k < 200; k++) {
    hf_g1 met = multiple(hf_fr_sub(fr(k), fr(900))); /* -1800 + (k + 900), and what the table adds next */
    if (times == 1 && !fits_twice(met.x)) continue;
    shape_lies told = {0};
    tell_point(m, &told, 0, multiple(fr(k)));
    tell_point(m, &told, 2, multiple(hf_fr_neg(fr(1800))));
    /* before it: a doubling and two additions of the table */
    tell_integer(m, &told, "x of a sum", 12, beside(met.x, times));
    meet(m, &told, times, 3, "the running sum is read from the table");
    return;
  }
}

void lies_about_chain(remover *m) {
  for (unsigned times = 0; times < 3; times++) {
    meet_at_point(m, times, &at_begin);
    meet_at_point(m, times, &at_addition);
    meet_at_doubling(m, times);
  }
}

/* In instance_curve: 2 (p + q) = lambda (p - q), the product beta x being told with 2 q more. */
void lies_about_curve(remover *m) {
  hf_fr lambda = hf_glv_lambda(), two = fr(2), q = fr(8);
  hf_fr p = hf_fr_mul(hf_fr_mul(q, hf_fr_add(lambda, two)), hf_fr_inv(hf_fr_sub(lambda, two)));
  hf_g1 met = multiple(hf_fr_mul(two, hf_fr_add(p, q)));
  shape_lies told = {0};
  tell_point(m, &told, 0, multiple(p));
  tell_integer(m, &told, "product mod q", 0, beside(met.x, 2));
  remover_try(m, &told, "a point added to itself, 2 q beside");
}

/* ---- digits ---- */

enum { DIGIT_BITS = 3 }; /* of instance_sum: a group of five, a group of one */

/* Bit i of term j of group g is `more` more, and the halves follow. */
static void tell_half(const remover *m, shape_lies *told, unsigned g, unsigned i, unsigned j, hf_fr more) {
  hf_fr step = hf_fr_mul(power_of_two(i), more);
  shape_lie_add(told, remover_hint(m, "half", 5 * g + j), step);
  hf_fr rest = hf_fr_mul(hf_fr_mul(step, fr(1u << j)), hf_fr_inv(fr(16)));
  if (g == 0) shape_lie_add(told, remover_hint(m, "half", 4), hf_fr_neg(rest));
}

/* All digits stay what they are, whatever the halves. */
static void keep_digits(const remover *m, shape_lies *told) {
  const shape *s = &m->s;
  told->count = 0;
  for (uint32_t i = 0; i < s->hint_count; i++)
    if (strcmp(s->hints[i].name, "digit address") == 0 || strcmp(s->hints[i].name, "ROM value") == 0)
      shape_lie_set(told, s->hints[i].var, s->value[s->hints[i].var]);
}

void lies_about_digits(remover *m) {
  const shape *s = &m->s;
  uint32_t read[2 * DIGIT_BITS], row = 0;
  hf_fr one = hf_fr_one();
  for (unsigned i = 0; i < 2 * DIGIT_BITS; i++, row++)
    read[i] = row = remover_row(m, "digits", "ROM read", row);
  for (unsigned j = 0; j < 4; j++) {
    unsigned wire = (j + 2) % 4;
    shape_lies told;
    uint32_t var = shape_var_at(s, read[1], wire);
    keep_digits(m, &told);
    shape_lie_set(&told, var, hf_fr_add(value_of(m, var), one));
    tell_half(m, &told, 0, 1, j, one);
    remover_cut(m, &told, read[1], wire, value_of(m, var), "another digit than was read");
  }
  /* address 1 is read for the last bit of the group of one */
  for (size_t i = 0; i < s->circuit->notes->rom_write_count; i++) {
    uint32_t write = s->circuit->notes->rom_writes[i], last = read[2 * DIGIT_BITS - 1];
    if (!hf_fr_eq(s->circuit->fixed[HF_QC][write], s->circuit->fixed[HF_QC][last]) ||
        !hf_fr_eq(s->circuit->fixed[HF_Q5][write], one))
      continue;
    shape_lies told;
    keep_digits(m, &told);
    shape_lie_set(&told, shape_var_at(s, last, 2), fr(2));
    tell_half(m, &told, 1, DIGIT_BITS - 1, 0, one);
    remover_cut(m, &told, write, 2, fr(2), "an address with a digit that is none");
  }
}

/* ---- challenges ---- */

static void tell_split(const remover *m, shape_lies *told, uint32_t nth, hf_fr low, hf_fr high) {
  shape_lie_set(told, remover_hint(m, "split low", nth), low);
  shape_lie_set(told, remover_hint(m, "split high", nth), high);
}

/* What is split that is no hint. */
static uint32_t split_of(const remover *m) {
  static const char name[] = "split: low + 2^k high = v";
  for (uint32_t row = remover_row(m, "", name, 0); row != UINT32_MAX; row = remover_row(m, "", name, row + 1))
    for (unsigned w = 0; w < HF_WIRES; w++) {
      uint32_t var = shape_var_at(&m->s, row, w);
      if (var != HF_NO_VAR && shape_hint_of(&m->s, var) == NULL) return var;
    }
  abort();
}

/* In instance_transcript: splits 0 (canonical, 252 bits and the rest) and 1 (126 and 126). */
void lies_about_splits(remover *m) {
  hf_fr low = hint_value(m, "split low", 0), high = hint_value(m, "split high", 0), one = hf_fr_one();
  hf_fr value = hf_fr_add(low, hf_fr_mul(power_of_two(252), high)),
        more = limbs_plus(hf_fr_to_limbs(value), limbs_of_r());
  uint32_t borrow = remover_hint(m, "split borrow", 0);
  /* the integer v + r */
  for (int w = 0; w < 4; w++) {
    shape_lies told = {0};
    tell_split(m, &told, 0, hf_fr_from_limbs(low_bits(more, 252)), hf_fr_from_limbs(shifted(more, 252)));
    shape_lie_set(&told, borrow, w < 2 ? fr((uint64_t)w) : hf_fr_neg(fr((uint64_t)w)));
    remover_try(m, &told, "a challenge and r");
  }
  /* the same of another challenge, one of those with v + r < 2^254: no borrow is told where there is one */
  uint32_t v = split_of(m);
  for (uint64_t k = 1; k < 40; k++) {
    shape_lies told = {0};
    shape_lie_set(&told, remover_hint(m, "word", 1), fr(k));
    remover_try(m, &told, "another word");
    hf_fr wrapped = limbs_plus(hf_fr_to_limbs(m->a.value[v]), limbs_of_r());
    if (shifted(wrapped, 252).l[0] != 3) continue;
    tell_split(m, &told, 0, hf_fr_from_limbs(low_bits(wrapped, 252)), fr(3));
    shape_lie_set(&told, borrow, hf_fr_zero());
    remover_try(m, &told, "a challenge and r, no borrow");
    break;
  }
  /* a high part below zero */
  for (uint64_t k = 1; k < 40; k++) {
    hf_fr other = hf_fr_add(value, hf_fr_mul(fr(k), power_of_two(252)));
    if (shifted(hf_fr_to_limbs(other), 252).l[0] != 0) continue;
    for (uint64_t w = 0; w < 2; w++) {
      shape_lies told = {0};
      tell_split(m, &told, 0, other, hf_fr_neg(fr(k)));
      shape_lie_set(&told, borrow, fr(w));
      remover_try(m, &told, "a high part below zero");
    }
    break;
  }
  hf_fr l = hint_value(m, "split low", 1), h = hint_value(m, "split high", 1);
  shape_lies told = {0};
  tell_split(m, &told, 1, hf_fr_add(l, power_of_two(126)), hf_fr_sub(h, one));
  tell_rest(m, &told, remover_row(m, "", "split: low", 0), hf_fr_to_limbs(hf_fr_add(l, power_of_two(126))));
  remover_try(m, &told, "2^126 in a half");
  /* both + r, in 126 bits and more */
  hf_fr both = limbs_plus(hf_fr_to_limbs(low), limbs_of_r());
  told.count = 0;
  tell_split(m, &told, 1, hf_fr_from_limbs(low_bits(both, 126)), hf_fr_from_limbs(shifted(both, 126)));
  tell_rest(m, &told, remover_row(m, "", "split: high", 0), shifted(both, 126));
  remover_try(m, &told, "two halves and r");
}

/* ---- entries and accumulators ---- */

static void tell_words(const remover *m, shape_lies *told, uint32_t nth, const hf_fr words[4]) {
  for (uint32_t i = 0; i < 4; i++) shape_lie_set(told, remover_hint(m, "instance word", nth + i), words[i]);
}

/* In instance_leaf: words of an accumulator that a leaf has not, by the opposite of the stand-in. */
void lies_about_leaf(remover *m, hf_g1 left, hf_g1 right, hf_fr node_vk) {
  hf_fr stand_in[4], words[4];
  hf_g1 p = hf_g1_neg(left);
  shape_lies told = {0};
  hf_g1_to_words(left, stand_in);
  hf_g1_to_words(p, words);
  for (int i = 0; i < 4; i++) words[i] = hf_fr_sub(words[i], stand_in[i]);
  tell_words(m, &told, 2, words);
  tell_integer(m, &told, "accumulator", 4, integer(p.y));
  remover_try(m, &told, "a leaf with an accumulator");
  /* a leaf that poses as a node */
  shape_lies node = {0};
  shape_lie_set(&node, remover_hint(m, "is_equal inverse", 0), hf_fr_zero());
  shape_lie_set(&node, remover_hint(m, "instance word", 1), node_vk);
  tell_words(m, &node, 2, stand_in);
  hf_g1_to_words(right, words);
  tell_words(m, &node, 6, words);
  remover_try(m, &node, "a leaf that poses as a node");
}

/* In instance_node: a node that poses as a leaf. */
void lies_about_node(remover *m) {
  static const hf_fr none[4];
  shape_lies told = {0};
  uint32_t row = remover_row(m, "entry", "is_equal: out = 1 - (x - y) inverse", 0);
  const shape *s = &m->s;
  uint32_t out = 0;
  for (unsigned w = 0; w < HF_WIRES; w++) {
    uint32_t v = shape_var_at(s, row, w);
    if (v != HF_NO_VAR && shape_hint_of(s, v) == NULL) out = v;
  }
  uint32_t next = shape_var_at(s, row + 1, 4);
  if (out == 0) out = next;
  shape_lie_set(&told, out, hf_fr_zero());
  shape_lie_set(&told, remover_hint(m, "is_equal inverse", 0), hf_fr_one());
  shape_lie_set(&told, remover_hint(m, "instance word", 1), hf_fr_zero());
  tell_words(m, &told, 2, none);
  tell_words(m, &told, 6, none);
  remover_try(m, &told, "a node that poses as a leaf");
}
