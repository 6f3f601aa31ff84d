/* The demonstration in small: everything that deploy/demo shows, on shallow trees. */
#include "run_command.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

Test(demo, small) {
  char *d = hf_test_folder("demo");
  cr_assert_eq(chdir(d), 0);
  json_t *demo = hf_run_json(0, "demo --json --data data --depth 6 --slots 8 --payments 40 --accounts 6"),
         *batch, *chain;
  cr_assert(json_is_true(json_object_get(demo, "ok")));
  cr_assert_eq(json_integer_value(json_object_get(demo, "workers")), 3, "two, and one for the killed one");
  size_t i, refused = 0, again = 0;
  cr_assert_geq(json_array_size(json_object_get(demo, "batches")), 4);
  json_array_foreach(json_object_get(demo, "batches"), i, batch) {
    cr_assert_str_eq(json_string_value(json_object_get(batch, "outcome")), "accepted");
    cr_assert(json_object_size(json_object_get(json_object_get(batch, "prove"), "phases")) >= 4);
    again += json_integer_value(json_object_get(batch, "epoch")) > 1;
  }
  cr_assert_geq(again, 1, "no job was proven under a second lease");
  cr_assert_eq(json_array_size(json_object_get(demo, "chains")), 2);
  json_array_foreach(json_object_get(demo, "chains"), i, chain) refused +=
      json_object_size(json_object_get(chain, "refused"));
  cr_assert_geq(refused, 1);
  cr_assert_eq(json_array_size(json_object_get(demo, "folds")), json_array_size(json_object_get(demo, "batches")) - 1);
  json_t *l1 = json_object_get(demo, "l1");
  if (json_is_object(l1)) { /* there is a local Ethereum node */
    cr_assert_eq(json_integer_value(json_object_get(l1, "records")), (json_int_t)json_array_size(json_object_get(demo, "batches")));
    cr_assert_gt(json_integer_value(json_object_get(l1, "gas_used")), 100000);
    cr_assert(strstr(json_string_value(json_object_get(l1, "second")), "WrongBatchNumber"));
  }
  json_decref(demo);
  /* in words and without a node: what is missing is named, and the last line says that it went well */
  hf_run run;
  hf_run_command(&run, "demo --data data --depth 6 --slots 8 --payments 24 --accounts 6 --seed 3 --anvil /nonexistent");
  cr_assert_eq(run.exit, 0, "%s", run.err);
  cr_assert(strstr(run.err, "SKIP settlement"));
  char *last = strstr(run.out, "\ndemo: ok ");
  cr_assert(last != NULL && strchr(last + 1, '\n')[1] == 0, "%s", run.out);
  hf_run_free(&run);
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}
