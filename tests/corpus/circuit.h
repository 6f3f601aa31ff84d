/* The verifier inside node and seal, asked for verdicts: a circuit is laid out with an item as its witness,
 * or with hints that lie, and checked constraint by constraint. No proof is made. */
#ifndef HF_TEST_CORPUS_CIRCUIT_H
#define HF_TEST_CORPUS_CIRCUIT_H
#include "circuits/fold.h"
#include "corpus.h"

/* A prover that lies: called for every hint with how many of this name came before among the names it asks
 * for. */
typedef struct corpus_liar corpus_liar;
struct corpus_liar {
  void (*tell)(corpus_liar *liar, const char *name, hf_fr *value);
  const corpus_item *item;
  unsigned number;     /* of the case */
  unsigned seen, told; /* for `tell` */
  hf_fr carry;
};

/* The set of classes (a bit each) of what fails; CORPUS_ACCEPTED alone when nothing does. */
typedef uint32_t corpus_set;
#define CORPUS_BIT(c) ((corpus_set)1 << (c))

void corpus_fold_setup(hf_fold_setup *out);
/* A child as nodes take it: its circuit, and the pairings that it defers. node_vk: the key of nodes; liar may
 * be NULL. why: the first failure. */
corpus_set corpus_ask_child(const corpus_item *item, hf_fr node_vk, corpus_liar *liar, char why[256]);
/* A whole node over two children; CORPUS_ACCUMULATOR: the circuit is satisfied, but what it hands on does not
 * hold. */
corpus_set corpus_ask_node(const corpus_item *first, const corpus_item *second, hf_fr node_vk, uint32_t lift,
                           corpus_liar *liar, char why[256]);
/* A seal's records in the circuit of the seal, under a child that states what the item's proof does. `node`:
 * the key of nodes and a proof to forge from; `child` (NULL: nothing) may spoil that proof. */
typedef void corpus_recipe(corpus_item *item, unsigned number);
corpus_set corpus_ask_seal(const corpus_item *item, const corpus_subject *node, corpus_recipe *child,
                           unsigned number, corpus_liar *liar, char why[256]);
/* hf_foldable_check: CORPUS_ACCEPTED, CORPUS_EXCEPTION, CORPUS_INSTANCE (a node under another key than
 * node_vk), or CORPUS_OTHER: what the native verifier refuses, and keys that are not for nodes. */
corpus_class corpus_ask_foldable(const corpus_item *item, hf_fr node_vk, char why[256]);

/* What the circuit is expected to say about an item; `reason`: it is not asked. */
typedef struct corpus_circuit_verdict {
  corpus_class expected;
  const char *reason;
} corpus_circuit_verdict;
corpus_circuit_verdict corpus_expect_circuit(corpus_item *item);

/* Cases for circuits alone: a recipe for the proof, a liar for the hints, or both. */
typedef struct corpus_circuit_case {
  const char *group, *name;
  unsigned on;
  unsigned count;
  void (*recipe)(corpus_item *item, unsigned number); /* NULL: the good proof */
  void (*tell)(corpus_liar *liar, const char *name, hf_fr *value);
  corpus_class native, foldable, circuit;                           /* native: of the proof */
  corpus_class (*otherwise)(unsigned number, corpus_class circuit); /* NULL: all numbers alike */
} corpus_circuit_case;
extern const corpus_circuit_case corpus_cases_circuit[], corpus_cases_hints[], corpus_cases_seal_hints[];

/* Whole nodes and seals over children whose pairings do not hold, and lies about the fold. */
typedef void (*corpus_circuit_each)(void *context, const char *name, corpus_set said, corpus_class expected,
                                    const char *why);
void corpus_try_nodes(const corpus_subject *leaf, const corpus_subject *node, corpus_circuit_each each,
                      void *context);
void corpus_try_seals(const corpus_subject *seal, const corpus_subject *node, corpus_circuit_each each,
                      void *context);
/* Spoils what a circuit defers. 0, 2: the opening; 1, 3: the accumulator (of a node); 4: both, so that they
 * cancel. */
void corpus_child_spoiled(corpus_item *item, unsigned way);

#endif
