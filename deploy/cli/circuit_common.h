/* What the commands that build circuits share. */
#ifndef HF_CIRCUIT_COMMON_H
#define HF_CIRCUIT_COMMON_H

#include "catalog.h"
#include "cli.h"
#include "device_common.h"

typedef struct hf_cli_circuit {
  const hf_catalog_entry *entry;
  hf_circuit *circuit;
  hf_cli_device device; /* open where the circuit folds, or after hf_cli_circuit_key */
} hf_cli_circuit;

/* Builds the circuit `name` with --parameters; input NULL: the structure alone. Circuits that fold are built
 * over the SRS of HF_OPTIONS_DEVICE; no other circuit touches it. */
hf_status hf_cli_circuit_open(hf_cli *cli, const char *name, const char *input_path, hf_cli_circuit *out);
/* Its key, from the cache or derived. */
hf_status hf_cli_circuit_key(hf_cli *cli, hf_cli_circuit *c, const hf_proving_key **key);
void hf_cli_circuit_close(hf_cli_circuit *c);

#define HF_OPTION_PARAMETERS                                                                                 \
  { "parameters", HF_OPTION_TEXT, "LIST", NULL, "parameters of the circuit: NAME=NUMBER,..." }

#endif
