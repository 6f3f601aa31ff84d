/* What can happen to a broker and its clients: deaths, keys that are not in the list or no longer, roles that reach
 * for more, strangers who send what they like. */
#include "broker_server.h"
#include "queue_faults.h"
#include "queue_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

static broker_server server; /* of this test's process */

static void finish_test(void) {
  if (server.folder[0]) broker_server_stop(&server);
}
TestSuite(queue_zmq_server, .fini = finish_test);

static void nap(unsigned ms) { nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL); }

/* ---- what any server may do ---- */

static void fault_path(const char *socket, char path[96]) { snprintf(path, 96, "%s/%s.sock", server.folder, socket); }
static void fault_folder(void) {
  broker_server_folder(&server);
  snprintf(server.endpoint, sizeof server.endpoint, "ipc:%s/s.sock", server.folder);
  broker_server_key(&server, "operator", "operator");
  /* Clients may come before the broker. */
  char path[96], folder[80];
  hf_curve_pair pair;
  snprintf(folder, sizeof folder, "%s/b", server.folder);
  snprintf(path, sizeof path, "%s/server.key", folder);
  OK(hf_curve_make(&pair));
  OK(hf_curve_pair_create(path, &pair));
  OK(hf_curve_server_publish(folder));
}
static void fault_start(void) { broker_server_start(&server); }
static void fault_kill(void) { broker_server_kill(&server, SIGKILL); }
static void fault_location(const char *socket, char location[256]) {
  int n = snprintf(location, 256, "ipc:%s/%s.sock?server-key=%s/b/server.public&key-file=%s/operator.key", server.folder,
                   socket, server.folder, server.folder);
  cr_assert(n < 256);
}
static const hf_fault_server faults = {fault_folder, {fault_start, fault_kill}, fault_location, fault_path};

Test(queue_zmq_server, killed) { hf_fault_killed(&faults); }
Test(queue_zmq_server, cut) { hf_fault_cut(&faults); }
Test(queue_zmq_server, overtaken) { hf_fault_overtaken(&faults); }
Test(queue_zmq_server, late_lease) { hf_fault_late_lease(&faults); }
Test(queue_zmq_server, away) { hf_fault_away(&faults); }

/* ---- a broker as it is in use: its own clock and terms ---- */

static void serve(void) {
  broker_server_folder(&server);
  server.strict = true;
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
}

static hf_status open_as(const char *name, hf_queue **q) {
  char location[256];
  broker_server_location(&server, name, location);
  hf_queue_options options = {.location = location, .busy_ms = 20000, .lease_ms = 100};
  return hf_queue_open(&options, q);
}

static hf_queue *handle_of(const char *name) {
  hf_queue *q;
  OK(open_as(name, &q));
  return q;
}

static hf_queue *local_handle(void) {
  char folder[96];
  hf_queue *q;
  snprintf(folder, sizeof folder, "%s/s", server.folder);
  hf_queue_options options = {.location = folder};
  OK(hf_queue_open(&options, &q));
  return q;
}

static hf_job_header job_with(hf_queue *q, const char *tenant, const char *id, const char *input) {
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .circuit = "batch", .key = key_of(tenant, id)};
  job.vk_digest = hf_digest_bytes("a key", 5);
  OK(hf_artifact_put(q, input, strlen(input), &job.input_digest));
  return job;
}

static void submit_for(hf_queue *q, const char *tenant, const char *id, const char *input) {
  hf_job_header job = job_with(q, tenant, id, input);
  OK(hf_queue_submit_one(q, &job, NULL));
}

static hf_status lease_as(hf_queue *q, const char *name, hf_lease *lease, bool *found) {
  hf_worker worker = {.capability_count = 1, .device_memory = 1 << 30, .host_memory = 1 << 30};
  strcpy(worker.name, name);
  strcpy(worker.capabilities[0].circuit, "batch");
  return hf_queue_lease(q, &worker, lease, found);
}

/* ---- roles ---- */

enum { CLIENT, WORKER, VIEWER, OPERATOR, ROLES };

typedef struct asked {
  hf_queue *q;
  hf_job_key key; /* a job of alice */
  hf_digest digest;
} asked;

