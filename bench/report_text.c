/* The report as Markdown (which is what a terminal shows too) and as CSV. */
#include "report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "bench_internal.h"

void hf_bench_put(hf_bench_out *out, const char *format, ...) {
  va_list list, again;
  if (out->failed) return;
  va_start(list, format);
  va_copy(again, list);
  int needed = vsnprintf(NULL, 0, format, list);
  va_end(list);
  if (needed < 0) {
    out->failed = true;
  } else if (out->length + (size_t)needed + 1 > out->room) {
    size_t room = 2 * (out->length + (size_t)needed + 1);
    char *text = realloc(out->text, room);
    if (text == NULL) out->failed = true;
    else out->text = text, out->room = room;
  }
  if (!out->failed) {
    vsnprintf(out->text + out->length, out->room - out->length, format, again);
    out->length += (size_t)needed;
  }
  va_end(again);
}

char *hf_bench_take(hf_bench_out *out) {
  if (!out->failed && out->text == NULL) return calloc(1, 1);
  if (!out->failed) return out->text;
  free(out->text);
  return NULL;
}

void hf_bench_size_text(uint64_t size, char out[24]) {
  if (size != 0 && (size & (size - 1)) == 0 && size > 8)
    snprintf(out, 24, "2^%d", __builtin_ctzll(size));
  else
    snprintf(out, 24, "%llu", (unsigned long long)size);
}

/* A cell of a table: the mark between cells cannot be in it. */
static const char *cell(const char *text, char out[HF_BENCH_LONG]) {
  size_t i = 0;
  for (; text[i] && i + 1 < HF_BENCH_LONG; i++) out[i] = text[i] == '|' || text[i] == '`' ? '/' : text[i];
  out[i] = 0;
  return out;
}

static void put_environment(hf_bench_out *o, const hf_bench_environment *e) {
  char a[HF_BENCH_LONG], b[HF_BENCH_LONG];
  hf_bench_put(o, "- machine: %s, %u processors at %.0f MHz, %.1f GiB; %s\n", cell(e->cpu, a), e->processors, e->clock_mhz,
               (double)e->memory_bytes / (1 << 30), cell(e->system, b));
  hf_bench_put(o, "- build: hyperfold %s", cell(e->version, a));
  hf_bench_put(o, ", commit %s; %s; %s\n", cell(e->commit, a), e->compiler, cell(e->flags, b));
  hf_bench_put(o, "- run: %s, load %.2f, device %s", e->started, e->load, cell(e->device, a));
  if (e->repeats) hf_bench_put(o, ", seed %llu, %u to warm up, %u samples", (unsigned long long)e->seed, e->warm_up, e->repeats);
  hf_bench_put(o, "\n");
  if (e->multiplication_ns > 0)
    hf_bench_put(o, "- one multiplication in Fr, one thread: %.2f ns; limit = multiplications needed x that / threads\n",
                 e->multiplication_ns);
}

/* A time as it reads well, seven characters or less. */
static void put_ms(hf_bench_out *o, double ms) {
  hf_bench_put(o, ms < 10 ? " %11.4f |" : ms < 1000 ? " %11.2f |" : " %11.1f |", ms);
}

/* Of a queue: its figures are what there is to know. */
static bool is_queue(const hf_bench_result *r) { return strncmp(r->name, "queue/", 6) == 0; }

static void put_queues(hf_bench_out *o, const hf_bench_report *report) {
  char a[HF_BENCH_LONG];
  hf_bench_put(o, "\n| %-15s | %-20s | %7s | %7s | %8s | %9s | %9s | %9s | %6s |\n", "what", "engine", "clients", "jobs", "jobs/s", "p50 ms",
               "p99 ms", "raw/s", "of raw");
  hf_bench_put(o, "|-----------------|----------------------|--------:|--------:|---------:|----------:|----------:|----------:|-------:|\n");
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    if (!is_queue(r)) continue;
    double raw = hf_bench_pairs_get(&r->figures, "raw_per_second", 0);
    hf_bench_put(o, "| %-15s |", cell(r->name, a));
    hf_bench_put(o, " %-20s | %7u | %7llu | %8.0f | %9.2f | %9.2f |", cell(r->device, a), r->threads, (unsigned long long)r->size,
                 hf_bench_pairs_get(&r->figures, "jobs_per_second", 0), hf_bench_pairs_get(&r->figures, "p50_ms", 0),
                 hf_bench_pairs_get(&r->figures, "p99_ms", 0));
    if (raw > 0)
      hf_bench_put(o, " %9.0f | %6.2f |\n", raw, hf_bench_pairs_get(&r->figures, "of_raw", 0));
    else
      hf_bench_put(o, " %9s | %6s |\n", "", "");
  }
}

