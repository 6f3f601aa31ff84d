/* What our own readers and verifier say about an item, as a class of the corpus. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "corpus.h"

static bool says(const char *word) { return strstr(hf_error_message(), word) != NULL; }

/* Which part of the input a status is about. */
static corpus_class pick(corpus_class accumulator, corpus_class key, corpus_class point) {
  return says("accumulator") ? accumulator : says("key: ") || says("[tau]_2") || says("G2") ? key : point;
}

static corpus_class range_class(void) {
  if (says("proof: kappa") || says("public inputs, at most") || says("a seal has 1 to") || says("slots;"))
    return CORPUS_FORMAT;
  if (says("key digest")) return CORPUS_RANGE_DIGEST;
  if (says("public input")) return says("key:") ? CORPUS_RANGE_KEY : CORPUS_RANGE_INPUT;
  if (says("evaluation")) return CORPUS_RANGE_EVALUATION;
  if (says("data word")) return CORPUS_RANGE_DATA;
  if (says("record")) return CORPUS_RANGE_RECORD;
  return pick(CORPUS_RANGE_ACCUMULATOR, CORPUS_RANGE_KEY, CORPUS_RANGE_POINT);
}

static corpus_class class_of(hf_status status) {
  switch (status) {
  case HF_OK:
    return CORPUS_ACCEPTED;
  case HF_E_FORMAT:
    return CORPUS_FORMAT;
  case HF_E_MISMATCH:
    return CORPUS_MISMATCH;
  case HF_E_RANGE:
    return range_class();
  case HF_E_CURVE:
    return pick(CORPUS_CURVE_ACCUMULATOR, CORPUS_CURVE_KEY, CORPUS_CURVE_POINT);
  case HF_E_INFINITY:
    return pick(CORPUS_INFINITY_ACCUMULATOR, CORPUS_INFINITY_KEY, CORPUS_INFINITY_POINT);
  case HF_E_SUBGROUP:
    return CORPUS_SUBGROUP_KEY;
  case HF_E_REFUSED:
    return says("tau is")              ? CORPUS_KEY_TAU
           : says("development")       ? CORPUS_KEY_DEVELOPMENT
           : says("equal or opposite") ? CORPUS_KEY_EQUAL
                                       : CORPUS_OTHER;
  case HF_E_VERIFY: /* a verdict: its message says which check */
    if (says("instance: ")) return CORPUS_INSTANCE;
    if (says("identity: ")) return CORPUS_IDENTITY;
    if (says("opening: ")) return CORPUS_OPENING;
    if (says("accumulator: ")) return CORPUS_ACCUMULATOR;
    if (says("seal: its")) return CORPUS_RECORDS;
    return says("posted words") ? CORPUS_DATA : CORPUS_OTHER;
  default:
    return CORPUS_OTHER;
  }
}

static hf_status judge(corpus_item *item, const hf_writer *key, const hf_writer *proof, bool *ok) {
  hf_status status;
  hf_verifying_key vk;
  hf_proof *p = calloc(1, sizeof *p);
  hf_sealed *sealed = calloc(1, sizeof *sealed);
  if (p == NULL || sealed == NULL) abort();
  HF_TRY(hf_verifying_key_decode("corpus", key->data, key->length, &vk));
  if (item->kind == CORPUS_SEAL) {
    HF_TRY(hf_sealed_decode("corpus", proof->data, proof->length, sealed));
    HF_TRY(hf_sealed_check(sealed, &vk, ok));
  } else {
    HF_TRY(hf_proof_decode("corpus", proof->data, proof->length, p));
    HF_TRY(hf_verify(&vk, p, ok));
  }
out:
  hf_sealed_free(sealed);
  free(sealed);
  free(p);
  return status;
}

corpus_class corpus_native(corpus_item *item, char why[256]) {
  hf_writer key = {0}, proof = {0};
  bool ok = false;
  hf_status status = corpus_item_key(item, &key);
  if (status == HF_OK) status = corpus_item_proof(item, &proof);
  if (status == HF_OK) status = judge(item, &key, &proof, &ok);
  corpus_class c = status == HF_OK && !ok ? class_of(HF_E_VERIFY) : class_of(status);
  if (why != NULL) snprintf(why, 256, "%s", c == CORPUS_ACCEPTED ? "" : hf_error_message());
  hf_writer_free(&key);
  hf_writer_free(&proof);
  return c;
}
