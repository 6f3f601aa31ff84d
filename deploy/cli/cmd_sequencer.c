/* hyperfold sequencer: payment chains. */
#include "batch_key.h"
#include "commands.h"
#include "device_common.h"
#include "l1_common.h"
#include "l1_deposits.h"
#include "parameters.h"
#include "pool_common.h"
#include "proof_common.h"
#include "queue_common.h"
#include "sequencer.h"
#include "role_metrics.h"
#include "signals.h"

#include <errno.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHAINS    64
#define CSV_LIMIT ((size_t)1 << 28)

typedef struct setup {
  hf_chain_options chains[CHAINS];
  char *paths[CHAINS];
  size_t count;
} setup;

static void setup_free(setup *s) {
  for (size_t i = 0; i < CHAINS; i++) free(s->paths[i]);
}

/* --chain 7,8 with what is common to them. */
static hf_status setup_chains(hf_cli *cli, setup *s) {
  hf_status status;
  const char *list, *mode = hf_cli_text(cli, "mode");
  char *folder = hf_cli_data_path(cli, "chains"), id[HF_CHAIN_ID_TEXT];
  if (folder == NULL) return hf_fail(HF_E_MEMORY, "no memory for a path");
  HF_TRY(hf_cli_need(cli, "chain", &list));
  HF_TRY(hf_folder_create(folder, 0700));
  if (strcmp(mode, "rollup") != 0 && strcmp(mode, "validium") != 0) {
    status = hf_fail(HF_E_ARGUMENT, "--mode is rollup or validium, not \"%s\"", mode);
    goto out;
  }
  for (const char *at = list; *at != 0; s->count++) {
    size_t length = strcspn(at, ",");
    if (s->count == CHAINS || length == 0 || length >= sizeof id) {
      status = hf_fail(HF_E_ARGUMENT, "--chain is a list of at most %d chain ids: ID,ID", CHAINS);
      goto out;
    }
    memcpy(id, at, length);
    id[length] = 0;
    at += length + (at[length] == ',');
    hf_chain_options *o = &s->chains[s->count];
    HF_TRY(hf_cli_chain_id(id, &o->chain_id));
    if (asprintf(&s->paths[s->count], "%s/%s.db", folder, id) < 0) {
      s->paths[s->count] = NULL;
      status = hf_fail(HF_E_MEMORY, "no memory for a path");
      goto out;
    }
    o->path = s->paths[s->count];
    o->params =
        (hf_rollup_params){(uint32_t)hf_cli_number(cli, "depth"), (uint32_t)hf_cli_number(cli, "slots")};
    o->mode = strcmp(mode, "validium") == 0 ? HF_MODE_VALIDIUM : HF_MODE_ROLLUP;
    o->operator_index = (uint32_t)hf_cli_number(cli, "operator");
    o->max_age_ms = hf_cli_number(cli, "max-age") * 1000;
    o->keep_inputs = true;
    o->log = &cli->log;
  }
out:
  free(folder);
  return status;
}

static hf_status say_refused(void *context, const hf_answer *answer) {
  (void)context;
  if (answer->refusal != HF_REFUSAL_NONE)
    hf_cli_say("line %zu refused: %s: %s", answer->line, hf_refusal_code(answer->refusal),
               answer->detail != NULL ? answer->detail : hf_refusal_text(answer->refusal));
  return HF_OK;
}

typedef struct payments {
  hf_sequencer *sequencer;
  hf_chain *chain;
  hf_tally *tally;
} payments;

static hf_status find_sender(void *context, hf_bjj key, uint32_t *account, uint32_t *nonce) {
  const payments *p = context;
  hf_account_info info;
  hf_status status = hf_chain_get_account(p->chain, key, &info);
  *account = status == HF_OK ? info.index : 0; /* a key without account is refused as such */
  *nonce = status == HF_OK ? info.pending_nonce : 0;
  return status == HF_E_NOT_FOUND ? HF_OK : status;
}

