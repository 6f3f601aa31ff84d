/* What operators see of a Redis store. */
#include "redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

hf_status hf_redis_attempts(hf_queue *queue, const hf_job_key *key, hf_attempt *attempts, size_t capacity,
                            size_t *count) {
  redisReply *answer;
  const redisReply *part;
  uint64_t code;
  hf_redis_request request = hf_redis_about(key);
  hf_redis_put_u64(&request, capacity);
  hf_status status = hf_redis_run_job((hf_redis *)queue, HF_REDIS_tries, key, &request, &answer, NULL);
  if (status != HF_OK) return status;
  while (*count < capacity && (part = hf_redis_at(answer, *count + 1))) {
    hf_attempt *a = &attempts[*count];
    HF_TRY(hf_redis_u64(hf_redis_at(part, 0), &a->time_ms));
    HF_TRY(hf_redis_u64(hf_redis_at(part, 1), &a->epoch));
    HF_TRY(hf_redis_text(hf_redis_at(part, 2), a->worker, sizeof a->worker));
    HF_TRY(hf_redis_u64(hf_redis_at(part, 3), &code));
    HF_TRY(hf_redis_text(hf_redis_at(part, 4), a->cause, sizeof a->cause));
    a->code = (int)code;
    ++*count;
  }
out:
  freeReplyObject(answer);
  return status;
}

/* A script that is about no job, and frees `request`. */
static hf_status run_alone(hf_queue *queue, hf_redis_script script, hf_redis_request *request, redisReply **answer) {
  hf_redis *redis = (hf_redis *)queue;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) {
    hf_writer_free(&request->body);
    return status;
  }
  status = hf_redis_run(redis, script, request, answer, NULL);
  hf_redis_leave(redis);
  return status;
}

/* One whose answer says no more than that it was done. */
static hf_status tell(hf_queue *queue, hf_redis_script script, hf_redis_request *request) {
  redisReply *answer;
  hf_status status = run_alone(queue, script, request, &answer);
  if (status == HF_OK) freeReplyObject(answer);
  return status;
}

hf_status hf_redis_pardon(hf_queue *queue, const char *worker) {
  hf_redis_request request = {0};
  hf_redis_put_text(&request, worker);
  return tell(queue, HF_REDIS_pardon, &request);
}

hf_status hf_redis_restored(hf_queue *queue) {
  hf_redis_request request = {0};
  return tell(queue, HF_REDIS_restored, &request);
}

/* {0, identity, floor, number, time} */
hf_status hf_redis_reading(hf_queue *queue, hf_reading *out) {
  hf_redis_request request = {0};
  redisReply *answer;
  hf_status status = run_alone(queue, HF_REDIS_reading, &request, &answer);
  if (status != HF_OK) return status;
  HF_TRY(hf_redis_text(hf_redis_at(answer, 1), out->store, sizeof out->store));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 2), &out->life));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 3), &out->sequence));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 4), &out->time_ms));
out:
  freeReplyObject(answer);
  return status;
}

hf_status hf_redis_set_tenant(hf_queue *queue, const char *tenant, uint32_t weight, uint64_t quota) {
  hf_redis_request request = {0};
  hf_redis_put_text(&request, tenant);
  hf_redis_put_u64(&request, weight);
  hf_redis_put_u64(&request, quota);
  return tell(queue, HF_REDIS_set_tenant, &request);
}

hf_status hf_redis_drain(hf_queue *queue, const char *reason) {
  hf_redis_request request = {0};
  hf_redis_put_text(&request, reason);
  return tell(queue, HF_REDIS_drain, &request);
}

/* {name, {weight, quota, used, proved, s0 .. s5}, refused} */
static hf_status read_tenant(const redisReply *part, uint64_t default_quota, hf_tenant_stats *out) {
  uint64_t v[4 + HF_JOB_STATES];
  hf_status status = hf_redis_text(hf_redis_at(part, 0), out->tenant, sizeof out->tenant);
  for (size_t i = 0; status == HF_OK && i < sizeof v / sizeof v[0]; i++)
    status = hf_redis_u64(hf_redis_at(hf_redis_at(part, 1), i), &v[i]);
  if (status == HF_OK) status = hf_redis_u64(hf_redis_at(part, 2), &out->refused_ms);
  if (status != HF_OK) return status;
  out->weight = (uint32_t)v[0];
  out->quota = v[1] ? v[1] : default_quota;
  out->used_ms = v[2];
  out->proved_ms = v[3];
  for (int i = 0; i < HF_JOB_STATES; i++) out->jobs[i] = v[4 + i];
  return HF_OK;
}

/* One page after another until `capacity` is filled or the server has no more. `put` writes what comes after
 * what was read so far; `read` takes an answer, adds to *count, and says whether there may be more. */
typedef struct hf_pages {
  void *out;
  size_t capacity, *count;
  const char *after; /* names: the last of the page before */
  uint64_t number;   /* a cursor, or another argument */
  uint64_t default_quota;
} hf_pages;

