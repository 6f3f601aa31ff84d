#include "role_metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static void set(hf_family *family, double value) { hf_series_set(hf_series_of(family, NULL), value); }
static void add(hf_family *family, double value) { hf_series_add(hf_series_of(family, NULL), value); }
static void set_of(hf_family *family, const char *label, double value) { hf_series_set(hf_series_of(family, HF_LABELS(label)), value); }

static uint64_t now_ms(void) {
  const hf_clock clock = hf_clock_system();
  return clock.now_ms(clock.context);
}

/* ---- aggregator ---- */

enum {
  A_CHAINS, A_WAITING, A_READY, A_BLOCKED, A_LEAVES, A_OPEN_SEALS, A_FOLDS, A_OLDEST, A_LAST,
  A_BATCHES, A_SUBMITTED, A_PROVEN, A_CLOSED, A_PUBLISHED, A_ABANDONED, A_REFUSALS, A_LOOKS, A_FAILED_LOOKS,
  A_FAMILIES
};

static const hf_metric_spec aggregator_specs[A_FAMILIES] = {
    [A_CHAINS] = HF_GAUGE_OF("hyperfold_aggregator_chains", "Chains that have batches."),
    [A_WAITING] = HF_GAUGE_OF("hyperfold_aggregator_chains_waiting", "Chains whose next batch is queued or being proven."),
    [A_READY] = HF_GAUGE_OF("hyperfold_aggregator_batches_ready",
                            "Batches that are proven, next of their chain, and in no seal yet."),
    [A_BLOCKED] = HF_GAUGE_OF("hyperfold_aggregator_chains_blocked",
                              "Chains whose next batch failed or was refused: they stand still."),
    [A_LEAVES] = HF_GAUGE_OF("hyperfold_aggregator_open_seal_batches", "Batches in the seal that still takes some."),
    [A_OPEN_SEALS] = HF_GAUGE_OF("hyperfold_aggregator_open_seals", "Seals that are begun and not published."),
    [A_FOLDS] = HF_GAUGE_OF("hyperfold_aggregator_folds",
                            "Folds of these seals: planned, open (with a job), or done.", "state"),
    [A_OLDEST] = HF_GAUGE_OF("hyperfold_aggregator_oldest_unsealed_seconds",
                             "Age of the oldest proven batch in no published seal; 0: none."),
    [A_LAST] = HF_GAUGE_OF("hyperfold_aggregator_last_seal_number", "The last seal that this process published."),
    [A_BATCHES] = HF_COUNTER_OF("hyperfold_aggregator_batches_total", "Batches that entered a seal."),
    [A_SUBMITTED] = HF_COUNTER_OF("hyperfold_aggregator_folds_submitted_total", "Folds put in the queue."),
    [A_PROVEN] = HF_COUNTER_OF("hyperfold_aggregator_folds_proven_total", "Folds that came back proven."),
    [A_CLOSED] = HF_COUNTER_OF("hyperfold_aggregator_seals_closed_total", "Seals that take no more, by reason.", "reason"),
    [A_PUBLISHED] = HF_COUNTER_OF("hyperfold_aggregator_seals_published_total", "Seals proven, checked and published."),
    [A_ABANDONED] = HF_COUNTER_OF("hyperfold_aggregator_seals_abandoned_total", "Seals given up."),
    [A_REFUSALS] = HF_COUNTER_OF("hyperfold_aggregator_refusals_total", "Results of workers that were refused."),
    [A_LOOKS] = HF_COUNTER_OF("hyperfold_aggregator_looks_total", "Looks at the queue."),
    [A_FAILED_LOOKS] = HF_COUNTER_OF("hyperfold_aggregator_failed_looks_total", "Of these, those that failed."),
};

struct hf_aggregator_metrics {
  hf_family *family[A_FAMILIES];
  _Atomic uint64_t oldest_ms; /* of the last state */
  atomic_int status;          /* of the last look */
};

static void aggregator_collect(void *context) {
  hf_aggregator_metrics *m = context;
  const uint64_t oldest = atomic_load(&m->oldest_ms), now = now_ms();
  set(m->family[A_OLDEST], oldest != 0 && oldest < now ? (double)(now - oldest) / 1000 : 0);
}

static hf_status aggregator_check(void *context) {
  const hf_aggregator_metrics *m = context;
  const hf_status status = (hf_status)atomic_load(&m->status);
  return status == HF_OK ? HF_OK : hf_fail(status, "the last look at the queue failed: %s", hf_status_text(status));
}

