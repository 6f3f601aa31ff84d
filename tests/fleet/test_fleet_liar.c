/* A worker that hands in what is no proof, or no proof of the job; and a job that nobody can prove. Real
 * workers, real proofs, takers that are `hyperfold job wait --verify` processes. */
#include "fleet.h"
#include "catalog.h"
#include "circuits/example.h"
#include "key_cache.h"
#include "verify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS  6u
#define OTHER JOBS /* a job more, whose proof the liar hands in for others */

static fleet f;
static pid_t children[JOBS + 1]; /* the takers, and the liar */

static void finish(void) {
  for (unsigned i = 0; i <= JOBS; i++)
    if (children[i] > 0) {
      kill(children[i], SIGKILL);
      waitpid(children[i], NULL, 0);
      children[i] = 0;
    }
  fleet_close(&f);
}
TestSuite(fleet_liar, .fini = finish);

static int end_of(pid_t *pid) {
  int status;
  cr_assert_eq(waitpid(*pid, &status, 0), *pid);
  *pid = 0;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static hf_digest put(const void *data, size_t length) {
  hf_digest digest;
  OK(hf_artifact_put(f.queue, data, length, &digest));
  return digest;
}

/* A valid proof of the very input of a job, under the key of the same circuit from another set-up. */
static hf_digest foreign_proof(unsigned i) {
  const hf_catalog_entry *entry;
  const hf_proving_key *key;
  hf_job_header job = fleet_job(&f, i);
  hf_backend_options backend_options = {.threads = 1};
  hf_key_cache_options cache = {0};
  hf_srs *srs;
  hf_key_cache *keys;
  hf_circuit *circuit;
  hf_prover *prover;
  uint8_t *input;
  size_t length;
  bool ok;
  hf_writer w = {0};
  hf_proof *proof = calloc(1, sizeof *proof);
  OK(hf_backend_create("cpu", &backend_options, &cache.backend));
  OK(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET + 1, 8 * (256 + 4), 1, &srs));
  cache.srs = srs;
  OK(hf_key_cache_create(&cache, &keys));
  OK(hf_catalog_find(HF_EXAMPLE_CIRCUIT, &entry));
  OK(hf_artifact_get(f.queue, &job.input_digest, 1 << 20, &input, &length));
  OK(hf_catalog_build(entry, NULL, NULL, 0, input, length, &circuit));
  OK(hf_key_cache_get(keys, circuit, &entry->keys, NULL, &key));
  OK(hf_key_cache_prover(keys, &prover));
  OK(hf_prove(prover, circuit, NULL, proof, NULL));
  OK(hf_verify(&key->vk, proof, &ok));
  cr_assert(ok && !hf_fr_eq(key->vk.digest, f.vk.digest));
  OK(hf_proof_encode(proof, &w));
  hf_digest digest = put(w.data, w.length);
  hf_writer_free(&w);
  free(input);
  free(proof);
  hf_circuit_destroy(&circuit);
  hf_key_cache_destroy(&keys);
  hf_srs_destroy(&srs);
  hf_backend_destroy(&cache.backend);
  return digest;
}

/* What job i gets instead of a proof. */
static void make_lies(hf_digest lies[JOBS]) {
  uint8_t *proof;
  size_t length;
  hf_digest others = fleet_record(&f, OTHER).result;
  OK(hf_artifact_get(f.queue, &others, 1 << 20, &proof, &length));
  lies[0] = put("not a proof", 11);
  lies[1] = others;
  lies[2] = foreign_proof(2);
  lies[3] = put(NULL, 0);
  lies[4] = put(proof, length - 1);
  proof[length - 20] ^= 1; /* below the checksum: the bytes are no proof file any more */
  lies[5] = put(proof, length);
  free(proof);
}

