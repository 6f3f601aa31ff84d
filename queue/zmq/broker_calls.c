/* What the broker's requests do, and who may ask for what. */
#include "zmq/broker_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 200 /* records in one answer */

/* ---- who may ---- */

static hf_status refuse(const hf_broker_call *call, const char *why) {
  return hf_fail(HF_E_REFUSED, "%s (%s%s%s) may not %s", call->who.name, hf_zmq_role_text(call->who.role),
                 call->who.tenant[0] ? " of " : "", call->who.tenant, why);
}

static bool about_job(hf_zmq_operation operation) {
  switch (operation) {
  case HF_ZMQ_GET:
  case HF_ZMQ_WAIT:
  case HF_ZMQ_CANCEL:
  case HF_ZMQ_ATTEMPTS:
  case HF_ZMQ_HEARTBEAT:
  case HF_ZMQ_FINISH:
  case HF_ZMQ_FAIL:
  case HF_ZMQ_RELEASE:
  case HF_ZMQ_REQUEUE:
  case HF_ZMQ_REFUSE:
    return true;
  default:
    return false;
  }
}

static hf_status check(hf_broker_call *call) {
  hf_zmq_request *q = &call->request;
  const hf_zmq_rule *rule = hf_zmq_rule_of(q->operation);
  char what[160];
  if (!(rule->roles & call->who.role)) {
    snprintf(what, sizeof what, "ask for %s", rule->name);
    return refuse(call, what);
  }
  if (about_job(q->operation) && (q->key.tenant[0] == '\0' || q->key.id.length == 0))
    return hf_fail(HF_E_FORMAT, "%s without a job", rule->name);
  if (call->who.role != HF_ROLE_CLIENT) return HF_OK;
  /* Jobs of a list are looked at when they are submitted. */
  if (q->operation == HF_ZMQ_LIST && q->key.tenant[0] == '\0') strcpy(q->key.tenant, call->who.tenant);
  if ((about_job(q->operation) || q->operation == HF_ZMQ_LIST) &&
      strcmp(q->key.tenant, call->who.tenant) != 0) {
    snprintf(what, sizeof what, "ask for %s of tenant %s", rule->name, q->key.tenant);
    return refuse(call, what);
  }
  return HF_OK;
}

void hf_broker_permit(hf_broker *broker, hf_broker_call *call) {
  (void)broker;
  hf_status status = check(call);
  if (status != HF_OK) hf_broker_refuse(call, status);
}

/* A worker is known by the name of its key, whatever it calls itself: it speaks for nobody else, and its
 * strikes stay its own. */
static void worker_name(const hf_broker_call *call, char name[HF_NAME_MAX + 1]) {
  if (call->who.role == HF_ROLE_WORKER) memcpy(name, call->who.name, HF_NAME_MAX + 1);
}

/* Whether a worker had the lease that it speaks of. */
static hf_status check_holder(hf_broker *broker, const hf_broker_call *call) {
  const hf_zmq_request *q = &call->request;
  char holder[HF_NAME_MAX + 1], what[200];
  hf_job_state state;
  if (call->who.role != HF_ROLE_WORKER) return HF_OK;
  hf_status status = hf_local_holder(broker->store, &q->key, q->epoch, &state, holder);
  if (status != HF_OK || state == HF_JOB_DONE)
    return status; /* what is said about a job that is done changes nothing */
  if (holder[0] == '\0' && q->operation != HF_ZMQ_FINISH) return HF_OK; /* stale, and told so */
  if (strcmp(call->who.name, holder) == 0) return HF_OK;
  snprintf(what, sizeof what, "speak for the lease of epoch %llu, which is %s", (unsigned long long)q->epoch,
           holder[0] ? holder : "not known as its own");
  return refuse(call, what);
}

