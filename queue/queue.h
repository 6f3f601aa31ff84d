/* The job queue: one interface, one set of semantics, several transports.
 *
 * Everything a client, a worker and an operator may rely on stands in this file;
 * tests/queue/ tries each line of it against a backend through a factory, so
 * that another backend is right when it passes the same suite.
 *
 *                        lease                      finish
 *   submit --> QUEUED ------------------> LEASED ------------> DONE
 *                 ^  <- release, expire,     |
 *                 |     fail (attempts left) |--> DEAD       attempts used up
 *                 |                          |--> CANCELLED  after cancel
 *                 |                          +--> FAILED     deadline passed
 *                 +-- requeue (DEAD, FAILED, CANCELLED)
 *                 +-- refuse (DONE; DEAD when its attempts are used up)
 *
 * SUBMIT is idempotent. A job is named by (tenant, job id); the same payload
 * under the same name is the same job, whatever its state; another payload is
 * HF_E_EXISTS (hf_job_payload_digest says what the payload is; of the rest of
 * the header the first submission's values stay). Accepted means durable: when
 * submit returns, the job and its input artifact survive kill -9 of every process,
 * and a power cut. The input artifact must be in the store (HF_E_NOT_FOUND), so
 * that no accepted job lacks its input. A tenant at its quota of open jobs is
 * refused with HF_E_BUSY and a time after which to try again; a full disk is
 * HF_E_FULL; in both cases nothing is accepted and nothing accepted is lost.
 *
 * LEASE gives one job to one worker for `lease_ms`, under an epoch that is larger
 * than the job's last (by one, but after RESTORED): no two leases of a job share an
 * epoch, and at most one is current. A worker is given only what it can prove: a circuit and key that
 * it names, and memory needs within what it says is free. The next job is chosen
 *   1. among tenants with work for this worker: the one that has had the least
 *      device time for its weight since it last came back from idleness (start-time
 *      fair queueing; a job's expected time is charged when it is leased and
 *      corrected when the lease ends);
 *   2. within the tenant: highest priority, then earliest deadline, then oldest.
 *
 * HEARTBEAT renews the lease, and tells the worker to stop when the job was
 * cancelled, decided by somebody else, or ran out of time. It must follow the
 * prover's progress: when `progress.done` has not grown for `stall_ms`, the lease
 * is no longer renewed (HF_BEAT_STALLED) and runs out.
 *
 * A lease that runs out is a lost worker: the job is offered again within a second of
 * that and no attempt is charged. (Every lease call reaps first; hf_queue_reap
 * does it where no worker calls.) After `max_losses` lost leases on at least two
 * workers the job is taken for the cause and becomes a dead letter.
 *
 * FINISH takes the digest of a result artifact that the caller has verified
 * against the job's key and put in the store. Because it is verified, any late
 * result is welcome: the first one wins, whatever its epoch, also when the job
 * is queued again, dead or past its deadline. A later result, identical or not,
 * is counted and not stored. A cancelled job takes no result.
 *
 * REFUSE is what a taker does who found that the result of a DONE job does not verify,
 * or is about something else. In one step, and only while the job is DONE with that very
 * result: the result is forgotten and not taken for this job again (until a requeue), an
 * attempt is charged to the worker whose result it was, by the rules of FAIL (QUEUED again,
 * or DEAD; that worker is not offered it for HF_QUEUE_REFUSED_HOLD times `retry_ms`, so that
 * another comes by), its time is metered as refused, and the worker has a strike. At
 * `max_strikes` it is quarantined: its leases end at once, without an attempt; lease and
 * whatever it finishes later are HF_E_QUARANTINED, until PARDON forgives its strikes.
 *   A result whose bytes the store has damaged or lost is refused like any other, but is
 * nobody's lie: that is a failed attempt without a strike, and the same bytes are welcome.
 *   A worker is known by the name that it gives itself, or that the transport knows it by.
 * Whoever may refuse may quarantine: that is for takers who are trusted to verify.
 *
 * FAIL charges an attempt and offers the job again; the worker that failed is
 * not offered it for `retry_ms` (doubled by each failure), others are at once.
 * After `max_attempts` on at least two workers, or 2 * `max_attempts` where there
 * is only one, the job is a dead letter with the cause. A failure is fenced: under an
 * epoch that is not current it is HF_E_STALE, counted, and without effect.
 *
 * RELEASE gives a job back (drain); no attempt is charged; fenced as fail is.
 *
 * DRAIN closes the store to new work until it is opened again: submit of a job that is not known is HF_E_BUSY, with the
 * operator's reason; folds and seals of what was accepted are still taken, and everything else goes on.
 *
 * CANCEL of a queued job takes effect at once. A leased one is flagged: its
 * heartbeat says stop, and the job is CANCELLED when the worker releases or fails
 * it, tries to finish it, or loses it.
 *
 * DEADLINE: a job that is open when it passes is FAILED with that cause (found
 * by the reaping above); a running one is told by its heartbeat.
 *
 * A COPY of a store knows nothing of the leases that were given after it was taken.
 * RESTORED makes every lease that is given from now on have an epoch above all that may have
 * been given then, by the clock: the failures and heartbeats of workers that hold one of
 * those are fenced, and their results are as welcome as any late result.
 *
 * Times are Unix milliseconds from the clock in the options, never from the
 * store, so that tests move time. Backends that serve several machines say so
 * where they use their server's clock instead.
 *
 * A handle may be shared by threads, which take turns; it must not be used in a
 * child after fork (HF_E_STATE): open another one. Errors of every call besides
 * those named: HF_E_ARGUMENT, HF_E_IO, HF_E_FULL, HF_E_BUSY (the store was locked for
 * longer than `busy_ms`), HF_E_MEMORY. A call that returns an error has changed
 * nothing, with one exception: where the store is another machine and was lost on
 * the way for longer than `busy_ms`, nobody can know, and the message says so. */
