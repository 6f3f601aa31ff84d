/* The CUDA device's own code, on a runtime that is none: choice, copies, faults at every call, memory that runs out. */
#include <dlfcn.h>
#include <stdio.h>
#include "../cpu/support.h"
#include "cuda/plugin.h"
#include "fake_cudart.h"

static const hf_backend_options options = {.plugins = HF_TEST_FAKE_FOLDER};

static bool says(const char *what) { return strstr(hf_error_message(), what) != NULL; }

static fake_cudart *fake(void) {
  void *library = dlopen(HF_TEST_FAKE_FOLDER "/" HF_CUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  cr_assert_not_null(library, "%s", dlerror());
  fake_cudart *f = dlsym(library, FAKE_CUDART_SYMBOL);
  cr_assert_not_null(f);
  dlclose(library);
  return f;
}

static hf_gpu_device *open_device(void) {
  void *library = dlopen(HF_TEST_FAKE_FOLDER "/" HF_CUDA_LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  hf_cuda_entry entry;
  hf_gpu_device *device;
  *(void **)&entry = dlsym(library, HF_CUDA_SYMBOL);
  OK(entry()->open(hf_fail, 0, &device));
  dlclose(library);
  return device;
}

Test(cuda_device, choice) {
  hf_backend_device found[2] = {0};
  size_t count;
  hf_backend *k;
  OK(hf_backend_devices("cuda", &options, found, 1, &count));
  cr_assert_eq(count, 2);
  cr_assert_str_eq(found[0].name, "Fake Device");
  cr_assert_str_eq(found[0].driver, "CUDA 13.1, runtime 13.0, sm_90");
  cr_assert_eq(found[0].units, 3);
  cr_assert_eq(found[1].name[0], 0, "no more than the limit");
  const struct {
    const char *name, *variant;
  } good[] = {{"cuda", "Fake Device"}, {"cuda:0", "Fake Device"}, {"cuda:1", "Another Device"}, {"cuda:FAKE", "Fake Device"},
              {"cuda:other", "Another Device"}, {"cuda:device", "Fake Device"}};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    OK(hf_backend_create(good[i].name, &options, &k));
    cr_assert_str_eq(hf_backend_variant(k), good[i].variant, "%s", good[i].name);
    hf_backend_destroy(&k);
  }
  static const char *const bad[] = {"cuda:2", "cuda:-1", "cuda:none", "cuda:18446744073709551617", "cuda:0x1"};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    FAILS(hf_backend_create(bad[i], &options, &k), HF_E_NOT_FOUND);
    cr_assert_null(k);
  }
  cr_assert_eq(fake()->left, 0);
  fake()->devices = 0;
  FAILS(hf_backend_create("cuda", &options, &k), HF_E_UNSUPPORTED);
  cr_assert(says("cudaErrorNoDevice (there is none)"), "%s", hf_error_message());
  cr_assert_eq(fake()->left, 0);
}

/* More than both pinned buffers hold; what was given is overwritten at once. */
Test(cuda_device, copies) {
  hf_gpu_device *device = open_device();
  const size_t bytes = ((size_t)5 << 23) + 4321;
  hf_gpu_memory *x, *y;
  uint64_t seed = 3;
  unsigned char *from = malloc(bytes), *kept = malloc(bytes), *back = malloc(bytes);
  OK(device->ops->alloc(device, bytes, &x));
  OK(device->ops->alloc(device, bytes, &y));
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < bytes; i++) kept[i] = from[i] = (unsigned char)(next_u64(&seed) >> 56);
    OK(device->ops->write(device, x, 0, from, bytes));
    memset(from, 0xee, bytes);
    OK(device->ops->read(device, x, 0, back, bytes));
    cr_assert(memcmp(back, kept, bytes) == 0, "round %d", round);
  }
  /* parts, in the order of the calls */
  OK(device->ops->copy(device, y, 100, x, 200, bytes - 200));
  OK(device->ops->zero(device, y, 0, 100));
  OK(device->ops->zero(device, y, bytes - 100, 100));
  from[0] = 77;
  OK(device->ops->write(device, y, 50, from, 1));
  from[0] = 78;
  OK(device->ops->write(device, y, 51, from, 1));
  from[0] = 79;
  OK(device->ops->write(device, y, 52, from, 1));
  OK(device->ops->finish(device));
  memset(back, 0xdd, bytes);
  OK(device->ops->read(device, y, 10, back + 10, bytes - 10));
  for (size_t i = 0; i < bytes; i++) {
    unsigned char expected = i < 10 ? 0xdd : i < 100 || i >= bytes - 100 ? 0 : kept[i + 100];
    if (i >= 50 && i < 53) expected = (unsigned char)(77 + i - 50);
    if (back[i] != expected) cr_assert_fail("byte %zu is %u, not %u", i, back[i], expected);
  }
  device->ops->free(device, x);
  device->ops->free(device, y);
  device->ops->free(device, NULL);
  device->ops->close(device);
  cr_assert_eq(fake()->left, 0);
  free(from), free(kept), free(back);
}

