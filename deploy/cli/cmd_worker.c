/* hyperfold worker: prove what the queue has. */
#include "commands.h"
#include "device_common.h"
#include "pool_common.h"
#include "queue_common.h"
#include "worker_metrics.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How often SIGTERM or SIGINT came. */
static volatile sig_atomic_t hf_signals;
/* A lane ended with an error: the other one finishes its job. */
static atomic_bool hf_lane_failed;

static void on_signal(int number) {
  (void)number;
  hf_signals++;
}

static hf_worker_stop stop(void *context) {
  (void)context;
  if (hf_signals == 0 && atomic_load(&hf_lane_failed)) return HF_WORKER_DRAIN;
  return hf_signals == 0 ? HF_WORKER_GO_ON : hf_signals == 1 ? HF_WORKER_DRAIN : HF_WORKER_LEAVE;
}

/* A loop from lease to proof, with its own way to the queue. */
typedef struct worker_lane {
  const hf_cli *cli;
  hf_worker_metrics *metrics; /* or NULL */
  unsigned index;
  hf_worker_options options;
  hf_worker_totals totals;
  hf_queue *queue;
  pthread_t thread;
  hf_status status;
  char message[HF_DETAIL_MAX + 1];
} worker_lane;

static void progress(void *context, const hf_job_header *job, const char *phase, double done) {
  const worker_lane *lane = context;
  char id[HF_JOB_ID_TEXT], line[256], bar[21];
  if (lane->metrics != NULL) hf_worker_metrics_progress(lane->metrics, lane->index, phase, done);
  if (!isatty(2)) return;
  hf_job_id_text(&job->key.id, id);
  for (int i = 0; i < 20; i++) bar[i] = i < (int)(done * 20) ? '#' : '.';
  bar[20] = 0;
  snprintf(line, sizeof line, "%s/%.40s [%s] %3.0f%% %s", job->key.tenant, id, bar, done * 100, phase);
  hf_cli_progress(line);
}

/* One line a job on stdout: JSON with --json, words without. */
static void report(void *context, const hf_worker_report *r) {
  const worker_lane *lane = context;
  const hf_cli *cli = lane->cli;
  const hf_maker_result *m = r->made;
  char id[HF_JOB_ID_TEXT];
  if (lane->metrics != NULL) hf_worker_metrics_report(lane->metrics, lane->index, r);
  hf_job_id_text(&r->job->key.id, id);
  flockfile(stdout); /* jobs end side by side */
  hf_cli_progress(NULL);
  if (!cli->json) {
    if (r->status == HF_OK)
      printf("%s/%s %s: proven in %.2f s (witness %.2f, key %.2f, prove %.2f, verify %.3f), %u rows of 2^%u, "
             "%llu bytes, "
             "peak %llu MiB\n",
             r->job->key.tenant, id, r->job->circuit, r->seconds, m->witness_seconds, m->key_seconds, m->prove.seconds,
             m->verify_seconds, m->used_rows, m->log_n, (unsigned long long)r->proof_bytes,
             (unsigned long long)(m->peak_memory >> 20));
    else
      printf("%s/%s %s: %s: %s\n", r->job->key.tenant, id, r->job->circuit, hf_status_text(r->status),
             r->cause);
  } else {
    static const char *const outcomes[] = {"accepted", "duplicate", "late", "cancelled"};
    json_t *line = json_pack(
        "{s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:o, s:i, s:o, s:f, s:f, s:f, s:o, s:f, s:f, s:f, s:o, s:o, s:o}",
        "tenant", r->job->key.tenant, "id", id, "circuit", r->job->circuit, "device", r->device, "epoch",
        hf_cli_json_u64(r->epoch), "status", hf_status_text(r->status), "outcome",
        r->status == HF_OK ? outcomes[r->outcome] : "none", "cause", hf_cli_json_text(r->cause), "log_n",
        (int)m->log_n, "rows", hf_cli_json_u64(m->used_rows), "fetch_seconds", r->fetch_seconds,
        "witness_seconds", m->witness_seconds, "key_seconds", m->key_seconds, "prove",
        hf_cli_prove_report_json(&m->prove), "verify_seconds", m->verify_seconds, "store_seconds",
        r->store_seconds, "seconds", r->seconds, "input_bytes", hf_cli_json_u64(r->input_bytes),
        "proof_bytes", hf_cli_json_u64(r->proof_bytes), "peak_bytes", hf_cli_json_u64(m->peak_memory));
    if (line != NULL) json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
  }
  fflush(stdout);
  funlockfile(stdout);
}

