/* The client's side: a queue behind a broker.
 *
 * One handle is one or two connections (the second for those who wait for a job), each a socket that is
 * thrown away when anything goes wrong with it: so nothing of an old request lies in it, and what is known of
 * the connection (its handshake, its end) belongs to the request at hand. A request carries the handle's
 * random id and a number; sent again, it takes effect once. */
#ifndef HF_ZMQ_QUEUE_H
#define HF_ZMQ_QUEUE_H

#include "queue_backend.h"
#include "zmq/keys.h"
#include "zmq/message.h"

#include <pthread.h>
#include <sys/types.h>
#include <zmq.h>

#define HF_ZMQ_TEXT        256
#define HF_ZMQ_SERVER_KEYS 4 /* pinned at the same time, while the server's key is exchanged */

typedef struct hf_zmq_address {
  char endpoint[HF_ZMQ_TEXT + 16]; /* as libzmq takes it */
  char server_key[HF_ZMQ_TEXT];    /* a file, or 64 hex digits */
  char key_file[HF_ZMQ_TEXT];
  char shown[HF_ZMQ_TEXT]; /* for messages */
} hf_zmq_address;

/* zmq://HOST:PORT?server-key=FILE-OR-HEX&key-file=FILE, or ipc:PATH?... HF_E_ARGUMENT says what is wrong with
 * it. */
hf_status hf_zmq_address_parse(const char *location, hf_zmq_address *out);

typedef struct hf_zmq_wire {
  void *context, *socket, *monitor; /* NULL where there is none */
  unsigned opened;                  /* sockets so far */
  unsigned key;                     /* which of the server's keys is tried */
  unsigned failed;                  /* handshakes one after the other; not counted after one that went well */
  bool proven;                      /* one went well */
} hf_zmq_wire;

typedef struct hf_zmq_reply {
  hf_zmq_answer head;
  zmq_msg_t body;
} hf_zmq_reply;


/* ---- zmq_wire.c: one connection ---- */

/* Until both sides have said who they are. `again`: it may go well another time. HF_E_REFUSED when the broker
 * does not know this key, or is not the one that is pinned; HF_E_IO. */
hf_status hf_zmq_wire_open(hf_zmq_wire *wire, const hf_zmq_address *address, uint64_t timeout_ms,
                           bool *again);
void hf_zmq_wire_close(hf_zmq_wire *wire);
/* Sends a request and waits for its answer, whose body the caller closes. HF_E_IO, after which the wire is
 * closed. */
hf_status hf_zmq_wire_ask(hf_zmq_wire *wire, const hf_zmq_request *request, hf_bytes body,
                          uint64_t timeout_ms, hf_zmq_reply *reply);
void hf_zmq_wire_free(hf_zmq_wire *wire);

/* ---- zmq_queue.c: the handle, trying again ---- */

typedef struct hf_zmq {
  hf_queue queue;
  hf_queue_backend backend; /* without `wait` where the clock is not the system's */
  pthread_mutex_t mutex, wait_mutex;
  pid_t owner;
  bool own_clock; /* goes along with each request; a broker that serves tests takes it */
  hf_zmq_address address;
  hf_zmq_wire wire, waiting;
  uint8_t handle[HF_ZMQ_HANDLE];
  uint64_t number; /* of the last request */
  uint64_t patience_ms;
} hf_zmq;

/* Takes the handle: HF_E_STATE in a forked child. */
hf_status hf_zmq_enter(hf_zmq *zmq);
void hf_zmq_leave(hf_zmq *zmq);
/* With the handle taken. The status is the broker's; `reply` is to be closed with zmq_msg_close(&reply->body)
 * in any case, and its numbers count with every status. */
hf_status hf_zmq_ask(hf_zmq *zmq, hf_zmq_request *request, hf_bytes body, hf_zmq_reply *reply);
/* Takes the handle, asks, leaves; for calls whose answer is numbers. */
hf_status hf_zmq_call(hf_queue *queue, hf_zmq_request *request, uint64_t *numbers, size_t count);

/* ---- zmq_calls.c, zmq_bytes.c ---- */

extern const hf_queue_backend hf_zmq_backend;
hf_status hf_zmq_wait(hf_queue *, const hf_job_key *, uint64_t, hf_job_record *);
hf_status hf_zmq_artifact_put(hf_queue *, const void *, size_t, hf_digest *);
hf_status hf_zmq_artifact_get(hf_queue *, const hf_digest *, size_t, uint8_t **, size_t *);
hf_status hf_zmq_artifact_has(hf_queue *, const hf_digest *, bool *);
hf_status hf_zmq_collect(hf_queue *, uint64_t, uint64_t, hf_queue_keep, void *, uint64_t *, uint64_t *);

#endif
