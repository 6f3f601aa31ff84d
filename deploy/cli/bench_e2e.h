/* `hyperfold bench e2e`: payments proven per second, from signed lines to a verified seal. bench_e2e.c runs it,
 * bench_e2e_tell.c turns what workers and chains say into a result. */
#ifndef HF_CLI_BENCH_E2E_H
#define HF_CLI_BENCH_E2E_H

#include "demo.h"
#include "report.h"

typedef struct hf_e2e {
  hf_cli *cli;
  hf_cli quiet;          /* the same without a table of batches on stdout */
  hf_demo demo;          /* one chain, workers and an aggregator, without L1 */
  unsigned log_n;        /* of a batch */
  uint32_t batches, payments, accounts;
  unsigned workers, threads; /* all workers together have so many threads */
  hf_verifying_key seal; /* as derived here */
  double multiplication_ns;
  char device[HF_BENCH_TEXT];
  char **lines;          /* deposits, then signed payments; owned */
  size_t line_count, deposit_count;
  uint64_t peak[HF_DEMO_WORKERS + 1]; /* bytes of each worker, then of the aggregator */
  /* seconds on the monotonic clock */
  double first;          /* the first payment was accepted */
  double sequenced;      /* the last batch was handed on */
  double began, sealed;  /* the first payment was sent; the last seal was published */
  double setup_seconds;
  unsigned seals;
} hf_e2e;

/* Verifies every proof of a batch and every seal, and that the seals are about the chain's batches, all of them. */
hf_status hf_e2e_check(hf_e2e *e);
/* Adds the run to *result: a sample, and, from the first, phases and figures. */
hf_status hf_e2e_tell(hf_e2e *e, hf_bench_result *result);

/* As often as --repeats says, into one result of the report, whose environment is there. `log_n` is not looked at when --slots
 * is given. */
hf_status hf_e2e_measure(hf_cli *cli, unsigned log_n, hf_bench_report *report);

#endif
