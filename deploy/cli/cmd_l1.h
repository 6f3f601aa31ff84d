/* The halves of `hyperfold l1`: accounts and money (cmd_l1.c), contracts and chains (cmd_l1_deploy.c). */
#ifndef HF_CMD_L1_H
#define HF_CMD_L1_H

#include "eth_abi.h"
#include "l1_common.h"

extern const hf_option hf_l1_deploy_options[], hf_l1_register_options[];
hf_status hf_l1_deploy_run(hf_cli *cli);
hf_status hf_l1_register_run(hf_cli *cli);

#endif
