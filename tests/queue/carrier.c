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

static void carry(int client, int upstream, const char *path, int port, volatile int *cut) {
  static char buffer[1 << 16], held[1 << 16];
  static size_t held_length;
  struct pollfd ends[2] = {{client, POLLIN, 0}, {upstream, POLLIN, 0}};
  for (;;) {
    if (poll(ends, 2, 5) < 0) return;
    if (*cut == DELIVER_HELD) {
      int late = reach(path, port);
      if (send(late, held, held_length, MSG_NOSIGNAL) < 0 || recv(late, buffer, sizeof buffer, 0) <= 0)
        _exit(46);
      close(late);
      *cut = CUT_NOTHING;
    }
    for (int i = 0; i < 2; i++) {
      if (!ends[i].revents) continue;
      ssize_t n = recv(ends[i].fd, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      if (i == 0 && *cut == HOLD_REQUEST) memcpy(held, buffer, held_length = (size_t)n);
      bool inside = i == 1 && *cut == CUT_INSIDE && n > 1;
      if (inside && send(client, buffer, (size_t)n / 2, MSG_NOSIGNAL) < 0) return;
      if (inside || *cut == (i == 0 ? CUT_REQUEST : CUT_ANSWER) || (i == 0 && *cut == HOLD_REQUEST)) {
        *cut = CUT_NOTHING;
        return;
      }
      if (send(ends[1 - i].fd, buffer, (size_t)n, MSG_NOSIGNAL) != n) return;
    }
  }
}

carrier carrier_start(int listener, const char *path, int port) {
  pid_t parent = getpid();
  carrier c;
  c.cut = mmap(NULL, sizeof *c.cut, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  cr_assert((void *)c.cut != MAP_FAILED);
  c.pid = fork();
  cr_assert(c.pid >= 0);
  if (c.pid == 0) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
    for (;;) {
      int client = accept(listener, NULL, NULL), upstream = reach(path, port);
      if (upstream >= 0) carry(client, upstream, path, port, c.cut);
      close(client);
      if (upstream >= 0) close(upstream);
    }
  }
  close(listener);
  return c;
}

void carrier_stop(carrier *c) {
  cr_assert(kill(c->pid, SIGKILL) == 0 && waitpid(c->pid, NULL, 0) == c->pid);
  munmap((void *)c->cut, sizeof *c->cut);
}
