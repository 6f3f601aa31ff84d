/* Node and seal inputs as bytes: see fold.h.
 *   NODE: node_vk, then twice (key, proof), then lift u32
 *   SEAL: node_vk, key, proof, level u32, m u32, then m records of HF_RECORD_WORDS words
 * Keys and proofs as in their own containers' payloads. */
#include <hyperfold/container.h>
#include <string.h>
#include "fold.h"

static void child_write(const hf_fold_child *child, hf_writer *w) {
  hf_verifying_key_write(&child->vk, w);
  hf_proof_write(&child->proof, w);
}

static hf_status child_read(hf_reader *r, hf_fold_child *child) {
  hf_status status;
  HF_TRY(hf_verifying_key_read(r, &child->vk));
  HF_TRY(hf_proof_read(r, &child->proof));
out:
  return status;
}

static hf_status wrap(hf_writer *payload, const char *kind, hf_writer *w) {
  hf_status status = hf_writer_status(payload);
  hf_bytes part = {payload->data, payload->length};
  if (status == HF_OK) status = hf_container_encode(w, kind, HF_FOLD_INPUT_VERSION, &part, 1);
  hf_writer_free(payload);
  return status;
}

static hf_status unwrap(const char *what, const void *data, size_t length, const char *kind, hf_reader *out) {
  const uint8_t *payload;
  size_t payload_length;
  uint32_t version;
  hf_status status =
      hf_container_decode(what, data, length, kind, HF_FOLD_INPUT_VERSION, &payload, &payload_length, &version);
  if (status == HF_OK) *out = hf_reader_over(payload, payload_length);
  return status;
}

hf_status hf_node_input_encode(const hf_node_input *input, hf_writer *w) {
  hf_writer payload = {0};
  hf_write_fr(&payload, input->node_vk);
  for (int i = 0; i < HF_NODE_CHILDREN; i++) child_write(&input->child[i], &payload);
  hf_write_u32(&payload, input->lift);
  return wrap(&payload, HF_NODE_INPUT_KIND, w);
}

hf_status hf_node_input_decode(const char *what, const void *data, size_t length, hf_node_input *out) {
  hf_status status;
  hf_reader r;
  memset(out, 0, sizeof *out);
  HF_TRY(unwrap(what, data, length, HF_NODE_INPUT_KIND, &r));
  HF_TRY(hf_read_fr(&r, "node input: node_vk", &out->node_vk));
  for (int i = 0; i < HF_NODE_CHILDREN; i++) HF_TRY(child_read(&r, &out->child[i]));
  HF_TRY(hf_read_u32(&r, "node input: lift", &out->lift));
  HF_TRY(hf_read_end(&r, "node input"));
  if (out->lift >= HF_SEAL_RECORDS_LOG)
    status = hf_fail(HF_E_RANGE, "node input: lift %u is not below %d", out->lift, HF_SEAL_RECORDS_LOG);
out:
  return status == HF_OK ? status : hf_fail_context(status, "%s", what);
}

hf_status hf_seal_input_encode(const hf_seal_input *input, hf_writer *w) {
  hf_writer payload = {0};
  if (input->records > HF_SEAL_RECORDS_MAX)
    return hf_fail(HF_E_ARGUMENT, "%u records: a seal has 1 to %d", input->records, HF_SEAL_RECORDS_MAX);
  hf_write_fr(&payload, input->node_vk);
  child_write(&input->child, &payload);
  hf_write_u32(&payload, input->level);
  hf_write_u32(&payload, input->records);
  for (uint32_t i = 0; i < input->records; i++) hf_write_bytes(&payload, input->record[i].word, sizeof input->record[i].word);
  return wrap(&payload, HF_SEAL_INPUT_KIND, w);
}

hf_status hf_seal_input_decode(const char *what, const void *data, size_t length, hf_seal_input *out) {
  hf_status status;
  hf_reader r;
  memset(out, 0, sizeof *out);
  HF_TRY(unwrap(what, data, length, HF_SEAL_INPUT_KIND, &r));
  HF_TRY(hf_read_fr(&r, "seal input: node_vk", &out->node_vk));
  HF_TRY(child_read(&r, &out->child));
  HF_TRY(hf_read_u32(&r, "seal input: level", &out->level));
  HF_TRY(hf_read_u32(&r, "seal input: records", &out->records));
  if (out->level > HF_SEAL_RECORDS_LOG)
    HF_TRY(hf_fail(HF_E_RANGE, "seal input: level %u is above %d", out->level, HF_SEAL_RECORDS_LOG));
  if (out->records < 1 || out->records > HF_SEAL_RECORDS_MAX)
    HF_TRY(hf_fail(HF_E_RANGE, "seal input: %u records; a seal has 1 to %d", out->records, HF_SEAL_RECORDS_MAX));
  for (uint32_t i = 0; i < out->records; i++)
    for (int j = 0; j < HF_RECORD_WORDS; j++) {
      HF_TRY(hf_read_bytes(&r, "seal input: record", out->record[i].word[j], 32));
      if (!hf_word_is_canonical(out->record[i].word[j]))
        HF_TRY(hf_fail(HF_E_RANGE, "seal input: record %u, word %d is not below r", i, j));
    }
  HF_TRY(hf_read_end(&r, "seal input"));
out:
  return status == HF_OK ? status : hf_fail_context(status, "%s", what);
}
