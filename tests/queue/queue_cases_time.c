/* Conformance: long jobs under short leases, and what a tenant waits beside one that floods the queue. */
#include "queue_fixture.h"

/* An hour under a lease of 15 s: whoever gives signs of life every five keeps the job, whatever others ask
 * for. */
void hf_case_long_job(const hf_queue_factory *factory) {
  fixture f;
  hf_beat beat;
  hf_finish_outcome outcome;
  fixture_open(&f, factory);
  hf_queue_close(&f.q);
  hf_queue_options options = fixture_options(&f);
  options.lease_ms = 15000;
  OK(hf_queue_open(&options, &f.q));
  submit(&f, "alice", "long");
  hf_lease lease = lease_expect(&f, "w1", "long");
  EQ(lease.lease_ms, 15000);
  hf_progress progress = {.total = 3600, .phase = "quotient"};
  for (unsigned second = 5; second <= 3600; second += 5) {
    f.now += 5000;
    progress.done += second % 50 == 0; /* it need not move at every beat, but within stall_ms */
    OK(hf_queue_heartbeat(f.q, &lease.header.key, lease.epoch, &progress, &beat));
    EQ(beat.action, HF_BEAT_GO_ON);
    if (second % 60 == 0) OK(hf_queue_reap(f.q, NULL));
    if (second % 60 == 30) lease_none(&f, "w2");
  }
  hf_digest result = result_of(&f, "proof");
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  hf_job_record record = record_of(&f, "alice", "long");
  EQ(record.epoch, 1);
  EQ(record.losses, 0);
  EQ(record.used_ms, 3600000);
  EQ(stats_of(&f).expired, 0);
  fixture_close(&f);
}

enum { WORKERS = 4, SLOW_JOBS = 100, JOB_MS = 2000, EVERY_MS = 2700, STEP_MS = 100, FLOOD = 700 };

typedef struct shift {
  hf_lease lease;
  uint64_t until; /* 0: idle */
  char name[16];
} shift;

static int by_value(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

/* The time that 99 of 100 jobs of the tenant "slow" take from submission to result, all jobs being equal. */
static uint64_t p99_of_slow(const hf_queue_factory *factory, bool flooded) {
  fixture f;
  uint64_t took[SLOW_JOBS];
  unsigned submitted = 0, done = 0, others = 0;
  shift shifts[WORKERS] = {0};
  char id[16];
  fixture_open(&f, factory);
  hf_digest result = result_of(&f, "proof");
  for (int i = 0; flooded && i < FLOOD; i += 100) {
    hf_job_header jobs[100];
    hf_submission answers[100];
    for (int k = 0; k < 100; k++) {
      snprintf(id, sizeof id, "f%d", i + k);
      jobs[k] = job_of(&f, "flood", id);
      jobs[k].priority = HF_PRIORITY_MAX; /* which counts among its own */
    }
    OK(hf_queue_submit(f.q, jobs, 100, answers));
  }
  for (uint64_t at = 0; done < SLOW_JOBS; at += STEP_MS) {
    f.now = T0 + at;
    for (; submitted < SLOW_JOBS && submitted * EVERY_MS <= at; submitted++) {
      snprintf(id, sizeof id, "s%u", submitted);
      submit(&f, "slow", id);
    }
    for (int i = 0; i < WORKERS; i++) {
      shift *s = &shifts[i];
      if (s->until > at) continue;
      if (s->until) {
        OK(hf_queue_finish(f.q, &s->lease.header.key, s->lease.epoch, s->name, &result, NULL));
        bool slow = strcmp(s->lease.header.key.tenant, "slow") == 0;
        hf_job_record record;
        OK(hf_queue_get(f.q, &s->lease.header.key, &record));
        if (slow) took[done++] = f.now - record.submitted_ms;
        others += !slow;
        s->until = 0;
      }
      snprintf(s->name, sizeof s->name, "w%d", i);
      if (try_lease(&f, s->name, &s->lease)) s->until = at + JOB_MS;
    }
  }
  cr_assert(!flooded || (others > 300 && others < FLOOD),
            "%u jobs of the flood were done: not a flood all along", others);
  qsort(took, SLOW_JOBS, sizeof took[0], by_value);
  fixture_close(&f);
  return took[SLOW_JOBS * 99 / 100 - 1];
}

void hf_case_flood(const hf_queue_factory *factory) {
  uint64_t idle = p99_of_slow(factory, false), flooded = p99_of_slow(factory, true);
  fprintf(stderr, "a result takes %llu ms (p99) alone, %llu ms beside a flood\n", (unsigned long long)idle,
          (unsigned long long)flooded);
  cr_assert(idle <= JOB_MS + STEP_MS);
  cr_assert(flooded <= 2 * idle, "%llu ms beside a flood, %llu ms without", (unsigned long long)flooded,
            (unsigned long long)idle);
}
