#include "anvil.h"

#include <criterion/criterion.h>
#include <hyperfold/file.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BINARY HF_SOURCE_DIR "/tests/evm/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"

/* The port that it chose, from its output: 0 while it has not said it. */
static unsigned port_of(int out) {
  static const char says[] = "\nListening on 127.0.0.1:";
  char text[1 << 14];
  const ssize_t length = pread(out, text, sizeof text - 1, 0);
  cr_assert(length >= 0);
  text[length] = 0;
  const char *found = strstr(text, says);
  return found != NULL && strchr(found + 1, '\n') != NULL ? (unsigned)atoi(found + sizeof says - 1) : 0;
}

void anvil_start(anvil *node) {
  unsigned port;
  if (access(BINARY, X_OK) != 0) cr_skip_test("anvil is absent (npm ci in tests/evm)");
  const pid_t parent = getpid();
  const int out = memfd_create("anvil", MFD_CLOEXEC);
  cr_assert(out >= 0);
  node->pid = fork();
  cr_assert(node->pid >= 0);
  if (node->pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || dup2(out, STDOUT_FILENO) < 0) _exit(1);
    execl(BINARY, "anvil", "--host", "127.0.0.1", "--port", "0", "--hardfork", "osaka", NULL);
    _exit(127);
  }
  for (int i = 0; (port = port_of(out)) == 0; i++) {
    cr_assert(i < 600 && waitpid(node->pid, NULL, WNOHANG) == 0, "anvil does not listen");
    usleep(50000);
  }
  close(out);
  snprintf(node->url, sizeof node->url, "http://127.0.0.1:%u", port);
  hf_rpc_options options = {.url = node->url};
  cr_assert(hf_rpc_open(&options, &node->rpc) == HF_OK);
}

void anvil_stop(anvil *node) {
  kill(node->pid, SIGKILL);
  waitpid(node->pid, NULL, 0);
  hf_rpc_close(&node->rpc);
}

json_t *anvil_call(anvil *node, const char *method, json_t *params) {
  json_t *result = NULL;
  hf_status status = hf_rpc_call(node->rpc, method, params, &result, NULL);
  cr_assert(status == HF_OK, "%s: %s", method, hf_error_message());
  return result;
}

void anvil_do(anvil *node, const char *method, json_t *params) {
  json_decref(anvil_call(node, method, params));
}
void anvil_mine(anvil *node, unsigned blocks) {
  for (unsigned i = 0; i < blocks; i++) anvil_do(node, "evm_mine", json_array());
}
void anvil_automine(anvil *node, bool on) { anvil_do(node, "evm_setAutomine", json_pack("[b]", (int)on)); }

void anvil_make_rich(anvil *node, const hf_eth_address *account) {
  char text[HF_ETH_ADDRESS_TEXT];
  hf_eth_address_text(account, text);
  anvil_do(node, "anvil_setBalance", json_pack("[s, s]", text, "0x3635c9adc5dea00000"));
}

uint64_t anvil_nonce(anvil *node, const hf_eth_address *account) {
  uint64_t nonce;
  cr_assert(hf_eth_nonce(node->rpc, account, HF_ETH_LATEST, &nonce) == HF_OK, "%s", hf_error_message());
  return nonce;
}

uint64_t anvil_balance(anvil *node, const hf_eth_address *account) {
  hf_u256 wide;
  uint64_t out;
  cr_assert(hf_eth_balance(node->rpc, account, &wide) == HF_OK && hf_u256_to_u64(&wide, &out) == HF_OK);
  return out;
}

hf_eth_key anvil_key(uint8_t number) {
  uint8_t secret[32] = {[0] = 0x5e, [31] = number};
  hf_eth_key key;
  cr_assert(hf_eth_key_from_secret(secret, &key) == HF_OK);
  return key;
}

char *anvil_folder(void) {
  char *folder = strdup(HF_BINARY_DIR "/settle-XXXXXX");
  cr_assert(folder != NULL && mkdtemp(folder) != NULL);
  return folder;
}

void anvil_folder_remove(char *folder) {
  char command[512];
  cr_assert(strstr(folder, "/settle-") != NULL);
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  cr_expect(system(command) == 0);
  free(folder);
}

void anvil_bytecode(const char *name, hf_writer *out) {
  char path[512];
  uint8_t *text;
  size_t length;
  snprintf(path, sizeof path, HF_SOURCE_DIR "/verifier/evm/generated/%s.bin", name);
  if (hf_file_read(path, 1 << 20, &text, &length) != HF_OK) cr_skip_test("%s is absent", path);
  while (length > 0 && text[length - 1] == '\n') text[--length] = 0;
  uint8_t *code = malloc(length / 2 + 1);
  cr_assert(code != NULL && length % 2 == 0 && hf_unhex((char *)text, code, length / 2) == HF_OK, "%s", path);
  hf_write_bytes(out, code, length / 2);
  free(code);
  free(text);
}
