/* The worker: takes jobs from a queue, has them proven and verified (maker.h), and hands the proofs in.
 *
 *   lease -> fetch the input, open it where it is sealed -> witness, key, proof, verification (maker.h) -> store -> finish
 *
 * The lease is renewed from the prover's own progress, never by a timer: a prover that hangs loses its lease.
 * A proof leaves only when the native verifier accepted it under the key that the job pins; that of a fold or
 * a seal with the accumulator that it hands on decided. What fails is told to the queue with its cause; an
 * unsatisfied witness with the name of the constraint. */
#ifndef HF_WORKER_H
#define HF_WORKER_H

#include <hyperfold/log.h>
#include <hyperfold/payload.h>
#include "maker.h"
#include "queue.h"

typedef enum hf_worker_stop {
  HF_WORKER_GO_ON = 0,
  HF_WORKER_DRAIN = 1, /* finish the job in hand, take no other */
  HF_WORKER_LEAVE = 2, /* give the job in hand back */
} hf_worker_stop;

/* What became of one job. Strings live as long as the call that gets them. */
typedef struct hf_worker_report {
  const hf_job_header *job;
  uint64_t epoch;
  hf_status status;          /* HF_OK: proven, verified and handed in */
  const char *cause;         /* why not */
  hf_finish_outcome outcome; /* with HF_OK */
  const char *device;          /* that the proof was made on */
  const hf_maker_result *made; /* of the proof, as far as it came */
  double fetch_seconds, store_seconds, seconds;
  uint64_t input_bytes, proof_bytes;
} hf_worker_report;

typedef struct hf_worker_options {
  hf_queue *queue; /* nothing here is owned; all must outlive the call */
  hf_maker *maker;   /* makes the proofs */
  const hf_srs *srs; /* over which: says what can be offered */
  const char *name;            /* unique in the fleet */
  const char *software;        /* version, or NULL */
  const char *const *circuits; /* names to offer; NULL: all of the registry */
  size_t circuit_count;
  const hf_pool_keys *pool_keys;         /* that open sealed inputs; NULL: none */
  uint64_t host_memory;                  /* free bytes to announce */
  bool once;                             /* return when there is nothing to lease, or the queue does not work */
  uint64_t job_limit;                    /* return after so many jobs; 0: no limit */
  unsigned idle_ms;                      /* between two looks at an empty queue; 0: 200 */
  hf_worker_stop (*stop)(void *context); /* or NULL */
  void (*progress)(void *context, const hf_job_header *, const char *phase, double done); /* or NULL */
  void (*report)(void *context, const hf_worker_report *report);                          /* or NULL */
  void *context;
  const hf_logger *log; /* NULL: silent */
} hf_worker_options;

typedef struct hf_worker_totals {
  uint64_t proven, failed, abandoned; /* abandoned: cancelled, lost or given back */
} hf_worker_totals;

/* Works until told to stop. A job that fails does not end it, and neither does a queue that is away, locked or full
 * (HF_E_IO, HF_E_BUSY, HF_E_FULL): it is tried again, with a line in the log each minute, a finished proof in hand;
 * only a worker that is to work `once`, or told to leave, gives up. Any other error of the queue ends it, and so do
 * two proofs in a row that do not verify although the witness satisfies (HF_E_DEVICE). */
hf_status hf_worker_run(const hf_worker_options *options, hf_worker_totals *totals);

#endif
