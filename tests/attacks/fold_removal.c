#include "fold_removal.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gate_row.h"
#include "rounds.h"

static bool on(const hf_circuit *c, int column, uint32_t row) {
  return !hf_fr_is_zero(c->fixed[column][row]);
}

static bool is_write(const hf_circuit *c, uint32_t row) {
  return hf_fr_eq(c->fixed[HF_ROM][row], hf_fr_neg(hf_fr_one()));
}

/* ---- classes ---- */

static uint64_t mix(uint64_t h, const void *data, size_t size) {
  const unsigned char *p = data;
  for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 0x100000001b3u;
  return h;
}

static const char *last_of(const char *path) {
  return strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
}

static bool is_range(const hf_circuit *c, uint32_t row) { return on(c, HF_S_RANGE, row); }

/* The name of what a wire of a range row looks up, which may be another gadget's. */
static const char *lookup_name(const hf_circuit *c, uint32_t row, unsigned wire, uint32_t *scope) {
  const hf_circuit_notes *n = c->notes;
  for (size_t i = 0; i < n->lookup_count; i++)
    if (n->lookups[i].row + c->public_count == row && n->lookups[i].wire == wire) {
      *scope = n->lookups[i].scope;
      return n->lookups[i].name;
    }
  *scope = n->row_scope[row];
  return n->row_name[row];
}

/* A row that is a range by itself, its top chunk overlapping so that 62 bits remain. */
static bool is_tight(const hf_circuit *c, uint32_t row) {
  bool goes_on = on(c, HF_QN, row) || (row > 0 && is_range(c, row - 1) && on(c, HF_QN, row - 1));
  return !goes_on && hf_fr_eq(c->fixed[HF_Q4][row], hf_fr_neg(hf_fr_pow_u64(hf_fr_from_u64(2), 45)));
}

static bool in_lookups(const hf_circuit *c, uint32_t row, unsigned wire) {
  const hf_circuit_notes *n = c->notes;
  for (size_t i = 0; i < n->lookup_count; i++)
    if (n->lookups[i].row + c->public_count == row && n->lookups[i].wire == wire) return true;
  return false;
}

/* False: not a class of the gadgets under test. */
static bool describe(const remover *m, hf_constraint k, removal_class *out) {
  const hf_circuit *c = m->s.circuit;
  uint32_t scope = c->notes->row_scope[k.row];
  const char *name = c->notes->row_name[k.row];
  char path[128];
  memset(out, 0, sizeof *out);
  bool rounds = false;
  for (int i = HF_S_MERKLE; i <= HF_S_MIDDLE; i++) rounds |= on(c, i, k.row);
  bool enters = on(c, HF_S_MERKLE, k.row) && k.part == HF_PART_COPY && k.index < 4;
  if (rounds && !enters) return false;
  if (k.row < c->public_count) {
    if (k.part != HF_PART_COPY) return false;
    out->kind = REMOVAL_COPY;
    out->key = mix(mix(0xcbf29ce484222325u, "public", 6), &k.row, sizeof k.row);
    snprintf(out->label, sizeof out->label, "public input %u, copy", k.row);
    return true;
  }
  bool range_row = is_range(c, k.row), own = range_row && on(c, HF_S_ARITHMETIC, k.row);
  if (k.part == HF_PART_RANGE || (k.part == HF_PART_COPY && range_row && k.index < 4))
    name = lookup_name(c, k.row, k.index, &scope);
  shape_scope(&m->s, scope, path);
  /* names that a caller gives to the gadget's lines */
  if (range_row && strcmp(last_of(path), "curve point") == 0 && strcmp(name, "x^2") != 0) name = "coordinate";
  if (strcmp(path, "preamble") == 0 || strcmp(name, "constant") == 0 || strcmp(name, "an input") == 0)
    return false;
  out->wire = k.index;
  /* a lookup stands on whatever wire was free */
  bool lookup = k.part == HF_PART_COPY && range_row && k.index < 4 &&
                (in_lookups(c, k.row, k.index) || (!own && k.index == 0));
  if (k.part == HF_PART_COPY && range_row && k.index < 4 && !lookup && !on(c, HF_Q1 + k.index, k.row)) {
    out->kind = REMOVAL_COPY;
    out->key = mix(0xcbf29ce484222325u, "padding", 7);
    snprintf(out->label, sizeof out->label, "range rows: a wire without a chunk, copy");
    return true;
  }
  switch (k.part) {
  case HF_PART_ARITHMETIC:
    out->kind = own ? REMOVAL_RANGE : REMOVAL_EQUATION;
    break;
  case HF_PART_RANGE:
    out->kind = REMOVAL_RANGE;
    break;
  case HF_PART_NONNATIVE:
    out->kind = REMOVAL_IDENTITY;
    break;
  case HF_PART_ROM:
    out->kind = REMOVAL_ROM;
    break;
  case HF_PART_COPY:
    out->kind = REMOVAL_COPY;
    break;
  default:
    return false; /* gates of the older gadgets */
  }
  static const char *const kinds[] = {"equation", "range", "identity", "table", "copy"};
  /* ranges and identities have names of their own, whatever they are part of; equations often share one */
  bool number = out->kind == REMOVAL_RANGE || out->kind == REMOVAL_IDENTITY || on(c, HF_S_NONNATIVE, k.row) ||
                range_row;
  number |= strncmp(name, "canonical split", 15) == 0 || strncmp(name, "split: ", 7) == 0;
  const char *where = number ? "" : last_of(path);
  uint64_t h = mix(0xcbf29ce484222325u, &out->kind, sizeof out->kind);
  h = mix(h, where, strlen(where));
  h = mix(h, name, strlen(name));
  bool tight = out->kind == REMOVAL_RANGE && own && is_tight(c, k.row) &&
               (k.part != HF_PART_RANGE || !in_lookups(c, k.row, k.index));
  h = mix(h, &tight, sizeof tight);
  bool pattern = out->kind != REMOVAL_RANGE && !range_row;
  if (out->kind == REMOVAL_COPY) h = mix(h, lookup ? (const void *)"lookup" : (const void *)&k.index, 1);
  for (int i = HF_Q1; pattern && i <= HF_ROM; i++) {
    bool table = i == HF_QC && on(c, HF_ROM, k.row), address = i == HF_Q5 && is_write(c, k.row);
    if (!table && !address) h = mix(h, &c->fixed[i][k.row], sizeof(hf_fr));
  }
  out->key = h;
  char detail[24] = "";
  if (out->kind == REMOVAL_COPY && !lookup) snprintf(detail, sizeof detail, " of %c", "abcde"[k.index]);
  if (lookup) snprintf(detail, sizeof detail, " of a lookup");
  snprintf(out->label, sizeof out->label, "%.70s: %.70s, %s%s%s", last_of(path), name, tight ? "tight " : "",
           kinds[out->kind], detail);
  return true;
}

