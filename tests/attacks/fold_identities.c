/* Identities modulo q: cells that hold another number than their variable, and numbers that are none, where
 * every identity holds as it stands in the rows. */
#include <gmp.h>
#include <stdlib.h>
#include <string.h>
#include "fold_removal.h"
#include "gate_row.h"

enum { OPERANDS = 16 };

typedef struct identity {
  uint32_t row, count;
  int linear[OPERANDS], square[OPERANDS], next[OPERANDS];
  bool table[OPERANDS];
  uint32_t var[OPERANDS][4];
  hf_fr limb[OPERANDS][4];
} identity;

static bool on(const hf_circuit *c, int column, uint32_t row) {
  return !hf_fr_is_zero(c->fixed[column][row]);
}

static int small_integer(hf_fr x) {
  hf_fr l = hf_fr_to_limbs(x), n = hf_fr_to_limbs(hf_fr_neg(x));
  return l.l[1] == 0 && l.l[0] < 1000 ? (int)l.l[0] : -(int)n.l[0];
}

/* The next identity from `row` on, with honest values. */
static bool identity_at(const remover *m, uint32_t row, identity *id) {
  const shape *s = &m->s;
  const hf_circuit *c = s->circuit;
  char path[128];
  const char *name;
  for (; row < s->rows; row++) {
    hf_circuit_where(c, row, path, &name);
    if (on(c, HF_S_NONNATIVE, row) && on(c, HF_Q4, row) && strcmp(path, "preamble") != 0) break;
  }
  if (row >= s->rows) return false;
  memset(id, 0, sizeof *id);
  id->row = row;
  for (; !on(c, HF_Q2, row); row++, id->count++) {
    uint32_t i = id->count;
    if (i == OPERANDS) abort();
    id->linear[i] = small_integer(c->fixed[HF_Q1][row]);
    id->square[i] = small_integer(c->fixed[HF_QCD][row]);
    id->next[i] = small_integer(c->fixed[HF_QAB][row]);
    id->table[i] = on(c, HF_ROM, row);
    for (unsigned w = 0; w < 4; w++) {
      id->var[i][w] = shape_var_at(s, row, w);
      id->limb[i][w] = s->value[id->var[i][w]];
    }
  }
  return true;
}

/* ---- numbers ---- */

static const char *const q_text =
    "21888242871839275222246405745257275088696311157297823662689037894645226208583";

static void to_mpz(mpz_t out, hf_fr x) {
  hf_fr l = hf_fr_to_limbs(x);
  mpz_import(out, 4, -1, 8, 0, 0, l.l);
}

static hf_fr from_mpz(const mpz_t x) { /* 0 <= x < 2^256 */
  hf_fr l = {{0, 0, 0, 0}};
  mpz_export(l.l, NULL, -1, 8, 0, 0, x);
  return hf_fr_from_limbs(l);
}

/* p[0..6] += k u v, by limbs; v NULL: k u. */
static void add_product(mpz_t p[7], int k, const hf_fr u[4], const hf_fr v[4]) {
  mpz_t x, y;
  mpz_inits(x, y, NULL);
  for (int i = 0; i < 4 && k != 0; i++)
    for (int j = 0; j < (v == NULL ? 1 : 4); j++) {
      to_mpz(x, u[i]);
      if (v != NULL) {
        to_mpz(y, v[j]);
        mpz_mul(x, x, y);
      }
      mpz_mul_si(x, x, k);
      mpz_add(p[i + j], p[i + j], x);
    }
  mpz_clears(x, y, NULL);
}

/* The coefficients of the operands' terms in powers of 2^64. */
static void coefficients(const identity *id, mpz_t p[7]) {
  for (int i = 0; i < 7; i++) mpz_set_ui(p[i], 0);
  for (uint32_t i = 0; i < id->count; i++) {
    add_product(p, id->linear[i], id->limb[i], NULL);
    add_product(p, id->square[i], id->limb[i], id->limb[i]);
    if (id->next[i]) add_product(p, id->next[i], id->limb[i], id->limb[i + 1]);
  }
}