/* In a process of its own unless it is the CPU: a driver's fault ends that one. */
static hf_status open_maker(hf_cli *cli, hf_cli_device *device, unsigned *lanes, hf_maker **out) {
  hf_status status;
  const char *name = hf_cli_text(cli, "device");
  const uint64_t patience = hf_cli_number(cli, "patience");
  char threads[16], points[24], count[16];
  bool on_cpu = strncmp(name, "cpu", 3) == 0;
  /* the CPU has enough to do with one job; with a number of jobs to do, none is taken that may be one too many */
  *lanes = hf_cli_number(cli, "jobs") == 0 && (hf_cli_flag(cli, "ahead") || !on_cpu) ? HF_MAKER_LANES : 1;
  if (on_cpu && !hf_cli_flag(cli, "isolate")) {
    HF_TRY(hf_cli_device_open(cli, (size_t)hf_cli_number(cli, "srs-points"), device));
    HF_TRY(hf_backend_selftest(device->backend)); /* known answers, before anybody's job */
    hf_maker_options options = {.backend = device->backend,
                                .srs = device->srs,
                                .keys = device->keys,
                                .threads = (unsigned)hf_cli_number(cli, "threads")};
    HF_TRY(hf_maker_local(&options, out));
    return HF_OK;
  }
  HF_TRY(hf_cli_device_open_srs(cli, (size_t)hf_cli_number(cli, "srs-points"), device));
  snprintf(threads, sizeof threads, "%llu", (unsigned long long)hf_cli_number(cli, "threads"));
  snprintf(points, sizeof points, "%zu", device->srs->count);
  snprintf(count, sizeof count, "%u", *lanes);
  const char *const command[] = {"/proc/self/exe", "device",      "serve",   "--data",      hf_cli_text(cli, "data"), "--srs",
                                 device->srs_path, "--device",    name,      "--threads",   threads,                 "--srs-points",
                                 points,           "--log-level", hf_cli_text(cli, "log-level"), "--lanes", count, hf_cli_flag(cli, "dev") ? "--dev" : NULL, NULL};
  hf_maker_process_options options = {.command = command,
                                      .device = name,
                                      .lanes = *lanes,
                                      .patience_ms = patience < UINT_MAX / 1000 ? (unsigned)patience * 1000 : UINT_MAX,
                                      .log = &cli->log};
  HF_TRY(hf_maker_process(&options, out));
out:
  return status;
}

static void *run_lane(void *context) {
  worker_lane *lane = context;
  lane->status = hf_worker_run(&lane->options, &lane->totals);
  if (lane->status != HF_OK) {
    atomic_store(&hf_lane_failed, true);
    hf_detail_copy(hf_error_message(), lane->message);
  }
  return NULL;
}

/* The first error of any lane. */
static hf_status run_lanes(hf_cli *cli, const hf_worker_options *options, unsigned count, hf_worker_metrics *metrics,
                           hf_worker_totals *totals) {
  hf_status status = HF_OK;
  worker_lane lanes[HF_MAKER_LANES];
  unsigned opened = 0, started = 0;
  memset(lanes, 0, sizeof lanes);
  for (; opened < count; opened++) {
    HF_TRY(hf_cli_queue_open_lease(cli, hf_cli_number(cli, "lease") * 1000, &lanes[opened].queue));
    lanes[opened].cli = cli;
    lanes[opened].metrics = metrics;
    lanes[opened].index = opened;
    lanes[opened].options = *options;
    lanes[opened].options.queue = lanes[opened].queue;
    lanes[opened].options.context = &lanes[opened];
  }
  for (unsigned i = 1; i < count; i++) {
    if (pthread_create(&lanes[i].thread, NULL, run_lane, &lanes[i]) != 0)
      HF_TRY(hf_fail(HF_E_MEMORY, "no thread for the job ahead"));
    started++;
  }
  run_lane(&lanes[0]);
out:
  if (status != HF_OK) atomic_store(&hf_lane_failed, true);
  for (unsigned i = 1; i <= started; i++) pthread_join(lanes[i].thread, NULL);
  for (unsigned i = 0; i < opened; i++) {
    totals->proven += lanes[i].totals.proven;
    totals->failed += lanes[i].totals.failed;
    totals->abandoned += lanes[i].totals.abandoned;
    if (status == HF_OK && lanes[i].status != HF_OK) status = hf_fail(lanes[i].status, "%s", lanes[i].message);
    hf_queue_close(&lanes[i].queue);
  }
  return status;
}

