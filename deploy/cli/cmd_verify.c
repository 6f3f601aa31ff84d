/* hyperfold verify: is this proof valid, under a key that counts, about what is expected? */
#include "catalog.h"
#include "commands.h"
#include "fold_common.h"
#include "key_cache.h"
#include "proof_common.h"
#include "sealed.h"
#include "verify.h"

#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct check {
  hf_cli *cli;
  hf_verifying_key vk;
  hf_proof *proof;
  hf_sealed *sealed;        /* what was read, with records 0 where it was a proof alone */
  hf_batch_record *records; /* HF_SEAL_RECORDS_MAX */
  uint32_t record_count;    /* 0: not given */
  hf_cli_keys *keys, *leaves;
} check;

static const char *kind_of(const check *c) {
  if (c->vk.seal) return "seal";
  if (!c->vk.foldable) return "proof";
  return hf_fr_is_zero(c->proof->public_inputs[HF_INSTANCE_NODE_VK]) ? "leaf" : "node";
}

/* A verdict against the proof; the message is what hf_error_message() says. */
static bool refuse(bool *ok) {
  *ok = false;
  return false;
}

static bool key_allowed(const check *c, bool *ok) {
  hf_digest digest = hf_vk_digest_bytes(&c->vk);
  if (c->keys->count == 0 || hf_cli_keys_find(c->keys, &digest) < c->keys->count) return true;
  hf_fail(HF_E_VERIFY, "the key is none of --key");
  return refuse(ok);
}

