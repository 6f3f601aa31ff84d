/* Batch inputs, posted data files and data words, below the container's checksum. What is taken encodes
 * back to itself. The first byte says what the rest is. */
#include "replay.h"

#include <hyperfold/container.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void batch_input(const uint8_t *data, size_t size) {
  hf_writer w = {0}, again = {0};
  hf_batch_input in;
  hf_bytes part = {data, size};
  if (hf_container_encode(&w, HF_BATCH_INPUT_KIND, HF_BATCH_INPUT_VERSION, &part, 1) != HF_OK) abort();
  if (hf_batch_input_decode("input", w.data, w.length, &in) == HF_OK) {
    if (hf_batch_input_encode(&in, &again) != HF_OK) abort();
    if (again.length != w.length || memcmp(again.data, w.data, w.length) != 0) abort();
    hf_batch_input_free(&in);
  } else if (in.slots) {
    abort();
  }
  hf_writer_free(&w);
  hf_writer_free(&again);
}

static void data_file(const uint8_t *data, size_t size) {
  hf_writer w = {0};
  hf_bytes part = {data, size};
  hf_replay_summary summary;
  if (hf_container_encode(&w, HF_DATA_FILE_KIND, 1, &part, 1) != HF_OK) abort();
  (void)hf_replay_memory("input", w.data, w.length, &summary);
  hf_writer_free(&w);
}

static void words(const uint8_t *data, size_t size) {
  uint8_t in[HF_DATA_WORDS][32] = {{0}}, out[HF_DATA_WORDS][32];
  hf_data_slot slot;
  memcpy(in, data, size < sizeof in ? size : sizeof in);
  if (hf_data_decode((const uint8_t(*)[32])in, &slot) != HF_OK) return;
  hf_data_encode(&slot, out);
  if (memcmp(in, out, sizeof in) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  switch (data[0] % 3) {
  case 0:
    batch_input(data + 1, size - 1);
    break;
  case 1:
    data_file(data + 1, size - 1);
    break;
  default:
    words(data + 1, size - 1);
    break;
  }
  return 0;
}
