/* hyperfold l1: accounts, deposits and claims on Ethereum. */
#include "cmd_l1.h"
#include "commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "evm.h"
#include "transaction.h"

#define GAS_DEPOSIT 150000
#define GAS_CLAIM   120000
#define GAS_SETTLER 80000

/* ---- keys ---- */

static hf_status print_address(hf_cli *cli, const char *file, const hf_eth_address *address) {
  char text[HF_ETH_ADDRESS_TEXT];
  hf_eth_address_text(address, text);
  if (cli->json) return hf_cli_print_json(cli, json_pack("{s:s, s:s}", "file", file, "address", text));
  printf("%s\n", text);
  return HF_OK;
}

static hf_status key_new(hf_cli *cli) {
  hf_eth_address address;
  hf_status status = hf_eth_key_create(cli->arguments[0], &address);
  return status == HF_OK ? print_address(cli, cli->arguments[0], &address) : status;
}

static hf_status key_show(hf_cli *cli) {
  hf_eth_key key;
  hf_status status = hf_eth_key_load(cli->arguments[0], &key);
  const hf_eth_address address = key.address;
  hf_eth_key_wipe(&key);
  return status == HF_OK ? print_address(cli, cli->arguments[0], &address) : status;
}

static hf_status print_sent(hf_cli *cli, const hf_sent *sent) {
  if (cli->json) return hf_cli_print_json(cli, hf_cli_sent_json(sent));
  hf_cli_sent_print(sent);
  return HF_OK;
}

/* ---- deposits ---- */

/* A public key on BabyJubJub in two numbers of the EVM: 64 hex digits (the wallet's way), or x and y, 128
 * digits, as in the lines of deposits, which need not be a key at all. */
static hf_status take_key(hf_cli *cli, hf_u256 *x, hf_u256 *y) {
  const char *text;
  hf_bjj key;
  uint8_t bytes[64];
  hf_status status;
  HF_TRY(hf_cli_need(cli, "to", &text));
  if (strlen(text) != 128) {
    status = hf_key_parse(text, &key);
    if (status != HF_OK) HF_TRY(hf_fail_context(status, "--to"));
  } else {
    HF_TRY(hf_unhex(text, bytes, sizeof bytes));
    if (!hf_fr_from_bytes(bytes, &key.x) || !hf_fr_from_bytes(bytes + 32, &key.y))
      HF_TRY(hf_fail(HF_E_RANGE, "--to: a coordinate is not below r"));
    if (!hf_key_is_valid(key))
      hf_cli_say(
          "no account can have this key: the chain will refuse the deposit, and it can be claimed back");
  }
  hf_fr_to_bytes_be(key.x, x->b);
  hf_fr_to_bytes_be(key.y, y->b);
out:
  return status;
}

static hf_status deposit(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  hf_writer data = {0};
  hf_u256 chain, x, y;
  hf_sent sent;
  hf_send_request request = {.what = "deposit", .gas = GAS_DEPOSIT};
  const uint64_t amount = hf_cli_number(cli, "amount");
  if (amount == 0) return hf_fail(HF_E_ARGUMENT, "--amount is at least 1 (gwei)");
  HF_TRY(hf_cli_l1_chain(cli, &chain));
  HF_TRY(take_key(cli, &x, &y));
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT | HF_L1_SENDS, &l1));
  HF_TRY(hf_settlement_deposit_call(&chain, &x, &y, &data));
  HF_TRY(hf_settlement_wei(amount, &request.value));
  hf_write_bytes(&data, request.value.b, 32); /* for the id alone: another amount is another deposit */
  HF_TRY(hf_writer_status(&data));
  HF_TRY(hf_cli_l1_id(&l1, "deposit", data.data, data.length, hf_cli_flag(cli, "again"), &request.id));
  request.afresh = hf_cli_flag(cli, "again");
  request.to = l1.contract.address;
  request.data = (hf_bytes){data.data, data.length - 32};
  status = hf_cli_l1_send(cli, &l1, &request, &sent);
  if (status == HF_E_STATE) status = hf_fail_context(status, "it is made anew with --again");
  HF_TRY(status);
  HF_TRY(print_sent(cli, &sent));
  if (sent.known) hf_cli_say("this deposit was made before; --again makes another one");
out:
  hf_writer_free(&data);
  hf_cli_l1_close(&l1);
  return status;
}

/* ---- claims ---- */

typedef struct credits {
  json_t *list;
  hf_cli *cli;
} credits;

