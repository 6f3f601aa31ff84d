/* Worker processes: two share a queue, a cancelled job is left at once, SIGTERM drains, a second one gives
 * the job back, a lost worker's job goes to another, and an input that does not satisfy dies with the
 * constraint's name. */
#include "run_command.h"

#include <criterion/criterion.h>
#include <hyperfold/file.h>
#include <hyperfold/rollup.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PARAMETERS "depth=6,slots=8"
#define WORKER     "worker --data data --dev --json --threads 1 %s "

static void pause_ms(unsigned ms) {
  nanosleep(&(struct timespec){ms / 1000, (long)(ms % 1000) * 1000000}, NULL);
}

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int end_of(pid_t pid) {
  int status;
  cr_assert_eq(waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* The job's record once it is leased and a proof is under way. */
static void wait_for_proving(const char *id) {
  for (int i = 0; i < 3000; i++) {
    json_t *job = hf_run_json(0, "job get %s --data data --json", id),
           *progress = json_object_get(job, "progress");
    bool under_way = strcmp(json_string_value(json_object_get(job, "state")), "leased") == 0 &&
                     json_integer_value(json_object_get(progress, "total")) > 0 &&
                     json_integer_value(json_object_get(progress, "done")) * 100 >
                         json_integer_value(json_object_get(progress, "total")) * 15;
    json_decref(job);
    if (under_way) return;
    pause_ms(10);
  }
  cr_assert_fail("no worker proves %s", id);
}

static void expect_state(const char *id, const char *state) {
  json_t *job = hf_run_json(0, "job get %s --data data --json", id);
  cr_assert_str_eq(json_string_value(json_object_get(job, "state")), state, "%s is %s", id,
                   json_string_value(json_object_get(job, "state")));
  json_decref(job);
}

static char digest[65];
static const char *mode; /* options of every worker */

static void submit(const char *id, const char *input) {
  json_decref(hf_run_json(
      0, "job submit --data data --json --circuit batch --parameters " PARAMETERS " --vk %s --id %s %s",
      digest, id, input));
}

/* How many lines of a worker's stdout report an accepted proof of `id`, or of any job, each with its device. */
static int count_accepted(const char *path, const char *id) {
  char line[4096];
  int count = 0;
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    json_t *report = json_loads(line, 0, NULL);
    const char *outcome = json_string_value(json_object_get(report, "outcome"));
    const char *job = json_string_value(json_object_get(report, "id"));
    const char *device = json_string_value(json_object_get(report, "device"));
    if (outcome != NULL && strcmp(outcome, "accepted") == 0 && device != NULL && strcmp(device, "cpu") == 0 && (id == NULL || strcmp(job, id) == 0)) count++;
    json_decref(report);
  }
  fclose(file);
  return count;
}

/* A folder, with the input of a batch in it, and its key; it is the current one. */
static char *make_input(void) {
  char *d = hf_test_folder("worker");
  cr_assert_eq(chdir(d), 0);
  json_t *key = hf_run_json(0, "circuit key batch --data data --dev --parameters " PARAMETERS " --json");
  snprintf(digest, sizeof digest, "%s", json_string_value(json_object_get(key, "digest")));
  json_decref(key);
  json_decref(hf_run_json(
      0, "wallet generate --json --chain 7 --accounts 6 --transactions 2 --invalid 0 --deposits d.jsonl "
         "--out t.jsonl"));
  json_decref(
      hf_run_json(0,
                  "sequencer run --data data --chain 7 --depth 6 --slots 8 --vk %s --deposits d.jsonl "
                  "--transactions t.jsonl --flush --json",
                  digest));
  json_decref(hf_run_json(0, "job get 7/1 --tenant hyperfold --data data --input input --json"));
  json_decref(hf_run_json(0, "job cancel 7/1 --tenant hyperfold --data data --json"));
  return d;
}

static void processes(const char *options) {
  mode = options;
  char *d = make_input(), id[32];
  hf_run run;

  /* cancelled while it is proven: over within five seconds, and the worker lives on */
  submit("cancelled", "input");
  pid_t worker = hf_run_start("one", WORKER "--name one", mode);
  wait_for_proving("cancelled");
  double began = seconds();
  json_decref(hf_run_json(0, "job cancel cancelled --data data --json"));
  hf_run_command(&run, "job wait cancelled --data data --timeout 30");
  cr_assert_eq(run.exit, 4, "%s", run.err);
  hf_run_free(&run);
  double took = seconds() - began;
  fprintf(stderr, "cancelled after %.2f s\n", took);
  cr_assert_lt(took, 15); /* five seconds are promised; a machine with other work is given more */
  expect_state("cancelled", "cancelled");

  /* what nobody has begun is over at once */
  submit("unwanted", "input");
  json_t *unwanted = hf_run_json(0, "job cancel unwanted --data data --json");
  const char *then = json_string_value(json_object_get(unwanted, "state"));
  cr_assert(strcmp(then, "cancelled") == 0 || strcmp(then, "leased") == 0, "%s", then); /* the worker may have been faster */
  json_decref(unwanted);
  hf_run_command(&run, "job wait unwanted --data data --timeout 30");
  cr_assert_eq(run.exit, 4, "%s", run.err);
  hf_run_free(&run);

  json_t *needs = hf_run_json(0, "job get cancelled --data data --json");
  cr_assert_gt(json_integer_value(json_object_get(needs, "device_memory")), 8 << 20); /* of 2^14 rows */
  json_decref(needs);

  /* SIGTERM: the proof in hand is finished, nothing else is begun */
  submit("drained", "input");
  wait_for_proving("drained");
  kill(worker, SIGTERM);
  submit("left", "input");
  cr_assert_eq(end_of(worker), 0);
  expect_state("drained", "done");
  expect_state("left", "queued");

  /* SIGTERM twice: the job is given back, no attempt is charged */
  worker = hf_run_start("two", WORKER "--name two", mode);
  wait_for_proving("left");
  kill(worker, SIGTERM);
  pause_ms(20);
  kill(worker, SIGTERM);
  cr_assert_eq(end_of(worker), 0);
  json_t *job = hf_run_json(0, "job get left --data data --json");
  cr_assert_eq(json_integer_value(json_object_get(job, "attempts")), 0);
  json_decref(job);

  /* SIGKILL: another worker has it when the lease has run out */
  expect_state("left", "queued");
  worker = hf_run_start("three", WORKER "--name three --lease 2", mode);
  wait_for_proving("left");
  kill(worker, SIGKILL);
  cr_assert_eq(end_of(worker), 128 + SIGKILL);
  began = seconds();
  worker = hf_run_start("four", WORKER "--name four", mode);
  hf_run_command(&run, "job wait left --data data --timeout 120");
  cr_assert_eq(run.exit, 0, "%s", run.err);
  hf_run_free(&run);
  job = hf_run_json(0, "job get left --data data --json");
  cr_assert_str_eq(json_string_value(json_object_get(job, "worker")), "four");
  cr_assert_eq(json_integer_value(json_object_get(job, "attempts")), 0);
  json_decref(job);

  /* two at once: every job once, by one of them */
  pid_t other = hf_run_start("five", WORKER "--name five", mode);
  for (int i = 0; i < 4; i++) {
    snprintf(id, sizeof id, "shared-%d", i);
    submit(id, "input");
  }
  for (int i = 0; i < 4; i++) {
    snprintf(id, sizeof id, "shared-%d", i);
    hf_run_command(&run, "job wait %s --data data --timeout 120", id);
    cr_assert_eq(run.exit, 0, "%s", run.err);
    hf_run_free(&run);
  }
  kill(worker, SIGTERM);
  kill(other, SIGTERM);
  cr_assert_eq(end_of(worker), 0);
  cr_assert_eq(end_of(other), 0);
  for (int i = 0; i < 4; i++) {
    snprintf(id, sizeof id, "shared-%d", i);
    cr_assert_eq(count_accepted("four", id) + count_accepted("five", id), 1, "%s", id);
  }

  /* a lying sequencer: one more coin on the first account that pays, in a well-formed input */
  uint8_t *bytes;
  size_t length;
  hf_batch_input batch;
  hf_writer w = {0};
  hf_run_command(&run, "circuit check batch input --parameters " PARAMETERS);
  cr_assert_eq(run.exit, 0, "%s", run.err);
  hf_run_free(&run);
  cr_assert_eq(hf_file_read("input", 1 << 20, &bytes, &length), HF_OK);
  cr_assert_eq(hf_batch_input_decode("input", bytes, length, &batch), HF_OK, "%s", hf_error_message());
  uint32_t slot = 0;
  while (slot < batch.params.slots && batch.slots[slot].type != HF_SLOT_TRANSFER) slot++;
  cr_assert_lt(slot, batch.params.slots);
  batch.slots[slot].from.old.balance++;
  cr_assert_eq(hf_batch_input_encode(&batch, &w), HF_OK, "%s", hf_error_message());
  hf_bytes part = {w.data, w.length};
  cr_assert_eq(hf_file_write("lie", 0644, &part, 1), HF_OK);
  hf_writer_free(&w);
  hf_batch_input_free(&batch);
  free(bytes);
  hf_run_command(&run, "circuit check batch lie --parameters " PARAMETERS);
  cr_assert_eq(run.exit, 4, "%s%s", run.out, run.err);
  hf_run_free(&run);
  submit("lie", "lie");
  for (int i = 0; i < 200; i++) {
    hf_run_command(&run, WORKER "--once --name six", mode);
    cr_assert_eq(run.exit, 0, "%s", run.err);
    hf_run_free(&run);
    hf_run_command(&run, WORKER "--once --name seven", mode);
    cr_assert_eq(run.exit, 0, "%s", run.err);
    hf_run_free(&run);
    job = hf_run_json(0, "job get lie --data data --json");
    bool dead = strcmp(json_string_value(json_object_get(job, "state")), "dead") == 0;
    const char *cause = json_string_value(json_object_get(job, "cause"));
    if (dead) cr_assert(strstr(cause, "slot") != NULL && strstr(cause, "row") != NULL, "%s", cause);
    if (dead) fprintf(stderr, "%s\n", cause);
    json_decref(job);
    if (dead) break;
    cr_assert_lt(i, 199, "no dead letter");
    pause_ms(200);
  }
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}

Test(worker, processes) { processes(""); }
Test(worker, processes_with_provers_of_their_own) { processes("--isolate"); }
Test(worker, processes_that_work_ahead) { processes("--isolate --ahead"); }

static void wait_for_done(const char *id) {
  hf_run run;
  hf_run_command(&run, "job wait %s --data data --timeout 60", id);
  cr_assert_eq(run.exit, 0, "%s: %s", id, run.err);
  hf_run_free(&run);
}

static json_int_t attempts_of(const char *id) {
  json_t *job = hf_run_json(0, "job get %s --data data --json", id);
  json_int_t attempts = json_integer_value(json_object_get(job, "attempts"));
  json_decref(job);
  return attempts;
}

/* Its prover dies and hangs: the worker goes on, the job is done at the next attempt. */
Test(worker, outlives_its_prover) {
  char *d = make_input();
  mode = "--isolate --patience 2";
  pid_t worker = hf_run_start("one", WORKER "--name one", mode);
  static const int signals[] = {SIGKILL, SIGSTOP, SIGSEGV};
  char id[16];
  for (int i = 0; i < 3; i++) {
    snprintf(id, sizeof id, "job-%d", i);
    submit(id, "input");
    wait_for_proving(id);
    pid_t prover = hf_test_prover_of(worker);
    cr_assert_eq(kill(prover, signals[i]), 0);
    wait_for_done(id);
    cr_assert_neq(hf_test_prover_of(worker), prover, "signal %d did not end it", signals[i]);
    cr_assert_eq(count_accepted("one", id), 1);
    cr_assert_eq(attempts_of(id), 1, "%s", id); /* the one that was lost */
  }
  /* it goes with its worker, however that ends */
  pid_t prover = hf_test_prover_of(worker);
  kill(worker, SIGKILL);
  cr_assert_eq(end_of(worker), 128 + SIGKILL);
  for (int i = 0; i < 500 && kill(prover, 0) == 0; i++) pause_ms(10);
  cr_assert_neq(kill(prover, 0), 0, "the prover outlived its worker");
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}

/* A job whose witness waits beside the proof that ended the process is not to blame. */
Test(worker, a_job_ahead_is_not_charged) {
  char *d = make_input(), id[16];
  mode = "--isolate --ahead --patience 2";
  pid_t worker = hf_run_start("one", WORKER "--name one", mode);
  for (int i = 0; i < 4; i++) {
    snprintf(id, sizeof id, "job-%d", i);
    submit(id, "input");
  }
  wait_for_proving("job-0");
  kill(hf_test_prover_of(worker), SIGKILL);
  json_int_t attempts = 0;
  for (int i = 0; i < 4; i++) {
    snprintf(id, sizeof id, "job-%d", i);
    wait_for_done(id);
    cr_assert_eq(count_accepted("one", id), 1, "%s", id);
    attempts += attempts_of(id);
  }
  cr_assert_eq(attempts, 1, "%lld attempts are charged for one fault", (long long)attempts);
  kill(worker, SIGTERM);
  cr_assert_eq(end_of(worker), 0);
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}

/* Who has the job, of these workers. */
static pid_t holder_of(const char *id, const pid_t workers[2], const char *const names[2]) {
  json_t *job = hf_run_json(0, "job get %s --data data --json", id);
  int k = strcmp(json_string_value(json_object_get(job, "worker")), names[1]) == 0;
  json_decref(job);
  return workers[k];
}

/* A job that ends the process of every prover that tries it: three attempts on two workers, then it is dead, with what
 * became of them as its cause. The workers go on, and other jobs are done meanwhile. */
Test(worker, a_job_that_ends_every_prover) {
  enum { OTHERS = 12 };
  char *d = make_input(), id[16];
  mode = "--isolate";
  static const char *const names[2] = {"one", "two"};
  json_decref(hf_run_json(0,
                          "job submit --data data --json --circuit batch --parameters " PARAMETERS
                          " --vk %s --id poison --priority 50 input",
                          digest));
  for (int i = 0; i < OTHERS; i++) {
    snprintf(id, sizeof id, "other-%d", i);
    submit(id, "input");
  }
  pid_t workers[2] = {hf_run_start("one", WORKER "--name one", mode), hf_run_start("two", WORKER "--name two", mode)};
  for (int attempt = 1; attempt <= 3; attempt++) {
    wait_for_proving("poison");
    cr_assert_eq(kill(hf_test_prover_of(holder_of("poison", workers, names)), SIGKILL), 0);
    for (int i = 0; i < 3000 && attempts_of("poison") < attempt; i++) pause_ms(10);
    cr_assert_eq(attempts_of("poison"), attempt);
  }
  expect_state("poison", "dead");
  json_t *dead = hf_run_json(0, "queue dead --data data --json"),
         *failures = json_object_get(json_array_get(json_object_get(dead, "jobs"), 0), "failures");
  cr_assert_eq(json_array_size(failures), 3);
  unsigned who = 0;
  for (size_t i = 0; i < 3; i++) {
    json_t *failure = json_array_get(failures, i);
    const char *cause = json_string_value(json_object_get(failure, "cause"));
    who |= strcmp(json_string_value(json_object_get(failure, "worker")), names[1]) == 0 ? 2 : 1;
    cr_assert(strstr(cause, "prover's process") != NULL, "%s", cause);
  }
  cr_assert_eq(who, 3, "all three attempts were one worker's");
  json_decref(dead);
  for (int i = 0; i < OTHERS; i++) {
    snprintf(id, sizeof id, "other-%d", i);
    wait_for_done(id);
    cr_assert_eq(attempts_of(id), 0, "%s", id);
  }
  for (int i = 0; i < 2; i++) kill(workers[i], SIGTERM);
  for (int i = 0; i < 2; i++) cr_assert_eq(end_of(workers[i]), 0);
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}
