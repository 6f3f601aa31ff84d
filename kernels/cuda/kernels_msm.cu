/* The kernels of kernels_msm.h as CUDA; device_cuda.c takes their addresses. What works on sums calls doubling and addition;
 * the addition of points to buckets, where the time goes, is inlined. */
#define HF_POINT_CALLS
#include "gpu/kernels_msm.h"
