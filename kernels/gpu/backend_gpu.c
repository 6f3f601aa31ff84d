/* The GPU backend's life, its memory, and vectors. */
#include "gpu.h"
#include <stdlib.h>
#include <string.h>

/* --- memory ---------------------------------------------------------------------- */

static void spare_free_oldest(hf_gpu *gpu) {
  gpu->device->ops->free(gpu->device, gpu->spare[0].memory);
  memmove(&gpu->spare[0], &gpu->spare[1], --gpu->spares * sizeof gpu->spare[0]);
}

hf_status hf_gpu_take(hf_gpu *gpu, size_t bytes, hf_gpu_memory **out) {
  hf_status status;
  *out = NULL;
  if (bytes == 0) bytes = 1;
  for (unsigned i = gpu->spares; i-- > 0;)
    if (gpu->spare[i].bytes == bytes) {
      *out = gpu->spare[i].memory;
      memmove(&gpu->spare[i], &gpu->spare[i + 1], (--gpu->spares - i) * sizeof gpu->spare[0]);
      return HF_OK;
    }
  do status = gpu->device->ops->alloc(gpu->device, bytes, out);
  while (status == HF_E_MEMORY && gpu->spares && (spare_free_oldest(gpu), true));
  if (status != HF_OK) return status;
  status = gpu->device->ops->zero(gpu->device, *out, 0, bytes);
  if (status != HF_OK) {
    gpu->device->ops->free(gpu->device, *out);
    *out = NULL;
  }
  return status;
}

void hf_gpu_give(hf_gpu *gpu, hf_gpu_memory *memory, size_t bytes) {
  if (!memory) return;
  if (bytes == 0) bytes = 1;
  /* memory that cannot be wiped belongs to a device that has failed */
  if (gpu->device->ops->zero(gpu->device, memory, 0, bytes) != HF_OK) {
    gpu->device->ops->free(gpu->device, memory);
    return;
  }
  if (gpu->spares == HF_GPU_SPARES) spare_free_oldest(gpu);
  gpu->spare[gpu->spares].memory = memory;
  gpu->spare[gpu->spares++].bytes = bytes;
}

/* --- launches -------------------------------------------------------------------- */

#define HF_GPU_GROUP(name, group) group,
static const uint32_t group_lanes[HF_KERNEL_COUNT] = {HF_GPU_KERNELS(HF_GPU_GROUP)};
#undef HF_GPU_GROUP

hf_status hf_gpu_launch(hf_gpu *gpu, hf_gpu_kernel kernel, size_t threads, const hf_gpu_argument *arguments,
                        size_t count) {
  if (threads == 0) return HF_OK;
  size_t groups = hf_gpu_chunks(threads, group_lanes[kernel]);
  if (threads > UINT32_MAX - group_lanes[kernel]) return hf_fail(HF_E_ARGUMENT, "a kernel of %zu threads", threads);
  return gpu->device->ops->launch(gpu->device, kernel, (uint32_t)groups, arguments, (unsigned)count);
}

/* --- vectors --------------------------------------------------------------------- */

hf_status hf_gpu_vec_create(hf_backend *backend, size_t length, hf_vec **out) {
  *out = NULL;
  hf_vec *vec = calloc(1, sizeof *vec);
  if (!vec || length > SIZE_MAX / sizeof(hf_fr)) {
    free(vec);
    return hf_fail(HF_E_MEMORY, "no memory for a vector of %zu elements", length);
  }
  vec->length = length;
  hf_status status = hf_gpu_take(hf_gpu_of(backend), length * sizeof(hf_fr), &vec->memory);
  if (status != HF_OK) {
    free(vec);
    return status;
  }
  *out = vec;
  return HF_OK;
}

void hf_gpu_vec_destroy(hf_backend *backend, hf_vec *vec) {
  if (!vec) return;
  hf_gpu_give(hf_gpu_of(backend), vec->memory, vec->length * sizeof(hf_fr));
  free(vec);
}

hf_status hf_gpu_vec_upload(hf_backend *backend, hf_vec *to, size_t offset, const hf_fr *from, size_t count) {
  hf_gpu_device *device = hf_gpu_of(backend)->device;
  hf_status status = hf_vec_range("vec_upload", to, offset, count);
  if (status != HF_OK || count == 0) return status;
  return device->ops->write(device, to->memory, offset * sizeof *from, from, count * sizeof *from);
}

hf_status hf_gpu_vec_download(hf_backend *backend, const hf_vec *from, size_t offset, hf_fr *to, size_t count) {
  hf_gpu_device *device = hf_gpu_of(backend)->device;
  hf_status status = hf_vec_range("vec_download", from, offset, count);
  if (status != HF_OK || count == 0) return status;
  return device->ops->read(device, from->memory, offset * sizeof *to, to, count * sizeof *to);
}

