/* Private to host: the rate-3 overwrite duplex that sponge and transcript share. */
#ifndef HF_HOST_DUPLEX_H
#define HF_HOST_DUPLEX_H
#include "arith/fr.h"

/* state := P(state). One copy of the permutation for the whole library. */
void hf_duplex_permute(hf_fr state[4]);

/* The next word of the open block; a full block is permuted first. */
static inline void hf_duplex_word(hf_fr state[4], uint32_t *fill, hf_fr word) {
  if (*fill == 3) {
    hf_duplex_permute(state);
    *fill = 0;
  }
  state[(*fill)++] = word;
}

/* Pads the open block with zeros (all of it if it is empty), permutes, opens the next. */
static inline void hf_duplex_close(hf_fr state[4], uint32_t *fill) {
  while (*fill < 3) state[(*fill)++] = hf_fr_zero();
  hf_duplex_permute(state);
  *fill = 0;
}

#endif
