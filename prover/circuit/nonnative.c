/* Identities modulo q as integer identities: see nonnative.h and nonnative_term in arith/relation.h. */
#include "circuit/nonnative.h"
#include <string.h>
#include "circuit/builder_internal.h"
#include "circuit/range.h"

/* ---- signed integers of 768 bits, two's complement: an identity's sum needs less than 620 ---- */

#define HF_BIG_WORDS 12

typedef struct big {
  uint64_t w[HF_BIG_WORDS];
} big;

static const uint64_t modulus[4] = {0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};

static bool big_negative(const big *x) { return x->w[HF_BIG_WORDS - 1] >> 63; }

static void big_negate(big *x) {
  unsigned __int128 carry = 1;
  for (int i = 0; i < HF_BIG_WORDS; i++) {
    carry += ~x->w[i];
    x->w[i] = (uint64_t)carry;
    carry >>= 64;
  }
}

/* x += y 2^(64 words) */
static void big_add(big *x, const big *y, unsigned words) {
  unsigned __int128 carry = 0;
  for (unsigned i = words; i < HF_BIG_WORDS; i++) {
    carry += (unsigned __int128)x->w[i] + y->w[i - words];
    x->w[i] = (uint64_t)carry;
    carry >>= 64;
  }
}

/* x += k u v for u, v of two words. */
static void big_add_product(big *x, int k, const uint64_t u[2], const uint64_t v[2]) {
  if (!k) return;
  big p;
  memset(&p, 0, sizeof p);
  for (int i = 0; i < 2; i++) {
    unsigned __int128 carry = 0;
    for (int j = 0; j < 2; j++) {
      carry += (unsigned __int128)u[i] * v[j] + p.w[i + j];
      p.w[i + j] = (uint64_t)carry;
      carry >>= 64;
    }
    p.w[i + 2] += (uint64_t)carry;
  }
  bool minus = k < 0;
  uint64_t scale = (uint64_t)(minus ? -k : k);
  unsigned __int128 carry = 0;
  for (int i = 0; i < HF_BIG_WORDS; i++) {
    carry += (unsigned __int128)p.w[i] * scale;
    p.w[i] = (uint64_t)carry;
    carry >>= 64;
  }
  if (minus) big_negate(&p);
  big_add(x, &p, 0);
}

/* x := x / 2^128, rounded down. */
static void big_shift_128(big *x) {
  uint64_t sign = big_negative(x) ? UINT64_MAX : 0;
  for (int i = 0; i < HF_BIG_WORDS; i++) x->w[i] = i + 2 < HF_BIG_WORDS ? x->w[i + 2] : sign;
}

/* x / q, rounded towards zero. */
static big big_divide_by_modulus(big x) {
  bool minus = big_negative(&x);
  if (minus) big_negate(&x);
  big quotient;
  uint64_t rest[5] = {0};
  memset(&quotient, 0, sizeof quotient);
  for (int bit = 64 * HF_BIG_WORDS - 1; bit >= 0; bit--) {
    for (int i = 4; i > 0; i--) rest[i] = rest[i] << 1 | rest[i - 1] >> 63;
    rest[0] = rest[0] << 1 | (x.w[bit / 64] >> bit % 64 & 1);
    uint64_t d[5];
    unsigned __int128 borrow = 0;
    for (int i = 0; i < 5; i++) {
      unsigned __int128 t = (unsigned __int128)rest[i] - (i < 4 ? modulus[i] : 0) - borrow;
      d[i] = (uint64_t)t;
      borrow = (t >> 64) & 1;
    }
    if (borrow) continue;
    memcpy(rest, d, sizeof rest);
    quotient.w[bit / 64] |= 1ull << bit % 64;
  }
  if (minus) big_negate(&quotient);
  return quotient;
}

/* ---- limbs ---- */

