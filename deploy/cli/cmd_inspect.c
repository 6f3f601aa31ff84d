/* hyperfold inspect: what is in this file? */
#include "commands.h"
#include "keys.h"
#include "proof_common.h"
#include "replay.h"
#include "srs.h"

#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <hyperfold/rollup.h>
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

hf_status hf_inspect_run(hf_cli *cli) {
  hf_status status;
  const char *path = cli->arguments[0];
  uint8_t head[16];
  json_t *contents = NULL;
  hf_container *container = NULL;
  hf_verifying_key vk;
  hf_proof *proof = calloc(1, sizeof *proof);
  if (proof == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t got = fd < 0 ? -1 : read(fd, head, sizeof head);
  if (fd >= 0) close(fd);
  if (got < 0) {
    status = hf_fail(HF_E_NOT_FOUND, "%s cannot be read", path);
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
  if (memcmp(kind, HF_VKEY_KIND, 4) == 0) {
    what = "verifying key";
    HF_TRY(hf_verifying_key_load(path, &vk));
    contents = hf_cli_vk_json(&vk);
  } else if (memcmp(kind, HF_PROOF_KIND, 4) == 0) {
    what = "proof";
    HF_TRY(hf_proof_load(path, proof));
    contents = hf_cli_proof_json(proof);
  } else if (memcmp(kind, HF_BATCH_INPUT_KIND, 4) == 0) {
    what = "batch input";
    HF_TRY(inspect_batch(path, &contents));
  } else if (memcmp(kind, HF_SRS_KIND, 4) == 0) {
    what = "SRS";
    HF_TRY(inspect_srs(path, &contents));
  } else if (memcmp(kind, HF_PKEY_KIND, 4) == 0) {
    what = "proving key";
    HF_TRY(inspect_key(path, &contents));
  } else if (memcmp(kind, HF_DATA_FILE_KIND, 4) == 0) {
    what = "public data of a chain";
    HF_TRY(inspect_data(path, &contents));
  } else {
    contents = json_object();
  }
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
  free(proof);
  return status;
}
