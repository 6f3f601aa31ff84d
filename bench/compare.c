#include "compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "bench_internal.h"

/* Figures that say what was measured: results that have them with other values are of something else. */
static const char *const subject[] = {"depth", "kappa", "batches"};

static bool alike(const hf_bench_result *a, const hf_bench_result *b) {
  if (a->size != b->size || a->threads != b->threads || strcmp(a->name, b->name) != 0) return false;
  for (size_t i = 0; i < sizeof subject / sizeof *subject; i++)
    if (hf_bench_pairs_get(&a->figures, subject[i], -1) != hf_bench_pairs_get(&b->figures, subject[i], -1)) return false;
  return true;
}

/* The one result of its name, size and threads, whatever the device; NULL if there are more. */
static const hf_bench_result *only(const hf_bench_report *report, const hf_bench_result *like) {
  const hf_bench_result *found = NULL;
  for (size_t i = 0; i < report->count; i++) {
    if (!alike(&report->results[i], like)) continue;
    if (found) return NULL;
    found = &report->results[i];
  }
  return found;
}

static const hf_bench_result *partner(const hf_bench_report *own, const hf_bench_report *other, const hf_bench_result *r) {
  for (size_t i = 0; i < other->count; i++)
    if (alike(&other->results[i], r) && strcmp(other->results[i].device, r->device) == 0) return &other->results[i];
  return only(own, r) ? only(other, r) : NULL;
}

static hf_status change_make(const hf_bench_result *a, const hf_bench_result *b, hf_bench_change *out) {
  hf_status status;
  double p[5], q[5];
  HF_TRY(hf_bench_quantiles(a->samples_ms, a->samples, p));
  HF_TRY(hf_bench_quantiles(b->samples_ms, b->samples, q));
  *out = (hf_bench_change){.a = a,
                           .b = b,
                           .ratio = q[2] / p[2],
                           .quartile_low = q[1] / p[3],
                           .quartile_high = q[3] / p[1],
                           .low = q[0] / p[4],
                           .high = q[4] / p[0]};
  if (a->limit_ms > 0 && b->limit_ms > 0) out->limit_ratio = hf_bench_ratio(b) / hf_bench_ratio(a);
out:
  return status;
}

hf_status hf_bench_compare(const hf_bench_report *a, const hf_bench_report *b, hf_bench_comparison *out) {
  hf_status status = HF_OK;
  double sum = 0;
  *out = (hf_bench_comparison){.a = a, .b = b};
  if (a->count == 0 || b->count == 0) return hf_fail(HF_E_MISMATCH, "%s report has no results", a->count ? "the second" : "the first");
  out->changes = calloc(a->count, sizeof *out->changes);
  if (out->changes == NULL) return hf_fail(HF_E_MEMORY, "no memory for %zu results", a->count);
  for (size_t i = 0; i < a->count; i++) {
    const hf_bench_result *r = partner(a, b, &a->results[i]);
    if (r == NULL) {
      out->only_a++;
      continue;
    }
    HF_TRY(change_make(&a->results[i], r, &out->changes[out->count]));
    sum += log(out->changes[out->count++].ratio);
  }
  for (size_t i = 0; i < b->count; i++) out->only_b += partner(b, a, &b->results[i]) == NULL;
  if (out->count == 0)
    HF_TRY(hf_fail(HF_E_MISMATCH, "the reports have no name, size, threads and kind of circuit in common: %s %llu on %u threads, %s %llu on %u",
                   a->results[0].name, (unsigned long long)a->results[0].size, a->results[0].threads, b->results[0].name,
                   (unsigned long long)b->results[0].size, b->results[0].threads));
  out->mean = exp(sum / (double)out->count);
out:
  if (status != HF_OK) hf_bench_comparison_free(out);
  return status;
}

void hf_bench_comparison_free(hf_bench_comparison *c) {
  free(c->changes);
  memset(c, 0, sizeof *c);
}

static void note(hf_bench_out *o, const char *what, const char *a, const char *b) {
  if (strcmp(a, b) != 0) hf_bench_put(o, "%s: \"%s\" and \"%s\"\n", what, a, b);
}

