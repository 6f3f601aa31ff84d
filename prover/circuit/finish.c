/* From rows to columns: the preamble, public rows, padding, the copy permutation. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "circuit/builder_internal.h"
#include "circuit/check.h"
#include "circuit/edwards.h"
#include "circuit/hash.h"

#define HF_DEFAULT_MAX_LOG_N 22

/* Every gate once on fixed values, so that no fixed column is zero everywhere. Nothing depends on it. */
void hf_preamble(hf_builder *b) {
  hf_scope_begin(b, "preamble");
  hf_var zero = hf_zero(b), one = hf_one(b), state[4] = {zero, one, zero, one};
  /* all nine coefficients, distinct: 1 + 2 + 3 + 4 + 5 + 6 + 7 + 8 - 36 on ones */
  hf_pattern p;
  memset(&p, 0, sizeof p);
  p.on = HF_ON_ARITHMETIC;
  for (int i = 0; i < HF_PATTERN_Q; i++) p.q[i] = hf_fr_from_u64((uint64_t)i + 1);
  p.q[HF_QC] = hf_fr_neg(hf_fr_from_u64(36));
  uint32_t ones[HF_WIRES] = {one.id, one.id, one.id, one.id, one.id};
  uint32_t zeros[HF_WIRES] = {zero.id, zero.id, zero.id, zero.id, HF_NO_VAR};
  uint32_t next[HF_WIRES] = {HF_NO_VAR, HF_NO_VAR, HF_NO_VAR, HF_NO_VAR, one.id};
  hf_row_lay(b, hf_pattern_intern(b, &p), ones, next, "preamble: arithmetic");
  memset(&p, 0, sizeof p);
  p.on = HF_ON_RANGE;
  hf_row_lay(b, hf_pattern_intern(b, &p), zeros, NULL, "preamble: range");
  p.on = HF_ON_NONNATIVE;
  p.q[HF_Q1] = p.q[HF_Q4] = hf_fr_one();
  hf_row_lay(b, hf_pattern_intern(b, &p), zeros, NULL, "preamble: non-native");
  hf_rom rom = hf_rom_create(b);
  hf_var values[4] = {zero, zero, zero, zero};
  hf_rom_write(b, rom, 0, values);
  memset(&p, 0, sizeof p);
  p.on = HF_ON_ROM_READ;
  p.q[HF_QC] = hf_fr_from_u64(rom.id);
  zeros[4] = zero.id;
  hf_row_lay(b, hf_pattern_intern(b, &p), zeros, NULL, "preamble: ROM read");
  hf_rom_count_read(b, rom, hf_fr_zero());
  memset(&p, 0, sizeof p);
  p.on = HF_ON_UPDATE;
  for (int i = 0; i < HF_WIRES; i++) next[i] = zero.id;
  hf_row_lay(b, hf_pattern_intern(b, &p), zeros, next, "preamble: update");
  p.on = HF_ON_DOUBLE;
  uint32_t identity[HF_WIRES] = {zero.id, one.id, zero.id, one.id, HF_NO_VAR};
  next[1] = one.id;
  next[2] = next[3] = next[4] = HF_NO_VAR;
  hf_row_lay(b, hf_pattern_intern(b, &p), identity, next, "preamble: double");
  hf_point_add(b, (hf_point){zero, one}, (hf_point){zero, one});
  hf_permute(b, state, state);
  hf_scope_end(b);
}

static const unsigned selector_bits[] = {HF_ON_ARITHMETIC, HF_ON_MERKLE,  HF_ON_FULL,      HF_ON_PARTIAL,
                                         HF_ON_MIDDLE,     HF_ON_EDWARDS, HF_ON_NONNATIVE, HF_ON_RANGE};