void hf_broker_terms(hf_broker *broker, const hf_broker_call *call) {
  hf_queue_options *o = &broker->store->queue.options;
  const uint64_t *t = call->request.terms;
  *o = broker->terms;
  broker->clock_ms = 0;
  if (!broker->options.trust_terms) {
    uint64_t most = broker->options.lease_limit_ms;
    if (t[HF_TERM_LEASE]) o->lease_ms = t[HF_TERM_LEASE] > most ? most : t[HF_TERM_LEASE];
    if (o->lease_ms < 100) o->lease_ms = 100;
    return;
  }
  broker->clock_ms = call->request.clock_ms;
  o->lease_ms = t[HF_TERM_LEASE];
  o->stall_ms = t[HF_TERM_STALL];
  o->retry_ms = t[HF_TERM_RETRY];
  o->max_attempts = (uint32_t)t[HF_TERM_ATTEMPTS];
  o->max_losses = (uint32_t)t[HF_TERM_LOSSES];
  o->tenant_quota = t[HF_TERM_TENANT_QUOTA];
  o->total_quota = t[HF_TERM_TOTAL_QUOTA];
  o->event_limit = (uint32_t)t[HF_TERM_EVENTS];
  o->max_strikes = (uint32_t)t[HF_TERM_STRIKES];
}

/* ---- one function a call ---- */

static void give(hf_broker_call *call, uint64_t value) {
  call->answer.numbers[call->answer.number_count++] = value;
}

static hf_reader body_of(hf_broker_call *call) {
  return hf_reader_over(zmq_msg_data(&call->body), zmq_msg_size(&call->body));
}

typedef struct submit_lists {
  hf_job_header *jobs;
  hf_submission *results;
  size_t count, capacity;
} submit_lists;

static hf_status add_job(submit_lists *l, const hf_job_header *job) {
  if (l->count == l->capacity) {
    l->capacity = l->capacity ? 2 * l->capacity : 16;
    hf_job_header *jobs = realloc(l->jobs, l->capacity * sizeof *jobs);
    if (jobs) l->jobs = jobs;
    hf_submission *results = realloc(l->results, l->capacity * sizeof *results);
    if (results) l->results = results;
    if (!jobs || !results) return hf_fail(HF_E_MEMORY, "no memory for %zu jobs", l->capacity);
  }
  l->results[l->count] = (hf_submission){.status = HF_OK};
  l->jobs[l->count++] = *job;
  return HF_OK;
}

static hf_status submit(hf_broker *b, hf_broker_call *call) {
  hf_reader r = body_of(call);
  submit_lists l = {0};
  hf_status status = HF_OK;
  while (hf_reader_left(&r)) {
    hf_job_header job;
    bool owns = true;
    HF_TRY(hf_zmq_read_header(&r, &job));
    if (call->who.role == HF_ROLE_CLIENT && strcmp(job.key.tenant, call->who.tenant) != 0) {
      char what[120];
      snprintf(what, sizeof what, "submit a job of tenant %s", job.key.tenant);
      status = refuse(call, what);
      goto out;
    }
    HF_TRY(add_job(&l, &job));
    /* The input of somebody else is as good as not there: its name alone does not make it the tenant's. */
    if (call->who.role == HF_ROLE_CLIENT)
      HF_TRY(hf_local_owns(b->store, call->who.tenant, &job.input_digest, &owns));
    if (!owns) {
      char hex[HF_DIGEST_HEX];
      hf_submission *s = &l.results[l.count - 1];
      hf_digest_hex(&job.input_digest, hex);
      s->status = HF_E_NOT_FOUND;
      snprintf(s->message, sizeof s->message, "tenant %s has not put the input %s", job.key.tenant, hex);
    }
  }
  if (l.count) HF_TRY(hf_local_submit(&b->store->queue, l.jobs, l.count, l.results));
  for (size_t i = 0; i < l.count; i++) HF_TRY(hf_zmq_write_submission(&call->out, &l.results[i]));
out:
  free(l.jobs);
  free(l.results);
  return status;
}

static hf_status get(hf_broker *b, hf_broker_call *call) {
  hf_job_record record;
  hf_status status = hf_local_get(&b->store->queue, &call->request.key, &record);
  return status == HF_OK ? hf_zmq_write_record(&call->out, &record) : status;
}

static hf_status wait_for(hf_broker *b, hf_broker_call *call) {
  hf_job_record record;
  hf_status status = hf_local_get(&b->store->queue, &call->request.key, &record);
  if (status != HF_OK) return status;
  size_t mine = 0;
  for (size_t i = 0; i < b->wait_count; i++) mine += strcmp(b->waits[i].key, call->key) == 0;
  call->later = hf_job_state_open(record.state) && call->request.numbers[0] > 0 &&
                b->wait_count < HF_BROKER_WAITS && mine < HF_BROKER_WAITS_EACH;
  return call->later ? HF_OK : hf_zmq_write_record(&call->out, &record);
}

