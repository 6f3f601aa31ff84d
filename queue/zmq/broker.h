/* The broker: serves a local store to other machines over ZeroMQ, with CURVE. README.md tells the whole
 * story.
 *
 * FOLDER/server.key   its key pair, made when there is none; the public one is in FOLDER/server.public, for
 * clients FOLDER/clients      who may talk to it (keys.h); looked at again every second
 *
 * One thread does all the work, step by step: what waits is taken, all changes of it are one transaction of
 * the store, and then it is answered. Processes of this machine may use the store directly at the same time.
 */
#ifndef HF_BROKER_H
#define HF_BROKER_H

#include "queue.h"

typedef struct hf_broker hf_broker;

/* Whether a worker's result is a proof under the key that its job pins; *ok is false before. A status: that
 * cannot be said here, and the result is taken as it is. hf_error_message says why not, in both cases. */
typedef hf_status (*hf_broker_judge)(void *context, const hf_job_header *job, const uint8_t *result,
                                     size_t length, bool *ok);

typedef struct hf_broker_options {
  const char *folder; /* made when it is missing */
  const char *bind;   /* "HOST:PORT" (PORT '*': any), or "ipc:PATH" */
  /* The store and its terms: `location` is "local:FOLDER" or a folder. Quotas, attempts and all times are
   * these; of what a client's handle says only lease_ms counts, up to `lease_limit_ms`. */
  hf_queue_options queue;
  uint64_t lease_limit_ms; /* default 600,000 */
  uint64_t memory_limit;   /* bytes; above it all connections are closed once, see README.md; default 1 GiB */
  bool trust_terms;        /* tests: the clock and all options of the client's handle count */
  hf_broker_judge judge;   /* or NULL: results are for their takers to judge */
  void *judge_context;
  const hf_logger *log;
} hf_broker_options;

/* HF_E_BUSY when another broker serves this store; HF_E_UNSUPPORTED when this libzmq has no CURVE. */
hf_status hf_broker_open(const hf_broker_options *options, hf_broker **out);
/* Where it listens: what stands behind "zmq://" (or, for a socket, the whole "ipc:PATH") in a location. */
const char *hf_broker_endpoint(const hf_broker *broker);
const char *hf_broker_public_key(const hf_broker *broker); /* Z85 */

/* Waits up to `timeout_ms` for requests and answers those that there are. A signal ends the waiting. Errors
 * of single requests go to those who asked; an error here ends the service. */
hf_status hf_broker_step(hf_broker *broker, uint64_t timeout_ms);
/* Answers what has come and gives the answers a second to leave. NULL is allowed; *broker becomes NULL. */
void hf_broker_close(hf_broker **broker);

typedef struct hf_broker_counts {
  uint64_t requests, changes, groups, refused_keys, refused_requests, malformed;
} hf_broker_counts;
hf_broker_counts hf_broker_counted(const hf_broker *broker);

#endif
