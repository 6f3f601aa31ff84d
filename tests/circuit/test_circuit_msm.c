/* Multi-scalar multiplication, the endomorphism and canonical words of coordinates, against the host's curve
 * and GMP. */
#include "circuit_support.h"
#include <gmp.h>
#include "circuit/msm.h"
#include "host/glv.h"
#include "host/transcript.h"

#define WIDTH HF_NONNATIVE_WIDTH
#define MOST  15

static hf_fr power_of_two(unsigned k) { return hf_fr_pow_u64(fr(2), k); }

static hf_g1 point(hf_fr k) { return hf_g1_from_xyzz(hf_g1_mul(hf_g1_generator(), k)); }

static hf_g1 add(hf_g1 p, hf_g1 q) { return hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(p), q)); }

/* ---- scalars ---- */

static void to_mpz(mpz_t out, hf_fr x) {
  hf_fr l = hf_fr_to_limbs(x);
  mpz_import(out, 4, -1, 8, 0, 0, l.l);
}

/* 2 half + 1 - 2^127 */
static void half_to_mpz(mpz_t out, hf_fr half) {
  to_mpz(out, half);
  cr_assert_leq(mpz_sizeinbase(out, 2), HF_GLV_BITS, "a half has more than %d bits", HF_GLV_BITS);
  mpz_mul_2exp(out, out, 1);
  mpz_add_ui(out, out, 1);
  mpz_t offset;
  mpz_init(offset);
  mpz_setbit(offset, HF_GLV_BITS);
  mpz_sub(out, out, offset);
  mpz_clear(offset);
}

Test(msm, scalars_are_split_into_odd_halves) {
  mpz_t r, k, part[2], lambda, sum;
  mpz_inits(r, k, part[0], part[1], lambda, sum, NULL);
  mpz_set_str(r, "21888242871839275222246405745257275088548364400416034343698204186575808495617", 10);
  to_mpz(lambda, hf_glv_lambda());
  mpz_powm_ui(sum, lambda, 3, r);
  cr_assert_eq(mpz_cmp_ui(sum, 1), 0, "lambda^3 = 1");
  cr_assert_neq(mpz_cmp_ui(lambda, 1), 0);
  hf_fq beta = hf_glv_beta();
  cr_assert(hf_fq_eq(hf_fq_mul(hf_fq_sqr(beta), beta), hf_fq_one()) && !hf_fq_eq(beta, hf_fq_one()));
  size_t widest = 0;
  for (uint64_t i = 0; i < 4000; i++) {
    hf_fr x = fr_random(i), half[2];
    /* small and large numbers, and those around multiples of lambda */
    if (i < 300) x = i & 1 ? hf_fr_neg(fr(i / 2)) : fr(i / 2);
    if (i >= 300 && i < 600) x = hf_fr_mul(hf_glv_lambda(), i & 1 ? hf_fr_neg(fr(i)) : fr(i));
    if (i >= 600 && i < 1100)
      x = hf_fr_add(power_of_two((unsigned)(i - 600) / 2), i & 1 ? fr(1) : hf_fr_neg(fr(1)));
    hf_glv_split(x, half);
    for (int j = 0; j < 2; j++) {
      half_to_mpz(part[j], half[j]);
      cr_assert(mpz_odd_p(part[j]));
      if (mpz_sizeinbase(part[j], 2) > widest) widest = mpz_sizeinbase(part[j], 2);
    }
    mpz_mul(sum, lambda, part[1]);
    mpz_add(sum, sum, part[0]);
    mpz_mod(sum, sum, r);
    to_mpz(k, x);
    cr_assert_eq(mpz_cmp(sum, k), 0, "number %llu", (unsigned long long)i);
  }
  fprintf(stderr, "halves: at most %zu bits\n", widest);
  cr_assert_leq(widest, HF_GLV_BITS);
  /* the endomorphism is multiplication by lambda */
  hf_g1 p = point(fr(12345)), q = {hf_fq_mul(p.x, beta), p.y};
  cr_assert(hf_g1_eq(q, hf_g1_from_xyzz(hf_g1_mul(p, hf_glv_lambda()))));
  mpz_clears(r, k, part[0], part[1], lambda, sum, NULL);
}

/* ---- sums ---- */

typedef struct sum_input {
  unsigned count, full; /* terms; and pairs of terms made of a full scalar, before them */
  hf_g1 p[MOST];
  hf_fr half[MOST];
  unsigned bits[MOST];
  hf_g1 out; /* written by the circuit */
  uint32_t rows;
} sum_input;