static hf_status ask_submit(asked *a) {
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .circuit = "batch", .key = a->key, .input_digest = a->digest};
  hf_submission result;
  hf_status status = hf_queue_submit_one(a->q, &job, &result);
  return status == HF_E_EXISTS ? HF_OK : status;
}
static hf_status ask_get(asked *a) { return hf_queue_get(a->q, &a->key, &(hf_job_record){0}); }
static hf_status ask_wait(asked *a) {
  hf_status status = hf_queue_wait(a->q, &a->key, 1, &(hf_job_record){0});
  return status == HF_E_TIMEOUT ? HF_OK : status;
}
static hf_status ask_cancel(asked *a) { return hf_queue_cancel(a->q, &a->key, "", NULL); }
static hf_status ask_list(asked *a) {
  size_t count;
  static hf_job_record records[4];
  return hf_queue_list(a->q, &(hf_job_filter){0}, records, 4, &count);
}
static hf_status ask_attempts(asked *a) {
  hf_attempt attempts[2];
  size_t count;
  return hf_queue_attempts(a->q, &a->key, attempts, 2, &count);
}
static hf_status ask_lease(asked *a) {
  hf_lease lease;
  bool found;
  return lease_as(a->q, "anybody", &lease, &found);
}
static hf_status ask_heartbeat(asked *a) {
  hf_beat beat;
  hf_status status = hf_queue_heartbeat(a->q, &a->key, 77, NULL, &beat);
  return status == HF_E_STALE ? HF_OK : status;
}
static hf_status ask_fail(asked *a) {
  hf_status status = hf_queue_fail(a->q, &a->key, 77, HF_E_DEVICE, "", NULL);
  return status == HF_E_STALE ? HF_OK : status;
}
static hf_status ask_release(asked *a) {
  hf_status status = hf_queue_release(a->q, &a->key, 77);
  return status == HF_E_STALE ? HF_OK : status;
}
static hf_status ask_refuse(asked *a) {
  hf_status status = hf_queue_refuse(a->q, &a->key, &a->digest, "", NULL);
  return status == HF_E_STATE ? HF_OK : status;
}
static hf_status ask_pardon(asked *a) {
  hf_status status = hf_queue_pardon(a->q, "nobody");
  return status == HF_E_NOT_FOUND ? HF_OK : status;
}
static hf_status ask_reap(asked *a) { return hf_queue_reap(a->q, NULL); }
static hf_status ask_requeue(asked *a) {
  hf_status status = hf_queue_requeue(a->q, &a->key, 0);
  return status == HF_E_STATE ? HF_OK : status;
}
static hf_status ask_set_tenant(asked *a) { return hf_queue_set_tenant(a->q, "alice", 2, 0); }
static hf_status ask_drain(asked *a) { return hf_queue_drain(a->q, NULL); }
static hf_status ask_meters(asked *a) { return hf_queue_read_meters(a->q, &(hf_reading){.life = 0}, NULL, NULL); }
static hf_status ask_restored(asked *a) { return hf_queue_restored(a->q); }
static hf_status ask_tenants(asked *a) {
  hf_tenant_stats tenants[2];
  size_t count;
  return hf_queue_tenants(a->q, NULL, tenants, 2, &count);
}
static hf_status ask_stats(asked *a) { return hf_queue_get_stats(a->q, &(hf_queue_stats){0}); }
static hf_status ask_workers(asked *a) {
  static hf_worker_record workers[2];
  size_t count;
  return hf_queue_workers(a->q, 0, NULL, workers, 2, &count);
}
static hf_status ask_events(asked *a) {
  hf_event events[2];
  size_t count;
  return hf_queue_events(a->q, 0, events, 2, &count);
}
static hf_status ask_collect(asked *a) { return hf_queue_collect(a->q, 0, 0, NULL, NULL, NULL, NULL); }
static hf_status ask_has(asked *a) { return hf_artifact_has(a->q, &a->digest, &(bool){0}); }
static hf_status ask_put(asked *a) { return hf_artifact_put(a->q, "x", 1, &(hf_digest){{0}}); }
static hf_status ask_fetch(asked *a) {
  uint8_t *data;
  size_t length;
  hf_status status = hf_artifact_get(a->q, &a->digest, 100, &data, &length);
  free(data);
  return status;
}

/* Every call by every role. */
Test(queue_zmq_server, roles) {
  const struct {
    const char *name;
    hf_status (*ask)(asked *);
    bool may[ROLES]; /* client, worker, viewer, operator */
  } rows[] = {
      {"submit", ask_submit, {1, 0, 0, 1}},
      {"get", ask_get, {1, 0, 1, 1}},
      {"wait", ask_wait, {1, 0, 1, 1}},
      {"list", ask_list, {1, 0, 1, 1}},
      {"attempts", ask_attempts, {1, 0, 1, 1}},
      {"heartbeat", ask_heartbeat, {0, 1, 0, 1}},
      {"fail", ask_fail, {0, 1, 0, 1}},
      {"release", ask_release, {0, 1, 0, 1}},
      {"refuse", ask_refuse, {0, 0, 0, 1}},
      {"pardon", ask_pardon, {0, 0, 0, 1}},
      {"reap", ask_reap, {0, 0, 0, 1}},
      {"requeue", ask_requeue, {0, 0, 0, 1}},
      {"set tenant", ask_set_tenant, {0, 0, 0, 1}},
      {"drain", ask_drain, {0, 0, 0, 1}},
      {"read meters", ask_meters, {0, 0, 0, 1}},
      {"restored", ask_restored, {0, 0, 0, 1}},
      {"tenants", ask_tenants, {0, 0, 1, 1}},
      {"stats", ask_stats, {0, 0, 1, 1}},
      {"workers", ask_workers, {0, 0, 1, 1}},
      {"events", ask_events, {0, 0, 1, 1}},
      {"collect", ask_collect, {0, 0, 0, 1}},
      {"has", ask_has, {1, 1, 1, 1}},
      {"put", ask_put, {1, 1, 0, 1}},
      {"get artifact", ask_fetch, {1, 1, 0, 1}},
      {"cancel", ask_cancel, {1, 0, 0, 1}},
      {"lease", ask_lease, {0, 1, 0, 1}},
  };
  static const char *const names[ROLES] = {"ann", "gpu1", "viewer", "operator"};
  hf_queue *q[ROLES];
  serve();
  broker_server_key(&server, "ann", "client:alice");
  broker_server_key(&server, "gpu1", "worker");
  broker_server_key(&server, "viewer", "viewer");
  nap(1500); /* the list is looked at every second */
  for (int role = 0; role < ROLES; role++) q[role] = handle_of(names[role]);
  asked a = {.key = key_of("alice", "j")};
  hf_job_header job = job_with(q[CLIENT], "alice", "j", "alice's input");
  OK(hf_queue_submit_one(q[CLIENT], &job, NULL));
  a.digest = job.input_digest;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (int role = 0; role < ROLES; role++) {
      a.q = q[role];
      hf_status status = rows[i].ask(&a);
      if (rows[i].may[role])
        cr_assert(status == HF_OK, "%s by %s: %s", rows[i].name, names[role], hf_error_message());
      else
        cr_assert(status == HF_E_REFUSED && strstr(hf_error_message(), names[role]), "%s by %s: %d %s", rows[i].name,
                  names[role], (int)status, hf_error_message());
    }
  cr_assert(broker_server_log_has(&server, "a request was refused"));
  for (int role = 0; role < ROLES; role++) hf_queue_close(&q[role]);
}

