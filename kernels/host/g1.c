#include "host/g1.h"

void hf_g1_to_bytes(hf_g1 p, uint8_t out[64]) {
  hf_fq_to_bytes(p.x, out);
  hf_fq_to_bytes(p.y, out + 32);
}

void hf_g1_to_bytes_be(hf_g1 p, uint8_t out[64]) {
  hf_fq_to_bytes_be(p.x, out);
  hf_fq_to_bytes_be(p.y, out + 32);
}

static hf_status g1_accept(hf_g1 p, bool allow_infinity, hf_g1 *out) {
  if (hf_g1_is_infinity(p)) {
    if (!allow_infinity) return hf_fail(HF_E_INFINITY, "G1 point: the point at infinity is not allowed here");
    return HF_OK;
  }
  if (!hf_g1_on_curve(p)) return hf_fail(HF_E_CURVE, "G1 point: not on the curve");
  *out = p;
  return HF_OK;
}

hf_status hf_g1_from_bytes(const uint8_t in[64], bool allow_infinity, hf_g1 *out) {
  hf_g1 p;
  *out = hf_g1_infinity();
  if (!hf_fq_from_bytes(in, &p.x) || !hf_fq_from_bytes(in + 32, &p.y))
    return hf_fail(HF_E_RANGE, "G1 point: a coordinate is not below q");
  return g1_accept(p, allow_infinity, out);
}

hf_status hf_g1_from_bytes_be(const uint8_t in[64], bool allow_infinity, hf_g1 *out) {
  hf_g1 p;
  *out = hf_g1_infinity();
  if (!hf_fq_from_bytes_be(in, &p.x) || !hf_fq_from_bytes_be(in + 32, &p.y))
    return hf_fail(HF_E_RANGE, "G1 point: a coordinate is not below q");
  return g1_accept(p, allow_infinity, out);
}
