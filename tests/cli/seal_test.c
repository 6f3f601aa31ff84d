/* Sealed inputs through the command: who is given them, who reads them, and what is left of them in the
 * memory of the worker that proved them. */
#include "run_command.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <hyperfold/payload.h>
#include <hyperfold/random.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "circuits/example.h"

#define SUBMIT "job submit --data data --circuit example --vk example.vkey "

static void expect(int exit, const char *word, const char *line) {
  hf_run run;
  hf_run_command(&run, "%s", line);
  cr_assert(run.exit == exit && (word == NULL || strstr(run.err, word) != NULL),
            "\"%s\" ended with %d, not %d:\n%s%s", line, run.exit, exit, run.out, run.err);
  hf_run_free(&run);
}

static void expect_state(const char *id, const char *state) {
  json_t *job = hf_run_json(0, "job get %s --data data --json", id);
  cr_assert_str_eq(json_string_value(json_object_get(job, "state")), state);
  json_decref(job);
}

static void make_pool(const char *name, char id[HF_POOL_ID + 1]) {
  char path[32];
  json_t *key = hf_run_json(0, "pool-key make %s.key --json", name);
  const char *text = json_string_value(json_object_get(key, "public"));
  snprintf(path, sizeof path, "%s.pub", name);
  cr_assert_eq(hf_file_write(path, 0644, &(hf_bytes){text, strlen(text)}, 1), HF_OK);
  snprintf(id, HF_POOL_ID + 1, "%s", json_string_value(json_object_get(key, "pool")));
  json_decref(key);
  json_t *shown = hf_run_json(0, "pool-key show %s.key --json", name);
  cr_assert_str_eq(json_string_value(json_object_get(shown, "pool")), id);
  json_decref(shown);
}

static hf_example_input secret; /* what the jobs of a test know */

static char *set_up(char id[HF_POOL_ID + 1]) {
  char *folder = hf_test_folder("seal");
  uint8_t word[32], encoded[HF_EXAMPLE_INPUT_BYTES];
  cr_assert_eq(chdir(folder), 0);
  secret = (hf_example_input){.x = 641, .y = 6700417};
  for (int i = 0; i < HF_EXAMPLE_WORDS; i++) {
    cr_assert_eq(hf_random_bytes(word, 31), HF_OK);
    word[31] = 0;
    cr_assert(hf_fr_from_bytes(word, &secret.preimage[i]));
  }
  hf_example_input_encode(&secret, encoded);
  cr_assert_eq(hf_file_write("input", 0600, &(hf_bytes){encoded, sizeof encoded}, 1), HF_OK);
  make_pool("pool", id);
  json_decref(hf_run_json(0, "circuit key example --data data --dev --vk-out example.vkey --json"));
  return folder;
}

static void tear_down(char *folder) {
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(folder);
}

/* How often the bytes are in the files of a folder. */
static bool rests_in(const char *folder, const void *bytes, size_t length) {
  char command[200], path[512];
  bool found = false;
  snprintf(command, sizeof command, "find %s -type f", folder);
  FILE *list = popen(command, "r");
  cr_assert(list != NULL);
  while (fgets(path, sizeof path, list) != NULL) {
    uint8_t *data;
    size_t size;
    path[strcspn(path, "\n")] = '\0';
    cr_assert_eq(hf_file_read(path, (size_t)1 << 30, &data, &size), HF_OK);
    found |= memmem(data, size, bytes, length) != NULL;
    free(data);
  }
  pclose(list);
  return found;
}

