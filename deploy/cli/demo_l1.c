#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "eth_node.h"
#include "generator.h"
#include "l1_deposits.h"
#include "wallet.h"

/* Accounts of every anvil: keys that are printed in its manual, for chains that hold nothing. */
static const char operator_key[] = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80\n";
static const char user_key[] = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d\n";

#define WORDS_MAX 48

static hf_status path_of(const hf_demo *demo, const char *name, char **out) {
  if (asprintf(out, "%s/%s", demo->folder, name) < 0) {
    *out = NULL;
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  }
  return HF_OK;
}

/* ---- this program's other commands ---- */

/* Reads all of fd; NULL without memory. */
static char *read_all(int fd) {
  size_t length = 0, capacity = 4096;
  char *text = malloc(capacity);
  for (ssize_t got; text != NULL; length += (size_t)got) {
    if (length + 1 == capacity) {
      char *larger = realloc(text, capacity *= 2);
      if (larger == NULL) free(text);
      text = larger;
      if (text == NULL) break;
    }
    got = read(fd, text + length, capacity - length - 1);
    if (got <= 0) {
      if (got < 0 && errno == EINTR) {
        got = 0;
        continue;
      }
      text[length] = 0;
      break;
    }
  }
  return text;
}

pid_t hf_demo_spawn(hf_demo *demo, const char *const *words, int out, const char *log) {
  char *path = NULL;
  if (path_of(demo, log, &path) != HF_OK) return -1;
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    int err = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (err < 0 || null < 0) _exit(127);
    dup2(null, 0);
    dup2(out >= 0 ? out : err, 1);
    dup2(err, 2);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nothing outlives the demo */
    if (getppid() != parent) _exit(127);
    execv(words[0][0] == '/' || strchr(words[0], '/') ? words[0] : "/proc/self/exe", (char *const *)words);
    _exit(127);
  }
  free(path);
  return pid;
}

/* `hyperfold WORDS --json`: its exit status and its document (NULL: none). */
static hf_status run(hf_demo *demo, const char *const *words, int *rc, json_t **document) {
  int fds[2], state;
  *document = NULL;
  if (pipe2(fds, O_CLOEXEC) != 0) return hf_fail(HF_E_INTERNAL, "pipe: %s", strerror(errno));
  pid_t pid = hf_demo_spawn(demo, words, fds[1], "l1.log");
  close(fds[1]);
  char *text = pid > 0 ? read_all(fds[0]) : NULL;
  close(fds[0]);
  if (pid < 0) return hf_fail(HF_E_INTERNAL, "a process could not be started");
  while (waitpid(pid, &state, 0) != pid)
    if (errno != EINTR) break;
  *rc = WIFEXITED(state) ? WEXITSTATUS(state) : 128;
  if (text != NULL) *document = json_loads(text, 0, NULL);
  free(text);
  return HF_OK;
}

/* The L1 commands all have node, key and data folder; `more` ends with NULL. With `refused`, the command must fail and *document
 * says why. */
static hf_status l1(hf_demo *demo, const char *key, const char *const *more, bool refused, json_t **document) {
  const char *words[WORDS_MAX] = {"hyperfold"};
  unsigned n = 1;
  int rc;
  for (; *more != NULL; more++) words[n++] = *more;
  const char *const common[] = {"--json", "--data", demo->folder, "--rpc", demo->l1_url, NULL};
  const char *const sending[] = {"--key", key, "--confirmations", "1", "--poll", "20", NULL};
  for (unsigned i = 0; common[i] != NULL; i++) words[n++] = common[i];
  for (unsigned i = 0; key != NULL && sending[i] != NULL; i++) words[n++] = sending[i];
  words[n] = NULL;
  hf_status status = run(demo, words, &rc, document);
  if (status != HF_OK || (rc == 0) == !refused) return status;
  const json_t *error = json_object_get(*document, "error");
  const char *text = json_string_value(json_is_object(error) ? json_object_get(error, "message") : error);
  status = hf_fail(HF_E_INTERNAL, "hyperfold %s %s: %s (see %s/l1.log)", words[1], words[2],
                   refused ? "it should have been refused" : text != NULL ? text : "failed", demo->folder);
  json_decref(*document);
  *document = NULL;
  return status;
}

#define L1(key, document, ...) l1(demo, key, (const char *const[]){__VA_ARGS__, NULL}, false, document)

/* ---- the node ---- */