static hf_status walk(hf_queue *queue, hf_redis_script script, hf_pages *pages,
                      void (*put)(hf_redis_request *, const hf_pages *, size_t),
                      hf_status (*read)(const redisReply *, hf_pages *, bool *)) {
  hf_redis *redis = (hf_redis *)queue;
  char after[HF_NAME_MAX + 1] = "";
  bool more = true;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  while (more && *pages->count < pages->capacity) {
    hf_redis_request request = {0};
    redisReply *answer;
    size_t room = pages->capacity - *pages->count;
    put(&request, pages, room < HF_REDIS_MOST ? room : HF_REDIS_MOST);
    HF_TRY(hf_redis_run(redis, script, &request, &answer, NULL));
    more = false;
    status = read(answer, pages, &more);
    if (more) { /* the name is the answer's: it is kept here */
      char name[HF_NAME_MAX + 1];
      snprintf(name, sizeof name, "%s", pages->after);
      memcpy(after, name, sizeof after);
      pages->after = after;
    }
    freeReplyObject(answer);
    if (status != HF_OK) goto out;
  }
out:
  hf_redis_leave(redis);
  return status;
}

static void put_tenants(hf_redis_request *request, const hf_pages *pages, size_t most) {
  hf_redis_put_text(request, pages->after);
  hf_redis_put_u64(request, most);
}

static hf_status read_tenants(const redisReply *answer, hf_pages *pages, bool *more) {
  hf_tenant_stats *out = pages->out;
  for (size_t i = 1; *pages->count < pages->capacity && hf_redis_at(answer, i); i++) {
    hf_status status = read_tenant(answer->element[i], pages->default_quota, &out[*pages->count]);
    if (status != HF_OK) return status;
    pages->after = out[(*pages->count)++].tenant;
    *more = true;
  }
  return HF_OK;
}

hf_status hf_redis_tenants(hf_queue *queue, const char *after, hf_tenant_stats *out, size_t capacity,
                           size_t *count) {
  hf_pages pages = {out, capacity, count, after, 0, queue->options.tenant_quota};
  return walk(queue, HF_REDIS_tenants, &pages, put_tenants, read_tenants);
}

static void put_workers(hf_redis_request *request, const hf_pages *pages, size_t most) {
  hf_redis_put_text(request, pages->after);
  hf_redis_put_u64(request, pages->number);
  hf_redis_put_u64(request, most);
}

/* {announcement, seen, name, strikes, quarantined, cause}; the announcement is empty where there was none */
static hf_status read_worker(const redisReply *part, hf_worker_record *out) {
  hf_status status = HF_OK;
  uint64_t strikes;
  const redisReply *announcement = hf_redis_at(part, 0);
  if (!announcement || announcement->type != REDIS_REPLY_STRING)
    return hf_fail(HF_E_FORMAT, "queue: a worker without an announcement");
  *out = (hf_worker_record){0};
  if (announcement->len)
    HF_TRY(hf_worker_decode(announcement->str, (size_t)announcement->len, &out->worker));
  HF_TRY(hf_redis_u64(hf_redis_at(part, 1), &out->seen_ms));
  HF_TRY(hf_redis_text(hf_redis_at(part, 2), out->worker.name, sizeof out->worker.name));
  HF_TRY(hf_redis_u64(hf_redis_at(part, 3), &strikes));
  HF_TRY(hf_redis_u64(hf_redis_at(part, 4), &out->quarantined_ms));
  HF_TRY(hf_redis_text(hf_redis_at(part, 5), out->cause, sizeof out->cause));
  out->strikes = (uint32_t)strikes;
out:
  return status;
}

/* {0, last name looked at, worker ...} */
static hf_status read_workers(const redisReply *answer, hf_pages *pages, bool *more) {
  hf_worker_record *out = pages->out;
  const redisReply *part, *last = hf_redis_at(answer, 1);
  for (size_t i = 2; *pages->count < pages->capacity && (part = hf_redis_at(answer, i)); i++) {
    hf_status status = read_worker(part, &out[*pages->count]);
    if (status != HF_OK) return status;
    ++*pages->count;
  }
  *more = last && last->type == REDIS_REPLY_STRING && last->str[0];
  if (*more) pages->after = last->str;
  return HF_OK;
}

hf_status hf_redis_workers(hf_queue *queue, uint64_t since_ms, const char *after, hf_worker_record *out,
                           size_t capacity, size_t *count) {
  hf_pages pages = {out, capacity, count, after, since_ms, 0};
  return walk(queue, HF_REDIS_workers, &pages, put_workers, read_workers);
}

static void put_events(hf_redis_request *request, const hf_pages *pages, size_t most) {
  hf_redis_put_u64(request, pages->number);
  hf_redis_put_u64(request, most);
}

