/* Texts of the command line that are more than a number: "NAME=NUMBER,...", ids of chains. */
#ifndef HF_PARAMETERS_H
#define HF_PARAMETERS_H

#include "transaction.h"

#include <hyperfold/job.h>

/* Adds the list to a header's parameters. NULL: none. */
hf_status hf_cli_parameters(const char *text, hf_job_header *header);
/* One of --chain's ids; what is none is named. */
hf_status hf_cli_chain_id(const char *text, hf_chain_id *out);

#endif
