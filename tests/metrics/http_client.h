/* A request as bytes on a bare socket. */
#ifndef HF_HTTP_CLIENT_H
#define HF_HTTP_CLIENT_H

#include <stdint.h>

/* -1: nobody listens. `host` is IPv4 or IPv6 in digits. */
int http_connect(const char *host, uint16_t port);
/* Everything until the other end closes, NUL-terminated, or until `seconds` have passed; to be freed. */
char *http_read(int socket, unsigned seconds);

typedef struct http_reply {
  int code;    /* 0: no answer */
  char *whole; /* head and body */
  char *body;  /* in `whole` */
} http_reply;

/* GET (or another method) with "Connection: close". */
http_reply http_ask(const char *host, uint16_t port, const char *method, const char *path);
void http_free(http_reply *reply);

#endif
