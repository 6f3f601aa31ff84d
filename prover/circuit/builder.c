/* The builder's core: variables, rows, scopes. */
#include "circuit/builder_internal.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <hyperfold/status.h>

#define HF_DEFAULT_MAX_LOG_N 22

hf_status hf_builder_fail(hf_builder *b, hf_status status, const char *format, ...) {
  if (b->status == HF_OK) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(b->message, sizeof b->message, format, arguments);
    va_end(arguments);
    b->status = status;
  }
  return status;
}

hf_status hf_builder_status(const hf_builder *b) { return b->status; }
bool hf_builder_ok(const hf_builder *b) { return b->status == HF_OK; }
bool hf_builder_lays(const hf_builder *b) { return b->status == HF_OK && !b->plan; }
unsigned hf_builder_table_width(const hf_builder *b) { return b->options.table_width; }
uint32_t hf_builder_rows(const hf_builder *b) { return (uint32_t)b->row_count; }

bool hf_grow(hf_builder *b, void **array, size_t *capacity, size_t need, size_t size) {
  if (need <= *capacity) return true;
  size_t c = *capacity ? *capacity : 64;
  while (c < need) c *= 2;
  void *p = realloc(*array, c * size);
  if (!p) {
    hf_builder_fail(b, HF_E_MEMORY, "circuit builder: no memory for %zu elements of %zu bytes", c, size);
    return false;
  }
  *array = p;
  *capacity = c;
  return true;
}

/* ---- maps ---- */

