/* The local store's connection: schema, statements, transactions, errors. */
#include "local.h"

#include <hyperfold/clock.h>
#include <hyperfold/file.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HF_LOCAL_APPLICATION 0x48464a51 /* "HFJQ", in the database's header */
#define HF_LOCAL_SCHEMA      3

/* jobs: `offer` is "circuit" and the key's digest in hex, what a worker's
 * capability is matched with; `due` is the deadline or the largest integer; the
 * deadline in `header` is the submitted one. tenants.s0..s5 count jobs by state
 * and are kept by triggers. vtime is device time in microseconds over weight. */
static const char schema[] =
    "CREATE TABLE jobs ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " tenant TEXT NOT NULL, id BLOB NOT NULL, payload BLOB NOT NULL, header BLOB NOT NULL,"
    " kind INTEGER NOT NULL, circuit TEXT NOT NULL, offer TEXT NOT NULL, input BLOB NOT NULL,"
    " priority INTEGER NOT NULL, due INTEGER NOT NULL,"
    " device_memory INTEGER NOT NULL, host_memory INTEGER NOT NULL,"
    " state INTEGER NOT NULL DEFAULT 0, cancel INTEGER NOT NULL DEFAULT 0,"
    " epoch INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, losses INTEGER NOT NULL DEFAULT "
    "0,"
    " worker TEXT NOT NULL DEFAULT '',"
    " done INTEGER NOT NULL DEFAULT 0, total INTEGER NOT NULL DEFAULT 0, phase TEXT NOT NULL DEFAULT '',"
    " submitted_at INTEGER NOT NULL, leased_at INTEGER NOT NULL DEFAULT 0, beat_at INTEGER NOT NULL DEFAULT "
    "0,"
    " advance_at INTEGER NOT NULL DEFAULT 0, expires_at INTEGER NOT NULL DEFAULT 0,"
    " ended_at INTEGER NOT NULL DEFAULT 0, used INTEGER NOT NULL DEFAULT 0, charged INTEGER NOT NULL DEFAULT "
    "0,"
    " result BLOB, cause TEXT NOT NULL DEFAULT '',"
    " UNIQUE (tenant, id)) STRICT;"
    "CREATE INDEX jobs_offer ON jobs (tenant, priority DESC, due, seq) WHERE state = 0;"
    "CREATE INDEX jobs_waiting ON jobs (submitted_at) WHERE state = 0;"
    "CREATE INDEX jobs_expiry ON jobs (expires_at) WHERE state = 1;"
    "CREATE INDEX jobs_due ON jobs (due) WHERE state < 2;"
    "CREATE INDEX jobs_ended ON jobs (ended_at) WHERE state > 1;"
    "CREATE INDEX jobs_input ON jobs (input);"
    "CREATE INDEX jobs_result ON jobs (result) WHERE result IS NOT NULL;"
    "CREATE TABLE attempts ("
    " seq INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE, number INTEGER NOT NULL,"
    " loss INTEGER NOT NULL, forgiven INTEGER NOT NULL DEFAULT 0, at INTEGER NOT NULL, epoch INTEGER NOT "
    "NULL,"
    " worker TEXT NOT NULL, retry_at INTEGER NOT NULL, code INTEGER NOT NULL, cause TEXT NOT NULL,"
    " PRIMARY KEY (seq, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE tenants ("
    " name TEXT PRIMARY KEY, weight INTEGER NOT NULL DEFAULT 1, quota INTEGER NOT NULL DEFAULT 0,"
    " vtime INTEGER NOT NULL DEFAULT 0, average INTEGER NOT NULL DEFAULT 1000,"
    " used INTEGER NOT NULL DEFAULT 0, proved INTEGER NOT NULL DEFAULT 0,"
    " s0 INTEGER NOT NULL DEFAULT 0, s1 INTEGER NOT NULL DEFAULT 0, s2 INTEGER NOT NULL DEFAULT 0,"
    " s3 INTEGER NOT NULL DEFAULT 0, s4 INTEGER NOT NULL DEFAULT 0, s5 INTEGER NOT NULL DEFAULT 0"
    ") STRICT, WITHOUT ROWID;"
    "CREATE TABLE workers (name TEXT PRIMARY KEY, announcement BLOB NOT NULL, seen INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"
    "CREATE TABLE events ("
    " seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind INTEGER NOT NULL, tenant TEXT NOT "
    "NULL,"
    " id BLOB NOT NULL, epoch INTEGER NOT NULL, worker TEXT NOT NULL, detail TEXT NOT NULL) STRICT;"
    "CREATE TABLE totals (one INTEGER PRIMARY KEY CHECK (one = 1), vtime INTEGER NOT NULL DEFAULT 0,"
    " submitted INTEGER NOT NULL DEFAULT 0, resubmitted INTEGER NOT NULL DEFAULT 0,"
    " conflicts INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0,"
    " leases INTEGER NOT NULL DEFAULT 0, expired INTEGER NOT NULL DEFAULT 0, released INTEGER NOT NULL "
    "DEFAULT 0,"
    " failures INTEGER NOT NULL DEFAULT 0, stale INTEGER NOT NULL DEFAULT 0, results INTEGER NOT NULL "
    "DEFAULT 0,"
    " late_results INTEGER NOT NULL DEFAULT 0, late_differing INTEGER NOT NULL DEFAULT 0) STRICT;"
    "INSERT INTO totals (one) VALUES (1);"
    "CREATE TRIGGER jobs_added AFTER INSERT ON jobs BEGIN"
    " UPDATE tenants SET s0 = s0 + 1 WHERE name = NEW.tenant; END;"
    "CREATE TRIGGER jobs_moved AFTER UPDATE OF state ON jobs WHEN OLD.state <> NEW.state BEGIN"
    " UPDATE tenants SET s0 = s0 - (OLD.state = 0) + (NEW.state = 0), s1 = s1 - (OLD.state = 1) + (NEW.state "
    "= 1),"
    " s2 = s2 - (OLD.state = 2) + (NEW.state = 2), s3 = s3 - (OLD.state = 3) + (NEW.state = 3),"
    " s4 = s4 - (OLD.state = 4) + (NEW.state = 4), s5 = s5 - (OLD.state = 5) + (NEW.state = 5)"
    " WHERE name = NEW.tenant; END;"
    "CREATE TRIGGER jobs_removed AFTER DELETE ON jobs BEGIN"
    " UPDATE tenants SET s0 = s0 - (OLD.state = 0), s1 = s1 - (OLD.state = 1), s2 = s2 - (OLD.state = 2),"
    " s3 = s3 - (OLD.state = 3), s4 = s4 - (OLD.state = 4), s5 = s5 - (OLD.state = 5) WHERE name = "
    "OLD.tenant; END;";

