/* The key cache serves several circuits with options of their own; the catalog says what it can build over
 * what. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "catalog.h"
#include "circuits/example.h"
#include "key_cache.h"
#include "maker.h"
#include "ok.h"
#include "verify.h"

typedef struct rig {
  char folder[64];
  hf_backend *backend;
  hf_srs *srs;
  hf_key_cache *keys;
  hf_circuit *circuit;
} rig;

static void rig_open(rig *r, bool folder) {
  const hf_catalog_entry *entry;
  hf_example_input values = {.x = 3, .y = 5};
  uint8_t input[HF_EXAMPLE_INPUT_BYTES];
  hf_backend_options options = {.threads = 1};
  memset(r, 0, sizeof *r);
  strcpy(r->folder, "/tmp/hf-keys-XXXXXX");
  cr_assert(mkdtemp(r->folder) != NULL);
  OK(hf_backend_create("cpu", &options, &r->backend));
  OK(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, 8 * (256 + 4), 1, &r->srs));
  hf_key_cache_options cache = {.folder = folder ? r->folder : NULL, .backend = r->backend, .srs = r->srs};
  OK(hf_key_cache_create(&cache, &r->keys));
  hf_example_input_encode(&values, input);
  OK(hf_catalog_find(HF_EXAMPLE_CIRCUIT, &entry));
  OK(hf_catalog_build(entry, NULL, NULL, 0, input, sizeof input, &r->circuit));
}

static void rig_close(rig *r) {
  char command[100];
  hf_circuit_destroy(&r->circuit);
  hf_key_cache_destroy(&r->keys);
  hf_srs_destroy(&r->srs);
  hf_backend_destroy(&r->backend);
  snprintf(command, sizeof command, "rm -rf '%s'", r->folder);
  cr_assert_eq(system(command), 0);
}

static const hf_proving_key *get(rig *r, unsigned kappa, hf_transcript_kind transcript) {
  const hf_proving_key *key;
  hf_key_options options = {kappa, transcript};
  OK(hf_key_cache_get(r->keys, r->circuit, &options, NULL, &key));
  cr_assert(key->vk.kappa == kappa && key->vk.transcript == transcript);
  return key;
}

static unsigned files(const rig *r) {
  unsigned count = 0;
  DIR *dir = opendir(r->folder);
  for (struct dirent *e; (e = readdir(dir)) != NULL;) count += e->d_name[0] != '.';
  closedir(dir);
  return count;
}

static void prove(rig *r, const hf_proving_key *key) {
  hf_prover *prover;
  bool ok = false;
  hf_proof *proof = calloc(1, sizeof *proof);
  OK(hf_key_cache_prover(r->keys, &prover));
  OK(hf_prove(prover, r->circuit, NULL, proof, NULL));
  OK(hf_verify(&key->vk, proof, &ok));
  cr_assert(ok, "%s", hf_error_message());
  free(proof);
}

Test(worker_keys, circuits_alternate) {
  for (int folder = 0; folder < 2; folder++) {
    rig r;
    rig_open(&r, folder);
    const hf_proving_key *a = get(&r, 3, HF_TRANSCRIPT_POSEIDON2);
    prove(&r, a);
    const hf_proving_key *b = get(&r, 8, HF_TRANSCRIPT_KECCAK);
    cr_assert_neq(a, b);
    prove(&r, b); /* under the last key that was got, not under the one that is loaded */
    cr_assert_eq(get(&r, 3, HF_TRANSCRIPT_POSEIDON2), a, "the first is still at hand");
    prove(&r, a);
    cr_assert_eq(a->file != NULL, folder, "with a folder the columns are a mapped file");
    /* two more find room; a fifth takes that of the one that was used longest ago */
    (void)get(&r, 2, HF_TRANSCRIPT_POSEIDON2);
    (void)get(&r, 4, HF_TRANSCRIPT_POSEIDON2);
    cr_assert_eq(get(&r, 8, HF_TRANSCRIPT_KECCAK), b);
    cr_assert_eq(get(&r, 3, HF_TRANSCRIPT_POSEIDON2), a);
    hf_fr digest = a->vk.digest;
    (void)get(&r, 5, HF_TRANSCRIPT_POSEIDON2);
    cr_assert_eq(get(&r, 8, HF_TRANSCRIPT_KECCAK), b);
    cr_assert_eq(get(&r, 3, HF_TRANSCRIPT_POSEIDON2), a);
    for (unsigned kappa = 4; kappa < 8; kappa++) (void)get(&r, kappa, HF_TRANSCRIPT_POSEIDON2);
    a = get(&r, 3, HF_TRANSCRIPT_POSEIDON2); /* gone and back */
    cr_assert(hf_fr_eq(a->vk.digest, digest));
    prove(&r, a);
    if (folder) {
      hf_verifying_key vk;
      hf_digest name = hf_vk_digest_bytes(&a->vk), other = name;
      cr_assert_eq(files(&r), 7 * 3, "a proving key, a verifying key and a reference each");
      OK(hf_key_cache_find(r.keys, &name, &vk));
      cr_assert(hf_fr_eq(vk.digest, digest));
      other.b[0] ^= 1;
      cr_assert_eq((int)hf_key_cache_find(r.keys, &other, &vk), HF_E_NOT_FOUND);
    }
    rig_close(&r);
  }
}