static hf_status take_payment(void *context, size_t row, const hf_transaction *tx, const char *detail) {
  const payments *p = context;
  char line[HF_TRANSACTION_JSON];
  hf_tally one = {0};
  hf_status status = HF_OK;
  p->tally->lines++;
  if (tx == NULL) {
    hf_cli_say("row %zu refused: malformed: %s", row, detail);
    p->tally->by_refusal[HF_REFUSAL_MALFORMED]++;
    return HF_OK;
  }
  hf_transaction_json(tx, line);
  HF_TRY(hf_sequencer_submit_text(p->sequencer, line, strlen(line), NULL, NULL, &one));
  if (one.busy != 0) { /* make room, once */
    HF_TRY(hf_sequencer_flush(p->sequencer, 60000));
    one = (hf_tally){0};
    HF_TRY(hf_sequencer_submit_text(p->sequencer, line, strlen(line), NULL, NULL, &one));
  }
  for (int i = 0; i < HF_REFUSALS; i++) {
    p->tally->by_refusal[i] += one.by_refusal[i];
    if (i != HF_REFUSAL_NONE && one.by_refusal[i] != 0)
      hf_cli_say("row %zu refused: %s: %s", row, hf_refusal_code((hf_refusal)i),
                 hf_refusal_text((hf_refusal)i));
  }
  p->tally->busy += one.busy;
  if (one.by_refusal[HF_REFUSAL_NONE] == 0) status = HF_E_REFUSED; /* its nonce is free for the next row */
out:
  return status;
}

/* A table of payments, signed here with the wallets of --wallets, for the first chain. */
static hf_status take_csv(hf_cli *cli, hf_sequencer *sequencer, const char *path, hf_tally *tally) {
  hf_status status;
  uint8_t *text = NULL;
  size_t length;
  payments p = {sequencer, hf_sequencer_chain(sequencer, 0), tally};
  hf_chain_info info;
  hf_chain_get_info(p.chain, &info);
  hf_payments_options options = {
      .wallets = hf_cli_text(cli, "wallets"), .chain_id = info.chain_id, .find = find_sender, .context = &p};
  HF_TRY(hf_file_read(path, CSV_LIMIT, &text, &length));
  HF_TRY(hf_payments_sign(&options, (const char *)text, length, take_payment, &p));
out:
  free(text);
  return status;
}

static json_t *chains_json(hf_sequencer *sequencer) {
  json_t *list = json_array();
  for (size_t i = 0; i < hf_sequencer_chain_count(sequencer); i++) {
    hf_chain_info info;
    char id[HF_CHAIN_ID_TEXT], root[65];
    hf_chain_get_info(hf_sequencer_chain(sequencer, i), &info);
    hf_chain_id_text(info.chain_id, id);
    hf_hex(info.root, 32, root);
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "chain", id, "root", root, "batches",
                        hf_cli_json_u64(info.batches), "unsubmitted", hf_cli_json_u64(info.unsubmitted),
                        "accounts", hf_cli_json_u64(info.accounts), "pending", hf_cli_json_u64(info.pending),
                        "sealed", hf_cli_json_u64(info.sealed)));
  }
  return list;
}

static hf_status report(hf_cli *cli, hf_sequencer *sequencer, const hf_deposit_counts *deposits,
                        const hf_tally *tally) {
  if (cli->json) {
    json_t *refused = json_object();
    for (int i = 1; i < HF_REFUSALS; i++) {
      if (tally->by_refusal[i] != 0)
        json_object_set_new(refused, hf_refusal_code((hf_refusal)i), hf_cli_json_u64(tally->by_refusal[i]));
    }
    return hf_cli_print_json(
        cli,
        json_pack("{s:{s:o, s:o, s:o}, s:{s:o, s:o, s:o, s:o}, s:o}", "deposits", "applied",
                  hf_cli_json_u64(deposits->applied), "refused", hf_cli_json_u64(deposits->refused), "known",
                  hf_cli_json_u64(deposits->known), "transactions", "lines", hf_cli_json_u64(tally->lines),
                  "accepted", hf_cli_json_u64(tally->by_refusal[HF_REFUSAL_NONE]), "busy",
                  hf_cli_json_u64(tally->busy), "refused", refused, "chains", chains_json(sequencer)));
  }
  printf("deposits: %llu applied, %llu refused, %llu known\n", (unsigned long long)deposits->applied,
         (unsigned long long)deposits->refused, (unsigned long long)deposits->known);
  printf("transactions: %llu, %llu accepted", (unsigned long long)tally->lines,
         (unsigned long long)tally->by_refusal[HF_REFUSAL_NONE]);
  for (int i = 1; i < HF_REFUSALS; i++) {
    if (tally->by_refusal[i] != 0)
      printf(", %llu %s", (unsigned long long)tally->by_refusal[i], hf_refusal_code((hf_refusal)i));
  }
  putchar('\n');
  for (size_t i = 0; i < hf_sequencer_chain_count(sequencer); i++) {
    hf_chain_info info;
    char id[HF_CHAIN_ID_TEXT], root[65];
    hf_chain_get_info(hf_sequencer_chain(sequencer, i), &info);
    hf_chain_id_text(info.chain_id, id);
    hf_hex(info.root, 32, root);
    printf("chain %s: %llu batches, %llu operations in them, %llu waiting, %llu accounts, root %s\n", id,
           (unsigned long long)info.batches, (unsigned long long)info.sealed,
           (unsigned long long)info.pending, (unsigned long long)info.accounts, root);
  }
  return HF_OK;
}

