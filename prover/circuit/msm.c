#include "circuit/msm.h"
#include <string.h>
#include "circuit/builder_internal.h"
#include "host/glv.h"
#include "host/keccak.h"

#define HF_MSM_GROUPS ((HF_MSM_TERMS + HF_SIGNED_SUMS_MAX - 1) / HF_SIGNED_SUMS_MAX)

hf_g1 hf_msm_offset(void) {
  static const char text[] = "hyperfold.offset.v1";
  uint8_t hash[32];
  hf_keccak256(text, sizeof text - 1, hash);
  hash[0] &= 0x1f; /* below q */
  hf_g1 p;
  hf_fq_from_bytes_be(hash, &p.x);
  /* q = 3 mod 4: a square's root is its (q + 1) / 4 th power */
  const hf_fq exponent = {{0x4f082305b61f3f52ull, 0x65e05aa45a1c72a3ull, 0x6e14116da0605617ull, 0x0c19139cb84c680aull}};
  for (;; p.x = hf_fq_add(p.x, hf_fq_one())) {
    p.y = hf_fq_pow(hf_fq_add(hf_fq_mul(hf_fq_sqr(p.x), p.x), hf_fq_from_u64(3)), exponent);
    if (hf_fq_to_limbs(p.y).l[0] & 1) p.y = hf_fq_neg(p.y);
    if (hf_g1_on_curve(p)) return p;
  }
}

static hf_g1 offset_back(unsigned bits) {
  hf_g1_xyzz p = hf_g1_to_xyzz(hf_msm_offset());
  for (unsigned i = 1; i < bits; i++) p = hf_g1_xyzz_dbl(p);
  return hf_g1_from_xyzz(p);
}

static hf_fr power_of_two(unsigned k) {
  hf_fr x = {{0, 0, 0, 0}};
  x.l[k / 64] = 1ull << k % 64;
  return hf_fr_from_limbs(x);
}

static unsigned bit_of(hf_fr limbs, unsigned i) { return (unsigned)(limbs.l[i / 64] >> i % 64) & 1; }

/* What is added to a half where a scalar of fewer bits is written with `bits` digits. */
static hf_fr padding(unsigned bits, unsigned own) {
  return hf_fr_sub(power_of_two(bits - 1), power_of_two(own - 1));
}

typedef struct group {
  unsigned count;
  hf_signed_sums sums;
  hf_var address[HF_GLV_BITS]; /* by bit */
} group;

/* Addresses of a group: bit i of scalar j is bit j of address i. A read of `digits`, which holds the first four bits of
 * every address, gives bits; their weighted sums are the scalars, and the fifth scalar follows from the addresses. */
static void group_digits(hf_builder *b, hf_rom digits, const hf_msm_term *terms, unsigned bits, group *g) {
  hf_fr half[HF_SIGNED_SUMS_MAX], one = hf_fr_one(), minus = hf_fr_neg(one);
  hf_term sums[HF_SIGNED_SUMS_MAX][HF_GLV_BITS + HF_SIGNED_SUMS_MAX + 1];
  unsigned read = g->count < 4 ? g->count : 4;
  hf_scope_begin(b, "digits");
  for (unsigned j = 0; j < g->count; j++)
    half[j] = hf_fr_to_limbs(hf_fr_add(hf_value(b, terms[j].half), padding(bits, terms[j].bits)));
  for (unsigned i = 0; i < bits; i++) {
    uint64_t address = 0;
    for (unsigned j = 0; j < g->count; j++) address |= (uint64_t)bit_of(half[j], i) << j;
    hf_var values[4];
    g->address[i] = hf_hint(b, hf_fr_from_u64(address), "digit address");
    hf_rom_read(b, digits, g->address[i], values);
    for (unsigned j = 0; j < read; j++) sums[j][i] = (hf_term){power_of_two(i), values[j]};
    sums[4][i] = (hf_term){power_of_two(i), g->address[i]};
  }
  for (unsigned j = 0; j < g->count; j++) {
    unsigned n = bits;
    hf_fr scale = one, constant = padding(bits, terms[j].bits);
    if (j == 4) { /* sum 2^i address_i = sum_j 2^j half_j */
      for (unsigned k = 0; k < 4; k++) {
        sums[4][n++] = (hf_term){hf_fr_neg(hf_fr_from_u64(1u << k)), terms[k].half};
        constant = hf_fr_add(constant, hf_fr_mul(padding(bits, terms[k].bits), hf_fr_mul(hf_fr_from_u64(1u << k), hf_fr_inv(hf_fr_from_u64(16)))));
      }
      scale = hf_fr_from_u64(16);
    }
    sums[j][n++] = (hf_term){hf_fr_mul(minus, scale), terms[j].half};
    hf_assert_linear(b, "digits of a scalar", sums[j], n, hf_fr_neg(hf_fr_mul(scale, constant)));
  }
  hf_scope_end(b);
}

