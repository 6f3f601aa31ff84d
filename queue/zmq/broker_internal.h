/* What the files of the broker share. */
#ifndef HF_BROKER_INTERNAL_H
#define HF_BROKER_INTERNAL_H

#include "local/local.h"
#include "zmq/broker.h"
#include "zmq/keys.h"
#include "zmq/message.h"

#include <hyperfold/clock.h>

#include <sys/stat.h>
#include <zmq.h>

#define HF_BROKER_CALLS        256                /* taken in one step */
#define HF_BROKER_INFLOW       ((size_t)16 << 20) /* bytes of bodies taken in one step */
#define HF_BROKER_WAITS        4096
#define HF_BROKER_WAITS_EACH   256 /* of one key */
#define HF_BROKER_UPLOADS      256
#define HF_BROKER_UPLOADS_EACH 16    /* of one key */
#define HF_BROKER_UPLOAD_IDLE  60000 /* ms until an upload is given up */
#define HF_BROKER_SESSIONS     (1u << 16)
#define HF_BROKER_KEPT_MS      600000               /* how long an answer is kept */
#define HF_BROKER_REHASH       ((uint64_t)64 << 20) /* longer artifacts are sent again rather than looked at */

/* A request on its way through the broker. */
typedef struct hf_broker_call {
  zmq_msg_t route, body;
  bool malformed; /* nothing is answered: whoever sent it does not speak this protocol */
  bool later;     /* answered when the time has come */
  char key[HF_CURVE_TEXT];
  hf_curve_client who;
  hf_zmq_request request;
  hf_digest asker; /* of the key and the handle */
  hf_zmq_answer answer;
  hf_writer out; /* the answer's body */
} hf_broker_call;

typedef struct hf_broker_wait {
  zmq_msg_t route;
  char key[HF_CURVE_TEXT];
  hf_job_key job;
  uint64_t number, until_ms;
} hf_broker_wait;

typedef struct hf_broker_upload {
  hf_local_upload *file; /* NULL: free */
  hf_digest asker;
  char key[HF_CURVE_TEXT];
  uint64_t seen_ms;
} hf_broker_upload;

/* Lines about what strangers and liars do: one a second of each kind, with the number of those that were left
 * out. */
typedef struct hf_broker_quiet {
  uint64_t told_ms, untold;
} hf_broker_quiet;

/* The last number that a handle used: in one of four places that its digest chooses. */
typedef struct hf_broker_session {
  hf_digest asker;
  uint64_t number, seen_ms;
} hf_broker_session;

struct hf_broker {
  hf_broker_options options;
  hf_logger log;
  hf_local *store;
  hf_queue_options terms; /* of the store, where a request has none of its own */
  uint64_t clock_ms;      /* of the request at hand; 0: the options' clock */
  hf_clock clock;
  int lock;
  void *context, *router, *zap;
  bool owed; /* requests may be waiting: look before sleeping */
  char endpoint[300], clients_path[PATH_MAX], key_path[PATH_MAX];
  char public_key[HF_CURVE_TEXT];
  hf_curve_clients clients;
  struct stat clients_seen, key_seen;
  hf_broker_call calls[HF_BROKER_CALLS];
  hf_broker_wait waits[HF_BROKER_WAITS];
  size_t wait_count;
  uint64_t waits_ms;      /* when waits are looked at next */
  uint64_t store_changes; /* hf_local_changes when waits were last looked at */
  hf_broker_upload uploads[HF_BROKER_UPLOADS];
  hf_broker_session sessions[HF_BROKER_SESSIONS];
  uint64_t tick_ms, minute_ms;
  hf_broker_quiet quiet_keys, quiet_requests, quiet_malformed, quiet_unjudged;
  hf_broker_counts counts;
};


/* Whether a line may be written now; `left_out`: how many were not since the last one. */
bool hf_broker_may_tell(hf_broker_quiet *quiet, uint64_t *left_out);

static inline void hf_broker_refuse(hf_broker_call *call, hf_status status) {
  call->answer.status = status;
  hf_detail_copy(hf_error_message(), call->answer.message);
}

/* ---- broker_once.c: requests that take effect once ---- */

/* A copy of a request that was given up and lay in some connection: nobody waits for it, and it must not act.
 */
bool hf_broker_overtaken(hf_broker *broker, const hf_broker_call *call);
/* The answer that was given to this very request. */
hf_status hf_broker_find_kept(hf_broker *broker, hf_broker_call *call, bool *found);
/* All changes of a step are one transaction: who waits for the disk waits together. When it does not go well,
 * each is tried alone, so that one that the store cannot take does not stop the others. */
void hf_broker_change_all(hf_broker *broker, hf_broker_call **calls, size_t count);

/* ---- broker_calls.c: what requests do ---- */

/* Decides what may be decided before anything is done: `call->answer` has a status other than HF_OK where the
 * request is refused. */
void hf_broker_permit(hf_broker *broker, hf_broker_call *call);
/* Takes effect. For changes: within a group. `changed`: there is something to keep the answer for. */
hf_status hf_broker_perform(hf_broker *broker, hf_broker_call *call, bool *changed);
/* The lease call of an idle worker has nothing to do. */
hf_status hf_broker_idle(hf_broker *broker, hf_broker_call *call, bool *idle);
/* Clock and options of the request. */
void hf_broker_terms(hf_broker *broker, const hf_broker_call *call);

/* ---- broker_bytes.c: artifacts ---- */

hf_status hf_broker_has(hf_broker *broker, hf_broker_call *call);
hf_status hf_broker_put(hf_broker *broker, hf_broker_call *call);
hf_status hf_broker_chunk(hf_broker *broker, hf_broker_call *call);
hf_status hf_broker_fetch(hf_broker *broker, hf_broker_call *call);
/* Gives up uploads that nobody goes on with, and those of keys that are no longer in the list; all: at the
 * end. */
void hf_broker_uploads_tidy(hf_broker *broker, bool all);

#endif
