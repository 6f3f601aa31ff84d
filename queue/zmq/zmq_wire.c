/* One connection to a broker. A socket is used for one connection only: libzmq would make another one by
 * itself, and send on it what belongs to a request that was given up. */
#include "zmq/zmq_queue.h"

#include <hyperfold/clock.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_MS      10000 /* signs of life while an answer is waited for */
#define BEAT_LOST_MS 30000
#define SEND_MS      200 /* there is always room for a request; without a connection there is none */

void hf_zmq_wire_close(hf_zmq_wire *wire) {
  if (wire->socket) {
    zmq_socket_monitor(wire->socket, NULL, 0);
    zmq_close(wire->socket);
  }
  if (wire->monitor) zmq_close(wire->monitor);
  wire->socket = wire->monitor = NULL;
}

void hf_zmq_wire_free(hf_zmq_wire *wire) {
  hf_zmq_wire_close(wire);
  if (wire->context) zmq_ctx_term(wire->context);
  wire->context = NULL;
}

static bool set_number(void *socket, int option, int value) {
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* The key to be tried now; `count`: how many are pinned. */
static hf_status server_key(const hf_zmq_wire *wire, const hf_zmq_address *address, char out[HF_CURVE_TEXT],
                            size_t *count) {
  char keys[HF_ZMQ_SERVER_KEYS][HF_CURVE_TEXT];
  *count = 1;
  if (strlen(address->server_key) == 64 && hf_curve_parse(address->server_key, out) == HF_OK) return HF_OK;
  hf_status status = hf_curve_public_read(address->server_key, keys, HF_ZMQ_SERVER_KEYS, count);
  if (status == HF_OK) memcpy(out, keys[wire->key % *count], HF_CURVE_TEXT);
  return status;
}

static hf_status make_socket(hf_zmq_wire *wire, const hf_zmq_address *address, size_t *keys) {
  char server[HF_CURVE_TEXT], name[64];
  hf_curve_pair pair = {0};
  hf_status status = HF_OK;
  HF_TRY(server_key(wire, address, server, keys));
  HF_TRY(hf_curve_pair_read(address->key_file, &pair));
  if (!wire->context) wire->context = zmq_ctx_new();
  wire->socket = wire->context ? zmq_socket(wire->context, ZMQ_DEALER) : NULL;
  wire->monitor = wire->socket ? zmq_socket(wire->context, ZMQ_PAIR) : NULL;
  snprintf(name, sizeof name, "inproc://monitor-%u", ++wire->opened);
  if (!wire->monitor || !set_number(wire->socket, ZMQ_LINGER, 0) ||
      !set_number(wire->monitor, ZMQ_LINGER, 0) || !set_number(wire->socket, ZMQ_RECONNECT_IVL, -1) ||
      !set_number(wire->socket, ZMQ_IMMEDIATE, 1) || !set_number(wire->socket, ZMQ_SNDHWM, 4) ||
      !set_number(wire->socket, ZMQ_RCVHWM, 4) || !set_number(wire->socket, ZMQ_SNDTIMEO, SEND_MS) ||
      !set_number(wire->socket, ZMQ_IPV6, 1) || !set_number(wire->socket, ZMQ_HEARTBEAT_IVL, BEAT_MS) ||
      !set_number(wire->socket, ZMQ_HEARTBEAT_TIMEOUT, BEAT_LOST_MS) ||
      zmq_setsockopt(wire->socket, ZMQ_MAXMSGSIZE, &(int64_t){HF_ZMQ_BODY_MAX}, sizeof(int64_t)) != 0 ||
      zmq_setsockopt(wire->socket, ZMQ_CURVE_SERVERKEY, server, HF_CURVE_TEXT) != 0 ||
      zmq_setsockopt(wire->socket, ZMQ_CURVE_PUBLICKEY, pair.public_key, HF_CURVE_TEXT) != 0 ||
      zmq_setsockopt(wire->socket, ZMQ_CURVE_SECRETKEY, pair.secret_key, HF_CURVE_TEXT) != 0 ||
      zmq_socket_monitor(wire->socket, name, ZMQ_EVENT_ALL) != 0 || zmq_connect(wire->monitor, name) != 0)
    status = hf_fail(errno == ENOMEM ? HF_E_MEMORY : HF_E_IO, "queue %s: no socket: %s", address->shown,
                     zmq_strerror(errno));
out:
  explicit_bzero(&pair, sizeof pair);
  return status;
}

/* The next event of the connection; 0 when there is none. */
static unsigned next_event(hf_zmq_wire *wire, unsigned *value) {
  uint8_t event[6];
  char where[256];
  uint16_t kind;
  uint32_t number;
  if (zmq_recv(wire->monitor, event, sizeof event, ZMQ_DONTWAIT) != sizeof event) return 0;
  (void)zmq_recv(wire->monitor, where, sizeof where, ZMQ_DONTWAIT);
  memcpy(&kind, event, sizeof kind);
  memcpy(&number, event + 2, sizeof number);
  *value = number;
  return kind;
}

static long left_until(uint64_t until) {
  uint64_t now = hf_steady_ms();
  return until > now ? (long)(until - now) : 0;
}

static hf_status handshake(hf_zmq_wire *wire, const hf_zmq_address *address, uint64_t until, size_t keys,
                           bool *again) {
  const char *shown = address->shown;
  bool reached = false;
  for (;;) {
    zmq_pollitem_t item = {wire->monitor, 0, ZMQ_POLLIN, 0};
    unsigned value = 0, event;
    long left = left_until(until);
    if (left == 0 || (zmq_poll(&item, 1, left) < 0 && errno != EINTR)) break;
    while ((event = next_event(wire, &value))) {
      switch (event) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        wire->proven = true;
        return HF_OK;
      case ZMQ_EVENT_CONNECTED:
        reached = true;
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
        *again = false;
        return hf_fail(HF_E_REFUSED,
                       "queue %s: the broker does not know the key of %s; its operator lets it in with"
                       " 'hyperfold keys allow'",
                       shown, address->key_file);
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
      case ZMQ_EVENT_DISCONNECTED:
        wire->key++; /* perhaps it is the other one */
        /* A broker that dies just then comes again; one that does so every time has another key. */
        *again = wire->proven || ++wire->failed < 2 * keys + 1;
        return hf_fail(*again ? HF_E_IO : HF_E_REFUSED,
                       "queue %s: whoever listens there closes the connection while it is made: another"
                       " server key than the %s%s pinned, or no broker",
                       shown, keys > 1 ? "ones" : "one", keys > 1 ? " that are" : "");
      case ZMQ_EVENT_CLOSED:
      case ZMQ_EVENT_CONNECT_RETRIED:
        wire->failed = 0;
        return hf_fail(HF_E_IO, "queue %s: cannot connect", shown);
      default:
        break;
      }
    }
  }
  return hf_fail(HF_E_IO, "queue %s: no answer%s", shown, reached ? " to the handshake" : "");
}

