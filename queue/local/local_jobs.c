/* Jobs of the local store as clients see them: submit, get, list, cancel, requeue. */
#include "local.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

hf_status hf_local_read_job(sqlite3_stmt *statement, hf_local_job *out) {
  hf_status status = HF_OK;
  hf_job_record *r = &out->record;
  memset(out, 0, sizeof *out);
  r->sequence = (uint64_t)sqlite3_column_int64(statement, 0);
  if (!sqlite3_column_int(statement, 24))
    HF_TRY(hf_fail(HF_E_CHECKSUM, "the database is damaged: it is not what was written; restore a copy"));
  HF_TRY(hf_job_header_decode(sqlite3_column_blob(statement, 1), (size_t)sqlite3_column_bytes(statement, 1),
                              &r->header));
  HF_TRY(hf_local_column_digest(statement, 2, &out->payload));
  out->due = sqlite3_column_int64(statement, 3);
  r->header.deadline_ms = out->due == HF_LOCAL_NEVER ? 0 : (uint64_t)out->due;
  r->state = (hf_job_state)sqlite3_column_int(statement, 4);
  r->cancel_requested = sqlite3_column_int(statement, 5) != 0;
  r->epoch = (uint64_t)sqlite3_column_int64(statement, 6);
  r->attempts = (uint32_t)sqlite3_column_int64(statement, 7);
  r->losses = (uint32_t)sqlite3_column_int64(statement, 8);
  HF_TRY(hf_local_column_text(statement, 9, r->worker, sizeof r->worker));
  r->progress.done = (uint64_t)sqlite3_column_int64(statement, 10);
  r->progress.total = (uint64_t)sqlite3_column_int64(statement, 11);
  HF_TRY(hf_local_column_text(statement, 12, r->progress.phase, sizeof r->progress.phase));
  r->submitted_ms = (uint64_t)sqlite3_column_int64(statement, 13);
  r->leased_ms = (uint64_t)sqlite3_column_int64(statement, 14);
  r->expires_ms = (uint64_t)sqlite3_column_int64(statement, 15);
  r->ended_ms = (uint64_t)sqlite3_column_int64(statement, 16);
  r->used_ms = (uint64_t)sqlite3_column_int64(statement, 17);
  HF_TRY(hf_local_column_digest(statement, 18, &r->result));
  HF_TRY(hf_local_column_text(statement, 19, r->cause, sizeof r->cause));
  out->beat_ms = (uint64_t)sqlite3_column_int64(statement, 20);
  out->advance_ms = (uint64_t)sqlite3_column_int64(statement, 21);
  out->charged_ms = (uint64_t)sqlite3_column_int64(statement, 22);
  out->proved_ms = (uint64_t)sqlite3_column_int64(statement, 23);
  return HF_OK;
out:
  return hf_fail_context(status, "queue: row %llu of the jobs", (unsigned long long)r->sequence);
}

hf_status hf_local_take_job(hf_local *local, sqlite3_stmt *statement, hf_local_job *out, bool *found) {
  hf_status status = hf_local_step(local, statement, found);
  if (status != HF_OK || !*found) return status;
  status = hf_local_read_job(statement, out);
  sqlite3_reset(statement);
  return status;
}

hf_status hf_local_take_records(hf_local *local, sqlite3_stmt *statement, hf_job_record *records, size_t *count) {
  hf_status status;
  hf_local_job job;
  bool row;
  for (;;) {
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) break;
    HF_TRY(hf_local_read_job(statement, &job));
    records[(*count)++] = job.record;
  }
out:
  return status;
}

static hf_status find(hf_local *local, const hf_job_key *key, hf_local_job *out, bool *found) {
  sqlite3_stmt *statement;
  hf_status status = HF_OK;
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT " HF_LOCAL_JOB_COLUMNS " FROM jobs WHERE tenant = ? AND id = ?", "tb",
                          key->tenant, key->id.b, (size_t)key->id.length));
  HF_TRY(hf_local_take_job(local, statement, out, found));
out:
  return status;
}

hf_status hf_local_find(hf_local *local, const hf_job_key *key, hf_local_job *out) {
  bool found;
  hf_status status = find(local, key, out, &found);
  if (status != HF_OK || found) return status;
  char id[HF_JOB_ID_TEXT];
  hf_job_id_text(&key->id, id);
  return hf_fail(HF_E_NOT_FOUND, "tenant %s has no job %s", key->tenant, id);
}

