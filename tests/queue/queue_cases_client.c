/* Conformance: what clients and operators see. */
#include "queue_fixture.h"

void hf_case_submit(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_job_header job = job_of(&f, "alice", "j");
  hf_submission result;
  OK(hf_queue_submit_one(f.q, &job, &result));
  cr_assert(result.created && result.state == HF_JOB_QUEUED);
  /* The same again is the same job, also with other terms. */
  job.priority = 5;
  job.deadline_ms = T0 + 1000000;
  OK(hf_queue_submit_one(f.q, &job, &result));
  cr_assert(!result.created);
  EQ(record_of(&f, "alice", "j").header.priority, 0); /* the first submission's values stay */
  EQ(record_of(&f, "alice", "j").header.deadline_ms, 0);
  /* Any other payload under the name is an error. */
  hf_job_header others[5];
  for (int i = 0; i < 5; i++) others[i] = job_of(&f, "alice", "j");
  others[0].kind = HF_JOB_PROVE_CIRCUIT;
  strcpy(others[1].circuit, "batch2");
  OK(hf_job_set_parameter(&others[2], "depth", 25));
  others[3].vk_digest.b[31] ^= 1;
  others[4].input_digest = result_of(&f, "another input");
  for (int i = 0; i < 5; i++) GIVES(HF_E_EXISTS, hf_queue_submit_one(f.q, &others[i], &result));
  /* Another tenant's job of the same id is another job. */
  hf_job_header bobs = job_of(&f, "bob", "j");
  bobs.kind = HF_JOB_PROVE_CIRCUIT;
  OK(hf_queue_submit_one(f.q, &bobs, &result));
  cr_assert(result.created);
  /* No job without its input. */
  hf_job_header lacking = job_of(&f, "alice", "lacking");
  lacking.input_digest = hf_digest_bytes("not there", 9);
  GIVES(HF_E_NOT_FOUND, hf_queue_submit_one(f.q, &lacking, &result));
  hf_job_record record;
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &lacking.key, &record));
  /* Bad headers. */
  hf_job_header bad = job_of(&f, "alice", "bad");
  strcpy(bad.key.tenant, "no spaces");
  GIVES(HF_E_ARGUMENT, hf_queue_submit_one(f.q, &bad, &result));
  bad = job_of(&f, "alice", "bad");
  bad.kind = 0;
  GIVES(HF_E_ARGUMENT, hf_queue_submit_one(f.q, &bad, &result));
  bad = job_of(&f, "alice", "bad");
  bad.priority = 101;
  GIVES(HF_E_ARGUMENT, hf_queue_submit_one(f.q, &bad, &result));

  /* A batch in one transaction: each job has its own status. */
  hf_job_header batch[6];
  hf_submission results[6];
  batch[0] = job_of(&f, "alice", "b0");
  batch[1] = others[2];                /* conflict */
  batch[2] = job_of(&f, "alice", "j"); /* known */
  batch[3] = bad;
  batch[4] = job_of(&f, "alice", "b0"); /* twice in one batch */
  batch[5] = job_of(&f, "alice", "b1");
  OK(hf_queue_submit(f.q, batch, 6, results));
  const hf_status wanted[6] = {HF_OK, HF_E_EXISTS, HF_OK, HF_E_ARGUMENT, HF_OK, HF_OK};
  const bool created[6] = {true, false, false, false, false, true};
  for (int i = 0; i < 6; i++) {
    EQ(results[i].status, wanted[i]);
    EQ(results[i].created, created[i]);
    EQ(results[i].message[0] != 0, wanted[i] != HF_OK);
  }
  OK(hf_queue_submit(f.q, batch, 0, results));
  hf_queue_stats stats = stats_of(&f);
  EQ(stats.submitted, 4);
  EQ(stats.resubmitted, 3);
  EQ(stats.conflicts, 6);
  EQ(stats.jobs[HF_JOB_QUEUED], 4);

  /* Binary ids, and everything that was submitted comes back, from another handle too. */
  hf_job_header full = job_of(&f, "alice", "x");
  uint8_t id[HF_JOB_ID_MAX];
  for (int i = 0; i < HF_JOB_ID_MAX; i++) id[i] = (uint8_t)(i * 37);
  OK(hf_job_key_make("alice", id, sizeof id, &full.key));
  full.priority = -100;
  full.deadline_ms = T0 + 5;
  full.device_memory = 1ull << 40;
  full.host_memory = 1ull << 41;
  OK(hf_queue_submit_one(f.q, &full, &result));
  hf_queue *second;
  hf_queue_options options = fixture_options(&f);
  OK(hf_queue_open(&options, &second));
  hf_queue_close(&f.q);
  f.q = second;
  OK(hf_queue_get(f.q, &full.key, &record));
  cr_assert(hf_job_key_eq(&record.header.key, &full.key));
  EQ(record.header.kind, full.kind);
  cr_assert_str_eq(record.header.circuit, full.circuit);
  EQ(record.header.parameter_count, 2);
  uint64_t value;
  cr_assert(hf_job_get_parameter(&record.header, "slots", &value) && value == 60);
  cr_assert(hf_digest_eq(&record.header.vk_digest, &full.vk_digest));
  cr_assert(hf_digest_eq(&record.header.input_digest, &full.input_digest));
  EQ(record.header.priority, -100);
  EQ(record.header.deadline_ms, T0 + 5);
  EQ(record.header.device_memory, 1ull << 40);
  EQ(record.header.host_memory, 1ull << 41);
  EQ(record.state, HF_JOB_QUEUED);
  EQ(record.submitted_ms, T0);
  EQ(record.epoch, 0);
  hf_job_key none = key_of("alice", "none");
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &none, &record));
  none.id.length = 0;
  GIVES(HF_E_ARGUMENT, hf_queue_get(f.q, &none, &record));
  fixture_close(&f);
}