static void limb_words(const hf_builder *b, hf_var v, uint64_t out[2]) {
  hf_fr l = hf_fr_to_limbs(hf_value(b, v));
  out[0] = l.l[0];
  out[1] = l.l[1]; /* a limb beyond 128 bits fails its range whatever is computed from it */
}

hf_fq hf_limbs_value(const hf_builder *b, hf_limbs x) {
  hf_fq two_64 = {{0, 1, 0, 0}}, out = hf_fq_zero();
  two_64 = hf_fq_from_limbs(two_64);
  for (int i = 3; i >= 0; i--) {
    uint64_t w[2];
    limb_words(b, x.l[i], w);
    hf_fq limb = {{w[0], w[1], 0, 0}};
    out = hf_fq_add(hf_fq_mul(out, two_64), hf_fq_from_limbs(limb));
  }
  return out;
}

static bool width_ok(hf_builder *b) {
  if (!hf_builder_ok(b)) return false;
  if (b->options.table_width == HF_NONNATIVE_WIDTH) return true;
  hf_builder_fail(b, HF_E_ARGUMENT, "non-native arithmetic needs a range table of width %d, not %u",
                  HF_NONNATIVE_WIDTH, b->options.table_width);
  return false;
}

static void range_68(hf_builder *b, const char *name, hf_var v) {
  hf_range_loose(b, name, hf_fr_one(), v, hf_fr_zero(), 4 * HF_NONNATIVE_WIDTH);
}

static hf_limbs limbs_hint(hf_builder *b, hf_fq value, const char *name, bool tight) {
  hf_limbs out;
  hf_fq l = hf_fq_to_limbs(value);
  memset(&out, 0, sizeof out);
  if (!width_ok(b)) return out;
  for (int i = 0; i < 4; i++) out.l[i] = hf_hint(b, hf_fr_from_u64(l.l[i]), name);
  for (int i = 0; i < 4; i++) {
    /* four chunks, the top one of weight 2^45: l3 < 2^62 + 2^51 */
    if (tight && i == 3)
      hf_range_loose(b, name, hf_fr_one(), out.l[i], hf_fr_zero(), 62);
    else
      range_68(b, name, out.l[i]);
  }
  return out;
}

hf_limbs hf_limbs_hint(hf_builder *b, hf_fq value, const char *name) {
  return limbs_hint(b, value, name, false);
}
hf_limbs hf_limbs_hint_tight(hf_builder *b, hf_fq value, const char *name) {
  return limbs_hint(b, value, name, true);
}

hf_limbs hf_limbs_constant(hf_builder *b, hf_fq value) {
  hf_limbs out;
  hf_fq l = hf_fq_to_limbs(value);
  for (int i = 0; i < 4; i++) out.l[i] = hf_constant_u64(b, l.l[i]);
  return out;
}

static void native_terms(hf_limbs x, hf_fr k, hf_term terms[4]) {
  for (unsigned i = 0; i < 4; i++) {
    hf_fr weight = {{0, 0, 0, 0}};
    weight.l[i] = 1;
    terms[i] = (hf_term){hf_fr_mul(k, hf_fr_from_limbs(weight)), x.l[i]};
  }
}

hf_var hf_limbs_native(hf_builder *b, hf_limbs x) {
  hf_term terms[4];
  native_terms(x, hf_fr_one(), terms);
  return hf_linear(b, terms, 4, hf_fr_zero());
}

/* x and y are below 2^254 + 2^243 < 2 q, so equal modulo q means D = x - y is 0, q or -q. D (D^2 - q^2) t = 1
 * modulo r excludes these (and 0, q, -q plus multiples of r, which only turns away more). */
