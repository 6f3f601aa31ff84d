/* Conformance: a store that was put back from a copy, and readings of the meters. The backend's test says how
 * its store is copied. */
#include "queue_fixture.h"

void hf_case_copy(const hf_queue_factory *factory, hf_copy_store copy) {
  fixture f, second;
  hf_finish_outcome outcome;
  hf_beat beat;
  char location[256];
  fixture_open(&f, factory);
  submit(&f, "alice", "held");    /* leased when the copy is taken */
  submit(&f, "alice", "waiting"); /* leased afterwards */
  submit(&f, "alice", "done");    /* done afterwards */
  hf_lease held = lease_expect(&f, "w1", "held");
  hf_digest kept = result_of(&f, "kept");
  hf_digest lost = hf_digest_bytes("later", 5);
  submit(&f, "alice", "before");
  hf_job_key before = key_of("alice", "before");
  hf_lease lease = lease_expect(&f, "w9", "waiting");
  OK(hf_queue_release(f.q, &lease.header.key, lease.epoch)); /* epoch 1 is used */
  copy(&f, location);

  /* The store goes on: leases that the copy will know nothing of. */
  hf_lease outside = lease_expect(&f, "w2", "waiting");
  EQ(outside.epoch, 2);
  hf_lease finished = lease_expect(&f, "w2", "done");
  OK(hf_queue_finish(f.q, &finished.header.key, finished.epoch, "w2", &kept, &outcome));
  submit(&f, "alice", "after");

  /* And is lost. The copy goes on from its moment. */
  f.now += 60000;
  second = f;
  hf_queue_options options = fixture_options(&second);
  options.location = location;
  options.clock.context = &second;
  second.q = NULL;
  OK(hf_queue_open(&options, &second.q));
  OK(hf_queue_restored(second.q)); /* where opening it did not: harmless twice */
  hf_job_record record;
  hf_job_key after = key_of("alice", "after");
  GIVES(HF_E_NOT_FOUND, hf_queue_get(second.q, &after, &record));
  OK(hf_queue_get(second.q, &before, &record));
  uint8_t *data;
  size_t length;
  OK(hf_artifact_get(second.q, &f.input, 100, &data, &length));
  free(data);

  /* No lease here has an epoch that somebody outside holds. */
  OK(hf_queue_heartbeat(second.q, &held.header.key, held.epoch, NULL,
                        &beat)); /* the very lease that was copied */
  hf_lease again = lease_expect(&second, "w3", "waiting");
  cr_assert(again.epoch > 1000000 && again.epoch < 1ull << 53, "epoch %llu", (unsigned long long)again.epoch);
  GIVES(HF_E_STALE, hf_queue_heartbeat(second.q, &outside.header.key, outside.epoch, NULL, &beat));
  hf_job_state state;
  GIVES(HF_E_STALE, hf_queue_fail(second.q, &outside.header.key, outside.epoch, HF_E_DEVICE, "", &state));
  OK(hf_queue_heartbeat(second.q, &again.header.key, again.epoch, NULL,
                        &beat)); /* its holder is not disturbed */
  EQ(beat.action, HF_BEAT_GO_ON);
  /* The result of a lease that this store has never given is welcome; an epoch that nobody can have is not.
   */
  OK(hf_artifact_put(second.q, "later", 5, &lost));
  GIVES(HF_E_ARGUMENT,
        hf_queue_finish(second.q, &outside.header.key, again.epoch + 1, "w2", &lost, &outcome));
  OK(hf_queue_finish(second.q, &outside.header.key, outside.epoch, "w2", &lost, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  GIVES(HF_E_STALE, hf_queue_heartbeat(second.q, &again.header.key, again.epoch, NULL, &beat));
  /* A job whose first lease was given outside: here it was never leased. */
  OK(hf_queue_finish(second.q, &finished.header.key, finished.epoch, "w2", &lost, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  hf_lease later = lease_expect(&second, "w3", "before");
  cr_assert(later.epoch >= again.epoch);

  /* Put back once more, a moment later: other epochs again. */
  second.now++;
  OK(hf_queue_release(second.q, &later.header.key, later.epoch));
  OK(hf_queue_restored(second.q));
  hf_lease third = lease_expect(&second, "w3", "before");
  cr_assert(third.epoch > later.epoch + 1000, "%llu after %llu", (unsigned long long)third.epoch,
            (unsigned long long)later.epoch);
  hf_queue_close(&second.q);
  f.now = second.now;
  fixture_close(&f);
}

void hf_case_readings(const hf_queue_factory *factory) {
  fixture f;
  hf_reading first, second, last;
  hf_tenant_stats *tenants;
  size_t count;
  char name[32];
  fixture_open(&f, factory);
  OK(hf_queue_read_meters(f.q, &first, &tenants, &count));
  EQ(count, 0);
  free(tenants);
  EQ(strspn(first.store, "0123456789abcdef"), 32);
  EQ(first.life, 0);
  EQ(first.time_ms, f.now);
  for (int i = 0; i < 70; i++) { /* more than a page */
    snprintf(name, sizeof name, "tenant-%02d", i);
    submit(&f, name, "j");
  }
  hf_lease lease = lease_expect(&f, "w1", "j");
  f.now += 1500;
  hf_digest result = result_of(&f, "proof");
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, NULL));
  OK(hf_queue_read_meters(f.q, &second, &tenants, &count));
  cr_assert_str_eq(second.store, first.store);
  cr_assert(second.sequence > first.sequence);
  EQ(count, 70);
  uint64_t used = 0;
  for (size_t i = 0; i < count; i++) {
    cr_assert(i == 0 || strcmp(tenants[i - 1].tenant, tenants[i].tenant) < 0);
    used += tenants[i].used_ms;
  }
  EQ(used, 1500);
  free(tenants);
  OK(hf_queue_restored(f.q));
  OK(hf_queue_read_meters(f.q, &last, NULL, NULL));
  cr_assert(last.life > first.life && last.sequence > second.sequence);
  fixture_close(&f);
}
