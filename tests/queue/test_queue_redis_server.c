/* What a Redis server can do to a queue: go away, forget, fill up, be set up wrongly, answer nobody. */
#include "carrier.h"
#include "queue_fixture.h"
#include "redis_server.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static redis_server server; /* of this test's process */
static char place[256];     /* the location that the factory gives */

static void make_here(char location[256]) { strcpy(location, place); }
static void drop_nothing(const char *location) { (void)location; }
static const hf_queue_factory here = {make_here, drop_nothing, NULL};

static void finish_test(void) {
  if (server.folder[0]) redis_server_stop(&server);
}
TestSuite(queue_redis_server, .init = redis_server_need, .fini = finish_test);

static void start(fixture *f) {
  redis_server_start(&server, "");
  snprintf(place, sizeof place, "unix:%s/s", server.folder);
  fixture_open(f, &here);
}

/* ---- killed and started again ---- */

static int kills_done[2]; /* a pipe: the one who kills tells that it is through */

static void wait_for_kills(const char *location) {
  char byte;
  (void)location;
  if (kills_done[0] >= 0)
    cr_assert(read(kills_done[0], &byte, 1) == 1, "the server was not killed as planned");
}

/* Clients and workers are killed as for any backend, and the server beside them: nothing that was
 * acknowledged is lost or there twice, and nobody notices more than a pause. */
Test(queue_redis_server, killed) {
  const unsigned kills = getenv("HF_SOAK") ? 20 : 3;
  pid_t parent = getpid();
  redis_server_folder(&server);
  snprintf(place, sizeof place, "unix:%s/s", server.folder);
  cr_assert(pipe(kills_done) == 0);
  pid_t killer = fork();
  cr_assert(killer >= 0);
  if (killer == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
    close(kills_done[0]);
    redis_server_again(&server, "");
    for (unsigned i = 0; i < kills; i++) {
      nanosleep(&(struct timespec){0, 150000000}, NULL);
      redis_server_kill(&server, SIGKILL);
      nanosleep(&(struct timespec){0, 50000000}, NULL);
      redis_server_again(&server, "");
    }
    (void)!write(kills_done[1], "x", 1);
    for (;;) pause(); /* its child, the server, ends with it */
  }
  close(kills_done[1]);
  const hf_queue_factory factory = {make_here, drop_nothing, wait_for_kills};
  hf_case_kill(&factory, getenv("HF_SOAK") ? 100 : 20);
  cr_assert(kill(killer, SIGKILL) == 0 && waitpid(killer, NULL, 0) == killer);
}

/* ---- a connection that is cut ---- */

/* From FOLDER/p to the server. */
static carrier carry_unix(void) {
  char front[96], back[96];
  snprintf(front, sizeof front, "%s/p", server.folder);
  snprintf(back, sizeof back, "%s/s", server.folder);
  return carrier_start(carrier_listen_unix(front), back, 0);
}

/* Every call that changes something, cut off before and after it took effect: it takes effect once, and its
 * answer is that of the first time. */
