/* Proofs of real batches: a chain is opened, funded and fed with signed transfers, a full batch is sealed, and its
 * input is what a worker would get. */
#include "bench_prove.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "bench_internal.h"
#include "circuits/batch.h"
#include "generator.h"
#include "state.h"
#include "verify.h"

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void say(const hf_bench_prove_options *o, const char *what) {
  if (o->progress) o->progress(o->context, what);
}

/* --- a full batch of signed transfers ------------------------------------------------ */

typedef struct feed {
  hf_chain *chain;
  uint64_t accepted;
} feed;

static hf_status take_deposit(void *context, const char *line) {
  hf_deposit deposit;
  hf_status status = hf_deposit_parse(line, strlen(line), &deposit);
  return status == HF_OK ? hf_chain_deposit(((feed *)context)->chain, &deposit, 1, NULL) : status;
}

static hf_status seal_all(hf_chain *chain, uint64_t *last) {
  for (;;) {
    uint64_t number;
    hf_status status = hf_chain_seal(chain, HF_SEAL_ANY, &number);
    if (status != HF_OK) return status;
    if (number == 0) return HF_OK;
    *last = number;
    status = hf_chain_set_submitted(chain, number);
    if (status != HF_OK) return status;
  }
}

/* Deposits are sealed away before the first transfer, so that the batch of transfers holds nothing else. */
static hf_status take_transaction(void *context, const char *line, hf_refusal expected) {
  feed *f = context;
  hf_transaction transaction;
  hf_verdict verdict;
  uint64_t last = 0;
  hf_status status;
  if (expected != HF_REFUSAL_NONE) return hf_fail(HF_E_INTERNAL, "the generator made an invalid transfer");
  if (f->accepted++ == 0) HF_TRY(seal_all(f->chain, &last));
  HF_TRY(hf_transaction_parse(line, strlen(line), &transaction));
  HF_TRY(hf_chain_submit(f->chain, &transaction, 1, &verdict));
  if (verdict.refusal != HF_REFUSAL_NONE)
    return hf_fail(HF_E_INTERNAL, "a transfer of the benchmark was refused: %s", hf_refusal_text(verdict.refusal));
out:
  return status;
}

static hf_status make_batch(const hf_bench_prove_options *o, const hf_rollup_params *params, uint8_t **data,
                            size_t *length) {
  hf_status status;
  char folder[256], path[300];
  hf_chain *chain = NULL;
  feed f = {0};
  uint64_t last = 0;
  snprintf(folder, sizeof folder, "%.200s/hyperfold-bench-XXXXXX", o->scratch ? o->scratch : "/tmp");
  if (!mkdtemp(folder)) return hf_fail(HF_E_IO, "no folder for the benchmark's chain at %s", folder);
  snprintf(path, sizeof path, "%s/chain.db", folder);
  hf_chain_options options = {.path = path,
                              .chain_id = {7, 0},
                              .params = *params,
                              .mode = HF_MODE_ROLLUP,
                              .keep_inputs = true};
  uint32_t accounts = params->slots < 8 ? 8 : params->slots;
  if (accounts > hf_rollup_accounts(params->depth)) accounts = hf_rollup_accounts(params->depth);
  hf_generator_options load = {.seed = o->seed, .chain_id = options.chain_id, .accounts = accounts,
                               .transactions = params->slots, .skew = 1};
  HF_TRY(hf_chain_open(&options, &chain));
  f.chain = chain;
  hf_generator_sink sink = {take_deposit, take_transaction, &f};
  HF_TRY(hf_generator_run(&load, &sink, NULL));
  HF_TRY(hf_chain_seal(chain, HF_SEAL_FULL, &last));
  if (last == 0) HF_TRY(hf_fail(HF_E_INTERNAL, "the benchmark's batch is not full"));
  HF_TRY(hf_chain_get_input(chain, last, data, length));
out:
  hf_chain_close(&chain);
  unlink(path);
  snprintf(path, sizeof path, "%s/chain.db-wal", folder);
  unlink(path);
  snprintf(path, sizeof path, "%s/chain.db-shm", folder);
  unlink(path);
  rmdir(folder);
  return status;
}

/* --- sizes ------------------------------------------------------------------------------ */

