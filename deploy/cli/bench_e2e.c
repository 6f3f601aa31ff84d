#include "bench_e2e.h"
#include "batch_key.h"
#include "bench.h"
#include "commands.h"
#include "device_common.h"
#include "fold_keys.h"

#include <errno.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK    64 /* payments a call of the front door */
#define ACCOUNTS 16 /* their deposits take slots of the first batches */

/* Longer than the longest phase of a proof: nobody else could take the job anyhow. */
#define LEASE_SECONDS 600

/* --- the load, made before the clock runs ----------------------------------------------------------- */

static hf_status keep_line(hf_e2e *e, const char *line) {
  char **lines = realloc(e->lines, (e->line_count + 1) * sizeof *lines);
  if (lines == NULL) return hf_fail(HF_E_MEMORY, "no memory for the payments");
  e->lines = lines;
  if ((lines[e->line_count] = strdup(line)) == NULL) return hf_fail(HF_E_MEMORY, "no memory for a payment");
  e->line_count++;
  return HF_OK;
}

static hf_status keep_deposit(void *context, const char *line) {
  hf_e2e *e = context;
  e->deposit_count++;
  return keep_line(e, line);
}

static hf_status keep_payment(void *context, const char *line, hf_refusal expected) {
  if (expected != HF_REFUSAL_NONE) return hf_fail(HF_E_INTERNAL, "the generator made an invalid payment");
  return keep_line(context, line);
}

static hf_status make_load(hf_e2e *e, uint64_t seed) {
  hf_generator_options load = {.seed = seed,
                               .chain_id = e->demo.chains[0].id,
                               .accounts = e->accounts,
                               .transactions = e->payments,
                               .skew = 1};
  hf_generator_sink sink = {keep_deposit, keep_payment, e};
  hf_status status = hf_generator_run(&load, &sink, NULL);
  if (status == HF_OK && (e->deposit_count != e->accounts || e->line_count != e->accounts + e->payments))
    return hf_fail(HF_E_INTERNAL, "the generator made %zu deposits and %zu payments", e->deposit_count, e->line_count - e->deposit_count);
  return status;
}

/* --- set-up: keys and SRS, found on the next run ------------------------------------------------------ */

static hf_status set_up(hf_e2e *e) {
  hf_status status;
  hf_cli_device device = {0};
  hf_verifying_key node;
  const hf_catalog_entry *entry;
  uint32_t rows;
  double began = hf_cli_now();
  hf_cli_progress("e2e: keys of node and seal");
  HF_TRY(hf_catalog_find(HF_SEAL_CIRCUIT, &entry));
  HF_TRY(hf_cli_device_open(e->cli, hf_catalog_points(entry), &device));
  HF_TRY(hf_fold_keys(device.keys, device.srs, &node, &e->seal));
  hf_cli_device_close(&device);
  HF_TRY(hf_cli_batch_key(e->cli, &e->demo.params, &e->demo.vk, &rows));
  e->demo.vk_digest = hf_vk_digest_bytes(&e->demo.vk);
  e->setup_seconds = hf_cli_now() - began;
out:
  hf_cli_device_close(&device);
  return status;
}

static hf_status open_run(hf_e2e *e) {
  hf_demo *demo = &e->demo;
  hf_status status;
  char *path = NULL;
  HF_TRY(hf_folder_create(demo->data, 0755));
  if (asprintf(&demo->folder, "%s/bench-XXXXXX", demo->data) < 0) {
    demo->folder = NULL;
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  }
  if (mkdtemp(demo->folder) == NULL) {
    status = hf_fail(hf_status_of_errno(errno), "%s: %s", demo->folder, strerror(errno));
    free(demo->folder);
    demo->folder = NULL;
    return status;
  }
  if (asprintf(&demo->queue_path, "%s/queue", demo->folder) < 0) {
    demo->queue_path = NULL;
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  }
  hf_queue_options queue = {.location = demo->queue_path, .log = &e->cli->log};
  HF_TRY(hf_queue_open(&queue, &demo->queue));
  if (asprintf(&path, "%s/chain.db", demo->folder) < 0) {
    path = NULL;
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a path"));
  }
  hf_chain_options chain = {
      .path = path, .chain_id = demo->chains[0].id, .params = demo->params, .backlog_limit = e->batches, .log = &e->cli->log};
  hf_sequencer_options options = {
      .chains = &chain, .chain_count = 1, .queue = demo->queue, .vk_digest = demo->vk_digest, .device_memory = hf_cli_proof_memory(e->cli, &demo->vk_digest), .log = &e->cli->log};
  HF_TRY(hf_sequencer_open(&options, &demo->sequencer));
out:
  free(path);
  return status;
}

