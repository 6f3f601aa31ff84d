/* Randomness of the operating system, for blinding and keys. */
#ifndef HYPERFOLD_RANDOM_H
#define HYPERFOLD_RANDOM_H

#include <hyperfold/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fills `length` bytes from getrandom(2). All or nothing: on any failure the
 * whole buffer is zeroed and HF_E_RANDOM returned; there is no other source to
 * fall back to, and the caller must give up what it was doing. */
hf_status hf_random_bytes(void *out, size_t length);

#ifdef __cplusplus
}
#endif
#endif
