/* What the tests of a broker share: one as it is in use, with its own clock and terms, and short ways to ask
 * it. */
#ifndef HF_TEST_BROKER_FIXTURE_H
#define HF_TEST_BROKER_FIXTURE_H

#include "broker_server.h"
#include "queue_fixture.h"

#include <time.h>

static broker_server server; /* of this test's process */

static inline void finish_test(void) {
  if (server.folder[0]) broker_server_stop(&server);
}

static inline void nap(unsigned ms) {
  nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static inline void serve(void) {
  broker_server_folder(&server);
  server.strict = true;
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
}

static inline hf_status open_as(const char *name, hf_queue **q) {
  char location[256];
  broker_server_location(&server, name, location);
  hf_queue_options options = {.location = location, .busy_ms = 20000, .lease_ms = 100};
  return hf_queue_open(&options, q);
}

static inline hf_queue *handle_of(const char *name) {
  hf_queue *q;
  OK(open_as(name, &q));
  return q;
}

static inline hf_queue *local_handle(void) {
  char folder[96];
  hf_queue *q;
  snprintf(folder, sizeof folder, "%s/s", server.folder);
  hf_queue_options options = {.location = folder};
  OK(hf_queue_open(&options, &q));
  return q;
}

static inline hf_job_header job_with(hf_queue *q, const char *tenant, const char *id, const char *input) {
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .circuit = "batch", .key = key_of(tenant, id)};
  job.vk_digest = hf_digest_bytes("a key", 5);
  OK(hf_artifact_put(q, input, strlen(input), &job.input_digest));
  return job;
}

static inline void submit_for(hf_queue *q, const char *tenant, const char *id, const char *input) {
  hf_job_header job = job_with(q, tenant, id, input);
  OK(hf_queue_submit_one(q, &job, NULL));
}

static inline hf_status lease_as(hf_queue *q, const char *name, hf_lease *lease, bool *found) {
  hf_worker worker = {.capability_count = 1, .device_memory = 1 << 30, .host_memory = 1 << 30};
  strcpy(worker.name, name);
  strcpy(worker.capabilities[0].circuit, "batch");
  return hf_queue_lease(q, &worker, lease, found);
}

#endif
