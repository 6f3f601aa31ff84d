/* The Redis backend: one server, any number of machines.
 *
 * A store is the keys under one prefix (README.md lists them). Every change is one
 * script (scripts/), which the server runs as a whole or not at all; owner and
 * epoch are checked in it. A request carries the handle's id and a number, so that
 * one whose answer was lost is sent again and takes effect once.
 * Functions here expect the handle's mutex to be held unless they say otherwise. */
#ifndef HF_QUEUE_REDIS_H
#define HF_QUEUE_REDIS_H

#include "queue_backend.h"

#include <hiredis/hiredis.h>
#include <pthread.h>
#include <sys/types.h>

#define HF_REDIS_CHUNK  ((size_t)1 << 20) /* bytes of an artifact in one key */
#define HF_REDIS_TEXT   256
#define HF_REDIS_MOST   200         /* jobs and the like in one answer */
#define HF_REDIS_INFLUX (96u << 20) /* bytes of one answer; more is no answer of ours */

/* What a server may lose: hf_redis_check refuses one that may lose more. */
typedef enum hf_redis_accept {
  HF_REDIS_DURABLE = 0,  /* nothing: append-only file, appendfsync always, noeviction */
  HF_REDIS_EVERYSEC = 1, /* the last second at a power cut */
  HF_REDIS_VOLATILE = 2, /* everything */
} hf_redis_accept;

typedef struct hf_redis_address {
  char path[108]; /* of a unix socket; "" for TCP */
  bool tls;       /* rediss:// */
  char host[HF_REDIS_TEXT];
  char port[6];
  char user[HF_NAME_MAX + 1];        /* "": the server's default user */
  char password_file[HF_REDIS_TEXT]; /* "": no AUTH */
  char ca_file[HF_REDIS_TEXT];       /* with TLS: who may vouch for the server; "": the system's store */
  char cert_file[HF_REDIS_TEXT];     /* with TLS: our certificate and its chain; "": none */
  char key_file[HF_REDIS_TEXT];      /* its key; both or neither */
  unsigned db;
  char prefix[HF_NAME_MAX + 1]; /* default "hyperfold" */
  hf_redis_accept accept;
  unsigned replicas;         /* that must have a change before it counts; 0: none */
  char shown[HF_REDIS_TEXT]; /* for messages: scheme, host or path, db */
} hf_redis_address;

/* redis://[USER@]HOST[:PORT][/DB][?OPTION&...], rediss://... (TLS) or unix:PATH[?OPTION&...]; the options are
 * user, password-file, db, prefix, accept, replicas, and with TLS ca-file, cert-file, key-file. HF_E_ARGUMENT
 * says what is wrong with it. */
hf_status hf_redis_address_parse(const char *location, hf_redis_address *out);

/* ---- redis_wire.c: bytes to a server and answers from it; knows no queue ---- */

typedef struct hf_redis_tls hf_redis_tls; /* redis_tls.h */

typedef struct hf_redis_wire {
  int fd;            /* -1: not connected */
  hf_redis_tls *tls; /* NULL: none */
  bool plain;        /* by TCP without TLS, and no answer has come yet: perhaps the server wants TLS */
  redisReader *reader;
} hf_redis_wire;

/* A request in the making: arguments, counted. */
typedef struct hf_redis_request {
  hf_writer body;
  size_t count;
} hf_redis_request;

void hf_redis_put_bytes(hf_redis_request *request, const void *data, size_t length);
void hf_redis_put_text(hf_redis_request *request, const char *text);
void hf_redis_put_u64(hf_redis_request *request, uint64_t value);
void hf_redis_put_digest(hf_redis_request *request, const hf_digest *digest); /* hex */

/* Waits for `events` of poll until then. 0, or an errno. */
int hf_redis_wait_for(int fd, short events, uint64_t until);

/* Errors: HF_E_IO, and where TLS was refused for good HF_E_REFUSED; after them the wire is closed. */
hf_status hf_redis_wire_open(hf_redis_wire *wire, const hf_redis_address *address, uint64_t timeout_ms);
void hf_redis_wire_close(hf_redis_wire *wire);
/* Sends `first` and `second` (may be NULL) as one request and waits for the answer, which the caller
 * frees with freeReplyObject. An error that the server reports is an answer. */
hf_status hf_redis_wire_ask(hf_redis_wire *wire, const hf_redis_request *first,
                            const hf_redis_request *second, uint64_t timeout_ms, redisReply **answer);

/* ---- redis_store.c: the handle, scripts, trying again ---- */

typedef enum hf_redis_script {
#define HF_REDIS_SCRIPT(name, flags, parts) HF_REDIS_##name,
#include "redis_scripts.h"
#undef HF_REDIS_SCRIPT
  HF_REDIS_SCRIPTS
} hf_redis_script;

