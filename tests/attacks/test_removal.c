/* Every constraint, lookup and copy is needed: see removal.h. What no lie needs is listed with its reason. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "removal.h"

/* Parts of labels of classes that are redundant by design. */
static const struct {
  const char *label, *why;
} redundant[] = {
    {"child selection and round 4",
     "a permutation outside a path: child 0 is selected, and nothing asks which"},
    {"child selection and round 5", "the same: digit 0"},
    {"first round or child selection, copy 0",
     "child 0 stands on a and, selected, on e: one copy holds the other"},
    {"first round or child selection, copy 4", "the same"},
    {"signature: key is on the curve, arithmetic 0",
     "-x is also forced by x3 = 0, but for y = 0: of small order"},
    {"signature: key is on the curve, Edwards addition 0",
     "x3 = 0 follows from x, -x and y twice on one row"},
    {"signature: key is on the curve, copy 1", "both y stand on the row, and x3 = 0 makes them equal"},
    {"signature: key is on the curve, copy 3", "the same"},
    {"ROM write, copy 0", "a and b of a point's entry are zero, as they are in what a sum of points reads"},
    {"ROM write, copy 1", "the same"},
    {"preamble: constant", "the preamble's gates hold for no other values of zero and one either"},
    {": mode is 0 or 1, copy 0", "x3 of the row before, which its equation forces to 0"},
    {"rules: deposit opens, range lookup 2", "a wire that looks up the constant zero"},
    {"rules: deposit opens, range lookup 3", "the same"},
    {"rules: deposit opens, copy 2", "any value in the table would do on this wire"},
    {"rules: deposit opens, copy 3", "the same"},
};

static bool used[sizeof redundant / sizeof *redundant];

static const char *redundant_reason(const char *label) {
  if (strncmp(label, "merkle update", 13) == 0) return NULL; /* paths do ask */
  for (size_t i = 0; i < sizeof redundant / sizeof *redundant; i++)
    if (strstr(label, redundant[i].label) != NULL) {
      used[i] = true;
      return redundant[i].why;
    }
  return NULL;
}

Test(attacks, every_constraint_is_needed) {
  removal *m = calloc(1, sizeof *m);
  cr_assert_not_null(m);
  for (int i = 0; i < INSTANCES; i++) instance_init(&m->in[i], i, 1);
  classes_make(&m->in[0], &m->classes);
#define STEP(call)                                                                                           \
  do {                                                                                                       \
    uint32_t before = m->runs, had = 0, has = 0;                                                             \
    for (uint32_t i = 0; i < m->classes.count; i++) had += m->classes.list[i].covered;                       \
    call;                                                                                                    \
    for (uint32_t i = 0; i < m->classes.count; i++) has += m->classes.list[i].covered;                       \
    cr_log_info("%s: %u runs, %u classes", #call, m->runs - before, has - had);                              \
  } while (0)
  /* a small S, so that S + l is below 2^251 */
  m->signature_inputs =
      (signature_case){.s = hf_fr_from_u64(0x123456789abcdef), .h = hf_fr_inv(hf_fr_from_u64(97))};
  m->signature_inputs.a[0] = m->in[0].world.keys[0].public_key.x;
  m->signature_inputs.a[1] = m->in[0].world.keys[0].public_key.y;
  signature_init(&m->signature_inputs, &m->signature);
  STEP(removal_public(m));
  STEP(removal_signature(m));
  STEP(removal_constants(m));
  STEP(removal_flags(m));
  STEP(removal_rules(m));
  STEP(removal_paths(m));
  STEP(removal_ranges(m));
  STEP(removal_rounds(m, &m->in[INSTANCE_OPEN]));
  STEP(removal_rounds(m, &m->in[INSTANCE_TRANSFER]));
  STEP(removal_generic(m, &m->in[INSTANCE_OPEN]));
  STEP(removal_generic(m, &m->in[INSTANCE_TRANSFER]));
  STEP(removal_generic(m, &m->in[INSTANCE_WITHDRAW]));
  STEP(removal_generic(m, &m->in[INSTANCE_REFUSED]));
  STEP(removal_outputs(m, &m->in[INSTANCE_OPEN]));
  STEP(removal_outputs(m, &m->in[INSTANCE_TRANSFER]));
  /* a validium's transfer */
  ref_world private_world;
  ref_world_init(&private_world, 4, 1, 3);
  private_world.batch.mode = HF_MODE_VALIDIUM;
  ref_op private_transfer = ref_transfer(&private_world, 1, 2, 1000, 5);
  instance validium;
  instance_make(&validium, "validium", &private_world, &private_transfer, true);
  STEP(removal_generic(m, &validium));
  uint32_t covered = 0, listed = 0, open = 0;
  for (uint32_t i = 0; i < m->classes.count; i++) {
    constraint_class *k = &m->classes.list[i];
    if (k->covered)
      covered++;
    else if (redundant_reason(k->label) != NULL)
      listed++;
    else {
      open++;
      cr_log_warn("nothing needs: %s (row %u, %u rows)", k->label, k->rows[1], k->count);
    }
  }
  cr_log_info("%u classes covered by %u runs, %u redundant by design, %u open", covered, m->runs, listed,
              open);
  cr_assert_eq(open, 0);
  for (size_t i = 0; i < sizeof used / sizeof *used; i++)
    cr_assert(used[i], "\"%s\" is listed as redundant, and nothing uncovered is called so",
              redundant[i].label);
  instance_free(&validium);
  ref_world_free(&private_world);
  instance_free(&m->signature);
  for (int i = 0; i < INSTANCES; i++) instance_free(&m->in[i]);
  classes_free(&m->classes);
  free(m);
}
