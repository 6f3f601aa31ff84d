/* The vector operations' inner loops, eight elements at a time. What is left over at the end goes one by one through the
 * mulx variant's. */
#include "../vector.h"
#include <string.h>
#include "arith/poseidon2.h"
#include "invert8.h"

#define HF_VECTOR8_GRAIN 2048 /* elements of a chunk */
#define HF_VECTOR8_GROUP (HF_VECTOR8_GRAIN / 8)

extern const vector_loops hf_cpu_mulx_vector_loops;
static const vector_loops *const rest = &hf_cpu_mulx_vector_loops;

/* --- element by element ------------------------------------------------------------------------------------------ */

/* Eight elements that are `stride` apart, as they stand in memory. */
static inline hf_fr8 load_apart(const hf_fr *from, size_t stride) {
  const void *at[8];
  __m512i w[4];
  for (size_t k = 0; k < 8; k++) at[k] = &from[k * stride];
  hf_words_load(at, w);
  return hf_fr8_from_words(w);
}

static inline void store_apart(hf_fr *to, size_t stride, hf_fr8 x) {
  void *at[8];
  __m512i w[4];
  for (size_t k = 0; k < 8; k++) at[k] = &to[k * stride];
  hf_fr8_to_words(hf_fr8_canonical(x), w);
  hf_words_store(w, at);
}

static void axpy(hf_fr *acc, size_t stride, hf_fr factor, const hf_fr *x, size_t count) {
  const hf_fr8 factor8 = hf_fr8_broadcast_form(factor);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    hf_fr *a = acc + i * stride;
    hf_fr8 sum = stride == 1 ? hf_fr8_load(a) : load_apart(a, stride);
    sum = hf_fr8_reduce(hf_fr8_tidy(hf_fr8_add_lazy(sum, hf_fr8_mul_lazy(hf_fr8_load(x + i), factor8))));
    if (stride == 1)
      hf_fr8_store(a, sum);
    else
      store_apart(a, stride, sum);
  }
  rest->axpy(acc + i * stride, stride, factor, x + i, count - i);
}

static void scale(hf_fr *x, hf_fr factor, size_t count) {
  const hf_fr8 factor8 = hf_fr8_broadcast_form(factor);
  size_t i = 0;
  for (; i + 8 <= count; i += 8) hf_fr8_store(x + i, hf_fr8_mul(hf_fr8_load(x + i), factor8));
  rest->scale(x + i, factor, count - i);
}

static void hadamard(hf_fr *acc, const hf_fr *x, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    hf_fr8_store(acc + i, hf_fr8_mul(hf_fr8_load(acc + i), hf_fr8_load_form(x + i)));
  rest->hadamard(acc + i, x + i, count - i);
}

static void invert(hf_fr *x, size_t count, void *scratch) {
  hf_fr8 *v = scratch, *prefix = v + HF_VECTOR8_GROUP;
  size_t groups = count / 8;
  for (size_t g = 0; g < groups; g++) v[g] = hf_fr8_load_form(x + 8 * g);
  hf_fr8_invert_all(v, groups, prefix);
  for (size_t g = 0; g < groups; g++) hf_fr8_store_form(x + 8 * g, v[g]);
  rest->invert(x + 8 * groups, count % 8, scratch);
}

/* --- evaluation and division ------------------------------------------------------------------------------------- */

enum { CHAINS = 4 };

