/* Deterministic random numbers. */
#ifndef HF_TESTS_ATTACKS_RNG_H
#define HF_TESTS_ATTACKS_RNG_H
#include <hyperfold/splitmix.h>
#include "arith/fr.h"

typedef struct rng {
  uint64_t state;
} rng;

static inline uint64_t rng_u64(rng *r) { return hf_splitmix64(&r->state); }

static inline hf_fr rng_fr(rng *r) {
  hf_fr x = {{rng_u64(r), rng_u64(r), rng_u64(r), rng_u64(r) >> 3}};
  return hf_fr_from_limbs(x);
}

/* What a wrong value may be taken from. */
typedef struct rng_world {
  const hf_fr *values; /* of all variables */
  uint32_t count;
  const unsigned *powers; /* of two, that values are apart */
  uint32_t power_count;
} rng_world;

/* A value that has to do with `old`: kinds 0 to 6. */
hf_fr rng_related(rng *r, hf_fr old, unsigned kind, const rng_world *world);

#endif
