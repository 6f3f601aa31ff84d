/* Plans: what of a circuit does not depend on values, and how builders follow them. See circuit.h. */
#include <stdlib.h>
#include <string.h>
#include "circuit/builder_internal.h"

/* ---- following ---- */

hf_mark hf_builder_mark(const hf_builder *b, hf_var link) {
  return (hf_mark){(uint32_t)b->vars, b->hints, b->rom_tables, b->digits_table, link.id};
}

static bool mark_equal(hf_mark x, hf_mark y) { return !memcmp(&x, &y, sizeof x); }

static bool options_equal(const hf_builder_options *x, const hf_builder_options *y) {
  return x->table_width == y->table_width && x->min_log_n == y->min_log_n && x->max_log_n == y->max_log_n &&
         x->foldable == y->foldable && x->seal == y->seal;
}

void hf_plan_follow(hf_builder *b) {
  const hf_circuit_plan *plan = b->options.plan;
  if (b->options.hint_hook) {
    hf_builder_fail(b, HF_E_ARGUMENT, "circuit builder: a hook for hints needs a circuit that is laid out");
    return;
  }
  if (!options_equal(&b->options, &plan->options)) {
    hf_builder_fail(b, HF_E_MISMATCH, "circuit builder: the plan was made with other options");
    return;
  }
  b->plan = plan;
  b->vars_capacity = plan->end.vars;
  b->value = calloc(b->vars_capacity + 1, sizeof *b->value);
  b->reads = calloc(plan->rom_count + 1, sizeof *b->reads);
  if (!b->value || !b->reads) {
    hf_builder_fail(b, HF_E_MEMORY, "circuit builder: no memory for %zu variables", b->vars_capacity);
    return;
  }
  b->constants = plan->constants;
  b->constant_map = plan->constant_map;
  b->rom = plan->rom;
  b->rom_count = plan->rom_count;
  b->rom_map = plan->rom_map;
  /* a part may come upon a constant before the part that makes it is there */
  for (size_t i = 0; i < plan->constant_count; i++) b->value[plan->constants[i]] = plan->constant_values[i];
}

void hf_plan_broken(hf_builder *b) {
  hf_builder_fail(b, HF_E_INTERNAL, "the circuit does not follow its plan: its calls depend on values or parameters");
}

hf_var hf_plan_constant(hf_builder *b, hf_fr k) {
  uint32_t *slot = hf_constant_slot(b, k), v = *slot ? b->constants[*slot - 1] : HF_NO_VAR;
  if (v == b->vars && v < b->vars_capacity) b->vars++; /* made here */
  if (v >= b->vars) {
    hf_plan_broken(b);
    return (hf_var){0};
  }
  return (hf_var){v};
}

void hf_plan_check(hf_builder *b) {
  if (hf_builder_ok(b) &&
      (!mark_equal(hf_builder_mark(b, (hf_var){0}), b->plan->end) || b->marks_used != b->plan->mark_count))
    hf_plan_broken(b);
}

/* ---- parts ---- */

typedef struct part_error {
  hf_status status;
  char message[sizeof((hf_builder *)0)->message];
} part_error;

typedef struct parts_run {
  const hf_builder *b;
  const hf_mark *marks;
  hf_part_body body;
  void *context;
  part_error *errors;
} parts_run;

/* A part's builder shares the tables and the room for values. */
static void run_parts(void *context, size_t begin, size_t end, unsigned worker) {
  const parts_run *run = context;
  (void)worker;
  for (size_t i = begin; i < end; i++) {
    hf_builder b = *run->b;
    const hf_mark *from = &run->marks[i], *to = from + 1;
    b.vars = from->vars;
    b.vars_capacity = to->vars;
    b.hints = from->hints;
    b.rom_tables = from->rom_tables;
    b.digits_table = from->digits_table;
    b.in_part = true;
    hf_var link = run->body(&b, run->context, i, (hf_var){from->link});
    if (hf_builder_ok(&b) && !mark_equal(hf_builder_mark(&b, link), *to)) hf_plan_broken(&b);
    run->errors[i].status = b.status;
    memcpy(run->errors[i].message, b.message, sizeof b.message);
  }
}

static hf_var follow_parts(hf_builder *b, size_t count, hf_var first, hf_part_body body, void *context) {
  const hf_mark *marks = b->plan->marks + b->marks_used;
  if (b->plan->mark_count - b->marks_used < count + 1 || !mark_equal(hf_builder_mark(b, first), *marks)) {
    hf_plan_broken(b);
    return (hf_var){0};
  }
  parts_run run = {b, marks, body, context, calloc(count + 1, sizeof *run.errors)};
  if (!run.errors) {
    hf_builder_fail(b, HF_E_MEMORY, "circuit builder: no memory for %zu parts", count);
    return (hf_var){0};
  }
  hf_pool_run(b->options.pool, count, 1, run_parts, &run);
  for (size_t i = 0; i < count; i++)
    if (run.errors[i].status != HF_OK) hf_builder_fail(b, run.errors[i].status, "%s", run.errors[i].message);
  free(run.errors);
  b->marks_used += count + 1;
  b->vars = marks[count].vars;
  b->hints = marks[count].hints;
  b->rom_tables = marks[count].rom_tables;
  b->digits_table = marks[count].digits_table;
  return (hf_var){marks[count].link};
}