removal_class *remover_class(remover *m, hf_constraint k) {
  removal_class found;
  if (!describe(m, k, &found)) return NULL;
  for (uint32_t i = 0; i < m->class_count; i++)
    if (m->classes[i].key == found.key) return &m->classes[i];
  return NULL;
}

/* An assertion that two variables are equal, which lays no row. */
static removal_class *tie_class(remover *m, const char *name) {
  uint64_t key = mix(mix(0xcbf29ce484222325u, "tie", 3), name, strlen(name));
  for (uint32_t i = 0; i < m->class_count; i++)
    if (m->classes[i].key == key) return &m->classes[i];
  if (m->class_count == REMOVAL_CLASSES) abort();
  removal_class *k = &m->classes[m->class_count++];
  *k = (removal_class){.key = key, .kind = REMOVAL_COPY};
  snprintf(k->label, sizeof k->label, "ties: %.150s", name);
  return k;
}

static void note_class(remover *m, hf_constraint k) {
  removal_class found;
  /* a cell that is nobody's copy holds nothing */
  if (!describe(m, k, &found)) return;
  uint32_t i = 0;
  while (i < m->class_count && m->classes[i].key != found.key) i++;
  removal_class *c = &m->classes[i];
  if (i == m->class_count) {
    if (m->class_count == REMOVAL_CLASSES) abort();
    /* labels are for readers: those of one label, with other constants, are numbered */
    unsigned same = 1;
    size_t length = strlen(found.label);
    for (uint32_t n = 0; n < i; n++) {
      const char *other = m->classes[n].label;
      if (strncmp(other, found.label, length) == 0 && (other[length] == 0 || other[length] == '#')) same++;
    }
    if (same > 1) snprintf(found.label + length, sizeof found.label - length, "#%u", same);
    m->classes[m->class_count++] = found;
  }
  if (c->count == 0)
    for (int j = 0; j < 3; j++) c->rows[j] = k.row;
  c->rows[1] = k.row;
  if (c->count % 5 == 2) c->rows[2] = k.row;
  c->count++;
}

void remover_open(remover *m) {
  memset(m, 0, sizeof *m);
  m->classes = calloc(REMOVAL_CLASSES, sizeof *m->classes);
  if (m->classes == NULL) abort();
}

void remover_close(remover *m) {
  free(m->classes);
  memset(m, 0, sizeof *m);
}

