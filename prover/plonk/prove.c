/* The rounds of the prover. Every array lives on the device; challenges, evaluations and commitments are all that
 * comes back. Names follow prover/PROTOCOL.md. */
#include "prove.h"

#include <hyperfold/random.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "host/domains.h"
#include "host/transcript.h"
#include "prove_internal.h"
#include "relation_inputs.h"

struct hf_prover {
  hf_backend *backend;
  const hf_proving_key *key;
  hf_points *points;
  hf_vec *values[HF_FIXED_COUNT];       /* fixed columns on H */
  hf_vec *coefficients[HF_FIXED_COUNT]; /* and as polynomials, length n + extra */
  /* and on the quotient's cosets, from the first proof on, where that takes no more than HF_PROVER_COSET_BYTES: three of
   * five transforms of the second proof */
  bool keeps_cosets;
  hf_vec *cosets[HF_QUOTIENT_COUNT][HF_FIXED_COUNT];
};

#define HF_PROVER_COSET_BYTES ((size_t)512 << 20) /* up to 2^17 rows */

/* Everything that belongs to one proof. */
typedef struct run {
  hf_prover *prover;
  hf_backend *backend;
  const hf_backend_ops *ops;
  const hf_verifying_key *vk;
  const hf_circuit *circuit;
  const hf_prove_options *options;
  hf_random_source random;
  void *random_context;
  hf_proof *proof;
  hf_prove_report *report;
  double phase_start;
  size_t n, length; /* length = n + HF_EXTRA_COEFFICIENTS */
  hf_pack_layout packs;
  hf_transcript transcript;
  hf_rel_challenges ch;
  hf_fr zeta, y, v[HF_MAX_PACKS];
  hf_vec *witness_values[HF_WITNESS_COUNT];
  hf_vec *witness[HF_WITNESS_COUNT], *sums[HF_SUMS_COUNT], *quotient[HF_QUOTIENT_COUNT]; /* coefficients */
  hf_vec *public_inputs;
} run;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Closes the running phase and opens the next; NULL only closes. */
static hf_status phase(run *r, const char *name, double done) {
  hf_prove_report *report = r->report;
  hf_status status = hf_backend_finish(r->backend); /* a phase ends with its work */
  if (status != HF_OK) return status;
  double t = now();
  if (report->phase_count) report->phases[report->phase_count - 1].seconds = t - r->phase_start;
  r->phase_start = t;
  if (!name) return HF_OK;
  report->phases[report->phase_count].name = name;
  report->phases[report->phase_count++].seconds = 0;
  if (r->options && r->options->progress && !r->options->progress(r->options->context, name, done))
    return hf_fail(HF_E_CANCELLED, "proof cancelled before phase %s", name);
  return HF_OK;
}

/* --- timed operations ------------------------------------------------------------ */

/* Before an operation whose seconds are counted; what its device still does is not its own. */
static double started(run *r) {
  if (r->options && r->options->time_operations) (void)hf_backend_finish(r->backend); /* a fault shows in what follows */
  return now();
}

/* What it took goes to `total`, unless its device runs behind and nobody wants to wait. */
static hf_status timed(run *r, double start, double *total, hf_status status) {
  if (status == HF_OK && r->ops->finish) {
    if (!r->options || !r->options->time_operations) return status;
    status = r->ops->finish(r->backend);
  }
  *total += now() - start;
  return status;
}

static hf_status commit(run *r, hf_vec *const *polys, unsigned count, hf_g1 *out) {
  hf_status status = HF_OK;
  unsigned kappa = r->vk->kappa;
  double start = started(r);
  for (unsigned pack = 0; pack < hf_packs(count, kappa); pack++) {
    const hf_vec *parts[HF_KAPPA_MAX] = {NULL};
    for (unsigned j = 0; j < kappa && pack * kappa + j < count; j++) parts[j] = polys[pack * kappa + j];
    HF_TRY(r->ops->commit(r->backend, r->prover->points, parts, kappa, r->length, &out[pack]));
    if (hf_g1_is_infinity(out[pack])) HF_TRY(hf_fail(HF_E_INTERNAL, "a blinded commitment is infinity"));
  }
  r->report->msm_points += (size_t)count * r->n;
out:
  return timed(r, start, &r->report->msm_seconds, status);
}

static hf_status msm(run *r, const hf_vec *scalars, size_t count, hf_g1 *out) {
  double start = started(r);
  hf_status status = r->ops->msm(r->backend, r->prover->points, scalars, count, out);
  r->report->msm_points += count;
  return timed(r, start, &r->report->msm_seconds, status);
}

