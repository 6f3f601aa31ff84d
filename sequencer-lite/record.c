#include "record.h"

#include "host/poseidon.h"
#include "statement.h"

#include <stdlib.h>

static hf_status load(const uint8_t word[32], hf_fr *out) {
  if (hf_fr_from_bytes(word, out)) return HF_OK;
  return hf_fail(HF_E_RANGE, "a word is not a canonical field element");
}

hf_status hf_data_commit(const uint8_t (*words)[32], size_t count, uint8_t d[32], uint8_t x[32],
                         uint8_t y[32]) {
  hf_status status = HF_OK;
  hf_fr *w = calloc(count ? count : 1, sizeof *w);
  if (!w) return hf_fail(HF_E_MEMORY, "public data: no memory for %zu words", count);
  for (size_t i = 0; i < count; i++) HF_TRY(load(words[i], &w[i]));
  hf_fr_to_bytes(hf_sponge(HF_DOMAIN_DATA, w, count), d);
  HF_TRY(hf_data_fingerprint(d, words, count, x, y));
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