void hf_limbs_assert_different(hf_builder *b, const char *name, hf_var x_native, hf_limbs y) {
  hf_term terms[5];
  hf_fr q_mod_r = {{modulus[0], modulus[1], modulus[2], modulus[3]}}, one = hf_fr_one(),
        minus = hf_fr_neg(one);
  hf_fr q2 = hf_fr_sqr(hf_fr_from_limbs(q_mod_r)); /* conversion reduces any 256-bit integer */
  native_terms(y, minus, terms);
  terms[4] = (hf_term){one, x_native};
  hf_var d = hf_linear(b, terms, 5, hf_fr_zero());
  hf_fr value = hf_value(b, d), cubic = hf_fr_mul(value, hf_fr_sub(hf_fr_sqr(value), q2));
  hf_var t = hf_hint(b, hf_fr_is_zero(cubic) ? cubic : hf_fr_inv(cubic), "inverse of a difference");
  hf_var u = hf_mul(b, d, t), v = hf_mul(b, d, u);
  hf_product p = {one, d, v};
  hf_term rest = {hf_fr_neg(q2), u};
  hf_assert_quadratic(b, name, &p, 1, &rest, 1, minus);
}

/* Limbs have 68 bits, so low = l0 + 2^64 l1 and high are sums of integers; exact ranges of 128 and 126 bits make them the
 * parts of x. With a borrow w, q - 1 - x = (q_low - 1 - low + 2^128 w) + 2^128 (q_high - high - w), both parts not
 * negative. q_low is odd, so q_low - 1 >= 0. Only signs matter there: loose ranges. */
void hf_limbs_words(hf_builder *b, hf_limbs x, hf_var words[2]) {
  hf_fr one = hf_fr_one(), minus = hf_fr_neg(one), two_64 = hf_fr_from_limbs((hf_fr){{0, 1, 0, 0}});
  hf_fr two_128 = hf_fr_from_limbs((hf_fr){{0, 0, 1, 0}});
  hf_fr top_low = hf_fr_from_limbs((hf_fr){{modulus[0] - 1, modulus[1], 0, 0}});
  hf_fr top_high = hf_fr_from_limbs((hf_fr){{modulus[2], modulus[3], 0, 0}});
  words[0] = words[1] = (hf_var){0};
  if (!hf_builder_ok(b)) return;
  hf_scope_begin(b, "coordinate words");
  for (int i = 0; i < 2; i++) {
    hf_term sum[2] = {{one, x.l[2 * i]}, {two_64, x.l[2 * i + 1]}};
    words[i] = hf_linear(b, sum, 2, hf_fr_zero());
  }
  hf_range(b, "low word of a coordinate", words[0], 128);
  hf_range(b, "high word of a coordinate", words[1], 126);
  hf_fr low = hf_fr_to_limbs(hf_value(b, words[0]));
  bool less = modulus[1] != low.l[1] ? modulus[1] < low.l[1] : modulus[0] - 1 < low.l[0]; /* q_low - 1 < low */
  hf_var borrow = hf_hint(b, hf_fr_from_u64(less), "coordinate borrow");
  hf_assert_bool(b, "coordinate borrow is boolean", borrow);
  hf_term lows[2] = {{minus, words[0]}, {two_128, borrow}}, highs[2] = {{minus, words[1]}, {minus, borrow}};
  hf_var rest_low = hf_linear(b, lows, 2, top_low), rest_high = hf_linear(b, highs, 2, top_high);
  hf_range_loose(b, "coordinate below q, low part", one, rest_low, hf_fr_zero(), 128);
  hf_range_loose(b, "coordinate below q, high part", one, rest_high, hf_fr_zero(), 126);
  hf_scope_end(b);
}

void hf_limbs_write(hf_builder *b, hf_rom table, uint64_t address, hf_limbs x) {
  /* the tuple's order is c, d, a, b */
  hf_var values[4] = {x.l[2], x.l[3], x.l[0], x.l[1]};
  hf_rom_write(b, table, address, values);
}

hf_limbs hf_limbs_table(hf_builder *b, hf_rom table, hf_var address) {
  hf_var written[4];
  hf_limbs out;
  bool found = hf_rom_lookup(b, table, hf_value(b, address), written);
  for (int i = 0; i < 4; i++)
    out.l[i] = hf_hint(b, found ? hf_value(b, written[(i + 2) % 4]) : hf_fr_zero(), "table limb");
  return out;
}

