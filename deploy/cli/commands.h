/* The subcommands, one file each (cmd_*.c). */
#ifndef HF_COMMANDS_H
#define HF_COMMANDS_H

#include "cli.h"

hf_status hf_verify_run(hf_cli *cli);
extern const hf_option hf_verify_options[];
hf_status hf_inspect_run(hf_cli *cli);
hf_status hf_settle_run(hf_cli *cli);
extern const hf_option hf_settle_options[];
extern const hf_command hf_l1_commands[];
extern const hf_command hf_wallet_commands[];
extern const hf_command hf_sequencer_commands[];
extern const hf_command hf_circuit_commands[];
extern const hf_command hf_bench_commands[];
hf_status hf_prove_run(hf_cli *cli);
extern const hf_option hf_prove_command_options[];
hf_status hf_demo_run(hf_cli *cli);
extern const hf_option hf_demo_options[];
hf_status hf_worker_command_run(hf_cli *cli);
extern const hf_option hf_worker_command_options[];
hf_status hf_aggregator_run(hf_cli *cli);
extern const hf_option hf_aggregator_options_list[];
hf_status hf_doctor_run(hf_cli *cli);
extern const hf_option hf_doctor_options[];
extern const hf_command hf_device_commands[];
extern const hf_command hf_srs_commands[];
extern const hf_command hf_job_commands[];
extern const hf_command hf_queue_commands[];
hf_status hf_top_run(hf_cli *cli);
extern const hf_option hf_top_options[];
hf_status hf_queue_metrics_run(hf_cli *cli);
hf_status hf_queue_backup_run(hf_cli *cli);
hf_status hf_queue_restored_run(hf_cli *cli);
hf_status hf_queue_usage_run(hf_cli *cli);
extern const hf_option hf_queue_usage_options[];
extern const hf_option hf_queue_metrics_options[];
extern const hf_command hf_pool_key_commands[];
/* Where libzmq is. */
hf_status hf_broker_run(hf_cli *cli);
extern const hf_option hf_broker_command_options[];
extern const hf_command hf_keys_commands[];

#endif
