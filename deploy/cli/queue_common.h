/* What the commands that talk to a queue share. */
#ifndef HF_QUEUE_COMMON_H
#define HF_QUEUE_COMMON_H

#include "cli.h"
#include "queue.h"

/* Opens the queue of --queue, or DATA/queue. */
hf_status hf_cli_queue_open(hf_cli *cli, hf_queue **out);
/* With another lease time than the default (0). */
hf_status hf_cli_queue_open_lease(hf_cli *cli, uint64_t lease_ms, hf_queue **out);
/* --tenant and the id in argument `index`. */
hf_status hf_cli_job_key(const hf_cli *cli, unsigned index, hf_job_key *out);
json_t *hf_cli_record_json(const hf_job_record *record);
/* One line for people. */
void hf_cli_record_head(void);
void hf_cli_record_line(const hf_job_record *record);

#define HF_OPTION_TENANT                                                                                     \
  { "tenant", HF_OPTION_TEXT, "NAME", "default", "whose job it is" }

#endif
