/* The kernels of kernels_ntt.h as CUDA; device_cuda.c takes their addresses. Three tiles a multiprocessor: 80 registers a lane at most,
 * else there is room for two. */
#define HF_GROUPS_AT_ONCE 3
#include "gpu/kernels_ntt.h"
