/* Clients of a queue: submit, and the whole cycle of a job. */
#include "bench_queue.h"
#include "bench_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* What the clients of one measurement share. Job i has the id "i"; times are of one clock for all processes. */
typedef struct work {
  const hf_bench_queue_options *options;
  const char *location;
  hf_digest input, key, result;
  bool cycle;
  double *began; /* of submit, by job */
  double *ended; /* of submit, or of lease in a cycle; by job */
} work;

static hf_status header_of(const work *w, unsigned number, hf_job_header *job) {
  hf_status status;
  char id[16];
  *job = (hf_job_header){.kind = HF_JOB_PROVE_BATCH, .vk_digest = w->key, .input_digest = w->input};
  snprintf(id, sizeof id, "%u", number);
  strcpy(job->circuit, "batch");
  HF_TRY(hf_job_key_make("bench", id, strlen(id), &job->key));
  HF_TRY(hf_job_set_parameter(job, "slots", 60));
  HF_TRY(hf_job_set_parameter(job, "depth", 24));
out:
  return status;
}

static hf_status open_queue(const work *w, hf_queue **out) {
  /* Sixty-four clients of one disk wait for one another: that is no failure here. */
  return hf_queue_open(&(hf_queue_options){.location = w->location, .busy_ms = 600000}, out);
}

static hf_status submit(hf_queue *queue, const work *w, unsigned first, unsigned count, hf_job_header *jobs, hf_submission *results) {
  hf_status status;
  for (unsigned i = 0; i < count; i++) HF_TRY(header_of(w, first + i, &jobs[i]));
  double began = hf_bench_now_ms();
  HF_TRY(hf_queue_submit(queue, jobs, count, results));
  double ended = hf_bench_now_ms();
  for (unsigned i = 0; i < count; i++) {
    if (results[i].status != HF_OK || !results[i].created)
      HF_TRY(hf_fail(HF_E_INTERNAL, "a job of the benchmark was not taken: %s", results[i].message));
    w->began[first + i] = began;
    if (!w->cycle) w->ended[first + i] = ended;
  }
out:
  return status;
}

/* There is a job for everybody who has just submitted one. */
static hf_status prove_one(hf_queue *queue, const work *w, const hf_worker *worker) {
  hf_status status;
  hf_lease lease;
  bool found = false;
  hf_finish_outcome outcome;
  char id[HF_JOB_ID_TEXT];
  while (!found) HF_TRY(hf_queue_lease(queue, worker, &lease, &found));
  hf_job_id_text(&lease.header.key.id, id);
  w->ended[strtoul(id, NULL, 10)] = hf_bench_now_ms();
  HF_TRY(hf_queue_finish(queue, &lease.header.key, lease.epoch, worker->name, &w->result, &outcome));
  if (outcome != HF_FINISH_ACCEPTED) HF_TRY(hf_fail(HF_E_INTERNAL, "job %s of the benchmark has two results", id));
out:
  return status;
}

