/* Artifacts of the local store that come and go in pieces. */
#include "local.h"

#include <hyperfold/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYNC_EVERY (16u << 20) /* so that the end of a large one does not hold everybody up */

hf_status hf_local_upload_open(hf_local *local, const hf_digest *digest, uint64_t size,
                               hf_local_upload *upload) {
  char folder[PATH_MAX], path[PATH_MAX];
  if (size > local->queue.options.artifact_limit)
    return hf_fail(HF_E_ARGUMENT, "artifact of %llu bytes, at most %llu are allowed",
                   (unsigned long long)size, (unsigned long long)local->queue.options.artifact_limit);
  hf_local_artifact_path(local, digest, folder, path);
  hf_status status = hf_local_artifact_folder(local, folder);
  if (status != HF_OK) return status;
  upload->digest = *digest;
  upload->size = size;
  upload->received = upload->synced = 0;
  hf_digest_init(&upload->state);
  snprintf(upload->path, sizeof upload->path, "%.4000s/.upload.XXXXXX.tmp", folder);
  upload->fd = mkostemps(upload->path, 4, O_CLOEXEC);
  if (upload->fd >= 0 && fchmod(upload->fd, 0640) == 0) return HF_OK;
  status = hf_fail(hf_status_of_errno(errno), "%s: cannot make a file: %s", folder, strerror(errno));
  hf_local_upload_drop(upload);
  return status;
}

hf_status hf_local_upload_write(hf_local_upload *upload, const void *data, size_t length) {
  const uint8_t *from = data;
  size_t left = length;
  if (length > upload->size - upload->received)
    return hf_fail(HF_E_RANGE, "an artifact of %llu bytes got more than that",
                   (unsigned long long)upload->size);
  while (left) {
    ssize_t n = write(upload->fd, from, left);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      return hf_fail(hf_status_of_errno(n ? errno : EIO), "%s: cannot write: %s", upload->path,
                     strerror(errno));
    from += n;
    left -= (size_t)n;
  }
  hf_digest_update(&upload->state, data, length);
  upload->received += length;
  if (upload->received - upload->synced >= SYNC_EVERY) {
    if (fdatasync(upload->fd))
      return hf_fail(hf_status_of_errno(errno), "%s: cannot sync: %s", upload->path, strerror(errno));
    upload->synced = upload->received;
  }
  return HF_OK;
}

hf_status hf_local_upload_finish(hf_local *local, hf_local_upload *upload) {
  char folder[PATH_MAX], path[PATH_MAX];
  hf_digest actual;
  hf_status status = HF_OK;
  hf_local_artifact_path(local, &upload->digest, folder, path);
  hf_digest_final(&upload->state, &actual);
  if (upload->received != upload->size || !hf_digest_eq(&actual, &upload->digest)) {
    status = hf_fail(HF_E_CHECKSUM, "the bytes of an artifact are not those that its digest names");
    goto out;
  }
  if (fsync(upload->fd) || rename(upload->path, path)) {
    status = hf_fail(hf_status_of_errno(errno), "%s: cannot write: %s", path, strerror(errno));
    goto out;
  }
  upload->path[0] = '\0';
  hf_local_touch(path, hf_queue_now(&local->queue));
  status = hf_local_sync_folder(folder);
out:
  hf_local_upload_drop(upload);
  return status;
}

void hf_local_upload_drop(hf_local_upload *upload) {
  if (upload->fd < 0) return;
  close(upload->fd);
  upload->fd = -1;
  if (upload->path[0]) unlink(upload->path);
}

hf_status hf_local_artifact_renew(hf_local *local, const hf_digest *digest, uint64_t limit, bool *there) {
  char folder[PATH_MAX], path[PATH_MAX];
  uint8_t *data;
  size_t length;
  hf_local_artifact_path(local, digest, folder, path);
  *there = false;
  hf_status status = hf_file_read(path, (size_t)limit, &data, &length);
  if (status == HF_E_NOT_FOUND || status == HF_E_RANGE) return HF_OK;
  if (status != HF_OK) return status;
  hf_digest actual = hf_digest_bytes(data, length);
  free(data);
  *there = hf_digest_eq(&actual, digest);
  if (!*there) return HF_OK;
  hf_local_touch(path, hf_queue_now(&local->queue));
  return hf_local_sync_folder(folder);
}

hf_status hf_local_artifact_piece(hf_local *local, const hf_digest *digest, uint64_t offset, void *out,
                                  size_t capacity, size_t *length, uint64_t *size) {
  char folder[PATH_MAX], path[PATH_MAX];
  struct stat info;
  hf_status status = HF_OK;
  *length = 0;
  hf_local_artifact_path(local, digest, folder, path);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return hf_fail(hf_status_of_errno(errno), "%s: cannot open: %s", path, strerror(errno));
  if (fstat(fd, &info) || !S_ISREG(info.st_mode)) {
    status = hf_fail(HF_E_IO, "%s: is no file", path);
    goto out;
  }
  *size = (uint64_t)info.st_size;
  while (*length < capacity && offset < *size) {
    ssize_t n = pread(fd, (uint8_t *)out + *length, capacity - *length, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status = hf_fail(HF_E_IO, "%s: cannot read: %s", path, strerror(errno));
      goto out;
    }
    if (n == 0) break;
    *length += (size_t)n;
    offset += (uint64_t)n;
  }
out:
  close(fd);
  return status;
}