static hf_status take_credit(void *context, const hf_eth_log *log) {
  credits *c = context;
  hf_u256 word[2];
  uint64_t amount;
  bool refused;
  char chain[HF_U256_TEXT];
  hf_status status;
  HF_TRY(hf_abi_read(log->data, log->data_length, word, 2));
  HF_TRY(hf_u256_to_u64(&word[0], &amount));
  HF_TRY(hf_abi_to_bool(&word[1], &refused));
  hf_u256_text(&log->topic[1], chain);
  if (c->cli->json)
    json_array_append_new(c->list, json_pack("{s:s, s:o, s:s, s:o}", "chain", chain, "amount_gwei",
                                             hf_cli_json_u64(amount), "why",
                                             refused ? "refused deposit" : "withdrawal", "block",
                                             hf_cli_json_u64(log->block)));
  else
    printf("block %llu: %llu gwei from chain %s (%s)\n", (unsigned long long)log->block,
           (unsigned long long)amount, chain, refused ? "refused deposit" : "withdrawal");
out:
  return status;
}

/* Whose: --account, or the key's. */
static hf_status whose(hf_cli *cli, hf_eth_address *out) {
  hf_eth_key key;
  if (hf_cli_given(cli, "account")) return hf_eth_address_parse(hf_cli_text(cli, "account"), out);
  if (!hf_cli_given(cli, "key")) return hf_fail(HF_E_ARGUMENT, "--account or --key is needed");
  hf_status status = hf_eth_key_load(hf_cli_text(cli, "key"), &key);
  *out = key.address;
  hf_eth_key_wipe(&key);
  return status;
}

static hf_status claims(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  hf_eth_address account;
  hf_u256 wei, topic, owner = {{0}};
  uint64_t head;
  char ether[HF_ETHER_TEXT];
  credits c = {.list = json_array(), .cli = cli};
  HF_TRY(whose(cli, &account));
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT, &l1));
  HF_TRY(hf_settlement_claimable(&l1.contract, &account, &wei));
  HF_TRY(hf_eth_block_number(l1.rpc, &head));
  hf_evm_topic("Credited(uint256,address,uint64,bool)", topic.b);
  memcpy(owner.b + 12, account.b, 20);
  HF_TRY(hf_eth_logs(l1.rpc, &l1.contract.address,
                     (const hf_u256 *const[HF_ETH_TOPICS]){&topic, NULL, &owner}, l1.from_block, head,
                     take_credit, &c));
  hf_cli_ether_text(&wei, ether);
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:o, s:o, s:O}", "account", hf_cli_address_json(&account),
                                            "claimable_wei", hf_cli_u256_json(&wei), "credits", c.list)));
  else
    printf("claimable: %s ether\n", ether);
out:
  json_decref(c.list);
  hf_cli_l1_close(&l1);
  return status;
}

static hf_status claim(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  hf_writer data = {0};
  hf_eth_address to;
  hf_u256 before;
  hf_sent sent;
  char ether[HF_ETHER_TEXT];
  hf_send_request request = {.what = "claim", .gas = GAS_CLAIM};
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT | HF_L1_SENDS, &l1));
  to = l1.key.address;
  if (hf_cli_given(cli, "to")) HF_TRY(hf_eth_address_parse(hf_cli_text(cli, "to"), &to));
  HF_TRY(hf_settlement_claimable(&l1.contract, &l1.key.address, &before));
  HF_TRY(hf_settlement_claim_call(&to, &data));
  /* The contract pays what there is, and nothing twice: a claim may be made again and again. */
  HF_TRY(hf_cli_l1_id(&l1, "claim", data.data, data.length, true, &request.id));
  request.to = l1.contract.address;
  request.data = (hf_bytes){data.data, data.length};
  HF_TRY(hf_cli_l1_send(cli, &l1, &request, &sent));
  hf_cli_ether_text(&before, ether);
  if (cli->json) {
    json_t *out = hf_cli_sent_json(&sent);
    json_object_set_new(out, "amount_wei", hf_cli_u256_json(&before));
    json_object_set_new(out, "to", hf_cli_address_json(&to));
    HF_TRY(hf_cli_print_json(cli, out));
  } else {
    hf_cli_sent_print(&sent);
    printf("%s ether were claimable\n", ether);
  }
out:
  hf_writer_free(&data);
  hf_cli_l1_close(&l1);
  return status;
}

/* ---- what there is ---- */

