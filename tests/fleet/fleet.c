#include "fleet.h"
#include "circuits/example.h"
#include "layout.h"
#include "proof.h"
#include "verify.h"

#include <dirent.h>
#include <errno.h>
#include <hyperfold/file.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t fleet_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

double fleet_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void fleet_pause(unsigned ms) { nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL); }

/* ---- jobs ---- */

static hf_example_input input_of(unsigned i) {
  hf_example_input in = {.x = 2 + i, .y = 6700417};
  for (unsigned word = 0; word < HF_EXAMPLE_WORDS; word++)
    in.preimage[word] = hf_fr_from_u64(1000 * i + word);
  return in;
}

hf_job_header fleet_job(const fleet *f, unsigned i) {
  char id[24];
  uint8_t bytes[HF_EXAMPLE_INPUT_BYTES];
  hf_example_input in = input_of(i);
  hf_job_header job = {.kind = HF_JOB_PROVE_CIRCUIT, .vk_digest = f->vk_digest};
  int n = snprintf(id, sizeof id, "job-%u", i);
  hf_example_input_encode(&in, bytes);
  job.input_digest = hf_digest_bytes(bytes, sizeof bytes);
  strcpy(job.circuit, HF_EXAMPLE_CIRCUIT);
  strcpy(job.key.tenant, "default");
  memcpy(job.key.id.b, id, (size_t)n);
  job.key.id.length = (size_t)n;
  return job;
}

hf_status fleet_put(hf_queue *queue, unsigned i) {
  uint8_t bytes[HF_EXAMPLE_INPUT_BYTES];
  hf_example_input in = input_of(i);
  hf_digest digest;
  hf_example_input_encode(&in, bytes);
  return hf_artifact_put(queue, bytes, sizeof bytes, &digest);
}

hf_status fleet_submit(hf_queue *queue, const fleet *f, unsigned i) {
  hf_status status;
  hf_job_header job = fleet_job(f, i);
  HF_TRY(fleet_put(queue, i));
  HF_TRY(hf_queue_submit_one(queue, &job, NULL));
out:
  return status;
}

hf_status fleet_verify(const fleet *f, hf_queue *queue, unsigned i, const hf_digest *result) {
  hf_status status;
  uint8_t *data = NULL;
  size_t length;
  bool ok = false;
  static _Thread_local hf_proof proof;
  hf_example_input in = input_of(i);
  HF_TRY(hf_artifact_get(queue, result, (size_t)1 << 20, &data, &length));
  HF_TRY(hf_proof_decode("result", data, length, &proof));
  HF_TRY(hf_verify(&f->vk, &proof, &ok));
  if (!ok)
    status = hf_fail_context(HF_E_VERIFY, "job %u", i);
  else if (!hf_fr_eq(proof.public_inputs[HF_INSTANCE_STATEMENT], hf_example_statement(&in)))
    status = hf_fail(HF_E_MISMATCH, "the proof of job %u is about another input", i);
out:
  free(data);
  return status;
}

hf_job_record fleet_record(const fleet *f, unsigned i) {
  hf_job_record record;
  hf_job_header job = fleet_job(f, i);
  OK(hf_queue_get(f->queue, &job.key, &record));
  return record;
}

/* ---- opening and closing ---- */

hf_queue *fleet_queue(const fleet *f, uint64_t busy_ms) {
  hf_queue *queue;
  hf_queue_options options = {
      .location = f->engine.location, .lease_ms = f->lease_s * 1000, .busy_ms = busy_ms};
  OK(hf_queue_open(&options, &queue));
  return queue;
}

void fleet_open(fleet *f, const engine_kind *kind, const engine_setup *setup, unsigned lease_s) {
  char path[128], hex[HF_DIGEST_HEX];
  memset(f, 0, sizeof *f);
  f->lease_s = lease_s;
  engine_open(&f->engine, kind, setup);
  f->folder = hf_test_folder("fleet");
  cr_assert_eq(chdir(f->folder), 0);
  json_t *key = hf_run_json(0, "circuit key example --data data --dev --json");
  snprintf(hex, sizeof hex, "%s", json_string_value(json_object_get(key, "digest")));
  json_decref(key);
  OK(hf_digest_parse(hex, &f->vk_digest));
  snprintf(path, sizeof path, "data/keys/%s.vkey", hex);
  OK(hf_verifying_key_load(path, &f->vk));
  f->queue = fleet_queue(f, 0);
}

