#include <stdlib.h>
#include <string.h>
#include "gate_row.h"
#include "removal.h"
#include "rounds.h"

constraint_class *removal_class(removal *m, const hf_circuit *circuit, uint32_t row, unsigned part,
                                unsigned index) {
  char label[160];
  hf_constraint k = {row, (uint8_t)part, (uint8_t)index};
  return class_find(&m->classes, class_key(circuit, k, label));
}

uint32_t hint_var(const instance *in, const char *name, uint32_t nth) {
  for (uint32_t i = 0; i < in->hint_count; i++)
    if (strcmp(in->hints[i].name, name) == 0 && nth-- == 0) return in->hints[i].var;
  abort();
}

uint32_t find_row(const instance *in, const char *gadget, const char *name, uint32_t from) {
  for (uint32_t r = from; r < in->rows; r++) {
    char path[128];
    const char *at;
    hf_circuit_where(in->circuit, r, path, &at);
    const char *last = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
    if ((gadget == NULL || strcmp(last, gadget) == 0) && strcmp(at, name) == 0) return r;
  }
  return UINT32_MAX;
}

hf_fr lied_value(const instance *in, const lies *told, uint32_t var) {
  for (uint32_t i = 0; i < told->count; i++)
    if (told->list[i].var == var) return told->list[i].value;
  return in->value[var];
}

hf_fr solve_row(const instance *in, const lies *told, uint32_t r, unsigned wire) {
  hf_rel_row row = gate_row(in->circuit, r);
  for (unsigned i = 0; i < HF_WIRES; i++) {
    if (var_at(in, r, i) != HF_NO_VAR) row.w[i] = lied_value(in, told, var_at(in, r, i));
    if (var_at(in, r + 1, i) != HF_NO_VAR) row.wn[i] = lied_value(in, told, var_at(in, r + 1, i));
  }
  hf_fr old = wire < 5 ? row.w[wire] : row.wn[4];
  return hf_fr_sub(old, hf_fr_mul(hf_rel_gate_arithmetic(&row), hf_fr_inv(gate_derivative(&row, wire))));
}

bool removal_cut_for(constraint_class *k, hf_circuit *circuit, uint32_t row, unsigned wire, hf_fr value,
                     const char *how) {
  if (k == NULL || k->covered) return false;
  hf_fr old = circuit->wires[wire][row];
  hf_failure failure;
  size_t before = 0, after = 1;
  hf_constraint cut = {row, HF_PART_COPY, (uint8_t)wire};
  circuit->wires[wire][row] = value;
  if (hf_circuit_failures(circuit, &failure, 1, &before) != HF_OK ||
      hf_circuit_disable(circuit, cut) != HF_OK || hf_circuit_failures(circuit, &failure, 1, &after) != HF_OK)
    abort();
  hf_circuit_enable_all(circuit);
  circuit->wires[wire][row] = old;
  if (before == 0 || after != 0) return false;
  k->covered = true;
  k->how = how;
  return true;
}

bool removal_cut(removal *m, hf_circuit *circuit, uint32_t row, unsigned wire, hf_fr value, const char *how) {
  if (circuit->notes->copy[HF_WIRES * row + wire] == HF_WIRES * row + wire) return false;
  return removal_cut_for(removal_class(m, circuit, row, HF_PART_COPY, wire), circuit, row, wire, value, how);
}

static void cut_around(removal *m, hf_circuit *c, hf_constraint k, const char *how) {
  hf_rel_row row = gate_row(c, k.row);
  if (k.part == HF_PART_ARITHMETIC) {
    hf_fr rest = hf_rel_gate_arithmetic(&row);
    for (unsigned w = 0; w < 6; w++) {
      hf_fr d = gate_derivative(&row, w);
      uint32_t at = k.row + (w == 5);
      unsigned wire = w == 5 ? 4 : w;
      if (hf_fr_is_zero(d)) continue;
      removal_cut(m, c, at, wire, hf_fr_sub(c->wires[wire][at], hf_fr_mul(rest, hf_fr_inv(d))), how);
    }
  }
  if (k.part == HF_PART_RANGE) removal_cut(m, c, k.row, k.index, hf_fr_zero(), how);
  if (k.part == HF_PART_PUBLIC) removal_cut(m, c, k.row, 0, c->public_inputs[k.row], how);
  if (k.part == HF_PART_MERKLE && k.index == 4) {
    hf_fr out[6];
    hf_rel_gate_merkle(&row, out);
    removal_cut(m, c, k.row, 4, hf_fr_add(c->wires[4][k.row], out[4]), how);
  }
}

