/* The checker of finished circuits: relation.h row by row, one constraint at a time. */
#include "circuit/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arith/relation_fr.h"
#include "circuit/builder_internal.h"

static const char *part_names[HF_PART_COUNT] = {
    "public input",        "arithmetic",     "Merkle update", "doubling", "child selection and round",
    "full round",          "partial rounds", "middle rounds", "Edwards addition",
    "non-native identity", "range lookup",   "ROM",           "copy"};

const char *hf_part_name(hf_part part) { return part < HF_PART_COUNT ? part_names[part] : "unknown"; }

/* ---- access ---- */

static bool on(const hf_circuit *c, int column, uint32_t row) {
  return !hf_fr_is_zero(c->fixed[column][row]);
}

static hf_rel_row row_of(const hf_circuit *c, uint32_t r) {
  hf_rel_row row;
  uint32_t next = (r + 1) & (c->notes->n - 1);
  memset(&row, 0, sizeof row);
  for (int i = 0; i < HF_WIRES; i++) {
    row.w[i] = c->wires[i][r];
    row.wn[i] = c->wires[i][next];
  }
  for (int i = 0; i < HF_FIXED_COUNT; i++) row.f[i] = c->fixed[i][r];
  return row;
}

static bool disabled(const hf_circuit *c, uint32_t row, unsigned part, unsigned index) {
  for (size_t i = 0; i < c->disabled_count; i++)
    if (c->disabled[i].row == row && c->disabled[i].part == part && c->disabled[i].index == index) return true;
  return false;
}

/* The next cell of the cycle that is not taken out; the cell itself if it is. */
static uint32_t next_copy(const hf_circuit *c, uint32_t cell) {
  if (!c->disabled_count) return c->notes->copy[cell];
  if (disabled(c, cell / HF_WIRES, HF_PART_COPY, cell % HF_WIRES)) return cell;
  uint32_t to = c->notes->copy[cell];
  while (to != cell && disabled(c, to / HF_WIRES, HF_PART_COPY, to % HF_WIRES)) to = c->notes->copy[to];
  return to;
}

static bool identity_starts(const hf_circuit *c, uint32_t r) {
  return on(c, HF_S_NONNATIVE, r) && on(c, HF_Q4, r);
}

static uint32_t identity_start_of(const hf_circuit *c, uint32_t r) {
  while (r && !identity_starts(c, r)) r--;
  return r;
}

/* ---- ROM ---- */

static int rom_compare_keys(const hf_circuit *c, hf_fr table, hf_fr address, uint32_t row) {
  int order = memcmp(&table, &c->fixed[HF_QC][row], sizeof table);
  return order ? order : memcmp(&address, &c->fixed[HF_Q5][row], sizeof address);
}

static int rom_compare(const void *x, const void *y, void *context) {
  const hf_circuit *c = context;
  uint32_t r = *(const uint32_t *)x, s = *(const uint32_t *)y;
  return rom_compare_keys(c, c->fixed[HF_QC][r], c->fixed[HF_Q5][r], s);
}

static bool is_write(const hf_circuit *c, uint32_t r) {
  return hf_fr_eq(c->fixed[HF_ROM][r], hf_fr_neg(hf_fr_one()));
}

static bool is_read(const hf_circuit *c, uint32_t r) { return hf_fr_eq(c->fixed[HF_ROM][r], hf_fr_one()); }

hf_status hf_rom_index_make(hf_circuit *c) {
  hf_circuit_notes *n = c->notes;
  for (uint32_t r = 0; r < c->used_rows; r++) n->rom_write_count += is_write(c, r);
  n->rom_writes = malloc((n->rom_write_count + 1) * sizeof *n->rom_writes);
  if (!n->rom_writes) return hf_fail(HF_E_MEMORY, "circuit: no memory for %zu ROM rows", n->rom_write_count);
  size_t at = 0;
  for (uint32_t r = 0; r < c->used_rows; r++)
    if (is_write(c, r)) n->rom_writes[at++] = r;
  qsort_r(n->rom_writes, at, sizeof *n->rom_writes, rom_compare, c);
  for (size_t i = 1; i < at; i++)
    if (!rom_compare(&n->rom_writes[i - 1], &n->rom_writes[i], c))
      return hf_fail(HF_E_INTERNAL, "ROM rows %u and %u write one address", n->rom_writes[i - 1],
                     n->rom_writes[i]);
  return HF_OK;
}

