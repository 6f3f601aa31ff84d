/* The quotient on a coset and the terms of the running sums, blocks of rows at a time, from the one header of
 * constraints. */
#include <string.h>
#include "ifma.h"
#include "invert8.h"
#include "relation_inputs.h"

#define HF_RELATION8_GRAIN 1024 /* rows of a chunk: its inversions are shared */
#define HF_RELATION8_GROUP (HF_RELATION8_GRAIN / 8)

/* --- the header over blocks of rows: values in the 2^260 form, tidy and below 2 p -------------------------------- */

typedef struct rel8_limbs {
  uint64_t l[5];
} rel8_limbs;

typedef struct rel8_tables {
  rel8_limbs constant[HF_RC_COUNT], diagonal[4], unroll[32];
} rel8_tables;

static inline hf_fr8 rel8_value(const rel8_limbs *x) {
  hf_fr8 z;
  for (int i = 0; i < 5; i++) z.l[i] = _mm512_set1_epi64((long long)x->l[i]);
  return z;
}

/* A value is a block of rows: each operation goes over all its vectors, so that a product's own waiting is filled by the next
 * one, and the code of all constraints together stays in the first-level cache. Operands are handed over as arrays: the
 * members of a result live until the end of the expression. */
#define HF_RELATION8_BLOCK 2 /* vectors */

typedef struct rel8_block {
  hf_fr8 v[HF_RELATION8_BLOCK];
} rel8_block;

static __attribute__((noinline)) rel8_block block_add(const hf_fr8 *x, const hf_fr8 *y) {
  rel8_block z;
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = hf_fr8_add(x[k], y[k]);
  return z;
}

static __attribute__((noinline)) rel8_block block_sub(const hf_fr8 *x, const hf_fr8 *y) {
  rel8_block z;
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = hf_fr8_sub(x[k], y[k]);
  return z;
}

static __attribute__((noinline)) rel8_block block_mul(const hf_fr8 *x, const hf_fr8 *y) {
  rel8_block z;
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = hf_fr8_mul(x[k], y[k]);
  return z;
}

static inline rel8_block block_of(hf_fr8 x) {
  rel8_block z;
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = x;
  return z;
}

#include "arith/poseidon2_constants.h"
#define HF_R_T           rel8_block
#define HF_R(name)       rel8_##name
#define HF_R_CX          const rel8_tables *tables __attribute__((unused)),
#define HF_R_PASS        tables,
#define HF_R_ADD(x, y)   block_add((x).v, (y).v)
#define HF_R_SUB(x, y)   block_sub((x).v, (y).v)
#define HF_R_MUL(x, y)   block_mul((x).v, (y).v)
#define HF_R_CONST(i)    block_of(rel8_value(&tables->constant[i]))
#define HF_R_DIAGONAL(i) block_of(rel8_value(&tables->diagonal[i]))
#define HF_R_UNROLL(i)   block_of(rel8_value(&tables->unroll[i]))
#include "arith/relation.h"

static void tables_make(rel8_tables *t) {
  for (int i = 0; i < HF_RC_COUNT; i++) hf_fr8_limbs(hf_fr8_form(hf_relation_constants[i]), t->constant[i].l);
  for (int i = 0; i < 4; i++) hf_fr8_limbs(hf_fr8_form(hf_poseidon2_diagonal[i]), t->diagonal[i].l);
  for (int i = 0; i < 32; i++) hf_fr8_limbs(hf_fr8_form(hf_poseidon2_unroll[i]), t->unroll[i].l);
}

static void challenges_make(const hf_rel_challenges *ch, rel8_challenges *out) {
  out->beta = block_of(hf_fr8_broadcast_form(ch->beta));
  out->gamma = block_of(hf_fr8_broadcast_form(ch->gamma));
  out->lambda = block_of(hf_fr8_broadcast_form(ch->lambda));
  out->eta = block_of(hf_fr8_broadcast_form(ch->eta));
  out->chi = block_of(hf_fr8_broadcast_form(ch->chi));
  out->alpha = block_of(hf_fr8_broadcast_form(ch->alpha));
}

enum { BLOCK_ROWS = 8 * HF_RELATION8_BLOCK };

