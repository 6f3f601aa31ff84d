/* The dialect of kernels: what the bodies in kernels_*.h need beyond arith/dialect.h.
 *
 * A kernel is written once and runs as OpenCL C, as CUDA, and as plain C where every group's lanes take turns (so
 * sanitizers see every access). It is a list of blocks
 *
 *   HF_KERNEL(name, group, HF_IN(T, x), HF_OUT(T, y), HF_VALUE(T, n)) {
 *     HF_EACH_LANE(lane) { ... }
 *     HF_BARRIER();
 *     HF_EACH_LANE(lane) { ... }
 *   }
 *
 * of `group` lanes each; what outlives a block is in memory of the group (HF_LOCAL), never in a variable; `continue` ends
 * the lane's part of the block. HF_EACH_THREAD(i) is a block with the lane's number among those of all groups.
 * Names and groups are listed in kernels.h.
 */
#ifndef HF_GPU_LANG_H
#define HF_GPU_LANG_H
#include "arith/dialect.h"

#if defined(__OPENCL_VERSION__)
#define HF_GLOBAL                __global
#define HF_IN(type, name)        __global const type *name
#define HF_OUT(type, name)       __global type *name
#define HF_VALUE(type, name)     const type name
#define HF_KERNEL(name, group, ...)                                                                         \
  __kernel __attribute__((reqd_work_group_size(group, 1, 1))) void hf_kernel_##name(__VA_ARGS__)
#define HF_LOCAL(type, name, n)  __local type name[n]
#define HF_BARRIER()             barrier(CLK_LOCAL_MEM_FENCE)
#define HF_EACH_LANE(lane)       for (hf_u32 lane = (hf_u32)get_local_id(0), once_ = 1; once_; once_ = 0)
#define HF_EACH_THREAD(i)        for (hf_u32 i = (hf_u32)get_global_id(0), once_ = 1; once_; once_ = 0)
#define hf_group()               ((hf_u32)get_group_id(0))
#define hf_atomic_add(address, value) atomic_add((address), (value))
#elif defined(__CUDACC__)
#define HF_GLOBAL
#define HF_IN(type, name)        const type *__restrict__ name
#define HF_OUT(type, name)       type *name
#define HF_VALUE(type, name)     const type name
/* Groups that a multiprocessor must have room for: a file of kernels may ask for more, so that they take fewer registers. */
#if !defined(HF_GROUPS_AT_ONCE)
#define HF_GROUPS_AT_ONCE 1
#endif
#define HF_KERNEL(name, group, ...)                                                                         \
  extern "C" __global__ void __launch_bounds__(group, HF_GROUPS_AT_ONCE) hf_kernel_##name(__VA_ARGS__)
#define HF_LOCAL(type, name, n)  __shared__ type name[n]
#define HF_BARRIER()             __syncthreads()
#define HF_EACH_LANE(lane)       for (hf_u32 lane = threadIdx.x, once_ = 1; once_; once_ = 0)
#define HF_EACH_THREAD(i)        for (hf_u32 i = blockIdx.x * blockDim.x + threadIdx.x, once_ = 1; once_; once_ = 0)
#define hf_group()               ((hf_u32)blockIdx.x)
#define hf_atomic_add(address, value) atomicAdd((address), (value))
#else
/* Plain C: a group after the other on each thread, its lanes one after the other in every block. */
#include "serial/for_each.h"
typedef struct hf_serial_place {
  hf_u32 group, lanes;
} hf_serial_place;
extern _Thread_local hf_serial_place hf_serial_place_; /* of the group that runs now */
#define HF_GLOBAL
#define HF_IN(type, name)        (const type *, name)
#define HF_OUT(type, name)       (type *, name)
#define HF_VALUE(type, name)     (const type, name)
/* hf_kernel_NAME takes the addresses of its arguments, as cudaLaunchKernel does. */
#define HF_KERNEL(name, group, ...)                                                                         \
  static void hf_body_##name(HF_PARAMETERS(__VA_ARGS__));                                                   \
  void hf_kernel_##name(void *const *arguments);                                                            \
  void hf_kernel_##name(void *const *arguments) { hf_body_##name(HF_UNPACK(arguments, __VA_ARGS__)); }      \
  static void hf_body_##name(HF_PARAMETERS(__VA_ARGS__))
#define HF_LOCAL(type, name, n)  static _Thread_local type name[n]
#define HF_BARRIER()             ((void)0)
#define HF_EACH_LANE(lane)       for (hf_u32 lane = 0; lane < hf_serial_place_.lanes; lane++)
#define HF_EACH_THREAD(i)                                                                                   \
  for (hf_u32 i = hf_serial_place_.group * hf_serial_place_.lanes, end_ = i + hf_serial_place_.lanes; i < end_; i++)
#define hf_group()               (hf_serial_place_.group)
#define hf_atomic_add(address, value) __atomic_fetch_add((address), (value), __ATOMIC_RELAXED)
#endif

#endif
