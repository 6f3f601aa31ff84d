/* A transform's passes, eight elements at a time. Small transforms go through the mulx variant's.
 *
 * The method and its notation are ../ntt.c's: a polynomial modulo X^m - z^2 splits into two, one z a block, two passes
 * over memory. What differs is where the eight lanes lie:
 *
 *   pass A   eight neighbouring columns, so that all lanes of a stage share z. Converted to 52-bit limbs as they are
 *            loaded; `middle` keeps them so (40 bytes an element).
 *   pass B   eight neighbours of a row while blocks are that long; then 64 elements are transposed, and in the last
 *            three stages the lanes are eight neighbouring blocks. They stay so: when eight rows are done, lanes and rows
 *            are transposed, which makes eight neighbours of the result.
 *
 * Two stages at a time, to spare loads and stores; in a prime field radix 4 saves no multiplication but in the first
 * block. Elements are memory's integers x * 2^256 and roots stand in the 2^260 form, so products need no correction.
 * Nothing is reduced on the way: a product is below 2 p, each stage adds at most 2 p, and 84 p fit.
 */
#include "../ntt.h"
#include <stdlib.h>
#include <string.h>
#include "field8_fr.h"

#define HF_NTT8_AHEAD 12 /* rows */

hf_status hf_cpu_mulx_ntt_run(const ntt_plan *plans, size_t count);

/* --- roots ---------------------------------------------------------------------------------------------------- */

/* For transforms up to 2^log_n, in the 2^260 form, canonical. Entry b is w^bitreverse(b). */
typedef struct ntt8_roots {
  unsigned log_n;
  hf_fr8 *blocks; /* n/8 entries in order: stages whose block has one root, and the lanes of the third last stage */
  hf_fr8 *pairs;  /* n/4: each 16 as the even and the odd ones: the second last */
  hf_fr8 *fours;  /* n/2: each 32 by their number modulo 4: the last */
  size_t bytes;
} ntt8_roots;

static void set_lane(hf_fr8 *v, unsigned lane, hf_fr x) {
  uint64_t l[5];
  hf_fr8_limbs(x, l);
  for (unsigned i = 0; i < 5; i++) ((uint64_t *)&v->l[i])[lane] = l[i];
}

typedef struct roots_task {
  const hf_fr *from;
  ntt8_roots *to;
} roots_task;

static void roots_lay_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const roots_task *t = context;
  size_t eighth = (size_t)1 << (t->to->log_n - 3);
  for (size_t i = begin; i < end; i++) {
    hf_fr x = hf_fr8_form(t->from[i]);
    if (i < eighth) set_lane(&t->to->blocks[i / 8], i % 8, x);
    if (i < 2 * eighth) set_lane(&t->to->pairs[i / 16 * 2 + i % 2], i % 16 / 2, x);
    set_lane(&t->to->fours[i / 32 * 4 + i % 4], i % 32 / 4, x);
  }
}

void hf_cpu_ifma_release(hf_cpu *cpu) {
  ntt8_roots *r = cpu->roots8;
  if (!r) return;
  hf_cpu_free(r->blocks, r->bytes);
  free(r);
  cpu->roots8 = NULL;
}

static hf_status roots_prepare(hf_cpu *cpu, unsigned log_n) {
  ntt8_roots *r = cpu->roots8;
  hf_status status = HF_OK;
  if (r && r->log_n >= log_n) return HF_OK;
  hf_cpu_ifma_release(cpu);
  size_t half = (size_t)1 << (log_n - 1), vectors = half / 8;
  hf_fr *plain = hf_cpu_alloc(half * sizeof *plain);
  r = calloc(1, sizeof *r);
  size_t bytes = (vectors + vectors / 2 + vectors / 4) * sizeof(hf_fr8);
  hf_fr8 *all = hf_cpu_alloc(bytes);
  if (!plain || !r || !all) {
    free(r);
    hf_cpu_free(all, bytes);
    HF_TRY(hf_fail(HF_E_MEMORY, "ntt: no memory for %zu roots of unity", half));
  }
  r->log_n = log_n;
  r->bytes = bytes;
  r->fours = all + vectors / 4 + vectors / 2;
  r->pairs = all + vectors / 4;
  r->blocks = all;
  HF_CPU_NAME(ntt_roots)(cpu->pool, plain, 0, log_n);
  roots_task task = {plain, r};
  hf_pool_run(cpu->pool, half, 4096, roots_lay_body, &task);
  cpu->roots8 = r;
out:
  hf_cpu_free(plain, half * sizeof *plain);
  return status;
}