/* All addresses of 5 bits with their first four bits. */
static hf_rom digits_table(hf_builder *b) {
  if (!b->digits_table) {
    hf_rom table = hf_rom_create(b);
    for (unsigned address = 0; address < 1u << HF_SIGNED_SUMS_MAX; address++) {
      hf_var values[4];
      for (unsigned j = 0; j < 4; j++) values[j] = hf_constant_u64(b, address >> j & 1);
      hf_rom_write(b, table, address, values);
    }
    b->digits_table = table.id;
  }
  return (hf_rom){b->digits_table};
}

hf_curve_point hf_msm(hf_builder *b, const char *name, const hf_msm_term *terms, unsigned count) {
  group groups[HF_MSM_GROUPS];
  unsigned bits = 0, used = 0;
  hf_chain chain;
  hf_curve_point offset = hf_curve_point_constant(b, hf_msm_offset());
  for (unsigned i = 0; i < count; i++) bits = terms[i].bits > bits ? terms[i].bits : bits;
  if (count == 0 || count > HF_MSM_TERMS || bits > HF_GLV_BITS) {
    hf_builder_fail(b, HF_E_ARGUMENT, "%s: %u terms of %u bits", name, count, bits);
    return offset;
  }
  if (!hf_builder_ok(b)) return offset;
  hf_scope_begin(b, name);
  hf_rom digits = digits_table(b);
  for (unsigned at = 0; at < count; at += HF_SIGNED_SUMS_MAX) {
    group *g = &groups[used++];
    hf_curve_point points[HF_SIGNED_SUMS_MAX];
    g->count = count - at < HF_SIGNED_SUMS_MAX ? count - at : HF_SIGNED_SUMS_MAX;
    for (unsigned j = 0; j < g->count; j++) points[j] = terms[at + j].point;
    hf_signed_sums_create(b, points, g->count, &g->sums);
    group_digits(b, digits, terms + at, bits, g);
  }
  for (unsigned i = bits; i-- > 0;)
    for (unsigned k = 0; k < used; k++) {
      const group *g = &groups[k];
      if (k > 0)
        hf_chain_add_read(b, &chain, &g->sums, g->address[i]);
      else if (i + 1 < bits)
        hf_chain_double_add(b, &chain, &g->sums, g->address[i]);
      else
        hf_chain_begin(b, &chain, offset, hf_signed_sums_read(b, &g->sums, g->address[i]));
    }
  hf_curve_point back = hf_curve_point_constant(b, offset_back(bits));
  hf_curve_point out = hf_curve_add(b, hf_chain_end(b, &chain), back, true);
  hf_scope_end(b);
  return out;
}

void hf_msm_full(hf_builder *b, hf_curve_point point, hf_var k, hf_msm_term out[2]) {
  hf_fr half[2], two = hf_fr_from_u64(2), lambda = hf_glv_lambda();
  hf_fr offset = hf_fr_sub(power_of_two(HF_GLV_BITS), hf_fr_one());
  hf_glv_split(hf_value(b, k), half);
  for (int i = 0; i < 2; i++) out[i] = (hf_msm_term){point, hf_hint(b, half[i], "half of a scalar"), HF_GLV_BITS};
  out[1].point = hf_curve_endomorphism(b, point);
  /* (2 h0 - offset) + lambda (2 h1 - offset) = k, modulo the order r of the group */
  hf_term terms[3] = {{two, out[0].half}, {hf_fr_mul(two, lambda), out[1].half}, {hf_fr_neg(hf_fr_one()), k}};
  hf_assert_linear(b, "halves of a scalar", terms, 3, hf_fr_neg(hf_fr_mul(offset, hf_fr_add(hf_fr_one(), lambda))));
}

