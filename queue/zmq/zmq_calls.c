/* The calls of queue.h as requests to a broker. */
#include "zmq/zmq_queue.h"

#include <stdio.h>
#include <string.h>

static hf_reader body_of(hf_zmq_reply *reply) {
  return hf_reader_over(zmq_msg_data(&reply->body), zmq_msg_size(&reply->body));
}

/* As many jobs as fit into one message; `*done` is how many that were. */
static hf_status submit_some(hf_zmq *zmq, const hf_job_header *jobs, size_t count, hf_submission *results,
                             size_t *done) {
  hf_zmq_request request = {.operation = HF_ZMQ_SUBMIT};
  hf_zmq_reply reply;
  hf_writer body = {0};
  hf_status status = HF_OK;
  size_t i = 0;
  zmq_msg_init(&reply.body);
  for (; i < count && body.length < HF_ZMQ_PAGE; i++)
    if (results[i].status == HF_OK) HF_TRY(hf_zmq_write_header(&body, &jobs[i]));
  *done = i;
  if (body.length == 0) goto out;
  HF_TRY(hf_zmq_ask(zmq, &request, (hf_bytes){body.data, body.length}, &reply));
  hf_reader r = body_of(&reply);
  for (size_t j = 0; j < i; j++)
    if (results[j].status == HF_OK) HF_TRY(hf_zmq_read_submission(&r, &results[j]));
out:
  zmq_msg_close(&reply.body);
  hf_writer_free(&body);
  return status;
}

static hf_status submit(hf_queue *queue, const hf_job_header *jobs, size_t count, hf_submission *results) {
  hf_zmq *zmq = (hf_zmq *)queue;
  size_t done = 0, some;
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  while (done < count && status == HF_OK) {
    status = submit_some(zmq, jobs + done, count - done, results + done, &some);
    if (status == HF_OK) done += some;
  }
  hf_zmq_leave(zmq);
  if (status == HF_OK || done == 0) return status;
  return hf_fail_context(status, "the first %zu of %zu jobs were submitted; the next ones", done, count);
}

/* Asks about one record. */
static hf_status get(hf_queue *queue, const hf_job_key *key, hf_job_record *out) {
  hf_zmq *zmq = (hf_zmq *)queue;
  hf_zmq_request request = {.operation = HF_ZMQ_GET, .key = *key};
  hf_zmq_reply reply;
  hf_job_record record; /* an error leaves `out` as it was */
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  status = hf_zmq_ask(zmq, &request, (hf_bytes){0}, &reply);
  hf_reader r = body_of(&reply);
  if (status == HF_OK) status = hf_zmq_read_record(&r, &record);
  if (status == HF_OK) *out = record;
  zmq_msg_close(&reply.body);
  hf_zmq_leave(zmq);
  return status;
}

static hf_status cancel(hf_queue *queue, const hf_job_key *key, const char *cause, hf_job_state *state) {
  hf_zmq_request request = {.operation = HF_ZMQ_CANCEL, .key = *key};
  uint64_t number = 0;
  hf_detail_copy(cause, request.text);
  hf_status status = hf_zmq_call(queue, &request, &number, 1);
  if (number >= HF_JOB_STATES) return hf_fail(HF_E_FORMAT, "queue: a state that is none");
  if (status == HF_OK || status == HF_E_STATE) *state = (hf_job_state)number;
  return status;
}

/* Lists: one page after the other, until `capacity` is filled or there is no more. */
typedef struct pages {
  size_t capacity, *count;
  hf_zmq_request request;
  size_t capacity_at; /* which of the numbers says how many are wanted */
} pages;

/* `read` takes one record from the body and puts what comes after it into the request. */
static hf_status walk(hf_queue *queue, pages *p, hf_status (*read)(hf_reader *, pages *, void *), void *out) {
  hf_zmq *zmq = (hf_zmq *)queue;
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  for (bool some = true; some && status == HF_OK && *p->count < p->capacity;) {
    hf_zmq_reply reply;
    p->request.numbers[p->capacity_at] = p->capacity - *p->count;
    status = hf_zmq_ask(zmq, &p->request, (hf_bytes){0}, &reply);
    hf_reader r = body_of(&reply);
    some = hf_reader_left(&r) != 0;
    while (status == HF_OK && hf_reader_left(&r) && *p->count < p->capacity) {
      status = read(&r, p, out);
      if (status == HF_OK) ++*p->count;
    }
    /* Jobs tell whether there are more; for the others an empty page does. */
    if (p->request.operation == HF_ZMQ_LIST && reply.head.numbers[0] == 0) some = false;
    if (p->request.operation == HF_ZMQ_ATTEMPTS) some = false;
    zmq_msg_close(&reply.body);
  }
  hf_zmq_leave(zmq);
  return status;
}

