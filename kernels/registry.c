/* The backends there are: one line each. */
#include "backend.h"
#include <string.h>
#include "cpu/cpu.h"

static const struct {
  const char *name;
  hf_status (*create)(const hf_backend_options *options, hf_backend **out);
} backends[] = {
    {"cpu", hf_cpu_create},
};

hf_status hf_backend_create(const char *name, const hf_backend_options *options, hf_backend **out) {
  *out = NULL;
  const size_t count = sizeof backends / sizeof backends[0];
  for (size_t i = 0; i < count; i++)
    if (strcmp(name, backends[i].name) == 0) return backends[i].create(options, out);
  char names[128] = "";
  for (size_t i = 0; i < count; i++) {
    if (i) strncat(names, ", ", sizeof names - strlen(names) - 1);
    strncat(names, backends[i].name, sizeof names - strlen(names) - 1);
  }
  return hf_fail(HF_E_NOT_FOUND, "no backend \"%s\"; there are: %s", name, names);
}

void hf_backend_destroy(hf_backend **backend) {
  if (*backend) (*backend)->ops->destroy(*backend);
  *backend = NULL;
}