static void fixed_row(hf_circuit *c, uint32_t row, const hf_pattern *p) {
  for (int i = 0; i < HF_PATTERN_Q; i++) c->fixed[HF_Q1 + i][row] = p->q[i];
  for (int i = 0; i < 8; i++)
    if (p->on & selector_bits[i]) c->fixed[HF_S_ARITHMETIC + i][row] = hf_fr_one();
  if (p->on & HF_ON_UPDATE) c->fixed[HF_S_ARITHMETIC][row] = hf_fr_from_u64(2);
  if (p->on & HF_ON_DOUBLE) c->fixed[HF_S_ARITHMETIC][row] = hf_fr_from_u64(3);
  if (p->on & HF_ON_ROM_READ) c->fixed[HF_ROM][row] = hf_fr_one();
  if (p->on & HF_ON_ROM_WRITE) c->fixed[HF_ROM][row] = hf_fr_neg(hf_fr_one());
}

static hf_status circuit_alloc(hf_builder *b, hf_circuit **out, unsigned log_n, uint32_t used) {
  size_t n = (size_t)1 << log_n;
  hf_circuit *c = calloc(1, sizeof *c);
  hf_circuit_notes *notes = calloc(1, sizeof *notes);
  *out = c;
  if (!c || !notes) {
    free(notes);
    return hf_fail(HF_E_MEMORY, "circuit: no memory");
  }
  c->notes = notes;
  c->log_n = log_n;
  c->table_width = b->options.table_width;
  c->used_rows = used;
  c->public_count = (uint32_t)b->public_count;
  c->foldable = b->options.foldable;
  c->seal = b->options.seal;
  bool ok = true;
  for (int i = 0; i < HF_FIXED_COUNT; i++) ok &= (c->fixed[i] = calloc(n, sizeof(hf_fr))) != NULL;
  for (int i = 0; i < HF_WIRES; i++) ok &= (c->wires[i] = calloc(n, sizeof(hf_fr))) != NULL;
  ok &= (c->multiplicity = calloc(n, sizeof(hf_fr))) != NULL;
  ok &= (c->public_inputs = calloc(b->public_count + 1, sizeof(hf_fr))) != NULL;
  notes->n = (uint32_t)n;
  ok &= (notes->copy = malloc(HF_WIRES * n * sizeof *notes->copy)) != NULL;
  ok &= (notes->row_scope = calloc(used, sizeof *notes->row_scope)) != NULL;
  ok &= (notes->row_name = calloc(used, sizeof *notes->row_name)) != NULL;
  ok &= (notes->cell_of = malloc((b->vars + 1) * sizeof *notes->cell_of)) != NULL;
  return ok ? HF_OK : hf_fail(HF_E_MEMORY, "circuit: no memory for 2^%u rows", log_n);
}

/* Wires, fixed columns and the cycles of copies. */
static hf_status fill_rows(hf_builder *b, hf_circuit *c, uint32_t *last) {
  hf_circuit_notes *notes = c->notes;
  uint32_t offset = c->public_count;
  for (size_t i = 0; i < HF_WIRES * (size_t)notes->n; i++) notes->copy[i] = (uint32_t)i;
  for (size_t v = 0; v < b->vars; v++) {
    b->parent[v] = hf_var_root(b, b->parent[v]);
    notes->cell_of[v] = last[v] = UINT32_MAX;
  }
  notes->vars = b->vars;
  for (uint32_t r = 0; r < c->used_rows; r++) {
    uint32_t publics[HF_WIRES] = {0, HF_NO_VAR, HF_NO_VAR, HF_NO_VAR, HF_NO_VAR};
    const uint32_t *w = publics;
    if (r < offset) {
      publics[0] = b->publics[r];
      c->public_inputs[r] = b->value[b->publics[r]];
      c->fixed[HF_Q1][r] = c->fixed[HF_S_ARITHMETIC][r] = hf_fr_one();
      notes->row_name[r] = "public input";
    } else {
      const hf_row *row = &b->rows[r - offset];
      w = row->w;
      fixed_row(c, r, &b->patterns[row->pattern]);
      notes->row_scope[r] = row->scope;
      notes->row_name[r] = row->name;
    }
    for (unsigned i = 0; i < HF_WIRES; i++) {
      if (w[i] == HF_NO_VAR) continue;
      uint32_t cell = HF_WIRES * r + i, root = b->parent[w[i]];
      c->wires[i][r] = b->value[w[i]];
      if (notes->cell_of[w[i]] == UINT32_MAX) notes->cell_of[w[i]] = cell;
      if (last[root] != UINT32_MAX) {
        notes->copy[cell] = notes->copy[last[root]];
        notes->copy[last[root]] = cell;
      }
      last[root] = cell;
    }
  }
  return HF_OK;
}

