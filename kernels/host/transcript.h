/* The running transcript: what a prover has said so far, and the challenges that
 * follow from it. One interface, two forms: Poseidon2, which circuits recompute,
 * and Keccak-256, which a contract recomputes. Prover and verifier make the same
 * calls in the same order.
 *
 * Every absorb call starts with a header that holds a tag (1 .. 2^32-1, which names
 * the round and what is absorbed; a tag is always used for the same type of
 * element) and the number of words that follow it, below 2^32:
 *
 *   header = tag + 2^32 * words
 *
 * POSEIDON2 FORM. A duplex over the permutation P of arith/poseidon2.h, rate 3.
 *   init:     state = (0, 0, 0, domain), the open block is empty.
 *   word w:   if the open block holds 3 words, state := P(state) and a new block is
 *             opened; then the next of state[0..2] is overwritten by w.
 *   absorb:   the header as a word, then the elements. An Fr is one word. A G1 point
 *             is four words: x mod 2^128, x >> 128, y mod 2^128, y >> 128 (the
 *             coordinates as integers below q, parts of 128 and 126 bits: two limbs each in a circuit).
 *   squeeze:  the rest of the open block is overwritten by zeros (all of it if it is
 *             empty), state := P(state), a new block is opened. The challenge is
 *             state[0]; state[1] and state[2] are not used (the next block
 *             overwrites them or sets them to zero); the capacity state[3] carries on.
 *   short:    one squeeze; c = its canonical integer (< r); the pair is
 *             o(c mod 2^126) and o((c >> 126) mod 2^126) with o(u) = 2 u + 1 - 2^126, the odd
 *             number whose digits +-1 are the bits of u; the top two bits of c are dropped.
 *
 * What is bound. A challenge is the sponge's output for the sequence of blocks so
 * far, and the sequence of blocks determines the absorbed data: read from the front,
 * a header says how many words belong to it, and where a header is due a zero word
 * can only be padding (tags are not 0), which reaches to the end of its block. An
 * empty block (three zeros) is a squeeze with nothing absorbed since the previous
 * one. The one thing that the blocks do not tell is whether a challenge was drawn
 * at a point where the open block happened to be full. That carries no data, and the
 * protocol fixes it: which tags are followed by how many challenges is constant.
 * The capacity starts below 2^64, the sponge's (host/poseidon.h) at 2^64 or more
 * for any non-empty input, so the two never share a chain.
 *
 * KECCAK FORM. digest: 32 bytes, at first the domain as a big-endian integer;
 * buffer: bytes, at first empty.
 *   absorb:   buffer gets the header as 8 bytes big-endian, then each element: an Fr
 *             as 32 bytes big-endian (one word), a G1 point as x and y, 32 bytes
 *             big-endian each (two words). The point at infinity is 64 zero bytes.
 *   squeeze:  digest := keccak256(digest || buffer), buffer := empty; the challenge is
 *             digest mod r. (No value is more than 6/5 as likely as another.)
 *   short:    digest as above; D = digest as a big-endian integer; the pair is
 *             o(D mod 2^126) and o((D >> 126) mod 2^126).
 * Each squeeze is a link in a chain of hashes whose preimages parse from the front,
 * so here the places of the squeezes are bound as well.
 *
 * In both forms a full and a short squeeze advance the state alike. Nothing here
 * allocates or fails; a transcript is plain data and may be copied to fork it.
 */
#ifndef HF_HOST_TRANSCRIPT_H
#define HF_HOST_TRANSCRIPT_H
#include <stddef.h>
#include <stdint.h>
#include "arith/ec.h"
#include "host/keccak.h"

typedef enum hf_transcript_kind {
  HF_TRANSCRIPT_POSEIDON2 = 0, /* for proofs that circuits verify */
  HF_TRANSCRIPT_KECCAK = 1     /* for proofs that a contract verifies */
} hf_transcript_kind;

#define HF_TRANSCRIPT_SHORT_BITS 126

typedef struct hf_transcript {
  hf_transcript_kind kind;
  uint32_t fill;    /* Poseidon2: words in the open block, 0..3 */
  hf_fr state[4];   /* Poseidon2 */
  hf_keccak keccak; /* Keccak: the hash of digest || buffer so far */
} hf_transcript;

/* `domain` is one of hf_domain (host/domains.h), HF_DOMAIN_TRANSCRIPT for proofs. */
void hf_transcript_init(hf_transcript *t, hf_transcript_kind kind, uint64_t domain);

/* tag: 1 .. 2^32-1; n elements, n < 2^30. n may be 0 (the header alone is absorbed). */
void hf_transcript_absorb_fr(hf_transcript *t, uint32_t tag, const hf_fr *in, size_t n);
void hf_transcript_absorb_g1(hf_transcript *t, uint32_t tag, const hf_g1 *in, size_t n);

/* One challenge of full width. */
void hf_transcript_squeeze(hf_transcript *t, hf_fr *out);
/* Two independent odd integers between -2^126 and 2^126, as field elements: sum of 126 digits +-1 times 2^i. */
void hf_transcript_squeeze_short(hf_transcript *t, hf_fr out[2]);

/* The four words by which a circuit knows a point: x low 128 bits, x high 126 bits, y likewise. */
void hf_g1_to_words(hf_g1 p, hf_fr out[4]);

#endif