void fleet_close(fleet *f) {
  if (f->folder == NULL) {
    engine_close(&f->engine);
    return;
  }
  fleet_taker_end(f);
  for (unsigned i = 0; i < FLEET_WORKERS; i++)
    if (f->workers[i].pid > 0) {
      kill(f->workers[i].pid, SIGKILL);
      waitpid(f->workers[i].pid, NULL, 0);
      f->workers[i].pid = 0;
    }
  hf_queue_close(&f->queue);
  engine_close(&f->engine);
  free(f->taken);
  free(f->events);
  f->taken = NULL;
  f->events = NULL;
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(f->folder);
  f->folder = NULL;
}

/* ---- workers ---- */

void fleet_worker_start_in(fleet *f, unsigned place, void (*before)(const void *), const void *context,
                           const char *more) {
  fleet_worker *w = &f->workers[place];
  cr_assert_eq(w->pid, 0);
  snprintf(w->name, sizeof w->name, "w%u.%u", place, f->born);
  snprintf(w->log, sizeof w->log, "w%u.%u.log", place, f->born++);
  w->pid = hf_run_start_in(w->log, before, context,
                           "worker --data data --dev --json --threads 1 --queue %s --lease %u --name %s %s",
                           f->engine.location, f->lease_s, w->name, more);
}

void fleet_worker_start(fleet *f, unsigned place, const char *more) {
  fleet_worker_start_in(f, place, NULL, NULL, more);
}

void fleet_worker_kill(fleet *f, unsigned place) {
  fleet_worker *w = &f->workers[place];
  int status;
  fleet_alive(f);
  cr_assert_eq(kill(w->pid, SIGKILL), 0);
  cr_assert_eq(waitpid(w->pid, &status, 0), w->pid);
  cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s had ended before it was killed", w->name);
  w->pid = 0;
}

static void print_log(const char *path) {
  char line[600];
  FILE *file = fopen(path, "r");
  if (file == NULL) return;
  while (fgets(line, sizeof line, file) != NULL)
    if (line[0] != '{') fprintf(stderr, "%s: %s", path, line);
  fclose(file);
}

void fleet_alive(fleet *f) {
  int status;
  for (unsigned i = 0; i < FLEET_WORKERS; i++) {
    fleet_worker *w = &f->workers[i];
    if (w->pid == 0 || waitpid(w->pid, &status, WNOHANG) == 0) continue;
    w->pid = 0;
    print_log(w->log);
    cr_assert_fail("worker %s ended by itself, with %x", w->name, (unsigned)status);
  }
}

void fleet_stop(fleet *f) {
  int status;
  fleet_alive(f);
  for (unsigned i = 0; i < FLEET_WORKERS; i++)
    if (f->workers[i].pid > 0) kill(f->workers[i].pid, SIGTERM);
  for (unsigned i = 0; i < FLEET_WORKERS; i++) {
    fleet_worker *w = &f->workers[i];
    if (w->pid == 0) continue;
    while (waitpid(w->pid, &status, 0) < 0) cr_assert_eq(errno, EINTR);
    w->pid = 0;
    if (status != 0) print_log(w->log);
    cr_assert_eq(status, 0, "worker %s drained with %x", w->name, (unsigned)status);
  }
}

unsigned fleet_logs_count(const fleet *f, const char *text) {
  char line[4096];
  unsigned count = 0;
  struct dirent *entry;
  DIR *folder = opendir(f->folder);
  cr_assert_not_null(folder);
  while ((entry = readdir(folder)) != NULL) {
    size_t length = strlen(entry->d_name);
    if (length < 4 || strcmp(entry->d_name + length - 4, ".log") != 0) continue;
    FILE *file = fopen(entry->d_name, "r");
    cr_assert_not_null(file);
    while (fgets(line, sizeof line, file) != NULL) count += strstr(line, text) != NULL;
    fclose(file);
  }
  closedir(folder);
  return count;
}

/* ---- client and taker ---- */

/* The first thing that is wrong stays. */
static void wrong(fleet *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(fleet *f, const char *format, ...) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  va_list arguments;
  va_start(arguments, format);
  pthread_mutex_lock(&lock);
  if (!atomic_load(&f->wrong)) {
    vsnprintf(f->why, sizeof f->why, format, arguments);
    atomic_store(&f->wrong, true);
  }
  pthread_mutex_unlock(&lock);
  va_end(arguments);
}

static hf_status open_until_over(fleet *f, hf_queue **queue) {
  hf_queue_options options = {.location = f->engine.location};
  hf_status status;
  while ((status = hf_queue_open(&options, queue)) != HF_OK && !atomic_load(&f->over)) fleet_pause(100);
  return status;
}