hf_status hf_gpu_vec_copy(hf_backend *backend, hf_vec *to, size_t to_offset, const hf_vec *from, size_t from_offset,
                          size_t count) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_gpu_device *device = gpu->device;
  hf_gpu_memory *between = NULL;
  const size_t element = sizeof(hf_fr), bytes = count * sizeof(hf_fr);
  hf_status status;
  HF_TRY(hf_vec_range("vec_copy (target)", to, to_offset, count));
  HF_TRY(hf_vec_range("vec_copy (source)", from, from_offset, count));
  if (count == 0) return HF_OK;
  bool overlap = to == from && to_offset < from_offset + count && from_offset < to_offset + count;
  if (overlap) {
    HF_TRY(hf_gpu_take(gpu, bytes, &between));
    HF_TRY(device->ops->copy(device, between, 0, from->memory, from_offset * element, bytes));
    HF_TRY(device->ops->copy(device, to->memory, to_offset * element, between, 0, bytes));
  } else {
    HF_TRY(device->ops->copy(device, to->memory, to_offset * element, from->memory, from_offset * element, bytes));
  }
out:
  hf_gpu_give(gpu, between, bytes);
  return status;
}

hf_status hf_gpu_vec_zero(hf_backend *backend, hf_vec *vec, size_t offset, size_t count) {
  hf_gpu_device *device = hf_gpu_of(backend)->device;
  hf_status status = hf_vec_range("vec_zero", vec, offset, count);
  if (status != HF_OK || count == 0) return status;
  return device->ops->zero(device, vec->memory, offset * sizeof(hf_fr), count * sizeof(hf_fr));
}

hf_status hf_gpu_points_create(hf_backend *backend, const hf_g1 *points, size_t count, hf_points **out) {
  hf_gpu *gpu = hf_gpu_of(backend);
  hf_status status;
  hf_points *p = *out = NULL;
  if (count > SIZE_MAX / sizeof *points) return hf_fail(HF_E_MEMORY, "no memory for %zu points", count);
  p = calloc(1, sizeof *p);
  if (!p) return hf_fail(HF_E_MEMORY, "no memory for a handle of points");
  p->count = count;
  HF_TRY(hf_gpu_take(gpu, count * sizeof *points, &p->memory));
  if (count) HF_TRY(gpu->device->ops->write(gpu->device, p->memory, 0, points, count * sizeof *points));
  *out = p;
  p = NULL;
out:
  hf_gpu_points_destroy(backend, p);
  return status;
}

void hf_gpu_points_destroy(hf_backend *backend, hf_points *points) {
  if (points) hf_gpu_give(hf_gpu_of(backend), points->memory, points->count * sizeof(hf_g1));
  free(points);
}

/* --- life ------------------------------------------------------------------------ */

static void destroy(hf_backend *backend) {
  hf_gpu *gpu = hf_gpu_of(backend);
  if (gpu->roots) gpu->device->ops->free(gpu->device, gpu->roots);
  for (int i = 0; i < HF_GPU_SHIFTS; i++)
    if (gpu->shifts[i].table) gpu->device->ops->free(gpu->device, gpu->shifts[i].table);
  while (gpu->spares) spare_free_oldest(gpu);
  gpu->device->ops->close(gpu->device);
  free(gpu);
}

static hf_status finish(hf_backend *backend) {
  hf_gpu_device *device = hf_gpu_of(backend)->device;
  return device->ops->finish(device);
}

/* A sixteenth is the driver's, and the kernels'. */
static uint64_t memory(const hf_backend *backend) {
  const hf_gpu_device *device = ((const hf_gpu *)(const void *)backend)->device;
  return device->memory - device->memory / 16;
}

hf_status hf_gpu_backend_create(hf_gpu_device *device, hf_backend **out) {
  *out = NULL;
  hf_gpu *gpu = calloc(1, sizeof *gpu);
  if (!gpu) {
    device->ops->close(device);
    return hf_fail(HF_E_MEMORY, "GPU backend: out of memory");
  }
#define HF_GPU_ASSIGN(op) gpu->ops.op = hf_gpu_##op;
  HF_GPU_OPERATIONS(HF_GPU_ASSIGN)
#undef HF_GPU_ASSIGN
  gpu->ops.name = device->backend;
  gpu->ops.variant = device->name;
  gpu->ops.destroy = destroy;
  gpu->ops.memory = memory;
  gpu->ops.finish = finish;
  gpu->base.ops = &gpu->ops;
  gpu->device = device;
  *out = &gpu->base;
  return HF_OK;
}
