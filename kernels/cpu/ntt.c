/* Number-theoretic transforms over Fr, natural order on both sides.
 *
 * A polynomial modulo X^m - z^2 splits into itself modulo X^(m/2) - z and modulo
 * X^(m/2) + z: x + z*y and x - z*y for each coefficient pair. One z serves a whole
 * block, stage s has 2^s blocks, and block b's is w^bitreverse(b) whatever the size,
 * so one table of n/2 roots serves all sizes and its first entries are all that the
 * long stages touch. On a coset f(shift * X) the coefficients are scaled first.
 *
 * Blocking: coefficients are seen as 2^row_log rows of 2^column_log. Pass A takes a few
 * columns at a time into a buffer that fits the second-level cache, does the first
 * row_log stages on them and puts them into `middle`; pass B finishes each row by
 * itself and writes a group of rows, chosen so that their results are neighbours, to
 * their natural places. Small transforms are one row.
 *
 * The inverse is the forward transform read backwards, f(w^-k) = f(w^(n-k)), over n.
 */
#include "cpu.h"
#include <stdlib.h>
#include <string.h>

#define HF_NTT_ROW_LOG     11 /* transforms up to this size are one row */
#define HF_NTT_COLUMNS_LOG 3  /* columns that pass A takes at a time: 256 bytes of each row */
#define HF_NTT_GROUP_LOG   3  /* rows that pass B writes at a time */
#define HF_NTT_MAX_LOG     HF_FR_TWO_ADICITY

static size_t bit_reverse(size_t value, unsigned bits) {
  size_t reversed = 0;
  for (unsigned i = 0; i < bits; i++) reversed |= (value >> i & 1) << (bits - 1 - i);
  return reversed;
}

/* --- roots -------------------------------------------------------------------- */

typedef struct root_task {
  hf_fr *to;
  const hf_fr *from;
  hf_fr factor;
} root_task;

static void root_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const root_task *t = context;
  for (size_t i = begin; i < end; i++) t->to[i] = hf_fr_mul(t->from[i], t->factor);
}

/* Grows the table: entry 2^s + b is entry b times the root of order 2^(s+2). */
static hf_status roots_prepare(hf_cpu *cpu, unsigned log_n) {
  if (log_n < 1) log_n = 1;
  if (cpu->twiddle_log >= log_n) return HF_OK;
  size_t count = (size_t)1 << (log_n - 1);
  hf_fr *table = aligned_alloc(HF_CPU_ALIGNMENT, count < 2 ? HF_CPU_ALIGNMENT : count * sizeof *table);
  if (!table) return hf_fail(HF_E_MEMORY, "ntt: no memory for %zu roots of unity", count);
  table[0] = hf_fr_one();
  unsigned have = cpu->twiddle_log ? cpu->twiddle_log - 1 : 0;
  if (cpu->twiddles) memcpy(table, cpu->twiddles, sizeof *table << have);
  for (unsigned s = have; s + 1 < log_n; s++) {
    root_task task = {table + ((size_t)1 << s), table, hf_fr_root_of_unity((int)s + 2)};
    hf_pool_run(cpu->pool, (size_t)1 << s, 4096, root_body, &task);
  }
  free(cpu->twiddles);
  cpu->twiddles = table;
  cpu->twiddle_log = log_n;
  return HF_OK;
}

/* out[i] = first * base^i */
static void powers(hf_fr *out, size_t count, hf_fr first, hf_fr base) {
  for (size_t i = 0; i < count; i++) {
    out[i] = first;
    first = hf_fr_mul(first, base);
  }
}

/* --- stages --------------------------------------------------------------------- */

static void butterflies(hf_fr *x, hf_fr *y, size_t count, hf_fr z) {
  for (size_t i = 0; i < count; i++) {
    hf_fr a = x[i], t = hf_fr_mul(y[i], z);
    x[i] = hf_fr_add(a, t);
    y[i] = hf_fr_sub(a, t);
  }
}

static void butterflies_one(hf_fr *x, hf_fr *y, size_t count) {
  for (size_t i = 0; i < count; i++) {
    hf_fr a = x[i], t = y[i];
    x[i] = hf_fr_add(a, t);
    y[i] = hf_fr_sub(a, t);
  }
}

