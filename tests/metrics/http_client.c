#include "http_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int http_connect(const char *host, uint16_t port) {
  struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
  struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  const int is_v4 = inet_pton(AF_INET, host, &v4.sin_addr) == 1;
  if (!is_v4 && inet_pton(AF_INET6, host, &v6.sin6_addr) != 1) return -1;
  int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM, 0);
  if (connect(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6, is_v4 ? sizeof v4 : sizeof v6) == 0) return fd;
  close(fd);
  return -1;
}

char *http_read(int socket, unsigned seconds) {
  size_t length = 0, capacity = 1 << 16;
  char *text = malloc(capacity);
  const time_t until = time(NULL) + (time_t)seconds;
  struct pollfd p = {.fd = socket, .events = POLLIN};
  for (time_t now; (now = time(NULL)) <= until && poll(&p, 1, (int)(until - now + 1) * 1000) == 1;) {
    if (capacity - length < 2) text = realloc(text, capacity *= 2);
    const ssize_t n = read(socket, text + length, capacity - length - 1);
    if (n <= 0) break;
    length += (size_t)n;
  }
  text[length] = 0;
  return text;
}

http_reply http_ask(const char *host, uint16_t port, const char *method, const char *path) {
  http_reply reply = {0};
  char request[512];
  int fd = http_connect(host, port);
  if (fd < 0) return reply;
  const int n = snprintf(request, sizeof request, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path);
  if (write(fd, request, (size_t)n) == n) {
    reply.whole = http_read(fd, 30);
    reply.body = strstr(reply.whole, "\r\n\r\n");
    if (sscanf(reply.whole, "HTTP/1.1 %d", &reply.code) != 1) reply.code = 0;
  }
  if (reply.body != NULL) reply.body += 4;
  close(fd);
  return reply;
}

void http_free(http_reply *reply) {
  free(reply->whole);
  *reply = (http_reply){0};
}
