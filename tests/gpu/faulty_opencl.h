/* A libOpenCL.so.1 that stands before the true one (LD_LIBRARY_PATH) and fails when it is told to. The test finds these in it. */
#ifndef HF_TEST_FAULTY_OPENCL_H
#define HF_TEST_FAULTY_OPENCL_H
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>

/* The functions that are passed on. */
#define FAULTY_FUNCTIONS(X)                                                                                 \
  X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo) X(clCreateContext)          \
  X(clReleaseContext) X(clCreateCommandQueue) X(clReleaseCommandQueue) X(clCreateProgramWithSource)         \
  X(clBuildProgram) X(clGetProgramBuildInfo) X(clReleaseProgram) X(clCreateKernel) X(clReleaseKernel)       \
  X(clGetKernelWorkGroupInfo) X(clSetKernelArg) X(clCreateBuffer) X(clReleaseMemObject)                     \
  X(clGetMemObjectInfo) X(clEnqueueMigrateMemObjects) X(clEnqueueWriteBuffer) X(clEnqueueReadBuffer)        \
  X(clEnqueueCopyBuffer) X(clEnqueueFillBuffer) X(clEnqueueNDRangeKernel) X(clFlush) X(clFinish)
enum {
#define FAULTY_NUMBER(name) FAULTY_##name,
  FAULTY_FUNCTIONS(FAULTY_NUMBER)
#undef FAULTY_NUMBER
  FAULTY_COUNT
};

typedef struct faulty_state {
  unsigned calls[FAULTY_COUNT];
  int live;        /* objects created and not released: contexts, queues, programs, kernels, buffers */
  int function;    /* this one fails at its call number `at` (from 1; 0: never) and gives `code` */
  unsigned at;
  cl_int code;
  int twin;        /* a second device, "Twin GPU", which is the first in truth, is there too */
  const char *appended; /* to the program's text, or NULL */
  cl_uint info;    /* this question about a device gets these bytes; 0: none */
  const void *answer;
  size_t answer_size;
  size_t group;    /* of every kernel, unless 0 */
} faulty_state;

/* faulty_state *hf_faulty_state(void) is exported under this name. */
#define FAULTY_STATE "hf_faulty_state"

#endif
