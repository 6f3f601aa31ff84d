#include "circuit/transcript.h"
#include "circuit/hash.h"
#include "circuit/range.h"

static void word(hf_builder *b, hf_transcript_gadget *t, hf_var w) {
  if (t->fill == 3) {
    hf_permute(b, t->state, t->state);
    t->fill = 0;
  }
  t->state[t->fill++] = w;
}

void hf_transcript_gadget_init(hf_builder *b, hf_transcript_gadget *t, uint64_t domain) {
  for (int i = 0; i < 3; i++) t->state[i] = hf_zero(b);
  t->state[3] = hf_constant_u64(b, domain);
  t->fill = 0;
}

void hf_transcript_gadget_absorb(hf_builder *b, hf_transcript_gadget *t, uint32_t tag, const hf_var *words, size_t n) {
  word(b, t, hf_constant_u64(b, tag + ((uint64_t)n << 32)));
  for (size_t i = 0; i < n; i++) word(b, t, words[i]);
}

hf_var hf_transcript_gadget_squeeze(hf_builder *b, hf_transcript_gadget *t) {
  while (t->fill < 3) t->state[t->fill++] = hf_zero(b);
  hf_permute(b, t->state, t->state);
  t->fill = 0;
  return t->state[0];
}

void hf_transcript_gadget_squeeze_short(hf_builder *b, hf_transcript_gadget *t, hf_short out[2]) {
  hf_var both, top;
  hf_fr two = hf_fr_from_u64(2), offset = hf_fr_sub(hf_fr_one(), hf_fr_from_limbs((hf_fr){{0, 1ull << 62, 0, 0}}));
  hf_split_canonical(b, hf_transcript_gadget_squeeze(b, t), 2 * HF_SHORT_BITS, &both, &top);
  hf_split(b, both, 2 * HF_SHORT_BITS, HF_SHORT_BITS, &out[0].half, &out[1].half);
  for (int i = 0; i < 2; i++) out[i].value = hf_affine(b, two, out[i].half, offset);
}
