/* Every constraint, lookup and copy of the gadgets of node and seal is needed: see fold_removal.h. */
#include <criterion/criterion.h>
#include <string.h>
#include "fold_circuits.h"
#include "fold_instances.h"
#include "fold_lies.h"
#include "fold_removal.h"

typedef struct trial_instance {
  const char *name;
  shape_build build;
  void (*lies)(remover *m);
  bool tiny;
} trial_instance;

static void leaf_lies(remover *m) {
  hf_g1 left, right;
  instance_stand_in(&left, &right);
  lies_about_leaf(m, left, right, hf_fr_from_u64(4711));
}

static void hinted_lies(remover *m) { lies_about_tight(m, "point", 0, "point", 4, 8); }

static const trial_instance instances[] = {
    {"tiny point", instance_tiny_point, lies_about_tiny_point, true},
    {"tiny sum", instance_tiny_sum, lies_about_tiny_sum, true},
    {"tiny product", instance_tiny_product, NULL, true},
    {"tiny table", instance_tiny_table, NULL, true},
    {"point", instance_point, lies_about_point, false},
    {"hinted points", instance_hinted, hinted_lies, false},
    {"curve", instance_curve, lies_about_curve, false},
    {"chain", instance_chain, lies_about_chain, false},
    {"sum", instance_sum, lies_about_digits, false},
    {"transcript", instance_transcript, lies_about_splits, false},
    {"relation", instance_relation, NULL, false},
    {"leaf", instance_leaf, leaf_lies, false},
    {"node", instance_node, lies_about_node, false},
};

/* Classes that no lie needs, and why. All others are needed. */
#define NO_CHUNK                                                                                             \
  "no chunk stands on this wire of a range row: zero is looked up, with no weight, and any entry would do"
#define DOUBLED                                                                                              \
  "x1 = x modulo q leaves the second slope's identity with 2 y = 0, and no point of the curve has y = 0: "   \
  "sums of points "                                                                                          \
  "of the curve are on the curve"
#define CHILD_ZERO                                                                                           \
  "child 0 stands on a and, selected, on e: the selection holds one where the other is copied"
#define SHORT_SPLIT "what is split again, exactly, in two parts of 126 bits has 252"
#define HIGH_WORD                                                                                            \
  "limbs have 68 bits, so the word is an integer below 2^133, and \"below q, high part\" leaves no more "    \
  "than q's own word"

static const struct {
  const char *label, *why;
} redundant[] = {
    {"coordinate words: high word of a coordinate, range", HIGH_WORD},
    {"coordinate words: high word of a coordinate, copy of a lookup", HIGH_WORD},
    {"range rows: a wire without a chunk, copy", NO_CHUNK},
    {"chained doubling and addition: the points of a chained doubling differ in x, equation", DOUBLED},
    {"chained doubling and addition: the points of a chained doubling differ in x, copy of a", DOUBLED},
    {"chained doubling and addition: the points of a chained doubling differ in x, copy of b", DOUBLED},
    {"chained doubling and addition: the points of a chained doubling differ in x, copy of c", DOUBLED},
    {": Poseidon2 first round or child selection, copy of a", CHILD_ZERO},
    {"transcript: Poseidon2 first round or child selection, copy of a", CHILD_ZERO},
    {"fold: Poseidon2 first round or child selection, copy of a", CHILD_ZERO},
    {"sponge: Poseidon2 first round or child selection, copy of a", CHILD_ZERO},
    {": canonical split: low, range", SHORT_SPLIT},
    {": canonical split: low, copy of a lookup", SHORT_SPLIT},
};

static const char *reason(const char *label) {
  for (size_t i = 0; i < sizeof redundant / sizeof *redundant; i++)
    if (strcmp(redundant[i].label, label) == 0) return redundant[i].why;
  return NULL;
}

static bool is_listed(const char *label) { return reason(label) != NULL; }

static void look(remover *m, const trial_instance *in) {
  uint32_t before = m->runs;
  remover_take(m, in->name, NULL, in->build, NULL);
  if (in->lies != NULL) in->lies(m);
  if (in->tiny) remover_integers(m);
  remover_systematic(m);
  cr_log_info("%s: %u rows, %u lies", in->name, m->s.rows, m->runs - before);
  remover_drop(m);
}

static void look_at_circuits(remover *m, const subject *leaves) {
  uint32_t before = m->runs;
  m->listed = is_listed; /* the small instances have tried */
  circuit_child(m, leaves);
  cr_log_info("a child: %u lies", m->runs - before);
  before = m->runs;
  circuit_node(m);
  cr_log_info("a node: %u lies", m->runs - before);
  before = m->runs;
  circuit_seal(m);
  cr_log_info("a seal: %u lies", m->runs - before);
}

Test(fold_removal, every_constraint_is_needed) {
  static remover m;
  static subject leaves;
  subject_make(SUBJECT_LEAVES, &leaves);
  uint32_t covered = 0, listed = 0;
  remover_open(&m);
  for (size_t i = 0; i < sizeof instances / sizeof *instances; i++) look(&m, &instances[i]);
  look_at_circuits(&m, &leaves);
  subject_free(&leaves);
  for (uint32_t k = 0; k < m.class_count; k++) {
    const removal_class *c = &m.classes[k];
    const char *why = reason(c->label);
    covered += c->covered;
    listed += !c->covered && why != NULL;
    cr_expect(c->covered || why != NULL, "nothing needs: %s", c->label);
    cr_expect(!c->covered || why == NULL, "%s is listed as redundant, and needed for: %s", c->label, c->how);
  }
  cr_log_info("%u classes covered by %u lies, %u redundant by design", covered, m.runs, listed);
  cr_expect_eq(listed, sizeof redundant / sizeof *redundant, "a class is listed that does not exist");
  remover_close(&m);
}
