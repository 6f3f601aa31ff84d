/* hyperfold bench: measurements of this machine, verified, with every sample. */
#include "bench.h"
#include "bench_fold.h"
#include "bench_prove.h"
#include "commands.h"

#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void progress(void *context, const hf_bench_result *r) {
  char line[128];
  (void)context;
  snprintf(line, sizeof line, "%s %llu: %.3f ms", r->name, (unsigned long long)r->size, r->median_ms);
  hf_cli_progress(line);
}

/* "2^16", "16" or "2^14-2^18". */
static hf_status parse_sizes(const char *text, unsigned *from, unsigned *to) {
  unsigned low, high;
  int end = 0;
  *from = *to = 0;
  if (text == NULL) return HF_OK;
  if ((sscanf(text, "2^%u-2^%u%n", &low, &high, &end) == 2 && text[end] == 0) ||
      (sscanf(text, "%u-%u%n", &low, &high, &end) == 2 && text[end] == 0)) {
    /* both are read */
  } else if ((sscanf(text, "2^%u%n", &low, &end) == 1 && text[end] == 0) ||
             (sscanf(text, "%u%n", &low, &end) == 1 && text[end] == 0)) {
    high = low;
  } else {
    return hf_fail(HF_E_ARGUMENT, "--size is 2^N or 2^N-2^M, not \"%s\"", text);
  }
  if (low < 1 || low > high || high > 26) return hf_fail(HF_E_ARGUMENT, "--size goes from 2^1 to 2^26");
  *from = low;
  *to = high;
  return HF_OK;
}

/* Prints the document, or keeps it in --out. */
static hf_status emit(hf_cli *cli, json_t *document) {
  hf_status status = HF_OK;
  const char *out = hf_cli_text(cli, "out");
  if (document == NULL) return hf_fail(HF_E_MEMORY, "no memory for the report");
  if (out != NULL) {
    char *text = json_dumps(document, JSON_INDENT(2));
    if (text == NULL) {
      status = hf_fail(HF_E_MEMORY, "no memory for the report");
    } else {
      hf_bytes parts[2] = {{text, strlen(text)}, {"\n", 1}};
      status = hf_file_write(out, 0644, parts, 2);
    }
    free(text);
  }
  if (cli->json && status == HF_OK) return hf_cli_print_json(cli, document);
  json_decref(document);
  return status;
}

static void print_results(const hf_bench_report *report) {
  printf("%s, %u processors; one Fr multiplication on one thread: %.2f ns\n", report->cpu, report->processors,
         report->multiplication_ns);
  printf("%-20s %10s %3s %-12s %12s %12s %12s %7s\n", "what", "size", "thr", "device", "minimum ms",
         "median ms", "limit ms", "ratio");
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    printf("%-20s %10llu %3u %-12s %12.4f %12.4f %12.4f %7.2f\n", r->name, (unsigned long long)r->size,
           r->threads, r->device, r->minimum_ms, r->median_ms, r->limit_ms,
           r->limit_ms > 0 ? r->median_ms / r->limit_ms : 0);
  }
}

static hf_status kernel(hf_cli *cli, hf_status (*run)(const hf_bench_options *, hf_bench_report *)) {
  hf_status status;
  hf_bench_report report = {0};
  hf_bench_options options = {
      .backend = hf_cli_text(cli, "backend"),
      .variant = hf_cli_text(cli, "variant"),
      .threads = (unsigned)hf_cli_number(cli, "threads"),
      .warm_up = (unsigned)hf_cli_number(cli, "warm-up"),
      .repeats = (unsigned)hf_cli_number(cli, "repeats"),
      .seed = hf_cli_number(cli, "seed"),
      .progress = progress,
  };
  HF_TRY(parse_sizes(hf_cli_text(cli, "size"), &options.log_min, &options.log_max));
  HF_TRY(run(&options, &report));
  hf_cli_progress(NULL);
  if (!cli->json) print_results(&report);
  HF_TRY(emit(cli, hf_bench_report_json(&report)));
out:
  hf_bench_report_free(&report);
  return status;
}

