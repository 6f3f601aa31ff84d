/* Verifying keys: what is read has passed every check and writes the same bytes back. */
#include <stdlib.h>
#include <string.h>
#include "verifying_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hf_verifying_key vk, again;
  hf_writer w = {0};
  hf_reader r = hf_reader_over(data, size);
  hf_verifying_key_decode("input", data, size, &vk);
  if (hf_verifying_key_read(&r, &vk) != HF_OK) return 0;
  hf_verifying_key_write(&vk, &w);
  require(hf_writer_status(&w) == HF_OK && w.length == r.offset && memcmp(w.data, data, w.length) == 0);
  hf_writer_free(&w);
  require(vk.kappa >= 1 && vk.kappa <= HF_KAPPA_MAX && vk.log_n >= HF_MIN_LOG_N && vk.log_n <= HF_MAX_LOG_N);
  require(hf_g2_on_curve(vk.tau_g2) && hf_g2_in_subgroup(vk.tau_g2));
  for (unsigned i = 0; i < hf_packs(HF_FIXED_COUNT, vk.kappa); i++) require(hf_g1_on_curve(vk.fixed[i]));
  require(hf_verifying_key_encode(&vk, &w) == HF_OK);
  require(hf_verifying_key_decode("own", w.data, w.length, &again) == HF_OK &&
          memcmp(&vk, &again, sizeof vk) == 0);
  hf_writer_free(&w);
  return 0;
}
