/* The tower against schoolbook arithmetic, G1, G2 and the pairing against tests/oracle
 * and the figures of the EIP-197 precompile. */
#include <criterion/criterion.h>
#include <string.h>
#include "host/keccak.h"
#include "host/pairing.h"
#include "vectors.h"

static hf_fq sample_fq(uint32_t n) {
  uint8_t b[32];
  hf_fq v = hf_fq_zero();
  hf_keccak256(&n, sizeof n, b);
  b[31] &= 0x1f;
  cr_assert(hf_fq_from_bytes(b, &v));
  return v;
}

static hf_fq2 sample_fq2(uint32_t n) { return (hf_fq2){sample_fq(2 * n), sample_fq(2 * n + 1)}; }

/* Fq12 as Fq2[w]/(w^6 - xi), coefficients in the order of w. */
typedef struct flat {
  hf_fq2 c[6];
} flat;

static flat flatten(const hf_fq12 *a) {
  return (flat){{a->c0.c0, a->c1.c0, a->c0.c1, a->c1.c1, a->c0.c2, a->c1.c2}};
}

static hf_fq12 unflatten(flat f) { return (hf_fq12){{f.c[0], f.c[2], f.c[4]}, {f.c[1], f.c[3], f.c[5]}}; }

static hf_fq2 school_fq2(hf_fq2 a, hf_fq2 b) {
  return (hf_fq2){hf_fq_sub(hf_fq_mul(a.c0, b.c0), hf_fq_mul(a.c1, b.c1)),
                  hf_fq_add(hf_fq_mul(a.c0, b.c1), hf_fq_mul(a.c1, b.c0))};
}

static flat school_mul(flat a, flat b) {
  flat z;
  hf_fq2 xi = {hf_fq_from_u64(9), hf_fq_one()};
  memset(&z, 0, sizeof z);
  for (int i = 0; i < 6; i++)
    for (int j = 0; j < 6; j++) {
      hf_fq2 t = school_fq2(a.c[i], b.c[j]);
      if (i + j >= 6) t = school_fq2(t, xi);
      z.c[(i + j) % 6] = hf_fq2_add(z.c[(i + j) % 6], t);
    }
  return z;
}

static bool is_flat(const hf_fq12 *a, flat f) {
  flat g = flatten(a);
  return memcmp(&f, &g, sizeof f) == 0;
}

static hf_fq12 sample_fq12(uint32_t n) {
  flat f;
  for (uint32_t i = 0; i < 6; i++) f.c[i] = sample_fq2(100 * n + i);
  return unflatten(f);
}

/* a^q by schoolbook products. */
static flat school_frobenius(flat a) {
  static const uint64_t q[4] = {0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull,
                                0x30644e72e131a029ull};
  flat z = a;
  for (int i = 252; i >= 0; i--) { /* q has 254 bits */
    z = school_mul(z, z);
    if (q[i / 64] >> (i % 64) & 1) z = school_mul(z, a);
  }
  return z;
}