static hf_status fill_sigma_and_table(hf_circuit *c) {
  uint32_t n = c->notes->n;
  hf_fr *x = malloc(n * sizeof *x), w = hf_fr_root_of_unity((int)c->log_n), k[HF_WIRES] = {hf_fr_one()};
  if (!x) return hf_fail(HF_E_MEMORY, "circuit: no memory for 2^%u points", c->log_n);
  x[0] = hf_fr_one();
  for (uint32_t i = 1; i < n; i++) x[i] = hf_fr_mul(x[i - 1], w);
  for (int i = 1; i < HF_WIRES; i++) k[i] = hf_relation_constants[HF_RC_K1 + i - 1];
  for (uint32_t r = 0; r < n; r++)
    for (unsigned i = 0; i < HF_WIRES; i++) {
      uint32_t to = c->notes->copy[HF_WIRES * r + i];
      c->fixed[HF_SIGMA1 + i][r] = hf_fr_mul(k[to % HF_WIRES], x[to / HF_WIRES]);
    }
  free(x);
  for (uint32_t i = 0; i < 1u << c->table_width; i++) c->fixed[HF_TABLE_RANGE][i] = hf_fr_from_u64(i);
  return HF_OK;
}

/* What must hold for every circuit whatever its author did. */
static hf_status audit(const hf_circuit *c) {
  uint32_t n = c->notes->n;
  for (int i = 0; i < HF_FIXED_COUNT; i++) {
    bool zero = true;
    for (uint32_t r = 0; r < n && zero; r++) zero = hf_fr_is_zero(c->fixed[i][r]);
    if (zero) return hf_fail(HF_E_INTERNAL, "fixed column %d is zero everywhere", i);
    for (int j = 0; j < i; j++)
      if (!memcmp(c->fixed[i], c->fixed[j], n * sizeof(hf_fr)))
        return hf_fail(HF_E_INTERNAL, "fixed columns %d and %d are equal", j, i);
  }
  /* No gate on the blinding rows, nor on the row that reads into them. */
  for (uint32_t r = n - HF_BLIND_ROWS - 1; r < n; r++)
    for (int i = HF_Q1; i <= HF_ROM; i++)
      if (!hf_fr_is_zero(c->fixed[i][r])) return hf_fail(HF_E_INTERNAL, "a gate on blinding row %u", r);
  return HF_OK;
}

