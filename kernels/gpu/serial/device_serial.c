/* A device whose memory is the host's and whose kernels run group after group. */
#include "gpu/serial/device_serial.h"
#include <stdlib.h>
#include <string.h>
#include "gpu/kernels_all.h"

_Thread_local hf_serial_place hf_serial_place_;

typedef struct serial_kernel {
  void (*run)(void *const *arguments);
  hf_u32 lanes;
} serial_kernel;

#define HF_SERIAL_ENTRY(name, group) {hf_kernel_##name, group},
static const serial_kernel kernels[HF_KERNEL_COUNT] = {HF_GPU_KERNELS(HF_SERIAL_ENTRY)};
#undef HF_SERIAL_ENTRY

#define HF_SERIAL_ARGUMENTS 48

static void *address(const hf_gpu_memory *memory) { return (void *)(uintptr_t)memory; }

static void serial_close(hf_gpu_device *device) { free(device); }

static hf_status serial_alloc(hf_gpu_device *device, size_t bytes, hf_gpu_memory **out) {
  (void)device;
  *out = bytes <= PTRDIFF_MAX ? malloc(bytes) : NULL;
  return *out ? HF_OK : hf_fail(HF_E_MEMORY, "serial device: no memory for %zu bytes", bytes);
}

static void serial_free(hf_gpu_device *device, hf_gpu_memory *memory) {
  (void)device;
  free(memory);
}

static hf_status serial_write(hf_gpu_device *device, hf_gpu_memory *to, size_t offset, const void *from, size_t bytes) {
  (void)device;
  memcpy((char *)address(to) + offset, from, bytes);
  return HF_OK;
}

static hf_status serial_read(hf_gpu_device *device, const hf_gpu_memory *from, size_t offset, void *to, size_t bytes) {
  (void)device;
  memcpy(to, (const char *)address(from) + offset, bytes);
  return HF_OK;
}

static hf_status serial_copy(hf_gpu_device *device, hf_gpu_memory *to, size_t to_offset, const hf_gpu_memory *from,
                             size_t from_offset, size_t bytes) {
  (void)device;
  memcpy((char *)address(to) + to_offset, (const char *)address(from) + from_offset, bytes);
  return HF_OK;
}

static hf_status serial_zero(hf_gpu_device *device, hf_gpu_memory *memory, size_t offset, size_t bytes) {
  (void)device;
  memset((char *)address(memory) + offset, 0, bytes);
  return HF_OK;
}

static hf_status serial_launch(hf_gpu_device *device, hf_gpu_kernel kernel, uint32_t groups,
                               const hf_gpu_argument *arguments, unsigned count) {
  (void)device;
  void *addresses[HF_SERIAL_ARGUMENTS], *memories[HF_SERIAL_ARGUMENTS];
  if (count > HF_SERIAL_ARGUMENTS) return hf_fail(HF_E_INTERNAL, "a kernel of %u arguments", count);
  for (unsigned i = 0; i < count; i++) {
    memories[i] = address(arguments[i].memory);
    addresses[i] = arguments[i].memory ? (void *)&memories[i] : (void *)(uintptr_t)arguments[i].value;
  }
  hf_serial_place_.lanes = kernels[kernel].lanes;
  for (hf_u32 g = 0; g < groups; g++) {
    hf_serial_place_.group = g;
    kernels[kernel].run(addresses);
  }
  return HF_OK;
}

static hf_status serial_finish(hf_gpu_device *device) {
  (void)device;
  return HF_OK;
}

static const hf_gpu_device_ops serial_ops = {
    .close = serial_close,
    .alloc = serial_alloc,
    .free = serial_free,
    .write = serial_write,
    .read = serial_read,
    .copy = serial_copy,
    .zero = serial_zero,
    .launch = serial_launch,
    .finish = serial_finish,
};

hf_status hf_serial_device_open(hf_gpu_device **out) {
  hf_gpu_device *device = *out = calloc(1, sizeof *device);
  if (!device) return hf_fail(HF_E_MEMORY, "serial device: out of memory");
  device->ops = &serial_ops;
  device->backend = "serial";
  strcpy(device->name, "plain C");
  strcpy(device->driver, "none");
  device->memory = device->largest = (uint64_t)1 << 30;
  device->units = 1;
  return HF_OK;
}
