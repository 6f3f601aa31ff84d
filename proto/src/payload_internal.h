/* Between pool_key.c and payload.c. */
#ifndef HF_PAYLOAD_INTERNAL_H
#define HF_PAYLOAD_INTERNAL_H

#include <hyperfold/bytes.h>
#include <hyperfold/payload.h>

#include <sodium.h>

struct hf_pool_keys { /* in sodium_malloc */
  size_t count;
  hf_pool_public pool[HF_POOL_KEYS];
  uint8_t secret[HF_POOL_KEYS][32];
};

struct hf_sealer { /* in sodium_malloc */
  size_t count;
  hf_pool_public to[HF_PAYLOAD_RECIPIENTS];
  uint8_t secret[32];
};

/* BLAKE2b of the parts one after the other, each of a length that its place fixes or of 8 bytes of length in
 * front, personalised by `purpose` (at most 16 characters); `key` of 32 bytes, or NULL; `length` 16 to 64. */
void hf_payload_hash(const char *purpose, const uint8_t *key, const hf_bytes *parts, size_t count,
                     uint8_t *out, size_t length);

#endif