#ifndef HYPERFOLD_QUEUE_H
#define HYPERFOLD_QUEUE_H

#include <hyperfold/job.h>
#include <hyperfold/log.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_queue hf_queue;

typedef struct hf_clock {
  uint64_t (*now_ms)(void *context);
  void (*sleep_ms)(void *context, uint64_t ms); /* used by hf_queue_wait alone */
  void *context;
} hf_clock;

/* The system's clock. */
hf_clock hf_clock_system(void);

typedef struct hf_queue_options {
  const char *location;    /* "local:FOLDER" or just a folder; made when it is missing. "redis://HOST...",
                              "rediss://HOST..." (TLS), "unix:SOCKET...": a Redis server (redis/README.md);
                              "zmq://HOST:PORT?...", "ipc:SOCKET?...": a broker (zmq/README.md); where built in */
  hf_clock clock;          /* all zero: the system's */
  uint64_t lease_ms;       /* default 30,000 */
  uint64_t stall_ms;       /* default 300,000 */
  uint64_t retry_ms;       /* default 1,000 */
  uint32_t max_attempts;   /* default 3 */
  uint32_t max_losses;     /* default 50 */
  uint32_t max_strikes;    /* refused results after which a worker is quarantined; default 2 */
  uint64_t tenant_quota;   /* open jobs a tenant may have unless set for it; default 100,000 */
  uint64_t total_quota;    /* open jobs in all; default 1,000,000 */
  uint64_t artifact_limit; /* bytes of one artifact; default 1 GiB */
  uint64_t busy_ms;        /* how long to wait for the store's lock; default 30,000 */
  uint32_t event_limit;    /* events kept; default 100,000 */
  bool look_over;          /* look all of a local store over first (0.4 s for 100,000 jobs): HF_E_CHECKSUM names what is
                              damaged. What is read later is checked as it is read; what an index hides is seen here alone */
  bool must_exist;         /* HF_E_NOT_FOUND where no local store is, rather than a new one: for those who only look */
  const hf_logger *log;    /* NULL: silent; not owned, must outlive the queue */
} hf_queue_options;        /* a zero means the default */

