/* BabyJubJub: the twisted Edwards curve a x^2 + y^2 = 1 + d x^2 y^2 over Fr with
 * a = 168700, d = 168696 (ERC-2494, circomlib's coordinates). 8 l points, l as in
 * host/scalar.h; identity (0, 1). a is a square and d is not, so the one addition
 * formula holds for every pair of points of the curve: nothing is exceptional.
 *
 * Unless a function says otherwise it expects points on the curve (as decompress,
 * from_bytes and the operations give them) and runs in variable time.
 */
#ifndef HF_HOST_BABYJUB_H
#define HF_HOST_BABYJUB_H
#include <hyperfold/status.h>
#include <stdbool.h>
#include <stdint.h>
#include "arith/fr.h"

#define HF_BJJ_A 168700
#define HF_BJJ_D 168696

typedef struct hf_bjj {
  hf_fr x, y; /* affine */
} hf_bjj;

hf_bjj hf_bjj_identity(void);
/* Base8 of circomlib: generates the subgroup of order l. */
hf_bjj hf_bjj_base(void);

bool hf_bjj_eq(hf_bjj p, hf_bjj q);
hf_bjj hf_bjj_neg(hf_bjj p);
bool hf_bjj_on_curve(hf_bjj p);
/* p + q by the affine formula: one inversion. */
hf_bjj hf_bjj_add(hf_bjj p, hf_bjj q);
/* True if 8 p is the identity: p is one of the 8 points of order 1, 2, 4, 8. */
bool hf_bjj_is_small_order(hf_bjj p);
/* True if l p is the identity. */
bool hf_bjj_in_subgroup(hf_bjj p);

/* k p for any 256-bit integer k (little-endian limbs; not reduced modulo l, which
 * matters when p has a component of small order). */
hf_bjj hf_bjj_mul(hf_bjj p, const uint64_t k[4]);
/* The same value. No branch and no address depends on k or p, given that the field
 * operations compile to straight-line code; the final inversion is a power with a
 * public exponent. */
hf_bjj hf_bjj_mul_secret(hf_bjj p, const uint64_t k[4]);
/* j p + k q with shared doublings. */
hf_bjj hf_bjj_mul2(hf_bjj p, const uint64_t j[4], hf_bjj q, const uint64_t k[4]);

/* circomlib's packing: y as 32 little-endian bytes; bit 7 of byte 31 is set if
 * x > (r-1)/2. */
void hf_bjj_compress(hf_bjj p, uint8_t out[32]);
/* HF_E_RANGE: y is not below r, or the bit is set for x = 0 (each point has exactly
 * one accepted encoding). HF_E_CURVE: no point has this y. *out is the identity on
 * failure. Small-order points and points outside the subgroup are accepted. */
hf_status hf_bjj_decompress(const uint8_t in[32], hf_bjj *out);

/* x and y, 32 little-endian bytes each. HF_E_RANGE, HF_E_CURVE as above. */
void hf_bjj_to_bytes(hf_bjj p, uint8_t out[64]);
hf_status hf_bjj_from_bytes(const uint8_t in[64], hf_bjj *out);

#endif
