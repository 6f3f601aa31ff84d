#include "fold_subjects.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../counted_bytes.h"
#include "host/keccak.h"
#include "keys.h"
#include "prove_internal.h"
#include "srs.h"
#include "verify.h"

enum { WIDTH = 4, LOG_N_MOST = 8 };

#define MUST(call)                                                                                           \
  do {                                                                                                       \
    if ((call) != HF_OK) {                                                                                   \
      fprintf(stderr, "%s: %s\n", #call, hf_error_message());                                                \
      abort();                                                                                               \
    }                                                                                                        \
  } while (0)

typedef struct workshop {
  hf_backend *backend;
  hf_srs *srs;
  uint64_t randomness;
} workshop;

/* States its ten words. `other`: another circuit, so another key. */
static hf_circuit *states(const hf_fr words[HF_INSTANCE_COUNT], bool other) {
  hf_builder_options options = {.table_width = WIDTH, .foldable = true};
  hf_builder *b;
  hf_circuit *circuit;
  hf_var vars[HF_INSTANCE_COUNT];
  MUST(hf_builder_create(&options, &b));
  for (int i = 0; i < HF_INSTANCE_COUNT; i++) vars[i] = hf_hint(b, words[i], "word");
  if (other) (void)hf_mul(b, vars[0], vars[0]);
  hf_public_instance(b, vars);
  MUST(hf_builder_finish(b, &circuit));
  hf_builder_destroy(&b);
  return circuit;
}

static hf_proving_key *key_of(workshop *w, bool other) {
  hf_fr none[HF_INSTANCE_COUNT];
  hf_proving_key *key;
  for (int i = 0; i < HF_INSTANCE_COUNT; i++) none[i] = hf_fr_zero();
  hf_circuit *circuit = states(none, other);
  MUST(hf_proving_key_derive(w->backend, w->srs, circuit,
                             &(hf_key_options){HF_PRODUCTION_KAPPA, HF_TRANSCRIPT_POSEIDON2}, &key));
  hf_circuit_destroy(&circuit);
  return key;
}

static void prove(workshop *w, const hf_proving_key *key, const hf_fr words[HF_INSTANCE_COUNT], bool other,
                  hf_fold_child *out) {
  hf_circuit *circuit = states(words, other);
  hf_prover *prover;
  bool ok;
  MUST(hf_prover_create(w->backend, w->srs, key, &prover));
  MUST(hf_prove_with(prover, circuit, NULL, counted_bytes, &w->randomness, &out->proof, NULL));
  hf_prover_destroy(&prover);
  hf_circuit_destroy(&circuit);
  out->vk = key->vk;
  MUST(hf_verify(&out->vk, &out->proof, &ok));
  if (!ok) abort();
}

static void leaf(workshop *w, const hf_proving_key *key, hf_fr statement, hf_fold_child *out) {
  hf_fr words[HF_INSTANCE_COUNT];
  for (int i = 0; i < HF_INSTANCE_COUNT; i++) words[i] = hf_fr_zero();
  words[HF_INSTANCE_STATEMENT] = statement;
  prove(w, key, words, false, out);
}

/* With the accumulator ([5 tau], [5]). */
static void node(workshop *w, const hf_proving_key *key, hf_fr statement, hf_fold_child *out) {
  hf_fr words[HF_INSTANCE_COUNT], five = hf_fr_from_u64(5);
  words[HF_INSTANCE_STATEMENT] = statement;
  words[HF_INSTANCE_NODE_VK] = key->vk.digest;
  for (int i = 0; i < 2; i++)
    hf_g1_to_words(hf_g1_from_xyzz(hf_g1_mul(w->srs->points[1 - i], five)),
                   words + HF_INSTANCE_ACCUMULATOR + 4 * i);
  prove(w, key, words, true, out);
}

/* Words without a rhyme, the first being the leaf key's digest. */
static void record(const hf_proving_key *key, uint64_t number, hf_batch_record *out) {
  for (int i = 0; i < HF_RECORD_WORDS; i++) {
    uint64_t seed[2] = {number, (uint64_t)i};
    hf_keccak256(seed, sizeof seed, out->word[i]);
    out->word[i][31] = 0;
  }
  hf_fr_to_bytes(key->vk.digest, out->word[0]);
}

static void make_node(workshop *w, subject *s, const hf_proving_key *leaf_key,
                      const hf_proving_key *node_key) {
  s->node = calloc(1, sizeof *s->node);
  if (s->node == NULL) abort();
  s->node->node_vk = node_key->vk.digest;
  leaf(w, leaf_key, hf_fr_from_u64(2222), &s->node->child[1]);
  if (s->kind == SUBJECT_NODE)
    node(w, node_key, hf_fr_from_u64(1111), &s->node->child[0]);
  else
    leaf(w, leaf_key, hf_fr_from_u64(1111), &s->node->child[0]);
  s->node->lift = 1;
}

static void make_seal(workshop *w, subject *s, const hf_proving_key *leaf_key,
                      const hf_proving_key *node_key) {
  bool one = s->kind == SUBJECT_SEALED_LEAF;
  s->seal = calloc(1, sizeof *s->seal);
  if (s->seal == NULL) abort();
  s->seal->node_vk = node_key->vk.digest;
  s->seal->records = one ? 1 : 3;
  s->seal->level = one ? 0 : 2;
  hf_fr entry[4] = {hf_fr_zero(), hf_fr_zero(), hf_fr_zero(), hf_fr_zero()}, statement = hf_fr_zero();
  for (uint32_t i = 0; i < s->seal->records; i++) {
    record(leaf_key, i, &s->seal->record[i]);
    MUST(hf_record_statement(&s->seal->record[i], &statement));
    entry[i] = hf_statement_leaf(leaf_key->vk.digest, statement);
  }
  if (one)
    leaf(w, leaf_key, statement, &s->seal->child);
  else
    node(
        w, node_key,
        hf_statement_parent(hf_statement_parent(entry[0], entry[1]), hf_statement_parent(entry[2], entry[3])),
        &s->seal->child);
}

void subject_make(subject_kind kind, subject *out) {
  static const char *const names[SUBJECTS] = {"node(leaf, leaf)", "node(node, leaf)", "seal(node)",
                                              "seal(leaf)"};
  workshop w = {.randomness = 1000 * (uint64_t)kind};
  memset(out, 0, sizeof *out);
  out->kind = kind;
  out->name = names[kind];
  MUST(hf_backend_create("cpu", &(hf_backend_options){.threads = 1}, &w.backend));
  MUST(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(LOG_N_MOST, HF_PRODUCTION_KAPPA), 1,
                       &w.srs));
  out->setup.tau_g2 = w.srs->tau_g2;
  out->setup.development = w.srs->development;
  for (int i = 0; i < 1 + 2 * HF_NODE_CHILDREN; i++) out->setup.powers[i] = w.srs->points[i];
  hf_proving_key *leaf_key = key_of(&w, false), *node_key = key_of(&w, true);
  out->node_vk = node_key->vk.digest;
  if (kind == SUBJECT_LEAVES || kind == SUBJECT_NODE)
    make_node(&w, out, leaf_key, node_key);
  else
    make_seal(&w, out, leaf_key, node_key);
  hf_proving_key_destroy(&leaf_key);
  hf_proving_key_destroy(&node_key);
  hf_srs_destroy(&w.srs);
  hf_backend_destroy(&w.backend);
}

void subject_free(subject *s) {
  free(s->node);
  free(s->seal);
  memset(s, 0, sizeof *s);
}

void subject_options(const subject *s, hf_builder_options *out) {
  if (s->node != NULL)
    hf_node_options(out);
  else
    hf_seal_options(out);
}

hf_status subject_build(hf_builder *b, const void *context) {
  const subject *s = context;
  if (s->node != NULL) return hf_node_circuit(b, &s->setup, s->node);
  return hf_seal_circuit(b, &s->setup, s->node_vk, s->seal);
}
