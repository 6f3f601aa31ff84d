/* What the loader's test wants to see refused: a plug-in of another build and, compiled with HF_STRANGER, a library that is none. */
#include "cuda/plugin.h"

#if defined(HF_STRANGER)
int hf_stranger(void);
int hf_stranger(void) { return 1; }
#else
const hf_cuda_plugin *hf_cuda_plugin_table(void) {
  static const hf_cuda_plugin plugin = {.abi = HF_CUDA_ABI, .layout = HF_CUDA_LAYOUT + 1};
  return &plugin;
}
#endif