hf_status hf_worker_command_run(hf_cli *cli) {
  hf_status status;
  hf_cli_device device = {0};
  hf_maker *maker = NULL;
  hf_pool_keys *pool_keys = NULL;
  hf_worker_totals totals = {0};
  hf_cli_metrics shown = {0};
  hf_worker_metrics *metrics = NULL;
  unsigned lanes;
  char host[33] = "", name[HF_NAME_MAX + 1];
  const char *circuit = hf_cli_text(cli, "circuit");
  struct sigaction action = {.sa_handler = on_signal};
  (void)gethostname(host, sizeof host - 1);
  snprintf(name, sizeof name, "%.32s/%d", host, (int)getpid());
  if (hf_cli_given(cli, "name")) HF_TRY(hf_name_copy("--name", hf_cli_text(cli, "name"), name));
  /* No SA_RESTART: a sleep in an idle loop ends at once. */
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  cli->log.part = "worker";
  HF_TRY(hf_cli_metrics_open(cli, "worker", HF_METRICS_QUEUE, &shown));
  HF_TRY(hf_cli_pool_keys(cli, &pool_keys));
  HF_TRY(open_maker(cli, &device, &lanes, &maker));
  if (shown.exporter != NULL)
    HF_TRY(hf_worker_metrics_create(shown.exporter, maker, lanes, hf_cli_number(cli, "lease") * 1000, &metrics));
  HF_TRY(hf_cli_metrics_serve(&shown, "metrics"));
  hf_worker_options options = {
      .maker = maker,
      .srs = device.srs,
      .name = name,
      .software = HF_VERSION,
      .circuits = circuit != NULL ? &circuit : NULL,
      .circuit_count = circuit != NULL,
      .pool_keys = pool_keys,
      .host_memory = hf_cli_free_memory(),
      .once = hf_cli_flag(cli, "once"),
      .job_limit = hf_cli_number(cli, "jobs"),
      .stop = stop,
      .progress = metrics != NULL || isatty(2) ? progress : NULL,
      .report = report,
      .log = &cli->log,
  };
  cli->printed = true; /* stdout is a stream of lines, one a job */
  HF_TRY(run_lanes(cli, &options, lanes, metrics, &totals));
  if (!cli->json)
    hf_cli_say("%llu proven, %llu failed, %llu left", (unsigned long long)totals.proven,
               (unsigned long long)totals.failed, (unsigned long long)totals.abandoned);
out:
  hf_cli_metrics_close(&shown);
  hf_worker_metrics_destroy(&metrics);
  hf_maker_destroy(&maker);
  hf_pool_keys_destroy(&pool_keys);
  hf_cli_device_close(&device);
  return status;
}

const hf_option hf_worker_command_options[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    HF_OPTIONS_DEVICE,
    {"srs-points", HF_OPTION_NUMBER, "N", "0", "make the development SRS at least this large; 0: as it is, or for all circuits"},
    {"name", HF_OPTION_TEXT, "NAME", NULL, "the worker's name, unique in the fleet (default: HOST/PID)"},
    {"circuit", HF_OPTION_TEXT, "NAME", NULL, "prove only this circuit (default: all)"},
    HF_OPTION_POOL_KEY,
    {"lease", HF_OPTION_NUMBER, "SECONDS", "30",
     "how long a job stays this worker's without a sign of progress"},
    {"isolate", HF_OPTION_FLAG, NULL, NULL, "prove in a process of its own on the CPU too, as on every GPU"},
    {"ahead", HF_OPTION_FLAG, NULL, NULL, "compute the next job's witness beside the proof on the CPU too, as on every GPU"},
    {"patience", HF_OPTION_NUMBER, "SECONDS", "30", "without a sign of progress that process is ended and started again"},
    HF_OPTION_METRICS,
    {"once", HF_OPTION_FLAG, NULL, NULL, "end when there is nothing to do, or the queue does not work"},
    {"jobs", HF_OPTION_NUMBER, "N", "0", "end after so many jobs; 0: no limit"},
    {NULL, HF_OPTION_FLAG, NULL, NULL, NULL},
};
