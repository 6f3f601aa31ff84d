/* Conformance: results that do not verify, and the workers whose they are. */
#include "queue_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

/* Leases `id` and hands in a result after two seconds. */
static hf_lease hand_in(fixture *f, const char *worker, const char *id, const hf_digest *result) {
  hf_finish_outcome outcome;
  hf_lease lease = lease_expect(f, worker, id);
  f->now += 2000;
  OK(hf_queue_finish(f->q, &lease.header.key, lease.epoch, worker, result, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  return lease;
}

static hf_queue_refusal refuse(fixture *f, const char *id, const hf_digest *result, const char *cause) {
  hf_queue_refusal refusal;
  hf_job_key key = key_of("alice", id);
  memset(&refusal, 0x55, sizeof refusal);
  OK(hf_queue_refuse(f->q, &key, result, cause, &refusal));
  return refusal;
}

/* Nothing may have changed when a refusal is turned down. */
static void turned_down(fixture *f, const char *id, const hf_digest *result, const char *word) {
  hf_queue_refusal refusal;
  hf_job_key key = key_of("alice", id);
  hf_job_record before = record_of(f, "alice", id);
  hf_queue_stats counted = stats_of(f);
  GIVES(HF_E_STATE, hf_queue_refuse(f->q, &key, result, "no", &refusal));
  cr_assert(strstr(hf_error_message(), word), "%s", hf_error_message());
  hf_job_record after = record_of(f, "alice", id);
  hf_queue_stats again = stats_of(f);
  cr_assert(memcmp(&before, &after, sizeof before) == 0 && memcmp(&counted, &again, sizeof again) == 0);
}

static hf_worker_record worker_record(fixture *f, const char *name) {
  hf_worker_record records[8];
  size_t count, i = 0;
  OK(hf_queue_workers(f->q, 0, NULL, records, 8, &count));
  while (i < count && strcmp(records[i].worker.name, name) != 0) i++;
  cr_assert(i < count, "the queue knows no worker %s", name);
  return records[i];
}

static hf_tenant_stats meter_of(fixture *f, const char *tenant) {
  hf_tenant_stats stats[4];
  size_t count, i = 0;
  OK(hf_queue_tenants(f->q, NULL, stats, 4, &count));
  while (i < count && strcmp(stats[i].tenant, tenant) != 0) i++;
  cr_assert(i < count, "no tenant %s", tenant);
  return stats[i];
}

static void lease_quarantined(fixture *f, const char *name, const char *cause) {
  hf_lease lease;
  bool found = true;
  hf_worker worker = worker_of(f, name);
  GIVES(HF_E_QUARANTINED, hf_queue_lease(f->q, &worker, &lease, &found));
  cr_assert(!found && strstr(hf_error_message(), name) && strstr(hf_error_message(), cause) &&
                strstr(hf_error_message(), "queue pardon"),
            "%s", hf_error_message());
}

static bool has_event(fixture *f, hf_event_kind kind, const char *worker, const char *detail) {
  hf_event events[128];
  size_t count;
  bool found = false;
  OK(hf_queue_events(f->q, 0, events, 128, &count));
  for (size_t i = 0; i < count; i++) {
    event_travels(&events[i]);
    found = found || (events[i].kind == kind && strcmp(events[i].worker, worker) == 0 &&
                      strcmp(events[i].detail, detail) == 0);
  }
  return found;
}

void hf_case_refuse(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_digest bad = result_of(&f, "a lie"), good = result_of(&f, "a proof"), zero = {{0}};
  hf_job_key key = key_of("alice", "j"), unknown = key_of("bob", "j");
  hf_finish_outcome outcome;
  hf_attempt attempts[4];
  size_t count;
  GIVES(HF_E_NOT_FOUND, hf_queue_refuse(f.q, &unknown, &bad, "", NULL));
  submit(&f, "alice", "j");
  turned_down(&f, "j", &bad, "queued");
  hf_lease first = lease_expect(&f, "w1", "j");
  turned_down(&f, "j", &bad, "leased");
  f.now += 2000;
  OK(hf_queue_finish(f.q, &key, first.epoch, "w1", &bad, &outcome));
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(&bad, hex);
  turned_down(&f, "j", &good, hex); /* what is there is named */
  turned_down(&f, "j", &zero, hex);

  f.now += 700;
  hf_queue_refusal refusal = refuse(&f, "j", &bad, "no proof\nat all");
  cr_assert(!refusal.again && !refusal.quarantined);
  EQ(refusal.state, HF_JOB_QUEUED);
  EQ(refusal.strikes, 1);
  cr_assert_str_eq(refusal.worker, "w1");
  hf_job_record record = record_of(&f, "alice", "j");
  EQ(record.state, HF_JOB_QUEUED);
  EQ(record.attempts, 1);
  EQ(record.losses, 0);
  EQ(record.ended_ms, 0);
  cr_assert(hf_digest_is_zero(&record.result), "the refused result is still there");
  cr_assert_str_eq(record.cause, "no proof?at all");
  OK(hf_queue_attempts(f.q, &key, attempts, 4, &count));
  EQ(count, 1);
  EQ(attempts[0].code, HF_E_VERIFY);
  EQ(attempts[0].epoch, first.epoch);
  EQ(attempts[0].time_ms, f.now);
  cr_assert_str_eq(attempts[0].worker, "w1");
  cr_assert_str_eq(attempts[0].cause, "no proof?at all");
  /* No meter shrinks: what was proved for nothing is counted beside it. */
  hf_tenant_stats meter = meter_of(&f, "alice");
  EQ(meter.used_ms, 2000);
  EQ(meter.proved_ms, 2000);
  EQ(meter.refused_ms, 2000);
  EQ(meter.jobs[HF_JOB_DONE], 0);
  EQ(meter.jobs[HF_JOB_QUEUED], 1);
  cr_assert(has_event(&f, HF_EVENT_REFUSED, "w1", "no proof?at all"));

  /* Saying it again is harmless, whatever the job is now. */
  refusal = refuse(&f, "j", &bad, "again");
  cr_assert(refusal.again);
  EQ(refusal.state, HF_JOB_QUEUED);
  EQ(refusal.strikes, 1);
  cr_assert_str_eq(refusal.worker, "w1");

  /* Another worker gets it at once; the one whose result it was, later. */
  lease_none(&f, "w1");
  f.now += HF_QUEUE_REFUSED_HOLD * 1000 - 1;
  lease_none(&f, "w1");
  hf_lease second = lease_expect(&f, "w2", "j");
  EQ(second.epoch, first.epoch + 1);
  EQ(second.attempts, 1);
  EQ(refuse(&f, "j", &bad, "again").state, HF_JOB_LEASED);

  /* The same bytes are not taken for this job again, whoever brings them; for another they would be. */
  GIVES(HF_E_VERIFY, hf_queue_finish(f.q, &key, second.epoch, "w2", &bad, &outcome));
  cr_assert(strstr(hf_error_message(), "w1"), "%s", hf_error_message());
  GIVES(HF_E_VERIFY, hf_queue_finish(f.q, &key, first.epoch, "w1", &bad, &outcome));
  EQ(record_of(&f, "alice", "j").state, HF_JOB_LEASED);
  EQ(stats_of(&f).barred, 2);
  OK(hf_queue_finish(f.q, &key, second.epoch, "w2", &good, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  refusal = refuse(&f, "j", &bad, "again");
  cr_assert(refusal.again);
  EQ(refusal.state, HF_JOB_DONE);
  GIVES(HF_E_VERIFY, hf_queue_finish(f.q, &key, first.epoch, "w1", &bad, &outcome));
  record = record_of(&f, "alice", "j");
  cr_assert(record.state == HF_JOB_DONE && hf_digest_eq(&record.result, &good));
  hf_queue_stats stats = stats_of(&f);
  EQ(stats.refusals, 1);
  EQ(stats.failures, 0);
  EQ(stats.barred, 3);
  EQ(stats.quarantines, 0);
  EQ(stats.results, 2);

  /* A late and good result is welcome while the job waits to be proven again. */
  submit(&f, "alice", "k");
  hf_lease lost = lease_expect(&f, "w3", "k");
  f.now += 10000;
  hand_in(&f, "w4", "k", &bad);
  EQ(refuse(&f, "k", &bad, "").state, HF_JOB_QUEUED);
  OK(hf_queue_finish(f.q, &lost.header.key, lost.epoch, "w3", &good, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  lease_none(&f, "w5");

  /* A refused result is no job's: its artifact may go. The good one stays. */
  uint64_t artifacts;
  bool has;
  f.now += 1000;
  OK(hf_queue_collect(f.q, 0, f.now, NULL, NULL, NULL, &artifacts));
  EQ(artifacts, 1);
  OK(hf_artifact_has(f.q, &bad, &has));
  cr_assert(!has);
  OK(hf_artifact_has(f.q, &good, &has));
  cr_assert(has);

  /* A deadline holds for a job that is to be proven again. */
  hf_job_header job = job_of(&f, "alice", "due");
  job.deadline_ms = f.now + 5000;
  OK(hf_queue_submit_one(f.q, &job, NULL));
  bad = result_of(&f, "a lie");
  hand_in(&f, "w6", "due", &bad);
  f.now += 60000;
  EQ(refuse(&f, "due", &bad, "").state, HF_JOB_QUEUED);
  OK(hf_queue_reap(f.q, NULL));
  EQ(record_of(&f, "alice", "due").state, HF_JOB_FAILED);
  fixture_close(&f);
}

/* Refusals are attempts: with failures among them they bury the job by the same rule, and a requeue forgives.
 */
void hf_case_refused_to_death(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_digest lie[3] = {result_of(&f, "lie 0"), result_of(&f, "lie 1"), result_of(&f, "lie 2")};
  const char *const workers[3] = {"w1", "w2", "w3"};
  hf_job_key key = key_of("alice", "j");
  hf_attempt attempts[8];
  hf_job_state state;
  size_t count;
  submit(&f, "alice", "j");
  for (int i = 0; i < 3; i++) {
    hand_in(&f, workers[i], "j", &lie[i]);
    hf_queue_refusal refusal = refuse(&f, "j", &lie[i], "unsound");
    EQ(refusal.state, i < 2 ? HF_JOB_QUEUED : HF_JOB_DEAD);
    EQ(refusal.strikes, 1);
  }
  hf_job_record record = record_of(&f, "alice", "j");
  EQ(record.attempts, 3);
  EQ(record.ended_ms, f.now);
  cr_assert_str_eq(record.cause, "unsound");
  lease_none(&f, "w4");
  EQ(refuse(&f, "j", &lie[0], "").state, HF_JOB_DEAD); /* said again */
  hf_tenant_stats meter = meter_of(&f, "alice");
  EQ(meter.jobs[HF_JOB_DEAD], 1);
  EQ(meter.refused_ms, 6000);
  EQ(meter.used_ms, 6000);

  /* Requeued: all three may try again at once, with what they had: whoever refused may have been wrong. */
  OK(hf_queue_requeue(f.q, &key, 0));
  hand_in(&f, "w1", "j", &lie[0]);
  turned_down(&f, "j", &lie[1], "another result"); /* forgiven and forgotten */
  hf_queue_refusal refusal = refuse(&f, "j", &lie[0], "still");
  EQ(refusal.strikes, 2);
  cr_assert(refusal.quarantined);
  EQ(record_of(&f, "alice", "j").attempts, 1);
  OK(hf_queue_attempts(f.q, &key, attempts, 8, &count));
  EQ(count, 4);

  /* Two failures and a refusal are three attempts. */
  submit(&f, "alice", "k");
  OK(hf_queue_cancel(f.q, &key, "", &state));
  for (int i = 2; i < 4; i++) {
    hf_lease lease = lease_expect(&f, i == 2 ? "w2" : "w3", "k");
    OK(hf_queue_fail(f.q, &lease.header.key, lease.epoch, HF_E_DEVICE, "broken", &state));
    EQ(state, HF_JOB_QUEUED);
  }
  hand_in(&f, "w4", "k", &lie[2]);
  EQ(refuse(&f, "k", &lie[2], "").state, HF_JOB_DEAD);
  EQ(stats_of(&f).failures, 2);
  EQ(stats_of(&f).refusals, 5);
  fixture_close(&f);
}

void hf_case_quarantine(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_digest lie[2] = {result_of(&f, "lie 0"), result_of(&f, "lie 1")}, good = result_of(&f, "a proof");
  hf_finish_outcome outcome;
  hf_beat beat;
  hf_job_state state;
  const char *const ids[] = {"a", "b", "c", "d"};
  for (int i = 0; i < 4; i++) {
    submit(&f, "alice", ids[i]);
    f.now++;
  }
  hand_in(&f, "w1", "a", &lie[0]);
  hand_in(&f, "w1", "b", &lie[1]);
  hf_lease held = lease_expect(&f, "w1", "c"), unwanted = lease_expect(&f, "w1", "d");
  OK(hf_queue_cancel(f.q, &unwanted.header.key, "not wanted", &state));
  EQ(state, HF_JOB_LEASED);
  hf_queue_refusal refusal = refuse(&f, "a", &lie[0], "first");
  EQ(refusal.strikes, 1);
  cr_assert(!refusal.quarantined);
  hf_worker_record w = worker_record(&f, "w1");
  EQ(w.strikes, 1);
  EQ(w.quarantined_ms, 0);
  cr_assert_str_eq(w.cause, "first");
  refusal = refuse(&f, "b", &lie[1], "second");
  EQ(refusal.strikes, 2);
  cr_assert(refusal.quarantined);
  uint64_t since = f.now;
  w = worker_record(&f, "w1");
  EQ(w.strikes, 2);
  EQ(w.quarantined_ms, since);
  EQ(w.worker.capability_count, 1); /* its announcement is kept */
  cr_assert_str_eq(w.cause, "second");

  /* What it held is free at once, without an attempt; what was to be cancelled is. */
  EQ(record_of(&f, "alice", "c").state, HF_JOB_QUEUED);
  EQ(record_of(&f, "alice", "c").attempts, 0);
  EQ(record_of(&f, "alice", "d").state, HF_JOB_CANCELLED);
  GIVES(HF_E_STALE, hf_queue_heartbeat(f.q, &held.header.key, held.epoch, NULL, &beat));
  lease_quarantined(&f, "w1", "second");
  f.now += 1000000;
  lease_quarantined(&f, "w1", "second"); /* time does not heal it */
  GIVES(HF_E_QUARANTINED, hf_queue_finish(f.q, &held.header.key, held.epoch, "w1", &good, &outcome));
  EQ(record_of(&f, "alice", "c").state, HF_JOB_QUEUED);
  EQ(stats_of(&f).barred, 1);
  size_t count;
  hf_worker_record seen[4];
  OK(hf_queue_workers(f.q, f.now - 1000, NULL, seen, 4, &count));
  EQ(count, 1); /* shown although it was not seen lately */

  /* The jobs end at honest workers; another's result is never the quarantined one's. */
  for (int i = 0; i < 3; i++) hand_in(&f, "w2", ids[i], &good);
  GIVES(HF_E_QUARANTINED, hf_queue_finish(f.q, &held.header.key, held.epoch, "w1", &good, &outcome));
  lease_quarantined(&f, "w1", "second"); /* also when there is nothing to do */
  hf_queue_stats stats = stats_of(&f);
  EQ(stats.jobs[HF_JOB_DONE], 3);
  EQ(stats.refusals, 2);
  EQ(stats.quarantines, 1);
  EQ(stats.released, 1);
  EQ(stats.barred, 2);
  EQ(stats.pardons, 0);

  /* Pardon. */
  GIVES(HF_E_NOT_FOUND, hf_queue_pardon(f.q, "nobody"));
  GIVES(HF_E_ARGUMENT, hf_queue_pardon(f.q, "two words"));
  OK(hf_queue_pardon(f.q, "w2")); /* has no strikes */
  OK(hf_queue_pardon(f.q, "w1"));
  OK(hf_queue_pardon(f.q, "w1"));
  EQ(stats_of(&f).pardons, 1);
  w = worker_record(&f, "w1");
  EQ(w.strikes, 0);
  EQ(w.quarantined_ms, 0);
  cr_assert_str_eq(w.cause, "");
  submit(&f, "alice", "e");
  hand_in(&f, "w1", "e", &lie[0]); /* refused for job a, not for this one */
  EQ(refuse(&f, "e", &lie[0], "third").strikes, 1);
  cr_assert(has_event(&f, HF_EVENT_QUARANTINED, "w1", "second"));
  cr_assert(has_event(&f, HF_EVENT_RELEASED, "w1", "the worker was quarantined"));
  cr_assert(has_event(&f, HF_EVENT_PARDONED, "w1", ""));
  hf_lease last = lease_expect(&f, "w2", "e");

  /* A name that never asked for work, handing in under somebody's lease, answers for what it brought. */
  OK(hf_queue_finish(f.q, &last.header.key, last.epoch, "ghost", &lie[1], &outcome));
  EQ(refuse(&f, "e", &lie[1], "boo").strikes, 1);
  w = worker_record(&f, "ghost");
  EQ(w.strikes, 1);
  EQ(w.worker.capability_count, 0);
  EQ(worker_record(&f, "w2").strikes, 0);
  fixture_close(&f);
}

/* Takers in processes of their own find the same lie at the same time: one of them refuses it, and it is one strike. */
void hf_case_refuse_at_once(const hf_queue_factory *factory) {
  enum { TAKERS = 6 };
  fixture f;
  pid_t takers[TAKERS];
  fixture_open(&f, factory);
  hf_digest bad = result_of(&f, "a lie");
  hf_job_key key = key_of("alice", "j");
  submit(&f, "alice", "j");
  hand_in(&f, "w1", "j", &bad);
  for (int i = 0; i < TAKERS; i++) {
    takers[i] = fork();
    cr_assert(takers[i] >= 0);
    if (takers[i] > 0) continue;
    hf_queue *q;
    hf_queue_refusal refusal;
    hf_queue_options options = {.location = f.location};
    if (hf_queue_open(&options, &q) != HF_OK || hf_queue_refuse(q, &key, &bad, "a lie", &refusal) != HF_OK) _exit(2);
    hf_queue_close(&q);
    _exit(refusal.again);
  }
  unsigned first = 0, again = 0;
  for (int i = 0; i < TAKERS; i++) {
    int status;
    cr_assert(waitpid(takers[i], &status, 0) == takers[i] && WIFEXITED(status));
    first += WEXITSTATUS(status) == 0;
    again += WEXITSTATUS(status) == 1;
  }
  EQ(first, 1);
  EQ(again, TAKERS - 1);
  EQ(stats_of(&f).refusals, 1);
  EQ(worker_record(&f, "w1").strikes, 1);
  EQ(record_of(&f, "alice", "j").attempts, 1);
  fixture_close(&f);
}