/* A client reaches for what is another tenant's. */
Test(queue_zmq_server, tenants_apart) {
  serve();
  broker_server_key(&server, "ann", "client:alice");
  broker_server_key(&server, "ben", "client:bob");
  nap(1500);
  hf_queue *ann = handle_of("ann"), *ben = handle_of("ben");
  hf_job_record record, records[8];
  hf_job_key key = key_of("alice", "secret");
  uint8_t *data;
  size_t length, count;
  bool has;
  submit_for(ann, "alice", "secret", "what only alice knows");
  submit_for(ben, "bob", "own", "what bob has");
  GIVES(HF_E_REFUSED, hf_queue_get(ben, &key, &record));
  GIVES(HF_E_REFUSED, hf_queue_cancel(ben, &key, "", NULL));
  GIVES(HF_E_REFUSED, hf_queue_wait(ben, &key, 1, &record));
  GIVES(HF_E_REFUSED, hf_queue_list(ben, &(hf_job_filter){.tenant = "alice"}, records, 8, &count));
  OK(hf_queue_list(ben, &(hf_job_filter){0}, records, 8, &count));
  EQ(count, 1);
  cr_assert_str_eq(records[0].header.key.tenant, "bob");
  hf_job_header job = job_with(ben, "alice", "forged", "what bob has");
  GIVES(HF_E_REFUSED, hf_queue_submit_one(ben, &job, NULL));
  /* The name of an artifact gets nobody its bytes: not by asking, not by a job that has it for its input. */
  hf_digest secret = hf_digest_bytes("what only alice knows", 21);
  OK(hf_artifact_has(ben, &secret, &has));
  cr_assert(!has);
  GIVES(HF_E_NOT_FOUND, hf_artifact_get(ben, &secret, 100, &data, &length));
  job = job_with(ben, "bob", "deputy", "what bob has");
  job.input_digest = secret;
  GIVES(HF_E_NOT_FOUND, hf_queue_submit_one(ben, &job, NULL));
  GIVES(HF_E_NOT_FOUND, hf_artifact_get(ben, &secret, 100, &data, &length));
  /* Who has the bytes may use them. */
  OK(hf_artifact_put(ben, "what only alice knows", 21, &secret));
  OK(hf_queue_submit_one(ben, &job, NULL));
  OK(hf_artifact_get(ben, &secret, 100, &data, &length));
  free(data);
  hf_queue_close(&ann);
  hf_queue_close(&ben);
}

/* A worker is who its key says, and speaks for its own leases alone. */
Test(queue_zmq_server, workers_apart) {
  serve();
  broker_server_key(&server, "gpu1", "worker");
  broker_server_key(&server, "gpu2", "worker");
  nap(1500);
  hf_queue *op = handle_of("operator"), *one = handle_of("gpu1"), *two = handle_of("gpu2");
  hf_lease lease, second;
  hf_job_record record;
  hf_beat beat;
  hf_digest proof;
  hf_finish_outcome outcome;
  hf_job_state state;
  bool found;
  submit_for(op, "alice", "j", "input");
  OK(lease_as(one, "gpu2", &lease, &found)); /* says it is another */
  cr_assert(found);
  hf_job_key key = lease.header.key;
  OK(hf_queue_get(op, &key, &record));
  cr_assert_str_eq(record.worker, "gpu1");
  OK(hf_artifact_put(two, "a proof", 7, &proof));
  GIVES(HF_E_REFUSED, hf_queue_heartbeat(two, &key, lease.epoch, NULL, &beat));
  GIVES(HF_E_REFUSED, hf_queue_fail(two, &key, lease.epoch, HF_E_DEVICE, "a lie", &state));
  GIVES(HF_E_REFUSED, hf_queue_release(two, &key, lease.epoch));
  GIVES(HF_E_REFUSED, hf_queue_finish(two, &key, lease.epoch, "gpu1", &proof, &outcome));
  GIVES(HF_E_REFUSED, hf_queue_finish(two, &key, lease.epoch + 5, "gpu2", &proof, &outcome));
  OK(hf_queue_get(op, &key, &record));
  cr_assert(record.state == HF_JOB_QUEUED || record.state == HF_JOB_LEASED);
  EQ(record.attempts, 0);
  /* Lost by the first (its lease was of 100 ms), taken by the second; the first one's late result is welcome. */
  for (int i = 0; i < 1000; i++) {
    OK(lease_as(two, "gpu2", &second, &found));
    if (found) break;
    nap(10);
  }
  cr_assert(found && second.epoch == lease.epoch + 1);
  OK(hf_queue_finish(one, &key, lease.epoch, "whoever", &proof, &outcome));
  EQ(outcome, HF_FINISH_ACCEPTED);
  OK(hf_queue_get(op, &key, &record));
  cr_assert_str_eq(record.worker, "gpu1");
  GIVES(HF_E_STALE, hf_queue_heartbeat(two, &key, second.epoch, NULL, &beat));
  /* What was refused later is the key's, whatever name it gives next. */
  OK(hf_queue_refuse(op, &key, &proof, "no proof", NULL));
  submit_for(op, "alice", "k", "input");
  hf_queue_close(&two); /* a second strike */
  for (int i = 0; i < 1000 && (hf_queue_get(op, &key, &record) != HF_OK || record.state != HF_JOB_DEAD); i++) {
    hf_status status = lease_as(one, "another-name", &lease, &found);
    if (status == HF_E_QUARANTINED) break;
    OK(status);
    if (found) {
      char text[32];
      int n = snprintf(text, sizeof text, "no proof %d", i);
      OK(hf_artifact_put(one, text, (size_t)n, &proof));
      OK(hf_queue_finish(one, &lease.header.key, lease.epoch, "x", &proof, &outcome));
      OK(hf_queue_refuse(op, &lease.header.key, &proof, "no proof", NULL));
    } else {
      nap(10);
    }
  }
  GIVES(HF_E_QUARANTINED, lease_as(one, "a-fresh-name", &lease, &found));
  hf_queue_close(&op);
  hf_queue_close(&one);
}

