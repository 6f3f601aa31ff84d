/* Soundness of the relation: for every constraint a witness that violates it alone, proved by a prover that
 * does not care. The prover may refuse (sums), the verifier must. */
#include <criterion/criterion.h>
#include "arith/columns.h"
#include "rig.h"

static rig r; /* of this process's test */

/* Restores an honest circuit. */
static void honest(void) {
  tiny_destroy(r.circuit);
  r.circuit = tiny_circuit(RIG_LOG_N, 12);
}

static hf_fr *cell(int wire, int row) { return &r.circuit->wires[wire][tiny_row_of(r.circuit, row)]; }
static void bump(hf_fr *v) { *v = hf_fr_add(*v, hf_fr_one()); }

/* A proof of whatever the circuit holds, by the prover that ignores what does not close. The pairing must
 * hold (the openings are honest), so that it is the identity that refuses. */
static void must_fail(const char *what, int detail) {
  hf_proof proof;
  hf_g1 left, right;
  bool ok = true;
  rig_cheat(&r, NULL, NULL);
  cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_OK, "%s %d: %s", what, detail,
               hf_error_message());
  cr_assert_eq(hf_verify_deferred(&r.key->vk, &proof, &ok, &left, &right), HF_OK);
  cr_expect_not(ok, "%s %d: the identity holds", what, detail);
  cr_expect(rig_refuses(&r.key->vk, &proof), "%s %d: accepted", what, detail);
}

/* The honest prover's sums find it, and the verifier without their help. */
static void must_not_close(const char *what, int detail) {
  hf_proof proof;
  const hf_backend_ops *ops = r.backend->ops;
  cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_E_UNSATISFIED, "%s %d", what, detail);
  must_fail(what, detail);
  r.backend->ops = ops;
  honest();
}

static void setup(void) { r = rig_make(2, HF_TRANSCRIPT_POSEIDON2); }
static void teardown(void) { rig_free(&r); }
TestSuite(gates, .init = setup, .fini = teardown);

Test(gates, every_poseidon_constraint) {
  unsigned tried = 0;
  for (int row = TINY_MERKLE; row < TINY_STATE; row++) {
    int count = row == TINY_MERKLE ? 6 : row < TINY_PARTIAL || row > TINY_MIDDLE ? 4 : 5;
    for (int k = 0; k < count; k++, tried++) {
      tiny_lie lie = {row, k};
      size_t where;
      int constraint;
      tiny_destroy(r.circuit);
      r.circuit = tiny_make(&(tiny_options){.log_n = RIG_LOG_N, .x = 12, .lie = &lie});
      cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 1, "row %d constraint %d", row, k);
      cr_assert(where == (size_t)row && constraint == k);
      must_fail("poseidon", 10 * row + k);
    }
  }
  cr_assert_eq(tried, 6 + 3 * 4 + 11 * 5 + 5 + 3 * 4);
}

Test(gates, arithmetic_and_public) {
  size_t where;
  int constraint;
  hf_fr one = hf_fr_one(), x = r.circuit->public_inputs[0];
  /* x * x is claimed to be x^2 + 1; the claimed y follows from that */
  bump(cell(2, TINY_SQUARE));
  bump(cell(2, TINY_CUBE));
  hf_fr y = hf_fr_add(r.circuit->public_inputs[1], x);
  *cell(0, 1) = *cell(4, TINY_RANGE) = r.circuit->public_inputs[1] = y;
  cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 1);
  cr_assert_eq(where, TINY_SQUARE);
  must_fail("arithmetic", TINY_SQUARE);
  honest();
  /* the wrong y alone */
  y = hf_fr_add(r.circuit->public_inputs[1], one);
  *cell(0, 1) = *cell(4, TINY_RANGE) = r.circuit->public_inputs[1] = y;
  cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 1);
  cr_assert_eq(where, TINY_CUBE);
  must_fail("arithmetic", TINY_CUBE);
  honest();
  for (int i = 0; i < 2; i++) { /* the circuit's inputs are not the public ones */
    bump(&r.circuit->public_inputs[i]);
    cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 1);
    cr_assert_eq(where, (size_t)i);
    must_fail("public input", i);
    honest();
  }
}

Test(gates, edwards) {
  size_t where;
  int constraint;
  for (int i = 0; i < 2; i++) {
    bump(cell(i, TINY_EDWARDS_SUM));
    cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 1);
    cr_assert(where == TINY_EDWARDS && constraint == i);
    must_fail("edwards", i);
    honest();
  }
  for (int i = 0; i < 2; i++) { /* another first operand: both coordinates are wrong */
    bump(cell(i, TINY_EDWARDS));
    must_fail("edwards operand", i);
    honest();
  }
}