hf_status hf_local_event(hf_local *local, uint64_t now, hf_event_kind kind, const hf_local_job *job,
                         const char *worker, const char *detail) {
  const hf_job_record *r = &job->record;
  char clean[HF_DETAIL_MAX + 1];
  hf_detail_copy(detail, clean);
  hf_status status = hf_local_run(
      local, "INSERT INTO events (at, kind, tenant, id, epoch, worker, detail) VALUES (?,?,?,?,?,?,?)",
      "iitbitt", (int64_t)now, (int64_t)kind, r->header.key.tenant, r->header.key.id.b,
      (size_t)r->header.key.id.length, (int64_t)r->epoch, worker, clean);
  if (status != HF_OK) return status;
  int64_t last = sqlite3_last_insert_rowid(local->db);
  if (last % 256 == 0) /* forget old events in strides, not one at a time */
    status = hf_local_run(local, "DELETE FROM events WHERE seq <= ?", "i",
                          last - (int64_t)local->queue.options.event_limit);
  const hf_logger *log = local->queue.options.log;
  if (log && status == HF_OK) {
    char id[HF_JOB_ID_TEXT];
    hf_job_id_text(&r->header.key.id, id);
    hf_log(log, kind == HF_EVENT_DEAD ? HF_LOG_WARN : HF_LOG_DEBUG, hf_event_kind_text(kind),
           HF_LOG_TEXT("tenant", r->header.key.tenant), HF_LOG_TEXT("job", id),
           HF_LOG_UINT("epoch", r->epoch), HF_LOG_TEXT("worker", worker[0] ? worker : NULL),
           HF_LOG_TEXT("detail", clean));
  }
  return status;
}

hf_status hf_local_wake_tenant(hf_local *local, const char *tenant) {
  hf_status status =
      hf_local_run(local, "INSERT INTO tenants (name) VALUES (?) ON CONFLICT (name) DO NOTHING", "t", tenant);
  if (status != HF_OK) return status;
  return hf_local_run(local,
                      "UPDATE tenants SET vtime = max(vtime, (SELECT vtime FROM totals))"
                      " WHERE name = ? AND s0 + s1 = 0",
                      "t", tenant);
}

__attribute__((format(printf, 3, 4))) static void refuse(hf_submission *result, hf_status status,
                                                         const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  result->status = status;
  vsnprintf(result->message, sizeof result->message, format, arguments);
  va_end(arguments);
}

