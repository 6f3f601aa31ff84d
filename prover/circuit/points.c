/* Points of G1 on non-native arithmetic: see points.h. */
#include "circuit/points.h"
#include <string.h>
#include "circuit/builder_internal.h"

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

/* ---- signed sums ---- */

void hf_signed_sums_create(hf_builder *b, const hf_curve_point p[5], hf_signed_sums *out) {
  out->x = hf_rom_create(b);
  out->y = hf_rom_create(b);
  hf_scope_begin(b, "signed sums");
  /* a tree costs 2 + 4 + 8 + 16 additions; a walk that flips one sign a step 4 + 4 doublings + 15 */
  hf_curve_point doubles[5], sum = p[0];
  for (int i = 1; i < 5; i++) {
    doubles[i] = hf_curve_double(b, p[i]);
    sum = hf_curve_add(b, sum, p[i], false);
  }
  for (unsigned step = 0; step < 16; step++) {
    unsigned gray = step ^ step >> 1;
    if (step) {
      unsigned flipped = (unsigned)__builtin_ctz(step);
      sum = hf_curve_add(b, sum, doubles[flipped + 1], gray >> flipped & 1);
    }
    hf_limbs_write(b, out->x, gray, sum.x);
    hf_limbs_write(b, out->y, gray, sum.y);
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
  hf_g1 out = {hf_limbs_value(b, c->x), hf_fq_zero()};
  hf_fq dx = hf_fq_sub(hf_limbs_value(b, c->last.x), out.x);
  out.y = hf_fq_sub(hf_fq_mul(hf_limbs_value(b, c->slope), dx), hf_limbs_value(b, c->last.y));
  return out;
}

void hf_chain_begin(hf_builder *b, hf_chain *chain, hf_curve_point start, hf_curve_point p) {
  hf_scope_begin(b, "chain begin");
  hf_var native = hf_limbs_native(b, start.x);
  chain->slope = add_slope(b, p, start, false, native);
  chain->x = sum_x(b, chain->slope, p.x, start.x);
  chain->x_native = hf_limbs_native(b, chain->x);
  chain->last = p;
  hf_scope_end(b);
}

/* slope' (x - p.x) = y - p.y with y = slope (last.x - x) - last.y */
static void chain_step(hf_builder *b, hf_chain *c, hf_curve_point p, const hf_signed_sums *sums,
                       hf_var address) {
  hf_scope_begin(b, "chained addition");
  hf_rom none = {0};
  hf_g1 sum = chain_value(b, c), addend = hf_curve_point_value(b, p);
  hf_limbs_assert_different(b, "the points of a chained addition differ in x", c->x_native, p.x);
  hf_limbs slope = hf_limbs_hint(b, slope_value(addend, sum, false), "slope");
  hf_operand o[7] = {{.v = p.x, .next = -1, .table = sums ? sums->x : none, .address = address},
                     {.v = slope, .next = 1},
                     {.v = c->x, .next = 1},
                     {.v = c->slope, .next = -1},
                     {.v = c->last.x},
                     {.v = c->last.y, .linear = 1},
                     {.v = p.y, .linear = 1, .table = sums ? sums->y : none, .address = address}};
  hf_nonnative_identity(b, "slope of a chained addition", o, 7);
  c->x = sum_x(b, slope, c->x, p.x);
  c->x_native = hf_limbs_native(b, c->x);
  c->slope = slope;
  c->last = p;
  hf_scope_end(b);
}

void hf_chain_add(hf_builder *b, hf_chain *chain, hf_curve_point p) {
  chain_step(b, chain, p, NULL, (hf_var){HF_NO_VAR});
}

void hf_chain_add_read(hf_builder *b, hf_chain *chain, const hf_signed_sums *sums, hf_var address) {
  hf_curve_point p = {hf_limbs_table(b, sums->x, address), hf_limbs_table(b, sums->y, address)};
  chain_step(b, chain, p, sums, address);
}

hf_curve_point hf_chain_end(hf_builder *b, const hf_chain *chain) {
  hf_scope_begin(b, "chain end");
  hf_curve_point out = {chain->x, sum_y(b, chain->slope, chain->last, chain->x, "y of a chain")};
  hf_scope_end(b);
  return out;
}
