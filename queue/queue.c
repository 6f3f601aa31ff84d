/* The part of the queue that all backends share: defaults, checks of arguments,
 * waiting. */
#include "queue_backend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static uint64_t system_now_ms(void *context) {
  (void)context;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void system_sleep_ms(void *context, uint64_t ms) {
  (void)context;
  struct timespec pause = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
  nanosleep(&pause, NULL);
}

hf_clock hf_clock_system(void) { return (hf_clock){system_now_ms, system_sleep_ms, NULL}; }

hf_status hf_queue_part(const char *what, const char *text, size_t length, char *out, size_t capacity) {
  if (length == 0 || length >= capacity)
    return hf_fail(HF_E_ARGUMENT, "queue: the %s has %zu characters; 1 to %zu are possible", what, length,
                   capacity - 1);
  memcpy(out, text, length);
  out[length] = '\0';
  return HF_OK;
}

hf_status hf_queue_open(const hf_queue_options *options, hf_queue **out) {
  *out = NULL;
  hf_queue_options o = *options;
  if (!o.location || !o.location[0]) return hf_fail(HF_E_ARGUMENT, "queue: no location was given");
  if (!o.clock.now_ms) o.clock = hf_clock_system();
  if (!o.lease_ms) o.lease_ms = 30000;
  if (!o.stall_ms) o.stall_ms = 300000;
  if (!o.retry_ms) o.retry_ms = 1000;
  if (!o.max_attempts) o.max_attempts = 3;
  if (!o.max_losses) o.max_losses = 50;
  if (!o.max_strikes) o.max_strikes = 2;
  if (!o.tenant_quota) o.tenant_quota = 100000;
  if (!o.total_quota) o.total_quota = 1000000;
  if (!o.artifact_limit) o.artifact_limit = (uint64_t)1 << 30;
  if (!o.busy_ms) o.busy_ms = 30000;
  if (!o.event_limit) o.event_limit = 100000;
  const uint64_t year_ms = 366ull * 86400 * 1000;
  if (o.lease_ms > year_ms || o.stall_ms > year_ms || o.retry_ms > year_ms || o.busy_ms > INT32_MAX)
    return hf_fail(HF_E_ARGUMENT, "queue: a time in the options is longer than a year");
  const char *colon = strchr(o.location, ':'), *slash = strchr(o.location, '/');
  if (!colon || (slash && slash < colon)) return hf_queue_local_open(o.location, &o, out);
  if (strncmp(o.location, "local:", 6) == 0 && o.location[6])
    return hf_queue_local_open(o.location + 6, &o, out);
#ifdef HF_QUEUE_REDIS
  if (strncmp(o.location, "redis://", 8) == 0 || strncmp(o.location, "rediss://", 9) == 0 ||
      strncmp(o.location, "unix:", 5) == 0)
    return hf_redis_open(o.location, &o, o.clock.now_ms != system_now_ms, out);
#endif
#ifdef HF_QUEUE_ZMQ
  if (strncmp(o.location, "zmq://", 6) == 0 || strncmp(o.location, "ipc:", 4) == 0)
    return hf_zmq_open(o.location, &o, o.clock.now_ms != system_now_ms, out);
#endif
  return hf_fail(HF_E_UNSUPPORTED, "queue '%s': this build has no backend for it; use local:FOLDER",
                 o.location);
}

void hf_queue_close(hf_queue **queue) {
  if (!*queue) return;
  (*queue)->backend->close(*queue);
  *queue = NULL;
}

static const char *const state_texts[HF_JOB_STATES] = {"queued", "leased",    "done",
                                                       "failed", "cancelled", "dead"};

const char *hf_job_state_text(hf_job_state state) {
  return (size_t)state < HF_JOB_STATES ? state_texts[state] : NULL;
}

hf_status hf_job_state_parse(const char *text, hf_job_state *out) {
  for (int i = 0; i < HF_JOB_STATES; i++)
    if (strcmp(text, state_texts[i]) == 0) {
      *out = (hf_job_state)i;
      return HF_OK;
    }
  return hf_fail(HF_E_ARGUMENT,
                 "'%.40s' is no state of a job: queued, leased, done, failed, cancelled or dead", text);
}

