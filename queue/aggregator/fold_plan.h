/* The shape of the tree over the leaves of one seal: which folds there are, before anything is proven.
 *
 * Leaves come in order and are counted in binary: two equal neighbours become a fold at once, so what stands
 * side by side (the peaks) are perfect trees of falling size, aligned as in the tree of records
 * (statement.h). Nothing that was planned is undone by a later leaf. At the end the peaks are combined from
 * right to left; a smaller right one is lifted by EMPTY siblings to the height of its left neighbour, so that
 * the last item spans the left 2^level leaves.
 *
 *   m = 7:   0 1 2 3 4 5 6   ->  peaks (0 1 2 3) (4 5) (6)  ->  (4 5)+lift(6), then (0 1 2 3)+(4 5 6)
 */
#ifndef HF_FOLD_PLAN_H
#define HF_FOLD_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include "statement.h"

#define HF_PLAN_ITEMS (2 * HF_SEAL_RECORDS_MAX - 1)
#define HF_PLAN_PEAKS (HF_SEAL_RECORDS_LOG + 1)

typedef struct hf_plan_item {
  uint8_t level;       /* it spans 2^level leaves */
  uint8_t left, right; /* its children: numbers of earlier items; of a leaf: its place twice */
  uint8_t lift;        /* of the right child */
  bool leaf;
} hf_plan_item;

typedef struct hf_fold_plan {
  uint32_t leaves, count; /* count items, in an order in which children stand before parents */
  bool closed;
  hf_plan_item item[HF_PLAN_ITEMS];
  uint8_t leaf[HF_SEAL_RECORDS_MAX]; /* the item of a leaf */
  uint8_t peak[HF_PLAN_PEAKS];       /* items, from left to right */
  uint32_t peaks;
} hf_fold_plan; /* all zero: no leaves */

/* Adds a leaf and the folds that it completes. The plan must be open and have fewer than HF_SEAL_RECORDS_MAX.
 */
void hf_plan_add(hf_fold_plan *plan);
/* Combines what is left. The plan must have a leaf. */
void hf_plan_close(hf_fold_plan *plan);
/* The item that the seal verifies; of a closed plan. */
static inline uint8_t hf_plan_root(const hf_fold_plan *plan) { return plan->peak[0]; }

#endif
