/* BabyJubJub, integers modulo l and EdDSA against tests/oracle (circomlib's curve). */
#include <criterion/criterion.h>
#include <string.h>
#include "host/babyjub.h"
#include "host/eddsa.h"
#include "host/poseidon.h"
#include "vectors.h"

static bool same(hf_bjj a, hf_bjj b) { return hf_bjj_eq(a, b); }

static void add_case(vector_case *c, void *context) {
  (void)context;
  hf_bjj p = take_jub(c), q = take_jub(c), want = take_jub(c);
  cr_expect(hf_bjj_on_curve(p) && hf_bjj_on_curve(q) && hf_bjj_on_curve(want));
  cr_expect(same(hf_bjj_add(p, q), want) && same(hf_bjj_add(q, p), want), "line %d", c->line);
}

static void mul_case(vector_case *c, void *context) {
  uint64_t k[4], one[4] = {1, 0, 0, 0}, seven[4] = {7, 0, 0, 0};
  (void)context;
  hf_bjj p = take_jub(c);
  take_limbs(c, k);
  hf_bjj want = take_jub(c), base = hf_bjj_base();
  cr_expect(same(hf_bjj_mul(p, k), want), "line %d", c->line);
  cr_expect(same(hf_bjj_mul_secret(p, k), want), "secret, line %d", c->line);
  cr_expect(same(hf_bjj_mul2(p, k, base, one), hf_bjj_add(want, base)), "two, line %d", c->line);
  cr_expect(same(hf_bjj_mul2(base, seven, p, k), hf_bjj_add(want, hf_bjj_mul(base, seven))));
}

static void small_case(vector_case *c, void *context) {
  int *orders = context;
  hf_bjj p = take_jub(c), sum = p;
  int order = 1;
  for (; !same(sum, hf_bjj_identity()); order++) sum = hf_bjj_add(sum, p);
  cr_assert(order <= 8);
  orders[order]++;
  cr_expect(hf_bjj_on_curve(p) && hf_bjj_is_small_order(p));
  cr_expect(!hf_bjj_is_small_order(hf_bjj_add(p, hf_bjj_base())));
}

static void subgroup_case(vector_case *c, void *context) {
  (void)context;
  hf_bjj p = take_jub(c);
  cr_expect(hf_bjj_in_subgroup(p) == (take_count(c) == 1), "line %d", c->line);
}

static void pack_case(vector_case *c, void *context) {
  uint8_t want[32], got[32], wide[64];
  size_t n;
  hf_bjj back;
  (void)context;
  hf_bjj p = take_jub(c);
  take_bytes(c, want, 32, &n);
  hf_bjj_compress(p, got);
  cr_expect(n == 32 && memcmp(got, want, 32) == 0, "line %d", c->line);
  cr_expect(hf_bjj_decompress(want, &back) == HF_OK && same(back, p), "line %d", c->line);
  hf_bjj_to_bytes(p, wide);
  cr_expect(hf_bjj_from_bytes(wide, &back) == HF_OK && same(back, p));
  wide[0] ^= 1;
  cr_expect(hf_bjj_from_bytes(wide, &back) == HF_E_CURVE && same(back, hf_bjj_identity()));
  wide[31] |= 0x80;
  cr_expect(hf_bjj_from_bytes(wide, &back) == HF_E_RANGE);
}

static void unpack_bad_case(vector_case *c, void *context) {
  uint8_t in[32];
  size_t n;
  hf_bjj p = hf_bjj_base();
  (void)context;
  take_bytes(c, in, 32, &n);
  cr_expect(hf_bjj_decompress(in, &p) == take_status(c) && same(p, hf_bjj_identity()), "line %d", c->line);
}

static bool limbs_eq(hf_scalar a, const uint64_t b[4]) { return memcmp(a.l, b, 32) == 0; }

static void scalar_case(vector_case *c, void *context) {
  uint8_t wide[64], bytes[32];
  uint64_t want[4];
  size_t n;
  hf_scalar a, b, back;
  (void)context;
  take_bytes(c, wide, 64, &n);
  take_limbs(c, want);
  cr_expect(n == 64 && limbs_eq(hf_scalar_from_wide(wide), want), "line %d", c->line);
  take_limbs(c, a.l);
  take_limbs(c, b.l);
  take_limbs(c, want);
  cr_expect(limbs_eq(hf_scalar_add(a, b), want), "sum, line %d", c->line);
  take_limbs(c, want);
  cr_expect(limbs_eq(hf_scalar_mul(a, b), want), "product, line %d", c->line);
  hf_scalar_to_bytes(a, bytes);
  cr_expect(hf_scalar_from_bytes(bytes, &back) && limbs_eq(back, a.l));
}

