/* Every function of fp.h against GMP, as a template: included once per field with
 *   F_T, F(name)      the element type and the prefix of its functions
 *   F_P               the modulus, decimal
 *   F_CASES           the name of the function made
 * Operands are all pairs of raw limbs (Montgomery forms) from a list of edge values, and random ones. */

static void F_CASES(void) {
  mpz_t p, r, r_inverse, a, b, z;
  mpz_inits(p, r, r_inverse, a, b, z, NULL);
  mpz_set_str(p, F_P, 10);
  mpz_ui_pow_ui(r, 2, 256);
  cr_assert(mpz_invert(r_inverse, r, p));
  size_t count;
  uint64_t(*edges)[4] = edge_values(p, &count);

#define RAW(x) to_mpz(a, (x).l)
#define CHECK(what, got, expected, i, j)                                                                     \
  do {                                                                                                       \
    to_mpz(z, (got).l);                                                                                      \
    cr_assert(mpz_cmp(z, expected) == 0, "%s of edge values %zu and %zu", what, (size_t)(i), (size_t)(j));   \
  } while (0)

  for (size_t i = 0; i < count; i++) {
    F_T x;
    memcpy(x.l, edges[i], 32);
    mpz_t ax, t;
    mpz_inits(ax, t, NULL);
    to_mpz(ax, x.l);
    cr_assert_eq(F(is_reduced)(x), 1);
    cr_assert_eq(F(is_zero)(x), mpz_sgn(ax) == 0);
    /* one operand */
    mpz_neg(t, ax), mpz_mod(t, t, p);
    CHECK("neg", F(neg)(x), t, i, i);
    mpz_mul_ui(t, ax, 2), mpz_mod(t, t, p);
    CHECK("dbl", F(dbl)(x), t, i, i);
    mpz_mul(t, ax, ax), mpz_mul(t, t, r_inverse), mpz_mod(t, t, p);
    CHECK("sqr", F(sqr)(x), t, i, i);
    mpz_mul(t, ax, r), mpz_mod(t, t, p);
    CHECK("from_limbs", F(from_limbs)(x), t, i, i);
    mpz_mul(t, ax, r_inverse), mpz_mod(t, t, p);
    CHECK("to_limbs", F(to_limbs)(x), t, i, i);
    /* bytes, both orders; t is the integer that x stands for */
    unsigned char little[32], big[32], expected[32] = {0};
    F(to_bytes)(x, little);
    F(to_bytes_be)(x, big);
    mpz_export(expected, NULL, -1, 1, 0, 0, t);
    cr_assert_arr_eq(little, expected, 32);
    for (int k = 0; k < 32; k++) cr_assert_eq(big[k], little[31 - k]);
    F_T back = F(zero)();
    cr_assert(F(from_bytes)(little, &back) && F(eq)(back, x));
    back = F(one)();
    cr_assert(F(from_bytes_be)(big, &back) && F(eq)(back, x));
    /* x + p is the same residue but no canonical encoding; *out stays as it was */
    mpz_add(t, t, p);
    memset(expected, 0, 32);
    mpz_export(expected, NULL, -1, 1, 0, 0, t);
    back = F(one)();
    cr_assert(!F(from_bytes)(expected, &back) && F(eq)(back, F(one)()));
    to_limbs(t, back.l);
    cr_assert_eq(F(is_reduced)(back), 0);
    /* reduce_once undoes the addition of p */
    mpz_add(t, ax, p);
    to_limbs(t, back.l);
    CHECK("reduce_once", F(reduce_once)(back), ax, i, i);
    CHECK("reduce_once", F(reduce_once)(x), ax, i, i);
    /* inverse: (x R^-1)^-1 R = x^-1 R^2 */
    if (mpz_sgn(ax)) {
      mpz_invert(t, ax, p), mpz_mul(t, t, r), mpz_mul(t, t, r), mpz_mod(t, t, p);
      CHECK("inv", F(inv)(x), t, i, i);
      CHECK("inv_power", F(inv_power)(x), t, i, i);
    } else {
      CHECK("inv", F(inv)(x), ax, i, i);
      CHECK("inv_power", F(inv_power)(x), ax, i, i);
    }
    /* two operands */
    for (size_t j = 0; j < count; j++) {
      F_T y;
      memcpy(y.l, edges[j], 32);
      to_mpz(b, y.l);
      cr_assert_eq(F(eq)(x, y), mpz_cmp(ax, b) == 0);
      mpz_add(t, ax, b), mpz_mod(t, t, p);
      CHECK("add", F(add)(x, y), t, i, j);
      mpz_sub(t, ax, b), mpz_mod(t, t, p);
      CHECK("sub", F(sub)(x, y), t, i, j);
      mpz_mul(t, ax, b), mpz_mul(t, t, r_inverse), mpz_mod(t, t, p);
      CHECK("mul", F(mul)(x, y), t, i, j);
    }
    mpz_clears(ax, t, NULL);
  }

  /* powers: exponents are plain integers, any four limbs */
  uint64_t seed = 7;
  for (size_t i = 0; i < 40; i++) {
    F_T x, e;
    memcpy(x.l, edges[next_u64(&seed) % count], 32);
    memcpy(e.l, edges[i % count], 32);
    if (i == 0) memset(e.l, 0xff, 32);
    mpz_t t, ee;
    mpz_inits(t, ee, NULL);
    to_mpz(t, x.l);
    mpz_mul(t, t, r_inverse), mpz_mod(t, t, p);
    to_mpz(ee, e.l);
    mpz_powm(z, t, ee, p), mpz_mul(z, z, r), mpz_mod(z, z, p), mpz_set(b, z);
    CHECK("pow", F(pow)(x, e), b, i, i);
    mpz_set_ui(ee, 0);
    uint64_t low = e.l[0];
    mpz_import(ee, 1, -1, 8, 0, 0, &low);
    mpz_powm(z, t, ee, p), mpz_mul(z, z, r), mpz_mod(z, z, p), mpz_set(b, z);
    CHECK("pow_u64", F(pow_u64)(x, low), b, i, i);
    mpz_mul(b, ee, r), mpz_mod(b, b, p);
    CHECK("from_u64", F(from_u64)(low), b, i, i);
    mpz_clears(t, ee, NULL);
  }
  mpz_mod(b, r, p);
  CHECK("one", F(one)(), b, 0, 0);
  free(edges);
  mpz_clears(p, r, r_inverse, a, b, z, NULL);
#undef RAW
#undef CHECK
}