/* Multiplicities follow the lookups; looking at them costs more than all the rows. */
static void leave_multiplicities(remover *m) {
  if (hf_circuit_disable(m->s.circuit, (hf_constraint){UINT32_MAX, HF_PART_COUNT, 0}) != HF_OK) abort();
}

void remover_take(remover *m, const char *name, const hf_builder_options *options, shape_build build,
                  const void *context) {
  hf_builder_options small = {.table_width = HF_NONNATIVE_WIDTH};
  m->follow = NULL;
  m->always.count = 0;
  shape_make(&m->s, name, options == NULL ? &small : options, build, context);
  size_t count = hf_circuit_constraints(m->s.circuit, NULL, 0);
  hf_constraint *all = calloc(count, sizeof *all);
  if (all == NULL) abort();
  hf_circuit_constraints(m->s.circuit, all, count);
  for (size_t i = 0; i < count; i++) note_class(m, all[i]);
  free(all);
  for (size_t i = 0; i < m->s.circuit->notes->merge_count; i++)
    (void)tie_class(m, m->s.circuit->notes->merges[i].name);
  m->s.light = true;
}

void remover_drop(remover *m) {
  for (uint32_t i = 0; i < m->class_count; i++) m->classes[i].count = 0;
  shape_free(&m->s);
}

void remover_keep(remover *m, const char *name) {
  for (uint32_t i = 0; i < m->s.hint_count; i++)
    if (strcmp(m->s.hints[i].name, name) == 0)
      shape_lie_set(&m->always, m->s.hints[i].var, m->s.value[m->s.hints[i].var]);
}

uint32_t remover_hint(const remover *m, const char *name, uint32_t nth) {
  for (uint32_t i = 0; i < m->s.hint_count; i++)
    if (strcmp(m->s.hints[i].name, name) == 0 && nth-- == 0) return m->s.hints[i].var;
  fprintf(stderr, "%s: no hint \"%s\"\n", m->s.name, name);
  abort();
}

uint32_t remover_row(const remover *m, const char *scope, const char *name, uint32_t from) {
  for (uint32_t r = from; r < m->s.rows; r++) {
    char path[128];
    const char *at;
    hf_circuit_where(m->s.circuit, r, path, &at);
    size_t length = strlen(path), tail = strlen(scope);
    if (strcmp(at, name) == 0 && length >= tail && strcmp(path + length - tail, scope) == 0) return r;
  }
  return UINT32_MAX;
}

/* ---- attempts ---- */

static void cover(removal_class *k, const char *how) {
  if (k->covered) return;
  k->covered = true;
  k->how = how;
}

static bool holds(remover *m) {
  shape_judge(&m->s, &m->a);
  return m->a.failure_count == 0;
}

/* With `value` on the cell alone, and the cell cut off, everything holds. */
static bool cut(remover *m, uint32_t row, unsigned wire, hf_fr value, const char *how) {
  hf_constraint copy = {row, HF_PART_COPY, (uint8_t)wire};
  removal_class *k = remover_class(m, copy);
  hf_circuit *c = m->s.circuit;
  uint32_t cell = HF_WIRES * row + wire;
  if (c->notes->copy[cell] == cell || k == NULL || k->covered) return false;
  hf_fr old = c->wires[wire][row];
  shape_set_cell(&m->s, row, wire, value);
  bool needed = !holds(m);
  for (size_t i = 0; i < m->a.failure_count && needed; i++)
    needed = m->a.failures[i].constraint.part == HF_PART_COPY;
  if (needed) {
    if (hf_circuit_disable(c, copy) != HF_OK) abort();
    needed = holds(m);
    hf_circuit_enable_all(c);
    leave_multiplicities(m);
  }
  shape_set_cell(&m->s, row, wire, old);
  if (needed) cover(k, how);
  return needed;
}

hf_rel_row remover_values(const remover *m, uint32_t row) { return gate_row(m->s.circuit, row); }

/* The copies whose breaking would repair the one equation that fails. */
static void cut_around_equation(remover *m, uint32_t row, const char *how) {
  const hf_circuit *c = m->s.circuit;
  hf_rel_row r = gate_row(c, row);
  hf_fr rest = hf_rel_gate_arithmetic(&r);
  for (unsigned w = 0; w < 6; w++) {
    hf_fr d = gate_derivative(&r, w);
    uint32_t at = row + (w == 5);
    unsigned wire = w == 5 ? 4 : w;
    if (hf_fr_is_zero(d)) continue;
    cut(m, at, wire, hf_fr_sub(c->wires[wire][at], hf_fr_mul(rest, hf_fr_inv(d))), how);
  }
}

