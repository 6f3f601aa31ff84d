/* Bytes that change on the disk: an input before it is proven, a result before it is taken, any bit of a
 * local store's database, a Redis server's append-only file cut short and flipped in its middle. What is
 * damaged is found and named; what is handed out as a result verifies, or is refused. */
#include "books.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FLIPS     (hf_soak() ? 3000u : 200u) /* of single bits in a database */
#define AOF_FLIPS (hf_soak() ? 300u : 20u)
#define JOBS      12u
#define DONE      8u
#define LEASE_S   5u

static fleet f;

static void finish(void) { fleet_close(&f); }
TestSuite(fleet_damage, .fini = finish);

static uint64_t draw(uint64_t below) {
  static uint64_t state = 1;
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (state >> 16) % below;
}

static hf_job_record wait_state(unsigned job, hf_job_state state) {
  hf_job_record record = {0};
  for (int i = 0; i < 6000; i++) {
    record = fleet_record(&f, job);
    if (record.state == state) return record;
    fleet_alive(&f);
    fleet_pause(10);
  }
  cr_assert_fail("job %u is %s: %s", job, hf_job_state_text(record.state), record.cause);
  return record;
}

/* ---- artifacts ---- */

typedef enum damage { FLIPPED, CUT_SHORT, GONE, DAMAGES } damage;

static void damage_artifact(const hf_digest *digest, damage how) {
  char hex[HF_DIGEST_HEX], path[300];
  hf_digest_hex(digest, hex);
  if (f.engine.kind == &engine_redis) {
    if (how == GONE) {
      redis_server_tell(&f.engine.redis, "DEL {hyperfold}:chunk:%s:0", hex);
    } else if (how == FLIPPED) {
      redis_server_tell(&f.engine.redis, "SETBIT {hyperfold}:chunk:%s:0 77 1", hex);
      redis_server_tell(&f.engine.redis, "SETBIT {hyperfold}:chunk:%s:0 78 0", hex);
      redis_server_tell(&f.engine.redis, "SETBIT {hyperfold}:chunk:%s:0 79 1", hex);
      redis_server_tell(&f.engine.redis, "SETBIT {hyperfold}:chunk:%s:0 80 1", hex);
    } else {
      redis_server_tell(&f.engine.redis, "SET {hyperfold}:chunk:%s:0 short", hex);
    }
    return;
  }
  snprintf(path, sizeof path, "%s/artifacts/%.2s/%s", f.engine.store, hex, hex + 2);
  if (how == GONE) {
    cr_assert_eq(unlink(path), 0);
  } else if (how == CUT_SHORT) {
    cr_assert_eq(truncate(path, 50), 0);
  } else {
    uint8_t byte;
    int fd = open(path, O_RDWR);
    cr_assert(fd >= 0 && pread(fd, &byte, 1, 9) == 1);
    byte ^= 16;
    cr_assert_eq(pwrite(fd, &byte, 1, 9), 1);
    close(fd);
  }
}

static void artifacts(const engine_kind *kind) {
  unsigned job = 0;
  hf_status found[2][DAMAGES];
  fleet_open(&f, kind, NULL, LEASE_S);
  for (damage how = 0; how < DAMAGES; how++, job++) {
    /* an input, before any worker comes by */
    hf_job_header header = fleet_job(&f, job);
    OK(fleet_submit(f.queue, &f, job));
    damage_artifact(&header.input_digest, how);
    fleet_worker_start(&f, 0, "");
    fleet_worker_start(&f, 1, "");
    hf_job_record dead = wait_state(job, HF_JOB_DEAD);
    hf_attempt attempts[8];
    size_t count;
    OK(hf_queue_attempts(f.queue, &header.key, attempts, 8, &count));
    cr_assert_geq(count, 3);
    found[0][how] = (hf_status)attempts[0].code;
    cr_assert(dead.cause[0] != 0 && (attempts[0].code == HF_E_CHECKSUM || attempts[0].code == HF_E_NOT_FOUND),
              "%s", dead.cause);
    /* put again, it is whole */
    OK(fleet_put(f.queue, job));
    OK(hf_queue_requeue(f.queue, &header.key, 0));
    hf_job_record done = wait_state(job, HF_JOB_DONE);
    OK(fleet_verify(&f, f.queue, job, &done.result));
    fleet_stop(&f);
    /* a result, before it is taken */
    damage_artifact(&done.result, how);
    found[1][how] = fleet_verify(&f, f.queue, job, &done.result);
    cr_assert(found[1][how] == HF_E_CHECKSUM || found[1][how] == HF_E_NOT_FOUND, "%s", hf_error_message());
    char hex[HF_DIGEST_HEX];
    hf_digest_hex(&done.result, hex);
    cr_assert(strstr(hf_error_message(), hex + 2) != NULL, "%s", hf_error_message());
  }
  fprintf(stderr,
          "fleet/damage %s: an input flipped (%s), cut short (%s), gone (%s): a dead letter with that cause "
          "after 3 attempts, proven when put again; "
          "the same of a result: %s, %s, %s to whoever takes it\n",
          kind->name, hf_status_text(found[0][0]), hf_status_text(found[0][1]), hf_status_text(found[0][2]),
          hf_status_text(found[1][0]), hf_status_text(found[1][1]), hf_status_text(found[1][2]));
}

