/* Setups: generated, saved, checked, and imported from a file that snarkjs made. */
#include <criterion/criterion.h>
#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rig.h"

#define PTAU HF_SOURCE_DIR "/tests/oracle/vectors/powers7.ptau"

static hf_backend *backend;
static char path[64];

static void setup(void) {
  cr_assert_eq(hf_backend_create("cpu", &(hf_backend_options){.threads = 1}, &backend), HF_OK);
  strcpy(path, "/tmp/hf-plonk-srs-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  close(fd);
}
static void teardown(void) {
  hf_backend_destroy(&backend);
  unlink(path);
}
TestSuite(srs, .init = setup, .fini = teardown);

static bool check(const hf_srs *srs) {
  bool ok = true;
  cr_assert_eq(hf_srs_check(srs, backend, &ok), HF_OK, "%s", hf_error_message());
  return ok;
}

static hf_g1 times(hf_g1 p, hf_fr k) { return hf_g1_from_xyzz(hf_g1_mul(p, k)); }

Test(srs, generated_points_are_the_powers) {
  static const size_t counts[] = {2, 3, 17, 1023, 1024, 1025, 2500};
  hf_fr tau = rig_tau();
  for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
    hf_srs *srs = NULL, *again = NULL;
    hf_fr power = hf_fr_one();
    cr_assert_eq(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, counts[c], 1, &srs), HF_OK, "%s",
                 hf_error_message());
    cr_assert_eq(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, counts[c], 3, &again), HF_OK);
    cr_assert_eq(srs->count, counts[c]);
    cr_assert(srs->development);
    cr_assert(hf_g2_eq(srs->tau_g2, hf_g2_mul(hf_g2_generator(), tau)));
    cr_assert_eq(memcmp(srs->points, again->points, counts[c] * sizeof(hf_g1)), 0, "threads change nothing");
    for (size_t i = 0; i < counts[c]; i++, power = hf_fr_mul(power, tau))
      if (i < 100 || i % 97 == 0 || i + 3 > counts[c] || i % 1024 < 2)
        cr_assert(hf_g1_eq(srs->points[i], times(hf_g1_generator(), power)), "point %zu of %zu", i,
                  counts[c]);
    cr_assert(check(srs), "%s", hf_error_message());
    hf_srs_destroy(&srs);
    hf_srs_destroy(&again);
  }
  hf_srs *none;
  cr_assert_eq(hf_srs_generate("x", 1, 1, &none), HF_E_ARGUMENT);
  cr_assert_eq(hf_srs_generate("x", ((size_t)1 << 30) + 1, 1, &none), HF_E_ARGUMENT);
  cr_assert_null(none);
}

/* Development keys and contracts are the same everywhere because these bytes are. */
Test(srs, development_setup_is_pinned) {
  hf_srs *srs = NULL, *other = NULL;
  hf_digest_state state;
  hf_digest digest;
  char hex[HF_DIGEST_HEX];
  uint8_t g2[HF_G2_BYTES], point[64];
  cr_assert_eq(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, 1000, 2, &srs), HF_OK);
  hf_digest_init(&state);
  hf_g2_to_bytes(srs->tau_g2, g2);
  hf_digest_update(&state, g2, sizeof g2);
  for (size_t i = 0; i < srs->count; i++) {
    hf_fq_to_bytes(srs->points[i].x, point);
    hf_fq_to_bytes(srs->points[i].y, point + 32);
    hf_digest_update(&state, point, sizeof point);
  }
  hf_digest_final(&state, &digest);
  hf_digest_hex(&digest, hex);
  cr_expect_str_eq(hex, "3116dbf47424501cf800483f6fb6955b83f07b37a700c805bb3fe8238dd55564");
  cr_assert_eq(hf_srs_generate("hyperfold development setup 2", 1000, 2, &other), HF_OK);
  cr_assert_not(hf_g2_eq(srs->tau_g2, other->tau_g2));
  hf_srs_destroy(&srs);
  hf_srs_destroy(&other);
}