/* Some of everything that the device does, small. */
static hf_status work(void) {
  hf_status status;
  hf_backend *k = NULL;
  hf_vec *v = NULL;
  hf_points *p = NULL;
  hf_g1 points[4], sum;
  hf_fr x[16], y[16], value;
  for (int i = 0; i < 16; i++) x[i] = hf_fr_from_u64((uint64_t)(i * i + 1));
  for (int i = 0; i < 4; i++) points[i] = hf_g1_generator();
  HF_TRY(hf_backend_create("cuda", &options, &k));
  HF_TRY(k->ops->vec_create(k, 16, &v));
  HF_TRY(k->ops->vec_upload(k, v, 0, x, 16));
  HF_TRY(k->ops->ntt(k, &v, 1, 4, HF_NTT_FORWARD));
  HF_TRY(k->ops->ntt(k, &v, 1, 4, HF_NTT_INVERSE));
  HF_TRY(k->ops->vec_download(k, v, 0, y, 16));
  if (memcmp(x, y, sizeof x) != 0) HF_TRY(hf_fail(HF_E_INTERNAL, "a wrong transform"));
  HF_TRY(k->ops->evaluate(k, (const hf_vec *const[]){v}, 1, 16, hf_fr_one(), &value));
  HF_TRY(k->ops->points_create(k, points, 4, &p));
  HF_TRY(k->ops->msm(k, p, v, 4, &sum)); /* 1 + 2 + 5 + 10 */
  if (!hf_g1_eq(sum, hf_g1_from_xyzz(hf_g1_mul(points[0], hf_fr_from_u64(18)))))
    HF_TRY(hf_fail(HF_E_INTERNAL, "a wrong sum"));
out:
  if (p) k->ops->points_destroy(k, p);
  if (v) k->ops->vec_destroy(k, v);
  hf_backend_destroy(&k);
  return status;
}

/* Whatever call is the first to fail (each with --soak), the work ends with CUDA's word for it, and everything is given back. */
Test(cuda_device, faults_at_every_call) {
  fake_cudart *f = fake();
  f->calls = 0;
  OK(work());
  const unsigned long calls = f->calls;
  cr_assert_gt(calls, 100);
  cr_assert_eq(f->left, 0);
  unsigned long failed = 0;
  unsigned long tried = 0;
  for (unsigned long n = 1; n <= calls; n += n < 50 || getenv("HF_SOAK") ? 1 : 7, tried++) {
    f->calls = 0;
    f->fail = n;
    hf_status status = work();
    cr_assert(status == HF_E_DEVICE || status == HF_E_UNSUPPORTED || status == HF_OK, "call %lu: %d", n, (int)status);
    if (status != HF_OK) cr_assert(says("cudaErrorLaunchFailure"), "call %lu: %s", n, hf_error_message());
    failed += status != HF_OK;
    cr_assert_eq(f->left, 0, "call %lu leaves %zu", n, f->left);
  }
  /* all but those of the end, which only give things back */
  cr_assert_gt(failed, tried / 2);
  f->fail = 0;
  OK(work());
}

/* A device that failed once keeps failing. */
Test(cuda_device, faults_stay) {
  fake_cudart *f = fake();
  hf_gpu_device *device = open_device();
  hf_gpu_memory *x, *y;
  char byte = 1;
  OK(device->ops->alloc(device, 64, &x));
  f->fail = f->calls + 2; /* cudaSetDevice goes well */
  FAILS(device->ops->zero(device, x, 0, 64), HF_E_DEVICE);
  f->fail = 0;
  FAILS(device->ops->zero(device, x, 0, 64), HF_E_DEVICE);
  cr_assert(says("failed before"), "%s", hf_error_message());
  FAILS(device->ops->alloc(device, 64, &y), HF_E_DEVICE);
  FAILS(device->ops->write(device, x, 0, &byte, 1), HF_E_DEVICE);
  FAILS(device->ops->read(device, x, 0, &byte, 1), HF_E_DEVICE);
  FAILS(device->ops->copy(device, x, 0, x, 8, 8), HF_E_DEVICE);
  FAILS(device->ops->launch(device, HF_KERNEL_powers, 1, NULL, 0), HF_E_DEVICE);
  FAILS(device->ops->finish(device), HF_E_DEVICE);
  device->ops->free(device, x);
  device->ops->close(device);
  cr_assert_eq(f->left, 0);
}

/* Too little memory is no fault. */
Test(cuda_device, memory_runs_out) {
  fake_cudart *f = fake();
  const size_t before = f->memory;
  hf_gpu_device *device = open_device();
  hf_gpu_memory *x, *y;
  OK(device->ops->alloc(device, (size_t)1 << 20, &x));
  f->memory = (size_t)20 << 20; /* the pinned buffers take 16 */
  FAILS(device->ops->alloc(device, (size_t)8 << 20, &y), HF_E_MEMORY);
  cr_assert_null(y);
  cr_assert(says("no memory for 8388608 bytes: 3145728 of 20971520 are free"), "%s", hf_error_message());
  OK(device->ops->alloc(device, (size_t)2 << 20, &y));
  OK(device->ops->zero(device, y, 0, (size_t)2 << 20));
  device->ops->free(device, x);
  device->ops->free(device, y);
  device->ops->close(device);
  f->memory = (size_t)1 << 20; /* not even the buffers */
  hf_backend *k;
  cr_assert_neq(hf_backend_create("cuda", &options, &k), HF_OK);
  cr_assert_null(k);
  f->memory = before;
  OK(work());
  cr_assert_eq(f->left, 0);
}
