/* What the parts agree on about jobs: the header of a job, the announcement of
 * a worker, an event of the queue, and their encoding for the wire and the disk
 * (hyperfold.proto). These are plain values without pointers; everything that
 * decodes has been checked. */
#ifndef HYPERFOLD_JOB_H
#define HYPERFOLD_JOB_H

#include <hyperfold/bytes.h>
#include <hyperfold/digest.h>
#include <hyperfold/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_WIRE_VERSION   1
#define HF_WIRE_MAX       65536 /* bytes of an encoded message */
#define HF_NAME_MAX       64    /* characters of a tenant, circuit, worker */
#define HF_JOB_ID_MAX     64    /* bytes */
#define HF_PARAMETER_MAX  16
#define HF_PARAMETER_NAME 32
#define HF_CAPABILITY_MAX 128
#define HF_DEVICE_MAX     32
#define HF_DETAIL_MAX     500 /* bytes of UTF-8 in a cause or an event's detail */
#define HF_PRIORITY_MAX   100 /* priorities are -100 .. 100 */

typedef enum hf_job_kind {
  HF_JOB_PROVE_BATCH = 1,   /* one batch of the rollup */
  HF_JOB_PROVE_CIRCUIT = 2, /* any other circuit that the worker knows */
  HF_JOB_FOLD = 3,          /* two proofs into one */
  HF_JOB_SEAL = 4,          /* one proof for a contract */
} hf_job_kind;

/* 1 to 64 arbitrary bytes. */
typedef struct hf_job_id {
  uint8_t length;
  uint8_t b[HF_JOB_ID_MAX];
} hf_job_id;

/* What names a job: the tenant, and an id that the tenant chose. */
typedef struct hf_job_key {
  char tenant[HF_NAME_MAX + 1];
  hf_job_id id;
} hf_job_key;

typedef struct hf_parameter {
  char name[HF_PARAMETER_NAME + 1];
  uint64_t value;
} hf_parameter;

typedef struct hf_job_header {
  hf_job_key key;
  hf_job_kind kind;
  char circuit[HF_NAME_MAX + 1];
  uint32_t parameter_count;
  hf_parameter parameters[HF_PARAMETER_MAX]; /* names strictly ascending */
  hf_digest vk_digest;                       /* the verifying key that a result must satisfy */
  hf_digest input_digest;                    /* the input artifact */
  int32_t priority;                          /* larger is sooner, within the tenant */
  uint64_t deadline_ms;                      /* Unix time; 0: none */
  uint64_t device_memory; /* peak bytes that the proof needs on a device; 0: unknown or none */
  uint64_t host_memory;   /* the same in the host's memory */
} hf_job_header;

typedef struct hf_capability {
  char circuit[HF_NAME_MAX + 1];
  hf_digest vk_digest; /* zero: any key of that circuit */
} hf_capability;

typedef struct hf_device_info {
  char name[HF_NAME_MAX + 1];
  char backend[HF_PARAMETER_NAME + 1];
  uint64_t memory; /* bytes */
} hf_device_info;

/* Who asks for work, and what it can prove. */
typedef struct hf_worker {
  char name[HF_NAME_MAX + 1];     /* unique in the fleet, e.g. HOST/PID/DEVICE */
  char software[HF_NAME_MAX + 1]; /* version; may be "" */
  uint32_t capability_count;
  hf_capability capabilities[HF_CAPABILITY_MAX];
  uint32_t device_count;
  hf_device_info devices[HF_DEVICE_MAX];
  uint64_t device_memory; /* free bytes on the device that would prove */
  uint64_t host_memory;   /* free bytes */
} hf_worker;

typedef enum hf_event_kind {
  HF_EVENT_SUBMITTED = 1,
  HF_EVENT_LEASED = 2,
  HF_EVENT_EXPIRED = 3,  /* the lease of a lost worker; no attempt is charged */
  HF_EVENT_RELEASED = 4, /* given back by a draining worker; no attempt is charged */
  HF_EVENT_FAILED_ATTEMPT = 5,
  HF_EVENT_DONE = 6,
  HF_EVENT_LATE_RESULT = 7,   /* a result for a job that was over; counted, not stored */
  HF_EVENT_STALE_FAILURE = 8, /* a failure under a lease no longer held; counted, no effect */
  HF_EVENT_CANCEL_REQUESTED = 9,
  HF_EVENT_CANCELLED = 10,
  HF_EVENT_DEADLINE = 11,
  HF_EVENT_DEAD = 12,
  HF_EVENT_REQUEUED = 13,
  HF_EVENT_REFUSED = 14,     /* a result did not verify: `worker` is whose it was */
  HF_EVENT_QUARANTINED = 15, /* and that was one too many; the job of the last */
  HF_EVENT_PARDONED = 16,    /* about a worker alone: the event names no job */
  HF_EVENT_BARRED = 17,      /* a result of a quarantined worker, or one that was refused before, was not taken */
} hf_event_kind;

