/* A permutation in rows, computed again from any of them with a wrong state or a wrong s-box. */
#ifndef HF_TESTS_ATTACKS_ROUNDS_H
#define HF_TESTS_ATTACKS_ROUNDS_H
#include "arith/poseidon2.h"
#include "circuit/circuit.h"

/* What the cell at (row, wire) must hold. */
typedef void (*rounds_say)(void *context, uint32_t row, unsigned wire, hf_fr value);

hf_state4 rounds_state(const hf_circuit *c, uint32_t row);
/* From `row` on: the permutation goes on with what `state` is before that row, s-box `wrong` of the row giving one more
 * (-1: none). */
void rounds_from(const hf_circuit *c, uint32_t row, hf_state4 state, int wrong, rounds_say say, void *context);

#endif
