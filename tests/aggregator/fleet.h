/* A fleet without proofs, for the aggregator's tests: a queue with a clock that the test moves, batches that
 * are proven when the test says so, and a worker whose "proofs" carry public inputs and nothing else. What
 * the worker does with the inputs of folds and seals is written from the protocol's text: it hashes what a
 * node would hash, and a seal refuses a child that is not the root of its records.
 *
 * All calls of the aggregator on the queue go through a gate that can die at the n-th of them, before or
 * after it took effect, and stays dead: what a SIGKILL there leaves behind. */
#ifndef FLEET_H
#define FLEET_H

#include "aggregator.h"
#include "ok.h"
#include "queue_backend.h"

#include <criterion/criterion.h>

#define FLEET_T0    1700000000000ull
#define FLEET_SEALS 64
#define FLEET_NAMES 4096

typedef struct fleet_gate {
  hf_queue queue; /* first: what the aggregator holds */
  hf_queue *real;
  uint64_t calls, die_at; /* 0: never */
  bool after;             /* it dies when the call has taken effect */
  bool dead;
  hf_digest away; /* the server refuses us when this artifact is fetched, once */
} fleet_gate;

typedef struct fleet_published {
  uint32_t times;
  char records[FLEET_NAMES]; /* "7/1 7/2 8/1 " */
  bool abandoned;
} fleet_published;

typedef struct fleet {
  char folder[64];
  uint64_t now;
  hf_queue *queue;
  fleet_gate gate;
  hf_aggregator *aggregator;
  hf_aggregator_options options;
  hf_aggregator_state state;
  hf_verifying_key leaf, other, node, seal; /* digests alone */
  bool other_known;                         /* whether the key `other` is found */
  fleet_published published[FLEET_SEALS];   /* by number */
  uint64_t events[16];                      /* by kind */
  char last_text[600];
  uint64_t folds, seals; /* proven by the worker */
  bool unmounted;        /* the folder of published seals is away */
  uint64_t stays;        /* the seal that must not be given up; 0: none */
  /* What the worker does wrong: the next so many results of its folds state something else, or cannot be
   * folded. */
  unsigned lie_statement, lie_foldable;
  unsigned hands;            /* workers that there were */
  char hand[HF_NAME_MAX + 1]; /* the last */
} fleet;

void fleet_open(fleet *f);
void fleet_close(fleet *f);
/* A new aggregator over the same queue, as after a kill. die_at 0: it lives. */
void fleet_start(fleet *f, uint64_t die_at, bool after);
/* One look; false when the gate died in it. */
bool fleet_step(fleet *f);

/* Batches. Roots chain up by themselves: batch n ends at root(chain, n). */
typedef struct fleet_batch {
  uint64_t chain, number;
  const hf_verifying_key *vk; /* NULL: leaf */
  uint64_t deadline_ms;
  bool validium;
  uint64_t withdrawals, deposits; /* what the record counts */
  uint64_t says_chain, says_number, says_old_root; /* what the record says instead; 0: the truth */
} fleet_batch;
void fleet_submit(fleet *f, const fleet_batch *batch);
/* The batch is proven now. `unfoldable`: by a proof that no node can verify; `lie`: by one of another
 * statement; `other key`: of this statement, under a key that is known and not the job's. */
typedef enum fleet_result { FLEET_GOOD, FLEET_UNFOLDABLE, FLEET_LIE, FLEET_RUBBISH, FLEET_OTHER_KEY } fleet_result;
/* Another batch's proof, which is good: chain/number gets that of chain/of, which is done. */
void fleet_prove_with(fleet *f, uint64_t chain, uint64_t number, uint64_t of);
void fleet_prove(fleet *f, uint64_t chain, uint64_t number, fleet_result result);
/* Both, for a good one. */
void fleet_batch_done(fleet *f, uint64_t chain, uint64_t number);
/* Proves one fold or seal, or a batch whose result was refused; false when there is none. */
bool fleet_work(fleet *f);
/* Steps and works until neither changes anything. */
void fleet_run(fleet *f);

/* What every seal has that stands, in the order of their numbers: "7/1 8/1 | 8/2 | ". */
void fleet_standing(const fleet *f, char out[FLEET_NAMES]);

hf_job_record fleet_record(fleet *f, const char *id);
/* The store loses these bytes. */
void fleet_lose(fleet *f, const hf_digest *artifact);
uint64_t fleet_jobs(fleet *f, hf_job_kind kind);

#endif