/* Hands in its lie for each job that it gets, and goes on asking until it is told that it is quarantined. */
static void lie(const hf_digest lies[JOBS], int ready) {
  hf_queue *queue;
  hf_queue_options options = {.location = f.engine.location, .lease_ms = f.lease_s * 1000};
  hf_worker me = {.name = "liar", .capability_count = 1, .capabilities = {{.circuit = HF_EXAMPLE_CIRCUIT}}};
  hf_lease lease;
  unsigned given = 0, i;
  bool found;
  hf_status status;
  me.device_memory = me.host_memory = (uint64_t)1 << 33;
  if (hf_queue_open(&options, &queue) != HF_OK) _exit(90);
  for (int tries = 0; tries < 6000; tries++) {
    status = hf_queue_lease(queue, &me, &lease, &found);
    if (status == HF_E_QUARANTINED) _exit(strstr(hf_error_message(), "queue pardon liar") ? 8 : 91);
    if (status != HF_OK) _exit(92);
    if (!found) {
      fleet_pause(20);
      continue;
    }
    if (sscanf((const char *)lease.header.key.id.b, "job-%u", &i) != 1 || i >= JOBS) _exit(93);
    if (hf_queue_finish(queue, &lease.header.key, lease.epoch, me.name, &lies[i], NULL) != HF_OK) _exit(94);
    if (++given == JOBS && write(ready, "", 1) != 1) _exit(95);
  }
  _exit(96);
}

static void start_taker(unsigned i) {
  char log[32];
  snprintf(log, sizeof log, "taker-%u", i);
  children[i] =
      hf_run_start(log, "job wait job-%u --queue %s --data data --dev --verify --timeout 120 --out %u.proof",
                   i, f.engine.location, i);
}

static void lies(const engine_kind *kind) {
  hf_digest bad[JOBS];
  hf_job_record record;
  hf_attempt attempts[2];
  hf_queue_stats stats;
  hf_run run;
  size_t count;
  int ready[2];
  char byte;
  fleet_open(&f, kind, NULL, 10);
  OK(fleet_submit(f.queue, &f, OTHER));
  fleet_worker_start(&f, 0, "");
  hf_job_header other = fleet_job(&f, OTHER);
  OK(hf_queue_wait(f.queue, &other.key, 60000, &record));
  fleet_stop(&f);
  for (unsigned i = 0; i < JOBS; i++) OK(fleet_submit(f.queue, &f, i));
  make_lies(bad);
  cr_assert_eq(pipe(ready), 0);
  if ((children[JOBS] = fork()) == 0) lie(bad, ready[1]);
  close(ready[1]);
  cr_assert_eq(read(ready[0], &byte, 1), 1, "the liar has not handed in all of its lies");
  close(ready[0]);
  OK(hf_queue_get_stats(f.queue, &stats));
  cr_assert_eq(stats.jobs[HF_JOB_DONE], JOBS + 1, "the queue itself does not know what a proof is");

  /* takers find every one out; after the second the liar is quarantined, and so is a real worker of that name
   */
  for (unsigned i = 0; i < JOBS; i++) start_taker(i);
  cr_assert_eq(end_of(&children[JOBS]), 8);
  hf_run_command(&run, "worker --data data --dev --queue %s --name liar --once", f.engine.location);
  cr_assert_eq(run.exit, 8, "%s", run.err);
  cr_assert(strstr(run.err, "quarantined") && strstr(run.err, "queue pardon liar"), "%s", run.err);
  hf_run_free(&run);

  /* an honest one proves them all */
  fleet_worker_start(&f, 0, "");
  for (unsigned i = 0; i < JOBS; i++) cr_assert_eq(end_of(&children[i]), 0, "the taker of job %u", i);
  static const char *const why[JOBS] = {
      "the result", "not about the job's input", "under the key", "the result", "the result", "the result"};
  for (unsigned i = 0; i < JOBS; i++) {
    record = fleet_record(&f, i);
    OK(fleet_verify(&f, f.queue, i, &record.result));
    cr_assert_str_eq(record.worker, f.workers[0].name);
    OK(hf_queue_attempts(f.queue, &record.header.key, attempts, 2, &count));
    cr_assert(count == 1 && attempts[0].code == HF_E_VERIFY && strcmp(attempts[0].worker, "liar") == 0);
    cr_assert(strstr(attempts[0].cause, why[i]), "job %u: %s", i, attempts[0].cause);
    fprintf(stderr, "job %u: %s\n", i, attempts[0].cause);
  }
  fleet_stop(&f);
  OK(hf_queue_get_stats(f.queue, &stats));
  cr_assert(stats.refusals == JOBS && stats.quarantines == 1 && stats.jobs[HF_JOB_DONE] == JOBS + 1);
  cr_assert_eq(stats.failures, 0);

  /* what is valid is not refused; pardoned, the name works again */
  hf_run_command(&run, "job refuse job-1 --queue %s --data data --dev", f.engine.location);
  cr_assert(run.exit == 2 && strstr(run.err, "valid"), "%d %s", run.exit, run.err);
  hf_run_free(&run);
  json_t *workers = hf_run_json(0, "queue workers --queue %s --within 0 --json", f.engine.location);
  json_t *liar = json_array_get(json_object_get(workers, "workers"), 0);
  cr_assert_str_eq(json_string_value(json_object_get(liar, "name")), "liar");
  cr_assert_eq(json_integer_value(json_object_get(liar, "strikes")), JOBS);
  json_decref(workers);
  json_decref(hf_run_json(0, "queue pardon liar --queue %s --json", f.engine.location));
  OK(fleet_submit(f.queue, &f, JOBS + 1));
  hf_run_command(&run, "worker --data data --dev --queue %s --name liar --once", f.engine.location);
  cr_assert_eq(run.exit, 0, "%s", run.err);
  hf_run_free(&run);
  cr_assert_str_eq(fleet_record(&f, JOBS + 1).worker, "liar");
}