/* The most slots that fit 2^log_n rows with the blinding rows. */
static hf_status fit_slots(unsigned log_n, unsigned depth, hf_rollup_params *params, hf_batch_rows *rows) {
  uint64_t n = (uint64_t)1 << log_n;
  hf_status status;
  *params = (hf_rollup_params){depth, 1};
  HF_TRY(hf_batch_circuit_rows(params, rows));
  uint64_t slots = n / rows->slot + 1;
  for (; slots > 0; slots--) {
    params->slots = (uint32_t)slots;
    HF_TRY(hf_batch_circuit_rows(params, rows));
    if (rows->log_n <= log_n) break;
  }
  if (slots == 0 || rows->log_n != log_n)
    return hf_fail(HF_E_RANGE, "no number of slots of depth %u fills 2^%u rows", depth, log_n);
out:
  return status;
}

/* --- the measurement ---------------------------------------------------------------------- */

static hf_status expand(const hf_rollup_params *params, const hf_batch_input *input, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  hf_builder *builder = NULL;
  HF_TRY(hf_batch_options(params, &options));
  HF_TRY(hf_builder_create(&options, &builder));
  HF_TRY(hf_batch_circuit(builder, params, input));
  HF_TRY(hf_builder_finish(builder, out));
out:
  hf_builder_destroy(&builder);
  return status;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(const double *samples, size_t count) {
  double sorted[256];
  size_t n = count < 256 ? count : 256;
  memcpy(sorted, samples, n * sizeof *sorted);
  qsort(sorted, n, sizeof *sorted, by_value);
  return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

static hf_status measure(const hf_bench_prove_options *o, hf_bench_prove_report *r, hf_backend *backend,
                         const hf_rollup_params *params, const hf_batch_input *input) {
  hf_status status;
  hf_circuit *circuit = NULL;
  hf_srs *srs = NULL;
  hf_proving_key *key = NULL;
  hf_prover *prover = NULL;
  hf_writer encoded = {0};
  size_t repeats = o->repeats ? o->repeats : 3, total = repeats + o->warm_up;
  if (repeats > 256) return hf_fail(HF_E_ARGUMENT, "at most 256 repeats");
  r->samples_ms = calloc(repeats, sizeof *r->samples_ms);
  hf_prove_report *reports = calloc(repeats, sizeof *reports);
  double *witness = calloc(repeats, sizeof *witness);
  if (!r->samples_ms || !reports || !witness) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for samples"));

  say(o, "setup");
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(r->log_n, r->kappa), r->threads, &srs));
  say(o, "witness");
  HF_TRY(expand(params, input, &circuit));
  HF_TRY(hf_circuit_check(circuit));
  say(o, "key");
  double start = now_ms();
  hf_key_options key_options = {r->kappa, HF_TRANSCRIPT_POSEIDON2};
  HF_TRY(hf_proving_key_derive(backend, srs, circuit, &key_options, &key));
  r->key_ms = now_ms() - start;
  start = now_ms();
  HF_TRY(hf_prover_create(backend, srs, key, &prover));
  r->load_ms = now_ms() - start;
  for (size_t i = 0; i < total; i++) {
    bool ok;
    hf_proof proof;
    hf_prove_report report;
    say(o, i < o->warm_up ? "warm-up" : "proof");
    hf_circuit_destroy(&circuit);
    start = now_ms();
    HF_TRY(expand(params, input, &circuit));
    double witness_ms = now_ms() - start;
    HF_TRY(hf_prove(prover, circuit, NULL, &proof, &report));
    start = now_ms();
    HF_TRY(hf_verify(&key->vk, &proof, &ok));
    r->verify_ms = now_ms() - start;
    if (!ok) HF_TRY(hf_fail(HF_E_DEVICE, "a proof of the benchmark does not verify: no result"));
    if (i < o->warm_up) continue;
    size_t k = r->samples++;
    r->samples_ms[k] = 1e3 * report.seconds;
    witness[k] = witness_ms;
    reports[k] = report;
    if (k == 0) {
      HF_TRY(hf_proof_encode(&proof, &encoded));
      r->proof_bytes = encoded.length;
    }
  }
  r->median_ms = median(r->samples_ms, r->samples);
  r->witness_ms = median(witness, r->samples);
  size_t nearest = 0;
  for (size_t k = 1; k < r->samples; k++) {
    double a = r->samples_ms[k] - r->median_ms, b = r->samples_ms[nearest] - r->median_ms;
    if (a * a < b * b) nearest = k;
  }
  r->median = reports[nearest];
  r->limit_ms = 1e3 * (r->median.msm_seconds + r->median.ntt_seconds);
  r->verified = true;
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) == 0) r->peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
out:
  free(reports);
  free(witness);
  hf_writer_free(&encoded);
  hf_prover_destroy(&prover);
  hf_proving_key_destroy(&key);
  hf_circuit_destroy(&circuit);
  hf_srs_destroy(&srs);
  return status;
}

