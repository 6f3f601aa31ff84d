/* A report of measurements: what machine, what build, what numbers. Every benchmark appends to one, every writer
 * (JSON, CSV, Markdown, HTML) takes one, and the JSON can be read back to be compared or drawn.
 *
 * A result without a verified outcome has no place here: who appends has verified, and a file whose results say
 * otherwise is refused. */
#ifndef HF_BENCH_REPORT_H
#define HF_BENCH_REPORT_H
#include <hyperfold/status.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HF_BENCH_SCHEMA 1
#define HF_BENCH_TEXT   64   /* bytes of a name, the NUL included */
#define HF_BENCH_LONG   256  /* of a line about the machine or the build */
#define HF_BENCH_MAX    4096 /* results of a report, samples of a result, pairs of a list: what a file may hold */

typedef struct hf_bench_pair {
  char name[HF_BENCH_TEXT];
  double value;
} hf_bench_pair;

typedef struct hf_bench_pairs {
  hf_bench_pair *items;
  size_t count;
} hf_bench_pairs;

typedef struct hf_bench_result {
  char name[HF_BENCH_TEXT];   /* "ntt", "msm", "msm/ones", "prove", "node(leaf,leaf)", ... */
  char device[HF_BENCH_TEXT]; /* backend and code path: "cpu/ifma" */
  uint64_t size;              /* elements, points, hashes, rows or payments a run */
  unsigned threads;
  double *samples_ms;         /* in the order measured, after the warm-up */
  size_t samples;             /* at least one */
  double minimum_ms, median_ms;
  double multiplications;     /* that the task cannot do without */
  double multiplication_ns;   /* of one in Fr, one thread, on this code path; 0: not measured */
  double limit_ms;            /* multiplications * multiplication_ns / threads; 0: unknown */
  hf_bench_pairs phases;      /* milliseconds, of a sample nearest to the median */
  hf_bench_pairs figures;     /* whatever else is told: "peak_bytes", "slots", ... */
  hf_bench_pairs rows;        /* of a circuit, by gadget */
} hf_bench_result;

typedef struct hf_bench_environment {
  char cpu[HF_BENCH_LONG];    /* the processor's name for itself */
  char system[HF_BENCH_LONG]; /* kernel and machine */
  char compiler[HF_BENCH_LONG], flags[HF_BENCH_LONG];
  char version[HF_BENCH_TEXT], commit[HF_BENCH_TEXT]; /* commit: "unknown" outside a checkout */
  char device[HF_BENCH_TEXT]; /* of the first result */
  char started[HF_BENCH_TEXT]; /* UTC, ISO 8601 */
  unsigned processors;        /* that this process may use */
  unsigned threads;           /* the most that a result has */
  uint64_t memory_bytes, seed;
  unsigned warm_up, repeats;
  double clock_mhz;           /* of a processor at the start; 0: unknown */
  double load;                /* runnable processes over the minute before the start */
  double multiplication_ns;   /* of the first result */
} hf_bench_environment;

typedef struct hf_bench_report {
  hf_bench_environment environment;
  hf_bench_result *results;
  size_t count;
} hf_bench_report;

/* Fills the environment in, unless that is done already. */
void hf_bench_report_begin(hf_bench_report *report);
/* Appends *result, whose memory the report takes over even on failure; minimum, median and limit are computed here.
 * HF_E_MEMORY; HF_E_ARGUMENT without samples. */
hf_status hf_bench_report_add(hf_bench_report *report, hf_bench_result *result);
hf_status hf_bench_pairs_add(hf_bench_pairs *pairs, const char *name, double value);
/* The value of that name; `otherwise` if there is none. */
double hf_bench_pairs_get(const hf_bench_pairs *pairs, const char *name, double otherwise);
void hf_bench_result_free(hf_bench_result *result);
void hf_bench_report_free(hf_bench_report *report);
/* median / limit; 0 without a limit. */
double hf_bench_ratio(const hf_bench_result *result);

/* {"schema": 1, "environment": {...}, "results": [...]}; a new reference, NULL if out of memory. */
json_t *hf_bench_report_json(const hf_bench_report *report);
/* From outside: every field is checked. HF_E_FORMAT names the first that is wrong, HF_E_VERSION another schema.
 * *report starts as all zeros. */
hf_status hf_bench_report_from_json(const char *name, const json_t *json, hf_bench_report *report);
hf_status hf_bench_report_load(const char *path, hf_bench_report *report);
/* Adds the results of `more`, which is emptied; seed, warm-up and repeats become 0 where they differ. HF_E_MISMATCH when
 * they were measured on another machine or by another build. */
hf_status hf_bench_report_join(hf_bench_report *report, hf_bench_report *more);

/* Each gives text in fresh memory, NULL if out of memory. */
char *hf_bench_report_markdown(const hf_bench_report *report);
char *hf_bench_report_csv(const hf_bench_report *report); /* a line a result, its samples separated by spaces */
char *hf_bench_report_html(const hf_bench_report *report); /* one page with plots that needs nothing else */
/* By the end of the name: .json, .csv, .md or .html; HF_E_ARGUMENT for another. */
hf_status hf_bench_report_write(const hf_bench_report *report, const char *path);

#endif
