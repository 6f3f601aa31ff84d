#include "catalog.h"

#include <hyperfold/rollup.h>
#include <string.h>
#include "circuits/batch.h"
#include "circuits/example.h"

static hf_status batch_build(const hf_parameter *parameters, size_t count, const uint8_t *input,
                             size_t length, hf_circuit **out) {
  hf_status status;
  hf_rollup_params params = {.depth = HF_ROLLUP_DEPTH, .slots = HF_CATALOG_BATCH_SLOTS};
  hf_builder_options options;
  hf_builder *b = NULL;
  hf_batch_input batch = {0};
  *out = NULL;
  for (size_t i = 0; i < count; i++) {
    uint64_t v = parameters[i].value;
    if (v > UINT32_MAX) return hf_fail(HF_E_RANGE, "batch: %s is too large", parameters[i].name);
    if (strcmp(parameters[i].name, "depth") == 0)
      params.depth = (uint32_t)v;
    else if (strcmp(parameters[i].name, "slots") == 0)
      params.slots = (uint32_t)v;
    else
      return hf_fail(HF_E_ARGUMENT, "batch has no parameter \"%s\"", parameters[i].name);
  }
  HF_TRY(hf_rollup_params_check(&params));
  if (input != NULL) HF_TRY(hf_batch_input_decode("batch input", input, length, &batch));
  HF_TRY(hf_batch_options(&params, &options));
  HF_TRY(hf_builder_create(&options, &b));
  HF_TRY(hf_batch_circuit(b, &params, input != NULL ? &batch : NULL));
  HF_TRY(hf_builder_finish(b, out));
out:
  hf_builder_destroy(&b);
  hf_batch_input_free(&batch);
  return status;
}

static hf_status example_build(const hf_parameter *parameters, size_t count, const uint8_t *input,
                               size_t length, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  hf_builder *b = NULL;
  hf_example_input in;
  *out = NULL;
  if (count > 0) return hf_fail(HF_E_ARGUMENT, "example has no parameter \"%s\"", parameters[0].name);
  if (input != NULL) HF_TRY(hf_example_input_decode(input, length, &in));
  hf_example_options(&options);
  HF_TRY(hf_builder_create(&options, &b));
  hf_example_circuit(b, input != NULL ? &in : NULL);
  HF_TRY(hf_builder_finish(b, out));
out:
  hf_builder_destroy(&b);
  return status;
}

static const hf_catalog_entry entries[] = {
    {HF_BATCH_CIRCUIT, "one batch of a payment chain", (size_t)64 << 20, batch_build},
    {HF_EXAMPLE_CIRCUIT, "a preimage of a hash and two factors of a product", HF_EXAMPLE_INPUT_BYTES,
     example_build},
};

size_t hf_catalog_count(void) { return sizeof entries / sizeof entries[0]; }
const hf_catalog_entry *hf_catalog_at(size_t i) { return &entries[i]; }

hf_status hf_catalog_find(const char *name, const hf_catalog_entry **out) {
  *out = NULL;
  for (size_t i = 0; i < hf_catalog_count(); i++) {
    if (strcmp(entries[i].name, name) == 0) {
      *out = &entries[i];
      return HF_OK;
    }
  }
  return hf_fail(HF_E_NOT_FOUND, "no circuit \"%s\"", name);
}

hf_status hf_catalog_build(const hf_catalog_entry *entry, const hf_parameter *parameters, size_t count,
                           const uint8_t *input, size_t length, hf_circuit **out) {
  return entry->build(parameters, count, input, length, out);
}