/* Opens a queue, making it when there is none. HF_E_UNSUPPORTED for a scheme this
 * build has no backend for, HF_E_VERSION for a store of another format. */
hf_status hf_queue_open(const hf_queue_options *options, hf_queue **out);
void hf_queue_close(hf_queue **queue); /* NULL is allowed; *queue becomes NULL */

/* ---- artifacts: bytes named by their digest, kept beside the jobs ---- */

/* Stores bytes durably; the same bytes again are no error and take no room. */
hf_status hf_artifact_put(hf_queue *queue, const void *data, size_t length, hf_digest *digest);
/* Fetches into fresh memory that the caller frees. HF_E_NOT_FOUND; HF_E_CHECKSUM when the
 * stored bytes no longer have that digest; HF_E_RANGE when there are more than `limit`. */
hf_status hf_artifact_get(hf_queue *queue, const hf_digest *digest, size_t limit, uint8_t **data,
                          size_t *length);
hf_status hf_artifact_has(hf_queue *queue, const hf_digest *digest, bool *has);
/* Whether an error of hf_artifact_get is about the bytes. Any other one is about the way to them, whatever its number (a
 * server may refuse us: HF_E_REFUSED), and must not count against whoever put them. */
static inline bool hf_artifact_is_bad(hf_status status) {
  return status == HF_E_NOT_FOUND || status == HF_E_CHECKSUM || status == HF_E_RANGE;
}

/* ---- clients ---- */

typedef enum hf_job_state {
  HF_JOB_QUEUED = 0,
  HF_JOB_LEASED = 1,
  HF_JOB_DONE = 2,
  HF_JOB_FAILED = 3,
  HF_JOB_CANCELLED = 4,
  HF_JOB_DEAD = 5,
} hf_job_state;
#define HF_JOB_STATES 6

const char *hf_job_state_text(hf_job_state state); /* "queued", ...; NULL for a number that is none */
hf_status hf_job_state_parse(const char *text, hf_job_state *out);
static inline bool hf_job_state_open(hf_job_state state) {
  return state == HF_JOB_QUEUED || state == HF_JOB_LEASED;
}

typedef struct hf_submission {
  hf_status status;        /* HF_OK, HF_E_EXISTS, HF_E_NOT_FOUND, HF_E_BUSY, HF_E_ARGUMENT */
  bool created;            /* false where the job was there already */
  hf_job_state state;      /* with HF_OK */
  uint64_t retry_after_ms; /* with HF_E_BUSY */
  char message[200];       /* why, where status is not HF_OK */
} hf_submission;

/* Submits `count` jobs in one transaction. HF_OK when the transaction was
 * committed; each job has its own status in `results`, and those with HF_OK
 * are accepted. The outcome of one job does not touch the others. */
hf_status hf_queue_submit(hf_queue *queue, const hf_job_header *jobs, size_t count, hf_submission *results);
/* One job; returns its status. `result` may be NULL. */
hf_status hf_queue_submit_one(hf_queue *queue, const hf_job_header *job, hf_submission *result);

typedef struct hf_progress {
  uint64_t done;                     /* grows while work is done; its unit is the worker's (ours: rows of the circuit) */
  uint64_t total;                    /* 0: unknown */
  char phase[HF_PARAMETER_NAME + 1]; /* a name ("witness", "quotient") or "" */
} hf_progress;

typedef struct hf_job_record {
  hf_job_header header;
  uint64_t sequence; /* ascending by submission, unique in the store */
  hf_job_state state;
  bool cancel_requested;
  uint64_t epoch;               /* of the last lease; 0: never leased */
  uint32_t attempts;            /* failures charged since submission or requeue */
  uint32_t losses;              /* leases that ran out since then */
  char worker[HF_NAME_MAX + 1]; /* of the last lease, or whose result won; "" if none */
  hf_progress progress;         /* of the last heartbeat */
  uint64_t submitted_ms, leased_ms, expires_ms, ended_ms; /* 0 where it has not come to that */
  uint64_t used_ms;                                       /* device time of all leases so far */
  hf_digest result;                                       /* with HF_JOB_DONE */
  char cause[HF_DETAIL_MAX + 1]; /* why it failed, died or was cancelled; the last failure while it is open */
} hf_job_record;

