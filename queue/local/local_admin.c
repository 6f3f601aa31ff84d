/* What operators see of the local store. */
#include "local.h"

#include <string.h>

hf_status hf_local_attempts(hf_queue *queue, const hf_job_key *key, hf_attempt *attempts, size_t capacity,
                            size_t *count) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  sqlite3_stmt *statement;
  bool row;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_find(local, key, &job));
  HF_TRY(hf_local_prepare(
      local, &statement,
      "SELECT at, epoch, worker, code, cause FROM attempts WHERE seq = ? AND loss = 0 ORDER BY number", "i",
      (int64_t)job.record.sequence));
  while (*count < capacity) {
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) break;
    hf_attempt *a = &attempts[*count];
    a->time_ms = (uint64_t)sqlite3_column_int64(statement, 0);
    a->epoch = (uint64_t)sqlite3_column_int64(statement, 1);
    HF_TRY(hf_local_column_text(statement, 2, a->worker, sizeof a->worker));
    a->code = sqlite3_column_int(statement, 3);
    HF_TRY(hf_local_column_text(statement, 4, a->cause, sizeof a->cause));
    ++*count;
  }
out:
  hf_local_leave(local);
  return status;
}

hf_status hf_local_set_tenant(hf_queue *queue, const char *tenant, uint32_t weight, uint64_t quota) {
  hf_local *local = (hf_local *)queue;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_wake_tenant(local, tenant));
  HF_TRY(hf_local_run(local, "UPDATE tenants SET weight = ?, quota = ? WHERE name = ?", "iit",
                      (int64_t)weight, (int64_t)quota, tenant));
out:
  return hf_local_end(local, status);
}

hf_status hf_local_drain(hf_queue *queue, const char *reason) {
  hf_local *local = (hf_local *)queue;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  return hf_local_end(local, hf_local_run(local, "UPDATE totals SET draining = ?", "t", reason));
}

hf_status hf_local_tenants(hf_queue *queue, const char *after, hf_tenant_stats *out, size_t capacity,
                           size_t *count) {
  hf_local *local = (hf_local *)queue;
  sqlite3_stmt *statement;
  bool row;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT name, weight, quota, used, proved, refused, s0, s1, s2, s3, s4, s5 FROM tenants"
                          " WHERE name > ? ORDER BY name",
                          "t", after));
  while (*count < capacity) {
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) break;
    hf_tenant_stats *t = &out[*count];
    HF_TRY(hf_local_column_text(statement, 0, t->tenant, sizeof t->tenant));
    t->weight = (uint32_t)sqlite3_column_int64(statement, 1);
    t->quota = (uint64_t)sqlite3_column_int64(statement, 2);
    if (t->quota == 0) t->quota = queue->options.tenant_quota;
    t->used_ms = (uint64_t)sqlite3_column_int64(statement, 3);
    t->proved_ms = (uint64_t)sqlite3_column_int64(statement, 4);
    t->refused_ms = (uint64_t)sqlite3_column_int64(statement, 5);
    for (int i = 0; i < HF_JOB_STATES; i++) t->jobs[i] = (uint64_t)sqlite3_column_int64(statement, 6 + i);
    ++*count;
  }
out:
  hf_local_leave(local);
  return status;
}

hf_status hf_local_reading(hf_queue *queue, hf_reading *out) {
  hf_local *local = (hf_local *)queue;
  sqlite3_stmt *statement;
  bool row;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  *out = (hf_reading){.time_ms = hf_queue_now(queue)};
  HF_TRY(hf_local_run(local, "UPDATE totals SET readings = readings + 1", ""));
  HF_TRY(hf_local_prepare(local, &statement, "SELECT lower(hex(identity)), floor, readings FROM totals", ""));
  HF_TRY(hf_local_step(local, statement, &row));
  HF_TRY(hf_local_column_text(statement, 0, out->store, sizeof out->store));
  out->life = (uint64_t)sqlite3_column_int64(statement, 1);
  out->sequence = (uint64_t)sqlite3_column_int64(statement, 2);
out:
  return hf_local_end(local, status);
}

