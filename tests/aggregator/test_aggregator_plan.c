/* The shape of the tree: for every number of leaves the plan's root is the root that verifiers compute from
 * records. */
#include "fold_plan.h"

#include <criterion/criterion.h>
#include <string.h>

static hf_fr leaf_of(const hf_batch_record *record) {
  hf_fr vk, statement;
  cr_assert(hf_fr_from_bytes(record->word[0], &vk));
  cr_assert_eq((int)hf_record_statement(record, &statement), HF_OK);
  return hf_statement_leaf(vk, statement);
}

static hf_fr item_statement(const hf_fold_plan *plan, uint32_t i, const hf_batch_record *records) {
  const hf_plan_item *item = &plan->item[i];
  if (item->leaf) return leaf_of(&records[item->left]);
  cr_assert(item->left < i && item->right < i, "children stand before parents");
  cr_assert_eq(plan->item[item->left].level + 1, item->level);
  cr_assert_eq(plan->item[item->right].level + item->lift, plan->item[item->left].level);
  cr_assert_lt(item->lift, HF_SEAL_RECORDS_LOG, "what a node can lift");
  return hf_statement_parent(item_statement(plan, item->left, records),
                             hf_statement_lift(item_statement(plan, item->right, records), item->lift));
}

Test(plan, root_of_every_count) {
  static hf_batch_record records[HF_SEAL_RECORDS_MAX];
  hf_fold_plan open = {0};
  for (uint32_t m = 1; m <= HF_SEAL_RECORDS_MAX; m++) {
    hf_word_set_u64(records[m - 1].word[0], 5000 + m % 3);
    hf_word_set_u64(records[m - 1].word[HF_RECORD_BATCH_NUMBER], m);
    uint32_t before = open.count;
    hf_fold_plan last = open;
    hf_plan_add(&open);
    cr_assert_eq(open.leaves, m);
    /* what was planned stays; perfect subtrees are planned as soon as they are full */
    cr_assert(memcmp(last.item, open.item, before * sizeof *last.item) == 0);
    cr_assert_eq(open.count, 2 * m - (uint32_t)__builtin_popcount(m), "%u leaves", m);
    cr_assert_eq(open.peaks, (uint32_t)__builtin_popcount(m));
    hf_fold_plan closed = open;
    hf_plan_close(&closed);
    cr_assert(closed.closed && closed.peaks == 1 && closed.count == 2 * m - 1, "m - 1 folds");
    hf_fr root, statement = item_statement(&closed, hf_plan_root(&closed), records);
    unsigned level = closed.item[hf_plan_root(&closed)].level;
    cr_assert(1u << level >= m && (m == 1 || 1u << (level - 1) < m), "no higher than it must be");
    cr_assert_eq((int)hf_records_root(records, m, &root), HF_OK);
    cr_assert(hf_fr_eq(hf_statement_lift(statement, HF_SEAL_RECORDS_LOG - level), root), "%u leaves", m);
  }
}

Test(plan, another_order_is_another_root) {
  static hf_batch_record records[3];
  hf_fold_plan plan = {0};
  for (uint32_t i = 0; i < 3; i++) {
    hf_plan_add(&plan);
    hf_word_set_u64(records[i].word[HF_RECORD_BATCH_NUMBER], i);
  }
  hf_plan_close(&plan);
  hf_fr first = item_statement(&plan, hf_plan_root(&plan), records);
  hf_batch_record swap = records[0];
  records[0] = records[2];
  records[2] = swap;
  cr_assert(!hf_fr_eq(first, item_statement(&plan, hf_plan_root(&plan), records)));
}
