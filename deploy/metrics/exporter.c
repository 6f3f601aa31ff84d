#include "exporter.h"

#include <dirent.h>
#include <errno.h>
#include <hyperfold/file.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define CHECK_NAME   32
#define CHECK_REASON 256
#define CHECK_FRESH  1.0 /* seconds for which an answer stands */
#define DISK_LEAST   ((uint64_t)1 << 30)

enum { BUILD, START, CPU, MEMORY, FILES, HEALTH, FAMILIES };

static const hf_metric_spec specs[FAMILIES] = {
    [BUILD] = HF_GAUGE_OF("hyperfold_build_info", "Which program this is; always 1.", "part", "version"),
    [START] = HF_GAUGE_OF("process_start_time_seconds", "Start of the process, in seconds since 1970."),
    [CPU] = HF_COUNTER_OF("process_cpu_seconds_total", "Processor time of the process and of its children that have ended."),
    [MEMORY] = HF_GAUGE_OF("process_resident_memory_bytes", "Memory that the process holds."),
    [FILES] = HF_GAUGE_OF("process_open_fds", "File descriptors that are open."),
    [HEALTH] = HF_GAUGE_OF("hyperfold_health", "1 where a check of /healthz is well, 0 where it is not.", "check"),
};

typedef struct health_check {
  char name[CHECK_NAME];
  hf_status (*look)(void *context);
  void *context;
  hf_status status;
  char reason[CHECK_REASON];
} health_check;

struct hf_exporter {
  hf_metrics *metrics;
  hf_web *web;
  hf_family *family[FAMILIES];
  pthread_mutex_t lock; /* guards what follows */
  health_check checks[HF_CHECKS_MAX];
  unsigned check_count;
  double looked; /* when; 0: never */
};

