#include "engines.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* ---- a folder ---- */

static void local_need(void) {}

static void local_folder(engine *e) {
  strcpy(e->folder, "/tmp/hf-fleet-XXXXXX");
  cr_assert(mkdtemp(e->folder) != NULL, "%s: %s", e->folder, strerror(errno));
  snprintf(e->location, sizeof e->location, "local:%s", e->folder);
}

static void local_drop(engine *e) {
  char command[160];
  snprintf(command, sizeof command, "rm -rf '%s'", e->folder);
  cr_assert_eq(system(command), 0);
}

const engine_kind engine_local = {"local", local_need, local_folder, NULL, NULL, local_drop};

/* ---- a Redis server ---- */

static void redis_folder(engine *e) {
  redis_server_folder(&e->redis);
  snprintf(e->folder, sizeof e->folder, "%s", e->redis.folder);
  snprintf(e->location, sizeof e->location, "unix:%s/s", e->folder);
}

static void redis_start(engine *e) { redis_server_again(&e->redis, e->options); }
static pid_t *redis_process(engine *e) { return &e->redis.pid; }
static void redis_drop(engine *e) { redis_server_stop(&e->redis); }

const engine_kind engine_redis = {"redis",     redis_server_need, redis_folder,
                                  redis_start, redis_process,     redis_drop};

/* ---- any ---- */

void engine_open(engine *e, const engine_kind *kind, const char *options) {
  memset(e, 0, sizeof *e);
  e->kind = kind;
  e->options = options != NULL ? options : "";
  kind->need();
  kind->folder(e);
  if (kind->start != NULL) kind->start(e);
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
  if (e->folder[0] != 0) e->kind->drop(e);
  e->folder[0] = 0;
}
