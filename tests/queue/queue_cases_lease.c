/* Conformance: who gets which job, and how leases end. */
#include "queue_fixture.h"

void hf_case_placement(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_lease lease;
  bool found;
  hf_worker worker = worker_of(&f, "w1");
  OK(hf_queue_lease(f.q, &worker, &lease, &found));
  cr_assert(!found, "an empty queue gave a job");

  hf_job_header job = job_of(&f, "alice", "needs-much");
  job.device_memory = 5000;
  job.host_memory = 7000;
  OK(hf_queue_submit_one(f.q, &job, NULL));
  struct {
    const char *circuit;
    hf_digest vk;
    uint64_t device, host;
    bool wanted;
  } rows[] = {
      {"other", f.vk, 1 << 20, 1 << 20, false},                    /* another circuit */
      {"batch", hf_digest_bytes("x", 1), 1 << 20, 1 << 20, false}, /* another key of it */
      {"batch2", {{0}}, 1 << 20, 1 << 20, false},                  /* a longer name */
      {"batch", f.vk, 4999, 1 << 20, false},                       /* too little memory on the device */
      {"batch", f.vk, 1 << 20, 6999, false},                       /* and in the host */
      {"batch", f.vk, 5000, 7000, true},                           /* exactly enough */
      {"batch", {{0}}, 5000, 7000, true},                          /* any key of the circuit */
  };
  uint64_t epoch = 0;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    strcpy(worker.capabilities[0].circuit, rows[i].circuit);
    worker.capabilities[0].vk_digest = rows[i].vk;
    worker.device_memory = rows[i].device;
    worker.host_memory = rows[i].host;
    OK(hf_queue_lease(f.q, &worker, &lease, &found));
    cr_assert(found == rows[i].wanted, "row %zu: found is %d", i, found);
    if (!found) continue;
    EQ(lease.epoch, ++epoch); /* one larger each time */
    EQ(lease.lease_ms, 10000);
    EQ(lease.expires_ms, f.now + 10000);
    cr_assert(hf_job_key_eq(&lease.header.key, &job.key) &&
              hf_digest_eq(&lease.header.input_digest, &f.input));
    OK(hf_queue_release(f.q, &job.key, lease.epoch));
  }
  worker.capability_count = 0;
  OK(hf_queue_lease(f.q, &worker, &lease, &found));
  cr_assert(!found, "a worker that can prove nothing got a job");
  worker.name[0] = '\0';
  GIVES(HF_E_ARGUMENT, hf_queue_lease(f.q, &worker, &lease, &found));
  fixture_close(&f);
}

void hf_case_order(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  struct {
    const char *id;
    int32_t priority;
    uint64_t deadline;
  } rows[] = {{"low", -5, 0},         {"old", 0, 0},           {"new", 0, 0},
              {"later", 0, T0 + 9e6}, {"sooner", 0, T0 + 8e6}, {"high", 7, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    hf_job_header job = job_of(&f, "alice", rows[i].id);
    job.priority = rows[i].priority;
    job.deadline_ms = rows[i].deadline;
    OK(hf_queue_submit_one(f.q, &job, NULL));
    f.now++;
  }
  const char *wanted[] = {"high", "sooner", "later", "old", "new", "low"};
  for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) lease_expect(&f, "w1", wanted[i]);
  lease_none(&f, "w1");
  fixture_close(&f);
}

