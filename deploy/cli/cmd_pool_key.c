/* hyperfold pool-key: keys that inputs of jobs are sealed to. */
#include "commands.h"
#include "pool_common.h"

#include <stdio.h>

static hf_status print(hf_cli *cli, const hf_pool_public *pool) {
  char text[HF_POOL_TEXT];
  hf_pool_public_text(pool, text);
  if (cli->json) return hf_cli_print_json(cli, json_pack("{s:s, s:s}", "pool", pool->id, "public", text));
  printf("%s\n", text);
  return HF_OK;
}

static hf_status make(hf_cli *cli) {
  hf_pool_public pool;
  hf_status status = hf_pool_key_make(cli->arguments[0], &pool);
  return status == HF_OK ? print(cli, &pool) : status;
}

static hf_status show(hf_cli *cli) {
  hf_status status;
  hf_pool_keys *keys = NULL;
  HF_TRY(hf_pool_keys_create(&keys));
  HF_TRY(hf_pool_keys_read(keys, cli->arguments[0]));
  HF_TRY(print(cli, hf_pool_keys_at(keys, 0)));
out:
  hf_pool_keys_destroy(&keys);
  return status;
}

const hf_command hf_pool_key_commands[] = {
    {.name = "make",
     .summary = "make the secret key of a pool of workers and print its public key",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = make,
     .details =
         "FILE (mode 0600) is for the workers: worker --pool-key FILE. What is printed is for those who "
         "submit:\n"
         "put it in a file and say --seal-to. Keep a copy of FILE as long as jobs sealed to it are open."},
    {.name = "show",
     .summary = "print the public key of a pool's key file",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = show},
    {.name = NULL},
};
