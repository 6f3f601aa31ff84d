/* A circuit, laid out once, whose witness is computed again with lies.
 *
 * Any variable of the builder, hint or computed, can be given another value at the moment it is made, and
 * everything after it follows from the lie. The rows never depend on values, so nothing is laid out twice:
 * the values that differ from the honest ones are written into the honest circuit and what they touch is
 * checked.
 *
 * Two ways: shape_try computes the whole witness and lists what fails; shape_run takes many trials, forks a
 * process from one honest run wherever a trial begins and ends it at the first constraint that is decided and
 * fails. */
#ifndef HF_TESTS_ATTACKS_SHAPE_H
#define HF_TESTS_ATTACKS_SHAPE_H
#include "circuit/builder_internal.h"
#include "circuit/check.h"
#include "rng.h"

typedef hf_status (*shape_build)(hf_builder *b, const void *context);

typedef struct shape_hint {
  uint32_t var, scope;
  const char *name;
} shape_hint;

typedef struct shape_touched {
  uint32_t cell;
  hf_fr value; /* before */
} shape_touched;

typedef struct shape {
  const char *name;
  hf_builder_options options;
  shape_build build;
  const void *context;
  hf_circuit *circuit; /* honest */
  hf_fr *public_inputs;
  uint32_t rows, vars;
  hf_fr *value;               /* [vars], honest */
  uint32_t (*cell)[HF_WIRES]; /* [rows]: variable of a cell or HF_NO_VAR */
  uint32_t *cell_from;        /* [vars + 1]: range of `cells` of a variable */
  uint32_t *cells;            /* HF_WIRES row + wire */
  uint32_t *decided; /* [rows]: how many variables must exist before check_rows of the row means anything */
  shape_hint *hints;
  uint32_t hint_count;
  /* what forked processes share with their parent instead of copying its page tables */
  struct {
    void *at;
    size_t bytes;
  } shared[40];
  unsigned shared_count;
  bool light; /* shape_judge leaves multiplicities out: they follow the lookups */
  /* the last attempt */
  hf_fr *lied;
  shape_touched *touched;
  size_t touched_count, touched_capacity;
} shape;

/* Aborts where the honest run is not satisfied. */
void shape_make(shape *s, const char *name, const hf_builder_options *options, shape_build build,
                const void *context);
void shape_free(shape *s);

typedef struct shape_lie {
  uint32_t var;
  bool add; /* value is added to what would be computed */
  hf_fr value;
} shape_lie;

#define SHAPE_LIES 1024

/* Lies in the order of their variables. */
typedef struct shape_lies {
  uint32_t count;
  shape_lie list[SHAPE_LIES];
} shape_lies;

void shape_lie_set(shape_lies *told, uint32_t var, hf_fr value);
void shape_lie_add(shape_lies *told, uint32_t var, hf_fr value);

/* ---- one attempt ---- */

#define SHAPE_FAILURES 24

typedef struct attempt {
  hf_fr *value; /* [vars]; owned by the shape, good until the next attempt */
  hf_failure failures[SHAPE_FAILURES];
  size_t failure_count;
  bool same_public;
} attempt;

/* On the honest witness; leaves the lied one in the circuit, for shape_restore to take back. */
void shape_try(shape *s, const shape_lies *told, attempt *out);
void shape_restore(shape *s);
/* Looks again, after cells were set or constraints disabled. */
void shape_judge(shape *s, attempt *out);
/* One cell alone, its copies not; shape_restore takes it back as well. */
void shape_set_cell(shape *s, uint32_t row, unsigned wire, hf_fr value);
/* All cells of a variable; nothing follows. */
void shape_set_var(shape *s, uint32_t var, hf_fr value);

/* ---- many ---- */

typedef enum trial_verdict {
  TRIAL_REFUSED,
  TRIAL_ACCEPTED,    /* for the same public inputs */
  TRIAL_OTHER_PUBLIC /* satisfied, and states something else */
} trial_verdict;

#define TRIAL_LIES 16

typedef struct trial {
  uint32_t count;
  shape_lie lies[TRIAL_LIES]; /* ascending; the first one a hint */
  uint32_t tag;               /* the caller's */
  trial_verdict verdict;
  hf_fr public_inputs[HF_SEAL_WORDS]; /* where it is not refused */
} trial;

/* In any order; sorts them. A trial ends as accepted as soon as no lie is left to tell and everything that
 * the changed variables touch is decided and holds: with the honest values in all younger variables the
 * witness is satisfied. */
void shape_run(shape *s, trial *trials, uint32_t count);

/* ---- help ---- */

/* Path of a scope's number (the builder's), "a/b/c". */
void shape_scope(const shape *s, uint32_t scope, char path[128]);
uint32_t shape_var_at(const shape *s, uint32_t row, unsigned wire);
/* The hint that made a variable, NULL for computed ones. */
const shape_hint *shape_hint_of(const shape *s, uint32_t var);

#endif
