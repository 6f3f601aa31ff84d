/* The example circuit, as a stranger's code would use it. */
#include "circuit_support.h"
#include "circuits/example.h"
#include "host/poseidon.h"

static void example(hf_builder *b, const void *input) { hf_example_circuit(b, input); }

static hf_circuit *make(const hf_example_input *in, liar *l) {
  hf_builder_options options;
  hf_builder *b;
  hf_circuit *c;
  hf_example_options(&options);
  if (l) {
    options.hint_hook = lie;
    options.hint_context = l;
  }
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  example(b, in);
  cr_assert_eq(hf_builder_finish(b, &c), HF_OK, "%s", hf_error_message());
  hf_builder_destroy(&b);
  return c;
}

static void refused(const hf_example_input *in, liar *l, const char *name) {
  hf_circuit *c = make(in, l);
  cr_assert_eq(hf_circuit_check(c), HF_E_UNSATISFIED, "expected \"%s\"", name);
  cr_assert(strstr(hf_error_message(), name), "expected \"%s\", got %s", name, hf_error_message());
  hf_circuit_destroy(&c);
}

Test(circuit, example) {
  hf_example_input in = {.x = 4294967291u, .y = UINT64_MAX}, out;
  for (uint64_t i = 0; i < HF_EXAMPLE_WORDS; i++) in.preimage[i] = fr_random(i);
  hf_circuit *c = make(&in, NULL), *key = make(NULL, NULL);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  cr_assert_eq(hf_circuit_check(key), HF_OK, "%s", hf_error_message());
  hf_digest d = hf_circuit_structure_digest(c), e = hf_circuit_structure_digest(key);
  cr_assert(hf_digest_eq(&d, &e));
  cr_assert_eq(c->public_count, HF_INSTANCE_WORDS);
  cr_assert(hf_fr_eq(c->public_inputs[0], hf_example_statement(&in)));
  for (int i = 1; i < HF_INSTANCE_WORDS; i++) cr_assert(hf_fr_is_zero(c->public_inputs[i]));
  hf_circuit_destroy(&c);
  hf_circuit_destroy(&key);

  hf_example_input small = in;
  small.x = 1;
  refused(&small, NULL, "x >= 2");
  small = in;
  small.y = 0;
  refused(&small, NULL, "y >= 2");
  hf_fr two_64 = {{0, 1, 0, 0}};
  liar l = {.name = "y", .value = hf_fr_from_limbs(two_64)};
  refused(&in, &l, "y < 2^64");

  uint8_t bytes[HF_EXAMPLE_INPUT_BYTES + 1] = {0};
  hf_example_input_encode(&in, bytes);
  cr_assert_eq(hf_example_input_decode(bytes, HF_EXAMPLE_INPUT_BYTES, &out), HF_OK);
  cr_assert_eq(memcmp(&in, &out, sizeof in), 0);
  for (size_t length = 0; length <= HF_EXAMPLE_INPUT_BYTES + 1; length++)
    if (length != HF_EXAMPLE_INPUT_BYTES)
      cr_assert_eq(hf_example_input_decode(bytes, length, &out), HF_E_FORMAT);
  memset(bytes, 0xff, 32);
  cr_assert_eq(hf_example_input_decode(bytes, HF_EXAMPLE_INPUT_BYTES, &out), HF_E_RANGE);
}
