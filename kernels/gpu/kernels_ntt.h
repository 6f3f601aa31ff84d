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

/* roots: powers of the root of order 2^28. The last pass of an inverse has `inverse` set: indices are negated and
 * elements multiplied with `factor` = 1/n. */
HF_KERNEL(ntt_pass, HF_NTT_LANES, HF_OUT(hf_fr, out), HF_IN(hf_fr, in), HF_IN(hf_fr, roots), HF_VALUE(hf_u32, log_n),
          HF_VALUE(hf_u32, log_done), HF_VALUE(hf_u32, log_radix), HF_VALUE(hf_u32, inverse), HF_VALUE(hf_fr, factor)) {
  HF_LOCAL(hf_fr, tile, HF_NTT_TILE); /* element m of column c at m columns + c */
  const hf_u32 log_columns = log_n < HF_NTT_TILE_LOG ? log_n - log_radix : HF_NTT_TILE_LOG - log_radix;
  const hf_u32 columns = 1u << log_columns, size = 1u << (log_radix + log_columns), radix = 1u << log_radix;
  const hf_u32 first = hf_group() << log_columns, done = 1u << log_done, n = 1u << log_n;
  HF_EACH_LANE(lane) {
    for (hf_u32 e = lane; e < size; e += HF_NTT_LANES) {
      hf_u32 m = e >> log_columns, j = first + (e & (columns - 1u)), k = j & (done - 1u);
      hf_fr x = in[j + (m << (log_n - log_radix))];
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
      if (inverse) {
        to = (n - to) & (n - 1u);
        x = hf_fr_mul(x, factor);
      }
      out[to] = x;
    }
  }
}

/* out[i] = sum_k in[i + k n] shift^(i + k n), i < n = 2^log_n */
HF_KERNEL(coset_load, HF_LANES, HF_OUT(hf_fr, out), HF_IN(hf_fr, in), HF_IN(hf_fr, shifts), HF_VALUE(hf_u32, length),
          HF_VALUE(hf_u32, log_n)) {
  HF_EACH_THREAD(i) {
    if (i >> log_n) continue;
    hf_fr sum = hf_fr_zero();
    for (hf_u32 at = i; at < length; at += 1u << log_n) sum = hf_fr_add(sum, hf_fr_mul(in[at], hf_power(shifts, at)));
    out[i] = sum;
  }
}

/* x[i] *= shift^i */
HF_KERNEL(coset_scale, HF_LANES, HF_OUT(hf_fr, x), HF_IN(hf_fr, shifts), HF_VALUE(hf_u32, count)) {
  HF_EACH_THREAD(i) {
    if (i < count) x[i] = hf_fr_mul(x[i], hf_power(shifts, i));
  }
}

#endif
