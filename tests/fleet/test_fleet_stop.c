/* A worker stands still for longer than its lease, another one overtakes it, and it wakes up: what it then
 * says is harmless, and so is the worst that it could say. 10 times; 100 with HF_SOAK=1. */
#include "books.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define ROUNDS  (hf_soak() ? 100u : 10u)
#define LEASE_S 1u

static fleet f;

static void finish(void) { fleet_close(&f); }
TestSuite(fleet_stop, .fini = finish);

static int place_of(const char *name) {
  for (int i = 0; i < FLEET_WORKERS; i++)
    if (strcmp(f.workers[i].name, name) == 0) return i;
  return -1;
}

static hf_job_record wait_for(unsigned job, uint32_t states) {
  for (unsigned i = 0; i < 30000; i++) {
    hf_job_record record = fleet_record(&f, job);
    if (states & 1u << record.state) return record;
    fleet_pause(1);
  }
  cr_assert_fail("job %u is %s", job, hf_job_state_text(fleet_record(&f, job).state));
  return (hf_job_record){0};
}

static void stop_process(pid_t pid) {
  int status;
  cr_assert_eq(kill(pid, SIGSTOP), 0);
  cr_assert(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
}

/* Submits jobs from `next` on until a worker is stopped with one in hand: its record. A process that stands
 * still with the write lock of a local store holds up everybody (queue/README.md): that is counted, and the
 * worker gets on. */
static hf_job_record stop_one(unsigned *next, int *place, unsigned *with_lock) {
  hf_queue *probe = fleet_queue(&f, 1);
  for (;;) {
    unsigned job = (*next)++;
    OK(fleet_submit(f.queue, &f, job));
    hf_job_record record = wait_for(job, 1u << HF_JOB_LEASED | 1u << HF_JOB_DONE);
    *place = place_of(record.worker);
    cr_assert_geq(*place, 0, "%s", record.worker);
    while (record.state == HF_JOB_LEASED) {
      stop_process(f.workers[*place].pid);
      hf_status locked = hf_queue_reap(probe, NULL);
      cr_assert(locked == HF_OK || locked == HF_E_BUSY, "%s", hf_error_message());
      record = fleet_record(&f, job);
      if (locked == HF_OK && record.state == HF_JOB_LEASED) {
        hf_queue_close(&probe);
        return record;
      }
      *with_lock += locked == HF_E_BUSY;
      cr_assert_eq(kill(f.workers[*place].pid, SIGCONT), 0);
      fleet_pause(2);
    }
    wait_for(job, 1u << HF_JOB_DONE);
  }
}

static void stops(const engine_kind *kind) {
  unsigned next = 0, with_lock = 0;
  int place;
  samples overtaken = {0};
  fleet_open(&f, kind, NULL, LEASE_S);
  fleet_worker_start(&f, 0, "");
  fleet_worker_start(&f, 1, "");
  for (unsigned round = 0; round < ROUNDS; round++) {
    uint64_t stopped = fleet_now_ms();
    hf_job_record had = stop_one(&next, &place, &with_lock);
    unsigned job = next - 1;
    hf_job_record done = wait_for(job, 1u << HF_JOB_DONE);
    samples_add(&overtaken, (double)(done.ended_ms - stopped));
    cr_assert_str_neq(done.worker, had.worker);
    cr_assert_eq(done.epoch, had.epoch + 1);

    /* All that the one who was overtaken may say of its old lease, whenever it stopped. */
    const hf_job_key *key = &had.header.key;
    hf_job_state state;
    hf_beat beat;
    hf_finish_outcome outcome;
    hf_queue_stats before, after;
    hf_progress progress = {.done = 999, .total = 1000};
    OK(hf_queue_get_stats(f.queue, &before));
    GIVES(HF_E_STALE, hf_queue_heartbeat(f.queue, key, had.epoch, &progress, &beat));
    GIVES(HF_E_STALE, hf_queue_fail(f.queue, key, had.epoch, HF_E_DEVICE, "a failure from the past", &state));
    GIVES(HF_E_STALE, hf_queue_release(f.queue, key, had.epoch));
    OK(hf_queue_finish(f.queue, key, had.epoch, had.worker, &done.result, &outcome));
    cr_assert_eq(outcome, HF_FINISH_DUPLICATE);
    OK(hf_queue_get_stats(f.queue, &after));
    cr_assert_eq(after.stale - before.stale, 2);
    cr_assert_eq(after.late_results - before.late_results, 1);
    cr_assert_eq(after.failures, 0);

    cr_assert_eq(kill(f.workers[place].pid, SIGCONT), 0);
    /* It works on; the next job is anybody's. */
    unsigned again = next++;
    OK(fleet_submit(f.queue, &f, again));
    hf_job_record record = wait_for(again, 1u << HF_JOB_DONE);
    OK(fleet_verify(&f, f.queue, again, &record.result));
    hf_job_record still = fleet_record(&f, job);
    cr_assert(hf_digest_eq(&still.result, &done.result) && still.epoch == done.epoch && still.attempts == 0);
    OK(fleet_verify(&f, f.queue, job, &still.result));
    fleet_alive(&f);
  }
  hf_queue_stats stats;
  fleet_stop(&f);
  OK(hf_queue_get_stats(f.queue, &stats));
  cr_assert_eq(stats.results, next);
  cr_assert_eq(stats.jobs[HF_JOB_DONE], next);
  cr_assert_eq(stats.failures, 0);
  /* What the sleepers themselves said of the jobs they lost: nothing that counts. */
  unsigned late =
      fleet_logs_count(&f, "\"outcome\":\"late\"") + fleet_logs_count(&f, "\"outcome\":\"duplicate\"");
  unsigned left = fleet_logs_count(&f, "\"status\":\"the lease is no longer held\"");
  cr_assert_eq(fleet_logs_count(&f, "\"outcome\":\"accepted\""), next);
  cr_assert_eq(stats.late_results, ROUNDS + late);
  fprintf(stderr,
          "fleet/stop %s: %u workers stopped past a lease of %u s and overtaken after %.2f s (most %.2f); "
          "awake again, %u left the job and "
          "%u handed in a late result; of what they could have said %llu failures were fenced; stopped %u "
          "times more with the store's lock and let go\n",
          kind->name, ROUNDS, LEASE_S, samples_at(&overtaken, 0.5) / 1000, samples_at(&overtaken, 1) / 1000,
          left, late, (unsigned long long)stats.stale, with_lock);
  books_report("stop", kind, next, 2, &overtaken, "rounds", (double)ROUNDS, "left", (double)left,
               "late_results", (double)late, "fenced", (double)stats.stale, "with_lock", (double)with_lock,
               NULL);
  free(overtaken.ms);
}

Test(fleet_stop, local) { stops(&engine_local); }
Test(fleet_stop, redis) { stops(&engine_redis); }
Test(fleet_stop, zmq) { stops(&engine_zmq); }
