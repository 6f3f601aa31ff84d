/* The constraints' inner loops, blocks of rows at a time. What has less than a block goes through the mulx variant's. */
#include "../relation_cpu.h"
#include <string.h>
#include "invert8.h"

#define HF_RELATION8_GRAIN 1024 /* rows of a chunk: its inversions are shared */
#define HF_RELATION8_GROUP (HF_RELATION8_GRAIN / 8)

extern const relation_loops hf_cpu_mulx_relation_loops;

/* --- the header over blocks of rows: values in the 2^260 form, tidy and below 2 p -------------------------------- */

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

static __attribute__((noinline)) rel8_block block_sqr(const hf_fr8 *x) {
  rel8_block z;
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = hf_fr8_sqr(x[k]);
  return z;
}

/* Sums stay in columns from one product to the next. */
typedef struct rel8_sum {
  hf_fr8_sum v[HF_RELATION8_BLOCK];
} rel8_sum;

static __attribute__((noinline)) void sum_product(rel8_sum *s, const hf_fr8 *x, const hf_fr8 *y) {
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) s->v[k] = hf_fr8_sum_add(hf_fr8_sum_zero(), x[k], y[k]);
}

static __attribute__((noinline)) void sum_add(rel8_sum *s, const hf_fr8 *x, const hf_fr8 *y) {
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) s->v[k] = hf_fr8_sum_add(s->v[k], x[k], y[k]);
}

static __attribute__((noinline)) rel8_block sum_value(const rel8_sum *s) {
  rel8_block z;
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = hf_fr8_sum_value(s->v[k]);
  return z;
}

/* The header's constants, in blocks as well: handed over without a copy. */
typedef struct rel8_constants {
  rel8_block constant[HF_RC_COUNT], diagonal[4], unroll[32];
} rel8_constants;

static inline rel8_block block_of(hf_fr8 x) {
  rel8_block z;
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = x;
  return z;
}

#include "arith/poseidon2_constants.h"
#define HF_R_T           rel8_block
#define HF_R(name)       rel8_##name
#define HF_R_CX          const rel8_constants *constants __attribute__((unused)),
#define HF_R_PASS        constants,
#define HF_R_ADD(x, y)   block_add((x).v, (y).v)
#define HF_R_SUB(x, y)   block_sub((x).v, (y).v)
#define HF_R_MUL(x, y)   block_mul((x).v, (y).v)
#define HF_R_SQR(x)      block_sqr((x).v)
#define HF_R_CONST(i)    constants->constant[i]
#define HF_R_DIAGONAL(i) constants->diagonal[i]
#define HF_R_UNROLL(i)   constants->unroll[i]
/* every term is a product: then a sum is below 2 p */
#define HF_R_SUM_T                rel8_sum
#define HF_R_SUM_OF(s, x)         sum_product(&(s), (x).v, HF_R_CONST(HF_RC_ONE).v)
#define HF_R_SUM_PRODUCT(s, x, y) sum_product(&(s), (x).v, (y).v)
#define HF_R_SUM_ADD(s, x, y)     sum_add(&(s), (x).v, (y).v)
#define HF_R_SUM_BEFORE(s, x, y)  sum_add(&(s), (x).v, (y).v)
#define HF_R_SUM_VALUE(s)         sum_value(&(s))
#include "arith/relation.h"
_Static_assert(HF_R_SUM_MOST <= HF_SUM8_MOST, "a sum of the header may leave the closed set");

typedef struct rel8_tables {
  rel8_constants constants;
  rel8_challenges challenges;
} rel8_tables;

static void prepare(const hf_rel_challenges *ch, void *tables) {
  rel8_tables *t = tables;
  rel8_constants *c = &t->constants;
  for (int i = 0; i < HF_RC_COUNT; i++) c->constant[i] = block_of(hf_fr8_broadcast_form(hf_relation_constants[i]));
  for (int i = 0; i < 4; i++) c->diagonal[i] = block_of(hf_fr8_broadcast_form(hf_poseidon2_diagonal[i]));
  for (int i = 0; i < 32; i++) c->unroll[i] = block_of(hf_fr8_broadcast_form(hf_poseidon2_unroll[i]));
  t->challenges.beta = block_of(hf_fr8_broadcast_form(ch->beta));
  t->challenges.gamma = block_of(hf_fr8_broadcast_form(ch->gamma));
  t->challenges.lambda = block_of(hf_fr8_broadcast_form(ch->lambda));
  t->challenges.eta = block_of(hf_fr8_broadcast_form(ch->eta));
  t->challenges.chi = block_of(hf_fr8_broadcast_form(ch->chi));
  t->challenges.alpha = block_of(hf_fr8_broadcast_form(ch->alpha));
  rel8_derive(c, &t->challenges);
}

enum { BLOCK_ROWS = 8 * HF_RELATION8_BLOCK };

/* Rows from i on. The next block is asked for meanwhile, in the second-level cache: the columns are too many for the processor to
 * guess. */
static inline rel8_block load_rows(const hf_fr *column, size_t i) {
  rel8_block z;
  uintptr_t next = (uintptr_t)(column + i) + BLOCK_ROWS * sizeof *column; /* which may lie behind the last row */
  for (size_t k = 0; k < BLOCK_ROWS * sizeof *column; k += HF_CPU_ALIGNMENT) __builtin_prefetch((const void *)(next + k), 0, 2);
  for (size_t k = 0; k < HF_RELATION8_BLOCK; k++) z.v[k] = hf_fr8_load_form(column + i + 8 * k);
  return z;
}

/* A column that is wanted at the next row, too. Blocks are loaded one ahead, so that the rows after a block's are its own and the
 * first of those, moved by a lane. */