/* The same where several rows of one class fail: their cells on one wire. */
static void cut_around_equations(remover *m, const uint32_t *rows, size_t count, const char *how) {
  hf_circuit *c = m->s.circuit;
  for (unsigned w = 0; w < HF_WIRES; w++) {
    hf_fr old[SHAPE_FAILURES];
    removal_class *k = remover_class(m, (hf_constraint){rows[0], HF_PART_COPY, (uint8_t)w});
    bool apt = k != NULL && !k->covered;
    for (size_t i = 0; i < count; i++) {
      hf_rel_row r = gate_row(c, rows[i]);
      hf_fr d = gate_derivative(&r, w);
      old[i] = c->wires[w][rows[i]];
      apt &= !hf_fr_is_zero(d) && remover_class(m, (hf_constraint){rows[i], HF_PART_COPY, (uint8_t)w}) == k;
      if (!apt) continue;
      shape_set_cell(&m->s, rows[i], w,
                     hf_fr_sub(old[i], hf_fr_mul(hf_rel_gate_arithmetic(&r), hf_fr_inv(d))));
      if (hf_circuit_disable(c, (hf_constraint){rows[i], HF_PART_COPY, (uint8_t)w}) != HF_OK) abort();
    }
    if (apt && holds(m)) cover(k, how);
    for (size_t i = count; i-- > 0;) shape_set_cell(&m->s, rows[i], w, old[i]);
    hf_circuit_enable_all(c);
    leave_multiplicities(m);
  }
}

static uint32_t identity_end(const hf_circuit *c, uint32_t start) {
  uint32_t end = start;
  do end++;
  while (on(c, HF_S_NONNATIVE, end) && !on(c, HF_Q4, end));
  return end;
}

/* Where one variable of these rows was lied about: its cells there, honest. */
static void cut_to_honest(remover *m, uint32_t start, uint32_t end, const shape_lies *told, const char *how) {
  const shape *s = &m->s;
  for (uint32_t r = start; r < end; r++)
    for (unsigned w = 0; w < 4; w++)
      for (uint32_t i = 0; i < told->count; i++)
        if (shape_var_at(s, r, w) == told->list[i].var) cut(m, r, w, s->value[told->list[i].var], how);
}

/* The write that failing reads come from. */
static void cover_write(remover *m, const char *how) {
  const hf_circuit *c = m->s.circuit;
  for (size_t i = 0; i < m->a.failure_count; i++)
    if (m->a.failures[i].constraint.part != HF_PART_ROM) return;
  uint32_t read = m->a.failures[0].constraint.row;
  for (size_t i = 0; i < c->notes->rom_write_count; i++) {
    uint32_t write = c->notes->rom_writes[i];
    if (!hf_fr_eq(c->fixed[HF_QC][write], c->fixed[HF_QC][read]) ||
        !hf_fr_eq(c->fixed[HF_Q5][write], c->wires[4][read]))
      continue;
    hf_constraint k = {write, HF_PART_ROM, 0};
    removal_class *class = remover_class(m, k);
    if (class == NULL || class->covered) return;
    if (hf_circuit_disable(m->s.circuit, k) != HF_OK) abort();
    if (holds(m)) cover(class, how);
    hf_circuit_enable_all(m->s.circuit);
    leave_multiplicities(m);
    (void)holds(m);
    return;
  }
}

/* Variables that only exist for one constraint. A lie about them alone says nothing about what the constraint
 * is for. */
static bool helps_only(const remover *m, const shape_lies *told) {
  static const char *const helpers[] = {"range chunk", "range rest", "quotient limb", "carry", "inverse"};
  for (uint32_t i = 0; i < told->count; i++) {
    const shape_hint *h = shape_hint_of(&m->s, told->list[i].var);
    bool helper = false;
    for (size_t k = 0; h != NULL && k < sizeof helpers / sizeof *helpers; k++)
      helper |= strstr(h->name, helpers[k]) != NULL;
    if (!helper) return false;
  }
  return told->count > 0;
}

/* Two variables that copies alone make equal: would everything hold if all cells of one were free of the
 * other? */
static bool judge_tie(remover *m, const char *how) {
  hf_circuit *c = m->s.circuit;
  const char *name = m->a.failures[0].name;
  bool found = false;
  for (size_t i = 0; i < m->a.failure_count; i++)
    if (m->a.failures[i].constraint.part != HF_PART_COPY) return false;
  for (size_t i = 0; i < c->notes->merge_count && !found; i++) {
    uint32_t var[2] = {c->notes->merges[i].x, c->notes->merges[i].y};
    if (strcmp(c->notes->merges[i].name, name) != 0) continue;
    for (int k = 0; k < 2 && !found; k++) {
      uint32_t from = m->s.cell_from[var[k]], to = m->s.cell_from[var[k] + 1];
      for (uint32_t n = from; n < to && to - from < 64; n++) {
        hf_constraint cell = {m->s.cells[n] / HF_WIRES, HF_PART_COPY, (uint8_t)(m->s.cells[n] % HF_WIRES)};
        if (hf_circuit_disable(c, cell) != HF_OK) abort();
      }
      found = holds(m);
      if (found) cover(tie_class(m, name), how);
      hf_circuit_enable_all(c);
      leave_multiplicities(m);
    }
  }
  (void)holds(m);
  return found;
}

