/* The example circuit: see example.h. */
#include "example.h"
#include <hyperfold/bytes.h>
#include <string.h>
#include "circuit/hash.h"
#include "circuit/range.h"
#include "host/poseidon.h"

void hf_example_options(hf_builder_options *out) {
  memset(out, 0, sizeof *out);
  out->foldable = true;
  out->table_width = 8; /* ranges in bytes: a small circuit needs no larger table */
}

void hf_example_circuit(hf_builder *b, const hf_example_input *input) {
  /* the structure does not depend on these */
  static const hf_example_input none = {.x = 2, .y = 2};
  const hf_example_input *in = input ? input : &none;

  hf_scope_begin(b, "preimage");
  hf_var words[HF_EXAMPLE_WORDS];
  for (int i = 0; i < HF_EXAMPLE_WORDS; i++) words[i] = hf_hint(b, in->preimage[i], "preimage");
  hf_var digest = hf_hash_words(b, HF_DOMAIN_APPLICATION, words, HF_EXAMPLE_WORDS);
  hf_scope_end(b);

  hf_scope_begin(b, "factors");
  hf_var x = hf_hint(b, hf_fr_from_u64(in->x), "x"), y = hf_hint(b, hf_fr_from_u64(in->y), "y");
  /* 0 and 1 would make any product "factored"; 2^64 bounds keep x y an integer below r */
  hf_fr minus_two = hf_fr_neg(hf_fr_from_u64(2));
  hf_range(b, "x < 2^64", x, 64);
  hf_range(b, "y < 2^64", y, 64);
  hf_range_affine(b, "x >= 2", hf_fr_one(), x, minus_two, 64);
  hf_range_affine(b, "y >= 2", hf_fr_one(), y, minus_two, 64);
  hf_var product = hf_mul(b, x, y);
  hf_scope_end(b);

  hf_scope_begin(b, "statement");
  hf_var outputs[2] = {digest, product};
  hf_public_statement(b, hf_hash_words(b, HF_DOMAIN_APPLICATION, outputs, 2));
  hf_scope_end(b);
}

hf_fr hf_example_statement(const hf_example_input *input) {
  hf_fr outputs[2] = {hf_sponge(HF_DOMAIN_APPLICATION, input->preimage, HF_EXAMPLE_WORDS),
                      hf_fr_mul(hf_fr_from_u64(input->x), hf_fr_from_u64(input->y))};
  return hf_sponge(HF_DOMAIN_APPLICATION, outputs, 2);
}

hf_status hf_example_input_decode(const uint8_t *bytes, size_t length, hf_example_input *out) {
  hf_status status;
  hf_reader reader = hf_reader_over(bytes, length);
  memset(out, 0, sizeof *out);
  for (int i = 0; i < HF_EXAMPLE_WORDS; i++) {
    uint8_t word[32];
    HF_TRY(hf_read_bytes(&reader, "preimage", word, sizeof word));
    if (!hf_fr_from_bytes(word, &out->preimage[i]))
      return hf_fail(HF_E_RANGE, "example input: word %d is not below r", i);
  }
  HF_TRY(hf_read_u64(&reader, "x", &out->x));
  HF_TRY(hf_read_u64(&reader, "y", &out->y));
  HF_TRY(hf_read_end(&reader, "example input"));
out:
  return status;
}

void hf_example_input_encode(const hf_example_input *input, uint8_t out[HF_EXAMPLE_INPUT_BYTES]) {
  for (int i = 0; i < HF_EXAMPLE_WORDS; i++) hf_fr_to_bytes(input->preimage[i], out + 32 * i);
  uint64_t factors[2] = {input->x, input->y};
  for (int i = 0; i < 16; i++) out[32 * HF_EXAMPLE_WORDS + i] = (uint8_t)(factors[i / 8] >> 8 * (i % 8));
}