static hf_status client(void *context, unsigned number, hf_bench_clients *clients) {
  hf_status status;
  const work *w = context;
  const hf_bench_queue_options *o = w->options;
  unsigned first = (unsigned)((uint64_t)o->jobs * number / clients->count);
  unsigned end = (unsigned)((uint64_t)o->jobs * (number + 1) / clients->count), step = w->cycle ? 1 : o->batch;
  hf_queue *queue = NULL;
  hf_job_header *jobs = calloc(step, sizeof *jobs);
  hf_submission *results = calloc(step, sizeof *results);
  hf_worker worker = {.capability_count = 1};
  snprintf(worker.name, sizeof worker.name, "client-%u", number);
  strcpy(worker.capabilities[0].circuit, "batch");
  worker.capabilities[0].vk_digest = w->key;
  if (jobs == NULL || results == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for %u jobs", step));
  HF_TRY(open_queue(w, &queue));
  HF_TRY(hf_bench_client_ready(clients));
  for (unsigned i = first; i < end; i += step) {
    HF_TRY(submit(queue, w, i, i + step < end ? step : end - i, jobs, results));
    if (w->cycle) HF_TRY(prove_one(queue, w, &worker));
  }
out:
  free(jobs);
  free(results);
  hf_queue_close(&queue);
  return status;
}

static hf_status verify(hf_queue *queue, const work *w) {
  hf_status status;
  hf_queue_stats s;
  uint64_t jobs = w->options->jobs;
  HF_TRY(hf_queue_get_stats(queue, &s));
  if (s.submitted != jobs || s.jobs[w->cycle ? HF_JOB_DONE : HF_JOB_QUEUED] != jobs)
    HF_TRY(hf_fail(HF_E_DEVICE, "%llu jobs were submitted, %llu are in the queue", (unsigned long long)jobs, (unsigned long long)s.submitted));
  if (w->cycle && (s.leases != jobs || s.results != jobs || s.late_results + s.expired + s.failures + s.released != 0))
    HF_TRY(hf_fail(HF_E_DEVICE, "%llu jobs had %llu leases and %llu results", (unsigned long long)jobs, (unsigned long long)s.leases,
                   (unsigned long long)s.results));
out:
  return status;
}

/* One sample: the engine is new. */
static hf_status sample(work *w, double *ms, double *raw, char device[HF_BENCH_TEXT]) {
  hf_status status;
  hf_bench_engine engine = {0};
  hf_queue *queue = NULL;
  hf_bench_clients clients = {.count = w->options->clients};
  hf_writer header = {0};
  hf_job_header job;
  HF_TRY(hf_bench_engine_start(w->options, &engine));
  w->location = engine.location;
  HF_TRY(open_queue(w, &queue));
  HF_TRY(hf_artifact_put(queue, "an input", 8, &w->input));
  HF_TRY(hf_artifact_put(queue, "a result", 8, &w->result));
  hf_queue_close(&queue); /* no handle crosses fork */
  w->key = hf_digest_bytes("a key", 5);
  HF_TRY(hf_bench_clients_run(&clients, client, w));
  *ms = clients.ended_ms - clients.began_ms;
  HF_TRY(open_queue(w, &queue));
  HF_TRY(verify(queue, w));
  hf_queue_close(&queue);
  memcpy(device, engine.name, HF_BENCH_TEXT);
  if (raw != NULL) {
    HF_TRY(header_of(w, w->options->jobs - 1, &job));
    HF_TRY(hf_job_header_encode(&job, &header));
    HF_TRY(hf_bench_engine_raw(w->options, &engine, header.length, raw));
  }
out:
  hf_writer_free(&header);
  hf_queue_close(&queue);
  hf_bench_engine_stop(&engine);
  return status;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of the last sample. */
static hf_status tell(const work *w, const char *device, double raw, hf_bench_result *r) {
  hf_status status;
  unsigned jobs = w->options->jobs;
  double *waits = malloc(jobs * sizeof *waits), fastest = INFINITY;
  if (waits == NULL) return hf_fail(HF_E_MEMORY, "no memory for %u times", jobs);
  for (unsigned i = 0; i < jobs; i++) waits[i] = w->ended[i] - w->began[i];
  qsort(waits, jobs, sizeof *waits, ascending);
  for (size_t i = 0; i < r->samples; i++) fastest = fmin(fastest, r->samples_ms[i]);
  if (w->cycle || w->options->batch == 1)
    snprintf(r->name, sizeof r->name, w->cycle ? "queue/cycle" : "queue/submit");
  else
    snprintf(r->name, sizeof r->name, "queue/submit/%u", w->options->batch);
  snprintf(r->device, sizeof r->device, "%.63s", device);
  r->size = jobs;
  r->threads = w->options->clients;
  double median[5];
  HF_TRY(hf_bench_quantiles(r->samples_ms, r->samples, median));
  double rate = 1e3 * jobs / median[2];
  HF_TRY(hf_bench_pairs_add(&r->figures, "jobs_per_second", rate));
  HF_TRY(hf_bench_pairs_add(&r->figures, "clients", w->options->clients));
  HF_TRY(hf_bench_pairs_add(&r->figures, "batch", w->cycle ? 1 : w->options->batch));
  HF_TRY(hf_bench_pairs_add(&r->figures, "p50_ms", waits[jobs / 2]));
  HF_TRY(hf_bench_pairs_add(&r->figures, "p99_ms", waits[(unsigned)((jobs - 1) * 0.99)]));
  if (raw > 0) {
    HF_TRY(hf_bench_pairs_add(&r->figures, "raw_per_second", raw));
    HF_TRY(hf_bench_pairs_add(&r->figures, "of_raw", rate / raw));
  }
out:
  free(waits);
  return status;
}

static hf_status measure(work *w, hf_bench_report *report) {
  hf_status status;
  const hf_bench_queue_options *o = w->options;
  hf_bench_result r = {0};
  char device[HF_BENCH_TEXT], line[160];
  double raw[HF_BENCH_MAX], middle[5] = {0};
  r.samples_ms = calloc(o->repeats, sizeof *r.samples_ms);
  if (r.samples_ms == NULL) return hf_fail(HF_E_MEMORY, "no memory for %u samples", o->repeats);
  for (; r.samples < o->repeats; r.samples++) {
    /* A cycle has no raw twin: its submit's is told beside queue/submit. */
    HF_TRY(sample(w, &r.samples_ms[r.samples], w->cycle ? NULL : &raw[r.samples], device));
  }
  if (!w->cycle) HF_TRY(hf_bench_quantiles(raw, r.samples, middle));
  HF_TRY(tell(w, device, middle[2], &r));
  snprintf(line, sizeof line, "%s %s, %u clients: %.0f jobs/s", r.name, device, o->clients,
           hf_bench_pairs_get(&r.figures, "jobs_per_second", 0));
  if (o->progress) o->progress(o->context, line);
  HF_TRY(hf_bench_report_add(report, &r));
out:
  hf_bench_result_free(&r);
  return status;
}

hf_status hf_bench_queue(const hf_bench_queue_options *o, hf_bench_report *report) {
  hf_status status;
  size_t bytes = (size_t)o->jobs * sizeof(double);
  work w = {.options = o};
  if (o->clients == 0 || o->clients > HF_BENCH_QUEUE_CLIENTS || o->batch == 0 || o->batch > 1024)
    return hf_fail(HF_E_ARGUMENT, "bench queue: 1 to %d clients, 1 to 1024 jobs a call", HF_BENCH_QUEUE_CLIENTS);
  if (o->jobs < o->clients || o->jobs > 1000000 || o->repeats == 0 || o->repeats > HF_BENCH_MAX)
    return hf_fail(HF_E_ARGUMENT, "bench queue: a job a client to 1,000,000 jobs, 1 to %d samples", HF_BENCH_MAX);
  w.began = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (w.began == MAP_FAILED) return hf_fail(HF_E_MEMORY, "no memory for %u times", o->jobs);
  w.ended = w.began + o->jobs;
  hf_bench_report_begin(report);
  report->environment.repeats = o->repeats;
  HF_TRY(measure(&w, report));
  if (o->batch == 1) { /* a cycle takes jobs one by one */
    w.cycle = true;
    HF_TRY(measure(&w, report));
  }
out:
  munmap(w.began, 2 * bytes);
  return status;
}
