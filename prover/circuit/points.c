/* Points of G1 on non-native arithmetic: see points.h. */
#include "circuit/points.h"
#include <string.h>
#include "circuit/builder_internal.h"
#include "host/glv.h"

hf_g1 hf_curve_point_value(const hf_builder *b, hf_curve_point p) {
  return (hf_g1){hf_limbs_value(b, p.x), hf_limbs_value(b, p.y)};
}

hf_curve_point hf_curve_point_constant(hf_builder *b, hf_g1 p) {
  return (hf_curve_point){hf_limbs_constant(b, p.x), hf_limbs_constant(b, p.y)};
}

hf_curve_point hf_curve_point_hint(hf_builder *b, hf_g1 p, const char *name) {
  hf_scope_begin(b, "curve point");
  hf_curve_point out = {hf_limbs_hint_tight(b, p.x, name), hf_limbs_hint(b, p.y, name)};
  hf_limbs square = hf_limbs_hint(b, hf_fq_sqr(hf_limbs_value(b, out.x)), "x^2");
  hf_limbs three = hf_limbs_constant(b, hf_fq_from_u64(3));
  hf_operand first[2] = {{.v = out.x, .square = 1}, {.v = square, .linear = -1}};
  hf_operand second[4] = {
      {.v = out.x, .next = 1}, {.v = square}, {.v = out.y, .square = -1}, {.v = three, .linear = 1}};
  hf_nonnative_identity(b, "point on the curve: x^2", first, 2);
  hf_nonnative_identity(b, "point on the curve: y^2 = x^3 + 3", second, 4);
  hf_scope_end(b);
  return out;
}

/* The slope from p to sign * q; 0 where it does not exist (then hf_limbs_assert_different fails). */
static hf_fq slope_value(hf_g1 p, hf_g1 q, bool minus) {
  hf_fq dy = hf_fq_sub(minus ? hf_fq_neg(q.y) : q.y, p.y);
  return hf_fq_mul(dy, hf_fq_inv(hf_fq_sub(q.x, p.x)));
}

/* x = slope^2 - x1 - x2 */
static hf_limbs sum_x(hf_builder *b, hf_limbs slope, hf_limbs x1, hf_limbs x2) {
  hf_fq value = hf_fq_sqr(hf_limbs_value(b, slope));
  value = hf_fq_sub(hf_fq_sub(value, hf_limbs_value(b, x1)), hf_limbs_value(b, x2));
  hf_limbs x = hf_limbs_hint_tight(b, value, "x of a sum");
  hf_operand o[4] = {
      {.v = slope, .square = 1}, {.v = x1, .linear = -1}, {.v = x2, .linear = -1}, {.v = x, .linear = -1}};
  hf_nonnative_identity(b, "x of a sum = slope^2 - x1 - x2", o, 4);
  return x;
}

/* y = slope (p.x - x) - p.y */
static hf_limbs sum_y(hf_builder *b, hf_limbs slope, hf_curve_point p, hf_limbs x, const char *name) {
  hf_fq value = hf_fq_sub(hf_limbs_value(b, p.x), hf_limbs_value(b, x));
  value = hf_fq_sub(hf_fq_mul(hf_limbs_value(b, slope), value), hf_limbs_value(b, p.y));
  hf_limbs y = hf_limbs_hint(b, value, "y of a sum");
  hf_operand o[5] = {{.v = p.x, .next = 1},
                     {.v = slope, .next = -1},
                     {.v = x},
                     {.v = p.y, .linear = -1},
                     {.v = y, .linear = -1}};
  hf_nonnative_identity(b, name, o, 5);
  return y;
}

/* slope (q.x - p.x) = +-q.y - p.y, and q.x != p.x */
static hf_limbs add_slope(hf_builder *b, hf_curve_point p, hf_curve_point q, bool minus, hf_var q_native) {
  hf_g1 pv = hf_curve_point_value(b, p), qv = hf_curve_point_value(b, q);
  hf_limbs_assert_different(b, "the points of an addition differ in x", q_native, p.x);
  hf_limbs slope = hf_limbs_hint(b, slope_value(pv, qv, minus), "slope");
  hf_operand o[5] = {{.v = q.x, .next = 1},
                     {.v = slope, .next = -1},
                     {.v = p.x},
                     {.v = q.y, .linear = minus ? 1 : -1},
                     {.v = p.y, .linear = 1}};
  hf_nonnative_identity(b, "slope of an addition", o, 5);
  return slope;
}

