/* No room: a disk that is full under a local store, a Redis server at its memory's limit, and one whose
 * append-only file finds no room. What is refused is refused with its reason, nothing that was accepted is
 * lost, workers live on, and work goes on by itself when there is room. Needs the rights to mount a small
 * disk. */
#include "books.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS 2u
#define BEFORE  8u   /* jobs proven while there is room */
#define INPUTS  200u /* that are in the store when it fills up */
#define FULL_S  (hf_soak() ? 60u : 4u)
#define LEASE_S 1u

static fleet f;
static bool accepted[INPUTS + 1];

static void finish(void) { fleet_close(&f); }
TestSuite(fleet_full, .fini = finish);

static void accept(unsigned i) {
  OK(fleet_submit(f.queue, &f, i));
  accepted[i] = true;
}

static void wait_all_done(unsigned seconds) {
  double until = fleet_seconds() + seconds;
  for (unsigned i = 0; i <= INPUTS; i++) {
    if (!accepted[i]) continue;
    hf_job_record record = fleet_record(&f, i);
    while (record.state != HF_JOB_DONE) {
      cr_assert(hf_job_state_open(record.state), "job %u is %s: %s", i, hf_job_state_text(record.state),
                record.cause);
      cr_assert(fleet_seconds() < until, "job %u is %s: %s", i, hf_job_state_text(record.state),
                record.cause);
      fleet_alive(&f);
      fleet_pause(10);
      record = fleet_record(&f, i);
    }
    OK(fleet_verify(&f, f.queue, i, &record.result));
  }
}

static void expect_full(hf_status status, const char *what) {
  cr_assert(status == HF_E_FULL && hf_error_message()[0] != 0, "%s: %s: %s", what, hf_status_text(status),
            hf_error_message());
}

static void begin(const engine_kind *kind, const engine_setup *setup) {
  memset(accepted, 0, sizeof accepted);
  fleet_open(&f, kind, setup, LEASE_S);
  for (unsigned i = 0; i < WORKERS; i++) fleet_worker_start(&f, i, "");
  for (unsigned i = 0; i < BEFORE; i++) accept(i);
  wait_all_done(60);
  for (unsigned i = BEFORE; i < INPUTS; i++) OK(fleet_put(f.queue, i));
}

/* Everything accepted is there, open or done; reading works. */
static void still_there(void) {
  hf_queue_stats stats;
  unsigned count = 0;
  for (unsigned i = 0; i <= INPUTS; i++) {
    if (!accepted[i]) continue;
    hf_job_state state = fleet_record(&f, i).state;
    cr_assert(hf_job_state_open(state) || state == HF_JOB_DONE, "job %u is %s", i, hf_job_state_text(state));
    count++;
  }
  OK(hf_queue_get_stats(f.queue, &stats));
  cr_assert_eq(stats.submitted, count);
  fleet_alive(&f);
}

static void end(const char *name, double room_at, const char *refused) {
  hf_queue_stats stats;
  double first = 0;
  OK(hf_queue_get_stats(f.queue, &stats));
  for (uint64_t done = stats.results; first == 0;) {
    OK(hf_queue_get_stats(f.queue, &stats));
    if (stats.results > done || stats.jobs[HF_JOB_QUEUED] + stats.jobs[HF_JOB_LEASED] == 0)
      first = fleet_seconds() - room_at;
    cr_assert(fleet_seconds() - room_at < 60, "nobody works on");
    fleet_alive(&f);
    fleet_pause(5);
  }
  wait_all_done(120);
  double all = fleet_seconds() - room_at;
  accept(INPUTS); /* as ever */
  wait_all_done(60);
  OK(hf_queue_get_stats(f.queue, &stats));
  cr_assert_eq(stats.failures, 0, "%llu attempts were charged", (unsigned long long)stats.failures);
  cr_assert_eq(stats.jobs[HF_JOB_DONE], stats.submitted);
  cr_assert_eq(stats.results, stats.submitted);
  cr_assert(fleet_logs_count(&f, "the worker goes on trying") + fleet_logs_count(&f, "trying again") > 0,
            "no worker noticed");
  fleet_stop(&f);
  fprintf(stderr,
          "fleet/full %s: refused (%s), %llu jobs accepted, none lost, %u workers lived on; first result "
          "%.2f s after there was room, all %.2f s\n",
          name, refused, (unsigned long long)stats.submitted, WORKERS, first, all);
  samples s = {0};
  samples_add(&s, first * 1000);
  char full[32];
  snprintf(full, sizeof full, "full/%s", name);
  books_report(full, f.engine.kind, (unsigned)stats.submitted, WORKERS, &s, "all_ms", all * 1000,
               "full_seconds", (double)FULL_S, NULL);
  free(s.ms);
}

