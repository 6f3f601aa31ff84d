/* Proofs on a device of this process. */
#include "maker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "fold_keys.h"
#include "verify.h"

/* Parts of a job that are done when a phase starts; the prover's own lie between the last two. */
#define HF_DONE_KEY    0.10
#define HF_DONE_PROVE  0.13
#define HF_DONE_VERIFY 0.98

/* One thread at a time. */
typedef struct gate {
  pthread_mutex_t lock;
  pthread_cond_t freed;
  bool taken;
} gate;

typedef struct local_maker {
  hf_maker base; /* first */
  hf_maker_options options;
  gate build;         /* pool and plans */
  gate device;        /* backend, keys, the node's key */
  atomic_ulong steps; /* signs of progress of whoever has the device */
  atomic_uint jobs;   /* under way */
  hf_pool *pool;
  hf_plan_cache plans;
  bool node_known; /* node_vk is filled in */
  hf_fr node_vk;   /* digest of the node's key, which follows from the SRS */
} local_maker;

/* The kernel's high-water mark of this process can be set back; where it cannot, it covers earlier jobs too. */
static void peak_reset(void) {
  int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, "5", 1) != 1) errno = 0;
  close(fd);
}

static uint64_t peak_read(void) {
  char line[128];
  unsigned long long kib = 0;
  FILE *file = fopen("/proc/self/status", "re");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "VmHWM: %llu", &kib) == 1) break;
  }
  fclose(file);
  return (uint64_t)kib * 1024;
}

#define HF_PHASE(task, phase, done)                                                                         \
  do {                                                                                                      \
    if (!(task)->progress((task)->context, (phase), (done)))                                                \
      HF_TRY(hf_fail(HF_E_CANCELLED, "left before phase %s", (phase)));                                     \
  } while (0)

/* Waits for the gate. Whoever waits makes progress as far as the one that has the device does: behind a device that hangs,
 * it says nothing either. */
static hf_status gate_enter(local_maker *m, gate *g, const hf_maker_task *task, double done) {
  unsigned long seen = atomic_load(&m->steps);
  pthread_mutex_lock(&g->lock);
  while (g->taken) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    if (pthread_cond_timedwait(&g->freed, &g->lock, &until) != ETIMEDOUT) continue;
    unsigned long steps = atomic_load(&m->steps);
    if (steps == seen) continue;
    seen = steps;
    pthread_mutex_unlock(&g->lock);
    if (!task->progress(task->context, "waiting", done)) return hf_fail(HF_E_CANCELLED, "left before its turn");
    pthread_mutex_lock(&g->lock);
  }
  g->taken = true;
  pthread_mutex_unlock(&g->lock);
  return HF_OK;
}

static void gate_leave(gate *g) {
  pthread_mutex_lock(&g->lock);
  g->taken = false;
  pthread_cond_signal(&g->freed);
  pthread_mutex_unlock(&g->lock);
}

static void gate_init(gate *g) {
  pthread_condattr_t monotonic;
  pthread_condattr_init(&monotonic);
  pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
  pthread_mutex_init(&g->lock, NULL);
  pthread_cond_init(&g->freed, &monotonic);
  pthread_condattr_destroy(&monotonic);
}

static void gate_destroy(gate *g) {
  pthread_mutex_destroy(&g->lock);
  pthread_cond_destroy(&g->freed);
}

typedef struct prover_context {
  local_maker *maker;
  const hf_maker_task *task;
} prover_context;

static bool prover_progress(void *context, const char *phase, double done) {
  const prover_context *c = context;
  const hf_maker_task *task = c->task;
  atomic_fetch_add(&c->maker->steps, 1);
  return task->progress(task->context, phase, HF_DONE_PROVE + done * (HF_DONE_VERIFY - HF_DONE_PROVE));
}

static bool key_progress(void *context, double done) {
  const prover_context *c = context;
  const hf_maker_task *task = c->task;
  atomic_fetch_add(&c->maker->steps, 1);
  return task->progress(task->context, "key", HF_DONE_KEY + done * (HF_DONE_PROVE - HF_DONE_KEY));
}

/* Before anything is derived or proven for an input whose pairings are deferred: a bad child would make a
 * proof that does not verify, on a device that is not at fault, and a foreign node key a proving key that
 * nobody needs. */
static hf_status vet(local_maker *m, const hf_catalog_entry *entry, const hf_fold_setup *setup, const hf_maker_task *task) {
  hf_status status = HF_OK;
  if (!entry->folds) return HF_OK;
  if (!m->node_known) {
    hf_verifying_key node;
    prover_context context = {m, task};
    const hf_key_watch watch = {key_progress, &context};
    HF_TRY(gate_enter(m, &m->device, task, 0));
    /* it may have to be derived: whoever watches is to be patient, and the device in use */
    if (!key_progress(&context, 0)) status = hf_fail(HF_E_CANCELLED, "left before the node's key");
    hf_key_cache_watch(m->options.keys, &watch);
    if (status == HF_OK) status = hf_fold_keys(m->options.keys, m->options.srs, &node, NULL);
    hf_key_cache_watch(m->options.keys, NULL);
    gate_leave(&m->device);
    HF_TRY(status);
    HF_PHASE(task, "witness", 0);
    m->node_vk = node.digest; /* under the gate of building */
    m->node_known = true;
  }
  HF_TRY(hf_catalog_vet(entry, setup, m->node_vk, task->input, task->length));
out:
  return status;
}

