/* Artifacts of a Redis store: chunks under the digest of the whole, with a count of the jobs that refer to
 * it. */
#include "redis.h"

#include <stdlib.h>
#include <string.h>

static size_t chunk_count(size_t length) { return (length + HF_REDIS_CHUNK - 1) / HF_REDIS_CHUNK; }

static void drop(hf_redis *redis, const hf_digest *digest, size_t chunks) {
  hf_redis_request request = {0};
  redisReply *answer;
  hf_redis_put_digest(&request, digest);
  hf_redis_put_u64(&request, chunks);
  if (hf_redis_run(redis, HF_REDIS_drop, &request, &answer, NULL) == HF_OK) freeReplyObject(answer);
}

/* All chunks once; `whole` is false when one of the earlier ones was swept meanwhile. */
static hf_status put_chunks(hf_redis *redis, const uint8_t *data, size_t length, const hf_digest *digest,
                            bool *whole) {
  size_t chunks = chunk_count(length), index = 0;
  uint64_t good = 0;
  do {
    hf_redis_request request = {0};
    redisReply *answer;
    size_t at = index * HF_REDIS_CHUNK, left = length - at;
    hf_redis_put_digest(&request, digest);
    hf_redis_put_u64(&request, length);
    hf_redis_put_u64(&request, chunks);
    hf_redis_put_u64(&request, index);
    hf_redis_put_bytes(&request, data + at, left < HF_REDIS_CHUNK ? left : HF_REDIS_CHUNK);
    hf_status status = hf_redis_run(redis, HF_REDIS_put, &request, &answer, NULL);
    if (status != HF_OK) return status;
    status = hf_redis_u64(hf_redis_at(answer, 1), &good);
    freeReplyObject(answer);
    if (status != HF_OK) return status;
  } while (++index < chunks);
  *whole = good != 0;
  return HF_OK;
}

hf_status hf_redis_artifact_put(hf_queue *queue, const void *data, size_t length, hf_digest *digest) {
  hf_redis *redis = (hf_redis *)queue;
  bool whole = false;
  *digest = hf_digest_bytes(data, length);
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  for (int tries = 0; tries < 3 && !whole && status == HF_OK; tries++)
    status = put_chunks(redis, data ? data : (const void *)"", length, digest, &whole);
  if (status == HF_OK && !whole)
    status =
        hf_fail(HF_E_BUSY, "queue: the artifact is swept while it is put; is put_before_ms in the future?");
  if (status == HF_E_FULL && chunk_count(length) > 1) {
    /* What was put so far would only take room. The message is that of the refusal. */
    char why[512];
    strncpy(why, hf_error_message(), sizeof why - 1);
    why[sizeof why - 1] = '\0';
    drop(redis, digest, chunk_count(length));
    status = hf_fail(HF_E_FULL, "%s", why);
  }
  hf_redis_leave(redis);
  return status;
}

/* One chunk and what the whole is. */
static hf_status fetch(hf_redis *redis, const hf_digest *digest, size_t index, uint64_t *size,
                       uint64_t *chunks, redisReply **answer) {
  hf_redis_request request = {0};
  hf_redis_put_digest(&request, digest);
  hf_redis_put_u64(&request, index);
  hf_status status = hf_redis_run(redis, HF_REDIS_fetch, &request, answer, NULL);
  if (status != HF_OK) return status;
  status = hf_redis_u64(hf_redis_at(*answer, 1), size);
  if (status == HF_OK) status = hf_redis_u64(hf_redis_at(*answer, 2), chunks);
  const redisReply *chunk = hf_redis_at(*answer, 3);
  if (status == HF_OK && (!chunk || chunk->type != REDIS_REPLY_STRING))
    status = hf_fail(HF_E_FORMAT, "queue: a chunk in the server's answer is none");
  if (status == HF_OK) return HF_OK;
  freeReplyObject(*answer);
  *answer = NULL;
  return status;
}

static hf_status get_chunks(hf_redis *redis, const hf_digest *digest, size_t limit, uint8_t **data,
                            size_t *length) {
  redisReply *answer = NULL;
  uint64_t size = 0, chunks = 0, total = 0;
  size_t index = 0;
  hf_status status = HF_OK;
  do {
    HF_TRY(fetch(redis, digest, index, &size, &chunks, &answer));
    if (index == 0) {
      if (size > limit) {
        status = hf_fail(HF_E_RANGE, "the artifact has %llu bytes, at most %zu are wanted",
                         (unsigned long long)size, limit);
        goto out;
      }
      total = size;
      *data = malloc(size ? size : 1);
      if (!*data) {
        status = hf_fail(HF_E_MEMORY, "no memory for an artifact of %llu bytes", (unsigned long long)size);
        goto out;
      }
    }
    const redisReply *chunk = answer->element[3];
    size_t room = (size_t)total - *length;
    if (size != total || (size_t)chunk->len > room) break; /* not these bytes: the digest will say so */
    memcpy(*data + *length, chunk->str, (size_t)chunk->len);
    *length += (size_t)chunk->len;
    freeReplyObject(answer);
    answer = NULL;
  } while (++index < chunks && index <= chunk_count(limit));
  hf_digest actual = hf_digest_bytes(*data, *length);
  if (*length != total || !hf_digest_eq(&actual, digest)) {
    char hex[HF_DIGEST_HEX];
    hf_digest_hex(digest, hex);
    status = hf_fail(HF_E_CHECKSUM, "the artifact %s is damaged; put it again", hex);
  }
out:
  if (answer) freeReplyObject(answer);
  return status;
}

