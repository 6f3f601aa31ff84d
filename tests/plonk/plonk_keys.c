/* Proving keys: derived alike every time, the same after a file, and useless when altered. */
#include <criterion/criterion.h>
#include <hyperfold/container.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "rig.h"

static char path[64];

static void setup(void) {
  strcpy(path, "/tmp/hf-plonk-keys-XXXXXX");
  int fd = mkstemp(path);
  cr_assert_geq(fd, 0);
  close(fd);
}
static void teardown(void) { unlink(path); }
TestSuite(keys, .init = setup, .fini = teardown);

static bool equal_keys(const hf_proving_key *a, const hf_proving_key *b) {
  if (memcmp(&a->vk, &b->vk, sizeof a->vk) != 0 || a->table_width != b->table_width ||
      a->used_rows != b->used_rows)
    return false;
  for (int i = 0; i < HF_FIXED_COUNT; i++)
    if (memcmp(a->fixed[i], b->fixed[i], sizeof(hf_fr) << a->vk.log_n) != 0) return false;
  return true;
}

Test(keys, derived_twice_saved_and_loaded) {
  for (unsigned kappa = 1; kappa <= 8; kappa++) {
    rig r = rig_make(kappa, kappa % 2 ? HF_TRANSCRIPT_POSEIDON2 : HF_TRANSCRIPT_KECCAK), other;
    hf_proving_key *loaded = NULL;
    hf_prover *prover = NULL;
    hf_proof proof;
    other =
        rig_of(tiny_circuit(RIG_LOG_N, 99), kappa, r.key->vk.transcript); /* another witness, the same key */
    cr_assert(equal_keys(r.key, other.key));
    cr_assert_eq(hf_proving_key_save(path, r.key), HF_OK, "%s", hf_error_message());
    cr_assert_eq(hf_proving_key_load(path, &loaded), HF_OK, "%s", hf_error_message());
    cr_assert(equal_keys(r.key, loaded));
    cr_assert_eq(hf_prover_create(r.backend, r.srs, loaded, &prover), HF_OK);
    cr_assert_eq(hf_prove(prover, r.circuit, NULL, &proof, NULL), HF_OK);
    cr_assert(rig_verify(&other.key->vk, &proof));
    hf_prover_destroy(&prover);
    hf_proving_key_destroy(&loaded);
    cr_assert_null(loaded);
    /* the verifying key alone */
    hf_verifying_key vk;
    cr_assert_eq(hf_verifying_key_save(path, &r.key->vk), HF_OK);
    cr_assert_eq(hf_verifying_key_load(path, &vk), HF_OK);
    cr_assert(rig_verify(&vk, &proof));
    cr_assert_eq(hf_proving_key_load(path, &loaded), HF_E_FORMAT, "a verifying key is no proving key");
    /* and the proof */
    hf_proof again;
    cr_assert_eq(hf_proof_save(path, &proof), HF_OK);
    cr_assert_eq(hf_proof_load(path, &again), HF_OK);
    cr_assert_eq(memcmp(&proof, &again, sizeof proof), 0);
    cr_assert_eq(hf_verifying_key_load(path, &vk), HF_E_FORMAT);
    rig_free(&other);
    rig_free(&r);
  }
  cr_assert_eq(hf_verifying_key_load("/nonexistent/key", &(hf_verifying_key){0}), HF_E_NOT_FOUND);
  cr_assert_eq(hf_proof_load("/nonexistent/proof", &(hf_proof){0}), HF_E_NOT_FOUND);
  hf_proving_key *none;
  cr_assert_eq(hf_proving_key_load("/nonexistent/key", &none), HF_E_NOT_FOUND);
  cr_assert_null(none);
}

/* Every column of the structure is in the key, and so is its place. */
Test(keys, digest_depends_on_every_column) {
  rig r = rig_make(3, HF_TRANSCRIPT_POSEIDON2);
  hf_key_options options = {3, HF_TRANSCRIPT_POSEIDON2};
  for (int i = 0; i < HF_FIXED_COUNT; i++)
    for (size_t row = 0; row < 64; row += i % 2 ? 63 : 21) {
      hf_proving_key *key = NULL;
      hf_fr *cell = &r.circuit->fixed[i][row], old = *cell;
      *cell = hf_fr_add(old, hf_fr_one());
      cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, r.circuit, &options, &key), HF_OK, "%s",
                   hf_error_message());
      cr_assert_not(hf_fr_eq(key->vk.digest, r.key->vk.digest), "column %d, row %zu", i, row);
      *cell = old;
      hf_proving_key_destroy(&key);
    }
  rig_free(&r);
}

