/* Transactions of EIP-1559: made, signed, named. */
#ifndef HF_ETH_TX_H
#define HF_ETH_TX_H

#include <hyperfold/bytes.h>
#include "eth_key.h"

/* What a node's pool takes at most (128 KiB is the rule among Ethereum's nodes). */
#define HF_ETH_TX_LIMIT ((size_t)128 << 10)

typedef struct hf_eth_tx {
  uint64_t chain_id, nonce;
  uint64_t tip_wei;  /* max priority fee per gas */
  uint64_t fee_wei;  /* max fee per gas, tip included; not below the tip */
  uint64_t gas;      /* limit */
  bool creates;      /* a contract is made: no receiver */
  hf_eth_address to; /* unless `creates` */
  hf_u256 value;     /* wei */
  hf_bytes data;     /* calldata, or the code that makes the contract; not owned */
} hf_eth_tx;

/* Appends the signed bytes, as eth_sendRawTransaction takes them, to `w`; `hash` names the transaction.
 * HF_E_ARGUMENT for a tip above the fee, HF_E_RANGE for more bytes than a pool takes. */
hf_status hf_eth_tx_sign(const hf_eth_tx *tx, const hf_eth_key *key, hf_writer *w, hf_eth_hash *hash);

/* Gas that a transaction costs before its first instruction: 21,000, its data (16 a byte that is not zero, 4
 * a zero), the making of a contract (EIP-2028, EIP-3860); and never less than the floor of EIP-7623 (10 a
 * token). */
uint64_t hf_eth_intrinsic_gas(const hf_eth_tx *tx);

#endif
