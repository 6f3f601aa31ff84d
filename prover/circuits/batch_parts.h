/* Shared by the files of the batch circuit. */
#ifndef HF_CIRCUITS_BATCH_PARTS_H
#define HF_CIRCUITS_BATCH_PARTS_H
#include "batch.h"
#include "circuit/signature.h"

/* An account leaf as the tree holds it: H4(x, y, word, HF_DOMAIN_ACCOUNT), word = balance + 2^64 nonce. */
typedef struct batch_leaf {
  hf_var x, y, word;
} batch_leaf;

/* What all slots read. */
typedef struct batch_context {
  hf_builder *b;
  unsigned levels;
  hf_base_table base;
  hf_var chain_id, mode;
  hf_batch_rows *rows; /* counts where rows go */
} batch_context;

/* What a slot adds to the batch. */
typedef struct batch_slot_result {
  hf_var root;                                                                 /* after the slot */
  hf_var words[HF_DATA_WORDS];                                                 /* public data */
  hf_var transfer, withdraw, deposit_applied, deposit_opened, deposit_refused; /* 0 or 1; at most one is 1 */
  hf_var fee, amount, spent, withdrawn, refused;
  hf_batch_rows rows; /* what the slot laid */
} batch_slot_result;

void batch_slot(batch_context *cx, hf_var root, const hf_batch_slot *input, batch_slot_result *out);

/* 2^n */
hf_fr batch_power(unsigned n);
/* A word of the input; one that is not canonical is an error of the builder. */
hf_fr batch_word(hf_builder *b, const uint8_t bytes[32]);
hf_var batch_hint(hf_builder *b, const uint8_t bytes[32], const char *name);
/* Base-4 digits of an index that is an account's: its top digit is 0 or 1, by batch_assert_accounts. */
hf_var batch_index(hf_builder *b, uint32_t index, unsigned levels, const char *name, hf_var *digits);
/* Adds the rows laid since `since` to *counter and returns the number of rows now. */
uint32_t batch_count(const hf_builder *b, uint32_t since, uint32_t *counter);
/* Replaces `old` by `new` at the leaf of `digits`: asserts that the root before is `root`, returns the root
 * after. */
hf_var batch_update(batch_context *cx, hf_var root, const hf_batch_update *input, const hf_var *digits,
                    const batch_leaf *old_leaf, const batch_leaf *new_leaf, uint32_t *path_rows,
                    uint32_t *leaf_rows);

#endif