/* A file of this payload, its checksum right. */
static hf_status load_payload(const uint8_t *payload, size_t length, hf_srs **out) {
  hf_writer w = {0};
  hf_bytes part = {payload, length};
  cr_assert_eq(hf_container_encode(&w, HF_SRS_KIND, HF_SRS_VERSION, &part, 1), HF_OK);
  FILE *f = fopen(path, "wb");
  cr_assert(f && fwrite(w.data, 1, w.length, f) == w.length && fclose(f) == 0);
  hf_writer_free(&w);
  return hf_srs_load(path, out);
}

Test(srs, files) {
  enum { HEADER = 256, NAME = 16, TAU = 64 };
  hf_srs *srs = NULL, *loaded = NULL;
  uint8_t *file;
  size_t length;
  cr_assert_eq(hf_srs_generate("a file", 50, 1, &srs), HF_OK);
  cr_assert_eq(hf_srs_save(path, srs), HF_OK, "%s", hf_error_message());
  cr_assert_eq(hf_srs_load(path, &loaded), HF_OK, "%s", hf_error_message());
  cr_assert(loaded->count == 50 && loaded->development && hf_g2_eq(loaded->tau_g2, srs->tau_g2));
  cr_assert_eq(memcmp(loaded->points, srs->points, 50 * sizeof(hf_g1)), 0);
  cr_assert_str_eq(loaded->name, srs->name);
  cr_assert(check(loaded));
  hf_srs_destroy(&loaded);
  cr_assert_eq(hf_file_read(path, 1 << 20, &file, &length), HF_OK);
  uint8_t *payload = file + HF_CONTAINER_HEADER;
  length -= HF_CONTAINER_HEADER;
  cr_assert_eq(length, HEADER + 50 * 64);
  for (size_t i = 0; i < HEADER; i++)
    for (int bit = 0; bit < 8; bit++) {
      payload[i] ^= (uint8_t)(1 << bit);
      hf_status status = load_payload(payload, length, &loaded);
      bool allowed = (i == 0 && bit == 0) || (i >= NAME && i <= NAME + strlen(srs->name));
      cr_assert_eq(status == HF_OK, allowed, "byte %zu, bit %d: %d", i, bit, (int)status);
      if (i == 0 && bit == 0) cr_assert_not(loaded->development);
      hf_srs_destroy(&loaded);
      payload[i] ^= (uint8_t)(1 << bit);
    }
  for (size_t cut = 1; cut < length; cut += 7)
    cr_assert_eq(load_payload(payload, length - cut, &loaded), HF_E_FORMAT);
  for (int sign = 0; sign < 2; sign++) {
    hf_g2 g = hf_g2_generator();
    hf_g2_to_bytes(sign ? hf_g2_neg(g) : g, payload + TAU);
    cr_assert_eq(load_payload(payload, length, &loaded), HF_E_REFUSED);
  }
  memset(payload + TAU, 0, HF_G2_BYTES);
  cr_assert_eq(load_payload(payload, length, &loaded), HF_E_INFINITY);
  memset(payload + 8, 0xff, 8);
  cr_assert_eq(load_payload(payload, length, &loaded), HF_E_FORMAT, "2^64 - 1 points");
  cr_assert_null(loaded);
  free(file);
  /* a file of one point or none */
  for (size_t count = 0; count < 2; count++) {
    hf_srs small = *srs;
    small.count = count;
    cr_assert_eq(hf_srs_save(path, &small), HF_OK);
    cr_assert_eq(hf_srs_load(path, &loaded), HF_E_FORMAT);
  }
  hf_srs_destroy(&srs);
}

Test(srs, what_the_check_refuses) {
  enum { COUNT = 40 };
  hf_srs *good = NULL;
  hf_g1 points[COUNT], step = times(hf_g1_generator(), hf_fr_from_u64(77));
  cr_assert_eq(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, COUNT, 1, &good), HF_OK);
  hf_srs srs = *good;
  srs.points = points;
