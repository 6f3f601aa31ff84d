/* The builder's inside, for the gadgets of this folder. */
#ifndef HF_CIRCUIT_BUILDER_INTERNAL_H
#define HF_CIRCUIT_BUILDER_INTERNAL_H
#include <stdatomic.h>
#include "circuit/builder.h"
#include "circuit/rom.h"
#include "circuit/trace.h"

#define HF_NO_VAR UINT32_MAX

/* What is switched on in a row. */
enum {
  HF_ON_ARITHMETIC = 1 << 0,
  HF_ON_MERKLE = 1 << 1,
  HF_ON_FULL = 1 << 2,
  HF_ON_PARTIAL = 1 << 3,
  HF_ON_MIDDLE = 1 << 4,
  HF_ON_EDWARDS = 1 << 5,
  HF_ON_NONNATIVE = 1 << 6,
  HF_ON_RANGE = 1 << 7,
  HF_ON_ROM_READ = 1 << 8,
  HF_ON_ROM_WRITE = 1 << 9,
  HF_ON_UPDATE = 1 << 10, /* the arithmetic selector's value 2 */
  HF_ON_DOUBLE = 1 << 11, /* and 3 */
  HF_ON_EXCLUSIVE = HF_ON_MERKLE | HF_ON_FULL | HF_ON_PARTIAL | HF_ON_MIDDLE | HF_ON_EDWARDS | HF_ON_UPDATE |
                    HF_ON_DOUBLE
};

#define HF_PATTERN_Q 9 /* HF_Q1 .. HF_QC */

/* The fixed columns of a row (without sigma and table). Rows refer to interned patterns. */
typedef struct hf_pattern {
  uint64_t on;
  hf_fr q[HF_PATTERN_Q];
} hf_pattern;

typedef struct hf_row {
  uint32_t w[HF_WIRES]; /* variables; HF_NO_VAR = not used */
  uint32_t pattern, scope;
  const char *name;
} hf_row;

/* An equation that is not laid yet: at most two products and five other variables, no e'. */
typedef struct hf_equation {
  uint8_t products, terms;
  uint32_t factor[4], variable[5];
  hf_fr product_k[2], term_k[5], constant;
  uint32_t scope;
  const char *name;
} hf_equation;

typedef struct hf_scope {
  const char *name;
  uint32_t parent, depth, entered, first_child, next_sibling;
} hf_scope;

typedef struct hf_merge {
  uint32_t x, y, scope;
  const char *name;
} hf_merge;

/* A lookup that stands in another gadget's range row. */
typedef struct hf_lookup_note {
  uint32_t row, wire, scope;
  const char *name;
} hf_lookup_note;

typedef struct hf_circuit_notes hf_circuit_notes;

typedef struct hf_rom_entry {
  uint32_t table, values[4], multiplicity; /* variables */
  hf_fr address;
  uint64_t reads;
} hf_rom_entry;

typedef struct hf_map {
  uint32_t *slots; /* index + 1, 0 = empty */
  size_t capacity, used;
} hf_map;

/* Where a part begins, or the circuit ends. */
typedef struct hf_mark {
  uint32_t vars, hints, rom_tables, digits_table;
  uint32_t link; /* variable */
} hf_mark;

#define HF_QUEUE_MAX 64

struct hf_builder {
  hf_builder_options options;
  const hf_trace_ops *trace;
  hf_status status;
  char message[256];

  hf_fr *value;
  uint32_t *parent; /* union-find of copies */
  size_t vars, vars_capacity;
  hf_merge *merges;
  size_t merge_count, merge_capacity;

  hf_row *rows;
  size_t row_count, row_capacity;
  hf_pattern *patterns;
  size_t pattern_count, pattern_capacity;
  hf_map pattern_map;
  uint32_t pending[HF_WIRES]; /* what the last row's gate put on the next row */
  uint32_t bound;             /* wires of the last row laid by hf_row_lay that the row before put there, a bit each */

  hf_equation queue[HF_QUEUE_MAX]; /* equations that wait for a spacer row they can fill */
  size_t queued;
  struct {
    uint32_t row, wire;
  } * open; /* wires of range rows that look nothing up yet */
  size_t open_count, open_capacity;
  uint32_t lookups[4]; /* single chunks that wait for a range row */
  const char *lookup_names[4];
  uint32_t lookup_scopes[4];
  size_t lookup_count;
  hf_lookup_note *lookup_notes;
  size_t lookup_note_count, lookup_note_capacity;

  uint32_t *constants; /* variables */
  size_t constant_count, constant_capacity;
  hf_map constant_map;

  hf_rom_entry *rom;
  size_t rom_count, rom_capacity;
  hf_map rom_map;
  uint32_t rom_tables;
  uint32_t digits_table; /* of msm.c, 0 = not made yet */

  uint32_t *publics;
  size_t public_count, public_capacity;
  bool instance_set;

  hf_scope *scopes;
  size_t scope_count, scope_capacity;
  uint32_t scope;

  uint32_t hints;
  uint32_t poseidon_patterns[20];
  bool poseidon_ready;

  hf_mark *marks; /* of each hf_builder_parts: where its parts begin, and where the last one ends */
  size_t mark_count, mark_capacity;
  bool in_part;

