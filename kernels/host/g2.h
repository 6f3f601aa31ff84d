/* G2: the subgroup of order r of E': y^2 = x^3 + 3/(9+u) over Fq2.
 *
 * E' has r (2q - r) points over Fq2, so a point on the curve need not be in the
 * group: whatever comes from outside is read by hf_g2_from_bytes, which checks.
 * (0, 0), which is not on the curve, stands for the point at infinity. Variable time.
 */
#ifndef HF_HOST_G2_H
#define HF_HOST_G2_H
#include <hyperfold/status.h>
#include <stdbool.h>
#include <stdint.h>
#include "arith/fr.h"
#include "host/tower.h"

typedef struct hf_g2 {
  hf_fq2 x, y; /* affine */
} hf_g2;

typedef struct hf_g2_jac {
  hf_fq2 x, y, z; /* x = X/Z^2, y = Y/Z^3; infinity is Z = 0 */
} hf_g2_jac;

hf_g2 hf_g2_infinity(void);
/* The generator of EIP-197. */
hf_g2 hf_g2_generator(void);
bool hf_g2_is_infinity(hf_g2 p);
bool hf_g2_eq(hf_g2 p, hf_g2 q);
hf_g2 hf_g2_neg(hf_g2 p);
/* True for a finite point on the curve, in the group or not. */
bool hf_g2_on_curve(hf_g2 p);
/* For a point on the curve: true if it has order r (or is infinity). */
bool hf_g2_in_subgroup(hf_g2 p);

hf_g2_jac hf_g2_to_jac(hf_g2 p);
hf_g2 hf_g2_from_jac(const hf_g2_jac *p); /* one inversion */
hf_g2_jac hf_g2_jac_double(const hf_g2_jac *p);
hf_g2_jac hf_g2_jac_add(const hf_g2_jac *p, const hf_g2_jac *q);
/* k p for any 256-bit integer k, little-endian limbs. */
hf_g2_jac hf_g2_jac_mul(const hf_g2_jac *p, const uint64_t k[4]);
/* k p. */
hf_g2 hf_g2_mul(hf_g2 p, hf_fr k);
/* p + q. */
hf_g2 hf_g2_add(hf_g2 p, hf_g2 q);

#define HF_G2_BYTES 128
/* x.c0, x.c1, y.c0, y.c1 (c1 is the coefficient of u), 32 little-endian bytes each. */
void hf_g2_to_bytes(hf_g2 p, uint8_t out[HF_G2_BYTES]);
/* HF_E_RANGE: a coordinate is not below q. HF_E_CURVE, HF_E_SUBGROUP. HF_E_INFINITY: the
 * point at infinity, unless `allow_infinity`. *out is infinity on failure. */
hf_status hf_g2_from_bytes(const uint8_t in[HF_G2_BYTES], bool allow_infinity, hf_g2 *out);
/* EIP-197's order: x.c1, x.c0, y.c1, y.c0, 32 big-endian bytes each. */
void hf_g2_to_bytes_evm(hf_g2 p, uint8_t out[HF_G2_BYTES]);
hf_status hf_g2_from_bytes_evm(const uint8_t in[HF_G2_BYTES], bool allow_infinity, hf_g2 *out);

#endif
