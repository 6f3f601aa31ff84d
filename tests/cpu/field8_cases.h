/* One field of kernels/cpu/ifma against big integers. Include with F(f), F8(f), T, T8 and P, the modulus as text. */

/* Element `lane` as an integer; limbs may be signed. */
static void F8(lane)(mpz_t out, const T8 *v, int lane) {
  mpz_t limb;
  mpz_init(limb);
  mpz_set_ui(out, 0);
  for (int i = 4; i >= 0; i--) {
    long long l = ((const long long *)&v->l[i])[lane];
    mpz_set_si(limb, (long)l);
    mpz_mul_2exp(out, out, 52);
    mpz_add(out, out, limb);
  }
  mpz_clear(limb);
}

/* 0 <= x < 2^260, tidy. */
static void F8(set_lane)(T8 *v, int lane, const mpz_t x) {
  mpz_t t;
  mpz_init(t);
  for (int i = 0; i < 5; i++) {
    mpz_tdiv_q_2exp(t, x, 52 * (unsigned)i);
    mpz_tdiv_r_2exp(t, t, 52);
    ((long long *)&v->l[i])[lane] = (long long)mpz_get_ui(t);
  }
  mpz_clear(t);
}

static bool F8(is_tidy)(const T8 *v, int lane) {
  for (int i = 0; i < 5; i++)
    if (((const unsigned long long *)&v->l[i])[lane] >> 52) return false;
  return true;
}

/* got = want modulo p, tidy, below most * p / 100. */
#define SAME8(what, got, want, most)                                                                         \
  do {                                                                                                       \
    mpz_t g_;                                                                                                \
    mpz_init(g_);                                                                                            \
    F8(lane)(g_, &(got), k);                                                                                 \
    cr_assert(F8(is_tidy)(&(got), k), "%s: limbs", what);                                                    \
    mpz_mul_ui(t, p, most);                                                                                  \
    mpz_tdiv_q_ui(t, t, 100);                                                                                \
    cr_assert_lt(mpz_cmp(g_, t), 0, "%s: too large", what);                                                  \
    mpz_sub(g_, g_, want);                                                                                   \
    cr_assert(mpz_divisible_p(g_, p), "%s: wrong", what);                                                    \
    mpz_clear(g_);                                                                                           \
  } while (0)

/* Pairs of integers below `most` p / 100: edges first, then at random. */
static void F8(pairs)(unsigned most, void (*body)(const mpz_t p, mpz_t x[8], mpz_t y[8])) {
  mpz_t p, bound, x[8], y[8], t;
  gmp_randstate_t random;
  gmp_randinit_default(random);
  mpz_inits(p, bound, t, NULL);
  mpz_set_str(p, P, 10);
  mpz_mul_ui(bound, p, most);
  mpz_tdiv_q_ui(bound, bound, 100);
  for (int k = 0; k < 8; k++) mpz_inits(x[k], y[k], NULL);
  for (int round = 0; round < 400; round++) {
    for (int k = 0; k < 8; k++) {
      mpz_urandomm(x[k], random, bound);
      mpz_urandomm(y[k], random, bound);
      unsigned pick = (unsigned)(round * 8 + k);
      for (int side = 0; side < 2 && round < 32; side++, pick /= 16) { /* all pairs of sixteen edges */
        mpz_t *z = side ? &y[k] : &x[k];
        unsigned edge = pick % 16;
        if (edge < 3) mpz_set_ui(*z, edge);
        if (edge == 3) mpz_sub_ui(*z, bound, 1);
        if (edge >= 4 && edge < 10) { /* around p and 2 p */
          mpz_mul_ui(*z, p, 1 + (edge - 4) / 3);
          if (edge % 3 == 0) mpz_sub_ui(*z, *z, 1);
          if (edge % 3 == 2) mpz_add_ui(*z, *z, 1);
        }
        if (edge >= 10 && edge < 14) { /* limbs of ones, and just beyond */
          mpz_set_ui(*z, 0);
          mpz_setbit(*z, 52 * (edge - 9));
          if (edge % 2) mpz_sub_ui(*z, *z, 1);
        }
        if (mpz_cmp(*z, bound) >= 0) mpz_sub_ui(*z, bound, edge);
      }
    }
    body(p, x, y);
  }
  for (int k = 0; k < 8; k++) mpz_clears(x[k], y[k], NULL);
  mpz_clears(p, bound, t, NULL);
  gmp_randclear(random);
}

