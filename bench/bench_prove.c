/* Proofs of real batches: a chain is opened, funded and fed with signed transfers, a full batch is sealed, and its
 * input is what a worker would get. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bench_proof.h"
#include "circuits/batch.h"
#include "generator.h"
#include "state.h"

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

static hf_status make_batch(const hf_bench_options *o, const hf_rollup_params *params, uint8_t **data,
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
  if (slots > HF_ROLLUP_SLOTS_MAX) slots = HF_ROLLUP_SLOTS_MAX;
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

hf_status hf_bench_batch_slots(unsigned log_n, unsigned depth, unsigned *slots) {
  hf_rollup_params params;
  hf_batch_rows rows;
  if (log_n < 12 || log_n > 22) return hf_fail(HF_E_ARGUMENT, "2^%u rows: batches have 2^12 to 2^22", log_n);
  hf_status status = fit_slots(log_n, depth, &params, &rows);
  *slots = params.slots;
  return status;
}

/* --- the measurement ---------------------------------------------------------------------- */

typedef struct subject {
  hf_rollup_params params;
  hf_batch_input input;
} subject;

static hf_status expand(void *context, hf_circuit_plan *plan, hf_pool *pool, hf_circuit **out) {
  const subject *s = context;
  hf_status status;
  hf_builder_options options;
  hf_builder *builder = NULL;
  HF_TRY(hf_batch_options(&s->params, &options));
  options.plan = plan;
  options.pool = pool;
  HF_TRY(hf_builder_create(&options, &builder));
  HF_TRY(hf_batch_circuit(builder, &s->params, &s->input));
  HF_TRY(hf_builder_finish(builder, out));
out:
  hf_builder_destroy(&builder);
  return status;
}

static hf_status size_measure(hf_bench_run *run, unsigned log_n, unsigned depth, unsigned kappa) {
  hf_status status;
  subject s = {0};
  hf_batch_rows rows;
  hf_bench_pairs figures = {0};
  hf_srs *srs = NULL;
  hf_proving_key *key = NULL;
  uint8_t *data = NULL;
  size_t length;
  HF_TRY(fit_slots(log_n, depth, &s.params, &rows));
  hf_bench_say(run, "prove 2^%u: a batch of %u transfers", log_n, s.params.slots);
  HF_TRY(make_batch(run->options, &s.params, &data, &length));
  HF_TRY(hf_batch_input_decode("the benchmark's batch", data, length, &s.input));
  hf_bench_say(run, "prove 2^%u: set-up", log_n);
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(log_n, kappa), run->threads, &srs));
  HF_TRY(hf_bench_pairs_add(&figures, "slots", s.params.slots));
  HF_TRY(hf_bench_pairs_add(&figures, "depth", depth));
  HF_TRY(hf_bench_pairs_add(&figures, "slot_rows", rows.slot));
  HF_TRY(hf_bench_pairs_add(&figures, "transfer_rows_share", (double)rows.slot * s.params.slots / (double)((uint64_t)1 << log_n)));
  HF_TRY(hf_bench_pairs_add(&figures, "input_bytes", (double)length));
  hf_bench_proof proof = {.run = run,
                          .srs = srs,
                          .key_options = {kappa, HF_TRANSCRIPT_POSEIDON2},
                          .key = &key,
                          .expand = expand,
                          .context = &s};
  HF_TRY(hf_bench_proof_measure(&proof, "prove", &figures, NULL));
out:
  free(figures.items);
  free(data);
  hf_batch_input_free(&s.input);
  hf_proving_key_destroy(&key);
  hf_srs_destroy(&srs);
  return status;
}

hf_status hf_bench_prove(const hf_bench_options *o, hf_bench_report *report) {
  hf_status status;
  hf_bench_run run = {0};
  unsigned first = hf_bench_log_first(o, 16), last = hf_bench_log_last(o, 16);
  unsigned depth = o->depth ? o->depth : HF_ROLLUP_DEPTH, kappa = o->kappa ? o->kappa : HF_PRODUCTION_KAPPA;
  if (first < 12 || last > 22)
    return hf_fail(HF_E_ARGUMENT, "2^%u to 2^%u rows: the benchmark proves 2^12 to 2^22", first, last);
  HF_TRY(hf_bench_run_begin(&run, o, 3, report));
  for (unsigned log_n = first; log_n <= last; log_n++) HF_TRY(size_measure(&run, log_n, depth, kappa));
out:
  hf_bench_run_end(&run);
  return status;
}
