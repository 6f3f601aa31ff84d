/* hyperfold aggregator: the proofs of many batches become one for a contract. */
#include "commands.h"
#include "fold_common.h"
#include "pool_common.h"
#include "queue_common.h"
#include "role_metrics.h"
#include "signals.h"

#include <errno.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define CHAINS_MAX 64

typedef struct talk {
  hf_cli *cli;
  const hf_cli_fold *fold;
  hf_aggregator_metrics *metrics; /* or NULL */
} talk;

/* One line an event on stdout: JSON with --json, words without. */
static void print_event(void *context, const hf_aggregator_event *e) {
  const talk *t = context;
  char id[HF_JOB_ID_TEXT] = "";
  char *path = e->kind == HF_AGGREGATOR_PUBLISHED ? hf_cli_sealed_path(t->fold, e->seal) : NULL;
  if (e->job != NULL) hf_job_id_text(&e->job->id, id);
  hf_aggregator_metrics_event(t->metrics, e);
  if (t->cli->json) {
    json_t *line = json_pack("{s:s, s:o, s:i, s:i, s:i, s:s, s:o, s:s}", "event",
                             hf_aggregator_event_text(e->kind), "seal", hf_cli_json_u64(e->seal), "place",
                             (int)e->place, "level", (int)e->level, "records", (int)e->records, "job", id,
                             "text", e->text != NULL ? hf_cli_json_text(e->text) : json_null(), "file",
                             path != NULL ? path : "");
    if (line != NULL) json_dumpf(line, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(line);
  } else {
    if (e->seal != 0) printf("seal %llu: ", (unsigned long long)e->seal);
    switch (e->kind) {
    case HF_AGGREGATOR_LEAF:
      printf("batch %s is record %u\n", id, e->place);
      break;
    case HF_AGGREGATOR_FOLD:
      printf("fold of level %u queued: %s\n", e->level, id);
      break;
    case HF_AGGREGATOR_FOLDED:
      printf("fold of level %u proven: %s\n", e->level, id);
      break;
    case HF_AGGREGATOR_CLOSED:
      printf("closed with %u records (%s)\n", e->records, e->text);
      break;
    case HF_AGGREGATOR_SEAL:
      printf("queued: %s\n", id);
      break;
    case HF_AGGREGATOR_PUBLISHED:
      printf("published: %s\n", path != NULL ? path : "");
      break;
    case HF_AGGREGATOR_AGAIN:
      printf("%s: its result was refused: %s\n", id, e->text);
      break;
    case HF_AGGREGATOR_WAITING:
      printf("%s waits: %s\n", id, e->text);
      break;
    case HF_AGGREGATOR_ABANDONED:
      printf("given up, with %u records\n", e->records);
      break;
    }
  }
  fflush(stdout);
  free(path);
}

static hf_status chain_list(const char *option, const char *text, char **words, const char **chains,
                            size_t *count) {
  char *rest;
  *count = 0;
  *words = text != NULL ? strdup(text) : NULL;
  if (text == NULL) return HF_OK;
  if (*words == NULL) return hf_fail(HF_E_MEMORY, "no memory for the chains");
  for (char *word = strtok_r(*words, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
    if (word[strspn(word, "0123456789")] != 0 || *count == CHAINS_MAX)
      return hf_fail(HF_E_ARGUMENT, "--%s: at most %d decimal ids", option, CHAINS_MAX);
    chains[(*count)++] = word;
  }
  return HF_OK;
}

/* Alone in the folder of seals while marks are written; then beside others again. */
static hf_status replan(hf_cli *cli, const hf_cli_fold *fold, hf_aggregator *aggregator, int *lock) {
  hf_status status;
  uint32_t count;
  const uint64_t number = hf_cli_number(cli, "replan");
  HF_TRY(hf_cli_sealed_lock(fold->out, HF_SEALS_TO_GIVE_UP, lock));
  HF_TRY(hf_aggregator_replan(aggregator, number, &count));
  if (count == 0) hf_cli_say("seal %llu is given up already", (unsigned long long)number);
  if (flock(*lock, LOCK_SH) != 0)
    HF_TRY(hf_fail(hf_status_of_errno(errno), "%s: %s", fold->out, strerror(errno)));
out:
  return status;
}

static hf_status work(hf_cli *cli, hf_aggregator *aggregator, hf_aggregator_metrics *metrics) {
  hf_aggregator_state state = {0};
  bool once = hf_cli_flag(cli, "once"), drain = hf_cli_flag(cli, "drain");
  struct timespec pause = {.tv_nsec = 200000000};
  if (drain) hf_aggregator_drain(aggregator);
  while (!hf_cli_stopped()) {
    hf_status status = hf_aggregator_step(aggregator, &state);
    hf_aggregator_metrics_step(metrics, status, &state);
    if (status != HF_OK && (once || hf_exit_code(status) == 7)) return status;
    if (status != HF_OK) hf_log(&cli->log, HF_LOG_ERROR, "a look failed", HF_LOG_STATUS(status));
    if (once || (drain && status == HF_OK && hf_aggregator_idle(&state))) break;
    nanosleep(&pause, NULL);
  }
  if (drain && state.blocked > 0 && !hf_cli_stopped())
    return hf_fail(HF_E_REFUSED, "%u chains have a batch that failed or was refused; the rest is sealed",
                   state.blocked);
  return HF_OK;
}

hf_status hf_aggregator_run(hf_cli *cli) {
  hf_status status;
  hf_queue *queue = NULL;
  hf_aggregator *aggregator = NULL;
  hf_pool_keys *pool_keys = NULL;
  hf_cli_fold fold = {0};
  hf_cli_metrics shown = {0};
  talk context = {cli, &fold, NULL};
  char *words[2] = {NULL, NULL};
  const char *chains[CHAINS_MAX], *without[CHAINS_MAX];
  size_t chain_count, without_count;
  int lock = -1;
  hf_cli_catch_signals();
  cli->log.part = "aggregator";
  HF_TRY(chain_list("chain", hf_cli_text(cli, "chain"), &words[0], chains, &chain_count));
  HF_TRY(chain_list("without", hf_cli_text(cli, "without"), &words[1], without, &without_count));
  HF_TRY(hf_cli_pool_keys(cli, &pool_keys));
  HF_TRY(hf_cli_metrics_open(cli, "aggregator", HF_METRICS_QUEUE, &shown));
  if (shown.exporter != NULL) HF_TRY(hf_aggregator_metrics_create(shown.exporter, &context.metrics));
  HF_TRY(hf_cli_fold_open(cli, &fold));
  HF_TRY(hf_cli_queue_open(cli, &queue));
  hf_digest node = hf_vk_digest_bytes(&fold.node), seal = hf_vk_digest_bytes(&fold.seal);
  uint64_t node_memory = hf_cli_proof_memory(cli, &node), seal_memory = hf_cli_proof_memory(cli, &seal);
  hf_aggregator_options options = {
      .queue = queue,
      .pool_keys = pool_keys,
      .tenant = hf_cli_text(cli, "tenant"),
      .chains = words[0] != NULL ? chains : NULL,
      .chain_count = chain_count,
      .without = without,
      .without_count = without_count,
      .node_vk = node,
      .seal_vk = seal,
      .device_memory = node_memory > seal_memory ? node_memory : seal_memory,
      .seal_count = (uint32_t)hf_cli_number(cli, "seal-count"),
      .seal_age_ms = hf_cli_number(cli, "seal-age") * 1000,
      .margin_ms = hf_cli_number(cli, "seal-margin") * 1000,
      .priority = (int32_t)hf_cli_signed(cli, "priority"),
      .ops = &hf_cli_fold_ops,
      .ops_context = &fold,
      .on_event = print_event,
      .context = &context,
      .log = &cli->log,
  };
  if (hf_cli_number(cli, "seal-count") < 1 || hf_cli_number(cli, "seal-count") > HF_SEAL_RECORDS_MAX)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "--seal-count is 1 to %d", HF_SEAL_RECORDS_MAX));
  HF_TRY(hf_aggregator_create(&options, &aggregator));
  cli->printed = true; /* stdout is a stream of lines, one an event */
  if (hf_cli_given(cli, "replan"))
    HF_TRY(replan(cli, &fold, aggregator, &lock));
  else
    HF_TRY(hf_cli_sealed_lock(fold.out, HF_SEALS_TO_ADD, &lock));
  HF_TRY(hf_cli_metrics_serve(&shown, "metrics"));
  HF_TRY(work(cli, aggregator, context.metrics));
out:
  hf_cli_metrics_close(&shown);
  hf_aggregator_metrics_destroy(&context.metrics);
  if (lock >= 0) close(lock);
  hf_aggregator_destroy(&aggregator);
  hf_queue_close(&queue);
  hf_pool_keys_destroy(&pool_keys);
  hf_cli_fold_close(&fold);
  free(words[0]);
  free(words[1]);
  return status;
}

