/* The only file of the queue that knows protobuf; and the records of bodies. */
#include "zmq/message.h"

#include <hyperfold/protobuf.h>

#include "messages.pb-c.h"

#include <string.h>

#define MEMORY (16u << 10) /* what a decoder of a head may allocate */

const hf_zmq_rule *hf_zmq_rule_of(hf_zmq_operation operation) {
#define ROW(name, number, kind, roles) [number] = {#name, HF_ZMQ_##kind, HF_ROLES_##roles},
  static const hf_zmq_rule rules[] = {HF_ZMQ_OPERATIONS(ROW)};
#undef ROW
  size_t n = (size_t)operation;
  return n < sizeof rules / sizeof rules[0] && rules[n].name ? &rules[n] : NULL;
}

/* ---- heads ---- */

static hf_status check_head(const char *what, size_t length) {
  return length <= HF_ZMQ_HEAD_MAX
             ? HF_OK
             : hf_fail(HF_E_RANGE, "%s of %zu bytes, at most %u are accepted", what, length, HF_ZMQ_HEAD_MAX);
}

static hf_status check_version(const char *what, uint32_t version) {
  if (version == HF_ZMQ_VERSION) return HF_OK;
  return hf_fail(HF_E_VERSION, "%s of version %u, this build speaks %d", what, version, HF_ZMQ_VERSION);
}

/* Bytes without a NUL into `out` of `limit` + 1. */
static hf_status take_text(const char *what, ProtobufCBinaryData from, size_t limit, char *out) {
  if (from.len > limit)
    return hf_fail(HF_E_RANGE, "%s of %zu bytes, at most %zu are accepted", what, from.len, limit);
  if (from.len && memchr(from.data, 0, from.len)) return hf_fail(HF_E_FORMAT, "%s with a NUL in it", what);
  if (from.len) memcpy(out, from.data, from.len);
  out[from.len] = '\0';
  return HF_OK;
}

static hf_status take_name(const char *what, ProtobufCBinaryData from, char out[HF_NAME_MAX + 1]) {
  hf_status status = take_text(what, from, HF_NAME_MAX, out);
  if (status != HF_OK || out[0] == '\0' || hf_name_valid(out)) return status;
  return hf_fail(HF_E_FORMAT, "%s is no valid name", what);
}

static hf_status take_numbers(const char *what, const uint64_t *from, size_t count, size_t limit,
                              uint64_t *out) {
  if (count > limit)
    return hf_fail(HF_E_RANGE, "%s: %zu numbers, at most %zu are accepted", what, count, limit);
  if (count) memcpy(out, from, count * sizeof *out);
  return HF_OK;
}

hf_status hf_zmq_request_encode(const hf_zmq_request *request, hf_writer *w) {
  Hyperfold__Broker__Request m = HYPERFOLD__BROKER__REQUEST__INIT;
  m.version = HF_ZMQ_VERSION;
  m.handle = hf_protobuf_bytes(request->handle, sizeof request->handle);
  m.number = request->number;
  m.operation = (uint32_t)request->operation;
  m.tenant = hf_protobuf_bytes(request->key.tenant, strlen(request->key.tenant));
  m.id = hf_protobuf_bytes(request->key.id.b, request->key.id.length);
  m.epoch = request->epoch;
  if (!hf_digest_is_zero(&request->digest))
    m.digest = hf_protobuf_bytes(request->digest.b, sizeof request->digest.b);
  m.name = hf_protobuf_bytes(request->name, strlen(request->name));
  m.other = hf_protobuf_bytes(request->other, strlen(request->other));
  m.text = hf_protobuf_bytes(request->text, strlen(request->text));
  m.n_numbers = request->number_count;
  m.numbers = (uint64_t *)request->numbers;
  m.n_terms = HF_ZMQ_TERMS;
  m.terms = (uint64_t *)request->terms;
  m.clock_ms = request->clock_ms;
  return hf_protobuf_pack(&m.base, HF_ZMQ_HEAD_MAX, w);
}

