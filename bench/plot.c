#include "plot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void hf_plot_text(hf_bench_out *out, const char *text) {
  for (; *text; text++) switch (*text) {
    case '&': hf_bench_put(out, "&amp;"); break;
    case '<': hf_bench_put(out, "&lt;"); break;
    case '>': hf_bench_put(out, "&gt;"); break;
    case '"': hf_bench_put(out, "&quot;"); break;
    case '\'': hf_bench_put(out, "&#39;"); break;
    default: hf_bench_put(out, "%c", *text);
    }
}

static bool same_series(const hf_bench_result *a, const hf_bench_result *b) {
  return a->threads == b->threads && strcmp(a->device, b->device) == 0;
}

hf_status hf_plot_begin(hf_plot *plot, const hf_bench_report *report) {
  size_t count = report->count ? report->count : 1;
  size_t *first = calloc(count, sizeof *first); /* a result of each series */
  *plot = (hf_plot){.report = report, .series = calloc(count, sizeof *plot->series)};
  if (first == NULL || plot->series == NULL) {
    free(first);
    hf_plot_end(plot);
    return hf_fail(HF_E_MEMORY, "no memory for a plot");
  }
  for (size_t i = 0; i < report->count; i++) {
    size_t s = 0;
    while (s < plot->series_count && !same_series(&report->results[first[s]], &report->results[i])) s++;
    if (s == plot->series_count) first[plot->series_count++] = i;
    plot->series[i] = s;
  }
  free(first);
  return HF_OK;
}

void hf_plot_end(hf_plot *plot) {
  free(plot->series);
  *plot = (hf_plot){0};
}

bool hf_plot_is_sweep(const hf_plot *plot, const char *name) {
  const hf_bench_report *report = plot->report;
  uint64_t size = 0;
  for (size_t i = 0; i < report->count; i++) {
    if (strcmp(report->results[i].name, name) != 0) continue;
    if (size != 0 && report->results[i].size != size) return true;
    size = report->results[i].size;
  }
  return false;
}

/* --- a frame with axes ------------------------------------------------------------------------- */

#define WIDTH  460
#define HEIGHT 300
#define LEFT   76
#define RIGHT  14
#define TOP    14
#define BOTTOM 40

typedef struct frame {
  double x0, x1, y0, y1; /* ends of the axes: log2 of the size; log10 of milliseconds, or the ratio */
} frame;

static double at_x(const frame *f, double x) { return LEFT + (x - f->x0) / (f->x1 - f->x0) * (WIDTH - LEFT - RIGHT); }
static double at_y(const frame *f, double y) { return HEIGHT - BOTTOM - (y - f->y0) / (f->y1 - f->y0) * (HEIGHT - TOP - BOTTOM); }

static void frame_begin(hf_bench_out *out, const frame *f, const char *title, const char *y_title) {
  hf_bench_put(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH, HEIGHT);
  hf_plot_text(out, title);
  hf_bench_put(out, "\">\n<text class=\"axis\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">size</text>\n", (WIDTH + LEFT - RIGHT) / 2,
               HEIGHT - 6);
  hf_bench_put(out, "<text class=\"axis\" transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
               (HEIGHT - BOTTOM + TOP) / 2, y_title);
  int step = (int)ceil((f->x1 - f->x0) / 10);
  for (int x = (int)ceil(f->x0); x <= (int)floor(f->x1); x += step ? step : 1) {
    hf_bench_put(out, "<line class=\"grid\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>", at_x(f, x), at_x(f, x), TOP,
                 HEIGHT - BOTTOM);
    hf_bench_put(out, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">2<tspan dy=\"-4\" class=\"up\">%d</tspan></text>\n",
                 at_x(f, x), HEIGHT - BOTTOM + 16, x);
  }
}

