/* Shared by the files of bench/. */
#ifndef HF_BENCH_INTERNAL_H
#define HF_BENCH_INTERNAL_H
#include "backend.h"
#include "bench.h"

unsigned hf_bench_processors(void);
double hf_bench_now_ms(void);
/* Minimum, quartiles and maximum. */
hf_status hf_bench_quantiles(const double *samples, size_t count, double out[5]);

/* Text that grows; without memory it is dropped and hf_bench_text_take gives NULL. */
typedef struct hf_bench_out {
  char *text;
  size_t length, room;
  bool failed;
} hf_bench_out;
void hf_bench_put(hf_bench_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *hf_bench_take(hf_bench_out *out);
/* "2^20", or the number where it is no power of two. */
void hf_bench_size_text(uint64_t size, char out[24]);

/* --- what every measurement begins with --------------------------------------------------------- */

typedef struct hf_bench_run {
  const hf_bench_options *options;
  hf_bench_report *report;
  hf_backend *backend;
  unsigned threads, warm_up, repeats;
  char device[HF_BENCH_TEXT];
  double multiplication_ns; /* one thread, throughput, on this code path */
  uint64_t seed;
} hf_bench_run;

/* Opens the backend, tries it with known answers, measures a multiplication and writes the environment down. */
hf_status hf_bench_run_begin(hf_bench_run *run, const hf_bench_options *options, unsigned repeats, hf_bench_report *report);
void hf_bench_run_end(hf_bench_run *run);
void hf_bench_say(const hf_bench_run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Fills in name, size, threads, device and the cost of a multiplication; room for `repeats` samples. */
hf_status hf_bench_result_begin(const hf_bench_run *run, const char *name, uint64_t size, hf_bench_result *result);

/* The sizes that are asked for, or the benchmark's own. */
static inline unsigned hf_bench_log_first(const hf_bench_options *o, unsigned own) { return o->log_max ? o->log_min : own; }
static inline unsigned hf_bench_log_last(const hf_bench_options *o, unsigned own) { return o->log_max ? o->log_max : own; }

/* An element that everybody gets from the same seed. */
hf_fr hf_bench_random(uint64_t *state);

/* One measured operation: `before` sets its inputs up outside the time, `work` is timed, `verify` looks at what the last run
 * left. */
typedef hf_status (*hf_bench_step)(hf_bench_run *run, void *context);
hf_status hf_bench_sample(hf_bench_run *run, const char *name, uint64_t size, double multiplications, hf_bench_step before,
                          hf_bench_step work, hf_bench_step verify, void *context);

/* --- multiplications that a task cannot do without ------------------------------------------------ */

double hf_bench_ntt_multiplications(unsigned log_n);
/* Terms whose scalars have i significant bits (the sign apart): bits[i], i <= 254. */
double hf_bench_msm_multiplications(const double bits[255]);

/* Counts the multiplications of all MSMs and transforms that go through a backend. */
typedef struct hf_bench_counter {
  hf_backend_ops ops; /* first: the backend's table while it is counted */
  const hf_backend_ops *inner;
  double msm, ntt;
} hf_bench_counter;
void hf_bench_counter_begin(hf_bench_counter *counter, hf_backend *backend);
void hf_bench_counter_end(hf_bench_counter *counter, hf_backend *backend);

/* --- memory ------------------------------------------------------------------------------------- */

/* The kernel's high-water mark of this process's memory, set back and read. Where it cannot be set back, it covers what came
 * before. */
void hf_bench_peak_reset(void);
uint64_t hf_bench_peak_bytes(void);

#endif