/* ---- identities ---- */

/* p[i] += k times coefficient i of the product of two rows of limbs (powers of 2^64). */
static void add_products(big p[7], int k, uint64_t u[4][2], uint64_t v[4][2]) {
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) big_add_product(&p[i + j], k, u[i], v[j]);
}

/* Bounds of one coefficient of Y = 2^128, long double: 64 bits of mantissa, far more than the factor left to
 * the limits. */
typedef struct interval {
  long double low, high;
} interval;

static void widen(interval *x, int k, long double low, long double high) {
  x->low += k > 0 ? k * low : k * high;
  x->high += k > 0 ? k * high : k * low;
}

/* Coefficient k of Y collects p_2k + 2^64 p_2k+1. */
static void widen_product(interval y[4], int k, const interval u[4], const interval v[4]) {
  if (!k) return;
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      long double weight = (i + j) % 2 ? 0x1p64L : 1;
      long double a = u[i].low * v[j].low, c = u[i].low * v[j].high, d = u[i].high * v[j].low,
                  e = u[i].high * v[j].high;
      long double low = a < c ? a : c, high = a > c ? a : c;
      if (d < low) low = d;
      if (e < low) low = e;
      if (d > high) high = d;
      if (e > high) high = e;
      widen(&y[(i + j) / 2], k, weight * low, weight * high);
    }
}

static void widen_linear(interval y[4], int k, const interval u[4]) {
  if (!k) return;
  for (int i = 0; i < 4; i++) {
    long double weight = i % 2 ? 0x1p64L : 1;
    widen(&y[i / 2], k, weight * u[i].low, weight * u[i].high);
  }
}

/* Operands have the same bounds, so only the sums of their positive and of their negative coefficients matter. */
static void tally(int sums[2], int k) { sums[k > 0] += k; }

/* Carries stand in 68 bits, one range row each, as numbers in [-2^67, 2^67); those of an identity with many products are
 * wide: 85 bits, two rows, in [-2^70, 2^85). */
#define HF_CARRY_WIDE      8 /* offset in units of 2^67 */
#define HF_CARRY_WIDE_BITS 85

/* Refuses an identity with a coefficient that may wrap modulo r, or an honest quotient or carry that does not
 * fit; tells whether its carries are wide. */