Test(host, babyjub) {
  int orders[9] = {0};
  cr_expect(vectors_each("host.txt", "jub_add", add_case, NULL) >= 8);
  cr_expect(vectors_each("host.txt", "jub_mul", mul_case, NULL) >= 10);
  cr_expect(vectors_each("host.txt", "jub_small", small_case, orders) >= 8);
  cr_expect(orders[1] == 1 && orders[2] == 1 && orders[4] == 2 && orders[8] == 4);
  cr_expect(vectors_each("host.txt", "jub_subgroup", subgroup_case, NULL) >= 4);
  cr_expect(vectors_each("host.txt", "jub_pack", pack_case, NULL) >= 10);
  cr_expect(vectors_each("host.txt", "jub_unpack_bad", unpack_bad_case, NULL) >= 7);
}

Test(host, scalar) {
  hf_scalar s;
  uint8_t order[32] = {0xf1, 0x26, 0x21, 0x39, 0xdc, 0x97, 0x72, 0x67, 0x0a, 0xee, 0x20,
                       0x39, 0xb8, 0xed, 0x3e, 0xab, 0x0b, 0x2b, 0x30, 0xd0, 0xb6, 0x08,
                       0x0a, 0x37, 0x05, 0x34, 0x26, 0x5c, 0xce, 0x89, 0x0c, 0x06};
  uint8_t all[32];
  cr_expect(vectors_each("host.txt", "scalar", scalar_case, NULL) >= 5);
  memset(all, 255, 32);
  cr_expect(!hf_scalar_from_bytes(order, &s) && hf_scalar_is_zero(s));
  cr_expect(!hf_scalar_from_bytes(all, &s) && hf_scalar_is_zero(s));
  order[0]--;
  cr_expect(hf_scalar_from_bytes(order, &s) && !hf_scalar_is_zero(s));
  /* (l - 1) + 1 = 0, and any 256-bit integer is reduced. */
  uint64_t one[4] = {1, 0, 0, 0}, top[4] = {~0ull, ~0ull, ~0ull, ~0ull};
  uint8_t wide[64] = {0};
  memset(wide, 255, 32);
  cr_expect(hf_scalar_is_zero(hf_scalar_add(s, hf_scalar_from_limbs(one))));
  cr_expect(limbs_eq(hf_scalar_from_limbs(top), hf_scalar_from_wide(wide).l));
}

static void limbs_to_bytes(const uint64_t k[4], uint8_t out[32]) {
  for (int i = 0; i < 32; i++) out[i] = (uint8_t)(k[i / 8] >> (8 * (i % 8)));
}

static void sign_case(vector_case *c, void *context) {
  uint8_t seed[32], s_bytes[32], packed[64];
  uint64_t s[4];
  size_t n;
  hf_fr m[4];
  hf_eddsa_key key;
  hf_eddsa_signature g, back;
  bool ok;
  (void)context;
  take_bytes(c, seed, 32, &n);
  for (int i = 0; i < 4; i++) m[i] = take_fr(c);
  hf_bjj a = take_jub(c), r = take_jub(c);
  take_limbs(c, s);
  limbs_to_bytes(s, s_bytes);
  cr_expect(hf_eddsa_key_from_seed(seed, &key) == HF_OK && same(key.public_key, a), "line %d", c->line);
  hf_eddsa_sign(&key, m, &g);
  cr_expect(same(g.r, r) && memcmp(g.s, s_bytes, 32) == 0, "line %d", c->line);
  cr_expect(hf_eddsa_verify(a, m, &g, &ok) == HF_OK && ok, "line %d", c->line);
  hf_eddsa_signature_to_bytes(&g, packed);
  cr_expect(hf_eddsa_signature_from_bytes(packed, &back) == HF_OK && same(back.r, r) &&
            memcmp(back.s, g.s, 32) == 0);
  packed[63] |= 0x80;
  cr_expect(hf_eddsa_signature_from_bytes(packed, &back) == HF_E_RANGE && same(back.r, hf_bjj_identity()));
  memset(packed, 255, 32);
  cr_expect(hf_eddsa_signature_from_bytes(packed, &back) == HF_E_RANGE);
  hf_eddsa_key_wipe(&key);
  const uint8_t *wiped = (const uint8_t *)&key;
  for (size_t i = 0; i < sizeof key; i++) cr_assert(wiped[i] == 0);
}

static void verify_case(vector_case *c, void *context) {
  int *verdicts = context;
  uint64_t s[4];
  hf_fr m[4];
  hf_eddsa_signature g;
  bool ok = true;
  hf_bjj a = take_jub(c);
  for (int i = 0; i < 4; i++) m[i] = take_fr(c);
  g.r = take_jub(c);
  take_limbs(c, s);
  limbs_to_bytes(s, g.s);
  hf_status want = take_status(c);
  bool want_ok = take_count(c) == 1;
  cr_expect(hf_eddsa_verify(a, m, &g, &ok) == want && ok == want_ok, "line %d", c->line);
  verdicts[want_ok]++;
}

Test(host, eddsa) {
  int verdicts[2] = {0, 0};
  cr_expect(vectors_each("host.txt", "eddsa_sign", sign_case, NULL) >= 5);
  cr_expect(vectors_each("host.txt", "eddsa_verify", verify_case, verdicts) >= 30);
  /* The plain one and the two whose key has a part of small order. */
  cr_expect(verdicts[1] == 3 && verdicts[0] >= 27);
}
