/* A process that carries bytes between a client and a server, and cuts when told to. One client at a time. */
#ifndef HF_TEST_CARRIER_H
#define HF_TEST_CARRIER_H

#include <sys/types.h>

enum {
  CUT_NOTHING,  /* and what `cut` becomes when it has been done */
  CUT_REQUEST,  /* before the server has the next bytes of the client */
  CUT_ANSWER,   /* after the server has answered and before the client knows */
  CUT_INSIDE,   /* in the middle of the server's next bytes */
  KILL_REQUEST, /* as CUT_REQUEST, and the server dies and comes back */
  KILL_ANSWER,  /* as CUT_ANSWER, and the server dies and comes back */
  HOLD_REQUEST, /* as CUT_REQUEST; the bytes are kept, and the server sees the connection go on */
  DELIVER_HELD, /* kept bytes come to the server, by their connection, which nobody listens to any more */
};

typedef struct carrier {
  pid_t pid;
  volatile int *cut; /* shared with it */
} carrier;

int carrier_listen_unix(const char *path);
int carrier_listen_tcp(int *port); /* at a free port of 127.0.0.1 */
/* From `listener`, which it takes, to the unix socket `path`, or where that is NULL to a port of 127.0.0.1.
 */
carrier carrier_start(int listener, const char *path, int port);

/* A server that the carrier's process runs, so that it can kill it. */
typedef struct carrier_server {
  void (*start)(void); /* and waits until it answers */
  void (*kill)(void);  /* by SIGKILL, and waits for its end */
} carrier_server;

/* The same with such a server, at the unix socket `path`; returns when it answers. */
carrier carrier_start_server(int listener, const char *path, const carrier_server *server);
void carrier_stop(carrier *c);

#endif
