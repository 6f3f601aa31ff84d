/* The part of CUDA's runtime that device_cuda.c uses, on the host: linked with that file and with the kernels' PTX as C, it makes a
 * plug-in for machines without a GPU.
 *
 * Copies and fills wait in a queue until something needs them (an event or a stream that is waited for, a kernel), so a buffer that is
 * used again too early shows. New memory is full of rubbish; what is copied, filled or freed must be memory that was allocated. */
#include "fake_cudart.h"
#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gpu/lang.h"

#define PUBLIC __attribute__((visibility("default")))

_Thread_local hf_serial_place hf_serial_place_;
PUBLIC fake_cudart hf_fake_cudart = {.devices = 2, .memory = (size_t)1 << 32};

enum { MOST = 4096, RUBBISH = 0xa5 };

static struct {
  char *begin;
  size_t bytes;
} blocks[MOST];
static size_t used; /* bytes */

typedef struct waiting {
  char *to;
  const char *from; /* NULL: zeros */
  size_t bytes;
} waiting;
static waiting queue[MOST];
static size_t queued;

static void wrong(const char *what) {
  fprintf(stderr, "fake CUDA runtime: %s\n", what);
  abort();
}

/* Every function begins here: the fault that was asked for, and all after it. */
static cudaError_t enter(void) {
  hf_fake_cudart.calls++;
  return hf_fake_cudart.fail && hf_fake_cudart.calls >= hf_fake_cudart.fail ? cudaErrorLaunchFailure : cudaSuccess;
}

static void drain(void) {
  for (size_t i = 0; i < queued; i++) {
    if (queue[i].from) memcpy(queue[i].to, queue[i].from, queue[i].bytes);
    else memset(queue[i].to, 0, queue[i].bytes);
  }
  queued = 0;
}

static void later(void *to, const void *from, size_t bytes) {
  if (queued == MOST) drain();
  queue[queued++] = (waiting){to, from, bytes};
}

static void need_device_memory(const void *at, size_t bytes) {
  const char *p = at;
  for (size_t i = 0; i < MOST; i++)
    if (blocks[i].begin && p >= blocks[i].begin && p + bytes <= blocks[i].begin + blocks[i].bytes) return;
  wrong("not memory of the device");
}

/* --- errors, devices ------------------------------------------------------------------- */

const char *cudaGetErrorName(cudaError_t error) {
  return error == cudaErrorNoDevice ? "cudaErrorNoDevice" : error == cudaSuccess ? "cudaSuccess" : "cudaErrorLaunchFailure";
}
const char *cudaGetErrorString(cudaError_t error) { return error == cudaErrorNoDevice ? "there is none" : "as was asked for"; }
cudaError_t cudaGetLastError(void) { return cudaSuccess; }

cudaError_t cudaGetDeviceCount(int *count) {
  *count = hf_fake_cudart.devices;
  return hf_fake_cudart.devices ? enter() : cudaErrorNoDevice;
}
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *out, int device) {
  memset(out, 0, sizeof *out);
  snprintf(out->name, sizeof out->name, device ? "Another Device" : "Fake Device");
  out->totalGlobalMem = hf_fake_cudart.memory;
  out->multiProcessorCount = 3;
  out->major = 9;
  return enter();
}
cudaError_t cudaDriverGetVersion(int *version) {
  *version = 13010;
  return enter();
}
cudaError_t cudaRuntimeGetVersion(int *version) {
  *version = 13000;
  return enter();
}
cudaError_t cudaSetDevice(int device) {
  if (device >= hf_fake_cudart.devices) wrong("no such device");
  return enter();
}
cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *out, const void *function) {
  (void)function;
  memset(out, 0, sizeof *out);
  return enter();
}

/* --- memory ------------------------------------------------------------------------------ */