/* Submits jobs whose inputs are there until one is refused. */
static void submit_until_full(unsigned i, char *why, size_t size) {
  for (;; i++) {
    cr_assert_lt(i, INPUTS, "%u jobs found room", i);
    hf_job_header job = fleet_job(&f, i);
    hf_status status = hf_queue_submit_one(f.queue, &job, NULL);
    if (status == HF_OK) {
      accepted[i] = true;
      continue;
    }
    expect_full(status, "submit");
    break;
  }
  snprintf(why, size, "%s", hf_error_message());
  expect_full(fleet_put(f.queue, INPUTS), "put");
  hf_job_header job = fleet_job(&f, i);
  hf_job_record record;
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.queue, &job.key, &record));
}

static void stay_full(void) {
  for (double until = fleet_seconds() + FULL_S; fleet_seconds() < until; fleet_pause(200)) still_there();
}

static void disk(const engine_kind *kind) {
  char why[200];
  begin(kind, &(engine_setup){.disk_kib = 16384});
  for (unsigned i = BEFORE; i < BEFORE + 40; i++) accept(i);
  engine_fill_disk(&f.engine);
  submit_until_full(BEFORE + 40, why, sizeof why);
  stay_full();
  engine_free_disk(&f.engine);
  end(kind->name, fleet_seconds(), why);
}

Test(fleet_full, local) { disk(&engine_local); }
Test(fleet_full, zmq) { disk(&engine_zmq); }

Test(fleet_full, redis_memory) {
  char why[200];
  begin(&engine_redis, NULL);
  for (unsigned i = BEFORE; i < BEFORE + 40; i++) accept(i);
  redis_server_tell(&f.engine.redis, "CONFIG SET maxmemory 1000000");
  hf_job_header job = fleet_job(&f, INPUTS - 1);
  expect_full(hf_queue_submit_one(f.queue, &job, NULL), "submit");
  snprintf(why, sizeof why, "%s", hf_error_message());
  expect_full(fleet_put(f.queue, INPUTS), "put");
  stay_full();
  redis_server_tell(&f.engine.redis, "CONFIG SET maxmemory 0");
  end("memory", fleet_seconds(), why);
}

/* With appendfsync always the server ends rather than accept what it cannot keep. */
Test(fleet_full, redis_disk) {
  begin(&engine_redis, &(engine_setup){.disk_kib = 16384});
  for (unsigned i = BEFORE; i < BEFORE + 40; i++) accept(i);
  engine_fill_disk(&f.engine);
  hf_queue *hasty = fleet_queue(&f, 1000);
  hf_status status = HF_OK;
  for (unsigned i = BEFORE + 40; status == HF_OK && i < INPUTS; i++) {
    hf_job_header job = fleet_job(&f, i);
    status = hf_queue_submit_one(hasty, &job, NULL);
    if (status == HF_OK) accepted[i] = true;
  }
  cr_assert_eq(status, HF_E_IO, "%s: %s", hf_status_text(status), hf_error_message());
  cr_assert(strstr(hf_error_message(), "gave up"), "%s", hf_error_message());
  hf_queue_close(&hasty);
  cr_assert_gt(engine_end(&f.engine, 20), 0, "the server goes on without its file");
  for (double until = fleet_seconds() + FULL_S; fleet_seconds() < until; fleet_pause(200)) fleet_alive(&f);
  engine_free_disk(&f.engine);
  double room = fleet_seconds();
  engine_again(&f.engine);
  /* What was answered with an error may have been taken or not: it is asked for again, as a client would. */
  for (unsigned i = BEFORE; i < INPUTS; i++)
    if (!accepted[i]) {
      hf_job_header job = fleet_job(&f, i);
      hf_job_record record;
      if (hf_queue_get(f.queue, &job.key, &record) == HF_OK) accepted[i] = true;
    }
  still_there();
  end("disk", room, "the server ended, as with appendfsync always it must");
}
