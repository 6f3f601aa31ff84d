/* A fleet for the tests of its faults: real `hyperfold worker` processes that prove the example circuit (2^8
 * rows, a few tens of milliseconds) over any engine, and a taker that verifies every result as it comes.
 *
 *   fleet_open -> workers, client and taker -> [faults] -> fleet_wait -> fleet_stop -> books.h -> fleet_close
 *
 * Job i has an input of its own, so that a proof of another job is told apart. The test's thread starts and
 * kills processes; client and taker are threads of their own, which an engine that is away may hold up. */
#ifndef HF_TEST_FLEET_H
#define HF_TEST_FLEET_H

#include "cli/run_command.h"
#include "engines.h"
#include "ok.h"
#include "queue.h"
#include "verifying_key.h"

#include <pthread.h>
#include <stdatomic.h>

#define FLEET_WORKERS 8

typedef struct fleet_worker {
  pid_t pid; /* 0: none */
  char name[32], log[40];
} fleet_worker;

/* What the taker knows of a job. */
typedef struct fleet_taken {
  bool done;
  hf_digest result;
} fleet_taken;

typedef struct fleet {
  engine engine;
  char *folder;    /* the current one: data/, logs, inputs */
  hf_queue *queue; /* of the test's thread */
  hf_digest vk_digest;
  hf_verifying_key vk;
  unsigned lease_s, jobs, born;
  fleet_worker workers[FLEET_WORKERS];

  pthread_t client, taker;
  bool client_runs, taker_runs;
  unsigned spread_ms; /* over which the client submits */
  atomic_bool over;
  atomic_uint submitted, verified;
  atomic_bool wrong; /* `why` holds what client or taker found wrong */
  char why[600];
  fleet_taken *taken; /* the taker's book, a line a job */
  hf_event *events;   /* all that the taker has seen */
  size_t event_count, event_room;
} fleet;

/* A folder with key and setup, the engine, and the queue. `lease_s`: of the workers. */
void fleet_open(fleet *f, const engine_kind *kind, const engine_setup *setup, unsigned lease_s);
/* Ends everything that still runs. Also for the `fini` of a suite: a fleet that was never opened is fine. */
void fleet_close(fleet *f);

/* A handle of one's own, which gives up after `busy_ms` (0: the default). */
hf_queue *fleet_queue(const fleet *f, uint64_t busy_ms);

/* Starts a worker in that place, under a fresh name. `more`: options. */
void fleet_worker_start(fleet *f, unsigned place, const char *more);
/* The same in a process that `before` has prepared (run_command.h). */
void fleet_worker_start_in(fleet *f, unsigned place, void (*before)(const void *), const void *context,
                           const char *more);
/* SIGKILL; the worker must have been alive. */
void fleet_worker_kill(fleet *f, unsigned place);
/* Fails the test when a worker has ended by itself. */
void fleet_alive(fleet *f);
/* SIGTERM to all; each must end with 0. */
void fleet_stop(fleet *f);

hf_job_header fleet_job(const fleet *f, unsigned i);
/* Puts the input of job i alone. Safe in any thread, as the next two. */
hf_status fleet_put(hf_queue *queue, unsigned i);
/* Puts the input and submits; the status of the first that fails. */
hf_status fleet_submit(hf_queue *queue, const fleet *f, unsigned i);
/* Whether this is a proof of job i: decoded, verified natively, and about its input. */
hf_status fleet_verify(const fleet *f, hf_queue *queue, unsigned i, const hf_digest *result);
hf_job_record fleet_record(const fleet *f, unsigned i);

/* Client and taker for jobs 0 .. count-1, submitted evenly over `spread_ms`. */
void fleet_client(fleet *f, unsigned count, unsigned spread_ms);
/* Until all are verified; fails the test after `seconds`, or when something is wrong. */
void fleet_wait(fleet *f, unsigned seconds);
/* Fails the test when client or taker have found something wrong. */
void fleet_check(const fleet *f);
/* Ends client and taker, who have seen every event that is there now. */
void fleet_taker_end(fleet *f);

/* How often the string stands in the workers' logs. */
unsigned fleet_logs_count(const fleet *f, const char *text);

uint64_t fleet_now_ms(void); /* Unix time, as in the queue */
double fleet_seconds(void);  /* a clock that only goes forward */
void fleet_pause(unsigned ms);

#endif
