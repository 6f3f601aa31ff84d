/* Leases of the local store: who gets which job, for how long, and how it ends. */
#include "local.h"

#include <stdio.h>
#include <string.h>

/* Fair shares are counted in microseconds of device time over weight. */
#define VTIME_PER_MS 1000
/* The announcement of an idle worker is written at most this often. */
#define SEEN_EVERY_MS   5000
#define REAP_BATCH      1000
#define REAP_BATCH_TEXT "1000"

/* Ends the current lease of a job at `until`: meters the time, corrects the fair share. */
static hf_status close_lease(hf_local *local, hf_local_job *job, uint64_t until, bool proved) {
  hf_job_record *r = &job->record;
  uint64_t used = until > r->leased_ms ? until - r->leased_ms : 0;
  r->used_ms += used;
  /* What was charged when the lease was given is replaced by what it took. The
   * tenant's average follows accepted results alone. */
  return hf_local_run(local,
                      "UPDATE tenants SET used = used + ?1, proved = proved + ?2,"
                      " vtime = vtime + (?1 - ?3) * ?4 / weight,"
                      " average = CASE WHEN ?2 > 0 THEN max(1, (average * 7 + ?2) / 8) ELSE average END"
                      " WHERE name = ?5",
                      "iiiit", (int64_t)used, proved ? (int64_t)used : (int64_t)0, (int64_t)job->charged_ms,
                      (int64_t)VTIME_PER_MS, r->header.key.tenant);
}

static hf_status end_job(hf_local *local, hf_local_job *job, hf_job_state state, uint64_t now,
                         const char *cause) {
  return hf_local_run(local,
                      "UPDATE jobs SET state = ?, ended_at = ?, cause = ?, used = ?, attempts = ?, losses = ?"
                      " WHERE seq = ?",
                      "iitiiii", (int64_t)state, (int64_t)now, cause, (int64_t)job->record.used_ms,
                      (int64_t)job->record.attempts, (int64_t)job->record.losses,
                      (int64_t)job->record.sequence);
}

static hf_status offer_again(hf_local *local, hf_local_job *job, const char *cause) {
  return hf_local_run(
      local, "UPDATE jobs SET state = 0, cause = ?, used = ?, attempts = ?, losses = ? WHERE seq = ?",
      "tiiii", cause, (int64_t)job->record.used_ms, (int64_t)job->record.attempts,
      (int64_t)job->record.losses, (int64_t)job->record.sequence);
}

static hf_status cancel_now(hf_local *local, hf_local_job *job, uint64_t now) {
  hf_status status = end_job(local, job, HF_JOB_CANCELLED, now, job->record.cause);
  if (status != HF_OK) return status;
  return hf_local_event(local, now, HF_EVENT_CANCELLED, job, job->record.worker, job->record.cause);
}

/* Notes a failure, a loss or a refusal and says whether it was the last that the job had:
 * `limit` of its kind on at least two workers, or twice that on one. */
static hf_status note_attempt(hf_local *local, const hf_local_job *job, uint64_t now, bool loss,
                              const hf_local_attempt *attempt, uint32_t count, uint32_t limit, bool *last) {
  const hf_queue_options *o = &local->queue.options;
  const hf_digest *refused = attempt->result;
  hf_status status = HF_OK;
  int64_t workers;
  uint32_t doublings = count > 10 ? 10 : count - 1;
  uint64_t hold = refused ? HF_QUEUE_REFUSED_HOLD * o->retry_ms : o->retry_ms << doublings;
  HF_TRY(hf_local_run(
      local,
      "INSERT INTO attempts (seq, number, loss, at, epoch, worker, retry_at, code, cause, result) VALUES"
      " (?1, (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE seq = ?1), ?2,?3,?4,?5,?6,?7,?8,?9)",
      refused ? "iiiitiitb" : "iiiitiitn", (int64_t)job->record.sequence, (int64_t)loss, (int64_t)now,
      (int64_t)job->record.epoch, job->record.worker, loss ? (int64_t)0 : (int64_t)(now + hold),
      (int64_t)attempt->code, attempt->cause, refused ? refused->b : NULL, refused ? sizeof refused->b : (size_t)0));
  HF_TRY(hf_local_number(
      local, &workers,
      "SELECT count(DISTINCT worker) FROM attempts WHERE seq = ? AND loss = ? AND forgiven = 0", "ii",
      (int64_t)job->record.sequence, (int64_t)loss));
  *last = (count >= limit && workers >= 2) || count / 2 >= limit;
out:
  return status;
}

