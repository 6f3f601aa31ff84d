/* A connection to a Redis server. The socket is ours and hiredis only reads the protocol: so every wait
 * has an end, a server that goes away raises no SIGPIPE, and an answer has a largest size. With TLS
 * (redis_tls.h) the same. */
#include "redis_tls.h"

#include <hyperfold/clock.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void hf_redis_put_bytes(hf_redis_request *request, const void *data, size_t length) {
  char head[32];
  int n = snprintf(head, sizeof head, "$%zu\r\n", length);
  hf_write_bytes(&request->body, head, (size_t)n);
  if (length) hf_write_bytes(&request->body, data, length);
  hf_write_bytes(&request->body, "\r\n", 2);
  request->count++;
}

void hf_redis_put_text(hf_redis_request *request, const char *text) {
  hf_redis_put_bytes(request, text, strlen(text));
}

void hf_redis_put_u64(hf_redis_request *request, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  hf_redis_put_text(request, text);
}

void hf_redis_put_digest(hf_redis_request *request, const hf_digest *digest) {
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(digest, hex);
  hf_redis_put_text(request, hex);
}

void hf_redis_wire_close(hf_redis_wire *wire) {
  hf_redis_tls_close(&wire->tls);
  if (wire->fd >= 0) close(wire->fd);
  wire->fd = -1;
  if (wire->reader) redisReaderFree(wire->reader);
  wire->reader = NULL;
}

int hf_redis_wait_for(int fd, short events, uint64_t until) {
  for (;;) {
    uint64_t now = hf_steady_ms(), left = until > now ? until - now : 0;
    struct pollfd p = {.fd = fd, .events = events};
    int n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
    if (n > 0) return 0;
    if (n == 0) return ETIMEDOUT;
    if (errno != EINTR) return errno;
  }
}

/* One address of the server; 0 with `*out` connected, or an errno. */
static int connect_to(int family, const struct sockaddr *address, socklen_t length, uint64_t until,
                      int *out) {
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0, on = 1;
  socklen_t size = sizeof error;
  if (fd < 0) return errno;
  if (connect(fd, address, length) != 0) {
    error = errno;
    /* EAGAIN: a unix socket's queue of connections is full. */
    if (error == EINPROGRESS) {
      error = hf_redis_wait_for(fd, POLLOUT, until);
      if (error == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    }
  }
  if (error) {
    close(fd);
    return error;
  }
  if (family != AF_UNIX) {
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  }
  *out = fd;
  return 0;
}

static hf_status connect_tcp(const hf_redis_address *a, uint64_t until, int *fd) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list;
  int rc = getaddrinfo(a->host, a->port, &hints, &list), error = EHOSTUNREACH;
  if (rc != 0) return hf_fail(HF_E_IO, "queue %s: the host is not found: %s", a->shown, gai_strerror(rc));
  for (struct addrinfo *i = list; i && *fd < 0; i = i->ai_next)
    error = connect_to(i->ai_family, i->ai_addr, i->ai_addrlen, until, fd);
  freeaddrinfo(list);
  if (*fd >= 0) return HF_OK;
  return hf_fail(HF_E_IO, "queue %s: cannot connect: %s", a->shown, strerror(error));
}

hf_status hf_redis_wire_open(hf_redis_wire *wire, const hf_redis_address *address, uint64_t timeout_ms) {
  uint64_t until = hf_steady_ms() + timeout_ms;
  hf_redis_wire_close(wire);
  if (address->path[0]) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, address->path, sizeof address->path);
    int error = connect_to(AF_UNIX, (struct sockaddr *)&name, sizeof name, until, &wire->fd);
    if (error) return hf_fail(HF_E_IO, "queue %s: cannot connect: %s", address->shown, strerror(error));
  } else {
    hf_status status = connect_tcp(address, until, &wire->fd);
    if (status == HF_OK && address->tls) status = hf_redis_tls_open(address, wire->fd, until, &wire->tls);
    if (status != HF_OK) {
      hf_redis_wire_close(wire);
      return status;
    }
  }
  wire->plain = !address->path[0] && !address->tls;
  wire->reader = redisReaderCreate();
  if (wire->reader) return HF_OK;
  hf_redis_wire_close(wire);
  return hf_fail(HF_E_MEMORY, "queue: no memory for a connection");
}

