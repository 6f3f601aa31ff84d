/* Status codes and error messages: how every part of hyperfold reports failure.
 *
 * A function that can fail returns hf_status. Where the failure is born it calls
 * hf_fail(code, "what was wrong with which input and what to do"), which records
 * the message for the calling thread and returns the code; callers pass the code
 * on with HF_TRY and clean up under one `out:` label. A verdict ("is this proof
 * valid?") is never a status: it is a `bool *ok` that is set to false first.
 */
#ifndef HYPERFOLD_STATUS_H
#define HYPERFOLD_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, text). Ranges: 1xx the caller, 2xx the input, 3xx resources,
 * 4xx devices, 5xx internal. */
#define HF_STATUS_LIST(X)                                                                          \
  X(OK, 0, "ok")                                                                                   \
  X(E_ARGUMENT, 100, "invalid argument")                                                           \
  X(E_STATE, 101, "not possible in this state")                                                    \
  X(E_CANCELLED, 102, "cancelled")                                                                 \
  X(E_UNSUPPORTED, 103, "not supported")                                                           \
  X(E_QUARANTINED, 104, "the worker is quarantined")                                               \
  X(E_FORMAT, 200, "malformed input")                                                              \
  X(E_CHECKSUM, 201, "checksum mismatch")                                                          \
  X(E_VERSION, 202, "unknown version")                                                             \
  X(E_RANGE, 203, "value out of range")                                                            \
  X(E_CURVE, 204, "point not on the curve")                                                        \
  X(E_SUBGROUP, 205, "point not in the subgroup")                                                  \
  X(E_INFINITY, 206, "point at infinity not allowed")                                              \
  X(E_UNSATISFIED, 207, "the witness does not satisfy the circuit")                                \
  X(E_MISMATCH, 208, "inputs do not belong together")                                              \
  X(E_REFUSED, 209, "refused")                                                                     \
  X(E_VERIFY, 210, "verification failed")                                                          \
  X(E_MEMORY, 300, "out of memory")                                                                \
  X(E_IO, 301, "input/output error")                                                               \
  X(E_NOT_FOUND, 302, "not found")                                                                 \
  X(E_EXISTS, 303, "already exists")                                                               \
  X(E_BUSY, 304, "busy")                                                                           \
  X(E_FULL, 305, "no space left")                                                                  \
  X(E_TIMEOUT, 306, "timed out")                                                                   \
  X(E_STALE, 307, "the lease is no longer held")                                                   \
  X(E_RANDOM, 308, "the operating system gave no randomness")                                      \
  X(E_DEVICE, 400, "device fault")                                                                 \
  X(E_INTERNAL, 500, "internal error")

typedef enum hf_status {
#define HF_STATUS_ENUM(name, value, text) HF_##name = value,
  HF_STATUS_LIST(HF_STATUS_ENUM)
#undef HF_STATUS_ENUM
} hf_status;

/* The text of a code; "unknown status" for a number that is none. Static storage. */
const char *hf_status_text(hf_status status);

/* Records a message (printf format, at most 1023 bytes kept) for the calling
 * thread and returns `status`. */
hf_status hf_fail(hf_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts context in front of the recorded message ("context: message") and returns `status`. */
hf_status hf_fail_context(hf_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The calling thread's last recorded message; "" if none. Valid until the next
 * hf_fail on this thread. */
const char *hf_error_message(void);

/* The process exit code for a status: 0 ok, 2 caller, 3 input, 4 verdict refused
 * (E_VERIFY, E_UNSATISFIED, E_REFUSED), 5 resource, 6 device, 7 internal, 8 a quarantined worker: starting it
 * again is of no use before it is pardoned. */
int hf_exit_code(hf_status status);

/* Runs an expression that gives hf_status; on failure stores it in the local
 * `status` and jumps to the local label `out`. */
#define HF_TRY(expression)                                                                         \
  do {                                                                                             \
    status = (expression);                                                                         \
    if (status != HF_OK) goto out;                                                                 \
  } while (0)

#ifdef __cplusplus
}
#endif
#endif
