/* The sequencer: one or many chains in one process, their batches handed to the proving queue.
 *
 *   hf_sequencer_options options = {.chains = chains, .chain_count = 2, .queue = queue, .vk_digest = digest};
 *   hf_sequencer *sequencer = NULL;
 *   HF_TRY(hf_sequencer_open(&options, &sequencer));
 *   HF_TRY(hf_sequencer_deposit_file(sequencer, "deposits.jsonl", &counts));
 *   HF_TRY(hf_sequencer_submit_file(sequencer, "payments.jsonl", NULL, NULL, &tally));
 *   HF_TRY(hf_sequencer_flush(sequencer, 60000));
 *
 * HANDING ON. A sealed batch is durable in its chain's file before the queue hears of it. Its job is named
 * "CHAIN_ID/NUMBER" (decimal), so however often it is submitted, after a crash or a lost answer, it is one
 * job.
 *
 * Lines may be mixed from several chains: the chain id in a line says where it goes. Functions may be called
 * from several threads (the HTTP server does). */
#ifndef HYPERFOLD_SEQUENCER_H
#define HYPERFOLD_SEQUENCER_H

#include "generator.h"
#include "input.h"
#include "replay.h"
#include "state.h"
#include "wallet.h"
#include "web.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_sequencer hf_sequencer;

typedef enum hf_sequencer_event_kind {
  HF_SEQUENCER_SEALED = 1,
  HF_SEQUENCER_SUBMITTED = 2,
} hf_sequencer_event_kind;

typedef struct hf_sequencer_event {
  hf_sequencer_event_kind kind;
  hf_chain_id chain_id;
  const hf_batch_info *batch;
  const hf_job_key *job; /* with HF_SEQUENCER_SUBMITTED; NULL otherwise */
  bool created;          /* false: the queue had the job already */
} hf_sequencer_event;

typedef struct hf_sequencer_options {
  const hf_chain_options *chains; /* each with its own file and chain id */
  size_t chain_count;             /* 1 .. 64 */
  hf_queue *queue;                /* not owned; NULL: batches stay in the chains' files */
  const hf_sealer *sealer;        /* to whom inputs are sealed; not owned; NULL: they are open */
  const char *tenant;             /* default "hyperfold" */
  const char *circuit;            /* default HF_BATCH_CIRCUIT */
  hf_digest vk_digest;            /* of the batch circuit's key; needed with a queue */
  int32_t priority;
  uint64_t deadline_ms;                /* after sealing; 0: none */
  uint64_t device_memory, host_memory; /* peak bytes of a proof; 0: unknown */
  uint64_t tick_ms;                    /* between looks at what is due; default 100 */
  uint64_t patience_ms;                /* how long files wait for room in a pool; default 60,000 */
  /* Called for each batch, by the thread that sealed or submitted it; may be NULL. */
  void (*on_batch)(void *context, const hf_sequencer_event *event);
  void *context;
  const hf_logger *log; /* NULL: silent */
} hf_sequencer_options;

/* Opens every chain. Errors of hf_chain_open; HF_E_ARGUMENT for two chains with one id. */
hf_status hf_sequencer_open(const hf_sequencer_options *options, hf_sequencer **out);
void hf_sequencer_close(hf_sequencer **sequencer); /* NULL is allowed */

size_t hf_sequencer_chain_count(const hf_sequencer *sequencer);
hf_chain *hf_sequencer_chain(hf_sequencer *sequencer, size_t i);            /* in the order of the options */
hf_chain *hf_sequencer_find(hf_sequencer *sequencer, hf_chain_id chain_id); /* NULL: no such chain */

/* The job of a batch. */
void hf_sequencer_job_key(const hf_sequencer *sequencer, hf_chain_id chain_id, uint64_t number,
                          hf_job_key *out);

/* ---- transactions ---- */

/* What became of one line. */
typedef struct hf_answer {
  size_t line;        /* from 1 */
  bool busy;          /* no room in the pool: not looked at, send it again later */
  hf_refusal refusal; /* HF_REFUSAL_NONE: accepted */
  hf_digest hash;     /* zero when malformed or busy */
  const char *detail; /* for people; lives during the call */
} hf_answer;

#define HF_ANSWER_JSON 1024
/* {"line":1,"accepted":true,"hash":HEX} or {"line":2,"accepted":false,"error":CODE,"reason":TEXT,"hash":HEX};
 * the code of a busy answer is "busy". */
void hf_answer_json(const hf_answer *answer, char out[HF_ANSWER_JSON]);

typedef struct hf_tally {
  uint64_t lines; /* that were not empty */
  uint64_t busy;
  uint64_t by_refusal[HF_REFUSALS]; /* [HF_REFUSAL_NONE]: accepted */
} hf_tally;

