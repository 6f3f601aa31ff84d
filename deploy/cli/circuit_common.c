#include "circuit_common.h"

#include <hyperfold/file.h>
#include <stdlib.h>
#include <string.h>

hf_status hf_cli_build_circuit(hf_cli *cli, const char *name, const char *input_path, hf_circuit **out) {
  hf_status status;
  uint8_t *input = NULL;
  size_t length = 0;
  const hf_catalog_entry *entry;
  hf_job_header header = {0};
  *out = NULL;
  HF_TRY(hf_catalog_find(name, &entry));
  HF_TRY(hf_cli_parameters(hf_cli_text(cli, "parameters"), &header));
  if (input_path != NULL) HF_TRY(hf_file_read(input_path, entry->input_limit, &input, &length));
  hf_cli_progress("laying out the circuit");
  HF_TRY(hf_catalog_build(entry, header.parameters, header.parameter_count, input, length, out));
out:
  hf_cli_progress(NULL);
  free(input);
  return status;
}