/* The pinned key of the jobs: --vk, or what circuit and SRS here lead to. */
static hf_status pinned_key(hf_cli *cli, const hf_rollup_params *params, hf_digest *out) {
  hf_status status;
  hf_verifying_key vk;
  uint32_t rows;
  if (hf_cli_given(cli, "vk")) return hf_cli_vk_parse(hf_cli_text(cli, "vk"), out);
  HF_TRY(hf_cli_batch_key(cli, params, &vk, &rows));
  *out = hf_vk_digest_bytes(&vk);
out:
  return status;
}

static hf_status run(hf_cli *cli) {
  hf_status status;
  setup *s = calloc(1, sizeof *s);
  hf_queue *queue = NULL;
  hf_sequencer *sequencer = NULL;
  hf_sealer *sealer = NULL;
  hf_http *http = NULL;
  hf_cli_metrics shown = {0};
  hf_sequencer_metrics *metrics = NULL;
  hf_cli_deposits *l1 = NULL;
  hf_deposit_counts deposits = {0};
  hf_tally tally = {0};
  const char *deposit_file = hf_cli_text(cli, "deposits"),
             *transaction_file = hf_cli_text(cli, "transactions");
  const char *csv = hf_cli_text(cli, "payments");
  if (s == NULL) return hf_fail(HF_E_MEMORY, "no memory for the chains");
  hf_cli_catch_signals();
  cli->log.part = "sequencer";
  HF_TRY(setup_chains(cli, s));
  hf_sequencer_options options = {
      .chains = s->chains,
      .chain_count = s->count,
      .tenant = hf_cli_text(cli, "tenant"),
      .priority = (int32_t)hf_cli_signed(cli, "priority"),
      .log = &cli->log,
  };
  if (!hf_cli_flag(cli, "no-queue")) {
    HF_TRY(pinned_key(cli, &s->chains[0].params, &options.vk_digest));
    options.device_memory = hf_cli_proof_memory(cli, &options.vk_digest);
    HF_TRY(hf_cli_queue_open(cli, &queue));
    options.queue = queue;
    HF_TRY(hf_cli_sealer(cli, &sealer));
    options.sealer = sealer;
  }
  HF_TRY(hf_sequencer_open(&options, &sequencer));
  if (hf_cli_given(cli, "metrics") || hf_cli_given(cli, "listen")) { /* what serves HTTP shows itself there */
    HF_TRY(hf_cli_metrics_open(cli, "sequencer", HF_METRICS_ALWAYS | (queue != NULL ? HF_METRICS_QUEUE : 0), &shown));
    HF_TRY(hf_sequencer_metrics_create(shown.exporter, sequencer, shown.watch, options.tenant, &metrics));
  }
  if (hf_cli_given(cli, "metrics")) HF_TRY(hf_cli_metrics_serve(&shown, "metrics"));
  if (deposit_file != NULL && hf_cli_given(cli, "rpc"))
    HF_TRY(hf_fail(HF_E_ARGUMENT, "deposits come from L1 (--rpc) or from a file, not from both"));
  if (deposit_file != NULL) HF_TRY(hf_sequencer_deposit_file(sequencer, deposit_file, &deposits));
  if (hf_cli_given(cli, "rpc")) {
    HF_TRY(hf_cli_deposits_open(cli, sequencer, &l1));
    HF_TRY(hf_cli_deposits_poll(l1, &deposits));
  }
  if (transaction_file != NULL)
    HF_TRY(hf_sequencer_submit_file(sequencer, transaction_file, say_refused, NULL, &tally));
  if (csv != NULL) HF_TRY(take_csv(cli, sequencer, csv, &tally));
  if (hf_cli_given(cli, "listen")) {
    uint64_t port = hf_cli_number(cli, "listen");
    if (port > 65535) {
      status = hf_fail(HF_E_ARGUMENT, "--listen is a port, at most 65535");
      goto out;
    }
    char url[HF_WEB_URL_TEXT];
    hf_http_options web = {.port = (uint16_t)port,
                           .address = hf_cli_text(cli, "address"),
                           .log = &cli->log,
                           .before = hf_cli_metrics_before,
                           .context = shown.exporter};
    HF_TRY(hf_http_start(sequencer, &web, &http));
    hf_web_url(web.address, hf_http_port(http), url);
    hf_cli_say("listening on %s", url);
    if (l1 != NULL) HF_TRY(hf_cli_deposits_start(l1));
    HF_TRY(hf_sequencer_run(sequencer, hf_cli_stop, NULL));
    hf_http_stop(&http);
  }
  if (hf_cli_flag(cli, "flush"))
    HF_TRY(hf_sequencer_flush(sequencer, 60000));
  else
    HF_TRY(hf_sequencer_step(sequencer));
  HF_TRY(report(cli, sequencer, &deposits, &tally));
out:
  hf_http_stop(&http);
  hf_cli_metrics_close(&shown);
  hf_sequencer_metrics_destroy(&metrics);
  hf_cli_deposits_close(&l1);
  hf_sequencer_close(&sequencer);
  hf_sealer_close(&sealer);
  hf_queue_close(&queue);
  setup_free(s);
  free(s);
  return status;
}

