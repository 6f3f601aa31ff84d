/* A CUDA device for the GPU backend: the inside of the plug-in.
 *
 * One stream, so everything happens in the order of the calls. Kernels are launched by the addresses of what nvcc makes
 * of them on the host's side. What crosses the bus goes through two pinned buffers in turn: the caller's memory is copied
 * to one while the other one is on its way.
 */
#include <cuda_runtime_api.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cuda/plugin.h"

#define STAGE_BYTES ((size_t)8 << 20)
#define STAGES      2

typedef struct cuda_device {
  hf_gpu_device base; /* first: an hf_gpu_device * is a cuda_device * */
  hf_cuda_fail fail;
  int index;
  cudaStream_t stream;
  bool has_stream;
  struct {
    char *bytes;         /* pinned */
    cudaEvent_t settled; /* its last copy */
    bool has_event;
  } stage[STAGES];
  unsigned next_stage;
  cudaError_t failed; /* the first fault: all later calls fail with it */
} cuda_device;

static cuda_device *of(hf_gpu_device *device) { return (cuda_device *)(void *)device; }
static char *address(const hf_gpu_memory *memory) { return (char *)(uintptr_t)memory; }

/* --- kernels ----------------------------------------------------------------------------- */

/* Never called: their addresses name the kernels. */
#define HF_CUDA_DECLARE(name, group) void hf_kernel_##name(void);
HF_GPU_KERNELS(HF_CUDA_DECLARE)
#undef HF_CUDA_DECLARE

typedef struct cuda_kernel {
  void (*stub)(void);
  const char *name;
  unsigned lanes;
} cuda_kernel;

#define HF_CUDA_ENTRY(name, group) {hf_kernel_##name, #name, group},
static const cuda_kernel kernels[HF_KERNEL_COUNT] = {HF_GPU_KERNELS(HF_CUDA_ENTRY)};
#undef HF_CUDA_ENTRY

#define MAX_ARGUMENTS 48

static const void *kernel_address(hf_gpu_kernel kernel) { return (const void *)(uintptr_t)kernels[kernel].stub; }

/* --- errors ------------------------------------------------------------------------------ */

static hf_status fault(cuda_device *d, const char *call, cudaError_t error) {
  d->failed = error;
  return d->fail(HF_E_DEVICE, "%s: %s: %s (%s)", d->base.name, call, cudaGetErrorName(error), cudaGetErrorString(error));
}

