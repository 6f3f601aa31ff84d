/* Calls that must succeed, or fail in one way, in tests; a failure shows the recorded message. */
#ifndef HF_TESTS_OK_H
#define HF_TESTS_OK_H

#include <criterion/criterion.h>
#include <hyperfold/status.h>

#define OK(expression)                                                                                       \
  do {                                                                                                       \
    hf_status ok_status = (expression);                                                                      \
    cr_assert(ok_status == HF_OK, "%s: %s: %s", #expression, hf_status_text(ok_status), hf_error_message()); \
  } while (0)
#define GIVES(wanted, expression)                                                                            \
  do {                                                                                                       \
    hf_status gives_status = (expression);                                                                   \
    cr_assert(gives_status == (wanted), "%s gave %d (%s), %s was wanted", #expression, (int)gives_status,    \
              hf_error_message(), #wanted);                                                                  \
  } while (0)

#endif
