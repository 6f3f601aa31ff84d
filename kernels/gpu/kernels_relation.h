/* The permutation's ratios, the terms of the running sums and the quotient, from the one header of constraints. */
#ifndef HF_GPU_KERNELS_RELATION_H
#define HF_GPU_KERNELS_RELATION_H
#include "arith/relation_fr.h"
#include "power.h"

/* The columns that kernels of constraints take, in the order of hf_relation_inputs. */
#define HF_FIXED_PARAMETERS                                                                                 \
  HF_IN(hf_fr, f0), HF_IN(hf_fr, f1), HF_IN(hf_fr, f2), HF_IN(hf_fr, f3), HF_IN(hf_fr, f4), HF_IN(hf_fr, f5), \
      HF_IN(hf_fr, f6), HF_IN(hf_fr, f7), HF_IN(hf_fr, f8), HF_IN(hf_fr, f9), HF_IN(hf_fr, f10),            \
      HF_IN(hf_fr, f11), HF_IN(hf_fr, f12), HF_IN(hf_fr, f13), HF_IN(hf_fr, f14), HF_IN(hf_fr, f15),        \
      HF_IN(hf_fr, f16), HF_IN(hf_fr, f17), HF_IN(hf_fr, f18), HF_IN(hf_fr, f19), HF_IN(hf_fr, f20),        \
      HF_IN(hf_fr, f21), HF_IN(hf_fr, f22), HF_IN(hf_fr, f23)
#define HF_WIRE_PARAMETERS \
  HF_IN(hf_fr, w0), HF_IN(hf_fr, w1), HF_IN(hf_fr, w2), HF_IN(hf_fr, w3), HF_IN(hf_fr, w4)

#define HF_ROW_FIXED(k) row.f[k] = f##k[i]
#define HF_ROW_WIRE(k)  row.w[k] = w##k[i], row.wn[k] = w##k[next]
#define HF_ROW_FIXED_AND_WIRES                                                                              \
  HF_ROW_FIXED(0), HF_ROW_FIXED(1), HF_ROW_FIXED(2), HF_ROW_FIXED(3), HF_ROW_FIXED(4), HF_ROW_FIXED(5),     \
      HF_ROW_FIXED(6), HF_ROW_FIXED(7), HF_ROW_FIXED(8), HF_ROW_FIXED(9), HF_ROW_FIXED(10), HF_ROW_FIXED(11), \
      HF_ROW_FIXED(12), HF_ROW_FIXED(13), HF_ROW_FIXED(14), HF_ROW_FIXED(15), HF_ROW_FIXED(16),             \
      HF_ROW_FIXED(17), HF_ROW_FIXED(18), HF_ROW_FIXED(19), HF_ROW_FIXED(20), HF_ROW_FIXED(21),             \
      HF_ROW_FIXED(22), HF_ROW_FIXED(23), HF_ROW_WIRE(0), HF_ROW_WIRE(1), HF_ROW_WIRE(2), HF_ROW_WIRE(3),   \
      HF_ROW_WIRE(4)

/* numerator[i] = prod_k (w_k + beta k_k omega^i + gamma), denominator[i] = prod_k (w_k + beta sigma_k + gamma), k < wires */
HF_KERNEL(ratio_terms, HF_LANES, HF_OUT(hf_fr, numerator), HF_OUT(hf_fr, denominator), HF_WIRE_PARAMETERS,
          HF_IN(hf_fr, s0), HF_IN(hf_fr, s1), HF_IN(hf_fr, s2), HF_IN(hf_fr, s3), HF_IN(hf_fr, s4), HF_IN(hf_fr, roots),
          HF_VALUE(hf_u32, wires), HF_VALUE(hf_u32, log_n), HF_VALUE(hf_fr, beta), HF_VALUE(hf_fr, gamma)) {
  HF_EACH_THREAD(i) {
    if (i >> log_n) continue;
    hf_fr w[HF_WIRES], s[HF_WIRES], above = hf_fr_one(), below = hf_fr_one();
    hf_fr bx = hf_fr_mul(beta, hf_power(roots, i << (HF_FR_TWO_ADICITY - log_n)));
    w[0] = w0[i], w[1] = w1[i], w[2] = w2[i], w[3] = w3[i], w[4] = w4[i];
    s[0] = s0[i], s[1] = s1[i], s[2] = s2[i], s[3] = s3[i], s[4] = s4[i];
    for (hf_u32 k = 0; k < wires; k++) {
      hf_fr wg = hf_fr_add(w[k], gamma), t = bx;
      if (k) t = hf_fr_mul(hf_relation_constants[HF_RC_K1 + k - 1u], bx);
      above = hf_fr_mul(above, hf_fr_add(wg, t));
      below = hf_fr_mul(below, hf_fr_add(wg, hf_fr_mul(beta, s[k])));
    }
    numerator[i] = above;
    denominator[i] = below;
  }
}

