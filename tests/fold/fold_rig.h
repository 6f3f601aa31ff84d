/* Small real leaves (batches of one slot on a tree of depth 4), nodes and seals, proven for real on the CPU. */
#ifndef HF_TEST_FOLD_RIG_H
#define HF_TEST_FOLD_RIG_H
#include "circuits/fold.h"
#include "keys.h"
#include "prove.h"

typedef struct fold_rig {
  hf_backend *backend;
  hf_srs *srs;
  hf_fold_setup setup;
  hf_proving_key *leaf, *node, *seal; /* node and seal: made on first use */
} fold_rig;

fold_rig *fold_rig_make(void);
void fold_rig_free(fold_rig **rig);

/* A proven empty batch with this chain id and number; its record has the key's digest as word 0. */
void fold_rig_leaf(fold_rig *rig, uint64_t chain, uint64_t number, hf_fold_child *out, hf_batch_record *record);

/* Circuits with witnesses (owned by the caller); `input` NULL: structure alone. */
hf_circuit *fold_rig_node_circuit(fold_rig *rig, const hf_node_input *input);
hf_circuit *fold_rig_seal_circuit(fold_rig *rig, hf_fr node_vk, const hf_seal_input *input);
const hf_proving_key *fold_rig_node_key(fold_rig *rig);
const hf_proving_key *fold_rig_seal_key(fold_rig *rig); /* for nodes under fold_rig_node_key */

/* Proves and verifies. node_vk of the input is set. */
void fold_rig_node(fold_rig *rig, hf_node_input *input, hf_fold_child *out);
void fold_rig_seal(fold_rig *rig, hf_seal_input *input, hf_proof *out);

#endif
