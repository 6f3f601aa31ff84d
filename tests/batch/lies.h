/* Runs the batch circuit as a dishonest prover. */
#ifndef HF_TESTS_BATCH_LIES_H
#define HF_TESTS_BATCH_LIES_H
#include "circuit/circuit.h"
#include "circuits/batch.h"

/* A hint whose value is not the honest one: the `nth` (from 0) of this name. */
typedef struct lie_hint {
  const char *name;
  uint32_t nth;
  hf_fr value;
} lie_hint;

typedef struct run_result {
  hf_status status;  /* of the builder */
  hf_status checked; /* HF_OK or HF_E_UNSATISFIED */
  char message[512]; /* of the first failure, or of the builder */
  char names[8][64]; /* of the constraints that fail */
  uint32_t failures; /* at most 8 are looked for */
  hf_fr statement;
  uint32_t lies_told; /* hints changed */
} run_result;

/* Lays the circuit out for the input with the lies in place and checks it. */
void run_batch(const hf_batch_input *input, const lie_hint *lies, uint32_t lie_count, run_result *out);

#endif
