/* Inside the vector operations: what they (vector.c) and their inner loops share. The loops are in vector_scalar.c, one
 * element at a time, and in ifma/vector.c, eight.
 */
#ifndef HF_CPU_VECTOR_H
#define HF_CPU_VECTOR_H
#include "cpu.h"

/* A division by X^stride - root, from the top down. It goes over blocks of steps * stride elements, which depend on each other
 * only through `stride` carries. Blocks at the end may reach beyond the vector. */
typedef struct vector_division {
  hf_fr *v;
  size_t length, stride, steps;
  hf_fr root;
  hf_fr *carry; /* [block][stride]: first the block's own sums, then the quotient's elements that flow in from above */
} vector_division;

/* The permutation's product. */
typedef struct vector_permutation {
  const hf_vec *const *wires, *const *sigmas;
  size_t wire_count;
  hf_fr omega, beta, gamma;
} vector_permutation;

/* A variant's inner loops. `scratch` is aligned and nobody else's while a loop runs. */
typedef struct vector_loops {
  /* elements of a chunk: long enough that handing it out is free, short enough for the second-level cache */
  size_t grain;
  size_t scratch_bytes; /* of a loop that takes scratch and at most `grain` elements */
  /* acc[i * stride] += factor * x[i] */
  void (*axpy)(hf_fr *acc, size_t stride, hf_fr factor, const hf_fr *x, size_t count);
  void (*scale)(hf_fr *x, hf_fr factor, size_t count);
  void (*hadamard)(hf_fr *acc, const hf_fr *x, size_t count);
  /* with one inversion for all; 0 stays 0. scratch: of `count` elements' size and more, see scratch_bytes */
  void (*invert)(hf_fr *x, size_t count, void *scratch);
  hf_fr (*horner)(const hf_fr *coefficients, size_t length, hf_fr point);

  size_t division_lanes; /* blocks that go together: their number had better be a multiple */
  /* blocks [begin, end): their sums, as if nothing flowed in from above, to `carry`; or, with `quotient`, in place what the
   * carry and the block make */
  void (*divide)(const vector_division *d, size_t begin, size_t end, bool quotient);

  /* out[i] = prod_w (wire_w + beta k_w omega^i + gamma) / (wire_w + beta sigma_w + gamma) of rows [begin, end) */
  void (*ratios)(const vector_permutation *p, hf_fr *out, size_t begin, size_t end, void *scratch);

  size_t hash_bytes; /* of tables that hash_prepare makes; 0: none */
  void (*hash_prepare)(void *tables);
  /* out[i] = compress4(in[4i..4i+3]) */
  void (*compress)(const void *tables, hf_fr *out, const hf_fr *in, size_t count);

  unsigned products; /* in a round of `multiply`, which does many without a load or a store and gives a sum of them, not zero */
  hf_fr (*multiply)(unsigned rounds);
} vector_loops;

extern const vector_loops HF_CPU_NAME(vector_loops);

#endif
