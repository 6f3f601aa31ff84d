/* hyperfold bench as people run it: sweeps, files of every format, comparing in both orders, and what it refuses. */
#include "run_command.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void write_file(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  cr_assert_not_null(file);
  fputs(text, file);
  cr_assert_eq(fclose(file), 0);
}

static char *read_file(const char *path) {
  FILE *file = fopen(path, "r");
  cr_assert_not_null(file, "%s", path);
  char *text = calloc(1, 1 << 20);
  cr_assert_lt(fread(text, 1, (1 << 20) - 1, file), (1 << 20) - 1);
  fclose(file);
  return text;
}

static size_t count_of(const char *text, const char *what) {
  size_t count = 0;
  for (; (text = strstr(text, what)) != NULL; text++) count++;
  return count;
}

static double field(const json_t *object, const char *name) {
  const json_t *value = json_object_get(object, name);
  cr_assert(json_is_number(value), "%s", name);
  return json_number_value(value);
}

/* A second code path that this machine has. */
static const char *second_path(void) {
  char line[8192];
  bool has = false;
  FILE *file = fopen("/proc/cpuinfo", "r");
  while (file != NULL && !has && fgets(line, sizeof line, file) != NULL)
    has = strncmp(line, "flags", 5) == 0 && strstr(line, " adx") != NULL && strstr(line, " bmi2") != NULL;
  if (file != NULL) fclose(file);
  return has ? "mulx" : NULL;
}

/* Two code paths, two numbers of threads, three sizes: twelve results, in every format. */
Test(bench, sweeps_and_files) {
  if (second_path() == NULL) cr_skip_test("this processor has one code path");
  char *d = hf_test_folder("bench");
  json_t *report = hf_run_json(0,
                               "bench msm --size 2^4-2^6 --threads 1,2 --variant portable,mulx --repeats 3 --warm-up 0 --scalars witness "
                               "--json --out %s/a.json,%s/a.csv,%s/a.md,%s/a.html",
                               d, d, d, d);
  json_t *results = json_object_get(report, "results"), *r, *kept;
  char path[512];
  size_t i;
  cr_assert_eq(json_integer_value(json_object_get(report, "schema")), 1);
  cr_assert_eq(json_array_size(results), 12);
  json_array_foreach(results, i, r) {
    cr_assert_str_eq(json_string_value(json_object_get(r, "name")), "msm/witness");
    cr_assert_eq(field(r, "size"), 16 << i % 3);
    cr_assert_eq(field(r, "threads"), i / 3 % 2 ? 2 : 1);
    cr_assert_str_eq(json_string_value(json_object_get(r, "device")), i < 6 ? "cpu/portable" : "cpu/mulx");
    cr_assert_eq(json_array_size(json_object_get(r, "samples_ms")), 3);
    double limit = field(r, "multiplications") * field(r, "multiplication_ns") * 1e-6 / field(r, "threads");
    cr_assert(limit > 0 && fabs(limit / field(r, "limit_ms") - 1) < 1e-9);
    cr_assert(fabs(field(r, "median_ms") / field(r, "limit_ms") / field(r, "ratio") - 1) < 1e-9);
  }
  snprintf(path, sizeof path, "%s/a.json", d);
  kept = json_load_file(path, 0, NULL);
  cr_assert(json_equal(kept, report), "the file is another report than what is printed");
  json_decref(kept);
  json_decref(report);
  snprintf(path, sizeof path, "%s/a.csv", d);
  char *csv = read_file(path);
  cr_assert_eq(count_of(csv, "\n"), 13);
  free(csv);
  snprintf(path, sizeof path, "%s/a.md", d);
  char *md = read_file(path);
  cr_assert_eq(count_of(md, "| msm/witness "), 12);
  snprintf(path, sizeof path, "%s/a.html", d);
  char *html = read_file(path);
  cr_assert(count_of(html, "<circle") == 2 * 12 && count_of(html, "<svg") == 2, "two charts with twelve points each");
  free(html);
  hf_run again;
  hf_run_command(&again, "bench render %s/a.json", d);
  cr_assert_eq(again.exit, 0, "%s", again.err);
  cr_assert_str_eq(again.out, md);
  hf_run_free(&again);
  free(md);
  hf_test_folder_remove(d);
}

#define ENVIRONMENT "\"environment\":{\"cpu\":\"c\",\"commit\":\"%s\"}"
#define RESULT "{\"name\":\"ntt\",\"size\":%d,\"threads\":2,\"device\":\"cpu/x\",\"verified\":true,\"limit_ms\":1,\"samples_ms\":[%s],\"median_ms\":%s}"

