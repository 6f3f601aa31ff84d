/* An example: what a circuit by somebody else looks like, start to end.
 *
 * It says "I know three words with the sponge digest D, and two integers x, y with
 * 2 <= x, y < 2^64 and x y = P". D and P are what a verifier wants to know; as nodes
 * verify a circuit by one word, the public statement is their hash,
 *   statement = sponge(HF_DOMAIN_APPLICATION, {D, P}).
 * README.md walks through it.
 */
#ifndef HF_CIRCUITS_EXAMPLE_H
#define HF_CIRCUITS_EXAMPLE_H
#include <hyperfold/status.h>
#include "circuit/builder.h"

#define HF_EXAMPLE_CIRCUIT "example"
#define HF_EXAMPLE_WORDS   3
/* The input as bytes: three words of 32 little-endian bytes, below r, then x and y, 8 little-endian bytes
 * each. */
#define HF_EXAMPLE_INPUT_BYTES (32 * HF_EXAMPLE_WORDS + 16)

typedef struct hf_example_input {
  hf_fr preimage[HF_EXAMPLE_WORDS];
  uint64_t x, y;
} hf_example_input;

/* HF_E_FORMAT for a wrong length, HF_E_RANGE for a word that is not below r. */
hf_status hf_example_input_decode(const uint8_t *bytes, size_t length, hf_example_input *out);
void hf_example_input_encode(const hf_example_input *input, uint8_t out[HF_EXAMPLE_INPUT_BYTES]);

void hf_example_options(hf_builder_options *out);
/* `input` NULL: any values, for keys. */
void hf_example_circuit(hf_builder *b, const hf_example_input *input);
/* What the proof will state, computed natively. */
hf_fr hf_example_statement(const hf_example_input *input);

#endif
