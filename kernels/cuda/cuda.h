/* The CUDA backend as the product sees it: the plug-in is looked for, loaded, and given back. */
#ifndef HF_CUDA_H
#define HF_CUDA_H
#include "backend.h"

/* HF_E_NOT_FOUND names the places where the plug-in was looked for, HF_E_VERSION a plug-in of another build;
 * HF_E_UNSUPPORTED says in CUDA's own words why there is no device. options->device is a number in the order of
 * hf_cuda_devices or a part of a name in any case; NULL or "" is the first. */
hf_status hf_cuda_create(const hf_backend_options *options, hf_backend **out);
hf_status hf_cuda_devices(const hf_backend_options *options, hf_backend_device *out, size_t limit, size_t *count);

#endif
