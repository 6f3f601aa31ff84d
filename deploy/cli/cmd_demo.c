/* hyperfold demo: from signed payments to one proof that a contract accepts, with a worker and an aggregator that die on
 * the way. */
#include "batch_key.h"
#include "commands.h"
#include "demo.h"
#include "device_common.h"
#include "fold_keys.h"
#include "signals.h"

#include <errno.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A proof is in the middle between these parts of its progress. */
#define MIDDLE_FROM 0.25
#define MIDDLE_TO   0.9

static void pause_ms(unsigned ms) { nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL); }

/* The keys of node and seal, and the SRS that they need, before anything smaller. */
static hf_status fold_keys(hf_demo *demo) {
  hf_status status;
  hf_cli_device device = {0};
  hf_verifying_key node, seal;
  const hf_catalog_entry *entry;
  HF_TRY(hf_catalog_find(HF_SEAL_CIRCUIT, &entry));
  HF_TRY(hf_cli_device_open(demo->cli, hf_catalog_points(entry), &device));
  hf_cli_progress("the keys of node and seal");
  HF_TRY(hf_fold_keys(device.keys, device.srs, &node, &seal));
  hf_cli_say("node: 2^%u rows, kappa %u; seal: 2^%u rows, kappa %u", node.log_n, node.kappa, seal.log_n, seal.kappa);
out:
  hf_cli_progress(NULL);
  hf_cli_device_close(&device);
  return status;
}

/* SRS and keys: made on the first run, found on the next. */
static hf_status set_up(hf_demo *demo) {
  hf_status status;
  uint32_t rows;
  char hex[HF_DIGEST_HEX];
  double began = hf_cli_now();
  HF_TRY(fold_keys(demo));
  HF_TRY(hf_cli_batch_key(demo->cli, &demo->params, &demo->vk, &rows));
  demo->vk_digest = hf_vk_digest_bytes(&demo->vk);
  demo->setup_seconds = hf_cli_now() - began;
  hf_digest_hex(&demo->vk_digest, hex);
  hf_cli_say("circuit: %u rows used of 2^%u, depth %u, %u slots", rows, demo->vk.log_n, demo->params.depth,
             demo->params.slots);
  hf_cli_say("key: %.16s... from the development SRS (insecure: its secret is public), %.1f s", hex,
             demo->setup_seconds);
out:
  return status;
}

static void say_load(const hf_demo *demo, json_t *chains) {
  for (unsigned i = 0; i < demo->chain_count; i++) {
    const hf_demo_chain *c = &demo->chains[i];
    json_t *refused = json_object();
    char list[400] = "";
    for (int r = 1; r < HF_REFUSALS; r++) {
      if (c->refused[r] == 0) continue;
      size_t at = strlen(list);
      snprintf(list + at, sizeof list - at, "%s %llu %s", at != 0 ? "," : "",
               (unsigned long long)c->refused[r], hf_refusal_code((hf_refusal)r));
      json_object_set_new(refused, hf_refusal_code((hf_refusal)r), hf_cli_json_u64(c->refused[r]));
    }
    hf_cli_say("%s: %llu deposits (%llu refused), %llu signed payments: %llu accepted, %llu refused%s%s",
               c->name, (unsigned long long)(c->deposits.applied + c->deposits.refused),
               (unsigned long long)c->deposits.refused, (unsigned long long)c->offered,
               (unsigned long long)c->accepted, (unsigned long long)(c->offered - c->accepted),
               list[0] != 0 ? ":" : "", list);
    json_array_append_new(chains, json_pack("{s:s, s:o, s:o, s:o}", "chain", c->name, "payments",
                                            hf_cli_json_u64(c->offered), "accepted",
                                            hf_cli_json_u64(c->accepted), "refused", refused));
  }
}

/* Kills the first worker that is seen in the middle of a proof, and starts another in its place. */
static hf_status strike(hf_demo *demo, const hf_job_record *records, size_t count) {
  for (size_t i = 0; i < count && !demo->killed; i++) {
    const hf_job_record *r = &records[i];
    hf_status status;
    const double part = r->progress.total > 0 ? (double)r->progress.done / (double)r->progress.total : 0;
    if (r->state != HF_JOB_LEASED || part < MIDDLE_FROM || part > MIDDLE_TO) continue;
    HF_TRY(hf_demo_worker_kill(demo, r->worker));
    demo->killed = true;
    demo->victim = r->header.key;
    demo->victim_epoch = r->epoch;
    char id[HF_JOB_ID_TEXT];
    hf_job_id_text(&r->header.key.id, id);
    hf_cli_say("%s killed (SIGKILL) in the middle of job %s, at %.0f %% (%s); another worker is started",
               r->worker, id, part * 100, r->progress.phase);
    HF_TRY(hf_demo_worker_start(demo));
  out:
    return status;
  }
  return HF_OK;
}

