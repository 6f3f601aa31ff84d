/* Artifacts of the local store: files named by the digest of their bytes. A file
 * is complete from the moment that it has its name, so nothing here takes a lock
 * except the removal of what no job refers to. */
#include "local.h"

#include <hyperfold/file.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void hf_local_artifact_path(const hf_local *local, const hf_digest *digest, char *folder, char *path) {
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(digest, hex);
  snprintf(folder, PATH_MAX, "%s/artifacts/%.2s", local->folder, hex);
  snprintf(path, PATH_MAX, "%s/artifacts/%.2s/%s", local->folder, hex, hex + 2);
}

/* A file's time is that of its last put, on the clock of the options: it keeps a
 * fresh artifact from being collected before a job refers to it. */
void hf_local_touch(const char *path, uint64_t now) {
  struct timespec times[2] = {{0, UTIME_OMIT}, {(time_t)(now / 1000), (long)(now % 1000) * 1000000}};
  (void)utimensat(AT_FDCWD, path, times, 0);
}

hf_status hf_local_sync_folder(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int error = fd < 0 || fsync(fd) ? errno : 0;
  if (fd >= 0) close(fd);
  return error ? hf_fail(hf_status_of_errno(error), "%s: cannot sync: %s", folder, strerror(error)) : HF_OK;
}

static bool holds_these_bytes(const char *path, const hf_digest *digest, size_t length) {
  uint8_t *data;
  size_t got;
  if (hf_file_read(path, length, &data, &got) != HF_OK) return false;
  hf_digest actual = hf_digest_bytes(data, got);
  free(data);
  return got == length && hf_digest_eq(&actual, digest);
}

hf_status hf_local_artifact_folder(const hf_local *local, const char *folder) {
  char parent[PATH_MAX];
  if (mkdir(folder, 0750) != 0)
    return errno == EEXIST ? HF_OK
                           : hf_fail(hf_status_of_errno(errno), "%s: cannot create the folder: %s", folder,
                                     strerror(errno));
  snprintf(parent, sizeof parent, "%s/artifacts", local->folder);
  return hf_local_sync_folder(parent);
}

hf_status hf_local_artifact_put(hf_queue *queue, const void *data, size_t length, hf_digest *digest) {
  hf_local *local = (hf_local *)queue;
  char folder[PATH_MAX], path[PATH_MAX];
  *digest = hf_digest_bytes(data, length);
  hf_local_artifact_path(local, digest, folder, path);
  if (holds_these_bytes(path, digest, length)) {
    hf_local_touch(path, hf_queue_now(queue));
    /* Whoever wrote it may not have synced the folder yet. */
    return hf_local_sync_folder(folder);
  }
  hf_status status = hf_local_artifact_folder(local, folder);
  if (status != HF_OK) return status;
  hf_bytes part = {data, length};
  status = hf_file_write(path, 0640, &part, 1);
  if (status == HF_OK) hf_local_touch(path, hf_queue_now(queue));
  return status;
}

hf_status hf_local_artifact_get(hf_queue *queue, const hf_digest *digest, size_t limit, uint8_t **data,
                                size_t *length) {
  hf_local *local = (hf_local *)queue;
  char folder[PATH_MAX], path[PATH_MAX];
  hf_local_artifact_path(local, digest, folder, path);
  hf_status status = hf_file_read(path, limit, data, length);
  if (status != HF_OK) return status;
  hf_digest actual = hf_digest_bytes(*data, *length);
  if (hf_digest_eq(&actual, digest)) return HF_OK;
  free(*data);
  *data = NULL;
  *length = 0;
  return hf_fail(HF_E_CHECKSUM, "%s: the artifact is damaged; put it again", path);
}

hf_status hf_local_artifact_exists(const hf_local *local, const hf_digest *digest, bool *has) {
  char folder[PATH_MAX], path[PATH_MAX];
  struct stat info;
  hf_local_artifact_path(local, digest, folder, path);
  int error = stat(path, &info) ? errno : 0;
  *has = error == 0 && S_ISREG(info.st_mode);
  if (error != 0 && error != ENOENT && error != ENOTDIR)
    return hf_fail(HF_E_IO, "%s: cannot stat: %s", path, strerror(error));
  return HF_OK;
}

hf_status hf_local_artifact_has(hf_queue *queue, const hf_digest *digest, bool *has) {
  return hf_local_artifact_exists((hf_local *)queue, digest, has);
}

