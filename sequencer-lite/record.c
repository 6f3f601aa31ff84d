#include "record.h"

#include "host/keccak.h"
#include "host/poseidon.h"

#include <stdlib.h>
#include <string.h>

static hf_status load(const uint8_t word[32], hf_fr *out) {
  if (hf_fr_from_bytes(word, out)) return HF_OK;
  return hf_fail(HF_E_RANGE, "a word is not a canonical field element");
}

/* 32 big-endian bytes modulo r, by Horner's rule over bytes. */
static hf_fr reduce_be(const uint8_t bytes[32]) {
  const hf_fr base = hf_fr_from_u64(256);
  hf_fr v = hf_fr_zero();
  for (int i = 0; i < 32; i++) v = hf_fr_add(hf_fr_mul(v, base), hf_fr_from_u64(bytes[i]));
  return v;
}

static void absorb_be(hf_keccak *k, hf_fr v) {
  uint8_t bytes[32];
  hf_fr_to_bytes_be(v, bytes);
  hf_keccak_update(k, bytes, sizeof bytes);
}

hf_status hf_data_commit(const uint8_t (*words)[32], size_t count, uint8_t d[32], uint8_t x[32],
                         uint8_t y[32]) {
  hf_status status = HF_OK;
  hf_fr *w = calloc(count ? count : 1, sizeof *w);
  if (!w) return hf_fail(HF_E_MEMORY, "public data: no memory for %zu words", count);
  for (size_t i = 0; i < count; i++) HF_TRY(load(words[i], &w[i]));
  hf_fr digest = hf_sponge(HF_DOMAIN_DATA, w, count);
  hf_keccak k;
  uint8_t hash[32];
  hf_keccak_init(&k);
  hf_keccak_update(&k, HF_DATA_TAG, strlen(HF_DATA_TAG));
  absorb_be(&k, digest);
  for (size_t i = 0; i < count; i++) absorb_be(&k, w[i]);
  hf_keccak_final(&k, hash);
  hf_fr point = reduce_be(hash), value = hf_fr_zero();
  for (size_t i = count; i-- > 0;) value = hf_fr_add(hf_fr_mul(value, point), w[i]);
  hf_fr_to_bytes(digest, d);
  hf_fr_to_bytes(point, x);
  hf_fr_to_bytes(value, y);
out:
  free(w);
  return status;
}

void hf_outbox_empty_root(const uint8_t chain_id[32], const uint8_t batch_number[32], uint8_t root[32]) {
  hf_fr in[3] = {hf_fr_zero(), hf_fr_zero(), hf_fr_zero()};
  (void)hf_fr_from_bytes(chain_id, &in[0]);
  (void)hf_fr_from_bytes(batch_number, &in[1]);
  hf_fr_to_bytes(hf_sponge(HF_DOMAIN_OUTBOX, in, 3), root);
}