static hf_status export_data(hf_cli *cli) {
  hf_status status;
  setup *s = calloc(1, sizeof *s);
  hf_chain *chain = NULL;
  const char *out;
  if (s == NULL) return hf_fail(HF_E_MEMORY, "no memory for the chains");
  HF_TRY(hf_cli_need(cli, "out", &out));
  HF_TRY(setup_chains(cli, s));
  if (s->count != 1) {
    status = hf_fail(HF_E_ARGUMENT, "--chain is one chain here");
    goto out;
  }
  if (access(s->chains[0].path, F_OK) != 0)
    HF_TRY(hf_fail(HF_E_NOT_FOUND, "no chain %s here: %s: %s", hf_cli_text(cli, "chain"), s->chains[0].path, strerror(errno)));
  HF_TRY(hf_chain_open(&s->chains[0], &chain));
  HF_TRY(hf_chain_export_data(chain, hf_cli_flag(cli, "complete"), out));
  if (cli->json) HF_TRY(hf_cli_print_json(cli, json_pack("{s:s}", "file", out)));
out:
  hf_chain_close(&chain);
  setup_free(s);
  free(s);
  return status;
}

static hf_status replay(hf_cli *cli) {
  hf_replay_summary r;
  char root[65];
  hf_status status = hf_replay_file(cli->arguments[0], &r);
  if (status != HF_OK) return status;
  hf_hex(r.root, 32, root);
  json_t *operations = json_object();
  for (int i = 0; i < HF_SLOT_TYPES; i++)
    json_object_set_new(operations, hf_slot_type_text((uint32_t)i), hf_cli_json_u64(r.operations[i]));
  if (cli->json)
    return hf_cli_print_json(cli, json_pack("{s:o, s:i, s:s, s:b, s:o}", "batches",
                                            hf_cli_json_u64(r.batches), "accounts", (int)r.accounts, "root",
                                            root, "complete", (int)r.complete, "operations", operations));
  json_decref(operations);
  printf("%llu batches, %u accounts, root %s: every root follows from the data\n",
         (unsigned long long)r.batches, r.accounts, root);
  return HF_OK;
}

