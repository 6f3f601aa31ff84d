#include "plan_cache.h"

hf_circuit_plan *hf_plan_cache_find(hf_plan_cache *cache, const hf_digest *kind) {
  for (int i = 0; i < HF_PLAN_CACHE_PLACES; i++) {
    if (cache->places[i].plan == NULL || !hf_digest_eq(&cache->places[i].kind, kind)) continue;
    cache->places[i].used = ++cache->clock;
    return cache->places[i].plan;
  }
  return NULL;
}

void hf_plan_cache_put(hf_plan_cache *cache, const hf_digest *kind, const hf_circuit *circuit) {
  int place = 0;
  for (int i = 1; i < HF_PLAN_CACHE_PLACES; i++)
    if (cache->places[i].used < cache->places[place].used) place = i;
  hf_circuit_plan_release(&cache->places[place].plan);
  cache->places[place].kind = *kind;
  cache->places[place].plan = hf_circuit_plan_share(circuit);
  cache->places[place].used = ++cache->clock;
}

void hf_plan_cache_clear(hf_plan_cache *cache) {
  for (int i = 0; i < HF_PLAN_CACHE_PLACES; i++) hf_circuit_plan_release(&cache->places[i].plan);
  *cache = (hf_plan_cache){0};
}
