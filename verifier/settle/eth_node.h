/* What is asked of an Ethereum node, as typed calls over eth_rpc.h. What a node says is checked for form, not
 * for truth: whoever can choose the node can withhold and lie, so use one that you trust to tell blocks and
 * receipts.
 *
 * Every function may also fail as hf_rpc_call does. */
#ifndef HF_ETH_NODE_H
#define HF_ETH_NODE_H

#include "eth_rpc.h"
#include "eth_tx.h"

typedef struct hf_eth_block {
  uint64_t number;
  hf_eth_hash hash;
  uint64_t base_fee; /* wei */
  uint64_t gas_limit;
  uint64_t time; /* seconds */
} hf_eth_block;

typedef struct hf_eth_receipt {
  hf_eth_hash transaction, block_hash;
  uint64_t block;
  bool success;
  uint64_t gas_used, gas_price; /* wei paid a unit */
  hf_eth_address contract;      /* made by the transaction; zero: none */
} hf_eth_receipt;

typedef struct hf_eth_call {
  hf_eth_address from, to; /* from may be zero */
  bool creates;            /* a contract: no `to` */
  hf_u256 value;
  uint64_t gas; /* 0: the node's own limit */
  hf_bytes data;
} hf_eth_call;

/* For a block's number. */
#define HF_ETH_LATEST  UINT64_MAX
#define HF_ETH_PENDING (UINT64_MAX - 1) /* with what waits in the node's pool */

hf_status hf_eth_chain_id(hf_rpc *rpc, uint64_t *out);
hf_status hf_eth_block_number(hf_rpc *rpc, uint64_t *out);
/* HF_E_NOT_FOUND: there is no such block (yet). */
hf_status hf_eth_block_at(hf_rpc *rpc, uint64_t number, hf_eth_block *out);
/* Transactions that the account has sent, up to a block: the nonce of the next one. */
hf_status hf_eth_nonce(hf_rpc *rpc, const hf_eth_address *account, uint64_t block, uint64_t *out);
hf_status hf_eth_balance(hf_rpc *rpc, const hf_eth_address *account, hf_u256 *out);
hf_status hf_eth_has_code(hf_rpc *rpc, const hf_eth_address *account, bool *out);
/* What a miner is to be offered a unit of gas; 1 gwei if the node does not say. */
hf_status hf_eth_tip(hf_rpc *rpc, uint64_t *wei);
/* *found = the transaction is in a block of the node's present chain. */
hf_status hf_eth_receipt_of(hf_rpc *rpc, const hf_eth_hash *transaction, bool *found, hf_eth_receipt *out);

/* Whom a transaction calls, and with what: fresh memory for the caller. HF_E_NOT_FOUND: the node does not
 * know it. */
hf_status hf_eth_input_of(hf_rpc *rpc, const hf_eth_hash *transaction, hf_eth_address *to, uint8_t **data,
                          size_t *length);

/* The transaction of the account with this nonce, in a block up to `high`: found by its nonces at earlier
 * blocks, so the node must keep their states (HF_E_REFUSED and the like when it does not). HF_E_NOT_FOUND:
 * the account has not used the nonce by then; HF_E_FORMAT: the node says so and shows no such transaction. */
hf_status hf_eth_find_nonce(hf_rpc *rpc, const hf_eth_address *account, uint64_t nonce, uint64_t high,
                            hf_eth_hash *hash, uint64_t *block);

/* A call without a transaction, at the state after `block`. HF_OK with *reverted: `returned` is the revert's
 * data. `returned` is appended to. */
hf_status hf_eth_call_at(hf_rpc *rpc, const hf_eth_call *call, uint64_t block, bool *reverted,
                         hf_writer *returned);

/* Hands a signed transaction to the node. A node that has it already is HF_OK. HF_E_REFUSED with the node's
 * words otherwise: that says nothing about whether it will be mined one day. */
hf_status hf_eth_send(hf_rpc *rpc, hf_bytes transaction);

#define HF_ETH_TOPICS 4
typedef struct hf_eth_log {
  uint64_t block, index; /* index within the block */
  hf_eth_hash transaction;
  size_t topic_count;
  hf_u256 topic[HF_ETH_TOPICS];
  const uint8_t *data; /* lives during the sink's call */
  size_t data_length;
} hf_eth_log;

/* Logs of `address` from block `from` to block `to`, both included, with these topics (NULL: any), in the
 * order of the chain. Ranges that a node calls too wide are asked in halves. HF_E_FORMAT for logs that were
 * not asked for or are out of order; a status of the sink other than HF_OK ends the call. */
typedef hf_status (*hf_eth_log_sink)(void *context, const hf_eth_log *log);
hf_status hf_eth_logs(hf_rpc *rpc, const hf_eth_address *address, const hf_u256 *const topic[HF_ETH_TOPICS],
                      uint64_t from, uint64_t to, hf_eth_log_sink sink, void *context);

#endif
