#include "tiny.h"

#include <stdlib.h>
#include "arith/poseidon2.h"
#include "arith/relation_fr.h"
#include "host/babyjub.h"

typedef struct cell {
  int wire;
  size_t row;
} cell;

static hf_fr u64(uint64_t v) { return hf_fr_from_u64(v); }

static hf_fr label(unsigned log_n, cell c) {
  hf_fr w = hf_fr_pow_u64(hf_fr_root_of_unity((int)log_n), c.row);
  return hf_fr_mul(hf_fr_pow_u64(hf_fr_from_u64(5), (uint64_t)c.wire), w);
}

/* Puts two cells into one cycle (each must not be in another cycle yet, or be a fixed point of it). */
static void copy(hf_circuit *c, cell a, cell b) {
  hf_fr *pa = &c->fixed[HF_SIGMA1 + a.wire][a.row], *pb = &c->fixed[HF_SIGMA1 + b.wire][b.row], t = *pa;
  *pa = *pb;
  *pb = t;
  c->wires[b.wire][b.row] = c->wires[a.wire][a.row];
}

size_t tiny_row_of(const hf_circuit *c, int row) {
  return (size_t)row + (row >= TINY_SQUARE ? c->public_count - 2 : 0);
}

static hf_circuit *allocate(const tiny_options *o) {
  size_t n = (size_t)1 << o->log_n;
  hf_circuit *c = calloc(1, sizeof *c);
  c->log_n = o->log_n;
  c->table_width = TINY_TABLE_WIDTH;
  c->foldable = o->foldable;
  c->seal = o->seal;
  c->public_count = o->seal ? HF_SEAL_COUNT : o->foldable ? HF_INSTANCE_COUNT : 2;
  c->used_rows = (uint32_t)(n - HF_BLIND_ROWS);
  for (int i = 0; i < HF_FIXED_COUNT; i++) c->fixed[i] = calloc(n, sizeof(hf_fr));
  for (int i = 0; i < HF_WIRES; i++) c->wires[i] = calloc(n, sizeof(hf_fr));
  c->multiplicity = calloc(n, sizeof(hf_fr));
  c->public_inputs = calloc(c->public_count, sizeof(hf_fr));
  for (int i = 0; i < HF_WIRES; i++)
    for (size_t row = 0; row < n; row++) c->fixed[HF_SIGMA1 + i][row] = label(o->log_n, (cell){i, row});
  for (size_t row = 0; row < (size_t)1 << TINY_TABLE_WIDTH; row++) c->fixed[HF_TABLE_RANGE][row] = u64(row);
  return c;
}

static void lay_arithmetic(hf_circuit *c, const tiny_options *o, hf_fr y) {
  size_t square = tiny_row_of(c, TINY_SQUARE), cube = tiny_row_of(c, TINY_CUBE),
         range = tiny_row_of(c, TINY_RANGE);
  hf_fr one = hf_fr_one();
  cell x = {0, o->seal ? HF_SEAL_RECORDS : 0};
  for (uint32_t i = 0; i < c->public_count; i++) c->public_inputs[i] = o->instance[i];
  c->public_inputs[x.row] = u64(o->x);
  if (c->public_count == 2) c->public_inputs[1] = y;
  for (size_t row = 0; row < c->public_count; row++) {
    c->fixed[HF_S_ARITHMETIC][row] = c->fixed[HF_Q1][row] = one;
    c->wires[0][row] = c->public_inputs[row];
  }
  c->fixed[HF_S_ARITHMETIC][square] = c->fixed[HF_QAB][square] = one;
  c->fixed[HF_Q3][square] = hf_fr_neg(one);
  copy(c, x, (cell){0, square});
  copy(c, x, (cell){1, square});
  c->wires[2][square] = hf_fr_sqr(u64(o->x));
  c->fixed[HF_S_ARITHMETIC][cube] = c->fixed[HF_QCD][cube] = c->fixed[HF_Q1][cube] = one;
  c->fixed[HF_QC][cube] = u64(5);
  c->fixed[HF_QN][cube] = hf_fr_neg(one);
  copy(c, (cell){2, square}, (cell){2, cube});
  copy(c, x, (cell){3, cube});
  copy(c, x, (cell){0, cube});
  c->wires[4][range] = y;
  if (c->public_count == 2) copy(c, (cell){0, 1}, (cell){4, range});
  c->fixed[HF_S_RANGE][range] = one;
  for (int i = 0; i < 4; i++) {
    uint64_t v = (o->x + 3 * (uint64_t)i) % 8;
    c->wires[i][range] = u64(v);
    c->multiplicity[v] = hf_fr_add(c->multiplicity[v], one);
  }
}

