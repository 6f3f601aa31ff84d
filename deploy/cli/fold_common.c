#include "fold_common.h"

#include <errno.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "fold_keys.h"
#include "l1_common.h"
#include "proof_common.h"

hf_status hf_cli_keys_parse(const char *list, hf_cli_keys *out) {
  hf_status status = HF_OK;
  char *words = NULL, *rest;
  out->count = 0;
  if (list == NULL) return HF_OK;
  words = strdup(list);
  if (words == NULL) return hf_fail(HF_E_MEMORY, "no memory for a list of keys");
  for (char *word = strtok_r(words, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
    if (out->count == HF_CLI_KEYS)
      HF_TRY(hf_fail(HF_E_ARGUMENT, "more than %d keys in \"%s\"", HF_CLI_KEYS, list));
    size_t at = out->count++;
    out->loaded[at] = access(word, R_OK) == 0;
    if (out->loaded[at]) {
      HF_TRY(hf_verifying_key_load(word, &out->key[at]));
      out->digest[at] = hf_vk_digest_bytes(&out->key[at]);
    } else {
      HF_TRY(hf_digest_parse(word, &out->digest[at]));
    }
  }
out:
  free(words);
  return status;
}

size_t hf_cli_keys_find(const hf_cli_keys *keys, const hf_digest *digest) {
  size_t i = 0;
  while (i < keys->count && !hf_digest_eq(&keys->digest[i], digest)) i++;
  return i;
}

hf_status hf_cli_fold_open_seals(hf_cli *cli, hf_cli_fold *f) {
  const char *out = hf_cli_text(cli, "out");
  *f = (hf_cli_fold){0};
  f->seal_input = malloc(sizeof *f->seal_input);
  f->out = out != NULL ? strdup(out) : hf_cli_data_path(cli, "sealed");
  f->journals = hf_cli_data_path(cli, "l1");
  return f->seal_input == NULL || f->out == NULL || f->journals == NULL
             ? hf_fail(HF_E_MEMORY, "no memory for folding")
             : HF_OK;
}

hf_status hf_cli_fold_open(hf_cli *cli, hf_cli_fold *f) {
  hf_status status;
  const hf_catalog_entry *seal;
  HF_TRY(hf_cli_fold_open_seals(cli, f));
  f->leaves = calloc(1, sizeof *f->leaves);
  f->node_input = malloc(sizeof *f->node_input);
  if (f->leaves == NULL || f->node_input == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for folding"));
  HF_TRY(hf_cli_keys_parse(hf_cli_text(cli, "leaf-vk"), f->leaves));
  HF_TRY(hf_catalog_find(HF_SEAL_CIRCUIT, &seal));
  HF_TRY(hf_cli_device_open(cli, hf_catalog_points(seal), &f->device));
  HF_TRY(hf_catalog_setup(f->device.srs, &f->setup));
  hf_cli_progress("the keys of node and seal");
  HF_TRY(hf_fold_keys(f->device.keys, f->device.srs, &f->node, &f->seal));
  HF_TRY(hf_folder_create(f->out, 0755));
out:
  hf_cli_progress(NULL);
  return status;
}

void hf_cli_fold_close(hf_cli_fold *f) {
  hf_cli_device_close(&f->device);
  free(f->leaves);
  free(f->node_input);
  free(f->seal_input);
  free(f->out);
  free(f->journals);
  *f = (hf_cli_fold){0};
}

char *hf_cli_sealed_path(const hf_cli_fold *fold, uint64_t number) {
  char *path;
  return asprintf(&path, "%s/" HF_CLI_SEALED_NAME, fold->out, (unsigned long long)number) < 0 ? NULL : path;
}

hf_status hf_cli_sealed_lock(const char *folder, hf_cli_seals_for what, int *fd) {
  const bool reads = what == HF_SEALS_TO_READ, alone = what == HF_SEALS_TO_GIVE_UP;
  char *name = NULL;
  hf_status status = HF_OK;
  *fd = -1;
  if (asprintf(&name, "%s/lock", folder) < 0) return hf_fail(HF_E_MEMORY, "no memory for a path");
  *fd = open(name, reads ? O_RDONLY | O_CLOEXEC : O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (*fd < 0 && !(reads && (errno == ENOENT || errno == ENOTDIR)))
    status = hf_fail(hf_status_of_errno(errno), "%s: %s", name, strerror(errno));
  else if (*fd >= 0 && flock(*fd, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0)
    status = hf_fail(HF_E_BUSY,
                     alone ? "%s: an aggregator, a settler or queue reap works here: end it first"
                           : "%s: seals are being given up here: try again",
                     name);
  if (status != HF_OK && *fd >= 0) {
    close(*fd);
    *fd = -1;
  }
  free(name);
  return status;
}

/* ---- what the aggregator asks ---- */

static hf_status find_key(void *context, const hf_digest *digest, hf_verifying_key *out) {
  hf_cli_fold *f = context;
  char hex[HF_DIGEST_HEX];
  hf_status status = HF_OK;
  hf_digest node = hf_vk_digest_bytes(&f->node), seal = hf_vk_digest_bytes(&f->seal);
  size_t at = hf_cli_keys_find(f->leaves, digest);
  if (hf_digest_eq(digest, &node))
    *out = f->node;
  else if (hf_digest_eq(digest, &seal))
    *out = f->seal;
  else if (at < f->leaves->count && f->leaves->loaded[at])
    *out = f->leaves->key[at];
  else if (at < f->leaves->count || f->leaves->count == 0)
    status = hf_key_cache_find(f->device.keys, digest, out);
  else
    status = hf_fail(HF_E_NOT_FOUND, "its key is none of --leaf-vk");
  if (status == HF_E_NOT_FOUND && f->leaves->count == 0) {
    hf_digest_hex(digest, hex);
    status = hf_fail(HF_E_NOT_FOUND, "its key %s is not here: derive it (hyperfold circuit key CIRCUIT), or give it with --leaf-vk", hex);
  }
  return status;
}

static hf_status foldable(void *context, const hf_verifying_key *vk, const hf_proof *proof, bool *ok) {
  const hf_cli_fold *f = context;
  return hf_foldable_check(&f->setup, f->node.digest, vk, proof, ok);
}

static hf_status node_input(void *context, const hf_fold_half child[2], uint32_t lift, hf_writer *w) {
  hf_cli_fold *f = context;
  f->node_input->node_vk = f->node.digest;
  f->node_input->lift = lift;
  for (int i = 0; i < HF_NODE_CHILDREN; i++) {
    f->node_input->child[i].vk = *child[i].vk;
    f->node_input->child[i].proof = *child[i].proof;
  }
  return hf_node_input_encode(f->node_input, w);
}

static hf_status seal_input(void *context, const hf_fold_half *child, uint32_t level,
                            const hf_batch_record *records, uint32_t m, hf_writer *w) {
  hf_cli_fold *f = context;
  hf_seal_input *in = f->seal_input;
  in->node_vk = f->node.digest;
  in->child.vk = *child->vk;
  in->child.proof = *child->proof;
  in->level = level;
  in->records = m;
  memcpy(in->record, records, m * sizeof *records);
  return hf_seal_input_encode(in, w);
}

static hf_status seal_records(void *context, const void *input, size_t length, hf_batch_record *records,
                              uint32_t *m) {
  hf_cli_fold *f = context;
  hf_status status = hf_seal_input_decode("seal input", input, length, f->seal_input);
  if (status != HF_OK) return status;
  *m = f->seal_input->records;
  memcpy(records, f->seal_input->record, *m * sizeof *records);
  return HF_OK;
}

static hf_status publish(void *context, uint64_t number, const hf_sealed *sealed) {
  char *path = hf_cli_sealed_path(context, number);
  if (path == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  hf_status status = hf_sealed_save(path, sealed);
  free(path);
  return status;
}

/* Takes the path. */
static hf_status exists(char *path, bool *is) {
  if (path == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  *is = access(path, F_OK) == 0;
  hf_status status =
      *is || errno == ENOENT ? HF_OK : hf_fail(hf_status_of_errno(errno), "%s: %s", path, strerror(errno));
  free(path);
  return status;
}

static hf_status published(void *context, uint64_t number, bool *is) {
  return exists(hf_cli_sealed_path(context, number), is);
}

static char *abandoned_path(const hf_cli_fold *fold, uint64_t number) {
  char *path;
  return asprintf(&path, "%s/" HF_CLI_ABANDONED_NAME, fold->out, (unsigned long long)number) < 0 ? NULL
                                                                                                 : path;
}

static hf_status abandoned(void *context, uint64_t number, bool *is) {
  return exists(abandoned_path(context, number), is);
}

static hf_status abandonable(void *context, uint64_t number, const hf_batch_record *records, uint32_t m) {
  const hf_cli_fold *f = context;
  hf_fr root;
  (void)number;
  hf_status status = hf_records_root(records, m, &root);
  return status == HF_OK ? hf_cli_seal_not_sent(f->journals, root) : status;
}

/* The mark names the batches, for people. Whole or not there: hf_file_write. */
static hf_status abandon(void *context, uint64_t number, const hf_batch_record *records, uint32_t m) {
  hf_status status;
  char *path = abandoned_path(context, number), *text = NULL;
  json_t *batches = json_array(), *mark;
  for (uint32_t i = 0; i < m; i++) {
    char name[HF_U256_TEXT + 24];
    hf_u256 chain;
    uint64_t batch = 0;
    (void)hf_word_get_u64(records[i].word[HF_RECORD_BATCH_NUMBER], &batch);
    hf_cli_number_of(records[i].word[HF_RECORD_CHAIN_ID], &chain);
    hf_u256_text(&chain, name);
    snprintf(name + strlen(name), 24, "/%llu", (unsigned long long)batch);
    json_array_append_new(batches, json_string(name));
  }
  mark = json_pack("{s:o, s:o}", "abandoned", hf_cli_json_u64(number), "batches", batches);
  text = mark != NULL ? json_dumps(mark, JSON_INDENT(1)) : NULL;
  if (path == NULL || text == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a mark"));
  hf_bytes parts[] = {{text, strlen(text)}, {"\n", 1}};
  HF_TRY(hf_file_write(path, 0644, parts, 2));
out:
  json_decref(mark);
  free(text);
  free(path);
  return status;
}

const hf_aggregator_ops hf_cli_fold_ops = {
    .find_key = find_key,
    .foldable = foldable,
    .node_input = node_input,
    .seal_input = seal_input,
    .seal_records = seal_records,
    .publish = publish,
    .published = published,
    .abandoned = abandoned,
    .abandonable = abandonable,
    .abandon = abandon,
};
