#include <hyperfold/file.h>

#include <hyperfold/random.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

hf_status hf_status_of_errno(int error) {
  switch (error) {
  case 0:
    return HF_OK;
  case ENOSPC:
  case EDQUOT:
  case EFBIG:
    return HF_E_FULL;
  case ENOENT:
  case ENOTDIR:
    return HF_E_NOT_FOUND;
  case EEXIST:
    return HF_E_EXISTS;
  case ENOMEM:
    return HF_E_MEMORY;
  default:
    return HF_E_IO;
  }
}

static hf_status fail_errno(const char *path, const char *what, int error) {
  return hf_fail(hf_status_of_errno(error), "%s: %s: %s", path, what, strerror(error));
}

/* write(2) moves at most 2^31 - 4096 bytes a call and may be cut short by a signal. */
static int write_all(int fd, const uint8_t *data, size_t length) {
  while (length) {
    ssize_t n = write(fd, data, length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return EIO;
    data += n;
    length -= (size_t)n;
  }
  return 0;
}

static int sync_folder(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = fsync(fd) ? errno : 0;
  close(fd);
  return error;
}

hf_status hf_file_write(const char *path, unsigned mode, const hf_bytes *parts, size_t part_count) {
  char folder[PATH_MAX], temporary[PATH_MAX], suffix[17];
  uint8_t random[8];
  size_t length = strlen(path);
  if (length == 0 || path[length - 1] == '/')
    return hf_fail(HF_E_ARGUMENT, "'%s': not the name of a file", path);
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  int folder_length = slash ? (int)(slash - path) + 1 : 0;
  hf_status status = hf_random_bytes(random, sizeof random);
  if (status != HF_OK) return status;
  hf_hex(random, sizeof random, suffix);
  int n = snprintf(temporary, sizeof temporary, "%.*s.%s.%s.tmp", folder_length, path, name, suffix);
  if (n < 0 || (size_t)n >= sizeof temporary) return hf_fail(HF_E_ARGUMENT, "%s: name too long", path);
  snprintf(folder, sizeof folder, "%.*s", folder_length ? folder_length : 1, folder_length ? path : ".");

  int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
  if (fd < 0) return fail_errno(path, "cannot create a temporary file beside it", errno);
  int error = 0;
  for (size_t i = 0; i < part_count && !error; i++) error = write_all(fd, parts[i].data, parts[i].length);
  if (!error && fsync(fd)) error = errno;
  if (close(fd) && !error) error = errno;
  if (!error && rename(temporary, path)) error = errno;
  if (error) {
    unlink(temporary);
    return fail_errno(path, "cannot write", error);
  }
  error = sync_folder(folder);
  return error ? fail_errno(folder, "cannot sync the folder", error) : HF_OK;
}

hf_status hf_file_read(const char *path, size_t limit, uint8_t **data, size_t *length) {
  hf_status status = HF_OK;
  uint8_t *buffer = NULL;
  struct stat info;
  *data = NULL;
  *length = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail_errno(path, "cannot open", errno);
  if (fstat(fd, &info)) {
    status = fail_errno(path, "cannot stat", errno);
    goto out;
  }
  if (S_ISDIR(info.st_mode)) {
    status = hf_fail(HF_E_IO, "%s: is a folder", path);
    goto out;
  }
  /* A pipe has no size: the buffer grows as far as the limit. */
  size_t capacity = S_ISREG(info.st_mode) ? (size_t)info.st_size : 65536, used = 0;
  if (S_ISREG(info.st_mode) && capacity > limit) {
    status = hf_fail(HF_E_RANGE, "%s: %zu bytes, at most %zu are accepted", path, capacity, limit);
    goto out;
  }
  for (;;) {
    if (!buffer || used == capacity) {
      if (buffer) capacity = capacity < 65536 ? 65536 : capacity * 2;
      if (capacity > limit) capacity = limit;
      /* One byte over the limit is read to notice a longer file; one is for the NUL. */
      uint8_t *grown = realloc(buffer, capacity + 2);
      if (!grown) {
        status = hf_fail(HF_E_MEMORY, "%s: no memory for %zu bytes", path, capacity);
        goto out;
      }
      buffer = grown;
    }
    ssize_t n = read(fd, buffer + used, capacity + 1 - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      status = fail_errno(path, "cannot read", errno);
      goto out;
    }
    if (n == 0) break;
    used += (size_t)n;
    if (used > limit) {
      status = hf_fail(HF_E_RANGE, "%s: more than the %zu bytes that are accepted", path, limit);
      goto out;
    }
    if (used > capacity) capacity = used;
  }
  buffer[used] = 0;
  *data = buffer;
  *length = used;
  buffer = NULL;
out:
  if (buffer) explicit_bzero(buffer, used);
  free(buffer);
  close(fd);
  return status;
}

hf_status hf_key_file_create(const char *path, const void *text, size_t length) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 && errno == EEXIST)
    return hf_fail(HF_E_EXISTS, "%s: there is a file; keys are never overwritten", path);
  if (fd < 0) return fail_errno(path, "cannot create", errno);
  int error = write_all(fd, text, length);
  if (!error && fsync(fd)) error = errno;
  close(fd);
  if (!error) return HF_OK;
  unlink(path);
  return fail_errno(path, "cannot write", error);
}

hf_status hf_key_file_read(const char *path, void *text, size_t capacity, size_t *length) {
  hf_status status = HF_OK;
  struct stat info;
  *length = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail_errno(path, "cannot open", errno);
  if (fstat(fd, &info)) HF_TRY(fail_errno(path, "cannot stat", errno));
  if (S_ISDIR(info.st_mode)) HF_TRY(hf_fail(HF_E_FORMAT, "%s: is a folder", path));
  if (info.st_mode & 077)
    HF_TRY(hf_fail(HF_E_REFUSED, "%s: others may use this key file; chmod 600 it", path));
  while (*length < capacity) {
    ssize_t n = read(fd, (uint8_t *)text + *length, capacity - *length);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) HF_TRY(fail_errno(path, "cannot read", errno));
    if (n == 0) break;
    *length += (size_t)n;
  }
out:
  close(fd);
  return status;
}

hf_status hf_folder_create(const char *path, unsigned mode) {
  char part[PATH_MAX];
  size_t length = strlen(path);
  if (length == 0 || length >= sizeof part) return hf_fail(HF_E_ARGUMENT, "'%s': not a folder's name", path);
  memcpy(part, path, length + 1);
  for (size_t i = 1; i <= length; i++) {
    if (part[i] != '/' && part[i] != '\0') continue;
    char kept = part[i];
    part[i] = '\0';
    if (mkdir(part, (mode_t)mode) && errno != EEXIST)
      return fail_errno(part, "cannot create the folder", errno);
    part[i] = kept;
  }
  struct stat info;
  if (stat(path, &info)) return fail_errno(path, "cannot stat", errno);
  if (!S_ISDIR(info.st_mode)) return hf_fail(HF_E_EXISTS, "%s: exists and is no folder", path);
  return HF_OK;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *at) {
  (void)info;
  (void)kind;
  (void)at;
  (void)remove(path);
  return 0;
}

void hf_folder_remove(const char *path) { (void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS); }