static bool bounds_ok(hf_builder *b, const char *name, const hf_operand *o, size_t count, bool *wide) {
  interval honest[4] = {{0, 0x1p64L}, {0, 0x1p64L}, {0, 0x1p64L}, {0, (long double)modulus[3] + 1}};
  interval wild[4] = {{0, 0x1p68L}, {0, 0x1p68L}, {0, 0x1p68L}, {0, 0x1p68L}}, q[4], quotient[4];
  interval y[4] = {{0, 0}}, w[4] = {{0, 0}};
  interval sum = {0, 0};
  int linear[2] = {0, 0}, products[2] = {0, 0};
  long double q_value = 0;
  for (int i = 3; i >= 0; i--) {
    q[i] = (interval){(long double)modulus[i], (long double)modulus[i]};
    q_value = q_value * 0x1p64L + (long double)modulus[i];
  }
  for (size_t i = 0; i < count; i++) {
    tally(linear, o[i].linear);
    tally(products, o[i].square);
    tally(products, o[i].next);
  }
  for (int i = 0; i < 2; i++) {
    widen_linear(y, linear[i], honest);
    widen_linear(w, linear[i], wild);
    widen_product(y, products[i], honest, honest);
    widen_product(w, products[i], wild, wild);
    widen(&sum, linear[i], 0, q_value);
    widen(&sum, products[i], 0, q_value * q_value);
  }
  /* quotient = -sum / q */
  long double k_low = -sum.high / q_value - 1, k_high = -sum.low / q_value + 1;
  if (k_low < -0x1p256L || k_high >= 0x1p259L) {
    hf_builder_fail(b, HF_E_ARGUMENT, "identity \"%s\": a quotient may leave [-2^256, 2^259)", name);
    return false;
  }
  for (int i = 0; i < 3; i++) quotient[i] = (interval){0, 0x1p64L};
  quotient[3] = (interval){k_low / 0x1p192L - 1, k_high / 0x1p192L + 1};
  widen_product(y, 1, quotient, q);
  widen_product(w, 1, wild, q);
  widen_product(w, -1, wild, q);
  interval carry = {0, 0};
  *wide = false;
  for (int k = 0; k < 3; k++) {
    /* C_k = (C_(k-1) - P_k) / 2^128 */
    interval c = {(carry.low - y[k].high) / 0x1p128L - 1, (carry.high - y[k].low) / 0x1p128L + 1};
    carry = c;
    if (c.low < -0x1p67L || c.high >= 0x1p67L) *wide = true;
    if (c.low < -0x1p67L * HF_CARRY_WIDE || c.high >= 0x1p80L) {
      hf_builder_fail(b, HF_E_ARGUMENT, "identity \"%s\": carry %d may leave [-2^70, 2^80)", name, k);
      return false;
    }
  }
  for (int k = 0; k < 4; k++) {
    /* carries add at most 2^86 (2^128 + 1); the equation modulo r is one of integers below this */
    long double most = (w[k].high > -w[k].low ? w[k].high : -w[k].low) + 0x1p215L;
    if (most >= 0x1p252L) {
      hf_builder_fail(b, HF_E_ARGUMENT, "identity \"%s\": coefficient %d may wrap modulo r", name, k);
      return false;
    }
  }
  return true;
}

static hf_fr small_integer(int k) {
  return k < 0 ? hf_fr_neg(hf_fr_from_u64((uint64_t)-k)) : hf_fr_from_u64((uint64_t)k);
}

/* One row of an identity. */
static void identity_row(hf_builder *b, const char *name, const hf_pattern *pattern, hf_limbs v,
                         hf_var address) {
  uint32_t w[HF_WIRES] = {v.l[0].id, v.l[1].id, v.l[2].id, v.l[3].id, address.id};
  hf_row_lay(b, hf_pattern_intern(b, pattern), w, NULL, name);
}

/* Quotient limbs (offset 2^256) and carries (offset 2^67 each) of an identity with these coefficients p. */
static void quotient_and_carries(big p[7], bool wide, uint64_t quotient[4][2], hf_fr carries[3]) {
  big sum, one;
  memset(&sum, 0, sizeof sum);
  memset(&one, 0, sizeof one);
  one.w[0] = 1;
  for (unsigned i = 0; i < 7; i++) big_add(&sum, &p[i], i);
  big k = big_divide_by_modulus(sum);
  big_negate(&k);
  big_add(&k, &one, 4);
  for (int i = 0; i < 4; i++) {
    quotient[i][0] = k.w[i];
    quotient[i][1] = i == 3 ? k.w[4] & 15 : 0;
  }
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      uint64_t q[2] = {modulus[j], 0}, offset[2] = {0, 1};
      big_add_product(&p[i + j], 1, quotient[i], q);
      if (i == 3) big_add_product(&p[i + j], -1, offset, q);
    }
  big carry;
  memset(&carry, 0, sizeof carry);
  for (unsigned n = 0; n < 3; n++) {
    big coefficient = p[2 * n];
    big_add(&coefficient, &p[2 * n + 1], 1);
    big_negate(&coefficient);
    big_add(&carry, &coefficient, 0);
    big_shift_128(&carry);
    big shifted = carry, offset = one;
    offset.w[0] = 0;
    offset.w[1] = 8u * (wide ? HF_CARRY_WIDE : 1); /* 2^67 */
    big_add(&shifted, &offset, 0);
    hf_fr limbs = {{shifted.w[0], shifted.w[1] & (wide ? (1u << (HF_CARRY_WIDE_BITS - 64)) - 1 : 15), 0, 0}};
    carries[n] = hf_fr_from_limbs(limbs);
  }
}