/* One stage over v[0 .. blocks * 2 * half). */
static void stage(hf_fr *v, size_t blocks, size_t half, const hf_fr *roots, bool first_is_one) {
  size_t b = 0;
  if (first_is_one) {
    butterflies_one(v, v + half, half);
    b = 1;
  }
  for (; b < blocks; b++) butterflies(v + 2 * half * b, v + 2 * half * b + half, half, roots[b]);
}

typedef struct ntt_plan {
  hf_cpu *cpu;
  unsigned log_n, row_log, column_log, columns; /* columns: log of those pass A takes at a time */
  const hf_fr *in;
  size_t in_length; /* may be more than n: wraps with `wrap`; or less: zeros */
  hf_fr *out;       /* may be `in` */
  hf_fr *middle;    /* n elements; with one row, a row a worker */
  hf_fr *buffer;    /* pass A: a block of columns a worker */
  /* forward, on a coset; NULL on H itself */
  hf_fr wrap;           /* shift^n */
  const hf_fr *scale;   /* shift^c, one a column */
  const hf_fr *shifted; /* stage s of pass A: its roots at [2^s], with the shift in them */
  /* inverse */
  bool inverse;
  hf_fr factor; /* 1/n, from H itself */
  const hf_fr *high,
      *low; /* from a coset, else NULL: result i * 2^row_log + j is multiplied by high[i] * low[j] */
} ntt_plan;

static hf_fr load(const ntt_plan *p, size_t i) {
  if (i >= p->in_length) return hf_fr_zero();
  hf_fr value = p->in[i];
  size_t n = (size_t)1 << p->log_n;
  if (p->in_length > n) { /* Horner in shift^n from the top */
    size_t top = i + (p->in_length - 1 - i) / n * n;
    value = p->in[top];
    while (top > i) {
      top -= n;
      value = hf_fr_add(hf_fr_mul(value, p->wrap), p->in[top]);
    }
  }
  return value;
}

/* Loads `count` neighbours that begin in column c. */
static void load_run(const ntt_plan *p, hf_fr *to, size_t i, size_t c, size_t count) {
  if (!p->scale && i + count <= p->in_length) {
    memcpy(to, p->in + i, count * sizeof *to);
    return;
  }
  for (size_t k = 0; k < count; k++) {
    to[k] = load(p, i + k);
    if (p->scale) to[k] = hf_fr_mul(to[k], p->scale[c + k]);
  }
}

static void pass_a_body(void *context, size_t begin, size_t end, unsigned worker) {
  const ntt_plan *p = context;
  size_t rows = (size_t)1 << p->row_log, width = (size_t)1 << p->columns,
         row_size = (size_t)1 << p->column_log;
  hf_fr *v = p->buffer + (worker << (p->row_log + p->columns));
  for (size_t block = begin; block < end; block++) {
    size_t c = block << p->columns;
    for (size_t r = 0; r < rows; r++) load_run(p, v + r * width, r * row_size + c, c, width);
    for (unsigned s = 0; s < p->row_log; s++)
      stage(v, (size_t)1 << s, width << (p->row_log - 1 - s),
            p->shifted ? p->shifted + ((size_t)1 << s) : p->cpu->twiddles, !p->shifted);
    for (size_t r = 0; r < rows; r++) memcpy(p->middle + r * row_size + c, v + r * width, width * sizeof *v);
  }
}

static void row_finish(const ntt_plan *p, hf_fr *v, size_t row) {
  for (unsigned s = 0; s < p->column_log; s++)
    stage(v, (size_t)1 << s, (size_t)1 << (p->column_log - 1 - s), p->cpu->twiddles + (row << s), row == 0);
}

static void store(const ntt_plan *p, size_t high, size_t low, hf_fr value) {
  size_t mask = ((size_t)1 << p->log_n) - 1, i = high << p->row_log | low;
  if (!p->inverse) {
    p->out[i] = value;
    return;
  }
  i = (0 - i) & mask;
  if (p->high)
    value =
        hf_fr_mul(value, hf_fr_mul(p->high[i >> p->row_log], p->low[i & (((size_t)1 << p->row_log) - 1)]));
  else
    value = hf_fr_mul(value, p->factor);
  p->out[i] = value;
}