/* sum of coefficients[i] * point^i: lane l of chain c takes what is 8 c + l modulo 32. */
static hf_fr horner(const hf_fr *coefficients, size_t length, hf_fr point) {
  hf_fr sum = hf_fr_zero(), lanes[8];
  size_t whole = length / (8 * CHAINS) * (8 * CHAINS);
  for (size_t i = length; i-- > whole;) sum = hf_fr_add(hf_fr_mul(sum, point), coefficients[i]);
  const hf_fr8 step8 = hf_fr8_broadcast_form(hf_fr_pow_u64(point, 8));
  const hf_fr8 step = hf_fr8_broadcast_form(hf_fr_pow_u64(point, 8 * CHAINS));
  hf_fr8 chain[CHAINS];
  for (int c = 0; c < CHAINS; c++) chain[c] = hf_fr8_zero();
  for (size_t i = whole; i > 0; i -= 8 * CHAINS)
    for (size_t c = 0; c < CHAINS; c++) /* < 2.1 p */
      chain[c] = hf_fr8_tidy(
          hf_fr8_add_lazy(hf_fr8_mul_lazy(chain[c], step), hf_fr8_load(coefficients + i - 8 * CHAINS + 8 * c)));
  for (size_t c = CHAINS - 1; c-- > 0;)
    chain[c] = hf_fr8_tidy(hf_fr8_add_lazy(chain[c], hf_fr8_mul_lazy(chain[c + 1], step8)));
  hf_fr8_store(lanes, hf_fr8_reduce(chain[0]));
  sum = hf_fr_mul(sum, hf_fr_pow_u64(point, whole));
  hf_fr low = hf_fr_zero();
  for (int l = 8; l-- > 0;) low = hf_fr_add(hf_fr_mul(low, point), lanes[l]);
  return hf_fr_add(sum, low);
}

/* Lane = block. */
static void divide_eight(const vector_division *d, size_t first, bool quotient) {
  const hf_fr8 root = hf_fr8_broadcast_form(d->root);
  const hf_fr zero = hf_fr_zero();
  hf_fr8 sum[HF_MAX_KAPPA];
  hf_fr beyond[8]; /* what lies above the vector's end is zero, and what is written there nobody reads */
  for (size_t j = 0; j < d->stride; j++)
    sum[j] = quotient ? load_apart(d->carry + first * d->stride + j, d->stride) : hf_fr8_zero();
  for (size_t k = d->steps; k-- > 0;)
    for (size_t j = 0; j < d->stride; j++) {
      const void *from[8];
      void *to[8];
      __m512i w[4];
      for (size_t l = 0; l < 8; l++) {
        size_t i = ((first + l) * d->steps + k) * d->stride + j;
        from[l] = i < d->length ? &d->v[i] : &zero;
        to[l] = i < d->length ? &d->v[i] : &beyond[l];
      }
      hf_words_load(from, w);
      sum[j] = hf_fr8_tidy(hf_fr8_add_lazy(hf_fr8_mul_lazy(sum[j], root), hf_fr8_from_words(w))); /* < 2.1 p */
      if (!quotient) continue;
      hf_fr8_to_words(hf_fr8_canonical(hf_fr8_reduce(sum[j])), w);
      hf_words_store(w, to);
    }
  for (size_t j = 0; j < d->stride && !quotient; j++)
    store_apart(d->carry + first * d->stride + j, d->stride, hf_fr8_reduce(sum[j]));
}

static void divide(const vector_division *d, size_t begin, size_t end, bool quotient) {
  for (; begin + 8 <= end && d->stride <= HF_MAX_KAPPA; begin += 8) divide_eight(d, begin, quotient);
  rest->divide(d, begin, end, quotient);
}

/* --- the permutation's product ------------------------------------------------------------------------------------------ */

