#include "host/babyjub.h"
#include <string.h>
#include "host/scalar.h"

static const hf_fr curve_a = {
    {0x95accf61fff261e0ull, 0x24780d659df7d378ull, 0xe0ac11b07e906ae8ull, 0x0f35db2216d3def3ull}};
static const hf_fr curve_d = {
    {0x2735f484aff261f5ull, 0x70ba1b579a2e0f63ull, 0xff41c9a91e2caa8cull, 0x07704a8e8fe6025full}};
static const uint64_t order[4] = {0x677297dc392126f1ull, 0xab3eedb83920ee0aull, 0x370a08b6d0302b0bull,
                                  0x060c89ce5c263405ull}; /* l */

/* Extended coordinates (Hisil, Wong, Carter, Dawson 2008): x = X/Z, y = Y/Z, T = XY/Z.
 * Z is never 0. */
typedef struct extended {
  hf_fr x, y, z, t;
} extended;

static extended to_extended(hf_bjj p) { return (extended){p.x, p.y, hf_fr_one(), hf_fr_mul(p.x, p.y)}; }

static hf_bjj from_extended(extended p) {
  hf_fr i = hf_fr_inv_power(p.z); /* z tells about a secret scalar */
  return (hf_bjj){hf_fr_mul(p.x, i), hf_fr_mul(p.y, i)};
}

/* add-2008-hwcd of the Explicit-Formulas Database: complete here, equal and opposite
 * points and the identity included. */
static extended ext_add(extended p, extended q) {
  hf_fr a = hf_fr_mul(p.x, q.x), b = hf_fr_mul(p.y, q.y);
  hf_fr c = hf_fr_mul(hf_fr_mul(p.t, curve_d), q.t), d = hf_fr_mul(p.z, q.z);
  hf_fr e = hf_fr_mul(hf_fr_add(p.x, p.y), hf_fr_add(q.x, q.y));
  e = hf_fr_sub(hf_fr_sub(e, a), b);
  hf_fr f = hf_fr_sub(d, c), g = hf_fr_add(d, c), h = hf_fr_sub(b, hf_fr_mul(curve_a, a));
  return (extended){hf_fr_mul(e, f), hf_fr_mul(g, h), hf_fr_mul(f, g), hf_fr_mul(e, h)};
}

/* dbl-2008-hwcd. */
static extended ext_double(extended p) {
  hf_fr a = hf_fr_sqr(p.x), b = hf_fr_sqr(p.y), c = hf_fr_dbl(hf_fr_sqr(p.z)), d = hf_fr_mul(curve_a, a);
  hf_fr e = hf_fr_sub(hf_fr_sub(hf_fr_sqr(hf_fr_add(p.x, p.y)), a), b);
  hf_fr g = hf_fr_add(d, b), f = hf_fr_sub(g, c), h = hf_fr_sub(d, b);
  return (extended){hf_fr_mul(e, f), hf_fr_mul(g, h), hf_fr_mul(f, g), hf_fr_mul(e, h)};
}

hf_bjj hf_bjj_identity(void) { return (hf_bjj){hf_fr_zero(), hf_fr_one()}; }

hf_bjj hf_bjj_base(void) {
  /* x 5299619240641551281634865583518297030282874472190772894086521144482721001553
   * y 16950150798460657717958625567821834550301663161624707787222815936182638968203 */
  hf_bjj b = {{{0x0a8fc7bc1a89fa86ull, 0xa7d9d786e9e48627ull, 0xee6158b465bea369ull, 0x14a0ff6d2f874519ull}},
              {{0xb83342d20d0201aaull, 0x2ffef2f7cdcfeac7ull, 0xbfa79a9425a6e625ull, 0x0dfb859dc3a44b70ull}}};
  return b;
}

bool hf_bjj_eq(hf_bjj p, hf_bjj q) { return hf_fr_eq(p.x, q.x) && hf_fr_eq(p.y, q.y); }

hf_bjj hf_bjj_neg(hf_bjj p) {
  p.x = hf_fr_neg(p.x);
  return p;
}

