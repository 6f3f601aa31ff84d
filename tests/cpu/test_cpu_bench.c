/* The measurements at small sizes: every result is there, verified, with all samples; the report has the
 * fields that bench.h names. */
#include "bench.h"
#include "support.h"

static void count_results(void *context, const hf_bench_result *r) {
  cr_assert(r->verified && r->samples == 3 && r->limit_ms > 0 && r->minimum_ms <= r->median_ms);
  ++*(size_t *)context;
}

Test(cpu_bench, reports) {
  hf_bench_report report = {0};
  size_t seen = 0;
  hf_bench_options options = {.threads = 2,
                              .log_min = 3,
                              .log_max = 5,
                              .repeats = 3,
                              .seed = 9,
                              .progress = count_results,
                              .context = &seen};
  OK(hf_bench_field(&options, &report));
  OK(hf_bench_hash(&options, &report));
  OK(hf_bench_ntt(&options, &report));
  OK(hf_bench_msm(&options, &report));
  cr_assert_eq(report.count, 3 * (3 + 1 + 3 + 1));
  cr_assert_eq(seen, report.count);
  json_t *json = hf_bench_report_json(&report);
  cr_assert_not_null(json);
  json_t *results = json_object_get(json, "results"), *environment = json_object_get(json, "environment");
  cr_assert_eq(json_array_size(results), report.count);
  cr_assert_eq(json_integer_value(json_object_get(environment, "seed")), 9);
  cr_assert_gt(json_real_value(json_object_get(environment, "multiplication_ns")), 0);
  json_t *last = json_array_get(results, report.count - 1);
  cr_assert_str_eq(json_string_value(json_object_get(last, "name")), "msm");
  cr_assert_eq(json_integer_value(json_object_get(last, "size")), 32);
  cr_assert_eq(json_integer_value(json_object_get(last, "threads")), 2);
  cr_assert_eq(json_array_size(json_object_get(last, "samples_ms")), 3);
  cr_assert(json_is_true(json_object_get(last, "verified")));
  cr_assert_eq(strncmp(json_string_value(json_object_get(last, "device")), "cpu/", 4), 0);
  json_decref(json);
  hf_bench_report_free(&report);
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
