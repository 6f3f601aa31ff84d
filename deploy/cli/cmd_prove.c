/* hyperfold prove: one proof, here and now, without a queue. */
#include "circuit_common.h"
#include "commands.h"
#include "device_common.h"
#include "proof_common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool progress(void *context, const char *phase, double done) {
  char line[64];
  (void)context;
  snprintf(line, sizeof line, "%3.0f%% %s", done * 100, phase);
  hf_cli_progress(line);
  return true;
}

hf_status hf_prove_run(hf_cli *cli) {
  hf_status status;
  hf_cli_circuit c = {0};
  const hf_proving_key *key;
  hf_prover *prover;
  hf_prove_report report = {0};
  bool ok = false;
  const char *name, *out, *vk_out = hf_cli_text(cli, "vk-out");
  hf_proof *proof = calloc(1, sizeof *proof);
  if (proof == NULL) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  HF_TRY(hf_cli_need(cli, "circuit", &name));
  HF_TRY(hf_cli_need(cli, "out", &out));
  HF_TRY(hf_cli_circuit_open(cli, name, cli->arguments[0], &c));
  HF_TRY(hf_circuit_check(c.circuit)); /* names the constraint when the input does not satisfy */
  HF_TRY(hf_cli_circuit_key(cli, &c, &key));
  HF_TRY(hf_key_cache_prover(c.device.keys, &prover));
  hf_prove_options options = {.progress = progress};
  HF_TRY(hf_prove(prover, c.circuit, &options, proof, &report));
  hf_cli_progress(NULL);
  HF_TRY(hf_verify(&key->vk, proof, &ok));
  if (!ok) {
    /* of a fold or seal a child may be at fault: its pairing is deferred, so the constraints hold all the same */
    status = hf_fail_context(c.entry->folds ? HF_E_VERIFY : HF_E_DEVICE,
                             "the proof that was made does not verify, so it is not written");
    goto out;
  }
  HF_TRY(hf_proof_save(out, proof));
  if (vk_out != NULL) HF_TRY(hf_verifying_key_save(vk_out, &key->vk));
  if (cli->json)
    HF_TRY(hf_cli_print_json(cli, json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "circuit", name, "file", out,
                                            "rows", hf_cli_json_u64(c.circuit->used_rows), "key",
                                            hf_cli_vk_json(&key->vk), "proof", hf_cli_proof_json(proof),
                                            "report", hf_cli_prove_report_json(&report))));
  else
    printf("%s: proven in %.2f s and verified\n", out, report.seconds);
out:
  hf_cli_progress(NULL);
  free(proof);
  hf_cli_circuit_close(&c);
  return status;
}

const hf_option hf_prove_command_options[] = {
    HF_OPTION_DATA,
    HF_OPTIONS_DEVICE,
    {"circuit", HF_OPTION_TEXT, "NAME", NULL, "the circuit"},
    HF_OPTION_PARAMETERS,
    {"out", HF_OPTION_TEXT, "FILE", NULL, "where to write the proof"},
    {"vk-out", HF_OPTION_TEXT, "FILE", NULL, "where to write the verifying key"},
    HF_OPTION_END,
};
