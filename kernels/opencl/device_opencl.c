/* One OpenCL device: a context, one queue in order, the kernels of gpu/kernels_all.h compiled for it. */
#include "device_opencl.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "opencl.h"

extern const char hf_opencl_source[]; /* embed.cmake */

/* Commands that are queued before the driver is told to begin. */
#define COMMANDS_A_FLUSH 16

typedef struct opencl_device {
  hf_gpu_device base; /* first: an hf_gpu_device * is an opencl_device * */
  hf_cl cl;
  hf_cl_device about;
  cl_context context;
  cl_command_queue queue;
  cl_program program;
  cl_kernel kernels[HF_KERNEL_COUNT];
  unsigned waiting; /* commands since the last flush */
  uint64_t taken;   /* bytes of all buffers */
  char fault[160];  /* the first failed call; "" as long as there is none */
} opencl_device;

static const struct {
  const char *name;
  size_t lanes;
} kernels[HF_KERNEL_COUNT] = {
#define HF_CL_KERNEL(name, group) {"hf_kernel_" #name, group},
    HF_GPU_KERNELS(HF_CL_KERNEL)
#undef HF_CL_KERNEL
};

static opencl_device *of(hf_gpu_device *device) { return (opencl_device *)(void *)device; }
static cl_mem buffer(const hf_gpu_memory *memory) { return (cl_mem)(uintptr_t)memory; }

/* HF_E_DEVICE if the device has failed. */
static hf_status alive(const opencl_device *d) {
  if (!d->fault[0]) return HF_OK;
  return hf_fail(HF_E_DEVICE, "OpenCL device \"%s\" has failed (%s) and must be opened anew", d->base.name, d->fault);
}

/* What a call gave; the first failure is kept. */
static hf_status check(opencl_device *d, const char *call, cl_int code) {
  char scratch[32];
  if (code == CL_SUCCESS) return HF_OK;
  if (!d->fault[0]) snprintf(d->fault, sizeof d->fault, "%s: %s", call, hf_cl_error(code, scratch));
  return hf_fail(HF_E_DEVICE, "OpenCL device \"%s\": %s: %s", d->base.name, call, hf_cl_error(code, scratch));
}
#define DO(d, function, ...) check((d), #function, (d)->cl.function(__VA_ARGS__))

/* A command was queued: drivers may keep commands until they are flushed. */
static hf_status queued(opencl_device *d) {
  if (++d->waiting < COMMANDS_A_FLUSH) return HF_OK;
  d->waiting = 0;
  return DO(d, clFlush, d->queue);
}

/* --- memory ---------------------------------------------------------------------- */

static bool no_memory(cl_int code) {
  return code == CL_MEM_OBJECT_ALLOCATION_FAILURE || code == CL_OUT_OF_RESOURCES || code == CL_OUT_OF_HOST_MEMORY ||
         code == CL_INVALID_BUFFER_SIZE;
}

static hf_status opencl_alloc(hf_gpu_device *device, size_t bytes, hf_gpu_memory **out) {
  opencl_device *d = of(device);
  cl_int code;
  *out = NULL;
  hf_status status = alive(d);
  if (status != HF_OK) return status;
  if (bytes > device->largest)
    return hf_fail(HF_E_MEMORY, "OpenCL device \"%s\": %zu bytes in one piece, and it gives at most %llu", device->name,
                   bytes, (unsigned long long)device->largest);
  if (bytes > device->memory || d->taken > device->memory - bytes)
    return hf_fail(HF_E_MEMORY, "OpenCL device \"%s\": %zu bytes more than the %llu taken, and it has %llu", device->name,
                   bytes, (unsigned long long)d->taken, (unsigned long long)device->memory);
  cl_mem mem = d->cl.clCreateBuffer(d->context, CL_MEM_READ_WRITE, bytes, NULL, &code);
  const char *call = "clCreateBuffer";
  if (code == CL_SUCCESS) {
    /* Buffers may get their memory on first use only; here it can still be refused as memory, without a fault. */
    call = "clEnqueueMigrateMemObjects";
    code = d->cl.clEnqueueMigrateMemObjects(d->queue, 1, &mem, CL_MIGRATE_MEM_OBJECT_CONTENT_UNDEFINED, 0, NULL, NULL);
    if (code != CL_SUCCESS) (void)d->cl.clReleaseMemObject(mem);
  }
  if (no_memory(code))
    return hf_fail(HF_E_MEMORY, "OpenCL device \"%s\": no memory for %zu bytes; %llu of %llu are taken", device->name,
                   bytes, (unsigned long long)d->taken, (unsigned long long)device->memory);
  status = check(d, call, code);
  if (status != HF_OK) return status;
  d->taken += bytes;
  *out = (hf_gpu_memory *)(void *)mem;
  return HF_OK;
}