#define RESET memcpy(points, good->points, sizeof points), srs.tau_g2 = good->tau_g2, srs.count = COUNT
  RESET;
  cr_assert(check(&srs));
  for (int i = 0; i < COUNT; i++) {
    RESET;
    points[i] = hf_g1_neg(points[i]);
    cr_assert_not(check(&srs), "point %d negated", i);
    points[i] = step;
    cr_assert_not(check(&srs), "point %d replaced", i);
    points[i] = hf_g1_infinity();
    cr_assert_not(check(&srs), "point %d infinity", i);
    RESET;
    points[i].y = hf_fq_add(points[i].y, hf_fq_one());
    cr_assert_not(check(&srs), "point %d off the curve", i);
    RESET;
    hf_g1 t = points[i];
    points[i] = points[(i + 1) % COUNT], points[(i + 1) % COUNT] = t;
    cr_assert_not(check(&srs), "points %d and the next exchanged", i);
    RESET; /* opposite differences */
    points[i] = hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(points[i]), step));
    t = hf_g1_neg(step);
    points[(i + 1) % COUNT] =
        hf_g1_from_xyzz(hf_g1_xyzz_add_affine(hf_g1_to_xyzz(points[(i + 1) % COUNT]), t));
    cr_assert_not(check(&srs), "points %d and the next moved", i);
    RESET; /* the same value, not reduced: x + q */
    hf_u64 carry = 0;
    static const uint64_t q[4] = {0x3c208c16d87cfd47ull, 0x97816a916871ca8dull, 0xb85045b68181585dull,
                                  0x30644e72e131a029ull};
    for (int k = 0; k < 4; k++) points[i].x.l[k] = hf_adc(points[i].x.l[k], q[k], &carry);
    cr_assert_not(check(&srs), "point %d not reduced", i);
  }
  RESET;
  srs.tau_g2 = hf_g2_add(srs.tau_g2, hf_g2_generator());
  cr_assert_not(check(&srs), "another tau");
  srs.tau_g2 = hf_g2_neg(good->tau_g2);
  cr_assert_not(check(&srs), "- tau");
  /* powers that are none: of 1, of -1, of tau from the wrong start, of tau^2, tau in all places */
  for (int i = 0; i < COUNT; i++) points[i] = hf_g1_generator();
  srs.tau_g2 = hf_g2_generator();
  cr_assert_not(check(&srs), "tau = 1");
  for (int i = 1; i < COUNT; i += 2) points[i] = hf_g1_neg(points[i]);
  srs.tau_g2 = hf_g2_neg(hf_g2_generator());
  cr_assert_not(check(&srs), "tau = -1");
  RESET;
  memmove(points, points + 1, (COUNT - 1) * sizeof points[0]);
  srs.count = COUNT - 1;
  cr_assert_not(check(&srs), "starts with tau");
  RESET;
  for (int i = 0; i < COUNT / 2; i++) points[i] = good->points[2 * i];
  srs.count = COUNT / 2;
  cr_assert_not(check(&srs), "powers of tau^2");
  srs.tau_g2 = hf_g2_mul(hf_g2_generator(), hf_fr_sqr(rig_tau()));
  cr_assert(check(&srs), "which are powers all the same");
  RESET;
  srs.tau_g2 = hf_g2_infinity();
  cr_assert_not(check(&srs));
  srs.tau_g2.x = hf_fq2_one();
  cr_assert_not(check(&srs), "[tau]_2 off the curve");
  hf_srs_destroy(&good);
#undef RESET
}

/* --- .ptau ------------------------------------------------------------------------------------ */

typedef struct section {
  uint32_t type;
  uint64_t size;
  const uint8_t *data;
} section;

static uint8_t *ptau;
static size_t ptau_length;
static section sections[16];
static uint32_t section_count;

static void read_ptau(void) {
  cr_assert_eq(hf_file_read(PTAU, 1 << 20, &ptau, &ptau_length), HF_OK, "%s", hf_error_message());
  hf_reader r = hf_reader_over(ptau, ptau_length);
  const uint8_t *magic;
  uint32_t version;
  cr_assert(hf_read_view(&r, "", 4, &magic) == HF_OK && hf_read_u32(&r, "", &version) == HF_OK);
  cr_assert(hf_read_u32(&r, "", &section_count) == HF_OK && section_count <= 16);
  for (uint32_t i = 0; i < section_count; i++) {
    section *s = &sections[i];
    cr_assert(hf_read_u32(&r, "", &s->type) == HF_OK && hf_read_u64(&r, "", &s->size) == HF_OK);
    cr_assert_eq(hf_read_view(&r, "", s->size, &s->data), HF_OK);
  }
}

