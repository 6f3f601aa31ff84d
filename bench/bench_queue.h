/* The queue alone: jobs a second and the time from submit to lease, beside what the engine under it does at its best.
 *
 *   queue/submit    every client submits, a job a call; it is durable when the call returns
 *   queue/submit/N  the same with N jobs a call
 *   queue/cycle     every client submits one job, leases one (whichever is next) and hands its result in, until all are done
 *
 * Clients are processes. A job has one header and no input of its own, so that what is measured is the queue and not a
 * disk's or network's bandwidth. Beside each result stands the raw engine in the same run, with as many clients, records of the same size
 * and the same durability: for a folder, and for a broker that serves one, inserts into an SQLite table, one a transaction; for Redis XADD by redis-benchmark.
 * Every engine is started in a fresh folder and gone afterwards. */
#ifndef HF_BENCH_QUEUE_H
#define HF_BENCH_QUEUE_H
#include "queue.h"
#include "report.h"

#define HF_BENCH_QUEUE_CLIENTS 256 /* the most */

typedef struct hf_bench_queue_options {
  const char *engine;  /* "local", "redis" or "zmq" */
  unsigned clients;    /* processes, 1 to HF_BENCH_QUEUE_CLIENTS */
  unsigned batch;      /* jobs a call in queue/submit, 1 to 1024 */
  unsigned jobs;       /* a sample, from `clients` up */
  unsigned repeats;    /* samples, each with an engine of its own */
  const char *scratch; /* where the engines' folders lie meanwhile: the disk that is measured */
  const char *program; /* of hyperfold, which is the broker of "zmq" */
  void (*progress)(void *context, const char *what); /* or NULL */
  void *context;
} hf_bench_queue_options;

/* Appends queue/submit and, where a call has one job, queue/cycle of one engine. Figures: "clients", "batch", "jobs_per_second", "p50_ms" and "p99_ms" (of
 * a call in queue/submit, from the call of submit to the end of the call of lease in queue/cycle), and
 * "raw_per_second" and "of_raw", where the raw engine can be had. Verified: all jobs are there, and in queue/cycle done, each once.
 * HF_E_UNSUPPORTED, with its name, where the engine or its server is missing. */
hf_status hf_bench_queue(const hf_bench_queue_options *options, hf_bench_report *report);

/* --- bench_engine.c: what holds the jobs ----------------------------------------------------------------- */

typedef struct hf_bench_engine {
  char folder[256];
  char location[700]; /* for hf_queue_open */
  char name[HF_BENCH_TEXT]; /* with its version */
  long pid;           /* of its server; 0: none */
} hf_bench_engine;

hf_status hf_bench_engine_start(const hf_bench_queue_options *options, hf_bench_engine *engine);
/* Ends the server and removes the folder. */
void hf_bench_engine_stop(hf_bench_engine *engine);
/* Records of `length` bytes a second that the engine alone makes durable for so many clients; 0 where that cannot be known. */
hf_status hf_bench_engine_raw(const hf_bench_queue_options *options, hf_bench_engine *engine, size_t length, double *per_second);

/* --- bench_clients.c: processes that begin together ------------------------------------------------------ */

/* Shared by the clients of one measurement and who waits for them. */
typedef struct hf_bench_clients {
  unsigned count;
  double began_ms, ended_ms; /* the start sign; the last client's end */
  struct hf_bench_crowd *crowd;
} hf_bench_clients;

/* One client, in a process of its own. It prepares, calls hf_bench_client_ready, which returns at the start sign, and works. */
typedef hf_status (*hf_bench_client)(void *context, unsigned number, hf_bench_clients *clients);
hf_status hf_bench_client_ready(hf_bench_clients *clients);
/* Runs them all; the first failure, with its message, is the status. */
hf_status hf_bench_clients_run(hf_bench_clients *clients, hf_bench_client client, void *context);

#endif