hf_status hf_redis_artifact_get(hf_queue *queue, const hf_digest *digest, size_t limit, uint8_t **data,
                                size_t *length) {
  hf_redis *redis = (hf_redis *)queue;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  status = get_chunks(redis, digest, limit, data, length);
  hf_redis_leave(redis);
  if (status == HF_OK) return HF_OK;
  free(*data);
  *data = NULL;
  *length = 0;
  return status;
}

hf_status hf_redis_artifact_has(hf_queue *queue, const hf_digest *digest, bool *has) {
  hf_redis *redis = (hf_redis *)queue;
  hf_redis_request request = {0};
  redisReply *answer;
  uint64_t number;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  hf_redis_put_digest(&request, digest);
  HF_TRY(hf_redis_run(redis, HF_REDIS_has, &request, &answer, NULL));
  status = hf_redis_u64(hf_redis_at(answer, 1), &number);
  freeReplyObject(answer);
  *has = status == HF_OK && number != 0;
out:
  hf_redis_leave(redis);
  return status;
}

/* A page of the jobs that ended before a time. Those of earlier pages that were kept are passed over by their
 * number: a job that is put back meanwhile may hide another one until the next collection. */
static hf_status forget_some(hf_redis *redis, uint64_t before_ms, hf_queue_keep keep, void *context,
                             uint64_t *kept, uint64_t *looked, uint64_t *removed) {
  hf_redis_request page = {0}, doomed = {0}, request = {0};
  redisReply *answer = NULL;
  hf_job_record job;
  uint64_t count = 0, some;
  hf_status status = HF_OK;
  *looked = 0;
  hf_redis_put_u64(&page, before_ms);
  hf_redis_put_u64(&page, *kept);
  hf_redis_put_u64(&page, HF_REDIS_MOST);
  HF_TRY(hf_redis_run(redis, HF_REDIS_ended, &page, &answer, NULL));
  for (size_t i = 1; hf_redis_at(answer, i); i++) {
    HF_TRY(hf_redis_read_job(answer->element[i], &job));
    ++*looked;
    if (keep && keep(context, &job)) {
      ++*kept;
      continue;
    }
    hf_redis_put_u64(&doomed, job.sequence);
    hf_redis_put_u64(&doomed, job.ended_ms);
    count++;
  }
  if (count == 0) goto out;
  freeReplyObject(answer);
  answer = NULL;
  hf_redis_put_u64(&request, count);
  hf_write_bytes(&request.body, doomed.body.data, doomed.body.length);
  request.body.failed |= doomed.body.failed;
  request.count += doomed.count;
  HF_TRY(hf_redis_run(redis, HF_REDIS_forget, &request, &answer, NULL));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 1), &some));
  *removed += some;
  if (some < count) *looked = 0; /* somebody else is at work on these: enough for this time */
out:
  if (answer) freeReplyObject(answer);
  hf_writer_free(&doomed.body);
  hf_writer_free(&request.body);
  return status;
}

static hf_status sweep(hf_redis *redis, uint64_t before_ms, uint64_t *removed) {
  enum { MOST = 50 }; /* their chunks are freed while everybody waits */
  uint64_t some = MOST;
  while (some == MOST) {
    hf_redis_request request = {0};
    redisReply *answer;
    hf_redis_put_u64(&request, before_ms);
    hf_redis_put_u64(&request, MOST);
    hf_status status = hf_redis_run(redis, HF_REDIS_sweep, &request, &answer, NULL);
    if (status != HF_OK) return status;
    status = hf_redis_u64(hf_redis_at(answer, 1), &some);
    freeReplyObject(answer);
    if (status != HF_OK) return status;
    *removed += some;
  }
  return HF_OK;
}

hf_status hf_redis_collect(hf_queue *queue, uint64_t ended_before_ms, uint64_t put_before_ms,
                           hf_queue_keep keep, void *context, uint64_t *jobs, uint64_t *artifacts) {
  hf_redis *redis = (hf_redis *)queue;
  uint64_t kept = 0, looked = HF_REDIS_MOST;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  while (looked == HF_REDIS_MOST)
    HF_TRY(forget_some(redis, ended_before_ms, keep, context, &kept, &looked, jobs));
  HF_TRY(sweep(redis, put_before_ms, artifacts));
out:
  hf_redis_leave(redis);
  return status;
}
