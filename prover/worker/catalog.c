#include "catalog.h"

#include <hyperfold/rollup.h>
#include <stdlib.h>
#include <string.h>
#include "circuit/nonnative.h"
#include "circuits/batch.h"
#include "circuits/example.h"

/* Lays out, or computes, a circuit on a builder; `input` is what the entry's own functions pass. */
typedef hf_status (*circuit_body)(hf_builder *b, const void *input);

/* What decides a circuit's structure besides its name and the set-up. */
static hf_digest kind_of(const char *name, const void *parameters, size_t length) {
  hf_digest_state state;
  hf_digest out;
  hf_digest_init(&state);
  hf_digest_update(&state, name, strlen(name) + 1);
  hf_digest_update(&state, parameters, length);
  hf_digest_final(&state, &out);
  return out;
}

static hf_status expand(const hf_catalog_context *context, hf_digest kind, hf_builder_options *options,
                        circuit_body body, const void *input, hf_circuit **out) {
  hf_status status;
  hf_builder *b = NULL;
  hf_plan_cache *plans = context != NULL ? context->plans : NULL;
  if (plans != NULL) options->plan = hf_plan_cache_find(plans, &kind);
  if (context != NULL) options->pool = context->pool;
  HF_TRY(hf_builder_create(options, &b));
  HF_TRY(body(b, input));
  HF_TRY(hf_builder_finish(b, out));
  if (plans != NULL && options->plan == NULL) hf_plan_cache_put(plans, &kind, *out);
out:
  hf_builder_destroy(&b);
  return status;
}

typedef struct batch_job {
  hf_rollup_params params;
  const hf_batch_input *input; /* or NULL */
} batch_job;

static hf_status batch_body(hf_builder *b, const void *input) {
  const batch_job *job = input;
  return hf_batch_circuit(b, &job->params, job->input);
}

static hf_status batch_build(const hf_catalog_context *context, const hf_parameter *parameters, size_t count,
                             const uint8_t *input, size_t length, hf_circuit **out) {
  hf_status status;
  batch_job job = {.params = {.depth = HF_ROLLUP_DEPTH, .slots = HF_CATALOG_BATCH_SLOTS}};
  hf_builder_options options;
  hf_batch_input batch = {0};
  *out = NULL;
  for (size_t i = 0; i < count; i++) {
    uint64_t v = parameters[i].value;
    if (v > UINT32_MAX) return hf_fail(HF_E_RANGE, "batch: %s is too large", parameters[i].name);
    if (strcmp(parameters[i].name, "depth") == 0)
      job.params.depth = (uint32_t)v;
    else if (strcmp(parameters[i].name, "slots") == 0)
      job.params.slots = (uint32_t)v;
    else
      return hf_fail(HF_E_ARGUMENT, "batch has no parameter \"%s\"", parameters[i].name);
  }
  HF_TRY(hf_rollup_params_check(&job.params));
  if (input != NULL) {
    HF_TRY(hf_batch_input_decode("batch input", input, length, &batch));
    job.input = &batch;
  }
  HF_TRY(hf_batch_options(&job.params, &options));
  uint32_t shape[2] = {job.params.depth, job.params.slots};
  HF_TRY(expand(context, kind_of(HF_BATCH_CIRCUIT, shape, sizeof shape), &options, batch_body, &job, out));
out:
  hf_batch_input_free(&batch);
  return status;
}

static hf_status no_parameters(const char *name, const hf_parameter *parameters, size_t count) {
  if (count == 0) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "%s has no parameter \"%s\"", name, parameters[0].name);
}

static hf_status example_body(hf_builder *b, const void *input) {
  hf_example_circuit(b, input);
  return HF_OK; /* what went wrong, hf_builder_finish says */
}

static hf_status example_build(const hf_catalog_context *context, const hf_parameter *parameters,
                               size_t count, const uint8_t *input, size_t length, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  hf_example_input in;
  *out = NULL;
  HF_TRY(no_parameters(HF_EXAMPLE_CIRCUIT, parameters, count));
  if (input != NULL) HF_TRY(hf_example_input_decode(input, length, &in));
  hf_example_options(&options);
  HF_TRY(expand(context, kind_of(HF_EXAMPLE_CIRCUIT, "", 0), &options, example_body, input != NULL ? &in : NULL, out));
out:
  return status;
}

static hf_status need_setup(const char *name, const hf_catalog_context *context) {
  if (context != NULL && context->setup != NULL) return HF_OK;
  return hf_fail(HF_E_STATE, "%s is built over a set-up, and none is there", name);
}

typedef struct fold_job {
  const hf_fold_setup *setup;
  hf_node_input *node; /* or NULL */
  hf_seal_input *seal; /* or NULL */
  hf_fr node_vk;       /* of a seal */
} fold_job;

static hf_status node_body(hf_builder *b, const void *input) {
  const fold_job *job = input;
  return hf_node_circuit(b, job->setup, job->node);
}

static hf_status node_build(const hf_catalog_context *context, const hf_parameter *parameters, size_t count,
                            const uint8_t *input, size_t length, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  fold_job job = {0};
  *out = NULL;
  HF_TRY(no_parameters(HF_NODE_CIRCUIT, parameters, count));
  HF_TRY(need_setup(HF_NODE_CIRCUIT, context));
  job.setup = context->setup;
  if (input != NULL) {
    job.node = malloc(sizeof *job.node);
    if (job.node == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a node's input"));
    HF_TRY(hf_node_input_decode("node input", input, length, job.node));
  }
  hf_node_options(&options);
  HF_TRY(expand(context, kind_of(HF_NODE_CIRCUIT, "", 0), &options, node_body, &job, out));
out:
  free(job.node);
  return status;
}

static hf_status seal_body(hf_builder *b, const void *input) {
  const fold_job *job = input;
  return hf_seal_circuit(b, job->setup, job->node_vk, job->seal);
}

static hf_status seal_build(const hf_catalog_context *context, const hf_parameter *parameters, size_t count,
                            const uint8_t *input, size_t length, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  fold_job job = {0};
  *out = NULL;
  HF_TRY(no_parameters(HF_SEAL_CIRCUIT, parameters, count));
  HF_TRY(need_setup(HF_SEAL_CIRCUIT, context));
  job.setup = context->setup;
  if (input != NULL) {
    job.seal = malloc(sizeof *job.seal);
    if (job.seal == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a seal's input"));
    HF_TRY(hf_seal_input_decode("seal input", input, length, job.seal));
  } else if (context->node_vk == NULL) {
    HF_TRY(hf_fail(HF_E_STATE, "the seal is built over the node's key, and none is there"));
  }
  job.node_vk = job.seal != NULL ? job.seal->node_vk : *context->node_vk;
  hf_seal_options(&options);
  HF_TRY(expand(context, kind_of(HF_SEAL_CIRCUIT, &job.node_vk, sizeof job.node_vk), &options, seal_body, &job, out));
out:
  free(job.seal);
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
  return hf_fail(HF_E_NOT_FOUND, "no circuit \"%s\" in this build (hyperfold circuit list names them)", name);
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