static void frame_line(hf_bench_out *out, const frame *f, double y, const char *label) {
  hf_bench_put(out, "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT, at_y(f, y), at_y(f, y));
  hf_bench_put(out, "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 6, at_y(f, y) + 4, label);
}

static void time_label(double ms, char out[24]) {
  if (ms >= 1000) snprintf(out, 24, "%g s", ms / 1000);
  else if (ms >= 1) snprintf(out, 24, "%g ms", ms);
  else snprintf(out, 24, "%g \xc2\xb5s", ms * 1000);
}

/* Lines at powers of ten; where there are few of them, at 2 and 5 as well. */
static void time_lines(hf_bench_out *out, const frame *f) {
  char label[24];
  bool dense = f->y1 - f->y0 < 2.5;
  for (int e = (int)floor(f->y0); e <= (int)ceil(f->y1); e++)
    for (int k = 0; k < (dense ? 3 : 1); k++) {
      double y = e + log10(k == 0 ? 1 : k == 1 ? 2 : 5);
      if (y < f->y0 - 1e-9 || y > f->y1 + 1e-9) continue;
      time_label((k == 0 ? 1 : k == 1 ? 2 : 5) * pow(10, e), label);
      frame_line(out, f, y, label);
    }
}

/* --- lines over sizes ---------------------------------------------------------------------------- */

/* The next larger result of the same name and series; NULL after the last. */
static const hf_bench_result *next(const hf_plot *plot, const char *name, size_t series, uint64_t after) {
  const hf_bench_result *found = NULL;
  for (size_t i = 0; i < plot->report->count; i++) {
    const hf_bench_result *r = &plot->report->results[i];
    if (plot->series[i] != series || r->size <= after || strcmp(r->name, name) != 0) continue;
    if (found == NULL || r->size < found->size) found = r;
  }
  return found;
}

static double value_time(const hf_bench_result *r) { return log10(r->median_ms); }
static double value_limit(const hf_bench_result *r) { return r->limit_ms > 0 ? log10(r->limit_ms) : NAN; }

static void put_line(hf_bench_out *out, const frame *f, const hf_plot *plot, const char *name, size_t series,
                     double (*value)(const hf_bench_result *), const char *style) {
  bool begun = false;
  if (next(plot, name, series, 0) == NULL) return;
  hf_bench_put(out, "<path class=\"line c%zu%s\" d=\"", series % HF_PLOT_SERIES, style);
  for (const hf_bench_result *r = next(plot, name, series, 0); r; r = next(plot, name, series, r->size)) {
    double y = value(r);
    if (!isfinite(y)) continue;
    hf_bench_put(out, "%c%.1f %.1f", begun ? 'L' : 'M', at_x(f, log2((double)r->size)), at_y(f, y));
    begun = true;
  }
  hf_bench_put(out, "\"/>\n");
}

static void put_points(hf_bench_out *out, const frame *f, const hf_plot *plot, const char *name, size_t series,
                       double (*value)(const hf_bench_result *)) {
  char size[24], label[24];
  for (const hf_bench_result *r = next(plot, name, series, 0); r; r = next(plot, name, series, r->size)) {
    double y = value(r);
    if (!isfinite(y)) continue;
    hf_bench_size_text(r->size, size);
    time_label(r->median_ms, label);
    hf_bench_put(out, "<circle class=\"point f%zu\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\"><title>%s, ", series % HF_PLOT_SERIES,
                 at_x(f, log2((double)r->size)), at_y(f, y), size);
    hf_plot_text(out, r->device);
    hf_bench_put(out, ", %u threads: %s, limit %.4g ms, ratio %.2f</title></circle>\n", r->threads, label, r->limit_ms,
                 hf_bench_ratio(r));
  }
}

static void widen(frame *f, double x, double y) {
  if (x < f->x0) f->x0 = x;
  if (x > f->x1) f->x1 = x;
  if (y < f->y0) f->y0 = y;
  if (y > f->y1) f->y1 = y;
}

void hf_plot_times(hf_bench_out *out, const hf_plot *plot, const char *name) {
  const hf_bench_report *report = plot->report;
  frame f = {INFINITY, -INFINITY, INFINITY, -INFINITY};
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    if (strcmp(r->name, name) != 0) continue;
    widen(&f, log2((double)r->size), value_time(r));
    if (r->limit_ms > 0) widen(&f, log2((double)r->size), value_limit(r));
  }
  f = (frame){f.x0 - 0.3, f.x1 + 0.3, f.y0 - 0.12, f.y1 + 0.12};
  frame_begin(out, &f, name, "median time");
  time_lines(out, &f);
  for (size_t s = 0; s < plot->series_count; s++) {
    put_line(out, &f, plot, name, s, value_limit, " limit");
    put_line(out, &f, plot, name, s, value_time, "");
    put_points(out, &f, plot, name, s, value_time);
  }
  hf_bench_put(out, "</svg>\n");
}

/* From 0 up, with the height of `mark` drawn in. */
static void plot_linear(hf_bench_out *out, const hf_plot *plot, const char *name, const char *y_title,
                        double (*value)(const hf_bench_result *), double mark) {
  const hf_bench_report *report = plot->report;
  frame f = {INFINITY, -INFINITY, 0, mark};
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    if (strcmp(r->name, name) == 0 && isfinite(value(r))) widen(&f, log2((double)r->size), value(r));
  }
  if (f.x0 > f.x1 || !(f.y1 > 0)) return;
  f = (frame){f.x0 - 0.3, f.x1 + 0.3, 0, f.y1 * 1.08};
  double step = pow(10, floor(log10(f.y1)));
  if (f.y1 / step < 2.5) step /= 4;
  else if (f.y1 / step < 5) step /= 2;
  frame_begin(out, &f, name, y_title);
  for (int k = 0; k * step <= f.y1; k++) {
    char label[24];
    snprintf(label, sizeof label, "%g", k * step);
    frame_line(out, &f, k * step, label);
  }
  if (mark > 0)
    hf_bench_put(out, "<line class=\"one\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", LEFT, WIDTH - RIGHT, at_y(&f, mark),
                 at_y(&f, mark));
  for (size_t s = 0; s < plot->series_count; s++) {
    put_line(out, &f, plot, name, s, value, "");
    put_points(out, &f, plot, name, s, value);
  }
  hf_bench_put(out, "</svg>\n");
}

