/* Sums of many points in affine coordinates, eight pairs at a time: the method of ../msm_affine.c.
 *
 * A bucket's points lie in one lane, one behind the other, so pairs of neighbours are pairs of vectors and nothing is
 * shuffled. Eight buckets of nearly the same length share the lanes (a "batch"); those that are shorter are filled up
 * with infinity, and longer ones are cut into runs. Pieces that are weighed have one length by nature: lane = piece.
 *
 * Coordinates stand in the 2^260 form: below 16 p as they were loaded, below 1.65 p once they are sums. Infinity is a
 * y of zero limbs, which no point has. Lanes where a point is infinite take the other one. Equal x (the same point
 * twice, or opposite ones) make a round's product zero; then the scalar code does the whole segment again: only scalars
 * or points that somebody chose for it do that.
 */
#include <string.h>
#include "../msm.h"
#include "field8_fq.h"
#include "field8_fr.h"

extern const msm_additions hf_cpu_mulx_msm_additions; /* for what is special */

#define HF_MSM8_RUN    128 /* points of a bucket in one lane, at most */
#define HF_MSM8_RUN_1  512 /* the same where a segment is one bucket */
#define HF_MSM8_SLOTS  (HF_MSM_SEGMENT / 8 + HF_MSM8_RUN)
#define HF_MSM8_AHEAD  8 /* points of the next segment that are asked for with each pair */
#define HF_MSM8_CUT    (HF_MSM_SEGMENT / HF_MSM8_RUN * 2) /* runs of buckets that have several */

typedef struct msm8_run {
  uint32_t entry, length;
  uint32_t to;  /* bucket or part */
  uint32_t cut; /* 1 + its place among the runs of cut buckets, 0 if it is whole */
} msm8_run;

typedef struct msm8_scratch {
  hf_fq8 x[HF_MSM8_SLOTS], y[HF_MSM8_SLOTS];
  hf_fq8 difference[HF_MSM8_SLOTS / 2];
  hf_fq8 product[HF_MSM8_SLOTS / 2]; /* of the differences that come after, in this chain */
  hf_fq8 odd_x[HF_MSM8_SLOTS / 2], odd_y[HF_MSM8_SLOTS / 2];
  uint32_t source[HF_MSM8_SLOTS / 2], to[HF_MSM8_SLOTS / 2]; /* of a pair: its first vector, and where its sum goes */
  uint8_t first[HF_MSM8_SLOTS / 2], second[HF_MSM8_SLOTS / 2]; /* lanes whose sum is one of the points */
  msm8_run run[HF_MSM_SEGMENT];
  uint32_t sorted[HF_MSM_SEGMENT];
  uint32_t base[HF_MSM_SEGMENT / 8], length[HF_MSM_SEGMENT / 8]; /* of the batches */
  uint32_t count[HF_MSM8_RUN_1 + 2];
  const uint32_t *ahead, *ahead_end; /* entries of the next segment whose points nobody asked for yet */
  hf_g1 cut[HF_MSM8_CUT];
  uint32_t cut_to[HF_MSM8_CUT];
} msm8_scratch;

typedef struct both_scratch {
  msm_scratch scalar;
  msm8_scratch eight;
} both_scratch;

static msm8_scratch *scratch_of(const msm_job *job, unsigned worker) {
  return &((both_scratch *)(void *)job->scratch)[worker].eight;
}

/* --- fetching ------------------------------------------------------------------------------------------------------ */

static inline void points_ask(const msm_job *job, msm8_scratch *s, size_t count) {
  const uint32_t *end = (size_t)(s->ahead_end - s->ahead) > count ? s->ahead + count : s->ahead_end;
  for (; s->ahead < end; s->ahead++) __builtin_prefetch(&job->points[*s->ahead >> 1], 0, 2);
}

static void points_ask_begin(const msm_job *job, msm8_scratch *s, const msm_segment *segment) {
  s->ahead = s->ahead_end = NULL;
  if (!segment) return;
  s->ahead = job->order + segment->entry;
  s->ahead_end = s->ahead + segment->entries;
}

/* --- pairs ------------------------------------------------------------------------------------------------------- */

/* For the sums of pairs of neighbours, (source[i], the next), which are taken in ascending order then. False where a pair has
 * equal x. */
