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

static void fixed_row(hf_circuit *c, size_t row, const hf_pattern *p) {
  for (int i = 0; i < HF_PATTERN_Q; i++) c->fixed[HF_Q1 + i][row] = p->q[i];
  for (int i = 0; i < 8; i++)
    if (p->on & selector_bits[i]) c->fixed[HF_S_ARITHMETIC + i][row] = hf_fr_one();
  if (p->on & HF_ON_UPDATE) c->fixed[HF_S_ARITHMETIC][row] = hf_fr_from_u64(2);
  if (p->on & HF_ON_DOUBLE) c->fixed[HF_S_ARITHMETIC][row] = hf_fr_from_u64(3);
  if (p->on & HF_ON_ROM_READ) c->fixed[HF_ROM][row] = hf_fr_one();
  if (p->on & HF_ON_ROM_WRITE) c->fixed[HF_ROM][row] = hf_fr_neg(hf_fr_one());
}

/* ---- columns: loops over rows, shared by threads ---- */

#define HF_ROWS_GRAIN 4096

typedef struct columns_run {
  hf_circuit *circuit;
  const hf_fr *value; /* of variables */
  const hf_fr *roots; /* omega^row */
  hf_fr *roots_out;
} columns_run;

static void fill_wires(void *context, size_t begin, size_t end, unsigned worker) {
  const columns_run *run = context;
  hf_circuit *c = run->circuit;
  (void)worker;
  for (size_t r = begin; r < end; r++) {
    const uint32_t *w = c->plan->cells[r];
    for (int i = 0; i < HF_WIRES; i++)
      if (w[i] != HF_NO_VAR) c->wires[i][r] = run->value[w[i]];
    if (r < c->public_count) c->public_inputs[r] = c->wires[0][r];
  }
}

static void fill_fixed(void *context, size_t begin, size_t end, unsigned worker) {
  hf_circuit *c = ((const columns_run *)context)->circuit;
  (void)worker;
  for (size_t r = begin; r < end; r++) fixed_row(c, r, &c->plan->patterns[c->plan->row_pattern[r]]);
}

static void fill_roots(void *context, size_t begin, size_t end, unsigned worker) {
  const columns_run *run = context;
  hf_fr w = hf_fr_root_of_unity((int)run->circuit->log_n), x = hf_fr_pow_u64(w, begin);
  (void)worker;
  for (size_t r = begin; r < end; r++, x = hf_fr_mul(x, w)) run->roots_out[r] = x;
}

static void fill_sigma(void *context, size_t begin, size_t end, unsigned worker) {
  const columns_run *run = context;
  const uint32_t *copy = run->circuit->notes->copy;
  hf_fr k[HF_WIRES] = {hf_fr_one()};
  (void)worker;
  for (int i = 1; i < HF_WIRES; i++) k[i] = hf_relation_constants[HF_RC_K1 + i - 1];
  for (size_t r = begin; r < end; r++)
    for (size_t i = 0; i < HF_WIRES; i++) {
      uint32_t to = copy[HF_WIRES * r + i];
      run->circuit->fixed[HF_SIGMA1 + i][r] = hf_fr_mul(k[to % HF_WIRES], run->roots[to / HF_WIRES]);
    }
}

static void free_fixed(hf_circuit *c) {
  for (int i = 0; i < HF_FIXED_COUNT; i++) {
    free(c->fixed[i]);
    c->fixed[i] = NULL;
  }
}

hf_status hf_circuit_complete(hf_circuit *c, hf_pool *pool) {
  size_t n = (size_t)1 << c->log_n;
  if (c->fixed[0]) return HF_OK;
  hf_fr *roots = malloc(n * sizeof *roots);
  bool ok = roots != NULL;
  for (int i = 0; i < HF_FIXED_COUNT; i++) ok &= (c->fixed[i] = calloc(n, sizeof(hf_fr))) != NULL;
  if (!ok) {
    free_fixed(c);
    free(roots);
    return hf_fail(HF_E_MEMORY, "circuit: no memory for the fixed columns of 2^%u rows", c->log_n);
  }
  columns_run run = {.circuit = c, .roots = roots, .roots_out = roots};
  hf_pool_run(pool, c->used_rows, HF_ROWS_GRAIN, fill_fixed, &run);
  hf_pool_run(pool, n, HF_ROWS_GRAIN, fill_roots, &run);
  hf_pool_run(pool, n, HF_ROWS_GRAIN, fill_sigma, &run);
  for (uint32_t i = 0; i < 1u << c->table_width; i++) c->fixed[HF_TABLE_RANGE][i] = hf_fr_from_u64(i);
  free(roots);
  return HF_OK;
}

