/* What a process counts and measures, for Prometheus to ask for (text exposition format 0.0.4).
 *
 *   static const hf_metric_spec jobs = HF_COUNTER_OF("hyperfold_worker_jobs_total", "Jobs by outcome.", "outcome");
 *   HF_TRY(hf_metrics_add(metrics, &jobs, &family));
 *   hf_series_add(hf_series_of(family, HF_LABELS("failed")), 1);
 *
 * A family is a metric's name; each combination of its labels' values is a series, made when it is first asked for and there
 * for good. What a series is told costs an atomic operation and may come from any thread. A family keeps HF_SERIES_MAX series:
 * what comes after them is counted in one whose labels are all "other", so that no stranger's names fill the memory.
 *
 * Names follow Prometheus' conventions and are checked: hyperfold_ (or process_) in front, base units (_seconds, _bytes), _total on
 * counters and on nothing else. */
#ifndef HF_METRICS_H
#define HF_METRICS_H

#include <hyperfold/bytes.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_METRIC_LABELS  4
#define HF_METRIC_BUCKETS 24
#define HF_SERIES_MAX     512
#define HF_LABEL_TEXT     128 /* bytes of a label's value that are kept, NUL included */

typedef struct hf_metrics hf_metrics;
typedef struct hf_family hf_family;
typedef struct hf_series hf_series;

typedef enum hf_metric_kind {
  HF_COUNTER,  /* only grows; _total */
  HF_GAUGE,    /* is set */
  HF_HISTOGRAM /* values that were observed, by size */
} hf_metric_kind;

typedef struct hf_metric_spec {
  hf_metric_kind kind;
  const char *name, *help;                  /* static */
  const char *labels[HF_METRIC_LABELS + 1]; /* names, static; NULL: no more */
  const double *buckets;                    /* of a histogram: upper bounds, ascending, without the infinite one; static */
  unsigned bucket_count;                    /* 1 to HF_METRIC_BUCKETS */
} hf_metric_spec;

/* Entries of a table: name, help, then the labels' names. */
#define HF_COUNTER_OF(n, h, ...) {.kind = HF_COUNTER, .name = (n), .help = (h), .labels = {__VA_ARGS__ __VA_OPT__(,) NULL}}
#define HF_GAUGE_OF(n, h, ...)   {.kind = HF_GAUGE, .name = (n), .help = (h), .labels = {__VA_ARGS__ __VA_OPT__(,) NULL}}
#define HF_HISTOGRAM_OF(n, h, bounds, count, ...)                                                            \
  {.kind = HF_HISTOGRAM, .name = (n), .help = (h), .labels = {__VA_ARGS__ __VA_OPT__(,) NULL}, .buckets = (bounds), .bucket_count = (count)}

/* Seconds of what lasts from milliseconds to minutes. */
extern const double hf_seconds_buckets[];
#define HF_SECONDS_BUCKETS 16

hf_status hf_metrics_create(hf_metrics **out);
void hf_metrics_destroy(hf_metrics **metrics); /* NULL is allowed; families and series go with it */

/* Families appear in the order in which they were added. HF_E_ARGUMENT: the name, a label or the buckets are against the rules
 * above; HF_E_EXISTS: the name is taken. */
hf_status hf_metrics_add(hf_metrics *metrics, const hf_metric_spec *spec, hf_family **out);
/* A whole table: families[i] is that of specs[i]. */
hf_status hf_metrics_add_all(hf_metrics *metrics, const hf_metric_spec *specs, size_t count, hf_family **families);

/* The series with these values, one a label, in the order of the spec (NULL is ""); `values` may be NULL where there are no
 * labels. Never NULL: without memory or room it is that of "other". What is not UTF-8 in a value is '?'. */
hf_series *hf_series_of(hf_family *family, const char *const *values);
#define HF_LABELS(...) ((const char *const[HF_METRIC_LABELS]){__VA_ARGS__})

/* Counters and gauges. A counter takes nothing that is negative or no number. */
void hf_series_add(hf_series *series, double value);
/* Gauges; and counters that are kept elsewhere (a queue's), of which this is the present value. */
void hf_series_set(hf_series *series, double value);
/* Histograms. What is no number is dropped. */
void hf_series_observe(hf_series *series, double value);
/* What was there is not known any more: the family's series are left out until they are told something again. */
void hf_family_hide(hf_family *family);
/* Of counters and gauges. */
double hf_series_value(const hf_series *series);

/* Called before every exposition, one at a time, in the order of registering: sets what is only known when it is asked for. */
hf_status hf_metrics_collector(hf_metrics *metrics, void (*collect)(void *context), void *context);

/* The exposition. Families without a series are left out. */
#define HF_METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
hf_status hf_metrics_write(hf_metrics *metrics, hf_writer *w);

#ifdef __cplusplus
}
#endif
#endif