/* ---- keys ---- */

Test(queue_zmq_server, keys) {
  hf_queue *q, *op;
  hf_queue_stats stats;
  hf_job_record record;
  char location[256], path[128];
  serve();
  op = handle_of("operator");
  /* Nobody in the list: said on both sides, and at once. */
  broker_server_key(&server, "stranger", NULL);
  GIVES(HF_E_REFUSED, open_as("stranger", &q));
  cr_assert(strstr(hf_error_message(), "stranger.key"), "%s", hf_error_message());
  cr_assert(broker_server_log_has(&server, "a key that is not in the list was refused"));
  /* Another server key than the one that is pinned. */
  broker_server_location(&server, "operator", location);
  char wrong[512];
  snprintf(wrong, sizeof wrong, "zmq://%s?server-key=%s/stranger.key&key-file=%s/operator.key", server.endpoint,
           server.folder, server.folder);
  hf_queue_options options = {.location = wrong};
  GIVES(HF_E_REFUSED, hf_queue_open(&options, &q));
  cr_assert(strstr(hf_error_message(), "another server key"), "%s", hf_error_message());
  /* By its key in hex. */
  char keys[1][HF_CURVE_TEXT], hex[65];
  size_t count;
  snprintf(path, sizeof path, "%s/b/server.public", server.folder);
  OK(hf_curve_public_read(path, keys, 1, &count));
  hf_curve_hex(keys[0], hex);
  snprintf(wrong, sizeof wrong, "zmq://%s?server-key=%s&key-file=%s/operator.key", server.endpoint, hex, server.folder);
  OK(hf_queue_open(&options, &q));
  hf_queue_close(&q);
  /* A key that others may read is not used. */
  snprintf(path, sizeof path, "%s/operator.key", server.folder);
  cr_assert(chmod(path, 0640) == 0);
  GIVES(HF_E_REFUSED, open_as("operator", &q));
  cr_assert(chmod(path, 0600) == 0);

  /* Let in, and let in no longer: with its connection open, and while it waits for a job. */
  broker_server_allow(&server, "stranger", "client:alice");
  for (int i = 0; open_as("stranger", &q) != HF_OK; i++) {
    cr_assert(i < 500);
    nap(10);
  }
  submit_for(q, "alice", "j", "input");
  hf_job_key key = key_of("alice", "j");
  broker_server_revoke(&server, "stranger");
  GIVES(HF_E_REFUSED, hf_queue_wait(q, &key, 20000, &record));
  GIVES(HF_E_REFUSED, hf_queue_get(q, &key, &record));
  hf_queue_close(&q);
  GIVES(HF_E_REFUSED, open_as("stranger", &q));

  /* A list that is damaged changes nothing; the others go on. */
  snprintf(path, sizeof path, "%s/b/clients", server.folder);
  FILE *file = fopen(path, "a");
  cr_assert(file && fputs("no key at all\n", file) >= 0 && fclose(file) == 0);
  nap(1500);
  OK(hf_queue_get_stats(op, &stats));
  cr_assert(broker_server_log_has(&server, "the list of clients stays as it was"));
  hf_queue_close(&op);
}

/* The files that keys are in. */
Test(queue_zmq_server, key_files) {
  char path[128], other[128];
  hf_curve_pair pair, back;
  hf_curve_clients clients;
  broker_server_folder(&server);
  snprintf(path, sizeof path, "%s/pair", server.folder);
  OK(hf_curve_make(&pair));
  OK(hf_curve_pair_create(path, &pair));
  GIVES(HF_E_EXISTS, hf_curve_pair_create(path, &pair));
  OK(hf_curve_pair_read(path, &back));
  cr_assert_str_eq(back.secret_key, pair.secret_key);
  OK(hf_curve_make(&back));
  memcpy(back.public_key, pair.public_key, sizeof back.public_key);
  snprintf(other, sizeof other, "%s/other", server.folder);
  OK(hf_curve_pair_create(other, &back));
  GIVES(HF_E_FORMAT, hf_curve_pair_read(other, &back)); /* not a pair */

  char text[512];
  const char *const bad[] = {"%s worker", "%s worker a b", "%s boss a", "%s client a", "%s client: a", "%s client:x y z",
                             "%.39s worker a", "%s worker a\n%s worker b", "%s worker a\001"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    snprintf(text, sizeof text, bad[i], pair.public_key, pair.public_key);
    GIVES(HF_E_FORMAT, hf_curve_clients_parse("list", text, &clients));
    cr_assert(strstr(hf_error_message(), "list"), "%s", hf_error_message());
  }
  snprintf(text, sizeof text, "# people\n#\n\n  %s \t client:alice   ann  \r\n", pair.public_key);
  OK(hf_curve_clients_parse("list", text, &clients));
  EQ(clients.count, 1);
  cr_assert_str_eq(clients.list[0].tenant, "alice");
  hf_curve_clients_free(&clients);
  /* Edited: comments and the other lines stay. */
  snprintf(path, sizeof path, "%s/b/clients", server.folder);
  FILE *file = fopen(path, "w");
  cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
  broker_server_key(&server, "gpu1", "worker");
  hf_curve_client again = {.role = HF_ROLE_VIEWER, .name = "x"};
  strcpy(again.key, pair.public_key);
  GIVES(HF_E_EXISTS, hf_curve_clients_allow(path, &again));
  OK(hf_curve_clients_revoke(path, pair.public_key));
  GIVES(HF_E_NOT_FOUND, hf_curve_clients_revoke(path, pair.public_key));
  OK(hf_curve_clients_read(path, &clients));
  EQ(clients.count, 1);
  cr_assert_str_eq(clients.list[0].name, "gpu1");
  hf_curve_clients_free(&clients);
  snprintf(text, sizeof text, "grep -q '^# people' '%s'", path);
  cr_assert(system(text) == 0);
}