bool removal_judge(removal *m, attempt *a, const char *how) {
  m->runs++;
  if (a->status != HF_OK || a->failure_count == 0 || a->failure_count == MAX_FAILURES) return false;
  constraint_class *k = NULL;
  for (size_t i = 0; i < a->failure_count; i++) {
    hf_constraint c = a->failures[i].constraint;
    constraint_class *found = removal_class(m, a->circuit, c.row, c.part, c.index);
    if (c.part == HF_PART_COPY || found == NULL || (k != NULL && found != k)) return false;
    k = found;
  }
  if (!k->covered) {
    k->covered = true;
    k->how = how;
  }
  if (a->failure_count == 1) cut_around(m, a->circuit, a->failures[0].constraint, how);
  return true;
}

bool removal_try(removal *m, const instance *in, const lies *told, const char *how) {
  attempt a;
  attempt_run(in, NULL, told, &a);
  bool copies = false, done = removal_judge(m, &a, how);
  for (size_t i = 0; i < a.failure_count; i++) copies |= a.failures[i].constraint.part == HF_PART_COPY;
  attempt_free(&a);
  if (done || !copies) return done;
  attempt_follow(in, told, &a);
  done = removal_judge(m, &a, how);
  attempt_free(&a);
  return done;
}

/* ---- Poseidon2 ---- */

static bool on(const hf_circuit *c, int column, uint32_t row) {
  return !hf_fr_is_zero(c->fixed[column][row]);
}

typedef struct teller {
  const instance *in;
  lies *told;
} teller;

static void tell(void *context, uint32_t row, unsigned wire, hf_fr value) {
  teller *t = context;
  lie_add(t->told, var_at(t->in, row, wire), value);
}

/* From `row` on: the permutation goes on with what `state` is before that row, s-box `wrong` of it being
 * wrong. */
static void lie_about_rounds(const instance *in, uint32_t row, hf_state4 state, int wrong, lies *told) {
  teller t = {in, told};
  rounds_from(in->circuit, row, state, wrong, tell, &t);
}

void removal_rounds(removal *m, const instance *in) {
  for (uint32_t i = 0; i < m->classes.count; i++) {
    constraint_class *k = &m->classes.list[i];
    bool first = k->part == HF_PART_MERKLE && k->index < 4;
    if (!first && (k->part < HF_PART_FULL || k->part > HF_PART_MIDDLE)) continue;
    if (k->covered) continue;
    /* one whose digest does not reach the slot's signature: the last one, in the statement */
    lies told = {0};
    lie_about_rounds(in, k->rows[1], rounds_state(in->circuit, k->rows[1]), k->index, &told);
    removal_try(m, in, &told, "a wrong s-box");
  }
  /* What enters a permutation: the first row works on another value than the variable's. */
  for (uint32_t i = 0; i < m->classes.count; i++) {
    constraint_class *k = &m->classes.list[i];
    for (int candidate = 1; candidate >= 0; candidate--) {
      uint32_t row = k->rows[candidate];
      if (k->part != HF_PART_COPY || k->index > 3 || !on(in->circuit, HF_S_MERKLE, row) || k->covered)
        continue;
      lies told = {0};
      attempt a;
      hf_state4 state = rounds_state(in->circuit, row);
      state.s[k->index] = hf_fr_add(state.s[k->index], hf_fr_one());
      lie_about_rounds(in, row, state, -1, &told);
      attempt_follow(in, &told, &a);
      m->runs++;
      if (a.status == HF_OK)
        removal_cut(m, a.circuit, row, k->index, hf_fr_add(a.circuit->wires[k->index][row], hf_fr_one()),
                    "another word enters a permutation");
      attempt_free(&a);
    }
  }
}

/* ---- single variables and chains of partial sums ---- */

