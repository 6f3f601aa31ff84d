/* A real Ethereum node (Foundry's anvil, from tests/evm/node_modules) on a chain of its own. */
#ifndef HF_ANVIL_H
#define HF_ANVIL_H

#include <sys/types.h>
#include "eth_node.h"

typedef struct anvil {
  pid_t pid;
  char url[64];
  hf_rpc *rpc;
} anvil;

/* Starts one; skips the test when there is none. It dies with the test's process. */
void anvil_start(anvil *node);
void anvil_stop(anvil *node);

/* A call that must succeed; the result is released by the caller. `params` as json_pack makes it. */
json_t *anvil_call(anvil *node, const char *method, json_t *params);
void anvil_do(anvil *node, const char *method, json_t *params); /* the same, result thrown away */
void anvil_mine(anvil *node, unsigned blocks);
void anvil_automine(anvil *node, bool on);
/* 1,000 ether. */
void anvil_make_rich(anvil *node, const hf_eth_address *account);
uint64_t anvil_nonce(anvil *node, const hf_eth_address *account);
/* Of accounts that hold little. */
uint64_t anvil_balance(anvil *node, const hf_eth_address *account);

/* A key from a number. */
hf_eth_key anvil_key(uint8_t number);
/* A fresh folder in the build tree, and away with it. */
char *anvil_folder(void);
void anvil_folder_remove(char *folder);

/* Creation code of a contract in verifier/evm/generated, with its constructor's arguments; skips when it is
 * not there. */
void anvil_bytecode(const char *name, hf_writer *out);

#endif