static hf_status cancel(hf_broker *b, hf_broker_call *call) {
  hf_job_state state = HF_JOB_QUEUED;
  hf_status status = hf_local_cancel(&b->store->queue, &call->request.key, call->request.text, &state);
  give(call, (uint64_t)state);
  return status;
}

/* How many records are asked for, of one page at most. */
static size_t page(uint64_t capacity) { return capacity < PAGE ? (size_t)capacity : PAGE; }

static hf_status records(hf_broker *b, hf_broker_call *call, bool ended) {
  const hf_zmq_request *q = &call->request;
  size_t capacity = page(q->numbers[ended ? 2 : 4]), count = 0, given = 0;
  hf_job_record *list = malloc((capacity ? capacity : 1) * sizeof *list);
  hf_status status = HF_OK;
  if (!list) return hf_fail(HF_E_MEMORY, "no memory for a page of jobs");
  hf_job_filter filter = {.tenant = q->key.tenant[0] ? q->key.tenant : NULL,
                          .state_mask = (uint32_t)q->numbers[0],
                          .kind_mask = (uint32_t)q->numbers[1],
                          .circuit = q->name[0] ? q->name : NULL,
                          .worker = q->other[0] ? q->other : NULL,
                          .after = q->numbers[2],
                          .newest_first = q->numbers[3] != 0};
  if (ended)
    HF_TRY(hf_local_ended(b->store, q->numbers[0], q->numbers[1], list, capacity, &count));
  else
    HF_TRY(hf_local_list(&b->store->queue, &filter, list, capacity, &count));
  while (given < count && call->out.length < HF_ZMQ_PAGE)
    HF_TRY(hf_zmq_write_record(&call->out, &list[given++]));
  give(call, count == capacity || given < count);
out:
  free(list);
  return status;
}

static hf_status attempts(hf_broker *b, hf_broker_call *call) {
  hf_attempt list[PAGE];
  size_t count = 0;
  hf_status status =
      hf_local_attempts(&b->store->queue, &call->request.key, list, page(call->request.numbers[0]), &count);
  for (size_t i = 0; i < count && status == HF_OK; i++) status = hf_zmq_write_attempt(&call->out, &list[i]);
  return status;
}

static hf_status read_announcement(hf_broker_call *call, hf_worker *worker) {
  hf_reader r = body_of(call);
  hf_status status = hf_zmq_read_worker(&r, worker);
  if (status == HF_OK) status = hf_read_end(&r, "announcement");
  if (status == HF_OK) worker_name(call, worker->name);
  return status;
}

hf_status hf_broker_idle(hf_broker *b, hf_broker_call *call, bool *idle) {
  hf_worker worker;
  bool work = true;
  hf_status status = read_announcement(call, &worker);
  if (status == HF_OK) status = hf_local_lease_look(b->store, &worker, &work);
  *idle = status == HF_OK && !work;
  if (*idle) give(call, 0);
  return status;
}

static hf_status lease(hf_broker *b, hf_broker_call *call, bool *changed) {
  hf_worker worker;
  hf_lease given;
  bool found = false;
  hf_status status = read_announcement(call, &worker);
  if (status == HF_OK) status = hf_local_lease(&b->store->queue, &worker, &given, &found);
  if (status != HF_OK) return status;
  *changed = found;
  give(call, found);
  if (!found) return HF_OK;
  give(call, given.epoch);
  give(call, given.attempts);
  give(call, given.expires_ms);
  give(call, given.lease_ms);
  return hf_zmq_write_header(&call->out, &given.header);
}

static hf_status heartbeat(hf_broker *b, hf_broker_call *call) {
  const hf_zmq_request *q = &call->request;
  hf_beat beat;
  hf_progress progress = {.done = q->numbers[0] > INT64_MAX ? INT64_MAX : q->numbers[0],
                          .total = q->numbers[1] > INT64_MAX ? INT64_MAX : q->numbers[1]};
  if (strlen(q->name) > HF_PARAMETER_NAME)
    return hf_fail(HF_E_RANGE, "a phase of %zu characters", strlen(q->name));
  strcpy(progress.phase, q->name);
  hf_status status = check_holder(b, call);
  if (status == HF_OK) status = hf_local_heartbeat(&b->store->queue, &q->key, q->epoch, &progress, &beat);
  if (status != HF_OK) return status;
  give(call, (uint64_t)beat.action);
  give(call, beat.expires_ms);
  return HF_OK;
}