/* A file of some of these sections in some order. */
static hf_status import(const section *list, uint32_t count, size_t points, hf_srs **out) {
  hf_writer w = {0};
  hf_write_bytes(&w, "ptau", 4);
  hf_write_u32(&w, 1);
  hf_write_u32(&w, count);
  for (uint32_t i = 0; i < count; i++) {
    hf_write_u32(&w, list[i].type);
    hf_write_u64(&w, list[i].size);
    hf_write_bytes(&w, list[i].data, list[i].size);
  }
  hf_status status = hf_srs_import_ptau_bytes(w.data, w.length, points, backend, out);
  hf_writer_free(&w);
  return status;
}

static const section *find(uint32_t type) {
  for (uint32_t i = 0; i < section_count; i++)
    if (sections[i].type == type) return &sections[i];
  cr_assert_fail("section %u", type);
  return NULL;
}

Test(srs, imported_from_snarkjs) {
  hf_srs *srs = NULL, *part = NULL;
  read_ptau();
  cr_assert_eq(hf_srs_import_ptau(PTAU, 0, backend, &srs), HF_OK, "%s", hf_error_message());
  cr_assert_eq(srs->count, 255);
  cr_assert_not(srs->development);
  cr_assert(check(srs));
  cr_assert_eq(hf_srs_import_ptau(PTAU, 100, backend, &part), HF_OK);
  cr_assert_eq(part->count, 100);
  cr_assert_eq(memcmp(part->points, srs->points, 100 * sizeof(hf_g1)), 0);
  hf_srs_destroy(&part);
  cr_assert_eq(hf_srs_import_ptau(PTAU, 255, backend, &part), HF_OK);
  hf_srs_destroy(&part);
  static const size_t impossible[] = {1, 256, 1000, SIZE_MAX};
  for (size_t i = 0; i < 4; i++)
    cr_assert_eq(hf_srs_import_ptau(PTAU, impossible[i], backend, &part), HF_E_RANGE);
  cr_assert_null(part);
  /* through a file of ours, then a proof */
  cr_assert_eq(hf_srs_save(path, srs), HF_OK);
  hf_srs_destroy(&srs);
  cr_assert_eq(hf_srs_load(path, &srs), HF_OK);
  rig r = rig_make(3, HF_TRANSCRIPT_POSEIDON2);
  hf_proving_key *key = NULL;
  hf_prover *prover = NULL;
  hf_proof proof, foreign;
  cr_assert_eq(
      hf_proving_key_derive(backend, srs, r.circuit, &(hf_key_options){3, HF_TRANSCRIPT_POSEIDON2}, &key),
      HF_OK);
  cr_assert_not(key->vk.development);
  cr_assert_eq(hf_prover_create(backend, srs, key, &prover), HF_OK);
  cr_assert_eq(hf_prove(prover, r.circuit, NULL, &proof, NULL), HF_OK);
  cr_assert(rig_verify(&key->vk, &proof), "%s", hf_error_message());
  rig_prove(&r, &foreign);
  foreign.vk_digest = key->vk.digest;
  cr_assert(rig_refuses(&key->vk, &foreign), "a proof over another setup");
  hf_prover_destroy(&prover);
  hf_proving_key_destroy(&key);
  rig_free(&r);
  hf_srs_destroy(&srs);
  free(ptau);
}

