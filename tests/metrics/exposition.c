#include "exposition.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
  exposition *to;
  const char *at;
  unsigned line;
  char family[128], type[16];
  bool helped;
  char (*seen)[128]; /* families that were there */
  size_t seen_count;
} reader;

static bool wrong(reader *r, const char *what) {
  if (r->to->error[0] == 0) snprintf(r->to->error, sizeof r->to->error, "line %u: %s: %.60s", r->line, what, r->at);
  return false;
}

static size_t name_length(const char *at) {
  size_t n = 0;
  if (!isalpha((unsigned char)*at) && *at != '_' && *at != ':') return 0;
  while (isalnum((unsigned char)at[n]) || at[n] == '_' || at[n] == ':') n++;
  return n;
}

static bool take_name(reader *r, char *out, size_t size) {
  const size_t n = name_length(r->at);
  if (n == 0 || n >= size) return wrong(r, "a name is wanted");
  memcpy(out, r->at, n);
  out[n] = 0;
  r->at += n;
  return true;
}

static bool take(reader *r, char c) {
  if (*r->at != c) return wrong(r, "another character is wanted");
  r->at++;
  return true;
}

static bool take_value(reader *r, char out[EXPOSITION_TEXT]) {
  size_t n = 0;
  if (!take(r, '"')) return false;
  while (*r->at != '"') {
    char c = *r->at++;
    if (c == 0 || c == '\n') return wrong(r, "a label's value does not end");
    if (c == '\\') {
      const char e = *r->at++;
      if (e != 'n' && e != '\\' && e != '"') return wrong(r, "an escape that there is not");
      c = e == 'n' ? '\n' : e;
    }
    if (n + 1 == EXPOSITION_TEXT) return wrong(r, "a label's value is too long");
    out[n++] = c;
  }
  out[n] = 0;
  return take(r, '"');
}

static bool take_number(reader *r, double *out) {
  char word[64], *end;
  const size_t n = strcspn(r->at, " \n");
  if (n == 0 || n >= sizeof word) return wrong(r, "a number is wanted");
  memcpy(word, r->at, n);
  word[n] = 0;
  if (strcmp(word, "NaN") == 0 || strcmp(word, "+Inf") == 0 || strcmp(word, "-Inf") == 0)
    *out = strtod(word, NULL);
  else {
    *out = strtod(word, &end);
    if (*end != 0 || strspn(word, "0123456789+-.e") != n) return wrong(r, "no number");
  }
  r->at += n;
  return true;
}

/* "# HELP name text" or "# TYPE name kind". */
static bool take_comment(reader *r) {
  char name[128];
  const bool help = strncmp(r->at, "# HELP ", 7) == 0;
  if (!help && strncmp(r->at, "# TYPE ", 7) != 0) return wrong(r, "a comment that is neither HELP nor TYPE");
  r->at += 7;
  if (!take_name(r, name, sizeof name) || !take(r, ' ')) return false;
  if (help) {
    for (size_t i = 0; i < r->seen_count; i++)
      if (strcmp(r->seen[i], name) == 0) return wrong(r, "a family in two pieces");
    r->seen = realloc(r->seen, (r->seen_count + 1) * sizeof *r->seen);
    strcpy(r->seen[r->seen_count++], name);
    strcpy(r->family, name);
    r->type[0] = 0;
    if (*r->at == '\n') return wrong(r, "an empty help");
    for (; *r->at != '\n' && *r->at != 0; r->at++)
      if (*r->at == '\\' && *++r->at != 'n' && *r->at != '\\') return wrong(r, "an escape that there is not in a help");
  } else {
    const size_t n = strcspn(r->at, "\n");
    if (strcmp(name, r->family) != 0 || r->type[0] != 0) return wrong(r, "TYPE without its HELP");
    if (n >= sizeof r->type) return wrong(r, "no type");
    memcpy(r->type, r->at, n);
    r->type[n] = 0;
    if (strcmp(r->type, "counter") != 0 && strcmp(r->type, "gauge") != 0 && strcmp(r->type, "histogram") != 0) return wrong(r, "no type");
    r->at += n;
  }
  return take(r, '\n');
}

/* Whether a sample of this name belongs to the family. */
static bool belongs(const reader *r, const char *name) {
  static const char *const parts[] = {"_bucket", "_sum", "_count"};
  const size_t n = strlen(r->family);
  if (strcmp(r->type, "histogram") != 0) return strcmp(name, r->family) == 0;
  if (strncmp(name, r->family, n) != 0) return false;
  for (int i = 0; i < 3; i++)
    if (strcmp(name + n, parts[i]) == 0) return true;
  return false;
}

static bool same_labels(const exposition_sample *a, const exposition_sample *b, unsigned count) {
  for (unsigned i = 0; i < count; i++)
    if (strcmp(a->label[i].name, b->label[i].name) != 0 || strcmp(a->label[i].value, b->label[i].value) != 0) return false;
  return true;
}