static hf_status one_chain(hf_cli *cli, hf_cli_l1 *l1, uint64_t index, json_t *list) {
  hf_status status;
  hf_u256 id;
  hf_settled_chain c;
  uint8_t little[32];
  char text[HF_U256_TEXT], escrow[HF_U256_TEXT], root[65], operator[HF_ETH_ADDRESS_TEXT];
  HF_TRY(hf_settlement_chain_id(&l1->contract, index, &id));
  HF_TRY(hf_settlement_chain(&l1->contract, &id, &c));
  for (int i = 0; i < 32; i++) little[i] = c.state_root.b[31 - i]; /* as every other command prints roots */
  hf_hex(little, 32, root);
  hf_u256_text(&id, text);
  hf_u256_text(&c.escrow, escrow);
  hf_eth_address_text(&c.operator, operator);
  if (cli->json)
    json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:s, s:o, s:o, s:s, s:s}", "chain", text, "batch",
                                          hf_cli_json_u64(c.batch), "root", root, "mode",
                                          c.mode == HF_MODE_ROLLUP ? "rollup" : "validium", "deposits",
                                          hf_cli_json_u64(c.deposits_queued), "deposits_settled",
                                          hf_cli_json_u64(c.deposits_consumed), "escrow_gwei", escrow,
                                          "operator", operator));
  else
    printf("chain %s: batch %llu, root %s, %s, %llu of %llu deposits settled, %s gwei, operator %s\n", text,
           (unsigned long long)c.batch, root, c.mode == HF_MODE_ROLLUP ? "rollup" : "validium",
           (unsigned long long)c.deposits_consumed, (unsigned long long)c.deposits_queued, escrow, operator);
out:
  return status;
}

static hf_status chains(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  uint64_t count;
  json_t *list = json_array();
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT, &l1));
  HF_TRY(hf_settlement_chain_count(&l1.contract, &count));
  for (uint64_t i = 0; i < count; i++) HF_TRY(one_chain(cli, &l1, i, list));
  if (cli->json) HF_TRY(hf_cli_print_json(cli, json_pack("{s:O}", "chains", list)));
out:
  json_decref(list);
  hf_cli_l1_close(&l1);
  return status;
}

static hf_status journal(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  hf_u256 balance;
  hf_sent sent;
  char ether[HF_ETHER_TEXT], address[HF_ETH_ADDRESS_TEXT];
  json_t *list = json_array();
  HF_TRY(hf_cli_l1_open(cli, HF_L1_SENDS, &l1));
  HF_TRY(hf_eth_balance(l1.rpc, &l1.key.address, &balance));
  hf_cli_ether_text(&balance, ether);
  hf_eth_address_text(&l1.key.address, address);
  if (!cli->json) printf("%s on chain %llu has %s ether\n", address, (unsigned long long)l1.chain_id, ether);
  for (size_t i = 0; hf_sender_list(l1.sender, i, &sent); i++) {
    json_array_append_new(list, hf_cli_sent_json(&sent));
    if (!cli->json) hf_cli_sent_print(&sent);
  }
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:s, s:o, s:o, s:O}", "address", address, "l1_chain_id",
                                            hf_cli_json_u64(l1.chain_id), "balance_wei",
                                            hf_cli_u256_json(&balance), "transactions", list)));
out:
  json_decref(list);
  hf_cli_l1_close(&l1);
  return status;
}

static hf_status cancel(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  hf_sent sent;
  char *end;
  const uint64_t nonce = strtoull(cli->arguments[0], &end, 10);
  bool found = false;
  if (*end != 0 || end == cli->arguments[0]) return hf_fail(HF_E_ARGUMENT, "a nonce is a number");
  HF_TRY(hf_cli_l1_open(cli, HF_L1_SENDS, &l1));
  for (size_t i = 0; !found && hf_sender_list(l1.sender, i, &sent); i++) found = sent.nonce == nonce;
  if (!found) HF_TRY(hf_fail(HF_E_NOT_FOUND, "the journal has no transaction %s", cli->arguments[0]));
  HF_TRY(hf_sender_cancel(l1.sender, &sent.id, &sent));
  status = hf_cli_l1_wait(cli, &l1, &sent.id, &sent);
  if (status == HF_E_CANCELLED && sent.cancelled) status = HF_OK;
  HF_TRY(status);
  HF_TRY(print_sent(cli, &sent));
out:
  hf_cli_l1_close(&l1);
  return status;
}

