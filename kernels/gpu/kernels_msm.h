/* Multi-scalar multiplication by buckets (Pippenger), for as many windows at once as memory holds.
 *
 * The terms' numbers are sorted by window and bucket (count, running sum, scatter). Every bucket's run is cut into tasks of at
 * most HF_MSM_TASK terms, one thread a task, so that a bucket that takes all terms (skewed scalars) is as many tasks as any other
 * terms; the tasks' sums are summed in the same way until one is left a bucket. Segments of buckets are then
 * weighted by their numbers and summed. Indices that come from memory are held against the sizes of the arrays: a
 * device that counts wrongly gives a wrong sum, which a verifier refuses, and writes nowhere else. */
#ifndef HF_GPU_KERNELS_MSM_H
#define HF_GPU_KERNELS_MSM_H
#include "arith/ec.h"
#include "kernels.h"
#include "lang.h"

#define HF_MSM_SIGN 0x80000000u

/* scalar + bias, as an integer */
HF_FN hf_fr hf_msm_biased(hf_fr scalar, hf_msm_plan plan) {
  hf_fr s = hf_fr_to_limbs(scalar);
  hf_u64 carry = 0;
  for (int i = 0; i < 4; i++) s.l[i] = hf_adc(s.l[i], plan.bias[i], &carry);
  return s;
}

/* The digit's bucket (its absolute value less one) and sign; HF_MSM_NONE for the digit 0. */
#define HF_MSM_NONE 0xffffffffu
HF_FN hf_u32 hf_msm_bucket(hf_fr biased, hf_msm_plan plan, hf_u32 window, hf_u32 *sign) {
  hf_u32 at = window * plan.bits, zero = 1u << (plan.bits - 1u);
  hf_u64 bits = biased.l[at >> 6] >> (at & 63u);
  if ((at & 63u) + plan.bits > 64u && at < 192u) bits |= biased.l[(at >> 6) + 1u] << (64u - (at & 63u));
  hf_u32 digit = (hf_u32)bits & (2u * zero - 1u), base = window + 1u < plan.windows ? zero : 0u;
  *sign = digit < base ? HF_MSM_SIGN : 0u;
  if (digit == base) return HF_MSM_NONE;
  return digit < base ? base - digit - 1u : digit - base - 1u;
}

/* counts[window << (c-1) | bucket] = terms of the bucket */
HF_KERNEL(msm_count, HF_LANES, HF_OUT(hf_u32, counts), HF_IN(hf_fr, scalars), HF_VALUE(hf_msm_plan, plan)) {
  HF_EACH_THREAD(i) {
    hf_u32 sign;
    if (i >= plan.count) continue;
    hf_fr s = hf_msm_biased(scalars[i], plan);
    for (hf_u32 w = 0; w < plan.together; w++) {
      hf_u32 bucket = hf_msm_bucket(s, plan, plan.first + w, &sign);
      if (bucket != HF_MSM_NONE) (void)hf_atomic_add(&counts[(w << (plan.bits - 1u)) + bucket], 1u);
    }
  }
}

/* terms[next[bucket]++] = number of the term, and its sign; `next` starts as the running sum of the counts. The order within a
 * bucket is left to chance: the sum does not depend on it. */
HF_KERNEL(msm_scatter, HF_LANES, HF_OUT(hf_u32, terms), HF_OUT(hf_u32, next), HF_IN(hf_fr, scalars),
          HF_VALUE(hf_msm_plan, plan)) {
  HF_EACH_THREAD(i) {
    hf_u32 sign;
    if (i >= plan.count) continue;
    hf_fr s = hf_msm_biased(scalars[i], plan);
    for (hf_u32 w = 0; w < plan.together; w++) {
      hf_u32 bucket = hf_msm_bucket(s, plan, plan.first + w, &sign);
      if (bucket == HF_MSM_NONE) continue;
      hf_u32 at = hf_atomic_add(&next[(w << (plan.bits - 1u)) + bucket], 1u);
      if (at < plan.count * plan.together) terms[at] = i | sign;
    }
  }
}

/* Running sums of counts, in chunks. */
HF_KERNEL(sum_u32_chunks, HF_LANES, HF_OUT(hf_u32, out), HF_IN(hf_u32, in), HF_VALUE(hf_u32, count),
          HF_VALUE(hf_u32, chunks)) {
  HF_EACH_THREAD(t) {
    hf_u32 sum = 0;
    if (t >= chunks) continue;
    for (hf_u32 i = t * HF_CHUNK; i < count && i < (t + 1u) * HF_CHUNK; i++) sum += in[i];
    out[t] = sum;
  }
}

/* out[i] = carry of the chunk + what comes before in[i] in it; out may be in */
HF_KERNEL(sum_u32_apply, HF_LANES, HF_OUT(hf_u32, out), HF_OUT(hf_u32, in), HF_IN(hf_u32, carry),
          HF_VALUE(hf_u32, has_carry), HF_VALUE(hf_u32, count), HF_VALUE(hf_u32, chunks)) {
  HF_EACH_THREAD(t) {
    hf_u32 sum = 0;
    if (t >= chunks) continue;
    if (has_carry) sum = carry[t];
    for (hf_u32 i = t * HF_CHUNK; i < count && i < (t + 1u) * HF_CHUNK; i++) {
      hf_u32 own = in[i];
      out[i] = sum;
      sum += own;
    }
  }
}

/* tasks[b] = tasks of bucket b, whose run is [starts[b], starts[b + 1]); 0 for b = buckets, which ends the running sum */
HF_KERNEL(msm_tasks, HF_LANES, HF_OUT(hf_u32, tasks), HF_IN(hf_u32, starts), HF_VALUE(hf_u32, buckets),
          HF_VALUE(hf_u32, length)) {
  HF_EACH_THREAD(b) {
    if (b <= buckets) tasks[b] = b == buckets ? 0u : (starts[b + 1u] - starts[b] + length - 1u) / length;
  }
}