/* Buckets are the samples before the sum; each has "le" as its last label. */
static bool check_histogram(reader *r, const exposition_sample *s) {
  const exposition *e = r->to;
  const size_t n = strlen(r->family);
  const char *part = s->name + n;
  const exposition_sample *before = e->count > 1 ? s - 1 : NULL;
  const bool after_bucket = before != NULL && strncmp(before->name, r->family, n) == 0 && strcmp(before->name + n, "_bucket") == 0;
  if (strcmp(part, "_bucket") == 0) {
    if (s->labels == 0 || strcmp(s->label[s->labels - 1].name, "le") != 0) return wrong(r, "a bucket without le");
    if (after_bucket && before->labels == s->labels && same_labels(before, s, s->labels - 1)) {
      if (!(strtod(s->label[s->labels - 1].value, NULL) > strtod(before->label[s->labels - 1].value, NULL)))
        return wrong(r, "buckets that do not ascend");
      if (s->value < before->value) return wrong(r, "a bucket with less than the one before");
    }
  } else if (strcmp(part, "_sum") == 0) {
    if (!after_bucket || strcmp(before->label[before->labels - 1].value, "+Inf") != 0) return wrong(r, "no infinite bucket");
  } else if (e->count < 3 || s[-2].value != s->value) {
    return wrong(r, "a count that is not that of the infinite bucket");
  }
  return true;
}

static bool take_sample(reader *r) {
  exposition *e = r->to;
  e->samples = realloc(e->samples, (e->count + 1) * sizeof *e->samples);
  exposition_sample *s = &e->samples[e->count];
  memset(s, 0, sizeof *s);
  if (!take_name(r, s->name, sizeof s->name)) return false;
  if (r->type[0] == 0 || !belongs(r, s->name)) return wrong(r, "a sample without its family's TYPE");
  if (*r->at == '{') {
    do {
      r->at++;
      if (s->labels == EXPOSITION_LABELS) return wrong(r, "too many labels");
      if (!take_name(r, s->label[s->labels].name, sizeof s->label->name) || !take(r, '=') || !take_value(r, s->label[s->labels].value))
        return false;
      for (unsigned i = 0; i < s->labels; i++)
        if (strcmp(s->label[i].name, s->label[s->labels].name) == 0) return wrong(r, "a label twice");
      s->labels++;
    } while (*r->at == ',');
    if (!take(r, '}')) return false;
  }
  if (!take(r, ' ') || !take_number(r, &s->value) || !take(r, '\n')) return false;
  e->count++;
  for (size_t i = 0; i + 1 < e->count; i++)
    if (strcmp(e->samples[i].name, s->name) == 0 && e->samples[i].labels == s->labels && same_labels(&e->samples[i], s, s->labels))
      return wrong(r, "a series twice");
  if (strcmp(r->type, "counter") == 0 && !(s->value >= 0)) return wrong(r, "a counter below zero");
  return strcmp(r->type, "histogram") != 0 || check_histogram(r, s);
}

bool exposition_read(const char *text, exposition *out) {
  reader r = {.to = out, .at = text};
  bool good = true;
  *out = (exposition){0};
  for (r.line = 1; good && *r.at != 0; r.line++) good = *r.at == '#' ? take_comment(&r) : take_sample(&r);
  free(r.seen);
  return good;
}

void exposition_free(exposition *e) {
  free(e->samples);
  *e = (exposition){0};
}

const exposition_sample *exposition_find(const exposition *e, const char *name, ...) {
  exposition_sample wanted = {0};
  va_list arguments;
  va_start(arguments, name);
  for (const char *label; (label = va_arg(arguments, const char *)) != NULL; wanted.labels++) {
    snprintf(wanted.label[wanted.labels].name, sizeof wanted.label->name, "%s", label);
    snprintf(wanted.label[wanted.labels].value, sizeof wanted.label->value, "%s", va_arg(arguments, const char *));
  }
  va_end(arguments);
  for (size_t i = 0; i < e->count; i++)
    if (strcmp(e->samples[i].name, name) == 0 && e->samples[i].labels == wanted.labels && same_labels(&e->samples[i], &wanted, wanted.labels))
      return &e->samples[i];
  return NULL;
}

double exposition_sum(const exposition *e, const char *name, const char *label, const char *value) {
  double sum = 0;
  for (size_t i = 0; i < e->count; i++) {
    bool counts = label == NULL;
    for (unsigned k = 0; k < e->samples[i].labels && !counts; k++)
      counts = strcmp(e->samples[i].label[k].name, label) == 0 && strcmp(e->samples[i].label[k].value, value) == 0;
    if (counts && strcmp(e->samples[i].name, name) == 0) sum += e->samples[i].value;
  }
  return sum;
}