Test(seal, whom_it_is_given_to) {
  char pool[HF_POOL_ID + 1], other[HF_POOL_ID + 1], line[160];
  char *folder = set_up(pool);
  uint8_t word[32];
  make_pool("other", other);
  expect(0, NULL, SUBMIT "--id one --seal-to pool.pub input");
  expect(0, NULL, SUBMIT "--id two --seal-to pool.pub,other.pub input");
  hf_fr_to_bytes(secret.preimage[0], word);
  cr_assert(!rests_in("data/queue", word, 31), "the input lies open in the queue");
  json_t *again = hf_run_json(0, SUBMIT "--id one --seal-to pool.pub input --json");
  cr_assert(json_is_false(json_object_get(again, "created")), "the same submission is the same job");
  json_decref(again);
  expect(5, "another payload", SUBMIT "--id one --seal-to other.pub input");
  expect(5, "another payload", SUBMIT "--id one input");
  cr_assert(rests_in("data/queue", word, 31), "rests_in finds what is there");
  /* An id of its own is the same again, and says nothing about the input. */
  json_t *named = hf_run_json(0, SUBMIT "--seal-to pool.pub input --json");
  json_t *named_again = hf_run_json(0, SUBMIT "--seal-to pool.pub input --json");
  json_t *open = hf_run_json(0, SUBMIT "input --json");
  const char *id = json_string_value(json_object_get(named, "id"));
  cr_assert_str_eq(id, json_string_value(json_object_get(named_again, "id")));
  cr_assert_str_neq(id, json_string_value(json_object_get(open, "id")));
  json_decref(named);
  json_decref(named_again);
  json_decref(open);
  /* Without the key, or with one that only reads, a worker is given the open one alone. */
  expect(0, "1 proven, 0 failed", "worker --data data --dev --once");
  expect(0, "0 proven, 0 failed", "worker --data data --dev --once --pool-key other.key");
  expect_state("one", "queued");
  expect(4, pool, "job get one --data data --input copy");
  expect(4, pool, "job get one --data data --input copy --pool-key other.key");
  expect(0, NULL, "job get two --data data --input copy --pool-key other.key");
  expect(0, "3 proven, 0 failed", "worker --data data --dev --once --pool-key other.key,pool.key");
  expect_state("one", "done");
  expect(0, NULL, "job get one --data data --out proof --input copy --pool-key pool.key");
  expect(0, NULL, "verify --vk example.vkey --dev proof");
  expect(4, pool, "job wait one --data data --dev --verify --vk example.vkey");
  expect(0, NULL, "job wait one --data data --dev --verify --vk example.vkey --pool-key pool.key");
  expect(2, "is valid", "job refuse one --data data --dev --vk example.vkey --pool-key pool.key");
  uint8_t *copy;
  size_t length;
  cr_assert_eq(hf_file_read("copy", 4096, &copy, &length), HF_OK);
  cr_assert(length == HF_EXAMPLE_INPUT_BYTES && memcmp(copy, word, 32) == 0);
  free(copy);
  /* Bytes that were not sealed, under a pool's name: a cause that says so. */
  snprintf(line, sizeof line, "job submit --data data --circuit example@%s --vk example.vkey --id lie input",
           pool);
  expect(0, NULL, line);
  expect(0, "0 proven, 1 failed", "worker --data data --dev --jobs 1 --pool-key pool.key");
  json_t *lie = hf_run_json(0, "job get lie --data data --json");
  const char *cause = json_string_value(json_object_get(lie, "cause"));
  cr_assert(strstr(cause, "sealed payload") != NULL, "%s", cause);
  json_decref(lie);
  /* Keys that are none. */
  expect(3, "secret", SUBMIT "--id three --seal-to pool.key input");
  expect(4, "others may", "worker --data data --dev --once --pool-key pool.pub");
  expect(5, "absent", "worker --data data --dev --once --pool-key absent");
  expect(5, "already", "worker --data data --dev --once --pool-key pool.key,pool.key");
  expect(5, "never overwritten", "pool-key make pool.key");
  tear_down(folder);
}

/* ---- the memory of a worker ---- */

/* What is looked for: parts of an input, as they came and as the arithmetic has them. */
#define PART 24
typedef struct parts {
  uint8_t bytes[256][PART];
  size_t count;
  char where[200]; /* the last place in which one was found */
} parts;

