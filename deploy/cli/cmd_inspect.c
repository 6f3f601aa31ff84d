/* hyperfold inspect: what is in this file? */
#include "circuits/fold.h"
#include "commands.h"
#include "keys.h"
#include "proof_common.h"
#include "replay.h"
#include "sealed.h"
#include "srs.h"

#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <hyperfold/payload.h>
#include <hyperfold/rollup.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_LIMIT ((size_t)1 << 30)

static json_t *word_json(const uint8_t word[32]) {
  char text[67] = "0x";
  uint8_t reversed[32];
  for (int i = 0; i < 32; i++) reversed[i] = word[31 - i];
  hf_hex(reversed, sizeof reversed, text + 2);
  return json_string(text);
}

static json_t *record_json(const hf_batch_record *record) {
  json_t *words = json_object();
  for (int i = 1; i < HF_RECORD_WORDS; i++) {
    uint64_t small;
    bool number =
        hf_record_words[i].type != HF_WORD_FIELD && hf_word_get_u64(record->word[i], &small) == HF_OK;
    json_object_set_new(words, hf_record_words[i].name,
                        number ? hf_cli_json_u64(small) : word_json(record->word[i]));
  }
  return words;
}

static hf_status inspect_batch(const char *path, json_t **out) {
  hf_status status;
  uint8_t *data = NULL;
  size_t length;
  hf_batch_input input = {0};
  json_t *slots = json_array();
  HF_TRY(hf_file_read(path, INPUT_LIMIT, &data, &length));
  HF_TRY(hf_batch_input_decode(path, data, length, &input));
  for (uint32_t i = 0; i < input.params.slots; i++) {
    const hf_batch_slot *s = &input.slots[i];
    json_array_append_new(slots, json_pack("{s:s, s:i, s:i, s:o, s:o}", "type", hf_slot_type_text(s->type),
                                           "from", (int)s->from.index, "to", (int)s->to.index, "amount",
                                           hf_cli_json_u64(s->amount), "fee", hf_cli_json_u64(s->fee)));
  }
  *out = json_pack("{s:i, s:i, s:o, s:O}", "depth", (int)input.params.depth, "slots", (int)input.params.slots,
                   "record", record_json(&input.record), "operations", slots);
out:
  json_decref(slots);
  hf_batch_input_free(&input);
  free(data);
  return status;
}

static hf_status inspect_srs(const char *path, json_t **out) {
  hf_srs *srs = NULL;
  hf_status status = hf_srs_load(path, &srs);
  if (status == HF_OK)
    *out = json_pack("{s:s, s:o, s:b}", "name", srs->name, "points", hf_cli_json_u64(srs->count),
                     "development", (int)srs->development);
  hf_srs_destroy(&srs);
  return status;
}

static hf_status inspect_key(const char *path, json_t **out) {
  hf_proving_key *key = NULL;
  hf_status status = hf_proving_key_load(path, &key);
  if (status == HF_OK)
    *out = json_pack("{s:o, s:o, s:i}", "verifying_key", hf_cli_vk_json(&key->vk), "rows",
                     hf_cli_json_u64(key->used_rows), "table_width", (int)key->table_width);
  hf_proving_key_destroy(&key);
  return status;
}

static hf_status inspect_data(const char *path, json_t **out) {
  hf_replay_summary summary;
  char root[65];
  hf_status status = hf_replay_file(path, &summary);
  if (status != HF_OK) return status;
  hf_hex(summary.root, 32, root);
  *out = json_pack("{s:i, s:i, s:o, s:i, s:s, s:b}", "depth", (int)summary.params.depth, "slots",
                   (int)summary.params.slots, "batches", hf_cli_json_u64(summary.batches), "accounts",
                   (int)summary.accounts, "root", root, "complete", (int)summary.complete);
  return HF_OK;
}

static hf_status inspect_vk(const char *path, json_t **out) {
  hf_verifying_key vk;
  hf_status status = hf_verifying_key_load(path, &vk);
  if (status == HF_OK) *out = hf_cli_vk_json(&vk);
  return status;
}