/* Entry b of a row of roots, in all lanes. */
static inline hf_fr8 root_at(const hf_fr8 *roots, size_t b) {
  const uint64_t *p = (const uint64_t *)&roots[b / 8] + b % 8;
  hf_fr8 z;
  for (int i = 0; i < 5; i++) z.l[i] = _mm512_set1_epi64((long long)p[8 * i]);
  return z;
}

/* --- butterflies ------------------------------------------------------------------------------------------------- */

/* (x, y) = (x + z y, x - z y) */
static inline __attribute__((always_inline)) void butterfly(hf_fr8 *x, hf_fr8 *y, hf_fr8 z) {
  hf_fr8 t = hf_fr8_mul_lazy(hf_fr8_tidy(*y), z);
  *y = hf_fr8_sub_lazy(hf_fr8_add_lazy(*x, hf_fr8_multiple(2)), t);
  *x = hf_fr8_add_lazy(*x, t);
}

/* The same for z = 1 and y < 2 p. */
static inline __attribute__((always_inline)) void butterfly_one(hf_fr8 *x, hf_fr8 *y) {
  hf_fr8 t = *y;
  *y = hf_fr8_sub_lazy(hf_fr8_add_lazy(*x, hf_fr8_multiple(2)), t);
  *x = hf_fr8_add_lazy(*x, t);
}

/* Two stages over four vectors `quarter` apart. */
static void quads(hf_fr8 *v, size_t quarter, hf_fr8 z, hf_fr8 low, hf_fr8 high) {
  for (size_t k = 0; k < quarter; k++) {
    hf_fr8 a = v[k], b = v[k + quarter], c = v[k + 2 * quarter], d = v[k + 3 * quarter];
    butterfly(&a, &c, z);
    butterfly(&b, &d, z);
    butterfly(&a, &b, low);
    butterfly(&c, &d, high);
    v[k] = a, v[k + quarter] = b, v[k + 2 * quarter] = c, v[k + 3 * quarter] = d;
  }
}

/* The first two stages of a transform that is not on a coset: three of the four roots are one. Values below p. */
static void quads_first(hf_fr8 *v, size_t quarter, hf_fr8 high) {
  for (size_t k = 0; k < quarter; k++) {
    hf_fr8 a = v[k], b = v[k + quarter], c = v[k + 2 * quarter], d = v[k + 3 * quarter];
    butterfly_one(&a, &c);
    butterfly_one(&b, &d);
    butterfly_one(&a, &b);
    butterfly(&c, &d, high);
    v[k] = a, v[k + quarter] = b, v[k + 2 * quarter] = c, v[k + 3 * quarter] = d;
  }
}

/* Roots of the stages: row `row`'s own, at [(row << s) + block]; or, on a coset, a row for each stage, at [2^s + block]. */
typedef struct stage_roots {
  const hf_fr8 *at;
  size_t row;
  bool coset;
} stage_roots;

/* `stages` stages over 2^log vectors; `fresh`: the first pass, of values below p. */
static void stages_run(hf_fr8 *v, unsigned log, unsigned stages, stage_roots roots, bool fresh) {
  unsigned s = 0;
  for (; s + 2 <= stages; s += 2) {
    size_t quarter = (size_t)1 << (log - s - 2), here = roots.coset ? (size_t)1 << s : roots.row << s;
    size_t next = 2 * here, b = 0;
    if (s == 0 && fresh && !roots.coset) {
      quads_first(v, quarter, root_at(roots.at, 1));
      b = 1;
    }
    for (; b < (size_t)1 << s; b++)
      quads(v + 4 * quarter * b, quarter, root_at(roots.at, here + b), root_at(roots.at, next + 2 * b),
            root_at(roots.at, next + 2 * b + 1));
  }
  if (s == stages) return;
  size_t half = (size_t)1 << (log - s - 1), here = roots.coset ? (size_t)1 << s : roots.row << s;
  for (size_t b = 0; b < (size_t)1 << s; b++) {
    hf_fr8 z = root_at(roots.at, here + b), *x = v + 2 * half * b;
    for (size_t k = 0; k < half; k++) butterfly(&x[k], &x[half + k], z);
  }
}