static void F8(products)(const mpz_t p, mpz_t x[8], mpz_t y[8]) {
  T8 a, b;
  mpz_t t, want, r;
  mpz_inits(t, want, r, NULL);
  for (int k = 0; k < 8; k++) F8(set_lane)(&a, k, x[k]), F8(set_lane)(&b, k, y[k]);
  T8 product = F8(mul)(a, b), square = F8(sqr)(a), reduced = F8(reduce)(a);
  mpz_setbit(r, 260);
  mpz_invert(r, r, p);
  for (int k = 0; k < 8; k++) {
    mpz_mul(want, x[k], y[k]);
    mpz_tdiv_q_2exp(t, want, 260);
    mpz_add(t, t, p); /* the bound that field8.h gives */
    mpz_t got;
    mpz_init(got);
    F8(lane)(got, &product, k);
    cr_assert_leq(mpz_cmp(got, t), 0, "mul: too large");
    mpz_clear(got);
    mpz_mul(want, want, r);
    SAME8("mul", product, want, 8464);
    mpz_mul(want, x[k], x[k]);
    mpz_mul(want, want, r);
    SAME8("sqr", square, want, 8464);
    SAME8("reduce", reduced, x[k], 165);
  }
  mpz_clears(t, want, r, NULL);
}

static void F8(closed)(const mpz_t p, mpz_t x[8], mpz_t y[8]) {
  T8 a, b;
  mpz_t t, want;
  mpz_inits(t, want, NULL);
  for (int k = 0; k < 8; k++) F8(set_lane)(&a, k, x[k]), F8(set_lane)(&b, k, y[k]);
  T8 sum = F8(add)(a, b), difference = F8(sub)(a, b), canonical = F8(canonical_closed)(a);
  T8 back = F8(canonical_closed)(F8(sub)(a, a));
  for (int k = 0; k < 8; k++) {
    mpz_add(want, x[k], y[k]);
    SAME8("add", sum, want, 201);
    mpz_sub(want, x[k], y[k]);
    SAME8("sub", difference, want, 201);
    SAME8("canonical", canonical, x[k], 100);
    mpz_set_ui(want, 0);
    F8(lane)(t, &back, k);
    cr_assert_eq(mpz_sgn(t), 0, "x - x is not zero");
  }
  mpz_clears(t, want, NULL);
}

/* Operands that have more than 2 p, as sums may. */
static void F8(beyond)(const mpz_t p, mpz_t x[8], mpz_t y[8]) {
  T8 a, b;
  mpz_t t, want;
  mpz_inits(t, want, NULL);
  for (int k = 0; k < 8; k++) F8(set_lane)(&a, k, x[k]), F8(set_lane)(&b, k, y[k]);
  T8 sum = F8(add)(a, b), difference = F8(sub)(a, b), canonical = F8(canonical_closed)(a);
  for (int k = 0; k < 8; k++) {
    mpz_add(want, x[k], y[k]);
    SAME8("add", sum, want, 203);
    mpz_sub(want, x[k], y[k]);
    SAME8("sub", difference, want, 202);
    SAME8("canonical", canonical, x[k], 100);
  }
  mpz_clears(t, want, NULL);
}

/* `count` products, of another pair in each lane each time. In the closed set the value is below 2 p; of any tidy operands it
 * has more than 260 bits, and is still below the sum / 2^260 + p. */
static void F8(sum_of)(const mpz_t p, mpz_t x[8], mpz_t y[8], int count, bool closed) {
  T8 value, a, b;
  F8(sum) sum = F8(sum_zero)();
  mpz_t t, got, want[8], r;
  mpz_inits(t, got, r, NULL);
  for (int k = 0; k < 8; k++) mpz_init(want[k]);
  for (int m = 0; m < count; m++) {
    for (int k = 0; k < 8; k++) {
      F8(set_lane)(&a, k, x[(k + m) % 8]), F8(set_lane)(&b, k, y[(k + 3 * m) % 8]);
      mpz_addmul(want[k], x[(k + m) % 8], y[(k + 3 * m) % 8]);
    }
    sum = F8(sum_add)(sum, a, b);
  }
  value = F8(sum_value)(sum);
  mpz_setbit(r, 260);
  mpz_invert(r, r, p);
  for (int k = 0; k < 8; k++) {
    mpz_tdiv_q_2exp(t, want[k], 260);
    mpz_add(t, t, p);
    F8(lane)(got, &value, k);
    cr_assert_leq(mpz_cmp(got, t), 0, "sum of %d: too large", count);
    mpz_mul(want[k], want[k], r);
    if (closed) SAME8("sum", value, want[k], 200);
    mpz_sub(got, got, want[k]);
    cr_assert(mpz_divisible_p(got, p), "sum of %d: wrong", count);
  }
  for (int k = 0; k < 8; k++) mpz_clear(want[k]);
  mpz_clears(t, got, r, NULL);
}

