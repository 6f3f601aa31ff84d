/* The kernels of kernels_vector.h as CUDA; device_cuda.c takes their addresses. */
#include "gpu/kernels_vector.h"