static hf_status inverse_ntt(run *r, hf_vec *const *vecs, size_t count) {
  double start = started(r);
  hf_status status = r->ops->ntt(r->backend, vecs, count, r->vk->log_n, HF_NTT_INVERSE);
  r->report->ntt_count += count;
  return timed(r, start, &r->report->ntt_seconds, status);
}

static hf_status coset_ntt(run *r, hf_vec *const *out, hf_vec *const *coefficients, size_t count, hf_fr shift) {
  double start = started(r);
  hf_status status = r->ops->coset_ntt(r->backend, out, (const hf_vec *const *)coefficients, count, r->length, r->vk->log_n, shift);
  r->report->ntt_count += count;
  return timed(r, start, &r->report->ntt_seconds, status);
}

static hf_status coset_intt(run *r, hf_vec *values, hf_fr shift) {
  double start = started(r);
  hf_status status = r->ops->coset_intt(r->backend, values, r->vk->log_n, shift);
  r->report->ntt_count++;
  return timed(r, start, &r->report->ntt_seconds, status);
}

/* --- randomness -------------------------------------------------------------------- */

/* Uniform elements: 254-bit strings, those not below r (a quarter) drawn again; any value below r is a Montgomery
 * form. A source that gives none in 128 draws (2^-262 by chance) is stuck. */
static hf_status random_fr(run *r, hf_fr *out, size_t count) {
  for (size_t i = 0; i < count; i++) {
    int draws = 0;
    do {
      if (draws++ == 128) return hf_fail(HF_E_RANDOM, "the source of randomness is stuck");
      hf_status status = r->random(r->random_context, out[i].l, sizeof out[i].l);
      if (status != HF_OK) return status;
      out[i].l[3] &= 0x3fffffffffffffffull;
    } while (!hf_fr_is_reduced(out[i]));
  }
  return HF_OK;
}

/* Adds (X^n - 1) times a random polynomial of degree 3: values on H stay. */
static hf_status blind(run *r, hf_vec *coefficients) {
  hf_status status;
  hf_fr b[HF_EXTRA_COEFFICIENTS], low[HF_EXTRA_COEFFICIENTS];
  HF_TRY(random_fr(r, b, HF_EXTRA_COEFFICIENTS));
  HF_TRY(r->ops->vec_download(r->backend, coefficients, 0, low, HF_EXTRA_COEFFICIENTS));
  for (int i = 0; i < HF_EXTRA_COEFFICIENTS; i++) low[i] = hf_fr_sub(low[i], b[i]);
  HF_TRY(r->ops->vec_upload(r->backend, coefficients, 0, low, HF_EXTRA_COEFFICIENTS));
  HF_TRY(r->ops->vec_upload(r->backend, coefficients, r->n, b, HF_EXTRA_COEFFICIENTS));
out:
  return status;
}

/* --- memory ------------------------------------------------------------------------ */

static hf_status create_all(run *r, hf_vec **vecs, size_t count, size_t length) {
  for (size_t i = 0; i < count; i++) {
    hf_status status = r->ops->vec_create(r->backend, length, &vecs[i]);
    if (status != HF_OK) return status;
  }
  return HF_OK;
}

static void destroy_all(run *r, hf_vec **vecs, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (vecs[i]) {
      r->ops->vec_destroy(r->backend, vecs[i]);
      vecs[i] = NULL;
    }
}

/* --- round 1: wires and multiplicities ------------------------------------------------ */

static hf_status round_witness(run *r) {
  hf_status status;
  HF_TRY(create_all(r, r->witness_values, HF_WITNESS_COUNT, r->n));
  HF_TRY(create_all(r, r->witness, HF_WITNESS_COUNT, r->length));
  for (int i = 0; i < HF_WITNESS_COUNT; i++) {
    hf_vec *values = r->witness_values[i];
    HF_TRY(r->ops->vec_upload(r->backend, values, 0, i < HF_WIRES ? r->circuit->wires[i] : r->circuit->multiplicity, r->n));
    if (i < HF_WIRES) {
      hf_fr random[HF_BLIND_ROWS];
      HF_TRY(random_fr(r, random, HF_BLIND_ROWS));
      HF_TRY(r->ops->vec_upload(r->backend, values, r->n - HF_BLIND_ROWS, random, HF_BLIND_ROWS));
    }
    HF_TRY(r->ops->vec_copy(r->backend, r->witness[i], 0, values, 0, r->n));
  }
  HF_TRY(inverse_ntt(r, r->witness, HF_WITNESS_COUNT));
  HF_TRY(blind(r, r->witness[HF_POLY_M]));
  HF_TRY(commit(r, r->witness, HF_WITNESS_COUNT, r->proof->commitments));
  hf_transcript *t = &r->transcript;
  hf_transcript_absorb_g1(t, HF_TAG_WITNESS, r->proof->commitments, r->packs.witness);
  hf_transcript_squeeze(t, &r->ch.beta);
  hf_transcript_squeeze(t, &r->ch.gamma);
  hf_transcript_squeeze(t, &r->ch.lambda);
  hf_transcript_squeeze(t, &r->ch.eta);
  hf_transcript_squeeze(t, &r->ch.chi);
  hf_rel_derive(&r->ch);
out:
  return status;
}