static void sum_circuit(hf_builder *b, const void *input) {
  sum_input *in = (sum_input *)(uintptr_t)input;
  hf_msm_term terms[HF_MSM_TERMS];
  unsigned n = 0;
  for (unsigned i = 0; i < in->count; i++) {
    hf_curve_point p = hf_curve_point_hint(b, in->p[i], "point");
    hf_var k = hf_hint(b, in->half[i], "half");
    if (i < in->full) {
      hf_msm_full(b, p, k, terms + n);
      n += 2;
    } else {
      terms[n++] = (hf_msm_term){p, k, in->bits[i]};
    }
  }
  uint32_t start = hf_builder_rows(b);
  hf_curve_point out = hf_msm(b, "sum", terms, n);
  in->rows = hf_builder_rows(b) - start;
  in->out = hf_curve_point_value(b, out);
  hf_var words[4];
  hf_curve_point_words(b, out, words);
  for (int i = 0; i < 4; i++) hf_public_input(b, words[i]);
}

/* v = 2 half + 1 - 2^bits */
static hf_fr value_of(hf_fr half, unsigned bits) {
  return hf_fr_sub(hf_fr_add(hf_fr_add(half, half), fr(1)), power_of_two(bits));
}

static hf_fr random_half(uint64_t seed, unsigned bits) {
  hf_fr l = hf_fr_to_limbs(fr_random(seed));
  for (unsigned i = 0; i < 4; i++) {
    if (64 * i >= bits)
      l.l[i] = 0;
    else if (bits - 64 * i < 64)
      l.l[i] &= (1ull << (bits - 64 * i)) - 1;
  }
  return hf_fr_from_limbs(l);
}

static hf_g1 expected_sum(const sum_input *in) {
  hf_g1_xyzz sum = hf_g1_xyzz_infinity();
  for (unsigned i = 0; i < in->count; i++) {
    hf_fr k = i < in->full ? in->half[i] : value_of(in->half[i], in->bits[i]);
    sum = hf_g1_xyzz_add_affine(sum, hf_g1_from_xyzz(hf_g1_mul(in->p[i], k)));
  }
  return hf_g1_from_xyzz(sum);
}

/* The same on values, of the circuit's own additions. */
static hf_g1 replayed(const sum_input *in, bool *ok) {
  hf_msm_value terms[HF_MSM_TERMS];
  unsigned n = 0;
  for (unsigned i = 0; i < in->count; i++) {
    if (i < in->full) {
      hf_msm_full_value(in->p[i], in->half[i], terms + n);
      n += 2;
    } else {
      terms[n++] = (hf_msm_value){in->p[i], in->half[i], in->bits[i]};
    }
  }
  return hf_msm_replay(terms, n, ok);
}

static void assert_sum(sum_input *in) {
  bool ok;
  hf_circuit *c = build(WIDTH, sum_circuit, in, NULL);
  cr_assert_eq(hf_circuit_check(c), HF_OK, "%u terms: %s", in->count, hf_error_message());
  hf_g1 expected = expected_sum(in);
  cr_assert(hf_g1_eq(in->out, expected), "%u terms", in->count);
  cr_assert(hf_g1_eq(replayed(in, &ok), expected));
  cr_assert(ok);
  hf_fr words[4];
  hf_g1_to_words(expected, words);
  for (int i = 0; i < 4; i++) cr_assert(hf_fr_eq(c->public_inputs[i], words[i]));
  hf_circuit_destroy(&c);
}

static void fill(sum_input *in, uint64_t seed) {
  for (unsigned i = 0; i < in->count; i++) {
    in->p[i] = point(fr_random(seed + 2 * i));
    in->half[i] = i < in->full ? fr_random(seed + 2 * i + 1) : random_half(seed + 2 * i + 1, in->bits[i]);
  }
}

