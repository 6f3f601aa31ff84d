#include "batch_key.h"
#include "catalog.h"
#include "device_common.h"

hf_status hf_cli_batch_key(hf_cli *cli, const hf_rollup_params *params, hf_verifying_key *vk,
                           uint32_t *used_rows) {
  hf_status status;
  hf_cli_device device = {0};
  hf_circuit *circuit = NULL;
  const hf_proving_key *key;
  const hf_catalog_entry *entry;
  hf_parameter parameters[2] = {{"depth", params->depth}, {"slots", params->slots}};
  HF_TRY(hf_catalog_find(HF_BATCH_CIRCUIT, &entry));
  HF_TRY(hf_catalog_build(entry, NULL, parameters, 2, NULL, 0, &circuit));
  HF_TRY(hf_cli_device_open(cli, hf_srs_points_needed(circuit->log_n, entry->keys.kappa), &device));
  hf_cli_progress("the key of the batch circuit");
  HF_TRY(hf_key_cache_get(device.keys, circuit, &entry->keys, NULL, &key));
  *vk = key->vk;
  *used_rows = circuit->used_rows;
out:
  hf_cli_progress(NULL);
  hf_circuit_destroy(&circuit);
  hf_cli_device_close(&device);
  return status;
}
