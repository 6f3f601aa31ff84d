/* Leases of a Redis store. What decides is in scripts/: this asks and reads answers. */
#include "redis.h"

#include <stdio.h>
#include <string.h>

/* The worker, and the capabilities as what a lane starts with: "circuit:hex of the key", or "circuit". */
static hf_status put_worker(hf_redis_request *request, const hf_worker *worker, const hf_queue_options *o) {
  hf_writer announcement = {0};
  hf_status status = hf_worker_encode(worker, &announcement);
  if (status != HF_OK) goto out;
  hf_redis_put_text(request, worker->name);
  hf_redis_put_bytes(request, announcement.data, announcement.length);
  hf_redis_put_u64(request, worker->device_memory);
  hf_redis_put_u64(request, worker->host_memory);
  hf_redis_put_u64(request, o->lease_ms);
  hf_redis_put_u64(request, o->max_losses);
  hf_redis_put_u64(request, worker->capability_count);
  for (uint32_t i = 0; i < worker->capability_count; i++) {
    const hf_capability *c = &worker->capabilities[i];
    char hex[HF_DIGEST_HEX], entry[HF_NAME_MAX + HF_DIGEST_HEX + 2];
    hf_digest_hex(&c->vk_digest, hex);
    bool any = hf_digest_is_zero(&c->vk_digest);
    snprintf(entry, sizeof entry, "%s%s%s", c->circuit, any ? "" : ":", any ? "" : hex);
    hf_redis_put_text(request, entry);
  }
out:
  hf_writer_free(&announcement);
  return status;
}

/* {0, 1, epoch, attempts, expires, due, header, payload, tenant, id}. HF_E_CHECKSUM: the record is damaged, and `out` has its key
 * and epoch all the same. */
static hf_status read_lease(const redisReply *answer, uint64_t lease_ms, hf_lease *out) {
  hf_status status = HF_OK;
  uint64_t attempts, due;
  const redisReply *tenant = hf_redis_at(answer, 8), *id = hf_redis_at(answer, 9);
  *out = (hf_lease){.lease_ms = lease_ms};
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 2), &out->epoch));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 3), &attempts));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 4), &out->expires_ms));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 5), &due));
  out->attempts = (uint32_t)attempts;
  if (hf_redis_read_header(hf_redis_at(answer, 6), hf_redis_at(answer, 7), tenant, id, &out->header) != HF_OK) {
    char cause[HF_DETAIL_MAX + 1];
    hf_detail_copy(hf_error_message(), cause);
    if (!tenant || tenant->type != REDIS_REPLY_STRING || !id || id->type != REDIS_REPLY_STRING)
      HF_TRY(hf_fail(HF_E_FORMAT, "queue: a lease without a job"));
    HF_TRY(hf_job_key_make(tenant->str, id->str, (size_t)id->len, &out->header.key));
    status = hf_fail(HF_E_CHECKSUM, "the job's record in the queue: %s", cause);
  }
  out->header.deadline_ms = due;
out:
  return status;
}

hf_status hf_redis_lease(hf_queue *queue, const hf_worker *worker, hf_lease *out, bool *found) {
  hf_redis *redis = (hf_redis *)queue;
  hf_redis_request request = {0};
  redisReply *answer = NULL;
  uint64_t given;
  bool damaged = false;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  HF_TRY(put_worker(&request, worker, &queue->options));
  HF_TRY(hf_redis_run(redis, HF_REDIS_lease, &request, &answer, NULL));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 1), &given));
  if (given) status = read_lease(answer, queue->options.lease_ms, out);
  damaged = given && status == HF_E_CHECKSUM;
  *found = given != 0 && status == HF_OK;
  if (*found) hf_redis_log_state(redis, &out->header.key, HF_JOB_LEASED, worker->name);
out:
  hf_writer_free(&request.body);
  if (answer) freeReplyObject(answer);
  hf_redis_leave(redis);
  if (!damaged) return status;
  /* Nobody can prove it: it becomes a dead letter with this cause, and ends no worker on the way. */
  char cause[HF_DETAIL_MAX + 1];
  hf_job_state state;
  hf_detail_copy(hf_error_message(), cause);
  return hf_redis_fail(queue, &out->header.key, out->epoch, HF_E_CHECKSUM, cause, &state);
}

hf_status hf_redis_heartbeat(hf_queue *queue, const hf_job_key *key, uint64_t epoch,
                             const hf_progress *progress, hf_beat *out) {
  redisReply *answer;
  uint64_t action = 0, expires = 0;
  hf_redis_request request = hf_redis_about(key);
  hf_redis_put_u64(&request, epoch);
  hf_redis_put_u64(&request, progress->done);
  hf_redis_put_u64(&request, progress->total);
  hf_redis_put_text(&request, progress->phase);
  hf_redis_put_u64(&request, queue->options.lease_ms);
  hf_redis_put_u64(&request, queue->options.stall_ms);
  hf_status status = hf_redis_run_job((hf_redis *)queue, HF_REDIS_heartbeat, key, &request, &answer, NULL);
  if (status != HF_OK) return status;
  status = hf_redis_u64(hf_redis_at(answer, 1), &action);
  if (status == HF_OK) status = hf_redis_u64(hf_redis_at(answer, 2), &expires);
  freeReplyObject(answer);
  if (status == HF_OK) *out = (hf_beat){(hf_beat_action)action, expires};
  return status;
}

