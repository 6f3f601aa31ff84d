/* The queue behind a broker against the conformance suite. */
#include "broker_server.h"
#include "queue_fixture.h"

static broker_server server; /* of this test's process */

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

static void finish_test(void) {
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
}
Test(queue_zmq, cancel_and_deadline) {
  hf_case_cancel(&factory);
  hf_case_deadline(&factory);
}
Test(queue_zmq, fairness) { hf_case_fairness(&factory); }
Test(queue_zmq, quota_and_views) {
  hf_case_quota(&factory);
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