static void lay_poseidon(hf_circuit *c, const tiny_options *o, const hf_fr input[4]) {
  static const tiny_lie honest = {-1, -1};
  const tiny_lie *lie = o->lie ? o->lie : &honest;
  hf_state4 s = {{input[0], input[1], input[2], input[3]}};
  hf_fr one = hf_fr_one();
  int full = 0, partial = 0;
  c->wires[4][tiny_row_of(c, TINY_MERKLE)] = input[0];
  for (int line = TINY_MERKLE; line < TINY_STATE; line++) {
    size_t row = tiny_row_of(c, line);
    int wrong = line == lie->row ? lie->constraint : -1;
    for (int i = 0; i < 4; i++) c->wires[i][row] = s.s[i];
    if (line == TINY_MERKLE) s = hf_poseidon2_external(s);
    if (line < TINY_PARTIAL || line > TINY_MIDDLE) {
      c->fixed[line == TINY_MERKLE ? HF_S_MERKLE : HF_S_FULL][row] = one;
      for (int i = 0; i < 4; i++) c->fixed[HF_Q1 + i][row] = hf_poseidon2_rc[4 * full + i];
      s = hf_poseidon2_full_round(s, full++);
      if (wrong >= 0 && wrong < 4) s.s[wrong] = hf_fr_add(s.s[wrong], one);
      if (wrong == 4) c->wires[4][row] = hf_fr_add(c->wires[4][row], one);
      if (wrong == 5) { /* child number 4, by the same interpolation: -c0 + 4 c1 - 6 c2 + 4 c3 */
        c->wires[4][row + 1] = u64(4);
        hf_fr t = hf_fr_mul(u64(4), hf_fr_add(input[1], input[3]));
        c->wires[4][row] = hf_fr_sub(t, hf_fr_add(input[0], hf_fr_mul(u64(6), input[2])));
      }
      continue;
    }
    int rounds = line < TINY_MIDDLE ? 5 : 1;
    c->fixed[rounds == 5 ? HF_S_PARTIAL : HF_S_MIDDLE][row] = one;
    for (int i = 0; i < rounds; i++, partial++) {
      hf_fr k = hf_poseidon2_rc[HF_POSEIDON2_RC_PARTIAL + partial];
      c->fixed[HF_Q1 + i][row] = k;
      s.s[0] = hf_pow5(hf_fr_add(s.s[0], k));
      if (wrong == i) s.s[0] = hf_fr_add(s.s[0], one);
      if (i == 0) c->wires[4][row] = s.s[0];
      s = hf_poseidon2_internal(s);
    }
    if (rounds == 1) {
      for (int i = 0; i < 4; i++) c->fixed[HF_Q2 + i][row] = hf_poseidon2_rc[4 * full + i];
      s = hf_poseidon2_full_round(s, full++);
      if (wrong > 0) s.s[wrong - 1] = hf_fr_add(s.s[wrong - 1], one);
    }
  }
  for (int i = 0; i < 4; i++) c->wires[i][tiny_row_of(c, TINY_STATE)] = s.s[i];
}

static void lay_tables(hf_circuit *c) {
  size_t write = tiny_row_of(c, TINY_POINT), add = tiny_row_of(c, TINY_EDWARDS);
  hf_fr one = hf_fr_one();
  hf_bjj p = hf_bjj_base(), start = hf_bjj_add(p, p), sum = hf_bjj_add(start, p);
  c->fixed[HF_ROM][write] = hf_fr_neg(one);
  c->fixed[HF_QC][write] = c->fixed[HF_QC][add] = u64(7);
  c->fixed[HF_Q5][write] = u64(3);
  c->wires[2][write] = c->wires[2][add] = p.x;
  c->wires[3][write] = c->wires[3][add] = p.y;
  c->wires[4][write] = one;
  c->fixed[HF_ROM][add] = c->fixed[HF_S_EDWARDS][add] = one;
  c->wires[0][add] = start.x;
  c->wires[1][add] = start.y;
  c->wires[4][add] = u64(3);
  c->wires[0][add + 1] = sum.x;
  c->wires[1][add + 1] = sum.y;
  write = tiny_row_of(c, TINY_WRITE);
  c->fixed[HF_ROM][write] = hf_fr_neg(one);
  for (size_t row = write; row < write + 3; row++) {
    if (row > write) c->fixed[HF_ROM][row] = one;
    c->fixed[HF_QC][row] = u64(9);
    for (int i = 0; i < 4; i++) c->wires[i][row] = u64(11 + (uint64_t)i);
  }
  c->wires[4][write] = u64(2);
}

