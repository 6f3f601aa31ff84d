/* Containers: any bytes are refused or give a payload inside the input; bytes with
 * a corrected checksum come through and encode back to themselves. */
#include <hyperfold/container.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size) {
  const uint8_t *payload;
  size_t length;
  uint32_t version;
  if (hf_container_decode("input", data, size, "FUZZ", 5, &payload, &length, &version) != HF_OK) {
    if (payload || length) abort();
    return;
  }
  if (payload != data + HF_CONTAINER_HEADER || length != size - HF_CONTAINER_HEADER) abort();
  if (version == 0 || version > 5) abort();
  hf_writer w = {0};
  if (hf_container_encode(&w, "FUZZ", version, &(hf_bytes){payload, length}, 1) != HF_OK) abort();
  if (w.length != size || memcmp(w.data, data, size) != 0) abort();
  hf_writer_free(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check(data, size);
  if (size < HF_CONTAINER_HEADER) return 0;
  uint8_t *fixed = malloc(size);
  if (!fixed) return 0;
  memcpy(fixed, data, size);
  hf_digest_state state;
  hf_digest sum;
  hf_digest_init(&state);
  hf_digest_update(&state, fixed, 32);
  hf_digest_update(&state, fixed + HF_CONTAINER_HEADER, size - HF_CONTAINER_HEADER);
  hf_digest_final(&state, &sum);
  memcpy(fixed + 32, sum.b, sizeof sum.b);
  check(fixed, size);
  free(fixed);
  return 0;
}
