/* The OpenCL device over a library that fails (faulty_opencl.c): every function in turn, drivers that lack something, two
 * devices, kernels that do not compile. Nothing crashes, nothing is left open, and what has failed stays failed. */
#include <dlfcn.h>
#include <stdio.h>
#include "../cpu/support.h"
#include "faulty_opencl.h"
#include "opencl/device_opencl.h"

static faulty_state *faulty;

/* The library that stands before the true one; skips where there is no device behind it. */
static void setup(void) {
  size_t count;
  hf_status status = hf_backend_devices("opencl", NULL, NULL, 0, &count);
  if (status == HF_E_NOT_FOUND) cr_skip_test("%s", hf_error_message());
  cr_assert_eq(status, HF_OK, "%s", hf_error_message());
  void *library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_NOLOAD);
  cr_assert_not_null(library);
  faulty_state *(*state)(void) = (faulty_state * (*)(void)) dlsym(library, FAULTY_STATE);
  cr_assert_not_null(state, "the true library was loaded: LD_LIBRARY_PATH");
  faulty = state();
}

static bool says(const char *what) { return strstr(hf_error_message(), what) != NULL; }

#define COUNT 64

/* A little of everything; the first failure. */
static hf_status work(hf_backend *k) {
  hf_status status;
  hf_vec *a = NULL, *b = NULL;
  hf_fr values[COUNT], got[COUNT];
  for (uint64_t i = 0; i < COUNT; i++) values[i] = hf_fr_from_u64(i);
  HF_TRY(k->ops->vec_create(k, COUNT, &a));
  HF_TRY(k->ops->vec_create(k, 2 * COUNT, &b));
  HF_TRY(k->ops->vec_upload(k, a, 0, values, COUNT));
  HF_TRY(k->ops->ntt(k, &a, 1, 6, HF_NTT_FORWARD));
  HF_TRY(k->ops->ntt(k, &a, 1, 6, HF_NTT_INVERSE));
  HF_TRY(k->ops->vec_copy(k, b, 3, a, 0, COUNT));
  for (int i = 0; i < 20; i++) HF_TRY(k->ops->scale(k, b, hf_fr_from_u64(2), COUNT + 3));
  HF_TRY(k->ops->vec_download(k, b, 3, got, COUNT));
  for (uint64_t i = 0; i < COUNT; i++)
    if (!hf_fr_eq(got[i], hf_fr_from_u64(i << 20))) HF_TRY(hf_fail(HF_E_INTERNAL, "element %llu", (unsigned long long)i));
out:
  k->ops->vec_destroy(k, a);
  k->ops->vec_destroy(k, b);
  return status;
}

/* Opens, works, closes. A device that fails at work must go on failing. */
static hf_status run(void) {
  hf_backend *k;
  char first[256];
  hf_status status = hf_backend_create("opencl", NULL, &k);
  if (status != HF_OK) {
    cr_assert_null(k);
    return status;
  }
  status = work(k);
  if (status == HF_E_DEVICE) {
    snprintf(first, sizeof first, "%s", hf_error_message());
    cr_assert_eq(work(k), HF_E_DEVICE);
    cr_assert(says("must be opened anew"), "%s", hf_error_message());
    (void)hf_fail(status, "%s", first);
  }
  hf_backend_destroy(&k);
  return status;
}

static void arm(int function, unsigned at, cl_int code) {
  memset(faulty->calls, 0, sizeof faulty->calls);
  faulty->function = function;
  faulty->at = at;
  faulty->code = code;
}

/* What may become of a run in which the function fails once. */
enum { NO_HARM = 1, DEVICE = 2, MEMORY = 4, ABSENT = 8, LACKS = 16 };
static const struct {
  int function;
  const char *name;
  int outcomes;
} expected[] = {
#define ROW(function, outcomes) {FAULTY_##function, #function, outcomes}
    ROW(clGetPlatformIDs, DEVICE),
    ROW(clGetPlatformInfo, NO_HARM), /* a name */
    ROW(clGetDeviceIDs, ABSENT),
    ROW(clGetDeviceInfo, DEVICE | LACKS | NO_HARM),
    ROW(clCreateContext, DEVICE),
    ROW(clCreateCommandQueue, DEVICE),
    ROW(clCreateProgramWithSource, DEVICE),
    ROW(clBuildProgram, DEVICE),
    ROW(clCreateKernel, DEVICE),
    ROW(clGetKernelWorkGroupInfo, DEVICE),
    ROW(clSetKernelArg, DEVICE),
    ROW(clCreateBuffer, DEVICE),
    ROW(clEnqueueMigrateMemObjects, DEVICE),
    ROW(clEnqueueWriteBuffer, DEVICE),
    ROW(clEnqueueReadBuffer, DEVICE),
    ROW(clEnqueueCopyBuffer, DEVICE),
    ROW(clEnqueueFillBuffer, DEVICE | NO_HARM), /* wiping what is given back */
    ROW(clEnqueueNDRangeKernel, DEVICE),
    ROW(clFlush, DEVICE | NO_HARM),
    ROW(clFinish, NO_HARM), /* at the end */
    ROW(clGetMemObjectInfo, NO_HARM),
    ROW(clReleaseMemObject, NO_HARM),
    ROW(clReleaseKernel, NO_HARM),
    ROW(clReleaseProgram, NO_HARM),
    ROW(clReleaseCommandQueue, NO_HARM),
    ROW(clReleaseContext, NO_HARM),
#undef ROW
};

