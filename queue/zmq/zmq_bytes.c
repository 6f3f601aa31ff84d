/* Artifacts over a broker: in pieces, each asked for when the one before has come. And collecting. */
#include "zmq/zmq_queue.h"

#include <stdlib.h>
#include <string.h>

hf_status hf_zmq_artifact_has(hf_queue *queue, const hf_digest *digest, bool *has) {
  hf_zmq_request request = {.operation = HF_ZMQ_HAS, .digest = *digest};
  uint64_t number = 0;
  hf_status status = hf_zmq_call(queue, &request, &number, 1);
  *has = status == HF_OK && number != 0;
  return status;
}

/* Asks PUT or CHUNK: how far the artifact is. */
static hf_status put_some(hf_zmq *zmq, hf_zmq_operation operation, const hf_digest *digest, uint64_t number,
                          hf_bytes piece, bool *whole, uint64_t *received) {
  hf_zmq_request request = {
      .operation = operation, .digest = *digest, .numbers = {number}, .number_count = 1};
  hf_zmq_reply reply;
  hf_status status = hf_zmq_ask(zmq, &request, piece, &reply);
  *whole = status == HF_OK && reply.head.numbers[0] != 0;
  *received = reply.head.numbers[1];
  zmq_msg_close(&reply.body);
  return status;
}

hf_status hf_zmq_artifact_put(hf_queue *queue, const void *data, size_t length, hf_digest *digest) {
  enum { RESTARTS = 16 }; /* of the broker, while this is put */
  hf_zmq *zmq = (hf_zmq *)queue;
  bool whole = false;
  uint64_t received = 0;
  *digest = hf_digest_bytes(data, length);
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  for (int starts = 0; !whole && status == HF_OK; starts++) {
    if (starts > RESTARTS) {
      status = hf_fail(HF_E_IO, "queue %s: the broker forgets an upload again and again", zmq->address.shown);
      break;
    }
    status = put_some(zmq, HF_ZMQ_PUT, digest, length, (hf_bytes){0}, &whole, &received);
    while (status == HF_OK && !whole) {
      if (received >= length) {
        status = hf_fail(HF_E_FORMAT, "queue %s: an upload that has no end", zmq->address.shown);
        break;
      }
      size_t left = length - (size_t)received;
      hf_bytes piece = {(const uint8_t *)data + received, left < HF_ZMQ_PIECE ? left : HF_ZMQ_PIECE};
      uint64_t before = received;
      status = put_some(zmq, HF_ZMQ_CHUNK, digest, before, piece, &whole, &received);
    }
    /* The broker was started again, or the piece came twice and the first one was the last. */
    if (status == HF_E_NOT_FOUND) status = HF_OK;
  }
  hf_zmq_leave(zmq);
  return status;
}

static hf_status fetch_all(hf_zmq *zmq, const hf_digest *digest, size_t limit, uint8_t **data,
                           size_t *length) {
  hf_status status = HF_OK;
  uint64_t total = 0;
  do {
    hf_zmq_request request = {
        .operation = HF_ZMQ_FETCH, .digest = *digest, .numbers = {*length}, .number_count = 1};
    hf_zmq_reply reply;
    status = hf_zmq_ask(zmq, &request, (hf_bytes){0}, &reply);
    uint64_t size = reply.head.numbers[0];
    size_t piece = zmq_msg_size(&reply.body);
    if (status == HF_OK && *data == NULL) {
      total = size;
      if (size > limit)
        status = hf_fail(HF_E_RANGE, "the artifact has %llu bytes, at most %zu are wanted",
                         (unsigned long long)size, limit);
      else if ((*data = malloc(size ? (size_t)size : 1)) == NULL)
        status = hf_fail(HF_E_MEMORY, "no memory for an artifact of %llu bytes", (unsigned long long)size);
    }
    /* Not these bytes: the digest will say so. */
    bool fits = status == HF_OK && size == total && piece <= total - *length;
    if (fits) memcpy(*data + *length, zmq_msg_data(&reply.body), piece);
    if (fits) *length += piece;
    zmq_msg_close(&reply.body);
    if (!fits || piece == 0) break;
  } while (*length < total);
  if (status != HF_OK) return status;
  hf_digest actual = hf_digest_bytes(*data, *length);
  if (*length == total && hf_digest_eq(&actual, digest)) return HF_OK;
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(digest, hex);
  return hf_fail(HF_E_CHECKSUM, "the artifact %s is damaged; put it again", hex);
}

hf_status hf_zmq_artifact_get(hf_queue *queue, const hf_digest *digest, size_t limit, uint8_t **data,
                              size_t *length) {
  hf_zmq *zmq = (hf_zmq *)queue;
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  status = fetch_all(zmq, digest, limit, data, length);
  hf_zmq_leave(zmq);
  if (status == HF_OK) return HF_OK;
  free(*data);
  *data = NULL;
  *length = 0;
  return status;
}

/* A page of jobs that ended, and the removal of those that are let go: without a lock, so that jobs which
 * changed meanwhile stay until the next time. */
static hf_status forget_some(hf_zmq *zmq, uint64_t before, hf_queue_keep keep, void *context, uint64_t *after,
                             bool *more, uint64_t *removed) {
  enum { MOST = 200 };
  hf_zmq_request page = {.operation = HF_ZMQ_ENDED, .numbers = {before, *after, MOST}, .number_count = 3};
  hf_zmq_request forget = {.operation = HF_ZMQ_FORGET};
  hf_zmq_reply reply;
  hf_writer doomed = {0};
  hf_job_record job;
  hf_status status = hf_zmq_ask(zmq, &page, (hf_bytes){0}, &reply);
  hf_reader r = hf_reader_over(zmq_msg_data(&reply.body), zmq_msg_size(&reply.body));
  *more = reply.head.numbers[0] != 0 && hf_reader_left(&r);
  while (status == HF_OK && hf_reader_left(&r)) {
    status = hf_zmq_read_record(&r, &job);
    if (status != HF_OK) break;
    *after = job.sequence;
    if (keep && keep(context, &job)) continue;
    hf_write_u64(&doomed, job.sequence);
    hf_write_u64(&doomed, job.ended_ms);
  }
  zmq_msg_close(&reply.body);
  if (status == HF_OK) status = hf_writer_status(&doomed);
  if (status == HF_OK && doomed.length) {
    status = hf_zmq_ask(zmq, &forget, (hf_bytes){doomed.data, doomed.length}, &reply);
    if (status == HF_OK) *removed += reply.head.numbers[0];
    zmq_msg_close(&reply.body);
  }
  hf_writer_free(&doomed);
  return status;
}

hf_status hf_zmq_collect(hf_queue *queue, uint64_t ended_before_ms, uint64_t put_before_ms,
                         hf_queue_keep keep, void *context, uint64_t *jobs, uint64_t *artifacts) {
  hf_zmq *zmq = (hf_zmq *)queue;
  uint64_t after = 0;
  bool more = true;
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  while (more) HF_TRY(forget_some(zmq, ended_before_ms, keep, context, &after, &more, jobs));
  for (uint64_t folder = 0; folder < 256; folder++) {
    hf_zmq_request request = {
        .operation = HF_ZMQ_SWEEP, .numbers = {folder, put_before_ms}, .number_count = 2};
    hf_zmq_reply reply;
    status = hf_zmq_ask(zmq, &request, (hf_bytes){0}, &reply);
    if (status == HF_OK) *artifacts += reply.head.numbers[0];
    zmq_msg_close(&reply.body);
    if (status != HF_OK) goto out;
  }
out:
  hf_zmq_leave(zmq);
  return status;
}
