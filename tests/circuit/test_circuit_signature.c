/* BabyJubJub and EdDSA in rows against the host. */
#include "circuit_support.h"
#include "circuit/hash.h"
#include "circuit/signature.h"
#include "host/babyjub.h"
#include "host/domains.h"
#include "host/eddsa.h"
#include "host/scalar.h"
#include "limbs.h"

typedef struct point_input {
  hf_bjj p, q;
} point_input;

static void point_circuit(hf_builder *b, const void *input) {
  const point_input *in = input;
  hf_point p = hf_point_hint(b, in->p.x, in->p.y, "p"), q = hf_point_hint(b, in->q.x, in->q.y, "q");
  hf_point_assert_on_curve(b, "p is on the curve", p);
  hf_point_assert_on_curve(b, "q is on the curve", q);
  hf_rom table = hf_rom_create(b);
  hf_point_write(b, table, 7, q);
  hf_point sum = hf_point_add(b, p, q);
  hf_point more = hf_point_add_read(b, sum, table, hf_constant_u64(b, 7));
  hf_point chosen = hf_point_select(b, hf_one(b), more, p);
  hf_public_input(b, sum.x);
  hf_public_input(b, sum.y);
  hf_public_input(b, chosen.x);
  hf_public_input(b, chosen.y);
}

Test(circuit, edwards_addition) {
  hf_bjj points[4] = {hf_bjj_identity(), hf_bjj_base()};
  uint64_t k[4] = {12345, 678, 9, 0};
  points[2] = hf_bjj_mul(hf_bjj_base(), k);
  points[3] = hf_bjj_neg(points[2]);
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      point_input in = {points[i], points[j]};
      hf_circuit *c = build(4, point_circuit, &in, NULL);
      cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
      hf_bjj sum = hf_bjj_add(in.p, in.q), more = hf_bjj_add(sum, in.q);
      cr_assert(hf_fr_eq(c->public_inputs[0], sum.x) && hf_fr_eq(c->public_inputs[1], sum.y));
      cr_assert(hf_fr_eq(c->public_inputs[2], more.x) && hf_fr_eq(c->public_inputs[3], more.y));
      hf_circuit_destroy(&c);
    }
  point_input off = {points[2], points[1]};
  off.p.x = hf_fr_add(off.p.x, fr(1));
  assert_refused(4, point_circuit, &off, NULL, "p is on the curve");
  point_input zero = {points[2], {fr(0), fr(0)}};
  assert_refused(4, point_circuit, &zero, NULL, "q is on the curve");
  point_input in = {points[2], points[1]};
  liar l = {.name = "table point", .index = 0, .value = points[2].x};
  assert_refused(4, point_circuit, &in, &l, "Edwards addition of a table point");
}

typedef struct signature_input {
  hf_bjj key;
  hf_fr message[4];
  hf_eddsa_signature signature;
  hf_fr s; /* as a field element */
} signature_input;

#define WINDOW 3

static void signature_circuit(hf_builder *b, const void *input) {
  const signature_input *in = input;
  hf_base_table base;
  hf_base_table_create(b, WINDOW, &base);
  hf_point a = hf_point_hint(b, in->key.x, in->key.y, "key");
  hf_point r = hf_point_hint(b, in->signature.r.x, in->signature.r.y, "R");
  hf_var s = hf_hint(b, in->s, "S"), words[8] = {r.x, r.y, a.x, a.y};
  for (int i = 0; i < 4; i++) words[4 + i] = hf_hint(b, in->message[i], "message");
  hf_var h = hf_hash_words(b, HF_DOMAIN_SIGNATURE, words, 8);
  hf_signature_check(b, &base, a, r, s, h);
  for (int i = 0; i < 8; i++) hf_public_input(b, words[i]);
}

static signature_input sign(uint64_t seed) {
  signature_input in;
  hf_eddsa_key key;
  uint8_t bytes[32];
  hf_digest d = hf_digest_bytes(&seed, sizeof seed);
  memcpy(bytes, d.b, 32);
  cr_assert_eq(hf_eddsa_key_from_seed(bytes, &key), HF_OK);
  in.key = key.public_key;
  for (uint64_t i = 0; i < 4; i++) in.message[i] = fr_random(seed + i);
  hf_eddsa_sign(&key, in.message, &in.signature);
  cr_assert(hf_fr_from_bytes(in.signature.s, &in.s));
  bool ok;
  cr_assert_eq(hf_eddsa_verify(in.key, in.message, &in.signature, &ok), HF_OK);
  cr_assert(ok);
  return in;
}

