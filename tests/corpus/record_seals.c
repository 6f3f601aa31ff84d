/* record_seals WORK OUT [M...]: proves seals of M batches (2, 32 and 64 where no number is given) and writes
 * them to OUT, in the form of recorded.h. All proofs on the way stay in WORK: whoever is interrupted goes on
 * there, and what does not belong to the present circuits is made anew.
 *
 * The batches are real ones, of one slot on a tree of depth 4: two chains take turns, and every batch is a
 * no-op that leads from its chain's root to the same root. 64 leaves and 63 nodes take 2^12 and 2^17 rows
 * each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "circuits/batch.h"
#include "circuits/fold.h"
#include "host/domains.h"
#include "host/poseidon.h"
#include "keys.h"
#include "prove.h"
#include "recorded.h"
#include "verify.h"

enum { CHAINS = 2, FIRST_CHAIN = 7001 };

static const hf_rollup_params params = {.depth = 4, .slots = 1};

typedef struct works {
  const char *folder, *out;
  hf_backend *backend;
  hf_srs *srs;
  hf_fold_setup setup;
  hf_proving_key *leaf, *node, *seal;
  hf_prover *prover; /* of `proving` */
  const hf_proving_key *proving;
} works;

/* --- circuits and keys -------------------------------------------------------------------------------- */

typedef struct source { /* what to lay out; no input: the structure */
  const hf_batch_input *batch;
  const hf_node_input *node;
  const hf_seal_input *seal;
} source;

static hf_status leaf_circuit(hf_builder *b, const works *w, const source *s) {
  (void)w;
  return hf_batch_circuit(b, &params, s->batch);
}
static hf_status node_circuit(hf_builder *b, const works *w, const source *s) {
  return hf_node_circuit(b, &w->setup, s->node);
}
static hf_status seal_circuit(hf_builder *b, const works *w, const source *s) {
  return hf_seal_circuit(b, &w->setup, w->node->vk.digest, s->seal);
}
typedef hf_status layout(hf_builder *b, const works *w, const source *s);

static hf_status lay(const works *w, layout *circuit, const source *s, hf_circuit **out) {
  hf_status status;
  hf_builder_options options;
  hf_builder *b = NULL;
  *out = NULL;
  if (circuit == leaf_circuit)
    HF_TRY(hf_batch_options(&params, &options));
  else if (circuit == node_circuit)
    hf_node_options(&options);
  else
    hf_seal_options(&options);
  HF_TRY(hf_builder_create(&options, &b));
  HF_TRY(circuit(b, w, s));
  HF_TRY(hf_builder_finish(b, out));
out:
  hf_builder_destroy(&b);
  return status;
}

static hf_status key_for(works *w, layout *circuit, hf_proving_key **out) {
  hf_status status;
  hf_circuit *c = NULL;
  bool seal = circuit == seal_circuit;
  hf_key_options options = {seal ? HF_SEAL_KAPPA : HF_PRODUCTION_KAPPA,
                            seal ? HF_TRANSCRIPT_KECCAK : HF_TRANSCRIPT_POSEIDON2};
  HF_TRY(lay(w, circuit, &(source){0}, &c));
  size_t points = hf_srs_points_needed(c->log_n, options.kappa);
  if (w->srs->count < points) {
    hf_srs_destroy(&w->srs);
    HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, points, 0, &w->srs));
  }
  HF_TRY(hf_proving_key_derive(w->backend, w->srs, c, &options, out));
out:
  hf_circuit_destroy(&c);
  return status;
}

static hf_status works_open(works *w) {
  hf_status status;
  HF_TRY(hf_backend_create("cpu", &(hf_backend_options){0}, &w->backend));
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, 64, 0, &w->srs));
  w->setup = (hf_fold_setup){.tau_g2 = w->srs->tau_g2, .development = w->srs->development};
  for (int i = 0; i < 1 + 2 * HF_NODE_CHILDREN; i++) w->setup.powers[i] = w->srs->points[i];
  HF_TRY(key_for(w, leaf_circuit, &w->leaf));
  HF_TRY(key_for(w, node_circuit, &w->node));
  HF_TRY(key_for(w, seal_circuit, &w->seal));
