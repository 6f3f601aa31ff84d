/* Deposits of one chain, from the contract to whoever applies them: in the contract's order, each once, after
 * enough confirmations, through any number of restarts.
 *
 * What has been seen is kept in a small file (block, count, rolling hash), which only saves work: without it
 * the contract's blocks are read from the first. The count that the receiver asks to go on from decides what
 * it is given. Before anything is handed on, the hash over all deposits seen is compared with the contract's
 * own: a node that leaves out a log, or a chain that was reorganised deeper than the confirmations, is
 * noticed (HF_E_MISMATCH) and nothing is given. */
#ifndef HF_DEPOSIT_WATCH_H
#define HF_DEPOSIT_WATCH_H

#include "settlement.h"

typedef struct hf_deposit_watch hf_deposit_watch;

typedef struct hf_deposit_watch_options {
  hf_settlement contract; /* its client is this watch's alone */
  hf_u256 chain;
  uint64_t confirmations; /* blocks, that of the deposit included; default 12 */
  uint64_t from_block;    /* the contract's first */
  const char *file;       /* NULL: nothing is kept */
} hf_deposit_watch_options;

/* HF_E_NOT_FOUND: no such contract or chain; HF_E_MISMATCH: the file is about another; errors of hf_rpc_call.
 */
hf_status hf_deposit_watch_open(const hf_deposit_watch_options *options, hf_deposit_watch **out);
void hf_deposit_watch_close(hf_deposit_watch **watch); /* NULL is allowed */

/* Must have made them durable, or not, when it returns: after a failure the same ones come again. Called with
 * at least one. */
typedef hf_status (*hf_deposit_batch_sink)(void *context, const hf_l1_deposit *deposits, size_t count);

/* One look at L1: gives the confirmed deposits from index `next` on. *given counts them. HF_E_MISMATCH also
 * when the receiver already has more than L1 has confirmed. A failure leaves everything as it was; look again
 * later. */
hf_status hf_deposit_watch_poll(hf_deposit_watch *watch, uint64_t next, hf_deposit_batch_sink sink,
                                void *context, uint64_t *given);

#endif