hf_curve_point hf_curve_add(hf_builder *b, hf_curve_point p, hf_curve_point q, bool minus) {
  hf_curve_point out;
  hf_scope_begin(b, "curve addition");
  hf_limbs slope = add_slope(b, p, q, minus, hf_limbs_native(b, q.x));
  out.x = sum_x(b, slope, p.x, q.x);
  out.y = sum_y(b, slope, p, out.x, "y of a sum = slope (x1 - x) - y1");
  hf_scope_end(b);
  return out;
}

hf_curve_point hf_curve_double(hf_builder *b, hf_curve_point p) {
  hf_curve_point out;
  hf_scope_begin(b, "curve doubling");
  hf_g1 v = hf_curve_point_value(b, p);
  hf_fq xx = hf_fq_sqr(v.x), value = hf_fq_mul(hf_fq_add(hf_fq_dbl(xx), xx), hf_fq_inv(hf_fq_dbl(v.y)));
  hf_limbs slope = hf_limbs_hint(b, value, "slope");
  hf_operand o[3] = {{.v = slope, .next = 2}, {.v = p.y}, {.v = p.x, .square = -3}};
  hf_nonnative_identity(b, "slope of a doubling", o, 3);
  out.x = sum_x(b, slope, p.x, p.x);
  out.y = sum_y(b, slope, p, out.x, "y of a double = slope (x1 - x) - y1");
  hf_scope_end(b);
  return out;
}

void hf_curve_point_words(hf_builder *b, hf_curve_point p, hf_var words[4]) {
  hf_limbs_words(b, p.x, words);
  hf_limbs_words(b, p.y, words + 2);
}

hf_curve_point hf_curve_endomorphism(hf_builder *b, hf_curve_point p) {
  return (hf_curve_point){hf_nonnative_mul(b, p.x, hf_limbs_constant(b, hf_glv_beta())), p.y};
}

/* -y modulo q, as limbs of its own. 14 rows. */
static hf_limbs negated(hf_builder *b, hf_limbs y) {
  hf_limbs out = hf_limbs_hint(b, hf_fq_neg(hf_limbs_value(b, y)), "negated y");
  hf_operand o[2] = {{.v = y, .linear = 1}, {.v = out, .linear = 1}};
  hf_nonnative_identity(b, "negated y", o, 2);
  return out;
}

/* ---- signed sums ---- */

static void sums_write(hf_builder *b, const hf_signed_sums *sums, uint64_t address, hf_limbs x, hf_limbs y) {
  hf_limbs_write(b, sums->x, address, x);
  hf_limbs_write(b, sums->y, address, y);
}

void hf_signed_sums_create(hf_builder *b, const hf_curve_point *p, unsigned count, hf_signed_sums *out) {
  out->x = hf_rom_create(b);
  out->y = hf_rom_create(b);
  if (count < 1 || count > HF_SIGNED_SUMS_MAX) {
    hf_builder_fail(b, HF_E_ARGUMENT, "signed sums of %u points: 1 to %d", count, HF_SIGNED_SUMS_MAX);
    return;
  }
  hf_scope_begin(b, "signed sums");
  /* a tree costs 2 + 4 + 8 + 16 additions; a walk that flips one sign a step 4 + 4 doublings + 15. The walk covers the
   * sums with +p0; the others are their negatives. */
  hf_curve_point doubles[HF_SIGNED_SUMS_MAX], sum = p[0];
  unsigned all = (1u << count) - 1;
  for (unsigned i = 1; i < count; i++) {
    doubles[i] = hf_curve_double(b, p[i]);
    sum = hf_curve_add(b, sum, p[i], false);
  }
  for (unsigned step = 0; step < 1u << (count - 1); step++) {
    unsigned minus = (step ^ step >> 1) << 1; /* a bit for each negative sign */
    if (step) {
      unsigned flipped = (unsigned)__builtin_ctz(step) + 1;
      sum = hf_curve_add(b, sum, doubles[flipped], minus >> flipped & 1);
    }
    sums_write(b, out, all ^ minus, sum.x, sum.y);
    sums_write(b, out, minus, sum.x, negated(b, sum.y));
  }
  hf_scope_end(b);
}

