/* The optimal ate pairing e: G1 x G2 -> Fq12 of BN254.
 *
 * Miller loop over 6t+2, t = 4965661367192848881, in homogeneous coordinates on the
 * twist with sparse lines (Costello, Lange, Naehrig 2010; Aranha et al. 2011); final
 * exponentiation by Fuentes-Castaneda, Knapp, Rodriguez-Henriquez (2011), whose
 * exponent is 2t(6t^2+3t+1) times the least one: also a non-degenerate pairing.
 * Variable time.
 */
#ifndef HF_HOST_PAIRING_H
#define HF_HOST_PAIRING_H
#include <hyperfold/status.h>
#include <stdbool.h>
#include <stddef.h>
#include "arith/ec.h"
#include "host/g2.h"

#define HF_PAIRING_MAX_PAIRS 64

/* *ok (false first) is true if prod e(p[i], q[i]) = 1. A pair with a point at infinity
 * contributes 1; so does n = 0.
 * Every point is checked: HF_E_CURVE if p[i] or q[i] is not on its curve, HF_E_SUBGROUP
 * if q[i] is not in the group. HF_E_ARGUMENT if n > HF_PAIRING_MAX_PAIRS. */
hf_status hf_pairing_check(const hf_g1 *p, const hf_g2 *q, size_t n, bool *ok);

/* The product itself, for tests and precomputed values. Points must be valid. */
hf_status hf_pairing_product(const hf_g1 *p, const hf_g2 *q, size_t n, hf_fq12 *out);

/* prod of the Miller loops, before the final exponentiation; and that exponentiation (f != 0). */
hf_status hf_pairing_miller(const hf_g1 *p, const hf_g2 *q, size_t n, hf_fq12 *out);
void hf_pairing_final_exponent(const hf_fq12 *f, hf_fq12 *out);

#endif