static void put_results(hf_bench_out *o, const hf_bench_report *report) {
  char a[HF_BENCH_LONG], size[24];
  hf_bench_put(o, "\n| %-20s | %8s | %3s | %-12s | %11s | %11s | %11s | %11s | %6s |\n", "what", "size", "thr", "device",
               "minimum ms", "median ms", "maximum ms", "limit ms", "ratio");
  hf_bench_put(o, "|----------------------|---------:|----:|--------------|------------:|------------:|------------:|"
                  "------------:|-------:|\n");
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    double slowest = 0;
    if (is_queue(r)) continue;
    for (size_t k = 0; k < r->samples; k++)
      if (r->samples_ms[k] > slowest) slowest = r->samples_ms[k];
    hf_bench_size_text(r->size, size);
    hf_bench_put(o, "| %-20s | %8s | %3u |", cell(r->name, a), size, r->threads);
    hf_bench_put(o, " %-12s |", cell(r->device, a));
    put_ms(o, r->minimum_ms);
    put_ms(o, r->median_ms);
    put_ms(o, slowest);
    put_ms(o, r->limit_ms);
    hf_bench_put(o, " %6.2f |\n", hf_bench_ratio(r));
  }
}

static void put_pairs(hf_bench_out *o, const char *title, const hf_bench_pairs *pairs) {
  char a[HF_BENCH_LONG];
  if (pairs->count == 0) return;
  hf_bench_put(o, "\n%s:", title);
  for (size_t i = 0; i < pairs->count; i++) {
    double v = pairs->items[i].value;
    bool whole = v < 1e15 && v > -1e15 && v == (double)(long long)v;
    hf_bench_put(o, whole ? "%s %s %.0f" : v < 10 ? "%s %s %.3f" : "%s %s %.1f", i ? "," : "", cell(pairs->items[i].name, a), v);
  }
  hf_bench_put(o, "\n");
}

char *hf_bench_report_markdown(const hf_bench_report *report) {
  hf_bench_out o = {0};
  char a[HF_BENCH_LONG], size[24];
  size_t queues = 0;
  for (size_t i = 0; i < report->count; i++) queues += is_queue(&report->results[i]);
  put_environment(&o, &report->environment);
  if (queues != 0) put_queues(&o, report);
  if (queues != report->count) put_results(&o, report);
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    if (is_queue(r) || r->phases.count + r->figures.count + r->rows.count == 0) continue;
    hf_bench_size_text(r->size, size);
    hf_bench_put(&o, "\n**%s %s**, %u threads\n", cell(r->name, a), size, r->threads);
    put_pairs(&o, "Phases (ms)", &r->phases);
    put_pairs(&o, "Figures", &r->figures);
    put_pairs(&o, "Rows", &r->rows);
  }
  return hf_bench_take(&o);
}

/* Quoted when it has to be; a program that calculates must not take it for a formula. */
static void put_field(hf_bench_out *o, const char *text) {
  if (strpbrk(text, ",\"\r\n") == NULL && strchr("=+-@", *text ? *text : ' ') == NULL) {
    hf_bench_put(o, "%s,", text);
    return;
  }
  hf_bench_put(o, "\"%s", strchr("=+-@", *text ? *text : ' ') ? "'" : "");
  for (; *text; text++) hf_bench_put(o, *text == '"' ? "\"\"" : "%c", *text);
  hf_bench_put(o, "\",");
}

char *hf_bench_report_csv(const hf_bench_report *report) {
  hf_bench_out o = {0};
  const hf_bench_environment *e = &report->environment;
  hf_bench_put(&o, "name,size,threads,device,cpu,commit,compiler,minimum_ms,median_ms,limit_ms,ratio,multiplications,"
                   "multiplication_ns,samples,samples_ms,phases_ms,figures\n");
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    put_field(&o, r->name);
    hf_bench_put(&o, "%llu,%u,", (unsigned long long)r->size, r->threads);
    put_field(&o, r->device);
    put_field(&o, e->cpu);
    put_field(&o, e->commit);
    put_field(&o, e->compiler);
    hf_bench_put(&o, "%.9g,%.9g,%.9g,%.6g,%.17g,%.9g,%zu,", r->minimum_ms, r->median_ms, r->limit_ms, hf_bench_ratio(r),
                 r->multiplications, r->multiplication_ns, r->samples);
    for (size_t k = 0; k < r->samples; k++) hf_bench_put(&o, "%s%.9g", k ? " " : "", r->samples_ms[k]);
    for (int list = 0; list < 2; list++) {
      const hf_bench_pairs *pairs = list ? &r->figures : &r->phases;
      hf_bench_out text = {0};
      for (size_t k = 0; k < pairs->count; k++)
        hf_bench_put(&text, "%s%s=%.9g", k ? ";" : "", pairs->items[k].name, pairs->items[k].value);
      char *whole = hf_bench_take(&text);
      hf_bench_put(&o, ",");
      if (whole == NULL) o.failed = true;
      else if (strpbrk(whole, ",\"") == NULL) hf_bench_put(&o, "%s", whole);
      else {
        hf_bench_put(&o, "\"");
        for (const char *c = whole; *c; c++) hf_bench_put(&o, *c == '"' ? "\"\"" : "%c", *c);
        hf_bench_put(&o, "\"");
      }
      free(whole);
    }
    hf_bench_put(&o, "\n");
  }
  return hf_bench_take(&o);
}
