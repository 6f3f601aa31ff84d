/* The report as one page: style, drawings and tables are all inside, and nothing runs. */
#include <string.h>
#include "plot.h"

static const char *const colours[HF_PLOT_PHASES] = {"#3b7dd8", "#e07b1a", "#2a9d5c", "#c0392b", "#8e5bc4",
                                                    "#8c6d46", "#d657a5", "#7a7a7a", "#a3a61c", "#17a2b8"};

static void put_style(hf_bench_out *o) {
  hf_bench_put(o, "<style>\n"
                  ":root{color-scheme:light dark;--ink:#1c1e21;--soft:#5c6370;--line:#d9dce1;--ground:#fff;--card:#f7f8fa}\n"
                  "@media (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa2ae;--line:#343a43;--ground:#15181c;--card:#1c2026}}\n"
                  "body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground);max-width:1020px;margin:2em auto;"
                  "padding:0 1em}\n"
                  "h1{font-size:1.5em}h2{font-size:1.2em;margin-top:2em}h3{font-size:1em;margin:.2em 0}\n"
                  "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em 1.2em}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
                  ".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:1em}\n"
                  "figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6em}\n"
                  "svg{width:100%%;height:auto}.axis,.tick{fill:var(--soft);font-size:12px}.up{font-size:9px}\n"
                  ".grid{stroke:var(--line);stroke-width:1}.one{stroke:var(--soft);stroke-dasharray:2 3}\n"
                  ".line{fill:none;stroke-width:2}.limit{stroke-width:1.3;stroke-dasharray:5 4;opacity:.75}\n"
                  ".legend span{margin-right:1.2em;white-space:nowrap}.legend i{display:inline-block;width:.9em;height:.9em;"
                  "border-radius:2px;margin-right:.4em;vertical-align:-.1em}\n"
                  ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;width:100%%}"
                  "td,th{padding:.25em .6em;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}"
                  "td:first-child,th:first-child,td:nth-child(4),th:nth-child(4){text-align:left}\n");
  for (int i = 0; i < HF_PLOT_PHASES; i++)
    hf_bench_put(o, ".c%d{stroke:%s}.f%d{fill:%s}.b%d{background:%s}\n", i, colours[i], i, colours[i], i, colours[i]);
  hf_bench_put(o, "</style>\n");
}

static void put_term(hf_bench_out *o, const char *term, const char *text) {
  hf_bench_put(o, "<dt>%s</dt><dd>", term);
  hf_plot_text(o, text);
  hf_bench_put(o, "</dd>\n");
}

static void put_environment(hf_bench_out *o, const hf_bench_environment *e) {
  char line[160];
  hf_bench_put(o, "<dl>\n");
  put_term(o, "machine", e->cpu);
  snprintf(line, sizeof line, "%u processors at %.0f MHz, %.1f GiB", e->processors, e->clock_mhz, (double)e->memory_bytes / (1 << 30));
  put_term(o, "", line);
  put_term(o, "system", e->system);
  put_term(o, "version", e->version);
  put_term(o, "commit", e->commit);
  put_term(o, "compiler", e->compiler);
  put_term(o, "flags", e->flags);
  put_term(o, "device", e->device);
  snprintf(line, sizeof line, "%.60s, load %.2f", e->started, e->load);
  put_term(o, "run", line);
  if (e->repeats) {
    snprintf(line, sizeof line, "seed %llu, %u to warm up, %u samples", (unsigned long long)e->seed, e->warm_up, e->repeats);
    put_term(o, "", line);
  }
  snprintf(line, sizeof line, "%.3f ns (Fr, one thread)", e->multiplication_ns);
  put_term(o, "multiplication", line);
  hf_bench_put(o, "</dl>\n");
}

static void put_legend(hf_bench_out *o, const hf_plot *plot) {
  const hf_bench_report *report = plot->report;
  size_t seen = 0;
  hf_bench_put(o, "<p class=\"legend\">");
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    size_t series = plot->series[i];
    if (series < seen) continue;
    seen = series + 1;
    hf_bench_put(o, "<span><i class=\"b%zu\"></i>", series % HF_PLOT_SERIES);
    hf_plot_text(o, r->device);
    hf_bench_put(o, ", %u thread%s</span> ", r->threads, r->threads == 1 ? "" : "s");
  }
  hf_bench_put(o, "<br>Dashed: the limit, the multiplications that the task cannot do without, times the measured cost of one, over "
                  "the threads. Points: medians; hover for figures.</p>\n");
}

