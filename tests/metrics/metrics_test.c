/* The registry, its text against a strict reader, and the servers of it: addresses, limits, health. */
#include "exporter.h"
#include "exposition.h"
#include "http_client.h"
#include "ok.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char *text_of(hf_metrics *m) {
  hf_writer w = {0};
  OK(hf_metrics_write(m, &w));
  hf_write_u8(&w, 0);
  OK(hf_writer_status(&w));
  return (char *)w.data;
}

static void read_all(hf_metrics *m, exposition *e) {
  char *text = text_of(m);
  cr_assert(exposition_read(text, e), "%s\n%s", e->error, text);
  free(text);
}

static double value_of(const exposition_sample *s) {
  cr_assert(s != NULL, "no such sample");
  return s->value;
}

Test(metrics, values_and_texts) {
  static const double buckets[] = {0.1, 1, 10};
  hf_metrics *m;
  hf_family *jobs, *depth, *seconds, *unused;
  exposition e;
  OK(hf_metrics_create(&m));
  const hf_metric_spec specs[] = {
      HF_COUNTER_OF("hyperfold_jobs_total", "Jobs,\nby \\ and \"what\".", "tenant", "outcome"),
      HF_GAUGE_OF("hyperfold_depth", "Depth."),
      HF_HISTOGRAM_OF("hyperfold_wait_seconds", "Waits.", buckets, 3, "phase"),
      HF_GAUGE_OF("hyperfold_unused", "Never told anything."),
  };
  hf_family *families[4];
  OK(hf_metrics_add_all(m, specs, 4, families));
  jobs = families[0], depth = families[1], seconds = families[2], unused = families[3];

  static const char nasty[] = "a\"b\\c\nd,e=f}g{h \xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82 #";
  hf_series_add(hf_series_of(jobs, HF_LABELS(nasty, "done")), 2);
  hf_series_add(hf_series_of(jobs, HF_LABELS(nasty, "done")), 0.5);
  hf_series_add(hf_series_of(jobs, HF_LABELS("\xff\xc0\x80\xed\xa0\x80\xe2\x82", NULL)), 1); /* nothing of this is UTF-8 */
  hf_series_add(hf_series_of(jobs, HF_LABELS(nasty, "done")), -1);                          /* no counter goes back */
  hf_series_add(hf_series_of(jobs, HF_LABELS(nasty, "done")), NAN);
  hf_series_set(hf_series_of(depth, NULL), -1.0 / 3);
  const double waits[] = {0.1, 0.10001, 1, 9, 10, 10.5, 1e300, INFINITY, NAN};
  for (unsigned i = 0; i < sizeof waits / sizeof *waits; i++) hf_series_observe(hf_series_of(seconds, HF_LABELS("x")), waits[i]);

  read_all(m, &e);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_jobs_total", "tenant", nasty, "outcome", "done", NULL)), 2.5);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_jobs_total", "tenant", "????????", "outcome", "", NULL)), 1);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_depth", NULL)), -1.0 / 3); /* no digit is lost */
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_wait_seconds_bucket", "phase", "x", "le", "0.1", NULL)), 1);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_wait_seconds_bucket", "phase", "x", "le", "1", NULL)), 3);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_wait_seconds_bucket", "phase", "x", "le", "10", NULL)), 5);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_wait_seconds_bucket", "phase", "x", "le", "+Inf", NULL)), 8);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_wait_seconds_count", "phase", "x", NULL)), 8);
  cr_assert(isinf(value_of(exposition_find(&e, "hyperfold_wait_seconds_sum", "phase", "x", NULL))));
  cr_assert_eq(exposition_find(&e, "hyperfold_unused", NULL), NULL);
  exposition_free(&e);
  char *text = text_of(m);
  cr_assert(strstr(text, "# HELP hyperfold_jobs_total Jobs,\\nby \\\\ and \"what\".\n# TYPE hyperfold_jobs_total counter\n"));
  cr_assert(strstr(text, "{tenant=\"a\\\"b\\\\c\\nd,e=f}g{h"));
  cr_assert(!strstr(text, "hyperfold_unused"));
  free(text);

  /* what is hidden comes back with its value */
  hf_family_hide(jobs);
  hf_series_set(hf_series_of(unused, NULL), 1e21);
  read_all(m, &e);
  cr_assert_eq(exposition_sum(&e, "hyperfold_jobs_total", NULL, NULL), 0);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_unused", NULL)), 1e21);
  exposition_free(&e);
  hf_series_add(hf_series_of(jobs, HF_LABELS(nasty, "done")), 1);
  read_all(m, &e);
  cr_assert_eq(exposition_sum(&e, "hyperfold_jobs_total", NULL, NULL), 3.5);
  exposition_free(&e);
  hf_metrics_destroy(&m);
}