static int outcome(hf_status status) {
  switch (status) {
    case HF_OK: return NO_HARM;
    case HF_E_DEVICE: return DEVICE;
    case HF_E_MEMORY: return MEMORY;
    case HF_E_NOT_FOUND: return ABSENT;
    case HF_E_UNSUPPORTED: return LACKS;
    default: return 0;
  }
}

Test(opencl_faults, every_function) {
  unsigned clean[FAULTY_COUNT];
  setup();
  arm(0, 0, 0);
  cr_assert_eq(run(), HF_OK, "%s", hf_error_message());
  cr_assert_eq(faulty->live, 0, "%d objects are left", faulty->live);
  memcpy(clean, faulty->calls, sizeof clean);
  for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
    const char *name = expected[i].name;
    const int releases = strncmp(name, "clRelease", 9) == 0;
    const unsigned calls = clean[expected[i].function], at[3] = {1, calls / 2 + 1, calls};
    cr_assert_gt(calls, 0, "%s is never called", name);
    for (int j = 0; j < 3; j++) {
      if (j > 0 && at[j] <= at[j - 1]) continue;
      faulty->live = 0;
      arm(expected[i].function, at[j], CL_INVALID_OPERATION);
      hf_status status = run();
      cr_assert(outcome(status) & expected[i].outcomes, "%s, call %u of %u: %s: %s", name, at[j], calls,
                hf_status_text(status), hf_error_message());
      cr_assert_geq(faulty->calls[expected[i].function], at[j], "%s was not called again", name);
      if (status == HF_E_DEVICE) {
        cr_assert(says("CL_INVALID_OPERATION"), "%s: %s", name, hf_error_message());
        cr_assert(says(name), "%s: %s", name, hf_error_message());
      }
      cr_assert_eq(faulty->live, releases, "%s, call %u: %d objects are left", name, at[j], faulty->live);
    }
  }
  arm(0, 0, 0);
  faulty->live = 0;
  cr_assert_eq(run(), HF_OK, "%s", hf_error_message());
}

/* Memory that the driver refuses is memory, not a fault: whoever frees some can go on. */
Test(opencl_faults, memory_refused) {
  static const int functions[] = {FAULTY_clCreateBuffer, FAULTY_clEnqueueMigrateMemObjects};
  static const cl_int codes[] = {CL_MEM_OBJECT_ALLOCATION_FAILURE, CL_OUT_OF_RESOURCES, CL_OUT_OF_HOST_MEMORY};
  setup();
  for (int f = 0; f < 2; f++)
    for (int c = 0; c < 3; c++) {
      hf_gpu_device *d;
      hf_gpu_memory *memory;
      OK(hf_opencl_device_open(NULL, &d));
      arm(functions[f], 1, codes[c]);
      FAILS(d->ops->alloc(d, 12345, &memory), HF_E_MEMORY);
      cr_assert_null(memory);
      cr_assert(says("12345"), "%s", hf_error_message());
      OK(d->ops->alloc(d, 12345, &memory));
      OK(d->ops->zero(d, memory, 0, 12345));
      OK(d->ops->finish(d));
      d->ops->free(d, memory);
      d->ops->close(d);
      cr_assert_eq(faulty->live, 0);
    }
}