bool hf_bjj_on_curve(hf_bjj p) {
  hf_fr xx = hf_fr_sqr(p.x), yy = hf_fr_sqr(p.y);
  hf_fr left = hf_fr_add(hf_fr_mul(curve_a, xx), yy);
  hf_fr right = hf_fr_add(hf_fr_one(), hf_fr_mul(curve_d, hf_fr_mul(xx, yy)));
  return hf_fr_eq(left, right);
}

hf_bjj hf_bjj_add(hf_bjj p, hf_bjj q) { return from_extended(ext_add(to_extended(p), to_extended(q))); }

static bool ext_is_identity(extended p) { return hf_fr_is_zero(p.x) && hf_fr_eq(p.y, p.z); }

bool hf_bjj_is_small_order(hf_bjj p) {
  return ext_is_identity(ext_double(ext_double(ext_double(to_extended(p)))));
}

/* Four bits of k from bit 4 * digit. */
static unsigned window(const uint64_t k[4], int digit) {
  return (unsigned)(k[digit / 16] >> (4 * (digit % 16))) & 15;
}

static void multiples(hf_bjj p, extended table[16]) {
  table[0] = to_extended(hf_bjj_identity());
  table[1] = to_extended(p);
  for (int i = 2; i < 16; i++) table[i] = ext_add(table[i - 1], table[1]);
}

static extended ext_mul2(hf_bjj p, const uint64_t j[4], hf_bjj q, const uint64_t k[4]) {
  extended a[16], b[16], z = to_extended(hf_bjj_identity());
  multiples(p, a);
  multiples(q, b);
  for (int digit = 63; digit >= 0; digit--) {
    for (int i = 0; i < 4; i++) z = ext_double(z);
    z = ext_add(z, a[window(j, digit)]);
    z = ext_add(z, b[window(k, digit)]);
  }
  return z;
}

static extended ext_mul(hf_bjj p, const uint64_t k[4]) {
  extended a[16], z = to_extended(hf_bjj_identity());
  multiples(p, a);
  for (int digit = 63; digit >= 0; digit--) {
    for (int i = 0; i < 4; i++) z = ext_double(z);
    z = ext_add(z, a[window(k, digit)]);
  }
  return z;
}

hf_bjj hf_bjj_mul(hf_bjj p, const uint64_t k[4]) { return from_extended(ext_mul(p, k)); }

hf_bjj hf_bjj_mul2(hf_bjj p, const uint64_t j[4], hf_bjj q, const uint64_t k[4]) {
  return from_extended(ext_mul2(p, j, q, k));
}

bool hf_bjj_in_subgroup(hf_bjj p) { return ext_is_identity(ext_mul(p, order)); }

/* table[index] with every entry read. An empty asm keeps the compiler from seeing
 * that the mask is all ones or all zeros and from turning it into a branch. */
static extended select_secret(const extended table[16], unsigned index) {
  extended z;
  uint64_t words[16] = {0};
  _Static_assert(sizeof(extended) == sizeof words, "four field elements without padding");
  for (unsigned i = 0; i < 16; i++) {
    uint64_t entry[16], difference = i ^ index;
    uint64_t mask = (difference - 1) >> 63; /* 1 if equal: difference is 0..15 */
    mask = (uint64_t)0 - mask;
    __asm__("" : "+r"(mask));
    memcpy(entry, &table[i], sizeof entry);
    for (int w = 0; w < 16; w++) words[w] |= entry[w] & mask;
  }
  memcpy(&z, words, sizeof z);
  return z;
}

hf_bjj hf_bjj_mul_secret(hf_bjj p, const uint64_t k[4]) {
  extended a[16], z = to_extended(hf_bjj_identity());
  multiples(p, a);
  for (int digit = 63; digit >= 0; digit--) {
    for (int i = 0; i < 4; i++) z = ext_double(z);
    z = ext_add(z, select_secret(a, window(k, digit)));
  }
  return from_extended(z);
}

