#include "canned_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct canned_server {
  int listener;
  pthread_t thread;
  char url[64];
  canned_answer answer;
  void *context;
};

/* One whole request; NULL when the client went away. */
static char *read_request(int fd) {
  size_t length = 0, capacity = 1 << 16;
  char *text = malloc(capacity + 1);
  for (;;) {
    ssize_t n = read(fd, text + length, capacity - length);
    if (n <= 0) break;
    length += (size_t)n;
    text[length] = 0;
    const char *end = strstr(text, "\r\n\r\n"), *size = strcasestr(text, "content-length:");
    if (end != NULL && size != NULL && size < end) {
      size_t wanted = (size_t)(end + 4 - text) + strtoul(size + 15, NULL, 10);
      if (length >= wanted) return text;
    }
    if (length == capacity) text = realloc(text, (capacity *= 2) + 1);
  }
  free(text);
  return NULL;
}

static void write_all(int fd, const char *data, size_t length) {
  for (size_t done = 0; done < length;) {
    ssize_t n = send(fd, data + done, length - done, MSG_NOSIGNAL);
    if (n <= 0) return; /* the client had enough */
    done += (size_t)n;
  }
}

static char *with_id(char *body, const char *request) {
  const char *id = strstr(request, "\"id\":");
  char number[32] = "0", *out = NULL, *at;
  if (id != NULL) snprintf(number, sizeof number, "%lu", strtoul(id + 5, NULL, 10));
  while ((at = strstr(body, "%ID%")) != NULL) {
    if (asprintf(&out, "%.*s%s%s", (int)(at - body), body, number, at + 4) < 0) abort();
    free(body);
    body = out;
  }
  return body;
}

static void serve_one(canned_server *s, int fd) {
  char *request = read_request(fd), head[160];
  int code = 200;
  if (request == NULL) return;
  const char *json = strstr(request, "\r\n\r\n") + 4;
  char *body = s->answer(s->context, json, &code);
  if (body == NULL && code != 0) {
    char byte;
    while (read(fd, &byte, 1) > 0) continue;
  } else if (body != NULL && code != 0) {
    body = with_id(body, json);
    size_t length = strlen(body);
    int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
                     code, length);
    write_all(fd, head, (size_t)n);
    write_all(fd, body, length);
  }
  free(body);
  free(request);
}

static void *serve(void *context) {
  canned_server *s = context;
  for (;;) {
    int fd = accept(s->listener, NULL, NULL);
    if (fd < 0) return NULL; /* shut down */
    serve_one(s, fd);
    shutdown(fd, SHUT_WR);
    close(fd);
  }
}

canned_server *canned_server_start(canned_answer answer, void *context) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof at;
  canned_server *s = calloc(1, sizeof *s);
  s->answer = answer;
  s->context = context;
  s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, size) != 0 ||
      listen(s->listener, 8) != 0 || getsockname(s->listener, (struct sockaddr *)&at, &size) != 0)
    abort();
  snprintf(s->url, sizeof s->url, "http://127.0.0.1:%u", ntohs(at.sin_port));
  if (pthread_create(&s->thread, NULL, serve, s) != 0) abort();
  return s;
}

const char *canned_server_url(const canned_server *server) { return server->url; }

void canned_server_stop(canned_server *server) {
  shutdown(server->listener, SHUT_RDWR);
  pthread_join(server->thread, NULL);
  close(server->listener);
  free(server);
}