Test(fleet_liar, local) { lies(&engine_local); }
Test(fleet_liar, redis) { lies(&engine_redis); }
Test(fleet_liar, zmq) { lies(&engine_zmq); }

/* An input that no worker can prove is tried three times, on two of them, and buried with its cause; the
 * others' jobs are proven meanwhile. */
static void poison(const engine_kind *kind) {
  enum { OTHERS = 40 };
  uint8_t bytes[HF_EXAMPLE_INPUT_BYTES];
  hf_example_input in = {.x = 1, .y = 6700417}; /* 1 is no factor */
  hf_job_record record;
  hf_attempt attempts[8];
  size_t count;
  fleet_open(&f, kind, NULL, 10);
  hf_job_header job = fleet_job(&f, 0);
  hf_example_input_encode(&in, bytes);
  job.input_digest = put(bytes, sizeof bytes);
  OK(hf_job_key_make("poisoner", "poison", 6, &job.key));
  job.priority = HF_PRIORITY_MAX;
  for (unsigned i = 0; i < 2; i++) fleet_worker_start(&f, i, "");
  OK(hf_queue_submit_one(f.queue, &job, NULL));
  fleet_client(&f, OTHERS, 2000);
  OK(hf_queue_wait(f.queue, &job.key, 120000, &record));
  fleet_wait(&f, 120);
  cr_assert_eq((int)record.state, HF_JOB_DEAD);
  cr_assert(strstr(record.cause, "x >= 2"), "%s", record.cause);
  OK(hf_queue_attempts(f.queue, &job.key, attempts, 8, &count));
  cr_assert_eq(count, 3);
  bool both = false;
  for (size_t i = 0; i < count; i++) {
    cr_assert_eq(attempts[i].code, HF_E_UNSATISFIED);
    both = both || strcmp(attempts[i].worker, attempts[0].worker) != 0;
  }
  cr_assert(both, "all three attempts were %s's", attempts[0].worker);
  fleet_stop(&f);
  for (unsigned i = 0; i < OTHERS; i++) cr_assert_eq(fleet_record(&f, i).attempts, 0);
}

Test(fleet_liar, poison_local) { poison(&engine_local); }
Test(fleet_liar, poison_redis) { poison(&engine_redis); }
Test(fleet_liar, poison_zmq) { poison(&engine_zmq); }
