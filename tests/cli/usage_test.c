/* The meter and the copies of a queue as an operator uses them: readings that are signed and checked, an
 * invoice, and a copy that takes the place of a store that was lost. */
#include "run_command.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How a command ended, and a word that it said. */
#define RUNS(status, word, ...)                                                                              \
  do {                                                                                                       \
    hf_run run;                                                                                              \
    hf_run_command(&run, __VA_ARGS__);                                                                       \
    cr_assert(run.exit == (status) && (strstr(run.out, word) || strstr(run.err, word)), "exit %d\n%s%s",     \
              run.exit, run.out, run.err);                                                                   \
    hf_run_free(&run);                                                                                       \
  } while (0)

static void prove(const char *id, const char *queue) {
  json_decref(hf_run_json(
      0, "job submit --data data --queue %s --tenant alice --circuit example --vk v --id %s --json example",
      queue, id));
  RUNS(0, "1 proven", "worker --data data --queue %s --dev --once", queue);
}

static json_int_t of_alice(json_t *document, const char *meter) {
  json_t *alice = json_array_get(json_object_get(document, "tenants"), 0);
  cr_assert_str_eq(json_string_value(json_object_get(alice, "tenant")), "alice");
  return json_integer_value(json_object_get(alice, meter));
}

/* A later digit of the first meter, or an earlier one. */
static void change(const char *path) {
  FILE *file = fopen(path, "r+");
  char text[600] = "";
  cr_assert_not_null(file);
  cr_assert_gt(fread(text, 1, sizeof text - 1, file), 0);
  char *at = strstr(text, "\"used_ms\":");
  cr_assert_not_null(at);
  cr_assert_eq(fseek(file, at - text + 10, SEEK_SET), 0);
  fputc(at[10] == '1' ? '2' : '1', file);
  cr_assert_eq(fclose(file), 0);
}

Test(usage, invoice_and_copy) {
  char *d = hf_test_folder("usage"), key[65];
  static const uint8_t bytes[112] = {[96] = 129, 2, [104] = 129, '=', 'f'}; /* 641 * 6700417 */
  cr_assert_eq(chdir(d), 0);
  FILE *input = fopen("example", "w");
  cr_assert(input != NULL && fwrite(bytes, 1, sizeof bytes, input) == sizeof bytes && fclose(input) == 0);
  RUNS(0, "", "circuit key example --data data --dev --vk-out v");
  json_t *made = hf_run_json(0, "queue usage --make-key meter.key --json");
  snprintf(key, sizeof key, "%s", json_string_value(json_object_get(made, "public_key")));
  json_decref(made);
  RUNS(5, "never overwritten", "queue usage --make-key meter.key");

  prove("one", "store");
  RUNS(0, "alice", "queue usage --data data --queue store --sign meter.key --out first");
  prove("two", "store");
  RUNS(0, "alice", "queue usage --data data --queue store --sign meter.key --out second");
  json_t *first = hf_run_json(0, "queue usage --check %s first --json", key),
         *invoice = hf_run_json(0, "queue usage --check %s second first --json", key),
         *now = hf_run_json(0, "queue usage --data data --queue store --json");
  cr_assert_gt(of_alice(invoice, "billable_ms"), 0);
  cr_assert_eq(of_alice(first, "used_ms") + of_alice(invoice, "used_ms"), of_alice(now, "used_ms"));
  json_decref(first);
  json_decref(invoice);
  json_decref(now);
  RUNS(0, "since reading", "queue usage --check %s second first", key);
  RUNS(4, "does not come before", "queue usage --check %s first second", key);
  RUNS(4, "another key", "queue usage --check 00%s second", key + 2);
  RUNS(2, "--check", "queue usage --check %s", key);
  RUNS(2, "--check", "queue usage second");
  prove("one", "other");
  RUNS(0, "", "queue usage --data data --queue other --sign meter.key --out others");
  RUNS(3, "two stores", "queue usage --check %s others first", key);

  /* a copy, and what happened after it */
  RUNS(0, "2 jobs, 3 artifacts", "queue backup --data data --queue store copy");
  RUNS(5, "already", "queue backup --data data --queue store copy");
  prove("three", "store");
  RUNS(0, "alice", "queue usage --data data --queue store --sign meter.key --out third");
  RUNS(0, "since reading", "queue usage --check %s third second", key);
  /* the store is lost: its copy goes on. It does not know the third job, and its meters are not to be
   * compared. */
  RUNS(5, "three", "job get three --tenant alice --data data --queue copy");
  prove("three", "copy");
  json_t *job =
      hf_run_json(0, "job get three --tenant alice --data data --queue copy --out three.proof --json");
  cr_assert_gt(json_integer_value(json_object_get(job, "epoch")), 1 << 20);
  json_decref(job);
  RUNS(0, "valid", "verify --dev --vk v three.proof");
  RUNS(0, "alice", "queue usage --data data --queue copy --sign meter.key --out fourth");
  RUNS(3, "put back from a copy", "queue usage --check %s fourth third", key);
  RUNS(0, "leases have epochs", "queue restored --data data --queue copy");

  change("second");
  RUNS(4, "it was changed", "queue usage --check %s second", key);
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}
