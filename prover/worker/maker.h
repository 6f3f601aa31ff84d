/* What makes proofs for a worker: an input becomes circuit and witness, and with the key that the job pins a proof that has
 * been verified in this process.
 *
 * Two kinds: on a device that this process opened, or in a process of its own that opens one, so that a driver that
 * crashes, hangs or eats memory ends that process and neither the worker nor its lease. */
#ifndef HF_MAKER_H
#define HF_MAKER_H

#include <hyperfold/job.h>
#include <hyperfold/log.h>
#include <time.h>
#include "catalog.h"
#include "key_cache.h"

typedef struct hf_maker_task {
  const hf_job_header *job; /* circuit, parameters, pinned key */
  const uint8_t *input;
  size_t length;
  /* Called with the phase about to start and the part of the job that is done, 0..1; false: leave the job
   * (HF_E_CANCELLED). */
  bool (*progress)(void *context, const char *phase, double done);
  void *context;
} hf_maker_task;

typedef struct hf_maker_result {
  hf_proof proof;
  hf_verifying_key vk; /* has the digest that the job pins */
  unsigned log_n;
  uint32_t used_rows; /* there before the proof is: from the progress after the witness on */
  double witness_seconds, key_seconds, verify_seconds;
  hf_prove_report prove;
  char phase_names[HF_PROVE_PHASES][32]; /* to which `prove` points if it comes from another process: not to be copied */
  uint64_t peak_memory; /* bytes: the process that proved at its largest since the job began, or since it last had none; 0: unknown */
} hf_maker_result;

/* What became of the processes that a maker has started. */
typedef struct hf_maker_life {
  uint64_t started; /* that got ready */
  uint64_t lost;    /* that ended at a job, or were ended there */
  uint64_t silent;  /* of these, those that gave no sign of progress */
  bool failed;      /* the last one that was to be started did not get ready */
} hf_maker_life;

/* Several threads may ask one maker: while one's proof is on the device, the next one's witness is computed. */
typedef struct hf_maker {
  const char *device; /* its name, for people and announcements */
  uint64_t memory;    /* bytes of the device's that proofs may fill; 0: the host's memory */
  /* HF_OK: result->proof verifies. HF_E_BUSY: nothing is known of this job, as another one ended the process; HF_E_UNSATISFIED
   * with the constraint; HF_E_VERIFY, HF_E_DEVICE: the device is at fault,
   * not the input; else what catalog, keys and prover say. */
  hf_status (*make)(struct hf_maker *maker, const hf_maker_task *task, hf_maker_result *result);
  void (*life)(struct hf_maker *maker, hf_maker_life *out); /* from any thread, at once; NULL: it starts none */
  void (*destroy)(struct hf_maker *maker);
} hf_maker;

static inline void hf_maker_destroy(hf_maker **maker) {
  if (*maker != NULL) (*maker)->destroy(*maker);
  *maker = NULL;
}

typedef struct hf_maker_options {
  hf_backend *backend; /* nothing here is owned; all must outlive the maker */
  const hf_srs *srs;   /* circuits that fold are built over it */
  hf_key_cache *keys;  /* on that backend, over that SRS */
  unsigned threads;    /* that compute witnesses; 0: as many as there are processors */
} hf_maker_options;

/* Seconds of a clock that only goes forward. */
static inline double hf_maker_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

hf_status hf_maker_local(const hf_maker_options *options, hf_maker **out);

typedef struct hf_maker_process_options {
  /* The program and its arguments, NULL at the end; it calls hf_maker_serve on `lanes` descriptors from
   * HF_MAKER_DESCRIPTOR on. */
  const char *const *command;
  const char *device;   /* what it computes on */
  unsigned lanes;       /* jobs at a time, 1 to HF_MAKER_LANES; 0: 1 */
  unsigned patience_ms; /* without a sign of progress it is ended (of starting and of deriving a key, ten times that); 0: 30 s */
  const hf_logger *log; /* NULL: silent */
} hf_maker_process_options;

#define HF_MAKER_DESCRIPTOR 3
#define HF_MAKER_LANES      2 /* one on the device, the next one's witness */

/* Starts the process, which is started again by the next job when it has ended. HF_E_DEVICE when it does not get ready. */
hf_status hf_maker_process(const hf_maker_process_options *options, hf_maker **out);

/* The other end: makes what is asked for on `lanes` descriptors, a thread each, until the first is closed. HF_OK: it was. */
hf_status hf_maker_serve(hf_maker *maker, unsigned lanes);

#endif
