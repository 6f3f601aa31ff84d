/* What goes between a client and the broker. Each way two frames: a head (messages.proto) and a body, which
 * is a list of records or the bytes of a piece of an artifact.
 *
 * Everything that decodes here was checked: names are names, lists end where they say. Whether an operation
 * has the fields that it needs is checked by the broker (broker_serve.c). */
#ifndef HF_ZMQ_MESSAGE_H
#define HF_ZMQ_MESSAGE_H

#include "queue.h"

#define HF_ZMQ_VERSION  1
#define HF_ZMQ_HEAD_MAX 4096u
#define HF_ZMQ_PIECE    ((size_t)1 << 20)       /* bytes of an artifact in one message */
#define HF_ZMQ_BODY_MAX (HF_ZMQ_PIECE + 65536u) /* a frame that is longer is refused by libzmq */
#define HF_ZMQ_PAGE     ((size_t)256 << 10)     /* a list ends when it has this many bytes */
#define HF_ZMQ_HANDLE   16
#define HF_ZMQ_NUMBERS  24
#define HF_ZMQ_TERMS    9

/* Who may ask for what. A client is of one tenant, and is kept to what is that tenant's. */
typedef enum hf_zmq_role {
  HF_ROLE_CLIENT = 1,
  HF_ROLE_WORKER = 2,
  HF_ROLE_VIEWER = 4,
  HF_ROLE_OPERATOR = 8,
} hf_zmq_role;

/* How the broker treats it. */
typedef enum hf_zmq_kind {
  HF_ZMQ_READS,   /* changes nothing */
  HF_ZMQ_CHANGES, /* takes effect once; the answer is kept with it */
  HF_ZMQ_BYTES,   /* artifacts: named by their bytes, so that twice is once */
} hf_zmq_kind;

#define HF_ROLES_ALL   (HF_ROLE_CLIENT | HF_ROLE_WORKER | HF_ROLE_VIEWER | HF_ROLE_OPERATOR)
#define HF_ROLES_LOOK  (HF_ROLE_CLIENT | HF_ROLE_VIEWER | HF_ROLE_OPERATOR)
#define HF_ROLES_OURS  (HF_ROLE_CLIENT | HF_ROLE_OPERATOR)
#define HF_ROLES_PROVE (HF_ROLE_WORKER | HF_ROLE_OPERATOR)
#define HF_ROLES_WATCH (HF_ROLE_VIEWER | HF_ROLE_OPERATOR)
#define HF_ROLES_BYTES (HF_ROLE_CLIENT | HF_ROLE_WORKER | HF_ROLE_OPERATOR)

/* X(NAME, number, kind, roles). What each takes -> gives; "body" is a list unless it says bytes:
 *   HELLO                                      -> numbers {role}
 *   SUBMIT     body: job headers               -> body: submissions
 *   GET        key                             -> body: record
 *   WAIT       key, numbers {ms}               -> body: record, when the job is over or the time is
 *   CANCEL     key, text cause                 -> numbers {state}, also with E_STATE
 *   LIST       tenant, name circuit, other worker, numbers {states, kinds, after, newest first, capacity}
 *                                              -> numbers {there may be more}, body: records
 *   ATTEMPTS   key, numbers {capacity}         -> body: attempts
 *   LEASE      body: announcement              -> numbers {found, epoch, attempts, expires, lease}, body:
 * header HEARTBEAT  key, epoch, name phase, numbers {done, total} -> numbers {action, expires} FINISH key,
 * epoch, name worker, digest -> numbers {outcome} FAIL       key, epoch, text cause, numbers {code} ->
 * numbers {state} RELEASE    key, epoch REAP                                       -> numbers {changed}
 *   REQUEUE    key, numbers {deadline}
 *   SET_TENANT tenant, numbers {weight, quota}
 *   TENANTS    name after, numbers {capacity}  -> body: tenants
 *   STATS                                      -> numbers {as in hf_queue_stats}, body: why it drains, as
 * bytes WORKERS    name after, numbers {since, capacity} -> body: workers EVENTS     numbers {after,
 * capacity}       -> body: events ENDED      numbers {before, after, capacity} -> numbers {there may be
 * more}, body: records FORGET     body: {sequence, ended}         -> numbers {removed} SWEEP      numbers
 * {folder, before}        -> numbers {removed} HAS        digest                          -> numbers {has}
 *   PUT        digest, numbers {size}          -> numbers {whole, bytes there}: what is to be sent from there
 * on CHUNK      digest, numbers {offset}, body: bytes -> as PUT FETCH      digest, numbers {offset}        ->
 * numbers {size}, body: bytes REFUSE     key, digest, text cause, numbers {lost} -> body: refusal PARDON name
 *   READING                                    -> numbers {life, sequence, time}, body: the store's digits
 *   RESTORED
 *   DRAIN      text reason */
