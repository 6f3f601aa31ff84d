#include "carrier.h"

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int unix_socket(const char *path, bool serve) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  int rc = serve ? bind(fd, (struct sockaddr *)&name, sizeof name) || listen(fd, 8)
                 : connect(fd, (struct sockaddr *)&name, sizeof name);
  cr_assert(fd >= 0 && rc == 0);
  return fd;
}

int carrier_listen_unix(const char *path) { return unix_socket(path, true); }

int carrier_listen_tcp(int *port) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof name;
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 8) == 0);
  cr_assert(getsockname(fd, (struct sockaddr *)&name, &length) == 0);
  *port = ntohs(name.sin_port);
  return fd;
}

/* The server that is carried to; -1 while it is away. */
static int reach(const char *path, int port) {
  struct sockaddr_in name = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (path) return unix_socket(path, false);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0) return fd;
  close(fd);
  return -1;
}

typedef struct line {
  const char *path;
  int port;
  volatile int *cut;
  const carrier_server *server;
  int late; /* the connection that the kept bytes belong to; -1: none */
  char held[1 << 16];
  size_t held_length;
} line;

static void deliver(line *l) {
  char answer[256];
  if (l->late < 0 || send(l->late, l->held, l->held_length, MSG_NOSIGNAL) < 0 ||
      recv(l->late, answer, sizeof answer, 0) <= 0)
    _exit(46);
  close(l->late);
  l->late = -1;
  *l->cut = CUT_NOTHING;
}

/* False: the connection to the server stays open. */
static bool carry(line *l, int client, int upstream) {
  static char buffer[1 << 16];
  struct pollfd ends[2] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
  for (;;) {
    if (poll(ends, 2, 5) < 0) return true;
    if (*l->cut == DELIVER_HELD) deliver(l);
    for (int i = 0; i < 2; i++) {
      if (!ends[i].revents) continue;
      ssize_t n = recv(ends[i].fd, buffer, sizeof buffer, 0);
      if (n <= 0) return true;
      int cut = *l->cut;
      bool holds = i == 0 && cut == HOLD_REQUEST, inside = i == 1 && cut == CUT_INSIDE && n > 1;
      bool kills = cut == (i == 0 ? KILL_REQUEST : KILL_ANSWER);
      if (holds) {
        memcpy(l->held, buffer, l->held_length = (size_t)n);
        l->late = upstream;
      }
      if (inside && send(client, buffer, (size_t)n / 2, MSG_NOSIGNAL) < 0) return true;
      if (kills) {
        shutdown(client, SHUT_RDWR); /* the server that is started has it, too */
        l->server->kill();
        l->server->start();
      }
      if (inside || kills || holds || cut == (i == 0 ? CUT_REQUEST : CUT_ANSWER)) {
        *l->cut = CUT_NOTHING;
        return !holds;
      }
      if (send(ends[1 - i].fd, buffer, (size_t)n, MSG_NOSIGNAL) != n) return true;
    }
  }
}

static void carry_on(line *l, int listener) {
  if (l->server) l->server->start();
  *l->cut = CUT_NOTHING;
  for (;;) {
    int client = accept(listener, NULL, NULL), upstream = reach(l->path, l->port);
    bool over = upstream < 0 || carry(l, client, upstream);
    close(client);
    if (over && upstream >= 0) close(upstream);
  }
}

static carrier start(int listener, const char *path, int port, const carrier_server *server) {
  pid_t parent = getpid();
  carrier c;
  c.cut = mmap(NULL, sizeof *c.cut, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  cr_assert((void *)c.cut != MAP_FAILED);
  *c.cut = DELIVER_HELD; /* until it is ready */
  c.pid = fork();
  cr_assert(c.pid >= 0);
  if (c.pid == 0) {
    static line l = {.late = -1};
    l.path = path;
    l.port = port;
    l.cut = c.cut;
    l.server = server;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
    carry_on(&l, listener);
  }
  close(listener);
  while (*c.cut != CUT_NOTHING) {
    cr_assert(waitpid(c.pid, NULL, WNOHANG) == 0, "the carrier did not start");
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  return c;
}

carrier carrier_start(int listener, const char *path, int port) { return start(listener, path, port, NULL); }

carrier carrier_start_server(int listener, const char *path, const carrier_server *server) {
  return start(listener, path, 0, server);
}

void carrier_stop(carrier *c) {
  cr_assert(kill(c->pid, SIGKILL) == 0 && waitpid(c->pid, NULL, 0) == c->pid);
  munmap((void *)c->cut, sizeof *c->cut);
}
