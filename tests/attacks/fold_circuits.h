/* What child.c, node.c and seal.c lay themselves: the circuits with sums of points, challenges or children
 * replaced by free variables (remover_stubs). */
#ifndef HF_TESTS_ATTACKS_FOLD_CIRCUITS_H
#define HF_TESTS_ATTACKS_FOLD_CIRCUITS_H
#include "fold_removal.h"
#include "fold_subjects.h"

/* Each takes, lies and drops an instance. */
void circuit_child(remover *m, const subject *leaves);
void circuit_node(remover *m);
void circuit_seal(remover *m);

#endif
