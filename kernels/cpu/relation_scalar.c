/* The constraints' inner loops, one row at a time. */
#include "relation_cpu.h"
#include "vector.h"

#define HF_RELATION_GRAIN 256

static void quotient_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const relation_quotient *t = context;
  const struct hf_relation_inputs *in = t->in;
  hf_fr l1[HF_RELATION_GRAIN], scratch[HF_RELATION_GRAIN], one = hf_fr_one();
  hf_rel_row row;
  hf_fr start = hf_fr_mul(t->shift, hf_fr_pow_u64(t->omega, begin)), x = start;
  for (size_t i = begin; i < end; i++, x = hf_fr_mul(x, t->omega)) l1[i - begin] = hf_fr_sub(x, one);
  HF_CPU_NAME(vector_loops).invert(l1, end - begin, scratch);
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

/* One row at a time: the denominators of a chunk are inverted together, then multiplied in. */
static void sums_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const relation_sums *t = context;
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
    if (!hf_fr_is_zero(row.f[HF_S_NONNATIVE])) t->rho[i] = hf_rel_nonnative_term(&row, ch);
  }
  HF_CPU_NAME(vector_loops).invert(inverse, count, scratch);
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

const relation_loops HF_CPU_NAME(relation_loops) = {
    .grain = HF_RELATION_GRAIN, .quotient = quotient_body, .sums = sums_body};
