/* Deposits from the settlement contract into the sequencer of this process, which owns the chains' files. */
#ifndef HF_L1_DEPOSITS_H
#define HF_L1_DEPOSITS_H

#include "cli.h"
#include "sequencer.h"

typedef struct hf_cli_deposits hf_cli_deposits;

/* Watches the contract for every chain of the sequencer (options: HF_OPTIONS_L1, l1-confirmations, l1-poll)
 * and takes what L1 has confirmed up to now. HF_E_NOT_FOUND when the contract knows no such chain; errors of
 * the node. */
hf_status hf_cli_deposits_open(hf_cli *cli, hf_sequencer *sequencer, hf_cli_deposits **out);
/* One look for all chains. `counts` is added to; may be NULL. */
hf_status hf_cli_deposits_poll(hf_cli_deposits *deposits, hf_deposit_counts *counts);
/* Looks again and again on a thread of its own, until closed; a look that fails is logged and tried again. */
hf_status hf_cli_deposits_start(hf_cli_deposits *deposits);
void hf_cli_deposits_close(hf_cli_deposits **deposits); /* before the sequencer is closed; NULL is allowed */

#endif
