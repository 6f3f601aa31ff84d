/* Bytes from outside: one bounded cursor to read them, one growing buffer to
 * write them. All integers are little-endian. A reader never reads past its end;
 * a failed read leaves the cursor where it was and returns HF_E_FORMAT with a
 * message that names the field and the offset. */
#ifndef HYPERFOLD_BYTES_H
#define HYPERFOLD_BYTES_H

#include <hyperfold/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A view of bytes that somebody else owns. */
typedef struct hf_bytes {
  const void *data; /* may be NULL when length is 0 */
  size_t length;
} hf_bytes;

typedef struct hf_reader {
  const uint8_t *data; /* not owned */
  size_t length;
  size_t offset;
} hf_reader;

static inline hf_reader hf_reader_over(const void *data, size_t length) {
  return (hf_reader){(const uint8_t *)data, length, 0};
}
static inline size_t hf_reader_left(const hf_reader *r) { return r->length - r->offset; }

/* `field` names what is read, for the error message. */
hf_status hf_read_u8(hf_reader *r, const char *field, uint8_t *out);
hf_status hf_read_u16(hf_reader *r, const char *field, uint16_t *out);
hf_status hf_read_u32(hf_reader *r, const char *field, uint32_t *out);
hf_status hf_read_u64(hf_reader *r, const char *field, uint64_t *out);
/* Copies `length` bytes. */
hf_status hf_read_bytes(hf_reader *r, const char *field, void *out, size_t length);
/* Points into the reader's data; nothing is copied. */
hf_status hf_read_view(hf_reader *r, const char *field, size_t length, const uint8_t **out);
/* HF_E_FORMAT unless every byte was read. */
hf_status hf_read_end(const hf_reader *r, const char *what);

/* A growing buffer. A failed allocation is remembered in `failed` and every
 * later write is a no-op, so that callers check once, with hf_writer_status. */
typedef struct hf_writer {
  uint8_t *data; /* owned; release with hf_writer_free */
  size_t length;
  size_t capacity;
  bool failed;
} hf_writer;

void hf_write_u8(hf_writer *w, uint8_t value);
void hf_write_u16(hf_writer *w, uint16_t value);
void hf_write_u32(hf_writer *w, uint32_t value);
void hf_write_u64(hf_writer *w, uint64_t value);
void hf_write_bytes(hf_writer *w, const void *data, size_t length);
hf_status hf_writer_status(const hf_writer *w);
void hf_writer_free(hf_writer *w);

/* Lower-case hex. hf_hex writes 2*length characters and a NUL. hf_unhex wants
 * exactly 2*length hex digits (an optional 0x in front). */
void hf_hex(const void *data, size_t length, char *out);
hf_status hf_unhex(const char *text, void *out, size_t length);

#ifdef __cplusplus
}
#endif
#endif