/* HF_TRY for CUDA's calls. */
#define CUDA(d, call)                                                                                       \
  do {                                                                                                      \
    cudaError_t error_ = (call);                                                                            \
    if (error_ != cudaSuccess) {                                                                            \
      status = fault((d), #call, error_);                                                                   \
      goto out;                                                                                             \
    }                                                                                                       \
  } while (0)

/* What every operation begins with: a thread of its own may not have chosen the device yet. */
static hf_status enter(cuda_device *d) {
  hf_status status = HF_OK;
  if (d->failed != cudaSuccess)
    return d->fail(HF_E_DEVICE, "%s failed before: %s (%s)", d->base.name, cudaGetErrorName(d->failed),
                   cudaGetErrorString(d->failed));
  CUDA(d, cudaSetDevice(d->index));
out:
  return status;
}

/* --- memory ------------------------------------------------------------------------------- */

static hf_status cuda_alloc(hf_gpu_device *device, size_t bytes, hf_gpu_memory **out) {
  cuda_device *d = of(device);
  hf_status status;
  void *memory = NULL;
  size_t free_bytes = 0, total = 0;
  *out = NULL;
  HF_TRY(enter(d));
  cudaError_t error = cudaMalloc(&memory, bytes);
  if (error == cudaErrorMemoryAllocation) {
    (void)cudaGetLastError(); /* not a fault: the caller may give memory back and try again */
    (void)cudaMemGetInfo(&free_bytes, &total);
    return d->fail(HF_E_MEMORY, "%s: no memory for %zu bytes: %zu of %zu are free", d->base.name, bytes, free_bytes, total);
  }
  CUDA(d, error);
  *out = memory;
out:
  return status;
}

static void cuda_free(hf_gpu_device *device, hf_gpu_memory *memory) {
  cuda_device *d = of(device);
  if (!memory) return;
  (void)cudaSetDevice(d->index); /* memory of a device that has failed is given back all the same */
  cudaError_t error = cudaFree(memory); /* waits for what still uses it */
  if (error != cudaSuccess && d->failed == cudaSuccess) d->failed = error;
}

/* The next buffer, when its last copy is done. */
static hf_status stage_take(cuda_device *d, unsigned *which) {
  hf_status status = HF_OK;
  *which = d->next_stage++ % STAGES;
  CUDA(d, cudaEventSynchronize(d->stage[*which].settled));
out:
  return status;
}

static hf_status cuda_write(hf_gpu_device *device, hf_gpu_memory *to, size_t offset, const void *from, size_t bytes) {
  cuda_device *d = of(device);
  hf_status status;
  unsigned s;
  HF_TRY(enter(d));
  for (size_t at = 0, piece; at < bytes; at += piece) {
    piece = bytes - at < STAGE_BYTES ? bytes - at : STAGE_BYTES;
    HF_TRY(stage_take(d, &s));
    memcpy(d->stage[s].bytes, (const char *)from + at, piece);
    CUDA(d, cudaMemcpyAsync(address(to) + offset + at, d->stage[s].bytes, piece, cudaMemcpyHostToDevice, d->stream));
    CUDA(d, cudaEventRecord(d->stage[s].settled, d->stream));
  }
out:
  return status;
}

/* The copy of a piece is asked for before the one before it is waited for. */
static hf_status cuda_read(hf_gpu_device *device, const hf_gpu_memory *from, size_t offset, void *to, size_t bytes) {
  cuda_device *d = of(device);
  hf_status status;
  unsigned s = 0, before = 0;
  size_t asked = 0, taken = 0, piece = 0, piece_before;
  HF_TRY(enter(d));
  while (taken < bytes) {
    before = s, piece_before = piece, piece = 0;
    if (asked < bytes) {
      piece = bytes - asked < STAGE_BYTES ? bytes - asked : STAGE_BYTES;
      HF_TRY(stage_take(d, &s));
      CUDA(d, cudaMemcpyAsync(d->stage[s].bytes, address(from) + offset + asked, piece, cudaMemcpyDeviceToHost, d->stream));
      CUDA(d, cudaEventRecord(d->stage[s].settled, d->stream));
      asked += piece;
    }
    if (piece_before) {
      CUDA(d, cudaEventSynchronize(d->stage[before].settled));
      memcpy((char *)to + taken, d->stage[before].bytes, piece_before);
      taken += piece_before;
    }
  }
out:
  return status;
}

static hf_status cuda_copy(hf_gpu_device *device, hf_gpu_memory *to, size_t to_offset, const hf_gpu_memory *from,
                           size_t from_offset, size_t bytes) {
  cuda_device *d = of(device);
  hf_status status;
  HF_TRY(enter(d));
  CUDA(d, cudaMemcpyAsync(address(to) + to_offset, address(from) + from_offset, bytes, cudaMemcpyDeviceToDevice, d->stream));
out:
  return status;
}

static hf_status cuda_zero(hf_gpu_device *device, hf_gpu_memory *memory, size_t offset, size_t bytes) {
  cuda_device *d = of(device);
  hf_status status;
  HF_TRY(enter(d));
  CUDA(d, cudaMemsetAsync(address(memory) + offset, 0, bytes, d->stream));
out:
  return status;
}

/* --- work --------------------------------------------------------------------------------- */

static hf_status cuda_launch(hf_gpu_device *device, hf_gpu_kernel kernel, uint32_t groups,
                             const hf_gpu_argument *arguments, unsigned count) {
  cuda_device *d = of(device);
  hf_status status;
  void *addresses[MAX_ARGUMENTS], *memories[MAX_ARGUMENTS];
  const dim3 grid = {groups, 1, 1}, block = {kernels[kernel].lanes, 1, 1};
  if (count > MAX_ARGUMENTS) return d->fail(HF_E_INTERNAL, "a kernel of %u arguments", count);
  HF_TRY(enter(d));
  for (unsigned i = 0; i < count; i++) {
    memories[i] = address(arguments[i].memory);
    addresses[i] = arguments[i].memory ? (void *)&memories[i] : (void *)(uintptr_t)arguments[i].value;
  }
  cudaError_t error = cudaLaunchKernel(kernel_address(kernel), grid, block, addresses, 0, d->stream);
  if (error != cudaSuccess) HF_TRY(fault(d, kernels[kernel].name, error));
out:
  return status;
}

static hf_status cuda_finish(hf_gpu_device *device) {
  cuda_device *d = of(device);
  hf_status status;
  HF_TRY(enter(d));
  CUDA(d, cudaStreamSynchronize(d->stream));
out:
  return status;
}

/* --- life --------------------------------------------------------------------------------- */

static void cuda_close(hf_gpu_device *device) {
  cuda_device *d = of(device);
  (void)cudaSetDevice(d->index);
  if (d->has_stream) (void)cudaStreamSynchronize(d->stream);
  for (int s = 0; s < STAGES; s++) {
    if (d->stage[s].has_event) (void)cudaEventDestroy(d->stage[s].settled);
    if (d->stage[s].bytes) {
      explicit_bzero(d->stage[s].bytes, STAGE_BYTES); /* witnesses went through it */
      (void)cudaFreeHost(d->stage[s].bytes);
    }
  }
  if (d->has_stream) (void)cudaStreamDestroy(d->stream);
  (void)cudaGetLastError();
  free(d);
}

static const hf_gpu_device_ops cuda_ops = {
    .close = cuda_close,
    .alloc = cuda_alloc,
    .free = cuda_free,
    .write = cuda_write,
    .read = cuda_read,
    .copy = cuda_copy,
    .zero = cuda_zero,
    .launch = cuda_launch,
    .finish = cuda_finish,
};

static hf_status unsupported(hf_cuda_fail fail, const char *call, cudaError_t error) {
  return fail(HF_E_UNSUPPORTED, "no CUDA device: %s: %s (%s)", call, cudaGetErrorName(error), cudaGetErrorString(error));
}

static hf_status device_count(hf_cuda_fail fail, int *count) {
  cudaError_t error = cudaGetDeviceCount(count);
  if (error == cudaSuccess && *count > 0) return HF_OK;
  *count = 0;
  (void)cudaGetLastError();
  return unsupported(fail, "cudaGetDeviceCount", error == cudaSuccess ? cudaErrorNoDevice : error);
}

static hf_status describe(hf_cuda_fail fail, int index, hf_backend_device *out) {
  struct cudaDeviceProp properties;
  int driver = 0, runtime = 0;
  cudaError_t error = cudaGetDeviceProperties(&properties, index);
  if (error == cudaSuccess) error = cudaDriverGetVersion(&driver);
  if (error == cudaSuccess) error = cudaRuntimeGetVersion(&runtime);
  if (error != cudaSuccess) return unsupported(fail, "properties", error);
  memset(out, 0, sizeof *out);
  snprintf(out->name, sizeof out->name, "%.127s", properties.name);
  snprintf(out->driver, sizeof out->driver, "CUDA %d.%d, runtime %d.%d, sm_%d%d", driver / 1000, driver % 1000 / 10,
           runtime / 1000, runtime % 1000 / 10, properties.major, properties.minor);
  out->memory = properties.totalGlobalMem;
  out->units = (unsigned)properties.multiProcessorCount;
  return HF_OK;
}

static hf_status devices(hf_cuda_fail fail, hf_backend_device *out, size_t limit, size_t *count) {
  int there = 0;
  hf_status status = device_count(fail, &there);
  *count = (size_t)there;
  for (int i = 0; status == HF_OK && i < there && (size_t)i < limit; i++) status = describe(fail, i, &out[i]);
  return status;
}

/* Everything that the operations need; HF_E_UNSUPPORTED if the device cannot run the kernels that were compiled. */
static hf_status prepare(cuda_device *d) {
  hf_status status = HF_OK;
  struct cudaFuncAttributes attributes;
  CUDA(d, cudaSetDevice(d->index));
  cudaError_t error = cudaFuncGetAttributes(&attributes, kernel_address(HF_KERNEL_axpy));
  if (error != cudaSuccess) HF_TRY(unsupported(d->fail, d->base.name, error));
  CUDA(d, cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking));
  d->has_stream = true;
  for (int s = 0; s < STAGES; s++) {
    CUDA(d, cudaMallocHost((void **)&d->stage[s].bytes, STAGE_BYTES));
    CUDA(d, cudaEventCreateWithFlags(&d->stage[s].settled, cudaEventDisableTiming));
    d->stage[s].has_event = true;
  }
out:
  return status;
}