Test(queue_redis_server, cut) {
  fixture f;
  redis_server_start(&server, "");
  carrier between = carry_unix();
  volatile int *cut = between.cut;
  snprintf(place, sizeof place, "unix:%s/p", server.folder);
  fixture_open(&f, &here);
  hf_digest result = result_of(&f, "proof");
  hf_job_state state;
  hf_finish_outcome outcome;
  hf_beat beat;
  uint64_t changed;
  for (int round = 0; round < 3; round++) { /* the first one has the scripts loaded */
    int when = round == 0 ? CUT_NOTHING : round == 1 ? CUT_REQUEST : CUT_ANSWER;
    char id[16];
    snprintf(id, sizeof id, "j%d", round);
    hf_job_header job = job_of(&f, "alice", id);
    hf_submission submission;
    hf_queue_stats before = stats_of(&f);
#define CUTTING(expression)                                                                                  \
  do {                                                                                                       \
    *cut = when;                                                                                             \
    expression;                                                                                              \
    cr_assert(*cut == CUT_NOTHING, "%s was not cut", #expression);                                           \
  } while (0)
    CUTTING(OK(hf_queue_submit_one(f.q, &job, &submission)));
    cr_assert(submission.created);
    hf_lease lease;
    CUTTING(lease = lease_expect(&f, "w1", id));
    EQ(lease.epoch, 1);
    CUTTING(OK(hf_queue_release(f.q, &job.key, lease.epoch)));
    lease = lease_expect(&f, "w1", id);
    CUTTING(OK(hf_queue_fail(f.q, &job.key, lease.epoch, HF_E_DEVICE, "broken", &state)));
    EQ(state, HF_JOB_QUEUED);
    EQ(record_of(&f, "alice", id).attempts, 1);
    lease = lease_expect(&f, "w2", id);
    EQ(lease.epoch, 3);
    f.now += 10000;
    CUTTING(OK(hf_queue_reap(f.q, &changed)));
    EQ(changed, 1);
    CUTTING(OK(hf_queue_cancel(f.q, &job.key, "", &state)));
    CUTTING(OK(hf_queue_requeue(f.q, &job.key, 0)));
    lease = lease_expect(&f, "w1", id);
    hf_progress progress = {.done = 1};
    CUTTING(OK(hf_queue_heartbeat(f.q, &job.key, lease.epoch, &progress, &beat)));
    CUTTING(OK(hf_queue_finish(f.q, &job.key, lease.epoch, "w1", &result, &outcome)));
    EQ(outcome, HF_FINISH_ACCEPTED);
    hf_queue_stats after = stats_of(&f);
    EQ(after.submitted - before.submitted, 1);
    EQ(after.resubmitted, 0);
    EQ(after.leases - before.leases, 4);
    EQ(after.released - before.released, 1);
    EQ(after.failures - before.failures, 1);
    EQ(after.expired - before.expired, 1);
    EQ(after.stale, 0);
    EQ(after.late_results, 0);
#undef CUTTING
  }
  fixture_close(&f);
  carrier_stop(&between);
}

/* A request that was given up and sent again, and of which the first copy reaches the server when the handle
 * is further: it does nothing. */
Test(queue_redis_server, overtaken) {
  fixture f;
  redis_server_start(&server, "");
  carrier between = carry_unix();
  volatile int *cut = between.cut;
  snprintf(place, sizeof place, "unix:%s/p", server.folder);
  fixture_open(&f, &here);
  submit(&f, "alice", "j");
  hf_lease lease = lease_expect(&f, "w1", "j"); /* the scripts are loaded */
  OK(hf_queue_release(f.q, &lease.header.key, lease.epoch));
  for (int further = 0; further < 2; further++) {
    *cut = HOLD_REQUEST;
    lease = lease_expect(&f, "w1", "j");
    EQ(*cut, CUT_NOTHING);
    if (further) OK(hf_queue_release(f.q, &lease.header.key, lease.epoch));
    *cut = DELIVER_HELD;
    while (*cut != CUT_NOTHING) nanosleep(&(struct timespec){0, 1000000}, NULL);
    hf_job_record record = record_of(&f, "alice", "j");
    EQ(record.epoch, lease.epoch);
    EQ(record.state, further ? HF_JOB_QUEUED : HF_JOB_LEASED);
    if (!further) OK(hf_queue_release(f.q, &lease.header.key, lease.epoch));
  }
  EQ(stats_of(&f).leases, 3);
  fixture_close(&f);
  carrier_stop(&between);
}

/* Away for longer than the options allow: an error that says so, and the handle goes on when it is back. */
Test(queue_redis_server, away) {
  fixture f;
  start(&f);
  hf_queue_close(&f.q);
  hf_queue_options options = fixture_options(&f);
  options.busy_ms = 60;
  OK(hf_queue_open(&options, &f.q));
  submit(&f, "alice", "j");
  redis_server_kill(&server, SIGKILL);
  hf_queue_stats stats;
  GIVES(HF_E_IO, hf_queue_get_stats(f.q, &stats));
  cr_assert(strstr(hf_error_message(), "gave up"), "%s", hf_error_message());
  hf_queue *other;
  GIVES(HF_E_IO, hf_queue_open(&options, &other));
  cr_assert(other == NULL);
  redis_server_again(&server, "");
  lease_expect(&f, "w1", "j");
  fixture_close(&f);
}

/* ---- what the server forgets, or holds in the wrong shape ---- */

Test(queue_redis_server, flushed_and_damaged) {
  fixture f;
  hf_job_record record;
  start(&f);
  submit(&f, "alice", "j");
  submit(&f, "alice", "k");
  hf_digest result = result_of(&f, "proof");
  hf_finish_outcome outcome;
  redis_server_tell(&server, "SCRIPT FLUSH");
  hf_lease lease = lease_expect(&f, "w1", "j");
  redis_server_tell(&server, "SCRIPT FLUSH");
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  redis_server_tell(&server, "SCRIPT FLUSH");
  EQ(record_of(&f, "alice", "j").state, HF_JOB_DONE);

  /* A chunk whose bytes changed is never handed out, and a put mends it; so for one that was cut short. */
  char hex[HF_DIGEST_HEX];
  uint8_t *data;
  size_t length;
  hf_digest_hex(&f.input, hex);
  const char *const wrong[] = {"The input", "the inpu", "the input and more"};
  for (size_t i = 0; i < 3; i++) {
    redis_server_tell(&server, "SET {hyperfold}:chunk:%s:0 %s", hex, wrong[i]);
    GIVES(HF_E_CHECKSUM, hf_artifact_get(f.q, &f.input, 100, &data, &length));
    cr_assert(data == NULL && strstr(hf_error_message(), hex));
    OK(hf_artifact_put(f.q, "the input", 9, &f.input));
    OK(hf_artifact_get(f.q, &f.input, 100, &data, &length));
    free(data);
  }
  /* A record that is not whole is named. */
  hf_job_key key = key_of("alice", "k");
  redis_server_tell(&server, "HSET {hyperfold}:job:2 header garbage");
  GIVES(HF_E_FORMAT, hf_queue_get(f.q, &key, &record));
  cr_assert(strstr(hf_error_message(), "record 2"), "%s", hf_error_message());
  redis_server_tell(&server, "HDEL {hyperfold}:job:2 header");
  GIVES(HF_E_CHECKSUM, hf_queue_get(f.q, &key, &record));

  /* One that is gone is named, too, and holds nobody up. */
  redis_server_tell(&server, "DEL {hyperfold}:job:2");
  GIVES(HF_E_CHECKSUM, hf_queue_get(f.q, &key, &record));
  cr_assert(strstr(hf_error_message(), "record 2"), "%s", hf_error_message());
  submit(&f, "alice", "l");
  lease_expect(&f, "w1", "l");
  redis_server_tell(&server, "DEL {hyperfold}:job:3");
  f.now += 20000;
  submit(&f, "alice", "m");
  lease_expect(&f, "w1", "m");

  /* Another format, other people's keys, and a store that goes away under a handle. */
  hf_queue *other;
  hf_queue_options options = fixture_options(&f);
  redis_server_tell(&server, "HSET {hyperfold}:meta format 3");
  GIVES(HF_E_VERSION, hf_queue_open(&options, &other));
  redis_server_tell(&server, "SET {other}:meta theirs");
  char location[300];
  snprintf(location, sizeof location, "%s?prefix=other", f.location);
  options.location = location;
  GIVES(HF_E_FORMAT, hf_queue_open(&options, &other));
  redis_server_tell(&server, "FLUSHALL");
  hf_job_header job = job_of(&f, "alice", "n");
  GIVES(HF_E_FORMAT, hf_queue_submit_one(f.q, &job, NULL));
  /* Two stores on one server know nothing of each other. */
  OK(hf_queue_open(&options, &other));
  hf_queue_close(&f.q);
  OK(hf_artifact_put(other, "the input", 9, &f.input));
  OK(hf_queue_submit_one(other, &job, NULL));
  options.location = f.location;
  OK(hf_queue_open(&options, &f.q));
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &job.key, &record));
  EQ(stats_of(&f).submitted, 0);
  hf_queue_close(&other);
  fixture_close(&f);
}

