/* EdDSA: R = S B - h A by one chain of additions, 64 windows of 4 bits of h over a table of -A and the
 * windows of S over constant tables of B. */
#include "circuit/signature.h"
#include <string.h>
#include "circuit/edwards_internal.h"
#include "circuit/range.h"
#include "host/babyjub.h"
#include "host/scalar.h"

#define HF_SCALAR_BITS 251 /* l < 2^251 */
#define HF_H_DIGITS    64
/* l - 1; l is in host/scalar.h */
static const hf_fr order_minus_one = {
    {0x677297dc392126f0ull, 0xab3eedb83920ee0aull, 0x370a08b6d0302b0bull, 0x060c89ce5c263405ull}};

static unsigned windows_of(unsigned bits) { return (HF_SCALAR_BITS + bits - 1) / bits; }

unsigned hf_base_window(size_t signatures) {
  unsigned best = 3;
  size_t least = SIZE_MAX;
  for (unsigned bits = 3; bits <= 8; bits++) {
    size_t windows = windows_of(bits);
    size_t rows = windows * ((size_t)2 << bits) + signatures * (windows + (windows + 3) / 4);
    if (rows < least) {
      least = rows;
      best = bits;
    }
  }
  return best;
}

/* The top window covers what is left of 251 bits, so that no sum of digits reaches r. */
static unsigned window_bits(const hf_base_table *t, unsigned window) {
  return window + 1 < t->windows ? t->bits : HF_SCALAR_BITS - t->bits * (t->windows - 1);
}

void hf_base_table_create(hf_builder *b, unsigned bits, hf_base_table *out) {
  memset(out, 0, sizeof *out);
  if (bits < 3 || bits > 8) {
    hf_builder_fail(b, HF_E_ARGUMENT, "base point windows of %u bits; must be 3 to 8", bits);
    return;
  }
  hf_scope_begin(b, "base point table");
  out->bits = bits;
  out->windows = windows_of(bits);
  hf_bjj base = hf_bjj_base();
  hf_point p = hf_point_constant(b, base.x, base.y), multiples[256];
  for (unsigned window = 0; window < out->windows && hf_builder_ok(b); window++) {
    unsigned size = 1u << window_bits(out, window), steps = window + 1 < out->windows ? size - 1 : size - 2;
    hf_point addends[256];
    hf_fr start[2] = {hf_value(b, p.x), hf_value(b, p.y)}, sums[256][2];
    for (unsigned i = 0; i < steps; i++) addends[i] = p;
    if (!hf_edwards_chain(b, start, addends, steps, sums)) break;
    hf_point sum = p;
    multiples[0] = hf_point_constant(b, hf_fr_zero(), hf_fr_one());
    multiples[1] = p;
    for (unsigned i = 0; i < steps; i++) {
      sum = hf_edwards_row(b, sum, p, sums[i], (hf_rom){0}, (hf_var){0}, "multiples of the base point");
      if (i + 2 < size) multiples[i + 2] = sum;
    }
    p = sum; /* 2^bits of the old one */
    out->rom[window] = hf_rom_create(b);
    for (unsigned i = 0; i < size; i++) hf_point_write(b, out->rom[window], i, multiples[i]);
  }
  hf_scope_end(b);
}

static unsigned bits_of(hf_fr limbs, unsigned from, unsigned count) {
  unsigned x = 0;
  for (unsigned i = 0; i < count && from + i < 256; i++)
    x |= (unsigned)(limbs.l[(from + i) / 64] >> (from + i) % 64 & 1) << i;
  return x;
}

static hf_fr power_of_two(unsigned k) {
  hf_fr x = {{0, 0, 0, 0}};
  x.l[k / 64] = 1ull << k % 64;
  return hf_fr_from_limbs(x);
}

/* h = sum 16^i digit_i as an integer below r. That the digits are 0..15 follows from their use as addresses.
 */
static void challenge_digits(hf_builder *b, hf_var h, hf_var digits[HF_H_DIGITS]) {
  hf_fr limbs = hf_fr_to_limbs(hf_value(b, h)), minus = hf_fr_neg(hf_fr_one());
  hf_term terms[HF_H_DIGITS / 2 + 2];
  for (unsigned i = 0; i < HF_H_DIGITS; i++)
    digits[i] = hf_hint(b, hf_fr_from_u64(bits_of(limbs, 4 * i, 4)), "challenge digit");
  for (unsigned i = 0; i < 32; i++) terms[i] = (hf_term){power_of_two(4 * i), digits[32 + i]};
  hf_var high = hf_linear(b, terms, 32, hf_fr_zero());
  for (unsigned i = 0; i < 32; i++) terms[i].v = digits[i];
  terms[32] = (hf_term){power_of_two(128), high};
  terms[33] = (hf_term){minus, h};
  hf_assert_linear(b, "challenge = sum of its digits", terms, 34, hf_fr_zero());
  /* high <= (r >> 128) - 1, so the sum is below r */
  hf_fr top = hf_fr_to_limbs(minus);
  hf_fr bound = {{top.l[2], top.l[3], 0, 0}};
  bound = hf_fr_sub(hf_fr_from_limbs(bound), hf_fr_one());
  hf_range_loose(b, "challenge is below r", minus, high, bound, 126);
}