/* From version 1 to 2, which a fresh store goes through too: refused results and whose they are, what they had
 * cost, and who the store is. attempts.result: of a refusal. workers.announcement may be empty: a worker that
 * handed in a result and never asked for work. */
static const char schema_2[] =
    "ALTER TABLE jobs ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE attempts ADD COLUMN result BLOB;"
    "ALTER TABLE tenants ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE workers ADD COLUMN strikes INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE workers ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE workers ADD COLUMN cause TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE totals ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE totals ADD COLUMN quarantines INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE totals ADD COLUMN pardons INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE totals ADD COLUMN barred INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE totals ADD COLUMN draining TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE totals ADD COLUMN identity BLOB NOT NULL DEFAULT x'';"
    "ALTER TABLE totals ADD COLUMN readings INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE totals ADD COLUMN floor INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE totals ADD COLUMN copied INTEGER NOT NULL DEFAULT 0;"
    "UPDATE totals SET identity = randomblob(16);";

/* From version 2 to 3: the checksums of jobs. A trigger does not set itself off again. */
static const char schema_3[] =
    "ALTER TABLE jobs ADD COLUMN sum INTEGER;"
    "UPDATE jobs SET sum = " HF_LOCAL_JOB_SUM ";"
    "CREATE TRIGGER jobs_summed_first AFTER INSERT ON jobs BEGIN"
    " UPDATE jobs SET sum = " HF_LOCAL_JOB_SUM " WHERE seq = NEW.seq; END;"
    "CREATE TRIGGER jobs_summed AFTER UPDATE ON jobs WHEN NEW.sum IS OLD.sum BEGIN"
    " UPDATE jobs SET sum = " HF_LOCAL_JOB_SUM " WHERE seq = NEW.seq; END;";