/* ---- memory used up ---- */

static size_t chunks_there(void) {
  redisContext *c = redis_server_connect(&server);
  redisReply *reply = redisCommand(c, "KEYS *chunk:*");
  size_t count = reply->elements;
  freeReplyObject(reply);
  redisFree(c);
  return count;
}

Test(queue_redis_server, full) {
  enum { LARGE = 5 << 20 };
  fixture f;
  start(&f);
  char *large = calloc(1, LARGE);
  hf_digest digest, result = result_of(&f, "proof");
  hf_finish_outcome outcome;
  hf_submission refused;
  unsigned accepted = 0;
  char id[16];
  submit(&f, "alice", "first");
  redis_server_tell(&server, "CONFIG SET maxmemory 4mb");
  size_t chunks = chunks_there();
  /* In the middle of an artifact: what was put of it goes. */
  GIVES(HF_E_FULL, hf_artifact_put(f.q, large, LARGE, &digest));
  cr_assert(strstr(hf_error_message(), "OOM"), "%s", hf_error_message());
  EQ(chunks_there(), chunks);
  bool has;
  OK(hf_artifact_has(f.q, &digest, &has));
  cr_assert(!has);
  /* Jobs until no more are taken. */
  hf_status status = HF_OK;
  while (status == HF_OK && accepted < 20000) {
    hf_job_header batch[50];
    hf_submission results[50];
    for (int i = 0; i < 50; i++) {
      snprintf(id, sizeof id, "job%06u", accepted + (unsigned)i);
      batch[i] = job_of(&f, "alice", id);
    }
    status = hf_queue_submit(f.q, batch, 50, results);
    if (status == HF_OK) accepted += 50;
  }
  cr_assert(status == HF_E_FULL && accepted > 0, "%u jobs, then %d: %s", accepted, (int)status,
            hf_error_message());
  /* A few single ones may fit where fifty did not. */
  hf_job_header job;
  for (status = HF_OK; status == HF_OK && accepted < 20000; accepted += status == HF_OK) {
    snprintf(id, sizeof id, "job%06u", accepted);
    job = job_of(&f, "alice", id);
    status = hf_queue_submit_one(f.q, &job, &refused);
  }
  cr_assert(status == HF_E_FULL, "%u jobs, then %d: %s", accepted, (int)status, hf_error_message());
  EQ(stats_of(&f).jobs[HF_JOB_QUEUED], accepted + 1);
  /* What ends jobs and frees goes on. */
  for (unsigned i = 0; i < accepted; i++) {
    hf_lease lease;
    cr_assert(try_lease(&f, "w1", &lease));
    OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
    EQ(outcome, HF_FINISH_ACCEPTED);
  }
  uint64_t jobs;
  f.now += 1000;
  OK(hf_queue_collect(f.q, f.now, 0, NULL, NULL, &jobs, NULL));
  EQ(jobs, accepted);
  OK(hf_queue_submit_one(f.q, &job, &refused)); /* there is room again */
  redis_server_tell(&server, "CONFIG SET maxmemory 0");
  OK(hf_artifact_put(f.q, large, LARGE, &digest));
  EQ(stats_of(&f).jobs[HF_JOB_QUEUED], 2);
  free(large);
  fixture_close(&f);
}