/* `open_total` counts the open jobs of all tenants, kept up to date by the caller's loop. `draining`: why no new work is taken. */
static hf_status submit_one(hf_local *local, const hf_job_header *job, uint64_t now, int64_t *open_total,
                            const char *draining, hf_submission *result) {
  hf_status status = HF_OK;
  hf_writer header = {0};
  hf_local_job known;
  sqlite3_stmt *statement;
  bool found, has, row;
  char id[HF_JOB_ID_TEXT], offer[HF_NAME_MAX + HF_DIGEST_HEX + 1], hex[HF_DIGEST_HEX];
  hf_digest payload = hf_job_payload_digest(job);
  hf_job_id_text(&job->key.id, id);

  HF_TRY(find(local, &job->key, &known, &found));
  if (found) {
    if (hf_digest_eq(&payload, &known.payload)) {
      result->state = known.record.state;
      status = hf_local_run(local, "UPDATE totals SET resubmitted = resubmitted + 1", "");
    } else {
      refuse(result, HF_E_EXISTS, "tenant %s already has a job %s with another payload", job->key.tenant, id);
      status = hf_local_run(local, "UPDATE totals SET conflicts = conflicts + 1", "");
    }
    goto out;
  }

  HF_TRY(hf_local_artifact_exists(local, &job->input_digest, &has));
  if (!has) {
    hf_digest_hex(&job->input_digest, hex);
    refuse(result, HF_E_NOT_FOUND, "job %s: its input %s is not in the artifact store", id, hex);
    goto out;
  }
  if (draining[0] && !hf_queue_drains(job)) {
    result->retry_after_ms = HF_QUEUE_DRAIN_RETRY_MS;
    refuse(result, HF_E_BUSY, "the queue takes no new work: %.150s", draining);
    status = hf_local_run(local, "UPDATE totals SET refused = refused + 1", "");
    goto out;
  }
  HF_TRY(hf_local_wake_tenant(local, job->key.tenant));
  HF_TRY(hf_local_prepare(local, &statement, "SELECT s0 + s1, quota, average, s1 FROM tenants WHERE name = ?",
                          "t", job->key.tenant));
  HF_TRY(hf_local_step(local, statement, &row));
  int64_t open = row ? sqlite3_column_int64(statement, 0) : 0;
  int64_t quota = row ? sqlite3_column_int64(statement, 1) : 0;
  int64_t average = row ? sqlite3_column_int64(statement, 2) : 1000;
  int64_t running = row ? sqlite3_column_int64(statement, 3) : 0;
  sqlite3_reset(statement);
  if (quota == 0) quota = (int64_t)local->queue.options.tenant_quota;
  bool total_full = (uint64_t)*open_total >= local->queue.options.total_quota;
  if (open >= quota || total_full) {
    /* When the next of its jobs is likely to end; 1 s to 10 min. */
    int64_t wait = average / (running > 0 ? running : 1);
    result->retry_after_ms = wait < 1000 ? 1000 : wait > 600000 ? 600000 : (uint64_t)wait;
    refuse(result, HF_E_BUSY, "tenant %s has %lld open jobs, the quota is %lld; try again in %llu ms",
           total_full ? "(all)" : job->key.tenant, (long long)(total_full ? *open_total : open),
           (long long)(total_full ? (int64_t)local->queue.options.total_quota : quota),
           (unsigned long long)result->retry_after_ms);
    status = hf_local_run(local, "UPDATE totals SET refused = refused + 1", "");
    goto out;
  }

  HF_TRY(hf_job_header_encode(job, &header));
  hf_digest_hex(&job->vk_digest, hex);
  snprintf(offer, sizeof offer, "%s:%s", job->circuit, hex);
  HF_TRY(hf_local_run(
      local,
      "INSERT INTO jobs (tenant, id, payload, header, kind, circuit, offer, input, priority, due,"
      " device_memory, host_memory, submitted_at) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
      "tbbbittbiiiii", job->key.tenant, job->key.id.b, (size_t)job->key.id.length, payload.b,
      sizeof payload.b, header.data, header.length, (int64_t)job->kind, job->circuit, offer,
      job->input_digest.b, sizeof job->input_digest.b, (int64_t)job->priority,
      job->deadline_ms ? (int64_t)job->deadline_ms : HF_LOCAL_NEVER, (int64_t)job->device_memory,
      (int64_t)job->host_memory, (int64_t)now));
  HF_TRY(hf_local_run(local, "UPDATE totals SET submitted = submitted + 1", ""));
  known = (hf_local_job){.record = {.header = *job}};
  HF_TRY(hf_local_event(local, now, HF_EVENT_SUBMITTED, &known, "", ""));
  result->created = true;
  result->state = HF_JOB_QUEUED;
  ++*open_total;
out:
  hf_writer_free(&header);
  return status;
}

hf_status hf_local_submit(hf_queue *queue, const hf_job_header *jobs, size_t count, hf_submission *results) {
  hf_local *local = (hf_local *)queue;
  int64_t open_total;
  sqlite3_stmt *statement;
  bool row;
  char draining[HF_DETAIL_MAX + 1] = "";
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  uint64_t now = hf_queue_now(queue);
  HF_TRY(hf_local_number(local, &open_total, "SELECT sum(s0 + s1) FROM tenants", ""));
  HF_TRY(hf_local_prepare(local, &statement, "SELECT draining FROM totals", ""));
  HF_TRY(hf_local_step(local, statement, &row));
  if (row) HF_TRY(hf_local_column_text(statement, 0, draining, sizeof draining));
  sqlite3_reset(statement);
  for (size_t i = 0; i < count; i++)
    if (results[i].status == HF_OK) HF_TRY(submit_one(local, &jobs[i], now, &open_total, draining, &results[i]));
out:
  return hf_local_end(local, status);
}

hf_status hf_local_get(hf_queue *queue, const hf_job_key *key, hf_job_record *out) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  status = hf_local_find(local, key, &job);
  if (status == HF_OK) *out = job.record;
  hf_local_leave(local);
  return status;
}

