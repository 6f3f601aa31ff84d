#include "tiny.h"

#include <stdlib.h>
#include "arith/poseidon2.h"

enum { TABLE_WIDTH = 3 };

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

hf_circuit *tiny_circuit(unsigned log_n, uint64_t x) {
  size_t n = (size_t)1 << log_n, row;
  hf_circuit *c = calloc(1, sizeof *c);
  c->log_n = log_n;
  c->table_width = TABLE_WIDTH;
  c->public_count = 2;
  c->used_rows = (uint32_t)(n - HF_BLIND_ROWS);
  for (int i = 0; i < HF_FIXED_COUNT; i++) c->fixed[i] = calloc(n, sizeof(hf_fr));
  for (int i = 0; i < HF_WIRES; i++) c->wires[i] = calloc(n, sizeof(hf_fr));
  c->multiplicity = calloc(n, sizeof(hf_fr));
  c->public_inputs = calloc(2, sizeof(hf_fr));
  for (int i = 0; i < HF_WIRES; i++)
    for (row = 0; row < n; row++) c->fixed[HF_SIGMA1 + i][row] = label(log_n, (cell){i, row});
  for (row = 0; row < (size_t)1 << TABLE_WIDTH; row++) c->fixed[HF_TABLE_RANGE][row] = u64(row);

  hf_fr one = hf_fr_one(), vx = u64(x), x2 = hf_fr_sqr(vx), x3 = hf_fr_mul(x2, vx);
  hf_fr y = hf_fr_add(hf_fr_add(x3, vx), u64(5));
  c->public_inputs[0] = vx;
  c->public_inputs[1] = y;
  for (row = 0; row < 2; row++) {
    c->fixed[HF_S_ARITHMETIC][row] = c->fixed[HF_Q1][row] = one;
    c->wires[0][row] = c->public_inputs[row];
  }
  /* 2: a b - c = 0 with a = b = x;  3: c d + a + qc - e' = 0: e of row 4 is y */
  c->fixed[HF_S_ARITHMETIC][2] = c->fixed[HF_QAB][2] = one;
  c->fixed[HF_Q3][2] = hf_fr_neg(one);
  copy(c, (cell){0, 0}, (cell){0, 2});
  copy(c, (cell){0, 0}, (cell){1, 2});
  c->wires[2][2] = x2;
  c->fixed[HF_S_ARITHMETIC][3] = c->fixed[HF_QCD][3] = c->fixed[HF_Q1][3] = one;
  c->fixed[HF_QC][3] = u64(5);
  c->fixed[HF_QN][3] = hf_fr_neg(one);
  copy(c, (cell){2, 2}, (cell){2, 3});
  copy(c, (cell){0, 0}, (cell){3, 3});
  copy(c, (cell){0, 0}, (cell){0, 3});
  copy(c, (cell){0, 1}, (cell){4, 4});
  /* 4: range, no recomposition */
  c->fixed[HF_S_RANGE][4] = one;
  for (int i = 0; i < 4; i++) {
    uint64_t v = (x + 3 * (uint64_t)i) % 8;
    c->wires[i][4] = u64(v);
    c->multiplicity[v] = hf_fr_add(c->multiplicity[v], one);
  }
  /* 5..23: a permutation of (x, x2, x3, y): merkle, 3 full, 11 partial, middle, 3 full */
  hf_state4 s = {{vx, x2, x3, y}};
  int full = 0, partial = 0;
  c->wires[4][5] = vx;
  for (row = 5; row < 24; row++) {
    for (int i = 0; i < 4; i++) c->wires[i][row] = s.s[i];
    if (row == 5) s = hf_poseidon2_external(s);
    if (row < 9 || row > 20) {
      c->fixed[row == 5 ? HF_S_MERKLE : HF_S_FULL][row] = one;
      for (int i = 0; i < 4; i++) c->fixed[HF_Q1 + i][row] = hf_poseidon2_rc[4 * full + i];
      s = hf_poseidon2_full_round(s, full++);
    } else {
      int rounds = row < 20 ? 5 : 1;
      c->fixed[rounds == 5 ? HF_S_PARTIAL : HF_S_MIDDLE][row] = one;
      for (int i = 0; i < rounds; i++) {
        c->fixed[HF_Q1 + i][row] = hf_poseidon2_rc[HF_POSEIDON2_RC_PARTIAL + partial];
        if (i == 0) c->wires[4][row] = hf_pow5(hf_fr_add(s.s[0], c->fixed[HF_Q1][row]));
        s = hf_poseidon2_partial_round(s, partial++);
      }
      if (rounds == 1) {
        for (int i = 0; i < 4; i++) c->fixed[HF_Q2 + i][row] = hf_poseidon2_rc[4 * full + i];
        s = hf_poseidon2_full_round(s, full++);
      }
    }
  }
  for (int i = 0; i < 4; i++) c->wires[i][24] = s.s[i];
  /* 25: ROM write of the neutral point at (7; 3); 26: Edwards addition of it to itself, read from there */
  c->fixed[HF_ROM][25] = hf_fr_neg(one);
  c->fixed[HF_QC][25] = c->fixed[HF_QC][26] = u64(7);
  c->fixed[HF_Q5][25] = u64(3);
  c->wires[3][25] = one;
  c->wires[4][25] = one; /* read once */
  c->fixed[HF_ROM][26] = c->fixed[HF_S_EDWARDS][26] = one;
  c->wires[1][26] = c->wires[3][26] = one;
  c->wires[4][26] = u64(3);
  c->wires[1][27] = one;
  /* 28..30: 0 * v - 0 = 0 as a non-native identity of three rows: pair, linear, carry */
  c->fixed[HF_S_NONNATIVE][28] = c->fixed[HF_S_NONNATIVE][29] = c->fixed[HF_S_NONNATIVE][30] = one;
  c->fixed[HF_Q4][28] = c->fixed[HF_QAB][28] = c->fixed[HF_Q3][30] = one;
  c->fixed[HF_Q1][29] = hf_fr_neg(u64(3)); /* u v - 3 v = 0 for u = 3 */
  c->wires[0][28] = u64(3);
  for (int i = 0; i < 4; i++) c->wires[i][29] = u64(x + (uint64_t)i);
  /* coefficients where no selector is on, so that no two columns are equal or opposite */
  for (int i = HF_Q1; i <= HF_QC; i++) c->fixed[i][40] = u64(10 + (uint64_t)i);
  for (int i = 0; i < 3; i++) c->wires[i][30] = hf_relation_constants[HF_RC_2_67];
  return c;
}

void tiny_destroy(hf_circuit *c) {
  for (int i = 0; i < HF_FIXED_COUNT; i++) free(c->fixed[i]);
  for (int i = 0; i < HF_WIRES; i++) free(c->wires[i]);
  free(c->multiplicity);
  free(c->public_inputs);
  free(c);
}
