#include "l1_deposits.h"

#include <hyperfold/file.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "deposit_watch.h"
#include "l1_common.h"

#define CHAINS_MAX 64

struct hf_cli_deposits {
  hf_sequencer *sequencer;
  const hf_logger *log;
  hf_cli_l1 l1;
  size_t count;
  struct {
    hf_chain *chain;
    hf_chain_id id;
    hf_deposit_watch *watch;
  } of[CHAINS_MAX];
  uint64_t poll_ms;
  pthread_t thread;
  bool running;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  bool stopped; /* under the lock */
};

static void chain_number(hf_chain_id id, hf_u256 *out) {
  char text[HF_CHAIN_ID_TEXT];
  hf_chain_id_text(id, text);
  (void)hf_u256_parse(text, out); /* decimal digits below 2^128 */
}

static hf_status open_watch(hf_cli *cli, hf_cli_deposits *d, size_t i, const char *folder) {
  hf_status status;
  hf_chain_info info;
  char id[HF_CHAIN_ID_TEXT], *file = NULL;
  hf_deposit_watch_options options = {.contract = d->l1.contract,
                                      .confirmations = hf_cli_number(cli, "l1-confirmations"),
                                      .from_block = d->l1.from_block};
  d->of[i].chain = hf_sequencer_chain(d->sequencer, i);
  hf_chain_get_info(d->of[i].chain, &info);
  d->of[i].id = info.chain_id;
  hf_chain_id_text(info.chain_id, id);
  chain_number(info.chain_id, &options.chain);
  if (asprintf(&file, "%s/%s.l1", folder, id) < 0) {
    file = NULL;
    HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a path"));
  }
  options.file = file;
  status = hf_deposit_watch_open(&options, &d->of[i].watch);
  if (status != HF_OK) HF_TRY(hf_fail_context(status, "chain %s", id));
out:
  free(file);
  return status;
}

hf_status hf_cli_deposits_open(hf_cli *cli, hf_sequencer *sequencer, hf_cli_deposits **out) {
  hf_status status = HF_OK;
  *out = NULL;
  char *folder = hf_cli_data_path(cli, "chains");
  hf_cli_deposits *d = calloc(1, sizeof *d);
  if (d == NULL || folder == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the deposits"));
  (void)pthread_mutex_init(&d->lock, NULL);
  (void)pthread_cond_init(&d->wake, NULL);
  d->sequencer = sequencer;
  d->log = &cli->log;
  d->poll_ms = hf_cli_number(cli, "l1-poll");
  HF_TRY(hf_cli_l1_open(cli, HF_L1_CONTRACT, &d->l1));
  cli->log.part = "sequencer";
  d->count = hf_sequencer_chain_count(sequencer);
  for (size_t i = 0; i < d->count; i++) HF_TRY(open_watch(cli, d, i, folder));
  *out = d;
  d = NULL;
out:
  hf_cli_deposits_close(&d);
  free(folder);
  return status;
}

/* ---- one look ---- */

typedef struct receiver {
  hf_cli_deposits *deposits;
  size_t chain;
  hf_deposit_counts *counts;
} receiver;

static hf_status take(void *context, const hf_l1_deposit *from, size_t count) {
  const receiver *r = context;
  hf_status status = HF_OK;
  hf_deposit_counts counts = {0};
  hf_deposit *list = calloc(count, sizeof *list);
  if (list == NULL) return hf_fail(HF_E_MEMORY, "no memory for %zu deposits", count);
  for (size_t i = 0; i < count; i++) {
    list[i] = (hf_deposit){
        .chain_id = r->deposits->of[r->chain].id, .index = from[i].index, .amount = from[i].amount};
    if (!hf_fr_from_bytes_be(from[i].key_x.b, &list[i].x) ||
        !hf_fr_from_bytes_be(from[i].key_y.b, &list[i].y))
      HF_TRY(hf_fail(HF_E_RANGE, "deposit %llu: a key that the contract does not take",
                     (unsigned long long)from[i].index));
  }
  HF_TRY(hf_sequencer_deposits(r->deposits->sequencer, list, count, &counts));
  hf_log(r->deposits->log, HF_LOG_INFO, "deposits taken from L1", HF_LOG_UINT("first", from[0].index),
         HF_LOG_UINT("count", count), HF_LOG_UINT("refused", counts.refused));
out:
  if (r->counts != NULL) {
    r->counts->applied += counts.applied;
    r->counts->refused += counts.refused;
    r->counts->known += counts.known;
  }
  free(list);
  return status;
}

hf_status hf_cli_deposits_poll(hf_cli_deposits *deposits, hf_deposit_counts *counts) {
  hf_status first = HF_OK;
  for (size_t i = 0; i < deposits->count; i++) { /* a chain whose deposits fail does not stop another's */
    hf_chain_info info;
    uint64_t given;
    receiver r = {deposits, i, counts};
    hf_chain_get_info(deposits->of[i].chain, &info);
    hf_status status = hf_deposit_watch_poll(deposits->of[i].watch, info.deposits, take, &r, &given);
    if (status != HF_OK) hf_log(deposits->log, HF_LOG_WARN, "deposits not read", HF_LOG_STATUS(status));
    if (first == HF_OK) first = status;
  }
  return first;
}

/* ---- the thread ---- */

static bool wait_for_next(hf_cli_deposits *d) {
  struct timespec until;
  clock_gettime(CLOCK_REALTIME, &until);
  const uint64_t ns = (uint64_t)until.tv_nsec + d->poll_ms % 1000 * 1000000;
  until.tv_sec += (time_t)(d->poll_ms / 1000 + ns / 1000000000);
  until.tv_nsec = (long)(ns % 1000000000);
  pthread_mutex_lock(&d->lock);
  int waited = 0;
  while (!d->stopped && waited == 0) waited = pthread_cond_timedwait(&d->wake, &d->lock, &until);
  const bool stopped = d->stopped;
  pthread_mutex_unlock(&d->lock);
  return !stopped;
}

static void *watch(void *context) {
  hf_cli_deposits *d = context;
  while (wait_for_next(d)) (void)hf_cli_deposits_poll(d, NULL);
  return NULL;
}

hf_status hf_cli_deposits_start(hf_cli_deposits *deposits) {
  if (pthread_create(&deposits->thread, NULL, watch, deposits) != 0)
    return hf_fail(HF_E_MEMORY, "no thread for the deposits");
  deposits->running = true;
  return HF_OK;
}

void hf_cli_deposits_close(hf_cli_deposits **deposits) {
  hf_cli_deposits *d = *deposits;
  if (d == NULL) return;
  if (d->running) {
    pthread_mutex_lock(&d->lock);
    d->stopped = true;
    pthread_cond_signal(&d->wake);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
  }
  for (size_t i = 0; i < d->count; i++) hf_deposit_watch_close(&d->of[i].watch);
  hf_cli_l1_close(&d->l1);
  pthread_cond_destroy(&d->wake);
  pthread_mutex_destroy(&d->lock);
  free(d);
  *deposits = NULL;
}
