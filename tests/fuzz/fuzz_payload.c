/* Sealed payloads: any bytes, with a corrected header and checksum too, are refused; what is changed inside a
 * true one does not open. Keys are fixed, so that a found input stays one. */
#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <hyperfold/payload.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hf_pool_keys *keys;
static hf_job_header job = {.kind = HF_JOB_PROVE_CIRCUIT, .circuit = "example", .key = {"t", {1, "j"}}};
static hf_writer sealed;

static void set_up(void) {
  char folder[] = "/tmp/hf-fuzz-payload-XXXXXX", path[64], text[HF_POOL_TEXT];
  hf_pool_public pool;
  hf_sealer *sealer;
  if (!mkdtemp(folder)) abort();
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, "%s/%d", folder, i);
    int n = snprintf(text, sizeof text, "%s 1 %064d\n",
                     i ? "hyperfold-sealer-secret" : "hyperfold-pool-secret", 12345);
    if (hf_key_file_create(path, text, (size_t)n) != HF_OK) abort();
    if (i) break;
    if (hf_pool_keys_create(&keys) != HF_OK || hf_pool_keys_read(keys, path) != HF_OK) abort();
  }
  pool = *hf_pool_keys_at(keys, 0);
  if (hf_sealer_open(&pool, 1, path, &sealer) != HF_OK) abort();
  if (hf_payload_seal(sealer, &job, "input", 5, &sealed) != HF_OK) abort();
  hf_sealer_close(&sealer);
  hf_folder_remove(folder);
}

/* Opens as what it is, or not at all. */
static void check(const uint8_t *data, size_t size) {
  uint8_t *input;
  size_t length;
  bool same = size == sealed.length && memcmp(data, sealed.data, size) == 0;
  bool opened = hf_payload_open(keys, &job, data, size, &input, &length) == HF_OK;
  if (opened != same) abort();
  if (opened ? length != 5 || memcmp(input, "input", 5) != 0 : input || length) abort();
  free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const uint8_t *payload;
  size_t length;
  uint32_t version;
  hf_writer w = {0};
  if (!keys) set_up();
  check(data, size);
  /* As the payload of a container that is whole. */
  if (hf_container_encode(&w, "SPAY", 1, &(hf_bytes){data, size}, 1) != HF_OK) abort();
  check(w.data, w.length);
  hf_writer_free(&w);
  /* In the place of the beginning of a true one: its key of recipients, its identity and so on. */
  if (hf_container_decode("", sealed.data, sealed.length, "SPAY", 1, &payload, &length, &version) != HF_OK)
    abort();
  uint8_t *mixed = malloc(length);
  if (!mixed) abort();
  memcpy(mixed, payload, length);
  size_t at = size > 1 ? (data[0] | (size_t)data[1] << 8) % length : 0;
  size_t n = size > 2 ? size - 2 : 0;
  if (n > length - at) n = length - at;
  if (n) memcpy(mixed + at, data + 2, n);
  if (hf_container_encode(&w, "SPAY", 1, &(hf_bytes){mixed, length}, 1) != HF_OK) abort();
  check(w.data, w.length);
  hf_writer_free(&w);
  free(mixed);
  return 0;
}