static void F8(sums)(const mpz_t p, mpz_t x[8], mpz_t y[8]) {
  F8(sum_of)(p, x, y, 1, true);
  F8(sum_of)(p, x, y, HF_SUM8_MOST, true);
}

static void F8(wide_sums)(const mpz_t p, mpz_t x[8], mpz_t y[8]) { F8(sum_of)(p, x, y, 200, false); }

/* As many products as are allowed, all of the largest operands: 2.02 p in the closed set, else 2^260 - 1. */
static void F8(sum_ends)(void) {
  mpz_t p, x[8], top;
  mpz_inits(p, top, NULL);
  mpz_set_str(p, P, 10);
  for (int closed = 0; closed < 2; closed++) {
    mpz_set_ui(top, 0);
    if (closed) {
      mpz_mul_ui(top, p, 202);
      mpz_tdiv_q_ui(top, top, 100);
    } else {
      mpz_setbit(top, 260);
    }
    mpz_sub_ui(top, top, 1);
    for (int k = 0; k < 8; k++) mpz_init_set(x[k], top);
    F8(sum_of)(p, x, x, closed ? HF_SUM8_MOST : 200, closed);
    for (int k = 0; k < 8; k++) mpz_clear(x[k]);
  }
  mpz_clears(p, top, NULL);
}

static void F8(memory)(const mpz_t p, mpz_t x[8], mpz_t y[8]) {
  T in[8], out[8], other[8];
  (void)p;
  for (int k = 0; k < 8; k++) {
    memset(&in[k], 0, sizeof in[k]);
    memset(&other[k], 0, sizeof other[k]);
    mpz_export(in[k].l, NULL, -1, 8, 0, 0, x[k]);
    mpz_export(other[k].l, NULL, -1, 8, 0, 0, y[k]);
  }
  F8(store)(out, F8(load)(in));
  cr_assert_arr_eq(out, in, sizeof in);
  F8(store_form)(out, F8(load_form)(in));
  cr_assert_arr_eq(out, in, sizeof in);
  F8(store_form)(out, F8(mul)(F8(load_form)(in), F8(load_form)(other)));
  for (int k = 0; k < 8; k++) cr_assert(F(eq)(out[k], F(mul)(in[k], other[k])));
  F8(store)(out, F8(mul)(F8(load)(in), F8(broadcast_form)(other[5])));
  for (int k = 0; k < 8; k++) cr_assert(F(eq)(out[k], F(mul)(in[k], other[5])));
}

static void F8(transposes)(void) {
  T8 in[8], out[8];
  for (int t = 0; t < 8; t++)
    for (int i = 0; i < 5; i++)
      for (int l = 0; l < 8; l++) ((long long *)&in[t].l[i])[l] = 100 * i + 10 * t + l;
  F8(transpose)(in, out);
  for (int t = 0; t < 8; t++)
    for (int i = 0; i < 5; i++)
      for (int l = 0; l < 8; l++) cr_assert_eq(((long long *)&out[t].l[i])[l], 100 * i + 10 * l + t);
}

static void F8(multiples)(void) {
  mpz_t p, want, t;
  mpz_inits(p, want, t, NULL);
  mpz_set_str(p, P, 10);
  for (unsigned m = 0; m < 84; m++) {
    T8 v = F8(multiple)(m);
    mpz_mul_ui(want, p, m);
    for (int k = 0; k < 8; k++) {
      F8(lane)(t, &v, k);
      cr_assert_eq(mpz_cmp(t, want), 0);
      cr_assert(F8(is_tidy)(&v, k));
    }
  }
  mpz_clears(p, want, t, NULL);
}

void F8(check)(void);

void F8(check)(void) {
  F8(pairs)(8300, F8(products)); /* 2^260 is 84.64 p; a product of larger ones need not fit */
  F8(pairs)(200, F8(products));
  F8(pairs)(200, F8(closed));
  F8(pairs)(201, F8(beyond));
  F8(pairs)(202, F8(sums));
  F8(pairs)(8300, F8(wide_sums));
  F8(sum_ends)();
  F8(pairs)(100, F8(memory));
  F8(transposes)();
  F8(multiples)();
}
#undef SAME8
