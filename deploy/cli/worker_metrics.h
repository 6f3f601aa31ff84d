/* What a worker shows of itself (metrics_common.h): jobs by outcome, seconds of each phase, the device's busy time, memory, leases
 * lost, and the prover's processes; and two checks, "device" and "lane-N": one whose job has given no sign of progress for
 * as long as a lease lasts is stalled. */
#ifndef HF_WORKER_METRICS_H
#define HF_WORKER_METRICS_H

#include "metrics_common.h"
#include "worker.h"

typedef struct hf_worker_metrics hf_worker_metrics;

/* `maker` must outlive the exporter. */
hf_status hf_worker_metrics_create(hf_exporter *exporter, hf_maker *maker, unsigned lanes, uint64_t lease_ms, hf_worker_metrics **out);
void hf_worker_metrics_destroy(hf_worker_metrics **metrics); /* NULL is allowed; after the exporter */

/* As the worker's own calls of these names, from the thread of the lane. */
void hf_worker_metrics_progress(hf_worker_metrics *metrics, unsigned lane, const char *phase, double done);
void hf_worker_metrics_report(hf_worker_metrics *metrics, unsigned lane, const hf_worker_report *report);

#endif
