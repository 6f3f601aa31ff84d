/* hyperfold bench e2e, whole: payments signed, sequenced, proven, folded, sealed and verified, and what its report says of them. */
#include "run_command.h"

#include <criterion/criterion.h>
#include <string.h>

static double figure(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  cr_assert(json_is_number(value), "%s", name);
  return json_number_value(value);
}

Test(bench, a_whole_run) {
  char *d = hf_test_folder("e2e");
  json_t *report = hf_run_json(0, "bench e2e --data %s --depth 4 --size 2^13 --batches 2 --json", d);
  json_t *results = json_object_get(report, "results");
  cr_assert_eq(json_array_size(results), 1);
  const json_t *r = json_array_get(results, 0), *f = json_object_get(r, "figures"), *p = json_object_get(r, "phases_ms");
  cr_assert_str_eq(json_string_value(json_object_get(r, "name")), "e2e");
  cr_assert(json_is_true(json_object_get(r, "verified")));
  cr_assert_eq(figure(r, "size"), 8192);
  cr_assert_eq(figure(f, "batches"), 2);
  cr_assert_eq(figure(f, "folds"), 1);
  cr_assert_eq(figure(f, "seals"), 1);
  /* every slot is taken: by a deposit for each account, then by payments */
  cr_assert_eq(figure(f, "payments"), 2 * figure(f, "slots") - 3);
  /* the figures are those of one run: payments over its time, the parts within it */
  double ms = figure(r, "minimum_ms"), rate = figure(f, "payments_per_second");
  cr_assert_float_eq(rate * ms / 1000, figure(f, "payments"), 1e-6 * figure(f, "payments"));
  cr_assert_leq(figure(f, "latency_ms"), ms);
  cr_assert_gt(figure(r, "limit_ms"), 0);
  cr_assert_lt(figure(r, "limit_ms"), ms);
  double parts = 0;
  static const char *const phases[] = {"batch witness", "batch proof", "batch rest", "fold", "seal", "waiting"};
  for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) parts += figure(p, phases[i]);
  cr_assert_float_eq(parts, ms, 0.01 * ms);
  /* the keys stay: what a second run prepares is less, and it refuses what makes no sense */
  json_decref(report);
  static const char *const refused[] = {"--batches 0", "--batches 257", "--workers 0", "--size 2^3", "--device nothing"};
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    hf_run run;
    hf_run_command(&run, "bench e2e --data %s --depth 4 %s", d, refused[i]);
    cr_assert_neq(run.exit, 0, "%s", refused[i]);
    cr_assert_neq(run.err[0], 0, "%s", refused[i]);
    hf_run_free(&run);
  }
  hf_test_folder_remove(d);
}