hf_var hf_builder_parts(hf_builder *b, size_t count, hf_var first, hf_part_body body, void *context) {
  if (!hf_builder_ok(b)) return (hf_var){0};
  if (b->in_part) {
    hf_builder_fail(b, HF_E_STATE, "hf_builder_parts inside a part");
    return (hf_var){0};
  }
  if (b->plan) return follow_parts(b, count, first, body, context);
  if (!hf_grow(b, (void **)&b->marks, &b->mark_capacity, b->mark_count + count + 1, sizeof *b->marks))
    return (hf_var){0};
  b->in_part = true;
  for (size_t i = 0; i < count; i++) {
    b->marks[b->mark_count++] = hf_builder_mark(b, first);
    first = body(b, context, i, first);
  }
  b->marks[b->mark_count++] = hf_builder_mark(b, first);
  b->in_part = false;
  return first;
}

/* ---- making ---- */

static void *copy_of(const void *data, size_t count, size_t size) {
  void *p = malloc(count * size + 1);
  if (p && count) memcpy(p, data, count * size);
  return p;
}

static bool copy_map(hf_map *to, const hf_map *from) {
  *to = *from;
  to->slots = copy_of(from->slots, from->capacity, sizeof *from->slots);
  return to->slots != NULL;
}

static hf_status plan_alloc(const hf_builder *b, hf_circuit_plan *p) {
  hf_circuit_notes *notes = &p->notes;
  size_t n = notes->n, used = p->used_rows;
  bool ok = true;
  ok &= (p->cells = malloc(used * sizeof *p->cells)) != NULL;
  ok &= (p->row_pattern = malloc(used * sizeof *p->row_pattern)) != NULL;
  ok &= (p->patterns = malloc((b->pattern_count + 1) * sizeof *p->patterns)) != NULL;
  ok &= (p->constants = copy_of(b->constants, b->constant_count, sizeof *b->constants)) != NULL;
  ok &= (p->constant_values = malloc((b->constant_count + 1) * sizeof(hf_fr))) != NULL;
  ok &= (p->rom = copy_of(b->rom, b->rom_count, sizeof *b->rom)) != NULL;
  ok &= (p->marks = copy_of(b->marks, b->mark_count, sizeof *b->marks)) != NULL;
  ok &= copy_map(&p->constant_map, &b->constant_map) && copy_map(&p->rom_map, &b->rom_map);
  ok &= (notes->copy = malloc(HF_WIRES * n * sizeof *notes->copy)) != NULL;
  ok &= (notes->row_scope = calloc(used, sizeof *notes->row_scope)) != NULL;
  ok &= (notes->row_name = calloc(used, sizeof *notes->row_name)) != NULL;
  ok &= (notes->cell_of = malloc((b->vars + 1) * sizeof *notes->cell_of)) != NULL;
  ok &= (notes->range_rows = malloc(used * sizeof *notes->range_rows)) != NULL;
  return ok ? HF_OK : hf_fail(HF_E_MEMORY, "circuit: no memory for a plan of 2^%u rows", p->log_n);
}

/* The rows: public inputs first, with a pattern of their own. */
static void plan_rows(const hf_builder *b, hf_circuit_plan *p) {
  hf_circuit_notes *notes = &p->notes;
  uint32_t offset = p->public_count;
  hf_pattern *public = &p->patterns[b->pattern_count];
  memcpy(p->patterns, b->patterns, b->pattern_count * sizeof *b->patterns);
  memset(public, 0, sizeof *public);
  public->on = HF_ON_ARITHMETIC;
  public->q[HF_Q1] = hf_fr_one();
  for (uint32_t r = 0; r < offset; r++) {
    for (int i = 0; i < HF_WIRES; i++) p->cells[r][i] = i ? HF_NO_VAR : b->publics[r];
    p->row_pattern[r] = (uint32_t)b->pattern_count;
    notes->row_name[r] = "public input";
  }
  for (uint32_t r = offset; r < p->used_rows; r++) {
    const hf_row *row = &b->rows[r - offset];
    memcpy(p->cells[r], row->w, sizeof row->w);
    p->row_pattern[r] = row->pattern;
    notes->row_scope[r] = row->scope;
    notes->row_name[r] = row->name;
    if (p->patterns[row->pattern].on & HF_ON_RANGE) notes->range_rows[notes->range_row_count++] = r;
  }
}

