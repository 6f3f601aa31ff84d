#include "circuit_common.h"

#include <hyperfold/file.h>
#include <stdlib.h>
#include <string.h>
#include "fold_keys.h"
#include "parameters.h"

/* The SRS, and for the structure of a seal the node's key. */
static hf_status open_setup(hf_cli *cli, bool structure, hf_cli_circuit *c, hf_fold_setup *setup,
                            hf_fr *node_vk) {
  hf_status status;
  const hf_catalog_entry *node;
  bool needs_node = structure && strcmp(c->entry->name, HF_SEAL_CIRCUIT) == 0;
  HF_TRY(hf_catalog_find(HF_NODE_CIRCUIT, &node));
  HF_TRY(hf_cli_device_open(cli, needs_node ? hf_catalog_points(node) : HF_FOLD_POWERS, &c->device));
  HF_TRY(hf_catalog_setup(c->device.srs, setup));
  if (needs_node) {
    hf_verifying_key vk;
    hf_cli_progress("the key of the node circuit");
    HF_TRY(hf_fold_keys(c->device.keys, c->device.srs, &vk, NULL));
    *node_vk = vk.digest;
  }
out:
  return status;
}

hf_status hf_cli_circuit_open(hf_cli *cli, const char *name, const char *input_path, hf_cli_circuit *c) {
  hf_status status;
  uint8_t *input = NULL;
  size_t length = 0;
  hf_job_header header = {0};
  hf_fold_setup setup;
  hf_fr node_vk = hf_fr_zero();
  hf_catalog_context context = {.setup = &setup, .node_vk = &node_vk};
  *c = (hf_cli_circuit){0};
  HF_TRY(hf_catalog_find(name, &c->entry));
  HF_TRY(hf_cli_parameters(hf_cli_text(cli, "parameters"), &header));
  if (input_path != NULL) HF_TRY(hf_file_read(input_path, c->entry->input_limit, &input, &length));
  if (c->entry->folds) HF_TRY(open_setup(cli, input == NULL, c, &setup, &node_vk));
  hf_cli_progress("laying out the circuit");
  status = hf_catalog_build(c->entry, c->entry->folds ? &context : NULL, header.parameters, header.parameter_count, input, length,
                            &c->circuit);
  if (status != HF_OK && input_path != NULL) hf_fail_context(status, "%s", input_path);
out:
  hf_cli_progress(NULL);
  free(input);
  return status;
}

hf_status hf_cli_circuit_key(hf_cli *cli, hf_cli_circuit *c, const hf_proving_key **key) {
  hf_status status;
  size_t points = hf_srs_points_needed(c->circuit->log_n, c->entry->keys.kappa);
  if (c->device.srs == NULL || c->device.srs->count < points) {
    hf_cli_device_close(&c->device);
    HF_TRY(hf_cli_device_open(cli, points, &c->device));
  }
  hf_cli_progress("the key");
  HF_TRY(hf_key_cache_get(c->device.keys, c->circuit, &c->entry->keys, NULL, key));
out:
  hf_cli_progress(NULL);
  return status;
}

void hf_cli_circuit_close(hf_cli_circuit *c) {
  hf_circuit_destroy(&c->circuit);
  hf_cli_device_close(&c->device);
}
