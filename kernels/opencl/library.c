/* libOpenCL.so.1, loaded at run time. */
#include <dlfcn.h>
#include <stdio.h>
#include "opencl.h"

hf_status hf_cl_load(hf_cl *cl) {
  /* drivers do not like to be unloaded while their threads run */
  void *library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library)
    return hf_fail(HF_E_NOT_FOUND, "no OpenCL here: %s (Debian: ocl-icd-libopencl1, and a driver's package)", dlerror());
  const char *missing = NULL;
#define HF_CL_SYMBOL(name)                                                                                  \
  *(void **)&cl->name = dlsym(library, #name);                                                              \
  if (!cl->name) missing = #name;
  HF_CL_FUNCTIONS(HF_CL_SYMBOL)
#undef HF_CL_SYMBOL
  dlclose(library);
  if (missing) return hf_fail(HF_E_UNSUPPORTED, "libOpenCL.so.1 has no %s; OpenCL 1.2 is needed", missing);
  return HF_OK;
}

#define HF_CL_ERRORS(X)                                                                                     \
  X(CL_DEVICE_NOT_FOUND) X(CL_DEVICE_NOT_AVAILABLE) X(CL_COMPILER_NOT_AVAILABLE)                            \
  X(CL_MEM_OBJECT_ALLOCATION_FAILURE) X(CL_OUT_OF_RESOURCES) X(CL_OUT_OF_HOST_MEMORY) X(CL_MEM_COPY_OVERLAP) \
  X(CL_BUILD_PROGRAM_FAILURE) X(CL_MISALIGNED_SUB_BUFFER_OFFSET)                                            \
  X(CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST) X(CL_COMPILE_PROGRAM_FAILURE) X(CL_LINKER_NOT_AVAILABLE)  \
  X(CL_LINK_PROGRAM_FAILURE) X(CL_INVALID_VALUE) X(CL_INVALID_DEVICE_TYPE) X(CL_INVALID_PLATFORM)           \
  X(CL_INVALID_DEVICE) X(CL_INVALID_CONTEXT) X(CL_INVALID_QUEUE_PROPERTIES) X(CL_INVALID_COMMAND_QUEUE)     \
  X(CL_INVALID_HOST_PTR) X(CL_INVALID_MEM_OBJECT) X(CL_INVALID_BINARY) X(CL_INVALID_BUILD_OPTIONS)          \
  X(CL_INVALID_PROGRAM) X(CL_INVALID_PROGRAM_EXECUTABLE) X(CL_INVALID_KERNEL_NAME)                          \
  X(CL_INVALID_KERNEL_DEFINITION) X(CL_INVALID_KERNEL) X(CL_INVALID_ARG_INDEX) X(CL_INVALID_ARG_VALUE)      \
  X(CL_INVALID_ARG_SIZE) X(CL_INVALID_KERNEL_ARGS) X(CL_INVALID_WORK_DIMENSION)                             \
  X(CL_INVALID_WORK_GROUP_SIZE) X(CL_INVALID_WORK_ITEM_SIZE) X(CL_INVALID_GLOBAL_OFFSET)                    \
  X(CL_INVALID_EVENT_WAIT_LIST) X(CL_INVALID_EVENT) X(CL_INVALID_OPERATION) X(CL_INVALID_BUFFER_SIZE)       \
  X(CL_INVALID_GLOBAL_WORK_SIZE) X(CL_INVALID_PROPERTY) X(CL_INVALID_COMPILER_OPTIONS)                      \
  X(CL_INVALID_LINKER_OPTIONS)

const char *hf_cl_error(cl_int code, char scratch[32]) {
  switch (code) {
#define HF_CL_CASE(name)                                                                                    \
  case name:                                                                                                \
    return #name;
    HF_CL_ERRORS(HF_CL_CASE)
#undef HF_CL_CASE
    case -1001: /* of the loader: cl_icd.h */
      return "CL_PLATFORM_NOT_FOUND_KHR";
  }
  snprintf(scratch, 32, "error %d", (int)code);
  return scratch;
}