/* --- round 2: the grand product and the running sums ------------------------------------ */

static void describe_columns(run *r, struct hf_relation_inputs *in, hf_vec *const *fixed, hf_vec *const *witness) {
  memset(in, 0, sizeof *in);
  in->log_n = r->vk->log_n;
  for (int i = 0; i < HF_FIXED_COUNT; i++) in->fixed[i] = fixed[i];
  for (int i = 0; i < HF_WIRES; i++) in->wires[i] = witness[i];
  in->multiplicity = witness[HF_POLY_M];
  in->challenges = r->ch;
}

static hf_status round_sums(run *r) {
  static const char *const names[HF_SUMS_COUNT] = {"copy", "range lookup", "ROM lookup", "non-native"};
  hf_status status;
  struct hf_relation_inputs in;
  bool closes;
  HF_TRY(create_all(r, r->sums, HF_SUMS_COUNT, r->length));
  describe_columns(r, &in, r->prover->values, r->witness_values);
  HF_TRY(r->ops->sum_terms(r->backend, &in, r->sums[HF_POLY_RANGE], r->sums[HF_POLY_ROM], r->sums[HF_POLY_RHO]));
  for (int i = HF_POLY_RANGE; i < HF_SUMS_COUNT; i++) {
    hf_fr total;
    HF_TRY(r->ops->prefix_sum(r->backend, r->sums[i], r->sums[i], r->n, &total));
    if (!hf_fr_is_zero(total)) HF_TRY(hf_fail(HF_E_UNSATISFIED, "the witness's %s sum does not close", names[i]));
  }
  HF_TRY(r->ops->grand_product(r->backend, r->sums[HF_POLY_Z], in.wires, in.fixed + HF_SIGMA1, HF_WIRES, r->vk->log_n,
                               r->ch.beta, r->ch.gamma, &closes));
  if (!closes) HF_TRY(hf_fail(HF_E_UNSATISFIED, "the witness's copies do not agree"));
  HF_TRY(inverse_ntt(r, r->sums, HF_SUMS_COUNT));
  for (int i = 0; i < HF_SUMS_COUNT; i++) HF_TRY(blind(r, r->sums[i]));
  hf_g1 *commitments = r->proof->commitments + r->packs.witness;
  HF_TRY(commit(r, r->sums, HF_SUMS_COUNT, commitments));
  hf_transcript_absorb_g1(&r->transcript, HF_TAG_SUMS, commitments, r->packs.sums);
  hf_transcript_squeeze(&r->transcript, &r->ch.alpha);
out:
  return status;
}

/* --- round 3: the quotient ------------------------------------------------------------------ */

/* Rows of the inverse of the matrix V[j][k] = c_j^k, c_j = (5^(j+1))^n: t_k = sum_j inverse[k][j] u_j. */
static void vandermonde_inverse(const hf_fr *c, hf_fr inverse[HF_QUOTIENT_COUNT][HF_QUOTIENT_COUNT]) {
  for (int j = 0; j < HF_QUOTIENT_COUNT; j++) {
    /* the Lagrange polynomial of c_j, coefficient by coefficient */
    hf_fr poly[HF_QUOTIENT_COUNT + 1] = {hf_fr_one()}, scale = hf_fr_one();
    int degree = 0;
    for (int i = 0; i < HF_QUOTIENT_COUNT; i++) {
      if (i == j) continue;
      poly[degree + 1] = hf_fr_zero();
      for (int k = degree + 1; k > 0; k--) poly[k] = hf_fr_sub(poly[k - 1], hf_fr_mul(c[i], poly[k]));
      poly[0] = hf_fr_neg(hf_fr_mul(c[i], poly[0]));
      degree++;
      scale = hf_fr_mul(scale, hf_fr_sub(c[j], c[i]));
    }
    scale = hf_fr_inv(scale);
    for (int k = 0; k < HF_QUOTIENT_COUNT; k++) inverse[k][j] = hf_fr_mul(poly[k], scale);
  }
}

