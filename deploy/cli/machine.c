#include "machine.h"

#include <stdio.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

double hf_cli_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

#define STACK_BYTES ((size_t)1 << 20)

__attribute__((noinline)) static void touch_stack(void) {
  volatile char room[STACK_BYTES];
  for (size_t i = sizeof room; i >= 4096; i -= 4096) room[i - 1] = 0; /* from its near end, page by page */
}

hf_status hf_cli_stack_reserve(void) {
  /* if there is room for it here, there is room for it there */
  void *room = mmap(NULL, 2 * STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room == MAP_FAILED) return hf_fail(HF_E_MEMORY, "no memory for a stack");
  munmap(room, 2 * STACK_BYTES);
  touch_stack();
  return HF_OK;
}

uint64_t hf_cli_free_memory(void) {
  char line[128];
  unsigned long long kib = 0;
  FILE *file = fopen("/proc/meminfo", "re");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "MemAvailable: %llu", &kib) == 1) break;
  }
  fclose(file);
  return (uint64_t)kib * 1024;
}

/* The number in a file of one, UINT64_MAX for "max" or no such file. */
static uint64_t limit_in(const char *path) {
  unsigned long long bytes;
  FILE *file = fopen(path, "re");
  if (file == NULL) return UINT64_MAX;
  int fields = fscanf(file, "%llu", &bytes);
  fclose(file);
  return fields == 1 ? bytes : UINT64_MAX;
}

uint64_t hf_cli_memory(void) {
  static const char *const limits[] = {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"};
  uint64_t least = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
  for (int i = 0; i < 2; i++) {
    uint64_t limit = limit_in(limits[i]);
    if (limit < least) least = limit;
  }
  return least;
}
