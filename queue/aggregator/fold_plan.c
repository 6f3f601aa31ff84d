#include "fold_plan.h"

static uint8_t add_item(hf_fold_plan *plan, hf_plan_item item) {
  plan->item[plan->count] = item;
  return (uint8_t)plan->count++;
}

/* The last two peaks become one. */
static void combine(hf_fold_plan *plan) {
  uint8_t right = plan->peak[--plan->peaks], left = plan->peak[plan->peaks - 1];
  uint8_t height = plan->item[left].level;
  hf_plan_item fold = {.level = (uint8_t)(height + 1),
                       .left = left,
                       .right = right,
                       .lift = (uint8_t)(height - plan->item[right].level)};
  plan->peak[plan->peaks - 1] = add_item(plan, fold);
}

void hf_plan_add(hf_fold_plan *plan) {
  uint8_t place = (uint8_t)plan->leaves;
  uint8_t item = add_item(plan, (hf_plan_item){.left = place, .right = place, .leaf = true});
  plan->leaf[plan->leaves++] = item;
  plan->peak[plan->peaks++] = item;
  while (plan->peaks > 1 &&
         plan->item[plan->peak[plan->peaks - 1]].level == plan->item[plan->peak[plan->peaks - 2]].level)
    combine(plan);
}

void hf_plan_close(hf_fold_plan *plan) {
  while (plan->peaks > 1) combine(plan);
  plan->closed = true;
}