static void sum_of(mpz_t p[7], mpz_t out) {
  mpz_set_ui(out, 0);
  for (int i = 6; i >= 0; i--) {
    mpz_mul_2exp(out, out, 64);
    mpz_add(out, out, p[i]);
  }
}

static bool same_number(const identity *id, uint32_t i, const uint32_t v[4]) {
  return memcmp(id->var[i], v, sizeof id->var[i]) == 0;
}

/* All operands that are this number. */
static void put(identity *id, const uint32_t v[4], const mpz_t value) {
  hf_fr l = hf_fr_to_limbs(from_mpz(value));
  for (uint32_t i = 0; i < id->count; i++)
    for (int k = 0; k < 4 && same_number(id, i, v); k++) id->limb[i][k] = hf_fr_from_u64(l.l[k]);
}

/* A square root modulo q = 3 mod 4; false if there is none. */
static bool square_root(mpz_t x, const mpz_t q) {
  mpz_t e, y;
  mpz_inits(e, y, NULL);
  mpz_add_ui(e, q, 1);
  mpz_tdiv_q_2exp(e, e, 2);
  mpz_powm(e, x, e, q);
  mpz_mul(y, e, e);
  mpz_sub(y, y, x);
  mpz_mod(y, y, q);
  mpz_set(x, e);
  bool is = mpz_sgn(y) == 0;
  mpz_clears(e, y, NULL);
  return is;
}

/* Sets the number `out` so that the sum is zero modulo q; false if there is none. */
static bool solve(identity *id, const uint32_t out[4]) {
  mpz_t p[7], s[3], q, x;
  for (int i = 0; i < 7; i++) mpz_init(p[i]);
  mpz_inits(s[0], s[1], s[2], q, x, NULL);
  mpz_set_str(q, q_text, 10);
  for (unsigned i = 0; i < 3; i++) {
    mpz_set_ui(x, i);
    put(id, out, x);
    coefficients(id, p);
    sum_of(p, s[i]);
  }
  mpz_sub(s[2], s[2], s[1]);
  mpz_sub(s[1], s[1], s[0]);
  mpz_sub(s[2], s[2], s[1]); /* twice the coefficient of the square */
  mpz_tdiv_q_2exp(s[2], s[2], 1);
  mpz_sub(s[1], s[1], s[2]);
  bool linear = mpz_sgn(s[2]) == 0, solved;
  mpz_mod(s[1], s[1], q);
  if (linear)
    solved = mpz_invert(x, s[1], q) != 0;
  else
    solved = mpz_sgn(s[1]) == 0 && mpz_invert(x, s[2], q) != 0;
  mpz_mul(x, x, s[0]);
  mpz_neg(x, x);
  mpz_mod(x, x, q);
  if (solved && !linear) solved = square_root(x, q);
  if (solved) put(id, out, x);
  for (int i = 0; i < 7; i++) mpz_clear(p[i]);
  mpz_clears(s[0], s[1], s[2], q, x, NULL);
  return solved;
}