/* t_k + X^n r_k - r_(k-1), r_k random of degree 1: the sum with weights X^(nk) stays t. */
static hf_status blind_chunks(run *r) {
  hf_status status = HF_OK;
  hf_fr previous[2] = {hf_fr_zero(), hf_fr_zero()}, random[2], low[2];
  for (int k = 0; k < HF_QUOTIENT_COUNT; k++) {
    HF_TRY(r->ops->vec_download(r->backend, r->quotient[k], 0, low, 2));
    for (int i = 0; i < 2; i++) low[i] = hf_fr_sub(low[i], previous[i]);
    HF_TRY(r->ops->vec_upload(r->backend, r->quotient[k], 0, low, 2));
    if (k + 1 == HF_QUOTIENT_COUNT) break;
    HF_TRY(random_fr(r, random, 2));
    HF_TRY(r->ops->vec_upload(r->backend, r->quotient[k], r->n, random, 2));
    memcpy(previous, random, sizeof previous);
  }
out:
  return status;
}

static hf_status upload_public_inputs(run *r) {
  hf_status status;
  HF_TRY(create_all(r, &r->public_inputs, 1, r->length));
  for (uint32_t i = 0; i < r->vk->public_count; i++) {
    hf_fr value = hf_fr_neg(r->circuit->public_inputs[i]);
    HF_TRY(r->ops->vec_upload(r->backend, r->public_inputs, i, &value, 1));
  }
  HF_TRY(inverse_ntt(r, &r->public_inputs, 1));
out:
  return status;
}

/* The fixed columns on coset j: the prover's where they are kept, else made in `temporary`. */
static hf_status fixed_on_coset(run *r, int j, hf_fr shift, hf_vec *const *temporary, hf_vec **out) {
  hf_status status;
  hf_vec **kept = r->prover->cosets[j];
  memcpy(out, r->prover->keeps_cosets ? kept : temporary, HF_FIXED_COUNT * sizeof *out);
  if (r->prover->keeps_cosets && kept[0]) return HF_OK;
  if (r->prover->keeps_cosets) {
    HF_TRY(create_all(r, kept, HF_FIXED_COUNT, r->n));
    memcpy(out, kept, HF_FIXED_COUNT * sizeof *out);
  }
  HF_TRY(coset_ntt(r, out, r->prover->coefficients, HF_FIXED_COUNT, shift));
out:
  if (status != HF_OK && r->prover->keeps_cosets) destroy_all(r, kept, HF_FIXED_COUNT); /* nothing half made is kept */
  return status;
}

enum { COSET_WITNESS = HF_FIXED_COUNT, COSET_SUMS = COSET_WITNESS + HF_WITNESS_COUNT,
       COSET_PUBLIC = COSET_SUMS + HF_SUMS_COUNT, COSET_COLUMNS = COSET_PUBLIC + 1 };

