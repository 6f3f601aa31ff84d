/* The report as JSON, and back. */
#include "report.h"

#include <hyperfold/file.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bench_internal.h"

/* --- out ------------------------------------------------------------------------------------ */

static json_t *pairs_json(const hf_bench_pairs *pairs) {
  json_t *object = json_object();
  for (size_t i = 0; object && i < pairs->count; i++)
    json_object_set_new(object, pairs->items[i].name, json_real(pairs->items[i].value));
  return object;
}

static json_t *result_json(const hf_bench_result *r) {
  json_t *samples = json_array();
  for (size_t i = 0; samples && i < r->samples; i++) json_array_append_new(samples, json_real(r->samples_ms[i]));
  json_t *result = json_pack(
      "{s:s, s:I, s:I, s:s, s:f, s:f, s:o, s:f, s:f, s:f, s:f, s:b, s:o}", "name", r->name, "size", (json_int_t)r->size,
      "threads", (json_int_t)r->threads, "device", r->device, "median_ms", r->median_ms, "minimum_ms", r->minimum_ms,
      "samples_ms", samples, "limit_ms", r->limit_ms, "ratio", hf_bench_ratio(r), "multiplications", r->multiplications,
      "multiplication_ns", r->multiplication_ns, "verified", 1, "figures", pairs_json(&r->figures));
  if (result && r->phases.count) json_object_set_new(result, "phases_ms", pairs_json(&r->phases));
  if (result && r->rows.count) json_object_set_new(result, "rows", pairs_json(&r->rows));
  return result;
}

json_t *hf_bench_report_json(const hf_bench_report *report) {
  const hf_bench_environment *e = &report->environment;
  json_t *results = json_array();
  for (size_t i = 0; results && i < report->count; i++)
    if (json_array_append_new(results, result_json(&report->results[i])) != 0) {
      json_decref(results);
      return NULL;
    }
  return json_pack("{s:i, s:{s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:f, s:f, s:f}, s:o}", "schema",
                   HF_BENCH_SCHEMA, "environment", "cpu", e->cpu, "processors", (json_int_t)e->processors, "memory_bytes",
                   (json_int_t)e->memory_bytes, "system", e->system, "compiler", e->compiler, "flags", e->flags, "version",
                   e->version, "commit", e->commit, "device", e->device, "threads", (json_int_t)e->threads, "seed",
                   (json_int_t)e->seed, "warm_up", (json_int_t)e->warm_up, "repeats", (json_int_t)e->repeats, "started",
                   e->started, "clock_mhz", e->clock_mhz, "load", e->load, "multiplication_ns", e->multiplication_ns, "results", results);
}

/* --- back: every field is somebody else's ------------------------------------------------------ */

typedef struct reader {
  const char *name; /* of the file */
  char where[HF_BENCH_TEXT + 32];
} reader;

static hf_status wrong(const reader *in, const char *field, const char *what) {
  return hf_fail(HF_E_FORMAT, "%s: %s: \"%s\" %s", in->name, in->where, field, what);
}

/* One line of text that fits. */
static hf_status get_text(const reader *in, const json_t *object, const char *field, bool needed, char *out, size_t size) {
  const json_t *value = json_object_get(object, field);
  *out = 0;
  if (value == NULL && !needed) return HF_OK;
  const char *text = json_string_value(value);
  if (text == NULL) return wrong(in, field, "is not a text");
  if (strlen(text) >= size) return wrong(in, field, "is too long");
  if (needed && *text == 0) return wrong(in, field, "is empty");
  for (const unsigned char *c = (const unsigned char *)text; *c; c++)
    if (*c < 0x20 || *c == 0x7f) return wrong(in, field, "has control characters");
  memcpy(out, text, strlen(text) + 1);
  return HF_OK;
}

static hf_status get_natural(const reader *in, const json_t *object, const char *field, bool needed, uint64_t limit,
                             uint64_t *out) {
  const json_t *value = json_object_get(object, field);
  *out = 0;
  if (value == NULL && !needed) return HF_OK;
  if (!json_is_integer(value) || json_integer_value(value) < 0) return wrong(in, field, "is not a natural number");
  *out = (uint64_t)json_integer_value(value);
  if (*out > limit) return wrong(in, field, "is too large");
  return HF_OK;
}

static hf_status get_unsigned(const reader *in, const json_t *object, const char *field, bool needed, unsigned *out) {
  uint64_t value;
  hf_status status = get_natural(in, object, field, needed, 1000000, &value);
  *out = (unsigned)value;
  return status;
}

/* What times, counts and costs can be: no quotient of two of them overflows. */
static bool is_sane(double number) { return number >= 1e-15 && number <= 1e30; }

