/* The sockets of the HTTP interface: libmicrohttpd with limits on everything a stranger can use up. */
#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_LIMIT        ((uint32_t)1 << 20)
#define CONNECTION_MEMORY ((size_t)32 << 10) /* request line and headers */

struct hf_http {
  struct MHD_Daemon *daemon;
  hf_sequencer *sequencer;
  hf_http_options options;
  uint16_t port;
};

/* A request whose body is still coming. */
typedef struct pending {
  hf_writer body;
} pending;

static enum MHD_Result send_reply(struct MHD_Connection *connection, hf_http_reply *reply) {
  struct MHD_Response *response =
      MHD_create_response_from_buffer(reply->body.length, reply->body.data, MHD_RESPMEM_MUST_COPY);
  if (!response) return MHD_NO;
  char seconds[16];
  (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
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
  static const char text[] =
      "{\"error\":\"too_large\",\"reason\":\"the body is beyond the limit; send fewer lines\"}";
  hf_http_reply reply = {.code = MHD_HTTP_CONTENT_TOO_LARGE};
  hf_write_bytes(&reply.body, text, sizeof text - 1);
  enum MHD_Result result = send_reply(connection, &reply);
  hf_writer_free(&reply.body);
  return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state) {
  hf_http *http = context;
  pending *p = *state;
  (void)version;
  if (!p) { /* the headers have come */
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length && strtoull(length, NULL, 10) > http->options.body_limit) return send_too_large(connection);
    p = calloc(1, sizeof *p);
    *state = p;
    return p ? MHD_YES : MHD_NO;
  }
  if (*upload_size) {
    /* Only a chunked body can get here too long: it never announced its length. The connection is dropped. */
    if (p->body.length + *upload_size > http->options.body_limit) return MHD_NO;
    hf_write_bytes(&p->body, upload, *upload_size);
    *upload_size = 0;
    return p->body.failed ? MHD_NO : MHD_YES;
  }
  hf_http_request request = {.method = method,
                             .path = url,
                             .chain = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "chain"),
                             .body = (const char *)p->body.data,
                             .length = p->body.length};
  hf_http_reply reply;
  hf_http_handle(http->sequencer, &request, &reply);
  enum MHD_Result result = send_reply(connection, &reply);
  hf_writer_free(&reply.body);
  return result;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode code) {
  pending *p = *state;
  (void)context;
  (void)connection;
  (void)code;
  if (!p) return;
  hf_writer_free(&p->body);
  free(p);
  *state = NULL;
}

hf_status hf_http_start(hf_sequencer *sequencer, const hf_http_options *options, hf_http **out) {
  *out = NULL;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
  const char *text = options->address ? options->address : "127.0.0.1";
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
    return hf_fail(HF_E_ARGUMENT, "http: %s is not an IPv4 address", text);
  hf_http *http = calloc(1, sizeof *http);
  if (!http) return hf_fail(HF_E_MEMORY, "http: no memory");
  http->sequencer = sequencer;
  http->options = *options;
  if (!http->options.threads) http->options.threads = 2;
  if (!http->options.connections) http->options.connections = 64;
  if (http->options.connections < http->options.threads) http->options.connections = http->options.threads;
  if (!http->options.timeout_s) http->options.timeout_s = 10;
  if (!http->options.body_limit) http->options.body_limit = BODY_LIMIT;
  errno = 0;
  http->daemon = MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD, options->port, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR,
      (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE, http->options.threads,
      MHD_OPTION_CONNECTION_LIMIT, http->options.connections, MHD_OPTION_CONNECTION_TIMEOUT,
      http->options.timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
      MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
  if (!http->daemon) {
    hf_status status = hf_fail(errno == EADDRINUSE ? HF_E_BUSY : HF_E_IO, "http: cannot serve %s:%u: %s",
                               text, options->port, strerror(errno));
    free(http);
    return status;
  }
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
  http->port = info ? info->port : options->port;
  hf_log(options->log, HF_LOG_INFO, "serving HTTP", HF_LOG_TEXT("address", text),
         HF_LOG_UINT("port", http->port));
  *out = http;
  return HF_OK;
}

uint16_t hf_http_port(const hf_http *http) { return http->port; }

void hf_http_stop(hf_http **http) {
  if (!*http) return;
  MHD_stop_daemon((*http)->daemon);
  free(*http);
  *http = NULL;
}
