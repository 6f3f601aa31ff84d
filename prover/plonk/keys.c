#include "keys.h"

#include <hyperfold/container.h>
#include <stdlib.h>
#include <string.h>

size_t hf_srs_points_needed(unsigned log_n, unsigned kappa) {
  return (size_t)kappa * (((size_t)1 << log_n) + HF_EXTRA_COEFFICIENTS);
}

void hf_proving_key_destroy(hf_proving_key **key) {
  if (!*key) return;
  free((*key)->memory);
  hf_container_unmap(&(*key)->file);
  free(*key);
  *key = NULL;
}

/* Commits to the fixed columns, pack by pack: values -> coefficients -> commitment. */
static hf_status commit_fixed(hf_backend *backend, const hf_srs *srs, const hf_key_watch *watch, hf_proving_key *key) {
  hf_status status = HF_OK;
  const unsigned packs = hf_packs(HF_FIXED_COUNT, key->vk.kappa);
  unsigned kappa = key->vk.kappa, log_n = key->vk.log_n;
  size_t n = (size_t)1 << log_n;
  hf_vec *parts[HF_KAPPA_MAX] = {NULL};
  hf_points *points = NULL;
  HF_TRY(backend->ops->points_create(backend, srs->points, hf_srs_points_needed(log_n, kappa), &points));
  for (unsigned i = 0; i < kappa; i++) HF_TRY(backend->ops->vec_create(backend, n, &parts[i]));
  for (unsigned pack = 0; pack < packs; pack++) {
    if (watch && !watch->progress(watch->context, (double)pack / packs))
      HF_TRY(hf_fail(HF_E_CANCELLED, "left while its key was derived"));
    unsigned count = HF_FIXED_COUNT - pack * kappa < kappa ? HF_FIXED_COUNT - pack * kappa : kappa;
    const hf_vec *view[HF_KAPPA_MAX] = {NULL};
    for (unsigned j = 0; j < count; j++) {
      HF_TRY(backend->ops->vec_upload(backend, parts[j], 0, key->fixed[pack * kappa + j], n));
      view[j] = parts[j];
    }
    HF_TRY(backend->ops->ntt(backend, parts, count, log_n, HF_NTT_INVERSE));
    HF_TRY(backend->ops->commit(backend, points, view, kappa, n, &key->vk.fixed[pack]));
  }
out:
  for (unsigned i = 0; i < kappa; i++)
    if (parts[i]) backend->ops->vec_destroy(backend, parts[i]);
  if (points) backend->ops->points_destroy(backend, points);
  return status;
}

hf_status hf_proving_key_derive(hf_backend *backend, const hf_srs *srs, const hf_circuit *circuit,
                                const hf_key_options *options, hf_proving_key **out) {
  return hf_proving_key_derive_watched(backend, srs, circuit, options, NULL, out);
}

hf_status hf_proving_key_derive_watched(hf_backend *backend, const hf_srs *srs, const hf_circuit *circuit,
                                        const hf_key_options *options, const hf_key_watch *watch,
                                        hf_proving_key **out) {
  hf_status status = HF_OK;
  hf_proving_key *key = calloc(1, sizeof *key);
  *out = NULL;
  if (!key) return hf_fail(HF_E_MEMORY, "no memory for a proving key");
  if (options->kappa < 1 || options->kappa > HF_KAPPA_MAX)
    HF_TRY(hf_fail(HF_E_ARGUMENT, "kappa %u is not in 1..%d", options->kappa, HF_KAPPA_MAX));
  if (!circuit->fixed[0]) HF_TRY(hf_fail(HF_E_STATE, "the circuit follows a plan: hf_circuit_complete comes before a key"));
  size_t n = (size_t)1 << circuit->log_n, needed = hf_srs_points_needed(circuit->log_n, options->kappa);
  if (srs->count < needed)
    HF_TRY(hf_fail(HF_E_RANGE, "the SRS has %zu points; 2^%u rows with kappa %u need %zu", srs->count, circuit->log_n,
                   options->kappa, needed));
  key->vk.log_n = circuit->log_n;
  key->vk.kappa = options->kappa;
  key->vk.transcript = options->transcript;
  key->vk.foldable = circuit->foldable;
  key->vk.seal = circuit->seal;
  key->vk.development = srs->development;
  key->vk.public_count = circuit->public_count;
  key->vk.tau_g2 = srs->tau_g2;
  key->table_width = circuit->table_width;
  key->used_rows = circuit->used_rows;
  key->memory = malloc(HF_FIXED_COUNT * n * sizeof(hf_fr));
  if (!key->memory) HF_TRY(hf_fail(HF_E_MEMORY, "no memory for the columns of a proving key"));
  for (int i = 0; i < HF_FIXED_COUNT; i++) {
    key->fixed[i] = key->memory + (size_t)i * n;
    memcpy(key->memory + (size_t)i * n, circuit->fixed[i], n * sizeof(hf_fr));
  }
  HF_TRY(commit_fixed(backend, srs, watch, key));
  HF_TRY(hf_verifying_key_finish(&key->vk));
  *out = key;
  key = NULL;
out:
  hf_proving_key_destroy(&key);
  return status;
}