static hf_status bury(hf_local *local, hf_local_job *job, uint64_t now, const char *cause) {
  hf_status status = end_job(local, job, HF_JOB_DEAD, now, cause);
  if (status != HF_OK) return status;
  return hf_local_event(local, now, HF_EVENT_DEAD, job, job->record.worker, cause);
}

hf_status hf_local_charge(hf_local *local, hf_local_job *job, uint64_t now, const hf_local_attempt *attempt,
                          hf_job_state *state) {
  hf_status status = HF_OK;
  bool last;
  hf_job_record *r = &job->record;
  r->attempts++;
  HF_TRY(attempt->result ? hf_local_run(local, "UPDATE totals SET refusals = refusals + 1", "")
                         : hf_local_run(local, "UPDATE totals SET failures = failures + 1", ""));
  HF_TRY(note_attempt(local, job, now, false, attempt, r->attempts, local->queue.options.max_attempts, &last));
  HF_TRY(hf_local_event(local, now, attempt->result ? HF_EVENT_REFUSED : HF_EVENT_FAILED_ATTEMPT, job, r->worker,
                        attempt->cause));
  *state = last ? HF_JOB_DEAD : HF_JOB_QUEUED;
  HF_TRY(last ? bury(local, job, now, attempt->cause) : offer_again(local, job, attempt->cause));
out:
  return status;
}

hf_status hf_local_give_back(hf_local *local, hf_local_job *job, uint64_t now, const char *why) {
  hf_status status = HF_OK;
  HF_TRY(close_lease(local, job, now, false));
  if (job->record.cancel_requested) return cancel_now(local, job, now);
  HF_TRY(hf_local_run(local, "UPDATE totals SET released = released + 1", ""));
  HF_TRY(hf_local_event(local, now, HF_EVENT_RELEASED, job, job->record.worker, why));
  HF_TRY(offer_again(local, job, job->record.cause));
out:
  return status;
}

/* A lease that ran out: the worker is lost, the job is not to blame. */
static hf_status expire(hf_local *local, hf_local_job *job, uint64_t now) {
  hf_status status = HF_OK;
  char cause[HF_DETAIL_MAX + 1];
  bool last;
  hf_job_record *r = &job->record;
  HF_TRY(close_lease(local, job, job->beat_ms, false));
  HF_TRY(hf_local_run(local, "UPDATE totals SET expired = expired + 1", ""));
  if (r->cancel_requested) {
    status = cancel_now(local, job, now);
    goto out;
  }
  r->losses++;
  snprintf(cause, sizeof cause, "worker %s was lost%s%s", r->worker, r->progress.phase[0] ? " in phase " : "",
           r->progress.phase);
  HF_TRY(hf_local_event(local, now, HF_EVENT_EXPIRED, job, r->worker, cause));
  HF_TRY(note_attempt(local, job, now, true, &(hf_local_attempt){.code = HF_E_TIMEOUT, .cause = cause}, r->losses,
                      local->queue.options.max_losses, &last));
  if (last) {
    size_t used = strlen(cause);
    snprintf(cause + used, sizeof cause - used, "; %u leases of this job ran out", r->losses);
    status = bury(local, job, now, cause);
  } else {
    status = offer_again(local, job, cause);
  }
out:
  return status;
}

