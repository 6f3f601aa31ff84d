/* The plans of the circuits that were laid out last: the next job of a kind computes values alone.
 *
 * A plan takes about 70 bytes a row. One thread at a time. */
#ifndef HF_PLAN_CACHE_H
#define HF_PLAN_CACHE_H

#include <hyperfold/digest.h>
#include "circuit/circuit.h"

#define HF_PLAN_CACHE_PLACES 4 /* batches of one or two shapes, node, seal */

/* All zero: empty. */
typedef struct hf_plan_cache {
  struct {
    hf_digest kind;
    hf_circuit_plan *plan; /* NULL: a free place */
    uint64_t used;         /* when it was last found or put */
  } places[HF_PLAN_CACHE_PLACES];
  uint64_t clock;
} hf_plan_cache;

/* The plan of this kind of circuit (whoever asks decides what makes a kind), or NULL; lives until the next put. */
hf_circuit_plan *hf_plan_cache_find(hf_plan_cache *cache, const hf_digest *kind);
/* Shares the plan of `circuit`, at the cost of the one that was used longest ago. */
void hf_plan_cache_put(hf_plan_cache *cache, const hf_digest *kind, const hf_circuit *circuit);
void hf_plan_cache_clear(hf_plan_cache *cache);

#endif