static inline void load_with_next(const hf_fr *column, size_t i, size_t mask, rel8_block *ahead, rel8_block *rows, rel8_block *next) {
  *rows = *ahead;
  *ahead = load_rows(column, (i + BLOCK_ROWS) & mask);
  for (int k = 0; k < HF_RELATION8_BLOCK; k++) {
    const hf_fr8 *after = k + 1 < HF_RELATION8_BLOCK ? &rows->v[k + 1] : &ahead->v[0];
    for (int l = 0; l < 5; l++) next->v[k].l[l] = _mm512_alignr_epi64(after->l[l], rows->v[k].l[l], 1);
  }
}

static inline void store_rows(hf_fr *column, size_t i, const rel8_block *x) {
  for (size_t k = 0; k < HF_RELATION8_BLOCK; k++) hf_fr8_store_form(column + i + 8 * k, x->v[k]);
}

/* `ahead`: the wires' blocks at row i, and afterwards those that follow */
static inline void load_columns(const struct hf_relation_inputs *in, size_t i, size_t mask, rel8_block ahead[HF_WIRES], rel8_row *row) {
  for (int k = 0; k < HF_WIRES; k++) load_with_next(in->wires[k]->data, i, mask, &ahead[k], &row->w[k], &row->wn[k]);
  for (int k = 0; k < HF_FIXED_COUNT; k++) row->f[k] = load_rows(in->fixed[k]->data, i);
  row->m = load_rows(in->multiplicity->data, i);
}

/* --- quotient ------------------------------------------------------------------------------------------------ */

static void quotient_body(void *context, size_t begin, size_t end, unsigned worker) {
  if (end - begin < BLOCK_ROWS) {
    hf_cpu_mulx_relation_loops.quotient(context, begin, end, worker);
    return;
  }
  const relation_quotient *t = context;
  const rel8_tables *tables = t->tables;
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
  const hf_vec *const running[4] = {in->z, in->range, in->rom, in->rho};
  rel8_block wires[HF_WIRES], sums[4];
  rel8_row row;
  for (int k = 0; k < HF_WIRES; k++) wires[k] = load_rows(in->wires[k]->data, begin);
  for (int k = 0; k < 4; k++) sums[k] = load_rows(running[k]->data, begin);
  for (size_t g = 0; g < groups; g += HF_RELATION8_BLOCK) {
    size_t i = begin + 8 * g;
    load_columns(in, i, t->mask, wires, &row);
    load_with_next(in->z->data, i, t->mask, &sums[0], &row.z, &row.zn);
    load_with_next(in->range->data, i, t->mask, &sums[1], &row.range, &row.rangen);
    load_with_next(in->rom->data, i, t->mask, &sums[2], &row.rom, &row.romn);
    load_with_next(in->rho->data, i, t->mask, &sums[3], &row.rho, &row.rhon);
    memcpy(&row.x, x + g, sizeof row.x);
    for (size_t k = 0; k < HF_RELATION8_BLOCK; k++) row.l1.v[k] = hf_fr8_mul(l1_scale, l1[g + k]);
    row.pi = load_rows(in->public_inputs->data, i);
    rel8_block value = rel8_combine(&tables->constants, &row, &tables->challenges);
    for (size_t k = 0; k < HF_RELATION8_BLOCK; k++) /* 1 / Z_H stands as in memory, and so does the product */
      hf_fr8_store(t->out + i + 8 * k, hf_fr8_mul(zh_inverse, value.v[k]));
  }
}

/* --- running sums ---------------------------------------------------------------------------------------------- */

enum { INVERSES = 6 }; /* of a row: four wires, the range table's entry, the ROM tuple */

/* Every row's denominators are inverted, also where a selector then takes the term away. */
static void sums_body(void *context, size_t begin, size_t end, unsigned worker) {
  if (end - begin < BLOCK_ROWS) {
    hf_cpu_mulx_relation_loops.sums(context, begin, end, worker);
    return;
  }
  const relation_sums *t = context;
  const rel8_constants *constants = &((const rel8_tables *)t->tables)->constants;
  const rel8_challenges *ch = &((const rel8_tables *)t->tables)->challenges;
  const struct hf_relation_inputs *in = t->in;
  hf_fr8 inverse[INVERSES * HF_RELATION8_GROUP], scratch[INVERSES * HF_RELATION8_GROUP];
  rel8_block numerator[HF_RELATION8_GROUP / HF_RELATION8_BLOCK];
  size_t groups = (end - begin) / 8;
  rel8_block wires[HF_WIRES];
  rel8_row row;
  for (int k = 0; k < HF_WIRES; k++) wires[k] = load_rows(in->wires[k]->data, begin);
  for (size_t g = 0; g < groups; g += HF_RELATION8_BLOCK) {
    size_t i = begin + 8 * g;
    load_columns(in, i, t->mask, wires, &row);
    rel8_block own[INVERSES];
    for (int k = 0; k < 4; k++) own[k] = block_add(ch->lambda.v, row.w[k].v);
    own[4] = block_add(ch->lambda.v, row.f[HF_TABLE_RANGE].v);
    own[5] = rel8_rom_denominator(constants, &row, ch, &numerator[g / HF_RELATION8_BLOCK]);
    memcpy(inverse + INVERSES * g, own, sizeof own);
    rel8_block rho = rel8_nonnative_term(constants, &row, ch);
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

const relation_loops HF_CPU_NAME(relation_loops) = {.grain = HF_RELATION8_GRAIN,
                                                    .table_bytes = sizeof(rel8_tables),
                                                    .prepare = prepare,
                                                    .quotient = quotient_body,
                                                    .sums = sums_body};
