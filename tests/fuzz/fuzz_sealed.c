/* Sealed objects, below the container's checksum. What is taken encodes back to itself, and what is refused owns
 * nothing. */
#include "sealed.h"

#include <hyperfold/container.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hf_writer w = {0}, again = {0};
  hf_sealed *sealed = malloc(sizeof *sealed);
  hf_bytes part = {data, size};
  if (sealed == NULL || hf_container_encode(&w, HF_SEALED_KIND, HF_SEALED_VERSION, &part, 1) != HF_OK) abort();
  if (hf_sealed_decode("input", w.data, w.length, sealed) == HF_OK) {
    bool ok;
    hf_batch_record *records = calloc(sealed->records, sizeof *records);
    if (hf_sealed_encode(sealed, &again) != HF_OK) abort();
    if (again.length != w.length || memcmp(again.data, w.data, w.length) != 0) abort();
    for (uint32_t i = 0; i < sealed->records; i++) records[i] = sealed->batch[i].record;
    (void)hf_seal_states(&sealed->proof, records, sealed->records, &ok);
    free(records);
    hf_sealed_free(sealed);
  } else if (sealed->records != 0 || sealed->batch[0].data != NULL) {
    abort();
  }
  free(sealed);
  hf_writer_free(&w);
  hf_writer_free(&again);
  return 0;
}