Test(gates, doubling) {
  for (int k = 0; k < 4; k++) {
    tiny_lie lie = {TINY_DOUBLE, k};
    size_t where;
    int constraint;
    tiny_destroy(r.circuit);
    r.circuit = tiny_make(&(tiny_options){.log_n = RIG_LOG_N, .x = 12, .lie = &lie});
    cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 1, "constraint %d", k);
    cr_assert(where == TINY_DOUBLE && constraint == k);
    must_fail("double", k);
  }
  honest();
  for (int i = 0; i < 4; i++) {
    bump(cell(i, TINY_DOUBLE));
    must_fail("double, cell", i);
    honest();
  }
  hf_proof proof; /* the other root of the formulas, were there one: -P has another double */
  *cell(2, TINY_DOUBLE) = hf_fr_neg(*cell(2, TINY_DOUBLE));
  *cell(0, TINY_DOUBLE + 1) = hf_fr_neg(*cell(0, TINY_DOUBLE + 1));
  must_fail("double of the opposite", 0);
  *cell(0, TINY_DOUBLE) = hf_fr_neg(*cell(0, TINY_DOUBLE));
  rig_cheat(&r, NULL, NULL);
  rig_prove(&r, &proof);
  cr_assert(rig_verify(&r.key->vk, &proof));
}

Test(gates, update) {
  size_t where;
  int constraint;
  hf_fr five = hf_fr_from_u64(5);
  for (int i = 0; i < 4; i++) { /* child i shrinks and two others grow: the changes still sum to the one */
    for (int k = 0; k < 4; k++) {
      hf_fr *now = cell(k, TINY_UPDATE + 1), old = *cell(k, TINY_UPDATE);
      *now = k == i ? hf_fr_sub(old, five) : k == (i + 1) % 4 ? old : hf_fr_add(old, five);
    }
    cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 1);
    cr_assert(where == TINY_UPDATE && constraint == i);
    must_fail("update", i);
    honest();
  }
  for (int way = 0; way < 3; way++) { /* no child changes, two do, or one does that should not */
    if (way == 0) *cell(2, TINY_UPDATE + 1) = *cell(2, TINY_UPDATE);
    if (way == 1) *cell(0, TINY_UPDATE + 1) = hf_fr_add(*cell(0, TINY_UPDATE), five);
    if (way == 2) *cell(4, TINY_UPDATE + 1) = *cell(4, TINY_UPDATE);
    unsigned violations = tiny_violations(r.circuit, &where, &constraint);
    cr_assert(violations == (way == 2 ? 2 : 1) && where == TINY_UPDATE && constraint == 4);
    must_fail("update: sum", way);
    honest();
  }
  for (int i = 0; i < 5; i++) {
    bump(cell(i, TINY_UPDATE));
    must_fail("update: before", i);
    honest();
    bump(cell(i, TINY_UPDATE + 1));
    must_fail("update: after", i);
    honest();
  }
  /* which child it is, the gate does not say: merkle rows do */
  hf_proof proof;
  *cell(2, TINY_UPDATE + 1) = *cell(2, TINY_UPDATE);
  *cell(3, TINY_UPDATE + 1) = hf_fr_add(*cell(3, TINY_UPDATE), five);
  rig_prove(&r, &proof);
  cr_assert(rig_verify(&r.key->vk, &proof));
}

Test(gates, copies) {
  size_t where;
  int constraint;
  hf_fr one = hf_fr_one();
  /* the public x is another one than the x of the computation */
  bump(cell(0, 0));
  bump(&r.circuit->public_inputs[0]);
  cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 0);
  must_not_close("copy", 0);
  /* the x of the last term is another one, and so is the y of the range row, but not the public y */
  bump(cell(0, TINY_CUBE));
  bump(cell(4, TINY_RANGE));
  cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 0);
  must_not_close("copy", 1);
  /* x^2 on two rows */
  *cell(2, TINY_CUBE) = hf_fr_add(*cell(2, TINY_CUBE), one);
  *cell(4, TINY_RANGE) = hf_fr_add(*cell(4, TINY_RANGE), *cell(3, TINY_CUBE));
  *cell(0, 1) = r.circuit->public_inputs[1] = *cell(4, TINY_RANGE);
  cr_assert_eq(tiny_violations(r.circuit, &where, &constraint), 0);
  must_not_close("copy", 2);
  /* every cell of every cycle, whatever else it breaks; two values of one cycle exchanged with another's */
  for (int i = 0; i < HF_WIRES; i++)
    for (size_t row = 0; row < TINY_END; row++) {
      hf_fr own = hf_fr_pow_u64(hf_fr_root_of_unity(RIG_LOG_N), row);
      own = hf_fr_mul(own, hf_fr_pow_u64(hf_fr_from_u64(5), (uint64_t)i));
      if (hf_fr_eq(own, r.circuit->fixed[HF_SIGMA1 + i][row])) continue;
      bump(&r.circuit->wires[i][row]);
      must_not_close("copy cell", (int)(10 * row) + i);
    }
}