/* The circuit of a plan with the builder's values; it becomes an owner of the plan. */
static hf_status circuit_make(const hf_builder *b, hf_circuit_plan *plan, hf_circuit **out) {
  size_t n = (size_t)1 << plan->log_n;
  hf_circuit *c = calloc(1, sizeof *c);
  *out = c;
  if (!c) return hf_fail(HF_E_MEMORY, "circuit: no memory");
  atomic_fetch_add_explicit(&plan->owners, 1, memory_order_relaxed);
  c->plan = plan;
  c->notes = &plan->notes;
  c->log_n = plan->log_n;
  c->table_width = plan->options.table_width;
  c->used_rows = plan->used_rows;
  c->public_count = plan->public_count;
  c->foldable = plan->options.foldable;
  c->seal = plan->options.seal;
  bool ok = (c->multiplicity = calloc(n, sizeof(hf_fr))) != NULL;
  ok &= (c->public_inputs = calloc(c->public_count + 1, sizeof(hf_fr))) != NULL;
  for (int i = 0; i < HF_WIRES; i++) ok &= (c->wires[i] = calloc(n, sizeof(hf_fr))) != NULL;
  if (!ok) return hf_fail(HF_E_MEMORY, "circuit: no memory for 2^%u rows", c->log_n);
  columns_run run = {.circuit = c, .value = b->value};
  hf_pool_run(b->options.pool, c->used_rows, HF_ROWS_GRAIN, fill_wires, &run);
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

const hf_scope_rows *hf_circuit_scopes(const hf_circuit *circuit, size_t *count) {
  *count = circuit->notes->scope_count;
  return circuit->notes->tree;
}

/* The number of rows that the circuit needs with what is public and random. */
static hf_status circuit_size(const hf_builder *b, unsigned *log_n) {
  const hf_builder_options *o = &b->options;
  uint64_t used = b->row_count + b->public_count;
  unsigned max = o->max_log_n ? o->max_log_n : HF_DEFAULT_MAX_LOG_N;
  *log_n = o->min_log_n > o->table_width ? o->min_log_n : o->table_width;
  while ((1ull << *log_n) < used + HF_BLIND_ROWS + 1) ++*log_n;
  return *log_n > max ? hf_fail(HF_E_RANGE, "the circuit needs 2^%u rows, more than 2^%u", *log_n, max) : HF_OK;
}

hf_status hf_builder_finish(hf_builder *b, hf_circuit **out) {
  hf_status status = HF_OK;
  hf_circuit *c = NULL;
  hf_circuit_plan *laid = NULL;
  unsigned log_n;
  *out = NULL;
  hf_builder_flush(b);
  if (b->scope != 0) hf_builder_fail(b, HF_E_STATE, "scope \"%s\" was not ended", b->scopes[b->scope].name);
  if ((b->options.foldable || b->options.seal) && !b->instance_set)
    hf_builder_fail(b, HF_E_STATE, "a %s circuit must call %s", b->options.seal ? "seal" : "foldable",
                    b->options.seal ? "hf_public_seal" : "hf_public_statement");
  if (b->options.foldable && b->options.seal)
    hf_builder_fail(b, HF_E_ARGUMENT, "a seal is not foldable");
  if (b->plan) hf_plan_check(b);
  if (b->status != HF_OK) return hf_fail(b->status, "%s", b->message);

  for (size_t i = 0; i < b->rom_count; i++)
    b->value[b->rom[i].multiplicity] = hf_fr_from_u64(b->plan ? b->reads[i] : b->rom[i].reads);
  if (!b->plan) {
    HF_TRY(circuit_size(b, &log_n));
    HF_TRY(hf_plan_make(b, log_n, &laid));
  }
  HF_TRY(circuit_make(b, laid ? laid : b->options.plan, &c));
  if (laid) {
    HF_TRY(hf_circuit_complete(c, b->options.pool));
    HF_TRY(hf_rom_index_make(c));
    HF_TRY(audit(c));
  }
  hf_recount_range(c, b->options.pool);
  hf_builder_fail(b, HF_E_STATE, "the builder was finished before");
  *out = c;
  c = NULL;
out:
  hf_circuit_plan_release(&laid);
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
  free_fixed(c);
  for (int i = 0; i < HF_WIRES; i++) wipe(c->wires[i], n);
  wipe(c->multiplicity, n);
  free(c->public_inputs);
  free(c->disabled);
  hf_circuit_plan_release(&c->plan);
  free(c);
}

hf_digest hf_circuit_structure_digest(const hf_circuit *circuit) {
  if (circuit->plan->has_digest) return circuit->plan->digest;
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