Test(msm, sums_agree_with_the_curve) {
  uint32_t rows[MOST + 1] = {0};
  for (unsigned count = 1; count <= MOST; count++) {
    sum_input in = {.count = count};
    /* 1 to 13 bits, all different below eight terms; full challenges and halves at three sizes */
    bool wide = count == 1 || count == 6;
    for (unsigned i = 0; i < count; i++)
      in.bits[i] = wide ? (i % 2 ? 126 : 127) : 1 + (3 * i + 5 * count) % 13;
    fill(&in, 1000 * count);
    assert_sum(&in);
    rows[count] = in.rows;
  }
  sum_input edges = {.count = 3, .bits = {4, 3, 4}};
  for (unsigned zeros = 0; zeros < 8; zeros++) { /* the least and the greatest of their bits */
    fill(&edges, 77);
    for (unsigned i = 0; i < 3; i++)
      edges.half[i] = zeros >> i & 1 ? fr(0) : hf_fr_sub(power_of_two(edges.bits[i]), fr(1));
    assert_sum(&edges);
  }
  fprintf(stderr, "rows: sum of one term of 127 bits %u, of six of 126 and 127 bits %u\n", rows[1], rows[6]);
  /* a bit costs two chained additions for the first group and one for each other */
  cr_assert_leq(rows[1], 127 * 2 * 62);
  cr_assert_leq(rows[6], 127 * 3 * 62);
  fprintf(stderr, "rows: a chained addition in them %.1f and %.1f, tables and digits included\n",
          rows[1] / 254.0, rows[6] / 381.0);
}

Test(msm, full_scalars) {
  sum_input in = {.count = 3, .full = 2, .bits = {0, 0, 126}};
  fill(&in, 5);
  assert_sum(&in);
  in.count = in.full = 1;
  hf_fr special[] = {
      fr(0), fr(1), hf_fr_neg(fr(1)), hf_glv_lambda(), hf_fr_neg(hf_glv_lambda()), power_of_two(253)};
  for (size_t i = 1; i < sizeof special / sizeof *special; i++) {
    in.half[0] = special[i];
    assert_sum(&in);
  }
  /* 0 P is the point at infinity: the last addition is exceptional, which the replay tells */
  bool ok = true;
  in.half[0] = special[0];
  (void)replayed(&in, &ok);
  cr_assert_not(ok);
  assert_refused(WIDTH, sum_circuit, &in, NULL, "the points of an addition differ in x");
}

Test(msm, exceptional_sums_are_refused) {
  bool ok = true;
  sum_input in = {.count = 3, .bits = {3, 3, 3}};
  fill(&in, 9);
  in.p[1] = in.p[0]; /* equal points meet in the table of signed sums */
  (void)replayed(&in, &ok);
  cr_assert_not(ok);
  assert_refused(WIDTH, sum_circuit, &in, NULL, "the points of an addition differ in x");
  in.p[1] = hf_g1_neg(in.p[0]);
  assert_refused(WIDTH, sum_circuit, &in, NULL, "the points of an addition differ in x");
  /* a point that is chosen to meet the running sum: the offset itself, added or taken away at first */
  for (uint64_t half = 0; half < 8; half += 7) {
    sum_input one = {.count = 1, .bits = {3}, .p = {hf_msm_offset()}, .half = {fr(half)}};
    ok = true;
    (void)replayed(&one, &ok);
    cr_assert_not(ok);
    assert_refused(WIDTH, sum_circuit, &one, NULL, "differ in x");
  }
  /* P with O + P = Q, then 2 (O + P) + Q, whose first addition is O + P and Q of the second group */
  sum_input two = {.count = 6, .bits = {1, 1, 1, 1, 1, 1}};
  fill(&two, 40);
  hf_g1 first = hf_msm_offset();
  for (unsigned i = 0; i < 5; i++) {
    two.half[i] = fr(1);
    first = add(first, two.p[i]);
  }
  two.half[5] = fr(1);
  two.p[5] = first;
  ok = true;
  (void)replayed(&two, &ok);
  cr_assert_not(ok);
  assert_refused(WIDTH, sum_circuit, &two, NULL, "the points of a chained addition differ in x");
}

Test(msm, wrong_scalars_are_refused) {
  sum_input in = {.count = 6, .bits = {5, 4, 5, 5, 5, 5}};
  fill(&in, 31);
  /* one more than its bits hold */
  sum_input wide = in;
  wide.half[0] = power_of_two(5);
  assert_refused(WIDTH, sum_circuit, &wide, NULL, "digits of a scalar");
  wide = in;
  wide.half[5] = hf_fr_neg(fr(1));
  assert_refused(WIDTH, sum_circuit, &wide, NULL, "digits of a scalar");
  liar digit = {.name = "digit address", .index = 3, .add = true, .value = fr(1)};
  assert_refused(WIDTH, sum_circuit, &in, &digit, "digits of a scalar");
  digit = (liar){.name = "digit address", .index = 3, .value = fr(32)};
  assert_refused(WIDTH, sum_circuit, &in, &digit, "ROM read");
  digit = (liar){.name = "digit address", .index = 6, .value = fr(2)}; /* the group of one has two sums */
  assert_refused(WIDTH, sum_circuit, &in, &digit, "slope of a chained addition");
  in = (sum_input){.count = 1, .full = 1};
  fill(&in, 32);
  liar half = {.name = "half of a scalar", .index = 1, .add = true, .value = fr(1)};
  assert_refused(WIDTH, sum_circuit, &in, &half, "halves of a scalar");
}

