#include "worker_metrics.h"
#include "machine.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  JOBS, SECONDS, PHASE, BUSY, ROWS, PROOF_BYTES, INPUT_BYTES,
  PEAK, DEVICE_MEMORY, HOST_MEMORY, LEASES_LOST, LANES_BUSY, SILENT,
  PROVERS, PROVERS_LOST, PROVER_STALLS,
  FAMILIES
};

static const hf_metric_spec specs[FAMILIES] = {
    [JOBS] = HF_COUNTER_OF("hyperfold_worker_jobs_total",
                           "Jobs by what became of them: accepted, duplicate, late (another result was first), "
                           "cancelled, failed, lost (the lease ran "
              "out) or returned (given back).", "device", "circuit", "outcome"),
    [SECONDS] = HF_HISTOGRAM_OF("hyperfold_worker_job_seconds",
                                "From lease to hand-in, of proofs.",
                                hf_seconds_buckets, HF_SECONDS_BUCKETS, "device", "circuit"),
    [PHASE] = HF_HISTOGRAM_OF("hyperfold_worker_phase_seconds",
                              "Phases of proofs: fetch, witness, key, prove_* (the prover's own), verify, store.",
                              hf_seconds_buckets, HF_SECONDS_BUCKETS, "device", "phase"),
    [BUSY] = HF_COUNTER_OF("hyperfold_worker_device_busy_seconds_total",
                           "Time in which the device worked; its rate is the busy share.", "device"),
    [ROWS] = HF_COUNTER_OF("hyperfold_worker_rows_total", "Rows of circuits proven.", "device"),
    [PROOF_BYTES] = HF_COUNTER_OF("hyperfold_worker_proof_bytes_total", "Bytes of proofs handed in.", "device"),
    [INPUT_BYTES] = HF_COUNTER_OF("hyperfold_worker_input_bytes_total", "Bytes of inputs fetched.", "device"),
    [PEAK] = HF_GAUGE_OF("hyperfold_worker_peak_memory_bytes",
                         "The proving process at its largest, at the last job.", "device"),
    [DEVICE_MEMORY] = HF_GAUGE_OF("hyperfold_worker_device_memory_bytes",
                                  "The device's memory that proofs may fill.", "device"),
    [HOST_MEMORY] = HF_GAUGE_OF("hyperfold_worker_host_memory_available_bytes", "Memory of the host that is free."),
    [LEASES_LOST] = HF_COUNTER_OF("hyperfold_worker_leases_lost_total",
                                  "Leases that ran out or were given to another.", "device"),
    [LANES_BUSY] = HF_GAUGE_OF("hyperfold_worker_jobs_in_hand", "Jobs under way.", "device"),
    [SILENT] = HF_GAUGE_OF("hyperfold_worker_lane_silent_seconds",
                           "Since a lane's job gave a sign of progress; 0 without a job.", "lane"),
    [PROVERS] = HF_COUNTER_OF("hyperfold_worker_prover_starts_total",
                              "Prover's processes that were started and got ready.", "device"),
    [PROVERS_LOST] = HF_COUNTER_OF("hyperfold_worker_prover_losses_total",
                                   "Prover's processes that ended at a job.", "device"),
    [PROVER_STALLS] = HF_COUNTER_OF("hyperfold_worker_prover_stalls_total",
                                    "Of these, those that were ended because they gave no sign of progress.", "device"),
};

typedef struct lane {
  hf_worker_metrics *metrics;
  bool busy;         /* has a job */
  double sign;       /* its last sign of progress */
  double on_device;  /* since when its job is there; 0: it is not */
} lane;

struct hf_worker_metrics {
  hf_maker *maker;
  double patience; /* seconds */
  hf_family *family[FAMILIES];
  pthread_mutex_t lock; /* guards the lanes */
  lane lanes[HF_MAKER_LANES];
  unsigned lane_count;
};

static hf_series *of(hf_worker_metrics *w, int family) { return hf_series_of(w->family[family], HF_LABELS(w->maker->device)); }

/* Whether the device works in this phase. The witness is computed by the host first, and used on the device (behind the key) then. */
static bool on_device(const char *phase, double done) {
  static const char *const off[] = {"", "fetch", "waiting", "verify", "store"};
  for (unsigned i = 0; i < sizeof off / sizeof *off; i++)
    if (strcmp(phase, off[i]) == 0) return false;
  return strcmp(phase, "witness") != 0 || done > 0.1;
}

/* Under the lock: what was busy until now is counted. */
static void count_busy(hf_worker_metrics *w, lane *l, double now, bool still) {
  if (l->on_device != 0) hf_series_add(of(w, BUSY), now - l->on_device);
  l->on_device = still ? now : 0;
}

void hf_worker_metrics_progress(hf_worker_metrics *w, unsigned index, const char *phase, double done) {
  const double now = hf_cli_now();
  lane *l = &w->lanes[index];
  pthread_mutex_lock(&w->lock);
  count_busy(w, l, now, on_device(phase, done));
  l->busy = true;
  l->sign = now;
  pthread_mutex_unlock(&w->lock);
}

static const char *outcome(const hf_worker_report *r) {
  static const char *const finished[] = {"accepted", "duplicate", "late", "cancelled"};
  if (r->status == HF_OK) return finished[r->outcome];
  if (r->status == HF_E_STALE) return "lost";
  if (r->status == HF_E_CANCELLED || r->status == HF_E_BUSY) return "returned";
  return "failed";
}

