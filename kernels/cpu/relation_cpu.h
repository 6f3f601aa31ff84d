/* Inside the constraints: what their operations (relation_cpu.c) and their inner loops share. The loops are in
 * relation_scalar.c, one row at a time, and in ifma/relation.c, blocks of rows.
 */
#ifndef HF_CPU_RELATION_H
#define HF_CPU_RELATION_H
#include "cpu.h"
#include "relation_inputs.h"

typedef struct relation_quotient {
  const struct hf_relation_inputs *in;
  const void *tables; /* see below */
  hf_fr *out;
  size_t mask; /* rows - 1 */
  hf_fr shift, omega;
  hf_fr l1_scale;   /* Z_H / n on the coset */
  hf_fr zh_inverse; /* 1 / Z_H on the coset */
} relation_quotient;

typedef struct relation_sums {
  const struct hf_relation_inputs *in;
  const void *tables;
  hf_fr *range, *rom, *rho;
  size_t mask;
} relation_sums;

/* A variant's inner loops: hf_pool_bodies over rows whose context is one of the above. */
typedef struct relation_loops {
  size_t grain;       /* rows of a chunk, a power of two: its inversions are shared */
  size_t table_bytes; /* of constants and challenges in the variant's own form, which `prepare` makes; 0: none */
  void (*prepare)(const hf_rel_challenges *challenges, void *tables);
  hf_pool_body quotient, sums;
} relation_loops;

extern const relation_loops HF_CPU_NAME(relation_loops);

#endif
