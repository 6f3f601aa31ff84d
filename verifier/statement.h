/* What proofs state, computed natively: the tree that nodes fold statements into, and the two fingerprints
 * by which a contract binds words on L1 to Poseidon2 hashes without computing any.
 *
 * THE TREE. A leaf proof enters as leaf = sponge(LEAF; vk digest, statement); a node is
 * parent = sponge(NODE; left, right). EMPTY (zero: no hash gives it; hf_statement_empty) stands for what is not there, and
 * parent(EMPTY, EMPTY) = EMPTY. m records are the leaves 0..m-1 of a perfect tree of HF_SEAL_RECORDS_MAX leaves, the
 * rest EMPTY; a proof over 2^k of its leaves is lifted by EMPTY right siblings.
 *
 * THE FINGERPRINT. Of words w_0..w_(k-1) behind a commitment C: x = keccak256(tag, C, ..., words) mod r, each 32
 * big-endian bytes, and y = sum w_i x^i. Words and commitment are fixed before x, so two lists of words with one y
 * would be a root of a non-zero polynomial at a random point.
 *   public data:  tag HF_DATA_TAG, C = sponge(DATA; words)                          (hyperfold/rollup.h)
 *   a seal:       tag HF_SEAL_TAG, C = root of the tree of records, then m, then the m HF_RECORD_WORDS words
 */
#ifndef HF_STATEMENT_H
#define HF_STATEMENT_H

#include <hyperfold/rollup.h>
#include <hyperfold/status.h>
#include "arith/fr.h"

#define HF_SEAL_RECORDS_LOG 6
#define HF_SEAL_RECORDS_MAX (1 << HF_SEAL_RECORDS_LOG)
#define HF_SEAL_TAG         "hyperfold.seal.v1" /* without the NUL */

static inline hf_fr hf_statement_empty(void) { return hf_fr_zero(); }
hf_fr hf_statement_leaf(hf_fr vk_digest, hf_fr statement);
hf_fr hf_statement_parent(hf_fr left, hf_fr right);
/* `levels` EMPTY right siblings on top. */
hf_fr hf_statement_lift(hf_fr statement, unsigned levels);

/* sponge(BATCH_STATEMENT; words 1..33): what the batch proof states. HF_E_RANGE for a word that is not canonical. */
hf_status hf_record_statement(const hf_batch_record *record, hf_fr *out);
/* The root over m records, 1..HF_SEAL_RECORDS_MAX of them, word 0 being their key's digest. HF_E_RANGE. */
hf_status hf_records_root(const hf_batch_record *records, uint32_t m, hf_fr *root);

/* x and y of a seal. HF_E_RANGE. */
hf_status hf_seal_fingerprint(hf_fr root, const hf_batch_record *records, uint32_t m, hf_fr *x, hf_fr *y);

/* x_d and y_d of `count` posted words (32 little-endian bytes each) behind their commitment D. HF_E_RANGE. */
hf_status hf_data_fingerprint(const uint8_t commitment[32], const uint8_t (*words)[32], size_t count, uint8_t x[32],
                              uint8_t y[32]);

#endif
