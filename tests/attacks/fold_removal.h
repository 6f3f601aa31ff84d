/* Is every constraint of the gadgets of node and seal needed? For each class of constraints, lookups and
 * copies a lie is looked for that nothing else refuses, on instances so small that their inputs are free.
 *
 * A class is what one line of a gadget lays: the last scope, the name, the constants of the row; all uses of
 * a gadget are one. A range is one class with all its rows and lookups, a permutation's rows are none: what
 * these consist of is tried in test_removal. An assertion that two variables are equal is a class without a
 * row. Whether a circuit gives its gadgets the right variables is not asked here but by the corpus and
 * the mutation testers. */
#ifndef HF_TESTS_ATTACKS_FOLD_REMOVAL_H
#define HF_TESTS_ATTACKS_FOLD_REMOVAL_H
#include "arith/relation_fr.h"
#include "circuits/child.h"
#include "shape.h"

typedef enum removal_kind {
  REMOVAL_EQUATION,
  REMOVAL_RANGE,
  REMOVAL_IDENTITY,
  REMOVAL_ROM,
  REMOVAL_COPY
} removal_kind;

typedef struct removal_class {
  uint64_t key;
  char label[192];
  removal_kind kind;
  uint32_t rows[3], count; /* some rows of it in the present instance */
  uint8_t wire;            /* of a copy */
  bool covered;
  const char *how;
} removal_class;

#define REMOVAL_CLASSES 4096

typedef struct remover {
  shape s;
  removal_class *classes; /* of all instances */
  uint32_t class_count, runs;
  /* What else a liar would change after these lies: true if he did. */
  bool (*follow)(struct remover *m, const attempt *a, shape_lies *told);
  bool (*listed)(const char *label); /* classes that are not worth an attempt; NULL: none */
  shape_lies always;                 /* told with every attempt */
  uint32_t vanishing;                /* for `follow` of a child: the variable of zeta^n - 1 */
  attempt a;
} remover;

void remover_open(remover *m);
void remover_close(remover *m);
/* Lays an instance and notes its classes; options NULL: those that the gadgets need. */
void remover_take(remover *m, const char *name, const hf_builder_options *options, shape_build build,
                  const void *context);
void remover_drop(remover *m);
/* Hints of this name stay what they are unless a lie is about them. */
void remover_keep(remover *m, const char *name);
/* What stands on a row and the next one now. */
hf_rel_row remover_values(const remover *m, uint32_t row);

/* One attempt, judged; then what follows from it, judged. True if it covered something. */
bool remover_try(remover *m, const shape_lies *told, const char *how);
/* The honest witness, to be changed by shape_set_var; then all hints keep what they are now, ranges and what
 * is computed from them follow, and the attempt is judged. */
void remover_begin(remover *m);
bool remover_freeze(remover *m, const char *how);
/* With these lies, and `value` on one cell alone, only the cell's copy is broken? Then its class is covered.
 */
bool remover_cut(remover *m, const shape_lies *told, uint32_t row, unsigned wire, hf_fr value,
                 const char *how);
/* The systematic ones, for what is not covered yet. */
void remover_single(remover *m);     /* one variable is another */
void remover_public(remover *m);     /* a public input is another than its variable */
void remover_sums(remover *m);       /* a sum over several rows is another from one of them on */
void remover_identities(remover *m); /* an operand's cell is another */
void remover_integers(remover *m);   /* identities that hold modulo r, and not over the integers */
void remover_rounds(remover *m);     /* what enters a permutation is another */
void remover_tables(remover *m);     /* what is written to or read from a table is another */
/* All of these but remover_integers, those first that need the fewest attempts. */
void remover_systematic(remover *m);

removal_class *remover_class(remover *m, hf_constraint k);
/* The nth hint of this name; aborts where there is none. */
uint32_t remover_hint(const remover *m, const char *name, uint32_t nth);
/* First row of this name in a scope whose path ends so, from `from` on; UINT32_MAX if none. */
uint32_t remover_row(const remover *m, const char *scope, const char *name, uint32_t from);

/* While it is set, the calls that the gadgets make are replaced: sums of points by free points, challenges by
 * free variables, the verification of a child by free outputs. */
typedef struct remover_stubs {
  bool sums, challenges, child;
} remover_stubs;
extern remover_stubs stubs;

#endif