Test(keys, refused_when_derived) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  hf_proving_key *key = NULL;
  hf_key_options options = {0, HF_TRANSCRIPT_POSEIDON2};
  cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, r.circuit, &options, &key), HF_E_ARGUMENT);
  options.kappa = 9;
  cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, r.circuit, &options, &key), HF_E_ARGUMENT);
  options.kappa = 3;
  cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, r.circuit, &options, &key), HF_E_RANGE,
               "too few points");
  options.kappa = 2;
  hf_srs cut = *r.srs;
  cut.count--;
  cr_assert_eq(hf_proving_key_derive(r.backend, &cut, r.circuit, &options, &key), HF_E_RANGE);
  hf_prover *prover;
  cr_assert_eq(hf_prover_create(r.backend, &cut, r.key, &prover), HF_E_RANGE);
  cr_assert_null(prover);
  options.kappa = 1;
  /* a column of zeros commits to infinity, two equal or opposite columns to equal or opposite points */
  const size_t size = sizeof(hf_fr) << RIG_LOG_N;
  hf_fr *column = r.circuit->fixed[HF_S_MERKLE];
  memset(column, 0, size);
  cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, r.circuit, &options, &key), HF_E_INFINITY);
  memcpy(column, r.circuit->fixed[HF_S_MIDDLE], size);
  cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, r.circuit, &options, &key), HF_E_REFUSED);
  for (int i = 0; i < 64; i++) column[i] = hf_fr_neg(column[i]);
  cr_assert_eq(hf_proving_key_derive(r.backend, r.srs, r.circuit, &options, &key), HF_E_REFUSED);
  cr_assert_null(key);
  rig_free(&r);
}

/* A proving key file of this payload, its checksum right; not synced, unlike hf_container_write. */
static hf_status load_payload(const hf_bytes *parts, size_t count, hf_proving_key **key) {
  hf_writer w = {0};
  cr_assert_eq(hf_container_encode(&w, HF_PKEY_KIND, HF_PKEY_VERSION, parts, count), HF_OK);
  FILE *f = fopen(path, "wb");
  cr_assert(f && fwrite(w.data, 1, w.length, f) == w.length && fclose(f) == 0);
  hf_writer_free(&w);
  return hf_proving_key_load(path, key);
}

static hf_status load_changed(const uint8_t *payload, size_t length, size_t at, uint8_t mask,
                              hf_proving_key **key) {
  uint8_t changed = payload[at] ^ mask;
  hf_bytes parts[3] = {{payload, at}, {&changed, 1}, {payload + at + 1, length - at - 1}};
  return load_payload(parts, 3, key);
}

Test(keys, altered_files) {
  rig r = rig_make(2, HF_TRANSCRIPT_POSEIDON2);
  uint8_t *file;
  size_t length;
  hf_proving_key *key = NULL;
  cr_assert_eq(hf_proving_key_save(path, r.key), HF_OK);
  cr_assert_eq(hf_file_read(path, 1 << 20, &file, &length), HF_OK);
  const uint8_t *payload = file + HF_CONTAINER_HEADER;
  length -= HF_CONTAINER_HEADER;
  size_t columns = length - HF_FIXED_COUNT * (sizeof(hf_fr) << RIG_LOG_N), loaded = 0;
  for (size_t i = 0; i < columns; i++) { /* everything before the columns */
    if (load_changed(payload, length, i, (uint8_t)(1 << i % 8), &key) != HF_OK) {
      cr_assert_null(key);
      continue;
    }
    /* what loads says that it is another key, or fits no circuit */
    hf_prover *prover = NULL;
    hf_proof proof;
    bool ok = false;
    hf_status status = hf_prover_create(r.backend, r.srs, key, &prover);
    if (status == HF_OK) status = hf_prove(prover, r.circuit, NULL, &proof, NULL);
    if (status == HF_OK) cr_assert_eq(hf_verify(&r.key->vk, &proof, &ok), HF_E_MISMATCH, "byte %zu", i);
    cr_assert_not(ok);
    hf_prover_destroy(&prover);
    hf_proving_key_destroy(&key);
    loaded++;
  }
  cr_assert(loaded > 0 && loaded < 30, "%zu", loaded);
  /* a value of each column: not below r is refused, another value makes proofs that nobody takes */
  for (int i = 0; i < HF_FIXED_COUNT; i++) {
    size_t at = columns + (sizeof(hf_fr) << RIG_LOG_N) * (size_t)i + sizeof(hf_fr) * 23;
    cr_assert_eq(load_changed(payload, length, at + 31, 0x80, &key), HF_E_RANGE);
    cr_assert_null(key);
    cr_assert_eq(load_changed(payload, length, at, 1, &key), HF_OK);
    hf_prover *prover = NULL;
    hf_proof proof;
    cr_assert_eq(hf_prover_create(r.backend, r.srs, key, &prover), HF_OK);
    if (hf_prove(prover, r.circuit, NULL, &proof, NULL) == HF_OK)
      cr_assert_not(rig_verify(&r.key->vk, &proof), "column %d", i);
    hf_prover_destroy(&prover);
    hf_proving_key_destroy(&key);
  }
  for (size_t cut = 1; cut < length;
       cut += cut < 300 ? 1 : 4099) { /* too short, with a checksum that is right */
    hf_bytes part = {payload, length - cut};
    cr_assert_eq(load_payload(&part, 1, &key), HF_E_FORMAT, "%zu bytes less", cut);
  }
  hf_bytes more[2] = {{payload, length}, {"", 1}};
  cr_assert_eq(load_payload(more, 2, &key), HF_E_FORMAT);
  file[HF_CONTAINER_HEADER + columns] ^= 1; /* and one that is not */
  hf_bytes raw = {file, length + HF_CONTAINER_HEADER};
  cr_assert_eq(hf_file_write(path, 0644, &raw, 1), HF_OK);
  cr_assert_eq(hf_proving_key_load(path, &key), HF_E_CHECKSUM);
  free(file);
  rig_free(&r);
}