static hf_status round_quotient(run *r) {
  hf_status status;
  struct hf_relation_inputs in;
  hf_vec *coset[COSET_COLUMNS] = {NULL}, *values = NULL;
  hf_fr shift = hf_fr_one(), c[HF_QUOTIENT_COUNT], generator = HF_FR_GENERATOR;
  hf_fr inverse[HF_QUOTIENT_COUNT][HF_QUOTIENT_COUNT];
  HF_TRY(upload_public_inputs(r));
  HF_TRY(create_all(r, r->quotient, HF_QUOTIENT_COUNT, r->length));
  hf_vec *fixed[HF_FIXED_COUNT], *moving[COSET_COLUMNS - COSET_WITNESS]; /* polynomials of this proof */
  memcpy(moving, r->witness, sizeof r->witness);
  memcpy(&moving[COSET_SUMS - COSET_WITNESS], r->sums, sizeof r->sums);
  moving[COSET_PUBLIC - COSET_WITNESS] = r->public_inputs;
  size_t first = r->prover->keeps_cosets ? COSET_WITNESS : 0;
  HF_TRY(create_all(r, coset + first, COSET_COLUMNS - first, r->n));
  HF_TRY(create_all(r, &values, 1, r->n));
  for (int j = 0; j < HF_QUOTIENT_COUNT; j++) {
    shift = hf_fr_mul(shift, generator);
    c[j] = hf_fr_pow_u64(shift, r->n);
  }
  vandermonde_inverse(c, inverse);
  describe_columns(r, &in, coset, coset + COSET_WITNESS); /* the fixed ones follow */
  in.z = coset[COSET_SUMS + HF_POLY_Z];
  in.range = coset[COSET_SUMS + HF_POLY_RANGE];
  in.rom = coset[COSET_SUMS + HF_POLY_ROM];
  in.rho = coset[COSET_SUMS + HF_POLY_RHO];
  in.public_inputs = coset[COSET_PUBLIC];
  shift = hf_fr_one();
  for (int j = 0; j < HF_QUOTIENT_COUNT; j++) {
    shift = hf_fr_mul(shift, generator);
    HF_TRY(fixed_on_coset(r, j, shift, coset, fixed));
    for (int i = 0; i < HF_FIXED_COUNT; i++) in.fixed[i] = fixed[i];
    HF_TRY(coset_ntt(r, coset + COSET_WITNESS, moving, COSET_COLUMNS - COSET_WITNESS, shift));
    HF_TRY(r->ops->quotient(r->backend, &in, shift, values));
    HF_TRY(coset_intt(r, values, shift));
    for (int k = 0; k < HF_QUOTIENT_COUNT; k++) HF_TRY(r->ops->axpy(r->backend, r->quotient[k], inverse[k][j], values, r->n));
    if (r->options && r->options->progress) HF_TRY(hf_backend_finish(r->backend)); /* progress is what is done */
    if (r->options && r->options->progress &&
        !r->options->progress(r->options->context, "quotient", 0.45 + 0.25 * (j + 1) / HF_QUOTIENT_COUNT))
      HF_TRY(hf_fail(HF_E_CANCELLED, "proof cancelled in phase quotient"));
  }
  HF_TRY(blind_chunks(r));
  hf_g1 *commitments = r->proof->commitments + r->packs.witness + r->packs.sums;
  HF_TRY(commit(r, r->quotient, HF_QUOTIENT_COUNT, commitments));
  hf_transcript_absorb_g1(&r->transcript, HF_TAG_QUOTIENT, commitments, r->packs.quotient);
  hf_transcript_squeeze(&r->transcript, &r->zeta);
out:
  destroy_all(r, coset, COSET_COLUMNS);
  destroy_all(r, &values, 1);
  return status;
}

/* --- round 4: evaluations --------------------------------------------------------------------- */

/* The opened polynomials in the order of the evaluations. */
static void list_polynomials(run *r, const hf_vec **polys) {
  for (int i = 0; i < HF_WITNESS_COUNT; i++) polys[HF_EVAL_WITNESS + i] = r->witness[i];
  for (int i = 0; i < HF_SUMS_COUNT; i++) polys[HF_EVAL_SUMS + i] = r->sums[i];
  for (int i = 0; i < HF_QUOTIENT_COUNT; i++) polys[HF_EVAL_QUOTIENT + i] = r->quotient[i];
  for (int i = 0; i < HF_FIXED_COUNT; i++) polys[HF_EVAL_FIXED + i] = r->prover->coefficients[i];
}

static hf_status round_evaluations(run *r) {
  hf_status status;
  const hf_vec *polys[HF_EVALS_ZETA];
  hf_proof *proof = r->proof;
  hf_fr next = hf_fr_mul(r->zeta, hf_fr_root_of_unity((int)r->vk->log_n));
  list_polynomials(r, polys);
  HF_TRY(r->ops->evaluate(r->backend, polys, HF_EVALS_ZETA, r->length, r->zeta, proof->at_zeta));
  HF_TRY(r->ops->evaluate(r->backend, polys, HF_EVALS_NEXT, r->length, next, proof->at_next));
  hf_transcript_absorb_fr(&r->transcript, HF_TAG_EVALS_ZETA, proof->at_zeta, HF_EVALS_ZETA);
  hf_transcript_absorb_fr(&r->transcript, HF_TAG_EVALS_NEXT, proof->at_next, HF_EVALS_NEXT);
  for (unsigned i = 0; i < r->packs.all; i += 2) {
    hf_fr pair[2];
    hf_transcript_squeeze_short(&r->transcript, pair);
    r->v[i] = pair[0];
    if (i + 1 < r->packs.all) r->v[i + 1] = pair[1];
  }
out:
  return status;
}

/* --- round 5: openings -------------------------------------------------------------------------- */

