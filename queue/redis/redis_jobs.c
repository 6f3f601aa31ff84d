/* Jobs of a Redis store as clients see them: submit, get, list, cancel, requeue. */
#include "redis.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The digest in hex, "" for none. */
static hf_status read_digest(const redisReply *part, hf_digest *out) {
  char hex[HF_DIGEST_HEX];
  memset(out, 0, sizeof *out);
  hf_status status = hf_redis_text(part, hex, sizeof hex);
  return status == HF_OK && hex[0] ? hf_digest_parse(hex, out) : status;
}

typedef struct job_numbers {
  uint64_t state, cancel, attempts, losses, due;
} job_numbers;

/* Where the numbers of a job go; those of job_numbers are smaller in the record. The first ones are there from the beginning; who
 * reads a record without one of them reads a damaged one. The others are 0 until somebody writes them. */
#define IN_RECORD(field) 0, offsetof(hf_job_record, field)
#define ASIDE(field)     1, offsetof(job_numbers, field)
static const struct {
  const char *name;
  int aside;
  size_t offset;
} number_fields[] = {
    {"seq", IN_RECORD(sequence)},
    {"submitted", IN_RECORD(submitted_ms)},
    {"state", ASIDE(state)},
    {"due", ASIDE(due)},
    {"epoch", IN_RECORD(epoch)},
    {"done", IN_RECORD(progress.done)},
    {"total", IN_RECORD(progress.total)},
    {"leased", IN_RECORD(leased_ms)},
    {"expires", IN_RECORD(expires_ms)},
    {"ended", IN_RECORD(ended_ms)},
    {"used", IN_RECORD(used_ms)},
    {"cancel", ASIDE(cancel)},
    {"attempts", ASIDE(attempts)},
    {"losses", ASIDE(losses)},
};
#define NEEDED_FIELDS 4
#define NUMBER_FIELDS (sizeof number_fields / sizeof number_fields[0])

static hf_status read_field(const char *name, const redisReply *value, hf_job_record *out, job_numbers *aside,
                            unsigned *seen) {
  for (size_t i = 0; i < NUMBER_FIELDS; i++)
    if (strcmp(name, number_fields[i].name) == 0) {
      char *base = number_fields[i].aside ? (char *)aside : (char *)out;
      *seen |= 1u << i;
      return hf_redis_u64(value, (uint64_t *)(void *)(base + number_fields[i].offset));
    }
  if (strcmp(name, "worker") == 0) return hf_redis_text(value, out->worker, sizeof out->worker);
  if (strcmp(name, "phase") == 0)
    return hf_redis_text(value, out->progress.phase, sizeof out->progress.phase);
  if (strcmp(name, "cause") == 0) return hf_redis_text(value, out->cause, sizeof out->cause);
  if (strcmp(name, "result") == 0) return read_digest(value, &out->result);
  return HF_OK; /* what only the scripts use, and the header, which is read last */
}

hf_status hf_redis_read_header(const redisReply *header, const redisReply *payload, const redisReply *tenant,
                               const redisReply *id, hf_job_header *out) {
  hf_status status = HF_OK;
  hf_digest wanted, has;
  if (!header || header->type != REDIS_REPLY_STRING || !payload || !tenant || tenant->type != REDIS_REPLY_STRING || !id ||
      id->type != REDIS_REPLY_STRING)
    return hf_fail(HF_E_CHECKSUM, "fields are missing or damaged");
  HF_TRY(read_digest(payload, &wanted));
  HF_TRY(hf_job_header_decode(header->str, (size_t)header->len, out));
  has = hf_job_payload_digest(out);
  if (!hf_digest_eq(&has, &wanted) || strcmp(out->key.tenant, tenant->str) != 0 || out->key.id.length != (size_t)id->len ||
      memcmp(out->key.id.b, id->str, (size_t)id->len) != 0)
    status = hf_fail(HF_E_CHECKSUM, "its header is damaged: it is not what was submitted");
out:
  return status;
}

