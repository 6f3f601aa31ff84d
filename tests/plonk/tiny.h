/* A small circuit laid out by hand, without the builder: the proof system's own test subject. */
#ifndef HF_TEST_TINY_H
#define HF_TEST_TINY_H
#include "circuit/circuit.h"

/* 2^log_n rows: public inputs x and y = x^3 + x + 5, arithmetic rows, a range row, a full Poseidon2 permutation,
 * an Edwards addition read from a ROM. `x` changes the witness, not the structure. */
hf_circuit *tiny_circuit(unsigned log_n, uint64_t x);
void tiny_destroy(hf_circuit *circuit);

#endif
