/* Time and memory of this machine. */
#ifndef HF_MACHINE_H
#define HF_MACHINE_H

#include <hyperfold/status.h>
#include <stdint.h>

uint64_t hf_cli_free_memory(void); /* bytes; 0 if unknown */
uint64_t hf_cli_memory(void);      /* bytes that there are for us: the machine's, or what the container may use */
/* The first thread's stack grows when it is used, and where memory is short then, the process ends by a signal. This takes what
 * a proof needs (1 MiB) now: later it is an allocation that fails, and says so. */
hf_status hf_cli_stack_reserve(void); /* HF_E_MEMORY */
double hf_cli_now(void);           /* seconds on the monotonic clock */

#endif
