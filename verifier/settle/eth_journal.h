/* What an account has signed: one file a nonce, written and synced before the transaction leaves the process,
 * so that no crash can forget one. Files are replaced whole (hyperfold/file.h). Signatures are deterministic:
 * a transaction is kept as what was signed, and signing it again must give the hash that is kept beside it.
 *
 * Written by eth_sender.c alone; hyperfold aggregator --replan reads it. */
#ifndef HF_ETH_JOURNAL_H
#define HF_ETH_JOURNAL_H

#include <hyperfold/digest.h>
#include "eth_node.h"

#define HF_JOURNAL_ATTEMPTS 32 /* transactions of one nonce, each with higher fees than the one before */
#define HF_JOURNAL_WHAT     96

typedef struct hf_attempt {
  uint64_t tip_wei, fee_wei;
  uint64_t signed_ms; /* wall clock */
  bool cancels;       /* nothing to oneself, in place of the entry's transaction */
  hf_eth_hash hash;
} hf_attempt;

typedef enum hf_entry_state {
  HF_ENTRY_OPEN,      /* may be in a pool, in a block, or nowhere yet */
  HF_ENTRY_CONFIRMED, /* one of the attempts is in a block, with the wanted confirmations */
  HF_ENTRY_LOST, /* another transaction has the nonce, with the wanted confirmations: this one never will be
                    mined */
} hf_entry_state;

typedef struct hf_entry {
  hf_digest id;
  char what[HF_JOURNAL_WHAT]; /* for people */
  uint64_t nonce;
  bool creates;
  hf_eth_address to;
  hf_u256 value;
  uint64_t gas;
  uint8_t *data; /* owned */
  size_t data_length;
  hf_attempt attempt[HF_JOURNAL_ATTEMPTS];
  size_t attempts; /* at least 1 */
  hf_entry_state state;
  hf_eth_receipt receipt; /* of a confirmed entry */
  char problem[256];      /* why it reverted; until it is mined, what the node said last against it */
  /* what is known since this process looked; not in the file */
  bool mined;       /* `receipt` holds */
  bool seen_mined;  /* it was so once: if not now, the chain was reorganised */
  unsigned gone;    /* looks at which the nonce was used and no attempt of ours had a receipt */
  unsigned refused; /* sends that the node refused, one after the other */
  uint64_t sent_ms; /* of the last time the node took it; 0: not by this process */
} hf_entry;

typedef struct hf_journal {
  char *folder;
  int lock;        /* held: one process an account */
  hf_entry *entry; /* by nonce */
  size_t count, capacity;
} hf_journal;

/* Opens FOLDER (made when missing), takes its lock and reads it. HF_E_BUSY: another process has it;
 * HF_E_FORMAT: a damaged file, after which nothing must be sent; HF_E_IO, HF_E_MEMORY. */
hf_status hf_journal_open(const char *folder, hf_journal *out);
void hf_journal_close(hf_journal *journal); /* a zeroed one is fine */

/* Makes the entry durable, replacing what was there under its nonce. */
hf_status hf_journal_write(const hf_journal *journal, const hf_entry *entry);
/* Appends a copy (data included) in memory; not durable until it is written. NULL: no memory. Pointers to
 * entries die. */
hf_entry *hf_journal_add(hf_journal *journal, const hf_entry *entry);

#endif
