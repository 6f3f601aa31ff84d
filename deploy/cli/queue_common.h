/* What the commands that talk to a queue share. */
#ifndef HF_QUEUE_COMMON_H
#define HF_QUEUE_COMMON_H

#include "cli.h"
#include "queue.h"

/* Opens the queue of --queue, or DATA/queue; makes it where none is. */
hf_status hf_cli_queue_open(hf_cli *cli, hf_queue **out);
/* For those who ask of what is there already: a folder that was misspelt is HF_E_NOT_FOUND, and is not made. */
hf_status hf_cli_queue_open_there(hf_cli *cli, hf_queue **out);
/* For those who stay, and make it where none is: all of a local store is looked over first. `lease_ms`: 0 for the default. */
hf_status hf_cli_queue_open_lease(hf_cli *cli, uint64_t lease_ms, hf_queue **out);
/* The same of what is there already. */
hf_status hf_cli_queue_open_whole(hf_cli *cli, hf_queue **out);
/* The same with another patience than the default: for those who watch a queue and must not wait for it. */
hf_status hf_cli_queue_open_patience(hf_cli *cli, uint64_t busy_ms, hf_queue **out);
/* --tenant and the id in argument `index`. */
hf_status hf_cli_job_key(const hf_cli *cli, unsigned index, hf_job_key *out);
json_t *hf_cli_record_json(const hf_job_record *record);
/* One line for people. */
void hf_cli_record_head(void);
void hf_cli_record_line(const hf_job_record *record);

/* A list that is asked for page by page: each entry is printed as it comes, or all of them are one document. */
#define HF_CLI_PAGE 64
typedef struct hf_cli_pages {
  hf_queue *queue;
  void *page;   /* room for HF_CLI_PAGE entries */
  json_t *list; /* of those seen, for --json */
} hf_cli_pages;

/* Opens the queue, with pages of entries of `size` bytes. */
hf_status hf_cli_pages_open(hf_cli *cli, size_t size, hf_cli_pages *out);
/* With --json and no error so far prints {"name": list}. The status of it all; a zeroed one is fine. */
hf_status hf_cli_pages_close(hf_cli *cli, hf_cli_pages *pages, const char *name, hf_status status);

#define HF_OPTION_TENANT                                                                                     \
  { "tenant", HF_OPTION_TEXT, "NAME", "default", "whose job it is" }

#endif
