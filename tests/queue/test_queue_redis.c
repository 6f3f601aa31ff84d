/* The Redis backend against the conformance suite, on a real server. With HF_TEST_TLS over TLS, where both
 * sides show certificates. */
#include "queue_fixture.h"
#include "redis_server.h"
#ifdef HF_TEST_TLS
#include "redis_tls.h"
#endif

static redis_server server, second; /* of this test's process; the second goes on from a copy of the first one's files */
#ifdef HF_TEST_TLS
static int port;
#endif

/* The store of a test, as the user that deploy/redis has for it. */
static void redis_make(char location[256]) {
  if (server.pid == 0) {
    char options[128];
    redis_server_folder(&server);
    redis_server_users(&server, "hyperfold");
    snprintf(options, sizeof options, "--aclfile %s/users", server.folder);
#ifdef HF_TEST_TLS
    port = redis_tls_start(&server, options);
#else
    redis_server_again(&server, options);
#endif
  }
#ifdef HF_TEST_TLS
  char files[160];
  redis_tls_options(&server, "client", files);
  int n = snprintf(location, 256, "rediss://hyperfold@127.0.0.1:%d?password-file=%s/password&%s", port,
                   server.folder, files);
  cr_assert(n < 256);
#else
  snprintf(location, 256, "unix:%s/s?user=hyperfold&password-file=%s/password", server.folder, server.folder);
#endif
}

/* As README.md says: no rewriting meanwhile, then the append-only folder is copied under the running server. */
static void redis_copy(fixture *f, char location[256]) {
  char command[200], options[128];
  (void)f;
  redis_server_tell(&server, "CONFIG SET auto-aof-rewrite-percentage 0");
  redis_server_folder(&second);
  redis_server_users(&second, "hyperfold");
  snprintf(command, sizeof command, "cp -r %s/appendonlydir %s/", server.folder, second.folder);
  cr_assert(system(command) == 0);
  redis_server_tell(&server, "CONFIG SET auto-aof-rewrite-percentage 100");
  snprintf(options, sizeof options, "--aclfile %s/users", second.folder);
  redis_server_again(&second, options);
  snprintf(location, 256, "unix:%s/s?user=hyperfold&password-file=%s/password", second.folder, second.folder);
}

static void redis_drop(const char *location) {
  (void)location;
  redis_server_tell(&server, "FLUSHALL");
}

/* Recounts a store from its jobs, in a script that shares nothing with those of the backend: the number of
 * things that are not what the jobs say. */
