/* Measurements of the arithmetic: what `hyperfold bench field|ntt|msm|hash` prints.
 *
 * Every result is verified before it counts, every sample is kept, and beside each
 * time stands the machine's limit: the multiplications that the task cannot do
 * without, times the cost of one measured in the same run on the same code path.
 */
#ifndef HF_BENCH_H
#define HF_BENCH_H
#include <hyperfold/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hf_bench_result {
  const char *name; /* "ntt", "msm", "fr_mul", ...: static */
  uint64_t size;    /* elements, points or hashes a run */
  unsigned threads;
  char device[32];    /* backend and code path: "cpu/mulx" */
  double *samples_ms; /* in the order measured, after the warm-up */
  size_t samples;
  double minimum_ms, median_ms;
  double limit_ms; /* multiplications * cost of one / threads */
  double multiplications;
  bool verified;
} hf_bench_result;

typedef struct hf_bench_options {
  const char *backend;       /* NULL: "cpu" */
  const char *variant;       /* NULL: the best */
  unsigned threads;          /* 0: as many as the machine has */
  unsigned log_min, log_max; /* sizes 2^log_min .. 2^log_max; both 0: the benchmark's own range */
  unsigned warm_up;          /* runs before the first sample; 0: 1 */
  unsigned repeats;          /* samples a size; 0: 5 */
  uint64_t seed;             /* of the inputs */
  /* Called after each result; may be NULL. */
  void (*progress)(void *context, const hf_bench_result *result);
  void *context;
} hf_bench_options;

typedef struct hf_bench_report {
  hf_bench_result *results;
  size_t count;
  char cpu[64]; /* the processor's name for itself */
  unsigned processors;
  uint64_t memory_bytes;
  char system[128]; /* kernel and machine */
  char compiler[64], version[32];
  uint64_t seed;
  unsigned warm_up, repeats;
  char started[32];         /* UTC, ISO 8601 */
  double multiplication_ns; /* one Fr multiplication on one thread, throughput, on the code path measured */
} hf_bench_report;

/* Each appends its results to *report, which starts as all zeros and is freed by hf_bench_report_free.
 * HF_E_DEVICE if a result is wrong: a wrong result has no time. */
hf_status hf_bench_field(const hf_bench_options *options,
                         hf_bench_report *report); /* fr_mul, fr_mul_add, fr_inverse */
hf_status hf_bench_ntt(const hf_bench_options *options, hf_bench_report *report);  /* ntt, intt, coset_ntt */
hf_status hf_bench_msm(const hf_bench_options *options, hf_bench_report *report);  /* msm: random scalars */
hf_status hf_bench_hash(const hf_bench_options *options, hf_bench_report *report); /* poseidon2_compress4 */
void hf_bench_report_free(hf_bench_report *report);

/* {"environment": {...}, "results": [...]}; a new reference, NULL if out of memory. */
json_t *hf_bench_report_json(const hf_bench_report *report);

#endif
