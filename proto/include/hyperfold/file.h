/* Whole files: atomic to write, bounded to read. */
#ifndef HYPERFOLD_FILE_H
#define HYPERFOLD_FILE_H

#include <hyperfold/bytes.h>
#include <hyperfold/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes the parts one after the other to a temporary file in the folder of
 * `path` (".NAME.RANDOM.tmp"), syncs it, renames it over `path` and syncs the
 * folder: after a crash at any moment `path` is the old file or the whole new
 * one. `mode` is as for open(2), before the umask: 0644, or 0600 for secrets.
 * Errors: HF_E_FULL (disk, quota or limit), HF_E_NOT_FOUND (folder), HF_E_IO. */
hf_status hf_file_write(const char *path, unsigned mode, const hf_bytes *parts, size_t part_count);

/* Reads a whole file of at most `limit` bytes into fresh memory, which the
 * caller frees; one NUL is put behind the data (not counted in `length`).
 * Errors: HF_E_NOT_FOUND, HF_E_RANGE (longer than `limit`), HF_E_MEMORY, HF_E_IO. */
hf_status hf_file_read(const char *path, size_t limit, uint8_t **data, size_t *length);

/* Makes a key file: mode 0600, synced, and never over another file; half a key is removed.
 * Errors: HF_E_EXISTS when there is a file, HF_E_NOT_FOUND (folder), HF_E_FULL, HF_E_IO. */
hf_status hf_key_file_create(const char *path, const void *text, size_t length);

/* Reads the first `capacity` bytes of a key file, or all where it is shorter. The caller wipes them.
 * Errors: HF_E_NOT_FOUND; HF_E_REFUSED when others than the owner may use the file; HF_E_FORMAT for a folder;
 * HF_E_IO. */
hf_status hf_key_file_read(const char *path, void *text, size_t capacity, size_t *length);

/* Makes a folder and its missing parents; an existing folder is fine. */
hf_status hf_folder_create(const char *path, unsigned mode);

/* Removes a folder and what is in it, as far as that can be; links are removed, not followed. For scratch folders. */
void hf_folder_remove(const char *path);

/* The status for an errno of a file operation, without recording a message. */
hf_status hf_status_of_errno(int error);

#ifdef __cplusplus
}
#endif
#endif