/* Runs a script about a job whose answer is {0, number}. */
static hf_status run_number(hf_queue *queue, hf_redis_script script, const hf_job_key *key,
                            hf_redis_request *request, uint64_t *number) {
  redisReply *answer;
  hf_status status = hf_redis_run_job((hf_redis *)queue, script, key, request, &answer, NULL);
  if (status != HF_OK) return status;
  status = hf_redis_u64(hf_redis_at(answer, 1), number);
  freeReplyObject(answer);
  return status;
}

hf_status hf_redis_finish(hf_queue *queue, const hf_job_key *key, uint64_t epoch, const char *worker,
                          const hf_digest *result, hf_finish_outcome *outcome) {
  uint64_t number;
  hf_redis_request request = hf_redis_about(key);
  hf_redis_put_u64(&request, epoch);
  hf_redis_put_text(&request, worker);
  hf_redis_put_digest(&request, result);
  hf_status status = run_number(queue, HF_REDIS_finish, key, &request, &number);
  if (status != HF_OK) return status;
  *outcome = (hf_finish_outcome)number;
  if (*outcome == HF_FINISH_ACCEPTED) hf_redis_log_state((hf_redis *)queue, key, HF_JOB_DONE, worker);
  return HF_OK;
}

hf_status hf_redis_fail(hf_queue *queue, const hf_job_key *key, uint64_t epoch, hf_status code,
                        const char *cause, hf_job_state *state) {
  char clean[HF_DETAIL_MAX + 1];
  uint64_t number;
  hf_redis_request request = hf_redis_about(key);
  hf_detail_copy(cause[0] ? cause : hf_status_text(code), clean);
  hf_redis_put_u64(&request, epoch);
  hf_redis_put_u64(&request, (uint64_t)(int)code);
  hf_redis_put_text(&request, clean);
  hf_redis_put_u64(&request, queue->options.retry_ms);
  hf_redis_put_u64(&request, queue->options.max_attempts);
  hf_status status = run_number(queue, HF_REDIS_fail, key, &request, &number);
  if (status != HF_OK) return status;
  *state = (hf_job_state)number;
  hf_redis_log_state((hf_redis *)queue, key, *state, clean);
  return HF_OK;
}

hf_status hf_redis_release(hf_queue *queue, const hf_job_key *key, uint64_t epoch) {
  redisReply *answer;
  hf_redis_request request = hf_redis_about(key);
  hf_redis_put_u64(&request, epoch);
  hf_status status = hf_redis_run_job((hf_redis *)queue, HF_REDIS_release, key, &request, &answer, NULL);
  if (status == HF_OK) freeReplyObject(answer);
  return status;
}

/* {0, again, state, worker, strikes, quarantined} */
static hf_status read_refusal(const redisReply *answer, hf_queue_refusal *out) {
  hf_status status = HF_OK;
  uint64_t again, state, strikes, quarantined;
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 1), &again));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 2), &state));
  HF_TRY(hf_redis_text(hf_redis_at(answer, 3), out->worker, sizeof out->worker));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 4), &strikes));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 5), &quarantined));
  out->again = again != 0;
  out->state = (hf_job_state)state;
  out->strikes = (uint32_t)strikes;
  out->quarantined = quarantined != 0;
out:
  return status;
}

hf_status hf_redis_refuse(hf_queue *queue, const hf_job_key *key, const hf_digest *result, bool lost,
                          const char *cause, hf_queue_refusal *out) {
  char clean[HF_DETAIL_MAX + 1];
  redisReply *answer;
  const hf_queue_options *o = &queue->options;
  hf_redis_request request = hf_redis_about(key);
  hf_detail_copy(cause, clean);
  hf_redis_put_digest(&request, result);
  hf_redis_put_text(&request, lost ? "1" : "0");
  hf_redis_put_text(&request, clean);
  hf_redis_put_u64(&request, o->retry_ms);
  hf_redis_put_u64(&request, HF_QUEUE_REFUSED_HOLD * o->retry_ms);
  hf_redis_put_u64(&request, o->max_attempts);
  hf_redis_put_u64(&request, o->max_strikes);
  hf_status status = hf_redis_run_job((hf_redis *)queue, HF_REDIS_refuse, key, &request, &answer, NULL);
  if (status != HF_OK) return status;
  status = read_refusal(answer, out);
  freeReplyObject(answer);
  if (status == HF_OK && !out->again) hf_redis_log_state((hf_redis *)queue, key, out->state, clean);
  return status;
}

hf_status hf_redis_reap(hf_queue *queue, uint64_t *changed) {
  enum { MOST = 500 }; /* of each kind in one go, so that nobody waits long for the server */
  hf_redis *redis = (hf_redis *)queue;
  uint64_t some = MOST;
  *changed = 0;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  while (some >= MOST) {
    hf_redis_request request = {0};
    redisReply *answer;
    hf_redis_put_u64(&request, queue->options.max_losses);
    hf_redis_put_u64(&request, MOST);
    HF_TRY(hf_redis_run(redis, HF_REDIS_reap, &request, &answer, NULL));
    status = hf_redis_u64(hf_redis_at(answer, 1), &some);
    freeReplyObject(answer);
    if (status != HF_OK) goto out;
    *changed += some;
  }
out:
  hf_redis_leave(redis);
  return status;
}