static hf_status scope_tree(hf_builder *b, hf_circuit *c) {
  hf_circuit_notes *notes = c->notes;
  size_t count = b->scope_count + 1;
  notes->tree = calloc(count, sizeof *notes->tree);
  if (!notes->tree) return hf_fail(HF_E_MEMORY, "circuit: no memory for %zu scopes", count);
  for (size_t i = 0; i < b->scope_count; i++) {
    const hf_scope *s = &b->scopes[i];
    notes->tree[i] = (hf_scope_rows){s->name, s->parent, s->depth, 0, 0, s->entered};
  }
  for (uint32_t r = c->public_count; r < c->used_rows; r++) notes->tree[notes->row_scope[r]].own++;
  if (c->public_count) {
    notes->tree[b->scope_count] = (hf_scope_rows){"public inputs", 0, 1, c->public_count, 0, 1};
    for (uint32_t r = 0; r < c->public_count; r++) notes->row_scope[r] = (uint32_t)b->scope_count;
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

const hf_scope_rows *hf_circuit_scopes(const hf_circuit *circuit, size_t *count) {
  *count = circuit->notes->scope_count;
  return circuit->notes->tree;
}

hf_status hf_builder_finish(hf_builder *b, hf_circuit **out) {
  hf_status status = HF_OK;
  hf_circuit *c = NULL;
  uint32_t *last = NULL;
  *out = NULL;
  hf_builder_flush(b);
  if (b->scope != 0) hf_builder_fail(b, HF_E_STATE, "scope \"%s\" was not ended", b->scopes[b->scope].name);
  if ((b->options.foldable || b->options.seal) && !b->instance_set)
    hf_builder_fail(b, HF_E_STATE, "a %s circuit must call %s", b->options.seal ? "seal" : "foldable",
                    b->options.seal ? "hf_public_seal" : "hf_public_statement");
  if (b->options.foldable && b->options.seal)
    hf_builder_fail(b, HF_E_ARGUMENT, "a seal is not foldable");
  if (b->status != HF_OK) return hf_fail(b->status, "%s", b->message);

  uint32_t used = (uint32_t)(b->row_count + b->public_count);
  unsigned log_n =
      b->options.min_log_n > b->options.table_width ? b->options.min_log_n : b->options.table_width;
  unsigned max = b->options.max_log_n ? b->options.max_log_n : HF_DEFAULT_MAX_LOG_N;
  while ((1ull << log_n) < (uint64_t)used + HF_BLIND_ROWS + 1) log_n++;
  if (log_n > max) return hf_fail(HF_E_RANGE, "the circuit needs 2^%u rows, more than 2^%u", log_n, max);
  for (size_t i = 0; i < b->rom_count; i++)
    b->value[b->rom[i].multiplicity] = hf_fr_from_u64(b->rom[i].reads);

  HF_TRY(circuit_alloc(b, &c, log_n, used));
  last = malloc((b->vars + 1) * sizeof *last);
  if (!last) HF_TRY(hf_fail(HF_E_MEMORY, "circuit: no memory for %zu variables", b->vars));
  HF_TRY(fill_rows(b, c, last));
  HF_TRY(fill_sigma_and_table(c));
  HF_TRY(scope_tree(b, c));
  /* the notes take what the builder needs no more */
  c->notes->merges = b->merges;
  c->notes->merge_count = b->merge_count;
  b->merges = NULL;
  b->merge_count = b->merge_capacity = 0;
  c->notes->lookups = b->lookup_notes;
  c->notes->lookup_count = b->lookup_note_count;
  b->lookup_notes = NULL;
  b->lookup_note_count = b->lookup_note_capacity = 0;
  HF_TRY(hf_rom_index_make(c));
  hf_recount_range(c);
  HF_TRY(audit(c));
  hf_builder_fail(b, HF_E_STATE, "the builder was finished before");
  *out = c;
  c = NULL;
out:
  free(last);
  hf_circuit_destroy(&c);
  return status;
}

static void wipe(hf_fr *column, size_t n) {
  if (column) explicit_bzero(column, n * sizeof *column);
  free(column);
}

void hf_circuit_destroy(hf_circuit **circuit) {
  hf_circuit *c = *circuit;
  *circuit = NULL;
  if (!c) return;
  size_t n = (size_t)1 << c->log_n;
  for (int i = 0; i < HF_FIXED_COUNT; i++) free(c->fixed[i]);
  for (int i = 0; i < HF_WIRES; i++) wipe(c->wires[i], n);
  wipe(c->multiplicity, n);
  free(c->public_inputs);
  if (c->notes) {
    free(c->notes->copy);
    free(c->notes->row_scope);
    free(c->notes->row_name);
    free(c->notes->cell_of);
    free(c->notes->merges);
    free(c->notes->lookups);
    free(c->notes->tree);
    free(c->notes->rom_writes);
    free(c->notes->disabled);
    free(c->notes);
  }
  free(c);
}

hf_digest hf_circuit_structure_digest(const hf_circuit *circuit) {
  hf_digest_state state;
  hf_digest out;
  uint8_t head[12];
  uint32_t words[3] = {circuit->log_n, circuit->table_width, circuit->public_count};
  for (int i = 0; i < 12; i++) head[i] = (uint8_t)(words[i / 4] >> 8 * (i % 4));
  hf_digest_init(&state);
  hf_digest_update(&state, head, sizeof head);
  for (int i = 0; i < HF_FIXED_COUNT; i++)
    for (size_t r = 0; r < (size_t)1 << circuit->log_n; r++) {
      uint8_t bytes[32];
      hf_fr_to_bytes(circuit->fixed[i][r], bytes);
      hf_digest_update(&state, bytes, sizeof bytes);
    }
  hf_digest_final(&state, &out);
  return out;
}
