/* Ranges: see range.h. */
#include "circuit/range.h"
#include <string.h>
#include "circuit/builder_internal.h"

/* `count` <= 64 bits of an integer from bit `from`. */
static uint64_t bits_at(hf_fr limbs, unsigned from, unsigned count) {
  uint64_t x = 0;
  if (from < 256) x = limbs.l[from / 64] >> from % 64;
  if (from % 64 && from / 64 + 1 < 4) x |= limbs.l[from / 64 + 1] << (64 - from % 64);
  return count >= 64 ? x : x & ((1ull << count) - 1);
}

static hf_fr shift_right(hf_fr limbs, unsigned by) {
  hf_fr out;
  for (unsigned i = 0; i < 4; i++) out.l[i] = bits_at(limbs, by + 64 * i, 64);
  return hf_fr_from_limbs(out);
}

static hf_fr mask_low(hf_fr limbs, unsigned bits) {
  for (unsigned i = 0; i < 4; i++)
    if (64 * i >= bits)
      limbs.l[i] = 0;
    else if (bits - 64 * i < 64)
      limbs.l[i] &= (1ull << (bits - 64 * i)) - 1;
  return limbs;
}

static hf_fr power_of_two(unsigned k) {
  hf_fr x = {{0, 0, 0, 0}};
  x.l[k / 64] = 1ull << k % 64;
  return hf_fr_from_limbs(x);
}

static bool is_one(hf_fr k) { return hf_fr_eq(k, hf_fr_one()); }

/* One chunk: v in the table, and v 2^(width - bits) as well where bits < width. */
static void range_short(hf_builder *b, const char *name, hf_var v, unsigned bits) {
  unsigned width = b->options.table_width;
  if (bits == width) {
    hf_lookup(b, name, v);
    return;
  }
  hf_fr k = power_of_two(width - bits);
  hf_var shifted = hf_var_new(b, hf_fr_mul(k, hf_value(b, v)));
  hf_pattern pattern;
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_RANGE | HF_ON_ARITHMETIC;
  pattern.q[HF_Q1] = k;
  pattern.q[HF_Q2] = hf_fr_neg(hf_fr_one());
  uint32_t zero = hf_zero(b).id, w[HF_WIRES] = {v.id, shifted.id, zero, zero, HF_NO_VAR};
  uint32_t row = hf_row_lay(b, hf_pattern_intern(b, &pattern), w, NULL, name);
  hf_open_wire(b, row, 2);
  hf_open_wire(b, row, 3);
}

/* What range_chain splits: `count` chunks of `width` bits, the top one moved down by `overlap`. */
typedef struct chunks {
  unsigned width, count, rows, overlap;
} chunks;

/* e' of row j is what is left of e above this bit. */
static unsigned chunks_link(const chunks *s, unsigned j) {
  return 4 * s->width - (4 * (j + 1) == s->count - 1 ? s->overlap : 0);
}

/* The pattern of row j. */
static uint32_t chunks_pattern(hf_builder *b, const chunks *s, unsigned j, hf_fr k, hf_fr c) {
  if (!hf_builder_lays(b)) return 0;
  hf_pattern pattern;
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_RANGE | HF_ON_ARITHMETIC;
  for (unsigned i = 0; i < 4 && 4 * j + i < s->count; i++) {
    bool last = 4 * j + i == s->count - 1;
    /* a top chunk that opens a row overlaps by the weight of e' of the row before */
    pattern.q[HF_Q1 + i] = hf_fr_neg(power_of_two(s->width * i - (last && i ? s->overlap : 0)));
  }
  pattern.q[HF_Q5] = j ? hf_fr_one() : k;
  pattern.q[HF_QC] = j ? hf_fr_zero() : c;
  if (j + 1 < s->rows) pattern.q[HF_QN] = hf_fr_neg(power_of_two(chunks_link(s, j)));
  return hf_pattern_intern(b, &pattern);
}

/* k v + c = sum of chunks, four a row, chained through e.
 * Overlapping (`loose`): the top chunk has weight 2^(bits - width), so nothing else need be looked up.
 * Otherwise a top chunk of fewer bits is looked up shifted, too. */
