#include <hyperfold/arena.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdlib.h>

struct hf_arena {
  uint8_t *base;
  size_t capacity;
  size_t used;
  size_t peak;
};

hf_status hf_arena_create(size_t capacity, hf_arena **out) {
  *out = NULL;
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  if (capacity == 0 || capacity > SIZE_MAX - page)
    return hf_fail(HF_E_ARGUMENT, "arena: capacity of %zu bytes", capacity);
  capacity = (capacity + page - 1) / page * page;
  hf_arena *arena = malloc(sizeof *arena);
  if (!arena) return hf_fail(HF_E_MEMORY, "arena: no memory for its header");
  void *base =
      mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    free(arena);
    return hf_fail(HF_E_MEMORY, "arena: cannot reserve %zu bytes: %s", capacity, strerror(errno));
  }
  /* Large pages halve the time of random access; witnesses must not reach a core file. */
  (void)madvise(base, capacity, MADV_HUGEPAGE);
  (void)madvise(base, capacity, MADV_DONTDUMP);
  *arena = (hf_arena){base, capacity, 0, 0};
  *out = arena;
  return HF_OK;
}

void hf_arena_wipe(hf_arena *arena) {
  explicit_bzero(arena->base, arena->peak);
  arena->used = arena->peak = 0;
}

void hf_arena_destroy(hf_arena **arena) {
  if (!*arena) return;
  hf_arena_wipe(*arena);
  munmap((*arena)->base, (*arena)->capacity);
  free(*arena);
  *arena = NULL;
}

void *hf_arena_alloc(hf_arena *arena, size_t bytes) {
  if (bytes > arena->capacity) return NULL;
  size_t rounded = (bytes + HF_ARENA_ALIGNMENT - 1) / HF_ARENA_ALIGNMENT * HF_ARENA_ALIGNMENT;
  if (rounded > arena->capacity - arena->used) return NULL;
  void *p = arena->base + arena->used;
  arena->used += rounded;
  if (arena->used > arena->peak) arena->peak = arena->used;
  return p;
}

void *hf_arena_alloc_array(hf_arena *arena, size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  return hf_arena_alloc(arena, bytes);
}

void *hf_arena_calloc(hf_arena *arena, size_t count, size_t size) {
  void *p = hf_arena_alloc_array(arena, count, size);
  if (p && count && size) memset(p, 0, count * size);
  return p;
}

size_t hf_arena_mark(const hf_arena *arena) { return arena->used; }

void hf_arena_reset(hf_arena *arena, size_t mark) {
  if (mark <= arena->used) arena->used = mark;
}

size_t hf_arena_capacity(const hf_arena *arena) { return arena->capacity; }
size_t hf_arena_used(const hf_arena *arena) { return arena->used; }
size_t hf_arena_peak(const hf_arena *arena) { return arena->peak; }
