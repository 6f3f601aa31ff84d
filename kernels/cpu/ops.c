/* The table of one variant. */
#include "cpu.h"

#define HF_CPU_QUOTE_(x) #x
#define HF_CPU_QUOTE(x)  HF_CPU_QUOTE_(x)

const hf_backend_ops HF_CPU_NAME(ops) = {.name = "cpu",
                                         .variant = HF_CPU_QUOTE(HF_CPU_VARIANT),
                                         .destroy = hf_cpu_destroy,
                                         .vec_create = hf_cpu_vec_create,
                                         .vec_destroy = hf_cpu_vec_destroy,
                                         .vec_upload = hf_cpu_vec_upload,
                                         .vec_download = hf_cpu_vec_download,
                                         .vec_copy = hf_cpu_vec_copy,
                                         .vec_zero = hf_cpu_vec_zero,
                                         .points_create = hf_cpu_points_create,
                                         .points_destroy = hf_cpu_points_destroy,
#define HF_CPU_ENTRY(op) .op = HF_CPU_NAME(op),
                                         HF_CPU_HOT(HF_CPU_ENTRY)
#undef HF_CPU_ENTRY
};
