#include <hyperfold/log.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define HF_LOG_LINE 4096

typedef struct line {
  char text[HF_LOG_LINE];
  size_t length;
} line;

static void put_char(line *l, char c) {
  if (l->length < sizeof l->text - 1) l->text[l->length++] = c; /* the last byte is kept for the newline */
}

__attribute__((format(printf, 2, 3))) static void put_format(line *l, const char *format, ...) {
  char piece[64];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(piece, sizeof piece, format, arguments);
  va_end(arguments);
  for (const char *p = piece; *p; p++) put_char(l, *p);
}

static void put_text(line *l, const char *text) {
  if (!text) text = "-";
  bool quoted = *text == '\0';
  for (const char *p = text; *p && !quoted; p++) {
    unsigned char c = (unsigned char)*p;
    quoted = c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f;
  }
  if (!quoted) {
    for (const char *p = text; *p; p++) put_char(l, *p);
    return;
  }
  put_char(l, '"');
  for (const char *p = text; *p; p++) {
    unsigned char c = (unsigned char)*p;
    if (c == '"' || c == '\\') {
      put_char(l, '\\');
      put_char(l, (char)c);
    } else if (c == '\n') {
      put_format(l, "\\n");
    } else if (c < ' ' || c == 0x7f) {
      put_format(l, "\\x%02x", c);
    } else {
      put_char(l, (char)c);
    }
  }
  put_char(l, '"');
}

static void put_field(line *l, const hf_log_field *field) {
  put_char(l, ' ');
  for (const char *p = field->key; *p; p++) put_char(l, *p);
  put_char(l, '=');
  switch (field->type) {
  case HF_LOG_FIELD_TEXT:
    put_text(l, field->value.text);
    break;
  case HF_LOG_FIELD_INT:
    put_format(l, "%lld", (long long)field->value.integer);
    break;
  case HF_LOG_FIELD_UINT:
    put_format(l, "%llu", (unsigned long long)field->value.natural);
    break;
  case HF_LOG_FIELD_REAL:
    put_format(l, "%.6g", field->value.real);
    break;
  case HF_LOG_FIELD_HEX:
    for (size_t i = 0; i < field->length; i++) put_format(l, "%02x", field->value.bytes[i]);
    break;
  }
}

void hf_log_write(const hf_logger *log, hf_log_level level, const char *event, const hf_log_field *fields) {
  if (!log || level < log->level || level >= HF_LOG_OFF) return;
  line l = {.length = 0};
  struct timespec now;
  struct tm utc;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  put_format(&l, "ts=%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
             utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000000);
  put_format(&l, " level=%s", hf_log_level_text(level));
  if (log->part) put_field(&l, &HF_LOG_TEXT("part", log->part));
  put_field(&l, &HF_LOG_TEXT("event", event));
  for (const hf_log_field *field = fields; field->key; field++) put_field(&l, field);
  l.text[l.length++] = '\n';
  /* There is nowhere to report that a report could not be written. */
  ssize_t written = write(log->fd, l.text, l.length);
  (void)written;
}

const char *hf_log_level_text(hf_log_level level) {
  switch (level) {
  case HF_LOG_DEBUG:
    return "debug";
  case HF_LOG_INFO:
    return "info";
  case HF_LOG_WARN:
    return "warn";
  case HF_LOG_ERROR:
    return "error";
  case HF_LOG_OFF:
    return "off";
  }
  return "unknown";
}

hf_status hf_log_level_parse(const char *text, hf_log_level *out) {
  for (int level = HF_LOG_DEBUG; level <= HF_LOG_OFF; level++)
    if (strcmp(text, hf_log_level_text((hf_log_level)level)) == 0) {
      *out = (hf_log_level)level;
      return HF_OK;
    }
  return hf_fail(HF_E_ARGUMENT, "'%s' is no log level: debug, info, warn, error or off", text);
}
