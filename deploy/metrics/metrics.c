#include "metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLLECTORS 16

const double hf_seconds_buckets[HF_SECONDS_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                       0.5,   1,      2.5,   5,    10,    30,   60,  300};

struct hf_series {
  hf_series *next;
  const hf_family *family;
  char label[HF_METRIC_LABELS][HF_LABEL_TEXT];
  atomic_bool hidden;
  _Atomic uint64_t bits;                         /* of a double: the value; the sum of a histogram */
  _Atomic uint64_t count[HF_METRIC_BUCKETS + 1]; /* of values that fell into each bucket alone; the last is the infinite one */
};

struct hf_family {
  hf_family *next;
  hf_metric_spec spec;
  unsigned labels;
  pthread_mutex_t lock; /* guards the list; series themselves are never changed in it */
  hf_series *first, **last;
  unsigned count;
  hf_series other;
  bool has_other;
};

struct hf_metrics {
  pthread_mutex_t lock; /* guards the list of families and that of collectors */
  hf_family *first, **last;
  struct {
    void (*collect)(void *context);
    void *context;
  } collectors[COLLECTORS];
  unsigned collector_count;
  pthread_mutex_t asking; /* one exposition at a time */
};

/* ---- rules for names ---- */

static bool name_valid(const char *name) {
  if (name[0] == 0 || (name[0] >= '0' && name[0] <= '9')) return false;
  return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool ends(const char *text, const char *with) {
  const size_t n = strlen(text), m = strlen(with);
  return n >= m && strcmp(text + n - m, with) == 0;
}

static hf_status check(const hf_metric_spec *spec) {
  static const char *const taken[] = {"_bucket", "_count", "_sum"};
  const char *name = spec->name;
  if (!name_valid(name) || !(starts(name, "hyperfold_") || starts(name, "process_")))
    return hf_fail(HF_E_ARGUMENT, "metric \"%s\": hyperfold_ and lower-case letters, digits and _ are wanted", name);
  for (unsigned i = 0; i < sizeof taken / sizeof *taken; i++)
    if (ends(name, taken[i])) return hf_fail(HF_E_ARGUMENT, "metric \"%s\": %s has a meaning of its own", name, taken[i]);
  if (ends(name, "_total") != (spec->kind == HF_COUNTER))
    return hf_fail(HF_E_ARGUMENT, "metric \"%s\": counters end in _total, and nothing else does", name);
  if (spec->help == NULL || spec->help[0] == 0) return hf_fail(HF_E_ARGUMENT, "metric \"%s\" has no help", name);
  for (unsigned i = 0; i < HF_METRIC_LABELS && spec->labels[i] != NULL; i++)
    if (!name_valid(spec->labels[i]) || starts(spec->labels[i], "__") || strcmp(spec->labels[i], "le") == 0)
      return hf_fail(HF_E_ARGUMENT, "metric \"%s\": \"%s\" is no name for a label", name, spec->labels[i]);
  if ((spec->kind == HF_HISTOGRAM) != (spec->bucket_count > 0) || spec->bucket_count > HF_METRIC_BUCKETS)
    return hf_fail(HF_E_ARGUMENT, "metric \"%s\": histograms have 1 to %d buckets, others none", name, HF_METRIC_BUCKETS);
  for (unsigned i = 0; i < spec->bucket_count; i++)
    if (!isfinite(spec->buckets[i]) || (i > 0 && spec->buckets[i] <= spec->buckets[i - 1]))
      return hf_fail(HF_E_ARGUMENT, "metric \"%s\": buckets are finite and ascend", name);
  return HF_OK;
}

/* ---- families ---- */

hf_status hf_metrics_create(hf_metrics **out) {
  hf_metrics *m = calloc(1, sizeof *m);
  *out = m;
  if (m == NULL) return hf_fail(HF_E_MEMORY, "no memory for metrics");
  pthread_mutex_init(&m->lock, NULL);
  pthread_mutex_init(&m->asking, NULL);
  m->last = &m->first;
  return HF_OK;
}

void hf_metrics_destroy(hf_metrics **metrics) {
  hf_metrics *m = *metrics;
  if (m == NULL) return;
  for (hf_family *f = m->first, *next; f != NULL; f = next) {
    next = f->next;
    for (hf_series *s = f->first, *after; s != NULL; s = after) {
      after = s->next;
      free(s);
    }
    pthread_mutex_destroy(&f->lock);
    free(f);
  }
  pthread_mutex_destroy(&m->lock);
  pthread_mutex_destroy(&m->asking);
  free(m);
  *metrics = NULL;
}

hf_status hf_metrics_add(hf_metrics *m, const hf_metric_spec *spec, hf_family **out) {
  *out = NULL;
  hf_status status = check(spec);
  if (status != HF_OK) return status;
  hf_family *f = calloc(1, sizeof *f);
  if (f == NULL) return hf_fail(HF_E_MEMORY, "no memory for metric \"%s\"", spec->name);
  f->spec = *spec;
  f->last = &f->first;
  f->other.family = f;
  while (f->labels < HF_METRIC_LABELS && spec->labels[f->labels] != NULL) strcpy(f->other.label[f->labels++], "other");
  pthread_mutex_init(&f->lock, NULL);
  pthread_mutex_lock(&m->lock);
  for (const hf_family *old = m->first; old != NULL && status == HF_OK; old = old->next)
    if (strcmp(old->spec.name, spec->name) == 0) status = hf_fail(HF_E_EXISTS, "metric \"%s\" is there already", spec->name);
  if (status == HF_OK) {
    *m->last = f;
    m->last = &f->next;
    *out = f;
  }
  pthread_mutex_unlock(&m->lock);
  if (status != HF_OK) {
    pthread_mutex_destroy(&f->lock);
    free(f);
  }
  return status;
}

hf_status hf_metrics_add_all(hf_metrics *metrics, const hf_metric_spec *specs, size_t count, hf_family **families) {
  hf_status status = HF_OK;
  for (size_t i = 0; i < count; i++) HF_TRY(hf_metrics_add(metrics, &specs[i], &families[i]));
out:
  return status;
}

hf_status hf_metrics_collector(hf_metrics *m, void (*collect)(void *context), void *context) {
  hf_status status = HF_OK;
  pthread_mutex_lock(&m->lock);
  if (m->collector_count == COLLECTORS) {
    status = hf_fail(HF_E_RANGE, "at most %d collectors", COLLECTORS);
  } else {
    m->collectors[m->collector_count].collect = collect;
    m->collectors[m->collector_count++].context = context;
  }
  pthread_mutex_unlock(&m->lock);
  return status;
}

/* ---- series ---- */

/* Bytes of the character at p: 0 where it is none of UTF-8. */
static size_t character(const unsigned char *p) {
  static const struct {
    unsigned char mask, lead;
    uint32_t least;
  } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  for (size_t n = 0; n < 4; n++) {
    if ((p[0] & forms[n].mask) != forms[n].lead) continue;
    uint32_t code = p[0] & (unsigned char)~forms[n].mask;
    for (size_t i = 1; i <= n; i++) {
      if ((p[i] & 0xc0) != 0x80) return 0; /* the NUL at the end too */
      code = code << 6 | (p[i] & 0x3f);
    }
    return code >= forms[n].least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? n + 1 : 0;
  }
  return 0;
}

static void label_copy(const char *value, char out[HF_LABEL_TEXT]) {
  size_t used = 0;
  for (const unsigned char *p = (const unsigned char *)value; *p != 0;) {
    const size_t n = character(p);
    if (used + (n > 0 ? n : 1) >= HF_LABEL_TEXT) break;
    if (n == 0) {
      out[used++] = '?';
      p++;
    }
    for (size_t i = 0; i < n; i++) out[used++] = (char)*p++;
  }
  out[used] = 0;
}

static bool has_labels(const hf_series *s, char label[HF_METRIC_LABELS][HF_LABEL_TEXT]) {
  unsigned same = 0;
  while (same < s->family->labels && strcmp(s->label[same], label[same]) == 0) same++;
  return same == s->family->labels;
}

hf_series *hf_series_of(hf_family *f, const char *const *values) {
  char label[HF_METRIC_LABELS][HF_LABEL_TEXT] = {{0}};
  for (unsigned i = 0; i < f->labels; i++) label_copy(values != NULL && values[i] != NULL ? values[i] : "", label[i]);
  pthread_mutex_lock(&f->lock);
  hf_series *s = f->first;
  while (s != NULL && !has_labels(s, label)) s = s->next;
  /* Who is called "other" is one of them: a series must not stand there twice. */
  const bool other = f->labels > 0 && has_labels(&f->other, label);
  if (s == NULL && !other && f->count < HF_SERIES_MAX && (s = calloc(1, sizeof *s)) != NULL) {
    s->family = f;
    memcpy(s->label, label, sizeof label);
    *f->last = s;
    f->last = &s->next;
    f->count++;
  }
  if (s == NULL) {
    s = &f->other;
    f->has_other = true;
  }
  pthread_mutex_unlock(&f->lock);
  return s;
}

static double of_bits(uint64_t bits) {
  double value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static uint64_t to_bits(double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

static void show(hf_series *s) { atomic_store_explicit(&s->hidden, false, memory_order_relaxed); }

static void accumulate(hf_series *s, double value) {
  show(s);
  uint64_t old = atomic_load_explicit(&s->bits, memory_order_relaxed);
  while (!atomic_compare_exchange_weak_explicit(&s->bits, &old, to_bits(of_bits(old) + value), memory_order_relaxed,
                                                memory_order_relaxed)) {
  }
}

void hf_series_add(hf_series *s, double value) {
  if (s->family->spec.kind == HF_COUNTER && !(value >= 0)) return;
  accumulate(s, value);
}

void hf_series_set(hf_series *s, double value) {
  show(s);
  atomic_store_explicit(&s->bits, to_bits(value), memory_order_relaxed);
}

void hf_family_hide(hf_family *f) {
  pthread_mutex_lock(&f->lock);
  for (hf_series *s = f->first; s != NULL; s = s->next) atomic_store_explicit(&s->hidden, true, memory_order_relaxed);
  atomic_store_explicit(&f->other.hidden, true, memory_order_relaxed);
  pthread_mutex_unlock(&f->lock);
}

double hf_series_value(const hf_series *s) { return of_bits(atomic_load_explicit(&s->bits, memory_order_relaxed)); }

void hf_series_observe(hf_series *s, double value) {
  const hf_metric_spec *spec = &s->family->spec;
  unsigned at = 0;
  if (isnan(value)) return;
  while (at < spec->bucket_count && value > spec->buckets[at]) at++;
  accumulate(s, value);
  atomic_fetch_add_explicit(&s->count[at], 1, memory_order_relaxed);
}

/* ---- exposition ---- */

static void put(hf_writer *w, const char *text) { hf_write_bytes(w, text, strlen(text)); }

/* Quotes are escaped in label values and not in helps. */
static void put_escaped(hf_writer *w, const char *text, bool quotes) {
  for (; *text != 0; text++) {
    if (*text == '\n') put(w, "\\n");
    else if (*text == '\\') put(w, "\\\\");
    else if (*text == '"' && quotes) put(w, "\\\"");
    else hf_write_u8(w, (uint8_t)*text);
  }
}

/* The shortest decimals that are read as the same number again. */
static void put_number(hf_writer *w, double value) {
  char text[40];
  if (isnan(value)) {
    put(w, "NaN");
    return;
  }
  if (isinf(value)) {
    put(w, value > 0 ? "+Inf" : "-Inf");
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, value);
    if (strtod(text, NULL) == value) break;
  }
  put(w, text);
}

static void put_sample(hf_writer *w, const hf_series *s, const char *suffix, const double *le, double value) {
  const hf_family *f = s->family;
  put(w, f->spec.name);
  put(w, suffix);
  for (unsigned i = 0; i < f->labels; i++) {
    put(w, i == 0 ? "{" : ",");
    put(w, f->spec.labels[i]);
    put(w, "=\"");
    put_escaped(w, s->label[i], true);
    put(w, "\"");
  }
  if (le != NULL) {
    put(w, f->labels == 0 ? "{le=\"" : ",le=\"");
    put_number(w, *le);
    put(w, "\"");
  }
  put(w, f->labels > 0 || le != NULL ? "} " : " ");
  put_number(w, value);
  put(w, "\n");
}

static void put_head(hf_writer *w, const hf_family *f) {
  static const char *const kinds[] = {"counter", "gauge", "histogram"};
  put(w, "# HELP ");
  put(w, f->spec.name);
  put(w, " ");
  put_escaped(w, f->spec.help, false);
  put(w, "\n# TYPE ");
  put(w, f->spec.name);
  put(w, " ");
  put(w, kinds[f->spec.kind]);
  put(w, "\n");
}

/* With the family's head before the first that is shown. */
static void put_series(hf_writer *w, const hf_series *s, bool *head) {
  const hf_metric_spec *spec = &s->family->spec;
  if (atomic_load_explicit(&s->hidden, memory_order_relaxed)) return;
  if (!*head) put_head(w, s->family);
  *head = true;
  if (spec->kind != HF_HISTOGRAM) {
    put_sample(w, s, "", NULL, hf_series_value(s));
    return;
  }
  uint64_t sum = 0; /* the count is that of the buckets that are shown, whatever is observed meanwhile */
  for (unsigned i = 0; i <= spec->bucket_count; i++) {
    const double le = i < spec->bucket_count ? spec->buckets[i] : INFINITY;
    sum += atomic_load_explicit(&s->count[i], memory_order_relaxed);
    put_sample(w, s, "_bucket", &le, (double)sum);
  }
  put_sample(w, s, "_sum", NULL, hf_series_value(s));
  put_sample(w, s, "_count", NULL, (double)sum);
}

static void put_family(hf_writer *w, hf_family *f) {
  bool head = false;
  pthread_mutex_lock(&f->lock);
  const hf_series *s = f->first;
  const bool other = f->has_other;
  pthread_mutex_unlock(&f->lock);
  while (s != NULL) {
    put_series(w, s, &head);
    pthread_mutex_lock(&f->lock); /* others add to the list's end */
    s = s->next;
    pthread_mutex_unlock(&f->lock);
  }
  if (other) put_series(w, &f->other, &head);
}

hf_status hf_metrics_write(hf_metrics *m, hf_writer *w) {
  pthread_mutex_lock(&m->asking);
  for (unsigned i = 0;; i++) {
    pthread_mutex_lock(&m->lock);
    const bool more = i < m->collector_count;
    pthread_mutex_unlock(&m->lock);
    if (!more) break;
    m->collectors[i].collect(m->collectors[i].context);
  }
  pthread_mutex_lock(&m->lock);
  for (hf_family *f = m->first; f != NULL; f = f->next) put_family(w, f);
  pthread_mutex_unlock(&m->lock);
  pthread_mutex_unlock(&m->asking);
  return hf_writer_status(w);
}
