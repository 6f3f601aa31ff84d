/* A handle on a broker: opening, and asking until there is an answer. */
#include "patience.h"
#include "zmq/zmq_queue.h"

#include <hyperfold/clock.h>
#include <hyperfold/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CONNECT_MS 5000
#define ANSWER_MS  10000
#define CROWDED_MS 200

static void pause_ms(uint64_t ms) {
  nanosleep(&(struct timespec){(time_t)(ms / 1000), (long)(ms % 1000) * 1000000}, NULL);
}

hf_status hf_zmq_enter(hf_zmq *zmq) {
  if (zmq->owner != getpid())
    return hf_fail(HF_E_STATE, "queue %s: the handle belongs to process %ld; open another one after fork",
                   zmq->address.shown, (long)zmq->owner);
  pthread_mutex_lock(&zmq->mutex);
  return HF_OK;
}

void hf_zmq_leave(hf_zmq *zmq) { pthread_mutex_unlock(&zmq->mutex); }

/* `sent`: it may have taken effect although this is an error. */
static hf_status try_once(hf_zmq *zmq, hf_zmq_wire *wire, const hf_zmq_request *request, hf_bytes body,
                          uint64_t answer_ms, bool *again, bool *sent, hf_zmq_reply *reply) {
  hf_status status = HF_OK;
  *again = true;
  if (!wire->socket) HF_TRY(hf_zmq_wire_open(wire, &zmq->address, CONNECT_MS, again));
  *again = *sent = true;
  HF_TRY(hf_zmq_wire_ask(wire, request, body, answer_ms, reply));
out:
  return status;
}

static hf_status try_until(hf_zmq *zmq, hf_zmq_wire *wire, const hf_zmq_request *request, hf_bytes body,
                           uint64_t answer_ms, hf_zmq_reply *reply) {
  bool again, sent = false;
  hf_patience patience = {.away_text = "the queue's broker is away; trying again",
                          .back_text = "the queue's broker is back",
                          .shown = zmq->address.shown,
                          .log = zmq->queue.options.log,
                          .patience_ms = zmq->patience_ms,
                          .spread = zmq->number * 7919 + (uint64_t)zmq->owner * 104729};
  hf_patience_begin(&patience);
  for (;;) {
    hf_status status = try_once(zmq, wire, request, body, answer_ms, &again, &sent, reply);
    if (status == HF_OK) hf_patience_answered(&patience);
    if (status == HF_OK || !again) return status;
    status = hf_patience_failed(&patience, status, sent);
    if (status != HF_OK) return status;
  }
}

static hf_status ask_on(hf_zmq *zmq, hf_zmq_wire *wire, hf_zmq_request *request, hf_bytes body,
                        uint64_t answer_ms, hf_zmq_reply *reply) {
  const hf_queue_options *o = &zmq->queue.options;
  const uint64_t terms[HF_ZMQ_TERMS] = {
      [HF_TERM_LEASE] = o->lease_ms,          [HF_TERM_STALL] = o->stall_ms,
      [HF_TERM_RETRY] = o->retry_ms,          [HF_TERM_ATTEMPTS] = o->max_attempts,
      [HF_TERM_LOSSES] = o->max_losses,       [HF_TERM_TENANT_QUOTA] = o->tenant_quota,
      [HF_TERM_TOTAL_QUOTA] = o->total_quota, [HF_TERM_EVENTS] = o->event_limit,
      [HF_TERM_STRIKES] = o->max_strikes,
  };
  memset(reply, 0, sizeof *reply);
  zmq_msg_init(&reply->body);
  memcpy(request->handle, zmq->handle, sizeof request->handle);
  memcpy(request->terms, terms, sizeof terms);
  request->clock_ms = zmq->own_clock ? hf_queue_now(&zmq->queue) : 0;
  hf_status status = try_until(zmq, wire, request, body, answer_ms, reply);
  if (status != HF_OK || reply->head.status == HF_OK) return status;
  return hf_fail(reply->head.status, "%s", reply->head.message);
}

hf_status hf_zmq_ask(hf_zmq *zmq, hf_zmq_request *request, hf_bytes body, hf_zmq_reply *reply) {
  request->number = ++zmq->number;
  return ask_on(zmq, &zmq->wire, request, body, ANSWER_MS, reply);
}