hf_status hf_bench_prove(const hf_bench_prove_options *o, hf_bench_prove_report *report) {
  hf_status status;
  hf_backend *backend = NULL;
  hf_rollup_params params;
  hf_batch_rows rows;
  hf_batch_input input = {0};
  uint8_t *data = NULL;
  memset(report, 0, sizeof *report);
  report->log_n = o->log_n ? o->log_n : 16;
  report->depth = o->depth ? o->depth : HF_ROLLUP_DEPTH;
  report->kappa = o->kappa ? o->kappa : HF_PRODUCTION_KAPPA;
  report->threads = o->threads ? o->threads : hf_bench_processors();
  if (report->log_n < 12 || report->log_n > 22)
    return hf_fail(HF_E_ARGUMENT, "2^%u rows: the benchmark proves 2^12 to 2^22", report->log_n);
  hf_bench_environment(&report->environment);
  report->environment.seed = o->seed;
  report->environment.warm_up = o->warm_up;
  report->environment.repeats = o->repeats ? o->repeats : 3;
  HF_TRY(fit_slots(report->log_n, report->depth, &params, &rows));
  report->slots = params.slots;
  report->slot_rows = rows.slot;
  report->used_rows = rows.used;
  report->transfer_rows_share = (double)rows.slot * params.slots / (double)((uint64_t)1 << report->log_n);
  hf_backend_options options = {.threads = report->threads, .variant = o->variant};
  HF_TRY(hf_backend_create(o->backend ? o->backend : "cpu", &options, &backend));
  snprintf(report->device, sizeof report->device, "%.20s%s%.10s", backend->ops->name, o->variant ? "/" : "",
           o->variant ? o->variant : "");
  say(o, "batch");
  HF_TRY(make_batch(o, &params, &data, &report->input_bytes));
  HF_TRY(hf_batch_input_decode("the benchmark's batch", data, report->input_bytes, &input));
  HF_TRY(measure(o, report, backend, &params, &input));
out:
  free(data);
  hf_batch_input_free(&input);
  hf_backend_destroy(&backend);
  if (status != HF_OK) hf_bench_prove_report_free(report);
  return status;
}

void hf_bench_prove_report_free(hf_bench_prove_report *report) {
  free(report->samples_ms);
  hf_bench_report_free(&report->environment);
  memset(report, 0, sizeof *report);
}

json_t *hf_bench_prove_json(const hf_bench_prove_report *r) {
  json_t *root = hf_bench_report_json(&r->environment);
  json_t *samples = json_array(), *phases = json_object();
  if (!root || !samples || !phases) goto failed;
  for (size_t i = 0; i < r->samples; i++) json_array_append_new(samples, json_real(r->samples_ms[i]));
  for (unsigned i = 0; i < r->median.phase_count; i++)
    json_object_set_new(phases, r->median.phases[i].name, json_real(1e3 * r->median.phases[i].seconds));
  json_t *result = json_pack(
      "{s:s, s:I, s:I, s:s, s:f, s:O, s:f, s:f, s:b, s:O, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:I, s:I, s:I, s:I, s:f, s:I, "
      "s:I, s:I}",
      "name", "prove", "size", (json_int_t)1 << r->log_n, "threads", (json_int_t)r->threads, "device", r->device,
      "median_ms", r->median_ms, "samples_ms", samples, "limit_ms", r->limit_ms, "ratio",
      r->limit_ms > 0 ? r->median_ms / r->limit_ms : 0.0, "verified", (int)r->verified, "phases_ms", phases, "msm_ms",
      1e3 * r->median.msm_seconds, "ntt_ms", 1e3 * r->median.ntt_seconds, "witness_ms", r->witness_ms, "key_ms",
      r->key_ms, "load_ms", r->load_ms, "verify_ms", r->verify_ms, "depth", (json_int_t)r->depth, "slots",
      (json_int_t)r->slots, "kappa", (json_int_t)r->kappa, "used_rows", (json_int_t)r->used_rows, "slot_rows",
      (json_int_t)r->slot_rows, "transfer_rows_share", r->transfer_rows_share, "proof_bytes", (json_int_t)r->proof_bytes,
      "input_bytes", (json_int_t)r->input_bytes, "peak_bytes", (json_int_t)r->peak_bytes);
  if (!result || json_array_append_new(json_object_get(root, "results"), result) != 0) goto failed;
  json_decref(samples);
  json_decref(phases);
  return root;
failed:
  json_decref(samples);
  json_decref(phases);
  json_decref(root);
  return NULL;
}
