#include "proof_common.h"
#include "key_cache.h"

#include <unistd.h>

json_t *hf_cli_json_fr(hf_fr value) {
  uint8_t bytes[32];
  char text[67] = "0x";
  hf_fr_to_bytes_be(value, bytes);
  hf_hex(bytes, sizeof bytes, text + 2);
  return json_string(text);
}

hf_status hf_cli_vk_parse(const char *text, hf_digest *out) {
  hf_verifying_key vk;
  hf_status status;
  if (access(text, R_OK) != 0) {
    status = hf_digest_parse(text, out);
    return status == HF_OK ? HF_OK : hf_fail_context(status, "%s is no file that can be read, and no key's digest", text);
  }
  status = hf_verifying_key_load(text, &vk);
  if (status == HF_OK) *out = hf_vk_digest_bytes(&vk);
  return status;
}

json_t *hf_cli_vk_json(const hf_verifying_key *vk) {
  hf_digest digest = hf_vk_digest_bytes(vk);
  char hex[HF_DIGEST_HEX];
  hf_digest_hex(&digest, hex);
  return json_pack(
      "{s:s, s:i, s:i, s:s, s:b, s:b, s:b, s:i}", "digest", hex, "log_n", (int)vk->log_n, "kappa", (int)vk->kappa,
      "transcript", vk->transcript == HF_TRANSCRIPT_KECCAK ? "keccak" : "poseidon2", "foldable",
      (int)vk->foldable, "seal", (int)vk->seal, "development", (int)vk->development, "public_inputs", (int)vk->public_count);
}

json_t *hf_cli_proof_json(const hf_proof *proof) {
  hf_digest digest;
  char hex[HF_DIGEST_HEX];
  json_t *inputs = json_array();
  hf_fr_to_bytes(proof->vk_digest, digest.b);
  hf_digest_hex(&digest, hex);
  for (uint32_t i = 0; i < proof->public_count; i++)
    json_array_append_new(inputs, hf_cli_json_fr(proof->public_inputs[i]));
  return json_pack("{s:s, s:i, s:i, s:o}", "vk_digest", hex, "kappa", (int)proof->kappa, "commitments",
                   (int)hf_pack_layout_of(proof->kappa).proof + 2, "public_inputs", inputs);
}

hf_status hf_cli_allow_development(const hf_cli *cli, bool development, const char *what) {
  if (!development || hf_cli_flag(cli, "dev")) return HF_OK;
  return hf_fail(HF_E_REFUSED, "%s comes from the development SRS, whose secret is public; --dev accepts it",
                 what);
}
