/* What the verifier inside node and seal says: see circuit.h. */
#include "circuit.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "circuit/check.h"
#include "circuits/child.h"
#include "keys.h"

enum { FAILURES = 400 };

void corpus_fold_setup(hf_fold_setup *out) {
  *out = (hf_fold_setup){.development = true, .tau_g2 = hf_g2_mul(hf_g2_generator(), corpus_tau())};
  out->powers[0] = hf_g1_generator();
  for (int i = 1; i < 1 + 2 * HF_NODE_CHILDREN; i++)
    out->powers[i] = corpus_times(out->powers[i - 1], corpus_tau());
}

/* --- classes of failures ---------------------------------------------------------------------------- */

static const struct {
  const char *text; /* in the failure's message: constraint and path */
  corpus_class c, in_accumulator;
} rules[] = {
    {"differ in x", CORPUS_EXCEPTION, CORPUS_EXCEPTION},
    {"point on the curve", CORPUS_CURVE_POINT, CORPUS_CURVE_ACCUMULATOR},
    {"coordinate words", CORPUS_RANGE_POINT, CORPUS_RANGE_ACCUMULATOR},
    {"the accumulator is the child's", CORPUS_RANGE_ACCUMULATOR, CORPUS_RANGE_ACCUMULATOR},
    {"a leaf has no accumulator", CORPUS_INSTANCE, CORPUS_INSTANCE},
    {"a child's node_vk", CORPUS_INSTANCE, CORPUS_INSTANCE},
    {"the constraints hold at zeta", CORPUS_IDENTITY, CORPUS_IDENTITY},
    {"zeta is no row", CORPUS_IDENTITY, CORPUS_IDENTITY},
    {"the child states the root", CORPUS_RECORDS, CORPUS_RECORDS},
    {"records stand without gaps", CORPUS_RECORDS, CORPUS_RECORDS},
    {"m = records present", CORPUS_RECORDS, CORPUS_RECORDS},
    {"there is a record", CORPUS_RECORDS, CORPUS_RECORDS},
};

static corpus_class class_of(const hf_failure *f) {
  bool accumulator = strstr(f->message, "accumulator") != NULL;
  if (f->constraint.part == HF_PART_PUBLIC)
    return CORPUS_RECORDS; /* the seal's words are not those of its records */
  for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
    if (strstr(f->message, rules[i].text) != NULL) return accumulator ? rules[i].in_accumulator : rules[i].c;
  return CORPUS_WITNESS;
}

static corpus_set failures_of(const hf_circuit *circuit, char why[256]) {
  corpus_set set = 0;
  size_t count;
  hf_failure *f = malloc(FAILURES * sizeof *f);
  if (f == NULL || hf_circuit_failures(circuit, f, FAILURES, &count) != HF_OK) abort();
  for (size_t i = 0; i < count; i++) set |= CORPUS_BIT(class_of(&f[i]));
  if (count > 0) snprintf(why, 256, "%.255s", f[0].message);
  free(f);
  return set;
}

static bool pair_holds(hf_g1 left, hf_g1 right, hf_g2 tau_g2) {
  bool ok = false;
  return hf_accumulator_decide(left, right, tau_g2, &ok) == HF_OK && ok;
}

/* --- a child ------------------------------------------------------------------------------------------ */

static void tell(void *context, uint32_t hint, const char *name, hf_fr *value) {
  corpus_liar *liar = context;
  (void)hint;
  liar->tell(liar, name, value);
}

static hf_builder *builder_for(hf_builder_options options, corpus_liar *liar) {
  hf_builder *b;
  if (liar != NULL) {
    options.hint_hook = tell;
    options.hint_context = liar;
  }
  if (hf_builder_create(&options, &b) != HF_OK) abort();
  return b;
}

/* What the builder has laid out. */
static hf_circuit *finished(hf_builder *b, hf_status status) {
  hf_circuit *circuit = NULL;
  if (status != HF_OK || hf_builder_finish(b, &circuit) != HF_OK) {
    fprintf(stderr, "%s\n", hf_error_message());
    abort();
  }
  return circuit;
}

