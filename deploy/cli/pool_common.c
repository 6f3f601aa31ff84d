#include "pool_common.h"

#include <hyperfold/file.h>
#include <stdlib.h>
#include <string.h>

/* Calls `take` with each file of a list. */
static hf_status each_file(const char *list, hf_status (*take)(void *context, const char *path),
                           void *context) {
  hf_status status = HF_OK;
  char *rest, *words = strdup(list);
  if (words == NULL) return hf_fail(HF_E_MEMORY, "no memory for the names of files");
  for (char *word = strtok_r(words, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest))
    HF_TRY(take(context, word));
out:
  free(words);
  return status;
}

static hf_status take_secret(void *context, const char *path) { return hf_pool_keys_read(context, path); }

hf_status hf_cli_pool_keys(const hf_cli *cli, hf_pool_keys **out) {
  hf_status status;
  *out = NULL;
  if (!hf_cli_given(cli, "pool-key")) return HF_OK;
  HF_TRY(hf_pool_keys_create(out));
  HF_TRY(each_file(hf_cli_text(cli, "pool-key"), take_secret, *out));
  return HF_OK;
out:
  hf_pool_keys_destroy(out);
  return status;
}

typedef struct recipients {
  hf_pool_public pool[HF_PAYLOAD_RECIPIENTS];
  size_t count;
} recipients;

static hf_status take_public(void *context, const char *path) {
  recipients *to = context;
  return hf_pool_public_read(path, to->pool, &to->count);
}

hf_status hf_cli_sealer(const hf_cli *cli, hf_sealer **out) {
  hf_status status;
  recipients to = {0};
  char *path = NULL;
  *out = NULL;
  if (!hf_cli_given(cli, "seal-to")) return HF_OK;
  HF_TRY(each_file(hf_cli_text(cli, "seal-to"), take_public, &to));
  HF_TRY(hf_folder_create(hf_cli_text(cli, "data"), 0777));
  path = hf_cli_data_path(cli, "sealer.secret");
  if (path == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a path"));
  HF_TRY(hf_sealer_open(to.pool, to.count, path, out));
out:
  free(path);
  return status;
}