Test(host, tower) {
  for (uint32_t n = 1; n <= 3; n++) {
    hf_fq12 a = sample_fq12(n), b = sample_fq12(n + 10), z, one;
    hf_fq12_one(&one);
    hf_fq12_mul(&a, &b, &z);
    cr_expect(is_flat(&z, school_mul(flatten(&a), flatten(&b))));
    hf_fq12_sqr(&a, &z);
    cr_expect(is_flat(&z, school_mul(flatten(&a), flatten(&a))));
    hf_fq12_inv(&a, &z);
    hf_fq12_mul(&a, &z, &z);
    cr_expect(hf_fq12_is_one(&z) && hf_fq12_eq(&z, &one) && !hf_fq12_is_one(&a));
    flat line;
    memset(&line, 0, sizeof line);
    line.c[0] = b.c0.c0;
    line.c[1] = b.c0.c1;
    line.c[3] = b.c0.c2;
    hf_fq12_mul_line(&a, line.c[0], line.c[1], line.c[3], &z);
    cr_expect(is_flat(&z, school_mul(flatten(&a), line)));
    /* Frobenius, each power from the one before; outputs over inputs too. */
    flat f = flatten(&a);
    for (int power = 1; power <= 3; power++) {
      f = school_frobenius(f);
      z = a;
      hf_fq12_frobenius(&z, power, &z);
      cr_expect(is_flat(&z, f), "power %d", power);
    }
    hf_fq12_frobenius(&z, 3, &z);
    hf_fq12_conj(&a, &b);
    cr_expect(hf_fq12_eq(&z, &b), "the sixth power conjugates");
    /* Into the cyclotomic subgroup, where the short squaring holds. */
    hf_fq12_inv(&a, &z);
    hf_fq12_mul(&b, &z, &z);
    hf_fq12_frobenius(&z, 2, &a);
    hf_fq12_mul(&a, &z, &z);
    hf_fq12_sqr_cyclotomic(&z, &a);
    hf_fq12_sqr(&z, &b);
    cr_expect(hf_fq12_eq(&a, &b));
    hf_fq12_conj(&z, &b);
    hf_fq12_mul(&z, &b, &b);
    cr_expect(hf_fq12_is_one(&b), "the conjugate is the inverse");
    /* Fq2 */
    hf_fq2 u = sample_fq2(n), v = sample_fq2(n + 50), xi = {hf_fq_from_u64(9), hf_fq_one()};
    cr_expect(hf_fq2_eq(hf_fq2_mul(u, v), school_fq2(u, v)) && hf_fq2_eq(hf_fq2_sqr(u), school_fq2(u, u)));
    cr_expect(hf_fq2_eq(hf_fq2_mul(u, hf_fq2_inv(u)), hf_fq2_one()));
    cr_expect(hf_fq2_eq(hf_fq2_mul_xi(u), school_fq2(u, xi)));
  }
  hf_fq2 xi = {hf_fq_from_u64(9), hf_fq_one()}, three = {hf_fq_from_u64(3), hf_fq_zero()};
  cr_expect(hf_fq2_eq(hf_fq2_mul(hf_fq2_twist_b(), xi), three));
  cr_expect(hf_fq2_is_zero(hf_fq2_inv(hf_fq2_zero())));
}

static void g1_add_case(vector_case *c, void *context) {
  (void)context;
  hf_g1 a = take_g1(c), b = take_g1(c), want = take_g1(c);
  cr_expect(hf_g1_eq(hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(a), b)), want), "line %d", c->line);
  cr_expect(hf_g1_eq(hf_g1_from_xyzz(hf_g1_xyzz_add(hf_g1_to_xyzz(b), hf_g1_to_xyzz(a))), want), "line %d",
            c->line);
}

static void g1_mul_case(vector_case *c, void *context) {
  (void)context;
  hf_g1 a = take_g1(c);
  hf_fr k = take_fr(c);
  cr_expect(hf_g1_eq(hf_g1_from_xyzz(hf_g1_mul(a, k)), take_g1(c)), "line %d", c->line);
}

static void g2_add_case(vector_case *c, void *context) {
  (void)context;
  hf_g2 a = take_g2(c), b = take_g2(c), want = take_g2(c);
  cr_expect(hf_g2_eq(hf_g2_add(a, b), want) && hf_g2_eq(hf_g2_add(b, a), want), "line %d", c->line);
  /* With denominators other than one. */
  hf_g2_jac j = hf_g2_to_jac(a), k = hf_g2_to_jac(b), sum = hf_g2_jac_add(&j, &k),
            twice = hf_g2_jac_double(&j);
  sum = hf_g2_jac_add(&sum, &twice);
  twice = hf_g2_jac_add(&twice, &j); /* 3a + b = (3a) + b */
  twice = hf_g2_jac_add(&twice, &k);
  cr_expect(hf_g2_eq(hf_g2_from_jac(&sum), hf_g2_from_jac(&twice)));
}

static void g2_mul_case(vector_case *c, void *context) {
  (void)context;
  hf_g2 a = take_g2(c);
  hf_fr k = take_fr(c);
  cr_expect(hf_g2_eq(hf_g2_mul(a, k), take_g2(c)), "line %d", c->line);
}

static const uint64_t order_r[4] = {0x43e1f593f0000001ull, 0x2833e84879b97091ull, 0xb85045b68181585dull,
                                    0x30644e72e131a029ull};