#define LIST_WHERE                                                                                           \
  "SELECT " HF_LOCAL_JOB_COLUMNS " FROM jobs WHERE (?1 = '' OR tenant = ?1)"                                 \
  " AND (?2 = 0 OR ?2 & (1 << state)) AND (?3 = 0 OR ?3 & (1 << kind)) AND (?4 = '' OR circuit = ?4)"        \
  " AND (?5 = '' OR worker = ?5)"
static const char list_up[] = LIST_WHERE " AND seq > ?6 ORDER BY seq LIMIT ?7";
static const char list_down[] = LIST_WHERE " AND (?6 = 0 OR seq < ?6) ORDER BY seq DESC LIMIT ?7";

hf_status hf_local_list(hf_queue *queue, const hf_job_filter *filter, hf_job_record *records, size_t capacity,
                        size_t *count) {
  hf_local *local = (hf_local *)queue;
  sqlite3_stmt *statement;
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  uint64_t after = filter->after > INT64_MAX ? INT64_MAX : filter->after;
  HF_TRY(hf_local_prepare(local, &statement, filter->newest_first ? list_down : list_up, "tiittii",
                          filter->tenant ? filter->tenant : "", (int64_t)filter->state_mask,
                          (int64_t)filter->kind_mask, filter->circuit ? filter->circuit : "",
                          filter->worker ? filter->worker : "", (int64_t)after,
                          (int64_t)(capacity > INT32_MAX ? INT32_MAX : capacity)));
  status = hf_local_take_records(local, statement, records, count);
out:
  hf_local_leave(local);
  return status;
}

hf_status hf_local_cancel(hf_queue *queue, const hf_job_key *key, const char *cause, hf_job_state *state) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  char clean[HF_DETAIL_MAX + 1];
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  uint64_t now = hf_queue_now(queue);
  hf_detail_copy(cause[0] ? cause : "cancelled by the client", clean);
  HF_TRY(hf_local_find(local, key, &job));
  *state = job.record.state;
  switch (job.record.state) {
  case HF_JOB_QUEUED:
    HF_TRY(hf_local_run(local, "UPDATE jobs SET state = 4, cancel = 1, ended_at = ?, cause = ? WHERE seq = ?",
                        "iti", (int64_t)now, clean, (int64_t)job.record.sequence));
    HF_TRY(hf_local_event(local, now, HF_EVENT_CANCELLED, &job, "", clean));
    *state = HF_JOB_CANCELLED;
    break;
  case HF_JOB_LEASED:
    if (job.record.cancel_requested) break;
    HF_TRY(hf_local_run(local, "UPDATE jobs SET cancel = 1, cause = ? WHERE seq = ?", "ti", clean,
                        (int64_t)job.record.sequence));
    HF_TRY(hf_local_event(local, now, HF_EVENT_CANCEL_REQUESTED, &job, job.record.worker, clean));
    break;
  case HF_JOB_CANCELLED:
    break;
  default:
    status =
        hf_fail(HF_E_STATE, "the job is %s and cannot be cancelled", hf_job_state_text(job.record.state));
  }
out:
  return hf_local_end(local, status);
}

hf_status hf_local_requeue(hf_queue *queue, const hf_job_key *key, uint64_t deadline_ms) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_find(local, key, &job));
  if (hf_job_state_open(job.record.state) || job.record.state == HF_JOB_DONE) {
    status = hf_fail(HF_E_STATE, "the job is %s; only dead, failed and cancelled jobs are put back",
                     hf_job_state_text(job.record.state));
    goto out;
  }
  HF_TRY(hf_local_wake_tenant(local, key->tenant));
  HF_TRY(hf_local_run(local, "UPDATE attempts SET forgiven = 1 WHERE seq = ?", "i",
                      (int64_t)job.record.sequence));
  HF_TRY(
      hf_local_run(local,
                   "UPDATE jobs SET state = 0, cancel = 0, attempts = 0, losses = 0, ended_at = 0, due = ?,"
                   " cause = '' WHERE seq = ?",
                   "ii", deadline_ms ? (int64_t)deadline_ms : HF_LOCAL_NEVER, (int64_t)job.record.sequence));
  HF_TRY(hf_local_event(local, hf_queue_now(queue), HF_EVENT_REQUEUED, &job, "", ""));
out:
  return hf_local_end(local, status);
}
