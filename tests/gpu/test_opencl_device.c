/* The OpenCL device itself: which one is chosen, its memory, its order, many at once, and that closing gives all back. */
#include <pthread.h>
#include <stdio.h>
#include "../cpu/support.h"
#include "opencl/device_opencl.h"

static hf_gpu_device *open_device(void) {
  hf_gpu_device *device;
  hf_status status = hf_opencl_device_open(NULL, &device);
  if (status == HF_E_NOT_FOUND) cr_skip_test("%s", hf_error_message());
  cr_assert_eq(status, HF_OK, "%s", hf_error_message());
  return device;
}

static bool says(const char *what) { return strstr(hf_error_message(), what) != NULL; }

/* No driver: the same clean answer from everything that asks. */
Test(opencl_device, absent) {
  hf_backend *k;
  hf_backend_device found;
  size_t count = 7;
  setenv("OCL_ICD_VENDORS", "/nonexistent/", 1);
  FAILS(hf_backend_create("opencl", NULL, &k), HF_E_NOT_FOUND);
  cr_assert_null(k);
  cr_assert(says("OpenCL"), "%s", hf_error_message());
  FAILS(hf_backend_devices("opencl", NULL, &found, 1, &count), HF_E_NOT_FOUND);
  cr_assert_eq(count, 0);
}

Test(opencl_device, choice) {
  hf_gpu_device *device = open_device(), *other;
  hf_backend_device found[8] = {0};
  hf_backend *k;
  char part[64], text[32];
  size_t count = 0;
  OK(hf_backend_devices("opencl", NULL, found, 8, &count));
  cr_assert_geq(count, 1);
  cr_assert_str_eq(found[0].name, device->name, "the first of the list is the one that is opened");
  cr_assert_str_eq(found[0].driver, device->driver);
  cr_assert(found[0].memory == device->memory && found[0].units == device->units);
  cr_assert(device->name[0] && device->driver[0] && device->units && device->largest <= device->memory);
  device->ops->close(device);

  /* by number, and by a part of the name in capitals */
  snprintf(part, sizeof part, "%.20s", found[0].name + 1);
  for (char *c = part; *c; c++)
    if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
  const char *const good[] = {"0", "", part, found[0].name};
  for (int i = 0; i < 4; i++) {
    OK(hf_opencl_device_open(good[i], &other));
    cr_assert_str_eq(other->name, found[0].name);
    other->ops->close(other);
  }
  OK(hf_backend_create("opencl:0", NULL, &k));
  cr_assert_str_eq(hf_backend_variant(k), found[0].name);
  hf_backend_destroy(&k);
  snprintf(text, sizeof text, "%zu", count);
  const char *const bad[] = {text, "99999999999999999999", "no such device", "-1", "0x0"};
  for (int i = 0; i < 5; i++) {
    FAILS(hf_opencl_device_open(bad[i], &other), HF_E_NOT_FOUND);
    cr_assert_null(other);
    cr_assert(says(bad[i]) && says(found[0].name), "%s", hf_error_message());
  }
}

/* What does not fit is refused with the figures, and the device goes on. */
Test(opencl_device, memory_is_counted) {
  hf_gpu_device *d = open_device();
  hf_gpu_memory *a, *b;
  char figure[32];
  FAILS(d->ops->alloc(d, d->largest + 1, &a), HF_E_MEMORY);
  cr_assert_null(a);
  snprintf(figure, sizeof figure, "%llu", (unsigned long long)d->largest);
  cr_assert(says(figure), "%s", hf_error_message());
  snprintf(figure, sizeof figure, "%llu", (unsigned long long)d->largest + 1);
  cr_assert(says(figure), "%s", hf_error_message());
  d->memory = 1 << 20; /* of which it has more in truth */
  for (int round = 0; round < 3; round++) {
    OK(d->ops->alloc(d, 600000, &a));
    FAILS(d->ops->alloc(d, 600000, &b), HF_E_MEMORY);
    cr_assert(says("1048576") && says("600000"), "%s", hf_error_message());
    d->ops->free(d, a);
  }
  OK(d->ops->alloc(d, 1 << 20, &a));
  OK(d->ops->zero(d, a, 0, 1 << 20));
  OK(d->ops->finish(d));
  d->ops->free(d, a);
  d->ops->close(d);
}

/* Writes, copies, zeros and reads at any offset, against memory of the host. */
Test(opencl_device, bytes) {
  enum { BUFFERS = 3, BYTES = 4099 };
  static unsigned char model[BUFFERS][BYTES], scratch[BYTES];
  hf_gpu_device *d = open_device();
  hf_gpu_memory *memory[BUFFERS];
  uint64_t seed = 11;
  for (int i = 0; i < BUFFERS; i++) {
    OK(d->ops->alloc(d, BYTES, &memory[i]));
    OK(d->ops->zero(d, memory[i], 0, BYTES));
  }
  for (int step = 0; step < 600; step++) {
    unsigned i = next_u64(&seed) % BUFFERS, j = (i + 1 + next_u64(&seed) % (BUFFERS - 1)) % BUFFERS;
    size_t align = step % 3 ? 1 : 16; /* fills have patterns of several sizes */
    size_t count = next_u64(&seed) % 700 / align * align;
    size_t at = next_u64(&seed) % (BYTES - 700) / align * align, to = next_u64(&seed) % (BYTES - 700);
    switch (next_u64(&seed) % 4) {
      case 0:
        for (size_t b = 0; b < count; b++) scratch[b] = model[i][at + b] = (unsigned char)next_u64(&seed);
        OK(d->ops->write(d, memory[i], at, scratch, count));
        memset(scratch, 0xee, sizeof scratch); /* it may be reused at once */
        break;
      case 1:
        memset(model[i] + at, 0, count);
        OK(d->ops->zero(d, memory[i], at, count));
        break;
      case 2:
        memcpy(model[j] + to, model[i] + at, count);
        OK(d->ops->copy(d, memory[j], to, memory[i], at, count));
        break;
      default:
        OK(d->ops->read(d, memory[i], at, scratch, count));
        cr_assert(memcmp(scratch, model[i] + at, count) == 0, "step %d", step);
    }
  }
  for (int i = 0; i < BUFFERS; i++) {
    OK(d->ops->read(d, memory[i], 0, scratch, BYTES));
    cr_assert(memcmp(scratch, model[i], BYTES) == 0, "buffer %d", i);
    d->ops->free(d, memory[i]);
  }
  d->ops->close(d);
}