static void opencl_free(hf_gpu_device *device, hf_gpu_memory *memory) {
  opencl_device *d = of(device);
  size_t bytes = 0;
  if (!memory) return;
  if (d->cl.clGetMemObjectInfo(buffer(memory), CL_MEM_SIZE, sizeof bytes, &bytes, NULL) == CL_SUCCESS) d->taken -= bytes;
  (void)DO(d, clReleaseMemObject, buffer(memory));
}

/* Waits for what is queued before it: the caller's memory is read once. */
static hf_status opencl_write(hf_gpu_device *device, hf_gpu_memory *to, size_t offset, const void *from, size_t bytes) {
  opencl_device *d = of(device);
  hf_status status = alive(d);
  if (status != HF_OK || bytes == 0) return status;
  d->waiting = 0;
  return DO(d, clEnqueueWriteBuffer, d->queue, buffer(to), CL_TRUE, offset, bytes, from, 0, NULL, NULL);
}

static hf_status opencl_read(hf_gpu_device *device, const hf_gpu_memory *from, size_t offset, void *to, size_t bytes) {
  opencl_device *d = of(device);
  hf_status status = alive(d);
  if (status != HF_OK || bytes == 0) return status;
  d->waiting = 0;
  return DO(d, clEnqueueReadBuffer, d->queue, buffer(from), CL_TRUE, offset, bytes, to, 0, NULL, NULL);
}

static hf_status opencl_copy(hf_gpu_device *device, hf_gpu_memory *to, size_t to_offset, const hf_gpu_memory *from,
                             size_t from_offset, size_t bytes) {
  opencl_device *d = of(device);
  hf_status status = alive(d);
  if (status != HF_OK || bytes == 0) return status;
  status = DO(d, clEnqueueCopyBuffer, d->queue, buffer(from), buffer(to), from_offset, to_offset, bytes, 0, NULL, NULL);
  return status == HF_OK ? queued(d) : status;
}

static hf_status opencl_zero(hf_gpu_device *device, hf_gpu_memory *memory, size_t offset, size_t bytes) {
  static const unsigned char zeros[16] = {0};
  opencl_device *d = of(device);
  hf_status status = alive(d);
  if (status != HF_OK || bytes == 0) return status;
  size_t pattern = sizeof zeros; /* the longest that divides both */
  while ((offset | bytes) & (pattern - 1)) pattern /= 2;
  status = DO(d, clEnqueueFillBuffer, d->queue, buffer(memory), zeros, pattern, offset, bytes, 0, NULL, NULL);
  return status == HF_OK ? queued(d) : status;
}

/* --- launches -------------------------------------------------------------------- */

static hf_status opencl_launch(hf_gpu_device *device, hf_gpu_kernel kernel, uint32_t groups,
                               const hf_gpu_argument *arguments, unsigned count) {
  opencl_device *d = of(device);
  const size_t lanes = kernels[kernel].lanes, threads = groups * lanes;
  hf_status status;
  HF_TRY(alive(d));
  if (groups == 0) return HF_OK;
  for (unsigned i = 0; i < count; i++) {
    cl_mem mem = buffer(arguments[i].memory);
    HF_TRY(DO(d, clSetKernelArg, d->kernels[kernel], i, arguments[i].memory ? sizeof mem : arguments[i].size,
              arguments[i].memory ? &mem : arguments[i].value));
  }
  HF_TRY(DO(d, clEnqueueNDRangeKernel, d->queue, d->kernels[kernel], 1, NULL, &threads, &lanes, 0, NULL, NULL));
  HF_TRY(queued(d));
out:
  return status == HF_OK || d->fault[0] == 0 ? status : hf_fail_context(status, "%s", kernels[kernel].name);
}

