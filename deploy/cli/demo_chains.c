#include "demo.h"
#include "device_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One line at a time, as a front door gets them. */
typedef struct load {
  hf_demo *demo;
  hf_demo_chain *chain;
  hf_refusal expected;
  bool deposited; /* all deposits are in */
} load;

static hf_status take_deposit(void *context, const char *line) {
  load *l = context;
  hf_deposit_counts counts = {0};
  if (l->demo->l1) { /* through the contract, and from there when all are made */
    hf_deposit deposit;
    hf_status parsed = hf_deposit_parse(line, strlen(line), &deposit);
    return parsed != HF_OK ? parsed : hf_demo_l1_deposit(l->demo, &deposit);
  }
  hf_status status = hf_sequencer_deposit_text(l->demo->sequencer, line, strlen(line), &counts);
  l->chain->deposits.applied += counts.applied;
  l->chain->deposits.refused += counts.refused;
  return status;
}

static hf_status take_answer(void *context, const hf_answer *answer) {
  load *l = context;
  if (answer->busy) return hf_fail(HF_E_BUSY, "chain %s has no room", l->chain->name);
  if (answer->refusal != l->expected)
    return hf_fail(HF_E_INTERNAL, "chain %s: payment %llu was made to be \"%s\" and was found \"%s\" (%s)",
                   l->chain->name, (unsigned long long)l->chain->offered, hf_refusal_code(l->expected),
                   hf_refusal_code(answer->refusal), answer->detail != NULL ? answer->detail : "");
  l->chain->accepted += answer->refusal == HF_REFUSAL_NONE;
  l->chain->refused[answer->refusal]++;
  return HF_OK;
}

static hf_status take_transaction(void *context, const char *line, hf_refusal expected) {
  load *l = context;
  hf_status status;
  if (l->demo->l1 && !l->deposited) HF_TRY(hf_demo_l1_take_deposits(l->demo, &l->chain->deposits));
  l->deposited = true;
  l->chain->offered++;
  l->expected = expected;
  HF_TRY(hf_sequencer_submit_text(l->demo->sequencer, line, strlen(line), take_answer, l, NULL));
  HF_TRY(hf_sequencer_step(l->demo->sequencer));
out:
  return status;
}

hf_status hf_demo_chains_run(hf_demo *demo) {
  hf_status status = HF_OK;
  const hf_cli *cli = demo->cli;
  uint64_t payments = hf_cli_number(cli, "payments");
  hf_chain_options chains[HF_DEMO_CHAINS] = {0};
  char *paths[HF_DEMO_CHAINS] = {0};
  for (unsigned i = 0; i < demo->chain_count; i++) {
    hf_demo_chain *c = &demo->chains[i];
    c->id = (hf_chain_id){.low = 7 + i};
    snprintf(c->name, sizeof c->name, "chain-%u", 1 + i);
    if (demo->l1) HF_TRY(hf_demo_l1_register(demo, i, &c->id));
    if (asprintf(&paths[i], "%s/%s.db", demo->folder, c->name) < 0) {
      paths[i] = NULL;
      status = hf_fail(HF_E_MEMORY, "no memory for a path");
      goto out;
    }
    chains[i] =
        (hf_chain_options){.path = paths[i], .chain_id = c->id, .params = demo->params, .log = &cli->log};
  }
  hf_sequencer_options options = {
      .chains = chains,
      .chain_count = demo->chain_count,
      .queue = demo->queue,
      .vk_digest = demo->vk_digest,
      .device_memory = hf_cli_proof_memory(demo->cli, &demo->vk_digest),
      .log = &cli->log,
  };
  HF_TRY(hf_sequencer_open(&options, &demo->sequencer));
  for (unsigned i = 0; i < demo->chain_count; i++) {
    hf_demo_chain *c = &demo->chains[i];
    load l = {.demo = demo, .chain = c};
    hf_generator_options made = {
        .seed = hf_cli_number(cli, "seed") + i,
        .chain_id = c->id,
        .accounts = (uint32_t)hf_cli_number(cli, "accounts"),
        .transactions = (uint32_t)(payments / demo->chain_count + (i < payments % demo->chain_count)),
        .invalid_per_mille = 80,
        .withdraw_per_mille = 40,
        .bad_deposits = demo->l1 ? 0 : 1, /* the command that deposits on L1 makes none */
        .skew = 1,
    };
    hf_generator_sink sink = {take_deposit, take_transaction, &l};
    HF_TRY(hf_generator_run(&made, &sink, NULL));
    if (demo->l1 && i == 0) {
      char line[HF_TRANSACTION_JSON];
      HF_TRY(hf_demo_l1_withdrawal(demo, i, line));
      HF_TRY(take_transaction(&l, line, HF_REFUSAL_NONE));
    }
  }
  HF_TRY(hf_sequencer_flush(demo->sequencer, 60000));
out:
  for (unsigned i = 0; i < demo->chain_count; i++) free(paths[i]);
  return status;
}
