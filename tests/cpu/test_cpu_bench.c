/* The measurements at small sizes: every result is there, verified, with all samples; the report as JSON and back; files
 * that are no report; two reports side by side. */
#include "bench.h"
#include "compare.h"
#include "support.h"
#include <math.h>

static void count_lines(void *context, const char *what) {
  cr_assert(strlen(what) > 0);
  ++*(size_t *)context;
}

Test(cpu_bench, reports) {
  hf_bench_report report = {0}, back = {0};
  size_t seen = 0;
  hf_bench_options options = {.threads = 2,
                              .log_min = 3,
                              .log_max = 5,
                              .repeats = 3,
                              .seed = 9,
                              .progress = count_lines,
                              .context = &seen};
  OK(hf_bench_field(&options, &report));
  OK(hf_bench_hash(&options, &report));
  OK(hf_bench_ntt(&options, &report));
  for (int kind = HF_BENCH_SCALARS_RANDOM; kind <= HF_BENCH_SCALARS_SMALL; kind++) {
    options.scalars = (hf_bench_scalars)kind;
    OK(hf_bench_msm(&options, &report));
  }
  cr_assert_eq(report.count, 3 * (3 + 1 + 3 + 4));
  cr_assert_geq(seen, report.count);
  const hf_bench_environment *e = &report.environment;
  cr_assert(e->seed == 9 && e->repeats == 3 && e->threads == 2 && e->processors >= 1);
  cr_assert_gt(e->multiplication_ns, 0);
  cr_assert(strlen(e->cpu) > 0 && strlen(e->commit) > 0 && strlen(e->compiler) > 0 && strlen(e->flags) > 0);
  for (size_t i = 0; i < report.count; i++) {
    const hf_bench_result *r = &report.results[i];
    cr_assert(r->samples == 3 && r->limit_ms > 0 && r->minimum_ms <= r->median_ms && r->threads == 2);
    cr_assert_eq(strncmp(r->device, "cpu/", 4), 0);
  }
  const hf_bench_result *last = &report.results[report.count - 1];
  cr_assert_str_eq(last->name, "msm/small");
  cr_assert_eq(last->size, 32);

  json_t *json = hf_bench_report_json(&report);
  OK(hf_bench_report_from_json("it", json, &back));
  cr_assert_eq(back.count, report.count);
  for (size_t i = 0; i < report.count; i++) {
    const hf_bench_result *a = &report.results[i], *b = &back.results[i];
    cr_assert_str_eq(a->name, b->name);
    cr_assert(a->size == b->size && a->samples == b->samples && fabs(a->limit_ms - b->limit_ms) < 1e-9);
    cr_assert_eq(memcmp(a->samples_ms, b->samples_ms, a->samples * sizeof(double)), 0);
  }
  json_decref(json);
  hf_bench_report_free(&report);
  hf_bench_report_free(&back);
  cr_assert_eq(report.count, 0);
}

Test(cpu_bench, refuses) {
  hf_bench_report report = {0};
  hf_bench_options options = {.log_min = 5, .log_max = 4};
  FAILS(hf_bench_ntt(&options, &report), HF_E_ARGUMENT);
  options.log_max = 60;
  FAILS(hf_bench_msm(&options, &report), HF_E_ARGUMENT);
  options.log_max = 5;
  options.variant = "none such";
  FAILS(hf_bench_field(&options, &report), HF_E_NOT_FOUND);
  hf_bench_report_free(&report);
}

/* --- files of others ------------------------------------------------------------------------------ */

#define ENVIRONMENT "\"environment\":{\"cpu\":\"a processor\"}"
#define RESULT(NAME, SIZE, THREADS, SAMPLES, MEDIAN)                                                                     \
  "{\"name\":\"" NAME "\",\"size\":" SIZE ",\"threads\":" THREADS ",\"device\":\"cpu\",\"verified\":true,\"limit_ms\":1," \
  "\"samples_ms\":[" SAMPLES "],\"median_ms\":" MEDIAN "}"
#define REPORT(RESULTS) "{\"schema\":1," ENVIRONMENT ",\"results\":[" RESULTS "]}"

static hf_status load(const char *text, hf_bench_report *report) {
  json_error_t error;
  json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
  cr_assert_not_null(json, "%s: %s", text, error.text);
  hf_status status = hf_bench_report_from_json("file", json, report);
  json_decref(json);
  return status;
}