/* ---- the same on values ---- */

/* What hf_limbs_assert_different turns away: D = x1 - x2 that is 0, q or -q modulo r. */
static hf_g1 add_checked(hf_g1 p, hf_g1 q, bool *ok) {
  static const hf_fr modulus = {{0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull, 0x30644e72e131a029ull}};
  hf_fq x1 = hf_fq_to_limbs(p.x), x2 = hf_fq_to_limbs(q.x);
  hf_fr a = {{x1.l[0], x1.l[1], x1.l[2], x1.l[3]}}, b = {{x2.l[0], x2.l[1], x2.l[2], x2.l[3]}};
  /* the conversion reduces any 256-bit integer */
  hf_fr d = hf_fr_sub(hf_fr_from_limbs(a), hf_fr_from_limbs(b)), q2 = hf_fr_sqr(hf_fr_from_limbs(modulus));
  if (hf_fr_is_zero(d) || hf_fr_eq(hf_fr_sqr(d), q2)) *ok = false;
  return hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(p), q));
}

static void sums_replay(const hf_msm_value *terms, unsigned count, hf_g1 *table, bool *ok) {
  hf_g1 doubles[HF_SIGNED_SUMS_MAX], sum = terms[0].point;
  unsigned all = (1u << count) - 1;
  for (unsigned i = 1; i < count; i++) {
    doubles[i] = hf_g1_from_xyzz(hf_g1_xyzz_dbl(hf_g1_to_xyzz(terms[i].point)));
    sum = add_checked(sum, terms[i].point, ok);
  }
  for (unsigned step = 0; step < 1u << (count - 1); step++) {
    unsigned minus = (step ^ step >> 1) << 1;
    if (step) {
      unsigned flipped = (unsigned)__builtin_ctz(step) + 1;
      sum = add_checked(sum, minus >> flipped & 1 ? hf_g1_neg(doubles[flipped]) : doubles[flipped], ok);
    }
    table[all ^ minus] = sum;
    table[minus] = hf_g1_neg(sum);
  }
}

hf_g1 hf_msm_replay(const hf_msm_value *terms, unsigned count, bool *ok) {
  hf_g1 table[HF_MSM_GROUPS][1 << HF_SIGNED_SUMS_MAX], sum = hf_msm_offset();
  hf_fr half[HF_MSM_TERMS];
  unsigned bits = 0, used = 0;
  bool fine = true;
  *ok = false;
  if (count == 0 || count > HF_MSM_TERMS) return hf_g1_infinity();
  for (unsigned i = 0; i < count; i++) bits = terms[i].bits > bits ? terms[i].bits : bits;
  for (unsigned i = 0; i < count; i++)
    half[i] = hf_fr_to_limbs(hf_fr_add(terms[i].half, padding(bits, terms[i].bits)));
  for (unsigned at = 0; at < count; at += HF_SIGNED_SUMS_MAX)
    sums_replay(terms + at, count - at < HF_SIGNED_SUMS_MAX ? count - at : HF_SIGNED_SUMS_MAX, table[used++], &fine);
  for (unsigned i = bits; i-- > 0;)
    for (unsigned k = 0; k < used; k++) {
      unsigned address = 0;
      for (unsigned j = 0; j < HF_SIGNED_SUMS_MAX && HF_SIGNED_SUMS_MAX * k + j < count; j++)
        address |= bit_of(half[HF_SIGNED_SUMS_MAX * k + j], i) << j;
      hf_g1 before = sum;
      sum = add_checked(sum, table[k][address], &fine);
      if (k == 0 && i + 1 < bits) sum = add_checked(before, sum, &fine);
    }
  sum = add_checked(sum, hf_g1_neg(offset_back(bits)), &fine);
  *ok = fine;
  return sum;
}

void hf_msm_full_value(hf_g1 point, hf_fr k, hf_msm_value out[2]) {
  hf_fr half[2];
  hf_glv_split(k, half);
  for (int i = 0; i < 2; i++) out[i] = (hf_msm_value){point, half[i], HF_GLV_BITS};
  out[1].point.x = hf_fq_mul(point.x, hf_glv_beta());
}
