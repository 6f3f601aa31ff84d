/* The verifier inside a circuit: what node and seal do with a child. The same steps as verifier/verify.c, in its order. */
#ifndef HF_CIRCUITS_CHILD_H
#define HF_CIRCUITS_CHILD_H
#include "circuit/msm.h"
#include "circuit/transcript.h"
#include "fold.h"

typedef struct hf_verified_child {
  hf_var digest;                      /* of its key */
  hf_var instance[HF_INSTANCE_COUNT]; /* as in its transcript */
  hf_curve_point left;                /* the child convinces if e(left - [constant]_1, [1]_2) = e(right, [tau]_2) */
  hf_var constant;
  hf_curve_point right;
  hf_var token; /* a challenge after everything the child sent, W' included: it binds all of the above */
} hf_verified_child;

/* Proves everything about the child but that pairing. */
void hf_child_verify(hf_builder *b, const hf_fold_setup *setup, const hf_fold_child *child, hf_verified_child *out);

/* The accumulator of slot `slot`: the child's own where `is_node` is 1, else its words are zero and a pair of powers of
 * tau stands in. */
typedef struct hf_pair_gadget {
  hf_curve_point left, right;
} hf_pair_gadget;
void hf_child_accumulator(hf_builder *b, const hf_fold_setup *setup, unsigned slot, const hf_verified_child *child,
                          hf_var is_node, hf_pair_gadget *out);

/* The child's entry in the tree of statements: its statement if it is a node under node_vk, sponge(LEAF; digest,
 * statement) otherwise; *is_node = (digest = node_vk). A node's word node_vk is node_vk too, a leaf's is 0. */
hf_var hf_child_entry(hf_builder *b, const hf_verified_child *child, hf_var node_vk, hf_var *is_node);

/* parent(x, EMPTY), `count` times at most: *out = x lifted `levels` times, levels a hint in 0..count. */
hf_var hf_lift_gadget(hf_builder *b, hf_var x, uint32_t levels, unsigned count);

/* A child for the structure alone. */
void hf_fold_child_blank(hf_fold_child *out);

/* The sums of a fold: left = sum of lefts with coefficients 1, f_1, f_2.. - constant [1], right likewise. */
void hf_fold_words(hf_builder *b, hf_curve_point left, hf_curve_point right, hf_var words[HF_ACCUMULATOR_WORDS]);

/* The parts of the two MSMs that a child brings, in the order in which the circuit takes them; shared with
 * hf_foldable_check. */
#define HF_CHILD_ZETA_TERMS 12
#define HF_CHILD_TERMS      12

#endif