void hf_case_cancel(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_job_state state;
  hf_beat beat;
  hf_finish_outcome outcome;
  hf_digest result = result_of(&f, "proof");
  hf_job_key key = key_of("alice", "queued");
  GIVES(HF_E_NOT_FOUND, hf_queue_cancel(f.q, &key, "", &state));
  submit(&f, "alice", "queued");
  OK(hf_queue_cancel(f.q, &key, "not needed", &state)); /* queued: at once */
  EQ(state, HF_JOB_CANCELLED);
  lease_none(&f, "w1");
  OK(hf_queue_cancel(f.q, &key, "again", &state));
  EQ(state, HF_JOB_CANCELLED);
  hf_job_record record = record_of(&f, "alice", "queued");
  cr_assert_str_eq(record.cause, "not needed");
  EQ(record.ended_ms, f.now);

  /* Running: the heartbeat says so, and each way in which the lease can end obeys. */
  const char *ids[] = {"release", "fail", "finish", "lost"};
  for (int i = 0; i < 4; i++) {
    submit(&f, "alice", ids[i]);
    key = key_of("alice", ids[i]);
    hf_lease lease = lease_expect(&f, "w1", ids[i]);
    hf_progress progress = {.done = 5};
    OK(hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
    OK(hf_queue_cancel(f.q, &key, "stop", &state));
    EQ(state, HF_JOB_LEASED);
    record = record_of(&f, "alice", ids[i]);
    cr_assert(record.state == HF_JOB_LEASED && record.cancel_requested);
    progress.done++;
    f.now += 100;
    OK(hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
    EQ(beat.action, HF_BEAT_CANCELLED);
    EQ(beat.expires_ms, lease.expires_ms); /* and does not renew */
    switch (i) {
    case 0:
      OK(hf_queue_release(f.q, &key, lease.epoch));
      break;
    case 1:
      OK(hf_queue_fail(f.q, &key, lease.epoch, HF_E_CANCELLED, "told to", &state));
      EQ(state, HF_JOB_CANCELLED);
      break;
    case 2:
      OK(hf_queue_finish(f.q, &key, lease.epoch, "w1", &result, &outcome));
      EQ(outcome, HF_FINISH_CANCELLED);
      break;
    default:
      f.now += 10000;
      OK(hf_queue_reap(f.q, NULL));
    }
    record = record_of(&f, "alice", ids[i]);
    EQ(record.state, HF_JOB_CANCELLED);
    cr_assert_str_eq(record.cause, "stop");
    EQ(record.attempts, 0);
    cr_assert(hf_digest_is_zero(&record.result));
    f.now += 100000;
    lease_none(&f, "w1");
    /* What the worker does after the fact is harmless. */
    OK(hf_queue_heartbeat(f.q, &key, lease.epoch, &progress, &beat));
    EQ(beat.action, HF_BEAT_CANCELLED);
    OK(hf_queue_release(f.q, &key, lease.epoch));
    OK(hf_queue_finish(f.q, &key, lease.epoch, "w1", &result, &outcome));
    EQ(outcome, HF_FINISH_CANCELLED);
    EQ(record_of(&f, "alice", ids[i]).state, HF_JOB_CANCELLED);
  }
  /* A cancelled job can be put back, and then takes a result, even of an old lease. */
  OK(hf_queue_requeue(f.q, &key, 0));
  hf_lease lease = lease_expect(&f, "w2", "lost");
  cr_assert(!record_of(&f, "alice", "lost").cancel_requested);
  OK(hf_queue_finish(f.q, &key, lease.epoch - 1, "w1", &result, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  GIVES(HF_E_STATE, hf_queue_cancel(f.q, &key, "too late", &state));
  EQ(state, HF_JOB_DONE);
  fixture_close(&f);
}

void hf_case_deadline(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_job_key waiting = key_of("alice", "waiting"), running = key_of("alice", "running");
  hf_job_header job = job_of(&f, "alice", "running");
  job.deadline_ms = T0 + 5000;
  OK(hf_queue_submit_one(f.q, &job, NULL));
  hf_lease lease = lease_expect(&f, "w1", "running");
  job.key = waiting;
  OK(hf_queue_submit_one(f.q, &job, NULL));
  f.now = T0 + 4999;
  OK(hf_queue_reap(f.q, NULL));
  EQ(record_of(&f, "alice", "waiting").state, HF_JOB_QUEUED);
  f.now = T0 + 5000;
  lease_none(&f, "w2");
  hf_job_record record = record_of(&f, "alice", "waiting");
  EQ(record.state, HF_JOB_FAILED);
  cr_assert(strstr(record.cause, "deadline"), "%s", record.cause);
  EQ(record.ended_ms, f.now);
  EQ(record_of(&f, "alice", "running").state, HF_JOB_FAILED);
  hf_beat beat;
  hf_progress progress = {.done = 1};
  OK(hf_queue_heartbeat(f.q, &running, lease.epoch, &progress, &beat));
  EQ(beat.action, HF_BEAT_DEADLINE);
  OK(hf_queue_release(f.q, &running, lease.epoch));
  /* Any valid late result is welcome. */
  hf_digest result = result_of(&f, "proof");
  hf_finish_outcome outcome;
  OK(hf_queue_finish(f.q, &running, lease.epoch, "w1", &result, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  EQ(record_of(&f, "alice", "running").state, HF_JOB_DONE);
  /* The heartbeat finds the deadline by itself. */
  OK(hf_queue_requeue(f.q, &waiting, f.now + 2000));
  lease = lease_expect(&f, "w1", "waiting");
  EQ(lease.header.deadline_ms, f.now + 2000);
  f.now += 2000;
  OK(hf_queue_heartbeat(f.q, &waiting, lease.epoch, &progress, &beat));
  EQ(beat.action, HF_BEAT_DEADLINE);
  EQ(record_of(&f, "alice", "waiting").state, HF_JOB_FAILED);
  /* A job that comes with a deadline in the past fails as well. */
  job.key = key_of("alice", "past");
  OK(hf_queue_submit_one(f.q, &job, NULL));
  lease_none(&f, "w1");
  EQ(record_of(&f, "alice", "past").state, HF_JOB_FAILED);
  fixture_close(&f);
}

void hf_case_quota(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  OK(hf_queue_set_tenant(f.q, "alice", 1, 3));
  hf_job_header batch[5];
  hf_submission results[5];
  const char *ids[] = {"a", "b", "c", "d", "e"};
  for (int i = 0; i < 5; i++) batch[i] = job_of(&f, "alice", ids[i]);
  OK(hf_queue_submit(f.q, batch, 5, results));
  for (int i = 0; i < 5; i++) {
    EQ(results[i].status, i < 3 ? HF_OK : HF_E_BUSY);
    cr_assert(i < 3 || results[i].retry_after_ms >= 1000);
  }
  hf_submission result;
  GIVES(HF_E_BUSY, hf_queue_submit_one(f.q, &batch[3], &result));
  OK(hf_queue_submit_one(f.q, &batch[0], &result)); /* known jobs are no new load */
  hf_job_header bob = job_of(&f, "bob", "a");
  OK(hf_queue_submit_one(f.q, &bob, NULL)); /* nor is alice bob */
  hf_job_record record;
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &batch[3].key, &record));
  EQ(stats_of(&f).refused, 3);
  /* A leased job is open still; one that ends makes room. */
  hf_lease lease;
  do cr_assert(try_lease(&f, "w1", &lease));
  while (strcmp(lease.header.key.tenant, "alice") != 0);
  GIVES(HF_E_BUSY, hf_queue_submit_one(f.q, &batch[3], &result));
  hf_digest proof = result_of(&f, "proof");
  hf_finish_outcome outcome;
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &proof, &outcome));
  OK(hf_queue_submit_one(f.q, &batch[3], &result));
  GIVES(HF_E_BUSY, hf_queue_submit_one(f.q, &batch[4], &result));
  OK(hf_queue_set_tenant(f.q, "alice", 1, 4));
  OK(hf_queue_submit_one(f.q, &batch[4], &result));
  /* And a quota for all together. */
  hf_queue_close(&f.q);
  hf_queue_options options = fixture_options(&f);
  options.total_quota = 6; /* five are open */
  OK(hf_queue_open(&options, &f.q));
  for (int i = 0; i < 3; i++) batch[i] = job_of(&f, "bob", ids[i + 1]);
  OK(hf_queue_submit(f.q, batch, 3, results));
  for (int i = 0; i < 3; i++) EQ(results[i].status, i < 1 ? HF_OK : HF_E_BUSY);
  bob = job_of(&f, "bob", "c");
  GIVES(HF_E_BUSY, hf_queue_submit_one(f.q, &bob, &result));
  cr_assert(result.retry_after_ms >= 1000);
  fixture_close(&f);
}

/* New work is refused with the operator's reason, what is known is answered, and what was accepted is proven and folded. */
void hf_case_drain(const hf_queue_factory *factory) {
  fixture f;
  hf_submission results[3], result;
  hf_lease lease;
  hf_finish_outcome outcome;
  fixture_open(&f, factory);
  submit(&f, "alice", "a");
  cr_assert_str_eq(stats_of(&f).draining, "");
  OK(hf_queue_drain(f.q, "moves to\nanother disk"));
  cr_assert_str_eq(stats_of(&f).draining, "moves to?another disk"); /* one line */
  hf_job_header jobs[3] = {job_of(&f, "alice", "a"), job_of(&f, "alice", "b"), job_of(&f, "alice", "fold")};
  jobs[2].kind = HF_JOB_FOLD;
  OK(hf_queue_submit(f.q, jobs, 3, results));
  EQ(results[0].status, HF_OK);
  EQ(results[1].status, HF_E_BUSY);
  EQ(results[2].status, HF_OK);
  cr_assert(results[1].retry_after_ms >= 1000 && strstr(results[1].message, "moves to?another disk"), "%s", results[1].message);
  EQ(stats_of(&f).refused, 1);
  lease = lease_expect(&f, "w1", "a");
  hf_digest proof = result_of(&f, "proof");
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &proof, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  /* It stays so for whoever opens the store next. */
  hf_queue_close(&f.q);
  hf_queue_options options = fixture_options(&f);
  OK(hf_queue_open(&options, &f.q));
  GIVES(HF_E_BUSY, hf_queue_submit_one(f.q, &jobs[1], &result));
  OK(hf_queue_drain(f.q, ""));
  cr_assert(stats_of(&f).draining[0] != 0); /* some reason */
  OK(hf_queue_drain(f.q, NULL));
  cr_assert_str_eq(stats_of(&f).draining, "");
  OK(hf_queue_submit_one(f.q, &jobs[1], &result));
  fixture_close(&f);
}

void hf_case_views(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_job_record page[4];
  size_t count;
  hf_job_filter filter = {0};
  OK(hf_queue_list(f.q, &filter, page, 4, &count));
  EQ(count, 0);
  char id[16];
  for (int i = 0; i < 10; i++) {
    snprintf(id, sizeof id, "j%d", i);
    submit(&f, i % 2 ? "odd" : "even", id);
    f.now += 10;
  }
  /* Pages in the order of submission, forwards and backwards. */
  int seen = 0;
  for (filter.after = 0;; filter.after = page[count - 1].sequence) {
    OK(hf_queue_list(f.q, &filter, page, 4, &count));
    for (size_t i = 0; i < count; i++, seen++) {
      hf_job_id_text(&page[i].header.key.id, (char[HF_JOB_ID_TEXT]){0});
      cr_assert(page[i].header.key.id.b[1] == '0' + seen);
    }
    if (count < 4) break;
  }
  EQ(seen, 10);
  filter = (hf_job_filter){.newest_first = true, .tenant = "odd"};
  for (seen = 9;; filter.after = page[count - 1].sequence) {
    OK(hf_queue_list(f.q, &filter, page, 2, &count));
    for (size_t i = 0; i < count; i++, seen -= 2) cr_assert(page[i].header.key.id.b[1] == '0' + seen);
    if (count < 2) break;
  }
  EQ(seen, -1);
  /* Filters. */
  hf_lease lease;
  cr_assert(try_lease(&f, "host/1", &lease));
  filter = (hf_job_filter){.state_mask = 1u << HF_JOB_LEASED | 1u << HF_JOB_DONE};
  OK(hf_queue_list(f.q, &filter, page, 4, &count));
  EQ(count, 1);
  filter = (hf_job_filter){.worker = "host/1"};
  OK(hf_queue_list(f.q, &filter, page, 4, &count));
  EQ(count, 1);
  filter = (hf_job_filter){.kind_mask = 1u << HF_JOB_PROVE_CIRCUIT};
  OK(hf_queue_list(f.q, &filter, page, 4, &count));
  EQ(count, 0);
  filter = (hf_job_filter){.circuit = "batch", .kind_mask = 1u << HF_JOB_PROVE_BATCH, .tenant = "even"};
  OK(hf_queue_list(f.q, &filter, page, 4, &count));
  EQ(count, 4);
  filter.circuit = "batc";
  OK(hf_queue_list(f.q, &filter, page, 4, &count));
  EQ(count, 0);

  hf_queue_stats stats = stats_of(&f);
  EQ(stats.jobs[HF_JOB_QUEUED], 9);
  EQ(stats.jobs[HF_JOB_LEASED], 1);
  EQ(stats.leases, 1);
  cr_assert(stats.oldest_queued_ms >= 90 && stats.oldest_queued_ms <= 100);

  /* Workers, with what they announced. */
  f.now += 20000;
  hf_worker worker = worker_of(&f, "host/2");
  worker.device_count = 1;
  strcpy(worker.devices[0].name, "cpu0");
  strcpy(worker.devices[0].backend, "cpu");
  worker.devices[0].memory = 77;
  worker.capability_count = 0; /* an idle worker is seen, too */
  bool found;
  OK(hf_queue_lease(f.q, &worker, &lease, &found));
  hf_worker_record workers[4];
  OK(hf_queue_workers(f.q, 0, NULL, workers, 4, &count));
  EQ(count, 2);
  cr_assert_str_eq(workers[1].worker.name, "host/2");
  EQ(workers[1].worker.device_count, 1);
  EQ(workers[1].worker.devices[0].memory, 77);
  EQ(workers[1].seen_ms, f.now);
  OK(hf_queue_workers(f.q, f.now - 5000, NULL, workers, 4, &count));
  EQ(count, 1);
  OK(hf_queue_workers(f.q, 0, "host/1", workers, 4, &count));
  EQ(count, 1);

  /* Events tell the story in order. */
  hf_event events[64];
  OK(hf_queue_events(f.q, 0, events, 64, &count));
  cr_assert(count >= 12);
  for (size_t i = 0; i < count; i++) {
    EQ(events[i].sequence, i + 1);
    cr_assert(i == 0 || events[i].time_ms >= events[i - 1].time_ms);
    event_travels(&events[i]);
  }
  EQ(events[9].kind, HF_EVENT_SUBMITTED);
  EQ(events[10].kind, HF_EVENT_LEASED);
  cr_assert_str_eq(events[10].worker, "host/1");
  EQ(events[11].kind, HF_EVENT_EXPIRED);
  OK(hf_queue_events(f.q, 10, events, 1, &count));
  EQ(count, 1);
  EQ(events[0].sequence, 11);

  for (int i = 0; i < HF_JOB_STATES; i++) {
    hf_job_state state;
    OK(hf_job_state_parse(hf_job_state_text((hf_job_state)i), &state));
    EQ(state, i);
  }
  cr_assert(hf_job_state_text((hf_job_state)HF_JOB_STATES) == NULL);
  fixture_close(&f);
}

void hf_case_wait(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_job_record record;
  hf_job_key key = key_of("alice", "j");
  GIVES(HF_E_NOT_FOUND, hf_queue_wait(f.q, &key, 1000, &record));
  submit(&f, "alice", "j");
  GIVES(HF_E_TIMEOUT, hf_queue_wait(f.q, &key, 3000, &record));
  EQ(f.now, T0 + 3000); /* slept by the options' clock, not longer than asked */
  EQ(record.state, HF_JOB_QUEUED);
  hf_lease lease = lease_expect(&f, "w1", "j");
  hf_digest result = result_of(&f, "proof");
  hf_finish_outcome outcome;
  OK(hf_queue_finish(f.q, &key, lease.epoch, "w1", &result, &outcome));
  OK(hf_queue_wait(f.q, &key, 0, &record));
  EQ(record.state, HF_JOB_DONE);
  cr_assert(hf_digest_eq(&record.result, &result));
  EQ(f.now, T0 + 3000);
  fixture_close(&f);
}

void hf_case_artifacts(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  size_t sizes[] = {0, 1, 9, 4096, 3000001};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    uint8_t *data = malloc(sizes[i] + 1), *back;
    size_t length;
    for (size_t j = 0; j < sizes[i]; j++) data[j] = (uint8_t)(j * 2654435761u >> 13);
    hf_digest digest, again, wanted = hf_digest_bytes(data, sizes[i]);
    bool has;
    OK(hf_artifact_has(f.q, &wanted, &has));
    cr_assert(!has);
    GIVES(HF_E_NOT_FOUND, hf_artifact_get(f.q, &wanted, 1 << 24, &back, &length));
    OK(hf_artifact_put(f.q, data, sizes[i], &digest));
    cr_assert(hf_digest_eq(&digest, &wanted));
    OK(hf_artifact_put(f.q, data, sizes[i], &again)); /* the same again */
    cr_assert(hf_digest_eq(&again, &wanted));
    OK(hf_artifact_has(f.q, &digest, &has));
    cr_assert(has);
    OK(hf_artifact_get(f.q, &digest, sizes[i], &back, &length));
    EQ(length, sizes[i]);
    cr_assert(memcmp(back, data, length) == 0);
    free(back);
    if (sizes[i]) {
      GIVES(HF_E_RANGE, hf_artifact_get(f.q, &digest, sizes[i] - 1, &back, &length));
      cr_assert(back == NULL);
    }
    free(data);
  }
  hf_queue_close(&f.q);
  hf_queue_options options = fixture_options(&f);
  options.artifact_limit = 10;
  OK(hf_queue_open(&options, &f.q));
  hf_digest digest;
  OK(hf_artifact_put(f.q, "0123456789", 10, &digest));
  GIVES(HF_E_ARGUMENT, hf_artifact_put(f.q, "01234567890", 11, &digest));
  fixture_close(&f);
}

void hf_case_collect(const hf_queue_factory *factory) {
  fixture f;
  fixture_open(&f, factory);
  hf_finish_outcome outcome;
  hf_job_state state;
  hf_digest proof = result_of(&f, "proof"), proof2 = result_of(&f, "proof 2"), loose = result_of(&f, "loose");
  hf_digest own_input = result_of(&f, "input of the old job");
  OK(hf_artifact_put(f.q, "renewed", 7, &(hf_digest){{0}})); /* and put again later */
  bool has;
  uint64_t jobs, artifacts;
  hf_job_header old = job_of(&f, "alice", "old");
  old.input_digest = own_input;
  OK(hf_queue_submit_one(f.q, &old, NULL));
  hf_lease lease = lease_expect(&f, "w1", "old");
  OK(hf_queue_finish(f.q, &old.key, lease.epoch, "w1", &proof, &outcome));
  submit(&f, "alice", "dead");
  for (int i = 0; i < 6; i++) {
    f.now += 100000;
    lease = lease_expect(&f, "w1", "dead");
    OK(hf_queue_fail(f.q, &lease.header.key, lease.epoch, HF_E_DEVICE, "broken", &state));
  }
  EQ(state, HF_JOB_DEAD);
  submit(&f, "alice", "new");
  lease = lease_expect(&f, "w1", "new");
  f.now += 1000;
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &proof2, &outcome));
  submit(&f, "alice", "open");
  uint64_t cut = f.now;
  f.now += 1000000;
  hf_digest fresh = result_of(&f, "fresh"); /* put, but no job refers to it yet */
  hf_digest renewed = result_of(&f, "renewed");

  OK(hf_queue_collect(f.q, 0, 0, NULL, NULL, &jobs, &artifacts));
  EQ(jobs, 0);
  EQ(artifacts, 0);
  OK(hf_queue_collect(f.q, cut, cut + 1, NULL, NULL, &jobs, &artifacts));
  EQ(jobs, 1);      /* old; not dead, new, open */
  EQ(artifacts, 3); /* its input, its proof, and the loose one */
  hf_job_record record;
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &old.key, &record));
  EQ(record_of(&f, "alice", "dead").state, HF_JOB_DEAD);
  EQ(record_of(&f, "alice", "new").state, HF_JOB_DONE);
  EQ(record_of(&f, "alice", "open").state, HF_JOB_QUEUED);
  struct {
    hf_digest digest;
    bool wanted;
  } rows[] = {{proof, false}, {loose, false},  {own_input, false}, {proof2, true},
              {fresh, true},  {renewed, true}, {f.input, true}};
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    OK(hf_artifact_has(f.q, &rows[i].digest, &has));
    cr_assert(has == rows[i].wanted, "artifact %zu", i);
  }
  EQ(stats_of(&f).jobs[HF_JOB_DONE], 1);
  /* The id is free again. */
  own_input = result_of(&f, "input of the old job");
  hf_submission again;
  OK(hf_queue_submit_one(f.q, &old, &again));
  cr_assert(again.created);
  fixture_close(&f);
}

