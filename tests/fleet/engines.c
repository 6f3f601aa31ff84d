#include "engines.h"
#include "cli/run_command.h"
#include "queue.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- a folder ---- */

static void local_need(void) {}

static void local_folder(engine *e) {
  strcpy(e->folder, "/tmp/hf-fleet-XXXXXX");
  cr_assert(mkdtemp(e->folder) != NULL, "%s: %s", e->folder, strerror(errno));
  strcpy(e->store, e->folder);
  snprintf(e->location, sizeof e->location, "local:%s", e->folder);
}

static void local_drop(engine *e) {
  char command[160];
  snprintf(command, sizeof command, "rm -rf '%s'", e->folder);
  cr_assert_eq(system(command), 0);
}

const engine_kind engine_local = {"local", local_need, local_folder, NULL, NULL, local_drop};

/* ---- a Redis server ---- */

#define REDIS_PORT "6390"

static void redis_folder(engine *e) {
  redis_server_folder(&e->redis);
  snprintf(e->folder, sizeof e->folder, "%s", e->redis.folder);
  snprintf(e->location, sizeof e->location, "unix:%s/s", e->folder);
  snprintf(e->options, sizeof e->options, "%s", e->setup.options != NULL ? e->setup.options : "");
  if (e->setup.address == NULL) return;
  snprintf(e->location, sizeof e->location, "redis://%s:" REDIS_PORT, e->setup.address);
  snprintf(e->options, sizeof e->options, "--port " REDIS_PORT " --bind %s --protected-mode no %s",
           e->setup.address, e->setup.options != NULL ? e->setup.options : "");
}

static void redis_start(engine *e) { redis_server_again(&e->redis, e->options); }
static pid_t *redis_process(engine *e) { return &e->redis.pid; }
static void redis_drop(engine *e) { redis_server_stop(&e->redis); }

const engine_kind engine_redis = {"redis",     redis_server_need, redis_folder,
                                  redis_start, redis_process,     redis_drop};

/* ---- a broker, which serves a local store ---- */

#ifdef HF_FLEET_ZMQ
#define ZMQ_PORT "5713"

static void zmq_need(void) {}

static void zmq_folder(engine *e) {
  broker_server *b = &e->broker;
  strcpy(b->folder, "/tmp/hf-fleet-XXXXXX");
  cr_assert(mkdtemp(b->folder) != NULL, "%s: %s", b->folder, strerror(errno));
  snprintf(e->folder, sizeof e->folder, "%s", b->folder);
  snprintf(e->store, sizeof e->store, "%s/s", e->folder);
  if (e->setup.address != NULL)
    snprintf(b->endpoint, sizeof b->endpoint, "%s:" ZMQ_PORT, e->setup.address);
  else
    snprintf(b->endpoint, sizeof b->endpoint, "ipc:%s/socket", b->folder);
  broker_server_location(b, "fleet", e->location);
}

static void zmq_start(engine *e) {
  broker_server *b = &e->broker;
  char path[100];
  snprintf(path, sizeof path, "%s/fleet.key", b->folder);
  if (access(path, F_OK) != 0) {
    snprintf(path, sizeof path, "mkdir -p %s/b", b->folder);
    cr_assert_eq(system(path), 0);
    broker_server_key(b, "fleet", "operator");
  }
  snprintf(path, sizeof path, "%s.log", b->folder);
  b->pid = hf_run_start(path, "broker --queue %s --folder %s/b --bind %s", e->store, b->folder, b->endpoint);
  for (int i = 0;; i++) {
    hf_queue *queue;
    hf_queue_options options = {.location = e->location, .busy_ms = 300};
    if (hf_queue_open(&options, &queue) == HF_OK) {
      hf_queue_close(&queue);
      return;
    }
    cr_assert(i < 100 && waitpid(b->pid, NULL, WNOHANG) == 0, "the broker does not start: %s",
              hf_error_message());
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
}

static pid_t *zmq_process(engine *e) { return &e->broker.pid; }
static void zmq_drop(engine *e) {
  char path[160];
  snprintf(path, sizeof path, "%s.log", e->folder);
  (void)unlink(path);
  broker_server_stop(&e->broker);
}

const engine_kind engine_zmq = {"zmq", zmq_need, zmq_folder, zmq_start, zmq_process, zmq_drop};
#else
static void zmq_need(void) { cr_skip_test("no libzmq: the broker is not built"); }
const engine_kind engine_zmq = {"zmq", zmq_need, NULL, NULL, NULL, NULL};
#endif

/* ---- any ---- */

void engine_namespaces(int flags) {
  if (unshare(flags) != 0) cr_skip_test("no rights for namespaces of its own: %s", strerror(errno));
  if (flags & CLONE_NEWNS)
    cr_assert_eq(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0, "%s", strerror(errno));
}

void engine_open(engine *e, const engine_kind *kind, const engine_setup *setup) {
  char size[32];
  memset(e, 0, sizeof *e);
  e->kind = kind;
  if (setup != NULL) e->setup = *setup;
  kind->need();
  if (e->setup.disk_kib > 0) engine_namespaces(CLONE_NEWNS);
  kind->folder(e);
  if (e->setup.disk_kib > 0) {
    snprintf(size, sizeof size, "size=%uk", e->setup.disk_kib);
    cr_assert_eq(mount("tmpfs", e->folder, "tmpfs", 0, size), 0, "a disk at %s: %s", e->folder,
                 strerror(errno));
  }
  if (kind->start != NULL) kind->start(e);
}

void engine_fill_disk(const engine *e) {
  static const char block[65536];
  char path[160];
  size_t size = sizeof block;
  snprintf(path, sizeof path, "%s/filler", e->folder);
  int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  cr_assert(fd >= 0, "%s: %s", path, strerror(errno));
  while (size > 0) {
    ssize_t n = write(fd, block, size);
    cr_assert(n >= 0 || errno == ENOSPC, "%s: %s", path, strerror(errno));
    if (n < 0) size /= 2;
  }
  close(fd);
}

void engine_free_disk(const engine *e) {
  char path[160];
  snprintf(path, sizeof path, "%s/filler", e->folder);
  cr_assert_eq(unlink(path), 0, "%s: %s", path, strerror(errno));
}

int engine_end(engine *e, unsigned seconds) {
  int status;
  pid_t *pid = e->kind->process(e);
  for (unsigned i = 0; i < seconds * 100; i++) {
    if (waitpid(*pid, &status, WNOHANG) == *pid) {
      *pid = 0;
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  return -1;
}

void engine_kill(engine *e) {
  pid_t *pid = e->kind->process(e);
  cr_assert(*pid > 0 && kill(*pid, SIGKILL) == 0);
  cr_assert_eq(engine_end(e, 60), 128 + SIGKILL, "the %s server had ended by itself", e->kind->name);
}

void engine_again(engine *e) { e->kind->start(e); }

void engine_close(engine *e) {
  if (e->folder[0] == 0) return;
  if (e->setup.disk_kib > 0) (void)umount2(e->folder, MNT_DETACH);
  e->kind->drop(e);
  e->folder[0] = 0;
}
