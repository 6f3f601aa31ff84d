/* Leaves that pose as nodes and nodes that pose as leaves, under proofs that convince. */
#include "corpus.h"

static hf_fr *node_vk(corpus_item *item) { return &item->proof.public_inputs[HF_INSTANCE_NODE_VK]; }

static void no_accumulator(corpus_item *item) {
  for (int i = 0; i < HF_ACCUMULATOR_WORDS; i++) corpus_accumulator(item)[i] = hf_fr_zero();
}
static void accumulate(corpus_item *item, uint64_t k) {
  hf_g1 left, right;
  corpus_pair(k, &left, &right);
  corpus_set_accumulator(item, left, right);
}

static void foreign_node(corpus_item *item, unsigned i) {
  *node_vk(item) = i == 0   ? hf_fr_one()
                   : i == 1 ? item->subject->alien_vk.digest
                   : i == 2 ? hf_fr_add(item->vk.digest, hf_fr_one())
                            : hf_fr_neg(item->vk.digest);
  accumulate(item, 3);
  corpus_forge(item);
}
static void foreign_node_without(corpus_item *item, unsigned i) {
  foreign_node(item, i);
  no_accumulator(item);
  corpus_forge(item);
}
static unsigned four(const corpus_subject *s) { return (void)s, 4u; }
static unsigned eight(const corpus_subject *s) { return (void)s, 8u; }

/* A node that says that it is a leaf would be rid of its accumulator. */
static void node_as_leaf(corpus_item *item, unsigned i) {
  *node_vk(item) = hf_fr_zero();
  if (i == 0) accumulate(item, 3);
  corpus_forge(item);
}
static unsigned one_kept(const corpus_subject *s) { return (void)s, 1u; }

static void one_word(corpus_item *item, unsigned i) {
  *node_vk(item) = hf_fr_zero();
  no_accumulator(item);
  corpus_accumulator(item)[i] = i % 2 ? hf_fr_one() : hf_fr_neg(hf_fr_one());
  corpus_forge(item);
}

/* For nodes a leaf's key is not theirs, whatever it says; the native verifier knows no other key than the
 * proof's. */
static void not_of_nodes(corpus_item *item) {
  if (item->kind == CORPUS_LEAF) item->circuit = CORPUS_INSTANCE;
}

/* A leaf that says that it is a node: it has no accumulator, and zeros are none. */
static void leaf_as_node(corpus_item *item, unsigned i) {
  (void)i;
  *node_vk(item) = item->vk.digest;
  no_accumulator(item);
  not_of_nodes(item);
  corpus_forge(item);
}
/* Whoever says that it is a node hands on an accumulator, and it must be good. */
static void leaf_with_accumulator(corpus_item *item, unsigned i) {
  *node_vk(item) = item->vk.digest;
  accumulate(item, 3);
  not_of_nodes(item);
  if (i == 1) { /* L = [1] */
    corpus_accumulator(item)[0] = hf_fr_one();
    corpus_accumulator(item)[1] = hf_fr_zero();
    corpus_accumulator(item)[2] = hf_fr_from_u64(2);
    corpus_accumulator(item)[3] = hf_fr_zero();
    item->expected = CORPUS_ACCUMULATOR;
  }
  corpus_forge(item);
}
static unsigned two(const corpus_subject *s) { return (void)s, 2u; }

const corpus_case corpus_cases_instances[] = {
    {"instance", "foreign node_vk", CORPUS_FOLDED, four, foreign_node, CORPUS_INSTANCE, NULL},
    {"instance", "foreign node_vk, no accumulator", CORPUS_FOLDED, four, foreign_node_without,
     CORPUS_INSTANCE, NULL},
    {"instance", "node posing as a leaf", CORPUS_FOLDED, one_kept, node_as_leaf, CORPUS_INSTANCE, NULL},
    {"instance", "leaf with a word of an accumulator", CORPUS_FOLDED, eight, one_word, CORPUS_INSTANCE, NULL},
    {"instance", "leaf posing as a node", CORPUS_FOLDED, NULL, leaf_as_node, CORPUS_INFINITY_ACCUMULATOR,
     NULL},
    {"instance", "its own node_vk and an accumulator", CORPUS_FOLDED, two, leaf_with_accumulator,
     CORPUS_ACCEPTED, NULL},
    {0},
};
