/* Fr and Fq against GMP. Built twice: the portable C and the MULX/ADX assembly. */
#include <criterion/criterion.h>
#include <gmp.h>
#include <stdlib.h>
#include <string.h>
#include "arith/fq.h"
#include "arith/fr.h"
#if defined(HF_TEST_MULX)
#include <cpuid.h>
#endif

static uint64_t next_u64(uint64_t *state) { /* splitmix64 */
  uint64_t z = *state += 0x9e3779b97f4a7c15ull;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ z >> 27) * 0x94d049bb133111ebull;
  return z ^ z >> 31;
}

static void to_mpz(mpz_t z, const uint64_t l[4]) { mpz_import(z, 4, -1, 8, 0, 0, l); }

static void to_limbs(const mpz_t z, uint64_t l[4]) {
  memset(l, 0, 32);
  mpz_export(l, NULL, -1, 8, 0, 0, z);
}

enum { MOST = 2000 };

static void keep(uint64_t (*list)[4], size_t *count, const mpz_t p, const mpz_t value) {
  mpz_t v;
  mpz_init(v);
  mpz_mod(v, value, p);
  cr_assert_lt(*count, MOST);
  to_limbs(v, list[(*count)++]);
  mpz_clear(v);
}

/* Values where carries, borrows and the last subtraction change: around 0, p, p/2, powers of two, 2^256 mod
 * p, limbs of all ones and all zeros, and random ones. Around 300, so that all pairs are tried. */
static uint64_t (*edge_values(const mpz_t p, size_t *count))[4] {
  uint64_t(*list)[4] = calloc(MOST, sizeof *list), seed = 42;
  mpz_t v;
  mpz_init(v);
  *count = 0;
  for (int d = -3; d <= 3; d++) {
    mpz_set_si(v, d), keep(list, count, p, v); /* 0, p - 1, ... */
    mpz_tdiv_q_2exp(v, p, 1), mpz_add_ui(v, v, (unsigned)(d + 3)), keep(list, count, p, v);
    mpz_ui_pow_ui(v, 2, 256), mpz_add_ui(v, v, (unsigned)(d + 3)), keep(list, count, p, v);
    mpz_ui_pow_ui(v, 2, 512), mpz_sub_ui(v, v, (unsigned)(d + 3)), keep(list, count, p, v);
  }
  for (unsigned k = 0; k < 254; k += k % 64 < 3 || k % 64 > 60 ? 1 : 6)
    for (int d = -1; d <= 1; d++) {
      mpz_ui_pow_ui(v, 2, k);
      if (d < 0) mpz_sub_ui(v, v, 1);
      if (d > 0) mpz_sub(v, p, v);
      keep(list, count, p, v);
    }
  for (unsigned mask = 0; mask < 16; mask++) {
    uint64_t l[4], high;
    to_limbs(p, l), high = l[3];
    for (int k = 0; k < 4; k++) l[k] = mask >> k & 1 ? UINT64_MAX : 0;
    if (l[3]) l[3] = high - 1;
    to_mpz(v, l), keep(list, count, p, v);
    to_limbs(p, l); /* limbs of p, some one less */
    for (int k = 0; k < 4; k++) l[k] -= mask >> k & 1;
    to_mpz(v, l), keep(list, count, p, v);
  }
  for (int i = 0; i < 40; i++) {
    uint64_t l[4] = {next_u64(&seed), next_u64(&seed), next_u64(&seed), next_u64(&seed)};
    to_mpz(v, l), keep(list, count, p, v);
  }
  mpz_clear(v);
  return list;
}

#define F_T     hf_fr
#define F(f)    hf_fr_##f
#define F_P     "21888242871839275222246405745257275088548364400416034343698204186575808495617"
#define F_CASES fr_cases
#include "field_cases.h"
#undef F_T
#undef F
#undef F_P
#undef F_CASES

#define F_T     hf_fq
#define F(f)    hf_fq_##f
#define F_P     "21888242871839275222246405745257275088696311157297823662689037894645226208583"
#define F_CASES fq_cases
#include "field_cases.h"

/* The assembly is tried where the processor has it. */
static void need_processor(void) {
#if defined(HF_TEST_MULX)
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_BMI2) || !(b & bit_ADX))
    cr_skip_test("no BMI2 or ADX here");
#endif
}

Test(arith_field, fr) {
  need_processor();
  fr_cases();
}

Test(arith_field, fq) {
  need_processor();
  fq_cases();
}

Test(arith_field, roots_of_unity) {
  need_processor();
  hf_fr five = HF_FR_GENERATOR, fifth = HF_FR_GENERATOR_INVERSE, one = hf_fr_one();
  cr_assert(hf_fr_eq(five, hf_fr_from_u64(5)));
  cr_assert(hf_fr_eq(hf_fr_mul(five, fifth), one));
  cr_assert(hf_fr_eq(hf_fr_root_of_unity(0), one));
  cr_assert(hf_fr_eq(hf_fr_root_of_unity(1), hf_fr_neg(one)));
  for (int k = 1; k <= HF_FR_TWO_ADICITY; k++)
    cr_assert(hf_fr_eq(hf_fr_sqr(hf_fr_root_of_unity(k)), hf_fr_root_of_unity(k - 1)));
  /* 5^((r-1)/2^28), by GMP; and 5 is no square, so the order is exactly 2^28 */
  mpz_t r, e, w;
  mpz_inits(r, e, w, NULL);
  mpz_set_str(r, "21888242871839275222246405745257275088548364400416034343698204186575808495617", 10);
  mpz_sub_ui(e, r, 1);
  cr_assert_eq(mpz_scan1(e, 0), HF_FR_TWO_ADICITY);
  mpz_tdiv_q_2exp(e, e, HF_FR_TWO_ADICITY);
  mpz_set_ui(w, 5);
  cr_assert_eq(mpz_legendre(w, r), -1);
  mpz_powm(w, w, e, r);
  hf_fr limbs;
  to_limbs(w, limbs.l);
  cr_assert(hf_fr_eq(hf_fr_from_limbs(limbs), hf_fr_root_of_unity(HF_FR_TWO_ADICITY)));
  mpz_clears(r, e, w, NULL);
}