#define RESULT_LIMIT ((size_t)1 << 20)

/* Whether a worker's result stands; `why` not. What cannot be judged here stands, and is said. */
static hf_status judge(hf_broker *b, const hf_broker_call *call, bool *stands, char why[HF_DETAIL_MAX + 1]) {
  const hf_zmq_request *q = &call->request;
  hf_job_record record;
  uint8_t *data;
  size_t length;
  uint64_t left_out;
  *stands = true;
  if (!b->options.judge || call->who.role != HF_ROLE_WORKER) return HF_OK;
  hf_status status = hf_local_get(&b->store->queue, &q->key, &record);
  if (status != HF_OK || record.state == HF_JOB_DONE) return status;
  status = hf_local_artifact_get(&b->store->queue, &q->digest, RESULT_LIMIT, &data, &length);
  if (status == HF_E_NOT_FOUND) return HF_OK; /* finish says so */
  if (status == HF_E_RANGE) *stands = false;  /* no proof is that long */
  if (status == HF_OK) {
    status = b->options.judge(b->options.judge_context, &record.header, data, length, stands);
    free(data);
    if (status != HF_OK) *stands = true;
    if (status != HF_OK && hf_broker_may_tell(&b->quiet_unjudged, &left_out))
      hf_log(&b->log, HF_LOG_WARN, "a result was not judged", HF_LOG_TEXT("why", hf_error_message()),
             HF_LOG_UINT("left_out", left_out));
  } else if (*stands) {
    return status;
  }
  if (!*stands) hf_detail_copy(hf_error_message(), why);
  return HF_OK;
}

/* A result that does not stand is taken and refused in one transaction: so the worker has its strike. */
static hf_status take_and_refuse(hf_broker *b, const hf_broker_call *call, const char *why) {
  const hf_zmq_request *q = &call->request;
  hf_queue_refusal refusal;
  hf_finish_outcome outcome;
  hf_status status = hf_local_begin(b->store); /* both or neither */
  if (status != HF_OK) return status;
  HF_TRY(hf_local_finish(&b->store->queue, &q->key, q->epoch, q->name, &q->digest, &outcome));
  if (outcome == HF_FINISH_ACCEPTED)
    HF_TRY(hf_local_refuse(&b->store->queue, &q->key, &q->digest, false, why, &refusal));
out:
  status = hf_local_end(b->store, status);
  return status == HF_OK ? hf_fail(HF_E_VERIFY, "the result does not verify: %s", why) : status;
}

static hf_status finish(hf_broker *b, hf_broker_call *call) {
  hf_zmq_request *q = &call->request;
  hf_finish_outcome outcome;
  char why[HF_DETAIL_MAX + 1];
  bool stands = true;
  if (q->name[0] == '\0') return hf_fail(HF_E_FORMAT, "a result of nobody");
  worker_name(call, q->name);
  hf_status status = check_holder(b, call);
  if (status == HF_OK) status = judge(b, call, &stands, why);
  if (status == HF_OK && !stands) return take_and_refuse(b, call, why);
  if (status == HF_OK)
    status = hf_local_finish(&b->store->queue, &q->key, q->epoch, q->name, &q->digest, &outcome);
  if (status == HF_OK) give(call, (uint64_t)outcome);
  return status;
}

static hf_status fail(hf_broker *b, hf_broker_call *call) {
  const hf_zmq_request *q = &call->request;
  hf_job_state state;
  hf_status status = check_holder(b, call);
  if (status == HF_OK)
    status =
        hf_local_fail(&b->store->queue, &q->key, q->epoch, (hf_status)(int)q->numbers[0], q->text, &state);
  if (status == HF_OK) give(call, (uint64_t)state);
  return status;
}

static hf_status release(hf_broker *b, hf_broker_call *call) {
  hf_status status = check_holder(b, call);
  return status == HF_OK ? hf_local_release(&b->store->queue, &call->request.key, call->request.epoch)
                         : status;
}

