/* The broker: sockets, who is let in, and the order in which things happen. */
#include "zmq/broker_internal.h"

#include <hyperfold/file.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define QUEUED       4     /* messages waiting each way on one connection */
#define HANDSHAKE_MS 5000  /* for a connection to say who it is */
#define BEAT_MS      10000 /* between signs of life on a connection without requests */
#define BEAT_LOST_MS 30000
#define WAITS_MS     25 /* how often jobs that are waited for are looked at */

static uint64_t now_ms(void *context) {
  hf_broker *b = context;
  return b->clock_ms ? b->clock_ms : b->clock.now_ms(b->clock.context);
}

/* ---- keys and the list ---- */

static bool differs(const struct stat *a, const struct stat *b) {
  return a->st_ino != b->st_ino || a->st_size != b->st_size || a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
         a->st_mtim.tv_nsec != b->st_mtim.tv_nsec;
}

/* A list that cannot be read leaves the old one in force. One that is wrong is read again when it is another
 * one; one that could not be read now, the next time. */
static hf_status read_clients(hf_broker *b) {
  hf_curve_clients clients;
  struct stat now = {0};
  (void)stat(b->clients_path, &now);
  if (!differs(&now, &b->clients_seen)) return HF_OK;
  hf_status status = hf_curve_clients_read(b->clients_path, &clients);
  bool wrong = status == HF_E_FORMAT || status == HF_E_RANGE;
  if (status == HF_OK || status == HF_E_NOT_FOUND || wrong) b->clients_seen = now;
  if (status != HF_OK && status != HF_E_NOT_FOUND) return status;
  hf_curve_clients_free(&b->clients);
  b->clients = clients;
  hf_log(&b->log, HF_LOG_INFO, "the list of clients was read", HF_LOG_UINT("clients", clients.count));
  return HF_OK;
}

static hf_status read_key(hf_broker *b, hf_curve_pair *pair) {
  hf_status status = hf_curve_pair_read(b->key_path, pair);
  if (status == HF_E_NOT_FOUND) {
    status = hf_curve_make(pair);
    if (status == HF_OK) status = hf_curve_pair_create(b->key_path, pair);
  }
  if (status != HF_OK) return status;
  (void)stat(b->key_path, &b->key_seen);
  memcpy(b->public_key, pair->public_key, sizeof b->public_key);
  return hf_curve_server_publish(b->options.folder);
}

/* ---- sockets ---- */

static hf_status zmq_failure(const char *what) {
  return hf_fail(HF_E_IO, "broker: %s: %s", what, zmq_strerror(errno));
}

