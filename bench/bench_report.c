/* The report: what machine, what build, what numbers. */
#include "bench.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "bench_internal.h"

unsigned hf_bench_processors(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int n = CPU_COUNT(&set);
  return n > 0 ? (unsigned)n : 1;
}

static void cpu_name(char *out, size_t size) {
  char line[256];
  snprintf(out, size, "unknown");
  FILE *f = fopen("/proc/cpuinfo", "r");
  if (!f) return;
  while (fgets(line, sizeof line, f)) {
    char *value = strchr(line, ':');
    if (strncmp(line, "model name", 10) != 0 || !value) continue;
    value += strspn(value, ": \t");
    value[strcspn(value, "\n")] = '\0';
    snprintf(out, size, "%.*s", (int)size - 1, value);
    break;
  }
  fclose(f);
}

void hf_bench_environment(hf_bench_report *report) {
  struct utsname u;
  time_t now = time(NULL);
  struct tm utc;
  cpu_name(report->cpu, sizeof report->cpu);
  report->processors = hf_bench_processors();
  report->memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGE_SIZE);
  if (uname(&u) == 0)
    snprintf(report->system, sizeof report->system, "%.40s %.40s %.40s", u.sysname, u.release, u.machine);
#if defined(__clang__)
  snprintf(report->compiler, sizeof report->compiler, "%.60s", __VERSION__);
#else
  snprintf(report->compiler, sizeof report->compiler, "gcc %.50s", __VERSION__);
#endif
  snprintf(report->version, sizeof report->version, "%s", HF_BENCH_VERSION);
  if (gmtime_r(&now, &utc)) strftime(report->started, sizeof report->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

void hf_bench_report_free(hf_bench_report *report) {
  for (size_t i = 0; i < report->count; i++) free(report->results[i].samples_ms);
  free(report->results);
  memset(report, 0, sizeof *report);
}

static json_t *result_json(const hf_bench_result *r) {
  json_t *samples = json_array();
  for (size_t i = 0; samples && i < r->samples; i++)
    json_array_append_new(samples, json_real(r->samples_ms[i]));
  return json_pack("{s:s, s:I, s:I, s:s, s:f, s:f, s:o, s:f, s:f, s:f, s:b}", "name", r->name, "size",
                   (json_int_t)r->size, "threads", (json_int_t)r->threads, "device", r->device, "median_ms",
                   r->median_ms, "minimum_ms", r->minimum_ms, "samples_ms", samples, "limit_ms", r->limit_ms,
                   "ratio", r->limit_ms > 0 ? r->median_ms / r->limit_ms : 0.0, "multiplications",
                   r->multiplications, "verified", (int)r->verified);
}

json_t *hf_bench_report_json(const hf_bench_report *report) {
  json_t *results = json_array();
  for (size_t i = 0; results && i < report->count; i++)
    if (json_array_append_new(results, result_json(&report->results[i])) != 0) {
      json_decref(results);
      return NULL;
    }
  return json_pack("{s:{s:s, s:I, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:s, s:f}, s:o}", "environment", "cpu",
                   report->cpu, "processors", (json_int_t)report->processors, "memory_bytes",
                   (json_int_t)report->memory_bytes, "system", report->system, "compiler", report->compiler,
                   "version", report->version, "seed", (json_int_t)report->seed, "warm_up",
                   (json_int_t)report->warm_up, "repeats", (json_int_t)report->repeats, "started",
                   report->started, "multiplication_ns", report->multiplication_ns, "results", results);
}
