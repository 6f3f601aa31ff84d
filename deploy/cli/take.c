#include "take.h"

#include <stdlib.h>
#include <string.h>
#include "catalog.h"
#include "input.h"
#include "key_cache.h"
#include "pool_common.h"
#include "proof_common.h"
#include "verify.h"

#define RESULT_LIMIT ((size_t)1 << 20)

/* --vk, or the key that was derived here; it is the one that the job pins. */
static hf_status find_key(hf_cli *cli, const hf_digest *pinned, hf_verifying_key *vk) {
  const char *path = hf_cli_text(cli, "vk");
  char *folder = hf_cli_data_path(cli, "keys");
  hf_status status = HF_OK;
  if (folder == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  if (path != NULL) {
    HF_TRY(hf_verifying_key_load(path, vk));
    hf_digest digest = hf_vk_digest_bytes(vk);
    if (!hf_digest_eq(&digest, pinned)) HF_TRY(hf_fail(HF_E_MISMATCH, "%s: the job pins another key", path));
  } else {
    status = hf_key_folder_find(folder, pinned, vk);
    if (status == HF_E_NOT_FOUND)
      status = hf_fail_context(status, "the key that the job pins: give it with --vk");
    if (status != HF_OK) goto out;
  }
  status = hf_cli_allow_development(cli, vk->development, path != NULL ? path : "the key");
out:
  free(folder);
  return status;
}

/* The circuit with the witness of the job's input: its public inputs are what a proof of it must state. */
static hf_status build(hf_cli *cli, hf_queue *queue, const hf_job_header *job, hf_circuit **out) {
  hf_status status;
  const hf_catalog_entry *entry;
  uint8_t *input = NULL;
  size_t length;
  hf_srs *srs = NULL;
  hf_fold_setup setup;
  hf_catalog_context context = {0};
  hf_pool_keys *keys = NULL;
  char *path = hf_cli_data_path(cli, "srs"), circuit[HF_NAME_MAX + 1];
  if (path == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  hf_job_circuit(job, circuit, NULL);
  HF_TRY(hf_catalog_find(circuit, &entry));
  HF_TRY(hf_cli_pool_keys(cli, &keys));
  HF_TRY(hf_job_input_get(queue, keys, job, entry->input_limit, &input, &length));
  if (entry->folds) {
    HF_TRY(hf_srs_load(path, &srs));
    HF_TRY(hf_catalog_setup(srs, &setup));
    context.setup = &setup;
  }
  HF_TRY(hf_catalog_build(entry, &context, job->parameters, job->parameter_count, input, length, out));
out:
  if (input != NULL) explicit_bzero(input, length);
  free(input);
  free(path);
  hf_pool_keys_destroy(&keys);
  hf_srs_destroy(&srs);
  return status;
}

static bool states(const hf_proof *proof, const hf_circuit *circuit) {
  bool same = proof->public_count == circuit->public_count;
  for (uint32_t i = 0; same && i < circuit->public_count; i++)
    same = hf_fr_eq(proof->public_inputs[i], circuit->public_inputs[i]);
  if (!same) hf_fail(HF_E_VERIFY, "the proof is not about the job's input");
  return same;
}

hf_status hf_cli_take_judge(hf_cli *cli, hf_queue *queue, const hf_job_record *job, bool *ok) {
  hf_status status;
  hf_verifying_key vk;
  uint8_t *data = NULL;
  size_t length;
  hf_circuit *circuit = NULL;
  hf_proof *proof = calloc(1, sizeof *proof);
  *ok = false;
  if (proof == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  HF_TRY(find_key(cli, &job->header.vk_digest, &vk));
  HF_TRY(build(cli, queue, &job->header, &circuit));
  /* From here on bad bytes speak against the result; a store that cannot be read does not. */
  status = hf_artifact_get(queue, &job->result, RESULT_LIMIT, &data, &length);
  if (status != HF_OK) {
    if (hf_artifact_is_bad(status)) status = HF_OK;
    goto out;
  }
  status = hf_proof_decode("the result", data, length, proof);
  if (status == HF_OK && !hf_fr_eq(proof->vk_digest, vk.digest))
    status = hf_fail(HF_E_VERIFY, "the result is no proof under the key that the job pins");
  if (status == HF_OK && states(proof, circuit)) status = hf_verify(&vk, proof, ok);
  if (status >= 200 && status < 300) status = HF_OK;
out:
  hf_circuit_destroy(&circuit);
  free(data);
  free(proof);
  return status;
}
