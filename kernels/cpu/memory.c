/* The CPU backend's memory. */
#include "cpu.h"
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

static size_t whole_pages(size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

/* Zeroed pages, aligned to a huge one. */
static void *pages_map(size_t bytes) {
  size_t length = whole_pages(bytes);
  if (bytes > SIZE_MAX - 2 * HUGE_PAGE) return NULL;
  char *map = mmap(NULL, length + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) return NULL;
  size_t before = (HUGE_PAGE - (size_t)((uintptr_t)map % HUGE_PAGE)) % HUGE_PAGE;
  if (before > 0) (void)munmap(map, before);
  if (before < HUGE_PAGE) (void)munmap(map + before + length, HUGE_PAGE - before);
#if defined(MADV_HUGEPAGE)
  /* Transforms stride and sums of points jump through it: fewer pages, fewer misses. A wish, and for whole pages alone:
   * a vector is often a few elements longer than a power of two. */
  (void)madvise(map + before, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
  return map + before;
}

void *hf_cpu_alloc(size_t bytes) {
  void *memory;
  if (bytes >= HF_CPU_LARGE) return pages_map(bytes);
  return posix_memalign(&memory, HF_CPU_ALIGNMENT, bytes ? bytes : 1) == 0 ? memory : NULL;
}

void hf_cpu_free(void *memory, size_t bytes) {
  if (!memory) return;
  if (bytes >= HF_CPU_LARGE) { /* the kernel clears pages before anybody sees them again */
    (void)munmap(memory, whole_pages(bytes));
    return;
  }
  explicit_bzero(memory, bytes);
  free(memory);
}

/* --- scratch ---- */

void hf_cpu_scratch_begin(hf_cpu *cpu) {
  hf_scratch *s = &cpu->scratch;
  if (s->count > 1) { /* what the last operation took is taken as one block from now on */
    size_t bytes = 0;
    for (unsigned i = 0; i < s->count; i++) bytes += s->block[i].bytes;
    hf_cpu_scratch_free(cpu);
    s->block[0].memory = hf_cpu_alloc(bytes);
    s->block[0].bytes = bytes;
    s->count = s->block[0].memory != NULL;
  }
  for (unsigned i = 0; i < s->count; i++) s->block[i].used = 0;
}

void *hf_cpu_scratch(hf_cpu *cpu, size_t bytes) {
  hf_scratch *s = &cpu->scratch;
  if (bytes > SIZE_MAX - HF_CPU_ALIGNMENT) return NULL;
  bytes = (bytes + HF_CPU_ALIGNMENT - 1) / HF_CPU_ALIGNMENT * HF_CPU_ALIGNMENT;
  if (bytes == 0) bytes = HF_CPU_ALIGNMENT;
  if (s->count == 0 || s->block[s->count - 1].bytes - s->block[s->count - 1].used < bytes) {
    if (s->count == HF_SCRATCH_BLOCKS) return NULL;
    void *memory = hf_cpu_alloc(bytes);
    if (!memory) return NULL;
    s->block[s->count].memory = memory;
    s->block[s->count].bytes = bytes;
    s->block[s->count++].used = 0;
  }
  char *at = (char *)s->block[s->count - 1].memory + s->block[s->count - 1].used;
  s->block[s->count - 1].used += bytes;
  return at;
}

void hf_cpu_scratch_free(hf_cpu *cpu) {
  hf_scratch *s = &cpu->scratch;
  for (unsigned i = 0; i < s->count; i++) hf_cpu_free(s->block[i].memory, s->block[i].bytes);
  s->count = 0;
}

/* --- spare vectors ---- */

static void spare_drop(hf_spare *s, unsigned i) {
  s->bytes -= s->block[i].bytes;
  memmove(&s->block[i], &s->block[i + 1], (--s->count - i) * sizeof s->block[i]);
}

static void spare_release(hf_spare *s) {
  hf_cpu_free(s->block[0].memory, s->block[0].bytes);
  spare_drop(s, 0);
}

void *hf_cpu_spare_take(hf_cpu *cpu, size_t bytes) {
  hf_spare *s = &cpu->spare;
  if (bytes < HF_CPU_LARGE) {
    void *memory = hf_cpu_alloc(bytes);
    if (memory) memset(memory, 0, bytes);
    return memory;
  }
  for (unsigned i = s->count; i-- > 0;)
    if (s->block[i].bytes == bytes) {
      void *memory = s->block[i].memory;
      spare_drop(s, i);
      return memory;
    }
  void *memory = hf_cpu_alloc(bytes);
  while (!memory && s->count > 0) {
    spare_release(s);
    memory = hf_cpu_alloc(bytes);
  }
  return memory;
}

static void clear_body(void *context, size_t begin, size_t end, unsigned worker) {
  (void)worker;
  explicit_bzero((char *)context + begin, end - begin);
}

void hf_cpu_spare_give(hf_cpu *cpu, void *memory, size_t bytes) {
  hf_spare *s = &cpu->spare;
  if (bytes < HF_CPU_LARGE || bytes > HF_SPARE_BYTES) {
    hf_cpu_free(memory, bytes);
    return;
  }
  while (s->count == HF_SPARE_BLOCKS || s->bytes + bytes > HF_SPARE_BYTES) spare_release(s);
  hf_pool_run(cpu->pool, bytes, (size_t)1 << 20, clear_body, memory);
  s->block[s->count].memory = memory;
  s->block[s->count++].bytes = bytes;
  s->bytes += bytes;
}

void hf_cpu_spare_free(hf_cpu *cpu) {
  while (cpu->spare.count > 0) spare_release(&cpu->spare);
}