const hf_option hf_aggregator_options_list[] = {
    HF_OPTION_DATA,
    HF_OPTION_QUEUE,
    HF_OPTIONS_DEVICE,
    {"tenant", HF_OPTION_TEXT, "NAME", "hyperfold", "whose batches are folded, and whose jobs the folds are"},
    {"chain", HF_OPTION_TEXT, "ID[,ID]", NULL,
     "only these chains (default: all that have batches in the queue)"},
    {"without", HF_OPTION_TEXT, "ID[,ID]", NULL, "not these chains: their batches wait in the queue"},
    {"replan", HF_OPTION_LARGE, "SEAL", NULL,
     "first give up this seal, and the later ones that share a chain with it: their batches are planned "
     "again"},
    HF_OPTION_POOL_KEY,
    {"leaf-vk", HF_OPTION_TEXT, "KEY[,KEY]", NULL,
     "keys that a batch may be proven under: digests or files (default: those in DATA/keys)"},
    {"seal-count", HF_OPTION_NUMBER, "N", "64", "batches a seal at most"},
    {"seal-age", HF_OPTION_NUMBER, "SECONDS", "60", "close a seal when its first batch is so old; 0: never"},
    {"seal-margin", HF_OPTION_NUMBER, "SECONDS", "0",
     "close a seal so long before the earliest deadline of its batches; 0: deadlines play no part"},
    {"priority", HF_OPTION_SIGNED, "N", "10", "of the folds; seals have one more"},
    {"out", HF_OPTION_TEXT, "FOLDER", NULL, "where sealed proofs are published (default: DATA/sealed)"},
    HF_OPTION_METRICS,
    {"once", HF_OPTION_FLAG, NULL, NULL, "look once and end"},
    {"drain", HF_OPTION_FLAG, NULL, NULL,
     "seal without waiting for count or age, and end when all is published"},
    HF_OPTION_END,
};