static const char recount[] =
    "local P, wrong, counts, tenants, refs = ARGV[1], 0, {}, {}, {}\n"
    "local function is(a, b) if tostring(a) ~= tostring(b) then wrong = wrong + 1 end end\n"
    "local jobs = {}\n"
    "for i, key in ipairs(redis.call('KEYS', P..'job:*')) do jobs[i] = key:sub(#P + 5) end\n"
    "local sets = {[1] = 'expiry', [2] = 'ended', [3] = 'ended', [4] = 'ended'}\n"
    "for s = 0, 5 do counts[s] = 0 end\n"
    "local lanes, lane_jobs, due = {}, 0, 0\n"
    "for _, seq in ipairs(jobs) do\n"
    "  local f = redis.call('HMGET', P..'job:'..seq, 'state', 'tenant', 'id', 'input', 'result', 'lane', "
    "'due')\n"
    "  local s = tonumber(f[1])\n"
    "  counts[s] = counts[s] + 1\n"
    "  tenants[f[2]] = tenants[f[2]] or {[0] = 0, 0, 0, 0, 0, 0}\n"
    "  tenants[f[2]][s] = tenants[f[2]][s] + 1\n"
    "  is(redis.call('HGET', P..'ids:'..f[2], f[3]), seq)\n"
    "  refs[f[4]] = (refs[f[4]] or 0) + 1\n"
    "  if f[5] and f[5] ~= '' then refs[f[5]] = (refs[f[5]] or 0) + 1 end\n"
    "  is(f[5] and f[5] ~= '' or false, s == 2)\n"
    "  for n = 0, 5 do is(redis.call('ZSCORE', P..'state:'..n, seq) and true or false, n == s) end\n"
    "  for _, set in ipairs({'expiry', 'ended'}) do\n"
    "    is(redis.call('ZSCORE', P..set, seq) and true or false, sets[s] == set)\n"
    "  end\n"
    "  is(redis.call('ZSCORE', P..'due', seq) and true or false, s < 2 and f[7] ~= '0')\n"
    "  if s == 0 then lanes[f[2]..':'..f[6]] = (lanes[f[2]..':'..f[6]] or 0) + 1 end\n"
    "end\n"
    "for s = 0, 5 do\n"
    "  is(redis.call('HGET', P..'meta', 's'..s), counts[s])\n"
    "  is(redis.call('ZCARD', P..'state:'..s), counts[s])\n"
    "end\n"
    "for lane, n in pairs(lanes) do is(redis.call('ZCARD', P..'lane:'..lane), n) end\n"
    "for _, t in ipairs(redis.call('ZRANGE', P..'tenants', 0, -1)) do\n"
    "  for s = 0, 5 do is(redis.call('HGET', P..'tenant:'..t, 's'..s), tenants[t] and tenants[t][s] or 0) "
    "end\n"
    "  is(redis.call('ZSCORE', P..'active', t) and true or false, tenants[t] ~= nil and tenants[t][0] > 0)\n"
    "  for _, l in ipairs(redis.call('SMEMBERS', P..'lanes:'..t)) do is(lanes[t..':'..l] ~= nil, true) end\n"
    "end\n"
    "for _, key in ipairs(redis.call('KEYS', P..'artifact:*')) do\n"
    "  local a = key:sub(#P + 10)\n"
    "  is(redis.call('HGET', key, 'refs'), refs[a] or 0)\n"
    "  is(redis.call('ZSCORE', P..'loose', a) and true or false, not refs[a])\n"
    "  refs[a] = nil\n"
    "end\n"
    "for _ in pairs(refs) do wrong = wrong + 1 end\n"
    "is(redis.call('ZCARD', P..'uploads'), 0)\n"
    "is(redis.call('HGET', P..'meta', 'submitted') or 0, redis.call('HGET', P..'meta', 'sequence'))\n"
    "return wrong\n";

static void redis_check(const char *location) {
  (void)location;
  EQ(redis_server_tell(&server, "EVAL %s 0 %s", recount, "{hyperfold}:"), 0);
}

static const hf_queue_factory factory = {redis_make, redis_drop, redis_check};

static void finish_test(void) {
  if (second.pid) redis_server_stop(&second);
  if (server.pid) redis_server_stop(&server);
}
TestSuite(queue_redis, .init = redis_server_need, .fini = finish_test);