/* The write row of a read row, UINT32_MAX if none. */
static uint32_t rom_source(const hf_circuit *c, uint32_t read) {
  size_t low = 0, high = c->notes->rom_write_count;
  while (low < high) {
    size_t middle = (low + high) / 2;
    uint32_t row = c->notes->rom_writes[middle];
    int order = rom_compare_keys(c, c->fixed[HF_QC][read], c->wires[4][read], row);
    if (!order) return row;
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return UINT32_MAX;
}

static hf_fr tuple_wire(const hf_circuit *c, uint32_t r, int wire) {
  return wire < 2 && on(c, HF_S_EDWARDS, r) ? hf_fr_zero() : c->wires[wire][r];
}

static bool rom_read_holds(const hf_circuit *c, uint32_t r) {
  uint32_t source = rom_source(c, r);
  if (source == UINT32_MAX) return false;
  if (disabled(c, source, HF_PART_ROM, 0)) return true; /* the prover may write what he likes there */
  for (int i = 0; i < 4; i++)
    if (!hf_fr_eq(tuple_wire(c, r, i), tuple_wire(c, source, i))) return false;
  return true;
}

/* ---- multiplicities ---- */

static uint32_t table_index(const hf_circuit *c, hf_fr value) {
  hf_fr l = hf_fr_to_limbs(value);
  return l.l[1] | l.l[2] | l.l[3] || l.l[0] >> c->table_width ? UINT32_MAX : (uint32_t)l.l[0];
}

typedef struct range_run {
  const hf_circuit *circuit;
  atomic_uint *counts;
} range_run;

static void count_range_rows(void *context, size_t begin, size_t end, unsigned worker) {
  const range_run *run = context;
  const hf_circuit *c = run->circuit;
  unsigned zeros = 0; /* wires that nobody uses: one counter for all would be waited for */
  (void)worker;
  for (size_t k = begin; k < end; k++) {
    uint32_t r = c->notes->range_rows[k];
    for (int i = 0; i < 4; i++) {
      uint32_t index = hf_fr_is_zero(c->wires[i][r]) ? 0 : table_index(c, c->wires[i][r]);
      if (index == 0)
        zeros++;
      else if (index != UINT32_MAX)
        atomic_fetch_add_explicit(&run->counts[index], 1, memory_order_relaxed);
    }
  }
  atomic_fetch_add_explicit(&run->counts[0], zeros, memory_order_relaxed);
}

/* counts[2^width]; NULL if memory ends. */
static atomic_uint *range_counts(const hf_circuit *c, hf_pool *pool) {
  range_run run = {c, calloc((size_t)1 << c->table_width, sizeof *run.counts)};
  if (run.counts) hf_pool_run(pool, c->notes->range_row_count, 1024, count_range_rows, &run);
  return run.counts;
}

void hf_recount_range(hf_circuit *c, hf_pool *pool) {
  atomic_uint *counts = range_counts(c, pool);
  if (!counts) return; /* the check of multiplicities will say so */
  for (uint32_t i = 0; i < 1u << c->table_width; i++) c->multiplicity[i] = hf_fr_from_u64(counts[i]);
  free(counts);
}

static uint32_t *rom_counts(const hf_circuit *c) {
  uint32_t *counts = calloc(c->used_rows + 1, sizeof *counts);
  if (!counts) return NULL;
  for (uint32_t r = 0; r < c->used_rows; r++) {
    uint32_t source = is_read(c, r) ? rom_source(c, r) : UINT32_MAX;
    if (source != UINT32_MAX) counts[source]++;
  }
  return counts;
}

void hf_circuit_recount(hf_circuit *c) {
  hf_recount_range(c, NULL);
  uint32_t *counts = rom_counts(c);
  if (!counts) return;
  for (size_t i = 0; i < c->notes->rom_write_count; i++) {
    uint32_t r = c->notes->rom_writes[i];
    c->wires[4][r] = hf_fr_from_u64(counts[r]);
  }
  free(counts);
}

/* ---- constraints of a row ---- */

static const struct {
  int column;
  uint8_t part, count;
} gates[] = {{HF_S_MERKLE, HF_PART_MERKLE, 6},
             {HF_S_FULL, HF_PART_FULL, 4},
             {HF_S_PARTIAL, HF_PART_PARTIAL, 5},
             {HF_S_MIDDLE, HF_PART_MIDDLE, 5},
             {HF_S_EDWARDS, HF_PART_EDWARDS, 2}};

typedef struct collector {
  const hf_circuit *circuit;
  hf_constraint *list;  /* enumeration */
  hf_failure *failures; /* check */
  size_t capacity, count;
  bool check;
} collector;

static void where(const hf_circuit *c, uint32_t row, char path[128]) {
  path[0] = 0;
  if (row >= c->used_rows) return;
  uint32_t chain[16];
  size_t depth = 0, length = 0;
  for (uint32_t s = c->notes->row_scope[row]; s && depth < 16; s = c->notes->tree[s].parent)
    chain[depth++] = s;
  while (depth-- > 0 && length < 120) {
    int wrote =
        snprintf(path + length, 128 - length, "%s%s", length ? "/" : "", c->notes->tree[chain[depth]].name);
    length += wrote > 0 ? (size_t)wrote : 0;
  }
}

void hf_circuit_where(const hf_circuit *c, uint32_t row, char path[128], const char **name) {
  where(c, row, path);
  *name = row < c->used_rows ? c->notes->row_name[row] : "padding";
}

static void hex(hf_fr value, char out[67]) {
  hf_fr l = hf_fr_to_limbs(value);
  char digits[65];
  snprintf(digits, sizeof digits, "%016llx%016llx%016llx%016llx", (unsigned long long)l.l[3],
           (unsigned long long)l.l[2], (unsigned long long)l.l[1], (unsigned long long)l.l[0]);
  size_t skip = 0;
  while (skip < 63 && digits[skip] == '0') skip++;
  snprintf(out, 67, "0x%s", digits + skip);
}

static const char *constraint_name(const hf_circuit *c, hf_constraint k) {
  const hf_circuit_notes *n = c->notes;
  if (k.part == HF_PART_RANGE)
    for (size_t i = 0; i < n->lookup_count; i++)
      if (n->lookups[i].row + c->public_count == k.row && n->lookups[i].wire == k.index)
        return n->lookups[i].name;
  if (k.part == HF_PART_COPY) {
    /* the assertion that tied two variables of different values */
    for (size_t i = 0; i < n->merge_count; i++) {
      uint32_t x = n->cell_of[n->merges[i].x], y = n->cell_of[n->merges[i].y];
      if (x == UINT32_MAX || y == UINT32_MAX) continue;
      if (!hf_fr_eq(c->wires[x % HF_WIRES][x / HF_WIRES], c->wires[y % HF_WIRES][y / HF_WIRES]))
        return n->merges[i].name;
    }
    return "copy";
  }
  return k.row < c->used_rows ? n->row_name[k.row] : "padding";
}

static void describe(const hf_circuit *c, hf_failure *f) {
  hf_constraint k = f->constraint;
  char path[128], values[HF_WIRES][67];
  f->name = constraint_name(c, k);
  where(c, k.row, path);
  for (int i = 0; i < HF_WIRES; i++) hex(c->wires[i][k.row], values[i]);
  int length = snprintf(f->message, sizeof f->message,
                        "\"%s\" does not hold: %s %u in %s, row %u: a=%s b=%s c=%s d=%s e=%s", f->name,
                        part_names[k.part], k.index, path[0] ? path : "the circuit", k.row, values[0],
                        values[1], values[2], values[3], values[4]);
  bool next = k.part >= HF_PART_ARITHMETIC && k.part <= HF_PART_EDWARDS;
  if (k.part == HF_PART_COPY) {
    uint32_t to = c->notes->copy[HF_WIRES * k.row + k.index];
    hex(c->wires[to % HF_WIRES][to / HF_WIRES], values[0]);
    snprintf(f->message + length, sizeof f->message - (size_t)length, "; wire %c of row %u, its copy, is %s",
             "abcde"[to % HF_WIRES], to / HF_WIRES, values[0]);
  } else if (next && k.row + 1 < c->notes->n) {
    for (int i = 0; i < HF_WIRES; i++) hex(c->wires[i][k.row + 1], values[i]);
    snprintf(f->message + length, sizeof f->message - (size_t)length, "; next row: a=%s b=%s c=%s d=%s e=%s",
             values[0], values[1], values[2], values[3], values[4]);
  }
}

static void add(collector *k, uint32_t row, unsigned part, unsigned index, bool holds) {
  hf_constraint constraint = {row, (uint8_t)part, (uint8_t)index};
  if (!k->check) {
    if (k->count < k->capacity && k->list) k->list[k->count] = constraint;
    k->count++;
    return;
  }
  if (holds || k->count >= k->capacity || disabled(k->circuit, row, part, index)) return;
  k->failures[k->count].constraint = constraint;
  describe(k->circuit, &k->failures[k->count]);
  k->count++;
}

/* The sum of an identity at a point drawn from its values. */
static bool identity_holds(const hf_circuit *c, uint32_t start) {
  hf_digest_state state;
  hf_digest digest;
  uint32_t end = start;
  do end++;
  while (on(c, HF_S_NONNATIVE, end) && !on(c, HF_Q4, end));
  hf_digest_init(&state);
  for (uint32_t r = start; r <= end; r++)
    for (int i = 0; i < 4; i++) hf_digest_update(&state, &c->wires[i][r], sizeof(hf_fr));
  hf_digest_final(&state, &digest);
  digest.b[31] &= 0x1f;
  hf_fr sum = hf_fr_zero();
  hf_rel_challenges ch = {.chi = hf_fr_zero()};
  if (!hf_fr_from_bytes(digest.b, &ch.chi)) return false;
  hf_rel_derive(&ch);
  for (uint32_t r = start; r < end; r++) {
    hf_rel_row row = row_of(c, r);
    sum = hf_fr_add(sum, hf_rel_nonnative_term(&row, &ch));
  }
  return hf_fr_is_zero(sum);
}

static void row_gates(collector *k, uint32_t r) {
  const hf_circuit *c = k->circuit;
  hf_rel_row row;
  hf_fr out[6];
  row = row_of(c, r);
  if (r < c->public_count) {
    add(k, r, HF_PART_PUBLIC, 0, hf_fr_eq(hf_rel_gate_arithmetic(&row), c->public_inputs[r]));
  } else if (hf_fr_eq(c->fixed[HF_S_ARITHMETIC][r], hf_fr_one())) {
    add(k, r, HF_PART_ARITHMETIC, 0, hf_fr_is_zero(hf_rel_gate_arithmetic(&row)));
  } else if (hf_fr_eq(c->fixed[HF_S_ARITHMETIC][r], hf_fr_from_u64(3))) {
    hf_rel_gate_double(&row, out);
    for (unsigned i = 0; i < 4; i++) add(k, r, HF_PART_DOUBLE, i, hf_fr_is_zero(out[i]));
  } else if (on(c, HF_S_ARITHMETIC, r)) {
    hf_rel_gate_update(&row, out);
    for (unsigned i = 0; i < 5; i++) add(k, r, HF_PART_UPDATE, i, hf_fr_is_zero(out[i]));
  }
  for (size_t g = 0; g < sizeof gates / sizeof gates[0]; g++) {
    if (!on(c, gates[g].column, r)) continue;
    switch (gates[g].part) {
    case HF_PART_MERKLE:
      hf_rel_gate_merkle(&row, out);
      break;
    case HF_PART_FULL:
      hf_rel_gate_full(&row, out);
      break;
    case HF_PART_PARTIAL:
      hf_rel_gate_partial(&row, out);
      break;
    case HF_PART_MIDDLE:
      hf_rel_gate_middle(&row, out);
      break;
    default:
      hf_rel_gate_edwards(&row, out);
    }
    for (unsigned i = 0; i < gates[g].count; i++) add(k, r, gates[g].part, i, hf_fr_is_zero(out[i]));
  }
  if (identity_starts(c, r)) add(k, r, HF_PART_NONNATIVE, 0, !k->check || identity_holds(c, r));
  if (on(c, HF_S_RANGE, r))
    for (unsigned i = 0; i < 4; i++)
      add(k, r, HF_PART_RANGE, i, table_index(c, c->wires[i][r]) != UINT32_MAX);
  if (is_write(c, r)) add(k, r, HF_PART_ROM, 0, true);
  if (is_read(c, r)) add(k, r, HF_PART_ROM, 0, !k->check || rom_read_holds(c, r));
  for (unsigned i = 0; i < HF_WIRES; i++) {
    uint32_t cell = HF_WIRES * r + i;
    if (c->notes->copy[cell] == cell) continue;
    uint32_t to = next_copy(c, cell);
    add(k, r, HF_PART_COPY, i, hf_fr_eq(c->wires[i][r], c->wires[to % HF_WIRES][to / HF_WIRES]));
  }
}

size_t hf_circuit_constraints(const hf_circuit *circuit, hf_constraint *out, size_t capacity) {
  collector k = {.circuit = circuit, .list = out, .capacity = capacity};
  for (uint32_t r = 0; r < circuit->used_rows; r++) row_gates(&k, r);
  return k.count;
}

static hf_status check_multiplicities(collector *k) {
  const hf_circuit *c = k->circuit;
  atomic_uint *range = range_counts(c, NULL);
  uint32_t *rom = rom_counts(c);
  if (!range || !rom) {
    free(range);
    free(rom);
    return hf_fail(HF_E_MEMORY, "circuit: no memory to count lookups");
  }
  for (uint32_t i = 0; i < c->notes->n && k->count < k->capacity; i++) {
    hf_fr expected = hf_fr_from_u64(i >> c->table_width ? 0 : range[i]);
    if (hf_fr_eq(c->multiplicity[i], expected)) continue;
    hf_failure *f = &k->failures[k->count++];
    f->constraint = (hf_constraint){i, HF_PART_RANGE, 4};
    f->name = "range multiplicity";
    snprintf(f->message, sizeof f->message, "\"%s\" is wrong on row %u", f->name, i);
  }
  for (size_t i = 0; i < c->notes->rom_write_count && k->count < k->capacity; i++) {
    uint32_t r = c->notes->rom_writes[i];
    if (hf_fr_eq(c->wires[4][r], hf_fr_from_u64(rom[r]))) continue;
    hf_failure *f = &k->failures[k->count++];
    f->constraint = (hf_constraint){r, HF_PART_ROM, 1};
    f->name = "ROM multiplicity";
    snprintf(f->message, sizeof f->message, "\"%s\" is wrong on row %u", f->name, r);
  }
  free(range);
  free(rom);
  return HF_OK;
}

hf_status hf_circuit_failures(const hf_circuit *circuit, hf_failure *out, size_t capacity, size_t *count) {
  collector k = {.circuit = circuit, .failures = out, .capacity = capacity, .check = true};
  *count = 0;
  if (!circuit->fixed[0]) return hf_fail(HF_E_STATE, "the circuit follows a plan: hf_circuit_complete comes before checks");
  for (uint32_t r = 0; r < circuit->used_rows && k.count < capacity; r++) row_gates(&k, r);
  hf_status status = HF_OK;
  if (!circuit->disabled_count) status = check_multiplicities(&k);
  *count = k.count;
  return status;
}

hf_status hf_circuit_check(const hf_circuit *circuit) {
  hf_failure first;
  size_t count;
  hf_status status = hf_circuit_failures(circuit, &first, 1, &count);
  if (status != HF_OK) return status;
  return count ? hf_fail(HF_E_UNSATISFIED, "%s", first.message) : HF_OK;
}

hf_status hf_circuit_check_rows(const hf_circuit *circuit, const uint32_t *rows, size_t count, bool *ok) {
  hf_failure first;
  collector k = {.circuit = circuit, .failures = &first, .capacity = 1, .check = true};
  *ok = false;
  bool writes = false;
  for (size_t i = 0; i < count; i++) {
    uint32_t r = rows[i];
    if (r >= circuit->used_rows)
      return hf_fail(HF_E_ARGUMENT, "row %u: the circuit has %u", r, circuit->used_rows);
    writes |= is_write(circuit, r);
    for (uint32_t s = r ? r - 1 : 0; s <= r; s++) {
      row_gates(&k, s);
      if (on(circuit, HF_S_NONNATIVE, s)) row_gates(&k, identity_start_of(circuit, s));
    }
  }
  for (uint32_t r = 0; writes && r < circuit->used_rows && !k.count; r++)
    if (is_read(circuit, r)) row_gates(&k, r);
  *ok = k.count == 0;
  return HF_OK;
}

/* ---- changes ---- */

hf_status hf_circuit_disable(hf_circuit *circuit, hf_constraint constraint) {
  if (circuit->disabled_count == circuit->disabled_capacity) {
    size_t capacity = circuit->disabled_capacity ? 2 * circuit->disabled_capacity : 8;
    hf_constraint *p = realloc(circuit->disabled, capacity * sizeof *p);
    if (!p) return hf_fail(HF_E_MEMORY, "circuit: no memory for %zu constraints", capacity);
    circuit->disabled = p;
    circuit->disabled_capacity = capacity;
  }
  circuit->disabled[circuit->disabled_count++] = constraint;
  return HF_OK;
}

void hf_circuit_enable_all(hf_circuit *circuit) { circuit->disabled_count = 0; }

size_t hf_circuit_set_class(hf_circuit *circuit, uint32_t row, unsigned wire, hf_fr value, uint32_t *rows,
                            size_t capacity) {
  if (row >= circuit->notes->n || wire >= HF_WIRES) return 0;
  uint32_t start = HF_WIRES * row + wire, cell = start;
  size_t count = 0;
  do {
    uint32_t r = cell / HF_WIRES;
    circuit->wires[cell % HF_WIRES][r] = value;
    if (r < circuit->public_count && cell % HF_WIRES == 0) circuit->public_inputs[r] = value;
    if (rows && count < capacity) rows[count] = r;
    count++;
    cell = next_copy(circuit, cell);
  } while (cell != start);
  return count;
}
