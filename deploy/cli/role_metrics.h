/* What aggregator, sequencer and settler show of themselves (metrics_common.h). Each adds its figures to an exporter that is there, and
 * lives as long as the command runs: destroyed after the exporter. */
#ifndef HF_ROLE_METRICS_H
#define HF_ROLE_METRICS_H

#include "aggregator.h"
#include "l1_common.h"
#include "metrics_common.h"
#include "sequencer.h"

/* ---- aggregator: chains, batches, folds, seals; the check "planner": its last look at the queue succeeded ---- */

typedef struct hf_aggregator_metrics hf_aggregator_metrics;
hf_status hf_aggregator_metrics_create(hf_exporter *exporter, hf_aggregator_metrics **out);
void hf_aggregator_metrics_destroy(hf_aggregator_metrics **metrics);
/* NULL is allowed in the next two. */
void hf_aggregator_metrics_event(hf_aggregator_metrics *metrics, const hf_aggregator_event *event);
void hf_aggregator_metrics_step(hf_aggregator_metrics *metrics, hf_status status, const hf_aggregator_state *state);

/* ---- sequencer: mempool, batches, answers, proofs outstanding ---- */

typedef struct hf_sequencer_metrics hf_sequencer_metrics;
/* `watch` NULL: without a queue. `tenant`: whose jobs its batches are. All must outlive the exporter. */
hf_status hf_sequencer_metrics_create(hf_exporter *exporter, hf_sequencer *sequencer, hf_queue_watch *watch, const char *tenant,
                                      hf_sequencer_metrics **out);
void hf_sequencer_metrics_destroy(hf_sequencer_metrics **metrics);

/* ---- settler: transactions, gas, seals; the check "l1": the node answers ---- */

typedef struct hf_settle_metrics hf_settle_metrics;
/* `l1` is looked at by its own thread, at every look at the node (hf_cli_l1.look). */
hf_status hf_settle_metrics_create(hf_exporter *exporter, hf_cli *cli, hf_cli_l1 *l1, hf_settle_metrics **out);
void hf_settle_metrics_destroy(hf_settle_metrics **metrics);
/* A seal is behind us: "settled" by us or somebody, or "passed_over". NULL is allowed. */
void hf_settle_metrics_seal(hf_settle_metrics *metrics, uint64_t number, const char *outcome);

#endif
