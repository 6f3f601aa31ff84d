#include "bench_e2e.h"
#include "bench.h"
#include "circuits/fold.h"
#include "sealed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- everything is verified ----------------------------------------------------------------------------- */

/* Records `from` + 1 and on of the chain, as this seal has them. */
static hf_status check_records(hf_e2e *e, const hf_sealed *sealed, uint64_t from) {
  hf_status status = HF_OK;
  hf_chain *chain = hf_sequencer_chain(e->demo.sequencer, 0);
  for (uint32_t i = 0; i < sealed->records; i++) {
    hf_batch_info info;
    HF_TRY(hf_chain_get_batch(chain, from + i + 1, &info));
    memcpy(info.record.word[HF_RECORD_VK_DIGEST], e->demo.vk_digest.b, 32);
    if (memcmp(&info.record, &sealed->batch[i].record, sizeof info.record) != 0)
      HF_TRY(hf_fail(HF_E_VERIFY, "record %u of a seal is not batch %llu of the chain", i,
                     (unsigned long long)(from + i + 1)));
  }
out:
  return status;
}

static hf_status check_seals(hf_e2e *e) {
  hf_status status = HF_OK;
  char path[4096];
  uint64_t records = 0;
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  if (sealed == NULL) return hf_fail(HF_E_MEMORY, "no memory for a seal");
  while (records < e->batches) {
    bool ok;
    snprintf(path, sizeof path, "%s/sealed/%08u.sealed", e->demo.folder, e->seals + 1);
    HF_TRY(hf_sealed_load(path, sealed));
    HF_TRY(hf_sealed_check(sealed, &e->seal, &ok));
    if (!ok) HF_TRY(hf_fail_context(HF_E_VERIFY, "seal %u", e->seals + 1));
    HF_TRY(check_records(e, sealed, records));
    records += sealed->records;
    e->seals++;
    hf_sealed_free(sealed);
  }
out:
  hf_sealed_free(sealed);
  free(sealed);
  return status;
}

hf_status hf_e2e_check(hf_e2e *e) {
  hf_status status;
  unsigned count;
  hf_chain_info info;
  json_t *batches = json_array();
  hf_chain_get_info(hf_sequencer_chain(e->demo.sequencer, 0), &info);
  if (info.batches != e->batches)
    HF_TRY(hf_fail(HF_E_INTERNAL, "the chain has %llu batches instead of %u", (unsigned long long)info.batches, e->batches));
  HF_TRY(hf_demo_check(&e->demo, batches, &count));
  if (count != e->batches) HF_TRY(hf_fail(HF_E_INTERNAL, "%u batches of %u were checked", count, e->batches));
  HF_TRY(check_seals(e));
out:
  json_decref(batches);
  return status;
}

/* --- where the time went ----------------------------------------------------------------------------------- */

enum { BATCH_WITNESS, BATCH_PROOF, BATCH_REST, FOLD, SEAL, STAGES };
static const char *const stages[STAGES] = {"batch witness", "batch proof", "batch rest", "fold", "seal"};

typedef struct totals {
  double seconds[STAGES]; /* of all workers together */
  unsigned batches, folds, seals;
  double multiplications;
  unsigned log_n; /* of a batch */
} totals;

static double number(const json_t *object, const char *name) { return json_number_value(json_object_get(object, name)); }

/* A number of 64 bits may be a string. */
static double count_of(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  return json_is_string(value) ? strtod(json_string_value(value), NULL) : json_number_value(value);
}

