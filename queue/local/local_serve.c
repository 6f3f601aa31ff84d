/* What the broker needs of a local store beyond the calls of queue.h: several calls in one transaction,
 * answers that are kept with what they answer, who put and holds what, collecting in pieces.
 *
 * The two tables here are made when a store is first served; who opens the store otherwise does not see them.
 */
#include "local.h"

#include <string.h>

hf_status hf_local_serve(hf_local *local) {
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_run(local,
                      "CREATE TABLE IF NOT EXISTS answers (asker BLOB PRIMARY KEY, number INTEGER NOT NULL,"
                      " answer BLOB NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
                      ""));
  HF_TRY(hf_local_run(local, "CREATE INDEX IF NOT EXISTS answers_at ON answers (at)", ""));
  HF_TRY(hf_local_run(local,
                      "CREATE TABLE IF NOT EXISTS puts (tenant TEXT NOT NULL, digest BLOB NOT NULL,"
                      " at INTEGER NOT NULL, PRIMARY KEY (tenant, digest)) STRICT, WITHOUT ROWID",
                      ""));
out:
  return hf_local_end(local, status);
}

hf_status hf_local_group_begin(hf_local *local) {
  hf_status status = hf_local_begin(local);
  if (status == HF_OK) local->grouped = true;
  return status;
}

static hf_status lost(const hf_local *local) {
  return hf_fail(HF_E_FULL, "queue %s: the store gave up a transaction of several calls", local->folder);
}

hf_status hf_local_group_end(hf_local *local, hf_status status) {
  bool whole = hf_local_grouped(local);
  local->grouped = false;
  if (status == HF_OK && !whole) status = lost(local);
  return hf_local_end(local, status);
}

hf_status hf_local_answer_find(hf_local *local, const hf_digest *asker, uint64_t *number, hf_writer *answer) {
  sqlite3_stmt *statement;
  bool row;
  hf_status status = HF_OK;
  *number = 0;
  HF_TRY(hf_local_prepare(local, &statement, "SELECT number, answer FROM answers WHERE asker = ?", "b",
                          asker->b, sizeof asker->b));
  HF_TRY(hf_local_step(local, statement, &row));
  if (!row) goto out;
  *number = (uint64_t)sqlite3_column_int64(statement, 0);
  hf_write_bytes(answer, sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1));
  sqlite3_reset(statement);
  status = hf_writer_status(answer);
out:
  return status;
}

hf_status hf_local_answer_keep(hf_local *local, const hf_digest *asker, uint64_t number, hf_bytes answer,
                               uint64_t now) {
  if (!hf_local_grouped(local)) return lost(local);
  return hf_local_run(
      local,
      "INSERT INTO answers (asker, number, answer, at) VALUES (?1,?2,?3,?4) ON CONFLICT (asker)"
      " DO UPDATE SET number = ?2, answer = ?3, at = ?4",
      "bibi", asker->b, sizeof asker->b, (int64_t)number, answer.data, answer.length, (int64_t)now);
}

hf_status hf_local_answers_forget(hf_local *local, uint64_t before) {
  int64_t some;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  status = hf_local_number(local, &some, "SELECT EXISTS (SELECT 1 FROM answers WHERE at < ?)", "i",
                           (int64_t)before);
  hf_local_leave(local);
  if (status != HF_OK || !some) return status;
  status = hf_local_begin(local);
  if (status != HF_OK) return status;
  return hf_local_end(local, hf_local_run(local, "DELETE FROM answers WHERE at < ?", "i", (int64_t)before));
}

hf_status hf_local_holder(hf_local *local, const hf_job_key *key, uint64_t epoch, hf_job_state *state,
                          char worker[HF_NAME_MAX + 1]) {
  hf_local_job job;
  sqlite3_stmt *statement;
  bool row;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  worker[0] = '\0';
  HF_TRY(hf_local_find(local, key, &job));
  *state = job.record.state;
  if (epoch == job.record.epoch && epoch != 0) {
    memcpy(worker, job.record.worker, HF_NAME_MAX + 1);
    goto out;
  }
  /* Leases that failed or ran out are noted with their worker. */
  HF_TRY(hf_local_prepare(local, &statement, "SELECT worker FROM attempts WHERE seq = ? AND epoch = ?", "ii",
                          (int64_t)job.record.sequence, (int64_t)epoch));
  HF_TRY(hf_local_step(local, statement, &row));
  if (row) HF_TRY(hf_local_column_text(statement, 0, worker, HF_NAME_MAX + 1));
out:
  hf_local_leave(local);
  return status;
}

hf_status hf_local_owns(hf_local *local, const char *tenant, const hf_digest *digest, bool *owns) {
  int64_t number;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  status = hf_local_number(local, &number,
                           "SELECT EXISTS (SELECT 1 FROM puts WHERE tenant = ?1 AND digest = ?2)"
                           " OR EXISTS (SELECT 1 FROM jobs WHERE input = ?2 AND tenant = ?1)"
                           " OR EXISTS (SELECT 1 FROM jobs WHERE result = ?2 AND tenant = ?1)",
                           "tb", tenant, digest->b, sizeof digest->b);
  hf_local_leave(local);
  *owns = number != 0;
  return status;
}

hf_status hf_local_note_put(hf_local *local, const char *tenant, const hf_digest *digest, uint64_t now) {
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  return hf_local_end(local, hf_local_run(local,
                                          "INSERT INTO puts (tenant, digest, at) VALUES (?1,?2,?3)"
                                          " ON CONFLICT (tenant, digest) DO UPDATE SET at = ?3",
                                          "tbi", tenant, digest->b, sizeof digest->b, (int64_t)now));
}

hf_status hf_local_forget_puts(hf_local *local, uint64_t before) {
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  return hf_local_end(local, hf_local_run(local, "DELETE FROM puts WHERE at < ?", "i",
                                          (int64_t)(before > INT64_MAX ? INT64_MAX : before)));
}

hf_status hf_local_changes(hf_local *local, uint64_t *out) {
  int64_t others;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  status = hf_local_number(local, &others, "PRAGMA data_version", "");
  *out = (uint64_t)others + (uint64_t)sqlite3_total_changes64(local->db);
  hf_local_leave(local);
  return status;
}

#define ENDED "state > 1 AND state <> 5" /* and no dead letters */

hf_status hf_local_ended(hf_local *local, uint64_t before, uint64_t after, hf_job_record *records,
                         size_t capacity, size_t *count) {
  sqlite3_stmt *statement;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  *count = 0;
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT " HF_LOCAL_JOB_COLUMNS " FROM jobs WHERE " ENDED
                          " AND ended_at < ? AND seq > ? ORDER BY seq LIMIT ?",
                          "iii", (int64_t)(before > INT64_MAX ? INT64_MAX : before),
                          (int64_t)(after > INT64_MAX ? INT64_MAX : after), (int64_t)capacity));
  status = hf_local_take_records(local, statement, records, count);
out:
  hf_local_leave(local);
  return status;
}

hf_status hf_local_forget(hf_local *local, uint64_t sequence, uint64_t ended_ms, uint64_t *removed) {
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  int before = sqlite3_total_changes(local->db);
  status = hf_local_run(local, "DELETE FROM jobs WHERE seq = ? AND ended_at = ? AND " ENDED, "ii",
                        (int64_t)(sequence > INT64_MAX ? INT64_MAX : sequence),
                        (int64_t)(ended_ms > INT64_MAX ? INT64_MAX : ended_ms));
  if (status == HF_OK && sqlite3_total_changes(local->db) != before) ++*removed;
  return hf_local_end(local, status);
}
