/* `hyperfold bench prove`: whole proofs of the real batch circuit, filled with distinct signed transfers. */
#ifndef HF_BENCH_PROVE_H
#define HF_BENCH_PROVE_H
#include "bench.h"
#include "prove.h"

typedef struct hf_bench_prove_options {
  const char *backend;  /* NULL: "cpu" */
  const char *variant;  /* NULL: the best */
  unsigned threads;     /* 0: as many as the machine has */
  unsigned log_n;       /* rows of the circuit are 2^log_n: as many slots as fit; 12 .. 22, 0: 16 */
  unsigned depth;       /* of the account tree; 0: 24 */
  unsigned kappa;       /* 0: HF_PRODUCTION_KAPPA */
  unsigned warm_up;     /* proofs before the first sample */
  unsigned repeats;     /* samples; 0: 3 */
  uint64_t seed;        /* of keys, payments and amounts */
  const char *scratch;  /* a folder for the chain's database; NULL: /tmp. Removed at the end */
  /* Called with what is being done; may be NULL. */
  void (*progress)(void *context, const char *what);
  void *context;
} hf_bench_prove_options;

typedef struct hf_bench_prove_report {
  hf_bench_report environment; /* its results are empty */
  unsigned log_n, depth, slots, kappa, threads;
  char device[32];
  uint32_t used_rows, slot_rows;
  double transfer_rows_share; /* rows of slots that hold signed transfers / all rows (2^log_n) */
  double witness_ms;          /* expanding the batch input into wires (median) */
  double key_ms, load_ms;     /* once: deriving the key, loading it onto the device */
  double verify_ms;
  size_t samples;
  double *samples_ms;         /* proofs, without the witness */
  double median_ms;
  double limit_ms;            /* of the median proof: its own MSMs and transforms alone */
  hf_prove_report median;     /* phases of the median proof */
  size_t proof_bytes, input_bytes;
  uint64_t peak_bytes;        /* resident memory of the process */
  bool verified;              /* every proof was; else there is no report */
} hf_bench_prove_report;

/* HF_E_DEVICE if a proof does not verify: a wrong result has no time. */
hf_status hf_bench_prove(const hf_bench_prove_options *options, hf_bench_prove_report *report);
void hf_bench_prove_report_free(hf_bench_prove_report *report);
/* {"environment": {...}, "results": [{"name":"prove", ...}]}; a new reference, NULL if out of memory. */
json_t *hf_bench_prove_json(const hf_bench_prove_report *report);

#endif
