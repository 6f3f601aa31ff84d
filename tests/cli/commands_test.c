/* The command's manners: help, exit status, JSON, rank of flag, environment and file; jobs through the queue.
 */
#include "run_command.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DIGEST "0100000000000000000000000000000000000000000000000000000000000000"

/* Walks "commands:" of a help text and visits each command's own help. */
static void visit(const char *path, unsigned *leaves) {
  hf_run run, again;
  hf_run_command(&run, "%s --help", path);
  cr_assert_eq(run.exit, 0, "%s --help: %s", path, run.err);
  cr_assert_eq(strlen(run.err), 0);
  json_t *document = hf_run_json(0, "%s --help --json", path);
  cr_assert_str_eq(json_string_value(json_object_get(document, "help")), run.out);
  json_decref(document);
  char *list = strstr(run.out, "\ncommands:\n");
  if (list == NULL) {
    (*leaves)++;
    cr_assert(strstr(run.out, "--json") != NULL, "%s has no --json", path);
    hf_run_command(&again, "%s --no-such-option", path);
    cr_assert_eq(again.exit, 2, "%s takes an unknown option", path);
    cr_assert(strstr(again.err, "--no-such-option") != NULL);
    cr_assert_eq(strlen(again.out), 0);
    hf_run_free(&again);
    json_decref(hf_run_json(2, "%s --no-such-option --json", path));
  } else {
    hf_run_command(&again, "%s", path);
    cr_assert_eq(again.exit, 2, "%s without a command", path);
    hf_run_free(&again);
    for (char *line = list + strlen("\ncommands:\n"); line[0] == ' ' && line[1] == ' ';
         line = strchr(line, '\n') + 1) {
      char name[32], below[128];
      cr_assert_eq(sscanf(line, " %31s", name), 1);
      snprintf(below, sizeof below, "%s%s%s", path, *path ? " " : "", name);
      visit(below, leaves);
    }
  }
  hf_run_free(&run);
}

Test(commands, help_of_every_command) {
  unsigned leaves = 0;
  visit("", &leaves);
  cr_assert_geq(leaves, 12);
}

/* A command that asks of a queue names the folder where none is, and makes none. */
__attribute__((format(printf, 2, 3))) static void looked_in(const char *folder, const char *format, ...) {
  char command[1024];
  va_list list;
  va_start(list, format);
  vsnprintf(command, sizeof command, format, list);
  va_end(list);
  hf_run run;
  hf_run_command(&run, "%s", command);
  cr_assert_eq(run.exit, 5, "%s: %d", command, run.exit);
  const char *said = strstr(run.err, "no queue in ");
  cr_assert_not_null(said, "%s: %s", command, run.err);
  cr_assert_not_null(strstr(said, folder), "%s: %s", command, run.err);
  hf_run_free(&run);
}

static bool is_there(const char *folder, const char *name) {
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return access(path, F_OK) == 0;
}

Test(commands, what_is_misspelt_is_named_and_not_made) {
  static const char *const asks[] = {"job list",      "job get x",      "job wait x",    "job cancel x",   "queue stats",
                                     "queue dead",    "queue workers",  "queue events",  "queue requeue x", "queue pardon x",
                                     "queue drain",   "queue tenant t", "queue reap",    "queue usage",    "queue backup copy",
                                     "queue restored", "top --once"};
  char *folder = hf_test_folder("cli");
  hf_run run;
  for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) looked_in("typo/queue", "%s --data %s/typo", asks[i], folder);
  hf_run_command(&run, "doctor --queue %s/typo", folder);
  cr_assert_eq(run.exit, 5, "%s", run.out);
  cr_assert_not_null(strstr(run.out, "no queue in"), "%s", run.out);
  hf_run_free(&run);
  cr_assert(!is_there(folder, "typo"));

  hf_run_command(&run, "sequencer export --data %s --chain 8 --out %s/out", folder, folder);
  cr_assert_eq(run.exit, 5);
  cr_assert_not_null(strstr(run.err, "no chain 8"), "%s", run.err);
  cr_assert(!is_there(folder, "chains/8.db") && !is_there(folder, "out"));
  hf_run_free(&run);
  static const char *const wrong[][2] = {{"sequencer run --dev --data %s --chain x", "\"x\" is no chain id"},
                                         {"wallet generate --chain x --out %s/o --deposits d", "\"x\" is no chain id"},
                                         {"l1 deploy --rpc http://127.0.0.1:1 --data %s --key nobody.key", "development setup"}, /* before gas is paid */
                                         {"inspect %s", "Is a directory"},
                                         {"inspect %s/nothing", "No such file"},
                                         {"circuit key exmple --dev --data %s", "no circuit \"exmple\""}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    char command[1024];
    snprintf(command, sizeof command, wrong[i][0], folder);
    hf_run_command(&run, "%s", command);
    cr_assert_neq(run.exit, 0, "%s", command);
    cr_assert_not_null(strstr(run.err, wrong[i][1]), "%s: %s", command, run.err);
    hf_run_free(&run);
  }
  /* a circuit may be somebody else's: said, and taken; a key that is neither file nor digest is named */
  hf_run_command(&run, "job submit --data %s --circuit exmple --vk " DIGEST " %s", folder, HF_SOURCE_DIR "/README.md");
  cr_assert_eq(run.exit, 0, "%s", run.err);
  cr_assert_not_null(strstr(run.err, "no circuit \"exmple\""), "%s", run.err);
  hf_run_free(&run);
  hf_run_command(&run, "job submit --data %s --circuit example --vk %s/absent %s", folder, folder, HF_SOURCE_DIR "/README.md");
  cr_assert_eq(run.exit, 3, "%s", run.err);
  cr_assert_not_null(strstr(run.err, "/absent"), "%s", run.err);
  hf_run_free(&run);
  hf_test_folder_remove(folder);
}