hf_status hf_zmq_request_decode(const void *data, size_t length, hf_zmq_request *out) {
  hf_status status = HF_OK;
  hf_protobuf_budget b = {MEMORY, false};
  ProtobufCAllocator allocator = hf_protobuf_allocator(&b);
  Hyperfold__Broker__Request *m = NULL;
  memset(out, 0, sizeof *out);
  HF_TRY(check_head("request", length));
  m = hyperfold__broker__request__unpack(&allocator, length, data);
  if (!m) return hf_protobuf_refuse("request", &b);
  HF_TRY(check_version("request", m->version));
  if (m->handle.len != HF_ZMQ_HANDLE || !hf_zmq_rule_of((hf_zmq_operation)m->operation)) {
    status = hf_fail(HF_E_FORMAT, "request of a handle of %zu bytes for operation %u", m->handle.len,
                     m->operation);
    goto out;
  }
  memcpy(out->handle, m->handle.data, HF_ZMQ_HANDLE);
  out->operation = (hf_zmq_operation)m->operation;
  out->number = m->number;
  HF_TRY(take_name("tenant", m->tenant, out->key.tenant));
  if (m->id.len > HF_JOB_ID_MAX || (m->digest.len != 0 && m->digest.len != sizeof out->digest.b)) {
    status =
        hf_fail(HF_E_FORMAT, "request with a job id of %zu bytes, a digest of %zu", m->id.len, m->digest.len);
    goto out;
  }
  out->key.id.length = (uint8_t)m->id.len;
  if (m->id.len) memcpy(out->key.id.b, m->id.data, m->id.len);
  if (m->digest.len) memcpy(out->digest.b, m->digest.data, m->digest.len);
  out->epoch = m->epoch;
  HF_TRY(take_name("name", m->name, out->name));
  HF_TRY(take_name("name", m->other, out->other));
  HF_TRY(take_text("text", m->text, HF_DETAIL_MAX, out->text));
  HF_TRY(take_numbers("request", m->numbers, m->n_numbers, HF_ZMQ_NUMBERS, out->numbers));
  out->number_count = m->n_numbers;
  HF_TRY(take_numbers("terms", m->terms, m->n_terms, HF_ZMQ_TERMS, out->terms));
  out->clock_ms = m->clock_ms;
out:
  hyperfold__broker__request__free_unpacked(m, &allocator);
  if (status != HF_OK) memset(out, 0, sizeof *out);
  return status;
}

hf_status hf_zmq_answer_encode(const hf_zmq_answer *answer, hf_writer *w) {
  Hyperfold__Broker__Answer m = HYPERFOLD__BROKER__ANSWER__INIT;
  m.version = HF_ZMQ_VERSION;
  m.number = answer->number;
  m.status = (int32_t)answer->status;
  m.message = hf_protobuf_bytes(answer->message, strlen(answer->message));
  m.n_numbers = answer->number_count;
  m.numbers = (uint64_t *)answer->numbers;
  return hf_protobuf_pack(&m.base, HF_ZMQ_HEAD_MAX, w);
}

hf_status hf_zmq_answer_decode(const void *data, size_t length, hf_zmq_answer *out) {
  hf_status status = HF_OK;
  hf_protobuf_budget b = {MEMORY, false};
  ProtobufCAllocator allocator = hf_protobuf_allocator(&b);
  Hyperfold__Broker__Answer *m = NULL;
  memset(out, 0, sizeof *out);
  HF_TRY(check_head("answer", length));
  m = hyperfold__broker__answer__unpack(&allocator, length, data);
  if (!m) return hf_protobuf_refuse("answer", &b);
  HF_TRY(check_version("answer", m->version));
  out->number = m->number;
  out->status = (hf_status)m->status;
  if (m->status < 0 ||
      (m->status != 0 && strcmp(hf_status_text(out->status), hf_status_text((hf_status)-1)) == 0)) {
    status = hf_fail(HF_E_FORMAT, "answer with the status %d", (int)m->status);
    goto out;
  }
  HF_TRY(take_text("message", m->message, HF_DETAIL_MAX, out->message));
  HF_TRY(take_numbers("answer", m->numbers, m->n_numbers, HF_ZMQ_NUMBERS, out->numbers));
  out->number_count = m->n_numbers;
out:
  hyperfold__broker__answer__free_unpacked(m, &allocator);
  if (status != HF_OK) memset(out, 0, sizeof *out);
  return status;
}

