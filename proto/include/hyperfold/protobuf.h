/* For the files that know protobuf-c (those that link it): decoding within a budget, encoding at the end of a
 * buffer. */
#ifndef HYPERFOLD_PROTOBUF_H
#define HYPERFOLD_PROTOBUF_H

#include <hyperfold/bytes.h>
#include <protobuf-c/protobuf-c.h>
#include <stdlib.h>

/* What a decoder may allocate in all. protobuf-c turns 2 bytes of input into up to 100 bytes of structs (a
 * list of empty messages), so the input's bound alone does not bound memory. */
typedef struct hf_protobuf_budget {
  size_t left;
  bool exhausted;
} hf_protobuf_budget;

static inline void *hf_protobuf_alloc(void *data, size_t size) {
  hf_protobuf_budget *b = data;
  if (size > b->left) {
    b->exhausted = true;
    return NULL;
  }
  b->left -= size;
  return malloc(size ? size : 1);
}

static inline void hf_protobuf_free(void *data, void *pointer) {
  (void)data;
  free(pointer);
}

static inline ProtobufCAllocator hf_protobuf_allocator(hf_protobuf_budget *budget) {
  return (ProtobufCAllocator){hf_protobuf_alloc, hf_protobuf_free, budget};
}

static inline hf_status hf_protobuf_refuse(const char *what, const hf_protobuf_budget *b) {
  return b->exhausted ? hf_fail(HF_E_RANGE, "%s: more parts than any valid one has", what)
                      : hf_fail(HF_E_FORMAT, "%s: not a valid protobuf message", what);
}

static inline ProtobufCBinaryData hf_protobuf_bytes(const void *data, size_t length) {
  return (ProtobufCBinaryData){.len = length, .data = (uint8_t *)data};
}

/* Packs a message at the end of `w`; HF_E_ARGUMENT above `limit` bytes. */
static inline hf_status hf_protobuf_pack(const ProtobufCMessage *message, size_t limit, hf_writer *w) {
  size_t length = protobuf_c_message_get_packed_size(message);
  if (length > limit)
    return hf_fail(HF_E_ARGUMENT, "message of %zu bytes, at most %zu are allowed", length, limit);
  uint8_t *buffer = malloc(length ? length : 1);
  if (!buffer) return hf_fail(HF_E_MEMORY, "no memory for a message of %zu bytes", length);
  protobuf_c_message_pack(message, buffer);
  hf_write_bytes(w, buffer, length);
  free(buffer);
  return hf_writer_status(w);
}

#endif
