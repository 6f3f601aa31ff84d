/* One payment chain: its durable state, the transactions that wait, and its batches.
 *
 *   hf_chain_options options = {.path = "chain7.db", .chain_id = {7, 0}, .params = {24, 64}};
 *   hf_chain *chain = NULL;
 *   HF_TRY(hf_chain_open(&options, &chain));
 *   HF_TRY(hf_chain_deposit(chain, deposits, n, NULL));
 *   HF_TRY(hf_chain_submit(chain, transactions, n, verdicts));
 *   HF_TRY(hf_chain_seal(chain, HF_SEAL_DUE, &number));
 *
 * ACCEPTED MEANS DURABLE: when hf_chain_submit or hf_chain_deposit return HF_OK, what they accepted survives
 * kill -9 and a power cut, and will be in exactly one batch, in the order of acceptance. It is checked
 * against the balances after everything accepted before it; so sealing refuses nothing.
 *
 * SEALING takes the oldest waiting operations (at most one per slot), applies them to the tree, credits the
 * fees to the operator and stores accounts, tree, record, public data and batch input in one database
 * transaction. After a crash a batch is wholly there or its operations wait as before. A sealed batch is
 * `unsubmitted` until the caller says it has been handed on (hf_chain_set_submitted).
 *
 * Functions may be called from several threads, which take turns. One process at a time: a second one gets
 * HF_E_BUSY. When a write fails, memory is read again from the file; HF_E_IO and HF_E_FULL mean that nothing
 * of that call was kept (only a crash right after one may still find it kept; what is sent again is then
 * `duplicate`). All accounts are held in memory (about 150 bytes each). */
#ifndef HYPERFOLD_STATE_H
#define HYPERFOLD_STATE_H

#include <hyperfold/log.h>
#include "queue.h"
#include "transaction.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_chain hf_chain;

typedef struct hf_chain_options {
  const char *path; /* the chain's file; made, with mode 0600, when there is none */
  hf_chain_id chain_id;
  hf_rollup_params params; /* of the batch circuit: tree depth and slots a batch */
  uint32_t mode;           /* hf_rollup_mode */
  uint32_t operator_index; /* the account that takes the fees; that of the first deposit is 0 */
  uint32_t pool_limit;     /* operations that may wait; default 65,536 */
  uint32_t backlog_limit;  /* sealed batches not yet submitted at which sealing stops; default 64 */
  uint64_t max_age_ms; /* HF_SEAL_DUE seals a partial batch when its oldest operation is this old; 0: never */
  bool keep_inputs;    /* keep batch inputs after submission */
  hf_clock clock;      /* all zero: the system's */
  const hf_logger *log; /* NULL: silent */
} hf_chain_options;

/* Opens or makes a chain. HF_E_MISMATCH when the file belongs to another chain id, depth, slots, mode or
 * operator; HF_E_BUSY, HF_E_RANGE, HF_E_FORMAT, HF_E_VERSION, HF_E_IO, HF_E_MEMORY. */
hf_status hf_chain_open(const hf_chain_options *options, hf_chain **out);
void hf_chain_close(hf_chain **chain); /* NULL is allowed */

typedef struct hf_verdict {
  hf_refusal refusal; /* HF_REFUSAL_NONE: accepted */
  hf_digest hash;     /* hf_transaction_hash; zero when malformed */
} hf_verdict;

/* Checks and accepts transactions, in order, each on top of those before it; a refused one does not touch
 * the others. HF_E_BUSY when the pool has no room for `count` more: nothing was accepted, try again later
 * (never with `count` above pool_limit). */
hf_status hf_chain_submit(hf_chain *chain, const hf_transaction *transactions, size_t count,
                          hf_verdict *verdicts);

typedef struct hf_deposit_counts {
  uint64_t applied, refused, known; /* known: accepted in an earlier call, ignored */
} hf_deposit_counts;

/* Takes deposits in L1's order. An index that is known must be the same deposit (HF_E_MISMATCH); one that
 * leaves a gap is HF_E_MISMATCH. A deposit that cannot be applied (no valid key, overflow, tree full) is
 * consumed as refused. HF_E_BUSY as above. `counts` may be NULL. */
hf_status hf_chain_deposit(hf_chain *chain, const hf_deposit *deposits, size_t count,
                           hf_deposit_counts *counts);

typedef enum hf_seal {
  HF_SEAL_DUE,  /* a full batch, or one that is old enough */
  HF_SEAL_FULL, /* a full batch */
  HF_SEAL_ANY,  /* whatever waits */
} hf_seal;

/* Seals at most one batch; *number is its number, or 0 when none is due, or the backlog is full. */
hf_status hf_chain_seal(hf_chain *chain, hf_seal when, uint64_t *number);

typedef struct hf_chain_info {
  hf_chain_id chain_id;
  hf_rollup_params params;
  uint32_t mode, operator_index;
  uint8_t root[32];     /* after the last batch */
  uint64_t batches;     /* number of the last batch; 0: none yet */
  uint64_t unsubmitted; /* batches */
  uint64_t accounts;    /* with those of waiting deposits */
  uint64_t deposits;    /* index that the next deposit must have */
  uint64_t pending;     /* operations that wait */
  uint64_t pool_limit;
  uint64_t sealed; /* operations in batches */
} hf_chain_info;

void hf_chain_get_info(hf_chain *chain, hf_chain_info *out);

typedef struct hf_account_info {
  uint32_t index;
  bool sealed;      /* false: only a waiting deposit has made it */
  uint64_t balance; /* after the last batch */
  uint32_t nonce;
  uint64_t pending_balance; /* after what waits; fees not yet credited do not count */
  uint32_t pending_nonce;   /* what the next transaction must carry */
} hf_account_info;

hf_status hf_chain_get_account(hf_chain *chain, hf_bjj key, hf_account_info *out); /* HF_E_NOT_FOUND */

/* Where a transaction is: batch 0 while it waits. HF_E_NOT_FOUND. */
hf_status hf_chain_get_transaction(hf_chain *chain, const hf_digest *hash, uint64_t *batch, uint32_t *slot);

typedef struct hf_batch_info {
  uint64_t number;
  hf_batch_record record; /* word 0 is zero */
  uint8_t statement[32];
  hf_digest input_digest; /* BLAKE2b-256 of the batch input container: its name in the artifact store */
  uint64_t input_length;
  uint64_t sealed_ms;
  bool submitted;
} hf_batch_info;

hf_status hf_chain_get_batch(hf_chain *chain, uint64_t number, hf_batch_info *out); /* HF_E_NOT_FOUND */
/* The words of a batch, slots x HF_DATA_WORDS x 32 bytes in fresh memory: as posted on L1, or all of them. */
hf_status hf_chain_get_data(hf_chain *chain, uint64_t number, bool posted, uint8_t **data, size_t *length);
/* The batch input container in fresh memory; HF_E_NOT_FOUND when it is no longer kept. */
hf_status hf_chain_get_input(hf_chain *chain, uint64_t number, uint8_t **data, size_t *length);
/* The oldest batch that was not handed on; 0: none. */
hf_status hf_chain_first_unsubmitted(hf_chain *chain, uint64_t *number);
hf_status hf_chain_set_submitted(hf_chain *chain, uint64_t number);

#ifdef __cplusplus
}
#endif
#endif
