/* The CPU backend's life, memory and choice of variant. */
#include "cpu.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#define HF_CPU_MSM_SORT_BYTES ((size_t)64 << 20)

typedef struct hf_cpu_variant {
  const char *name;
  const hf_backend_ops *ops;
  bool (*runs_here)(void);
} hf_cpu_variant;

static bool always(void) { return true; }

#if defined(__x86_64__)
/* BMI2 (MULX) and ADX (ADCX, ADOX): general registers alone, so the processor's word is enough. Asked by
 * hand: clang 14 does not know "adx" in __builtin_cpu_supports. */
static bool has_mulx_adx(void) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_BMI2) && (b & bit_ADX);
}

/* F, DQ, IFMA, BW and VL, and an operating system that keeps the registers: XCR0 bits 1, 2, 5, 6 and 7. */
static bool has_ifma(void) {
  unsigned a, b, c, d, low, high;
  if (!has_mulx_adx() || !__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & 0xe6) != 0xe6) return false;
  const unsigned needed = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 30 | 1u << 31;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & needed) == needed;
}
#endif

/* Best last. */
static const hf_cpu_variant variants[] = {
    {"portable", &hf_cpu_portable_ops, always},
#if defined(__x86_64__)
    {"mulx", &hf_cpu_mulx_ops, has_mulx_adx},
    {"ifma", &hf_cpu_ifma_ops, has_ifma},
#endif
};

static hf_status variant_choose(const char *name, const hf_cpu_variant **out) {
  const size_t count = sizeof variants / sizeof variants[0];
  for (size_t i = count; i-- > 0;) {
    if (name && strcmp(name, variants[i].name) != 0) continue;
    if (variants[i].runs_here()) {
      *out = &variants[i];
      return HF_OK;
    }
    if (name) return hf_fail(HF_E_UNSUPPORTED, "this processor cannot run the CPU variant \"%s\"", name);
  }
  char names[128] = "";
  for (size_t i = 0; i < count; i++) {
    if (i) strncat(names, ", ", sizeof names - strlen(names) - 1);
    strncat(names, variants[i].name, sizeof names - strlen(names) - 1);
  }
  return hf_fail(HF_E_NOT_FOUND, "no CPU variant \"%s\"; there are: %s", name ? name : "", names);
}

hf_status hf_cpu_create(const hf_backend_options *options, hf_backend **out) {
  *out = NULL;
  const hf_cpu_variant *variant = NULL;
  const char *name = options && options->variant ? options->variant : options && options->device ? options->device : NULL;
  if (!name) name = getenv("HYPERFOLD_CPU");
  hf_status status = variant_choose(name, &variant);
  if (status != HF_OK) return status;
  hf_cpu *cpu = calloc(1, sizeof *cpu);
  if (!cpu) return hf_fail(HF_E_MEMORY, "CPU backend: out of memory");
  status = hf_pool_create(options ? options->threads : 0, &cpu->pool);
  if (status != HF_OK) {
    free(cpu);
    return status;
  }
  cpu->base.ops = variant->ops;
  cpu->msm_sort_bytes = HF_CPU_MSM_SORT_BYTES;
  *out = &cpu->base;
  return HF_OK;
}

