/* The endomorphism of G1 (Gallant, Lambert, Vanstone 2001): (x, y) -> (beta x, y) is multiplication by lambda, with
 * beta^3 = 1 modulo q and lambda^3 = 1 modulo r. A scalar k is split into two of half the size,
 *   k = k_0 + lambda k_1 modulo r,  k_i odd, |k_i| < 2^127,
 * and an odd number is a sum of digits +-1: k_i = 2 half_i - 2^127 + 1, half_i in [0, 2^127), whose bits are the digits.
 */
#ifndef HF_HOST_GLV_H
#define HF_HOST_GLV_H
#include "arith/fq.h"
#include "arith/fr.h"

#define HF_GLV_BITS 127

hf_fr hf_glv_lambda(void);
hf_fq hf_glv_beta(void);
/* Variable time. */
void hf_glv_split(hf_fr k, hf_fr half[2]);

#endif
