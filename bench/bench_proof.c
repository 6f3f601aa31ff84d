#include "bench_proof.h"

#include <stdlib.h>
#include <string.h>
#include "verify.h"

#define GADGETS 12

/* What the samples are kept in until one is known to be the median. */
typedef struct sample {
  double witness_ms, verify_ms, msm, ntt; /* the last two: multiplications */
  hf_prove_report report;
} sample;

typedef struct measurement {
  const hf_bench_proof *p;
  hf_backend *backend;
  hf_prover *prover;
  hf_pool *pool;
  hf_circuit_plan *plan; /* of the first circuit */
  hf_circuit *circuit;
  sample *samples;
  hf_bench_result result;
  double key_ms, load_ms;
  size_t proof_bytes;
} measurement;

static hf_status expand(measurement *m, double *ms) {
  double start = hf_bench_now_ms();
  hf_circuit_destroy(&m->circuit);
  hf_status status = m->p->expand(m->p->context, m->plan, m->pool, &m->circuit);
  *ms = hf_bench_now_ms() - start;
  return status;
}

static hf_status set_up(measurement *m, const char *name) {
  hf_status status;
  double start;
  hf_bench_say(m->p->run, "%s: circuit", name);
  HF_TRY(hf_pool_create(m->p->run->threads, &m->pool));
  HF_TRY(expand(m, &start));
  m->plan = hf_circuit_plan_share(m->circuit);
  HF_TRY(hf_circuit_check(m->circuit));
  if (*m->p->key == NULL) {
    hf_bench_say(m->p->run, "%s: key", name);
    start = hf_bench_now_ms();
    HF_TRY(hf_proving_key_derive(m->backend, m->p->srs, m->circuit, &m->p->key_options, m->p->key));
    m->key_ms = hf_bench_now_ms() - start;
  }
  start = hf_bench_now_ms();
  HF_TRY(hf_prover_create(m->backend, m->p->srs, *m->p->key, &m->prover));
  m->load_ms = hf_bench_now_ms() - start;
out:
  return status;
}

static hf_status prove_once(measurement *m, sample *s, hf_proof *proof) {
  hf_status status;
  bool ok;
  hf_bench_counter counter = {0};
  hf_writer encoded = {0};
  hf_bench_counter_begin(&counter, m->backend);
  HF_TRY(hf_prove(m->prover, m->circuit, &(hf_prove_options){.time_operations = true}, proof, &s->report));
  hf_bench_counter_end(&counter, m->backend);
  s->msm = counter.msm;
  s->ntt = counter.ntt;
  double start = hf_bench_now_ms();
  HF_TRY(hf_verify(&(*m->p->key)->vk, proof, &ok));
  s->verify_ms = hf_bench_now_ms() - start;
  if (!ok) HF_TRY(hf_fail(HF_E_DEVICE, "a proof of the benchmark does not verify: no result"));
  HF_TRY(hf_proof_encode(proof, &encoded));
  m->proof_bytes = encoded.length;
out:
  hf_bench_counter_end(&counter, m->backend);
  hf_writer_free(&encoded);
  return status;
}

/* Phases and figures come from one sample, one nearest to the median. */
static const sample *median_sample(const measurement *m) {
  const hf_bench_result *r = &m->result;
  double q[5];
  size_t nearest = 0;
  if (hf_bench_quantiles(r->samples_ms, r->samples, q) != HF_OK) return m->samples;
  for (size_t k = 1; k < r->samples; k++) {
    double a = r->samples_ms[k] - q[2], b = r->samples_ms[nearest] - q[2];
    if (a * a < b * b) nearest = k;
  }
  return &m->samples[nearest];
}

