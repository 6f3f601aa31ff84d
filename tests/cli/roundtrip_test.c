/* From payments to verified proofs through the command alone: sequencer, queue, worker, verifier; and one
 * proof without a queue. Small parameters of the batch circuit keep it short. */
#include "run_command.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "circuits/example.h"

#define PARAMETERS "depth=6,slots=3"

static const char *text_of(const json_t *object, const char *name) {
  const char *text = json_string_value(json_object_get(object, name));
  cr_assert(text != NULL, "no text \"%s\"", name);
  return text;
}

static long long number_of(const json_t *object, const char *name) {
  json_t *value = json_object_get(object, name);
  cr_assert(json_is_integer(value), "no integer \"%s\"", name);
  return json_integer_value(value);
}

static void expect(int exit, const char *line) {
  hf_run run;
  hf_run_command(&run, "%s", line);
  cr_assert_eq(run.exit, exit, "\"%s\" ended with %d, not %d:\n%s%s", line, run.exit, exit, run.out, run.err);
  hf_run_free(&run);
}

static char *d; /* the test's folder */

/* Flips one bit of a file. */
static void flip(const char *from, const char *to, long offset) {
  FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
  cr_assert(in != NULL && out != NULL);
  long at = 0;
  for (int c; (c = getc(in)) != EOF; at++) putc(at == offset ? c ^ 1 : c, out);
  cr_assert_gt(at, offset);
  fclose(in);
  fclose(out);
}

Test(roundtrip, payments_to_verified_proofs) {
  d = hf_test_folder("roundtrip");
  char line[2048], proof[512], bad[512], vkey[512], input[512];
  cr_assert_eq(chdir(d), 0);

  json_t *made = hf_run_json(
      0, "wallet generate --json --chain 7 --accounts 6 --transactions 12 --invalid 300 --deposits "
         "d.jsonl --out t.jsonl --seed 5");
  long long accepted = number_of(json_object_get(made, "expected"), "accepted"),
            deposits = number_of(made, "deposits");
  json_decref(made);

  /* without --dev nothing is made from the public secret */
  expect(5, "sequencer run --data data --chain 7 --depth 6 --slots 3");
  json_t *run =
      hf_run_json(0, "sequencer run --data data --chain 7 --depth 6 --slots 3 --dev --deposits d.jsonl "
                     "--transactions t.jsonl --flush --json");
  cr_assert_eq(number_of(json_object_get(run, "transactions"), "accepted"), accepted);
  cr_assert_eq(number_of(json_object_get(run, "transactions"), "lines"), 12);
  long long batches = number_of(json_array_get(json_object_get(run, "chains"), 0), "batches");
  cr_assert_eq(batches, (accepted + deposits + 2) / 3);
  json_decref(run);
  /* the same files again change nothing */
  run = hf_run_json(0, "sequencer run --data data --chain 7 --depth 6 --slots 3 --dev --deposits d.jsonl "
                       "--transactions t.jsonl --flush --json");
  cr_assert_eq(number_of(json_object_get(run, "transactions"), "accepted"), 0);
  cr_assert_eq(number_of(json_array_get(json_object_get(run, "chains"), 0), "batches"), batches);
  json_decref(run);

  json_t *listed = hf_run_json(0, "job list --data data --json");
  cr_assert_eq((long long)json_array_size(json_object_get(listed, "jobs")), batches);
  json_t *first = json_array_get(json_object_get(listed, "jobs"), 0);
  char digest[65];
  snprintf(digest, sizeof digest, "%s", text_of(first, "vk_digest"));
  json_decref(listed);

  expect(4, "worker --data data --once");
  expect(0, "worker --data data --once --dev --json --threads 2");
  json_t *stats = hf_run_json(0, "queue stats --data data --json");
  cr_assert_eq(number_of(json_object_get(stats, "jobs"), "done"), batches);
  json_decref(stats);

  snprintf(proof, sizeof proof, "%s/proof", d);
  snprintf(bad, sizeof bad, "%s/bad", d);
  snprintf(input, sizeof input, "%s/input", d);
  snprintf(vkey, sizeof vkey, "data/keys/%s.vkey", digest);
  json_t *record =
      hf_run_json(0, "job wait --data data --tenant hyperfold 7/1 --out %s --input %s --json", proof, input);
  cr_assert_str_eq(text_of(record, "state"), "done");
  json_decref(record);
  json_t *verdict = hf_run_json(0, "verify --vk %s --dev %s --json", vkey, proof);
  cr_assert(json_is_true(json_object_get(verdict, "valid")));
  const char *statement =
      json_string_value(json_array_get(json_object_get(json_object_get(verdict, "proof"), "public_inputs"), 0));
  cr_assert_not_null(statement);
  snprintf(line, sizeof line, "verify --vk %s --dev --statement %s %s", vkey, statement, proof);
  expect(0, line);
  json_decref(verdict);
  snprintf(line, sizeof line, "verify --vk %s --dev --statement %064d %s", vkey, 1, proof);
  expect(4, line);
  snprintf(line, sizeof line, "verify --vk %s --dev --statement 12 %s", vkey, proof);
  expect(3, line);
  snprintf(line, sizeof line, "verify --vk %s %s", vkey, proof);
  expect(4, line);
  flip(proof, bad, 200); /* damage is a format error */
  snprintf(line, sizeof line, "verify --vk %s --dev %s", vkey, bad);
  expect(3, line);
  snprintf(line, sizeof line, "verify --vk %s --dev %s", proof, proof);
  expect(3, line);

  /* the other way to the same circuit and key, without a queue */
  json_t *checked = hf_run_json(0, "circuit check batch %s --parameters " PARAMETERS " --json", input);
  cr_assert(json_is_true(json_object_get(checked, "satisfied")));
  json_decref(checked);
  json_t *proven = hf_run_json(0,
                               "prove --data data --dev --circuit batch --parameters " PARAMETERS
                               " --out p2 --vk-out vk2 %s --json",
                               input);
  cr_assert_str_eq(text_of(json_object_get(proven, "key"), "digest"), digest);
  json_decref(proven);
  expect(0, "verify --vk vk2 --dev p2");
  snprintf(line, sizeof line, "cmp -s p2 %s", proof);
  cr_assert_neq(system(line), 0, "two proofs of one witness are the same: no blinding");
  /* an input for other parameters, or no input at all */
  snprintf(line, sizeof line,
           "prove --data data --dev --circuit batch --parameters depth=6,slots=2 --out p3 %s", input);
  expect(3, line);
  expect(3, "prove --data data --dev --circuit batch --out p3 d.jsonl");
  expect(5, "prove --data data --dev --circuit nonesuch --out p3 d.jsonl");

  const char *kinds[] = {proof, vkey, input, "data/srs"};
  for (int i = 0; i < 4; i++) json_decref(hf_run_json(0, "inspect %s --json", kinds[i]));
  json_decref(hf_run_json(0, "srs check data/srs --json"));
  json_decref(hf_run_json(0, "doctor --data data --json"));

  json_decref(
      hf_run_json(0, "sequencer export --data data --chain 7 --depth 6 --slots 3 --out data.pub --json"));
  json_t *replayed = hf_run_json(0, "sequencer replay data.pub --json");
  cr_assert_eq(number_of(replayed, "batches"), batches);
  cr_assert_eq(number_of(json_object_get(replayed, "operations"), "transfer") +
                   number_of(json_object_get(replayed, "operations"), "withdraw"),
               accepted);
  json_decref(replayed);

  /* a job whose input is nonsense, and one that pins another key, end as dead letters with their cause */
  expect(0, "job submit --data data --id nonsense --circuit batch --parameters " PARAMETERS
            " --vk 0100000000000000000000000000000000000000000000000000000000000000 d.jsonl");
  snprintf(line, sizeof line,
           "job submit --data data --id wrong-key --circuit batch --parameters " PARAMETERS
           " --vk 0100000000000000000000000000000000000000000000000000000000000000 %s",
           input);
  expect(0, line);
  for (int i = 0; i < 100; i++) {
    expect(0, "worker --data data --once --dev --json --name a");
    expect(0, "worker --data data --once --dev --json --name b");
    stats = hf_run_json(0, "queue stats --data data --json");
    long long dead = number_of(json_object_get(stats, "jobs"), "dead");
    json_decref(stats);
    if (dead == 2) break;
    cr_assert_lt(i, 99, "no dead letters");
    usleep(300000);
  }
  json_t *dead = hf_run_json(0, "queue dead --data data --json");
  cr_assert_eq(json_array_size(json_object_get(dead, "jobs")), 2);
  for (int i = 0; i < 2; i++) {
    const json_t *job = json_array_get(json_object_get(dead, "jobs"), (size_t)i);
    cr_assert_geq(json_array_size(json_object_get(job, "failures")), 3);
    cr_assert(strlen(text_of(job, "cause")) > 10);
  }
  json_decref(dead);
  expect(4, "job wait --data data wrong-key");
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}

