/* Hashing field elements: a sponge over the Poseidon2 permutation P of arith/poseidon2.h
 * (BN254 Fr, width 4, 8 full and 56 partial rounds, x^5).
 *
 *   state   := (0, 0, 0, domain + 2^64 n)       n = number of input words
 *   for each block of 3 words (the last padded with zeros; one zero block if n = 0):
 *     state[0..2] := block;  state := P(state)  overwrite mode, rate 3
 *   digest  := state[0]
 *
 * The capacity word starts from the domain and the length, so inputs of two
 * lengths or of two domains never share a chain and zero padding is unambiguous.
 * Collisions cost 2^127 (capacity and digest of 254 bits).
 *
 * Trees use hf_poseidon2_compress4 (arith/poseidon2.h): P(x)[0] + x[0], no domain.
 * Since compress4(0, b, c, t) equals the one-block digest of (0, b, c) with capacity
 * t, the children of a node must be digests or fixed constants, never words that a
 * stranger chooses freely: what is chosen goes through the sponge first.
 */
#ifndef HF_HOST_POSEIDON_H
#define HF_HOST_POSEIDON_H
#include <hyperfold/status.h>
#include <stddef.h>
#include <stdint.h>
#include "arith/fr.h"
#include "host/domains.h"

/* Digest of n words; `in` may be NULL when n is 0. `domain` is one of hf_domain. */
hf_fr hf_sponge(uint64_t domain, const hf_fr *in, size_t n);

/* The same in pieces; the number of words is fixed at the start. Plain data. */
typedef struct hf_sponge_stream {
  hf_fr state[4];
  uint64_t left;   /* words still owed */
  uint32_t fill;   /* words in the open block, 0..3 */
  uint32_t excess; /* 1 once more words came than were announced */
} hf_sponge_stream;

void hf_sponge_init(hf_sponge_stream *s, uint64_t domain, uint64_t n);
void hf_sponge_absorb(hf_sponge_stream *s, const hf_fr *in, size_t n);
/* HF_E_STATE, *out zero, unless exactly the announced number of words came. */
hf_status hf_sponge_final(hf_sponge_stream *s, hf_fr *out);

#endif