/* The terms of the range sum and the ROM sum as fractions (1 below where a row adds nothing), and the non-native terms. */
HF_KERNEL(sum_fractions, HF_LANES, HF_OUT(hf_fr, range), HF_OUT(hf_fr, range_below), HF_OUT(hf_fr, rom),
          HF_OUT(hf_fr, rom_below), HF_OUT(hf_fr, nonnative), HF_FIXED_PARAMETERS, HF_WIRE_PARAMETERS,
          HF_IN(hf_fr, multiplicity), HF_VALUE(hf_u32, log_n), HF_VALUE(hf_rel_challenges, ch)) {
  HF_EACH_THREAD(i) {
    hf_u32 next = (i + 1u) & ((1u << log_n) - 1u);
    if (i >> log_n) continue;
    hf_rel_row row;
    HF_ROW_FIXED_AND_WIRES;
    hf_fr above = hf_fr_zero(), below = hf_fr_one(), m = multiplicity[i];
    if (!hf_fr_is_zero(row.f[HF_S_RANGE])) /* 1/d0 + 1/d1 + ... one after the other */
      for (int k = 0; k < 4; k++) {
        hf_fr d = hf_fr_add(ch.lambda, row.w[k]);
        above = hf_fr_add(hf_fr_mul(above, d), below);
        below = hf_fr_mul(below, d);
      }
    if (!hf_fr_is_zero(m)) {
      hf_fr d = hf_fr_add(ch.lambda, row.f[HF_TABLE_RANGE]);
      above = hf_fr_sub(hf_fr_mul(above, d), hf_fr_mul(below, m));
      below = hf_fr_mul(below, d);
    }
    range[i] = above;
    range_below[i] = below;
    above = hf_fr_zero();
    below = hf_fr_one();
    if (!hf_fr_is_zero(row.f[HF_ROM])) below = hf_rel_rom_denominator(&row, &ch, &above);
    rom[i] = above;
    rom_below[i] = below;
    nonnative[i] = hf_fr_is_zero(row.f[HF_S_NONNATIVE]) ? hf_fr_zero() : hf_rel_nonnative_term(&row, &ch);
  }
}

/* out[i] = shift omega^i - 1 */
HF_KERNEL(coset_points, HF_LANES, HF_OUT(hf_fr, out), HF_IN(hf_fr, roots), HF_VALUE(hf_fr, shift), HF_VALUE(hf_u32, log_n)) {
  HF_EACH_THREAD(i) {
    if (i >> log_n) continue;
    out[i] = hf_fr_sub(hf_fr_mul(shift, hf_power(roots, i << (HF_FR_TWO_ADICITY - log_n))), hf_fr_one());
  }
}

/* out[i] = all constraints of row i over Z_H; l1 holds 1/(x - 1) */
HF_KERNEL(quotient, HF_LANES, HF_OUT(hf_fr, out), HF_FIXED_PARAMETERS, HF_WIRE_PARAMETERS, HF_IN(hf_fr, multiplicity),
          HF_IN(hf_fr, z), HF_IN(hf_fr, range), HF_IN(hf_fr, rom), HF_IN(hf_fr, rho), HF_IN(hf_fr, public_inputs),
          HF_IN(hf_fr, l1), HF_IN(hf_fr, roots), HF_VALUE(hf_u32, log_n), HF_VALUE(hf_fr, shift),
          HF_VALUE(hf_fr, l1_scale), HF_VALUE(hf_fr, zh_inverse), HF_VALUE(hf_rel_challenges, ch)) {
  HF_EACH_THREAD(i) {
    hf_u32 next = (i + 1u) & ((1u << log_n) - 1u);
    if (i >> log_n) continue;
    hf_rel_row row;
    HF_ROW_FIXED_AND_WIRES;
    row.m = multiplicity[i];
    row.z = z[i], row.zn = z[next];
    row.range = range[i], row.rangen = range[next];
    row.rom = rom[i], row.romn = rom[next];
    row.rho = rho[i], row.rhon = rho[next];
    row.x = hf_fr_mul(shift, hf_power(roots, i << (HF_FR_TWO_ADICITY - log_n)));
    row.l1 = hf_fr_mul(l1_scale, l1[i]);
    row.pi = public_inputs[i];
    out[i] = hf_fr_mul(zh_inverse, hf_rel_combine(&row, &ch));
  }
}

#endif