#define HF_ZMQ_OPERATIONS(X)                                                                                 \
  X(HELLO, 1, READS, ALL)                                                                                    \
  X(SUBMIT, 2, CHANGES, OURS)                                                                                \
  X(GET, 3, READS, LOOK)                                                                                     \
  X(WAIT, 4, READS, LOOK)                                                                                    \
  X(CANCEL, 5, CHANGES, OURS)                                                                                \
  X(LIST, 6, READS, LOOK)                                                                                    \
  X(ATTEMPTS, 7, READS, LOOK)                                                                                \
  X(LEASE, 8, CHANGES, PROVE)                                                                                \
  X(HEARTBEAT, 9, CHANGES, PROVE)                                                                            \
  X(FINISH, 10, CHANGES, PROVE)                                                                              \
  X(FAIL, 11, CHANGES, PROVE)                                                                                \
  X(RELEASE, 12, CHANGES, PROVE)                                                                             \
  X(REAP, 13, CHANGES, OPERATOR)                                                                             \
  X(REQUEUE, 14, CHANGES, OPERATOR)                                                                          \
  X(SET_TENANT, 15, CHANGES, OPERATOR)                                                                       \
  X(TENANTS, 16, READS, WATCH)                                                                               \
  X(STATS, 17, READS, WATCH)                                                                                 \
  X(WORKERS, 18, READS, WATCH)                                                                               \
  X(EVENTS, 19, READS, WATCH)                                                                                \
  X(ENDED, 20, READS, OPERATOR)                                                                              \
  X(FORGET, 21, CHANGES, OPERATOR)                                                                           \
  X(SWEEP, 22, BYTES, OPERATOR)                                                                              \
  X(HAS, 23, BYTES, ALL)                                                                                     \
  X(PUT, 24, BYTES, BYTES)                                                                                   \
  X(CHUNK, 25, BYTES, BYTES)                                                                                 \
  X(FETCH, 26, BYTES, BYTES)                                                                                 \
  X(REFUSE, 27, CHANGES, OPERATOR)                                                                           \
  X(PARDON, 28, CHANGES, OPERATOR)                                                                           \
  X(READING, 29, CHANGES, OPERATOR)                                                                          \
  X(RESTORED, 30, CHANGES, OPERATOR)                                                                         \
  X(DRAIN, 31, CHANGES, OPERATOR)
#define HF_ROLES_OPERATOR HF_ROLE_OPERATOR

typedef enum hf_zmq_operation {
#define HF_ZMQ_ENUM(name, number, kind, roles) HF_ZMQ_##name = number,
  HF_ZMQ_OPERATIONS(HF_ZMQ_ENUM)
#undef HF_ZMQ_ENUM
} hf_zmq_operation;

typedef struct hf_zmq_rule {
  const char *name;
  hf_zmq_kind kind;
  unsigned roles; /* hf_zmq_role, or'ed */
} hf_zmq_rule;

const hf_zmq_rule *hf_zmq_rule_of(hf_zmq_operation operation); /* NULL: there is no such operation */