hf_curve_point hf_signed_sums_read(hf_builder *b, const hf_signed_sums *sums, hf_var address) {
  hf_curve_point p;
  hf_var x[4], y[4];
  hf_rom_read(b, sums->x, address, x);
  hf_rom_read(b, sums->y, address, y);
  for (int i = 0; i < 4; i++) {
    p.x.l[(i + 2) % 4] = x[i];
    p.y.l[(i + 2) % 4] = y[i];
  }
  return p;
}

/* ---- chains ---- */

static hf_g1 chain_value(const hf_builder *b, const hf_chain *c) {
  hf_fq x = hf_limbs_value(b, c->x), yu;
  hf_fq u = hf_limbs_value(b, c->last.x);
  yu = hf_limbs_value(b, c->last.y);
  if (c->form == HF_CHAIN_NESTED) {
    hf_fq outer = hf_limbs_value(b, c->u);
    yu = hf_fq_sub(hf_fq_mul(hf_limbs_value(b, c->inner), hf_fq_sub(u, outer)), yu);
    u = outer;
  }
  return (hf_g1){x, hf_fq_sub(hf_fq_mul(hf_limbs_value(b, c->slope), hf_fq_sub(u, x)), yu)};
}

/* Adds the operands of sign * y to an identity whose last operand is c->x and takes no product with a next one yet. */
static size_t append_y(hf_operand *o, size_t n, const hf_chain *c, int sign) {
  bool nested = c->form == HF_CHAIN_NESTED;
  o[n - 1].next = -sign;
  o[n++] = (hf_operand){.v = c->slope, .next = sign};
  if (nested) {
    o[n++] = (hf_operand){.v = c->u, .next = sign};
    o[n++] = (hf_operand){.v = c->inner, .next = -sign};
  }
  o[n++] = (hf_operand){.v = c->last.x};
  o[n++] = (hf_operand){.v = c->last.y, .linear = nested ? sign : -sign};
  return n;
}

static void chain_move(hf_builder *b, hf_chain *c, hf_limbs x) {
  c->x = x;
  c->x_native = hf_limbs_native(b, x);
}

void hf_chain_begin(hf_builder *b, hf_chain *chain, hf_curve_point start, hf_curve_point p) {
  hf_scope_begin(b, "chain begin");
  hf_var native = hf_limbs_native(b, start.x);
  hf_limbs slope = add_slope(b, p, start, false, native);
  *chain = (hf_chain){.form = HF_CHAIN_SINGLE, .slope = slope, .last = p};
  chain_move(b, chain, sum_x(b, slope, p.x, start.x));
  hf_scope_end(b);
}

/* The slope from p to the running sum: slope' (x - p.x) - y + p.y = 0. */
static hf_limbs chain_slope(hf_builder *b, const hf_chain *c, hf_curve_point p, const hf_signed_sums *sums,
                            hf_var address) {
  hf_rom none = {0};
  hf_limbs_assert_different(b, "the points of a chained addition differ in x", c->x_native, p.x);
  hf_limbs slope = hf_limbs_hint(b, slope_value(hf_curve_point_value(b, p), chain_value(b, c), false), "slope");
  hf_operand o[9] = {{.v = p.x, .next = -1, .table = sums ? sums->x : none, .address = address},
                     {.v = slope, .next = 1},
                     {.v = c->x}};
  size_t n = append_y(o, 3, c, -1);
  o[n++] = (hf_operand){.v = p.y, .linear = 1, .table = sums ? sums->y : none, .address = address};
  hf_nonnative_identity(b, "slope of a chained addition", o, n);
  return slope;
}

