/* The good proofs that the corpus starts from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../counted_bytes.h"
#include "../plonk/tiny.h"
#include "corpus.h"
#include "development.h"
#include "host/keccak.h"
#include "keys.h"
#include "prove_internal.h"
#include "recorded.h"

enum { LOG_N = 6, SEAL_KAPPA = 8, CHAINS = 2, RECORDS = 3 };

const char *const corpus_kind_text[CORPUS_KINDS] = {"leaf", "node", "seal"};

/* One circuit of one kind on one backend. */
typedef struct maker {
  hf_backend *backend;
  hf_srs *srs;
  hf_proving_key *key;
  hf_prover *prover;
  tiny_options options;
  bool alien; /* with one coefficient that the other circuit has not */
  uint64_t randomness;
} maker;

static hf_circuit *lay(const maker *m) {
  hf_circuit *c = tiny_make(&m->options);
  if (m->alien) c->fixed[HF_Q1][tiny_row_of(c, TINY_LOOSE) + 1] = hf_fr_one();
  return c;
}

static void maker_close(maker *m) {
  hf_prover_destroy(&m->prover);
  hf_proving_key_destroy(&m->key);
  hf_srs_destroy(&m->srs);
  hf_backend_destroy(&m->backend);
}

static hf_status maker_open(corpus_kind kind, bool alien, maker *m) {
  hf_status status;
  hf_circuit *circuit = NULL;
  bool seal = kind == CORPUS_SEAL;
  hf_key_options key = {seal ? SEAL_KAPPA : HF_PRODUCTION_KAPPA,
                        seal ? HF_TRANSCRIPT_KECCAK : HF_TRANSCRIPT_POSEIDON2};
  *m = (maker){.alien = alien, .randomness = (uint64_t)kind << 32};
  /* leaf and node are one circuit in two sizes */
  m->options = (tiny_options){
      .log_n = kind == CORPUS_NODE ? LOG_N + 1 : LOG_N, .x = 12, .foldable = !seal, .seal = seal};
  HF_TRY(hf_backend_create("cpu", &(hf_backend_options){.threads = 1}, &m->backend));
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(m->options.log_n, key.kappa), 1,
                         &m->srs));
  circuit = lay(m);
  HF_TRY(hf_proving_key_derive(m->backend, m->srs, circuit, &key, &m->key));
  HF_TRY(hf_prover_create(m->backend, m->srs, m->key, &m->prover));
out:
  tiny_destroy(circuit);
  if (status != HF_OK) maker_close(m);
  return status;
}

static hf_status maker_prove(maker *m, hf_proof *proof) {
  hf_circuit *circuit = lay(m);
  hf_status status = hf_prove_with(m->prover, circuit, NULL, counted_bytes, &m->randomness, proof, NULL);
  tiny_destroy(circuit);
  return status;
}

/* The words of an instance of this kind; k tells instances apart. */
static void instance_of(const corpus_subject *s, hf_fr key_digest, uint64_t k, tiny_options *options) {
  corpus_item item = {.kind = s->kind};
  hf_g1 left, right;
  memset(options->instance, 0, sizeof options->instance);
  options->x = 11 + k;
  item.proof.public_inputs[HF_INSTANCE_NODE_VK] = key_digest;
  if (s->kind == CORPUS_LEAF) return;
  corpus_pair(k, &left, &right);
  if (s->kind == CORPUS_SEAL) {
    item.sealed = s->sealed;
    if (k > 1) item.sealed.records--;
    corpus_restate(&item);
    options->x = item.sealed.records;
  }
  corpus_set_accumulator(&item, left, right);
  memcpy(options->instance, item.proof.public_inputs, sizeof options->instance);
}

static hf_status prove_both(corpus_subject *s) {
  hf_status status;
  maker m;
  HF_TRY(maker_open(s->kind, false, &m));
  s->vk = m.key->vk;
  instance_of(s, s->vk.digest, 1, &m.options);
  HF_TRY(maker_prove(&m, &s->proof));
  instance_of(s, s->vk.digest, 2, &m.options);
  HF_TRY(maker_prove(&m, &s->other));
  maker_close(&m);
  HF_TRY(maker_open(s->kind, true, &m));
  s->alien_vk = m.key->vk;
  instance_of(s, s->alien_vk.digest, 1, &m.options);
  HF_TRY(maker_prove(&m, &s->alien));
out:
  maker_close(&m);
  return status;
}

/* --- records ---------------------------------------------------------------------------------- */

