/* Children that nodes and seals verify, made in milliseconds.
 *
 * A leaf is a proof of a circuit that states whatever it is told. A node's child that is a node needs no node
 * proof: whichever foldable circuit has the digest that the parent knows as node_vk is a node to it, so this
 * one passes for one, with its own digest as word node_vk and an accumulator that convinces. Real nodes are
 * folded in tests/fold. */
#ifndef HF_TESTS_ATTACKS_FOLD_SUBJECTS_H
#define HF_TESTS_ATTACKS_FOLD_SUBJECTS_H
#include "circuits/fold.h"

typedef enum subject_kind {
  SUBJECT_LEAVES, /* node(leaf, leaf), the second lifted once */
  SUBJECT_NODE,   /* node(node, leaf) */
  SUBJECT_SEAL,   /* a seal of a node over three records */
  SUBJECT_SEALED_LEAF,
  SUBJECTS
} subject_kind;

typedef struct subject {
  const char *name;
  subject_kind kind;
  hf_fold_setup setup;
  hf_fr node_vk;
  hf_node_input *node;
  hf_seal_input *seal;
} subject;

void subject_make(subject_kind kind, subject *out);
void subject_free(subject *s);
void subject_options(const subject *s, hf_builder_options *out);
/* Lays the circuit; `context` is the subject. */
hf_status subject_build(hf_builder *b, const void *context);

#endif
