/* The mutation tester: random dishonest witnesses for every operation, at least 20,000 of them. A mutant that
 * the circuit accepts for the same statement must be on the short list below, with its reason.
 *
 * (a) the value of a hint is replaced and everything after it recomputed;
 * (b) two variables of one equation move so that the equation still holds;
 * (c) a variable, with all its copies, is overwritten.
 * (b) and (c) recheck the touched rows only, and everything when those hold. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "engine.h"

#define SEED 20240229

#define ON(which) (1u << INSTANCE_##which)

/* Variables that an operation leaves free: nothing that the statement says depends on them. */
static const struct {
  const char *hint, *why;
  uint32_t on; /* in which operations */
} free_hints[] = {
    {"inverse of from - to", "only a transfer needs it; it is multiplied by from - to = 0",
     ON(REFUSED) | ON(NOOP)},
    {"inverse of to1", "a no-op credits nobody; it is multiplied by to1 = 0", ON(NOOP)},
    {"inverse of operator key x", "no fees, so the operator's account need not exist",
     ON(DEPOSIT) | ON(OPEN) | ON(REFUSED) | ON(NOOP)},
    {"to1", "a no-op has no recipient; to1 enters only the signature that the slot makes itself", ON(NOOP)},
    {"to2", "a no-op has no recipient; to2 enters only the signature that the slot makes itself", ON(NOOP)},
};

static bool is_free(int which, const char *hint) {
  for (size_t i = 0; i < sizeof free_hints / sizeof *free_hints; i++)
    if (strcmp(free_hints[i].hint, hint) == 0 && free_hints[i].on >> which & 1) return true;
  return false;
}

static const char *hint_name(const instance *in, uint32_t var) {
  for (uint32_t i = 0; i < in->hint_count; i++)
    if (in->hints[i].var == var) return in->hints[i].name;
  return "a computed variable";
}

static hf_fr related_value(const instance *in, rng *r, hf_fr old, uint32_t kind) {
  static const unsigned powers[] = {1, 2, 4, 8, 64, 128, 248, 253};
  const rng_world world = {in->value, in->vars, powers, sizeof powers / sizeof *powers};
  return rng_related(r, old, kind, &world);
}

/* (a): every name of a hint with every kind of value at least once over all instances, then random ones. */
static void mutate_hints(instance *in, int which, uint32_t trials, rng *r, uint32_t *done) {
  uint32_t seen = 0;
  const char *names[128];
  for (uint32_t t = 0, systematic = 0; t < trials; t++) {
    uint32_t h = (uint32_t)(rng_u64(r) % in->hint_count), kind = (uint32_t)(rng_u64(r) % 7);
    if (systematic < in->hint_count) {
      /* the next hint whose name is new */
      for (; systematic < in->hint_count; systematic++) {
        uint32_t i = 0;
        while (i < seen && strcmp(names[i], in->hints[systematic].name) != 0) i++;
        if (i == seen && seen < 128) break;
      }
      if (systematic < in->hint_count) {
        names[seen++] = in->hints[systematic].name;
        h = systematic;
        kind = 3;
      }
    }
    uint32_t var = in->hints[h].var;
    if (in->first_row[var] == UINT32_MAX)
      continue; /* stands in no cell: a name for the value of another variable */
    hf_fr old = in->value[var], value = related_value(in, r, old, kind);
    if (hf_fr_eq(old, value)) value = hf_fr_add(old, rng_fr(r));
    lies told = {0};
    attempt a;
    lie_add(&told, var, value);
    attempt_run(in, NULL, &told, &a);
    cr_assert_eq(a.status, HF_OK);
    bool accepted = a.failure_count == 0 && a.statement_kept;
    cr_assert(!accepted || is_free(which, in->hints[h].name),
              "%s: hint \"%s\" (number %u) changed in way %u is accepted", in->name, in->hints[h].name, h,
              kind);
    /* Whatever else is satisfied states something else, and only the contract can know the difference. */
    if (a.failure_count == 0 && !accepted)
      cr_assert(strcmp(in->hints[h].name, "deposit_start") == 0,
                "%s: hint \"%s\" makes another true statement", in->name, in->hints[h].name);
    attempt_free(&a);
    ++*done;
  }
}

typedef struct change {
  uint32_t row;
  unsigned wire;
  hf_fr value;
} change;

/* Applies the changes to whole copy classes, judges, and undoes them. */
static bool accepted_on(const instance *in, const change *changes, int count) {
  hf_circuit *c = in->circuit;
  static uint32_t rows[65536];
  size_t touched = 0;
  hf_fr old[2], statement = c->public_inputs[0];
  bool ok = false;
  for (int i = 0; i < count; i++) {
    old[i] = c->wires[changes[i].wire][changes[i].row];
    touched += hf_circuit_set_class(c, changes[i].row, changes[i].wire, changes[i].value, rows + touched,
                                    sizeof rows / sizeof *rows - touched);
  }
  cr_assert_lt(touched, sizeof rows / sizeof *rows);
  for (uint32_t i = 0; i < c->public_count; i++) c->public_inputs[i] = i == 0 ? statement : hf_fr_zero();
  cr_assert_eq(hf_circuit_check_rows(c, rows, touched, &ok), HF_OK);
  if (ok) ok = hf_circuit_check(c) == HF_OK; /* multiplicities */
  for (int i = count; i-- > 0;) hf_circuit_set_class(c, changes[i].row, changes[i].wire, old[i], NULL, 0);
  return ok;
}

