/* What the commands that prove share: device, SRS and keys. */
#ifndef HF_DEVICE_COMMON_H
#define HF_DEVICE_COMMON_H

#include "cli.h"
#include "key_cache.h"
#include "machine.h"

typedef struct hf_cli_device {
  hf_backend *backend;
  hf_srs *srs;
  hf_key_cache *keys;
  char *srs_path, *key_folder;
} hf_cli_device;

/* Opens the device and the SRS of --srs (or DATA/srs) with at least `points` points, and the key cache in
 * DATA/keys. With --dev a missing or too small development SRS is generated and kept. HF_E_REFUSED for a
 * development SRS without --dev. */
hf_status hf_cli_device_open(hf_cli *cli, size_t points, hf_cli_device *out);
/* The SRS alone, and the paths: for a command whose proofs another process makes. */
hf_status hf_cli_device_open_srs(hf_cli *cli, size_t points, hf_cli_device *out);
void hf_cli_device_close(hf_cli_device *device);

#define HF_OPTION_DEVICE                                                                                     \
  {                                                                                                          \
    "device", HF_OPTION_TEXT, "NAME", "cpu", "what to compute on, as \"hyperfold device list\" names it: cpu, cuda:0, ..."  \
  }
#define HF_OPTIONS_DEVICE                                                                                    \
  {"srs", HF_OPTION_TEXT, "FILE", NULL, "the SRS (default: DATA/srs)"},                                      \
      {"dev", HF_OPTION_FLAG, NULL, NULL,                                                                    \
       "accept, and make where it is missing, the insecure development SRS"},                                \
      HF_OPTION_DEVICE, {                                \
    "threads", HF_OPTION_NUMBER, "N", "0", "CPU threads; 0: as many as there are cores"                      \
  }

/* Bytes that a proof for this key needs on a device, for the header of its job; 0 if DATA/keys does not have the key. */
uint64_t hf_cli_proof_memory(const hf_cli *cli, const hf_digest *vk);

json_t *hf_cli_prove_report_json(const hf_prove_report *report);

#endif
