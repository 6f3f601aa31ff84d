#include "web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTION_MEMORY ((size_t)32 << 10) /* request line and headers */
#define BACKLOG           128

/* A connection, from its first byte to its last. */
typedef struct visitor {
  struct visitor *next, *before;
  int descriptor;
  time_t since; /* the request under way, or the wait for it, began; monotonic */
} visitor;

struct hf_web {
  struct MHD_Daemon *daemon;
  hf_web_options options;
  uint16_t port;
  pthread_t watch; /* ends connections whose request takes too long */
  bool watches;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t changed;
  visitor *visitors;
  bool closing;
};

/* A request whose body is still coming. */
typedef struct pending {
  hf_writer body;
} pending;

static time_t now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec;
}

/* ---- places ---- */

typedef union place_bytes {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} place_bytes;

/* 0: `host` is no address in digits. */
static socklen_t resolve(const char *host, uint16_t port, place_bytes *out) {
  memset(out, 0, sizeof *out);
  if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
    out->v4.sin_family = AF_INET;
    out->v4.sin_port = htons(port);
    return sizeof out->v4;
  }
  if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1) {
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(port);
    return sizeof out->v6;
  }
  return 0;
}

hf_status hf_web_place_parse(const char *option, const char *text, hf_web_place *out) {
  const char *colon = strrchr(text, ':'), *port = colon != NULL ? colon + 1 : text, *from = text;
  size_t length = colon != NULL ? (size_t)(colon - text) : 0, digits = strspn(port, "0123456789");
  place_bytes bytes;
  unsigned long number = digits > 0 && digits <= 5 ? strtoul(port, NULL, 10) : 65536;
  *out = (hf_web_place){.host = "127.0.0.1"};
  const bool bracketed = length >= 2 && text[0] == '[' && text[length - 1] == ']';
  if (bracketed) from++, length -= 2;
  if (port[digits] != 0 || number > 65535 || (colon != NULL && (length == 0 || length >= sizeof out->host)))
    return hf_fail(HF_E_ARGUMENT, "%s: [HOST:]PORT is wanted (\"9100\", \"0.0.0.0:9100\", \"[::1]:9100\"), not \"%.60s\"", option, text);
  if (colon != NULL) {
    memcpy(out->host, from, length);
    out->host[length] = 0;
  }
  if (resolve(out->host, 0, &bytes) == 0 || bracketed != (bytes.any.sa_family == AF_INET6))
    return hf_fail(HF_E_ARGUMENT, "%s: \"%.60s\" is no address in digits: IPv4 (127.0.0.1), or IPv6 in brackets ([::1])", option,
                   out->host);
  out->port = (uint16_t)number;
  return HF_OK;
}

void hf_web_url(const char *host, uint16_t port, char out[HF_WEB_URL_TEXT]) {
  const bool v6 = strchr(host, ':') != NULL;
  snprintf(out, HF_WEB_URL_TEXT, "http://%s%.*s%s:%u", v6 ? "[" : "", HF_WEB_HOST_TEXT - 1, host, v6 ? "]" : "", port);
}

/* A socket that listens. One of IPv6 takes no IPv4 visitors: who wants both says both. */
static hf_status listen_on(const hf_web_options *o, int *out, uint16_t *port) {
  const int yes = 1;
  const char *host = o->address != NULL ? o->address : "127.0.0.1";
  char url[HF_WEB_URL_TEXT];
  place_bytes bytes;
  socklen_t length = resolve(host, o->port, &bytes);
  if (length == 0) return hf_fail(HF_E_ARGUMENT, "%s: %.60s is not an IPv4 or IPv6 address", o->what, host);
  hf_web_url(host, o->port, url);
  int fd = socket(bytes.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
      (bytes.any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) != 0) ||
      bind(fd, &bytes.any, length) != 0 || listen(fd, BACKLOG) != 0 || getsockname(fd, &bytes.any, &length) != 0) {
    const int error = errno;
    if (fd >= 0) close(fd);
    return hf_fail(error == EADDRINUSE ? HF_E_BUSY : HF_E_IO, "%s: cannot serve %s: %s%s", o->what, url, strerror(error),
                   error == EADDRINUSE ? " (another program listens there; 0 is any free port)" : "");
  }
  *port = ntohs(bytes.any.sa_family == AF_INET ? bytes.v4.sin_port : bytes.v6.sin6_port);
  *out = fd;
  return HF_OK;
}

/* ---- time ---- */

static void *watch(void *context) {
  hf_web *web = context;
  pthread_mutex_lock(&web->lock);
  while (!web->closing) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec++;
    (void)pthread_cond_timedwait(&web->changed, &web->lock, &until);
    const time_t now = now_s();
    for (visitor *v = web->visitors; v != NULL; v = v->next)
      if (now - v->since > (time_t)web->options.request_s) (void)shutdown(v->descriptor, SHUT_RDWR);
  }
  pthread_mutex_unlock(&web->lock);
  return NULL;
}

static void on_connection(void *context, struct MHD_Connection *connection, void **own, enum MHD_ConnectionNotificationCode code) {
  hf_web *web = context;
  pthread_mutex_lock(&web->lock);
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    visitor *v = info != NULL ? calloc(1, sizeof *v) : NULL;
    if (v != NULL) {
      *v = (visitor){.next = web->visitors, .descriptor = info->connect_fd, .since = now_s()};
      if (v->next != NULL) v->next->before = v;
      web->visitors = v;
    }
    *own = v;
  } else if (*own != NULL) {
    visitor *v = *own;
    if (v->next != NULL) v->next->before = v->before;
    *(v->before != NULL ? &v->before->next : &web->visitors) = v->next;
    free(v);
    *own = NULL;
  }
  pthread_mutex_unlock(&web->lock);
}

