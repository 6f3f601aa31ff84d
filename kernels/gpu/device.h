/* What the GPU backend needs of a device: memory, copies, and kernels by number. CUDA, OpenCL and the serial
 * device (plain C, for tests) each fill this table; everything above it (gpu.h) is the same code on all.
 *
 * Calls come from one thread at a time and take effect in the order of the calls; all but `read` and `finish` may
 * return before the work is done. A fault may therefore show in a later call: every status is checked, and a device
 * that has failed once keeps failing (HF_E_DEVICE) until it is closed.
 */
#ifndef HF_GPU_DEVICE_H
#define HF_GPU_DEVICE_H
#include <hyperfold/status.h>
#include <stddef.h>
#include <stdint.h>
#include "kernels.h"

typedef struct hf_gpu_device hf_gpu_device;
typedef struct hf_gpu_memory hf_gpu_memory; /* the device's own; on the CUDA device and the serial one, an address */

/* An argument of a kernel: memory, or a value of `size` bytes. */
typedef struct hf_gpu_argument {
  hf_gpu_memory *memory; /* NULL: a value */
  const void *value;
  size_t size;
} hf_gpu_argument;

typedef struct hf_gpu_device_ops {
  void (*close)(hf_gpu_device *device);
  hf_status (*alloc)(hf_gpu_device *device, size_t bytes, hf_gpu_memory **out); /* HF_E_MEMORY with the figures */
  void (*free)(hf_gpu_device *device, hf_gpu_memory *memory);
  /* `from` may be reused when this returns. */
  hf_status (*write)(hf_gpu_device *device, hf_gpu_memory *to, size_t offset, const void *from, size_t bytes);
  hf_status (*read)(hf_gpu_device *device, const hf_gpu_memory *from, size_t offset, void *to, size_t bytes);
  /* Ranges of the same memory do not overlap. */
  hf_status (*copy)(hf_gpu_device *device, hf_gpu_memory *to, size_t to_offset, const hf_gpu_memory *from,
                    size_t from_offset, size_t bytes);
  hf_status (*zero)(hf_gpu_device *device, hf_gpu_memory *memory, size_t offset, size_t bytes);
  /* Runs `groups` groups of the kernel's size; the values are copied. */
  hf_status (*launch)(hf_gpu_device *device, hf_gpu_kernel kernel, uint32_t groups, const hf_gpu_argument *arguments,
                      unsigned count);
  hf_status (*finish)(hf_gpu_device *device); /* waits for everything */
} hf_gpu_device_ops;

struct hf_gpu_device {
  const hf_gpu_device_ops *ops;
  const char *backend; /* "cuda", "opencl", "serial" */
  char name[128];      /* the device's own */
  char driver[64];     /* its driver's version */
  uint64_t memory;     /* bytes it has */
  uint64_t largest;    /* bytes of the largest single allocation */
  unsigned units;      /* multiprocessors, compute units */
};

/* Takes the device: closed with the backend, or at once if this fails. */
struct hf_backend;
hf_status hf_gpu_backend_create(hf_gpu_device *device, struct hf_backend **out);

#endif
