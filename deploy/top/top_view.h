/* One look at a queue, for people: what `hyperfold top` shows, apart from how.
 *
 * Everything in it that other parties have written (names, causes) is as the queue holds it: whoever shows it makes it harmless. */
#ifndef HF_TOP_VIEW_H
#define HF_TOP_VIEW_H

#include "queue.h"

#define HF_TOP_TENANTS 64
#define HF_TOP_WORKERS 128
#define HF_TOP_JOBS    256 /* in hand */
#define HF_TOP_DEAD    3   /* dead letters that are shown */
#define HF_TOP_ALARMS  8
#define HF_TOP_COUNTED 1024    /* open folds, seals and batches that are counted at most */
#define HF_TOP_SEEN_MS 300000  /* workers seen in this time are shown, those in quarantine for a day */
#define HF_TOP_DAY_MS  86400000
#define HF_TOP_AWAY_MS 15000   /* one that was not seen for so long is away */
#define HF_TOP_WAIT_MS 300000  /* a job that waits longer is an alarm */
#define HF_TOP_ALARM   768     /* bytes of an alarm, NUL included */

/* A job in hand. */
typedef struct hf_top_job {
  hf_job_key key;
  hf_job_kind kind;
  char circuit[HF_NAME_MAX + 1], worker[HF_NAME_MAX + 1];
  hf_progress progress;
  uint64_t leased_ms;
  double rows_per_second; /* since it was leased; 0: its rows are not known */
} hf_top_job;

typedef enum hf_top_state { HF_TOP_IDLE, HF_TOP_PROVING, HF_TOP_AWAY, HF_TOP_QUARANTINED } hf_top_state;
const char *hf_top_state_text(hf_top_state state); /* "idle", "proving", ... */

typedef struct hf_top_worker {
  char name[HF_NAME_MAX + 1], device[HF_NAME_MAX + 1];
  hf_top_state state;
  uint64_t seen_ms;
  uint32_t strikes;
  char cause[HF_DETAIL_MAX + 1]; /* of the last strike */
} hf_top_worker;

typedef struct hf_top_tenant {
  hf_tenant_stats stats;
  double share; /* 0..1: by weight, among those who have open jobs; 0 without open jobs */
} hf_top_tenant;

/* Open jobs of a kind; "at least" where the sum is HF_TOP_COUNTED. */
typedef struct hf_top_open {
  uint64_t queued, leased;
} hf_top_open;

typedef struct hf_top_view {
  uint64_t now_ms;
  hf_queue_stats stats;
  hf_top_tenant tenants[HF_TOP_TENANTS]; /* those with most open jobs first */
  hf_top_worker workers[HF_TOP_WORKERS]; /* by name */
  hf_top_job jobs[HF_TOP_JOBS];          /* by submission */
  uint32_t tenant_count, worker_count, job_count;
  uint64_t tenants_in_all, workers_in_all;
  uint64_t workers_by_state[4];
  double rows_per_second; /* of all jobs in hand */
  hf_top_open batches, folds, seals;
  hf_job_key last_seal; /* the last seal that is proven; id.length 0: none */
  uint64_t last_seal_ms;
  char alarms[HF_TOP_ALARMS][HF_TOP_ALARM];
  uint32_t alarm_count;
} hf_top_view;

/* Asks the queue. Errors are those of its calls; *out is then not whole. */
hf_status hf_top_look(hf_queue *queue, uint64_t now_ms, hf_top_view *out);

/* Throughput over the last minute of looks. */
#define HF_TOP_SAMPLES 64
typedef struct hf_top_rates {
  struct {
    uint64_t ms, results;
  } samples[HF_TOP_SAMPLES];
  unsigned count, next;
} hf_top_rates; /* all zero: none yet */

/* Takes a look into account. */
void hf_top_rates_add(hf_top_rates *rates, const hf_top_view *view);
/* Results a second; negative: not known before the second look. */
double hf_top_results_per_second(const hf_top_rates *rates);

#endif