Test(commands, version) {
  hf_run run;
  hf_run_command(&run, "--version");
  cr_assert_eq(run.exit, 0);
  cr_assert_eq(strncmp(run.out, "hyperfold ", 10), 0, "%s", run.out);
  hf_run_free(&run);
}

/* A worker that has nothing yet makes the development setup, for all circuits. */
Test(commands, worker_from_nothing) {
  char *folder = hf_test_folder("cli");
  hf_run run;
  hf_run_command(&run, "worker --dev --once --data %s", folder);
  cr_assert_eq(run.exit, 0, "%s", run.err);
  cr_assert_null(strstr(run.err, "not offered"), "%s", run.err);
  hf_run_free(&run);
  hf_test_folder_remove(folder);
}

Test(commands, exit_status_and_rank) {
  char *folder = hf_test_folder("cli");
  hf_run run;
  hf_run_command(&run, "frobnicate");
  cr_assert_eq(run.exit, 2);
  hf_run_free(&run);
  hf_run_command(&run, "inspect %s/absent", folder);
  cr_assert_eq(run.exit, 5);
  hf_run_free(&run);
  hf_run_command(&run, "inspect %s/tests/run", HF_SOURCE_DIR);
  cr_assert_eq(run.exit, 3);
  hf_run_free(&run);
  hf_run_command(&run, "job wait nobody --data %s --timeout 1", folder);
  cr_assert_eq(run.exit, 5);
  hf_run_free(&run);

  /* the CPU's code path, from a flag or from the environment */
  json_t *keys[2];
  keys[0] = hf_run_json(0, "circuit key example --data %s/portable --dev --cpu portable --json", folder);
  cr_assert_eq(setenv("HYPERFOLD_CPU", "portable", 1), 0);
  keys[1] = hf_run_json(0, "circuit key example --data %s/environment --dev --json", folder);
  cr_assert_eq(unsetenv("HYPERFOLD_CPU"), 0);
  cr_assert_str_eq(json_string_value(json_object_get(keys[0], "digest")),
                   json_string_value(json_object_get(keys[1], "digest")));
  for (int i = 0; i < 2; i++) json_decref(keys[i]);
  hf_run_command(&run, "circuit key example --data %s/none --dev --cpu abacus", folder);
  cr_assert_neq(run.exit, 0);
  cr_assert_not_null(strstr(run.err, "abacus"), "%s", run.err);
  hf_run_free(&run);

  /* default < file < environment < flag, seen through which queue is opened */
  char config[512], path[512];
  snprintf(config, sizeof config, "%s/config", folder);
  FILE *file = fopen(config, "w");
  fprintf(file, "# a comment\nlimit = 7\njob.queue = %s/from-file\n", folder);
  fclose(file);
  looked_in("from-file", "job list --json --config %s", config);
  snprintf(path, sizeof path, "%s/from-env", folder);
  setenv("HYPERFOLD_QUEUE", path, 1);
  looked_in("from-env", "job list --json --config %s", config);
  looked_in("from-flag", "job list --json --config %s --queue %s/from-flag", config, folder);
  unsetenv("HYPERFOLD_QUEUE");

  hf_run cut; /* not taken modulo 2^32 */
  hf_run_command(&cut, "sequencer run --dev --data %s --chain 7 --slots 4294967312", folder);
  cr_assert_eq(cut.exit, 2);
  cr_assert_not_null(strstr(cut.err, "slots is a natural number below 2^32"), "%s", cut.err);
  hf_run_free(&cut);

  setenv("HYPERFOLD_NO_SUCH_THING", "1", 1);
  hf_run_command(&run, "job list --data %s", folder);
  cr_assert_eq(run.exit, 2);
  cr_assert(strstr(run.err, "HYPERFOLD_NO_SUCH_THING") != NULL);
  hf_run_free(&run);
  unsetenv("HYPERFOLD_NO_SUCH_THING");
  file = fopen(config, "w");
  fprintf(file, "no-such-thing = 1\n");
  fclose(file);
  hf_run_command(&run, "job list --data %s --config %s", folder, config);
  cr_assert_eq(run.exit, 2);
  hf_run_free(&run);
  hf_run_command(&run, "job list --data %s --limit many", folder);
  cr_assert_eq(run.exit, 2);
  hf_run_free(&run);
  hf_test_folder_remove(folder);
}