/* A circuit by somebody else takes the same way: submit, worker, wait, verify; and the proof states what it
 * should. */
Test(roundtrip, example_circuit) {
  hf_example_input values = {.x = 641, .y = 6700417};
  uint8_t bytes[HF_EXAMPLE_INPUT_BYTES];
  char statement[67] = "0x";
  uint8_t word[32];
  d = hf_test_folder("example");
  cr_assert_eq(chdir(d), 0);
  for (int i = 0; i < HF_EXAMPLE_WORDS; i++) values.preimage[i] = hf_fr_from_u64((uint64_t)i + 1234567);
  hf_example_input_encode(&values, bytes);
  FILE *file = fopen("input", "wb");
  fwrite(bytes, 1, sizeof bytes, file);
  fclose(file);
  json_t *key = hf_run_json(0, "circuit key example --data data --dev --vk-out vk --json");
  cr_assert(json_is_true(json_object_get(key, "development")));
  json_decref(key);
  expect(0, "job submit --data data --circuit example --vk vk --id mine input");
  expect(0, "worker --data data --dev --once --circuit example");
  expect(0, "job wait mine --data data --out proof");
  json_t *verdict = hf_run_json(0, "verify --vk vk --dev proof --json");
  const json_t *inputs = json_object_get(json_object_get(verdict, "proof"), "public_inputs");
  hf_fr_to_bytes_be(hf_example_statement(&values), word);
  for (int i = 0; i < 32; i++) snprintf(statement + 2 + 2 * i, 3, "%02x", word[i]);
  cr_assert_eq(json_array_size(inputs), 10);
  cr_assert_str_eq(json_string_value(json_array_get(inputs, 0)), statement);
  json_decref(verdict);
  /* 1 * P is no factorization, and the checker says so by name */
  values.y = 641 * values.y;
  values.x = 1;
  hf_example_input_encode(&values, bytes);
  file = fopen("input", "wb");
  fwrite(bytes, 1, sizeof bytes, file);
  fclose(file);
  json_t *checked = hf_run_json(4, "circuit check example input --json");
  cr_assert(json_is_false(json_object_get(checked, "satisfied")));
  cr_assert(strstr(text_of(checked, "reason"), "factors") != NULL, "%s", text_of(checked, "reason"));
  json_decref(checked);
  expect(4, "prove --data data --dev --circuit example --out p input");
  expect(5, "inspect p");
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}
