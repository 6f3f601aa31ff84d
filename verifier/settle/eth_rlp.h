/* RLP, the encoding of Ethereum's transactions: strings of bytes and lists of them. Writing only: nothing
 * that comes from a node is RLP. */
#ifndef HF_ETH_RLP_H
#define HF_ETH_RLP_H

#include <hyperfold/bytes.h>
#include "eth_number.h"

/* Each appends one item; failures stay in the writer (hf_writer_status). */
void hf_rlp_bytes(hf_writer *w, const void *data, size_t length);
/* A number is its big-endian bytes without leading zeros; zero is the empty string. */
void hf_rlp_u64(hf_writer *w, uint64_t value);
void hf_rlp_u256(hf_writer *w, const hf_u256 *value);
/* The list whose items, already encoded, are `items`. */
void hf_rlp_list(hf_writer *w, const void *items, size_t length);

#endif
