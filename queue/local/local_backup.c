/* A copy of the local store, taken while it is in use, and what happens when it is opened. */
#include "local.h"

#include <hyperfold/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* By 2^20 at least, however the clock was set meanwhile. */
static const char raise_floor[] = "UPDATE totals SET floor = max(floor + 1048576, ?), copied = 0";

hf_status hf_local_restored(hf_queue *queue) {
  hf_local *local = (hf_local *)queue;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  status = hf_local_run(local, raise_floor, "i", (int64_t)hf_queue_floor(hf_queue_now(queue)));
  return hf_local_end(local, status);
}

hf_status hf_local_wake_copy(hf_local *local) {
  int64_t copied;
  hf_status status = hf_local_number(local, &copied, "SELECT copied FROM totals", "");
  if (status != HF_OK || copied == 0) return status;
  hf_log(local->queue.options.log, HF_LOG_WARN, "the store is a copy: it goes on from there",
         HF_LOG_TEXT("folder", local->folder), HF_LOG_UINT("copied_ms", (uint64_t)copied));
  return hf_local_run(local, raise_floor, "i", (int64_t)hf_queue_floor(hf_queue_now(&local->queue)));
}

typedef struct copy {
  hf_local *local;
  char part[PATH_MAX - 128]; /* the folder while it is not whole */
  sqlite3 *from, *to;        /* connections of the copy's own: nobody waits for them */
  hf_backup *out;
  char damaged[HF_DIGEST_HEX]; /* the first */
  bool whole;
} copy;

static hf_status failure(const copy *c, sqlite3 *db, const char *doing) {
  int code = sqlite3_errcode(db) & 0xff;
  hf_status status = code == SQLITE_FULL      ? HF_E_FULL
                     : code == SQLITE_BUSY    ? HF_E_BUSY
                     : code == SQLITE_NOMEM   ? HF_E_MEMORY
                     : code == SQLITE_CORRUPT ? HF_E_CHECKSUM
                                              : HF_E_IO;
  return hf_fail(status, "copy of queue %s: %s: %s", c->local->folder, doing, sqlite3_errmsg(db));
}

static hf_status execute(const copy *c, sqlite3 *db, const char *text) {
  return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK ? HF_OK : failure(c, db, text);
}

