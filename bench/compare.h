/* Two reports side by side. */
#ifndef HF_BENCH_COMPARE_H
#define HF_BENCH_COMPARE_H
#include "report.h"

/* time of b / time of a: below 1, b is faster. Exchanging a and b inverts every number and both ends of each range. */
typedef struct hf_bench_change {
  const hf_bench_result *a, *b;    /* in the reports */
  double ratio;                    /* of the medians */
  double quartile_low, quartile_high; /* first quartile of b / third of a, and the other way round */
  double low, high;                /* fastest of b / slowest of a, and the other way round */
  double limit_ratio;              /* (b / its limit) / (a / its limit): carries from machine to machine; 0: unknown */
} hf_bench_change;

typedef struct hf_bench_comparison {
  const hf_bench_report *a, *b; /* must outlive it */
  hf_bench_change *changes;     /* in the order of a */
  size_t count;
  size_t only_a, only_b;        /* results that the other lacks */
  double mean;                  /* geometric, of the ratios */
} hf_bench_comparison;

/* Results belong together when name, size, threads, device and the figures "depth", "kappa" and "batches" are equal; what each
 * report has on one device only belongs together whatever the device. HF_E_MISMATCH when nothing does. */
hf_status hf_bench_compare(const hf_bench_report *a, const hf_bench_report *b, hf_bench_comparison *out);
void hf_bench_comparison_free(hf_bench_comparison *comparison);
/* What must be known to read the ratios: how the environments differ. A line each; "" if they do not. NULL without
 * memory. */
char *hf_bench_comparison_notes(const hf_bench_comparison *comparison);
char *hf_bench_comparison_markdown(const hf_bench_comparison *comparison);
json_t *hf_bench_comparison_json(const hf_bench_comparison *comparison);

#endif
