/* The vector operations' inner loops, one element at a time. */
#include "arith/poseidon2.h"
#include "vector.h"

#define HF_VECTOR_GRAIN 4096

static void axpy(hf_fr *acc, size_t stride, hf_fr factor, const hf_fr *x, size_t count) {
  if (hf_fr_eq(factor, hf_fr_one())) {
    for (size_t i = 0; i < count; i++) acc[i * stride] = hf_fr_add(acc[i * stride], x[i]);
    return;
  }
  for (size_t i = 0; i < count; i++) acc[i * stride] = hf_fr_add(acc[i * stride], hf_fr_mul(factor, x[i]));
}

static void scale(hf_fr *x, hf_fr factor, size_t count) {
  for (size_t i = 0; i < count; i++) x[i] = hf_fr_mul(x[i], factor);
}

static void hadamard(hf_fr *acc, const hf_fr *x, size_t count) {
  for (size_t i = 0; i < count; i++) acc[i] = hf_fr_mul(acc[i], x[i]);
}

/* Montgomery's trick. */
static void invert(hf_fr *x, size_t count, void *scratch) {
  hf_fr *prefix = scratch, product = hf_fr_one();
  for (size_t i = 0; i < count; i++) {
    prefix[i] = product;
    if (!hf_fr_is_zero(x[i])) product = hf_fr_mul(product, x[i]);
  }
  hf_fr inverse = hf_fr_inv(product);
  for (size_t i = count; i-- > 0;) {
    if (hf_fr_is_zero(x[i])) continue;
    hf_fr own = hf_fr_mul(inverse, prefix[i]);
    inverse = hf_fr_mul(inverse, x[i]);
    x[i] = own;
  }
}

/* Horner with four chains, since one would wait for each product: sum of coefficients[i] * point^i. */
static hf_fr horner(const hf_fr *coefficients, size_t length, hf_fr point) {
  hf_fr point2 = hf_fr_sqr(point), point4 = hf_fr_sqr(point2);
  hf_fr a[4] = {hf_fr_zero(), hf_fr_zero(), hf_fr_zero(), hf_fr_zero()};
  size_t i = length;
  for (; i % 4; i--) a[(i - 1) % 4] = coefficients[i - 1];
  for (; i; i -= 4)
    for (int j = 0; j < 4; j++) a[j] = hf_fr_add(hf_fr_mul(a[j], point4), coefficients[i - 4 + (size_t)j]);
  hf_fr odd = hf_fr_add(hf_fr_mul(a[3], point2), a[1]), even = hf_fr_add(hf_fr_mul(a[2], point2), a[0]);
  return hf_fr_add(hf_fr_mul(odd, point), even);
}

/* Elements [low, high) */
static void block_sums(const vector_division *d, size_t low, size_t high, hf_fr *sum) {
  if (d->stride == 1) {
    sum[0] = horner(d->v + low, high - low, d->root);
    return;
  }
  for (size_t j = 0; j < d->stride; j++) sum[j] = hf_fr_zero();
  for (size_t i = high; i-- > low;) {
    hf_fr *s = &sum[(i - low) % d->stride];
    *s = hf_fr_add(hf_fr_mul(*s, d->root), d->v[i]);
  }
}

static void block_quotient(const vector_division *d, size_t low, size_t high, const hf_fr *carry) {
  for (size_t i = high; i-- > low;) {
    hf_fr above = i + d->stride < high ? d->v[i + d->stride] : carry[(i - low) % d->stride];
    d->v[i] = hf_fr_add(d->v[i], hf_fr_mul(d->root, above));
  }
}

static void divide(const vector_division *d, size_t begin, size_t end, bool quotient) {
  for (size_t b = begin; b < end; b++) {
    size_t block = d->steps * d->stride, low = b * block, high = low + block;
    if (low > d->length) low = d->length;
    if (high > d->length) high = d->length;
    if (quotient)
      block_quotient(d, low, high, d->carry + b * d->stride);
    else
      block_sums(d, low, high, d->carry + b * d->stride);
  }
}

static void ratios(const vector_permutation *p, hf_fr *out, size_t begin, size_t end, void *scratch) {
  hf_fr *under = scratch, *prefix = under + (end - begin), generator = HF_FR_GENERATOR;
  hf_fr x = hf_fr_mul(p->beta, hf_fr_pow_u64(p->omega, begin));
  for (size_t i = begin; i < end; i++) {
    hf_fr above = hf_fr_one(), below = hf_fr_one(), identity = x;
    for (size_t w = 0; w < p->wire_count; w++) {
      hf_fr value = hf_fr_add(p->wires[w]->data[i], p->gamma);
      above = hf_fr_mul(above, hf_fr_add(value, identity));
      below = hf_fr_mul(below, hf_fr_add(value, hf_fr_mul(p->beta, p->sigmas[w]->data[i])));
      identity = hf_fr_mul(identity, generator); /* k_w = 5^w */
    }
    out[i] = above;
    under[i - begin] = below;
    x = hf_fr_mul(x, p->omega);
  }
  invert(under, end - begin, prefix);
  hadamard(out + begin, under, end - begin);
}

static void compress(const void *tables, hf_fr *out, const hf_fr *in, size_t count) {
  (void)tables;
  for (size_t i = 0; i < count; i++, in += 4) out[i] = hf_poseidon2_compress4(in[0], in[1], in[2], in[3]);
}

enum { MULTIPLY_CHAINS = 4 };

static hf_fr multiply(unsigned rounds) {
  hf_fr x[MULTIPLY_CHAINS], factor = HF_FR_GENERATOR;
  for (int c = 0; c < MULTIPLY_CHAINS; c++) x[c] = hf_fr_from_u64((hf_u64)c + 2);
  for (unsigned i = 0; i < rounds; i++)
    for (int c = 0; c < MULTIPLY_CHAINS; c++) x[c] = hf_fr_mul(x[c], factor);
  for (int c = 1; c < MULTIPLY_CHAINS; c++) x[0] = hf_fr_add(x[0], x[c]);
  return x[0];
}

const vector_loops HF_CPU_NAME(vector_loops) = {.grain = HF_VECTOR_GRAIN,
                                                .scratch_bytes = 2 * HF_VECTOR_GRAIN * sizeof(hf_fr),
                                                .axpy = axpy,
                                                .scale = scale,
                                                .hadamard = hadamard,
                                                .invert = invert,
                                                .horner = horner,
                                                .division_lanes = 1,
                                                .divide = divide,
                                                .ratios = ratios,
                                                .compress = compress,
                                                .products = MULTIPLY_CHAINS,
                                                .multiply = multiply};
