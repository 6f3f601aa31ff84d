/* The state tree: sparse, arity 4, LEVELS = depth / 2 levels (hyperfold/rollup.h).
 *
 * Kept as families: the four children of one node, named by the level of the children
 * (0: leaves) and the position of their parent. A family that was never written holds four
 * empty subtrees. Families come from a loader on first use and stay in memory;
 * changed ones are dirty until they are flushed, so a batch of updates is undone by
 * dropping what is in memory. One thread at a time. */
#ifndef HF_SEQUENCER_TREE_H
#define HF_SEQUENCER_TREE_H

#include <hyperfold/rollup.h>
#include "arith/fr.h"
#include "arith/poseidon2.h"

typedef struct hf_account {
  hf_fr x, y; /* key; zero when the leaf is empty */
  uint64_t balance;
  uint32_t nonce;
} hf_account;

static inline bool hf_account_is_empty(const hf_account *a) {
  return hf_fr_is_zero(a->x) && hf_fr_is_zero(a->y) && a->balance == 0 && a->nonce == 0;
}
/* The leaf's hash; of the zero account: that of every empty leaf. */
hf_fr hf_account_leaf(const hf_account *account);

typedef struct hf_tree hf_tree;

#define HF_TREE_FAMILY_BYTES 128

/* (level of the children) << 24 | (position of the parent) */
static inline uint32_t hf_tree_family(uint32_t index, uint32_t level) {
  return level << 24 | index >> (2 * (level + 1));
}

/* Gives a stored family, four canonical elements of 32 bytes; found = false if it was never written. */
typedef hf_status (*hf_tree_loader)(void *context, uint32_t family, uint8_t children[HF_TREE_FAMILY_BYTES],
                                    bool *found);

/* `load` may be NULL: a tree in memory alone. HF_E_RANGE for a depth outside rollup.h's limits. */
hf_status hf_tree_create(uint32_t depth, hf_tree_loader load, void *context, hf_tree **out);
void hf_tree_destroy(hf_tree **tree);

hf_status hf_tree_root(hf_tree *tree, hf_fr *root);
/* The leaf (may be NULL) and the siblings of its path, LEVELS x 3 in ascending position. HF_E_RANGE beyond
 * 2^depth. */
hf_status hf_tree_path(hf_tree *tree, uint32_t index, hf_fr *leaf, hf_fr siblings[][3]);
hf_status hf_tree_set(hf_tree *tree, uint32_t index, hf_fr leaf);

typedef hf_status (*hf_tree_writer)(void *context, uint32_t family,
                                    const uint8_t children[HF_TREE_FAMILY_BYTES]);
/* Gives every dirty family to `write`; they stay dirty. */
hf_status hf_tree_flush(hf_tree *tree, hf_tree_writer write, void *context);
/* What was flushed is durable: nothing is dirty any more. With a loader, more than
 * `keep` families in memory are forgotten all at once (0: no limit). */
void hf_tree_commit(hf_tree *tree, size_t keep);
/* Forgets all that is in memory. */
void hf_tree_drop(hf_tree *tree);

#endif