static bool pairs_prepare(msm8_scratch *s, size_t pairs, hf_fq8 chain[HF_CHAINS8]) {
  const hf_fq8 one = hf_fq8_broadcast_form(hf_fq_one()), p16 = hf_fq8_multiple(16);
  for (int c = 0; c < HF_CHAINS8; c++) chain[c] = one;
  for (size_t i = pairs; i-- > 0;) {
    size_t at = s->source[i];
    hf_fq8 d = hf_fq8_tidy(hf_fq8_sub_lazy(hf_fq8_add_lazy(s->x[at + 1], p16), s->x[at]));
    __mmask8 first = hf_fq8_zero_mask(s->y[at + 1]), second = hf_fq8_zero_mask(s->y[at]) & (__mmask8)~first;
    s->first[i] = first;
    s->second[i] = second;
    d = hf_fq8_select(first | second, d, one);
    s->difference[i] = d;
    s->product[i] = chain[i % HF_CHAINS8];
    chain[i % HF_CHAINS8] = hf_fq8_mul(chain[i % HF_CHAINS8], d); /* d < 32 p */
  }
  return hf_fq8_invert_chains(chain);
}

/* Pairs i to i + together - 1 at once, `together` 1 or 2: what waits in one has the other to fill the time. All their points
 * are read before a sum is written. */
static inline __attribute__((always_inline)) void pairs_add(msm8_scratch *s, size_t i, int together,
                                                            hf_fq8 chain[HF_CHAINS8]) {
  const hf_fq8 p16 = hf_fq8_multiple(16), p32 = hf_fq8_multiple(32), p2 = hf_fq8_multiple(2);
  hf_fq8 x1[2], y1[2], x2[2], y2[2], own[2], slope[2], x3[2], y3[2];
  for (int h = 0; h < together; h++) {
    size_t at = s->source[i + (size_t)h];
    hf_fq8 *inverse = &chain[(i + (size_t)h) % HF_CHAINS8];
    own[h] = hf_fq8_mul(*inverse, s->product[i + (size_t)h]);
    *inverse = hf_fq8_mul(*inverse, s->difference[i + (size_t)h]);
    x1[h] = s->x[at], y1[h] = s->y[at], x2[h] = s->x[at + 1], y2[h] = s->y[at + 1];
  }
  for (int h = 0; h < together; h++) /* < 1.8 p */
    slope[h] = hf_fq8_mul(hf_fq8_tidy(hf_fq8_sub_lazy(hf_fq8_add_lazy(y2[h], p16), y1[h])), own[h]);
  for (int h = 0; h < together; h++) {
    x3[h] = hf_fq8_add_lazy(hf_fq8_sqr_lazy(slope[h]), p32);
    x3[h] = hf_fq8_reduce(hf_fq8_tidy(hf_fq8_sub_lazy(hf_fq8_sub_lazy(x3[h], x1[h]), x2[h])));
  }
  for (int h = 0; h < together; h++) {
    y3[h] = hf_fq8_mul_lazy(slope[h], hf_fq8_tidy(hf_fq8_sub_lazy(hf_fq8_add_lazy(x1[h], p2), x3[h])));
    y3[h] = hf_fq8_reduce(hf_fq8_tidy(hf_fq8_sub_lazy(hf_fq8_add_lazy(y3[h], p16), y1[h])));
  }
  for (int h = 0; h < together; h++) {
    __mmask8 first = s->first[i + (size_t)h], second = s->second[i + (size_t)h];
    if (first | second) {
      x3[h] = hf_fq8_select(second, hf_fq8_select(first, x3[h], x1[h]), x2[h]);
      y3[h] = hf_fq8_select(second, hf_fq8_select(first, y3[h], y1[h]), y2[h]);
    }
    s->x[s->to[i + (size_t)h]] = x3[h];
    s->y[s->to[i + (size_t)h]] = y3[h];
  }
}

/* Adds the prepared pairs up, in ascending order. Points come from all over the memory: while one segment is added up, the
 * next one's are on their way. */
static void pairs_sum(const msm_job *job, msm8_scratch *s, size_t pairs, hf_fq8 chain[HF_CHAINS8]) {
  size_t i = 0;
  for (; i + 2 <= pairs; i += 2) {
    pairs_add(s, i, 2, chain);
    points_ask(job, s, 2 * HF_MSM8_AHEAD);
  }
  if (i < pairs) pairs_add(s, i, 1, chain);
}

/* Memory's form of a vector of points. */
static void points_store(const msm8_scratch *s, size_t at, hf_g1 out[8]) {
  hf_fq x[8], y[8];
  hf_fq8_store_form(x, hf_fq8_reduce(s->x[at]));
  hf_fq8_store_form(y, hf_fq8_reduce(s->y[at]));
  for (int l = 0; l < 8; l++) out[l] = (hf_g1){x[l], y[l]};
}

/* Eight points from anywhere; `negative` lanes with the other sign. */
static inline void points_load(msm8_scratch *s, size_t at, const hf_g1 *const from[8], __mmask8 negative) {
  const void *x[8], *y_of[8];
  __m512i w[4];
  for (int l = 0; l < 8; l++) {
    x[l] = &from[l]->x;
    y_of[l] = &from[l]->y;
  }
  hf_words_load(x, w);
  s->x[at] = hf_fq8_from_words_form(w);
  hf_words_load(y_of, w);
  hf_fq8 y = hf_fq8_from_words_form(w);
  negative &= (__mmask8)~hf_fq8_zero_mask(y);
  s->y[at] = hf_fq8_select(negative, y, hf_fq8_tidy(hf_fq8_sub_lazy(hf_fq8_multiple(16), y)));
}

