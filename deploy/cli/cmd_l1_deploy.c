/* hyperfold l1 deploy, register-chain: contracts and chains on Ethereum. */
#include "cmd_l1.h"
#include "batch_key.h"
#include "device_common.h"
#include "evm.h"
#include "proof_common.h"
#include "tree.h"

#include <hyperfold/file.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CODE_LIMIT   ((size_t)1 << 20)
#define GAS_CREATE   200     /* a byte of the contract that is stored; EIP-170 allows 24 KiB of them */
#define GAS_RUN      2000000 /* what a constructor may do */
#define GAS_VERIFIER 200000  /* addVerifier */
#define GAS_REGISTER 200000  /* registerChain */
#define GAS_LEAF     80000   /* each of its keys */
#define LEAF_KEYS    16

/* ---- code ---- */

/* FOLDER/NAME.bin: creation code in hex. */
static hf_status read_code(const char *folder, const char *name, hf_writer *out) {
  hf_status status;
  char *path = NULL;
  uint8_t *text = NULL, *code = NULL;
  size_t length = 0;
  if (asprintf(&path, "%s/%s.bin", folder, name) < 0) return hf_fail(HF_E_MEMORY, "no memory for a path");
  HF_TRY(hf_file_read(path, CODE_LIMIT, &text, &length));
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r')) text[--length] = 0;
  code = malloc(length / 2 + 1);
  if (code == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for %s", path));
  if (length == 0 || length % 2 != 0 || hf_unhex((const char *)text, code, length / 2) != HF_OK)
    HF_TRY(hf_fail(HF_E_FORMAT, "%s: not a contract's code in hex", path));
  hf_write_bytes(out, code, length / 2);
  HF_TRY(hf_writer_status(out));
out:
  free(code);
  free(text);
  free(path);
  return status;
}

/* Where the contracts lie when nobody says: where this command was installed, or in the sources that it was built from. */
static const char *contracts_folder(hf_cli *cli, char own[PATH_MAX]) {
  static const char installed[] = "/../share/hyperfold/contracts";
  const char *given = hf_cli_text(cli, "contracts");
  if (given != NULL) return given;
  ssize_t length = readlink("/proc/self/exe", own, PATH_MAX - sizeof installed);
  own[length > 0 ? length : 0] = 0;
  char *slash = strrchr(own, '/');
  strcpy(slash != NULL ? slash : own, installed);
  return access(own, R_OK) == 0 ? own : HF_CONTRACTS_FOLDER;
}

/* What the settlement contract would refuse after two contracts are paid for. A folder without the seal's key is not judged here. */
static hf_status check_setup(const char *folder, bool dev) {
  char *path = NULL;
  hf_verifying_key vk;
  if (asprintf(&path, "%s/seal.vkey", folder) < 0) return hf_fail(HF_E_MEMORY, "no memory for a path");
  hf_status status = access(path, F_OK) != 0 ? HF_E_NOT_FOUND : hf_verifying_key_load(path, &vk);
  if (status == HF_OK && vk.development && !dev)
    status = hf_fail(HF_E_REFUSED, "the verifier in %s is that of the development setup, whose secret is public; --dev accepts it, "
                     "verifier/evm/README.md says how another is made", folder);
  free(path);
  return status == HF_E_NOT_FOUND ? HF_OK : status;
}

static hf_status create(hf_cli *cli, hf_cli_l1 *l1, const char *what, const hf_writer *code, hf_sent *sent) {
  hf_send_request request = {.what = what, .creates = true, .data = {code->data, code->length}};
  request.gas = hf_eth_intrinsic_gas(&(hf_eth_tx){.creates = true, .data = request.data}) +
                GAS_CREATE * code->length + GAS_RUN;
  hf_status status = hf_cli_l1_id(l1, what, code->data, code->length, hf_cli_flag(cli, "again"), &request.id);
  if (status == HF_OK) status = hf_cli_l1_send(cli, l1, &request, sent);
  if (status == HF_OK && !cli->json) hf_cli_sent_print(sent);
  return status;
}

static hf_status add_verifier(hf_cli *cli, hf_cli_l1 *l1, const hf_eth_address *verifier, hf_sent *sent) {
  hf_writer data = {0};
  hf_send_request request = {.what = "add the verifier", .to = l1->contract.address, .gas = GAS_VERIFIER};
  hf_status status;
  HF_TRY(hf_settlement_add_verifier_call(verifier, &data));
  HF_TRY(hf_cli_l1_id(l1, "verifier", data.data, data.length, false, &request.id));
  request.data = (hf_bytes){data.data, data.length};
  HF_TRY(hf_cli_l1_send(cli, l1, &request, sent));
  if (!cli->json) hf_cli_sent_print(sent);
out:
  hf_writer_free(&data);
  return status;
}

hf_status hf_l1_deploy_run(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  hf_writer verifier = {0}, settlement = {0};
  hf_sent first, second, third;
  hf_eth_address owner;
  const bool dev = hf_cli_flag(cli, "dev");
  char own[PATH_MAX];
  const char *contracts = contracts_folder(cli, own);
  HF_TRY(check_setup(contracts, dev));
  HF_TRY(read_code(contracts, "HyperfoldVerifier", &verifier));
  HF_TRY(read_code(contracts, "HyperfoldSettlement", &settlement));
  HF_TRY(hf_cli_l1_open(cli, HF_L1_SENDS, &l1));
  owner = l1.key.address;
  HF_TRY(hf_settlement_create_arguments(&owner, hf_cli_number(cli, "delay"), dev, &settlement));
  HF_TRY(create(cli, &l1, "create the verifier", &verifier, &first));
  HF_TRY(create(cli, &l1, "create the settlement contract", &settlement, &second));
  l1.contract.address = second.receipt.contract;
  HF_TRY(hf_settlement_check(&l1.contract));
  HF_TRY(add_verifier(cli, &l1, &first.receipt.contract, &third));
  HF_TRY(
      hf_cli_l1_save(cli, l1.chain_id, &l1.contract.address, &first.receipt.contract, second.receipt.block));
  char text[HF_ETH_ADDRESS_TEXT];
  hf_eth_address_text(&l1.contract.address, text);
  if (cli->json)
    HF_TRY(hf_cli_print_json(
        cli,
        json_pack(
            "{s:s, s:o, s:o, s:o, s:o, s:o}", "contract", text, "verifier",
            hf_cli_address_json(&first.receipt.contract), "owner", hf_cli_address_json(&owner), "l1_chain_id",
            hf_cli_json_u64(l1.chain_id), "block", hf_cli_json_u64(second.receipt.block), "gas_used",
            hf_cli_json_u64(first.receipt.gas_used + second.receipt.gas_used + third.receipt.gas_used))));
  else
    printf("%s\n", text);
out:
  hf_writer_free(&verifier);
  hf_writer_free(&settlement);
  hf_cli_l1_close(&l1);
  return status;
}

/* ---- chains ---- */

/* --leaf-vk DIGEST|FILE,... or, without it, what the batch circuit with these parameters leads to here. */
static hf_status leaf_keys(hf_cli *cli, const hf_rollup_params *params, hf_leaf_key *keys, size_t *count) {
  hf_status status = HF_OK;
  const char *list = hf_cli_text(cli, "leaf-vk");
  char *words = NULL, *rest = NULL;
  hf_digest digest;
  *count = 0;
  if (list == NULL) {
    hf_verifying_key vk;
    uint32_t rows;
    HF_TRY(hf_cli_batch_key(cli, params, &vk, &rows));
    digest = hf_vk_digest_bytes(&vk);
    keys[(*count)++] = (hf_leaf_key){.slots = params->slots, .depth = params->depth};
    hf_cli_number_of(digest.b, &keys[0].digest);
    goto out;
  }
  if ((words = strdup(list)) == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the keys"));
  for (char *word = strtok_r(words, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
    if (*count == LEAF_KEYS) HF_TRY(hf_fail(HF_E_ARGUMENT, "--leaf-vk: at most %d keys", LEAF_KEYS));
    HF_TRY(hf_cli_vk_parse(word, &digest));
    keys[*count] = (hf_leaf_key){.slots = params->slots, .depth = params->depth};
    hf_cli_number_of(digest.b, &keys[(*count)++].digest);
  }
out:
  free(words);
  return status;
}

/* The state of a chain before its first batch. */
static hf_status empty_root(uint32_t depth, hf_u256 *out) {
  hf_tree *tree = NULL;
  hf_fr root;
  hf_status status;
  HF_TRY(hf_tree_create(depth, NULL, NULL, &tree));
  HF_TRY(hf_tree_root(tree, &root));
  hf_fr_to_bytes_be(root, out->b);
out:
  hf_tree_destroy(&tree);
  return status;
}

/* The chain that a registration made, as its event says. */
typedef struct registration {
  hf_eth_hash transaction;
  hf_u256 id;
  bool found;
} registration;

static hf_status take_registration(void *context, const hf_eth_log *log) {
  registration *r = context;
  if (!hf_eth_hash_eq(&log->transaction, &r->transaction)) return HF_OK;
  r->id = log->topic[1];
  r->found = true;
  return HF_OK;
}

static hf_status registered_id(hf_cli_l1 *l1, const hf_sent *sent, hf_u256 *id) {
  registration r = {.transaction = sent->hash};
  hf_u256 topic;
  const uint64_t block = sent->receipt.block;
  hf_evm_topic("ChainRegistered(uint256,uint256,address,uint8,uint256)", topic.b);
  hf_status status =
      hf_eth_logs(l1->rpc, &l1->contract.address, (const hf_u256 *const[HF_ETH_TOPICS]){&topic}, block, block,
                  take_registration, &r);
  if (status == HF_OK && !r.found)
    status = hf_fail(HF_E_FORMAT, "the node has no event of the chain's registration");
  *id = r.id;
  return status;
}

hf_status hf_l1_register_run(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  hf_writer data = {0};
  hf_leaf_key keys[LEAF_KEYS];
  size_t count;
  hf_u256 root, id;
  hf_eth_address operator;
  hf_sent sent;
  const char *mode = hf_cli_text(cli, "mode");
  const hf_rollup_params params = {(uint32_t)hf_cli_number(cli, "depth"),
                                   (uint32_t)hf_cli_number(cli, "slots")};
  hf_send_request request = {.what = "register a chain", .gas = GAS_REGISTER};
  if (strcmp(mode, "rollup") != 0 && strcmp(mode, "validium") != 0)
    return hf_fail(HF_E_ARGUMENT, "--mode is rollup or validium, not \"%s\"", mode);
  HF_TRY(hf_rollup_params_check(&params));
  HF_TRY(leaf_keys(cli, &params, keys, &count));
  HF_TRY(empty_root(params.depth, &root));
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT | HF_L1_SENDS, &l1));
  operator= l1.key.address;
  if (hf_cli_given(cli, "operator")) HF_TRY(hf_eth_address_parse(hf_cli_text(cli, "operator"), &operator));
  HF_TRY(hf_settlement_register_call(
      &operator, strcmp(mode, "rollup") == 0 ? HF_MODE_ROLLUP : HF_MODE_VALIDIUM, &root, keys, count, &data));
  /* --name tells chains apart that are alike: the same name is the same chain, whoever was killed in between.
   */
  const char *name = hf_cli_text(cli, "name");
  hf_write_bytes(&data, name, strlen(name));
  HF_TRY(hf_writer_status(&data));
  HF_TRY(hf_cli_l1_id(&l1, "chain", data.data, data.length, false, &request.id));
  request.to = l1.contract.address;
  request.gas += GAS_LEAF * count;
  request.data = (hf_bytes){data.data, data.length - strlen(name)};
  HF_TRY(hf_cli_l1_send(cli, &l1, &request, &sent));
  HF_TRY(registered_id(&l1, &sent, &id));
  char text[HF_U256_TEXT];
  hf_u256_text(&id, text);
  if (cli->json) {
    json_t *out = hf_cli_sent_json(&sent);
    json_object_set_new(out, "chain", json_string(text));
    HF_TRY(hf_cli_print_json(cli, out));
  } else {
    printf("%s\n", text);
  }
out:
  hf_writer_free(&data);
  hf_cli_l1_close(&l1);
  return status;
}

const hf_option hf_l1_deploy_options[] = {
    HF_OPTIONS_L1,
    HF_OPTIONS_L1_SEND,
    {"contracts", HF_OPTION_TEXT, "FOLDER", NULL,
     "HyperfoldVerifier.bin, HyperfoldSettlement.bin (default: those that came with this command)"},
    {"delay", HF_OPTION_NUMBER, "SECONDS", "604800", "until a later verifier or leaf key counts"},
    {"dev", HF_OPTION_FLAG, NULL, NULL,
     "take verifiers of the development setup, whose proofs convince nobody"},
    {"again", HF_OPTION_FLAG, NULL, NULL, "new contracts, though the same were made before"},
    HF_OPTION_END,
};

const hf_option hf_l1_register_options[] = {
    HF_OPTIONS_L1,
    HF_OPTIONS_L1_SEND,
    HF_OPTIONS_DEVICE,
    {"name", HF_OPTION_TEXT, "TEXT", "1",
     "tells chains apart that are otherwise alike; the same name is the same chain"},
    {"operator", HF_OPTION_TEXT, "ADDRESS", NULL, "whose chain it is, who settles it (default: the key's)"},
    {"mode", HF_OPTION_TEXT, "MODE", "rollup", "rollup (all data is posted) or validium"},
    {"depth", HF_OPTION_NUMBER, "BITS", "24", "depth of the account tree"},
    {"slots", HF_OPTION_NUMBER, "N", "64", "operations a batch"},
    {"leaf-vk", HF_OPTION_TEXT, "KEY[,KEY]", NULL,
     "keys whose proofs count: digests or files (default: derived here)"},
    HF_OPTION_END,
};