hf_status hf_redis_read_job(const redisReply *flat, hf_job_record *out) {
  hf_status status = HF_OK;
  job_numbers aside = {0};
  unsigned seen = 0;
  const redisReply *header = NULL, *payload = NULL, *tenant = NULL, *id = NULL;
  memset(out, 0, sizeof *out);
  for (size_t i = 0; hf_redis_at(flat, i + 1);
       i += 2) { /* in any order: the number first, for what is said below */
    const redisReply *name = flat->element[i];
    if (name->type == REDIS_REPLY_STRING && strcmp(name->str, "seq") == 0)
      HF_TRY(hf_redis_u64(flat->element[i + 1], &out->sequence));
  }
  for (size_t i = 0; hf_redis_at(flat, i + 1); i += 2) {
    const redisReply *name = flat->element[i];
    if (name->type != REDIS_REPLY_STRING) continue;
    HF_TRY(read_field(name->str, flat->element[i + 1], out, &aside, &seen));
    if (strcmp(name->str, "header") == 0) header = flat->element[i + 1];
    if (strcmp(name->str, "payload") == 0) payload = flat->element[i + 1];
    if (strcmp(name->str, "tenant") == 0) tenant = flat->element[i + 1];
    if (strcmp(name->str, "id") == 0) id = flat->element[i + 1];
  }
  HF_TRY(hf_redis_read_header(header, payload, tenant, id, &out->header));
  const unsigned needed = (1u << NEEDED_FIELDS) - 1;
  if ((seen & needed) != needed || aside.state >= HF_JOB_STATES) {
    status = hf_fail(HF_E_CHECKSUM, "fields are missing or damaged");
    goto out;
  }
  out->state = (hf_job_state)aside.state;
  out->cancel_requested = aside.cancel != 0;
  out->attempts = (uint32_t)aside.attempts;
  out->losses = (uint32_t)aside.losses;
  out->header.deadline_ms = aside.due; /* that of the header is the submitted one */
out:
  return status == HF_OK
             ? HF_OK
             : hf_fail_context(status, "queue: record %llu of the jobs", (unsigned long long)out->sequence);
}

void hf_redis_log_state(hf_redis *redis, const hf_job_key *key, hf_job_state state, const char *cause) {
  const hf_logger *log = redis->queue.options.log;
  char id[HF_JOB_ID_TEXT];
  if (!log) return;
  hf_job_id_text(&key->id, id);
  hf_log(log, state == HF_JOB_DEAD ? HF_LOG_WARN : HF_LOG_DEBUG, hf_job_state_text(state),
         HF_LOG_TEXT("tenant", key->tenant), HF_LOG_TEXT("job", id), HF_LOG_TEXT("detail", cause));
}

static hf_status put_job(hf_redis_request *request, const hf_job_header *job) {
  hf_writer header = {0};
  hf_digest payload = hf_job_payload_digest(job);
  char lane[HF_NAME_MAX + HF_DIGEST_HEX + 48], hex[HF_DIGEST_HEX], priority[16];
  hf_status status = hf_job_header_encode(job, &header);
  if (status != HF_OK) goto out;
  hf_digest_hex(&job->vk_digest, hex);
  snprintf(lane, sizeof lane, "%s:%s:%llu:%llu", job->circuit, hex, (unsigned long long)job->device_memory,
           (unsigned long long)job->host_memory);
  snprintf(priority, sizeof priority, "%d", (int)job->priority);
  hf_redis_put_text(request, job->key.tenant);
  hf_redis_put_bytes(request, job->key.id.b, job->key.id.length);
  hf_redis_put_digest(request, &payload);
  hf_redis_put_bytes(request, header.data, header.length);
  hf_redis_put_u64(request, (uint64_t)job->kind);
  hf_redis_put_text(request, job->circuit);
  hf_redis_put_text(request, lane);
  hf_redis_put_digest(request, &job->input_digest);
  hf_redis_put_text(request, priority);
  hf_redis_put_u64(request, job->deadline_ms);
  hf_redis_put_u64(request, hf_queue_drains(job));
out:
  hf_writer_free(&header);
  return status;
}

/* The answer about one job: {status, created, state, retry, open, quota, why no new work is taken}. */
static hf_status read_submission(const redisReply *part, const hf_job_header *job, hf_submission *out) {
  uint64_t v[6] = {0};
  char id[HF_JOB_ID_TEXT], hex[HF_DIGEST_HEX];
  for (size_t i = 0; i < 6 && hf_redis_at(part, i); i++) {
    hf_status status = hf_redis_u64(hf_redis_at(part, i), &v[i]);
    if (status != HF_OK) return status;
  }
  if (!hf_redis_at(part, 0) || v[2] >= HF_JOB_STATES)
    return hf_fail(HF_E_FORMAT, "queue: an answer to submit");
  hf_job_id_text(&job->key.id, id);
  hf_digest_hex(&job->input_digest, hex);
  out->status = (hf_status)v[0];
  out->created = v[1] != 0;
  out->state = (hf_job_state)v[2];
  out->retry_after_ms = v[3];
  if (out->status == HF_E_EXISTS)
    snprintf(out->message, sizeof out->message, "tenant %s already has a job %.80s with another payload",
             job->key.tenant, id);
  else if (out->status == HF_E_NOT_FOUND)
    snprintf(out->message, sizeof out->message, "job %.80s: its input %s is not in the artifact store", id,
             hex);
  else if (out->status == HF_E_BUSY && hf_redis_at(part, 6) && part->element[6]->type == REDIS_REPLY_STRING)
    snprintf(out->message, sizeof out->message, "the queue takes no new work: %.150s", part->element[6]->str);
  else if (out->status == HF_E_BUSY)
    snprintf(out->message, sizeof out->message,
             "tenant %s: %llu open jobs, the quota is %llu; try again in %llu ms", job->key.tenant,
             (unsigned long long)v[4], (unsigned long long)v[5], (unsigned long long)v[3]);
  return HF_OK;
}