char *hf_bench_comparison_notes(const hf_bench_comparison *c) {
  hf_bench_out o = {0};
  const hf_bench_environment *a = &c->a->environment, *b = &c->b->environment;
  note(&o, "machine", a->cpu, b->cpu);
  note(&o, "system", a->system, b->system);
  note(&o, "compiler", a->compiler, b->compiler);
  note(&o, "flags", a->flags, b->flags);
  note(&o, "commit", a->commit, b->commit);
  note(&o, "device", a->device, b->device);
  if (a->seed != b->seed)
    hf_bench_put(&o, "seed: %llu and %llu\n", (unsigned long long)a->seed, (unsigned long long)b->seed);
  if (fabs(a->load - b->load) > 0.5) hf_bench_put(&o, "load: %.2f and %.2f\n", a->load, b->load);
  for (size_t i = 0; i < c->count; i++) {
    const hf_bench_result *x = c->changes[i].a, *y = c->changes[i].b;
    double p = hf_bench_pairs_get(&x->figures, "slots", -1), q = hf_bench_pairs_get(&y->figures, "slots", -1);
    if (p != q) hf_bench_put(&o, "%s %llu: %.0f and %.0f slots\n", x->name, (unsigned long long)x->size, p, q);
  }
  if (c->only_a) hf_bench_put(&o, "%zu results are in the first report only\n", c->only_a);
  if (c->only_b) hf_bench_put(&o, "%zu results are in the second report only\n", c->only_b);
  return hf_bench_take(&o);
}

/* Whole quartiles apart, or not. */
static const char *verdict(const hf_bench_change *c) {
  return c->quartile_high < 1 ? "faster" : c->quartile_low > 1 ? "slower" : "alike";
}

char *hf_bench_comparison_markdown(const hf_bench_comparison *c) {
  hf_bench_out o = {0};
  char size[24];
  hf_bench_put(&o, "| %-20s | %8s | %3s | %11s | %11s | %6s | %6s | %13s | %13s | %7s | %-6s |\n", "what", "size", "thr", "a ms",
               "b ms", "b/a", "a/b", "quartiles b/a", "range b/a", "/ limit", "b is");
  hf_bench_put(&o, "|----------------------|---------:|----:|------------:|------------:|-------:|-------:|--------------:|"
                   "--------------:|--------:|--------|\n");
  for (size_t i = 0; i < c->count; i++) {
    const hf_bench_change *k = &c->changes[i];
    hf_bench_size_text(k->a->size, size);
    hf_bench_put(&o, "| %-20s | %8s | %3u | %11.4f | %11.4f | %6.3f | %6.3f | %6.3f-%6.3f | %6.3f-%6.3f | %7.3f | %-6s |\n",
                 k->a->name, size, k->a->threads, k->a->median_ms, k->b->median_ms, k->ratio, 1 / k->ratio, k->quartile_low,
                 k->quartile_high, k->low, k->high, k->limit_ratio, verdict(k));
  }
  hf_bench_put(&o, "\nGeometric mean of b/a: %.3f, of a/b: %.3f, over %zu results.\n", c->mean, 1 / c->mean, c->count);
  return hf_bench_take(&o);
}

json_t *hf_bench_comparison_json(const hf_bench_comparison *c) {
  json_t *list = json_array();
  char *notes = hf_bench_comparison_notes(c);
  for (size_t i = 0; list && i < c->count; i++) {
    const hf_bench_change *k = &c->changes[i];
    json_array_append_new(
        list, json_pack("{s:s, s:I, s:I, s:s, s:s, s:f, s:f, s:f, s:f, s:[f,f], s:[f,f], s:f, s:s}", "name", k->a->name, "size",
                        (json_int_t)k->a->size, "threads", (json_int_t)k->a->threads, "device_a", k->a->device, "device_b",
                        k->b->device, "a_ms", k->a->median_ms, "b_ms", k->b->median_ms, "b_over_a", k->ratio, "a_over_b",
                        1 / k->ratio, "quartiles_b_over_a", k->quartile_low, k->quartile_high, "range_b_over_a", k->low, k->high,
                        "limit_b_over_a", k->limit_ratio, "b_is", verdict(k)));
  }
  json_t *json = json_pack("{s:o, s:f, s:I, s:I, s:s*}", "changes", list, "mean_b_over_a", c->mean, "only_a",
                           (json_int_t)c->only_a, "only_b", (json_int_t)c->only_b, "notes", notes);
  free(notes);
  return json;
}
