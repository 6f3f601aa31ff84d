/* The engines that a fleet's queue can run on, as the tests of its faults see them: what holds the jobs, how
 * its server is killed and started again, and where it is. One row of a table each. */
#ifndef HF_TEST_FLEET_ENGINES_H
#define HF_TEST_FLEET_ENGINES_H

#include "queue/redis_server.h"
#ifdef HF_FLEET_ZMQ
#include "queue/broker_server.h"
#endif

#include <stdbool.h>

/* What an engine starts with; zeros: nothing special. */
typedef struct engine_setup {
  const char *options; /* of the server, more arguments */
  const char *address; /* the server listens on, for other hosts; NULL: a socket in its folder */
  unsigned disk_kib; /* its folder is a disk of this size, in a mount namespace of the test's own */
} engine_setup;

typedef struct engine {
  const struct engine_kind *kind;
  engine_setup setup;
  char options[256];  /* of the server, all together */
  char folder[128];   /* where it keeps what it is told */
  char store[140];    /* the local store in it; "": it keeps it in another way */
  char location[256]; /* for --queue and hf_queue_open */
  redis_server redis;
#ifdef HF_FLEET_ZMQ
  broker_server broker; /* folder and keys; the process is the product's own */
#endif
} engine;

typedef struct engine_kind {
  const char *name;
  void (*need)(void);       /* skips the test, by name, where it cannot run */
  void (*folder)(engine *); /* makes a fresh one and fills in the location; nothing runs */
  void (*start)(engine *); /* with what the folder holds; returns when it answers. NULL: there is no server */
  pid_t *(*process)(engine *); /* the server's; 0 when it does not run */
  void (*drop)(engine *);      /* kills the server and removes the folder */
} engine_kind;

extern const engine_kind engine_local, engine_redis, engine_zmq;

/* Skips where it cannot run; otherwise a fresh folder, and the server started. `setup` may be NULL. */
void engine_open(engine *, const engine_kind *, const engine_setup *setup);
/* Puts the test into new namespaces (CLONE_NEWNS, CLONE_NEWNET), which end with it; skips where that is not
 * allowed. */
void engine_namespaces(int flags);
/* Uses up the disk under its folder, and gives the room back. */
void engine_fill_disk(const engine *);
void engine_free_disk(const engine *);
void engine_kill(engine *); /* SIGKILL, and waits for its end */
void engine_again(engine *);
void engine_close(engine *);
/* The server has ended by itself within `seconds`: its exit status, or 128 + the signal; otherwise -1. */
int engine_end(engine *, unsigned seconds);

#endif
