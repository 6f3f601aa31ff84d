/* What the commands that handle keys, proofs and SRS share. */
#ifndef HF_PROOF_COMMON_H
#define HF_PROOF_COMMON_H

#include "cli.h"
#include "verify.h"

/* A field element as "0x" and 64 hexadecimal digits, most significant first. */
json_t *hf_cli_json_fr(hf_fr value);
/* What --vk names: a digest in hex, or a file with the key. */
hf_status hf_cli_vk_parse(const char *text, hf_digest *out);
json_t *hf_cli_vk_json(const hf_verifying_key *vk);
json_t *hf_cli_proof_json(const hf_proof *proof);
/* HF_E_REFUSED for what was made from an SRS with a public secret, unless --dev was given. */
hf_status hf_cli_allow_development(const hf_cli *cli, bool development, const char *what);

#define HF_OPTION_DEV                                                                                        \
  {                                                                                                          \
    "dev", HF_OPTION_FLAG, NULL, NULL,                                                                       \
        "accept the development SRS, whose secret is public: proofs convince nobody"                         \
  }

#endif
