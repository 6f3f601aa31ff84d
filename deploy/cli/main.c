/* hyperfold: one command, many subcommands. */
#include "cli.h"
#include "commands.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const hf_command hf_commands[] = {
    {.name = "demo",
     .summary = "two chains, two workers, one of them killed: from payments to a settlement on Ethereum",
     .options = hf_demo_options,
     .run = hf_demo_run},
    {.name = "sequencer",
     .summary = "payment chains: transactions in, batches out",
     .subcommands = hf_sequencer_commands},
    {.name = "worker",
     .summary = "prove what the queue has",
     .options = hf_worker_command_options,
     .run = hf_worker_command_run,
     .details = "Prints one line a job on stdout. SIGTERM or SIGINT: finish the job in hand and end; a "
                "second one: give the\n"
                "job back and end. Several workers may share a queue and a data folder."},
    {.name = "aggregator",
     .summary = "fold the proofs of batches into one for a contract",
     .options = hf_aggregator_options_list,
     .run = hf_aggregator_run,
     .details = "Plans folds and seals as jobs of the same queue and proves nothing itself. Prints one line an "
                "event; writes\n"
                "OUT/NUMBER.sealed for each seal. May be killed and started again at any time. A seal that L1 does not take for "
                "one of its\nchains: --replan SEAL --without CHAIN."},
    {.name = "job", .summary = "submit, get, wait for, cancel and list jobs", .subcommands = hf_job_commands},
    {.name = "pool-key", .summary = "keys that inputs of jobs are sealed to", .subcommands = hf_pool_key_commands},
    {.name = "queue", .summary = "look at the queue and repair it", .subcommands = hf_queue_commands},
#ifdef HF_BROKER
    {.name = "broker",
     .summary = "serve this machine's queue to other machines",
     .options = hf_broker_command_options,
     .run = hf_broker_run,
     .details = "Clients and workers use it with --queue zmq://HOST:PORT?server-key=FILE&key-file=FILE. Who may do what says the list\n"
                "of keys (hyperfold keys), which is looked at again every second. SIGTERM: answer what has come and end. It may be\n"
                "killed and started again at any time."},
    {.name = "keys", .summary = "key pairs, and who may talk to a broker", .subcommands = hf_keys_commands},
#endif
    {.name = "top",
     .summary = "the queue and its fleet, live",
     .options = hf_top_options,
     .run = hf_top_run,
     .details = "q ends it. With --once, or where there is no terminal, one page is printed; with --json one document. Alarms: dead\n"
                "letters, workers in quarantine, failures from leases no longer held, jobs that wait for long or for nobody."},
    {.name = "prove",
     .summary = "make one proof, without a queue",
     .arguments = "INPUT",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = hf_prove_command_options,
     .run = hf_prove_run,
     .details = "The proof is verified before it is written. Exit status 4 when the input does not satisfy "
                "the circuit."},
    {.name = "verify",
     .summary = "check a proof against a verifying key",
     .arguments = "PROOF",
     .min_arguments = 1,
     .max_arguments = 1,
     .options = hf_verify_options,
     .run = hf_verify_run,
     .details = "PROOF is a proof or a sealed file. Exit status 0 when it is valid, 4 when it is not, 3 when\n"
                "it was made with another key. A valid proof says that its\n"
                "public inputs satisfy the circuit of the key, and for a node or seal that all proofs below are "
                "valid too (the\n"
                "accumulator is decided). What it is about is compared with --statement or --records; of a sealed "
                "file the\n"
                "records and their posted data are checked always."},
    {.name = "inspect",
     .summary = "say what a file is and what is in it",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .run = hf_inspect_run,
     .details =
         "Keys, proofs, sealed files, inputs and SRS; what is shown was parsed and checked as it is everywhere."},
    {.name = "srs",
     .summary = "generate, import, show and check the powers of tau",
     .subcommands = hf_srs_commands},
    {.name = "circuit",
     .summary = "what can be proven, what it costs, its key",
     .subcommands = hf_circuit_commands},
    {.name = "wallet", .summary = "keys, signed payments, made-up load", .subcommands = hf_wallet_commands},
    {.name = "settle",
     .summary = "sealed proofs become transactions on Ethereum",
     .arguments = "[SEALED...]",
     .max_arguments = HF_CLI_ARGUMENTS,
     .options = hf_settle_options,
     .run = hf_settle_run,
     .details = "Each file is settled once: what is sent is in a journal (DATA/l1) before it leaves, and a command that "
                "was\nkilled goes on when it is called again. What somebody else has settled is done. Without files: goes on "
                "with\neverything that was begun. Exit status 4 when the contract refuses, with its reason."},
    {.name = "l1",
     .summary = "contracts, chains, deposits and claims on Ethereum",
     .subcommands = hf_l1_commands},
    {.name = "device", .summary = "what this machine can prove on", .subcommands = hf_device_commands},
    {.name = "bench", .summary = "measure this machine", .subcommands = hf_bench_commands},
    {.name = "doctor",
     .summary = "is this machine fit, and is the data folder whole?",
     .options = hf_doctor_options,
     .run = hf_doctor_run},
    {.name = NULL},
};

static hf_status print_help(hf_cli *cli) {
  if (!cli->json) {
    hf_cli_usage(cli, cli->command, stdout);
    return HF_OK;
  }
  char *text = NULL;
  size_t length = 0;
  FILE *to = open_memstream(&text, &length);
  if (to == NULL) return hf_fail(HF_E_MEMORY, "no memory for the help");
  hf_cli_usage(cli, cli->command, to);
  fclose(to);
  hf_status status = hf_cli_print_json(cli, json_pack("{s:s, s:s}", "command", cli->path, "help", text));
  free(text);
  return status;
}

int main(int argc, char **argv) {
  hf_cli cli = {0};
  bool help;
  signal(SIGPIPE, SIG_IGN); /* a closed stdout is an error of a write, not a death */
  if (argc == 2 && strcmp(argv[1], "--version") == 0)
    return printf("hyperfold %s\n", HF_VERSION) < 0 || fflush(stdout) != 0 ? hf_exit_code(HF_E_IO) : 0;
  hf_status status = hf_cli_parse(&cli, argc, argv, &help);
  if (status == HF_OK && help) {
    status = print_help(&cli);
  } else if (status == HF_OK) {
    status = cli.command->run(&cli);
  }
  hf_cli_progress(NULL);
  if (fflush(stdout) != 0 && status == HF_OK) status = hf_fail(HF_E_IO, "stdout: %s", strerror(errno));
  if (status != HF_OK) {
    const char *message = hf_error_message();
    fprintf(stderr, "hyperfold%s%s: %s: %s\n", cli.path[0] ? " " : "", cli.path, hf_status_text(status),
            message);
    if (cli.json && !cli.printed) {
      (void)hf_cli_print_json(&cli, json_pack("{s:{s:i, s:i, s:s, s:o}}", "error", "code", (int)status,
                                              "exit", hf_exit_code(status), "status", hf_status_text(status),
                                              "message", hf_cli_json_text(message)));
    }
  }
  hf_cli_release(&cli);
  return hf_exit_code(status);
}