/* The same good report with one thing wrong each. */
static const struct {
  const char *text;
  hf_status status;
  const char *names; /* what the message must name */
} broken[] = {
    {"[]", HF_E_FORMAT, "schema"},
    {"{" ENVIRONMENT ",\"results\":[]}", HF_E_FORMAT, "schema"},
    {"{\"schema\":\"1\"," ENVIRONMENT ",\"results\":[]}", HF_E_FORMAT, "schema"},
    {"{\"schema\":2," ENVIRONMENT ",\"results\":[]}", HF_E_VERSION, "schema 2"},
    {"{\"schema\":1,\"results\":[]}", HF_E_FORMAT, "environment"},
    {"{\"schema\":1,\"environment\":{},\"results\":[]}", HF_E_FORMAT, "cpu"},
    {"{\"schema\":1,\"environment\":{\"cpu\":\"a\\nb\"},\"results\":[]}", HF_E_FORMAT, "cpu"},
    {"{\"schema\":1,\"environment\":{\"cpu\":\"a\",\"seed\":-1},\"results\":[]}", HF_E_FORMAT, "seed"},
    {"{\"schema\":1,\"environment\":{\"cpu\":\"a\",\"threads\":1e3},\"results\":[]}", HF_E_FORMAT, "threads"},
    {"{\"schema\":1," ENVIRONMENT ",\"results\":{}}", HF_E_FORMAT, "results"},
    {REPORT("7"), HF_E_FORMAT, "result 1"},
    {REPORT(RESULT("", "8", "1", "2", "2")), HF_E_FORMAT, "name"},
    {REPORT(RESULT("0123456789012345678901234567890123456789012345678901234567890123", "8", "1", "2", "2")), HF_E_FORMAT, "name"},
    {REPORT(RESULT("ntt", "0", "1", "2", "2")), HF_E_FORMAT, "size"},
    {REPORT(RESULT("ntt", "-8", "1", "2", "2")), HF_E_FORMAT, "size"},
    {REPORT(RESULT("ntt", "\"8\"", "1", "2", "2")), HF_E_FORMAT, "size"},
    {REPORT(RESULT("ntt", "9007199254740993", "1", "2", "2")), HF_E_FORMAT, "size"},
    {REPORT(RESULT("ntt", "8", "0", "2", "2")), HF_E_FORMAT, "threads"},
    {REPORT(RESULT("ntt", "8", "4294967297", "2", "2")), HF_E_FORMAT, "threads"},
    {REPORT(RESULT("ntt", "8", "1", "", "2")), HF_E_FORMAT, "samples_ms"},
    {REPORT(RESULT("ntt", "8", "1", "2,0", "1")), HF_E_FORMAT, "samples_ms"},
    {REPORT(RESULT("ntt", "8", "1", "2,\"2\"", "2")), HF_E_FORMAT, "samples_ms"},
    {REPORT(RESULT("ntt", "8", "1", "2,-2", "2")), HF_E_FORMAT, "samples_ms"},
    {REPORT(RESULT("ntt", "8", "1", "2,4", "2")), HF_E_FORMAT, "median_ms"},
    {REPORT(RESULT("ntt", "8", "1", "2", "null")), HF_E_FORMAT, "median_ms"},
    {REPORT(RESULT("ntt", "8", "1", "2", "2") "," RESULT("ntt", "8", "1", "3", "3")), HF_E_FORMAT, "results 1 and 2"},
    {REPORT("{\"name\":\"ntt\",\"size\":8,\"threads\":1,\"device\":\"cpu\",\"verified\":false,\"limit_ms\":1,\"samples_ms\":[2],"
            "\"median_ms\":2}"),
     HF_E_FORMAT, "verified"},
    {REPORT("{\"name\":\"ntt\",\"size\":8,\"threads\":1,\"device\":\"cpu\",\"verified\":true,\"limit_ms\":-1,\"samples_ms\":[2],"
            "\"median_ms\":2}"),
     HF_E_FORMAT, "limit_ms"},
    {REPORT("{\"name\":\"ntt\",\"size\":8,\"threads\":2,\"device\":\"cpu\",\"verified\":true,\"limit_ms\":1,\"samples_ms\":[2],"
            "\"median_ms\":2,\"multiplications\":2e6,\"multiplication_ns\":2}"),
     HF_E_FORMAT, "limit_ms"},
    {REPORT("{\"name\":\"ntt\",\"size\":8,\"threads\":1,\"verified\":true,\"limit_ms\":1,\"samples_ms\":[2],\"median_ms\":2}"),
     HF_E_FORMAT, "device"},
    {REPORT("{\"name\":\"ntt\",\"size\":8,\"threads\":1,\"device\":\"cpu\",\"verified\":true,\"limit_ms\":1,\"samples_ms\":[2],"
            "\"median_ms\":2,\"figures\":[]}"),
     HF_E_FORMAT, "figures"},
    {REPORT("{\"name\":\"ntt\",\"size\":8,\"threads\":1,\"device\":\"cpu\",\"verified\":true,\"limit_ms\":1,\"samples_ms\":[2],"
            "\"median_ms\":2,\"phases_ms\":{\"a\":\"b\"}}"),
     HF_E_FORMAT, "phases_ms"},
};