Test(commands, jobs) {
  char *folder = hf_test_folder("cli");
  char data[512], input[512];
  hf_run run;
  snprintf(data, sizeof data, "--data %s/data", folder);
  snprintf(input, sizeof input, "%s/input", folder);
  FILE *file = fopen(input, "w");
  fprintf(file, "not a batch");
  fclose(file);

  json_t *first =
      hf_run_json(0, "job submit %s --json --id a --circuit cubic --vk %s %s", data, DIGEST, input);
  cr_assert(json_is_true(json_object_get(first, "created")));
  json_t *second =
      hf_run_json(0, "job submit %s --json --id a --circuit cubic --vk %s %s", data, DIGEST, input);
  cr_assert(json_is_false(json_object_get(second, "created")));
  json_decref(first);
  json_decref(second);
  /* another payload under the same id */
  json_t *error =
      hf_run_json(5, "job submit %s --json --id a --circuit other --vk %s %s", data, DIGEST, input);
  cr_assert(json_object_get(error, "error") != NULL);
  json_decref(error);
  hf_run_command(&run, "job submit %s --id b --circuit cubic --vk 123 %s", data, input);
  cr_assert_eq(run.exit, 3, "%d", run.exit);
  hf_run_free(&run);
  hf_run_command(&run, "job submit %s --id b --circuit cubic --vk %s --parameters x=y %s", data, DIGEST,
                 input);
  cr_assert_eq(run.exit, 2);
  hf_run_free(&run);

  hf_run_command(&run, "job get %s a --input %s.copy", data, input);
  cr_assert_eq(run.exit, 0, "%s", run.err);
  hf_run_free(&run);
  char compare[1100];
  snprintf(compare, sizeof compare, "cmp %s %s.copy", input, input);
  cr_assert_eq(system(compare), 0);
  hf_run_command(&run, "job get %s a --out %s.proof", data, input); /* not proven yet */
  cr_assert_eq(run.exit, 2);
  hf_run_free(&run);

  json_t *cancelled = hf_run_json(0, "job cancel %s a --json", data);
  cr_assert_str_eq(json_string_value(json_object_get(cancelled, "state")), "cancelled");
  json_decref(cancelled);
  json_t *record = hf_run_json(4, "job wait %s a --json", data);
  cr_assert_str_eq(json_string_value(json_object_get(record, "state")), "cancelled");
  json_decref(record);
  hf_run_command(&run, "queue requeue %s a", data);
  cr_assert_eq(run.exit, 0);
  hf_run_free(&run);
  json_t *stats = hf_run_json(0, "queue stats %s --json", data);
  cr_assert_eq(json_integer_value(json_object_get(json_object_get(stats, "jobs"), "queued")), 1);
  json_decref(stats);
  json_t *events = hf_run_json(0, "queue events %s --json", data);
  cr_assert_eq(json_array_size(json_object_get(events, "events")), 3);
  json_decref(events);
  json_decref(hf_run_json(0, "queue dead %s --json", data));
  json_decref(hf_run_json(0, "queue workers %s --json", data));
  json_decref(hf_run_json(0, "queue reap %s --json --forget 0", data));
  json_decref(hf_run_json(0, "queue tenant %s default --weight 3 --json", data));
  json_t *tenant = hf_run_json(0, "queue tenant %s default --quota 9 --json", data); /* the weight stays */
  cr_assert_eq(json_integer_value(json_object_get(tenant, "weight")), 3);
  json_decref(tenant);
  tenant = hf_run_json(0, "queue tenant %s default --weight 3 --json", data); /* and the quota */
  cr_assert_eq(json_integer_value(json_object_get(tenant, "quota")), 9);
  json_decref(tenant);
  json_decref(hf_run_json(0, "queue tenant %s default --quota 0 --json", data));
  hf_test_folder_remove(folder);
}