hf_status hf_queue_get(hf_queue *queue, const hf_job_key *key, hf_job_record *out); /* HF_E_NOT_FOUND */
/* Returns when the job is no longer open. HF_E_TIMEOUT after `timeout_ms`, with the
 * present record in `out`. */
hf_status hf_queue_wait(hf_queue *queue, const hf_job_key *key, uint64_t timeout_ms, hf_job_record *out);
/* `state` afterwards: HF_JOB_CANCELLED, or HF_JOB_LEASED until the worker obeys.
 * HF_E_STATE with the state when the job is over (cancelled before: HF_OK). */
hf_status hf_queue_cancel(hf_queue *queue, const hf_job_key *key, const char *cause, hf_job_state *state);

typedef struct hf_job_filter {
  const char *tenant;  /* NULL: all */
  uint32_t state_mask; /* bit 1 << state; 0: all */
  uint32_t kind_mask;  /* bit 1 << kind; 0: all */
  const char *circuit; /* NULL: all */
  const char *worker;  /* of the last lease; NULL: all */
  uint64_t after;      /* only sequences above this: the page's cursor */
  bool newest_first;   /* then `after` is an upper end, 0 for none */
} hf_job_filter;

/* One page in the order of submission; the last record's `sequence` is the next
 * page's `after`; fewer than `capacity` means that there are no more. */
hf_status hf_queue_list(hf_queue *queue, const hf_job_filter *filter, hf_job_record *records, size_t capacity,
                        size_t *count);

/* ---- workers ---- */

typedef struct hf_lease {
  hf_job_header header;
  uint64_t epoch;
  uint32_t attempts; /* failures so far */
  uint64_t expires_ms;
  uint64_t lease_ms; /* how long each heartbeat renews for: beat at a third of it */
} hf_lease;

/* HF_OK with found = false when there is nothing for this worker. HF_E_QUARANTINED: it gets nothing before it is
 * pardoned; the message says why. */
hf_status hf_queue_lease(hf_queue *queue, const hf_worker *worker, hf_lease *out, bool *found);

typedef enum hf_beat_action {
  HF_BEAT_GO_ON = 0,
  HF_BEAT_CANCELLED = 1, /* stop, then release */
  HF_BEAT_DEADLINE = 2,  /* stop; the job has failed */
  HF_BEAT_STALLED = 3,   /* no progress for stall_ms: not renewed */
} hf_beat_action;

typedef struct hf_beat {
  hf_beat_action action;
  uint64_t expires_ms;
} hf_beat;

/* HF_E_STALE when the lease is no longer held (expired and leased again or queued
 * again, or decided by somebody else's result): stop. HF_E_NOT_FOUND. */
hf_status hf_queue_heartbeat(hf_queue *queue, const hf_job_key *key, uint64_t epoch,
                             const hf_progress *progress, hf_beat *out);

typedef enum hf_finish_outcome {
  HF_FINISH_ACCEPTED = 0,
  HF_FINISH_DUPLICATE = 1, /* the job had this very result */
  HF_FINISH_LATE = 2,      /* the job had another result, which stays */
  HF_FINISH_CANCELLED = 3, /* the job is cancelled; the result was not kept */
} hf_finish_outcome;

/* `worker` is the name of the one that proved. HF_E_NOT_FOUND for an unknown job or a result
 * that is not in the artifact store; HF_E_ARGUMENT for an epoch that was never given. Counted, and without effect:
 * HF_E_QUARANTINED for a worker in quarantine, HF_E_VERIFY for a result of this job that was refused
 * before, or that the store itself found not to verify. */
hf_status hf_queue_finish(hf_queue *queue, const hf_job_key *key, uint64_t epoch, const char *worker,
                          const hf_digest *result, hf_finish_outcome *outcome);