static hf_status get_number(const reader *in, const json_t *object, const char *field, bool needed, double *out) {
  const json_t *value = json_object_get(object, field);
  *out = 0;
  if (value == NULL && !needed) return HF_OK;
  double number = json_is_number(value) ? json_number_value(value) : NAN;
  if (number != 0 && !is_sane(number)) return wrong(in, field, "is not 0 or a number between 1e-15 and 1e30");
  *out = number;
  return HF_OK;
}

static hf_status get_pairs(const reader *in, const json_t *object, const char *field, hf_bench_pairs *out) {
  hf_status status = HF_OK;
  json_t *list = json_object_get(object, field), *value;
  const char *name;
  if (list == NULL) return HF_OK;
  if (!json_is_object(list)) return wrong(in, field, "is not an object");
  if (json_object_size(list) > HF_BENCH_MAX) return wrong(in, field, "has too many entries");
  json_object_foreach(list, name, value) {
    if (!json_is_number(value) || !isfinite(json_number_value(value))) return wrong(in, field, "holds what is no number");
    if (*name == 0 || strlen(name) >= HF_BENCH_TEXT) return wrong(in, field, "has a name that is empty or too long");
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
      if (*c < 0x20 || *c == 0x7f) return wrong(in, field, "has a name with control characters");
    HF_TRY(hf_bench_pairs_add(out, name, json_number_value(value)));
  }
out:
  return status;
}

static hf_status get_samples(const reader *in, const json_t *object, hf_bench_result *out) {
  const json_t *list = json_object_get(object, "samples_ms");
  if (!json_is_array(list) || json_array_size(list) == 0) return wrong(in, "samples_ms", "is not a list of numbers");
  if (json_array_size(list) > HF_BENCH_MAX) return wrong(in, "samples_ms", "is too long");
  out->samples_ms = calloc(json_array_size(list), sizeof *out->samples_ms);
  if (out->samples_ms == NULL) return hf_fail(HF_E_MEMORY, "no memory for samples");
  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *value = json_array_get(list, i);
    double ms = json_is_number(value) ? json_number_value(value) : NAN;
    if (!is_sane(ms)) return wrong(in, "samples_ms", "holds what is no time");
    out->samples_ms[out->samples++] = ms;
  }
  return HF_OK;
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-6 * (fabs(a) + fabs(b)); }

/* What can be computed again must be what the file says. */
static hf_status get_result(const reader *in, const json_t *json, hf_bench_result *r) {
  hf_status status;
  double q[5], median, limit;
  if (!json_is_object(json)) return hf_fail(HF_E_FORMAT, "%s: %s is not an object", in->name, in->where);
  HF_TRY(get_text(in, json, "name", true, r->name, sizeof r->name));
  HF_TRY(get_text(in, json, "device", true, r->device, sizeof r->device));
  HF_TRY(get_natural(in, json, "size", true, (uint64_t)1 << 52, &r->size));
  HF_TRY(get_unsigned(in, json, "threads", true, &r->threads));
  if (r->size == 0 || r->threads == 0) HF_TRY(wrong(in, r->size ? "threads" : "size", "is 0"));
  if (!json_is_true(json_object_get(json, "verified"))) HF_TRY(wrong(in, "verified", "is not true: it has no score"));
  HF_TRY(get_samples(in, json, r));
  HF_TRY(hf_bench_quantiles(r->samples_ms, r->samples, q));
  HF_TRY(get_number(in, json, "median_ms", true, &median));
  HF_TRY(get_number(in, json, "limit_ms", true, &limit));
  HF_TRY(get_number(in, json, "multiplications", false, &r->multiplications));
  HF_TRY(get_number(in, json, "multiplication_ns", false, &r->multiplication_ns));
  if (!near(median, q[2])) HF_TRY(wrong(in, "median_ms", "is not the median of the samples"));
  double own = r->multiplications * r->multiplication_ns * 1e-6 / r->threads;
  if (own > 0 && !near(limit, own)) HF_TRY(wrong(in, "limit_ms", "is not multiplications * multiplication_ns / threads"));
  r->minimum_ms = q[0];
  r->median_ms = q[2];
  r->limit_ms = limit;
  HF_TRY(get_pairs(in, json, "phases_ms", &r->phases));
  HF_TRY(get_pairs(in, json, "figures", &r->figures));
  HF_TRY(get_pairs(in, json, "rows", &r->rows));
out:
  return status;
}

