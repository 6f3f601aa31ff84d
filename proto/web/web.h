/* A small HTTP server for what the roles of an installation serve: libmicrohttpd with limits on everything that a stranger
 * can use up: connections, bytes of a request, seconds of a request and of its answer.
 *
 * Whoever serves gives one function from request to reply. There is no TLS and no authentication: it listens on this machine
 * alone unless it is told otherwise. */
#ifndef HF_WEB_H
#define HF_WEB_H

#include <hyperfold/bytes.h>
#include <hyperfold/log.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_web_request {
  const char *method; /* "GET" */
  const char *path;   /* without the query; any bytes a stranger likes, as all that follows */
  const char *body;   /* may be NULL when length is 0 */
  size_t length;
  void *connection; /* of the server; NULL where there is none */
} hf_web_request;

/* The query's argument of this name; NULL: none. Lives as long as the request. */
const char *hf_web_argument(const hf_web_request *request, const char *name);

typedef struct hf_web_reply {
  unsigned code;
  unsigned retry_after_s; /* 0: no such header */
  const char *allow;      /* with 405; static */
  const char *type;       /* of the content, static; NULL: application/json */
  hf_writer body;         /* hf_writer_free */
} hf_web_reply;

typedef struct hf_web_options {
  const char *address;    /* IPv4 or IPv6 in digits; NULL: 127.0.0.1 */
  uint16_t port;          /* 0: any free one */
  const char *what;       /* for messages: "http", "metrics" */
  uint32_t threads;       /* default 2 */
  uint32_t connections;   /* at once; default 64 */
  uint32_t timeout_s;     /* of a connection on which nothing moves; default 10 */
  uint32_t request_s;     /* for a request and its answer, however slowly they move; default 120 */
  uint32_t body_limit;    /* bytes; 0: requests have no body */
  const hf_logger *log;   /* NULL: silent; not owned, as is `context` */
  /* Called from several threads with an empty reply; whatever it leaves is sent and released. */
  void (*handle)(void *context, const hf_web_request *request, hf_web_reply *reply);
  void *context;
} hf_web_options;

typedef struct hf_web hf_web;

/* Serves on threads of its own until hf_web_stop. HF_E_ARGUMENT: no such address in digits; HF_E_BUSY: somebody listens there;
 * HF_E_IO. */
hf_status hf_web_start(const hf_web_options *options, hf_web **out);
uint16_t hf_web_port(const hf_web *web);
void hf_web_stop(hf_web **web); /* NULL is allowed */

/* Where to listen. */
#define HF_WEB_HOST_TEXT 48
typedef struct hf_web_place {
  char host[HF_WEB_HOST_TEXT]; /* in digits */
  uint16_t port;
} hf_web_place;

/* "[HOST:]PORT": "9100", "0.0.0.0:9100", "[::1]:9100"; without a host 127.0.0.1. HF_E_ARGUMENT with `option` in the message. */
hf_status hf_web_place_parse(const char *option, const char *text, hf_web_place *out);
/* "http://127.0.0.1:9100", for people. */
#define HF_WEB_URL_TEXT (HF_WEB_HOST_TEXT + 24)
void hf_web_url(const char *host, uint16_t port, char out[HF_WEB_URL_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
