/* Import of powers of tau: what is imported are powers. */
#include <stdlib.h>
#include "srs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hf_backend *backend;

static void require(bool holds) {
  if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const size_t counts[] = {0, 2, 5, 1000000};
  if (!backend) require(hf_backend_create("cpu", &(hf_backend_options){.threads = 1}, &backend) == HF_OK);
  for (int i = 0; i < 4; i++) {
    hf_srs *srs;
    bool ok = false;
    if (hf_srs_import_ptau_bytes(data, size, counts[i], backend, &srs) != HF_OK) {
      require(!srs);
      continue;
    }
    require(srs->count * 64 < size && !srs->development);
    require(hf_srs_check(srs, backend, &ok) == HF_OK && ok);
    hf_srs_destroy(&srs);
  }
  return 0;
}