Test(fleet_damage, artifacts_local) { artifacts(&engine_local); }
Test(fleet_damage, artifacts_redis) { artifacts(&engine_redis); }
Test(fleet_damage, artifacts_zmq) { artifacts(&engine_zmq); }

/* ---- the store itself ---- */

/* DONE jobs that are done, and some that wait. */
static void make_store(const engine_kind *kind, hf_job_record records[JOBS]) {
  size_t count;
  hf_job_filter all = {0};
  fleet_open(&f, kind, NULL, LEASE_S);
  for (unsigned i = 0; i < DONE; i++) OK(fleet_submit(f.queue, &f, i));
  fleet_worker_start(&f, 0, "");
  for (unsigned i = 0; i < DONE; i++) wait_state(i, HF_JOB_DONE);
  fleet_stop(&f);
  for (unsigned i = DONE; i < JOBS; i++) OK(fleet_submit(f.queue, &f, i));
  OK(hf_queue_list(f.queue, &all, records, JOBS, &count));
  cr_assert_eq(count, JOBS);
}

typedef struct findings {
  unsigned at_start, looking, reading, harmless, wrong;
} findings;

/* Reads every job by name, and its result: the same as it was, or an error. */
static void read_all(const hf_job_record records[JOBS], findings *out) {
  hf_queue *queue;
  hf_queue_options options = {.location = f.engine.location, .busy_ms = 2000};
  bool found = false, wrong = false;
  if (hf_queue_open(&options, &queue) != HF_OK) {
    out->reading++;
    return;
  }
  for (unsigned i = 0; i < JOBS; i++) {
    hf_job_record record;
    hf_status status = hf_queue_get(queue, &records[i].header.key, &record);
    if (status == HF_OK && record.state == HF_JOB_DONE) status = fleet_verify(&f, queue, i, &record.result);
    if (status != HF_OK)
      found = true;
    else if (memcmp(&record, &records[i], sizeof record) != 0)
      wrong = true;
  }
  hf_queue_close(&queue);
  out->wrong += wrong;
  out->reading += found && !wrong;
  out->harmless += !found && !wrong;
}

static void write_file(const char *path, const void *data, size_t length) {
  hf_bytes part = {data, length};
  OK(hf_file_write(path, 0600, &part, 1));
}

Test(fleet_damage, database) {
  hf_job_record records[JOBS];
  char path[160], aside[200];
  uint8_t *data;
  size_t length;
  findings n = {0};
  unsigned missed = 0;
  make_store(&engine_local, records);
  hf_queue_close(&f.queue); /* the last one: the log is in the database now */
  snprintf(path, sizeof path, "%s/queue.db", f.engine.folder);
  OK(hf_file_read(path, (size_t)64 << 20, &data, &length));
  for (unsigned k = 0; k < FLIPS; k++) {
    size_t at = (size_t)draw(length);
    uint8_t bit = (uint8_t)(1u << draw(8));
    findings before = n;
    data[at] ^= bit;
    write_file(path, data, length);
    /* as a worker or the doctor opens it */
    hf_queue *queue;
    hf_queue_options options = {.location = f.engine.location, .look_over = true};
    hf_status looked = hf_queue_open(&options, &queue);
    n.looking += looked != HF_OK;
    if (looked != HF_OK)
      cr_assert(hf_error_message()[0] != 0 &&
                    (looked == HF_E_CHECKSUM || looked == HF_E_FORMAT || looked == HF_E_VERSION ||
                     looked == HF_E_INTERNAL || looked == HF_E_IO || looked == HF_E_UNSUPPORTED ||
                     looked == HF_E_FULL),
                "byte %zu: %s: %s", at, hf_status_text(looked), hf_error_message());
    else
      hf_queue_close(&queue);
    for (int i = 0; i < 2; i++) {
      snprintf(aside, sizeof aside, "%s-%s", path, i == 0 ? "wal" : "shm");
      (void)unlink(aside);
    }
    write_file(path, data, length); /* a look may have changed it */
    read_all(records, &n);
    missed += n.reading > before.reading && looked == HF_OK;
    cr_assert_eq(n.wrong, 0, "bit %u of byte %zu: another answer, and no error", bit, at);
    data[at] ^= bit;
    for (int i = 0; i < 2; i++) {
      snprintf(aside, sizeof aside, "%s-%s", path, i == 0 ? "wal" : "shm");
      (void)unlink(aside);
    }
  }
  cr_assert_eq(missed, 0, "%u errors of reading were not found by looking", missed);
  cr_assert(n.looking > 0 && n.reading > 0);
  write_file(path, data, length);

  /* A worker that is started on a damaged one says so and ends. */
  static const char needle[] = "job-3";
  uint8_t *name = memmem(data, length, needle, sizeof needle - 1);
  cr_assert_not_null(name);
  *name ^= 1;
  write_file(path, data, length);
  hf_run run;
  hf_run_command(&run, "worker --data data --dev --queue %s --once", f.engine.location);
  cr_assert_eq(run.exit, 3, "%d %s", run.exit, run.err);
  cr_assert(strstr(run.err, "damaged") != NULL, "%s", run.err);
  fprintf(stderr,
          "fleet/damage database: of %u flipped bits %u are found by a look at the whole store, %u by "
          "reading every job, %u change no job; none gives "
          "another answer; a worker says \"%.120s\"\n",
          FLIPS, n.looking, n.reading, n.harmless, run.err);
  hf_run_free(&run);
  *name ^= 1;
  write_file(path, data, length);
  free(data);
  f.queue = fleet_queue(&f, 0);
  fleet_worker_start(&f, 0, "");
  for (unsigned i = 0; i < JOBS; i++) wait_state(i, HF_JOB_DONE);
  fleet_stop(&f);
}