/* --- buckets -------------------------------------------------------------------------------------------------------- */

/* Sums each of `batches` runs of vectors in place, the sum in the run's first one. False: not possible. */
static bool batches_sum(const msm_job *job, msm8_scratch *s, size_t batches) {
  for (;;) {
    size_t pairs = 0;
    for (size_t b = 0; b < batches; b++)
      for (uint32_t k = 0; k + 1 < s->length[b]; k += 2) {
        s->source[pairs] = s->base[b] + k;
        s->to[pairs++] = s->base[b] + k / 2;
      }
    if (pairs == 0) return true;
    hf_fq8 chain[HF_CHAINS8];
    if (!pairs_prepare(s, pairs, chain)) return false;
    pairs_sum(job, s, pairs, chain);
    for (size_t b = 0; b < batches; b++) {
      uint32_t length = s->length[b];
      if (length & 1) {
        s->x[s->base[b] + length / 2] = s->x[s->base[b] + length - 1];
        s->y[s->base[b] + length / 2] = s->y[s->base[b] + length - 1];
      }
      s->length[b] = (length + 1) / 2;
    }
  }
}

/* Runs of the segment's buckets; gives their number. */
static size_t runs_make(const msm_job *job, const msm_segment *segment, msm8_scratch *s) {
  size_t runs = 0, cut = 0;
  bool part = segment->buckets == 0;
  uint32_t most = part ? HF_MSM8_RUN_1 : HF_MSM8_RUN, buckets = part ? 1 : segment->buckets;
  for (uint32_t k = 0; k < buckets; k++) {
    uint32_t b = segment->bucket + k, entry = part ? segment->entry : job->starts[b];
    uint32_t end = part ? segment->entry + segment->entries : job->starts[b + 1];
    bool several = end - entry > most;
    for (; entry < end; entry += most) {
      msm8_run r = {entry, end - entry < most ? end - entry : most, part ? segment->part : b, 0};
      if (several) {
        s->cut_to[cut] = r.to;
        r.cut = (uint32_t)++cut;
      }
      s->run[runs++] = r;
    }
  }
  return runs;
}

/* By falling length. */
static void runs_sort(msm8_scratch *s, size_t runs) {
  memset(s->count, 0, sizeof s->count);
  for (size_t i = 0; i < runs; i++) s->count[HF_MSM8_RUN_1 - s->run[i].length + 1]++;
  for (size_t k = 1; k < sizeof s->count / sizeof *s->count; k++) s->count[k] += s->count[k - 1];
  for (size_t i = 0; i < runs; i++) s->sorted[s->count[HF_MSM8_RUN_1 - s->run[i].length]++] = (uint32_t)i;
}

static const hf_g1 nothing; /* infinity */

static size_t batch_load(const msm_job *job, msm8_scratch *s, size_t first, size_t runs, size_t at) {
  const uint32_t *order[8];
  uint32_t length[8];
  for (size_t l = 0; l < 8; l++) {
    const msm8_run *r = first + l < runs ? &s->run[s->sorted[first + l]] : NULL;
    order[l] = r ? job->order + r->entry : NULL;
    length[l] = r ? r->length : 0;
  }
  for (uint32_t j = 0; j < length[0]; j++) {
    const hf_g1 *from[8];
    __mmask8 negative = 0;
    for (size_t l = 0; l < 8; l++) {
      from[l] = &nothing;
      if (j >= length[l]) continue;
      from[l] = &job->points[order[l][j] >> 1];
      negative |= (__mmask8)((order[l][j] & 1) << l);
    }
    points_load(s, at + j, from, negative);
  }
  return length[0];
}

/* The sums of the runs of cut buckets, which lie together, to where they belong. */
static void cut_add(const msm8_scratch *s, size_t cut, hf_g1 *to) {
  for (size_t i = 0; i < cut;) {
    uint32_t own = s->cut_to[i];
    hf_g1_xyzz sum = hf_g1_xyzz_infinity();
    for (; i < cut && s->cut_to[i] == own; i++) sum = hf_g1_xyzz_add_affine(sum, s->cut[i]);
    to[own] = hf_g1_from_xyzz(sum);
  }
}

