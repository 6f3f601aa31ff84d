#include "rounds.h"

static bool on(const hf_circuit *c, int column, uint32_t row) { return !hf_fr_is_zero(c->fixed[column][row]); }

static void s_boxes(const hf_circuit *c, uint32_t row, int first, hf_state4 *s) {
  for (int i = 0; i < 4; i++) s->s[i] = hf_pow5(hf_fr_add(s->s[i], c->fixed[first + i][row]));
  *s = hf_poseidon2_external(*s);
}

/* The state after `row`, from the state before. *e = the first partial s-box's output. */
static hf_state4 row_of_rounds(const hf_circuit *c, uint32_t row, hf_state4 s, int wrong, hf_fr *e) {
  bool middle = on(c, HF_S_MIDDLE, row), partial = on(c, HF_S_PARTIAL, row);
  hf_fr one = hf_fr_one();
  if (on(c, HF_S_MERKLE, row)) s = hf_poseidon2_external(s);
  if (!middle && !partial) {
    s_boxes(c, row, HF_Q1, &s);
    if (wrong >= 0) s.s[wrong] = hf_fr_add(s.s[wrong], one);
    return s;
  }
  for (int i = 0; i < (partial ? 5 : 1); i++) {
    s.s[0] = hf_pow5(hf_fr_add(s.s[0], c->fixed[HF_Q1 + i][row]));
    if (i == wrong) s.s[0] = hf_fr_add(s.s[0], one);
    if (i == 0) *e = s.s[0];
    s = hf_poseidon2_internal(s);
  }
  if (middle) {
    s_boxes(c, row, HF_Q2, &s);
    if (wrong > 0) s.s[wrong - 1] = hf_fr_add(s.s[wrong - 1], one);
  }
  return s;
}

void rounds_from(const hf_circuit *c, uint32_t row, hf_state4 state, int wrong, rounds_say say, void *context) {
  do {
    hf_fr e = hf_fr_zero();
    bool has_e = on(c, HF_S_PARTIAL, row) || on(c, HF_S_MIDDLE, row);
    state = row_of_rounds(c, row, state, wrong, &e);
    if (has_e) say(context, row, 4, e);
    row++;
    for (unsigned i = 0; i < 4; i++) say(context, row, i, state.s[i]);
    wrong = -1;
  } while (on(c, HF_S_FULL, row) || on(c, HF_S_PARTIAL, row) || on(c, HF_S_MIDDLE, row));
}

hf_state4 rounds_state(const hf_circuit *c, uint32_t row) {
  hf_state4 s;
  for (int i = 0; i < 4; i++) s.s[i] = c->wires[i][row];
  return s;
}
