/* The one file format: every file that hyperfold keeps (SRS, keys, proofs,
 * circuits, batch inputs) is a container, a fixed header and one payload.
 *
 *   offset size
 *      0     8   magic "HYPERFLD"
 *      8     4   kind, four printable characters ("SRS ", "PKEY", ...)
 *     12     4   format version of that kind, from 1
 *     16     8   payload length in bytes
 *     24     8   zero
 *     32    32   BLAKE2b-256 of bytes 0..31 and the payload
 *     64     -   payload
 *
 * All integers are little-endian. The payload starts on a 64-byte boundary, so
 * arrays of points can be used in the mapped file. The checksum finds damage,
 * not forgery: whoever reads a container checks its payload all the same.
 *
 * Errors of the readers, each with a message that names the file:
 * HF_E_NOT_FOUND no such file; HF_E_IO; HF_E_FORMAT wrong magic, kind or length;
 * HF_E_VERSION a version that is 0 or newer than `max_version`; HF_E_CHECKSUM. */
#ifndef HYPERFOLD_CONTAINER_H
#define HYPERFOLD_CONTAINER_H

#include <hyperfold/bytes.h>
#include <hyperfold/digest.h>
#include <hyperfold/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HF_CONTAINER_HEADER 64

/* Writes a container atomically (see hf_file_write); the parts, in order, are the
 * payload. Mode 0644 before the umask. Errors: HF_E_ARGUMENT, HF_E_FULL, HF_E_NOT_FOUND, HF_E_IO. */
hf_status hf_container_write(const char *path, const char kind[4], uint32_t version, const hf_bytes *parts,
                             size_t part_count);

/* Appends a container to `w`. */
hf_status hf_container_encode(hf_writer *w, const char kind[4], uint32_t version, const hf_bytes *parts,
                              size_t part_count);

/* Checks a container that lies in memory and must be exactly `length` bytes;
 * `payload` points into `data` and is as aligned as `data` is. `what` names the
 * source in messages. */
hf_status hf_container_decode(const char *what, const void *data, size_t length, const char kind[4],
                              uint32_t max_version, const uint8_t **payload, size_t *payload_length,
                              uint32_t *version);

/* A container in a read-only mapping. Files are only ever replaced by renaming,
 * so a mapping keeps the contents that were checked. */
typedef struct hf_container hf_container;

hf_status hf_container_map(const char *path, const char kind[4], uint32_t max_version, hf_container **out);
/* Unmaps; *container becomes NULL. NULL is allowed. */
void hf_container_unmap(hf_container **container);

hf_bytes hf_container_payload(const hf_container *container); /* 64-byte aligned; lives until unmapped */
uint32_t hf_container_version(const hf_container *container);
hf_digest hf_container_checksum(const hf_container *container);

#ifdef __cplusplus
}
#endif
#endif
