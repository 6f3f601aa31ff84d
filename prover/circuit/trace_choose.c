#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include "circuit/trace.h"

const hf_trace_ops *hf_trace_choose(void) {
#if defined(__x86_64__)
  const char *forced = getenv("HYPERFOLD_CPU");
  unsigned a, b, c, d;
  bool portable = forced && !strcmp(forced, "portable");
  if (!portable && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_BMI2) && (b & bit_ADX)) return &hf_trace_mulx;
#endif
  return &hf_trace_portable;
}