static hf_status miss_deadline(hf_local *local, hf_local_job *job, uint64_t now) {
  hf_status status = HF_OK;
  char cause[HF_DETAIL_MAX + 1];
  hf_job_record *r = &job->record;
  bool leased = r->state == HF_JOB_LEASED;
  if (leased) HF_TRY(close_lease(local, job, now < r->expires_ms ? now : job->beat_ms, false));
  snprintf(cause, sizeof cause, "the deadline passed while the job was %s%s%.200s",
           leased ? "running" : "waiting", r->cause[0] ? "; before that: " : "", r->cause);
  HF_TRY(end_job(local, job, HF_JOB_FAILED, now, cause));
  HF_TRY(hf_local_event(local, now, HF_EVENT_DEADLINE, job, leased ? r->worker : "", cause));
out:
  return status;
}

/* The rows are collected before any is changed: a query over an index that the loop changes may skip rows. */
static hf_status reap_each(hf_local *local, uint64_t now, const char *query, const char *reread,
                           hf_status (*end)(hf_local *, hf_local_job *, uint64_t), uint64_t *changed) {
  hf_status status = HF_OK;
  sqlite3_stmt *statement;
  int64_t sequences[REAP_BATCH];
  size_t count = 0;
  bool row;
  hf_local_job job;
  HF_TRY(hf_local_prepare(local, &statement, query, "i", (int64_t)now));
  for (;;) {
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) break;
    sequences[count++] = sqlite3_column_int64(statement, 0);
  }
  for (size_t i = 0; i < count; i++) {
    HF_TRY(hf_local_prepare(local, &statement, reread, "i", sequences[i]));
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) continue;
    status = hf_local_read_job(statement, &job);
    sqlite3_reset(statement);
    if (status != HF_OK) goto out;
    HF_TRY(end(local, &job, now));
    ++*changed;
  }
out:
  return status;
}

static const char read_by_sequence[] = "SELECT " HF_LOCAL_JOB_COLUMNS " FROM jobs WHERE seq = ?";

static hf_status reap_now(hf_local *local, uint64_t now, uint64_t *changed) {
  hf_status status = HF_OK;
  /* Deadlines first: a job that missed its deadline is not offered again. */
  HF_TRY(reap_each(local, now, "SELECT seq FROM jobs WHERE state < 2 AND due <= ? LIMIT " REAP_BATCH_TEXT,
                   read_by_sequence, miss_deadline, changed));
  HF_TRY(reap_each(local, now,
                   "SELECT seq FROM jobs WHERE state = 1 AND expires_at <= ? LIMIT " REAP_BATCH_TEXT,
                   read_by_sequence, expire, changed));
out:
  return status;
}

hf_status hf_local_reap(hf_queue *queue, uint64_t *changed) {
  hf_local *local = (hf_local *)queue;
  *changed = 0;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  status = reap_now(local, hf_queue_now(queue), changed);
  return hf_local_end(local, status);
}

static hf_status announce(hf_local *local, const hf_worker *worker, uint64_t now) {
  hf_writer w = {0};
  hf_status status = hf_worker_encode(worker, &w);
  if (status == HF_OK)
    status =
        hf_local_run(local,
                     "INSERT INTO workers (name, announcement, seen) VALUES (?1,?2,?3) ON CONFLICT (name)"
                     " DO UPDATE SET announcement = ?2, seen = ?3",
                     "tbi", worker->name, w.data, w.length, (int64_t)now);
  hf_writer_free(&w);
  return status;
}

/* The worker's capabilities as a JSON list of what jobs.offer and jobs.circuit are
 * matched with: "circuit:hex of the key", or "circuit" for any key. Names hold no
 * character that JSON would escape. */