/* A key that was derived here: DATA/keys/DIGEST.vkey. HF_E_NOT_FOUND. */
static hf_status own_key(const check *c, const hf_digest *digest, hf_verifying_key *out) {
  char *folder = hf_cli_data_path(c->cli, "keys");
  if (folder == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  hf_status status = hf_key_folder_find(folder, digest, out);
  free(folder);
  return status;
}

/* --vk, or the key derived here that the proof names. */
static hf_status find_key(check *c) {
  const char *path = hf_cli_text(c->cli, "vk");
  hf_digest digest;
  hf_status status;
  hf_fr_to_bytes(c->proof->vk_digest, digest.b);
  status = path != NULL ? hf_verifying_key_load(path, &c->vk) : own_key(c, &digest, &c->vk);
  if (status == HF_E_NOT_FOUND && path == NULL)
    return hf_fail_context(HF_E_ARGUMENT, "without --vk the proof's key must have been derived here");
  if (status != HF_OK) return status;
  return hf_cli_allow_development(c->cli, c->vk.development, path != NULL ? path : "the key");
}

/* The keys below a node or seal are named in the records alone. Those that count are listed, or were derived
 * here. */
static hf_status leaf_keys(const check *c, bool *ok) {
  const char *list = hf_cli_text(c->cli, "leaf-vk");
  bool above = strcmp(kind_of(c), "node") == 0 || c->vk.seal;
  if ((list == NULL && !above) || (list != NULL && strcmp(list, "any") == 0)) return HF_OK;
  if (c->record_count == 0)
    return hf_fail(
        HF_E_ARGUMENT,
        "a %s stands for proofs under other keys, which the records name: give --records or a sealed "
        "file, or say --leaf-vk any",
        kind_of(c));
  for (uint32_t i = 0; i < c->record_count; i++) {
    hf_digest digest;
    hf_verifying_key vk;
    memcpy(digest.b, c->records[i].word[HF_RECORD_VK_DIGEST], sizeof digest.b);
    if (list != NULL && hf_cli_keys_find(c->leaves, &digest) < c->leaves->count) continue;
    if (list == NULL && own_key(c, &digest, &vk) == HF_OK) continue;
    hf_fail(HF_E_VERIFY, "record %u is proven under a key that %s", i,
            list != NULL ? "is none of --leaf-vk"
                         : "was not derived here: name those that count with --leaf-vk");
    refuse(ok);
    return HF_OK;
  }
  return HF_OK;
}

/* The statement of leaf, node or seal is that of the records. */
static hf_status compare_records(const check *c, bool *ok) {
  hf_status status = HF_OK;
  hf_fr root, statement = c->proof->public_inputs[HF_INSTANCE_STATEMENT];
  if (c->record_count == 0) return HF_OK;
  if (c->vk.seal) return hf_seal_states(c->proof, c->records, c->record_count, ok);
  if (!c->vk.foldable) return hf_fail(HF_E_ARGUMENT, "proofs under this key are not about records");
  HF_TRY(hf_records_root(c->records, c->record_count, &root));
  if (strcmp(kind_of(c), "leaf") == 0) statement = hf_statement_leaf(c->vk.digest, statement);
  for (unsigned lift = 0; lift <= HF_SEAL_RECORDS_LOG; lift++) /* however many leaves it spans */
    if (hf_fr_eq(hf_statement_lift(statement, lift), root)) goto out;
  hf_fail(HF_E_VERIFY, "the proof is not about these records");
  refuse(ok);
out:
  return status;
}

/* A proof shows that *some* statement is true; with --statement it must be this one. */
static hf_status compare_statement(const check *c, bool *ok) {
  const char *text = hf_cli_text(c->cli, "statement");
  uint8_t bytes[32];
  hf_fr wanted;
  if (text == NULL) return HF_OK;
  hf_status status = hf_unhex(text, bytes, sizeof bytes);
  if (status != HF_OK) return hf_fail_context(status, "--statement");
  if (!hf_fr_from_bytes_be(bytes, &wanted)) return hf_fail(HF_E_RANGE, "--statement is not below r");
  if (c->proof->public_count == 0 || !hf_fr_eq(c->proof->public_inputs[HF_INSTANCE_STATEMENT], wanted)) {
    hf_fail(HF_E_VERIFY, "the proof is of another statement");
    refuse(ok);
  }
  return HF_OK;
}

/* What nodes ask of a child, over the powers of tau of the SRS. */
static hf_status foldable(const check *c, bool *ok) {
  hf_status status;
  hf_fold_setup setup;
  hf_digest digest = {{0}};
  hf_fr node_vk;
  hf_srs *srs = NULL;
  const char *given = hf_cli_text(c->cli, "srs");
  char *path = given != NULL ? strdup(given) : hf_cli_data_path(c->cli, "srs");
  if (path == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  if (hf_cli_text(c->cli, "node-vk") != NULL)
    HF_TRY(hf_cli_vk_parse(hf_cli_text(c->cli, "node-vk"), &digest));
  if (!hf_fr_from_bytes(digest.b, &node_vk)) {
    status = hf_fail(HF_E_RANGE, "--node-vk is not below r");
    goto out;
  }
  status = hf_srs_load(path, &srs);
  if (status == HF_E_NOT_FOUND && given == NULL && hf_cli_flag(c->cli, "dev"))
    status = hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, HF_FOLD_POWERS, 1, &srs);
  if (status != HF_OK) goto out;
  HF_TRY(hf_catalog_setup(srs, &setup));
  HF_TRY(hf_foldable_check(&setup, node_vk, &c->vk, c->proof, ok));
out:
  hf_srs_destroy(&srs);
  free(path);
  return status;
}

/* ---- what is checked ---- */

static bool is_kind(const uint8_t *data, size_t length, const char *kind) {
  return length >= 12 && memcmp(data + 8, kind, 4) == 0;
}

static void records_of(const hf_sealed *sealed, check *c) {
  for (uint32_t i = 0; i < sealed->records; i++) c->records[i] = sealed->batch[i].record;
  c->record_count = sealed->records;
}

static hf_status read_proof(check *c) {
  hf_status status;
  uint8_t *data = NULL;
  size_t length;
  const char *path = c->cli->arguments[0];
  HF_TRY(hf_file_read(path, HF_SEALED_LIMIT, &data, &length));
  if (is_kind(data, length, HF_SEALED_KIND)) {
    HF_TRY(hf_sealed_decode(path, data, length, c->sealed));
    records_of(c->sealed, c);
    *c->proof = c->sealed->proof;
  } else {
    HF_TRY(hf_proof_decode(path, data, length, c->proof));
  }
out:
  free(data);
  return status;
}

/* Records come in sealed files and in the inputs of seals. */
static hf_status read_records(check *c) {
  hf_status status = HF_OK;
  uint8_t *data = NULL;
  size_t length;
  hf_sealed *sealed = NULL;
  hf_seal_input *input = NULL;
  const char *path = hf_cli_text(c->cli, "records");
  if (path == NULL) return HF_OK;
  HF_TRY(hf_file_read(path, HF_SEALED_LIMIT, &data, &length));
  if (is_kind(data, length, HF_SEAL_INPUT_KIND)) {
    if ((input = malloc(sizeof *input)) == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for records"));
    HF_TRY(hf_seal_input_decode(path, data, length, input));
    memcpy(c->records, input->record, input->records * sizeof *c->records);
    c->record_count = input->records;
  } else {
    if ((sealed = calloc(1, sizeof *sealed)) == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for records"));
    HF_TRY(hf_sealed_decode(path, data, length, sealed));
    records_of(sealed, c);
    hf_sealed_free(sealed);
  }
out:
  free(data);
  free(sealed);
  free(input);
  return status;
}

static hf_status judge(check *c, bool *ok) {
  hf_status status;
  if (c->sealed->records > 0)
    HF_TRY(hf_sealed_check(c->sealed, &c->vk, ok));
  else
    HF_TRY(hf_verify(&c->vk, c->proof, ok));
  if (!*ok || !key_allowed(c, ok)) goto out;
  HF_TRY(compare_statement(c, ok));
  if (*ok) HF_TRY(compare_records(c, ok));
  if (*ok) HF_TRY(leaf_keys(c, ok));
  if (*ok && hf_cli_flag(c->cli, "foldable")) HF_TRY(foldable(c, ok));
out:
  return status;
}

hf_status hf_verify_run(hf_cli *cli) {
  hf_status status;
  const char *leaves = hf_cli_text(cli, "leaf-vk");
  bool ok = false;
  check *c = calloc(1, sizeof *c);
  if (c == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  c->cli = cli;
  c->proof = calloc(1, sizeof *c->proof);
  c->sealed = calloc(1, sizeof *c->sealed);
  c->records = calloc(HF_SEAL_RECORDS_MAX, sizeof *c->records);
  c->keys = calloc(1, sizeof *c->keys);
  c->leaves = calloc(1, sizeof *c->leaves);
  if (!c->proof || !c->sealed || !c->records || !c->keys || !c->leaves)
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a proof"));
  HF_TRY(hf_cli_keys_parse(hf_cli_text(cli, "key"), c->keys));
  HF_TRY(hf_cli_keys_parse(leaves != NULL && strcmp(leaves, "any") == 0 ? NULL : leaves, c->leaves));
  HF_TRY(read_proof(c));
  HF_TRY(find_key(c));
  HF_TRY(read_records(c));
  HF_TRY(judge(c, &ok));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli,
                             json_pack("{s:b, s:s, s:o, s:i, s:o, s:o}", "valid", (int)ok, "kind", kind_of(c),
                                       "reason", ok ? json_null() : hf_cli_json_text(hf_error_message()),
                                       "records", (int)c->record_count, "key", hf_cli_vk_json(&c->vk),
                                       "proof", hf_cli_proof_json(c->proof))));
  else if (ok)
    printf("valid\n");
  if (!ok) status = hf_fail_context(HF_E_VERIFY, "%s", cli->arguments[0]);
out:
  if (c->sealed != NULL) hf_sealed_free(c->sealed);
  free(c->sealed);
  free(c->proof);
  free(c->records);
  free(c->keys);
  free(c->leaves);
  free(c);
  return status;
}

const hf_option hf_verify_options[] = {
    HF_OPTION_DATA,
    {"vk", HF_OPTION_TEXT, "FILE", NULL,
     "the verifying key (default: the one in DATA/keys that the proof names)"},
    {"key", HF_OPTION_TEXT, "DIGEST[,DIGEST]", NULL,
     "the key must be one of these (default: the file is trusted)"},
    {"leaf-vk", HF_OPTION_TEXT, "KEY[,KEY]", NULL,
     "keys that records below a node or seal may be proven under: digests or files, or \"any\" (default: "
     "those in "
     "DATA/keys)"},
    {"records", HF_OPTION_TEXT, "FILE", NULL,
     "the records that it must be about: a sealed file, or the input of a seal"},
    {"statement", HF_OPTION_TEXT, "HEX", NULL,
     "what the proof must state: its first public input, 64 hex digits"},
    {"foldable", HF_OPTION_FLAG, NULL, NULL, "a node must be able to verify it"},
    {"node-vk", HF_OPTION_TEXT, "KEY", NULL,
     "with --foldable: the key of nodes, digest or file; without it only leaves pass"},
    {"srs", HF_OPTION_TEXT, "FILE", NULL, "the SRS, for --foldable (default: DATA/srs)"},
    HF_OPTION_DEV,
    HF_OPTION_END,
};
