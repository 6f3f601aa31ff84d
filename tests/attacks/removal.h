/* Is every constraint needed? For each class of constraints and copies, a lie is looked for that nothing else
 * refuses: the circuit without that class would accept it. */
#ifndef HF_TESTS_ATTACKS_REMOVAL_H
#define HF_TESTS_ATTACKS_REMOVAL_H
#include "classes.h"

typedef struct removal {
  class_list classes;
  instance in[INSTANCES];
  instance signature; /* the gadget alone */
  signature_case signature_inputs;
  uint32_t runs;
} removal;

/* Looks at the failures of an attempt: marks the class if they are all of one, and the copies whose breaking
 * would repair the failing equation. */
bool removal_judge(removal *m, attempt *a, const char *how);
/* Runs (and follows, where copies fail) and judges. */
bool removal_try(removal *m, const instance *in, const lies *told, const char *how);
/* Covers the copy of a cell if with `value` there, and the cell cut off, everything holds. */
bool removal_cut(removal *m, hf_circuit *circuit, uint32_t row, unsigned wire, hf_fr value, const char *how);
/* The same for a class that this circuit's cell stands for. */
bool removal_cut_for(constraint_class *k, hf_circuit *circuit, uint32_t row, unsigned wire, hf_fr value,
                     const char *how);
/* The class of a constraint of the instance; NULL in the preamble. */
constraint_class *removal_class(removal *m, const hf_circuit *circuit, uint32_t row, unsigned part,
                                unsigned index);
/* The variable with this hint name, the n-th. */
uint32_t hint_var(const instance *in, const char *name, uint32_t nth);
/* First row (from `from`) of this name whose path ends with `gadget`; UINT32_MAX if none. */
uint32_t find_row(const instance *in, const char *gadget, const char *name, uint32_t from);
/* Solves the arithmetic equation of `row` for the cell on `wire` (5 = e of the next row), with lied values.
 */
hf_fr solve_row(const instance *in, const lies *told, uint32_t row, unsigned wire);
hf_fr lied_value(const instance *in, const lies *told, uint32_t var);

void removal_rounds(removal *m, const instance *in);  /* the rounds of Poseidon2 */
void removal_generic(removal *m, const instance *in); /* one variable, or a chain of partial sums */
void removal_outputs(removal *m, const instance *in); /* cells that take what the row before gave */
void removal_ranges(removal *m);                      /* chunks */
void removal_constants(removal *m);
void removal_public(removal *m);
void removal_paths(removal *m); /* Merkle updates */
void removal_rules(removal *m); /* a slot's rules, by special batches */
void removal_flags(removal *m);
void removal_signature(removal *m); /* the signature gadget */

#endif