/* Provers stay loaded while they fit, and go when they do not, the longest unused first. */
Test(worker_keys, provers_stay) {
  static const unsigned fit[] = {1, 2, 3};
  for (size_t f = 0; f < sizeof fit / sizeof *fit; f++) {
    rig r;
    hf_prover *first[3], *again;
    rig_open(&r, false);
    hf_key_cache_destroy(&r.keys);
    hf_key_cache_options cache = {
        .backend = r.backend, .srs = r.srs, .provers_bytes = fit[f] * hf_prover_bytes(r.backend, r.circuit->log_n, 4)};
    OK(hf_key_cache_create(&cache, &r.keys));
    for (unsigned k = 0; k < 3; k++) {
      const hf_proving_key *key = get(&r, 2 + k, HF_TRANSCRIPT_POSEIDON2);
      prove(&r, key);
      OK(hf_key_cache_prover(r.keys, &first[k]));
    }
    /* the latest that fit are at hand; asked for in that order, nobody has to go */
    for (unsigned k = 3 - fit[f]; k < 3; k++) {
      (void)get(&r, 2 + k, HF_TRANSCRIPT_POSEIDON2);
      OK(hf_key_cache_prover(r.keys, &again));
      cr_assert_eq(again, first[k], "%u fit, kappa %u", fit[f], 2 + k);
    }
    for (unsigned round = 0; round < 4; round++) prove(&r, get(&r, 2 + round % 3, HF_TRANSCRIPT_POSEIDON2));
    rig_close(&r);
  }
}

typedef struct watcher {
  rig *r;
  unsigned calls, stop_at; /* 0: never */
  int lock;                /* of another process, given up at the third call; -1: none */
  double done;
} watcher;

static bool watching(void *context, double done) {
  watcher *w = context;
  cr_assert(done >= w->done && done <= 1);
  w->done = done;
  if (++w->calls == 3 && w->lock >= 0) close(w->lock);
  return w->calls != w->stop_at;
}

/* Whoever watches a derivation sees signs of life, also while another process derives the same key, and may leave it at each. */
Test(worker_keys, watched) {
  rig r;
  const hf_proving_key *key;
  const hf_key_options options = {3, HF_TRANSCRIPT_POSEIDON2};
  enum { PACKS = (HF_FIXED_COUNT + 2) / 3 };
  rig_open(&r, true);
  for (unsigned at = 1; at <= PACKS; at += PACKS - 1) {
    watcher w = {.r = &r, .stop_at = at, .lock = -1};
    hf_key_cache_watch(r.keys, &(hf_key_watch){watching, &w});
    GIVES(HF_E_CANCELLED, hf_key_cache_get(r.keys, r.circuit, &options, NULL, &key));
    cr_assert_eq(w.calls, at);
  }
  /* the lock file that was left names the key: as if another process derived it */
  char path[400] = "";
  DIR *dir = opendir(r.folder);
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    if (strstr(e->d_name, ".lock")) snprintf(path, sizeof path, "%s/%s", r.folder, e->d_name);
  closedir(dir);
  watcher w = {.r = &r, .lock = open(path, O_RDWR | O_CLOEXEC)};
  cr_assert(w.lock >= 0 && flock(w.lock, LOCK_EX) == 0);
  hf_key_cache_watch(r.keys, &(hf_key_watch){watching, &w});
  OK(hf_key_cache_get(r.keys, r.circuit, &options, NULL, &key));
  cr_assert_eq(w.calls, 3 + PACKS);
  prove(&r, key);
  hf_key_cache_watch(r.keys, NULL);
  rig_close(&r);
}