Test(circuit, signatures) {
  signature_input in = sign(1), other = sign(2);
  hf_digest digest[2];
  for (int i = 0; i < 2; i++) {
    hf_circuit *c = build(4, signature_circuit, i ? &other : &in, NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    digest[i] = hf_circuit_structure_digest(c);
    hf_circuit_destroy(&c);
  }
  cr_assert(hf_digest_eq(&digest[0], &digest[1]));

  signature_input bad = in;
  bad.message[2] = hf_fr_add(bad.message[2], fr(1));
  assert_refused(4, signature_circuit, &bad, NULL, "R = S B - h A");
  bad = in;
  bad.signature.r = other.signature.r;
  assert_refused(4, signature_circuit, &bad, NULL, "R = S B - h A");
  bad = in;
  bad.s = hf_fr_add(bad.s, fr(1));
  assert_refused(4, signature_circuit, &bad, NULL, "R = S B - h A");
  bad = in;
  bad.key.x = hf_fr_add(bad.key.x, fr(1));
  assert_refused(4, signature_circuit, &bad, NULL, "key is on the curve");

  /* S + l: the same point, refused by the range alone */
  hf_fr order = {
      {0x677297dc392126f1ull, 0xab3eedb83920ee0aull, 0x370a08b6d0302b0bull, 0x060c89ce5c263405ull}};
  bad = in;
  bad.s = hf_fr_add(bad.s, hf_fr_from_limbs(order));
  assert_refused(4, signature_circuit, &bad, NULL, "S is below the group order");

  /* a key of order 2: R = S B for any message with an even challenge, so only its order refuses it */
  bad.key = (hf_bjj){fr(0), hf_fr_neg(fr(1))};
  assert_refused(4, signature_circuit, &bad, NULL, "key is not of small order");

  /* other digits for the same h: the sum of h + r */
  liar digit = {.name = "challenge digit", .index = 5, .add = true, .value = fr(1)};
  assert_refused(4, signature_circuit, &in, &digit, "challenge = sum of its digits");
  liar large = {.name = "challenge digit", .index = 5, .value = fr(16)};
  assert_refused(4, signature_circuit, &in, &large, "S B - h A");
  liar window = {.name = "S digit", .index = 1, .add = true, .value = fr(1)};
  assert_refused(4, signature_circuit, &in, &window, "S = sum of its digits");
  liar table = {.name = "table point", .index = 9, .add = true, .value = fr(1)};
  assert_refused(4, signature_circuit, &in, &table, "S B - h A");
}

/* The digits of h + r: they sum to h modulo r and would multiply A by another integer when A is outside the
 * subgroup. */
typedef struct digit_liar {
  hf_fr h_plus_r;
  unsigned at;
} digit_liar;

static void digit_lie(void *context, uint32_t hint, const char *name, hf_fr *value) {
  digit_liar *l = context;
  (void)hint;
  if (strcmp(name, "challenge digit")) return;
  *value = fr(l->h_plus_r.l[l->at / 16] >> 4 * (l->at % 16) & 15);
  l->at++;
}

Test(circuit, the_challenge_is_an_integer_below_r) {
  signature_input in;
  hf_fr r = {{0x43e1f593f0000001ull, 0x2833e84879b97091ull, 0xb85045b68181585dull, 0x30644e72e131a029ull}};
  in = sign(3);
  hf_fr h = hf_fr_to_limbs(hf_eddsa_challenge(in.signature.r, in.key, in.message));
  digit_liar l = {.h_plus_r = limbs_plus(h, r)};
  hf_circuit *c = build_with(4, signature_circuit, &in, digit_lie, &l);
  hf_failure failures[16];
  size_t count;
  cr_assert_eq(l.at, 64);
  cr_assert_eq(hf_circuit_failures(c, failures, 16, &count), HF_OK);
  bool below = false;
  for (size_t i = 0; i < count; i++) {
    below |= !strcmp(failures[i].name, "challenge is below r");
    cr_assert(strcmp(failures[i].name, "challenge = sum of its digits"));
  }
  cr_assert(below);
  hf_circuit_destroy(&c);
}

static void base_circuit(hf_builder *b, const void *input) {
  (void)input;
  hf_bjj base = hf_bjj_base();
  signature_input in = {.key = base, .signature = {.r = base}};
  for (uint64_t i = 0; i < 4; i++) in.message[i] = fr_random(i);
  in.s = hf_signature_by_base(hf_eddsa_challenge(base, base, in.message));
  signature_circuit(b, &in);
}

Test(circuit, signatures_by_the_base_point_and_rows) {
  assert_satisfied(4, base_circuit, NULL);
  hf_builder_options options = {.table_width = 16};
  hf_builder *b;
  hf_circuit *c;
  cr_assert_eq(hf_builder_create(&options, &b), HF_OK);
  hf_base_table base;
  hf_base_table_create(b, 6, &base);
  signature_input in = sign(9);
  hf_point a = hf_point_hint(b, in.key.x, in.key.y, "key");
  hf_point r = hf_point_hint(b, in.signature.r.x, in.signature.r.y, "R");
  hf_fr h = hf_eddsa_challenge(in.signature.r, in.key, in.message);
  hf_signature_check(b, &base, a, r, hf_hint(b, in.s, "S"), hf_hint(b, h, "h"));
  cr_assert_eq(hf_builder_finish(b, &c), HF_OK, "%s", hf_error_message());
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
  size_t count;
  const hf_scope_rows *s = hf_circuit_scopes(c, &count);
  for (size_t i = 0; i < count; i++)
    if (!strcmp(s[i].name, "signature")) {
      fprintf(stderr, "rows of a signature, windows of 6 bits: %u\n", s[i].total);
      cr_assert_leq(s[i].total, 310);
    }
  hf_circuit_destroy(&c);
  hf_builder_destroy(&b);
  cr_assert_eq(hf_base_window(1), 3);
  cr_assert_geq(hf_base_window(512), 6);
}
