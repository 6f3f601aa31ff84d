/* Numbers from a seed, the same everywhere: for loads, measurements and tests, never for what must be secret
 * (hyperfold/random.h is). */
#ifndef HYPERFOLD_SPLITMIX_H
#define HYPERFOLD_SPLITMIX_H

#include <stdint.h>

/* The next number; any state is a seed. splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t hf_splitmix64(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

#endif
