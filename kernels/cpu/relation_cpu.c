/* The quotient on a coset and the terms of the running sums, from the one header of constraints. */
#include "arith/relation_fr.h"
#include "cpu.h"
#include "relation_inputs.h"

#define HF_RELATION_GRAIN 256 /* rows of a chunk: its inversions are shared */

/* 1/x for all x (0 stays 0), by Montgomery's trick; scratch has `count` elements. */
static void invert_all(hf_fr *x, hf_fr *scratch, size_t count) {
  hf_fr product = hf_fr_one();
  for (size_t i = 0; i < count; i++) {
    scratch[i] = product;
    if (!hf_fr_is_zero(x[i])) product = hf_fr_mul(product, x[i]);
  }
  product = hf_fr_inv(product);
  for (size_t i = count; i-- > 0;) {
    if (hf_fr_is_zero(x[i])) continue;
    hf_fr inverse = hf_fr_mul(product, scratch[i]);
    product = hf_fr_mul(product, x[i]);
    x[i] = inverse;
  }
}

/* --- quotient ------------------------------------------------------------------ */

typedef struct quotient_task {
  const struct hf_relation_inputs *in;
  hf_fr *out;
  size_t mask;
  hf_fr shift, omega;
  hf_fr l1_scale;   /* Z_H / n on the coset */
  hf_fr zh_inverse; /* 1 / Z_H on the coset */
} quotient_task;

static void quotient_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const quotient_task *t = context;
  const struct hf_relation_inputs *in = t->in;
  hf_fr l1[HF_RELATION_GRAIN], scratch[HF_RELATION_GRAIN], one = hf_fr_one();
  hf_rel_row row;
  hf_fr start = hf_fr_mul(t->shift, hf_fr_pow_u64(t->omega, begin)), x = start;
  for (size_t i = begin; i < end; i++, x = hf_fr_mul(x, t->omega)) l1[i - begin] = hf_fr_sub(x, one);
  invert_all(l1, scratch, end - begin);
  x = start;
  for (size_t i = begin; i < end; i++, x = hf_fr_mul(x, t->omega)) {
    size_t next = (i + 1) & t->mask;
    for (int k = 0; k < HF_WIRES; k++) {
      row.w[k] = in->wires[k]->data[i];
      row.wn[k] = in->wires[k]->data[next];
    }
    for (int k = 0; k < HF_FIXED_COUNT; k++) row.f[k] = in->fixed[k]->data[i];
    row.m = in->multiplicity->data[i];
    row.z = in->z->data[i], row.zn = in->z->data[next];
    row.range = in->range->data[i], row.rangen = in->range->data[next];
    row.rom = in->rom->data[i], row.romn = in->rom->data[next];
    row.rho = in->rho->data[i], row.rhon = in->rho->data[next];
    row.x = x;
    row.l1 = hf_fr_mul(t->l1_scale, l1[i - begin]);
    row.pi = in->public_inputs->data[i];
    t->out[i] = hf_fr_mul(t->zh_inverse, hf_rel_combine(&row, &in->challenges));
  }
}

hf_status HF_CPU_NAME(quotient)(hf_backend *backend, const struct hf_relation_inputs *in, hf_fr shift, hf_vec *out) {
  size_t n = (size_t)1 << in->log_n;
  hf_status status = hf_cpu_range("quotient", out, 0, n);
  if (status != HF_OK) return status;
  hf_fr zh = hf_fr_sub(hf_fr_pow_u64(shift, n), hf_fr_one());
  if (hf_fr_is_zero(zh)) return hf_fail(HF_E_ARGUMENT, "quotient: the coset is H itself");
  quotient_task task = {.in = in,
                        .out = out->data,
                        .mask = n - 1,
                        .shift = shift,
                        .omega = hf_fr_root_of_unity((int)in->log_n),
                        .l1_scale = hf_fr_mul(zh, hf_fr_inv(hf_fr_from_u64(n))),
                        .zh_inverse = hf_fr_inv(zh)};
  hf_pool_run(hf_cpu_of(backend)->pool, n, HF_RELATION_GRAIN, quotient_body, &task);
  return HF_OK;
}

/* --- running sums ---------------------------------------------------------------- */

typedef struct sums_task {
  const struct hf_relation_inputs *in;
  hf_fr *range, *rom, *rho;
  size_t mask;
} sums_task;

/* One row at a time: the denominators of a chunk are inverted together, then multiplied in. */
static void sums_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const sums_task *t = context;
  const struct hf_relation_inputs *in = t->in;
  const hf_rel_challenges *ch = &in->challenges;
  hf_fr inverse[6 * HF_RELATION_GRAIN], scratch[6 * HF_RELATION_GRAIN], numerator[HF_RELATION_GRAIN];
  hf_rel_row row;
  size_t count = 0;
  for (size_t i = begin; i < end; i++) {
    for (int k = 0; k < HF_WIRES; k++) {
      row.w[k] = in->wires[k]->data[i];
      row.wn[k] = in->wires[k]->data[(i + 1) & t->mask];
    }
    for (int k = 0; k < HF_FIXED_COUNT; k++) row.f[k] = in->fixed[k]->data[i];
    if (!hf_fr_is_zero(row.f[HF_S_RANGE]))
      for (int k = 0; k < 4; k++) inverse[count++] = hf_fr_add(ch->lambda, row.w[k]);
    if (!hf_fr_is_zero(in->multiplicity->data[i])) inverse[count++] = hf_fr_add(ch->lambda, row.f[HF_TABLE_RANGE]);
    if (!hf_fr_is_zero(row.f[HF_ROM])) inverse[count++] = hf_rel_rom_denominator(&row, ch, &numerator[i - begin]);
    t->rho[i] = hf_fr_zero();
    if (!hf_fr_is_zero(row.f[HF_S_NONNATIVE])) t->rho[i] = hf_rel_nonnative_term(&row, ch->chi);
  }
  invert_all(inverse, scratch, count);
  count = 0;
  for (size_t i = begin; i < end; i++) {
    hf_fr sum = hf_fr_zero(), m = in->multiplicity->data[i];
    if (!hf_fr_is_zero(in->fixed[HF_S_RANGE]->data[i]))
      for (int k = 0; k < 4; k++) sum = hf_fr_add(sum, inverse[count++]);
    if (!hf_fr_is_zero(m)) sum = hf_fr_sub(sum, hf_fr_mul(m, inverse[count++]));
    t->range[i] = sum;
    t->rom[i] = hf_fr_zero();
    if (!hf_fr_is_zero(in->fixed[HF_ROM]->data[i])) t->rom[i] = hf_fr_mul(numerator[i - begin], inverse[count++]);
  }
}

hf_status HF_CPU_NAME(sum_terms)(hf_backend *backend, const struct hf_relation_inputs *in, hf_vec *range, hf_vec *rom,
                                 hf_vec *nonnative) {
  size_t n = (size_t)1 << in->log_n;
  hf_status status;
  HF_TRY(hf_cpu_range("sum_terms (range)", range, 0, n));
  HF_TRY(hf_cpu_range("sum_terms (ROM)", rom, 0, n));
  HF_TRY(hf_cpu_range("sum_terms (nonnative)", nonnative, 0, n));
  sums_task task = {in, range->data, rom->data, nonnative->data, n - 1};
  hf_pool_run(hf_cpu_of(backend)->pool, n, HF_RELATION_GRAIN, sums_body, &task);
out:
  return status;
}
