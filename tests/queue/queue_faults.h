/* What the way to a server may do to a queue that lies behind it: the server dies under its clients, a
 * connection breaks before or after a request took effect, a request comes late. Each backend with a server
 * passes these. */
#ifndef HF_TEST_QUEUE_FAULTS_H
#define HF_TEST_QUEUE_FAULTS_H

#include "carrier.h"

/* How a backend's server is run. It may be started by any process of the test, and ends with the one that
 * did. */
typedef struct hf_fault_server {
  void (*folder)(void);  /* a fresh store; no server yet */
  carrier_server server; /* of that store, at the unix socket "s" */
  /* The location of the store by that socket, or by another one of the folder that leads to it. */
  void (*location)(const char *socket, char location[256]);
  void (*path)(const char *socket, char path[96]);
} hf_fault_server;

/* Clients, workers and the server get SIGKILL at random moments. */
void hf_fault_killed(const hf_fault_server *server);
/* Every call that changes something, cut off before and after it took effect, with and without the server's
 * death: it takes effect once, and its answer is that of the first time. */
void hf_fault_cut(const hf_fault_server *server);
/* A request that was given up and sent again, and whose first copy comes to the server when the handle is
 * further. */
void hf_fault_overtaken(const hf_fault_server *server);
/* The same for a lease call that was told that there is nothing: its first copy comes when the handle is
 * further and a job is there. For servers that keep in mind how far a handle is. */
void hf_fault_late_lease(const hf_fault_server *server);
/* Away for longer than the options allow. */
void hf_fault_away(const hf_fault_server *server);

#endif
