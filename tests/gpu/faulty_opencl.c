/* See faulty_opencl.h. FAULTY_TRUE_LIBRARY is the path of the library behind it. */
#include "faulty_opencl.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static faulty_state state;
static char twin; /* its address is the twin's handle */
static cl_device_id original;

faulty_state *hf_faulty_state(void);
faulty_state *hf_faulty_state(void) { return &state; }

static void *truth(const char *name) {
  static void *library;
  if (!library) library = dlopen(FAULTY_TRUE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
  void *function = library ? dlsym(library, name) : NULL;
  if (!function) {
    fprintf(stderr, "faulty OpenCL: no %s in %s\n", name, FAULTY_TRUE_LIBRARY);
    abort();
  }
  return function;
}

static int fails(int function) { return ++state.calls[function] == state.at && function == state.function; }
static cl_device_id real(cl_device_id id) { return (void *)id == (void *)&twin ? original : id; }
static cl_int alive(cl_int code, int change) {
  if (code == CL_SUCCESS) state.live += change;
  return code;
}

#define TRUTH(name) ((__typeof__(&name))truth(#name))
/* Functions that give a code; what succeeds changes the count of live objects. */
#define PASS(name, change, parameters, arguments)                                                            \
  cl_int name parameters {                                                                                   \
    if (fails(FAULTY_##name)) return state.code;                                                             \
    return alive(TRUTH(name) arguments, change);                                                             \
  }
/* Functions that give a handle, and a code in *e. */
#define CREATE(type, name, parameters, arguments)                                                            \
  type name parameters {                                                                                     \
    if (fails(FAULTY_##name)) {                                                                              \
      *e = state.code;                                                                                       \
      return NULL;                                                                                           \
    }                                                                                                        \
    type z = TRUTH(name) arguments;                                                                          \
    (void)alive(*e, 1);                                                                                      \
    return z;                                                                                                \
  }

PASS(clGetPlatformIDs, 0, (cl_uint n, cl_platform_id *p, cl_uint *c), (n, p, c))
PASS(clGetPlatformInfo, 0, (cl_platform_id p, cl_platform_info i, size_t n, void *v, size_t *s),
     (p, i, n, v, s))
PASS(clReleaseContext, -1, (cl_context c), (c))
PASS(clReleaseCommandQueue, -1, (cl_command_queue q), (q))
PASS(clReleaseProgram, -1, (cl_program p), (p))
PASS(clReleaseKernel, -1, (cl_kernel k), (k))
PASS(clReleaseMemObject, -1, (cl_mem m), (m))
PASS(clSetKernelArg, 0, (cl_kernel k, cl_uint i, size_t n, const void *v), (k, i, n, v))
PASS(clGetMemObjectInfo, 0, (cl_mem m, cl_mem_info i, size_t n, void *v, size_t *s), (m, i, n, v, s))
PASS(clEnqueueMigrateMemObjects, 0,
     (cl_command_queue q, cl_uint n, const cl_mem *m, cl_mem_migration_flags f, cl_uint w, const cl_event *l,
      cl_event *e),
     (q, n, m, f, w, l, e))
PASS(clEnqueueWriteBuffer, 0,
     (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t n, const void *v, cl_uint w,
      const cl_event *l, cl_event *e),
     (q, m, b, o, n, v, w, l, e))
PASS(clEnqueueReadBuffer, 0,
     (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t n, void *v, cl_uint w, const cl_event *l,
      cl_event *e),
     (q, m, b, o, n, v, w, l, e))
PASS(clEnqueueCopyBuffer, 0,
     (cl_command_queue q, cl_mem x, cl_mem y, size_t ox, size_t oy, size_t n, cl_uint w, const cl_event *l,
      cl_event *e),
     (q, x, y, ox, oy, n, w, l, e))
PASS(clEnqueueFillBuffer, 0,
     (cl_command_queue q, cl_mem m, const void *p, size_t s, size_t o, size_t n, cl_uint w, const cl_event *l,
      cl_event *e),
     (q, m, p, s, o, n, w, l, e))
PASS(clEnqueueNDRangeKernel, 0,
     (cl_command_queue q, cl_kernel k, cl_uint d, const size_t *o, const size_t *g, const size_t *n,
      cl_uint w, const cl_event *l, cl_event *e),
     (q, k, d, o, g, n, w, l, e))
PASS(clFlush, 0, (cl_command_queue q), (q))
PASS(clFinish, 0, (cl_command_queue q), (q))
PASS(clGetProgramBuildInfo, 0,
     (cl_program p, cl_device_id d, cl_program_build_info i, size_t n, void *v, size_t *s),
     (p, real(d), i, n, v, s))

CREATE(cl_command_queue, clCreateCommandQueue,
       (cl_context c, cl_device_id d, cl_command_queue_properties f, cl_int *e), (c, real(d), f, e))
CREATE(cl_kernel, clCreateKernel, (cl_program p, const char *name, cl_int *e), (p, name, e))
CREATE(cl_mem, clCreateBuffer, (cl_context c, cl_mem_flags f, size_t n, void *v, cl_int *e), (c, f, n, v, e))

/* --- those that lie about more than success --------------------------------------- */

cl_context clCreateContext(const cl_context_properties *p, cl_uint n, const cl_device_id *d,
                           void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *data,
                           cl_int *e) {
  cl_device_id device = real(*d);
  if (fails(FAULTY_clCreateContext)) {
    *e = state.code;
    return NULL;
  }
  cl_context z = TRUTH(clCreateContext)(p, n, &device, notify, data, e);
  (void)alive(*e, 1);
  return z;
}

cl_program clCreateProgramWithSource(cl_context c, cl_uint n, const char **text, const size_t *lengths,
                                     cl_int *e) {
  if (fails(FAULTY_clCreateProgramWithSource)) {
    *e = state.code;
    return NULL;
  }
  const char *texts[2] = {text[0], state.appended};
  cl_program z = TRUTH(clCreateProgramWithSource)(c, n + (state.appended != NULL), texts, lengths, e);
  (void)alive(*e, 1);
  return z;
}

cl_int clBuildProgram(cl_program p, cl_uint n, const cl_device_id *d, const char *options,
                      void(CL_CALLBACK *notify)(cl_program, void *), void *data) {
  cl_device_id device = real(*d);
  if (fails(FAULTY_clBuildProgram)) return state.code;
  return TRUTH(clBuildProgram)(p, n, &device, options, notify, data);
}

cl_int clGetDeviceIDs(cl_platform_id p, cl_device_type t, cl_uint n, cl_device_id *ids, cl_uint *count) {
  if (fails(FAULTY_clGetDeviceIDs)) return state.code;
  cl_int code = TRUTH(clGetDeviceIDs)(p, t, n, ids, count);
  if (code == CL_SUCCESS && state.twin && *count > 0 && *count < n) {
    original = ids[0];
    ids[(*count)++] = (cl_device_id)(void *)&twin;
  }
  return code;
}

static cl_int answer(const void *bytes, size_t size, size_t room, void *out) {
  if (size > room) return CL_INVALID_VALUE;
  memcpy(out, bytes, size);
  return CL_SUCCESS;
}

cl_int clGetDeviceInfo(cl_device_id d, cl_device_info i, size_t n, void *v, size_t *s) {
  static const cl_device_type gpu = CL_DEVICE_TYPE_GPU;
  if (fails(FAULTY_clGetDeviceInfo)) return state.code;
  if ((void *)d == (void *)&twin && i == CL_DEVICE_TYPE) return answer(&gpu, sizeof gpu, n, v);
  if ((void *)d == (void *)&twin && i == CL_DEVICE_NAME) return answer("Twin GPU", sizeof "Twin GPU", n, v);
  if (i == state.info) return answer(state.answer, state.answer_size, n, v);
  return TRUTH(clGetDeviceInfo)(real(d), i, n, v, s);
}

cl_int clGetKernelWorkGroupInfo(cl_kernel k, cl_device_id d, cl_kernel_work_group_info i, size_t n, void *v,
                                size_t *s) {
  if (fails(FAULTY_clGetKernelWorkGroupInfo)) return state.code;
  cl_int code = TRUTH(clGetKernelWorkGroupInfo)(k, real(d), i, n, v, s);
  if (code == CL_SUCCESS && state.group) memcpy(v, &state.group, sizeof state.group);
  return code;
}