/* The port that the node chose, from its log: 0 while it has not said it. */
static unsigned port_of(const hf_demo *demo) {
  static const char says[] = "Listening on 127.0.0.1:";
  char path[PATH_MAX], line[256];
  unsigned port = 0;
  snprintf(path, sizeof path, "%s/anvil.log", demo->folder);
  FILE *f = fopen(path, "re");
  while (f != NULL && port == 0 && fgets(line, sizeof line, f) != NULL)
    if (strncmp(line, says, sizeof says - 1) == 0 && strchr(line, '\n') != NULL) port = (unsigned)atoi(line + sizeof says - 1);
  if (f != NULL) fclose(f);
  return port;
}

static hf_status wait_for_node(hf_demo *demo) {
  unsigned port;
  for (int i = 0; (port = port_of(demo)) == 0; i++) {
    int state;
    if (waitpid(demo->l1_node, &state, WNOHANG) == demo->l1_node) {
      demo->l1_node = 0;
      return hf_fail(HF_E_INTERNAL, "the Ethereum node ended; see %s/anvil.log", demo->folder);
    }
    if (i == 600) return hf_fail(HF_E_TIMEOUT, "the Ethereum node does not listen after 30 s; see %s/anvil.log", demo->folder);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
  }
  snprintf(demo->l1_url, sizeof demo->l1_url, "http://127.0.0.1:%u", port);
  return HF_OK;
}

static hf_status write_key(hf_demo *demo, const char *name, const char *text, char **path) {
  hf_status status;
  HF_TRY(path_of(demo, name, path));
  hf_bytes part = {text, strlen(text)};
  HF_TRY(hf_file_write(*path, 0600, &part, 1));
out:
  return status;
}

hf_status hf_demo_l1_start(hf_demo *demo) {
  hf_status status;
  char *chains = NULL;
  const char *binary = hf_cli_text(demo->cli, "anvil");
  json_t *document = NULL;
  if (access(binary, X_OK) != 0) {
    hf_cli_say("SKIP settlement: no local Ethereum node at %s (npm ci in tests/evm brings one)", binary);
    return HF_OK;
  }
  const char *const words[] = {binary, "--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka", NULL};
  demo->l1_node = hf_demo_spawn(demo, words, -1, "anvil.log");
  if (demo->l1_node < 0) {
    demo->l1_node = 0;
    return hf_fail(HF_E_INTERNAL, "%s could not be started", binary);
  }
  HF_TRY(wait_for_node(demo));
  HF_TRY(write_key(demo, "operator.key", operator_key, &demo->l1_operator));
  HF_TRY(write_key(demo, "user.key", user_key, &demo->l1_user));
  HF_TRY(path_of(demo, "chains", &chains));
  HF_TRY(hf_folder_create(chains, 0755));
  HF_TRY(L1(demo->l1_operator, &document, "l1", "deploy", "--dev", "--delay", "0"));
  hf_cli_say("local Ethereum node at %s; settlement contract %s, verifier %s (%lld gas)", demo->l1_url,
             json_string_value(json_object_get(document, "contract")), json_string_value(json_object_get(document, "verifier")),
             (long long)json_integer_value(json_object_get(document, "gas_used")));
  demo->l1 = true;
out:
  free(chains);
  json_decref(document);
  return status;
}

hf_status hf_demo_l1_register(hf_demo *demo, unsigned chain, hf_chain_id *id) {
  hf_status status;
  char name[16], depth[16], slots[16], digest[HF_DIGEST_HEX];
  json_t *document = NULL;
  snprintf(name, sizeof name, "%u", chain + 1);
  snprintf(depth, sizeof depth, "%u", demo->params.depth);
  snprintf(slots, sizeof slots, "%u", demo->params.slots);
  hf_digest_hex(&demo->vk_digest, digest);
  HF_TRY(L1(demo->l1_operator, &document, "l1", "register-chain", "--name", name, "--depth", depth, "--slots", slots, "--leaf-vk",
            digest));
  const char *text = json_string_value(json_object_get(document, "chain"));
  if (text == NULL) HF_TRY(hf_fail(HF_E_INTERNAL, "l1 register-chain named no chain"));
  HF_TRY(hf_chain_id_parse(text, id));
out:
  json_decref(document);
  return status;
}

/* ---- deposits ---- */