static void pass_b_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const ntt_plan *p = context;
  size_t group = (size_t)1 << (p->row_log < HF_NTT_GROUP_LOG ? p->row_log : HF_NTT_GROUP_LOG);
  size_t row_size = (size_t)1 << p->column_log;
  for (size_t g = begin; g < end; g++) {
    hf_fr *rows[(size_t)1 << HF_NTT_GROUP_LOG];
    for (size_t j = 0; j < group; j++) {
      size_t row = bit_reverse(g * group + j, p->row_log);
      rows[j] = p->middle + row * row_size;
      row_finish(p, rows[j], row);
    }
    for (size_t c = 0; c < row_size; c++) {
      size_t high = bit_reverse(c, p->column_log);
      for (size_t j = 0; j < group; j++) store(p, high, g * group + j, rows[j][c]);
    }
  }
}

/* One plan per vector, each a single row. */
static void small_body(void *context, size_t begin, size_t end, unsigned worker) {
  for (size_t k = begin; k < end; k++) {
    const ntt_plan *p = (const ntt_plan *)context + k;
    size_t n = (size_t)1 << p->log_n;
    hf_fr *v = p->middle + (worker << p->log_n);
    load_run(p, v, 0, 0, n);
    row_finish(p, v, 0);
    for (size_t c = 0; c < n; c++) store(p, bit_reverse(c, p->log_n), 0, v[c]);
  }
}

static void plan_shape(ntt_plan *p, hf_cpu *cpu, unsigned log_n) {
  memset(p, 0, sizeof *p);
  p->cpu = cpu;
  p->log_n = log_n;
  p->row_log = log_n <= HF_NTT_ROW_LOG ? 0 : log_n / 2;
  p->column_log = log_n - p->row_log;
  /* at most 2^14 elements (512 KiB) in pass A's buffer, but whole cache lines */
  p->columns = HF_NTT_COLUMNS_LOG;
  while (p->columns > 1 && p->row_log + p->columns > 14) p->columns--;
}

static size_t middle_count(const ntt_plan *p) {
  return p->row_log ? (size_t)1 << p->log_n : (size_t)hf_pool_size(p->cpu->pool) << p->log_n;
}

static size_t buffer_count(const ntt_plan *p) {
  return p->row_log ? (size_t)hf_pool_size(p->cpu->pool) << (p->row_log + p->columns) : 0;
}

/* Runs plans of one shape; `middle` and `buffer` are set here. */
static hf_status plans_run(ntt_plan *plans, size_t count) {
  ntt_plan *p = &plans[0];
  hf_pool *pool = p->cpu->pool;
  size_t middle_bytes = middle_count(p) * sizeof(hf_fr), buffer_bytes = buffer_count(p) * sizeof(hf_fr);
  hf_status status = HF_OK;
  hf_cpu_scratch_begin(p->cpu);
  hf_fr *middle = hf_cpu_scratch(p->cpu, middle_bytes), *buffer = hf_cpu_scratch(p->cpu, buffer_bytes);
  if (!middle || !buffer)
    HF_TRY(hf_fail(HF_E_MEMORY, "ntt: no memory for %zu bytes of scratch", middle_bytes + buffer_bytes));
  HF_TRY(roots_prepare(p->cpu, p->log_n));
  for (size_t k = 0; k < count; k++) {
    plans[k].middle = middle;
    plans[k].buffer = buffer;
  }
  if (p->row_log == 0) {
    hf_pool_run(pool, count, 1, small_body, plans);
  } else {
    unsigned group = p->row_log < HF_NTT_GROUP_LOG ? p->row_log : HF_NTT_GROUP_LOG;
    for (size_t k = 0; k < count; k++) {
      hf_pool_run(pool, (size_t)1 << (p->column_log - p->columns), 1, pass_a_body, &plans[k]);
      hf_pool_run(pool, (size_t)1 << (p->row_log - group), 1, pass_b_body, &plans[k]);
    }
  }
out:
  return status;
}

/* --- operations -------------------------------------------------------------------- */

static hf_status log_check(const char *operation, unsigned log_n) {
  if (log_n <= HF_NTT_MAX_LOG) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "%s: size 2^%u; the field has roots of unity up to order 2^%d", operation,
                 log_n, HF_NTT_MAX_LOG);
}

static hf_fr inverse_of_size(unsigned log_n) { return hf_fr_inv(hf_fr_from_u64((hf_u64)1 << log_n)); }