Test(metrics, names_by_the_rules) {
  static const double down[] = {2, 1}, endless[] = {1, INFINITY}, fine[] = {1};
  static const hf_metric_spec bad[] = {
      HF_GAUGE_OF("jobs", "Whose?"),
      HF_GAUGE_OF("hyperfold_Jobs", "Capitals."),
      HF_GAUGE_OF("hyperfold_jobs-open", "A sign."),
      HF_GAUGE_OF("", "Nothing."),
      HF_COUNTER_OF("hyperfold_jobs", "A counter without _total."),
      HF_GAUGE_OF("hyperfold_jobs_total", "A gauge with it."),
      HF_GAUGE_OF("hyperfold_jobs_count", "Taken by histograms."),
      HF_GAUGE_OF("hyperfold_jobs_open", ""),
      HF_GAUGE_OF("hyperfold_jobs_open", "A label's name.", "a-b"),
      HF_GAUGE_OF("hyperfold_jobs_open", "Not for us.", "__name"),
      HF_HISTOGRAM_OF("hyperfold_wait_seconds", "Taken.", fine, 1, "le"),
      HF_HISTOGRAM_OF("hyperfold_wait_seconds", "No buckets.", NULL, 0),
      HF_HISTOGRAM_OF("hyperfold_wait_seconds", "Down.", down, 2),
      HF_HISTOGRAM_OF("hyperfold_wait_seconds", "Endless.", endless, 2),
      HF_HISTOGRAM_OF("hyperfold_wait_seconds", "Too many.", fine, HF_METRIC_BUCKETS + 1),
      {.kind = HF_GAUGE, .name = "hyperfold_wait_seconds", .help = "No histogram.", .buckets = fine, .bucket_count = 1},
  };
  hf_metrics *m;
  hf_family *f;
  OK(hf_metrics_create(&m));
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
    hf_status status = hf_metrics_add(m, &bad[i], &f);
    cr_assert(status == HF_E_ARGUMENT && f == NULL && strstr(hf_error_message(), bad[i].name), "%u: %s: %s", i, bad[i].help,
              hf_error_message());
  }
  const hf_metric_spec good = HF_GAUGE_OF("hyperfold_jobs_open", "Fine.");
  OK(hf_metrics_add(m, &good, &f));
  GIVES(HF_E_EXISTS, hf_metrics_add(m, &good, &f));
  hf_metrics_destroy(&m);
}

/* A stranger's names fill no memory: what is too much is counted together. */
Test(metrics, too_many_series) {
  hf_metrics *m;
  hf_family *f;
  exposition e;
  char name[300];
  OK(hf_metrics_create(&m));
  const hf_metric_spec spec = HF_COUNTER_OF("hyperfold_seen_total", "Seen.", "who", "where");
  OK(hf_metrics_add(m, &spec, &f));
  hf_series_add(hf_series_of(f, HF_LABELS("other", "other")), 1); /* a stranger of that name is one of them */
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < 1000; i++) {
      snprintf(name, sizeof name, "%d", i);
      hf_series_add(hf_series_of(f, HF_LABELS(name, "here")), 1);
    }
  read_all(m, &e);
  cr_assert_eq(e.count, HF_SERIES_MAX + 1);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_seen_total", "who", "0", "where", "here", NULL)), 2);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_seen_total", "who", "other", "where", "other", NULL)), 2 * (1000 - HF_SERIES_MAX) + 1);
  exposition_free(&e);
  hf_metrics_destroy(&m);

  /* long ones are cut between characters */
  OK(hf_metrics_create(&m));
  OK(hf_metrics_add(m, &spec, &f));
  for (int i = 0; i < 100; i++) memcpy(name + 2 * i, "\xc3\xa9", 3);
  hf_series_add(hf_series_of(f, HF_LABELS(name, "here")), 1);
  read_all(m, &e);
  cr_assert_eq(strlen(e.samples[0].label[0].value), HF_LABEL_TEXT - 2);
  exposition_free(&e);
  hf_metrics_destroy(&m);
}

typedef struct crowd {
  hf_family *total, *seconds;
  unsigned number;
  pthread_t thread;
} crowd;

