/* hyperfold bench: measurements of this machine, verified, with every sample. */
#include "bench.h"
#include "bench_e2e.h"
#include "bench_queue.h"
#include "commands.h"
#include "device_common.h"
#include "compare.h"

#include <errno.h>
#include <hyperfold/file.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void progress(void *context, const char *what) {
  (void)context;
  hf_cli_progress(what);
}

/* --- options ---------------------------------------------------------------------------------- */

/* "2^16", "16" or "2^14-2^18". */
static hf_status parse_sizes(const char *text, unsigned *from, unsigned *to) {
  unsigned low, high;
  int end = 0;
  *from = *to = 0;
  if (text == NULL) return HF_OK;
  if ((sscanf(text, "2^%2u-2^%2u%n", &low, &high, &end) == 2 && text[end] == 0) ||
      (sscanf(text, "%2u-%2u%n", &low, &high, &end) == 2 && text[end] == 0)) {
    /* both are read */
  } else if ((sscanf(text, "2^%2u%n", &low, &end) == 1 && text[end] == 0) ||
             (sscanf(text, "%2u%n", &low, &end) == 1 && text[end] == 0)) {
    high = low;
  } else {
    return hf_fail(HF_E_ARGUMENT, "--size is 2^N or 2^N-2^M, not \"%s\"", text);
  }
  if (low < 1 || low > high || high > 26) return hf_fail(HF_E_ARGUMENT, "--size goes from 2^1 to 2^26, the smaller first, not \"%s\"", text);
  *from = low;
  *to = high;
  return HF_OK;
}

#define LIST      8
#define LIST_TEXT 32

/* "a,b": the words between the commas. */
static hf_status parse_list(const char *option, const char *text, char out[LIST][LIST_TEXT], size_t *count) {
  *count = 0;
  while (text != NULL && *text != 0) {
    size_t length = strcspn(text, ",");
    if (length == 0 || length >= LIST_TEXT || *count == LIST || (text[length] == ',' && text[length + 1] == 0))
      return hf_fail(HF_E_ARGUMENT, "--%s is a list of at most %d words with commas between them", option, LIST);
    memcpy(out[*count], text, length);
    out[(*count)++][length] = 0;
    text += length + (text[length] == ',');
  }
  return HF_OK;
}

/* "1,64": numbers up to 1024; none is one 0. */
static hf_status parse_numbers(const char *option, const char *text, unsigned out[LIST], size_t *count) {
  hf_status status;
  char words[LIST][LIST_TEXT];
  HF_TRY(parse_list(option, text, words, count));
  for (size_t i = 0; i < *count; i++) {
    int end = 0;
    if (words[i][0] < '0' || words[i][0] > '9' || sscanf(words[i], "%4u%n", &out[i], &end) != 1 || words[i][end] != 0 || out[i] > 1024)
      HF_TRY(hf_fail(HF_E_ARGUMENT, "--%s: \"%s\" is no number up to 1024", option, words[i]));
  }
  if (*count == 0) out[(*count)++] = 0;
out:
  return status;
}

static hf_status parse_scalars(const char *text, hf_bench_scalars *out) {
  static const char *const names[] = {"random", "witness", "ones", "small"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(text, names[i]) == 0) {
      *out = (hf_bench_scalars)i;
      return HF_OK;
    }
  return hf_fail(HF_E_ARGUMENT, "--scalars is random, witness, ones or small, not \"%s\"", text);
}

/* --- output ----------------------------------------------------------------------------------- */

/* FILE[,FILE]: the ends of the names say the formats. */
static hf_status write_files(const hf_bench_report *report, const char *list) {
  hf_status status = HF_OK;
  char path[4096];
  while (list != NULL && *list != 0) {
    size_t length = strcspn(list, ",");
    if (length >= sizeof path) return hf_fail(HF_E_ARGUMENT, "--out: a name is too long");
    memcpy(path, list, length);
    path[length] = 0;
    HF_TRY(hf_bench_report_write(report, path));
    list += length + (list[length] == ',');
  }
out:
  return status;
}

