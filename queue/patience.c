#include "patience.h"

#include <hyperfold/clock.h>
#include <time.h>

#define PAUSE_MS 1000 /* the longest between two tries */

void hf_patience_begin(hf_patience *p) {
  p->until_ms = hf_steady_ms() + p->patience_ms;
  p->pause_ms = 0;
  p->away = false;
}

void hf_patience_answered(const hf_patience *p) {
  if (p->away && p->log)
    hf_log(p->log, HF_LOG_INFO, p->back_text, HF_LOG_TEXT("queue", p->shown));
}

hf_status hf_patience_failed(hf_patience *p, hf_status status, bool sent) {
  if (!p->away && p->log)
    hf_log(p->log, HF_LOG_WARN, p->away_text, HF_LOG_TEXT("queue", p->shown), HF_LOG_TEXT("why", hf_error_message()));
  p->away = true;
  if (hf_steady_ms() + p->pause_ms >= p->until_ms)
    return hf_fail_context(status, "gave up after %llu ms%s", (unsigned long long)p->patience_ms,
                           sent ? ", and whether the last request took effect is not known" : "");
  p->pause_ms = p->pause_ms < 5 ? 5 : p->pause_ms >= PAUSE_MS / 2 ? PAUSE_MS : 2 * p->pause_ms;
  uint64_t pause = p->pause_ms / 2 + p->spread % (p->pause_ms / 2 + 1);
  nanosleep(&(struct timespec){(time_t)(pause / 1000), (long)(pause % 1000) * 1000000}, NULL);
  return HF_OK;
}