static hf_status check_key(const hf_job_key *key) {
  if (!hf_name_valid(key->tenant) || key->id.length == 0 || key->id.length > HF_JOB_ID_MAX)
    return hf_fail(HF_E_ARGUMENT, "queue: the job's key is not valid");
  return HF_OK;
}

hf_status hf_artifact_put(hf_queue *queue, const void *data, size_t length, hf_digest *digest) {
  if (length > queue->options.artifact_limit)
    return hf_fail(HF_E_ARGUMENT, "artifact of %zu bytes, at most %llu are allowed", length,
                   (unsigned long long)queue->options.artifact_limit);
  return queue->backend->artifact_put(queue, data, length, digest);
}

hf_status hf_artifact_get(hf_queue *queue, const hf_digest *digest, size_t limit, uint8_t **data,
                          size_t *length) {
  *data = NULL;
  *length = 0;
  return queue->backend->artifact_get(queue, digest, limit, data, length);
}

hf_status hf_artifact_has(hf_queue *queue, const hf_digest *digest, bool *has) {
  *has = false;
  return queue->backend->artifact_has(queue, digest, has);
}

hf_status hf_queue_submit(hf_queue *queue, const hf_job_header *jobs, size_t count, hf_submission *results) {
  for (size_t i = 0; i < count; i++) {
    results[i] = (hf_submission){.status = hf_job_header_check(&jobs[i])};
    if (results[i].status != HF_OK)
      snprintf(results[i].message, sizeof results[i].message, "%s", hf_error_message());
  }
  return count ? queue->backend->submit(queue, jobs, count, results) : HF_OK;
}

hf_status hf_queue_submit_one(hf_queue *queue, const hf_job_header *job, hf_submission *result) {
  hf_submission local;
  if (!result) result = &local;
  hf_status status = hf_queue_submit(queue, job, 1, result);
  if (status != HF_OK) return status;
  return result->status == HF_OK ? HF_OK : hf_fail(result->status, "%s", result->message);
}

hf_status hf_queue_get(hf_queue *queue, const hf_job_key *key, hf_job_record *out) {
  hf_status status = check_key(key);
  return status == HF_OK ? queue->backend->get(queue, key, out) : status;
}

hf_status hf_queue_wait(hf_queue *queue, const hf_job_key *key, uint64_t timeout_ms, hf_job_record *out) {
  const hf_clock *clock = &queue->options.clock;
  uint64_t start = hf_queue_now(queue), pause = 5, left = timeout_ms;
  hf_status status = check_key(key);
  while (status == HF_OK) {
    status = queue->backend->wait ? queue->backend->wait(queue, key, left, out) : queue->backend->get(queue, key, out);
    if (status != HF_OK || !hf_job_state_open(out->state)) break;
    uint64_t now = hf_queue_now(queue), passed = now > start ? now - start : 0;
    if (passed >= timeout_ms || !clock->sleep_ms)
      return hf_fail(HF_E_TIMEOUT, "the job is still %s after %llu ms", hf_job_state_text(out->state),
                     (unsigned long long)passed);
    left = timeout_ms - passed;
    if (queue->backend->wait) continue;
    clock->sleep_ms(clock->context, pause < left ? pause : left);
    if (pause < 200) pause *= 2;
  }
  return status;
}

hf_status hf_queue_cancel(hf_queue *queue, const hf_job_key *key, const char *cause, hf_job_state *state) {
  hf_job_state ignored;
  hf_status status = check_key(key);
  if (status != HF_OK) return status;
  return queue->backend->cancel(queue, key, cause ? cause : "", state ? state : &ignored);
}

hf_status hf_queue_list(hf_queue *queue, const hf_job_filter *filter, hf_job_record *records, size_t capacity,
                        size_t *count) {
  *count = 0;
  return capacity ? queue->backend->list(queue, filter, records, capacity, count) : HF_OK;
}

hf_status hf_queue_lease(hf_queue *queue, const hf_worker *worker, hf_lease *out, bool *found) {
  *found = false;
  hf_status status = hf_worker_check(worker);
  return status == HF_OK ? queue->backend->lease(queue, worker, out, found) : status;
}