/* The last three stages of 64 neighbours whose first block is number `block` of its stage; v[t] lane l: element 8 l + t. */
static inline void last_stages(const ntt8_roots *r, hf_fr8 *v, size_t block) {
  hf_fr8 w[8];
  hf_fr8_transpose(v, w);
  hf_fr8 z = r->blocks[block / 8];
  for (int t = 0; t < 4; t++) butterfly(&w[t], &w[t + 4], z);
  const hf_fr8 *pair = r->pairs + block / 8 * 2, *four = r->fours + block / 8 * 4;
  for (int h = 0; h < 2; h++)
    for (int t = 0; t < 2; t++) butterfly(&w[4 * h + t], &w[4 * h + t + 2], pair[h]);
  for (int h = 0; h < 4; h++) butterfly(&w[2 * h], &w[2 * h + 1], four[h]);
  memcpy(v, w, sizeof w);
}

/* --- the two passes --------------------------------------------------------------------------------------------------- */

typedef struct passes_task {
  const ntt_plan *plan;
  const ntt8_roots *roots;
  hf_fr8 *middle; /* [row][column / 8] */
  hf_fr8 *buffer; /* pass A: [worker][row] */
  /* on a coset, else NULL: the plan's, in the 2^260 form */
  hf_fr8 *scale, *shifted;
} passes_task;

static __attribute__((noinline)) hf_fr8 load_ragged(const ntt_plan *p, size_t i) {
  hf_fr ragged[8];
  for (size_t k = 0; k < 8; k++) ragged[k] = ntt_load(p, i + k);
  return hf_fr8_load(ragged);
}

/* A blinded polynomial is a few coefficients longer than n: only as many of the first ones have one that wraps. */
static inline hf_fr8 load_eight(const ntt_plan *p, size_t i) {
  size_t n = (size_t)1 << p->log_n;
  if (i + 8 <= p->in_length && i + n >= p->in_length) return hf_fr8_load(p->in + i);
  return i < p->in_length ? load_ragged(p, i) : hf_fr8_zero();
}

static void pass_a_body(void *context, size_t begin, size_t end, unsigned worker) {
  const passes_task *t = context;
  const ntt_plan *p = t->plan;
  size_t rows = (size_t)1 << p->row_log, row_size = (size_t)1 << p->column_log;
  hf_fr8 *v = t->buffer + ((size_t)worker << p->row_log);
  stage_roots roots = {t->shifted ? t->shifted : t->roots->blocks, 0, t->shifted != NULL};
  for (size_t block = begin; block < end; block++) {
    for (size_t r = 0; r < rows; r++) {
      size_t i = r * row_size + 8 * block, ahead = i + HF_NTT8_AHEAD * row_size;
      if (ahead + 8 <= p->in_length) /* rows are too far apart for the processor to guess */
        for (size_t k = 0; k < 8; k += 2) __builtin_prefetch(p->in + ahead + k);
      v[r] = load_eight(p, i);
    }
    if (t->scale) {
      hf_fr8 scale = t->scale[block];
      for (size_t r = 0; r < rows; r++) v[r] = hf_fr8_mul_lazy(v[r], scale);
    }
    stages_run(v, p->row_log, p->row_log, roots, true);
    for (size_t r = 0; r < rows; r++) t->middle[r * (row_size / 8) + block] = v[r];
  }
}

/* Eight results that are no neighbours: an inverse's group that holds low = 0, which turns to another high. */
static void store_apart(const ntt_plan *p, size_t high, hf_fr8 values) {
  hf_fr x[8];
  hf_fr8_store(x, hf_fr8_reduce(hf_fr8_tidy(values)));
  for (size_t k = 0; k < 8; k++) {
    size_t low = (0 - k) & (((size_t)1 << p->row_log) - 1), i = ntt_place(p, high, low);
    p->out[i] = hf_fr_mul(x[k], ntt_factor(p, i));
  }
}

