#include <hyperfold/container.h>

#include <hyperfold/file.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HF_CONTAINER_MAGIC  "HYPERFLD"
#define HF_CONTAINER_SUMMED 32 /* bytes of the header that the checksum covers */

struct hf_container {
  const uint8_t *mapping;
  size_t length;
  uint32_t version;
  hf_digest checksum;
};

static bool kind_is_printable(const char kind[4]) {
  for (int i = 0; i < 4; i++)
    if (kind[i] < 0x20 || kind[i] > 0x7e) return false;
  return true;
}

static void put_integer(uint8_t *out, uint64_t value, size_t length) {
  for (size_t i = 0; i < length; i++) out[i] = (uint8_t)(value >> (8 * i));
}

static hf_status build_header(const char kind[4], uint32_t version, const hf_bytes *parts, size_t part_count,
                              uint8_t header[HF_CONTAINER_HEADER]) {
  if (version == 0 || !kind_is_printable(kind))
    return hf_fail(HF_E_ARGUMENT, "container: version %u, kind '%.4s'", version, kind);
  uint64_t length = 0;
  for (size_t i = 0; i < part_count; i++) length += parts[i].length;
  memset(header, 0, HF_CONTAINER_HEADER);
  memcpy(header, HF_CONTAINER_MAGIC, 8);
  memcpy(header + 8, kind, 4);
  put_integer(header + 12, version, 4);
  put_integer(header + 16, length, 8);
  hf_digest_state state;
  hf_digest checksum;
  hf_digest_init(&state);
  hf_digest_update(&state, header, HF_CONTAINER_SUMMED);
  for (size_t i = 0; i < part_count; i++) hf_digest_update(&state, parts[i].data, parts[i].length);
  hf_digest_final(&state, &checksum);
  memcpy(header + HF_CONTAINER_SUMMED, checksum.b, sizeof checksum.b);
  return HF_OK;
}

hf_status hf_container_write(const char *path, const char kind[4], uint32_t version, const hf_bytes *parts,
                             size_t part_count) {
  uint8_t header[HF_CONTAINER_HEADER];
  hf_status status = build_header(kind, version, parts, part_count, header);
  if (status != HF_OK) return status;
  hf_bytes *all = malloc((part_count + 1) * sizeof *all);
  if (!all) return hf_fail(HF_E_MEMORY, "%s: no memory for a list of %zu parts", path, part_count);
  all[0] = (hf_bytes){header, sizeof header};
  if (part_count) memcpy(all + 1, parts, part_count * sizeof *all);
  status = hf_file_write(path, 0644, all, part_count + 1);
  free(all);
  return status;
}

hf_status hf_container_encode(hf_writer *w, const char kind[4], uint32_t version, const hf_bytes *parts,
                              size_t part_count) {
  uint8_t header[HF_CONTAINER_HEADER];
  hf_status status = build_header(kind, version, parts, part_count, header);
  if (status != HF_OK) return status;
  hf_write_bytes(w, header, sizeof header);
  for (size_t i = 0; i < part_count; i++) hf_write_bytes(w, parts[i].data, parts[i].length);
  return hf_writer_status(w);
}