hf_status hf_demo_l1_deposit(hf_demo *demo, const hf_deposit *deposit) {
  hf_status status;
  hf_bjj key = {deposit->x, deposit->y};
  char to[HF_KEY_HEX], amount[24], chain[HF_CHAIN_ID_TEXT];
  json_t *document = NULL;
  hf_key_text(key, to);
  hf_chain_id_text(deposit->chain_id, chain);
  snprintf(amount, sizeof amount, "%llu", (unsigned long long)deposit->amount);
  HF_TRY(L1(demo->l1_user, &document, "l1", "deposit", "--chain", chain, "--to", to, "--amount", amount, "--again"));
out:
  json_decref(document);
  return status;
}

/* The watch of `sequencer run`, on this process's sequencer. */
hf_status hf_demo_l1_take_deposits(hf_demo *demo, hf_deposit_counts *counts) {
  hf_status status;
  hf_cli *cli = calloc(1, sizeof *cli);
  hf_cli_deposits *deposits = NULL;
  bool help;
  const char *words[] = {"hyperfold", "sequencer", "run", "--data", demo->folder, "--rpc", demo->l1_url, "--l1-confirmations", "1"};
  if (cli == NULL) return hf_fail(HF_E_MEMORY, "no memory for the deposits");
  HF_TRY(hf_cli_parse(cli, sizeof words / sizeof *words, (char **)(uintptr_t)words, &help));
  HF_TRY(hf_cli_deposits_open(cli, demo->sequencer, &deposits));
  HF_TRY(hf_cli_deposits_poll(deposits, counts));
out:
  hf_cli_deposits_close(&deposits);
  hf_cli_release(cli);
  free(cli);
  return status;
}

/* ---- a withdrawal ---- */

hf_status hf_demo_l1_withdrawal(hf_demo *demo, unsigned chain, char line[HF_TRANSACTION_JSON]) {
  hf_status status = HF_OK;
  hf_wallet wallet = {0};
  hf_transaction tx;
  uint8_t seed[32], address[20];
  hf_account_info info;
  json_t *document = NULL;
  const hf_demo_chain *c = &demo->chains[chain];
  uint32_t accounts = (uint32_t)hf_cli_number(demo->cli, "accounts");
  const char *const words[] = {"hyperfold", "l1", "key", "show", demo->l1_user, "--json", NULL};
  int rc;
  HF_TRY(run(demo, words, &rc, &document));
  const char *text = json_string_value(json_object_get(document, "address"));
  if (rc != 0 || text == NULL) HF_TRY(hf_fail(HF_E_INTERNAL, "l1 key show failed"));
  HF_TRY(hf_address_parse(text, address));
  snprintf(demo->l1_user_address, sizeof demo->l1_user_address, "%s", text);
  /* account 0 is the operator's */
  for (uint32_t i = 1; i < accounts; i++) {
    hf_generator_key_seed(hf_cli_number(demo->cli, "seed") + chain, c->id, i, seed);
    HF_TRY(hf_eddsa_key_from_seed(seed, &wallet.key));
    if (hf_chain_get_account(hf_sequencer_chain(demo->sequencer, chain), wallet.key.public_key, &info) != HF_OK) continue;
    if (info.pending_balance < HF_DEMO_WITHDRAWAL + 10) continue;
    hf_signing_place at = {c->id, info.index, info.pending_nonce};
    HF_TRY(hf_wallet_withdraw(&wallet, at, address, HF_DEMO_WITHDRAWAL, 1, &tx));
    hf_transaction_json(&tx, line);
    goto out;
  }
  status = hf_fail(HF_E_INTERNAL, "%s: no account can pay a withdrawal", c->name);
out:
  hf_wallet_wipe(&wallet);
  json_decref(document);
  return status;
}

/* ---- settling ---- */