static void look_for(parts *p, const void *bytes) {
  cr_assert_lt(p->count, 256);
  memcpy(p->bytes[p->count++], bytes, PART);
}

/* How many places of a process's memory hold one; below 0 where it may not be read. */
static long places(const char *pid, parts *p) {
  enum { CHUNK = 1 << 22 };
  char path[64], line[512], rights[8];
  unsigned long long begin, end;
  long found = 0;
  uint8_t *data = malloc(CHUNK);
  snprintf(path, sizeof path, "/proc/%s/maps", pid);
  FILE *maps = fopen(path, "r");
  snprintf(path, sizeof path, "/proc/%s/mem", pid);
  int memory = open(path, O_RDONLY);
  cr_assert(maps != NULL && data != NULL);
  if (memory < 0) found = -1000000;
  while (memory >= 0 && fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "%llx-%llx %7s", &begin, &end, rights) != 3 || strncmp(rights, "rw", 2) != 0) continue;
    if (end - begin > 1ull << 33) continue; /* the shadow of a sanitizer: larger than what there is */
    for (; begin < end; begin += CHUNK - PART) {
      ssize_t got = pread(memory, data, CHUNK, (off_t)begin);
      for (size_t i = 0; i < p->count && got > 0; i++)
        if (memmem(data, (size_t)got, p->bytes[i], PART) != NULL) {
          found++;
          snprintf(p->where, sizeof p->where, "%.190s", line);
        }
    }
  }
  if (memory >= 0) close(memory);
  fclose(maps);
  free(data);
  return found;
}

/* The same of a process and its children, whichever of its threads has started them. */
static long places_in_all(pid_t pid, parts *p) {
  char text[64], child[16];
  long found;
  snprintf(text, sizeof text, "%d", (int)pid);
  found = places(text, p);
  snprintf(text, sizeof text, "cat /proc/%d/task/*/children", (int)pid);
  FILE *children = popen(text, "r");
  cr_assert(children != NULL);
  while (fscanf(children, "%15s", child) == 1) found += places(child, p);
  pclose(children);
  return found;
}

/* Of an input that was opened again with the key: what is no small number, from all over it. */
static void take_parts(const char *path, parts *out) {
  uint8_t *data;
  size_t length;
  hf_fr element;
  memset(out, 0, sizeof *out);
  cr_assert_eq(hf_file_read(path, (size_t)1 << 26, &data, &length), HF_OK);
  for (size_t at = 0, step; at + 32 <= length && out->count < 250; at += step) {
    bool seen[256] = {0};
    size_t kinds = 0;
    for (int i = 0; i < 32; i++) {
      kinds += !seen[data[at + i]];
      seen[data[at + i]] = true;
    }
    step = kinds < 24 ? 4 : length / 100 / 4 * 4 + 4;
    if (kinds < 24) continue;
    look_for(out, data + at);
    if (hf_fr_from_bytes(data + at, &element)) look_for(out, &element);
  }
  free(data);
  cr_assert_gt(out->count, 4);
}

static void read_secret_key(parts *out) {
  char line[200];
  uint8_t key[32];
  FILE *file = fopen("pool.key", "r");
  cr_assert(file != NULL && fgets(line, sizeof line, file) != NULL);
  fclose(file);
  line[strcspn(line, "\n")] = '\0';
  cr_assert_eq(hf_unhex(strrchr(line, ' ') + 1, key, sizeof key), HF_OK);
  look_for(out, key);
}

/* Has a worker prove two jobs of a small circuit (the first of a kind lays it out, the others compute values
 * alone) and a batch. After each neither it nor, where there is one, its prover's process holds anything of
 * the input. */
