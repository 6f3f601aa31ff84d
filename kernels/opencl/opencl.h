/* Inside the OpenCL device: the functions that are used of libOpenCL.so.1, by pointer, and the names of errors.
 *
 *   library.c         loading, errors' names
 *   choose.c          platforms and devices: which there are, which is meant, whether it can run the kernels
 *   device_opencl.c   one device: memory, copies, launches
 */
#ifndef HF_OPENCL_H
#define HF_OPENCL_H
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <hyperfold/status.h>
#include <stdbool.h>
#include <stddef.h>

#define HF_CL_FUNCTIONS(X)                                                                                  \
  X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo) X(clCreateContext)          \
  X(clReleaseContext) X(clCreateCommandQueue) X(clReleaseCommandQueue) X(clCreateProgramWithSource)         \
  X(clBuildProgram) X(clGetProgramBuildInfo) X(clReleaseProgram) X(clCreateKernel) X(clReleaseKernel)       \
  X(clGetKernelWorkGroupInfo) X(clSetKernelArg) X(clCreateBuffer) X(clReleaseMemObject)                     \
  X(clGetMemObjectInfo) X(clEnqueueMigrateMemObjects) X(clEnqueueWriteBuffer) X(clEnqueueReadBuffer)        \
  X(clEnqueueCopyBuffer) X(clEnqueueFillBuffer) X(clEnqueueNDRangeKernel) X(clFlush) X(clFinish)

typedef struct hf_cl {
#define HF_CL_POINTER(name) __typeof__(name) *name;
  HF_CL_FUNCTIONS(HF_CL_POINTER)
#undef HF_CL_POINTER
} hf_cl;

/* HF_E_NOT_FOUND without the library, HF_E_UNSUPPORTED if it lacks a function. It stays loaded. */
hf_status hf_cl_load(hf_cl *cl);
/* "CL_OUT_OF_RESOURCES"; "error -12345" for what is not in cl.h */
const char *hf_cl_error(cl_int code, char scratch[32]);

typedef struct hf_cl_device {
  cl_platform_id platform;
  cl_device_id id;
  cl_device_type type;
  char name[128], driver[64]; /* the driver's version, and its platform's name */
  char version[64];           /* "OpenCL 1.2 ..." */
  cl_ulong memory, largest, local;
  cl_uint units;
  size_t group; /* lanes of the largest group */
} hf_cl_device;

/* All devices, GPUs first; *out to be freed. HF_E_NOT_FOUND if there is none. */
hf_status hf_cl_devices(const hf_cl *cl, hf_cl_device **out, size_t *count);
/* The one of number or name `wanted`; NULL or "" is the first. */
hf_status hf_cl_choose(const hf_cl *cl, const char *wanted, hf_cl_device *out);

#endif
