/* Poseidon2 (arith/poseidon2.h), the sponge (host/poseidon.h) and Merkle paths. */
#ifndef HF_CIRCUIT_HASH_H
#define HF_CIRCUIT_HASH_H
#include "circuit/builder.h"

/* The permutation: 20 rows; the last one carries the result and is free for one more equation of c, d, e. */
void hf_permute(hf_builder *b, const hf_var in[4], hf_var out[4]);
/* hf_poseidon2_compress4: 20 rows. */
hf_var hf_hash4(hf_builder *b, const hf_var in[4]);
/* hf_sponge: 20 rows for each three words. `domain` is one of hf_domain. */
hf_var hf_hash_words(hf_builder *b, uint64_t domain, const hf_var *words, size_t count);

#define HF_MERKLE_MAX_LEVELS 31

/* The path of a leaf in a tree with four children a node (node = hash4 of its children).
 * digits[l] is the child's number at level l, level 0 being the leaves': forced to be one of 0..3 by
 * these functions. siblings[3 l + k] are the values of the other children of that level, in order. 20 rows a
 * level. */
hf_var hf_merkle_root(hf_builder *b, hf_var leaf, const hf_var *digits, const hf_fr *siblings,
                      unsigned levels);
/* Replaces a leaf: both roots over the same siblings. 41 rows a level, and one that waiting equations fill.
 */
void hf_merkle_update(hf_builder *b, hf_var old_leaf, hf_var new_leaf, const hf_var *digits,
                      const hf_fr *siblings, unsigned levels, hf_var *old_root, hf_var *new_root);
/* index = sum 4^l digits[l]. The digits are hints; hf_merkle_root or hf_merkle_update must be given all of
 * them, which forces each into 0..3 and thereby index into [0, 4^levels). */
void hf_merkle_digits(hf_builder *b, hf_var index, unsigned levels, hf_var *digits);

#endif