/* Quotient limbs and carries (nonnative.h) for these limbs, as lies about their variables. */
static void tell_quotient(const remover *m, const identity *id, shape_lies *told) {
  const shape *s = &m->s;
  mpz_t p[7], sum, q, part, offset;
  for (int i = 0; i < 7; i++) mpz_init(p[i]);
  mpz_inits(sum, q, part, offset, NULL);
  mpz_set_str(q, q_text, 10);
  coefficients(id, p);
  sum_of(p, sum);
  mpz_divexact(sum, sum, q);
  mpz_neg(sum, sum); /* the quotient */
  uint32_t quotient_row = id->row + id->count;
  mpz_setbit(offset, 256);
  mpz_add(part, sum, offset);
  hf_fr quotient[4], modulus[4];
  for (unsigned i = 0; i < 4; i++) {
    mpz_t limb;
    mpz_init(limb);
    mpz_tdiv_q_2exp(limb, part, 64 * i);
    if (i < 3) mpz_tdiv_r_2exp(limb, limb, 64);
    quotient[i] = from_mpz(limb);
    shape_lie_set(told, shape_var_at(s, quotient_row, i), quotient[i]);
    mpz_tdiv_q_2exp(limb, q, 64 * i);
    mpz_tdiv_r_2exp(limb, limb, 64);
    modulus[i] = from_mpz(limb);
    mpz_clear(limb);
  }
  add_product(p, 1, quotient, modulus);
  for (unsigned i = 0; i < 4; i++) { /* the quotient's offset: 2^64 in its top limb */
    to_mpz(part, modulus[i]);
    mpz_mul_2exp(part, part, 64);
    mpz_sub(p[3 + i], p[3 + i], part);
  }
  bool wide = !hf_fr_eq(s->circuit->fixed[HF_Q5][quotient_row + 1], hf_fr_one());
  mpz_set_ui(offset, 0);
  mpz_setbit(offset, wide ? 70 : 67);
  mpz_set_ui(sum, 0); /* the carry */
  for (unsigned n = 0; n < 3; n++) {
    mpz_mul_2exp(part, p[2 * n + 1], 64);
    mpz_add(part, part, p[2 * n]);
    mpz_sub(sum, sum, part);
    mpz_fdiv_q_2exp(sum, sum, 128);
    mpz_add(part, sum, offset);
    if (mpz_sgn(part) >= 0) shape_lie_set(told, shape_var_at(s, quotient_row + 1, n), from_mpz(part));
  }
  for (int i = 0; i < 7; i++) mpz_clear(p[i]);
  mpz_clears(sum, q, part, offset, NULL);
}

/* ---- cells of operands ---- */

/* Every row of this identity that is the number. */
static void tell_number(const identity *id, const uint32_t v[4], shape_lies *told) {
  for (uint32_t n = 0; n < id->count; n++)
    for (int l = 0; l < 4 && same_number(id, n, v); l++) shape_lie_set(told, v[l], id->limb[n][l]);
}

/* A number on the way to what another identity makes: that identity, solved for its square root. */
static bool tell_consequence(const remover *m, const identity *first, const uint32_t made[4],
                             shape_lies *told) {
  identity id;
  for (uint32_t row = first->row + first->count; identity_at(m, row, &id); row = id.row + id.count)
    for (uint32_t i = 0; i < id.count; i++) {
      if (!same_number(&id, i, made)) continue;
      for (uint32_t n = 0; n < first->count; n++)
        if (same_number(first, n, made)) memcpy(id.limb[i], first->limb[n], sizeof id.limb[i]);
      for (uint32_t k = 0; k < id.count; k++)
        if (id.square[k] != 0 && !same_number(&id, k, made)) {
          if (!solve(&id, id.var[k])) return false;
          tell_number(&id, id.var[k], told);
          tell_quotient(m, &id, told);
          return true;
        }
    }
  return true;
}

/* The cell of limb w of operand i is `step` more than its variable; or, where a table says what the cell is,
 * or where it is what the identity makes, the variable is more than the cell. What the identity makes follows
 * the cell. */
static bool lie_about_operand(remover *m, const identity *honest, uint32_t i, unsigned w,
                              const uint32_t out[4], uint64_t step) {
  hf_constraint copy = {honest->row + i, HF_PART_COPY, (uint8_t)w};
  const removal_class *k = remover_class(m, copy);
  if (k == NULL || k->covered) return true;
  identity id = *honest;
  uint32_t var = id.var[i][w];
  hf_fr more = hf_fr_from_u64(step), cell = m->s.value[var];
  shape_lies told = {0};
  bool made = same_number(&id, i, out);
  if (!id.table[i] && !made) {
    cell = hf_fr_add(cell, more);
    id.limb[i][w] = cell;
    if (!solve(&id, out)) return false;
  }
  tell_quotient(m, &id, &told);
  tell_number(&id, out, &told);
  if (hf_fr_eq(cell, m->s.value[var])) {
    shape_lie_set(&told, var, hf_fr_add(cell, more));
    if (made)
      for (uint32_t n = 0; n < id.count; n++)
        if (same_number(&id, n, out)) id.limb[n][w] = hf_fr_add(cell, more);
  }
  if (!tell_consequence(m, &id, out, &told)) return false;
  return remover_cut(m, &told, copy.row, w, cell, "another number enters an identity");
}