static hf_status field(hf_cli *cli) { return kernel(cli, hf_bench_field); }
static hf_status ntt(hf_cli *cli) { return kernel(cli, hf_bench_ntt); }
static hf_status msm(hf_cli *cli) { return kernel(cli, hf_bench_msm); }
static hf_status hash(hf_cli *cli) { return kernel(cli, hf_bench_hash); }

static void prove_progress(void *context, const char *what) {
  (void)context;
  hf_cli_progress(what);
}

static hf_status prove(hf_cli *cli) {
  hf_status status;
  hf_bench_prove_report r = {0};
  unsigned from, to;
  hf_bench_prove_options options = {
      .backend = hf_cli_text(cli, "backend"),
      .variant = hf_cli_text(cli, "variant"),
      .threads = (unsigned)hf_cli_number(cli, "threads"),
      .depth = (unsigned)hf_cli_number(cli, "depth"),
      .kappa = (unsigned)hf_cli_number(cli, "kappa"),
      .warm_up = (unsigned)hf_cli_number(cli, "warm-up"),
      .repeats = (unsigned)hf_cli_number(cli, "repeats"),
      .seed = hf_cli_number(cli, "seed"),
      .scratch = hf_cli_text(cli, "scratch"),
      .progress = prove_progress,
  };
  HF_TRY(parse_sizes(hf_cli_text(cli, "size"), &from, &to));
  if (from != to) {
    status = hf_fail(HF_E_ARGUMENT, "bench prove takes one size");
    goto out;
  }
  options.log_n = from;
  HF_TRY(hf_bench_prove(&options, &r));
  hf_cli_progress(NULL);
  if (!cli->json) {
    printf("batch circuit, depth %u, %u slots of %u rows: %u rows used of 2^%u, %.1f %% of all rows from "
           "distinct signed "
           "transfers; kappa %u; %s, %u threads\n",
           r.depth, r.slots, r.slot_rows, r.used_rows, r.log_n, 100 * r.transfer_rows_share, r.kappa,
           r.device, r.threads);
    for (unsigned i = 0; i < r.median.phase_count; i++)
      printf("  %-12s %9.3f s\n", r.median.phases[i].name, r.median.phases[i].seconds);
    printf("prove        %9.3f s  (median of %zu; all verified)\n", r.median_ms / 1000, r.samples);
    printf("its MSMs and transforms alone %.3f s, ratio %.2f\n", r.limit_ms / 1000,
           r.limit_ms > 0 ? r.median_ms / r.limit_ms : 0);
    printf("witness %.3f s, key %.1f s once, loading it %.1f s, verify %.2f ms\n", r.witness_ms / 1000,
           r.key_ms / 1000, r.load_ms / 1000, r.verify_ms);
    printf("input %zu bytes, proof %zu bytes, peak memory %.2f GiB\n", r.input_bytes, r.proof_bytes,
           (double)r.peak_bytes / (1 << 30));
  }
  HF_TRY(emit(cli, hf_bench_prove_json(&r)));
out:
  hf_cli_progress(NULL);
  hf_bench_prove_report_free(&r);
  return status;
}

static hf_status fold(hf_cli *cli) {
  hf_status status;
  hf_bench_fold_report report = {0};
  hf_bench_fold_options options = {
      .backend = hf_cli_text(cli, "backend"),
      .variant = hf_cli_text(cli, "variant"),
      .threads = (unsigned)hf_cli_number(cli, "threads"),
      .repeats = (unsigned)hf_cli_number(cli, "repeats"),
      .progress = prove_progress,
  };
  HF_TRY(hf_bench_fold(&options, &report));
  hf_cli_progress(NULL);
  for (size_t k = 0; k < report.count && !cli->json; k++) {
    const hf_bench_fold_result *r = &report.results[k];
    double limit = r->median.msm_seconds + r->median.ntt_seconds;
    printf("%s: %u rows of 2^%u, kappa %u; %s, %u threads\n", r->name, r->used_rows, r->log_n, r->kappa, report.device,
           report.threads);
    for (size_t i = 0; i < r->gadget_count; i++) printf("  %-32s %8u rows\n", r->gadgets[i].name, r->gadgets[i].rows);
    for (unsigned i = 0; i < r->median.phase_count; i++)
      printf("  %-12s %9.3f s\n", r->median.phases[i].name, r->median.phases[i].seconds);
    printf("  prove        %9.3f s  (median of %zu, verified; its MSMs and transforms alone %.3f s, ratio %.2f)\n",
           r->median_ms / 1000, r->samples, limit, limit > 0 ? r->median_ms / 1000 / limit : 0);
    printf("  witness %.3f s, key %.1f s once, loading it %.1f s, verify %.2f ms, proof %zu bytes, peak %.2f GiB\n",
           r->witness_ms / 1000, r->key_ms / 1000, r->load_ms / 1000, r->verify_ms, r->proof_bytes,
           (double)r->peak_bytes / (1 << 30));
  }
  HF_TRY(emit(cli, hf_bench_fold_json(&report)));
out:
  hf_cli_progress(NULL);
  hf_bench_fold_report_free(&report);
  return status;
}

