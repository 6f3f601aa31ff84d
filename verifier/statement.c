#include "statement.h"

#include <string.h>
#include "host/domains.h"
#include "host/keccak.h"
#include "host/poseidon.h"

hf_fr hf_statement_leaf(hf_fr vk_digest, hf_fr statement) {
  hf_fr words[2] = {vk_digest, statement};
  return hf_sponge(HF_DOMAIN_LEAF, words, 2);
}

hf_fr hf_statement_parent(hf_fr left, hf_fr right) {
  hf_fr words[2] = {left, right};
  if (hf_fr_is_zero(left) && hf_fr_is_zero(right)) return hf_statement_empty();
  return hf_sponge(HF_DOMAIN_NODE, words, 2);
}

hf_fr hf_statement_lift(hf_fr statement, unsigned levels) {
  for (unsigned i = 0; i < levels; i++) statement = hf_statement_parent(statement, hf_statement_empty());
  return statement;
}

static hf_status load(const hf_batch_record *record, int i, hf_fr *out) {
  *out = hf_fr_zero();
  if (hf_fr_from_bytes(record->word[i], out)) return HF_OK;
  return hf_fail(HF_E_RANGE, "record: word %d (%s) is not below r", i, hf_record_words[i].name);
}

hf_status hf_record_statement(const hf_batch_record *record, hf_fr *out) {
  hf_status status = HF_OK;
  hf_fr words[HF_RECORD_WORDS - 1];
  *out = hf_fr_zero();
  for (int i = 1; i < HF_RECORD_WORDS; i++) HF_TRY(load(record, i, &words[i - 1]));
  *out = hf_sponge(HF_DOMAIN_BATCH_STATEMENT, words, HF_RECORD_WORDS - 1);
out:
  return status;
}

static hf_status count_ok(uint32_t m) {
  if (m >= 1 && m <= HF_SEAL_RECORDS_MAX) return HF_OK;
  return hf_fail(HF_E_RANGE, "%u records: a seal has 1 to %d", m, HF_SEAL_RECORDS_MAX);
}

hf_status hf_records_root(const hf_batch_record *records, uint32_t m, hf_fr *root) {
  hf_status status;
  hf_fr node[HF_SEAL_RECORDS_MAX];
  *root = hf_fr_zero();
  HF_TRY(count_ok(m));
  for (uint32_t i = 0; i < HF_SEAL_RECORDS_MAX; i++) {
    hf_fr digest, statement;
    node[i] = hf_statement_empty();
    if (i >= m) continue;
    HF_TRY(load(&records[i], HF_RECORD_VK_DIGEST, &digest));
    HF_TRY(hf_record_statement(&records[i], &statement));
    node[i] = hf_statement_leaf(digest, statement);
  }
  for (uint32_t width = HF_SEAL_RECORDS_MAX / 2; width > 0; width /= 2)
    for (uint32_t i = 0; i < width; i++) node[i] = hf_statement_parent(node[2 * i], node[2 * i + 1]);
  *root = node[0];
out:
  return status;
}

/* 32 big-endian bytes modulo r, by Horner's rule over bytes. */
static hf_fr reduce_be(const uint8_t bytes[32]) {
  const hf_fr base = hf_fr_from_u64(256);
  hf_fr v = hf_fr_zero();
  for (int i = 0; i < 32; i++) v = hf_fr_add(hf_fr_mul(v, base), hf_fr_from_u64(bytes[i]));
  return v;
}

static void absorb_be(hf_keccak *k, hf_fr v) {
  uint8_t bytes[32];
  hf_fr_to_bytes_be(v, bytes);
  hf_keccak_update(k, bytes, sizeof bytes);
}

hf_status hf_seal_fingerprint(hf_fr root, const hf_batch_record *records, uint32_t m, hf_fr *x, hf_fr *y) {
  hf_status status;
  hf_keccak k;
  uint8_t hash[32];
  *x = *y = hf_fr_zero();
  HF_TRY(count_ok(m));
  hf_keccak_init(&k);
  hf_keccak_update(&k, HF_SEAL_TAG, strlen(HF_SEAL_TAG));
  absorb_be(&k, root);
  absorb_be(&k, hf_fr_from_u64(m));
  for (uint32_t i = 0; i < m; i++)
    for (int j = 0; j < HF_RECORD_WORDS; j++) {
      hf_fr word;
      HF_TRY(load(&records[i], j, &word));
      absorb_be(&k, word);
    }
  hf_keccak_final(&k, hash);
  *x = reduce_be(hash);
  for (uint32_t i = m; i-- > 0;)
    for (int j = HF_RECORD_WORDS; j-- > 0;) {
      hf_fr word;
      HF_TRY(load(&records[i], j, &word));
      *y = hf_fr_add(hf_fr_mul(*y, *x), word);
    }
out:
  return status;
}

static hf_status absorb_word(hf_keccak *k, const uint8_t word[32]) {
  hf_fr value;
  if (!hf_fr_from_bytes(word, &value)) return hf_fail(HF_E_RANGE, "public data: a word is not below r");
  absorb_be(k, value);
  return HF_OK;
}

hf_status hf_data_fingerprint(const uint8_t commitment[32], const uint8_t (*words)[32], size_t count, uint8_t x[32],
                              uint8_t y[32]) {
  hf_status status;
  hf_keccak k;
  uint8_t hash[32];
  hf_keccak_init(&k);
  hf_keccak_update(&k, HF_DATA_TAG, strlen(HF_DATA_TAG));
  HF_TRY(absorb_word(&k, commitment));
  for (size_t i = 0; i < count; i++) HF_TRY(absorb_word(&k, words[i]));
  hf_keccak_final(&k, hash);
  hf_fr point = reduce_be(hash), value = hf_fr_zero(), word = hf_fr_zero();
  for (size_t i = count; i-- > 0;) {
    (void)hf_fr_from_bytes(words[i], &word); /* canonical: it was absorbed */
    value = hf_fr_add(hf_fr_mul(value, point), word);
  }
  hf_fr_to_bytes(point, x);
  hf_fr_to_bytes(value, y);
out:
  return status;
}
