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
 *
 * Here are the plans; the passes are the variant's (ntt.h).
 */
#include "ntt.h"
#include <stdlib.h>
#include <string.h>

#define HF_NTT_ROW_LOG 11 /* transforms up to this size are one row */
#define HF_NTT_MAX_LOG HF_FR_TWO_ADICITY

/* --- roots and powers --------------------------------------------------------------------- */

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

/* Entry 2^s + b is entry b times the root of order 2^(s+2). */
void HF_CPU_NAME(ntt_roots)(hf_pool *pool, hf_fr *table, unsigned have, unsigned log_n) {
  table[0] = hf_fr_one();
  for (unsigned s = have; s + 1 < log_n; s++) {
    root_task task = {table + ((size_t)1 << s), table, hf_fr_root_of_unity((int)s + 2)};
    hf_pool_run(pool, (size_t)1 << s, 4096, root_body, &task);
  }
}

/* out[i] = first * base^i */
static void powers(hf_fr *out, size_t count, hf_fr first, hf_fr base) {
  for (size_t i = 0; i < count; i++) {
    out[i] = first;
    first = hf_fr_mul(first, base);
  }
}

static hf_fr inverse_of_size(unsigned log_n) { return hf_fr_inv(hf_fr_from_u64((hf_u64)1 << log_n)); }

/* --- operations -------------------------------------------------------------------- */

static hf_status log_check(const char *operation, unsigned log_n) {
  if (log_n <= HF_NTT_MAX_LOG) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "%s: size 2^%u; the field has roots of unity up to order 2^%d", operation,
                 log_n, HF_NTT_MAX_LOG);
}

static ntt_plan plan_make(hf_backend *backend, unsigned log_n, const hf_fr *in, size_t in_length, hf_fr *out) {
  unsigned row_log = log_n <= HF_NTT_ROW_LOG ? 0 : log_n / 2;
  return (ntt_plan){.cpu = hf_cpu_of(backend),
                    .log_n = log_n,
                    .row_log = row_log,
                    .column_log = log_n - row_log,
                    .in = in,
                    .in_length = in_length,
                    .out = out,
                    .factor = hf_fr_one()};
}

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
    plans[k] = plan_make(backend, log_n, vecs[k]->data, n, vecs[k]->data);
    plans[k].inverse = kind == HF_NTT_INVERSE;
    plans[k].factor = factor;
  }
  HF_TRY(HF_CPU_NAME(ntt_run)(plans, count));
out:
  free(plans);
  return status;
}

hf_status HF_CPU_NAME(coset_ntt)(hf_backend *backend, hf_vec *const *out, const hf_vec *const *coefficients, size_t count,
                                 size_t length, unsigned log_n, hf_fr shift) {
  hf_status status;
  hf_fr *scale = NULL, *shifted = NULL, *roots = NULL;
  ntt_plan *plans = NULL;
  HF_TRY(log_check("coset_ntt", log_n));
  for (size_t k = 0; k < count; k++) {
    HF_TRY(hf_cpu_range("coset_ntt (coefficients)", coefficients[k], 0, length));
    HF_TRY(hf_cpu_range("coset_ntt (out)", out[k], 0, (size_t)1 << log_n));
  }
  if (count == 0) return HF_OK;
  plans = calloc(count, sizeof *plans);
  if (!plans) HF_TRY(hf_fail(HF_E_MEMORY, "coset_ntt: no memory for %zu plans", count));
  ntt_plan plan = plan_make(backend, log_n, NULL, length, NULL);
  size_t rows = (size_t)1 << plan.row_log, row_size = (size_t)1 << plan.column_log;
  scale = malloc(row_size * sizeof *scale);
  shifted = malloc(rows * sizeof *shifted);
  roots = malloc(rows * sizeof *roots);
  if (!scale || !shifted || !roots)
    HF_TRY(hf_fail(HF_E_MEMORY, "coset_ntt: no memory for the powers of the shift"));
  powers(scale, row_size, hf_fr_one(), shift);
  HF_CPU_NAME(ntt_roots)(plan.cpu->pool, roots, 0, plan.row_log);
  /* Down a column the shift is shift^row_size; stage s works modulo X^(rows / 2^(s+1)) -+ ... */
  shifted[0] = hf_fr_zero(); /* nobody's */
  hf_fr power = hf_fr_pow_u64(shift, row_size);
  for (unsigned s = plan.row_log; s-- > 0;) {
    for (size_t b = 0; b < (size_t)1 << s; b++) shifted[((size_t)1 << s) + b] = hf_fr_mul(roots[b], power);
    power = hf_fr_sqr(power);
  }
  plan.wrap = power; /* shift^(row_size * rows) */
  plan.scale = scale;
  plan.shifted = shifted;
  for (size_t k = 0; k < count; k++) {
    plans[k] = plan;
    plans[k].in = coefficients[k]->data;
    plans[k].out = out[k]->data;
  }
  HF_TRY(HF_CPU_NAME(ntt_run)(plans, count));
out:
  free(scale);
  free(shifted);
  free(roots);
  free(plans);
  return status;
}

hf_status HF_CPU_NAME(coset_intt)(hf_backend *backend, hf_vec *vec, unsigned log_n, hf_fr shift) {
  hf_status status;
  hf_fr *high = NULL, *low = NULL;
  HF_TRY(log_check("coset_intt", log_n));
  size_t n = (size_t)1 << log_n;
  HF_TRY(hf_cpu_range("coset_intt", vec, 0, n));
  if (hf_fr_is_zero(shift)) HF_TRY(hf_fail(HF_E_ARGUMENT, "coset_intt: the shift is zero"));
  ntt_plan plan = plan_make(backend, log_n, vec->data, n, vec->data);
  size_t lows = (size_t)1 << plan.row_log, highs = (size_t)1 << plan.column_log;
  high = malloc(highs * sizeof *high);
  low = malloc(lows * sizeof *low);
  if (!high || !low) HF_TRY(hf_fail(HF_E_MEMORY, "coset_intt: no memory for the powers of the shift"));
  hf_fr back = hf_fr_inv(shift);
  powers(low, lows, hf_fr_one(), back);
  powers(high, highs, inverse_of_size(log_n), hf_fr_pow_u64(back, lows));
  plan.inverse = true;
  plan.high = high;
  plan.low = low;
  HF_TRY(HF_CPU_NAME(ntt_run)(&plan, 1));
out:
  free(high);
  free(low);
  return status;
}
