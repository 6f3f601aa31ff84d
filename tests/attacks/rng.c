#include "rng.h"

hf_fr rng_related(rng *r, hf_fr old, unsigned kind, const rng_world *world) {
  switch (kind) {
  case 0:
    return hf_fr_add(old, hf_fr_one());
  case 1:
    return hf_fr_sub(old, hf_fr_one());
  case 2:
    return hf_fr_zero();
  case 3:
    return rng_fr(r);
  case 4:
    return world->values[rng_u64(r) % world->count]; /* somebody else's value */
  case 5:
    return hf_fr_neg(old);
  default: {
    hf_fr step = hf_fr_pow_u64(hf_fr_from_u64(2), world->powers[rng_u64(r) % world->power_count]);
    return rng_u64(r) & 1 ? hf_fr_add(old, step) : hf_fr_sub(old, step);
  }
  }
}