/* Rows i..i+31; and i+1..i+32, where they wrap. */
static inline rel8_block load_rows(const hf_fr *column, size_t i) {
  rel8_block z;
  for (size_t k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = hf_fr8_load_form(column + i + 8 * k);
  return z;
}

static inline rel8_block load_next(const hf_fr *column, size_t i, size_t mask) {
  hf_fr wrapped[BLOCK_ROWS];
  if (i + BLOCK_ROWS <= mask) return load_rows(column, i + 1);
  for (size_t k = 0; k < BLOCK_ROWS; k++) wrapped[k] = column[(i + 1 + k) & mask];
  return load_rows(wrapped, 0);
}

static inline void store_rows(hf_fr *column, size_t i, const rel8_block *x) {
  for (size_t k = 0; k < HF_RELATION8_BLOCK; k++) hf_fr8_store_form(column + i + 8 * k, x->v[k]);
}

static inline void load_columns(const struct hf_relation_inputs *in, size_t i, size_t mask, rel8_row *row) {
  for (int k = 0; k < HF_WIRES; k++) {
    row->w[k] = load_rows(in->wires[k]->data, i);
    row->wn[k] = load_next(in->wires[k]->data, i, mask);
  }
  for (int k = 0; k < HF_FIXED_COUNT; k++) row->f[k] = load_rows(in->fixed[k]->data, i);
  row->m = load_rows(in->multiplicity->data, i);
}

/* --- quotient ------------------------------------------------------------------------------------------------ */

typedef struct quotient_task {
  const struct hf_relation_inputs *in;
  rel8_tables tables;
  rel8_challenges challenges;
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
  hf_fr8 x[HF_RELATION8_GROUP], l1[HF_RELATION8_GROUP], scratch[HF_RELATION8_GROUP];
  size_t groups = (end - begin) / 8;
  hf_fr first[8];
  first[0] = hf_fr_mul(t->shift, hf_fr_pow_u64(t->omega, begin));
  for (int k = 1; k < 8; k++) first[k] = hf_fr_mul(first[k - 1], t->omega);
  const hf_fr8 one = hf_fr8_broadcast_form(hf_fr_one()), step = hf_fr8_broadcast_form(hf_fr_pow_u64(t->omega, 8));
  for (size_t g = 0; g < groups; g++) {
    x[g] = g == 0 ? hf_fr8_load_form(first) : hf_fr8_mul(x[g - 1], step);
    l1[g] = hf_fr8_sub(x[g], one);
  }
  hf_fr8_invert_all(l1, groups, scratch);
  const hf_fr8 l1_scale = hf_fr8_broadcast_form(t->l1_scale), zh_inverse = hf_fr8_broadcast(t->zh_inverse);
  rel8_row row;
  for (size_t g = 0; g < groups; g += HF_RELATION8_BLOCK) {
    size_t i = begin + 8 * g;
    load_columns(in, i, t->mask, &row);
    row.z = load_rows(in->z->data, i), row.zn = load_next(in->z->data, i, t->mask);
    row.range = load_rows(in->range->data, i), row.rangen = load_next(in->range->data, i, t->mask);
    row.rom = load_rows(in->rom->data, i), row.romn = load_next(in->rom->data, i, t->mask);
    row.rho = load_rows(in->rho->data, i), row.rhon = load_next(in->rho->data, i, t->mask);
    memcpy(&row.x, x + g, sizeof row.x);
    for (size_t k = 0; k < HF_RELATION8_BLOCK; k++) row.l1.v[k] = hf_fr8_mul(l1_scale, l1[g + k]);
    row.pi = load_rows(in->public_inputs->data, i);
    rel8_block value = rel8_combine(&t->tables, &row, &t->challenges);
    for (size_t k = 0; k < HF_RELATION8_BLOCK; k++) /* 1 / Z_H stands as in memory, and so does the product */
      hf_fr8_store(t->out + i + 8 * k, hf_fr8_mul(zh_inverse, value.v[k]));
  }
}

hf_status hf_cpu_ifma_quotient(hf_backend *backend, const struct hf_relation_inputs *in, hf_fr shift, hf_vec *out) {
  size_t n = (size_t)1 << in->log_n;
  hf_fr zh = hf_fr_sub(hf_fr_pow_u64(shift, n), hf_fr_one());
  if (n < BLOCK_ROWS || hf_fr_is_zero(zh)) return hf_cpu_mulx_quotient(backend, in, shift, out);
  hf_status status = hf_cpu_range("quotient", out, 0, n);
  if (status != HF_OK) return status;
  quotient_task task = {.in = in,
                        .out = out->data,
                        .mask = n - 1,
                        .shift = shift,
                        .omega = hf_fr_root_of_unity((int)in->log_n),
                        .l1_scale = hf_fr_mul(zh, hf_fr_inv(hf_fr_from_u64(n))),
                        .zh_inverse = hf_fr_inv(zh)};
  tables_make(&task.tables);
  challenges_make(&in->challenges, &task.challenges);
  hf_pool_run(hf_cpu_of(backend)->pool, n, HF_RELATION8_GRAIN, quotient_body, &task);
  return HF_OK;
}

/* --- running sums ---------------------------------------------------------------------------------------------- */

typedef struct sums_task {
  const struct hf_relation_inputs *in;
  rel8_tables tables;
  rel8_challenges challenges;
  hf_fr *range, *rom, *rho;
  size_t mask;
} sums_task;

enum { INVERSES = 6 }; /* of a row: four wires, the range table's entry, the ROM tuple */

/* Every row's denominators are inverted, also where a selector then takes the term away. */
static void sums_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const sums_task *t = context;
  const struct hf_relation_inputs *in = t->in;
  hf_fr8 inverse[INVERSES * HF_RELATION8_GROUP], scratch[INVERSES * HF_RELATION8_GROUP];
  rel8_block numerator[HF_RELATION8_GROUP / HF_RELATION8_BLOCK];
  size_t groups = (end - begin) / 8;
  rel8_row row;
  for (size_t g = 0; g < groups; g += HF_RELATION8_BLOCK) {
    size_t i = begin + 8 * g;
    load_columns(in, i, t->mask, &row);
    rel8_block own[INVERSES];
    for (int k = 0; k < 4; k++) own[k] = block_add(t->challenges.lambda.v, row.w[k].v);
    own[4] = block_add(t->challenges.lambda.v, row.f[HF_TABLE_RANGE].v);
    own[5] = rel8_rom_denominator(&t->tables, &row, &t->challenges, &numerator[g / HF_RELATION8_BLOCK]);
    memcpy(inverse + INVERSES * g, own, sizeof own);
    rel8_block rho = rel8_nonnative_term(&t->tables, &row, t->challenges.chi);
    rho = block_mul(row.f[HF_S_NONNATIVE].v, rho.v);
    store_rows(t->rho, i, &rho);
  }
  hf_fr8_invert_all(inverse, INVERSES * groups, scratch);
  for (size_t g = 0; g < groups; g += HF_RELATION8_BLOCK) {
    size_t i = begin + 8 * g;
    rel8_block own[INVERSES];
    memcpy(own, inverse + INVERSES * g, sizeof own);
    rel8_block sum = block_add(block_add(own[0].v, own[1].v).v, block_add(own[2].v, own[3].v).v);
    sum = block_mul(load_rows(in->fixed[HF_S_RANGE]->data, i).v, sum.v);
    sum = block_sub(sum.v, block_mul(load_rows(in->multiplicity->data, i).v, own[4].v).v);
    store_rows(t->range, i, &sum);
    rel8_block tuple = block_mul(numerator[g / HF_RELATION8_BLOCK].v, own[5].v);
    store_rows(t->rom, i, &tuple);
  }
}

hf_status hf_cpu_ifma_sum_terms(hf_backend *backend, const struct hf_relation_inputs *in, hf_vec *range, hf_vec *rom,
                                hf_vec *nonnative) {
  size_t n = (size_t)1 << in->log_n;
  if (n < BLOCK_ROWS) return hf_cpu_mulx_sum_terms(backend, in, range, rom, nonnative);
  hf_status status;
  HF_TRY(hf_cpu_range("sum_terms (range)", range, 0, n));
  HF_TRY(hf_cpu_range("sum_terms (ROM)", rom, 0, n));
  HF_TRY(hf_cpu_range("sum_terms (nonnative)", nonnative, 0, n));
  sums_task task = {.in = in, .range = range->data, .rom = rom->data, .rho = nonnative->data, .mask = n - 1};
  tables_make(&task.tables);
  challenges_make(&in->challenges, &task.challenges);
  hf_pool_run(hf_cpu_of(backend)->pool, n, HF_RELATION8_GRAIN, sums_body, &task);
out:
  return status;
}
