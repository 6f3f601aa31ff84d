#include "eth_abi.h"

#include <string.h>
#include "host/keccak.h"

static void put_u64(hf_writer *w, uint64_t value) {
  hf_u256 word = hf_u256_from_u64(value);
  hf_write_bytes(w, word.b, 32);
}

void hf_abi_begin(hf_abi *abi, size_t words) { *abi = (hf_abi){.words = words}; }
void hf_abi_word(hf_abi *abi, const hf_u256 *word) { hf_write_bytes(&abi->head, word->b, 32); }
void hf_abi_u64(hf_abi *abi, uint64_t value) { put_u64(&abi->head, value); }

void hf_abi_address(hf_abi *abi, const hf_eth_address *address) {
  hf_u256 word = {{0}};
  memcpy(word.b + 12, address->b, 20);
  hf_abi_word(abi, &word);
}

static void put_offset(hf_abi *abi) { hf_abi_u64(abi, 32 * abi->words + abi->tail.length); }

void hf_abi_array(hf_abi *abi, size_t items, const hf_u256 *words, size_t words_each) {
  put_offset(abi);
  put_u64(&abi->tail, items);
  hf_write_bytes(&abi->tail, words, items * words_each * 32);
}

void hf_abi_bytes(hf_abi *abi, const void *data, size_t length) {
  static const uint8_t zero[32];
  put_offset(abi);
  put_u64(&abi->tail, length);
  hf_write_bytes(&abi->tail, data, length);
  if (length % 32 != 0) hf_write_bytes(&abi->tail, zero, 32 - length % 32);
}

hf_status hf_abi_end(hf_abi *abi, const char *signature, hf_writer *out) {
  hf_status status;
  uint8_t hash[32];
  HF_TRY(hf_writer_status(&abi->head));
  HF_TRY(hf_writer_status(&abi->tail));
  if (abi->head.length != 32 * abi->words)
    HF_TRY(hf_fail(HF_E_INTERNAL, "a call of %zu words, %zu expected", abi->head.length / 32, abi->words));
  if (signature != NULL) {
    hf_keccak256(signature, strlen(signature), hash);
    hf_write_bytes(out, hash, 4);
  }
  hf_write_bytes(out, abi->head.data, abi->head.length);
  hf_write_bytes(out, abi->tail.data, abi->tail.length);
  HF_TRY(hf_writer_status(out));
out:
  hf_writer_free(&abi->head);
  hf_writer_free(&abi->tail);
  return status;
}

hf_status hf_abi_read(const uint8_t *data, size_t length, hf_u256 *words, size_t count) {
  if (length != 32 * count)
    return hf_fail(HF_E_FORMAT, "%zu bytes came back, %zu expected: is the contract at this address?", length,
                   32 * count);
  memcpy(words, data, length);
  return HF_OK;
}

hf_status hf_abi_to_address(const hf_u256 *word, hf_eth_address *out) {
  if (hf_u256_length(word) > 20) return hf_fail(HF_E_RANGE, "a word that is no address");
  memcpy(out->b, word->b + 12, 20);
  return HF_OK;
}

hf_status hf_abi_to_bool(const hf_u256 *word, bool *out) {
  uint64_t value;
  hf_status status = hf_u256_to_u64(word, &value);
  if (status == HF_OK && value > 1) status = hf_fail(HF_E_RANGE, "a word that is neither true nor false");
  *out = status == HF_OK && value == 1;
  return status;
}