static void range_chain(hf_builder *b, const char *name, hf_fr k, hf_var v, hf_fr c, unsigned bits,
                        bool loose) {
  unsigned width = b->options.table_width, count = (bits + width - 1) / width, rows = (count + 3) / 4;
  unsigned missing = count * width - bits, overlap = loose ? missing : 0;
  chunks split = {width, count, rows, overlap};
  hf_fr t = hf_fr_to_limbs(hf_fr_add(hf_fr_mul(k, hf_value(b, v)), c));
  hf_fr low = overlap ? mask_low(t, bits - width) : t; /* what the chunks below the top hold */
  uint32_t zero = hf_zero(b).id, current = v.id;
  for (unsigned j = 0; j < rows; j++) {
    uint32_t w[HF_WIRES] = {zero, zero, zero, zero, current}, next[HF_WIRES];
    for (int i = 0; i < HF_WIRES; i++) next[i] = HF_NO_VAR;
    unsigned used = count - 4 * j < 4 ? count - 4 * j : 4;
    hf_var top = {0};
    for (unsigned i = 0; i < used; i++) {
      unsigned chunk = 4 * j + i;
      bool last = chunk == count - 1;
      uint64_t x = last && overlap ? bits_at(t, bits - width, width) : bits_at(low, width * chunk, width);
      hf_var u = hf_hint(b, hf_fr_from_u64(x), "range chunk");
      if (last) top = u;
      w[i] = u.id;
    }
    if (j + 1 < rows) {
      unsigned from = 4 * width * j + chunks_link(&split, j);
      next[4] = current = hf_hint(b, shift_right(mask_low(t, bits), from), "range rest").id;
    }
    uint32_t row = hf_row_lay(b, chunks_pattern(b, &split, j, k, c), w, next, name);
    for (unsigned i = used; i < 4; i++) hf_open_wire(b, row, i);
    if (used < 4 || j + 1 == rows) {
      if (missing && !loose) {
        hf_var shifted = hf_affine(b, power_of_two(missing), top, hf_fr_zero());
        hf_lookup(b, name, shifted);
      }
    }
  }
}

static void range_any(hf_builder *b, const char *name, hf_fr k, hf_var v, hf_fr c, unsigned bits,
                      bool loose) {
  if (!hf_builder_ok(b)) return;
  if (bits < 1 || bits > 253) {
    hf_builder_fail(b, HF_E_ARGUMENT, "range \"%s\": %u bits; must be 1 to 253", name, bits);
    return;
  }
  if (bits > b->options.table_width) {
    range_chain(b, name, k, v, c, bits, loose);
    return;
  }
  if (!is_one(k) || !hf_fr_is_zero(c)) v = hf_affine(b, k, v, c);
  range_short(b, name, v, bits);
}

void hf_range(hf_builder *b, const char *name, hf_var v, unsigned bits) {
  range_any(b, name, hf_fr_one(), v, hf_fr_zero(), bits, false);
}

void hf_range_affine(hf_builder *b, const char *name, hf_fr k, hf_var v, hf_fr c, unsigned bits) {
  range_any(b, name, k, v, c, bits, false);
}

void hf_range_loose(hf_builder *b, const char *name, hf_fr k, hf_var v, hf_fr c, unsigned bits) {
  if (bits > 252) {
    hf_builder_fail(b, HF_E_ARGUMENT, "loose range \"%s\": %u bits; at most 252", name, bits);
    return;
  }
  range_any(b, name, k, v, c, bits, true);
}

void hf_assert_less_equal(hf_builder *b, const char *name, hf_var x, hf_var y, unsigned bits) {
  /* y - x is above -2^bits; 1.5 2^bits is far below r - 2^bits, so the loose bound decides */
  hf_range_loose(b, name, hf_fr_one(), hf_sub(b, y, x), hf_fr_zero(), bits);
}

void hf_assert_less(hf_builder *b, const char *name, hf_var x, hf_var y, unsigned bits) {
  hf_range_loose(b, name, hf_fr_one(), hf_sub(b, y, x), hf_fr_neg(hf_fr_one()), bits);
}

hf_var hf_is_less(hf_builder *b, hf_var x, hf_var y, unsigned bits) {
  if (!hf_builder_ok(b)) return (hf_var){0};
  if (bits > 252) {
    hf_builder_fail(b, HF_E_ARGUMENT, "hf_is_less: %u bits; at most 252", bits);
    return (hf_var){0};
  }
  hf_fr u = hf_fr_to_limbs(hf_value(b, x)), v = hf_fr_to_limbs(hf_value(b, y));
  bool less = false;
  for (int i = 0; i < 4; i++)
    if (u.l[i] != v.l[i]) less = u.l[i] < v.l[i];
  hf_var out = hf_hint(b, hf_fr_from_u64(less), "is_less");
  hf_assert_bool(b, "is_less is boolean", out);
  hf_term t[3] = {{hf_fr_one(), x}, {hf_fr_neg(hf_fr_one()), y}, {power_of_two(bits), out}};
  hf_var d = hf_linear(b, t, 3, hf_fr_zero());
  hf_range(b, "is_less: x - y + 2^bits less", d, bits);
  return out;
}

static void split_sum(hf_builder *b, hf_var v, unsigned low_bits, hf_var *low, hf_var *high) {
  hf_fr t = hf_fr_to_limbs(hf_value(b, v));
  *low = hf_hint(b, hf_fr_from_limbs(mask_low(t, low_bits)), "split low");
  *high = hf_hint(b, shift_right(t, low_bits), "split high");
  hf_term terms[3] = {{hf_fr_one(), *low}, {power_of_two(low_bits), *high}, {hf_fr_neg(hf_fr_one()), v}};
  hf_assert_linear(b, "split: low + 2^k high = v", terms, 3, hf_fr_zero());
}

