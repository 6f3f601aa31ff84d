/* Files of proving keys: what is loaded is in range and lies within the file. */
#include "fuzz_file.h"
#include "keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

static void check(const char *path, size_t size) {
  hf_proving_key *key;
  if (hf_proving_key_load(path, &key) != HF_OK) {
    require(!key);
    return;
  }
  size_t n = (size_t)1 << key->vk.log_n;
  require(n * HF_FIXED_COUNT * sizeof(hf_fr) < size);
  require(key->table_width <= key->vk.log_n && key->used_rows <= n);
  for (int i = 0; i < HF_FIXED_COUNT; i++)
    for (size_t row = 0; row < n; row++) require(hf_fr_is_reduced(key->fixed[i][row]));
  hf_proving_key_destroy(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char path[64];
  for (int raw = 0; raw < 2; raw++) {
    int fd = fuzz_file(raw ? NULL : HF_PKEY_KIND, HF_PKEY_VERSION, data, size, path);
    check(path, size);
    close(fd);
  }
  return 0;
}
