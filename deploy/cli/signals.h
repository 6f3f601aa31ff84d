/* SIGTERM and SIGINT end a command in its own time: they are noted, and it looks when it can stop. */
#ifndef HF_SIGNALS_H
#define HF_SIGNALS_H

#include <stdbool.h>

/* From here on both are noted instead of ending the process. A sleep ends at once when one comes. */
void hf_cli_catch_signals(void);
/* One of them came. */
bool hf_cli_stopped(void);
/* The same as a library's `stop`; the context is not used. */
bool hf_cli_stop(void *context);

#endif
