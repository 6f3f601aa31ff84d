/* The local backend: a folder with a SQLite database (jobs) and a tree of files
 * (artifacts), shared by any number of processes on one machine.
 *
 *   FOLDER/queue.db       write-ahead log, synchronous=FULL: a commit is on the disk
 *   FOLDER/artifacts/xx/  files named by the other 62 digits of their digest
 *
 * Every change is one BEGIN IMMEDIATE ... COMMIT, so that what it read still
 * holds when it writes. Functions here expect the handle's mutex to be held. */
#ifndef HF_QUEUE_LOCAL_H
#define HF_QUEUE_LOCAL_H

#include "queue_backend.h"

#include <hyperfold/splitmix.h>

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>
#include <sys/types.h>
#include <time.h>

#define HF_LOCAL_STATEMENTS 96
#define HF_LOCAL_NEVER      INT64_MAX /* a deadline that does not come */

typedef struct hf_local {
  hf_queue queue;
  sqlite3 *db;
  pthread_mutex_t mutex;
  pid_t owner;                 /* a database must not be carried across fork */
  uint64_t turn;               /* state of the random pauses while another process writes */
  uint64_t waiting_since_ms;   /* of the present wait for the write lock, on the monotonic clock */
  bool grouped;                /* local_serve.c: the calls of one thread are parts of one transaction */
  char folder[PATH_MAX - 128]; /* room for artifacts/xx/DIGEST and a temporary name */
  struct {
    const char *text; /* compared by address: every text is a literal of one place */
    sqlite3_stmt *statement;
  } statements[HF_LOCAL_STATEMENTS];
} hf_local;

/* The pause of somebody who has found the store locked `tries` times before. SQLite's own pauses grow to 100 ms, in which a store
 * with many clients stands idle; these are random and short: with n clients somebody looks every 7/n ms.
 * bench/README.md (Queue) tells what a line in the order of arrival would change. */
static inline void hf_local_pause(int tries, uint64_t *random) {
  uint64_t longest_us = tries < 4 ? 1000u << tries : 12000;
  nanosleep(&(struct timespec){.tv_nsec = (long)(500 + hf_splitmix64(random) % longest_us) * 1000}, NULL);
}

/* A row of the jobs table. */
typedef struct hf_local_job {
  hf_job_record record;
  hf_digest payload;
  int64_t due;         /* HF_LOCAL_NEVER: no deadline */
  uint64_t beat_ms;    /* last sign of life of the lease */
  uint64_t advance_ms; /* when progress last grew */
  uint64_t charged_ms; /* expected time that was charged for fairness when leased */
  uint64_t proved_ms;  /* what its result was metered with */
} hf_local_job;

/* ---- local_store.c: connection, statements, transactions ---- */

/* Takes the handle: HF_E_STATE in a forked child. */
hf_status hf_local_enter(hf_local *local);
void hf_local_leave(hf_local *local);
/* Takes the handle and the database's write lock; ends with hf_local_end, which commits when
 * `status` is HF_OK, rolls back otherwise, and gives the final status. */
hf_status hf_local_begin(hf_local *local);
hf_status hf_local_end(hf_local *local, hf_status status);

/* A cached statement with its parameters bound in order: 'i' int64_t, 't' const
 * char *, 'b' const void * and size_t, 'n' NULL (no argument). `text` must be a literal. */
hf_status hf_local_prepare(hf_local *local, sqlite3_stmt **out, const char *text, const char *types, ...);
/* `row` is false at the end. The statement is reset when no row or an error comes. */
hf_status hf_local_step(hf_local *local, sqlite3_stmt *statement, bool *row);
/* Prepares and runs a statement that gives no rows. */
hf_status hf_local_run(hf_local *local, const char *text, const char *types, ...);
/* Runs a query for one integer; 0 for no row or NULL. */
hf_status hf_local_number(hf_local *local, int64_t *out, const char *text, const char *types, ...);

/* A text or blob column into a fixed buffer; HF_E_FORMAT when it does not fit. */
hf_status hf_local_column_text(sqlite3_stmt *statement, int column, char *out, size_t capacity);
hf_status hf_local_column_digest(sqlite3_stmt *statement, int column, hf_digest *out); /* NULL: zeros */

/* ---- local_serve.c: for the broker (zmq/), which serves a store to others ---- */

/* Makes the tables of a served store where they are missing. */
hf_status hf_local_serve(hf_local *local);
/* From here to the end all calls on the handle, which must come from this thread alone, are one transaction;
 * each of them still takes effect whole or not at all. Errors of the end: nothing of the group happened. */
hf_status hf_local_group_begin(hf_local *local);
hf_status hf_local_group_end(hf_local *local, hf_status status);
/* Within a group that is whole. SQLite answers some errors (a full disk) with a rollback of everything: then
 * every further call fails, and so does the end. */
bool hf_local_grouped(const hf_local *local);

/* Within a group. The answer that was kept for a request of `asker`, the digest that names whose requests these
 * are. `number` is that of the last request that changed something; 0 for none. The caller frees `answer`. */