/* hf_sum(value, ...): 64 bits of a digest of the values with their types and lengths. */
static void sum_values(sqlite3_context *context, int count, sqlite3_value **values) {
  hf_digest_state state;
  hf_digest digest;
  uint64_t sum = 0;
  hf_digest_init(&state);
  for (int i = 0; i < count; i++) {
    int type = sqlite3_value_type(values[i]);
    sqlite3_int64 number = type == SQLITE_INTEGER ? sqlite3_value_int64(values[i]) : sqlite3_value_bytes(values[i]);
    uint8_t head[9] = {(uint8_t)type};
    for (int k = 0; k < 8; k++) head[k + 1] = (uint8_t)((uint64_t)number >> (8 * k));
    hf_digest_update(&state, head, sizeof head);
    if (type != SQLITE_INTEGER && number > 0) hf_digest_update(&state, sqlite3_value_blob(values[i]), (size_t)number);
  }
  hf_digest_final(&state, &digest);
  for (int k = 0; k < 8; k++) sum |= (uint64_t)digest.b[k] << (8 * k);
  sqlite3_result_int64(context, (sqlite3_int64)sum);
}

static hf_status sqlite_failure(hf_local *local, int code, const char *doing) {
  int last_errno = errno;
  const char *message = local->db ? sqlite3_errmsg(local->db) : sqlite3_errstr(code);
  /* SQLite itself calls ENOSPC full. It keeps the errno of other failures for most
   * statements, but not of a COMMIT: there errno still holds it. */
  int error = local->db && sqlite3_system_errno(local->db) ? sqlite3_system_errno(local->db) : last_errno;
  switch (code & 0xff) {
  case SQLITE_BUSY:
  case SQLITE_LOCKED:
    return hf_fail(HF_E_BUSY, "queue %s: %s: %s", local->folder, doing, message);
  case SQLITE_FULL:
    return hf_fail(HF_E_FULL, "queue %s: %s: no space left on the disk", local->folder, doing);
  case SQLITE_NOMEM:
    return hf_fail(HF_E_MEMORY, "queue %s: %s: %s", local->folder, doing, message);
  case SQLITE_NOTADB:
  case SQLITE_CORRUPT:
    return hf_fail(HF_E_CHECKSUM, "queue %s: %s: the database is damaged (%s)", local->folder, doing,
                   message);
  case SQLITE_IOERR:
  case SQLITE_CANTOPEN:
    /* EFBIG: the process's file size limit. */
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
      return hf_fail(HF_E_FULL, "queue %s: %s: %s", local->folder, doing, strerror(error));
    return hf_fail(HF_E_IO, "queue %s: %s: %s%s%s", local->folder, doing, message, error ? ": " : "",
                   error ? strerror(error) : "");
  case SQLITE_READONLY:
  case SQLITE_PERM:
    return hf_fail(HF_E_IO, "queue %s: %s: %s", local->folder, doing, message);
  default:
    return hf_fail(HF_E_INTERNAL, "queue %s: %s: %s (%d)", local->folder, doing, message, code);
  }
}

hf_status hf_local_enter(hf_local *local) {
  if (local->owner != getpid())
    return hf_fail(HF_E_STATE, "queue %s: the handle belongs to process %ld; open another one after fork",
                   local->folder, (long)local->owner);
  if (!local->grouped) pthread_mutex_lock(&local->mutex);
  return HF_OK;
}

/* A statement that was left in the middle of its rows would keep its snapshot. */
static void reset_statements(hf_local *local) {
  for (size_t i = 0; i < HF_LOCAL_STATEMENTS && local->statements[i].statement; i++)
    sqlite3_reset(local->statements[i].statement);
}

void hf_local_leave(hf_local *local) {
  reset_statements(local);
  if (!local->grouped) pthread_mutex_unlock(&local->mutex);
}

bool hf_local_grouped(const hf_local *local) { return local->grouped && !sqlite3_get_autocommit(local->db); }

hf_status hf_local_begin(hf_local *local) {
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  if (!local->grouped)
    status = hf_local_run(local, "BEGIN IMMEDIATE", "");
  else if (hf_local_grouped(local))
    status = hf_local_run(local, "SAVEPOINT part", "");
  else
    status = hf_fail(HF_E_FULL, "queue %s: the transaction was rolled back", local->folder);
  if (status != HF_OK) hf_local_leave(local);
  return status;
}

hf_status hf_local_end(hf_local *local, hf_status status) {
  reset_statements(local);
  bool part = local->grouped;
  if (status == HF_OK) status = part ? hf_local_run(local, "RELEASE part", "") : hf_local_run(local, "COMMIT", "");
  /* Some errors (a full disk) have rolled back already. */
  if (status != HF_OK && !sqlite3_get_autocommit(local->db))
    sqlite3_exec(local->db, part ? "ROLLBACK TO part; RELEASE part" : "ROLLBACK", NULL, NULL, NULL);
  hf_local_leave(local);
  return status;
}