uint64_t hf_hash_bytes64(const void *data, size_t bytes) {
  uint64_t h = 0x9e3779b97f4a7c15ull, word;
  for (size_t i = 0; i + 8 <= bytes; i += 8) {
    memcpy(&word, (const char *)data + i, 8);
    h = (h ^ word) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  return h;
}

uint32_t *hf_map_slot(hf_map *m, uint64_t hash, hf_map_equal equal, const void *context, const void *key) {
  size_t mask = m->capacity - 1;
  for (size_t i = hash & mask;; i = (i + 1) & mask)
    if (!m->slots[i] || equal(context, m->slots[i] - 1, key)) return &m->slots[i];
}

/* Makes room for one more entry; `hash_of` rehashes. */
static bool map_reserve(hf_builder *b, hf_map *m, uint64_t (*hash_of)(const hf_builder *, uint32_t)) {
  if (m->capacity && 4 * (m->used + 1) <= 3 * m->capacity) return true;
  size_t capacity = m->capacity ? 2 * m->capacity : 256;
  uint32_t *slots = calloc(capacity, sizeof *slots);
  if (!slots) {
    hf_builder_fail(b, HF_E_MEMORY, "circuit builder: no memory for a map of %zu", capacity);
    return false;
  }
  for (size_t i = 0; i < m->capacity; i++) {
    if (!m->slots[i]) continue;
    size_t j = hash_of(b, m->slots[i] - 1) & (capacity - 1);
    while (slots[j]) j = (j + 1) & (capacity - 1);
    slots[j] = m->slots[i];
  }
  free(m->slots);
  m->slots = slots;
  m->capacity = capacity;
  return true;
}

/* ---- variables ---- */

/* As hf_grow, for the values: they are somebody's witness, and the place they leave keeps none of them. */
static bool grow_values(hf_builder *b, size_t capacity) {
  hf_fr *fresh = NULL;
  size_t room = 0;
  if (b->vars + 1 <= capacity) return true;
  if (!hf_grow(b, (void **)&fresh, &room, b->vars + 1, sizeof *fresh)) return false;
  if (b->value) {
    memcpy(fresh, b->value, b->vars * sizeof *fresh);
    explicit_bzero(b->value, b->vars * sizeof *fresh);
    free(b->value);
  }
  b->value = fresh;
  return true;
}

hf_var hf_var_new(hf_builder *b, hf_fr value) {
  if (!hf_builder_ok(b)) return (hf_var){0};
  if (b->plan) {
    if (b->vars == b->vars_capacity) {
      hf_plan_broken(b);
      return (hf_var){0};
    }
    b->value[b->vars] = value;
    return (hf_var){(uint32_t)b->vars++};
  }
  if (b->vars >= HF_NO_VAR - 1) {
    hf_builder_fail(b, HF_E_RANGE, "circuit builder: too many variables");
    return (hf_var){0};
  }
  if (!grow_values(b, b->vars_capacity) ||
      !hf_grow(b, (void **)&b->parent, &b->vars_capacity, b->vars + 1, sizeof *b->parent))
    return (hf_var){0};
  b->value[b->vars] = value;
  b->parent[b->vars] = (uint32_t)b->vars;
  return (hf_var){(uint32_t)b->vars++};
}

hf_fr hf_value(const hf_builder *b, hf_var v) { return v.id < b->vars ? b->value[v.id] : hf_fr_zero(); }

uint64_t hf_value_u64(const hf_builder *b, hf_var v) {
  hf_fr l = hf_fr_to_limbs(hf_value(b, v));
  return l.l[1] | l.l[2] | l.l[3] ? 0 : l.l[0];
}

hf_var hf_hint(hf_builder *b, hf_fr value, const char *name) {
  uint32_t number = b->hints++;
  if (b->options.hint_hook) b->options.hint_hook(b->options.hint_context, number, name, &value);
  return hf_var_new(b, value);
}

static bool constant_equal(const void *context, uint32_t index, const void *key) {
  const hf_builder *b = context;
  return hf_fr_eq(b->value[b->constants[index]], *(const hf_fr *)key);
}

static uint64_t constant_hash(const hf_builder *b, uint32_t index) {
  return hf_hash_bytes64(&b->value[b->constants[index]], sizeof(hf_fr));
}

uint32_t *hf_constant_slot(hf_builder *b, hf_fr k) {
  return hf_map_slot(&b->constant_map, hf_hash_bytes64(&k, sizeof k), constant_equal, b, &k);
}

hf_var hf_constant(hf_builder *b, hf_fr k) {
  if (!hf_builder_ok(b)) return (hf_var){0};
  if (b->plan) return hf_plan_constant(b, k);
  if (!map_reserve(b, &b->constant_map, constant_hash)) return (hf_var){0};
  uint32_t *slot = hf_constant_slot(b, k);
  if (*slot) return (hf_var){b->constants[*slot - 1]};
  hf_var v = hf_var_new(b, k);
  if (!hf_grow(b, (void **)&b->constants, &b->constant_capacity, b->constant_count + 1, sizeof *b->constants))
    return (hf_var){0};
  b->constants[b->constant_count++] = v.id;
  *slot = (uint32_t)b->constant_count;
  b->constant_map.used++;
  hf_equation e = {.terms = 1, .variable = {v.id}, .name = "constant", .scope = b->scope};
  e.term_k[0] = hf_fr_one();
  e.constant = hf_fr_neg(k);
  hf_equation_defer(b, &e);
  return v;
}

hf_var hf_constant_u64(hf_builder *b, uint64_t k) { return hf_constant(b, hf_fr_from_u64(k)); }
hf_var hf_zero(hf_builder *b) { return hf_constant(b, hf_fr_zero()); }
hf_var hf_one(hf_builder *b) { return hf_constant(b, hf_fr_one()); }

uint32_t hf_var_root(const hf_builder *b, uint32_t v) {
  while (b->parent[v] != v) v = b->parent[v];
  return v;
}

void hf_assert_equal(hf_builder *b, const char *name, hf_var x, hf_var y) {
  if (!hf_builder_lays(b)) return;
  if (!hf_grow(b, (void **)&b->merges, &b->merge_capacity, b->merge_count + 1, sizeof *b->merges)) return;
  b->merges[b->merge_count++] = (hf_merge){x.id, y.id, b->scope, name};
  uint32_t rx = hf_var_root(b, x.id), ry = hf_var_root(b, y.id);
  /* the older variable stays the root, so chains stay short */
  if (rx < ry) b->parent[ry] = rx;
  if (ry < rx) b->parent[rx] = ry;
  b->parent[x.id] = b->parent[y.id] = rx < ry ? rx : ry;
}

/* ---- public inputs ---- */

static void public_push(hf_builder *b, hf_var v) {
  if (!hf_builder_lays(b)) return;
  if (!hf_grow(b, (void **)&b->publics, &b->public_capacity, b->public_count + 1, sizeof *b->publics)) return;
  b->publics[b->public_count++] = v.id;
}

void hf_public_input(hf_builder *b, hf_var v) {
  if (b->options.foldable || b->options.seal) {
    hf_builder_fail(b, HF_E_STATE, "a %s circuit has the public inputs of its instance only",
                    b->options.seal ? "seal" : "foldable");
    return;
  }
  public_push(b, v);
}

void hf_public_instance(hf_builder *b, const hf_var words[HF_INSTANCE_WORDS]) {
  if (!b->options.foldable || b->instance_set) {
    hf_builder_fail(b, HF_E_STATE,
                    b->instance_set ? "the public instance is set twice"
                                    : "a public instance needs a circuit with the option foldable");
    return;
  }
  b->instance_set = true;
  for (int i = 0; i < HF_INSTANCE_WORDS; i++) public_push(b, words[i]);
}

void hf_public_seal(hf_builder *b, const hf_var words[HF_SEAL_WORDS]) {
  if (!b->options.seal || b->instance_set) {
    hf_builder_fail(b, HF_E_STATE,
                    b->instance_set ? "the public instance is set twice" : "a seal's instance needs the option seal");
    return;
  }
  b->instance_set = true;
  for (int i = 0; i < HF_SEAL_WORDS; i++) public_push(b, words[i]);
}

void hf_public_statement(hf_builder *b, hf_var statement) {
  hf_var words[HF_INSTANCE_WORDS], zero = hf_zero(b);
  words[0] = statement;
  for (int i = 1; i < HF_INSTANCE_WORDS; i++) words[i] = zero;
  hf_public_instance(b, words);
}

/* ---- scopes ---- */

static uint32_t scope_enter(hf_builder *b, uint32_t parent, const char *name) {
  for (uint32_t s = b->scopes[parent].first_child; s; s = b->scopes[s].next_sibling)
    if (!strcmp(b->scopes[s].name, name)) {
      b->scopes[s].entered++;
      return s;
    }
  if (!hf_grow(b, (void **)&b->scopes, &b->scope_capacity, b->scope_count + 1, sizeof *b->scopes))
    return parent;
  uint32_t s = (uint32_t)b->scope_count++;
  b->scopes[s] = (hf_scope){name, parent, b->scopes[parent].depth + 1, 1, 0, b->scopes[parent].first_child};
  b->scopes[parent].first_child = s;
  return s;
}

void hf_scope_begin(hf_builder *b, const char *name) {
  if (hf_builder_lays(b)) b->scope = scope_enter(b, b->scope, name);
}

void hf_scope_end(hf_builder *b) {
  if (!hf_builder_lays(b)) return;
  if (b->scope == 0) hf_builder_fail(b, HF_E_STATE, "hf_scope_end without hf_scope_begin");
  b->scope = b->scopes[b->scope].parent;
}

/* ---- patterns ---- */

static bool pattern_equal(const void *context, uint32_t index, const void *key) {
  const hf_builder *b = context;
  return !memcmp(&b->patterns[index], key, sizeof(hf_pattern));
}

static uint64_t pattern_hash(const hf_builder *b, uint32_t index) {
  return hf_hash_bytes64(&b->patterns[index], sizeof(hf_pattern));
}

/* Which gates may share a row: see the comment of relation.h. */
static bool pattern_legal(const hf_pattern *p) {
  uint64_t on = p->on, exclusive = on & HF_ON_EXCLUSIVE;
  if (exclusive & (exclusive - 1)) return false;
  if (on & (HF_ON_UPDATE | HF_ON_DOUBLE) && on != exclusive) return false;
  uint64_t hash = on & (HF_ON_MERKLE | HF_ON_FULL | HF_ON_PARTIAL | HF_ON_MIDDLE);
  uint64_t rom = on & (HF_ON_ROM_READ | HF_ON_ROM_WRITE);
  if (rom == (HF_ON_ROM_READ | HF_ON_ROM_WRITE)) return false;
  /* q1..q5 are the constants of these, qc of the ROM */
  if (on & HF_ON_ARITHMETIC && (hash || rom || on & HF_ON_NONNATIVE)) return false;
  if (hash && (on & HF_ON_NONNATIVE || rom)) return false;
  if (on & HF_ON_NONNATIVE && on & HF_ON_EDWARDS) return false;
  return true;
}

uint32_t hf_pattern_intern(hf_builder *b, const hf_pattern *pattern) {
  if (!hf_builder_lays(b) || !map_reserve(b, &b->pattern_map, pattern_hash)) return 0;
  uint32_t *slot =
      hf_map_slot(&b->pattern_map, hf_hash_bytes64(pattern, sizeof *pattern), pattern_equal, b, pattern);
  if (*slot) return *slot - 1;
  if (!pattern_legal(pattern)) {
    hf_builder_fail(b, HF_E_INTERNAL, "gates 0x%llx cannot share a row", (unsigned long long)pattern->on);
    return 0;
  }
  if (!hf_grow(b, (void **)&b->patterns, &b->pattern_capacity, b->pattern_count + 1, sizeof *b->patterns))
    return 0;
  b->patterns[b->pattern_count++] = *pattern;
  *slot = (uint32_t)b->pattern_count;
  b->pattern_map.used++;
  return *slot - 1;
}

/* ---- rows ---- */

static uint32_t row_push(hf_builder *b, const hf_row *row) {
  size_t limit = (size_t)1 << (b->options.max_log_n ? b->options.max_log_n : HF_DEFAULT_MAX_LOG_N);
  if (b->row_count + b->public_count + HF_BLIND_ROWS + 1 >= limit) {
    hf_builder_fail(b, HF_E_RANGE, "the circuit needs more than 2^%u rows",
                    b->options.max_log_n ? b->options.max_log_n : HF_DEFAULT_MAX_LOG_N);
    return UINT32_MAX;
  }
  if (!hf_grow(b, (void **)&b->rows, &b->row_capacity, b->row_count + 1, sizeof *b->rows)) return UINT32_MAX;
  hf_row *r = &b->rows[b->row_count];
  *r = *row;
  for (int i = 0; i < HF_WIRES; i++) {
    if (r->w[i] == HF_NO_VAR) r->w[i] = b->pending[i];
    b->pending[i] = HF_NO_VAR;
  }
  return (uint32_t)b->row_count++;
}

static bool fits_pending(const hf_builder *b, const uint32_t w[HF_WIRES]) {
  for (int i = 0; i < HF_WIRES; i++)
    if (w[i] != HF_NO_VAR && b->pending[i] != HF_NO_VAR && w[i] != b->pending[i]) return false;
  return true;
}

/* One way to lay the products: product p in pair pair[p], factors swapped or not. */
static bool place_products(const hf_builder *b, const hf_equation *e, unsigned choice, uint32_t w[HF_WIRES],
                           hf_fr q[HF_PATTERN_Q]) {
  for (unsigned p = 0; p < e->products; p++) {
    unsigned pair = (choice & 1) ^ p, swap = choice >> (1 + p) & 1;
    for (unsigned f = 0; f < 2; f++) {
      unsigned wire = 2 * pair + (f ^ swap);
      if (b->pending[wire] != HF_NO_VAR && b->pending[wire] != e->factor[2 * p + f]) return false;
      w[wire] = e->factor[2 * p + f];
    }
    q[(pair ? HF_QCD : HF_QAB)] = e->product_k[p];
  }
  return true;
}

static bool place_terms(const hf_builder *b, const hf_equation *e, uint32_t w[HF_WIRES],
                        hf_fr q[HF_PATTERN_Q]) {
  for (unsigned t = 0; t < e->terms; t++) {
    int wire = -1;
    for (int i = HF_WIRES - 1; i >= 0; i--) {
      uint32_t there = w[i] != HF_NO_VAR ? w[i] : b->pending[i];
      if (there == e->variable[t]) wire = i;
    }
    for (int i = 0; i < HF_WIRES && wire < 0; i++)
      if (w[i] == HF_NO_VAR && b->pending[i] == HF_NO_VAR) wire = i;
    if (wire < 0) return false;
    w[wire] = e->variable[t];
    q[HF_Q1 + wire] = hf_fr_add(q[HF_Q1 + wire], e->term_k[t]);
  }
  return true;
}

/* Wires for an equation on the next row as it is; false if they do not suffice. */
static bool equation_place(const hf_builder *b, const hf_equation *e, uint32_t w[HF_WIRES],
                           hf_pattern *pattern) {
  unsigned choices = e->products == 0 ? 1 : e->products == 1 ? 4 : 8;
  for (unsigned choice = 0; choice < choices; choice++) {
    for (int i = 0; i < HF_WIRES; i++) w[i] = HF_NO_VAR;
    memset(pattern, 0, sizeof *pattern);
    if (place_products(b, e, choice, w, pattern->q) && place_terms(b, e, w, pattern->q)) {
      pattern->on = HF_ON_ARITHMETIC;
      pattern->q[HF_QC] = e->constant;
      return true;
    }
  }
  return false;
}

static bool equation_push(hf_builder *b, const hf_equation *e, uint32_t next_e, hf_fr qn) {
  hf_row row = {.scope = e->scope, .name = e->name};
  hf_pattern pattern;
  if (!equation_place(b, e, row.w, &pattern)) return false;
  if (next_e != HF_NO_VAR) pattern.q[HF_QN] = qn;
  row.pattern = hf_pattern_intern(b, &pattern);
  row_push(b, &row);
  b->pending[4] = next_e;
  return true;
}

/* A row that takes what the last gate put there, and a waiting equation if one fits. */
static void spacer_push(hf_builder *b) {
  for (size_t i = 0; i < b->queued; i++)
    if (equation_push(b, &b->queue[i], HF_NO_VAR, hf_fr_zero())) {
      memmove(&b->queue[i], &b->queue[i + 1], (b->queued - i - 1) * sizeof b->queue[0]);
      b->queued--;
      return;
    }
  hf_pattern nothing;
  memset(&nothing, 0, sizeof nothing);
  hf_row row = {.scope = b->scope, .name = "spacer", .pattern = hf_pattern_intern(b, &nothing)};
  for (int i = 0; i < HF_WIRES; i++) row.w[i] = HF_NO_VAR;
  row_push(b, &row);
}

uint32_t hf_row_lay(hf_builder *b, uint32_t pattern, const uint32_t w[HF_WIRES], const uint32_t *next,
                    const char *name) {
  if (!hf_builder_lays(b)) return UINT32_MAX;
  if (!fits_pending(b, w)) spacer_push(b);
  hf_row row = {.pattern = pattern, .scope = b->scope, .name = name};
  memcpy(row.w, w, sizeof row.w);
  b->bound = 0;
  for (int i = 0; i < HF_WIRES; i++)
    if (b->pending[i] != HF_NO_VAR) b->bound |= 1u << i;
  uint32_t number = row_push(b, &row);
  if (next) memcpy(b->pending, next, sizeof b->pending);
  return number;
}

bool hf_equation_lay(hf_builder *b, const hf_equation *e, uint32_t next_e, hf_fr qn) {
  if (!hf_builder_lays(b)) return true;
  if (equation_push(b, e, next_e, qn)) return true;
  bool waiting = false;
  for (int i = 0; i < HF_WIRES; i++) waiting |= b->pending[i] != HF_NO_VAR;
  if (!waiting) return false;
  spacer_push(b);
  return equation_push(b, e, next_e, qn);
}

void hf_equation_defer(hf_builder *b, hf_equation *e) {
  if (!hf_builder_lays(b)) return;
  if (b->queued == HF_QUEUE_MAX) {
    hf_equation oldest = b->queue[0];
    memmove(&b->queue[0], &b->queue[1], (b->queued - 1) * sizeof b->queue[0]);
    b->queued--;
    if (!hf_equation_lay(b, &oldest, HF_NO_VAR, hf_fr_zero()))
      hf_builder_fail(b, HF_E_INTERNAL, "equation \"%s\" does not fit a row", oldest.name);
  }
  b->queue[b->queued++] = *e;
}

static bool pending_any(const hf_builder *b) {
  for (int i = 0; i < HF_WIRES; i++)
    if (b->pending[i] != HF_NO_VAR) return true;
  return false;
}

/* ---- lookups ---- */

void hf_open_wire(hf_builder *b, uint32_t row, uint32_t wire) {
  if (!hf_builder_lays(b) || b->bound >> wire & 1) return;
  if (!hf_grow(b, (void **)&b->open, &b->open_capacity, b->open_count + 1, sizeof *b->open)) return;
  b->open[b->open_count].row = row;
  b->open[b->open_count++].wire = wire;
}

static void lookup_note(hf_builder *b, uint32_t row, uint32_t wire, const char *name, uint32_t scope) {
  if (!hf_grow(b, (void **)&b->lookup_notes, &b->lookup_note_capacity, b->lookup_note_count + 1,
               sizeof *b->lookup_notes))
    return;
  b->lookup_notes[b->lookup_note_count++] = (hf_lookup_note){row, wire, scope, name};
}

static void lookups_push(hf_builder *b) {
  hf_pattern pattern;
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_RANGE;
  uint32_t w[HF_WIRES], zero = hf_zero(b).id;
  for (size_t i = 0; i < 4; i++) w[i] = i < b->lookup_count ? b->lookups[i] : zero;
  w[4] = HF_NO_VAR;
  uint32_t scope = b->scope;
  b->scope = b->lookup_scopes[0];
  uint32_t row = hf_row_lay(b, hf_pattern_intern(b, &pattern), w, NULL, b->lookup_names[0]);
  b->scope = scope;
  for (uint32_t i = 1; i < b->lookup_count; i++)
    lookup_note(b, row, i, b->lookup_names[i], b->lookup_scopes[i]);
  b->lookup_count = 0;
}

void hf_lookup(hf_builder *b, const char *name, hf_var v) {
  if (!hf_builder_lays(b)) return;
  if (b->open_count) {
    b->open_count--;
    uint32_t row = b->open[b->open_count].row, wire = b->open[b->open_count].wire;
    b->rows[row].w[wire] = v.id;
    lookup_note(b, row, wire, name, b->scope);
    return;
  }
  b->lookups[b->lookup_count] = v.id;
  b->lookup_names[b->lookup_count] = name;
  b->lookup_scopes[b->lookup_count++] = b->scope;
  if (b->lookup_count == 4) lookups_push(b);
}

void hf_builder_flush(hf_builder *b) {
  if (!hf_builder_lays(b)) return;
  if (b->lookup_count) lookups_push(b);
  b->open_count = 0;
  while (b->queued && hf_builder_ok(b)) {
    if (pending_any(b)) {
      spacer_push(b);
      continue;
    }
    const hf_equation *e = &b->queue[--b->queued];
    if (!equation_push(b, e, HF_NO_VAR, hf_fr_zero()))
      hf_builder_fail(b, HF_E_INTERNAL, "equation \"%s\" does not fit a row", e->name);
  }
  if (pending_any(b)) spacer_push(b);
}

/* ---- ROM ---- */

typedef struct rom_key {
  hf_fr address;
  uint64_t table;
} rom_key;

static bool rom_equal(const void *context, uint32_t index, const void *key) {
  const hf_rom_entry *e = &((const hf_builder *)context)->rom[index];
  const rom_key *k = key;
  return e->table == k->table && hf_fr_eq(e->address, k->address);
}

static uint64_t rom_hash(const hf_builder *b, uint32_t index) {
  rom_key key = {b->rom[index].address, b->rom[index].table};
  return hf_hash_bytes64(&key, sizeof key);
}

uint32_t hf_rom_find(const hf_builder *b, uint32_t table, hf_fr address) {
  if (!b->rom_map.capacity) return UINT32_MAX;
  rom_key key = {address, table};
  hf_map m = b->rom_map;
  uint32_t *slot = hf_map_slot(&m, hf_hash_bytes64(&key, sizeof key), rom_equal, b, &key);
  /* a plan knows what is written later, too */
  return *slot && b->rom[*slot - 1].multiplicity < b->vars ? *slot - 1 : UINT32_MAX;
}

hf_rom hf_rom_create(hf_builder *b) { return (hf_rom){++b->rom_tables}; }

static uint32_t rom_add(hf_builder *b, hf_rom table, uint64_t address, const hf_var values[4]) {
  if (!hf_builder_ok(b) || !map_reserve(b, &b->rom_map, rom_hash)) return UINT32_MAX;
  if (table.id == 0 || table.id > b->rom_tables) {
    hf_builder_fail(b, HF_E_ARGUMENT, "ROM table %u does not exist", table.id);
    return UINT32_MAX;
  }
  rom_key key = {hf_fr_from_u64(address), table.id};
  uint32_t *slot = hf_map_slot(&b->rom_map, hf_hash_bytes64(&key, sizeof key), rom_equal, b, &key);
  if (*slot) {
    hf_builder_fail(b, HF_E_EXISTS, "ROM table %u: address %llu is written twice", table.id,
                    (unsigned long long)address);
    return UINT32_MAX;
  }
  if (!hf_grow(b, (void **)&b->rom, &b->rom_capacity, b->rom_count + 1, sizeof *b->rom)) return UINT32_MAX;
  hf_rom_entry *e = &b->rom[b->rom_count++];
  memset(e, 0, sizeof *e);
  *slot = (uint32_t)b->rom_count;
  b->rom_map.used++;
  e->table = table.id;
  e->address = key.address;
  for (int i = 0; i < 4; i++) e->values[i] = values[i].id;
  e->multiplicity = hf_var_new(b, hf_fr_zero()).id;
  return (uint32_t)b->rom_count - 1;
}

void hf_rom_write(hf_builder *b, hf_rom table, uint64_t address, const hf_var values[4]) {
  if (b->plan) {
    hf_var_new(b, hf_fr_zero()); /* the multiplicity */
    return;
  }
  uint32_t index = rom_add(b, table, address, values);
  if (index == UINT32_MAX) return;
  const hf_rom_entry *e = &b->rom[index];
  hf_pattern pattern;
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_ROM_WRITE;
  pattern.q[HF_Q5] = e->address;
  pattern.q[HF_QC] = hf_fr_from_u64(table.id);
  uint32_t w[HF_WIRES] = {e->values[2], e->values[3], e->values[0], e->values[1], e->multiplicity};
  hf_row_lay(b, hf_pattern_intern(b, &pattern), w, NULL, "ROM write");
}

bool hf_rom_lookup(const hf_builder *b, hf_rom table, hf_fr address, hf_var values[4]) {
  uint32_t index = hf_rom_find(b, table.id, address);
  if (index == UINT32_MAX) return false;
  for (int i = 0; i < 4; i++) values[i].id = b->rom[index].values[i];
  return true;
}

void hf_rom_count_read(hf_builder *b, hf_rom table, hf_fr address) {
  uint32_t index = hf_rom_find(b, table.id, address);
  if (index == UINT32_MAX) return;
  if (b->plan)
    atomic_fetch_add_explicit(&b->reads[index], 1, memory_order_relaxed);
  else
    b->rom[index].reads++;
}

void hf_rom_read(hf_builder *b, hf_rom table, hf_var address, hf_var values[4]) {
  if (!hf_builder_ok(b)) return;
  hf_var written[4];
  bool found = hf_rom_lookup(b, table, hf_value(b, address), written);
  for (int i = 0; i < 4; i++)
    values[i] = hf_hint(b, found ? hf_value(b, written[i]) : hf_fr_zero(), "ROM value");
  hf_rom_count_read(b, table, hf_value(b, address));
  hf_pattern pattern;
  memset(&pattern, 0, sizeof pattern);
  pattern.on = HF_ON_ROM_READ;
  pattern.q[HF_QC] = hf_fr_from_u64(table.id);
  uint32_t w[HF_WIRES] = {values[2].id, values[3].id, values[0].id, values[1].id, address.id};
  hf_row_lay(b, hf_pattern_intern(b, &pattern), w, NULL, "ROM read");
}

/* ---- life ---- */

hf_status hf_builder_create(const hf_builder_options *options, hf_builder **out) {
  *out = NULL;
  if (options->table_width < 1 || options->table_width > 17)
    return hf_fail(HF_E_ARGUMENT, "table width %u: must be 1 to 17", options->table_width);
  if (options->max_log_n > HF_FR_TWO_ADICITY || options->min_log_n > HF_FR_TWO_ADICITY)
    return hf_fail(HF_E_ARGUMENT, "a circuit has at most 2^%d rows", HF_FR_TWO_ADICITY);
  hf_builder *b = calloc(1, sizeof *b);
  if (!b) return hf_fail(HF_E_MEMORY, "circuit builder: no memory");
  b->options = *options;
  b->trace = hf_trace_choose();
  for (int i = 0; i < HF_WIRES; i++) b->pending[i] = HF_NO_VAR;
  if (hf_grow(b, (void **)&b->scopes, &b->scope_capacity, 1, sizeof *b->scopes)) {
    b->scopes[0] = (hf_scope){"", 0, 0, 1, 0, 0};
    b->scope_count = 1;
    if (options->plan) hf_plan_follow(b);
    if (hf_builder_ok(b)) hf_preamble(b);
  }
  if (b->status != HF_OK) {
    hf_status status = hf_fail(b->status, "%s", b->message);
    hf_builder_destroy(&b);
    return status;
  }
  *out = b;
  return HF_OK;
}

void hf_builder_destroy(hf_builder **builder) {
  hf_builder *b = *builder;
  *builder = NULL;
  if (!b) return;
  if (b->value) explicit_bzero(b->value, (b->plan ? b->vars_capacity : b->vars) * sizeof *b->value);
  free(b->value);
  free(b->reads);
  free(b->scopes);
  if (b->plan) { /* the tables are the plan's */
    free(b);
    return;
  }
  free(b->parent);
  free(b->merges);
  free(b->rows);
  free(b->patterns);
  free(b->pattern_map.slots);
  free(b->open);
  free(b->lookup_notes);
  free(b->constants);
  free(b->constant_map.slots);
  free(b->rom);
  free(b->rom_map.slots);
  free(b->publics);
  free(b->marks);
  free(b);
}
