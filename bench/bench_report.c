/* The report: what machine, what build, what numbers. */
#include "report.h"

#include <hyperfold/file.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "bench_commit.h"
#include "bench_internal.h"

unsigned hf_bench_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n > 0 ? (unsigned)n : 1;
}

double hf_bench_now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Between the two nearest samples, as their distance says. */
hf_status hf_bench_quantiles(const double *samples, size_t count, double out[5]) {
  double *sorted = malloc((count ? count : 1) * sizeof *sorted);
  if (sorted == NULL) return hf_fail(HF_E_MEMORY, "no memory for %zu samples", count);
  if (count == 0) {
    free(sorted);
    return hf_fail(HF_E_ARGUMENT, "no samples");
  }
  memcpy(sorted, samples, count * sizeof *sorted);
  qsort(sorted, count, sizeof *sorted, by_value);
  for (int q = 0; q < 5; q++) {
    double at = (double)(count - 1) * q / 4;
    size_t below = (size_t)at, above = below + 1 < count ? below + 1 : below;
    out[q] = sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]);
  }
  free(sorted);
  return HF_OK;
}

/* Of the first processor; the clock is what it says at this moment. */
static void cpu_describe(hf_bench_environment *e) {
  char line[512];
  snprintf(e->cpu, sizeof e->cpu, "unknown");
  FILE *f = fopen("/proc/cpuinfo", "re");
  if (!f) return;
  while (fgets(line, sizeof line, f) && line[0] != '\n') {
    char *value = strchr(line, ':');
    if (!value) continue;
    value += strspn(value, ": \t");
    value[strcspn(value, "\n")] = '\0';
    if (strncmp(line, "model name", 10) == 0 && *value) snprintf(e->cpu, sizeof e->cpu, "%.*s", HF_BENCH_LONG - 1, value);
    if (strncmp(line, "cpu MHz", 7) == 0) e->clock_mhz = strtod(value, NULL);
  }
  fclose(f);
}

void hf_bench_report_begin(hf_bench_report *report) {
  hf_bench_environment *e = &report->environment;
  struct utsname u;
  time_t now = time(NULL);
  struct tm utc;
  if (e->started[0] != 0) return;
  cpu_describe(e);
  e->processors = hf_bench_processors();
  e->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGE_SIZE);
  if (uname(&u) == 0) snprintf(e->system, sizeof e->system, "%.60s %.60s %.60s", u.sysname, u.release, u.machine);
#if defined(__clang__)
  snprintf(e->compiler, sizeof e->compiler, "%.200s", __VERSION__);
#else
  snprintf(e->compiler, sizeof e->compiler, "gcc %.200s", __VERSION__);