static hf_status find_statement(hf_local *local, const char *text, sqlite3_stmt **out) {
  size_t i = 0;
  while (i < HF_LOCAL_STATEMENTS && local->statements[i].statement) {
    if (local->statements[i].text == text) {
      *out = local->statements[i].statement;
      sqlite3_reset(*out);
      return HF_OK;
    }
    i++;
  }
  if (i == HF_LOCAL_STATEMENTS)
    return hf_fail(HF_E_INTERNAL, "queue: more than %d statements", HF_LOCAL_STATEMENTS);
  int rc = sqlite3_prepare_v3(local->db, text, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
  if (rc != SQLITE_OK) return sqlite_failure(local, rc, "prepare");
  local->statements[i].text = text;
  local->statements[i].statement = *out;
  return HF_OK;
}

static hf_status prepare_list(hf_local *local, sqlite3_stmt **out, const char *text, const char *types,
                              va_list arguments) {
  hf_status status = find_statement(local, text, out);
  if (status != HF_OK) return status;
  sqlite3_clear_bindings(*out);
  int rc = SQLITE_OK;
  for (int i = 0; types[i] && rc == SQLITE_OK; i++) {
    switch (types[i]) {
    case 'i':
      rc = sqlite3_bind_int64(*out, i + 1, va_arg(arguments, int64_t));
      break;
    case 't':
      rc = sqlite3_bind_text(*out, i + 1, va_arg(arguments, const char *), -1, SQLITE_TRANSIENT);
      break;
    case 'b': {
      const void *data = va_arg(arguments, const void *);
      size_t length = va_arg(arguments, size_t);
      rc = sqlite3_bind_blob64(*out, i + 1, data, length, SQLITE_TRANSIENT);
      break;
    }
    case 'n':
      rc = sqlite3_bind_null(*out, i + 1);
      break;
    default:
      return hf_fail(HF_E_INTERNAL, "queue: binding type '%c'", types[i]);
    }
  }
  return rc == SQLITE_OK ? HF_OK : sqlite_failure(local, rc, "bind");
}

hf_status hf_local_prepare(hf_local *local, sqlite3_stmt **out, const char *text, const char *types, ...) {
  va_list arguments;
  va_start(arguments, types);
  hf_status status = prepare_list(local, out, text, types, arguments);
  va_end(arguments);
  return status;
}

hf_status hf_local_step(hf_local *local, sqlite3_stmt *statement, bool *row) {
  errno = 0;
  int rc = sqlite3_step(statement);
  *row = rc == SQLITE_ROW;
  if (rc == SQLITE_ROW) return HF_OK;
  hf_status status = rc == SQLITE_DONE ? HF_OK : sqlite_failure(local, rc, sqlite3_sql(statement));
  sqlite3_reset(statement);
  return status;
}

hf_status hf_local_run(hf_local *local, const char *text, const char *types, ...) {
  va_list arguments;
  sqlite3_stmt *statement;
  bool row;
  va_start(arguments, types);
  hf_status status = prepare_list(local, &statement, text, types, arguments);
  va_end(arguments);
  if (status == HF_OK) status = hf_local_step(local, statement, &row);
  return status;
}

hf_status hf_local_number(hf_local *local, int64_t *out, const char *text, const char *types, ...) {
  va_list arguments;
  sqlite3_stmt *statement;
  bool row = false;
  *out = 0;
  va_start(arguments, types);
  hf_status status = prepare_list(local, &statement, text, types, arguments);
  va_end(arguments);
  if (status == HF_OK) status = hf_local_step(local, statement, &row);
  if (row) {
    *out = sqlite3_column_int64(statement, 0);
    sqlite3_reset(statement);
  }
  return status;
}

hf_status hf_local_column_text(sqlite3_stmt *statement, int column, char *out, size_t capacity) {
  const unsigned char *text = sqlite3_column_text(statement, column);
  size_t length = (size_t)sqlite3_column_bytes(statement, column);
  if (length >= capacity) return hf_fail(HF_E_FORMAT, "queue: column %d holds %zu bytes", column, length);
  memset(out, 0, capacity);
  if (length) memcpy(out, text, length);
  return HF_OK;
}

hf_status hf_local_column_digest(sqlite3_stmt *statement, int column, hf_digest *out) {
  memset(out, 0, sizeof *out);
  const void *data = sqlite3_column_blob(statement, column);
  size_t length = (size_t)sqlite3_column_bytes(statement, column);
  if (length == 0) return HF_OK;
  if (length != sizeof out->b) return hf_fail(HF_E_FORMAT, "queue: column %d is no digest", column);
  memcpy(out->b, data, length);
  return HF_OK;
}

static void local_close(hf_queue *queue) {
  hf_local *local = (hf_local *)queue;
  /* In a forked child the connection belongs to the parent: closing it here would
   * drop the parent's file locks, so its memory is left alone. */
  if (local->owner != getpid()) return;
  for (size_t i = 0; i < HF_LOCAL_STATEMENTS && local->statements[i].statement; i++)
    sqlite3_finalize(local->statements[i].statement);
  sqlite3_close(local->db);
  pthread_mutex_destroy(&local->mutex);
  free(local);
}

static const hf_queue_backend local_backend = {
    .scheme = "local",
    .close = local_close,
    .artifact_put = hf_local_artifact_put,
    .artifact_get = hf_local_artifact_get,
    .artifact_has = hf_local_artifact_has,
    .submit = hf_local_submit,
    .get = hf_local_get,
    .cancel = hf_local_cancel,
    .list = hf_local_list,
    .lease = hf_local_lease,
    .heartbeat = hf_local_heartbeat,
    .finish = hf_local_finish,
    .fail = hf_local_fail,
    .release = hf_local_release,
    .refuse = hf_local_refuse,
    .pardon = hf_local_pardon,
    .reap = hf_local_reap,
    .requeue = hf_local_requeue,
    .attempts = hf_local_attempts,
    .set_tenant = hf_local_set_tenant,
    .tenants = hf_local_tenants,
    .drain = hf_local_drain,
    .stats = hf_local_stats,
    .workers = hf_local_workers,
    .events = hf_local_events,
    .reading = hf_local_reading,
    .restored = hf_local_restored,
    .backup = hf_local_backup,
    .collect = hf_local_collect,
};

/* Another process writes. */
static int wait_turn(void *context, int tries) {
  hf_local *local = context;
  uint64_t ms = hf_steady_ms();
  if (tries == 0) local->waiting_since_ms = ms;
  if (ms - local->waiting_since_ms >= local->queue.options.busy_ms) return 0;
  hf_local_pause(tries, &local->turn);
  return 1;
}

static hf_status execute(hf_local *local, const char *text) {
  int rc = sqlite3_exec(local->db, text, NULL, NULL, NULL);
  return rc == SQLITE_OK ? HF_OK : sqlite_failure(local, rc, text);
}

/* Turning on the write-ahead log needs the file alone and does not wait for the
 * busy timeout in all cases, so two processes that open a fresh store at once try again. */
static hf_status set_journal(hf_local *local) {
  for (uint64_t waited = 0;; waited += 10) {
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(local->db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(statement);
    bool wal = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    sqlite3_finalize(statement);
    if (wal) return HF_OK;
    bool busy = (rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED;
    if (!busy && rc != SQLITE_ROW) return sqlite_failure(local, rc, "journal_mode");
    if (!busy)
      return hf_fail(HF_E_UNSUPPORTED,
                     "queue %s: this file system has no shared memory files; a local "
                     "queue needs a local disk",
                     local->folder);
    if (waited >= local->queue.options.busy_ms) return sqlite_failure(local, rc, "journal_mode");
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
}

static hf_status set_up(hf_local *local) {
  int64_t application, version, tables;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_number(local, &application, "PRAGMA application_id", ""));
  HF_TRY(hf_local_number(local, &version, "PRAGMA user_version", ""));
  HF_TRY(hf_local_number(local, &tables, "SELECT count(*) FROM sqlite_schema", ""));
  if (application == HF_LOCAL_APPLICATION && version == HF_LOCAL_SCHEMA) {
    status = hf_local_wake_copy(local);
    goto out;
  }
  bool old = application == HF_LOCAL_APPLICATION && version >= 1 && version < HF_LOCAL_SCHEMA;
  if (tables != 0 && !old) {
    status = application == HF_LOCAL_APPLICATION
                 ? hf_fail(HF_E_VERSION, "queue %s: store of version %lld, this build knows %d",
                           local->folder, (long long)version, HF_LOCAL_SCHEMA)
                 : hf_fail(HF_E_FORMAT, "queue %s: queue.db is a database of something else", local->folder);
    goto out;
  }
  if (!old) HF_TRY(execute(local, schema));
  if (!old || version < 2) HF_TRY(execute(local, schema_2));
  HF_TRY(execute(local, schema_3));
  char pragmas[96];
  snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d",
           HF_LOCAL_APPLICATION, HF_LOCAL_SCHEMA);
  HF_TRY(execute(local, pragmas));
  if (old) HF_TRY(hf_local_wake_copy(local));
out:
  return hf_local_end(local, status);
}

/* What is written in several places says the same: indices, rows and their checksums, counters. */
static hf_status look_over(hf_local *local) {
  hf_status status;
  sqlite3_stmt *statement;
  char said[200];
  int64_t seq;
  bool row;
  HF_TRY(hf_local_prepare(local, &statement, "PRAGMA integrity_check(1)", ""));
  HF_TRY(hf_local_step(local, statement, &row));
  if (row) HF_TRY(hf_local_column_text(statement, 0, said, sizeof said));
  sqlite3_reset(statement);
  if (!row || strcmp(said, "ok") != 0) {
    status = hf_fail(HF_E_CHECKSUM, "the database is damaged (%s)", row ? said : "nothing is said");
    goto out;
  }
  HF_TRY(hf_local_number(local, &seq, "SELECT seq FROM jobs WHERE sum IS NOT " HF_LOCAL_JOB_SUM " LIMIT 1", ""));
  if (seq != 0) {
    status = hf_fail(HF_E_CHECKSUM, "the database is damaged: row %lld of the jobs is not what was written", (long long)seq);
    goto out;
  }
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT name FROM tenants WHERE (s0, s1, s2, s3, s4, s5) IS NOT (SELECT coalesce(sum(state = 0), 0),"
                          " coalesce(sum(state = 1), 0), coalesce(sum(state = 2), 0), coalesce(sum(state = 3), 0),"
                          " coalesce(sum(state = 4), 0), coalesce(sum(state = 5), 0) FROM jobs WHERE tenant = name) LIMIT 1",
                          ""));
  HF_TRY(hf_local_step(local, statement, &row));
  if (row) {
    HF_TRY(hf_local_column_text(statement, 0, said, sizeof said));
    status = hf_fail(HF_E_CHECKSUM, "the database is damaged: the counters of tenant %s are not those of its jobs", said);
  }
out:
  reset_statements(local);
  return status == HF_OK ? HF_OK : hf_fail_context(status, "queue %s", local->folder);
}

hf_status hf_queue_local_open(const char *folder, const hf_queue_options *options, hf_queue **out) {
  hf_status status = HF_OK;
  char path[PATH_MAX];
  hf_local *local = calloc(1, sizeof *local);
  if (!local) return hf_fail(HF_E_MEMORY, "queue: no memory");
  local->queue.backend = &local_backend;
  local->queue.options = *options;
  local->queue.options.location = NULL;
  local->owner = getpid();
  pthread_mutex_init(&local->mutex, NULL);
  if (strlen(folder) >= sizeof local->folder) {
    status = hf_fail(HF_E_ARGUMENT, "queue: the folder's name has %zu characters", strlen(folder));
    goto out;
  }
  strcpy(local->folder, folder);
  snprintf(path, sizeof path, "%s/queue.db", folder);
  if (options->must_exist && access(path, F_OK) != 0) {
    status = errno == ENOENT || errno == ENOTDIR ? hf_fail(HF_E_NOT_FOUND, "no queue in %s: the first sequencer, worker, broker or job submit makes it", folder)
                                                 : hf_fail(hf_status_of_errno(errno), "queue %s: %s", folder, strerror(errno));
    goto out;
  }
  snprintf(path, sizeof path, "%s/artifacts", folder);
  HF_TRY(hf_folder_create(path, 0750));
  snprintf(path, sizeof path, "%s/queue.db", folder);
  int rc = sqlite3_open_v2(
      path, &local->db,
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
  if (rc != SQLITE_OK) {
    status = sqlite_failure(local, rc, "open queue.db");
    goto out;
  }
  local->turn = (uint64_t)local->owner;
  sqlite3_busy_handler(local->db, wait_turn, local);
  HF_TRY(set_journal(local));
  HF_TRY(execute(local, "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF"));
  rc = sqlite3_create_function_v2(local->db, "hf_sum", -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL,
                                  sum_values, NULL, NULL, NULL);
  if (rc != SQLITE_OK) {
    status = sqlite_failure(local, rc, "make a function");
    goto out;
  }
  HF_TRY(set_up(local));
  if (options->look_over) HF_TRY(look_over(local));
  *out = &local->queue;
  return HF_OK;
out:
  local_close(&local->queue);
  return status;
}