/* both = sum v f over the packs opened at both points, single = over the others. */
static hf_status combine_packs(run *r, hf_vec *both, hf_vec *single) {
  hf_status status = HF_OK;
  const hf_vec *polys[HF_EVALS_ZETA];
  unsigned kappa = r->vk->kappa;
  list_polynomials(r, polys);
  for (unsigned pack = 0; pack < r->packs.all; pack++) {
    unsigned first, count = hf_pack_polynomials(kappa, pack, &first);
    hf_vec *acc = pack < r->packs.witness + r->packs.sums ? both : single;
    for (unsigned j = 0; j < count; j++)
      HF_TRY(r->ops->axpy_strided(r->backend, acc, kappa, j, r->v[pack], polys[first + j], r->length));
  }
out:
  return status;
}

/* sum_k v_k R_k(y), with the packs opened at zeta alone weighted by y^kappa - zeta omega. */
static hf_fr combined_remainder(run *r, hf_fr z0, hf_fr z1, hf_fr next) {
  hf_fr slope = hf_fr_mul(z0, hf_fr_inv(hf_fr_sub(next, r->zeta))), sum = hf_fr_zero();
  for (unsigned pack = 0; pack < r->packs.all; pack++) {
    unsigned first, count = hf_pack_polynomials(r->vk->kappa, pack, &first);
    hf_fr value = hf_pack_remainder(r->proof->at_zeta + first, count, r->y);
    if (pack < r->packs.witness + r->packs.sums) {
      hf_fr other = hf_pack_remainder(r->proof->at_next + first, count, r->y);
      value = hf_fr_add(value, hf_fr_mul(slope, hf_fr_sub(other, value)));
    } else {
      value = hf_fr_mul(value, z1);
    }
    sum = hf_fr_add(sum, hf_fr_mul(r->v[pack], value));
  }
  return sum;
}

static hf_status round_openings(run *r) {
  hf_status status;
  unsigned kappa = r->vk->kappa;
  size_t total = (size_t)kappa * r->length;
  hf_vec *vec[4] = {NULL}; /* both, single, W, scratch */
  hf_fr remainder[HF_KAPPA_MAX], next = hf_fr_mul(r->zeta, hf_fr_root_of_unity((int)r->vk->log_n));
  HF_TRY(create_all(r, vec, 4, total));
  HF_TRY(combine_packs(r, vec[0], vec[1]));
  HF_TRY(r->ops->vec_copy(r->backend, vec[2], 0, vec[0], 0, total));
  HF_TRY(r->ops->divide(r->backend, vec[2], total, kappa, r->zeta, remainder));
  HF_TRY(r->ops->divide(r->backend, vec[2], total, kappa, next, remainder));
  HF_TRY(r->ops->vec_copy(r->backend, vec[3], 0, vec[1], 0, total));
  HF_TRY(r->ops->divide(r->backend, vec[3], total, kappa, r->zeta, remainder));
  HF_TRY(r->ops->axpy(r->backend, vec[2], hf_fr_one(), vec[3], total));
  HF_TRY(msm(r, vec[2], total, &r->proof->w));
  hf_transcript_absorb_g1(&r->transcript, HF_TAG_W, &r->proof->w, 1);
  hf_transcript_squeeze(&r->transcript, &r->y);

  /* both + z1 single - z0 z1 W - constant vanishes at y */
  hf_fr yk = hf_fr_pow_u64(r->y, kappa), z0 = hf_fr_sub(yk, r->zeta), z1 = hf_fr_sub(yk, next);
  HF_TRY(r->ops->axpy(r->backend, vec[0], z1, vec[1], total));
  HF_TRY(r->ops->axpy(r->backend, vec[0], hf_fr_neg(hf_fr_mul(z0, z1)), vec[2], total));
  HF_TRY(r->ops->divide(r->backend, vec[0], total, 1, r->y, remainder));
  if (!hf_fr_eq(remainder[0], combined_remainder(r, z0, z1, next)))
    HF_TRY(hf_fail(HF_E_INTERNAL, "the opening's remainder is not the combined evaluation"));
  HF_TRY(msm(r, vec[0], total, &r->proof->w_prime));
out:
  destroy_all(r, vec, 4);
  return status;
}

/* --- the whole ----------------------------------------------------------------------------------- */

