/* Numbers, addresses and hashes as Ethereum has them: big-endian bytes, and their texts in decimal and hex.
 */
#ifndef HF_ETH_NUMBER_H
#define HF_ETH_NUMBER_H

#include <hyperfold/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 256 bits, big-endian: a word of the EVM. */
typedef struct hf_u256 {
  uint8_t b[32];
} hf_u256;

typedef struct hf_eth_address {
  uint8_t b[20];
} hf_eth_address;

typedef struct hf_eth_hash {
  uint8_t b[32];
} hf_eth_hash;

hf_u256 hf_u256_from_u64(uint64_t value);
/* HF_E_RANGE when the value needs more than 64 bits. */
hf_status hf_u256_to_u64(const hf_u256 *value, uint64_t *out);
int hf_u256_compare(const hf_u256 *a, const hf_u256 *b); /* -1, 0, 1 */
/* HF_E_RANGE when the result needs more than 256 bits; `out` may be an operand. */
hf_status hf_u256_add(const hf_u256 *a, const hf_u256 *b, hf_u256 *out);
hf_status hf_u256_mul_u64(const hf_u256 *a, uint64_t b, hf_u256 *out);
/* Bytes without leading zeros: 0 .. 32 of them, at the end of b. */
size_t hf_u256_length(const hf_u256 *value);

/* Decimal digits, or 0x and hex digits; nothing else, at least one digit. HF_E_FORMAT, HF_E_RANGE. */
hf_status hf_u256_parse(const char *text, hf_u256 *out);
#define HF_U256_TEXT 79 /* longest decimal text with its NUL */
void hf_u256_text(const hf_u256 *value, char out[HF_U256_TEXT]);
/* "0x1a", as JSON-RPC writes quantities: no leading zeros, zero is "0x0". */
#define HF_QUANTITY_TEXT 67
void hf_u256_quantity(const hf_u256 *value, char out[HF_QUANTITY_TEXT]);
void hf_quantity_text(uint64_t value, char out[HF_QUANTITY_TEXT]);

/* 0x and 40 digits (the 0x may be missing). Mixed case must be that of EIP-55: a mistyped address does not
 * pass. HF_E_FORMAT. */
hf_status hf_eth_address_parse(const char *text, hf_eth_address *out);
/* 0x and 40 digits in the case of EIP-55. */
#define HF_ETH_ADDRESS_TEXT 43
void hf_eth_address_text(const hf_eth_address *address, char out[HF_ETH_ADDRESS_TEXT]);
bool hf_eth_address_is_zero(const hf_eth_address *address);
bool hf_eth_address_eq(const hf_eth_address *a, const hf_eth_address *b);

/* 0x and 64 digits. HF_E_FORMAT. */
hf_status hf_eth_hash_parse(const char *text, hf_eth_hash *out);
#define HF_ETH_HASH_TEXT 67
void hf_eth_hash_text(const hf_eth_hash *hash, char out[HF_ETH_HASH_TEXT]);
bool hf_eth_hash_eq(const hf_eth_hash *a, const hf_eth_hash *b);

#endif
