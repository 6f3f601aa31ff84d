/* hyperfold keys: CURVE key pairs, and who may talk to a broker. */
#include "commands.h"
#include "zmq/keys.h"

#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of the broker's folder in fresh memory. */
static hf_status broker_path(hf_cli *cli, const char *name, char **out) {
  char *own = hf_cli_data_path(cli, "broker");
  const char *folder = hf_cli_given(cli, "folder") ? hf_cli_text(cli, "folder") : own;
  *out = NULL;
  if (folder == NULL || asprintf(out, "%s/%s", folder, name) < 0) *out = NULL;
  free(own);
  return *out ? HF_OK : hf_fail(HF_E_MEMORY, "no memory for a path");
}

static hf_status show_key(hf_cli *cli, const char *key) {
  char hex[65];
  hf_curve_hex(key, hex);
  if (cli->json) return hf_cli_print_json(cli, json_pack("{s:s, s:s}", "public_key", key, "hex", hex));
  printf("%s\n", key);
  return HF_OK;
}

static hf_status make(hf_cli *cli) {
  hf_curve_pair pair;
  hf_status status = hf_curve_make(&pair);
  if (status == HF_OK) status = hf_curve_pair_create(cli->arguments[0], &pair);
  explicit_bzero(pair.secret_key, sizeof pair.secret_key);
  return status == HF_OK ? show_key(cli, pair.public_key) : status;
}

static hf_status show(hf_cli *cli) {
  char keys[8][HF_CURVE_TEXT];
  size_t count;
  hf_status status = hf_curve_public_read(cli->arguments[0], keys, 8, &count);
  if (status == HF_OK && cli->json && count > 1) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) json_array_append_new(list, json_string(keys[i]));
    return hf_cli_print_json(cli, json_pack("{s:o}", "public_keys", list));
  }
  for (size_t i = 0; i < count && status == HF_OK; i++) status = show_key(cli, keys[i]);
  return status;
}

static hf_status read_list(hf_cli *cli, char **path, hf_curve_clients *clients) {
  hf_status status = broker_path(cli, "clients", path);
  if (status == HF_OK) status = hf_curve_clients_read(*path, clients);
  return status == HF_E_NOT_FOUND ? HF_OK : status;
}

static hf_status list(hf_cli *cli) {
  char *path = NULL;
  hf_curve_clients clients = {0};
  json_t *all = json_array();
  hf_status status = read_list(cli, &path, &clients);
  for (size_t i = 0; i < clients.count; i++) {
    const hf_curve_client *c = &clients.list[i];
    if (cli->json)
      json_array_append_new(all, json_pack("{s:s, s:s, s:s, s:s}", "public_key", c->key, "role",
                                           hf_zmq_role_text(c->role), "tenant", c->tenant, "name", c->name));
    else
      printf("%s %s%s%s %s\n", c->key, hf_zmq_role_text(c->role), c->tenant[0] ? ":" : "", c->tenant,
             c->name);
  }
  if (status == HF_OK && cli->json) status = hf_cli_print_json(cli, json_pack("{s:O}", "clients", all));
  json_decref(all);
  hf_curve_clients_free(&clients);
  free(path);
  return status;
}

/* A key as text, or the file that holds one. */
static hf_status key_of(const char *text, char key[HF_CURVE_TEXT]) {
  char keys[1][HF_CURVE_TEXT];
  size_t count;
  if (hf_curve_parse(text, key) == HF_OK) return HF_OK;
  if (access(text, F_OK) != 0)
    return hf_fail(HF_E_ARGUMENT, "'%s' is no key (40 characters of Z85 or 64 hex digits) and no file", text);
  hf_status status = hf_curve_public_read(text, keys, 1, &count);
  if (status == HF_OK) memcpy(key, keys[0], HF_CURVE_TEXT);
  return status;
}

static hf_status allow(hf_cli *cli) {
  hf_status status;
  char *path = NULL;
  const char *role, *name;
  hf_curve_client client = {0};
  HF_TRY(hf_cli_need(cli, "role", &role));
  HF_TRY(hf_cli_need(cli, "name", &name));
  HF_TRY(key_of(cli->arguments[0], client.key));
  HF_TRY(hf_zmq_role_parse(role, &client));
  HF_TRY(hf_name_copy("--name", name, client.name));
  HF_TRY(broker_path(cli, "", &path));
  HF_TRY(hf_folder_create(path, 0750));
  free(path);
  HF_TRY(broker_path(cli, "clients", &path));
  HF_TRY(hf_curve_clients_allow(path, &client));
  HF_TRY(show_key(cli, client.key));
out:
  free(path);
  return status;
}

