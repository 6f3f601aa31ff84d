/* The local backend against the conformance suite, and what is its own: damage,
 * foreign files, a full disk. */
#include "queue_fixture.h"

#include <hyperfold/file.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void local_make(char location[256]) {
  char folder[] = "/tmp/hf-queue-XXXXXX";
  cr_assert(mkdtemp(folder) != NULL);
  snprintf(location, 256, "local:%s/store", folder);
}

static void local_drop(const char *location) {
  char command[300];
  snprintf(command, sizeof command, "rm -rf '%.*s'", (int)strlen(location) - 12, location + 6);
  cr_assert(system(command) == 0);
}

static void local_check(const char *location) {
  char path[300];
  sqlite3 *db;
  sqlite3_stmt *statement;
  snprintf(path, sizeof path, "%s/queue.db", location + 6);
  cr_assert(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
  cr_assert(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &statement, NULL) == SQLITE_OK);
  cr_assert(sqlite3_step(statement) == SQLITE_ROW);
  cr_assert_str_eq((const char *)sqlite3_column_text(statement, 0), "ok");
  sqlite3_finalize(statement);
  /* The counters that triggers keep agree with the rows. */
  cr_assert(sqlite3_prepare_v2(
                db,
                "SELECT count(*) FROM tenants t WHERE EXISTS (SELECT 1 FROM"
                " (SELECT sum(state=0) a, sum(state=1) b, sum(state=2) c, sum(state=3) d, sum(state=4) e,"
                " sum(state=5) f FROM jobs WHERE tenant = t.name) WHERE (s0,s1,s2,s3,s4,s5) IS NOT"
                " (coalesce(a,0),coalesce(b,0),coalesce(c,0),coalesce(d,0),coalesce(e,0),coalesce(f,0)))",
                -1, &statement, NULL) == SQLITE_OK);
  cr_assert(sqlite3_step(statement) == SQLITE_ROW);
  EQ(sqlite3_column_int(statement, 0), 0);
  sqlite3_finalize(statement);
  sqlite3_close(db);
}

static const hf_queue_factory factory = {local_make, local_drop, local_check};

Test(queue_local, submit) { hf_case_submit(&factory); }
Test(queue_local, placement_and_order) {
  hf_case_placement(&factory);
  hf_case_order(&factory);
}
Test(queue_local, heartbeat_and_loss) {
  hf_case_heartbeat(&factory);
  hf_case_lost_worker(&factory);
}
Test(queue_local, results) { hf_case_results(&factory); }
Test(queue_local, failures_and_release) {
  hf_case_failures(&factory);
  hf_case_release(&factory);
}
Test(queue_local, refusals) {
  hf_case_refuse(&factory);
  hf_case_refused_to_death(&factory);
  hf_case_quarantine(&factory);
  hf_case_refuse_at_once(&factory);
}
Test(queue_local, cancel_and_deadline) {
  hf_case_cancel(&factory);
  hf_case_deadline(&factory);
}
Test(queue_local, fairness) { hf_case_fairness(&factory); }
Test(queue_local, time) {
  hf_case_long_job(&factory);
  hf_case_flood(&factory);
}
static void local_copy(fixture *f, char location[256]) {
  hf_backup copy;
  snprintf(location, 256, "%.200s-copy", f->location);
  OK(hf_queue_backup(f->q, location + 6, &copy));
  EQ(copy.jobs, 4);
  EQ(copy.artifacts, 1); /* the input of all; a result that no job has is not copied */
  EQ(copy.bytes, 9);
  EQ(copy.damaged, 0);
  GIVES(HF_E_EXISTS, hf_queue_backup(f->q, location + 6, &copy));
}
Test(queue_local, copies_and_readings) {
  hf_case_copy(&factory, local_copy);
  hf_case_readings(&factory);
}
/* Submits, proves and forgets, without end. */
static void live(const char *location) {
  hf_queue *q;
  hf_queue_options options = {.location = location};
  hf_worker worker = {.name = "w", .capability_count = 1, .capabilities = {{.circuit = "batch"}}};
  if (hf_queue_open(&options, &q) != HF_OK) _exit(1);
  for (unsigned i = 0;; i++) {
    char text[32];
    hf_lease lease;
    bool found = false;
    hf_digest result;
    hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .circuit = "batch"};
    int n = snprintf(text, sizeof text, "job-%u", i);
    if (hf_artifact_put(q, text, (size_t)n, &job.input_digest) != HF_OK ||
        hf_job_key_make("alice", text, (size_t)n, &job.key) != HF_OK || hf_queue_submit_one(q, &job, NULL) != HF_OK ||
        hf_queue_lease(q, &worker, &lease, &found) != HF_OK || !found ||
        hf_artifact_put(q, &i, sizeof i, &result) != HF_OK ||
        hf_queue_finish(q, &lease.header.key, lease.epoch, "w", &result, NULL) != HF_OK)
      _exit(2);
    /* All that ended is forgotten at once, and its artifacts with it, under the eyes of whoever copies. */
    if (i % 16 == 15 && hf_queue_collect(q, UINT64_MAX, UINT64_MAX, NULL, NULL, NULL, NULL) != HF_OK) _exit(3);
  }
}

