#include <hyperfold/digest.h>

#include <hyperfold/bytes.h>

#include <sodium.h>
#include <string.h>

_Static_assert(sizeof(crypto_generichash_state) <= sizeof(hf_digest_state), "room for libsodium's state");
_Static_assert(_Alignof(crypto_generichash_state) <= _Alignof(hf_digest_state),
               "alignment of libsodium's state");

void hf_digest_init(hf_digest_state *state) {
  /* Chooses the vector implementation for this CPU; cheap when done before. If it
   * fails the hash is computed all the same, only slower. */
  int slower = sodium_init();
  (void)slower;
  crypto_generichash_init((crypto_generichash_state *)state->opaque, NULL, 0, sizeof(hf_digest));
}

void hf_digest_update(hf_digest_state *state, const void *data, size_t length) {
  if (length) crypto_generichash_update((crypto_generichash_state *)state->opaque, data, length);
}

void hf_digest_final(hf_digest_state *state, hf_digest *out) {
  crypto_generichash_final((crypto_generichash_state *)state->opaque, out->b, sizeof out->b);
  sodium_memzero(state, sizeof *state);
}

hf_digest hf_digest_bytes(const void *data, size_t length) {
  hf_digest_state state;
  hf_digest digest;
  hf_digest_init(&state);
  hf_digest_update(&state, data, length);
  hf_digest_final(&state, &digest);
  return digest;
}

bool hf_digest_eq(const hf_digest *a, const hf_digest *b) {
  return sodium_memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool hf_digest_is_zero(const hf_digest *digest) { return sodium_is_zero(digest->b, sizeof digest->b) == 1; }

void hf_digest_hex(const hf_digest *digest, char out[HF_DIGEST_HEX]) {
  hf_hex(digest->b, sizeof digest->b, out);
}

hf_status hf_digest_parse(const char *text, hf_digest *out) {
  if (strlen(text) != 2 * sizeof out->b)
    return hf_fail(HF_E_FORMAT, "a digest is 64 hex digits, %zu characters were given", strlen(text));
  return hf_unhex(text, out->b, sizeof out->b);
}