/* True if the integer of a is above (r-1)/2: circomlib's "negative". */
static bool is_upper_half(hf_fr a) {
  static const uint64_t half[4] = {0xa1f0fac9f8000000ull, 0x9419f4243cdcb848ull, 0xdc2822db40c0ac2eull,
                                   0x183227397098d014ull};
  hf_fr v = hf_fr_to_limbs(a);
  hf_u64 borrow = 0;
  for (int i = 0; i < 4; i++) (void)hf_sbb(half[i], v.l[i], &borrow);
  return borrow != 0;
}

void hf_bjj_compress(hf_bjj p, uint8_t out[32]) {
  hf_fr_to_bytes(p.y, out);
  if (is_upper_half(p.x)) out[31] |= 0x80;
}

/* Tonelli-Shanks with r - 1 = 2^28 odd. False if a has no root. */
static bool square_root(hf_fr a, hf_fr *out) {
  /* (odd - 1) / 2 */
  static const hf_fr exponent = {
      {0xcdcb848a1f0fac9full, 0x0c0ac2e9419f4243ull, 0x098d014dc2822db4ull, 0x0000000183227397ull}};
  hf_fr one = hf_fr_one();
  hf_fr w = hf_fr_pow(a, exponent), x = hf_fr_mul(a, w), b = hf_fr_mul(x, w); /* b = a^odd */
  hf_fr z = hf_fr_root_of_unity(HF_FR_TWO_ADICITY);
  int v = HF_FR_TWO_ADICITY;
  *out = hf_fr_zero();
  if (hf_fr_is_zero(a)) return true;
  while (!hf_fr_eq(b, one)) { /* x^2 = a b, and b has order 2^k with k < v */
    int k = 0;
    for (hf_fr t = b; !hf_fr_eq(t, one); t = hf_fr_sqr(t))
      if (++k == v) return false;
    hf_fr g = z;
    for (int i = 0; i < v - k - 1; i++) g = hf_fr_sqr(g);
    z = hf_fr_sqr(g);
    x = hf_fr_mul(x, g);
    b = hf_fr_mul(b, z);
    v = k;
  }
  *out = x;
  return true;
}

hf_status hf_bjj_decompress(const uint8_t in[32], hf_bjj *out) {
  uint8_t bytes[32];
  bool upper = (in[31] & 0x80) != 0;
  hf_fr x, y;
  *out = hf_bjj_identity();
  memcpy(bytes, in, sizeof bytes);
  bytes[31] &= 0x7f;
  if (!hf_fr_from_bytes(bytes, &y)) return hf_fail(HF_E_RANGE, "BabyJubJub point: y is not below r");
  /* x^2 = (1 - y^2) / (a - d y^2); a/d is no square, so the denominator is not 0. */
  hf_fr yy = hf_fr_sqr(y);
  hf_fr xx = hf_fr_mul(hf_fr_sub(hf_fr_one(), yy), hf_fr_inv(hf_fr_sub(curve_a, hf_fr_mul(curve_d, yy))));
  if (!square_root(xx, &x)) return hf_fail(HF_E_CURVE, "BabyJubJub point: no point has this y");
  if (hf_fr_is_zero(x) && upper) return hf_fail(HF_E_RANGE, "BabyJubJub point: sign set for x = 0");
  if (is_upper_half(x) != upper) x = hf_fr_neg(x);
  *out = (hf_bjj){x, y};
  return HF_OK;
}

void hf_bjj_to_bytes(hf_bjj p, uint8_t out[64]) {
  hf_fr_to_bytes(p.x, out);
  hf_fr_to_bytes(p.y, out + 32);
}

hf_status hf_bjj_from_bytes(const uint8_t in[64], hf_bjj *out) {
  hf_bjj p;
  *out = hf_bjj_identity();
  if (!hf_fr_from_bytes(in, &p.x) || !hf_fr_from_bytes(in + 32, &p.y))
    return hf_fail(HF_E_RANGE, "BabyJubJub point: a coordinate is not below r");
  if (!hf_bjj_on_curve(p)) return hf_fail(HF_E_CURVE, "BabyJubJub point: not on the curve");
  *out = p;
  return HF_OK;
}