out:
  return status;
}

static void works_close(works *w) {
  hf_prover_destroy(&w->prover);
  hf_proving_key_destroy(&w->leaf);
  hf_proving_key_destroy(&w->node);
  hf_proving_key_destroy(&w->seal);
  hf_srs_destroy(&w->srs);
  hf_backend_destroy(&w->backend);
}

/* --- proofs -------------------------------------------------------------------------------------------- */

/* A proof that lies in the folder already, under the present key and about this statement. */
static bool kept(const works *w, const char *path, const hf_proving_key *key, hf_fr statement,
                 hf_proof *out) {
  bool ok = false;
  (void)w;
  return hf_proof_load(path, out) == HF_OK && hf_fr_eq(out->vk_digest, key->vk.digest) &&
         hf_fr_eq(out->public_inputs[HF_INSTANCE_STATEMENT], statement) &&
         hf_verify(&key->vk, out, &ok) == HF_OK && ok;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static hf_status prove(works *w, const char *name, const hf_proving_key *key, layout *circuit,
                       const source *s, hf_fr statement, hf_proof *out) {
  hf_status status = HF_OK;
  hf_circuit *c = NULL;
  char path[512];
  bool ok;
  double start = now();
  snprintf(path, sizeof path, "%s/%s.proof", w->folder, name);
  if (kept(w, path, key, statement, out)) goto out;
  if (w->proving != key) {
    hf_prover_destroy(&w->prover);
    HF_TRY(hf_prover_create(w->backend, w->srs, key, &w->prover));
    w->proving = key;
  }
  HF_TRY(lay(w, circuit, s, &c));
  HF_TRY(hf_circuit_check(c));
  HF_TRY(hf_prove(w->prover, c, NULL, out, NULL));
  HF_TRY(hf_verify(&key->vk, out, &ok));
  if (!ok || !hf_fr_eq(out->public_inputs[HF_INSTANCE_STATEMENT], statement))
    HF_TRY(hf_fail(HF_E_INTERNAL, "%s: %s", name, ok ? "another statement" : hf_error_message()));
  HF_TRY(hf_proof_save(path, out));
  fprintf(stderr, "%s: %.1f s\n", name, now() - start);
out:
  hf_circuit_destroy(&c);
  return status;
}

static hf_status record_of(const works *w, uint32_t i, hf_batch_input *input, hf_batch_record *record) {
  hf_status status;
  uint64_t chain = FIRST_CHAIN + i % CHAINS, number = i / CHAINS + 1;
  hf_fr outbox[3] = {hf_fr_from_u64(chain), hf_fr_from_u64(number), hf_fr_zero()};
  static const uint8_t nothing[HF_DATA_WORDS][32]; /* what a no-op posts */
  HF_TRY(hf_batch_input_empty(&params, input));
  hf_word_set_u64(input->record.word[HF_RECORD_CHAIN_ID], chain);
  hf_word_set_u64(input->record.word[HF_RECORD_BATCH_NUMBER], number);
  hf_fr_to_bytes(hf_sponge(HF_DOMAIN_OUTBOX, outbox, 3), input->record.word[HF_RECORD_OUTBOX_ROOT]);
  HF_TRY(hf_data_fingerprint(input->record.word[HF_RECORD_DATA], nothing, HF_DATA_WORDS,
                             input->record.word[HF_RECORD_DATA_X], input->record.word[HF_RECORD_DATA_Y]));
  *record = input->record;
  hf_fr_to_bytes(w->leaf->vk.digest, record->word[HF_RECORD_VK_DIGEST]);
out:
  return status;
}

static hf_fr entry_of(const works *w, const hf_fold_child *child) {
  hf_fr statement = child->proof.public_inputs[HF_INSTANCE_STATEMENT];
  return hf_fr_eq(child->vk.digest, w->node->vk.digest) ? statement
                                                        : hf_statement_leaf(child->vk.digest, statement);
}

/* The proof over 2^level leaves, number i of its level. */
static hf_status subtree(works *w, unsigned level, uint32_t i, hf_fold_child *out) {
  hf_status status;
  char name[64];
  hf_node_input *input = NULL;
  hf_batch_input batch = {0};
  hf_batch_record record;
  snprintf(name, sizeof name, "%s-%u-%u", level == 0 ? "leaf" : "node", level, i);
  if (level == 0) {
    hf_fr statement;
    HF_TRY(record_of(w, i, &batch, &record));
    HF_TRY(hf_record_statement(&record, &statement));
    out->vk = w->leaf->vk;
    HF_TRY(prove(w, name, w->leaf, leaf_circuit, &(source){.batch = &batch}, statement, &out->proof));
    goto out;
  }
  input = calloc(1, sizeof *input);
  if (input == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a node"));
  input->node_vk = w->node->vk.digest;
  for (uint32_t k = 0; k < 2; k++) HF_TRY(subtree(w, level - 1, 2 * i + k, &input->child[k]));
  out->vk = w->node->vk;
  hf_fr statement = hf_statement_parent(entry_of(w, &input->child[0]), entry_of(w, &input->child[1]));
  HF_TRY(prove(w, name, w->node, node_circuit, &(source){.node = input}, statement, &out->proof));
out:
  hf_batch_input_free(&batch);
  free(input);
  return status;
}

/* m, a power of two. */
static hf_status record_seal(works *w, uint32_t m) {
  hf_status status;
  char name[64];
  bool ok;
  unsigned level = 0;
  hf_seal_input *input = calloc(1, sizeof *input);
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  if (input == NULL || sealed == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a seal"));
  while (1u << level < m) level++;
  if (1u << level != m || level > HF_SEAL_RECORDS_LOG)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "%u is no number of records here", m));
  input->node_vk = w->node->vk.digest;
  input->level = level;
  input->records = sealed->records = m;
  for (uint32_t i = 0; i < m; i++) {
    hf_batch_input batch;
    hf_sealed_batch *b = &sealed->batch[i];
    HF_TRY(record_of(w, i, &batch, &input->record[i]));
    hf_batch_input_free(&batch);
    b->record = input->record[i];
    b->slots = params.slots;
    b->data = calloc((size_t)HF_DATA_WORDS * params.slots, 32); /* no-ops */
    if (b->data == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a record"));
  }
  for (unsigned l = 0; l <= level; l++) /* level by level, so that a prover is set up once for each key */
    for (uint32_t i = 0; i < m >> l; i++) HF_TRY(subtree(w, l, i, &input->child));
  hf_fr root;
  HF_TRY(hf_records_root(input->record, m, &root));
  snprintf(name, sizeof name, "seal-%u", m);
  HF_TRY(prove(w, name, w->seal, seal_circuit, &(source){.seal = input}, root, &sealed->proof));
  HF_TRY(hf_sealed_check(sealed, &w->seal->vk, &ok));
  if (!ok) HF_TRY(hf_fail(HF_E_INTERNAL, "%s: %s", name, hf_error_message()));
  HF_TRY(recorded_save(w->out, &w->seal->vk, sealed));
  fprintf(stderr, "%s: in %s\n", name, w->out);
out:
  if (sealed != NULL) hf_sealed_free(sealed);
  free(sealed);
  free(input);
  return status;
}

int main(int argc, char **argv) {
  static works w;
  hf_status status;
  static char *const usual[] = {"2", "32", "64"};
  if (argc < 3) {
    fprintf(stderr, "usage: record_seals WORK OUT [M...]\n");
    return 2;
  }
  char *const *list = argc > 3 ? argv + 3 : usual;
  int count = argc > 3 ? argc - 3 : 3;
  w.folder = argv[1];
  w.out = argv[2];
  for (int i = 1; i < 3; i++)
    if (mkdir(argv[i], 0777) != 0 && errno != EEXIST)
      HF_TRY(hf_fail(HF_E_IO, "%s: %s", argv[i], strerror(errno)));
  HF_TRY(works_open(&w));
  for (int i = 0; i < count; i++) HF_TRY(record_seal(&w, (uint32_t)strtoul(list[i], NULL, 10)));
out:
  works_close(&w);
  if (status != HF_OK) fprintf(stderr, "record_seals: %s\n", hf_error_message());
  return hf_exit_code(status);
}