/* ---- servers that are refused ---- */

static void opens(hf_status wanted, const char *options, const char *word) {
  hf_queue *q;
  char location[300];
  snprintf(location, sizeof location, "unix:%s/s%s", server.folder, options);
  hf_queue_options o = {.location = location, .busy_ms = 100};
  hf_status status = hf_queue_open(&o, &q);
  cr_assert(status == wanted, "%s: %d (%s)", location, (int)status, hf_error_message());
  if (word) cr_assert(strstr(hf_error_message(), word), "%s", hf_error_message());
  hf_queue_close(&q);
}

Test(queue_redis_server, unsafe) {
  redis_server_start(&server, "");
  opens(HF_OK, "", NULL);
  redis_server_tell(&server, "CONFIG SET appendfsync everysec");
  opens(HF_E_REFUSED, "", "appendfsync");
  opens(HF_OK, "?accept=everysec", NULL);
  redis_server_tell(&server, "CONFIG SET appendfsync always maxmemory-policy allkeys-lru");
  opens(HF_E_REFUSED, "", "allkeys-lru");
  opens(HF_E_REFUSED, "?accept=everysec", "allkeys-lru");
  opens(HF_OK, "?accept=volatile", NULL);
  redis_server_tell(&server, "CONFIG SET maxmemory-policy noeviction appendonly no");
  opens(HF_E_REFUSED, "?accept=everysec", "append-only");
  opens(HF_OK, "?accept=volatile", NULL);
  redis_server_tell(&server, "CONFIG SET appendonly yes");
  redis_server_tell(&server, "REPLICAOF 127.0.0.1 1");
  opens(HF_E_IO, "", "replica");
  redis_server_tell(&server, "REPLICAOF NO ONE");
  opens(HF_OK, "", NULL);
  /* A handle that is open asks again when it must connect again. */
  hf_queue *q;
  hf_queue_stats stats;
  char location[128];
  snprintf(location, sizeof location, "unix:%s/s", server.folder);
  hf_queue_options o = {.location = location};
  OK(hf_queue_open(&o, &q));
  redis_server_kill(&server, SIGKILL);
  redis_server_again(&server, "--maxmemory-policy volatile-ttl");
  GIVES(HF_E_REFUSED, hf_queue_get_stats(q, &stats));
  redis_server_tell(&server, "CONFIG SET maxmemory-policy noeviction");
  OK(hf_queue_get_stats(q, &stats));
  hf_queue_close(&q);
}