static void write_report(const char *folder, const char *name, const char *commit, int size, const char *samples, const char *median) {
  char text[1024], path[512];
  snprintf(text, sizeof text, "{\"schema\":1," ENVIRONMENT ",\"results\":[" RESULT "]}", commit, size, samples, median);
  snprintf(path, sizeof path, "%s/%s.json", folder, name);
  write_file(path, text);
}

Test(bench, compares) {
  char *d = hf_test_folder("compare"), path[512];
  hf_run run;
  write_report(d, "slow", "one", 1024, "8,10,12", "10");
  write_report(d, "fast", "two", 1024, "4,5,5", "5");
  write_report(d, "other", "one", 2048, "4,5,5", "5");
  json_t *there = hf_run_json(0, "bench compare %s/slow.json %s/fast.json --json", d, d);
  json_t *back = hf_run_json(0, "bench compare %s/fast.json %s/slow.json --json", d, d);
  const json_t *x = json_array_get(json_object_get(there, "changes"), 0), *y = json_array_get(json_object_get(back, "changes"), 0);
  cr_assert_float_eq(field(x, "b_over_a"), 0.5, 1e-12);
  cr_assert_float_eq(field(y, "b_over_a"), 2, 1e-12);
  cr_assert_float_eq(field(y, "a_over_b"), 0.5, 1e-12);
  cr_assert_float_eq(json_number_value(json_array_get(json_object_get(x, "range_b_over_a"), 0)), 4.0 / 12, 1e-12);
  cr_assert_float_eq(json_number_value(json_array_get(json_object_get(x, "range_b_over_a"), 1)), 5.0 / 8, 1e-12);
  cr_assert_str_eq(json_string_value(json_object_get(x, "b_is")), "faster");
  cr_assert_str_eq(json_string_value(json_object_get(y, "b_is")), "slower");
  cr_assert(strstr(json_string_value(json_object_get(there, "notes")), "commit: \"one\" and \"two\""));
  json_decref(there);
  json_decref(back);
  hf_run_command(&run, "bench compare %s/slow.json %s/fast.json", d, d);
  cr_assert(run.exit == 0 && strstr(run.out, "0.500") && strstr(run.err, "commit"));
  hf_run_free(&run);

  /* each wrong in its own way, and in both places */
  snprintf(path, sizeof path, "%s/broken.json", d);
  write_file(path, "{\"schema\":1,");
  snprintf(path, sizeof path, "%s/foreign.json", d);
  write_file(path, "{\"results\":[]}");
  snprintf(path, sizeof path, "%s/newer.json", d);
  write_file(path, "{\"schema\":9,\"environment\":{\"cpu\":\"c\"},\"results\":[]}");
  static const struct {
    const char *name;
    int exit;
    const char *says;
  } bad[] = {{"broken", 3, "is not JSON"},
             {"foreign", 3, "schema"},
             {"newer", 3, "schema 9"},
             {"other", 3, "in common"},
             {"absent", 5, "absent.json"}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    for (int swap = 0; swap < 2; swap++) {
      hf_run_command(&run, "bench compare %s/%s.json %s/%s.json", d, swap ? bad[i].name : "slow", d, swap ? "slow" : bad[i].name);
      cr_assert_eq(run.exit, bad[i].exit, "%s: %d: %s", bad[i].name, run.exit, run.err);
      cr_assert(strstr(run.err, bad[i].says), "%s: %s", bad[i].name, run.err);
      cr_assert_eq(run.out[0], 0);
      hf_run_free(&run);
    }
  /* a page is of one build */
  hf_run_command(&run, "bench render %s/slow.json %s/other.json --out %s/two.html", d, d, d);
  cr_assert_eq(run.exit, 0, "%s", run.err);
  hf_run_free(&run);
  hf_run_command(&run, "bench render %s/slow.json %s/fast.json", d, d);
  cr_assert(run.exit == 3 && strstr(run.err, "builds"), "%s", run.err);
  hf_run_free(&run);
  hf_test_folder_remove(d);
}

/* Refused before anything is measured. */
Test(bench, refuses) {
  static const char *const wrong[] = {
      "ntt --size 2^4-",
      "ntt --size 2^9-2^4",
      "ntt --size 2^27",
      "ntt --size 2^-4",
      "ntt --size 4294967300",
      "ntt --threads 1,",
      "ntt --threads two",
      "ntt --threads -1",
      "ntt --threads 1025",
      "ntt --threads 1,2,3,4,5,6,7,8,9",
      "ntt --repeats 4097",
      "ntt --seed 9223372036854775808",
      "ntt --out report.txt",
      "ntt --out report.json,",
      "ntt --out .json",
      "msm --scalars many",
      "prove --size 2^11",
      "prove --size 2^22-2^23",
      "e2e --size 2^17 --batches 0",
      "e2e --batches 257",
      "e2e --workers 0",
      "e2e --threads 3 --workers 2",
      "e2e --slots 1 --batches 3",
      "e2e --size 2^11",
      "e2e --repeats 0",
  };
  char *d = hf_test_folder("refuses");
  cr_assert_eq(chdir(d), 0);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    hf_run run;
    hf_run_command(&run, "bench %s", wrong[i]);
    cr_assert_eq(run.exit, 2, "%s: %d: %s", wrong[i], run.exit, run.err);
    cr_assert(run.out[0] == 0 && run.err[0] != 0);
    hf_run_free(&run);
  }
  hf_run run;
  hf_run_command(&run, "bench ntt --size 2^4 --variant none");
  cr_assert_eq(run.exit, 5, "%s", run.err);
  hf_run_free(&run);
  hf_run_command(&run, "bench prove --size 2^20 --out nowhere/report.json"); /* before anything is measured */
  cr_assert_eq(run.exit, 5, "%s", run.err);
  cr_assert_not_null(strstr(run.err, "cannot write to nowhere/"), "%s", run.err);
  hf_run_free(&run);
  cr_assert_eq(chdir("/"), 0);
  hf_test_folder_remove(d);
}