hf_status hf_proving_key_save(const char *path, const hf_proving_key *key) {
  static const uint8_t zeros[64] = {0};
  hf_writer vk = {0}, head = {0};
  hf_verifying_key_write(&key->vk, &vk);
  hf_write_u32(&head, (uint32_t)vk.length);
  hf_write_bytes(&head, vk.data, vk.length);
  hf_write_u32(&head, key->table_width);
  hf_write_u32(&head, key->used_rows);
  hf_write_bytes(&head, zeros, (64 - head.length % 64) % 64);
  hf_status status = hf_writer_status(&vk);
  if (status == HF_OK) status = hf_writer_status(&head);
  hf_bytes parts[1 + HF_FIXED_COUNT] = {{head.data, head.length}};
  for (int i = 0; i < HF_FIXED_COUNT; i++)
    parts[1 + i] = (hf_bytes){(const uint8_t *)key->fixed[i], sizeof(hf_fr) << key->vk.log_n};
  if (status == HF_OK) status = hf_container_write(path, HF_PKEY_KIND, HF_PKEY_VERSION, parts, 1 + HF_FIXED_COUNT);
  hf_writer_free(&vk);
  hf_writer_free(&head);
  return status;
}

static hf_status read_key(const hf_bytes *payload, hf_proving_key *key) {
  hf_status status;
  hf_reader r = hf_reader_over(payload->data, payload->length);
  uint32_t length, width;
  const uint8_t *view;
  HF_TRY(hf_read_u32(&r, "proving key: length", &length));
  HF_TRY(hf_read_view(&r, "proving key: verifying key", length, &view));
  hf_reader vk = hf_reader_over(view, length);
  HF_TRY(hf_verifying_key_read(&vk, &key->vk));
  HF_TRY(hf_read_end(&vk, "proving key: verifying key"));
  HF_TRY(hf_read_u32(&r, "proving key: table width", &width));
  HF_TRY(hf_read_u32(&r, "proving key: used rows", &key->used_rows));
  size_t padding = (64 - r.offset % 64) % 64;
  HF_TRY(hf_read_view(&r, "proving key: padding", padding, &view));
  for (size_t i = 0; i < padding; i++)
    if (view[i]) return hf_fail(HF_E_FORMAT, "proving key: the padding is not zero");
  if (width > key->vk.log_n || key->used_rows > (uint32_t)1 << key->vk.log_n)
    return hf_fail(HF_E_RANGE, "proving key: a table of 2^%u or %u rows do not fit 2^%u", width, key->used_rows,
                   key->vk.log_n);
  key->table_width = width;
  for (int i = 0; i < HF_FIXED_COUNT; i++) {
    HF_TRY(hf_read_view(&r, "proving key: column", sizeof(hf_fr) << key->vk.log_n, &view));
    key->fixed[i] = (const hf_fr *)(const void *)view;
  }
  HF_TRY(hf_read_end(&r, "proving key"));
  for (int i = 0; i < HF_FIXED_COUNT; i++)
    for (size_t j = 0; j < (size_t)1 << key->vk.log_n; j++)
      if (!hf_fr_is_reduced(key->fixed[i][j])) return hf_fail(HF_E_RANGE, "proving key: column %d, row %zu is not below r", i, j);
out:
  return status;
}

hf_status hf_proving_key_load(const char *path, hf_proving_key **out) {
  hf_status status = HF_OK;
  hf_proving_key *key = calloc(1, sizeof *key);
  *out = NULL;
  if (!key) return hf_fail(HF_E_MEMORY, "no memory for a proving key");
  HF_TRY(hf_container_map(path, HF_PKEY_KIND, HF_PKEY_VERSION, &key->file));
  hf_bytes payload = hf_container_payload(key->file);
  status = read_key(&payload, key);
  if (status != HF_OK) {
    hf_fail_context(status, "%s", path);
    goto out;
  }
  *out = key;
  key = NULL;
out:
  hf_proving_key_destroy(&key);
  return status;
}