static hf_status watch(hf_demo *demo) {
  hf_status status = HF_OK;
  hf_job_record *records = calloc(256, sizeof *records);
  double limit = hf_cli_now() + (double)hf_cli_number(demo->cli, "timeout");
  if (records == NULL) return hf_fail(HF_E_MEMORY, "no memory for the jobs");
  for (;;) {
    hf_job_filter filter = {0};
    size_t count, done = 0;
    double now_done = 0;
    HF_TRY(hf_queue_list(demo->queue, &filter, records, 256, &count));
    size_t batches = 0, folds = 0;
    for (size_t i = 0; i < count; i++) {
      if (records[i].header.kind != HF_JOB_PROVE_BATCH) {
        folds += !hf_job_state_open(records[i].state);
        continue;
      }
      batches++;
      if (records[i].state == HF_JOB_LEASED && records[i].progress.total != 0)
        now_done += (double)records[i].progress.done / (double)records[i].progress.total;
      done += !hf_job_state_open(records[i].state);
    }
    if (done == batches) {
      hf_cli_say("all %zu batches are proven, and %zu folds meanwhile", batches, folds);
      break;
    }
    HF_TRY(strike(demo, records, count));
    HF_TRY(hf_demo_workers_alive(demo));
    char line[96];
    snprintf(line, sizeof line, "%zu of %zu batches proven, %.0f %%, %zu folds", done, batches,
             100 * ((double)done + now_done) / (double)batches, folds);
    hf_cli_progress(line);
    if (hf_cli_stopped()) {
      status = hf_fail(HF_E_CANCELLED, "interrupted");
      goto out;
    }
    if (hf_cli_now() > limit) {
      status = hf_fail(HF_E_TIMEOUT, "%zu of %zu batches are proven after %llu s", done, batches,
                       (unsigned long long)hf_cli_number(demo->cli, "timeout"));
      goto out;
    }
    HF_TRY(hf_queue_reap(demo->queue, NULL));
    pause_ms(50);
  }
out:
  hf_cli_progress(NULL);
  free(records);
  return status;
}

/* The aggregator dies and another goes on from the queue; it seals what there is and ends. */
static hf_status finish_folding(hf_demo *demo) {
  hf_status status;
  double limit = hf_cli_now() + (double)hf_cli_number(demo->cli, "timeout");
  hf_demo_aggregator_kill(demo);
  hf_cli_say("aggregator killed (SIGKILL); another one goes on, and seals");
  HF_TRY(hf_demo_aggregator_start(demo, true));
  for (bool ended = false;;) {
    HF_TRY(hf_demo_aggregator_ended(demo, &ended));
    if (ended) break;
    HF_TRY(hf_demo_workers_alive(demo));
    if (hf_cli_stopped()) HF_TRY(hf_fail(HF_E_CANCELLED, "interrupted"));
    if (hf_cli_now() > limit) HF_TRY(hf_fail(HF_E_TIMEOUT, "no seal after %llu s", (unsigned long long)hf_cli_number(demo->cli, "timeout")));
    HF_TRY(hf_queue_reap(demo->queue, NULL));
    pause_ms(50);
  }
out:
  return status;
}

static hf_status open_run(hf_demo *demo) {
  const char *data = hf_cli_text(demo->cli, "data");
  hf_status status;
  HF_TRY(hf_folder_create(data, 0755));
  if (asprintf(&demo->folder, "%s/demo-XXXXXX", data) < 0) {
    demo->folder = NULL;
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  }
  if (mkdtemp(demo->folder) == NULL) {
    status = hf_fail(hf_status_of_errno(errno), "%s: %s", demo->folder, strerror(errno));
    goto out;
  }
  if (asprintf(&demo->queue_path, "%s/queue", demo->folder) < 0) {
    demo->queue_path = NULL;
    return hf_fail(HF_E_MEMORY, "no memory for a path");
  }
  hf_queue_options options = {.location = demo->queue_path, .log = &demo->cli->log};
  HF_TRY(hf_queue_open(&options, &demo->queue));
out:
  return status;
}

