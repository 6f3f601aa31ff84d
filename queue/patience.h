/* How the handle of a server's queue goes on trying while the server is away: pauses that grow to a second, for as long as the
 * handle is patient (busy_ms), and a line in the log when it goes and when it comes back. */
#ifndef HF_QUEUE_PATIENCE_H
#define HF_QUEUE_PATIENCE_H

#include <hyperfold/log.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct hf_patience {
  const char *away_text, *back_text; /* what the log says */
  const char *shown;                 /* where the server is, as it is shown */
  const hf_logger *log;
  uint64_t patience_ms;
  uint64_t spread;   /* another number for each handle and call: not all clients come back at the same moment */
  uint64_t until_ms; /* on hf_steady_ms */
  uint64_t pause_ms; /* before the try that comes; 0: it is the first */
  bool away;
} hf_patience;

/* From now on; the fields above `until_ms` are the caller's, who owns the texts. */
void hf_patience_begin(hf_patience *patience);
/* The server has answered. */
void hf_patience_answered(const hf_patience *patience);
/* A try failed with `status` (and its message) for a reason that may pass: HF_OK after a pause, that it is made again; `status`, with
 * what is to be known, when there is no more time. `sent`: a request was under way, and may have taken effect. */
hf_status hf_patience_failed(hf_patience *patience, hf_status status, bool sent);

#endif
