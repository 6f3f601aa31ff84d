/* hyperfold wallet: keys, signed payments, and made-up load. */
#include "commands.h"
#include "generator.h"
#include "parameters.h"
#include "wallet.h"

#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CSV_LIMIT ((size_t)1 << 28)

static hf_status print_key(hf_cli *cli, hf_bjj key) {
  char text[HF_KEY_HEX];
  hf_key_text(key, text);
  if (cli->json)
    return hf_cli_print_json(cli, json_pack("{s:s, s:s}", "file", cli->arguments[0], "public_key", text));
  printf("%s\n", text);
  return HF_OK;
}

static hf_status new_key(hf_cli *cli) {
  hf_bjj key;
  hf_status status = hf_wallet_create(cli->arguments[0], &key);
  return status == HF_OK ? print_key(cli, key) : status;
}

static hf_status show(hf_cli *cli) {
  hf_wallet wallet;
  hf_status status = hf_wallet_load(cli->arguments[0], &wallet);
  if (status != HF_OK) return status;
  hf_bjj key = wallet.key.public_key;
  hf_wallet_wipe(&wallet);
  return print_key(cli, key);
}

static hf_status pay(hf_cli *cli) {
  hf_status status;
  hf_wallet wallet = {0};
  hf_transaction tx;
  hf_chain_id chain;
  hf_bjj to;
  uint8_t address[20];
  char line[HF_TRANSACTION_JSON];
  const char *chain_text, *account_text, *to_text, *amount_text;
  uint64_t account = hf_cli_number(cli, "account"), nonce = hf_cli_number(cli, "nonce");
  uint64_t amount = hf_cli_number(cli, "amount"), fee = hf_cli_number(cli, "fee");
  HF_TRY(hf_cli_need(cli, "chain", &chain_text));
  HF_TRY(hf_cli_need(cli, "account", &account_text));
  HF_TRY(hf_cli_need(cli, "to", &to_text));
  HF_TRY(hf_cli_need(cli, "amount", &amount_text));
  HF_TRY(hf_cli_chain_id(chain_text, &chain));
  if (account > UINT32_MAX || nonce > UINT32_MAX) {
    status = hf_fail(HF_E_RANGE, "--account and --nonce are at most %u", UINT32_MAX);
    goto out;
  }
  hf_signing_place at = {chain, (uint32_t)account, (uint32_t)nonce};
  HF_TRY(hf_wallet_load(cli->arguments[0], &wallet));
  if (strlen(to_text) == 42 || strlen(to_text) == 40) {
    HF_TRY(hf_address_parse(to_text, address));
    HF_TRY(hf_wallet_withdraw(&wallet, at, address, amount, fee, &tx));
  } else {
    status = hf_key_parse(to_text, &to);
    if (status != HF_OK) HF_TRY(hf_fail_context(status, "--to"));
    HF_TRY(hf_wallet_transfer(&wallet, at, to, amount, fee, &tx));
  }
  hf_transaction_json(&tx, line);
  printf("%s\n", line);
  cli->printed = true;
out:
  hf_wallet_wipe(&wallet);
  return status;
}

typedef struct sign_run {
  size_t signed_rows, refused_rows;
} sign_run;

static hf_status sign_row(void *context, size_t row, const hf_transaction *tx, const char *detail) {
  sign_run *run = context;
  char line[HF_TRANSACTION_JSON];
  if (tx == NULL) {
    hf_cli_say("line %zu: %s", row, detail);
    run->refused_rows++;
    return HF_OK;
  }
  hf_transaction_json(tx, line);
  run->signed_rows++;
  return printf("%s\n", line) < 0 ? hf_fail(HF_E_IO, "stdout cannot be written") : HF_OK;
}

static hf_status sign(hf_cli *cli) {
  hf_status status;
  sign_run run = {0};
  uint8_t *text = NULL;
  size_t length;
  const char *chain_text;
  hf_payments_options options = {.wallets = hf_cli_text(cli, "wallets")};
  HF_TRY(hf_cli_need(cli, "chain", &chain_text));
  HF_TRY(hf_cli_chain_id(chain_text, &options.chain_id));
  HF_TRY(hf_file_read(cli->arguments[0], CSV_LIMIT, &text, &length));
  HF_TRY(hf_payments_sign(&options, (const char *)text, length, sign_row, &run));
  cli->printed = true;
  hf_cli_say("%zu signed, %zu malformed", run.signed_rows, run.refused_rows);
  if (run.refused_rows > 0) status = hf_fail(HF_E_FORMAT, "%zu rows are malformed", run.refused_rows);
out:
  free(text);
  return status;
}

