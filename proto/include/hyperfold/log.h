/* Logs: one key=value line where something happens, to a file descriptor
 * (stderr by default). Never witness data or secrets.
 *
 *   hf_log(log, HF_LOG_INFO, "job leased", HF_LOG_TEXT("job", id), HF_LOG_UINT("epoch", epoch));
 *   ts=2026-01-31T12:00:00.250Z level=info part=worker event="job leased" job=7f03 epoch=2
 *
 * Values with blanks, quotes, '=' or control characters are quoted and escaped,
 * so that a line is a line whatever a stranger put into a name. */
#ifndef HYPERFOLD_LOG_H
#define HYPERFOLD_LOG_H

#include <hyperfold/digest.h>
#include <hyperfold/status.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hf_log_level { HF_LOG_DEBUG, HF_LOG_INFO, HF_LOG_WARN, HF_LOG_ERROR, HF_LOG_OFF } hf_log_level;

/* Made once by main and passed down in options structs; never changed while in
 * use, so threads share it freely. A NULL log is silent. */
typedef struct hf_logger {
  hf_log_level level; /* lines below it are dropped */
  int fd;             /* 2 for stderr */
  const char *part;   /* "worker", "sequencer", ...; NULL leaves it out */
} hf_logger;

typedef struct hf_log_field {
  const char *key; /* NULL ends the list */
  enum { HF_LOG_FIELD_TEXT, HF_LOG_FIELD_INT, HF_LOG_FIELD_UINT, HF_LOG_FIELD_REAL, HF_LOG_FIELD_HEX } type;
  union {
    const char *text; /* NULL is written as "-" */
    int64_t integer;
    uint64_t natural;
    double real;
    const uint8_t *bytes;
  } value;
  size_t length; /* of bytes */
} hf_log_field;

#define HF_LOG_TEXT(k, v) ((hf_log_field){.key = (k), .type = HF_LOG_FIELD_TEXT, .value = {.text = (v)}})
#define HF_LOG_INT(k, v)  ((hf_log_field){.key = (k), .type = HF_LOG_FIELD_INT, .value = {.integer = (v)}})
#define HF_LOG_UINT(k, v) ((hf_log_field){.key = (k), .type = HF_LOG_FIELD_UINT, .value = {.natural = (v)}})
#define HF_LOG_REAL(k, v) ((hf_log_field){.key = (k), .type = HF_LOG_FIELD_REAL, .value = {.real = (v)}})
#define HF_LOG_HEX(k, p, n)                                                                                  \
  ((hf_log_field){.key = (k), .type = HF_LOG_FIELD_HEX, .value = {.bytes = (p)}, .length = (n)})
/* The message that hf_fail recorded for this thread, and its code in words. */
#define HF_LOG_STATUS(status)                                                                                \
  HF_LOG_TEXT("status", hf_status_text(status)), HF_LOG_TEXT("error", hf_error_message())

#define hf_log(log, level, event, ...)                                                                       \
  hf_log_write((log), (level), (event), (const hf_log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

/* The function behind the macro; `fields` ends with a NULL key. A line is
 * written by one write(2) and cut at 4 KiB. */
void hf_log_write(const hf_logger *log, hf_log_level level, const char *event, const hf_log_field *fields);

const char *hf_log_level_text(hf_log_level level);
/* "debug", "info", "warn", "error", "off"; HF_E_ARGUMENT otherwise. */
hf_status hf_log_level_parse(const char *text, hf_log_level *out);

#ifdef __cplusplus
}
#endif
#endif
