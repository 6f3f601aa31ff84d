/* hyperfold verify: is this proof valid under this key? */
#include "commands.h"
#include "proof_common.h"

#include <stdio.h>
#include <stdlib.h>

/* A proof shows that *some* statement is true; with --statement it must be this one. */
static hf_status compare_statement(const hf_cli *cli, const hf_proof *proof, bool *ok) {
  const char *text = hf_cli_text(cli, "statement");
  uint8_t bytes[32];
  hf_fr wanted;
  if (text == NULL) return HF_OK;
  hf_status status = hf_unhex(text, bytes, sizeof bytes);
  if (status != HF_OK) return hf_fail_context(status, "--statement");
  if (!hf_fr_from_bytes_be(bytes, &wanted)) return hf_fail(HF_E_RANGE, "--statement is not below r");
  if (proof->public_count == 0 || !hf_fr_eq(proof->public_inputs[HF_INSTANCE_STATEMENT], wanted)) {
    hf_fail(HF_E_VERIFY, "the proof is of another statement");
    *ok = false;
  }
  return HF_OK;
}

hf_status hf_verify_run(hf_cli *cli) {
  hf_status status;
  const char *key;
  bool ok = false;
  hf_verifying_key vk;
  hf_proof *proof = calloc(1, sizeof *proof);
  if (proof == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  HF_TRY(hf_cli_need(cli, "vk", &key));
  HF_TRY(hf_verifying_key_load(key, &vk));
  HF_TRY(hf_cli_allow_development(cli, vk.development, key));
  HF_TRY(hf_proof_load(cli->arguments[0], proof));
  HF_TRY(hf_verify(&vk, proof, &ok));
  if (ok) HF_TRY(compare_statement(cli, proof, &ok));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:b, s:o, s:o, s:o}", "valid", (int)ok, "reason",
                                            ok ? json_null() : hf_cli_json_text(hf_error_message()), "key",
                                            hf_cli_vk_json(&vk), "proof", hf_cli_proof_json(proof))));
  else if (ok)
    printf("valid\n");
  if (!ok) status = hf_fail_context(HF_E_VERIFY, "%s", cli->arguments[0]);
out:
  free(proof);
  return status;
}

const hf_option hf_verify_options[] = {
    {"vk", HF_OPTION_TEXT, "FILE", NULL, "the verifying key"},
    {"statement", HF_OPTION_TEXT, "HEX", NULL, "what the proof must state: its first public input, 64 hex digits"},
    HF_OPTION_DEV,
    {NULL, HF_OPTION_FLAG, NULL, NULL, NULL},
};