hf_status hf_zmq_call(hf_queue *queue, hf_zmq_request *request, uint64_t *numbers, size_t count) {
  hf_zmq *zmq = (hf_zmq *)queue;
  hf_zmq_reply reply;
  hf_status status = hf_zmq_enter(zmq);
  if (status != HF_OK) return status;
  status = hf_zmq_ask(zmq, request, (hf_bytes){0}, &reply);
  if (count) memcpy(numbers, reply.head.numbers, count * sizeof *numbers);
  zmq_msg_close(&reply.body);
  hf_zmq_leave(zmq);
  return status;
}

/* On a connection of its own, so that the handle's other calls need not wait, too. The broker answers when
 * the job is over, or after a while: then it is asked again. */
hf_status hf_zmq_wait(hf_queue *queue, const hf_job_key *key, uint64_t timeout_ms, hf_job_record *out) {
  hf_zmq *zmq = (hf_zmq *)queue;
  hf_zmq_reply reply;
  hf_zmq_request request = {.operation = HF_ZMQ_WAIT, .key = *key, .number_count = 1};
  request.numbers[0] = timeout_ms < ANSWER_MS ? timeout_ms : ANSWER_MS;
  if (zmq->owner != getpid()) return hf_zmq_enter(zmq); /* says why not */
  pthread_mutex_lock(&zmq->wait_mutex);
  uint64_t began = hf_steady_ms();
  hf_status status = ask_on(zmq, &zmq->waiting, &request, (hf_bytes){0}, 2 * ANSWER_MS, &reply);
  if (status == HF_OK) {
    hf_reader r = hf_reader_over(zmq_msg_data(&reply.body), zmq_msg_size(&reply.body));
    hf_job_record record; /* an error leaves `out` as it was */
    status = hf_zmq_read_record(&r, &record);
    if (status == HF_OK) *out = record;
    /* The broker has too many who wait: they come again after a pause. */
    uint64_t passed = hf_steady_ms() - began,
             left = request.numbers[0] > passed ? request.numbers[0] - passed : 0;
    if (status == HF_OK && hf_job_state_open(record.state) && left)
      pause_ms(left < CROWDED_MS ? left : CROWDED_MS);
  }
  zmq_msg_close(&reply.body);
  pthread_mutex_unlock(&zmq->wait_mutex);
  return status;
}

static void close_handle(hf_queue *queue) {
  hf_zmq *zmq = (hf_zmq *)queue;
  /* In a forked child the sockets' threads are not there: what the parent has is left alone. */
  if (zmq->owner != getpid()) return;
  hf_zmq_wire_free(&zmq->wire);
  hf_zmq_wire_free(&zmq->waiting);
  pthread_mutex_destroy(&zmq->mutex);
  pthread_mutex_destroy(&zmq->wait_mutex);
  free(zmq);
}

hf_status hf_zmq_open(const char *location, const hf_queue_options *options, bool own_clock, hf_queue **out) {
  hf_status status = HF_OK;
  *out = NULL;
  hf_zmq *zmq = calloc(1, sizeof *zmq);
  if (!zmq) return hf_fail(HF_E_MEMORY, "queue: no memory for a handle");
  zmq->backend = hf_zmq_backend;
  zmq->backend.close = close_handle;
  zmq->backend.wait = own_clock ? NULL : hf_zmq_wait;
  zmq->queue.backend = &zmq->backend;
  zmq->queue.options = *options;
  zmq->queue.options.location = NULL;
  zmq->owner = getpid();
  zmq->own_clock = own_clock;
  pthread_mutex_init(&zmq->mutex, NULL);
  pthread_mutex_init(&zmq->wait_mutex, NULL);
  if (!zmq_has("curve")) {
    status = hf_fail(HF_E_UNSUPPORTED, "queue: this libzmq was built without CURVE");
    goto out;
  }
  HF_TRY(hf_random_bytes(zmq->handle, sizeof zmq->handle));
  HF_TRY(hf_zmq_address_parse(location, &zmq->address));
  /* A wrong address or key is said soon; later, a broker that is away is waited for. */
  zmq->patience_ms = options->busy_ms < CONNECT_MS ? options->busy_ms : CONNECT_MS;
  hf_zmq_request hello = {.operation = HF_ZMQ_HELLO};
  HF_TRY(hf_zmq_call(&zmq->queue, &hello, NULL, 0));
  zmq->patience_ms = options->busy_ms;
  *out = &zmq->queue;
  return HF_OK;
out:
  close_handle(&zmq->queue);
  return status;
}
