/* Proofs of one circuit, measured: shared by the benchmarks of batches, nodes and seals. */
#ifndef HF_BENCH_PROOF_H
#define HF_BENCH_PROOF_H
#include "bench_internal.h"
#include "prove.h"

typedef struct hf_bench_proof {
  hf_bench_run *run;
  const hf_srs *srs;
  hf_key_options key_options;
  hf_proving_key **key; /* derived if NULL; the caller's */
  /* A circuit that the measurement destroys: laid out for the first time (plan NULL), then, before each proof, the witness
   * anew as a worker computes it. */
  hf_status (*expand)(void *context, hf_circuit_plan *plan, hf_pool *pool, hf_circuit **out);
  void *context;
} hf_bench_proof;

/* Proves run->warm_up + run->repeats times, verifies each, and appends what it found to the report as `name`, its figures
 * added to *figures, which is emptied. The last proof stays in *proof (may be NULL). */
hf_status hf_bench_proof_measure(const hf_bench_proof *p, const char *name, hf_bench_pairs *figures, hf_proof *proof);

#endif