static uint32_t used_row(const instance *in, rng *r) {
  uint32_t publics = in->circuit->public_count;
  return publics + (uint32_t)(rng_u64(r) % (in->rows - publics));
}

static void overwrite(const instance *in, int which, uint32_t trials, rng *r, uint32_t *done) {
  while (trials > 0) {
    change k = {used_row(in, r), (unsigned)(rng_u64(r) % HF_WIRES), hf_fr_zero()};
    uint32_t var = var_at(in, k.row, k.wire);
    if (var == HF_NO_VAR) continue;
    hf_fr old = in->circuit->wires[k.wire][k.row];
    k.value = related_value(in, r, old, (uint32_t)(rng_u64(r) % 7));
    if (hf_fr_eq(old, k.value)) continue;
    trials--;
    ++*done;
    if (!accepted_on(in, &k, 1)) continue;
    cr_assert(is_free(which, hint_name(in, var)), "%s: variable on wire %u of row %u (%s) is free", in->name,
              k.wire, k.row, hint_name(in, var));
  }
}

static void compensate(const instance *in, int which, uint32_t trials, rng *r, uint32_t *done) {
  const hf_circuit *c = in->circuit;
  while (trials > 0) {
    uint32_t row = used_row(in, r);
    if (hf_fr_is_zero(c->fixed[HF_S_ARITHMETIC][row])) continue;
    unsigned x = (unsigned)(rng_u64(r) % 6), y = (unsigned)(rng_u64(r) % 6);
    hf_fr qx = c->fixed[x < 5 ? HF_Q1 + x : HF_QN][row], qy = c->fixed[y < 5 ? HF_Q1 + y : HF_QN][row];
    change k[2] = {{row + (x == 5), x < 5 ? x : 4, hf_fr_zero()},
                   {row + (y == 5), y < 5 ? y : 4, hf_fr_zero()}};
    uint32_t vx = var_at(in, k[0].row, k[0].wire), vy = var_at(in, k[1].row, k[1].wire);
    if (x == y || vx == vy || hf_fr_is_zero(qx) || hf_fr_is_zero(qy)) continue;
    if (vx == HF_NO_VAR || vy == HF_NO_VAR) continue;
    /* the step: a unit, a chunk of the table, a limb, or anything */
    hf_fr step = hf_fr_one();
    switch (rng_u64(r) % 4) {
    case 1:
      step = hf_fr_from_u64((uint64_t)1 << c->table_width);
      break;
    case 2:
      step = hf_fr_pow_u64(hf_fr_from_u64(2), 64);
      break;
    case 3:
      step = rng_fr(r);
      break;
    default:
      break;
    }
    if (rng_u64(r) & 1) step = hf_fr_neg(step);
    hf_fr other = hf_fr_neg(hf_fr_mul(hf_fr_mul(qx, step), hf_fr_inv(qy)));
    k[0].value = hf_fr_add(c->wires[k[0].wire][k[0].row], step);
    k[1].value = hf_fr_add(c->wires[k[1].wire][k[1].row], other);
    trials--;
    ++*done;
    if (!accepted_on(in, k, 2)) continue;
    cr_assert(is_free(which, hint_name(in, vx)) || is_free(which, hint_name(in, vy)),
              "%s: wires %u and %u of row %u (%s and %s) move together", in->name, x, y, row,
              hint_name(in, vx), hint_name(in, vy));
  }
}

/* The short list is not longer than it must be: what it says is free is free. */
static void free_hints_are_free(instance *in, int which, rng *r) {
  for (uint32_t i = 0; i < in->hint_count; i++) {
    if (!is_free(which, in->hints[i].name)) continue;
    lies told = {0};
    attempt a;
    lie_add(&told, in->hints[i].var, rng_fr(r));
    attempt_run(in, NULL, &told, &a);
    cr_assert(a.failure_count == 0 && a.statement_kept, "%s: hint \"%s\" is on the list and not free: %s",
              in->name, in->hints[i].name, a.failures[0].message);
    attempt_free(&a);
  }
}

Test(attacks, mutants) {
  uint32_t hints = 0, pairs = 0, classes = 0;
  for (int which = 0; which < INSTANCES; which++) {
    instance in;
    rng r = {SEED + (uint64_t)which};
    instance_init(&in, which, (uint8_t)(1 + which));
    free_hints_are_free(&in, which, &r);
    mutate_hints(&in, which, 800, &r, &hints);
    compensate(&in, which, 1200, &r, &pairs);
    overwrite(&in, which, 2000, &r, &classes);
    instance_free(&in);
  }
  cr_log_info("%u hints replaced, %u pairs moved, %u classes overwritten", hints, pairs, classes);
  cr_assert_geq(hints + pairs + classes, 20000);
}