/* The numbers of this case need not be canonical: they go to the readers as bytes. */
static void g2_group_case(vector_case *c, void *context) {
  uint8_t little[128], big[128], round[128];
  int *seen = context;
  for (int i = 0; i < 4; i++) {
    uint64_t v[4];
    take_limbs(c, v);
    for (int b = 0; b < 32; b++) {
      little[32 * i + b] = (uint8_t)(v[b / 8] >> (8 * (b % 8)));
      big[32 * (i ^ 1) + 31 - b] = little[32 * i + b];
    }
  }
  hf_status want = take_status(c);
  hf_g2 p = hf_g2_generator(), q = p;
  cr_expect(hf_g2_from_bytes(little, false, &p) == want && hf_g2_from_bytes_evm(big, false, &q) == want,
            "line %d", c->line);
  cr_expect(hf_g2_eq(p, q) && hf_g2_is_infinity(p) == (want != HF_OK));
  cr_expect(hf_g2_from_bytes(little, true, &p) == (want == HF_E_INFINITY ? HF_OK : want));
  if (want == HF_OK) {
    hf_g2_to_bytes(p, round);
    cr_expect(memcmp(round, little, 128) == 0);
    hf_g2_to_bytes_evm(p, round);
    cr_expect(memcmp(round, big, 128) == 0);
  }
  if (want == HF_OK || want == HF_E_SUBGROUP) { /* the slow twin of the group test */
    for (int i = 0; i < 4; i++) cr_assert(hf_fq_from_bytes(little + 32 * i, &((hf_fq *)&p)[i]));
    hf_g2_jac j = hf_g2_to_jac(p);
    j = hf_g2_jac_mul(&j, order_r);
    cr_expect(hf_fq2_is_zero(j.z) == (want == HF_OK) && hf_g2_in_subgroup(p) == (want == HF_OK));
    bool ok = true;
    hf_g1 g = hf_g1_generator();
    cr_expect(hf_pairing_check(&g, &p, 1, &ok) == want && !ok);
  }
  seen[want == HF_OK]++;
}

static void g1_read_case(vector_case *c, void *context) {
  uint8_t little[64], big[64], round[64];
  (void)context;
  for (int i = 0; i < 2; i++) {
    uint64_t v[4];
    take_limbs(c, v);
    for (int b = 0; b < 32; b++) {
      little[32 * i + b] = (uint8_t)(v[b / 8] >> (8 * (b % 8)));
      big[32 * i + 31 - b] = little[32 * i + b];
    }
  }
  hf_status want = take_status(c);
  hf_g1 p = hf_g1_generator(), q = p;
  cr_expect(hf_g1_from_bytes(little, false, &p) == want && hf_g1_from_bytes_be(big, false, &q) == want,
            "line %d", c->line);
  cr_expect(hf_g1_eq(p, q) && hf_g1_is_infinity(p) == (want != HF_OK));
  cr_expect(hf_g1_from_bytes(little, true, &p) == (want == HF_E_INFINITY ? HF_OK : want));
  if (want == HF_OK) {
    hf_g1_to_bytes(p, round);
    cr_expect(memcmp(round, little, 64) == 0);
    hf_g1_to_bytes_be(p, round);
    cr_expect(memcmp(round, big, 64) == 0);
  }
}

Test(host, groups) {
  int seen[2] = {0, 0};
  cr_expect(vectors_each("host.txt", "g1_add", g1_add_case, NULL) >= 4);
  cr_expect(vectors_each("host.txt", "g1_mul", g1_mul_case, NULL) >= 5);
  cr_expect(vectors_each("host.txt", "g2_add", g2_add_case, NULL) >= 4);
  cr_expect(vectors_each("host.txt", "g2_mul", g2_mul_case, NULL) >= 5);
  cr_expect(vectors_each("host.txt", "g1_read", g1_read_case, NULL) >= 5);
  cr_expect(vectors_each("host.txt", "g2_group", g2_group_case, seen) >= 15);
  cr_expect(seen[1] >= 3 && seen[0] >= 12);
}

static void pairing_case(vector_case *c, void *context) {
  (void)context;
  hf_g1 p = take_g1(c);
  hf_g2 q = take_g2(c);
  hf_fq12 got, want;
  for (int i = 0; i < 12; i++) ((hf_fq *)&want)[i] = take_fq(c);
  cr_expect(hf_pairing_product(&p, &q, 1, &got) == HF_OK && hf_fq12_eq(&got, &want), "line %d", c->line);
}

