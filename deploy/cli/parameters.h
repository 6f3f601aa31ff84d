/* "NAME=NUMBER,..." on the command line. */
#ifndef HF_PARAMETERS_H
#define HF_PARAMETERS_H

#include <hyperfold/job.h>

/* Adds the list to a header's parameters. NULL: none. */
hf_status hf_cli_parameters(const char *text, hf_job_header *header);

#endif
