/* A plug-in of another build, as the loader's test wants to see it refused. */
#include "cuda/plugin.h"

const hf_cuda_plugin *hf_cuda_plugin_table(void) {
  static const hf_cuda_plugin plugin = {.abi = HF_CUDA_ABI, .layout = HF_CUDA_LAYOUT + 1};
  return &plugin;
}