static bool judge(remover *m, const shape_lies *told, const char *how) {
  attempt *a = &m->a;
  m->runs++;
  if (a->failure_count == 0 || a->failure_count == SHAPE_FAILURES) return false;
  if (a->failures[0].constraint.part == HF_PART_COPY) return judge_tie(m, how);
  removal_class *only = NULL;
  for (size_t i = 0; i < a->failure_count; i++) {
    hf_constraint k = a->failures[i].constraint;
    removal_class *found = remover_class(m, k);
    if (k.part == HF_PART_COPY || found == NULL || (only != NULL && found != only)) return false;
    only = found;
  }
  hf_constraint first = a->failures[0].constraint;
  size_t count = a->failure_count;
  if (!helps_only(m, told)) cover(only, how);
  if (first.part == HF_PART_ROM) cover_write(m, how);
  if (count == 1 && first.part == HF_PART_ARITHMETIC) cut_around_equation(m, first.row, how);
  if (count > 1 && count <= 8 && only->kind == REMOVAL_EQUATION) {
    uint32_t rows[8];
    for (size_t i = 0; i < count; i++) rows[i] = a->failures[i].constraint.row;
    cut_around_equations(m, rows, count, how);
  }
  if (count == 1 && first.part == HF_PART_NONNATIVE)
    cut_to_honest(m, first.row, identity_end(m->s.circuit, first.row), told, how);
  if (count == 1 && first.part == HF_PART_ROM) cut_to_honest(m, first.row, first.row + 1, told, how);
  if (count == 1 && first.part == HF_PART_RANGE) cut(m, first.row, first.index, hf_fr_zero(), how);
  return true;
}

static void run(remover *m, const shape_lies *told) {
  remover_begin(m);
  if (m->always.count == 0) {
    shape_try(&m->s, told, &m->a);
    return;
  }
  shape_lies all = m->always;
  for (uint32_t i = 0; i < told->count; i++) {
    const shape_lie *l = &told->list[i];
    if (l->add)
      shape_lie_add(&all, l->var, l->value);
    else
      shape_lie_set(&all, l->var, l->value);
  }
  shape_try(&m->s, &all, &m->a);
}

void remover_begin(remover *m) {
  shape_restore(&m->s);
  hf_circuit_enable_all(m->s.circuit);
  leave_multiplicities(m);
}

bool remover_try(remover *m, const shape_lies *told, const char *how) {
  run(m, told);
  if (judge(m, told, how)) return true;
  if (m->follow == NULL || m->a.failure_count == 0) return false;
  shape_lies all = *told;
  for (int pass = 0; pass < 3 && m->follow(m, &m->a, &all); pass++) {
    run(m, &all);
    if (judge(m, told, how)) return true;
  }
  return false;
}

bool remover_cut(remover *m, const shape_lies *told, uint32_t row, unsigned wire, hf_fr value,
                 const char *how) {
  shape_lies all = *told;
  for (int pass = 0; pass < 4; pass++) {
    run(m, &all);
    m->runs++;
    if (cut(m, row, wire, value, how)) return true;
    (void)holds(m);
    if (m->follow == NULL || !m->follow(m, &m->a, &all)) return false;
  }
  return false;
}

bool remover_freeze(remover *m, const char *how) {
  const shape *s = &m->s;
  shape_lies told = {0};
  for (uint32_t i = 0; i < s->hint_count; i++) {
    const shape_hint *h = &s->hints[i];
    if (strncmp(h->name, "range ", 6) == 0 || s->cell_from[h->var] == s->cell_from[h->var + 1]) continue;
    uint32_t cell = s->cells[s->cell_from[h->var]];
    shape_lie_set(&told, h->var, s->circuit->wires[cell % HF_WIRES][cell / HF_WIRES]);
  }
  run(m, &told);
  return judge(m, &told, how);
}

/* ---- one variable ---- */

static bool wanted(const remover *m, const removal_class *k) {
  return k != NULL && k->count > 0 && !k->covered && (m->listed == NULL || !m->listed(k->label));
}

