/* A queue seen from outside, as metrics: jobs by state and tenant, waiting times, all counters of hf_queue_stats, workers.
 *
 * It has a way of its own to the queue, opened when it is first asked and again after a failure, so that a queue which is away
 * is told (hyperfold_queue_up, the check "queue") and ends nobody. The queue is asked at most once in a second. */
#ifndef HF_QUEUE_WATCH_H
#define HF_QUEUE_WATCH_H

#include "exporter.h"
#include "queue.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HF_WATCH_TENANTS    50    /* with series of their own (times six states: below HF_SERIES_MAX); the others are one, "other" */
#define HF_WATCH_SEEN_MS    60000 /* workers seen in this time are there */
#define HF_WATCH_DAY_MS     86400000 /* in quarantine counts who was seen in this time */
#define HF_WATCH_PATIENCE_MS 2000 /* how long a watcher's handle should wait for the queue (hf_queue_options.busy_ms) */

typedef struct hf_queue_watch hf_queue_watch;

/* Opens a handle that the watch then owns. */
typedef hf_status (*hf_queue_opener)(void *context, hf_queue **out);

/* Adds the check "queue" and hyperfold_queue_up to the exporter, and with `whole` all the rest: several processes that show the
 * same queue would count it several times. Destroyed after the exporter, which asks it. */
hf_status hf_queue_watch_create(hf_exporter *exporter, hf_queue_opener open, void *context, bool whole, hf_queue_watch **out);
/* Calls with the watch's handle, when the queue answered last; its error otherwise. From a collector or a check. */
hf_status hf_queue_watch_ask(hf_queue_watch *watch, hf_status (*ask)(void *context, hf_queue *queue), void *context);
void hf_queue_watch_destroy(hf_queue_watch **watch); /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