static void put_charts(hf_bench_out *o, const hf_plot *plot) {
  const hf_bench_report *report = plot->report;
  for (size_t i = 0; i < report->count; i++) {
    const char *name = report->results[i].name;
    bool first = true;
    for (size_t k = 0; k < i && first; k++) first = strcmp(report->results[k].name, name) != 0;
    if (!first || !hf_plot_is_sweep(plot, name)) continue;
    hf_bench_put(o, "<h2>");
    hf_plot_text(o, name);
    hf_bench_put(o, "</h2>\n<div class=\"pair\"><figure><h3>time over size</h3>\n");
    hf_plot_times(o, plot, name);
    hf_bench_put(o, "</figure>\n<figure><h3>ratio to the limit</h3>\n");
    hf_plot_ratios(o, plot, name);
    if (hf_plot_has_rates(plot, name)) {
      hf_bench_put(o, "</figure>\n<figure><h3>payments per second</h3>\n");
      hf_plot_rates(o, plot, name);
    }
    hf_bench_put(o, "</figure></div>\n");
  }
}

static void put_table(hf_bench_out *o, const hf_bench_report *report) {
  char size[24];
  hf_bench_put(o, "<h2>All results</h2>\n<div class=\"scroll\"><table><tr><th>what</th><th>size</th><th>threads</th><th>device</th>"
                  "<th>median ms</th><th>limit ms</th><th>ratio</th><th>samples ms</th></tr>\n");
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    hf_bench_size_text(r->size, size);
    hf_bench_put(o, "<tr><td>");
    hf_plot_text(o, r->name);
    hf_bench_put(o, "</td><td>%s</td><td>%u</td><td>", size, r->threads);
    hf_plot_text(o, r->device);
    hf_bench_put(o, "</td><td>%.4f</td><td>%.4f</td><td>%.2f</td><td>", r->median_ms, r->limit_ms, hf_bench_ratio(r));
    for (size_t k = 0; k < r->samples && k < 16; k++) hf_bench_put(o, "%s%.3f", k ? ", " : "", r->samples_ms[k]);
    hf_bench_put(o, "%s</td></tr>\n", r->samples > 16 ? ", ..." : "");
  }
  hf_bench_put(o, "</table></div>\n");
}

static void put_figures(hf_bench_out *o, const hf_bench_report *report) {
  char size[24];
  bool begun = false;
  for (size_t i = 0; i < report->count; i++) {
    const hf_bench_result *r = &report->results[i];
    if (r->figures.count == 0) continue;
    if (!begun) hf_bench_put(o, "<h2>Figures</h2>\n");
    begun = true;
    hf_bench_size_text(r->size, size);
    hf_bench_put(o, "<h3>");
    hf_plot_text(o, r->name);
    hf_bench_put(o, " %s, %u threads</h3>\n<dl>", size, r->threads);
    for (size_t k = 0; k < r->figures.count; k++) {
      char value[40];
      snprintf(value, sizeof value, "%.10g", r->figures.items[k].value);
      hf_bench_put(o, "<dt>");
      hf_plot_text(o, r->figures.items[k].name);
      hf_bench_put(o, "</dt><dd>%s</dd>", value);
    }
    hf_bench_put(o, "</dl>\n");
  }
}

char *hf_bench_report_html(const hf_bench_report *report) {
  hf_bench_out o = {0};
  hf_plot plot;
  if (hf_plot_begin(&plot, report) != HF_OK) return NULL;
  hf_bench_put(&o, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                   "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>hyperfold bench</title>\n");
  put_style(&o);
  hf_bench_put(&o, "</head><body>\n<h1>hyperfold bench</h1>\n");
  put_environment(&o, &report->environment);
  put_legend(&o, &plot);
  put_charts(&o, &plot);
  hf_plot_phases(&o, &plot);
  put_table(&o, report);
  put_figures(&o, report);
  hf_bench_put(&o, "</body></html>\n");
  hf_plot_end(&plot);
  return hf_bench_take(&o);
}
