/* A subject under mutation: its structures, then its bytes. */
#include <hyperfold/container.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "corpus.h"

static const struct {
  const char *text, *evm;
} classes[CORPUS_CLASS_COUNT] = {
#define CORPUS_ROW(name, text, evm) {text, evm},
    CORPUS_CLASSES(CORPUS_ROW)
#undef CORPUS_ROW
};

const char *corpus_class_text(corpus_class c) { return classes[c].text; }

corpus_class corpus_class_of(const char *text) {
  for (int i = 0; i < CORPUS_CLASS_COUNT; i++) {
    size_t length = strlen(classes[i].text);
    if (strncmp(text, classes[i].text, length) != 0) continue;
    if (text[length] == '\0' || text[length] == '\n' || strncmp(text + length, ": ", 2) == 0)
      return (corpus_class)i;
  }
  return CORPUS_OTHER;
}

/* --- elements --------------------------------------------------------------------------------- */

hf_g1 *corpus_point(hf_proof *proof, unsigned i) {
  unsigned packs = hf_pack_layout_of(proof->kappa).proof;
  return i < packs ? &proof->commitments[i] : i == packs ? &proof->w : &proof->w_prime;
}

hf_fr *corpus_evaluation(hf_proof *proof, unsigned i) {
  return i < HF_EVALS_ZETA ? &proof->at_zeta[i] : &proof->at_next[i - HF_EVALS_ZETA];
}

hf_fr *corpus_accumulator(corpus_item *item) {
  return item->proof.public_inputs +
         (item->kind == CORPUS_SEAL ? (int)HF_SEAL_ACCUMULATOR : (int)HF_INSTANCE_ACCUMULATOR);
}

void corpus_set_accumulator(corpus_item *item, hf_g1 left, hf_g1 right) {
  hf_g1_to_words(left, corpus_accumulator(item));
  hf_g1_to_words(right, corpus_accumulator(item) + 4);
}

void corpus_pair(uint64_t k, hf_g1 *left, hf_g1 *right) {
  *right = corpus_times(hf_g1_generator(), hf_fr_from_u64(k));
  *left = corpus_times(*right, corpus_tau());
}

static void records_of(const hf_sealed *sealed, hf_batch_record records[HF_SEAL_RECORDS_MAX]) {
  for (uint32_t i = 0; i < sealed->records; i++) records[i] = sealed->batch[i].record;
}

void corpus_restate(corpus_item *item) {
  hf_fr *words = item->proof.public_inputs;
  hf_batch_record records[HF_SEAL_RECORDS_MAX];
  uint32_t m = item->sealed.records;
  records_of(&item->sealed, records);
  words[HF_SEAL_RECORDS] = hf_fr_from_u64(m);
  if (hf_records_root(records, m, &words[HF_SEAL_STATEMENT]) != HF_OK ||
      hf_seal_fingerprint(words[HF_SEAL_STATEMENT], records, m, &words[HF_SEAL_X], &words[HF_SEAL_Y]) !=
          HF_OK)
    abort();
}

/* --- bytes ------------------------------------------------------------------------------------ */

corpus_map corpus_map_of(const hf_proof *proof) {
  corpus_map m = {.digest = 4, .count = 36, .inputs = 40, .input_count = proof->public_count};
  size_t at = m.inputs + 32 * (size_t)proof->public_count;
  unsigned packs = hf_pack_layout_of(proof->kappa).proof;
  m.point_count = packs + 2;
  m.evaluation_count = HF_EVALS_ZETA + HF_EVALS_NEXT;
  for (unsigned i = 0; i < packs; i++, at += 64) m.points[i] = at;
  m.evaluations = at;
  at += 32 * (size_t)m.evaluation_count;
  m.points[packs] = at;
  m.points[packs + 1] = at + 64;
  return m;
}

void corpus_freeze(corpus_item *item) {
  if (item->frozen) return;
  item->frozen = true;
  hf_verifying_key_write(&item->vk, &item->key_bytes);
  hf_proof_write(&item->proof, &item->proof_bytes);
  if (item->kind != CORPUS_SEAL) return;
  hf_writer *w = &item->record_bytes;
  hf_write_u32(w, item->sealed.records);
  for (uint32_t i = 0; i < item->sealed.records; i++) {
    const hf_sealed_batch *b = &item->sealed.batch[i];
    hf_write_bytes(w, b->record.word, sizeof b->record.word);
    hf_write_u32(w, b->slots);
    hf_write_bytes(w, b->data, (size_t)HF_DATA_WORDS * b->slots * 32);
  }
}