typedef struct hf_redis {
  hf_queue queue;
  pthread_mutex_t mutex;
  pid_t owner;    /* a connection must not be shared across fork */
  bool own_clock; /* the options' clock is not the system's: it goes along with each request */
  hf_redis_address address;
  hf_redis_wire wire;
  char client[33];
  uint64_t number;                /* of the last request */
  uint64_t patience_ms;           /* how long a request waits for a server that is away */
  char sha[HF_REDIS_SCRIPTS][41]; /* "": not loaded by this handle yet */
} hf_redis;

/* Takes the handle: HF_E_STATE in a forked child. Not to be called with it. */
hf_status hf_redis_enter(hf_redis *redis);
void hf_redis_leave(hf_redis *redis);

/* Runs a script and frees `request`. `answer` is {0, ...}; for another status it is NULL
 * and the script's message is recorded, unless `refused` is given: then the answer comes
 * in any case, with the status in `refused`. */
hf_status hf_redis_run(hf_redis *redis, hf_redis_script script, hf_redis_request *request,
                       redisReply **answer, hf_status *refused);
/* The same for a script about one job: takes and leaves the handle, and names the job where there is none. */
hf_status hf_redis_run_job(hf_redis *redis, hf_redis_script script, const hf_job_key *key,
                           hf_redis_request *request, redisReply **answer, hf_status *refused);
/* `request` with the job's key in front of what comes. */
hf_redis_request hf_redis_about(const hf_job_key *key);

/* Parts of an answer. HF_E_FORMAT where it is not of that shape. */
const redisReply *hf_redis_at(const redisReply *answer, size_t index); /* NULL when there is none */
hf_status hf_redis_u64(const redisReply *part, uint64_t *out);
hf_status hf_redis_text(const redisReply *part, char *out, size_t capacity);

/* ---- redis_jobs.c ---- */

hf_status hf_redis_read_job(const redisReply *flat, hf_job_record *out);
/* The parts of a record that say what is to be proven: HF_E_CHECKSUM where they do not belong together. */
hf_status hf_redis_read_header(const redisReply *header, const redisReply *payload, const redisReply *tenant,
                               const redisReply *id, hf_job_header *out);
void hf_redis_log_state(hf_redis *redis, const hf_job_key *key, hf_job_state state, const char *cause);

hf_status hf_redis_submit(hf_queue *, const hf_job_header *, size_t, hf_submission *);
hf_status hf_redis_get(hf_queue *, const hf_job_key *, hf_job_record *);
hf_status hf_redis_list(hf_queue *, const hf_job_filter *, hf_job_record *, size_t, size_t *);
hf_status hf_redis_cancel(hf_queue *, const hf_job_key *, const char *, hf_job_state *);
hf_status hf_redis_requeue(hf_queue *, const hf_job_key *, uint64_t);

/* ---- redis_lease.c ---- */

hf_status hf_redis_lease(hf_queue *, const hf_worker *, hf_lease *, bool *);
hf_status hf_redis_heartbeat(hf_queue *, const hf_job_key *, uint64_t, const hf_progress *, hf_beat *);
hf_status hf_redis_finish(hf_queue *, const hf_job_key *, uint64_t, const char *, const hf_digest *,
                          hf_finish_outcome *);
hf_status hf_redis_fail(hf_queue *, const hf_job_key *, uint64_t, hf_status, const char *, hf_job_state *);
hf_status hf_redis_release(hf_queue *, const hf_job_key *, uint64_t);
hf_status hf_redis_refuse(hf_queue *, const hf_job_key *, const hf_digest *, bool, const char *,
                          hf_queue_refusal *);
hf_status hf_redis_reap(hf_queue *, uint64_t *);

/* ---- redis_admin.c ---- */

hf_status hf_redis_attempts(hf_queue *, const hf_job_key *, hf_attempt *, size_t, size_t *);
hf_status hf_redis_pardon(hf_queue *, const char *);
hf_status hf_redis_set_tenant(hf_queue *, const char *, uint32_t, uint64_t);
hf_status hf_redis_tenants(hf_queue *, const char *, hf_tenant_stats *, size_t, size_t *);
hf_status hf_redis_drain(hf_queue *, const char *);
hf_status hf_redis_reading(hf_queue *, hf_reading *);
hf_status hf_redis_restored(hf_queue *);
hf_status hf_redis_stats(hf_queue *, hf_queue_stats *);
hf_status hf_redis_workers(hf_queue *, uint64_t, const char *, hf_worker_record *, size_t, size_t *);
hf_status hf_redis_events(hf_queue *, uint64_t, hf_event *, size_t, size_t *);

/* ---- redis_artifacts.c ---- */

hf_status hf_redis_artifact_put(hf_queue *, const void *, size_t, hf_digest *);
hf_status hf_redis_artifact_get(hf_queue *, const hf_digest *, size_t, uint8_t **, size_t *);
hf_status hf_redis_artifact_has(hf_queue *, const hf_digest *, bool *);
hf_status hf_redis_collect(hf_queue *, uint64_t, uint64_t, hf_queue_keep, void *, uint64_t *, uint64_t *);

#endif