#endif
  snprintf(e->flags, sizeof e->flags, "%.255s", HF_BENCH_FLAGS);
  snprintf(e->version, sizeof e->version, "%.63s", HF_BENCH_VERSION);
  snprintf(e->commit, sizeof e->commit, "%.63s", HF_BENCH_COMMIT);
  double load;
  if (getloadavg(&load, 1) == 1) e->load = load;
  if (gmtime_r(&now, &utc)) strftime(e->started, sizeof e->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

hf_status hf_bench_pairs_add(hf_bench_pairs *pairs, const char *name, double value) {
  hf_bench_pair *items = realloc(pairs->items, (pairs->count + 1) * sizeof *items);
  if (items == NULL) return hf_fail(HF_E_MEMORY, "no memory for a figure");
  pairs->items = items;
  snprintf(items[pairs->count].name, sizeof items->name, "%.63s", name);
  items[pairs->count++].value = value;
  return HF_OK;
}

double hf_bench_pairs_get(const hf_bench_pairs *pairs, const char *name, double otherwise) {
  for (size_t i = 0; i < pairs->count; i++)
    if (strcmp(pairs->items[i].name, name) == 0) return pairs->items[i].value;
  return otherwise;
}

double hf_bench_ratio(const hf_bench_result *r) { return r->limit_ms > 0 ? r->median_ms / r->limit_ms : 0; }

hf_status hf_bench_report_add(hf_bench_report *report, hf_bench_result *result) {
  hf_status status;
  double q[5];
  hf_bench_environment *e = &report->environment;
  HF_TRY(hf_bench_quantiles(result->samples_ms, result->samples, q));
  result->minimum_ms = q[0];
  result->median_ms = q[2];
  result->limit_ms = result->multiplications * result->multiplication_ns * 1e-6 / (result->threads ? result->threads : 1);
  hf_bench_result *results = realloc(report->results, (report->count + 1) * sizeof *results);
  if (results == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a result"));
  report->results = results;
  results[report->count++] = *result;
  if (report->count == 1) {
    snprintf(e->device, sizeof e->device, "%s", result->device);
    e->multiplication_ns = result->multiplication_ns;
  }
  if (e->threads < result->threads) e->threads = result->threads;
  memset(result, 0, sizeof *result);
out:
  hf_bench_result_free(result);
  return status;
}

void hf_bench_result_free(hf_bench_result *r) {
  free(r->samples_ms);
  free(r->phases.items);
  free(r->figures.items);
  free(r->rows.items);
  memset(r, 0, sizeof *r);
}

void hf_bench_report_free(hf_bench_report *report) {
  for (size_t i = 0; i < report->count; i++) hf_bench_result_free(&report->results[i]);
  free(report->results);
  memset(report, 0, sizeof *report);
}

hf_status hf_bench_report_join(hf_bench_report *report, hf_bench_report *more) {
  hf_bench_environment *a = &report->environment, *b = &more->environment;
  if (strcmp(a->cpu, b->cpu) != 0 || strcmp(a->system, b->system) != 0 || a->memory_bytes != b->memory_bytes)
    return hf_fail(HF_E_MISMATCH, "the reports are of different machines: \"%s\" and \"%s\"", a->cpu, b->cpu);
  if (strcmp(a->compiler, b->compiler) != 0 || strcmp(a->flags, b->flags) != 0 || strcmp(a->commit, b->commit) != 0)
    return hf_fail(HF_E_MISMATCH, "the reports are of different builds: %s by %s and %s by %s", a->commit, a->compiler,
                   b->commit, b->compiler);
  hf_bench_result *results = realloc(report->results, (report->count + more->count + 1) * sizeof *results);
  if (results == NULL) return hf_fail(HF_E_MEMORY, "no memory for %zu results", more->count);
  report->results = results;
  if (more->count != 0) memcpy(results + report->count, more->results, more->count * sizeof *results);
  report->count += more->count;
  if (a->threads < b->threads) a->threads = b->threads;
  if (a->load < b->load) a->load = b->load;
  if (a->seed != b->seed || a->warm_up != b->warm_up || a->repeats != b->repeats) a->seed = a->warm_up = a->repeats = 0;
  more->count = 0;
  hf_bench_report_free(more);
  return HF_OK;
}

hf_status hf_bench_report_write(const hf_bench_report *report, const char *path) {
  hf_status status = HF_OK;
  const char *end = strrchr(path, '.');
  char *text = NULL;
  if (end == NULL) end = "";
  if (strcmp(end, ".json") == 0) {
    json_t *json = hf_bench_report_json(report);
    text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    json_decref(json);
  } else if (strcmp(end, ".csv") == 0) {
    text = hf_bench_report_csv(report);
  } else if (strcmp(end, ".md") == 0) {
    text = hf_bench_report_markdown(report);
  } else if (strcmp(end, ".html") == 0) {
    text = hf_bench_report_html(report);
  } else {
    return hf_fail(HF_E_ARGUMENT, "%s: a report is written as .json, .csv, .md or .html", path);
  }
  if (text == NULL) return hf_fail(HF_E_MEMORY, "no memory for the report %s", path);
  bool line = strcmp(end, ".json") == 0;
  hf_bytes parts[2] = {{text, strlen(text)}, {"\n", 1}};
  status = hf_file_write(path, 0644, parts, line ? 2 : 1);
  free(text);
  return status;
}