/* The server's key is exchanged while jobs are submitted: nothing is lost, nothing refused. */
Test(queue_zmq_server, rotation) {
  char folder[80], key[HF_CURVE_TEXT], old[512], path[200];
  hf_queue *q;
  hf_queue_stats stats;
  unsigned submitted = 0, after = 0;
  serve();
  snprintf(folder, sizeof folder, "%s/b", server.folder);
  /* Who keeps the old key alone is left behind. */
  snprintf(path, sizeof path, "cp %s/server.public %s/old.public", folder, server.folder);
  cr_assert(system(path) == 0);
  GIVES(HF_E_STATE, hf_curve_server_switch(folder, key));
  OK(hf_curve_server_next(folder, key));
  q = handle_of("operator");
  while (after < 20) {
    char id[16];
    snprintf(id, sizeof id, "j%u", submitted++);
    submit_for(q, "alice", id, "input");
    if (submitted == 10) OK(hf_curve_server_switch(folder, key));
    if (broker_server_log_has(&server, "the server's key was exchanged")) after++;
    cr_assert(submitted < 5000);
  }
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.submitted, submitted);
  EQ(stats.resubmitted, 0);
  hf_queue_close(&q);
  q = handle_of("operator");
  hf_queue_close(&q);
  snprintf(old, sizeof old, "zmq://%s?server-key=%s/old.public&key-file=%s/operator.key", server.endpoint, server.folder,
           server.folder);
  hf_queue_options options = {.location = old};
  GIVES(HF_E_REFUSED, hf_queue_open(&options, &q));
}

