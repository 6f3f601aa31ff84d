#include "queue_watch.h"

#include <hyperfold/clock.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define PAGE     64
#define FRESH_MS 1000

enum {
  UP, JOBS, DRAINING, OLDEST, WORKERS, QUARANTINED, TENANTS,
  SUBMISSIONS, LEASES, EXPIRED, RELEASED, FAILURES, STALE, RESULTS, LATE, DIFFERING,
  REFUSALS, QUARANTINES, PARDONS, BARRED,
  TENANT_JOBS, TENANT_WEIGHT, TENANT_QUOTA, TENANT_USED, TENANT_PROVED,
  FAMILIES
};

static const hf_metric_spec specs[FAMILIES] = {
    [UP] = HF_GAUGE_OF("hyperfold_queue_up", "1 when the queue answered, 0 when it did not."),
    [JOBS] = HF_GAUGE_OF("hyperfold_queue_jobs", "Jobs by state.", "state"),
    [DRAINING] = HF_GAUGE_OF("hyperfold_queue_draining", "1 when the queue takes no new work (queue drain)."),
    [OLDEST] = HF_GAUGE_OF("hyperfold_queue_oldest_queued_seconds",
                           "Age of the job that has waited longest; 0 if none waits."),
    [WORKERS] = HF_GAUGE_OF("hyperfold_queue_workers", "Workers seen in the last minute."),
    [QUARANTINED] = HF_GAUGE_OF("hyperfold_queue_workers_quarantined",
                                "Workers seen in the last day that get no jobs, as results of theirs were refused."),
    [TENANTS] = HF_GAUGE_OF("hyperfold_queue_tenants", "Tenants that the queue knows."),
    [SUBMISSIONS] = HF_COUNTER_OF("hyperfold_queue_submissions_total",
                                  "Jobs submitted: accepted, known already (again), another payload under a name "
                                  "(conflict), or above a quota (refused).", "outcome"),
    [LEASES] = HF_COUNTER_OF("hyperfold_queue_leases_total", "Jobs given to workers."),
    [EXPIRED] = HF_COUNTER_OF("hyperfold_queue_leases_expired_total", "Leases that ran out: workers lost."),
    [RELEASED] = HF_COUNTER_OF("hyperfold_queue_leases_released_total", "Jobs given back by their workers."),
    [FAILURES] = HF_COUNTER_OF("hyperfold_queue_failures_total", "Attempts that failed and were charged."),
    [STALE] = HF_COUNTER_OF("hyperfold_queue_stale_failures_total",
                            "Failures reported under a lease no longer held; without effect."),
    [RESULTS] = HF_COUNTER_OF("hyperfold_queue_results_total", "Results accepted."),
    [LATE] = HF_COUNTER_OF("hyperfold_queue_late_results_total", "Results for jobs that were over."),
    [DIFFERING] = HF_COUNTER_OF("hyperfold_queue_differing_results_total", "Late results that were not the accepted one."),
    [REFUSALS] = HF_COUNTER_OF("hyperfold_queue_refusals_total", "Results that their taker refused: they did not verify."),
    [QUARANTINES] = HF_COUNTER_OF("hyperfold_queue_quarantines_total", "Workers put in quarantine."),
    [PARDONS] = HF_COUNTER_OF("hyperfold_queue_pardons_total", "Workers pardoned."),
    [BARRED] = HF_COUNTER_OF("hyperfold_queue_barred_results_total",
                             "Results not taken: of quarantined workers, or refused before."),
    [TENANT_JOBS] = HF_GAUGE_OF("hyperfold_queue_tenant_jobs", "Jobs by tenant and state.", "tenant", "state"),
    [TENANT_WEIGHT] = HF_GAUGE_OF("hyperfold_queue_tenant_weight",
                                  "Share of the fleet, relative to the weights of the others.", "tenant"),
    [TENANT_QUOTA] = HF_GAUGE_OF("hyperfold_queue_tenant_quota_jobs", "Open jobs that a tenant may have.", "tenant"),
    [TENANT_USED] = HF_COUNTER_OF("hyperfold_queue_tenant_device_seconds_total",
                                  "Device time of a tenant's leases that ended.", "tenant"),
    [TENANT_PROVED] = HF_COUNTER_OF("hyperfold_queue_tenant_proven_seconds_total",
                                    "Device time of those whose result was accepted.", "tenant"),
};

/* What the queue said last. */
typedef struct sight {
  hf_queue_stats stats;
  uint64_t workers, quarantined, tenants;
  hf_tenant_stats own[HF_WATCH_TENANTS], other; /* of `other` the sums */
  bool has_other;
} sight;