static void look_into_worker(const char *options) {
  char pool[HF_POOL_ID + 1];
  char *folder = set_up(pool);
  parts *secret_key = calloc(1, sizeof *secret_key), *input = calloc(1, sizeof *input);
  read_secret_key(secret_key);
  const char *const submits[] = {
      SUBMIT "--tenant hyperfold --id 7/a --seal-to pool.pub input",
      SUBMIT "--tenant hyperfold --id 7/b --seal-to pool.pub input",
      "sequencer run --data data --chain 7 --depth 6 --slots 8 --dev --deposits deposits "
      "--transactions payments --flush --seal-to pool.pub"};
  const char *const ids[] = {"7/a", "7/b", "7/1"};
  json_decref(hf_run_json(0, "circuit key batch --parameters depth=6,slots=8 --data data --dev --json"));
  json_decref(hf_run_json(
      0, "wallet generate --json --chain 7 --accounts 3 --transactions 3 --deposits deposits --out "
         "payments --seed 1"));
  pid_t worker = hf_run_start("worker.log", "worker --data data --dev --pool-key pool.key %s", options);
  for (int i = 0; i < 3; i++) {
    char line[160];
    expect(0, NULL, submits[i]);
    snprintf(line, sizeof line,
             "job wait --tenant hyperfold %s --data data --input opened --pool-key pool.key", ids[i]);
    expect(0, NULL, line);
    take_parts("opened", input);
    long keys = places_in_all(worker, secret_key), left = places_in_all(worker, input);
    if (keys < 0) cr_skip_test("the memory of a child may not be read here");
    cr_assert_gt(keys, 0, "what must be there, the pool's key, is not seen: nothing is");
    cr_assert_eq(left, 0, "job %s: %ld places hold parts of the input, the last in %s", ids[i], left,
                 input->where);
  }
  kill(worker, SIGTERM);
  waitpid(worker, NULL, 0);
  free(secret_key);
  free(input);
  tear_down(folder);
}

Test(seal, nothing_is_left_in_the_worker) { look_into_worker(""); }
Test(seal, nothing_is_left_in_its_prover) { look_into_worker("--isolate"); }

/* A processor that looks like a GPU: its device memory can be looked into. */
Test(seal, nothing_is_left_on_the_device) {
  if (!hf_soak()) cr_skip_test("soak only");
  json_t *list = hf_run_json(0, "device list --json"), *device;
  bool pocl = false;
  size_t i;
  json_array_foreach(json_object_get(list, "devices"), i, device) {
    const char *driver = json_string_value(json_object_get(device, "driver"));
    pocl |= driver != NULL && strstr(driver, "Portable Computing Language") != NULL;
  }
  json_decref(list);
  if (!pocl) cr_skip_test("no PoCL");
  look_into_worker("--device opencl");
}

/* The cause of a failure says nothing of what was sealed; that of an open job does. */
Test(seal, failures_say_nothing) {
  char pool[HF_POOL_ID + 1];
  char *folder = set_up(pool);
  uint8_t encoded[HF_EXAMPLE_INPUT_BYTES];
  secret.x = 1; /* no factor */
  hf_example_input_encode(&secret, encoded);
  cr_assert_eq(hf_file_write("input", 0600, &(hf_bytes){encoded, sizeof encoded}, 1), HF_OK);
  expect(0, NULL, SUBMIT "--id open input");
  expect(0, NULL, SUBMIT "--id sealed --seal-to pool.pub input");
  expect(0, "0 proven, 2 failed", "worker --data data --dev --jobs 2 --pool-key pool.key");
  const char *const ids[] = {"open", "sealed"};
  for (int i = 0; i < 2; i++) {
    json_t *job = hf_run_json(0, "job get %s --data data --json", ids[i]);
    const char *cause = json_string_value(json_object_get(job, "cause"));
    cr_assert_eq(strstr(cause, "x >= 2") != NULL, i == 0, "%s", cause);
    cr_assert_eq(strstr(cause, "does not satisfy") != NULL, i == 1, "%s", cause);
    json_decref(job);
  }
  tear_down(folder);
}