void remover_identities(remover *m) {
  identity id;
  for (uint32_t row = 0; identity_at(m, row, &id); row = id.row + id.count) {
    uint32_t youngest = 0;
    bool root = false;
    for (uint32_t i = 0; i < id.count; i++)
      if (id.var[i][0] > id.var[youngest][0]) youngest = i;
    /* an equation of a curve: its y is a root of the rest */
    for (uint32_t i = 0; i < id.count; i++)
      if (id.square[i] == -1 && id.linear[i] == 0 && id.next[i] == 0) {
        youngest = i;
        root = true;
      }
    identity probe = id;
    if (!root && !solve(&probe, id.var[youngest])) continue;
    for (uint32_t i = 0; i < id.count; i++)
      for (unsigned w = 0; w < 4; w++)
        for (uint64_t step = 1; step < 24; step++)
          if (lie_about_operand(m, &id, i, w, id.var[youngest], step)) break;
  }
}

/* ---- numbers that are none ---- */

/* The terms of a row of an identity that has this field element, 4 of them: coefficients of 1, Y, Y^2, Y^3 at
 * four points are more than is needed here; the sum over the rows at Y = chi. */
static hf_fr identity_sum(const remover *m, const identity *id, hf_fr chi) {
  const hf_circuit *c = m->s.circuit;
  hf_fr sum = hf_fr_zero();
  hf_rel_challenges ch = {.chi = chi};
  hf_rel_derive(&ch);
  for (uint32_t r = id->row; r < id->row + id->count + 2; r++) {
    hf_rel_row row = gate_row(c, r);
    sum = hf_fr_add(sum, hf_rel_nonnative_term(&row, &ch));
  }
  return sum;
}

/* Sets `count` variables, in which the sum is linear, so that it is zero at as many points Y (and so
 * everywhere, if there are four). */
static bool solve_rows(remover *m, const identity *id, const uint32_t *vars, unsigned count) {
  hf_fr a[4][5];
  for (unsigned i = 0; i < count; i++) {
    hf_fr chi = hf_fr_from_u64(i + 2);
    for (unsigned k = 0; k < count; k++) shape_set_var(&m->s, vars[k], hf_fr_zero());
    hf_fr base = identity_sum(m, id, chi);
    a[i][count] = hf_fr_neg(base);
    for (unsigned k = 0; k < count; k++) {
      shape_set_var(&m->s, vars[k], hf_fr_one());
      a[i][k] = hf_fr_sub(identity_sum(m, id, chi), base);
      shape_set_var(&m->s, vars[k], hf_fr_zero());
    }
  }
  for (unsigned k = 0; k < count; k++) {
    unsigned p = k;
    while (p < count && hf_fr_is_zero(a[p][k])) p++;
    if (p == count) return false;
    for (unsigned j = 0; j <= count; j++) {
      hf_fr t = a[p][j];
      a[p][j] = a[k][j];
      a[k][j] = t;
    }
    hf_fr inverse = hf_fr_inv(a[k][k]);
    for (unsigned j = 0; j <= count; j++) a[k][j] = hf_fr_mul(a[k][j], inverse);
    for (unsigned i = 0; i < count; i++) {
      hf_fr factor = a[i][k];
      for (unsigned j = 0; j <= count && i != k; j++)
        a[i][j] = hf_fr_sub(a[i][j], hf_fr_mul(factor, a[k][j]));
    }
  }
  for (unsigned k = 0; k < count; k++) shape_set_var(&m->s, vars[k], a[k][count]);
  return true;
}