/* One of the 256 folders, under the database's write lock: no submit or finish can
 * come to refer to a file between the look and the removal. */
hf_status hf_local_sweep(hf_local *local, unsigned number, uint64_t put_before_ms, uint64_t *removed) {
  char folder[PATH_MAX], path[PATH_MAX + 300], hex[HF_DIGEST_HEX];
  hf_digest digest;
  struct dirent *entry;
  struct stat info;
  int64_t referred;
  snprintf(folder, sizeof folder, "%s/artifacts/%02x", local->folder, number);
  DIR *listing = opendir(folder);
  if (!listing) return HF_OK; /* nothing was ever put here */
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) {
    closedir(listing);
    return status;
  }
  while ((entry = readdir(listing))) {
    snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
    if (stat(path, &info) || !S_ISREG(info.st_mode)) continue;
    uint64_t put_ms = (uint64_t)info.st_mtim.tv_sec * 1000 + (uint64_t)info.st_mtim.tv_nsec / 1000000;
    if (put_ms >= put_before_ms) continue;
    size_t length = strlen(entry->d_name);
    if (length == 62) {
      snprintf(hex, sizeof hex, "%02x%.62s", number & 0xff, entry->d_name);
      if (hf_digest_parse(hex, &digest) != HF_OK) continue;
      HF_TRY(hf_local_number(local, &referred,
                             "SELECT EXISTS (SELECT 1 FROM jobs WHERE input = ?1)"
                             " OR EXISTS (SELECT 1 FROM jobs WHERE result = ?1)",
                             "b", digest.b, sizeof digest.b));
      if (referred || unlink(path)) continue;
      ++*removed;
    } else if (entry->d_name[0] == '.' && length > 4 && strcmp(entry->d_name + length - 4, ".tmp") == 0) {
      unlink(path); /* left by a writer that was killed */
    }
  }
out:
  closedir(listing);
  return hf_local_end(local, status);
}

#define STRIDE 200 /* jobs looked at in one transaction, so that nobody waits long for the write lock */

typedef struct forgetting {
  uint64_t ended_before_ms;
  hf_queue_keep keep;
  void *context;
  int64_t after; /* sequences up to here are looked at */
  size_t looked;
  uint64_t removed;
} forgetting;

static hf_status forget_some(hf_local *local, forgetting *f) {
  sqlite3_stmt *statement;
  hf_local_job job;
  int64_t doomed[STRIDE];
  size_t count = 0;
  bool row;
  hf_status status = hf_local_begin(local);
  if (status != HF_OK) return status;
  f->looked = 0;
  HF_TRY(hf_local_prepare(local, &statement,
                          "SELECT " HF_LOCAL_JOB_COLUMNS " FROM jobs WHERE state > 1 AND state <> 5"
                          " AND ended_at < ? AND seq > ? ORDER BY seq LIMIT ?",
                          "iii", (int64_t)(f->ended_before_ms > INT64_MAX ? INT64_MAX : f->ended_before_ms),
                          f->after, (int64_t)STRIDE));
  for (;;) {
    HF_TRY(hf_local_step(local, statement, &row));
    if (!row) break;
    HF_TRY(hf_local_read_job(statement, &job));
    f->looked++;
    f->after = (int64_t)job.record.sequence;
    if (f->keep == NULL || !f->keep(f->context, &job.record)) doomed[count++] = f->after;
  }
  for (size_t i = 0; i < count; i++)
    HF_TRY(hf_local_run(local, "DELETE FROM jobs WHERE seq = ?", "i", doomed[i]));
out:
  status = hf_local_end(local, status);
  if (status == HF_OK) f->removed += count;
  return status;
}

hf_status hf_local_collect(hf_queue *queue, uint64_t ended_before_ms, uint64_t put_before_ms,
                           hf_queue_keep keep, void *context, uint64_t *jobs, uint64_t *artifacts) {
  hf_local *local = (hf_local *)queue;
  forgetting f = {.ended_before_ms = ended_before_ms, .keep = keep, .context = context};
  do {
    hf_status status = forget_some(local, &f);
    *jobs = f.removed;
    if (status != HF_OK) return status;
  } while (f.looked == STRIDE);
  for (unsigned i = 0; i < 256; i++) {
    hf_status status = hf_local_sweep(local, i, put_before_ms, artifacts);
    if (status != HF_OK) return status;
  }
  return HF_OK;
}