struct hf_queue_watch {
  hf_queue_opener open;
  void *context;
  bool whole;
  bool apart; /* who it is there may not see the queue's statistics: it is asked for what everybody may know */
  hf_family *family[FAMILIES]; /* the first alone without `whole` */
  pthread_mutex_t lock; /* guards what follows */
  hf_queue *queue;      /* NULL: not open */
  uint64_t looked_ms;   /* monotonic; 0: never */
  hf_status status;     /* of the last look */
  char reason[HF_DETAIL_MAX + 1];
  sight seen;
  /* Who has series of its own: the first that came, for good, so that no counter goes back. */
  char name[HF_WATCH_TENANTS][HF_NAME_MAX + 1];
  unsigned names;
};

/* ---- looking ---- */

static void count_tenant(hf_queue_watch *w, const hf_tenant_stats *t) {
  unsigned at = 0;
  w->seen.tenants++;
  if (strcmp(t->tenant, "other") == 0) at = HF_WATCH_TENANTS; /* its name is that of the sums: it is in them */
  while (at < w->names && strcmp(w->name[at], t->tenant) != 0) at++;
  if (at == w->names && w->names < HF_WATCH_TENANTS) memcpy(w->name[w->names++], t->tenant, sizeof t->tenant);
  if (at < w->names) {
    w->seen.own[at] = *t;
    return;
  }
  w->seen.has_other = true;
  for (int i = 0; i < HF_JOB_STATES; i++) w->seen.other.jobs[i] += t->jobs[i];
  w->seen.other.used_ms += t->used_ms;
  w->seen.other.proved_ms += t->proved_ms;
}

static hf_status look_at_tenants(hf_queue_watch *w) {
  hf_status status = HF_OK;
  char after[HF_NAME_MAX + 1] = "";
  hf_tenant_stats *page = calloc(PAGE, sizeof *page);
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of tenants");
  for (size_t count = PAGE; count == PAGE;) {
    HF_TRY(hf_queue_tenants(w->queue, after, page, PAGE, &count));
    for (size_t i = 0; i < count; i++) count_tenant(w, &page[i]);
    if (count > 0) memcpy(after, page[count - 1].tenant, sizeof after);
  }
out:
  free(page);
  return status;
}

static hf_status look_at_workers(hf_queue_watch *w) {
  hf_status status = HF_OK;
  char after[HF_NAME_MAX + 1] = "";
  const hf_clock clock = hf_clock_system();
  const uint64_t now = clock.now_ms(clock.context), since = now > HF_WATCH_SEEN_MS ? now - HF_WATCH_SEEN_MS : 0,
                 day = now > HF_WATCH_DAY_MS ? now - HF_WATCH_DAY_MS : 0;
  hf_worker_record *page = calloc(PAGE, sizeof *page);
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of workers");
  for (size_t count = PAGE; count == PAGE;) {
    HF_TRY(hf_queue_workers(w->queue, day, after, page, PAGE, &count)); /* who is in quarantine may be away */
    for (size_t i = 0; i < count; i++) {
      w->seen.workers += page[i].seen_ms >= since;
      w->seen.quarantined += page[i].quarantined_ms != 0;
    }
    if (count > 0) memcpy(after, page[count - 1].worker.name, sizeof after);
  }
out:
  free(page);
  return status;
}

/* Whether the queue answers, with its statistics. A broker shows them to operators and viewers alone. */
static hf_status greet(hf_queue_watch *w) {
  bool has;
  if (!w->apart) {
    hf_status status = hf_queue_get_stats(w->queue, &w->seen.stats);
    if (w->whole || status != HF_E_REFUSED) return status;
  }
  hf_status status = hf_artifact_has(w->queue, &(hf_digest){{0}}, &has);
  w->apart = status == HF_OK;
  return status;
}

/* Under the lock. What it said stands for a second. */
static hf_status look(hf_queue_watch *w) {
  hf_status status = HF_OK;
  if (w->looked_ms != 0 && hf_steady_ms() - w->looked_ms < FRESH_MS)
    return w->status == HF_OK ? HF_OK : hf_fail(w->status, "%s", w->reason);
  memset(&w->seen, 0, sizeof w->seen);
  if (w->queue == NULL) HF_TRY(w->open(w->context, &w->queue));
  HF_TRY(greet(w));
  if (w->whole) HF_TRY(look_at_tenants(w));
  if (w->whole) HF_TRY(look_at_workers(w));
out:
  w->status = status;
  if (status != HF_OK) hf_detail_copy(hf_error_message(), w->reason);
  if (status != HF_OK && status != HF_E_BUSY) hf_queue_close(&w->queue); /* opened anew by the next look */
  w->looked_ms = hf_steady_ms();
  return status == HF_OK ? HF_OK : hf_fail(status, "%s", w->reason);
}

static hf_status check(void *context) {
  hf_queue_watch *w = context;
  pthread_mutex_lock(&w->lock);
  const hf_status status = look(w);
  pthread_mutex_unlock(&w->lock);
  return status;
}

