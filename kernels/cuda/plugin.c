/* Loads the CUDA plug-in and opens a device of it. */
#include "cuda/cuda.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cuda/plugin.h"

#define MAX_DEVICES 64

/* --- the library --------------------------------------------------------------------- */

/* The folder of the running program, "" if the system does not say. */
static void program_folder(char out[PATH_MAX]) {
  ssize_t length = readlink("/proc/self/exe", out, PATH_MAX - 1);
  out[length > 0 ? length : 0] = 0;
  char *slash = strrchr(out, '/');
  if (slash) *slash = 0;
}

/* The plug-in's path among the places where it may lie; HF_E_NOT_FOUND names them. */
static hf_status find_library(const char *plugins, char out[PATH_MAX]) {
  char own[PATH_MAX], tried[2 * PATH_MAX] = "";
  const char *below[] = {"", "/../lib/hyperfold"};
  program_folder(own);
  for (size_t i = 0; i < (plugins ? 1u : 2u); i++) {
    int length = snprintf(out, PATH_MAX, "%s%s/" HF_CUDA_LIBRARY, plugins ? plugins : own, plugins ? "" : below[i]);
    if (length < 0 || length >= PATH_MAX) continue;
    if (access(out, F_OK) == 0) return HF_OK;
    snprintf(tried + strlen(tried), sizeof tried - strlen(tried), "%s%s", i ? ", " : "", out);
  }
  return hf_fail(HF_E_NOT_FOUND, "no CUDA plug-in: there is no %s", tried);
}

/* The library stays in memory until the process ends (RTLD_NODELETE): CUDA's runtime leaves functions of it with the driver
 * and with threads. */
static hf_status library_open(const hf_backend_options *options, void **library, const hf_cuda_plugin **plugin) {
  char path[PATH_MAX];
  hf_cuda_entry entry;
  *library = NULL;
  hf_status status = find_library(options->plugins, path);
  if (status != HF_OK) return status;
  *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!*library) return hf_fail(HF_E_UNSUPPORTED, "the CUDA plug-in does not load: %s", dlerror());
  *(void **)&entry = dlsym(*library, HF_CUDA_SYMBOL);
  if (entry) *plugin = entry();
  if (!entry || (*plugin)->abi != HF_CUDA_ABI || (*plugin)->layout != HF_CUDA_LAYOUT) {
    dlclose(*library);
    *library = NULL;
    return hf_fail(HF_E_VERSION, "%s is of another build than this program: build both together", path);
  }
  return HF_OK;
}

hf_status hf_cuda_devices(const hf_backend_options *options, hf_backend_device *out, size_t limit, size_t *count) {
  static const hf_backend_options none;
  const hf_cuda_plugin *plugin = NULL;
  void *library;
  *count = 0;
  hf_status status = library_open(options ? options : &none, &library, &plugin);
  if (status != HF_OK) return status;
  status = plugin->devices(hf_fail, out, limit, count);
  dlclose(library);
  return status;
}

/* --- a device -------------------------------------------------------------------------- */

/* The device's table with a `close` that gives the library back too. */
typedef struct opened {
  hf_gpu_device_ops ops; /* first: the device's table is found again as an `opened` */
  const hf_gpu_device_ops *own;
  void *library;
} opened;

static void close_device(hf_gpu_device *device) {
  opened *o = (opened *)(void *)(uintptr_t)device->ops;
  device->ops = o->own;
  o->own->close(device);
  dlclose(o->library);
  free(o);
}

static hf_status choose(const hf_cuda_plugin *plugin, const char *wanted, int *index) {
  hf_backend_device *devices = calloc(MAX_DEVICES, sizeof *devices);
  hf_status status;
  size_t count = 0, at = 0;
  char *end;
  if (!devices) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the list of CUDA devices"));
  HF_TRY(plugin->devices(hf_fail, devices, MAX_DEVICES, &count));
  if (count > MAX_DEVICES) count = MAX_DEVICES;
  if (wanted && *wanted) {
    unsigned long number = strtoul(wanted, &end, 10);
    if (*end == 0 && strspn(wanted, "0123456789") > 0) at = number;
    else
      while (at < count && !strcasestr(devices[at].name, wanted)) at++;
  }
  if (at >= count)
    HF_TRY(hf_fail(HF_E_NOT_FOUND, "no CUDA device \"%s\" among %zu: the first is \"%s\"", wanted ? wanted : "", count,
                   devices[0].name));
  *index = (int)at;
out:
  free(devices);
  return status;
}

hf_status hf_cuda_create(const hf_backend_options *options, hf_backend **out) {
  hf_status status;
  const hf_cuda_plugin *plugin = NULL;
  void *library = NULL;
  hf_gpu_device *device = NULL;
  opened *o = NULL;
  int index = 0;
  *out = NULL;
  HF_TRY(library_open(options, &library, &plugin));
  HF_TRY(choose(plugin, options->device, &index));
  o = calloc(1, sizeof *o);
  if (!o) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for a CUDA device"));
  HF_TRY(plugin->open(hf_fail, index, &device));
  o->own = device->ops;
  o->ops = *device->ops;
  o->ops.close = close_device;
  o->library = library;
  device->ops = &o->ops;
  return hf_gpu_backend_create(device, out); /* closes the device if it fails */
out:
  free(o);
  if (library) dlclose(library);
  return status;
}
