/* What the cases share: a store with a clock that the test moves, and short ways
 * to make jobs and workers. */
#ifndef HF_TEST_QUEUE_FIXTURE_H
#define HF_TEST_QUEUE_FIXTURE_H

#include "ok.h"
#include "queue_cases.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define T0 1700000000000ull /* where the tests' clock starts */

#define EQ(a, b)                                                                                             \
  do {                                                                                                       \
    long long eq_a = (long long)(a), eq_b = (long long)(b);                                                  \
    cr_assert(eq_a == eq_b, "%s is %lld, %s is %lld", #a, eq_a, #b, eq_b);                                   \
  } while (0)

typedef struct fixture {
  const hf_queue_factory *factory;
  char location[256];
  uint64_t now;
  hf_queue *q;
  hf_digest input, vk;
} fixture;

static inline uint64_t fixture_now(void *context) { return ((fixture *)context)->now; }
static inline void fixture_sleep(void *context, uint64_t ms) { ((fixture *)context)->now += ms; }

static inline hf_queue_options fixture_options(fixture *f) {
  return (hf_queue_options){.location = f->location,
                            .clock = {fixture_now, fixture_sleep, f},
                            .lease_ms = 10000,
                            .stall_ms = 60000,
                            .retry_ms = 1000,
                            .max_attempts = 3,
                            .max_losses = 4};
}

static inline void fixture_open(fixture *f, const hf_queue_factory *factory) {
  memset(f, 0, sizeof *f);
  f->factory = factory;
  f->now = T0;
  factory->make(f->location);
  hf_queue_options options = fixture_options(f);
  OK(hf_queue_open(&options, &f->q));
  OK(hf_artifact_put(f->q, "the input", 9, &f->input));
  f->vk = hf_digest_bytes("a key", 5);
}

static inline void fixture_close(fixture *f) {
  hf_queue_close(&f->q);
  cr_assert(f->q == NULL);
  if (f->factory->check) f->factory->check(f->location);
  f->factory->drop(f->location);
}

static inline hf_job_key key_of(const char *tenant, const char *id) {
  hf_job_key key;
  OK(hf_job_key_make(tenant, id, strlen(id), &key));
  return key;
}

static inline hf_job_header job_of(const fixture *f, const char *tenant, const char *id) {
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .vk_digest = f->vk, .input_digest = f->input};
  job.key = key_of(tenant, id);
  strcpy(job.circuit, "batch");
  OK(hf_job_set_parameter(&job, "slots", 60));
  OK(hf_job_set_parameter(&job, "depth", 24));
  return job;
}

static inline void submit(fixture *f, const char *tenant, const char *id) {
  hf_job_header job = job_of(f, tenant, id);
  OK(hf_queue_submit_one(f->q, &job, NULL));
}

static inline hf_worker worker_of(const fixture *f, const char *name) {
  hf_worker worker = {.capability_count = 1, .device_memory = 1ull << 30, .host_memory = 1ull << 30};
  strcpy(worker.name, name);
  strcpy(worker.capabilities[0].circuit, "batch");
  worker.capabilities[0].vk_digest = f->vk;
  return worker;
}

static inline bool try_lease(fixture *f, const char *name, hf_lease *lease) {
  bool found;
  hf_worker worker = worker_of(f, name);
  OK(hf_queue_lease(f->q, &worker, lease, &found));
  return found;
}

/* Leases and expects the job `id`. */
static inline hf_lease lease_expect(fixture *f, const char *name, const char *id) {
  hf_lease lease;
  char text[HF_JOB_ID_TEXT];
  cr_assert(try_lease(f, name, &lease), "%s got no job, %s was wanted", name, id);
  hf_job_id_text(&lease.header.key.id, text);
  cr_assert_str_eq(text, id);
  return lease;
}

static inline void lease_none(fixture *f, const char *name) {
  hf_lease lease;
  cr_assert(!try_lease(f, name, &lease), "%s got a job", name);
}

static inline hf_job_record record_of(fixture *f, const char *tenant, const char *id) {
  hf_job_record record;
  hf_job_key key = key_of(tenant, id);
  OK(hf_queue_get(f->q, &key, &record));
  return record;
}

static inline hf_digest result_of(fixture *f, const char *text) {
  hf_digest digest;
  OK(hf_artifact_put(f->q, text, strlen(text), &digest));
  return digest;
}

/* The result of a DONE job that w1 handed in is not what it was: refused, proven again by w2, and nobody is blamed. */
static inline void damaged_result(fixture *f, const hf_job_key *key, const hf_digest *result) {
  hf_queue_refusal refusal;
  hf_attempt attempt;
  hf_worker_record worker;
  hf_lease lease;
  hf_finish_outcome outcome;
  size_t count;
  OK(hf_queue_refuse(f->q, key, result, NULL, &refusal));
  cr_assert(!refusal.again && !refusal.quarantined);
  EQ(refusal.state, HF_JOB_QUEUED);
  EQ(refusal.strikes, 0);
  OK(hf_queue_attempts(f->q, key, &attempt, 1, &count));
  EQ(attempt.code, HF_E_CHECKSUM);
  cr_assert(strstr(attempt.cause, "damaged"), "%s", attempt.cause);
  OK(hf_queue_workers(f->q, 0, NULL, &worker, 1, &count));
  EQ(worker.strikes, 0);
  cr_assert(try_lease(f, "w2", &lease));
  hf_digest again = result_of(f, "a proof"); /* which mends it */
  cr_assert(hf_digest_eq(&again, result));
  OK(hf_queue_finish(f->q, key, lease.epoch, "w2", &again, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
}

static inline hf_queue_stats stats_of(fixture *f) {
  hf_queue_stats stats;
  OK(hf_queue_get_stats(f->q, &stats));
  return stats;
}

/* What a store says of an event can be encoded, and comes back the same. */
static inline void event_travels(const hf_event *event) {
  hf_writer w = {0};
  hf_event back;
  OK(hf_event_encode(event, &w));
  OK(hf_event_decode(w.data, w.length, &back));
  cr_assert(memcmp(&back, event, sizeof back) == 0);
  hf_writer_free(&w);
}

#endif