static void ratios(const vector_permutation *p, hf_fr *out, size_t begin, size_t end, void *scratch) {
  hf_fr8 *above = scratch, *below = above + HF_VECTOR8_GROUP, *prefix = below + HF_VECTOR8_GROUP;
  hf_fr generator = HF_FR_GENERATOR, first[8];
  first[0] = hf_fr_mul(p->beta, hf_fr_pow_u64(p->omega, begin));
  for (int k = 1; k < 8; k++) first[k] = hf_fr_mul(first[k - 1], p->omega);
  const hf_fr8 beta = hf_fr8_broadcast_form(p->beta), gamma = hf_fr8_broadcast_form(p->gamma);
  const hf_fr8 step = hf_fr8_broadcast_form(hf_fr_pow_u64(p->omega, 8)), next_wire = hf_fr8_broadcast_form(generator);
  hf_fr8 x = hf_fr8_load_form(first);
  size_t groups = p->wire_count ? (end - begin) / 8 : 0;
  for (size_t g = 0; g < groups; g++) {
    size_t i = begin + 8 * g;
    hf_fr8 identity = x; /* beta k_w omega^i, k_w = 5^w */
    for (size_t w = 0; w < p->wire_count; w++) {
      hf_fr8 value = hf_fr8_add(hf_fr8_load_form(p->wires[w]->data + i), gamma);
      hf_fr8 over = hf_fr8_add(value, identity);
      hf_fr8 under = hf_fr8_add(value, hf_fr8_mul(beta, hf_fr8_load_form(p->sigmas[w]->data + i)));
      above[g] = w == 0 ? over : hf_fr8_mul(above[g], over);
      below[g] = w == 0 ? under : hf_fr8_mul(below[g], under);
      identity = hf_fr8_mul(identity, next_wire);
    }
    x = hf_fr8_mul(x, step);
  }
  hf_fr8_invert_all(below, groups, prefix);
  for (size_t g = 0; g < groups; g++) hf_fr8_store_form(out + begin + 8 * g, hf_fr8_mul(above[g], below[g]));
  rest->ratios(p, out, begin + 8 * groups, end, scratch);
}

/* --- hashing ----------------------------------------------------------------------------------------------------------------- */

/* Poseidon2's constants in the 2^260 form. */
typedef struct hash_tables {
  uint64_t round[HF_POSEIDON2_T * HF_POSEIDON2_RF + HF_POSEIDON2_RP][5], diagonal[4][5];
} hash_tables;

static void hash_prepare(void *tables) {
  hash_tables *t = tables;
  for (size_t k = 0; k < sizeof t->round / sizeof *t->round; k++) hf_fr8_limbs(hf_fr8_form(hf_poseidon2_rc[k]), t->round[k]);
  for (int k = 0; k < 4; k++) hf_fr8_limbs(hf_fr8_form(hf_poseidon2_diagonal[k]), t->diagonal[k]);
}

static inline hf_fr8 table_value(const uint64_t l[5]) {
  hf_fr8 z;
  for (int i = 0; i < 5; i++) z.l[i] = _mm512_set1_epi64((long long)l[i]);
  return z;
}

static inline hf_fr8 pow5(hf_fr8 x) { return hf_fr8_mul(hf_fr8_sqr(hf_fr8_sqr(x)), x); }

/* The external matrix: sums of at most 16 elements below 2.1 p. */
static inline void external(hf_fr8 s[4]) {
  hf_fr8 t0 = hf_fr8_add_lazy(s[0], s[1]), t1 = hf_fr8_add_lazy(s[2], s[3]);
  hf_fr8 t2 = hf_fr8_add_lazy(hf_fr8_add_lazy(s[1], s[1]), t1), t3 = hf_fr8_add_lazy(hf_fr8_add_lazy(s[3], s[3]), t0);
  hf_fr8 d0 = hf_fr8_add_lazy(t0, t0), d1 = hf_fr8_add_lazy(t1, t1);
  s[3] = hf_fr8_add_lazy(hf_fr8_add_lazy(d1, d1), t3);
  s[1] = hf_fr8_add_lazy(hf_fr8_add_lazy(d0, d0), t2);
  s[0] = hf_fr8_add_lazy(t3, s[1]);
  s[2] = hf_fr8_add_lazy(t2, s[3]);
  for (int i = 0; i < 4; i++) s[i] = hf_fr8_reduce(hf_fr8_tidy(s[i]));
}

static inline void full_round(hf_fr8 s[4], const uint64_t (*constant)[5]) {
  for (int i = 0; i < 4; i++) s[i] = pow5(hf_fr8_tidy(hf_fr8_add_lazy(s[i], table_value(constant[i]))));
  external(s);
}

