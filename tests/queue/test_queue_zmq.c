/* The queue behind a broker against the conformance suite. */
#include "broker_server.h"
#include "queue_fixture.h"
#include "queue_watch.h"

#include <signal.h>
#include <sys/resource.h>
#include <time.h>

static broker_server server,
    second; /* of this test's process; the second has a copy of the first one's store */

static void zmq_make(char location[256]) {
  broker_server_folder(&server);
  server.endpoint[0] = '\0';
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
  broker_server_location(&server, "operator", location);
}

static void zmq_drop(const char *location) {
  (void)location;
  broker_server_stop(&server);
}

static const hf_queue_factory factory = {zmq_make, zmq_drop, NULL};

/* The broker's store is copied while it is served; another broker serves the copy. */
static void zmq_copy(fixture *f, char location[256]) {
  char folder[128], to[128];
  hf_queue *store;
  snprintf(folder, sizeof folder, "%s/s", server.folder);
  hf_queue_options options = fixture_options(f);
  options.location = folder;
  OK(hf_queue_open(&options, &store)); /* beside the broker, as an operator on its machine does */
  broker_server_folder(&second);
  second.endpoint[0] = '\0';
  broker_server_key(&second, "operator", "operator");
  snprintf(to, sizeof to, "%s/s", second.folder);
  OK(hf_queue_backup(store, to, NULL));
  hf_queue_close(&store);
  broker_server_start(&second);
  broker_server_location(&second, "operator", location);
}

static void finish_test(void) {
  if (second.folder[0]) broker_server_stop(&second);
  if (server.folder[0]) broker_server_stop(&server);
}
TestSuite(queue_zmq, .fini = finish_test);

Test(queue_zmq, submit) { hf_case_submit(&factory); }
Test(queue_zmq, placement_and_order) {
  hf_case_placement(&factory);
  hf_case_order(&factory);
}
Test(queue_zmq, heartbeat_and_loss) {
  hf_case_heartbeat(&factory);
  hf_case_lost_worker(&factory);
}
Test(queue_zmq, results) { hf_case_results(&factory); }
Test(queue_zmq, failures_and_release) {
  hf_case_failures(&factory);
  hf_case_release(&factory);
}
Test(queue_zmq, refusals) {
  hf_case_refuse(&factory);
  hf_case_refused_to_death(&factory);
  hf_case_quarantine(&factory);
  hf_case_refuse_at_once(&factory);
}
Test(queue_zmq, cancel_and_deadline) {
  hf_case_cancel(&factory);
  hf_case_deadline(&factory);
}
Test(queue_zmq, fairness) { hf_case_fairness(&factory); }
Test(queue_zmq, time) {
  hf_case_long_job(&factory);
  hf_case_flood(&factory);
}
Test(queue_zmq, copies_and_readings) {
  hf_case_copy(&factory, zmq_copy);
  hf_case_readings(&factory);
}
Test(queue_zmq, quota_and_views) {
  hf_case_quota(&factory);
  hf_case_drain(&factory);
  hf_case_views(&factory);
  hf_case_wait(&factory);
}
Test(queue_zmq, artifacts) {
  hf_case_artifacts(&factory);
  hf_case_collect(&factory);
  hf_case_collect_keeps(&factory);
}
Test(queue_zmq, many_processes) { hf_case_many_processes(&factory); }
Test(queue_zmq, kill) { hf_case_kill(&factory, getenv("HF_SOAK") ? 100 : 10); }

/* A key that is taken out while the broker has no descriptor left to read the list with (whoever is in no
 * list can take them all, for a while) is out as soon as it has. */
Test(queue_zmq, revoked_while_nothing_can_be_opened) {
  char location[256];
  hf_queue_options options = {.location = location, .busy_ms = 1000};
  hf_queue *queue;
  hf_queue_stats stats;
  struct rlimit before, none = {4, 4};
  zmq_make(location);
  broker_server_key(&server, "viewer", "viewer");
  broker_server_location(&server, "viewer", location);
  while (!broker_server_log_has(&server, "clients=2")) nanosleep(&(struct timespec){0, 20000000}, NULL);
  OK(hf_queue_open(&options, &queue));
  OK(hf_queue_get_stats(queue, &stats));
  cr_assert(prlimit(server.pid, RLIMIT_NOFILE, NULL, &before) == 0);
  none.rlim_max = before.rlim_max;
  cr_assert(prlimit(server.pid, RLIMIT_NOFILE, &none, NULL) == 0);
  broker_server_revoke(&server, "viewer");
  while (!broker_server_log_has(&server, "stays as it was")) nanosleep(&(struct timespec){0, 20000000}, NULL);
  cr_assert(prlimit(server.pid, RLIMIT_NOFILE, &before, NULL) == 0);
  hf_status status = HF_OK;
  for (int i = 0; i < 500 && status != HF_E_REFUSED; i++) {
    status = hf_queue_get_stats(queue, &stats);
    nanosleep(&(struct timespec){0, 20000000}, NULL);
  }
  cr_assert_eq((int)status, (int)HF_E_REFUSED, "the key is still good");
  hf_queue_close(&queue);
}

static hf_status open_as_worker(void *context, hf_queue **out) {
  hf_queue_options options = {.location = context, .busy_ms = 1000};
  return hf_queue_open(&options, out);
}

/* A worker may not see the queue's statistics, and is well nevertheless. */
Test(queue_zmq, health_of_a_worker) {
  char location[256];
  hf_exporter *exporter;
  hf_queue_watch *watch;
  zmq_make(location);
  broker_server_key(&server, "w1", "worker");
  while (!broker_server_log_has(&server, "clients=2")) nanosleep(&(struct timespec){0, 20000000}, NULL);
  broker_server_location(&server, "w1", location);
  OK(hf_exporter_create("worker", "0", &exporter));
  OK(hf_queue_watch_create(exporter, open_as_worker, location, false, &watch));
  const hf_web_request request = {.method = "GET", .path = "/healthz"};
  for (int i = 0; i < 2; i++) {
    hf_web_reply reply = {.code = 200};
    cr_assert(hf_exporter_answer(exporter, &request, &reply));
    cr_assert_eq(reply.code, 200, "%.*s", (int)reply.body.length, (const char *)reply.body.data);
    hf_writer_free(&reply.body);
    nanosleep(&(struct timespec){1, 100000000}, NULL); /* an answer stands for a second */
  }
  broker_server_kill(&server, SIGTERM);
  hf_web_reply reply = {.code = 200};
  cr_assert(hf_exporter_answer(exporter, &request, &reply));
  cr_assert_eq(reply.code, 503);
  hf_writer_free(&reply.body);
  hf_exporter_destroy(&exporter);
  hf_queue_watch_destroy(&watch);
}