typedef struct kept {
  unsigned asked;
  const char *letters; /* of ids that stay */
} kept;

static bool keep_letters(void *context, const hf_job_record *job) {
  kept *k = context;
  k->asked++;
  return memchr(k->letters, job->header.key.id.b[0], strlen(k->letters)) != NULL;
}

/* Who collects says what stays: its input and result stay too. More jobs than are looked at in one go. */
void hf_case_collect_keeps(const hf_queue_factory *factory) {
  enum { JOBS = 450 };
  fixture f;
  kept k = {.letters = "ac"};
  uint64_t jobs, artifacts;
  hf_job_record record;
  fixture_open(&f, factory);
  hf_digest result = result_of(&f, "result of a kept job"), other = result_of(&f, "result of the others");
  for (int i = 0; i < JOBS; i++) {
    char id[16];
    hf_finish_outcome outcome;
    snprintf(id, sizeof id, "%c%d", 'a' + i % 3, i);
    submit(&f, "alice", id);
    hf_lease lease = lease_expect(&f, "w1", id);
    OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", i == 0 ? &result : &other, &outcome));
  }
  submit(&f, "alice", "b is open");
  f.now += 1000;
  k.letters = "abc";
  OK(hf_queue_collect(f.q, f.now, f.now, keep_letters, &k, &jobs, &artifacts));
  EQ(jobs, 0);
  EQ(k.asked, JOBS);
  k = (kept){.letters = "ac"};
  OK(hf_queue_collect(f.q, f.now, f.now, keep_letters, &k, &jobs, &artifacts));
  EQ(k.asked, JOBS); /* those that ended, and no others */
  EQ(jobs, JOBS / 3);
  EQ(stats_of(&f).jobs[HF_JOB_DONE], JOBS - JOBS / 3);
  hf_job_header gone = job_of(&f, "alice", "b1");
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &gone.key, &record));
  EQ(record_of(&f, "alice", "c449").state, HF_JOB_DONE);
  k = (kept){.letters = "a"};
  OK(hf_queue_collect(f.q, f.now, f.now, keep_letters, &k, &jobs, &artifacts));
  EQ(jobs, JOBS / 3);
  for (int i = 0; i < 2; i++) {
    bool has;
    if (i == 1) OK(hf_queue_collect(f.q, f.now, f.now, NULL, NULL, &jobs, &artifacts));
    OK(hf_artifact_has(f.q, &result, &has));
    cr_assert(has == (i == 0));
  }
  EQ(jobs, JOBS / 3);
  EQ(record_of(&f, "alice", "b is open").state, HF_JOB_QUEUED);
  fixture_close(&f);
}
