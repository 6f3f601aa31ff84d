/* The seal circuit: see fold.h. */
#include <stdlib.h>
#include <string.h>
#include "child.h"
#include "circuit/hash.h"
#include "circuit/range.h"
#include "host/domains.h"

void hf_seal_options(hf_builder_options *out) {
  memset(out, 0, sizeof *out);
  out->seal = true;
  out->table_width = HF_NONNATIVE_WIDTH;
  out->min_log_n = HF_NONNATIVE_WIDTH;
}

static hf_fr one(void) { return hf_fr_one(); }
static hf_fr minus(void) { return hf_fr_neg(hf_fr_one()); }

/* One record: its entry in the tree, and sum_j word_j x^j. */
static void record_gadget(hf_builder *b, const hf_batch_record *record, hf_var x, hf_var x2, hf_var *entry, hf_var *sum) {
  hf_var word[HF_RECORD_WORDS];
  for (int j = 0; j < HF_RECORD_WORDS; j++) {
    hf_fr value = hf_fr_zero();
    if (record) (void)hf_fr_from_bytes(record->word[j], &value); /* decoding refused others */
    word[j] = hf_hint(b, value, "record word");
  }
  hf_var leaf[2] = {word[0], hf_hash_words(b, HF_DOMAIN_BATCH_STATEMENT, word + 1, HF_RECORD_WORDS - 1)};
  *entry = hf_hash_words(b, HF_DOMAIN_LEAF, leaf, 2);
  /* two words a row: s' = s x^2 + w_(j+1) x + w_j */
  hf_term low = {one(), word[HF_RECORD_WORDS - 2]};
  hf_product high = {one(), word[HF_RECORD_WORDS - 1], x};
  *sum = hf_quadratic(b, &high, 1, &low, 1, hf_fr_zero());
  for (int j = HF_RECORD_WORDS - 4; j >= 0; j -= 2) {
    hf_product p[2] = {{one(), *sum, x2}, {one(), word[j + 1], x}};
    hf_term t = {one(), word[j]};
    *sum = hf_quadratic(b, p, 2, &t, 1, hf_fr_zero());
  }
}

/* The tree over the records and y. `present` are flags 1 .. 1 0 .. 0, m of them 1; what is not present counts as EMPTY
 * in the tree and as zero in y. */
static hf_var records_gadget(hf_builder *b, const hf_seal_input *input, hf_var m, hf_var x, hf_var *y) {
  hf_var node[HF_SEAL_RECORDS_MAX], present[HF_SEAL_RECORDS_MAX];
  hf_term count[HF_SEAL_RECORDS_MAX + 1];
  hf_scope_begin(b, "records");
  hf_var x2 = hf_mul(b, x, x), step = x2, total = hf_zero(b), sums[HF_SEAL_RECORDS_MAX];
  for (int i = 0; i < 4; i++) step = hf_mul(b, step, step); /* x^32 */
  step = hf_mul(b, step, x2);                               /* x^34: one record further */
  for (uint32_t i = 0; i < HF_SEAL_RECORDS_MAX; i++) {
    bool here = !input || i < input->records;
    present[i] = hf_hint(b, hf_fr_from_u64(here), "record present");
    hf_assert_bool(b, "record present is boolean", present[i]);
    if (i > 0) {
      hf_product p = {one(), present[i], present[i - 1]};
      hf_term t = {minus(), present[i]};
      hf_assert_quadratic(b, "records stand without gaps", &p, 1, &t, 1, hf_fr_zero());
    }
    count[i] = (hf_term){one(), present[i]};
    hf_var entry;
    record_gadget(b, input ? &input->record[i] : NULL, x, x2, &entry, &sums[i]);
    node[i] = hf_mul(b, present[i], entry);
  }
  hf_assert_constant(b, "there is a record", present[0], one());
  count[HF_SEAL_RECORDS_MAX] = (hf_term){minus(), m};
  hf_assert_linear(b, "m = records present", count, HF_SEAL_RECORDS_MAX + 1, hf_fr_zero());
  for (unsigned i = HF_SEAL_RECORDS_MAX; i-- > 0;) {
    hf_product p[2] = {{one(), total, step}, {one(), present[i], sums[i]}};
    total = hf_quadratic(b, p, 2, NULL, 0, hf_fr_zero());
  }
  *y = total;
  /* a node is there where its first record is */
  for (unsigned width = HF_SEAL_RECORDS_MAX / 2, stride = 2; width > 0; width /= 2, stride *= 2)
    for (unsigned i = 0; i < width; i++) {
      hf_var pair[2] = {node[2 * i], node[2 * i + 1]}, hash = hf_hash_words(b, HF_DOMAIN_NODE, pair, 2);
      node[i] = i == 0 ? hash : hf_mul(b, present[stride * i], hash);
    }
  hf_scope_end(b);
  return node[0];
}

