/* Job headers, worker announcements and events (the first byte chooses): any bytes
 * are refused or give a value that encodes and decodes to itself. */
#include <hyperfold/job.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(type, decode, encode)                                                                          \
  do {                                                                                                       \
    static type first, second;                                                                               \
    hf_writer w = {0};                                                                                       \
    if (decode(data + 1, size - 1, &first) == HF_OK) {                                                       \
      if (encode(&first, &w) != HF_OK) abort();                                                              \
      if (decode(w.data, w.length, &second) != HF_OK) abort();                                               \
      if (memcmp(&first, &second, sizeof first) != 0) abort();                                               \
    }                                                                                                        \
    hf_writer_free(&w);                                                                                      \
  } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  switch (data[0] % 3) {
  case 0:
    CHECK(hf_job_header, hf_job_header_decode, hf_job_header_encode);
    break;
  case 1:
    CHECK(hf_worker, hf_worker_decode, hf_worker_encode);
    break;
  case 2:
    CHECK(hf_event, hf_event_decode, hf_event_encode);
    break;
  }
  return 0;
}