/* The cycles of copies: a class of variables is one cycle through its cells. */
static hf_status plan_copies(hf_builder *b, hf_circuit_plan *p) {
  hf_circuit_notes *notes = &p->notes;
  uint32_t *last = malloc((b->vars + 1) * sizeof *last);
  if (!last) return hf_fail(HF_E_MEMORY, "circuit: no memory for %zu variables", b->vars);
  for (size_t i = 0; i < HF_WIRES * (size_t)notes->n; i++) notes->copy[i] = (uint32_t)i;
  notes->vars = b->vars;
  for (size_t v = 0; v < b->vars; v++) {
    b->parent[v] = hf_var_root(b, b->parent[v]);
    notes->cell_of[v] = last[v] = UINT32_MAX;
  }
  for (uint32_t r = 0; r < p->used_rows; r++)
    for (uint32_t i = 0; i < HF_WIRES; i++) {
      uint32_t v = p->cells[r][i], cell = HF_WIRES * r + i;
      if (v == HF_NO_VAR) continue;
      uint32_t root = b->parent[v];
      if (notes->cell_of[v] == UINT32_MAX) notes->cell_of[v] = cell;
      if (last[root] != UINT32_MAX) {
        notes->copy[cell] = notes->copy[last[root]];
        notes->copy[last[root]] = cell;
      }
      last[root] = cell;
    }
  free(last);
  return HF_OK;
}

static hf_status plan_scopes(const hf_builder *b, hf_circuit_plan *p) {
  hf_circuit_notes *notes = &p->notes;
  size_t count = b->scope_count + 1;
  notes->tree = calloc(count, sizeof *notes->tree);
  if (!notes->tree) return hf_fail(HF_E_MEMORY, "circuit: no memory for %zu scopes", count);
  for (size_t i = 0; i < b->scope_count; i++) {
    const hf_scope *s = &b->scopes[i];
    notes->tree[i] = (hf_scope_rows){s->name, s->parent, s->depth, 0, 0, s->entered};
  }
  for (uint32_t r = p->public_count; r < p->used_rows; r++) notes->tree[notes->row_scope[r]].own++;
  if (p->public_count) {
    notes->tree[b->scope_count] = (hf_scope_rows){"public inputs", 0, 1, p->public_count, 0, 1};
    for (uint32_t r = 0; r < p->public_count; r++) notes->row_scope[r] = (uint32_t)b->scope_count;
  } else {
    count--;
  }
  notes->scope_count = count;
  for (size_t i = count; i-- > 0;) {
    notes->tree[i].total += notes->tree[i].own;
    if (i) notes->tree[notes->tree[i].parent].total += notes->tree[i].total;
  }
  return HF_OK;
}

hf_status hf_plan_make(hf_builder *b, unsigned log_n, hf_circuit_plan **out) {
  hf_status status;
  hf_circuit_plan *p = calloc(1, sizeof *p);
  if (!p) return hf_fail(HF_E_MEMORY, "circuit: no memory");
  atomic_init(&p->owners, 1);
  p->options = (hf_builder_options){.table_width = b->options.table_width,
                                    .min_log_n = b->options.min_log_n,
                                    .max_log_n = b->options.max_log_n,
                                    .foldable = b->options.foldable,
                                    .seal = b->options.seal};
  p->log_n = log_n;
  p->public_count = (uint32_t)b->public_count;
  p->used_rows = (uint32_t)(b->row_count + b->public_count);
  p->constant_count = b->constant_count;
  p->rom_count = b->rom_count;
  p->mark_count = b->mark_count;
  p->end = hf_builder_mark(b, (hf_var){0});
  p->notes.n = (uint32_t)1 << log_n;
  HF_TRY(plan_alloc(b, p));
  for (size_t i = 0; i < b->constant_count; i++) p->constant_values[i] = b->value[b->constants[i]];
  plan_rows(b, p);
  HF_TRY(plan_copies(b, p));
  HF_TRY(plan_scopes(b, p));
  /* the notes take what the builder needs no more */
  p->notes.merges = b->merges;
  p->notes.merge_count = b->merge_count;
  b->merges = NULL;
  b->merge_count = b->merge_capacity = 0;
  p->notes.lookups = b->lookup_notes;
  p->notes.lookup_count = b->lookup_note_count;
  b->lookup_notes = NULL;
  b->lookup_note_count = b->lookup_note_capacity = 0;
  *out = p;
  p = NULL;
out:
  hf_circuit_plan_release(&p);
  return status;
}

hf_circuit_plan *hf_circuit_plan_share(const hf_circuit *circuit) {
  hf_circuit_plan *p = circuit->plan;
  if (!p->has_digest) {
    p->digest = hf_circuit_structure_digest(circuit);
    p->has_digest = true;
  }
  atomic_fetch_add_explicit(&p->owners, 1, memory_order_relaxed);
  return p;
}

void hf_circuit_plan_release(hf_circuit_plan **plan) {
  hf_circuit_plan *p = *plan;
  *plan = NULL;
  if (!p || atomic_fetch_sub_explicit(&p->owners, 1, memory_order_acq_rel) > 1) return;
  free(p->cells);
  free(p->row_pattern);
  free(p->patterns);
  free(p->constants);
  free(p->constant_values);
  free(p->constant_map.slots);
  free(p->rom);
  free(p->rom_map.slots);
  free(p->marks);
  free(p->notes.copy);
  free(p->notes.row_scope);
  free(p->notes.row_name);
  free(p->notes.cell_of);
  free(p->notes.merges);
  free(p->notes.lookups);
  free(p->notes.tree);
  free(p->notes.rom_writes);
  free(p->notes.range_rows);
  free(p);
}
