/* Which devices there are, and which one is meant. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "opencl.h"

#define NO_PLATFORM                                                                                         \
  "no OpenCL platform: a driver's package is missing (Debian: pocl-opencl-icd for CPUs), or OCL_ICD_VENDORS hides it"

static void text(const hf_cl *cl, cl_device_id id, cl_device_info what, char *out, size_t room) {
  char long_text[1024] = "";
  if (cl->clGetDeviceInfo(id, what, sizeof long_text, long_text, NULL) != CL_SUCCESS) strcpy(long_text, "unknown");
  long_text[sizeof long_text - 1] = 0;
  snprintf(out, room, "%s", long_text + strspn(long_text, " "));
}

static hf_status describe(const hf_cl *cl, cl_platform_id platform, cl_device_id id, hf_cl_device *out) {
  char scratch[32], platform_name[64] = "", version[32];
  cl_int code = CL_SUCCESS;
  *out = (hf_cl_device){.platform = platform, .id = id};
#define HF_CL_GET(what, field)                                                                              \
  if (code == CL_SUCCESS) code = cl->clGetDeviceInfo(id, what, sizeof out->field, &out->field, NULL)
  HF_CL_GET(CL_DEVICE_TYPE, type);
  HF_CL_GET(CL_DEVICE_GLOBAL_MEM_SIZE, memory);
  HF_CL_GET(CL_DEVICE_MAX_MEM_ALLOC_SIZE, largest);
  HF_CL_GET(CL_DEVICE_LOCAL_MEM_SIZE, local);
  HF_CL_GET(CL_DEVICE_MAX_COMPUTE_UNITS, units);
  HF_CL_GET(CL_DEVICE_MAX_WORK_GROUP_SIZE, group);
#undef HF_CL_GET
  if (code != CL_SUCCESS) return hf_fail(HF_E_DEVICE, "OpenCL: clGetDeviceInfo: %s", hf_cl_error(code, scratch));
  text(cl, id, CL_DEVICE_NAME, out->name, sizeof out->name);
  text(cl, id, CL_DEVICE_VERSION, out->version, sizeof out->version);
  text(cl, id, CL_DRIVER_VERSION, version, sizeof version);
  (void)cl->clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof platform_name - 1, platform_name, NULL);
  snprintf(out->driver, sizeof out->driver, "%.28s, %.32s", version, platform_name);
  return HF_OK;
}

/* GPUs, accelerators, the rest. */
static int rank(const hf_cl_device *d) {
  if (d->type & CL_DEVICE_TYPE_GPU) return 0;
  return d->type & CL_DEVICE_TYPE_ACCELERATOR ? 1 : 2;
}

/* By rank, equals in their order. */
static void sort(hf_cl_device *devices, size_t count) {
  for (size_t i = 1; i < count; i++)
    for (size_t j = i; j > 0 && rank(&devices[j]) < rank(&devices[j - 1]); j--) {
      hf_cl_device between = devices[j];
      devices[j] = devices[j - 1];
      devices[j - 1] = between;
    }
}

#define MOST_PLATFORMS 32
#define MOST_DEVICES   64 /* of a platform */

hf_status hf_cl_devices(const hf_cl *cl, hf_cl_device **out, size_t *count) {
  hf_status status = HF_OK;
  cl_platform_id platforms[MOST_PLATFORMS];
  cl_device_id ids[MOST_DEVICES];
  cl_uint platform_count = 0;
  char scratch[32];
  hf_cl_device *devices = *out = NULL;
  size_t found = *count = 0;
  cl_int code = cl->clGetPlatformIDs(MOST_PLATFORMS, platforms, &platform_count);
  if (platform_count == 0 && (code == CL_SUCCESS || code == -1001)) return hf_fail(HF_E_NOT_FOUND, NO_PLATFORM);
  if (code != CL_SUCCESS) return hf_fail(HF_E_DEVICE, "OpenCL: clGetPlatformIDs: %s", hf_cl_error(code, scratch));
  for (cl_uint p = 0; p < platform_count && p < MOST_PLATFORMS; p++) {
    cl_uint own = 0;
    code = cl->clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, MOST_DEVICES, ids, &own);
    if (code != CL_SUCCESS || own == 0) continue; /* a driver without its device hides no other */
    if (own > MOST_DEVICES) own = MOST_DEVICES;
    hf_cl_device *more = realloc(devices, (found + own) * sizeof *devices);
    if (!more) HF_TRY(hf_fail(HF_E_MEMORY, "OpenCL: no memory for the list of devices"));
    devices = more;
    for (cl_uint d = 0; d < own; d++) HF_TRY(describe(cl, platforms[p], ids[d], &devices[found++]));
  }
  if (found == 0) HF_TRY(hf_fail(HF_E_NOT_FOUND, "OpenCL: %u platforms, and none has a device", platform_count));
  sort(devices, found);
  *out = devices;
  *count = found;
  devices = NULL;
out:
  free(devices);
  return status;
}

static bool name_has(const char *name, const char *part) {
  size_t length = strlen(part);
  for (; strlen(name) >= length; name++)
    if (strncasecmp(name, part, length) == 0) return true;
  return false;
}

hf_status hf_cl_choose(const hf_cl *cl, const char *wanted, hf_cl_device *out) {
  hf_cl_device *devices = NULL;
  size_t count = 0, chosen = 0;
  char *end;
  hf_status status;
  HF_TRY(hf_cl_devices(cl, &devices, &count));
  if (wanted && *wanted) {
    unsigned long number = strtoul(wanted, &end, 10);
    if (*end == 0 && strspn(wanted, "0123456789") > 0) {
      chosen = number;
    } else {
      while (chosen < count && !name_has(devices[chosen].name, wanted)) chosen++;
    }
    if (chosen >= count)
      HF_TRY(hf_fail(HF_E_NOT_FOUND, "no OpenCL device \"%.64s\"; there are %zu, the first is 0, \"%s\"", wanted, count,
                     devices[0].name));
  }
  *out = devices[chosen];
out:
  free(devices);
  return status;
}