static hf_status settler(hf_cli *cli) {
  hf_status status;
  hf_cli_l1 l1 = {0};
  hf_writer data = {0};
  hf_u256 chain;
  hf_eth_address who;
  hf_sent sent;
  const bool allow = !hf_cli_flag(cli, "remove");
  hf_send_request request = {.what = allow ? "name a settler" : "remove a settler", .gas = GAS_SETTLER};
  HF_TRY(hf_cli_l1_chain(cli, &chain));
  HF_TRY(hf_eth_address_parse(cli->arguments[0], &who));
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT | HF_L1_SENDS, &l1));
  HF_TRY(hf_settlement_set_settler_call(&chain, &who, allow, &data));
  HF_TRY(hf_cli_l1_id(&l1, "settler", data.data, data.length, true, &request.id));
  request.to = l1.contract.address;
  request.data = (hf_bytes){data.data, data.length};
  HF_TRY(hf_cli_l1_send(cli, &l1, &request, &sent));
  HF_TRY(print_sent(cli, &sent));
out:
  hf_writer_free(&data);
  hf_cli_l1_close(&l1);
  return status;
}

#define CHAIN                                                                                                \
  { "chain", HF_OPTION_TEXT, "ID", NULL, "the chain's id, as l1 register-chain printed it" }

static const hf_option deposit_options[] = {
    HF_OPTIONS_L1,
    HF_OPTIONS_L1_SEND,
    CHAIN,
    {"to", HF_OPTION_TEXT, "KEY", NULL, "the receiver's public key on the chain (wallet show)"},
    {"amount", HF_OPTION_LARGE, "GWEI", NULL, "how much: 1 on the chain is 1 gwei"},
    {"again", HF_OPTION_FLAG, NULL, NULL, "another one, though the same was made before, or seemed to fail"},
    HF_OPTION_END,
};
static const hf_option claims_options[] = {
    HF_OPTIONS_L1,
    {"key", HF_OPTION_TEXT, "FILE", NULL, "whose: the account of this key"},
    {"account", HF_OPTION_TEXT, "ADDRESS", NULL, "or of this address"},
    HF_OPTION_END,
};
static const hf_option claim_options[] = {
    HF_OPTIONS_L1,
    HF_OPTIONS_L1_SEND,
    {"to", HF_OPTION_TEXT, "ADDRESS", NULL, "who is paid (default: the account that claims)"},
    HF_OPTION_END,
};
static const hf_option chains_options[] = {HF_OPTIONS_L1, HF_OPTION_END};
static const hf_option journal_options[] = {HF_OPTIONS_L1, HF_OPTIONS_L1_SEND, HF_OPTION_END};
static const hf_option settler_options[] = {
    HF_OPTIONS_L1,
    HF_OPTIONS_L1_SEND,
    CHAIN,
    {"remove", HF_OPTION_FLAG, NULL, NULL, "no longer"},
    HF_OPTION_END,
};

static const hf_command key_commands[] = {
    {.name = "new",
     .summary = "make a key file",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = key_new},
    {.name = "show",
     .summary = "print the address of a key file",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = key_show},
    {.name = NULL},
};

const hf_command hf_l1_commands[] = {
    {.name = "key", .summary = "keys of accounts on L1", .subcommands = key_commands},
    {.name = "deploy",
     .summary = "put verifier and settlement contract on L1",
     .options = hf_l1_deploy_options,
     .run = hf_l1_deploy_run,
     .details =
         "The contracts' code is read from --contracts. Writes DATA/l1.json, which the other commands go by. "
         "Killed, it goes on where it was."},
    {.name = "register-chain",
     .summary = "enter a chain into the contract's registry",
     .options = hf_l1_register_options,
     .run = hf_l1_register_run,
     .details =
         "Prints the chain's id, which follows from L1, the contract and the number of chains before it."},
    {.name = "settler",
     .summary = "let another account settle a chain of yours",
     .arguments = "ADDRESS",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = settler_options,
     .run = settler},
    {.name = "chains",
     .summary = "what the contract says of its chains",
     .options = chains_options,
     .run = chains},
    {.name = "deposit",
     .summary = "pay ether into an account of a chain",
     .options = deposit_options,
     .run = deposit},
    {.name = "claims",
     .summary = "what an account can claim: withdrawals and refused deposits",
     .options = claims_options,
     .run = claims},
    {.name = "claim", .summary = "claim all of it", .options = claim_options, .run = claim},
    {.name = "journal",
     .summary = "what was sent with a key, and its balance",
     .options = journal_options,
     .run = journal},
    {.name = "cancel",
     .summary = "replace a transaction that is not mined by an empty one",
     .arguments = "NONCE",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = journal_options,
     .run = cancel},
    {.name = NULL},
};
