/* Keccak-256 with the padding that Ethereum uses (first padding byte 0x01; the
 * later SHA3-256 standard has 0x06 and gives other digests). For the contract
 * transcript and for data that is bound on L1. Not constant time in the length;
 * the permutation itself has no data-dependent branch or table.
 */
#ifndef HF_HOST_KECCAK_H
#define HF_HOST_KECCAK_H
#include <stddef.h>
#include <stdint.h>

/* A running hash; plain data, may be copied to fork the stream. */
typedef struct hf_keccak {
  uint64_t lanes[25];
  uint32_t offset; /* bytes absorbed into the open block, below 136 */
} hf_keccak;

void hf_keccak_init(hf_keccak *k);
/* `data` may be NULL when `length` is 0. */
void hf_keccak_update(hf_keccak *k, const void *data, size_t length);
/* Ends the stream and leaves *k as hf_keccak_init does. */
void hf_keccak_final(hf_keccak *k, uint8_t out[32]);

void hf_keccak256(const void *data, size_t length, uint8_t out[32]);

#endif