corpus_set corpus_ask_child(const corpus_item *item, hf_fr node_vk, corpus_liar *liar, char why[256]) {
  hf_fold_setup setup;
  hf_builder_options options;
  hf_verified_child child;
  hf_pair_gadget own;
  hf_var is_node;
  hf_fold_child *input = malloc(sizeof *input);
  if (input == NULL) abort();
  *input = (hf_fold_child){item->vk, item->proof};
  corpus_fold_setup(&setup);
  hf_node_options(&options);
  options.foldable = false; /* one child and nothing else */
  hf_builder *b = builder_for(options, liar);
  hf_child_verify(b, &setup, input, &child);
  hf_var entry = hf_child_entry(b, &child, hf_constant(b, node_vk), &is_node);
  hf_child_accumulator(b, &setup, 0, &child, is_node, &own);
  hf_public_input(b, entry);
  /* what is deferred, as it stands in the witness */
  hf_g1 left = hf_curve_point_value(b, child.left), right = hf_curve_point_value(b, child.right);
  left = corpus_add(left, hf_g1_neg(corpus_times(hf_g1_generator(), hf_value(b, child.constant))));
  hf_g1 own_left = hf_curve_point_value(b, own.left), own_right = hf_curve_point_value(b, own.right);
  hf_circuit *circuit = finished(b, HF_OK);
  corpus_set set = failures_of(circuit, why);
  if (set == 0 && !pair_holds(left, right, setup.tau_g2)) {
    set |= CORPUS_BIT(CORPUS_OPENING);
    snprintf(why, 256, "the pairing that the circuit defers does not hold");
  }
  if (set == 0 && !pair_holds(own_left, own_right, setup.tau_g2)) {
    set |= CORPUS_BIT(CORPUS_ACCUMULATOR);
    snprintf(why, 256, "the accumulator that the circuit folds in does not hold");
  }
  hf_circuit_destroy(&circuit);
  hf_builder_destroy(&b);
  free(input);
  return set == 0 ? CORPUS_BIT(CORPUS_ACCEPTED) : set;
}

/* --- a whole node -----------------------------------------------------------------------------------------
 */

/* The accumulator that a satisfied circuit hands on, decided. */
static corpus_set decide(const hf_circuit *circuit, unsigned at, hf_g2 tau_g2, char why[256]) {
  hf_g1 left, right;
  bool read = hf_accumulator_read(circuit->public_inputs + at, &left, &right) == HF_OK;
  if (read && pair_holds(left, right, tau_g2)) return CORPUS_BIT(CORPUS_ACCEPTED);
  snprintf(why, 256, "%s", read ? "the accumulator that is handed on does not hold" : hf_error_message());
  return CORPUS_BIT(CORPUS_ACCUMULATOR);
}

corpus_set corpus_ask_node(const corpus_item *first, const corpus_item *second, hf_fr node_vk, uint32_t lift,
                           corpus_liar *liar, char why[256]) {
  hf_fold_setup setup;
  hf_builder_options options;
  hf_node_input *input = malloc(sizeof *input);
  if (input == NULL) abort();
  *input = (hf_node_input){node_vk, {{first->vk, first->proof}, {second->vk, second->proof}}, lift};
  corpus_fold_setup(&setup);
  hf_node_options(&options);
  hf_builder *b = builder_for(options, liar);
  hf_circuit *circuit = finished(b, hf_node_circuit(b, &setup, input));
  corpus_set set = failures_of(circuit, why);
  if (set == 0) set = decide(circuit, HF_INSTANCE_ACCUMULATOR, setup.tau_g2, why);
  hf_circuit_destroy(&circuit);
  hf_builder_destroy(&b);
  free(input);
  return set;
}

/* --- a seal ------------------------------------------------------------------------------------------- */

/* x and m as the item's proof has them, whatever the records say; what comes after is the liar's. */
typedef struct seal_liar {
  const corpus_item *item;
  corpus_liar *liar;
} seal_liar;

static void tell_seal(void *context, uint32_t hint, const char *name, hf_fr *value) {
  seal_liar *s = context;
  (void)hint;
  if (strcmp(name, "m") == 0) *value = s->item->proof.public_inputs[HF_SEAL_RECORDS];
  if (strcmp(name, "x") == 0) *value = s->item->proof.public_inputs[HF_SEAL_X];
  if (s->liar != NULL) s->liar->tell(s->liar, name, value);
}

/* A node that states the seal's statement: it spans all leaves of the tree of records. */
static void child_stating(const corpus_subject *node, hf_fr statement, corpus_recipe *recipe, unsigned number,
                          hf_fold_child *out) {
  corpus_item *item = corpus_item_for(node);
  item->proof.public_inputs[HF_INSTANCE_STATEMENT] = statement;
  corpus_forge(item);
  if (recipe != NULL) recipe(item, number);
  *out = (hf_fold_child){item->vk, item->proof};
  corpus_item_release(item);
}