/* Scopes of the first two levels that have rows worth telling. */
static hf_status gadgets(measurement *m) {
  hf_status status = HF_OK;
  size_t count;
  const hf_scope_rows *s = hf_circuit_scopes(m->circuit, &count);
  for (size_t i = 1; i < count && m->result.rows.count < GADGETS; i++) {
    char name[HF_BENCH_TEXT];
    if (s[i].depth > 2 || s[i].total < 50) continue;
    snprintf(name, sizeof name, "%.30s%s%.30s", s[i].depth == 2 ? s[s[i].parent].name : "", s[i].depth == 2 ? "/" : "",
             s[i].name);
    HF_TRY(hf_bench_pairs_add(&m->result.rows, name, s[i].total));
  }
out:
  return status;
}

static hf_status tell(measurement *m, uint64_t peak) {
  hf_status status;
  hf_bench_result *r = &m->result;
  const sample *s = median_sample(m);
  double msm_ms = 1e3 * s->report.msm_seconds, ntt_ms = 1e3 * s->report.ntt_seconds, own = msm_ms + ntt_ms;
  const struct {
    const char *name;
    double value;
  } figures[] = {
      {"msm_ms", msm_ms},
      {"ntt_ms", ntt_ms},
      {"kernel_ratio", own > 0 ? 1e3 * s->report.seconds / own : 0},
      {"msm_multiplications", s->msm},
      {"ntt_multiplications", s->ntt},
      {"witness_ms", s->witness_ms},
      {"key_ms", m->key_ms},
      {"load_ms", m->load_ms},
      {"verify_ms", s->verify_ms},
      {"used_rows", m->circuit->used_rows},
      {"kappa", (*m->p->key)->vk.kappa},
      {"proof_bytes", (double)m->proof_bytes},
      {"peak_bytes", (double)peak},
  };
  r->multiplications = s->msm + s->ntt;
  for (unsigned i = 0; i < s->report.phase_count; i++)
    HF_TRY(hf_bench_pairs_add(&r->phases, s->report.phases[i].name, 1e3 * s->report.phases[i].seconds));
  for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
    HF_TRY(hf_bench_pairs_add(&r->figures, figures[i].name, figures[i].value));
  HF_TRY(gadgets(m));
out:
  return status;
}

hf_status hf_bench_proof_measure(const hf_bench_proof *p, const char *name, hf_bench_pairs *figures, hf_proof *proof) {
  hf_status status;
  hf_bench_run *run = p->run;
  hf_proof own;
  measurement *m = calloc(1, sizeof *m);
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for the benchmark");
  m->p = p;
  m->backend = run->backend;
  hf_bench_peak_reset();
  HF_TRY(hf_bench_result_begin(run, name, 1, &m->result));
  m->result.figures = *figures;
  *figures = (hf_bench_pairs){0};
  m->samples = calloc(run->repeats, sizeof *m->samples);
  if (m->samples == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for %u samples", run->repeats));
  HF_TRY(set_up(m, name));
  m->result.size = (uint64_t)1 << m->circuit->log_n;
  for (unsigned i = 0; i < run->warm_up + run->repeats; i++) {
    sample s = {0};
    hf_bench_say(run, "%s 2^%u: %s %u", name, m->circuit->log_n, i < run->warm_up ? "warm-up" : "proof",
                 i < run->warm_up ? i + 1 : i + 1 - run->warm_up);
    HF_TRY(expand(m, &s.witness_ms));
    HF_TRY(prove_once(m, &s, proof ? proof : &own));
    if (i < run->warm_up) continue;
    m->samples[m->result.samples] = s;
    m->result.samples_ms[m->result.samples++] = 1e3 * s.report.seconds;
  }
  HF_TRY(tell(m, hf_bench_peak_bytes()));
  HF_TRY(hf_bench_report_add(run->report, &m->result));
out:
  if (status != HF_OK) (void)hf_fail_context(status, "%s", name);
  hf_prover_destroy(&m->prover);
  hf_circuit_destroy(&m->circuit);
  hf_circuit_plan_release(&m->plan);
  hf_pool_destroy(&m->pool);
  hf_bench_result_free(&m->result);
  free(m->samples);
  free(m);
  return status;
}