/* What the last identity makes is one more; quotient limbs, or carries and a quotient that is right modulo r,
 * make up for it as field elements. */
static void lie_about_quotients(remover *m, const identity *id) {
  uint32_t quotient_row = id->row + id->count, youngest = 0, vars[4];
  for (uint32_t i = 0; i < id->count; i++)
    if (id->var[i][0] > id->var[youngest][0]) youngest = i;
  hf_fr wrong = hf_fr_add(id->limb[youngest][0], hf_fr_one());
  remover_begin(m);
  shape_set_var(&m->s, id->var[youngest][0], wrong);
  for (unsigned i = 0; i < 4; i++) vars[i] = shape_var_at(&m->s, quotient_row, i);
  if (solve_rows(m, id, vars, 4)) remover_freeze(m, "a quotient in limbs of any size");
  remover_begin(m);
  shape_set_var(&m->s, id->var[youngest][0], wrong);
  /* at Y = 2^128 carries weigh nothing: the quotient's lowest limb, any number below r, is taken to pieces of
   * 64 bits */
  hf_fr two_128 = hf_fr_from_limbs((hf_fr){{0, 0, 1, 0}}), base, one;
  for (unsigned i = 0; i < 4; i++)
    shape_set_var(&m->s, vars[i], i == 3 ? hf_fr_from_limbs((hf_fr){{0, 1, 0, 0}}) : hf_fr_zero());
  base = identity_sum(m, id, two_128);
  shape_set_var(&m->s, vars[0], hf_fr_one());
  one = hf_fr_sub(identity_sum(m, id, two_128), base);
  hf_fr quotient = hf_fr_to_limbs(hf_fr_neg(hf_fr_mul(base, hf_fr_inv(one))));
  for (unsigned i = 0; i < 4; i++) {
    hf_fr limb = {{quotient.l[i], i == 3, 0, 0}}; /* and the offset 2^256 */
    shape_set_var(&m->s, vars[i], hf_fr_from_limbs(limb));
  }
  for (unsigned i = 0; i < 3; i++) vars[i] = shape_var_at(&m->s, quotient_row + 1, i);
  if (solve_rows(m, id, vars, 3)) remover_freeze(m, "an identity that holds modulo r");
}

/* 2^64 b more in one limb and b less in the next, with b^2 = -1: linear terms do not see it, products do not
 * where the other number has no odd limbs, and a square is b^2 (2^128 - Y) off, which a carry takes. */
static void lie_about_fractions(remover *m, const identity *made, uint32_t out) {
  const shape *s = &m->s;
  const uint32_t *v = made->var[out];
  hf_fr two_64 = hf_fr_from_limbs((hf_fr){{0, 1, 0, 0}}), b = hf_fr_root_of_unity(2);
  remover_begin(m);
  shape_set_var(&m->s, v[0], hf_fr_add(s->value[v[0]], hf_fr_mul(two_64, b)));
  shape_set_var(&m->s, v[1], hf_fr_sub(s->value[v[1]], b));
  identity id;
  for (uint32_t row = 0; identity_at(m, row, &id); row = id.row + id.count) {
    uint32_t carries[3];
    bool here = false;
    for (uint32_t i = 0; i < id.count; i++) here |= same_number(&id, i, v);
    for (unsigned i = 0; i < 3; i++) carries[i] = shape_var_at(s, id.row + id.count + 1, i);
    if (here && !solve_rows(m, &id, carries, 3)) return;
  }
  remover_freeze(m, "limbs that are no integers");
}

void remover_integers(remover *m) {
  identity id, last;
  bool any = false;
  for (uint32_t row = 0; identity_at(m, row, &id); row = id.row + id.count) {
    last = id;
    any = true;
    for (uint32_t i = 0; i < id.count; i++) lie_about_fractions(m, &id, i);
  }
  if (any) lie_about_quotients(m, &last);
}
