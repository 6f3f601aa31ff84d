#include "catalog.h"

#include <hyperfold/rollup.h>
#include <stdlib.h>
#include <string.h>
#include "circuit/nonnative.h"
#include "circuits/batch.h"
#include "circuits/example.h"

static hf_status batch_build(const hf_catalog_context *context, const hf_parameter *parameters, size_t count,
                             const uint8_t *input, size_t length, hf_circuit **out) {
  hf_status status;
  (void)context;
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

static hf_status example_build(const hf_catalog_context *context, const hf_parameter *parameters,
                               size_t count, const uint8_t *input, size_t length, hf_circuit **out) {
  hf_status status;
  (void)context;
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

static hf_status no_parameters(const char *name, const hf_parameter *parameters, size_t count) {
  if (count == 0) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "%s has no parameter \"%s\"", name, parameters[0].name);
}

static hf_status need_setup(const char *name, const hf_catalog_context *context) {
  if (context != NULL && context->setup != NULL) return HF_OK;
  return hf_fail(HF_E_STATE, "%s is built over a set-up, and none is there", name);
}

static hf_status node_build(const hf_catalog_context *context, const hf_parameter *parameters, size_t count,
                            const uint8_t *input, size_t length, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  hf_builder *b = NULL;
  hf_node_input *node = NULL;
  *out = NULL;
  HF_TRY(no_parameters(HF_NODE_CIRCUIT, parameters, count));
  HF_TRY(need_setup(HF_NODE_CIRCUIT, context));
  if (input != NULL) {
    node = malloc(sizeof *node);
    if (node == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a node's input"));
    HF_TRY(hf_node_input_decode("node input", input, length, node));
  }
  hf_node_options(&options);
  HF_TRY(hf_builder_create(&options, &b));
  HF_TRY(hf_node_circuit(b, context->setup, node));
  HF_TRY(hf_builder_finish(b, out));
out:
  hf_builder_destroy(&b);
  free(node);
  return status;
}

static hf_status seal_build(const hf_catalog_context *context, const hf_parameter *parameters, size_t count,
                            const uint8_t *input, size_t length, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  hf_builder *b = NULL;
  hf_seal_input *seal = NULL;
  *out = NULL;
  HF_TRY(no_parameters(HF_SEAL_CIRCUIT, parameters, count));
  HF_TRY(need_setup(HF_SEAL_CIRCUIT, context));
  if (input != NULL) {
    seal = malloc(sizeof *seal);
    if (seal == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a seal's input"));
    HF_TRY(hf_seal_input_decode("seal input", input, length, seal));
  } else if (context->node_vk == NULL) {
    HF_TRY(hf_fail(HF_E_STATE, "the seal is built over the node's key, and none is there"));
  }
  hf_seal_options(&options);
  HF_TRY(hf_builder_create(&options, &b));
  HF_TRY(hf_seal_circuit(b, context->setup, seal != NULL ? seal->node_vk : *context->node_vk, seal));
  HF_TRY(hf_builder_finish(b, out));
out:
  hf_builder_destroy(&b);
  free(seal);
  return status;
}

static hf_status vet_child(const hf_fold_setup *setup, hf_fr node_vk, const hf_fold_child *child) {
  bool ok;
  hf_status status = hf_foldable_check(setup, node_vk, &child->vk, &child->proof, &ok);
  if (status != HF_OK || ok) return status;
  return hf_fail_context(HF_E_REFUSED, "a child is none that a node can verify");
}

static hf_status vet_node_vk(hf_fr node_vk, hf_fr given) {
  if (hf_fr_eq(node_vk, given)) return HF_OK;
  return hf_fail(HF_E_MISMATCH, "the input is for another node key");
}

static hf_status node_vet(const hf_fold_setup *setup, hf_fr node_vk, const uint8_t *input, size_t length) {
  hf_status status;
  hf_node_input *node = malloc(sizeof *node);
  if (node == NULL) return hf_fail(HF_E_MEMORY, "no memory for a node's input");
  HF_TRY(hf_node_input_decode("node input", input, length, node));
  HF_TRY(vet_node_vk(node_vk, node->node_vk));
  for (int i = 0; i < HF_NODE_CHILDREN; i++) HF_TRY(vet_child(setup, node_vk, &node->child[i]));
out:
  free(node);
  return status;
}

static hf_status seal_vet(const hf_fold_setup *setup, hf_fr node_vk, const uint8_t *input, size_t length) {
  hf_status status;
  hf_seal_input *seal = malloc(sizeof *seal);
  if (seal == NULL) return hf_fail(HF_E_MEMORY, "no memory for a seal's input");
  HF_TRY(hf_seal_input_decode("seal input", input, length, seal));
  HF_TRY(vet_node_vk(node_vk, seal->node_vk));
  HF_TRY(vet_child(setup, node_vk, &seal->child));
out:
  free(seal);
  return status;
}

#define FOLDABLE                                                                                             \
  { HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2 }

static const hf_catalog_entry entries[] = {
    {HF_BATCH_CIRCUIT, "one batch of a payment chain", (size_t)64 << 20, false, 0, FOLDABLE, batch_build,
     NULL},
    {HF_EXAMPLE_CIRCUIT, "a preimage of a hash and two factors of a product", HF_EXAMPLE_INPUT_BYTES, false,
     0, FOLDABLE, example_build, NULL},
    {HF_NODE_CIRCUIT, "folds two proofs into one", HF_NODE_INPUT_LIMIT, true, HF_NONNATIVE_WIDTH, FOLDABLE,
     node_build, node_vet},
    {HF_SEAL_CIRCUIT,
     "one proof and its records, for a contract",
     HF_SEAL_INPUT_LIMIT,
     true,
     HF_NONNATIVE_WIDTH,
     {HF_SEAL_KAPPA, HF_TRANSCRIPT_KECCAK},
     seal_build,
     seal_vet},
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

hf_status hf_catalog_build(const hf_catalog_entry *entry, const hf_catalog_context *context,
                           const hf_parameter *parameters, size_t count, const uint8_t *input, size_t length,
                           hf_circuit **out) {
  return entry->build(context, parameters, count, input, length, out);
}

hf_status hf_catalog_vet(const hf_catalog_entry *entry, const hf_fold_setup *setup, hf_fr node_vk,
                         const uint8_t *input, size_t length) {
  return entry->vet != NULL ? entry->vet(setup, node_vk, input, length) : HF_OK;
}

size_t hf_catalog_points(const hf_catalog_entry *entry) {
  return hf_srs_points_needed(entry->min_log_n, entry->keys.kappa);
}

hf_status hf_catalog_setup(const hf_srs *srs, hf_fold_setup *out) {
  if (srs->count < HF_FOLD_POWERS)
    return hf_fail(HF_E_RANGE, "the SRS has %zu points; circuits that fold need %d", srs->count,
                   HF_FOLD_POWERS);
  out->tau_g2 = srs->tau_g2;
  out->development = srs->development;
  memcpy(out->powers, srs->points, sizeof out->powers);
  return HF_OK;
}
