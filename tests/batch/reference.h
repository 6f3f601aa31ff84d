/* The rollup's semantics once more, for tests: a whole tree in memory and a maker of batch inputs that can
 * lie. It follows proto/include/hyperfold/rollup.h with field arithmetic only and shares no code with the
 * sequencer.
 *
 * The maker applies every operation as the circuit's algebra does, whether it is allowed or not: an
 * overdraft leaves r minus something in the leaf. So the roots, sums and data of a lie fit together, and only
 * the rule that it breaks can refuse it. */
#ifndef HF_TESTS_BATCH_REFERENCE_H
#define HF_TESTS_BATCH_REFERENCE_H
#include <hyperfold/rollup.h>
#include "host/eddsa.h"
#include "host/poseidon.h"

typedef struct ref_leaf {
  hf_fr x, y, word; /* word = balance + 2^64 nonce */
} ref_leaf;

typedef struct ref_state {
  uint32_t depth, levels;
  ref_leaf *leaves;                       /* 2^depth */
  hf_fr *nodes[HF_ROLLUP_LEVELS_MAX + 1]; /* nodes[k][i]: level k, 0 = leaf hashes */
} ref_state;

void ref_state_init(ref_state *state, uint32_t depth); /* empty; depth at most 12 */
void ref_state_free(ref_state *state);
hf_fr ref_root(const ref_state *state);
void ref_leaf_set(ref_state *state, uint32_t index, ref_leaf leaf);
ref_leaf ref_leaf_make(hf_bjj key, uint64_t balance, uint32_t nonce);
uint64_t ref_balance(const ref_state *state, uint32_t index);
/* Index, old leaf and siblings. */
void ref_open(const ref_state *state, uint32_t index, hf_batch_update *out);

hf_fr ref_fr_u128(uint64_t low, uint64_t high);
hf_eddsa_key ref_key(uint8_t seed);

typedef struct ref_op {
  hf_slot_type type;
  uint32_t from, to;
  uint64_t amount, fee;
  hf_fr to1, to2;
  const hf_eddsa_key *signer; /* signed types */
  /* What the signer put under the signature, where it is not what the slot says. */
  bool other_message;
  hf_fr message[4];
} ref_op;

typedef struct ref_batch {
  hf_rollup_params params;
  uint64_t chain_low, chain_high, number, deposit_start;
  uint32_t mode, operator_index;
  hf_fr stolen; /* credited to the operator on top of the fees; zero for an honest batch */
} ref_batch;

/* The four words that the signer of `op` signs. */
void ref_message(const ref_batch *batch, const ref_op *op, uint32_t nonce, hf_fr message[4]);
/* Applies the operations to `state` (no-ops fill up the slots) and makes the input; release with
 * hf_batch_input_free. */
void ref_batch_make(ref_state *state, const ref_batch *batch, const ref_op *ops, uint32_t count,
                    hf_batch_input *out);
/* The public-data words of a slot as posted in `mode`. */
void ref_data_words(const hf_batch_slot *slot, uint32_t mode, hf_fr words[HF_DATA_WORDS]);
/* Recomputes D, x_d, y_d of the record from the slots (or from `words` when not NULL). */
void ref_bind_data(hf_batch_input *input, const hf_fr *words);
hf_fr ref_statement(const hf_batch_input *input);

/* The batch that the tests share: two batches' worth of state (six accounts) and one operation of each type.
 * `salt` varies keys and amounts. */
typedef struct ref_world {
  ref_state state;
  ref_batch batch;
  hf_eddsa_key keys[6]; /* owners of accounts 1..6; account 6 is the operator's */
} ref_world;
void ref_world_init(ref_world *world, uint32_t depth, uint32_t slots, uint8_t salt);
void ref_world_free(ref_world *world);
ref_op ref_transfer(const ref_world *world, uint32_t from, uint32_t to, uint64_t amount, uint64_t fee);
ref_op ref_withdraw(const ref_world *world, uint32_t from, uint64_t address, uint64_t amount, uint64_t fee);
ref_op ref_deposit(uint32_t to, hf_bjj key, uint64_t amount);
ref_op ref_refused(hf_fr to1, hf_fr to2, uint64_t amount);

#endif
