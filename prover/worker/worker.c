#include "worker.h"

#include "input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HF_IDLE_MS        200
#define HF_DEVICE_STRIKES 2
#define HF_BEAT_SECONDS   0.05 /* between two heartbeats: each is a change of the store, and a small proof has twenty phases */
/* A queue that is away, locked or full is asked again after pauses that double between these. */
#define HF_PAUSE_MS       100
#define HF_PAUSE_MOST_MS  2000
#define HF_SAY_SECONDS    60.0 /* between two lines about it */
#define HF_ONCE_TRIES     5    /* of a queue that is locked, by a worker that is to end */
#define HF_FETCH_TRIES    10   /* of one input: then it may be the input alone that cannot be read */
#define HF_PROGRESS_TOTAL 1000
/* What is done of a job when its proof is begun, and made, in thousandths. */
#define HF_PROGRESS_MAKE  20
#define HF_PROGRESS_STORE 985

typedef struct job_run {
  const hf_worker_options *options;
  const hf_lease *lease;
  double beaten;     /* when the queue last heard of it */
  hf_status stopped; /* why the job must be left: HF_OK, HF_E_CANCELLED (release), HF_E_STALE (forget) */
  bool opened;       /* the input was sealed, and has been opened: what fails now may say what is in it */
  char told[HF_DETAIL_MAX + 1];
  hf_worker_report report;
} job_run;

static hf_worker_stop told(const hf_worker_options *o) {
  return o->stop != NULL ? o->stop(o->context) : HF_WORKER_GO_ON;
}

static void rest(unsigned ms) {
  struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
  nanosleep(&pause, NULL); /* a signal ends it early, as it should */
}

/* What a queue has refused for reasons that pass. */
typedef struct trouble {
  unsigned tries;
  double since, said;
} trouble;

/* Whether the call on the queue that gave `status` is to be made again, after a pause. A worker is a service: it waits
 * for a queue that is away, locked or full for as long as it takes, and says so. */
static bool again(const hf_worker_options *o, trouble *t, hf_status status) {
  double now = hf_maker_now();
  if (status == HF_OK && t->tries > 0)
    hf_log(o->log, HF_LOG_WARN, "the queue works again", HF_LOG_REAL("after_seconds", now - t->since));
  if (status != HF_E_IO && status != HF_E_BUSY && status != HF_E_FULL) {
    *t = (trouble){0};
    return false;
  }
  if (told(o) == HF_WORKER_LEAVE) return false;
  if (o->once && (status != HF_E_BUSY || t->tries + 1 >= HF_ONCE_TRIES)) return false;
  if (t->tries == 0) t->since = now;
  if (t->tries == 0 || now - t->said >= HF_SAY_SECONDS) {
    hf_log(o->log, HF_LOG_WARN, "the queue does not work; the worker goes on trying", HF_LOG_STATUS(status),
           HF_LOG_REAL("since_seconds", now - t->since));
    t->said = now;
  }
  unsigned doublings = t->tries < 10 ? t->tries : 10, ms = HF_PAUSE_MS << doublings;
  t->tries++;
  rest(ms < HF_PAUSE_MOST_MS ? ms : HF_PAUSE_MOST_MS);
  return true;
}

/* A heartbeat's progress is in rows of the circuit, so that whoever looks sees how fast they are proven; until they are known, there is
 * but a beginning. */
static hf_progress progress_of(const job_run *run, const char *phase, double thousandths) {
  const uint64_t rows = run->report.made->used_rows;
  hf_progress progress = {.done = thousandths > 0, .total = 0};
  if (rows > 0)
    progress = (hf_progress){.done = (uint64_t)(thousandths / HF_PROGRESS_TOTAL * (double)rows) + 1, .total = rows + 1};
  snprintf(progress.phase, sizeof progress.phase, "%s", hf_name_valid(phase) ? phase : "");
  return progress;
}

