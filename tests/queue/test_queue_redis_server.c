/* What a Redis server can do to a queue: go away, forget, fill up, be set up wrongly, answer nobody. */
#include "queue_faults.h"
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

/* ---- what any server may do ---- */

static void fault_folder(void) { redis_server_folder(&server); }
static void fault_start(void) { redis_server_again(&server, ""); }
static void fault_kill(void) { redis_server_kill(&server, SIGKILL); }
static void fault_path(const char *socket, char path[96]) { snprintf(path, 96, "%s/%s", server.folder, socket); }
static void fault_location(const char *socket, char location[256]) {
  snprintf(location, 256, "unix:%s/%s", server.folder, socket);
}
static const hf_fault_server faults = {fault_folder, {fault_start, fault_kill}, fault_location, fault_path};

Test(queue_redis_server, killed) { hf_fault_killed(&faults); }
Test(queue_redis_server, cut) { hf_fault_cut(&faults); }
Test(queue_redis_server, overtaken) { hf_fault_overtaken(&faults); }
Test(queue_redis_server, away) { hf_fault_away(&faults); }

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

/* A job whose record is damaged is buried with that cause, and ends no worker. */
Test(queue_redis_server, damaged_header) {
  fixture f;
  hf_attempt attempts[4];
  size_t count;
  start(&f);
  submit(&f, "alice", "j");
  redis_server_tell(&server, "HSET {hyperfold}:job:1 header garbage");
  for (int i = 0; i < 10; i++, f.now += 10000) {
    lease_none(&f, "w1");
    lease_none(&f, "w2");
  }
  EQ(stats_of(&f).jobs[HF_JOB_DEAD], 1);
  hf_job_key key = key_of("alice", "j");
  OK(hf_queue_attempts(f.q, &key, attempts, 4, &count));
  EQ(count, 3);
  EQ(attempts[0].code, HF_E_CHECKSUM);
  cr_assert(strstr(attempts[0].cause, "record"), "%s", attempts[0].cause);
  submit(&f, "alice", "k");
  lease_expect(&f, "w1", "k");
  fixture_close(&f);
}