/* ---- chains ---- */

typedef struct chain_input {
  hf_g1 start, p[2];
  uint64_t address[4];
  hf_g1 out;
  uint32_t rows_double, rows_after, rows_add;
} chain_input;

static void chain_circuit(hf_builder *b, const void *input) {
  chain_input *in = (chain_input *)(uintptr_t)input;
  hf_curve_point start = hf_curve_point_hint(b, in->start, "start"), p[2];
  hf_signed_sums sums;
  hf_chain chain;
  hf_var a[4];
  for (int i = 0; i < 2; i++) p[i] = hf_curve_point_hint(b, in->p[i], "point");
  hf_signed_sums_create(b, p, 2, &sums);
  for (int i = 0; i < 4; i++) a[i] = hf_hint(b, fr(in->address[i]), "address");
  hf_chain_begin(b, &chain, start, hf_signed_sums_read(b, &sums, a[0]));
  uint32_t at = hf_builder_rows(b);
  hf_chain_double_add(b, &chain, &sums, a[1]);
  in->rows_double = hf_builder_rows(b) - at;
  at = hf_builder_rows(b);
  hf_chain_add_read(b, &chain, &sums, a[2]);
  in->rows_after = hf_builder_rows(b) - at;
  at = hf_builder_rows(b);
  hf_chain_add(b, &chain, p[0]);
  in->rows_add = hf_builder_rows(b) - at;
  hf_chain_double_add(b, &chain, &sums, a[3]);
  in->out = hf_curve_point_value(b, hf_chain_end(b, &chain));
}

static hf_g1 sum_at(const chain_input *in, uint64_t address) {
  return add(address & 1 ? in->p[0] : hf_g1_neg(in->p[0]), address & 2 ? in->p[1] : hf_g1_neg(in->p[1]));
}

Test(msm, chains_double) {
  chain_input in = {.start = point(fr(5)), .p = {point(fr(70)), point(fr(900))}};
  for (uint64_t i = 0; i < 8; i++) {
    for (int j = 0; j < 4; j++) in.address[j] = (i + (uint64_t)j * (i + 1)) & 3;
    hf_circuit *c = build(WIDTH, chain_circuit, &in, NULL);
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    hf_g1 e = add(in.start, sum_at(&in, in.address[0]));
    e = add(hf_g1_from_xyzz(hf_g1_xyzz_dbl(hf_g1_to_xyzz(e))), sum_at(&in, in.address[1]));
    e = add(add(e, sum_at(&in, in.address[2])), in.p[0]);
    e = add(hf_g1_from_xyzz(hf_g1_xyzz_dbl(hf_g1_to_xyzz(e))), sum_at(&in, in.address[3]));
    cr_assert(hf_g1_eq(in.out, e), "chain %llu", (unsigned long long)i);
    hf_circuit_destroy(&c);
  }
  fprintf(stderr, "rows: doubling and addition %u, addition after it %u, after an addition %u\n",
          in.rows_double, in.rows_after, in.rows_add);
  cr_assert_leq(in.rows_double, 2 * 62);
  cr_assert_leq(in.rows_double, 88);
  cr_assert_leq(in.rows_after, 44);
  cr_assert_leq(in.rows_add, 42);
  /* P = -2 A: the running sum and its sum with P have one x */
  chain_input meets = {
      .start = point(fr(11)), .p = {point(fr(17)), point(hf_fr_neg(fr(73)))}, .address = {3, 1}};
  hf_g1 running = add(meets.start, sum_at(&meets, 3)), p = sum_at(&meets, 1);
  cr_assert(hf_g1_eq(p, hf_g1_neg(hf_g1_from_xyzz(hf_g1_xyzz_dbl(hf_g1_to_xyzz(running))))));
  assert_refused(WIDTH, chain_circuit, &meets, NULL, "the points of a chained doubling differ in x");
}

