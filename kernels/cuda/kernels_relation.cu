/* The kernels of kernels_relation.h as CUDA; device_cuda.c takes their addresses. They multiply hundreds of times in a row: a
 * multiplication is called, or the code would not fit in the caches of instructions. */
#define HF_FIELD_CALLS
#include "gpu/kernels_relation.h"