static hf_status capability_list(const hf_worker *worker, hf_writer *w) {
  char hex[HF_DIGEST_HEX], entry[HF_NAME_MAX + HF_DIGEST_HEX + 8];
  hf_write_u8(w, '[');
  for (uint32_t i = 0; i < worker->capability_count; i++) {
    const hf_capability *c = &worker->capabilities[i];
    hf_digest_hex(&c->vk_digest, hex);
    bool any = hf_digest_is_zero(&c->vk_digest);
    int n = snprintf(entry, sizeof entry, "%s\"%s%s%s\"", i ? "," : "", c->circuit, any ? "" : ":",
                     any ? "" : hex);
    hf_write_bytes(w, entry, (size_t)n);
  }
  hf_write_u8(w, ']');
  hf_write_u8(w, 0);
  return hf_writer_status(w);
}

/* The next job of one tenant that this worker may have. */
static hf_status pick(hf_local *local, const hf_worker *worker, const char *tenant, const char *capabilities,
                      uint64_t now, hf_local_job *out, bool *found) {
  sqlite3_stmt *statement;
  hf_status status = HF_OK;
  HF_TRY(hf_local_prepare(
      local, &statement,
      "SELECT " HF_LOCAL_JOB_COLUMNS " FROM jobs WHERE state = 0 AND tenant = ?1 AND due > ?2"
      " AND device_memory <= ?3 AND host_memory <= ?4"
      " AND (offer IN (SELECT value FROM json_each(?5)) OR circuit IN (SELECT value FROM json_each(?5)))"
      " AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.seq = jobs.seq AND a.worker = ?6 AND a.retry_at > ?2"
      "  AND a.forgiven = 0)"
      " ORDER BY priority DESC, due, seq LIMIT 1",
      "tiiitt", tenant, (int64_t)now, (int64_t)worker->device_memory, (int64_t)worker->host_memory,
      capabilities, worker->name));
  HF_TRY(hf_local_take_job(local, statement, out, found));
out:
  return status;
}

/* Tenants in the order of their fair shares until one has a job for this worker. */
static hf_status choose(hf_local *local, const hf_worker *worker, uint64_t now, hf_local_job *out,
                        bool *found) {
  sqlite3_stmt *statement;
  hf_writer capabilities = {0};
  hf_status status = HF_OK;
  char tenant[HF_NAME_MAX + 1];
  int64_t vtime, weight, average;
  bool row;
  *found = false;
  HF_TRY(capability_list(worker, &capabilities));
  HF_TRY(hf_local_prepare(
      local, &statement, "SELECT name, vtime, weight, average FROM tenants WHERE s0 > 0 ORDER BY vtime, name",
      ""));
  for (;;) {
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) break;
    HF_TRY(hf_local_column_text(statement, 0, tenant, sizeof tenant));
    vtime = sqlite3_column_int64(statement, 1);
    weight = sqlite3_column_int64(statement, 2);
    average = sqlite3_column_int64(statement, 3);
    HF_TRY(pick(local, worker, tenant, (const char *)capabilities.data, now, out, found));
    if (!*found) continue;
    sqlite3_reset(statement);
    out->charged_ms = (uint64_t)average;
    HF_TRY(hf_local_run(local, "UPDATE tenants SET vtime = vtime + ? WHERE name = ?", "it",
                        average * VTIME_PER_MS / weight, tenant));
    HF_TRY(hf_local_run(local, "UPDATE totals SET vtime = max(vtime, ?), leases = leases + 1", "i", vtime));
    break;
  }
out:
  hf_writer_free(&capabilities);
  return status;
}

