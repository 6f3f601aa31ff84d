/* A settlement contract on a real node whose verifier takes every proof, so that everything else about
 * settling can be tried without proving: the contract, the records and the posted data are real, the proof is
 * not. */
#ifndef HF_REHEARSAL_H
#define HF_REHEARSAL_H

#include "anvil.h"
#include "eth_sender.h"
#include "ok.h"
#include "settlement.h"
#include "state.h"
#include "wallet.h"

#define REHEARSAL_SLOTS 8
#define REHEARSAL_DEPTH 8

typedef struct rehearsal {
  anvil node;
  char *folder;
  hf_eth_key owner; /* of the contract; operator of the chain */
  hf_settlement contract;
  uint64_t from_block;
  hf_u256 chain;
  hf_chain_id chain_id;
  hf_chain *state;
} rehearsal;

/* Creation code of the verifier that takes everything, and its key's digest. */
void rehearsal_verifier(hf_writer *code);
#define REHEARSAL_SEAL_KEY 7 /* as a field element */
#define REHEARSAL_LEAF_KEY 9

/* Node, contract, chain, an empty chain's state. Skips when the node or the contract's code is absent. */
void rehearsal_open(rehearsal *r);
void rehearsal_close(rehearsal *r);

/* A transaction, mined; the receipt is returned, `why` (may be NULL, 512 bytes) says what it reverted with.
 * Refused ones (they would revert) give an empty receipt. */
hf_eth_receipt rehearsal_send(rehearsal *r, const hf_eth_key *from, const hf_eth_address *to, uint64_t units,
                              const hf_writer *data, uint64_t gas, char *why);
/* A deposit of so many gwei; a key is a point of BabyJubJub, or two numbers that are none. */
void rehearsal_deposit(rehearsal *r, const hf_eth_key *from, hf_fr x, hf_fr y, uint64_t amount);
hf_wallet rehearsal_wallet(uint8_t number);

/* The batches first .. last of a chain as a sealed object, with a proof that is none. */
void rehearsal_seal(hf_chain *chain, uint64_t first, uint64_t last, hf_sealed *out);

#endif
