/* What the commands that build circuits share. */
#ifndef HF_CIRCUIT_COMMON_H
#define HF_CIRCUIT_COMMON_H

#include "catalog.h"
#include "cli.h"
#include "parameters.h"

/* Builds the circuit `name` with --parameters; input NULL: the structure alone. */
hf_status hf_cli_build_circuit(hf_cli *cli, const char *name, const char *input_path, hf_circuit **out);

#define HF_OPTION_PARAMETERS                                                                                 \
  { "parameters", HF_OPTION_TEXT, "LIST", NULL, "parameters of the circuit: NAME=NUMBER,..." }

#endif