hf_status HF_CPU_NAME(ntt)(hf_backend *backend, hf_vec *const *vecs, size_t count, unsigned log_n,
                           hf_ntt_kind kind) {
  hf_status status;
  ntt_plan *plans = NULL;
  HF_TRY(log_check("ntt", log_n));
  size_t n = (size_t)1 << log_n;
  for (size_t k = 0; k < count; k++) HF_TRY(hf_cpu_range("ntt", vecs[k], 0, n));
  if (count == 0) return HF_OK;
  plans = calloc(count, sizeof *plans);
  if (!plans) HF_TRY(hf_fail(HF_E_MEMORY, "ntt: no memory for %zu plans", count));
  hf_fr factor = kind == HF_NTT_INVERSE ? inverse_of_size(log_n) : hf_fr_one();
  for (size_t k = 0; k < count; k++) {
    plan_shape(&plans[k], hf_cpu_of(backend), log_n);
    plans[k].in = plans[k].out = vecs[k]->data;
    plans[k].in_length = n;
    plans[k].inverse = kind == HF_NTT_INVERSE;
    plans[k].factor = factor;
  }
  HF_TRY(plans_run(plans, count));
out:
  free(plans);
  return status;
}

hf_status HF_CPU_NAME(coset_ntt)(hf_backend *backend, hf_vec *out, const hf_vec *coefficients, size_t length,
                                 unsigned log_n, hf_fr shift) {
  hf_status status;
  hf_fr *scale = NULL, *shifted = NULL;
  HF_TRY(log_check("coset_ntt", log_n));
  HF_TRY(hf_cpu_range("coset_ntt (coefficients)", coefficients, 0, length));
  HF_TRY(hf_cpu_range("coset_ntt (out)", out, 0, (size_t)1 << log_n));
  ntt_plan plan;
  plan_shape(&plan, hf_cpu_of(backend), log_n);
  HF_TRY(roots_prepare(plan.cpu, log_n));
  size_t rows = (size_t)1 << plan.row_log, row_size = (size_t)1 << plan.column_log;
  scale = malloc(row_size * sizeof *scale);
  shifted = malloc(rows * sizeof *shifted);
  if (!scale || !shifted) HF_TRY(hf_fail(HF_E_MEMORY, "coset_ntt: no memory for the powers of the shift"));
  powers(scale, row_size, hf_fr_one(), shift);
  /* Down a column the shift is shift^row_size; stage s works modulo X^(rows / 2^(s+1)) -+ ... */
  hf_fr power = hf_fr_pow_u64(shift, row_size);
  for (unsigned s = plan.row_log; s-- > 0;) {
    for (size_t b = 0; b < (size_t)1 << s; b++)
      shifted[((size_t)1 << s) + b] = hf_fr_mul(plan.cpu->twiddles[b], power);
    power = hf_fr_sqr(power);
  }
  plan.in = coefficients->data;
  plan.in_length = length;
  plan.out = out->data;
  plan.wrap = power; /* shift^(row_size * rows) */
  plan.scale = scale;
  plan.shifted = shifted;
  HF_TRY(plans_run(&plan, 1));
out:
  free(scale);
  free(shifted);
  return status;
}

hf_status HF_CPU_NAME(coset_intt)(hf_backend *backend, hf_vec *vec, unsigned log_n, hf_fr shift) {
  hf_status status;
  hf_fr *high = NULL, *low = NULL;
  HF_TRY(log_check("coset_intt", log_n));
  size_t n = (size_t)1 << log_n;
  HF_TRY(hf_cpu_range("coset_intt", vec, 0, n));
  if (hf_fr_is_zero(shift)) HF_TRY(hf_fail(HF_E_ARGUMENT, "coset_intt: the shift is zero"));
  ntt_plan plan;
  plan_shape(&plan, hf_cpu_of(backend), log_n);
  size_t lows = (size_t)1 << plan.row_log, highs = (size_t)1 << plan.column_log;
  high = malloc(highs * sizeof *high);
  low = malloc(lows * sizeof *low);
  if (!high || !low) HF_TRY(hf_fail(HF_E_MEMORY, "coset_intt: no memory for the powers of the shift"));
  hf_fr back = hf_fr_inv(shift);
  powers(low, lows, hf_fr_one(), back);
  powers(high, highs, inverse_of_size(log_n), hf_fr_pow_u64(back, lows));
  plan.in = plan.out = vec->data;
  plan.in_length = n;
  plan.inverse = true;
  plan.high = high;
  plan.low = low;
  HF_TRY(plans_run(&plan, 1));
out:
  free(high);
  free(low);
  return status;
}
