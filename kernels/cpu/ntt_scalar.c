/* A transform's passes, one element at a time. */
#include "ntt.h"
#include <stdlib.h>
#include <string.h>

#define HF_NTT_COLUMNS_LOG 3 /* columns that pass A takes at a time: 256 bytes of each row */
#define HF_NTT_GROUP_LOG   3 /* rows that pass B writes at a time */

/* Grows the backend's table. */
static hf_status roots_prepare(hf_cpu *cpu, unsigned log_n) {
  if (log_n < 1) log_n = 1;
  if (cpu->twiddle_log >= log_n) return HF_OK;
  size_t count = (size_t)1 << (log_n - 1);
  hf_fr *table = aligned_alloc(HF_CPU_ALIGNMENT, count < 2 ? HF_CPU_ALIGNMENT : count * sizeof *table);
  if (!table) return hf_fail(HF_E_MEMORY, "ntt: no memory for %zu roots of unity", count);
  unsigned have = cpu->twiddle_log ? cpu->twiddle_log - 1 : 0;
  if (cpu->twiddles) memcpy(table, cpu->twiddles, sizeof *table << have);
  HF_CPU_NAME(ntt_roots)(cpu->pool, table, have, log_n);
  free(cpu->twiddles);
  cpu->twiddles = table;
  cpu->twiddle_log = log_n;
  return HF_OK;
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

/* --- passes --------------------------------------------------------------------- */

typedef struct passes_task {
  const ntt_plan *plan; /* of a small transform: the first of them */
  unsigned columns;     /* log of those that pass A takes at a time */
  hf_fr *middle;        /* n elements; of small transforms, a row a worker */
  hf_fr *buffer;        /* pass A: a block of columns a worker */
} passes_task;

/* Loads `count` neighbours that begin in column c. */
static void load_run(const ntt_plan *p, hf_fr *to, size_t i, size_t c, size_t count) {
  if (!p->scale && i + count <= p->in_length) {
    memcpy(to, p->in + i, count * sizeof *to);
    return;
  }
  for (size_t k = 0; k < count; k++) {
    to[k] = ntt_load(p, i + k);
    if (p->scale) to[k] = hf_fr_mul(to[k], p->scale[c + k]);
  }
}

static void store(const ntt_plan *p, size_t high, size_t low, hf_fr value) {
  size_t i = ntt_place(p, high, low);
  p->out[i] = p->inverse ? hf_fr_mul(value, ntt_factor(p, i)) : value;
}

static void pass_a_body(void *context, size_t begin, size_t end, unsigned worker) {
  const passes_task *t = context;
  const ntt_plan *p = t->plan;
  size_t rows = (size_t)1 << p->row_log, width = (size_t)1 << t->columns, row_size = (size_t)1 << p->column_log;
  hf_fr *v = t->buffer + (worker << (p->row_log + t->columns));
  for (size_t block = begin; block < end; block++) {
    size_t c = block << t->columns;
    for (size_t r = 0; r < rows; r++) load_run(p, v + r * width, r * row_size + c, c, width);
    for (unsigned s = 0; s < p->row_log; s++)
      stage(v, (size_t)1 << s, width << (p->row_log - 1 - s),
            p->shifted ? p->shifted + ((size_t)1 << s) : p->cpu->twiddles, !p->shifted);
    for (size_t r = 0; r < rows; r++) memcpy(t->middle + r * row_size + c, v + r * width, width * sizeof *v);
  }
}

static void row_finish(const ntt_plan *p, hf_fr *v, size_t row) {
  for (unsigned s = 0; s < p->column_log; s++)
    stage(v, (size_t)1 << s, (size_t)1 << (p->column_log - 1 - s), p->cpu->twiddles + (row << s), row == 0);
}

static void pass_b_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  const passes_task *t = context;
  const ntt_plan *p = t->plan;
  enum { GROUP = 1 << HF_NTT_GROUP_LOG };
  size_t row_size = (size_t)1 << p->column_log;
  for (size_t g = begin; g < end; g++) {
    hf_fr *rows[GROUP];
    for (size_t j = 0; j < GROUP; j++) {
      size_t row = ntt_bit_reverse(g * GROUP + j, p->row_log);
      rows[j] = t->middle + row * row_size;
      row_finish(p, rows[j], row);
    }
    for (size_t c = 0; c < row_size; c++) {
      size_t high = ntt_bit_reverse(c, p->column_log);
      for (size_t j = 0; j < GROUP; j++) store(p, high, g * GROUP + j, rows[j][c]);
    }
  }
}

/* One plan per vector, each a single row. */
static void small_body(void *context, size_t begin, size_t end, unsigned worker) {
  const passes_task *t = context;
  for (size_t k = begin; k < end; k++) {
    const ntt_plan *p = t->plan + k;
    size_t n = (size_t)1 << p->log_n;
    hf_fr *v = t->middle + (worker << p->log_n);
    load_run(p, v, 0, 0, n);
    row_finish(p, v, 0);
    for (size_t c = 0; c < n; c++) store(p, ntt_bit_reverse(c, p->log_n), 0, v[c]);
  }
}

hf_status HF_CPU_NAME(ntt_run)(const ntt_plan *plans, size_t count) {
  hf_cpu *cpu = plans->cpu;
  bool small = plans->row_log == 0;
  size_t n = (size_t)1 << plans->log_n, threads = hf_pool_size(cpu->pool);
  hf_status status = HF_OK;
  passes_task task = {.columns = HF_NTT_COLUMNS_LOG};
  /* at most 2^14 elements (512 KiB) in pass A's buffer, but whole cache lines */
  while (task.columns > 1 && plans->row_log + task.columns > 14) task.columns--;
  size_t middle_bytes = (small ? threads * n : n) * sizeof(hf_fr);
  size_t buffer_bytes = (small ? 0 : threads << (plans->row_log + task.columns)) * sizeof(hf_fr);
  hf_cpu_scratch_begin(cpu);
  task.middle = hf_cpu_scratch(cpu, middle_bytes);
  task.buffer = hf_cpu_scratch(cpu, buffer_bytes);
  if (!task.middle || !task.buffer)
    HF_TRY(hf_fail(HF_E_MEMORY, "ntt: no memory for %zu bytes of scratch", middle_bytes + buffer_bytes));
  HF_TRY(roots_prepare(cpu, plans->log_n));
  task.plan = plans;
  if (small) {
    hf_pool_run(cpu->pool, count, 1, small_body, &task);
    goto out;
  }
  for (size_t k = 0; k < count; k++, task.plan++) {
    hf_pool_run(cpu->pool, (size_t)1 << (plans->column_log - task.columns), 1, pass_a_body, &task);
    hf_pool_run(cpu->pool, (size_t)1 << (plans->row_log - HF_NTT_GROUP_LOG), 1, pass_b_body, &task);
  }
out:
  return status;
}