/* ---- requests ---- */

const char *hf_web_argument(const hf_web_request *request, const char *name) {
  return request->connection != NULL ? MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name) : NULL;
}

static enum MHD_Result send_reply(struct MHD_Connection *connection, hf_web_reply *reply) {
  if (hf_writer_status(&reply->body) != HF_OK) {
    hf_writer_free(&reply->body);
    *reply = (hf_web_reply){.code = MHD_HTTP_INTERNAL_SERVER_ERROR};
  }
  struct MHD_Response *response = MHD_create_response_from_buffer(reply->body.length, reply->body.data, MHD_RESPMEM_MUST_COPY);
  if (!response) return MHD_NO;
  char seconds[16];
  (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply->type != NULL ? reply->type : "application/json");
  (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
  if (reply->retry_after_s) {
    (void)snprintf(seconds, sizeof seconds, "%u", reply->retry_after_s);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
  }
  if (reply->allow) (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, reply->allow);
  enum MHD_Result result = MHD_queue_response(connection, reply->code, response);
  MHD_destroy_response(response);
  return result;
}

static enum MHD_Result send_too_large(struct MHD_Connection *connection) {
  static const char text[] = "{\"error\":\"too_large\",\"reason\":\"the body is beyond the limit; send fewer lines\"}";
  hf_web_reply reply = {.code = MHD_HTTP_CONTENT_TOO_LARGE};
  hf_write_bytes(&reply.body, text, sizeof text - 1);
  enum MHD_Result result = send_reply(connection, &reply);
  hf_writer_free(&reply.body);
  return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state) {
  hf_web *web = context;
  pending *p = *state;
  (void)version;
  if (!p) { /* the headers have come */
    const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length && strtoull(length, NULL, 10) > web->options.body_limit) return send_too_large(connection);
    p = calloc(1, sizeof *p);
    *state = p;
    return p ? MHD_YES : MHD_NO;
  }
  if (*upload_size) {
    /* Only a chunked body can get here too long: it never announced its length. The connection is dropped. */
    if (p->body.length + *upload_size > web->options.body_limit) return MHD_NO;
    hf_write_bytes(&p->body, upload, *upload_size);
    *upload_size = 0;
    return p->body.failed ? MHD_NO : MHD_YES;
  }
  hf_web_request request = {
      .method = method, .path = url, .body = (const char *)p->body.data, .length = p->body.length, .connection = connection};
  hf_web_reply reply = {.code = MHD_HTTP_OK};
  web->options.handle(web->options.context, &request, &reply);
  enum MHD_Result result = send_reply(connection, &reply);
  hf_writer_free(&reply.body);
  return result;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code) {
  hf_web *web = context;
  pending *p = *state;
  (void)code;
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  pthread_mutex_lock(&web->lock); /* the next request has its own time */
  if (info != NULL && info->socket_context != NULL) ((visitor *)info->socket_context)->since = now_s();
  pthread_mutex_unlock(&web->lock);
  if (!p) return;
  hf_writer_free(&p->body);
  free(p);
  *state = NULL;
}

/* ---- life ---- */

hf_status hf_web_start(const hf_web_options *options, hf_web **out) {
  hf_status status;
  int fd = -1;
  *out = NULL;
  hf_web *web = calloc(1, sizeof *web);
  if (!web) return hf_fail(HF_E_MEMORY, "%s: no memory", options->what);
  pthread_mutex_init(&web->lock, NULL);
  pthread_cond_init(&web->changed, NULL);
  web->options = *options;
  hf_web_options *o = &web->options;
  if (!o->threads) o->threads = 2;
  if (!o->connections) o->connections = 64;
  if (o->connections < o->threads) o->connections = o->threads;
  if (!o->timeout_s) o->timeout_s = 10;
  if (!o->request_s) o->request_s = 120;
  HF_TRY(listen_on(o, &fd, &web->port));
  web->watches = pthread_create(&web->watch, NULL, watch, web) == 0;
  if (!web->watches) HF_TRY(hf_fail(HF_E_MEMORY, "%s: no thread that watches the time", o->what));
  errno = 0;
  web->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, web, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE,
      o->threads, MHD_OPTION_CONNECTION_LIMIT, o->connections, MHD_OPTION_CONNECTION_TIMEOUT, o->timeout_s,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, on_completed, web,
      MHD_OPTION_NOTIFY_CONNECTION, on_connection, web, MHD_OPTION_END);
  if (!web->daemon) HF_TRY(hf_fail(HF_E_IO, "%s: cannot serve: %s", o->what, strerror(errno)));
  fd = -1; /* the server's */
  hf_log(o->log, HF_LOG_INFO, "serving HTTP", HF_LOG_TEXT("what", o->what),
         HF_LOG_TEXT("address", o->address ? o->address : "127.0.0.1"), HF_LOG_UINT("port", web->port));
  *out = web;
  web = NULL;
out:
  if (fd >= 0) close(fd);
  hf_web_stop(&web);
  return status;
}

uint16_t hf_web_port(const hf_web *web) { return web->port; }

void hf_web_stop(hf_web **out) {
  hf_web *web = *out;
  if (!web) return;
  if (web->daemon) MHD_stop_daemon(web->daemon);
  pthread_mutex_lock(&web->lock);
  web->closing = true;
  pthread_cond_broadcast(&web->changed);
  pthread_mutex_unlock(&web->lock);
  if (web->watches) pthread_join(web->watch, NULL);
  pthread_mutex_destroy(&web->lock);
  pthread_cond_destroy(&web->changed);
  free(web);
  *out = NULL;
}
