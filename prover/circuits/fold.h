/* The circuits that fold proofs: the node, which verifies two, and the seal, which verifies one for a contract.
 *
 * NODE. Verifies two children, each under a key that is part of the witness and bound by its digest; a child is a leaf
 * (any foldable circuit) or a node under the node's own key, which is the public word node_vk. One node circuit and one
 * proving key serve every leaf circuit, every depth and any mix of both. Its statement is the parent of the children's
 * entries (verifier/statement.h), the second lifted by `lift` EMPTY siblings where it spans fewer leaves than the first.
 * Pairings are not checked but folded: the accumulator (L, R) it hands on stands for all pairings below.
 *
 * SEAL. Verifies one child, leaf or node, the node's key being a constant, and binds the statement to m records by the
 * fingerprint (x, y). Its transcript is Keccak-256, its kappa HF_SEAL_KAPPA: a contract verifies it.
 *
 * Both depend on the set-up: [tau]_2, and powers of tau in G1 that stand in where a child has no accumulator.
 */
#ifndef HF_CIRCUITS_FOLD_H
#define HF_CIRCUITS_FOLD_H
#include "circuit/builder.h"
#include "proof.h"
#include "statement.h"
#include "verifying_key.h"

#define HF_NODE_CIRCUIT  "node" /* names in job headers; no parameters */
#define HF_SEAL_CIRCUIT  "seal"
#define HF_NODE_CHILDREN 2
#define HF_SEAL_KAPPA    8

/* What of an SRS is part of the circuits. */
typedef struct hf_fold_setup {
  hf_g2 tau_g2;
  bool development;
  hf_g1 powers[1 + 2 * HF_NODE_CHILDREN]; /* [tau^i]_1 */
} hf_fold_setup;

typedef struct hf_fold_child {
  hf_verifying_key vk;
  hf_proof proof;
} hf_fold_child;

typedef struct hf_node_input {
  hf_fr node_vk; /* digest of the node's own key */
  hf_fold_child child[HF_NODE_CHILDREN];
  uint32_t lift; /* of the second child: 0 .. HF_SEAL_RECORDS_LOG - 1 */
} hf_node_input;

typedef struct hf_seal_input {
  hf_fr node_vk; /* a constant of the circuit */
  hf_fold_child child;
  uint32_t level;   /* the child spans 2^level leaves of the tree of records */
  uint32_t records; /* m */
  hf_batch_record record[HF_SEAL_RECORDS_MAX];
} hf_seal_input;

/* Files and artifacts: containers "NODE" and "SEAL", version 1. Everything that the readers of keys and proofs refuse
 * is refused. What a key says of kappa, transcript and set-up is not looked at there: a circuit has these as its own
 * constants. Vet children with hf_foldable_check, as aggregator and worker do. The structures are large: allocate
 * them. */
#define HF_NODE_INPUT_KIND    "NODE"
#define HF_SEAL_INPUT_KIND    "SEAL"
#define HF_FOLD_INPUT_VERSION 1
#define HF_NODE_INPUT_LIMIT   ((size_t)256 << 10)
#define HF_SEAL_INPUT_LIMIT   ((size_t)256 << 10)
hf_status hf_node_input_encode(const hf_node_input *input, hf_writer *w);
hf_status hf_node_input_decode(const char *what, const void *data, size_t length, hf_node_input *out);
hf_status hf_seal_input_encode(const hf_seal_input *input, hf_writer *w);
hf_status hf_seal_input_decode(const char *what, const void *data, size_t length, hf_seal_input *out);

void hf_node_options(hf_builder_options *out);
void hf_seal_options(hf_builder_options *out);
/* Lay the circuits out and compute their witnesses. `input` NULL: the structure alone, for keys. */
hf_status hf_node_circuit(hf_builder *b, const hf_fold_setup *setup, const hf_node_input *input);
hf_status hf_seal_circuit(hf_builder *b, const hf_fold_setup *setup, hf_fr node_vk, const hf_seal_input *input);

/* *ok = a node whose key has the digest `node_vk` can verify this proof as a child: it verifies natively, its key and
 * set-up are those of nodes, it is a leaf or a node under that very key, and the additions that the circuit makes on
 * its points meet no exceptional case. What `verify --foldable` and whoever queues a fold ask, so that nobody's proof
 * can block a batch. The reason is in hf_error_message(). */
hf_status hf_foldable_check(const hf_fold_setup *setup, hf_fr node_vk, const hf_verifying_key *vk, const hf_proof *proof,
                            bool *ok);

#endif