static hf_status get_environment(reader *in, const json_t *json, hf_bench_environment *e) {
  hf_status status;
  snprintf(in->where, sizeof in->where, "environment");
  if (!json_is_object(json)) return hf_fail(HF_E_FORMAT, "%s: there is no \"environment\"", in->name);
  HF_TRY(get_text(in, json, "cpu", true, e->cpu, sizeof e->cpu));
  HF_TRY(get_text(in, json, "system", false, e->system, sizeof e->system));
  HF_TRY(get_text(in, json, "compiler", false, e->compiler, sizeof e->compiler));
  HF_TRY(get_text(in, json, "flags", false, e->flags, sizeof e->flags));
  HF_TRY(get_text(in, json, "version", false, e->version, sizeof e->version));
  HF_TRY(get_text(in, json, "commit", false, e->commit, sizeof e->commit));
  HF_TRY(get_text(in, json, "device", false, e->device, sizeof e->device));
  HF_TRY(get_text(in, json, "started", false, e->started, sizeof e->started));
  HF_TRY(get_unsigned(in, json, "processors", false, &e->processors));
  HF_TRY(get_unsigned(in, json, "threads", false, &e->threads));
  HF_TRY(get_natural(in, json, "memory_bytes", false, (uint64_t)1 << 60, &e->memory_bytes));
  HF_TRY(get_natural(in, json, "seed", false, INT64_MAX, &e->seed));
  HF_TRY(get_unsigned(in, json, "warm_up", false, &e->warm_up));
  HF_TRY(get_unsigned(in, json, "repeats", false, &e->repeats));
  HF_TRY(get_number(in, json, "clock_mhz", false, &e->clock_mhz));
  HF_TRY(get_number(in, json, "load", false, &e->load));
  HF_TRY(get_number(in, json, "multiplication_ns", false, &e->multiplication_ns));
out:
  return status;
}

static bool same_subject(const hf_bench_result *a, const hf_bench_result *b) {
  return a->size == b->size && a->threads == b->threads && strcmp(a->name, b->name) == 0 && strcmp(a->device, b->device) == 0;
}

hf_status hf_bench_report_from_json(const char *name, const json_t *json, hf_bench_report *report) {
  hf_status status;
  reader in = {.name = name};
  const json_t *schema = json_object_get(json, "schema"), *results = json_object_get(json, "results");
  if (!json_is_object(json) || schema == NULL)
    HF_TRY(hf_fail(HF_E_FORMAT, "%s is not a report of hyperfold bench: it has no \"schema\"", name));
  if (!json_is_integer(schema)) HF_TRY(hf_fail(HF_E_FORMAT, "%s: \"schema\" is not a number", name));
  if (json_integer_value(schema) != HF_BENCH_SCHEMA)
    HF_TRY(hf_fail(HF_E_VERSION, "%s has schema %lld; this program reads %d", name, (long long)json_integer_value(schema),
                   HF_BENCH_SCHEMA));
  HF_TRY(get_environment(&in, json_object_get(json, "environment"), &report->environment));
  if (!json_is_array(results)) HF_TRY(hf_fail(HF_E_FORMAT, "%s: \"results\" is not a list", name));
  size_t count = json_array_size(results);
  if (count > HF_BENCH_MAX) HF_TRY(hf_fail(HF_E_FORMAT, "%s: %zu results are too many", name, count));
  report->results = calloc(count ? count : 1, sizeof *report->results);
  if (report->results == NULL) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for %zu results", count));
  for (size_t i = 0; i < count; i++) {
    hf_bench_result *r = &report->results[report->count++];
    snprintf(in.where, sizeof in.where, "result %zu", i + 1);
    HF_TRY(get_result(&in, json_array_get(results, i), r));
    if (report->environment.threads < r->threads) report->environment.threads = r->threads;
    for (size_t k = 0; k < i; k++)
      if (same_subject(r, &report->results[k]))
        HF_TRY(hf_fail(HF_E_FORMAT, "%s: results %zu and %zu are both %s of size %llu on %u threads of %s", name, k + 1, i + 1,
                       r->name, (unsigned long long)r->size, r->threads, r->device));
  }
out:
  if (status != HF_OK) hf_bench_report_free(report);
  return status;
}

#define FILE_LIMIT ((size_t)64 << 20)

hf_status hf_bench_report_load(const char *path, hf_bench_report *report) {
  hf_status status;
  uint8_t *data = NULL;
  size_t length;
  json_t *json = NULL;
  json_error_t error;
  HF_TRY(hf_file_read(path, FILE_LIMIT, &data, &length));
  json = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, &error);
  if (json == NULL) HF_TRY(hf_fail(HF_E_FORMAT, "%s is not JSON: line %d: %s", path, error.line, error.text));
  HF_TRY(hf_bench_report_from_json(path, json, report));
out:
  json_decref(json);
  free(data);
  return status;
}
