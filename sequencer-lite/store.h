/* One chain's file: a SQLite database (WAL, synchronous=FULL, locked by its one user).
 * Everything that must survive a crash goes through here; what is written between begin and
 * commit is there after a crash wholly or not at all. Used by the chain alone, under its lock. */
#ifndef HF_SEQUENCER_STORE_H
#define HF_SEQUENCER_STORE_H

#include "state.h"
#include "tree.h"

typedef struct hf_store hf_store;

/* What a chain was made with. */
typedef struct hf_store_identity {
  hf_chain_id chain_id;
  hf_rollup_params params;
  uint32_t mode;
  uint32_t operator_index;
} hf_store_identity;

/* An accepted operation, in the order of acceptance. */
typedef struct hf_item {
  uint64_t sequence;
  uint8_t type;      /* hf_slot_type, never a no-op */
  uint32_t from, to; /* account indices; 0 where the operation has none */
  uint32_t nonce;
  uint64_t amount, fee;
  hf_fr to1, to2;
  uint8_t signature[HF_EDDSA_SIGNATURE_BYTES]; /* zero for deposits */
  uint64_t deposit_index;                      /* of deposits */
  hf_digest hash;                              /* of transactions */
  uint64_t received_ms;
} hf_item;

static inline bool hf_item_is_deposit(const hf_item *item) {
  return item->type == HF_SLOT_DEPOSIT || item->type == HF_SLOT_DEPOSIT_REFUSED;
}

/* Opens or makes the file. HF_E_BUSY when another process has it, HF_E_MISMATCH when it was made for
 * something else, HF_E_VERSION, HF_E_FORMAT (not such a file), HF_E_IO, HF_E_FULL. */
hf_status hf_store_open(const char *path, const hf_store_identity *identity, hf_store **out);
void hf_store_close(hf_store **store);

hf_status hf_store_begin(hf_store *store);
hf_status hf_store_commit(hf_store *store);
void hf_store_rollback(hf_store *store); /* no error when nothing was begun */

/* Calls `each` for every sealed account in the order of the indices. */
hf_status hf_store_accounts(hf_store *store,
                            hf_status (*each)(void *context, uint32_t index, const hf_account *account),
                            void *context);
hf_status hf_store_put_account(hf_store *store, uint32_t index, const hf_account *account);

/* hf_tree_loader and hf_tree_writer with the store as context. */
hf_status hf_store_get_family(void *store, uint32_t family, uint8_t children[HF_TREE_FAMILY_BYTES],
                              bool *found);
hf_status hf_store_put_family(void *store, uint32_t family, const uint8_t children[HF_TREE_FAMILY_BYTES]);

hf_status hf_store_add_item(hf_store *store, const hf_item *item);
/* Waiting items with a sequence above `after`, oldest first. */
hf_status hf_store_pending(hf_store *store, uint64_t after, hf_item *items, size_t capacity, size_t *count);
hf_status hf_store_seal_item(hf_store *store, uint64_t sequence, uint64_t batch, uint32_t slot);
/* batch 0: waiting. */
hf_status hf_store_find_hash(hf_store *store, const hf_digest *hash, bool *found, uint64_t *batch,
                             uint32_t *slot);
hf_status hf_store_find_deposit(hf_store *store, uint64_t index, bool *found, hf_item *item);

typedef struct hf_store_counters {
  uint64_t last_sequence;
  uint64_t next_deposit;    /* of all accepted */
  uint64_t sealed_deposits; /* consumed by batches */
  uint64_t last_batch, unsubmitted;
  bool has_root;
  uint8_t last_root[32]; /* new root of the last batch */
  uint64_t sealed_items;
} hf_store_counters;
hf_status hf_store_count(hf_store *store, hf_store_counters *out);

/* `data` are all words of the batch (params.slots x HF_DATA_WORDS x 32 bytes), posted or not. */
hf_status hf_store_add_batch(hf_store *store, const hf_batch_info *info, hf_bytes data, hf_bytes input);
hf_status hf_store_batch(hf_store *store, uint64_t number, hf_batch_info *out); /* HF_E_NOT_FOUND */
/* Fresh memory for the caller; HF_E_NOT_FOUND also when the input is no longer kept. */
hf_status hf_store_batch_data(hf_store *store, uint64_t number, uint8_t **data, size_t *length);
hf_status hf_store_batch_input(hf_store *store, uint64_t number, uint8_t **data, size_t *length);
hf_status hf_store_first_unsubmitted(hf_store *store, uint64_t *number); /* 0: none */
hf_status hf_store_set_submitted(hf_store *store, uint64_t number, bool keep_input);

#endif
