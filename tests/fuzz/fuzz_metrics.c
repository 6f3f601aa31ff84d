/* Label values and numbers of any kind: what is written is read back by a strict reader, value by value. And places to listen
 * on: what is taken is taken again in its own words. */
#include "../metrics/exposition.h"
#include "exporter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void place(const char *text) {
  hf_web_place first, again;
  char words[80];
  if (hf_web_place_parse("--metrics", text, &first) != HF_OK) return;
  snprintf(words, sizeof words, strchr(first.host, ':') ? "[%s]:%u" : "%s:%u", first.host, first.port);
  if (hf_web_place_parse("--metrics", words, &again) != HF_OK || strcmp(first.host, again.host) != 0 || first.port != again.port) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const double buckets[] = {-1, 0, 1};
  static const hf_metric_spec specs[] = {HF_GAUGE_OF("hyperfold_a", "A\n\\.", "x", "y"),
                                         HF_COUNTER_OF("hyperfold_b_total", "B.", "x"),
                                         HF_HISTOGRAM_OF("hyperfold_c_seconds", "C.", buckets, 3, "x")};
  hf_metrics *m;
  hf_family *f[3];
  hf_writer w = {0};
  exposition e;
  char text[256];
  if (hf_metrics_create(&m) != HF_OK || hf_metrics_add_all(m, specs, 3, f) != HF_OK) abort();
  while (size > 9) {
    double value;
    const size_t length = data[0] < size - 9 ? data[0] : size - 9;
    memcpy(&value, data + 1, sizeof value);
    memcpy(text, data + 9, length);
    text[length] = 0;
    data += 9 + length;
    size -= 9 + length;
    place(text);
    hf_series *s = hf_series_of(f[0], HF_LABELS(text, "y"));
    hf_series_set(s, value);
    if (!(hf_series_value(s) == value || isnan(value))) abort();
    hf_series_add(hf_series_of(f[1], HF_LABELS(text)), value);
    hf_series_observe(hf_series_of(f[2], HF_LABELS(text)), value);
  }
  if (hf_metrics_write(m, &w) != HF_OK) abort();
  hf_write_u8(&w, 0);
  if (!exposition_read((const char *)w.data, &e)) {
    fprintf(stderr, "%s\n%s", e.error, (char *)w.data);
    abort();
  }
  exposition_free(&e);
  hf_writer_free(&w);
  hf_metrics_destroy(&m);
  return 0;
}
