/* hf_evm_generate KEY.vkey: prints the Solidity verifier of a seal key. */
#include <stdio.h>
#include "evm.h"

int main(int argc, char **argv) {
  hf_status status;
  hf_verifying_key vk;
  hf_writer w = {0};
  if (argc != 2 || argv[1][0] == '-') {
    fputs("usage: hf_evm_generate KEY.vkey > HyperfoldVerifier.sol\n", stderr);
    return 2;
  }
  HF_TRY(hf_verifying_key_load(argv[1], &vk));
  HF_TRY(hf_evm_verifier_source(&vk, &w));
  if (fwrite(w.data, 1, w.length, stdout) != w.length || fflush(stdout) != 0)
    status = hf_fail(HF_E_IO, "cannot write the contract to stdout");
out:
  if (status != HF_OK) fprintf(stderr, "hf_evm_generate: %s\n", hf_error_message());
  hf_writer_free(&w);
  return status == HF_OK ? 0 : 1;
}