/* The one file of the server's log that grows. */
static void find_log(char path[300]) {
  char folder[160];
  struct dirent *entry;
  snprintf(folder, sizeof folder, "%s/appendonlydir", f.engine.folder);
  DIR *list = opendir(folder);
  cr_assert_not_null(list, "%s", folder);
  path[0] = 0;
  while ((entry = readdir(list)) != NULL)
    if (strstr(entry->d_name, ".incr.aof") != NULL) snprintf(path, 300, "%s/%.100s", folder, entry->d_name);
  closedir(list);
  cr_assert(path[0] != 0);
}

Test(fleet_damage, append_only_file) {
  hf_job_record records[JOBS];
  char path[300];
  uint8_t *data;
  size_t length;
  findings n = {0};
  unsigned missing = 0;
  make_store(&engine_redis, records);
  signal(SIGPIPE, SIG_IGN); /* a server that ends while it is asked whether it is there */
  hf_queue_close(&f.queue);
  engine_kill(&f.engine);
  find_log(path);
  OK(hf_file_read(path, (size_t)64 << 20, &data, &length));

  for (unsigned k = 0; k < AOF_FLIPS; k++) {
    size_t at = (size_t)draw(length);
    uint8_t bit = (uint8_t)(1u << draw(8));
    data[at] ^= bit;
    write_file(path, data, length);
    data[at] ^= bit;
    if (!redis_server_try(&f.engine.redis, "")) {
      n.at_start++;
      continue;
    }
    read_all(records, &n);
    engine_kill(&f.engine);
  }
  /* Cut short in the middle of its last change: the server drops the rest of that and starts. */
  write_file(path, data, length - 20);
  cr_assert(redis_server_try(&f.engine.redis, ""));
  f.queue = fleet_queue(&f, 0);
  for (unsigned i = 0; i < JOBS; i++) {
    hf_job_record record;
    hf_status status = hf_queue_get(f.queue, &records[i].header.key, &record);
    missing += status == HF_E_NOT_FOUND;
    cr_assert(status == HF_E_NOT_FOUND || memcmp(&record, &records[i], sizeof record) == 0, "job %u: %s", i,
              hf_error_message());
    if (status == HF_E_NOT_FOUND)
      OK(fleet_submit(f.queue, &f, i)); /* as a client that asks and does not find it */
  }
  fleet_worker_start(&f, 0, "");
  for (unsigned i = 0; i < JOBS; i++) {
    hf_job_record record = wait_state(i, HF_JOB_DONE);
    OK(fleet_verify(&f, f.queue, i, &record.result));
  }
  fleet_stop(&f);
  fprintf(stderr,
          "fleet/damage append-only file: of %u flipped bits the server finds %u and does not start, reading "
          "every job finds %u, %u change no job, %u "
          "change a number or state that nothing guards; cut short, %u job of %u is not there\n",
          AOF_FLIPS, n.at_start, n.reading, n.harmless, n.wrong, missing, JOBS);
  cr_assert(n.at_start + n.reading > 0 && missing <= 1);
  free(data);
}