/* Every job of a copy has its artifacts, whole, and its first lease has an epoch of its own: opening it was enough. */
static uint64_t look_at_copy(const char *location, uint64_t *epoch) {
  hf_queue *q;
  hf_queue_options options = {.location = location};
  hf_job_filter filter = {0};
  static hf_job_record page[64];
  uint64_t jobs = 0;
  OK(hf_queue_open(&options, &q));
  for (size_t count = 64; count == 64;) {
    OK(hf_queue_list(q, &filter, page, 64, &count));
    for (size_t i = 0; i < count; i++, jobs++) {
      const hf_digest *digests[] = {&page[i].header.input_digest, &page[i].result};
      for (int k = 0; k < 2; k++) {
        uint8_t *data;
        size_t length;
        if (hf_digest_is_zero(digests[k])) continue;
        OK(hf_artifact_get(q, digests[k], 100, &data, &length));
        free(data);
      }
      filter.after = page[i].sequence;
    }
  }
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .circuit = "new", .key = key_of("bob", "j")};
  hf_worker worker = {.name = "w", .capability_count = 1, .capabilities = {{.circuit = "new"}}};
  hf_lease lease;
  bool found;
  OK(hf_artifact_put(q, "x", 1, &job.input_digest));
  OK(hf_queue_submit_one(q, &job, NULL));
  OK(hf_queue_lease(q, &worker, &lease, &found));
  cr_assert(found);
  *epoch = lease.epoch;
  hf_queue_close(&q);
  local_check(location);
  return jobs;
}

static pid_t user;

static void end_user(void) {
  if (user > 0) {
    kill(user, SIGKILL);
    waitpid(user, NULL, 0);
  }
}

/* A store is copied again and again while another process uses it. */
Test(queue_local, copied_in_use, .fini = end_user) {
  char location[256], copy[300], command[1200];
  hf_queue *q, *other;
  hf_backup out;
  uint64_t epoch, last = 0, jobs = 0;
  hf_queue_options options = {.location = location};
  local_make(location);
  OK(hf_queue_open(&options, &q));
  user = fork();
  if (user == 0) live(location);
  for (int i = 0; i < 8; i++) {
    snprintf(copy, sizeof copy, "%.200s-copy-%d", location, i);
    OK(hf_queue_backup(q, copy + 6, &out));
    EQ(out.damaged, 0);
    uint64_t there = look_at_copy(copy, &epoch);
    EQ(there, out.jobs);
    jobs += there;
    cr_assert(epoch > last && epoch > 1000000);
    last = epoch;
    nanosleep(&(struct timespec){0, 30000000}, NULL);
  }
  cr_assert(jobs > 0, "all copies were of an empty store");
  EQ(waitpid(user, NULL, WNOHANG), 0); /* it has met no error */
  end_user();
  user = 0;

  /* The same copy put back twice: each of them goes on with epochs of its own. */
  snprintf(copy, sizeof copy, "%.200s-copy", location);
  OK(hf_queue_backup(q, copy + 6, &out));
  snprintf(command, sizeof command, "cp -r '%s' '%s-b'", copy + 6, copy + 6);
  cr_assert(system(command) == 0);
  look_at_copy(copy, &last);
  nanosleep(&(struct timespec){0, 5000000}, NULL);
  strcat(copy, "-b");
  look_at_copy(copy, &epoch);
  cr_assert(epoch > last + 1024);

  /* An artifact that is damaged is left out and said; the rest is copied. */
  hf_job_header job = {.kind = HF_JOB_PROVE_BATCH, .circuit = "batch", .key = key_of("bob", "damaged")};
  char path[400], hex[HF_DIGEST_HEX];
  OK(hf_artifact_put(q, "damaged", 7, &job.input_digest));
  OK(hf_queue_submit_one(q, &job, NULL));
  hf_digest_hex(&job.input_digest, hex);
  snprintf(path, sizeof path, "%s/artifacts/%.2s/%s", location + 6, hex, hex + 2);
  cr_assert(chmod(path, 0600) == 0 && truncate(path, 3) == 0);
  snprintf(copy, sizeof copy, "%.200s-damaged", location);
  GIVES(HF_E_CHECKSUM, hf_queue_backup(q, copy + 6, &out));
  cr_assert(out.damaged == 1 && strstr(hf_error_message(), hex), "%s", hf_error_message());
  options.location = copy;
  OK(hf_queue_open(&options, &other));
  hf_queue_close(&other);

  /* Nothing is left of one that cannot be made. */
  GIVES(HF_E_NOT_FOUND, hf_queue_backup(q, "/nowhere/copy", &out));
  GIVES(HF_E_EXISTS, hf_queue_backup(q, copy + 6, &out));
  snprintf(command, sizeof command, "test -z \"$(find '%.*s' -name '*.part')\"", (int)strlen(location) - 12, location + 6);
  cr_assert(system(command) == 0);
  hf_queue_close(&q);
  local_drop(location);
}

