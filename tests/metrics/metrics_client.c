#include "metrics_client.h"
#include "http_client.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TRIES 3000 /* of 20 ms */

static void pause_20ms(void) { usleep(20000); }

uint16_t metrics_port(const char *log) {
  char line[512];
  for (int i = 0; i < TRIES; i++, pause_20ms()) {
    unsigned port;
    FILE *file = fopen(log, "r");
    for (bool more = file != NULL; more && (more = fgets(line, sizeof line, file) != NULL);) {
      const char *at = strstr(line, "metrics on http://");
      at = at != NULL ? strrchr(at, ':') : NULL;
      if (at == NULL || sscanf(at, ":%u/metrics", &port) != 1) continue;
      fclose(file);
      return (uint16_t)port;
    }
    if (file != NULL) fclose(file);
  }
  cr_assert_fail("%s: nothing is said of metrics", log);
  return 0;
}

void metrics_read(uint16_t port, exposition *out) {
  http_reply r = http_ask("127.0.0.1", port, "GET", "/metrics");
  cr_assert_eq(r.code, 200, "%s", r.whole);
  cr_assert(exposition_read(r.body, out), "%s\n%s", out->error, r.body);
  http_free(&r);
}

void metrics_wait(uint16_t port, const char *name, const char *label, const char *value, double wanted) {
  double is = 0;
  for (int i = 0; i < TRIES; i++, pause_20ms()) {
    exposition e;
    metrics_read(port, &e);
    is = exposition_sum(&e, name, label, value);
    bool there = false; /* a sum of nothing is no answer */
    for (size_t k = 0; k < e.count; k++) there |= strcmp(e.samples[k].name, name) == 0;
    exposition_free(&e);
    if (there && is == wanted) return;
  }
  cr_assert_fail("%s{%s=%s} is %g, not %g", name, label, value, is, wanted);
}

void metrics_expect_health(uint16_t port, int code, const char *holds) {
  char last[2048] = "";
  for (int i = 0; i < TRIES; i++, pause_20ms()) {
    http_reply r = http_ask("127.0.0.1", port, "GET", "/healthz");
    const bool found = r.code == code && strstr(r.body, holds) != NULL;
    snprintf(last, sizeof last, "%s", r.whole != NULL ? r.whole : "");
    http_free(&r);
    if (found) return;
  }
  cr_assert_fail("never %d with %s; at last %s", code, holds, last);
}

void metrics_promtool(uint16_t port) {
  if (system("command -v promtool >/dev/null") != 0) {
    fprintf(stderr, "promtool (package prometheus) is not installed: its check of the names is left out\n");
    return;
  }
  http_reply r = http_ask("127.0.0.1", port, "GET", "/metrics");
  cr_assert_eq(r.code, 200);
  FILE *tool = popen("promtool check metrics >promtool.log 2>&1", "w");
  cr_assert(tool != NULL && fputs(r.body, tool) >= 0);
  const int state = pclose(tool);
  if (state != 0) (void)!system("cat promtool.log >&2");
  cr_assert_eq(state, 0, "promtool check metrics");
  http_free(&r);
}
