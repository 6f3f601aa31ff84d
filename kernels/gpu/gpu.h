/* Inside the GPU backend: the operations of backend.h over any device of device.h.
 *
 *   backend_gpu.c   life, vectors' memory, the table of operations
 *   vector_gpu.c    element by element, Horner, running sums, inverses, hashes      kernels_vector.h
 *   ntt_gpu.c       transforms, tables of powers                                    kernels_ntt.h
 *   msm_gpu.c       multi-scalar multiplication, commitments                        kernels_msm.h
 *   relation_gpu.c  grand product, terms of the sums, quotient                      kernels_relation.h
 *
 * The host only plans: it launches kernels by number and reads back what crosses over anyway (points, evaluations,
 * totals), and counts of a few words.
 */
#ifndef HF_GPU_H
#define HF_GPU_H
#include <stdbool.h>
#include "device.h"
#include "handles.h"

/* Memory that was given back, zeroed: the next of the same size. */
#define HF_GPU_SPARES 128

typedef struct hf_gpu_shift {
  hf_fr shift;
  hf_gpu_memory *table;
  uint64_t used; /* when last, by the backend's count of uses */
} hf_gpu_shift;

/* Tables of powers of shifts that are kept: a proof uses the quotient's cosets again and again. */
#define HF_GPU_SHIFTS 16

typedef struct hf_gpu {
  hf_backend base; /* first: an hf_backend * is an hf_gpu * */
  hf_backend_ops ops;
  hf_gpu_device *device;
  struct {
    hf_gpu_memory *memory;
    size_t bytes;
  } spare[HF_GPU_SPARES]; /* the oldest first */
  unsigned spares;
  hf_gpu_memory *roots; /* powers of the root of order 2^28 */
  hf_gpu_shift shifts[HF_GPU_SHIFTS];
  uint64_t uses;
} hf_gpu;

static inline hf_gpu *hf_gpu_of(hf_backend *backend) { return (hf_gpu *)(void *)backend; }

/* Memory of the device, zeroed when taken; `bytes` given back is what was asked for. NULL is given back without effect. */
hf_status hf_gpu_take(hf_gpu *gpu, size_t bytes, hf_gpu_memory **out);
void hf_gpu_give(hf_gpu *gpu, hf_gpu_memory *memory, size_t bytes);

/* HF_GPU_LAUNCH(gpu, kernel, threads, arguments...): one thread each, in whole groups. The arguments are HF_MEMORY(m),
 * HF_U32(n), HF_FR(x), HF_STRUCT(variable), in the order of the kernel's parameters. */
#define HF_MEMORY(m) ((hf_gpu_argument){.memory = (m)})
#define HF_U32(n)    ((hf_gpu_argument){.value = (const uint32_t[1]){(uint32_t)(n)}, .size = sizeof(uint32_t)})
#define HF_FR(x)     ((hf_gpu_argument){.value = (const hf_fr[1]){x}, .size = sizeof(hf_fr)})
#define HF_STRUCT(x) ((hf_gpu_argument){.value = &(x), .size = sizeof(x)})
#define HF_GPU_LAUNCH(gpu, kernel, threads, ...)                                                            \
  hf_gpu_launch((gpu), HF_KERNEL_##kernel, (threads), (const hf_gpu_argument[]){__VA_ARGS__},               \
                sizeof((const hf_gpu_argument[]){__VA_ARGS__}) / sizeof(hf_gpu_argument))
hf_status hf_gpu_launch(hf_gpu *gpu, hf_gpu_kernel kernel, size_t threads, const hf_gpu_argument *arguments,
                        size_t count);

/* Chunks of `size` that hold `count`. */
static inline size_t hf_gpu_chunks(size_t count, size_t size) { return (count + size - 1) / size; }

/* Shared by the files: over device memory of `count` elements. */
hf_status hf_gpu_invert(hf_gpu *gpu, hf_gpu_memory *x, size_t count); /* zeros stay */
/* out[i] = sum (or product) of in[0..i-1]; *total of all, if not NULL; out may be in */
hf_status hf_gpu_scan(hf_gpu *gpu, hf_gpu_memory *out, hf_gpu_memory *in, size_t count, bool product, hf_fr *total);
hf_status hf_gpu_roots(hf_gpu *gpu, hf_gpu_memory **out); /* the backend's, made on first use */

/* The operations: their types are those of the table in backend.h. */
#define HF_GPU_OPERATIONS(X)                                                                                \
  X(vec_create) X(vec_destroy) X(vec_upload) X(vec_download) X(vec_copy) X(vec_zero) X(points_create)       \
  X(points_destroy) X(ntt) X(coset_ntt) X(coset_intt) X(msm) X(commit) X(batch_inverse) X(axpy)             \
  X(axpy_strided) X(scale) X(hadamard) X(evaluate) X(divide) X(grand_product) X(prefix_sum) X(sum_terms)    \
  X(quotient) X(poseidon2_compress4) X(multiplication_ns)
#define HF_GPU_DECLARE(op) __typeof__(*((const hf_backend_ops *)0)->op) hf_gpu_##op;
HF_GPU_OPERATIONS(HF_GPU_DECLARE)
#undef HF_GPU_DECLARE

#endif
