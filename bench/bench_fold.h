/* `hyperfold bench fold`: a node over two leaves, a node over a node and a leaf, and a seal, proven and verified. */
#ifndef HF_BENCH_FOLD_H
#define HF_BENCH_FOLD_H
#include "bench.h"
#include "prove.h"

#define HF_BENCH_FOLD_KINDS   3
#define HF_BENCH_FOLD_GADGETS 12

typedef struct hf_bench_fold_options {
  const char *backend; /* NULL: "cpu" */
  const char *variant; /* NULL: the best */
  unsigned threads;    /* 0: as many as the machine has */
  unsigned repeats;    /* samples of each; 0: 3 */
  /* Called with what is being done; may be NULL. */
  void (*progress)(void *context, const char *what);
  void *context;
} hf_bench_fold_options;

typedef struct hf_bench_fold_result {
  const char *name; /* "node(leaf,leaf)", "node(node,leaf)", "seal" */
  unsigned log_n, kappa;
  uint32_t used_rows;
  struct {
    char name[48]; /* of the scope */
    uint32_t rows;
  } gadgets[HF_BENCH_FOLD_GADGETS];
  size_t gadget_count;
  double witness_ms, key_ms, load_ms, verify_ms; /* key and load: once a circuit, 0 where it was there */
  size_t samples;
  double *samples_ms, median_ms;
  hf_prove_report median; /* of one of the samples nearest to the median */
  size_t proof_bytes;
  uint64_t peak_bytes; /* resident memory while this was proven, key and setup included */
} hf_bench_fold_result;

typedef struct hf_bench_fold_report {
  hf_bench_report environment; /* its results are empty */
  char device[32];
  unsigned threads;
  size_t count;
  hf_bench_fold_result results[HF_BENCH_FOLD_KINDS];
} hf_bench_fold_report;

/* HF_E_DEVICE if a proof does not verify: a wrong result has no time. */
hf_status hf_bench_fold(const hf_bench_fold_options *options, hf_bench_fold_report *report);
void hf_bench_fold_report_free(hf_bench_fold_report *report);
json_t *hf_bench_fold_json(const hf_bench_fold_report *report);

#endif
