/* Results of the local store that do not verify, and the workers whose they are. */
#include "local.h"

#include <stdio.h>
#include <string.h>

hf_status hf_local_admit(hf_local *local, const char *worker) {
  hf_status status = HF_OK;
  sqlite3_stmt *statement;
  bool row;
  char cause[HF_DETAIL_MAX + 1];
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT strikes, cause FROM workers WHERE name = ? AND quarantined > 0", "t",
                          worker));
  HF_TRY(hf_local_step(local, statement, &row));
  if (!row) goto out;
  long long strikes = (long long)sqlite3_column_int64(statement, 0);
  status = hf_local_column_text(statement, 1, cause, sizeof cause);
  sqlite3_reset(statement);
  if (status == HF_OK)
    status = hf_fail(
        HF_E_QUARANTINED,
        "worker %s is quarantined: %lld of its results were refused, the last one: %s; `hyperfold queue"
        " pardon %s` lets it work again",
        worker, strikes, cause, worker);
out:
  return status;
}

/* Whether `result` of this job was refused, and not forgiven since; `worker`: whose it was. */
static hf_status was_refused(hf_local *local, const hf_local_job *job, const hf_digest *result,
                             char worker[HF_NAME_MAX + 1], bool *was) {
  hf_status status = HF_OK;
  sqlite3_stmt *statement;
  worker[0] = '\0';
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT worker FROM attempts WHERE seq = ? AND result = ? AND forgiven = 0", "ib",
                          (int64_t)job->record.sequence, result->b, sizeof result->b));
  HF_TRY(hf_local_step(local, statement, was));
  if (!*was) goto out;
  status = hf_local_column_text(statement, 0, worker, HF_NAME_MAX + 1);
  sqlite3_reset(statement);
out:
  return status;
}

hf_status hf_local_bar(hf_local *local, const hf_local_job *job, const char *worker, const hf_digest *result,
                       uint64_t now, hf_status *verdict) {
  bool was;
  char whose[HF_NAME_MAX + 1], cause[HF_DETAIL_MAX + 1];
  hf_status status = hf_local_admit(local, worker);
  *verdict = status == HF_E_QUARANTINED ? status : HF_OK;
  if (status == HF_OK) {
    status = was_refused(local, job, result, whose, &was);
    if (status != HF_OK || !was) return status;
    *verdict =
        hf_fail(HF_E_VERIFY, "this result of the job was refused before, when %s handed it in", whose);
  }
  if (*verdict == HF_OK) return status;
  hf_detail_copy(hf_error_message(), cause);
  status = hf_local_run(local, "UPDATE totals SET barred = barred + 1", "");
  if (status == HF_OK) status = hf_local_event(local, now, HF_EVENT_BARRED, job, worker, cause);
  return status;
}

/* What a worker holds is offered to others. */
static hf_status end_leases(hf_local *local, const char *worker, uint64_t now) {
  hf_status status = HF_OK;
  sqlite3_stmt *statement;
  hf_local_job job;
  bool found;
  for (;;) {
    HF_TRY(hf_local_prepare(
        local, &statement, "SELECT " HF_LOCAL_JOB_COLUMNS " FROM jobs WHERE state = 1 AND worker = ? LIMIT 1",
        "t", worker));
    HF_TRY(hf_local_take_job(local, statement, &job, &found));
    if (!found) break;
    HF_TRY(hf_local_give_back(local, &job, now, "the worker was quarantined"));
  }
out:
  return status;
}

/* How a worker stands. */
static hf_status read_strikes(hf_local *local, const char *worker, hf_queue_refusal *out) {
  int64_t strikes, quarantined;
  hf_status status =
      hf_local_number(local, &strikes, "SELECT strikes FROM workers WHERE name = ?", "t", worker);
  if (status == HF_OK)
    status =
        hf_local_number(local, &quarantined, "SELECT quarantined FROM workers WHERE name = ?", "t", worker);
  if (status != HF_OK) return status;
  out->strikes = (uint32_t)strikes;
  out->quarantined = quarantined != 0;
  return HF_OK;
}

