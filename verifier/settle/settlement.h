/* The settlement contract (verifier/evm/IHyperfold.sol) seen from here: what it says, what is said to it, and
 * its deposits. Transactions are made here and sent by eth_sender.h.
 *
 * A chain is named by its id as a number of the EVM. */
#ifndef HF_SETTLEMENT_H
#define HF_SETTLEMENT_H

#include "eth_node.h"
#include "sealed.h"

typedef struct hf_settlement {
  hf_rpc *rpc; /* not owned */
  hf_eth_address address;
} hf_settlement;

/* HF_E_NOT_FOUND when there is no contract at this address, HF_E_UNSUPPORTED when its unit is another. */
hf_status hf_settlement_check(const hf_settlement *contract);

/* ---- what it says; at the latest block ---- */

typedef struct hf_settled_chain {
  hf_u256 state_root;
  uint64_t batch;             /* number of the last settled batch; 0: none */
  uint64_t deposits_consumed; /* by settled batches */
  uint64_t deposits_queued;
  hf_u256 escrow;          /* units that the chain holds */
  hf_eth_address operator; /* zero: there is no such chain */
  uint64_t mode;           /* hf_rollup_mode */
} hf_settled_chain;

hf_status hf_settlement_chain(const hf_settlement *contract, const hf_u256 *chain, hf_settled_chain *out);
/* The same at the state after a block. */
hf_status hf_settlement_chain_at(const hf_settlement *contract, const hf_u256 *chain, uint64_t block,
                                 hf_settled_chain *out);
hf_status hf_settlement_chain_count(const hf_settlement *contract, uint64_t *out);
hf_status hf_settlement_chain_id(const hf_settlement *contract, uint64_t index, hf_u256 *out);
/* Wei that the account can claim. */
hf_status hf_settlement_claimable(const hf_settlement *contract, const hf_eth_address *account, hf_u256 *out);
/* The rolling hash of the first `count` deposits of a chain. */
hf_status hf_settlement_deposit_hash(const hf_settlement *contract, const hf_u256 *chain, uint64_t count,
                                     hf_eth_hash *out);
/* The verifier of seals with this key. HF_E_NOT_FOUND. Removed ones are passed over. */
hf_status hf_settlement_find_verifier(const hf_settlement *contract, const hf_u256 *digest, uint64_t *id);

/* ---- what is said to it: calldata, appended to `w` ---- */

hf_status hf_settlement_deposit_call(const hf_u256 *chain, const hf_u256 *key_x, const hf_u256 *key_y,
                                     hf_writer *w);
/* A chain's amount in wei. */
hf_status hf_settlement_wei(uint64_t amount, hf_u256 *out);
hf_status hf_settlement_claim_call(const hf_eth_address *to, hf_writer *w);

typedef struct hf_leaf_key {
  hf_u256 digest;
  uint32_t slots, depth;
} hf_leaf_key;

hf_status hf_settlement_register_call(const hf_eth_address *operator, uint64_t mode,
                                      const hf_u256 *genesis_root, const hf_leaf_key *keys, size_t count,
                                      hf_writer *w);
hf_status hf_settlement_add_verifier_call(const hf_eth_address *verifier, hf_writer *w);
hf_status hf_settlement_set_settler_call(const hf_u256 *chain, const hf_eth_address *settler, bool allowed,
                                         hf_writer *w);
/* What follows the contract's creation code: owner, seconds until a later key or verifier counts, whether
 * development verifiers are taken. */
hf_status hf_settlement_create_arguments(const hf_eth_address *owner, uint64_t delay, bool development,
                                         hf_writer *w);

/* ---- deposits ---- */

typedef struct hf_l1_deposit {
  uint64_t index;
  hf_u256 key_x, key_y;
  uint64_t amount; /* units */
  hf_eth_address owner;
  uint64_t block;
} hf_l1_deposit;

/* Deposits of `chain` in blocks `from` .. `to`, in the contract's order, as the node tells them: whether they
 * are what the contract hashed is for the caller to find out (hf_deposit_roll). HF_E_FORMAT for an index out
 * of order. */
typedef hf_status (*hf_l1_deposit_sink)(void *context, const hf_l1_deposit *deposit);
hf_status hf_settlement_deposits(const hf_settlement *contract, const hf_u256 *chain, uint64_t from,
                                 uint64_t to, hf_l1_deposit_sink sink, void *context);
/* h(i + 1) from h(i). */
void hf_deposit_roll(hf_eth_hash *hash, const hf_l1_deposit *deposit);

/* ---- a seal ---- */

/* Calldata of settle for a sealed proof. Owners of its deposits are asked of the node (logs from block
 * `from_block` on) and compared with the contract's rolling hash. HF_E_NOT_FOUND: a deposit that L1 does not
 * know; HF_E_MISMATCH: the node's deposits are not what the contract hashed; HF_E_FORMAT, HF_E_RANGE: not
 * what a contract takes. */
hf_status hf_settlement_settle_call(const hf_settlement *contract, const hf_sealed *sealed,
                                    uint64_t verifier_id, uint64_t from_block, hf_writer *w);

/* A limit of gas that settle stays below: what the calldata costs, the verifier, and what each record, row
 * and deposit may take. No node's estimate is used: a verifier that runs out of gas in a precompile fails in
 * other ways than a transaction does. */
uint64_t hf_settlement_settle_gas(const hf_sealed *sealed, hf_bytes calldata);

/* ---- what became of a seal ---- */

typedef enum hf_settled_how {
  HF_SETTLED_NOT,   /* the contract waits for these batches, or for earlier ones */
  HF_SETTLED_SEAL,  /* it took this very seal: an event Sealed with its statement, which binds every record */
  HF_SETTLED_ROOTS, /* it took the batches in other seals, and each chain had the root that the seal says
                       after the seal's last batch of it. Roots are what is compared then: not what was posted
                     */
} hf_settled_how;

typedef struct hf_settled {
  hf_settled_how how;
  hf_eth_hash transaction; /* of HF_SETTLED_SEAL, as the next two */
  uint64_t block;
  hf_eth_address settler;
} hf_settled;

/* At the state after block `at`, with the contract's logs from block `from_block` on. A seal that cannot be
 * settled any more is an error that names chain, batch and what stands there: HF_E_MISMATCH when a root is
 * another one; HF_E_STATE when some of its batches are settled and others not, or when a root cannot be
 * read: of a batch in the middle of a seal the contract tells none, so that it is taken from the calldata of
 * the transaction, which is not seen when another contract sent it, or before `from_block`. */
hf_status hf_settlement_look(const hf_settlement *contract, const hf_sealed *sealed, uint64_t from_block,
                             uint64_t at, hf_settled *out);

#endif
