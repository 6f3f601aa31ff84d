#include "redis_server.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void redis_server_need(void) {
  if (system("command -v redis-server >/dev/null 2>&1") != 0) cr_skip_test("no redis-server");
}

redisContext *redis_server_connect(const redis_server *server) {
  char path[96];
  snprintf(path, sizeof path, "%s/s", server->folder);
  redisContext *c = redisConnectUnix(path);
  if (c && c->err == 0) {
    /* The test's own user, where there are users (redis_server_users); an error where not. */
    freeReplyObject(redisCommand(c, "AUTH test any"));
    return c;
  }
  if (c) redisFree(c);
  return NULL;
}

static bool answers(const redis_server *server) {
  redisContext *c = redis_server_connect(server);
  redisReply *reply = c ? redisCommand(c, "PING") : NULL;
  /* With users of its own it asks who is there: that is an answer, too. */
  bool good = reply && (reply->type == REDIS_REPLY_STATUS || strncmp(reply->str, "NO", 2) == 0);
  if (reply) freeReplyObject(reply);
  if (c) redisFree(c);
  return good;
}

static void run_server(const redis_server *server, const char *options, pid_t parent) {
  char path[96], words[1024], *arguments[64], *save = NULL;
  int count = 0;
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent) _exit(45);
  snprintf(path, sizeof path, "%s/s", server->folder);
  snprintf(words, sizeof words,
           "redis-server --port 0 --unixsocket %s --dir %s --appendonly yes --appendfsync always --loglevel "
           "warning %s",
           path, server->folder, options);
  for (char *word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save))
    arguments[count++] = word;
  arguments[count++] = "--save";
  arguments[count++] = "";
  arguments[count] = NULL;
  snprintf(path, sizeof path, "%s/log", server->folder);
  int log = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
  if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0) _exit(46);
  execvp(arguments[0], arguments);
  _exit(47);
}

bool redis_server_try(redis_server *server, const char *options) {
  pid_t parent = getpid();
  server->pid = fork();
  cr_assert(server->pid >= 0);
  if (server->pid == 0) run_server(server, options, parent);
  for (int i = 0; !answers(server); i++) {
    cr_assert(i < 1000, "redis-server does not answer: see %s/log", server->folder);
    if (waitpid(server->pid, NULL, WNOHANG) != 0) {
      server->pid = 0;
      return false;
    }
    nanosleep(&(struct timespec){0, 10000000}, NULL);
  }
  return true;
}

void redis_server_again(redis_server *server, const char *options) {
  cr_assert(redis_server_try(server, options), "redis-server does not start: see %s/log", server->folder);
}

void redis_server_folder(redis_server *server) {
  memset(server, 0, sizeof *server);
  strcpy(server->folder, "/tmp/hf-redis-XXXXXX");
  cr_assert(mkdtemp(server->folder) != NULL);
}

void redis_server_start(redis_server *server, const char *options) {
  redis_server_folder(server);
  redis_server_again(server, options);
}

void redis_server_users(const redis_server *server, const char *user) {
  char command[600];
  snprintf(
      command, sizeof command,
      "{ sed 's/#SHA256-OF-THE-PASSWORD-OF-HYPERFOLD-VIEW/>of-hyperfold-view/;"
      " s/#SHA256-OF-THE-PASSWORD-OF-HYPERFOLD/>of-hyperfold/' '%s/deploy/redis/users.acl' &&"
      " echo 'user test on nopass ~* &* +@all'; } >'%s/users' && umask 077 && echo 'of-%s' >'%s/password'",
      HF_SOURCE_DIR, server->folder, user, server->folder);
  cr_assert(system(command) == 0);
}

void redis_server_kill(redis_server *server, int signal) {
  cr_assert(kill(server->pid, signal) == 0);
  while (waitpid(server->pid, NULL, 0) < 0) cr_assert(errno == EINTR);
  server->pid = 0;
}

void redis_server_stop(redis_server *server) {
  char command[128];
  if (server->pid) redis_server_kill(server, SIGKILL);
  snprintf(command, sizeof command, "rm -rf '%s'", server->folder);
  cr_assert(system(command) == 0);
}

long long redis_server_tell(const redis_server *server, const char *format, ...) {
  va_list arguments;
  redisContext *c = redis_server_connect(server);
  cr_assert(c != NULL);
  va_start(arguments, format);
  redisReply *reply = redisvCommand(c, format, arguments);
  va_end(arguments);
  cr_assert(reply && reply->type != REDIS_REPLY_ERROR, "%s: %s", format, reply ? reply->str : c->errstr);
  long long number = reply->type == REDIS_REPLY_INTEGER ? reply->integer : -1;
  freeReplyObject(reply);
  redisFree(c);
  return number;
}

int redis_server_listen(const redis_server *server, const char *setting) {
  redisContext *c = redis_server_connect(server);
  cr_assert(c != NULL);
  int port = 20000 + getpid() % 12000; /* below those that connections take */
  for (bool good = false; !good; port += !good) {
    redisReply *reply = redisCommand(c, "CONFIG SET %s %d", setting, port);
    cr_assert(reply && port < 32768);
    good = reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
  }
  redisFree(c);
  return port;
}
