/* What the handles of backend.h are inside. For backends alone: each fills the fields that are its own. */
#ifndef HF_HANDLES_H
#define HF_HANDLES_H
#include "backend.h"

struct hf_gpu_memory; /* gpu/device.h */

struct hf_vec {
  size_t length;
  hf_fr *data;                  /* in memory of the host, on lines of 64 bytes */
  struct hf_gpu_memory *memory; /* on a device */
};

/* HF_E_ARGUMENT naming the operation unless [offset, offset + count) lies in the vector. */
static inline hf_status hf_vec_range(const char *operation, const hf_vec *vec, size_t offset, size_t count) {
  if (offset <= vec->length && count <= vec->length - offset) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "%s: elements %zu..%zu+%zu of a vector of %zu", operation, offset, offset, count,
                 vec->length);
}

struct hf_points {
  size_t count;
  const hf_g1 *data;            /* the caller's, or the copy */
  hf_g1 *copy;                  /* NULL: none */
  struct hf_gpu_memory *memory; /* on a device */
};

#endif
