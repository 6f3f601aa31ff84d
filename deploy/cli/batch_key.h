/* The verifying key of the batch circuit, for the commands that make jobs. */
#ifndef HF_BATCH_KEY_H
#define HF_BATCH_KEY_H

#include <hyperfold/rollup.h>
#include "cli.h"
#include "verifying_key.h"

/* Derives it from circuit and SRS, or takes it from the key cache (options: HF_OPTIONS_DEVICE and data). */
hf_status hf_cli_batch_key(hf_cli *cli, const hf_rollup_params *params, hf_verifying_key *vk,
                           uint32_t *used_rows);

#endif