typedef struct hf_event {
  uint64_t sequence; /* ascending from 1 */
  uint64_t time_ms;  /* Unix time */
  hf_event_kind kind;
  hf_job_key key; /* zero where the kind is about no job (hf_event_has_job) */
  uint64_t epoch;
  char worker[HF_NAME_MAX + 1];   /* "" where none is concerned */
  char detail[HF_DETAIL_MAX + 1]; /* "" where there is nothing to say */
} hf_event;

/* "prove-batch", "prove-circuit", "fold", "seal"; NULL for a number that is no kind. */
const char *hf_job_kind_text(hf_job_kind kind);
hf_status hf_job_kind_parse(const char *text, hf_job_kind *out);
const char *hf_event_kind_text(hf_event_kind kind); /* "submitted", ...; NULL for none */
static inline bool hf_event_has_job(hf_event_kind kind) { return kind != HF_EVENT_PARDONED; }

/* A name: 1 to 64 of A-Z a-z 0-9 . _ - / @ + */
bool hf_name_valid(const char *name);
/* Copies a checked name; HF_E_ARGUMENT (with `what` in the message) otherwise. */
hf_status hf_name_copy(const char *what, const char *name, char out[HF_NAME_MAX + 1]);
/* Copies at most HF_DETAIL_MAX bytes of any NUL-terminated text into valid UTF-8
 * without control characters ('?' stands for what is neither). */
void hf_detail_copy(const char *text, char out[HF_DETAIL_MAX + 1]);

/* HF_E_ARGUMENT for a bad tenant name or an id of 0 or more than 64 bytes. */
hf_status hf_job_key_make(const char *tenant, const void *id, size_t length, hf_job_key *out);
bool hf_job_key_eq(const hf_job_key *a, const hf_job_key *b);
/* An id for people: as it is when it is a valid name that does not start with
 * "0x", "0x" and hex otherwise. The parser takes both back. */
#define HF_JOB_ID_TEXT (2 * HF_JOB_ID_MAX + 3)
void hf_job_id_text(const hf_job_id *id, char out[HF_JOB_ID_TEXT]);
hf_status hf_job_id_parse(const char *text, hf_job_id *out);

/* Adds or replaces a parameter, keeping the names in order. HF_E_ARGUMENT for a
 * bad name (as hf_name_valid, at most 32 characters) or one too many. */
hf_status hf_job_set_parameter(hf_job_header *header, const char *name, uint64_t value);
/* false when there is no such parameter. */
bool hf_job_get_parameter(const hf_job_header *header, const char *name, uint64_t *value);

/* Whether every field is within its limits; HF_E_ARGUMENT names the first that is not. */
hf_status hf_job_header_check(const hf_job_header *header);
hf_status hf_worker_check(const hf_worker *worker);

/* What makes two submissions under one key the same job: kind, circuit,
 * parameters, vk digest, input digest. Priority, deadline and memory do not
 * count, so that a client may submit again with a fresh deadline. */
hf_digest hf_job_payload_digest(const hf_job_header *header);

/* Encoders append to `w` and check what they are given (HF_E_ARGUMENT).
 * Decoders take a whole message of at most HF_WIRE_MAX bytes and allocate at most
 * 256 KiB on the way. Their errors: HF_E_FORMAT (not protobuf, a name that is
 * none, an unknown enum value, a digest of another length, NUL or bad UTF-8 in a
 * string), HF_E_RANGE (too long, too many), HF_E_VERSION, HF_E_MEMORY. */
hf_status hf_job_header_encode(const hf_job_header *header, hf_writer *w);
hf_status hf_job_header_decode(const void *data, size_t length, hf_job_header *out);
hf_status hf_worker_encode(const hf_worker *worker, hf_writer *w);
hf_status hf_worker_decode(const void *data, size_t length, hf_worker *out);
hf_status hf_event_encode(const hf_event *event, hf_writer *w);
hf_status hf_event_decode(const void *data, size_t length, hf_event *out);

#ifdef __cplusplus
}
#endif
#endif
