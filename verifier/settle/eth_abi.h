/* The contract ABI, as far as it is used here: calls whose arguments are words, arrays of words and bytes,
 * and the words that come back. */
#ifndef HF_ETH_ABI_H
#define HF_ETH_ABI_H

#include <hyperfold/bytes.h>
#include "eth_number.h"

/* Arguments go into `head` in order; what has no fixed size goes into `tail`, with its offset in the head. */
typedef struct hf_abi {
  hf_writer head, tail;
  size_t words; /* that the head will have: what offsets count from */
} hf_abi;

/* A call of the function with this signature, "claim(address)", whose arguments take `words` words in the
 * head. */
void hf_abi_begin(hf_abi *abi, size_t words);
void hf_abi_word(hf_abi *abi, const hf_u256 *word);
void hf_abi_u64(hf_abi *abi, uint64_t value);
void hf_abi_address(hf_abi *abi, const hf_eth_address *address);
/* An array of unknown length whose items are `words` words each, given back to back. */
void hf_abi_array(hf_abi *abi, size_t items, const hf_u256 *words, size_t words_each);
void hf_abi_bytes(hf_abi *abi, const void *data, size_t length);
/* Appends selector (none if `signature` is NULL: a constructor's arguments), head and tail to `out` and frees
 * the rest. HF_E_INTERNAL when the head has another number of words than was said, HF_E_MEMORY. */
hf_status hf_abi_end(hf_abi *abi, const char *signature, hf_writer *out);

/* Words that came back. HF_E_FORMAT when there are not exactly `count`. */
hf_status hf_abi_read(const uint8_t *data, size_t length, hf_u256 *words, size_t count);
/* A word as something narrower; HF_E_RANGE when it is not. */
hf_status hf_abi_to_address(const hf_u256 *word, hf_eth_address *out);
hf_status hf_abi_to_bool(const hf_u256 *word, bool *out);

#endif