/* What the contract says of its chains, against the sequencer's. */
static hf_status compare_chains(hf_demo *demo) {
  hf_status status;
  json_t *document = NULL, *c;
  size_t i;
  unsigned found = 0;
  HF_TRY(L1(NULL, &document, "l1", "chains"));
  json_array_foreach(json_object_get(document, "chains"), i, c) {
    for (unsigned k = 0; k < demo->chain_count; k++) {
      hf_chain_info state;
      char id[HF_CHAIN_ID_TEXT], root[65];
      hf_chain_id_text(demo->chains[k].id, id);
      if (strcmp(id, json_string_value(json_object_get(c, "chain"))) != 0) continue;
      hf_chain_get_info(hf_sequencer_chain(demo->sequencer, k), &state);
      hf_hex(state.root, 32, root);
      const char *there = json_string_value(json_object_get(c, "root"));
      uint64_t batch = (uint64_t)json_integer_value(json_object_get(c, "batch"));
      if (there == NULL || strcmp(there, root) != 0 || batch != state.batches)
        HF_TRY(hf_fail(HF_E_VERIFY, "%s stands at batch %llu with root %s on L1, and at %llu with %s here", demo->chains[k].name,
                       (unsigned long long)batch, there != NULL ? there : "none", (unsigned long long)state.batches, root));
      hf_cli_say("%s on L1: batch %llu, root %.18s..., escrow %s gwei", demo->chains[k].name, (unsigned long long)batch, root,
                 json_string_value(json_object_get(c, "escrow_gwei")));
      found++;
    }
  }
  if (found != demo->chain_count) HF_TRY(hf_fail(HF_E_VERIFY, "the contract knows %u of %u chains", found, demo->chain_count));
out:
  json_decref(document);
  return status;
}

hf_status hf_demo_l1_settle(hf_demo *demo, const char *sealed, json_t **report) {
  hf_status status;
  json_t *document = NULL, *again = NULL, *claims = NULL, *claim = NULL, *left = NULL;
  *report = NULL;
  HF_TRY(L1(demo->l1_operator, &document, "settle", sealed, "--dev"));
  const json_t *sent = json_array_get(json_object_get(document, "settled"), 0);
  json_int_t gas = json_integer_value(json_object_get(sent, "gas_used"));
  json_int_t records = json_integer_value(json_object_get(sent, "records"));
  hf_cli_say("settle: %lld records in one transaction, %lld gas used (%lld a record)", (long long)records, (long long)gas,
             (long long)(gas / (records != 0 ? records : 1)));
  HF_TRY(compare_chains(demo));

  HF_TRY(l1(demo, demo->l1_operator, (const char *const[]){"settle", sealed, "--dev", "--again", NULL}, true, &again));
  const json_t *error = json_object_get(again, "error");
  const char *why = json_string_value(json_is_object(error) ? json_object_get(error, "message") : error);
  hf_cli_say("settle again: refused: %s", why != NULL ? why : "");
  if (why == NULL || strstr(why, "WrongBatchNumber") == NULL)
    HF_TRY(hf_fail(HF_E_INTERNAL, "a second settle was refused for another reason: %s", why != NULL ? why : "none"));

  HF_TRY(L1(NULL, &claims, "l1", "claims", "--account", demo->l1_user_address));
  const char *wei = json_string_value(json_object_get(claims, "claimable_wei"));
  char expected[32];
  snprintf(expected, sizeof expected, "%d000000000", HF_DEMO_WITHDRAWAL);
  if (wei == NULL || strcmp(wei, expected) != 0)
    HF_TRY(hf_fail(HF_E_VERIFY, "%s wei are claimable, not %s", wei != NULL ? wei : "no", expected));
  HF_TRY(L1(demo->l1_user, &claim, "l1", "claim"));
  HF_TRY(L1(NULL, &left, "l1", "claims", "--account", demo->l1_user_address));
  const char *rest = json_string_value(json_object_get(left, "claimable_wei"));
  if (rest == NULL || strcmp(rest, "0") != 0) HF_TRY(hf_fail(HF_E_VERIFY, "after the claim %s wei are left", rest != NULL ? rest : "no"));
  hf_cli_say("withdrawal: %d gwei claimed by %s (%lld gas)", HF_DEMO_WITHDRAWAL, demo->l1_user_address,
             (long long)json_integer_value(json_object_get(claim, "gas_used")));
  *report = json_pack("{s:I, s:I, s:s, s:I}", "records", records, "gas_used", gas, "second", why, "claim_gas",
                      json_integer_value(json_object_get(claim, "gas_used")));
out:
  json_decref(document);
  json_decref(again);
  json_decref(claims);
  json_decref(claim);
  json_decref(left);
  return status;
}

void hf_demo_l1_end(hf_demo *demo) {
  if (demo->l1_node != 0) {
    kill(demo->l1_node, SIGKILL);
    (void)waitpid(demo->l1_node, NULL, 0);
    demo->l1_node = 0;
  }
  free(demo->l1_operator);
  free(demo->l1_user);
  demo->l1_operator = demo->l1_user = NULL;
}
