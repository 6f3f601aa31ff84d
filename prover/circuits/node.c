/* The node circuit: see fold.h. */
#include <stdlib.h>
#include <string.h>
#include "child.h"
#include "circuit/hash.h"
#include "host/domains.h"

void hf_node_options(hf_builder_options *out) {
  memset(out, 0, sizeof *out);
  out->foldable = true;
  out->table_width = HF_NONNATIVE_WIDTH;
  out->min_log_n = HF_NONNATIVE_WIDTH;
}

/* L = L_0 + f_0 A_0 + f_1 L_1 + f_2 A_1 - (c_0 + f_1 c_1) [1] and the same with right sides. The f are independent and
 * drawn after everything that both children sent. */
static void fold(hf_builder *b, const hf_verified_child child[2], const hf_pair_gadget own[2], hf_var words[8]) {
  hf_transcript_gadget t;
  hf_short f[4];
  hf_var tokens[2] = {child[0].token, child[1].token};
  hf_scope_begin(b, "fold");
  hf_transcript_gadget_init(b, &t, HF_DOMAIN_FOLD);
  hf_transcript_gadget_absorb(b, &t, HF_TAG_VK, tokens, 2);
  hf_transcript_gadget_squeeze_short(b, &t, f);
  hf_transcript_gadget_squeeze_short(b, &t, f + 2);
  hf_product p = {hf_fr_neg(hf_fr_one()), f[1].value, child[1].constant};
  hf_term c = {hf_fr_neg(hf_fr_one()), child[0].constant};
  hf_var constant = hf_quadratic(b, &p, 1, &c, 1, hf_fr_zero());
  hf_msm_term left[5] = {{own[0].left, f[0].half, HF_SHORT_BITS},
                         {child[1].left, f[1].half, HF_SHORT_BITS},
                         {own[1].left, f[2].half, HF_SHORT_BITS}};
  hf_msm_full(b, hf_curve_point_constant(b, hf_g1_generator()), constant, left + 3);
  hf_msm_term right[3] = {{own[0].right, f[0].half, HF_SHORT_BITS},
                          {child[1].right, f[1].half, HF_SHORT_BITS},
                          {own[1].right, f[2].half, HF_SHORT_BITS}};
  hf_curve_point l = hf_curve_add(b, hf_msm(b, "left sides", left, 5), child[0].left, false);
  hf_curve_point r = hf_curve_add(b, hf_msm(b, "right sides", right, 3), child[0].right, false);
  hf_fold_words(b, l, r, words);
  hf_scope_end(b);
}

/* The children are parts: nothing of one is looked at for the other. */
typedef struct children_run {
  const hf_fold_setup *setup;
  const hf_fold_child *input[HF_NODE_CHILDREN];
  hf_var node_vk;
  hf_verified_child child[HF_NODE_CHILDREN];
  hf_pair_gadget own[HF_NODE_CHILDREN];
  hf_var entry[HF_NODE_CHILDREN];
} children_run;

static hf_var child_part(hf_builder *b, void *context, size_t i, hf_var link) {
  children_run *run = context;
  hf_var is_node;
  hf_child_verify(b, run->setup, run->input[i], &run->child[i]);
  run->entry[i] = hf_child_entry(b, &run->child[i], run->node_vk, &is_node);
  hf_child_accumulator(b, run->setup, (unsigned)i, &run->child[i], is_node, &run->own[i]);
  return link;
}

hf_status hf_node_circuit(hf_builder *b, const hf_fold_setup *setup, const hf_node_input *input) {
  children_run run = {.setup = setup};
  hf_var words[HF_INSTANCE_COUNT];
  hf_fold_child *blank = NULL;
  if (!input) {
    blank = malloc(sizeof *blank);
    if (!blank) return hf_fail(HF_E_MEMORY, "no memory for a node");
    hf_fold_child_blank(blank);
  }
  hf_var node_vk = hf_hint(b, input ? input->node_vk : hf_fr_zero(), "node_vk");
  for (unsigned i = 0; i < HF_NODE_CHILDREN; i++) run.input[i] = input ? &input->child[i] : blank;
  run.node_vk = node_vk;
  hf_builder_parts(b, HF_NODE_CHILDREN, node_vk, child_part, &run);
  run.entry[1] = hf_lift_gadget(b, run.entry[1], input ? input->lift : 0, HF_SEAL_RECORDS_LOG - 1);
  words[HF_INSTANCE_STATEMENT] = hf_hash_words(b, HF_DOMAIN_NODE, run.entry, 2);
  words[HF_INSTANCE_NODE_VK] = node_vk;
  fold(b, run.child, run.own, words + HF_INSTANCE_ACCUMULATOR);
  hf_public_instance(b, words);
  free(blank);
  return hf_builder_status(b);
}
