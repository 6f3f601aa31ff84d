#include "parameters.h"

#include <stdlib.h>
#include <string.h>

hf_status hf_cli_parameters(const char *text, hf_job_header *header) {
  while (text != NULL && *text != 0) {
    size_t length = strcspn(text, ",");
    char item[64], *end = NULL;
    if (length >= sizeof item) return hf_fail(HF_E_ARGUMENT, "--parameters: \"%.40s...\" is too long", text);
    memcpy(item, text, length);
    item[length] = 0;
    char *equals = strchr(item, '=');
    if (equals == NULL || equals[1] < '0' || equals[1] > '9')
      return hf_fail(HF_E_ARGUMENT, "--parameters: \"%s\" is not NAME=NUMBER", item);
    *equals = 0;
    uint64_t value = strtoull(equals + 1, &end, 10);
    if (*end != 0) return hf_fail(HF_E_ARGUMENT, "--parameters: \"%s\" is not a number", equals + 1);
    hf_status status = hf_job_set_parameter(header, item, value);
    if (status != HF_OK) return status;
    text += length + (text[length] == ',');
  }
  return HF_OK;
}

hf_status hf_cli_chain_id(const char *text, hf_chain_id *out) {
  hf_status status = hf_chain_id_parse(text, out);
  return status == HF_OK ? HF_OK : hf_fail(HF_E_ARGUMENT, "--chain: \"%.60s\" is no chain id: a decimal number below 2^128", text);
}