/* Tells the queue how far the job is; false when it must be left. */
static bool beat(job_run *run, const char *phase, double thousandths) {
  const hf_worker_options *o = run->options;
  const hf_progress progress = progress_of(run, phase, thousandths);
  hf_beat answer = {0};
  if (run->stopped != HF_OK) return false;
  if (o->progress != NULL)
    o->progress(o->context, &run->lease->header, phase, thousandths / HF_PROGRESS_TOTAL);
  if (told(o) == HF_WORKER_LEAVE) {
    run->stopped = hf_fail(HF_E_CANCELLED, "the worker was told to leave");
    return false;
  }
  double now = hf_maker_now();
  if (now - run->beaten < HF_BEAT_SECONDS && thousandths < HF_PROGRESS_STORE) return true;
  run->beaten = now;
  hf_status status =
      hf_queue_heartbeat(o->queue, &run->lease->header.key, run->lease->epoch, &progress, &answer);
  if (status == HF_E_STALE || status == HF_E_NOT_FOUND) {
    run->stopped = HF_E_STALE;
    return false;
  }
  if (status != HF_OK) { /* the lease has time left: the next beat may get through */
    hf_log(o->log, HF_LOG_WARN, "heartbeat failed", HF_LOG_STATUS(status));
    return true;
  }
  if (answer.action == HF_BEAT_CANCELLED) run->stopped = hf_fail(HF_E_CANCELLED, "cancelled by its owner");
  if (answer.action == HF_BEAT_DEADLINE) run->stopped = hf_fail(HF_E_STALE, "the deadline passed");
  return run->stopped == HF_OK;
}

static bool maker_progress(void *context, const char *phase, double done) {
  return beat(context, phase, HF_PROGRESS_MAKE + done * (HF_PROGRESS_STORE - HF_PROGRESS_MAKE));
}

#define HF_BEAT(run, phase, at)                                                                              \
  do {                                                                                                       \
    if (!beat((run), (phase), (at))) {                                                                       \
      status = (run)->stopped;                                                                               \
      goto out;                                                                                              \
    }                                                                                                        \
  } while (0)

/* From the lease to a verified proof in the store. */
static hf_status prove_job(job_run *run, hf_maker_result *made, hf_digest *result) {
  const hf_worker_options *o = run->options;
  hf_job_header job = run->lease->header;
  hf_worker_report *r = &run->report;
  hf_status status;
  uint8_t *input = NULL;
  size_t length = 0;
  hf_writer bytes = {0};
  trouble fetching = {0}, storing = {0};
  const hf_catalog_entry *entry;
  double at = hf_maker_now();

  hf_job_circuit(&job, job.circuit, NULL); /* of a sealed job "CIRCUIT@POOL", to those who prove it CIRCUIT */
  HF_TRY(hf_catalog_find(job.circuit, &entry));
  do {
    HF_BEAT(run, "fetch", 0);
    status = hf_job_input_get(o->queue, o->pool_keys, &run->lease->header, entry->input_limit, &input, &length);
  } while (fetching.tries < HF_FETCH_TRIES && again(o, &fetching, status));
  if (status != HF_OK) goto out;
  run->opened = strcmp(job.circuit, run->lease->header.circuit) != 0;
  r->input_bytes = length;
  r->fetch_seconds = hf_maker_now() - at;

  hf_maker_task task = {.job = &job, .input = input, .length = length, .progress = maker_progress, .context = run};
  status = o->maker->make(o->maker, &task, made);
  r->made = made;
  if (status == HF_E_CANCELLED && run->stopped != HF_OK) status = run->stopped;
  if (status != HF_OK) goto out;

  at = hf_maker_now();
  HF_TRY(hf_proof_encode(&made->proof, &bytes));
  HF_TRY(hf_writer_status(&bytes));
  r->proof_bytes = bytes.length;
  do {
    /* A proof is welcome when the lease is over, too: whoever has it now may be slow. */
    if (!beat(run, "store", HF_PROGRESS_STORE) && run->stopped != HF_E_STALE) {
      status = run->stopped;
      goto out;
    }
    status = hf_artifact_put(o->queue, bytes.data, bytes.length, result);
  } while (again(o, &storing, status));
  if (status != HF_OK) goto out;
  r->store_seconds = hf_maker_now() - at;
out:
  hf_writer_free(&bytes);
  if (input != NULL) {
    explicit_bzero(input, length);
    free(input);
  }
  return status;
}

/* A cause for the queue. What is wrong with a sealed input is told without its values. */
static const char *tell(job_run *run, hf_status status, const char *cause) {
  bool of_input = status >= 200 && status < 300 && status != HF_E_MISMATCH && status != HF_E_VERIFY;
  if (!run->opened || !of_input) return cause;
  snprintf(run->told, sizeof run->told, "%s; the input is sealed: the worker's log says more", hf_status_text(status));
  return run->told;
}