static cudaError_t allocate(void **out, size_t bytes) {
  cudaError_t error = enter();
  *out = NULL;
  if (error != cudaSuccess) return error;
  if (bytes > hf_fake_cudart.memory - used) return cudaErrorMemoryAllocation;
  for (size_t i = 0; i < MOST; i++)
    if (!blocks[i].begin) {
      if (posix_memalign(out, 256, bytes ? bytes : 1)) return cudaErrorMemoryAllocation;
      memset(*out, RUBBISH, bytes);
      blocks[i].begin = *out;
      blocks[i].bytes = bytes;
      used += bytes;
      hf_fake_cudart.left++;
      return cudaSuccess;
    }
  return cudaErrorMemoryAllocation;
}

/* Given back even after a fault, as a context that ends would. */
static cudaError_t release(void *memory) {
  drain();
  for (size_t i = 0; i < MOST; i++)
    if (blocks[i].begin == memory) {
      used -= blocks[i].bytes;
      free(memory);
      blocks[i].begin = NULL;
      hf_fake_cudart.left--;
      return enter();
    }
  wrong("memory that was not allocated is freed");
  return cudaSuccess;
}

#undef cudaMalloc
#undef cudaMallocHost
cudaError_t cudaMalloc(void **out, size_t bytes) { return allocate(out, bytes); }
cudaError_t cudaMallocHost(void **out, size_t bytes) { return allocate(out, bytes); }
cudaError_t cudaFree(void *memory) { return release(memory); }
cudaError_t cudaFreeHost(void *memory) { return release(memory); }
cudaError_t cudaMemGetInfo(size_t *available, size_t *total) {
  *total = hf_fake_cudart.memory;
  *available = *total - used;
  return enter();
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind, cudaStream_t stream) {
  (void)stream;
  (void)kind;
  need_device_memory(to, bytes); /* pinned memory is in the list too */
  need_device_memory(from, bytes);
  cudaError_t error = enter();
  if (error == cudaSuccess) later(to, from, bytes);
  return error;
}
cudaError_t cudaMemsetAsync(void *to, int value, size_t bytes, cudaStream_t stream) {
  (void)stream;
  if (value) wrong("only zeros are filled in");
  need_device_memory(to, bytes);
  cudaError_t error = enter();
  if (error == cudaSuccess) later(to, NULL, bytes);
  return error;
}

/* --- streams, events, kernels ---------------------------------------------------------------- */

static cudaError_t create(void **out) {
  cudaError_t error = enter();
  *out = error == cudaSuccess ? malloc(1) : NULL;
  if (*out) hf_fake_cudart.left++;
  return error;
}
static cudaError_t destroy(void *it) {
  if (!it) wrong("nothing is destroyed");
  free(it);
  hf_fake_cudart.left--;
  return enter();
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags) { return (void)flags, create((void **)out); }
cudaError_t cudaStreamDestroy(cudaStream_t stream) { return destroy(stream); }
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return (void)stream, drain(), enter(); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags) { return (void)flags, create((void **)out); }
cudaError_t cudaEventDestroy(cudaEvent_t event) { return destroy(event); }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) { return (void)event, (void)stream, enter(); }
cudaError_t cudaEventSynchronize(cudaEvent_t event) { return (void)event, drain(), enter(); }

cudaError_t cudaLaunchKernel(const void *function, dim3 grid, dim3 block, void **arguments, size_t shared, cudaStream_t stream) {
  void (*kernel)(void *const *arguments);
  *(const void **)&kernel = function;
  (void)stream;
  if (shared || grid.y != 1 || grid.z != 1 || block.y != 1 || block.z != 1 || !grid.x || !block.x) wrong("a launch of odd sizes");
  cudaError_t error = enter();
  if (error != cudaSuccess) return error;
  drain();
  hf_serial_place_.lanes = block.x;
  for (hf_u32 g = 0; g < grid.x; g++) {
    hf_serial_place_.group = g;
    kernel(arguments);
  }
  return cudaSuccess;
}