Test(queue_redis_server, users) {
  char options[200], path[128];
  redis_server_folder(&server);
  redis_server_users(&server, "hyperfold");
  snprintf(options, sizeof options, "--aclfile %s/users", server.folder);
  redis_server_again(&server, options);
  opens(HF_E_REFUSED, "", "NOAUTH");
  snprintf(path, sizeof path, "%s/password", server.folder);
  snprintf(options, sizeof options, "?user=hyperfold&password-file=%s", path);
  opens(HF_OK, options, NULL);
  snprintf(options, sizeof options, "?user=hyperfold&password-file=%s&prefix=elsewhere", path);
  opens(HF_E_REFUSED, options, "NOPERM");
  snprintf(options, sizeof options, "?user=hyperfold-view&password-file=%s", path);
  opens(HF_E_REFUSED, options, "WRONGPASS");
  cr_assert(chmod(path, 0640) == 0);
  opens(HF_E_REFUSED, options, "others may use");

  /* What was accepted under these users is there after a restart. */
  hf_digest digest;
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .circuit = "batch", .key = key_of("alice", "j")};
  cr_assert(chmod(path, 0600) == 0);
  char location[300];
  hf_queue *q;
  snprintf(options, sizeof options, "?user=hyperfold&password-file=%s", path);
  snprintf(location, sizeof location, "unix:%s/s%s", server.folder, options);
  hf_queue_options o = {.location = location};
  OK(hf_queue_open(&o, &q));
  OK(hf_artifact_put(q, "the input", 9, &job.input_digest));
  OK(hf_queue_submit_one(q, &job, NULL));
  redis_server_kill(&server, SIGKILL);
  char arguments[200];
  snprintf(arguments, sizeof arguments, "--aclfile %s/users", server.folder);
  redis_server_again(&server, arguments);
  hf_job_record record;
  OK(hf_queue_get(q, &job.key, &record));
  hf_queue_close(&q);
  /* It would not be if the user default might not do what is in the append-only file: refused. */
  redis_server_tell(&server, "ACL SETUSER default resetkeys");
  opens(HF_E_REFUSED, options, "'default'");
  redis_server_tell(&server, "ACL SETUSER default allkeys -@all");
  opens(HF_E_REFUSED, options, "'default'");
  redis_server_tell(&server, "ACL SETUSER default +@all");

  /* The one who looks sees, and changes nothing. */
  cr_assert(remove(path) == 0);
  redis_server_users(&server, "hyperfold-view");
  hf_queue_stats stats;
  snprintf(location, sizeof location, "unix:%s/s?user=hyperfold-view&password-file=%s", server.folder, path);
  OK(hf_queue_open(&o, &q));
  OK(hf_queue_get_stats(q, &stats));
  EQ(stats.submitted, 1);
  GIVES(HF_E_REFUSED, hf_artifact_put(q, "x", 1, &digest));
  GIVES(HF_E_REFUSED, hf_queue_set_tenant(q, "alice", 7, 0));
  hf_tenant_stats tenants[2];
  size_t count;
  OK(hf_queue_tenants(q, NULL, tenants, 2, &count));
  EQ(count, 1);
  hf_queue_close(&q);
}

/* Locations, without any server: what is wrong is said before anything is connected to. */
Test(queue_redis_server, locations) {
  const struct {
    const char *location, *word;
  } rows[] = {
      {"redis://", "host"},
      {"redis://:6379", "host"},
      {"redis://user:secret@host", "password-file"},
      {"redis://user@host", "password-file"},
      {"redis://host:port", "port"},
      {"redis://host:65536", "port"},
      {"redis://host/x", "db"},
      {"redis://host?colour=red", "colour=red"},
      {"redis://host?accept=", "accept="},
      {"redis://host?prefix=a}b", "prefix"},
      {"redis://host?prefix=", "prefix"},
      {"unix:", "path"},
      {"unix:/a/b?db=-1", "db"},
      {"unix:/"
       "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
       "0123456789",
       "path"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    hf_queue *q;
    hf_queue_options o = {.location = rows[i].location, .busy_ms = 1};
    GIVES(HF_E_ARGUMENT, hf_queue_open(&o, &q));
    cr_assert(strstr(hf_error_message(), rows[i].word), "%s: %s", rows[i].location, hf_error_message());
  }
  /* By TCP, database and all, to a server that listens. */
  char location[128];
  hf_queue *q;
  redis_server_start(&server, "--bind 127.0.0.1 --port 0");
  snprintf(location, sizeof location, "redis://127.0.0.1:%d/3?prefix=p",
           redis_server_listen(&server, "port"));
  hf_queue_options o = {.location = location, .busy_ms = 1000};
  OK(hf_queue_open(&o, &q));
  hf_queue_close(&q);
  EQ(redis_server_tell(&server, "EVAL %s 0",
                       "redis.call('SELECT', 3) return redis.call('EXISTS', '{p}:meta')"),
     1);
}