static hf_status strike(hf_local *local, const hf_local_job *job, const char *cause, uint64_t now,
                        hf_queue_refusal *out) {
  hf_status status = HF_OK;
  const char *worker = job->record.worker;
  HF_TRY(
      hf_local_run(local,
                   "INSERT INTO workers (name, announcement, seen, strikes, cause) VALUES (?1, x'', 0, 1, ?2)"
                   " ON CONFLICT (name) DO UPDATE SET strikes = strikes + 1, cause = ?2",
                   "tt", worker, cause));
  HF_TRY(read_strikes(local, worker, out));
  if (out->quarantined || out->strikes < local->queue.options.max_strikes) goto out;
  HF_TRY(
      hf_local_run(local, "UPDATE workers SET quarantined = ? WHERE name = ?", "it", (int64_t)now, worker));
  HF_TRY(hf_local_run(local, "UPDATE totals SET quarantines = quarantines + 1", ""));
  HF_TRY(hf_local_event(local, now, HF_EVENT_QUARANTINED, job, worker, cause));
  HF_TRY(end_leases(local, worker, now));
  out->quarantined = true;
out:
  return status;
}

/* Only a job that is DONE with this result comes here on; *over: it is not, and `status` says what then. */
static hf_status look(hf_local *local, const hf_local_job *job, const hf_digest *result,
                      hf_queue_refusal *out, bool *over) {
  const hf_job_record *r = &job->record;
  char hex[HF_DIGEST_HEX];
  *over = !(r->state == HF_JOB_DONE && hf_digest_eq(&r->result, result));
  if (!*over) return HF_OK;
  hf_status status = was_refused(local, job, result, out->worker, &out->again);
  if (status != HF_OK) return status;
  out->state = r->state;
  if (out->again) return read_strikes(local, out->worker, out);
  hf_digest_hex(&r->result, hex);
  return hf_fail(HF_E_STATE, "nothing to refuse: the job is %s%s%s", hf_job_state_text(r->state),
                 r->state == HF_JOB_DONE ? " with another result, " : " and has no result",
                 r->state == HF_JOB_DONE ? hex : "");
}

hf_status hf_local_refuse(hf_queue *queue, const hf_job_key *key, const hf_digest *result, bool lost,
                          const char *cause, hf_queue_refusal *out) {
  hf_local *local = (hf_local *)queue;
  hf_local_job job;
  char clean[HF_DETAIL_MAX + 1];
  bool over;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  uint64_t now = hf_queue_now(queue);
  hf_detail_copy(cause, clean);
  HF_TRY(hf_local_find(local, key, &job));
  HF_TRY(look(local, &job, result, out, &over));
  if (over) goto out;
  snprintf(out->worker, sizeof out->worker, "%s", job.record.worker);
  HF_TRY(hf_local_wake_tenant(local, key->tenant));
  HF_TRY(hf_local_run(local, "UPDATE tenants SET refused = refused + ? WHERE name = ?", "it",
                      (int64_t)job.proved_ms, key->tenant));
  HF_TRY(hf_local_run(local, "UPDATE jobs SET result = NULL, proved = 0, ended_at = 0 WHERE seq = ?", "i",
                      (int64_t)job.record.sequence));
  hf_local_attempt attempt = {.code = HF_E_VERIFY, .cause = clean, .result = result};
  if (lost) attempt = (hf_local_attempt){.code = HF_E_CHECKSUM, .cause = clean};
  HF_TRY(hf_local_charge(local, &job, now, &attempt, &out->state));
  HF_TRY(lost ? read_strikes(local, job.record.worker, out) : strike(local, &job, clean, now, out));
out:
  return hf_local_end(local, status);
}

hf_status hf_local_pardon(hf_queue *queue, const char *worker) {
  hf_local *local = (hf_local *)queue;
  int64_t known, strikes;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  HF_TRY(hf_local_number(local, &known, "SELECT count(*) FROM workers WHERE name = ?", "t", worker));
  if (!known) {
    status = hf_fail(HF_E_NOT_FOUND, "the queue knows no worker %s", worker);
    goto out;
  }
  HF_TRY(hf_local_number(local, &strikes, "SELECT strikes FROM workers WHERE name = ?", "t", worker));
  if (strikes == 0) goto out;
  HF_TRY(hf_local_run(local, "UPDATE workers SET strikes = 0, quarantined = 0, cause = '' WHERE name = ?",
                      "t", worker));
  HF_TRY(hf_local_run(local, "UPDATE totals SET pardons = pardons + 1", ""));
  HF_TRY(hf_local_event(local, hf_queue_now(queue), HF_EVENT_PARDONED, &(hf_local_job){0}, worker, ""));
out:
  return hf_local_end(local, status);
}
