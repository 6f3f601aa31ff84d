/* Proofs on a device of this process. */
#include "maker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "fold_keys.h"
#include "verify.h"

/* Parts of a job that are done when a phase starts; the prover's own lie between the last two. */
#define HF_DONE_KEY    0.10
#define HF_DONE_PROVE  0.13
#define HF_DONE_VERIFY 0.98

typedef struct local_maker {
  hf_maker base; /* first */
  hf_maker_options options;
  hf_pool *pool;
  hf_plan_cache plans;
  bool node_known; /* node_vk is filled in */
  hf_fr node_vk;   /* digest of the node's key, which follows from the SRS */
} local_maker;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

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

static bool prover_progress(void *context, const char *phase, double done) {
  const hf_maker_task *task = context;
  return task->progress(task->context, phase, HF_DONE_PROVE + done * (HF_DONE_VERIFY - HF_DONE_PROVE));
}

/* Before anything is derived or proven for an input whose pairings are deferred: a bad child would make a
 * proof that does not verify, on a device that is not at fault, and a foreign node key a proving key that
 * nobody needs. */
static hf_status vet(local_maker *m, const hf_catalog_entry *entry, const hf_fold_setup *setup, const hf_maker_task *task) {
  hf_status status = HF_OK;
  if (!entry->folds) return HF_OK;
  if (!m->node_known) {
    hf_verifying_key node;
    HF_TRY(hf_fold_keys(m->options.keys, m->options.srs, &node, NULL));
    m->node_vk = node.digest;
    m->node_known = true;
  }
  HF_TRY(hf_catalog_vet(entry, setup, m->node_vk, task->input, task->length));
out:
  return status;
}

static hf_status verify(hf_maker_result *r) {
  hf_status status;
  bool ok = false;
  double at = now();
  HF_TRY(hf_verify(&r->vk, &r->proof, &ok));
  if (!ok) status = hf_fail_context(HF_E_VERIFY, "the proof that was made does not verify");
out:
  r->verify_seconds = now() - at;
  return status;
}

static hf_status local_make(hf_maker *maker, const hf_maker_task *task, hf_maker_result *r) {
  local_maker *m = (local_maker *)(void *)maker;
  const hf_job_header *job = task->job;
  hf_status status;
  hf_circuit *circuit = NULL;
  const hf_proving_key *key = NULL;
  hf_prover *prover = NULL;
  const hf_catalog_entry *entry;
  hf_fold_setup setup;
  hf_catalog_context context = {.plans = &m->plans, .pool = m->pool};
  memset(r, 0, sizeof *r);
  peak_reset();

  HF_TRY(hf_catalog_find(job->circuit, &entry));
  if (entry->folds) {
    HF_TRY(hf_catalog_setup(m->options.srs, &setup));
    context.setup = &setup;
  }
  double at = now();
  HF_PHASE(task, "witness", 0);
  HF_TRY(vet(m, entry, &setup, task));
  HF_TRY(hf_catalog_build(entry, &context, job->parameters, job->parameter_count, task->input, task->length, &circuit));
  r->log_n = circuit->log_n;
  r->used_rows = circuit->used_rows;
  r->witness_seconds = now() - at;

  at = now();
  HF_PHASE(task, "key", HF_DONE_KEY);
  HF_TRY(hf_key_cache_get(m->options.keys, circuit, &entry->keys, &job->vk_digest, &key));
  HF_TRY(hf_key_cache_prover(m->options.keys, &prover));
  r->vk = key->vk;
  r->key_seconds = now() - at;

  hf_prove_options prove = {.progress = prover_progress, .context = (void *)(uintptr_t)task};
  status = hf_prove(prover, circuit, &prove, &r->proof, &r->prove);
  if (status == HF_OK) {
    HF_PHASE(task, "verify", HF_DONE_VERIFY);
    status = verify(r);
  }
  if (status == HF_E_UNSATISFIED || status == HF_E_VERIFY) {
    /* The checker names the constraint; if it finds nothing, the device is at fault and the status stays. */
    hf_status found = hf_circuit_complete(circuit, m->pool);
    if (found == HF_OK) found = hf_circuit_check(circuit);
    if (found != HF_OK) status = found;
  }
out:
  r->peak_memory = peak_read();
  hf_circuit_destroy(&circuit);
  return status;
}

static void local_destroy(hf_maker *maker) {
  local_maker *m = (local_maker *)(void *)maker;
  hf_plan_cache_clear(&m->plans);
  hf_pool_destroy(&m->pool);
  free(m);
}

hf_status hf_maker_local(const hf_maker_options *options, hf_maker **out) {
  *out = NULL;
  local_maker *m = calloc(1, sizeof *m);
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for what makes proofs");
  m->base = (hf_maker){.device = options->backend->ops->name, .make = local_make, .destroy = local_destroy};
  m->options = *options;
  hf_status status = hf_pool_create(options->threads, &m->pool);
  if (status != HF_OK) {
    free(m);
    return status;
  }
  *out = &m->base;
  return HF_OK;
}
