/* The aggregator: plans how the proofs of batches become one proof for a contract. It proves nothing itself;
 * folds and seals are jobs in the same queue, for the same workers.
 *
 *   batches proven --> leaves of the open seal --> folds, as soon as two neighbours are there
 *                                                    |
 *   the seal is closed (count, age, deadline) --> the rest is folded --> seal job --> published
 *
 * LEAVES. The batches of a chain enter in the order of their numbers, each when its proof is there; those of
 * several chains in the order in which they were proven. A late or failed batch holds up the later ones of
 * its own chain and nobody else. A batch enters only when a node can verify its proof (`foldable`), under a
 * key that is known, about the record of the job's input, where the chain's last batch ended. A proof that
 * fails this is refused (hf_queue_refuse): the queue has it made again, elsewhere.
 *
 * A SEAL is closed when it has `seal_count` leaves, when one more would make it too large for one transaction on L1
 * (HF_SEAL_GAS, HF_SEAL_BYTES: whoever pays many withdrawals must not make a seal that nobody can settle), when its first
 * leaf is `seal_age_ms` old, or `margin_ms`
 * before the earliest deadline of its batches. Which leaves a seal has follows from when the jobs were done,
 * not from when the aggregator looked. Folding of the next seal begins before the last is proven; seal jobs
 * are submitted in order.
 *
 * STATE. Everything is rebuilt from the queue, after a kill at any moment: job "seal/K" pins the records of
 * seal K once and for all; what follows it is planned anew and comes out the same, since the id of a fold is
 * derived from the proofs that it folds. Two aggregators over one queue do no harm: whoever comes second
 * finds the other's jobs.
 *
 * Reads keys, circuits and set-ups through `hf_aggregator_ops` alone, so that it links no prover. */
#ifndef HYPERFOLD_AGGREGATOR_H
#define HYPERFOLD_AGGREGATOR_H

#include <hyperfold/payload.h>

#include "proof.h"
#include "queue.h"
#include "sealed.h"
#include "verifying_key.h"

/* What a seal may cost on L1: a transaction has at most 2^24 gas (EIP-7825), and nodes pass on at most 128 KiB. A record's
 * share is estimated from its counts, from above: every deposit as one that is refused, every withdrawal to a fresh
 * address. A record that alone is larger is sealed alone. */
#define HF_SEAL_GAS   14000000u
#define HF_SEAL_BYTES (112u << 10)

typedef struct hf_aggregator hf_aggregator;

typedef struct hf_fold_half {
  const hf_verifying_key *vk;
  const hf_proof *proof;
} hf_fold_half;

/* What the aggregator needs of circuits, keys and the place where seals are published. */
typedef struct hf_aggregator_ops {
  /* A verifying key by its digest: of leaves, node and seal. HF_E_NOT_FOUND: unknown or not wanted. */
  hf_status (*find_key)(void *context, const hf_digest *digest, hf_verifying_key *out);
  /* *ok = a node can verify this proof: hf_foldable_check. */
  hf_status (*foldable)(void *context, const hf_verifying_key *vk, const hf_proof *proof, bool *ok);
  /* *ok = the seal's proof is good; NULL: hf_verify. */
  hf_status (*verify)(void *context, const hf_verifying_key *vk, const hf_proof *proof, bool *ok);
  /* The inputs of fold and seal jobs, appended to `w`. */
  hf_status (*node_input)(void *context, const hf_fold_half child[2], uint32_t lift, hf_writer *w);
  hf_status (*seal_input)(void *context, const hf_fold_half *child, uint32_t level,
                          const hf_batch_record *records, uint32_t m, hf_writer *w);
  /* The records of a seal job's input: HF_SEAL_RECORDS_MAX fit. */
  hf_status (*seal_records)(void *context, const void *input, size_t length, hf_batch_record *records,
                            uint32_t *m);
  /* Keeps a sealed object for good before it returns; the same one may come again. */
  hf_status (*publish)(void *context, uint64_t number, const hf_sealed *sealed);
  hf_status (*published)(void *context, uint64_t number, bool *is);
  /* Seals that were given up (hf_aggregator_replan); NULL, all three: there are none. `abandon` makes it durable before it
   * returns, and is asked of a seal only when `abandonable` was HF_OK for it; anything else says why it must stay. */
  hf_status (*abandoned)(void *context, uint64_t number, bool *is);
  hf_status (*abandonable)(void *context, uint64_t number, const hf_batch_record *records, uint32_t m);
  hf_status (*abandon)(void *context, uint64_t number, const hf_batch_record *records, uint32_t m);
} hf_aggregator_ops;

typedef enum hf_aggregator_event_kind {
  HF_AGGREGATOR_LEAF = 1,  /* a batch entered seal `seal` at `place` */
  HF_AGGREGATOR_FOLD,      /* a fold was submitted: `job`, `level` */
  HF_AGGREGATOR_FOLDED,    /* and is proven */
  HF_AGGREGATOR_CLOSED,    /* seal `seal` has `records` records and takes no more; `text`: why */
  HF_AGGREGATOR_SEAL,      /* its job was submitted */
  HF_AGGREGATOR_PUBLISHED, /* it is proven, checked and published */
  HF_AGGREGATOR_AGAIN,     /* a result was refused: `job`, `text` */
  HF_AGGREGATOR_WAITING,   /* something that does not change by itself: `job`, `text`; told once */
  HF_AGGREGATOR_ABANDONED, /* seal `seal` with its `records` is given up */
} hf_aggregator_event_kind;