/* A sum over several rows: from `row` on every partial sum and the result are one more. */
static bool lie_about_chain(const instance *in, uint32_t row, lies *told) {
  const hf_circuit *c = in->circuit;
  if (!on(c, HF_QN, row) || !on(c, HF_S_ARITHMETIC, row)) return false;
  while (on(c, HF_QN, row)) {
    uint32_t partial = var_at(in, row + 1, 4);
    if (partial == HF_NO_VAR) return false;
    hf_fr value = told->count == 0 ? hf_fr_add(in->value[partial], hf_fr_one()) : solve_row(in, told, row, 5);
    lie_add(told, partial, value);
    row++;
    if (!on(c, HF_S_ARITHMETIC, row)) return true; /* the result stands there */
  }
  for (unsigned w = 0; w < HF_WIRES; w++) {
    uint32_t v = var_at(in, row, w);
    if (v == HF_NO_VAR || in->first_row[v] < row || lied_value(in, told, v).l[0] != in->value[v].l[0])
      continue;
    if (hf_fr_eq(c->fixed[HF_Q1 + w][row], hf_fr_neg(hf_fr_one()))) {
      lie_add(told, v, solve_row(in, told, row, w));
      return true;
    }
  }
  return false;
}

static bool wants(removal *m, const instance *in, constraint_class *k) {
  if (!k->covered) return true;
  if (k->part != HF_PART_ARITHMETIC) return false;
  for (unsigned w = 0; w < HF_WIRES; w++) {
    constraint_class *copy = removal_class(m, in->circuit, k->rows[1], HF_PART_COPY, w);
    if (copy != NULL && !copy->covered) return true;
  }
  return false;
}

void removal_generic(removal *m, const instance *in) {
  for (uint32_t i = 0; i < m->classes.count; i++) {
    constraint_class *k = &m->classes.list[i];
    uint32_t row = k->rows[1], vars[10], count = 0;
    if (k->part != HF_PART_ARITHMETIC || strcmp(in->circuit->notes->row_name[row], "constant") == 0) continue;
    if (on(in->circuit, HF_S_RANGE, row) && k->covered) continue;
    if (!wants(m, in, k)) continue;
    lies told = {0};
    if (lie_about_chain(in, row, &told) && removal_try(m, in, &told, "another sum") && !wants(m, in, k))
      continue;
    /* what the row makes, then what it takes */
    for (int pass = 0; pass < 2; pass++)
      for (int cell = 9; cell >= 0; cell--) {
        uint32_t v = var_at(in, row + (cell >= 5), (unsigned)cell % 5);
        if (cell >= 5 && (cell < 9 || !on(in->circuit, HF_QN, row))) continue;
        if (v == HF_NO_VAR || (in->first_row[v] >= row) != (pass == 0)) continue;
        uint32_t j = 0;
        while (j < count && vars[j] != v) j++;
        if (j == count) vars[count++] = v;
      }
    for (uint32_t j = 0; j < count && wants(m, in, k); j++) {
      told.count = 0;
      lie_add(&told, vars[j], hf_fr_add(in->value[vars[j]], hf_fr_one()));
      removal_try(m, in, &told, "another value");
    }
  }
}

/* ---- cells that take what the row before gave ---- */

void removal_outputs(removal *m, const instance *in) {
  const hf_circuit *c = in->circuit;
  for (uint32_t i = 0; i < m->classes.count; i++)
    for (int candidate = 0; candidate < 4; candidate++) {
      constraint_class *k = &m->classes.list[i];
      uint32_t row = k->rows[candidate];
      if (k->part != HF_PART_COPY || k->covered || row == 0) continue;
      bool round = k->index < 4 && on(c, HF_S_FULL, row - 1);
      bool sum = k->index == 4 && on(c, HF_S_ARITHMETIC, row - 1) && on(c, HF_QN, row - 1);
      uint32_t v = var_at(in, row, k->index);
      if ((!round && !sum) || v == HF_NO_VAR) continue;
      lies told = {0};
      attempt a;
      lie_add(&told, v, hf_fr_add(in->value[v], hf_fr_one()));
      attempt_follow(in, &told, &a);
      m->runs++;
      if (a.status == HF_OK) {
        hf_rel_row r = gate_row(a.circuit, row - 1);
        hf_fr out[4], honest;
        if (round) {
          hf_rel_gate_full(&r, out);
          honest = hf_fr_add(r.wn[k->index], out[k->index]);
        } else {
          honest = hf_fr_sub(r.wn[4], hf_fr_mul(hf_rel_gate_arithmetic(&r), hf_fr_inv(r.f[HF_QN])));
        }
        removal_cut(m, a.circuit, row, k->index, honest, "another value than the row before gave");
      }
      attempt_free(&a);
    }
}