/* What was answered since this object was opened, by all of its calls. */
void hf_sequencer_answered(hf_sequencer *sequencer, hf_tally *out);

typedef hf_status (*hf_answer_sink)(void *context, const hf_answer *answer);

/* Takes lines of signed transactions (transaction.h), in order; empty lines are skipped. Every line is
 * answered, in order; `sink` may be NULL, and a status of its own other than HF_OK ends the call (what is
 * accepted stays). Once a chain has no room, that chain's lines up to the end of the text are busy. `tally`
 * may be NULL. */
hf_status hf_sequencer_submit_text(hf_sequencer *sequencer, const char *text, size_t length,
                                   hf_answer_sink sink, void *context, hf_tally *tally);

/* The same for a file of at most 1 GiB; makes room by sealing and handing on, and waits for it (patience_ms,
 * then HF_E_BUSY). */
hf_status hf_sequencer_submit_file(hf_sequencer *sequencer, const char *path, hf_answer_sink sink,
                                   void *context, hf_tally *tally);

/* Deposits in L1's order, each for its chain, trusted (deposit_watch.h of verifier/settle gives such). Durable on HF_OK; those
 * that are known are passed over, so a caller that was killed starts again where hf_chain_info.deposits says.
 * HF_E_MISMATCH: no such chain here, a gap, or another deposit under a known index; what came before it stays. Makes room as
 * hf_sequencer_submit_file does. `counts` may be NULL. */
hf_status hf_sequencer_deposits(hf_sequencer *sequencer, const hf_deposit *deposits, size_t count,
                                hf_deposit_counts *counts);

/* Lines of deposits, trusted: the first that is malformed or out of order is an error (HF_E_FORMAT,
 * HF_E_MISMATCH), those before it stay. `counts` may be NULL. */
hf_status hf_sequencer_deposit_text(hf_sequencer *sequencer, const char *text, size_t length,
                                    hf_deposit_counts *counts);
hf_status hf_sequencer_deposit_file(hf_sequencer *sequencer, const char *path, hf_deposit_counts *counts);

/* ---- batches ---- */

/* Seals what is due and hands on what is sealed. HF_E_BUSY and HF_E_FULL of the queue are no errors here: the
 * batch stays and is tried again at the next step. HF_E_EXISTS: the queue has another batch under this job's
 * name. */
hf_status hf_sequencer_step(hf_sequencer *sequencer);

/* Seals everything that waits, partial batches too, and hands everything on. HF_E_TIMEOUT after `timeout_ms`.
 */
hf_status hf_sequencer_flush(hf_sequencer *sequencer, uint64_t timeout_ms);

/* Steps every tick_ms until `stop` says true. A failed step is logged and tried again. */
hf_status hf_sequencer_run(hf_sequencer *sequencer, bool (*stop)(void *context), void *context);

/* ---- HTTP ---- */

typedef struct hf_http_options {
  const char *address;  /* IPv4 or IPv6 in digits, default 127.0.0.1 */
  uint16_t port;        /* 0: any free one */
  uint32_t threads;     /* default 2 */
  uint32_t connections; /* at once; default 64 */
  uint32_t timeout_s;   /* of an idle connection; default 10 */
  uint32_t body_limit;  /* bytes; default 1 MiB */
  const hf_logger *log; /* NULL: silent */
  /* Asked before the resources below; true: it has answered. NULL: nobody is. */
  bool (*before)(void *context, const hf_web_request *request, hf_web_reply *reply);
  void *context;
} hf_http_options;

typedef struct hf_http hf_http;

/* Serves the sequencer until hf_http_stop, on its own threads:
 *   POST /v1/transactions
 *       lines of JSON; {"results":[...]} as hf_answer_json; 503 with Retry-After if any line was busy
 *   GET  /v1/transactions/HASH?chain=ID
 *       where an accepted transaction is
 *   GET  /v1/accounts/KEY?chain=ID
 *       index, balance and nonce, sealed and pending: what a wallet signs with
 *   GET  /v1/chain?chain=ID, /v1/chains
 *       numbers of one chain, of all
 *   GET  /v1/batches/N?chain=ID
 *       record, statement, digest of the input
 *   GET  /healthz
 *
 * `chain` may be left out when there is one. Errors are {"error":CODE,"reason":TEXT}. Numbers of 64 bits and
 * more are decimal strings, elements 64 hex digits (little-endian bytes). */
hf_status hf_http_start(hf_sequencer *sequencer, const hf_http_options *options, hf_http **out);
uint16_t hf_http_port(const hf_http *http);
void hf_http_stop(hf_http **http); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