static inline void partial_round(hf_fr8 s[4], const uint64_t constant[5], const hf_fr8 diagonal[4]) {
  s[0] = pow5(hf_fr8_tidy(hf_fr8_add_lazy(s[0], table_value(constant))));
  hf_fr8 sum = hf_fr8_add_lazy(hf_fr8_add_lazy(s[0], s[1]), hf_fr8_add_lazy(s[2], s[3]));
  for (int i = 0; i < 4; i++) /* reduced at once: they are added up in every round */
    s[i] = hf_fr8_reduce(hf_fr8_tidy(hf_fr8_add_lazy(hf_fr8_mul_lazy(s[i], diagonal[i]), sum)));
}

/* Eight hashes, lane = hash; `s` in the 2^260 form, below 2 p. */
static hf_fr8 compress8(const hash_tables *tables, hf_fr8 s[4]) {
  const int half = HF_POSEIDON2_RF / 2;
  hf_fr8 first = s[0], diagonal[4];
  for (int i = 0; i < 4; i++) diagonal[i] = table_value(tables->diagonal[i]);
  external(s);
  for (int r = 0; r < half; r++) full_round(s, tables->round + 4 * r);
  for (int r = 0; r < HF_POSEIDON2_RP; r++) partial_round(s, tables->round[HF_POSEIDON2_RC_PARTIAL + r], diagonal);
  for (int r = half; r < HF_POSEIDON2_RF; r++) full_round(s, tables->round + 4 * r);
  return hf_fr8_tidy(hf_fr8_add_lazy(s[0], first));
}

static void compress(const void *tables, hf_fr *out, const hf_fr *in, size_t count) {
  size_t i = 0;
  for (; i + 8 <= count; i += 8) {
    hf_fr8 x[4], s[4];
    for (size_t k = 0; k < 4; k++) x[k] = hf_fr8_load_form(in + 4 * i + 8 * k);
    /* vector k holds words 0 to 3 of hashes 2k and 2k + 1 */
    for (int l = 0; l < 5; l++) {
      __m512i v[4] = {x[0].l[l], x[1].l[l], x[2].l[l], x[3].l[l]}, w[4];
      hf_words_gather(v, w);
      for (int k = 0; k < 4; k++) s[k].l[l] = w[k];
    }
    hf_fr8_store_form(out + i, compress8(tables, s));
  }
  rest->compress(NULL, out + i, in + 4 * i, count - i);
}

/* --- measuring ------------------------------------------------------------------------------------------------------------- */

enum { MULTIPLY_CHAINS = 3 };

static hf_fr multiply(unsigned rounds) {
  hf_fr8 x[MULTIPLY_CHAINS], factor = hf_fr8_broadcast_form((hf_fr)HF_FR_GENERATOR);
  hf_fr sums[8];
  for (int c = 0; c < MULTIPLY_CHAINS; c++) x[c] = hf_fr8_broadcast_form(hf_fr_from_u64((hf_u64)c + 2));
  for (unsigned i = 0; i < rounds; i++)
    for (int c = 0; c < MULTIPLY_CHAINS; c++) x[c] = hf_fr8_mul(x[c], factor);
  for (int c = 1; c < MULTIPLY_CHAINS; c++) x[0] = hf_fr8_add(x[0], x[c]);
  hf_fr8_store_form(sums, x[0]);
  return sums[0];
}

const vector_loops HF_CPU_NAME(vector_loops) = {.grain = HF_VECTOR8_GRAIN,
                                                .scratch_bytes = 3 * HF_VECTOR8_GROUP * sizeof(hf_fr8),
                                                .axpy = axpy,
                                                .scale = scale,
                                                .hadamard = hadamard,
                                                .invert = invert,
                                                .horner = horner,
                                                .division_lanes = 8,
                                                .divide = divide,
                                                .ratios = ratios,
                                                .hash_bytes = sizeof(hash_tables),
                                                .hash_prepare = hash_prepare,
                                                .compress = compress,
                                                .products = 8 * MULTIPLY_CHAINS,
                                                .multiply = multiply};
