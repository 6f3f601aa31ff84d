/* The kernels of kernels_msm.h as CUDA; device_cuda.c takes their addresses. What works on sums calls doubling and addition;
 * the addition of points to buckets, where the time goes, is inlined. Three groups a multiprocessor: 168 registers at most (the
 * weighing of buckets, a few per cent of the time, keeps 96 bytes on the stack). */
#define HF_POINT_CALLS
#define HF_GROUPS_AT_ONCE 3
#include "gpu/kernels_msm.h"