typedef struct hf_aggregator_event { /* what does not apply is 0 or NULL */
  hf_aggregator_event_kind kind;
  uint64_t seal;
  uint32_t place, level, records;
  const hf_job_key *job;
  const char *text;
} hf_aggregator_event;

const char *hf_aggregator_event_text(hf_aggregator_event_kind kind); /* "leaf", "fold", ... */

typedef struct hf_aggregator_options {
  hf_queue *queue;           /* nothing here is owned; all must outlive the aggregator */
  const hf_pool_keys *pool_keys; /* that open sealed inputs of batches, for their records; NULL: none */
  const char *tenant;        /* whose batches, folds and seals; default "hyperfold" */
  const char *const *chains; /* decimal ids; NULL: every chain that has a batch job */
  size_t chain_count;
  const char *const *without; /* not these, whatever `chains` says: their batches stay where they are */
  size_t without_count;
  hf_digest node_vk, seal_vk;          /* what fold and seal jobs pin */
  uint32_t seal_count;                 /* leaves of a seal at most, 1 .. HF_SEAL_RECORDS_MAX; 0: that many */
  uint64_t seal_age_ms;                /* 0: no seal is closed for its age */
  uint64_t margin_ms;                  /* before the deadline of a batch; 0: deadlines play no part */
  int32_t priority;                    /* of folds; seals have 1 more */
  uint64_t device_memory, host_memory; /* peak bytes of a fold or seal; 0: unknown */
  hf_clock clock;                      /* all zero: the system's; that of the queue */
  const hf_aggregator_ops *ops;
  void *ops_context;
  void (*on_event)(void *context, const hf_aggregator_event *event); /* or NULL */
  void *context;
  const hf_logger *log; /* NULL: silent */
} hf_aggregator_options;

typedef struct hf_aggregator_state {
  uint32_t seals;   /* with leaves or a job, not published */
  uint32_t leaves;  /* in the open one */
  uint32_t waiting; /* chains whose next batch is queued or being proven */
  uint32_t blocked; /* chains whose next batch failed or was refused */
  uint64_t last;    /* the last seal published by this object, or 0 */
  uint32_t chains;  /* that have batches in the queue or in seals */
  uint32_t ready;   /* of these, chains whose next batch is proven and in no seal yet */
  uint32_t folds_planned, folds_open, folds_done; /* of seals not published: not yet submitted, with a job, proven */
  uint64_t oldest_ms; /* when the oldest batch in no published seal was proven; 0: there is none. Of a seal that was found with its
                         job, when that was submitted */
} hf_aggregator_state;

/* GIVING UP A SEAL. The contract takes all of a seal or nothing, so one chain that it does not settle (another operator,
 * a removed key, deposits that L1 lost) holds up all chains of the seal. This gives seal `seal` up, and every later one that has
 * a chain in common with it or with another that is given up (their batches come after its batches): their jobs are
 * cancelled where they are not done, their numbers stay used, and their batches, proofs and folds stay in the queue and are
 * planned again as new seals by the next steps. Leave the chain out of those with `without`, and seal it alone later with `chains`.
 *
 * Nothing changes if any of these seals must stay (`abandonable`), or if one of its batches is no longer in the queue
 * (HF_E_NOT_FOUND). Killed on the way it is done again: a seal is given up before any earlier one is. HF_OK
 * and *count = 0 for a seal that is given up already; HF_E_NOT_FOUND: it has no job, so nothing is pinned.
 * No other aggregator may work on this queue and no settler on its seals meanwhile: that is the caller's to see to. */
hf_status hf_aggregator_replan(hf_aggregator *aggregator, uint64_t seal, uint32_t *count);

/* hf_queue_collect for a queue that an aggregator works on: leaves what it still needs. That is every batch that is in no
 * published seal, the seals that are not published or given up, the last seal of each chain, and the folds
 * since the earliest batch that is proven and not published. Of the options `queue`, `tenant`, `clock` and `ops`
 * (seal_records, published, abandoned) are used. Either count may be NULL. */
hf_status hf_aggregator_collect(const hf_aggregator_options *options, uint64_t ended_before_ms, uint64_t put_before_ms,
                                uint64_t *jobs, uint64_t *artifacts);

/* Names of the job ids. */
#define HF_AGGREGATOR_SEAL_ID "seal/%llu"

hf_status hf_aggregator_create(const hf_aggregator_options *options, hf_aggregator **out);
void hf_aggregator_destroy(hf_aggregator **aggregator); /* NULL is allowed */

/* One look at the queue: does everything that can be done now. An error leaves nothing half done: the next
 * step goes on. A queue that takes no job now (HF_E_BUSY, HF_E_FULL) is no error. `state` may be NULL. */
hf_status hf_aggregator_step(hf_aggregator *aggregator, hf_aggregator_state *state);

/* From now on the open seal is closed whenever no chain has a batch under way, whatever its count and age. */
void hf_aggregator_drain(hf_aggregator *aggregator);
/* Of the last step's state: drained, and nothing is left. */
static inline bool hf_aggregator_idle(const hf_aggregator_state *state) {
  return state->seals == 0 && state->waiting == 0;
}

#endif