hf_status hf_aggregator_metrics_create(hf_exporter *exporter, hf_aggregator_metrics **out) {
  static const int counters[] = {A_BATCHES, A_SUBMITTED, A_PROVEN, A_PUBLISHED, A_ABANDONED, A_REFUSALS, A_LOOKS, A_FAILED_LOOKS};
  hf_status status;
  *out = NULL;
  hf_aggregator_metrics *m = calloc(1, sizeof *m);
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for metrics");
  HF_TRY(hf_metrics_add_all(hf_exporter_metrics(exporter), aggregator_specs, A_FAMILIES, m->family));
  HF_TRY(hf_metrics_collector(hf_exporter_metrics(exporter), aggregator_collect, m));
  HF_TRY(hf_exporter_check(exporter, "planner", aggregator_check, m));
  for (unsigned i = 0; i < sizeof counters / sizeof *counters; i++) add(m->family[counters[i]], 0);
  *out = m;
  m = NULL;
out:
  free(m);
  return status;
}

void hf_aggregator_metrics_destroy(hf_aggregator_metrics **metrics) {
  free(*metrics);
  *metrics = NULL;
}

void hf_aggregator_metrics_event(hf_aggregator_metrics *m, const hf_aggregator_event *e) {
  static const int counted[] = {[HF_AGGREGATOR_LEAF] = A_BATCHES,        [HF_AGGREGATOR_FOLD] = A_SUBMITTED,
                                [HF_AGGREGATOR_FOLDED] = A_PROVEN,       [HF_AGGREGATOR_PUBLISHED] = A_PUBLISHED,
                                [HF_AGGREGATOR_AGAIN] = A_REFUSALS,      [HF_AGGREGATOR_ABANDONED] = A_ABANDONED};
  if (m == NULL) return;
  if (e->kind == HF_AGGREGATOR_CLOSED) hf_series_add(hf_series_of(m->family[A_CLOSED], HF_LABELS(e->text)), 1);
  else if ((size_t)e->kind < sizeof counted / sizeof *counted && counted[e->kind] != 0) add(m->family[counted[e->kind]], 1);
}

void hf_aggregator_metrics_step(hf_aggregator_metrics *m, hf_status status, const hf_aggregator_state *s) {
  if (m == NULL) return;
  add(m->family[A_LOOKS], 1);
  add(m->family[A_FAILED_LOOKS], status != HF_OK);
  atomic_store(&m->status, (int)status);
  atomic_store(&m->oldest_ms, s->oldest_ms);
  set(m->family[A_CHAINS], s->chains);
  set(m->family[A_WAITING], s->waiting);
  set(m->family[A_READY], s->ready);
  set(m->family[A_BLOCKED], s->blocked);
  set(m->family[A_LEAVES], s->leaves);
  set(m->family[A_OPEN_SEALS], s->seals);
  set(m->family[A_LAST], (double)s->last);
  set_of(m->family[A_FOLDS], "planned", s->folds_planned);
  set_of(m->family[A_FOLDS], "open", s->folds_open);
  set_of(m->family[A_FOLDS], "done", s->folds_done);
}

/* ---- sequencer ---- */

#define OUTSTANDING_PAGE 64
#define OUTSTANDING_MOST 4096 /* jobs that are counted at most */

enum { S_PENDING, S_POOL, S_ACCOUNTS, S_DEPOSITS, S_UNSUBMITTED, S_OUTSTANDING, S_BATCHES, S_OPERATIONS, S_ANSWERS, S_FAMILIES };

static const hf_metric_spec sequencer_specs[S_FAMILIES] = {
    [S_PENDING] = HF_GAUGE_OF("hyperfold_sequencer_pending_operations",
                              "Operations that wait for a batch: the mempool.", "chain"),
    [S_POOL] = HF_GAUGE_OF("hyperfold_sequencer_pool_operations", "Operations that may wait.", "chain"),
    [S_ACCOUNTS] = HF_GAUGE_OF("hyperfold_sequencer_accounts", "Accounts.", "chain"),
    [S_DEPOSITS] = HF_GAUGE_OF("hyperfold_sequencer_next_deposit", "Index of the deposit that is awaited.", "chain"),
    [S_UNSUBMITTED] = HF_GAUGE_OF("hyperfold_sequencer_unsubmitted_batches",
                                  "Batches that the queue has not taken yet.", "chain"),
    [S_OUTSTANDING] = HF_GAUGE_OF("hyperfold_sequencer_outstanding_proofs",
                                  "Batches in the queue that are not proven (at most 4096 are counted).",
                                  "chain"),
    [S_BATCHES] = HF_COUNTER_OF("hyperfold_sequencer_batches_total", "Batches in the chain's life.", "chain"),
    [S_OPERATIONS] = HF_COUNTER_OF("hyperfold_sequencer_operations_total", "Operations in these batches.", "chain"),
    [S_ANSWERS] = HF_COUNTER_OF("hyperfold_sequencer_transactions_total",
                                "Transactions by their answer since the process began: accepted, busy, or the code of the refusal.", "answer"),
};