/* ---- bodies ---- */

static void write_text(hf_writer *w, const char *text) {
  size_t length = strlen(text);
  hf_write_u16(w, (uint16_t)length);
  hf_write_bytes(w, text, length);
}

/* Valid UTF-8 without control characters, as hf_detail_copy makes it; at most `limit` bytes. */
static hf_status read_text(hf_reader *r, const char *field, size_t limit, char *out) {
  uint16_t length;
  char text[HF_DETAIL_MAX + 1], clean[HF_DETAIL_MAX + 1];
  hf_status status = hf_read_u16(r, field, &length);
  if (status != HF_OK) return status;
  if (length > limit)
    return hf_fail(HF_E_RANGE, "%s of %u bytes, at most %zu are accepted", field, length, limit);
  HF_TRY(hf_read_bytes(r, field, text, length));
  text[length] = '\0';
  hf_detail_copy(text, clean);
  if (strlen(clean) != length || memcmp(clean, text, length) != 0)
    return hf_fail(HF_E_FORMAT, "%s: control characters, or not UTF-8", field);
  memset(out, 0, limit + 1);
  memcpy(out, text, length);
out:
  return status;
}

static hf_status read_name(hf_reader *r, const char *field, bool may_be_empty, size_t limit, char *out) {
  hf_status status = read_text(r, field, limit, out);
  if (status != HF_OK || hf_name_valid(out) || (may_be_empty && out[0] == '\0')) return status;
  return hf_fail(HF_E_FORMAT, "%s is no valid name", field);
}

static hf_status read_u32_below(hf_reader *r, const char *field, uint32_t limit, uint32_t *out) {
  hf_status status = hf_read_u32(r, field, out);
  if (status == HF_OK && *out >= limit) status = hf_fail(HF_E_RANGE, "%s: %u is none", field, *out);
  return status;
}

/* A message of proto/ with its length in front. */
static hf_status write_message(hf_writer *w, hf_writer *message, hf_status status) {
  if (status == HF_OK) {
    hf_write_u32(w, (uint32_t)message->length);
    hf_write_bytes(w, message->data, message->length);
    status = hf_writer_status(w);
  }
  hf_writer_free(message);
  return status;
}

static hf_status read_message(hf_reader *r, const char *field, const uint8_t **data, size_t *length) {
  uint32_t n = 0;
  hf_status status = hf_read_u32(r, field, &n);
  *length = n;
  return status == HF_OK ? hf_read_view(r, field, n, data) : status;
}

#define MESSAGE(type, name, codec)                                                                           \
  hf_status hf_zmq_write_##name(hf_writer *w, const type *value) {                                           \
    hf_writer message = {0};                                                                                 \
    hf_status status = hf_##codec##_encode(value, &message);                                                 \
    return write_message(w, &message, status);                                                               \
  }                                                                                                          \
  hf_status hf_zmq_read_##name(hf_reader *r, type *out) {                                                    \
    const uint8_t *data;                                                                                     \
    size_t length;                                                                                           \
    hf_status status = read_message(r, #name, &data, &length);                                               \
    return status == HF_OK ? hf_##codec##_decode(data, length, out) : status;                                \
  }
MESSAGE(hf_job_header, header, job_header)
MESSAGE(hf_worker, worker, worker)
MESSAGE(hf_event, event, event)
#undef MESSAGE

/* The numbers of a record, in their order. */
#define RECORD_NUMBERS 10
static void record_numbers(hf_job_record *r, uint64_t *fields[RECORD_NUMBERS]) {
  uint64_t *list[RECORD_NUMBERS] = {
      &r->sequence,     &r->header.deadline_ms, &r->epoch,      &r->progress.done, &r->progress.total,
      &r->submitted_ms, &r->leased_ms,          &r->expires_ms, &r->ended_ms,      &r->used_ms};
  memcpy(fields, list, sizeof list);
}