static void *count_many(void *context) {
  const crowd *c = context;
  char own[16];
  snprintf(own, sizeof own, "%u", c->number);
  for (int i = 0; i < 20000; i++) {
    hf_series_add(hf_series_of(c->total, HF_LABELS("shared")), 1);
    hf_series_add(hf_series_of(c->total, HF_LABELS(own)), 1);
    hf_series_observe(hf_series_of(c->seconds, NULL), (double)(i % 4));
  }
  return NULL;
}

Test(metrics, many_threads) {
  static const double buckets[] = {0, 1, 2};
  const hf_metric_spec specs[] = {HF_COUNTER_OF("hyperfold_seen_total", "Seen.", "who"),
                                  HF_HISTOGRAM_OF("hyperfold_wait_seconds", "Waits.", buckets, 3)};
  hf_metrics *m;
  hf_family *f[2];
  crowd crowds[6];
  exposition e;
  double last = 0;
  OK(hf_metrics_create(&m));
  OK(hf_metrics_add_all(m, specs, 2, f));
  for (unsigned i = 0; i < 6; i++) {
    crowds[i] = (crowd){.total = f[0], .seconds = f[1], .number = i};
    cr_assert_eq(pthread_create(&crowds[i].thread, NULL, count_many, &crowds[i]), 0);
  }
  for (int i = 0; i < 50; i++) { /* whole, and never going back, at any moment */
    read_all(m, &e);
    const double now = exposition_sum(&e, "hyperfold_seen_total", NULL, NULL);
    cr_assert_geq(now, last);
    last = now;
    exposition_free(&e);
  }
  for (unsigned i = 0; i < 6; i++) pthread_join(crowds[i].thread, NULL);
  read_all(m, &e);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_seen_total", "who", "shared", NULL)), 120000);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_seen_total", "who", "5", NULL)), 20000);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_wait_seconds_count", NULL)), 120000);
  cr_assert_eq(value_of(exposition_find(&e, "hyperfold_wait_seconds_sum", NULL)), 30000 * 6);
  exposition_free(&e);
  hf_metrics_destroy(&m);
}

/* The reader that all of this is judged by refuses what is wrong. */
Test(metrics, the_reader_is_strict) {
  static const char *const bad[] = {
      "a 1\n",
      "# HELP a x\na 1\n",
      "# HELP a x\n# TYPE a gauge\na 1",
      "# HELP a x\n# TYPE a gauge\na{b=\"c} 1\n",
      "# HELP a x\n# TYPE a gauge\na{b=\"\\t\"} 1\n",
      "# HELP a x\n# TYPE a gauge\na{b=\"c\",b=\"d\"} 1\n",
      "# HELP a x\n# TYPE a gauge\na{b=\"c\"} 1\na{b=\"c\"} 2\n",
      "# HELP a x\n# TYPE a gauge\na one\n",
      "# HELP a x\n# TYPE a counter\na -1\n",
      "# HELP a x\n# TYPE a gauge\na 1\n# HELP a x\n# TYPE a gauge\n",
      "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
      "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
      "# HELP a x\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
  };
  exposition e;
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
    cr_assert(!exposition_read(bad[i], &e), "%u: %s", i, bad[i]);
    exposition_free(&e);
  }
}

/* ---- served ---- */

static bool ill;
static hf_status look(void *context) {
  (void)context;
  return ill ? hf_fail(HF_E_TIMEOUT, "no \"answer\" from\n\x01 /a\\b") : HF_OK;
}

static hf_exporter *make_exporter(void) {
  hf_exporter *e;
  OK(hf_exporter_create("test", "1.2.3", &e));
  OK(hf_exporter_check(e, "disk", hf_check_disk, (void *)"/"));
  OK(hf_exporter_check(e, "queue", look, NULL));
  return e;
}

static void expect(const char *host, uint16_t port, const char *method, const char *path, int code, const char *holds) {
  http_reply r = http_ask(host, port, method, path);
  cr_assert(r.code == code && strstr(r.whole, holds) != NULL, "%s %s: %s", method, path, r.whole);
  http_free(&r);
}