/* A pinned digest that does not fit is refused, and does not spoil what follows. */
Test(worker_keys, pinned) {
  rig r;
  const hf_proving_key *key;
  hf_key_options options = {3, HF_TRANSCRIPT_POSEIDON2}, large = {9, HF_TRANSCRIPT_POSEIDON2};
  hf_digest wrong = {{1}};
  hf_prover *prover;
  rig_open(&r, true);
  cr_assert_eq((int)hf_key_cache_prover(r.keys, &prover), HF_E_STATE);
  cr_assert_eq((int)hf_key_cache_get(r.keys, r.circuit, &options, &wrong, &key), HF_E_MISMATCH);
  cr_assert_null(key);
  cr_assert_eq((int)hf_key_cache_get(r.keys, r.circuit, &large, NULL, &key), HF_E_ARGUMENT);
  cr_assert_eq((int)hf_key_cache_prover(r.keys, &prover), HF_E_STATE);
  prove(&r, get(&r, 3, HF_TRANSCRIPT_POSEIDON2));
  rig_close(&r);
}

Test(worker_keys, what_the_catalog_builds) {
  rig r;
  const hf_catalog_entry *node, *seal;
  hf_circuit *circuit = NULL;
  hf_fold_setup setup;
  rig_open(&r, false);
  OK(hf_catalog_find(HF_NODE_CIRCUIT, &node));
  OK(hf_catalog_find(HF_SEAL_CIRCUIT, &seal));
  cr_assert(node->keys.kappa == 3 && node->keys.transcript == HF_TRANSCRIPT_POSEIDON2);
  cr_assert(seal->keys.kappa == 8 && seal->keys.transcript == HF_TRANSCRIPT_KECCAK);
  cr_assert_eq(hf_catalog_points(seal), 8 * ((1u << 17) + 4));
  cr_assert_eq((int)hf_catalog_build(node, NULL, NULL, 0, NULL, 0, &circuit), HF_E_STATE);
  OK(hf_catalog_setup(r.srs, &setup));
  cr_assert(setup.development && hf_g2_eq(setup.tau_g2, r.srs->tau_g2));
  for (int i = 0; i < HF_FOLD_POWERS; i++) cr_assert(hf_g1_eq(setup.powers[i], r.srs->points[i]));
  hf_catalog_context context = {.setup = &setup};
  cr_assert_eq((int)hf_catalog_build(seal, &context, NULL, 0, NULL, 0, &circuit), HF_E_STATE, "which node?");
  hf_parameter none = {"x", 1};
  cr_assert_eq((int)hf_catalog_build(node, &context, &none, 1, NULL, 0, &circuit), HF_E_ARGUMENT);
  cr_assert_eq((int)hf_catalog_build(node, &context, NULL, 0, (const uint8_t *)"x", 1, &circuit),
               HF_E_FORMAT);
  cr_assert_null(circuit);
  r.srs->count = HF_FOLD_POWERS - 1;
  cr_assert_eq((int)hf_catalog_setup(r.srs, &setup), HF_E_RANGE);
  rig_close(&r);
}

static hf_circuit *batch_of(const hf_catalog_context *context, uint64_t slots) {
  const hf_catalog_entry *batch;
  hf_parameter parameters[] = {{"depth", 4}, {"slots", slots}};
  hf_circuit *circuit;
  OK(hf_catalog_find(HF_BATCH_CIRCUIT, &batch));
  OK(hf_catalog_build(batch, context, parameters, 2, NULL, 0, &circuit));
  return circuit;
}