hf_status hf_local_answer_find(hf_local *local, const hf_digest *asker, uint64_t *number, hf_writer *answer);
hf_status hf_local_answer_keep(hf_local *local, const hf_digest *asker, uint64_t number, hf_bytes answer,
                               uint64_t now);
/* Outside of a group: those kept before `before` are forgotten. */
hf_status hf_local_answers_forget(hf_local *local, uint64_t before);

/* Which worker had the lease of this epoch, "" where nothing tells; and the job's state. In a job that is done it
 * may be the one whose result won. */
hf_status hf_local_holder(hf_local *local, const hf_job_key *key, uint64_t epoch, hf_job_state *state,
                          char worker[HF_NAME_MAX + 1]);
/* Whether the artifact is input or result of a job of the tenant, or was put by it. */
hf_status hf_local_owns(hf_local *local, const char *tenant, const hf_digest *digest, bool *owns);
hf_status hf_local_note_put(hf_local *local, const char *tenant, const hf_digest *digest, uint64_t now);
hf_status hf_local_forget_puts(hf_local *local, uint64_t before);
/* A number that is another one when anybody has changed the store. */
hf_status hf_local_changes(hf_local *local, uint64_t *out);

/* hf_queue_collect in pieces. Jobs that ended before `before` with a sequence above `after`; their removal, where
 * they still are what was seen; the artifacts in one of 256 folders. */
hf_status hf_local_ended(hf_local *local, uint64_t before, uint64_t after, hf_job_record *records,
                         size_t capacity, size_t *count);
hf_status hf_local_forget(hf_local *local, uint64_t sequence, uint64_t ended_ms, uint64_t *removed);
hf_status hf_local_sweep(hf_local *local, unsigned folder, uint64_t put_before_ms, uint64_t *removed);

/* ---- local_upload.c: artifacts that come and go in pieces ---- */

typedef struct hf_local_upload {
  hf_digest_state state; /* of what has come */
  hf_digest digest;
  uint64_t size, received, synced;
  int fd; /* -1: none */
  char path[PATH_MAX];
} hf_local_upload;

/* A file in the making is a temporary one in the store, which hf_queue_collect removes when it was left behind. */
hf_status hf_local_upload_open(hf_local *local, const hf_digest *digest, uint64_t size, hf_local_upload *upload);
hf_status hf_local_upload_write(hf_local_upload *upload, const void *data, size_t length);
/* After the last byte: HF_E_CHECKSUM where it is not what its digest says. The upload is closed in any case. */
hf_status hf_local_upload_finish(hf_local *local, hf_local_upload *upload);
void hf_local_upload_drop(hf_local_upload *upload);
/* Whether the store has these bytes. What is longer than `limit` is not looked at: false. A put counts as of now. */
hf_status hf_local_artifact_renew(hf_local *local, const hf_digest *digest, uint64_t limit, bool *there);
/* Bytes from `offset` on, up to `capacity`; the artifact's size. */
hf_status hf_local_artifact_piece(hf_local *local, const hf_digest *digest, uint64_t offset, void *out,
                                  size_t capacity, size_t *length, uint64_t *size);

/* ---- local_jobs.c: rows and their changes ---- */

/* What a row's checksum is over: all that a job's row says. Triggers keep it (local_store.c), every reading checks it:
 * SQLite notices damage to its own structures, and none to a number or a text in a row. */
#define HF_LOCAL_JOB_SUM                                                                                     \
  "hf_sum(seq, tenant, id, payload, header, kind, circuit, offer, input, priority, due, device_memory, "      \
  "host_memory, state, cancel, epoch, attempts, losses, worker, done, total, phase, submitted_at, "          \
  "leased_at, beat_at, advance_at, expires_at, ended_at, used, charged, result, cause, proved)"

/* The columns of hf_local_read_job, in its order. */
#define HF_LOCAL_JOB_COLUMNS                                                                                 \
  "seq, header, payload, due, state, cancel, epoch, attempts, losses, worker, done, total, phase, "          \
  "submitted_at, leased_at, expires_at, ended_at, used, result, cause, beat_at, advance_at, charged, proved, "                    \
  "sum IS " HF_LOCAL_JOB_SUM
hf_status hf_local_read_job(sqlite3_stmt *statement, hf_local_job *out);
/* The one row that such a statement gives, if it gives one. */
hf_status hf_local_take_job(hf_local *local, sqlite3_stmt *statement, hf_local_job *out, bool *found);
/* All rows that such a statement gives, behind the `count` that there are. */
hf_status hf_local_take_records(hf_local *local, sqlite3_stmt *statement, hf_job_record *records, size_t *count);
hf_status hf_local_find(hf_local *local, const hf_job_key *key, hf_local_job *out); /* HF_E_NOT_FOUND */

hf_status hf_local_event(hf_local *local, uint64_t now, hf_event_kind kind, const hf_local_job *job,
                         const char *worker, const char *detail);