static hf_status verify(hf_maker_result *r) {
  hf_status status;
  bool ok = false;
  double at = hf_maker_now();
  HF_TRY(hf_verify(&r->vk, &r->proof, &ok));
  if (!ok) status = hf_fail_context(HF_E_VERIFY, "the proof that was made does not verify");
out:
  r->verify_seconds = hf_maker_now() - at;
  return status;
}

/* The circuit with its witness. */
static hf_status build(local_maker *m, const hf_maker_task *task, hf_circuit **out, const hf_catalog_entry **entry) {
  const hf_job_header *job = task->job;
  hf_status status;
  hf_fold_setup setup;
  hf_catalog_context context = {.plans = &m->plans, .pool = m->pool};
  bool entered = false;
  HF_TRY(hf_catalog_find(job->circuit, entry));
  if ((*entry)->folds) {
    HF_TRY(hf_catalog_setup(m->options.srs, &setup));
    context.setup = &setup;
  }
  HF_TRY(gate_enter(m, &m->build, task, 0));
  entered = true;
  HF_PHASE(task, "witness", 0);
  HF_TRY(vet(m, *entry, &setup, task));
  HF_TRY(hf_catalog_build(*entry, &context, job->parameters, job->parameter_count, task->input, task->length, out));
out:
  if (entered) gate_leave(&m->build);
  return status;
}

/* Key and proof, on the device. */
static hf_status prove(local_maker *m, const hf_maker_task *task, const hf_catalog_entry *entry, hf_circuit *circuit,
                       hf_maker_result *r) {
  hf_status status;
  const hf_proving_key *key = NULL;
  hf_prover *prover = NULL;
  prover_context context = {m, task};
  const hf_key_watch watch = {key_progress, &context};
  hf_prove_options options = {.progress = prover_progress, .context = &context};
  HF_TRY(gate_enter(m, &m->device, task, HF_DONE_KEY));
  double at = hf_maker_now();
  if (!key_progress(&context, 0)) status = hf_fail(HF_E_CANCELLED, "left before its key");
  hf_key_cache_watch(m->options.keys, &watch);
  if (status == HF_OK) status = hf_key_cache_get(m->options.keys, circuit, &entry->keys, &task->job->vk_digest, &key);
  hf_key_cache_watch(m->options.keys, NULL);
  if (status == HF_OK && !key_progress(&context, 1)) status = hf_fail(HF_E_CANCELLED, "left before its key was loaded");
  if (status == HF_OK) status = hf_key_cache_prover(m->options.keys, &prover);
  r->key_seconds = hf_maker_now() - at;
  if (status == HF_OK) {
    r->vk = key->vk;
    status = hf_prove(prover, circuit, &options, &r->proof, &r->prove);
  }
  gate_leave(&m->device);
out:
  return status;
}

static hf_status local_make(hf_maker *maker, const hf_maker_task *task, hf_maker_result *r) {
  local_maker *m = (local_maker *)(void *)maker;
  hf_status status;
  hf_circuit *circuit = NULL;
  const hf_catalog_entry *entry;
  memset(r, 0, sizeof *r);
  if (atomic_fetch_add(&m->jobs, 1) == 0) peak_reset(); /* else the mark is another one's too */
  double at = hf_maker_now();
  HF_TRY(build(m, task, &circuit, &entry));
  r->log_n = circuit->log_n;
  r->used_rows = circuit->used_rows;
  r->witness_seconds = hf_maker_now() - at;
  status = prove(m, task, entry, circuit, r);
  if (status == HF_OK) {
    HF_PHASE(task, "verify", HF_DONE_VERIFY);
    status = verify(r);
  }
  if (status == HF_E_UNSATISFIED || status == HF_E_VERIFY) {
    /* The checker names the constraint; if it finds nothing, the device is at fault and the status stays. */
    hf_status found = hf_circuit_complete(circuit, NULL);
    if (found == HF_OK) found = hf_circuit_check(circuit);
    if (found != HF_OK) status = found;
  }
out:
  r->peak_memory = peak_read();
  hf_circuit_destroy(&circuit);
  atomic_fetch_sub(&m->jobs, 1);
  return status;
}

static void local_destroy(hf_maker *maker) {
  local_maker *m = (local_maker *)(void *)maker;
  hf_plan_cache_clear(&m->plans);
  hf_pool_destroy(&m->pool);
  gate_destroy(&m->build);
  gate_destroy(&m->device);
  free(m);
}

hf_status hf_maker_local(const hf_maker_options *options, hf_maker **out) {
  *out = NULL;
  local_maker *m = calloc(1, sizeof *m);
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for what makes proofs");
  m->base = (hf_maker){.device = options->backend->ops->name,
                       .memory = hf_backend_memory(options->backend),
                       .make = local_make,
                       .destroy = local_destroy};
  gate_init(&m->build);
  gate_init(&m->device);
  m->options = *options;
  hf_status status = hf_pool_create(options->threads, &m->pool);
  if (status != HF_OK) {
    local_destroy(&m->base);
    return status;
  }
  *out = &m->base;
  return HF_OK;
}
