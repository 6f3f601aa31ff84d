/* Charts of a report as inline SVG: time over size, ratio to the limit and payments a second over size, phases of a proof. Colours are classes
 * that the page's style sheet fills, so that one drawing serves light and dark. */
#ifndef HF_BENCH_PLOT_H
#define HF_BENCH_PLOT_H
#include "bench_internal.h"

#define HF_PLOT_SERIES 8 /* colours there are; what comes later shares them */
#define HF_PLOT_PHASES 10

typedef struct hf_plot {
  const hf_bench_report *report;
  size_t *series; /* of each result: the place of its device and threads among those of the report, in order of appearance */
  size_t series_count;
} hf_plot;

hf_status hf_plot_begin(hf_plot *plot, const hf_bench_report *report);
void hf_plot_end(hf_plot *plot);
/* Whether there are several sizes of that name, which make a line. */
bool hf_plot_is_sweep(const hf_plot *plot, const char *name);
void hf_plot_times(hf_bench_out *out, const hf_plot *plot, const char *name);
void hf_plot_ratios(hf_bench_out *out, const hf_plot *plot, const char *name);
/* Payments per second, of results that have such a figure. */
bool hf_plot_has_rates(const hf_plot *plot, const char *name);
void hf_plot_rates(hf_bench_out *out, const hf_plot *plot, const char *name);
/* One bar of all phases a result that has them, with their legend. */
void hf_plot_phases(hf_bench_out *out, const hf_plot *plot);
/* Text between tags or in an attribute. */
void hf_plot_text(hf_bench_out *out, const char *text);

#endif
