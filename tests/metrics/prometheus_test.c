/* deploy/prometheus against what the program shows: each metric of the sources is in the table, each name in rules and dashboard exists,
 * each alert is tried; and promtool's own checks. */
#include <criterion/criterion.h>
#include <ctype.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ok.h"

#define FOLDER HF_SOURCE_DIR "/deploy/prometheus/"

typedef struct metric {
  char name[96], row[768];
  bool histogram;
} metric;

static metric metrics[256];
static unsigned count;

static char *slurp(const char *path) {
  uint8_t *text;
  size_t length;
  OK(hf_file_read(path, 1 << 20, &text, &length));
  return (char *)text;
}

/* Takes a literal, with those that follow it at once; NULL: there is none here. */
static const char *literal(const char *at, char *out, size_t size) {
  size_t n = 0;
  bool any = false;
  for (;; any = true) {
    const char *next = at + strspn(at, " \n");
    if (*next != '"') break;
    for (at = next + 1; *at != '"'; at++) {
      if (*at == '\\') at++;
      cr_assert(*at != 0 && n + 1 < size);
      out[n++] = *at;
    }
    at++;
  }
  out[n] = 0;
  return any ? at : NULL;
}

/* HF_KIND_OF(name, help, ..., labels) */
static void take_metrics(const char *path) {
  char full[512], name[96], help[512], label[64];
  snprintf(full, sizeof full, HF_SOURCE_DIR "/%s", path);
  char *text = slurp(full);
  unsigned before = count;
  for (const char *at = text; (at = strstr(at, "_OF(\"")) != NULL;) {
    const char *kind = at;
    while (isupper((unsigned char)kind[-1])) kind--;
    const int length = (int)(at - kind);
    metric *m = &metrics[count++];
    at = literal(at + 4, name, sizeof name);
    cr_assert(at != NULL && *at == ',');
    strcpy(m->name, name);
    at = literal(at + 1, help, sizeof help);
    cr_assert_not_null(at, "%s has no help", name);
    m->histogram = strncmp(kind, "HISTOGRAM", 9) == 0;
    size_t n = (size_t)snprintf(m->row, sizeof m->row, "| `%s`", name);
    bool first = true;
    for (; *at != ')'; at++) {
      if (*at != '"') continue;
      at = literal(at, label, sizeof label);
      n += (size_t)snprintf(m->row + n, sizeof m->row - n, "%s%s", first ? " {" : ", ", label);
      first = false;
      at--;
    }
    n += (size_t)snprintf(m->row + n, sizeof m->row - n, "%s | ", first ? "" : "}");
    for (int i = 0; i < length; i++) m->row[n++] = (char)tolower((unsigned char)kind[i]);
    snprintf(m->row + n, sizeof m->row - n, " | %s |\n", help);
  }
  cr_assert_gt(count, before, "no metrics in %s", path);
  free(text);
}

static void take_all(void) {
  static const char *const sources[] = {"deploy/metrics/exporter.c", "deploy/metrics/queue_watch.c", "deploy/cli/worker_metrics.c",
                                        "deploy/cli/role_metrics.c", "deploy/cli/cmd_broker.c"};
  for (unsigned i = 0; i < sizeof sources / sizeof *sources; i++) take_metrics(sources[i]);
}

static bool known(const char *name) {
  static const char *const parts[] = {"_bucket", "_sum", "_count"};
  for (unsigned i = 0; i < count; i++) {
    const size_t n = strlen(metrics[i].name);
    if (strncmp(name, metrics[i].name, n) != 0) continue;
    if (name[n] == 0 && !metrics[i].histogram) return true;
    for (int k = 0; k < 3; k++)
      if (metrics[i].histogram && strcmp(name + n, parts[k]) == 0) return true;
  }
  return false;
}

Test(prometheus, the_table_is_what_there_is) {
  take_all();
  char *table = slurp(FOLDER "README.md");
  unsigned rows = 0;
  for (unsigned i = 0; i < count; i++) {
    cr_expect(strstr(table, metrics[i].row) != NULL, "deploy/prometheus/README.md lacks or has otherwise:\n%s", metrics[i].row);
    for (unsigned k = 0; k < i; k++) cr_expect(strcmp(metrics[i].name, metrics[k].name) != 0, "%s twice", metrics[i].name);
  }
  for (const char *at = table; (at = strstr(at, "\n| `hyperfold_")) != NULL; at++) rows++;
  for (const char *at = table; (at = strstr(at, "\n| `process_")) != NULL; at++) rows++;
  cr_assert_eq(rows, count, "the table has metrics that there are not");
  free(table);
}

Test(prometheus, names_in_rules_and_dashboard_exist) {
  static const char *const files[] = {"alerts.yml", "alerts_test.yml", "grafana.json"};
  take_all();
  for (int f = 0; f < 3; f++) {
    char path[512];
    unsigned names = 0;
    snprintf(path, sizeof path, FOLDER "%s", files[f]);
    char *text = slurp(path);
    for (const char *at = text; (at = strstr(at, "hyperfold_")) != NULL; names++) {
      char name[128];
      const size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
      cr_assert_lt(n, sizeof name);
      memcpy(name, at, n);
      name[n] = 0;
      cr_expect(known(name), "%s: there is no %s", files[f], name);
      at += n;
    }
    cr_assert_gt(names, 10);
    free(text);
  }
}

Test(prometheus, promtool) {
  static const char *const commands[] = {"promtool check rules alerts.yml", "promtool test rules alerts_test.yml",
                                         "promtool check config prometheus.yml"};
  char *rules = slurp(FOLDER "alerts.yml"), *tests = slurp(FOLDER "alerts_test.yml");
  /* each alert is tried, both ways */
  for (const char *at = rules; (at = strstr(at, "alert: ")) != NULL;) {
    char line[128];
    at += 7;
    snprintf(line, sizeof line, "alertname: %.*s", (int)strcspn(at, "\n"), at);
    const char *found = strstr(tests, line);
    cr_expect(found != NULL && strstr(found + 1, line) != NULL, "%s is not tried twice", line);
  }
  free(rules);
  free(tests);
  if (system("command -v promtool >/dev/null") != 0) cr_skip_test("promtool (package prometheus) is not installed");
  cr_assert_eq(chdir(FOLDER), 0);
  for (int i = 0; i < 3; i++) {
    char line[256];
    snprintf(line, sizeof line, "%s >/dev/null", commands[i]);
    cr_expect_eq(system(line), 0, "%s", commands[i]);
  }
}
