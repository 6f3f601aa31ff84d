/* The inside of a chain, shared by state.c (accepting) and seal.c (batches). */
#ifndef HF_SEQUENCER_CHAIN_H
#define HF_SEQUENCER_CHAIN_H

#include "state.h"
#include "store.h"
#include "tree.h"

#include <pthread.h>

/* An account twice: as the last batch left it, and after everything that waits. */
typedef struct chain_account {
  hf_account sealed; /* empty until its deposit is in a batch */
  hf_fr x, y;
  uint64_t balance;
  uint32_t nonce;
} chain_account;

struct hf_chain {
  hf_chain_options options; /* defaults filled in; `path` and `log` as given */
  char *path;
  pthread_mutex_t lock; /* guards everything below */
  hf_store *store;
  hf_tree *tree;
  chain_account *accounts; /* by index */
  uint32_t account_count, account_capacity;
  uint32_t *by_key; /* open addressing: index + 1, 0 is free; a power of two, at most half full */
  size_t by_key_size;
  hf_fr root;
  uint64_t last_sequence;
  uint64_t pending;   /* operations that wait */
  uint64_t oldest_ms; /* when the oldest of them came; 0 if none */
  uint64_t
      pending_fees; /* of those that wait: still to be credited to the operator; below 2^64 by admission */
  uint64_t next_deposit, sealed_deposits;
  uint64_t last_batch, unsubmitted, sealed_items;
  bool stale; /* memory and file differ: read again before the next use */
};

/* Reads everything from the file again. */
hf_status chain_load(hf_chain *chain);
/* Makes memory agree with the file if a failed write left it otherwise. */
static inline hf_status chain_ready(hf_chain *chain) { return chain->stale ? chain_load(chain) : HF_OK; }
/* After a failed write: undoes what the database has begun and marks memory as stale. Returns `status`. */
static inline hf_status chain_undo(hf_chain *chain, hf_status status) {
  hf_store_rollback(chain->store);
  chain->stale = true;
  return status;
}
static inline uint64_t chain_now(const hf_chain *chain) {
  return chain->options.clock.now_ms(chain->options.clock.context);
}

#endif
