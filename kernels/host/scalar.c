#include "host/scalar.h"
#include "arith/dialect.h"

/* The field template (arith/fp.h) over l: HF_FP(mul) and HF_FP(add) are free of
 * branches on values. Its bound is a modulus below 2^254; l has 251 bits.
 * All constants follow from l. */
#define HF_FP_T  hf_scalar
#define HF_FP(f) bjl_##f
#define HF_FP_P0 0x677297dc392126f1ull
#define HF_FP_P1 0xab3eedb83920ee0aull
#define HF_FP_P2 0x370a08b6d0302b0bull
#define HF_FP_P3 0x060c89ce5c263405ull
#define HF_FP_N0 0x532ce5aebc48f5efull
#define HF_FP_ONE                                                                                            \
  {                                                                                                          \
    { 0x073315dea08f9c76ull, 0xe7acffc6a098f24bull, 0xf85a9201d818f015ull, 0x01f16424e1bb7724ull }           \
  }
#define HF_FP_R2                                                                                             \
  {                                                                                                          \
    { 0x35e44abee7ecb21eull, 0x74646cacf5f84ec4ull, 0xe472df203faa158full, 0x0445b524f1ba50a8ull }           \
  }
#define HF_FP_P_MINUS_2                                                                                      \
  {                                                                                                          \
    { 0x677297dc392126efull, 0xab3eedb83920ee0aull, 0x370a08b6d0302b0bull, 0x060c89ce5c263405ull }           \
  }
#include "arith/fp.h"

static hf_scalar load(const uint8_t in[32]) {
  hf_scalar a = {{0, 0, 0, 0}};
  for (int i = 0; i < 32; i++) a.l[i / 8] |= (uint64_t)in[i] << (8 * (i % 8));
  return a;
}

bool hf_scalar_from_bytes(const uint8_t in[32], hf_scalar *out) {
  hf_scalar a = load(in);
  *out = bjl_zero();
  if (!bjl_is_reduced(a)) return false;
  *out = a;
  return true;
}

void hf_scalar_to_bytes(hf_scalar a, uint8_t out[32]) {
  for (int i = 0; i < 32; i++) out[i] = (uint8_t)(a.l[i / 8] >> (8 * (i % 8)));
}

/* The second operand of the template's product may be any 256-bit integer when the
 * first is reduced: the running value stays below 2 l and one subtraction ends it. */
static hf_scalar to_montgomery(hf_scalar any) {
  hf_scalar r2 = HF_FP_R2;
  return bjl_mul(r2, any);
}

hf_scalar hf_scalar_from_limbs(const uint64_t in[4]) {
  hf_scalar a = {{in[0], in[1], in[2], in[3]}};
  return bjl_to_limbs(to_montgomery(a));
}

hf_scalar hf_scalar_from_wide(const uint8_t in[64]) {
  hf_scalar r2 = HF_FP_R2;
  hf_scalar low = to_montgomery(load(in)), high = to_montgomery(load(in + 32));
  return bjl_to_limbs(bjl_add(low, bjl_mul(high, r2)));
}

hf_scalar hf_scalar_add(hf_scalar a, hf_scalar b) { return bjl_add(a, b); }
hf_scalar hf_scalar_mul(hf_scalar a, hf_scalar b) { return bjl_mul(to_montgomery(a), b); }
bool hf_scalar_is_zero(hf_scalar a) { return bjl_is_zero(a); }