uint8_t *corpus_at(corpus_item *item, size_t offset) {
  corpus_freeze(item);
  if (offset >= item->proof_bytes.length) abort();
  return item->proof_bytes.data + offset;
}

hf_status corpus_item_key(corpus_item *item, hf_writer *w) {
  corpus_freeze(item);
  hf_bytes part = {item->key_bytes.data, item->key_bytes.length};
  return hf_container_encode(w, HF_VKEY_KIND, HF_VKEY_VERSION, &part, 1);
}

hf_status corpus_item_proof(corpus_item *item, hf_writer *w) {
  corpus_freeze(item);
  static const uint8_t zeros[CORPUS_TRAILING_MAX];
  hf_bytes parts[] = {{item->proof_bytes.data, item->proof_bytes.length},
                      {item->record_bytes.data, item->record_bytes.length},
                      {zeros, item->trailing}};
  bool seal = item->kind == CORPUS_SEAL;
  return hf_container_encode(w, seal ? HF_SEALED_KIND : HF_PROOF_KIND,
                             seal ? HF_SEALED_VERSION : HF_PROOF_VERSION, parts, 3);
}

void corpus_modulus(bool of_fq, uint8_t out[32]) {
  if (of_fq)
    hf_fq_to_bytes(hf_fq_neg(hf_fq_one()), out);
  else
    hf_fr_to_bytes(hf_fr_neg(hf_fr_one()), out);
  out[0]++; /* neither ends in ff */
}

bool corpus_add_modulus(uint8_t *bytes, bool of_fq) {
  uint8_t modulus[32];
  unsigned carry = 0;
  corpus_modulus(of_fq, modulus);
  for (int i = 0; i < 32; i++) {
    carry += (unsigned)bytes[i] + modulus[i];
    bytes[i] = (uint8_t)carry;
    carry >>= 8;
  }
  return carry == 0;
}

/* --- running ------------------------------------------------------------------------------------ */

void corpus_item_release(corpus_item *item) {
  hf_writer_free(&item->key_bytes);
  hf_writer_free(&item->proof_bytes);
  hf_writer_free(&item->record_bytes);
  hf_sealed_free(&item->sealed);
  free(item);
}

corpus_item *corpus_item_for(const corpus_subject *s) {
  corpus_item *item = calloc(1, sizeof *item);
  if (item == NULL) abort();
  item->subject = s;
  item->kind = s->kind;
  item->vk = s->vk;
  item->proof = s->proof;
  item->sealed = s->sealed;
  for (uint32_t i = 0; i < s->sealed.records; i++) {
    size_t size = (size_t)HF_DATA_WORDS * s->sealed.batch[i].slots * 32;
    if ((item->sealed.batch[i].data = malloc(size)) == NULL) abort();
    memcpy(item->sealed.batch[i].data, s->sealed.batch[i].data, size);
  }
  return item;
}

/* What the contract says to what the case expects of all, unless the case says otherwise. */
static void expect_evm(corpus_item *item, const corpus_case *c) {
  corpus_evm *evm = &item->evm;
  if (item->kind != CORPUS_SEAL)
    *evm = (corpus_evm){.reason = "a contract verifies seals alone"};
  else if (evm->error == NULL && evm->reason == NULL && c->no_evm != NULL)
    evm->reason = c->no_evm;
  else if (evm->error == NULL && evm->reason == NULL) {
    evm->error = classes[item->expected].evm;
    if (evm->error == NULL) evm->reason = "a contract has no such input";
  }
}

static void run_case(const corpus_subject *subject, const corpus_case *c, corpus_each each, void *context) {
  unsigned count = c->count != NULL ? c->count(subject) : 1;
  for (unsigned i = 0; i < count; i++) {
    char name[128];
    corpus_item *item = corpus_item_for(subject);
    item->expected = c->expected;
    item->of_records = strcmp(c->group, "records") == 0 || strcmp(c->group, "good") == 0;
    snprintf(name, sizeof name, count > 1 || c->count ? "%s/%s#%u" : "%s/%s", c->group, c->name, i);
    c->recipe(item, i);
    expect_evm(item, c);
    corpus_freeze(item);
    each(context, name, item);
    corpus_item_release(item);
  }
}

void corpus_run(const corpus_subject *subject, corpus_each each, void *context) {
  static const corpus_case *const parts[] = {corpus_cases_encoding, corpus_cases_words,
                                             corpus_cases_openings, corpus_cases_instances,
                                             corpus_cases_records,  corpus_cases_keys};
  for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++)
    for (const corpus_case *c = parts[k]; c->name != NULL; c++)
      if (c->on & CORPUS_ON(subject->kind)) run_case(subject, c, each, context);
}