Test(served, metrics_and_health) {
  hf_exporter *e = make_exporter(), *second = make_exporter();
  exposition parsed;
  const hf_web_place any = {.host = "127.0.0.1"};
  ill = false;
  OK(hf_exporter_serve(e, &any, NULL));
  const uint16_t port = hf_exporter_port(e);
  cr_assert_neq(port, 0);

  http_reply r = http_ask("127.0.0.1", port, "GET", "/metrics");
  cr_assert_eq(r.code, 200);
  cr_assert(strstr(r.whole, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "%s", r.whole);
  cr_assert(exposition_read(r.body, &parsed), "%s\n%s", parsed.error, r.body);
  cr_assert_eq(value_of(exposition_find(&parsed, "hyperfold_build_info", "part", "test", "version", "1.2.3", NULL)), 1);
  cr_assert_eq(value_of(exposition_find(&parsed, "hyperfold_health", "check", "queue", NULL)), 1);
  cr_assert_gt(value_of(exposition_find(&parsed, "process_resident_memory_bytes", NULL)), 100000);
  cr_assert_gt(value_of(exposition_find(&parsed, "process_open_fds", NULL)), 3);
  cr_assert_geq(value_of(exposition_find(&parsed, "process_cpu_seconds_total", NULL)), 0);
  const double age = (double)time(NULL) - value_of(exposition_find(&parsed, "process_start_time_seconds", NULL));
  cr_assert(age > -3 && age < 300, "started %f s ago", age);
  exposition_free(&parsed);
  http_free(&r);

  expect("127.0.0.1", port, "GET", "/healthz", 200, "{\"status\":\"ok\",\"checks\":[{\"name\":\"disk\",\"ok\":true},{\"name\":\"queue\",\"ok\":true}]}");
  ill = true;
  sleep(2); /* an answer stands for a second */
  expect("127.0.0.1", port, "GET", "/healthz", 503,
         "{\"name\":\"disk\",\"ok\":true},{\"name\":\"queue\",\"ok\":false,\"reason\":\"no \\\"answer\\\" from?? /a\\\\b\"}");
  expect("127.0.0.1", port, "GET", "/metrics", 200, "hyperfold_health{check=\"queue\"} 0\n");
  r = http_ask("127.0.0.1", port, "HEAD", "/metrics");
  cr_assert(r.code == 200 && r.body[0] == 0, "%s", r.whole);
  http_free(&r);
  expect("127.0.0.1", port, "GET", "/", 404, "there are /metrics and /healthz");
  expect("127.0.0.1", port, "GET", "/metrics/", 404, "not_found");
  expect("127.0.0.1", port, "POST", "/metrics", 405, "Allow: GET, HEAD\r\n");
  expect("127.0.0.1", port, "BREW", "/healthz", 405, "Allow: GET, HEAD\r\n");

  /* a place that is taken, or is none */
  const hf_web_place taken = {.host = "127.0.0.1", .port = port}, foreign = {.host = "192.0.2.1", .port = 0};
  GIVES(HF_E_BUSY, hf_exporter_serve(second, &taken, NULL));
  cr_assert(strstr(hf_error_message(), "another program listens there"), "%s", hf_error_message());
  GIVES(HF_E_IO, hf_exporter_serve(second, &foreign, NULL));
  cr_assert(strstr(hf_error_message(), "192.0.2.1"), "%s", hf_error_message());
  GIVES(HF_E_STATE, hf_exporter_serve(e, &any, NULL));

  /* IPv6, where the machine has it */
  const hf_web_place v6 = {.host = "::1"};
  hf_status status = hf_exporter_serve(second, &v6, NULL);
  if (status == HF_OK) expect("::1", hf_exporter_port(second), "GET", "/healthz", 503, "failing");
  else cr_assert(status == HF_E_IO, "%s", hf_error_message());

  hf_exporter_destroy(&second);
  hf_exporter_destroy(&e);
  cr_assert_lt(http_connect("127.0.0.1", port), 0);
}

Test(served, checks) {
  hf_exporter *e = make_exporter();
  GIVES(HF_E_ARGUMENT, hf_exporter_check(e, "", look, NULL));
  GIVES(HF_E_ARGUMENT, hf_exporter_check(e, "a b", look, NULL));
  GIVES(HF_E_ARGUMENT, hf_exporter_check(e, "a-name-of-more-than-thirty-one-bytes", look, NULL));
  hf_status status = HF_OK;
  for (int i = 0; i < HF_CHECKS_MAX && status == HF_OK; i++) status = hf_exporter_check(e, "one", look, NULL);
  cr_assert_eq(status, HF_E_RANGE);
  hf_exporter_destroy(&e);
  OK(hf_check_disk_left("/", 0));
  OK(hf_check_disk_left("/no/such/folder", UINT64_MAX));
}

Test(served, places) {
  static const struct {
    const char *text, *host;
    uint16_t port;
  } good[] = {{"9100", "127.0.0.1", 9100},  {"0", "127.0.0.1", 0},    {"0.0.0.0:65535", "0.0.0.0", 65535},
              {"[::1]:80", "::1", 80},      {"[::]:0", "::", 0},      {"127.0.0.1:00080", "127.0.0.1", 80}};
  static const char *const bad[] = {"",         ":9100",    "localhost:9100", "9100 ",     "-1",       "65536",  "123456789012345678901",
                                    "[::1]",    "::1:9100", "[127.0.0.1]:1",  "1.2.3:4",   "1.2.3.4:", "[]:1",   "[::1:80",
                                    "::1]:80",  "a:b:c",    "\xff\xfe:1",     "1.2.3.4:0x9", "*:9100", "0.0.0.0 :1"};
  hf_web_place place;
  for (unsigned i = 0; i < sizeof good / sizeof *good; i++) {
    OK(hf_web_place_parse("--metrics", good[i].text, &place));
    cr_assert(strcmp(place.host, good[i].host) == 0 && place.port == good[i].port, "%s", good[i].text);
  }
  for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
    hf_status status = hf_web_place_parse("--metrics", bad[i], &place);
    cr_assert(status == HF_E_ARGUMENT && strstr(hf_error_message(), "--metrics"), "\"%s\": %d", bad[i], status);
  }
  char url[HF_WEB_URL_TEXT];
  hf_web_url("::1", 80, url);
  cr_assert_str_eq(url, "http://[::1]:80");
}