/* One device, with the names of the variants that it runs, the best first. */
hf_status hf_cpu_devices(const hf_backend_options *options, hf_backend_device *out, size_t limit, size_t *count) {
  (void)options;
  *count = 1;
  if (limit == 0) return HF_OK;
  *out = (hf_backend_device){.memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
                          .units = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
  for (size_t i = sizeof variants / sizeof variants[0]; i-- > 0;)
    if (variants[i].runs_here()) {
      if (*out->name) strncat(out->name, ", ", sizeof out->name - strlen(out->name) - 1);
      strncat(out->name, variants[i].name, sizeof out->name - strlen(out->name) - 1);
    }
  strcpy(out->driver, "none");
  return HF_OK;
}

void hf_cpu_destroy(hf_backend *backend) {
  hf_cpu *cpu = hf_cpu_of(backend);
  hf_pool_destroy(&cpu->pool);
  hf_cpu_scratch_free(cpu);
  hf_cpu_spare_free(cpu);
  free(cpu->twiddles);
#if defined(__x86_64__)
  hf_cpu_ifma_release(cpu);
#endif
  free(cpu);
}

hf_status hf_cpu_range(const char *operation, const hf_vec *vec, size_t offset, size_t count) {
  if (offset <= vec->length && count <= vec->length - offset) return HF_OK;
  return hf_fail(HF_E_ARGUMENT, "%s: elements %zu..%zu+%zu of a vector of %zu", operation, offset, offset,
                 count, vec->length);
}

size_t hf_vec_length(const hf_vec *vec) { return vec->length; }

hf_status hf_cpu_vec_create(hf_backend *backend, size_t length, hf_vec **out) {
  *out = NULL;
  hf_vec *vec = malloc(sizeof *vec);
  hf_fr *data =
      length <= SIZE_MAX / sizeof *data ? hf_cpu_spare_take(hf_cpu_of(backend), length * sizeof *data) : NULL;
  if (!vec || !data) {
    if (data) hf_cpu_spare_give(hf_cpu_of(backend), data, length * sizeof *data);
    free(vec);
    return hf_fail(HF_E_MEMORY, "no memory for a vector of %zu elements", length);
  }
  vec->data = data;
  vec->length = length;
  *out = vec;
  return HF_OK;
}

void hf_cpu_vec_destroy(hf_backend *backend, hf_vec *vec) {
  if (!vec) return;
  hf_cpu_spare_give(hf_cpu_of(backend), vec->data, vec->length * sizeof *vec->data);
  free(vec);
}

hf_status hf_cpu_vec_upload(hf_backend *backend, hf_vec *to, size_t offset, const hf_fr *from, size_t count) {
  (void)backend;
  hf_status status = hf_cpu_range("vec_upload", to, offset, count);
  if (status == HF_OK && count) memcpy(to->data + offset, from, count * sizeof *from);
  return status;
}

hf_status hf_cpu_vec_download(hf_backend *backend, const hf_vec *from, size_t offset, hf_fr *to,
                              size_t count) {
  (void)backend;
  hf_status status = hf_cpu_range("vec_download", from, offset, count);
  if (status == HF_OK && count) memcpy(to, from->data + offset, count * sizeof *to);
  return status;
}

hf_status hf_cpu_vec_copy(hf_backend *backend, hf_vec *to, size_t to_offset, const hf_vec *from,
                          size_t from_offset, size_t count) {
  (void)backend;
  hf_status status = hf_cpu_range("vec_copy (target)", to, to_offset, count);
  if (status == HF_OK) status = hf_cpu_range("vec_copy (source)", from, from_offset, count);
  if (status == HF_OK && count)
    memmove(to->data + to_offset, from->data + from_offset, count * sizeof *to->data);
  return status;
}

hf_status hf_cpu_vec_zero(hf_backend *backend, hf_vec *vec, size_t offset, size_t count) {
  (void)backend;
  hf_status status = hf_cpu_range("vec_zero", vec, offset, count);
  if (status == HF_OK && count) memset(vec->data + offset, 0, count * sizeof *vec->data);
  return status;
}

/* Many points are copied: into huge pages, each on a cache line of its own. */
hf_status hf_cpu_points_create(hf_backend *backend, const hf_g1 *points, size_t count, hf_points **out) {
  (void)backend;
  *out = calloc(1, sizeof **out);
  if (!*out) return hf_fail(HF_E_MEMORY, "no memory for a handle of points");
  (*out)->data = points;
  (*out)->count = count;
  if (count < HF_CPU_LARGE / sizeof *points) return HF_OK;
  (*out)->copy = hf_cpu_alloc(count * sizeof *points);
  if (!(*out)->copy) return HF_OK; /* slower, and as good */
  memcpy((*out)->copy, points, count * sizeof *points);
  (*out)->data = (*out)->copy;
  return HF_OK;
}

void hf_cpu_points_destroy(hf_backend *backend, hf_points *points) {
  (void)backend;
  if (points) hf_cpu_free(points->copy, points->count * sizeof *points->copy);
  free(points);
}

double hf_cpu_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
