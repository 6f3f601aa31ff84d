#include "top_view.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE      64
#define WINDOW_MS 60000
#define MOST      4096 /* workers and tenants that are looked at */

const char *hf_top_state_text(hf_top_state state) {
  static const char *const texts[] = {"idle", "proving", "away", "quarantined"};
  return texts[state];
}

/* ---- tenants ---- */

static uint64_t open_jobs(const hf_tenant_stats *t) { return t->jobs[HF_JOB_QUEUED] + t->jobs[HF_JOB_LEASED]; }

/* Those with most open jobs first, then by name. */
static int by_work(const void *a, const void *b) {
  const hf_top_tenant *x = a, *y = b;
  const uint64_t m = open_jobs(&x->stats), n = open_jobs(&y->stats);
  return m != n ? (m < n) - (m > n) : strcmp(x->stats.tenant, y->stats.tenant);
}

static hf_status look_at_tenants(hf_queue *queue, hf_top_view *v) {
  hf_status status = HF_OK;
  char after[HF_NAME_MAX + 1] = "";
  double weights = 0;
  hf_tenant_stats *page = calloc(PAGE, sizeof *page);
  hf_top_tenant *all = NULL;
  size_t known = 0;
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of tenants");
  for (size_t count = PAGE; count == PAGE && known < MOST;) {
    HF_TRY(hf_queue_tenants(queue, after, page, PAGE, &count));
    hf_top_tenant *more = realloc(all, (known + count + 1) * sizeof *all);
    if (more == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for tenants"));
    all = more;
    for (size_t i = 0; i < count; i++) {
      all[known++] = (hf_top_tenant){.stats = page[i]};
      if (open_jobs(&page[i]) > 0) weights += page[i].weight;
      memcpy(after, page[i].tenant, sizeof after);
    }
  }
  if (known > 0) qsort(all, known, sizeof *all, by_work);
  v->tenants_in_all = known;
  v->tenant_count = known < HF_TOP_TENANTS ? (uint32_t)known : HF_TOP_TENANTS;
  for (size_t i = 0; i < v->tenant_count; i++) {
    v->tenants[i] = all[i];
    if (open_jobs(&all[i].stats) > 0) v->tenants[i].share = all[i].stats.weight / weights;
  }
out:
  free(all);
  free(page);
  return status;
}

/* ---- jobs ---- */

static void take_job(hf_top_view *v, const hf_job_record *r) {
  hf_top_job *job = &v->jobs[v->job_count++];
  *job = (hf_top_job){.key = r->header.key, .kind = r->header.kind, .progress = r->progress, .leased_ms = r->leased_ms};
  memcpy(job->circuit, r->header.circuit, sizeof job->circuit);
  memcpy(job->worker, r->worker, sizeof job->worker);
  if (r->progress.total > 0 && v->now_ms > r->leased_ms)
    job->rows_per_second = (double)r->progress.done * 1000 / (double)(v->now_ms - r->leased_ms);
  v->rows_per_second += job->rows_per_second;
}

static hf_status look_at_jobs(hf_queue *queue, hf_top_view *v, hf_job_record *page) {
  hf_status status = HF_OK;
  hf_job_filter filter = {.state_mask = 1u << HF_JOB_LEASED};
  for (size_t count = PAGE; count == PAGE && v->job_count < HF_TOP_JOBS;) {
    HF_TRY(hf_queue_list(queue, &filter, page, PAGE, &count));
    for (size_t i = 0; i < count && v->job_count < HF_TOP_JOBS; i++) take_job(v, &page[i]);
    if (count > 0) filter.after = page[count - 1].sequence;
  }
out:
  return status;
}

static hf_status count_open(hf_queue *queue, hf_job_kind kind, hf_job_record *page, hf_top_open *out) {
  hf_status status = HF_OK;
  hf_job_filter filter = {.state_mask = 1u << HF_JOB_QUEUED | 1u << HF_JOB_LEASED, .kind_mask = 1u << kind};
  for (size_t count = PAGE; count == PAGE && out->queued + out->leased < HF_TOP_COUNTED;) {
    HF_TRY(hf_queue_list(queue, &filter, page, PAGE, &count));
    for (size_t i = 0; i < count; i++) *(page[i].state == HF_JOB_QUEUED ? &out->queued : &out->leased) += 1;
    if (count > 0) filter.after = page[count - 1].sequence;
  }
out:
  return status;
}

static hf_status look_at_aggregation(hf_queue *queue, hf_top_view *v, hf_job_record *page) {
  hf_status status;
  size_t count;
  const hf_job_filter last = {.state_mask = 1u << HF_JOB_DONE, .kind_mask = 1u << HF_JOB_SEAL, .newest_first = true};
  HF_TRY(count_open(queue, HF_JOB_PROVE_BATCH, page, &v->batches));
  HF_TRY(count_open(queue, HF_JOB_FOLD, page, &v->folds));
  HF_TRY(count_open(queue, HF_JOB_SEAL, page, &v->seals));
  HF_TRY(hf_queue_list(queue, &last, page, 1, &count));
  if (count == 1) {
    v->last_seal = page[0].header.key;
    v->last_seal_ms = page[0].ended_ms;
  }
out:
  return status;
}

/* ---- workers ---- */

static bool has_job(const hf_top_view *v, const char *worker) {
  for (uint32_t i = 0; i < v->job_count; i++)
    if (strcmp(v->jobs[i].worker, worker) == 0) return true;
  return false;
}

static void take_worker(hf_top_view *v, const hf_worker_record *r) {
  const bool proving = has_job(v, r->worker.name);
  const uint64_t age = v->now_ms > r->seen_ms ? v->now_ms - r->seen_ms : 0;
  if (age > HF_TOP_SEEN_MS && r->quarantined_ms == 0 && !proving) return;
  const hf_top_state state = r->quarantined_ms != 0   ? HF_TOP_QUARANTINED
                             : age > HF_TOP_AWAY_MS   ? HF_TOP_AWAY
                             : proving                ? HF_TOP_PROVING
                                                      : HF_TOP_IDLE;
  v->workers_in_all++;
  v->workers_by_state[state]++;
  if (v->worker_count == HF_TOP_WORKERS) return;
  hf_top_worker *w = &v->workers[v->worker_count++];
  *w = (hf_top_worker){.state = state, .seen_ms = r->seen_ms, .strikes = r->strikes};
  memcpy(w->name, r->worker.name, sizeof w->name);
  memcpy(w->cause, r->cause, sizeof w->cause);
  if (r->worker.device_count > 0) memcpy(w->device, r->worker.devices[0].name, sizeof w->device);
}

static hf_status look_at_workers(hf_queue *queue, hf_top_view *v) {
  hf_status status = HF_OK;
  char after[HF_NAME_MAX + 1] = "";
  size_t seen = 0;
  const uint64_t day = v->now_ms > HF_TOP_DAY_MS ? v->now_ms - HF_TOP_DAY_MS : 0;
  hf_worker_record *page = calloc(PAGE, sizeof *page);
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of workers");
  for (size_t count = PAGE; count == PAGE && seen < MOST; seen += count) {
    HF_TRY(hf_queue_workers(queue, day, after, page, PAGE, &count));
    for (size_t i = 0; i < count; i++) take_worker(v, &page[i]);
    if (count > 0) memcpy(after, page[count - 1].worker.name, sizeof after);
  }
out:
  free(page);
  return status;
}

/* ---- alarms ---- */

static void alarm_of(hf_top_view *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void alarm_of(hf_top_view *v, const char *format, ...) {
  va_list arguments;
  if (v->alarm_count == HF_TOP_ALARMS) return;
  va_start(arguments, format);
  vsnprintf(v->alarms[v->alarm_count++], HF_TOP_ALARM, format, arguments);
  va_end(arguments);
}

static hf_status look_for_dead(hf_queue *queue, hf_top_view *v, hf_job_record *page) {
  hf_status status;
  size_t count;
  const hf_job_filter dead = {.state_mask = 1u << HF_JOB_DEAD, .newest_first = true};
  HF_TRY(hf_queue_list(queue, &dead, page, HF_TOP_DEAD, &count));
  for (size_t i = 0; i < count; i++) {
    char id[HF_JOB_ID_TEXT];
    hf_job_id_text(&page[i].header.key.id, id);
    alarm_of(v, "dead letter %s/%s (%llu in all): %s", page[i].header.key.tenant, id, (unsigned long long)v->stats.jobs[HF_JOB_DEAD],
             page[i].cause);
  }
out:
  return status;
}

static void find_alarms(hf_top_view *v) {
  const hf_queue_stats *s = &v->stats;
  for (uint32_t i = 0; i < v->worker_count; i++)
    if (v->workers[i].state == HF_TOP_QUARANTINED) {
      alarm_of(v, "%llu workers in quarantine; %s: %s", (unsigned long long)v->workers_by_state[HF_TOP_QUARANTINED], v->workers[i].name,
               v->workers[i].cause);
      break;
    }
  if (s->draining[0] != 0) alarm_of(v, "no new work is taken: %s", s->draining);
  if (s->oldest_queued_ms > HF_TOP_WAIT_MS)
    alarm_of(v, "a job has waited for %llu s", (unsigned long long)(s->oldest_queued_ms / 1000));
  if (s->jobs[HF_JOB_QUEUED] > 0 && v->workers_by_state[HF_TOP_IDLE] + v->workers_by_state[HF_TOP_PROVING] == 0)
    alarm_of(v, "%llu jobs wait and no worker is there", (unsigned long long)s->jobs[HF_JOB_QUEUED]);
  if (s->stale > 0) alarm_of(v, "%llu failures came from leases no longer held", (unsigned long long)s->stale);
  if (s->late_differing > 0) alarm_of(v, "%llu late results were not the accepted one", (unsigned long long)s->late_differing);
}

hf_status hf_top_look(hf_queue *queue, uint64_t now_ms, hf_top_view *v) {
  hf_status status;
  hf_job_record *page = calloc(PAGE, sizeof *page);
  memset(v, 0, sizeof *v);
  v->now_ms = now_ms;
  if (page == NULL) return hf_fail(HF_E_MEMORY, "no memory for a page of jobs");
  HF_TRY(hf_queue_get_stats(queue, &v->stats));
  HF_TRY(look_at_tenants(queue, v));
  HF_TRY(look_at_jobs(queue, v, page));
  HF_TRY(look_at_aggregation(queue, v, page));
  HF_TRY(look_at_workers(queue, v));
  HF_TRY(look_for_dead(queue, v, page));
  find_alarms(v);
out:
  free(page);
  return status;
}

/* ---- throughput ---- */

void hf_top_rates_add(hf_top_rates *r, const hf_top_view *v) {
  r->samples[r->next].ms = v->now_ms;
  r->samples[r->next].results = v->stats.results;
  r->next = (r->next + 1) % HF_TOP_SAMPLES;
  if (r->count < HF_TOP_SAMPLES) r->count++;
}

double hf_top_results_per_second(const hf_top_rates *r) {
  if (r->count < 2) return -1;
  const unsigned last = (r->next + HF_TOP_SAMPLES - 1) % HF_TOP_SAMPLES;
  unsigned first = last;
  for (unsigned i = 1; i < r->count; i++) { /* the oldest in the window */
    const unsigned at = (last + HF_TOP_SAMPLES - i) % HF_TOP_SAMPLES;
    if (r->samples[at].ms > r->samples[last].ms || r->samples[last].ms - r->samples[at].ms > WINDOW_MS) break;
    first = at;
  }
  const uint64_t ms = r->samples[last].ms - r->samples[first].ms, before = r->samples[first].results, now = r->samples[last].results;
  return ms == 0 ? -1 : now < before ? 0 : (double)(now - before) * 1000 / (double)ms;
}