static hf_status open_device(hf_cuda_fail fail, int index, hf_gpu_device **out) {
  hf_status status;
  hf_backend_device about;
  cuda_device *d = NULL;
  int count;
  *out = NULL;
  HF_TRY(device_count(fail, &count));
  if (index < 0 || index >= count) HF_TRY(fail(HF_E_NOT_FOUND, "no CUDA device %d: there are %d", index, count));
  HF_TRY(describe(fail, index, &about));
  d = calloc(1, sizeof *d);
  if (!d) HF_TRY(fail(HF_E_MEMORY, "no memory for a CUDA device"));
  d->fail = fail;
  d->index = index;
  d->base.ops = &cuda_ops;
  d->base.backend = "cuda";
  memcpy(d->base.name, about.name, sizeof d->base.name);
  memcpy(d->base.driver, about.driver, sizeof d->base.driver);
  d->base.memory = d->base.largest = about.memory;
  d->base.units = about.units;
  HF_TRY(prepare(d));
  *out = &d->base;
  d = NULL;
out:
  if (d) cuda_close(&d->base);
  return status;
}

__attribute__((visibility("default"))) const hf_cuda_plugin *hf_cuda_plugin_table(void) {
  static const hf_cuda_plugin plugin = {
      .abi = HF_CUDA_ABI,
      .layout = HF_CUDA_LAYOUT,
      .devices = devices,
      .open = open_device,
  };
  return &plugin;
}