hf_status hf_queue_heartbeat(hf_queue *queue, const hf_job_key *key, uint64_t epoch,
                             const hf_progress *progress, hf_beat *out) {
  hf_status status = check_key(key);
  if (status != HF_OK) return status;
  hf_progress p = progress ? *progress : (hf_progress){0};
  if (p.phase[0] && (!memchr(p.phase, 0, sizeof p.phase) || !hf_name_valid(p.phase)))
    return hf_fail(HF_E_ARGUMENT, "queue: the phase of a heartbeat is no name");
  if (p.done > INT64_MAX) p.done = INT64_MAX;
  if (p.total > INT64_MAX) p.total = INT64_MAX;
  return queue->backend->heartbeat(queue, key, epoch, &p, out);
}

hf_status hf_queue_finish(hf_queue *queue, const hf_job_key *key, uint64_t epoch, const char *worker,
                          const hf_digest *result, hf_finish_outcome *outcome) {
  hf_finish_outcome ignored;
  hf_status status = check_key(key);
  if (status != HF_OK) return status;
  if (!hf_name_valid(worker))
    return hf_fail(HF_E_ARGUMENT, "queue: the worker of a result has no valid name");
  return queue->backend->finish(queue, key, epoch, worker, result, outcome ? outcome : &ignored);
}

hf_status hf_queue_fail(hf_queue *queue, const hf_job_key *key, uint64_t epoch, hf_status code,
                        const char *cause, hf_job_state *state) {
  hf_job_state ignored;
  hf_status status = check_key(key);
  if (status != HF_OK) return status;
  return queue->backend->fail(queue, key, epoch, code, cause ? cause : "", state ? state : &ignored);
}

hf_status hf_queue_release(hf_queue *queue, const hf_job_key *key, uint64_t epoch) {
  hf_status status = check_key(key);
  return status == HF_OK ? queue->backend->release(queue, key, epoch) : status;
}

/* Whether the store has damaged or lost an artifact; one that is larger than any proof is not looked at. */
static hf_status is_lost(hf_queue *queue, const hf_digest *digest, bool *lost) {
  uint8_t *data;
  size_t length;
  hf_status status = hf_artifact_get(queue, digest, (size_t)16 << 20, &data, &length);
  free(data);
  *lost = status == HF_E_CHECKSUM || status == HF_E_NOT_FOUND;
  return *lost || status == HF_E_RANGE ? HF_OK : status;
}

hf_status hf_queue_refuse(hf_queue *queue, const hf_job_key *key, const hf_digest *result, const char *cause,
                          hf_queue_refusal *out) {
  hf_queue_refusal ignored;
  bool lost;
  if (!out) out = &ignored;
  *out = (hf_queue_refusal){0};
  hf_status status = check_key(key);
  if (status == HF_OK) status = is_lost(queue, result, &lost);
  if (status != HF_OK) return status;
  if (!cause || !cause[0]) cause = lost ? "the result was damaged in the store" : "the result does not verify";
  return queue->backend->refuse(queue, key, result, lost, cause, out);
}

hf_status hf_queue_pardon(hf_queue *queue, const char *worker) {
  if (!hf_name_valid(worker)) return hf_fail(HF_E_ARGUMENT, "queue: the worker to pardon has no valid name");
  return queue->backend->pardon(queue, worker);
}

hf_status hf_queue_reap(hf_queue *queue, uint64_t *changed) {
  uint64_t ignored;
  return queue->backend->reap(queue, changed ? changed : &ignored);
}

hf_status hf_queue_requeue(hf_queue *queue, const hf_job_key *key, uint64_t deadline_ms) {
  hf_status status = check_key(key);
  if (status != HF_OK) return status;
  if (deadline_ms > INT64_MAX) return hf_fail(HF_E_ARGUMENT, "queue: a deadline above 2^63 - 1");
  return queue->backend->requeue(queue, key, deadline_ms);
}

hf_status hf_queue_attempts(hf_queue *queue, const hf_job_key *key, hf_attempt *attempts, size_t capacity,
                            size_t *count) {
  *count = 0;
  hf_status status = check_key(key);
  return status == HF_OK ? queue->backend->attempts(queue, key, attempts, capacity, count) : status;
}

hf_status hf_queue_set_tenant(hf_queue *queue, const char *tenant, uint32_t weight, uint64_t quota) {
  char checked[HF_NAME_MAX + 1];
  hf_status status = hf_name_copy("tenant", tenant, checked);
  if (status != HF_OK) return status;
  if (weight == 0 || weight > 1000000 || quota > INT64_MAX)
    return hf_fail(HF_E_ARGUMENT, "tenant %s: weight %u, quota %llu; the weight is 1 to 1,000,000", tenant,
                   weight, (unsigned long long)quota);
  return queue->backend->set_tenant(queue, tenant, weight, quota);
}

