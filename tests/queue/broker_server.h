/* A real broker for a test: its own process, folder and port, gone with the test. */
#ifndef HF_TEST_BROKER_SERVER_H
#define HF_TEST_BROKER_SERVER_H

#include "zmq/broker.h"
#include "zmq/keys.h"

#include <stdbool.h>
#include <sys/types.h>

typedef struct broker_server {
  char folder[64];    /* store "s", broker's folder "b", clients' keys "NAME.key", log */
  char endpoint[128]; /* HOST:PORT, or ipc:PATH; the same after a restart */
  pid_t pid;          /* 0: not running */
  bool strict;        /* terms are the broker's, as in the product; otherwise the clients' */
  uint64_t memory_limit;
  uint64_t file_limit; /* bytes of a file; write(2) meets it as it meets a full disk. 0: none */
} broker_server;

void broker_server_folder(broker_server *server); /* a fresh one */
/* Starts it and waits until it listens. */
void broker_server_start(broker_server *server);
void broker_server_kill(broker_server *server, int signal); /* and waits for its end */
void broker_server_stop(broker_server *server);             /* kills and removes the folder */
/* Makes a key pair NAME.key, and puts it into the list where `role` is given. */
void broker_server_key(const broker_server *server, const char *name, const char *role);
void broker_server_allow(const broker_server *server, const char *name, const char *role);
void broker_server_revoke(const broker_server *server, const char *name);
/* The location for the holder of that key. */
void broker_server_location(const broker_server *server, const char *name, char location[256]);
uint64_t broker_server_resident(const broker_server *server); /* bytes of memory that it uses */
bool broker_server_log_has(const broker_server *server, const char *word);

#endif