static bool passes(hf_status status) {
  return status == HF_E_IO || status == HF_E_BUSY || status == HF_E_FULL;
}

static void *run_client(void *context) {
  fleet *f = context;
  hf_queue *queue;
  double began = fleet_seconds();
  if (open_until_over(f, &queue) != HF_OK) return NULL;
  for (unsigned i = 0; i < f->jobs && !atomic_load(&f->over);) {
    while (fleet_seconds() - began < (double)i / f->jobs * f->spread_ms / 1000 && !atomic_load(&f->over))
      fleet_pause(2);
    hf_status status = fleet_submit(queue, f, i);
    if (status == HF_OK) {
      atomic_store(&f->submitted, ++i);
    } else if (passes(status)) {
      fleet_pause(100); /* the same again is the same job */
    } else {
      wrong(f, "submit %u: %s: %s", i, hf_status_text(status), hf_error_message());
      break;
    }
  }
  hf_queue_close(&queue);
  return NULL;
}

/* A job was done: its result is taken at once. */
static void take(fleet *f, hf_queue *queue, const hf_event *event) {
  char id[HF_JOB_ID_TEXT];
  unsigned i;
  hf_job_record record;
  hf_status status;
  hf_job_id_text(&event->key.id, id);
  if (sscanf(id, "job-%u", &i) != 1 || i >= f->jobs) {
    wrong(f, "a job \"%s\" that nobody submitted is done", id);
    return;
  }
  if (f->taken[i].done) {
    wrong(f, "%s was done twice", id);
    return;
  }
  do {
    status = hf_queue_get(queue, &event->key, &record);
    if (status == HF_OK) status = fleet_verify(f, queue, i, &record.result);
  } while (passes(status) && !atomic_load(&f->over));
  if (status != HF_OK) wrong(f, "%s: its result: %s: %s", id, hf_status_text(status), hf_error_message());
  f->taken[i] = (fleet_taken){true, record.result};
  atomic_fetch_add(&f->verified, 1);
}

static void *run_taker(void *context) {
  fleet *f = context;
  hf_queue *queue;
  enum { PAGE = 100 };
  hf_event *page = calloc(PAGE, sizeof *page);
  if (open_until_over(f, &queue) != HF_OK || page == NULL) return NULL;
  for (;;) {
    bool last = atomic_load(&f->over);
    size_t count = 0;
    uint64_t after = f->event_count ? f->events[f->event_count - 1].sequence : 0;
    hf_status status = hf_queue_events(queue, after, page, PAGE, &count);
    if (status != HF_OK && !passes(status)) wrong(f, "events: %s", hf_error_message());
    if (f->event_count + count > f->event_room) {
      f->event_room = 2 * (f->event_count + count);
      f->events = realloc(f->events, f->event_room * sizeof *f->events);
    }
    for (size_t i = 0; i < count; i++) {
      if (page[i].sequence != ++after) wrong(f, "event %llu is missing", (unsigned long long)after);
      after = page[i].sequence;
      f->events[f->event_count++] = page[i];
      if (page[i].kind == HF_EVENT_DONE) take(f, queue, &page[i]);
    }
    if (count == 0 && last) break;
    if (count == 0) fleet_pause(20);
  }
  free(page);
  hf_queue_close(&queue);
  return NULL;
}

void fleet_client(fleet *f, unsigned count, unsigned spread_ms) {
  f->jobs = count;
  f->spread_ms = spread_ms;
  f->taken = calloc(count, sizeof *f->taken);
  cr_assert_not_null(f->taken);
  f->client_runs = pthread_create(&f->client, NULL, run_client, f) == 0;
  f->taker_runs = pthread_create(&f->taker, NULL, run_taker, f) == 0;
  cr_assert(f->client_runs && f->taker_runs);
}

void fleet_check(const fleet *f) { cr_assert(!atomic_load(&f->wrong), "%s", f->why); }

void fleet_wait(fleet *f, unsigned seconds) {
  double until = fleet_seconds() + seconds;
  while (atomic_load(&f->verified) < f->jobs) {
    fleet_check(f);
    fleet_alive(f);
    cr_assert(fleet_seconds() < until, "%u of %u jobs are proven after %u s", atomic_load(&f->verified),
              f->jobs, seconds);
    fleet_pause(20);
  }
}

void fleet_taker_end(fleet *f) {
  atomic_store(&f->over, true);
  if (f->client_runs) pthread_join(f->client, NULL);
  if (f->taker_runs) pthread_join(f->taker, NULL);
  f->client_runs = f->taker_runs = false;
}
