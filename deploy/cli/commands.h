/* The subcommands, one file each (cmd_*.c). */
#ifndef HF_COMMANDS_H
#define HF_COMMANDS_H

#include "cli.h"

extern const hf_command hf_job_commands[];
extern const hf_command hf_queue_commands[];

#endif