hf_status hf_local_lease_look(hf_local *local, const hf_worker *worker, bool *work) {
  int64_t number = 0;
  uint64_t now = hf_queue_now(&local->queue);
  hf_status status = hf_local_enter(local);
  if (status != HF_OK) return status;
  status = hf_local_admit(local, worker->name);
  if (status == HF_OK)
    status = hf_local_number(local, &number,
                             "SELECT EXISTS (SELECT 1 FROM tenants WHERE s0 > 0)"
                             " OR EXISTS (SELECT 1 FROM jobs WHERE state = 1 AND expires_at <= ?1)"
                             " OR EXISTS (SELECT 1 FROM jobs WHERE state < 2 AND due <= ?1)"
                             " OR NOT EXISTS (SELECT 1 FROM workers WHERE name = ?2 AND seen > ?3)",
                             "iti", (int64_t)now, worker->name, (int64_t)now - SEEN_EVERY_MS);
  hf_local_leave(local);
  *work = number != 0;
  return status;
}

hf_status hf_local_lease(hf_queue *queue, const hf_worker *worker, hf_lease *out, bool *found) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  bool work;
  uint64_t ignored = 0, now;
  hf_status status = hf_local_lease_look(local, worker, &work); /* an idle worker takes no write lock */
  if (status != HF_OK || !work) return status;

  status = hf_local_begin(local);
  if (status != HF_OK) return status;
  now = hf_queue_now(queue);
  bool chosen = false;
  int64_t seen;
  HF_TRY(hf_local_admit(local, worker->name));
  HF_TRY(reap_now(local, now, &ignored));
  HF_TRY(choose(local, worker, now, &job, &chosen));
  HF_TRY(hf_local_number(local, &seen, "SELECT seen FROM workers WHERE name = ?", "t", worker->name));
  if (chosen || (uint64_t)seen + SEEN_EVERY_MS <= now) HF_TRY(announce(local, worker, now));
  if (!chosen) goto out;
  int64_t floor;
  HF_TRY(hf_local_number(local, &floor, "SELECT floor FROM totals", ""));
  hf_job_record *r = &job.record;
  r->epoch = r->epoch + 1 > (uint64_t)floor ? r->epoch + 1 : (uint64_t)floor;
  *out = (hf_lease){.header = r->header,
                    .epoch = r->epoch,
                    .attempts = r->attempts,
                    .expires_ms = now + queue->options.lease_ms,
                    .lease_ms = queue->options.lease_ms};
  HF_TRY(hf_local_run(
      local,
      "UPDATE jobs SET state = 1, epoch = ?1, worker = ?2, leased_at = ?3, beat_at = ?3,"
      " advance_at = ?3, expires_at = ?4, done = 0, total = 0, phase = '', charged = ?5 WHERE seq = ?6",
      "itiiii", (int64_t)r->epoch, worker->name, (int64_t)now, (int64_t)out->expires_ms,
      (int64_t)job.charged_ms, (int64_t)r->sequence));
  HF_TRY(hf_local_event(local, now, HF_EVENT_LEASED, &job, worker->name, ""));
out:
  status = hf_local_end(local, status);
  *found = chosen && status == HF_OK;
  return status;
}