Test(gates, range_lookup) {
  static const uint64_t outside[] = {8, 9, 1 << 20};
  for (int i = 0; i < 4; i++) {
    for (size_t k = 0; k < sizeof outside / sizeof outside[0]; k++) {
      *cell(i, TINY_RANGE) = hf_fr_from_u64(outside[k]);
      must_not_close("range", i);
    }
    *cell(i, TINY_RANGE) = hf_fr_neg(hf_fr_one());
    must_not_close("range -1", i);
  }
  /* another value of the table, multiplicities as before */
  *cell(0, TINY_RANGE) = hf_fr_from_u64((12 + 1) % 8);
  must_not_close("range value", 0);
  for (size_t row = 0; row < 1 << RIG_LOG_N;
       row += RIG_STRIDE) { /* a wrong multiplicity, blinding rows included */
    bump(&r.circuit->multiplicity[row]);
    must_not_close("multiplicity", (int)row);
  }
  /* 8 with a multiplicity on a row that could have held it: behind the table stand zeros */
  *cell(0, TINY_RANGE) = hf_fr_from_u64(8);
  r.circuit->multiplicity[12 % 8] = hf_fr_sub(r.circuit->multiplicity[12 % 8], hf_fr_one());
  bump(&r.circuit->multiplicity[8]);
  must_not_close("range 8", 8);
}

/* What is no attack must pass: zeros looked up in the padding of the table, multiplicities that cancel. */
Test(gates, range_freedom) {
  hf_proof proof;
  for (int i = 0; i < 4; i++) *cell(i, TINY_RANGE) = hf_fr_zero();
  for (size_t i = 0; i < 8; i++) r.circuit->multiplicity[i] = hf_fr_zero();
  r.circuit->multiplicity[60] = hf_fr_from_u64(9);
  r.circuit->multiplicity[20] = hf_fr_neg(hf_fr_from_u64(6));
  r.circuit->multiplicity[0] = hf_fr_one();
  rig_prove(&r, &proof);
  cr_assert(rig_verify(&r.key->vk, &proof), "%s", hf_error_message());
}

Test(gates, rom) {
  for (int row = TINY_WRITE; row < TINY_READ + 2; row++)
    for (int i = 0; i < 5; i++) { /* values, the multiplicity of the write, the addresses of the reads */
      bump(cell(i, row));
      must_not_close("rom", 10 * row + i);
    }
  /* what another table holds at another address */
  for (int i = 0; i < 4; i++) *cell(i, TINY_READ) = i < 2 ? hf_fr_zero() : *cell(i, TINY_POINT);
  *cell(4, TINY_READ) = hf_fr_from_u64(3);
  must_not_close("rom: another table", 0);
  *cell(4, TINY_WRITE) = hf_fr_one(); /* ... with the multiplicities to match */
  *cell(4, TINY_POINT) = hf_fr_from_u64(2);
  must_not_close("rom: another table", 1);
  /* both reads of the same wrong values, which agree with each other */
  for (int k = 0; k < 2; k++) bump(cell(1, TINY_READ + k));
  must_not_close("rom: never written", 0);
  /* a table of points: another point, with the sum to match */
  for (int i = 0; i < 2; i++) *cell(2 + i, TINY_EDWARDS) = *cell(i, TINY_EDWARDS);
  hf_fr t[2] = {*cell(0, TINY_EDWARDS_SUM), *cell(1, TINY_EDWARDS_SUM)};
  must_not_close("rom: point", 0);
  cr_assert(!hf_fr_eq(t[0], t[1]));
  for (int i = 2; i < 5; i++) {
    bump(cell(i, TINY_POINT));
    must_not_close("rom: point written", i);
  }
  for (int i = 0; i < 2; i++) { /* a table of points holds zeros there */
    bump(cell(i, TINY_POINT));
    must_not_close("rom: point and more", i);
  }
  bump(cell(4, TINY_EDWARDS));
  must_not_close("rom: address of a point", 0);
}

/* An address written twice makes the table ambiguous: the sum accepts either value. That a structure never
 * does this is the builder's to check; here, that it is the structure's doing and not a gap of values. */