struct hf_sequencer_metrics {
  hf_sequencer *sequencer;
  hf_queue_watch *watch;
  const char *tenant;
  hf_family *family[S_FAMILIES];
  uint64_t outstanding[64]; /* by chain, in their order; of one scrape */
};

/* Jobs "CHAIN/NUMBER" that are open. */
static hf_status count_outstanding(void *context, hf_queue *queue) {
  hf_sequencer_metrics *m = context;
  hf_status status = HF_OK;
  hf_job_filter filter = {.tenant = m->tenant, .kind_mask = 1u << HF_JOB_PROVE_BATCH, .state_mask = 1u << HF_JOB_QUEUED | 1u << HF_JOB_LEASED};
  const size_t chains = hf_sequencer_chain_count(m->sequencer);
  hf_job_record *page = calloc(OUTSTANDING_PAGE, sizeof *page);
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of jobs");
  memset(m->outstanding, 0, sizeof m->outstanding);
  for (size_t count = OUTSTANDING_PAGE, all = 0; count == OUTSTANDING_PAGE && all < OUTSTANDING_MOST; all += count) {
    HF_TRY(hf_queue_list(queue, &filter, page, OUTSTANDING_PAGE, &count));
    for (size_t i = 0; i < count; i++) {
      char id[HF_JOB_ID_TEXT], name[HF_CHAIN_ID_TEXT];
      hf_job_id_text(&page[i].header.key.id, id);
      id[strcspn(id, "/")] = 0;
      filter.after = page[i].sequence;
      for (size_t k = 0; k < chains; k++) {
        hf_chain_info info;
        hf_chain_get_info(hf_sequencer_chain(m->sequencer, k), &info);
        hf_chain_id_text(info.chain_id, name);
        m->outstanding[k] += strcmp(name, id) == 0;
      }
    }
  }
out:
  free(page);
  return status;
}

static void sequencer_collect(void *context) {
  hf_sequencer_metrics *m = context;
  hf_tally tally;
  const bool counted = m->watch != NULL && hf_queue_watch_ask(m->watch, count_outstanding, m) == HF_OK;
  if (!counted) hf_family_hide(m->family[S_OUTSTANDING]);
  for (size_t i = 0; i < hf_sequencer_chain_count(m->sequencer); i++) {
    hf_chain_info info;
    char chain[HF_CHAIN_ID_TEXT];
    hf_chain_get_info(hf_sequencer_chain(m->sequencer, i), &info);
    hf_chain_id_text(info.chain_id, chain);
    set_of(m->family[S_PENDING], chain, (double)info.pending);
    set_of(m->family[S_POOL], chain, (double)info.pool_limit);
    set_of(m->family[S_ACCOUNTS], chain, (double)info.accounts);
    set_of(m->family[S_DEPOSITS], chain, (double)info.deposits);
    set_of(m->family[S_UNSUBMITTED], chain, (double)info.unsubmitted);
    set_of(m->family[S_BATCHES], chain, (double)info.batches);
    set_of(m->family[S_OPERATIONS], chain, (double)info.sealed);
    if (counted) set_of(m->family[S_OUTSTANDING], chain, (double)m->outstanding[i]);
  }
  hf_sequencer_answered(m->sequencer, &tally);
  set_of(m->family[S_ANSWERS], "accepted", (double)tally.by_refusal[HF_REFUSAL_NONE]);
  set_of(m->family[S_ANSWERS], "busy", (double)tally.busy);
  for (int i = 1; i < HF_REFUSALS; i++) set_of(m->family[S_ANSWERS], hf_refusal_code((hf_refusal)i), (double)tally.by_refusal[i]);
}

hf_status hf_sequencer_metrics_create(hf_exporter *exporter, hf_sequencer *sequencer, hf_queue_watch *watch, const char *tenant,
                                      hf_sequencer_metrics **out) {
  hf_status status;
  *out = NULL;
  hf_sequencer_metrics *m = calloc(1, sizeof *m);
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for metrics");
  m->sequencer = sequencer;
  m->watch = watch;
  m->tenant = tenant;
  HF_TRY(hf_metrics_add_all(hf_exporter_metrics(exporter), sequencer_specs, S_FAMILIES, m->family));
  HF_TRY(hf_metrics_collector(hf_exporter_metrics(exporter), sequencer_collect, m));
  *out = m;
  m = NULL;
out:
  free(m);
  return status;
}

