/* Sums of many points in affine coordinates, pair by pair. */
#include <string.h>
#include "msm.h"

/* --- batched affine additions --------------------------------------------------- */

enum {
  PAIR_PLAIN,
  PAIR_DOUBLE,
  PAIR_CANCEL,
  PAIR_FIRST, /* the sum is the first point: the second is infinity */
  PAIR_SECOND
};

/* There is no point of order two, so y = 0 is (0, 0). */
static int infinite(const hf_g1 *p) { return hf_fq_is_zero(p->y); }

/* What a pair that is no plain addition is, and its denominator. */
static __attribute__((noinline)) uint8_t pair_classify(const hf_g1 *p, const hf_g1 *q, hf_fq *denominator) {
  *denominator = hf_fq_one();
  if (infinite(q)) return PAIR_FIRST;
  if (infinite(p)) return PAIR_SECOND;
  if (!hf_fq_eq(p->y, q->y)) return PAIR_CANCEL;
  *denominator = hf_fq_dbl(p->y);
  return PAIR_DOUBLE;
}

static __attribute__((noinline)) void pair_special(hf_g1 *sum, const hf_g1 *p, const hf_g1 *q, uint8_t kind,
                                                   const hf_fq *inverse) {
  hf_g1 first = *p;
  if (kind == PAIR_FIRST) *sum = first;
  if (kind == PAIR_SECOND) *sum = *q;
  if (kind == PAIR_CANCEL) *sum = hf_g1_infinity();
  if (kind != PAIR_DOUBLE) return;
  hf_fq xx = hf_fq_sqr(first.x), slope = hf_fq_mul(hf_fq_add(hf_fq_dbl(xx), xx), *inverse);
  sum->x = hf_fq_sub(hf_fq_sqr(slope), hf_fq_dbl(first.x));
  sum->y = hf_fq_sub(hf_fq_mul(slope, hf_fq_sub(first.x, sum->x)), first.y);
}

/* Sums of pairs of neighbours, (v[source[i]], the next), taken in ascending order once prepared: a sum may be
 * written over any point before its pair. Two chains of products, so that one need not wait for the other. */
static void pairs_prepare(msm_scratch *s, const hf_g1 *v, size_t pairs, hf_fq inverse[2]) {
  hf_fq product[2] = {hf_fq_one(), hf_fq_one()};
  for (size_t i = pairs; i-- > 0;) {
    const hf_g1 *p = &v[s->source[i]];
    hf_fq difference = hf_fq_sub(p[1].x, p[0].x);
    s->kind[i] = PAIR_PLAIN;
    if (__builtin_expect(infinite(&p[0]) | infinite(&p[1]) | hf_fq_is_zero(difference), 0))
      s->kind[i] = pair_classify(p, p + 1, &difference);
    s->difference[i] = difference;
    s->product[i] = product[i & 1];
    product[i & 1] = hf_fq_mul(product[i & 1], difference);
  }
  hf_fq both = hf_fq_inv(hf_fq_mul(product[0], product[1]));
  inverse[0] = hf_fq_mul(both, product[1]);
  inverse[1] = hf_fq_mul(both, product[0]);
}

static inline __attribute__((always_inline)) void pair_next(msm_scratch *s, const hf_g1 *p, hf_g1 *sum,
                                                            size_t i, hf_fq inverse[2]) {
  hf_fq own = hf_fq_mul(inverse[i & 1], s->product[i]);
  inverse[i & 1] = hf_fq_mul(inverse[i & 1], s->difference[i]);
  if (__builtin_expect(s->kind[i] != PAIR_PLAIN, 0)) {
    pair_special(sum, p, p + 1, s->kind[i], &own);
    return;
  }
  hf_fq x = p->x, y = p->y;
  hf_fq slope = hf_fq_mul(hf_fq_sub(p[1].y, y), own);
  hf_fq x3 = hf_fq_sub(hf_fq_sub(hf_fq_sqr(slope), x), p[1].x);
  sum->x = x3;
  sum->y = hf_fq_sub(hf_fq_mul(slope, hf_fq_sub(x, x3)), y);
}

/* --- buckets ---------------------------------------------------------------------- */

/* Adds up each of `groups` groups of points that lie behind each other in s->points; the sum of group g goes
 * to to[s->bucket[g]]. */
