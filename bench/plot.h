/* Charts of a report as inline SVG: time over size, ratio to the limit over size, phases of a proof. Colours are classes
 * that the page's style sheet fills, so that one drawing serves light and dark. */
#ifndef HF_BENCH_PLOT_H
#define HF_BENCH_PLOT_H
#include "bench_internal.h"

#define HF_PLOT_SERIES 8 /* colours there are; what comes later shares them */
#define HF_PLOT_PHASES 10

/* The place of a result's device and threads among those of the report, in order of appearance. */
size_t hf_plot_series(const hf_bench_report *report, const hf_bench_result *result);
/* All results of that name; false when there is but one size, which makes no line. */
bool hf_plot_is_sweep(const hf_bench_report *report, const char *name);
void hf_plot_times(hf_bench_out *out, const hf_bench_report *report, const char *name);
void hf_plot_ratios(hf_bench_out *out, const hf_bench_report *report, const char *name);
/* One bar of all phases a result that has them, with their legend. */
void hf_plot_phases(hf_bench_out *out, const hf_bench_report *report);
/* Text between tags or in an attribute. */
void hf_plot_text(hf_bench_out *out, const char *text);

#endif