/* The database as it is at one moment. */
static hf_status copy_database(copy *c) {
  hf_status status = HF_OK;
  char path[PATH_MAX];
  sqlite3_stmt *check = NULL;
  const int busy_ms = (int)c->local->queue.options.busy_ms;
  snprintf(path, sizeof path, "%s/queue.db", c->local->folder);
  if (sqlite3_open_v2(path, &c->from, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK)
    return failure(c, c->from, "open the store");
  sqlite3_busy_timeout(c->from, busy_ms);
  snprintf(path, sizeof path, "%s/queue.db", c->part);
  if (sqlite3_open_v2(path, &c->to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
    return failure(c, c->to, "open the copy");
  sqlite3_backup *backup = sqlite3_backup_init(c->to, "main", c->from, "main");
  if (backup == NULL) return failure(c, c->to, "begin");
  int rc;
  while ((rc = sqlite3_backup_step(backup, -1)) == SQLITE_BUSY || rc == SQLITE_LOCKED) sqlite3_sleep(20);
  (void)sqlite3_backup_finish(backup);
  if (rc != SQLITE_DONE) return failure(c, c->to, "copy the database");
  HF_TRY(execute(c, c->to, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  if (sqlite3_prepare_v2(c->to, "PRAGMA integrity_check", -1, &check, NULL) != SQLITE_OK ||
      sqlite3_step(check) != SQLITE_ROW)
    HF_TRY(failure(c, c->to, "check the copy"));
  if (strcmp((const char *)sqlite3_column_text(check, 0), "ok") != 0)
    status = hf_fail(HF_E_CHECKSUM, "queue %s: the database is damaged (%s)", c->local->folder,
                     (const char *)sqlite3_column_text(check, 0));
out:
  sqlite3_finalize(check);
  return status;
}

/* Whether a job of the store refers to this artifact: one that was forgotten since the copy's moment takes
 * its own along. */
static hf_status still_wanted(const copy *c, const hf_digest *digest, bool *wanted) {
  hf_status status = HF_OK;
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(c->from,
                         "SELECT EXISTS (SELECT 1 FROM jobs WHERE input = ?1)"
                         " OR EXISTS (SELECT 1 FROM jobs WHERE result = ?1)",
                         -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_bind_blob(statement, 1, digest->b, sizeof digest->b, SQLITE_STATIC) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_ROW)
    status = failure(c, c->from, "look for a job");
  *wanted = status == HF_OK && sqlite3_column_int(statement, 0) != 0;
  sqlite3_finalize(statement);
  return status;
}

/* Jobs of the copy that the store has forgotten. */
static hf_status forget_too(const copy *c, const hf_digest *digest) {
  hf_status status = HF_OK;
  sqlite3_stmt *statement = NULL;
  if (sqlite3_prepare_v2(c->to, "DELETE FROM jobs WHERE input = ?1 OR result = ?1", -1, &statement, NULL) !=
          SQLITE_OK ||
      sqlite3_bind_blob(statement, 1, digest->b, sizeof digest->b, SQLITE_STATIC) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_DONE)
    status = failure(c, c->to, "forget a job");
  sqlite3_finalize(statement);
  return status;
}

/* Its bytes are read, so that what is in the copy is whole, and linked where that can be. */
static hf_status copy_artifact(copy *c, const hf_digest *digest) {
  hf_status status;
  char hex[HF_DIGEST_HEX], folder[PATH_MAX], from[PATH_MAX], to[PATH_MAX + HF_DIGEST_HEX];
  uint8_t *data;
  size_t length;
  bool wanted;
  hf_digest_hex(digest, hex);
  snprintf(from, sizeof from, "%s/artifacts/%.2s/%s", c->local->folder, hex, hex + 2);
  snprintf(folder, sizeof folder, "%s/artifacts/%.2s", c->part, hex);
  snprintf(to, sizeof to, "%s/%s", folder, hex + 2);
  status = hf_local_artifact_get(&c->local->queue, digest, SIZE_MAX - 1, &data, &length);
  if (status == HF_E_NOT_FOUND || status == HF_E_CHECKSUM) {
    bool lost = status == HF_E_NOT_FOUND;
    HF_TRY(still_wanted(c, digest, &wanted));
    if (lost && !wanted) return forget_too(c, digest);
    if (c->out->damaged++ == 0) memcpy(c->damaged, hex, sizeof hex);
    return HF_OK;
  }
  if (status != HF_OK) return status;
  if (mkdir(folder, 0750) != 0 && errno != EEXIST)
    status = hf_fail(hf_status_of_errno(errno), "%s: %s", folder, strerror(errno));
  if (status == HF_OK && link(from, to) != 0) { /* another disk, or a file system without links */
    hf_bytes part = {data, length};
    status = hf_file_write(to, 0640, &part, 1);
  }
  free(data);
  if (status == HF_OK) {
    c->out->artifacts++;
    c->out->bytes += length;
  }
out:
  return status;
}

static hf_status copy_artifacts(copy *c) {
  hf_status status = HF_OK;
  sqlite3_stmt *list = NULL;
  int rc;
  /* Collected first: jobs may be deleted on the way. */
  HF_TRY(execute(c, c->to,
                 "CREATE TEMP TABLE wanted AS SELECT input AS digest FROM jobs UNION SELECT result FROM jobs "
                 "WHERE result IS"
                 " NOT NULL"));
  if (sqlite3_prepare_v2(c->to, "SELECT digest FROM wanted", -1, &list, NULL) != SQLITE_OK)
    HF_TRY(failure(c, c->to, "list the artifacts"));
  while ((rc = sqlite3_step(list)) == SQLITE_ROW) {
    hf_digest digest;
    HF_TRY(hf_local_column_digest(list, 0, &digest));
    HF_TRY(copy_artifact(c, &digest));
  }
  if (rc != SQLITE_DONE) status = failure(c, c->to, "list the artifacts");
out:
  sqlite3_finalize(list);
  return status;
}

/* What the folder's file system has in memory: files, links and names. */
static hf_status sync_all(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = fd < 0 || syncfs(fd) != 0 ? errno : 0;
  if (fd >= 0) close(fd);
  return error ? hf_fail(hf_status_of_errno(error), "%s: cannot sync: %s", folder, strerror(error)) : HF_OK;
}

/* Marks it as a copy, counts, closes, and forces it to the disk under its name. */
static hf_status complete(copy *c, const char *folder) {
  hf_status status = HF_OK;
  char text[96];
  sqlite3_stmt *statement = NULL;
  snprintf(text, sizeof text, "UPDATE totals SET copied = %llu",
           (unsigned long long)hf_queue_now(&c->local->queue));
  HF_TRY(execute(c, c->to, text));
  if (sqlite3_prepare_v2(c->to, "SELECT count(*) FROM jobs", -1, &statement, NULL) != SQLITE_OK ||
      sqlite3_step(statement) != SQLITE_ROW)
    HF_TRY(failure(c, c->to, "count the jobs"));
  c->out->jobs = (uint64_t)sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  statement = NULL;
  HF_TRY(execute(c, c->to, "PRAGMA wal_checkpoint(TRUNCATE)"));
  if (sqlite3_close(c->to) != SQLITE_OK) HF_TRY(failure(c, c->to, "close the copy"));
  c->to = NULL;
  HF_TRY(sync_all(c->part));
  if (rename(c->part, folder) != 0)
    HF_TRY(hf_fail(hf_status_of_errno(errno), "%s: cannot be given its name: %s", folder, strerror(errno)));
  c->whole = true;
  HF_TRY(sync_all(folder));
out:
  sqlite3_finalize(statement);
  return status;
}

hf_status hf_local_backup(hf_queue *queue, const char *folder, hf_backup *out) {
  hf_status status = HF_OK;
  struct stat info;
  char path[PATH_MAX];
  copy *c = calloc(1, sizeof *c);
  if (c == NULL) return hf_fail(HF_E_MEMORY, "queue: no memory for a copy");
  c->local = (hf_local *)queue;
  c->out = out;
  size_t length = strlen(folder);
  while (length > 1 && folder[length - 1] == '/') length--;
  int n = snprintf(c->part, sizeof c->part, "%.*s.part", (int)length, folder);
  if (n < 0 || (size_t)n >= sizeof c->part) {
    free(c);
    return hf_fail(HF_E_ARGUMENT, "queue: the copy's folder has a name of %zu characters", strlen(folder));
  }
  if (lstat(folder, &info) == 0) {
    free(c);
    return hf_fail(HF_E_EXISTS, "%s: is there already; a copy gets a folder of its own", folder);
  }
  if (mkdir(c->part, 0700) != 0) {
    status = errno == EEXIST
                 ? hf_fail(HF_E_EXISTS,
                           "%s: of a copy that is being made, or was not finished: remove it then", c->part)
                 : hf_fail(hf_status_of_errno(errno), "%s: %s", c->part, strerror(errno));
    free(c);
    return status;
  }
  snprintf(path, sizeof path, "%s/artifacts", c->part);
  HF_TRY(hf_folder_create(path, 0750));
  HF_TRY(copy_database(c));
  HF_TRY(copy_artifacts(c));
  HF_TRY(complete(c, folder));
  if (out->damaged)
    status = hf_fail(HF_E_CHECKSUM,
                     "%s: %llu artifacts of the store are damaged or lost and not in the copy, the first: %s",
                     folder, (unsigned long long)out->damaged, c->damaged);
out:
  sqlite3_close(c->to);
  sqlite3_close(c->from);
  if (!c->whole) hf_folder_remove(c->part);
  free(c);
  return status;
}
