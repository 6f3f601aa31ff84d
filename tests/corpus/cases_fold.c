/* Whole nodes and seals: what they do with children whose deferred pairings do not hold, with errors that
 * would cancel, and with hints that lie about the fold. */
#include <stdlib.h>
#include <string.h>
#include "circuit.h"

static hf_g1 one(void) { return hf_g1_generator(); }

/* --- children ------------------------------------------------------------------------------------------ */

/* L - tau R of the proof's own pair becomes [k]: W' moved by [s] adds s (y - tau). */
static void opening_off(corpus_item *item, hf_fr k) {
  hf_challenges ch;
  hf_challenges_derive(&item->vk, &item->proof, &ch);
  hf_fr s = hf_fr_mul(k, hf_fr_inv(hf_fr_sub(ch.y, corpus_tau())));
  item->proof.w_prime = corpus_add(item->proof.w_prime, corpus_times(one(), s));
}
/* That of the accumulator becomes [k], under a proof that convinces. */
static void accumulator_off(corpus_item *item, hf_fr k) {
  hf_g1 left, right;
  corpus_pair(4, &left, &right);
  corpus_set_accumulator(item, corpus_add(left, corpus_times(one(), k)), right);
  corpus_forge(item);
}

void corpus_child_spoiled(corpus_item *item, unsigned way) {
  hf_fr k = hf_fr_from_u64(way < 2 ? 1 : 7), minus = hf_fr_neg(k);
  if (way == 0 || way == 2) opening_off(item, k);
  if (way == 1 || way == 3) accumulator_off(item, k);
  if (way == 4) { /* they cancel within the child */
    accumulator_off(item, minus);
    opening_off(item, k);
  }
}

/* --- nodes --------------------------------------------------------------------------------------------- */

static void tell_lift(corpus_liar *l, const char *name, hf_fr *value) {
  if (strcmp(name, "lift flag") != 0) return;
  unsigned i = l->seen++;
  if (l->number == 0 && i == 1) *value = hf_fr_one(); /* rises again */
  if (l->number == 1 && i == 0) *value = hf_fr_from_u64(3);
}
static void tell_node_vk(corpus_liar *l, const char *name, hf_fr *value) {
  (void)l;
  if (strcmp(name, "node_vk") == 0) *value = hf_fr_add(*value, hf_fr_one());
}

/* first and second: spoiled copies of leaf or node. */
static const struct {
  const char *name;
  bool node[2];  /* leaf or node */
  int spoil[2];  /* a way of corpus_child_spoiled; -1: good */
  bool opposite; /* the second child's opening is off by as much as the first's, with the other sign */
  unsigned lift;
  void (*tell)(corpus_liar *, const char *, hf_fr *);
  unsigned number;
  corpus_class expected;
} nodes[] = {
    {"leaf, leaf", {false, false}, {-1, -1}, false, 0, NULL, 0, CORPUS_ACCEPTED},
    {"node, leaf", {true, false}, {-1, -1}, false, 1, NULL, 0, CORPUS_ACCEPTED},
    {"leaf, node", {false, true}, {-1, -1}, false, 0, NULL, 0, CORPUS_ACCEPTED},
    {"one node twice", {true, true}, {-1, -1}, false, 0, NULL, 0, CORPUS_ACCEPTED},
    {"first opening", {false, false}, {0, -1}, false, 0, NULL, 0, CORPUS_ACCUMULATOR},
    {"second opening", {false, false}, {-1, 2}, false, 0, NULL, 0, CORPUS_ACCUMULATOR},
    {"first accumulator", {true, false}, {1, -1}, false, 0, NULL, 0, CORPUS_ACCUMULATOR},
    {"second accumulator", {false, true}, {-1, 3}, false, 0, NULL, 0, CORPUS_ACCUMULATOR},
    {"opening cancels accumulator", {true, false}, {4, -1}, false, 0, NULL, 0, CORPUS_ACCUMULATOR},
    {"opening cancels the second's accumulator",
     {false, true},
     {-1, 4},
     false,
     0,
     NULL,
     0,
     CORPUS_ACCUMULATOR},
    {"openings that cancel", {false, false}, {0, -1}, true, 0, NULL, 0, CORPUS_ACCUMULATOR},
    {"openings of nodes that cancel", {true, true}, {2, -1}, true, 0, NULL, 0, CORPUS_ACCUMULATOR},
    {"lift that rises again", {false, false}, {-1, -1}, false, 0, tell_lift, 0, CORPUS_WITNESS},
    {"lift by 3", {false, false}, {-1, -1}, false, 0, tell_lift, 1, CORPUS_WITNESS},
    {"foreign node_vk over a node", {true, false}, {-1, -1}, false, 0, tell_node_vk, 0, CORPUS_INSTANCE},
    {"foreign node_vk over leaves", {false, false}, {-1, -1}, false, 0, tell_node_vk, 0, CORPUS_ACCEPTED},
};

void corpus_try_nodes(const corpus_subject *leaf, const corpus_subject *node, corpus_circuit_each each,
                      void *context) {
  for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
    char why[256] = "";
    corpus_item *child[2];
    for (int k = 0; k < 2; k++) {
      child[k] = corpus_item_for(nodes[i].node[k] ? node : leaf);
      if (nodes[i].spoil[k] >= 0) corpus_child_spoiled(child[k], (unsigned)nodes[i].spoil[k]);
    }
    if (nodes[i].opposite) opening_off(child[1], hf_fr_neg(hf_fr_from_u64(nodes[i].spoil[0] < 2 ? 1 : 7)));
    corpus_liar liar = {.tell = nodes[i].tell, .number = nodes[i].number};
    corpus_set said =
        corpus_ask_node(child[0], child[1], node->vk.digest, nodes[i].lift, liar.tell ? &liar : NULL, why);
    each(context, nodes[i].name, said, nodes[i].expected, why);
    for (int k = 0; k < 2; k++) corpus_item_release(child[k]);
  }
}

void corpus_try_seals(const corpus_subject *seal, const corpus_subject *node, corpus_circuit_each each,
                      void *context) {
  for (unsigned way = 0; way < 5; way++) {
    char why[256] = "";
    corpus_item *item = corpus_item_for(seal);
    corpus_set said = corpus_ask_seal(item, node, corpus_child_spoiled, way, NULL, why);
    each(context, "seal over a bad child", said, CORPUS_ACCUMULATOR, why);
    corpus_item_release(item);
  }
}
