/* One bump arena a job: allocation is an addition, a phase is undone by going
 * back to a mark, and the caller sees how much was used at most. */
#ifndef HYPERFOLD_ARENA_H
#define HYPERFOLD_ARENA_H

#include <hyperfold/status.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_ARENA_ALIGNMENT 64 /* a cache line, and an AVX-512 vector */

typedef struct hf_arena hf_arena;

/* Reserves `capacity` bytes of address space (rounded up to a page); the system
 * gives the pages when they are first written. One thread at a time. */
hf_status hf_arena_create(size_t capacity, hf_arena **out);
/* Wipes all that was ever used and gives it back; *arena becomes NULL. NULL is allowed. */
void hf_arena_destroy(hf_arena **arena);

/* `bytes` at a 64-byte aligned address, contents undefined; NULL when the arena
 * is exhausted (also for an overflowing size). 0 bytes give a valid pointer. */
void *hf_arena_alloc(hf_arena *arena, size_t bytes);
/* count * size bytes, overflow checked. */
void *hf_arena_alloc_array(hf_arena *arena, size_t count, size_t size);
/* As hf_arena_alloc_array with the memory zeroed. */
void *hf_arena_calloc(hf_arena *arena, size_t count, size_t size);

/* A mark is the number of bytes in use; going back to it frees everything
 * allocated since. A mark beyond the present use is ignored. */
size_t hf_arena_mark(const hf_arena *arena);
void hf_arena_reset(hf_arena *arena, size_t mark);

size_t hf_arena_capacity(const hf_arena *arena);
size_t hf_arena_used(const hf_arena *arena);
size_t hf_arena_peak(const hf_arena *arena); /* bytes used at most since creation or the last wipe */

/* Overwrites all that was ever used with zeros and resets: between two tenants' jobs. */
void hf_arena_wipe(hf_arena *arena);

#ifdef __cplusplus
}
#endif
#endif