/* strikes: proofs in a row that failed for the device's fault. */
static hf_status run_job(const hf_worker_options *o, const hf_lease *lease, hf_maker_result *made,
                         hf_worker_totals *totals, unsigned *strikes) {
  *made = (hf_maker_result){0};
  job_run run = {.options = o, .beaten = hf_maker_now(), .lease = lease, .report = {.job = &lease->header, .epoch = lease->epoch, .device = o->maker->device, .made = made}};
  const hf_job_key *key = &lease->header.key;
  char id[HF_JOB_ID_TEXT], cause[HF_DETAIL_MAX + 1] = "";
  hf_digest result = {{0}};
  hf_job_state state = HF_JOB_QUEUED;
  double began = hf_maker_now();
  hf_status queue_status = HF_OK;
  trouble handing_in = {0};

  hf_job_id_text(&key->id, id);
  hf_log(o->log, HF_LOG_INFO, "job leased", HF_LOG_TEXT("tenant", key->tenant), HF_LOG_TEXT("job", id),
         HF_LOG_TEXT("circuit", lease->header.circuit), HF_LOG_UINT("epoch", lease->epoch));
  hf_status status = prove_job(&run, made, &result);
  if (status != HF_OK) hf_detail_copy(hf_error_message(), cause);
  do { /* a finished proof is too dear to drop */
    if (status == HF_OK) {
      queue_status = hf_queue_finish(o->queue, key, lease->epoch, o->name, &result, &run.report.outcome);
      if (queue_status != HF_E_VERIFY) continue;
      status = queue_status; /* these very bytes are refused: an attempt that failed */
      hf_detail_copy(hf_error_message(), cause);
    }
    if (run.stopped == HF_E_STALE)
      queue_status = HF_OK;
    else if (run.stopped != HF_OK || status == HF_E_BUSY) /* told to leave, or another job's fault */
      queue_status = hf_queue_release(o->queue, key, lease->epoch);
    else
      queue_status = hf_queue_fail(o->queue, key, lease->epoch, status, tell(&run, status, cause), &state);
  } while (again(o, &handing_in, queue_status));
  totals->proven += status == HF_OK && queue_status == HF_OK;
  bool left = run.stopped != HF_OK || status == HF_E_BUSY;
  totals->abandoned += status != HF_OK && left;
  totals->failed += status != HF_OK && !left;
  if (queue_status != HF_OK && status == HF_OK) {
    status = queue_status;
    hf_detail_copy(hf_error_message(), cause);
  }
  /* Lost in the meantime: somebody else has it, or it was forgotten, or the store is an older copy. */
  if (queue_status == HF_E_STALE || queue_status == HF_E_NOT_FOUND || queue_status == HF_E_ARGUMENT)
    queue_status = HF_OK;
  run.report.status = status;
  run.report.cause = cause;
  run.report.seconds = hf_maker_now() - began;
  hf_log(o->log, status == HF_OK ? HF_LOG_INFO : HF_LOG_WARN,
         status == HF_OK ? "job proven" : "job not proven", HF_LOG_TEXT("tenant", key->tenant),
         HF_LOG_TEXT("job", id), HF_LOG_UINT("epoch", lease->epoch),
         HF_LOG_REAL("seconds", run.report.seconds), HF_LOG_UINT("rows", made->used_rows),
         HF_LOG_UINT("peak_bytes", made->peak_memory), HF_LOG_TEXT("cause", cause));
  if (o->report != NULL) o->report(o->context, &run.report);
  /* A satisfied witness whose proof does not verify is the device's doing; the job itself may succeed
   * elsewhere. */
  if (status == HF_E_VERIFY || status == HF_E_DEVICE) {
    if (++*strikes >= HF_DEVICE_STRIKES && queue_status == HF_OK)
      queue_status = hf_fail(
          HF_E_DEVICE, "%u proofs in a row failed on device \"%s\": the worker leaves it alone; the last: %s",
          *strikes, o->maker->device, cause);
  } else if (status == HF_OK) {
    *strikes = 0;
  }
  return queue_status;
}

