/* Between the product and its CUDA plug-in, libhyperfold_cuda.so: the one symbol that the plug-in shows.
 *
 * The plug-in is a library of its own, so that everything else runs without NVIDIA's driver or libraries; it needs libc
 * and, when a device is opened, the driver. Both sides are compiled from the same sources: `abi` and `layout` tell when
 * they are not.
 */
#ifndef HF_CUDA_PLUGIN_H
#define HF_CUDA_PLUGIN_H
#include "backend.h"
#include "gpu/device.h"

#define HF_CUDA_LIBRARY "libhyperfold_cuda.so"
#define HF_CUDA_SYMBOL  "hf_cuda_plugin_table"
#define HF_CUDA_ABI     1u

/* What differs when kernels were added or a structure that crosses over has another size. */
#define HF_CUDA_LAYOUT_ADD(sum, next) ((uint64_t)(sum) * 1000003u + (uint64_t)(next))
#define HF_CUDA_LAYOUT                                                                                      \
  HF_CUDA_LAYOUT_ADD(                                                                                       \
      HF_CUDA_LAYOUT_ADD(HF_CUDA_LAYOUT_ADD(HF_KERNEL_COUNT, sizeof(hf_gpu_device)), sizeof(hf_gpu_device_ops)), \
      HF_CUDA_LAYOUT_ADD(HF_CUDA_LAYOUT_ADD(sizeof(hf_msm_plan), sizeof(hf_ntt_plan)), sizeof(hf_backend_device)))

/* hf_fail of the product: messages are the product's, the plug-in has no copy of them. */
typedef hf_status (*hf_cuda_fail)(hf_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

typedef struct hf_cuda_plugin {
  uint32_t abi;
  uint64_t layout;
  /* The first `limit` of *count devices. HF_E_UNSUPPORTED in CUDA's own words without a driver or a device. */
  hf_status (*devices)(hf_cuda_fail fail, hf_backend_device *out, size_t limit, size_t *count);
  /* Opens device number `index`. */
  hf_status (*open)(hf_cuda_fail fail, int index, hf_gpu_device **out);
} hf_cuda_plugin;

/* The symbol. */
const hf_cuda_plugin *hf_cuda_plugin_table(void);
typedef const hf_cuda_plugin *(*hf_cuda_entry)(void);

#endif