static void word_of(uint8_t word[32], uint64_t k) {
  uint8_t hash[32];
  hf_keccak256(&k, sizeof k, hash);
  hash[31] = 0;
  memcpy(word, hash, 32);
}

/* A withdrawal in one slot, so that the posted words are not all zero. */
static hf_status record_make(uint32_t i, hf_sealed_batch *batch) {
  hf_batch_record *r = &batch->record;
  hf_data_slot slot = {.type = HF_SLOT_WITHDRAW, .from = i, .amount = 100 + i, .fee = 1};
  uint32_t chain = i % CHAINS, number = i / CHAINS + 1;
  memset(r, 0, sizeof *r);
  batch->slots = 1;
  batch->data = malloc((size_t)HF_DATA_WORDS * 32);
  if (batch->data == NULL) return hf_fail(HF_E_MEMORY, "no memory for a record");
  memset(slot.to1, 0x11 * (int)(i + 1), 20);
  hf_data_encode(&slot, batch->data);
  word_of(r->word[HF_RECORD_VK_DIGEST], 1000);
  hf_word_set_u64(r->word[HF_RECORD_CHAIN_ID], 7001 + chain);
  hf_word_set_u64(r->word[HF_RECORD_BATCH_NUMBER], number);
  word_of(r->word[HF_RECORD_OLD_ROOT], 16 * chain + number);
  word_of(r->word[HF_RECORD_NEW_ROOT], 16 * chain + number + 1);
  word_of(r->word[HF_RECORD_OUTBOX_ROOT], 2000 + i);
  word_of(r->word[HF_RECORD_DATA], 3000 + i);
  hf_word_set_u64(r->word[HF_RECORD_WITHDRAWALS], 1);
  hf_word_set_u64(r->word[HF_RECORD_TOTAL_OUT], slot.amount);
  return hf_data_fingerprint(r->word[HF_RECORD_DATA], (const uint8_t(*)[32])batch->data, HF_DATA_WORDS,
                             r->word[HF_RECORD_DATA_X], r->word[HF_RECORD_DATA_Y]);
}

hf_status corpus_subject_make(corpus_kind kind, corpus_subject *out) {
  hf_status status = HF_OK;
  memset(out, 0, sizeof *out);
  out->kind = kind;
  snprintf(out->name, sizeof out->name, "small");
  if (kind == CORPUS_SEAL) {
    out->sealed.records = RECORDS;
    for (uint32_t i = 0; i < RECORDS; i++) HF_TRY(record_make(i, &out->sealed.batch[i]));
  }
  HF_TRY(prove_both(out));
out:
  if (status != HF_OK) corpus_subject_free(out);
  return status;
}

/* --- recordings --------------------------------------------------------------------------------- */

/* What a recording has no proof of is forged. */
static void forge_others(corpus_subject *s) {
  corpus_item item = {.subject = s, .kind = s->kind, .vk = s->vk, .proof = s->proof, .sealed = s->sealed};
  hf_g1 left, right;
  corpus_pair(2, &left, &right);
  corpus_set_accumulator(&item, left, right);
  for (unsigned i = 0; i < corpus_map_of(&item.proof).point_count; i++) {
    hf_g1 *p = corpus_point(&item.proof, i);
    *p = corpus_add(*p, hf_g1_generator());
  }
  corpus_forge(&item);
  s->other = item.proof;
  item.proof = s->proof;
  item.vk.fixed[0] = s->vk.fixed[1];
  item.vk.fixed[1] = s->vk.fixed[0];
  (void)hf_verifying_key_finish(&item.vk); /* an exchange of good points: nothing to refuse */
  corpus_forge(&item);
  s->alien_vk = item.vk;
  s->alien = item.proof;
}

hf_status corpus_subject_load(const char *folder, uint32_t m, corpus_subject *out) {
  hf_status status;
  memset(out, 0, sizeof *out);
  out->kind = CORPUS_SEAL;
  HF_TRY(recorded_load(folder, m, &out->vk, &out->sealed));
  snprintf(out->name, sizeof out->name, "recorded-%u", m);
  out->proof = out->sealed.proof;
  if (!out->vk.seal || !hf_development_setup(out->vk.tau_g2))
    HF_TRY(hf_fail(HF_E_MISMATCH, "%s: not the key of a seal over the development setup", folder));
  forge_others(out);
out:
  if (status != HF_OK) corpus_subject_free(out);
  return status;
}

void corpus_subject_free(corpus_subject *subject) { hf_sealed_free(&subject->sealed); }