static double seconds_of(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- health ---- */

hf_status hf_exporter_check(hf_exporter *e, const char *name, hf_status (*look)(void *context), void *context) {
  hf_status status = HF_OK;
  if (name[0] == 0 || strlen(name) >= CHECK_NAME || name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_")] != 0)
    return hf_fail(HF_E_ARGUMENT, "\"%.40s\" is no name for a check", name);
  pthread_mutex_lock(&e->lock);
  if (e->check_count == HF_CHECKS_MAX) {
    status = hf_fail(HF_E_RANGE, "at most %d checks", HF_CHECKS_MAX);
  } else {
    health_check *c = &e->checks[e->check_count++];
    *c = (health_check){.look = look, .context = context};
    strcpy(c->name, name);
  }
  pthread_mutex_unlock(&e->lock);
  return status;
}

/* Under the lock. */
static void look_at_all(hf_exporter *e) {
  const double now = seconds_of(CLOCK_MONOTONIC);
  if (e->looked != 0 && now - e->looked < CHECK_FRESH) return;
  for (unsigned i = 0; i < e->check_count; i++) {
    health_check *c = &e->checks[i];
    c->status = c->look(c->context);
    snprintf(c->reason, sizeof c->reason, "%s", c->status != HF_OK ? hf_error_message() : "");
    hf_series_set(hf_series_of(e->family[HEALTH], HF_LABELS(c->name)), c->status == HF_OK);
  }
  e->looked = seconds_of(CLOCK_MONOTONIC);
}

static void put(hf_writer *w, const char *text) { hf_write_bytes(w, text, strlen(text)); }

/* A reason holds paths and messages of the system: what is not plain ASCII is '?'. */
static void put_text(hf_writer *w, const char *text) {
  put(w, "\"");
  for (; *text != 0; text++) {
    const unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') hf_write_u8(w, '\\');
    hf_write_u8(w, c >= 0x20 && c < 0x7f ? c : '?');
  }
  put(w, "\"");
}

static void answer_health(hf_exporter *e, hf_web_reply *reply) {
  hf_writer *w = &reply->body;
  bool well = true;
  pthread_mutex_lock(&e->lock);
  look_at_all(e);
  for (unsigned i = 0; i < e->check_count; i++) well &= e->checks[i].status == HF_OK;
  put(w, well ? "{\"status\":\"ok\",\"checks\":[" : "{\"status\":\"failing\",\"checks\":[");
  for (unsigned i = 0; i < e->check_count; i++) {
    const health_check *c = &e->checks[i];
    put(w, i > 0 ? ",{\"name\":" : "{\"name\":");
    put_text(w, c->name);
    put(w, c->status == HF_OK ? ",\"ok\":true" : ",\"ok\":false,\"reason\":");
    if (c->status != HF_OK) put_text(w, c->reason);
    put(w, "}");
  }
  put(w, "]}\n");
  pthread_mutex_unlock(&e->lock);
  reply->code = well ? 200 : 503;
}

hf_status hf_check_disk_left(const char *folder, uint64_t least) {
  struct statvfs s;
  if (statvfs(folder, &s) != 0 && errno == ENOENT) return HF_OK; /* whoever needs it makes it, or says so */
  if (statvfs(folder, &s) != 0) return hf_fail(hf_status_of_errno(errno), "%s: %s", folder, strerror(errno));
  const uint64_t left = (uint64_t)s.f_bavail * s.f_frsize, whole = (uint64_t)s.f_blocks * s.f_frsize;
  if (left < least && left < whole / 20)
    return hf_fail(HF_E_FULL, "%s: %llu MiB of %llu MiB are left", folder, (unsigned long long)(left >> 20),
                   (unsigned long long)(whole >> 20));
  return HF_OK;
}

hf_status hf_check_disk(void *context) { return hf_check_disk_left(context, DISK_LEAST); }

/* ---- the process ---- */

static double cpu_seconds(int who) {
  struct rusage u;
  if (getrusage(who, &u) != 0) return 0;
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

static double resident_bytes(void) {
  unsigned long long size, pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (file == NULL) return 0;
  if (fscanf(file, "%llu %llu", &size, &pages) != 2) pages = 0;
  fclose(file);
  return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_files(void) {
  double count = 0;
  DIR *folder = opendir("/proc/self/fd");
  if (folder == NULL) return 0;
  while (readdir(folder) != NULL) count++;
  closedir(folder);
  return count - 3; /* ".", "..", and this one */
}

/* Ticks since boot at which the process began, which are behind its name in parentheses. */
static double start_time(void) {
  char line[1024];
  unsigned long long ticks = 0;
  FILE *file = fopen("/proc/self/stat", "re");
  if (file == NULL) return 0;
  const char *at = fgets(line, sizeof line, file) != NULL ? strrchr(line, ')') : NULL;
  fclose(file);
  for (int field = 2; at != NULL && field < 22; field++) at = strchr(at + 1, ' ');
  if (at == NULL || sscanf(at, "%llu", &ticks) != 1) return 0;
  return seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) + (double)ticks / (double)sysconf(_SC_CLK_TCK);
}

static void collect(void *context) {
  hf_exporter *e = context;
  hf_series_set(hf_series_of(e->family[CPU], NULL), cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN));
  hf_series_set(hf_series_of(e->family[MEMORY], NULL), resident_bytes());
  hf_series_set(hf_series_of(e->family[FILES], NULL), open_files());
  pthread_mutex_lock(&e->lock);
  look_at_all(e);
  pthread_mutex_unlock(&e->lock);
}

/* ---- life ---- */

hf_status hf_exporter_create(const char *part, const char *version, hf_exporter **out) {
  hf_status status;
  *out = NULL;
  hf_exporter *e = calloc(1, sizeof *e);
  if (e == NULL) return hf_fail(HF_E_MEMORY, "no memory for metrics");
  pthread_mutex_init(&e->lock, NULL);
  HF_TRY(hf_metrics_create(&e->metrics));
  HF_TRY(hf_metrics_add_all(e->metrics, specs, FAMILIES, e->family));
  HF_TRY(hf_metrics_collector(e->metrics, collect, e));
  hf_series_set(hf_series_of(e->family[BUILD], HF_LABELS(part, version)), 1);
  hf_series_set(hf_series_of(e->family[START], NULL), start_time());
  *out = e;
  e = NULL;
out:
  hf_exporter_destroy(&e);
  return status;
}

void hf_exporter_destroy(hf_exporter **exporter) {
  hf_exporter *e = *exporter;
  if (e == NULL) return;
  hf_web_stop(&e->web);
  hf_metrics_destroy(&e->metrics);
  pthread_mutex_destroy(&e->lock);
  free(e);
  *exporter = NULL;
}

hf_metrics *hf_exporter_metrics(hf_exporter *exporter) { return exporter->metrics; }

bool hf_exporter_answer(hf_exporter *e, const hf_web_request *request, hf_web_reply *reply) {
  const bool metrics = strcmp(request->path, "/metrics") == 0, health = strcmp(request->path, "/healthz") == 0;
  if (!metrics && !health) return false;
  if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0) {
    reply->code = 405;
    reply->allow = "GET, HEAD";
    put(&reply->body, "{\"error\":\"method\",\"reason\":\"not with this method\"}\n");
  } else if (health) {
    answer_health(e, reply);
  } else {
    reply->type = HF_METRICS_TYPE;
    (void)hf_metrics_write(e->metrics, &reply->body); /* a lack of memory is 500 */
  }
  return true;
}

static void handle(void *context, const hf_web_request *request, hf_web_reply *reply) {
  if (hf_exporter_answer(context, request, reply)) return;
  reply->code = 404;
  put(&reply->body, "{\"error\":\"not_found\",\"reason\":\"there are /metrics and /healthz\"}\n");
}

hf_status hf_exporter_serve(hf_exporter *e, const hf_web_place *place, const hf_logger *log) {
  const hf_web_options options = {.address = place->host,
                                  .port = place->port,
                                  .what = "metrics",
                                  .connections = 16,
                                  .timeout_s = 10,
                                  .request_s = 30,
                                  .log = log,
                                  .handle = handle,
                                  .context = e};
  if (e->web != NULL) return hf_fail(HF_E_STATE, "metrics are served already");
  return hf_web_start(&options, &e->web);
}

uint16_t hf_exporter_port(const hf_exporter *e) { return e->web != NULL ? hf_web_port(e->web) : 0; }
