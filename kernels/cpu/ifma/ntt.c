/* Number-theoretic transforms over Fr, eight elements at a time.
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
#include <stdlib.h>
#include <string.h>
#include "field8_fr.h"
#include "ifma.h"

#define HF_NTT8_LEAST_LOG 12 /* smaller ones go to the scalar code */
#define HF_NTT8_AHEAD     12 /* rows */

static size_t bit_reverse(size_t value, unsigned bits) {
  size_t reversed = 0;
  for (unsigned i = 0; i < bits; i++) reversed |= (value >> i & 1) << (bits - 1 - i);
  return reversed;
}

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
  hf_fr *grow;
  hf_fr factor;
} roots_task;

static void roots_grow_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const roots_task *t = context;
  for (size_t i = begin; i < end; i++) t->grow[i] = hf_fr_mul(t->from[i], t->factor);
}

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
  plain[0] = hf_fr_one();
  for (unsigned s = 0; s + 1 < log_n; s++) {
    roots_task task = {.from = plain, .grow = plain + ((size_t)1 << s), .factor = hf_fr_root_of_unity((int)s + 2)};
    hf_pool_run(cpu->pool, (size_t)1 << s, 4096, roots_grow_body, &task);
  }
  roots_task task = {.from = plain, .to = r};
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

typedef struct ntt8_plan {
  const ntt8_roots *roots;
  unsigned log_n, row_log, column_log;
  const hf_fr *in;
  size_t in_length; /* may be more than n: wraps with `wrap`; or less: zeros */
  hf_fr *out;       /* may be `in` */
  hf_fr8 *middle;   /* [row][column / 8] */
  hf_fr8 *buffer;   /* pass A: [worker][row] */
  /* forward, on a coset; NULL on H itself */
  hf_fr wrap;            /* shift^n */
  const hf_fr8 *scale;   /* shift^c, one a column */
  const hf_fr8 *shifted; /* roots of pass A with the shift in them, each stage its own row */
  /* inverse */
  bool inverse;
  hf_fr factor;            /* 1/n, from H itself */
  const hf_fr *high, *low; /* from a coset, else NULL: result (i, j) is multiplied by high[i] * low[j] */
} ntt8_plan;

static hf_fr load_one(const ntt8_plan *p, size_t i) {
  if (i >= p->in_length) return hf_fr_zero();
  size_t n = (size_t)1 << p->log_n, top = i + (p->in_length - 1 - i) / n * n;
  hf_fr value = p->in[top];
  while (top > i) { /* Horner in shift^n */
    top -= n;
    value = hf_fr_add(hf_fr_mul(value, p->wrap), p->in[top]);
  }
  return value;
}

static __attribute__((noinline)) hf_fr8 load_ragged(const ntt8_plan *p, size_t i) {
  hf_fr ragged[8];
  for (size_t k = 0; k < 8; k++) ragged[k] = load_one(p, i + k);
  return hf_fr8_load(ragged);
}

/* A blinded polynomial is a few coefficients longer than n: only as many of the first ones have one that wraps. */
static inline hf_fr8 load_eight(const ntt8_plan *p, size_t i) {
  size_t n = (size_t)1 << p->log_n;
  if (i + 8 <= p->in_length && i + n >= p->in_length) return hf_fr8_load(p->in + i);
  return i < p->in_length ? load_ragged(p, i) : hf_fr8_zero();
}

static void pass_a_body(void *context, size_t begin, size_t end, unsigned worker) {
  const ntt8_plan *p = context;
  size_t rows = (size_t)1 << p->row_log, row_size = (size_t)1 << p->column_log;
  hf_fr8 *v = p->buffer + ((size_t)worker << p->row_log);
  stage_roots roots = {p->shifted ? p->shifted : p->roots->blocks, 0, p->shifted != NULL};
  for (size_t block = begin; block < end; block++) {
    for (size_t r = 0; r < rows; r++) {
      size_t i = r * row_size + 8 * block, ahead = i + HF_NTT8_AHEAD * row_size;
      if (ahead + 8 <= p->in_length) /* rows are too far apart for the processor to guess */
        for (size_t k = 0; k < 8; k += 2) __builtin_prefetch(p->in + ahead + k);
      v[r] = load_eight(p, i);
    }
    if (p->scale) {
      hf_fr8 scale = p->scale[block];
      for (size_t r = 0; r < rows; r++) v[r] = hf_fr8_mul_lazy(v[r], scale);
    }
    stages_run(v, p->row_log, p->row_log, roots, true);
    for (size_t r = 0; r < rows; r++) p->middle[r * (row_size / 8) + block] = v[r];
  }
}

/* Where result `high`, `low` of the forward transform goes. */
static inline size_t place(const ntt8_plan *p, size_t high, size_t low) {
  size_t i = high << p->row_log | low;
  return p->inverse ? (0 - i) & (((size_t)1 << p->log_n) - 1) : i;
}

static inline hf_fr scalar_factor(const ntt8_plan *p, size_t i) {
  size_t rows = (size_t)1 << p->row_log;
  return p->high ? hf_fr_mul(p->high[i >> p->row_log], p->low[i & (rows - 1)]) : p->factor;
}