/* --- the run ------------------------------------------------------------------------------------------- */

static hf_status take_answer(void *context, const hf_answer *answer) {
  hf_e2e *e = context;
  if (answer->busy || answer->refusal != HF_REFUSAL_NONE)
    return hf_fail(HF_E_INTERNAL, "a payment of the benchmark was refused: %s",
                   answer->busy ? "no room" : hf_refusal_text(answer->refusal));
  if (e->demo.chains[0].accepted++ == 0) e->first = hf_cli_now();
  return HF_OK;
}

/* All payments through the front door, CHUNK a call; full batches go to the queue meanwhile. */
static hf_status sequence(hf_e2e *e) {
  hf_status status = HF_OK;
  char *text = malloc((size_t)CHUNK * (HF_TRANSACTION_JSON + 1));
  if (text == NULL) return hf_fail(HF_E_MEMORY, "no memory for payments");
  for (size_t i = 0; i < e->deposit_count; i++)
    HF_TRY(hf_sequencer_deposit_text(e->demo.sequencer, e->lines[i], strlen(e->lines[i]), NULL));
  e->began = hf_cli_now();
  for (size_t i = e->deposit_count; i < e->line_count;) {
    size_t length = 0;
    for (int k = 0; k < CHUNK && i < e->line_count; k++, i++)
      length += (size_t)sprintf(text + length, "%.*s\n", HF_TRANSACTION_JSON - 1, e->lines[i]);
    HF_TRY(hf_sequencer_submit_text(e->demo.sequencer, text, length, take_answer, e, NULL));
    HF_TRY(hf_sequencer_step(e->demo.sequencer));
  }
  HF_TRY(hf_sequencer_flush(e->demo.sequencer, 600000));
  e->sequenced = hf_cli_now();
  e->demo.chains[0].offered = e->demo.chains[0].accepted;
out:
  free(text);
  return status;
}

static uint64_t peak_of(pid_t pid) {
  char path[64], line[128];
  unsigned long long kib = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *file = fopen(path, "re");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "VmHWM: %llu", &kib) == 1) break;
  fclose(file);
  return (uint64_t)kib * 1024;
}

static void look_at_memory(hf_e2e *e) {
  for (unsigned i = 0; i <= HF_DEMO_WORKERS; i++) {
    pid_t pid = i == HF_DEMO_WORKERS ? e->demo.aggregator : i < e->demo.worker_count ? e->demo.workers[i].pid : 0;
    uint64_t peak = pid > 0 ? peak_of(pid) : 0;
    if (peak > e->peak[i]) e->peak[i] = peak;
  }
}

/* Until the aggregator has published the last seal. */
static hf_status wait_for_seals(hf_e2e *e) {
  hf_status status;
  hf_demo *demo = &e->demo;
  double limit = hf_cli_now() + (double)hf_cli_number(e->cli, "timeout");
  for (bool ended = false;;) {
    HF_TRY(hf_demo_aggregator_ended(demo, &ended));
    if (ended) break;
    HF_TRY(hf_demo_workers_alive(demo));
    if (hf_cli_now() > limit)
      HF_TRY(hf_fail(HF_E_TIMEOUT, "no seal after %llu s", (unsigned long long)hf_cli_number(e->cli, "timeout")));
    HF_TRY(hf_queue_reap(demo->queue, NULL));
    look_at_memory(e);
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
  }
  e->sealed = hf_cli_now();
out:
  return status;
}

static void close_run(hf_e2e *e, bool keep) {
  hf_demo_workers_end(&e->demo);
  hf_demo_aggregator_kill(&e->demo);
  hf_sequencer_close(&e->demo.sequencer);
  hf_queue_close(&e->demo.queue);
  if (e->demo.folder != NULL && keep)
    hf_cli_say("logs are in %s", e->demo.folder);
  else if (e->demo.folder != NULL)
    hf_folder_remove(e->demo.folder);
  free(e->demo.folder);
  free(e->demo.queue_path);
  for (size_t i = 0; i < e->line_count; i++) free(e->lines[i]);
  free(e->lines);
  e->lines = NULL;
  e->line_count = 0;
}