static void groups_sum(msm_scratch *s, size_t groups, hf_g1 *to) {
  for (;;) {
    size_t pairs = 0, at = 0, kept = 0;
    /* Groups that are down to one point are done. */
    for (size_t g = 0; g < groups; g++) {
      size_t length = s->length[g];
      if (length == 1)
        to[s->bucket[g]] = s->points[at];
      else
        for (size_t k = 0; k + 1 < length; k += 2) s->source[pairs++] = (uint32_t)(at + k);
      at += length;
    }
    if (pairs == 0) return;
    hf_fq inverse[2];
    pairs_prepare(s, s->points, pairs, inverse);
    size_t pair = 0, write = 0;
    at = 0;
    for (size_t g = 0; g < groups; g++) {
      size_t length = s->length[g];
      if (length > 1) {
        for (size_t k = 0; k + 1 < length; k += 2, pair++)
          pair_next(s, &s->points[at + k], &s->points[write++], pair, inverse);
        if (length & 1) s->points[write++] = s->points[at + length - 1];
        s->bucket[kept] = s->bucket[g];
        s->length[kept++] = (uint32_t)((length + 1) / 2);
      }
      at += length;
    }
    groups = kept;
  }
}

static void segment_body(void *context, size_t begin, size_t end, unsigned worker) {
  msm_job *job = context;
  msm_scratch *s = (msm_scratch *)(void *)(job->scratch + worker * job->scratch_bytes);
  for (size_t i = begin; i < end; i++) {
    const msm_segment *segment = &job->segments[i];
    const uint32_t *order = job->order + segment->entry;
    for (size_t k = 0; k < segment->entries; k++) {
      if (k + 12 < segment->entries) __builtin_prefetch(&job->points[order[k + 12] >> 1]);
      hf_g1 p = job->points[order[k] >> 1];
      hf_fq negative = hf_fq_neg(p.y);
      hf_u64 choose = (hf_u64)0 - (order[k] & 1); /* the sign is random: no branch */
      for (int l = 0; l < 4; l++) p.y.l[l] ^= (p.y.l[l] ^ negative.l[l]) & choose;
      s->points[k] = p;
    }
    if (segment->buckets == 0) {
      s->bucket[0] = segment->part;
      s->length[0] = segment->entries;
      groups_sum(s, 1, job->parts);
      continue;
    }
    size_t groups = 0;
    for (uint32_t b = segment->bucket; b < segment->bucket + segment->buckets; b++) {
      if (job->starts[b + 1] == job->starts[b]) continue;
      s->bucket[groups] = b;
      s->length[groups++] = job->starts[b + 1] - job->starts[b];
    }
    groups_sum(s, groups, job->buckets);
  }
}

/* --- the weighted sum of the buckets ---------------------------------------------------- */

/* For each piece of m = 2^piece_log buckets B: the plain sum and sum of (i + 1) * B_i.
 * Halving: sum i*B_i = 2 * sum i*(B_2i + B_2i+1) + sum B_2i+1. So the row of pair sums is halved again, and
 * the odd elements of every round make a row of which only the plain sum is wanted, which halving gives too.
 * All rows have the same length in every round and lie behind each other, those of several pieces together.
 */
static void weigh_body(void *context, size_t begin, size_t end, unsigned worker) {
  msm_job *job = context;
  msm_scratch *s = (msm_scratch *)(void *)(job->scratch + worker * job->scratch_bytes);
  size_t pieces = end - begin, row = pieces << job->piece_log, rows = 1;
  memcpy(s->points, job->buckets + (begin << job->piece_log), row * sizeof *s->points);
  for (unsigned round = 0; round < job->piece_log; round++) {
    for (size_t i = 0; i < row / 2; i++) s->odd[i] = s->points[2 * i + 1];
    size_t pairs = row * rows / 2;
    hf_fq inverse[2];
    for (size_t i = 0; i < pairs; i++) s->source[i] = (uint32_t)(2 * i);
    pairs_prepare(s, s->points, pairs, inverse);
    for (size_t i = 0; i < pairs; i++) pair_next(s, &s->points[2 * i], &s->points[i], i, inverse);
    row /= 2;
    memcpy(s->points + pairs, s->odd, row * sizeof *s->points);
    rows++;
  }
  size_t all = job->windows * job->bucket_count >> job->piece_log;
  for (size_t k = 0; k < pieces; k++) { /* row 0: the sums; row 1 + j: what counts 2^j times */
    hf_g1_xyzz weighted = hf_g1_xyzz_infinity();
    for (unsigned j = job->piece_log; j-- > 0;)
      weighted = hf_g1_xyzz_add_affine(hf_g1_xyzz_dbl(weighted), s->points[(1 + j) * pieces + k]);
    job->weighed[begin + k] = hf_g1_xyzz_add_affine(weighted, s->points[k]);
    job->weighed[all + begin + k] = hf_g1_to_xyzz(s->points[k]);
  }
}

static void integers(const hf_fr *in, size_t count, hf_fr *out) {
  for (size_t i = 0; i < count; i++) out[i] = hf_fr_to_limbs(in[i]);
}

const msm_additions HF_CPU_NAME(msm_additions) = {sizeof(msm_scratch), 1.9, 17, integers, segment_body, weigh_body};