static void chain_step(hf_builder *b, hf_chain *c, hf_curve_point p, const hf_signed_sums *sums, hf_var address) {
  hf_scope_begin(b, "chained addition");
  hf_limbs slope = chain_slope(b, c, p, sums, address), x = sum_x(b, slope, c->x, p.x);
  *c = (hf_chain){.form = HF_CHAIN_SINGLE, .slope = slope, .last = p};
  chain_move(b, c, x);
  hf_scope_end(b);
}

void hf_chain_add(hf_builder *b, hf_chain *chain, hf_curve_point p) {
  chain_step(b, chain, p, NULL, (hf_var){HF_NO_VAR});
}

static hf_curve_point table_point(hf_builder *b, const hf_signed_sums *sums, hf_var address) {
  return (hf_curve_point){hf_limbs_table(b, sums->x, address), hf_limbs_table(b, sums->y, address)};
}

void hf_chain_add_read(hf_builder *b, hf_chain *chain, const hf_signed_sums *sums, hf_var address) {
  chain_step(b, chain, table_point(b, sums, address), sums, address);
}

/* The slope s2 of B + A, where B = A + P has slope s1: s2 (x1 - x) = y1 - y. With y1 = s1 (x - x1) - y this is
 * (s1 + s2)(x1 - x) + 2 y = 0; where y is an expression of two products, y1 = s1 (p.x - x1) - p.y keeps the quotient small:
 * s2 (x1 - x) + s1 (x1 - p.x) + p.y + y = 0. */
static hf_limbs second_slope(hf_builder *b, const hf_chain *c, hf_curve_point p, hf_limbs s1, hf_limbs x1) {
  bool nested = c->form == HF_CHAIN_NESTED;
  hf_g1 a = chain_value(b, c);
  hf_fq dx = hf_fq_sub(hf_limbs_value(b, x1), a.x), sum = hf_fq_mul(hf_fq_dbl(hf_fq_neg(a.y)), hf_fq_inv(dx));
  hf_limbs s2 = hf_limbs_hint(b, hf_fq_sub(sum, hf_limbs_value(b, s1)), "slope");
  hf_operand o[11] = {{.v = nested ? p.x : c->x, .next = -1}, {.v = s1, .next = 1}, {.v = x1, .next = 1},
                      {.v = s2, .next = -1},                  {.v = c->x}};
  size_t n = append_y(o, 5, c, nested ? 1 : 2);
  if (nested) o[n++] = (hf_operand){.v = p.y, .linear = 1};
  hf_nonnative_identity(b, "slope of a chained doubling", o, n);
  return s2;
}

void hf_chain_double_add(hf_builder *b, hf_chain *c, const hf_signed_sums *sums, hf_var address) {
  hf_scope_begin(b, "chained doubling and addition");
  hf_curve_point p = table_point(b, sums, address);
  hf_limbs s1 = chain_slope(b, c, p, sums, address), x1 = sum_x(b, s1, c->x, p.x);
  hf_limbs_assert_different(b, "the points of a chained doubling differ in x", c->x_native, x1);
  hf_limbs s2 = second_slope(b, c, p, s1, x1), x2 = sum_x(b, s2, x1, c->x);
  *c = (hf_chain){.form = HF_CHAIN_NESTED, .slope = s2, .u = x1, .inner = s1, .last = p};
  chain_move(b, c, x2);
  hf_scope_end(b);
}

hf_curve_point hf_chain_end(hf_builder *b, const hf_chain *c) {
  hf_scope_begin(b, "chain end");
  hf_curve_point out = {c->x, hf_limbs_hint(b, chain_value(b, c).y, "y of a sum")};
  hf_operand o[8] = {{.v = c->x}};
  size_t n = append_y(o, 1, c, 1);
  o[n++] = (hf_operand){.v = out.y, .linear = -1};
  hf_nonnative_identity(b, "y of a chain", o, n);
  hf_scope_end(b);
  return out;
}