/* To be called before a tenant gets a queued job: makes its row, and where it has
 * been idle lets its fair share start at the present. */
hf_status hf_local_wake_tenant(hf_local *local, const char *tenant);

hf_status hf_local_submit(hf_queue *, const hf_job_header *, size_t, hf_submission *);
hf_status hf_local_get(hf_queue *, const hf_job_key *, hf_job_record *);
hf_status hf_local_list(hf_queue *, const hf_job_filter *, hf_job_record *, size_t, size_t *);
hf_status hf_local_cancel(hf_queue *, const hf_job_key *, const char *, hf_job_state *);
hf_status hf_local_requeue(hf_queue *, const hf_job_key *, uint64_t);

/* ---- local_lease.c ---- */

hf_status hf_local_lease(hf_queue *, const hf_worker *, hf_lease *, bool *);
/* Whether a lease call of this worker may change anything; takes no write lock. */
hf_status hf_local_lease_look(hf_local *local, const hf_worker *worker, bool *work);
hf_status hf_local_heartbeat(hf_queue *, const hf_job_key *, uint64_t, const hf_progress *, hf_beat *);
hf_status hf_local_finish(hf_queue *, const hf_job_key *, uint64_t, const char *, const hf_digest *,
                          hf_finish_outcome *);
hf_status hf_local_fail(hf_queue *, const hf_job_key *, uint64_t, hf_status, const char *, hf_job_state *);
hf_status hf_local_release(hf_queue *, const hf_job_key *, uint64_t);
hf_status hf_local_reap(hf_queue *, uint64_t *);

/* What an attempt is charged for. */
typedef struct hf_local_attempt {
  hf_status code;
  const char *cause;       /* cleaned by hf_detail_copy */
  const hf_digest *result; /* that was refused, or NULL: a failure */
} hf_local_attempt;
/* Charges an attempt to job->record.worker: notes it, and offers the job again or buries it (`state`). */
hf_status hf_local_charge(hf_local *local, hf_local_job *job, uint64_t now, const hf_local_attempt *attempt,
                          hf_job_state *state);
/* Ends the lease of a leased job without an attempt. */
hf_status hf_local_give_back(hf_local *local, hf_local_job *job, uint64_t now, const char *why);

/* ---- local_refuse.c ---- */

hf_status hf_local_refuse(hf_queue *, const hf_job_key *, const hf_digest *, bool, const char *, hf_queue_refusal *);
hf_status hf_local_pardon(hf_queue *, const char *);
/* HF_E_QUARANTINED, with the reason, for a worker in quarantine. */
hf_status hf_local_admit(hf_local *local, const char *worker);
/* Whether this worker's result of this job must not be taken; if so, counts it and fills `verdict`. */
hf_status hf_local_bar(hf_local *local, const hf_local_job *job, const char *worker, const hf_digest *result,
                       uint64_t now, hf_status *verdict);

/* ---- local_admin.c ---- */

hf_status hf_local_attempts(hf_queue *, const hf_job_key *, hf_attempt *, size_t, size_t *);
hf_status hf_local_set_tenant(hf_queue *, const char *, uint32_t, uint64_t);
hf_status hf_local_tenants(hf_queue *, const char *, hf_tenant_stats *, size_t, size_t *);
hf_status hf_local_drain(hf_queue *, const char *);
hf_status hf_local_stats(hf_queue *, hf_queue_stats *);
hf_status hf_local_workers(hf_queue *, uint64_t, const char *, hf_worker_record *, size_t, size_t *);
hf_status hf_local_events(hf_queue *, uint64_t, hf_event *, size_t, size_t *);

hf_status hf_local_reading(hf_queue *, hf_reading *);

/* ---- local_backup.c ---- */

hf_status hf_local_backup(hf_queue *, const char *, hf_backup *);
hf_status hf_local_restored(hf_queue *);
/* For a store that is being opened, in its transaction: if it is a copy, it is restored now. */
hf_status hf_local_wake_copy(hf_local *local);

/* ---- local_artifacts.c ---- */

hf_status hf_local_artifact_put(hf_queue *, const void *, size_t, hf_digest *);
hf_status hf_local_artifact_get(hf_queue *, const hf_digest *, size_t, uint8_t **, size_t *);
hf_status hf_local_artifact_has(hf_queue *, const hf_digest *, bool *);
hf_status hf_local_collect(hf_queue *, uint64_t, uint64_t, hf_queue_keep, void *, uint64_t *, uint64_t *);
/* Without taking the handle. */
hf_status hf_local_artifact_exists(const hf_local *local, const hf_digest *digest, bool *has);
/* Where it lies; both of PATH_MAX bytes. */
void hf_local_artifact_path(const hf_local *local, const hf_digest *digest, char *folder, char *path);
hf_status hf_local_artifact_folder(const hf_local *local, const char *folder); /* makes it */
hf_status hf_local_sync_folder(const char *folder);
void hf_local_touch(const char *path, uint64_t now);

#endif
