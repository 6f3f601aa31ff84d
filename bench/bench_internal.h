/* Shared by the files of bench/. */
#ifndef HF_BENCH_INTERNAL_H
#define HF_BENCH_INTERNAL_H
#include "bench.h"

unsigned hf_bench_processors(void);
/* Fills in what the report says about the machine and the build. */
void hf_bench_environment(hf_bench_report *report);

#endif
