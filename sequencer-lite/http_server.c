/* The sockets of the HTTP interface. */
#include "http.h"

#include <stdlib.h>

#define BODY_LIMIT ((uint32_t)1 << 20)

struct hf_http {
  hf_web *web;
  hf_sequencer *sequencer;
  hf_http_options options;
};

static void handle(void *context, const hf_web_request *request, hf_web_reply *reply) {
  const hf_http *http = context;
  if (http->options.before != NULL && http->options.before(http->options.context, request, reply)) return;
  hf_http_request asked = {.method = request->method,
                           .path = request->path,
                           .chain = hf_web_argument(request, "chain"),
                           .body = request->body,
                           .length = request->length};
  hf_http_handle(http->sequencer, &asked, reply);
}

hf_status hf_http_start(hf_sequencer *sequencer, const hf_http_options *options, hf_http **out) {
  *out = NULL;
  hf_http *http = calloc(1, sizeof *http);
  if (!http) return hf_fail(HF_E_MEMORY, "http: no memory");
  http->sequencer = sequencer;
  http->options = *options;
  const hf_web_options web = {.address = options->address,
                              .port = options->port,
                              .what = "http",
                              .threads = options->threads,
                              .connections = options->connections,
                              .timeout_s = options->timeout_s,
                              .body_limit = options->body_limit ? options->body_limit : BODY_LIMIT,
                              .log = options->log,
                              .handle = handle,
                              .context = http};
  hf_status status = hf_web_start(&web, &http->web);
  if (status == HF_OK)
    *out = http;
  else
    free(http);
  return status;
}

uint16_t hf_http_port(const hf_http *http) { return hf_web_port(http->web); }

void hf_http_stop(hf_http **http) {
  if (!*http) return;
  hf_web_stop(&(*http)->web);
  free(*http);
  *http = NULL;
}