hf_status hf_queue_drain(hf_queue *queue, const char *reason) {
  char clean[HF_DETAIL_MAX + 1] = "";
  if (reason) hf_detail_copy(reason[0] ? reason : "the operator drains it", clean);
  return queue->backend->drain(queue, clean);
}

hf_status hf_queue_tenants(hf_queue *queue, const char *after, hf_tenant_stats *out, size_t capacity,
                           size_t *count) {
  *count = 0;
  return capacity ? queue->backend->tenants(queue, after ? after : "", out, capacity, count) : HF_OK;
}

static hf_status all_tenants(hf_queue *queue, hf_tenant_stats **out, size_t *count) {
  enum { PAGE = 64 };
  hf_status status = HF_OK;
  size_t got = PAGE;
  *out = NULL;
  *count = 0;
  while (got == PAGE) {
    hf_tenant_stats *more = realloc(*out, (*count + PAGE) * sizeof *more);
    if (!more) HF_TRY(hf_fail(HF_E_MEMORY, "queue: no memory for %zu tenants", *count + PAGE));
    *out = more;
    HF_TRY(hf_queue_tenants(queue, *count ? more[*count - 1].tenant : NULL, more + *count, PAGE, &got));
    *count += got;
  }
out:
  if (status != HF_OK) {
    free(*out);
    *out = NULL;
    *count = 0;
  }
  return status;
}

/* Tenants that were read between two readings with consecutive numbers were read by nobody else meanwhile. */
hf_status hf_queue_read_meters(hf_queue *queue, hf_reading *out, hf_tenant_stats **tenants, size_t *count) {
  hf_reading before;
  hf_status status = queue->backend->reading(queue, out);
  if (!tenants || status != HF_OK) return status;
  *tenants = NULL;
  for (int tries = 0; tries < 100; tries++) {
    free(*tenants);
    before = *out;
    status = all_tenants(queue, tenants, count);
    if (status == HF_OK) status = queue->backend->reading(queue, out);
    if (status != HF_OK) break;
    if (out->sequence == before.sequence + 1 && out->life == before.life) return HF_OK;
    status = hf_fail(HF_E_BUSY, "queue: the meters are being read by others all the time");
  }
  free(*tenants);
  *tenants = NULL;
  *count = 0;
  return status;
}

hf_status hf_queue_get_stats(hf_queue *queue, hf_queue_stats *out) {
  memset(out, 0, sizeof *out);
  return queue->backend->stats(queue, out);
}

hf_status hf_queue_workers(hf_queue *queue, uint64_t since_ms, const char *after, hf_worker_record *out,
                           size_t capacity, size_t *count) {
  *count = 0;
  return capacity ? queue->backend->workers(queue, since_ms, after ? after : "", out, capacity, count)
                  : HF_OK;
}

hf_status hf_queue_events(hf_queue *queue, uint64_t after, hf_event *out, size_t capacity, size_t *count) {
  *count = 0;
  return capacity ? queue->backend->events(queue, after, out, capacity, count) : HF_OK;
}

hf_status hf_queue_collect(hf_queue *queue, uint64_t ended_before_ms, uint64_t put_before_ms,
                           hf_queue_keep keep, void *context, uint64_t *jobs, uint64_t *artifacts) {
  uint64_t ignored[2];
  if (!jobs) jobs = &ignored[0];
  if (!artifacts) artifacts = &ignored[1];
  *jobs = *artifacts = 0;
  return queue->backend->collect(queue, ended_before_ms, put_before_ms, keep, context, jobs, artifacts);
}

hf_status hf_queue_backup(hf_queue *queue, const char *folder, hf_backup *out) {
  hf_backup ignored;
  if (!out) out = &ignored;
  *out = (hf_backup){0};
  if (!queue->backend->backup)
    return hf_fail(HF_E_UNSUPPORTED, "queue: a store of kind %s is copied by its server's own means", queue->backend->scheme);
  if (!folder[0]) return hf_fail(HF_E_ARGUMENT, "queue: no folder for the copy was given");
  return queue->backend->backup(queue, folder, out);
}

hf_status hf_queue_restored(hf_queue *queue) { return queue->backend->restored(queue); }