static void precompile_case(vector_case *c, void *context) {
  uint8_t in[192 * 10];
  size_t length;
  hf_g1 p[10];
  hf_g2 q[10];
  bool ok;
  int *seen = context;
  take_bytes(c, in, sizeof in, &length);
  cr_assert(length % 192 == 0);
  for (size_t i = 0; i < length / 192; i++) {
    cr_expect(hf_g1_from_bytes_be(in + 192 * i, true, &p[i]) == HF_OK, "%s", c->name);
    cr_expect(hf_g2_from_bytes_evm(in + 192 * i + 64, true, &q[i]) == HF_OK, "%s", c->name);
  }
  bool want = take_count(c) == 1;
  cr_expect(hf_pairing_check(p, q, length / 192, &ok) == HF_OK && ok == want, "%s", c->name);
  seen[want]++;
}

Test(host, pairing) {
  int seen[2] = {0, 0};
  bool ok;
  cr_expect(vectors_each("host.txt", "pairing", pairing_case, NULL) >= 3);
  cr_expect(vectors_each("eip197.txt", "", precompile_case, seen) >= 12);
  cr_expect(seen[0] >= 2 && seen[1] >= 9);
  /* e(a P, b Q) e(-ab P, Q) = 1, with infinities mixed in that change nothing. */
  hf_fr a = hf_fr_from_u64(0x123456789abcdefull), b = hf_fr_pow_u64(a, 5), ab = hf_fr_mul(a, b);
  hf_g1 g = hf_g1_generator(), p[HF_PAIRING_MAX_PAIRS + 1];
  hf_g2 h = hf_g2_generator(), q[HF_PAIRING_MAX_PAIRS + 1];
  p[0] = hf_g1_infinity(), q[0] = h;
  p[1] = hf_g1_from_xyzz(hf_g1_mul(g, a)), q[1] = hf_g2_mul(h, b);
  p[2] = g, q[2] = hf_g2_infinity();
  p[3] = hf_g1_from_xyzz(hf_g1_mul(g, hf_fr_neg(ab))), q[3] = h;
  p[4] = hf_g1_infinity(), q[4] = hf_g2_infinity();
  cr_expect(hf_pairing_check(p, q, 5, &ok) == HF_OK && ok);
  cr_expect(hf_pairing_check(p, q, 3, &ok) == HF_OK && !ok);
  cr_expect(hf_pairing_check(p, q, 1, &ok) == HF_OK && ok);
  cr_expect(hf_pairing_check(p, q, 0, &ok) == HF_OK && ok);
  q[1] = hf_g2_neg(q[1]);
  cr_expect(hf_pairing_check(p, q, 5, &ok) == HF_OK && !ok);
  q[1] = hf_g2_neg(q[1]);
  p[3] = hf_g1_from_xyzz(hf_g1_mul(g, hf_fr_neg(hf_fr_add(ab, hf_fr_one()))));
  cr_expect(hf_pairing_check(p, q, 5, &ok) == HF_OK && !ok);
  p[3].x = hf_fq_add(p[3].x, hf_fq_one());
  ok = true;
  cr_expect(hf_pairing_check(p, q, 5, &ok) == HF_E_CURVE && !ok);
  q[1].x.c1 = hf_fq_add(q[1].x.c1, hf_fq_one());
  ok = true;
  cr_expect(hf_pairing_check(p, q, 2, &ok) == HF_E_CURVE && !ok);
  /* As many as fit: 64 is a multiple of two pairs that cancel. */
  for (size_t i = 0; i <= HF_PAIRING_MAX_PAIRS; i++) {
    p[i] = i % 2 ? hf_g1_neg(g) : g;
    q[i] = h;
  }
  cr_expect(hf_pairing_check(p, q, HF_PAIRING_MAX_PAIRS, &ok) == HF_OK && ok);
  cr_expect(hf_pairing_check(p, q, HF_PAIRING_MAX_PAIRS - 1, &ok) == HF_OK && !ok);
  cr_expect(hf_pairing_check(p, q, HF_PAIRING_MAX_PAIRS + 1, &ok) == HF_E_ARGUMENT && !ok);
}
