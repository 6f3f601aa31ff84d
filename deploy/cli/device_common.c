#include "device_common.h"
#include "catalog.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <hyperfold/file.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* What every circuit of this build can be proven over. */
static size_t points_for_all(void) {
  size_t most = 0;
  for (size_t i = 0; i < hf_catalog_count(); i++) {
    size_t points = hf_catalog_points(hf_catalog_at(i));
    if (points > most) most = points;
  }
  return most;
}

/* One process generates, the others find the file. */
static hf_status open_srs(hf_cli *cli, size_t points, hf_cli_device *device) {
  hf_status status;
  bool dev = hf_cli_flag(cli, "dev");
  char *lock_path = NULL;
  int lock = -1;
  status = hf_srs_load(device->srs_path, &device->srs);
  if (status == HF_OK && device->srs->development && !dev) {
    status = hf_fail(HF_E_REFUSED, "%s is the development SRS, whose secret is public; --dev accepts it",
                     device->srs_path);
    goto out;
  }
  if (status == HF_OK && device->srs->count >= points) goto out;
  if (status == HF_OK && !device->srs->development) {
    status = hf_fail(HF_E_RANGE, "%s holds %zu points, %zu are needed: import more of the ceremony",
                     device->srs_path, device->srs->count, points);
    goto out;
  }
  if (status != HF_OK && status != HF_E_NOT_FOUND) goto out;
  if (!dev) {
    hf_fail_context(status, "no SRS (import a ceremony with \"hyperfold srs import\", or pass --dev)");
    goto out;
  }
  if (asprintf(&lock_path, "%s.lock", device->srs_path) < 0) {
    lock_path = NULL;
    status = hf_fail(HF_E_MEMORY, "no memory for a path");
    goto out;
  }
  lock = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock < 0 || flock(lock, LOCK_EX) != 0) {
    status = hf_fail(hf_status_of_errno(errno), "%s: %s", lock_path, strerror(errno));
    goto out;
  }
  hf_srs_destroy(&device->srs);
  if (hf_srs_load(device->srs_path, &device->srs) == HF_OK && device->srs->count >= points) {
    status = HF_OK;
    goto out;
  }
  hf_srs_destroy(&device->srs);
  hf_cli_progress("generating the development SRS");
  if (points == 0) points = points_for_all();
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, points, (unsigned)hf_cli_number(cli, "threads"),
                         &device->srs));
  HF_TRY(hf_srs_save(device->srs_path, device->srs));
out:
  hf_cli_progress(NULL);
  if (lock >= 0) close(lock);
  free(lock_path);
  return status;
}

hf_status hf_cli_device_open_srs(hf_cli *cli, size_t points, hf_cli_device *device) {
  hf_status status;
  const char *srs = hf_cli_text(cli, "srs");
  *device = (hf_cli_device){0};
  HF_TRY(hf_cli_stack_reserve());
  HF_TRY(hf_folder_create(hf_cli_text(cli, "data"), 0755));
  device->srs_path = srs != NULL ? strdup(srs) : hf_cli_data_path(cli, "srs");
  device->key_folder = hf_cli_data_path(cli, "keys");
  if (device->srs_path == NULL || device->key_folder == NULL) {
    status = hf_fail(HF_E_MEMORY, "no memory for a path");
    goto out;
  }
  HF_TRY(open_srs(cli, points, device));
out:
  if (status != HF_OK) hf_cli_device_close(device);
  return status;
}

hf_status hf_cli_device_open(hf_cli *cli, size_t points, hf_cli_device *device) {
  hf_status status;
  hf_backend_options options = {.threads = (unsigned)hf_cli_number(cli, "threads")};
  HF_TRY(hf_cli_device_open_srs(cli, points, device));
  HF_TRY(hf_backend_create(hf_cli_text(cli, "device"), &options, &device->backend));
  /* a CPU's provers share the machine's memory with everything else; a device's, with the proof in hand */
  const uint64_t memory = hf_backend_memory(device->backend);
  hf_key_cache_options keys = {.folder = device->key_folder,
                               .backend = device->backend,
                               .srs = device->srs,
                               .log = &cli->log,
                               .provers_bytes = (size_t)(memory != 0 ? memory / 2 : hf_cli_memory() / 8)};
  HF_TRY(hf_key_cache_create(&keys, &device->keys));
out:
  if (status != HF_OK) hf_cli_device_close(device);
  return status;
}

void hf_cli_device_close(hf_cli_device *device) {
  hf_key_cache_destroy(&device->keys);
  hf_srs_destroy(&device->srs);
  hf_backend_destroy(&device->backend);
  free(device->srs_path);
  free(device->key_folder);
  device->srs_path = device->key_folder = NULL;
}

uint64_t hf_cli_proof_memory(const hf_cli *cli, const hf_digest *vk) {
  char hex[HF_DIGEST_HEX], name[HF_DIGEST_HEX + 16], *path;
  hf_verifying_key key;
  hf_digest_hex(vk, hex);
  snprintf(name, sizeof name, "keys/%s.vkey", hex);
  path = hf_cli_data_path(cli, name);
  uint64_t bytes = path != NULL && hf_verifying_key_load(path, &key) == HF_OK ? hf_prove_bytes(NULL, key.log_n, key.kappa) : 0;
  free(path);
  return bytes;
}

json_t *hf_cli_prove_report_json(const hf_prove_report *r) {
  json_t *phases = json_object();
  for (unsigned i = 0; i < r->phase_count; i++)
    json_object_set_new(phases, r->phases[i].name, json_real(r->phases[i].seconds));
  return json_pack("{s:f, s:o, s:f, s:f, s:o, s:o}", "seconds", r->seconds, "phases", phases, "msm_seconds",
                   r->msm_seconds, "ntt_seconds", r->ntt_seconds, "msm_points",
                   hf_cli_json_u64(r->msm_points), "ntt_count", hf_cli_json_u64(r->ntt_count));
}