/* A worker's line about one job; the accepted ones make the totals. */
static hf_status take_line(const char *line, totals *t) {
  json_t *report = json_loads(line, 0, NULL);
  const char *circuit = json_string_value(json_object_get(report, "circuit"));
  const char *outcome = json_string_value(json_object_get(report, "outcome"));
  const json_t *prove = json_object_get(report, "prove");
  hf_status status = HF_OK;
  if (circuit == NULL || outcome == NULL || strcmp(outcome, "accepted") != 0) {
    status = hf_fail(HF_E_INTERNAL, "a worker of the benchmark had a job that was not accepted: %.200s", line);
  } else {
    double all = number(report, "seconds"), proof = number(prove, "seconds"), witness = number(report, "witness_seconds");
    unsigned log_n = (unsigned)number(report, "log_n");
    t->multiplications += hf_bench_proof_multiplications(log_n, count_of(prove, "msm_points"), count_of(prove, "ntt_count"));
    if (strcmp(circuit, HF_BATCH_CIRCUIT) == 0) {
      t->batches++;
      t->log_n = log_n;
      t->seconds[BATCH_WITNESS] += witness;
      t->seconds[BATCH_PROOF] += proof;
      t->seconds[BATCH_REST] += all - witness - proof;
    } else {
      bool seal = strcmp(circuit, HF_SEAL_CIRCUIT) == 0;
      t->seconds[seal ? SEAL : FOLD] += all;
      t->seals += seal;
      t->folds += !seal;
    }
  }
  json_decref(report);
  return status;
}

static hf_status read_workers(const hf_e2e *e, totals *t) {
  hf_status status = HF_OK;
  char *line = NULL;
  size_t size = 0;
  FILE *file = NULL;
  for (unsigned i = 0; i < e->demo.worker_count; i++) {
    file = fopen(e->demo.workers[i].out, "re");
    if (file == NULL) HF_TRY(hf_fail(HF_E_IO, "the report of %s cannot be read", e->demo.workers[i].name));
    while (getline(&line, &size, file) > 0) HF_TRY(take_line(line, t));
    fclose(file);
    file = NULL;
  }
  if (t->batches != e->batches || t->seals != e->seals)
    HF_TRY(hf_fail(HF_E_INTERNAL, "the workers proved %u batches and %u seals of %u and %u", t->batches, t->seals, e->batches, e->seals));
out:
  if (file != NULL) fclose(file);
  free(line);
  return status;
}

/* Of the first run; later ones add their sample. */
static hf_status tell_figures(const hf_e2e *e, const totals *t, hf_bench_result *r) {
  hf_status status;
  double wall = e->sealed - e->began, busy = 0, peak = 0, largest = 0;
  for (int i = 0; i <= HF_DEMO_WORKERS; i++) {
    peak += (double)e->peak[i];
    if ((double)e->peak[i] > largest) largest = (double)e->peak[i];
  }
  for (int s = 0; s < STAGES; s++) {
    HF_TRY(hf_bench_pairs_add(&r->phases, stages[s], 1e3 * t->seconds[s] / e->workers));
    busy += t->seconds[s];
  }
  HF_TRY(hf_bench_pairs_add(&r->phases, "waiting", wall * e->workers > busy ? 1e3 * (wall - busy / e->workers) : 0));
  const struct {
    const char *name;
    double value;
  } figures[] = {
      {"payments_per_second", e->payments / wall},
      {"payments", e->payments},
      {"latency_ms", 1e3 * (e->sealed - e->first)},
      {"ms_per_payment", 1e3 * wall / e->payments},
      {"batches", e->batches},
      {"slots", e->demo.params.slots},
      {"depth", e->demo.params.depth},
      {"folds", t->folds},
      {"seals", t->seals},
      {"workers", e->workers},
      {"sequencing_ms", 1e3 * (e->sequenced - e->began)},
      {"setup_ms", 1e3 * e->setup_seconds},
      {"peak_bytes", peak},
      {"largest_process_bytes", largest},
  };
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
    HF_TRY(hf_bench_pairs_add(&r->figures, figures[i].name, figures[i].value));
  r->multiplications = t->multiplications;
out:
  return status;
}

hf_status hf_e2e_tell(hf_e2e *e, hf_bench_result *r) {
  hf_status status;
  totals t = {0};
  HF_TRY(read_workers(e, &t));
  double *samples = realloc(r->samples_ms, (r->samples + 1) * sizeof *samples);
  if (samples == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a sample"));
  r->samples_ms = samples;
  samples[r->samples++] = 1e3 * (e->sealed - e->began);
  if (r->samples > 1) goto out;
  snprintf(r->name, sizeof r->name, "e2e");
  snprintf(r->device, sizeof r->device, "%s", e->device);
  r->size = (uint64_t)1 << t.log_n;
  r->threads = e->threads;
  r->multiplication_ns = e->multiplication_ns;
  HF_TRY(tell_figures(e, &t, r));
out:
  return status;
}