static bool segment_sum(const msm_job *job, const msm_segment *segment, msm8_scratch *s) {
  size_t runs = runs_make(job, segment, s), batches = (runs + 7) / 8, at = 0, cut = 0;
  hf_g1 *to = segment->buckets ? job->buckets : job->parts;
  runs_sort(s, runs);
  for (size_t b = 0; b < batches; b++) {
    s->base[b] = (uint32_t)at;
    s->length[b] = (uint32_t)batch_load(job, s, 8 * b, runs, at);
    at += s->length[b];
  }
  if (!batches_sum(job, s, batches)) return false;
  for (size_t b = 0; b < batches; b++) {
    hf_g1 sums[8];
    points_store(s, s->base[b], sums);
    for (size_t l = 0; l < 8 && 8 * b + l < runs; l++) {
      const msm8_run *r = &s->run[s->sorted[8 * b + l]];
      if (r->cut == 0) {
        to[r->to] = sums[l];
        continue;
      }
      s->cut[r->cut - 1] = sums[l];
      cut++;
    }
  }
  cut_add(s, cut, to);
  return true;
}

static void segments_body(void *context, size_t begin, size_t end, unsigned worker) {
  msm_job *job = context;
  msm8_scratch *s = scratch_of(job, worker);
  points_ask_begin(job, s, &job->segments[begin]);
  for (size_t i = begin; i < end; i++) {
    points_ask(job, s, HF_MSM_SEGMENT); /* what is left of this one */
    points_ask_begin(job, s, i + 1 < end ? &job->segments[i + 1] : NULL);
    if (!segment_sum(job, &job->segments[i], s)) hf_cpu_mulx_msm_additions.segments(job, i, i + 1, worker);
  }
}

/* --- the weighted sum of the buckets: see weigh_body of ../msm_affine.c ------------------------------------------- */

static bool pieces_weigh(msm_job *job, size_t begin, size_t count, msm8_scratch *s) {
  points_ask_begin(job, s, NULL);
  size_t row = (size_t)1 << job->piece_log, rows = 1;
  for (size_t i = 0; i < row; i++) {
    const hf_g1 *from[8];
    for (size_t l = 0; l < 8; l++)
      from[l] = l < count ? &job->buckets[((begin + l) << job->piece_log) + i] : &nothing;
    points_load(s, i, from, 0);
  }
  for (unsigned round = 0; round < job->piece_log; round++) {
    for (size_t i = 0; i < row / 2; i++) {
      s->odd_x[i] = s->x[2 * i + 1];
      s->odd_y[i] = s->y[2 * i + 1];
    }
    size_t pairs = row * rows / 2;
    hf_fq8 chain[HF_CHAINS8];
    for (size_t i = 0; i < pairs; i++) {
      s->source[i] = (uint32_t)(2 * i);
      s->to[i] = (uint32_t)i;
    }
    if (!pairs_prepare(s, pairs, chain)) return false;
    pairs_sum(job, s, pairs, chain);
    row /= 2;
    memcpy(s->x + pairs, s->odd_x, row * sizeof *s->x);
    memcpy(s->y + pairs, s->odd_y, row * sizeof *s->y);
    rows++;
  }
  size_t all = job->windows * job->bucket_count >> job->piece_log;
  hf_g1_xyzz weighted[8];
  hf_g1 p[8];
  for (size_t l = 0; l < count; l++) weighted[l] = hf_g1_xyzz_infinity();
  for (unsigned j = job->piece_log; j-- > 0;) { /* row 0: the sums; row 1 + j: what counts 2^j times */
    points_store(s, 1 + j, p);
    for (size_t l = 0; l < count; l++)
      weighted[l] = hf_g1_xyzz_add_affine(hf_g1_xyzz_dbl(weighted[l]), p[l]);
  }
  points_store(s, 0, p);
  for (size_t l = 0; l < count; l++) {
    job->weighed[begin + l] = hf_g1_xyzz_add_affine(weighted[l], p[l]);
    job->weighed[all + begin + l] = hf_g1_to_xyzz(p[l]);
  }
  return true;
}

static void pieces_body(void *context, size_t begin, size_t end, unsigned worker) {
  msm_job *job = context;
  msm8_scratch *s = scratch_of(job, worker);
  for (size_t i = begin; i < end; i += 8) {
    size_t count = end - i < 8 ? end - i : 8;
    if (!pieces_weigh(job, i, count, s)) hf_cpu_mulx_msm_additions.pieces(job, i, i + count, worker);
  }
}

static void integers(const hf_fr *in, size_t count, hf_fr *out) {
  const hf_fr8 sixteen = hf_fr8_broadcast((hf_fr){{16, 0, 0, 0}}); /* x 2^256 * 2^4 / 2^260 */
  size_t i = 0;
  for (; i + 8 <= count; i += 8) hf_fr8_store(out + i, hf_fr8_mul(hf_fr8_load(in + i), sixteen));
  for (; i < count; i++) out[i] = hf_fr_to_limbs(in[i]);
}

const msm_additions hf_cpu_ifma_msm_additions = {sizeof(both_scratch), 2.9, 16, integers, segments_body, pieces_body};