/* Drivers that cannot run the kernels are told so, by what they lack. */
Test(opencl_faults, what_a_driver_lacks) {
  static const cl_bool no = CL_FALSE;
  static const cl_ulong local = 16 << 10;
  static const size_t group = 128;
  static const struct {
    cl_uint info;
    const void *answer;
    size_t size;
    const char *says;
  } cases[] = {
      {CL_DEVICE_VERSION, "OpenCL 1.1 old", 15, "OpenCL 1.2"}, {CL_DEVICE_VERSION, "CUDA 13", 8, "OpenCL 1.2"},
      {CL_DEVICE_AVAILABLE, &no, sizeof no, "available"},      {CL_DEVICE_COMPILER_AVAILABLE, &no, sizeof no, "compiler"},
      {CL_DEVICE_ENDIAN_LITTLE, &no, sizeof no, "endian"},     {CL_DEVICE_LOCAL_MEM_SIZE, &local, sizeof local, "local memory"},
      {CL_DEVICE_MAX_WORK_GROUP_SIZE, &group, sizeof group, "lanes"},
  };
  hf_gpu_device *d;
  setup();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    faulty->info = cases[i].info;
    faulty->answer = cases[i].answer;
    faulty->answer_size = cases[i].size;
    FAILS(hf_opencl_device_open(NULL, &d), HF_E_UNSUPPORTED);
    cr_assert_null(d);
    cr_assert(says(cases[i].says), "%s", hf_error_message());
  }
  faulty->info = 0;
  faulty->group = 64; /* what a kernel's registers leave */
  FAILS(hf_opencl_device_open(NULL, &d), HF_E_UNSUPPORTED);
  cr_assert(says("at most 64 lanes"), "%s", hf_error_message());
  faulty->group = 0;
  cr_assert_eq(faulty->live, 0);
}

/* The compiler's words reach the message, with the kernel's file and line. */
Test(opencl_faults, kernels_that_do_not_compile) {
  hf_gpu_device *d;
  setup();
  faulty->appended = "#line 77 \"kernels/gpu/kernels_ntt.h\"\n__kernel void broken(void) { nonsense(); }\n";
  FAILS(hf_opencl_device_open(NULL, &d), HF_E_DEVICE);
  cr_assert_null(d);
  cr_assert(says("clBuildProgram: CL_BUILD_PROGRAM_FAILURE") && says("nonsense"), "%s", hf_error_message());
  cr_assert(says("kernels/gpu/kernels_ntt.h:77"), "%s", hf_error_message());
  for (unsigned at = 1; at <= 2; at++) { /* without its words */
    arm(FAULTY_clGetProgramBuildInfo, at, CL_OUT_OF_HOST_MEMORY);
    FAILS(hf_opencl_device_open(NULL, &d), HF_E_DEVICE);
    cr_assert(says("CL_BUILD_PROGRAM_FAILURE"), "%s", hf_error_message());
  }
  cr_assert_eq(faulty->live, 0);
}

/* GPUs come first, whatever the order of the driver. */
Test(opencl_faults, gpus_before_cpus) {
  hf_gpu_device *d;
  hf_backend *k;
  hf_backend_device found[2] = {0}, one[1] = {0};
  size_t count = 0;
  setup();
  OK(hf_backend_devices("opencl", NULL, one, 1, &count));
  if (count != 1) cr_skip_test("%zu devices are there; the test wants one and its twin", count);
  faulty->twin = 1;
  OK(hf_backend_devices("opencl", NULL, found, 2, &count));
  cr_assert_eq(count, 2);
  cr_assert_str_eq(found[0].name, "Twin GPU");
  cr_assert_str_eq(found[1].name, one[0].name);
  static const struct {
    const char *wanted;
    int which;
  } cases[] = {{NULL, 0}, {"0", 0}, {"1", 1}, {"twin", 0}, {"gpu", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    OK(hf_opencl_device_open(cases[i].wanted, &d));
    cr_assert_str_eq(d->name, found[cases[i].which].name);
    d->ops->close(d);
  }
  FAILS(hf_opencl_device_open("2", &d), HF_E_NOT_FOUND);
  OK(hf_backend_create("opencl:twin", NULL, &k));
  OK(work(k));
  hf_backend_destroy(&k);
  cr_assert_eq(faulty->live, 0);
}

/* Everything that was created is released, each time. */
Test(opencl_faults, nothing_is_left) {
#if defined(__SANITIZE_ADDRESS__)
  const int rounds = 5;
#else
  const int rounds = 50;
#endif
  setup();
  for (int round = 0; round < rounds; round++) {
    cr_assert_eq(run(), HF_OK, "%s", hf_error_message());
    cr_assert_eq(faulty->live, 0, "round %d: %d objects are left", round, faulty->live);
  }
}
