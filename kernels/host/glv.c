/* The lattice {(x, y): x + lambda y = 0 mod r} has the short basis u = (A, -S), v = (-S, -B) with A B + S^2 = r (by
 * Gauss reduction of (r, 0), (-lambda, 1)). (k, 0) = c1 u - c2 v over the reals with c1 = k B / r, c2 = k S / r; the
 * roundings leave at most 5/8 of each basis vector. A is even, S and B are odd: adding v changes both parities, adding u the
 * second one, each with the sign that goes towards zero, so that both parts stay below 2^127. */
#include "host/glv.h"

static const uint64_t A[2] = {0x8211bbeb7d4f1128ull, 0x6f4d8248eeb859fcull}, S[2] = {0x89d3256894d213e3ull, 0}, B[2] = {0x0be4e1541221250bull, 0x6f4d8248eeb859fdull};
/* 2^256 B / r and 2^256 S / r, rounded */
static const uint64_t G1[3] = {0x5398fd0300ff6565ull, 0x4ccef014a773d2d2ull, 0x0000000000000002ull}, G2[3] = {0xd91d232ec7e0b3d7ull, 0x0000000000000002ull, 0};

hf_fr hf_glv_lambda(void) {
  return hf_fr_from_limbs((hf_fr){{0xb8ca0b2d36636f23ull, 0xcc37a73fec2bc5e9ull, 0x048b6e193fd84104ull, 0x30644e72e131a029ull}});
}

hf_fq hf_glv_beta(void) {
  return hf_fq_from_limbs((hf_fq){{0xe4bd44e5607cfd48ull, 0xc28f069fbb966e3dull, 0x5e6dd9e7e0acccb0ull, 0x30644e72e131a029ull}});
}

static hf_fr fr_of(const uint64_t x[2]) { return hf_fr_from_limbs((hf_fr){{x[0], x[1], 0, 0}}); }

/* round(k g / 2^256) for canonical limbs k. */
static hf_fr scaled(hf_fr k, const uint64_t g[3]) {
  uint64_t t[7] = {0};
  for (int i = 0; i < 4; i++) {
    hf_u64 carry = 0;
    for (int j = 0; j < 3; j++) t[i + j] = hf_mac(k.l[i], g[j], t[i + j], &carry);
    t[i + 3] = carry;
  }
  hf_u64 carry = t[3] >> 63;
  hf_fr out = {{0, 0, 0, 0}};
  for (int i = 0; i < 3; i++) out.l[i] = hf_adc(t[4 + i], 0, &carry);
  return hf_fr_from_limbs(out);
}

/* Small signed integers as field elements. */
static int is_negative(hf_fr x) {
  hf_fr l = hf_fr_to_limbs(x);
  return l.l[2] != 0 || l.l[3] != 0;
}

static int is_even(hf_fr x) {
  int negative = is_negative(x);
  return !(hf_fr_to_limbs(negative ? hf_fr_neg(x) : x).l[0] & 1);
}

void hf_glv_split(hf_fr k, hf_fr half[2]) {
  hf_fr a = fr_of(A), s = fr_of(S), b = fr_of(B), limbs = hf_fr_to_limbs(k);
  hf_fr c1 = scaled(limbs, G1), c2 = scaled(limbs, G2);
  hf_fr part[2] = {hf_fr_sub(hf_fr_sub(k, hf_fr_mul(c1, a)), hf_fr_mul(c2, s)),
                   hf_fr_sub(hf_fr_mul(c1, s), hf_fr_mul(c2, b))};
  if (is_even(part[0])) {
    int up = is_negative(part[1]);
    part[0] = up ? hf_fr_add(part[0], s) : hf_fr_sub(part[0], s);
    part[1] = up ? hf_fr_add(part[1], b) : hf_fr_sub(part[1], b);
  }
  if (is_even(part[1])) {
    int up = is_negative(part[0]);
    part[0] = up ? hf_fr_add(part[0], a) : hf_fr_sub(part[0], a);
    part[1] = up ? hf_fr_sub(part[1], s) : hf_fr_add(part[1], s);
  }
  hf_fr offset = hf_fr_from_limbs((hf_fr){{UINT64_MAX, UINT64_MAX >> 1, 0, 0}}); /* 2^127 - 1 */
  for (int i = 0; i < 2; i++) {
    hf_fr l = hf_fr_to_limbs(hf_fr_add(part[i], offset));
    half[i] = hf_fr_from_limbs((hf_fr){{l.l[0] >> 1 | l.l[1] << 63, l.l[1] >> 1, 0, 0}});
  }
}
