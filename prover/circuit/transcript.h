/* The Poseidon2 transcript (host/transcript.h) in a circuit. */
#ifndef HF_CIRCUIT_TRANSCRIPT_H
#define HF_CIRCUIT_TRANSCRIPT_H
#include "circuit/builder.h"
#include "circuit/points.h"

typedef struct hf_transcript_gadget {
  hf_var state[4];
  unsigned fill; /* words in the open block, 0..3 */
} hf_transcript_gadget;

/* A challenge of 126 bits: value = 2 half + 1 - 2^126, half < 2^126, whose bits are the digits. */
#define HF_SHORT_BITS 126
typedef struct hf_short {
  hf_var value, half;
} hf_short;

/* 20 rows for each three words, headers included. */
void hf_transcript_gadget_init(hf_builder *b, hf_transcript_gadget *t, uint64_t domain);
void hf_transcript_gadget_absorb(hf_builder *b, hf_transcript_gadget *t, uint32_t tag, const hf_var *words, size_t n);
hf_var hf_transcript_gadget_squeeze(hf_builder *b, hf_transcript_gadget *t);
/* The two parts of one squeeze, whose split is the canonical one: nothing else than the integer below r. */
void hf_transcript_gadget_squeeze_short(hf_builder *b, hf_transcript_gadget *t, hf_short out[2]);

#endif