hf_status hf_zmq_write_record(hf_writer *w, const hf_job_record *record) {
  hf_job_record r = *record;
  uint64_t *fields[RECORD_NUMBERS];
  hf_status status = hf_zmq_write_header(w, &r.header);
  if (status != HF_OK) return status;
  record_numbers(&r, fields);
  for (size_t i = 0; i < RECORD_NUMBERS; i++) hf_write_u64(w, *fields[i]);
  hf_write_u32(w, (uint32_t)r.state);
  hf_write_u32(w, r.cancel_requested);
  hf_write_u32(w, r.attempts);
  hf_write_u32(w, r.losses);
  write_text(w, r.worker);
  write_text(w, r.progress.phase);
  hf_write_bytes(w, r.result.b, sizeof r.result.b);
  write_text(w, r.cause);
  return hf_writer_status(w);
}

hf_status hf_zmq_read_record(hf_reader *r, hf_job_record *out) {
  uint64_t *fields[RECORD_NUMBERS];
  uint32_t state, cancel;
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_zmq_read_header(r, &out->header));
  record_numbers(out, fields);
  for (size_t i = 0; i < RECORD_NUMBERS; i++) HF_TRY(hf_read_u64(r, "record", fields[i]));
  HF_TRY(read_u32_below(r, "state", HF_JOB_STATES, &state));
  HF_TRY(read_u32_below(r, "cancel", 2, &cancel));
  HF_TRY(hf_read_u32(r, "attempts", &out->attempts));
  HF_TRY(hf_read_u32(r, "losses", &out->losses));
  HF_TRY(read_name(r, "worker", true, HF_NAME_MAX, out->worker));
  HF_TRY(read_name(r, "phase", true, HF_PARAMETER_NAME, out->progress.phase));
  HF_TRY(hf_read_bytes(r, "result", out->result.b, sizeof out->result.b));
  HF_TRY(read_text(r, "cause", HF_DETAIL_MAX, out->cause));
  out->state = (hf_job_state)state;
  out->cancel_requested = cancel != 0;
  if (hf_job_header_check(&out->header) != HF_OK) status = hf_fail_context(HF_E_FORMAT, "record");
out:
  return status;
}

hf_status hf_zmq_write_submission(hf_writer *w, const hf_submission *s) {
  hf_write_u32(w, (uint32_t)s->status);
  hf_write_u32(w, s->created);
  hf_write_u32(w, (uint32_t)s->state);
  hf_write_u64(w, s->retry_after_ms);
  write_text(w, s->message);
  return hf_writer_status(w);
}

hf_status hf_zmq_read_submission(hf_reader *r, hf_submission *out) {
  uint32_t code, created, state;
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_read_u32(r, "status", &code));
  HF_TRY(read_u32_below(r, "created", 2, &created));
  HF_TRY(read_u32_below(r, "state", HF_JOB_STATES, &state));
  HF_TRY(hf_read_u64(r, "retry", &out->retry_after_ms));
  HF_TRY(read_text(r, "message", sizeof out->message - 1, out->message));
  if (code != HF_OK && code != HF_E_EXISTS && code != HF_E_NOT_FOUND && code != HF_E_BUSY &&
      code != HF_E_ARGUMENT && code != HF_E_REFUSED)
    status = hf_fail(HF_E_FORMAT, "a submission with the status %u", code);
  out->status = (hf_status)code;
  out->created = created != 0;
  out->state = (hf_job_state)state;
out:
  return status;
}

hf_status hf_zmq_write_attempt(hf_writer *w, const hf_attempt *a) {
  hf_write_u64(w, a->time_ms);
  hf_write_u64(w, a->epoch);
  hf_write_u32(w, (uint32_t)a->code);
  write_text(w, a->worker);
  write_text(w, a->cause);
  return hf_writer_status(w);
}

hf_status hf_zmq_read_attempt(hf_reader *r, hf_attempt *out) {
  uint32_t code;
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_read_u64(r, "time", &out->time_ms));
  HF_TRY(hf_read_u64(r, "epoch", &out->epoch));
  HF_TRY(hf_read_u32(r, "code", &code));
  HF_TRY(read_name(r, "worker", true, HF_NAME_MAX, out->worker));
  HF_TRY(read_text(r, "cause", HF_DETAIL_MAX, out->cause));
  out->code = (int)code;