static hf_status run_once(hf_e2e *e, hf_bench_result *result) {
  hf_status status;
  HF_TRY(set_up(e));
  HF_TRY(open_run(e));
  HF_TRY(make_load(e, hf_cli_number(e->cli, "seed")));
  for (unsigned i = 0; i < e->workers; i++) HF_TRY(hf_demo_worker_start(&e->demo));
  hf_cli_progress("e2e: payments, batches, folds, seal");
  HF_TRY(sequence(e));
  HF_TRY(hf_demo_aggregator_start(&e->demo, true));
  HF_TRY(wait_for_seals(e));
  HF_TRY(hf_demo_workers_drain(&e->demo));
  hf_cli_progress("e2e: verifying");
  HF_TRY(hf_e2e_check(e));
  HF_TRY(hf_e2e_tell(e, result));
out:
  hf_cli_progress(NULL);
  close_run(e, status != HF_OK);
  return status;
}

/* What can be refused before anything is computed. */
static hf_status check_options(hf_cli *cli, unsigned threads) {
  uint64_t workers = hf_cli_number(cli, "workers"), batches = hf_cli_number(cli, "batches");
  uint64_t repeats = hf_cli_number(cli, "repeats"), slots = hf_cli_number(cli, "slots"), depth = hf_cli_number(cli, "depth");
  if (batches < 1 || batches > 256 || repeats < 1 || repeats > 100)
    return hf_fail(HF_E_ARGUMENT, "--batches is 1 to 256, --repeats 1 to 100");
  if (workers < 1 || workers > HF_DEMO_WORKERS || threads > 1024 || threads % workers != 0)
    return hf_fail(HF_E_ARGUMENT, "--workers is 1 to %d and divides the %u threads", HF_DEMO_WORKERS, threads);
  if (slots > HF_ROLLUP_SLOTS_MAX || depth < HF_ROLLUP_DEPTH_MIN || depth > HF_ROLLUP_DEPTH_MAX || depth % 2 != 0)
    return hf_fail(HF_E_ARGUMENT, "--slots is at most %d, --depth even, %d to %d", HF_ROLLUP_SLOTS_MAX, HF_ROLLUP_DEPTH_MIN,
                   HF_ROLLUP_DEPTH_MAX);
  return HF_OK;
}

static hf_status prepare(hf_e2e *e, hf_cli *cli, unsigned slots, unsigned threads) {
  uint64_t room = (uint64_t)slots * hf_cli_number(cli, "batches");
  memset(e, 0, sizeof *e);
  e->cli = cli;
  e->quiet = *cli;
  e->quiet.json = true;
  e->batches = (uint32_t)hf_cli_number(cli, "batches");
  e->workers = (unsigned)hf_cli_number(cli, "workers");
  e->threads = threads;
  e->demo = (hf_demo){.cli = &e->quiet,
                      .data = hf_cli_text(cli, "data"),
                      .params = {(uint32_t)hf_cli_number(cli, "depth"), slots},
                      .chain_count = 1,
                      .threads = threads / e->workers,
                      .lease = LEASE_SECONDS};
  e->demo.chains[0].id = (hf_chain_id){.low = 7};
  snprintf(e->demo.chains[0].name, sizeof e->demo.chains[0].name, "chain");
  e->accounts = slots >= 2 * ACCOUNTS ? ACCOUNTS : 3;
  if (room <= e->accounts)
    return hf_fail(HF_E_ARGUMENT, "%u batches of %u slots have no room for payments: %u deposits come first", e->batches, slots,
                   e->accounts);
  e->payments = (uint32_t)(room - e->accounts);
  return hf_bench_multiplication(hf_cli_text(cli, "device"), NULL, &e->multiplication_ns, e->device);
}

hf_status hf_e2e_measure(hf_cli *cli, unsigned log_n, hf_bench_report *report) {
  hf_status status;
  hf_bench_result result = {0};
  unsigned slots = (unsigned)hf_cli_number(cli, "slots"), threads = (unsigned)hf_cli_number(cli, "threads");
  hf_e2e *e = calloc(1, sizeof *e);
  if (e == NULL) return hf_fail(HF_E_MEMORY, "no memory for the benchmark");
  if (threads == 0) threads = report->environment.processors;
  HF_TRY(check_options(cli, threads));
  if (slots == 0) HF_TRY(hf_bench_batch_slots(log_n, (unsigned)hf_cli_number(cli, "depth"), &slots));
  for (uint64_t i = 0; i < hf_cli_number(cli, "repeats"); i++) {
    HF_TRY(prepare(e, cli, slots, threads));
    HF_TRY(run_once(e, &result));
  }
  HF_TRY(hf_bench_report_add(report, &result));
out:
  hf_bench_result_free(&result);
  free(e);
  return status;
}