hf_status hf_seal_circuit(hf_builder *b, const hf_fold_setup *setup, hf_fr node_vk, const hf_seal_input *input) {
  hf_verified_child child;
  hf_pair_gadget own;
  hf_transcript_gadget t;
  hf_short f[2];
  hf_var is_node, words[HF_SEAL_COUNT];
  hf_fr root, point = hf_fr_from_u64(2), sum;
  hf_status status = HF_OK;
  hf_fold_child *blank = NULL;
  if (input) {
    if (!hf_fr_eq(input->node_vk, node_vk)) return hf_fail(HF_E_MISMATCH, "seal: the input is for nodes under another key");
    HF_TRY(hf_records_root(input->record, input->records, &root));
    HF_TRY(hf_seal_fingerprint(root, input->record, input->records, &point, &sum));
  } else {
    blank = malloc(sizeof *blank);
    if (!blank) return hf_fail(HF_E_MEMORY, "no memory for a seal");
    hf_fold_child_blank(blank);
  }
  hf_child_verify(b, setup, input ? &input->child : blank, &child);
  hf_var entry = hf_child_entry(b, &child, hf_constant(b, node_vk), &is_node);
  hf_child_accumulator(b, setup, 0, &child, is_node, &own);
  entry = hf_lift_gadget(b, entry, input ? HF_SEAL_RECORDS_LOG - input->level : 0, HF_SEAL_RECORDS_LOG);

  words[HF_SEAL_RECORDS] = hf_hint(b, hf_fr_from_u64(input ? input->records : HF_SEAL_RECORDS_MAX), "m");
  words[HF_SEAL_X] = hf_hint(b, point, "x"); /* public: the contract's, over words and statement */
  words[HF_SEAL_STATEMENT] = records_gadget(b, input, words[HF_SEAL_RECORDS], words[HF_SEAL_X], &words[HF_SEAL_Y]);
  hf_assert_equal(b, "the child states the root of the records", entry, words[HF_SEAL_STATEMENT]);

  /* L = L_0 + f A - c [1] */
  hf_scope_begin(b, "fold");
  hf_transcript_gadget_init(b, &t, HF_DOMAIN_FOLD);
  hf_transcript_gadget_absorb(b, &t, HF_TAG_VK, &child.token, 1);
  hf_transcript_gadget_squeeze_short(b, &t, f);
  hf_msm_term left[3] = {{own.left, f[0].half, HF_SHORT_BITS}}, right[1] = {{own.right, f[0].half, HF_SHORT_BITS}};
  hf_var minus_c = hf_affine(b, minus(), child.constant, hf_fr_zero()); /* first: the order of rows is part of the key */
  hf_msm_full(b, hf_curve_point_constant(b, hf_g1_generator()), minus_c, left + 1);
  hf_curve_point l = hf_curve_add(b, hf_msm(b, "left sides", left, 3), child.left, false);
  hf_curve_point r = hf_curve_add(b, hf_msm(b, "right sides", right, 1), child.right, false);
  hf_fold_words(b, l, r, words + HF_SEAL_ACCUMULATOR);
  hf_scope_end(b);
  hf_public_seal(b, words);
  status = hf_builder_status(b);
out:
  free(blank);
  return status;
}
