/* Who may talk to a broker, and about what: roles that reach for more, keys that are not in the list or no
 * longer. */
#include "broker_fixture.h"

#include <sys/stat.h>

TestSuite(queue_zmq_keys, .fini = finish_test);

/* ---- roles ---- */

enum { CLIENT, WORKER, VIEWER, OPERATOR, ROLES };

typedef struct asked {
  hf_queue *q;
  hf_job_key key; /* a job of alice */
  hf_digest digest;
} asked;

static hf_status ask_submit(asked *a) {
  hf_job_header job = {
      .kind = HF_JOB_PROVE_BATCH, .circuit = "batch", .key = a->key, .input_digest = a->digest};
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
static hf_status ask_meters(asked *a) {
  return hf_queue_read_meters(a->q, &(hf_reading){.life = 0}, NULL, NULL);
}
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
Test(queue_zmq_keys, roles) {
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
        cr_assert(status == HF_E_REFUSED && strstr(hf_error_message(), names[role]), "%s by %s: %d %s",
                  rows[i].name, names[role], (int)status, hf_error_message());
    }
  cr_assert(broker_server_log_has(&server, "a request was refused"));
  for (int role = 0; role < ROLES; role++) hf_queue_close(&q[role]);
}

/* A client reaches for what is another tenant's. */
Test(queue_zmq_keys, tenants_apart) {
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
Test(queue_zmq_keys, workers_apart) {
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
  /* Lost by the first (its lease was of 100 ms), taken by the second; the first one's late result is welcome.
   */
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
  for (int i = 0; i < 1000 && (hf_queue_get(op, &key, &record) != HF_OK || record.state != HF_JOB_DEAD);
       i++) {
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

Test(queue_zmq_keys, keys) {
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
  snprintf(wrong, sizeof wrong, "zmq://%s?server-key=%s/stranger.key&key-file=%s/operator.key",
           server.endpoint, server.folder, server.folder);
  hf_queue_options options = {.location = wrong};
  GIVES(HF_E_REFUSED, hf_queue_open(&options, &q));
  cr_assert(strstr(hf_error_message(), "another server key"), "%s", hf_error_message());
  /* By its key in hex. */
  char keys[1][HF_CURVE_TEXT], hex[65];
  size_t count;
  snprintf(path, sizeof path, "%s/b/server.public", server.folder);
  OK(hf_curve_public_read(path, keys, 1, &count));
  hf_curve_hex(keys[0], hex);
  snprintf(wrong, sizeof wrong, "zmq://%s?server-key=%s&key-file=%s/operator.key", server.endpoint, hex,
           server.folder);
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
Test(queue_zmq_keys, key_files) {
  char path[128], other[128];
  hf_curve_pair pair, back;
  hf_curve_clients clients;
  broker_server_folder(&server);
  snprintf(path, sizeof path, "%s/pair", server.folder);
  for (int i = 0; i < 1000; i++) { /* of a thousand, a dozen each would start so */
    OK(hf_curve_make(&pair));
    cr_assert(pair.public_key[0] != '-' && pair.public_key[0] != '#');
  }
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
  const char *const bad[] = {
      "%s worker",      "%s worker a b",   "%s boss a",      "%s client a",
      "%s client: a",   "%s client:x y z", "%.39s worker a", "%s worker a\n%s worker b",
      "%s worker a\001"};
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
Test(queue_zmq_keys, rotation) {
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
  snprintf(old, sizeof old, "zmq://%s?server-key=%s/old.public&key-file=%s/operator.key", server.endpoint,
           server.folder, server.folder);
  hf_queue_options options = {.location = old};
  GIVES(HF_E_REFUSED, hf_queue_open(&options, &q));
}

/* Locations, without any broker. */
Test(queue_zmq_keys, locations) {
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