Test(queue_redis, submit) { hf_case_submit(&factory); }
Test(queue_redis, placement_and_order) {
  hf_case_placement(&factory);
  hf_case_order(&factory);
}
Test(queue_redis, heartbeat_and_loss) {
  hf_case_heartbeat(&factory);
  hf_case_lost_worker(&factory);
}
Test(queue_redis, results) { hf_case_results(&factory); }
Test(queue_redis, failures_and_release) {
  hf_case_failures(&factory);
  hf_case_release(&factory);
}
Test(queue_redis, refusals) {
  hf_case_refuse(&factory);
  hf_case_refused_to_death(&factory);
  hf_case_quarantine(&factory);
  hf_case_refuse_at_once(&factory);
}
/* A store as the first format left it is brought to this one when it is opened. */
Test(queue_redis, old_format) {
  fixture f;
  fixture_open(&f, &factory);
  hf_digest result = result_of(&f, "a proof");
  hf_finish_outcome outcome;
  submit(&f, "alice", "j");
  hf_lease lease = lease_expect(&f, "w1", "j");
  f.now += 50;
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  redis_server_tell(&server, "HDEL {hyperfold}:job:1 proved");
  redis_server_tell(&server, "HDEL {hyperfold}:meta identity");
  redis_server_tell(&server, "HSET {hyperfold}:meta format 1");
  GIVES(HF_E_FORMAT, hf_queue_refuse(f.q, &lease.header.key, &result, "", NULL));
  hf_queue_close(&f.q);
  hf_queue_options options = fixture_options(&f);
  OK(hf_queue_open(&options, &f.q));
  EQ(redis_server_tell(&server, "HSTRLEN {hyperfold}:meta identity"), 32);
  OK(hf_queue_refuse(f.q, &lease.header.key, &result, "", NULL));
  hf_tenant_stats tenant;
  size_t count;
  OK(hf_queue_tenants(f.q, NULL, &tenant, 1, &count));
  EQ(tenant.proved_ms, 50);
  EQ(tenant.refused_ms, 0);
  redis_server_tell(&server, "HSET {hyperfold}:meta format 3");
  hf_queue *other;
  GIVES(HF_E_VERSION, hf_queue_open(&options, &other));
  redis_server_tell(&server, "HSET {hyperfold}:meta format 2");
  fixture_close(&f);
}
/* What somebody else has written on the server does not command a terminal. */
Test(queue_redis, texts) {
  fixture f;
  fixture_open(&f, &factory);
  submit(&f, "alice", "j");
  static const char command[] = "return redis.call('HSET', KEYS[1], 'cause', 'no\\27[31m, \\194\\15531m')";
  redis_server_tell(&server, "EVAL %s 1 {hyperfold}:job:1", command);
  cr_assert_str_eq(record_of(&f, "alice", "j").cause, "no?[31m, ?31m");
  fixture_close(&f);
}
/* A damaged record, which a script stumbles over, holds up nobody: every lease call looks at leases that ran out. */
Test(queue_redis, damaged_deadline) {
  fixture f;
  hf_job_record record;
  fixture_open(&f, &factory);
  submit(&f, "alice", "damaged");
  lease_expect(&f, "w1", "damaged");
  redis_server_tell(&server, "HSET {hyperfold}:job:1 due soon");
  submit(&f, "alice", "j");
  f.now += 31000;
  lease_expect(&f, "w2", "j");
  redis_server_tell(&server, "HSET {hyperfold}:job:1 due 0");
  record = record_of(&f, "alice", "damaged");
  EQ(record.state, HF_JOB_DEAD);
  cr_assert(strstr(record.cause, "damaged"), "%s", record.cause);
  fixture_close(&f);
}
/* A script that ends in the middle leaves a store that goes on: no number of a job or an event is used twice. */
Test(queue_redis, broken_off) {
  fixture f;
  fixture_open(&f, &factory);
  submit(&f, "alice", "first");
  submit(&f, "bob", "first");
  redis_server_tell(&server, "HSET {hyperfold}:tenant:bob quota none");
  hf_job_header jobs[] = {job_of(&f, "alice", "half"), job_of(&f, "bob", "not")};
  hf_submission results[2];
  GIVES(HF_E_INTERNAL, hf_queue_submit(f.q, jobs, 2, results));
  redis_server_tell(&server, "HSET {hyperfold}:tenant:bob quota 0");
  hf_job_record half, next;
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &jobs[0].key, &half)); /* every job is decided before the first is written */
  OK(hf_queue_submit_one(f.q, &jobs[1], NULL));
  OK(hf_queue_submit_one(f.q, &jobs[0], NULL)); /* the same submission again, as after any error */
  OK(hf_queue_get(f.q, &jobs[0].key, &half));
  OK(hf_queue_get(f.q, &jobs[1].key, &next));
  cr_assert(hf_job_key_eq(&half.header.key, &jobs[0].key) && hf_job_key_eq(&next.header.key, &jobs[1].key),
            "two jobs have one record");
  cr_assert_neq(half.sequence, next.sequence);
  hf_event events[8];
  size_t count;
  OK(hf_queue_events(f.q, 0, events, 8, &count));
  EQ(count, 4);
  fixture_close(&f);
}
/* A tenant whose record is damaged takes nothing with him, wherever in a submission he stands. */
Test(queue_redis, broken_tenant) {
  fixture f;
  hf_submission results[3];
  hf_queue_stats stats;
  fixture_open(&f, &factory);
  OK(hf_queue_set_tenant(f.q, "bob", 1, 10));
  redis_server_tell(&server, "HSET {hyperfold}:tenant:bob vtime soon");
  redis_server_tell(&server, "HSET {hyperfold}:meta vtime 5");
  hf_job_header jobs[] = {job_of(&f, "alice", "a"), job_of(&f, "bob", "b"), job_of(&f, "carol", "c")};
  GIVES(HF_E_INTERNAL, hf_queue_submit(f.q, jobs, 3, results));
  OK(hf_queue_get_stats(f.q, &stats));
  EQ(stats.submitted, 0);
  EQ(redis_server_tell(&server, "EXISTS {hyperfold}:job:1 {hyperfold}:ids:alice {hyperfold}:events"), 0);
  redis_server_tell(&server, "HSET {hyperfold}:tenant:bob vtime 0");
  OK(hf_queue_submit(f.q, jobs, 3, results));
  for (int i = 0; i < 3; i++) cr_assert(results[i].status == HF_OK && results[i].created);
  fixture_close(&f);
}
/* More jobs than one command of the script takes; several tenants, lanes, inputs and deadlines; the same job and the same name again. */
Test(queue_redis, long_submission) {
  enum { JOBS = 1300 };
  fixture f;
  fixture_open(&f, &factory);
  hf_job_header *jobs = calloc(JOBS, sizeof *jobs);
  hf_submission *results = calloc(JOBS, sizeof *results);
  cr_assert(jobs && results);
  for (int i = 0; i < JOBS; i++) {
    char id[16];
    snprintf(id, sizeof id, "%d", i % 10 == 9 ? i - 1 : i);
    jobs[i] = job_of(&f, i < 1200 ? "alice" : "bob", id);
    jobs[i].priority = i % 3;
    jobs[i].deadline_ms = i % 7 ? 0 : f.now + 1000000;
    if (i % 4 == 1) jobs[i].host_memory = 1 << 20;
    if (i % 20 == 9) jobs[i] = jobs[i - 1];
    else if (i % 10 == 9) OK(hf_job_set_parameter(&jobs[i], "slots", 61));
  }
  OK(hf_queue_submit(f.q, jobs, JOBS, results));
  for (int i = 0; i < JOBS; i++) {
    EQ(results[i].status, i % 20 == 19 ? HF_E_EXISTS : HF_OK);
    EQ(results[i].created, i % 10 != 9);
  }
  hf_queue_stats stats;
  OK(hf_queue_get_stats(f.q, &stats));
  EQ(stats.submitted, JOBS * 9 / 10);
  EQ(stats.resubmitted, JOBS / 20);
  EQ(stats.conflicts, JOBS / 20);
  hf_event event;
  size_t count;
  OK(hf_queue_events(f.q, JOBS * 9 / 10 - 1, &event, 1, &count));
  EQ(count, 1);
  EQ(event.sequence, JOBS * 9 / 10);
  cr_assert(hf_job_key_eq(&event.key, &jobs[JOBS - 2].key));
  free(jobs);
  free(results);
  fixture_close(&f);
}
/* A result that the server no longer holds as it was is refused, and no worker is blamed for it. */
Test(queue_redis, damaged_result) {
  fixture f;
  fixture_open(&f, &factory);
  hf_digest result = result_of(&f, "a proof");
  hf_finish_outcome outcome;
  char hex[HF_DIGEST_HEX];
  submit(&f, "alice", "j");
  hf_lease lease = lease_expect(&f, "w1", "j");
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  hf_digest_hex(&result, hex);
  redis_server_tell(&server, "SET {hyperfold}:chunk:%s:0 a-lie", hex);
  damaged_result(&f, &lease.header.key, &result);
  fixture_close(&f);
}
Test(queue_redis, cancel_and_deadline) {
  hf_case_cancel(&factory);
  hf_case_deadline(&factory);
}
Test(queue_redis, fairness) { hf_case_fairness(&factory); }
Test(queue_redis, time) {
  hf_case_long_job(&factory);
  hf_case_flood(&factory);
}
Test(queue_redis, copies_and_readings) {
  hf_case_copy(&factory, redis_copy);
  hf_case_readings(&factory);
  fixture f;
  fixture_open(&f, &factory);
  GIVES(HF_E_UNSUPPORTED, hf_queue_backup(f.q, "/tmp/hf-no-copy", NULL));
  fixture_close(&f);
}
Test(queue_redis, quota_and_views) {
  hf_case_quota(&factory);
  hf_case_drain(&factory);
  hf_case_views(&factory);
  hf_case_wait(&factory);
}
Test(queue_redis, artifacts) {
  hf_case_artifacts(&factory);
  hf_case_collect(&factory);
  hf_case_collect_keeps(&factory);
}
Test(queue_redis, many_processes) { hf_case_many_processes(&factory); }
Test(queue_redis, kill) { hf_case_kill(&factory, getenv("HF_SOAK") ? 100 : 10); }