hf_status hf_container_decode(const char *what, const void *data, size_t length, const char kind[4],
                              uint32_t max_version, const uint8_t **payload, size_t *payload_length,
                              uint32_t *version) {
  hf_reader r = hf_reader_over(data, length);
  uint8_t magic[8], found[4], checksum[32];
  uint32_t found_version = 0;
  uint64_t claimed = 0, reserved = 0;
  hf_status status = HF_OK;
  *payload = NULL;
  *payload_length = 0;
  *version = 0;
  HF_TRY(hf_read_bytes(&r, "container magic", magic, sizeof magic));
  if (memcmp(magic, HF_CONTAINER_MAGIC, sizeof magic) != 0) {
    status = hf_fail(HF_E_FORMAT, "not a hyperfold container (wrong magic)");
    goto out;
  }
  HF_TRY(hf_read_bytes(&r, "container kind", found, sizeof found));
  if (memcmp(found, kind, sizeof found) != 0) {
    char shown[5] = {0};
    for (int i = 0; i < 4; i++) shown[i] = found[i] < 0x20 || found[i] > 0x7e ? '?' : (char)found[i];
    status = hf_fail(HF_E_FORMAT, "holds a container of kind '%s', '%.4s' is wanted", shown, kind);
    goto out;
  }
  HF_TRY(hf_read_u32(&r, "container version", &found_version));
  HF_TRY(hf_read_u64(&r, "payload length", &claimed));
  HF_TRY(hf_read_u64(&r, "reserved bytes", &reserved));
  HF_TRY(hf_read_bytes(&r, "checksum", checksum, sizeof checksum));
  if (found_version == 0 || found_version > max_version) {
    status = hf_fail(HF_E_VERSION, "format version %u of kind '%.4s', this build reads 1 to %u",
                     found_version, kind, max_version);
    goto out;
  }
  if (reserved != 0) {
    status = hf_fail(HF_E_FORMAT, "reserved header bytes are not zero");
    goto out;
  }
  if (claimed != hf_reader_left(&r)) {
    status = hf_fail(HF_E_FORMAT, "the header promises %llu bytes of payload, there are %zu",
                     (unsigned long long)claimed, hf_reader_left(&r));
    goto out;
  }
  hf_digest_state state;
  hf_digest actual;
  hf_digest_init(&state);
  hf_digest_update(&state, data, HF_CONTAINER_SUMMED);
  hf_digest_update(&state, r.data + r.offset, hf_reader_left(&r));
  hf_digest_final(&state, &actual);
  if (memcmp(actual.b, checksum, sizeof checksum) != 0) {
    status = hf_fail(HF_E_CHECKSUM, "checksum mismatch: the file is damaged, make or fetch it again");
    goto out;
  }
  *payload = r.data + r.offset;
  *payload_length = hf_reader_left(&r);
  *version = found_version;
out:
  return status == HF_OK ? HF_OK : hf_fail_context(status, "%s", what);
}

hf_status hf_container_map(const char *path, const char kind[4], uint32_t max_version, hf_container **out) {
  hf_status status = HF_OK;
  hf_container *container = NULL;
  void *mapping = MAP_FAILED;
  size_t length = 0, payload_length;
  const uint8_t *payload;
  struct stat info;
  *out = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return hf_fail(hf_status_of_errno(errno), "%s: cannot open: %s", path, strerror(errno));
  if (fstat(fd, &info)) {
    status = hf_fail(HF_E_IO, "%s: cannot stat: %s", path, strerror(errno));
    goto out;
  }
  if (!S_ISREG(info.st_mode)) {
    status = hf_fail(HF_E_IO, "%s: not a regular file", path);
    goto out;
  }
  length = (size_t)info.st_size;
  if (length < HF_CONTAINER_HEADER) {
    status =
        hf_fail(HF_E_FORMAT, "%s: %zu bytes, a container has at least %d", path, length, HF_CONTAINER_HEADER);
    goto out;
  }
  mapping = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
  if (mapping == MAP_FAILED) {
    status = hf_fail(HF_E_IO, "%s: cannot map %zu bytes: %s", path, length, strerror(errno));
    goto out;
  }
  container = malloc(sizeof *container);
  if (!container) {
    status = hf_fail(HF_E_MEMORY, "%s: no memory", path);
    goto out;
  }
  *container = (hf_container){.mapping = mapping, .length = length};
  HF_TRY(hf_container_decode(path, mapping, length, kind, max_version, &payload, &payload_length,
                             &container->version));
  memcpy(container->checksum.b, container->mapping + HF_CONTAINER_SUMMED, sizeof container->checksum.b);
  *out = container;
out:
  close(fd);
  if (status != HF_OK) {
    if (mapping != MAP_FAILED) munmap(mapping, length);
    free(container);
  }
  return status;
}

void hf_container_unmap(hf_container **container) {
  if (!*container) return;
  munmap((void *)(*container)->mapping, (*container)->length);
  free(*container);
  *container = NULL;
}

hf_bytes hf_container_payload(const hf_container *container) {
  return (hf_bytes){container->mapping + HF_CONTAINER_HEADER, container->length - HF_CONTAINER_HEADER};
}
uint32_t hf_container_version(const hf_container *container) { return container->version; }
hf_digest hf_container_checksum(const hf_container *container) { return container->checksum; }
