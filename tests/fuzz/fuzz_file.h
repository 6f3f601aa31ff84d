/* An input as a file, for readers that map files: in memory, its checksum right. */
#ifndef HF_FUZZ_FILE_H
#define HF_FUZZ_FILE_H
#include <hyperfold/container.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* Returns the descriptor, to be closed; `path` names the file meanwhile. kind NULL: the input is the whole
 * file. */
static inline int fuzz_file(const char *kind, uint32_t version, const uint8_t *data, size_t size,
                            char path[64]) {
  hf_writer w = {0};
  hf_bytes part = {data, size};
  int fd = memfd_create("input", MFD_CLOEXEC);
  if (kind)
    hf_container_encode(&w, kind, version, &part, 1);
  else
    hf_write_bytes(&w, data, size);
  if (fd < 0 || hf_writer_status(&w) != HF_OK || write(fd, w.data, w.length) != (ssize_t)w.length) abort();
  hf_writer_free(&w);
  snprintf(path, 64, "/proc/self/fd/%d", fd);
  return fd;
}
#endif