hf_status hf_queue_watch_ask(hf_queue_watch *w, hf_status (*ask)(void *context, hf_queue *queue), void *context) {
  pthread_mutex_lock(&w->lock);
  hf_status status = look(w);
  if (status == HF_OK) status = ask(context, w->queue);
  pthread_mutex_unlock(&w->lock);
  return status;
}

/* ---- showing ---- */

static void set(hf_queue_watch *w, int family, double value) { hf_series_set(hf_series_of(w->family[family], NULL), value); }

static void set_of(hf_queue_watch *w, int family, const char *label, double value) {
  hf_series_set(hf_series_of(w->family[family], HF_LABELS(label)), value);
}

static void show_tenant(hf_queue_watch *w, const char *name, const hf_tenant_stats *t) {
  for (int i = 0; i < HF_JOB_STATES; i++)
    hf_series_set(hf_series_of(w->family[TENANT_JOBS], HF_LABELS(name, hf_job_state_text((hf_job_state)i))), (double)t->jobs[i]);
  set_of(w, TENANT_USED, name, (double)t->used_ms / 1000);
  set_of(w, TENANT_PROVED, name, (double)t->proved_ms / 1000);
}

static void show(hf_queue_watch *w) {
  const hf_queue_stats *s = &w->seen.stats;
  for (int i = 0; i < HF_JOB_STATES; i++) set_of(w, JOBS, hf_job_state_text((hf_job_state)i), (double)s->jobs[i]);
  set(w, DRAINING, s->draining[0] != 0);
  set(w, OLDEST, (double)s->oldest_queued_ms / 1000);
  set(w, WORKERS, (double)w->seen.workers);
  set(w, QUARANTINED, (double)w->seen.quarantined);
  set(w, TENANTS, (double)w->seen.tenants);
  set_of(w, SUBMISSIONS, "accepted", (double)s->submitted);
  set_of(w, SUBMISSIONS, "again", (double)s->resubmitted);
  set_of(w, SUBMISSIONS, "conflict", (double)s->conflicts);
  set_of(w, SUBMISSIONS, "refused", (double)s->refused);
  set(w, LEASES, (double)s->leases);
  set(w, EXPIRED, (double)s->expired);
  set(w, RELEASED, (double)s->released);
  set(w, FAILURES, (double)s->failures);
  set(w, STALE, (double)s->stale);
  set(w, RESULTS, (double)s->results);
  set(w, LATE, (double)s->late_results);
  set(w, DIFFERING, (double)s->late_differing);
  set(w, REFUSALS, (double)s->refusals);
  set(w, QUARANTINES, (double)s->quarantines);
  set(w, PARDONS, (double)s->pardons);
  set(w, BARRED, (double)s->barred);
  for (unsigned i = 0; i < w->names; i++) {
    const hf_tenant_stats *t = &w->seen.own[i];
    show_tenant(w, w->name[i], t);
    set_of(w, TENANT_WEIGHT, w->name[i], t->weight);
    set_of(w, TENANT_QUOTA, w->name[i], (double)t->quota);
  }
  if (w->seen.has_other) show_tenant(w, "other", &w->seen.other);
}

static void collect(void *context) {
  hf_queue_watch *w = context;
  pthread_mutex_lock(&w->lock);
  const bool up = look(w) == HF_OK;
  if (w->whole && up) show(w);
  for (int i = 0; i < FAMILIES && w->whole && !up; i++) hf_family_hide(w->family[i]);
  set(w, UP, up);
  pthread_mutex_unlock(&w->lock);
}

/* ---- life ---- */

hf_status hf_queue_watch_create(hf_exporter *exporter, hf_queue_opener open, void *context, bool whole, hf_queue_watch **out) {
  hf_status status;
  *out = NULL;
  hf_queue_watch *w = calloc(1, sizeof *w);
  if (w == NULL) return hf_fail(HF_E_MEMORY, "no memory for a watch");
  pthread_mutex_init(&w->lock, NULL);
  w->open = open;
  w->context = context;
  w->whole = whole;
  HF_TRY(hf_metrics_add_all(hf_exporter_metrics(exporter), specs, whole ? FAMILIES : UP + 1, w->family));
  HF_TRY(hf_exporter_check(exporter, "queue", check, w));
  HF_TRY(hf_metrics_collector(hf_exporter_metrics(exporter), collect, w));
  *out = w;
  w = NULL;
out:
  hf_queue_watch_destroy(&w);
  return status;
}

void hf_queue_watch_destroy(hf_queue_watch **watch) {
  hf_queue_watch *w = *watch;
  if (w == NULL) return;
  hf_queue_close(&w->queue);
  pthread_mutex_destroy(&w->lock);
  free(w);
  *watch = NULL;
}