static hf_status check_folder(const char *path, size_t length) {
  char folder[PATH_MAX] = ".";
  while (length > 0 && path[length - 1] != '/') length--;
  if (length >= sizeof folder) return hf_fail(HF_E_ARGUMENT, "--out: a path of %zu characters", length);
  if (length > 0) snprintf(folder, sizeof folder, "%.*s", (int)length, path);
  if (access(folder, W_OK) != 0) return hf_fail(hf_status_of_errno(errno), "--out: cannot write to %s: %s", folder, strerror(errno));
  return HF_OK;
}

/* A name that cannot be written is found before the hours of measuring. */
static hf_status check_files(const char *list) {
  hf_status status = HF_OK;
  static const char *const ends[] = {".json", ".csv", ".md", ".html"};
  while (list != NULL && *list != 0) {
    size_t length = strcspn(list, ",");
    bool known = false;
    for (size_t i = 0; i < 4; i++)
      known |= length > strlen(ends[i]) && strncmp(list + length - strlen(ends[i]), ends[i], strlen(ends[i])) == 0;
    if (!known || strcmp(list + length, ",") == 0)
      return hf_fail(HF_E_ARGUMENT, "--out: \"%.200s\": a report is written as .json, .csv, .md or .html", list);
    HF_TRY(check_folder(list, length));
    list += length + (list[length] == ',');
  }
out:
  return status;
}

static hf_status print_text(char *text) {
  if (text == NULL) return hf_fail(HF_E_MEMORY, "no memory for the report");
  fputs(text, stdout);
  free(text);
  return HF_OK;
}

static hf_status emit(hf_cli *cli, const hf_bench_report *report) {
  hf_status status;
  hf_cli_progress(NULL);
  HF_TRY(write_files(report, hf_cli_text(cli, "out")));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, hf_bench_report_json(report)));
  else
    HF_TRY(print_text(hf_bench_report_markdown(report)));
out:
  return status;
}

/* --- measurements ------------------------------------------------------------------------------- */

/* Each variant with each number of threads, into one report. */
static hf_status measure(hf_cli *cli, hf_bench *run, hf_bench_options *options) {
  hf_status status;
  hf_bench_report report = {0};
  char variants[LIST][LIST_TEXT];
  unsigned threads[LIST];
  size_t variant_count, thread_count;
  options->backend = hf_cli_text(cli, "device");
  options->warm_up = (unsigned)hf_cli_number(cli, "warm-up");
  options->repeats = (unsigned)hf_cli_number(cli, "repeats");
  options->seed = hf_cli_number(cli, "seed");
  options->progress = progress;
  if (hf_cli_number(cli, "warm-up") > HF_BENCH_MAX || hf_cli_number(cli, "repeats") > HF_BENCH_MAX || options->seed > INT64_MAX)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "--warm-up and --repeats are at most %d, --seed is below 2^63", HF_BENCH_MAX));
  HF_TRY(check_files(hf_cli_text(cli, "out")));
  HF_TRY(parse_list("variant", hf_cli_text(cli, "variant"), variants, &variant_count));
  HF_TRY(parse_numbers("threads", hf_cli_text(cli, "threads"), threads, &thread_count));
  for (size_t v = 0; v < (variant_count ? variant_count : 1); v++)
    for (size_t t = 0; t < thread_count; t++) {
      options->variant = variant_count ? variants[v] : NULL;
      options->threads = threads[t];
      HF_TRY(run(options, &report));
    }
  HF_TRY(emit(cli, &report));
out:
  hf_cli_progress(NULL);
  hf_bench_report_free(&report);
  return status;
}

static hf_status kernel(hf_cli *cli, hf_bench *run) {
  hf_status status;
  hf_bench_options options = {0};
  HF_TRY(parse_sizes(hf_cli_text(cli, "size"), &options.log_min, &options.log_max));
  if (run == hf_bench_msm) HF_TRY(parse_scalars(hf_cli_text(cli, "scalars"), &options.scalars));
  HF_TRY(measure(cli, run, &options));
out:
  return status;
}

