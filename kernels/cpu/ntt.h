/* Inside a transform: what its plan (ntt.c) and the passes that carry it out share. The passes are in ntt_scalar.c, one
 * element at a time, and in ifma/ntt.c, eight.
 */
#ifndef HF_CPU_NTT_H
#define HF_CPU_NTT_H
#include "cpu.h"

typedef struct ntt_plan {
  hf_cpu *cpu;
  unsigned log_n, row_log, column_log; /* row_log is 0 in a small transform: it is one row */
  const hf_fr *in;
  size_t in_length; /* may be more than n: wraps with `wrap`; or less: zeros */
  hf_fr *out;       /* may be `in` */
  /* forward, on a coset; NULL on H itself */
  hf_fr wrap;           /* shift^n */
  const hf_fr *scale;   /* shift^c, one a column */
  const hf_fr *shifted; /* stage s of pass A: its roots at [2^s], with the shift in them */
  /* inverse */
  bool inverse;
  hf_fr factor;            /* 1/n, from H itself; else one */
  const hf_fr *high, *low; /* from a coset, else NULL: result i * 2^row_log + j is multiplied by high[i] * low[j] */
} ntt_plan;

/* Carries out plans of one shape, one after the other. */
hf_status HF_CPU_NAME(ntt_run)(const ntt_plan *plans, size_t count);

/* Grows a table of roots: entry b is w^bitreverse(b), w of order 2^log_n, b < 2^(log_n - 1); the first 2^have stand there
 * already. log_n >= 1. */
void HF_CPU_NAME(ntt_roots)(hf_pool *pool, hf_fr *table, unsigned have, unsigned log_n);

static inline size_t ntt_bit_reverse(size_t value, unsigned bits) {
  size_t reversed = 0;
  for (unsigned i = 0; i < bits; i++) reversed |= (value >> i & 1) << (bits - 1 - i);
  return reversed;
}

/* Coefficient i with those that wrap onto it, not scaled. */
static inline hf_fr ntt_load(const ntt_plan *p, size_t i) {
  if (i >= p->in_length) return hf_fr_zero();
  size_t n = (size_t)1 << p->log_n, top = i + (p->in_length - 1 - i) / n * n;
  hf_fr value = p->in[top];
  while (top > i) { /* Horner in shift^n */
    top -= n;
    value = hf_fr_add(hf_fr_mul(value, p->wrap), p->in[top]);
  }
  return value;
}

/* Where result (high, low) of the forward transform goes. */
static inline size_t ntt_place(const ntt_plan *p, size_t high, size_t low) {
  size_t i = high << p->row_log | low;
  return p->inverse ? (0 - i) & (((size_t)1 << p->log_n) - 1) : i;
}

/* What an inverse's result i is multiplied by. */
static inline hf_fr ntt_factor(const ntt_plan *p, size_t i) {
  size_t rows = (size_t)1 << p->row_log;
  return p->high ? hf_fr_mul(p->high[i >> p->row_log], p->low[i & (rows - 1)]) : p->factor;
}

#endif