static hf_status refuse_result(hf_broker *b, hf_broker_call *call) {
  const hf_zmq_request *q = &call->request;
  hf_queue_refusal refusal = {0};
  hf_status status =
      hf_local_refuse(&b->store->queue, &q->key, &q->digest, q->numbers[0] != 0, q->text, &refusal);
  return status == HF_OK ? hf_zmq_write_refusal(&call->out, &refusal) : status;
}

static hf_status pardon(hf_broker *b, hf_broker_call *call) {
  if (call->request.name[0] == '\0') return hf_fail(HF_E_FORMAT, "a pardon for nobody");
  return hf_local_pardon(&b->store->queue, call->request.name);
}

static hf_status reading(hf_broker *b, hf_broker_call *call) {
  hf_reading r;
  hf_status status = hf_local_reading(&b->store->queue, &r);
  if (status != HF_OK) return status;
  give(call, r.life);
  give(call, r.sequence);
  give(call, r.time_ms);
  hf_write_bytes(&call->out, r.store, strlen(r.store));
  return hf_writer_status(&call->out);
}

static hf_status reap(hf_broker *b, hf_broker_call *call) {
  uint64_t changed;
  hf_status status = hf_local_reap(&b->store->queue, &changed);
  if (status == HF_OK) give(call, changed);
  return status;
}

static hf_status requeue(hf_broker *b, hf_broker_call *call) {
  if (call->request.numbers[0] > INT64_MAX) return hf_fail(HF_E_ARGUMENT, "a deadline above 2^63 - 1");
  return hf_local_requeue(&b->store->queue, &call->request.key, call->request.numbers[0]);
}

static hf_status set_tenant(hf_broker *b, hf_broker_call *call) {
  const hf_zmq_request *q = &call->request;
  if (q->key.tenant[0] == '\0' || q->numbers[0] == 0 || q->numbers[0] > 1000000 || q->numbers[1] > INT64_MAX)
    return hf_fail(HF_E_ARGUMENT, "a tenant, a weight or a quota that is none");
  return hf_local_set_tenant(&b->store->queue, q->key.tenant, (uint32_t)q->numbers[0], q->numbers[1]);
}

static hf_status tenants(hf_broker *b, hf_broker_call *call) {
  hf_tenant_stats list[PAGE];
  size_t count = 0;
  hf_status status =
      hf_local_tenants(&b->store->queue, call->request.name, list, page(call->request.numbers[0]), &count);
  for (size_t i = 0; i < count && status == HF_OK; i++) status = hf_zmq_write_tenant(&call->out, &list[i]);
  return status;
}

static hf_status stats(hf_broker *b, hf_broker_call *call) {
  hf_queue_stats s = {0};
  uint64_t *fields[HF_ZMQ_COUNTERS];
  hf_status status = hf_local_stats(&b->store->queue, &s);
  hf_zmq_stats_fields(&s, fields);
  if (status != HF_OK) return status;
  for (size_t i = 0; i < HF_ZMQ_COUNTERS; i++) give(call, *fields[i]);
  hf_write_bytes(&call->out, s.draining, strlen(s.draining));
  return hf_writer_status(&call->out);
}

static hf_status workers(hf_broker *b, hf_broker_call *call) {
  const hf_zmq_request *q = &call->request;
  size_t capacity = q->numbers[1] < 16 ? (size_t)q->numbers[1] : 16, count = 0; /* up to 14 KiB each */
  hf_worker_record *list = malloc(16 * sizeof *list);
  if (!list) return hf_fail(HF_E_MEMORY, "no memory for a page of workers");
  hf_status status = hf_local_workers(&b->store->queue, q->numbers[0], q->name, list, capacity, &count);
  for (size_t i = 0; i < count && status == HF_OK; i++)
    status = hf_zmq_write_worker_record(&call->out, &list[i]);
  free(list);
  return status;
}

static hf_status events(hf_broker *b, hf_broker_call *call) {
  hf_event list[PAGE];
  size_t count = 0;
  hf_status status = hf_local_events(&b->store->queue, call->request.numbers[0], list,
                                     page(call->request.numbers[1]), &count);
  for (size_t i = 0; i < count && status == HF_OK; i++) status = hf_zmq_write_event(&call->out, &list[i]);
  return status;
}