hf_status hf_local_heartbeat(hf_queue *queue, const hf_job_key *key, uint64_t epoch,
                             const hf_progress *progress, hf_beat *out) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  hf_status status = hf_local_begin(local), verdict = HF_OK;
  if (status != HF_OK) return status;
  uint64_t now = hf_queue_now(queue);
  HF_TRY(hf_local_find(local, key, &job));
  hf_job_record *r = &job.record;
  *out = (hf_beat){HF_BEAT_GO_ON, r->expires_ms};
  if (r->epoch == epoch && r->state == HF_JOB_CANCELLED) {
    out->action = HF_BEAT_CANCELLED;
    goto out;
  }
  if (r->epoch == epoch && r->state == HF_JOB_FAILED) {
    out->action = HF_BEAT_DEADLINE;
    goto out;
  }
  if (r->epoch != epoch || r->state != HF_JOB_LEASED) {
    verdict = hf_fail(HF_E_STALE, "the lease of epoch %llu is over: the job is %s at epoch %llu",
                      (unsigned long long)epoch, hf_job_state_text(r->state), (unsigned long long)r->epoch);
    goto out;
  }
  if (job.due <= (int64_t)now) {
    out->action = HF_BEAT_DEADLINE;
    HF_TRY(miss_deadline(local, &job, now));
    goto out;
  }
  bool advanced = progress->done > r->progress.done;
  bool stalled = !advanced && now > job.advance_ms + queue->options.stall_ms;
  if (r->cancel_requested)
    out->action = HF_BEAT_CANCELLED;
  else if (stalled)
    out->action = HF_BEAT_STALLED;
  else
    out->expires_ms = now + queue->options.lease_ms;
  HF_TRY(hf_local_run(
      local,
      "UPDATE jobs SET beat_at = ?, advance_at = ?, expires_at = ?, done = max(done, ?), total = ?,"
      " phase = ? WHERE seq = ?",
      "iiiiiti", (int64_t)now, (int64_t)(advanced ? now : job.advance_ms), (int64_t)out->expires_ms,
      (int64_t)progress->done, (int64_t)progress->total, progress->phase, (int64_t)r->sequence));
  HF_TRY(hf_local_run(local, "UPDATE workers SET seen = ?1 WHERE name = ?2 AND seen + 1000 <= ?1", "it",
                      (int64_t)now, r->worker));
out:
  status = hf_local_end(local, status);
  return status == HF_OK ? verdict : status;
}

hf_status hf_local_finish(hf_queue *queue, const hf_job_key *key, uint64_t epoch, const char *worker,
                          const hf_digest *result, hf_finish_outcome *outcome) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  bool has;
  hf_status status = hf_local_begin(local), verdict = HF_OK;
  if (status != HF_OK) return status;
  uint64_t now = hf_queue_now(queue);
  HF_TRY(hf_local_find(local, key, &job));
  hf_job_record *r = &job.record;
  int64_t floor; /* below it is what may have been given before this store was put back from a copy */
  HF_TRY(hf_local_number(local, &floor, "SELECT floor FROM totals", ""));
  if (epoch == 0 || (epoch > r->epoch && epoch >= (uint64_t)floor)) {
    status = hf_fail(HF_E_ARGUMENT, "a result under epoch %llu: the job's last lease has %llu",
                     (unsigned long long)epoch, (unsigned long long)r->epoch);
    goto out;
  }
  HF_TRY(hf_local_artifact_exists(local, result, &has));
  if (!has) {
    char hex[HF_DIGEST_HEX];
    hf_digest_hex(result, hex);
    status = hf_fail(HF_E_NOT_FOUND, "the result %s is not in the artifact store", hex);
    goto out;
  }
  HF_TRY(hf_local_bar(local, &job, worker, result, now, &verdict));
  if (verdict != HF_OK) goto out;
  if (r->state == HF_JOB_DONE) {
    bool same = hf_digest_eq(result, &r->result);
    *outcome = same ? HF_FINISH_DUPLICATE : HF_FINISH_LATE;
    HF_TRY(hf_local_run(
        local, "UPDATE totals SET late_results = late_results + 1, late_differing = late_differing + ?", "i",
        (int64_t)!same));
    HF_TRY(hf_local_event(local, now, HF_EVENT_LATE_RESULT, &job, worker,
                          same ? "the same result again" : "another result; the first one stays"));
    goto out;
  }
  bool current = r->state == HF_JOB_LEASED && r->epoch == epoch;
  if (r->state == HF_JOB_CANCELLED || r->cancel_requested) {
    *outcome = HF_FINISH_CANCELLED;
    HF_TRY(hf_local_run(local, "UPDATE totals SET late_results = late_results + 1", ""));
    HF_TRY(hf_local_event(local, now, HF_EVENT_LATE_RESULT, &job, worker, "the job was cancelled"));
    if (current) {
      HF_TRY(close_lease(local, &job, now, false));
      HF_TRY(cancel_now(local, &job, now));
    }
    goto out;
  }
  /* Another worker's lease ends here too; its next heartbeat tells it. */
  uint64_t before = r->used_ms;
  if (r->state == HF_JOB_LEASED) HF_TRY(close_lease(local, &job, now, current));
  HF_TRY(hf_local_run(
      local,
      "UPDATE jobs SET state = 2, result = ?, worker = ?, ended_at = ?, used = ?, proved = ?, cause = ''"
      " WHERE seq = ?",
      "btiiii", result->b, sizeof result->b, worker, (int64_t)now, (int64_t)r->used_ms,
      current ? (int64_t)(r->used_ms - before) : (int64_t)0, (int64_t)r->sequence));
  HF_TRY(hf_local_run(local, "UPDATE totals SET results = results + 1", ""));
  HF_TRY(
      hf_local_event(local, now, HF_EVENT_DONE, &job, worker, current ? "" : "a result of an earlier lease"));
  *outcome = HF_FINISH_ACCEPTED;