out:
  return status;
}

hf_status hf_zmq_write_tenant(hf_writer *w, const hf_tenant_stats *t) {
  write_text(w, t->tenant);
  hf_write_u32(w, t->weight);
  hf_write_u64(w, t->quota);
  for (int i = 0; i < HF_JOB_STATES; i++) hf_write_u64(w, t->jobs[i]);
  hf_write_u64(w, t->used_ms);
  hf_write_u64(w, t->proved_ms);
  hf_write_u64(w, t->refused_ms);
  return hf_writer_status(w);
}

hf_status hf_zmq_read_tenant(hf_reader *r, hf_tenant_stats *out) {
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  HF_TRY(read_name(r, "tenant", false, HF_NAME_MAX, out->tenant));
  HF_TRY(hf_read_u32(r, "weight", &out->weight));
  HF_TRY(hf_read_u64(r, "quota", &out->quota));
  for (int i = 0; i < HF_JOB_STATES; i++) HF_TRY(hf_read_u64(r, "jobs", &out->jobs[i]));
  HF_TRY(hf_read_u64(r, "used", &out->used_ms));
  HF_TRY(hf_read_u64(r, "proved", &out->proved_ms));
  HF_TRY(hf_read_u64(r, "refused", &out->refused_ms));
out:
  return status;
}

hf_status hf_zmq_write_worker_record(hf_writer *w, const hf_worker_record *record) {
  hf_status status = hf_zmq_write_worker(w, &record->worker);
  if (status != HF_OK) return status;
  hf_write_u64(w, record->seen_ms);
  hf_write_u32(w, record->strikes);
  hf_write_u64(w, record->quarantined_ms);
  write_text(w, record->cause);
  return hf_writer_status(w);
}

hf_status hf_zmq_read_worker_record(hf_reader *r, hf_worker_record *out) {
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  HF_TRY(hf_zmq_read_worker(r, &out->worker));
  HF_TRY(hf_read_u64(r, "seen", &out->seen_ms));
  HF_TRY(hf_read_u32(r, "strikes", &out->strikes));
  HF_TRY(hf_read_u64(r, "quarantined", &out->quarantined_ms));
  HF_TRY(read_text(r, "cause", HF_DETAIL_MAX, out->cause));
out:
  return status;
}

hf_status hf_zmq_write_refusal(hf_writer *w, const hf_queue_refusal *refusal) {
  hf_write_u32(w, refusal->again);
  hf_write_u32(w, (uint32_t)refusal->state);
  hf_write_u32(w, refusal->strikes);
  hf_write_u32(w, refusal->quarantined);
  write_text(w, refusal->worker);
  return hf_writer_status(w);
}

hf_status hf_zmq_read_refusal(hf_reader *r, hf_queue_refusal *out) {
  uint32_t again, state, quarantined;
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  HF_TRY(read_u32_below(r, "again", 2, &again));
  HF_TRY(read_u32_below(r, "state", HF_JOB_STATES, &state));
  HF_TRY(hf_read_u32(r, "strikes", &out->strikes));
  HF_TRY(read_u32_below(r, "quarantined", 2, &quarantined));
  HF_TRY(read_name(r, "worker", true, HF_NAME_MAX, out->worker));
  out->again = again != 0;
  out->state = (hf_job_state)state;
  out->quarantined = quarantined != 0;
out:
  return status;
}

void hf_zmq_stats_fields(hf_queue_stats *s, uint64_t *fields[HF_ZMQ_COUNTERS]) {
  uint64_t *list[] = {
      &s->oldest_queued_ms, &s->submitted, &s->resubmitted, &s->conflicts, &s->refused, &s->leases,
      &s->expired,          &s->released,  &s->failures,    &s->stale,     &s->results, &s->late_results,
      &s->late_differing,   &s->refusals,  &s->quarantines, &s->pardons,   &s->barred};
  for (int i = 0; i < HF_JOB_STATES; i++) fields[i] = &s->jobs[i];
  memcpy(fields + HF_JOB_STATES, list, sizeof list);
}