/* ---- words ---- */

typedef struct words_input {
  hf_g1 p;
  uint32_t rows;
  hf_fr words[4];
} words_input;

static void words_circuit(hf_builder *b, const void *input) {
  words_input *in = (words_input *)(uintptr_t)input;
  hf_curve_point p = {hf_limbs_hint(b, in->p.x, "x"), hf_limbs_hint(b, in->p.y, "y")};
  hf_var words[4];
  uint32_t start = hf_builder_rows(b);
  hf_curve_point_words(b, p, words);
  in->rows = hf_builder_rows(b) - start;
  for (int i = 0; i < 4; i++) in->words[i] = hf_value(b, words[i]);
}

/* Adds k[i] to the limbs of x. */
typedef struct limb_liar {
  hf_fr add[4];
  unsigned seen;
} limb_liar;

static void move_limbs(void *context, uint32_t hint, const char *name, hf_fr *value) {
  limb_liar *l = context;
  (void)hint;
  if (!strcmp(name, "x")) *value = hf_fr_add(*value, l->add[l->seen++]);
}

/* NULL = accepted, else the constraint that is expected. */
static void words_with(hf_fq x, const hf_fr add[4], const char *expected) {
  words_input in = {.p = {x, hf_fq_from_u64(5)}};
  limb_liar l = {.seen = 0};
  memcpy(l.add, add, sizeof l.add);
  hf_circuit *c = build_with(WIDTH, words_circuit, &in, move_limbs, &l);
  if (expected == NULL) {
    cr_assert_eq(hf_circuit_check(c), HF_OK, "%s", hf_error_message());
    hf_fr words[4];
    hf_g1_to_words(in.p, words);
    for (int i = 0; i < 4; i++) cr_assert(hf_fr_eq(words[i], in.words[i]), "word %d", i);
  } else {
    assert_fails_at(c, expected);
  }
  hf_circuit_destroy(&c);
}

Test(msm, coordinates_have_one_pair_of_words) {
  hf_fq two_128 = hf_fq_from_limbs((hf_fq){{0, 0, 1, 0}}), minus_one = hf_fq_neg(hf_fq_one());
  hf_fq low_of_q = hf_fq_from_limbs((hf_fq){{q_limbs[0], q_limbs[1], 0, 0}});
  hf_fq cases[] = {hf_fq_zero(),
                   hf_fq_one(),
                   minus_one,
                   two_128,
                   hf_fq_sub(two_128, hf_fq_one()),
                   low_of_q,
                   hf_fq_sub(low_of_q, hf_fq_one()),
                   hf_fq_sub(minus_one, low_of_q),
                   hf_fq_neg(two_128)};
  hf_fr none[4] = {fr(0), fr(0), fr(0), fr(0)}, minus_q[4], plus_q[4];
  words_input in = {.p = point(fr(99))};
  assert_satisfied(WIDTH, words_circuit, &in);
  fprintf(stderr, "rows: words of a point %u\n", in.rows);
  cr_assert_leq(in.rows, 30);
  for (int i = 0; i < 4; i++) {
    plus_q[i] = fr(q_limbs[i]);
    minus_q[i] = hf_fr_neg(plus_q[i]);
  }
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    words_with(cases[i], none, NULL);
    /* x + q: limbs of 65 bits stand for it, and it is not below q */
    words_with(cases[i], plus_q, "coordinate");
    if (i != 0) continue;
    words_with(cases[i], minus_q, "");
    words_with(hf_fq_one(), minus_q, "");
  }
  /* the same number in other limbs has the same words; a limb may have 68 bits */
  hf_fq x = hf_fq_from_limbs((hf_fq){{7, 1000, 1001, 1002}});
  hf_fr two_64 = power_of_two(64);
  hf_fr down[4] = {two_64, hf_fr_neg(fr(1)), fr(0), fr(0)},
        high[4] = {fr(0), fr(0), hf_fr_mul(two_64, fr(5)), hf_fr_neg(fr(5))};
  words_with(x, down, NULL);
  words_with(x, high, NULL);
  /* from the low word into the high one: refused, as the low word would have more than 128 bits */
  hf_fr across[4] = {fr(0), two_64, hf_fr_neg(fr(1)), fr(0)},
        back[4] = {fr(0), hf_fr_neg(two_64), fr(1), fr(0)};
  words_with(x, across, "low word of a coordinate");
  words_with(x, back, "");
}
