/* Values in bulk, compiled in two ways: both against the permutation and the curve of the host library. */
#include "arith/poseidon2.h"
#include "circuit/trace.h"
#include "circuit_support.h"
#include "host/babyjub.h"

enum { MOST = 2, STEPS = 40 };

/* The tables that this processor runs. */
static size_t tables(const hf_trace_ops *out[MOST]) {
  size_t count = 0;
  out[count++] = &hf_trace_portable;
  if (hf_trace_choose() != &hf_trace_portable) out[count++] = hf_trace_choose();
  return count;
}

static hf_fr edge(unsigned i) {
  switch (i % 5) {
  case 0:
    return hf_fr_zero();
  case 1:
    return hf_fr_one();
  case 2:
    return hf_fr_neg(hf_fr_one());
  case 3:
    return (hf_fr){{1, 0, 0, 0}}; /* as it is stored */
  default:
    return fr_random(i);
  }
}

Test(circuit_trace, permutations) {
  const hf_trace_ops *ops[MOST];
  size_t count = tables(ops);
  for (unsigned round = 0; round < 400; round++) {
    hf_state4 in;
    for (unsigned i = 0; i < 4; i++) in.s[i] = round < 300 ? edge(round / (i == 0 ? 1 : i == 1 ? 5 : i == 2 ? 25 : 125)) : fr_random(4 * round + i);
    hf_state4 out = hf_poseidon2_permute(in);
    for (size_t k = 0; k < count; k++) {
      hf_permute_row rows[HF_PERMUTE_ROWS];
      ops[k]->permute(in.s, rows);
      for (int i = 0; i < 4; i++) cr_assert(hf_fr_eq(rows[HF_PERMUTE_ROWS - 1].after[i], out.s[i]), "table %zu", k);
      /* the power on the first partial row is of what the rows before left */
      hf_fr x = hf_fr_add(rows[3].after[0], hf_poseidon2_rc[HF_POSEIDON2_RC_PARTIAL]);
      cr_assert(hf_fr_eq(rows[4].fifth, hf_pow5(x)), "table %zu", k);
    }
  }
}

Test(circuit_trace, chains) {
  const hf_trace_ops *ops[MOST];
  size_t count = tables(ops);
  for (size_t k = 0; k < count; k++) {
    hf_chain_step steps[STEPS];
    hf_fr sums[STEPS][2];
    hf_bjj point = hf_bjj_base(), sum = point;
    for (int i = 0; i < STEPS; i++) {
      steps[i].twice = i % 3 == 1;
      steps[i].x = point.x;
      steps[i].y = point.y;
      point = hf_bjj_add(point, hf_bjj_base());
    }
    ops[k]->edwards_chain((const hf_fr[]){sum.x, sum.y}, steps, STEPS, sums);
    point = hf_bjj_base();
    for (int i = 0; i < STEPS; i++) {
      sum = hf_bjj_add(sum, i % 3 == 1 ? sum : point);
      cr_assert(hf_fr_eq(sums[i][0], sum.x) && hf_fr_eq(sums[i][1], sum.y), "table %zu, step %d", k, i);
      point = hf_bjj_add(point, hf_bjj_base());
    }
  }
}

/* Off the curve there is no host library: both tables say the same, whatever the coordinates. */
Test(circuit_trace, chains_off_the_curve) {
  const hf_trace_ops *ops[MOST];
  size_t count = tables(ops);
  hf_fr sums[MOST][STEPS][2];
  for (size_t k = 0; k < count; k++) {
    hf_chain_step steps[STEPS];
    for (unsigned i = 0; i < STEPS; i++) {
      steps[i].twice = i % 7 == 3;
      steps[i].x = edge(i);
      steps[i].y = edge(i / 5);
    }
    ops[k]->edwards_chain((const hf_fr[]){edge(4), edge(9)}, steps, STEPS, sums[k]);
    for (int i = 0; i < STEPS; i++)
      for (int j = 0; j < 2; j++) cr_assert(hf_fr_eq(sums[k][i][j], sums[0][i][j]), "step %d", i);
  }
}
