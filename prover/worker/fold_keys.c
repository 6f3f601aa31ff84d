#include "fold_keys.h"

static hf_status key_of(hf_key_cache *keys, const char *name, const hf_catalog_context *context,
                        hf_verifying_key *out) {
  hf_status status;
  const hf_catalog_entry *entry;
  const hf_proving_key *key;
  hf_circuit *circuit = NULL;
  HF_TRY(hf_catalog_find(name, &entry));
  HF_TRY(hf_catalog_build(entry, context, NULL, 0, NULL, 0, &circuit));
  HF_TRY(hf_key_cache_get(keys, circuit, &entry->keys, NULL, &key));
  *out = key->vk;
out:
  hf_circuit_destroy(&circuit);
  return status;
}

hf_status hf_fold_keys(hf_key_cache *keys, const hf_srs *srs, hf_verifying_key *node,
                       hf_verifying_key *seal) {
  hf_status status;
  hf_fold_setup setup;
  hf_catalog_context context = {.setup = &setup, .node_vk = &node->digest};
  HF_TRY(hf_catalog_setup(srs, &setup));
  HF_TRY(key_of(keys, HF_NODE_CIRCUIT, &context, node));
  if (seal != NULL) HF_TRY(key_of(keys, HF_SEAL_CIRCUIT, &context, seal));
out:
  return status;
}
