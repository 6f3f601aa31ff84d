/* Answers of a node: the JSON-RPC parser, and what reverts are taken to say. */
#include <stdlib.h>
#include <string.h>
#include "eth_rpc.h"
#include "evm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  json_t *result = NULL;
  hf_rpc_error error;
  hf_status status = hf_rpc_parse((const char *)data, size, 1, &result, &error);
  if ((status == HF_OK) != (result != NULL)) abort();
  if (status != HF_E_REFUSED && error.data != NULL) abort();
  for (const char *c = error.message; *c != 0; c++)
    if (*c < ' ' || *c > '~') abort();
  if (error.data != NULL) {
    char text[64];
    (void)hf_evm_revert_text(error.data, error.data_length, text, sizeof text);
    if (strlen(text) >= sizeof text) abort();
  }
  json_decref(result);
  hf_rpc_error_free(&error);
  return 0;
}
