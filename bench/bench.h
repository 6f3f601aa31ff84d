/* Measurements of the arithmetic, of proofs and of folding: what `hyperfold bench` runs.
 *
 * Every result is verified before it counts, every sample is kept, and beside each time stands the machine's limit:
 * the multiplications that the task cannot do without, times the cost of one measured in the same run on the same code
 * path, over the threads. */
#ifndef HF_BENCH_H
#define HF_BENCH_H
#include "report.h"

/* Scalars of a multi-scalar multiplication. */
typedef enum hf_bench_scalars {
  HF_BENCH_SCALARS_RANDOM,
  HF_BENCH_SCALARS_WITNESS, /* as many zeros, ones, small and large values as the wires of a batch */
  HF_BENCH_SCALARS_ONES,
  HF_BENCH_SCALARS_SMALL,   /* random, of 16 bits */
} hf_bench_scalars;

typedef struct hf_bench_options {
  const char *backend;       /* NULL: "cpu" */
  const char *variant;       /* NULL: the best */
  unsigned threads;          /* 0: as many as the machine has */
  unsigned log_min, log_max; /* sizes 2^log_min .. 2^log_max; both 0: the benchmark's own range */
  unsigned warm_up;          /* runs before the first sample; of a kernel more while they last less than 100 ms. 0: none */
  unsigned repeats;          /* samples a size; 0: 5, of proofs 3 */
  uint64_t seed;             /* of the inputs */
  hf_bench_scalars scalars;  /* of hf_bench_msm */
  unsigned depth;            /* of the account tree in hf_bench_prove; 0: 24 */
  unsigned kappa;            /* of hf_bench_prove; 0: HF_PRODUCTION_KAPPA */
  const char *scratch;       /* a folder for the chain of hf_bench_prove; NULL: /tmp. What is put there is removed */
  /* Called with what is being done and what has been measured; may be NULL. */
  void (*progress)(void *context, const char *what);
  void *context;
} hf_bench_options;

/* Each appends its results to *report, which starts as all zeros and is freed by hf_bench_report_free, on failure too.
 * HF_E_DEVICE if a result is wrong: a wrong result has no time. HF_E_ARGUMENT for sizes out of its range. */
typedef hf_status hf_bench(const hf_bench_options *options, hf_bench_report *report);
hf_bench hf_bench_field; /* fr_mul, fr_mul_add, fr_inverse */
hf_bench hf_bench_ntt;   /* ntt, intt, coset_ntt */
hf_bench hf_bench_msm;   /* msm; with other scalars msm/witness, msm/ones, msm/small */
hf_bench hf_bench_hash;  /* poseidon2_compress4 */
/* Whole proofs of the batch circuit of 2^12 to 2^22 rows, filled with distinct signed transfers. */
hf_bench hf_bench_prove;
/* A node over two leaves, a node over a node and a leaf, and a seal. Their size is what it is: log_min and log_max must be 0. */
hf_bench hf_bench_fold;

/* --- for whoever measures something else, as the command's `bench e2e` -------------------------------- */

/* The cost of one multiplication on that code path, one thread, and the path's name; NULLs as in the options. */
hf_status hf_bench_multiplication(const char *backend, const char *variant, double *ns, char device[HF_BENCH_TEXT]);
/* At least so many multiplications have the MSMs (as if all their points were of one) and transforms of a proof of 2^log_n
 * rows. */
double hf_bench_proof_multiplications(unsigned log_n, double msm_points, double transforms);
/* The most slots of a batch circuit that has 2^log_n rows; HF_E_RANGE when none has. */
hf_status hf_bench_batch_slots(unsigned log_n, unsigned depth, unsigned *slots);

#endif