void hf_sequencer_metrics_destroy(hf_sequencer_metrics **metrics) {
  free(*metrics);
  *metrics = NULL;
}

/* ---- settler ---- */

enum { L_TRANSACTIONS, L_ATTEMPTS, L_GAS, L_SEALS, L_LAST, L_LAST_TIME, L_FAMILIES };

static const hf_metric_spec settle_specs[L_FAMILIES] = {
    [L_TRANSACTIONS] = HF_GAUGE_OF("hyperfold_settle_transactions",
                                   "Requests in this account's journal: sent, mined, confirmed, reverted, cancelled or lost.", "state"),
    [L_ATTEMPTS] = HF_COUNTER_OF("hyperfold_settle_transactions_sent_total",
                                 "Transactions signed for them, those with higher fees included."),
    [L_GAS] = HF_COUNTER_OF("hyperfold_settle_gas_total", "Gas that was paid for in blocks with all confirmations."),
    [L_SEALS] = HF_COUNTER_OF("hyperfold_settle_seals_total",
                              "Seals that are behind this process: settled or passed_over.", "outcome"),
    [L_LAST] = HF_GAUGE_OF("hyperfold_settle_last_seal_number", "The last seal that is settled."),
    [L_LAST_TIME] = HF_GAUGE_OF("hyperfold_settle_last_seal_timestamp_seconds",
                                "When this process found it settled, in seconds since 1970."),
};

struct hf_settle_metrics {
  hf_cli *cli;
  hf_cli_l1 *l1;
  hf_family *family[L_FAMILIES];
};

/* The journal, from the thread that has it. */
static void settle_look(void *context) {
  enum { SENT, MINED, CONFIRMED, REVERTED, CANCELLED, LOST, STATES };
  static const char *const texts[STATES] = {"sent", "mined", "confirmed", "reverted", "cancelled", "lost"};
  hf_settle_metrics *m = context;
  double states[STATES] = {0}, attempts = 0, gas = 0;
  hf_sent sent;
  for (size_t i = 0; hf_sender_list(m->l1->sender, i, &sent); i++) {
    attempts += (double)sent.attempts;
    if (sent.stage == HF_SEND_CONFIRMED) gas += (double)sent.receipt.gas_used;
    states[sent.stage == HF_SEND_SENT    ? SENT
           : sent.stage == HF_SEND_MINED ? MINED
           : sent.stage == HF_SEND_LOST  ? LOST
           : sent.cancelled              ? CANCELLED
           : sent.receipt.success        ? CONFIRMED
                                         : REVERTED]++;
  }
  for (int i = 0; i < STATES; i++) set_of(m->family[L_TRANSACTIONS], texts[i], states[i]);
  set(m->family[L_ATTEMPTS], attempts);
  set(m->family[L_GAS], gas);
}

static hf_status settle_check(void *context) {
  const hf_settle_metrics *m = context;
  hf_status status;
  hf_rpc *rpc = NULL;
  uint64_t block;
  HF_TRY(hf_cli_l1_probe(m->cli, &rpc));
  HF_TRY(hf_eth_block_number(rpc, &block));
out:
  hf_rpc_close(&rpc);
  return status;
}

hf_status hf_settle_metrics_create(hf_exporter *exporter, hf_cli *cli, hf_cli_l1 *l1, hf_settle_metrics **out) {
  hf_status status;
  *out = NULL;
  hf_settle_metrics *m = calloc(1, sizeof *m);
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for metrics");
  m->cli = cli;
  m->l1 = l1;
  HF_TRY(hf_metrics_add_all(hf_exporter_metrics(exporter), settle_specs, L_FAMILIES, m->family));
  HF_TRY(hf_exporter_check(exporter, "l1", settle_check, m));
  hf_series_add(hf_series_of(m->family[L_SEALS], HF_LABELS("settled")), 0);
  settle_look(m);
  l1->look = settle_look;
  l1->look_context = m;
  *out = m;
  m = NULL;
out:
  free(m);
  return status;
}

void hf_settle_metrics_destroy(hf_settle_metrics **metrics) {
  free(*metrics);
  *metrics = NULL;
}

void hf_settle_metrics_seal(hf_settle_metrics *m, uint64_t number, const char *outcome) {
  if (m == NULL) return;
  settle_look(m);
  hf_series_add(hf_series_of(m->family[L_SEALS], HF_LABELS(outcome)), 1);
  if (strcmp(outcome, "settled") != 0) return;
  set(m->family[L_LAST], (double)number);
  set(m->family[L_LAST_TIME], (double)now_ms() / 1000);
}