Test(srs, ptau_structure) {
  hf_srs *srs = NULL;
  read_ptau();
  section list[17];
  /* sections in any order, some that nobody reads left out */
  for (uint32_t i = 0; i < section_count; i++) list[i] = sections[section_count - 1 - i];
  cr_assert_eq(import(list, section_count, 0, &srs), HF_OK, "%s", hf_error_message());
  hf_srs_destroy(&srs);
  static const uint32_t orders[][3] = {{1, 2, 3}, {1, 3, 2}, {2, 1, 3}, {2, 3, 1}, {3, 1, 2}, {3, 2, 1}};
  for (int o = 0; o < 6; o++) {
    for (int i = 0; i < 3; i++) list[i] = *find(orders[o][i]);
    cr_assert_eq(import(list, 3, 20, &srs), HF_OK);
    hf_srs_destroy(&srs);
    for (int drop = 0; drop < 3; drop++) {
      section rest[2] = {list[(drop + 1) % 3], list[(drop + 2) % 3]};
      cr_assert_eq(import(rest, 2, 20, &srs), HF_E_FORMAT, "section %u missing", list[drop].type);
    }
    for (int twice = 0; twice < 3; twice++) {
      list[3] = list[twice];
      cr_assert_eq(import(list, 4, 20, &srs), HF_E_FORMAT, "section %u twice", list[twice].type);
    }
    for (int i = 0; i < 3; i++) { /* a byte less, a byte more */
      for (int more = -1; more <= 1; more += 2) {
        section old = list[i];
        uint8_t *copy = calloc(1, old.size + 1);
        memcpy(copy, old.data, old.size);
        list[i].data = copy;
        list[i].size = old.size + (uint64_t)(int64_t)more;
        cr_assert_eq(import(list, 3, 20, &srs), HF_E_FORMAT, "section %u, %d", old.type, more);
        list[i] = old;
        free(copy);
      }
    }
  }
  for (size_t cut = 0; cut < ptau_length; cut += cut < 400 ? 1 : 997)
    cr_assert_neq(hf_srs_import_ptau_bytes(ptau, cut, 20, backend, &srs), HF_OK, "cut to %zu", cut);
  uint8_t *longer = calloc(1, ptau_length + 1);
  memcpy(longer, ptau, ptau_length);
  cr_assert_eq(hf_srs_import_ptau_bytes(longer, ptau_length + 1, 20, backend, &srs), HF_E_FORMAT);
  free(longer);
  /* magic, version, number of sections, every bit of type and size of the first section */
  for (size_t i = 0; i < 24; i++)
    for (int bit = 0; bit < 8; bit++) {
      ptau[i] ^= (uint8_t)(1 << bit);
      cr_assert_neq(hf_srs_import_ptau_bytes(ptau, ptau_length, 20, backend, &srs), HF_OK, "byte %zu", i);
      ptau[i] ^= (uint8_t)(1 << bit);
    }
  cr_assert_eq(hf_srs_import_ptau("/nonexistent.ptau", 0, backend, &srs), HF_E_NOT_FOUND);
  cr_assert_eq(hf_srs_import_ptau("/dev/null", 0, backend, &srs), HF_E_FORMAT);
  cr_assert_null(srs);
  free(ptau);
}

Test(srs, ptau_contents) {
  enum { POINTS = 12, HEAD_POWER = 36, HEAD_CEREMONY = 40 };
  hf_srs *srs = NULL;
  read_ptau();
  uint8_t *head = (uint8_t *)(uintptr_t)find(1)->data, *g1 = (uint8_t *)(uintptr_t)find(2)->data;
  uint8_t *g2 = (uint8_t *)(uintptr_t)find(3)->data, saved[256];
  cr_assert_eq(find(1)->size, 44);
#define IMPORT(count) hf_srs_import_ptau_bytes(ptau, ptau_length, count, backend, &srs)
  cr_assert_eq(IMPORT(POINTS), HF_OK);
  hf_srs_destroy(&srs);
  for (size_t i = 0; i < HEAD_CEREMONY; i++) /* size of a coordinate, prime (another curve), power */
    for (int bit = 0; bit < 8; bit++) {
      head[i] ^= (uint8_t)(1 << bit);
      cr_assert_neq(IMPORT(POINTS), HF_OK, "header byte %zu", i);
      head[i] ^= (uint8_t)(1 << bit);
    }
  head[HEAD_CEREMONY] = 6;
  cr_assert_eq(IMPORT(POINTS), HF_E_RANGE, "more powers than the ceremony had");
  head[HEAD_CEREMONY] = 28;
  cr_assert_eq(IMPORT(POINTS), HF_OK);
  hf_srs_destroy(&srs);
  /* every byte of the points that are taken, and of [1]_2 and [tau]_2 */
  for (size_t i = 0; i < POINTS * 64 + 256; i++) {
    uint8_t *at = i < POINTS * 64 ? g1 + i : g2 + i - POINTS * 64;
    for (int k = 0; k < 2; k++) {
      *at ^= k ? 0x80 : (uint8_t)(1 << i % 8);
      cr_assert_neq(IMPORT(POINTS), HF_OK, "byte %zu", i);
      *at ^= k ? 0x80 : (uint8_t)(1 << i % 8);
    }
  }
  for (size_t i = 0; i < POINTS; i++) { /* good points in the wrong place */
    memcpy(saved, g1 + 64 * i, 64);
    memcpy(g1 + 64 * i, g1 + 64 * ((i + 1) % POINTS), 64);
    cr_assert_eq(IMPORT(POINTS), HF_E_REFUSED, "point %zu", i);
    memcpy(g1 + 64 * i, saved, 64);
  }
  memcpy(saved, g2, 256); /* powers in G2 */
  memcpy(g2 + 128, g2, 128);
  cr_assert_eq(IMPORT(POINTS), HF_E_REFUSED, "tau = 1");
  memcpy(g2 + 128, g2 + 256, 128);
  cr_assert_eq(IMPORT(POINTS), HF_E_REFUSED, "tau^2 for tau");
  memcpy(g2, saved + 128, 128);
  memcpy(g2 + 128, saved, 128);
  cr_assert_eq(IMPORT(POINTS), HF_E_REFUSED, "exchanged");
  memcpy(g2, saved, 256);
  for (size_t i = 0; i < 255; i++) memcpy(g1 + 64 * i, g1, 64); /* what a ceremony starts from */
  memcpy(g2 + 128, g2, 128);
  cr_assert_eq(IMPORT(POINTS), HF_E_REFUSED, "nobody contributed");
  cr_assert_null(srs);
#undef IMPORT
  free(ptau);
}

