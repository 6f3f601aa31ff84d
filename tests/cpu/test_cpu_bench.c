/* The measurements at small sizes: every result is there, verified, with all samples; the report as JSON and back; files
 * that are no report; two reports side by side. */
#include "bench.h"
#include "bench_internal.h"
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
    {REPORT(RESULT("ntt", "8", "1", "1e-300", "1e-300")), HF_E_FORMAT, "samples_ms"},
    {REPORT(RESULT("ntt", "8", "1", "1e300", "1e300")), HF_E_FORMAT, "samples_ms"},
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

/* Whatever a byte becomes, the answer is a status and nothing is left behind; most of these are no reports. */
Test(cpu_bench, damaged_files) {
  static const char good[] = REPORT(RESULT("ntt", "8", "1", "2,3,4", "3") "," RESULT("msm", "16", "2", "5", "5"));
  static const char bytes[] = "\"{}[],:0-9eE.tfn\\\x01\xff ";
  char text[sizeof good];
  size_t refused = 0, tried = 0;
  for (size_t at = 0; at < sizeof good - 1; at++)
    for (size_t k = 0; k < sizeof bytes; k++) { /* the last is a NUL */
      hf_bench_report report = {0};
      memcpy(text, good, sizeof good);
      text[at] = bytes[k];
      json_t *json = json_loadb(text, sizeof good - 1, JSON_REJECT_DUPLICATES, NULL);
      hf_status status = json ? hf_bench_report_from_json("file", json, &report) : HF_E_FORMAT;
      cr_assert(status == HF_OK || status == HF_E_FORMAT || status == HF_E_VERSION, "byte %zu as %02x: %d", at,
                (unsigned char)bytes[k], status);
      cr_assert(status == HF_OK || report.results == NULL);
      refused += status != HF_OK;
      tried++;
      json_decref(json);
      hf_bench_report_free(&report);
    }
  cr_assert(refused > tried / 2 && refused < tried, "%zu of %zu", refused, tried);
}

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

  /* another number of threads, or another circuit, is another thing */
  OK(load(REPORT("{\"name\":\"ntt\",\"size\":1024,\"threads\":1,\"device\":\"cpu\",\"verified\":true,\"limit_ms\":1,\"samples_ms\":[2],"
                 "\"median_ms\":2,\"figures\":{\"kappa\":3}}"),
          &b));
  FAILS(hf_bench_compare(&a, &b, &ab), HF_E_MISMATCH);
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

/* --- writers -------------------------------------------------------------------------------------- */

/* What is in a file comes out as text, whatever it looks like. */
Test(cpu_bench, writers_quote) {
  hf_bench_report report = {0};
  OK(load(REPORT("{\"name\":\"<b>|\\\"x,\",\"size\":1024,\"threads\":1,\"device\":\"=cmd\",\"verified\":true,\"limit_ms\":1,"
                 "\"samples_ms\":[1,3],\"median_ms\":2,\"phases_ms\":{\"<i>\":1,\"two\":2},\"figures\":{\"a|b\":7}},"
                 "{\"name\":\"<b>|\\\"x,\",\"size\":2048,\"threads\":1,\"device\":\"=cmd\",\"verified\":true,\"limit_ms\":1,"
                 "\"samples_ms\":[5],\"median_ms\":5}"),
          &report));
  char *html = hf_bench_report_html(&report), *csv = hf_bench_report_csv(&report), *md = hf_bench_report_markdown(&report);
  cr_assert(html && csv && md);
  cr_assert(strstr(html, "&lt;b&gt;|&quot;x,") && !strstr(html, "<b>") && !strstr(html, "<i>"));
  cr_assert(strstr(html, "<svg") && strstr(html, "prefers-color-scheme:dark"));
  /* nothing is fetched and nothing runs */
  cr_assert(!strstr(html, "http") && !strstr(html, "<script") && !strstr(html, "url(") && !strstr(html, "src="));
  cr_assert(strstr(csv, "\n\"<b>|\"\"x,\",1024,1,\"'=cmd\","));
  cr_assert(strstr(csv, ",2,1 3,<i>=1;two=2,a|b=7\n"));
  cr_assert(strstr(md, "<b>/\"x,") && !strstr(md, "a|b"));
  free(html);
  free(csv);
  free(md);
  hf_bench_report_free(&report);
}