static hf_status read_job(hf_reader *r, pages *p, void *out) {
  hf_job_record *record = (hf_job_record *)out + *p->count;
  hf_status status = hf_zmq_read_record(r, record);
  p->request.numbers[2] = record->sequence;
  return status;
}

static hf_status list(hf_queue *queue, const hf_job_filter *filter, hf_job_record *records, size_t capacity,
                      size_t *count) {
  pages p = {.capacity = capacity, .count = count, .capacity_at = 4};
  hf_status status = HF_OK;
  p.request = (hf_zmq_request){
      .operation = HF_ZMQ_LIST,
      .numbers = {filter->state_mask, filter->kind_mask, filter->after, filter->newest_first, capacity},
      .number_count = 5};
  if (filter->tenant) HF_TRY(hf_name_copy("tenant", filter->tenant, p.request.key.tenant));
  if (filter->circuit) HF_TRY(hf_name_copy("circuit", filter->circuit, p.request.name));
  if (filter->worker) HF_TRY(hf_name_copy("worker", filter->worker, p.request.other));
  status = walk(queue, &p, read_job, records);
out:
  return status;
}

static hf_status read_attempt(hf_reader *r, pages *p, void *out) {
  return hf_zmq_read_attempt(r, (hf_attempt *)out + *p->count);
}

static hf_status attempts(hf_queue *queue, const hf_job_key *key, hf_attempt *out, size_t capacity,
                          size_t *count) {
  pages p = {.capacity = capacity, .count = count, .capacity_at = 0};
  p.request = (hf_zmq_request){.operation = HF_ZMQ_ATTEMPTS, .key = *key, .number_count = 1};
  return walk(queue, &p, read_attempt, out);
}

static hf_status read_tenant(hf_reader *r, pages *p, void *out) {
  hf_tenant_stats *tenant = (hf_tenant_stats *)out + *p->count;
  hf_status status = hf_zmq_read_tenant(r, tenant);
  memcpy(p->request.name, tenant->tenant, sizeof p->request.name);
  return status;
}

static hf_status tenants(hf_queue *queue, const char *after, hf_tenant_stats *out, size_t capacity,
                         size_t *count) {
  pages p = {.capacity = capacity, .count = count, .capacity_at = 0};
  p.request = (hf_zmq_request){.operation = HF_ZMQ_TENANTS, .number_count = 1};
  snprintf(p.request.name, sizeof p.request.name, "%s", after);
  return walk(queue, &p, read_tenant, out);
}

static hf_status read_worker(hf_reader *r, pages *p, void *out) {
  hf_worker_record *record = (hf_worker_record *)out + *p->count;
  hf_status status = hf_zmq_read_worker_record(r, record);
  memcpy(p->request.name, record->worker.name, sizeof p->request.name);
  return status;
}

static hf_status workers(hf_queue *queue, uint64_t since_ms, const char *after, hf_worker_record *out,
                         size_t capacity, size_t *count) {
  pages p = {.capacity = capacity, .count = count, .capacity_at = 1};
  p.request = (hf_zmq_request){.operation = HF_ZMQ_WORKERS, .numbers = {since_ms}, .number_count = 2};
  snprintf(p.request.name, sizeof p.request.name, "%s", after);
  return walk(queue, &p, read_worker, out);
}

static hf_status read_event(hf_reader *r, pages *p, void *out) {
  hf_event *event = (hf_event *)out + *p->count;
  hf_status status = hf_zmq_read_event(r, event);
  p->request.numbers[0] = event->sequence;
  return status;
}

static hf_status events(hf_queue *queue, uint64_t after, hf_event *out, size_t capacity, size_t *count) {
  pages p = {.capacity = capacity, .count = count, .capacity_at = 1};
  p.request = (hf_zmq_request){.operation = HF_ZMQ_EVENTS, .numbers = {after}, .number_count = 2};
  return walk(queue, &p, read_event, out);
}

