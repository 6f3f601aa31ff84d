/* The backends there are: one line each. */
#include "backend.h"
#include <string.h>
#include "cpu/cpu.h"
#include "cuda/cuda.h"
#if defined(HF_HAS_OPENCL)
#include "opencl/device_opencl.h"
#endif

static const struct {
  const char *name;
  hf_status (*create)(const hf_backend_options *options, hf_backend **out);
  hf_status (*devices)(const hf_backend_options *options, hf_backend_device *out, size_t limit, size_t *count);
} backends[] = {
    {"cpu", hf_cpu_create, hf_cpu_devices},
    {"cuda", hf_cuda_create, hf_cuda_devices},
#if defined(HF_HAS_OPENCL)
    {"opencl", hf_opencl_create, hf_opencl_devices},
#endif
};
#define BACKENDS (sizeof backends / sizeof backends[0])

const char *hf_backend_name(size_t i) { return i < BACKENDS ? backends[i].name : NULL; }

/* The number of the backend that `name` begins with; *rest = what follows a colon, or NULL. */
static hf_status find(const char *name, size_t *out, const char **rest) {
  const size_t length = strcspn(name, ":");
  *rest = name[length] ? name + length + 1 : NULL;
  for (size_t i = 0; i < BACKENDS; i++)
    if (strlen(backends[i].name) == length && strncmp(name, backends[i].name, length) == 0) {
      *out = i;
      return HF_OK;
    }
  char names[128] = "";
  for (size_t i = 0; i < BACKENDS; i++) {
    if (i) strncat(names, ", ", sizeof names - strlen(names) - 1);
    strncat(names, backends[i].name, sizeof names - strlen(names) - 1);
  }
  return hf_fail(HF_E_NOT_FOUND, "no backend \"%.*s\"; there are: %s", (int)(length < 64 ? length : 64), name, names);
}

hf_status hf_backend_devices(const char *name, const hf_backend_options *options, hf_backend_device *out, size_t limit,
                             size_t *count) {
  size_t i = 0;
  const char *rest;
  *count = 0;
  hf_status status = find(name, &i, &rest);
  return status == HF_OK ? backends[i].devices(options, out, limit, count) : status;
}

hf_status hf_backend_create(const char *name, const hf_backend_options *options, hf_backend **out) {
  hf_backend_options own = options ? *options : (hf_backend_options){0};
  size_t i = 0;
  const char *rest;
  *out = NULL;
  hf_status status = find(name, &i, &rest);
  if (status != HF_OK) return status;
  if (rest) own.device = rest;
  return backends[i].create(&own, out);
}

void hf_backend_destroy(hf_backend **backend) {
  if (*backend) (*backend)->ops->destroy(*backend);
  *backend = NULL;
}