void hf_case_heartbeat(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  submit(&f, "alice", "j");
  hf_job_key key = key_of("alice", "j"), unknown = key_of("alice", "nobody");
  hf_lease lease = lease_expect(&f, "w1", "j");
  hf_beat beat;
  hf_progress progress = {.done = 1, .total = 10, .phase = "witness"};
  for (int i = 0; i < 5; i++) { /* 5 x 8 s under a lease of 10 s */
    f.now += 8000;
    progress.done++;
    OK(hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
    EQ(beat.action, HF_BEAT_GO_ON);
    EQ(beat.expires_ms, f.now + 10000);
    lease_none(&f, "w2");
  }
  hf_job_record record = record_of(&f, "alice", "j");
  EQ(record.state, HF_JOB_LEASED);
  EQ(record.progress.done, 6);
  EQ(record.progress.total, 10);
  cr_assert_str_eq(record.progress.phase, "witness");
  cr_assert_str_eq(record.worker, "w1");
  EQ(record.expires_ms, f.now + 10000);

  GIVES(HF_E_STALE, hf_queue_heartbeat(f.q, &key, lease.epoch + 1, &progress, &beat));
  GIVES(HF_E_STALE, hf_queue_heartbeat(f.q, &key, 0, &progress, &beat));
  GIVES(HF_E_NOT_FOUND, hf_queue_heartbeat(f.q, &unknown, 1, &progress, &beat));

  /* A beat without progress renews for stall_ms and no longer. */
  uint64_t advanced = f.now;
  while (f.now + 8000 <= advanced + 60000) {
    f.now += 8000;
    OK(hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
    EQ(beat.action, HF_BEAT_GO_ON);
  }
  uint64_t last = beat.expires_ms;
  f.now = advanced + 60001;
  OK(hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
  EQ(beat.action, HF_BEAT_STALLED);
  EQ(beat.expires_ms, last);
  progress.done++; /* it moves again: renewed */
  OK(hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
  EQ(beat.action, HF_BEAT_GO_ON);
  EQ(beat.expires_ms, f.now + 10000);
  f.now = beat.expires_ms;
  hf_lease second = lease_expect(&f, "w2", "j");
  EQ(second.epoch, lease.epoch + 1);
  GIVES(HF_E_STALE, hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
  EQ(record_of(&f, "alice", "j").progress.done, 0); /* another lease starts over */
  fixture_close(&f);
}

void hf_case_lost_worker(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  submit(&f, "alice", "j");
  hf_job_key key = key_of("alice", "j");
  hf_lease first = lease_expect(&f, "w1", "j");
  f.now += 9999;
  lease_none(&f, "w2");
  f.now += 1; /* lease + 0 s */
  hf_lease second = lease_expect(&f, "w2", "j");
  EQ(second.epoch, first.epoch + 1);
  hf_job_record record = record_of(&f, "alice", "j");
  EQ(record.attempts, 0);
  EQ(record.losses, 1);
  EQ(stats_of(&f).expired, 1);

  /* Reaping does the same where no worker calls; the lost one may have it again at once. */
  uint64_t changed;
  f.now += 10000;
  OK(hf_queue_reap(f.q, &changed));
  EQ(changed, 1);
  EQ(record_of(&f, "alice", "j").state, HF_JOB_QUEUED);
  OK(hf_queue_reap(f.q, &changed));
  EQ(changed, 0);
  hf_lease third = lease_expect(&f, "w2", "j");
  EQ(third.epoch, 3);
  f.now += 10000;
  hf_lease fourth = lease_expect(&f, "w1", "j");
  f.now += 10000;
  lease_none(&f, "w1"); /* the fourth loss, on two workers: it is the job */
  record = record_of(&f, "alice", "j");
  EQ(record.state, HF_JOB_DEAD);
  EQ(record.losses, 4);
  cr_assert(strstr(record.cause, "lost"), "%s", record.cause);
  EQ(fourth.epoch, 4);

  /* On one worker alone it takes twice as many. */
  submit(&f, "alice", "k");
  for (int i = 0; i < 8; i++) {
    lease_expect(&f, "only", "k");
    f.now += 10000;
  }
  lease_none(&f, "only");
  EQ(record_of(&f, "alice", "k").state, HF_JOB_DEAD);
  /* A dead job still takes a proof, should one come. */
  hf_digest result = result_of(&f, "proof");
  hf_finish_outcome outcome;
  OK(hf_queue_finish(f.q, &key, second.epoch, "w2", &result, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  EQ(record_of(&f, "alice", "j").state, HF_JOB_DONE);
  fixture_close(&f);
}

void hf_case_results(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_job_key key = key_of("alice", "j");
  hf_finish_outcome outcome;
  hf_digest missing = hf_digest_bytes("nowhere", 7), one = result_of(&f, "one"), two = result_of(&f, "two");
  GIVES(HF_E_NOT_FOUND, hf_queue_finish(f.q, &key, 1, "w1", &one, &outcome));
  submit(&f, "alice", "j");
  GIVES(HF_E_ARGUMENT, hf_queue_finish(f.q, &key, 1, "w1", &one, &outcome)); /* never leased */
  hf_lease first = lease_expect(&f, "w1", "j");
  GIVES(HF_E_ARGUMENT, hf_queue_finish(f.q, &key, first.epoch + 1, "w1", &one, &outcome));
  GIVES(HF_E_ARGUMENT, hf_queue_finish(f.q, &key, 0, "w1", &one, &outcome));
  GIVES(HF_E_NOT_FOUND, hf_queue_finish(f.q, &key, first.epoch, "w1", &missing, &outcome));
  EQ(record_of(&f, "alice", "j").state, HF_JOB_LEASED);
  f.now += 10000;
  hf_lease second = lease_expect(&f, "w2", "j");
  f.now += 2000;
  /* The lost worker was only slow: its result wins, and the other is told. */
  OK(hf_queue_finish(f.q, &key, first.epoch, "w1", &one, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  hf_beat beat;
  GIVES(HF_E_STALE, hf_queue_heartbeat(f.q, &key, second.epoch, NULL, &beat));
  OK(hf_queue_finish(f.q, &key, second.epoch, "w2", &two, &outcome));
  EQ(outcome, HF_FINISH_LATE);
  OK(hf_queue_finish(f.q, &key, second.epoch, "w2", &one, &outcome));
  EQ(outcome, HF_FINISH_DUPLICATE);
  OK(hf_queue_finish(f.q, &key, first.epoch, "w1", &one, &outcome)); /* an answer that was lost on the way */
  EQ(outcome, HF_FINISH_DUPLICATE);
  hf_job_record record = record_of(&f, "alice", "j");
  EQ(record.state, HF_JOB_DONE);
  cr_assert(hf_digest_eq(&record.result, &one), "the first result was replaced");
  cr_assert_str_eq(record.worker, "w1");
  EQ(record.ended_ms, f.now);
  hf_queue_stats stats = stats_of(&f);
  EQ(stats.results, 1);
  EQ(stats.late_results, 3);
  EQ(stats.late_differing, 1);
  EQ(stats.jobs[HF_JOB_DONE], 1);
  f.now += 100000;
  lease_none(&f, "w3"); /* done is done */
  /* Submitting it again gives the finished job. */
  hf_submission again;
  hf_job_header job = job_of(&f, "alice", "j");
  OK(hf_queue_submit_one(f.q, &job, &again));
  EQ(again.state, HF_JOB_DONE);
  cr_assert(!again.created);

  /* A result for a job that is queued again after its lease ran out. */
  submit(&f, "alice", "k");
  hf_lease lost = lease_expect(&f, "w1", "k");
  f.now += 10000;
  OK(hf_queue_reap(f.q, NULL));
  OK(hf_queue_finish(f.q, &lost.header.key, lost.epoch, "w1", &two, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  lease_none(&f, "w2");
  EQ(stats_of(&f).jobs[HF_JOB_QUEUED], 0);
  fixture_close(&f);
}

void hf_case_failures(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  submit(&f, "alice", "j");
  hf_job_key key = key_of("alice", "j");
  hf_job_state state;
  hf_lease lease = lease_expect(&f, "w1", "j");
  OK(hf_queue_fail(f.q, &key, lease.epoch, HF_E_DEVICE, "device fault\nline two", &state));
  EQ(state, HF_JOB_QUEUED);
  lease_none(&f, "w1"); /* not to the one that failed, for retry_ms */
  f.now += 999;
  lease_none(&f, "w1");
  f.now += 1;
  lease = lease_expect(&f, "w1", "j");
  EQ(lease.attempts, 1);
  OK(hf_queue_fail(f.q, &key, lease.epoch, HF_E_DEVICE, "again", &state));
  f.now += 1999; /* doubled */
  lease_none(&f, "w1");
  f.now += 1;
  lease = lease_expect(&f, "w1", "j");
  OK(hf_queue_fail(f.q, &key, lease.epoch, HF_E_DEVICE, "third, by the same worker", &state));
  EQ(state, HF_JOB_QUEUED);                     /* three attempts, but one worker: it may be the worker */
  hf_lease other = lease_expect(&f, "w2", "j"); /* at once */

  /* The fence: a failure under an old epoch has no effect. */
  hf_queue_stats before = stats_of(&f);
  GIVES(HF_E_STALE, hf_queue_fail(f.q, &key, lease.epoch, HF_E_DEVICE, "late", &state));
  hf_queue_stats after = stats_of(&f);
  EQ(after.stale, before.stale + 1);
  EQ(after.failures, before.failures);
  EQ(record_of(&f, "alice", "j").attempts, 3);
  EQ(record_of(&f, "alice", "j").state, HF_JOB_LEASED);

  OK(hf_queue_fail(f.q, &key, other.epoch, HF_E_UNSATISFIED, "unsatisfied: row 7", &state));
  EQ(state, HF_JOB_DEAD);
  GIVES(HF_E_STALE, hf_queue_fail(f.q, &key, other.epoch, HF_E_UNSATISFIED, "twice", &state));
  hf_job_record record = record_of(&f, "alice", "j");
  EQ(record.state, HF_JOB_DEAD);
  EQ(record.attempts, 4);
  cr_assert_str_eq(record.cause, "unsatisfied: row 7");
  lease_none(&f, "w3");

  hf_attempt attempts[8];
  size_t count;
  OK(hf_queue_attempts(f.q, &key, attempts, 8, &count));
  EQ(count, 4);
  cr_assert_str_eq(attempts[0].cause, "device fault?line two"); /* no control characters are kept */
  cr_assert_str_eq(attempts[0].worker, "w1");
  EQ(attempts[0].code, HF_E_DEVICE);
  EQ(attempts[0].epoch, 1);
  cr_assert_str_eq(attempts[3].worker, "w2");
  EQ(attempts[3].code, HF_E_UNSATISFIED);

  hf_job_record dead[2];
  hf_job_filter filter = {.state_mask = 1u << HF_JOB_DEAD};
  OK(hf_queue_list(f.q, &filter, dead, 2, &count));
  EQ(count, 1);
  OK(hf_queue_requeue(f.q, &key, 0));
  GIVES(HF_E_STATE, hf_queue_requeue(f.q, &key, 0));
  /* All is forgiven: the one that failed last may have it at once, and it takes two
   * workers anew. */
  lease = lease_expect(&f, "w2", "j");
  EQ(lease.epoch, 5); /* epochs go on */
  EQ(lease.attempts, 0);
  OK(hf_queue_release(f.q, &key, lease.epoch));
  for (int i = 0; i < 4; i++) {
    lease = lease_expect(&f, "w1", "j");
    OK(hf_queue_fail(f.q, &key, lease.epoch, HF_E_DEVICE, "", &state));
    EQ(state, HF_JOB_QUEUED);
    f.now += 100000;
  }
  cr_assert_str_eq(record_of(&f, "alice", "j").cause, "device fault");
  hf_lease last = lease_expect(&f, "w2", "j");
  hf_finish_outcome outcome;
  hf_digest result = result_of(&f, "proof");
  OK(hf_queue_finish(f.q, &key, last.epoch, "w2", &result, &outcome));
  GIVES(HF_E_STATE, hf_queue_requeue(f.q, &key, 0));

  /* One worker alone: twice the attempts. */
  submit(&f, "alice", "k");
  for (int i = 0; i < 6; i++) {
    f.now += 1000000;
    lease = lease_expect(&f, "w1", "k");
    OK(hf_queue_fail(f.q, &lease.header.key, lease.epoch, HF_E_DEVICE, "broken", &state));
    EQ(state, i < 5 ? HF_JOB_QUEUED : HF_JOB_DEAD);
  }
  hf_job_key unknown = key_of("bob", "j");
  GIVES(HF_E_NOT_FOUND, hf_queue_fail(f.q, &unknown, 1, HF_E_DEVICE, "", &state));
  GIVES(HF_E_NOT_FOUND, hf_queue_requeue(f.q, &unknown, 0));
  GIVES(HF_E_NOT_FOUND, hf_queue_attempts(f.q, &unknown, attempts, 8, &count));
  fixture_close(&f);
}

void hf_case_release(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  submit(&f, "alice", "j");
  hf_job_key key = key_of("alice", "j");
  for (int i = 1; i <= 10; i++) { /* as often as one likes: no attempt is charged */
    hf_lease lease = lease_expect(&f, "w1", "j");
    EQ(lease.epoch, i);
    EQ(lease.attempts, 0);
    OK(hf_queue_release(f.q, &key, lease.epoch));
    GIVES(HF_E_STALE, hf_queue_release(f.q, &key, lease.epoch));
  }
  hf_job_record record = record_of(&f, "alice", "j");
  EQ(record.state, HF_JOB_QUEUED);
  EQ(record.attempts, 0);
  EQ(record.losses, 0);
  EQ(stats_of(&f).released, 10);
  fixture_close(&f);
}

void hf_case_fairness(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  char id[32];
  hf_digest result = result_of(&f, "proof");
  hf_finish_outcome outcome;
  OK(hf_queue_set_tenant(f.q, "heavy", 3, 0));
  for (int i = 0; i < 80; i++) { /* light asks first and for more */
    snprintf(id, sizeof id, "job%03d", i);
    submit(&f, "light", id);
  }
  for (int i = 0; i < 40; i++) {
    snprintf(id, sizeof id, "job%03d", i);
    hf_job_header job = job_of(&f, "heavy", id);
    OK(hf_queue_submit_one(f.q, &job, NULL));
  }
  unsigned heavy = 0;
  hf_lease lease;
  for (int i = 0; i < 40; i++) { /* equal jobs of 2 s */
    cr_assert(try_lease(&f, "w1", &lease));
    heavy += strcmp(lease.header.key.tenant, "heavy") == 0;
    f.now += 2000;
    OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  }
  cr_assert(heavy >= 28 && heavy <= 32, "weight 3 against 1: %u of 40 jobs", heavy);

  /* By time, not by number: jobs of light take 4 times as long now, so at weight 3 to
   * 1 heavy gets about 12 jobs for each of them. */
  unsigned light = 0, total = 0;
  heavy = 0;
  while (light < 5 && total < 200) {
    for (; heavy + 5 > total; total++) { /* heavy always has work */
      snprintf(id, sizeof id, "more%03u", total);
      submit(&f, "heavy", id);
    }
    cr_assert(try_lease(&f, "w1", &lease));
    bool is_heavy = strcmp(lease.header.key.tenant, "heavy") == 0;
    heavy += is_heavy;
    light += !is_heavy;
    f.now += is_heavy ? 1000 : 4000;
    hf_beat beat;
    hf_progress progress = {.done = 1};
    OK(hf_queue_heartbeat(f.q, &lease.header.key, lease.epoch, &progress, &beat));
    OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  }
  cr_assert(heavy >= 35 && heavy <= 70, "%u short jobs of heavy beside %u long ones of light", heavy, light);

  /* Idleness saves nothing up: a newcomer shares from now on. */
  for (int i = 0; i < 30; i++) {
    snprintf(id, sizeof id, "late%03d", i);
    submit(&f, "newcomer", id);
  }
  unsigned newcomer = 0;
  for (int i = 0; i < 20; i++) {
    cr_assert(try_lease(&f, "w1", &lease));
    newcomer += strcmp(lease.header.key.tenant, "newcomer") == 0;
    f.now += 1000;
    OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  }
  cr_assert(newcomer >= 2 && newcomer <= 10, "the newcomer got %u of 20", newcomer);

  hf_tenant_stats tenants[4];
  size_t count;
  OK(hf_queue_tenants(f.q, NULL, tenants, 4, &count));
  EQ(count, 3);
  cr_assert_str_eq(tenants[0].tenant, "heavy");
  EQ(tenants[0].weight, 3);
  cr_assert_str_eq(tenants[2].tenant, "newcomer");
  EQ(tenants[2].used_ms, 1000 * newcomer); /* the meter */
  EQ(tenants[2].proved_ms, 1000 * newcomer);
  EQ(tenants[2].jobs[HF_JOB_DONE], newcomer);
  EQ(tenants[2].jobs[HF_JOB_QUEUED], 30 - newcomer);
  OK(hf_queue_tenants(f.q, "heavy", tenants, 1, &count));
  EQ(count, 1);
  cr_assert_str_eq(tenants[0].tenant, "light");

  /* The meter runs for failed, released and lost leases too; a lost one up to its last sign of life. */
  submit(&f, "metered", "m");
  hf_job_key key = key_of("metered", "m");
  OK(hf_queue_set_tenant(f.q, "metered", 1000000, 0));
  cr_assert(try_lease(&f, "w8", &lease));
  while (strcmp(lease.header.key.tenant, "metered") != 0) {
    OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w8", &result, &outcome));
    cr_assert(try_lease(&f, "w8", &lease));
  }
  f.now += 300;
  OK(hf_queue_release(f.q, &key, lease.epoch));
  do cr_assert(try_lease(&f, "w8", &lease));
  while (strcmp(lease.header.key.tenant, "metered") != 0);
  hf_beat beat;
  hf_progress progress = {.done = 1};
  f.now += 50;
  OK(hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
  f.now += 20000;
  OK(hf_queue_reap(f.q, NULL));
  EQ(record_of(&f, "metered", "m").used_ms, 350);
  OK(hf_queue_tenants(f.q, "light", tenants, 1, &count));
  cr_assert_str_eq(tenants[0].tenant, "metered");
  EQ(tenants[0].used_ms, 350);
  EQ(tenants[0].proved_ms, 0);
  GIVES(HF_E_ARGUMENT, hf_queue_set_tenant(f.q, "metered", 0, 0));
  GIVES(HF_E_ARGUMENT, hf_queue_set_tenant(f.q, "two words", 1, 0));
  fixture_close(&f);
}