static hf_status field(hf_cli *cli) { return kernel(cli, hf_bench_field); }
static hf_status ntt(hf_cli *cli) { return kernel(cli, hf_bench_ntt); }
static hf_status msm(hf_cli *cli) { return kernel(cli, hf_bench_msm); }
static hf_status hash(hf_cli *cli) { return kernel(cli, hf_bench_hash); }

static hf_status prove(hf_cli *cli) {
  hf_status status;
  hf_bench_options options = {
      .depth = (unsigned)hf_cli_number(cli, "depth"),
      .kappa = (unsigned)hf_cli_number(cli, "kappa"),
      .scratch = hf_cli_text(cli, "scratch"),
  };
  HF_TRY(parse_sizes(hf_cli_text(cli, "size"), &options.log_min, &options.log_max));
  HF_TRY(measure(cli, hf_bench_prove, &options));
out:
  return status;
}

static hf_status fold(hf_cli *cli) {
  hf_bench_options options = {0};
  return measure(cli, hf_bench_fold, &options);
}

static hf_status e2e(hf_cli *cli) {
  hf_status status;
  hf_bench_report report = {0};
  unsigned from, to;
  HF_TRY(check_files(hf_cli_text(cli, "out")));
  HF_TRY(parse_sizes(hf_cli_text(cli, "size"), &from, &to));
  if (hf_cli_number(cli, "seed") > INT64_MAX || hf_cli_number(cli, "repeats") > 100)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "--repeats is at most 100, --seed is below 2^63"));
  hf_bench_report_begin(&report);
  report.environment.seed = hf_cli_number(cli, "seed");
  report.environment.repeats = (unsigned)hf_cli_number(cli, "repeats");
  for (unsigned log_n = from; log_n <= (hf_cli_number(cli, "slots") != 0 ? from : to); log_n++)
    HF_TRY(hf_e2e_measure(cli, log_n, &report));
  HF_TRY(emit(cli, &report));
out:
  hf_cli_progress(NULL);
  hf_bench_report_free(&report);
  return status;
}

/* Each engine with each number of clients and of jobs a call. One that is not there is skipped by name, unless it was asked for. */
static hf_status queue(hf_cli *cli) {
  hf_status status;
  hf_bench_report report = {0};
  char engines[LIST][LIST_TEXT], program[] = "/proc/self/exe";
  unsigned clients[LIST], batches[LIST];
  size_t engine_count, client_count, batch_count;
  hf_bench_queue_options o = {.jobs = (unsigned)hf_cli_number(cli, "jobs"), .repeats = (unsigned)hf_cli_number(cli, "repeats"),
                              .scratch = hf_cli_text(cli, "scratch"), .program = program, .progress = progress};
  HF_TRY(check_files(hf_cli_text(cli, "out")));
  HF_TRY(parse_list("engine", hf_cli_text(cli, "engine"), engines, &engine_count));
  HF_TRY(parse_numbers("clients", hf_cli_text(cli, "clients"), clients, &client_count));
  HF_TRY(parse_numbers("batch", hf_cli_text(cli, "batch"), batches, &batch_count));
  if (hf_cli_number(cli, "jobs") > 1000000 || hf_cli_number(cli, "repeats") > HF_BENCH_MAX)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "--jobs is at most 1000000, --repeats %d", HF_BENCH_MAX));
  for (size_t i = 0; i < engine_count * client_count * batch_count; i++) {
    o.engine = engines[i / (client_count * batch_count)];
    o.clients = clients[i / batch_count % client_count];
    o.batch = batches[i % batch_count];
    status = hf_bench_queue(&o, &report);
    if (status == HF_E_UNSUPPORTED && !hf_cli_given(cli, "engine"))
      hf_cli_say("bench queue: %s is skipped: %s", o.engine, hf_error_message());
    else
      HF_TRY(status);
  }
  if (report.count == 0) HF_TRY(hf_fail(HF_E_ARGUMENT, "bench queue: nothing was measured"));
  HF_TRY(emit(cli, &report));
out:
  hf_cli_progress(NULL);
  hf_bench_report_free(&report);
  return status;
}

