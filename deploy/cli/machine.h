/* Time and memory of this machine. */
#ifndef HF_MACHINE_H
#define HF_MACHINE_H

#include <stdint.h>

uint64_t hf_cli_free_memory(void); /* bytes; 0 if unknown */
uint64_t hf_cli_memory(void);      /* bytes that there are for us: the machine's, or what the container may use */
double hf_cli_now(void);           /* seconds on the monotonic clock */

#endif
