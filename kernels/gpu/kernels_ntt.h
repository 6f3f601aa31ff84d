/* Transforms, in passes of up to HF_NTT_TILE_LOG stages (Stockham: natural order on both sides, no reversal in memory).
 *
 * A pass of radix R takes vectors whose first L = product of the earlier radices are done: element m of the column
 * j < n/R is at j + m n/R; it is turned by w^(k m), w of order L R and k = j mod L, the column is transformed,
 * and element m goes to (j - k) R + k + m L. A group does as many neighbouring columns as fill its tile. */
#ifndef HF_GPU_KERNELS_NTT_H
#define HF_GPU_KERNELS_NTT_H
#include "power.h"

#define HF_NTT_TILE (1u << HF_NTT_TILE_LOG)

HF_FN hf_u32 hf_bit_reverse(hf_u32 x, hf_u32 bits) {
  hf_u32 y = 0;
  for (hf_u32 i = 0; i < bits; i++) y |= (x >> i & 1u) << (bits - 1u - i);
  return y;
}

/* One of HF_NTT_VECTORS. */
#define HF_NTT_PICK(v, x)                                                                                    \
  ((v) < 4u ? ((v) < 2u ? ((v) == 0u ? x##0 : x##1) : ((v) == 2u ? x##2 : x##3))                             \
            : ((v) < 6u ? ((v) == 4u ? x##4 : x##5) : ((v) == 6u ? x##6 : x##7)))

/* Up to HF_NTT_VECTORS vectors at a time, each on 2^log_groups groups. roots: powers of the root of order 2^28.
 * The first pass of a transform of `length` coefficients onto a coset has `shifts`, powers of the shift: what wraps is added.
 * The last pass of an inverse has plan.inverse: indices are negated, and elements multiplied with `factor` = 1/n and, from a coset,
 * with `shifts`, powers of 1/shift. */
HF_KERNEL(ntt_pass, HF_NTT_LANES, HF_OUT(hf_fr, out0), HF_OUT(hf_fr, out1), HF_OUT(hf_fr, out2), HF_OUT(hf_fr, out3),
          HF_OUT(hf_fr, out4), HF_OUT(hf_fr, out5), HF_OUT(hf_fr, out6), HF_OUT(hf_fr, out7), HF_IN(hf_fr, in0),
          HF_IN(hf_fr, in1), HF_IN(hf_fr, in2), HF_IN(hf_fr, in3), HF_IN(hf_fr, in4), HF_IN(hf_fr, in5), HF_IN(hf_fr, in6),
          HF_IN(hf_fr, in7), HF_IN(hf_fr, roots), HF_IN(hf_fr, shifts), HF_VALUE(hf_ntt_plan, plan), HF_VALUE(hf_fr, factor)) {
  HF_LOCAL(hf_fr, tile, HF_NTT_TILE); /* element m of column c at m columns + c */
  const hf_u32 log_n = plan.log_n, log_done = plan.log_done, log_radix = plan.log_radix;
  const hf_u32 log_columns = log_n < HF_NTT_TILE_LOG ? log_n - log_radix : HF_NTT_TILE_LOG - log_radix;
  const hf_u32 columns = 1u << log_columns, size = 1u << (log_radix + log_columns), radix = 1u << log_radix;
  const hf_u32 vector = hf_group() >> plan.log_groups, first = (hf_group() & ((1u << plan.log_groups) - 1u)) << log_columns;
  const hf_u32 done = 1u << log_done, n = 1u << log_n;
  HF_GLOBAL const hf_fr *in = HF_NTT_PICK(vector, in);
  HF_GLOBAL hf_fr *out = HF_NTT_PICK(vector, out);
  HF_EACH_LANE(lane) {
    for (hf_u32 e = lane; e < size; e += HF_NTT_LANES) {
      hf_u32 m = e >> log_columns, j = first + (e & (columns - 1u)), k = j & (done - 1u);
      hf_u32 at = j + (m << (log_n - log_radix));
      hf_fr x = hf_fr_zero();
      if (!plan.load) x = in[at];
      else /* on a coset */
        for (; at < plan.length; at += n) x = hf_fr_add(x, hf_fr_mul(in[at], hf_power(shifts, at)));
      if (k != 0 && m != 0)
        x = hf_fr_mul(x, hf_power(roots, (k * m) << (HF_FR_TWO_ADICITY - log_done - log_radix)));
      tile[e] = x;
    }
  }
  HF_BARRIER();
  /* decimation in frequency, two stages at a time: blocks of 4q, then of 2q */
  for (hf_u32 stage = log_radix; stage >= 2; stage -= 2) {
    const hf_u32 log_q = stage - 2u, q = 1u << log_q;
    HF_EACH_LANE(lane) {
      if (lane >= size / 4u) continue;
      hf_u32 rest = lane >> log_columns, i = rest & (q - 1u);
      hf_u32 at = ((((rest >> log_q) << stage) + i) << log_columns) + (lane & (columns - 1u));
      hf_u32 step = q << log_columns, unit = HF_FR_TWO_ADICITY - stage;
      hf_fr x0 = tile[at], x1 = tile[at + step], x2 = tile[at + 2u * step], x3 = tile[at + 3u * step];
      hf_fr s0 = hf_fr_add(x0, x2), d0 = hf_fr_sub(x0, x2), s1 = hf_fr_add(x1, x3), d1 = hf_fr_sub(x1, x3);
      d0 = hf_fr_mul(d0, hf_power(roots, i << unit));
      d1 = hf_fr_mul(d1, hf_power(roots, (i + q) << unit));
      hf_fr w = hf_power(roots, i << (unit + 1u));
      tile[at] = hf_fr_add(s0, s1);
      tile[at + step] = hf_fr_mul(hf_fr_sub(s0, s1), w);
      tile[at + 2u * step] = hf_fr_add(d0, d1);
      tile[at + 3u * step] = hf_fr_mul(hf_fr_sub(d0, d1), w);
    }
    HF_BARRIER();
  }
  if (log_radix & 1u) {
    HF_EACH_LANE(lane) {
      for (hf_u32 e = lane; e < size / 2u; e += HF_NTT_LANES) {
        hf_u32 at = ((e >> log_columns) << (log_columns + 1u)) + (e & (columns - 1u));
        hf_fr x0 = tile[at], x1 = tile[at + columns];
        tile[at] = hf_fr_add(x0, x1);
        tile[at + columns] = hf_fr_sub(x0, x1);
      }
    }
    HF_BARRIER();
  }
  HF_EACH_LANE(lane) {
    for (hf_u32 e = lane; e < size; e += HF_NTT_LANES) {
      /* neighbours write neighbours: along the column in the first pass, across the columns later */
      hf_u32 m = log_done == 0 ? e & (radix - 1u) : e >> log_columns;
      hf_u32 c = log_done == 0 ? e >> log_radix : e & (columns - 1u);
      hf_u32 j = first + c, k = j & (done - 1u);
      hf_u32 to = ((j - k) << log_radix) + k + (m << log_done);
      hf_fr x = tile[(hf_bit_reverse(m, log_radix) << log_columns) + c];
      if (plan.inverse) {
        to = (n - to) & (n - 1u);
        x = hf_fr_mul(x, factor);
        if (plan.scale) x = hf_fr_mul(x, hf_power(shifts, to));
      }
      out[to] = x;
    }
  }
}

#endif