static void scalar_digits(hf_builder *b, const hf_base_table *base, hf_var s,
                          hf_var digits[HF_BASE_MAX_WINDOWS]) {
  hf_fr limbs = hf_fr_to_limbs(hf_value(b, s)), minus = hf_fr_neg(hf_fr_one());
  hf_term terms[HF_BASE_MAX_WINDOWS + 1];
  for (unsigned i = 0; i < base->windows; i++) {
    digits[i] = hf_hint(b, hf_fr_from_u64(bits_of(limbs, base->bits * i, window_bits(base, i))), "S digit");
    terms[i] = (hf_term){power_of_two(base->bits * i), digits[i]};
  }
  terms[base->windows] = (hf_term){minus, s};
  hf_assert_linear(b, "S = sum of its digits", terms, base->windows + 1, hf_fr_zero());
  /* S < 2^251 by its digits, so l - 1 - S is small exactly if S < l */
  hf_range_loose(b, "S is below the group order", minus, s, hf_fr_from_limbs(order_minus_one),
                 HF_SCALAR_BITS);
}

/* Writes 0..15 times p, p checked; 4p is not of order 2, so p is not of order 1, 2, 4 or 8. */
static hf_rom key_table(hf_builder *b, hf_point p) {
  hf_point addends[14], multiples[16] = {hf_point_constant(b, hf_fr_zero(), hf_fr_one()), p};
  hf_fr start[2] = {hf_value(b, p.x), hf_value(b, p.y)}, sums[14][2];
  for (int i = 0; i < 14; i++) addends[i] = p;
  hf_rom rom = hf_rom_create(b);
  hf_scope_begin(b, "key table");
  if (hf_edwards_chain(b, start, addends, 14, sums))
    for (int i = 0; i < 14; i++)
      multiples[i + 2] =
          hf_edwards_row(b, multiples[i + 1], p, sums[i], (hf_rom){0}, (hf_var){0}, "multiples of the key");
  hf_assert_nonzero(b, "key is not of small order", multiples[4].x);
  for (unsigned i = 0; i < 16; i++) hf_point_write(b, rom, i, multiples[i]);
  hf_scope_end(b);
  return rom;
}

void hf_signature_check(hf_builder *b, const hf_base_table *base, hf_point a, hf_point r, hf_var s,
                        hf_var h) {
  enum { STEPS = 1 + 5 * (HF_H_DIGITS - 1) + HF_BASE_MAX_WINDOWS };
  if (!hf_builder_ok(b)) return;
  hf_scope_begin(b, "signature");
  hf_point minus_a = hf_edwards_negate_checked(b, "key is on the curve", a);
  hf_rom rom = key_table(b, minus_a);
  hf_var h_digits[HF_H_DIGITS], s_digits[HF_BASE_MAX_WINDOWS];
  challenge_digits(b, h, h_digits);
  scalar_digits(b, base, s, s_digits);

  hf_point addends[STEPS];
  hf_rom tables[STEPS];
  hf_var addresses[STEPS];
  unsigned steps = 0;
  for (unsigned i = HF_H_DIGITS; i-- > 0;) {
    for (int d = 0; d < 4 && i + 1 < HF_H_DIGITS; d++) {
      addends[steps].x.id = HF_NO_VAR;
      tables[steps++].id = 0;
    }
    tables[steps] = rom;
    addresses[steps++] = h_digits[i];
  }
  for (unsigned i = 0; i < base->windows; i++) {
    tables[steps] = base->rom[i];
    addresses[steps++] = s_digits[i];
  }
  for (unsigned i = 0; i < steps; i++)
    if (tables[i].id) addends[i] = hf_edwards_table_point(b, tables[i], addresses[i]);
  hf_fr start[2] = {hf_fr_zero(), hf_fr_one()}, sums[STEPS][2];
  hf_point sum = hf_point_constant(b, start[0], start[1]);
  hf_scope_begin(b, "S B - h A");
  if (hf_builder_ok(b) && hf_edwards_chain(b, start, addends, steps, sums))
    for (unsigned i = 0; i < steps; i++) {
      if (tables[i].id) {
        sum = hf_edwards_row(b, sum, addends[i], sums[i], tables[i], addresses[i], "S B - h A");
      } else { /* doublings come in fours: two on each row */
        sum = hf_edwards_double_row(b, sum, sums[i], sums[i + 1], "S B - h A: doubling");
        i++;
      }
    }
  hf_scope_end(b);
  hf_point_assert_equal(b, "R = S B - h A", sum, r);
  hf_scope_end(b);
}

hf_fr hf_signature_by_base(hf_fr challenge) {
  hf_fr limbs = hf_fr_to_limbs(challenge);
  uint64_t one[4] = {1, 0, 0, 0};
  hf_scalar s = hf_scalar_add(hf_scalar_from_limbs(limbs.l), hf_scalar_from_limbs(one));
  hf_fr out = {{s.l[0], s.l[1], s.l[2], s.l[3]}};
  return hf_fr_from_limbs(out);
}
