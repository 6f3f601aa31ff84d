/* A clock that nobody sets: for how long something takes, never for what time it is. */
#ifndef HYPERFOLD_CLOCK_H
#define HYPERFOLD_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t hf_steady_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