void hf_nonnative_identity(hf_builder *b, const char *name, const hf_operand *operands, size_t count) {
  uint64_t v[2][4][2], quotient[4][2];
  big p[7];
  hf_fr carries[3];
  if (!width_ok(b)) return;
  if (count == 0 || operands[count - 1].next != 0) {
    hf_builder_fail(b, HF_E_ARGUMENT, "identity \"%s\": the last operand has no next one", name);
    return;
  }
  bool wide;
  if (!bounds_ok(b, name, operands, count, &wide)) return;
  memset(p, 0, sizeof p);
  uint64_t unit[4][2] = {{1, 0}, {0, 0}, {0, 0}, {0, 0}};
  for (size_t i = 0; i < count; i++) {
    for (size_t k = 0; k < 2 && i + k < count; k++)
      for (int j = 0; j < 4; j++) limb_words(b, operands[i + k].v.l[j], v[k][j]);
    add_products(p, operands[i].linear, v[0], unit);
    add_products(p, operands[i].square, v[0], v[0]);
    if (operands[i].next) add_products(p, operands[i].next, v[0], v[1]);
  }
  quotient_and_carries(p, wide, quotient, carries);

  hf_var none = {HF_NO_VAR};
  hf_limbs k, c;
  for (int i = 0; i < 4; i++) {
    hf_fr limbs = {{quotient[i][0], quotient[i][1], 0, 0}};
    k.l[i] = hf_hint(b, hf_fr_from_limbs(limbs), "quotient limb");
  }
  for (int i = 0; i < 3; i++) c.l[i] = hf_hint(b, carries[i], "carry");
  c.l[3] = none;
  for (int i = 0; i < 4; i++) range_68(b, "quotient limb", k.l[i]);
  for (int i = 0; i < 3; i++)
    if (wide)
      hf_range_loose(b, "carry", hf_fr_one(), c.l[i], hf_fr_zero(), HF_CARRY_WIDE_BITS);
    else
      range_68(b, "carry", c.l[i]);

  hf_pattern pattern;
  for (size_t i = 0; i < count; i++) {
    const hf_operand *o = &operands[i];
    memset(&pattern, 0, sizeof pattern);
    pattern.on = HF_ON_NONNATIVE;
    pattern.q[HF_Q1] = small_integer(o->linear);
    pattern.q[HF_QCD] = small_integer(o->square);
    pattern.q[HF_QAB] = small_integer(o->next);
    if (i == 0) pattern.q[HF_Q4] = hf_fr_one();
    if (o->table.id) {
      pattern.on |= HF_ON_ROM_READ;
      pattern.q[HF_QC] = hf_fr_from_u64(o->table.id);
      hf_rom_count_read(b, o->table, hf_value(b, o->address));
    }
    identity_row(b, name, &pattern, o->v, o->table.id ? o->address : none);
  }
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_NONNATIVE;
  pattern.q[HF_Q2] = hf_fr_one();
  identity_row(b, name, &pattern, k, none);
  pattern.q[HF_Q2] = hf_fr_zero();
  pattern.q[HF_Q3] = hf_fr_one();
  pattern.q[HF_Q5] = hf_fr_from_u64(wide ? HF_CARRY_WIDE : 1);
  identity_row(b, name, &pattern, c, none);
}

hf_limbs hf_nonnative_mul(hf_builder *b, hf_limbs x, hf_limbs y) {
  hf_limbs z = hf_limbs_hint_tight(b, hf_fq_mul(hf_limbs_value(b, x), hf_limbs_value(b, y)), "product mod q");
  hf_operand o[3] = {{.v = x, .next = 1}, {.v = y}, {.v = z, .linear = -1}};
  hf_nonnative_identity(b, "product modulo q", o, 3);
  return z;
}
