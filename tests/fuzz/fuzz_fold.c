/* Inputs of nodes and seals, and sealed objects: what is read writes the same bytes back. The first byte chooses. */
#include <stdlib.h>
#include <string.h>
#include "circuits/fold.h"
#include <hyperfold/container.h>
#include "sealed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds) {
  if (!holds) abort();
}

/* A container around the fuzzer's bytes, so that its checksum is no wall. */
static void wrap(const char *kind, const uint8_t *data, size_t size, hf_writer *out) {
  hf_bytes part = {data, size};
  require(hf_container_encode(out, kind, 1, &part, 1) == HF_OK);
}

static void same(const hf_writer *a, const hf_writer *b) {
  require(a->length == b->length && memcmp(a->data, b->data, a->length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  hf_writer in = {0}, out = {0};
  if (size == 0) return 0;
  switch (data[0] % 3) {
  case 0: {
    hf_node_input *node = malloc(sizeof *node);
    require(node != NULL);
    wrap(HF_NODE_INPUT_KIND, data + 1, size - 1, &in);
    if (hf_node_input_decode("input", in.data, in.length, node) == HF_OK) {
      require(hf_node_input_encode(node, &out) == HF_OK);
      same(&in, &out);
    }
    free(node);
    break;
  }
  case 1: {
    hf_seal_input *seal = malloc(sizeof *seal);
    require(seal != NULL);
    wrap(HF_SEAL_INPUT_KIND, data + 1, size - 1, &in);
    if (hf_seal_input_decode("input", in.data, in.length, seal) == HF_OK) {
      require(hf_seal_input_encode(seal, &out) == HF_OK);
      same(&in, &out);
    }
    free(seal);
    break;
  }
  default: {
    hf_sealed *sealed = calloc(1, sizeof *sealed);
    require(sealed != NULL);
    wrap(HF_SEALED_KIND, data + 1, size - 1, &in);
    if (hf_sealed_decode("input", in.data, in.length, sealed) == HF_OK) {
      require(hf_sealed_encode(sealed, &out) == HF_OK);
      same(&in, &out);
    }
    hf_sealed_free(sealed);
    free(sealed);
  }
  }
  hf_writer_free(&in);
  hf_writer_free(&out);
  return 0;
}