/* "cuda:1" is device cuda/1 of the backend cuda: names have no colons. */
static hf_status announce_device(const hf_worker_options *o, hf_device_info *out) {
  hf_status status;
  char name[HF_NAME_MAX + 1];
  size_t length = strcspn(o->maker->device, ":");
  snprintf(name, sizeof name, "%s", o->maker->device);
  for (char *at = name; *at; at++)
    if (*at == ':' || *at == ' ') *at = *at == ':' ? '/' : '_';
  HF_TRY(hf_name_copy("device", name, out->name));
  snprintf(out->backend, sizeof out->backend, "%.*s", (int)(length < HF_PARAMETER_NAME ? length : HF_PARAMETER_NAME),
           o->maker->device);
out:
  return status;
}

static hf_status announce(const hf_worker_options *o, hf_worker *me) {
  hf_status status;
  HF_TRY(hf_name_copy("worker", o->name, me->name));
  if (o->software != NULL) HF_TRY(hf_name_copy("software", o->software, me->software));
  me->device_memory = o->maker->memory != 0 ? o->maker->memory : o->host_memory;
  me->host_memory = o->host_memory;
  size_t count = o->circuits != NULL ? o->circuit_count : hf_catalog_count(), pools = hf_pool_keys_count(o->pool_keys);
  if (count * (1 + pools) > HF_CAPABILITY_MAX)
    return hf_fail(HF_E_ARGUMENT, "a worker announces at most %d circuits, once more for each pool key",
                   HF_CAPABILITY_MAX);
  for (size_t i = 0; i < count; i++) {
    const hf_catalog_entry *entry;
    if (o->circuits != NULL)
      HF_TRY(hf_catalog_find(o->circuits[i], &entry));
    else
      entry = hf_catalog_at(i);
    size_t points = hf_catalog_points(entry);
    if (o->srs->count < points) { /* nobody is given what it cannot prove */
      if (o->circuits != NULL)
        HF_TRY(hf_fail(HF_E_RANGE, "the SRS has %zu points; %s needs at least %zu", o->srs->count,
                       entry->name, points));
      hf_log(o->log, HF_LOG_WARN, "circuit not offered: the SRS is too small; start again with a larger one",
             HF_LOG_TEXT("circuit", entry->name), HF_LOG_UINT("points", o->srs->count), HF_LOG_UINT("needed", points));
      continue;
    }
    HF_TRY(hf_name_copy("circuit", entry->name, me->capabilities[me->capability_count].circuit));
    me->capability_count++;
    for (size_t k = 0; k < pools; k++)
      HF_TRY(hf_pool_circuit(entry->name, hf_pool_keys_at(o->pool_keys, k)->id,
                             me->capabilities[me->capability_count++].circuit));
  }
  me->device_count = 1;
  HF_TRY(announce_device(o, &me->devices[0]));
  me->devices[0].memory = me->device_memory;
out:
  return status;
}

hf_status hf_worker_run(const hf_worker_options *o, hf_worker_totals *totals) {
  hf_status status = HF_OK;
  hf_worker *me = calloc(1, sizeof *me);
  hf_lease *lease = calloc(1, sizeof *lease);
  hf_maker_result *made = calloc(1, sizeof *made);
  unsigned strikes = 0;
  *totals = (hf_worker_totals){0};
  if (me == NULL || lease == NULL || made == NULL) {
    status = hf_fail(HF_E_MEMORY, "no memory for a worker");
    goto out;
  }
  HF_TRY(announce(o, me));
  trouble leasing = {0};
  while (told(o) == HF_WORKER_GO_ON) {
    bool found = false;
    status = hf_queue_lease(o->queue, me, lease, &found);
    if (again(o, &leasing, status)) {
      status = HF_OK; /* if it is told to stop now, it has nothing in hand */
      continue;
    }
    if (status != HF_OK) goto out;
    if (!found) {
      if (o->once) break;
      rest(o->idle_ms != 0 ? o->idle_ms : HF_IDLE_MS);
      continue;
    }
    HF_TRY(run_job(o, lease, made, totals, &strikes));
    if (o->job_limit != 0 && totals->proven + totals->failed + totals->abandoned >= o->job_limit) break;
  }
out:
  free(made);
  free(lease);
  free(me);
  return status;
}
