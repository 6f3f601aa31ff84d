/* What every measurement does: open, try, sample, verify. */
#include "bench_internal.h"

#include <fcntl.h>
#include <hyperfold/splitmix.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HF_BENCH_MAX_LOG 26

/* A warm-up lasts as long at least: the system takes its time to give each thread a processor of its own. */
#define HF_BENCH_WARM_UP_MS 100

hf_fr hf_bench_random(uint64_t *state) {
  hf_fr a;
  do
    for (int i = 0; i < 4; i++) a.l[i] = hf_splitmix64(state) >> (i == 3 ? 2 : 0);
  while (!hf_fr_is_reduced(a));
  return a;
}

void hf_bench_say(const hf_bench_run *run, const char *format, ...) {
  char line[160];
  va_list list;
  if (run->options->progress == NULL) return;
  va_start(list, format);
  vsnprintf(line, sizeof line, format, list);
  va_end(list);
  run->options->progress(run->options->context, line);
}

/* Elements that stay in the first-level cache. */
#define SHORT        256
#define SHORT_ROUNDS 400

/* For a backend that does not measure it itself: scaling a short vector, loads and stores included. */
static hf_status scaling_measure(hf_backend *one, double *ns) {
  hf_status status;
  hf_vec *v = NULL;
  uint64_t seed = 1;
  hf_fr x[SHORT], factor = hf_bench_random(&seed);
  for (int i = 0; i < SHORT; i++) x[i] = hf_bench_random(&seed);
  HF_TRY(HF_BACKEND_DO(one, vec_create, SHORT, &v));
  HF_TRY(HF_BACKEND_DO(one, vec_upload, v, 0, x, SHORT));
  *ns = INFINITY;
  for (int sample = 0; sample < 15; sample++) {
    double start = hf_bench_now_ms();
    for (int k = 0; k < SHORT_ROUNDS; k++) HF_TRY(HF_BACKEND_DO(one, scale, v, factor, SHORT));
    double each = (hf_bench_now_ms() - start) * 1e6 / (SHORT * (double)SHORT_ROUNDS);
    if (each < *ns) *ns = each;
  }
out:
  if (v) one->ops->vec_destroy(one, v);
  return status;
}

/* What the backend says, or what scaling takes. */
static hf_status multiplication_measure(hf_backend *backend, double *ns) {
  return backend->ops->multiplication_ns ? backend->ops->multiplication_ns(backend, ns) : scaling_measure(backend, ns);
}

static void device_name(const char *name, const hf_backend *backend, char out[HF_BENCH_TEXT]) {
  const char *variant = hf_backend_variant(backend);
  snprintf(out, HF_BENCH_TEXT, "%.30s%s%.30s", name, *variant ? "/" : "", variant);
}

hf_status hf_bench_multiplication(const char *backend, const char *variant, double *ns, char device[HF_BENCH_TEXT]) {
  hf_status status;
  hf_backend *one = NULL;
  hf_backend_options options = {.threads = 1, .variant = variant};
  if (backend == NULL) backend = "cpu";
  HF_TRY(hf_backend_create(backend, &options, &one));
  device_name(backend, one, device);
  HF_TRY(multiplication_measure(one, ns));
out:
  hf_backend_destroy(&one);
  return status;
}

hf_status hf_bench_run_begin(hf_bench_run *run, const hf_bench_options *options, unsigned repeats, hf_bench_report *report) {
  hf_status status;
  hf_bench_environment *e = &report->environment;
  const char *name = options->backend ? options->backend : "cpu";
  memset(run, 0, sizeof *run);
  run->options = options;
  run->report = report;
  run->warm_up = options->warm_up;
  run->repeats = options->repeats ? options->repeats : repeats;
  run->seed = options->seed;
  /* a GPU's multiplication is measured on all of it */
  run->threads = strncmp(name, "cpu", 3) != 0 ? 1 : options->threads ? options->threads : hf_bench_processors();
  hf_backend_options backend = {.threads = run->threads, .variant = options->variant};
  if (options->log_max > HF_BENCH_MAX_LOG || options->log_min > options->log_max)
    return hf_fail(HF_E_ARGUMENT, "bench: sizes 2^%u to 2^%u; from small to large, at most 2^%d", options->log_min,
                   options->log_max, HF_BENCH_MAX_LOG);
  if (run->repeats > HF_BENCH_MAX || run->warm_up > HF_BENCH_MAX)
    return hf_fail(HF_E_ARGUMENT, "bench: at most %d repeats and as many to warm up", HF_BENCH_MAX);
  hf_bench_report_begin(report);
  e->seed = options->seed;
  e->warm_up = run->warm_up;
  e->repeats = run->repeats;
  HF_TRY(hf_backend_create(name, &backend, &run->backend));
  HF_TRY(hf_backend_selftest(run->backend));
  HF_TRY(hf_bench_multiplication(name, options->variant, &run->multiplication_ns, run->device));
out:
  return status;
}

void hf_bench_run_end(hf_bench_run *run) { hf_backend_destroy(&run->backend); }

hf_status hf_bench_result_begin(const hf_bench_run *run, const char *name, uint64_t size, hf_bench_result *r) {
  *r = (hf_bench_result){.size = size, .threads = run->threads, .multiplication_ns = run->multiplication_ns};
  snprintf(r->name, sizeof r->name, "%s", name);
  memcpy(r->device, run->device, sizeof r->device);
  r->samples_ms = calloc(run->repeats, sizeof *r->samples_ms);
  return r->samples_ms ? HF_OK : hf_fail(HF_E_MEMORY, "no memory for %u samples", run->repeats);
}

hf_status hf_bench_sample(hf_bench_run *run, const char *name, uint64_t size, double multiplications, hf_bench_step before,
                          hf_bench_step work, hf_bench_step verify, void *context) {
  hf_status status;
  hf_bench_result r;
  HF_TRY(hf_bench_result_begin(run, name, size, &r));
  r.multiplications = multiplications;
  double began = hf_bench_now_ms();
  for (unsigned warm = 0; r.samples < run->repeats;) {
    if (before) HF_TRY(before(run, context));
    HF_TRY(hf_backend_finish(run->backend)); /* a device may run behind */
    double start = hf_bench_now_ms();
    HF_TRY(work(run, context));
    HF_TRY(hf_backend_finish(run->backend));
    double end = hf_bench_now_ms();
    bool counts = warm >= run->warm_up && (warm == 0 || start - began >= HF_BENCH_WARM_UP_MS);
    if (counts)
      r.samples_ms[r.samples++] = end - start;
    else
      warm++;
  }
  HF_TRY(verify(run, context)); /* no score without it */
  HF_TRY(hf_bench_report_add(run->report, &r));
  const hf_bench_result *last = &run->report->results[run->report->count - 1];
  hf_bench_say(run, "%s %llu: %.3f ms", name, (unsigned long long)size, last->median_ms);
out:
  hf_bench_result_free(&r);
  return status;
}

void hf_bench_peak_reset(void) {
  int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, "5", 1) != 1) { /* an older mark is an upper bound */
  }
  close(fd);
}

uint64_t hf_bench_peak_bytes(void) {
  char line[128];
  unsigned long long kib = 0;
  FILE *file = fopen("/proc/self/status", "re");
  if (!file) return 0;
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %llu", &kib) == 1) break;
  fclose(file);
  return (uint64_t)kib * 1024;
}
