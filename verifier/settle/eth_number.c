#include "eth_number.h"

#include <ctype.h>
#include <hyperfold/bytes.h>
#include <string.h>
#include "host/keccak.h"

hf_u256 hf_u256_from_u64(uint64_t value) {
  hf_u256 out = {{0}};
  for (int i = 31; i >= 24; i--, value >>= 8) out.b[i] = (uint8_t)value;
  return out;
}

hf_status hf_u256_to_u64(const hf_u256 *value, uint64_t *out) {
  if (hf_u256_length(value) > 8) return hf_fail(HF_E_RANGE, "a number of more than 64 bits");
  *out = 0;
  for (int i = 24; i < 32; i++) *out = *out << 8 | value->b[i];
  return HF_OK;
}

int hf_u256_compare(const hf_u256 *a, const hf_u256 *b) {
  int c = memcmp(a->b, b->b, 32);
  return c < 0 ? -1 : c > 0;
}

hf_status hf_u256_add(const hf_u256 *a, const hf_u256 *b, hf_u256 *out) {
  unsigned carry = 0;
  for (int i = 31; i >= 0; i--) {
    carry += (unsigned)a->b[i] + b->b[i];
    out->b[i] = (uint8_t)carry;
    carry >>= 8;
  }
  return carry ? hf_fail(HF_E_RANGE, "a sum of more than 256 bits") : HF_OK;
}

hf_status hf_u256_mul_u64(const hf_u256 *a, uint64_t b, hf_u256 *out) {
  unsigned __int128 carry = 0;
  for (int i = 31; i >= 0; i--) {
    carry += (unsigned __int128)a->b[i] * b;
    out->b[i] = (uint8_t)carry;
    carry >>= 8;
  }
  return carry ? hf_fail(HF_E_RANGE, "a product of more than 256 bits") : HF_OK;
}

size_t hf_u256_length(const hf_u256 *value) {
  size_t zeros = 0;
  while (zeros < 32 && value->b[zeros] == 0) zeros++;
  return 32 - zeros;
}

static int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

hf_status hf_u256_parse(const char *text, hf_u256 *out) {
  const unsigned base = text[0] == '0' && text[1] == 'x' ? 16 : 10;
  const char *at = base == 16 ? text + 2 : text;
  memset(out, 0, sizeof *out);
  if (*at == 0) return hf_fail(HF_E_FORMAT, "\"%.20s\" is no number", text);
  for (; *at != 0; at++) {
    int d = digit(*at);
    if (d < 0 || d >= (int)base) return hf_fail(HF_E_FORMAT, "\"%.80s\" is no number", text);
    hf_u256 add = hf_u256_from_u64((uint64_t)d);
    if (hf_u256_mul_u64(out, base, out) != HF_OK || hf_u256_add(out, &add, out) != HF_OK)
      return hf_fail(HF_E_RANGE, "\"%.80s\" has more than 256 bits", text);
  }
  return HF_OK;
}

void hf_u256_text(const hf_u256 *value, char out[HF_U256_TEXT]) {
  hf_u256 rest = *value;
  char digits[HF_U256_TEXT];
  size_t n = 0;
  do {
    unsigned left = 0;
    for (int i = 0; i < 32; i++) { /* rest, left = divmod(rest, 10) */
      left = left << 8 | rest.b[i];
      rest.b[i] = (uint8_t)(left / 10);
      left %= 10;
    }
    digits[n++] = (char)('0' + left);
  } while (hf_u256_length(&rest) > 0);
  for (size_t i = 0; i < n; i++) out[i] = digits[n - 1 - i];
  out[n] = 0;
}

void hf_u256_quantity(const hf_u256 *value, char out[HF_QUANTITY_TEXT]) {
  char hex[65];
  hf_hex(value->b, 32, hex);
  const char *at = hex;
  while (*at == '0' && at[1] != 0) at++;
  memcpy(out, "0x", 2);
  strcpy(out + 2, at);
}

void hf_quantity_text(uint64_t value, char out[HF_QUANTITY_TEXT]) {
  hf_u256 wide = hf_u256_from_u64(value);
  hf_u256_quantity(&wide, out);
}

/* EIP-55: a letter is a capital where the same digit of the keccak of the small-letter text is 8 or more. */
void hf_eth_address_text(const hf_eth_address *address, char out[HF_ETH_ADDRESS_TEXT]) {
  uint8_t hash[32];
  memcpy(out, "0x", 2);
  hf_hex(address->b, 20, out + 2);
  hf_keccak256(out + 2, 40, hash);
  for (int i = 0; i < 40; i++) {
    unsigned nibble = i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 15;
    if (nibble >= 8) out[2 + i] = (char)toupper((unsigned char)out[2 + i]);
  }
}

hf_status hf_eth_address_parse(const char *text, hf_eth_address *out) {
  const char *digits = strncmp(text, "0x", 2) == 0 ? text + 2 : text;
  char right[HF_ETH_ADDRESS_TEXT];
  bool small = false, capital = false;
  if (strlen(digits) != 40 || hf_unhex(digits, out->b, 20) != HF_OK)
    return hf_fail(HF_E_FORMAT, "\"%.60s\" is no address: 0x and 40 hex digits", text);
  for (const char *c = digits; *c != 0; c++) {
    small |= *c >= 'a' && *c <= 'f';
    capital |= *c >= 'A' && *c <= 'F';
  }
  hf_eth_address_text(out, right);
  if (small && capital && strcmp(right + 2, digits) != 0)
    return hf_fail(HF_E_FORMAT, "\"%s\": the checksum in the capitals is wrong (EIP-55): a mistyped address",
                   text);
  return HF_OK;
}

bool hf_eth_address_is_zero(const hf_eth_address *address) {
  static const hf_eth_address zero;
  return hf_eth_address_eq(address, &zero);
}
bool hf_eth_address_eq(const hf_eth_address *a, const hf_eth_address *b) {
  return memcmp(a, b, sizeof *a) == 0;
}

hf_status hf_eth_hash_parse(const char *text, hf_eth_hash *out) {
  if (strncmp(text, "0x", 2) == 0 && strlen(text) == 66 && hf_unhex(text + 2, out->b, 32) == HF_OK)
    return HF_OK;
  return hf_fail(HF_E_FORMAT, "\"%.80s\" is no hash: 0x and 64 hex digits", text);
}
void hf_eth_hash_text(const hf_eth_hash *hash, char out[HF_ETH_HASH_TEXT]) {
  memcpy(out, "0x", 2);
  hf_hex(hash->b, 32, out + 2);
}
bool hf_eth_hash_eq(const hf_eth_hash *a, const hf_eth_hash *b) { return memcmp(a, b, sizeof *a) == 0; }