static void observe(hf_worker_metrics *w, const char *phase, double seconds) {
  hf_series_observe(hf_series_of(w->family[PHASE], HF_LABELS(w->maker->device, phase)), seconds);
}

void hf_worker_metrics_report(hf_worker_metrics *w, unsigned index, const hf_worker_report *r) {
  const hf_maker_result *m = r->made;
  pthread_mutex_lock(&w->lock);
  count_busy(w, &w->lanes[index], hf_cli_now(), false);
  w->lanes[index].busy = false;
  pthread_mutex_unlock(&w->lock);
  hf_series_add(hf_series_of(w->family[JOBS], HF_LABELS(r->device, r->job->circuit, outcome(r))), 1);
  hf_series_add(of(w, INPUT_BYTES), (double)r->input_bytes);
  if (m->peak_memory != 0) hf_series_set(of(w, PEAK), (double)m->peak_memory);
  if (r->status == HF_E_STALE) hf_series_add(of(w, LEASES_LOST), 1);
  if (r->status != HF_OK) return;
  hf_series_observe(hf_series_of(w->family[SECONDS], HF_LABELS(r->device, r->job->circuit)), r->seconds);
  hf_series_add(of(w, ROWS), m->used_rows);
  hf_series_add(of(w, PROOF_BYTES), (double)r->proof_bytes);
  observe(w, "fetch", r->fetch_seconds);
  observe(w, "witness", m->witness_seconds);
  observe(w, "key", m->key_seconds);
  for (unsigned i = 0; i < m->prove.phase_count; i++) {
    char phase[64];
    snprintf(phase, sizeof phase, "prove_%s", m->prove.phases[i].name);
    observe(w, phase, m->prove.phases[i].seconds);
  }
  observe(w, "verify", m->verify_seconds);
  observe(w, "store", r->store_seconds);
}

static void collect(void *context) {
  hf_worker_metrics *w = context;
  const double now = hf_cli_now();
  hf_maker_life life = {0};
  unsigned busy = 0;
  pthread_mutex_lock(&w->lock);
  for (unsigned i = 0; i < w->lane_count; i++) {
    lane *l = &w->lanes[i];
    char name[8];
    snprintf(name, sizeof name, "%u", i);
    count_busy(w, l, now, l->on_device != 0);
    busy += l->busy;
    hf_series_set(hf_series_of(w->family[SILENT], HF_LABELS(name)), l->busy ? now - l->sign : 0);
  }
  pthread_mutex_unlock(&w->lock);
  hf_series_set(of(w, LANES_BUSY), busy);
  hf_series_set(of(w, DEVICE_MEMORY), (double)(w->maker->memory != 0 ? w->maker->memory : hf_cli_memory()));
  hf_series_set(hf_series_of(w->family[HOST_MEMORY], NULL), (double)hf_cli_free_memory());
  if (w->maker->life == NULL) return;
  w->maker->life(w->maker, &life);
  hf_series_set(of(w, PROVERS), (double)life.started);
  hf_series_set(of(w, PROVERS_LOST), (double)life.lost);
  hf_series_set(of(w, PROVER_STALLS), (double)life.silent);
}

static hf_status check_device(void *context) {
  const hf_worker_metrics *w = context;
  hf_maker_life life = {0};
  if (w->maker->life != NULL) w->maker->life(w->maker, &life);
  return life.failed ? hf_fail(HF_E_DEVICE, "the prover's process for device \"%s\" does not get ready", w->maker->device) : HF_OK;
}

static hf_status check_lane(void *context) {
  lane *l = context;
  hf_worker_metrics *w = l->metrics;
  pthread_mutex_lock(&w->lock);
  const double silent = l->busy ? hf_cli_now() - l->sign : 0;
  pthread_mutex_unlock(&w->lock);
  return silent > w->patience ? hf_fail(HF_E_TIMEOUT, "its job has given no sign of progress for %.0f s", silent) : HF_OK;
}

hf_status hf_worker_metrics_create(hf_exporter *exporter, hf_maker *maker, unsigned lanes, uint64_t lease_ms, hf_worker_metrics **out) {
  hf_status status;
  *out = NULL;
  hf_worker_metrics *w = calloc(1, sizeof *w);
  if (w == NULL) return hf_fail(HF_E_MEMORY, "no memory for metrics");
  pthread_mutex_init(&w->lock, NULL);
  w->maker = maker;
  w->patience = (double)lease_ms / 1000;
  w->lane_count = lanes;
  HF_TRY(hf_metrics_add_all(hf_exporter_metrics(exporter), specs, FAMILIES, w->family));
  HF_TRY(hf_exporter_check(exporter, "device", check_device, w));
  for (unsigned i = 0; i < lanes; i++) {
    char name[16];
    snprintf(name, sizeof name, "lane-%u", i);
    w->lanes[i].metrics = w;
    HF_TRY(hf_exporter_check(exporter, name, check_lane, &w->lanes[i]));
  }
  HF_TRY(hf_metrics_collector(hf_exporter_metrics(exporter), collect, w));
  hf_series_add(of(w, BUSY), 0); /* there from the beginning, so that the first second is seen */
  hf_series_add(of(w, ROWS), 0);
  hf_series_add(of(w, LEASES_LOST), 0);
  *out = w;
  w = NULL;
out:
  hf_worker_metrics_destroy(&w);
  return status;
}

void hf_worker_metrics_destroy(hf_worker_metrics **metrics) {
  if (*metrics == NULL) return;
  pthread_mutex_destroy(&(*metrics)->lock);
  free(*metrics);
  *metrics = NULL;
}
