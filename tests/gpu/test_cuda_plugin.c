/* The CUDA plug-in without a device: where it is looked for, what it says, and that it goes again. */
#include <dlfcn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../cpu/support.h"
#include "cuda/plugin.h"

static bool says(const char *what) { return strstr(hf_error_message(), what) != NULL; }

/* A folder of its own with what is to be taken for the plug-in: NULL for none. */
static char *folder_with(const char *source) {
  static char folder[64];
  char library[128];
  strcpy(folder, "/tmp/hyperfold-plugin-XXXXXX");
  cr_assert_not_null(mkdtemp(folder));
  snprintf(library, sizeof library, "%s/" HF_CUDA_LIBRARY, folder);
  if (source) cr_assert_eq(symlink(source, library), 0);
  return folder;
}

static void remove_folder(const char *folder) {
  char library[128];
  snprintf(library, sizeof library, "%s/" HF_CUDA_LIBRARY, folder);
  (void)unlink(library);
  cr_assert_eq(rmdir(folder), 0);
}

static void refused(const char *folder, hf_status code, const char *words) {
  hf_backend_options options = {.plugins = folder};
  hf_backend_device found;
  hf_backend *k = NULL;
  size_t count = 7;
  FAILS(hf_backend_create("cuda", &options, &k), code);
  cr_assert_null(k);
  cr_assert(says(words), "\"%s\" in: %s", words, hf_error_message());
  FAILS(hf_backend_devices("cuda", &options, &found, 1, &count), code);
  cr_assert_eq(count, 0);
  cr_assert(says(words), "\"%s\" in: %s", words, hf_error_message());
}

Test(cuda_plugin, absent) {
  char *folder = folder_with(NULL);
  refused(folder, HF_E_NOT_FOUND, folder);
  refused(folder, HF_E_NOT_FOUND, HF_CUDA_LIBRARY);
  remove_folder(folder);
  refused("/nonexistent", HF_E_NOT_FOUND, "/nonexistent/" HF_CUDA_LIBRARY);
  refused(NULL, HF_E_NOT_FOUND, "/../lib/hyperfold/" HF_CUDA_LIBRARY); /* this program has none beside it */
}

/* Some other file; a library without the symbol; a plug-in of another build. */
Test(cuda_plugin, foreign) {
  char *folder = folder_with(HF_SOURCE_DIR "/README.md");
  refused(folder, HF_E_UNSUPPORTED, "does not load");
  remove_folder(folder);
  folder = folder_with(HF_TEST_STRANGER);
  refused(folder, HF_E_VERSION, "another build");
  remove_folder(folder);
  folder = folder_with(HF_TEST_OLD_PLUGIN);
  refused(folder, HF_E_VERSION, "another build");
  remove_folder(folder);
}

#if defined(HF_TEST_PLUGIN)
static const hf_cuda_plugin *load(void **library) {
  hf_cuda_entry entry;
  *library = dlopen(HF_TEST_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  cr_assert_not_null(*library, "%s", dlerror());
  *(void **)&entry = dlsym(*library, HF_CUDA_SYMBOL);
  cr_assert_not_null(entry, "%s", dlerror());
  cr_assert_eq(entry()->abi, HF_CUDA_ABI);
  cr_assert_eq(entry()->layout, HF_CUDA_LAYOUT);
  return entry();
}

/* One symbol, and nothing of its own left behind when it is closed. */
Test(cuda_plugin, loads_and_goes) {
  for (int round = 0; round < 3; round++) {
    void *library;
    (void)load(&library);
    cr_assert_null(dlsym(library, "hf_kernel_axpy"), "kernels stay hidden");
    cr_assert_null(dlsym(library, "cudaMalloc"), "so does the runtime");
    cr_assert_eq(dlclose(library), 0);
  }
}

/* Without a driver or a device every way in gives CUDA's own reason, again and again. */
Test(cuda_plugin, no_device) {
  void *library;
  const hf_cuda_plugin *plugin = load(&library);
  hf_backend_device found[4];
  hf_gpu_device *device = NULL;
  size_t count = 0;
  if (plugin->devices(hf_fail, found, 4, &count) == HF_OK) {
    cr_assert_geq(count, 1);
    FAILS(plugin->open(hf_fail, (int)count, &device), HF_E_NOT_FOUND);
    FAILS(plugin->open(hf_fail, -1, &device), HF_E_NOT_FOUND);
    hf_backend_options options = {.plugins = HF_BINARY_DIR "/bin", .device = "no such device"};
    hf_backend *k;
    FAILS(hf_backend_create("cuda", &options, &k), HF_E_NOT_FOUND);
    cr_assert(says(found[0].name), "%s", hf_error_message());
    cr_skip_test("there is a device: %s", found[0].name);
  }
  for (int round = 0; round < 3; round++) {
    FAILS(plugin->open(hf_fail, 0, &device), HF_E_UNSUPPORTED);
    cr_assert_null(device);
    cr_assert(says("cudaGetDeviceCount: cudaError"), "%s", hf_error_message());
    refused(HF_BINARY_DIR "/bin", HF_E_UNSUPPORTED, "cudaGetDeviceCount: cudaError");
  }
  cr_assert_eq(dlclose(library), 0);
}
#endif