corpus_set corpus_ask_seal(const corpus_item *item, const corpus_subject *node, corpus_recipe *child,
                           unsigned number, corpus_liar *liar, char why[256]) {
  hf_fold_setup setup;
  hf_builder_options options;
  hf_builder *b;
  seal_liar context = {item, liar};
  hf_seal_input *input = calloc(1, sizeof *input);
  if (input == NULL) abort();
  input->node_vk = node->vk.digest;
  input->level = HF_SEAL_RECORDS_LOG;
  input->records = item->sealed.records;
  for (uint32_t i = 0; i < input->records; i++) input->record[i] = item->sealed.batch[i].record;
  child_stating(node, item->proof.public_inputs[HF_SEAL_STATEMENT], child, number, &input->child);
  corpus_fold_setup(&setup);
  hf_seal_options(&options);
  options.hint_hook = tell_seal;
  options.hint_context = &context;
  if (hf_builder_create(&options, &b) != HF_OK) abort();
  hf_circuit *circuit = finished(b, hf_seal_circuit(b, &setup, input->node_vk, input));
  /* the words that the item's proof claims, but for the accumulator, which the circuit computes */
  memcpy(circuit->public_inputs, item->proof.public_inputs, HF_SEAL_ACCUMULATOR * sizeof(hf_fr));
  corpus_set set = failures_of(circuit, why);
  if (set == 0) set = decide(circuit, HF_SEAL_ACCUMULATOR, setup.tau_g2, why);
  hf_circuit_destroy(&circuit);
  hf_builder_destroy(&b);
  free(input);
  return set;
}

/* --- natively ------------------------------------------------------------------------------------------- */

corpus_class corpus_ask_foldable(const corpus_item *item, hf_fr node_vk, char why[256]) {
  hf_fold_setup setup;
  bool ok = false;
  corpus_fold_setup(&setup);
  hf_status status = hf_foldable_check(&setup, node_vk, &item->vk, &item->proof, &ok);
  snprintf(why, 256, "%s", ok ? "" : hf_error_message());
  if (status == HF_OK && ok) return CORPUS_ACCEPTED;
  if (strstr(hf_error_message(), "node under another key") != NULL) return CORPUS_INSTANCE;
  return strstr(hf_error_message(), "exceptional") != NULL ? CORPUS_EXCEPTION : CORPUS_OTHER;
}

/* Whether the bytes say what the structures say: no encoding was played with. */
static bool is_plain(corpus_item *item) {
  hf_writer key = {0}, proof = {0};
  hf_verifying_key_write(&item->vk, &key);
  hf_proof_write(&item->proof, &proof);
  corpus_freeze(item);
  bool same = item->trailing == 0 && key.length == item->key_bytes.length &&
              proof.length == item->proof_bytes.length &&
              memcmp(key.data, item->key_bytes.data, key.length) == 0 &&
              memcmp(proof.data, item->proof_bytes.data, proof.length) == 0;
  hf_writer_free(&key);
  hf_writer_free(&proof);
  return same;
}

corpus_circuit_verdict corpus_expect_circuit(corpus_item *item) {
  corpus_class c = item->expected;
  if (item->no_circuit != NULL) return (corpus_circuit_verdict){.reason = item->no_circuit};
  if (!is_plain(item))
    return (corpus_circuit_verdict){.reason = "an encoding: a circuit takes elements and points"};
  if (item->kind == CORPUS_SEAL) {
    if (c == CORPUS_RECORDS || (c == CORPUS_ACCEPTED && item->of_records))
      return (corpus_circuit_verdict){.expected = c};
    return (corpus_circuit_verdict){.reason = "no circuit verifies seals; the seal's binds root, m, x and y"};
  }
  if (item->proof.kappa != HF_PRODUCTION_KAPPA || item->proof.public_count != HF_INSTANCE_COUNT)
    return (corpus_circuit_verdict){.reason = "counts are part of the circuit"};
  if (c == CORPUS_KEY_EQUAL)
    return (corpus_circuit_verdict){.reason = "keys are bound by their digests, which count on L1"};
  if (item->circuit != CORPUS_ACCEPTED) return (corpus_circuit_verdict){.expected = item->circuit};
  /* what a circuit cannot say: it computes the key's digest, and infinity is a point off the curve */
  if (c == CORPUS_MISMATCH) c = CORPUS_IDENTITY;
  if (c == CORPUS_INFINITY_POINT) c = CORPUS_CURVE_POINT;
  if (c == CORPUS_INFINITY_ACCUMULATOR) c = CORPUS_CURVE_ACCUMULATOR;
  return (corpus_circuit_verdict){.expected = c};
}