/* Locations, without any broker. */
Test(queue_zmq_server, locations) {
  const struct {
    const char *location, *word;
  } rows[] = {
      {"zmq://", "HOST:PORT"},
      {"zmq://host", "HOST:PORT"},
      {"zmq://host:0?server-key=a&key-file=b", "HOST:PORT"},
      {"zmq://host:99999?server-key=a&key-file=b", "HOST:PORT"},
      {"zmq://:5713?server-key=a&key-file=b", "HOST:PORT"},
      {"zmq://host:5713", "server-key"},
      {"zmq://host:5713?server-key=a", "key-file"},
      {"zmq://host:5713?colour=red", "colour=red"},
      {"zmq://host:5713?server-key=&key-file=b", "server-key="},
      {"ipc:?server-key=a&key-file=b", "path"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    hf_queue *q;
    hf_queue_options o = {.location = rows[i].location, .busy_ms = 1};
    GIVES(HF_E_ARGUMENT, hf_queue_open(&o, &q));
    cr_assert(strstr(hf_error_message(), rows[i].word), "%s: %s", rows[i].location, hf_error_message());
  }
  hf_queue *q;
  hf_queue_options o = {.location = "zmq://localhost:1?server-key=/nowhere&key-file=/nowhere", .busy_ms = 1};
  GIVES(HF_E_NOT_FOUND, hf_queue_open(&o, &q));
}

/* ---- beside others ---- */

/* Processes of this machine use the store at the same time; who waits over the broker sees what they do. */
Test(queue_zmq_server, beside_local_processes) {
  serve();
  hf_queue *q = handle_of("operator"), *direct = local_handle(), *other;
  hf_job_record record;
  submit_for(q, "alice", "j", "input");
  hf_job_key key = key_of("alice", "j");
  GIVES(HF_E_TIMEOUT, hf_queue_wait(q, &key, 100, &record));
  EQ(record.state, HF_JOB_QUEUED);
  pid_t parent = getpid(), pid = fork();
  cr_assert(pid >= 0);
  if (pid == 0) {
    hf_lease lease;
    bool found;
    hf_digest proof;
    char folder[96];
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
    nap(200);
    snprintf(folder, sizeof folder, "%s/s", server.folder);
    hf_queue_options options = {.location = folder};
    _exit(hf_queue_open(&options, &other) == HF_OK && lease_as(other, "w", &lease, &found) == HF_OK && found &&
                  hf_artifact_put(other, "proof", 5, &proof) == HF_OK &&
                  hf_queue_finish(other, &lease.header.key, lease.epoch, "w", &proof, NULL) == HF_OK
              ? 0
              : 1);
  }
  OK(hf_queue_wait(q, &key, 60000, &record));
  EQ(record.state, HF_JOB_DONE);
  int wait_status;
  cr_assert(waitpid(pid, &wait_status, 0) == pid && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
  hf_queue_close(&q);
  hf_queue_close(&direct);
  /* One broker for a store. */
  char store[96], folder[96];
  hf_broker *second;
  snprintf(store, sizeof store, "%s/s", server.folder);
  snprintf(folder, sizeof folder, "%s/b2", server.folder);
  hf_broker_options options = {.folder = folder, .bind = "127.0.0.1:*", .queue = {.location = store}};
  GIVES(HF_E_BUSY, hf_broker_open(&options, &second));
  broker_server_kill(&server, SIGTERM); /* ends by itself, with success */
  OK(hf_broker_open(&options, &second));
  hf_broker_close(&second);
}

/* ---- artifacts ---- */

Test(queue_zmq_server, large_artifacts) {
  enum { LARGE = 9 << 20 };
  uint8_t *data = malloc(LARGE), *back;
  size_t length;
  hf_digest digest, again;
  char command[300], hex[HF_DIGEST_HEX];
  for (size_t i = 0; i < LARGE; i++) data[i] = (uint8_t)(i * 2654435761u >> 11);
  serve();
  hf_queue *q = handle_of("operator");
  /* The broker dies again and again while it is put, and while it is fetched. */
  for (int round = 0; round < 2; round++) {
    pid_t parent = getpid(), pid = fork();
    cr_assert(pid >= 0);
    if (pid == 0) {
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
      hf_queue *mine;
      hf_status status = open_as("operator", &mine);
      if (status == HF_OK && round == 0) status = hf_artifact_put(mine, data, LARGE, &digest);
      if (status == HF_OK && round == 1) {
        again = hf_digest_bytes(data, LARGE);
        status = hf_artifact_get(mine, &again, LARGE, &back, &length);
      }
      if (status != HF_OK) fprintf(stderr, "child: %s\n", hf_error_message());
      _exit(status == HF_OK ? 0 : 1);
    }
    for (int i = 0; i < 3; i++) {
      nap(20);
      broker_server_kill(&server, SIGKILL);
      broker_server_start(&server);
    }
    int wait_status;
    cr_assert(waitpid(pid, &wait_status, 0) == pid && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
  }
  /* Damaged on the disk: never handed out; put again, it is whole. */
  OK(hf_artifact_put(q, data, LARGE, &digest));
  hf_digest_hex(&digest, hex);
  snprintf(command, sizeof command, "printf X | dd of=%s/s/artifacts/%.2s/%s bs=1 seek=5000000 conv=notrunc 2>/dev/null",
           server.folder, hex, hex + 2);
  cr_assert(system(command) == 0);
  GIVES(HF_E_CHECKSUM, hf_artifact_get(q, &digest, LARGE, &back, &length));
  OK(hf_artifact_put(q, data, LARGE, &again));
  OK(hf_artifact_get(q, &digest, LARGE, &back, &length));
  cr_assert(length == LARGE && memcmp(data, back, LARGE) == 0);
  free(back);
  free(data);
  hf_queue_close(&q);
}

/* ---- a full disk ---- */

/* Clients submit beside each other, so that many are in one transaction, until the disk takes no more. What was
 * accepted is there, what was refused is not, reading goes on; with room again it all goes on. */
Test(queue_zmq_server, full_disk) {
  enum { CLIENTS = 6, BATCH = 40 };
  pid_t children[CLIENTS], parent = getpid();
  hf_queue_stats stats;
  int counts[2], wait_status;
  broker_server_folder(&server);
  server.strict = true;
  server.file_limit = 600 << 10;
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
  hf_queue *q = handle_of("operator");
  hf_job_header job = job_with(q, "alice", "first", "input");
  OK(hf_queue_submit_one(q, &job, NULL));
  cr_assert(pipe(counts) == 0);
  for (int c = 0; c < CLIENTS; c++) {
    children[c] = fork();
    cr_assert(children[c] >= 0);
    if (children[c] == 0) {
      hf_queue *mine;
      hf_submission results[BATCH];
      static hf_job_header batch[BATCH];
      uint32_t accepted = 0;
      hf_status status = HF_OK;
      if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || open_as("operator", &mine) != HF_OK) _exit(45);
      while (status == HF_OK && accepted < 20000) {
        for (unsigned i = 0; i < BATCH; i++) {
          char id[32];
          int n = snprintf(id, sizeof id, "c%d-%u", c, accepted + i);
          batch[i] = job;
          if (hf_job_key_make("alice", id, (size_t)n, &batch[i].key) != HF_OK) _exit(46);
        }
        status = hf_queue_submit(mine, batch, BATCH, results);
        for (unsigned i = 0; i < BATCH && status == HF_OK; i++)
          if (results[i].status != HF_OK) _exit(47);
        if (status == HF_OK) accepted += BATCH;
      }
      if (status != HF_E_FULL) fprintf(stderr, "client %d: %d %s\n", c, (int)status, hf_error_message());
      if (write(counts[1], &accepted, sizeof accepted) != sizeof accepted) _exit(48);
      _exit(status == HF_E_FULL ? 0 : 49);
    }
  }
  uint64_t accepted = 1;
  for (int c = 0; c < CLIENTS; c++) {
    uint32_t n;
    cr_assert(read(counts[0], &n, sizeof n) == sizeof n);
    accepted += n;
    cr_assert(waitpid(-1, &wait_status, 0) > 0 && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0);
  }
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.submitted, accepted);
  EQ(stats.jobs[HF_JOB_QUEUED], accepted);
  cr_assert(accepted > 1);
  broker_server_kill(&server, SIGTERM);
  server.file_limit = 0;
  broker_server_start(&server);
  submit_for(q, "alice", "last", "input");
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.submitted, accepted + 1);
  hf_queue_close(&q);
}

/* ---- strangers and liars ---- */

typedef struct raw {
  void *context, *socket;
  uint64_t number;
} raw;

/* A socket of one's own with a client's key: it may send what it likes. */
static raw raw_open(const char *name) {
  char path[128], keys[1][HF_CURVE_TEXT], endpoint[160];
  hf_curve_pair pair;
  size_t count;
  int none = 0, ms = 10000;
  raw r = {.context = zmq_ctx_new()};
  r.socket = zmq_socket(r.context, ZMQ_DEALER);
  snprintf(path, sizeof path, "%s/b/server.public", server.folder);
  OK(hf_curve_public_read(path, keys, 1, &count));
  snprintf(path, sizeof path, "%s/%s.key", server.folder, name);
  OK(hf_curve_pair_read(path, &pair));
  zmq_setsockopt(r.socket, ZMQ_LINGER, &none, sizeof none);
  zmq_setsockopt(r.socket, ZMQ_RCVTIMEO, &ms, sizeof ms);
  zmq_setsockopt(r.socket, ZMQ_SNDTIMEO, &ms, sizeof ms);
  cr_assert(zmq_setsockopt(r.socket, ZMQ_CURVE_SERVERKEY, keys[0], HF_CURVE_TEXT) == 0 &&
            zmq_setsockopt(r.socket, ZMQ_CURVE_PUBLICKEY, pair.public_key, HF_CURVE_TEXT) == 0 &&
            zmq_setsockopt(r.socket, ZMQ_CURVE_SECRETKEY, pair.secret_key, HF_CURVE_TEXT) == 0);
  snprintf(endpoint, sizeof endpoint, "tcp://%s", server.endpoint);
  cr_assert(zmq_connect(r.socket, endpoint) == 0);
  return r;
}

