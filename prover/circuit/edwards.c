/* BabyJubJub in rows: one row an addition. */
#include "circuit/edwards.h"
#include <stdlib.h>
#include <string.h>
#include "circuit/edwards_internal.h"

bool hf_edwards_chain(hf_builder *b, hf_fr start[2], const hf_point *addends, size_t count,
                      hf_fr (*sums)[2]) {
  hf_chain_step *steps = malloc((count + 1) * sizeof *steps);
  if (!steps) {
    hf_builder_fail(b, HF_E_MEMORY, "circuit builder: no memory for a chain of %zu points", count);
    return false;
  }
  for (size_t i = 0; i < count; i++) {
    steps[i].twice = addends[i].x.id == HF_NO_VAR;
    if (steps[i].twice) continue;
    steps[i].x = hf_value(b, addends[i].x);
    steps[i].y = hf_value(b, addends[i].y);
  }
  b->trace->edwards_chain(start, steps, count, sums);
  explicit_bzero(steps, count * sizeof *steps); /* of the witness */
  free(steps);
  return true;
}

hf_point hf_edwards_row(hf_builder *b, hf_point p, hf_point q, const hf_fr sum[2], hf_rom table,
                        hf_var address, const char *name) {
  hf_point out = {hf_var_new(b, sum[0]), hf_var_new(b, sum[1])};
  hf_pattern pattern;
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_EDWARDS;
  uint32_t w[HF_WIRES] = {p.x.id, p.y.id, q.x.id, q.y.id, HF_NO_VAR};
  uint32_t next[HF_WIRES] = {out.x.id, out.y.id, HF_NO_VAR, HF_NO_VAR, HF_NO_VAR};
  if (table.id) {
    pattern.on |= HF_ON_ROM_READ;
    pattern.q[HF_QC] = hf_fr_from_u64(table.id);
    w[4] = address.id;
    hf_rom_count_read(b, table, hf_value(b, address));
  }
  hf_row_lay(b, hf_pattern_intern(b, &pattern), w, next, name);
  return out;
}

hf_point hf_edwards_double_row(hf_builder *b, hf_point p, const hf_fr twice[2], const hf_fr four[2],
                               const char *name) {
  hf_point middle = {hf_var_new(b, twice[0]), hf_var_new(b, twice[1])};
  hf_point out = {hf_var_new(b, four[0]), hf_var_new(b, four[1])};
  hf_pattern pattern;
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_DOUBLE;
  uint32_t w[HF_WIRES] = {p.x.id, p.y.id, middle.x.id, middle.y.id, HF_NO_VAR};
  uint32_t next[HF_WIRES] = {out.x.id, out.y.id, HF_NO_VAR, HF_NO_VAR, HF_NO_VAR};
  hf_row_lay(b, hf_pattern_intern(b, &pattern), w, next, name);
  return out;
}

hf_point hf_edwards_table_point(hf_builder *b, hf_rom table, hf_var address) {
  hf_var written[4];
  hf_fr x = hf_fr_zero(), y = hf_fr_one();
  if (hf_rom_lookup(b, table, hf_value(b, address), written)) {
    x = hf_value(b, written[0]);
    y = hf_value(b, written[1]);
  }
  return hf_point_hint(b, x, y, "table point");
}

static hf_point add_any(hf_builder *b, hf_point p, hf_point q, hf_rom table, hf_var address,
                        const char *name) {
  hf_fr start[2] = {hf_value(b, p.x), hf_value(b, p.y)}, sum[1][2];
  if (!hf_builder_ok(b) || !hf_edwards_chain(b, start, &q, 1, sum)) return p;
  return hf_edwards_row(b, p, q, sum[0], table, address, name);
}

hf_point hf_point_hint(hf_builder *b, hf_fr x, hf_fr y, const char *name) {
  hf_point p;
  p.x = hf_hint(b, x, name);
  p.y = hf_hint(b, y, name);
  return p;
}

hf_point hf_point_constant(hf_builder *b, hf_fr x, hf_fr y) {
  return (hf_point){hf_constant(b, x), hf_constant(b, y)};
}

hf_point hf_point_select(hf_builder *b, hf_var s, hf_point p, hf_point q) {
  return (hf_point){hf_select(b, s, p.x, q.x), hf_select(b, s, p.y, q.y)};
}

void hf_point_assert_equal(hf_builder *b, const char *name, hf_point p, hf_point q) {
  hf_assert_equal(b, name, p.x, q.x);
  hf_assert_equal(b, name, p.y, q.y);
}

/* (x, y) + (-x, y) = (0, 1) exactly on the curve: the law gives x3 (1 - d x^2 y^2) = 0 and
 * y3 (1 + d x^2 y^2) = y^2 + a x^2. The arithmetic gate of the same row makes -x. */
hf_point hf_edwards_negate_checked(hf_builder *b, const char *name, hf_point p) {
  hf_point minus = {hf_var_new(b, hf_fr_neg(hf_value(b, p.x))), p.y};
  hf_pattern pattern;
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_EDWARDS | HF_ON_ARITHMETIC;
  pattern.q[HF_Q1] = pattern.q[HF_Q3] = hf_fr_one();
  uint32_t w[HF_WIRES] = {p.x.id, p.y.id, minus.x.id, minus.y.id, HF_NO_VAR};
  uint32_t next[HF_WIRES] = {hf_zero(b).id, hf_one(b).id, HF_NO_VAR, HF_NO_VAR, HF_NO_VAR};
  hf_row_lay(b, hf_pattern_intern(b, &pattern), w, next, name);
  return minus;
}

void hf_point_assert_on_curve(hf_builder *b, const char *name, hf_point p) {
  hf_edwards_negate_checked(b, name, p);
}

hf_point hf_point_add(hf_builder *b, hf_point p, hf_point q) {
  return add_any(b, p, q, (hf_rom){0}, (hf_var){HF_NO_VAR}, "Edwards addition");
}

hf_point hf_point_add_read(hf_builder *b, hf_point p, hf_rom table, hf_var address) {
  hf_point q = hf_edwards_table_point(b, table, address);
  return add_any(b, p, q, table, address, "Edwards addition of a table point");
}

void hf_point_write(hf_builder *b, hf_rom table, uint64_t address, hf_point p) {
  hf_var zero = hf_zero(b), values[4] = {p.x, p.y, zero, zero};
  hf_rom_write(b, table, address, values);
}