static hf_status opencl_finish(hf_gpu_device *device) {
  opencl_device *d = of(device);
  hf_status status = alive(d);
  d->waiting = 0;
  return status == HF_OK ? DO(d, clFinish, d->queue) : status;
}

/* --- life ------------------------------------------------------------------------ */

static void opencl_close(hf_gpu_device *device) {
  opencl_device *d = of(device);
  if (d->queue && !d->fault[0]) (void)d->cl.clFinish(d->queue);
  for (int k = 0; k < HF_KERNEL_COUNT; k++)
    if (d->kernels[k]) (void)d->cl.clReleaseKernel(d->kernels[k]);
  if (d->program) (void)d->cl.clReleaseProgram(d->program);
  if (d->queue) (void)d->cl.clReleaseCommandQueue(d->queue);
  if (d->context) (void)d->cl.clReleaseContext(d->context);
  free(d);
}

static const hf_gpu_device_ops opencl_ops = {
    .close = opencl_close,
    .alloc = opencl_alloc,
    .free = opencl_free,
    .write = opencl_write,
    .read = opencl_read,
    .copy = opencl_copy,
    .zero = opencl_zero,
    .launch = opencl_launch,
    .finish = opencl_finish,
};

/* The compiler's words, from its first error on. */
static hf_status build_failed(opencl_device *d, cl_int code) {
  char scratch[32];
  size_t size = 0;
  char *log = NULL;
  if (d->cl.clGetProgramBuildInfo(d->program, d->about.id, CL_PROGRAM_BUILD_LOG, 0, NULL, &size) == CL_SUCCESS)
    log = calloc(1, size + 1);
  if (log) (void)d->cl.clGetProgramBuildInfo(d->program, d->about.id, CL_PROGRAM_BUILD_LOG, size, log, NULL);
  const char *from = log ? strstr(log, "error") : NULL;
  while (from && from > log && from[-1] != '\n') from--;
  hf_status status = hf_fail(HF_E_DEVICE, "OpenCL device \"%s\" (%s) does not compile the kernels: clBuildProgram: %s: %s",
                             d->base.name, d->base.driver, hf_cl_error(code, scratch), from ? from : log ? log : "");
  free(log);
  return status;
}

static hf_status compile(opencl_device *d) {
  hf_status status;
  cl_int code;
  char call[64];
  const char *source = hf_opencl_source;
  d->program = d->cl.clCreateProgramWithSource(d->context, 1, &source, NULL, &code);
  HF_TRY(check(d, "clCreateProgramWithSource", code));
  code = d->cl.clBuildProgram(d->program, 1, &d->about.id, "-cl-std=CL1.2", NULL, NULL);
  if (code != CL_SUCCESS) HF_TRY(build_failed(d, code));
  for (int k = 0; k < HF_KERNEL_COUNT; k++) {
    size_t lanes = 0;
    d->kernels[k] = d->cl.clCreateKernel(d->program, kernels[k].name, &code);
    if (code != CL_SUCCESS) d->kernels[k] = NULL;
    snprintf(call, sizeof call, "clCreateKernel (%s)", kernels[k].name);
    HF_TRY(check(d, call, code));
    HF_TRY(DO(d, clGetKernelWorkGroupInfo, d->kernels[k], d->about.id, CL_KERNEL_WORK_GROUP_SIZE, sizeof lanes, &lanes,
              NULL));
    if (lanes < kernels[k].lanes)
      HF_TRY(hf_fail(HF_E_UNSUPPORTED, "OpenCL device \"%s\" runs %s with groups of at most %zu lanes; %zu are needed",
                     d->base.name, kernels[k].name, lanes, kernels[k].lanes));
  }
out:
  return status;
}