static double value_ratio(const hf_bench_result *r) { return r->limit_ms > 0 ? hf_bench_ratio(r) : NAN; }
static double value_rate(const hf_bench_result *r) { return hf_bench_pairs_get(&r->figures, "payments_per_second", NAN); }

void hf_plot_ratios(hf_bench_out *out, const hf_plot *plot, const char *name) {
  plot_linear(out, plot, name, "time / limit", value_ratio, 1);
}

bool hf_plot_has_rates(const hf_plot *plot, const char *name) {
  for (size_t i = 0; i < plot->report->count; i++)
    if (strcmp(plot->report->results[i].name, name) == 0 && isfinite(value_rate(&plot->report->results[i]))) return true;
  return false;
}

void hf_plot_rates(hf_bench_out *out, const hf_plot *plot, const char *name) {
  plot_linear(out, plot, name, "payments per second", value_rate, 0);
}

/* --- phases ---------------------------------------------------------------------------------------- */

typedef struct phases {
  const char *names[HF_PLOT_PHASES];
  size_t count;
} phases;

static size_t phase_of(phases *p, const char *name) {
  for (size_t i = 0; i < p->count; i++)
    if (strcmp(p->names[i], name) == 0) return i;
  if (p->count == HF_PLOT_PHASES) return HF_PLOT_PHASES - 1;
  p->names[p->count] = name;
  return p->count++;
}

#define BAR_LEFT 190
#define BAR_WIDE 900

static void put_bar(hf_bench_out *out, phases *p, const hf_bench_result *r, double widest, int y) {
  char size[24], label[24];
  double x = BAR_LEFT, sum = 0;
  hf_bench_size_text(r->size, size);
  hf_bench_put(out, "<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"end\">", BAR_LEFT - 8, y + 15);
  hf_plot_text(out, r->name);
  hf_bench_put(out, " %s, %u thr</text>\n", size, r->threads);
  for (size_t i = 0; i < r->phases.count; i++) {
    double ms = r->phases.items[i].value;
    if (!(ms > 0)) continue;
    double wide = ms / widest * (BAR_WIDE - BAR_LEFT - 80);
    hf_bench_put(out, "<rect class=\"f%zu\" x=\"%.1f\" y=\"%d\" width=\"%.2f\" height=\"20\"><title>",
                 phase_of(p, r->phases.items[i].name), x, y, wide);
    hf_plot_text(out, r->phases.items[i].name);
    hf_bench_put(out, ": %.1f ms</title></rect>", ms);
    x += wide;
    sum += ms;
  }
  snprintf(label, sizeof label, sum < 1000 ? "%.0f ms" : "%.2f s", sum < 1000 ? sum : sum / 1000);
  hf_bench_put(out, "\n<text class=\"tick\" x=\"%.1f\" y=\"%d\">%s</text>\n", x + 6, y + 15, label);
}

void hf_plot_phases(hf_bench_out *out, const hf_plot *plot) {
  const hf_bench_report *report = plot->report;
  phases p = {.count = 0};
  double widest = 0;
  int bars = 0, y = 4;
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_pairs *list = &report->results[i].phases;
    double sum = 0;
    for (size_t k = 0; k < list->count; k++) sum += list->items[k].value > 0 ? list->items[k].value : 0;
    bars += sum > 0;
    if (sum > widest) widest = sum;
  }
  if (bars == 0) return;
  hf_bench_put(out, "<h2>Phases</h2>\n<svg class=\"wide\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"phases\">\n", BAR_WIDE,
               bars * 28 + 8);
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    double sum = 0;
    for (size_t k = 0; k < r->phases.count; k++) sum += r->phases.items[k].value > 0 ? r->phases.items[k].value : 0;
    if (!(sum > 0)) continue;
    put_bar(out, &p, r, widest, y);
    y += 28;
  }
  hf_bench_put(out, "</svg>\n<p class=\"legend\">");
  for (size_t i = 0; i < p.count; i++) {
    hf_bench_put(out, "<span><i class=\"b%zu\"></i>", i);
    hf_plot_text(out, i + 1 == HF_PLOT_PHASES ? "others" : p.names[i]);
    hf_bench_put(out, "</span> ");
  }
  hf_bench_put(out, "</p>\n");
}