/* Is there anything to cover around this row: its class, or the copies of its cells? */
static bool row_wanted(remover *m, const removal_class *k, uint32_t row) {
  if (wanted(m, k)) return true;
  uint32_t end = k->kind == REMOVAL_IDENTITY ? identity_end(m->s.circuit, row) : row + 1;
  for (; row < end; row++)
    for (unsigned w = 0; w < HF_WIRES; w++) {
      hf_constraint copy = {row, HF_PART_COPY, (uint8_t)w};
      uint32_t cell = HF_WIRES * row + w;
      if (m->s.circuit->notes->copy[cell] != cell && wanted(m, remover_class(m, copy))) return true;
    }
  return false;
}

static void lie_about(remover *m, const removal_class *k, uint32_t row, uint32_t var) {
  static const unsigned powers[] = {0, 17, 64, 68, 126, 128, 252};
  for (size_t i = 0; i < sizeof powers / sizeof *powers && row_wanted(m, k, row); i++)
    for (int sign = 0; sign < 2; sign++) {
      hf_fr step = hf_fr_pow_u64(hf_fr_from_u64(2), powers[i]);
      shape_lies told = {0};
      shape_lie_add(&told, var, sign ? hf_fr_neg(step) : step);
      remover_try(m, &told, "another value");
    }
}

void remover_single(remover *m) {
  for (uint32_t i = 0; i < m->class_count; i++) {
    const removal_class *k = &m->classes[i];
    if (k->count == 0 || k->kind == REMOVAL_COPY) continue;
    for (int candidate = 2; candidate >= 0; candidate--) {
      uint32_t row = k->rows[candidate], end = row + 1;
      if (candidate < 2 && row == k->rows[candidate + 1]) continue;
      if (!row_wanted(m, k, row)) continue;
      if (k->kind == REMOVAL_IDENTITY) end = identity_end(m->s.circuit, row);
      for (uint32_t r = end; r-- > row;)
        for (unsigned w = HF_WIRES + 1; w-- > 0;) {
          bool next = w == HF_WIRES;
          uint32_t v = shape_var_at(&m->s, r + next, next ? 4 : w);
          if (next && !on(m->s.circuit, HF_QN, r)) continue;
          if (v != HF_NO_VAR && v < m->s.vars) lie_about(m, k, row, v);
        }
    }
  }
}

/* ---- sums over several rows ---- */

/* The equation of `row`, solved for `var`, with the values that stand in the circuit. */
static bool solve_for(const remover *m, uint32_t row, uint32_t var, hf_fr *value) {
  const hf_circuit *c = m->s.circuit;
  hf_rel_row r = gate_row(c, row);
  hf_fr d = hf_fr_zero(), old = hf_fr_zero();
  for (unsigned w = 0; w < 6; w++) {
    uint32_t at = w < 5 ? shape_var_at(&m->s, row, w) : shape_var_at(&m->s, row + 1, 4);
    if (at != var || (w == 5 && !on(c, HF_QN, row))) continue;
    d = hf_fr_add(d, gate_derivative(&r, w));
    old = w < 5 ? r.w[w] : r.wn[4];
  }
  if (hf_fr_is_zero(d)) return false;
  *value = hf_fr_sub(old, hf_fr_mul(hf_rel_gate_arithmetic(&r), hf_fr_inv(d)));
  return true;
}

/* A sum over rows, chained by e: from `row` on every partial sum is more, and so is something in the last
 * row. */
static void lie_about_sum(remover *m, uint32_t row, const removal_class *k) {
  const hf_circuit *c = m->s.circuit;
  shape_lies told = {0};
  remover_begin(m);
  uint32_t last = row;
  for (; on(c, HF_QN, last) && on(c, HF_S_ARITHMETIC, last); last++) {
    uint32_t partial = shape_var_at(&m->s, last + 1, 4);
    hf_fr value = hf_fr_zero();
    if (partial == HF_NO_VAR) return;
    if (last == row)
      value = hf_fr_add(m->s.value[partial], hf_fr_one());
    else if (!solve_for(m, last, partial, &value))
      return;
    shape_set_var(&m->s, partial, value);
    shape_lie_set(&told, partial, value);
  }
  if (!on(c, HF_S_ARITHMETIC, last)) return;
  if (last == row) { /* the row that ends a sum */
    uint32_t partial = shape_var_at(&m->s, row, 4);
    if (partial == HF_NO_VAR || row == 0 || !on(c, HF_QN, row - 1)) return;
  }
  shape_lies base = told;
  for (unsigned w = 0; w < HF_WIRES && row_wanted(m, k, row); w++) {
    uint32_t var = shape_var_at(&m->s, last, w);
    hf_fr value;
    if (var == HF_NO_VAR || shape_var_at(&m->s, last, 4) == var) continue;
    told = base;
    remover_begin(m);
    for (uint32_t i = 0; i < told.count; i++) shape_set_var(&m->s, told.list[i].var, told.list[i].value);
    if (last == row)
      value = hf_fr_add(m->s.value[var], hf_fr_one());
    else if (!solve_for(m, last, var, &value))
      continue;
    shape_lie_set(&told, var, value);
    remover_try(m, &told, "another sum");
  }
}