#define CHAIN_OPTIONS                                                                                        \
  HF_OPTION_DATA, {"chain", HF_OPTION_TEXT, "ID[,ID]", NULL, "the chains' ids, numbers below 2^128"},        \
      {"depth", HF_OPTION_NUMBER, "BITS", "24", "depth of the account tree"},                                \
      {"slots", HF_OPTION_NUMBER, "N", "64", "operations a batch"},                                          \
      {"mode", HF_OPTION_TEXT, "MODE", "rollup", "rollup (all data is posted) or validium"},                 \
      {"operator", HF_OPTION_NUMBER, "INDEX", "0", "the account that takes the fees"}, {                     \
    "max-age", HF_OPTION_NUMBER, "SECONDS", "10", "seal a partial batch after this time; 0: never"           \
  }

static const hf_option run_options[] = {
    CHAIN_OPTIONS,
    HF_OPTION_QUEUE,
    HF_OPTION_SEAL_TO,
    HF_OPTIONS_DEVICE,
    {"tenant", HF_OPTION_TEXT, "NAME", "hyperfold", "whose jobs the batches are"},
    {"priority", HF_OPTION_SIGNED, "N", "0", "of the jobs"},
    {"vk", HF_OPTION_TEXT, "KEY", NULL,
     "the key that proofs must satisfy: digest or file (default: derived here)"},
    {"no-queue", HF_OPTION_FLAG, NULL, NULL, "make batches, no jobs"},
    {"deposits", HF_OPTION_TEXT, "FILE", NULL, "deposits in L1's order, JSON lines"},
    HF_OPTIONS_L1_NODE,
    {"l1-confirmations", HF_OPTION_NUMBER, "N", "12", "blocks until a deposit is taken, its own included"},
    {"l1-poll", HF_OPTION_NUMBER, "MS", "3000", "between looks at L1 while serving"},
    {"transactions", HF_OPTION_TEXT, "FILE", NULL, "signed transactions, JSON lines"},
    {"payments", HF_OPTION_TEXT, "FILE", NULL,
     "a table of payments (CSV: from,to,amount,fee) for the first chain"},
    {"wallets", HF_OPTION_TEXT, "FOLDER", ".", "where NAME.key lies for each name in the table"},
    {"listen", HF_OPTION_NUMBER, "PORT", NULL, "serve HTTP until SIGTERM; 0: any free port"},
    {"address", HF_OPTION_TEXT, "IP", "127.0.0.1", "to listen on: IPv4 or IPv6"},
    {"metrics", HF_OPTION_TEXT, "[HOST:]PORT", NULL, "serve /metrics and /healthz there too (--listen has them in any case)"},
    {"flush", HF_OPTION_FLAG, NULL, NULL, "at the end seal what waits, partial batches too"},
    HF_OPTION_END,
};
static const hf_option export_options[] = {
    CHAIN_OPTIONS,
    {"out", HF_OPTION_TEXT, "FILE", NULL, "where to write"},
    {"complete", HF_OPTION_FLAG, NULL, NULL, "all words, also those that validium does not post"},
    HF_OPTION_END,
};

const hf_command hf_sequencer_commands[] = {
    {.name = "run",
     .summary = "take deposits and transactions, make batches, put their jobs in the queue",
     .options = run_options,
     .run = run,
     .details =
         "Takes the files first, then serves HTTP with --listen (paths: sequencer-lite/README.md; also /metrics). Without "
         "--listen\n"
         "it ends when the files are taken. With --rpc deposits come from the settlement contract. Refused lines "
         "are named on\n"
         "stderr with their reason; what was accepted is durable when the answer is out. Chains are kept in "
         "DATA/chains, one\n"
         "process each at a time."},
    {.name = "export",
     .summary = "write a chain's public data to a file",
     .options = export_options,
     .run = export_data},
    {.name = "replay",
     .summary = "rebuild a chain's state from its public data alone, and compare roots",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = replay},
    {.name = NULL},
};
