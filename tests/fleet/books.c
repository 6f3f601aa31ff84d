#include "books.h"
#include "report.h"

#include <hyperfold/file.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

void samples_add(samples *s, double ms) {
  s->ms = realloc(s->ms, (s->count + 1) * sizeof *s->ms);
  cr_assert_not_null(s->ms);
  s->ms[s->count++] = ms;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

double samples_at(samples *s, double q) {
  if (s->count == 0) return 0;
  qsort(s->ms, s->count, sizeof *s->ms, ascending);
  size_t rank = (size_t)(q * (double)s->count);
  return s->ms[rank < s->count ? rank : s->count - 1];
}

void books_free(books *b) {
  free(b->losses);
  free(b->outages);
  memset(b, 0, sizeof *b);
}

void books_figures_free(books_figures *figures) {
  free(figures->again.ms);
  free(figures->late.ms);
  free(figures->first.ms);
  memset(figures, 0, sizeof *figures);
}

void books_killed(books *b, fleet *f, const char *worker) {
  hf_job_record record;
  size_t count;
  uint64_t now = fleet_now_ms();
  hf_job_filter filter = {.state_mask = 1u << HF_JOB_LEASED, .worker = worker};
  OK(hf_queue_list(f->queue, &filter, &record, 1, &count));
  if (count == 0) return;
  b->losses = realloc(b->losses, (b->loss_count + 1) * sizeof *b->losses);
  cr_assert_not_null(b->losses);
  b->losses[b->loss_count++] = (books_loss){record.header.key, record.epoch, now, record.expires_ms};
}

void books_outage_add(books *b, uint64_t killed_ms, uint64_t back_ms) {
  b->outages = realloc(b->outages, (b->outage_count + 1) * sizeof *b->outages);
  cr_assert_not_null(b->outages);
  b->outages[b->outage_count++] = (books_outage){killed_ms, back_ms};
}

/* ---- what must agree ---- */

static int by_lease(const void *a, const void *b) {
  const hf_event *x = *(const hf_event *const *)a, *y = *(const hf_event *const *)b;
  int c = memcmp(&x->key.id, &y->key.id, sizeof x->key.id);
  return c != 0 ? c : x->epoch < y->epoch ? -1 : x->epoch > y->epoch;
}

static void expect(const char *what, uint64_t has, uint64_t wanted) {
  cr_assert(has == wanted, "%s: the counter says %llu, the books %llu", what, (unsigned long long)has,
            (unsigned long long)wanted);
}

void books_agree(fleet *f) {
  uint64_t kinds[HF_EVENT_REQUEUED + 1] = {0}, superseded = 0;
  hf_queue_stats stats;
  fleet_check(f);
  OK(hf_queue_get_stats(f->queue, &stats));
  const hf_event **leases = calloc(f->event_count + 1, sizeof *leases);
  cr_assert_not_null(leases);
  size_t lease_count = 0;
  for (size_t i = 0; i < f->event_count; i++) {
    const hf_event *e = &f->events[i];
    cr_assert(e->kind <= HF_EVENT_REQUEUED);
    kinds[e->kind]++;
    if (e->kind == HF_EVENT_LEASED) leases[lease_count++] = e;
    superseded += e->kind == HF_EVENT_DONE && e->detail[0] != 0;
  }
  qsort(leases, lease_count, sizeof *leases, by_lease);
  for (size_t i = 1; i < lease_count; i++)
    cr_assert(by_lease(&leases[i - 1], &leases[i]) != 0, "epoch %llu of a job was given twice",
              (unsigned long long)leases[i]->epoch);
  free(leases);
  expect("submitted", stats.submitted, f->jobs);
  expect("jobs done", stats.jobs[HF_JOB_DONE], f->jobs);
  expect("results", stats.results, f->jobs);
  expect("taken", atomic_load(&f->verified), f->jobs);
  expect("submissions", stats.submitted, kinds[HF_EVENT_SUBMITTED]);
  expect("done", stats.results, kinds[HF_EVENT_DONE]);
  expect("leases", stats.leases, kinds[HF_EVENT_LEASED]);
  expect("expired", stats.expired, kinds[HF_EVENT_EXPIRED]);
  expect("released", stats.released, kinds[HF_EVENT_RELEASED]);
  expect("late results", stats.late_results, kinds[HF_EVENT_LATE_RESULT]);
  expect("stale failures", stats.stale, kinds[HF_EVENT_STALE_FAILURE]);
  expect("attempts charged", stats.failures, 0);
  /* A lease ends with its result, runs out, or is given back; a late result may take the place of either. */
  cr_assert(stats.leases <= f->jobs + stats.expired + stats.released + superseded,
            "%llu leases, %llu ran out", (unsigned long long)stats.leases, (unsigned long long)stats.expired);
  for (unsigned i = 0; i < f->jobs; i++) {
    hf_job_record record = fleet_record(f, i);
    cr_assert(f->taken[i].done && record.state == HF_JOB_DONE &&
                  hf_digest_eq(&record.result, &f->taken[i].result),
              "job %u: its result is not the one that was taken", i);
  }
}

/* ---- how long ---- */

/* Milliseconds from `from` to `to` with a server. */
static double served(const books *b, uint64_t from, uint64_t to) {
  double ms = (double)to - (double)from;
  for (size_t i = 0; i < b->outage_count; i++) {
    uint64_t start = b->outages[i].killed_ms > from ? b->outages[i].killed_ms : from;
    uint64_t end = b->outages[i].back_ms < to ? b->outages[i].back_ms : to;
    if (end > start) ms -= (double)(end - start);
  }
  return ms > 0 ? ms : 0;
}

void books_measure(const books *b, const fleet *f, books_figures *out) {
  memset(out, 0, sizeof *out);
  for (size_t k = 0; k < b->loss_count; k++) {
    const books_loss *loss = &b->losses[k];
    for (size_t i = 0; i < f->event_count; i++) {
      const hf_event *e = &f->events[i];
      if (e->kind != HF_EVENT_LEASED || e->epoch <= loss->epoch || !hf_job_key_eq(&e->key, &loss->key))
        continue;
      samples_add(&out->again, served(b, loss->killed_ms, e->time_ms));
      samples_add(&out->late, e->time_ms > loss->expires_ms ? served(b, loss->expires_ms, e->time_ms) : 0);
      break;
    }
  }
  for (size_t k = 0; k < b->outage_count; k++)
    for (size_t i = 0; i < f->event_count; i++) {
      const hf_event *e = &f->events[i];
      if (e->kind != HF_EVENT_LEASED || e->time_ms < b->outages[k].back_ms) continue;
      samples_add(&out->first, (double)(e->time_ms - b->outages[k].back_ms));
      break;
    }
}

/* ---- the report ---- */

void books_report(const char *name, const engine_kind *kind, unsigned size, unsigned workers,
                  const samples *times, ...) {
  const char *path = getenv("HF_FLEET_RESULTS"), *key;
  hf_bench_report report = {0};
  hf_bench_result result = {.size = size, .threads = workers};
  va_list pairs;
  if (path == NULL) return;
  cr_assert(path[0] == '/', "HF_FLEET_RESULTS is the whole path of a file");
  if (access(path, F_OK) == 0) OK(hf_bench_report_load(path, &report));
  hf_bench_report_begin(&report);
  snprintf(result.name, sizeof result.name, "fleet/%s", name);
  snprintf(result.device, sizeof result.device, "%s", kind->name);
  result.samples_ms = calloc(times->count + 1, sizeof *result.samples_ms);
  cr_assert_not_null(result.samples_ms);
  memcpy(result.samples_ms, times->ms, times->count * sizeof *times->ms);
  result.samples = times->count;
  va_start(pairs, times);
  while ((key = va_arg(pairs, const char *)) != NULL)
    OK(hf_bench_pairs_add(&result.figures, key, va_arg(pairs, double)));
  va_end(pairs);
  OK(hf_bench_report_add(&report, &result));
  json_t *json = hf_bench_report_json(&report);
  char *text = json_dumps(json, JSON_INDENT(2));
  cr_assert_not_null(text);
  hf_bytes parts[] = {{text, strlen(text)}, {"\n", 1}};
  OK(hf_file_write(path, 0644, parts, 2));
  free(text);
  json_decref(json);
  hf_bench_report_free(&report);
}
