/* One row as the constraints see it. */
#ifndef HF_TESTS_ATTACKS_GATE_ROW_H
#define HF_TESTS_ATTACKS_GATE_ROW_H
#include "arith/relation_fr.h"
#include "circuit/circuit.h"

hf_rel_row gate_row(const hf_circuit *c, uint32_t row);
/* d equation / d wire; 5 = e of the next row */
hf_fr gate_derivative(const hf_rel_row *row, unsigned wire);

#endif