static void raw_close(raw *r) {
  zmq_close(r->socket);
  zmq_ctx_term(r->context);
}

/* Asks and waits for the answer; gives its status. */
static hf_status raw_ask(raw *r, hf_zmq_request *request, const void *body, size_t length, hf_zmq_answer *answer) {
  hf_writer head = {0};
  zmq_msg_t part;
  request->number = ++r->number;
  OK(hf_zmq_request_encode(request, &head));
  cr_assert(zmq_send(r->socket, head.data, head.length, ZMQ_SNDMORE) >= 0 && zmq_send(r->socket, body, length, 0) >= 0);
  hf_writer_free(&head);
  zmq_msg_init(&part);
  cr_assert(zmq_msg_recv(&part, r->socket, 0) >= 0, "no answer");
  OK(hf_zmq_answer_decode(zmq_msg_data(&part), zmq_msg_size(&part), answer));
  cr_assert(zmq_msg_more(&part) && zmq_msg_recv(&part, r->socket, 0) >= 0);
  zmq_msg_close(&part);
  return answer->status;
}

static unsigned files_in_the_making(void) {
  char command[160];
  unsigned count;
  snprintf(command, sizeof command, "find '%s/s/artifacts' -name '.upload*' | wc -l", server.folder);
  FILE *pipe = popen(command, "r");
  cr_assert(pipe && fscanf(pipe, "%u", &count) == 1);
  pclose(pipe);
  return count;
}

/* Uploads are so many and no more, lie about their bytes in vain, and go with the key that began them. */
Test(queue_zmq_server, uploads) {
  hf_zmq_answer answer;
  serve();
  broker_server_key(&server, "ann", "client:alice");
  nap(1500);
  raw r = raw_open("ann");
  hf_status status = HF_OK;
  unsigned begun = 0;
  while (status == HF_OK && begun < 1000) {
    hf_zmq_request put = {.operation = HF_ZMQ_PUT, .numbers = {1 << 30}, .number_count = 1};
    put.digest = hf_digest_bytes(&begun, sizeof begun);
    status = raw_ask(&r, &put, "", 0, &answer);
    begun += status == HF_OK;
  }
  EQ(status, HF_E_BUSY);
  EQ(files_in_the_making(), begun);
  hf_zmq_request large = {.operation = HF_ZMQ_PUT, .numbers = {UINT64_MAX}, .number_count = 1};
  large.digest = hf_digest_bytes("large", 5);
  cr_assert(raw_ask(&r, &large, "", 0, &answer) != HF_OK);
  broker_server_revoke(&server, "ann");
  for (int i = 0; files_in_the_making() != 0; i++) {
    cr_assert(i < 500, "%u files are left", files_in_the_making());
    nap(10);
  }
  raw_close(&r);
  /* Other bytes than the name says; more than were announced; pieces out of order. */
  r = raw_open("operator");
  hf_zmq_request put = {.operation = HF_ZMQ_PUT, .numbers = {5}, .number_count = 1};
  hf_zmq_request chunk = {.operation = HF_ZMQ_CHUNK, .numbers = {0}, .number_count = 1};
  put.digest = chunk.digest = hf_digest_bytes("truth", 5);
  EQ(raw_ask(&r, &put, "", 0, &answer), HF_OK);
  EQ(raw_ask(&r, &chunk, "lying", 5, &answer), HF_E_CHECKSUM);
  EQ(raw_ask(&r, &chunk, "truth", 5, &answer), HF_E_NOT_FOUND); /* it is over */
  EQ(raw_ask(&r, &put, "", 0, &answer), HF_OK);
  EQ(raw_ask(&r, &chunk, "truths", 6, &answer), HF_E_RANGE);
  EQ(raw_ask(&r, &put, "", 0, &answer), HF_OK);
  chunk.numbers[0] = 3;
  EQ(raw_ask(&r, &chunk, "th", 2, &answer), HF_OK);
  EQ(answer.numbers[1], 0); /* from where to go on */
  chunk.numbers[0] = 0;
  EQ(raw_ask(&r, &chunk, "tru", 3, &answer), HF_OK);
  EQ(raw_ask(&r, &chunk, "tru", 3, &answer), HF_OK); /* twice */
  EQ(answer.numbers[1], 3);
  chunk.numbers[0] = 3;
  EQ(raw_ask(&r, &chunk, "th", 2, &answer), HF_OK);
  EQ(answer.numbers[0], 1);
  EQ(files_in_the_making(), 0);
  raw_close(&r);
}

