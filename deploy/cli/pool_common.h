/* What the commands that seal or open payloads share (payload.h). */
#ifndef HF_POOL_COMMON_H
#define HF_POOL_COMMON_H

#include <hyperfold/payload.h>

#include "cli.h"

/* The secret keys of --pool-key FILE[,FILE]; NULL where it is not given. */
hf_status hf_cli_pool_keys(const hf_cli *cli, hf_pool_keys **out);
/* To the public keys of --seal-to FILE[,FILE], with the secret DATA/sealer.secret; NULL where it is not
 * given. */
hf_status hf_cli_sealer(const hf_cli *cli, hf_sealer **out);

#define HF_OPTION_POOL_KEY                                                                                   \
  {                                                                                                          \
    "pool-key", HF_OPTION_TEXT, "FILE[,FILE]", NULL,                                                         \
        "secret keys that open sealed inputs (see pool-key make)"                                            \
  }
#define HF_OPTION_SEAL_TO                                                                                    \
  {                                                                                                          \
    "seal-to", HF_OPTION_TEXT, "FILE[,FILE]", NULL,                                                          \
        "seal inputs to these public keys (see pool-key show): the first is the pool that proves, others "   \
        "only read"                                                                                          \
  }

#endif