#define END                                                                                                  \
  { NULL, HF_OPTION_FLAG, NULL, NULL, NULL }
#define COMMON                                                                                               \
  {"backend", HF_OPTION_TEXT, "NAME", "cpu", "the device"},                                                  \
      {"variant", HF_OPTION_TEXT, "NAME", NULL, "code path: portable, mulx or ifma (default: the best)"},          \
      {"threads", HF_OPTION_NUMBER, "N", "0", "CPU threads; 0: as many as there are cores"},                 \
      {"seed", HF_OPTION_NUMBER, "N", "1", "of the inputs"}, {                                               \
    "out", HF_OPTION_TEXT, "FILE", NULL, "also write the JSON report to a file"                              \
  }

static const hf_option kernel_options[] = {
    COMMON,
    {"size", HF_OPTION_TEXT, "2^N[-2^M]", NULL, "sizes (default: the benchmark's own range)"},
    {"warm-up", HF_OPTION_NUMBER, "N", "1", "runs before the first sample"},
    {"repeats", HF_OPTION_NUMBER, "N", "5", "samples a size"},
    END,
};
static const hf_option prove_options[] = {
    COMMON,
    {"size", HF_OPTION_TEXT, "2^N", "2^16", "rows of the circuit: as many slots as fit"},
    {"depth", HF_OPTION_NUMBER, "BITS", "24", "of the account tree"},
    {"kappa", HF_OPTION_NUMBER, "N", "0", "polynomials a commitment; 0: as in production"},
    {"warm-up", HF_OPTION_NUMBER, "N", "0", "proofs before the first sample"},
    {"repeats", HF_OPTION_NUMBER, "N", "3", "samples"},
    {"scratch", HF_OPTION_TEXT, "FOLDER", "/tmp", "where the chain lives meanwhile"},
    END,
};

static const hf_option fold_options[] = {
    {"backend", HF_OPTION_TEXT, "NAME", "cpu", "the device"},
    {"variant", HF_OPTION_TEXT, "NAME", NULL, "code path: portable, mulx or ifma (default: the best)"},
    {"threads", HF_OPTION_NUMBER, "N", "0", "CPU threads; 0: as many as there are cores"},
    {"repeats", HF_OPTION_NUMBER, "N", "3", "samples, at most 16"},
    {"out", HF_OPTION_TEXT, "FILE", NULL, "also write the JSON report to a file"},
    END,
};

const hf_command hf_bench_commands[] = {
    {.name = "field", .summary = "field multiplications", .options = kernel_options, .run = field},
    {.name = "ntt", .summary = "number-theoretic transforms", .options = kernel_options, .run = ntt},
    {.name = "msm", .summary = "multi-scalar multiplications in G1", .options = kernel_options, .run = msm},
    {.name = "hash", .summary = "Poseidon2 compressions", .options = kernel_options, .run = hash},
    {.name = "prove",
     .summary = "whole proofs of the batch circuit, full of signed transfers",
     .options = prove_options,
     .run = prove},
    {.name = "fold", .summary = "nodes of two children and a seal", .options = fold_options, .run = fold},
    {.name = NULL},
};