void hf_split(hf_builder *b, hf_var v, unsigned bits, unsigned low_bits, hf_var *low, hf_var *high) {
  *low = *high = (hf_var){0};
  if (!hf_builder_ok(b)) return;
  if (bits > 253 || low_bits < 1 || low_bits >= bits) {
    hf_builder_fail(b, HF_E_ARGUMENT, "hf_split: %u bits at %u", bits, low_bits);
    return;
  }
  split_sum(b, v, low_bits, low, high);
  hf_range(b, "split: low", *low, low_bits);
  hf_range(b, "split: high", *high, bits - low_bits);
}

void hf_split_canonical(hf_builder *b, hf_var v, unsigned low_bits, hf_var *low, hf_var *high) {
  *low = *high = (hf_var){0};
  if (!hf_builder_ok(b)) return;
  if (low_bits < 1 || low_bits > 253) {
    hf_builder_fail(b, HF_E_ARGUMENT, "hf_split_canonical: %u low bits; must be 1 to 253", low_bits);
    return;
  }
  /* With borrow w: r - 1 - v = (r_low - 1 - low + 2^k w) + 2^k (r_high - high - w), both parts not negative.
   * r_low is odd, so r_low - 1 >= 0. Bounds of the parts may be loose: only their sign matters. So a high part of
   * one chunk, and what it leaves of r_high, need no more than one lookup each. */
  unsigned high_bits = 254 - low_bits;
  hf_fr minus = hf_fr_neg(hf_fr_one()), top = hf_fr_to_limbs(minus); /* r - 1 */
  hf_fr top_low = hf_fr_from_limbs(mask_low(top, low_bits)), top_high = shift_right(top, low_bits);
  split_sum(b, v, low_bits, low, high);
  hf_range(b, "canonical split: low", *low, low_bits);
  hf_fr x = hf_fr_to_limbs(hf_value(b, *low)), y = hf_fr_to_limbs(top_low);
  bool less = false; /* top_low < low */
  for (int i = 0; i < 4; i++)
    if (x.l[i] != y.l[i]) less = y.l[i] < x.l[i];
  hf_var borrow = hf_hint(b, hf_fr_from_u64(less), "split borrow");
  hf_assert_bool(b, "canonical split: borrow is boolean", borrow);
  hf_term lows[2] = {{minus, *low}, {power_of_two(low_bits), borrow}};
  hf_var rest_low = hf_linear(b, lows, 2, top_low);
  hf_term highs[2] = {{minus, *high}, {minus, borrow}};
  hf_var rest_high = hf_linear(b, highs, 2, top_high);
  unsigned loose_low = low_bits > 252 ? 252 : low_bits, loose_high = high_bits > 252 ? 252 : high_bits;
  if (low_bits > 252)
    hf_range(b, "canonical split: r - 1 - v, low part", rest_low, low_bits);
  else
    hf_range_loose(b, "canonical split: r - 1 - v, low part", hf_fr_one(), rest_low, hf_fr_zero(), loose_low);
  if (high_bits <= b->options.table_width) {
    hf_lookup(b, "canonical split: high", *high);
    hf_lookup(b, "canonical split: r - 1 - v, high part", rest_high);
  } else if (high_bits > 252) {
    hf_range(b, "canonical split: high", *high, high_bits);
    hf_range(b, "canonical split: r - 1 - v, high part", rest_high, high_bits);
  } else {
    hf_range_loose(b, "canonical split: high", hf_fr_one(), *high, hf_fr_zero(), loose_high);
    hf_range_loose(b, "canonical split: r - 1 - v, high part", hf_fr_one(), rest_high, hf_fr_zero(),
                   loose_high);
  }
}

void hf_bits(hf_builder *b, const char *name, hf_var v, unsigned count, hf_var *bits) {
  if (count > 253) {
    hf_builder_fail(b, HF_E_ARGUMENT, "hf_bits: %u bits; at most 253", count);
    return;
  }
  hf_term terms[254];
  hf_fr t = hf_fr_to_limbs(hf_value(b, v));
  for (unsigned i = 0; i < count; i++) {
    bits[i] = hf_hint(b, hf_fr_from_u64(bits_at(t, i, 1)), "bit");
    hf_assert_bool(b, "bit is boolean", bits[i]);
    terms[i] = (hf_term){power_of_two(i), bits[i]};
  }
  terms[count] = (hf_term){hf_fr_neg(hf_fr_one()), v};
  hf_assert_linear(b, name, terms, count + 1, hf_fr_zero());
}
