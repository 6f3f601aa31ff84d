/* What a taker of results does before one counts: is it a proof under the key that the job pins, and about
 * what the job's input says? What is not is to be refused (hf_queue_refuse). */
#ifndef HF_CLI_TAKE_H
#define HF_CLI_TAKE_H

#include "cli.h"
#include "queue.h"

/* *ok = the result of this DONE job is a valid proof, whose public inputs are those that its circuit has for
 * its input; else hf_error_message says why not. The key is --vk, or the one derived here (DATA/keys) that
 * the job pins; it must have the digest that the job pins (HF_E_MISMATCH), and --dev where the set-up is for
 * development. Circuits that fold are built over DATA/srs; a sealed input is opened with --pool-key. */
hf_status hf_cli_take_judge(hf_cli *cli, hf_queue *queue, const hf_job_record *job, bool *ok);
/* An option of the commands that judge, beside HF_OPTION_DATA, HF_OPTION_DEV and HF_OPTION_POOL_KEY. */
#define HF_OPTION_TAKE_VK                                                                                    \
  { "vk", HF_OPTION_TEXT, "FILE", NULL, "the key that the job pins (default: the one in DATA/keys)" }

#endif