/* --- reports that are there ----------------------------------------------------------------------- */

static hf_status compare(hf_cli *cli) {
  hf_status status;
  hf_bench_report a = {0}, b = {0};
  hf_bench_comparison comparison = {0};
  char *notes = NULL;
  HF_TRY(hf_bench_report_load(cli->arguments[0], &a));
  HF_TRY(hf_bench_report_load(cli->arguments[1], &b));
  HF_TRY(hf_bench_compare(&a, &b, &comparison));
  if (cli->json) {
    HF_TRY(hf_cli_print_json(cli, hf_bench_comparison_json(&comparison)));
  } else {
    notes = hf_bench_comparison_notes(&comparison);
    HF_TRY(print_text(hf_bench_comparison_markdown(&comparison)));
    if (notes != NULL && *notes != 0) fprintf(stderr, "they differ in more than the times:\n%s", notes);
  }
out:
  free(notes);
  hf_bench_comparison_free(&comparison);
  hf_bench_report_free(&a);
  hf_bench_report_free(&b);
  return status;
}

/* Reports of one machine and one build, joined and written anew. */
static hf_status render(hf_cli *cli) {
  hf_status status;
  hf_bench_report report = {0}, more = {0};
  HF_TRY(check_files(hf_cli_text(cli, "out")));
  HF_TRY(hf_bench_report_load(cli->arguments[0], &report));
  for (unsigned i = 1; i < cli->argument_count; i++) {
    HF_TRY(hf_bench_report_load(cli->arguments[i], &more));
    HF_TRY(hf_bench_report_join(&report, &more));
  }
  HF_TRY(emit(cli, &report));
out:
  hf_bench_report_free(&report);
  hf_bench_report_free(&more);
  return status;
}

/* --- the table --------------------------------------------------------------------------------------- */

#define OUT                                                                                                  \
  { "out", HF_OPTION_TEXT, "FILE[,FILE]", NULL, "also write the report: .json, .csv, .md or .html" }
#define COMMON(SAMPLES, WARM_UP)                                                                             \
  HF_OPTION_DEVICE,                                                                                          \
      {"variant", HF_OPTION_TEXT, "NAME[,NAME]", NULL,                                                       \
       "code paths: portable, mulx or ifma (default: the best)"},                                            \
      {"threads", HF_OPTION_TEXT, "N[,N]", "0", "CPU threads; 0: as many as there are cores"},               \
      {"seed", HF_OPTION_LARGE, "N", "1", "of the inputs"},                                                 \
      {"warm-up", HF_OPTION_NUMBER, "N", WARM_UP, "runs before the first sample"},                           \
      {"repeats", HF_OPTION_NUMBER, "N", SAMPLES, "samples of each"}, OUT
#define SIZES                                                                                                \
  { "size", HF_OPTION_TEXT, "2^N[-2^M]", NULL, "sizes (default: the benchmark's own range)" }