static void pass_b_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const passes_task *t = context;
  const ntt_plan *p = t->plan;
  size_t rows = (size_t)1 << p->row_log, columns = (size_t)1 << p->column_log, vectors = columns / 8;
  hf_fr8 factor = hf_fr8_broadcast_form(p->factor);
  for (size_t group = begin; group < end; group++) {
    hf_fr8 *row[8];
    for (size_t j = 0; j < 8; j++) {
      size_t low = 8 * group + j, at = ntt_bit_reverse(p->inverse ? (0 - low) & (rows - 1) : low, p->row_log);
      row[j] = t->middle + at * vectors;
      stages_run(row[j], p->column_log - 3, p->column_log - 3, (stage_roots){t->roots->blocks, at, false}, false);
      for (size_t g = 0; g < vectors / 8; g++)
        last_stages(t->roots, row[j] + 8 * g, (at << (p->column_log - 3)) + 8 * g);
    }
    hf_fr8 low = p->low ? hf_fr8_load_form(p->low + 8 * group) : factor;
    for (size_t v = 0; v < vectors; v++) {
      hf_fr8 in[8], x[8];
      for (size_t j = 0; j < 8; j++) in[j] = row[j][v];
      hf_fr8_transpose(in, x);
      for (size_t l = 0; l < 8; l++) {
        size_t high = ntt_bit_reverse(v / 8 * 64 + 8 * l + v % 8, p->column_log);
        if (!p->inverse) {
          hf_fr8_store_past(p->out + (high << p->row_log) + 8 * group, hf_fr8_reduce(hf_fr8_tidy(x[l])));
        } else if (group == 0) {
          store_apart(p, high, x[l]);
        } else {
          size_t i = (columns - 1 - high) << p->row_log | 8 * group;
          hf_fr8 y = hf_fr8_mul(hf_fr8_tidy(x[l]), low);
          if (p->high) y = hf_fr8_mul(y, hf_fr8_broadcast_form(p->high[i >> p->row_log]));
          hf_fr8_store_past(p->out + i, y);
        }
      }
    }
  }
  _mm_sfence();
}

/* A row of roots or powers in the 2^260 form, in order. */
static void lay(const hf_fr *from, size_t count, hf_fr8 *to) {
  for (size_t i = 0; i < count; i++) set_lane(&to[i / 8], i % 8, hf_fr8_form(from[i]));
}

hf_status HF_CPU_NAME(ntt_run)(const ntt_plan *plans, size_t count) {
  if (plans->row_log == 0) return hf_cpu_mulx_ntt_run(plans, count);
  hf_cpu *cpu = plans->cpu;
  size_t rows = (size_t)1 << plans->row_log, columns = (size_t)1 << plans->column_log;
  size_t middle_bytes = rows * columns / 8 * sizeof(hf_fr8);
  size_t buffer_bytes = hf_pool_size(cpu->pool) * rows * sizeof(hf_fr8);
  size_t coset_bytes = (rows + columns) / 8 * sizeof(hf_fr8);
  hf_status status = HF_OK;
  hf_cpu_scratch_begin(cpu);
  hf_fr8 *coset = hf_cpu_scratch(cpu, coset_bytes);
  passes_task task = {.middle = hf_cpu_scratch(cpu, middle_bytes), .buffer = hf_cpu_scratch(cpu, buffer_bytes)};
  if (!coset || !task.middle || !task.buffer)
    HF_TRY(hf_fail(HF_E_MEMORY, "ntt: no memory for %zu bytes of scratch", coset_bytes + middle_bytes + buffer_bytes));
  HF_TRY(roots_prepare(cpu, plans->log_n));
  task.roots = cpu->roots8;
  for (size_t k = 0; k < count; k++) {
    task.plan = &plans[k];
    if (plans[k].scale) {
      task.scale = coset;
      task.shifted = coset + columns / 8;
      lay(plans[k].scale, columns, task.scale);
      lay(plans[k].shifted, rows, task.shifted);
    }
    hf_pool_run(cpu->pool, columns / 8, 1, pass_a_body, &task);
    hf_pool_run(cpu->pool, rows / 8, 1, pass_b_body, &task);
  }
out:
  return status;
}