/* What was laid out before is not laid out again; the key of such a circuit is found, compared and derived as ever. */
Test(worker_keys, plans) {
  rig r;
  hf_plan_cache plans = {0};
  hf_pool *pool;
  OK(hf_pool_create(2, &pool));
  hf_catalog_context context = {.plans = &plans, .pool = pool};
  const hf_catalog_entry *entry;
  const hf_proving_key *key;
  hf_key_options options = {3, HF_TRANSCRIPT_POSEIDON2};
  hf_example_input values = {.x = 641, .y = 6700417};
  uint8_t input[HF_EXAMPLE_INPUT_BYTES];
  hf_digest wrong = {{1}};
  rig_open(&r, false);
  OK(hf_catalog_find(HF_EXAMPLE_CIRCUIT, &entry));
  hf_example_input_encode(&values, input);
  hf_circuit_destroy(&r.circuit);
  OK(hf_catalog_build(entry, &context, NULL, 0, NULL, 0, &r.circuit));
  cr_assert_not_null(r.circuit->fixed[0], "laid out");
  hf_digest pinned = hf_vk_digest_bytes(&get(&r, 3, HF_TRANSCRIPT_POSEIDON2)->vk);
  hf_circuit_destroy(&r.circuit);
  OK(hf_catalog_build(entry, &context, NULL, 0, input, sizeof input, &r.circuit));
  cr_assert_null(r.circuit->fixed[0], "values alone");
  cr_assert(hf_fr_eq(r.circuit->public_inputs[0], hf_example_statement(&values)));
  cr_assert_eq((int)hf_key_cache_get(r.keys, r.circuit, &options, &wrong, &key), HF_E_MISMATCH);
  OK(hf_key_cache_get(r.keys, r.circuit, &options, &pinned, &key));
  cr_assert_null(r.circuit->fixed[0], "the key was at hand");
  prove(&r, key);
  for (unsigned kappa = 4; kappa < 8; kappa++) (void)get(&r, kappa, HF_TRANSCRIPT_POSEIDON2);
  OK(hf_key_cache_get(r.keys, r.circuit, &options, &pinned, &key)); /* derived again, from the circuit as it is */
  prove(&r, key);
  OK(hf_circuit_check(r.circuit));

  /* another number of slots is another kind; four kinds are kept */
  static const uint64_t slots[] = {1, 2, 1, 3, 4, 1, 5, 1, 2};
  static const bool laid[] = {true, true, false, true, true, false, true, false, true};
  for (size_t i = 0; i < sizeof slots / sizeof *slots; i++) {
    hf_circuit *c = batch_of(&context, slots[i]), *alone = batch_of(NULL, slots[i]);
    cr_assert_eq(c->fixed[0] != NULL, laid[i], "number %zu", i);
    cr_assert_eq(c->used_rows, alone->used_rows);
    cr_assert(hf_fr_eq(c->public_inputs[0], alone->public_inputs[0]));
    hf_circuit_destroy(&alone);
    hf_circuit_destroy(&c);
  }
  hf_plan_cache_clear(&plans);
  hf_pool_destroy(&pool);
  rig_close(&r);
}

/* A job that takes much memory once, and is over when another one ends. */
typedef struct large_job {
  hf_maker *maker;
  hf_maker_task task;
  hf_maker_result beside;
} large_job;

static bool no_progress(void *context, const char *phase, double done) {
  (void)context, (void)phase, (void)done;
  return true;
}

static bool large_progress(void *context, const char *phase, double done) {
  large_job *l = context;
  (void)done;
  if (strcmp(phase, "witness") == 0) {
    const size_t bytes = (size_t)256 << 20;
    volatile uint8_t *memory = malloc(bytes);
    cr_assert_not_null((void *)(uintptr_t)memory);
    for (size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
    free((void *)(uintptr_t)memory);
  } else if (strcmp(phase, "verify") == 0) {
    hf_maker_task task = l->task;
    task.progress = no_progress;
    OK(l->maker->make(l->maker, &task, &l->beside));
  }
  return true;
}

/* What a job took at most is not forgotten when the next one begins beside it. */
Test(worker_keys, peak_memory_of_jobs_side_by_side) {
  rig r;
  rig_open(&r, false);
  static large_job l;
  static hf_maker_result result;
  const hf_proving_key *key;
  const hf_catalog_entry *entry;
  hf_example_input values = {.x = 3, .y = 5};
  uint8_t input[HF_EXAMPLE_INPUT_BYTES];
  hf_example_input_encode(&values, input);
  OK(hf_catalog_find(HF_EXAMPLE_CIRCUIT, &entry));
  OK(hf_key_cache_get(r.keys, r.circuit, &entry->keys, NULL, &key));
  hf_job_header header = {.circuit = HF_EXAMPLE_CIRCUIT, .vk_digest = hf_vk_digest_bytes(&key->vk)};
  hf_maker_options options = {.backend = r.backend, .srs = r.srs, .keys = r.keys, .threads = 1};
  OK(hf_maker_local(&options, &l.maker));
  l.task = (hf_maker_task){.job = &header, .input = input, .length = sizeof input, .progress = large_progress, .context = &l};
  OK(l.maker->make(l.maker, &l.task, &result));
  cr_assert_geq(result.peak_memory, (uint64_t)256 << 20, "%llu bytes", (unsigned long long)result.peak_memory);
  hf_maker_destroy(&l.maker);
  rig_close(&r);
}