Test(gates, rom_written_twice_is_ambiguous) {
  hf_circuit *c = tiny_circuit(RIG_LOG_N, 12);
  size_t second = tiny_row_of(c, TINY_END);
  c->fixed[HF_ROM][second] = hf_fr_neg(hf_fr_one());
  c->fixed[HF_QC][second] = hf_fr_from_u64(9);
  rig_free(&r);
  r = rig_of(c, 2, HF_TRANSCRIPT_POSEIDON2);
  hf_proof proof;
  rig_prove(&r, &proof); /* nobody reads the second write */
  cr_assert(rig_verify(&r.key->vk, &proof));
  for (int i = 0; i < 4; i++) *cell(i, TINY_READ) = hf_fr_zero();
  *cell(4, TINY_WRITE) = *cell(4, TINY_END) = hf_fr_one();
  rig_prove(&r, &proof);
  cr_assert(rig_verify(&r.key->vk, &proof));
}

Test(gates, nonnative) {
  for (int row = TINY_IDENTITY; row < TINY_SQUARED + 2; row++) {
    if (row >= TINY_WRITE && row < TINY_PRODUCT) continue;
    for (int i = 0; i < 4; i++) {
      bool carries = row == TINY_IDENTITY + 2 || row == TINY_PRODUCT + 4;
      if (carries && i == 3) continue;        /* a row of carries has three */
      if (row == TINY_IDENTITY + 1) continue; /* 3 v - 3 v: any v will do */
      bump(cell(i, row));
      must_not_close("nonnative", 10 * row + i);
    }
  }
  /* quotient + 1 with rest - q as the integers do it, but the limbs of another number */
  bump(cell(0, TINY_PRODUCT + 2));
  for (int i = 0; i < 4; i++) {
    hf_fr *rest = cell(i, TINY_PRODUCT + 3);
    *rest = hf_fr_sub(*rest, hf_relation_constants[HF_RC_Q0 + (i ^ 1)]);
  }
  must_not_close("nonnative: rest", 0);
  /* a limb less and the next one more is the same number, but not within a pair of columns' range: it closes
   * only where the weights say so (2^64 within a pair, a carry between pairs) */
  *cell(0, TINY_PRODUCT + 3) = hf_fr_add(*cell(0, TINY_PRODUCT + 3), hf_relation_constants[HF_RC_2_64]);
  bump(cell(2, TINY_PRODUCT + 3));
  must_not_close("nonnative: limbs", 0);
  /* two identities whose errors cancel: the whole sum closes, each does not */
  bump(cell(0, TINY_SQUARED + 1));                                                 /* - 1 */
  *cell(0, TINY_PRODUCT + 3) = hf_fr_sub(*cell(0, TINY_PRODUCT + 3), hf_fr_one()); /* + 1 */
  hf_proof proof;
  cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_OK, "the total closes: %s",
               hf_error_message());
  cr_assert(rig_refuses(&r.key->vk, &proof), "errors of two identities cancel");
}

/* Within a pair of limbs and between pairs with a carry the representation is free: range checks fix it. */
Test(gates, nonnative_freedom) {
  hf_proof proof;
  *cell(0, TINY_PRODUCT + 3) = hf_fr_add(*cell(0, TINY_PRODUCT + 3), hf_relation_constants[HF_RC_2_64]);
  *cell(1, TINY_PRODUCT + 3) = hf_fr_sub(*cell(1, TINY_PRODUCT + 3), hf_fr_one());
  rig_prove(&r, &proof);
  cr_assert(rig_verify(&r.key->vk, &proof), "%s", hf_error_message());
}

/* --- running columns rewritten ---------------------------------------------------------- */

typedef struct rewrite {
  int sum;
  size_t begin, end; /* rows that get `value` added (or set) */
  bool set;
  hf_fr value;
} rewrite;

static void apply(void *context, int sum, hf_fr *column, size_t n) {
  const rewrite *w = context;
  if (sum != w->sum) return;
  for (size_t i = w->begin; i < w->end && i < n; i++)
    column[i] = w->set ? w->value : hf_fr_add(column[i], w->value);
}

static void rewritten(const char *what, int sum, size_t begin, size_t end, bool set, hf_fr value,
                      bool passes) {
  rewrite w = {sum, begin, end, set, value};
  hf_proof proof;
  rig_cheat(&r, apply, &w);
  cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_OK, "%s", hf_error_message());
  cr_expect_eq(rig_verify(&r.key->vk, &proof), passes, "%s, column %d, rows %zu..%zu", what, sum, begin, end);
}

