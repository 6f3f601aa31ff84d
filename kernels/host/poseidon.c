#include "host/poseidon.h"
#include <string.h>
#include "arith/poseidon2.h"
#include "host/duplex.h"

void hf_duplex_permute(hf_fr state[4]) {
  hf_state4 x;
  memcpy(x.s, state, sizeof x.s);
  x = hf_poseidon2_permute(x);
  memcpy(state, x.s, sizeof x.s);
}

void hf_sponge_init(hf_sponge_stream *s, uint64_t domain, uint64_t n) {
  hf_fr tag = {{domain, n, 0, 0}}; /* below 2^128 */
  s->state[0] = s->state[1] = s->state[2] = hf_fr_zero();
  s->state[3] = hf_fr_from_limbs(tag);
  s->left = n;
  s->fill = 0;
  s->excess = 0;
}

void hf_sponge_absorb(hf_sponge_stream *s, const hf_fr *in, size_t n) {
  if (n > s->left) {
    s->excess = 1;
    return;
  }
  s->left -= n;
  for (size_t i = 0; i < n; i++) hf_duplex_word(s->state, &s->fill, in[i]);
}

hf_status hf_sponge_final(hf_sponge_stream *s, hf_fr *out) {
  *out = hf_fr_zero();
  if (s->excess) return hf_fail(HF_E_STATE, "sponge: more words than were announced");
  if (s->left)
    return hf_fail(HF_E_STATE, "sponge: %llu of the announced words are missing",
                   (unsigned long long)s->left);
  hf_duplex_close(s->state, &s->fill);
  *out = s->state[0];
  return HF_OK;
}

hf_fr hf_sponge(uint64_t domain, const hf_fr *in, size_t n) {
  hf_sponge_stream s;
  hf_sponge_init(&s, domain, n);
  for (size_t i = 0; i < n; i++) hf_duplex_word(s.state, &s.fill, in[i]);
  hf_duplex_close(s.state, &s.fill);
  return s.state[0];
}
