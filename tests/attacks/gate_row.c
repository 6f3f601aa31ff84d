#include "gate_row.h"
#include <string.h>

hf_rel_row gate_row(const hf_circuit *c, uint32_t r) {
  hf_rel_row row;
  memset(&row, 0, sizeof row);
  for (int i = 0; i < HF_WIRES; i++) {
    row.w[i] = c->wires[i][r];
    row.wn[i] = c->wires[i][r + 1];
  }
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = c->fixed[i][r];
  return row;
}

hf_fr gate_derivative(const hf_rel_row *row, unsigned wire) {
  hf_fr d = row->f[wire < 5 ? HF_Q1 + wire : HF_QN];
  if (wire < 2) d = hf_fr_add(d, hf_fr_mul(row->f[HF_QAB], row->w[1 - wire]));
  if (wire == 2 || wire == 3) d = hf_fr_add(d, hf_fr_mul(row->f[HF_QCD], row->w[5 - wire]));
  return d;
}