hf_status hf_redis_submit(hf_queue *queue, const hf_job_header *jobs, size_t count, hf_submission *results) {
  hf_redis *redis = (hf_redis *)queue;
  hf_redis_request request = {0};
  redisReply *answer = NULL;
  size_t wanted = 0, next = 1;
  for (size_t i = 0; i < count; i++) wanted += results[i].status == HF_OK;
  if (wanted == 0) return HF_OK;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  hf_redis_put_u64(&request, queue->options.tenant_quota);
  hf_redis_put_u64(&request, queue->options.total_quota);
  hf_redis_put_u64(&request, wanted);
  hf_redis_put_u64(&request, HF_QUEUE_DRAIN_RETRY_MS);
  for (size_t i = 0; i < count; i++)
    if (results[i].status == HF_OK) HF_TRY(put_job(&request, &jobs[i]));
  HF_TRY(hf_redis_run(redis, HF_REDIS_submit, &request, &answer, NULL));
  for (size_t i = 0; i < count; i++)
    if (results[i].status == HF_OK)
      HF_TRY(read_submission(hf_redis_at(answer, next++), &jobs[i], &results[i]));
out:
  hf_writer_free(&request.body);
  if (answer) freeReplyObject(answer);
  hf_redis_leave(redis);
  return status;
}

hf_status hf_redis_get(hf_queue *queue, const hf_job_key *key, hf_job_record *out) {
  redisReply *answer;
  hf_redis_request request = hf_redis_about(key);
  hf_status status = hf_redis_run_job((hf_redis *)queue, HF_REDIS_get, key, &request, &answer, NULL);
  if (status != HF_OK) return status;
  hf_job_record record; /* an error leaves `out` as it was */
  status = hf_redis_read_job(hf_redis_at(answer, 1), &record);
  if (status == HF_OK) *out = record;
  freeReplyObject(answer);
  return status;
}

hf_status hf_redis_list(hf_queue *queue, const hf_job_filter *filter, hf_job_record *records, size_t capacity,
                        size_t *count) {
  hf_redis *redis = (hf_redis *)queue;
  uint64_t after = filter->after, more = 1;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  while (more && *count < capacity) {
    hf_redis_request request = {0};
    redisReply *answer;
    size_t room = capacity - *count;
    hf_redis_put_text(&request, filter->tenant ? filter->tenant : "");
    hf_redis_put_u64(&request, filter->state_mask);
    hf_redis_put_u64(&request, filter->kind_mask);
    hf_redis_put_text(&request, filter->circuit ? filter->circuit : "");
    hf_redis_put_text(&request, filter->worker ? filter->worker : "");
    hf_redis_put_u64(&request, after);
    hf_redis_put_text(&request, filter->newest_first ? "1" : "0");
    hf_redis_put_u64(&request, room < HF_REDIS_MOST ? room : HF_REDIS_MOST);
    HF_TRY(hf_redis_run(redis, HF_REDIS_list, &request, &answer, NULL));
    status = hf_redis_u64(hf_redis_at(answer, 1), &after);
    if (status == HF_OK) status = hf_redis_u64(hf_redis_at(answer, 2), &more);
    for (size_t i = 3; status == HF_OK && *count < capacity && hf_redis_at(answer, i); i++)
      status = hf_redis_read_job(answer->element[i], &records[(*count)++]);
    freeReplyObject(answer);
    if (status != HF_OK) goto out;
  }
out:
  hf_redis_leave(redis);
  return status;
}

hf_status hf_redis_cancel(hf_queue *queue, const hf_job_key *key, const char *cause, hf_job_state *state) {
  char clean[HF_DETAIL_MAX + 1];
  redisReply *answer;
  hf_status refused;
  uint64_t number;
  hf_redis_request request = hf_redis_about(key);
  hf_detail_copy(cause[0] ? cause : "cancelled by the client", clean);
  hf_redis_put_text(&request, clean);
  hf_status status = hf_redis_run_job((hf_redis *)queue, HF_REDIS_cancel, key, &request, &answer, &refused);
  if (status != HF_OK) return status;
  const redisReply *part = hf_redis_at(answer, refused == HF_OK ? 1 : 2);
  if (refused == HF_OK || part) status = hf_redis_u64(part, &number);
  if (status == HF_OK && part) *state = (hf_job_state)number;
  freeReplyObject(answer);
  if (status == HF_OK && refused == HF_OK) hf_redis_log_state((hf_redis *)queue, key, *state, clean);
  return status == HF_OK ? refused : status;
}

hf_status hf_redis_requeue(hf_queue *queue, const hf_job_key *key, uint64_t deadline_ms) {
  redisReply *answer;
  hf_redis_request request = hf_redis_about(key);
  hf_redis_put_u64(&request, deadline_ms);
  hf_status status = hf_redis_run_job((hf_redis *)queue, HF_REDIS_requeue, key, &request, &answer, NULL);
  if (status == HF_OK) freeReplyObject(answer);
  return status;
}