hf_status hf_local_stats(hf_queue *queue, hf_queue_stats *out) {
  hf_local *local = (hf_local *)queue;
  sqlite3_stmt *statement;
  bool row;
  int64_t oldest;
  uint64_t now = hf_queue_now(queue);
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT sum(s0), sum(s1), sum(s2), sum(s3), sum(s4), sum(s5) FROM tenants", ""));
  HF_TRY(hf_local_step(local, statement, &row));
  for (int i = 0; i < HF_JOB_STATES && row; i++) out->jobs[i] = (uint64_t)sqlite3_column_int64(statement, i);
  sqlite3_reset(statement);
  HF_TRY(hf_local_number(local, &oldest, "SELECT min(submitted_at) FROM jobs WHERE state = 0", ""));
  if (out->jobs[HF_JOB_QUEUED] && (uint64_t)oldest < now) out->oldest_queued_ms = now - (uint64_t)oldest;
  HF_TRY(hf_local_prepare(
      local, &statement,
      "SELECT submitted, resubmitted, conflicts, refused, leases, expired, released, failures,"
      " stale, results, late_results, late_differing, refusals, quarantines, pardons, barred, draining FROM totals",
      ""));
  HF_TRY(hf_local_step(local, statement, &row));
  if (row) {
    uint64_t *fields[] = {&out->submitted, &out->resubmitted, &out->conflicts,    &out->refused,
                          &out->leases,    &out->expired,     &out->released,     &out->failures,
                          &out->stale,     &out->results,     &out->late_results, &out->late_differing,
                          &out->refusals,  &out->quarantines, &out->pardons,      &out->barred};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
      *fields[i] = (uint64_t)sqlite3_column_int64(statement, (int)i);
    HF_TRY(hf_local_column_text(statement, (int)(sizeof fields / sizeof fields[0]), out->draining, sizeof out->draining));
  }
out:
  hf_local_leave(local);
  return status;
}

hf_status hf_local_workers(hf_queue *queue, uint64_t since_ms, const char *after, hf_worker_record *out,
                           size_t capacity, size_t *count) {
  hf_local *local = (hf_local *)queue;
  sqlite3_stmt *statement;
  bool row;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT announcement, seen, name, strikes, quarantined, cause FROM workers"
                          " WHERE name > ? AND (seen >= ? OR quarantined > 0) ORDER BY name",
                          "ti", after, (int64_t)(since_ms > INT64_MAX ? INT64_MAX : since_ms)));
  while (*count < capacity) {
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) break;
    hf_worker_record *w = &out[*count];
    size_t length = (size_t)sqlite3_column_bytes(statement, 0);
    *w = (hf_worker_record){.seen_ms = (uint64_t)sqlite3_column_int64(statement, 1),
                            .strikes = (uint32_t)sqlite3_column_int64(statement, 3),
                            .quarantined_ms = (uint64_t)sqlite3_column_int64(statement, 4)};
    if (length) HF_TRY(hf_worker_decode(sqlite3_column_blob(statement, 0), length, &w->worker));
    HF_TRY(hf_local_column_text(statement, 2, w->worker.name, sizeof w->worker.name));
    HF_TRY(hf_local_column_text(statement, 5, w->cause, sizeof w->cause));
    ++*count;
  }
out:
  hf_local_leave(local);
  return status;
}

hf_status hf_local_events(hf_queue *queue, uint64_t after, hf_event *out, size_t capacity, size_t *count) {
  hf_local *local = (hf_local *)queue;
  sqlite3_stmt *statement;
  bool row;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT seq, at, kind, tenant, id, epoch, worker, detail FROM events WHERE seq > ?"
                          " ORDER BY seq",
                          "i", (int64_t)(after > INT64_MAX ? INT64_MAX : after)));
  while (*count < capacity) {
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) break;
    hf_event *e = &out[*count];
    memset(e, 0, sizeof *e);
    e->sequence = (uint64_t)sqlite3_column_int64(statement, 0);
    e->time_ms = (uint64_t)sqlite3_column_int64(statement, 1);
    e->kind = (hf_event_kind)sqlite3_column_int(statement, 2);
    HF_TRY(hf_local_column_text(statement, 3, e->key.tenant, sizeof e->key.tenant));
    size_t length = (size_t)sqlite3_column_bytes(statement, 4);
    if ((length == 0 && hf_event_has_job(e->kind)) || length > HF_JOB_ID_MAX) {
      status = hf_fail(HF_E_FORMAT, "queue: event %llu has no job id", (unsigned long long)e->sequence);
      goto out;
    }
    e->key.id.length = (uint8_t)length;
    if (length) memcpy(e->key.id.b, sqlite3_column_blob(statement, 4), length);
    e->epoch = (uint64_t)sqlite3_column_int64(statement, 5);
    HF_TRY(hf_local_column_text(statement, 6, e->worker, sizeof e->worker));
    HF_TRY(hf_local_column_text(statement, 7, e->detail, sizeof e->detail));
    ++*count;
  }
out:
  hf_local_leave(local);
  return status;
}
