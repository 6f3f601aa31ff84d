/* Leaves, node(leaf, leaf), node(node, leaf) and a seal, proven for real; and what their circuits refuse. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include "fold_rig.h"
#include "host/poseidon.h"
#include "ok.h"
#include "verify.h"

/* The circuit is not satisfied, and the constraint that says so has this in its message. */
static void refused(hf_circuit *circuit, const char *constraint) {
  hf_status status = hf_circuit_check(circuit);
  cr_assert_eq(status, HF_E_UNSATISFIED, "accepted: %s", constraint);
  cr_expect(strstr(hf_error_message(), constraint), "expected \"%s\", got: %s", constraint, hf_error_message());
  hf_circuit_destroy(&circuit);
}

static void node_refused(fold_rig *rig, const hf_node_input *input, const char *constraint) {
  refused(fold_rig_node_circuit(rig, input), constraint);
}

static void seal_refused(fold_rig *rig, const hf_seal_input *input, const char *constraint) {
  refused(fold_rig_seal_circuit(rig, input->node_vk, input), constraint);
}

/* Lies about children of node(leaf, leaf). */
static void node_lies(fold_rig *rig, const hf_node_input *good) {
  hf_node_input *bad = malloc(sizeof *bad);
  hf_fr one = hf_fr_one();
  hf_proof *p = &bad->child[1].proof;
  *bad = *good;
  p->public_inputs[HF_INSTANCE_STATEMENT] = hf_fr_add(p->public_inputs[HF_INSTANCE_STATEMENT], one);
  node_refused(rig, bad, "the constraints hold at zeta");
  *bad = *good;
  p->at_zeta[HF_EVAL_QUOTIENT] = hf_fr_add(p->at_zeta[HF_EVAL_QUOTIENT], one);
  node_refused(rig, bad, "the constraints hold at zeta");
  *bad = *good;
  p->commitments[0].y = hf_fq_add(p->commitments[0].y, hf_fq_one());
  node_refused(rig, bad, "point on the curve");
  *bad = *good; /* a leaf that claims to be a node, and a leaf with an accumulator */
  p->public_inputs[HF_INSTANCE_NODE_VK] = bad->node_vk;
  node_refused(rig, bad, "");
  *bad = *good;
  p->public_inputs[HF_INSTANCE_ACCUMULATOR] = one;
  node_refused(rig, bad, "");
  *bad = *good; /* the same key under another size */
  bad->child[1].vk.log_n++;
  node_refused(rig, bad, "");
  free(bad);
}

static void seal_lies(fold_rig *rig, const hf_seal_input *good) {
  static const char *const root = "the child states the root of the records";
  hf_seal_input *bad = malloc(sizeof *bad);
  *bad = *good;
  bad->record[1].word[HF_RECORD_NEW_ROOT][0] ^= 1;
  seal_refused(rig, bad, root);
  *bad = *good; /* a record that names another circuit */
  bad->record[0].word[HF_RECORD_VK_DIGEST][0] ^= 1;
  seal_refused(rig, bad, root);
  *bad = *good; /* order */
  bad->record[0] = good->record[1];
  bad->record[1] = good->record[0];
  seal_refused(rig, bad, root);
  *bad = *good; /* one too few, one too many */
  bad->records = 2;
  seal_refused(rig, bad, root);
  bad->records = 4;
  bad->record[3] = bad->record[2];
  seal_refused(rig, bad, root);
  *bad = *good; /* another level */
  bad->level = 1;
  seal_refused(rig, bad, root);
  *bad = *good; /* nodes under another key: this one passes for a leaf, and has no right to an accumulator */
  bad->node_vk = hf_fr_add(bad->node_vk, hf_fr_one());
  seal_refused(rig, bad, "");
  free(bad);
}

/* What the native verifier says to a seal's or node's proof with another instance. */
static void native_lies(const hf_verifying_key *vk, const hf_proof *good) {
  hf_proof *bad = malloc(sizeof *bad);
  for (uint32_t i = 0; i < good->public_count; i++) {
    bool ok = true;
    *bad = *good;
    bad->public_inputs[i] = hf_fr_add(bad->public_inputs[i], hf_fr_one());
    hf_status status = hf_verify(vk, bad, &ok);
    cr_assert(status != HF_OK || !ok, "public input %u changed and accepted", i);
  }
  free(bad);
}