/* The cell takes what the row before gave; its variable says something else. */
static void lie_about_output(remover *m, const removal_class *k, uint32_t row) {
  const hf_circuit *c = m->s.circuit;
  if (row == 0) return;
  bool sum = k->wire == 4 && on(c, HF_S_ARITHMETIC, row - 1) && on(c, HF_QN, row - 1);
  bool round = k->wire < 4 && on(c, HF_S_FULL, row - 1);
  uint32_t var = shape_var_at(&m->s, row, k->wire);
  if ((!sum && !round) || var == HF_NO_VAR) return;
  shape_lies told = {0};
  shape_lie_add(&told, var, hf_fr_one());
  remover_cut(m, &told, row, k->wire, m->s.value[var], "another value than the row before gave");
}

void remover_public(remover *m) {
  const hf_circuit *c = m->s.circuit;
  shape_lies none = {0};
  for (uint32_t row = 0; row < c->public_count; row++)
    remover_cut(m, &none, row, 0, hf_fr_add(c->public_inputs[row], hf_fr_one()), "another public input");
}

void remover_sums(remover *m) {
  for (uint32_t i = 0; i < m->class_count; i++)
    for (int candidate = 2; candidate >= 0; candidate--) {
      const removal_class *k = &m->classes[i];
      uint32_t row = k->rows[candidate];
      if (k->count > 0 && k->kind == REMOVAL_COPY && !k->covered) lie_about_output(m, k, row);
      if (k->count == 0 || k->kind != REMOVAL_EQUATION || !row_wanted(m, k, row)) continue;
      if (candidate < 2 && row == k->rows[candidate + 1]) continue;
      lie_about_sum(m, row, k);
    }
}

/* ---- what enters a permutation ---- */

typedef struct teller {
  const shape *s;
  shape_lies *told;
} teller;

static void tell(void *context, uint32_t row, unsigned wire, hf_fr value) {
  teller *t = context;
  shape_lie_set(t->told, shape_var_at(t->s, row, wire), value);
}

void remover_rounds(remover *m) {
  for (uint32_t i = 0; i < m->class_count; i++)
    for (int candidate = 2; candidate >= 0; candidate--) {
      const removal_class *k = &m->classes[i];
      uint32_t row = k->rows[candidate];
      if (!wanted(m, k) || k->kind != REMOVAL_COPY || !on(m->s.circuit, HF_S_MERKLE, row)) continue;
      shape_lies told = {0};
      teller t = {&m->s, &told};
      shape_restore(&m->s);
      hf_state4 state = rounds_state(m->s.circuit, row);
      state.s[k->wire] = hf_fr_add(state.s[k->wire], hf_fr_one());
      rounds_from(m->s.circuit, row, state, -1, tell, &t);
      remover_cut(m, &told, row, k->wire, state.s[k->wire], "another word enters a permutation");
    }
}

/* ---- tables ---- */

static bool reads(const hf_circuit *c, uint32_t read, uint32_t write) {
  return hf_fr_eq(c->fixed[HF_ROM][read], hf_fr_one()) &&
         hf_fr_eq(c->fixed[HF_QC][read], c->fixed[HF_QC][write]) &&
         hf_fr_eq(c->wires[4][read], c->fixed[HF_Q5][write]);
}

/* The write's cell is one more, and so is everything that is read from there. */
static void lie_about_write(remover *m, uint32_t write, unsigned wire) {
  const hf_circuit *c = m->s.circuit;
  shape_lies told = {0};
  uint32_t found = 0;
  for (uint32_t r = 0; r < m->s.rows; r++) {
    if (!reads(c, r, write)) continue;
    uint32_t var = shape_var_at(&m->s, r, wire);
    shape_lie_set(&told, var, hf_fr_add(m->s.value[var], hf_fr_one()));
    found++;
  }
  if (found == 0) return;
  hf_fr cell = hf_fr_add(c->wires[wire][write], hf_fr_one());
  remover_cut(m, &told, write, wire, cell, "another entry of a table");
}