/* Eight results that are no neighbours: an inverse's group that holds low = 0, which turns to another high. */
static void store_apart(const ntt8_plan *p, size_t high, hf_fr8 values) {
  hf_fr x[8];
  hf_fr8_store(x, hf_fr8_reduce(hf_fr8_tidy(values)));
  for (size_t k = 0; k < 8; k++) {
    size_t low = (0 - k) & (((size_t)1 << p->row_log) - 1), i = place(p, high, low);
    p->out[i] = hf_fr_mul(x[k], scalar_factor(p, i));
  }
}

static void pass_b_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const ntt8_plan *p = context;
  size_t rows = (size_t)1 << p->row_log, columns = (size_t)1 << p->column_log, vectors = columns / 8;
  hf_fr8 factor = hf_fr8_broadcast_form(p->factor);
  for (size_t group = begin; group < end; group++) {
    hf_fr8 *row[8];
    for (size_t j = 0; j < 8; j++) {
      size_t low = 8 * group + j, at = bit_reverse(p->inverse ? (0 - low) & (rows - 1) : low, p->row_log);
      row[j] = p->middle + at * vectors;
      stages_run(row[j], p->column_log - 3, p->column_log - 3, (stage_roots){p->roots->blocks, at, false}, false);
      for (size_t g = 0; g < vectors / 8; g++)
        last_stages(p->roots, row[j] + 8 * g, (at << (p->column_log - 3)) + 8 * g);
    }
    hf_fr8 low = p->low ? hf_fr8_load_form(p->low + 8 * group) : factor;
    for (size_t v = 0; v < vectors; v++) {
      hf_fr8 in[8], x[8];
      for (size_t j = 0; j < 8; j++) in[j] = row[j][v];
      hf_fr8_transpose(in, x);
      for (size_t l = 0; l < 8; l++) {
        size_t high = bit_reverse(v / 8 * 64 + 8 * l + v % 8, p->column_log);
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

static void plan_shape(ntt8_plan *p, unsigned log_n) {
  memset(p, 0, sizeof *p);
  p->log_n = log_n;
  p->row_log = log_n / 2;
  p->column_log = log_n - p->row_log;
  p->factor = hf_fr_one();
}

/* Runs plans of one shape; `roots`, `middle` and `buffer` are set here. */
static hf_status plans_run(hf_cpu *cpu, ntt8_plan *plans, size_t count) {
  ntt8_plan *p = &plans[0];
  size_t middle_bytes = (((size_t)1 << p->log_n) / 8) * sizeof(hf_fr8);
  size_t buffer_bytes = ((size_t)hf_pool_size(cpu->pool) << p->row_log) * sizeof(hf_fr8);
  hf_status status = HF_OK;
  hf_cpu_scratch_begin(cpu);
  hf_fr8 *middle = hf_cpu_scratch(cpu, middle_bytes), *buffer = hf_cpu_scratch(cpu, buffer_bytes);
  if (!middle || !buffer)
    HF_TRY(hf_fail(HF_E_MEMORY, "ntt: no memory for %zu bytes of scratch", middle_bytes + buffer_bytes));
  HF_TRY(roots_prepare(cpu, p->log_n));
  for (size_t k = 0; k < count; k++) {
    plans[k].roots = cpu->roots8;
    plans[k].middle = middle;
    plans[k].buffer = buffer;
    hf_pool_run(cpu->pool, (size_t)1 << (p->column_log - 3), 1, pass_a_body, &plans[k]);
    hf_pool_run(cpu->pool, (size_t)1 << (p->row_log - 3), 1, pass_b_body, &plans[k]);
  }
out:
  return status;
}

/* --- operations ------------------------------------------------------------------------------------------------------------ */

static bool is_small(unsigned log_n) { return log_n < HF_NTT8_LEAST_LOG || log_n > HF_FR_TWO_ADICITY; }

static hf_fr inverse_of_size(unsigned log_n) { return hf_fr_inv(hf_fr_from_u64((hf_u64)1 << log_n)); }

/* out[i] = first * base^i */
static void powers(hf_fr *out, size_t count, hf_fr first, hf_fr base) {
  for (size_t i = 0; i < count; i++) {
    out[i] = first;
    first = hf_fr_mul(first, base);
  }
}

hf_status hf_cpu_ifma_ntt(hf_backend *backend, hf_vec *const *vecs, size_t count, unsigned log_n, hf_ntt_kind kind) {
  if (is_small(log_n)) return hf_cpu_mulx_ntt(backend, vecs, count, log_n, kind);
  hf_status status;
  ntt8_plan *plans = NULL;
  size_t n = (size_t)1 << log_n;
  for (size_t k = 0; k < count; k++) HF_TRY(hf_cpu_range("ntt", vecs[k], 0, n));
  if (count == 0) return HF_OK;
  plans = calloc(count, sizeof *plans);
  if (!plans) HF_TRY(hf_fail(HF_E_MEMORY, "ntt: no memory for %zu plans", count));
  for (size_t k = 0; k < count; k++) {
    plan_shape(&plans[k], log_n);
    plans[k].in = plans[k].out = vecs[k]->data;
    plans[k].in_length = n;
    plans[k].inverse = kind == HF_NTT_INVERSE;
    if (plans[k].inverse) plans[k].factor = k == 0 ? inverse_of_size(log_n) : plans[0].factor;
  }
  HF_TRY(plans_run(hf_cpu_of(backend), plans, count));
out:
  free(plans);
  return status;
}

hf_status hf_cpu_ifma_coset_ntt(hf_backend *backend, hf_vec *out, const hf_vec *coefficients, size_t length,
                                unsigned log_n, hf_fr shift) {
  if (is_small(log_n)) return hf_cpu_mulx_coset_ntt(backend, out, coefficients, length, log_n, shift);
  hf_status status;
  ntt8_plan plan;
  plan_shape(&plan, log_n);
  hf_cpu *cpu = hf_cpu_of(backend);
  size_t rows = (size_t)1 << plan.row_log, row_size = (size_t)1 << plan.column_log;
  size_t scale_bytes = row_size / 8 * sizeof(hf_fr8), shifted_bytes = rows / 8 * sizeof(hf_fr8);
  hf_fr8 *scale = hf_cpu_alloc(scale_bytes), *shifted = hf_cpu_alloc(shifted_bytes);
  hf_fr *scalars = malloc((row_size > rows ? row_size : rows) * sizeof *scalars);
  if (!scale || !shifted || !scalars) HF_TRY(hf_fail(HF_E_MEMORY, "coset_ntt: no memory for the powers of the shift"));
  HF_TRY(hf_cpu_range("coset_ntt (coefficients)", coefficients, 0, length));
  HF_TRY(hf_cpu_range("coset_ntt (out)", out, 0, (size_t)1 << log_n));
  powers(scalars, row_size, hf_fr_one(), shift);
  for (size_t i = 0; i < row_size; i++) set_lane(&scale[i / 8], i % 8, hf_fr8_form(scalars[i]));
  /* Down a column the shift is shift^row_size; stage s works modulo X^(rows / 2^(s+1)) -+ ... */
  hf_fr power = hf_fr_pow_u64(shift, row_size);
  scalars[0] = hf_fr_one();
  hf_fr root = hf_fr_root_of_unity((int)plan.row_log);
  for (unsigned s = plan.row_log - 1; s-- > 0;) { /* the roots of order 2^(s+2), from the top: entry 2^s is one */
    scalars[(size_t)1 << s] = root;
    root = hf_fr_sqr(root);
  }
  for (unsigned s = 1; s + 1 < plan.row_log; s++)
    for (size_t b = 1; b < (size_t)1 << s; b++)
      scalars[((size_t)1 << s) + b] = hf_fr_mul(scalars[b], scalars[(size_t)1 << s]);
  for (unsigned s = plan.row_log; s-- > 0;) {
    for (size_t b = 0; b < (size_t)1 << s; b++) {
      size_t at = ((size_t)1 << s) + b;
      set_lane(&shifted[at / 8], at % 8, hf_fr8_form(hf_fr_mul(scalars[b], power)));
    }
    power = hf_fr_sqr(power);
  }
  plan.in = coefficients->data;
  plan.in_length = length;
  plan.out = out->data;
  plan.wrap = power; /* shift^(row_size * rows) */
  plan.scale = scale;
  plan.shifted = shifted;
  HF_TRY(plans_run(cpu, &plan, 1));
out:
  hf_cpu_free(scale, scale_bytes);
  hf_cpu_free(shifted, shifted_bytes);
  free(scalars);
  return status;
}

hf_status hf_cpu_ifma_coset_intt(hf_backend *backend, hf_vec *vec, unsigned log_n, hf_fr shift) {
  if (is_small(log_n) || hf_fr_is_zero(shift)) return hf_cpu_mulx_coset_intt(backend, vec, log_n, shift);
  hf_status status;
  ntt8_plan plan;
  size_t n = (size_t)1 << log_n;
  plan_shape(&plan, log_n);
  size_t lows = (size_t)1 << plan.row_log, highs = (size_t)1 << plan.column_log;
  hf_fr *high = malloc(highs * sizeof *high), *low = malloc(lows * sizeof *low);
  if (!high || !low) HF_TRY(hf_fail(HF_E_MEMORY, "coset_intt: no memory for the powers of the shift"));
  HF_TRY(hf_cpu_range("coset_intt", vec, 0, n));
  hf_fr back = hf_fr_inv(shift);
  powers(low, lows, hf_fr_one(), back);
  powers(high, highs, inverse_of_size(log_n), hf_fr_pow_u64(back, lows));
  plan.in = plan.out = vec->data;
  plan.in_length = n;
  plan.inverse = true;
  plan.high = high;
  plan.low = low;
  HF_TRY(plans_run(hf_cpu_of(backend), &plan, 1));
out:
  free(high);
  free(low);
  return status;
}