/* ---- strangers ---- */

static void hello(void *context, const hf_web_request *request, hf_web_reply *reply) {
  (void)context, (void)request;
  hf_write_bytes(&reply->body, "hello", 5);
}

static hf_web *small_server(void) {
  hf_web *web;
  const hf_web_options options = {
      .what = "test", .threads = 1, .connections = 4, .timeout_s = 5, .request_s = 1, .body_limit = 100, .handle = hello};
  signal(SIGPIPE, SIG_IGN);
  OK(hf_web_start(&options, &web));
  return web;
}

static void say(int fd, const char *text) { cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text)); }

/* One that sends a byte now and then is never idle, and does not stay for ever. */
Test(strangers, slow_ones_are_cut) {
  hf_web *web = small_server();
  int fd = http_connect("127.0.0.1", hf_web_port(web));
  char byte;
  int tries = 0;
  say(fd, "GET / HTTP/1.1\r\nHost: ");
  for (; tries < 100; tries++) {
    if (send(fd, "x", 1, MSG_NOSIGNAL) < 0 || recv(fd, &byte, 1, MSG_DONTWAIT) == 0) break;
    usleep(300000);
  }
  cr_assert_lt(tries, 100, "a slow request is never ended");
  close(fd);
  /* and many requests on one connection are no slow one */
  fd = http_connect("127.0.0.1", hf_web_port(web));
  for (int i = 0; i < 5; i++) {
    char answer[512];
    say(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    cr_assert_gt(recv(fd, answer, sizeof answer, 0), 0, "cut at request %d", i);
    usleep(500000);
  }
  close(fd);
  hf_web_stop(&web);
}

/* Those who hold connections keep nobody out for longer than their time. */
Test(strangers, crowds_and_large_requests) {
  hf_web *web = small_server();
  const uint16_t port = hf_web_port(web);
  int held[6]; /* two more than there is room for */
  for (int i = 0; i < 6; i++) {
    held[i] = http_connect("127.0.0.1", port);
    if (held[i] >= 0) (void)!write(held[i], "GET /", 5);
  }
  http_reply r = http_ask("127.0.0.1", port, "GET", "/");
  cr_assert(r.code == 200, "kept out: %s", r.whole);
  http_free(&r);
  for (int i = 0; i < 6; i++)
    if (held[i] >= 0) close(held[i]);

  /* a head beyond its memory, a body beyond its limit, announced or not, and no HTTP at all */
  char *large = malloc(100001);
  memset(large, 'a', 100000);
  large[100000] = 0;
  const struct {
    const char *head, *rest, *answer;
  } cases[] = {{"GET /", large, ""},
               {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "", "413"},
               {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999\r\n\r\n", "", ""},
               {"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n", large, ""},
               {"\x16\x03\x01\x02", "", ""}};
  int asked[sizeof cases / sizeof *cases];
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    while ((asked[i] = http_connect("127.0.0.1", port)) < 0) usleep(10000);
    (void)!write(asked[i], cases[i].head, strlen(cases[i].head));
    (void)!write(asked[i], cases[i].rest, strlen(cases[i].rest));
  }
  for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *text = http_read(asked[i], 10);
    cr_assert(strstr(text, cases[i].answer) && !strstr(text, "hello"), "%u: %s", i, text);
    free(text);
    close(asked[i]);
  }
  free(large);
  expect("127.0.0.1", port, "GET", "/", 200, "hello");
  hf_web_stop(&web);
}