Test(cpu_bench, files_that_are_no_report) {
  hf_bench_report report = {0};
  OK(load(REPORT(RESULT("ntt", "8", "1", "2", "2")), &report));
  hf_bench_report_free(&report);
  for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
    hf_status status = load(broken[i].text, &report);
    cr_assert_eq(status, broken[i].status, "%zu: %s: %d %s", i, broken[i].text, status, hf_error_message());
    cr_assert_not_null(strstr(hf_error_message(), broken[i].names), "%zu: \"%s\" does not name %s", i, hf_error_message(),
                       broken[i].names);
    cr_assert(report.count == 0 && report.results == NULL);
  }
}

/* --- two reports ---------------------------------------------------------------------------------- */

Test(cpu_bench, compares_in_both_orders) {
  hf_bench_report a = {0}, b = {0};
  hf_bench_comparison ab, ba;
  OK(load(REPORT(RESULT("ntt", "1024", "1", "4,6,5,7,8", "6") "," RESULT("ntt", "2048", "1", "10", "10")), &a));
  OK(load(REPORT(RESULT("msm", "1024", "1", "1", "1") "," RESULT("ntt", "1024", "1", "3,2,3,4,1", "3")), &b));
  OK(hf_bench_compare(&a, &b, &ab));
  OK(hf_bench_compare(&b, &a, &ba));
  cr_assert(ab.count == 1 && ba.count == 1);
  cr_assert(ab.only_a == 1 && ab.only_b == 1 && ba.only_a == 1 && ba.only_b == 1);
  const hf_bench_change *x = ab.changes, *y = ba.changes;
  /* sorted: 4 5 6 7 8 against 1 2 3 3 4 */
  cr_assert_float_eq(x->ratio, 0.5, 1e-12);
  cr_assert_float_eq(x->low, 1.0 / 8, 1e-12);
  cr_assert_float_eq(x->high, 1.0, 1e-12);
  cr_assert_float_eq(x->quartile_low, 2.0 / 7, 1e-12);
  cr_assert_float_eq(x->quartile_high, 3.0 / 5, 1e-12);
  cr_assert_float_eq(x->limit_ratio, 0.5, 1e-12);
  cr_assert_float_eq(x->ratio * y->ratio, 1, 1e-12);
  cr_assert_float_eq(x->low * y->high, 1, 1e-12);
  cr_assert_float_eq(x->quartile_low * y->quartile_high, 1, 1e-12);
  cr_assert_float_eq(ab.mean * ba.mean, 1, 1e-12);
  hf_bench_comparison_free(&ab);
  hf_bench_comparison_free(&ba);
  hf_bench_report_free(&b);

  OK(load(REPORT(RESULT("ntt", "1024", "2", "3", "3")), &b));
  FAILS(hf_bench_compare(&a, &b, &ab), HF_E_MISMATCH);
  FAILS(hf_bench_compare(&b, &a, &ab), HF_E_MISMATCH);
  hf_bench_report_free(&b);
  OK(load(REPORT(""), &b));
  FAILS(hf_bench_compare(&a, &b, &ab), HF_E_MISMATCH);
  FAILS(hf_bench_compare(&b, &a, &ab), HF_E_MISMATCH);
  hf_bench_report_free(&a);
  hf_bench_report_free(&b);
}