static const hf_option kernel_options[] = {COMMON("5", "1"), SIZES, HF_OPTION_END};
static const hf_option msm_options[] = {
    COMMON("5", "1"),
    SIZES,
    {"scalars", HF_OPTION_TEXT, "KIND", "random", "random, witness (as in the wires of a batch), ones or small (16 bits)"},
    HF_OPTION_END,
};
static const hf_option prove_options[] = {
    COMMON("3", "0"),
    {"size", HF_OPTION_TEXT, "2^N[-2^M]", "2^16", "rows of the circuit: as many slots as fit"},
    {"depth", HF_OPTION_NUMBER, "BITS", "24", "of the account tree"},
    {"kappa", HF_OPTION_NUMBER, "N", "0", "polynomials a commitment; 0: as in production"},
    {"scratch", HF_OPTION_TEXT, "FOLDER", "/tmp", "where the chain lives meanwhile"},
    HF_OPTION_END,
};
static const hf_option fold_options[] = {COMMON("3", "0"), HF_OPTION_END};
static const hf_option e2e_options[] = {
    HF_OPTION_DATA,
    {"srs", HF_OPTION_TEXT, "FILE", NULL, "the SRS (default: DATA/srs, made when it is missing)"},
    {"dev", HF_OPTION_FLAG, NULL, "yes", "the development SRS is what a measurement uses"},
    HF_OPTION_DEVICE,
    {"threads", HF_OPTION_NUMBER, "N", "0", "CPU threads of all workers; 0: as many as there are cores"},
    {"workers", HF_OPTION_NUMBER, "N", "1", "worker processes, which share the threads"},
    {"size", HF_OPTION_TEXT, "2^N[-2^M]", "2^17", "rows of a batch: as many slots as fit"},
    {"slots", HF_OPTION_NUMBER, "N", "0", "operations a batch, whatever the rows; 0: as --size says"},
    {"batches", HF_OPTION_NUMBER, "N", "8", "full batches, 1 to 256"},
    {"depth", HF_OPTION_NUMBER, "BITS", "24", "of the account tree"},
    {"seed", HF_OPTION_LARGE, "N", "1", "of the payments"},
    {"repeats", HF_OPTION_NUMBER, "N", "1", "runs"},
    {"timeout", HF_OPTION_NUMBER, "SECONDS", "3600", "give a run up after this time"},
    OUT,
    HF_OPTION_END,
};
static const hf_option queue_options[] = {
    {"engine", HF_OPTION_TEXT, "NAME[,NAME]", "local,redis,zmq", "local, redis, zmq (default: those that are there)"},
    {"clients", HF_OPTION_TEXT, "N[,N]", "1,64", "processes"},
    {"batch", HF_OPTION_TEXT, "N[,N]", "1,16", "jobs a call of submit"},
    {"jobs", HF_OPTION_NUMBER, "N", "2000", "jobs a sample"},
    {"repeats", HF_OPTION_NUMBER, "N", "3", "samples of each"},
    {"scratch", HF_OPTION_TEXT, "FOLDER", "/tmp", "on the disk that is measured"},
    OUT,
    HF_OPTION_END,
};
static const hf_option render_options[] = {OUT, HF_OPTION_END};

const hf_command hf_bench_commands[] = {
    {.name = "field", .summary = "field multiplications", .options = kernel_options, .run = field},
    {.name = "ntt", .summary = "number-theoretic transforms", .options = kernel_options, .run = ntt},
    {.name = "msm", .summary = "multi-scalar multiplications in G1", .options = msm_options, .run = msm},
    {.name = "hash", .summary = "Poseidon2 compressions", .options = kernel_options, .run = hash},
    {.name = "prove",
     .summary = "whole proofs of the batch circuit, full of signed transfers",
     .options = prove_options,
     .run = prove},
    {.name = "fold", .summary = "nodes of two children and a seal", .options = fold_options, .run = fold},
    {.name = "e2e",
     .summary = "payments proven per second: sequencer, workers, folds and seal",
     .options = e2e_options,
     .run = e2e,
     .details = "From the first signed payment to the last seal, everything verified. Keys and SRS are made before the clock\n"
                "runs, and stay in DATA."},
    {.name = "queue",
     .summary = "jobs per second through the queue alone, beside the engine under it",
     .options = queue_options,
     .run = queue,
     .details = "Every engine is started in a fresh folder with durable settings. queue/submit stands beside records of the same\n"
                "size that the engine itself takes (SQLite inserts, XADD by redis-benchmark); queue/cycle is submit, lease and\n"
                "finish; its p50 and p99 are the time from submit to lease."},
    {.name = "compare",
     .summary = "ratios of two reports, with their spread",
     .arguments = "A.json B.json",
     .min_arguments = 2,
     .max_arguments = 2,
     .run = compare,
     .details = "b/a is a ratio of times: below 1, B is faster. Quartiles and range follow from all samples of both."},
    {.name = "render",
     .summary = "reports of one machine and build as one table or page",
     .arguments = "REPORT.json...",
     .min_arguments = 1,
     .max_arguments = HF_CLI_ARGUMENTS,
     .options = render_options,
     .run = render},
    {.name = NULL},
};
