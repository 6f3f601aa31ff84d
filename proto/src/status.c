#include <hyperfold/status.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char message[1024];

const char *hf_status_text(hf_status status) {
  switch (status) {
#define HF_STATUS_CASE(name, value, text)                                                                    \
  case HF_##name:                                                                                            \
    return text;
    HF_STATUS_LIST(HF_STATUS_CASE)
#undef HF_STATUS_CASE
  }
  return "unknown status";
}

hf_status hf_fail(hf_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, sizeof message, format, arguments);
  va_end(arguments);
  return status;
}

hf_status hf_fail_context(hf_status status, const char *format, ...) {
  char context[sizeof message];
  va_list arguments;
  va_start(arguments, format);
  int n = vsnprintf(context, sizeof context, format, arguments);
  va_end(arguments);
  if (n < 0) return status;
  size_t used = (size_t)n < sizeof context ? (size_t)n : sizeof context - 1;
  /* What does not fit is cut. */
  if (snprintf(context + used, sizeof context - used, ": %s", message[0] ? message : hf_status_text(status)) <
      0)
    return status;
  memcpy(message, context, sizeof message);
  return status;
}

const char *hf_error_message(void) { return message; }

int hf_exit_code(hf_status status) {
  if (status == HF_OK) return 0;
  if (status == HF_E_VERIFY || status == HF_E_UNSATISFIED || status == HF_E_REFUSED) return 4;
  if (status == HF_E_QUARANTINED) return 8;
  if (status < 200) return 2;
  if (status < 300) return 3;
  if (status < 400) return 5;
  if (status < 500) return 6;
  return 7;
}