/* Four processes over each engine that is here: every job once, beside the raw engine; what is no engine is refused by name. */
Test(bench, queue) {
  char *d = hf_test_folder("bench-queue");
  bool redis = system("command -v redis-server redis-benchmark >/dev/null 2>&1") == 0;
  json_t *report = hf_run_json(0, "bench queue --engine %s --clients 1,4 --batch 1,8 --jobs 40 --repeats 2 --scratch %s --json --out %s/q.json,%s/q.md",
                               redis ? "local,zmq,redis" : "local,zmq", d, d, d);
  json_t *results = json_object_get(report, "results"), *r;
  size_t i;
  char path[512];
  static const char *const names[] = {"queue/submit", "queue/cycle", "queue/submit/8"};
  cr_assert_eq(json_array_size(results), redis ? 18 : 12);
  json_array_foreach(results, i, r) {
    const json_t *figures = json_object_get(r, "figures");
    cr_assert_str_eq(json_string_value(json_object_get(r, "name")), names[i % 3]);
    cr_assert_eq(field(r, "size"), 40);
    cr_assert_eq(field(r, "threads"), i / 3 % 2 ? 4 : 1);
    cr_assert_eq(json_array_size(json_object_get(r, "samples_ms")), 2);
    cr_assert_eq(strncmp(json_string_value(json_object_get(r, "device")), i < 6 ? "local" : i < 12 ? "zmq, " : "redis", 5), 0);
    double median = field(r, "median_ms"), rate = field(figures, "jobs_per_second");
    cr_assert(fabs(rate * median / 40e3 - 1) < 1e-6);
    cr_assert(field(figures, "p50_ms") > 0 && field(figures, "p50_ms") <= field(figures, "p99_ms"));
    if (i % 3 != 1) cr_assert(fabs(rate / field(figures, "raw_per_second") / field(figures, "of_raw") - 1) < 1e-6);
  }
  json_decref(report);
  snprintf(path, sizeof path, "%s/q.md", d);
  char *text = read_file(path);
  cr_assert_eq(count_of(text, "| queue/cycle "), redis ? 6 : 4);
  free(text);
  report = hf_run_json(0, "bench compare %s/q.json %s/q.json --json", d, d); /* what was written can be read */
  json_decref(report);

  hf_run run;
  hf_run_command(&run, "bench queue --engine abacus --jobs 10 --clients 1");
  cr_assert(run.exit != 0 && strstr(run.err, "abacus"), "%s", run.err);
  hf_run_free(&run);
  hf_run_command(&run, "bench queue --jobs 3 --clients 4 --engine local");
  cr_assert(run.exit != 0 && strstr(run.err, "a job a client"), "%s", run.err);
  hf_run_free(&run);
  hf_run_command(&run, "bench queue --engine local --jobs 4 --clients 1 --scratch %s/none", d);
  cr_assert(run.exit != 0 && strstr(run.err, "none"), "%s", run.err);
  hf_run_free(&run);
  hf_test_folder_remove(d);
}