static hf_status check_shape(const hf_verifying_key *vk, const hf_circuit *circuit, const hf_proving_key *key) {
  if (circuit->log_n != vk->log_n || circuit->public_count != vk->public_count || circuit->foldable != vk->foldable ||
      circuit->seal != vk->seal ||
      circuit->table_width != key->table_width || circuit->used_rows != key->used_rows)
    return hf_fail(HF_E_MISMATCH, "the circuit (2^%u rows, %u used, %u public inputs) is not the key's (2^%u, %u, %u)",
                   circuit->log_n, circuit->used_rows, circuit->public_count, vk->log_n, key->used_rows,
                   vk->public_count);
  return HF_OK;
}

hf_status hf_prove_with(hf_prover *prover, const hf_circuit *circuit, const hf_prove_options *options,
                        hf_random_source random, void *random_context, hf_proof *proof, hf_prove_report *report) {
  hf_status status;
  hf_prove_report unused;
  const hf_verifying_key *vk = &prover->key->vk;
  run r = {.prover = prover, .backend = prover->backend, .ops = prover->backend->ops, .vk = vk, .circuit = circuit,
           .options = options, .random = random, .random_context = random_context, .proof = proof,
           .report = report ? report : &unused};
  memset(r.report, 0, sizeof *r.report);
  memset(proof, 0, sizeof *proof);
  double start = now();
  r.n = (size_t)1 << vk->log_n;
  r.length = r.n + HF_EXTRA_COEFFICIENTS;
  r.packs = hf_pack_layout_of(vk->kappa);
  HF_TRY(check_shape(vk, circuit, prover->key));
  proof->kappa = vk->kappa;
  proof->vk_digest = vk->digest;
  proof->public_count = vk->public_count;
  memcpy(proof->public_inputs, circuit->public_inputs, vk->public_count * sizeof(hf_fr));
  hf_transcript_init(&r.transcript, vk->transcript, HF_DOMAIN_TRANSCRIPT);
  hf_transcript_absorb_fr(&r.transcript, HF_TAG_VK, &vk->digest, 1);
  hf_transcript_absorb_fr(&r.transcript, HF_TAG_PUBLIC, proof->public_inputs, proof->public_count);
  HF_TRY(phase(&r, "witness", 0.0));
  HF_TRY(round_witness(&r));
  HF_TRY(phase(&r, "sums", 0.2));
  HF_TRY(round_sums(&r));
  destroy_all(&r, r.witness_values, HF_WITNESS_COUNT);
  HF_TRY(phase(&r, "quotient", 0.45));
  HF_TRY(round_quotient(&r));
  HF_TRY(phase(&r, "evaluations", 0.85));
  HF_TRY(round_evaluations(&r));
  HF_TRY(phase(&r, "openings", 0.9));
  HF_TRY(round_openings(&r));
  phase(&r, NULL, 1.0);
  r.report->seconds = now() - start;
out:
  destroy_all(&r, r.witness_values, HF_WITNESS_COUNT);
  destroy_all(&r, r.witness, HF_WITNESS_COUNT);
  destroy_all(&r, r.sums, HF_SUMS_COUNT);
  destroy_all(&r, r.quotient, HF_QUOTIENT_COUNT);
  destroy_all(&r, &r.public_inputs, 1);
  if (status != HF_OK) memset(proof, 0, sizeof *proof);
  return status;
}

static hf_status system_random(void *context, void *out, size_t length) {
  (void)context;
  return hf_random_bytes(out, length);
}

hf_status hf_prove(hf_prover *prover, const hf_circuit *circuit, const hf_prove_options *options, hf_proof *proof,
                   hf_prove_report *report) {
  return hf_prove_with(prover, circuit, options, system_random, NULL, proof, report);
}

void hf_prover_destroy(hf_prover **prover) {
  hf_prover *p = *prover;
  if (!p) return;
  for (int i = 0; i < HF_FIXED_COUNT; i++) {
    if (p->values[i]) p->backend->ops->vec_destroy(p->backend, p->values[i]);
    if (p->coefficients[i]) p->backend->ops->vec_destroy(p->backend, p->coefficients[i]);
    for (int j = 0; j < HF_QUOTIENT_COUNT; j++)
      if (p->cosets[j][i]) p->backend->ops->vec_destroy(p->backend, p->cosets[j][i]);
  }
  if (p->points) p->backend->ops->points_destroy(p->backend, p->points);
  free(p);
  *prover = NULL;
}

static size_t coset_bytes(unsigned log_n) {
  return ((size_t)HF_QUOTIENT_COUNT * HF_FIXED_COUNT * sizeof(hf_fr)) << log_n;
}