/* Messages that are none, from one who is in the list. */
Test(queue_zmq_server, garbage) {
  static uint8_t bytes[3 << 20];
  unsigned dice = 12345;
  serve();
  hf_queue *q = handle_of("operator");
  raw r = raw_open("operator");
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)((dice = dice * 1664525u + 1013904223u) >> 24);
  hf_zmq_request request = {.operation = HF_ZMQ_LIST, .number = 1};
  hf_writer head = {0};
  OK(hf_zmq_request_encode(&request, &head));
  for (int i = 0; i < 400; i++) {
    dice = dice * 1664525u + 1013904223u;
    size_t length = dice % 5000;
    switch (i % 4) {
    case 0: /* one frame */
      cr_assert(zmq_send(r.socket, bytes + length, length, 0) >= 0);
      break;
    case 1: /* a request with one byte changed */
      memcpy(bytes, head.data, head.length);
      bytes[dice % head.length] ^= (uint8_t)(1 + dice % 255);
      cr_assert(zmq_send(r.socket, bytes, head.length, ZMQ_SNDMORE) >= 0 && zmq_send(r.socket, bytes, length, 0) >= 0);
      break;
    case 2: /* many frames */
      for (int j = 0; j < 50; j++) cr_assert(zmq_send(r.socket, bytes, 100, j < 49 ? ZMQ_SNDMORE : 0) >= 0);
      break;
    default: { /* a good head, and a body that is not what it should be */
      static const hf_zmq_operation with_body[] = {HF_ZMQ_SUBMIT, HF_ZMQ_LEASE, HF_ZMQ_FORGET, HF_ZMQ_CHUNK};
      hf_writer other = {0};
      request.operation = with_body[i / 4 % 4];
      OK(hf_zmq_request_encode(&request, &other));
      cr_assert(zmq_send(r.socket, other.data, other.length, ZMQ_SNDMORE) >= 0 &&
                zmq_send(r.socket, bytes + length, length, 0) >= 0);
      hf_writer_free(&other);
    }
    }
    zmq_msg_t answer; /* what is answered is taken, so that the way stays free */
    zmq_msg_init(&answer);
    while (zmq_msg_recv(&answer, r.socket, ZMQ_DONTWAIT) >= 0) continue;
    zmq_msg_close(&answer);
  }
  /* Longer than any message may be: the connection is closed. */
  cr_assert(zmq_send(r.socket, bytes, sizeof bytes, 0) >= 0);
  hf_writer_free(&head);
  submit_for(q, "alice", "j", "input");
  cr_assert(broker_server_log_has(&server, "a message that is no request"));
  raw_close(&r);
  hf_queue_close(&q);
}

#ifdef __SANITIZE_ADDRESS__
#define SLACK (512u << 20) /* what was freed is kept for a while */
#else
#define SLACK 0u
#endif

/* Asks for much and reads nothing; a message of very many frames; two thousand connections that say nothing or half a
 * greeting: memory has a bound, and others are served. */
Test(queue_zmq_server, crowd) {
  enum { CROWD = 2000, LARGE = 4 << 20 };
  static int sockets[CROWD];
  static uint8_t bytes[1 << 20];
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  unsigned connected = 0;
  broker_server_folder(&server);
  server.strict = true;
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
  hf_queue *q = handle_of("operator");
  uint8_t *data = calloc(1, LARGE);
  hf_digest digest;
  OK(hf_artifact_put(q, data, LARGE, &digest));
  uint64_t before = broker_server_resident(&server) + SLACK;

  raw r = raw_open("operator");
  hf_zmq_request fetch = {.operation = HF_ZMQ_FETCH, .digest = digest, .number_count = 1};
  hf_writer head = {0};
  OK(hf_zmq_request_encode(&fetch, &head));
  for (int i = 0; i < 500; i++)
    if (zmq_send(r.socket, head.data, head.length, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0)
      (void)zmq_send(r.socket, "", 0, ZMQ_DONTWAIT);
  hf_writer_free(&head);
  for (int i = 0; i < 20; i++) submit_for(q, "alice", (char[]){(char)('a' + i), 0}, "input");
  uint64_t slow = broker_server_resident(&server);
  cr_assert(slow < before + (64u << 20), "%llu MiB more for one who does not read",
            (unsigned long long)(slow - before) >> 20);
  raw_close(&r);

  r = raw_open("operator");
  for (int i = 0; i < 100; i++) cr_assert(zmq_send(r.socket, bytes, sizeof bytes, i < 99 ? ZMQ_SNDMORE : 0) >= 0);
  for (int i = 0; i < 20; i++) submit_for(q, "bob", (char[]){(char)('a' + i), 0}, "input");
  raw_close(&r);

  name.sin_port = htons((uint16_t)atoi(strrchr(server.endpoint, ':') + 1));
  for (; connected < CROWD; connected++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) break; /* as many as this process may have */
    sockets[connected] = fd;
    (void)!connect(fd, (struct sockaddr *)&name, sizeof name);
  }
  cr_assert(connected > 500);
  for (unsigned i = 0; i < connected; i += 2) (void)!send(sockets[i], "\xff\0\0\0\0\0\0\1\x7f\3\1NULL", 16, MSG_NOSIGNAL);
  for (int i = 0; i < 20; i++) submit_for(q, "carol", (char[]){(char)('a' + i), 0}, "input");
  hf_queue *fresh = handle_of("operator"); /* and a new connection among them */
  hf_queue_stats stats;
  OK(hf_queue_get_stats(fresh, &stats));
  EQ(stats.submitted, 60);
  uint64_t crowded = broker_server_resident(&server);
  cr_assert(crowded < before + (256u << 20), "%llu MiB more", (unsigned long long)(crowded - before) >> 20);
  for (unsigned i = 0; i < connected; i++) close(sockets[i]);
  hf_queue_close(&fresh);
  hf_queue_close(&q);
  free(data);
}

/* Above its memory's limit the broker closes all connections once a second: clients notice a pause. */
Test(queue_zmq_server, memory) {
  hf_queue_stats stats;
  broker_server_folder(&server);
  server.strict = true;
  server.memory_limit = 1;
  broker_server_key(&server, "operator", "operator");
  broker_server_start(&server);
  hf_queue *q = handle_of("operator");
  unsigned submitted = 0;
  for (unsigned closed = 0; closed < 20 && submitted < 5000;) {
    char id[16];
    snprintf(id, sizeof id, "j%u", submitted++);
    submit_for(q, "alice", id, "input");
    closed += broker_server_log_has(&server, "too much memory");
  }
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.submitted, submitted);
  EQ(stats.resubmitted, 0);
  cr_assert(broker_server_log_has(&server, "too much memory"));
  hf_queue_close(&q);
}