Test(queue_local, quota_and_views) {
  hf_case_quota(&factory);
  hf_case_drain(&factory);
  hf_case_views(&factory);
  hf_case_wait(&factory);
}
Test(queue_local, artifacts) {
  hf_case_artifacts(&factory);
  hf_case_collect(&factory);
  hf_case_collect_keeps(&factory);
}
Test(queue_local, many_processes) { hf_case_many_processes(&factory); }
Test(queue_local, kill) { hf_case_kill(&factory, getenv("HF_SOAK") ? 100 : 10); }

Test(queue_local, foreign_and_damaged_files) {
  fixture f;
  fixture_open(&f, &factory);
  hf_queue *other;
  char path[400], folder[256], hex[HF_DIGEST_HEX];
  strcpy(folder, f.location + 6);

  /* An artifact whose bytes changed on the disk is never handed out, and a put repairs it. */
  hf_digest_hex(&f.input, hex);
  snprintf(path, sizeof path, "%s/artifacts/%.2s/%s", folder, hex, hex + 2);
  cr_assert(chmod(path, 0600) == 0);
  int fd = open(path, O_WRONLY);
  cr_assert(fd >= 0 && pwrite(fd, "T", 1, 0) == 1);
  close(fd);
  uint8_t *data;
  size_t length;
  GIVES(HF_E_CHECKSUM, hf_artifact_get(f.q, &f.input, 100, &data, &length));
  cr_assert(data == NULL && strstr(hf_error_message(), hex + 2));
  OK(hf_artifact_put(f.q, "the input", 9, &f.input));
  OK(hf_artifact_get(f.q, &f.input, 100, &data, &length));
  free(data);

  /* A result that is damaged on the disk is refused, and no worker is blamed for it. */
  submit(&f, "alice", "j");
  hf_lease lease = lease_expect(&f, "w1", "j");
  hf_digest result = result_of(&f, "a proof");
  hf_finish_outcome outcome;
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &result, &outcome));
  hf_digest_hex(&result, hex);
  snprintf(path, sizeof path, "%s/artifacts/%.2s/%s", folder, hex, hex + 2);
  cr_assert(chmod(path, 0600) == 0 && truncate(path, 3) == 0);
  damaged_result(&f, &lease.header.key, &result);

  /* A plain folder name is a local queue too; other schemes are not known. */
  hf_queue_options options = fixture_options(&f);
  options.location = folder;
  OK(hf_queue_open(&options, &other));
  hf_queue_close(&other);
  options.location = "carrier-pigeon:roof";
  GIVES(HF_E_UNSUPPORTED, hf_queue_open(&options, &other));
  options.location = "";
  GIVES(HF_E_ARGUMENT, hf_queue_open(&options, &other));
  options.location = "local:/proc/nowhere/store";
  cr_assert(hf_queue_open(&options, &other) != HF_OK && other == NULL);

  /* Another program's database, a future format, and garbage. */
  sqlite3 *db;
  const char *const files[] = {"foreign", "future", "garbage"};
  const hf_status wanted[] = {HF_E_FORMAT, HF_E_VERSION, HF_E_CHECKSUM};
  for (int i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    cr_assert(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/%s/queue.db", folder, files[i]);
    if (i < 2) {
      cr_assert(sqlite3_open(path, &db) == SQLITE_OK);
      const char *text = i ? "CREATE TABLE t (x); PRAGMA application_id = 1212566097; PRAGMA user_version = 1000"
                           : "CREATE TABLE t (x)";
      cr_assert(sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK);
      sqlite3_close(db);
    } else {
      FILE *file = fopen(path, "w");
      for (int j = 0; j < 5000; j++) fputs("garbage ", file);
      fclose(file);
    }
    snprintf(path, sizeof path, "local:%s/%s", folder, files[i]);
    options.location = path;
    GIVES(wanted[i], hf_queue_open(&options, &other));
    cr_assert(other == NULL);
  }
  fixture_close(&f);
}

