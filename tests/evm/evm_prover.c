/* A prover of seals about anything, for the tests of contracts: a small circuit with the public words of a
 * seal that binds none of them to each other, under a development key of its own. Its proofs are true proofs
 * (of very little), and a contract made for its key takes them as it takes a seal's.
 *
 *   evm_prover KEY.vkey            writes the key, then answers each line of stdin until its end
 *   evm_prover --digest KEY.vkey   prints the digest of a key, 64 hexadecimal digits (big-endian)
 *
 * A line is the twelve public inputs as 64 hexadecimal digits each (big-endian), separated by spaces; with
 * "-" for the eighth-last and later words a true accumulator is put there: "statement m x y -". The answer is
 * one line: the words of inputs and proof, 71 x 64 digits, without a separator. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "circuit/builder.h"
#include "evm.h"
#include "keys.h"
#include "prove.h"

#define WIDTH 3
#define LINE  2048

/* The structure depends on nothing; the values are the words. */
static hf_status seal_circuit(const hf_fr words[HF_SEAL_COUNT], hf_circuit **out) {
  hf_status status;
  hf_builder *b = NULL;
  hf_var vars[HF_SEAL_COUNT];
  hf_builder_options options = {.table_width = WIDTH, .max_log_n = 10, .seal = true};
  HF_TRY(hf_builder_create(&options, &b));
  for (int i = 0; i < HF_SEAL_COUNT; i++) vars[i] = hf_hint(b, words[i], "word");
  hf_public_seal(b, vars);
  /* something to prove: m is not zero */
  hf_assert_nonzero(b, "records", vars[HF_SEAL_RECORDS]);
  HF_TRY(hf_builder_finish(b, out));
out:
  hf_builder_destroy(&b);
  return status;
}

typedef struct tool {
  hf_backend *backend;
  hf_srs *srs;
  hf_proving_key *key;
  hf_prover *prover;
} tool;

static hf_status tool_make(tool *t) {
  hf_status status;
  hf_circuit *circuit = NULL;
  hf_fr words[HF_SEAL_COUNT];
  hf_key_options options = {HF_EVM_KAPPA, HF_TRANSCRIPT_KECCAK};
  for (int i = 0; i < HF_SEAL_COUNT; i++) words[i] = hf_fr_one();
  HF_TRY(seal_circuit(words, &circuit));
  HF_TRY(hf_backend_create("cpu", &(hf_backend_options){.threads = 1}, &t->backend));
  HF_TRY(hf_srs_generate(HF_SRS_DEVELOPMENT_SECRET, hf_srs_points_needed(circuit->log_n, options.kappa), 1,
                         &t->srs));
  HF_TRY(hf_proving_key_derive(t->backend, t->srs, circuit, &options, &t->key));
  HF_TRY(hf_prover_create(t->backend, t->srs, t->key, &t->prover));
out:
  hf_circuit_destroy(&circuit);
  return status;
}

static void tool_free(tool *t) {
  hf_prover_destroy(&t->prover);
  hf_proving_key_destroy(&t->key);
  hf_srs_destroy(&t->srs);
  hf_backend_destroy(&t->backend);
}

static bool read_word(const char *text, hf_fr *out) {
  uint8_t be[32], le[32];
  if (strlen(text) != 64 || hf_unhex(text, be, sizeof be) != HF_OK) return false;
  for (int i = 0; i < 32; i++) le[i] = be[31 - i];
  return hf_fr_from_bytes(le, out);
}

static hf_status read_line(char *line, const hf_srs *srs, hf_fr words[HF_SEAL_COUNT]) {
  int count = 0;
  for (char *word = strtok(line, " \n"); word != NULL; word = strtok(NULL, " \n")) {
    if (strcmp(word, "-") == 0 && count == HF_SEAL_ACCUMULATOR) {
      /* e([tau], [1]) = e([1], [tau]) */
      hf_g1_to_words(srs->points[1], words + count);
      hf_g1_to_words(srs->points[0], words + count + 4);
      count = HF_SEAL_COUNT;
    } else if (count == HF_SEAL_COUNT || !read_word(word, &words[count++])) {
      return hf_fail(HF_E_FORMAT, "word %d is none", count);
    }
  }
  return count == HF_SEAL_COUNT ? HF_OK
                                : hf_fail(HF_E_FORMAT, "%d words instead of %d", count, HF_SEAL_COUNT);
}

static hf_status answer(tool *t, char *line) {
  hf_status status;
  hf_fr words[HF_SEAL_COUNT];
  hf_circuit *circuit = NULL;
  hf_proof *proof = calloc(1, sizeof *proof);
  hf_writer w = {0};
  if (!proof) return hf_fail(HF_E_MEMORY, "no memory for a proof");
  HF_TRY(read_line(line, t->srs, words));
  HF_TRY(seal_circuit(words, &circuit));
  HF_TRY(hf_prove(t->prover, circuit, NULL, proof, NULL));
  HF_TRY(hf_evm_input_words(proof, &w));
  HF_TRY(hf_evm_proof_words(proof, &w));
  for (size_t i = 0; i < w.length; i++) printf("%02x", w.data[i]);
  putchar('\n');
  fflush(stdout);
out:
  hf_writer_free(&w);
  hf_circuit_destroy(&circuit);
  free(proof);
  return status;
}

static hf_status print_digest(const char *path) {
  hf_status status;
  hf_verifying_key vk;
  uint8_t bytes[32];
  char hex[65];
  HF_TRY(hf_verifying_key_load(path, &vk));
  hf_fr_to_bytes_be(vk.digest, bytes);
  hf_hex(bytes, sizeof bytes, hex);
  puts(hex);
out:
  return status;
}

int main(int argc, char **argv) {
  hf_status status;
  tool t = {0};
  char line[LINE];
  if (argc == 3 && strcmp(argv[1], "--digest") == 0) {
    HF_TRY(print_digest(argv[2]));
    goto out;
  }
  if (argc != 2) return fputs("usage: evm_prover KEY.vkey\n", stderr), 2;
  HF_TRY(tool_make(&t));
  HF_TRY(hf_verifying_key_save(argv[1], &t.key->vk));
  while (fgets(line, sizeof line, stdin)) HF_TRY(answer(&t, line));
out:
  if (status != HF_OK) fprintf(stderr, "evm_prover: %s\n", hf_error_message());
  tool_free(&t);
  return status == HF_OK ? 0 : 1;
}