static void put_le(uint8_t *out, hf_fq x) {
  for (int i = 0; i < 32; i++)
    out[i] = (uint8_t)(x.l[i / 8] >> 8 * (i % 8)); /* Montgomery form, as the format has it */
}

/* The public secret is recognised wherever it comes from. */
Test(srs, development_setup_without_its_mark) {
  enum { POWER = 2, G1 = (2 << POWER) - 1, G2 = 1 << POWER };
  hf_srs *srs = NULL, *imported = NULL;
  uint8_t head[44], g1[G1 * 64], g2[G2 * 128];
  hf_fr power = hf_fr_one();
  cr_assert_eq(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, G1, 1, &srs), HF_OK);
  read_ptau();
  memcpy(head, find(1)->data, sizeof head);
  head[36] = POWER;
  for (int i = 0; i < G1; i++) {
    put_le(g1 + 64 * i, srs->points[i].x);
    put_le(g1 + 64 * i + 32, srs->points[i].y);
  }
  for (int i = 0; i < G2; i++, power = hf_fr_mul(power, rig_tau())) {
    hf_g2 p = hf_g2_mul(hf_g2_generator(), power);
    hf_fq c[4] = {p.x.c0, p.x.c1, p.y.c0, p.y.c1};
    for (int k = 0; k < 4; k++) put_le(g2 + 128 * i + 32 * k, c[k]);
  }
  section list[3] = {{1, sizeof head, head}, {2, sizeof g1, g1}, {3, sizeof g2, g2}};
  cr_assert_eq(import(list, 3, 0, &imported), HF_OK, "%s", hf_error_message());
  cr_assert(imported->development, "from a .ptau file");
  cr_assert_eq(memcmp(imported->points, srs->points, G1 * sizeof(hf_g1)), 0);
  hf_srs_destroy(&imported);
  hf_srs unmarked = *srs;
  unmarked.development = false;
  cr_assert_eq(hf_srs_save(path, &unmarked), HF_OK);
  cr_assert_eq(hf_srs_load(path, &imported), HF_E_REFUSED, "from a file");
  cr_assert_null(imported);
  hf_srs_destroy(&srs);
  free(ptau);
}

/* The committed file is what snarkjs makes today. */
Test(srs, ptau_is_current) {
  static const char *const dir = HF_SOURCE_DIR "/tests/oracle";
  char command[512];
  if (access(HF_SOURCE_DIR "/tests/oracle/node_modules/snarkjs/package.json", R_OK) != 0)
    cr_skip_test("tests/oracle/node_modules is absent (npm ci there)");
  if (system("command -v node >/dev/null 2>&1") != 0) cr_skip_test("node is absent");
  snprintf(command, sizeof command, "cd '%s' && node ptau.mjs %s && cmp %s vectors/powers7.ptau", dir, path,
           path);
  cr_assert_eq(system(command), 0);
}