static bool set_number(void *socket, int option, int value) {
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

/* libzmq takes 65,536 and more, and listens elsewhere. */
static bool names_a_port(const char *where) {
  const char *colon = strrchr(where, ':'), *port = colon != NULL ? colon + 1 : "";
  if (strcmp(port, "*") == 0) return true;
  return port[0] != '\0' && strspn(port, "0123456789") == strlen(port) && strtoul(port, NULL, 10) <= 65535;
}

static hf_status bind_to(hf_broker *b, const char *where) {
  char endpoint[sizeof b->endpoint + 16];
  size_t length = sizeof b->endpoint;
  bool local = strncmp(where, "ipc:", 4) == 0;
  if (!local && !names_a_port(where))
    return hf_fail(HF_E_ARGUMENT, "broker: \"%s\" is no place to listen on: HOST:PORT, a port being 0 (any) to 65535, or ipc:SOCKET", where);
  if (local)
    snprintf(endpoint, sizeof endpoint, "ipc://%s", where + 4);
  else
    snprintf(endpoint, sizeof endpoint, "tcp://%s", where);
  if (zmq_bind(b->router, endpoint) != 0)
    return hf_fail(HF_E_IO, "broker: cannot listen on %s: %s", where, zmq_strerror(errno));
  if (zmq_getsockopt(b->router, ZMQ_LAST_ENDPOINT, endpoint, &length) != 0)
    return zmq_failure("where it listens");
  snprintf(b->endpoint, sizeof b->endpoint, "%s%.280s", local ? "ipc:" : "", endpoint + 6);
  return HF_OK;
}

static hf_status open_router(hf_broker *b, const char *where) {
  hf_curve_pair pair;
  hf_status status = read_key(b, &pair);
  if (status != HF_OK) return status;
  b->router = zmq_socket(b->context, ZMQ_ROUTER);
  bool good = b->router && set_number(b->router, ZMQ_LINGER, 0) &&
              set_number(b->router, ZMQ_ROUTER_MANDATORY, 1) && set_number(b->router, ZMQ_SNDHWM, QUEUED) &&
              set_number(b->router, ZMQ_RCVHWM, QUEUED) &&
              set_number(b->router, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
              set_number(b->router, ZMQ_BACKLOG, 1024) && set_number(b->router, ZMQ_HEARTBEAT_IVL, BEAT_MS) &&
              set_number(b->router, ZMQ_HEARTBEAT_TIMEOUT, BEAT_LOST_MS) &&
              set_number(b->router, ZMQ_IPV6, strchr(where, '[') != NULL) &&
              set_number(b->router, ZMQ_CURVE_SERVER, 1) &&
              zmq_setsockopt(b->router, ZMQ_MAXMSGSIZE, &(int64_t){HF_ZMQ_BODY_MAX}, sizeof(int64_t)) == 0 &&
              zmq_setsockopt(b->router, ZMQ_CURVE_SECRETKEY, pair.secret_key, HF_CURVE_TEXT) == 0 &&
              zmq_setsockopt(b->router, ZMQ_ZAP_DOMAIN, "hyperfold", 9) == 0;
  explicit_bzero(&pair, sizeof pair);
  return good ? bind_to(b, where) : zmq_failure("the socket");
}

/* Closes all connections and listens again, with the key that is in the file now. Clients come back by
 * themselves and ask again; what they asked takes effect once. */
static hf_status open_again(hf_broker *b) {
  char where[sizeof b->endpoint];
  memcpy(where, b->endpoint, sizeof where);
  for (size_t i = 0; i < b->wait_count; i++) zmq_msg_close(&b->waits[i].route);
  b->wait_count = 0;
  zmq_close(b->router);
  b->router = NULL;
  hf_status status = HF_OK;
  for (int tries = 0; tries < 200; tries++) { /* until the old socket has let go of its port */
    status = open_router(b, where);
    if (status != HF_E_IO) return status;
    if (b->router) zmq_close(b->router);
    b->router = NULL;
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  return status;
}

/* ---- who is let in (ZAP, RFC 27) ---- */

bool hf_broker_may_tell(hf_broker_quiet *quiet, uint64_t *left_out) {
  uint64_t now = hf_steady_ms();
  if (quiet->told_ms && now < quiet->told_ms + 1000) {
    quiet->untold++;
    return false;
  }
  *left_out = quiet->untold;
  *quiet = (hf_broker_quiet){.told_ms = now};
  return true;
}

static void tell_refused(hf_broker *b, const char *key, const char *address) {
  uint64_t left_out;
  b->counts.refused_keys++;
  if (hf_broker_may_tell(&b->quiet_keys, &left_out))
    hf_log(&b->log, HF_LOG_WARN, "a key that is not in the list was refused", HF_LOG_TEXT("key", key),
           HF_LOG_TEXT("address", address), HF_LOG_UINT("left_out", left_out));
}

enum { ZAP_VERSION, ZAP_REQUEST, ZAP_DOMAIN, ZAP_ADDRESS, ZAP_IDENTITY, ZAP_MECHANISM, ZAP_KEY, ZAP_FRAMES };

static void answer_zap(hf_broker *b) {
  char frames[ZAP_FRAMES][256] = {{0}}, key[HF_CURVE_TEXT] = "";
  size_t lengths[ZAP_FRAMES] = {0};
  int count = 0, more = 1;
  size_t size = sizeof more;
  while (more) {
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    if (zmq_msg_recv(&frame, b->zap, ZMQ_DONTWAIT) < 0) {
      zmq_msg_close(&frame);
      return;
    }
    if (count < ZAP_FRAMES) {
      lengths[count] = zmq_msg_size(&frame) < 255 ? zmq_msg_size(&frame) : 255;
      memcpy(frames[count], zmq_msg_data(&frame), lengths[count]);
    }
    count++;
    zmq_msg_close(&frame);
    if (zmq_getsockopt(b->zap, ZMQ_RCVMORE, &more, &size) != 0) return;
  }
  bool curve = count == ZAP_FRAMES && strcmp(frames[ZAP_VERSION], "1.0") == 0 &&
               strcmp(frames[ZAP_MECHANISM], "CURVE") == 0 && lengths[ZAP_KEY] == 32;
  if (curve) (void)zmq_z85_encode(key, (const uint8_t *)frames[ZAP_KEY], 32);
  bool known = curve && hf_curve_clients_find(&b->clients, key) != NULL;
  if (!known) tell_refused(b, key, frames[ZAP_ADDRESS]);
  const struct {
    const char *data;
    size_t length;
  } answer[] = {{"1.0", 3},
                {frames[ZAP_REQUEST], lengths[ZAP_REQUEST]},
                {known ? "200" : "400", 3},
                {known ? "OK" : "unknown key", known ? 2 : 11},
                {key, known ? strlen(key) : 0},
                {"", 0}};
  for (size_t i = 0; i < 6; i++)
    if (zmq_send(b->zap, answer[i].data, answer[i].length, i < 5 ? ZMQ_SNDMORE : 0) < 0) return;
}

/* ---- requests in, answers out ---- */

static void close_call(hf_broker_call *call) {
  zmq_msg_close(&call->route);
  zmq_msg_close(&call->body);
  hf_writer_free(&call->out);
}

/* Takes one request. False when there is none. */
static bool take(hf_broker *b, hf_broker_call *call) {
  zmq_msg_t head;
  memset(call, 0, sizeof *call);
  zmq_msg_init(&call->route);
  zmq_msg_init(&call->body);
  if (zmq_msg_recv(&call->route, b->router, ZMQ_DONTWAIT) < 0) {
    close_call(call);
    return false;
  }
  zmq_msg_init(&head);
  bool good = zmq_msg_more(&call->route) && zmq_msg_recv(&head, b->router, ZMQ_DONTWAIT) >= 0;
  if (good && zmq_msg_more(&head)) {
    good = zmq_msg_recv(&call->body, b->router, ZMQ_DONTWAIT) >= 0;
    bool more = good && zmq_msg_more(&call->body);
    while (more) { /* more frames than any request has */
      zmq_msg_t rest;
      zmq_msg_init(&rest);
      more = zmq_msg_recv(&rest, b->router, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&rest);
      zmq_msg_close(&rest);
      good = false;
    }
  }
  const char *key = good ? zmq_msg_gets(&head, "User-Id") : NULL;
  call->malformed = !key || strlen(key) != HF_CURVE_TEXT - 1 ||
                    hf_zmq_request_decode(zmq_msg_data(&head), zmq_msg_size(&head), &call->request) != HF_OK;
  if (!call->malformed) {
    memcpy(call->key, key, HF_CURVE_TEXT);
    uint8_t text[HF_CURVE_TEXT + HF_ZMQ_HANDLE];
    memcpy(text, key, HF_CURVE_TEXT);
    memcpy(text + HF_CURVE_TEXT, call->request.handle, HF_ZMQ_HANDLE);
    call->asker = hf_digest_bytes(text, sizeof text);
    call->answer.number = call->request.number;
  } else {
    uint64_t left_out;
    b->counts.malformed++;
    if (hf_broker_may_tell(&b->quiet_malformed, &left_out))
      hf_log(&b->log, HF_LOG_WARN, "a message that is no request", HF_LOG_TEXT("key", key ? key : "-"),
             HF_LOG_TEXT("why", good ? hf_error_message() : "frames"), HF_LOG_UINT("left_out", left_out));
  }
  zmq_msg_close(&head);
  return true;
}

/* A peer that is gone, or does not read what it asked for, gets no answer; it will ask again. */
static void send_answer(hf_broker *b, zmq_msg_t *route, const hf_zmq_answer *answer, const hf_writer *body) {
  hf_writer head = {0};
  zmq_msg_t to;
  zmq_msg_init(&to);
  zmq_msg_copy(&to, route);
  if (hf_zmq_answer_encode(answer, &head) == HF_OK &&
      zmq_msg_send(&to, b->router, ZMQ_SNDMORE | ZMQ_DONTWAIT) >= 0) {
    (void)zmq_send(b->router, head.data, head.length, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    (void)zmq_send(b->router, body->data, body->length, ZMQ_DONTWAIT);
  }
  zmq_msg_close(&to);
  hf_writer_free(&head);
}

static void begin_wait(hf_broker *b, hf_broker_call *call) {
  hf_broker_wait *w = &b->waits[b->wait_count++];
  uint64_t ms = call->request.numbers[0];
  zmq_msg_init(&w->route);
  zmq_msg_move(&w->route, &call->route);
  memcpy(w->key, call->key, sizeof w->key);
  w->job = call->request.key;
  w->number = call->request.number;
  w->until_ms = hf_steady_ms() + (ms < 600000 ? ms : 600000);
}

static hf_status no_longer(const char *key) {
  return hf_fail(HF_E_REFUSED, "the key %s is no longer in the broker's list of clients", key);
}

/* Jobs that are waited for: those that are over, and waits that are. */
static void look_at_waits(hf_broker *b) {
  uint64_t changes, now = hf_steady_ms();
  if (now < b->waits_ms) return;
  bool look = hf_local_changes(b->store, &changes) != HF_OK || changes != b->store_changes;
  if (look) b->store_changes = changes;
  for (size_t i = 0; i < b->wait_count;) {
    hf_broker_wait *w = &b->waits[i];
    bool known = hf_curve_clients_find(&b->clients, w->key) != NULL;
    if (known && !look && now < w->until_ms) {
      i++;
      continue;
    }
    hf_job_record record;
    hf_zmq_answer answer = {.number = w->number};
    hf_writer body = {0};
    answer.status = known ? hf_local_get(&b->store->queue, &w->job, &record) : no_longer(w->key);
    if (known && answer.status == HF_OK && hf_job_state_open(record.state) && now < w->until_ms) {
      i++;
      continue;
    }
    if (answer.status == HF_OK) answer.status = hf_zmq_write_record(&body, &record);
    if (answer.status != HF_OK) hf_detail_copy(hf_error_message(), answer.message);
    send_answer(b, &w->route, &answer, &body);
    hf_writer_free(&body);
    zmq_msg_close(&w->route);
    *w = b->waits[--b->wait_count];
  }
  /* Looking takes a fifth of the time at most. */
  uint64_t after = hf_steady_ms();
  b->waits_ms = after + WAITS_MS + 4 * (after - now);
}

static void serve(hf_broker *b, hf_broker_call *call, hf_broker_call **changes, size_t *change_count) {
  const hf_curve_client *who = hf_curve_clients_find(&b->clients, call->key);
  const hf_zmq_rule *rule = hf_zmq_rule_of(call->request.operation);
  bool found = false, idle = false, ignored;
  hf_status status = HF_OK;
  if (!who) {
    hf_broker_refuse(call, no_longer(call->key));
    return;
  }
  call->who = *who;
  hf_broker_permit(b, call);
  if (call->answer.status != HF_OK) return;
  if (hf_broker_overtaken(b, call) && rule->kind == HF_ZMQ_CHANGES) {
    hf_broker_refuse(call, hf_fail(HF_E_STATE, "the request was overtaken by a later one"));
    return;
  }
  hf_broker_terms(b, call);
  if (call->request.operation == HF_ZMQ_LEASE) {
    status = hf_broker_find_kept(b, call, &found);
    if (status == HF_OK && !found) status = hf_broker_idle(b, call, &idle);
    if (status != HF_OK) hf_broker_refuse(call, status);
    if (status != HF_OK || found || idle) return;
  }
  if (rule->kind == HF_ZMQ_CHANGES) {
    changes[(*change_count)++] = call;
    b->counts.changes++;
    return;
  }
  (void)hf_broker_perform(b, call, &ignored);
}

static void serve_all(hf_broker *b) {
  hf_broker_call *changes[HF_BROKER_CALLS];
  size_t count = 0, change_count = 0, inflow = 0;
  while (count < HF_BROKER_CALLS && inflow < HF_BROKER_INFLOW && take(b, &b->calls[count])) {
    hf_broker_call *call = &b->calls[count++];
    inflow += zmq_msg_size(&call->body);
    b->counts.requests++;
    if (call->malformed) continue;
    serve(b, call, changes, &change_count);
    inflow += call->out.length;
  }
  b->owed = count == HF_BROKER_CALLS || inflow >= HF_BROKER_INFLOW;
  if (change_count) hf_broker_change_all(b, changes, change_count);
  for (size_t i = 0; i < count; i++) {
    hf_broker_call *call = &b->calls[i];
    if (call->answer.status == HF_E_REFUSED || call->answer.status == HF_E_VERIFY) {
      uint64_t left_out;
      b->counts.refused_requests++;
      if (hf_broker_may_tell(&b->quiet_requests, &left_out))
        hf_log(&b->log, HF_LOG_WARN, "a request was refused", HF_LOG_TEXT("why", call->answer.message),
               HF_LOG_UINT("left_out", left_out));
    }
    if (!call->malformed && call->later && call->answer.status == HF_OK)
      begin_wait(b, call);
    else if (!call->malformed)
      send_answer(b, &call->route, &call->answer, &call->out);
    close_call(call);
  }
}

/* ---- from time to time ---- */

static uint64_t resident_bytes(void) {
  unsigned long long pages[2] = {0};
  FILE *file = fopen("/proc/self/statm", "re");
  if (!file) return 0;
  int n = fscanf(file, "%llu %llu", &pages[0], &pages[1]);
  fclose(file);
  return n == 2 ? pages[1] * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static hf_status tick(hf_broker *b) {
  uint64_t now = hf_steady_ms(), changed = 0;
  struct stat key = {0};
  if (now < b->tick_ms) return HF_OK;
  b->tick_ms = now + 1000;
  if (read_clients(b) != HF_OK)
    hf_log(&b->log, HF_LOG_ERROR, "the list of clients stays as it was",
           HF_LOG_TEXT("why", hf_error_message()));
  hf_broker_uploads_tidy(b, false);
  b->store->queue.options = b->terms;
  b->clock_ms = 0;
  /* With clocks of clients the broker's own says nothing about leases. */
  if (!b->options.trust_terms && hf_local_reap(&b->store->queue, &changed) != HF_OK)
    hf_log(&b->log, HF_LOG_WARN, "leases were not looked at", HF_LOG_TEXT("why", hf_error_message()));
  if (now >= b->minute_ms) {
    uint64_t present = b->clock.now_ms(b->clock.context);
    b->minute_ms = now + 60000;
    if (hf_local_answers_forget(b->store, present > HF_BROKER_KEPT_MS ? present - HF_BROKER_KEPT_MS : 0) !=
        HF_OK)
      hf_log(&b->log, HF_LOG_WARN, "old answers were not forgotten", HF_LOG_TEXT("why", hf_error_message()));
  }
  uint64_t resident = resident_bytes();
  bool large = resident > b->options.memory_limit;
  bool other_key = stat(b->key_path, &key) == 0 && differs(&key, &b->key_seen);
  if (!large && !other_key) return HF_OK;
  hf_log(&b->log, large ? HF_LOG_ERROR : HF_LOG_INFO,
         large ? "too much memory is in use: all connections are closed once"
               : "the server's key was exchanged",
         HF_LOG_UINT("resident", resident));
  return open_again(b);
}

hf_status hf_broker_step(hf_broker *b, uint64_t timeout_ms) {
  zmq_pollitem_t items[] = {{b->router, 0, ZMQ_POLLIN, 0}, {b->zap, 0, ZMQ_POLLIN, 0}};
  uint64_t most = b->owed ? 0 : b->wait_count ? WAITS_MS : 1000;
  if (timeout_ms < most) most = timeout_ms;
  if (zmq_poll(items, 2, (long)most) < 0 && errno != EINTR) return zmq_failure("poll");
  for (int i = 0; i < 64 && items[1].revents; i++) {
    answer_zap(b);
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt(b->zap, ZMQ_EVENTS, &events, &size) != 0 || !(events & ZMQ_POLLIN)) break;
  }
  if (items[0].revents || b->owed) serve_all(b);
  if (b->wait_count) look_at_waits(b);
  return tick(b);
}

/* ---- open and close ---- */

static hf_status take_lock(hf_broker *b) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%.4000s/broker.lock", b->store->folder);
  b->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (b->lock < 0) return hf_fail(HF_E_IO, "%s: %s", path, strerror(errno));
  if (flock(b->lock, LOCK_EX | LOCK_NB) == 0) return HF_OK;
  return hf_fail(HF_E_BUSY, "%s: another broker serves this store", path);
}

static hf_status open_sockets(hf_broker *b) {
  if (!zmq_has("curve")) return hf_fail(HF_E_UNSUPPORTED, "broker: this libzmq was built without CURVE");
  b->context = zmq_ctx_new();
  b->zap = b->context ? zmq_socket(b->context, ZMQ_REP) : NULL;
  if (!b->zap || !set_number(b->zap, ZMQ_LINGER, 0) || zmq_bind(b->zap, "inproc://zeromq.zap.01") != 0)
    return zmq_failure("the socket for keys");
  return open_router(b, b->options.bind);
}

hf_status hf_broker_open(const hf_broker_options *options, hf_broker **out) {
  hf_status status = HF_OK;
  hf_queue_options queue = options->queue;
  hf_queue *opened = NULL;
  *out = NULL;
  hf_broker *b = calloc(1, sizeof *b);
  if (!b) return hf_fail(HF_E_MEMORY, "broker: no memory");
  b->options = *options;
  b->lock = -1;
  b->log = options->log ? *options->log : (hf_logger){.level = HF_LOG_OFF, .fd = 2};
  if (!b->options.lease_limit_ms) b->options.lease_limit_ms = 600000;
  if (!b->options.memory_limit) b->options.memory_limit = (uint64_t)1 << 30;
  b->clock = queue.clock.now_ms ? queue.clock : hf_clock_system();
  queue.clock = (hf_clock){now_ms, NULL, b};
  HF_TRY(hf_queue_open(&queue, &opened));
  if (strcmp(opened->backend->scheme, "local") != 0) {
    status = hf_fail(HF_E_ARGUMENT, "broker: it serves local stores: local:FOLDER");
    goto out;
  }
  b->store = (hf_local *)opened;
  opened = NULL;
  b->terms = b->store->queue.options;
  HF_TRY(take_lock(b));
  HF_TRY(hf_local_serve(b->store));
  HF_TRY(hf_folder_create(options->folder, 0750));
  snprintf(b->clients_path, sizeof b->clients_path, "%.4000s/clients", options->folder);
  snprintf(b->key_path, sizeof b->key_path, "%.4000s/server.key", options->folder);
  b->clients_seen.st_size = -1;
  HF_TRY(read_clients(b));
  HF_TRY(open_sockets(b));
  *out = b;
  return HF_OK;
out:
  hf_queue_close(&opened);
  hf_broker_close(&b);
  return status;
}

const char *hf_broker_endpoint(const hf_broker *broker) { return broker->endpoint; }
const char *hf_broker_public_key(const hf_broker *broker) { return broker->public_key; }
hf_broker_counts hf_broker_counted(const hf_broker *broker) { return broker->counts; }

void hf_broker_close(hf_broker **broker) {
  hf_broker *b = *broker;
  *broker = NULL;
  if (!b) return;
  if (b->router) {
    set_number(b->router, ZMQ_LINGER, 1000);
    serve_all(b);
    for (size_t i = 0; i < b->wait_count; i++) zmq_msg_close(&b->waits[i].route);
    zmq_close(b->router);
  }
  if (b->zap) zmq_close(b->zap);
  if (b->context) zmq_ctx_term(b->context);
  hf_broker_uploads_tidy(b, true);
  hf_curve_clients_free(&b->clients);
  if (b->store) {
    hf_queue *queue = &b->store->queue;
    hf_queue_close(&queue);
  }
  if (b->lock >= 0) close(b->lock);
  free(b);
}