/* A store of format 1 is brought to this one when it is opened, by one process or several at once, and knows all that
 * is new. */
Test(queue_local, old_format) {
  char location[256], path[400], id[33] = "";
  uint8_t *text;
  size_t length, count;
  sqlite3 *db;
  hf_queue *q[2];
  hf_job_record record;
  hf_queue_refusal refusal;
  hf_job_key mine = key_of("default", "mine");
  local_make(location);
  cr_assert(mkdir(location + 6, 0700) == 0);
  OK(hf_file_read(HF_SOURCE_DIR "/tests/queue/store_1.sql", 1 << 20, &text, &length));
  char *sql = strndup((const char *)text, length);
  snprintf(path, sizeof path, "%s/queue.db", location + 6);
  cr_assert(sqlite3_open(path, &db) == SQLITE_OK);
  cr_assert(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s", sqlite3_errmsg(db));
  free(text);
  free(sql);
  hf_queue_options options = {.location = location};
  for (int i = 0; i < 2; i++) OK(hf_queue_open(&options, &q[i])); /* the second finds it done */
  OK(hf_queue_get(q[1], &mine, &record));
  EQ(record.state, HF_JOB_DONE);
  EQ(record.used_ms, 32);
  hf_lease lease;
  hf_digest lie;
  bool found;
  hf_worker_record worker;
  hf_worker other = {.name = "new-worker",
                     .capability_count = 1,
                     .capabilities = {{.circuit = "example"}},
                     .device_memory = 1 << 30};
  OK(hf_queue_refuse(q[1], &mine, &record.result, NULL, &refusal)); /* its artifact did not come along */
  EQ(refusal.state, HF_JOB_QUEUED);
  EQ(refusal.strikes, 0);
  cr_assert_str_eq(refusal.worker, "old-worker");
  hf_tenant_stats tenant;
  OK(hf_queue_tenants(q[0], NULL, &tenant, 1, &count));
  EQ(tenant.proved_ms, 32);
  EQ(tenant.refused_ms, 0); /* what a result of that time was metered with is not known */
  OK(hf_queue_lease(q[0], &other, &lease, &found));
  cr_assert(found && hf_job_key_eq(&lease.header.key, &mine));
  OK(hf_artifact_put(q[0], "a lie", 5, &lie));
  OK(hf_queue_finish(q[0], &mine, lease.epoch, "old-worker", &lie, NULL));
  OK(hf_queue_refuse(q[1], &mine, &lie, NULL, &refusal));
  OK(hf_queue_workers(q[0], 0, "new-worker", &worker, 1, &count));
  cr_assert_str_eq(worker.worker.name, "old-worker");
  EQ(worker.strikes, 1);
  EQ(worker.worker.capability_count, 2);
  for (int i = 0; i < 2; i++) hf_queue_close(&q[i]);
  sqlite3_stmt *statement;
  cr_assert(sqlite3_prepare_v2(db, "SELECT hex(identity) FROM totals", -1, &statement, NULL) == SQLITE_OK);
  cr_assert(sqlite3_step(statement) == SQLITE_ROW);
  snprintf(id, sizeof id, "%s", (const char *)sqlite3_column_text(statement, 0));
  cr_assert(strlen(id) == 32 && strspn(id, "0") < 32, "the store is nobody: %s", id);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  local_check(location);
  local_drop(location);
}

/* The linker gives these to SQLite and to the library in place of libc's: they count
 * what is forced to the disk, and fail as a disk fails. */
static unsigned syncs;
static bool disk_is_broken;

static int counted_sync(long number, int fd) {
  syncs++;
  if (!disk_is_broken) return (int)syscall(number, fd);
  errno = EIO;
  return -1;
}
int fsync(int fd) { return counted_sync(SYS_fsync, fd); }
int fdatasync(int fd) { return counted_sync(SYS_fdatasync, fd); }

/* Accepted means that it was forced to the disk before the call returned, and that
 * a disk which could not do that is not believed. */
Test(queue_local, durable) {
  fixture f;
  fixture_open(&f, &factory);
  hf_digest digest;
  hf_finish_outcome outcome;
  hf_job_header job = job_of(&f, "alice", "j");
  unsigned before = syncs;
  OK(hf_queue_submit_one(f.q, &job, NULL));
  cr_assert(syncs > before, "submit returned before its commit was on the disk");
  before = syncs;
  hf_lease lease = lease_expect(&f, "w1", "j");
  cr_assert(syncs > before);
  before = syncs;
  OK(hf_artifact_put(f.q, "a proof", 7, &digest));
  cr_assert(syncs >= before + 2, "the file and its folder"); /* plus a new xx/ in artifacts/ */
  before = syncs;
  OK(hf_artifact_put(f.q, "a proof", 7, &digest));
  cr_assert(syncs >= before + 1, "the folder, in case the first writer was killed before that");
  before = syncs;
  OK(hf_queue_finish(f.q, &lease.header.key, lease.epoch, "w1", &digest, &outcome));
  cr_assert(syncs > before);
  before = syncs;
  lease_none(&f, "w1");
  EQ(syncs, before); /* looking costs nothing */

  disk_is_broken = true;
  hf_job_header second = job_of(&f, "alice", "k");
  GIVES(HF_E_IO, hf_queue_submit_one(f.q, &second, NULL));
  GIVES(HF_E_IO, hf_artifact_put(f.q, "another proof", 13, &digest));
  disk_is_broken = false;
  hf_job_record record;
  GIVES(HF_E_NOT_FOUND, hf_queue_get(f.q, &second.key, &record));
  OK(hf_queue_submit_one(f.q, &second, NULL));
  EQ(record_of(&f, "alice", "j").state, HF_JOB_DONE);
  fixture_close(&f);
}

/* The disk fills up: simulated by the limit on file sizes, which write(2) meets as it meets a full disk. */
Test(queue_local, full_disk) {
  fixture f;
  fixture_open(&f, &factory);
  signal(SIGXFSZ, SIG_IGN);
  struct rlimit limit = {400 << 10, RLIM_INFINITY}, before;
  cr_assert(getrlimit(RLIMIT_FSIZE, &before) == 0);
  limit.rlim_max = before.rlim_max;
  cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);

  char id[32];
  unsigned accepted = 0;
  hf_status status = HF_OK;
  hf_submission results[7];
  hf_job_header batch[7];
  while (status == HF_OK && accepted < 100000) {
    for (unsigned i = 0; i < 7; i++) {
      snprintf(id, sizeof id, "job%06u", accepted + i);
      batch[i] = job_of(&f, "alice", id);
    }
    status = hf_queue_submit(f.q, batch, 7, results);
    if (status == HF_OK) accepted += 7;
  }
  cr_assert(status == HF_E_FULL, "%u jobs, then %d: %s", accepted, (int)status, hf_error_message());
  cr_assert(accepted > 0);
  GIVES(HF_E_FULL, hf_queue_submit(f.q, batch, 7, results)); /* it stays refused, and stays alive */
  uint8_t *large = calloc(1, 500 << 10);
  hf_digest digest, wanted = hf_digest_bytes(large, 500 << 10);
  bool has;
  GIVES(HF_E_FULL, hf_artifact_put(f.q, large, 500 << 10, &digest));
  OK(hf_artifact_has(f.q, &wanted, &has));
  cr_assert(!has);
  char command[400];
  snprintf(command, sizeof command, "test -z \"$(find '%s' -name '*.tmp')\"", f.location + 6);
  cr_assert(system(command) == 0, "a temporary file was left behind");
  /* Reading goes on. */
  EQ(record_of(&f, "alice", "job000000").state, HF_JOB_QUEUED);
  EQ(stats_of(&f).jobs[HF_JOB_QUEUED], accepted);

  cr_assert(setrlimit(RLIMIT_FSIZE, &before) == 0);
  OK(hf_queue_submit(f.q, batch, 7, results)); /* the refused ones, again */
  for (int i = 0; i < 7; i++) cr_assert(results[i].status == HF_OK && results[i].created);
  OK(hf_artifact_put(f.q, large, 500 << 10, &digest));
  free(large);
  hf_queue_close(&f.q);
  hf_queue_options options = fixture_options(&f);
  OK(hf_queue_open(&options, &f.q));
  for (unsigned i = 0; i < accepted + 7; i++) {
    snprintf(id, sizeof id, "job%06u", i);
    EQ(record_of(&f, "alice", id).state, HF_JOB_QUEUED);
  }
  EQ(stats_of(&f).jobs[HF_JOB_QUEUED], accepted + 7);
  fixture_close(&f);
}