static hf_status generate(hf_cli *cli) {
  hf_status status;
  hf_generator_tally tally;
  const char *deposits, *transactions, *chain_text;
  HF_TRY(hf_cli_need(cli, "deposits", &deposits));
  HF_TRY(hf_cli_need(cli, "out", &transactions));
  HF_TRY(hf_cli_need(cli, "chain", &chain_text));
  hf_generator_options options = {
      .seed = hf_cli_number(cli, "seed"),
      .accounts = (uint32_t)hf_cli_number(cli, "accounts"),
      .transactions = (uint32_t)hf_cli_number(cli, "transactions"),
      .invalid_per_mille = (uint32_t)hf_cli_number(cli, "invalid"),
      .withdraw_per_mille = (uint32_t)hf_cli_number(cli, "withdrawals"),
      .bad_deposits = (uint32_t)hf_cli_number(cli, "bad-deposits"),
      .skew = (uint32_t)hf_cli_number(cli, "skew"),
  };
  HF_TRY(hf_cli_chain_id(chain_text, &options.chain_id));
  HF_TRY(hf_generator_write(&options, deposits, transactions, &tally));
  json_t *expected = json_object();
  for (int i = 0; i < HF_REFUSALS; i++) {
    if (tally.expected[i] == 0) continue;
    json_object_set_new(expected, hf_refusal_code((hf_refusal)i), hf_cli_json_u64(tally.expected[i]));
    if (!cli->json)
      printf("%-18s %llu\n", hf_refusal_code((hf_refusal)i), (unsigned long long)tally.expected[i]);
  }
  if (!cli->json)
    json_decref(expected);
  else
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:o, s:o, s:o, s:o}", "deposits",
                                            hf_cli_json_u64(tally.deposits), "refused_deposits",
                                            hf_cli_json_u64(tally.refused_deposits), "transactions",
                                            hf_cli_json_u64(tally.transactions), "expected", expected)));
out:
  return status;
}

#define CHAIN                                                                                                \
  { "chain", HF_OPTION_TEXT, "ID", NULL, "the chain's id, a number below 2^128" }

static const hf_option pay_options[] = {
    CHAIN,
    {"account", HF_OPTION_NUMBER, "INDEX", NULL, "the payer's account, as the sequencer numbers it"},
    {"nonce", HF_OPTION_LARGE, "N", "0", "the account's next nonce"},
    {"to", HF_OPTION_TEXT, "WHO", NULL, "the receiver's public key, or an address on L1 to withdraw to"},
    {"amount", HF_OPTION_LARGE, "N", NULL, "how much"},
    {"fee", HF_OPTION_LARGE, "N", "1", "for the operator"},
    HF_OPTION_END,
};
static const hf_option sign_options[] = {
    CHAIN,
    {"wallets", HF_OPTION_TEXT, "FOLDER", ".", "where NAME.key lies for each name in the table"},
    HF_OPTION_END,
};
static const hf_option generate_options[] = {
    CHAIN,
    {"deposits", HF_OPTION_TEXT, "FILE", NULL, "where to write the deposits (JSON lines)"},
    {"out", HF_OPTION_TEXT, "FILE", NULL, "where to write the signed transactions (JSON lines)"},
    {"seed", HF_OPTION_LARGE, "N", "1", "the same seed gives the same lines"},
    {"accounts", HF_OPTION_NUMBER, "N", "100", "accounts"},
    {"transactions", HF_OPTION_NUMBER, "N", "1000", "transactions, those to be refused included"},
    {"invalid", HF_OPTION_NUMBER, "N", "50", "of 1000 transactions, how many must be refused"},
    {"withdrawals", HF_OPTION_NUMBER, "N", "20", "of 1000 valid ones, how many withdraw"},
    {"bad-deposits", HF_OPTION_NUMBER, "N", "0", "deposits that cannot be applied"},
    {"skew", HF_OPTION_NUMBER, "N", "1", "0: all accounts alike; 1 or 2: some are busier"},
    HF_OPTION_END,
};

const hf_command hf_wallet_commands[] = {
    {.name = "new",
     .summary = "make a key file",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = new_key},
    {.name = "show",
     .summary = "print the public key of a key file",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = show},
    {.name = "pay",
     .summary = "sign one payment or withdrawal and print it",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = pay_options,
     .run = pay},
    {.name = "sign",
     .summary = "sign a table of payments (CSV: from,account,to,amount,fee)",
     .arguments = "CSV",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = sign_options,
     .run = sign,
     .details = "Prints one signed transaction a line, as JSON. Nonces start at 0 for each sender."},
    {.name = "generate",
     .summary = "make deposits and signed transactions from a seed",
     .options = generate_options,
     .run = generate,
     .details = "For tests and benchmarks: the keys follow from the seed, so anybody has them."},
    {.name = NULL},
};