out:
  status = hf_local_end(local, status);
  return status == HF_OK ? verdict : status;
}

/* Whether (key, epoch) is the current lease; if not, counts it and fills `verdict`. */
static hf_status check_fence(hf_local *local, const hf_local_job *job, uint64_t epoch, uint64_t now,
                             const char *cause, hf_status *verdict) {
  const hf_job_record *r = &job->record;
  if (r->state == HF_JOB_LEASED && r->epoch == epoch) return HF_OK;
  hf_status status = hf_local_run(local, "UPDATE totals SET stale = stale + 1", "");
  if (status == HF_OK) status = hf_local_event(local, now, HF_EVENT_STALE_FAILURE, job, "", cause);
  *verdict = hf_fail(HF_E_STALE, "the lease of epoch %llu is over: the job is %s at epoch %llu",
                     (unsigned long long)epoch, hf_job_state_text(r->state), (unsigned long long)r->epoch);
  return status;
}

hf_status hf_local_fail(hf_queue *queue, const hf_job_key *key, uint64_t epoch, hf_status code,
                        const char *cause, hf_job_state *state) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  char clean[HF_DETAIL_MAX + 1];
  hf_status status = hf_local_begin(local), verdict = HF_OK;
  if (status != HF_OK) return status;
  uint64_t now = hf_queue_now(queue);
  hf_detail_copy(cause[0] ? cause : hf_status_text(code), clean);
  HF_TRY(hf_local_find(local, key, &job));
  hf_job_record *r = &job.record;
  *state = r->state;
  HF_TRY(check_fence(local, &job, epoch, now, clean, &verdict));
  if (verdict != HF_OK) goto out;
  HF_TRY(close_lease(local, &job, now, false));
  if (r->cancel_requested) {
    *state = HF_JOB_CANCELLED;
    status = cancel_now(local, &job, now);
    goto out;
  }
  HF_TRY(hf_local_charge(local, &job, now, &(hf_local_attempt){.code = code, .cause = clean}, state));
out:
  status = hf_local_end(local, status);
  return status == HF_OK ? verdict : status;
}

hf_status hf_local_release(hf_queue *queue, const hf_job_key *key, uint64_t epoch) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  hf_status status = hf_local_begin(local), verdict = HF_OK;
  if (status != HF_OK) return status;
  uint64_t now = hf_queue_now(queue);
  HF_TRY(hf_local_find(local, key, &job));
  /* After a heartbeat has said that the job is cancelled or out of time, giving it back is no fault. */
  if (job.record.epoch == epoch &&
      (job.record.state == HF_JOB_CANCELLED || job.record.state == HF_JOB_FAILED))
    goto out;
  HF_TRY(check_fence(local, &job, epoch, now, "release", &verdict));
  if (verdict != HF_OK) goto out;
  HF_TRY(hf_local_give_back(local, &job, now, ""));
out:
  status = hf_local_end(local, status);
  return status == HF_OK ? verdict : status;
}
