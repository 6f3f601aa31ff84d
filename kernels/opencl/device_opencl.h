/* OpenCL as a device of gpu/device.h. libOpenCL.so.1 is loaded when a device is asked for: what links this needs none. */
#ifndef HF_DEVICE_OPENCL_H
#define HF_DEVICE_OPENCL_H
#include "backend.h"
#include "gpu/device.h"

/* Opens a device by its number in hf_opencl_devices's order or by a part of its name (any case); NULL or "" is the first.
 * HF_E_NOT_FOUND: no library, no platform, no device, or none of that name. HF_E_UNSUPPORTED: the device cannot run the
 * kernels. HF_E_DEVICE: its driver failed, or refused the kernels; the message has the compiler's words. */
hf_status hf_opencl_device_open(const char *device, hf_gpu_device **out);

/* For registry.c. */
hf_status hf_opencl_create(const hf_backend_options *options, hf_backend **out);
/* GPUs first, then accelerators, then CPUs, each in the order of their platforms. */
hf_status hf_opencl_devices(const hf_backend_options *options, hf_backend_device *out, size_t limit, size_t *count);

#endif