/* `state` afterwards may be NULL: HF_JOB_QUEUED, HF_JOB_DEAD or HF_JOB_CANCELLED. */
hf_status hf_queue_fail(hf_queue *queue, const hf_job_key *key, uint64_t epoch, hf_status code,
                        const char *cause, hf_job_state *state);
hf_status hf_queue_release(hf_queue *queue, const hf_job_key *key, uint64_t epoch);

/* ---- takers ---- */

#define HF_QUEUE_REFUSED_HOLD 60

typedef struct hf_queue_refusal {
  bool again;                   /* this result of the job was refused before: nothing changed now */
  hf_job_state state;           /* of the job now: HF_JOB_QUEUED or HF_JOB_DEAD; with `again` whatever it is */
  char worker[HF_NAME_MAX + 1]; /* whose result it was */
  uint32_t strikes;             /* that this worker has now */
  bool quarantined;             /* this worker, now */
} hf_queue_refusal;

/* `result` does not verify; `cause` says how. HF_E_STATE, with what is there in the message, when the job is not
 * DONE with that result and it was not refused before; HF_E_NOT_FOUND for an unknown job. `out` may be NULL. */
hf_status hf_queue_refuse(hf_queue *queue, const hf_job_key *key, const hf_digest *result, const char *cause,
                          hf_queue_refusal *out);

/* ---- operators ---- */

/* Forgives a worker its strikes and ends its quarantine, if there are any. HF_E_NOT_FOUND for a worker that the
 * store does not know. */
hf_status hf_queue_pardon(hf_queue *queue, const char *worker);

/* Offers expired leases again and ends jobs past their deadline; `changed` may be NULL. */
hf_status hf_queue_reap(hf_queue *queue, uint64_t *changed);

/* Puts a DEAD, FAILED or CANCELLED job back in the queue with its attempts and
 * losses forgiven, and any result taken again. `deadline_ms` replaces the old one (0: none). HF_E_STATE otherwise. */
hf_status hf_queue_requeue(hf_queue *queue, const hf_job_key *key, uint64_t deadline_ms);

typedef struct hf_attempt {
  uint64_t time_ms;
  uint64_t epoch;
  char worker[HF_NAME_MAX + 1];
  int code; /* hf_status as it was reported */
  char cause[HF_DETAIL_MAX + 1];
} hf_attempt;

/* The failures of a job and its results that were refused (HF_E_VERIFY), oldest first, also those that a requeue
 * forgave. */
hf_status hf_queue_attempts(hf_queue *queue, const hf_job_key *key, hf_attempt *attempts, size_t capacity,
                            size_t *count);

/* Weight (1 to 1,000,000, default 1) and quota (0: the default of the options). */
hf_status hf_queue_set_tenant(hf_queue *queue, const char *tenant, uint32_t weight, uint64_t quota);

/* Takes no new work from now on, for `reason`; NULL: takes it again. Seen in the statistics. */
hf_status hf_queue_drain(hf_queue *queue, const char *reason);

typedef struct hf_tenant_stats {
  char tenant[HF_NAME_MAX + 1];
  uint32_t weight;
  uint64_t quota;               /* in force */
  uint64_t jobs[HF_JOB_STATES]; /* by state */
  uint64_t used_ms;             /* device time of all leases that ended: the meter */
  uint64_t proved_ms;           /* of those whose result was accepted */
  uint64_t refused_ms;          /* of those whose result was refused afterwards: proved_ms keeps it, no meter shrinks */
} hf_tenant_stats;

/* Tenants by name, those after `after` (NULL or "": from the first). */
hf_status hf_queue_tenants(hf_queue *queue, const char *after, hf_tenant_stats *out, size_t capacity,
                           size_t *count);

/* Who the store is, and which reading of its meters this is. */
typedef struct hf_reading {
  char store[33];    /* 32 hex digits, drawn when the store was made */
  uint64_t life;     /* 0, until it was put back from a copy; more each time */
  uint64_t sequence; /* ascending from 1 within a life */
  uint64_t time_ms;
} hf_reading;