Test(cpu_bench, joins_what_belongs_together) {
  hf_bench_report a = {0}, b = {0};
  OK(load(REPORT(RESULT("ntt", "1024", "1", "4", "4")), &a));
  OK(load(REPORT(RESULT("msm", "1024", "2", "5", "5")), &b));
  OK(hf_bench_report_join(&a, &b));
  cr_assert(a.count == 2 && b.count == 0 && a.environment.threads == 2);
  OK(load("{\"schema\":1,\"environment\":{\"cpu\":\"another\"},\"results\":[]}", &b));
  FAILS(hf_bench_report_join(&a, &b), HF_E_MISMATCH);
  hf_bench_report_free(&b);
  OK(load("{\"schema\":1,\"environment\":{\"cpu\":\"a processor\",\"commit\":\"1234\"},\"results\":[]}", &b));
  FAILS(hf_bench_report_join(&a, &b), HF_E_MISMATCH);
  hf_bench_report_free(&a);
  hf_bench_report_free(&b);
}

/* --- multiplications ---------------------------------------------------------------------------------- */

static hf_status no_ntt(hf_backend *backend, hf_vec *const *vecs, size_t count, unsigned log_n, hf_ntt_kind kind) {
  (void)backend, (void)vecs, (void)log_n, (void)kind;
  return count == 3 ? HF_OK : HF_E_INTERNAL;
}

static hf_status no_msm(hf_backend *backend, const hf_points *points, const hf_vec *scalars, size_t count, hf_g1 *out) {
  (void)backend, (void)points, (void)scalars, (void)out;
  return count == 1000 ? HF_E_TIMEOUT : HF_E_INTERNAL;
}

static hf_status no_coset_ntt(hf_backend *backend, hf_vec *const *out, const hf_vec *const *coefficients, size_t count,
                              size_t length, unsigned log_n, hf_fr shift) {
  (void)backend, (void)out, (void)coefficients, (void)log_n, (void)shift;
  return count == 5 && length == 9 ? HF_OK : HF_E_INTERNAL;
}

static hf_status no_coset_intt(hf_backend *backend, hf_vec *vec, unsigned log_n, hf_fr shift) {
  (void)backend, (void)vec, (void)shift;
  return log_n == 4 ? HF_OK : HF_E_INTERNAL;
}

/* Every call is counted, goes on to the backend and brings its status back. */
Test(cpu_bench, counts_multiplications) {
  static const hf_backend_ops ops = {.name = "none", .ntt = no_ntt, .coset_ntt = no_coset_ntt, .coset_intt = no_coset_intt, .msm = no_msm};
  hf_backend backend = {&ops};
  hf_bench_counter counter;
  hf_bench_counter_begin(&counter, &backend);
  OK(HF_BACKEND_DO(&backend, ntt, NULL, 3, 10, HF_NTT_FORWARD));
  OK(HF_BACKEND_DO(&backend, coset_ntt, NULL, NULL, 5, 9, 3, hf_fr_one()));
  OK(HF_BACKEND_DO(&backend, coset_intt, NULL, 4, hf_fr_one()));
  cr_assert_eq(HF_BACKEND_DO(&backend, msm, NULL, NULL, 1000, NULL), HF_E_TIMEOUT);
  cr_assert_eq(HF_BACKEND_DO(&backend, msm, NULL, NULL, 1000, NULL), HF_E_TIMEOUT);
  cr_assert_null(backend.ops->commit);
  hf_bench_counter_end(&counter, &backend);
  cr_assert_eq(backend.ops, &ops);
  cr_assert_float_eq(counter.ntt, 3 * 512 * 10 + 5 * (4 * 3 + 8) + 8 * 4 + 16, 1e-9); /* n/2 log n; n more on a coset */
  double least = INFINITY; /* windows of c bits, signed digits: ceil(255 / c) of them with n additions and two a bucket */
  for (int c = 1; c < 20; c++) least = fmin(least, 6 * ceil(255.0 / c) * (1000 + 2 * pow(2, c - 1)));
  cr_assert_float_eq(counter.msm, 2 * least, 1e-6);
  double ones[255] = {[0] = 5, [1] = 100};
  cr_assert_float_eq(hf_bench_msm_multiplications(ones), 6 * (100 + 4), 1e-9); /* one window of two bits */
  double nothing[255] = {[0] = 5};
  cr_assert_float_eq(hf_bench_msm_multiplications(nothing), 0, 1e-9);
}
