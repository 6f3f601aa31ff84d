/* A real redis-server for a test: its own process, folder and socket, gone with the test. */
#ifndef HF_TEST_REDIS_SERVER_H
#define HF_TEST_REDIS_SERVER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct redis_server {
  char folder[64]; /* append-only file, socket "s", log */
  pid_t pid;       /* 0: not running */
} redis_server;

/* Skips the test, by name, where there is no redis-server. */
void redis_server_need(void);
/* Starts one in a fresh folder and waits until it answers. `options` are more arguments, split at
 * spaces: they come last and win. */
void redis_server_start(redis_server *server, const char *options);
/* The same in the folder that is there: what the append-only file holds comes back. */
void redis_server_again(redis_server *server, const char *options);
/* The same, where it may refuse to start: false, and it has ended. */
bool redis_server_try(redis_server *server, const char *options);
void redis_server_kill(redis_server *server, int signal); /* and waits for its end */
void redis_server_stop(redis_server *server);             /* kills and removes the folder */
/* Writes the users of deploy/redis, and the test's own, to the folder as "users", and the password of `user`
 * to "password": for --aclfile and password-file=. The folder must be there. */
void redis_server_users(const redis_server *server, const char *user);
/* A fresh folder, for those who need something in it before the start. */
void redis_server_folder(redis_server *server);
/* A connection of the test's own. */
redisContext *redis_server_connect(const redis_server *server);
/* A command (as redisCommand's format) that must not fail; gives an integer answer, -1 for others. */
long long redis_server_tell(const redis_server *server, const char *format, ...);
/* Has it listen at a free port of 127.0.0.1, without ("port") or with TLS ("tls-port"); gives the port. */
int redis_server_listen(const redis_server *server, const char *setting);

#endif
