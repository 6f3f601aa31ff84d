/* What verifier/evm makes of bytes, for a comparison with ethers: answers each line of stdin with one line of
 * hexadecimal digits or text. Numbers and words are hexadecimal and big-endian.
 *
 *   chain L1 CONTRACT INDEX          the chain id, 64 digits
 *   data SLOTS WORDS OWNERS          rows of a batch: 3 SLOTS words of 64 digits without a separator; owners
 * of 40, or "-" settle ID M RECORDS ROWS... PROOF  calldata of settle: M records of 34 words, M times rows,
 * 71 words revert BYTES                     text topic SIGNATURE                  64 digits A refusal is
 * answered by "refused: " and its reason. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "evm.h"

static uint8_t *unhex(const char *text, size_t *length) {
  *length = strlen(text) / 2;
  uint8_t *bytes = calloc(1, *length + 1);
  if (bytes == NULL || hf_unhex(text, bytes, *length) != HF_OK) {
    fprintf(stderr, "evm_encode: not hexadecimal: %.20s\n", text);
    exit(1);
  }
  return bytes;
}

static void print(const uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) printf("%02x", bytes[i]);
  putchar('\n');
}

/* Every 32 bytes turned round: little-endian words. */
static uint8_t *words_of(const char *text, size_t *count) {
  uint8_t *bytes = unhex(text, count);
  *count /= 32;
  for (size_t i = 0; i < *count; i++)
    for (size_t k = 0; k < 16; k++) {
      uint8_t b = bytes[32 * i + k];
      bytes[32 * i + k] = bytes[32 * i + 31 - k];
      bytes[32 * i + 31 - k] = b;
    }
  return bytes;
}

static void answer(hf_status status, hf_writer *w) {
  if (status == HF_OK)
    print(w->data, w->length);
  else
    printf("refused: %s\n", hf_error_message());
  hf_writer_free(w);
}

static void chain(char **argument) {
  hf_evm_address contract;
  size_t length;
  uint8_t *address = unhex(argument[1], &length), word[32], be[32];
  memcpy(contract.byte, address, sizeof contract.byte);
  hf_evm_chain_id(strtoull(argument[0], NULL, 16), &contract, strtoull(argument[2], NULL, 16), word);
  for (int i = 0; i < 32; i++) be[i] = word[31 - i];
  print(be, sizeof be);
  free(address);
}

static void data(char **argument) {
  size_t words, owners = 0;
  uint8_t *bytes = words_of(argument[1], &words), *owner = NULL;
  hf_writer w = {0};
  if (strcmp(argument[2], "-") != 0) owner = unhex(argument[2], &owners);
  answer(hf_evm_data_encode((const uint8_t(*)[32])bytes, strtoull(argument[0], NULL, 16),
                            (const hf_evm_address *)owner, owners / 20, &w),
         &w);
  free(bytes);
  free(owner);
}

static hf_fr fr_at(const uint8_t *words, size_t i) {
  hf_fr v = hf_fr_zero();
  if (!hf_fr_from_bytes(words + 32 * i, &v))
    fprintf(stderr, "evm_encode: word %zu is not below r\n", i), exit(1);
  return v;
}

static hf_g1 g1_at(const uint8_t *words, size_t i) {
  hf_g1 p = hf_g1_infinity();
  if (!hf_fq_from_bytes(words + 32 * i, &p.x) || !hf_fq_from_bytes(words + 32 * i + 32, &p.y)) exit(1);
  return p;
}

static void read_proof(const uint8_t *words, hf_proof *proof) {
  size_t at = HF_SEAL_COUNT;
  proof->kappa = HF_EVM_KAPPA;
  proof->public_count = HF_SEAL_COUNT;
  for (size_t i = 0; i < HF_SEAL_COUNT; i++) proof->public_inputs[i] = fr_at(words, i);
  for (size_t i = 0; i < 3; i++, at += 2) proof->commitments[i] = g1_at(words, at);
  for (size_t i = 0; i < HF_EVALS_ZETA; i++) proof->at_zeta[i] = fr_at(words, at++);
  for (size_t i = 0; i < HF_EVALS_NEXT; i++) proof->at_next[i] = fr_at(words, at++);
  proof->w = g1_at(words, at);
  proof->w_prime = g1_at(words, at + 2);
}

static void settle(char **argument) {
  uint32_t m = (uint32_t)strtoul(argument[1], NULL, 16);
  size_t words;
  hf_proof *proof = calloc(1, sizeof *proof);
  hf_evm_data rows[HF_SEAL_RECORDS_MAX + 1];
  hf_writer w = {0};
  uint8_t *records = words_of(argument[2], &words), *sent;
  if (proof == NULL || m > HF_SEAL_RECORDS_MAX) exit(1);
  for (uint32_t i = 0; i < m; i++) rows[i].data = unhex(argument[3 + i], &rows[i].length);
  sent = words_of(argument[3 + m], &words);
  read_proof(sent, proof);
  answer(hf_evm_settle_calldata(strtoull(argument[0], NULL, 16), (const hf_batch_record *)records, rows, m,
                                proof, &w),
         &w);
  for (uint32_t i = 0; i < m; i++) free((uint8_t *)rows[i].data);
  free(records);
  free(sent);
  free(proof);
}

static void revert(char **argument) {
  char text[512];
  size_t length;
  uint8_t *bytes = unhex(strcmp(argument[0], "-") ? argument[0] : "", &length);
  bool known = hf_evm_revert_text(bytes, length, text, sizeof text);
  printf("%s%s\n", known ? "" : "unknown: ", text);
  free(bytes);
}

static void topic(char **argument) {
  uint8_t hash[32];
  hf_evm_topic(argument[0], hash);
  print(hash, sizeof hash);
}

int main(void) {
  static const struct {
    const char *name;
    void (*run)(char **argument);
  } commands[] = {{"chain", chain}, {"data", data}, {"settle", settle}, {"revert", revert}, {"topic", topic}};
  char *line = NULL, *argument[HF_SEAL_RECORDS_MAX + 8];
  size_t size = 0;
  while (getline(&line, &size, stdin) > 0) {
    size_t count = 0;
    for (char *word = strtok(line, " \n"); word != NULL && count < sizeof argument / sizeof *argument;
         word = strtok(NULL, " \n"))
      argument[count++] = word;
    for (size_t i = 0; i < sizeof commands / sizeof *commands && count > 0; i++)
      if (strcmp(commands[i].name, argument[0]) == 0) commands[i].run(argument + 1);
    fflush(stdout);
  }
  free(line);
  return 0;
}