static hf_status lease(hf_queue *queue, const hf_worker *worker, hf_lease *out, bool *found) {
  hf_zmq *zmq = (hf_zmq *)queue;
  hf_zmq_request request = {.operation = HF_ZMQ_LEASE};
  hf_zmq_reply reply;
  hf_writer body = {0};
  hf_lease given = {0};
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  zmq_msg_init(&reply.body);
  HF_TRY(hf_zmq_write_worker(&body, worker));
  HF_TRY(hf_zmq_ask(zmq, &request, (hf_bytes){body.data, body.length}, &reply));
  const uint64_t *n = reply.head.numbers;
  if (n[0] == 0) goto out;
  hf_reader r = body_of(&reply);
  HF_TRY(hf_zmq_read_header(&r, &given.header));
  given.epoch = n[1];
  given.attempts = (uint32_t)n[2];
  given.expires_ms = n[3];
  given.lease_ms = n[4];
  *out = given;
  *found = true;
out:
  zmq_msg_close(&reply.body);
  hf_writer_free(&body);
  hf_zmq_leave(zmq);
  return status;
}

static hf_status heartbeat(hf_queue *queue, const hf_job_key *key, uint64_t epoch,
                           const hf_progress *progress, hf_beat *out) {
  hf_zmq_request request = {.operation = HF_ZMQ_HEARTBEAT,
                            .key = *key,
                            .epoch = epoch,
                            .numbers = {progress->done, progress->total},
                            .number_count = 2};
  uint64_t n[2];
  strcpy(request.name, progress->phase);
  hf_status status = hf_zmq_call(queue, &request, n, 2);
  if (status != HF_OK) return status;
  if (n[0] > HF_BEAT_STALLED) return hf_fail(HF_E_FORMAT, "queue: an answer to a heartbeat that is none");
  *out = (hf_beat){(hf_beat_action)n[0], n[1]};
  return HF_OK;
}

static hf_status finish(hf_queue *queue, const hf_job_key *key, uint64_t epoch, const char *worker,
                        const hf_digest *result, hf_finish_outcome *outcome) {
  hf_zmq_request request = {.operation = HF_ZMQ_FINISH, .key = *key, .epoch = epoch, .digest = *result};
  uint64_t n;
  strcpy(request.name, worker);
  hf_status status = hf_zmq_call(queue, &request, &n, 1);
  if (status != HF_OK) return status;
  if (n > HF_FINISH_CANCELLED) return hf_fail(HF_E_FORMAT, "queue: an outcome that is none");
  *outcome = (hf_finish_outcome)n;
  return HF_OK;
}

static hf_status fail(hf_queue *queue, const hf_job_key *key, uint64_t epoch, hf_status code,
                      const char *cause, hf_job_state *state) {
  hf_zmq_request request = {
      .operation = HF_ZMQ_FAIL, .key = *key, .epoch = epoch, .numbers = {(uint64_t)code}, .number_count = 1};
  uint64_t n;
  hf_detail_copy(cause[0] ? cause : hf_status_text(code), request.text);
  hf_status status = hf_zmq_call(queue, &request, &n, 1);
  if (status != HF_OK) return status;
  if (n >= HF_JOB_STATES) return hf_fail(HF_E_FORMAT, "queue: a state that is none");
  *state = (hf_job_state)n;
  return HF_OK;
}

static hf_status release(hf_queue *queue, const hf_job_key *key, uint64_t epoch) {
  hf_zmq_request request = {.operation = HF_ZMQ_RELEASE, .key = *key, .epoch = epoch};
  return hf_zmq_call(queue, &request, NULL, 0);
}

static hf_status refuse(hf_queue *queue, const hf_job_key *key, const hf_digest *result, bool lost,
                        const char *cause, hf_queue_refusal *out) {
  hf_zmq *zmq = (hf_zmq *)queue;
  hf_zmq_request request = {
      .operation = HF_ZMQ_REFUSE, .key = *key, .digest = *result, .numbers = {lost}, .number_count = 1};
  hf_zmq_reply reply;
  hf_queue_refusal refusal;
  hf_detail_copy(cause, request.text);
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  status = hf_zmq_ask(zmq, &request, (hf_bytes){0}, &reply);
  hf_reader r = body_of(&reply);
  if (status == HF_OK) status = hf_zmq_read_refusal(&r, &refusal);
  if (status == HF_OK) *out = refusal;
  zmq_msg_close(&reply.body);
  hf_zmq_leave(zmq);
  return status;
}

static hf_status pardon(hf_queue *queue, const char *worker) {
  hf_zmq_request request = {.operation = HF_ZMQ_PARDON};
  strcpy(request.name, worker);
  return hf_zmq_call(queue, &request, NULL, 0);
}

