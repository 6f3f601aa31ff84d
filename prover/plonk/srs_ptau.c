/* Import of powers of tau from snarkjs' .ptau files.
 *
 * Format (read from files that snarkjs 0.7 wrote): "ptau", version u32 = 1, section count u32, then sections
 * {type u32, size u64, data} in any order. Section 1: n8 u32 = 32, q (32 bytes LE), power u32, ceremony power u32.
 * Section 2: [tau^i]_1, i < 2^(power+1) - 1. Section 3: [tau^i]_2, i < 2^power. A coordinate is 32 bytes,
 * little-endian, in Montgomery form with R = 2^256; Fq2 is c0, c1.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "srs_internal.h"

typedef struct ptau_section {
  const uint8_t *data;
  size_t length;
} ptau_section;

typedef struct ptau_file {
  ptau_section section[4]; /* 1, 2, 3 */
} ptau_file;

static hf_status read_sections(hf_reader *r, ptau_file *file) {
  hf_status status;
  uint8_t magic[4];
  uint32_t version, sections;
  HF_TRY(hf_read_bytes(r, "ptau: magic", magic, 4));
  if (memcmp(magic, "ptau", 4) != 0) return hf_fail(HF_E_FORMAT, "not a .ptau file");
  HF_TRY(hf_read_u32(r, "ptau: version", &version));
  if (version != 1) return hf_fail(HF_E_VERSION, "ptau: version %u, 1 is known", version);
  HF_TRY(hf_read_u32(r, "ptau: section count", &sections));
  if (sections > 64) return hf_fail(HF_E_FORMAT, "ptau: %u sections", sections);
  for (uint32_t i = 0; i < sections; i++) {
    uint32_t type;
    uint64_t size;
    const uint8_t *data;
    HF_TRY(hf_read_u32(r, "ptau: section type", &type));
    HF_TRY(hf_read_u64(r, "ptau: section size", &size));
    if (size > hf_reader_left(r))
      return hf_fail(HF_E_FORMAT, "ptau: section %u of %llu bytes, %zu left", type, (unsigned long long)size,
                     hf_reader_left(r));
    HF_TRY(hf_read_view(r, "ptau: section", (size_t)size, &data));
    if (type < 1 || type > 3) continue;
    if (file->section[type].data) return hf_fail(HF_E_FORMAT, "ptau: section %u stands twice", type);
    file->section[type] = (ptau_section){data, (size_t)size};
  }
  HF_TRY(hf_read_end(r, "ptau"));
  for (int i = 1; i <= 3; i++)
    if (!file->section[i].data) return hf_fail(HF_E_FORMAT, "ptau: section %d is missing", i);
out:
  return status;
}

static hf_fq limbs(const uint8_t *bytes) {
  hf_fq x = {{0, 0, 0, 0}};
  for (int i = 0; i < 32; i++) x.l[i / 8] |= (uint64_t)bytes[i] << (8 * (i % 8));
  return x;
}

static hf_status read_header(const ptau_section *section, uint32_t *power) {
  hf_status status;
  hf_reader r = hf_reader_over(section->data, section->length);
  static const hf_fq q = {{0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull, 0x30644e72e131a029ull}};
  uint32_t n8, ceremony;
  const uint8_t *prime;
  HF_TRY(hf_read_u32(&r, "ptau: n8", &n8));
  if (n8 != 32) return hf_fail(HF_E_FORMAT, "ptau: coordinates of %u bytes, 32 wanted", n8);
  HF_TRY(hf_read_view(&r, "ptau: prime", 32, &prime));
  if (!hf_fq_eq(limbs(prime), q)) return hf_fail(HF_E_FORMAT, "ptau: not the curve BN254");
  HF_TRY(hf_read_u32(&r, "ptau: power", power));
  HF_TRY(hf_read_u32(&r, "ptau: ceremony power", &ceremony));
  HF_TRY(hf_read_end(&r, "ptau: header"));
  if (*power < 1 || *power > 28 || ceremony < *power) return hf_fail(HF_E_RANGE, "ptau: power %u", *power);
out:
  return status;
}

static hf_status read_g2(const uint8_t *bytes, const char *what, hf_g2 *out) {
  hf_fq c[4];
  for (int i = 0; i < 4; i++) {
    c[i] = limbs(bytes + 32 * i);
    if (!hf_fq_is_reduced(c[i])) return hf_fail(HF_E_RANGE, "ptau: %s has a coordinate not below q", what);
  }
  *out = (hf_g2){{c[0], c[1]}, {c[2], c[3]}};
  return HF_OK;
}

static hf_status import(const hf_bytes *bytes, size_t count, hf_backend *backend, hf_srs **out) {
  hf_status status;
  hf_reader r = hf_reader_over(bytes->data, bytes->length);
  ptau_file file = {0};
  uint32_t power;
  hf_srs *srs = NULL;
  bool ok;
  HF_TRY(read_sections(&r, &file));
  HF_TRY(read_header(&file.section[1], &power));
  size_t available = ((size_t)2 << power) - 1;
  if (file.section[2].length != available * 64 || file.section[3].length != ((size_t)1 << power) * 128)
    return hf_fail(HF_E_FORMAT, "ptau: the sections' sizes do not match power %u", power);
  if (count == 0) count = available;
  if (count < 2 || count > available)
    return hf_fail(HF_E_RANGE, "ptau: %zu powers wanted, the file holds %zu", count, available);
  HF_TRY(hf_srs_allocate(count, &srs));
  hf_g1 *points = srs->memory;
  for (size_t i = 0; i < count; i++) {
    points[i].x = limbs(file.section[2].data + 64 * i);
    points[i].y = limbs(file.section[2].data + 64 * i + 32);
  }
  hf_g2 one;
  HF_TRY(read_g2(file.section[3].data, "[1]_2", &one));
  if (!hf_g2_eq(one, hf_g2_generator())) HF_TRY(hf_fail(HF_E_REFUSED, "ptau: the first point of G2 is not the generator"));
  HF_TRY(read_g2(file.section[3].data + 128, "[tau]_2", &srs->tau_g2));
  srs->development = hf_development_setup(srs->tau_g2);
  strncpy(srs->name, "powers of tau", sizeof srs->name - 1);
  HF_TRY(hf_srs_check(srs, backend, &ok));
  if (!ok) {
    status = HF_E_REFUSED; /* the check's message stands */
    goto out;
  }
  *out = srs;
  srs = NULL;
out:
  hf_srs_destroy(&srs);
  return status;
}

hf_status hf_srs_import_ptau_bytes(const void *data, size_t length, size_t count, hf_backend *backend, hf_srs **out) {
  hf_bytes bytes = {data, length};
  *out = NULL;
  return import(&bytes, count, backend, out);
}

hf_status hf_srs_import_ptau(const char *path, size_t count, hf_backend *backend, hf_srs **out) {
  hf_status status;
  struct stat info;
  *out = NULL;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return hf_fail(errno == ENOENT ? HF_E_NOT_FOUND : HF_E_IO, "%s: %s", path, strerror(errno));
  if (fstat(fd, &info) != 0 || info.st_size < 12) {
    close(fd);
    return hf_fail(HF_E_FORMAT, "%s: too short for a .ptau file", path);
  }
  void *map = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  close(fd);
  if (map == MAP_FAILED) return hf_fail(HF_E_IO, "%s: %s", path, strerror(errno));
  status = hf_srs_import_ptau_bytes(map, (size_t)info.st_size, count, backend, out);
  if (status != HF_OK) hf_fail_context(status, "%s", path);
  munmap(map, (size_t)info.st_size);
  return status;
}