static void lay_nonnative(hf_circuit *c, uint64_t x) {
  hf_fr one = hf_fr_one(), k67 = hf_relation_constants[HF_RC_2_67], carry = u64(5), k = u64(x + 1);
  size_t row = tiny_row_of(c, TINY_IDENTITY);
  for (size_t i = row; i < row + 3; i++) c->fixed[HF_S_NONNATIVE][i] = one;
  c->fixed[HF_Q4][row] = c->fixed[HF_QAB][row] = c->fixed[HF_Q3][row + 2] = c->fixed[HF_Q5][row + 2] = one;
  c->fixed[HF_Q1][row + 1] = hf_fr_neg(u64(3));
  c->wires[0][row] = u64(3);
  for (int i = 0; i < 4; i++) c->wires[i][row + 1] = u64(x + (uint64_t)i);
  for (int i = 0; i < 3; i++) c->wires[i][row + 2] = k67;

  /* u v = k q + rest with a carry of 5: rest = (u0 v0 - k q0 + 5 2^128, u0 v1 + u1 v0 - k q1, u1 v1 - k q2 -
   * 5, - k q3), its "limbs" being field elements that nothing range checks here */
  row = tiny_row_of(c, TINY_PRODUCT);
  hf_fr u[2] = {u64(x + 7), u64(3 * x)}, v[2] = {u64(x + 9), u64(x + 11)}, rest[4];
  for (size_t i = row; i < row + 5; i++) c->fixed[HF_S_NONNATIVE][i] = one;
  c->fixed[HF_Q4][row] = c->fixed[HF_QAB][row] = c->fixed[HF_Q3][row + 4] = c->fixed[HF_Q5][row + 4] = one;
  c->fixed[HF_Q2][row + 2] = c->fixed[HF_Q1][row + 3] = hf_fr_neg(one);
  for (int i = 0; i < 4; i++) rest[i] = hf_fr_neg(hf_fr_mul(k, hf_relation_constants[HF_RC_Q0 + i]));
  rest[0] = hf_fr_add(rest[0],
                      hf_fr_add(hf_fr_mul(u[0], v[0]), hf_fr_mul(carry, hf_relation_constants[HF_RC_2_128])));
  rest[1] = hf_fr_add(rest[1], hf_fr_add(hf_fr_mul(u[0], v[1]), hf_fr_mul(u[1], v[0])));
  rest[2] = hf_fr_add(rest[2], hf_fr_sub(hf_fr_mul(u[1], v[1]), carry));
  for (int i = 0; i < 2; i++) {
    c->wires[i][row] = u[i];
    c->wires[i][row + 1] = v[i];
  }
  c->wires[0][row + 2] = k;
  c->wires[3][row + 2] = hf_relation_constants[HF_RC_2_64]; /* quotients have the offset 2^256 */
  for (int i = 0; i < 4; i++) c->wires[i][row + 3] = rest[i];
  for (int i = 0; i < 3; i++) c->wires[i][row + 4] = k67;
  c->wires[0][row + 4] = hf_fr_add(k67, carry);

  row = tiny_row_of(c, TINY_SQUARED);
  c->fixed[HF_S_NONNATIVE][row] = c->fixed[HF_S_NONNATIVE][row + 1] = one;
  c->fixed[HF_Q4][row] = c->fixed[HF_QCD][row] = one;
  c->fixed[HF_Q1][row + 1] = hf_fr_neg(one);
  for (int i = 0; i < 2; i++) c->wires[i][row] = u[i];
  c->wires[0][row + 1] = hf_fr_sqr(u[0]);
  c->wires[1][row + 1] = hf_fr_dbl(hf_fr_mul(u[0], u[1]));
  c->wires[2][row + 1] = hf_fr_sqr(u[1]);
}

static void lay_update(hf_circuit *c, uint64_t x) {
  size_t row = tiny_row_of(c, TINY_UPDATE);
  c->fixed[HF_S_ARITHMETIC][row] = u64(2);
  for (int i = 0; i < 4; i++) {
    c->wires[i][row] = u64(x + (uint64_t)i);
    c->wires[i][row + 1] = u64(x + (uint64_t)i + (i == 2 ? 5 : 0));
  }
  c->wires[4][row] = c->wires[2][row];
  c->wires[4][row + 1] = c->wires[2][row + 1];
}

/* By the gate's formula, on the curve or off it. */
static hf_bjj doubled(hf_bjj p) {
  hf_fr axx = hf_fr_mul(u64(HF_BJJ_A), hf_fr_sqr(p.x)), yy = hf_fr_sqr(p.y), sum = hf_fr_add(axx, yy);
  hf_bjj q = {hf_fr_mul(hf_fr_dbl(hf_fr_mul(p.x, p.y)), hf_fr_inv(sum)),
              hf_fr_mul(hf_fr_sub(yy, axx), hf_fr_inv(hf_fr_sub(u64(2), sum)))};
  return q;
}