/* The read is from another address than its variable says. */
static void lie_about_address(remover *m, uint32_t read) {
  const hf_circuit *c = m->s.circuit;
  for (size_t i = 0; i < c->notes->rom_write_count; i++) {
    uint32_t write = c->notes->rom_writes[i];
    if (!hf_fr_eq(c->fixed[HF_QC][read], c->fixed[HF_QC][write]) || reads(c, read, write)) continue;
    shape_lies told = {0};
    for (unsigned w = 0; w < 4; w++) shape_lie_set(&told, shape_var_at(&m->s, read, w), c->wires[w][write]);
    if (remover_cut(m, &told, read, 4, c->fixed[HF_Q5][write], "another address")) return;
    shape_restore(&m->s);
  }
}

void remover_tables(remover *m) {
  for (uint32_t i = 0; i < m->class_count; i++)
    for (int candidate = 2; candidate >= 0; candidate--) {
      const removal_class *k = &m->classes[i];
      uint32_t row = k->rows[candidate];
      if (!wanted(m, k) || k->kind != REMOVAL_COPY || !on(m->s.circuit, HF_ROM, row)) continue;
      shape_restore(&m->s);
      if (is_write(m->s.circuit, row) && k->wire < 4) lie_about_write(m, row, k->wire);
      if (!is_write(m->s.circuit, row) && k->wire == 4) lie_about_address(m, row);
    }
}

void remover_systematic(remover *m) {
  remover_public(m);
  remover_rounds(m);
  remover_tables(m);
  remover_identities(m);
  remover_sums(m);
  remover_single(m);
}

/* ---- stubs ---- */

remover_stubs stubs;

static hf_curve_point free_point(hf_builder *b, hf_g1 p, const char *name) {
  return (hf_curve_point){hf_limbs_hint_tight(b, p.x, name), hf_limbs_hint(b, p.y, name)};
}

hf_curve_point __real_hf_msm(hf_builder *b, const char *name, const hf_msm_term *terms, unsigned count);
hf_curve_point __wrap_hf_msm(hf_builder *b, const char *name, const hf_msm_term *terms, unsigned count);

hf_curve_point __wrap_hf_msm(hf_builder *b, const char *name, const hf_msm_term *terms, unsigned count) {
  if (!stubs.sums) return __real_hf_msm(b, name, terms, count);
  return free_point(b, hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), hf_fr_from_u64(77 + count))), "sum");
}

hf_var __real_hf_transcript_gadget_squeeze(hf_builder *b, hf_transcript_gadget *t);
hf_var __wrap_hf_transcript_gadget_squeeze(hf_builder *b, hf_transcript_gadget *t);

hf_var __wrap_hf_transcript_gadget_squeeze(hf_builder *b, hf_transcript_gadget *t) {
  hf_var v = __real_hf_transcript_gadget_squeeze(b, t);
  return stubs.challenges ? hf_hint(b, hf_value(b, v), "challenge") : v;
}

void __real_hf_transcript_gadget_squeeze_short(hf_builder *b, hf_transcript_gadget *t, hf_short out[2]);
void __wrap_hf_transcript_gadget_squeeze_short(hf_builder *b, hf_transcript_gadget *t, hf_short out[2]);

void __wrap_hf_transcript_gadget_squeeze_short(hf_builder *b, hf_transcript_gadget *t, hf_short out[2]) {
  __real_hf_transcript_gadget_squeeze_short(b, t, out);
  for (int i = 0; i < 2 && stubs.challenges; i++) {
    out[i].half = hf_hint(b, hf_value(b, out[i].half), "half challenge");
    out[i].value = hf_hint(b, hf_value(b, out[i].value), "challenge");
  }
}

void __real_hf_child_verify(hf_builder *b, const hf_fold_setup *setup, const hf_fold_child *child,
                            hf_verified_child *out);
void __wrap_hf_child_verify(hf_builder *b, const hf_fold_setup *setup, const hf_fold_child *child,
                            hf_verified_child *out);

void __wrap_hf_child_verify(hf_builder *b, const hf_fold_setup *setup, const hf_fold_child *child,
                            hf_verified_child *out) {
  if (!stubs.child) {
    __real_hf_child_verify(b, setup, child, out);
    return;
  }
  out->digest = hf_hint(b, child->vk.digest, "digest");
  for (int i = 0; i < HF_INSTANCE_COUNT; i++)
    out->instance[i] = hf_hint(b, child->proof.public_inputs[i], "instance word");
  out->left = free_point(b, hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), hf_fr_from_u64(5))), "free");
  out->right = free_point(b, hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), hf_fr_from_u64(6))), "free");
  out->constant = hf_hint(b, hf_fr_from_u64(1234), "constant");
  out->token = hf_hint(b, hf_fr_from_u64(4321), "token");
}
