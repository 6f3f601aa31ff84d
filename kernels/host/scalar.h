/* Integers modulo l, the order of the prime subgroup of BabyJubJub:
 *   l = 2736030358979909402780800718157159386076813972158567259200215660948447373041
 * (251 bits; the curve has 8 l points).
 *
 * An hf_scalar is the integer itself, four little-endian limbs, always below l.
 * All functions but hf_scalar_from_bytes run without branches or table look-ups
 * that depend on values (secret scalars and nonces pass through them);
 * hf_scalar_from_bytes reveals only whether it refuses.
 */
#ifndef HF_HOST_SCALAR_H
#define HF_HOST_SCALAR_H
#include <stdbool.h>
#include <stdint.h>

typedef struct hf_scalar {
  uint64_t l[4];
} hf_scalar;

/* False, *out zero, unless the 32 little-endian bytes are below l. */
bool hf_scalar_from_bytes(const uint8_t in[32], hf_scalar *out);
void hf_scalar_to_bytes(hf_scalar a, uint8_t out[32]);
/* 64 little-endian bytes modulo l: uniform to 2^-260 for uniform bytes. */
hf_scalar hf_scalar_from_wide(const uint8_t in[64]);
/* Any 256-bit integer, little-endian limbs, modulo l. */
hf_scalar hf_scalar_from_limbs(const uint64_t in[4]);
hf_scalar hf_scalar_add(hf_scalar a, hf_scalar b);
hf_scalar hf_scalar_mul(hf_scalar a, hf_scalar b);
bool hf_scalar_is_zero(hf_scalar a);

#endif