/* Goes on in `*parts` after `sent` bytes. */
static void advance(struct iovec **parts, size_t *count, size_t sent) {
  while (*count && sent >= (*parts)->iov_len) {
    sent -= (*parts)->iov_len;
    ++*parts;
    --*count;
  }
  if (*count) {
    (*parts)->iov_base = (char *)(*parts)->iov_base + sent;
    (*parts)->iov_len -= sent;
  }
}

/* As sendmsg. What is short goes into one record: the server would see each part for itself. */
static ssize_t send_sealed(hf_redis_tls *tls, const struct iovec *parts, size_t count, short *events) {
  static _Thread_local char record[1 << 14];
  size_t length = 0;
  for (size_t i = 0; i < count && length < sizeof record; i++) {
    size_t room = sizeof record - length, n = parts[i].iov_len < room ? parts[i].iov_len : room;
    if (n) memcpy(record + length, parts[i].iov_base, n);
    length += n;
  }
  ssize_t sent = hf_redis_tls_send(tls, record, length, events);
  explicit_bzero(record, length); /* it may hold a password */
  return sent;
}

/* 0, or an errno. */
static int send_all(hf_redis_wire *wire, struct iovec *parts, size_t count, uint64_t until) {
  while (count) {
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    short events = POLLOUT;
    ssize_t n =
        wire->tls ? send_sealed(wire->tls, parts, count, &events) : sendmsg(wire->fd, &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return errno;
    if (wire->tls && n == 0) return ECONNRESET;
    if (n < 0) {
      int error = hf_redis_wait_for(wire->fd, events, until);
      if (error) return error;
      continue;
    }
    advance(&parts, &count, (size_t)n);
  }
  return 0;
}

/* NULL, or what is wrong. */
static const char *receive(hf_redis_wire *wire, uint64_t until, redisReply **answer) {
  static _Thread_local char buffer[1 << 16];
  size_t total = 0;
  for (;;) {
    void *reply = NULL;
    if (redisReaderGetReply(wire->reader, &reply) != REDIS_OK) return "it does not speak Redis's protocol";
    if (reply) {
      *answer = reply;
      return NULL;
    }
    short events = POLLIN;
    ssize_t n = wire->tls ? hf_redis_tls_recv(wire->tls, buffer, sizeof buffer, &events)
                          : recv(wire->fd, buffer, sizeof buffer, 0);
    if (n == 0) return "it closed the connection";
    if (n < 0) {
      int error = errno == EAGAIN ? hf_redis_wait_for(wire->fd, events, until) : errno;
      if (error && error != EINTR) return strerror(error);
      continue;
    }
    total += (size_t)n;
    if (total > HF_REDIS_INFLUX) return "its answer is too long";
    if (redisReaderFeed(wire->reader, buffer, (size_t)n) != REDIS_OK) return "no memory for its answer";
  }
}

hf_status hf_redis_wire_ask(hf_redis_wire *wire, const hf_redis_request *first,
                            const hf_redis_request *second, uint64_t timeout_ms, redisReply **answer) {
  uint64_t until = hf_steady_ms() + timeout_ms;
  char head[32];
  const char *wrong = NULL;
  *answer = NULL;
  int n = snprintf(head, sizeof head, "*%zu\r\n", first->count + (second ? second->count : 0));
  struct iovec parts[3] = {{head, (size_t)n}, {first->body.data, first->body.length}, {NULL, 0}};
  if (second) parts[2] = (struct iovec){second->body.data, second->body.length};
  int error = send_all(wire, parts, second ? 3 : 2, until);
  if (error) wrong = strerror(error);
  /* Who closes at once may have said why. */
  if (!error || error == ECONNRESET || error == EPIPE || error == EPROTO) {
    const char *heard = receive(wire, error ? 0 : until, answer);
    if (!error || (!heard && (*answer)->type == REDIS_REPLY_ERROR)) wrong = heard;
    if (wrong && *answer) freeReplyObject(*answer);
    if (wrong) *answer = NULL;
  }
  if (!wrong) {
    wire->plain = false;
    return HF_OK;
  }
  bool final = false;
  const char *tls = wire->tls ? hf_redis_tls_wrong(wire->tls, &final) : NULL;
  hf_status status =
      hf_fail(final ? HF_E_REFUSED : HF_E_IO, "the connection to the server failed: %s%s", tls ? tls : wrong,
              wire->plain ? ", before it answered anything; if it speaks TLS, say rediss://" : "");
  hf_redis_wire_close(wire);
  return status;
}
