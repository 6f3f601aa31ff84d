/* HF_TRACE is the name of the table: see trace.h. */
#include "circuit/trace.h"
#include "arith/poseidon2.h"
#include "arith/relation_fr.h"

static void permute(const hf_fr in[4], hf_permute_row rows[HF_PERMUTE_ROWS]) {
  hf_state4 s = {{in[0], in[1], in[2], in[3]}};
  for (int row = 0; row < HF_PERMUTE_ROWS; row++) {
    rows[row].fifth = hf_fr_zero();
    if (row == 0) {
      s = hf_poseidon2_full_round(hf_poseidon2_external(s), 0);
    } else if (row < 4 || row > 15) {
      s = hf_poseidon2_full_round(s, row < 4 ? row : row - 11);
    } else {
      int first = 5 * (row - 4), rounds = row < 15 ? 5 : 1;
      for (int i = 0; i < rounds; i++) {
        s.s[0] = hf_pow5(hf_fr_add(s.s[0], hf_poseidon2_rc[HF_POSEIDON2_RC_PARTIAL + first + i]));
        if (i == 0) rows[row].fifth = s.s[0];
        s = hf_poseidon2_internal(s);
      }
      if (row == 15) s = hf_poseidon2_full_round(s, 4);
    }
    for (int i = 0; i < 4; i++) rows[row].after[i] = s.s[i];
  }
}

typedef struct projective {
  hf_fr x, y, z;
} projective;

/* add-2008-bbjlp of the explicit-formulas database. */
static projective projective_add(projective p, projective q) {
  hf_fr a = hf_fr_mul(p.z, q.z), aa = hf_fr_sqr(a), c = hf_fr_mul(p.x, q.x), d = hf_fr_mul(p.y, q.y);
  hf_fr e = hf_fr_mul(hf_relation_constants[HF_RC_EDWARDS_D], hf_fr_mul(c, d));
  hf_fr f = hf_fr_sub(aa, e), g = hf_fr_add(aa, e), x, y;
  x = hf_fr_mul(hf_fr_add(p.x, p.y), hf_fr_add(q.x, q.y));
  x = hf_fr_sub(hf_fr_sub(x, c), d);
  y = hf_fr_sub(d, hf_fr_mul(hf_relation_constants[HF_RC_EDWARDS_A], c));
  return (projective){hf_fr_mul(hf_fr_mul(a, f), x), hf_fr_mul(hf_fr_mul(a, g), y), hf_fr_mul(f, g)};
}

/* One inversion for all: `before` is the product of the z before. */
static void edwards_chain(const hf_fr start[2], hf_chain_step *steps, size_t count, hf_fr (*sums)[2]) {
  hf_fr one = hf_fr_one(), running = one;
  projective sum = {start[0], start[1], one};
  for (size_t i = 0; i < count; i++) {
    hf_chain_step *s = &steps[i];
    sum = projective_add(sum, s->twice ? sum : (projective){s->x, s->y, one});
    /* no inverse exists: only for points off the curve, where any value fails the gate */
    if (hf_fr_is_zero(sum.z)) sum.z = one;
    s->px = sum.x;
    s->py = sum.y;
    s->pz = sum.z;
    s->before = running;
    running = hf_fr_mul(running, sum.z);
  }
  running = count ? hf_fr_inv(running) : one;
  for (size_t i = count; i-- > 0;) {
    hf_fr inverse = hf_fr_mul(running, steps[i].before);
    running = hf_fr_mul(running, steps[i].pz);
    sums[i][0] = hf_fr_mul(steps[i].px, inverse);
    sums[i][1] = hf_fr_mul(steps[i].py, inverse);
  }
}

const hf_trace_ops HF_TRACE = {permute, edwards_chain};