static hf_status can_run(const hf_cl *cl, const hf_cl_device *about) {
  cl_bool little = CL_FALSE, compiler = CL_FALSE, available = CL_FALSE;
  int major = 0, minor = 0;
  (void)cl->clGetDeviceInfo(about->id, CL_DEVICE_ENDIAN_LITTLE, sizeof little, &little, NULL);
  (void)cl->clGetDeviceInfo(about->id, CL_DEVICE_COMPILER_AVAILABLE, sizeof compiler, &compiler, NULL);
  (void)cl->clGetDeviceInfo(about->id, CL_DEVICE_AVAILABLE, sizeof available, &available, NULL);
  const char *lacks = NULL;
  if (sscanf(about->version, "OpenCL %d.%d", &major, &minor) != 2 || major < 1 || (major == 1 && minor < 2))
    lacks = "OpenCL 1.2";
  else if (!available) lacks = "a device that is available";
  else if (!compiler) lacks = "a compiler";
  else if (!little) lacks = "little-endian memory";
  else if (about->local < sizeof(hf_fr) << HF_NTT_TILE_LOG) lacks = "32 KiB of local memory";
  else if (about->group < HF_NTT_LANES) lacks = "groups of 256 lanes";
  if (!lacks) return HF_OK;
  return hf_fail(HF_E_UNSUPPORTED, "OpenCL device \"%s\" (%s, %s) lacks %s", about->name, about->driver,
                 about->version, lacks);
}

hf_status hf_opencl_device_open(const char *device, hf_gpu_device **out) {
  hf_status status;
  cl_int code;
  *out = NULL;
  opencl_device *d = calloc(1, sizeof *d);
  if (!d) return hf_fail(HF_E_MEMORY, "OpenCL device: out of memory");
  d->base.ops = &opencl_ops;
  d->base.backend = "opencl";
  HF_TRY(hf_cl_load(&d->cl));
  HF_TRY(hf_cl_choose(&d->cl, device, &d->about));
  HF_TRY(can_run(&d->cl, &d->about));
  memcpy(d->base.name, d->about.name, sizeof d->base.name);
  memcpy(d->base.driver, d->about.driver, sizeof d->base.driver);
  d->base.memory = d->about.memory;
  d->base.largest = d->about.largest;
  d->base.units = d->about.units;
  const cl_context_properties properties[] = {CL_CONTEXT_PLATFORM, (cl_context_properties)d->about.platform, 0};
  d->context = d->cl.clCreateContext(properties, 1, &d->about.id, NULL, NULL, &code);
  HF_TRY(check(d, "clCreateContext", code));
  d->queue = d->cl.clCreateCommandQueue(d->context, d->about.id, 0, &code);
  HF_TRY(check(d, "clCreateCommandQueue", code));
  HF_TRY(compile(d));
  *out = &d->base;
  d = NULL;
out:
  if (d) opencl_close(&d->base);
  return status;
}

hf_status hf_opencl_create(const hf_backend_options *options, hf_backend **out) {
  hf_gpu_device *device;
  *out = NULL;
  hf_status status = hf_opencl_device_open(options ? options->device : NULL, &device);
  return status == HF_OK ? hf_gpu_backend_create(device, out) : status;
}

hf_status hf_opencl_devices(const hf_backend_options *options, hf_backend_device *out, size_t limit, size_t *count) {
  hf_cl cl;
  hf_cl_device *devices = NULL;
  hf_status status;
  (void)options;
  *count = 0;
  HF_TRY(hf_cl_load(&cl));
  HF_TRY(hf_cl_devices(&cl, &devices, count));
  for (size_t i = 0; i < *count && i < limit; i++) {
    out[i] = (hf_backend_device){.memory = devices[i].memory, .units = devices[i].units};
    memcpy(out[i].name, devices[i].name, sizeof out[i].name);
    memcpy(out[i].driver, devices[i].driver, sizeof out[i].driver);
  }
out:
  free(devices);
  return status;
}
