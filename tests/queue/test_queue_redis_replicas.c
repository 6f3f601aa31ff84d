/* A queue whose server has replicas, or is a cluster: what is kept when the primary goes, and what is not. */
#include "queue_fixture.h"
#include "redis_server.h"

#include <signal.h>

static redis_server primary, replica; /* of this test's process */
static char place[256];

static void make_here(char location[256]) { strcpy(location, place); }
static void drop_nothing(const char *location) { (void)location; }
static void drop_all(const char *location) {
  (void)location;
  redis_server_tell(&primary, "FLUSHALL");
}

static void finish_test(void) {
  if (primary.folder[0]) redis_server_stop(&primary);
  if (replica.folder[0]) redis_server_stop(&replica);
}
TestSuite(queue_redis_replicas, .init = redis_server_need, .fini = finish_test);

/* A replica of the primary that has caught up. */
static void follow(void) {
  char options[64];
  snprintf(options, sizeof options, "--replicaof 127.0.0.1 %d", redis_server_listen(&primary, "port"));
  redis_server_start(&replica, options);
  for (int i = 0; redis_server_tell(&primary, "WAIT 1 100") < 1; i++)
    cr_assert_lt(i, 300, "the replica does not follow");
}

static hf_queue *open_at(fixture *f, const redis_server *server, const char *options, uint64_t busy_ms) {
  hf_queue *q;
  hf_queue_options o = fixture_options(f);
  char location[256];
  snprintf(location, sizeof location, "unix:%s/s%s", server->folder, options);
  o.location = location;
  o.busy_ms = busy_ms;
  OK(hf_queue_open(&o, &q));
  return q;
}

/* With replicas=1 nothing is acknowledged that the replica lacks, neither a job nor a lease, whatever stands
 * still; what was acknowledged is there when the replica takes over. */
Test(queue_redis_replicas, kept) {
  const hf_queue_factory here = {make_here, drop_nothing, NULL};
  fixture f;
  redis_server_start(&primary, "--repl-diskless-sync-delay 0");
  follow();
  snprintf(place, sizeof place, "unix:%s/s?replicas=1", primary.folder);
  fixture_open(&f, &here);
  submit(&f, "alice", "first");
  hf_lease lease = lease_expect(&f, "w1", "first");
  submit(&f, "alice", "second");

  /* The replica stands still. */
  hf_job_header job = job_of(&f, "alice", "third");
  hf_submission submission;
  hf_queue_close(&f.q);
  f.q = open_at(&f, &primary, "?replicas=1", 60);
  cr_assert(kill(replica.pid, SIGSTOP) == 0);
  GIVES(HF_E_IO, hf_queue_submit_one(f.q, &job, &submission));
  cr_assert(strstr(hf_error_message(), "0 replicas have") && strstr(hf_error_message(), "not known"), "%s",
            hf_error_message());
  cr_assert(kill(replica.pid, SIGCONT) == 0);
  hf_queue_close(&f.q);
  f.q = open_at(&f, &primary, "?replicas=1", 30000);
  OK(hf_queue_submit_one(f.q, &job, &submission));

  /* The primary is gone, the replica takes its place. */
  hf_queue_close(&f.q);
  redis_server_kill(&primary, SIGKILL);
  hf_queue_options waiting = fixture_options(&f);
  char location[256];
  snprintf(location, sizeof location, "unix:%s/s", replica.folder);
  waiting.location = location;
  waiting.busy_ms = 60;
  GIVES(HF_E_IO, hf_queue_open(&waiting, &f.q));
  cr_assert(strstr(hf_error_message(), "replica"), "%s", hf_error_message());
  redis_server_tell(&replica, "REPLICAOF NO ONE");
  f.q = open_at(&f, &replica, "", 30000);
  hf_job_record record = record_of(&f, "alice", "first");
  EQ(record.state, HF_JOB_LEASED);
  EQ(record.epoch, lease.epoch);
  hf_digest result = result_of(&f, "proof");
  hf_finish_outcome outcome;
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  lease_expect(&f, "w1", "second");
  lease_expect(&f, "w1", "third");
  lease_none(&f, "w1");
  fixture_close(&f);
}

/* Without it a job that was accepted is lost with the primary, if the replica had not heard of it. */
Test(queue_redis_replicas, lost_without) {
  const hf_queue_factory here = {make_here, drop_nothing, NULL};
  fixture f;
  redis_server_start(&primary, "--repl-diskless-sync-delay 0");
  follow();
  snprintf(place, sizeof place, "unix:%s/s", primary.folder);
  fixture_open(&f, &here);
  submit(&f, "alice", "first");
  EQ(redis_server_tell(&primary, "WAIT 1 5000"), 1);
  redis_server_tell(&replica, "REPLICAOF NO ONE"); /* it has taken over, and the old primary does not know */
  submit(&f, "alice", "second");
  redis_server_kill(&primary, SIGKILL);
  hf_queue_close(&f.q);
  f.q = open_at(&f, &replica, "", 30000);
  EQ(record_of(&f, "alice", "first").state, HF_JOB_QUEUED);
  hf_job_record record;
  hf_job_key key = key_of("alice", "second");
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &key, &record));
  fixture_close(&f);
}

/* A cluster of one node: all keys of a store are in one slot, so that its scripts run as elsewhere. */
Test(queue_redis_replicas, cluster) {
  const hf_queue_factory here = {make_here, drop_all, NULL};
  redis_server_start(&primary, "--cluster-enabled yes");
  redis_server_tell(&primary, "CLUSTER ADDSLOTSRANGE 0 16383");
  snprintf(place, sizeof place, "unix:%s/s", primary.folder);
  hf_queue_options o = {.location = place, .busy_ms = 20000};
  hf_queue *q;
  OK(hf_queue_open(&o, &q)); /* waits until the cluster is there */
  hf_queue_close(&q);
  hf_case_submit(&here);
  hf_case_placement(&here);
  hf_case_lost_worker(&here);
  hf_case_results(&here);
  hf_case_failures(&here);
  hf_case_artifacts(&here);
  hf_case_collect(&here);
}