/* The bucket of a task: the last b with tasks[b] <= task. */
HF_FN hf_u32 hf_msm_bucket_of(HF_GLOBAL const hf_u32 *tasks, hf_u32 buckets, hf_u32 task) {
  hf_u32 low = 0, high = buckets; /* tasks[low] <= task < tasks[high] */
  while (high - low > 1u) {
    hf_u32 middle = low + (high - low) / 2u;
    if (tasks[middle] <= task) low = middle;
    else high = middle;
  }
  return low;
}

/* The task's entries of `entries`, at most `length`. */
HF_FN hf_u32 hf_msm_run(HF_GLOBAL const hf_u32 *starts, HF_GLOBAL const hf_u32 *tasks, hf_u32 b, hf_u32 task, hf_u32 length,
                        hf_u32 entries, hf_u32 *end) {
  hf_u32 at = starts[b] + (task - tasks[b]) * length;
  *end = starts[b + 1u];
  if (*end > entries) *end = entries;
  if (at > *end) at = *end;
  if (*end - at > length) *end = at + length;
  return at;
}

/* sums[task] = the task's terms, of `entries` terms and `numbers` points */
HF_KERNEL(msm_accumulate, HF_LANES, HF_OUT(hf_g1_xyzz, sums), HF_IN(hf_g1, points), HF_IN(hf_u32, terms),
          HF_IN(hf_u32, starts), HF_IN(hf_u32, tasks), HF_VALUE(hf_u32, buckets), HF_VALUE(hf_u32, count),
          HF_VALUE(hf_u32, entries), HF_VALUE(hf_u32, numbers)) {
  HF_EACH_THREAD(task) {
    if (task >= count) continue;
    hf_u32 b = hf_msm_bucket_of(tasks, buckets, task), end;
    hf_u32 at = hf_msm_run(starts, tasks, b, task, HF_MSM_TASK, entries, &end);
    hf_g1_xyzz sum = hf_g1_xyzz_infinity();
    for (; at < end; at++) {
      if ((terms[at] & ~HF_MSM_SIGN) >= numbers) continue;
      hf_g1 p = points[terms[at] & ~HF_MSM_SIGN];
      if (terms[at] & HF_MSM_SIGN) p = hf_g1_neg(p);
      sum = hf_g1_xyzz_add_affine(sum, p);
    }
    sums[task] = sum;
  }
}

/* The same over sums of the round before. */
HF_KERNEL(msm_merge, HF_LANES, HF_OUT(hf_g1_xyzz, sums), HF_IN(hf_g1_xyzz, terms), HF_IN(hf_u32, starts),
          HF_IN(hf_u32, tasks), HF_VALUE(hf_u32, buckets), HF_VALUE(hf_u32, count), HF_VALUE(hf_u32, entries)) {
  HF_EACH_THREAD(task) {
    if (task >= count) continue;
    hf_u32 b = hf_msm_bucket_of(tasks, buckets, task), end;
    hf_u32 at = hf_msm_run(starts, tasks, b, task, HF_MSM_MERGE, entries, &end);
    hf_g1_xyzz sum = hf_g1_xyzz_infinity();
    for (; at < end; at++) sum = hf_g1_xyzz_add(sum, terms[at]);
    sums[task] = sum;
  }
}

/* out[segment] = sum of (number + 1) sums[starts[number]] over the segment's buckets, numbers within their window of
 * `buckets` (a power of two, at least HF_MSM_SEGMENT); a bucket without terms has starts[number + 1] = starts[number]. */
HF_KERNEL(msm_weigh, HF_LANES, HF_OUT(hf_g1_xyzz, out), HF_IN(hf_g1_xyzz, sums), HF_IN(hf_u32, starts),
          HF_VALUE(hf_u32, buckets), HF_VALUE(hf_u32, segments), HF_VALUE(hf_u32, entries)) {
  HF_EACH_THREAD(t) {
    if (t >= segments) continue;
    hf_g1_xyzz sum = hf_g1_xyzz_infinity(), weighted = hf_g1_xyzz_infinity(), shifted = hf_g1_xyzz_infinity();
    for (hf_u32 i = HF_MSM_SEGMENT; i-- > 0;) {
      hf_u32 b = t * HF_MSM_SEGMENT + i;
      if (starts[b + 1u] != starts[b] && starts[b] < entries) sum = hf_g1_xyzz_add(sum, sums[starts[b]]);
      weighted = hf_g1_xyzz_add(weighted, sum);
    }
    hf_u32 base = t * HF_MSM_SEGMENT & (buckets - 1u);
    for (hf_u32 bit = buckets >> 1; bit; bit >>= 1) {
      shifted = hf_g1_xyzz_dbl(shifted);
      if (base & bit) shifted = hf_g1_xyzz_add(shifted, sum);
    }
    out[t] = hf_g1_xyzz_add(weighted, shifted);
  }
}

/* out[t] = the sum of `together` neighbours of in */
HF_KERNEL(points_sum, HF_LANES, HF_OUT(hf_g1_xyzz, out), HF_IN(hf_g1_xyzz, in), HF_VALUE(hf_u32, together),
          HF_VALUE(hf_u32, count)) {
  HF_EACH_THREAD(t) {
    if (t >= count) continue;
    hf_g1_xyzz sum = in[t * together];
    for (hf_u32 i = 1; i < together; i++) sum = hf_g1_xyzz_add(sum, in[t * together + i]);
    out[t] = sum;
  }
}

#endif
