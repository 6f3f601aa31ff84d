/* G1 points as bytes. Arithmetic is in arith/ec.h; every point on the curve is in
 * the group. (0, 0) stands for the point at infinity.
 */
#ifndef HF_HOST_G1_H
#define HF_HOST_G1_H
#include <hyperfold/status.h>
#include <stdbool.h>
#include <stdint.h>
#include "arith/ec.h"

/* x and y, 32 little-endian bytes each, canonical; infinity is 64 zero bytes. */
void hf_g1_to_bytes(hf_g1 p, uint8_t out[64]);
/* HF_E_RANGE: a coordinate is not below q. HF_E_CURVE: not on the curve.
 * HF_E_INFINITY: the point at infinity, unless `allow_infinity`. *out is infinity on failure. */
hf_status hf_g1_from_bytes(const uint8_t in[64], bool allow_infinity, hf_g1 *out);
/* The same as the EVM has them: 32 big-endian bytes each. */
void hf_g1_to_bytes_be(hf_g1 p, uint8_t out[64]);
hf_status hf_g1_from_bytes_be(const uint8_t in[64], bool allow_infinity, hf_g1 *out);

#endif
