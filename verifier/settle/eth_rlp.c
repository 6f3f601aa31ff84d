#include "eth_rlp.h"

/* `base` is 0x80 for strings, 0xc0 for lists: up to 55 bytes the length is in the first byte. */
static void write_head(hf_writer *w, uint8_t base, size_t length) {
  if (length <= 55) {
    hf_write_u8(w, (uint8_t)(base + length));
    return;
  }
  hf_u256 wide = hf_u256_from_u64(length);
  size_t bytes = hf_u256_length(&wide);
  hf_write_u8(w, (uint8_t)(base + 55 + bytes));
  hf_write_bytes(w, wide.b + 32 - bytes, bytes);
}

void hf_rlp_bytes(hf_writer *w, const void *data, size_t length) {
  if (length != 1 || *(const uint8_t *)data >= 0x80) write_head(w, 0x80, length); /* a small byte is itself */
  hf_write_bytes(w, data, length);
}

void hf_rlp_u256(hf_writer *w, const hf_u256 *value) {
  size_t length = hf_u256_length(value);
  hf_rlp_bytes(w, value->b + 32 - length, length);
}

void hf_rlp_u64(hf_writer *w, uint64_t value) {
  hf_u256 wide = hf_u256_from_u64(value);
  hf_rlp_u256(w, &wide);
}

void hf_rlp_list(hf_writer *w, const void *items, size_t length) {
  write_head(w, 0xc0, length);
  hf_write_bytes(w, items, length);
}
