/* Sealed objects as bytes; the checks that need no proof. */
#include "fleet.h"

#include <stdlib.h>
#include <string.h>
#include <hyperfold/container.h>

static hf_sealed *make(uint32_t m) {
  hf_sealed *s = calloc(1, sizeof *s);
  hf_batch_record records[HF_SEAL_RECORDS_MAX];
  memset(records, 0, sizeof records);
  s->proof.kappa = 8;
  s->proof.public_count = HF_SEAL_COUNT;
  for (size_t i = 0; i < sizeof s->proof.commitments / sizeof s->proof.commitments[0]; i++)
    s->proof.commitments[i] = hf_g1_generator();
  s->proof.w = s->proof.w_prime = hf_g1_generator();
  s->records = m;
  for (uint32_t i = 0; i < m; i++) {
    hf_sealed_batch *b = &s->batch[i];
    b->slots = 1 + i % 3;
    b->data = calloc(3 * b->slots, 32);
    for (uint32_t k = 0; k < 3 * b->slots; k++) b->data[k][k] = (uint8_t)(i + 1);
    for (int j = 0; j < HF_RECORD_WORDS; j++)
      hf_word_set_u64(b->record.word[j], hf_record_words[j].type == HF_WORD_U8 ? 1 : i + 1);
    hf_word_set_u64(b->record.word[HF_RECORD_MODE], i % 2);
    OK(hf_data_fingerprint(b->record.word[HF_RECORD_DATA], (const uint8_t(*)[32])b->data, 3 * b->slots,
                           b->record.word[HF_RECORD_DATA_X], b->record.word[HF_RECORD_DATA_Y]));
    records[i] = b->record;
  }
  hf_fr *in = s->proof.public_inputs;
  OK(hf_records_root(records, m, &in[HF_SEAL_STATEMENT]));
  in[HF_SEAL_RECORDS] = hf_fr_from_u64(m);
  OK(hf_seal_fingerprint(in[HF_SEAL_STATEMENT], records, m, &in[HF_SEAL_X], &in[HF_SEAL_Y]));
  return s;
}

static void drop(hf_sealed *s) {
  hf_sealed_free(s);
  free(s);
}

Test(sealed, bytes) {
  hf_sealed *s = make(5), *back = calloc(1, sizeof *back);
  hf_writer w = {0}, again = {0};
  OK(hf_sealed_encode(s, &w));
  OK(hf_sealed_decode("x", w.data, w.length, back));
  cr_assert_eq(back->records, 5);
  OK(hf_sealed_encode(back, &again));
  cr_assert(w.length == again.length && memcmp(w.data, again.data, w.length) == 0);
  hf_sealed_free(back);
  /* every cut is refused; so is every changed byte of the container (its checksum) */
  for (size_t n = 0; n < w.length; n += n < 200 ? 1 : 37) {
    cr_assert_neq((int)hf_sealed_decode("x", w.data, n, back), HF_OK);
    cr_assert_eq(back->records, 0);
  }
  hf_writer_free(&w);
  hf_writer_free(&again);
  free(back);
  drop(s);
}

/* The payload changed and wrapped again: the checksum is right, the contents are not. */
Test(sealed, refused_contents) {
  hf_sealed *s = make(2), *back = calloc(1, sizeof *back);
  hf_writer w = {0};
  OK(hf_sealed_encode(s, &w));
  size_t tail = 4 + 3 * 2 * 32, records = w.length - tail - HF_RECORD_WORDS * 32; /* of the second record */
  const struct {
    size_t at;
    uint8_t byte;
    hf_status wanted;
  } changes[] = {
      {w.length - 1, 1, HF_E_RANGE},                              /* a data word of 249 bits */
      {w.length - tail, 3, HF_E_FORMAT},                          /* more slots than there are */
      {w.length - tail + 3, 1, HF_E_RANGE},                       /* far too many */
      {w.length - tail, 0, HF_E_RANGE},                           /* none */
      {records + HF_RECORD_MODE * 32, 2, HF_E_RANGE},             /* no such mode */
      {records + HF_RECORD_BATCH_NUMBER * 32 + 8, 1, HF_E_RANGE}, /* above 64 bits */
      {records + HF_RECORD_NEW_ROOT * 32 + 31, 0xff, HF_E_RANGE}, /* above r */
  };
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    hf_writer copy = {0};
    uint8_t *payload = malloc(w.length);
    memcpy(payload, w.data, w.length);
    payload[changes[i].at] = changes[i].byte;
    hf_bytes part = {payload + HF_CONTAINER_HEADER, w.length - HF_CONTAINER_HEADER};
    OK(hf_container_encode(&copy, HF_SEALED_KIND, HF_SEALED_VERSION, &part, 1));
    GIVES(changes[i].wanted, hf_sealed_decode("x", copy.data, copy.length, back));
    cr_assert_null(back->batch[0].data);
    hf_writer_free(&copy);
    free(payload);
  }
  s->records = 0;
  GIVES(HF_E_RANGE, hf_sealed_encode(s, &w));
  s->records = 65;
  GIVES(HF_E_RANGE, hf_sealed_encode(s, &w));
  s->records = 3; /* the third has no data */
  GIVES(HF_E_ARGUMENT, hf_sealed_encode(s, &w));
  s->records = 2;
  hf_writer_free(&w);
  free(back);
  drop(s);
}

Test(sealed, what_a_seal_states) {
  for (uint32_t m = 1; m <= 64; m += 21) {
    hf_sealed *s = make(m);
    hf_batch_record records[HF_SEAL_RECORDS_MAX];
    bool ok;
    for (uint32_t i = 0; i < m; i++) records[i] = s->batch[i].record;
    OK(hf_seal_states(&s->proof, records, m, &ok));
    cr_assert(ok);
    for (int word = 0; word <= HF_SEAL_Y; word++) { /* each public word counts */
      hf_proof changed = s->proof;
      changed.public_inputs[word] = hf_fr_add(changed.public_inputs[word], hf_fr_one());
      OK(hf_seal_states(&changed, records, m, &ok));
      cr_assert(!ok, "word %d", word);
    }
    for (int word = 0; word < HF_RECORD_WORDS; word++) { /* and each word of the last record */
      records[m - 1].word[word][0] ^= 1;
      OK(hf_seal_states(&s->proof, records, m, &ok));
      cr_assert(!ok, "record word %d", word);
      records[m - 1].word[word][0] ^= 1;
    }
    if (m > 1) {
      OK(hf_seal_states(&s->proof, records, m - 1, &ok));
      cr_assert(!ok);
    }
    s->proof.public_count = HF_INSTANCE_COUNT;
    GIVES(HF_E_MISMATCH, hf_seal_states(&s->proof, records, m, &ok));
    drop(s);
  }
}