static hf_status forget(hf_broker *b, hf_broker_call *call) {
  hf_reader r = body_of(call);
  uint64_t removed = 0, sequence, ended;
  hf_status status = HF_OK;
  while (hf_reader_left(&r)) {
    HF_TRY(hf_read_u64(&r, "sequence", &sequence));
    HF_TRY(hf_read_u64(&r, "ended", &ended));
    HF_TRY(hf_local_forget(b->store, sequence, ended, &removed));
  }
  give(call, removed);
out:
  return status;
}

static hf_status sweep(hf_broker *b, hf_broker_call *call) {
  const hf_zmq_request *q = &call->request;
  uint64_t removed = 0;
  if (q->numbers[0] > 255) return hf_fail(HF_E_ARGUMENT, "there are 256 folders of artifacts");
  hf_status status = hf_local_sweep(b->store, (unsigned)q->numbers[0], q->numbers[1], &removed);
  if (status == HF_OK && q->numbers[0] == 255) status = hf_local_forget_puts(b->store, q->numbers[1]);
  if (status == HF_OK) give(call, removed);
  return status;
}

static hf_status run(hf_broker *b, hf_broker_call *call, bool *changed) {
  switch (call->request.operation) {
  case HF_ZMQ_HELLO:
    give(call, (uint64_t)call->who.role);
    return HF_OK;
  case HF_ZMQ_SUBMIT:
    return submit(b, call);
  case HF_ZMQ_GET:
    return get(b, call);
  case HF_ZMQ_WAIT:
    return wait_for(b, call);
  case HF_ZMQ_CANCEL:
    return cancel(b, call);
  case HF_ZMQ_LIST:
    return records(b, call, false);
  case HF_ZMQ_ATTEMPTS:
    return attempts(b, call);
  case HF_ZMQ_LEASE:
    return lease(b, call, changed);
  case HF_ZMQ_HEARTBEAT:
    return heartbeat(b, call);
  case HF_ZMQ_FINISH:
    return finish(b, call);
  case HF_ZMQ_FAIL:
    return fail(b, call);
  case HF_ZMQ_RELEASE:
    return release(b, call);
  case HF_ZMQ_REFUSE:
    return refuse_result(b, call);
  case HF_ZMQ_PARDON:
    return pardon(b, call);
  case HF_ZMQ_READING:
    return reading(b, call);
  case HF_ZMQ_RESTORED:
    return hf_local_restored(&b->store->queue);
  case HF_ZMQ_DRAIN:
    return hf_local_drain(&b->store->queue, call->request.text);
  case HF_ZMQ_REAP:
    return reap(b, call);
  case HF_ZMQ_REQUEUE:
    return requeue(b, call);
  case HF_ZMQ_SET_TENANT:
    return set_tenant(b, call);
  case HF_ZMQ_TENANTS:
    return tenants(b, call);
  case HF_ZMQ_STATS:
    return stats(b, call);
  case HF_ZMQ_WORKERS:
    return workers(b, call);
  case HF_ZMQ_EVENTS:
    return events(b, call);
  case HF_ZMQ_ENDED:
    return records(b, call, true);
  case HF_ZMQ_FORGET:
    return forget(b, call);
  case HF_ZMQ_SWEEP:
    return sweep(b, call);
  case HF_ZMQ_HAS:
    return hf_broker_has(b, call);
  case HF_ZMQ_PUT:
    return hf_broker_put(b, call);
  case HF_ZMQ_CHUNK:
    return hf_broker_chunk(b, call);
  case HF_ZMQ_FETCH:
    return hf_broker_fetch(b, call);
  }
  return hf_fail(HF_E_FORMAT, "operation %d is none", (int)call->request.operation);
}

hf_status hf_broker_perform(hf_broker *broker, hf_broker_call *call, bool *changed) {
  call->answer = (hf_zmq_answer){.number = call->request.number};
  call->out.length = 0;
  *changed = true;
  hf_status status = run(broker, call, changed);
  if (status == HF_OK) status = hf_writer_status(&call->out);
  if (status == HF_OK && call->out.length > HF_ZMQ_BODY_MAX)
    status = hf_fail(HF_E_INTERNAL, "an answer of %zu bytes", call->out.length);
  if (status != HF_OK) {
    call->out.length = 0;
    hf_broker_refuse(call, status);
  }
  return status;
}