hf_status hf_demo_run(hf_cli *cli) {
  hf_status status;
  hf_demo *demo = calloc(1, sizeof *demo);
  json_t *batches = json_array(), *chains = json_array(), *folds = json_array(), *l1 = NULL;
  char *sealed = NULL;
  unsigned workers = (unsigned)hf_cli_number(cli, "workers"), count = 0;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  if (demo == NULL || batches == NULL || chains == NULL || folds == NULL) {
    status = hf_fail(HF_E_MEMORY, "no memory for the demo");
    goto out;
  }
  demo->cli = cli;
  demo->data = hf_cli_text(cli, "data");
  demo->began = hf_cli_now();
  demo->params =
      (hf_rollup_params){(uint32_t)hf_cli_number(cli, "depth"), (uint32_t)hf_cli_number(cli, "slots")};
  demo->chain_count = (unsigned)hf_cli_number(cli, "chains");
  if (demo->chain_count < 1 || demo->chain_count > HF_DEMO_CHAINS || workers < 2 ||
      workers >= HF_DEMO_WORKERS) {
    status =
        hf_fail(HF_E_ARGUMENT, "1 to %d chains and 2 to %d workers", HF_DEMO_CHAINS, HF_DEMO_WORKERS - 1);
    goto out;
  }
  demo->threads = cores > (long)workers ? (unsigned)(cores / workers) : 1;
  hf_cli_catch_signals();
  HF_TRY(open_run(demo));
  HF_TRY(set_up(demo));
  HF_TRY(hf_demo_l1_start(demo));
  for (unsigned i = 0; i < workers; i++) HF_TRY(hf_demo_worker_start(demo));
  hf_cli_say("%u workers of %u thread%s each; queue and logs in %s", workers, demo->threads,
             demo->threads > 1 ? "s" : "", demo->folder);
  HF_TRY(hf_demo_aggregator_start(demo, false));
  double proving = hf_cli_now();
  HF_TRY(hf_demo_chains_run(demo));
  say_load(demo, chains);
  HF_TRY(watch(demo));
  HF_TRY(finish_folding(demo));
  demo->proving_seconds = hf_cli_now() - proving;
  HF_TRY(hf_demo_workers_drain(demo));
  if (!demo->killed) {
    status =
        hf_fail(HF_E_INTERNAL,
                "no worker could be killed in the middle of a proof: the batches are too small for that");
    goto out;
  }
  hf_job_record survivor;
  HF_TRY(hf_queue_get(demo->queue, &demo->victim, &survivor));
  if (survivor.epoch <= demo->victim_epoch) {
    status = hf_fail(HF_E_INTERNAL, "the job of the killed worker was not offered again");
    goto out;
  }
  HF_TRY(hf_demo_check(demo, batches, &count));
  HF_TRY(hf_demo_sealed(demo, &sealed, folds));
  if (demo->l1) HF_TRY(hf_demo_l1_settle(demo, sealed, &l1));
  uint64_t payments = 0, refused = 0;
  for (unsigned i = 0; i < demo->chain_count; i++) {
    payments += demo->chains[i].offered;
    refused += demo->chains[i].offered - demo->chains[i].accepted;
  }
  double seconds = hf_cli_now() - demo->began;
  if (cli->json)
    status = hf_cli_print_json(cli, json_pack("{s:b, s:O, s:O, s:O, s:O?, s:s, s:i, s:f, s:f, s:f}", "ok", 1, "chains",
                                              chains, "batches", batches, "folds", folds, "l1", l1, "sealed", sealed, "workers", (int)demo->worker_count,
                                              "setup_seconds", demo->setup_seconds, "proving_seconds",
                                              demo->proving_seconds, "seconds", seconds));
  else
    printf("demo: ok %u chains, %llu signed payments (%llu refused), %u batches proven and verified by %u "
           "workers (1 killed), "
           "state roots chained, folded into one proof%s, %.1f s\n",
           demo->chain_count, (unsigned long long)payments, (unsigned long long)refused, count,
           demo->worker_count, demo->l1 ? " and settled on L1" : "", seconds);
out:
  if (demo != NULL) {
    hf_demo_workers_end(demo);
    hf_demo_aggregator_kill(demo);
    hf_demo_l1_end(demo);
    hf_sequencer_close(&demo->sequencer);
    hf_queue_close(&demo->queue);
    free(demo->folder);
    free(demo->queue_path);
    free(demo);
  }
  json_decref(batches);
  json_decref(chains);
  json_decref(folds);
  json_decref(l1);
  free(sealed);
  return status;
}

const hf_option hf_demo_options[] = {
    HF_OPTION_DATA,
    {"srs", HF_OPTION_TEXT, "FILE", NULL, "the SRS (default: DATA/srs, made when it is missing)"},
    {"dev", HF_OPTION_FLAG, NULL, "yes", "the development SRS is what a demonstration uses"},
    HF_OPTION_DEVICE,
    {"threads", HF_OPTION_NUMBER, "N", "0", "CPU threads for making keys; 0: as many as there are cores"},
    {"chains", HF_OPTION_NUMBER, "N", "2", "payment chains"},
    {"payments", HF_OPTION_NUMBER, "N", "256",
     "signed payments of all chains, some of which must be refused"},
    {"accounts", HF_OPTION_NUMBER, "N", "20", "accounts of each chain"},
    {"depth", HF_OPTION_NUMBER, "BITS", "24", "depth of the account tree"},
    {"slots", HF_OPTION_NUMBER, "N", "32", "operations a batch"},
    {"seed", HF_OPTION_LARGE, "N", "1", "of the load"},
    {"workers", HF_OPTION_NUMBER, "N", "2", "worker processes"},
    {"timeout", HF_OPTION_NUMBER, "SECONDS", "1800", "give up after this time"},
    {"anvil", HF_OPTION_TEXT, "FILE", HF_ANVIL, "the local Ethereum node to start; without it nothing is settled"},
    HF_OPTION_END,
};
