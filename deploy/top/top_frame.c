#include "top_frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BAR 12

/* ---- lines ---- */

static void put(hf_top_frame *f, hf_top_style style, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put(hf_top_frame *f, hf_top_style style, const char *format, ...) {
  char text[1024];
  va_list arguments;
  if (f->count == f->capacity) return;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  hf_top_line *line = &f->lines[f->count++];
  line->style = style;
  size_t n = 0;
  for (; text[n] != 0 && n < f->width; n++) line->text[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
  while (n > 0 && line->text[n - 1] == ' ') n--;
  line->text[n] = 0;
}

/* Numbers, ages and sizes that fit a column. */
typedef struct word {
  char text[24];
} word;

static word count_of(double n) {
  word w;
  if (!(n >= 0)) n = 0;
  if (n < 10) snprintf(w.text, sizeof w.text, n == (int)n ? "%.0f" : "%.1f", n);
  else if (n < 100000) snprintf(w.text, sizeof w.text, "%.0f", n);
  else if (n < 1e7) snprintf(w.text, sizeof w.text, "%.0fk", n / 1e3);
  else if (n < 1e10) snprintf(w.text, sizeof w.text, "%.0fM", n / 1e6);
  else snprintf(w.text, sizeof w.text, "%.0fG", n / 1e9);
  return w;
}

static word age_of(uint64_t ms) {
  word w;
  const unsigned long long s = ms / 1000;
  if (s < 100) snprintf(w.text, sizeof w.text, "%llus", s);
  else if (s < 6000) snprintf(w.text, sizeof w.text, "%llum", s / 60);
  else if (s < 360000) snprintf(w.text, sizeof w.text, "%lluh", s / 3600);
  else snprintf(w.text, sizeof w.text, "%llud", s / 86400);
  return w;
}

static uint64_t since(const hf_top_view *v, uint64_t ms) { return v->now_ms > ms ? v->now_ms - ms : 0; }

static word rate_of(double per_second) {
  word w;
  if (per_second < 0) snprintf(w.text, sizeof w.text, "-");
  else snprintf(w.text, sizeof w.text, "%.*f", per_second < 10 ? 2 : 0, per_second);
  return w;
}

/* ---- parts ---- */

static void put_head(hf_top_frame *f, const hf_top_view *v, const hf_top_saying *s) {
  const uint64_t *jobs = v->stats.jobs;
  char clock[32];
  const time_t seconds = (time_t)(v->now_ms / 1000);
  struct tm utc;
  gmtime_r(&seconds, &utc);
  strftime(clock, sizeof clock, "%Y-%m-%d %H:%M:%S UTC", &utc);
  put(f, HF_TOP_TITLE, "hyperfold top   %.*s   %s%s", (int)strcspn(s->where, "?"), s->where, clock, s->keys ? "   q: quit" : "");
  if (s->trouble != NULL) put(f, HF_TOP_BAD, "THE QUEUE DOES NOT ANSWER (this is what it said last): %s", s->trouble);
  put(f, HF_TOP_PLAIN, "jobs      %s queued  %s proving  %s done  %s failed  %s cancelled  %s dead; the oldest waits %s",
      count_of((double)jobs[HF_JOB_QUEUED]).text, count_of((double)jobs[HF_JOB_LEASED]).text, count_of((double)jobs[HF_JOB_DONE]).text,
      count_of((double)jobs[HF_JOB_FAILED]).text, count_of((double)jobs[HF_JOB_CANCELLED]).text, count_of((double)jobs[HF_JOB_DEAD]).text,
      age_of(v->stats.oldest_queued_ms).text);
  put(f, HF_TOP_PLAIN, "work      %s results/s  %s rows/s; %llu workers: %llu proving  %llu idle  %llu away  %llu quarantined",
      rate_of(s->per_second).text, count_of(v->rows_per_second).text, (unsigned long long)v->workers_in_all,
      (unsigned long long)v->workers_by_state[HF_TOP_PROVING], (unsigned long long)v->workers_by_state[HF_TOP_IDLE],
      (unsigned long long)v->workers_by_state[HF_TOP_AWAY], (unsigned long long)v->workers_by_state[HF_TOP_QUARANTINED]);
  put(f, HF_TOP_PLAIN, "counters  %s leases  %s expired  %s returned  %s attempts failed  %s results  %s late  %s refused",
      count_of((double)v->stats.leases).text, count_of((double)v->stats.expired).text, count_of((double)v->stats.released).text,
      count_of((double)v->stats.failures).text, count_of((double)v->stats.results).text, count_of((double)v->stats.late_results).text,
      count_of((double)v->stats.refusals).text);
}

static void put_open(char out[64], const hf_top_open *o) {
  snprintf(out, 64, "%llu queued %llu proving%s", (unsigned long long)o->queued, (unsigned long long)o->leased,
           o->queued + o->leased >= HF_TOP_COUNTED ? " at least" : "");
}

static void put_aggregation(hf_top_frame *f, const hf_top_view *v) {
  char batches[64], folds[64], seals[64], id[HF_JOB_ID_TEXT], last[HF_JOB_ID_TEXT + 64] = "none proven yet";
  put_open(batches, &v->batches);
  put_open(folds, &v->folds);
  put_open(seals, &v->seals);
  if (v->last_seal.id.length > 0) {
    hf_job_id_text(&v->last_seal.id, id);
    snprintf(last, sizeof last, "last %s %s ago", id, age_of(since(v, v->last_seal_ms)).text);
  }
  put(f, HF_TOP_PLAIN, "rollup    batches %s; folds %s; seals %s, %s", batches, folds, seals, last);
}

static void put_tenant(hf_top_frame *f, const hf_top_tenant *t) {
  const hf_tenant_stats *s = &t->stats;
  char share[16] = "-";
  if (t->share > 0) snprintf(share, sizeof share, "%.0f%%", t->share * 100);
  put(f, HF_TOP_PLAIN, "%-20.20s %7u %6s %8s %8s %8s %6s %8s %9s", s->tenant, s->weight, share, count_of((double)s->jobs[HF_JOB_QUEUED]).text,
      count_of((double)s->jobs[HF_JOB_LEASED]).text, count_of((double)s->jobs[HF_JOB_DONE]).text, count_of((double)s->jobs[HF_JOB_DEAD]).text,
      age_of(s->used_ms).text, age_of(s->proved_ms).text);
}

/* What matters most stands to the left: a narrow screen cuts the rest. */
static void put_worker(hf_top_frame *f, const hf_top_view *v, const hf_top_worker *w, const hf_top_job *job) {
  char left[64], id[HF_JOB_ID_TEXT], what[HF_NAME_MAX + HF_JOB_ID_TEXT + 2], bar[BAR + 1], rows[24] = "";
  const bool bad = w != NULL && (w->state == HF_TOP_QUARANTINED || w->state == HF_TOP_AWAY);
  const char *device = w != NULL ? w->device : "";
  snprintf(left, sizeof left, "%-20.20s %-11s %4s", w != NULL ? w->name : "", w != NULL ? hf_top_state_text(w->state) : "",
           w != NULL ? age_of(since(v, w->seen_ms)).text : "");
  if (job == NULL) {
    put(f, bad ? HF_TOP_BAD : HF_TOP_PLAIN, "%s %-*s %7s %-11s %-24s %-10s %-10.10s %s", left, BAR + 5, "", "", "", "", "", device,
        w != NULL && w->strikes > 0 ? w->cause : "");
    return;
  }
  double done = job->progress.total > 0 ? (double)job->progress.done / (double)job->progress.total : 0;
  if (done > 1) done = 1; /* a worker may say anything */
  for (int i = 0; i < BAR; i++) bar[i] = i < (int)(done * BAR) ? '#' : '.';
  bar[BAR] = 0;
  hf_job_id_text(&job->key.id, id);
  snprintf(what, sizeof what, "%s/%s", job->key.tenant, id);
  if (job->rows_per_second > 0) snprintf(rows, sizeof rows, "%s", count_of(job->rows_per_second).text);
  put(f, bad ? HF_TOP_BAD : HF_TOP_PLAIN, "%s %s %3.0f%% %7s %-11.11s %-24.24s %-10.10s %-10.10s %s", left, bar, done * 100, rows,
      job->progress.phase[0] ? job->progress.phase : "begun", what, job->circuit, device, age_of(since(v, job->leased_ms)).text);
}

/* Lines that the workers' table takes: one for each, and one more for each further job. */
static unsigned worker_lines(const hf_top_view *v) {
  unsigned lines = v->worker_count;
  for (uint32_t i = 0; i < v->worker_count; i++) {
    unsigned jobs = 0;
    for (uint32_t k = 0; k < v->job_count; k++) jobs += strcmp(v->jobs[k].worker, v->workers[i].name) == 0;
    if (jobs > 1) lines += jobs - 1;
  }
  return lines;
}

static void put_workers(hf_top_frame *f, const hf_top_view *v, unsigned room) {
  const unsigned until = f->count + room;
  uint32_t i = 0;
  put(f, HF_TOP_HEAD, "%-20s %-11s %4s %-*s %7s %-11s %-24s %-10s %-10s %s", "WORKER", "STATE", "SEEN", BAR + 5, "PROGRESS", "ROWS/S", "PHASE",
      "JOB", "CIRCUIT", "DEVICE", "SINCE");
  for (; i < v->worker_count && f->count < until; i++) {
    unsigned jobs = 0;
    for (uint32_t k = 0; k < v->job_count && f->count < until; k++) {
      if (strcmp(v->jobs[k].worker, v->workers[i].name) != 0) continue;
      put_worker(f, v, jobs++ == 0 ? &v->workers[i] : NULL, &v->jobs[k]);
    }
    if (jobs == 0) put_worker(f, v, &v->workers[i], NULL);
  }
  if (v->workers_in_all > i) put(f, HF_TOP_PLAIN, "... and %llu more workers", (unsigned long long)(v->workers_in_all - i));
}

static void put_tenants(hf_top_frame *f, const hf_top_view *v, unsigned room) {
  uint32_t i = 0;
  put(f, HF_TOP_HEAD, "%-20s %7s %6s %8s %8s %8s %6s %8s %9s", "TENANT", "WEIGHT", "SHARE", "WAITING", "PROVING", "DONE", "DEAD", "DEVICE", "PROVED");
  for (; i < v->tenant_count && i + 1 < room; i++) put_tenant(f, &v->tenants[i]);
  if (v->tenants_in_all > i) put(f, HF_TOP_PLAIN, "... and %llu more tenants", (unsigned long long)(v->tenants_in_all - i));
}

/* Two tables share what room there is: the one that needs less gets what it needs. Each has a head and maybe a line of what is left out. */
static void put_tables(hf_top_frame *f, const hf_top_view *v) {
  const unsigned wanted[2] = {v->tenant_count + 1, worker_lines(v) + 1};
  const unsigned room = f->capacity - f->count, overhead = 2 + 2; /* blank lines, what is left out */
  unsigned given[2] = {wanted[0], wanted[1]};
  if (wanted[0] + wanted[1] + overhead > room) {
    const unsigned have = room > overhead + 4 ? room - overhead : 4;
    given[0] = wanted[0] < have / 2 ? wanted[0] : wanted[1] < have / 2 ? have - wanted[1] : have / 2;
    given[1] = have - given[0];
  }
  put(f, HF_TOP_PLAIN, "%s", "");
  put_tenants(f, v, given[0]);
  put(f, HF_TOP_PLAIN, "%s", "");
  put_workers(f, v, given[1]);
}

hf_status hf_top_frame_make(const hf_top_view *v, const hf_top_saying *saying, unsigned width, unsigned height, hf_top_frame *out) {
  *out = (hf_top_frame){.width = width < HF_TOP_COLUMNS ? width : HF_TOP_COLUMNS, .height = height};
  out->capacity = height > 0 ? height : 16 + HF_TOP_ALARMS + HF_TOP_TENANTS + HF_TOP_WORKERS + HF_TOP_JOBS;
  out->lines = calloc(out->capacity, sizeof *out->lines);
  if (out->lines == NULL) return hf_fail(HF_E_MEMORY, "no memory for a screen");
  put_head(out, v, saying);
  put_aggregation(out, v);
  for (uint32_t i = 0; i < v->alarm_count; i++) put(out, HF_TOP_BAD, "ALARM     %s", v->alarms[i]);
  put_tables(out, v);
  return HF_OK;
}

void hf_top_frame_free(hf_top_frame *frame) {
  free(frame->lines);
  *frame = (hf_top_frame){0};
}
