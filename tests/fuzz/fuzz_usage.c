/* Readings of meters: anything is read or refused, and what is read is written as it was read. Nothing unsigned passes. */
#include <stdlib.h>
#include <string.h>
#include "usage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char nobodys[] = "0000000000000000000000000000000000000000000000000000000000000002";
  hf_usage u, again;
  hf_writer w = {0};
  require(hf_usage_check("input", data, size, nobodys, &u) == HF_E_VERIFY);
  if (hf_usage_decode((const char *)data, size, &u) != HF_OK) return 0;
  require(hf_usage_encode(&u, &w) == HF_OK);
  require(hf_usage_decode((const char *)w.data, w.length - 1, &again) == HF_OK);
  hf_writer second = {0};
  require(hf_usage_encode(&again, &second) == HF_OK && second.length == w.length &&
          memcmp(second.data, w.data, w.length) == 0);
  hf_writer_free(&second);
  hf_usage difference;
  require(hf_usage_between(&u, &again, &difference) == HF_E_REFUSED);
  hf_writer_free(&w);
  hf_usage_free(&u);
  hf_usage_free(&again);
  return 0;
}