  /* With a plan: tables (constants, ROM, marks) are the plan's, `value` has room for all its variables, those below
   * `vars` are made, this builder (a part's has its share) makes those below `vars_capacity`. */
  const hf_circuit_plan *plan;
  atomic_uint *reads; /* [rom_count], shared by all parts */
  size_t marks_used;
};

/* A variable whose value follows from others: no hint hook. */
hf_var hf_var_new(hf_builder *b, hf_fr value);
bool hf_builder_ok(const hf_builder *b);
/* And it lays rows: with a plan, only values are wanted. */
bool hf_builder_lays(const hf_builder *b);
/* False, error remembered, when memory ends. */
bool hf_grow(hf_builder *b, void **array, size_t *capacity, size_t need, size_t size);

/* Interns a pattern after checking that its gates may stand together. */
uint32_t hf_pattern_intern(hf_builder *b, const hf_pattern *pattern);
/* The row's number, or UINT32_MAX on errors. Lays a spacer first where the last row's outputs and `w`
 * disagree. `next`: what this row's gate puts on the next row (HF_NO_VAR = nothing), or NULL. */
uint32_t hf_row_lay(hf_builder *b, uint32_t pattern, const uint32_t w[HF_WIRES], const uint32_t *next,
                    const char *name);
/* Lays an equation now, or keeps it for a spacer. */
void hf_equation_defer(hf_builder *b, hf_equation *e);
/* Lays an equation now; next_e = HF_NO_VAR or the variable on e of the next row, with coefficient qn. False
 * (and nothing laid) if it does not fit the wires even after a spacer. */
bool hf_equation_lay(hf_builder *b, const hf_equation *e, uint32_t next_e, hf_fr qn);
/* Everything that waits: equations, lookups, open wires. */
void hf_builder_flush(hf_builder *b);
/* v is looked up in the range table, in some range row. */
void hf_lookup(hf_builder *b, const char *name, hf_var v);
/* Wire `wire` of the range row just laid may take a lookup later, unless the row before put something there. */
void hf_open_wire(hf_builder *b, uint32_t row, uint32_t wire);
/* Records a read for the multiplicities; values as hf_rom_lookup. */
void hf_rom_count_read(hf_builder *b, hf_rom table, hf_fr address);
uint32_t hf_rom_find(const hf_builder *b, uint32_t table, hf_fr address);

uint32_t hf_var_root(const hf_builder *b, uint32_t v);
uint64_t hf_hash_bytes64(const void *data, size_t bytes);
/* Slot of an equal entry or of the first empty one. */
typedef bool (*hf_map_equal)(const void *context, uint32_t index, const void *key);
uint32_t *hf_map_slot(hf_map *m, uint64_t hash, hf_map_equal equal, const void *context, const void *key);
/* Its slot in the table of constants, which is not empty. */
uint32_t *hf_constant_slot(hf_builder *b, hf_fr k);

void hf_preamble(hf_builder *b);
hf_mark hf_builder_mark(const hf_builder *b, hf_var link);
/* Takes the plan of the options: plan.c. */
void hf_plan_follow(hf_builder *b);
/* hf_constant, by the plan's table. */
hf_var hf_plan_constant(hf_builder *b, hf_fr k);
/* Of a builder that has laid everything. */
hf_status hf_plan_make(hf_builder *b, unsigned log_n, hf_circuit_plan **out);
/* The error of calls that are not those of the plan. */
void hf_plan_broken(hf_builder *b);
/* What a builder with a plan has computed is what the plan expects, or an error. */
void hf_plan_check(hf_builder *b);
hf_status hf_rom_index_make(hf_circuit *c);
void hf_recount_range(hf_circuit *c, hf_pool *pool);

/* What a plan keeps for those who look at a circuit. */
struct hf_circuit_notes {
  uint32_t n;
  uint32_t *copy;        /* [5 n]: the next cell (5 row + wire) of the copy cycle */
  uint32_t *row_scope;   /* [used rows] */
  const char **row_name; /* [used rows] */
  uint32_t *cell_of;     /* [vars]: first cell of a variable, or UINT32_MAX */
  size_t vars;
  hf_merge *merges;
  size_t merge_count;
  hf_lookup_note *lookups;
  size_t lookup_count;
  hf_scope_rows *tree;
  size_t scope_count;
  uint32_t *rom_writes; /* rows, sorted by table and address */
  size_t rom_write_count;
  uint32_t *range_rows;
  size_t range_row_count;
};

/* What does not depend on values. Nothing changes once it is shared. */
struct hf_circuit_plan {
  atomic_uint owners;
  hf_builder_options options; /* those that decide the structure */
  unsigned log_n;
  uint32_t used_rows, public_count;
  uint32_t (*cells)[HF_WIRES]; /* [used_rows]: variables */
  uint32_t *row_pattern;       /* [used_rows] */
  hf_pattern *patterns;
  uint32_t *constants; /* variables */
  hf_fr *constant_values;
  size_t constant_count;
  hf_map constant_map;
  hf_rom_entry *rom;
  size_t rom_count;
  hf_map rom_map;
  hf_mark *marks, end;
  size_t mark_count;
  bool has_digest;
  hf_digest digest;
  struct hf_circuit_notes notes;
};

#endif