/* A key, a file that holds one, or a name: then all keys of that name. */
static hf_status revoke_keys(hf_cli *cli) {
  hf_status status;
  char *path = NULL, key[HF_CURVE_TEXT];
  hf_curve_clients clients = {0};
  const char *which = cli->arguments[0];
  uint64_t revoked = 0;
  HF_TRY(read_list(cli, &path, &clients));
  bool is_key = key_of(which, key) == HF_OK;
  for (size_t i = 0; i < clients.count; i++) {
    if (is_key ? strcmp(clients.list[i].key, key) != 0 : strcmp(clients.list[i].name, which) != 0) continue;
    HF_TRY(hf_curve_clients_revoke(path, clients.list[i].key));
    revoked++;
  }
  if (revoked == 0)
    HF_TRY(hf_fail(HF_E_NOT_FOUND, "%s: nobody there has the %s %s", path, is_key ? "key" : "name", which));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:o}", "revoked", hf_cli_json_u64(revoked))));
  else
    printf("%llu revoked\n", (unsigned long long)revoked);
out:
  hf_curve_clients_free(&clients);
  free(path);
  return status;
}

static hf_status rotate(hf_cli *cli) {
  hf_status status;
  char *folder = NULL, key[HF_CURVE_TEXT];
  bool change = hf_cli_flag(cli, "switch");
  HF_TRY(broker_path(cli, "", &folder));
  folder[strlen(folder) - 1] = '\0';
  HF_TRY(change ? hf_curve_server_switch(folder, key) : hf_curve_server_next(folder, key));
  HF_TRY(show_key(cli, key));
  if (change)
    hf_cli_say("the broker uses this key within a second; the other line of server.public may go");
  else
    hf_cli_say("give %s/server.public, which has both keys now, to all clients; then: hyperfold keys rotate "
               "--switch",
               folder);
out:
  free(folder);
  return status;
}

#define FOLDER                                                                                               \
  { "folder", HF_OPTION_TEXT, "FOLDER", NULL, "of the broker (default: DATA/broker)" }
static const hf_option no_options[] = {HF_OPTION_END};
static const hf_option list_options[] = {HF_OPTION_DATA, FOLDER, HF_OPTION_END};
static const hf_option allow_options[] = {
    HF_OPTION_DATA,
    FOLDER,
    {"role", HF_OPTION_TEXT, "ROLE", NULL, "client:TENANT, worker, viewer or operator"},
    {"name", HF_OPTION_TEXT, "NAME", NULL, "who it is; what a worker is known by in the queue"},
    HF_OPTION_END,
};
static const hf_option rotate_options[] = {
    HF_OPTION_DATA,
    FOLDER,
    {"switch", HF_OPTION_FLAG, NULL, NULL, "from here on the server has the new key"},
    HF_OPTION_END,
};

const hf_command hf_keys_commands[] = {
    {.name = "make",
     .summary = "make a key pair in a new file of mode 0600, and print its public key",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = no_options,
     .run = make},
    {.name = "show",
     .summary = "the public key of a key pair's file",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = no_options,
     .run = show},
    {.name = "list", .summary = "who may talk to the broker", .options = list_options, .run = list},
    {.name = "allow",
     .summary = "let a key in",
     .arguments = "KEY|FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = allow_options,
     .run = allow,
     .details = "A client of a tenant submits, sees and cancels that tenant's jobs; a worker leases and "
                "proves; a viewer sees all "
                "jobs,\nno artifacts; an operator may do everything (the aggregator is one: it refuses "
                "results). A client gets a new "
                "key by\nbeing let in with both for a while. A KEY that starts with a hyphen stands behind --."},
    {.name = "revoke",
     .summary = "let a key in no longer; its connections get no more answers",
     .arguments = "KEY|FILE|NAME",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = list_options,
     .run = revoke_keys},
    {.name = "rotate",
     .summary = "exchange the server's key without an interruption",
     .options = rotate_options,
     .run = rotate,
     .details = "First a new key is made, and server.public gets both: clients take either. When all of them "
                "have that file, --switch\n"
                "gives the new key to the server, also while it runs."},
    {.name = NULL},
};