/* Reads that follow long kernels see what these wrote; memory may be given back while kernels still use it. */
Test(opencl_device, order) {
  enum { GROUPS = 64, COUNT = GROUPS * HF_LANES };
  hf_gpu_device *d = open_device();
  uint64_t seed = 5;
  hf_fr x = random_fr(&seed), *got = malloc(COUNT * sizeof *got), *values = random_vector(&seed, COUNT);
  hf_gpu_memory *busy, *memory;
  const uint32_t rounds = 500, count = COUNT;
  const size_t bytes = COUNT * sizeof(hf_fr);
  OK(d->ops->alloc(d, bytes, &busy));
  OK(d->ops->alloc(d, bytes, &memory));
  hf_gpu_argument chain[] = {{.memory = busy}, {.value = &x, .size = sizeof x}, {.value = &rounds, .size = sizeof rounds}};
  hf_gpu_argument square[] = {{.memory = memory}, {.memory = memory}, {.value = &count, .size = sizeof count}};
  OK(d->ops->write(d, memory, 0, values, bytes));
  OK(d->ops->launch(d, HF_KERNEL_multiply_chain, GROUPS, chain, 3));
  d->ops->free(d, busy);
  for (int i = 0; i < 10; i++) OK(d->ops->launch(d, HF_KERNEL_hadamard, GROUPS, square, 3));
  OK(d->ops->read(d, memory, 0, got, bytes));
  for (size_t i = 0; i < COUNT; i++) SAME_FR(got[i], hf_fr_pow_u64(values[i], 1 << 10));
  OK(d->ops->finish(d));
  d->ops->free(d, memory);
  d->ops->close(d);
  free(got);
  free(values);
}

static void *try_backend(void *status) {
  hf_backend *k;
  hf_status *z = status;
  *z = hf_backend_create("opencl", NULL, &k);
  for (int i = 0; i < 2 && *z == HF_OK; i++) *z = hf_backend_selftest(k);
  hf_backend_destroy(&k);
  return NULL;
}

/* Several on one device: in turns on one thread, and at the same time on three. */
Test(opencl_device, several_at_once) {
  enum { MANY = 4, COUNT = 1000 };
  uint64_t seed = 3;
  hf_backend *k[MANY];
  hf_vec *v[MANY];
  hf_fr *values = random_vector(&seed, COUNT), *got = malloc(COUNT * sizeof *got), factor[MANY];
  pthread_t threads[3];
  hf_status results[3];
  hf_gpu_device *first = open_device(); /* skips without one */
  for (int i = 0; i < MANY; i++) {
    OK(hf_backend_create("opencl", NULL, &k[i]));
    v[i] = upload(k[i], values, COUNT);
    factor[i] = random_fr(&seed);
  }
  for (int round = 0; round < 5; round++)
    for (int i = 0; i < MANY; i++) OK(k[i]->ops->scale(k[i], v[i], factor[i], COUNT));
  for (int i = MANY; i-- > 0;) {
    download(k[i], v[i], got, COUNT);
    for (size_t j = 0; j < COUNT; j++) SAME_FR(got[j], hf_fr_mul(values[j], hf_fr_pow_u64(factor[i], 5)));
    k[i]->ops->vec_destroy(k[i], v[i]);
    hf_backend_destroy(&k[i]);
  }
  for (int i = 0; i < 3; i++) cr_assert_eq(pthread_create(&threads[i], NULL, try_backend, &results[i]), 0);
  for (int i = 0; i < 3; i++) {
    pthread_join(threads[i], NULL);
    cr_assert_eq(results[i], HF_OK);
  }
  first->ops->close(first);
  free(values);
  free(got);
}

#if !defined(__SANITIZE_ADDRESS__) /* which keeps freed memory for a while */
static size_t resident_kib(void) {
  char line[256];
  size_t kib = 0;
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmRSS: %zu", &kib) == 1) break;
  if (file) fclose(file);
  return kib;
}

/* On PoCL the device's memory is the process's. */
Test(opencl_device, opened_fifty_times) {
  const size_t count = (size_t)1 << 19; /* 16 MiB */
  hf_fr *values = calloc(count, sizeof *values);
  size_t before = 0;
  for (int round = 0; round < 50; round++) {
    hf_backend *k = open_backend();
    hf_vec *v = upload(k, values, count);
    OK(k->ops->scale(k, v, hf_fr_one(), count));
    OK(k->ops->vec_download(k, v, 0, values, 100));
    k->ops->vec_destroy(k, v);
    hf_backend_destroy(&k);
    if (round == 4) before = resident_kib();
  }
  size_t after = resident_kib();
  cr_log_info("resident after 5 rounds: %zu KiB, after 50: %zu KiB", before, after);
  cr_assert_lt(after, before + (64 << 10), "%zu KiB, then %zu", before, after); /* four vectors of 45 */
  free(values);
}
#endif
