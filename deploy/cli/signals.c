#include "signals.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t hf_stopped;

static void on_signal(int number) {
  (void)number;
  hf_stopped = 1;
}

void hf_cli_catch_signals(void) {
  const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART */
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
}

bool hf_cli_stopped(void) { return hf_stopped != 0; }

bool hf_cli_stop(void *context) {
  (void)context;
  return hf_cli_stopped();
}