hf_status hf_zmq_wire_open(hf_zmq_wire *wire, const hf_zmq_address *address, uint64_t timeout_ms,
                           bool *again) {
  hf_status status = HF_OK;
  size_t keys;
  uint64_t until = hf_steady_ms() + timeout_ms;
  *again = true;
  hf_zmq_wire_close(wire);
  status = make_socket(wire, address, &keys);
  if (status != HF_OK) {
    *again = false; /* a file of keys that is wrong stays wrong */
    goto out;
  }
  if (zmq_connect(wire->socket, address->endpoint) != 0) {
    *again = errno != EINVAL;
    status = hf_fail(HF_E_IO, "queue %s: cannot connect: %s", address->shown, zmq_strerror(errno));
    goto out;
  }
  HF_TRY(handshake(wire, address, until, keys, again));
  return HF_OK;
out:
  hf_zmq_wire_close(wire);
  return status;
}

/* Takes a whole message; NULL, or what is wrong with it. */
static const char *receive(hf_zmq_wire *wire, hf_zmq_reply *reply) {
  zmq_msg_t head;
  const char *wrong = NULL;
  zmq_msg_init(&head);
  if (zmq_msg_recv(&head, wire->socket, ZMQ_DONTWAIT) < 0 || !zmq_msg_more(&head) ||
      zmq_msg_recv(&reply->body, wire->socket, ZMQ_DONTWAIT) < 0 || zmq_msg_more(&reply->body))
    wrong = "its answer has not two frames";
  else if (hf_zmq_answer_decode(zmq_msg_data(&head), zmq_msg_size(&head), &reply->head) != HF_OK)
    wrong = "its answer is not understood";
  zmq_msg_close(&head);
  return wrong;
}

static bool ended(hf_zmq_wire *wire) {
  unsigned event, value;
  while ((event = next_event(wire, &value)))
    if (event == ZMQ_EVENT_DISCONNECTED) return true;
  return false;
}

/* NULL, or what is wrong. */
static const char *wait_for_answer(hf_zmq_wire *wire, uint64_t number, uint64_t until, hf_zmq_reply *reply) {
  for (;;) {
    zmq_pollitem_t items[] = {{wire->socket, 0, ZMQ_POLLIN, 0}, {wire->monitor, 0, ZMQ_POLLIN, 0}};
    long left = left_until(until);
    if (left == 0) return "no answer in time";
    if (zmq_poll(items, 2, left) < 0) {
      if (errno == EINTR) continue;
      return zmq_strerror(errno);
    }
    if (items[0].revents) {
      const char *wrong = receive(wire, reply);
      if (wrong || reply->head.number == number) return wrong;
      continue; /* of a request that was given up */
    }
    if (items[1].revents && ended(wire)) return "it closed the connection";
  }
}

hf_status hf_zmq_wire_ask(hf_zmq_wire *wire, const hf_zmq_request *request, hf_bytes body,
                          uint64_t timeout_ms, hf_zmq_reply *reply) {
  hf_writer head = {0};
  uint64_t until = hf_steady_ms() + timeout_ms;
  hf_status status = hf_zmq_request_encode(request, &head);
  const char *wrong = NULL;
  if (status != HF_OK) goto out;
  if (ended(wire)) /* while nothing was asked */
    wrong = "it closed the connection";
  else if (zmq_send(wire->socket, head.data, head.length, ZMQ_SNDMORE) < 0 ||
           zmq_send(wire->socket, body.length ? body.data : "", body.length, 0) < 0)
    wrong = zmq_strerror(errno);
  else
    wrong = wait_for_answer(wire, request->number, until, reply);
  if (wrong) {
    hf_zmq_wire_close(wire);
    status = hf_fail(HF_E_IO, "the connection to the broker failed: %s", wrong);
  }
out:
  hf_writer_free(&head);
  return status;
}