static hf_status reap(hf_queue *queue, uint64_t *changed) {
  hf_zmq_request request = {.operation = HF_ZMQ_REAP};
  return hf_zmq_call(queue, &request, changed, 1);
}

static hf_status requeue(hf_queue *queue, const hf_job_key *key, uint64_t deadline_ms) {
  hf_zmq_request request = {
      .operation = HF_ZMQ_REQUEUE, .key = *key, .numbers = {deadline_ms}, .number_count = 1};
  return hf_zmq_call(queue, &request, NULL, 0);
}

static hf_status set_tenant(hf_queue *queue, const char *tenant, uint32_t weight, uint64_t quota) {
  hf_zmq_request request = {.operation = HF_ZMQ_SET_TENANT, .numbers = {weight, quota}, .number_count = 2};
  strcpy(request.key.tenant, tenant);
  return hf_zmq_call(queue, &request, NULL, 0);
}

/* A call whose answer has numbers, and a text in the body. */
static hf_status call_text(hf_queue *queue, hf_zmq_request *request, uint64_t *numbers, size_t count,
                           char *text, size_t capacity) {
  hf_zmq *zmq = (hf_zmq *)queue;
  hf_zmq_reply reply;
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  status = hf_zmq_ask(zmq, request, (hf_bytes){0}, &reply);
  size_t length = zmq_msg_size(&reply.body);
  memcpy(numbers, reply.head.numbers, count * sizeof *numbers);
  if (status == HF_OK && length >= capacity)
    status = hf_fail(HF_E_FORMAT, "queue: a text of %zu bytes", length);
  memset(text, 0, capacity);
  if (status == HF_OK && length) memcpy(text, zmq_msg_data(&reply.body), length);
  zmq_msg_close(&reply.body);
  hf_zmq_leave(zmq);
  return status;
}

static hf_status stats(hf_queue *queue, hf_queue_stats *out) {
  hf_zmq_request request = {.operation = HF_ZMQ_STATS};
  uint64_t numbers[HF_ZMQ_COUNTERS], *fields[HF_ZMQ_COUNTERS];
  char draining[sizeof out->draining];
  hf_status status = call_text(queue, &request, numbers, HF_ZMQ_COUNTERS, draining, sizeof draining);
  if (status != HF_OK) return status;
  hf_zmq_stats_fields(out, fields);
  for (size_t i = 0; i < HF_ZMQ_COUNTERS; i++) *fields[i] = numbers[i];
  hf_detail_copy(draining, out->draining);
  return HF_OK;
}

static hf_status reading(hf_queue *queue, hf_reading *out) {
  hf_zmq_request request = {.operation = HF_ZMQ_READING};
  uint64_t numbers[3];
  hf_reading r = {0};
  hf_status status = call_text(queue, &request, numbers, 3, r.store, sizeof r.store);
  if (status != HF_OK) return status;
  if (strspn(r.store, "0123456789abcdef") != sizeof r.store - 1)
    return hf_fail(HF_E_FORMAT, "queue: the store does not say who it is");
  r.life = numbers[0];
  r.sequence = numbers[1];
  r.time_ms = numbers[2];
  *out = r;
  return HF_OK;
}

static hf_status restored(hf_queue *queue) {
  hf_zmq_request request = {.operation = HF_ZMQ_RESTORED};
  return hf_zmq_call(queue, &request, NULL, 0);
}

static hf_status drain(hf_queue *queue, const char *reason) {
  hf_zmq_request request = {.operation = HF_ZMQ_DRAIN};
  hf_detail_copy(reason, request.text);
  return hf_zmq_call(queue, &request, NULL, 0);
}

const hf_queue_backend hf_zmq_backend = {
    .scheme = "zmq",
    .artifact_put = hf_zmq_artifact_put,
    .artifact_get = hf_zmq_artifact_get,
    .artifact_has = hf_zmq_artifact_has,
    .submit = submit,
    .get = get,
    .cancel = cancel,
    .list = list,
    .lease = lease,
    .heartbeat = heartbeat,
    .finish = finish,
    .fail = fail,
    .release = release,
    .refuse = refuse,
    .pardon = pardon,
    .drain = drain,
    .reading = reading,
    .restored = restored,
    .reap = reap,
    .requeue = requeue,
    .attempts = attempts,
    .set_tenant = set_tenant,
    .tenants = tenants,
    .stats = stats,
    .workers = workers,
    .events = events,
    .collect = hf_zmq_collect,
};
