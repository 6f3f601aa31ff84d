/* What a backend of the queue provides. The functions of queue.h check their
 * arguments and then come here, so a backend may rely on valid headers, names,
 * keys and non-NULL outputs. The semantics stand in queue.h. */
#ifndef HF_QUEUE_BACKEND_H
#define HF_QUEUE_BACKEND_H

#include "queue.h"

typedef struct hf_queue_backend {
  const char *scheme;
  void (*close)(hf_queue *queue);
  hf_status (*artifact_put)(hf_queue *, const void *, size_t, hf_digest *);
  hf_status (*artifact_get)(hf_queue *, const hf_digest *, size_t, uint8_t **, size_t *);
  hf_status (*artifact_has)(hf_queue *, const hf_digest *, bool *);
  /* Jobs whose result already has a status other than HF_OK are skipped. */
  hf_status (*submit)(hf_queue *, const hf_job_header *, size_t, hf_submission *);
  hf_status (*get)(hf_queue *, const hf_job_key *, hf_job_record *);
  /* May be NULL. The record when the job is over, or after at most so many ms, by the system's clock. */
  hf_status (*wait)(hf_queue *, const hf_job_key *, uint64_t, hf_job_record *);
  hf_status (*cancel)(hf_queue *, const hf_job_key *, const char *, hf_job_state *);
  hf_status (*list)(hf_queue *, const hf_job_filter *, hf_job_record *, size_t, size_t *);
  hf_status (*lease)(hf_queue *, const hf_worker *, hf_lease *, bool *);
  hf_status (*heartbeat)(hf_queue *, const hf_job_key *, uint64_t, const hf_progress *, hf_beat *);
  hf_status (*finish)(hf_queue *, const hf_job_key *, uint64_t, const char *, const hf_digest *,
                      hf_finish_outcome *);
  hf_status (*fail)(hf_queue *, const hf_job_key *, uint64_t, hf_status, const char *, hf_job_state *);
  hf_status (*release)(hf_queue *, const hf_job_key *, uint64_t);
  /* `lost`: the store has not these bytes any more. */
  hf_status (*refuse)(hf_queue *, const hf_job_key *, const hf_digest *, bool lost, const char *,
                      hf_queue_refusal *);
  hf_status (*pardon)(hf_queue *, const char *);
  hf_status (*reap)(hf_queue *, uint64_t *);
  hf_status (*requeue)(hf_queue *, const hf_job_key *, uint64_t);
  hf_status (*attempts)(hf_queue *, const hf_job_key *, hf_attempt *, size_t, size_t *);
  hf_status (*set_tenant)(hf_queue *, const char *, uint32_t, uint64_t);
  hf_status (*tenants)(hf_queue *, const char *, hf_tenant_stats *, size_t, size_t *);
  hf_status (*drain)(hf_queue *, const char *); /* "": no longer */
  hf_status (*stats)(hf_queue *, hf_queue_stats *);
  hf_status (*workers)(hf_queue *, uint64_t, const char *, hf_worker_record *, size_t, size_t *);
  hf_status (*events)(hf_queue *, uint64_t, hf_event *, size_t, size_t *);
  hf_status (*reading)(hf_queue *, hf_reading *);
  hf_status (*restored)(hf_queue *);
  hf_status (*backup)(hf_queue *, const char *, hf_backup *); /* or NULL */
  hf_status (*collect)(hf_queue *, uint64_t, uint64_t, hf_queue_keep, void *, uint64_t *, uint64_t *);
} hf_queue_backend;

/* What a store that drains still takes: the consequences of what was accepted. */
static inline bool hf_queue_drains(const hf_job_header *job) {
  return job->kind == HF_JOB_FOLD || job->kind == HF_JOB_SEAL;
}
#define HF_QUEUE_DRAIN_RETRY_MS 60000

/* A part of a location: copies `length` characters, 1 to capacity - 1 of them; `what` names it in messages. HF_E_ARGUMENT. */
hf_status hf_queue_part(const char *what, const char *text, size_t length, char *out, size_t capacity);

/* The first member of every backend's own struct. */
struct hf_queue {
  const hf_queue_backend *backend;
  hf_queue_options options; /* defaults filled in; `location` is not kept */
};

static inline uint64_t hf_queue_now(const hf_queue *queue) {
  return queue->options.clock.now_ms(queue->options.clock.context);
}

/* The epoch that leases have at least after a restore at `now`: 1,024 a millisecond, more than any job can be leased
 * meanwhile, and below 2^53 for as long as that matters. */
static inline uint64_t hf_queue_floor(uint64_t now) { return now << 10; }

/* The backends. `folder` is what follows "local:". */
hf_status hf_queue_local_open(const char *folder, const hf_queue_options *options, hf_queue **out);
/* `location` starts with "redis://", "rediss://" or "unix:" (redis/README.md). `own_clock`: the options' clock is not the
 * system's, and counts; otherwise the server's own does. */
hf_status hf_redis_open(const char *location, const hf_queue_options *options, bool own_clock, hf_queue **out);
/* `location` starts with "zmq://" or "ipc:" (zmq/README.md). `own_clock` as above; it counts where the broker trusts
 * its clients with that. */
hf_status hf_zmq_open(const char *location, const hf_queue_options *options, bool own_clock, hf_queue **out);

#endif