static void lay_double(hf_circuit *c, const tiny_options *o) {
  size_t row = tiny_row_of(c, TINY_DOUBLE);
  int wrong = o->lie && o->lie->row == TINY_DOUBLE ? o->lie->constraint : -1;
  hf_bjj p = hf_bjj_mul(hf_bjj_base(), (uint64_t[4]){o->x + 1, 0, 0, 0}), twice = hf_bjj_add(p, p);
  c->fixed[HF_S_ARITHMETIC][row] = u64(3);
  if (wrong == 0) twice.x = hf_fr_add(twice.x, hf_fr_one());
  if (wrong == 1) twice.y = hf_fr_add(twice.y, hf_fr_one());
  hf_bjj four = wrong < 0 ? hf_bjj_add(twice, twice) : doubled(twice);
  if (wrong == 2) four.x = hf_fr_add(four.x, hf_fr_one());
  if (wrong == 3) four.y = hf_fr_add(four.y, hf_fr_one());
  c->wires[0][row] = p.x, c->wires[1][row] = p.y;
  c->wires[2][row] = twice.x, c->wires[3][row] = twice.y;
  c->wires[0][row + 1] = four.x, c->wires[1][row + 1] = four.y;
}

hf_circuit *tiny_make(const tiny_options *o) {
  hf_circuit *c = allocate(o);
  hf_fr x = u64(o->x), x2 = hf_fr_sqr(x), x3 = hf_fr_mul(x2, x), y = hf_fr_add(hf_fr_add(x3, x), u64(5));
  lay_arithmetic(c, o, y);
  lay_poseidon(c, o, (hf_fr[4]){x, x2, x3, y});
  lay_tables(c);
  lay_nonnative(c, o->x);
  lay_update(c, o->x);
  lay_double(c, o);
  /* where no selector is on, so that no two columns are equal or opposite */
  for (int i = HF_Q1; i <= HF_QC; i++) c->fixed[i][tiny_row_of(c, TINY_LOOSE)] = u64(10 + (uint64_t)i);
  return c;
}

hf_circuit *tiny_circuit(unsigned log_n, uint64_t x) {
  return tiny_make(&(tiny_options){.log_n = log_n, .x = x});
}

void tiny_destroy(hf_circuit *c) {
  if (!c) return;
  for (int i = 0; i < HF_FIXED_COUNT; i++) free(c->fixed[i]);
  for (int i = 0; i < HF_WIRES; i++) free(c->wires[i]);
  free(c->multiplicity);
  free(c->public_inputs);
  free(c);
}

unsigned tiny_violations(const hf_circuit *c, size_t *where, int *constraint) {
  static const struct {
    int selector;
    uint64_t value;
    int count;
    void (*gate)(const hf_rel_row *, hf_fr *);
  } gates[] = {{HF_S_MERKLE, 1, 6, hf_rel_gate_merkle},    {HF_S_FULL, 1, 4, hf_rel_gate_full},
               {HF_S_PARTIAL, 1, 5, hf_rel_gate_partial},  {HF_S_MIDDLE, 1, 5, hf_rel_gate_middle},
               {HF_S_EDWARDS, 1, 2, hf_rel_gate_edwards},  {HF_S_ARITHMETIC, 2, 5, hf_rel_gate_update},
               {HF_S_ARITHMETIC, 3, 4, hf_rel_gate_double}};
  size_t n = (size_t)1 << c->log_n;
  unsigned found = 0;
  for (size_t i = 0; i < n; i++) {
    hf_rel_row row = {0};
    hf_fr out[6];
    for (int k = 0; k < HF_WIRES; k++) {
      row.w[k] = c->wires[k][i];
      row.wn[k] = c->wires[k][(i + 1) % n];
    }
    for (int k = 0; k < HF_FIXED_COUNT; k++) row.f[k] = c->fixed[k][i];
    hf_fr t = hf_fr_zero();
    if (hf_fr_eq(row.f[HF_S_ARITHMETIC], hf_fr_one())) t = hf_rel_gate_arithmetic(&row);
    if (i < c->public_count) t = hf_fr_sub(t, c->public_inputs[i]);
    if (!hf_fr_is_zero(t)) found++, *where = i, *constraint = 0;
    for (size_t g = 0; g < sizeof gates / sizeof gates[0]; g++) {
      if (!hf_fr_eq(row.f[gates[g].selector], u64(gates[g].value))) continue;
      gates[g].gate(&row, out);
      for (int k = 0; k < gates[g].count; k++)
        if (!hf_fr_is_zero(out[k])) found++, *where = i, *constraint = k;
    }
  }
  return found;
}
