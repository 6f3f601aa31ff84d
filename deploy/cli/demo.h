/* The parts of `hyperfold demo`: chains with load (demo_chains.c), worker processes (demo_workers.c), the
 * check of all proofs and the table (demo_check.c), aggregator and seal (demo_fold.c), a local Ethereum node and
 * what is done on it (demo_l1.c); cmd_demo.c puts them together. */
#ifndef HF_DEMO_H
#define HF_DEMO_H

#include "cli.h"
#include "queue.h"
#include "sequencer.h"
#include "transaction.h"
#include "verify.h"

#include <sys/types.h>

#define HF_DEMO_CHAINS  8
#define HF_DEMO_WORKERS 16 /* all that were ever started */
#define HF_DEMO_WITHDRAWAL 1000 /* gwei, claimed on L1 at the end */

typedef struct hf_demo_chain {
  hf_chain_id id;
  char name[32];
  uint64_t offered, accepted, refused[HF_REFUSALS];
  hf_deposit_counts deposits;
} hf_demo_chain;

typedef struct hf_demo_worker {
  pid_t pid; /* 0: ended */
  char name[32];
  char *out; /* file of its report lines, owned */
  bool killed;
} hf_demo_worker;

typedef struct hf_demo {
  hf_cli *cli;
  const char *data; /* the installation: SRS and keys stay from run to run */
  char *folder;     /* of this run: queue, chains, logs */
  char *queue_path;
  hf_rollup_params params;
  hf_queue *queue;
  hf_sequencer *sequencer;
  hf_demo_chain chains[HF_DEMO_CHAINS];
  unsigned chain_count;
  hf_demo_worker workers[HF_DEMO_WORKERS];
  unsigned worker_count; /* started so far */
  unsigned threads;      /* of each worker */
  unsigned lease;        /* seconds; 0: 20 */
  hf_digest vk_digest;
  hf_verifying_key vk;
  double began;
  double setup_seconds, proving_seconds;
  hf_job_key victim; /* the job whose worker was killed */
  uint64_t victim_epoch;
  uint64_t victim_progress; /* thousandths */
  bool killed;
  bool l1; /* there is a local Ethereum node */
  pid_t l1_node, aggregator; /* 0: ended or never started */
  char l1_url[64], l1_user_address[48];
  char *l1_operator, *l1_user; /* key files, owned */
} hf_demo;

/* Opens the chains, makes and submits their load, seals batches and puts the jobs in the queue. Every verdict
 * must be the one that the load was made for: HF_E_INTERNAL otherwise. */
hf_status hf_demo_chains_run(hf_demo *demo);

/* Starts one more worker process. */
hf_status hf_demo_worker_start(hf_demo *demo);
/* Kills the worker that has this name with SIGKILL and waits for its end. */
hf_status hf_demo_worker_kill(hf_demo *demo, const char *name);
/* HF_E_INTERNAL when a worker ended by itself. */
hf_status hf_demo_workers_alive(hf_demo *demo);
/* SIGTERM to all; they drain. HF_E_INTERNAL if one ends badly. */
hf_status hf_demo_workers_drain(hf_demo *demo);
/* SIGKILL to all that are left; for failures. */
void hf_demo_workers_end(hf_demo *demo);
/* The report line of the job's accepted proof; NULL if there is none. The caller releases it. */
json_t *hf_demo_report_of(hf_demo *demo, const hf_job_key *key);

/* Verifies every proof against the pinned key and the chain's own record, the chain of roots, and prints the
 * table, or adds to `batches` with --json. *count is the number of batches. */
hf_status hf_demo_check(hf_demo *demo, json_t *batches, unsigned *count);

/* Starts a process with this run's folder for its log: words[0] is a path, or "hyperfold" for this program. `out`: its
 * standard output, -1: the log too. -1 when it cannot be started. It dies with the demo. */
pid_t hf_demo_spawn(hf_demo *demo, const char *const *words, int out, const char *log);

/* The aggregator of this run's queue. */
hf_status hf_demo_aggregator_start(hf_demo *demo, bool drain);
void hf_demo_aggregator_kill(hf_demo *demo); /* SIGKILL; nothing when there is none */
/* *ended = it has ended well since the last look. HF_E_INTERNAL when it ended badly. */
hf_status hf_demo_aggregator_ended(hf_demo *demo, bool *ended);
/* Checks the published seal as a contract would, prints the tree with seconds (or adds to `folds`). *path: its file, owned by the
 * caller. */
hf_status hf_demo_sealed(hf_demo *demo, char **path, json_t *folds);

/* Starts a local Ethereum node and puts the contracts on it; demo->l1 stays false where there is no node to start. */
hf_status hf_demo_l1_start(hf_demo *demo);
hf_status hf_demo_l1_register(hf_demo *demo, unsigned chain, hf_chain_id *id);
hf_status hf_demo_l1_deposit(hf_demo *demo, const hf_deposit *deposit);
/* What the contract's queue holds, into the sequencer. */
hf_status hf_demo_l1_take_deposits(hf_demo *demo, hf_deposit_counts *counts);
/* A signed withdrawal of HF_DEMO_WITHDRAWAL to the user's account on L1. */
hf_status hf_demo_l1_withdrawal(hf_demo *demo, unsigned chain, char line[HF_TRANSACTION_JSON]);
/* Settles, compares the contract's roots with the chains', settles again (which must be refused), claims the withdrawal. */
hf_status hf_demo_l1_settle(hf_demo *demo, const char *sealed, json_t **report);
void hf_demo_l1_end(hf_demo *demo);

#endif
