/* What the backend tests share: a seeded generator, short names, every variant at several thread counts. */
#ifndef HF_TESTS_CPU_SUPPORT_H
#define HF_TESTS_CPU_SUPPORT_H
#include <criterion/criterion.h>
#include <hyperfold/splitmix.h>
#include <stdlib.h>
#include <string.h>
#include "backend.h"
#include "ok.h"

static inline uint64_t next_u64(uint64_t *state) { return hf_splitmix64(state); }

static inline hf_fr random_fr(uint64_t *state) {
  hf_fr a;
  do
    for (int i = 0; i < 4; i++) a.l[i] = next_u64(state) >> (i == 3 ? 2 : 0);
  while (!hf_fr_is_reduced(a));
  return a; /* uniform in Montgomery form too */
}

#define FAILS(call, code) cr_assert_eq((call), (code), "%s", #call)
#define SAME_FR(a, b)     cr_assert(hf_fr_eq((a), (b)), "%s != %s", #a, #b)

static inline hf_vec *upload(hf_backend *k, const hf_fr *data, size_t count) {
  hf_vec *vec;
  OK(k->ops->vec_create(k, count, &vec));
  OK(k->ops->vec_upload(k, vec, 0, data, count));
  return vec;
}

static inline void download(hf_backend *k, const hf_vec *vec, hf_fr *data, size_t count) {
  OK(k->ops->vec_download(k, vec, 0, data, count));
}

static inline hf_fr *random_vector(uint64_t *seed, size_t count) {
  hf_fr *v = malloc((count ? count : 1) * sizeof *v);
  for (size_t i = 0; i < count; i++) v[i] = random_fr(seed);
  return v;
}

static inline hf_fr horner_naive(const hf_fr *c, size_t count, hf_fr x) {
  hf_fr sum = hf_fr_zero();
  for (size_t i = count; i-- > 0;) sum = hf_fr_add(hf_fr_mul(sum, x), c[i]);
  return sum;
}

#if defined(HF_TEST_SERIAL)
#include "gpu/serial/device_serial.h"
/* The kernels of GPUs as plain C. */
static inline hf_backend *open_backend(void) {
  hf_gpu_device *device;
  hf_backend *k;
  OK(hf_serial_device_open(&device));
  OK(hf_gpu_backend_create(device, &k));
  return k;
}
#elif defined(HF_TEST_DEVICE)
/* A device by name; without one the test is skipped. */
static inline hf_backend *open_backend(void) {
  const char *plugins = getenv("HF_TEST_PLUGINS"); /* where the tests run on another machine than they were built on */
  const hf_backend_options options = {.plugins = plugins ? plugins : HF_BINARY_DIR "/bin"};
  hf_backend *k;
  hf_status status = hf_backend_create(HF_TEST_DEVICE, &options, &k);
  if (status == HF_E_NOT_FOUND || status == HF_E_UNSUPPORTED) cr_skip_test("%s", hf_error_message());
  cr_assert_eq(status, HF_OK, "%s", hf_error_message());
  return k;
}
#else
static inline hf_backend *open_backend(void) {
  hf_backend *k;
  OK(hf_backend_create("cpu", NULL, &k));
  return k;
}
#endif

#if defined(HF_TEST_SERIAL) || defined(HF_TEST_DEVICE)
static inline void each_backend(void (*body)(hf_backend *k)) {
  hf_backend *k = open_backend();
  body(k);
  hf_backend_destroy(&k);
  cr_assert_null(k);
}
#else
/* Runs `body` on every variant that this machine has, with 1 and 3 threads. */
static inline void each_backend(void (*body)(hf_backend *k)) {
  static const char *const variants[] = {"portable", "mulx", "ifma"};
  static const unsigned threads[] = {1, 3};
  unsigned ran = 0;
  for (size_t v = 0; v < sizeof variants / sizeof variants[0]; v++)
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
      hf_backend_options options = {.threads = threads[t], .variant = variants[v]};
      hf_backend *k;
      hf_status status = hf_backend_create("cpu", &options, &k);
      if (status == HF_E_UNSUPPORTED || (status == HF_E_NOT_FOUND && v > 0)) continue;
      cr_assert_eq(status, HF_OK, "%s", hf_error_message());
      body(k);
      hf_backend_destroy(&k);
      cr_assert_null(k);
      ran++;
    }
  cr_assert_geq(ran, 2);
}
#endif

#endif