Test(fold, leaves_nodes_and_a_seal) {
  fold_rig *rig = fold_rig_make();
  hf_fold_child *child = calloc(3, sizeof *child), *pair = calloc(1, sizeof *pair), *all = calloc(1, sizeof *all);
  hf_node_input *input = calloc(1, sizeof *input);
  hf_seal_input *seal = calloc(1, sizeof *seal);
  hf_proof *proof = calloc(1, sizeof *proof);
  bool ok;
  for (uint64_t i = 0; i < 3; i++) {
    fold_rig_leaf(rig, 1 + i, 7 + i, &child[i], &seal->record[i]);
    OK(hf_foldable_check(&rig->setup, hf_fr_zero(), &child[i].vk, &child[i].proof, &ok));
    cr_assert(ok, "%s", hf_error_message());
  }

  memcpy(input->child, child, 2 * sizeof *child);
  fold_rig_node(rig, input, pair);
  node_lies(rig, input);
  OK(hf_foldable_check(&rig->setup, pair->vk.digest, &pair->vk, &pair->proof, &ok));
  cr_assert(ok, "%s", hf_error_message());
  /* valid under its own key, a stranger to other nodes */
  OK(hf_foldable_check(&rig->setup, hf_fr_one(), &pair->vk, &pair->proof, &ok));
  cr_assert_not(ok);

  /* key and proof do not depend on what was folded: one circuit, itself included */
  hf_circuit *blank = fold_rig_node_circuit(rig, NULL), *real;
  input->child[0] = *pair;
  input->child[1] = child[2];
  input->lift = 1;
  real = fold_rig_node_circuit(rig, input);
  hf_digest a = hf_circuit_structure_digest(blank), b = hf_circuit_structure_digest(real);
  cr_assert(hf_digest_eq(&a, &b));
  hf_circuit_destroy(&blank);
  hf_circuit_destroy(&real);
  fold_rig_node(rig, input, all);
  native_lies(&all->vk, &all->proof);

  /* a node child's accumulator may not be lost or changed, nor the node pass for a leaf */
  hf_node_input *bad = malloc(sizeof *bad);
  *bad = *input;
  memset(bad->child[0].proof.public_inputs + HF_INSTANCE_NODE_VK, 0, 9 * sizeof(hf_fr));
  node_refused(rig, bad, "");
  *bad = *input;
  bad->node_vk = hf_fr_add(bad->node_vk, hf_fr_one());
  node_refused(rig, bad, "a child's node_vk is the node's, or zero for a leaf");
  free(bad);

  hf_fr root, x, y;
  OK(hf_records_root(seal->record, 3, &root));
  cr_assert(hf_fr_eq(root, hf_statement_lift(all->proof.public_inputs[HF_INSTANCE_STATEMENT], 4)));
  seal->child = *all;
  seal->records = 3;
  seal->level = 2;
  fold_rig_seal(rig, seal, proof);
  OK(hf_seal_fingerprint(root, seal->record, 3, &x, &y));
  cr_assert(hf_fr_eq(proof->public_inputs[HF_SEAL_STATEMENT], root));
  cr_assert(hf_fr_eq(proof->public_inputs[HF_SEAL_RECORDS], hf_fr_from_u64(3)));
  cr_assert(hf_fr_eq(proof->public_inputs[HF_SEAL_X], x));
  cr_assert(hf_fr_eq(proof->public_inputs[HF_SEAL_Y], y));
  seal_lies(rig, seal);
  native_lies(&rig->seal->vk, proof);

  free(proof);
  free(seal);
  free(input);
  free(all);
  free(pair);
  free(child);
  fold_rig_free(&rig);
}

Test(fold, inputs_as_bytes) {
  hf_node_input *node = calloc(2, sizeof *node);
  hf_writer w = {0};
  fold_rig *rig = calloc(1, sizeof *rig);
  OK(hf_backend_create("cpu", &(hf_backend_options){0}, &rig->backend));
  OK(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(12, HF_PRODUCTION_KAPPA), 0, &rig->srs));
  hf_seal_input *seal = calloc(2, sizeof *seal);
  fold_rig_leaf(rig, 1, 1, &node[0].child[0], &seal[0].record[0]);
  node[0].child[1] = seal[0].child = node[0].child[0];
  node[0].node_vk = seal[0].node_vk = hf_fr_from_u64(5);
  node[0].lift = 3;
  seal[0].records = 1;
  seal[0].level = 6;
  OK(hf_node_input_encode(node, &w));
  cr_assert_leq(w.length, HF_NODE_INPUT_LIMIT);
  OK(hf_node_input_decode("node", w.data, w.length, &node[1]));
  cr_assert_eq(node[1].lift, 3);
  cr_assert(hf_fr_eq(node[1].child[1].vk.digest, node[0].child[1].vk.digest));
  cr_assert(hf_g1_eq(node[1].child[1].proof.w_prime, node[0].child[1].proof.w_prime));
  for (size_t cut = 1; cut < w.length; cut += 97)
    cr_assert_neq(hf_node_input_decode("cut", w.data, w.length - cut, &node[1]), HF_OK);
  node[0].lift = HF_SEAL_RECORDS_LOG;
  hf_writer_free(&w);
  OK(hf_node_input_encode(node, &w));
  cr_assert_eq(hf_node_input_decode("lift", w.data, w.length, &node[1]), HF_E_RANGE);
  hf_writer_free(&w);
  OK(hf_seal_input_encode(seal, &w));
  OK(hf_seal_input_decode("seal", w.data, w.length, &seal[1]));
  cr_assert(memcmp(seal[1].record, seal[0].record, sizeof seal[0].record[0]) == 0);
  cr_assert_eq(seal[1].level, 6);
  hf_writer_free(&w);
  memset(seal[0].record[0].word[3], 0xff, 32);
  OK(hf_seal_input_encode(seal, &w));
  cr_assert_eq(hf_seal_input_decode("word", w.data, w.length, &seal[1]), HF_E_RANGE);
  hf_writer_free(&w);
  seal[0].records = 0;
  OK(hf_seal_input_encode(seal, &w));
  cr_assert_eq(hf_seal_input_decode("none", w.data, w.length, &seal[1]), HF_E_RANGE);
  hf_writer_free(&w);
  free(seal);
  free(node);
  fold_rig_free(&rig);
}
