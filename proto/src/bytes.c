#include <hyperfold/bytes.h>

#include <stdlib.h>
#include <string.h>

hf_status hf_read_view(hf_reader *r, const char *field, size_t length, const uint8_t **out) {
  if (length > r->length - r->offset)
    return hf_fail(HF_E_FORMAT, "%s: %zu bytes wanted at offset %zu, %zu left", field, length, r->offset,
                   r->length - r->offset);
  *out = r->data + r->offset;
  r->offset += length;
  return HF_OK;
}

hf_status hf_read_bytes(hf_reader *r, const char *field, void *out, size_t length) {
  const uint8_t *view = NULL;
  hf_status status = hf_read_view(r, field, length, &view);
  if (status == HF_OK && length) memcpy(out, view, length);
  return status;
}

static hf_status read_integer(hf_reader *r, const char *field, size_t length, uint64_t *out) {
  const uint8_t *view = NULL;
  hf_status status = hf_read_view(r, field, length, &view);
  if (status != HF_OK) return status;
  *out = 0;
  for (size_t i = length; i-- > 0;) *out = *out << 8 | view[i];
  return HF_OK;
}

#define READ_INTEGER(bits)                                                                                   \
  hf_status hf_read_u##bits(hf_reader *r, const char *field, uint##bits##_t *out) {                          \
    uint64_t value;                                                                                          \
    hf_status status = read_integer(r, field, bits / 8, &value);                                             \
    if (status == HF_OK) *out = (uint##bits##_t)value;                                                       \
    return status;                                                                                           \
  }
READ_INTEGER(8)
READ_INTEGER(16)
READ_INTEGER(32)
READ_INTEGER(64)

hf_status hf_read_end(const hf_reader *r, const char *what) {
  if (r->offset == r->length) return HF_OK;
  return hf_fail(HF_E_FORMAT, "%s: %zu trailing bytes after offset %zu", what, r->length - r->offset,
                 r->offset);
}

void hf_write_bytes(hf_writer *w, const void *data, size_t length) {
  if (w->failed || length == 0) return;
  if (length > w->capacity - w->length) {
    size_t capacity = w->capacity ? w->capacity : 256;
    while (capacity - w->length < length) {
      if (capacity > SIZE_MAX / 2) {
        w->failed = true;
        return;
      }
      capacity *= 2;
    }
    uint8_t *grown = realloc(w->data, capacity);
    if (!grown) {
      w->failed = true;
      return;
    }
    w->data = grown;
    w->capacity = capacity;
  }
  memcpy(w->data + w->length, data, length);
  w->length += length;
}

static void write_integer(hf_writer *w, uint64_t value, size_t length) {
  uint8_t bytes[8];
  for (size_t i = 0; i < length; i++) bytes[i] = (uint8_t)(value >> (8 * i));
  hf_write_bytes(w, bytes, length);
}

void hf_write_u8(hf_writer *w, uint8_t value) { write_integer(w, value, 1); }
void hf_write_u16(hf_writer *w, uint16_t value) { write_integer(w, value, 2); }
void hf_write_u32(hf_writer *w, uint32_t value) { write_integer(w, value, 4); }
void hf_write_u64(hf_writer *w, uint64_t value) { write_integer(w, value, 8); }

hf_status hf_writer_status(const hf_writer *w) {
  return w->failed ? hf_fail(HF_E_MEMORY, "no memory for a buffer of more than %zu bytes", w->length) : HF_OK;
}

void hf_writer_free(hf_writer *w) {
  free(w->data);
  *w = (hf_writer){0};
}

void hf_hex(const void *data, size_t length, char *out) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *bytes = data;
  for (size_t i = 0; i < length; i++) {
    out[2 * i] = digits[bytes[i] >> 4];
    out[2 * i + 1] = digits[bytes[i] & 15];
  }
  out[2 * length] = '\0';
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

hf_status hf_unhex(const char *text, void *out, size_t length) {
  uint8_t *bytes = out;
  if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) text += 2;
  if (strlen(text) != 2 * length)
    return hf_fail(HF_E_FORMAT, "%zu hex digits wanted, %zu given", 2 * length, strlen(text));
  for (size_t i = 0; i < length; i++) {
    int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return hf_fail(HF_E_FORMAT, "'%.2s' is not a hex byte", text + 2 * i);
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  return HF_OK;
}