static hf_status inspect_proof(const char *path, json_t **out) {
  hf_proof *proof = malloc(sizeof *proof);
  if (proof == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  hf_status status = hf_proof_load(path, proof);
  if (status == HF_OK) *out = hf_cli_proof_json(proof);
  free(proof);
  return status;
}

static json_t *leaf_record_json(const hf_batch_record *record) {
  json_t *words = record_json(record);
  char hex[HF_DIGEST_HEX];
  hf_digest digest;
  memcpy(digest.b, record->word[HF_RECORD_VK_DIGEST], sizeof digest.b);
  hf_digest_hex(&digest, hex);
  json_object_set_new(words, hf_record_words[HF_RECORD_VK_DIGEST].name, json_string(hex));
  return words;
}

static hf_status inspect_sealed(const char *path, json_t **out) {
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  json_t *records = json_array();
  if (sealed == NULL) return hf_fail(HF_E_MEMORY, "no memory for a sealed object");
  hf_status status = hf_sealed_load(path, sealed);
  for (uint32_t i = 0; status == HF_OK && i < sealed->records; i++) {
    json_t *record = leaf_record_json(&sealed->batch[i].record);
    json_object_set_new(record, "slots", json_integer(sealed->batch[i].slots));
    json_array_append_new(records, record);
  }
  if (status == HF_OK)
    *out = json_pack("{s:o, s:O}", "proof", hf_cli_proof_json(&sealed->proof), "records", records);
  json_decref(records);
  hf_sealed_free(sealed);
  free(sealed);
  return status;
}

static json_t *child_json(const hf_fold_child *child) {
  return json_pack("{s:o, s:o}", "key", hf_cli_vk_json(&child->vk), "proof",
                   hf_cli_proof_json(&child->proof));
}

static hf_status inspect_node(const char *path, json_t **out) {
  hf_status status;
  uint8_t *data = NULL;
  size_t length;
  hf_node_input *in = malloc(sizeof *in);
  if (in == NULL) return hf_fail(HF_E_MEMORY, "no memory for a node's input");
  HF_TRY(hf_file_read(path, HF_NODE_INPUT_LIMIT, &data, &length));
  HF_TRY(hf_node_input_decode(path, data, length, in));
  *out = json_pack("{s:o, s:i, s:[o, o]}", "node_vk", hf_cli_json_fr(in->node_vk), "lift", (int)in->lift,
                   "children", child_json(&in->child[0]), child_json(&in->child[1]));
out:
  free(data);
  free(in);
  return status;
}

static hf_status inspect_seal(const char *path, json_t **out) {
  hf_status status;
  uint8_t *data = NULL;
  size_t length;
  json_t *records = json_array();
  hf_seal_input *in = malloc(sizeof *in);
  if (in == NULL) return hf_fail(HF_E_MEMORY, "no memory for a seal's input");
  HF_TRY(hf_file_read(path, HF_SEAL_INPUT_LIMIT, &data, &length));
  HF_TRY(hf_seal_input_decode(path, data, length, in));
  for (uint32_t i = 0; i < in->records; i++) json_array_append_new(records, leaf_record_json(&in->record[i]));
  *out = json_pack("{s:o, s:i, s:o, s:O}", "node_vk", hf_cli_json_fr(in->node_vk), "level", (int)in->level,
                   "child", child_json(&in->child), "records", records);
out:
  json_decref(records);
  free(data);
  free(in);
  return status;
}

/* To whom; the rest shows nothing. */
static hf_status inspect_payload(const char *path, json_t **out) {
  hf_status status;
  uint8_t *data = NULL;
  size_t length;
  hf_payload_outside outside;
  json_t *pools = json_array();
  HF_TRY(hf_file_read(path, HF_SEAL_INPUT_LIMIT, &data, &length));
  HF_TRY(hf_payload_look(data, length, &outside));
  for (uint32_t i = 0; i < outside.recipients; i++) json_array_append_new(pools, json_string(outside.pool[i]));
  *out = json_pack("{s:O, s:o}", "sealed_to", pools, "padded_bytes", hf_cli_json_u64(outside.padded));
out:
  json_decref(pools);
  free(data);
  return status;
}

static const struct {
  const char *kind, *what;
  hf_status (*inspect)(const char *path, json_t **out);
} kinds[] = {
    {HF_VKEY_KIND, "verifying key", inspect_vk},
    {HF_PROOF_KIND, "proof", inspect_proof},
    {HF_BATCH_INPUT_KIND, "batch input", inspect_batch},
    {HF_SRS_KIND, "SRS", inspect_srs},
    {HF_PKEY_KIND, "proving key", inspect_key},
    {HF_DATA_FILE_KIND, "public data of a chain", inspect_data},
    {HF_NODE_INPUT_KIND, "input of a fold", inspect_node},
    {HF_SEAL_INPUT_KIND, "input of a seal", inspect_seal},
    {HF_PAYLOAD_KIND, "sealed input of a job", inspect_payload},
    {HF_SEALED_KIND, "sealed proof, its records and their public data", inspect_sealed},
};

hf_status hf_inspect_run(hf_cli *cli) {
  hf_status status;
  const char *path = cli->arguments[0];
  uint8_t head[16];
  json_t *contents = NULL;
  hf_container *container = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, head, sizeof head);
  int why = errno;
  if (fd >= 0) close(fd);
  if (got < 0) {
    status = hf_fail(hf_status_of_errno(why), "%s: cannot be read: %s", path, strerror(why));
    goto out;
  }
  if (got < (ssize_t)sizeof head || memcmp(head, "HYPERFLD", 8) != 0) {
    status = hf_fail(HF_E_FORMAT, "%s is not a file of hyperfold", path);
    goto out;
  }
  char kind[5] = {(char)head[8], (char)head[9], (char)head[10], (char)head[11], 0}, hex[HF_DIGEST_HEX];
  HF_TRY(hf_container_map(path, kind, UINT32_MAX, &container));
  hf_digest checksum = hf_container_checksum(container);
  hf_digest_hex(&checksum, hex);
  const char *what = "unknown";
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (memcmp(kind, kinds[i].kind, 4) == 0) {
      what = kinds[i].what;
      HF_TRY(kinds[i].inspect(path, &contents));
    }
  if (contents == NULL) contents = json_object();
  json_t *document = json_pack("{s:s, s:s, s:i, s:o, s:s, s:o}", "kind", kind, "what", what, "version",
                               (int)hf_container_version(container), "payload_bytes",
                               hf_cli_json_u64(hf_container_payload(container).length), "checksum", hex,
                               "contents", contents);
  contents = NULL;
  if (cli->json) {
    HF_TRY(hf_cli_print_json(cli, document));
  } else {
    /* The same tree, indented: made for eyes, so without a format to keep. */
    char *text = json_dumps(document, JSON_INDENT(2));
    printf("%s\n", text != NULL ? text : "");
    free(text);
    json_decref(document);
  }
out:
  json_decref(contents);
  hf_container_unmap(&container);
  return status;
}
