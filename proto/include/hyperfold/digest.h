/* BLAKE2b-256 (RFC 7693): names artifacts, keys and circuits, and guards files
 * against damage. It is never computed inside a circuit (Poseidon2 is). */
#ifndef HYPERFOLD_DIGEST_H
#define HYPERFOLD_DIGEST_H

#include <hyperfold/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_digest {
  uint8_t b[32];
} hf_digest;

#define HF_DIGEST_HEX 65 /* characters of a digest in hex with its NUL */

/* A running hash. Its contents are private; it may be copied to fork the stream.
 * Must lie at a 64-byte aligned address (it does as a variable or a member). */
typedef struct hf_digest_state {
  _Alignas(64) uint8_t opaque[384];
} hf_digest_state;

void hf_digest_init(hf_digest_state *state);
void hf_digest_update(hf_digest_state *state, const void *data, size_t length);
/* Ends the stream; the state is wiped. */
void hf_digest_final(hf_digest_state *state, hf_digest *out);

hf_digest hf_digest_bytes(const void *data, size_t length);
/* Constant time. */
bool hf_digest_eq(const hf_digest *a, const hf_digest *b);
/* True for 32 zero bytes, which stand for "none" in headers. */
bool hf_digest_is_zero(const hf_digest *digest);
/* 64 lower-case digits and a NUL. */
void hf_digest_hex(const hf_digest *digest, char out[HF_DIGEST_HEX]);
/* HF_E_FORMAT unless `text` is exactly 64 hex digits. */
hf_status hf_digest_parse(const char *text, hf_digest *out);

#ifdef __cplusplus
}
#endif
#endif