Test(gates, running_columns) {
  const size_t n = (size_t)1 << RIG_LOG_N;
  hf_fr zero = hf_fr_zero(), one = hf_fr_one(), two = hf_fr_from_u64(2);
  rewritten("as it is", HF_POLY_Z, 0, 0, false, zero, true);
  /* sums may start anywhere: only differences count; rho and z may not */
  rewritten("shifted", HF_POLY_RANGE, 0, n, false, two, true);
  rewritten("shifted", HF_POLY_ROM, 0, n, false, two, true);
  rewritten("shifted", HF_POLY_RHO, 0, n, false, two, false);
  rewritten("all zero", HF_POLY_Z, 0, n, true, zero, false);
  rewritten("zero but for the start", HF_POLY_Z, 1, n, true, zero, false);
  for (int sum = 0; sum < HF_SUMS_COUNT; sum++)
    for (size_t row = 0; row < n; row += RIG_STRIDE)
      rewritten("one row", sum, row, row + 1, false, one, false);
  /* jumps on a row that has nothing to add, blinding rows included */
  for (int sum = 0; sum < HF_SUMS_COUNT; sum++) {
    rewritten("second half", sum, n / 2, n, false, one, false);
    rewritten("blinding rows", sum, n - HF_BLIND_ROWS, n, false, one, false);
    rewritten("blinding rows, some", sum, n - 3, n - 1, false, one, false);
  }
  /* one whole identity lifted: starts in the middle, and does not end at zero */
  rewritten("identity lifted", HF_POLY_RHO, TINY_PRODUCT, TINY_SQUARED, false, one, false);
  rewritten("identity lifted behind its start", HF_POLY_RHO, TINY_PRODUCT + 1, TINY_SQUARED, false, one,
            false);
}

/* A witness that does not close, with the difference taken back where nothing looks up or multiplies. */
Test(gates, hidden_differences) {
  const size_t n = (size_t)1 << RIG_LOG_N;
  for (int where = 0; where < 2; where++) {
    size_t row = where ? n - 2 : 50;
    rewrite w = {HF_POLY_RANGE, row, n, true, hf_fr_zero()};
    hf_proof proof;
    *cell(0, TINY_RANGE) = hf_fr_from_u64(8);
    rig_cheat(&r, apply, &w);
    cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_OK);
    cr_expect_not(rig_verify(&r.key->vk, &proof), "range, taken back at row %zu", row);
    honest();
    w.sum = HF_POLY_ROM;
    bump(cell(0, TINY_READ));
    rig_cheat(&r, apply, &w);
    cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_OK);
    cr_expect_not(rig_verify(&r.key->vk, &proof), "ROM, taken back at row %zu", row);
    honest();
    w = (rewrite){HF_POLY_RHO, TINY_IDENTITY + 3, n, true, hf_fr_zero()};
    if (where) w.begin = TINY_PRODUCT;
    bump(cell(0, TINY_IDENTITY));
    rig_cheat(&r, apply, &w);
    cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_OK);
    cr_expect_not(rig_verify(&r.key->vk, &proof), "non-native, dropped at row %zu", w.begin);
    honest();
    w = (rewrite){HF_POLY_Z, row, n, true, hf_fr_one()};
    bump(cell(0, TINY_CUBE));
    bump(cell(4, TINY_RANGE));
    rig_cheat(&r, apply, &w);
    cr_assert_eq(hf_prove(r.prover, r.circuit, NULL, &proof, NULL), HF_OK);
    cr_expect_not(rig_verify(&r.key->vk, &proof), "copies, dropped at row %zu", row);
    honest();
  }
}

/* The wires of the last rows are the prover's to fill: a witness that puts something there changes nothing.
 */
Test(gates, blinding_rows) {
  const size_t n = (size_t)1 << RIG_LOG_N;
  rig_random a = {.seed = 1}, b = {.seed = 1};
  hf_proof first, second;
  cr_assert_eq(hf_prove_with(r.prover, r.circuit, NULL, rig_random_source, &a, &first, NULL), HF_OK);
  for (int i = 0; i < HF_WIRES; i++)
    for (size_t row = n - HF_BLIND_ROWS; row < n; row++) bump(&r.circuit->wires[i][row]);
  cr_assert_eq(hf_prove_with(r.prover, r.circuit, NULL, rig_random_source, &b, &second, NULL), HF_OK);
  cr_assert(hf_g1_eq(first.w_prime, second.w_prime) && hf_g1_eq(first.commitments[0], second.commitments[0]));
  cr_assert(rig_verify(&r.key->vk, &second));
}