/* {"17-0", {name, value, ...}} */
static hf_status read_event(const redisReply *part, hf_event *out) {
  const redisReply *id = hf_redis_at(part, 0), *flat = hf_redis_at(part, 1);
  hf_status status = HF_OK;
  uint64_t kind = 0;
  memset(out, 0, sizeof *out);
  if (!id || id->type != REDIS_REPLY_STRING) return hf_fail(HF_E_FORMAT, "queue: an event without a number");
  out->sequence = strtoull(id->str, NULL, 10);
  for (size_t i = 0; hf_redis_at(flat, i + 1); i += 2) {
    const redisReply *value = flat->element[i + 1];
    const char *name = flat->element[i]->type == REDIS_REPLY_STRING ? flat->element[i]->str : "";
    if (strcmp(name, "at") == 0) HF_TRY(hf_redis_u64(value, &out->time_ms));
    if (strcmp(name, "kind") == 0) HF_TRY(hf_redis_u64(value, &kind));
    if (strcmp(name, "epoch") == 0) HF_TRY(hf_redis_u64(value, &out->epoch));
    if (strcmp(name, "tenant") == 0) HF_TRY(hf_redis_text(value, out->key.tenant, sizeof out->key.tenant));
    if (strcmp(name, "worker") == 0) HF_TRY(hf_redis_text(value, out->worker, sizeof out->worker));
    if (strcmp(name, "detail") == 0) HF_TRY(hf_redis_text(value, out->detail, sizeof out->detail));
    if (strcmp(name, "id") == 0 && value->type == REDIS_REPLY_STRING && value->len <= HF_JOB_ID_MAX) {
      out->key.id.length = (uint8_t)value->len;
      memcpy(out->key.id.b, value->str, (size_t)value->len);
    }
  }
  out->kind = (hf_event_kind)kind;
  if (!hf_event_kind_text(out->kind) || (out->key.id.length == 0 && hf_event_has_job(out->kind)))
    status = hf_fail(HF_E_FORMAT, "queue: event %llu has no job or kind", (unsigned long long)out->sequence);
out:
  return status;
}

static hf_status read_events(const redisReply *answer, hf_pages *pages, bool *more) {
  hf_event *out = pages->out;
  for (size_t i = 1; *pages->count < pages->capacity && hf_redis_at(answer, i); i++) {
    hf_status status = read_event(answer->element[i], &out[*pages->count]);
    if (status != HF_OK) return status;
    pages->number = out[(*pages->count)++].sequence;
    *more = true;
  }
  return HF_OK;
}

hf_status hf_redis_events(hf_queue *queue, uint64_t after, hf_event *out, size_t capacity, size_t *count) {
  hf_pages pages = {out, capacity, count, "", after, 0};
  return walk(queue, HF_REDIS_events, &pages, put_events, read_events);
}

/* {0, {counters of the store}, how long the oldest waits} */
hf_status hf_redis_stats(hf_queue *queue, hf_queue_stats *out) {
  hf_redis *redis = (hf_redis *)queue;
  const struct {
    const char *name;
    uint64_t *field;
  } rows[] = {
      {"s0", &out->jobs[0]},
      {"s1", &out->jobs[1]},
      {"s2", &out->jobs[2]},
      {"s3", &out->jobs[3]},
      {"s4", &out->jobs[4]},
      {"s5", &out->jobs[5]},
      {"submitted", &out->submitted},
      {"resubmitted", &out->resubmitted},
      {"conflicts", &out->conflicts},
      {"refused", &out->refused},
      {"leases", &out->leases},
      {"expired", &out->expired},
      {"released", &out->released},
      {"failures", &out->failures},
      {"stale", &out->stale},
      {"results", &out->results},
      {"late_results", &out->late_results},
      {"late_differing", &out->late_differing},
      {"refusals", &out->refusals},
      {"quarantines", &out->quarantines},
      {"pardons", &out->pardons},
      {"barred", &out->barred},
  };
  hf_redis_request request = {0};
  redisReply *answer = NULL;
  hf_status status = hf_redis_enter(redis);
  if (status != HF_OK) return status;
  HF_TRY(hf_redis_run(redis, HF_REDIS_stats, &request, &answer, NULL));
  HF_TRY(hf_redis_u64(hf_redis_at(answer, 2), &out->oldest_queued_ms));
  const redisReply *flat = hf_redis_at(answer, 1);
  for (size_t i = 0; hf_redis_at(flat, i + 1); i += 2) {
    if (flat->element[i]->type == REDIS_REPLY_STRING && strcmp(flat->element[i]->str, "draining") == 0)
      HF_TRY(hf_redis_text(flat->element[i + 1], out->draining, sizeof out->draining));
    for (size_t j = 0; j < sizeof rows / sizeof rows[0]; j++)
      if (flat->element[i]->type == REDIS_REPLY_STRING && strcmp(flat->element[i]->str, rows[j].name) == 0)
        HF_TRY(hf_redis_u64(flat->element[i + 1], rows[j].field));
  }
out:
  if (answer) freeReplyObject(answer);
  hf_redis_leave(redis);
  return status;
}