/* Places in `terms`. */
enum {
  HF_TERM_LEASE,
  HF_TERM_STALL,
  HF_TERM_RETRY,
  HF_TERM_ATTEMPTS,
  HF_TERM_LOSSES,
  HF_TERM_TENANT_QUOTA,
  HF_TERM_TOTAL_QUOTA,
  HF_TERM_EVENTS,
  HF_TERM_STRIKES,
};

typedef struct hf_zmq_request {
  hf_zmq_operation operation;
  uint8_t handle[HF_ZMQ_HANDLE];
  uint64_t number;
  hf_job_key key; /* tenant "" and id of length 0 where there is none */
  uint64_t epoch;
  hf_digest digest;
  char name[HF_NAME_MAX + 1], other[HF_NAME_MAX + 1]; /* valid names, or "" */
  char text[HF_DETAIL_MAX + 1];
  uint64_t numbers[HF_ZMQ_NUMBERS]; /* 0 where none was sent */
  size_t number_count;
  uint64_t terms[HF_ZMQ_TERMS]; /* 0 where none was sent */
  uint64_t clock_ms;
} hf_zmq_request;

typedef struct hf_zmq_answer {
  uint64_t number;
  hf_status status;
  char message[HF_DETAIL_MAX + 1];
  uint64_t numbers[HF_ZMQ_NUMBERS];
  size_t number_count;
} hf_zmq_answer;

/* Heads. Encoders append to `w`; decoders' errors: HF_E_FORMAT, HF_E_RANGE, HF_E_VERSION, HF_E_MEMORY. */
hf_status hf_zmq_request_encode(const hf_zmq_request *request, hf_writer *w);
hf_status hf_zmq_request_decode(const void *data, size_t length, hf_zmq_request *out);
hf_status hf_zmq_answer_encode(const hf_zmq_answer *answer, hf_writer *w);
hf_status hf_zmq_answer_decode(const void *data, size_t length, hf_zmq_answer *out);

/* Records of a list, one after the other until the end of the body. */
hf_status hf_zmq_write_header(hf_writer *w, const hf_job_header *header);
hf_status hf_zmq_read_header(hf_reader *r, hf_job_header *out);
hf_status hf_zmq_write_worker(hf_writer *w, const hf_worker *worker);
hf_status hf_zmq_read_worker(hf_reader *r, hf_worker *out);
hf_status hf_zmq_write_worker_record(hf_writer *w, const hf_worker_record *record);
hf_status hf_zmq_read_worker_record(hf_reader *r, hf_worker_record *out);
hf_status hf_zmq_write_refusal(hf_writer *w, const hf_queue_refusal *refusal);
hf_status hf_zmq_read_refusal(hf_reader *r, hf_queue_refusal *out);
hf_status hf_zmq_write_event(hf_writer *w, const hf_event *event);
hf_status hf_zmq_read_event(hf_reader *r, hf_event *out);
hf_status hf_zmq_write_record(hf_writer *w, const hf_job_record *record);
hf_status hf_zmq_read_record(hf_reader *r, hf_job_record *out);
hf_status hf_zmq_write_submission(hf_writer *w, const hf_submission *submission);
hf_status hf_zmq_read_submission(hf_reader *r, hf_submission *out);
hf_status hf_zmq_write_attempt(hf_writer *w, const hf_attempt *attempt);
hf_status hf_zmq_read_attempt(hf_reader *r, hf_attempt *out);
hf_status hf_zmq_write_tenant(hf_writer *w, const hf_tenant_stats *tenant);
hf_status hf_zmq_read_tenant(hf_reader *r, hf_tenant_stats *out);

/* The counters of hf_queue_stats in the order in which they travel. */
#define HF_ZMQ_COUNTERS (HF_JOB_STATES + 17)
void hf_zmq_stats_fields(hf_queue_stats *stats, uint64_t *fields[HF_ZMQ_COUNTERS]);

#endif
