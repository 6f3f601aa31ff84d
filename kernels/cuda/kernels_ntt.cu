/* The kernels of kernels_ntt.h as CUDA; device_cuda.c takes their addresses. Three tiles a multiprocessor: 80 registers a lane,
 * where it would take 84 and leave room for two. */
#define HF_GROUPS_AT_ONCE 3
#include "gpu/kernels_ntt.h"