/* All tenants, by name, in fresh memory that the caller frees (`tenants` NULL: only the reading, which counts too). Of two
 * readings in one life no meter is smaller in the one with the larger number. HF_E_BUSY when others read all the time. */
hf_status hf_queue_read_meters(hf_queue *queue, hf_reading *out, hf_tenant_stats **tenants, size_t *count);

typedef struct hf_queue_stats {
  uint64_t jobs[HF_JOB_STATES];
  char draining[HF_DETAIL_MAX + 1]; /* why no new work is taken; "": it is */
  uint64_t oldest_queued_ms; /* age of the job that has waited longest; 0 if none waits */
  /* counters since the store was made */
  uint64_t submitted, resubmitted, conflicts, refused;
  uint64_t leases, expired, released, failures, stale;
  uint64_t results, late_results, late_differing;
  uint64_t refusals, quarantines, pardons; /* results refused; workers quarantined and pardoned */
  uint64_t barred;                         /* results not taken: of quarantined workers, or refused before */
} hf_queue_stats;

hf_status hf_queue_get_stats(hf_queue *queue, hf_queue_stats *out);

typedef struct hf_worker_record {
  hf_worker worker;        /* the name alone, where it never asked for work */
  uint64_t seen_ms;        /* last lease call or heartbeat; written at most once a second */
  uint32_t strikes;        /* its results that were refused, since it was last pardoned */
  uint64_t quarantined_ms; /* since when it is in quarantine; 0: it is not */
  char cause[HF_DETAIL_MAX + 1]; /* of the last strike; "" without strikes */
} hf_worker_record;

/* Workers seen since `since_ms` and those in quarantine, by name, those after `after`. */
hf_status hf_queue_workers(hf_queue *queue, uint64_t since_ms, const char *after, hf_worker_record *out,
                           size_t capacity, size_t *count);

/* Events with a sequence above `after`, oldest first. Old ones are forgotten
 * (`event_limit`): a gap after `after` shows as a jump of the sequence. */
hf_status hf_queue_events(hf_queue *queue, uint64_t after, hf_event *out, size_t capacity, size_t *count);

/* True: the job stays. Called with the store locked: it must not call the queue. */
typedef bool (*hf_queue_keep)(void *context, const hf_job_record *job);

/* Forgets DONE, FAILED and CANCELLED jobs that ended before `ended_before_ms` (never
 * dead letters) and that `keep` lets go, and with them the memory of their ids; then removes artifacts
 * that no job refers to and that were last put before `put_before_ms`. Leave enough time
 * between a put and the submit or finish that refers to it. Either count may be NULL.
 * `keep` NULL lets all go: right only where no aggregator works (hf_aggregator_collect is for the others). */
hf_status hf_queue_collect(hf_queue *queue, uint64_t ended_before_ms, uint64_t put_before_ms, hf_queue_keep keep,
                           void *context, uint64_t *jobs, uint64_t *artifacts);

typedef struct hf_backup {
  uint64_t jobs, artifacts, bytes; /* in the copy; bytes of the artifacts */
  uint64_t damaged;                /* artifacts that jobs refer to and that are damaged or lost: not in the copy */
} hf_backup;

/* Copies a local store, while others use it, to a folder that is not there yet: the jobs of one moment and the artifacts
 * that they refer to, each of which is looked at (linked where the file system allows it, else copied). The folder has its
 * name when the copy is whole and on the disk. It is a store that can be opened, and which is then RESTORED by itself, each copy of
 * it anew. HF_E_CHECKSUM, with the copy made: some artifacts are damaged, `out` says how many. HF_E_EXISTS;
 * HF_E_UNSUPPORTED for other backends, which have copies of their own (redis/README.md). */
hf_status hf_queue_backup(hf_queue *queue, const char *folder, hf_backup *out);

/* The store was put back from a copy that was not made by hf_queue_backup. Harmless otherwise. */
hf_status hf_queue_restored(hf_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