static size_t prover_bytes(unsigned log_n, unsigned kappa, bool cosets) {
  return (2 * HF_FIXED_COUNT * sizeof(hf_fr) << log_n) + (cosets ? coset_bytes(log_n) : 0) + (kappa * sizeof(hf_g1) << log_n);
}

/* At the quotient: witness twice, sums, chunks, public inputs, their values on a coset, and two vectors of work; with the fixed
 * columns on the coset where they are not kept. A commitment has as many scalars as points, and with all windows at once
 * about 190 bytes of work each. Tables of powers and buckets are there at any size. */
#define HF_PROVE_FIXED_BYTES ((size_t)48 << 20)
static size_t prove_bytes(unsigned log_n, unsigned kappa, bool cosets) {
  const size_t vectors = 2 * HF_WITNESS_COUNT + HF_SUMS_COUNT + HF_QUOTIENT_COUNT + 1 +
                         (HF_WITNESS_COUNT + HF_SUMS_COUNT + 1 + 1) + 2 + (cosets ? 0 : HF_FIXED_COUNT);
  const size_t together = log_n <= 19 ? 8 : 1; /* transforms in one launch, each with a second vector */
  return HF_PROVE_FIXED_BYTES + prover_bytes(log_n, kappa, cosets) + ((vectors + together + 7 * kappa) * sizeof(hf_fr) << log_n);
}

/* On a device of its own, a quarter of the memory may go to them if a proof finds room beside. */
static bool keeps_cosets(const hf_backend *backend, unsigned log_n, unsigned kappa) {
  if (backend == NULL) return false;
  const uint64_t memory = hf_backend_memory(backend);
  if (memory == 0) return coset_bytes(log_n) <= HF_PROVER_COSET_BYTES;
  return coset_bytes(log_n) <= memory / 4 && prove_bytes(log_n, kappa, true) <= memory;
}

size_t hf_prover_bytes(const hf_backend *backend, unsigned log_n, unsigned kappa) {
  return prover_bytes(log_n, kappa, keeps_cosets(backend, log_n, kappa));
}

size_t hf_prove_bytes(const hf_backend *backend, unsigned log_n, unsigned kappa) {
  return prove_bytes(log_n, kappa, keeps_cosets(backend, log_n, kappa));
}

hf_status hf_prover_create(hf_backend *backend, const hf_srs *srs, const hf_proving_key *key, hf_prover **out) {
  hf_status status;
  const hf_backend_ops *ops = backend->ops;
  size_t n = (size_t)1 << key->vk.log_n, needed = hf_srs_points_needed(key->vk.log_n, key->vk.kappa);
  hf_prover *p = calloc(1, sizeof *p);
  *out = NULL;
  if (!p) return hf_fail(HF_E_MEMORY, "no memory for a prover");
  p->backend = backend;
  p->key = key;
  p->keeps_cosets = keeps_cosets(backend, key->vk.log_n, key->vk.kappa);
  const uint64_t memory = hf_backend_memory(backend);
  const size_t bytes = hf_prove_bytes(backend, key->vk.log_n, key->vk.kappa);
  if (memory != 0 && bytes > memory)
    HF_TRY(hf_fail(HF_E_MEMORY, "a proof of 2^%u rows needs about %.1f GiB on device \"%s\", which has %.1f GiB for it",
                   key->vk.log_n, (double)bytes / (1 << 30), backend->ops->name, (double)memory / (1 << 30)));
  if (srs->count < needed)
    HF_TRY(hf_fail(HF_E_RANGE, "the SRS has %zu points, the key needs %zu", srs->count, needed));
  if (!hf_g2_eq(srs->tau_g2, key->vk.tau_g2)) HF_TRY(hf_fail(HF_E_MISMATCH, "the key was made from another SRS"));
  HF_TRY(ops->points_create(backend, srs->points, needed, &p->points));
  for (int i = 0; i < HF_FIXED_COUNT; i++) {
    HF_TRY(ops->vec_create(backend, n, &p->values[i]));
    HF_TRY(ops->vec_upload(backend, p->values[i], 0, key->fixed[i], n));
    HF_TRY(ops->vec_create(backend, n + HF_EXTRA_COEFFICIENTS, &p->coefficients[i]));
    HF_TRY(ops->vec_copy(backend, p->coefficients[i], 0, p->values[i], 0, n));
  }
  HF_TRY(ops->ntt(backend, p->coefficients, HF_FIXED_COUNT, key->vk.log_n, HF_NTT_INVERSE));
  *out = p;
  p = NULL;
out:
  hf_prover_destroy(&p);
  return status;
}
